//! The one grammar for a column, bound to the header of a file: texts, numbers and moments of a row.
//!
//! How a text is treated, in this order: a text that means "missing" (compared without the blanks around it; an empty one always
//! does) is no value; then `strip`, `strip_suffix`, `case`, `map` (whole text, as it stands after the former) and `split` (parts trimmed
//! and joined with `|`). Nothing else is changed: ids keep their blanks and leading zeros. Several columns give a compound id,
//! joined with `|` (a `|` within a part is written `\|`), missing where one part is.
//!
//! Numbers: plain or scientific, blanks around them ignored; a sum of several columns takes those that are there. A decimal
//! comma is read only where the delimiter is not a comma and every value of the column in the file's first block agrees (digits
//! and at most one comma, and some value has one); from then on a point in that column is a `bad_number`.

use super::dates::{DateFault, DateParser, DateSniffer};
use super::record::Record;
use super::reject::{Class, Refusal};
use crate::config::condition::BoundCondition;
use crate::config::{Case, Column, ColumnSource};
use crate::error::{Error, Result};
use foldhash::HashMap;

/// One row as a source sees it: the record of the file, then the columns of its lookups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) record: Record<'a>,
    /// Columns of the file; later positions are joined ones.
    pub(super) width: usize,
    pub(super) joined: &'a [&'a [u8]],
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) fn get(&self, index: usize) -> &'a [u8] {
        if index < self.width { self.record.get(index) } else { self.joined.get(index - self.width).copied().unwrap_or_default() }
    }

    /// Fields of the file that follow each other: see [`Record::stretch`].
    #[inline]
    pub(super) fn stretch(&self, first: usize, last: usize) -> Option<&'a [u8]> {
        if last < self.width { self.record.stretch(first, last) } else { None }
    }

    /// Whether a condition holds.
    #[inline]
    pub(super) fn passes(&self, condition: &BoundCondition, missing: &Missing) -> bool {
        condition.holds(|index| Some(self.get(index)).filter(|field| !missing.holds(field)))
    }
}

/// The texts that mean "no value".
#[derive(Debug, Clone)]
pub(super) struct Missing {
    texts: Vec<Box<[u8]>>,
    /// Bit `n` is set where a text has the length `n` (63 stands for all longer ones).
    lengths: u64,
    /// Bit `b` is set where a text, or blanks before it, may begin with the byte `b`.
    firsts: [u64; 4],
}

impl Missing {
    pub(super) fn new<'a>(texts: impl IntoIterator<Item = &'a String>) -> Missing {
        let mut missing = Missing { texts: Vec::new(), lengths: 0, firsts: [0; 4] };
        let blanks = (0..=u8::MAX).filter(u8::is_ascii_whitespace);
        blanks.for_each(|byte| missing.begins_with(byte));
        for text in texts.into_iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            missing.lengths |= 1 << text.len().min(63);
            missing.begins_with(text.as_bytes()[0]);
            missing.texts.push(text.as_bytes().into());
        }
        missing
    }
    fn begins_with(&mut self, byte: u8) {
        self.firsts[usize::from(byte / 64)] |= 1 << (byte % 64);
    }
    #[inline]
    pub(super) fn holds(&self, field: &[u8]) -> bool {
        let Some(first) = field.first() else { return true };
        // The first byte tells of nearly every value that it is there.
        self.firsts[usize::from(first / 64)] & (1 << (first % 64)) != 0 && self.holds_trimmed(field.trim_ascii())
    }
    fn holds_trimmed(&self, field: &[u8]) -> bool {
        field.is_empty() || (self.lengths & (1 << field.len().min(63)) != 0 && self.texts.iter().any(|text| **text == *field))
    }
}

#[derive(Debug, Clone)]
enum Source {
    Field(usize),
    Several(Vec<usize>),
    Constant(Box<[u8]>),
    Row,
}

/// A column whose values are texts.
#[derive(Debug, Clone)]
pub(super) struct TextColumn {
    /// Its name in messages.
    pub(super) name: String,
    source: Source,
    missing: Missing,
    treatment: Option<Box<Treatment>>,
}

#[derive(Debug, Clone)]
struct Treatment {
    strip: Vec<Box<[u8]>>,
    strip_suffix: Vec<u8>,
    case: Option<Case>,
    map: HashMap<Vec<u8>, Vec<u8>>,
    split: Option<Vec<u8>>,
}

