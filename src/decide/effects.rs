//! What past offers brought: the mean difference between customers who got an offer and those who did not, offer by offer.
//!
//! In: past treatments with their responses. Out: for each offer the share that responded, the difference to the control customers of the same
//! wave, and an interval. Differences of one offer are pooled over its waves by inverse variance; those of all offers are then pulled
//! towards their common mean as far as their noise asks for (random effects: DerSimonian and Laird, 1986). Offers without a control
//! group have a share and no difference: what they change is not known. Where the past contacts carry it, the difference departs from its mean by
//! customer: see [`super::personal`].

use super::covariates::Covariates;
use super::personal::{Departure, Trial};
use super::regression::Design;
use crate::config::{Config, Definition, Response, Span};
use crate::decide::catalogue::moment;
use crate::error::Result;
use crate::exports::{Exports, TextTable};
use crate::snapshot::FeatureMatrix;
use crate::snapshot::label::{ChurnRule, Standing};
use crate::timeline::{Cutoff, History, Moment, Timeline};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Customers on each side of a comparison at least.
const LEAST: f64 = 10.0;
/// Nobody is sure to refuse.
const LEAST_ACCEPTANCE: f64 = 0.001;
/// Control customers of a wave that personal effects are learnt from at most, per treated customer: more add little.
const CONTROLS_PER_TREATED: usize = 4;

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

/// What is known of an offer, for all customers or for one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// Share of the treated that responded.
    pub accept: f64,
    /// Change of the share that responds.
    pub response: Option<Difference>,
    /// Change of the amount that is summed, where the response sums one.
    pub amount: Option<Difference>,
    /// Change of the share that leaves within the horizon, where leaving can be told.
    pub churn: Option<Difference>,
    /// Treated customers it was learnt from; 0 where it stands for an offer never sent.
    pub treated: usize,
}

/// How the effect of one offer departs from its mean by customer.
#[derive(Debug, Clone, Default, PartialEq)]
struct Departures {
    accept: Option<Departure>,
    response: Option<Departure>,
    amount: Option<Departure>,
    churn: Option<Departure>,
}

/// The effects of all offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// By offer, group or arm as treatments name it.
    by_name: BTreeMap<String, Effect>,
    /// What an offer never sent is expected to do.
    overall: Option<Effect>,
    /// By the same names, where effects differ between customers.
    departures: BTreeMap<String, Departures>,
    covariates: Covariates,
    design: Option<Design>,
}

impl Effects {
    /// What an offer does: its own effect, that of its group, or that of all offers; `None` where nothing was ever sent. `row` is the customer's,
    /// from [`Effects::row`]: with it, effects that differ between customers are this customer's.
    pub fn of(&self, offer: &str, group: &str, row: &[f64]) -> Option<Effect> {
        let Some((name, mut effect)) = [offer, group].into_iter().find_map(|name| Some((name, *self.by_name.get(name)?))) else { return self.overall };
        if let Some(departures) = self.departures.get(name).filter(|_| !row.is_empty()) {
            let depart = |difference: &mut Option<Difference>, departure: &Option<Departure>| {
                if let (Some(difference), Some(departure)) = (difference.as_mut(), departure) {
                    difference.mean += departure.of(row);
                }
            };
            depart(&mut effect.response, &departures.response);
            depart(&mut effect.amount, &departures.amount);
            depart(&mut effect.churn, &departures.churn);
            effect.accept += departures.accept.as_ref().map_or(0.0, |departure| departure.of(row));
            effect.accept = effect.accept.clamp(LEAST_ACCEPTANCE, 1.0);
        }
        Some(effect)
    }

    /// The same with the doubt about what is this customer's own in its errors: dearer, for rows that are written.
    pub fn with_doubt(&self, offer: &str, group: &str, row: &[f64]) -> Option<Effect> {
        let mut effect = self.of(offer, group, row)?;
        let departures = [offer, group].into_iter().filter(|name| self.by_name.contains_key(*name)).take(1).find_map(|name| self.departures.get(name));
        if let Some(departures) = departures.filter(|_| !row.is_empty()) {
            let widen = |difference: &mut Option<Difference>, departure: &Option<Departure>| {
                if let (Some(difference), Some(departure)) = (difference.as_mut(), departure) {
                    difference.error = (difference.error.powi(2) + departure.variance(row)).sqrt();
                }
            };
            widen(&mut effect.response, &departures.response);
            widen(&mut effect.amount, &departures.amount);
            widen(&mut effect.churn, &departures.churn);
        }
        Some(effect)
    }

    /// What effects may depend on, of one customer; empty where no effect differs between customers.
    pub fn row(&self, exports: &Exports, history: &History<'_>) -> Vec<f64> {
        match &self.design {
            Some(design) => design.row(self.covariates.row(exports, history).into_iter()),
            None => Vec::new(),
        }
    }

