//! Who is asked and what leaving means: the base of a cut-off, and the labels once the horizon has passed.

use crate::config::{ChurnSettings, Definition, Span};
use crate::error::{Error, Result};
use crate::exports::{Exports, numbered_name};
use crate::timeline::{Cutoff, Future, History, Moment, ProfileTable, ProfileValues, Timeline};
use rayon::prelude::*;

/// Where a customer stands at a cut-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Asked: a member of the base.
    Base,
    /// Last active longer ago than `active_within`, or the subscription has ended.
    AlreadyInactive,
    /// The label says that the customer has left.
    AlreadyLeft,
    /// Never seen before the cut-off.
    NoHistory,
}

/// The definition of churn bound to one set of exports.
#[derive(Debug, Clone)]
pub struct ChurnRule<'a> {
    exports: &'a Exports,
    definition: Definition,
    alive: Vec<bool>,
    active_within: Span,
    horizon: Span,
    dates: Option<SubscriptionDates<'a>>,
    renews: Option<u8>,
}

/// The columns that say when subscriptions begin and end.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubscriptionDates<'a> {
    table: &'a ProfileTable,
    start: &'a [i64],
    pub(super) end: &'a [i64],
}

/// Lengths of terms that contracts have: so many different ones at most cover nearly all.
const LENGTHS: usize = 3;
/// Share of the terms that are of these lengths.
const AGREED: f64 = 0.95;
/// The mean length of a month.
const MONTH: f64 = 30.436_875 * 86_400.0;
/// How far a term of whole months may be from so many mean months: those from January to March, and the last day counted or not.
const OFF: f64 = 3.0 * 86_400.0;
/// An end from here on (the year 2200) says that there is none.
const NEVER: i64 = 7_258_118_400;

impl SubscriptionDates<'_> {
    fn term(&self, row: usize) -> Term {
        Term { start: Moment(self.start[row]), end: Some(self.end[row]).filter(|end| *end != i64::MIN && *end < NEVER).map(Moment) }
    }

    /// Whether ends are agreed on at the start, and so known while the term runs: every term has one, and nearly all last one of a few numbers of whole
    /// months. An end that is written down once a customer has left is of any day.
    pub(super) fn ends_are_agreed(&self) -> bool {
        let mut months: Vec<i64> = Vec::new();
        for Term { start, end } in (0..self.start.len()).filter(|row| self.start[*row] != i64::MIN).map(|row| self.term(row)) {
            let Some(end) = end else { return false };
            let length = (end.0 - start.0) as f64;
            let whole = (length / MONTH).round();
            months.push(if (length - whole * MONTH).abs() <= OFF { whole as i64 } else { 0 });
        }
        months.sort_unstable();
        let mut counts: Vec<usize> = months.chunk_by(|a, b| a == b).filter(|terms| terms[0] > 0).map(<[i64]>::len).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        !months.is_empty() && counts.iter().take(LENGTHS).sum::<usize>() as f64 >= AGREED * months.len() as f64
    }
}

/// From when to when a subscription runs; without an end, it runs on.
#[derive(Debug, Clone, Copy)]
struct Term {
    start: Moment,
    end: Option<Moment>,
}

impl Term {
    fn runs_at(&self, moment: Moment) -> bool {
        self.start < moment && self.end.is_none_or(|end| end >= moment)
    }
}

