//! Files are opened, their structure is settled, and the sources meet their headers: all that must be known before the first
//! row is read.

use super::bind::{BoundSource, bind, joined_header};
use super::block::{BlockReader, RecordSink};
use super::column::Row;
use super::jsonl::JsonReader;
use super::lookup::{FirstValues, LookupTable};
use super::open::{ExportFile, expand, format_of};
use super::parquet::ParquetFile;
use super::plan::{Plan, PlannedFile, SourceTable};
use super::profiles::{PlannedColumn, plan_columns};
use super::read::{Input, InputState, OpenFile, split};
use super::record::{Fields, Record, Splitter};
use super::reject::Class;
use super::structure::{HEAD_BYTES, delimiter_name, inspect};
use crate::config::{Config, Delimiter, Duplicates, Files, Format, Layout, Response, Role};
use crate::error::{Error, Result};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Everything that is open.
pub(super) struct Prepared {
    pub(super) files: Vec<OpenFile>,
    /// Delimiter by file, as counts show it.
    pub(super) delimiters: Vec<String>,
    /// Columns by source; empty for all but profiles.
    pub(super) planned: Vec<Vec<PlannedColumn>>,
    pub(super) notes: Vec<String>,
}

/// A file that is open, before its sources meet it.
pub(super) struct Opened {
    pub(super) input: Input,
    pub(super) header: Vec<String>,
    pub(super) splitter: Splitter,
    pub(super) json: Option<JsonReader>,
    pub(super) delimiter: String,
}

impl Opened {
    /// Shows all records to a sink.
    fn feed(&mut self, sink: &mut impl RecordSink) -> Result<()> {
        while let Some(piece) = self.input.next()? {
            split(&piece, &self.splitter, self.json.as_ref(), &mut Fields::default(), sink)?;
        }
        Ok(())
    }
}

/// Opens a file up to its first data row. `wanted` are the columns that matter; `None` means all.
pub(super) fn open(path: &Path, format: Format, files: &Files, wanted: Option<&[String]>, block_bytes: usize) -> Result<Opened> {
    let opened = match format {
        Format::Csv => open_text(path, files, block_bytes),
        Format::JsonLines => open_json(path, files, wanted, block_bytes),
        Format::Parquet => open_parquet(path, wanted),
    };
    opened.map_err(|error| error.or_file(path))
}

/// No line holds anything that needs care.
const LINES: Splitter = Splitter { delimiter: Delimiter::Spaces, expected: None };

fn open_json(path: &Path, files: &Files, wanted: Option<&[String]>, block_bytes: usize) -> Result<Opened> {
    let mut file = ExportFile::open(path, files.encoding.as_deref())?;
    let mut head = vec![0; HEAD_BYTES];
    let read = file.fill(&mut head)?;
    let ended = read < head.len();
    head.truncate(read);
    let found = super::jsonl::columns(&head)?;
    // Keys that the first objects lack may come later, and paths are not among the keys.
    let mut header: Vec<String> = wanted.map_or_else(|| found.clone(), <[String]>::to_vec);
    header.extend(if wanted.is_none() { files.columns.clone().unwrap_or_default() } else { Vec::new() });
    header.sort_unstable();
    header.dedup();
    let names: Vec<&str> = header.iter().map(String::as_str).collect();
    let json = JsonReader::new(&names)?;
    let reader = BlockReader::new(file, LINES, block_bytes, head, ended, 1, 0);
    Ok(Opened { input: Input::Text(Box::new(reader)), header, splitter: LINES, json: Some(json), delimiter: String::new() })
}

fn open_parquet(path: &Path, wanted: Option<&[String]>) -> Result<Opened> {
    let file = ParquetFile::open(path)?;
    // A column that is named but not there is told when the sources are bound.
    let header: Vec<String> = match wanted {
        None => file.columns().to_vec(),
        Some(wanted) => file.columns().iter().filter(|name| wanted.contains(name)).cloned().collect(),
    };
    let input = Input::Parquet(Arc::new(file), header.clone().into(), 0);
    Ok(Opened { input, header, splitter: LINES, json: None, delimiter: String::new() })
}

/// The columns that the sources of a file name; `None` where one wants them all.
fn wanted_columns(plan: &Plan, planned: &PlannedFile) -> Option<Vec<String>> {
    let mut wanted = Vec::new();
    for (source, _) in &planned.uses {
        wanted.extend(plan.sources[*source].table.column_names()?);
    }
    wanted.sort_unstable();
    wanted.dedup();
    Some(wanted)
}

