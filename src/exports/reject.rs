//! Refused rows: the class of each, where it stands, and the shape of what was found.

use std::path::Path;

/// Why a row is refused. The names are a public interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    AmbiguousDate,
    BadDate,
    BadJson,
    BadNumber,
    DuplicateId,
    Encoding,
    FieldTooLong,
    LineTooLong,
    MissingId,
    NonFinite,
    NulByte,
    OutOfRange,
    QuoteInField,
    TooFewFields,
    TooManyFields,
    UnterminatedQuote,
}

impl Class {
    pub(super) fn name(self) -> &'static str {
        match self {
            Class::AmbiguousDate => "ambiguous_date",
            Class::BadDate => "bad_date",
            Class::BadJson => super::jsonl::BAD_JSON,
            Class::BadNumber => "bad_number",
            Class::DuplicateId => "duplicate_id",
            Class::Encoding => "encoding",
            Class::FieldTooLong => "field_too_long",
            Class::LineTooLong => "line_too_long",
            Class::MissingId => "missing_id",
            Class::NonFinite => "non_finite",
            Class::NulByte => "nul_byte",
            Class::OutOfRange => "out_of_range",
            Class::QuoteInField => "quote_in_field",
            Class::TooFewFields => "too_few_fields",
            Class::TooManyFields => "too_many_fields",
            Class::UnterminatedQuote => "unterminated_quote",
        }
    }
}

/// Why one source refuses a row: what its column holds does not fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Refusal {
    pub(super) class: Class,
    /// Empty for the whole record.
    pub(super) column: String,
    pub(super) shape: String,
}

impl Refusal {
    pub(super) fn new(class: Class, column: impl Into<String>, found: &[u8]) -> Refusal {
        Refusal { class, column: column.into(), shape: shape(found) }
    }
}

/// A refusal with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlacedRefusal {
    pub(super) line: u64,
    pub(super) byte: u64,
    pub(super) refusal: Refusal,
}

impl PlacedRefusal {
    pub(super) fn into_reject(self, file: &Path) -> super::Reject {
        let PlacedRefusal { line, byte, refusal } = self;
        super::Reject { file: file.to_path_buf(), line, byte, class: refusal.class.name(), column: refusal.column, shape: refusal.shape }
    }
}

/// Refusals are kept in detail up to this number; the counts are complete.
pub(super) const MAX_KEPT: usize = 10_000;

/// The shape of a text: digits become 9, letters x, control characters blanks; at most 40 characters. No value can be read
/// from it, and most faults can.
pub(super) fn shape(found: &[u8]) -> String {
    let head = &found[..found.len().min(200)];
    String::from_utf8_lossy(head)
        .chars()
        .take(40)
        .map(|character| match character {
            c if c.is_ascii_digit() || c.is_numeric() => '9',
            c if c.is_alphabetic() => 'x',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_shows_the_fault_and_not_the_value() {
        assert_eq!(shape("Ärger-17,5€\u{0}".as_bytes()), "xxxxx-99,9€ ");
        assert_eq!(shape(&[b'a'; 500]).len(), 40);
    }
}
