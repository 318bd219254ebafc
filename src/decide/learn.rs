//! What past offers brought: the mean difference between customers who got an offer and those who did not, offer by offer.
//!
//! In: past treatments with their responses. Out: [`Effects`]: for each offer the share that responded, the difference to the control customers of the same
//! wave, and an interval. Differences of one offer are pooled over its waves by inverse variance; those of all offers are then pulled
//! towards their common mean as far as their noise asks for (random effects: DerSimonian and Laird, 1986). Offers without a control
//! group have a share and no difference: what they change is not known. Where the past contacts carry it, the difference departs from its mean by
//! customer: see [`super::personal`].

use super::cases::{Case, Usual, cases};
use super::effects::{Departures, Effect, Effects, Ground};
use super::past::Past;
use super::personal::{self, Departure, Learnt, Trial};
use super::pooling::{Difference, Estimate, Expected, LEAST, Sums, pooled, shrunk};
use super::readiness::Readiness;
use super::silence::Silence;
use super::trials::{Outcome, Trials};
use crate::config::{Config, Response};
use crate::error::Result;
use crate::exports::Exports;
use crate::snapshot::learned::RARE;
use crate::timeline::Cutoff;
use std::collections::BTreeMap;

/// Customers' worth of what all offers have together, which keeps a small offer from claiming that all or nobody accepts it.
const PRIOR_CONTACTS: f64 = 10.0;

/// Learns the effects from every contact that was over before a day; `None` where nothing was ever sent.
///
/// # Errors
/// 78 when a subscription names a column that is no date of the profiles, 70 where a regression has no solution.
pub fn learn(config: &Config, exports: &Exports, past: &[Past], end: Cutoff) -> Result<Option<Effects>> {
    let responses = || config.treatments.iter().filter_map(|source| source.response.as_ref());
    let in_orders = responses().count() > 0 && responses().all(|response| matches!(response, Response::Events { sum: Some(sum), .. } if sum == "amount"));
    let usual = in_orders.then(|| Usual::learn(exports, &config.churn.kinds, end));
    let cases = cases(config, exports, past, end, usual)?;
    let trials = Trials::new(config, exports, &cases, end)?;
    let silence = trials.as_ref().map_or(Ok(Silence::default()), |trials| Silence::learn(config, trials))?;
    let (responded, amount) = cases.iter().fold((0.0, 0.0), |(responded, amount), case| (responded + case.responded, amount + case.amount));
    let outcomes = Outcomes {
        silence,
        are_summed: responses().any(|response| matches!(response, Response::Events { sum: Some(_), .. } | Response::Columns(_))),
        per_response: if responded > 0.0 { amount / responded } else { 0.0 },
        seed: config.project.seed,
    };
    let by_name = waves(&cases, trials.as_ref(), &outcomes);
    let total = by_name.values().flatten().map(|(side, _)| side.responses.count).sum::<f64>();
    if total <= 0.0 {
        return Ok(None);
    }
    let accepted = by_name.values().flatten().map(|(side, _)| side.responses.sum).sum::<f64>() / total;
    let mut means = Means {
        responses: pooled(&by_name, |side| side.responses),
        amounts: if outcomes.are_summed { pooled(&by_name, |side| side.amounts) } else { BTreeMap::new() },
        churns: pooled(&by_name, |side| side.left),
    };
    let mut effects = Effects { usual, ..Effects::default() };
    if let Some(trials) = trials {
        let names: Vec<&str> = by_name.keys().copied().collect();
        effects.readiness = Readiness::learn(&trials)?;
        effects.departures = apart(&trials, &names, &outcomes, &mut means)?;
        effects.leaving_rate = trials.leaving_rate().filter(|_| effects.departures.values().all(|own| own.churn.is_none()));
        if !effects.departures.is_empty() || outcomes.silence.is_known() || effects.readiness.is_known() {
            effects.ground = Some(Ground { covariates: trials.covariates, design: trials.design });
        }
    }
    let (response_mean, responses) = shrunk(means.responses, Expected::Anything);
    let (amount_mean, amounts) = shrunk(means.amounts, Expected::Nothing);
    let (churn_mean, churns) = shrunk(means.churns, if outcomes.silence.is_known() { Expected::Nothing } else { Expected::Anything });
    let overall = Effect { accept: accepted, response: response_mean, amount: outcomes.whole(amount_mean, response_mean), churn: churn_mean, treated: 0 };
    effects.overall = Some(overall);
    for (name, waves) in &by_name {
        let count = waves.iter().map(|(side, _)| side.responses.count).sum::<f64>();
        let hits = waves.iter().map(|(side, _)| side.responses.sum).sum::<f64>();
        let response = responses.get(*name).copied().or(response_mean);
        let effect = Effect {
            accept: (hits + PRIOR_CONTACTS * accepted) / (count + PRIOR_CONTACTS),
            response,
            amount: outcomes.whole(amounts.get(*name).copied().or(amount_mean), response),
            churn: churns.get(*name).copied().or(churn_mean),
            treated: count as usize,
        };
        effects.by_name.insert((*name).to_owned(), effect);
    }
    let channel = exports.treatments.column("channel");
    for case in &cases {
        if let (Some(name), Some(channel)) = (case.name, case.row.and_then(|row| exports.treatments.text(row, channel))) {
            effects.channels.add(channel, effects.by_name[name].accept, case.responded);
        }
    }
    forget_rare(&mut effects, &cases);
    effects.silence = outcomes.silence;
    Ok(Some(effects))
}