fn open_text(path: &Path, files: &Files, block_bytes: usize) -> Result<Opened> {
    let mut file = ExportFile::open(path, files.encoding.as_deref())?;
    let mut head = vec![0; HEAD_BYTES];
    let read = file.fill(&mut head)?;
    let ended = read < head.len();
    head.truncate(read);
    let structure = inspect(&head, ended, files)?;
    head.drain(..structure.body);
    let expected = (files.layout == Layout::Rows).then_some(structure.columns.len());
    let splitter = Splitter { delimiter: structure.delimiter, expected };
    let reader = BlockReader::new(file, splitter, block_bytes, head, ended, structure.body_line, structure.body as u64);
    Ok(Opened { input: Input::Text(Box::new(reader)), header: structure.columns, splitter, json: None, delimiter: delimiter_name(structure.delimiter) })
}

/// Opens all files and binds all sources.
///
/// # Errors
/// What [`super::read`] says of files, columns and conditions.
pub(super) fn prepare(config: &Config, plan: &Plan, block_bytes: usize) -> Result<Prepared> {
    let mut lookups: Vec<Vec<Arc<LookupTable>>> = Vec::new();
    for source in &plan.sources {
        let configs = &source.table.files().lookups;
        lookups.push(configs.iter().map(|lookup| read_lookup(&lookup.patterns, &lookup.key, lookup.many)).collect::<Result<_>>()?);
    }
    let timezone = &config.project.timezone;
    let mut prepared = Prepared { files: Vec::new(), delimiters: Vec::new(), planned: vec![Vec::new(); plan.sources.len()], notes: Vec::new() };
    let mut is_planned = vec![false; plan.sources.len()];
    for planned in &plan.files {
        let wanted = wanted_columns(plan, planned);
        let opened = open(&planned.path, planned.format, planned.files, wanted.as_deref(), block_bytes)?;
        let filled = read_filled(plan, planned, wanted.as_deref(), block_bytes).map_err(|error| error.or_file(&planned.path))?;
        let mut uses = Vec::new();
        for ((source, count), filled) in planned.uses.iter().zip(filled) {
            let table = plan.sources[*source].table;
            let lookups: Vec<Arc<LookupTable>> = filled.into_iter().chain(lookups[*source].iter().cloned()).collect();
            if let SourceTable::Profiles(profiles) = table
                && !is_planned[*source]
            {
                let taken = taken_columns(plan, *source, &mut prepared.notes);
                prepared.planned[*source] = plan_columns(profiles, &joined_header(&opened.header, &lookups), &taken);
                remove_outcomes(plan, *source, &mut prepared.planned[*source], &mut prepared.notes);
                is_planned[*source] = true;
            }
            let bound = bind(table, &opened.header, &lookups, &prepared.planned[*source], timezone, &planned.path)?;
            uses.push((*source, *count, bound));
        }
        let state = InputState { input: opened.input, pending: None, error: None, done: false };
        let is_list = planned.files.layout == Layout::List;
        prepared.files.push(OpenFile { input: Mutex::new(state), splitter: opened.splitter, json: opened.json, is_list, uses });
        prepared.delimiters.push(opened.delimiter);
    }
    sample(plan, &mut prepared, block_bytes)?;
    settle(plan, &mut prepared)?;
    Ok(prepared)
}

/// The columns that other sources of the same files use, which therefore are no features unless declared.
fn taken_columns(plan: &Plan, profiles: usize, notes: &mut Vec<String>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for (other, source) in plan.sources.iter().enumerate() {
        if other != profiles && shares_file(plan, other, profiles) {
            match source.table {
                SourceTable::Profiles(other) => taken.extend(other.label.iter().flat_map(|label| label.column.names()).map(str::to_owned)),
                table => taken.extend(table.mapped_names()),
            }
        }
    }
    taken.sort_unstable();
    taken.dedup();
    if !taken.is_empty() {
        notes.push(format!("profiles: columns that other sources of the same file use are no features unless declared: {}", taken.join(", ")));
    }
    taken
}

fn shares_file(plan: &Plan, left: usize, right: usize) -> bool {
    plan.sources[left].paths.iter().any(|path| plan.sources[right].paths.contains(path))
}

