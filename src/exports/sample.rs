//! The first rows of a file, by column: for a look at exports that no config describes yet.
//!
//! In: a path. Out: a [`Sample`]: the columns with their texts, and what had to be declared to read them (a delimiter of blanks,
//! no header, lists, an encoding). What a column means is not known here.

use super::block::RecordSink;
use super::intern::Interner;
use super::open::{ExportFile, expand, format_of, known_format};
use super::prepare::{open, plain_files};
use super::read::split;
use super::record::{Fields, Record};
use super::reject::Class;
use super::structure::{DELIMITERS, HEAD_BYTES, inspect, split_spaces};
use crate::config::{Delimiter, Files, Format, Layout, USUAL_MISSING};
use crate::error::{Error, ErrorKind, Result};
use crate::timeline::NO_INDEX;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use foldhash::{HashMap, HashMapExt};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Rows looked at.
const MOST_ROWS: usize = 100_000;
/// Lines that tell whether blanks separate fields.
const LINES: usize = 100;

/// What a config has to say to have a file read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The format, where the extension names none.
    pub format: Option<&'static str>,
    /// Fields are separated by runs of blanks.
    pub by_blanks: bool,
    /// The first line is data: columns are named `column_1`, `column_2`, …
    pub without_header: bool,
    /// A line is a customer and a list of items.
    pub is_list: bool,
    /// The encoding, where not UTF-8.
    pub encoding: Option<&'static str>,
}

/// The first rows of one file, or of several of the same columns.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The files.
    pub paths: Vec<PathBuf>,
    /// What has to be declared.
    pub reading: Reading,
    /// What separates fields, as counts show it; empty for other formats.
    pub delimiter: String,
    /// The columns.
    pub columns: Vec<SampledColumn>,
    /// Rows looked at.
    pub rows: usize,
    /// Names of the files in the folder of the first.
    pub beside: Vec<String>,
}

/// What [`samples`] found.
#[derive(Debug)]
pub struct Looked {
    /// A sample per file, in byte order of the paths.
    pub samples: Vec<Sample>,
    /// Files that cannot be read whatever is declared, and why.
    pub unreadable: Vec<Error>,
}

/// A column of a sample.
#[derive(Debug, Clone)]
pub struct SampledColumn {
    /// Its name.
    pub name: String,
    /// By row: which of `texts`; `NO_INDEX` where there is no value.
    pub codes: Vec<u32>,
    /// The distinct texts, as they came.
    pub texts: Vec<String>,
}

impl SampledColumn {
    /// The text of a row.
    pub fn text(&self, row: usize) -> Option<&str> {
        self.texts.get(self.codes[row] as usize).map(String::as_str)
    }
}

impl Sample {
    /// Takes up the rows of a sample of the same columns.
    pub fn join(&mut self, other: Sample) {
        for (column, later) in self.columns.iter_mut().zip(other.columns) {
            let mut known: HashMap<String, u32> = HashMap::with_capacity(column.texts.len());
            known.extend(column.texts.drain(..).zip(0..));
            let renumbered: Vec<u32> = later
                .texts
                .into_iter()
                .map(|text| {
                    let next = known.len() as u32;
                    *known.entry(text).or_insert(next)
                })
                .collect();
            column.codes.extend(later.codes.iter().map(|code| renumbered.get(*code as usize).copied().unwrap_or(NO_INDEX)));
            let mut texts: Vec<(u32, String)> = known.into_iter().map(|(text, code)| (code, text)).collect();
            texts.sort_unstable();
            column.texts = texts.into_iter().map(|(_, text)| text).collect();
        }
        self.paths.extend(other.paths);
        self.rows += other.rows;
    }
}

