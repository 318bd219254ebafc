//! Digits and days: the arithmetic under every date layout. It knows the Gregorian calendar, and no time zone.

/// Days from 0000-01-01 to 1970-01-01 in the proleptic Gregorian calendar.
const EPOCH_DAY: i64 = 719_528;
/// Days of a common year before each month, and the whole year.
const DAYS_BEFORE: [u16; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// Whether a year has a 29th of February.
const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days from 1970-01-01 to the first day of a year (0 to 9999).
pub(super) fn days_to_year(year: u32) -> i64 {
    // Leap days in the years 0 to year - 1; the year 0 is one.
    i64::from(365 * year + year.div_ceil(4) - year.div_ceil(100) + year.div_ceil(400)) - EPOCH_DAY
}

/// Days of a year.
pub(super) fn days_in_year(year: u32) -> u32 {
    365 + u32::from(is_leap(year))
}

/// Days from 1970-01-01 to a calendar day; `None` where there is no such day.
#[inline]
pub(super) fn days_from_civil(year: u32, month: u32, day: u32) -> Option<i64> {
    if year > 9_999 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let index = month as usize;
    let leap = is_leap(year);
    let length = u32::from(DAYS_BEFORE[index] - DAYS_BEFORE[index - 1]) + u32::from(leap && month == 2);
    if day > length {
        return None;
    }
    let in_year = u32::from(DAYS_BEFORE[index - 1]) + u32::from(leap && month > 2) + day - 1;
    Some(days_to_year(year) + i64::from(in_year))
}

/// First and last year of [`MONTH_STARTS`].
const TABLE_YEARS: (u32, u32) = (1900, 2200);
const TABLE_MONTHS: usize = (TABLE_YEARS.1 - TABLE_YEARS.0 + 1) as usize * 12;
/// Days from 1970-01-01 to the first of each month of the years accepted, and of the month after: the length of a month is the
/// distance to the next.
static MONTH_STARTS: [i32; TABLE_MONTHS + 1] = month_starts();

const fn month_starts() -> [i32; TABLE_MONTHS + 1] {
    let mut starts = [0; TABLE_MONTHS + 1];
    starts[0] = -25_567;
    let mut index = 0;
    while index < TABLE_MONTHS {
        let (year, month) = (TABLE_YEARS.0 + index as u32 / 12, index % 12);
        let leap_day = (is_leap(year) && month == 1) as i32;
        starts[index + 1] = starts[index] + (DAYS_BEFORE[month + 1] - DAYS_BEFORE[month]) as i32 + leap_day;
        index += 1;
    }
    starts
}

/// As [`days_from_civil`] for the years 1900 to 2200, by table; `None` also for other years.
#[inline]
pub(super) fn days_of_accepted_year(year: u32, month: u32, day: u32) -> Option<i64> {
    if !(TABLE_YEARS.0..=TABLE_YEARS.1).contains(&year) || month.wrapping_sub(1) > 11 {
        return None;
    }
    let index = ((year - TABLE_YEARS.0) * 12 + month - 1) as usize;
    let (start, next) = (*MONTH_STARTS.get(index)?, *MONTH_STARTS.get(index + 1)?);
    let day = day as i32;
    (day >= 1 && day <= next - start).then(|| i64::from(start + day - 1))
}

/// Three numbers of two digits each with a separator between them, such as `23:59:58`, in one go: the eight bytes are looked at
/// as one word.
#[inline]
pub(super) fn three_pairs(text: [u8; 8], separator: u8) -> Option<[u32; 3]> {
    const SEPARATORS: u64 = 0x0000_FF00_00FF_0000;
    let shape = u64::from_le_bytes([b'0', b'0', separator, b'0', b'0', separator, b'0', b'0']);
    // Digits become their value and separators 0.
    let values = u64::from_le_bytes(text) ^ shape;
    // A byte above 9 reaches the top bit when 0x76 is added, or has it already; a carry needs such a byte below it.
    let strange = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    if strange | (values & SEPARATORS) != 0 {
        return None;
    }
    // No byte overflows: 10 times 9 and 9 make 99.
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    Some([pairs as u32 & 0xFF, (pairs >> 24) as u32 & 0xFF, (pairs >> 48) as u32 & 0xFF])
}

/// The calendar day, as year, month and day, so many days after 1970-01-01.
pub(in crate::exports) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    // Years begin on the 1st of March here, so that a leap day is the last of its year (Hinnant, "chrono-compatible low-level
    // date algorithms", civil_from_days).
    let shifted = days + EPOCH_DAY - 60;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097) as u32;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = i64::from(year_of_era) + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// Seconds of the day; `None` where the clock never shows that.
#[inline]
pub(super) fn seconds_of_day(hour: u32, minute: u32, second: u32) -> Option<i64> {
    (hour < 24 && minute < 60 && second < 60).then(|| i64::from(hour * 3_600 + minute * 60 + second))
}

