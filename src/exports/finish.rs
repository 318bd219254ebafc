//! What the workers read becomes [`Exports`]: ids numbered in byte order, rows grouped and counted, limits kept.

use super::bind::table_header;
use super::events::EventTexts;
use super::excluded::Excluded;
use super::identity::{Identities, IdentityTable};
use super::intern::{Interner, Union};
use super::items::{ItemPart, merge as merge_items};
use super::plan::{Plan, Source, SourceTable};
use super::prepare::Prepared;
use super::profile_table::{ProfileBuilt, ProfilePart, ProfilePlan, build as build_profiles};
use super::profiles::ProfileTexts;
use super::read::{Batch, PieceResult, Worker};
use super::reject::{Class, MAX_KEPT, PlacedRefusal, Refusal};
use super::rights;
use super::store::{EventPart, StorePlan, build as build_store};
use super::{Exports, FileCounts, ItemTable, Pseudonyms, ReadOptions, TextTable};
use crate::config::{Config, Duplicates, ProfileSource, Role};
use crate::error::{Error, Result};
use crate::timeline::{EventStore, Moment, NO_INDEX, ProfileTable};
use foldhash::HashSet;
use std::collections::{BTreeMap, BTreeSet};

/// What a file is, beside its rows.
#[derive(Debug, Clone, Default)]
pub(super) struct FileFacts {
    pub(super) bytes: u64,
    pub(super) blake3: String,
    /// Whether the last line had no line end.
    pub(super) unterminated: bool,
}

/// Counts and refusals of one source in one file.
#[derive(Debug, Clone, Default)]
struct Tally {
    read: u64,
    skipped: u64,
    duplicates: u64,
    refused: BTreeMap<Class, u64>,
    refusals: Vec<PlacedRefusal>,
    multiplied: u64,
}

impl Tally {
    fn rejected(&self) -> u64 {
        self.refused.values().sum()
    }
}

struct Finish<'a> {
    config: &'a Config,
    plan: &'a Plan<'a>,
    prepared: &'a Prepared,
    options: ReadOptions,
    pseudonyms: Option<Pseudonyms>,
    facts: Vec<FileFacts>,
    tallies: Vec<Tally>,
    /// By source: number of the first row of each (count, piece) over the source's files.
    first_rows: BTreeMap<(usize, u32), u64>,
    exports: Exports,
}

/// New numbers of a source's customers by worker, and those of row numbers.
struct Customers {
    /// By (source, worker).
    remaps: BTreeMap<(usize, usize), Vec<u32>>,
    /// By source whose id is the row number.
    by_row: BTreeMap<usize, Vec<u32>>,
}

/// The rows of a profile source.
struct ProfileRows<'a> {
    /// Position among all sources.
    number: usize,
    source: &'a ProfileSource,
    parts: Vec<ProfilePart>,
    rows_read: u64,
    /// Names of the columns that are carried along as they stand.
    carry: Vec<String>,
}

/// What became of the rows of events and items.
struct EventsBuilt {
    /// Of dated events, of undated ones, and of those that are only the truth.
    stores: [EventStore; 3],
    offers: Vec<Box<str>>,
    items: ItemTable,
    /// Rows by count.
    skipped: Vec<u64>,
    duplicates: Vec<u64>,
    note: Option<String>,
}

/// Assembles the exports.
///
/// # Errors
/// 65 for `reject_rate_exceeded`, `empty_file`, `max_age` and `min_rows`; 66 where the list of excluded ids cannot be read.
pub(super) fn finish(
    config: &Config,
    plan: &Plan,
    prepared: &Prepared,
    mut workers: Vec<Worker>,
    facts: Vec<FileFacts>,
    (options, pseudonyms): (ReadOptions, Option<Pseudonyms>),
) -> Result<Exports> {
    let mut results: Vec<PieceResult> = workers.iter_mut().flat_map(|worker| std::mem::take(&mut worker.results)).collect();
    results.sort_unstable_by_key(|result| (result.count, result.piece));
    let tallies = vec![Tally::default(); plan.counts.len()];
    let exports = Exports { notes: prepared.notes.clone(), ..Exports::default() };
    let mut finish = Finish { config, plan, prepared, options, pseudonyms, facts, tallies, first_rows: BTreeMap::new(), exports };
    finish.tally(&mut results);
    // Before anything is built: a file that is mostly refused is not what the config takes it for.
    finish.check_reject_rates()?;
    let identities = finish.identities(&mut results);
    let excluded = config.privacy.exclude_ids.as_deref().map(|path| Excluded::read(path, &identities)).transpose()?.unwrap_or_default();
    let customers = finish.customers(&workers, &results, &identities, &excluded);
    finish.exports.newest = finish.newest(&results);
    finish.tables(&mut results, &identities, &excluded);
    finish.check_ages(&results)?;
    let profiles = finish.profile_sources(&mut results, &customers);
    let items = finish.item_sources(&mut workers);
    let (tables, events) = rayon::join(|| finish.build_profiles(&workers, &profiles), || finish.build_events(&workers, results, items, &customers));
    finish.add_profiles(profiles, tables?);
    finish.add_events(events?);
    finish.exports.notes.extend(strangers(&finish.exports));
    finish.check_sources()?;
    finish.check_reject_rates()?;
    finish.counts();
    Ok(finish.exports)
}

