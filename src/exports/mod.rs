//! Files become typed rows. A file is opened once and read once, whichever sources name it.
//!
//! In: the sources of a [`Config`]. Out: [`Exports`]: id tables in byte order, columnar events grouped by customer in time
//! order, profiles, items, offers, treatments, and a count of every row: read = accepted + rejected + duplicates + skipped,
//! per source and file, always. This module knows nothing of features and models.

// What a file is.
pub(crate) mod batch;
mod block;
pub(crate) mod jsonl;
pub(crate) mod open;
pub(crate) mod parquet;
mod record;
pub(crate) mod structure;
// What its columns mean.
mod bind;
mod column;
pub(crate) mod dates;
mod lookup;
mod plan;
mod prepare;
// What a row is to each source.
mod events;
mod items;
mod profiles;
mod reject;
mod tables;
// How all rows are read, and what becomes of them; or the first few, before a config says what they are.
mod excluded;
mod finish;
mod identity;
mod intern;
mod issued;
mod profile_table;
mod pseudonym;
mod read;
mod reads;
mod rights;
mod sample;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use finish::numbered_name;
pub use issued::Issued;
pub use pseudonym::Pseudonyms;
pub use rights::{Ban, Rights, is_yes};
pub use sample::{Looked, Reading, Sample, SampledColumn, samples};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::timeline::{EventStore, Moment, ProfileTable};
use std::path::PathBuf;

/// Everything read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exports {
    /// Customer ids as they are written, in byte order; a customer's index is the position here.
    pub customers: Vec<Box<str>>,
    /// The ids that `customers` are pseudonyms of, in the same order; empty where they are the ids themselves.
    pub own_ids: Vec<Box<str>>,
    /// Items in byte order of id.
    pub items: ItemTable,
    /// Dated events.
    pub events: EventStore,
    /// Events of sources without time: order is the position in the file; they serve the recommender only. Empty when `events` is not.
    pub untimed: EventStore,
    /// Events of sources with `role = "test"`: truth for the recommender, never fitted on. Timed or untimed as the sources are.
    pub truth: EventStore,
    /// Profiles, one table per source.
    pub profiles: Vec<ProfileTable>,
    /// The label, by customer: `None` where missing or blank. Empty where no source has one.
    pub labels: Vec<Option<bool>>,
    /// Customers in the order of the rows of the source that has the label, for `validate --folds` (row 0 is the first data row).
    pub label_rows: Vec<u32>,
    /// Columns to pass through, by name: one text per customer, empty where missing. `household`, `consent` and `suppress` of the
    /// profiles stand here under these names, those of one channel as `consent.email`.
    pub carry: Vec<(String, Vec<String>)>,
    /// What the profiles say of who may be contacted.
    pub rights: Rights,
    /// Ids of the offers that events name, in byte order: what the `offer` column of the events points into.
    pub offer_ids: Vec<Box<str>>,
    /// Offers: a row per row of the exports, keys as header (`offer`, then the keys of the config). Dates are written as
    /// `YYYY-MM-DD`, with ` HH:MM:SS` where not midnight; `valid_for` is in days; several values are joined with `|`.
    pub offers: TextTable,
    /// Treatments, likewise: `customer`, the keys of the config, `response.NAME` for responses of the same row, `until`.
    pub treatments: TextTable,
    /// Offers on the lists of earlier runs, as `[decide] issued` names them.
    pub issued: Vec<Issued>,
    /// Rows per source and file.
    pub counts: Vec<FileCounts>,
    /// The rows refused, in order of file and line; at most 10,000 are kept, the counts are complete.
    pub rejects: Vec<Reject>,
    /// The newest time over all events, profiles and treatments with time.
    pub newest: Option<Moment>,
    /// What was noticed and left as it was: for `check`, the report and the log.
    pub notes: Vec<String>,
    /// Likewise what matters to who trains, and not to each run of a batch.
    pub notes_of_training: Vec<String>,
}

impl Exports {
    /// The number of a customer by id; ids are compared byte for byte.
    pub fn customer(&self, id: &str) -> Option<u32> {
        self.customers.binary_search_by(|known| known.as_bytes().cmp(id.as_bytes())).ok().map(|customer| customer as u32)
    }
    /// The customer's own id, whatever is written in its place.
    pub fn own_id(&self, customer: u32) -> &str {
        self.own_ids.get(customer as usize).unwrap_or(&self.customers[customer as usize])
    }
    /// All that was noticed, for who trains.
    pub fn all_notes(&self) -> Vec<String> {
        self.notes.iter().chain(&self.notes_of_training).cloned().collect()
    }
    /// A column passed through, one text per customer.
    pub fn carried(&self, name: &str) -> Option<&[String]> {
        self.carry.iter().find(|(known, _)| known == name).map(|(_, texts)| texts.as_slice())
    }
}

