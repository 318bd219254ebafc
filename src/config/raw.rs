//! The config as typed: a tree of values that know where they stand, with `--set` laid over it, and typed access to it.
//!
//! In: the text of the file and the overrides. Out: [`Table`] and [`Field`], through which [`super::check`] reads. Opening a
//! table names its keys, so a misspelt key is reported before anything else that its absence would cause.

use super::Span;
use crate::error::{Error, Result};
use std::path::PathBuf;
use toml::de::{DeTable, DeValue};

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    /// At a byte of the file.
    File(usize),
    /// In an override, by its position on the command line.
    Override(usize),
}

/// A value and where it stands.
#[derive(Debug, Clone)]
struct Node {
    value: Value,
    at: At,
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    /// A number, with its plain decimal text.
    Number(f64, String),
    Integer(i64),
    Bool(bool),
    /// A date, time or stamp as TOML writes it.
    Date(String),
    List(Vec<Node>),
    /// Entries in the order of the file.
    Table(Vec<Entry>),
}

#[derive(Debug, Clone)]
struct Entry {
    key: String,
    key_at: At,
    node: Node,
}

/// The text behind a document: turns places into messages.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    text: String,
    overrides: Vec<String>,
}

impl Source {
    /// An error at a place.
    fn error(&self, at: At, message: impl AsRef<str>) -> Error {
        match at {
            At::File(byte) => {
                let (line, column) = line_and_column(&self.text, byte);
                Error::config(message.as_ref()).file(&self.path).line(line).column(column.to_string())
            }
            At::Override(position) => Error::config(format!("--set {}: {}", self.overrides[position], message.as_ref())),
        }
    }

    fn line(&self, at: At) -> u64 {
        match at {
            At::File(byte) => line_and_column(&self.text, byte).0,
            At::Override(_) => 0,
        }
    }
}

/// Line and column of a byte, both from 1, the column in letters.
fn line_and_column(text: &str, byte: usize) -> (u64, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.bytes().filter(|b| *b == b'\n').count() as u64 + 1, before[line_start..].chars().count() + 1)
}

/// A parsed config file with its overrides applied.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) source: Source,
    root: Node,
}

impl Document {
    /// Parses the text and lays the overrides over it, in order.
    ///
    /// # Errors
    /// 78 with line and column for bad TOML, or naming the override that does not fit.
    pub(super) fn parse(path: PathBuf, text: String, overrides: &[String]) -> Result<Document> {
        let source = Source { path, text, overrides: overrides.to_vec() };
        let mut root = match DeTable::parse(&source.text) {
            Ok(table) => {
                let start = table.span().start;
                Node { value: entries(table.into_inner(), &At::File), at: At::File(start) }
            }
            Err(error) => return Err(source.error(At::File(error.span().map_or(0, |span| span.start)), one_line(error.message()))),
        };
        for (position, text) in source.overrides.iter().enumerate() {
            let (keys, value) = split_override(text).ok_or_else(|| {
                source.error(
                    At::Override(position),
                    "found no key and value, expected key=value with a dotted key such as churn.horizon=60d or events.0.files=[\"new.csv\"]",
                )
            })?;
            lay_over(&mut root, &keys, value, position).map_err(|message| source.error(At::Override(position), message))?;
        }
        Ok(Document { source, root })
    }

    /// The whole document as a table.
    pub(super) fn table(&self, keys: &[&str]) -> Result<Table<'_>> {
        Field { source: &self.source, node: &self.root, name: "the config".to_owned() }.table(&[keys])
    }
}

/// TOML's messages may run over lines; ours are one.
fn one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join(", ")
}

fn entries(table: DeTable<'_>, at: &impl Fn(usize) -> At) -> Value {
    let mut entries: Vec<(usize, Entry)> = table
        .into_iter()
        .map(|(key, value)| {
            let start = key.span().start;
            (start, Entry { key: key.into_inner().into_owned(), key_at: at(start), node: node(value, at) })
        })
        .collect();
    entries.sort_by_key(|(start, _)| *start);
    Value::Table(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn node(value: toml::Spanned<DeValue<'_>>, at: &impl Fn(usize) -> At) -> Node {
    let start = value.span().start;
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Number(f64::INFINITY, digits.to_string()),
        },
        DeValue::Float(digits) => Value::Number(digits.as_str().parse().unwrap_or(f64::NAN), digits.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Bool(flag),
        DeValue::Datetime(stamp) => Value::Date(stamp.to_string()),
        DeValue::Array(list) => Value::List(list.into_iter().map(|value| node(value, at)).collect()),
        DeValue::Table(table) => entries(table, at),
    };
    Node { value, at: at(start) }
}

/// The keys and the text of the value. A quoted key may hold an equals sign, so each is tried in turn.
fn split_override(text: &str) -> Option<(Vec<String>, &str)> {
    text.match_indices('=').find_map(|(equals, _)| {
        let keys = dotted(&text[..equals])?;
        Some((keys, text[equals + 1..].trim()))
    })
}

fn dotted(key: &str) -> Option<Vec<String>> {
    if key.contains('\n') {
        return None;
    }
    let line = format!("{key} = 0");
    let mut table = DeTable::parse(&line).ok()?.into_inner();
    let mut keys = Vec::new();
    loop {
        let (key, value) = table.into_iter().next()?;
        keys.push(key.into_inner().into_owned());
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(keys),
        }
    }
}

