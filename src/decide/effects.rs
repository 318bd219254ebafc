//! What past offers brought: the mean difference between customers who got an offer and those who did not, offer by offer.
//!
//! In: past treatments with their responses. Out: for each offer the share that responded, the difference to the control customers of the same
//! wave, and an interval. Differences of one offer are pooled over its waves by inverse variance; those of all offers are then pulled
//! towards their common mean as far as their noise asks for (random effects: DerSimonian and Laird, 1986). Offers without a control
//! group have a share and no difference: what they change is not known. Where the past contacts carry it, the difference departs from its mean by
//! customer: see [`super::personal`].

use super::covariates::Covariates;
use super::personal::{self, Departure, Learnt, Trial};
use super::regression::{Design, ridge};
use super::sending::Channels;
use crate::config::{Config, Definition, Response, Span};
use crate::decide::catalogue::moment;
use crate::error::Result;
use crate::exports::{Exports, TextTable};
use crate::snapshot::FeatureMatrix;
use crate::snapshot::label::{ChurnRule, Standing};
use crate::timeline::{Cutoff, History, Moment, Timeline};
use faer::Mat;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Customers on each side of a comparison at least.
const LEAST: f64 = 10.0;
/// Ridge of the model of leaving without a response, in rows.
const SILENCE_RIDGE: f64 = 50.0;
/// Offers from which on an outlier among them can be told.
const ENOUGH: usize = 5;
/// See [`shrunk`].
const MOST_PULLED: f64 = 1.5;
/// Nobody's effect on leaving is more than so many times the mean one.
const MOST_TIMES: f64 = 5.0;
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
    /// Change of what is summed, where the response sums amounts: in usual orders of the customer, so that large and small customers can be
    /// taken together; of another number, or of a column, as it stands.
    pub amount: Option<Difference>,
    /// Change of the share that leaves within the horizon, where leaving can be told, beyond what the change of the response brings: see
    /// [`Effects::leaving`].
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
    /// Where amounts are in usual orders.
    usual: Option<Usual>,
    silence: Silence,
    /// Share of the control customers that left; `None` where that is not known, or where effects on leaving are told apart by customer.
    leaving_rate: Option<f64>,
    /// What channels did to the responses.
    pub channels: Channels,
}

/// How likely a customer leaves who did not respond.
///
/// Where a response is a sign of life, who responds has not left: `left = (1 - responded) * left`. So a change of the response changes leaving by
/// `- change * k * q`, with `q` the share that leaves among those who did not respond and `k` at most 1: whom an offer moves is rather one who would have bought
/// later than one who had left already. `k` is the slope of the offers' effects on leaving over their effects on `(1 - responded) * q` (a surrogate: Prentice
/// 1989). Told apart from it, what remains of the effect on leaving is small and can be pulled towards what all offers have in common: leaving is seen
/// months later and is the noisiest of the outcomes.
#[derive(Debug, Clone, Default, PartialEq)]
struct Silence {
    /// Coefficients on the design; empty where a response is no sign of life.
    coefficients: Vec<f64>,
    /// `k`.
    passed_on: f64,
}

