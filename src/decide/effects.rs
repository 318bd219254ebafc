//! What past offers brought: the mean difference between customers who got an offer and those who did not, offer by offer.
//!
//! In: past treatments with their responses. Out: for each offer the share that responded, the difference to the control customers of the same
//! wave, and an interval. Differences of one offer are pooled over its waves by inverse variance; those of all offers are then pulled
//! towards their common mean as far as their noise asks for (random effects: DerSimonian and Laird, 1986). Offers without a control
//! group have a share and no difference: what they change is not known. Where the past contacts carry it, the difference departs from its mean by
//! customer: see [`super::personal`].

use super::cases::{Case, Usual, cases};
use super::covariates::Covariates;
use super::past::Past;
use super::personal::{self, Departure, Learnt, Trial};
use super::pooling::{Difference, Estimate, Expected, LEAST, Sums, TINY, pooled, shrunk};
use super::regression::{Design, ridge};
use super::sending::Channels;
use super::trials::{Outcome, Trials};
use crate::config::{Config, Definition, Response};
use crate::error::Result;
use crate::exports::Exports;
use crate::timeline::{Cutoff, History};
use faer::Mat;
use std::collections::BTreeMap;

/// Ridge of the model of leaving without a response, in rows.
const SILENCE_RIDGE: f64 = 50.0;
/// Nobody's effect on leaving is more than so many times the mean one.
const MOST_TIMES: f64 = 5.0;
/// Nobody is sure to refuse.
const LEAST_ACCEPTANCE: f64 = 0.001;

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
        let silent: Vec<(&[f64], f64)> = trials.controls().filter(|(case, _)| case.responded < 0.5).filter_map(|(case, row)| Some((row, case.left?))).collect();
        if (silent.len() as f64) < LEAST {
            return Ok(Silence::default());
        }
        let width = silent[0].0.len();
        let design = Mat::from_fn(silent.len(), width, |row, column| silent[row].0[column]);
        let left = Mat::from_fn(silent.len(), 1, |row, _| silent[row].1);
        let coefficients = ridge(&design, &vec![1.0; silent.len()], &left, SILENCE_RIDGE)?;
        let mut silence = Silence { coefficients: (0..width).map(|column| coefficients[(column, 0)]).collect(), passed_on: 1.0 };
        // Before anything is seen, any share from none to all is as likely: mean 1/2, variance 1/12.
        let (mut product, mut square) = (12.0 * 0.5, 12.0);
        for name in trials.names() {
            let left = trials.of(name, |case, _| case.left).mean(config.project.seed)?;
            let foretold = trials.of(name, |case, row| case.left.map(|_| (1.0 - case.responded) * silence.of(row))).mean(config.project.seed)?;
            if let (Some(left), Some(foretold)) = (left, foretold) {
                let weight = 1.0 / left.variance().max(TINY);
                product += weight * left.mean * foretold.mean;
                square += weight * foretold.mean.powi(2);
            }
        }
        silence.passed_on = (product / square).clamp(0.0, 1.0);
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
        let beyond = effect.churn?.times(times);
        let Some(response) = effect.response.filter(|_| self.silence.is_known()) else { return Some(beyond) };
        // All who leave are among those who do not respond.
        let silent = self.silence.passed_on * (risk / (1.0 - effect.accept + response.mean).clamp(LEAST_ACCEPTANCE, 1.0)).min(1.0);
        Some(beyond.plus(response.times(-silent)))
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

/// Responses and amounts of one side of one wave.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    responses: Sums,
    /// Beyond the mean amount of those who respond.
    amounts: Sums,
    /// Of those in the base whose horizon is over: leaving beyond what the lack of a response foretells.
    left: Sums,
}

