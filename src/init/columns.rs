//! What a column holds, from the texts in it.

use super::words::{ID, TIME, words};
use crate::config::Column;
use crate::exports::dates::{DateParser, DateSniffer};
use crate::exports::{Sample, SampledColumn};
use crate::timeline::NO_INDEX;

/// Texts of other systems for no value.
const ODD_MISSING: [&str; 12] = ["nan", "null", "none", "n/a", "#n/a", "-", "--", "?", "\\n", "na", "unknown", "(null)"];
/// Distinct texts that settle what a column holds.
const MOST_TEXTS: usize = 20_000;
/// Share of the values that must fit.
const NEARLY_ALL: f64 = 0.99;
/// Stands where a file counts from a day that it does not tell.
const COUNTED_FROM: &str = "2000-01-01";
/// Signs of currencies beside amounts, and of percents.
const CURRENCIES: [&str; 12] = ["US$", "$", "€", "£", "¥", "₹", "R$", "EUR", "USD", "GBP", "CHF", "%"];
/// Layouts that are not found out by themselves.
const FORMATS: [&str; 14] = [
    "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M",
    "%d.%m.%y %H:%M",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%d-%b-%Y %H:%M:%S",
    "%d-%b-%y %H:%M:%S",
];

/// A column and what it holds.
#[derive(Debug)]
pub(super) struct Look<'s> {
    pub(super) name: &'s str,
    /// The words of the name.
    pub(super) words: Vec<String>,
    pub(super) sampled: &'s SampledColumn,
    pub(super) holds: Holds,
    /// Rows with a value.
    pub(super) known: usize,
    /// Texts among numbers or dates that mean no value.
    pub(super) odd_missing: Vec<&'s str>,
    /// Signs that stand in numbers: of currencies, of thousands.
    pub(super) signs: Vec<&'static str>,
}

/// What the values are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Holds {
    /// There are none.
    Nothing,
    /// Numbers.
    Number { whole: bool, least: f64 },
    /// Moments, and what has to be declared to read them.
    Date(Written),
    /// Texts.
    Text,
}

/// How a date is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Written {
    /// `format`, where it is not found out by itself.
    pub(super) format: Option<String>,
    /// `unit` and `origin`.
    pub(super) unit: Option<(&'static str, Option<&'static str>)>,
    /// What was guessed.
    pub(super) guess: Option<String>,
    /// The other order of day and month, where that fits as well and nothing in the file says which.
    pub(super) other_order: Option<String>,
}

