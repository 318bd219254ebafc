//! A text file becomes blocks cut at record boundaries, and a block becomes records. Cutting is the sequential part and looks
//! only at lines that hold a quote; splitting is done by any thread.

use super::batch::TextBatch;
use super::jsonl::JsonReader;
use super::open::{Digest, ExportFile};
use super::record::{Fields, MAX_FIELD, MAX_RECORD, Record, Scan, Splitter, line_start, without_return};
use super::reject::Class;
use crate::config::Delimiter;
use crate::error::Result;
use memchr::{memchr, memchr_iter, memchr2_iter, memrchr};

/// Bytes of a record beyond [`MAX_RECORD`] that are kept to show its shape.
const HEAD: usize = 64;

/// A stretch of a file that holds whole records.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Its number in the file, from 0.
    pub(super) number: u32,
    pub(super) bytes: Vec<u8>,
    /// Line of its first byte, from 1.
    pub(super) line: u64,
    /// Offset of its first byte.
    pub(super) byte: u64,
    /// Records that hold a quote, or are refused already, in order.
    special: Vec<Special>,
}

#[derive(Debug, Clone, Copy)]
struct Special {
    start: usize,
    end: usize,
    bad: Option<Class>,
}

/// Cuts a file into blocks.
pub(super) struct BlockReader {
    file: Option<ExportFile>,
    digest: Option<Digest>,
    splitter: Splitter,
    block_bytes: usize,
    carry: Vec<u8>,
    ended: bool,
    number: u32,
    line: u64,
    byte: u64,
    /// Whether the last line had no line end.
    pub(super) unterminated: bool,
}

impl BlockReader {
    /// Goes on where the header ended: `carry` is what was read beyond it, `ended` whether that is all.
    pub(super) fn new(file: ExportFile, splitter: Splitter, block_bytes: usize, carry: Vec<u8>, ended: bool, line: u64, byte: u64) -> BlockReader {
        let block_bytes = block_bytes.max(1);
        BlockReader { file: Some(file), digest: None, splitter, block_bytes, carry, ended, number: 0, line, byte, unterminated: false }
    }

    /// Size and hash of the file, once it has been read.
    pub(super) fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The next block; `None` at the end.
    ///
    /// # Errors
    /// As [`ExportFile::fill`].
    pub(super) fn next_block(&mut self) -> Result<Option<Block>> {
        let mut bytes = Vec::new();
        let mut want = self.block_bytes;
        let (boundary, special) = loop {
            self.read_up_to(&mut bytes, want)?;
            if bytes.is_empty() {
                if let Some(file) = self.file.take() {
                    self.digest = Some(file.finish()?);
                }
                return Ok(None);
            }
            let found = self.cut(&bytes);
            if found.0 > 0 {
                break found;
            }
            if bytes.len() > 2 * MAX_RECORD {
                return self.overlong(bytes).map(Some);
            }
            want = bytes.len() * 2;
        };
        if boundary < bytes.len() {
            self.carry.splice(..0, bytes[boundary..].iter().copied());
            bytes.truncate(boundary);
        }
        let lines = memchr_iter(b'\n', &bytes).count() as u64;
        self.unterminated = bytes.last() != Some(&b'\n');
        Ok(Some(self.block(bytes, special, lines, boundary as u64)))
    }

    fn block(&mut self, bytes: Vec<u8>, special: Vec<Special>, lines: u64, length: u64) -> Block {
        let block = Block { number: self.number, bytes, line: self.line, byte: self.byte, special };
        self.number += 1;
        self.line += lines;
        self.byte += length;
        block
    }

    /// Takes what was read before, then what the file has.
    fn read_up_to(&mut self, bytes: &mut Vec<u8>, want: usize) -> Result<()> {
        if bytes.is_empty() && self.carry.len() <= want {
            std::mem::swap(bytes, &mut self.carry);
        } else {
            let taken = self.carry.len().min(want - bytes.len());
            bytes.extend(self.carry.drain(..taken));
        }
        let have = bytes.len();
        if let (false, Some(file)) = (self.ended || have >= want, &mut self.file) {
            bytes.resize(want, 0);
            let read = file.fill(&mut bytes[have..])?;
            bytes.truncate(have + read);
            self.ended = have + read < want;
        }
        Ok(())
    }