    /// The offers whose effect differs between customers.
    pub fn personal(&self) -> impl Iterator<Item = &str> {
        let differs = |departures: &Departures| departures.response.is_some() || departures.amount.is_some() || departures.churn.is_some();
        self.departures.iter().filter(move |(_, departures)| differs(departures)).map(|(name, _)| name.as_str())
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
    /// Of those in the base whose horizon is over.
    left: Sums,
}

impl Side {
    fn add(&mut self, case: &Case<'_>) {
        self.responses.add(case.responded);
        self.amounts.add(case.amount);
        if let Some(left) = case.left {
            self.left.add(left);
        }
    }
}

/// A customer of a past wave and what followed.
#[derive(Debug, Clone, Copy)]
struct Case<'p> {
    /// Which `[[treatments]]`.
    source: usize,
    wave: &'p str,
    /// What was sent; `None` for a control customer.
    name: Option<&'p str>,
    customer: Option<u32>,
    time: Option<Moment>,
    /// 1 for a response.
    responded: f64,
    amount: f64,
    /// 1 for who left within the horizon; `None` outside the base, or before the horizon is over.
    left: Option<f64>,
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
fn cases<'p>(config: &Config, exports: &Exports, past: &'p [Past], end: Cutoff) -> Result<Vec<Case<'p>>> {
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
        let outcomes =
            Outcomes { exports, response, table: &exports.treatments, until: exports.treatments.column("until"), goal: config.decide.goal.as_deref() };
        let own: Vec<&Past> = past.iter().filter(|past| exports.treatments.sources[past.row] == number).collect();
        let mut waves: BTreeMap<&str, (Option<&Past>, Vec<u32>)> = BTreeMap::new();
        for past in &own {
            let wave = waves.entry(&past.wave).or_default();
            wave.0.get_or_insert(past);
            wave.1.extend(past.customer);
        }
        let case = |wave, name, customer, time, row| {
            let (responded, amount) = outcomes.of(customer, time, row, end)?;
            Some(Case { source: number, wave, name, customer, time, responded: f64::from(u8::from(responded)), amount, left: left(customer, time) })
        };
        let sent =
            own.par_iter().map(|past| case(past.wave.as_str(), (!past.is_control).then_some(past.name.as_str()), past.customer, past.time, Some(past.row)));
        cases.extend(sent.collect::<Vec<_>>().into_iter().flatten());
        if source.control.as_deref() == Some("not_sent") {
            for (wave, (first, mut sent)) in waves {
                let Some((row, time)) = first.and_then(|past| Some((past.row, past.time?))) else { continue };
                sent.sort_unstable();
                let others = (0..exports.customers.len() as u32).into_par_iter().filter(|customer| sent.binary_search(customer).is_err());
                let controls = others.map(|customer| {
                    // Only customers who were there: others could not have been sent anything.
                    let (history, _) = Timeline::new(customer, &exports.events, &[]).split(time, Span::days(0));
                    history.events().next()?;
                    case(wave, None, Some(customer), Some(time), Some(row))
                });
                cases.extend(controls.collect::<Vec<_>>().into_iter().flatten());
            }
        }
    }
    Ok(cases)
}