/// Takes out the arm and the responses of an offer test, even where declared: they are not known before.
fn remove_outcomes(plan: &Plan, profiles: usize, planned: &mut Vec<PlannedColumn>, notes: &mut Vec<String>) {
    for (other, source) in plan.sources.iter().enumerate() {
        let SourceTable::Treatments(treatments) = source.table else { continue };
        if !shares_file(plan, other, profiles) {
            continue;
        }
        let mut outcomes: Vec<&str> = treatments.columns.iter().filter(|(key, _)| key == "arm").flat_map(|(_, column)| column.names()).collect();
        if let Some(Response::Columns(responses)) = &treatments.response {
            outcomes.extend(responses.iter().map(|(_, column)| column.as_str()));
        }
        planned.retain(|column| {
            let is_outcome = column.column.names().iter().any(|name| outcomes.contains(name));
            if is_outcome {
                notes.push(format!("profiles: {:?} is the arm or a response of an offer test and is no feature", column.name));
            }
            !is_outcome
        });
    }
}

/// Looks at rows, to settle dates and decimal signs.
struct Observer<'b> {
    uses: &'b mut [(usize, usize, BoundSource)],
    is_list: bool,
    numbers: bool,
    buffer: Vec<u8>,
}

impl RecordSink for Observer<'_> {
    fn record(&mut self, record: &Record) {
        let ranges = [record.ranges.first().copied().unwrap_or_default(), record.ranges.get(1).copied().unwrap_or_default()];
        let record = if self.is_list { Record { ranges: &ranges, ..*record } } else { *record };
        for (_, _, bound) in self.uses.iter_mut() {
            let lookups = if bound.has_lookups() { bound.lookups.clone() } else { Vec::new() };
            let mut rows = Vec::new();
            if !lookups.is_empty() {
                super::bind::join(&lookups, bound, record, &mut Vec::new(), &mut rows);
            }
            let joined = rows.first().map_or(&[][..], |row| &row[..]);
            let row = Row { joined, ..bound.plain_row(record) };
            if !bound.wants(&row) {
                continue;
            }
            for time in bound.times() {
                time.observe(&row, &mut self.buffer);
            }
            if self.numbers {
                for number in bound.numbers() {
                    number.observe(&row, &mut self.buffer);
                }
            }
        }
    }
    fn refuse(&mut self, _: Class, _: &Record, _: &[u8]) {}
    fn wants_more(&mut self) -> bool {
        !is_decided(self.uses)
    }
}

/// Whether no further row can change how any date is read.
fn is_decided(uses: &mut [(usize, usize, BoundSource)]) -> bool {
    uses.iter_mut().all(|(_, _, bound)| bound.times().iter().all(|time| time.is_decided()))
}

