//! Bytes become records: where a record ends, where its fields lie, and what a stray quote may destroy at most.
//!
//! In: the bytes of a text file. Out: ranges of fields; a field is copied only where it holds doubled quotes. The rules are
//! those of RFC 4180 with limits: a record of 16 MiB, a field of 1 MiB, 1,000 lines within one quoted field. A record whose
//! quotes go wrong costs one line: reading resumes at the line after the one it began on.

use super::reject::Class;
use crate::config::Delimiter;
use memchr::{memchr, memchr2, memchr3, memrchr};

/// Longest record in bytes.
pub(super) const MAX_RECORD: usize = 16 << 20;
/// Longest field in bytes.
pub(super) const MAX_FIELD: usize = 1 << 20;
/// Most lines within one quoted field.
pub(super) const MAX_QUOTED_LINES: usize = 1_000;
/// Marks a range that lies in the scratch buffer.
const IN_SCRATCH: u32 = 1 << 31;

/// Where the fields of the current record lie; reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) ranges: Vec<(u32, u32)>,
    pub(super) scratch: Vec<u8>,
}

impl Fields {
    pub(super) fn clear(&mut self) {
        self.ranges.clear();
        self.scratch.clear();
    }
    fn push(&mut self, start: usize, end: usize) {
        self.ranges.push((start as u32, end as u32));
    }
    fn push_unescaped(&mut self, quoted: &[u8]) {
        let start = self.scratch.len();
        let mut rest = quoted;
        while let Some(at) = memchr(b'"', rest) {
            self.scratch.extend_from_slice(&rest[..=at]);
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        self.scratch.extend_from_slice(rest);
        self.ranges.push((start as u32 | IN_SCRATCH, self.scratch.len() as u32));
    }
}

/// One record as the sources see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// The buffer the ranges point into.
    pub(super) bytes: &'a [u8],
    /// Copies of fields that held doubled quotes.
    pub(super) scratch: &'a [u8],
    /// The fields.
    pub(super) ranges: &'a [(u32, u32)],
    /// Line of its first byte, from 1.
    pub(super) line: u64,
    /// Offset of its first byte in the decompressed file.
    pub(super) byte: u64,
    /// Its position among the data rows of the block.
    pub(super) row: u32,
    /// Whether all its bytes are known to be UTF-8.
    pub(super) is_utf8: bool,
}

impl<'a> Record<'a> {
    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }
    #[inline]
    pub(super) fn get(&self, index: usize) -> &'a [u8] {
        match self.ranges.get(index) {
            Some((start, end)) if start & IN_SCRATCH == 0 => self.bytes.get(*start as usize..*end as usize).unwrap_or_default(),
            Some((start, end)) => self.scratch.get((start & !IN_SCRATCH) as usize..*end as usize).unwrap_or_default(),
            None => &[],
        }
    }

    /// Fields that follow each other, with what stands between them, if that is one byte each time: then none of several is quoted, none holds a
    /// delimiter, and the bytes tell where each ends.
    #[inline]
    pub(super) fn stretch(&self, first: usize, last: usize) -> Option<&'a [u8]> {
        let ranges = self.ranges.get(first..=last)?;
        let is_whole = ranges[0].0 & IN_SCRATCH == 0 && ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0);
        if is_whole { self.bytes.get(ranges[0].0 as usize..ranges[ranges.len() - 1].1 as usize) } else { None }
    }
}

/// What a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// A record that ends before this offset.
    Complete(usize),
    /// A record that is refused; its first line ends before this offset, where reading resumes.
    Bad(Class, usize),
    /// The bytes end before the record does.
    NeedMore,
}

/// How records are told apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splitter {
    pub(super) delimiter: Delimiter,
    /// Fields of the header; `None` where lines may have any number.
    pub(super) expected: Option<usize>,
}

