//! JSON lines become batches of text fields for a list of columns.
//!
//! In: lines, each one JSON object. Out: rows of a [`TextBatch`]. A column is a key, or a path of keys joined by points
//! (`customer.id`); a key that holds a point itself is found too, and wins. Text is unescaped, numbers stay as they are
//! written, `true` and `false` stay words, `null` and what is absent are missing (empty), the values of an array are joined by
//! `|`, an object where a value is asked for is its JSON text. A key that is there twice is an error, as is all else that is not
//! JSON; the line is then rejected with the class [`BAD_JSON`].

use super::batch::TextBatch;
use crate::error::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// The class of a line that is not one JSON object.
pub(crate) const BAD_JSON: &str = "bad_json";
/// Most keys in a path; an object below them is a value, its JSON text.
const MAX_KEYS: usize = 8;
/// Objects whose keys make the columns.
const SAMPLE_OBJECTS: usize = 1_000;

/// Where in a line the JSON went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonFault {
    /// Byte of the line, from 0.
    pub(crate) byte: usize,
}

/// The columns of a sample of lines: the keys of its first 1,000 objects, in the order in which they first appear; nested
/// objects give a path for each of their keys. Lines that are no object are left out; a last line that is cut off is one.
///
/// # Errors
/// 65, class `empty_file`, where no line is an object, `empty_header` where no object has a key.
pub(crate) fn columns(sample: &[u8]) -> Result<Vec<String>> {
    let mut seen = HashSet::new();
    let mut columns = Vec::new();
    let mut objects = 0;
    for line in sample.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        if objects == SAMPLE_OBJECTS {
            break;
        }
        let mut paths = Vec::new();
        let mut reader = serde_json::Deserializer::from_slice(without_bom(line));
        let read = Paths { prefix: "", depth: 0, paths: &mut paths }.deserialize(&mut reader).and_then(|()| reader.end());
        if read.is_ok() {
            objects += 1;
            for path in paths {
                if !seen.contains(&path) {
                    seen.insert(path.clone());
                    columns.push(path);
                }
            }
        }
    }
    if objects == 0 {
        return Err(Error::data("empty_file: no line is a JSON object; the format is one object a line"));
    }
    if columns.is_empty() {
        return Err(Error::data("empty_header: no object has a key; check the export"));
    }
    Ok(columns)
}

/// Reads lines into rows of the columns asked for.
#[derive(Debug, Clone)]
pub(crate) struct JsonReader {
    root: Node,
    width: usize,
    /// Text of the columns of the current line; `None` where missing.
    cells: Vec<Option<Vec<u8>>>,
    /// Buffers taken back from the previous line.
    spare: Vec<Vec<u8>>,
}

/// What is wanted below an object.
#[derive(Debug, Clone, Default)]
struct Node {
    keys: Vec<(String, Wanted)>,
}

/// What is wanted of a key.
#[derive(Debug, Clone, Default)]
struct Wanted {
    /// Columns that take the value itself.
    columns: Vec<usize>,
    /// Columns that take something inside it.
    inside: Node,
}

impl Node {
    /// Enters a column under every way its path may be cut at its points.
    fn enter(&mut self, path: &str, column: usize) {
        self.wanted(path).columns.push(column);
        for (point, _) in path.match_indices('.') {
            self.wanted(&path[..point]).inside.enter(&path[point + 1..], column);
        }
    }
    fn wanted(&mut self, key: &str) -> &mut Wanted {
        let index = self.keys.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            self.keys.push((key.to_owned(), Wanted::default()));
            self.keys.len() - 1
        });
        &mut self.keys[index].1
    }
}

impl JsonReader {
    /// A reader for columns, in this order.
    ///
    /// # Errors
    /// 65 for a path of more than 8 keys.
    pub(crate) fn new(columns: &[&str]) -> Result<JsonReader> {
        let mut root = Node::default();
        for (index, path) in columns.iter().enumerate() {
            // The ways to cut a path double with each point.
            if path.matches('.').count() >= MAX_KEYS {
                return Err(Error::data(format!("the path has more than {MAX_KEYS} keys")).column(*path));
            }
            root.enter(path, index);
        }
        Ok(JsonReader { root, width: columns.len(), cells: vec![None; columns.len()], spare: Vec::new() })
    }