/// A text read from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// At the start of a text.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Cursor { rest: text }
    }
    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
    /// The next byte, which stays.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }
    /// Takes the byte if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }
    /// Takes the word if it is next in any case; the word is in lower case.
    pub(super) fn take_word(&mut self, word: &[u8]) -> bool {
        let found = self.rest.len() >= word.len() && self.rest[..word.len()].eq_ignore_ascii_case(word);
        if found {
            self.rest = &self.rest[word.len()..];
        }
        found
    }
    /// Takes the digits that are next, at most `most` of them: their number and how many there were.
    pub(super) fn digits(&mut self, most: usize) -> (u32, usize) {
        let most = most.min(9);
        let mut value = 0;
        let mut count = 0;
        while count < most {
            match self.rest.get(count) {
                Some(byte) if byte.is_ascii_digit() => value = value * 10 + u32::from(byte - b'0'),
                _ => break,
            }
            count += 1;
        }
        self.rest = &self.rest[count..];
        (value, count)
    }
    /// A number of `fewest` to `most` digits.
    pub(super) fn number(&mut self, fewest: usize, most: usize) -> Option<u32> {
        let (value, count) = self.digits(most);
        (count >= fewest).then_some(value)
    }
    /// Takes all digits that are next; whether there was one. For fractions of a second, which are cut off.
    pub(super) fn skip_digits(&mut self) -> bool {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[count..];
        count > 0
    }
    /// Takes blanks.
    pub(super) fn skip_blanks(&mut self) {
        while self.take(b' ') {}
    }
    /// An offset from UTC in seconds: `Z`, `+02`, `+0200`, `-05:30`. The outer `None` is a malformed one.
    pub(super) fn offset(&mut self) -> Option<i32> {
        if self.take_word(b"z") {
            return Some(0);
        }
        let sign = match self.peek()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let hours = self.number(2, 2)?;
        let colon = self.take(b':');
        let (minutes, count) = self.digits(2);
        let well_formed = if colon { count == 2 } else { count == 0 || count == 2 };
        // The widest offsets ever in use are -12 and +14 hours, before standard time -15:13 and +15:58.
        (well_formed && hours < 16 && minutes < 60).then(|| sign * (hours * 3_600 + minutes * 60) as i32)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn days_agree_with_the_calendar_of_jiff_for_every_day_of_four_centuries() {
        let mut date = jiff::civil::date(1899, 1, 1);
        let mut expected = date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24;
        while date.year() < 2300 {
            let found = days_from_civil(date.year() as u32, date.month() as u32, date.day() as u32);
            assert_eq!(found, Some(expected), "{date}");
            assert_eq!(
                days_of_accepted_year(date.year() as u32, date.month() as u32, date.day() as u32),
                found.filter(|_| (1900..=2200).contains(&date.year()))
            );
            assert_eq!(civil_from_days(expected), (i64::from(date.year()), date.month() as u32, date.day() as u32));
            date = date.tomorrow().unwrap();
            expected += 1;
        }
    }

    #[test]
    fn days_that_are_in_no_calendar_are_refused() {
        for (year, month, day) in [(2023, 2, 29), (1900, 2, 29), (2100, 2, 29), (2024, 4, 31), (2024, 0, 1), (2024, 13, 1), (2024, 1, 0), (10_000, 1, 1)] {
            assert_eq!(days_from_civil(year, month, day), None, "{year}-{month}-{day}");
            assert_eq!(days_of_accepted_year(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(days_from_civil(2000, 2, 29).is_some() && days_from_civil(2024, 2, 29).is_some());
    }

    #[test]
    fn three_pairs_are_read_where_there_are_only_digits_and_separators() {
        assert_eq!(three_pairs(*b"23:59:08", b':'), Some([23, 59, 8]));
        for index in 0..8 {
            for byte in 0..=255 {
                let mut text = *b"09:90:55";
                text[index] = byte;
                let fits = if index % 3 == 2 { byte == b':' } else { byte.is_ascii_digit() };
                assert_eq!(three_pairs(text, b':').is_some(), fits, "{text:?}");
            }
        }
    }

    #[test]
    fn offsets_are_read_in_every_iso_spelling_and_no_other() {
        for (text, seconds) in [("Z", 0), ("z", 0), ("+02", 7_200), ("+0200", 7_200), ("+02:00", 7_200), ("-05:30", -19_800), ("+14:00", 50_400)] {
            assert_eq!(Cursor::new(text.as_bytes()).offset(), Some(seconds), "{text}");
        }
        for text in ["", "+2", "+02:", "+02:0", "+020", "+99:00", "+02:60", "02:00", "UTC"] {
            assert_eq!(Cursor::new(text.as_bytes()).offset(), None, "{text}");
        }
    }
}
