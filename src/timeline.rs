//! A customer is a timeline: a profile and a list of dated events.
//!
//! In: the columns that exports filled, grouped by customer in time order. Out: [`Timeline::split`] and [`Timeline::before`], the only ways to a
//! [`History`] (what was known before a cut-off) and a [`Future`] (what came within the horizon). This module knows nothing of
//! files and nothing of models.

use crate::config::Span;

/// A moment in seconds since 1970-01-01 00:00 on the wall clock of the project's time zone. Stamps with an offset are converted
/// when read; so days, hours and weekdays need no time zone from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// The first moment of the day it falls in.
    pub fn start_of_day(self) -> Moment {
        Moment(self.0.div_euclid(86_400) * 86_400)
    }
    /// The first moment of the day after.
    pub fn next_day(self) -> Moment {
        self.start_of_day().plus(Span::days(1))
    }
    /// Days from `earlier` to here, as a fraction.
    pub fn days_since(self, earlier: Moment) -> f64 {
        (self.0 - earlier.0) as f64 / 86_400.0
    }
    /// This much later.
    pub fn plus(self, span: Span) -> Moment {
        Moment(self.0 + span.seconds)
    }
    /// This much earlier.
    pub fn minus(self, span: Span) -> Moment {
        Moment(self.0 - span.seconds)
    }
    /// Hour of the day, 0 to 23.
    pub fn hour(self) -> usize {
        (self.0.rem_euclid(86_400) / 3_600) as usize
    }
    /// Day of the week, 0 = Monday.
    pub fn weekday(self) -> usize {
        (self.0.div_euclid(86_400) + 3).rem_euclid(7) as usize
    }
    /// The calendar day, `YYYY-MM-DD`.
    pub fn date(self) -> String {
        let days = self.0.div_euclid(86_400);
        let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(days.clamp(-700_000, 2_900_000)));
        date.to_string()
    }
    /// The moment a calendar day begins.
    pub fn of_date(date: jiff::civil::Date) -> Moment {
        Moment(i64::from(date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() as i32) * 3_600)
    }
}

/// The end of what may be known: everything strictly before it.
pub type Cutoff = Moment;

/// Position of a customer in the id table, which is in byte order of the ids.
pub type CustomerIx = u32;
/// Position of an item in the item table, in byte order of the ids.
pub type ItemIx = u32;
/// No value in a column of indices.
pub const NO_INDEX: u32 = u32::MAX;

/// A named column of numbers of events; `NaN` where missing.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberColumn {
    /// Name from the config.
    pub name: String,
    /// One value per event.
    pub values: Vec<f32>,
}

/// A named column of categories of events.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryColumn {
    /// Name from the config.
    pub name: String,
    /// One code per event into `names`; [`NO_INDEX`] where missing.
    pub codes: Vec<u32>,
    /// The categories in byte order.
    pub names: Vec<String>,
}

/// All events of a kind of source, columnar, grouped by customer; a customer's events are ordered by (time, all other columns).
///
/// Shapes: `offsets` has one entry per customer and one more; every column that is not empty has `offsets.last()` entries. An
/// empty column was not in any export.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventStore {
    /// Customer `c` has the events `offsets[c]..offsets[c + 1]`.
    pub offsets: Vec<usize>,
    /// When; for sources without time, the position in the customer's list.
    pub time: Vec<i64>,
    /// When the row became known, where the export says so.
    pub known_at: Vec<i64>,
    /// What was done: index into [`EventStore::kinds`].
    pub kind: Vec<u8>,
    /// With which item: index into the item table, or [`NO_INDEX`].
    pub item: Vec<u32>,
    /// In which basket: equal within one basket of one customer, or [`NO_INDEX`].
    pub basket: Vec<u32>,
    /// How many; `NaN` where missing.
    pub quantity: Vec<f32>,
    /// What was paid, in the project's currency; `NaN` where missing. Returns are negative.
    pub amount: Vec<f64>,
    /// What was taken off, positive; `NaN` where missing.
    pub discount: Vec<f32>,
    /// What it cost; `NaN` where missing.
    pub cost: Vec<f32>,
    /// Through which channel: index into [`EventStore::channels`], or `u16::MAX`.
    pub channel: Vec<u16>,
    /// Satisfaction score; `NaN` where missing.
    pub score: Vec<f32>,
    /// Which offer: index into the offer table of the exports, or [`NO_INDEX`].
    pub offer: Vec<u32>,
    /// Further numbers.
    pub numbers: Vec<NumberColumn>,
    /// Further categories.
    pub categories: Vec<CategoryColumn>,
    /// Names of kinds in byte order.
    pub kinds: Vec<String>,
    /// Names of channels in byte order.
    pub channels: Vec<String>,
}

