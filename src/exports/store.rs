//! Batches of events become one store: codes renumbered, rows grouped by customer and ordered by (time, all other columns),
//! repeated rows dropped and counted. Nothing here depends on which worker read a block, nor on how the file was cut.

use super::events::{EventBatch, NO_BASKET};
use crate::config::Duplicates;
use crate::error::{Error, Result};
use crate::timeline::{CategoryColumn, EventStore, NO_INDEX, NumberColumn};
use foldhash::{HashMap, HashMapExt};
use rayon::prelude::*;
use std::cmp::Ordering;

/// Customers that one task sorts.
const CHUNK: usize = 1_024;

/// The rows of one block with the meaning of their codes.
pub(super) struct EventPart<'t> {
    pub(super) batch: EventBatch,
    /// Position of the source among `[[events]]`.
    pub(super) source: usize,
    /// Position of the (source, file) among the counts.
    pub(super) file: usize,
    /// New customer by row.
    pub(super) customers: Vec<u32>,
    pub(super) kinds: &'t [u32],
    pub(super) items: &'t [u32],
    pub(super) channels: &'t [u32],
    pub(super) offers: &'t [u32],
    /// By category column of the store.
    pub(super) categories: Vec<&'t [u32]>,
}

/// What a store needs to know of the sources.
pub(super) struct StorePlan {
    pub(super) customers: usize,
    /// `duplicates` by source; sources of one file need no comparison across files.
    pub(super) duplicates: Vec<Duplicates>,
    /// Columns of the store, and by source the position of each in its batches.
    pub(super) numbers: Vec<(String, Vec<Option<usize>>)>,
    pub(super) categories: Vec<PlannedCategory>,
    pub(super) kinds: Vec<String>,
    pub(super) channels: Vec<String>,
    pub(super) timed: bool,
    pub(super) files: usize,
}

/// The store, and the rows dropped as repeated by file.
pub(super) struct Built {
    pub(super) store: EventStore,
    pub(super) duplicates: Vec<u64>,
}

/// All rows in order of source, file and row.
#[derive(Default)]
struct Flat {
    time: Vec<i64>,
    known_at: Vec<i64>,
    kind: Vec<u8>,
    item: Vec<u32>,
    basket: Vec<u64>,
    quantity: Vec<f32>,
    amount: Vec<f64>,
    discount: Vec<f32>,
    cost: Vec<f32>,
    channel: Vec<u16>,
    score: Vec<f32>,
    offer: Vec<u32>,
    numbers: Vec<Vec<f32>>,
    categories: Vec<Vec<u32>>,
}

/// A category column of the store: its name, its place in the batches of each source, its categories.
pub(super) type PlannedCategory = (String, Vec<Option<usize>>, Vec<String>);