    /// Number of columns.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Adds the row of one line; adds nothing when the line is at fault. Blank lines are the caller's to leave out.
    ///
    /// # Errors
    /// Where the line stops being one JSON object.
    pub(crate) fn read(&mut self, line: &[u8], batch: &mut TextBatch) -> std::result::Result<(), JsonFault> {
        self.spare.extend(self.cells.iter_mut().filter_map(Option::take));
        let text = without_bom(line);
        let mut reader = serde_json::Deserializer::from_slice(text);
        let seed = Object { node: &self.root, cells: &mut self.cells, spare: &mut self.spare };
        if let Err(error) = seed.deserialize(&mut reader).and_then(|()| reader.end()) {
            // Within one line the column counts bytes, from 1.
            return Err(JsonFault { byte: (line.len() - text.len() + error.column().saturating_sub(1)).min(line.len()) });
        }
        for cell in &self.cells[..self.width] {
            batch.push_with(|text| text.extend_from_slice(cell.as_deref().unwrap_or_default()));
        }
        Ok(())
    }
}

/// A byte order mark may stand before the first line.
fn without_bom(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
}

/// A key, borrowed where it has no escape.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E>(self, key: &'de str) -> std::result::Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }
    fn visit_str<E>(self, key: &str) -> std::result::Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// Reads an object for the columns below it.
struct Object<'a> {
    node: &'a Node,
    cells: &'a mut [Option<Vec<u8>>],
    spare: &'a mut Vec<Vec<u8>>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let Object { node, cells, spare } = self;
        let mut met = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            let Some(index) = node.keys.iter().position(|(name, _)| *name == *key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if met.contains(&index) {
                return Err(A::Error::custom("a key is there twice"));
            }
            met.push(index);
            let wanted = &node.keys[index].1;
            let value: &RawValue = map.next_value()?;
            let raw = value.get();
            if raw.starts_with('{') && !wanted.inside.keys.is_empty() {
                let mut inner = vec![None; cells.len()];
                let seed = Object { node: &wanted.inside, cells: &mut inner, spare };
                seed.deserialize(&mut serde_json::Deserializer::from_str(raw)).map_err(A::Error::custom)?;
                // The key that holds points itself wins over the path, whichever comes first.
                for (cell, found) in cells.iter_mut().zip(inner) {
                    if cell.is_none() {
                        *cell = found;
                    }
                }
            }
            for column in &wanted.columns {
                let mut text = spare.pop().unwrap_or_default();
                text.clear();
                cells[*column] = append(raw, &mut text).map_err(A::Error::custom)?.then_some(text);
            }
        }
        Ok(())
    }
}

/// Appends the text of a value; `false` where it is null. An array is taken apart once: what it holds in turn stays JSON, so
/// that no nest is too deep.
fn append(raw: &str, text: &mut Vec<u8>) -> serde_json::Result<bool> {
    if !raw.starts_with('[') {
        return append_plain(raw, text);
    }
    for (index, value) in serde_json::from_str::<Vec<&RawValue>>(raw)?.into_iter().enumerate() {
        if index > 0 {
            text.push(b'|');
        }
        append_plain(value.get(), text)?;
    }
    Ok(true)
}

/// Appends the text of a value that is not taken apart.
fn append_plain(raw: &str, text: &mut Vec<u8>) -> serde_json::Result<bool> {
    match raw.as_bytes().first() {
        Some(b'n') => return Ok(false),
        Some(b'"') => match raw.get(1..raw.len() - 1) {
            Some(plain) if memchr::memchr(b'\\', plain.as_bytes()).is_none() => text.extend_from_slice(plain.as_bytes()),
            _ => text.extend_from_slice(serde_json::from_str::<String>(raw)?.as_bytes()),
        },
        _ => text.extend_from_slice(raw.as_bytes()),
    }
    Ok(true)
}

