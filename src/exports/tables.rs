//! Rows of `[[offers]]`, `[[treatments]]` and `[[identities]]`: small tables of texts whose numbers and dates are checked.
//!
//! Texts are written the way the stages after this read them: dates as `YYYY-MM-DD`, with ` HH:MM:SS` where the time is not
//! midnight; `valid_for` in days; several values joined with `|`; everything else as it stands, treated as declared.

use super::column::{NumberColumnReader, Row, TextColumn, TimeColumn};
use super::events::check_utf8;
use super::reject::{Class, Refusal};
use crate::timeline::Moment;

/// How a column of a table is read.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// An id: a row without it is refused.
    Id(TextColumn),
    Text(TextColumn),
    /// Checked, and written as it stands.
    Number(NumberColumnReader, TextColumn),
    /// A number times this many days.
    Days(NumberColumnReader, f64),
    Time(TimeColumn),
}

/// The columns of a table, bound to the header of one file.
#[derive(Debug, Clone)]
pub(super) struct TableColumns {
    pub(super) cells: Vec<Cell>,
    /// Which cell is the time that counts for the newest row.
    pub(super) time: Option<usize>,
}

/// The accepted rows of one block.
#[derive(Debug, Default)]
pub(super) struct TableBatch {
    pub(super) rows: Vec<Vec<String>>,
    /// Row numbers in the block.
    pub(super) numbers: Vec<u32>,
    pub(super) newest: Option<i64>,
}

/// A moment as tables write it.
pub(super) fn moment_text(seconds: i64) -> String {
    let moment = Moment(seconds);
    let rest = seconds.rem_euclid(86_400);
    if rest == 0 { moment.date() } else { format!("{} {:02}:{:02}:{:02}", moment.date(), rest / 3_600, rest / 60 % 60, rest % 60) }
}

impl TableColumns {
    /// Takes one row into the batch. The id of a table without one is filled in later, from the row number.
    pub(super) fn take(&mut self, row: &Row, batch: &mut TableBatch, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        let mut texts = Vec::with_capacity(self.cells.len());
        let mut newest = None;
        for (place, cell) in self.cells.iter_mut().enumerate() {
            let text = match cell {
                Cell::Id(column) if column.is_row_number() => String::new(),
                Cell::Id(column) => match column.get(row, buffer) {
                    Some(text) => utf8(row, column, text)?,
                    None => return Err(Refusal::new(Class::MissingId, &column.name, column.raw(row))),
                },
                Cell::Text(column) => match column.get(row, buffer) {
                    Some(text) => utf8(row, column, text)?,
                    None => String::new(),
                },
                Cell::Number(reader, column) => {
                    let value = reader.get(row, buffer)?;
                    match column.get(row, buffer) {
                        _ if value.is_nan() => String::new(),
                        Some(text) if std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok()) => utf8(row, column, text)?,
                        _ => value.to_string(),
                    }
                }
                Cell::Days(reader, days) => {
                    let value = reader.get(row, buffer)? * *days;
                    if value.is_nan() { String::new() } else { value.to_string() }
                }
                Cell::Time(column) => match column.get(row, buffer)? {
                    Some(seconds) => {
                        if self.time == Some(place) {
                            newest = Some(seconds);
                        }
                        moment_text(seconds)
                    }
                    None if self.time == Some(place) => return Err(Refusal::new(Class::BadDate, column.name(), b"")),
                    None => String::new(),
                },
            };
            texts.push(text);
        }
        batch.rows.push(texts);
        batch.numbers.push(row.record.row);
        batch.newest = batch.newest.max(newest);
        Ok(())
    }
}

fn utf8(row: &Row, column: &TextColumn, text: &[u8]) -> Result<String, Refusal> {
    check_utf8(row, column, text)?;
    Ok(String::from_utf8_lossy(text).into_owned())
}
