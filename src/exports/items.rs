//! Rows of `[[items]]`: counted as they come, then merged to one row per id.
//!
//! Only `duplicates = "drop"` drops rows: exports that overlap do no harm here. The most frequent value of each column stands, ties decided by bytes (the smaller number for prices and margins). Missing
//! values do not count.

use super::column::{Missing, NumberColumnReader, Row, TextColumn};
use super::events::code;
use super::intern::{Interner, Union};
use super::reads::Reads;
use super::reject::{Class, Refusal};
use super::{ItemCategory, ItemTable};
use crate::config::Duplicates;
use crate::config::condition::BoundCondition;
use crate::timeline::NO_INDEX;
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeMap;

/// The columns of an item source, bound to the header of one file.
#[derive(Debug, Clone)]
pub(super) struct ItemColumns {
    pub(super) item: TextColumn,
    pub(super) name: Option<TextColumn>,
    pub(super) category: Vec<TextColumn>,
    pub(super) price: Option<NumberColumnReader>,
    pub(super) margin: Option<NumberColumnReader>,
    pub(super) available: Option<TextColumn>,
    pub(super) available_in: Option<TextColumn>,
    pub(super) recommend_if: Option<BoundCondition>,
    pub(super) missing: Missing,
    pub(super) reads: Reads,
}

/// One worker's texts and counts of an item source.
#[derive(Debug, Default)]
pub(super) struct ItemTexts {
    pub(super) items: Interner,
    names: Interner,
    places: Interner,
    categories: Vec<Interner>,
    /// Of each file read.
    seen: Vec<Seen>,
    /// Which of them is being read.
    current: usize,
    /// For the row at hand.
    buffer: Vec<u8>,
}

/// Distinct rows of a file: a file of orders has one row per order line, and hardly any is new.
#[derive(Debug)]
struct Seen {
    /// Position of the (source, file) among the counts.
    file: usize,
    as_they_stand: Interner,
    /// By distinct row: its codes, unless it was refused.
    rows: Vec<Option<ItemRow>>,
    /// By distinct row: how often it was accepted.
    times: Vec<u64>,
}

/// A row by its codes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ItemRow {
    item: u32,
    name: u32,
    price: u64,
    margin: u64,
    /// 0 no, 1 yes, 2 not said.
    available: u8,
    /// Where, if the row says.
    place: u32,
    recommendable: u8,
    categories: [u32; 4],
    /// Levels beyond four. Nothing where there are none: two empty lists, which own no memory, are compared a hundred times slower.
    more_categories: Option<Box<[u32]>>,
}

/// Whether a text says yes.
pub(super) fn says_yes(text: &[u8]) -> Option<bool> {
    let text = text.trim_ascii().to_ascii_lowercase();
    match &text[..] {
        b"1" | b"1.0" | b"true" | b"t" | b"yes" | b"y" | b"available" | b"in stock" => Some(true),
        b"0" | b"0.0" | b"false" | b"f" | b"no" | b"n" | b"unavailable" | b"out of stock" => Some(false),
        _ => None,
    }
}

impl ItemColumns {
    /// Counts one row.
    pub(super) fn take(&mut self, row: &Row, file: usize, texts: &mut ItemTexts, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        if texts.seen.get(texts.current).is_none_or(|seen| seen.file != file) {
            texts.current = texts.seen.iter().position(|seen| seen.file == file).unwrap_or(texts.seen.len());
            if texts.current == texts.seen.len() {
                texts.seen.push(Seen { file, as_they_stand: Interner::default(), rows: Vec::new(), times: Vec::new() });
            }
        }
        let Seen { as_they_stand, rows, times, .. } = &mut texts.seen[texts.current];
        let number = as_they_stand.intern(self.reads.as_bytes(row, &mut texts.buffer)) as usize;
        if rows.len() <= number {
            rows.resize(number + 1, None);
            times.resize(number + 1, 0);
        }
        if times[number] == 0 {
            let codes = self.row(row, texts, buffer)?;
            texts.seen[texts.current].rows[number] = Some(codes);
        }
        texts.seen[texts.current].times[number] += 1;
        Ok(())
    }

