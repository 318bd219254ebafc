//! The reading engine: every thread takes the next block of a file, splits it and hands each record to the sources of the file.
//!
//! There is no queue: who is free cuts the next block (the sequential part, under the file's lock) and then parses it (the long
//! part, outside), so memory is bounded by a block per thread, and two compressed files are decompressed at the same time.
//! Results carry the number of their block; nothing depends on who made them.

use super::bind::{BoundSource, Columns};
use super::block::{Block, BlockReader, RecordSink};
use super::column::Row;
use super::events::{EventBatch, EventTexts};
use super::finish::FileFacts;
use super::items::ItemTexts;
use super::jsonl::JsonReader;
use super::parquet::ParquetFile;
use super::plan::Plan;
use super::profiles::{ProfileBatch, ProfileTexts};
use super::record::{Fields, Record, Splitter};
use super::reject::{Class, MAX_KEPT, PlacedRefusal, Refusal};
use super::tables::TableBatch;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a file comes in pieces.
pub(super) enum Input {
    /// Text: delimited, or JSON lines.
    Text(Box<BlockReader>),
    /// Parquet: the columns asked for, and the next row group.
    Parquet(Arc<ParquetFile>, Arc<[String]>, usize),
}

/// A piece of a file.
pub(super) enum Piece {
    Block(Block),
    /// A row group of a Parquet file, to be decoded by whoever takes it.
    RowGroup(Arc<ParquetFile>, Arc<[String]>, usize),
}

/// A file that is open, and the sources bound to it.
pub(super) struct OpenFile {
    pub(super) input: Mutex<InputState>,
    pub(super) splitter: Splitter,
    /// The columns of JSON lines.
    pub(super) json: Option<JsonReader>,
    /// Whether a line is a customer and a list of items.
    pub(super) is_list: bool,
    /// Source, position among the counts, and the source bound to the header.
    pub(super) uses: Vec<(usize, usize, BoundSource)>,
}

/// The sequential part of a file.
pub(super) struct InputState {
    pub(super) input: Input,
    /// The first piece, read to settle what the columns hold.
    pub(super) pending: Option<Piece>,
    pub(super) error: Option<Error>,
    pub(super) done: bool,
}

/// One worker's texts of one source.
#[derive(Default)]
pub(super) struct SourceTexts {
    pub(super) events: EventTexts,
    pub(super) profiles: ProfileTexts,
    pub(super) items: ItemTexts,
}

/// The rows of one piece as one source saw them.
#[derive(Debug)]
pub(super) enum Batch {
    Events(EventBatch),
    Profiles(ProfileBatch),
    Items,
    Table(TableBatch),
}

/// What one source made of one piece.
#[derive(Debug)]
pub(super) struct PieceResult {
    pub(super) source: usize,
    /// Position of the (source, file) among the counts.
    pub(super) count: usize,
    /// Number of the piece in the file.
    pub(super) piece: u32,
    pub(super) worker: usize,
    pub(super) read: u64,
    pub(super) skipped: u64,
    /// Refused rows by class.
    pub(super) refused: BTreeMap<Class, u64>,
    pub(super) refusals: Vec<PlacedRefusal>,
    /// Rows beyond one per record that lookups made.
    pub(super) multiplied: u64,
    pub(super) batch: Batch,
}

/// What one worker has.
pub(super) struct Worker {
    /// By source.
    pub(super) texts: Vec<SourceTexts>,
    pub(super) results: Vec<PieceResult>,
}

fn lock(state: &Mutex<InputState>) -> MutexGuard<'_, InputState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InputState {
    fn next(&mut self) -> Option<Piece> {
        if self.done {
            return None;
        }
        if let Some(piece) = self.pending.take() {
            return Some(piece);
        }
        match self.input.next() {
            Ok(Some(piece)) => Some(piece),
            Ok(None) => {
                self.done = true;
                None
            }
            Err(error) => {
                self.done = true;
                self.error = Some(error);
                None
            }
        }
    }
}

impl Input {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// As the file's reader.
    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        match self {
            Input::Text(reader) => Ok(reader.next_block()?.map(Piece::Block)),
            Input::Parquet(file, asked, next) => {
                let group = *next;
                *next += 1;
                Ok((group < file.row_groups()).then(|| Piece::RowGroup(file.clone(), asked.clone(), group)))
            }
        }
    }
}