impl TextColumn {
    /// Binds a column to a header.
    ///
    /// # Errors
    /// 65, `missing_required_column`, naming the nearest column there is.
    pub(super) fn bind(column: &Column, header: &[String], missing: &[String]) -> Result<TextColumn> {
        let source = match &column.source {
            ColumnSource::Name(name) => Source::Field(position(header, name)?),
            ColumnSource::Several(names) => Source::Several(names.iter().map(|name| position(header, name)).collect::<Result<_>>()?),
            ColumnSource::Value(value) => Source::Constant(value.as_bytes().into()),
            ColumnSource::Row => Source::Row,
        };
        let is_plain = column.map.is_empty() && column.case.is_none() && column.split.is_none() && column.strip.is_empty() && column.strip_suffix.is_none();
        let treatment = (!is_plain).then(|| {
            Box::new(Treatment {
                strip: column.strip.iter().map(|text| text.as_bytes().into()).collect(),
                strip_suffix: column.strip_suffix.clone().unwrap_or_default().into_bytes(),
                case: column.case,
                map: column.map.iter().map(|(from, to)| (from.clone().into_bytes(), to.clone().into_bytes())).collect(),
                split: column.split.clone().map(String::into_bytes).filter(|split| !split.is_empty()),
            })
        });
        Ok(TextColumn { name: column.names().join("+"), source, missing: Missing::new(missing.iter().chain(&column.missing)), treatment })
    }

    pub(super) fn is_row_number(&self) -> bool {
        matches!(self.source, Source::Row)
    }

    /// The text as it stands, for messages.
    pub(super) fn raw<'r>(&self, row: &Row<'r>) -> &'r [u8] {
        match &self.source {
            Source::Field(index) => row.get(*index),
            Source::Several(indices) => indices.first().map_or(&[], |index| row.get(*index)),
            Source::Constant(_) | Source::Row => &[],
        }
    }

    /// The treated text; `None` where missing. `buffer` holds it where it is not a piece of the row.
    #[inline]
    pub(super) fn get<'r>(&'r self, row: &Row<'r>, buffer: &'r mut Vec<u8>) -> Option<&'r [u8]> {
        if let (Source::Field(index), None) = (&self.source, &self.treatment) {
            let field = row.get(*index);
            return if self.missing.holds(field) { None } else { Some(field) };
        }
        self.get_treated(row, buffer)
    }

    fn get_treated<'r>(&'r self, row: &Row<'r>, buffer: &'r mut Vec<u8>) -> Option<&'r [u8]> {
        let field: &'r [u8] = match &self.source {
            Source::Constant(value) => return Some(value),
            Source::Row => return None,
            Source::Field(index) => {
                let field = row.get(*index);
                if self.missing.holds(field) {
                    return None;
                }
                field
            }
            Source::Several(indices) => {
                buffer.clear();
                for (place, index) in indices.iter().enumerate() {
                    let field = row.get(*index);
                    if self.missing.holds(field) {
                        return None;
                    }
                    if place > 0 {
                        buffer.push(b'|');
                    }
                    let mut one = Vec::new();
                    let part = self.treatment.as_deref().map_or(field, |treatment| treatment.apply(field, &mut one));
                    for byte in part {
                        if *byte == b'|' {
                            buffer.push(b'\\');
                        }
                        buffer.push(*byte);
                    }
                }
                return Some(buffer);
            }
        };
        Some(match &self.treatment {
            Some(treatment) => treatment.apply(field, buffer),
            None => field,
        })
    }
}

