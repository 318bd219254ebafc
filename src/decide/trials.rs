//! Waves that kept a control group out: cases side by side, with what was known of their customers on the day.

use super::cases::Case;
use super::covariates::Covariates;
use super::personal::Trial;
use super::pooling::{LEAST, Sums};
use super::regression::Design;
use crate::config::Config;
use crate::error::Result;
use crate::exports::Exports;
use crate::snapshot::FeatureMatrix;
use crate::timeline::{Cutoff, Moment, Timeline};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Control customers of a wave that personal effects are learnt from at most, per treated customer: more add little.
const CONTROLS_PER_TREATED: usize = 4;

/// An outcome of a case, given its row of the design.
pub(super) type Outcome<'o> = dyn Fn(&Case<'_>, &[f64]) -> Option<f64> + 'o;

/// The places of the cases of a wave.
#[derive(Debug, Default)]
struct Wave<'c> {
    controls: Vec<usize>,
    /// The treated, by offer.
    sent: BTreeMap<&'c str, Vec<usize>>,
}

/// The waves that had controls, with what was known of their customers on the day.
pub(super) struct Trials<'c> {
    cases: &'c [Case<'c>],
    /// In order of source and name.
    waves: Vec<Wave<'c>>,
    pub(super) covariates: Covariates,
    pub(super) design: Design,
    /// Places that are used, ascending, and the row of each.
    used: Vec<usize>,
    rows: Vec<Vec<f64>>,
}

impl<'c> Trials<'c> {
    pub(super) fn new(config: &Config, exports: &Exports, cases: &'c [Case<'c>], end: Cutoff) -> Result<Option<Trials<'c>>> {
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
            return Ok(None);
        }
        let covariates = Covariates::learn(exports, &config.churn, end);
        let bound = covariates.bind(exports, &config.churn.kinds)?;
        let known: Vec<Vec<f64>> = used
            .par_iter()
            .map(|place| {
                let (customer, time) = (cases[*place].customer.unwrap_or(0), cases[*place].time.unwrap_or(Moment(i64::MAX)));
                bound.row(&Timeline::new(customer, &exports.events, &exports.profiles).before(time))
            })
            .collect();
        let design = Design::learn(&FeatureMatrix::from_rows(covariates.specs(), known.iter().map(Vec::as_slice)));
        let rows = known.into_par_iter().map(|known| design.row(known.into_iter())).collect();
        Ok(Some(Trials { cases, waves: waves.into_values().collect(), covariates, design, used, rows }))
    }

    /// The row of a case, where it is used.
    pub(super) fn row(&self, place: usize) -> Option<&[f64]> {
        self.used.binary_search(&place).ok().map(|at| self.rows[at].as_slice())
    }

    /// The offers sent.
    pub(super) fn names(&self) -> BTreeSet<&'c str> {
        self.waves.iter().flat_map(|wave| wave.sent.keys().copied()).collect()
    }

    /// All customers, treated and not, each with its row of the design.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Case<'c>, &[f64])> {
        self.used.iter().zip(&self.rows).map(|(place, row)| (&self.cases[*place], row.as_slice()))
    }

    /// The control customers, each with its row of the design.
    pub(super) fn controls(&self) -> impl Iterator<Item = (&Case<'c>, &[f64])> {
        self.all().filter(|(case, _)| case.name.is_none())
    }

    /// Share of the control customers that left, where any did.
    pub(super) fn leaving_rate(&self) -> Option<f64> {
        let mut left = Sums::default();
        self.controls().filter_map(|(case, _)| case.left).for_each(|own| left.add(own));
        Some(left.mean()).filter(|rate| *rate > 0.0)
    }

    /// One outcome of one offer.
    pub(super) fn of(&self, name: &str, outcome: impl Fn(&Case<'_>, &[f64]) -> Option<f64>) -> Trial<'_> {
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