/// The value of an override: TOML where it is TOML, else text.
fn override_value(text: &str, position: usize) -> Value {
    let at = |_| At::Override(position);
    let line = format!("x = {text}");
    match DeTable::parse(&line).map(|table| entries(table.into_inner(), &at)) {
        Ok(Value::Table(mut entries)) if entries.len() == 1 && entries[0].key == "x" => entries.swap_remove(0).node.value,
        _ => Value::Text(text.to_owned()),
    }
}

fn lay_over(node: &mut Node, keys: &[String], text: &str, position: usize) -> std::result::Result<(), String> {
    let at = At::Override(position);
    let Some((key, rest)) = keys.split_first() else {
        *node = Node { value: override_value(text, position), at };
        return Ok(());
    };
    match &mut node.value {
        Value::Table(entries) => {
            let index = match entries.iter().position(|entry| entry.key == *key) {
                Some(index) => index,
                None => {
                    entries.push(Entry { key: key.clone(), key_at: at, node: Node { value: Value::Table(Vec::new()), at } });
                    entries.len() - 1
                }
            };
            lay_over(&mut entries[index].node, rest, text, position)
        }
        Value::List(list) => {
            let length = list.len();
            let numbers = if length == 0 { "it has none".to_owned() } else { format!("they are numbered 0 to {}", length - 1) };
            let inner = key.parse::<usize>().ok().and_then(|index| list.get_mut(index));
            lay_over(inner.ok_or_else(|| format!("found `{key}` inside a list, expected the number of one of its entries ({numbers})"))?, rest, text, position)
        }
        other => Err(format!("found `{key}` inside {}, expected a table or a list there", describe(other))),
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("the text {text:?}"),
        Value::Number(_, text) => format!("the number {text}"),
        Value::Integer(integer) => format!("the number {integer}"),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Date(date) => format!("the date {date}"),
        Value::List(list) if list.is_empty() => "an empty list".to_owned(),
        Value::List(list) => format!("a list of {}", list.len()),
        Value::Table(_) => "a table".to_owned(),
    }
}

/// A value with the name it goes by in messages.
#[derive(Debug, Clone)]
pub(super) struct Field<'d> {
    source: &'d Source,
    node: &'d Node,
    name: String,
}

/// A table whose keys are all known.
#[derive(Debug, Clone)]
pub(super) struct Table<'d> {
    field: Field<'d>,
    entries: &'d [Entry],
}

impl<'d> Table<'d> {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<Field<'d>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let name = if self.field.name == "the config" { format!("`{key}`") } else { format!("`{key}` in {}", self.field.name) };
        Some(Field { source: self.field.source, node: &entry.node, name })
    }

    /// The value of a key, read by `read`.
    pub(super) fn read<T>(&self, key: &str, read: impl FnOnce(&Field<'d>) -> Result<T>) -> Result<Option<T>> {
        self.get(key).map(|field| read(&field)).transpose()
    }

    /// All keys with their values, in the order of the file.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'d str, Field<'d>)> + '_ {
        self.entries.iter().filter_map(|entry| self.get(&entry.key).map(|field| (entry.key.as_str(), field)))
    }

    /// An error at the beginning of the table.
    pub(super) fn error(&self, message: impl AsRef<str>) -> Error {
        self.field.error(message)
    }

    /// The line of the table; 0 where an override made it.
    pub(super) fn line(&self) -> u64 {
        self.field.source.line(self.field.node.at)
    }
}

impl<'d> Field<'d> {
    /// An error at the value, beginning with its name.
    pub(super) fn error(&self, message: impl AsRef<str>) -> Error {
        self.source.error(self.node.at, format!("{}: {}", self.name, message.as_ref()))
    }

    /// An error saying what was found and what was expected.
    pub(super) fn wrong(&self, expected: &str) -> Error {
        self.error(format!("found {}, expected {expected}", describe(&self.node.value)))
    }

    /// As [`Field::wrong`], the value if it is there, else the error.
    fn or_wrong<T>(&self, value: Option<T>, expected: &str) -> Result<T> {
        value.ok_or_else(|| self.wrong(expected))
    }

    /// The same value under another name in messages.
    pub(super) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// A text. In an override a bare number, date or flag is taken as typed: the shell has no quotes left to tell them apart.
    pub(super) fn text(&self) -> Result<String> {
        match (&self.node.value, self.node.at) {
            (Value::Text(text), _) => Ok(text.clone()),
            (_, At::Override(_)) => self.scalar(),
            _ => Err(self.wrong("a text in quotes")),
        }
    }