/// Size and hash of every file; the first error of any file.
///
/// # Errors
/// What the files met while they were read.
pub(super) fn facts(plan: &Plan, files: &[OpenFile]) -> Result<Vec<FileFacts>> {
    let mut facts = Vec::new();
    for (planned, file) in plan.files.iter().zip(files) {
        let mut state = lock(&file.input);
        if let Some(error) = state.error.take() {
            return Err(error.or_file(&planned.path));
        }
        facts.push(match &state.input {
            Input::Text(reader) => {
                let (bytes, blake3) = reader.digest().map(|digest| (digest.bytes, digest.blake3.clone())).unwrap_or_default();
                FileFacts { bytes, blake3, unterminated: reader.unterminated }
            }
            Input::Parquet(..) => {
                let digest = super::open::digest(&planned.path)?;
                FileFacts { bytes: digest.bytes, blake3: digest.blake3, unterminated: false }
            }
        });
    }
    Ok(facts)
}

/// Hands all records of a piece to a sink.
///
/// # Errors
/// Where a Parquet file cannot be decoded.
pub(super) fn split(piece: &Piece, splitter: &Splitter, json: Option<&JsonReader>, fields: &mut Fields, sink: &mut impl RecordSink) -> Result<()> {
    match (piece, json) {
        (Piece::Block(block), None) => block.split(splitter, fields, sink),
        (Piece::Block(block), Some(json)) => block.split_json(&mut json.clone(), sink),
        (Piece::RowGroup(file, asked, group), _) => {
            let columns: Vec<&str> = asked.iter().map(String::as_str).collect();
            let first = file.rows_before(*group);
            let mut row = 0;
            let mut has_enough = false;
            let read = file.read_row_group(*group, &columns, &mut |batch| {
                let is_utf8 = std::str::from_utf8(batch.text()).is_ok();
                for index in 0..batch.rows() {
                    let ranges = batch.row(index);
                    let line = first + u64::from(row) + 1;
                    let record = Record { bytes: batch.text(), scratch: &[], ranges, line, byte: 0, row, is_utf8 };
                    sink.record(&record);
                    row += 1;
                }
                has_enough = !sink.wants_more();
                if has_enough { Err(Error::internal("the rest of the row group is not needed")) } else { Ok(()) }
            });
            if !has_enough {
                read?;
            }
        }
    }
    Ok(())
}

/// Reads pieces of the files until none is left; every thread does.
pub(super) fn work(files: &[OpenFile], sources: usize, number: usize) -> Worker {
    let mut worker = Worker { texts: (0..sources).map(|_| SourceTexts::default()).collect(), results: Vec::new() };
    let mut scratch = Scratch::default();
    let mut bound: Vec<Option<Vec<(usize, usize, BoundSource)>>> = files.iter().map(|_| None).collect();
    let mut kept: BTreeMap<usize, usize> = BTreeMap::new();
    let mut current = number % files.len().max(1);
    while let Some((file, piece)) = next_piece(files, current) {
        current = file;
        let uses = bound[file].get_or_insert_with(|| files[file].uses.clone());
        let first = worker.results.len();
        if let Err(error) = parse(&files[file], uses, &piece, number, &mut worker, &mut scratch) {
            let mut state = lock(&files[file].input);
            state.done = true;
            state.error.get_or_insert(error);
        }
        // A worker takes the pieces of a file in order, so what it keeps are its first refusals.
        for result in &mut worker.results[first..] {
            let kept = kept.entry(result.count).or_insert(0);
            result.refusals.truncate(MAX_KEPT - (*kept).min(MAX_KEPT));
            *kept += result.refusals.len();
        }
    }
    worker
}

/// The next piece of the file at hand, else of any file that nobody holds, else of the first that is not done.
fn next_piece(files: &[OpenFile], current: usize) -> Option<(usize, Piece)> {
    for turn in 0..files.len() {
        let file = (current + turn) % files.len();
        if let Ok(mut state) = files[file].input.try_lock()
            && let Some(piece) = state.next()
        {
            return Some((file, piece));
        }
    }
    files.iter().enumerate().find_map(|(file, open)| lock(&open.input).next().map(|piece| (file, piece)))
}

/// Buffers of a worker.
#[derive(Default)]
struct Scratch {
    fields: Fields,
    text: Vec<u8>,
}