impl Treatment {
    fn apply<'r>(&'r self, field: &'r [u8], buffer: &'r mut Vec<u8>) -> &'r [u8] {
        if self.strip.is_empty() {
            return self.apply_rest(field, buffer);
        }
        let stripped = self.strip.iter().fold(field.to_vec(), |text, taken| without(&text, taken));
        *buffer = self.apply_rest(&stripped, &mut Vec::new()).to_vec();
        buffer
    }

    fn apply_rest<'r>(&'r self, field: &'r [u8], buffer: &'r mut Vec<u8>) -> &'r [u8] {
        let field = if self.strip_suffix.is_empty() { field } else { field.strip_suffix(&self.strip_suffix[..]).unwrap_or(field) };
        let mut in_buffer = false;
        if let Some(case) = self.case
            && !is_in_case(field, case)
        {
            fold(field, case, buffer);
            in_buffer = true;
        }
        if !self.map.is_empty() {
            let key: &[u8] = if in_buffer { buffer } else { field };
            if let Some(value) = self.map.get(key).or_else(|| self.map.get(key.trim_ascii())) {
                return value;
            }
        }
        if let Some(split) = &self.split {
            let text = if in_buffer { buffer.clone() } else { field.to_vec() };
            buffer.clear();
            for part in split_parts(&text, split) {
                if !buffer.is_empty() {
                    buffer.push(b'|');
                }
                buffer.extend_from_slice(part);
            }
            in_buffer = true;
        }
        if in_buffer { buffer } else { field }
    }
}

/// A text without another, wherever that stands.
fn without(text: &[u8], taken: &[u8]) -> Vec<u8> {
    let mut rest = Vec::with_capacity(text.len());
    let mut start = 0;
    for at in memchr::memmem::find_iter(text, taken) {
        rest.extend_from_slice(&text[start..at]);
        start = at + taken.len();
    }
    rest.extend_from_slice(&text[start..]);
    rest
}

fn split_parts<'t>(text: &'t [u8], separator: &[u8]) -> Vec<&'t [u8]> {
    let finder = memchr::memmem::Finder::new(separator);
    let mut parts = Vec::new();
    let mut start = 0;
    for at in finder.find_iter(text) {
        parts.push(text[start..at].trim_ascii());
        start = at + separator.len();
    }
    parts.push(text[start..].trim_ascii());
    parts.retain(|part| !part.is_empty());
    parts
}

fn is_in_case(field: &[u8], case: Case) -> bool {
    match case {
        Case::Upper => !field.iter().any(|byte| byte.is_ascii_lowercase() || *byte >= 128),
        Case::Lower => !field.iter().any(|byte| byte.is_ascii_uppercase() || *byte >= 128),
    }
}

/// Folds into the buffer; bytes that are not UTF-8 are folded as ASCII.
fn fold(field: &[u8], case: Case, buffer: &mut Vec<u8>) {
    buffer.clear();
    match std::str::from_utf8(field) {
        Ok(text) if !text.is_ascii() => {
            let folded = if case == Case::Upper { text.to_uppercase() } else { text.to_lowercase() };
            buffer.extend_from_slice(folded.as_bytes());
        }
        _ => {
            buffer.extend_from_slice(field);
            if case == Case::Upper { buffer.make_ascii_uppercase() } else { buffer.make_ascii_lowercase() }
        }
    }
}

/// A column whose values are numbers.
#[derive(Debug, Clone)]
pub(super) struct NumberColumnReader {
    texts: Vec<TextColumn>,
    constant: Option<f64>,
    decimal_comma: bool,
    signs: Signs,
}

/// What the first block says of the decimal sign.
#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    commas: u64,
    /// Whether a value is no number with at most one comma.
    points: bool,
}

impl NumberColumnReader {
    /// Binds a column to a header.
    ///
    /// # Errors
    /// As [`TextColumn::bind`]; 78 for a constant that is no number.
    pub(super) fn bind(column: &Column, header: &[String], missing: &[String]) -> Result<NumberColumnReader> {
        if let ColumnSource::Value(value) = &column.source {
            let number = number(value.as_bytes(), false).map_err(|_| Error::config(format!("value {value:?} is not a number")))?;
            return Ok(NumberColumnReader { texts: Vec::new(), constant: Some(number), decimal_comma: false, signs: Signs::default() });
        }
        let texts = match &column.source {
            ColumnSource::Several(names) => names
                .iter()
                .map(|name| TextColumn::bind(&Column { source: ColumnSource::Name(name.clone()), ..column.clone() }, header, missing))
                .collect::<Result<_>>()?,
            _ => vec![TextColumn::bind(column, header, missing)?],
        };
        Ok(NumberColumnReader { texts, constant: None, decimal_comma: false, signs: Signs::default() })
    }