/// Collects the paths of an object.
struct Paths<'a> {
    prefix: &'a str,
    /// Keys in the prefix.
    depth: usize,
    paths: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Paths<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Paths<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            let path = if self.prefix.is_empty() { key.into_owned() } else { format!("{}.{key}", self.prefix) };
            let value: &RawValue = map.next_value()?;
            if value.get().starts_with('{') && self.depth + 1 < MAX_KEYS {
                let inner = Paths { prefix: &path, depth: self.depth + 1, paths: self.paths };
                inner.deserialize(&mut serde_json::Deserializer::from_str(value.get())).map_err(A::Error::custom)?;
            } else {
                self.paths.push(path);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn row(columns: &[&str], line: &str) -> std::result::Result<Vec<String>, usize> {
        let mut batch = TextBatch::new(columns.len());
        let mut reader = JsonReader::new(columns).unwrap();
        let read = reader.read(line.as_bytes(), &mut batch);
        assert_eq!(batch.rows(), usize::from(read.is_ok()));
        read.map_err(|fault| fault.byte)?;
        Ok((0..columns.len()).map(|column| String::from_utf8(batch.field(0, column).to_vec()).unwrap()).collect())
    }

    #[test]
    fn values_become_text_as_they_are_written() {
        for (value, expected) in [
            ("\"ada\"", "ada"),
            (r#""a\"b\\c\n\u00e9\ud83d\ude00""#, "a\"b\\c\né😀"),
            ("1.10", "1.10"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("-1E-3", "-1E-3"),
            ("true", "true"),
            ("null", ""),
            ("[]", ""),
            (r#"["web", "mail\t", 3, null, [1,2]]"#, "web|mail\t|3||[1,2]"),
            (r#"{"b": 1}"#, r#"{"b": 1}"#),
        ] {
            assert_eq!(row(&["a"], &format!("{{\"x\": [1, {{}}], \"a\" : {value} , \"z\": \"\"}}")).unwrap(), [expected], "{value}");
        }
        assert_eq!(row(&["b", "a"], r#"{"a": 1}"#).unwrap(), ["", "1"]);
        assert_eq!(row(&["a", "a"], "\u{feff} {\"\\u0061\": 1}\r").unwrap(), ["1", "1"]);
    }

    #[test]
    fn a_path_reaches_into_objects_and_a_key_with_a_point_wins() {
        let columns = ["a.b", "a.c.d", "a"];
        assert_eq!(row(&columns, r#"{"a": {"b": 1, "c": {"d": "x"}}}"#).unwrap(), ["1", "x", r#"{"b": 1, "c": {"d": "x"}}"#]);
        assert_eq!(row(&columns, r#"{"a.b": 2, "a": {"b": 1, "c.d": 3}}"#).unwrap()[..2], ["2", "3"]);
        assert_eq!(row(&columns, r#"{"a": {"b": 1}, "a.b": 2}"#).unwrap()[0], "2");
        assert_eq!(row(&columns, r#"{"a": [1]}"#).unwrap(), ["", "", "1"]);
    }

    #[test]
    fn a_line_that_is_not_one_object_is_at_fault_where_it_goes_wrong() {
        for (line, byte) in [
            ("{\"a\": 1", 6..=7),
            ("{\"a\": 1} x", 9..=9),
            ("{\"a\": 1}{\"a\": 2}", 8..=8),
            ("[1]", 0..=0),
            ("\"a\"", 0..=2),
            ("{\"a\": 01}", 6..=7),
            ("{\"a\": nul}", 6..=9),
            ("{\"a\": 1, \"a\": 2}", 0..=15),
            ("{\"a\": \"\\ud800\"}", 0..=15),
            ("{a: 1}", 1..=1),
        ] {
            let found = row(&["a"], line).unwrap_err();
            assert!(byte.contains(&found), "{line}: {found}");
        }
        assert!(JsonReader::new(&["a"]).unwrap().read(b"{\"a\": \"\xff\"}", &mut TextBatch::new(1)).is_err());
        assert_eq!(JsonReader::new(&["a.b.c.d.e.f.g.h.i"]).unwrap_err().kind().exit_code(), 65);
    }

    #[test]
    fn a_deep_nest_does_not_overflow_the_stack() {
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(row(&["a"], &deep).is_ok());
        let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert!(row(&["a", "a.a.a"], &deep).is_ok());
        assert_eq!(columns(deep.as_bytes()).unwrap(), ["a.a.a.a.a.a.a.a"]);
    }

    #[test]
    fn columns_are_the_keys_in_order_of_first_appearance() {
        let sample = "\u{feff}{\"id\": 1, \"who\": {\"mail\": \"x\", \"age\": {\"years\": 3}}}\n\nnot json\n{\"at\": \"2020\", \"id\": 2, \"tags\": [{\"k\": 1}]}\n{\"cut";
        assert_eq!(columns(sample.as_bytes()).unwrap(), ["id", "who.mail", "who.age.years", "at", "tags"]);
        assert!(columns(b"[]\n").unwrap_err().message().starts_with("empty_file"));
        assert!(columns(b"{}\n").unwrap_err().message().starts_with("empty_header"));
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![Just(serde_json::Value::Null), any::<bool>().prop_map(Into::into), any::<i64>().prop_map(Into::into), ".*".prop_map(Into::into)];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::hash_map("[a-c.]{0,3}", inner, 0..4).prop_map(|map| { serde_json::Value::Object(map.into_iter().collect()) })
            ]
        })
    }

    proptest! {
        #[test]
        fn text_and_numbers_come_back_whatever_stands_around_them(text in ".*", number: i64, around in any_value()) {
            let line = serde_json::json!({"before": around, "text": text, "deep": {"number": number}, "zz": around}).to_string();
            prop_assert_eq!(row(&["deep.number", "text"], &line).unwrap(), [number.to_string(), text]);
        }

        #[test]
        fn no_bytes_panic(line in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\":,\\an.1e ".to_vec())], 0..60)) {
            let _ = JsonReader::new(&["a", "a.n"]).unwrap().read(&line, &mut TextBatch::new(2));
            let _ = columns(&line);
        }
    }
}