impl<'s> Look<'s> {
    /// Looks at every column of a sample.
    pub(super) fn all(sample: &'s Sample) -> Vec<Look<'s>> {
        sample.columns.iter().map(|column| Look::of(column, !matches!(sample.delimiter.as_str(), "" | ","))).collect()
    }

    fn of(sampled: &'s SampledColumn, decimal_comma: bool) -> Look<'s> {
        let words = words(&sampled.name);
        let known = sampled.codes.iter().filter(|code| **code != NO_INDEX).count();
        let is_odd = |text: &&str| ODD_MISSING.contains(&text.to_lowercase().as_str());
        let texts: Vec<&str> = sampled.texts.iter().map(String::as_str).collect();
        let (odd, plain): (Vec<&str>, Vec<&str>) = texts.into_iter().partition(is_odd);
        let mut holds = holds(sampled, &words, &plain, decimal_comma);
        let signs = if holds == Holds::Text { signs(&plain, decimal_comma) } else { Vec::new() };
        if !signs.is_empty() {
            let least = plain.iter().filter_map(|text| without_signs(text, &signs)).fold(f64::INFINITY, f64::min);
            holds = Holds::Number { whole: false, least };
        }
        let odd_missing = if matches!(holds, Holds::Number { .. } | Holds::Date(_)) { odd } else { Vec::new() };
        Look { name: &sampled.name, words, sampled, holds, known, odd_missing, signs }
    }

    pub(super) fn distinct(&self) -> usize {
        self.sampled.texts.len()
    }
    /// Whether nearly every row has a value of its own.
    pub(super) fn is_unique(&self) -> bool {
        self.known > 1 && self.distinct() as f64 > NEARLY_ALL * self.known as f64
    }
    /// Whether it may be an id: no date, no fraction.
    pub(super) fn may_be_id(&self) -> bool {
        match &self.holds {
            Holds::Text | Holds::Number { whole: true, .. } => true,
            // Ids of a float column: 17850.0; and those of trackers, two numbers and a point between.
            Holds::Number { whole: false, .. } => self.ends_in_zero() || self.names_id(),
            Holds::Date(_) | Holds::Nothing => false,
        }
    }
    /// Whether it holds addresses of e-mail.
    pub(super) fn holds_addresses(&self) -> bool {
        self.is_text() && self.known > 0 && self.sampled.texts.iter().take(50).all(|text| text.contains('@'))
    }
    /// Whether every value ends in `.0`.
    pub(super) fn ends_in_zero(&self) -> bool {
        self.known > 0 && self.sampled.texts.iter().all(|text| text.ends_with(".0"))
    }
    /// Whether it is no more than the number of a row: whole numbers that lie close together.
    pub(super) fn counts_rows(&self) -> bool {
        let numbers = || self.sampled.texts.iter().filter_map(|text| text.parse::<f64>().ok());
        let (least, most) = numbers().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), number| (least.min(number), most.max(number)));
        most - least < 5.0 * self.distinct() as f64
    }
    pub(super) fn is_number(&self) -> bool {
        matches!(self.holds, Holds::Number { .. })
    }
    pub(super) fn is_date(&self) -> bool {
        matches!(self.holds, Holds::Date(_))
    }
    /// Whether dates without doubt have the day before the month; `None` where they may be either, or have the year first.
    pub(super) fn is_day_first(&self) -> Option<bool> {
        let Holds::Date(Written { other_order: None, unit: None, .. }) = &self.holds else { return None };
        // Of two numbers, the one beyond twelve is the day.
        self.sampled.texts.iter().find_map(|text| {
            let mut parts = text.split(['/', '-']).map(|part| part.parse::<u32>().ok());
            match (parts.next()??, parts.next()??) {
                (13..=31, 1..=12) => Some(true),
                (1..=12, 13..=31) => Some(false),
                _ => None,
            }
        })
    }
    /// Takes the order of day and month that other files have, where its own is in doubt.
    pub(super) fn order_days(&mut self, is_day_first: bool) {
        if let Holds::Date(Written { format: Some(format), guess, other_order, .. }) = &mut self.holds
            && let Some(other) = other_order.take()
        {
            if format.starts_with("%d") != is_day_first {
                *format = other;
            }
            *guess = Some("as the dates of the other files".into());
        }
    }
    /// Whether it tells the day by itself.
    pub(super) fn tells_day(&self) -> bool {
        matches!(&self.holds, Holds::Date(written) if written.unit.is_none_or(|(_, origin)| origin.is_none()))
    }
    pub(super) fn is_text(&self) -> bool {
        self.holds == Holds::Text
    }
    pub(super) fn has_word(&self, list: &[&str]) -> bool {
        self.words.iter().any(|word| list.contains(&word.as_str()))
    }
    /// Whether its name is made of words of the lists alone.
    pub(super) fn has_only(&self, lists: &[&[&str]]) -> bool {
        !self.words.is_empty() && self.words.iter().all(|word| lists.iter().any(|list| list.contains(&word.as_str())))
    }
    /// Whether its name ends in a word of ids.
    pub(super) fn names_id(&self) -> bool {
        self.words.last().is_some_and(|word| ID.contains(&word.as_str()))
    }
    /// How often each text stands.
    pub(super) fn counts(&self) -> Vec<(usize, &'s str)> {
        let mut counts: Vec<(usize, &str)> = self.sampled.texts.iter().map(|text| (0, text.as_str())).collect();
        self.sampled.codes.iter().filter(|code| **code != NO_INDEX).for_each(|code| counts[*code as usize].0 += 1);
        counts
    }
    /// Share of rows whose value is the one that the same `key` had first, among the keys that come again; `None` where none does.
    pub(super) fn follows(&self, key: &Look<'_>) -> Option<f64> {
        let mut first: Vec<Option<u32>> = vec![None; key.distinct()];
        let (mut again, mut same) = (0_usize, 0_usize);
        for (key, value) in key.sampled.codes.iter().zip(&self.sampled.codes) {
            if *key == NO_INDEX || *value == NO_INDEX {
                continue;
            }
            match first[*key as usize] {
                None => first[*key as usize] = Some(*value),
                Some(known) => {
                    again += 1;
                    same += usize::from(known == *value);
                }
            }
        }
        (again > 0).then(|| same as f64 / again as f64)
    }
}