impl<'a> ChurnRule<'a> {
    /// Binds the definition of churn.
    ///
    /// # Errors
    /// 78 when a subscription names a column that is no date of the profiles.
    pub fn new(exports: &'a Exports, settings: &ChurnSettings) -> Result<ChurnRule<'a>> {
        let store = &exports.events;
        let mut rule = ChurnRule {
            exports,
            definition: settings.definition.clone(),
            alive: store.kinds.iter().map(|kind| settings.kinds.contains(kind)).collect(),
            active_within: settings.active_within,
            horizon: settings.horizon,
            dates: None,
            renews: None,
        };
        if let Definition::Subscription { start, end, renewed_by } = &settings.definition {
            rule.dates = Some(subscription_dates(exports, start, end)?);
            rule.renews = store.kind_index(renewed_by);
        }
        Ok(rule)
    }

    /// Whether any event counts as alive; without one, inactivity cannot be defined.
    pub fn has_life(&self) -> bool {
        self.alive.contains(&true)
    }

    /// Where a customer stands before the cut-off, from the history alone. (For labelled tables the label of a customer who has
    /// left is part of what is known today.)
    pub fn standing(&self, history: &History<'_>) -> Standing {
        match self.definition {
            Definition::Label | Definition::None if self.exports.labels.is_empty() => Standing::Base,
            Definition::Label => match self.exports.labels[history.customer as usize] {
                Some(true) => Standing::AlreadyLeft,
                _ => Standing::Base,
            },
            Definition::None => Standing::Base,
            Definition::Inactivity => match self.last_alive(history) {
                None => Standing::NoHistory,
                Some(last) if last < history.cutoff.minus(self.active_within) => Standing::AlreadyInactive,
                Some(_) => Standing::Base,
            },
            Definition::Subscription { .. } => {
                let begun = || self.subscriptions(history.customer).filter(|term| term.start < history.cutoff);
                match (begun().any(|term| term.runs_at(history.cutoff)), begun().next()) {
                    (true, _) => Standing::Base,
                    (false, Some(_)) => Standing::AlreadyInactive,
                    (false, None) => Standing::NoHistory,
                }
            }
        }
    }

    /// The last moment of an event that counts as alive.
    pub fn last_alive(&self, history: &History<'_>) -> Option<Moment> {
        history.events().rev().find(|event| self.alive[event.kind() as usize]).map(|event| event.time())
    }

    /// Days since the last event that counts as alive, and the days with one within the span before the cut-off.
    pub fn activity(&self, history: &History<'_>, within: Span) -> (Option<f64>, usize) {
        let from = history.cutoff.minus(within);
        let mut days: Vec<Moment> = history
            .events()
            .rev()
            .take_while(|event| event.time() >= from)
            .filter(|event| self.alive[event.kind() as usize])
            .map(|event| event.time().start_of_day())
            .collect();
        days.dedup();
        (self.last_alive(history).map(|last| history.cutoff.days_since(last)), days.len())
    }

    /// Whether a member of the base left within the horizon.
    pub fn left(&self, future: &Future<'_>) -> bool {
        match self.definition {
            Definition::Inactivity => !future.events().any(|event| self.alive[event.kind() as usize]),
            Definition::Subscription { .. } => {
                // A term that follows on the one that ends is its renewal.
                let runs_on = self.subscriptions(future.customer).any(|term| term.runs_at(future.cutoff.plus(self.horizon)));
                !runs_on && !future.events().any(|event| Some(event.kind()) == self.renews)
            }
            Definition::Label => self.exports.labels.get(future.customer as usize).copied().flatten() == Some(true),
            Definition::None => false,
        }
    }

    /// A customer's subscriptions, or the terms of one.
    fn subscriptions(&self, customer: u32) -> impl Iterator<Item = Term> {
        self.dates.into_iter().flat_map(move |dates| {
            let rows = dates.table.offsets[customer as usize]..dates.table.offsets[customer as usize + 1];
            rows.map(move |row| dates.term(row))
        })
    }

    /// The base of a cut-off in order of customer, and whether each left within the horizon.
    pub fn base(&self, cutoff: Cutoff) -> (Vec<u32>, Vec<bool>) {
        self.bases(&[cutoff]).pop().unwrap_or_default()
    }

    /// The same of each of several cut-offs.
    pub fn bases(&self, cutoffs: &[Cutoff]) -> Vec<(Vec<u32>, Vec<bool>)> {
        // What came of a customer at one cut-off is at hand for the next.
        let of_chunk = |chunk: Vec<u32>| {
            let mut bases = vec![(Vec::new(), Vec::new()); cutoffs.len()];
            for customer in chunk {
                let timeline = Timeline::new(customer, &self.exports.events, &self.exports.profiles);
                for (cutoff, (customers, labels)) in cutoffs.iter().zip(&mut bases) {
                    let (history, future) = timeline.split(*cutoff, self.horizon);
                    if self.standing(&history) == Standing::Base {
                        customers.push(customer);
                        labels.push(self.left(&future));
                    }
                }
            }
            bases
        };
        let chunks: Vec<Vec<(Vec<u32>, Vec<bool>)>> = (0..self.exports.customers.len() as u32).into_par_iter().chunks(CHUNK).map(of_chunk).collect();
        let mut bases = vec![(Vec::new(), Vec::new()); cutoffs.len()];
        for chunk in chunks {
            for ((customers, labels), (more, their_labels)) in bases.iter_mut().zip(chunk) {
                customers.extend(more);
                labels.extend(their_labels);
            }
        }
        bases
    }
}

/// Customers that one task looks at.
const CHUNK: usize = 256;

pub(super) fn subscription_dates<'a>(exports: &'a Exports, start: &str, end: &str) -> Result<SubscriptionDates<'a>> {
    for (number, table) in exports.profiles.iter().enumerate() {
        let date = |name: &str| {
            // Where an earlier source has a column of that name, this one's goes by its number as well.
            let numbered = numbered_name(name, number);
            table.columns.iter().find(|column| column.name == name || column.name == numbered).and_then(|column| match &column.values {
                ProfileValues::Date(values) => Some(values.as_slice()),
                _ => None,
            })
        };
        if let (Some(start), Some(end)) = (date(start), date(end)) {
            return Ok(SubscriptionDates { table, start, end });
        }
    }
    Err(Error::config(format!(
        "subscription names the columns \"{start}\" and \"{end}\"; expected two dates of one [[profiles]] source: list them under dates"
    )))
}