/// Customers of a source from which on it is no chance that they are unknown elsewhere.
const STRANGERS: usize = 20;

/// Sources of profiles whose customers are not those of the events.
fn strangers(exports: &Exports) -> Vec<String> {
    if exports.events.is_empty() {
        return Vec::new();
    }
    let events = &exports.events.offsets;
    let has_rows = |offsets: &[usize], customer: usize| offsets.get(customer + 1).is_some_and(|end| offsets[customer] < *end);
    let note = |(number, table): (usize, &ProfileTable)| {
        let customers: Vec<usize> = (0..exports.customers.len()).filter(|customer| has_rows(&table.offsets, *customer)).collect();
        let is_strange = customers.len() >= STRANGERS && !customers.iter().any(|customer| has_rows(events, *customer));
        is_strange.then(|| {
            format!(
                "profiles[{number}]: none of its {} customers has an event; where its ids are of another kind than those of the events, [[identities]] says which are \
                 one person",
                customers.len()
            )
        })
    };
    exports.profiles.iter().enumerate().filter_map(note).collect()
}

impl<'a> Finish<'a> {
    fn tally(&mut self, results: &mut [PieceResult]) {
        let mut next: BTreeMap<usize, u64> = BTreeMap::new();
        for result in results {
            let row = next.entry(result.source).or_insert(0);
            self.first_rows.insert((result.count, result.piece), *row);
            *row += result.read;
            let tally = &mut self.tallies[result.count];
            tally.read += result.read;
            tally.skipped += result.skipped;
            tally.multiplied += result.multiplied;
            for (class, count) in &result.refused {
                *tally.refused.entry(*class).or_insert(0) += count;
            }
            let room = MAX_KEPT - tally.refusals.len().min(MAX_KEPT);
            tally.refusals.extend(std::mem::take(&mut result.refusals).into_iter().take(room));
        }
    }

    fn path(&self, count: usize) -> &std::path::Path {
        &self.plan.files[self.plan.counts[count].1].path
    }

    fn check_reject_rates(&self) -> Result<()> {
        for (count, tally) in self.tallies.iter().enumerate() {
            let source = &self.plan.sources[self.plan.counts[count].0];
            if tally.read == 0 {
                return Err(Error::data("empty_file: there is no data row in it; check the export").file(self.path(count)));
            }
            let rejected = tally.rejected();
            let limit = self.config.project.max_reject_rate;
            if rejected as f64 <= limit * tally.read as f64 {
                continue;
            }
            let mut classes: Vec<(&Class, &u64)> = tally.refused.iter().collect();
            classes.sort_unstable_by_key(|(class, rows)| (std::cmp::Reverse(**rows), **class));
            let classes: Vec<String> = classes.iter().take(3).map(|(class, rows)| format!("{} {rows}", class.name())).collect();
            let places: Vec<String> = tally
                .refusals
                .iter()
                .take(3)
                .map(|placed| {
                    let PlacedRefusal { line, byte, refusal } = placed;
                    let column = if refusal.column.is_empty() { String::new() } else { format!(" in column {:?}", refusal.column) };
                    format!("line {line} (byte {byte}) {}{column} found {:?}", refusal.class.name(), refusal.shape)
                })
                .collect();
            let message = format!(
                "reject_rate_exceeded: {rejected} of {} rows were refused for [[{}]] {} ({}), more than max_reject_rate = {limit}; first: {}; correct the export or the columns of this source",
                tally.read,
                source.table.name(),
                source.number,
                classes.join(", "),
                places.join("; ")
            );
            let mut error = Error::data(message).file(self.path(count));
            if let Some(first) = tally.refusals.first() {
                error = error.line(first.line);
            }
            return Err(error);
        }
        Ok(())
    }

    fn identities(&mut self, results: &mut [PieceResult]) -> Identities {
        let mut tables = Vec::new();
        for (number, source) in self.plan.sources.iter().enumerate() {
            let SourceTable::Identities(identities) = source.table else { continue };
            let rows = self.take_table(number, results);
            let customer_kind = identities.files.id.clone().unwrap_or_default();
            tables.push(IdentityTable { customer_kind, also: identities.also.clone(), max_links: identities.max_links, rows });
        }
        Identities::join(&tables, &mut self.exports.notes)
    }