    /// Whether there is nothing beyond the bytes at hand.
    fn at_end(&self) -> bool {
        self.ended && self.carry.is_empty()
    }

    /// Where the last whole record ends, and which records need care.
    fn cut(&self, bytes: &[u8]) -> (usize, Vec<Special>) {
        let mut special = Vec::new();
        let mut position = 0;
        while let Delimiter::Byte(_) = self.splitter.delimiter {
            let Some(quote) = memchr(b'"', &bytes[position..]) else { break };
            let start = line_start(bytes, position, position + quote);
            match self.splitter.scan(bytes, start, self.at_end(), None) {
                Scan::Complete(end) => {
                    special.push(Special { start, end, bad: None });
                    position = end;
                }
                Scan::Bad(class, end) => {
                    special.push(Special { start, end, bad: Some(class) });
                    position = end;
                }
                Scan::NeedMore => return (start, special),
            }
        }
        let end = if self.at_end() { bytes.len() } else { memrchr(b'\n', &bytes[position..]).map_or(position, |at| position + at + 1) };
        (end, special)
    }

    /// A line beyond all limits: its head is kept, the rest is read past.
    fn overlong(&mut self, mut bytes: Vec<u8>) -> Result<Block> {
        let mut length = bytes.len() as u64;
        let mut chunk = vec![0; 1 << 16];
        let mut lines = 0;
        // What was read before is used up: the line is longer than any head.
        while let Some(file) = &mut self.file {
            let read = file.fill(&mut chunk)?;
            if let Some(at) = memchr(b'\n', &chunk[..read]) {
                length += at as u64 + 1;
                lines = 1;
                self.carry = chunk[at + 1..read].to_vec();
                self.ended = read < chunk.len();
                break;
            }
            length += read as u64;
            if read < chunk.len() {
                self.ended = true;
                break;
            }
        }
        bytes.truncate(HEAD);
        bytes.shrink_to_fit();
        let special = vec![Special { start: 0, end: bytes.len(), bad: Some(Class::LineTooLong) }];
        Ok(self.block(bytes, special, lines, length))
    }
}

/// Takes the records of a block.
pub(super) trait RecordSink {
    /// A record with as many fields as the header has.
    fn record(&mut self, record: &Record);
    /// A record that is refused for all sources; `found` is its text.
    fn refuse(&mut self, class: Class, record: &Record, found: &[u8]);
    /// Whether it is of use to go on; asked now and then.
    fn wants_more(&mut self) -> bool {
        true
    }
}

impl Block {
    /// Splits all records. Blank lines are passed over.
    pub(super) fn split(&self, splitter: &Splitter, fields: &mut Fields, sink: &mut impl RecordSink) {
        let mut walk = Walk {
            block: self,
            splitter,
            line: self.line,
            row: 0,
            is_utf8: std::str::from_utf8(&self.bytes).is_ok(),
            has_nul: memchr(0, &self.bytes).is_some(),
        };
        let mut position = 0;
        for special in &self.special {
            walk.plain(position, special.start, fields, sink);
            walk.special(*special, fields, sink);
            position = special.end;
        }
        walk.plain(position, self.bytes.len(), fields, sink);
    }
}

impl Block {
    /// Reads every line as a JSON object.
    pub(super) fn split_json(&self, json: &mut JsonReader, sink: &mut impl RecordSink) {
        let mut batch = TextBatch::new(json.width());
        let (mut start, mut line, mut row) = (0, self.line, 0);
        while start < self.bytes.len() {
            let end = memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |at| start + at);
            let text = &self.bytes[start..end];
            if !text.trim_ascii().is_empty() {
                batch.clear();
                let fault = if text.len() > MAX_RECORD { Some(Class::LineTooLong) } else { json.read(text, &mut batch).err().map(|_| Class::BadJson) };
                let ranges = if fault.is_none() { batch.row(0) } else { &[] };
                // What is not UTF-8 is not JSON either.
                let record = Record { bytes: batch.text(), scratch: &[], ranges, line, byte: self.byte + start as u64, row, is_utf8: true };
                match fault {
                    None => sink.record(&record),
                    Some(class) => sink.refuse(class, &record, text),
                }
                row += 1;
            }
            line += 1;
            start = end + 1;
        }
    }
}