    /// The number of a row; `NaN` where missing.
    #[inline]
    pub(super) fn get(&self, row: &Row, buffer: &mut Vec<u8>) -> std::result::Result<f64, Refusal> {
        if let [only] = &self.texts[..] {
            return match only.get(row, buffer) {
                None if only.is_row_number() => Ok(f64::from(row.record.row)),
                None => Ok(f64::NAN),
                Some(text) => number(text, self.decimal_comma).map_err(|class| Refusal::new(class, &only.name, text)),
            };
        }
        if let Some(constant) = self.constant {
            return Ok(constant);
        }
        let mut sum = f64::NAN;
        for column in &self.texts {
            if let Some(text) = column.get(row, buffer) {
                let value = number(text, self.decimal_comma).map_err(|class| Refusal::new(class, &column.name, text))?;
                sum = if sum.is_nan() { value } else { sum + value };
            }
        }
        Ok(sum)
    }

    /// Looks at a row of the file's first block, to settle the decimal sign.
    pub(super) fn observe(&mut self, row: &Row, buffer: &mut Vec<u8>) {
        for column in &self.texts {
            let Some(text) = column.get(row, buffer).map(<[u8]>::trim_ascii) else { continue };
            let commas = text.iter().filter(|byte| **byte == b',').count() as u64;
            let digits = text.strip_prefix(b"-").unwrap_or(text);
            self.signs.points |= commas > 1 || digits.iter().any(|byte| !byte.is_ascii_digit() && *byte != b',');
            self.signs.commas += commas;
        }
    }

    /// Settles the decimal sign by what was observed.
    pub(super) fn settle(&mut self) {
        self.decimal_comma = self.signs.commas > 0 && !self.signs.points;
    }
}

/// The number a text is.
#[inline]
pub(super) fn number(text: &[u8], decimal_comma: bool) -> std::result::Result<f64, Class> {
    if text.len() <= 9 && !text.is_empty() {
        // Most numbers of an export are short: digits with at most one point. Both parts are exact, so one division rounds once.
        let mut value = 0u32;
        let mut scale = u32::MAX;
        let mut plain = true;
        let point = if decimal_comma { b',' } else { b'.' };
        for byte in text {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                value = value * 10 + u32::from(digit);
                scale = scale.saturating_add(u32::from(scale != u32::MAX));
            } else if *byte == point && scale == u32::MAX {
                scale = 0;
            } else {
                plain = false;
                break;
            }
        }
        if plain && scale == u32::MAX {
            return Ok(f64::from(value));
        }
        if plain && scale > 0 && scale < text.len() as u32 - 1 {
            const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
            return Ok(f64::from(value) / POWERS[scale as usize]);
        }
    }
    slow_number(text.trim_ascii(), decimal_comma)
}

fn slow_number(text: &[u8], decimal_comma: bool) -> std::result::Result<f64, Class> {
    let text = text.strip_prefix(b"+").filter(|rest| !rest.starts_with(b"-")).unwrap_or(text);
    let parsed: f64 = if decimal_comma {
        if text.contains(&b'.') || text.iter().filter(|byte| **byte == b',').count() > 1 {
            return Err(Class::BadNumber);
        }
        let text: Vec<u8> = text.iter().map(|byte| if *byte == b',' { b'.' } else { *byte }).collect();
        fast_float2::parse(&text).map_err(|_| Class::BadNumber)?
    } else {
        fast_float2::parse(text).map_err(|_| Class::BadNumber)?
    };
    if parsed.is_finite() { Ok(parsed) } else { Err(Class::NonFinite) }
}

/// A column whose values are moments.
#[derive(Debug, Clone)]
pub(super) struct TimeColumn {
    text: TextColumn,
    state: TimeState,
    /// The last text and what it meant: rows of one order share their stamp.
    last: Vec<u8>,
    last_value: i64,
}

#[derive(Debug, Clone)]
enum TimeState {
    /// How the column is written is not settled yet.
    Sniffing(Box<DateSniffer>),
    Settled(DateParser),
    Constant(i64),
}

