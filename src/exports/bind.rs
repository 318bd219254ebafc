//! A source meets the header of a file: columns become positions, conditions are resolved, lookups are joined.

use super::column::{Missing, NumberColumnReader, Row, TextColumn, TimeColumn};
use super::events::{EventColumns, Heads};
use super::items::ItemColumns;
use super::lookup::{BoundLookup, LookupTable};
use super::plan::SourceTable;
use super::profiles::{Declared, PlannedColumn, ProfileColumns, ValueReader};
use super::reads::{LastRow, Reads};
use super::record::Record;
use super::tables::{Cell, TableColumns};
use crate::config::condition::BoundCondition;
use crate::config::{Column, Response, Unit};
use crate::error::{Error, Result};
use std::path::Path;
use std::sync::Arc;

/// What a source reads of a row.
#[derive(Debug, Clone)]
pub(super) enum Columns {
    Events(Box<EventColumns>),
    Profiles(Box<ProfileColumns>),
    Items(Box<ItemColumns>),
    Table(TableColumns),
}

/// A source bound to the header of one file.
#[derive(Debug, Clone)]
pub(super) struct BoundSource {
    pub(super) columns: Columns,
    condition: Option<BoundCondition>,
    missing: Missing,
    pub(super) lookups: Vec<BoundLookup>,
    /// Columns of the file.
    width: usize,
}

/// Binds a source. `planned` are the columns of a profile source.
///
/// # Errors
/// 65 for a column the file does not have, 78 for a condition or a treatment that makes no sense; with the file.
pub(super) fn bind(
    table: SourceTable,
    header: &[String],
    lookups: &[Arc<LookupTable>],
    planned: &[PlannedColumn],
    timezone: &str,
    path: &Path,
) -> Result<BoundSource> {
    bind_columns(table, header, lookups, planned, timezone).map_err(|error| error.file(path))
}

/// The header of a file and of the lookups joined to it. A column that is filled is the joined one: the file's own has no name.
pub(super) fn joined_header(header: &[String], lookups: &[Arc<LookupTable>]) -> Vec<String> {
    let is_filled = |name: &String| lookups.iter().any(|lookup| lookup.fills && lookup.columns.contains(name));
    let own = header.iter().map(|name| if is_filled(name) { String::new() } else { name.clone() });
    own.chain(lookups.iter().flat_map(|lookup| lookup.columns.iter().cloned())).collect()
}

