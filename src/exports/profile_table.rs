//! Batches of profiles become tables: types settled by the whole column, rows grouped by customer in time order.
//!
//! A column that was not declared is numeric when every value is a number (with leading zeros or more than 15 digits it is an id
//! and stays text), a date when every value is an ISO date, else a category. A category with more than 1,000 values, distinct
//! for more than half of the customers, is a name or an id: it is left out, with a note.

use super::column::number;
use super::dates::{DateParser, DateSniffer};
use super::intern::{Interner, Union};
use super::profiles::{Declared, PlannedColumn, ProfileBatch, ValueBatch};
use crate::config::{Column, Duplicates, StaticColumns};
use crate::error::Result;
use crate::timeline::{NO_INDEX, ProfileColumn, ProfileTable, ProfileValues};
use rayon::prelude::*;
use std::cmp::Ordering;

/// More categories than this, distinct for most customers, are names or ids.
const MANY_CATEGORIES: usize = 1_000;

/// The rows of one block with the meaning of their codes.
pub(super) struct ProfilePart {
    pub(super) batch: ProfileBatch,
    pub(super) worker: usize,
    /// Position of the (source, file) among the counts.
    pub(super) file: usize,
    /// New customer by row, [`NO_INDEX`] where the row does not count.
    pub(super) customers: Vec<u32>,
    /// Number of the block's first row over all files of the source.
    pub(super) first_row: u64,
}

/// What a profile source is.
pub(super) struct ProfilePlan<'a> {
    pub(super) customers: usize,
    pub(super) planned: &'a [PlannedColumn],
    pub(super) duplicates: Duplicates,
    pub(super) timed: bool,
    pub(super) statics: &'a StaticColumns,
    pub(super) has_label: bool,
    pub(super) carry: usize,
}

/// A profile source as a table.
pub(super) struct ProfileBuilt {
    pub(super) table: ProfileTable,
    /// By customer.
    pub(super) labels: Vec<Option<bool>>,
    /// By data row of the source, [`NO_INDEX`] where the row was not used.
    pub(super) label_rows: Vec<u32>,
    /// By carried column, then customer.
    pub(super) carry: Vec<Vec<String>>,
    /// (file, rows) dropped as repeated.
    pub(super) duplicates: Vec<(usize, u64)>,
    /// Rows whose id was there before with other values: file, line, byte.
    pub(super) conflicts: Vec<(usize, u64, u64)>,
    pub(super) notes: Vec<String>,
}

/// Values of a column over all parts, in their order.
enum Values {
    Number(Vec<f64>),
    Date(Vec<i64>),
    Code(Vec<u32>, Vec<Box<str>>),
}

impl Values {
    fn compare(&self, left: usize, right: usize) -> Ordering {
        match self {
            Values::Number(values) => values[left].total_cmp(&values[right]),
            Values::Date(values) => values[left].cmp(&values[right]),
            Values::Code(codes, _) => codes[left].cmp(&codes[right]),
        }
    }
}

/// One row among all parts.
#[derive(Debug, Clone, Copy)]
struct RowRef {
    customer: u32,
    time: i64,
    index: u32,
    file: u32,
}