/// Looks at the first rows of every file that the patterns mean, each once; paths are made absolute.
///
/// # Errors
/// 66 for a pattern that means no file and for a file that is not there; what is wrong with a file where that is the only one.
pub fn samples(patterns: &[String]) -> Result<Looked> {
    let absolute = |path: PathBuf| std::fs::canonicalize(&path).map_err(|error| Error::unreadable(&path, &error));
    let mut paths = expand(patterns)?.into_iter().map(absolute).collect::<Result<Vec<_>>>()?;
    paths.sort();
    paths.dedup();
    let mut looked = Looked { samples: Vec::new(), unreadable: Vec::new() };
    for found in paths.par_iter().map(|path| sample(path)).collect::<Vec<_>>() {
        match found {
            Ok(sample) => looked.samples.push(sample),
            Err(error) if error.kind() == ErrorKind::Data => looked.unreadable.push(error),
            Err(error) => return Err(error),
        }
    }
    if looked.samples.is_empty() {
        return Err(looked.unreadable.swap_remove(0));
    }
    Ok(looked)
}

/// Looks at the first rows of a file.
///
/// # Errors
/// 66 for a file that is missing or unreadable, 65 for one that cannot be read whatever is declared.
fn sample(path: &Path) -> Result<Sample> {
    let in_file = |error: Error| error.or_file(path);
    let mut files = plain_files(&[]);
    let guessed = if known_format(path).is_none() { Some(guess_format(path)?) } else { None };
    let format = format_of(path, guessed)?;
    let mut reading = if format == Format::Csv { settle(path, &mut files).map_err(in_file)? } else { Reading::default() };
    reading.format = guessed.map(|format| if format == Format::JsonLines { "jsonl" } else { "csv" });
    let mut opened = open(path, format, &files, None, HEAD_BYTES)?;
    let mut rows = Rows { is_list: reading.is_list, rows: 0, columns: opened.header.iter().map(|_| (Interner::default(), Vec::new())).collect() };
    while let Some(piece) = opened.input.next().map_err(in_file)? {
        if !rows.wants_more() {
            break;
        }
        split(&piece, &opened.splitter, opened.json.as_ref(), &mut Fields::default(), &mut rows).map_err(in_file)?;
    }
    let named = opened.header.into_iter().zip(rows.columns).filter(|(name, _)| !name.is_empty());
    let columns = named.map(|(name, (texts, codes))| {
        let texts = texts.texts().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        SampledColumn { name, codes, texts }
    });
    Ok(Sample { paths: vec![path.to_path_buf()], reading, delimiter: opened.delimiter, columns: columns.collect(), rows: rows.rows, beside: beside(path) })
}

/// The format of a file whose extension names none: objects of JSON, or a table.
fn guess_format(path: &Path) -> Result<Format> {
    let (head, _) = head_of(path, None)?;
    let text = head.trim_ascii_start();
    match text {
        [b'{', ..] => Ok(Format::JsonLines),
        [b'[', rest @ ..] if rest.trim_ascii_start().starts_with(b"{") => {
            Err(Error::data("it is one list in JSON, expected an object per line (JSON lines); jq -c '.[]' writes it so").file(path))
        }
        _ => Ok(Format::Csv),
    }
}

/// Finds what has to be declared, and declares it.
fn settle(path: &Path, files: &mut Files) -> Result<Reading> {
    let mut reading = Reading::default();
    let (mut head, mut ended) = head_of(path, None)?;
    let is_text = match std::str::from_utf8(&head) {
        Ok(_) => true,
        // What is cut off at the end may be whole in the file.
        Err(error) => error.error_len().is_none() && !ended,
    };
    if !is_text && !head.starts_with(b"\xFF\xFE") && !head.starts_with(b"\xFE\xFF") && !head.contains(&0) {
        reading.encoding = Some(encoding_of(&head));
        files.encoding = reading.encoding.map(str::to_owned);
        (head, ended) = head_of(path, reading.encoding)?;
    }
    match inspect(&head, ended, files) {
        Ok(structure) if structure.columns.len() > 1 => {
            let is_data = || is_number(&structure.columns[0]) && begins_with_numbers(&head[structure.body..], structure.delimiter);
            if !structure.columns.iter().any(|name| has_letter(name.as_bytes())) || is_data() {
                reading.without_header = true;
                files.columns = Some(numbered(structure.columns.len()));
            }
        }
        // Numbers only.
        Err(error) if separates(&head) && error.message().starts_with("no_header") => {
            let fields = DELIMITERS.iter().map(|separator| first_line(&head).split(|byte| byte == separator).count()).max().unwrap_or(1);
            reading.without_header = true;
            files.columns = Some(numbered(fields));
        }
        Err(error) if separates(&head) => return Err(error),
        one_column => match in_blanks(&head, ended) {
            Some(lines) => {
                reading.by_blanks = true;
                files.delimiter = Some(Delimiter::Spaces);
                let is_even = lines.iter().all(|line| line.len() == lines[0].len());
                let has_header = lines[0].iter().any(|field| has_letter(field));
                if !is_even {
                    reading.is_list = true;
                    files.layout = Layout::List;
                } else if !has_header {
                    reading.without_header = true;
                    files.columns = Some(numbered(lines[0].len()));
                }
            }
            None => drop(one_column?),
        },
    }
    Ok(reading)
}

