//! Text becomes a moment on the wall clock of the project's time zone.
//!
//! In: the fields of one column, and what the config declares of it. A [`DateSniffer`] settles how the column is written, once
//! for the whole column; the [`DateParser`] it yields reads every field that way, and a field that does not fit is a reject.
//! Stamps without an offset are taken as they stand; those with one are converted. This module knows nothing of files.
//!
//! Understood without a declaration: ISO 8601 dates and stamps (`T` or a blank, fraction, offset, `Z`, `UTC`), `YYYY/MM/DD`,
//! `YYYY.MM.DD`, `YYYYMMDD` (also followed by `HHMMSS`), months (`YYYY-MM`, `YYYYMM`), which stand for their last day, `D.M.YYYY`,
//! and days and months in either order with `/` or `-`; each but months with a time of 24 hours or am/pm. Years of two digits need
//! a declared format.

pub(in crate::exports) mod civil;
mod layout;
mod strftime;

use crate::config::{Column, Unit};
use crate::error::{Error, Result};
use crate::timeline::Moment;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use layout::{DateLayout, Look, Stamp, look, plain_iso};
use strftime::Pattern;

/// The first moment accepted: 1900-01-01 00:00.
const EARLIEST: i64 = -25_567 * 86_400;
/// The first moment too late: 2201-01-01 00:00.
const TOO_LATE: i64 = 84_371 * 86_400;

/// Why a field is not a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateFault {
    /// It is not written as the column is.
    BadDate,
    /// It is a date, but not of the years 1900 to 2200.
    OutOfRange,
}

impl DateFault {
    /// The class of the reject.
    #[cfg(test)]
    pub(crate) fn class(self) -> &'static str {
        match self {
            DateFault::BadDate => "bad_date",
            DateFault::OutOfRange => "out_of_range",
        }
    }
}

/// How a column is written.
#[derive(Debug, Clone)]
enum Layout {
    Sniffed(DateLayout),
    Declared(Pattern),
    Number { microseconds: i64, origin: Origin },
}

/// What a number of a unit counts from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// A wall clock reading of the project.
    Wall(i64),
    /// A moment in UTC: what is counted is converted to the project's time zone.
    Instant(i64),
}

/// The time zone of the project.
#[derive(Debug, Clone)]
enum Zone {
    Utc,
    Named(TimeZone),
}

impl Zone {
    fn new(name: &str) -> Result<Zone> {
        if name.is_empty() || name.eq_ignore_ascii_case("utc") {
            return Ok(Zone::Utc);
        }
        TimeZone::get(name).map(Zone::Named).map_err(|_| Error::config(format!("timezone {name:?} is not known, expected an IANA name such as Europe/London")))
    }

    /// The wall clock of the zone at a moment given in seconds since the epoch; `None` beyond the years 0 to 9999.
    fn wall_clock(&self, instant: i64) -> Option<i64> {
        match self {
            Zone::Utc => Some(instant),
            Zone::Named(zone) => Some(instant + i64::from(zone.to_offset(Timestamp::from_second(instant).ok()?).seconds())),
        }
    }
}

/// Reads the fields of one column. Made by [`DateSniffer::settle`].
#[derive(Debug, Clone)]
pub(crate) struct DateParser {
    layout: Layout,
    zone: Zone,
}

impl DateParser {
    /// The moment a field shows. Blanks around it are ignored; a field that means "missing" is the caller's affair.
    ///
    /// # Errors
    /// [`DateFault::BadDate`] where the text is not written as the column is, [`DateFault::OutOfRange`] for the years before
    /// 1900 and after 2200.
    #[inline]
    pub(crate) fn parse(&self, text: &[u8]) -> std::result::Result<Moment, DateFault> {
        if matches!(self.layout, Layout::Sniffed(DateLayout::YearFirst(b'-')))
            && let Some(wall) = plain_iso(text)
        {
            return in_range(wall);
        }
        self.parse_any(text.trim_ascii())
    }