fn holds(sampled: &SampledColumn, words: &[String], texts: &[&str], decimal_comma: bool) -> Holds {
    if texts.is_empty() {
        return Holds::Nothing;
    }
    let looked_at = &texts[..texts.len().min(MOST_TEXTS)];
    let number = |text: &&str| fast_float2::parse::<f64, _>(text).ok().filter(|number| number.is_finite());
    // A comma in a number is a decimal sign where it does not separate fields.
    let with_comma = |text: &&str| if decimal_comma { number(&text.replacen(',', ".", 1).as_str()) } else { None };
    let numbers: Vec<f64> = looked_at.iter().filter_map(|text| number(text).or_else(|| with_comma(text))).collect();
    let says_when = words.iter().any(|word| TIME.contains(&word.as_str()));
    if numbers.len() as f64 >= NEARLY_ALL * looked_at.len() as f64 {
        if says_when && let Some(written) = number_as_date(words, looked_at, &numbers) {
            return Holds::Date(written);
        }
        let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let whole = looked_at.iter().all(|text| text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()));
        // A column of eight digits that are all days of the calendar is one of dates, whatever it is called.
        let all_days = whole && looked_at.len() > 20 && looked_at.iter().all(|text| text.len() == 8) && fits(&sniffed(looked_at), looked_at);
        if all_days {
            return Holds::Date(Written::default());
        }
        return Holds::Number { whole, least };
    }
    match date(sampled, looked_at) {
        Some(written) => Holds::Date(written),
        None => Holds::Text,
    }
}

/// The signs of currencies and thousands in texts that are numbers but for them; none where they are not.
fn signs(texts: &[&str], decimal_comma: bool) -> Vec<&'static str> {
    let looked_at = &texts[..texts.len().min(MOST_TEXTS)];
    let of_currency: Vec<&'static str> = CURRENCIES.into_iter().filter(|sign| looked_at.iter().any(|text| text.contains(sign))).collect();
    let thousands: &[&'static str] = if decimal_comma { &[",", ".", "'", " "] } else { &[",", "'", " "] };
    let fitting = |thousand: Option<&'static str>| {
        let all: Vec<&'static str> = of_currency.iter().copied().chain(thousand).collect();
        let is_amount = |text: &&&str| {
            let plain = of_currency.iter().fold((**text).to_owned(), |text, sign| text.replace(sign, ""));
            thousand.is_none_or(|sign| in_threes(plain.trim(), sign)) && without_signs(text, &all).is_some()
        };
        (!all.is_empty() && looked_at.iter().filter(is_amount).count() as f64 >= NEARLY_ALL * looked_at.len() as f64).then_some(all)
    };
    let used = |sign: &&&'static str| looked_at.iter().any(|text| text.contains(**sign));
    fitting(None).or_else(|| thousands.iter().filter(used).find_map(|sign| fitting(Some(sign)))).unwrap_or_default()
}

/// Whether what a sign separates are threes of digits: `1,234,567.50`.
fn in_threes(text: &str, sign: &str) -> bool {
    let parts: Vec<&str> = text.trim_start_matches('-').split(sign).collect();
    let digits = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    parts.len() == 1
        || (digits(parts[0]) <= 3 && parts[1..].iter().all(|part| digits(part) == 3) && parts[1..parts.len() - 1].iter().all(|part| part.len() == 3))
}