    /// A text that is not empty.
    pub(super) fn word(&self) -> Result<String> {
        let text = self.text()?;
        if text.is_empty() { Err(self.wrong("a text that is not empty")) } else { Ok(text) }
    }

    /// Any single value as text: how a field of a file would hold it.
    pub(super) fn scalar(&self) -> Result<String> {
        match &self.node.value {
            Value::Text(text) | Value::Number(_, text) | Value::Date(text) => Ok(text.clone()),
            Value::Integer(integer) => Ok(integer.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            Value::List(_) | Value::Table(_) => Err(self.wrong("a single value")),
        }
    }

    /// A calendar day, as TOML date or as text, in the form YYYY-MM-DD.
    pub(super) fn date(&self) -> Result<String> {
        const EXPECTED: &str = "a day such as 2024-01-31";
        let (Value::Text(text) | Value::Date(text)) = &self.node.value else { return Err(self.wrong(EXPECTED)) };
        let exact = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
        self.or_wrong(exact.then(|| text.clone()), EXPECTED)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self) -> Result<bool> {
        match &self.node.value {
            Value::Bool(flag) => Ok(*flag),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// A finite number that `accepts`; `expected` says which.
    pub(super) fn number(&self, expected: &str, accepts: impl FnOnce(f64) -> bool) -> Result<f64> {
        let number = match self.node.value {
            Value::Number(number, _) => Some(number),
            Value::Integer(integer) => Some(integer as f64),
            _ => None,
        };
        self.or_wrong(number.filter(|number| number.is_finite()).filter(|number| accepts(*number)), expected)
    }

    /// A whole number from `least` to `most`.
    pub(super) fn whole(&self, least: u64, most: u64) -> Result<u64> {
        let found = match self.node.value {
            Value::Integer(integer) => u64::try_from(integer).ok().filter(|number| (least..=most).contains(number)),
            _ => None,
        };
        let expected = match most {
            u64::MAX => format!("a whole number, {least} or more"),
            _ => format!("a whole number from {least} to {most}"),
        };
        self.or_wrong(found, &expected)
    }

    /// A duration above zero.
    pub(super) fn span(&self) -> Result<Span> {
        let span = match &self.node.value {
            Value::Text(text) => Span::parse(text).filter(|span| span.seconds > 0),
            _ => None,
        };
        self.or_wrong(span, "a duration above zero such as \"36h\", \"90d\", \"12w\", \"6mo\" or \"1y\"")
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T> {
        let words = || choices.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let found = match &self.node.value {
            Value::Text(text) => choices.iter().find(|(word, _)| word == text),
            _ => None,
        };
        found.map(|(_, value)| *value).ok_or_else(|| self.wrong(&format!("one of {}", words())))
    }

    /// The entries of a list.
    pub(super) fn list(&self) -> Result<Vec<Field<'d>>> {
        match &self.node.value {
            Value::List(list) => Ok(list.iter().map(|node| Field { source: self.source, node, name: self.name.clone() }).collect()),
            _ => Err(self.wrong("a list in [ ]")),
        }
    }

    /// The entries of a list, or the one value that stands for a list of one.
    pub(super) fn one_or_list(&self) -> Result<Vec<Field<'d>>> {
        if self.is_list() { self.list() } else { Ok(vec![self.clone()]) }
    }

    /// A list of texts that are not empty.
    pub(super) fn words(&self) -> Result<Vec<String>> {
        self.list()?.iter().map(Field::word).collect()
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.node.value, Value::Table(_))
    }

    /// Whether it is `true` or `false`.
    pub(super) fn is_flag(&self) -> bool {
        matches!(self.node.value, Value::Bool(_))
    }

    /// A table whose keys are all among `keys`.
    ///
    /// # Errors
    /// 78 naming the first unknown key, where it stands, and the nearest known one.
    pub(super) fn table(&self, keys: &[&[&str]]) -> Result<Table<'d>> {
        let table = self.open_table()?;
        let known = || keys.iter().flat_map(|keys| keys.iter().copied());
        if let Some(entry) = table.entries.iter().find(|entry| known().all(|key| key != entry.key)) {
            let advice = match super::nearest(&entry.key, known()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => {
                    let mut all: Vec<&str> = known().collect();
                    all.sort_unstable();
                    format!("the known keys are {}", all.join(", "))
                }
            };
            return Err(self.source.error(entry.key_at, format!("unknown key `{}` in {}, {advice}", entry.key, self.name)));
        }
        Ok(table)
    }

    /// A table whose keys are names of the user's.
    pub(super) fn open_table(&self) -> Result<Table<'d>> {
        match &self.node.value {
            Value::Table(entries) => Ok(Table { field: self.clone(), entries }),
            _ => Err(self.wrong("a table")),
        }
    }
}
