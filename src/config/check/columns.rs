//! The one grammar for a column: a name, several names, or a table with its treatment.

use crate::config::raw::Field;
use crate::config::{Case, Column, ColumnSource, NamedColumn, Unit};
use crate::error::Result;

/// Keys of a column's table.
pub(super) const KEYS: [&str; 12] = ["column", "value", "row", "format", "unit", "origin", "map", "missing", "split", "case", "strip", "strip_suffix"];

/// What a key takes from its column; decides which treatment makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// The id of a customer or household: several columns compound, the row number serves, a constant does not.
    Customer,
    /// Another id: several columns compound.
    Id,
    /// Words: kinds, names, categories coarse to fine.
    Text,
    /// A number: several columns are summed.
    Number,
    /// A moment.
    Time,
    /// A length of time.
    Duration,
}

/// The column that the field describes.
///
/// # Errors
/// 78 for what is no column, and for treatment that has no meaning for what the key holds.
pub(super) fn column(field: &Field<'_>, holds: Holds) -> Result<Column> {
    column_with(field, holds, &[])
}

/// As [`column`], with further keys that the caller reads from the same table.
pub(super) fn column_with(field: &Field<'_>, holds: Holds, more_keys: &[&str]) -> Result<Column> {
    let column = if field.is_table() { treated(field, holds, more_keys)? } else { Column::from_source(names(field)?) };
    if let ColumnSource::Several(names) = &column.source
        && matches!(holds, Holds::Time | Holds::Duration)
    {
        return Err(field.error(format!("found {} columns, expected one: a time stands in one column", names.len())));
    }
    Ok(column)
}

/// A list of columns, each known by its own name.
pub(super) fn named_columns(field: Option<Field<'_>>, holds: Holds) -> Result<Vec<NamedColumn>> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let mut columns: Vec<NamedColumn> = Vec::new();
    for entry in field.list()? {
        let column = column(&entry, holds)?;
        let name = match &column.source {
            ColumnSource::Name(name) => name.clone(),
            ColumnSource::Several(names) => names.join("+"),
            ColumnSource::Value(_) | ColumnSource::Row => return Err(entry.wrong("the name of a column, or a table with `column`")),
        };
        if columns.iter().any(|known| known.name == name) {
            return Err(entry.error(format!("found the column \"{name}\" twice, expected each once")));
        }
        columns.push(NamedColumn { name, column });
    }
    Ok(columns)
}

fn names(field: &Field<'_>) -> Result<ColumnSource> {
    const EXPECTED: &str = "the name of a column in quotes, a list of names, or a table such as { column = \"name\" }";
    if !field.is_list() {
        return match field.text() {
            Ok(name) if !name.is_empty() => Ok(ColumnSource::Name(name)),
            _ => Err(field.wrong(EXPECTED)),
        };
    }
    let mut names = field.words()?;
    for (position, name) in names.iter().enumerate() {
        if names[..position].contains(name) {
            return Err(field.error(format!("found the column \"{name}\" twice, expected each once")));
        }
    }
    match names.len() {
        0 => Err(field.wrong(EXPECTED)),
        1 => Ok(ColumnSource::Name(names.swap_remove(0))),
        _ => Ok(ColumnSource::Several(names)),
    }
}

