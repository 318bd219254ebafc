//! What past offers brought: the mean difference between customers who got an offer and those who did not, offer by offer.
//!
//! In: past treatments with their responses. Out: for each offer the share that responded, the difference to the control customers of the same
//! wave, and an interval. Differences of one offer are pooled over its waves by inverse variance; those of all offers are then pulled
//! towards their common mean as far as their noise asks for (random effects: DerSimonian and Laird, 1986). Offers without a control
//! group have a share and no difference: what they change is not known.

use crate::config::{Config, Response};
use crate::decide::catalogue::moment;
use crate::exports::{Exports, TextTable};
use crate::timeline::{Cutoff, Moment, Timeline};
use std::collections::BTreeMap;

/// Customers on each side of a comparison at least.
const LEAST: f64 = 10.0;

/// A difference with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Treated minus control, per contact.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
}

impl Difference {
    /// The 95 % interval.
    pub fn interval(&self) -> (f64, f64) {
        (self.mean - 1.96 * self.error, self.mean + 1.96 * self.error)
    }
}

/// What is known of an offer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// Share of the treated that responded.
    pub accept: f64,
    /// Change of the share that responds.
    pub response: Option<Difference>,
    /// Change of the amount that is summed, where the response sums one.
    pub amount: Option<Difference>,
    /// Treated customers it was learnt from; 0 where it stands for an offer never sent.
    pub treated: usize,
}

/// The effects of all offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// By offer, group or arm as treatments name it.
    by_name: BTreeMap<String, Effect>,
    /// What an offer never sent is expected to do.
    overall: Option<Effect>,
}

impl Effects {
    /// What an offer does: its own effect, that of its group, or that of all offers; `None` where nothing was ever sent.
    pub fn of(&self, offer: &str, group: &str) -> Option<Effect> {
        self.by_name.get(offer).or_else(|| self.by_name.get(group)).copied().or(self.overall)
    }
    /// Whether any difference to a control group is known.
    pub fn are_measured(&self) -> bool {
        self.overall.is_some_and(|effect| effect.response.is_some())
    }
}

/// One past treatment, or a control customer of a wave.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Who; `None` for a customer the other exports do not know.
    pub customer: Option<u32>,
    /// The offer, else the group, else the arm.
    pub name: String,
    /// When; `None` without a time.
    pub time: Option<Moment>,
    /// The wave: as said, else the day.
    pub wave: String,
    /// Whether this customer was kept out.
    pub is_control: bool,
    /// Paid for the contact.
    pub contact_cost: Option<f64>,
    /// The row in the table of treatments.
    pub row: usize,
}

/// The treatments of the exports before a day (all of them without a day of their own), in the order of the table.
pub fn past(config: &Config, exports: &Exports, before: Cutoff) -> Vec<Past> {
    let table = &exports.treatments;
    let at = |key: &str| table.column(key);
    let (customer, offer, group, arm, time) = (at("customer"), at("offer"), at("offer_group"), at("arm"), at("time"));
    let (wave, cost) = (at("wave"), at("contact_cost"));
    (0..table.rows.len())
        .filter_map(|row| {
            let source = config.treatments.get(table.sources[row])?;
            let time = table.text(row, time).and_then(moment);
            if time.is_some_and(|time| time >= before) {
                return None;
            }
            let id = table.text(row, customer)?;
            let arm = table.text(row, arm);
            let name = table.text(row, offer).or(table.text(row, group)).or(arm).unwrap_or_default().to_owned();
            // The arm is the control; or, in a table that marks controls apart, nothing was sent.
            let is_control = source.control.as_deref().is_some_and(|control| control != "not_sent" && (arm == Some(control) || name == control));
            Some(Past {
                customer: exports.customers.binary_search_by(|known| known.as_bytes().cmp(id.as_bytes())).ok().map(|customer| customer as u32),
                name,
                time,
                wave: table.text(row, wave).map_or_else(|| time.map(Moment::date).unwrap_or_default(), str::to_owned),
                is_control,
                contact_cost: table.text(row, cost).and_then(|text| text.parse().ok()),
                row,
            })
        })
        .collect()
}

/// Count, sum and sum of squares.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }
    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }
    /// Variance of the mean; of a share that is 0 or 1 at least that of one case more.
    fn variance_of_mean(&self) -> f64 {
        let variance = (self.squares - self.sum * self.sum / self.count.max(1.0)).max(0.0) / (self.count - 1.0).max(1.0);
        (variance / self.count.max(1.0)).max(1.0 / (self.count + 2.0).powi(3))
    }
}

/// Responses and amounts of one side of one wave.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    responses: Sums,
    amounts: Sums,
}