    /// A row by its codes.
    fn row(&self, row: &Row, texts: &mut ItemTexts, buffer: &mut Vec<u8>) -> Result<ItemRow, Refusal> {
        let number = |reader: &Option<NumberColumnReader>, buffer: &mut Vec<u8>| reader.as_ref().map_or(Ok(f64::NAN), |reader| reader.get(row, buffer));
        let (price, margin) = (number(&self.price, buffer)?, number(&self.margin, buffer)?);
        let available = match self.available.as_ref().map(|column| (column, column.get(row, buffer))) {
            None | Some((_, None)) => 2,
            Some((column, Some(text))) => match (says_yes(text), super::column::number(text, false)) {
                (Some(yes), _) => u8::from(yes),
                // A stock level: whatever is above nothing can be had.
                (None, Ok(stock)) => u8::from(stock > 0.0),
                (None, Err(_)) => return Err(Refusal::new(Class::OutOfRange, &column.name, text)),
            },
        };
        let recommendable = match &self.recommend_if {
            None => 2,
            Some(condition) => u8::from(row.passes(condition, &self.missing)),
        };
        let item = code(&self.item, row, &mut texts.items, buffer)?;
        if item == NO_INDEX {
            return Err(Refusal::new(Class::MissingId, &self.item.name, self.item.raw(row)));
        }
        let name = self.name.as_ref().map_or(Ok(NO_INDEX), |column| code(column, row, &mut texts.names, buffer))?;
        let place = self.available_in.as_ref().map_or(Ok(NO_INDEX), |column| code(column, row, &mut texts.places, buffer))?;
        if texts.categories.len() < self.category.len() {
            texts.categories.resize_with(self.category.len(), Interner::default);
        }
        let mut categories = [NO_INDEX; 4];
        let mut more_categories = Vec::new();
        for (level, (column, texts)) in self.category.iter().zip(&mut texts.categories).enumerate() {
            let code = code(column, row, texts, buffer)?;
            match categories.get_mut(level) {
                Some(slot) => *slot = code,
                None => more_categories.push(code),
            }
        }
        let bits = |value: f64| if value.is_nan() { u64::MAX } else { (value + 0.0).to_bits() };
        let more_categories = (!more_categories.is_empty()).then(|| more_categories.into());
        Ok(ItemRow { item, name, price: bits(price), margin: bits(margin), available, place, recommendable, categories, more_categories })
    }
}

/// An item source read: its workers' tables, whether it says of categories and the like, and how it counts repeated rows.
pub(super) struct ItemPart {
    pub(super) texts: Vec<ItemTexts>,
    pub(super) levels: usize,
    pub(super) duplicates: Duplicates,
}

/// How often each value of a column stands beside an item.
type Votes<V> = HashMap<(u32, V), u64>;

/// The most frequent value by item; ties go to the smallest.
fn winners<V: Copy + Ord>(votes: &Votes<V>, items: usize) -> Vec<Option<V>> {
    let mut best: Vec<Option<(u64, V)>> = vec![None; items];
    let mut sorted: Vec<(&(u32, V), &u64)> = votes.iter().collect();
    sorted.sort_unstable();
    for ((item, value), count) in sorted {
        let slot = &mut best[*item as usize];
        if slot.is_none_or(|(most, _)| *count > most) {
            *slot = Some((*count, *value));
        }
    }
    best.into_iter().map(|slot| slot.map(|(_, value)| value)).collect()
}