impl Splitter {
    /// Scans the record that begins at `start`, which holds a quote. The answer does not depend on what follows the record.
    pub(super) fn scan(&self, bytes: &[u8], start: usize, at_end: bool, mut fields: Option<&mut Fields>) -> Scan {
        let Delimiter::Byte(delimiter) = self.delimiter else {
            return match memchr(b'\n', &bytes[start..]) {
                Some(at) => Scan::Complete(start + at + 1),
                None if at_end => Scan::Complete(bytes.len()),
                None => Scan::NeedMore,
            };
        };
        let bad = |class| match memchr(b'\n', &bytes[start..]) {
            Some(at) => Scan::Bad(class, start + at + 1),
            None if at_end => Scan::Bad(class, bytes.len()),
            None => Scan::NeedMore,
        };
        let mut position = start;
        let mut count = 0;
        let mut spans_lines = false;
        loop {
            if position - start > MAX_RECORD {
                return bad(Class::LineTooLong);
            }
            count += 1;
            // One turn is one field; `end` is where its separator stands.
            let end = if bytes.get(position) == Some(&b'"') {
                let content = position + 1;
                let close = match closing_quote(bytes, content, at_end) {
                    Quote::Closed(close) => close,
                    Quote::NeedMore => return Scan::NeedMore,
                    Quote::Never => return bad(Class::UnterminatedQuote),
                };
                let inner = &bytes[content..close];
                spans_lines |= memchr(b'\n', inner).is_some();
                if let Some(fields) = fields.as_deref_mut() {
                    if memchr(b'"', inner).is_some() { fields.push_unescaped(inner) } else { fields.push(content, close) }
                }
                match (bytes.get(close + 1), bytes.get(close + 2)) {
                    (None, _) if !at_end => return Scan::NeedMore,
                    (Some(b'\r'), None) if !at_end => return Scan::NeedMore,
                    (Some(b'\r'), Some(b'\n')) => close + 2,
                    (Some(b'\r'), None) => close + 2,
                    (Some(byte), _) if *byte == delimiter || *byte == b'\n' => close + 1,
                    (None, _) => close + 1,
                    _ => return bad(Class::QuoteInField),
                }
            } else {
                let end = match memchr3(delimiter, b'\n', b'"', &bytes[position..]) {
                    Some(at) if bytes[position + at] == b'"' => return bad(Class::QuoteInField),
                    Some(at) => position + at,
                    None if at_end => bytes.len(),
                    None => return Scan::NeedMore,
                };
                if let Some(fields) = fields.as_deref_mut() {
                    let is_last = bytes.get(end) != Some(&delimiter);
                    fields.push(position, if is_last { without_return(bytes, position, end) } else { end });
                }
                end
            };
            match bytes.get(end) {
                Some(byte) if *byte == delimiter => position = end + 1,
                rest => {
                    // A quote that joins lines into a record of the wrong width is a stray one: only its own line is given up.
                    if spans_lines && self.expected.is_some_and(|expected| expected != count) {
                        return bad(Class::UnterminatedQuote);
                    }
                    return Scan::Complete(if rest.is_some() { end + 1 } else { bytes.len() });
                }
            }
        }
    }

    /// Splits a line that holds no quote, `start..end` without its line end.
    pub(super) fn split_plain(&self, bytes: &[u8], start: usize, end: usize, fields: &mut Fields) {
        match self.delimiter {
            Delimiter::Byte(delimiter) => {
                let mut position = start;
                while let Some(at) = memchr(delimiter, &bytes[position..end]) {
                    fields.push(position, position + at);
                    position += at + 1;
                }
                fields.push(position, end);
            }
            Delimiter::Spaces => {
                let mut position = start;
                while position < end {
                    while position < end && matches!(bytes[position], b' ' | b'\t') {
                        position += 1;
                    }
                    if position == end {
                        break;
                    }
                    let length = memchr2(b' ', b'\t', &bytes[position..end]).unwrap_or(end - position);
                    fields.push(position, position + length);
                    position += length;
                }
            }
        }
    }
}

enum Quote {
    Closed(usize),
    Never,
    NeedMore,
}

/// The quote that closes the field whose content begins at `content`, within the limits.
fn closing_quote(bytes: &[u8], content: usize, at_end: bool) -> Quote {
    let limit = bytes.len().min(content + MAX_FIELD + 1);
    let mut position = content;
    let mut lines = 0;
    loop {
        let found = memchr(b'"', &bytes[position..limit]);
        let reached = found.map_or(limit, |at| position + at);
        lines += memchr::memchr_iter(b'\n', &bytes[position..reached]).count();
        if lines > MAX_QUOTED_LINES {
            return Quote::Never;
        }
        match found {
            None if limit < bytes.len() || at_end => return Quote::Never,
            None => return Quote::NeedMore,
            Some(_) => match bytes.get(reached + 1) {
                Some(b'"') if reached + 2 <= limit => position = reached + 2,
                Some(b'"') => return Quote::Never,
                None if !at_end => return Quote::NeedMore,
                _ => return Quote::Closed(reached),
            },
        }
    }
}

