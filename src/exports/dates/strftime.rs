//! A declared date format: strftime directives compiled once, matched per value without allocation.
//!
//! Understood: `%Y %y %m %d %e %j %b %B %h %a %A %H %I %M %S %f %p %z %T %R %F %D %%`, each also with `-` (`%-d`); `%.f` is a
//! fraction with its point that may be absent. Names are English, in any case. A blank in the format matches any run of
//! blanks. `%y` follows POSIX: 69 to 99 are of the 20th century, 00 to 68 of the 21st.

use super::civil::{Cursor, days_from_civil, days_in_year, days_to_year, seconds_of_day};
use super::layout::Stamp;
use crate::error::{Error, Result};

const MONTHS: [&[u8]; 12] =
    [b"january", b"february", b"march", b"april", b"may", b"june", b"july", b"august", b"september", b"october", b"november", b"december"];
const WEEKDAYS: [&[u8]; 7] = [b"monday", b"tuesday", b"wednesday", b"thursday", b"friday", b"saturday", b"sunday"];

/// One thing a format asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    DayOfYear,
    WeekdayName,
    Hour,
    HalfDayHour,
    Minute,
    Second,
    Fraction,
    PointFraction,
    HalfDay,
    Offset,
    Blank,
    Literal(u8),
}

impl Item {
    /// What the item fixes; no two items of a format may fix the same.
    fn field(self) -> Option<&'static str> {
        Some(match self {
            Item::Year | Item::ShortYear => "year",
            Item::Month | Item::MonthName => "month",
            Item::Day => "day",
            Item::DayOfYear => "day of the year",
            Item::WeekdayName => "weekday",
            Item::Hour | Item::HalfDayHour => "hour",
            Item::Minute => "minute",
            Item::Second => "second",
            Item::Fraction | Item::PointFraction => "fraction",
            Item::HalfDay => "half of the day",
            Item::Offset => "offset",
            Item::Blank | Item::Literal(_) => return None,
        })
    }
    /// Whether it is written in digits, so that a neighbour in digits needs a fixed width.
    fn is_digits(self) -> bool {
        use Item::*;
        matches!(self, Year | ShortYear | Month | Day | DayOfYear | Hour | HalfDayHour | Minute | Second | Fraction)
    }
}

/// A compiled format.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// The items, each with whether its digits must be of full width because digits stand beside it.
    items: Vec<(Item, bool)>,
}

impl Pattern {
    /// Compiles a format.
    ///
    /// # Errors
    /// 78 for a directive that is not understood, a field that is there twice, and a format that names no day.
    pub(super) fn new(format: &str) -> Result<Pattern> {
        let items = items(format.as_bytes()).map_err(|fault| Error::config(format!("date format {format:?}: {fault}")))?;
        check(&items).map_err(|fault| Error::config(format!("date format {format:?}: {fault}")))?;
        let digits = |index: Option<usize>| index.and_then(|index| items.get(index)).is_some_and(|item| item.is_digits());
        let full_width = |index: usize| digits(index.checked_sub(1)) || digits(Some(index + 1));
        let items = items.iter().enumerate().map(|(index, item)| (*item, full_width(index))).collect();
        Ok(Pattern { items })
    }

    /// The stamp a text shows; `None` where it does not fit.
    pub(super) fn parse(&self, text: &[u8]) -> Option<Stamp> {
        let mut cursor = Cursor::new(text);
        let (mut year, mut month, mut day, mut day_of_year) = (0, 1, 1, None);
        let (mut hour, mut minute, mut second, mut afternoon, mut offset) = (0, 0, 0, None, None);
        for (item, full_width) in &self.items {
            let fewest = if *full_width { 2 } else { 1 };
            match item {
                Item::Year => year = cursor.number(4, 4)?,
                Item::ShortYear => {
                    let short = cursor.number(2, 2)?;
                    year = if short < 69 { 2_000 + short } else { 1_900 + short };
                }
                Item::Month => month = cursor.number(fewest, 2)?,
                Item::MonthName => month = take_name(&mut cursor, &MONTHS)? as u32 + 1,
                Item::Day => day = cursor.number(fewest, 2)?,
                Item::DayOfYear => day_of_year = Some(cursor.number(if *full_width { 3 } else { 1 }, 3)?),
                Item::WeekdayName => drop(take_name(&mut cursor, &WEEKDAYS)?),
                Item::Hour => hour = cursor.number(fewest, 2)?,
                Item::HalfDayHour => hour = cursor.number(fewest, 2).filter(|hour| (1..=12).contains(hour))? % 12,
                Item::Minute => minute = cursor.number(fewest, 2)?,
                Item::Second => second = cursor.number(fewest, 2)?,
                Item::Fraction => cursor.skip_digits().then_some(())?,
                Item::PointFraction => {
                    if cursor.take(b'.') || cursor.take(b',') {
                        cursor.skip_digits().then_some(())?;
                    }
                }
                Item::HalfDay => afternoon = Some(take_half_day(&mut cursor)?),
                Item::Offset => offset = Some(cursor.offset()?),
                Item::Blank => {
                    cursor.take(b' ').then_some(())?;
                    cursor.skip_blanks();
                }
                Item::Literal(byte) => cursor.take(*byte).then_some(())?,
            }
        }
        if !cursor.is_empty() {
            return None;
        }
        if afternoon == Some(true) {
            hour += 12;
        }
        let days = match day_of_year {
            Some(day) if (1..=days_in_year(year)).contains(&day) => days_to_year(year) + i64::from(day) - 1,
            Some(_) => return None,
            None => days_from_civil(year, month, day)?,
        };
        Some(Stamp { wall: days * 86_400 + seconds_of_day(hour, minute, second)?, offset })
    }
}