/// Merges all sources into one table. `remap` gives an item's place in the table by source and worker. Returns the rows dropped
/// as repeated, by file.
pub(super) fn merge(parts: &mut [ItemPart], ids: Vec<Box<str>>, remap: impl Fn(usize, usize) -> Vec<u32>, files: usize) -> (ItemTable, Vec<u64>) {
    let mut duplicates = vec![0; files];
    let levels = parts.iter().map(|part| part.levels).max().unwrap_or(0);
    let empty = Interner::default();
    let all: Vec<&ItemTexts> = parts.iter().flat_map(|part| &part.texts).collect();
    let names = Union::plain(&all.iter().map(|texts| &texts.names).collect::<Vec<_>>());
    let places = Union::plain(&all.iter().map(|texts| &texts.places).collect::<Vec<_>>());
    let categories: Vec<Union> =
        (0..levels).map(|level| Union::plain(&all.iter().map(|texts| texts.categories.get(level).unwrap_or(&empty)).collect::<Vec<_>>())).collect();
    let mut tables = 0;
    let mut rows_of_sources: Vec<HashMap<ItemRow, Vec<(usize, u64)>>> = Vec::new();
    for (source, part) in parts.iter_mut().enumerate() {
        let mut rows: HashMap<ItemRow, Vec<(usize, u64)>> = HashMap::new();
        for (worker, texts) in part.texts.iter_mut().enumerate() {
            let items = remap(source, worker);
            let of_file = |seen: Seen| seen.rows.into_iter().zip(seen.times).filter_map(move |(row, times)| Some((seen.file, row?, times)));
            for (file, row, times) in std::mem::take(&mut texts.seen).into_iter().flat_map(of_file) {
                let code = |union: &Union, code: u32| if code == NO_INDEX { NO_INDEX } else { union.remaps[tables][code as usize] };
                let mut levels = row.categories;
                for (slot, union) in levels.iter_mut().zip(&categories) {
                    *slot = code(union, *slot);
                }
                let more = row.more_categories.map(|codes| codes.iter().zip(categories.iter().skip(4)).map(|(value, union)| code(union, *value)).collect());
                let row = ItemRow {
                    item: items[row.item as usize],
                    name: code(&names, row.name),
                    place: code(&places, row.place),
                    categories: levels,
                    more_categories: more,
                    ..row
                };
                let counts = rows.entry(row).or_default();
                match counts.iter_mut().find(|(known, _)| *known == file) {
                    Some((_, count)) => *count += times,
                    None => counts.push((file, times)),
                }
            }
            tables += 1;
        }
        rows_of_sources.push(rows);
    }
    let (mut name_votes, mut price_votes, mut margin_votes) = (Votes::new(), Votes::new(), Votes::new());
    let (mut available_votes, mut recommend_votes) = (Votes::new(), Votes::new());
    // By item and place: rows that say no, rows that do not.
    let mut place_votes: BTreeMap<(u32, u32), [u64; 2]> = BTreeMap::new();
    let mut category_votes: Vec<Votes<u32>> = (0..levels).map(|_| Votes::new()).collect();
    for (part, rows) in parts.iter().zip(rows_of_sources) {
        let mut rows: Vec<(ItemRow, Vec<(usize, u64)>)> = rows.into_iter().collect();
        rows.sort_unstable();
        for (row, mut counts) in rows {
            counts.sort_unstable();
            let limit = match part.duplicates {
                Duplicates::Drop => 1,
                // All rows of an item become one anyway; each only says once more what the item is.
                Duplicates::Keep | Duplicates::AcrossFiles => u64::MAX,
            };
            let mut kept = 0;
            for (file, count) in counts {
                let stays = count.min(limit.saturating_sub(kept));
                kept += stays;
                duplicates[file] += count - stays;
            }
            let vote_code = |votes: &mut Votes<u32>, value: u32| {
                if value != NO_INDEX {
                    *votes.entry((row.item, value)).or_insert(0) += kept;
                }
            };
            vote_code(&mut name_votes, row.name);
            for (votes, value) in category_votes.iter_mut().zip(row.categories.iter().chain(row.more_categories.iter().flatten())) {
                vote_code(votes, *value);
            }
            for (votes, bits) in [(&mut price_votes, row.price), (&mut margin_votes, row.margin)] {
                if bits != u64::MAX {
                    *votes.entry((row.item, sortable(bits))).or_insert(0) += kept;
                }
            }
            if row.place != NO_INDEX {
                place_votes.entry((row.item, row.place)).or_default()[usize::from(row.available != 0)] += kept;
            }
            // What a row says of a place, it says of no other.
            let available = if row.place == NO_INDEX { row.available } else { 2 };
            for (votes, value) in [(&mut available_votes, available), (&mut recommend_votes, row.recommendable)] {
                if value < 2 {
                    *votes.entry((row.item, value)).or_insert(0) += kept;
                }
            }
        }
    }
    let items = ids.len();
    let numbers = |votes: &Votes<u64>| {
        if votes.is_empty() {
            Vec::new()
        } else {
            winners(votes, items).into_iter().map(|bits| bits.map_or(f64::NAN, |bits| f64::from_bits(unsortable(bits)))).collect()
        }
    };
    // What no row says: an item can be had, and may be recommended.
    let flags = |votes: &Votes<u8>| {
        if votes.is_empty() { Vec::new() } else { winners(votes, items).into_iter().map(|flag| flag.is_none_or(|flag| flag == 1)).collect() }
    };
    let mut available_in: Vec<Option<Vec<u32>>> = if place_votes.is_empty() { Vec::new() } else { vec![None; items] };
    for ((item, place), [no, yes]) in place_votes {
        let places = available_in[item as usize].get_or_insert_default();
        if yes > no {
            places.push(place);
        }
    }
    let table = ItemTable {
        names: if name_votes.is_empty() {
            Vec::new()
        } else {
            winners(&name_votes, items).into_iter().map(|code| code.map_or_else(|| "".into(), |code| names.names[code as usize].clone())).collect()
        },
        categories: category_votes
            .iter()
            .zip(categories)
            .map(|(votes, union)| ItemCategory {
                codes: winners(votes, items).into_iter().map(|code| code.unwrap_or(NO_INDEX)).collect(),
                names: union.names.into_iter().map(String::from).collect(),
            })
            .collect(),
        price: numbers(&price_votes),
        margin: numbers(&margin_votes),
        available: flags(&available_votes),
        places: places.names.into_iter().map(String::from).collect(),
        available_in,
        recommendable: flags(&recommend_votes),
        ids,
    };
    (table, duplicates)
}

/// The bits of a number in an order that is the order of numbers.
fn sortable(bits: u64) -> u64 {
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn unsortable(bits: u64) -> u64 {
    if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits }
}
