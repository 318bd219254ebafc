//! What followed past treatments, and what followed where nothing was sent.

use super::catalogue::moment;
use super::past::{Origin, Past};
use crate::config::{Config, Definition, Response, Span};
use crate::error::Result;
use crate::exports::{Exports, TextTable, is_yes};
use crate::snapshot::label::{ChurnRule, Standing};
use crate::timeline::{Cutoff, History, Moment, Timeline};
use bincode::{Decode, Encode};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The mean amount of an order, over all customers.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub(super) struct Usual {
    overall: f64,
}

impl Usual {
    /// The mean over all events of the kinds that count as alive; lines at one time are one order.
    pub(super) fn learn(exports: &Exports, kinds: &[String], end: Cutoff) -> Usual {
        let sums: Vec<(f64, f64)> = (0..exports.customers.len() as u32)
            .into_par_iter()
            .map(|customer| orders(&Timeline::new(customer, &exports.events, &[]).before(end), kinds))
            .collect();
        let (count, amount) = sums.iter().fold((0.0, 0.0), |(count, amount), own| (count + own.0, amount + own.1));
        Usual { overall: if count > 0.0 { amount / count } else { 0.0 } }
    }

    /// A customer's usual order: their mean, with one order of the overall mean beside it, so that one small order does not make a small customer.
    pub(super) fn of(self, history: &History<'_>, kinds: &[String]) -> f64 {
        let (count, amount) = orders(history, kinds);
        (amount.max(0.0) + self.overall) / (count + 1.0)
    }

    /// Whether it is a number.
    pub(super) fn is_finite(self) -> bool {
        self.overall.is_finite()
    }
}

/// Number of orders and what was paid for them.
fn orders(history: &History<'_>, kinds: &[String]) -> (f64, f64) {
    let names = &history.store().kinds;
    let (mut last, mut count, mut amount) = (None, 0.0, 0.0);
    for event in history.events().filter(|event| kinds.contains(&names[usize::from(event.kind())])) {
        if last.replace(event.time()) != Some(event.time()) {
            count += 1.0;
        }
        amount += event.amount().unwrap_or(0.0);
    }
    (count, amount)
}

/// A customer of a past wave and what followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'p> {
    /// Which `[[treatments]]`.
    pub(super) source: usize,
    pub(super) wave: &'p str,
    /// What was sent; `None` for a control customer.
    pub(super) name: Option<&'p str>,
    pub(super) customer: Option<u32>,
    pub(super) time: Option<Moment>,
    /// The row in the table of treatments; for a control customer who was not sent anything, one of the wave; `None` where a list alone tells of it.
    pub(super) row: Option<usize>,
    /// 1 for a response.
    pub(super) responded: f64,
    pub(super) amount: f64,
    /// 1 for who left within the horizon; `None` outside the base, or before the horizon is over.
    pub(super) left: Option<f64>,
}

impl Case<'_> {
    /// The amount less what a response brings on average.
    ///
    /// Amounts are noisier than responses, mostly by how large the orders are of those who would have ordered anyway, which no offer changes much: told apart from
    /// the responses, that noise can be pulled away.
    pub(super) fn beyond(&self, per_response: f64) -> f64 {
        self.amount - per_response * self.responded
    }
}

/// What a customer answered to something sent by a channel.
pub(super) struct Answer<'p> {
    pub(super) customer: u32,
    pub(super) name: &'p str,
    pub(super) channel: &'p str,
    /// 1 for a response.
    pub(super) responded: f64,
}

/// What customers answered, of all that was over before a day and says its channel, in the order of the table.
pub(super) fn answers<'p>(config: &Config, exports: &'p Exports, past: &'p [Past], end: Cutoff) -> Vec<Answer<'p>> {
    let table = &exports.treatments;
    let Some(channel) = table.column("channel") else { return Vec::new() };
    let of = |past: &'p Past| {
        let response = config.treatments[table.sources[past.row]].response.as_ref()?;
        let (customer, channel) = (past.customer?, table.text(past.row, Some(channel))?);
        let (responded, _) = Outcomes::new(config, exports, response).of(past.customer, past.time, Some(past.row), end)?;
        Some(Answer { customer, name: &past.name, channel, responded: f64::from(u8::from(responded)) })
    };
    past.par_iter().filter(|past| !past.is_control).map(of).collect::<Vec<_>>().into_iter().flatten().collect()
}

/// Reads the outcome of a customer from a day on.
struct Outcomes<'a> {
    exports: &'a Exports,
    response: &'a Response,
    table: &'a TextTable,
    until: Option<usize>,
    goal: Option<&'a str>,
}