/// The number that is left when signs are taken out, with a decimal point or comma.
pub(super) fn without_signs(text: &str, signs: &[&'static str]) -> Option<f64> {
    let plain = signs.iter().fold(text.to_owned(), |text, sign| text.replace(sign, ""));
    let is_digit = plain.trim().trim_start_matches('-').starts_with(|letter: char| letter.is_ascii_digit());
    fast_float2::parse::<f64, _>(plain.trim().replacen(',', ".", 1).as_str()).ok().filter(|number| is_digit && number.is_finite())
}

/// Numbers that say when: `20240131`, seconds and their parts since 1970, hours and days of a test.
fn number_as_date(words: &[String], texts: &[&str], numbers: &[f64]) -> Option<Written> {
    if texts.iter().all(|text| matches!(text.len(), 6 | 8 | 14)) && fits(&sniffed(texts), texts) {
        return Some(Written::default());
    }
    let within = |low: f64, high: f64| numbers.iter().all(|number| (low..high).contains(number));
    // From 1979 to 2096, in seconds, milliseconds and millionths.
    if within(3e8, 4e9) {
        return Some(Written { unit: Some(("s", None)), guess: Some("seconds since 1970".into()), ..Written::default() });
    }
    if within(3e11, 4e12) {
        return Some(Written { unit: Some(("ms", None)), guess: Some("milliseconds since 1970".into()), ..Written::default() });
    }
    if within(3e14, 4e15) {
        return Some(Written { unit: Some(("us", None)), guess: Some("millionths of a second since 1970".into()), ..Written::default() });
    }
    // Hours of a day and days of a month do not go as far.
    let counted = match words {
        [word] if word == "hour" || word == "hours" => Some(("hours", 24.0)),
        [word] if word == "day" || word == "days" => Some(("days", 31.0)),
        _ => None,
    };
    let (unit, _) = counted.filter(|(_, longest)| within(0.0, 1e5) && numbers.iter().any(|number| number > longest))?;
    let guess = format!("counted in {unit} from a day that the file does not tell: put it in place of {COUNTED_FROM}");
    Some(Written { unit: Some((unit, Some(COUNTED_FROM))), guess: Some(guess), ..Written::default() })
}

fn sniffed(texts: &[&str]) -> Option<DateParser> {
    let mut sniffer = DateSniffer::new(&Column::named("date"), "UTC").ok()?;
    texts.iter().for_each(|text| sniffer.observe(text.as_bytes()));
    sniffer.settle().ok()
}

fn declared(format: &str) -> Option<DateParser> {
    DateSniffer::new(&Column { format: Some(format.to_owned()), ..Column::named("date") }, "UTC").and_then(DateSniffer::settle).ok()
}

fn fits(parser: &Option<DateParser>, texts: &[&str]) -> bool {
    let Some(parser) = parser else { return false };
    let read = texts.iter().filter(|text| parser.parse(text.as_bytes()).is_ok()).count();
    read as f64 >= NEARLY_ALL * texts.len() as f64
}

/// How texts are written as dates, if they are dates.
fn date(sampled: &SampledColumn, texts: &[&str]) -> Option<Written> {
    if !texts[0].bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if fits(&sniffed(texts), texts) {
        return Some(Written::default());
    }
    let either = ['/', '-']
        .iter()
        .flat_map(|sign| ["", " %H:%M", " %H:%M:%S"].iter().flat_map(move |time| [format!("%d{sign}%m{sign}%Y{time}"), format!("%m{sign}%d{sign}%Y{time}")]));
    let mut fitting: Vec<(usize, String)> = either
        .chain(FORMATS.iter().map(|format| (*format).to_owned()))
        .filter(|format| fits(&declared(format), &texts[..1]))
        .filter(|format| fits(&declared(format), texts))
        .map(|format| (descents(sampled, &format), format))
        .collect();
    fitting.sort_by_key(|(descents, _)| *descents);
    let (fewest, format) = fitting.first()?.clone();
    let other = fitting.get(1).map(|(descents, format)| {
        let why = if *descents > fewest { "by it the rows are in order of time" } else { "nothing in the file says which" };
        format!("{format:?} fits as well; {why}")
    });
    let other_order = fitting.get(1).filter(|(descents, _)| *descents == fewest).map(|(_, format)| format.clone());
    Some(Written { format: Some(format), guess: other, other_order, ..Written::default() })
}

/// How often a row lies before the one above it.
fn descents(sampled: &SampledColumn, format: &str) -> usize {
    let Some(parser) = declared(format) else { return usize::MAX };
    let moments: Vec<Option<i64>> = sampled.texts.iter().map(|text| parser.parse(text.as_bytes()).ok().map(|moment| moment.0)).collect();
    let in_order: Vec<i64> = sampled.codes.iter().filter_map(|code| moments.get(*code as usize).copied().flatten()).collect();
    in_order.windows(2).filter(|pair| pair[0] > pair[1]).count()
}