    /// Every layout, spelled in every accepted way.
    fn parse_any(&self, text: &[u8]) -> std::result::Result<Moment, DateFault> {
        let stamp = match &self.layout {
            Layout::Sniffed(layout) => layout.read(text),
            Layout::Declared(pattern) => pattern.parse(text),
            Layout::Number { microseconds, origin } => {
                let count = seconds_of(text, *microseconds).ok_or(DateFault::BadDate)?;
                let stamp = match origin {
                    Origin::Wall(start) => Stamp { wall: start.checked_add(count).ok_or(DateFault::OutOfRange)?, offset: None },
                    Origin::Instant(start) => Stamp { wall: start.checked_add(count).ok_or(DateFault::OutOfRange)?, offset: Some(0) },
                };
                Some(stamp)
            }
        };
        let stamp = stamp.ok_or(DateFault::BadDate)?;
        match stamp.offset {
            None => in_range(stamp.wall),
            Some(offset) => in_range(self.zone.wall_clock(stamp.wall.saturating_sub(i64::from(offset))).ok_or(DateFault::OutOfRange)?),
        }
    }
}

/// Settles how a column is written, from its values. A sniffer per chunk, joined by [`DateSniffer::merge`] in the order of the
/// rows, comes to the same as one sniffer over all rows.
///
/// The first value that is a date fixes the layout, save for the order of day and month, which all values fix together: a
/// value such as `25/12/2020` settles it, values that contradict each other, or a whole column that fits both, are refused.
#[derive(Debug, Clone)]
pub(crate) struct DateSniffer {
    column: String,
    zone: Zone,
    declared: Option<Layout>,
    /// The layout of the first date; of a day and month that may be either, day first.
    first: Option<DateLayout>,
    /// Whether a value was seen that only fits day first, with `/` and with `-`.
    day_first: [bool; 2],
    /// Whether a value was seen that only fits month first.
    month_first: [bool; 2],
    /// Whether a value has the look of a date with a year of two digits.
    short_years: bool,
    /// Values that are no date.
    strange: u64,
}

impl DateSniffer {
    /// A sniffer for a column; with `format` or `unit` it is decided from the start.
    ///
    /// # Errors
    /// 78 for a time zone, format or origin that is not understood.
    pub(crate) fn new(column: &Column, timezone: &str) -> Result<DateSniffer> {
        let name = column.names().join(", ");
        let zone = Zone::new(timezone)?;
        let declared = match (&column.format, column.unit) {
            (Some(_), Some(_)) => return Err(Error::config("has both format and unit; a number has a unit, a text has a format").column(name)),
            (Some(_), None) if column.origin.is_some() => return Err(Error::config("has an origin but no unit").column(name)),
            (None, None) if column.origin.is_some() => return Err(Error::config("has an origin but no unit").column(name)),
            (Some(format), None) => Some(Layout::Declared(Pattern::new(format).map_err(|error| error.column(name.as_str()))?)),
            (None, Some(unit)) => Some(number_layout(unit, column.origin.as_deref()).map_err(|error| error.column(name.as_str()))?),
            (None, None) => None,
        };
        Ok(DateSniffer { column: name, zone, declared, first: None, day_first: [false; 2], month_first: [false; 2], short_years: false, strange: 0 })
    }

    /// Looks at one value that is not missing. Values that are no date are counted and otherwise left out.
    pub(crate) fn observe(&mut self, text: &[u8]) {
        if self.declared.is_some() {
            return;
        }
        match look(text.trim_ascii()) {
            Look::Settled(layout) => {
                self.first.get_or_insert(layout);
            }
            Look::DayAndMonth { separator, fits_day_first, fits_month_first } => {
                let index = usize::from(separator == b'-');
                self.first.get_or_insert(DateLayout::DayFirst(separator));
                self.day_first[index] |= !fits_month_first;
                self.month_first[index] |= !fits_day_first;
            }
            Look::ShortYear => {
                self.short_years = true;
                self.strange += 1;
            }
            Look::Strange => self.strange += 1,
        }
    }