fn bind_columns(table: SourceTable, header: &[String], lookups: &[Arc<LookupTable>], planned: &[PlannedColumn], timezone: &str) -> Result<BoundSource> {
    let files = table.files();
    let width = header.len();
    let all = joined_header(header, lookups);
    let missing = &files.missing;
    let text = |column: &Column| TextColumn::bind(column, &all, missing);
    let number = |column: &Column| NumberColumnReader::bind(column, &all, missing);
    let time = |column: &Column| TimeColumn::bind(column, &all, missing, timezone);
    let maybe_text = |column: &Option<Column>| column.as_ref().map(text).transpose();
    let maybe_number = |column: &Option<Column>| column.as_ref().map(number).transpose();
    let maybe_time = |column: &Option<Column>| column.as_ref().map(time).transpose();
    let columns = match table {
        SourceTable::Events(source) => Columns::Events(Box::new(EventColumns {
            customer: text(&source.customer)?,
            time: maybe_time(&source.time)?,
            known_at: maybe_time(&source.known_at)?,
            kind: text(&source.kind)?,
            item: maybe_text(&source.item)?,
            basket: maybe_text(&source.basket)?,
            quantity: maybe_number(&source.quantity)?,
            price: maybe_number(&source.price)?,
            amount: maybe_number(&source.amount)?,
            discount: maybe_number(&source.discount)?,
            cost: maybe_number(&source.cost)?,
            channel: maybe_text(&source.channel)?,
            score: maybe_number(&source.score)?,
            offer: maybe_text(&source.offer)?,
            numbers: source.numbers.iter().map(|named| number(&named.column)).collect::<Result<_>>()?,
            categories: source.categories.iter().map(|named| text(&named.column)).collect::<Result<_>>()?,
            returned_if: source.returned_if.as_ref().map(|condition| condition.bind(&all)).transpose()?,
            missing: Missing::new(missing),
            heads: Heads::new(Reads::of(
                &all,
                [Some(&source.customer), Some(&source.kind), source.time.as_ref(), source.known_at.as_ref(), source.basket.as_ref(), source.channel.as_ref()]
                    .into_iter()
                    .flatten()
                    .flat_map(Column::names)
                    .chain(source.returned_if.iter().flat_map(|condition| condition.columns())),
            )),
        })),
        SourceTable::Profiles(source) => {
            let value = |planned: &PlannedColumn| {
                Ok(match planned.declared {
                    Declared::Number => ValueReader::Number(number(&planned.column)?),
                    Declared::Date => ValueReader::Date(time(&planned.column)?),
                    Declared::Category | Declared::Inferred => ValueReader::Text(text(&planned.column)?),
                })
            };
            let carried = source.carry.iter().map(|name| text(&Column::named(name.as_str())));
            let roles = source.household.iter().chain(super::rights::columns(source).map(|(_, told)| &told.column)).map(text);
            Columns::Profiles(Box::new(ProfileColumns {
                customer: text(&source.customer)?,
                time: maybe_time(&source.time)?,
                label: source.label.as_ref().map(|label| Ok::<_, Error>((text(&label.column)?, label.positive.trim().as_bytes().to_vec()))).transpose()?,
                values: planned.iter().map(value).collect::<Result<_>>()?,
                carry: carried.chain(roles).collect::<Result<_>>()?,
                last: LastRow::new(Reads::of(
                    &all,
                    table.mapped_names().iter().chain(&source.carry).map(String::as_str).chain(planned.iter().flat_map(|planned| planned.column.names())),
                )),
            }))
        }
        SourceTable::Items(source) => {
            let levels: Vec<Column> = match &source.category {
                None => Vec::new(),
                Some(column) => match column.names()[..] {
                    [] => vec![column.clone()],
                    ref names => names.iter().map(|name| Column { source: crate::config::ColumnSource::Name((*name).to_owned()), ..column.clone() }).collect(),
                },
            };
            Columns::Items(Box::new(ItemColumns {
                item: text(&source.item)?,
                name: maybe_text(&source.name)?,
                category: levels.iter().map(text).collect::<Result<_>>()?,
                price: maybe_number(&source.price)?,
                margin: maybe_number(&source.margin)?,
                available: maybe_text(&source.available)?,
                available_in: maybe_text(&source.available_in)?,
                recommend_if: source.recommend_if.as_ref().map(|condition| condition.bind(&all)).transpose()?,
                missing: Missing::new(missing),
                reads: Reads::of(&all, table.read_names().iter().map(String::as_str)),
            }))
        }
        SourceTable::Offers(source) => {
            let mut cells = vec![Cell::Id(text(&source.offer)?)];
            for (key, column) in &source.columns {
                cells.push(match key.as_str() {
                    "contact_cost" | "accept_cost" | "discount" | "margin" => Cell::Number(number(column)?, text(column)?),
                    "valid_from" | "valid_until" => Cell::Time(time(column)?),
                    "valid_for" => {
                        let plain = Column { unit: None, origin: None, ..column.clone() };
                        Cell::Days(number(&plain)?, days_of(column.unit))
                    }
                    _ => Cell::Text(text(column)?),
                });
            }
            Columns::Table(TableColumns { cells, time: None })
        }
        SourceTable::Treatments(source) => {
            let mut cells = vec![Cell::Id(text(&source.customer)?)];
            let mut time_at = None;
            for (key, column) in &source.columns {
                if key == "time" {
                    time_at = Some(cells.len());
                }
                cells.push(match key.as_str() {
                    "time" => Cell::Time(time(column)?),
                    "propensity" | "contact_cost" => Cell::Number(number(column)?, text(column)?),
                    _ => Cell::Text(text(column)?),
                });
            }
            match &source.response {
                Some(Response::Columns(responses)) => {
                    for (_, name) in responses {
                        let column = Column::named(name.as_str());
                        cells.push(Cell::Number(number(&column)?, text(&column)?));
                    }
                }
                Some(Response::Events { until: Some(until), .. }) => cells.push(Cell::Time(time(&Column::named(until.as_str()))?)),
                Some(Response::Events { .. }) | None => {}
            }
            Columns::Table(TableColumns { cells, time: time_at })
        }
        SourceTable::Identities(source) => {
            let mut cells = vec![Cell::Id(text(&source.customer)?)];
            for name in &source.also {
                cells.push(Cell::Text(text(&Column::named(name.as_str()))?));
            }
            Columns::Table(TableColumns { cells, time: None })
        }
    };
    let condition = files.condition.as_ref().map(|condition| condition.bind(&all)).transpose()?;
    let mut bound_lookups = Vec::new();
    let mut known = width;
    let keys = files.fill_down.iter().map(|fill_down| &fill_down.by).chain(files.lookups.iter().map(|lookup| &lookup.on));
    for (on, lookup) in keys.zip(lookups) {
        let own = lookup.columns.iter().filter(|_| lookup.fills).map(|name| super::column::position(header, name)).collect::<Result<_>>()?;
        bound_lookups.push(BoundLookup { on: super::column::position(&all[..known], on)?, table: lookup.clone(), own });
        known += lookup.columns.len();
    }
    Ok(BoundSource { columns, condition, missing: Missing::new(missing), lookups: bound_lookups, width })
}

