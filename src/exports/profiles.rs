//! Rows of `[[profiles]]`: which columns of the file are features, and the columns they are gathered in.

use super::column::{NumberColumnReader, Row, TextColumn, TimeColumn};
use super::events::{check_utf8, code};
use super::intern::Interner;
use super::reads::LastRow;
use super::reject::{Class, Refusal};
use crate::config::{Column, ProfileSource};

/// What a profile column was declared to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    Number,
    Category,
    Date,
    /// Settled by the whole column.
    Inferred,
}

/// A column of profiles, before it is bound to a file.
#[derive(Debug, Clone)]
pub(super) struct PlannedColumn {
    pub(super) name: String,
    pub(super) column: Column,
    pub(super) declared: Declared,
}

/// The columns of a profile source: those declared, then those of the file that have no other role.
///
/// `taken` names columns that a source of the same file uses otherwise: events and items, responses, arms and labels.
pub(super) fn plan_columns(source: &ProfileSource, header: &[String], taken: &[String]) -> Vec<PlannedColumn> {
    let mut columns: Vec<PlannedColumn> = Vec::new();
    for (named, declared) in [(&source.numbers, Declared::Number), (&source.categories, Declared::Category), (&source.dates, Declared::Date)] {
        columns.extend(named.iter().map(|named| PlannedColumn { name: named.name.clone(), column: named.column.clone(), declared }));
    }
    let mut used: Vec<&str> = columns.iter().flat_map(|planned| planned.column.names()).collect();
    let roles = [Some(&source.customer), source.household.as_ref(), source.time.as_ref()].into_iter().flatten();
    used.extend(roles.chain(super::rights::columns(source).map(|(_, told)| &told.column)).flat_map(Column::names));
    if let Some(label) = &source.label {
        used.extend(label.column.names());
        used.extend(label.time.iter().flat_map(Column::names));
    }
    used.extend(source.drop.iter().chain(&source.carry).chain(taken).map(String::as_str));
    let inferred: Vec<PlannedColumn> = header
        .iter()
        // Names of rows have no name themselves.
        .filter(|name| !name.is_empty() && !used.contains(&name.as_str()))
        .map(|name| PlannedColumn { name: name.clone(), column: Column::named(name.as_str()), declared: Declared::Inferred })
        .collect();
    columns.extend(inferred);
    columns
}

#[derive(Debug, Clone)]
pub(super) enum ValueReader {
    Number(NumberColumnReader),
    Date(TimeColumn),
    Text(TextColumn),
}

/// The columns of a profile source, bound to the header of one file.
#[derive(Debug, Clone)]
pub(super) struct ProfileColumns {
    pub(super) customer: TextColumn,
    pub(super) time: Option<TimeColumn>,
    /// The label and the trimmed text that means churned.
    pub(super) label: Option<(TextColumn, Vec<u8>)>,
    pub(super) values: Vec<ValueReader>,
    pub(super) carry: Vec<TextColumn>,
    pub(super) last: LastRow,
}

/// One worker's texts of a profile source.
#[derive(Debug, Default)]
pub(super) struct ProfileTexts {
    pub(super) customers: Interner,
    /// By column; unused for numbers and dates.
    pub(super) values: Vec<Interner>,
    pub(super) carry: Vec<Interner>,
}

/// Values of a column.
#[derive(Debug)]
pub(super) enum ValueBatch {
    Number(Vec<f64>),
    Date(Vec<i64>),
    Text(Vec<u32>),
}

/// The accepted rows of one block. Rows that repeat the one before them, time included, are counted in `times`.
#[derive(Debug, Default)]
pub(super) struct ProfileBatch {
    pub(super) customer: Vec<u32>,
    pub(super) customer_is_row: bool,
    pub(super) time: Vec<i64>,
    /// `None` where missing or blank.
    pub(super) label: Vec<Option<bool>>,
    pub(super) values: Vec<ValueBatch>,
    pub(super) carry: Vec<Vec<u32>>,
    pub(super) times: Vec<u32>,
    /// Row number in the block, line and byte, for refusals that only the whole file shows.
    pub(super) place: Vec<(u32, u64, u64)>,
}

impl ProfileColumns {
    /// Takes one row into the batch.
    pub(super) fn take(&mut self, row: &Row, texts: &mut ProfileTexts, batch: &mut ProfileBatch, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        // A file of orders has one profile row per order line.
        let folds = self.time.is_some() && self.label.is_none() && !self.customer.is_row_number();
        if folds
            && self.last.is_repeated(row)
            && let Some(times) = batch.times.last_mut()
        {
            *times += 1;
            return Ok(());
        }
        let time = self.time.as_mut().map(|column| column.get_needed(row, buffer)).transpose()?;
        // Everything that may refuse the row comes before the first push.
        let mut numbers = Vec::new();
        for value in &mut self.values {
            match value {
                ValueReader::Number(reader) => numbers.push(reader.get(row, buffer)?.to_bits()),
                ValueReader::Date(reader) => numbers.push(reader.get(row, buffer)?.unwrap_or(i64::MIN) as u64),
                ValueReader::Text(column) => {
                    if let Some(text) = column.get(row, buffer) {
                        check_utf8(row, column, text)?;
                    }
                }
            }
        }
        for column in self.carry.iter().chain([&self.customer]).chain(self.label.as_ref().map(|(column, _)| column)) {
            if let Some(text) = column.get(row, buffer) {
                check_utf8(row, column, text)?;
            }
        }
        let customer = if self.customer.is_row_number() {
            batch.customer_is_row = true;
            row.record.row
        } else {
            match self.customer.get(row, buffer) {
                None => return Err(Refusal::new(Class::MissingId, &self.customer.name, self.customer.raw(row))),
                Some(text) => texts.customers.intern(text),
            }
        };
        batch.customer.push(customer);
        batch.time.extend(time);
        batch.times.push(1);
        batch.place.push((row.record.row, row.record.line, row.record.byte));
        if let Some((column, positive)) = &self.label {
            batch.label.push(column.get(row, buffer).map(|text| text.trim_ascii() == &positive[..]));
        }
        texts.values.resize_with(self.values.len(), Interner::default);
        texts.carry.resize_with(self.carry.len(), Interner::default);
        if batch.customer.len() == 1 {
            batch.values = self.values.iter().map(ValueReader::empty).collect();
            batch.carry = vec![Vec::new(); self.carry.len()];
        }
        let mut numbers = numbers.into_iter();
        for ((reader, values), texts) in self.values.iter().zip(&mut batch.values).zip(&mut texts.values) {
            match (reader, values) {
                (ValueReader::Text(column), ValueBatch::Text(codes)) => codes.push(code(column, row, texts, buffer)?),
                (_, ValueBatch::Number(values)) => values.extend(numbers.next().map(f64::from_bits)),
                (_, ValueBatch::Date(values)) => values.extend(numbers.next().map(|bits| bits as i64)),
                (_, ValueBatch::Text(_)) => {}
            }
        }
        for ((column, codes), texts) in self.carry.iter().zip(&mut batch.carry).zip(&mut texts.carry) {
            codes.push(code(column, row, texts, buffer)?);
        }
        if folds {
            self.last.accept(row);
        }
        Ok(())
    }
}

impl ValueReader {
    fn empty(&self) -> ValueBatch {
        match self {
            ValueReader::Number(_) => ValueBatch::Number(Vec::new()),
            ValueReader::Date(_) => ValueBatch::Date(Vec::new()),
            ValueReader::Text(_) => ValueBatch::Text(Vec::new()),
        }
    }
}

impl ProfileBatch {
    pub(super) fn len(&self) -> usize {
        self.customer.len()
    }
}