    /// Takes up what a sniffer of later rows saw.
    pub(crate) fn merge(&mut self, later: &DateSniffer) {
        if self.first.is_none() {
            self.first = later.first;
        }
        for index in 0..2 {
            self.day_first[index] |= later.day_first[index];
            self.month_first[index] |= later.month_first[index];
        }
        self.short_years |= later.short_years;
        self.strange += later.strange;
    }

    /// Whether no further value can change what [`DateSniffer::settle`] yields, other than by contradicting it.
    pub(crate) fn is_decided(&self) -> bool {
        self.declared.is_some() || self.first.is_some_and(|first| order_index(first).is_none_or(|index| self.day_first[index] || self.month_first[index]))
    }

    /// The parser for the column. A column without any value is read as ISO 8601.
    ///
    /// # Errors
    /// 65, class `ambiguous_date`, where day and month could be either way round in every value, or are both; class `bad_date`
    /// where values were seen and none is a date.
    pub(crate) fn settle(self) -> Result<DateParser> {
        if let Some(layout) = self.declared {
            return Ok(DateParser { layout, zone: self.zone });
        }
        let Some(first) = self.first else {
            if self.strange == 0 {
                return Ok(DateParser { layout: Layout::Sniffed(DateLayout::YearFirst(b'-')), zone: self.zone });
            }
            let why = if self.short_years { "years have two digits" } else { "none is a date of a known layout" };
            let message = format!("bad_date: of {} values, {why}; declare format = \"…\" or unit = \"…\" for this column", self.strange);
            return Err(Error::data(message).column(self.column));
        };
        let layout = match order_index(first) {
            None => first,
            Some(index) => {
                let separator = [b'/', b'-'][index];
                let (day_first, month_first) = (format!("%d{0}%m{0}%Y", separator as char), format!("%m{0}%d{0}%Y", separator as char));
                match (self.day_first[index], self.month_first[index]) {
                    (true, false) => DateLayout::DayFirst(separator),
                    (false, true) => DateLayout::MonthFirst(separator),
                    (both, _) => {
                        let found = if both { "some dates only fit day/month and some only month/day" } else { "every date fits day/month and month/day" };
                        let message = format!("ambiguous_date: {found}; declare format = \"{day_first}\" or \"{month_first}\" for this column");
                        return Err(Error::data(message).column(self.column));
                    }
                }
            }
        };
        Ok(DateParser { layout: Layout::Sniffed(layout), zone: self.zone })
    }
}

/// Which of the two separators a layout of day and month has; `None` for layouts that leave no doubt.
fn order_index(layout: DateLayout) -> Option<usize> {
    match layout {
        DateLayout::DayFirst(b'/') => Some(0),
        DateLayout::DayFirst(b'-') => Some(1),
        _ => None,
    }
}

/// How numbers of a unit are read.
fn number_layout(unit: Unit, origin: Option<&str>) -> Result<Layout> {
    let microseconds = match unit {
        Unit::Microseconds => 1,
        Unit::Milliseconds => 1_000,
        Unit::Seconds => 1_000_000,
        Unit::Hours => 3_600_000_000,
        Unit::Days => 86_400_000_000,
    };
    let origin = match origin {
        // A day number is a day of the calendar, wherever one is; all else since the epoch is a moment.
        None if unit == Unit::Days => Origin::Wall(0),
        None => Origin::Instant(0),
        Some(text) => match DateLayout::YearFirst(b'-').read(text.trim().as_bytes()) {
            Some(Stamp { wall, offset: None }) => Origin::Wall(wall),
            Some(Stamp { wall, offset: Some(offset) }) => Origin::Instant(wall - i64::from(offset)),
            None => return Err(Error::config(format!("origin {text:?} is not a date, expected YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"))),
        },
    };
    Ok(Layout::Number { microseconds, origin })
}