/// The header of a table: its keys in the order of the cells.
pub(super) fn table_header(table: SourceTable) -> Vec<String> {
    let (id, columns) = match table {
        SourceTable::Offers(source) => ("offer", &source.columns[..]),
        SourceTable::Treatments(source) => ("customer", &source.columns[..]),
        SourceTable::Identities(_) | SourceTable::Events(_) | SourceTable::Profiles(_) | SourceTable::Items(_) => ("customer", &[][..]),
    };
    let mut header = vec![id.to_owned()];
    header.extend(columns.iter().map(|(key, _)| key.clone()));
    match table {
        SourceTable::Treatments(source) => match &source.response {
            Some(Response::Columns(responses)) => header.extend(responses.iter().map(|(name, _)| format!("response.{name}"))),
            Some(Response::Events { until: Some(_), .. }) => header.push("until".to_owned()),
            Some(Response::Events { .. }) | None => {}
        },
        SourceTable::Identities(source) => header.extend(source.also.iter().cloned()),
        _ => {}
    }
    header
}

/// Days in a unit; a number without one counts days.
fn days_of(unit: Option<Unit>) -> f64 {
    match unit {
        Some(Unit::Seconds) => 1.0 / 86_400.0,
        Some(Unit::Microseconds) => 1.0 / 86_400_000_000.0,
        Some(Unit::Milliseconds) => 1.0 / 86_400_000.0,
        Some(Unit::Hours) => 1.0 / 24.0,
        Some(Unit::Days) | None => 1.0,
    }
}

impl BoundSource {
    pub(super) fn has_lookups(&self) -> bool {
        !self.lookups.is_empty()
    }

    /// The row of a record to which nothing is joined.
    #[inline]
    pub(super) fn plain_row<'r>(&self, record: Record<'r>) -> Row<'r> {
        Row { record, width: self.width, joined: &[] }
    }

    /// Whether the row counts; rows that fail `where` are skipped.
    #[inline]
    pub(super) fn wants(&self, row: &Row) -> bool {
        self.condition.as_ref().is_none_or(|condition| row.passes(condition, &self.missing))
    }

    /// All columns that are moments, in one order for all files of a source.
    pub(super) fn times(&mut self) -> Vec<&mut TimeColumn> {
        match &mut self.columns {
            Columns::Events(columns) => [&mut columns.time, &mut columns.known_at].into_iter().flatten().collect(),
            Columns::Profiles(columns) => {
                let values = columns.values.iter_mut().filter_map(|value| if let ValueReader::Date(time) = value { Some(time) } else { None });
                columns.time.iter_mut().chain(values).collect()
            }
            Columns::Items(_) => Vec::new(),
            Columns::Table(columns) => columns.cells.iter_mut().filter_map(|cell| if let Cell::Time(time) = cell { Some(time) } else { None }).collect(),
        }
    }

    /// All columns that are numbers.
    pub(super) fn numbers(&mut self) -> Vec<&mut NumberColumnReader> {
        match &mut self.columns {
            Columns::Events(columns) => {
                let single = [&mut columns.quantity, &mut columns.price, &mut columns.amount, &mut columns.discount, &mut columns.cost, &mut columns.score];
                single.into_iter().flatten().chain(&mut columns.numbers).collect()
            }
            Columns::Profiles(columns) => {
                columns.values.iter_mut().filter_map(|value| if let ValueReader::Number(number) = value { Some(number) } else { None }).collect()
            }
            Columns::Items(columns) => [&mut columns.price, &mut columns.margin].into_iter().flatten().collect(),
            Columns::Table(columns) => columns
                .cells
                .iter_mut()
                .filter_map(|cell| match cell {
                    Cell::Number(number, _) | Cell::Days(number, _) => Some(number),
                    Cell::Id(_) | Cell::Text(_) | Cell::Time(_) => None,
                })
                .collect(),
        }
    }
}

/// The rows that a record makes with the columns of its lookups: one, or as many as they have for it.
pub(super) fn join<'r>(lookups: &'r [BoundLookup], source: &BoundSource, record: Record<'r>, joined: &mut Vec<&'r [u8]>, rows: &mut Vec<Vec<&'r [u8]>>) {
    let Some((lookup, further)) = lookups.split_first() else {
        rows.push(joined.clone());
        return;
    };
    let before = joined.len();
    let key = if lookup.on < source.width { record.get(lookup.on) } else { joined.get(lookup.on - source.width).copied().unwrap_or_default() };
    let matches = if source.missing.holds(key) { &[][..] } else { lookup.table.find(key) };
    let keep_own = |joined: &mut Vec<&'r [u8]>| {
        for (value, own) in joined[before..].iter_mut().zip(&lookup.own) {
            let own = record.get(*own);
            if !source.missing.holds(own) {
                *value = own;
            }
        }
    };
    if matches.is_empty() {
        joined.resize(before + lookup.table.columns.len(), &[]);
        keep_own(joined);
        join(further, source, record, joined, rows);
        joined.truncate(before);
    }
    for row in matches {
        joined.extend(lookup.table.row(*row));
        keep_own(joined);
        join(further, source, record, joined, rows);
        joined.truncate(before);
    }
}