/// What is sold. Every column that is not empty has one entry per id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemTable {
    /// Ids in byte order.
    pub ids: Vec<Box<str>>,
    /// Names for people: the most frequent of an item's rows, ties by bytes; empty where missing.
    pub names: Vec<Box<str>>,
    /// Category levels, coarse to fine: codes per item into the level's names, `NO_INDEX` where missing.
    pub categories: Vec<ItemCategory>,
    /// Price; `NaN` where missing.
    pub price: Vec<f64>,
    /// Margin; `NaN` where missing.
    pub margin: Vec<f64>,
    /// Whether it can be had; empty when no source says.
    pub available: Vec<bool>,
    /// Names of the places where items can be had, in byte order; empty when no source says.
    pub places: Vec<String>,
    /// By item: the places where it can be had, ascending; `None` where no row names a place, which means everywhere. Empty when no source says.
    pub available_in: Vec<Option<Vec<u32>>>,
    /// Whether it may be recommended; empty when no source says: all may.
    pub recommendable: Vec<bool>,
}

/// One level of item categories.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemCategory {
    /// One code per item.
    pub codes: Vec<u32>,
    /// Names in byte order.
    pub names: Vec<String>,
}

/// A small table of texts: the columns named by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextTable {
    /// Keys of the columns.
    pub header: Vec<String>,
    /// Rows, each as long as the header; empty text where missing.
    pub rows: Vec<Vec<String>>,
    /// By row: which of the sources of that name it comes from, from 0.
    pub sources: Vec<usize>,
}

impl TextTable {
    /// The position of a column.
    pub fn column(&self, key: &str) -> Option<usize> {
        self.header.iter().position(|known| known == key)
    }
    /// The text of a row under a key; `None` where missing.
    pub fn text(&self, row: usize, column: Option<usize>) -> Option<&str> {
        self.rows[row].get(column?).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// Rows of one file as one source saw them: read = accepted + rejected + duplicates + skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct FileCounts {
    /// `events`, `profiles`, `items`, `offers`, `treatments`, `identities`.
    pub source: String,
    /// Which of the sources of that name, from 0.
    pub source_number: usize,
    /// The file.
    pub file: PathBuf,
    /// Data rows in it.
    pub read: u64,
    /// Rows used.
    pub accepted: u64,
    /// Rows refused.
    pub rejected: u64,
    /// Rows dropped as repeated.
    pub duplicates: u64,
    /// Rows that `where` left out.
    pub skipped: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, in hex.
    pub blake3: String,
    /// The delimiter found or declared, as text; empty for other formats.
    pub delimiter: String,
}

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The file.
    pub file: PathBuf,
    /// Line of the record's first byte, from 1.
    pub line: u64,
    /// Byte offset of the record in the (decompressed) file.
    pub byte: u64,
    /// Why; a fixed name of reference, listed in README.
    pub class: &'static str,
    /// Which column, empty for the whole record.
    pub column: String,
    /// What was found, redacted to its shape (digits 9, letters x), at most 40 characters.
    pub shape: String,
}

/// How reading goes about it.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// Threads; the result does not depend on it.
    pub threads: usize,
    /// The as-of date, when given: for `max_age` and `retention`.
    pub as_of: Option<Moment>,
    /// Whether customers go by pseudonyms, where the config has a key for them.
    pub pseudonyms: bool,
}

/// Reads every source of the config.
///
/// # Errors
/// 66 for files that are missing or unreadable, 65 for files refused (empty, no header, missing column, too many rejects, …),
/// 78 for a condition or column the files do not have.
pub fn read(config: &Config, options: ReadOptions) -> Result<Exports> {
    read_in_blocks(config, options, BLOCK_BYTES)
}

/// Bytes of text that one thread takes at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// Reads with blocks of a given size, on which the result does not depend.
fn read_in_blocks(config: &Config, options: ReadOptions, block_bytes: usize) -> Result<Exports> {
    let threads = options.threads.max(1);
    // The threads that read also learn, where they are as many: memory that a thread gives back is not at hand for others.
    let own = (threads != rayon::current_num_threads()).then(|| rayon::ThreadPoolBuilder::new().num_threads(threads).build()).transpose();
    let own = own.map_err(|error| Error::internal(format!("threads cannot be started: {error}")))?;
    let pseudonyms = config.privacy.key_file.as_deref().filter(|_| options.pseudonyms).map(Pseudonyms::read).transpose()?;
    let plan = plan::Plan::new(config)?;
    let prepared = prepare::prepare(config, &plan, block_bytes)?;
    tracing::debug!(files = plan.files.len(), sources = plan.sources.len(), "files are open");
    let read = |context: rayon::BroadcastContext<'_>| read::work(&prepared.files, plan.sources.len(), context.index());
    let workers = own.as_ref().map_or_else(|| rayon::broadcast(read), |pool| pool.broadcast(read));
    let facts = read::facts(&plan, &prepared.files)?;
    tracing::debug!("files are read");
    let finish = || finish::finish(config, &plan, &prepared, workers, facts, (options, pseudonyms));
    let mut exports = match &own {
        Some(pool) => pool.install(finish)?,
        None => rayon::scope(|_| finish())?,
    };
    exports.issued = issued::issued(config)?;
    for counts in &exports.counts {
        let FileCounts { source, source_number, file, read, accepted, rejected, duplicates, skipped, .. } = counts;
        tracing::info!(source, source_number, file = %file.display(), read, accepted, rejected, duplicates, skipped, "read");
    }
    Ok(exports)
}