/// What a text that is not UTF-8 is most probably written in: what office programs write differs from country to country.
fn encoding_of(head: &[u8]) -> &'static str {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    // The last line may be cut within a letter.
    let end = head.iter().rposition(|byte| *byte == b'\n').map_or(head.len(), |place| place + 1);
    detector.feed(&head[..end], true);
    detector.guess(None, Utf8Detection::Deny).name()
}

fn is_number(text: &str) -> bool {
    fast_float2::parse::<f64, _>(text).is_ok()
}

/// Whether the first field of each line is a number: below a number at the head, such lines tell that the head is one of them.
fn begins_with_numbers(body: &[u8], delimiter: Delimiter) -> bool {
    let Delimiter::Byte(delimiter) = delimiter else { return false };
    let first =
        |line: &[u8]| String::from_utf8_lossy(line.split(|byte| *byte == delimiter).next().unwrap_or_default()).trim_matches(['"', ' ', '\r']).to_owned();
    let mut lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(LINES).peekable();
    lines.peek().is_some() && lines.all(|line| is_number(&first(line)))
}

fn first_line(head: &[u8]) -> &[u8] {
    head.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// Whether the first line has a sign that separates fields.
fn separates(head: &[u8]) -> bool {
    DELIMITERS.iter().any(|separator| first_line(head).contains(separator))
}

/// Names of the files in the folder of a file; none where the folder cannot be read.
fn beside(path: &Path) -> Vec<String> {
    let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    entries.into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

fn head_of(path: &Path, encoding: Option<&str>) -> Result<(Vec<u8>, bool)> {
    let mut file = ExportFile::open(path, encoding)?;
    let mut head = vec![0; HEAD_BYTES];
    let read = file.fill(&mut head)?;
    let ended = read < head.len();
    head.truncate(read);
    Ok((head, ended))
}

fn has_letter(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).chars().any(char::is_alphabetic)
}

fn numbered(columns: usize) -> Vec<String> {
    (1..=columns).map(|column| format!("column_{column}")).collect()
}

/// The fields of the first lines, where blanks separate them: each line has several, and either all as many, or all are without letters.
fn in_blanks(head: &[u8], ended: bool) -> Option<Vec<Vec<&[u8]>>> {
    let mut lines: Vec<Vec<&[u8]>> =
        head.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(LINES + 1).map(|line| split_spaces(line).collect()).collect();
    if lines.len() > LINES || (!ended && lines.len() > 1) {
        // The last may be cut.
        lines.pop();
    }
    let is_even = lines.iter().all(|line| line.len() == lines[0].len());
    let separates = lines.first()?.len() > 1 && (is_even || lines.iter().flatten().all(|field| !has_letter(field)));
    separates.then_some(lines)
}

/// Gathers rows until there are enough.
struct Rows {
    is_list: bool,
    rows: usize,
    columns: Vec<(Interner, Vec<u32>)>,
}

impl Rows {
    fn take<'r>(&mut self, fields: impl Iterator<Item = &'r [u8]>) {
        for ((texts, codes), field) in self.columns.iter_mut().zip(fields) {
            let field = field.trim_ascii();
            codes.push(if USUAL_MISSING.iter().any(|missing| missing.as_bytes() == field) { NO_INDEX } else { texts.intern(field) });
        }
        self.rows += 1;
    }
}