impl Silence {
    /// Learns `q` from the control customers.
    fn learn(config: &Config, trials: &Trials<'_>) -> Result<Silence> {
        let is_life = |response: &Response| match response {
            Response::Events { kinds, within: Some(within), .. } => {
                kinds.iter().all(|kind| config.churn.kinds.contains(kind)) && within.seconds <= config.churn.horizon.seconds
            }
            Response::Events { .. } | Response::Columns(_) => false,
        };
        let responses: Vec<&Response> = config.treatments.iter().filter_map(|source| source.response.as_ref()).collect();
        if config.churn.definition != Definition::Inactivity || !responses.iter().all(|response| is_life(response)) {
            return Ok(Silence::default());
        }
        let silent: Vec<(&[f64], f64)> = trials
            .used
            .iter()
            .zip(&trials.rows)
            .filter(|(place, _)| trials.cases[**place].name.is_none() && trials.cases[**place].responded < 0.5)
            .filter_map(|(place, row)| Some((row.as_slice(), trials.cases[*place].left?)))
            .collect();
        if (silent.len() as f64) < LEAST {
            return Ok(Silence::default());
        }
        let width = silent[0].0.len();
        let design = Mat::from_fn(silent.len(), width, |row, column| silent[row].0[column]);
        let left = Mat::from_fn(silent.len(), 1, |row, _| silent[row].1);
        let coefficients = ridge(&design, &vec![1.0; silent.len()], &left, SILENCE_RIDGE)?;
        let mut silence = Silence { coefficients: (0..width).map(|column| coefficients[(column, 0)]).collect(), passed_on: 1.0 };
        let (mut product, mut square) = (0.0, 0.0);
        for name in trials.names() {
            let left = trials.of(name, |case, _| case.left).mean(config.project.seed)?;
            let foretold = trials.of(name, |case, row| case.left.map(|_| (1.0 - case.responded) * silence.of(row))).mean(config.project.seed)?;
            if let (Some(left), Some(foretold)) = (left, foretold) {
                let weight = 1.0 / left.error.powi(2).max(1e-12);
                product += weight * left.mean * foretold.mean;
                square += weight * foretold.mean.powi(2);
            }
        }
        silence.passed_on = if square > 0.0 { (product / square).clamp(0.0, 1.0) } else { 0.0 };
        Ok(silence)
    }

    /// Whether a response is a sign of life.
    fn is_known(&self) -> bool {
        !self.coefficients.is_empty()
    }

    /// Leaving less what the lack of a response foretells.
    fn beyond(&self, case: &Case<'_>, row: &[f64]) -> Option<f64> {
        case.left.map(|left| left - (1.0 - case.responded) * self.of(row))
    }

    /// By how much a response of one like this lowers the probability of leaving.
    fn of(&self, row: &[f64]) -> f64 {
        self.passed_on * row.iter().zip(&self.coefficients).map(|(value, coefficient)| value * coefficient).sum::<f64>().clamp(0.0, 1.0)
    }
}

/// What effects depend on, of one customer on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Standpoint {
    /// A row of the design; empty where no effect differs between customers.
    row: Vec<f64>,
    /// What one unit of the amount is in money: the customer's usual order where amounts are counted in orders, else 1.
    pub unit: f64,
}

/// The mean amount of an order, over all customers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Usual {
    overall: f64,
}

impl Usual {
    /// The mean over all events of the kinds that count as alive; lines at one time are one order.
    fn learn(exports: &Exports, kinds: &[String], end: Cutoff) -> Usual {
        let sums: Vec<(f64, f64)> = (0..exports.customers.len() as u32)
            .into_par_iter()
            .map(|customer| orders(&Timeline::new(customer, &exports.events, &[]).split(end, Span::days(0)).0, kinds))
            .collect();
        let (count, amount) = sums.iter().fold((0.0, 0.0), |(count, amount), own| (count + own.0, amount + own.1));
        Usual { overall: if count > 0.0 { amount / count } else { 0.0 } }
    }