/// `end` without a carriage return before it.
pub(super) fn without_return(bytes: &[u8], start: usize, end: usize) -> usize {
    if end > start && bytes[end - 1] == b'\r' { end - 1 } else { end }
}

/// The start of the line that `position` lies on, not before `from`.
pub(super) fn line_start(bytes: &[u8], from: usize, position: usize) -> usize {
    memrchr(b'\n', &bytes[from..position]).map_or(from, |at| from + at + 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fields_of(text: &str, expected: usize) -> (Scan, Vec<String>) {
        let splitter = Splitter { delimiter: Delimiter::Byte(b','), expected: Some(expected) };
        let mut fields = Fields::default();
        let scan = splitter.scan(text.as_bytes(), 0, true, Some(&mut fields));
        let record = Record { bytes: text.as_bytes(), scratch: &fields.scratch, ranges: &fields.ranges, line: 1, byte: 0, row: 0, is_utf8: true };
        (scan, (0..record.len()).map(|i| String::from_utf8(record.get(i).to_vec()).unwrap()).collect())
    }

    #[test]
    fn a_quoted_field_may_hold_the_delimiter_a_line_end_and_doubled_quotes() {
        let (scan, fields) = fields_of("1,\"a,\"\"b\"\"\nc\",2\r\nnext", 3);
        assert_eq!(scan, Scan::Complete(17));
        assert_eq!(fields, ["1", "a,\"b\"\nc", "2"]);
    }

    #[test]
    fn fields_are_taken_as_they_stand_only_where_none_of_them_needs_quotes() {
        let splitter = Splitter { delimiter: Delimiter::Byte(b','), expected: None };
        let stretch = |text: &'static str, first, last| {
            let mut fields = Fields::default();
            splitter.scan(text.as_bytes(), 0, true, Some(&mut fields));
            let record = Record { bytes: text.as_bytes(), scratch: &fields.scratch, ranges: &fields.ranges, line: 1, byte: 0, row: 0, is_utf8: true };
            record.stretch(first, last).map(<[u8]>::to_vec)
        };
        assert_eq!(stretch("1,cup,red,2", 1, 2), Some(b"cup,red".to_vec()));
        assert_eq!(stretch("1,cup,red,2", 3, 3), Some(b"2".to_vec()));
        assert_eq!(stretch("1,\"cup\",2", 1, 1), Some(b"cup".to_vec()));
        // Either could else be what the other is: `a,b"` and `c`, or `a` and `b",c`.
        assert_eq!(["1,\"a,b\",c,2", "1,a,\"b,c\",2", "1,\"a\",\"b\",2"].map(|text| stretch(text, 1, 2)), [None, None, None]);
        assert_eq!(["1,\"a\"\"\",b", "1,a,\"\"\"b\""].map(|text| stretch(text, 1, 2)), [None, None]);
        assert_eq!(stretch("1,a", 1, 2), None);
    }

    #[test]
    fn a_quote_that_never_closes_costs_its_own_line() {
        assert_eq!(fields_of("1,\"a\n2,b\n3,c", 2).0, Scan::Bad(Class::UnterminatedQuote, 5));
    }

    #[test]
    fn a_quote_inside_a_field_is_named() {
        assert_eq!(fields_of("1,6\" plate\n2,b\n", 2).0, Scan::Bad(Class::QuoteInField, 11));
        assert_eq!(fields_of("1,\"a\"b\n2,b\n", 2).0, Scan::Bad(Class::QuoteInField, 7));
    }

    #[test]
    fn a_quote_that_joins_lines_into_a_record_of_the_wrong_width_costs_its_own_line() {
        assert_eq!(fields_of("1,\"a,b\n2,c,\"\n3,d,e\n", 3).0, Scan::Bad(Class::UnterminatedQuote, 7));
    }

    #[test]
    fn a_quoted_field_of_more_than_a_thousand_lines_is_not_one() {
        let text = format!("1,\"{}\"\n", "x\n".repeat(1_001));
        assert_eq!(fields_of(&text, 2).0, Scan::Bad(Class::UnterminatedQuote, 5));
    }
}