    /// The rows of a table source, repeated ones dropped and counted.
    fn take_table(&mut self, source: usize, results: &mut [PieceResult]) -> Vec<Vec<String>> {
        let files = self.plan.sources[source].table.files();
        let mut rows: Vec<(usize, Vec<String>)> = Vec::new();
        let mut multiplies = false;
        for result in results.iter_mut().filter(|result| result.source == source) {
            multiplies |= result.multiplied > 0;
            let first = self.first_rows[&(result.count, result.piece)];
            if let Batch::Table(batch) = &mut result.batch {
                for (mut row, number) in std::mem::take(&mut batch.rows).into_iter().zip(&batch.numbers) {
                    if row.first().is_some_and(String::is_empty) {
                        row[0] = (first + u64::from(*number)).to_string();
                    }
                    rows.push((result.count, row));
                }
            }
        }
        let duplicates = if multiplies || files.lookups.iter().any(|lookup| lookup.many) { Duplicates::Keep } else { files.duplicates };
        if duplicates == Duplicates::Keep {
            return rows.into_iter().map(|(_, row)| row).collect();
        }
        let mut counts: BTreeMap<&[String], BTreeMap<usize, u64>> = BTreeMap::new();
        for (count, row) in &rows {
            *counts.entry(row).or_default().entry(*count).or_insert(0) += 1;
        }
        let mut left: BTreeMap<&[String], u64> =
            counts.iter().map(|(row, files)| (*row, if duplicates == Duplicates::Drop { 1 } else { files.values().copied().max().unwrap_or(0) })).collect();
        let mut kept = Vec::with_capacity(rows.len());
        for (count, row) in &rows {
            match left.get_mut(&row[..]) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    kept.push(row.clone());
                }
                _ => self.tallies[*count].duplicates += 1,
            }
        }
        kept
    }

    /// Numbers all customers.
    fn customers(&mut self, workers: &[Worker], results: &[PieceResult], identities: &Identities, excluded: &Excluded) -> Customers {
        let mut tables: Vec<(&Interner, usize, Option<usize>)> = Vec::new();
        let mut rows: Vec<(usize, Interner)> = Vec::new();
        for (number, source) in self.plan.sources.iter().enumerate() {
            let is_row = results.iter().filter(|result| result.source == number).any(|result| match &result.batch {
                Batch::Events(batch) => batch.customer_is_row,
                Batch::Profiles(batch) => batch.customer_is_row,
                Batch::Items | Batch::Table(_) => false,
            });
            if is_row {
                let mut ids = Interner::default();
                let total: u64 = results.iter().filter(|result| result.source == number).map(|result| result.read).sum();
                for row in 0..total {
                    ids.intern(row.to_string().as_bytes());
                }
                rows.push((number, ids));
                continue;
            }
            for (index, worker) in workers.iter().enumerate() {
                match source.table {
                    SourceTable::Events(_) => tables.push((&worker.texts[number].events.customers, number, Some(index))),
                    SourceTable::Profiles(_) => tables.push((&worker.texts[number].profiles.customers, number, Some(index))),
                    _ => {}
                }
            }
        }
        tables.extend(rows.iter().map(|(number, ids)| (ids, *number, None)));
        let interners: Vec<&Interner> = tables.iter().map(|(ids, _, _)| *ids).collect();
        for (number, source) in self.plan.sources.iter().enumerate() {
            let ids = tables.iter().filter(|(_, of, _)| *of == number).flat_map(|(ids, ..)| ids.texts());
            self.exports.notes.extend(unknown_ids(source, ids, identities));
        }
        let union = Union::of(&interners, |table, text| identities.resolve(kind_of(self.plan.sources[tables[table].1].table), text));
        let mut numbers = Vec::with_capacity(union.names.len());
        let mut names = Vec::with_capacity(union.names.len());
        let mut left_out = Vec::new();
        for name in union.names {
            if excluded.contains(&name) {
                numbers.push(NO_INDEX);
                left_out.push(name);
            } else {
                numbers.push(names.len() as u32);
                names.push(name);
            }
        }
        self.exports.notes.extend(excluded.note(&left_out));
        let alike = alike(&names);
        if alike > 0 {
            self.exports.notes.push(format!(
                "customer ids: {alike} differ from another one only in upper and lower case or in blanks around, and each counts as a customer of its own; if they \
                 are the same people, write them alike in the exports"
            ));
        }
        if let Some(pseudonyms) = &self.pseudonyms {
            let mut renamed: Vec<(Box<str>, Box<str>, u32)> =
                names.into_iter().zip(0..).map(|(name, number)| (pseudonyms.of(&name).into(), name, number)).collect();
            renamed.sort_unstable();
            let mut places = vec![0; renamed.len()];
            renamed.iter().zip(0..).for_each(|((.., number), place)| places[*number as usize] = place);
            numbers.iter_mut().filter(|number| **number != NO_INDEX).for_each(|number| *number = places[*number as usize]);
            (names, self.exports.own_ids) = renamed.into_iter().map(|(pseudonym, name, _)| (pseudonym, name)).unzip();
        }
        self.exports.customers = names;
        let mut customers = Customers { remaps: BTreeMap::new(), by_row: BTreeMap::new() };
        for ((_, source, worker), remap) in tables.iter().zip(union.remaps) {
            let remap: Vec<u32> = remap.into_iter().map(|code| numbers[code as usize]).collect();
            match worker {
                Some(worker) => drop(customers.remaps.insert((*source, *worker), remap)),
                None => drop(customers.by_row.insert(*source, remap)),
            }
        }
        customers
    }

    /// The customer of every row of a batch.
    fn customers_of(&self, result: &PieceResult, codes: &[u32], is_row: bool, customers: &Customers) -> Vec<u32> {
        if is_row {
            let first = self.first_rows[&(result.count, result.piece)] as usize;
            let remap = &customers.by_row[&result.source];
            return codes.iter().map(|row| remap[first + *row as usize]).collect();
        }
        let remap = &customers.remaps[&(result.source, result.worker)];
        codes.iter().map(|code| remap[*code as usize]).collect()
    }

    /// The newest time, without the truth.
    fn newest(&self, results: &[PieceResult]) -> Option<Moment> {
        let of_result = |result: &PieceResult| match (&result.batch, self.plan.sources[result.source].table) {
            (Batch::Events(batch), SourceTable::Events(source)) if source.time.is_some() && source.files.role == Role::Fit => batch.time.iter().copied().max(),
            (Batch::Profiles(batch), SourceTable::Profiles(source)) if source.time.is_some() => batch.time.iter().copied().max(),
            (Batch::Table(batch), _) => batch.newest,
            _ => None,
        };
        results.iter().filter_map(of_result).max().map(Moment)
    }

    /// The newest row of each source with time, against the as-of date; where none is given that is the day after the newest row of all.
    fn check_ages(&self, results: &[PieceResult]) -> Result<()> {
        let Some(as_of) = self.options.as_of.or(self.exports.newest.map(Moment::next_day)) else { return Ok(()) };
        for (number, source) in self.plan.sources.iter().enumerate() {
            let Some(max_age) = source.table.files().max_age else { continue };
            let newest = results
                .iter()
                .filter(|result| result.source == number)
                .filter_map(|result| match (&result.batch, source.table) {
                    (Batch::Events(batch), SourceTable::Events(source)) if source.time.is_some() => {
                        batch.time.iter().copied().filter(|time| *time < as_of.0).max()
                    }
                    (Batch::Profiles(batch), SourceTable::Profiles(source)) if source.time.is_some() => {
                        batch.time.iter().copied().filter(|time| *time < as_of.0).max()
                    }
                    (Batch::Table(batch), _) => batch.newest,
                    _ => None,
                })
                .max();
            let Some(newest) = newest.map(Moment) else { continue };
            let age = as_of.days_since(newest);
            if age > max_age.as_days() {
                let message = format!(
                    "the newest row of [[{}]] {} is of {}, {age:.1} days before the as-of date {}, older than max_age = {} days; send a newer export",
                    source.table.name(),
                    source.number,
                    newest.date(),
                    as_of.date(),
                    max_age.as_days()
                );
                return Err(Error::data(message).file(&source.paths[0]));
            }
        }
        Ok(())
    }

    fn tables(&mut self, results: &mut [PieceResult], identities: &Identities, excluded: &Excluded) {
        for (number, source) in self.plan.sources.iter().enumerate() {
            let is_treatments = match source.table {
                SourceTable::Offers(_) => false,
                SourceTable::Treatments(_) => true,
                _ => continue,
            };
            let kind = kind_of(source.table).to_owned();
            let mut rows = self.take_table(number, results);
            if is_treatments {
                self.exports.notes.extend(unknown_ids(source, rows.iter().map(|row| row[0].as_bytes()), identities));
                for row in &mut rows {
                    let id = identities.resolve(&kind, row[0].as_bytes());
                    if id != row[0].as_bytes() {
                        row[0] = String::from_utf8_lossy(id).into_owned();
                    }
                }
                if !excluded.is_empty() {
                    let before = rows.len();
                    rows.retain(|row| !excluded.contains(&row[0]));
                    if let Some(count) = self.plan.counts.iter().position(|(source, _)| *source == number) {
                        self.tallies[count].skipped += (before - rows.len()) as u64;
                    }
                }
                if let Some(pseudonyms) = &self.pseudonyms {
                    rows.iter_mut().for_each(|row| row[0] = pseudonyms.of(&row[0]));
                }
            }
            let table = if is_treatments { &mut self.exports.treatments } else { &mut self.exports.offers };
            append(table, &table_header(source.table), rows, source.number);
        }
    }

    /// Takes the rows of all profile sources out of the results.
    fn profile_sources(&self, results: &mut [PieceResult], customers: &Customers) -> Vec<ProfileRows<'a>> {
        let mut sources = Vec::new();
        for (number, source) in self.plan.sources.iter().enumerate() {
            let SourceTable::Profiles(source) = source.table else { continue };
            let (mut parts, mut rows_read) = (Vec::new(), 0);
            for result in results.iter_mut().filter(|result| result.source == number) {
                rows_read += result.read;
                let Batch::Profiles(batch) = std::mem::replace(&mut result.batch, Batch::Items) else { continue };
                let of_rows = self.customers_of(result, &batch.customer, batch.customer_is_row, customers);
                let first_row = self.first_rows[&(result.count, result.piece)];
                parts.push(ProfilePart { batch, worker: result.worker, file: result.count, customers: of_rows, first_row });
            }
            let household = source.household.iter().map(|_| "household".to_owned());
            let carry = source.carry.iter().cloned().chain(household).chain(rights::columns(source).map(rights::name)).collect();
            sources.push(ProfileRows { number, source, parts, rows_read, carry });
        }
        sources
    }

    /// The table of each profile source.
    fn build_profiles(&self, workers: &[Worker], sources: &[ProfileRows<'_>]) -> Result<Vec<ProfileBuilt>> {
        let empty = Interner::default();
        let build = |ProfileRows { number, source, parts, rows_read, carry }: &ProfileRows<'_>| {
            let planned = &self.prepared.planned[*number];
            let texts_of = |pick: fn(&ProfileTexts) -> &Vec<Interner>, columns: usize| -> Vec<Vec<&Interner>> {
                (0..columns).map(|column| workers.iter().map(|worker| pick(&worker.texts[*number].profiles).get(column).unwrap_or(&empty)).collect()).collect()
            };
            let plan = ProfilePlan {
                customers: self.exports.customers.len(),
                planned,
                duplicates: if source.files.lookups.iter().any(|lookup| lookup.many) { Duplicates::Keep } else { source.files.duplicates },
                timed: source.time.is_some(),
                statics: &source.static_columns,
                has_label: source.label.is_some(),
                carry: carry.len(),
            };
            let texts = texts_of(|texts| &texts.values, planned.len());
            let carried = texts_of(|texts| &texts.carry, carry.len());
            build_profiles(parts, &texts, &carried, &plan, *rows_read)
        };
        sources.iter().map(build).collect()
    }

    fn add_profiles(&mut self, sources: Vec<ProfileRows<'_>>, built: Vec<ProfileBuilt>) {
        for (ProfileRows { source, parts, carry, .. }, built) in sources.into_iter().zip(built) {
            for part in parts {
                let left_out = part.customers.iter().zip(&part.batch.times).filter(|(customer, _)| **customer == NO_INDEX);
                self.tallies[part.file].skipped += left_out.map(|(_, times)| u64::from(*times)).sum::<u64>();
            }
            for (count, rows) in built.duplicates {
                self.tallies[count].duplicates += rows;
            }
            for (count, line, byte) in built.conflicts {
                let tally = &mut self.tallies[count];
                *tally.refused.entry(Class::DuplicateId).or_insert(0) += 1;
                let refusal = Refusal::new(Class::DuplicateId, source.customer.names().join("+"), b"");
                tally.refusals.push(PlacedRefusal { line, byte, refusal });
            }
            self.exports.notes_of_training.extend(built.notes);
            if source.label.is_some() {
                self.exports.labels = built.labels;
                self.exports.label_rows = built.label_rows;
            }
            let first_right = carry.len() - rights::columns(source).count();
            self.exports.rights.add(source, &built.carry[first_right..]);
            for (place, (name, texts)) in carry.into_iter().zip(built.carry).enumerate() {
                match self.exports.carry.iter_mut().find(|(known, _)| *known == name) {
                    None => self.exports.carry.push((name, texts)),
                    // What any of several columns says of a customer's rights is shown, of other columns of one name what the first source has.
                    Some((_, known)) => known.iter_mut().zip(texts).filter(|(known, text)| !text.is_empty() && *known != text).for_each(|(known, text)| {
                        if known.is_empty() {
                            *known = text;
                        } else if place >= first_right {
                            *known = format!("{known}|{text}");
                        }
                    }),
                }
            }
            self.exports.profiles.push(built.table);
        }
        unique_names(&mut self.exports);
    }

    /// Takes the rows of all item sources out of the workers' tables.
    fn item_sources(&self, workers: &mut [Worker]) -> Vec<ItemPart> {
        let mut sources = Vec::new();
        for (number, source) in self.plan.sources.iter().enumerate() {
            let SourceTable::Items(source) = source.table else { continue };
            let texts = workers.iter_mut().map(|worker| std::mem::take(&mut worker.texts[number].items)).collect();
            let levels = source.category.as_ref().map_or(0, |column| column.names().len().max(1));
            let many = source.files.lookups.iter().any(|lookup| lookup.many);
            sources.push(ItemPart { texts, levels, duplicates: if many { Duplicates::Keep } else { source.files.duplicates } });
        }
        sources
    }

    /// The stores of events and the table of items.
    fn build_events(&self, workers: &[Worker], results: Vec<PieceResult>, mut item_parts: Vec<ItemPart>, customers: &Customers) -> Result<EventsBuilt> {
        let event_sources = self.config.events.len();
        let texts = |worker: usize, source: usize| -> &EventTexts { &workers[worker].texts[source].events };
        let count = workers.len();
        let union = |pick: &dyn Fn(&EventTexts) -> &Interner| {
            let tables: Vec<&Interner> = (0..event_sources)
                .flat_map(|source| (0..count).map(move |worker| (worker, source)))
                .map(|(worker, source)| pick(texts(worker, source)))
                .collect();
            Union::plain(&tables)
        };
        let (kinds, channels) = (union(&|texts| &texts.kinds), union(&|texts| &texts.channels));
        if kinds.names.len() > 255 {
            return Err(Error::data(format!(
                "{} kinds of events were found, at most 255 can be told apart; map them with kind = {{ column, map }}",
                kinds.names.len()
            )));
        }
        if channels.names.len() >= usize::from(u16::MAX) {
            return Err(Error::data(format!("{} channels were found, at most 65,534 can be told apart; check the column", channels.names.len())));
        }
        let offers = union(&|texts| &texts.offers);
        // Items of events and of item sources share one table.
        let Union { names: item_ids, remaps: item_remaps } = {
            let of_events = (0..event_sources).flat_map(|source| (0..count).map(move |worker| (worker, source)));
            let of_events = of_events.map(|(worker, source)| &texts(worker, source).items);
            let of_items = item_parts.iter().flat_map(|part| &part.texts).map(|texts| &texts.items);
            Union::plain(&of_events.chain(of_items).collect::<Vec<_>>())
        };
        let table_of = |source: usize, worker: usize| source * count + worker;

        let empty = Interner::default();
        let mut category_names: Vec<String> = Vec::new();
        let mut number_names: Vec<String> = Vec::new();
        for source in &self.config.events {
            for named in &source.categories {
                if !category_names.contains(&named.name) {
                    category_names.push(named.name.clone());
                }
            }
            for named in &source.numbers {
                if !number_names.contains(&named.name) {
                    number_names.push(named.name.clone());
                }
            }
        }
        let categories: Vec<(String, Vec<Option<usize>>, Union)> = category_names
            .into_iter()
            .map(|name| {
                let places: Vec<Option<usize>> =
                    self.config.events.iter().map(|source| source.categories.iter().position(|named| named.name == name)).collect();
                let tables: Vec<&Interner> = (0..event_sources)
                    .flat_map(|source| (0..count).map(move |worker| (worker, source)))
                    .map(|(worker, source)| places[source].and_then(|place| texts(worker, source).categories.get(place)).unwrap_or(&empty))
                    .collect();
                (name, places, Union::plain(&tables))
            })
            .collect();
        let numbers: Vec<(String, Vec<Option<usize>>)> = number_names
            .into_iter()
            .map(|name| {
                let places = self.config.events.iter().map(|source| source.numbers.iter().position(|named| named.name == name)).collect();
                (name, places)
            })
            .collect();

        let oldest = self.config.privacy.retention.and_then(|retention| self.options.as_of.or(self.exports.newest).map(|from| from.minus(retention).0));
        let is_timed = |source: usize| self.config.events[source].time.is_some();
        let role = |source: usize| self.config.events[source].files.role;
        let has_rows = |results: &[PieceResult], role_is: Role| {
            results.iter().any(
                |result| matches!(&result.batch, Batch::Events(batch) if !batch.time.is_empty() && is_timed(result.source) && role(result.source) == role_is),
            )
        };
        let timed_fit = has_rows(&results, Role::Fit);
        let timed_truth = has_rows(&results, Role::Test);
        let mut parts: [Vec<EventPart>; 3] = [Vec::new(), Vec::new(), Vec::new()];
        let mut dropped_untimed = 0;
        let mut skipped = vec![0; self.plan.counts.len()];
        for mut result in results {
            let Batch::Events(batch) = std::mem::replace(&mut result.batch, Batch::Items) else { continue };
            let source = result.source;
            let mut of_rows = self.customers_of(&result, &batch.customer, batch.customer_is_row, customers);
            let (store, comes_second) = match (role(source), is_timed(source)) {
                (Role::Test, timed) => (2, timed_truth && !timed),
                (Role::Fit, true) => (0, false),
                (Role::Fit, false) => (1, timed_fit),
            };
            if comes_second {
                of_rows.fill(NO_INDEX);
                dropped_untimed += of_rows.len();
            }
            if let (Some(oldest), true) = (oldest, is_timed(source)) {
                for (customer, time) in of_rows.iter_mut().zip(&batch.time) {
                    if *time < oldest {
                        *customer = NO_INDEX;
                    }
                }
            }
            skipped[result.count] += of_rows.iter().filter(|customer| **customer == NO_INDEX).count() as u64;
            let table = table_of(source, result.worker);
            parts[store].push(EventPart {
                batch,
                source,
                file: result.count,
                customers: of_rows,
                kinds: &kinds.remaps[table],
                items: &item_remaps[table],
                channels: &channels.remaps[table],
                offers: &offers.remaps[table],
                categories: categories.iter().map(|(_, _, union)| &union.remaps[table][..]).collect(),
            });
        }
        let plan = |timed: bool| StorePlan {
            customers: self.exports.customers.len(),
            duplicates: (0..event_sources).map(|source| self.event_duplicates(source)).collect(),
            numbers: numbers.clone(),
            categories: categories
                .iter()
                .map(|(name, places, union)| (name.clone(), places.clone(), union.names.iter().map(|name| name.to_string()).collect()))
                .collect(),
            kinds: kinds.names.iter().map(|name| name.to_string()).collect(),
            channels: channels.names.iter().map(|name| name.to_string()).collect(),
            timed,
            files: self.plan.counts.len(),
        };
        let [timed, untimed, truth] = parts;
        let first_table = event_sources * count;
        let item_remap = |source: usize, worker: usize| item_remaps[first_table + source * count + worker].clone();
        let (built, (table, of_items)) = rayon::join(
            || Ok::<_, Error>([build_store(timed, plan(true))?, build_store(untimed, plan(false))?, build_store(truth, plan(timed_truth))?]),
            || merge_items(&mut item_parts, item_ids, item_remap, self.plan.counts.len()),
        );
        let built = built?;
        let mut duplicates = of_items;
        for (total, rows) in built.iter().flat_map(|built| built.duplicates.iter().enumerate()) {
            duplicates[total] += rows;
        }
        let stores = built.map(|built| built.store);
        let note =
            (dropped_untimed > 0).then(|| format!("events: {dropped_untimed} rows of sources without time were skipped, because other sources have a time"));
        Ok(EventsBuilt { stores, offers: offers.names, items: table, skipped, duplicates, note })
    }

    fn add_events(&mut self, built: EventsBuilt) {
        for ((tally, skipped), duplicates) in self.tallies.iter_mut().zip(built.skipped).zip(built.duplicates) {
            tally.skipped += skipped;
            tally.duplicates += duplicates;
        }
        self.exports.notes.extend(built.note);
        [self.exports.events, self.exports.untimed, self.exports.truth] = built.stores;
        self.exports.offer_ids = built.offers;
        self.exports.items = built.items;
    }

    /// How repeated rows of an event source are told: rows that lookups multiply are not compared, and one file overlaps with none.
    fn event_duplicates(&self, source: usize) -> Duplicates {
        let files = &self.config.events[source].files;
        let one_file = self.plan.sources[source].paths.len() < 2;
        match files.duplicates {
            _ if files.lookups.iter().any(|lookup| lookup.many) => Duplicates::Keep,
            Duplicates::AcrossFiles if one_file => Duplicates::Keep,
            duplicates => duplicates,
        }
    }

    fn check_sources(&mut self) -> Result<()> {
        for (number, source) in self.plan.sources.iter().enumerate() {
            let Some(min_rows) = source.table.files().min_rows else { continue };
            let of_source = self.plan.counts.iter().zip(&self.tallies).filter(|((of, _), _)| *of == number);
            let accepted: u64 = of_source.map(|(_, tally)| tally.read - tally.rejected() - tally.skipped - tally.duplicates).sum();
            if accepted < min_rows {
                let message = format!(
                    "[[{}]] {} has {accepted} accepted rows, fewer than min_rows = {min_rows}; the export looks cut short",
                    source.table.name(),
                    source.number
                );
                return Err(Error::data(message).file(&source.paths[0]));
            }
        }
        Ok(())
    }

    fn counts(&mut self) {
        let mut told: BTreeSet<usize> = BTreeSet::new();
        for (count, (source_number, file)) in self.plan.counts.iter().enumerate() {
            let source = &self.plan.sources[*source_number];
            let tally = &self.tallies[count];
            let facts = &self.facts[*file];
            let path = &self.plan.files[*file].path;
            if facts.unterminated && told.insert(*file) {
                self.exports.notes.push(format!("{}: the last line has no line end; the file may be cut short", path.display()));
            }
            if tally.multiplied > 0 {
                let (name, number) = (source.table.name(), source.number);
                self.exports.notes.push(format!("{name} {number}: lookups with many = true made {} rows more than {} has", tally.multiplied, path.display()));
            }
            let rejected = tally.rejected();
            self.exports.counts.push(FileCounts {
                source: source.table.name().to_owned(),
                source_number: source.number,
                file: path.clone(),
                read: tally.read,
                accepted: tally.read - rejected - tally.duplicates - tally.skipped,
                rejected,
                duplicates: tally.duplicates,
                skipped: tally.skipped,
                bytes: facts.bytes,
                blake3: facts.blake3.clone(),
                delimiter: self.prepared.delimiters[*file].clone(),
            });
        }
        let mut order: Vec<usize> = (0..self.plan.counts.len()).collect();
        order.sort_by_key(|count| self.plan.counts[*count].1);
        for of_file in order.chunk_by(|left, right| self.plan.counts[*left].1 == self.plan.counts[*right].1) {
            let file = self.plan.counts[of_file[0]].1;
            let mut refusals: Vec<PlacedRefusal> = of_file.iter().flat_map(|count| std::mem::take(&mut self.tallies[*count].refusals)).collect();
            refusals.sort_unstable();
            // Several sources refuse a record for the same reason; it is listed once.
            refusals.dedup();
            let room = MAX_KEPT - self.exports.rejects.len().min(MAX_KEPT);
            self.exports.rejects.extend(refusals.into_iter().take(room).map(|refusal| refusal.into_reject(&self.plan.files[file].path)));
        }
    }
}