impl TimeColumn {
    /// Binds a column to a header.
    ///
    /// # Errors
    /// As [`TextColumn::bind`]; 78 for a format, unit or constant that makes no sense.
    pub(super) fn bind(column: &Column, header: &[String], missing: &[String], timezone: &str) -> Result<TimeColumn> {
        let text = TextColumn::bind(column, header, missing)?;
        let mut sniffer = DateSniffer::new(column, timezone)?;
        let state = match &column.source {
            ColumnSource::Value(value) => {
                sniffer.observe(value.as_bytes());
                let moment = sniffer.settle().ok().and_then(|parser| parser.parse(value.as_bytes()).ok());
                let moment = moment.ok_or_else(|| Error::config(format!("value {value:?} is not a date, expected YYYY-MM-DD")))?;
                TimeState::Constant(moment.0)
            }
            _ => TimeState::Sniffing(Box::new(sniffer)),
        };
        Ok(TimeColumn { text, state, last: Vec::new(), last_value: 0 })
    }

    /// Looks at a row, until [`TimeColumn::is_decided`].
    pub(super) fn observe(&mut self, row: &Row, buffer: &mut Vec<u8>) {
        if let TimeState::Sniffing(sniffer) = &mut self.state
            && let Some(text) = self.text.get(row, buffer)
        {
            if self.last == text && !text.is_empty() {
                return;
            }
            sniffer.observe(text);
            self.last.clear();
            self.last.extend_from_slice(text);
        }
    }

    /// Whether no further row can change how the column is read.
    pub(super) fn is_decided(&self) -> bool {
        match &self.state {
            TimeState::Sniffing(sniffer) => sniffer.is_decided(),
            TimeState::Settled(_) | TimeState::Constant(_) => true,
        }
    }

    /// What was seen so far.
    pub(super) fn sniffer(&self) -> Option<&DateSniffer> {
        match &self.state {
            TimeState::Sniffing(sniffer) => Some(sniffer),
            TimeState::Settled(_) | TimeState::Constant(_) => None,
        }
    }

    /// Settles how the column is written: by itself where its own rows decide, otherwise with all files of the source.
    ///
    /// # Errors
    /// As [`DateSniffer::settle`].
    pub(super) fn settle(&mut self, of_all_files: Option<DateSniffer>) -> Result<()> {
        self.last.clear();
        if let TimeState::Sniffing(own) = &self.state {
            let sniffer = if own.is_decided() { (**own).clone() } else { of_all_files.unwrap_or_else(|| (**own).clone()) };
            self.state = TimeState::Settled(sniffer.settle()?);
        }
        Ok(())
    }

    /// The moment of a row; `None` where missing.
    #[inline]
    pub(super) fn get(&mut self, row: &Row, buffer: &mut Vec<u8>) -> std::result::Result<Option<i64>, Refusal> {
        let parser = match &self.state {
            TimeState::Settled(parser) => parser,
            TimeState::Constant(moment) => return Ok(Some(*moment)),
            TimeState::Sniffing(_) => return Err(Refusal::new(Class::AmbiguousDate, &self.text.name, b"")),
        };
        let Some(text) = self.text.get(row, buffer) else { return Ok(None) };
        if self.last == text && !text.is_empty() {
            return Ok(Some(self.last_value));
        }
        match parser.parse(text) {
            Ok(moment) => {
                self.last.clear();
                self.last.extend_from_slice(text);
                self.last_value = moment.0;
                Ok(Some(moment.0))
            }
            Err(fault) => {
                let class = match fault {
                    DateFault::BadDate => Class::BadDate,
                    DateFault::OutOfRange => Class::OutOfRange,
                };
                Err(Refusal::new(class, &self.text.name, text))
            }
        }
    }

    /// The moment of a row that is nothing without one.
    #[inline]
    pub(super) fn get_needed(&mut self, row: &Row, buffer: &mut Vec<u8>) -> std::result::Result<i64, Refusal> {
        self.get(row, buffer)?.ok_or_else(|| Refusal::new(Class::BadDate, self.name(), b""))
    }

    pub(super) fn name(&self) -> &str {
        &self.text.name
    }
}

