//! The layouts that are sniffed: how each is read, and which of them a value fits.

use super::civil::{Cursor, days_from_civil, days_of_accepted_year, seconds_of_day, three_pairs};
use super::strftime::take_half_day;

/// Seconds on some wall clock, and how far that clock is ahead of UTC where the text says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) wall: i64,
    pub(super) offset: Option<i32>,
}

/// A layout; the byte is the separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateLayout {
    YearFirst(u8),
    Compact,
    DayFirst(u8),
    MonthFirst(u8),
    /// A month without a day: `2024-01`, `202401`. What was counted in it is known on its last day, for which it stands.
    Month(Option<u8>),
}

impl DateLayout {
    /// The stamp of a text; `None` where it is not written so.
    pub(super) fn read(self, text: &[u8]) -> Option<Stamp> {
        let mut cursor = Cursor::new(text);
        let days = match self {
            DateLayout::Compact => {
                let date = cursor.number(8, 8)?;
                let days = days_from_civil(date / 10_000, date / 100 % 100, date % 100)?;
                if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                    let time = cursor.number(6, 6)?;
                    let wall = days * 86_400 + seconds_of_day(time / 10_000, time / 100 % 100, time % 100)?;
                    return cursor.is_empty().then_some(Stamp { wall, offset: None });
                }
                days
            }
            DateLayout::Month(separator) => {
                let year = cursor.number(4, 4)?;
                if let Some(separator) = separator {
                    cursor.take(separator).then_some(())?;
                }
                let month = cursor.number(2, 2)?;
                days_from_civil(year, month, 1)?;
                let days = days_from_civil(year + month / 12, month % 12 + 1, 1)? - 1;
                return cursor.is_empty().then_some(Stamp { wall: days * 86_400, offset: None });
            }
            DateLayout::YearFirst(separator) => {
                let year = cursor.number(4, 4)?;
                cursor.take(separator).then_some(())?;
                let month = cursor.number(1, 2)?;
                cursor.take(separator).then_some(())?;
                days_from_civil(year, month, cursor.number(1, 2)?)?
            }
            DateLayout::DayFirst(separator) | DateLayout::MonthFirst(separator) => {
                let first = cursor.number(1, 2)?;
                cursor.take(separator).then_some(())?;
                let second = cursor.number(1, 2)?;
                cursor.take(separator).then_some(())?;
                let year = cursor.number(4, 4)?;
                let (month, day) = if matches!(self, DateLayout::DayFirst(_)) { (second, first) } else { (first, second) };
                days_from_civil(year, month, day)?
            }
        };
        let (seconds, offset) = read_time(cursor)?;
        Some(Stamp { wall: days * 86_400 + seconds, offset })
    }
}

/// What one value says of its layout.
pub(super) enum Look {
    Settled(DateLayout),
    DayAndMonth { separator: u8, fits_day_first: bool, fits_month_first: bool },
    ShortYear,
    Strange,
}

/// The look of one value.
pub(super) fn look(text: &[u8]) -> Look {
    let mut cursor = Cursor::new(text);
    let (_, first) = cursor.digits(9);
    let settled = |layout: DateLayout| if layout.read(text).is_some() { Look::Settled(layout) } else { Look::Strange };
    match (first, cursor.peek()) {
        (8.., _) => settled(DateLayout::Compact),
        (6, None) => settled(DateLayout::Month(None)),
        (4, Some(separator @ (b'-' | b'/' | b'.'))) => match settled(DateLayout::YearFirst(separator)) {
            Look::Strange => settled(DateLayout::Month(Some(separator))),
            day => day,
        },
        (1 | 2, Some(separator @ (b'-' | b'/' | b'.'))) => {
            cursor.take(separator);
            let (_, second) = cursor.digits(2);
            let separated = cursor.take(separator);
            let (_, third) = cursor.digits(4);
            let ended = cursor.peek().is_none_or(|byte| matches!(byte, b' ' | b'T'));
            if second > 0 && separated && third == 2 && ended {
                return Look::ShortYear;
            }
            if separator == b'.' {
                return settled(DateLayout::DayFirst(b'.'));
            }
            let fits_day_first = DateLayout::DayFirst(separator).read(text).is_some();
            let fits_month_first = DateLayout::MonthFirst(separator).read(text).is_some();
            if fits_day_first || fits_month_first { Look::DayAndMonth { separator, fits_day_first, fits_month_first } } else { Look::Strange }
        }
        _ => Look::Strange,
    }
}

/// What follows a date: nothing, or `T` or blanks and a time with its offset.
fn read_time(mut cursor: Cursor) -> Option<(i64, Option<i32>)> {
    if cursor.is_empty() {
        return Some((0, None));
    }
    if !cursor.take(b'T') && !cursor.take(b't') {
        cursor.take(b' ').then_some(())?;
        cursor.skip_blanks();
    }
    let mut hour = cursor.number(1, 2)?;
    cursor.take(b':').then_some(())?;
    let minute = cursor.number(2, 2)?;
    let mut second = 0;
    if cursor.take(b':') {
        second = cursor.number(2, 2)?;
        // A fraction of a second is cut off: a moment is a whole second.
        if cursor.take(b'.') || cursor.take(b',') {
            cursor.skip_digits().then_some(())?;
        }
    }
    cursor.skip_blanks();
    if let Some(afternoon) = take_half_day(&mut cursor) {
        hour = (1..=12).contains(&hour).then(|| hour % 12 + if afternoon { 12 } else { 0 })?;
        cursor.skip_blanks();
    }
    let seconds = seconds_of_day(hour, minute, second)?;
    if cursor.is_empty() {
        return Some((seconds, None));
    }
    let offset = if cursor.take_word(b"utc") || cursor.take_word(b"gmt") { 0 } else { cursor.offset()? };
    cursor.is_empty().then_some((seconds, Some(offset)))
}

/// `YYYY-MM-DD` and `YYYY-MM-DD HH:MM:SS` with a blank or `T` and nothing else, in an accepted year: what nearly every export
/// holds. `None` is for [`DateLayout::read`] to look into.
#[inline]
pub(super) fn plain_iso(text: &[u8]) -> Option<i64> {
    let (century, rest) = text.split_first_chunk::<2>()?;
    let (date, time) = rest.split_first_chunk::<8>()?;
    let seconds = if time.is_empty() {
        0
    } else {
        let time: &[u8; 9] = time.try_into().ok()?;
        let (between, clock) = time.split_first_chunk::<1>()?;
        if *between != [b' '] && *between != [b'T'] {
            return None;
        }
        let [hour, minute, second] = three_pairs(*clock.first_chunk()?, b':')?;
        seconds_of_day(hour, minute, second)?
    };
    let (tens, ones) = (century[0].wrapping_sub(b'0'), century[1].wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        return None;
    }
    let [year, month, day] = three_pairs(*date, b'-')?;
    let century = u32::from(tens) * 10 + u32::from(ones);
    Some(days_of_accepted_year(century * 100 + year, month, day)? * 86_400 + seconds)
}
