//! The structure of a delimited text file, from its beginning: byte order mark, delimiter, header, first data byte.
//!
//! In: the first bytes of the text as UTF-8 (decompressed, transcoded) and what the config declares. Out: a [`Structure`], or a
//! refusal that names its class. What is declared is taken; what is sniffed is only the delimiter, among four, and never when two
//! would do.

use crate::config::{Delimiter, Files, Layout};
use crate::error::{Error, Result};

/// How many bytes from the beginning of the text [`inspect`] should be given, if there are so many.
pub(crate) const HEAD_BYTES: usize = 1 << 20;
/// Records after the header that decide the delimiter.
const SAMPLE_RECORDS: usize = 100;
/// Most columns.
const MAX_COLUMNS: usize = 10_000;
/// The delimiters that are sniffed.
pub(crate) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Which of the first four bytes are NUL in UTF-16 and UTF-32 text of either byte order that begins with two letters.
const NUL_BESIDE_LETTERS: [[bool; 4]; 4] = [[true, false, true, false], [false, true, false, true], [true, true, true, false], [false, true, true, true]];
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The structure of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Structure {
    /// What separates fields.
    pub(crate) delimiter: Delimiter,
    /// Names of the columns, trimmed, unique, not empty but for the first (row names, as data frames are written); for
    /// `layout = "list"` they are `customer` and `item`.
    pub(crate) columns: Vec<String>,
    /// Offset in the text of the first byte after byte order mark and header.
    pub(crate) body: usize,
    /// Line of that byte, from 1.
    pub(crate) body_line: u64,
}

/// The delimiter as counts and logs show it.
pub(crate) fn delimiter_name(delimiter: Delimiter) -> String {
    match delimiter {
        Delimiter::Byte(b'\t') => "tab".to_owned(),
        Delimiter::Byte(byte) => char::from(byte).to_string(),
        Delimiter::Spaces => "spaces".to_owned(),
    }
}

/// The fields of a line of the layout `"spaces"`: what stands between runs of blanks and tabs.
pub(crate) fn split_spaces(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| byte.is_ascii_whitespace()).filter(|field| !field.is_empty())
}

/// Looks at the beginning of a text; `complete` says that it is the whole text.
///
/// # Errors
/// 65, with the class at the head of the message: `empty_file`, `no_header`, `duplicate_header`, `empty_header`,
/// `utf16_or_utf32`, `mixed_delimiter`, `encoding`, `nul_byte`, `too_many_fields`. 78 where `columns` of the config has a name
/// twice. The caller adds the file.
pub(crate) fn inspect(head: &[u8], complete: bool, files: &Files) -> Result<Structure> {
    refuse_other_kinds(head)?;
    let start = if head.starts_with(BOM) { BOM.len() } else { 0 };
    if head[start..].starts_with(BOM) {
        return Err(Error::data("encoding: two byte order marks at the start; write the file with one or none"));
    }
    let text = &head[start..];
    if text.trim_ascii().is_empty() {
        return Err(Error::data("empty_file: there is nothing in it; check the export"));
    }
    let sample = |delimiter| Sample::new(text, complete, delimiter);
    let headed = files.layout == Layout::Rows && files.columns.is_none();
    let delimiter = match files.delimiter {
        Some(delimiter) => delimiter,
        None => Delimiter::Byte(sniff(&DELIMITERS.map(|byte| sample(Delimiter::Byte(byte))), files)?),
    };
    let sample = sample(delimiter);
    if !headed {
        let columns = match (&files.columns, files.layout) {
            (_, Layout::List) => vec!["customer".to_owned(), "item".to_owned()],
            (Some(names), Layout::Rows) => check_names(names.clone(), 0).map_err(|error| Error::config(error.message()))?,
            (None, Layout::Rows) => return Err(Error::internal("a file without columns is headed")),
        };
        return Ok(Structure { delimiter, columns, body: start, body_line: 1 });
    }
    let columns = names_of(&sample.first)?;
    if sample.counts.len() < 2 && complete {
        return Err(Error::data("empty_file: there is a header and no data row; check the export"));
    }
    let body = start + sample.first_end;
    let body_line = 1 + memchr::memchr_iter(b'\n', &head[..body]).count() as u64;
    Ok(Structure { delimiter, columns, body, body_line })
}