/// Learns the effects from everything that was over before a day.
///
/// # Errors
/// 78 when a subscription names a column that is no date of the profiles, 70 where a regression has no solution.
pub fn effects(config: &Config, exports: &Exports, past: &[Past], end: Cutoff) -> Result<Effects> {
    let cases = cases(config, exports, past, end)?;
    let sums_amounts = config
        .treatments
        .iter()
        .filter_map(|source| source.response.as_ref())
        .any(|response| matches!(response, Response::Events { sum: Some(_), .. } | Response::Columns(_)));
    let mut treated: BTreeMap<(usize, &str, &str), Side> = BTreeMap::new();
    let mut control: BTreeMap<(usize, &str), Side> = BTreeMap::new();
    for case in &cases {
        match case.name {
            Some(name) => treated.entry((case.source, case.wave, name)).or_default().add(case),
            None => control.entry((case.source, case.wave)).or_default().add(case),
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
        return Ok(Effects::default());
    }
    let accepted = all.iter().map(|(side, _)| side.responses.sum).sum::<f64>() / total;
    let responses = pooled(&by_name, |side| side.responses);
    let amounts = if sums_amounts { pooled(&by_name, |side| side.amounts) } else { BTreeMap::new() };
    let churns = pooled(&by_name, |side| side.left);
    let (response_mean, responses) = shrunk(responses);
    let (amount_mean, amounts) = shrunk(amounts);
    let (churn_mean, churns) = shrunk(churns);
    let effects = by_name.iter().map(|(name, waves)| {
        let count = waves.iter().map(|(side, _)| side.responses.count).sum::<f64>();
        let hits = waves.iter().map(|(side, _)| side.responses.sum).sum::<f64>();
        // Ten customers' worth of what all offers have together keeps a small offer from claiming all or nothing.
        let accept = (hits + 10.0 * accepted) / (count + 10.0);
        let effect = Effect {
            accept,
            response: responses.get(*name).copied().or(response_mean),
            amount: amounts.get(*name).copied().or(amount_mean),
            churn: churns.get(*name).copied().or(churn_mean),
            treated: count as usize,
        };
        ((*name).to_owned(), effect)
    });
    let overall = Some(Effect { accept: accepted, response: response_mean, amount: amount_mean, churn: churn_mean, treated: 0 });
    let mut effects = Effects { by_name: effects.collect(), overall, ..Effects::default() };
    learn_departures(config, exports, &cases, sums_amounts, &mut effects)?;
    Ok(effects)
}

/// Learns for each offer how its effect differs between customers, from the waves that had controls.
fn learn_departures(config: &Config, exports: &Exports, cases: &[Case<'_>], sums_amounts: bool, effects: &mut Effects) -> Result<()> {
    let mut waves: BTreeMap<(usize, &str), (Vec<usize>, BTreeMap<&str, Vec<usize>>)> = BTreeMap::new();
    for (place, case) in cases.iter().enumerate().filter(|(_, case)| case.customer.is_some() && case.time.is_some()) {
        let wave = waves.entry((case.source, case.wave)).or_default();
        match case.name {
            None => wave.0.push(place),
            Some(name) => wave.1.entry(name).or_default().push(place),
        }
    }
    // The controls that count are drawn by their place, evenly: the same for everyone who looks.
    for (controls, sent) in waves.values_mut() {
        let most = (CONTROLS_PER_TREATED * sent.values().map(Vec::len).sum::<usize>()).max(1);
        let step = controls.len().div_ceil(most).max(1);
        *controls = controls.iter().copied().step_by(step).collect();
    }
    waves.retain(|_, (controls, sent)| controls.len() as f64 >= LEAST && !sent.is_empty());
    let mut used: Vec<usize> = waves.values().flat_map(|(controls, sent)| controls.iter().chain(sent.values().flatten()).copied()).collect();
    used.sort_unstable();
    if used.is_empty() {
        return Ok(());
    }
    let covariates = Covariates::new(exports, &config.churn.kinds);
    let known: Vec<Vec<f64>> = used
        .par_iter()
        .map(|place| {
            let (customer, time) = (cases[*place].customer.unwrap_or(0), cases[*place].time.unwrap_or(Moment(i64::MAX)));
            covariates.row(exports, &Timeline::new(customer, &exports.events, &exports.profiles).split(time, Span::days(0)).0)
        })
        .collect();
    let design = Design::learn(&FeatureMatrix::from_rows(covariates.specs.clone(), known.iter().map(Vec::as_slice)));
    let row = |place: usize| used.binary_search(&place).map(|at| design.row(known[at].iter().copied())).unwrap_or_default();
    let names: Vec<String> = effects.by_name.keys().cloned().collect();
    for name in names {
        let trial = |outcome: &dyn Fn(&Case<'_>) -> Option<f64>| {
            let mut trial = Trial::default();
            for (controls, sent) in waves.values() {
                let Some(sent) = sent.get(name.as_str()) else { continue };
                let side = |places: &[usize]| places.iter().filter_map(|place| Some((*place, outcome(&cases[*place])?))).collect::<Vec<_>>();
                let (with, without) = (side(sent), side(controls));
                if with.is_empty() || without.is_empty() {
                    continue;
                }
                let share = with.len() as f64 / (with.len() + without.len()) as f64;
                for (is_treated, places) in [(true, with), (false, without)] {
                    for (place, outcome) in places {
                        trial.rows.push(row(place));
                        trial.treated.push(is_treated);
                        trial.propensity.push(share);
                        trial.outcome.push(outcome);
                    }
                }
            }
            trial
        };
        let seed = config.project.seed;
        let responses = trial(&|case| Some(case.responded));
        let departures = Departures {
            accept: responses.acceptance()?,
            response: responses.departure(seed)?,
            amount: if sums_amounts { trial(&|case| Some(case.amount)).departure(seed)? } else { None },
            churn: trial(&|case| case.left).departure(seed)?,
        };
        if departures != Departures::default() {
            effects.departures.insert(name, departures);
        }
    }
    if !effects.departures.is_empty() {
        (effects.covariates, effects.design) = (covariates, Some(design));
    }
    Ok(())
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
