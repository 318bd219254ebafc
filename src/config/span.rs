//! Durations as they are written: `36h`, `90d`, `12w`, `6mo`, `1y`.

use super::Span;
use std::fmt;

/// The units, with their length in seconds. A month counts 30 days and a year 365, so that a window has one length
/// wherever it falls in the calendar.
const UNITS: [(&str, i64); 7] = [("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400), ("w", 7 * 86_400), ("mo", 30 * 86_400), ("y", 365 * 86_400)];

/// Longer spans than a thousand years are taken for a slip, and keep sums of times far from overflow.
const LONGEST_SECONDS: i64 = 1_000 * 365 * 86_400;

impl Span {
    /// Reads a whole number and a unit without blank between them: `s`, `min`, `h`, `d`, `w`, `mo` (30 days), `y` (365 days).
    /// `None` for anything else and for more than a thousand years.
    pub fn parse(text: &str) -> Option<Span> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let seconds = number.parse::<i64>().ok()?.checked_mul(*seconds)?;
        (seconds <= LONGEST_SECONDS).then_some(Span { seconds })
    }
}

/// One way of writing for each length, which [`Span::parse`] reads back: days, else hours, minutes or seconds.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("min", 60)] {
            if self.seconds % seconds == 0 {
                return write!(f, "{}{unit}", self.seconds / seconds);
            }
        }
        write!(f, "{}s", self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_written() {
        for (text, days) in [("90d", 90.0), ("12w", 84.0), ("6mo", 180.0), ("36h", 1.5), ("1y", 365.0), ("0d", 0.0)] {
            assert_eq!(Span::parse(text).map(Span::as_days), Some(days), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in ["", "90", "d", "90 d", "-1d", "1.5d", "90m", "90days", "99999999999999999999d", "5000y"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_span_prints_as_it_can_be_read() {
        for text in ["90d", "36h", "5min", "7s", "0d"] {
            assert_eq!(Span::parse(text).map(|span| span.to_string()).as_deref(), Some(text));
        }
    }
}