/// Refuses what is not text in UTF-8, by its first bytes.
fn refuse_other_kinds(head: &[u8]) -> Result<()> {
    let kinds: [(&[u8], &str); 5] = [
        (b"\x1F\x8B", "gzip data; name the file .gz"),
        (b"\x28\xB5\x2F\xFD", "Zstandard data; name the file .zst"),
        (b"PAR1", "Parquet; name the file .parquet"),
        (b"PK\x03\x04", "a zip archive or Excel workbook; export it as CSV"),
        (b"\xD0\xCF\x11\xE0", "an old Excel workbook; export it as CSV"),
    ];
    if let Some((_, kind)) = kinds.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(Error::data(format!("encoding: the content is {kind}")));
    }
    let marked = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") || head.starts_with(b"\0\0\xFE\xFF");
    // Text of these encodings without a mark shows as NUL beside its first letters.
    let unmarked = head.first_chunk::<4>().is_some_and(|first| NUL_BESIDE_LETTERS.contains(&first.map(|byte| byte == 0)));
    if marked || unmarked {
        return Err(Error::data("utf16_or_utf32: expected UTF-8; save the file as UTF-8, or declare encoding = \"utf-16\""));
    }
    Ok(())
}

/// The first records of a text, split by one delimiter.
struct Sample {
    /// Fields of the first record.
    first: csv::ByteRecord,
    /// Offset of the first byte after the first record and its line end.
    first_end: usize,
    /// Fields of each record, the first included.
    counts: Vec<usize>,
}

impl Sample {
    fn new(text: &[u8], complete: bool, delimiter: Delimiter) -> Sample {
        match delimiter {
            Delimiter::Byte(byte) => Sample::delimited(text, complete, byte),
            Delimiter::Spaces => Sample::spaced(text, complete),
        }
    }

    fn delimited(text: &[u8], complete: bool, delimiter: u8) -> Sample {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
        let mut sample = Sample { first: csv::ByteRecord::new(), first_end: text.len(), counts: Vec::new() };
        let mut record = csv::ByteRecord::new();
        while sample.counts.len() <= SAMPLE_RECORDS && matches!(reader.read_byte_record(&mut record), Ok(true)) {
            // A record that reaches the end of a text that goes on may be cut.
            let end = reader.position().byte() as usize;
            if !complete && end >= text.len() && !sample.counts.is_empty() {
                break;
            }
            if sample.counts.is_empty() {
                sample.first_end = end;
                // The reader stops between the bytes of CR LF.
                if end > 0 && text[end - 1] == b'\r' && text.get(end) == Some(&b'\n') {
                    sample.first_end += 1;
                }
                sample.first.clone_from(&record);
            }
            sample.counts.push(record.len());
        }
        sample
    }

    fn spaced(text: &[u8], complete: bool) -> Sample {
        let mut sample = Sample { first: csv::ByteRecord::new(), first_end: text.len(), counts: Vec::new() };
        let mut end = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            end += line.len();
            let cut = !complete && end == text.len() && !line.ends_with(b"\n");
            if sample.counts.len() > SAMPLE_RECORDS || (cut && !sample.counts.is_empty()) {
                break;
            }
            let count = split_spaces(line).count();
            if count == 0 {
                continue;
            }
            if sample.counts.is_empty() {
                sample.first_end = end;
                sample.first = split_spaces(line).collect();
            }
            sample.counts.push(count);
        }
        sample
    }

    /// Share of the records after the first (of all, without a header) that have as many fields as the first.
    fn agreement(&self) -> f64 {
        let later = self.counts.get(1..).unwrap_or_default();
        if later.is_empty() {
            return 1.0;
        }
        later.iter().filter(|count| **count == self.counts[0]).count() as f64 / later.len() as f64
    }

    fn splits_first(&self) -> bool {
        self.counts.first().is_some_and(|count| *count > 1)
    }

    /// Whether most records after the first have several fields, and the same number.
    fn splits_most_later(&self) -> bool {
        let later = self.counts.get(1..).unwrap_or_default();
        let most = later.iter().filter(|count| **count > 1 && later.first() == Some(*count)).count();
        !later.is_empty() && 2 * most > later.len()
    }
}