fn parse(file: &OpenFile, uses: &mut [(usize, usize, BoundSource)], piece: &Piece, number: usize, worker: &mut Worker, scratch: &mut Scratch) -> Result<()> {
    let Scratch { fields, text } = scratch;
    let piece_number = match piece {
        Piece::Block(block) => block.number,
        Piece::RowGroup(_, _, group) => *group as u32,
    };
    let mut sink = SourceSink {
        takers: uses
            .iter_mut()
            .map(|(source, count, bound)| {
                let batch = match &bound.columns {
                    Columns::Events(columns) => Batch::Events(columns.batch()),
                    Columns::Profiles(_) => Batch::Profiles(ProfileBatch::default()),
                    Columns::Items(_) => Batch::Items,
                    Columns::Table(_) => Batch::Table(TableBatch::default()),
                };
                let result = PieceResult {
                    source: *source,
                    count: *count,
                    piece: piece_number,
                    worker: number,
                    read: 0,
                    skipped: 0,
                    refused: BTreeMap::new(),
                    refusals: Vec::new(),
                    multiplied: 0,
                    batch,
                };
                Taker { bound, result }
            })
            .collect(),
        texts: &mut worker.texts,
        text,
        is_list: file.is_list,
        rows: 0,
    };
    split(piece, &file.splitter, file.json.as_ref(), fields, &mut sink)?;
    worker.results.extend(sink.takers.into_iter().map(|taker| taker.result));
    Ok(())
}

struct Taker<'w> {
    bound: &'w mut BoundSource,
    result: PieceResult,
}

/// Hands records to the sources of a file.
struct SourceSink<'w> {
    takers: Vec<Taker<'w>>,
    texts: &'w mut [SourceTexts],
    text: &'w mut Vec<u8>,
    is_list: bool,
    /// Rows so far, where a line makes several.
    rows: u32,
}

impl RecordSink for SourceSink<'_> {
    fn record(&mut self, record: &Record) {
        if !self.is_list {
            for taker in &mut self.takers {
                taker.take(*record, self.texts, self.text);
            }
            return;
        }
        for item in 1..record.len() {
            let ranges = [record.ranges[0], record.ranges[item]];
            let row = Record { ranges: &ranges, row: self.rows, ..*record };
            self.rows += 1;
            for taker in &mut self.takers {
                taker.take(row, self.texts, self.text);
            }
        }
    }

    fn refuse(&mut self, class: Class, record: &Record, found: &[u8]) {
        for taker in &mut self.takers {
            taker.result.read += 1;
            taker.result.refuse(record, Refusal::new(class, "", found));
        }
        self.rows += 1;
    }
}

impl PieceResult {
    fn refuse(&mut self, record: &Record, refusal: Refusal) {
        *self.refused.entry(refusal.class).or_insert(0) += 1;
        if self.refusals.len() < MAX_KEPT {
            self.refusals.push(PlacedRefusal { line: record.line, byte: record.byte, refusal });
        }
    }
}

impl Taker<'_> {
    /// A record counts once, whatever its lookups make of it: as used if one of its rows is, else as refused if one is.
    #[inline]
    fn take(&mut self, record: Record, texts: &mut [SourceTexts], text: &mut Vec<u8>) {
        let Taker { bound, result } = self;
        result.read += 1;
        if !bound.has_lookups() {
            let row = bound.plain_row(record);
            if !bound.wants(&row) {
                result.skipped += 1;
            } else if let Err(refusal) = take_row(&mut bound.columns, &row, result, &mut texts[result.source], text) {
                result.refuse(&record, refusal);
            }
            return;
        }
        let lookups = bound.lookups.clone();
        let mut rows: Vec<Vec<&[u8]>> = Vec::new();
        super::bind::join(&lookups, bound, record, &mut Vec::new(), &mut rows);
        let (mut used, mut refused) = (0u64, None);
        for joined in &rows {
            let row = Row { joined, ..bound.plain_row(record) };
            if bound.wants(&row) {
                match take_row(&mut bound.columns, &row, result, &mut texts[result.source], text) {
                    Ok(()) => used += 1,
                    Err(refusal) => refused = refused.or(Some(refusal)),
                }
            }
        }
        result.multiplied += used.saturating_sub(1);
        match refused {
            Some(refusal) if used == 0 => result.refuse(&record, refusal),
            None if used == 0 => result.skipped += 1,
            _ => {}
        }
    }
}

#[inline]
fn take_row(columns: &mut Columns, row: &Row, result: &mut PieceResult, texts: &mut SourceTexts, text: &mut Vec<u8>) -> std::result::Result<(), Refusal> {
    match (columns, &mut result.batch) {
        (Columns::Events(columns), Batch::Events(batch)) => columns.take(row, &mut texts.events, batch, text),
        (Columns::Profiles(columns), Batch::Profiles(batch)) => columns.take(row, &mut texts.profiles, batch, text),
        (Columns::Items(columns), _) => columns.take(row, result.count, &mut texts.items, text),
        (Columns::Table(columns), Batch::Table(batch)) => columns.take(row, batch, text),
        (Columns::Events(_) | Columns::Profiles(_) | Columns::Table(_), _) => Ok(()),
    }
}