impl EventStore {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.time.len()
    }
    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }
    /// Number of customers.
    pub fn customers(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }
    /// The index of a kind.
    pub fn kind_index(&self, name: &str) -> Option<u8> {
        self.kinds.iter().position(|kind| kind == name).map(|index| index as u8)
    }
    /// How many events are of each kind.
    pub fn kind_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.kinds.len()];
        self.kind.iter().for_each(|kind| counts[usize::from(*kind)] += 1);
        counts
    }
    /// Earliest and latest time of any event.
    pub fn time_range(&self) -> Option<(Moment, Moment)> {
        let first = self.time.iter().min()?;
        let last = self.time.iter().max()?;
        Some((Moment(*first), Moment(*last)))
    }
}

/// What is known of customers that is not an event: columns of one `[[profiles]]` source.
///
/// Rows are grouped by customer in time order (one row where the source has no time).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProfileTable {
    /// Customer `c` has the rows `offsets[c]..offsets[c + 1]`.
    pub offsets: Vec<usize>,
    /// When each row was true; empty where the source has no time.
    pub time: Vec<i64>,
    /// The columns.
    pub columns: Vec<ProfileColumn>,
}

/// A column of profiles.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileColumn {
    /// Its name, unique over all sources.
    pub name: String,
    /// Its values, one per row.
    pub values: ProfileValues,
    /// Whether it may serve cut-offs before the export was made: it has a time or is named static.
    pub serves_past: bool,
}

/// The values of a profile column.
#[derive(Debug, Clone, PartialEq)]
pub enum ProfileValues {
    /// Numbers; `NaN` where missing.
    Number(Vec<f64>),
    /// Categories: codes into names in byte order; [`NO_INDEX`] where missing.
    Category {
        /// One code per row.
        codes: Vec<u32>,
        /// The categories.
        names: Vec<String>,
    },
    /// Dates: moments; `i64::MIN` where missing.
    Date(Vec<i64>),
}

impl ProfileColumn {
    /// The value of a row as a number: dates as days before the cut-off, categories by `code`; `NaN` where missing.
    pub fn number(&self, row: usize, cutoff: Cutoff, code: impl Fn(u32) -> f64) -> f64 {
        match &self.values {
            ProfileValues::Number(values) => values[row],
            ProfileValues::Date(values) if values[row] == i64::MIN => f64::NAN,
            ProfileValues::Date(values) => cutoff.days_since(Moment(values[row])),
            ProfileValues::Category { codes, .. } if codes[row] == NO_INDEX => f64::NAN,
            ProfileValues::Category { codes, .. } => code(codes[row]),
        }
    }
}

impl ProfileTable {
    /// The row that was true before the cut-off: the last one, or the only one where there is no time.
    pub fn row_at(&self, customer: CustomerIx, cutoff: Cutoff) -> Option<usize> {
        let rows = self.offsets[customer as usize]..self.offsets[customer as usize + 1];
        if self.time.is_empty() {
            return rows.clone().next_back();
        }
        let start = rows.start;
        let before = self.time[rows].partition_point(|time| *time < cutoff.0);
        (before > 0).then(|| start + before - 1)
    }
}

/// One customer: their events and profiles.
#[derive(Debug, Clone, Copy)]
pub struct Timeline<'a> {
    /// Who.
    pub customer: CustomerIx,
    store: &'a EventStore,
    profiles: &'a [ProfileTable],
}

impl<'a> Timeline<'a> {
    /// The timeline of a customer.
    pub fn new(customer: CustomerIx, store: &'a EventStore, profiles: &'a [ProfileTable]) -> Self {
        Timeline { customer, store, profiles }
    }

    /// What was known before the cut-off, and what came from the cut-off to before cut-off + horizon.
    pub fn split(self, cutoff: Cutoff, horizon: Span) -> (History<'a>, Future<'a>) {
        let history = self.before(cutoff);
        let after = &self.store.time[history.end..self.events().end];
        let last = history.end + after.partition_point(|time| *time < cutoff.plus(horizon).0);
        (history, Future { cutoff, horizon, store: self.store, profiles: self.profiles, customer: self.customer, start: history.end, end: last })
    }

    /// What was known before the cut-off, where what came after it is not asked for.
    pub fn before(self, cutoff: Cutoff) -> History<'a> {
        let events = self.events();
        let end = events.start + self.store.time[events.clone()].partition_point(|time| *time < cutoff.0);
        History { customer: self.customer, cutoff, store: self.store, profiles: self.profiles, start: events.start, end }
    }

    /// Where the customer's events stand in the store.
    fn events(&self) -> std::ops::Range<usize> {
        let customer = self.customer as usize;
        if self.store.offsets.is_empty() { 0..0 } else { self.store.offsets[customer]..self.store.offsets[customer + 1] }
    }
}