/// Builds the table of a source. The parts stand in order of file and block; `texts` and `carried` are the workers' tables by
/// column, then worker.
///
/// # Errors
/// 78 for a time zone that is not known.
pub(super) fn build(parts: &[ProfilePart], texts: &[Vec<&Interner>], carried: &[Vec<&Interner>], plan: &ProfilePlan, rows_read: u64) -> Result<ProfileBuilt> {
    let mut notes = Vec::new();
    let columns: Vec<Values> =
        (0..plan.planned.len()).into_par_iter().map(|column| collect(parts, column, plan.planned[column].declared, &texts[column])).collect();
    let carried: Vec<(Vec<u32>, Vec<Box<str>>)> =
        (0..plan.carry).map(|column| codes_of(parts, &carried[column], |batch| batch.carry.get(column).map_or(&[], Vec::as_slice))).collect();
    let mut labels_of_rows: Vec<Option<bool>> = Vec::new();
    let mut rows: Vec<RowRef> = Vec::new();
    let mut places: Vec<(u64, u64, u64, u32)> = Vec::new();
    for part in parts {
        for row in 0..part.batch.len() {
            let index = places.len() as u32;
            let (number, line, byte) = part.batch.place[row];
            places.push((part.first_row + u64::from(number), line, byte, part.batch.times[row]));
            labels_of_rows.push(part.batch.label.get(row).copied().flatten());
            let customer = part.customers[row];
            if customer != NO_INDEX {
                rows.push(RowRef { customer, time: part.batch.time.get(row).copied().unwrap_or(0), index, file: part.file as u32 });
            }
        }
    }
    let values_order = |left: &RowRef, right: &RowRef| {
        let (left, right) = (left.index as usize, right.index as usize);
        let columns = columns.iter().map(|column| column.compare(left, right));
        let carried = carried.iter().map(|(codes, _)| codes[left].cmp(&codes[right]));
        columns.chain(carried).find(|order| order.is_ne()).unwrap_or(Ordering::Equal).then_with(|| labels_of_rows[left].cmp(&labels_of_rows[right]))
    };
    let mut duplicates: Vec<(usize, u64)> = Vec::new();
    let mut conflicts = Vec::new();
    if plan.timed {
        rows.par_sort_unstable_by(|left, right| {
            (left.customer, left.time).cmp(&(right.customer, right.time)).then_with(|| values_order(left, right)).then(left.index.cmp(&right.index))
        });
        count_repeated(&rows, &places, plan.duplicates, &values_order, &mut duplicates);
        // A row that says what the one before it said changes nothing.
        rows.dedup_by(|later, earlier| later.customer == earlier.customer && values_order(later, earlier).is_eq());
    } else {
        rows.par_sort_unstable_by_key(|row| (row.customer, row.index));
        rows.dedup_by(|later, earlier| {
            if later.customer != earlier.customer || plan.duplicates == Duplicates::Keep {
                return false;
            }
            if values_order(later, earlier).is_eq() {
                duplicates.push((later.file as usize, u64::from(places[later.index as usize].3)));
            } else {
                let (_, line, byte, _) = places[later.index as usize];
                conflicts.push((later.file as usize, line, byte));
            }
            true
        });
    }
    let mut offsets = vec![0; plan.customers + 1];
    for row in &rows {
        offsets[row.customer as usize + 1] += 1;
    }
    for customer in 0..plan.customers {
        offsets[customer + 1] += offsets[customer];
    }
    let last_row = |customer: usize| (offsets[customer] < offsets[customer + 1]).then(|| rows[offsets[customer + 1] - 1].index as usize);
    let mut label_rows = Vec::new();
    let mut labels = Vec::new();
    if plan.has_label {
        labels = (0..plan.customers).map(|customer| last_row(customer).and_then(|row| labels_of_rows[row])).collect();
        label_rows = vec![NO_INDEX; rows_read as usize];
        for row in &rows {
            label_rows[places[row.index as usize].0 as usize] = row.customer;
        }
    }
    let carry = carried
        .iter()
        .map(|(codes, names)| {
            let text = |customer| {
                last_row(customer).map(|row| codes[row]).filter(|code| *code != NO_INDEX).map_or_else(String::new, |code| names[code as usize].to_string())
            };
            (0..plan.customers).map(text).collect()
        })
        .collect();
    let with_rows = (0..plan.customers).filter(|customer| offsets[*customer] < offsets[*customer + 1]).count();
    let mut table = ProfileTable { offsets, time: if plan.timed { rows.iter().map(|row| row.time).collect() } else { Vec::new() }, columns: Vec::new() };
    let mut left_out = Vec::new();
    for (planned, values) in plan.planned.iter().zip(columns) {
        let values = match (values, planned.declared) {
            (Values::Code(codes, names), Declared::Inferred) => match infer(&codes, &names, with_rows)? {
                Some(values) => values,
                None => {
                    notes.push(format!("profiles: {:?} has {} values for {with_rows} customers: a name or an id, left out", planned.name, names.len()));
                    continue;
                }
            },
            (values, _) => values,
        };
        let order = rows.iter().map(|row| row.index as usize);
        let serves_past = plan.timed
            || match plan.statics {
                StaticColumns::None => false,
                StaticColumns::All => true,
                StaticColumns::Named(names) => names.contains(&planned.name),
            };
        if !serves_past {
            left_out.push(planned.name.as_str());
        }
        let values = match values {
            Values::Number(values) => ProfileValues::Number(order.map(|row| values[row]).collect()),
            Values::Date(values) => ProfileValues::Date(order.map(|row| values[row]).collect()),
            Values::Code(codes, names) => {
                ProfileValues::Category { codes: order.map(|row| codes[row]).collect(), names: names.into_iter().map(String::from).collect() }
            }
        };
        table.columns.push(ProfileColumn { name: planned.name.clone(), values, serves_past });
    }
    if !left_out.is_empty() && !plan.has_label {
        notes.push(format!("profiles: the export shows today, so these columns serve no past cut-off unless named in static: {}", left_out.join(", ")));
    }
    Ok(ProfileBuilt { table, labels, label_rows, carry, duplicates, conflicts, notes })
}