/// Shows the sources the first piece of each file; where that leaves open how a date is written, all pieces.
fn sample(plan: &Plan, prepared: &mut Prepared, block_bytes: usize) -> Result<()> {
    for (planned, file) in plan.files.iter().zip(&mut prepared.files) {
        let state = file.input.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let piece = state.input.next().map_err(|error| error.or_file(&planned.path))?;
        let numbers = matches!(file.splitter.delimiter, Delimiter::Byte(byte) if byte != b',');
        let mut observer = Observer { uses: &mut file.uses, is_list: file.is_list, numbers, buffer: Vec::new() };
        let wants_nothing = observer.uses.iter_mut().all(|(_, _, bound)| bound.times().is_empty() && (!numbers || bound.numbers().is_empty()));
        if let Some(piece) = piece {
            if !wants_nothing {
                split(&piece, &file.splitter, file.json.as_ref(), &mut Fields::default(), &mut observer)?;
            }
            state.pending = Some(piece);
        }
        if !is_decided(observer.uses) {
            let wanted = wanted_columns(plan, planned);
            let mut again = open(&planned.path, planned.format, planned.files, wanted.as_deref(), block_bytes)?;
            observer.numbers = false;
            // The first piece has been looked at.
            again.input.next()?;
            while let Some(piece) = again.input.next()? {
                split(&piece, &file.splitter, file.json.as_ref(), &mut Fields::default(), &mut observer)?;
                if is_decided(observer.uses) {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Settles dates and decimal signs. A file that does not decide the order of day and month itself follows the source's others.
fn settle(plan: &Plan, prepared: &mut Prepared) -> Result<()> {
    let mut merged: Vec<Vec<Option<super::dates::DateSniffer>>> = vec![Vec::new(); plan.sources.len()];
    for file in &mut prepared.files {
        for (source, _, bound) in &mut file.uses {
            let merged = &mut merged[*source];
            for (place, time) in bound.times().into_iter().enumerate() {
                match (merged.get_mut(place), time.sniffer()) {
                    (None, sniffer) => merged.push(sniffer.cloned()),
                    (Some(Some(known)), Some(later)) => known.merge(later),
                    (Some(slot @ None), later) => *slot = later.cloned(),
                    (Some(Some(_)), None) => {}
                }
            }
        }
    }
    for (planned, file) in plan.files.iter().zip(&mut prepared.files) {
        for (source, _, bound) in &mut file.uses {
            for (place, time) in bound.times().into_iter().enumerate() {
                let of_all = merged[*source].get(place).cloned().flatten();
                time.settle(of_all).map_err(|error| error.file(&planned.path))?;
            }
            for number in bound.numbers() {
                number.settle();
            }
        }
    }
    Ok(())
}

/// Reads a file, where sources of it fill columns down, for what rows of it that belong together tell once: a table for each use of the file, if it fills.
fn read_filled(plan: &Plan, planned: &PlannedFile, wanted: Option<&[String]>, block_bytes: usize) -> Result<Vec<Option<Arc<LookupTable>>>> {
    let fills = |source: usize| plan.sources[source].table.files().fill_down.as_ref();
    if planned.uses.iter().all(|(source, _)| fills(*source).is_none()) {
        return Ok(vec![None; planned.uses.len()]);
    }
    let mut opened = open(&planned.path, planned.format, planned.files, wanted, block_bytes)?;
    let first_values = |(source, _): &(usize, usize)| {
        fills(*source).map(|fill_down| FirstValues::new(fill_down, &opened.header, &plan.sources[*source].table.files().missing)).transpose()
    };
    let mut found: Vec<Option<FirstValues>> = planned.uses.iter().map(first_values).collect::<Result<_>>()?;
    opened.feed(&mut Filling(&mut found))?;
    Ok(found.into_iter().map(|found| found.map(|found| Arc::new(found.into_table()))).collect())
}

/// Shows records to all that collect first values.
struct Filling<'f>(&'f mut [Option<FirstValues>]);

impl RecordSink for Filling<'_> {
    fn record(&mut self, record: &Record) {
        self.0.iter_mut().flatten().for_each(|found| found.see(record));
    }
    /// It is refused again, and told, when the file is read.
    fn refuse(&mut self, _: Class, _: &Record, _: &[u8]) {}
}

/// Reads a lookup file whole.
fn read_lookup(patterns: &[String], key: &str, many: bool) -> Result<Arc<LookupTable>> {
    let paths = expand(patterns)?;
    let [path] = &paths[..] else {
        return Err(Error::config(format!("lookup: {} files match, expected one", paths.len())));
    };
    let files = plain_files(patterns);
    let mut opened = open(path, format_of(path, None)?, &files, None, HEAD_BYTES)?;
    let mut collector = Collector { path, records: Vec::new(), error: None };
    opened.feed(&mut collector)?;
    match collector.error {
        Some(error) => Err(error),
        None => Ok(Arc::new(LookupTable::new(path, &opened.header, key, many, collector.records)?)),
    }
}

/// The settings of a file of which nothing is declared.
pub(super) fn plain_files(patterns: &[String]) -> Files {
    Files {
        patterns: patterns.to_vec(),
        format: None,
        delimiter: None,
        encoding: None,
        columns: None,
        layout: Layout::Rows,
        condition: None,
        lookups: Vec::new(),
        fill_down: None,
        missing: Vec::new(),
        duplicates: Duplicates::Keep,
        id: None,
        role: Role::Fit,
        max_age: None,
        min_rows: None,
        line: 0,
    }
}

/// Keeps all records; the first that is refused is an error, for a lookup must be whole.
struct Collector<'p> {
    path: &'p Path,
    records: Vec<(u64, csv::ByteRecord)>,
    error: Option<Error>,
}

impl RecordSink for Collector<'_> {
    fn record(&mut self, record: &Record) {
        self.records.push((record.line, (0..record.len()).map(|field| record.get(field)).collect()));
    }
    fn refuse(&mut self, class: Class, record: &Record, _: &[u8]) {
        if self.error.is_none() {
            self.error = Some(Error::data(format!("{}: a lookup file must be whole; correct this row", class.name())).file(self.path).line(record.line));
        }
    }
}
