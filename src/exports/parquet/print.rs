//! Values of a Parquet column become text, as a careful export to CSV would write them.

use crate::error::{Error, Result};
use crate::exports::dates::civil::civil_from_days;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::schema::types::ColumnDescriptor;

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Boolean,
    Integer,
    Unsigned,
    Real,
    Text,
    Date,
    /// Time of the day, with so many units a second.
    Time(i64),
    /// A stamp, with so many units a second, on the clock of UTC or on whichever clock the writer had.
    Stamp {
        per_second: i64,
        utc: bool,
    },
    /// A number with so many digits after the point.
    Decimal(u32),
    Uuid,
    /// The old 12-byte stamp; it does not say which clock.
    Int96,
}

/// The meaning of a column.
///
/// # Errors
/// 65 for types that have no text.
pub(super) fn meaning_of(column: &ColumnDescriptor) -> Result<Meaning> {
    let refuse = |what: &str| {
        Err(Error::data(format!("the Parquet type {what} is not read; write the column as text, number, date or timestamp")).column(column.name()))
    };
    let physical = column.physical_type();
    let per_second = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    let declared = match column.logical_type_ref() {
        Some(LogicalType::Date) => Some(Meaning::Date),
        Some(LogicalType::Time(time)) => Some(Meaning::Time(per_second(&time.unit))),
        Some(LogicalType::Timestamp(stamp)) => Some(Meaning::Stamp { per_second: per_second(&stamp.unit), utc: stamp.is_adjusted_to_u_t_c }),
        Some(LogicalType::Decimal(decimal)) => Some(Meaning::Decimal(u32::try_from(decimal.scale).unwrap_or(u32::MAX))),
        Some(LogicalType::Integer(integer)) => Some(if integer.is_signed { Meaning::Integer } else { Meaning::Unsigned }),
        Some(LogicalType::Uuid) => Some(Meaning::Uuid),
        Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => Some(Meaning::Text),
        Some(LogicalType::Unknown) => None,
        Some(other) => return refuse(&format!("{other:?}")),
        // Files of old writers; the format says that their timestamps are UTC.
        None => match column.converted_type() {
            ConvertedType::DATE => Some(Meaning::Date),
            ConvertedType::TIME_MILLIS => Some(Meaning::Time(1_000)),
            ConvertedType::TIME_MICROS => Some(Meaning::Time(1_000_000)),
            ConvertedType::TIMESTAMP_MILLIS => Some(Meaning::Stamp { per_second: 1_000, utc: true }),
            ConvertedType::TIMESTAMP_MICROS => Some(Meaning::Stamp { per_second: 1_000_000, utc: true }),
            ConvertedType::DECIMAL => Some(Meaning::Decimal(u32::try_from(column.type_scale()).unwrap_or(u32::MAX))),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => Some(Meaning::Unsigned),
            ConvertedType::BSON | ConvertedType::INTERVAL => return refuse(&format!("{}", column.converted_type())),
            _ => None,
        },
    };
    let meaning = declared.unwrap_or(match physical {
        Type::BOOLEAN => Meaning::Boolean,
        Type::INT32 | Type::INT64 => Meaning::Integer,
        Type::FLOAT | Type::DOUBLE => Meaning::Real,
        Type::INT96 => Meaning::Int96,
        Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => Meaning::Text,
    });
    let fits = match physical {
        Type::BOOLEAN => meaning == Meaning::Boolean,
        Type::INT32 => matches!(meaning, Meaning::Integer | Meaning::Unsigned | Meaning::Date | Meaning::Time(_) | Meaning::Decimal(0..=38)),
        Type::INT64 => matches!(meaning, Meaning::Integer | Meaning::Unsigned | Meaning::Time(_) | Meaning::Stamp { .. } | Meaning::Decimal(0..=38)),
        Type::INT96 => meaning == Meaning::Int96,
        Type::FLOAT | Type::DOUBLE => meaning == Meaning::Real,
        Type::BYTE_ARRAY => matches!(meaning, Meaning::Text | Meaning::Decimal(0..=38)),
        Type::FIXED_LEN_BYTE_ARRAY => match meaning {
            Meaning::Uuid | Meaning::Decimal(0..=38) => column.type_length() <= 16,
            other => other == Meaning::Text,
        },
    };
    if fits { Ok(meaning) } else { refuse(&format!("{physical} as {meaning:?}")) }
}