/// The kind of id that the customer column of a source holds; empty for the customer's own.
fn kind_of<'c>(table: SourceTable<'c>) -> &'c str {
    table.files().id.as_deref().unwrap_or_default()
}

/// What is to be said of ids of another kind than the customers' own that no `[[identities]]` knows.
fn unknown_ids<'t>(source: &Source<'_>, ids: impl Iterator<Item = &'t [u8]>, identities: &Identities) -> Option<String> {
    let kind = Some(kind_of(source.table)).filter(|kind| !kind.is_empty())?;
    let ids: HashSet<&[u8]> = ids.collect();
    let unknown = ids.iter().filter(|id| !identities.knows(kind, id)).count();
    // A card that nobody registered is nothing out of the way.
    (unknown >= STRANGERS).then(|| {
        let more = if source.paths.len() > 1 { format!(" and {} more", source.paths.len() - 1) } else { String::new() };
        let file = source.paths[0].display();
        format!("{file}{more}: {unknown} of {} ids of the kind {kind:?} stand in no [[identities]]; each counts as a customer of its own", ids.len())
    })
}

/// How many names are another one but for case and blanks around. Most businesses have ids of one case, of which none is looked at.
fn alike(names: &[Box<str>]) -> usize {
    let any = |is: fn(u8) -> bool| names.iter().any(|name| name.bytes().any(is));
    let is_blank = |byte: u8| byte.is_ascii_whitespace();
    if !(any(|byte| byte.is_ascii_uppercase()) && any(|byte| byte.is_ascii_lowercase()) || any(is_blank)) {
        return 0;
    }
    let mut folded: Vec<String> = names.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    folded.sort_unstable();
    folded.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// Adds rows to a table; keys that it has not yet become further columns.
fn append(table: &mut TextTable, header: &[String], rows: Vec<Vec<String>>, source: usize) {
    for key in header {
        if !table.header.contains(key) {
            table.header.push(key.clone());
            for row in &mut table.rows {
                row.push(String::new());
            }
        }
    }
    let places: Vec<usize> = header.iter().filter_map(|key| table.header.iter().position(|known| known == key)).collect();
    for row in rows {
        let mut full = vec![String::new(); table.header.len()];
        for (place, text) in places.iter().zip(row) {
            full[*place] = text;
        }
        table.rows.push(full);
        table.sources.push(source);
    }
}

/// The name of a column of the profile source `number`, from 0, where an earlier one has the same.
pub(crate) fn numbered_name(name: &str, number: usize) -> String {
    format!("{name} ({})", number + 1)
}

/// Names of profile columns are unique over all sources: later ones get the number of their source.
fn unique_names(exports: &mut Exports) {
    let mut seen = BTreeSet::new();
    for (number, table) in exports.profiles.iter_mut().enumerate() {
        for column in &mut table.columns {
            if !seen.insert(column.name.clone()) {
                column.name = numbered_name(&column.name, number);
                seen.insert(column.name.clone());
            }
        }
    }
}