    /// A customer's usual order: their mean, with one order of the overall mean beside it, so that one small order does not make a small customer.
    fn of(self, history: &History<'_>, kinds: &[String]) -> f64 {
        let (count, amount) = orders(history, kinds);
        (amount.max(0.0) + self.overall) / (count + 1.0)
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

impl Effects {
    /// What an offer does: its own effect, that of its group, or that of all offers; `None` where nothing was ever sent. Effects
    /// that differ between customers are this customer's; their doubt is not in the errors.
    pub fn of(&self, offer: &str, group: &str, at: &Standpoint) -> Option<Effect> {
        let Some((mut effect, departures)) = self.known(offer, group, at) else { return self.overall };
        if let Some(departures) = departures {
            let depart = |difference: &mut Option<Difference>, departure: &Option<Departure>| {
                if let (Some(difference), Some(departure)) = (difference.as_mut(), departure) {
                    difference.mean += departure.of(&at.row);
                }
            };
            depart(&mut effect.response, &departures.response);
            depart(&mut effect.amount, &departures.amount);
            depart(&mut effect.churn, &departures.churn);
            effect.accept += departures.accept.as_ref().map_or(0.0, |departure| departure.of(&at.row));
            effect.accept = effect.accept.clamp(LEAST_ACCEPTANCE, 1.0);
        }
        Some(effect)
    }

    /// The same with the doubt about what is this customer's own in its errors: dearer, for rows that are written.
    pub fn with_doubt(&self, offer: &str, group: &str, at: &Standpoint) -> Option<Effect> {
        let mut effect = self.of(offer, group, at)?;
        if let Some((_, Some(departures))) = self.known(offer, group, at) {
            let widen = |difference: &mut Option<Difference>, departure: &Option<Departure>| {
                if let (Some(difference), Some(departure)) = (difference.as_mut(), departure) {
                    difference.error = (difference.error.powi(2) + departure.variance(&at.row)).sqrt();
                }
            };
            widen(&mut effect.response, &departures.response);
            widen(&mut effect.amount, &departures.amount);
            widen(&mut effect.churn, &departures.churn);
        }
        Some(effect)
    }

    /// The mean effect that an offer goes by, its own or its group's, and how it differs between customers where that is known.
    fn known(&self, offer: &str, group: &str, at: &Standpoint) -> Option<(Effect, Option<&Departures>)> {
        let (name, effect) = [offer, group].into_iter().find_map(|name| Some((name, *self.by_name.get(name)?)))?;
        Some((effect, self.departures.get(name).filter(|_| !at.row.is_empty())))
    }

    /// What effects depend on, of one customer. `kinds` count as alive.
    pub fn standpoint(&self, exports: &Exports, history: &History<'_>, kinds: &[String]) -> Standpoint {
        let row = self.design.as_ref().map(|design| design.row(self.covariates.row(exports, history).into_iter())).unwrap_or_default();
        Standpoint { row, unit: self.usual.map_or(1.0, |usual| usual.of(history, kinds)) }
    }

    /// The change of a probability of leaving: what the change of the response brings, and what is beyond it.
    ///
    /// The latter goes with the risk: ratios differ less between people than differences do (Deeks 2002), nobody can be kept more often than they would have
    /// left, and who is worth most is mostly who leaves least.
    pub fn leaving(&self, effect: &Effect, risk: f64) -> Option<Difference> {
        let times = self.leaving_rate.map_or(1.0, |rate| (risk / rate).min(MOST_TIMES));
        let beyond = effect.churn.map(|beyond| Difference { mean: times * beyond.mean, error: times * beyond.error })?;
        let Some(response) = effect.response.filter(|_| self.silence.is_known()) else { return Some(beyond) };
        // All who leave are among those who do not respond.
        let silent = self.silence.passed_on * (risk / (1.0 - effect.accept + response.mean).clamp(LEAST_ACCEPTANCE, 1.0)).min(1.0);
        Some(Difference { mean: beyond.mean - response.mean * silent, error: (beyond.error.powi(2) + (response.error * silent).powi(2)).sqrt() })
    }

    /// The offers whose effect differs between customers.
    pub fn personal(&self) -> impl Iterator<Item = &str> {
        let differs = |departures: &Departures| departures.response.is_some() || departures.amount.is_some() || departures.churn.is_some();
        self.departures.iter().filter(move |(_, departures)| differs(departures)).map(|(name, _)| name.as_str())
    }

    /// What all offers have in common; `None` where nothing was ever sent.
    pub fn overall(&self) -> Option<Effect> {
        self.overall
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
                customer: exports.customer(id),
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
    /// Of those in the base whose horizon is over: leaving beyond what the lack of a response foretells.
    left: Sums,
}

impl Side {
    /// `row` is the case's row of the design, where it has one.
    fn add(&mut self, case: &Case<'_>, silence: &Silence, row: Option<&[f64]>) {
        self.responses.add(case.responded);
        self.amounts.add(case.amount);
        if let Some(left) = row.map_or(case.left, |row| silence.beyond(case, row)) {
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
    /// The row in the table of treatments; for a control customer who was not sent anything, one of the wave.
    row: Option<usize>,
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
fn cases<'p>(config: &Config, exports: &Exports, past: &'p [Past], end: Cutoff, usual: Option<Usual>) -> Result<Vec<Case<'p>>> {
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
            let (responded, mut amount) = outcomes.of(customer, time, row, end)?;
            if let (Some(usual), Some(customer), Some(time)) = (usual, customer, time) {
                let order = usual.of(&Timeline::new(customer, &exports.events, &[]).split(time, Span::days(0)).0, &config.churn.kinds);
                amount = if order > 0.0 { amount / order } else { 0.0 };
            }
            Some(Case { source: number, wave, name, customer, time, row, responded: f64::from(u8::from(responded)), amount, left: left(customer, time) })
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
    let responses = || config.treatments.iter().filter_map(|source| source.response.as_ref());
    let in_orders = responses().count() > 0 && responses().all(|response| matches!(response, Response::Events { sum: Some(sum), .. } if sum == "amount"));
    let usual = in_orders.then(|| Usual::learn(exports, &config.churn.kinds, end));
    let cases = cases(config, exports, past, end, usual)?;
    let trials = Trials::new(config, exports, &cases);
    let silence = trials.as_ref().map_or(Ok(Silence::default()), |trials| Silence::learn(config, trials))?;
    let sums_amounts = responses().any(|response| matches!(response, Response::Events { sum: Some(_), .. } | Response::Columns(_)));
    let mut treated: BTreeMap<(usize, &str, &str), Side> = BTreeMap::new();
    let mut control: BTreeMap<(usize, &str), Side> = BTreeMap::new();
    for (place, case) in cases.iter().enumerate() {
        let side = match case.name {
            Some(name) => treated.entry((case.source, case.wave, name)).or_default(),
            None => control.entry((case.source, case.wave)).or_default(),
        };
        side.add(case, &silence, trials.as_ref().and_then(|trials| trials.row(place)));
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
    let mut responses = pooled(&by_name, |side| side.responses);
    let mut amounts = if sums_amounts { pooled(&by_name, |side| side.amounts) } else { BTreeMap::new() };
    let mut churns = pooled(&by_name, |side| side.left);
    // Where there are enough customers, what was known of them takes noise out of the mean effect, and tells who departs from it.
    let mut effects = Effects { usual, ..Effects::default() };
    if let Some(trials) = trials {
        let names: Vec<&str> = by_name.keys().copied().collect();
        let learn = |outcome: &Outcome<'_>, means: &mut BTreeMap<&str, Difference>| -> Result<Vec<Option<Departure>>> {
            let of_outcome: Vec<Trial<'_>> = names.iter().map(|name| trials.of(name, outcome)).collect();
            let learnt = personal::effects(&of_outcome, &trials.design, config.project.seed)?;
            let settle = |(name, learnt): (&&str, Option<Learnt>)| {
                let (known, learnt) = means.get_mut(*name).zip(learnt)?;
                *known = learnt.mean;
                learnt.departure
            };
            Ok(names.iter().zip(learnt).map(settle).collect())
        };
        let of_response = learn(&|case, _| Some(case.responded), &mut responses)?;
        let of_amount = learn(&|case, _| Some(case.amount), &mut amounts)?;
        let of_churn = learn(&|case, row| silence.beyond(case, row), &mut churns)?;
        for (name, ((response, amount), churn)) in names.iter().zip(of_response.into_iter().zip(of_amount).zip(of_churn)) {
            // What is beyond the response is too noisy to be told apart by customer.
            let churn = churn.filter(|_| !silence.is_known());
            let accept = trials.of(name, |case, _| Some(case.responded)).acceptance()?;
            let own = Departures { accept, response, amount, churn };
            if own != Departures::default() {
                effects.departures.insert((*name).to_owned(), own);
            }
        }
        effects.leaving_rate = trials.leaving_rate().filter(|_| effects.departures.values().all(|own| own.churn.is_none()));
        if !effects.departures.is_empty() || silence.is_known() {
            (effects.covariates, effects.design) = (trials.covariates, Some(trials.design));
        }
        effects.silence = silence;
    }
    let (response_mean, responses) = shrunk(responses);
    let (amount_mean, amounts) = shrunk(amounts);
    let (churn_mean, churns) = shrunk(churns);
    let of_all = by_name.iter().map(|(name, waves)| {
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
    effects.by_name = of_all.collect();
    let channel = exports.treatments.column("channel");
    for case in &cases {
        if let (Some(name), Some(channel)) = (case.name, case.row.and_then(|row| exports.treatments.text(row, channel))) {
            effects.channels.add(case.customer, channel, effects.by_name[name].accept, case.responded);
        }
    }
    effects.overall = Some(Effect { accept: accepted, response: response_mean, amount: amount_mean, churn: churn_mean, treated: 0 });
    Ok(effects)
}

/// An outcome of a case, given its row of the design.
type Outcome<'o> = dyn Fn(&Case<'_>, &[f64]) -> Option<f64> + 'o;

/// The places of the cases of a wave.
#[derive(Debug, Default)]
struct Wave<'c> {
    controls: Vec<usize>,
    /// The treated, by offer.
    sent: BTreeMap<&'c str, Vec<usize>>,
}

/// The waves that had controls, with what was known of their customers on the day.
struct Trials<'c> {
    cases: &'c [Case<'c>],
    /// In order of source and name.
    waves: Vec<Wave<'c>>,
    covariates: Covariates,
    design: Design,
    /// Places that are used, ascending, and the row of each.
    used: Vec<usize>,
    rows: Vec<Vec<f64>>,
}

impl<'c> Trials<'c> {
    fn new(config: &Config, exports: &Exports, cases: &'c [Case<'c>]) -> Option<Trials<'c>> {
        let mut waves: BTreeMap<(usize, &str), Wave<'c>> = BTreeMap::new();
        for (place, case) in cases.iter().enumerate().filter(|(_, case)| case.customer.is_some() && case.time.is_some()) {
            let wave = waves.entry((case.source, case.wave)).or_default();
            match case.name {
                None => wave.controls.push(place),
                Some(name) => wave.sent.entry(name).or_default().push(place),
            }
        }
        // Of very many controls every so-many-th counts: the same for everyone who looks.
        for Wave { controls, sent } in waves.values_mut() {
            let most = (CONTROLS_PER_TREATED * sent.values().map(Vec::len).sum::<usize>()).max(1);
            let step = controls.len().div_ceil(most).max(1);
            *controls = controls.iter().copied().step_by(step).collect();
        }
        waves.retain(|_, Wave { controls, sent }| controls.len() as f64 >= LEAST && !sent.is_empty());
        let mut used: Vec<usize> = waves.values().flat_map(|Wave { controls, sent }| controls.iter().chain(sent.values().flatten()).copied()).collect();
        used.sort_unstable();
        if used.is_empty() {
            return None;
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
        let rows = known.into_par_iter().map(|known| design.row(known.into_iter())).collect();
        Some(Trials { cases, waves: waves.into_values().collect(), covariates, design, used, rows })
    }

    /// The row of a case, where it is used.
    fn row(&self, place: usize) -> Option<&[f64]> {
        self.used.binary_search(&place).ok().map(|at| self.rows[at].as_slice())
    }

    /// The offers sent.
    fn names(&self) -> BTreeSet<&'c str> {
        self.waves.iter().flat_map(|wave| wave.sent.keys().copied()).collect()
    }