/// The delimiter that the first record and the records after it agree on.
fn sniff(samples: &[Sample; 4], files: &Files) -> Result<u8> {
    let undecided = |found: String| Err(Error::data(format!("mixed_delimiter: {found}; declare delimiter as one of \",\" \";\" \"\\t\" \"|\" or \"spaces\"")));
    let named = |indices: &[usize]| indices.iter().map(|index| format!("{:?}", char::from(DELIMITERS[*index]))).collect::<Vec<_>>().join(" and ");
    let live: Vec<usize> = (0..4).filter(|index| samples[*index].splits_first()).collect();
    if files.layout == Layout::List {
        // Lists differ in length by nature: what counts is which delimiter is there at all.
        let present: Vec<usize> = (0..4).filter(|index| samples[*index].counts.iter().any(|count| *count > 1)).collect();
        return match present[..] {
            [only] => Ok(DELIMITERS[only]),
            [] => undecided("no line of the list has a delimiter".to_owned()),
            _ => undecided(format!("the lines of the list hold {}", named(&present))),
        };
    }
    if live.is_empty() {
        let splitting: Vec<usize> = (0..4).filter(|index| samples[*index].splits_most_later()).collect();
        if splitting.is_empty() {
            // One column: any delimiter that splits nothing will do, and the comma is what most would expect.
            return Ok(DELIMITERS.into_iter().zip(samples).find(|(_, sample)| sample.counts.iter().all(|count| *count == 1)).map_or(b',', |(byte, _)| byte));
        }
        return undecided(format!("the first record is one field and the records after it are split by {}", named(&splitting)));
    }
    // Where the records all agree with the first, one such delimiter settles it.
    let agreeing: Vec<usize> = live.iter().copied().filter(|index| samples[*index].agreement() >= 1.0).collect();
    match agreeing[..] {
        [only] => return Ok(DELIMITERS[only]),
        [] => {}
        _ => return undecided(format!("{} would do equally well", named(&agreeing))),
    }
    // Otherwise a few ragged records must not hide the delimiter, and a second one must not be near.
    let close: Vec<usize> = live.iter().copied().filter(|index| samples[*index].agreement() >= 0.5).collect();
    let foreign: Vec<usize> = (0..4).filter(|index| !live.contains(index) && samples[*index].splits_most_later()).collect();
    match (&close[..], &foreign[..]) {
        ([only], []) => Ok(DELIMITERS[*only]),
        (_, []) if live.len() == 1 => Ok(DELIMITERS[live[0]]),
        (_, [_, ..]) => undecided(format!("the header is split by {} and the records by {}", named(&live), named(&foreign))),
        _ => undecided(format!("{} split the header and no one of them the records", named(&live))),
    }
}

/// The names in a header.
fn names_of(header: &csv::ByteRecord) -> Result<Vec<String>> {
    if header.len() > MAX_COLUMNS {
        return Err(Error::data(format!("too_many_fields: the header has {} columns, at most {MAX_COLUMNS} are read", header.len())));
    }
    let mut names = Vec::with_capacity(header.len());
    for field in header {
        if field.contains(&0) {
            return Err(Error::data("nul_byte: the header holds a NUL byte; export the file again"));
        }
        let name = std::str::from_utf8(field).map_err(|_| {
            Error::data("encoding: the header is not UTF-8; save the file as UTF-8, or declare its encoding, such as encoding = \"windows-1252\"")
        })?;
        names.push(name.trim().to_owned());
    }
    let is_value = |name: &String| name.is_empty() || fast_float2::parse::<f64, _>(name).is_ok_and(f64::is_finite);
    if names.iter().all(is_value) && names.iter().any(|name| !name.is_empty()) {
        return Err(Error::data("no_header: the first record holds numbers only; name the columns with columns = [\"…\"]"));
    }
    // R and pandas write the names or numbers of the rows first, under no name: nothing can ask for that column.
    let has_row_names = names.len() > 1 && names[0].is_empty();
    check_names(names, usize::from(has_row_names))
}