/// Whether it is the afternoon: `am`, `PM`, `a.m.`.
pub(super) fn take_half_day(cursor: &mut Cursor) -> Option<bool> {
    if cursor.take_word(b"am") || cursor.take_word(b"a.m.") {
        Some(false)
    } else if cursor.take_word(b"pm") || cursor.take_word(b"p.m.") {
        Some(true)
    } else {
        None
    }
}

/// The position of the name that is next: in full, or its first three letters.
fn take_name(cursor: &mut Cursor, names: &[&[u8]]) -> Option<usize> {
    names.iter().position(|name| cursor.take_word(name) || cursor.take_word(&name[..3]))
}

/// The items of a format, or what is wrong with it.
fn items(format: &[u8]) -> std::result::Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut bytes = format.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' => {
                if items.last() != Some(&Item::Blank) {
                    items.push(Item::Blank);
                }
            }
            b'%' => {
                if bytes.peek() == Some(&b'-') {
                    bytes.next();
                }
                let directive = bytes.next().ok_or("ends in a lone %; write %% for the sign itself")?;
                if directive == b'.' {
                    match bytes.next() {
                        Some(b'f') => items.push(Item::PointFraction),
                        _ => return Err("%. is only understood as %.f".to_owned()),
                    }
                    continue;
                }
                items.extend_from_slice(expansion(directive).ok_or_else(|| {
                    let known = "%Y %y %m %d %e %j %b %B %h %a %A %H %I %M %S %f %.f %p %z %T %R %F %D %%";
                    format!("the directive %{} is not understood; known are {known}", directive as char)
                })?);
            }
            other => items.push(Item::Literal(other)),
        }
    }
    Ok(items)
}

/// What a directive stands for.
fn expansion(directive: u8) -> Option<&'static [Item]> {
    use Item::*;
    Some(match directive {
        b'Y' => &[Year],
        b'y' => &[ShortYear],
        b'm' => &[Month],
        b'b' | b'B' | b'h' => &[MonthName],
        b'd' | b'e' => &[Day],
        b'j' => &[DayOfYear],
        b'a' | b'A' => &[WeekdayName],
        b'H' => &[Hour],
        b'I' => &[HalfDayHour],
        b'M' => &[Minute],
        b'S' => &[Second],
        b'f' => &[Fraction],
        b'p' => &[HalfDay],
        b'z' => &[Offset],
        b'T' => &[Hour, Literal(b':'), Minute, Literal(b':'), Second],
        b'R' => &[Hour, Literal(b':'), Minute],
        b'F' => &[Year, Literal(b'-'), Month, Literal(b'-'), Day],
        b'D' => &[Month, Literal(b'/'), Day, Literal(b'/'), ShortYear],
        b'%' => &[Literal(b'%')],
        _ => return None,
    })
}