impl RecordSink for Rows {
    fn record(&mut self, record: &Record) {
        if !self.wants_more() {
            return;
        }
        if self.is_list {
            (1..record.len()).for_each(|item| self.take([record.get(0), record.get(item)].into_iter()));
        } else {
            self.take((0..record.len()).map(|field| record.get(field)));
        }
    }
    fn refuse(&mut self, _: Class, _: &Record, _: &[u8]) {}
    fn wants_more(&mut self) -> bool {
        self.rows < MOST_ROWS
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(name: &str, bytes: &[u8]) -> Sample {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        sample(&path).unwrap()
    }

    fn names(sample: &Sample) -> Vec<&str> {
        sample.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn a_file_without_a_header_has_numbered_columns_whatever_separates_them() {
        for bytes in [&b"1;2011-01-01;2.5\n2;2011-01-02;3\n"[..], b" 1 2011-01-01  2.5\n 2 2011-01-02  3\n", b"1,7,2.5\n2,8,3\n"] {
            let sample = of("a.csv", bytes);
            assert!(sample.reading.without_header);
            assert_eq!(names(&sample), ["column_1", "column_2", "column_3"]);
            assert_eq!((sample.rows, sample.columns[2].text(1)), (2, Some("3")));
        }
    }

    #[test]
    fn a_first_line_that_begins_with_a_number_as_all_others_do_is_no_header() {
        let sample = of("a.csv", b"151603712,\"Dota, 2\",play,3.5\n151603712,Portal,purchase,1.0\n");
        assert!(sample.reading.without_header);
        assert_eq!((sample.rows, sample.columns[1].text(0)), (2, Some("Dota, 2")));
        assert!(!of("a.csv", b"customer,2019,2020\n1,2,3\n").reading.without_header);
    }

    #[test]
    fn lines_of_different_length_are_lists_of_items() {
        let sample = of("a.txt", b"1 7 8 9\n2 8\n");
        assert!(sample.reading.is_list && sample.reading.by_blanks);
        assert_eq!(names(&sample), ["customer", "item"]);
        assert_eq!((sample.rows, sample.columns[0].codes.clone()), (4, vec![0, 0, 0, 1]));
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_read_as_office_programs_write_it() {
        let sample = of("a.csv", b"name,town\nJos\xE9,K\xF6ln\n");
        assert_eq!(sample.reading.encoding, Some("windows-1252"));
        assert_eq!(sample.columns[1].text(0), Some("Köln"));
        let (bytes, _, _) = encoding_rs::GBK.encode("订单编号,客户编号,商品名称\n1,2,茶叶\n2,3,咖啡\n");
        let sample = of("a.csv", &bytes);
        assert_eq!((sample.reading.encoding, names(&sample)), (Some("GBK"), vec!["订单编号", "客户编号", "商品名称"]));
        assert_eq!(sample.columns[2].text(1), Some("咖啡"));
        let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode("注文番号,顧客番号,商品名\n1,2,お茶\n2,3,コーヒー\n");
        assert_eq!(names(&of("a.csv", &bytes)), ["注文番号", "顧客番号", "商品名"]);
    }

    #[test]
    fn a_file_whose_extension_names_no_format_is_told_by_what_is_in_it() {
        let table = of("a.inter", b",user_id,x\n0,a,1\n1,b,2\n");
        assert_eq!((table.reading.format, names(&table)), (Some("csv"), vec!["user_id", "x"]));
        assert_eq!(of("a.log", b"{\"id\": 1}\n{\"id\": 2}\n").reading.format, Some("jsonl"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, b"[ {\"id\": 1} ]").unwrap();
        assert!(sample(&path).unwrap_err().message().contains("JSON lines"));
    }

    #[test]
    fn samples_of_the_same_columns_join_by_text() {
        let mut first = of("a.csv", b"id,x\na,1\nb,NA\n");
        first.join(of("b.csv", b"id,x\nb,2\nc,1\n"));
        assert_eq!(first.columns[0].codes, [0, 1, 1, 2]);
        assert_eq!((0..4).map(|row| first.columns[1].text(row)).collect::<Vec<_>>(), [Some("1"), None, Some("2"), Some("1")]);
    }
}