/// Whole seconds in a number of a unit of so many microseconds; fractions of a second are cut off below.
fn seconds_of(text: &[u8], microseconds: i64) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit) {
        let size = digits.iter().fold(0i64, |value, byte| value * 10 + i64::from(byte - b'0'));
        return (if negative { -size } else { size }).checked_mul(microseconds).map(|total| total.div_euclid(1_000_000)).or(Some(i64::MAX / 2));
    }
    let number: f64 = fast_float2::parse(text).ok().filter(|number: &f64| number.is_finite())?;
    // Rounding to the millisecond first undoes the error of day fractions, as spreadsheets write them.
    let total = (number * microseconds as f64 / 1_000.0).round() / 1_000.0;
    Some(total.floor().clamp(-1e17, 1e17) as i64)
}

/// The moment, if its year is accepted.
#[inline]
fn in_range(wall: i64) -> std::result::Result<Moment, DateFault> {
    if (EARLIEST..TOO_LATE).contains(&wall) { Ok(Moment(wall)) } else { Err(DateFault::OutOfRange) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn sniffed(values: &[&str]) -> Result<DateParser> {
        let mut sniffer = DateSniffer::new(&Column::named("When"), "UTC").unwrap();
        values.iter().for_each(|value| sniffer.observe(value.as_bytes()));
        sniffer.settle()
    }

    fn shown(moment: Moment) -> String {
        let at = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0) + jiff::SignedDuration::from_secs(moment.0);
        at.to_string().replace('T', " ")
    }

    /// What a column of this one value reads it as.
    fn alone(text: &str) -> Option<String> {
        sniffed(&[text]).ok()?.parse(text.as_bytes()).ok().map(shown)
    }

    fn declared(column: Column, timezone: &str, text: &str) -> std::result::Result<String, DateFault> {
        DateSniffer::new(&column, timezone).unwrap().settle().unwrap().parse(text.as_bytes()).map(shown)
    }

    fn in_zone(timezone: &str, text: &str) -> String {
        let sniffer = DateSniffer::new(&Column::named("When"), timezone).unwrap();
        shown(sniffer.settle().unwrap().parse(text.as_bytes()).unwrap())
    }

    fn number(unit: Unit, origin: Option<&str>) -> Column {
        Column { unit: Some(unit), origin: origin.map(str::to_owned), ..Column::named("When") }
    }

    #[test]
    fn a_month_stands_for_its_last_day_when_what_was_counted_in_it_is_known() {
        for (text, expected) in
            [("2024-02", "2024-02-29 00:00:00"), ("2023/12", "2023-12-31 00:00:00"), ("2023.01", "2023-01-31 00:00:00"), ("202402", "2024-02-29 00:00:00")]
        {
            assert_eq!(alone(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["2024-13", "2024-00", "202413", "2024-0", "20240"] {
            assert_eq!(alone(text), None, "{text}");
        }
        // A day that is written short stays one.
        assert_eq!(alone("2024-2-1").as_deref(), Some("2024-02-01 00:00:00"));
    }

    #[test]
    fn common_spellings_are_read_without_a_declaration() {
        for (text, expected) in [
            ("2009-12-01 07:45:00", "2009-12-01 07:45:00"),
            ("2009-12-01T07:45:00", "2009-12-01 07:45:00"),
            ("2009-12-01", "2009-12-01 00:00:00"),
            (" 2009-12-01 ", "2009-12-01 00:00:00"),
            ("2024-02-29", "2024-02-29 00:00:00"),
            ("1900-01-01", "1900-01-01 00:00:00"),
            ("2200-12-31 23:59:59", "2200-12-31 23:59:59"),
            ("2009-12-01 07:45", "2009-12-01 07:45:00"),
            ("2009-12-01 07:45:59.999999", "2009-12-01 07:45:59"),
            ("2009-12-01T07:45:00.5Z", "2009-12-01 07:45:00"),
            ("2009-12-01T07:45:00+01:00", "2009-12-01 06:45:00"),
            ("2009-12-01 07:45:00 UTC", "2009-12-01 07:45:00"),
            ("19970101", "1997-01-01 00:00:00"),
            ("19970101235958", "1997-01-01 23:59:58"),
            ("1997/1/2 3:04", "1997-01-02 03:04:00"),
            ("25.12.2020", "2020-12-25 00:00:00"),
            ("01.02.2020 10:11", "2020-02-01 10:11:00"),
            ("25/12/2020 1:05:06 PM", "2020-12-25 13:05:06"),
            ("12/25/2020 12:30am", "2020-12-25 00:30:00"),
            ("12-25-2020", "2020-12-25 00:00:00"),
            ("25-12-2020", "2020-12-25 00:00:00"),
        ] {
            assert_eq!(alone(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_no_date() {
        for text in [
            "",
            "x",
            "2023-02-29",
            "1900-02-29",
            "2020-13-01",
            "2020-00-10",
            "2020-01-32",
            "2020-01-01 24:00:00",
            "2020-01-01 10:60",
            "2020-01-01 10",
            "2020-01-01x",
            "2020-01-01 10:00:00+2",
            "2020-1",
            "20200230",
            "202001011",
            "43831",
            "1.5",
            "25/13/2020",
            "01/02/20",
            "2020-01-01 13:00 pm",
            "2020-01-01 0:10 am",
            "２０２０-01-01",
        ] {
            assert_eq!(alone(text), None, "{text}");
        }
    }

    #[test]
    fn years_beyond_1900_to_2200_are_out_of_range_and_not_bad() {
        let parser = sniffed(&["2020-01-01"]).unwrap();
        for text in ["1899-12-31", "2201-01-01", "0001-01-01 00:00:00", "9999-12-31"] {
            assert_eq!(parser.parse(text.as_bytes()), Err(DateFault::OutOfRange), "{text}");
        }
        assert_eq!(DateFault::OutOfRange.class(), "out_of_range");
    }

    #[test]
    fn one_value_settles_the_order_of_day_and_month_for_the_whole_column() {
        let parser = sniffed(&["01/02/2020", "03/04/2020", "25/04/2020"]).unwrap();
        assert_eq!(parser.parse(b"01/02/2020").map(shown).unwrap(), "2020-02-01 00:00:00");
        assert_eq!(parser.parse(b"04/25/2020"), Err(DateFault::BadDate));
        let parser = sniffed(&["01-02-2020", "04-25-2020"]).unwrap();
        assert_eq!(parser.parse(b"01-02-2020").map(shown).unwrap(), "2020-01-02 00:00:00");
    }

    #[test]
    fn an_order_that_nothing_settles_or_that_changes_is_refused_never_guessed() {
        for values in [&["01/02/2020", "03/04/2020"][..], &["25/12/2020", "12/25/2020"], &["05/05/2020"]] {
            let error = sniffed(values).unwrap_err();
            assert_eq!(error.kind().exit_code(), 65);
            assert!(error.message().starts_with("ambiguous_date: ") && error.message().contains("%d/%m/%Y"), "{error}");
            assert_eq!(error.place().column.as_deref(), Some("When"));
        }
    }

    #[test]
    fn a_column_without_any_date_says_why() {
        assert!(sniffed(&["01/02/20", "31/12/99"]).unwrap_err().message().contains("two digits"));
        assert!(sniffed(&["soon"]).unwrap_err().message().starts_with("bad_date: "));
        assert!(sniffed(&[]).is_ok());
    }

    #[test]
    fn the_first_date_fixes_the_layout_and_strange_values_do_not() {
        let parser = sniffed(&["unknown", "2020-01-01", "25/12/2020", "20200101"]).unwrap();
        assert_eq!(parser.parse(b"25/12/2020"), Err(DateFault::BadDate));
        assert_eq!(parser.parse(b"20200101"), Err(DateFault::BadDate));
        assert!(parser.parse(b"2020-01-01").is_ok());
    }

    #[test]
    fn stamps_with_an_offset_are_shown_on_the_clock_of_the_project_also_around_the_clock_changes() {
        // Clocks in the EU change on the last Sundays of March and October at 01:00 UTC (Directive 2000/84/EC).
        for (zone, text, expected) in [
            ("Europe/Berlin", "2021-03-28T00:59:59Z", "2021-03-28 01:59:59"),
            ("Europe/Berlin", "2021-03-28T01:00:00Z", "2021-03-28 03:00:00"),
            ("Europe/Berlin", "2021-10-31T00:59:59Z", "2021-10-31 02:59:59"),
            ("Europe/Berlin", "2021-10-31T01:00:00Z", "2021-10-31 02:00:00"),
            ("Europe/London", "2021-03-28T01:00:00Z", "2021-03-28 02:00:00"),
            ("Europe/London", "2021-10-31T00:30:00Z", "2021-10-31 01:30:00"),
            ("Europe/London", "2021-10-31T01:30:00Z", "2021-10-31 01:30:00"),
            ("Europe/London", "2021-07-01T12:00:00-05:00", "2021-07-01 18:00:00"),
            ("Asia/Kathmandu", "2021-07-01T00:00:00Z", "2021-07-01 05:45:00"),
        ] {
            assert_eq!(in_zone(zone, text), expected, "{zone} {text}");
        }
    }

    #[test]
    fn stamps_without_an_offset_are_taken_as_they_stand_even_in_the_hour_that_is_skipped() {
        assert_eq!(in_zone("Europe/Berlin", "2021-03-28 02:30:00"), "2021-03-28 02:30:00");
        assert_eq!(in_zone("Europe/London", "2021-10-31 01:30:00"), "2021-10-31 01:30:00");
    }

    #[test]
    fn numbers_count_in_their_unit_from_the_epoch_or_the_origin() {
        for (unit, origin, zone, text, expected) in [
            (Unit::Seconds, None, "UTC", "1234567890", "2009-02-13 23:31:30"),
            (Unit::Seconds, None, "Europe/Berlin", "1234567890.9", "2009-02-14 00:31:30"),
            (Unit::Milliseconds, None, "UTC", "1234567890999", "2009-02-13 23:31:30"),
            (Unit::Microseconds, None, "UTC", "1234567890999999", "2009-02-13 23:31:30"),
            (Unit::Milliseconds, None, "UTC", "-1", "1969-12-31 23:59:59"),
            (Unit::Days, None, "America/New_York", "17897", "2019-01-01 00:00:00"),
            (Unit::Hours, Some("2018-08-01"), "UTC", "714", "2018-08-30 18:00:00"),
            (Unit::Hours, Some("2018-08-01"), "Europe/London", "0", "2018-08-01 00:00:00"),
            (Unit::Hours, Some("2018-08-01T00:00:00Z"), "Europe/London", "0.5", "2018-08-01 01:30:00"),
            // A spreadsheet counts days from 1899-12-30; 43831.75 is 18:00 of the first day of 2020.
            (Unit::Days, Some("1899-12-30"), "UTC", "43831.75", "2020-01-01 18:00:00"),
            (Unit::Days, Some("1899-12-30"), "UTC", "43831.0", "2020-01-01 00:00:00"),
        ] {
            assert_eq!(declared(number(unit, origin), zone, text).as_deref(), Ok(expected), "{text}");
        }
        for (text, fault) in [
            ("", DateFault::BadDate),
            ("-", DateFault::BadDate),
            ("NaN", DateFault::BadDate),
            ("inf", DateFault::BadDate),
            ("12:00", DateFault::BadDate),
            ("999999999999999999", DateFault::OutOfRange),
            ("99999999999999999999999", DateFault::OutOfRange),
            ("-1e300", DateFault::OutOfRange),
        ] {
            assert_eq!(declared(number(Unit::Days, None), "UTC", text), Err(fault), "{text}");
            assert_eq!(declared(number(Unit::Seconds, None), "Europe/Berlin", text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_declared_format_is_final_and_its_offset_is_converted() {
        let column = |format: &str| Column { format: Some(format.to_owned()), ..Column::named("When") };
        assert_eq!(declared(column("%d/%m/%y"), "UTC", "01/02/20").as_deref(), Ok("2020-02-01 00:00:00"));
        assert_eq!(declared(column("%F %T %z"), "Europe/Berlin", "2021-07-01 00:00:00 +0000").as_deref(), Ok("2021-07-01 02:00:00"));
        assert_eq!(declared(column("%d/%m/%y"), "UTC", "2020-02-01"), Err(DateFault::BadDate));
    }

    #[test]
    fn declarations_that_make_no_sense_are_config_errors() {
        let both = Column { format: Some("%F".to_owned()), ..number(Unit::Days, None) };
        let origin_only = Column { origin: Some("2020-01-01".to_owned()), ..Column::named("When") };
        for (column, zone) in [(both, "UTC"), (origin_only, "UTC"), (number(Unit::Days, Some("yesterday")), "UTC"), (Column::named("When"), "Mars/Olympus")] {
            assert_eq!(DateSniffer::new(&column, zone).unwrap_err().kind().exit_code(), 78);
        }
    }

    fn one_of(values: &[String]) -> (bool, std::result::Result<String, String>) {
        let mut sniffer = DateSniffer::new(&Column::named("When"), "UTC").unwrap();
        values.iter().for_each(|value| sniffer.observe(value.as_bytes()));
        (sniffer.is_decided(), sniffer.settle().map(|parser| format!("{parser:?}")).map_err(|error| error.to_string()))
    }

    proptest! {
        #[test]
        fn every_layout_reads_back_what_it_shows(days in -25_567i64..84_371, seconds in 0i64..86_400, format in prop::sample::select(vec![
            "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%-d/%-m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d-%m-%Y %-I:%M:%S%p",
        ])) {
            let at = |wall: i64| (jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0) + jiff::SignedDuration::from_secs(wall)).strftime(format).to_string();
            // The 25th of December tells the order.
            let christmas = at(18_621 * 86_400);
            let text = at(days * 86_400 + seconds);
            let parser = sniffed(&[&christmas]).unwrap();
            prop_assert_eq!(parser.parse(text.as_bytes()), Ok(Moment(days * 86_400 + seconds)), "{}", text);
        }

        #[test]
        fn chunks_settle_what_the_whole_column_settles(values in prop::collection::vec(prop::sample::select(vec![
            "2020-01-02", "01/02/2020", "25/02/2020", "02/25/2020", "01-02-2020", "25-02-2020", "02-25-2020", "1.2.2020", "x", "01/02/20", "20200102",
        ]), 0..12), cut in 0usize..12) {
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            let cut = cut.min(values.len());
            let new = || DateSniffer::new(&Column::named("When"), "UTC").unwrap();
            let (mut earlier, mut later) = (new(), new());
            values[..cut].iter().for_each(|value| earlier.observe(value.as_bytes()));
            values[cut..].iter().for_each(|value| later.observe(value.as_bytes()));
            earlier.merge(&later);
            prop_assert_eq!((earlier.is_decided(), earlier.settle().map(|parser| format!("{parser:?}")).map_err(|error| error.to_string())), one_of(&values));
        }

        #[test]
        fn no_bytes_panic(text in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"0123456789-/.: TZ+".to_vec())], 0..30)) {
            let mut sniffer = DateSniffer::new(&Column::named("When"), "Europe/Berlin").unwrap();
            sniffer.observe(&text);
            if let Ok(parser) = sniffer.settle() {
                let _ = parser.parse(&text);
            }
            for unit in [Unit::Microseconds, Unit::Milliseconds, Unit::Seconds, Unit::Hours, Unit::Days] {
                let _ = declared(number(unit, Some("2020-01-01T00:00:00+05:00")), "Europe/Berlin", &String::from_utf8_lossy(&text));
            }
        }
    }
}