/// Offers that fewer than [`RARE`] customers got are those never sent: they say next to nothing of their own, and a code made for one customer would name them.
fn forget_rare(effects: &mut Effects, cases: &[Case<'_>]) {
    let mut customers: BTreeMap<&str, Vec<(Option<u32>, usize)>> = BTreeMap::new();
    for (place, case) in cases.iter().enumerate() {
        if let Some(name) = case.name {
            // Who is not known by id counts as somebody else each time.
            customers.entry(name).or_default().push((case.customer, if case.customer.is_some() { 0 } else { place }));
        }
    }
    for (name, mut own) in customers {
        own.sort_unstable();
        own.dedup();
        if own.len() < RARE {
            effects.by_name.remove(name);
            effects.departures.remove(name);
        }
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
    fn add(&mut self, case: &Case<'_>, outcomes: &Outcomes, row: Option<&[f64]>) {
        self.responses.add(case.responded);
        self.amounts.add(case.beyond(outcomes.per_response));
        if let Some(left) = row.map_or(case.left, |row| outcomes.silence.beyond(case, row)) {
            self.left.add(left);
        }
    }
}

/// What is compared between the sides.
struct Outcomes {
    silence: Silence,
    /// Whether responses sum amounts.
    are_summed: bool,
    /// Mean amount of a response.
    per_response: f64,
    seed: u64,
}

impl Outcomes {
    /// The change of an amount: what the change of the response brings, and what is beyond it.
    fn whole(&self, beyond: Option<Difference>, response: Option<Difference>) -> Option<Difference> {
        Some(beyond?.plus(response?.times(self.per_response)))
    }
}

/// The mean differences of each offer.
struct Means<'n> {
    responses: BTreeMap<&'n str, Estimate>,
    /// Beyond what the change of the response brings.
    amounts: BTreeMap<&'n str, Estimate>,
    /// Beyond what the change of the response brings.
    churns: BTreeMap<&'n str, Estimate>,
}

/// By offer, its waves: those who got it, and the control customers where both sides are large enough.
fn waves<'c>(cases: &[Case<'c>], trials: Option<&Trials<'_>>, outcomes: &Outcomes) -> BTreeMap<&'c str, Vec<(Side, Option<Side>)>> {
    let mut treated: BTreeMap<(usize, &str, &str), Side> = BTreeMap::new();
    let mut control: BTreeMap<(usize, &str), Side> = BTreeMap::new();
    for (place, case) in cases.iter().enumerate() {
        let side = match case.name {
            Some(name) => treated.entry((case.source, case.wave, name)).or_default(),
            None => control.entry((case.source, case.wave)).or_default(),
        };
        side.add(case, outcomes, trials.and_then(|trials| trials.row(place)));
    }
    let mut by_name: BTreeMap<&str, Vec<(Side, Option<Side>)>> = BTreeMap::new();
    for ((source, wave, name), side) in treated {
        let beside = control.get(&(source, wave)).copied().filter(|control| control.responses.count >= LEAST && side.responses.count >= LEAST);
        by_name.entry(name).or_default().push((side, beside));
    }
    by_name
}