/// An integer in its meaning.
#[inline]
pub(super) fn integer(value: i64, meaning: Meaning, text: &mut Vec<u8>) {
    match meaning {
        Meaning::Unsigned => text.extend_from_slice(itoa::Buffer::new().format(value as u64).as_bytes()),
        Meaning::Date => date(value, text),
        Meaning::Time(per_second) => time(value.rem_euclid(86_400 * per_second), per_second, text),
        Meaning::Stamp { per_second, utc } => {
            stamp(value.div_euclid(per_second), value.rem_euclid(per_second), per_second, text);
            if utc {
                text.push(b'Z');
            }
        }
        Meaning::Decimal(scale) => decimal(i128::from(value), scale, text),
        _ => text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
    }
}

/// A number in the fewest digits that read back to it. Whole numbers have no point: an id kept as a number stays an id.
pub(super) fn real(value: f64, text: &mut Vec<u8>) {
    // Most are whole or amounts of money. A decimal of at most 15 digits is the only such decimal of its f64, so what comes
    // back exactly from hundredths is the shortest text.
    let hundredths = (value * 100.0 + 0.5f64.copysign(value)) as i64;
    if hundredths.unsigned_abs() < 1_000_000_000_000_000 && (hundredths as f64 / 100.0).to_bits() == value.to_bits() {
        let (whole, part) = (hundredths.unsigned_abs() / 100, (hundredths.unsigned_abs() % 100) as u32);
        if hundredths < 0 {
            text.push(b'-');
        }
        text.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
        if part > 0 {
            text.push(b'.');
            two(part, text);
            if part.is_multiple_of(10) {
                text.pop();
            }
        }
    } else if value.abs() < 9_007_199_254_740_992.0 && (value as i64 as f64).to_bits() == value.to_bits() {
        // Below 2^53 every whole number is one f64.
        text.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        text.extend_from_slice(ryu::Buffer::new().format(value).as_bytes());
    }
}

/// As [`real`], in the fewest digits that read back as `f32`.
pub(super) fn short_real(value: f32, text: &mut Vec<u8>) {
    if value.abs() < 16_777_216.0 && (value as i32 as f32).to_bits() == value.to_bits() {
        text.extend_from_slice(itoa::Buffer::new().format(value as i32).as_bytes());
    } else {
        text.extend_from_slice(ryu::Buffer::new().format(value).as_bytes());
    }
}

/// Bytes in their meaning; a decimal longer than 16 bytes yields `false` and no text.
pub(super) fn bytes(value: &[u8], meaning: Meaning, text: &mut Vec<u8>) -> bool {
    match meaning {
        Meaning::Decimal(scale) => {
            if value.len() > 16 {
                return false;
            }
            // Two's complement, highest byte first.
            let sign = if value.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
            decimal(value.iter().fold(sign, |number: i128, byte| (number << 8) | i128::from(*byte)), scale, text);
        }
        Meaning::Uuid => {
            for (index, byte) in value.iter().enumerate() {
                if matches!(index, 4 | 6 | 8 | 10) {
                    text.push(b'-');
                }
                for digit in [byte >> 4, byte & 15] {
                    text.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
                }
            }
        }
        _ => text.extend_from_slice(value),
    }
    true
}

/// A stamp of the old 12-byte kind: a Julian day and nanoseconds of the day.
pub(super) fn int96(words: &[u32], text: &mut Vec<u8>) {
    if let [low, high, day] = words {
        let nanos = (i64::from(*high) << 32 | i64::from(*low)).rem_euclid(86_400_000_000_000);
        // The day 2,440,588 of Julius is 1970-01-01.
        let days = i64::from(*day as i32) - 2_440_588;
        stamp(days * 86_400 + nanos / 1_000_000_000, nanos % 1_000_000_000, 1_000_000_000, text);
    }
}

fn decimal(value: i128, scale: u32, text: &mut Vec<u8>) {
    if value < 0 {
        text.push(b'-');
    }
    let one = 10u128.pow(scale.min(38));
    let size = value.unsigned_abs();
    text.extend_from_slice(itoa::Buffer::new().format(size / one).as_bytes());
    if scale > 0 {
        text.push(b'.');
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(size % one).as_bytes();
        text.extend(std::iter::repeat_n(b'0', scale as usize - digits.len()));
        text.extend_from_slice(digits);
    }
}

fn two(value: u32, text: &mut Vec<u8>) {
    text.extend_from_slice(&[b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]);
}

fn date(days: i64, text: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    match u32::try_from(year) {
        Ok(year) if year <= 9_999 => {
            two(year / 100, text);
            two(year % 100, text);
        }
        // No date reader takes such a year, so that the row is rejected and its text shows why.
        _ => text.extend_from_slice(itoa::Buffer::new().format(year).as_bytes()),
    }
    text.push(b'-');
    two(month, text);
    text.push(b'-');
    two(day, text);
}

