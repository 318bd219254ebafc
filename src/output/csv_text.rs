//! Fields become CSV text: UTF-8 without byte order mark, commas, LF line ends, quotes only where needed (RFC 4180).
//!
//! Numbers are written from typed values, ids byte for byte. Text that people wrote (names, reasons, categories, carried columns)
//! passes the formula guard first: a spreadsheet runs a cell that begins like a formula.

use crate::error::{Error, Result};
use std::io::Write;

/// Digits after the decimal point of every fraction in every file.
const DIGITS: usize = 6;
/// Ten to that power.
const SCALE: u128 = 1_000_000;

/// CSV text under construction, one record after another.
#[derive(Debug, Default)]
pub struct CsvText {
    bytes: Vec<u8>,
    within_record: bool,
}

impl CsvText {
    /// An empty file with room for `rows` records of about `width` bytes.
    pub fn with_capacity(rows: usize, width: usize) -> CsvText {
        CsvText { bytes: Vec::with_capacity(rows.saturating_add(1).saturating_mul(width)), within_record: false }
    }

    fn separate(&mut self) {
        if self.within_record {
            self.bytes.push(b',');
        }
        self.within_record = true;
    }

    /// An id or a fixed name, byte for byte.
    pub fn id(&mut self, id: &str) -> &mut Self {
        self.separate();
        push_field(&mut self.bytes, id);
        self
    }

    /// Text that someone wrote, made harmless for spreadsheets.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.separate();
        if is_formula(text) {
            let mut guarded = String::with_capacity(text.len() + 1);
            guarded.push('\'');
            guarded.push_str(text);
            push_field(&mut self.bytes, &guarded);
        } else {
            push_field(&mut self.bytes, text);
        }
        self
    }

    /// A whole number; blank where absent.
    pub fn whole(&mut self, number: Option<i64>) -> &mut Self {
        self.separate();
        if let Some(number) = number {
            push_display(&mut self.bytes, number);
        }
        self
    }

    /// A count; blank where absent.
    pub fn count(&mut self, number: Option<u64>) -> &mut Self {
        self.separate();
        if let Some(number) = number {
            push_digits(&mut self.bytes, number);
        }
        self
    }

    /// A fraction with six digits; blank where absent.
    ///
    /// # Errors
    /// 70 when it is not finite: such a value is a fault of the program and must not reach a file.
    pub fn fraction(&mut self, number: Option<f64>, column: &str) -> Result<&mut Self> {
        self.separate();
        if let Some(number) = number {
            if !number.is_finite() {
                return Err(Error::internal(format!("a value of {column} is {number}, expected a finite number")));
            }
            push_fixed(&mut self.bytes, number);
        }
        Ok(self)
    }

    /// Ends the record.
    pub fn end(&mut self) {
        self.bytes.push(b'\n');
        self.within_record = false;
    }

    /// The bytes of the file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn push_display(bytes: &mut Vec<u8>, value: impl std::fmt::Display) {
    write!(bytes, "{value}").expect("writing to a Vec cannot fail");
}

/// The number with six digits, rounded exactly, half to even; what rounds to zero is zero, whichever side it came from.
///
/// A number is a whole number of 53 bits times a power of two, so times 10^6 it fits into 128 bits and is rounded by a shift. This
/// gives the digits of the standard library's formatting in a tenth of its time; there are millions of numbers in a run.
fn push_fixed(bytes: &mut Vec<u8>, number: f64) {
    let bits = number.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    let (mantissa, exponent) = if exponent == 0 { (bits & ((1 << 52) - 1), -1_074) } else { (bits & ((1 << 52) - 1) | (1 << 52), exponent - 1_075) };
    let scaled = u128::from(mantissa) * SCALE;
    let rounded = match exponent {
        0..=50 => scaled << exponent,
        // Less than half of the last digit.
        i32::MIN..=-100 => 0,
        -99..=-1 => {
            let shift = exponent.unsigned_abs();
            let (whole, rest, half) = (scaled >> shift, scaled & ((1 << shift) - 1), 1u128 << (shift - 1));
            whole + u128::from(rest > half || (rest == half && whole % 2 == 1))
        }
        _ => {
            // Beyond 10^30, where no amount or score lies.
            push_display(bytes, format_args!("{number:.DIGITS$}"));
            return;
        }
    };
    if number < 0.0 && rounded > 0 {
        bytes.push(b'-');
    }
    let (whole, fraction) = (rounded / SCALE, (rounded % SCALE) as u32);
    match u64::try_from(whole) {
        Ok(whole) => push_digits(bytes, whole),
        Err(_) => push_display(bytes, whole),
    }
    bytes.push(b'.');
    let mut digits = [b'0'; DIGITS];
    let mut rest = fraction;
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    bytes.extend_from_slice(&digits);
}

fn push_digits(bytes: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    bytes.extend_from_slice(&digits[start..]);
}