/// Refuses names that are empty, but for the first `unnamed`, or there twice.
fn check_names(names: Vec<String>, unnamed: usize) -> Result<Vec<String>> {
    if let Some(index) = (unnamed..names.len()).find(|index| names[*index].trim().is_empty()) {
        return Err(Error::data(format!("empty_header: column {} of {} has no name; name it in the file", index + 1, names.len())));
    }
    let mut sorted: Vec<(&str, usize)> = names.iter().enumerate().map(|(index, name)| (name.as_str(), index + 1)).collect();
    sorted.sort_unstable();
    // Of several, the one that comes first in the file is named, so that the message does not jump about.
    let twice = sorted.windows(2).filter(|pair| pair[0].0 == pair[1].0).min_by_key(|pair| pair[0].1);
    if let Some([(name, first), (_, second)]) = twice {
        return Err(Error::data(format!("duplicate_header: {name:?} names the columns {first} and {second}; rename one of them")));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::{Duplicates, Role};
    use proptest::prelude::*;

    fn files() -> Files {
        Files {
            patterns: Vec::new(),
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
            line: 1,
        }
    }

    fn refusal(text: &[u8], files: &Files) -> String {
        let error = inspect(text, true, files).unwrap_err();
        assert_eq!(error.kind().exit_code(), 65, "{error}");
        error.message().split(':').next().unwrap().to_owned()
    }

    #[test]
    fn header_delimiter_and_first_data_byte_are_found() {
        for (text, delimiter, columns, rest, line) in [
            ("a,b\n1,2\n", b',', vec!["a", "b"], "1,2\n", 2),
            ("a;b\r\n1,5;2\r\n", b';', vec!["a", "b"], "1,5;2\r\n", 2),
            ("\u{feff}a\tb\n1\t2", b'\t', vec!["a", "b"], "1\t2", 2),
            ("\n\r\n a |\"b\nc\" \n1|2\n", b'|', vec!["a", "b\nc"], "1|2\n", 5),
            ("name\nada\nbob\n", b',', vec!["name"], "ada\nbob\n", 2),
            ("note\nwell, then\nno\nno\n", b';', vec!["note"], "well, then\nno\nno\n", 2),
            ("id,amount\n1,\"2;5\"\n2,\"3;5\"\n", b',', vec!["id", "amount"], "1,\"2;5\"\n2,\"3;5\"\n", 2),
            ("a,b,c\n1,2,3\n1,2\n1,2,3\n", b',', vec!["a", "b", "c"], "1,2,3\n1,2\n1,2,3\n", 2),
        ] {
            let found = inspect(text.as_bytes(), true, &files()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(found.delimiter, Delimiter::Byte(delimiter), "{text:?}");
            assert_eq!(found.columns, columns, "{text:?}");
            assert_eq!((&text[found.body..], found.body_line), (rest, line), "{text:?}");
        }
    }

    #[test]
    fn a_first_column_without_a_name_holds_row_names_and_stands_in_nobodys_way() {
        for text in [&b",a,b\n0,1,2\n"[..], b"\"\",\"a\",\"b\"\n\"1\",1,2\n"] {
            assert_eq!(inspect(text, true, &files()).unwrap().columns, ["", "a", "b"]);
        }
        assert_eq!(refusal(b",a,\n0,1,2\n", &files()), "empty_header");
        assert_eq!(refusal(b",0,1\n0,1,2\n", &files()), "no_header");
    }

    #[test]
    fn each_file_that_cannot_be_read_is_refused_by_its_class() {
        let plain = files();
        for (text, class) in [
            (&b""[..], "empty_file"),
            (b"\xEF\xBB\xBF", "empty_file"),
            (b" \r\n\n", "empty_file"),
            (b"a,b\n", "empty_file"),
            (b"a,b", "empty_file"),
            (b"a,b, a \n1,2,3\n", "duplicate_header"),
            (b"a,,c\n1,2,3\n", "empty_header"),
            (b"a,b,\n1,2,\n", "empty_header"),
            (b"1,2\n3,4\n", "no_header"),
            (b"\xEF\xBB\xBF\xEF\xBB\xBFa,b\n1,2\n", "encoding"),
            (b"\xFF\xFEa\0,\0", "utf16_or_utf32"),
            (b"\xFE\xFF\0a\0,", "utf16_or_utf32"),
            (b"a\0,\0b\0\n\0", "utf16_or_utf32"),
            (b"\0a\0,\0b", "utf16_or_utf32"),
            (b"\xFF\xFE\0\0a\0\0\0", "utf16_or_utf32"),
            (b"\0\0\0a\0\0\0,", "utf16_or_utf32"),
            (b"caf\xe9,b\n1,2\n", "encoding"),
            (b"PK\x03\x04....", "encoding"),
            (b"abc\0,b\n1,2\n", "nul_byte"),
            (b"a;b\n1,2\n3,4\n", "mixed_delimiter"),
            (b"a;b,c\n1;2,3\n4;5,6\n", "mixed_delimiter"),
            (b"Report of June\na,b\n1,2\n", "mixed_delimiter"),
        ] {
            assert_eq!(refusal(text, &plain), class, "{:?}", String::from_utf8_lossy(text));
        }
        let wide = format!("{}z\n1\n", (0..10_000).map(|index| format!("c{index},")).collect::<String>());
        assert_eq!(refusal(wide.as_bytes(), &plain), "too_many_fields");
    }

    #[test]
    fn what_is_declared_is_not_sniffed() {
        let bar = Files { delimiter: Some(Delimiter::Byte(b'|')), ..files() };
        assert_eq!(inspect(b"a|b,c\n1|2,3\n", true, &bar).unwrap().columns, ["a", "b,c"]);

        let spaces = Files { delimiter: Some(Delimiter::Spaces), ..files() };
        let found = inspect(b" customer_id  date \r\n 00001 19970101\r\n", true, &spaces).unwrap();
        assert_eq!((found.columns, found.body), (vec!["customer_id".to_owned(), "date".to_owned()], 21));
        assert_eq!(split_spaces(b"\t00001  19970101 \r\n").collect::<Vec<_>>(), [&b"00001"[..], b"19970101"]);

        let named = Files { columns: Some(vec!["x".to_owned(), "y".to_owned()]), ..files() };
        let found = inspect(b"1,2\n3,4\n", true, &named).unwrap();
        assert_eq!((found.columns.len(), found.body, found.body_line), (2, 0, 1));
        let twice = Files { columns: Some(vec!["x".to_owned(), "x".to_owned()]), ..files() };
        assert_eq!(inspect(b"1,2\n", true, &twice).unwrap_err().kind().exit_code(), 78);
    }

    #[test]
    fn a_list_has_a_customer_and_items_of_any_number() {
        let list = Files { layout: Layout::List, ..files() };
        let found = inspect(b"ada,1,2,3\nbob,4\n", true, &list).unwrap();
        assert_eq!((found.delimiter, found.columns, found.body), (Delimiter::Byte(b','), vec!["customer".to_owned(), "item".to_owned()], 0));
        assert_eq!(refusal(b"ada 1 2\n", &list), "mixed_delimiter");
    }

    #[test]
    fn a_record_cut_by_the_end_of_the_head_does_not_count() {
        let found = inspect(b"a,b,c\n1,2,3\n4,", false, &files()).unwrap();
        assert_eq!(found.columns.len(), 3);
        assert!(inspect(b"a,b\n", false, &files()).is_ok());
    }

    proptest! {
        #[test]
        fn any_table_written_with_a_delimiter_is_recognised(
            index in 0usize..4, rows in prop::collection::vec(prop::collection::vec("[a-z ,;|\t\n\"]{0,6}", 3), 1..8), crlf: bool, bom: bool,
        ) {
            let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().delimiter(DELIMITERS[index]).terminator(terminator).quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            writer.write_record(["one", "two", "three"]).unwrap();
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = [if bom { BOM } else { b"" }, &writer.into_inner().unwrap()].concat();
            let found = inspect(&text, true, &files()).unwrap();
            prop_assert_eq!(found.delimiter, Delimiter::Byte(DELIMITERS[index]));
            prop_assert_eq!(found.columns, ["one", "two", "three"]);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(DELIMITERS[index]).from_reader(&text[found.body..]);
            let back: Vec<Vec<String>> = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(back, rows);
        }

        #[test]
        fn no_bytes_panic(head in prop::collection::vec(prop::sample::select(b"a1,;|\t\n\r\" \0\xEF\xBB\xBF\xFF".to_vec()), 0..60), complete: bool) {
            let _ = inspect(&head, complete, &files());
        }
    }
}