/// Everything known of a customer before a cut-off. Features take this and nothing else of the customer.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// Who.
    pub customer: CustomerIx,
    /// Before when.
    pub cutoff: Cutoff,
    store: &'a EventStore,
    profiles: &'a [ProfileTable],
    start: usize,
    end: usize,
}

impl<'a> History<'a> {
    /// The events before the cut-off that were known before it, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = Event<'a>> + use<'a> {
        self.events_from(self.start)
    }
    fn events_from(&self, start: usize) -> impl DoubleEndedIterator<Item = Event<'a>> + use<'a> {
        let (store, cutoff) = (self.store, self.cutoff);
        (start..self.end).filter(move |index| store.known_at.is_empty() || store.known_at[*index] < cutoff.0).map(move |index| Event { store, index })
    }
    /// The events that an earlier history did not hold, oldest first, and `true`; all events, and `false`, where there is none, it is another customer's, or
    /// rows became known later than they happened, so that what it did not hold may lie between what it did.
    pub fn go_on(&self, earlier: Option<&History<'a>>) -> (bool, impl Iterator<Item = Event<'a>> + use<'a>) {
        let is_earlier = |other: &&History<'a>| std::ptr::eq(self.store, other.store) && self.customer == other.customer && other.end <= self.end;
        let earlier = earlier.filter(is_earlier).filter(|_| self.store.known_at.is_empty());
        (earlier.is_some(), self.events_from(earlier.map_or(self.start, |earlier| earlier.end)))
    }
    /// Names of kinds and channels.
    pub fn store(&self) -> &'a EventStore {
        self.store
    }
    /// For each profile table, the row that was true before the cut-off.
    pub fn profiles(&self) -> impl Iterator<Item = (&'a ProfileTable, Option<usize>)> + use<'a> {
        let (customer, cutoff) = (self.customer, self.cutoff);
        self.profiles.iter().map(move |table| (table, table.row_at(customer, cutoff)))
    }
}

/// What a customer did from the cut-off to before cut-off + horizon. Labels take this; features cannot.
#[derive(Debug, Clone, Copy)]
pub struct Future<'a> {
    /// From when.
    pub cutoff: Cutoff,
    /// How long.
    pub horizon: Span,
    /// Who.
    pub customer: CustomerIx,
    store: &'a EventStore,
    profiles: &'a [ProfileTable],
    start: usize,
    end: usize,
}

impl<'a> Future<'a> {
    /// The events, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = Event<'a>> + use<'a> {
        let store = self.store;
        (self.start..self.end).map(move |index| Event { store, index })
    }
    /// The profile tables, for labels that are dates or columns.
    pub fn profiles(&self) -> &'a [ProfileTable] {
        self.profiles
    }
}

/// One event: a view into the store.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    store: &'a EventStore,
    index: usize,
}

impl Event<'_> {
    /// When.
    pub fn time(&self) -> Moment {
        Moment(self.store.time[self.index])
    }
    /// What was done.
    pub fn kind(&self) -> u8 {
        self.store.kind[self.index]
    }
    /// With which item.
    pub fn item(&self) -> Option<ItemIx> {
        self.store.item.get(self.index).copied().filter(|item| *item != NO_INDEX)
    }
    /// In which basket.
    pub fn basket(&self) -> Option<u32> {
        self.store.basket.get(self.index).copied().filter(|basket| *basket != NO_INDEX)
    }
    /// How many.
    pub fn quantity(&self) -> Option<f64> {
        self.store.quantity.get(self.index).map(|value| f64::from(*value)).filter(|value| !value.is_nan())
    }
    /// What was paid; negative for returns.
    pub fn amount(&self) -> Option<f64> {
        self.store.amount.get(self.index).copied().filter(|value| !value.is_nan())
    }
    /// What was taken off.
    pub fn discount(&self) -> Option<f64> {
        self.store.discount.get(self.index).map(|value| f64::from(*value)).filter(|value| !value.is_nan())
    }
    /// Through which channel.
    pub fn channel(&self) -> Option<u16> {
        self.store.channel.get(self.index).copied().filter(|channel| *channel != u16::MAX)
    }
    /// Satisfaction score.
    pub fn score(&self) -> Option<f64> {
        self.store.score.get(self.index).map(|value| f64::from(*value)).filter(|value| !value.is_nan())
    }
    /// Which offer.
    pub fn offer(&self) -> Option<u32> {
        self.store.offer.get(self.index).copied().filter(|offer| *offer != NO_INDEX)
    }
    /// A further number, by position of the column.
    pub fn number(&self, column: usize) -> Option<f64> {
        self.store.numbers.get(column).map(|column| f64::from(column.values[self.index])).filter(|value| !value.is_nan())
    }
    /// A further category, by position of the column.
    pub fn category(&self, column: usize) -> Option<u32> {
        self.store.categories.get(column).map(|column| column.codes[self.index]).filter(|code| *code != NO_INDEX)
    }
}