impl Side {
    /// `row` is the case's row of the design, where it has one.
    fn add(&mut self, case: &Case<'_>, per_response: f64, silence: &Silence, row: Option<&[f64]>) {
        self.responses.add(case.responded);
        self.amounts.add(case.beyond(per_response));
        if let Some(left) = row.map_or(case.left, |row| silence.beyond(case, row)) {
            self.left.add(left);
        }
    }
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
    let (responded, amount) = cases.iter().fold((0.0, 0.0), |(responded, amount), case| (responded + case.responded, amount + case.amount));
    let per_response = if responded > 0.0 { amount / responded } else { 0.0 };
    let mut treated: BTreeMap<(usize, &str, &str), Side> = BTreeMap::new();
    let mut control: BTreeMap<(usize, &str), Side> = BTreeMap::new();
    for (place, case) in cases.iter().enumerate() {
        let side = match case.name {
            Some(name) => treated.entry((case.source, case.wave, name)).or_default(),
            None => control.entry((case.source, case.wave)).or_default(),
        };
        side.add(case, per_response, &silence, trials.as_ref().and_then(|trials| trials.row(place)));
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
        let seed = config.project.seed;
        let learn = |outcome: &Outcome<'_>| -> Result<Vec<Option<Learnt>>> {
            let of_outcome: Vec<Trial<'_>> = names.iter().map(|name| trials.of(name, outcome)).collect();
            personal::effects(&of_outcome, &trials.design, seed)
        };
        let settle = |means: Vec<Option<Estimate>>, known: &mut BTreeMap<&str, Estimate>| {
            for (name, mean) in names.iter().zip(means) {
                if let (Some(known), Some(mean)) = (known.get_mut(*name), mean) {
                    *known = mean;
                }
            }
        };
        let means = |learnt: &[Option<Learnt>]| learnt.iter().map(|learnt| learnt.as_ref().map(|learnt| learnt.mean)).collect();
        let of_response = learn(&|case, _| Some(case.responded))?;
        settle(means(&of_response), &mut responses);
        let of_churn = learn(&|case, row| silence.beyond(case, row))?;
        settle(means(&of_churn), &mut churns);
        let mut of_amount: Vec<Option<Learnt>> = names.iter().map(|_| None).collect();
        if sums_amounts {
            let beyond = |name: &&str| trials.of(name, |case, _| Some(case.beyond(per_response))).mean(seed);
            settle(names.iter().map(beyond).collect::<Result<_>>()?, &mut amounts);
            of_amount = learn(&|case, _| Some(case.amount))?;
        }
        let departure = |learnt: Option<Learnt>| learnt.and_then(|learnt| learnt.departure);
        for (name, ((response, amount), churn)) in names.iter().zip(of_response.into_iter().zip(of_amount).zip(of_churn)) {
            let (response, amount, churn) = (departure(response), departure(amount), departure(churn));
            // What is beyond the response is too noisy to be told apart by customer.
            let churn = churn.filter(|_| !silence.is_known());
            let accept = trials.of(name, |case, _| Some(case.responded)).acceptance()?;
            let amount = amount.or_else(|| response.as_ref().map(|response| response.times(per_response)));
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
    let (response_mean, responses) = shrunk(responses, Expected::Anything);
    let (amount_mean, amounts) = shrunk(amounts, Expected::Nothing);
    let (churn_mean, churns) = shrunk(churns, if effects.silence.is_known() { Expected::Nothing } else { Expected::Anything });
    // What the change of the response brings, and what is beyond it.
    let whole = |beyond: Option<Difference>, response: Option<Difference>| Some(beyond?.plus(response?.times(per_response)));
    let of_all = by_name.iter().map(|(name, waves)| {
        let count = waves.iter().map(|(side, _)| side.responses.count).sum::<f64>();
        let hits = waves.iter().map(|(side, _)| side.responses.sum).sum::<f64>();
        // Ten customers' worth of what all offers have together keeps a small offer from claiming all or nothing.
        let accept = (hits + 10.0 * accepted) / (count + 10.0);
        let response = responses.get(*name).copied().or(response_mean);
        let effect = Effect {
            accept,
            response,
            amount: whole(amounts.get(*name).copied().or(amount_mean), response),
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
    effects.overall = Some(Effect { accept: accepted, response: response_mean, amount: whole(amount_mean, response_mean), churn: churn_mean, treated: 0 });
    Ok(effects)
}