/// A column of all parts: `pick` gives the values of a part, `fill` stands where a part does not have it. Empty where no part has.
fn flatten<'p, T: Copy + Send, S: 'p>(
    parts: &'p [EventPart],
    pick: impl Fn(&'p EventPart) -> &'p [S],
    map: impl Fn(&'p EventPart, &'p S) -> T,
    fill: T,
) -> Vec<T> {
    if parts.iter().all(|part| pick(part).is_empty()) {
        return Vec::new();
    }
    let mut values = Vec::with_capacity(parts.iter().map(|part| part.batch.time.len()).sum());
    for part in parts {
        let column = pick(part);
        if column.is_empty() {
            values.resize(values.len() + part.batch.time.len(), fill);
        } else {
            values.extend(column.iter().map(|value| map(part, value)));
        }
    }
    values
}

fn renumber(remap: &[u32], code: u32) -> u32 {
    if code == NO_INDEX { NO_INDEX } else { remap[code as usize] }
}

fn singles<'p>(parts: &'p [EventPart], pick: impl Fn(&'p EventPart) -> &'p [f32]) -> Vec<f32> {
    flatten(parts, pick, |_, value| *value, f32::NAN)
}

impl Flat {
    fn new(parts: &mut [EventPart], plan: &StorePlan) -> Flat {
        let mut flat = Flat::default();
        let Flat { time, known_at, kind, item, basket, quantity, amount, discount, cost, channel, score, offer, numbers, categories } = &mut flat;
        {
            let parts = &*parts;
            rayon::scope(|scope| {
                scope.spawn(|_| *time = flatten(parts, |part| &part.batch.time[..], |_, value| *value, 0));
                scope.spawn(|_| *known_at = flatten(parts, |part| &part.batch.known_at[..], |_, value| *value, i64::MIN));
                scope.spawn(|_| *kind = flatten(parts, |part| &part.batch.kind[..], |part, code| part.kinds[usize::from(*code)] as u8, 0));
                scope.spawn(|_| *item = flatten(parts, |part| &part.batch.item[..], |part, code| renumber(part.items, *code), NO_INDEX));
                scope.spawn(|_| *basket = flatten(parts, |part| &part.batch.basket[..], |_, value| *value, NO_BASKET));
                scope.spawn(|_| *quantity = singles(parts, |part| &part.batch.quantity));
                scope.spawn(|_| *amount = flatten(parts, |part| &part.batch.amount[..], |_, value| *value, f64::NAN));
                scope.spawn(|_| *discount = singles(parts, |part| &part.batch.discount));
                scope.spawn(|_| *cost = singles(parts, |part| &part.batch.cost));
                scope.spawn(|_| {
                    let map = |part: &EventPart, code: &u16| if *code == u16::MAX { u16::MAX } else { part.channels[usize::from(*code)] as u16 };
                    *channel = flatten(parts, |part| &part.batch.channel[..], map, u16::MAX);
                });
                scope.spawn(|_| *score = singles(parts, |part| &part.batch.score));
                scope.spawn(|_| *offer = flatten(parts, |part| &part.batch.offer[..], |part, code| renumber(part.offers, *code), NO_INDEX));
                scope.spawn(|_| {
                    *numbers = plan
                        .numbers
                        .iter()
                        .map(|(_, places)| {
                            singles(parts, |part| places[part.source].and_then(|place| part.batch.numbers.get(place)).map_or(&[], |column| &column[..]))
                        })
                        .collect();
                });
                scope.spawn(|_| {
                    let column = |(number, (_, places, _)): (usize, &PlannedCategory)| {
                        let pick = |part: &'_ EventPart| places[part.source].and_then(|place| part.batch.categories.get(place)).map_or(0, Vec::len);
                        let mut codes = Vec::new();
                        for part in parts {
                            if pick(part) == 0 {
                                codes.resize(codes.len() + part.batch.time.len(), NO_INDEX);
                            } else if let Some(values) = places[part.source].and_then(|place| part.batch.categories.get(place)) {
                                codes.extend(values.iter().map(|code| renumber(part.categories[number], *code)));
                            }
                        }
                        codes
                    };
                    *categories = plan.categories.iter().enumerate().map(column).collect();
                });
            });
        }
        for part in parts {
            part.batch = EventBatch { time: Vec::new(), ..EventBatch::default() };
        }
        flat
    }

    /// Order of two rows by all columns but the time.
    fn compare(&self, left: usize, right: usize) -> Ordering {
        fn by<T: Ord>(column: &[T], left: usize, right: usize) -> Ordering {
            if column.is_empty() { Ordering::Equal } else { column[left].cmp(&column[right]) }
        }
        fn single(column: &[f32], left: usize, right: usize) -> Ordering {
            if column.is_empty() { Ordering::Equal } else { column[left].total_cmp(&column[right]) }
        }
        self.kind[left]
            .cmp(&self.kind[right])
            .then_with(|| by(&self.item, left, right))
            .then_with(|| by(&self.basket, left, right))
            .then_with(|| single(&self.quantity, left, right))
            .then_with(|| if self.amount.is_empty() { Ordering::Equal } else { self.amount[left].total_cmp(&self.amount[right]) })
            .then_with(|| single(&self.discount, left, right))
            .then_with(|| single(&self.cost, left, right))
            .then_with(|| by(&self.channel, left, right))
            .then_with(|| single(&self.score, left, right))
            .then_with(|| by(&self.offer, left, right))
            .then_with(|| by(&self.known_at, left, right))
            .then_with(|| self.numbers.iter().map(|column| single(column, left, right)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
            .then_with(|| self.categories.iter().map(|column| by(column, left, right)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
    }
}

/// Where the rows of each (source, file) begin, for the few rows whose origin matters.
struct Origins(Vec<(usize, usize, usize)>);

impl Origins {
    fn of(&self, row: usize) -> (usize, usize) {
        let (_, source, file) = self.0[self.0.partition_point(|(start, _, _)| *start <= row) - 1];
        (source, file)
    }
}

/// Builds the store. The parts stand in order of source, file and block; a row whose customer is [`NO_INDEX`] is left out (and
/// was counted by the caller).
///
/// # Errors
/// 65 where there are more rows than 2^32.
pub(super) fn build(mut parts: Vec<EventPart>, plan: StorePlan) -> Result<Built> {
    let rows: usize = parts.iter().map(|part| part.batch.time.len()).sum();
    let mut duplicates = vec![0; plan.files];
    if rows == 0 {
        return Ok(Built { store: EventStore::default(), duplicates });
    }
    if u32::try_from(rows).is_err() {
        return Err(Error::data(format!("{rows} events are more than one run can hold (4,294,967,295); split the customers over several runs")));
    }
    let mut origins: Vec<(usize, usize, usize)> = Vec::new();
    let mut start = 0;
    for part in parts.iter().filter(|part| !part.batch.time.is_empty()) {
        origins.push((start, part.source, part.file));
        start += part.batch.time.len();
    }
    let origins = Origins(origins);
    let (mut offsets, mut order) = group(&parts, plan.customers);
    for part in &mut parts {
        part.customers = Vec::new();
    }
    let flat = Flat::new(&mut parts, &plan);
    drop(parts);

    let tasks = split(&mut order, &offsets);
    let results: Vec<(Vec<usize>, Vec<u64>)> = tasks
        .into_par_iter()
        .map(|(customers, rows)| {
            let base = offsets[customers.start];
            let mut kept = Vec::with_capacity(customers.len());
            let mut dropped = vec![0; plan.files];
            let mut sorter = Sorter { flat: &flat, plan: &plan, origins: &origins, keys: Vec::new() };
            for customer in customers {
                let rows = &mut rows[offsets[customer] - base..offsets[customer + 1] - base];
                kept.push(sorter.arrange(rows, &mut dropped));
            }
            (kept, dropped)
        })
        .collect();
    for (total, dropped) in results.iter().flat_map(|(_, dropped)| dropped.iter().enumerate()) {
        duplicates[total] += dropped;
    }
    compact(&mut order, &mut offsets, results.iter().flat_map(|(kept, _)| kept.iter().copied()));
    Ok(Built { store: gather(flat, &order, offsets, plan), duplicates })
}

/// Rows grouped by customer, in their order; a counting sort.
fn group(parts: &[EventPart], customers: usize) -> (Vec<usize>, Vec<u32>) {
    let mut offsets = vec![0usize; customers + 1];
    for customer in parts.iter().flat_map(|part| &part.customers).filter(|customer| **customer != NO_INDEX) {
        offsets[*customer as usize + 1] += 1;
    }
    for customer in 0..customers {
        offsets[customer + 1] += offsets[customer];
    }
    let mut next = offsets.clone();
    let mut order = vec![0u32; offsets[customers]];
    for (row, customer) in parts.iter().flat_map(|part| &part.customers).enumerate() {
        if *customer != NO_INDEX {
            let place = &mut next[*customer as usize];
            order[*place] = row as u32;
            *place += 1;
        }
    }
    (offsets, order)
}

/// Cuts the rows into the customers that one task takes.
fn split<'o>(order: &'o mut [u32], offsets: &[usize]) -> Vec<(std::ops::Range<usize>, &'o mut [u32])> {
    let customers = offsets.len() - 1;
    let mut rest = order;
    let mut tasks = Vec::new();
    for first in (0..customers).step_by(CHUNK) {
        let end = (first + CHUNK).min(customers);
        let (mine, others) = rest.split_at_mut(offsets[end] - offsets[first]);
        rest = others;
        tasks.push((first..end, mine));
    }
    tasks
}

struct Sorter<'a> {
    flat: &'a Flat,
    plan: &'a StorePlan,
    origins: &'a Origins,
    keys: Vec<(i64, u32)>,
}

impl Sorter<'_> {
    /// Orders one customer's rows and drops repeated ones; the rows kept stand first. Returns how many.
    fn arrange(&mut self, rows: &mut [u32], dropped: &mut [u64]) -> usize {
        let flat = self.flat;
        let by_columns = |left: &u32, right: &u32| flat.compare(*left as usize, *right as usize).then(left.cmp(right));
        let drops = self.plan.duplicates.iter().any(|duplicates| *duplicates != Duplicates::Keep);
        if !self.plan.timed {
            if !drops {
                return rows.len();
            }
            rows.sort_unstable_by(by_columns);
            let kept = self.drop_repeated(rows, |left, right| flat.compare(left, right).is_eq(), dropped);
            rows[..kept].sort_unstable();
            return kept;
        }
        self.keys.clear();
        self.keys.extend(rows.iter().map(|row| (flat.time[*row as usize], *row)));
        if self.keys.windows(2).any(|pair| pair[0].0 > pair[1].0) {
            self.keys.sort_unstable();
        }
        for (row, (_, sorted)) in rows.iter_mut().zip(&self.keys) {
            *row = *sorted;
        }
        let mut start = 0;
        let mut ties = false;
        while start < rows.len() {
            let time = self.keys[start].0;
            let mut end = start + 1;
            while end < rows.len() && self.keys[end].0 == time {
                end += 1;
            }
            if end - start > 1 {
                rows[start..end].sort_unstable_by(by_columns);
                ties = true;
            }
            start = end;
        }
        if !drops || !ties {
            return rows.len();
        }
        self.drop_repeated(rows, |left, right| flat.time[left] == flat.time[right] && flat.compare(left, right).is_eq(), dropped)
    }

    fn drop_repeated(&self, rows: &mut [u32], equal: impl Fn(usize, usize) -> bool, dropped: &mut [u64]) -> usize {
        let mut kept = 0;
        let mut start = 0;
        let mut run = Vec::new();
        while start < rows.len() {
            let mut end = start + 1;
            while end < rows.len() && equal(rows[start] as usize, rows[end] as usize) {
                end += 1;
            }
            if end - start == 1 {
                rows[kept] = rows[start];
                kept += 1;
            } else {
                run.clear();
                run.extend(rows[start..end].iter().map(|row| (self.origins.of(*row as usize), *row)));
                run.sort_unstable();
                for row in keep_largest(&run, &self.plan.duplicates, dropped) {
                    rows[kept] = row;
                    kept += 1;
                }
            }
            start = end;
        }
        kept
    }
}

/// Of equal rows, those that stay: the largest count seen in any one file of a source, one, or all. Earlier files keep theirs.
fn keep_largest(run: &[((usize, usize), u32)], duplicates: &[Duplicates], dropped: &mut [u64]) -> Vec<u32> {
    let mut stay = Vec::new();
    for of_source in run.chunk_by(|left, right| left.0.0 == right.0.0) {
        let limit = match duplicates[of_source[0].0.0] {
            Duplicates::Keep => usize::MAX,
            Duplicates::Drop => 1,
            Duplicates::AcrossFiles => of_source.chunk_by(|left, right| left.0.1 == right.0.1).map(<[_]>::len).max().unwrap_or(0),
        };
        for (place, ((_, file), row)) in of_source.iter().enumerate() {
            if place < limit {
                stay.push(*row);
            } else {
                dropped[*file] += 1;
            }
        }
    }
    stay
}

/// Closes the gaps that dropped rows left.
fn compact(order: &mut Vec<u32>, offsets: &mut [usize], kept: impl Iterator<Item = usize>) {
    let mut to = 0;
    let mut from = 0;
    for (customer, kept) in kept.enumerate() {
        let next = offsets[customer + 1];
        if to != from {
            order.copy_within(from..from + kept, to);
        }
        to += kept;
        from = next;
        offsets[customer + 1] = to;
    }
    order.truncate(to);
}

fn gather(mut flat: Flat, order: &[u32], offsets: Vec<usize>, plan: StorePlan) -> EventStore {
    fn take<T: Copy + Send + Sync>(column: &mut Vec<T>, order: &[u32]) -> Vec<T> {
        let column = std::mem::take(column);
        if column.is_empty() { column } else { order.par_iter().with_min_len(1 << 14).map(|row| column[*row as usize]).collect() }
    }
    let time = if plan.timed { take(&mut flat.time, order) } else { offsets.windows(2).flat_map(|pair| 0..(pair[1] - pair[0]) as i64).collect() };
    let baskets = take(&mut flat.basket, order);
    EventStore {
        known_at: take(&mut flat.known_at, order),
        kind: take(&mut flat.kind, order),
        item: take(&mut flat.item, order),
        basket: number_baskets(&baskets, &offsets),
        quantity: take(&mut flat.quantity, order),
        amount: take(&mut flat.amount, order),
        discount: take(&mut flat.discount, order),
        cost: take(&mut flat.cost, order),
        channel: take(&mut flat.channel, order),
        score: take(&mut flat.score, order),
        offer: take(&mut flat.offer, order),
        numbers: plan.numbers.into_iter().zip(&mut flat.numbers).map(|((name, _), column)| NumberColumn { name, values: take(column, order) }).collect(),
        categories: plan
            .categories
            .into_iter()
            .zip(&mut flat.categories)
            .map(|((name, _, names), column)| CategoryColumn { name, codes: take(column, order), names })
            .collect(),
        kinds: plan.kinds,
        channels: plan.channels,
        time,
        offsets,
    }
}

/// Baskets numbered as they appear: by customer, then by the customer's events.
fn number_baskets(baskets: &[u64], offsets: &[usize]) -> Vec<u32> {
    if baskets.is_empty() {
        return Vec::new();
    }
    let customers = offsets.len() - 1;
    let chunks: Vec<(u32, Vec<u32>)> = (0..customers.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut known: HashMap<u64, u32> = HashMap::new();
            let (mut next, mut codes) = (0, Vec::new());
            for customer in chunk * CHUNK..((chunk + 1) * CHUNK).min(customers) {
                known.clear();
                let mut last = (NO_BASKET, NO_INDEX);
                for basket in &baskets[offsets[customer]..offsets[customer + 1]] {
                    if *basket == NO_BASKET {
                        last = (NO_BASKET, NO_INDEX);
                    } else if *basket != last.0 {
                        let code = *known.entry(*basket).or_insert_with(|| {
                            next += 1;
                            next - 1
                        });
                        last = (*basket, code);
                    }
                    codes.push(last.1);
                }
            }
            (next, codes)
        })
        .collect();
    let mut base = 0;
    let mut numbers = Vec::with_capacity(baskets.len());
    for (count, codes) in chunks {
        numbers.extend(codes.iter().map(|code| if *code == NO_INDEX { NO_INDEX } else { base + code }));
        base += count;
    }
    numbers
}