/// Position of a column in a header.
///
/// # Errors
/// 65, `missing_required_column`, naming the nearest column there is.
pub(super) fn position(header: &[String], name: &str) -> Result<usize> {
    header.iter().position(|column| column == name && !name.is_empty()).ok_or_else(|| {
        let nearest = header
            .iter()
            .map(|column| (strsim::normalized_damerau_levenshtein(&column.to_lowercase(), &name.to_lowercase()), column))
            .max_by(|left, right| left.0.total_cmp(&right.0))
            .filter(|(likeness, _)| *likeness > 0.5);
        let hint = match nearest {
            Some((_, column)) => format!("the nearest is {column:?}"),
            None => format!("the file has {}", header.iter().take(20).map(|column| format!("{column:?}")).collect::<Vec<_>>().join(", ")),
        };
        Error::data(format!("missing_required_column: the config names {name:?}, which the file does not have; {hint}")).column(name)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use super::*;

    fn treated(column: Column, field: &str) -> Option<String> {
        let column = TextColumn::bind(&column, &["c".to_owned()], &["NA".to_owned()]).unwrap();
        let ranges = [(0, field.len() as u32)];
        let record = Record { bytes: field.as_bytes(), scratch: &[], ranges: &ranges, line: 1, byte: 0, row: 0, is_utf8: true };
        let mut buffer = Vec::new();
        column.get(&Row { record, width: 1, joined: &[] }, &mut buffer).map(|text| String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn an_id_keeps_its_zeros_and_blanks_and_loses_only_the_declared_suffix() {
        assert_eq!(treated(Column::named("c"), " 007 ").as_deref(), Some(" 007 "));
        let suffix = Column { strip_suffix: Some(".0".into()), ..Column::named("c") };
        assert_eq!(treated(suffix.clone(), "17850.0").as_deref(), Some("17850"));
        assert_eq!(treated(suffix, "17850").as_deref(), Some("17850"));
        for missing in ["", "  ", "NA", " NA "] {
            assert_eq!(treated(Column::named("c"), missing), None, "{missing:?}");
        }
    }

    #[test]
    fn signs_of_a_currency_and_of_thousands_are_taken_out_where_declared() {
        let money = |signs: &[&str]| Column { strip: signs.iter().map(|sign| (*sign).to_owned()).collect(), ..Column::named("c") };
        assert_eq!(treated(money(&["$", ","]), "$1,234,567.50").as_deref(), Some("1234567.50"));
        assert_eq!(treated(money(&["$", ","]), "7").as_deref(), Some("7"));
        assert_eq!(treated(money(&[".", " €"]), "1.234,50 €").as_deref(), Some("1234,50"));
        assert_eq!(treated(money(&["$"]), "NA"), None);
    }

    #[test]
    fn case_map_and_split_apply_in_this_order() {
        let column = Column { case: Some(Case::Lower), map: vec![("buy".into(), "purchase".into())], ..Column::named("c") };
        assert_eq!(treated(column.clone(), "BUY").as_deref(), Some("purchase"));
        assert_eq!(treated(column, "ÄRGER").as_deref(), Some("ärger"));
        let split = Column { split: Some(",".into()), ..Column::named("c") };
        assert_eq!(treated(split, "web, email,,mobile").as_deref(), Some("web|email|mobile"));
    }

    #[test]
    fn numbers_are_finite_or_refused() {
        for (text, value) in
            [("12", 12.0), ("0.1", 0.1), ("2.55", 2.55), ("-3.5", -3.5), (" 7 ", 7.0), ("+49", 49.0), ("1e3", 1000.0), ("123456789.25", 123_456_789.25)]
        {
            assert_eq!(number(text.as_bytes(), false), Ok(value), "{text}");
        }
        for text in ["NaN", "inf", "1e400", "-Infinity"] {
            assert_eq!(number(text.as_bytes(), false), Err(Class::NonFinite), "{text}");
        }
        for text in ["", "abc", "1,5", "1.2.3", "12 000", ".", "+-3", "0x10"] {
            assert_eq!(number(text.as_bytes(), false), Err(Class::BadNumber), "{text}");
        }
        assert_eq!(number(b"1,5", true), Ok(1.5));
        assert_eq!(number(b"-12345678901,5", true), Ok(-12_345_678_901.5));
        assert_eq!(number(b"1.5", true), Err(Class::BadNumber));
    }

    proptest::proptest! {
        #[test]
        fn a_short_number_is_read_to_the_last_bit(value in 0u32..1_000_000, decimals in 0usize..3) {
            let text = format!("{:.*}", decimals, f64::from(value) / 100.0);
            proptest::prop_assert_eq!(number(text.as_bytes(), false).unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
        }
    }
}