impl<'a> Outcomes<'a> {
    fn new(config: &'a Config, exports: &'a Exports, response: &'a Response) -> Outcomes<'a> {
        Outcomes { exports, response, table: &exports.treatments, until: exports.treatments.column("until"), goal: config.decide.goal.as_deref() }
    }

    /// Whether the customer responded and how much was summed; `None` where the time to respond is not over.
    fn of(&self, customer: Option<u32>, time: Option<Moment>, row: Option<usize>, end: Cutoff) -> Option<(bool, f64)> {
        match self.response {
            Response::Columns(columns) => {
                let name = columns.iter().find(|(name, _)| Some(name.as_str()) == self.goal).or(columns.first()).map(|(name, _)| name)?;
                let text = self.table.text(row?, self.table.column(&format!("response.{name}"))).unwrap_or("0");
                let value = text.parse::<f64>().unwrap_or_else(|_| f64::from(u8::from(is_yes(text) == Some(true))));
                Some((value > 0.0, value))
            }
            Response::Events { kinds, sum, within, .. } => {
                let time = time?;
                let last = row.and_then(|row| self.table.text(row, self.until)).and_then(moment).map(Moment::next_day);
                let until = match (within.map(|within| time.plus(within)), last) {
                    (Some(a), Some(b)) => a.min(b),
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) => return None,
                };
                if until > end {
                    return None;
                }
                let horizon = Span { seconds: until.0 - time.0 };
                let store = &self.exports.events;
                let (_, future) = Timeline::new(customer?, store, &[]).split(time, horizon);
                let (mut responded, mut total) = (false, 0.0);
                for event in future.events().filter(|event| kinds.iter().any(|kind| *kind == store.kinds[usize::from(event.kind())])) {
                    responded = true;
                    total += match sum.as_deref() {
                        Some("amount") => event.amount(),
                        Some("quantity") => event.quantity(),
                        Some("discount") => event.discount(),
                        Some("score") => event.score(),
                        Some(_) => None,
                        None => Some(1.0),
                    }
                    .unwrap_or(0.0);
                }
                Some((responded, total))
            }
        }
    }
}

/// Everything that was over before a day, in the order of the table; control customers of `not_sent` at the end of each source.
pub(super) fn cases<'p>(config: &Config, exports: &Exports, past: &'p [Past], end: Cutoff, usual: Option<Usual>) -> Result<Vec<Case<'p>>> {
    let rule = match config.churn.definition {
        Definition::Inactivity | Definition::Subscription { .. } => Some(ChurnRule::new(exports, &config.churn)?),
        Definition::Label | Definition::None => None,
    };
    let left = |customer: Option<u32>, time: Option<Moment>| {
        let (rule, customer, time) = (rule.as_ref()?, customer?, time?);
        if time.plus(config.churn.horizon) > end {
            return None;
        }
        let (history, future) = Timeline::new(customer, &exports.events, &exports.profiles).split(time, config.churn.horizon);
        (rule.standing(&history) == Standing::Base).then(|| f64::from(u8::from(rule.left(&future))))
    };
    let mut cases = Vec::new();
    for (number, source) in config.treatments.iter().enumerate() {
        let Some(response) = &source.response else { continue };
        let outcomes = Outcomes::new(config, exports, response);
        let own: Vec<&Past> = past.iter().filter(|past| exports.treatments.sources[past.row] == number).collect();
        let mut waves: BTreeMap<&str, (Option<&Past>, Vec<u32>)> = BTreeMap::new();
        for past in &own {
            let wave = waves.entry(&past.wave).or_default();
            wave.0.get_or_insert(past);
            wave.1.extend(past.customer);
        }
        let case = |wave, name, customer, time, row: Option<usize>| {
            let (responded, mut amount) = outcomes.of(customer, time, row, end)?;
            if let (Some(usual), Some(customer), Some(time)) = (usual, customer, time) {
                let order = usual.of(&Timeline::new(customer, &exports.events, &[]).before(time), &config.churn.kinds);
                amount = if order > 0.0 { amount / order } else { 0.0 };
            }
            Some(Case { source: number, wave, name, customer, time, row, responded: f64::from(u8::from(responded)), amount, left: left(customer, time) })
        };
        let sent = own.par_iter().map(|past| {
            let case = case(past.wave.as_str(), (!past.is_control).then_some(past.name.as_str()), past.customer, past.time, Some(past.row))?;
            Some(Case { row: case.row.filter(|_| past.origin != Origin::List), ..case })
        });
        cases.extend(sent.collect::<Vec<_>>().into_iter().flatten());
        if source.control.as_deref() == Some("not_sent") {
            for (wave, (first, mut sent)) in waves {
                // Who else was kept out of a list is known.
                let Some((row, time)) = first.filter(|past| past.origin == Origin::Treatments).and_then(|past| Some((past.row, past.time?))) else { continue };
                sent.sort_unstable();
                let others = (0..exports.customers.len() as u32).into_par_iter().filter(|customer| sent.binary_search(customer).is_err());
                let controls = others.map(|customer| {
                    // Only customers who were there: others could not have been sent anything.
                    let history = Timeline::new(customer, &exports.events, &[]).before(time);
                    history.events().next()?;
                    case(wave, None, Some(customer), Some(time), Some(row))
                });
                cases.extend(controls.collect::<Vec<_>>().into_iter().flatten());
            }
        }
    }
    Ok(cases)
}
