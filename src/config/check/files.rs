//! What every source has: which files, how they are laid out, which rows count.

use super::Surroundings;
use crate::config::condition::Condition;
use crate::config::raw::{Field, Table};
use crate::config::{Delimiter, Duplicates, Files, FillDown, Format, Layout, Lookup, Role, USUAL_MISSING};
use crate::error::Result;

/// Keys that every source has.
pub(super) const KEYS: [&str; 15] = [
    "files",
    "format",
    "delimiter",
    "encoding",
    "columns",
    "layout",
    "where",
    "lookup",
    "fill_down",
    "missing",
    "duplicates",
    "id",
    "role",
    "max_age",
    "min_rows",
];
pub(super) const LOOKUP_KEYS: [&str; 4] = ["files", "on", "key", "many"];
pub(super) const FILL_DOWN_KEYS: [&str; 2] = ["by", "columns"];

/// A row condition under a key.
pub(super) fn row_condition(table: &Table<'_>, key: &str) -> Result<Option<Condition>> {
    table.read(key, |field| condition(field, Condition::parse_row))
}

/// A condition; its place within the text is told beside the place of the text.
pub(super) fn condition(field: &Field<'_>, parse: impl Fn(&str) -> Result<Condition>) -> Result<Condition> {
    parse(&field.text()?).map_err(|error| {
        let column = error.place().column.as_deref().unwrap_or("1");
        field.error(format!("at letter {column} of the condition: {}", error.message()))
    })
}

/// The files of a source.
pub(super) fn files(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Result<Files> {
    let Some(patterns) = table.get("files") else {
        return Err(table.error("has no `files`, expected files, folders or patterns such as files = [\"orders/*.csv\"]"));
    };
    let layout = table.read("layout", |field| field.choice(&[("rows", Layout::Rows), ("list", Layout::List)]))?.unwrap_or(Layout::Rows);
    let columns = table.read("columns", |field| column_names(field, "the names of all columns, in the order of the file"))?;
    if let (Layout::List, Some(field)) = (layout, table.get("columns")) {
        return Err(field.error("stands beside layout = \"list\", whose columns are always `customer` and `item`; leave it out"));
    }
    Ok(Files {
        patterns: surroundings.paths(&patterns)?,
        format: table.read("format", |field| {
            field.choice(&[
                ("csv", Format::Csv),
                ("csv.gz", Format::Csv),
                ("csv.zst", Format::Csv),
                ("parquet", Format::Parquet),
                ("jsonl", Format::JsonLines),
                ("jsonl.gz", Format::JsonLines),
                ("jsonl.zst", Format::JsonLines),
            ])
        })?,
        delimiter: table.read("delimiter", |field| {
            let byte = |text, byte| (text, Delimiter::Byte(byte));
            field.choice(&[byte(",", b','), byte(";", b';'), byte("\t", b'\t'), byte("tab", b'\t'), byte("|", b'|'), ("spaces", Delimiter::Spaces)])
        })?,
        encoding: table.read("encoding", |field| {
            let label = field.word()?;
            match encoding_rs::Encoding::for_label(label.as_bytes()) {
                Some(_) => Ok(label),
                None => Err(field.wrong("an encoding such as \"utf-8\", \"windows-1252\", \"gbk\" or \"shift_jis\"")),
            }
        })?,
        columns,
        layout,
        condition: row_condition(table, "where")?,
        lookups: table.read("lookup", |field| field.one_or_list()?.iter().map(|entry| lookup(entry, surroundings)).collect())?.unwrap_or_default(),
        fill_down: match (layout, table.get("fill_down")) {
            (Layout::List, Some(field)) => return Err(field.error("stands beside layout = \"list\", where no row belongs to another; leave it out")),
            (_, field) => field.map(|field| fill_down(&field)).transpose()?,
        },
        missing: table.read("missing", missing)?.unwrap_or_else(|| USUAL_MISSING.map(str::to_owned).to_vec()),
        duplicates: table
            .read("duplicates", |field| field.choice(&[("across_files", Duplicates::AcrossFiles), ("drop", Duplicates::Drop), ("keep", Duplicates::Keep)]))?
            .unwrap_or(Duplicates::AcrossFiles),
        id: table.read("id", Field::word)?,
        role: table.read("role", |field| field.choice(&[("fit", Role::Fit), ("test", Role::Test)]))?.unwrap_or(Role::Fit),
        max_age: table.read("max_age", Field::span)?,
        min_rows: table.read("min_rows", |field| field.whole(1, u64::MAX))?,
        line: table.line(),
    })
}

/// `role = "test"` where it has no meaning.
pub(super) fn refuse_role(table: &Table<'_>) -> Result<()> {
    match table.get("role") {
        Some(field) if field.text()? == "test" => Err(field.error(
            "found \"test\", which only [[events]] can have: test events are the truth for the recommender; leave these rows out or measure with --folds",
        )),
        _ => Ok(()),
    }
}

/// `max_age` where no row has an age.
pub(super) fn refuse_max_age(table: &Table<'_>, has_time: bool) -> Result<()> {
    match table.get("max_age") {
        Some(field) if !has_time => Err(field.error("needs `time`: without it no row has an age; add `time` or leave `max_age` out")),
        _ => Ok(()),
    }
}

/// Names of columns, at least one, each once; `expected` is said where there is none.
pub(super) fn column_names(field: &Field<'_>, expected: &str) -> Result<Vec<String>> {
    let names = field.words()?;
    if names.is_empty() {
        return Err(field.wrong(expected));
    }
    match names.iter().enumerate().find(|(position, name)| names[..*position].contains(name)) {
        Some((_, name)) => Err(field.error(format!("found the column \"{name}\" twice, expected each once"))),
        None => Ok(names),
    }
}

/// The texts that mean no value. An empty field always does.
fn missing(field: &Field<'_>) -> Result<Vec<String>> {
    let mut texts = vec![String::new()];
    for text in field.list()? {
        let text = text.scalar()?;
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Ok(texts)
}

fn fill_down(field: &Field<'_>) -> Result<FillDown> {
    let table = field.table(&[&FILL_DOWN_KEYS])?;
    let (Some(by), Some(columns)) = (table.get("by"), table.get("columns")) else {
        return Err(table.error("expected `by` and `columns`, such as { by = \"order_id\", columns = [\"status\"] }"));
    };
    let (by, names) = (by.word()?, column_names(&columns, "names of columns")?);
    if names.contains(&by) {
        return Err(columns.error(format!("holds \"{by}\", by which rows are known to belong together: it is never empty on one of them; leave it out")));
    }
    Ok(FillDown { by, columns: names })
}

fn lookup(field: &Field<'_>, surroundings: &Surroundings<'_>) -> Result<Lookup> {
    let table = field.table(&[&LOOKUP_KEYS])?;
    let (Some(files), Some(on)) = (table.get("files"), table.get("on")) else {
        return Err(table.error("expected `files` and `on`, such as { files = \"shops.csv\", on = \"shop_id\" }"));
    };
    let on = on.word()?;
    let key = table.read("key", Field::word)?.unwrap_or_else(|| on.clone());
    Ok(Lookup { patterns: surroundings.paths(&files)?, on, key, many: table.read("many", Field::flag)?.unwrap_or(false) })
}