impl Side {
    fn add(&mut self, (responded, amount): (bool, f64)) {
        self.responses.add(f64::from(u8::from(responded)));
        self.amounts.add(amount);
    }
}

/// Reads the outcome of a customer from a day on.
struct Outcomes<'a> {
    exports: &'a Exports,
    response: &'a Response,
    table: &'a TextTable,
    until: Option<usize>,
    goal: Option<&'a str>,
}

impl Outcomes<'_> {
    /// Whether the customer responded and how much was summed; `None` where the time to respond is not over.
    fn of(&self, customer: Option<u32>, time: Option<Moment>, row: Option<usize>, end: Cutoff) -> Option<(bool, f64)> {
        match self.response {
            Response::Columns(columns) => {
                let name = columns.iter().find(|(name, _)| Some(name.as_str()) == self.goal).or(columns.first()).map(|(name, _)| name)?;
                let text = self.table.text(row?, self.table.column(&format!("response.{name}"))).unwrap_or("0");
                let value = text.parse::<f64>().unwrap_or_else(|_| f64::from(u8::from(super::eligibility::is_yes(text) == Some(true))));
                Some((value > 0.0, value))
            }
            Response::Events { kinds, sum, within, .. } => {
                let time = time?;
                let last = row.and_then(|row| self.table.text(row, self.until)).and_then(moment).map(|day| Moment(day.start_of_day().0 + 86_400));
                let until = match (within.map(|within| time.plus(within)), last) {
                    (Some(a), Some(b)) => a.min(b),
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) => return None,
                };
                if until > end {
                    return None;
                }
                let horizon = crate::config::Span { seconds: until.0 - time.0 };
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

/// Learns the effects from everything that was over before a day.
pub fn effects(config: &Config, exports: &Exports, past: &[Past], end: Cutoff) -> Effects {
    let mut treated: BTreeMap<(usize, &str, &str), Side> = BTreeMap::new();
    let mut control: BTreeMap<(usize, &str), Side> = BTreeMap::new();
    let mut sums_amounts = false;
    for (number, source) in config.treatments.iter().enumerate() {
        let Some(response) = &source.response else { continue };
        let outcomes =
            Outcomes { exports, response, table: &exports.treatments, until: exports.treatments.column("until"), goal: config.decide.goal.as_deref() };
        sums_amounts |= matches!(response, Response::Events { sum: Some(_), .. } | Response::Columns(_));
        let own: Vec<&Past> = past.iter().filter(|past| exports.treatments.sources[past.row] == number).collect();
        let mut waves: BTreeMap<&str, (Option<&Past>, Vec<u32>)> = BTreeMap::new();
        for past in own {
            let wave = waves.entry(&past.wave).or_default();
            wave.0.get_or_insert(past);
            wave.1.extend(past.customer);
            let Some(outcome) = outcomes.of(past.customer, past.time, Some(past.row), end) else { continue };
            if past.is_control {
                control.entry((number, &past.wave)).or_default().add(outcome);
            } else {
                treated.entry((number, &past.wave, &past.name)).or_default().add(outcome);
            }
        }
        if source.control.as_deref() == Some("not_sent") {
            for (wave, (first, mut sent)) in waves {
                let Some(time) = first.and_then(|past| past.time) else { continue };
                sent.sort_unstable();
                let side = control.entry((number, wave)).or_default();
                for customer in (0..exports.customers.len() as u32).filter(|customer| sent.binary_search(customer).is_err()) {
                    // Only customers who were there: others could not have been sent anything.
                    let (history, _) = Timeline::new(customer, &exports.events, &[]).split(time, crate::config::Span::days(0));
                    if history.events().next().is_none() {
                        continue;
                    }
                    if let Some(outcome) = outcomes.of(Some(customer), Some(time), first.map(|past| past.row), end) {
                        side.add(outcome);
                    }
                }
            }
        }
    }
    let mut by_name: BTreeMap<&str, Vec<(Side, Option<Side>)>> = BTreeMap::new();
    for ((source, wave, name), side) in &treated {
        let beside = control.get(&(*source, *wave)).copied().filter(|control| control.responses.count >= LEAST && side.responses.count >= LEAST);
        by_name.entry(name).or_default().push((*side, beside));
    }
    let all: Vec<&(Side, Option<Side>)> = by_name.values().flatten().collect();
    let total = all.iter().map(|(side, _)| side.responses.count).sum::<f64>();
    if total <= 0.0 {
        return Effects::default();
    }
    let accepted = all.iter().map(|(side, _)| side.responses.sum).sum::<f64>() / total;
    let responses = pooled(&by_name, |side| side.responses);
    let amounts = if sums_amounts { pooled(&by_name, |side| side.amounts) } else { BTreeMap::new() };
    let (response_mean, responses) = shrunk(responses);
    let (amount_mean, amounts) = shrunk(amounts);
    let effects = by_name.iter().map(|(name, waves)| {
        let count = waves.iter().map(|(side, _)| side.responses.count).sum::<f64>();
        let hits = waves.iter().map(|(side, _)| side.responses.sum).sum::<f64>();
        // Ten customers' worth of what all offers have together keeps a small offer from claiming all or nothing.
        let accept = (hits + 10.0 * accepted) / (count + 10.0);
        let effect = Effect {
            accept,
            response: responses.get(*name).copied().or(response_mean),
            amount: amounts.get(*name).copied().or(amount_mean),
            treated: count as usize,
        };
        ((*name).to_owned(), effect)
    });
    let by_name = effects.collect();
    Effects { by_name, overall: Some(Effect { accept: accepted, response: response_mean, amount: amount_mean, treated: 0 }) }
}

/// The difference of each offer over its waves, by inverse variance.
fn pooled<'n>(by_name: &BTreeMap<&'n str, Vec<(Side, Option<Side>)>>, of: fn(&Side) -> Sums) -> BTreeMap<&'n str, Difference> {
    by_name
        .iter()
        .filter_map(|(name, waves)| {
            let differences: Vec<(f64, f64)> = waves
                .iter()
                .filter_map(|(side, control)| {
                    let (treated, control) = (of(side), of(control.as_ref()?));
                    Some((treated.mean() - control.mean(), treated.variance_of_mean() + control.variance_of_mean()))
                })
                .collect();
            let weight: f64 = differences.iter().map(|(_, variance)| 1.0 / variance).sum();
            (weight > 0.0).then(|| {
                let mean = differences.iter().map(|(mean, variance)| mean / variance).sum::<f64>() / weight;
                (*name, Difference { mean, error: (1.0 / weight).sqrt() })
            })
        })
        .collect()
}