struct Walk<'b> {
    block: &'b Block,
    splitter: &'b Splitter,
    line: u64,
    row: u32,
    is_utf8: bool,
    has_nul: bool,
}

impl Walk<'_> {
    /// Lines without quotes.
    fn plain(&mut self, start: usize, end: usize, fields: &mut Fields, sink: &mut impl RecordSink) {
        let bytes = &self.block.bytes;
        let mut first = start;
        if let Delimiter::Byte(delimiter) = self.splitter.delimiter {
            fields.clear();
            let mut field = start;
            for at in memchr2_iter(delimiter, b'\n', &bytes[start..end]) {
                let at = start + at;
                if bytes[at] == b'\n' {
                    let stop = without_return(bytes, field, at);
                    fields.ranges.push((field as u32, stop as u32));
                    self.finish(first, stop, fields, sink);
                    fields.clear();
                    first = at + 1;
                    field = first;
                } else {
                    fields.ranges.push((field as u32, at as u32));
                    field = at + 1;
                }
            }
            if first < end {
                let stop = without_return(bytes, field, end);
                fields.ranges.push((field as u32, stop as u32));
                self.finish(first, stop, fields, sink);
            }
            return;
        }
        while first < end {
            let at = memchr(b'\n', &bytes[first..end]).map_or(end, |at| first + at);
            let stop = without_return(bytes, first, at);
            fields.clear();
            self.splitter.split_plain(bytes, first, stop, fields);
            self.finish(first, stop, fields, sink);
            first = at + 1;
        }
    }

    /// A record of `start..stop`, its line end left out, is split.
    #[inline]
    fn finish(&mut self, start: usize, stop: usize, fields: &Fields, sink: &mut impl RecordSink) {
        let is_blank = start >= stop || fields.ranges.is_empty();
        if !is_blank {
            let class = self.fault(start, stop, fields);
            self.hand_over(class, start, stop, fields, sink);
        }
        self.line += 1;
    }

    #[inline]
    fn fault(&self, start: usize, stop: usize, fields: &Fields) -> Option<Class> {
        if self.has_nul && memchr(0, &self.block.bytes[start..stop]).is_some() {
            return Some(Class::NulByte);
        }
        if stop - start > MAX_FIELD {
            if stop - start > MAX_RECORD {
                return Some(Class::LineTooLong);
            }
            if fields.ranges.iter().any(|(start, end)| (end & !(1 << 31)).saturating_sub(start & !(1 << 31)) as usize > MAX_FIELD) {
                return Some(Class::FieldTooLong);
            }
        }
        let expected = self.splitter.expected?;
        match fields.ranges.len() {
            count if count == expected => None,
            count if count < expected => Some(Class::TooFewFields),
            _ => Some(Class::TooManyFields),
        }
    }

    #[inline]
    fn hand_over(&mut self, class: Option<Class>, start: usize, stop: usize, fields: &Fields, sink: &mut impl RecordSink) {
        let record = Record {
            bytes: &self.block.bytes,
            scratch: &fields.scratch,
            ranges: &fields.ranges,
            line: self.line,
            byte: self.block.byte + start as u64,
            row: self.row,
            is_utf8: self.is_utf8,
        };
        match class {
            None => sink.record(&record),
            Some(class) => sink.refuse(class, &record, &self.block.bytes[start..stop]),
        }
        self.row += 1;
    }

    fn special(&mut self, special: Special, fields: &mut Fields, sink: &mut impl RecordSink) {
        let bytes = &self.block.bytes;
        let stop = if bytes[..special.end].ends_with(b"\n") { special.end - 1 } else { special.end };
        let stop = without_return(bytes, special.start, stop);
        fields.clear();
        let class = match special.bad {
            Some(class) => Some(class),
            None => match self.splitter.scan(bytes, special.start, true, Some(fields)) {
                Scan::Bad(class, _) => Some(class),
                Scan::Complete(_) | Scan::NeedMore => self.fault(special.start, stop, fields),
            },
        };
        self.hand_over(class, special.start, stop, fields, sink);
        self.line += memchr_iter(b'\n', &bytes[special.start..special.end]).count() as u64;
    }
}