/// Counts rows repeated in time order: the rows themselves fold into one anyway.
fn count_repeated(
    rows: &[RowRef],
    places: &[(u64, u64, u64, u32)],
    mode: Duplicates,
    values_order: &impl Fn(&RowRef, &RowRef) -> Ordering,
    duplicates: &mut Vec<(usize, u64)>,
) {
    if mode == Duplicates::Keep {
        return;
    }
    let mut counts: Vec<(u32, u64)> = Vec::new();
    for run in rows.chunk_by(|left, right| left.customer == right.customer && left.time == right.time && values_order(left, right).is_eq()) {
        counts.clear();
        for row in run {
            let times = u64::from(places[row.index as usize].3);
            match counts.iter_mut().find(|(file, _)| *file == row.file) {
                Some((_, count)) => *count += times,
                None => counts.push((row.file, times)),
            }
        }
        counts.sort_unstable();
        let limit = if mode == Duplicates::Drop { 1 } else { counts.iter().map(|(_, count)| *count).max().unwrap_or(0) };
        let mut kept = 0;
        for (file, count) in &counts {
            let stays = (*count).min(limit - kept);
            kept += stays;
            if *count > stays {
                duplicates.push((*file as usize, count - stays));
            }
        }
    }
}

/// The values of a column over all parts.
fn collect(parts: &[ProfilePart], column: usize, declared: Declared, texts: &[&Interner]) -> Values {
    match declared {
        Declared::Number => Values::Number(
            parts
                .iter()
                .flat_map(|part| if let Some(ValueBatch::Number(values)) = part.batch.values.get(column) { &values[..] } else { &[] })
                .copied()
                .collect(),
        ),
        Declared::Date => Values::Date(
            parts.iter().flat_map(|part| if let Some(ValueBatch::Date(values)) = part.batch.values.get(column) { &values[..] } else { &[] }).copied().collect(),
        ),
        Declared::Category | Declared::Inferred => {
            let (codes, names) = codes_of(parts, texts, |batch| if let Some(ValueBatch::Text(codes)) = batch.values.get(column) { codes } else { &[] });
            Values::Code(codes, names)
        }
    }
}

/// Codes in byte order of their names.
fn codes_of<'p>(parts: &'p [ProfilePart], texts: &[&Interner], pick: impl Fn(&'p ProfileBatch) -> &'p [u32]) -> (Vec<u32>, Vec<Box<str>>) {
    let union = Union::plain(texts);
    let renumber = |part: &ProfilePart, code: u32| if code == NO_INDEX { NO_INDEX } else { union.remaps[part.worker][code as usize] };
    let codes = parts.iter().flat_map(|part| pick(&part.batch).iter().map(move |code| (part, *code))).map(|(part, code)| renumber(part, code)).collect();
    (codes, union.names)
}

/// What a column that was not declared is; `None` for names and ids.
fn infer(codes: &[u32], names: &[Box<str>], customers: usize) -> Result<Option<Values>> {
    if names.is_empty() {
        return Ok(Some(Values::Code(codes.to_vec(), Vec::new())));
    }
    let numbers = |decimal_comma: bool| -> Option<Vec<f64>> {
        names.iter().map(|name| if is_id_like(name) { None } else { number(name.as_bytes(), decimal_comma).ok() }).collect()
    };
    if let Some(numbers) = numbers(false).or_else(|| numbers(true).filter(|_| has_decimal_comma(names))) {
        return Ok(Some(Values::Number(codes.iter().map(|code| if *code == NO_INDEX { f64::NAN } else { numbers[*code as usize] }).collect())));
    }
    let iso: DateParser = DateSniffer::new(&Column::constant(""), "UTC")?.settle()?;
    let dates: Option<Vec<i64>> = names.iter().map(|name| iso.parse(name.as_bytes()).ok().map(|moment| moment.0)).collect();
    if let Some(dates) = dates {
        return Ok(Some(Values::Date(codes.iter().map(|code| if *code == NO_INDEX { i64::MIN } else { dates[*code as usize] }).collect())));
    }
    if names.len() > MANY_CATEGORIES && names.len() * 2 > customers {
        return Ok(None);
    }
    Ok(Some(Values::Code(codes.to_vec(), names.to_vec())))
}

/// Whether commas are decimal signs without doubt: one at least does not stand before three digits, as one of thousands does.
fn has_decimal_comma(names: &[Box<str>]) -> bool {
    names.iter().filter_map(|name| name.trim().split_once(',')).any(|(_, decimals)| decimals.len() != 3)
}

/// Whether digits are a name rather than a quantity: a leading zero, or more of them than a number keeps.
fn is_id_like(text: &str) -> bool {
    let digits = text.trim().trim_start_matches('-');
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    has_leading_zero || (digits.len() > 15 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