/// Differences pulled towards their common mean, and what is expected of an offer never seen.
fn shrunk(differences: BTreeMap<&str, Difference>) -> (Option<Difference>, BTreeMap<&str, Difference>) {
    let count = differences.len() as f64;
    if differences.is_empty() {
        return (None, differences);
    }
    let weights: Vec<f64> = differences.values().map(|difference| 1.0 / difference.error.powi(2)).collect();
    let total: f64 = weights.iter().sum();
    let mean = differences.values().zip(&weights).map(|(difference, weight)| difference.mean * weight).sum::<f64>() / total;
    let spread: f64 = differences.values().zip(&weights).map(|(difference, weight)| weight * (difference.mean - mean).powi(2)).sum();
    let between = ((spread - (count - 1.0)) / (total - weights.iter().map(|weight| weight * weight).sum::<f64>() / total)).max(0.0);
    let between = if between.is_finite() { between } else { 0.0 };
    let weights: Vec<f64> = differences.values().map(|difference| 1.0 / (difference.error.powi(2) + between)).collect();
    let total: f64 = weights.iter().sum();
    let mean = differences.values().zip(&weights).map(|(difference, weight)| difference.mean * weight).sum::<f64>() / total;
    let variance_of_mean = 1.0 / total;
    let own = differences
        .into_iter()
        .map(|(name, difference)| {
            let noise = difference.error.powi(2);
            let trust = between / (between + noise);
            let shrunk = Difference { mean: mean + trust * (difference.mean - mean), error: (trust * noise + (1.0 - trust).powi(2) * variance_of_mean).sqrt() };
            (name, shrunk)
        })
        .collect();
    (Some(Difference { mean, error: (variance_of_mean + between).sqrt() }), own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_that_differ_only_by_noise_are_taken_to_be_equal() {
        let difference = |mean: f64, error: f64| Difference { mean, error };
        let (mean, own) = shrunk([("a", difference(0.02, 0.01)), ("b", difference(0.03, 0.01)), ("c", difference(0.025, 0.02))].into());
        assert!(own.values().all(|own| (own.mean - mean.map_or(0.0, |mean| mean.mean)).abs() < 1e-12));
    }

    #[test]
    fn offers_that_differ_beyond_noise_keep_their_difference() {
        let difference = |mean: f64| Difference { mean, error: 0.005 };
        let (mean, own) = shrunk([("good", difference(0.10)), ("none", difference(0.0)), ("bad", difference(-0.08))].into());
        assert!(own["good"].mean > 0.098 && own["bad"].mean < -0.078);
        // Of an offer never sent little is known.
        assert!(mean.is_some_and(|mean| mean.error > 0.04));
    }
}