/// Whether the items fix a day. It catches `%M` typed for `%m`, which would put every row in January.
fn check(items: &[Item]) -> std::result::Result<(), String> {
    let has = |field: &str| items.iter().any(|item| item.field() == Some(field));
    for (index, item) in items.iter().enumerate() {
        if let Some(field) = item.field()
            && items[..index].iter().any(|earlier| earlier.field() == Some(field))
        {
            return Err(format!("the {field} is there twice"));
        }
    }
    if !has("year") {
        return Err("it has no year (%Y or %y)".to_owned());
    }
    if has("day of the year") && (has("month") || has("day")) {
        return Err("%j stands beside a month or day; use one of them".to_owned());
    }
    if has("day") && !has("month") {
        return Err("it has a day but no month (%m or %b; %M is the minute)".to_owned());
    }
    if items.contains(&Item::HalfDayHour) != items.contains(&Item::HalfDay) {
        return Err("%I and %p only make sense together; %H is the hour of 24".to_owned());
    }
    for (fine, coarse) in [("minute", "hour"), ("second", "minute"), ("fraction", "second")] {
        if has(fine) && !has(coarse) {
            return Err(format!("it has a {fine} but no {coarse}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn shown(format: &str, text: &str) -> Option<String> {
        let stamp = Pattern::new(format).unwrap().parse(text.as_bytes())?;
        let at = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0) + jiff::SignedDuration::from_secs(stamp.wall);
        Some(format!("{at}"))
    }

    #[test]
    fn declared_formats_are_read_as_python_reads_them() {
        for (format, text, expected) in [
            ("%Y%m%d", "20170212", "2017-02-12T00:00:00"),
            ("%d-%b-%Y", "05-Jan-2020", "2020-01-05T00:00:00"),
            ("%B %d, %Y", "february 29, 2024", "2024-02-29T00:00:00"),
            ("%m/%d/%y %I:%M %p", "12/1/10 8:26 PM", "2010-12-01T20:26:00"),
            ("%m/%d/%y %I:%M %p", "12/1/68 12:26 AM", "2068-12-01T00:26:00"),
            ("%d.%m.%y", "31.12.69", "1969-12-31T00:00:00"),
            ("%Y-%j", "2024-366", "2024-12-31T00:00:00"),
            ("%Y%j", "2023060", "2023-03-01T00:00:00"),
            ("%a, %d %b %Y %T", "Sat, 01 Feb 2020 10:11:12", "2020-02-01T10:11:12"),
            ("%Y-%m-%dT%H:%M:%S.%f", "2020-02-01T10:11:12.987654", "2020-02-01T10:11:12"),
            ("%F %T%.f", "2020-02-01 10:11:12", "2020-02-01T10:11:12"),
            ("%Y-%m", "2020-02", "2020-02-01T00:00:00"),
            ("%Y%m%d%H%M%S", "20200201101112", "2020-02-01T10:11:12"),
            ("%-d/%-m/%Y", "1/2/2020", "2020-02-01T00:00:00"),
        ] {
            assert_eq!(shown(format, text).as_deref(), Some(expected), "{format} {text}");
        }
    }

    #[test]
    fn texts_that_do_not_fit_the_declared_format_are_refused() {
        for (format, text) in [
            ("%Y%m%d", "2017021"),
            ("%Y%m%d", "20170230"),
            ("%Y%m%d", "20170212 "),
            ("%Y-%j", "2023-366"),
            ("%Y-%j", "2023-000"),
            ("%m/%d/%Y %I:%M %p", "12/01/2020 13:00 PM"),
            ("%m/%d/%Y %I:%M %p", "12/01/2020 00:30 AM"),
            ("%d-%b-%Y", "05-Foo-2020"),
            ("%F %T", "2020-02-01 24:00:00"),
            ("%F %T", "2020-02-01"),
        ] {
            assert_eq!(shown(format, text), None, "{format} {text}");
        }
    }

    #[test]
    fn formats_that_fix_no_day_are_config_errors_that_say_why() {
        for (format, part) in [
            ("%Y-%Q", "%Q is not understood"),
            ("%d.%M.%Y", "%M is the minute"),
            ("%m-%d", "no year"),
            ("%Y-%m-%d %I:%M", "%I and %p"),
            ("%Y-%m-%d %H:%M %p", "%I and %p"),
            ("%Y-%m-%d %Y", "year is there twice"),
            ("%F %M", "minute but no hour"),
            ("%Y-%m-%d %", "lone %"),
            ("", "no year"),
        ] {
            let error = Pattern::new(format).unwrap_err();
            assert_eq!(error.kind().exit_code(), 78);
            assert!(error.message().contains(part), "{format}: {error}");
        }
    }

    #[test]
    fn an_offset_is_kept_for_the_time_zone() {
        let stamp = Pattern::new("%F %T %z").unwrap().parse(b"2020-02-01 10:11:12 +0530").unwrap();
        assert_eq!(stamp.offset, Some(19_800));
    }

    proptest! {
        #[test]
        fn what_jiff_writes_by_a_format_is_read_back(days in -25_000i64..84_000, seconds in 0i64..86_400, format in prop::sample::select(vec![
            "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %I:%M:%S %p", "%b %d %Y %H:%M:%S", "%A, %d. %B %Y %T", "%j %Y %H%M%S", "%Y%m%d%H%M%S", "%-m/%-d/%Y %-H:%-M:%-S",
        ])) {
            let wall = days * 86_400 + seconds;
            let at = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0) + jiff::SignedDuration::from_secs(wall);
            let text = at.strftime(format).to_string();
            prop_assert_eq!(Pattern::new(format).unwrap().parse(text.as_bytes()), Some(Stamp { wall, offset: None }), "{}", text);
        }

        #[test]
        fn no_text_and_no_format_panics(format in "(%?[-.YymdejbBaAHIMSfpzTRFD%: /ux]){0,8}", text in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(pattern) = Pattern::new(&format) {
                let _ = pattern.parse(&text);
            }
        }
    }
}