    /// Share of the control customers that left, where any did.
    fn leaving_rate(&self) -> Option<f64> {
        let mut left = Sums::default();
        let controls = self.used.iter().map(|place| &self.cases[*place]).filter(|case| case.name.is_none());
        controls.filter_map(|case| case.left).for_each(|own| left.add(own));
        Some(left.mean()).filter(|rate| *rate > 0.0)
    }

    /// One outcome of one offer.
    fn of(&self, name: &str, outcome: impl Fn(&Case<'_>, &[f64]) -> Option<f64>) -> Trial<'_> {
        let mut trial = Trial::default();
        for Wave { controls, sent } in &self.waves {
            let Some(sent) = sent.get(name) else { continue };
            let side = |places: &[usize]| {
                let known = places.iter().filter_map(|place| Some((&self.cases[*place], self.row(*place)?)));
                known.filter_map(|(case, row)| Some((row, outcome(case, row)?))).collect::<Vec<_>>()
            };
            let (with, without) = (side(sent), side(controls));
            if with.is_empty() || without.is_empty() {
                continue;
            }
            let share = with.len() as f64 / (with.len() + without.len()) as f64;
            for (is_treated, places) in [(true, with), (false, without)] {
                for (row, outcome) in places {
                    trial.rows.push(row);
                    trial.treated.push(is_treated);
                    trial.propensity.push(share);
                    trial.outcome.push(outcome);
                }
            }
        }
        trial
    }
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
///
/// An offer that does something all of its own (one that does harm among many that help) must neither move the others nor be hidden among them: from
/// [`ENOUGH`] offers on, mean and spread are those of the offers within three spreads of the median, and no offer is pulled by more than
/// [`MOST_PULLED`] of its standard errors (limited translation: Efron and Morris 1971).
fn shrunk(differences: BTreeMap<&str, Difference>) -> (Option<Difference>, BTreeMap<&str, Difference>) {
    if differences.is_empty() {
        return (None, differences);
    }
    let all: Vec<Difference> = differences.values().copied().collect();
    let usual: Vec<Difference> = if all.len() < ENOUGH { all } else { without_outliers(all) };
    let count = usual.len() as f64;
    let weights: Vec<f64> = usual.iter().map(|difference| 1.0 / difference.error.powi(2)).collect();
    let total: f64 = weights.iter().sum();
    let mean = usual.iter().zip(&weights).map(|(difference, weight)| difference.mean * weight).sum::<f64>() / total;
    let spread: f64 = usual.iter().zip(&weights).map(|(difference, weight)| weight * (difference.mean - mean).powi(2)).sum();
    let between = ((spread - (count - 1.0)) / (total - weights.iter().map(|weight| weight * weight).sum::<f64>() / total)).max(0.0);
    let between = if between.is_finite() { between } else { 0.0 };
    let weights: Vec<f64> = usual.iter().map(|difference| 1.0 / (difference.error.powi(2) + between)).collect();
    let total: f64 = weights.iter().sum();
    let mean = usual.iter().zip(&weights).map(|(difference, weight)| difference.mean * weight).sum::<f64>() / total;
    let variance_of_mean = 1.0 / total;
    let limited = differences.len() >= ENOUGH;
    let own = differences
        .into_iter()
        .map(|(name, difference)| {
            let noise = difference.error.powi(2);
            let trust = between / (between + noise);
            let mut pulled = (1.0 - trust) * (mean - difference.mean);
            let mut error = (trust * noise + (1.0 - trust).powi(2) * variance_of_mean).sqrt();
            let most = MOST_PULLED * difference.error;
            if limited && pulled.abs() > most {
                (pulled, error) = (pulled.clamp(-most, most), difference.error);
            }
            (name, Difference { mean: difference.mean + pulled, error })
        })
        .collect();
    (Some(Difference { mean, error: (variance_of_mean + between).sqrt() }), own)
}

/// Those within three spreads of the median, the spread being 1.4826 times the median distance from it (that of a normal distribution is 1).
fn without_outliers(all: Vec<Difference>) -> Vec<Difference> {
    let median = |mut values: Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        0.5 * (values[(values.len() - 1) / 2] + values[values.len() / 2])
    };
    let middle = median(all.iter().map(|difference| difference.mean).collect());
    let spread = 1.4826 * median(all.iter().map(|difference| (difference.mean - middle).abs()).collect());
    all.into_iter().filter(|difference| (difference.mean - middle).abs() <= 3.0 * spread.max(difference.error)).collect()
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
    fn an_offer_that_does_harm_neither_moves_the_others_nor_hides_among_them() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let of = |harm: f64| {
            let means = [0.012, -0.008, 0.005, -0.01, 0.003, harm];
            shrunk(names.iter().zip(means).map(|(name, mean)| (*name, Difference { mean, error: 0.01 })).collect()).1
        };
        let (harmless, harmful) = (of(0.0), of(0.12));
        assert!(harmful["f"].mean > 0.1, "{harmful:?}");
        assert!(names[..5].iter().all(|name| (harmful[name].mean - harmless[name].mean).abs() < 0.003), "{harmful:?} {harmless:?}");
        assert!(harmful["a"].mean < 0.006, "{harmful:?}");
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