fn treated(field: &Field<'_>, holds: Holds, more_keys: &[&str]) -> Result<Column> {
    let table = field.table(&[&KEYS, more_keys])?;
    let source = match (table.get("column"), table.get("value"), table.get("row")) {
        (Some(column), None, None) => names(&column)?,
        (None, Some(value), None) if holds == Holds::Customer => return Err(value.error("found one constant for all rows, expected a column with the id")),
        (None, Some(value), None) => ColumnSource::Value(value.scalar()?),
        (None, None, Some(row)) if holds != Holds::Customer => return Err(row.error("found `row`, which numbers customers, expected `column` or `value`")),
        (None, None, Some(row)) if row.flag()? => ColumnSource::Row,
        (None, None, Some(row)) => return Err(row.wrong("`row = true`, or `column` in its place")),
        _ => return Err(table.error("expected exactly one of `column`, `value` and `row`")),
    };
    let text = |key: &str| table.read(key, Field::word);
    let mut column = Column::from_source(source);
    column.format = text("format")?;
    let units = [("s", Unit::Seconds), ("ms", Unit::Milliseconds), ("us", Unit::Microseconds), ("hours", Unit::Hours), ("days", Unit::Days)];
    column.unit = table.read("unit", |field| field.choice(&units))?;
    column.origin = text("origin")?;
    column.map = table.read("map", map)?.unwrap_or_default();
    column.missing = table.read("missing", |field| field.list()?.iter().map(Field::scalar).collect())?.unwrap_or_default();
    column.split = text("split")?;
    column.case = table.read("case", |field| field.choice(&[("upper", Case::Upper), ("lower", Case::Lower)]))?;
    column.strip = table.read("strip", strip)?.unwrap_or_default();
    column.strip_suffix = text("strip_suffix")?;

    let refuse = |key: &str, why: &str| table.get(key).map_or(Ok(()), |field| Err(field.error(why)));
    if matches!(column.source, ColumnSource::Value(_) | ColumnSource::Row) {
        for key in ["map", "missing", "split", "case", "strip", "strip_suffix"] {
            refuse(key, "has no effect on a constant or a row number; leave it out")?;
        }
    }
    match holds {
        Holds::Time | Holds::Duration => {
            for key in ["split", "case", "strip"] {
                refuse(key, "has no effect on a time; leave it out")?;
            }
        }
        Holds::Number => {
            for key in ["format", "unit", "origin", "split", "case"] {
                refuse(key, "has no effect on a number; leave it out")?;
            }
        }
        Holds::Customer | Holds::Id | Holds::Text => {
            for key in ["format", "unit", "origin"] {
                refuse(key, "has no effect on text; leave it out, or name the column as a time or date")?;
            }
        }
    }
    if holds == Holds::Customer {
        refuse("split", "would make several customers of one row; leave it out")?;
    }
    if holds == Holds::Duration {
        for key in ["format", "origin"] {
            refuse(key, "has no effect on a length of time; use `unit`")?;
        }
    }
    if holds == Holds::Time {
        time(&column, &table, refuse)?;
    }
    Ok(column)
}

/// What a time needs to be a moment: a format, or a unit and (for hours and days) the moment from which they count.
fn time(column: &Column, table: &crate::config::raw::Table<'_>, refuse: impl Fn(&str, &str) -> Result<()>) -> Result<()> {
    if column.unit.is_some() {
        refuse("format", "stands beside `unit`: a time is either written as a date or counted as a number; keep one")?;
    } else {
        refuse("origin", "needs `unit`: say what is counted from it (s, ms, hours or days)")?;
    }
    if matches!(column.unit, Some(Unit::Hours | Unit::Days)) && column.origin.is_none() {
        return Err(table.error("counts hours or days, but from when? Add `origin`, such as origin = \"2018-08-01\""));
    }
    if let (Some(origin), Some(field)) = (&column.origin, table.get("origin"))
        && !is_moment(origin)
    {
        return Err(field.wrong("a day or a moment such as \"2018-08-01\" or \"2018-08-01 06:00:00\""));
    }
    if let (Some(format), Some(field)) = (&column.format, table.get("format"))
        && let Err(reason) = jiff::fmt::strtime::format(format, &jiff::Zoned::new(jiff::Timestamp::UNIX_EPOCH, jiff::tz::TimeZone::UTC))
    {
        return Err(field.error(format!("found {format:?}, expected a date format such as \"%d/%m/%Y %H:%M\": {reason}")));
    }
    Ok(())
}

fn is_moment(text: &str) -> bool {
    text.parse::<jiff::civil::DateTime>().is_ok() || text.parse::<jiff::Timestamp>().is_ok()
}

/// Texts to be taken out.
fn strip(field: &Field<'_>) -> Result<Vec<String>> {
    let texts: Vec<String> = field.list()?.iter().map(Field::scalar).collect::<Result<_>>()?;
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(field.wrong("at least one text, none of them empty, such as [\"$\", \",\"]"));
    }
    Ok(texts)
}

/// Values renamed, sorted by what is found.
fn map(field: &Field<'_>) -> Result<Vec<(String, String)>> {
    let mut map = field.open_table()?.all().map(|(found, meant)| Ok((found.to_owned(), meant.scalar()?))).collect::<Result<Vec<_>>>()?;
    if map.is_empty() {
        return Err(field.wrong("at least one pair such as { \"transaction\" = \"purchase\" }"));
    }
    map.sort();
    Ok(map)
}