/// Seconds since the epoch and a part of a second, which is shown where it is not zero.
fn stamp(seconds: i64, part: i64, per_second: i64, text: &mut Vec<u8>) {
    date(seconds.div_euclid(86_400), text);
    text.push(b' ');
    time(seconds.rem_euclid(86_400) * per_second + part, per_second, text);
}

/// Units since midnight.
fn time(units: i64, per_second: i64, text: &mut Vec<u8>) {
    let (seconds, part) = ((units / per_second) as u32, units % per_second);
    two(seconds / 3_600, text);
    text.push(b':');
    two(seconds / 60 % 60, text);
    text.push(b':');
    two(seconds % 60, text);
    let mut rest = part;
    let mut place = per_second / 10;
    if rest > 0 {
        text.push(b'.');
        while place > 0 {
            text.push(b'0' + (rest / place) as u8);
            rest %= place;
            place /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn shown(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        print(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn values_read_as_a_careful_export_would_write_them() {
        let stamp = |per_second, utc| Meaning::Stamp { per_second, utc };
        for (value, meaning, expected) in [
            (-5, Meaning::Integer, "-5"),
            (-1, Meaning::Unsigned, "18446744073709551615"),
            (0, Meaning::Date, "1970-01-01"),
            (-25_567, Meaning::Date, "1900-01-01"),
            (19_782, Meaning::Date, "2024-02-29"),
            (3_000_000, Meaning::Date, "10183-09-21"),
            (1_234_567_890_000, stamp(1_000, true), "2009-02-13 23:31:30Z"),
            (1_234_567_890_007, stamp(1_000, false), "2009-02-13 23:31:30.007"),
            (-1, stamp(1_000_000, false), "1969-12-31 23:59:59.999999"),
            (1_234_567_890_000_000_001, stamp(1_000_000_000, false), "2009-02-13 23:31:30.000000001"),
            (86_399_999, Meaning::Time(1_000), "23:59:59.999"),
            (-12_345, Meaning::Decimal(2), "-123.45"),
            (5, Meaning::Decimal(4), "0.0005"),
            (5, Meaning::Decimal(0), "5"),
        ] {
            assert_eq!(shown(|text| integer(value, meaning, text)), expected);
        }
        assert_eq!(shown(|text| assert!(bytes(&[0xFF, 0xFE], Meaning::Decimal(1), text))), "-0.2");
        assert_eq!(shown(|text| assert!(!bytes(&[1; 17], Meaning::Decimal(1), text))), "");
        let uuid: Vec<u8> = (0..16).map(|byte| byte * 17).collect();
        assert_eq!(shown(|text| assert!(bytes(&uuid, Meaning::Uuid, text))), "00112233-4455-6677-8899-aabbccddeeff");
        // Noon of 2000-01-01 is the Julian date 2,451,545 (astronomers' days begin at noon).
        assert_eq!(shown(|text| int96(&[0, 0, 2_451_545], text)), "2000-01-01 00:00:00");
    }

    #[test]
    fn whole_numbers_have_no_point_and_others_the_fewest_digits() {
        for (value, expected) in [
            (17_850.0, "17850"),
            (0.1, "0.1"),
            (-2.55, "-2.55"),
            (-0.07, "-0.07"),
            (1.125, "1.125"),
            (-0.0, "-0.0"),
            (4e15, "4000000000000000"),
            (1e21, "1e21"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(shown(|text| real(value, text)), expected);
        }
        assert_eq!(shown(|text| short_real(0.1, text)), "0.1");
        assert_eq!(shown(|text| short_real(7.0, text)), "7");
    }

    proptest! {
        #[test]
        fn amounts_are_written_as_the_decimal_they_are(cents in -1_000_000_000i64..1_000_000_000, scale in prop::sample::select(vec![1i64, 10, 100, 1_000])) {
            let value = cents as f64 / scale as f64;
            // The standard library prints the shortest decimal too, with `-0` the only difference of spelling.
            prop_assert_eq!(shown(|text| real(value, text)), value.to_string());
        }

        #[test]
        fn every_finite_number_reads_back(bits: u64, short_bits: u32) {
            let (value, short) = (f64::from_bits(bits), f32::from_bits(short_bits));
            if value.is_finite() {
                prop_assert_eq!(shown(|text| real(value, text)).parse::<f64>().unwrap().to_bits(), bits);
            }
            if short.is_finite() {
                prop_assert_eq!(shown(|text| short_real(short, text)).parse::<f32>().unwrap().to_bits(), short_bits);
            }
        }
    }
}