/// Quotes the field where a reader would else cut it, and doubles the quotes in it.
fn push_field(bytes: &mut Vec<u8>, field: &str) {
    let field = field.as_bytes();
    let must_quote = memchr::memchr3(b',', b'"', b'\n', field).is_some() || memchr::memchr(b'\r', field).is_some();
    if !must_quote {
        bytes.extend_from_slice(field);
        return;
    }
    bytes.push(b'"');
    let mut rest = field;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        bytes.extend_from_slice(&rest[..=quote]);
        bytes.push(b'"');
        rest = &rest[quote + 1..];
    }
    bytes.extend_from_slice(rest);
    bytes.push(b'"');
}

/// Whether a spreadsheet could take the text for a formula: its first sign after blanks is one that begins formulas (OWASP, CSV
/// injection), also in full width. A plain negative number is none, and stays a number; nor is a
/// telephone number.
fn is_formula(text: &str) -> bool {
    let trimmed = text.trim_start_matches([' ', '\u{a0}', '\u{3000}']);
    match trimmed.chars().next() {
        Some('-') => !is_plain_number(&trimmed[1..]),
        // A telephone number computes to a number at worst, and a system that dials needs it as it is.
        Some('+') => !trimmed[1..].bytes().all(|byte| byte.is_ascii_digit() || b" -/()".contains(&byte)),
        Some('=' | '@' | '\t' | '\r' | '\n' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}') => true,
        _ => false,
    }
}

fn is_plain_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn one(write: impl FnOnce(&mut CsvText)) -> String {
        let mut csv = CsvText::default();
        write(&mut csv);
        String::from_utf8(csv.into_bytes()).unwrap()
    }

    #[test]
    fn text_that_begins_like_a_formula_gets_an_apostrophe() {
        for text in [
            "=1+1",
            "+1+1",
            "+cmd|' /C calc'!A0",
            "-2+3",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "  =1",
            "-",
            "-1.2.3",
            "=cmd|' /C calc'!A0",
        ] {
            let written = one(|csv| {
                csv.text(text);
            });
            assert!(written.starts_with('\'') || written.starts_with("\"'"), "{text:?} became {written:?}");
        }
        for text in ["Tea & Cake", "+49 (0)170 12-34", "-12.5", "-7", "-3,50", "a=b", "", "1-2", "'quoted", "邮件"] {
            let written = one(|csv| {
                csv.text(text);
            });
            assert!(!written.starts_with('\'') || text.starts_with('\''), "{text:?} became {written:?}");
            assert!(!written.starts_with("\"'"), "{text:?} became {written:?}");
        }
    }

    #[test]
    fn ids_stay_byte_for_byte() {
        assert_eq!(one(|csv| { csv.id("=00017").id("-5").id("+49170").id("@me").end() }), "=00017,-5,+49170,@me\n");
    }

    #[test]
    fn fractions_have_six_digits_a_point_and_no_negative_zero() {
        let written = one(|csv| {
            for value in [Some(0.5), Some(-0.000_000_1), Some(-0.0), Some(1e15), Some(-2.25), Some(2.0 / 3.0), None] {
                csv.fraction(value, "x").unwrap();
            }
        });
        assert_eq!(written, "0.500000,0.000000,0.000000,1000000000000000.000000,-2.250000,0.666667,");
    }

    #[test]
    fn what_is_not_finite_never_reaches_a_file() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = CsvText::default().fraction(Some(value), "churn_probability").unwrap_err();
            assert_eq!(error.kind().exit_code(), 70);
            assert!(error.to_string().contains("churn_probability"));
        }
    }

    fn fixed(number: f64) -> String {
        let mut bytes = Vec::new();
        push_fixed(&mut bytes, number);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn ties_and_borders_round_as_the_standard_library_rounds() {
        let mut numbers = vec![
            0.0,
            5e-324,
            f64::MIN_POSITIVE,
            5e-7,
            4.999_999e-7,
            1e22,
            1e30,
            1e31,
            f64::MAX,
            9.999_999_5,
            0.999_999_5,
            1.0 - 1e-16,
            9_007_199_254_740_993.0,
        ];
        // Exact halves of the last digit: odd multiples of 2^-7 have a seventh digit of 5 at the end.
        numbers.extend((0..400).map(|odd| f64::from(2 * odd + 1) / 128.0));
        for number in numbers {
            assert_eq!(fixed(number), format!("{number:.6}"), "{number:e}");
        }
    }

    proptest! {
        #[test]
        fn any_finite_number_is_written_as_the_standard_library_writes_it(bits in any::<u64>(), size in -40i32..110) {
            for number in [f64::from_bits(bits), f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52) * 2f64.powi(size)] {
                if number.is_finite() {
                    let expected = format!("{number:.6}");
                    let expected = if expected == "-0.000000" { "0.000000".to_string() } else { expected };
                    prop_assert_eq!(fixed(number), expected);
                }
            }
        }

        #[test]
        fn a_reader_gets_back_every_field(fields in prop::collection::vec(any::<String>(), 2..6)) {
            let mut csv = CsvText::default();
            for field in &fields {
                csv.id(field);
            }
            csv.end();
            let bytes = csv.into_bytes();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
            let record = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(record.iter().map(str::to_string).collect::<Vec<_>>(), fields);
        }
    }
}