/// Where there are enough customers, what was known of them takes noise out of the mean differences, and tells who departs from them.
fn apart(trials: &Trials<'_>, names: &[&str], outcomes: &Outcomes, means: &mut Means<'_>) -> Result<BTreeMap<String, Departures>> {
    let Outcomes { silence, per_response, seed, .. } = outcomes;
    let learn = |outcome: &Outcome<'_>| -> Result<Vec<Option<Learnt>>> {
        let of_outcome: Vec<Trial<'_>> = names.iter().map(|name| trials.of(name, outcome)).collect();
        personal::effects(&of_outcome, &trials.design, *seed)
    };
    let settle = |known: &mut BTreeMap<&str, Estimate>, means: Vec<Option<Estimate>>| {
        for (name, mean) in names.iter().zip(means) {
            if let (Some(known), Some(mean)) = (known.get_mut(*name), mean) {
                *known = mean;
            }
        }
    };
    let means_of = |learnt: &[Option<Learnt>]| learnt.iter().map(|learnt| learnt.as_ref().map(|learnt| learnt.mean)).collect();
    let of_response = learn(&|case, _| Some(case.responded))?;
    settle(&mut means.responses, means_of(&of_response));
    let of_churn = learn(&|case, row| silence.beyond(case, row))?;
    settle(&mut means.churns, means_of(&of_churn));
    let mut of_amount: Vec<Option<Learnt>> = names.iter().map(|_| None).collect();
    if outcomes.are_summed {
        let beyond = |name: &&str| trials.of(name, |case, _| Some(case.beyond(*per_response))).mean(*seed);
        settle(&mut means.amounts, names.iter().map(beyond).collect::<Result<_>>()?);
        of_amount = learn(&|case, _| Some(case.amount))?;
    }
    let departure = |learnt: Option<Learnt>| -> Option<Departure> { learnt?.departure };
    let mut departures = BTreeMap::new();
    for (name, ((response, amount), churn)) in names.iter().zip(of_response.into_iter().zip(of_amount).zip(of_churn)) {
        let (response, amount, churn) = (departure(response), departure(amount), departure(churn));
        let own = Departures {
            amount: amount.or_else(|| response.as_ref().map(|response| response.times(*per_response))),
            response,
            // What is beyond the response is too noisy to be told apart by customer.
            churn: churn.filter(|_| !silence.is_known()),
        };
        if own != Departures::default() {
            departures.insert((*name).to_owned(), own);
        }
    }
    Ok(departures)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::decide::cases::Case;

    #[test]
    fn a_code_made_for_one_customer_is_not_kept() {
        let case = |name, customer| Case { source: 0, wave: "w", name, customer, time: None, row: None, responded: 0.0, amount: 0.0, left: None };
        let mut cases: Vec<Case<'_>> = (0..40).map(|customer| case(Some("F10"), Some(customer))).collect();
        // One customer got her own code twenty times; another code went to ten who are not known by id.
        cases.extend((0..20).map(|_| case(Some("ANNA-10"), Some(3))));
        cases.extend((0..10).map(|_| case(Some("LEAFLET"), None)));
        cases.extend((0..30).map(|customer| case(None, Some(customer))));
        let effect = Effect { accept: 0.1, response: None, amount: None, churn: None, treated: 1 };
        let mut effects = Effects::default();
        for name in ["F10", "ANNA-10", "LEAFLET"] {
            effects.by_name.insert(name.into(), effect);
            effects.departures.insert(name.into(), Departures::default());
        }
        forget_rare(&mut effects, &cases);
        assert_eq!(effects.by_name.keys().collect::<Vec<_>>(), ["F10", "LEAFLET"]);
        assert_eq!(effects.departures.keys().collect::<Vec<_>>(), ["F10", "LEAFLET"]);
    }
}
