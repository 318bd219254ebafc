//! Which arm of an offer test each customer should get, and what that is worth on customers it did not learn from.
//!
//! In: profile features, the arm each customer got and the outcome. Out: a [`Policy`] and its value. The effect of each arm against the best one is
//! learnt by a DR-learner (Kennedy 2023): doubly robust scores `mu_a(x) + 1[A = a] (Y - mu_a(x)) / e_a`, cross-fitted, regressed on the features
//! with a ridge. Effects are small beside noise, and picking the largest of noisy estimates loses; so the policy departs from
//! the best single arm only where its value, cross-fitted over customers that had no part in it, is better by more than two standard errors. The
//! value on other customers is that of inverse propensities, normalised (Hájek): `sum 1[A = pi(x)] Y / e / sum 1[A = pi(x)] / e`.

use super::pooling::{Estimate, Expected, shrunk};
use super::regression::{Design, predict, ridge};
use crate::churn::random::mix;
use crate::error::Result;
use crate::snapshot::FeatureMatrix;
use faer::Mat;
use std::collections::BTreeMap;

/// Parts of the cross-fit.
const PARTS: u64 = 5;
/// Ridge of the outcome models, in rows.
const OUTCOME_RIDGE: f64 = 50.0;
/// Ridges of the effect models that are tried, in rows; beside them the best single arm.
const EFFECT_RIDGES: [f64; 4] = [100.0, 1_000.0, 10_000.0, 100_000.0];
/// Propensities below this are clipped: one customer would count for hundreds.
const LEAST_PROPENSITY: f64 = 0.01;
/// Standard errors by which a personal policy must beat the best single arm: several are tried, and the best of several flatters itself.
const SURE: f64 = 2.0;

/// An offer test: every customer got one arm.
#[derive(Debug, Clone, Default)]
pub struct Experiment {
    /// What was known of each customer before.
    pub features: FeatureMatrix,
    /// Names of the arms; the control first.
    pub arms: Vec<String>,
    /// The arm of each customer.
    pub arm: Vec<usize>,
    /// What followed.
    pub outcome: Vec<f64>,
    /// Probability of the arm each customer got.
    pub propensity: Vec<f64>,
    /// What each arm costs for a customer, in units of the outcome.
    pub cost: Vec<f64>,
}

/// Who gets which arm.
#[derive(Debug, Clone, PartialEq)]
pub enum Policy {
    /// Everyone the same.
    Single(usize),
    /// The arm of the greatest predicted effect.
    Personal(Vec<Vec<f64>>),
}

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Valued {
    /// Mean per customer.
    pub value: f64,
    /// Half the width of the interval.
    pub margin: f64,
}

/// The arm of greatest value in a row; the first of equals.
fn best(row: impl Iterator<Item = f64>) -> usize {
    let mut found = (0, f64::NEG_INFINITY);
    for (arm, value) in row.enumerate() {
        if value > found.1 {
            found = (arm, value);
        }
    }
    found.0
}

impl Experiment {
    /// Some of the customers.
    pub fn select(&self, rows: &[usize]) -> Experiment {
        Experiment {
            features: self.features.select(rows),
            arms: self.arms.clone(),
            arm: rows.iter().map(|row| self.arm[*row]).collect(),
            outcome: rows.iter().map(|row| self.outcome[*row]).collect(),
            propensity: rows.iter().map(|row| self.propensity[*row]).collect(),
            cost: self.cost.clone(),
        }
    }

    /// What a customer's arm brought, its cost taken off.
    fn net(&self, row: usize) -> f64 {
        self.outcome[row] - self.cost[self.arm[row]]
    }

    /// Cross-fitted doubly robust scores: a row per customer, a column per arm.
    fn scores(&self, design: &Mat<f64>, part: &[u64]) -> Result<Mat<f64>> {
        let rows = self.arm.len();
        let outcomes = Mat::from_fn(rows, 1, |row, _| self.outcome[row]);
        let mut scores = Mat::<f64>::zeros(rows, self.arms.len());
        for held in 0..PARTS {
            for arm in 0..self.arms.len() {
                let weights: Vec<f64> = (0..rows).map(|row| f64::from(u8::from(part[row] != held && self.arm[row] == arm))).collect();
                let predicted = predict(design, &ridge(design, &weights, &outcomes, OUTCOME_RIDGE)?);
                for row in (0..rows).filter(|row| part[*row] == held) {
                    let mean = predicted[(row, 0)];
                    let seen = if self.arm[row] == arm { (self.outcome[row] - mean) / self.propensity[row].max(LEAST_PROPENSITY) } else { 0.0 };
                    scores[(row, arm)] = mean + seen - self.cost[arm];
                }
            }
        }
        Ok(scores)
    }

    /// The outcome of each customer with the noise of sizes taken out, for amounts: what a response brings on average where they responded, and what the arm
    /// changes beyond that where it stands out from its noise. An arm mostly moves how many respond; how much each spends tells little of it and has a
    /// long tail. Outcomes of 0 and 1 stay as they are; so do those below 0, which are no responses with a size.
    fn steadied(&self) -> Vec<f64> {
        let responded = |row: usize| f64::from(u8::from(self.outcome[row] > 0.0));
        let rows = self.arm.len();
        let responses: f64 = (0..rows).map(responded).sum();
        if responses < 1.0 || self.outcome.iter().any(|outcome| *outcome < 0.0) {
            return self.outcome.clone();
        }
        let size = self.outcome.iter().sum::<f64>() / responses;
        let beyond = |arm: usize| {
            let own = || (0..rows).filter(move |row| self.arm[*row] == arm);
            let weight = |row: usize| 1.0 / self.propensity[row].max(LEAST_PROPENSITY);
            let total: f64 = own().map(weight).sum();
            let rest = |row: usize| self.outcome[row] - size * responded(row);
            let mean = own().map(|row| weight(row) * rest(row)).sum::<f64>() / total;
            let variance = own().map(|row| (weight(row) * (rest(row) - mean)).powi(2)).sum::<f64>() / (total * total);
            (total > 0.0).then_some(Estimate { mean, own: variance, shared: 0.0 })
        };
        let known: BTreeMap<&str, Estimate> = (0..self.arms.len()).filter_map(|arm| Some((self.arms[arm].as_str(), beyond(arm)?))).collect();
        let (_, known) = shrunk(known, Expected::Nothing);
        (0..rows).map(|row| size * responded(row) + known.get(self.arms[self.arm[row]].as_str()).map_or(0.0, |beyond| beyond.mean)).collect()
    }

    /// Learns who should get which arm.
    ///
    /// # Errors
    /// 70 where a regression has no solution.
    pub fn learn(&self, seed: u64) -> Result<Learnt> {
        Experiment { outcome: self.steadied(), ..self.clone() }.learn_as_it_stands(seed)
    }

    fn learn_as_it_stands(&self, seed: u64) -> Result<Learnt> {
        let design = Design::learn(&self.features);
        let matrix = design.matrix(&self.features);
        let rows = self.arm.len();
        let part: Vec<u64> = (0..rows).map(|row| mix(seed, row as u64) % PARTS).collect();
        let scores = self.scores(&matrix, &part)?;
        let mean = |arm: usize| (0..rows).map(|row| scores[(row, arm)]).sum::<f64>() / rows.max(1) as f64;
        let single = best((0..self.arms.len()).map(mean));
        let mut chosen = (0.0, None);
        for strength in EFFECT_RIDGES {
            // What a policy learnt on the other parts gains over the best single arm, customer by customer.
            let mut gains = vec![0.0; rows];
            for held in 0..PARTS {
                let weights: Vec<f64> = part.iter().map(|own| f64::from(u8::from(*own != held))).collect();
                let effects = self.effects(&matrix, &weights, &scores, single, strength)?;
                let predicted = predict(&matrix, &effects);
                for row in (0..rows).filter(|row| part[*row] == held) {
                    let arm = self.pick(&predicted, row, single);
                    gains[row] = scores[(row, arm)] - scores[(row, single)];
                }
            }
            let mean = gains.iter().sum::<f64>() / rows.max(1) as f64;
            let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (rows.max(2) - 1) as f64;
            let sure = mean - SURE * (variance / rows.max(1) as f64).sqrt();
            if sure > chosen.0 {
                chosen = (sure, Some(strength));
            }
        }
        let policy = match chosen.1 {
            None => Policy::Single(single),
            Some(strength) => {
                let effects = self.effects(&matrix, &vec![1.0; rows], &scores, single, strength)?;
                Policy::Personal((0..effects.ncols()).map(|arm| (0..effects.nrows()).map(|row| effects[(row, arm)]).collect()).collect())
            }
        };
        Ok(Learnt { design, policy, single })
    }

    /// Regressions of each arm's gain over the best single arm.
    fn effects(&self, design: &Mat<f64>, weights: &[f64], scores: &Mat<f64>, single: usize, strength: f64) -> Result<Mat<f64>> {
        let gains = Mat::from_fn(scores.nrows(), self.arms.len(), |row, arm| scores[(row, arm)] - scores[(row, single)]);
        ridge(design, weights, &gains, strength)
    }

    /// The same test with every arm but the control as one.
    fn any_against_none(&self) -> Experiment {
        let mut shares = [0.0_f64; 2];
        self.arm.iter().for_each(|arm| shares[usize::from(*arm > 0)] += 1.0 / self.arm.len().max(1) as f64);
        let arm: Vec<usize> = self.arm.iter().map(|arm| usize::from(*arm > 0)).collect();
        let propensity = arm.iter().map(|arm| shares[*arm]).collect();
        Experiment { arms: vec!["none".into(), "any".into()], propensity, arm, cost: vec![0.0; 2], ..self.clone() }
    }

    /// Uplift at a share: among the customers of `other` whom a contact is predicted to move most, the mean outcome of those who got any arm
    /// minus that of the control. Not normalised.
    ///
    /// # Errors
    /// 70 where a regression has no solution.
    pub fn uplift_at(&self, other: &Experiment, share: f64, seed: u64) -> Result<f64> {
        let (own, other) = (self.any_against_none(), other.any_against_none());
        let design = Design::learn(&own.features);
        let matrix = design.matrix(&own.features);
        let rows = own.arm.len();
        let part: Vec<u64> = (0..rows).map(|row| mix(seed, row as u64) % PARTS).collect();
        let scores = own.scores(&matrix, &part)?;
        let effects = own.effects(&matrix, &vec![1.0; rows], &scores, 0, EFFECT_RIDGES[0])?;
        let predicted = predict(&design.matrix(&other.features), &effects);
        let mut order: Vec<usize> = (0..other.arm.len()).collect();
        order.sort_by(|a, b| predicted[(*b, 1)].total_cmp(&predicted[(*a, 1)]));
        order.truncate((share * other.arm.len() as f64).round() as usize);
        let mean = |arm: usize| {
            let chosen: Vec<f64> = order.iter().filter(|row| other.arm[**row] == arm).map(|row| other.outcome[*row]).collect();
            chosen.iter().sum::<f64>() / chosen.len().max(1) as f64
        };
        Ok(mean(1) - mean(0))
    }

    fn pick(&self, predicted: &Mat<f64>, row: usize, single: usize) -> usize {
        // The best single arm wins ties: it stands first.
        let order = std::iter::once(single).chain((0..self.arms.len()).filter(move |arm| *arm != single));
        let order: Vec<usize> = order.collect();
        order[best(order.iter().map(|arm| if *arm == single { 0.0 } else { predicted[(row, *arm)] }))]
    }

    /// The value of giving each customer the arm named, by normalised inverse propensities, costs taken off.
    pub fn value(&self, given: &[usize]) -> Valued {
        let (mut total, mut weight) = (0.0, 0.0);
        for (row, arm) in given.iter().enumerate().filter(|(row, arm)| self.arm[*row] == **arm) {
            let share = 1.0 / self.propensity[row].max(LEAST_PROPENSITY);
            total += share * (self.outcome[row] - self.cost[*arm]);
            weight += share;
        }
        let value = if weight > 0.0 { total / weight } else { 0.0 };
        let squares: f64 = given
            .iter()
            .enumerate()
            .filter(|(row, arm)| self.arm[*row] == **arm)
            .map(|(row, _)| ((self.net(row) - value) / self.propensity[row].max(LEAST_PROPENSITY)).powi(2))
            .sum();
        Valued { value, margin: if weight > 0.0 { 1.96 * squares.sqrt() / weight } else { 0.0 } }
    }
}

/// A policy that can be applied to other customers.
#[derive(Debug, Clone)]
pub struct Learnt {
    design: Design,
    /// Who gets what.
    pub policy: Policy,
    /// The best single arm among those it learnt from.
    pub single: usize,
}

impl Learnt {
    /// The arm for each customer of another experiment with the same features and arms.
    pub fn arms(&self, other: &Experiment) -> Vec<usize> {
        match &self.policy {
            Policy::Single(arm) => vec![*arm; other.arm.len()],
            Policy::Personal(effects) => {
                let matrix = self.design.matrix(&other.features);
                let effects = Mat::from_fn(self.design.width(), effects.len(), |row, arm| effects[arm][row]);
                let predicted = predict(&matrix, &effects);
                (0..other.arm.len()).map(|row| other.pick(&predicted, row, self.single)).collect()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::random::uniform;
    use crate::snapshot::{FeatureSpec, FeatureValues};

    /// Three arms by lot. `effect` gives what arms 1 and 2 add for a customer with x from 0 to 1.
    fn test(rows: usize, seed: u64, effect: fn(f64) -> [f64; 2]) -> Experiment {
        let x: Vec<f64> = (0..rows).map(|row| uniform(seed, row)).collect();
        let arm: Vec<usize> = (0..rows).map(|row| (uniform(seed + 1, row) * 3.0) as usize).collect();
        let outcome = (0..rows)
            .map(|row| {
                let added = if arm[row] == 0 { 0.0 } else { effect(x[row])[arm[row] - 1] };
                f64::from(u8::from(uniform(seed + 2, row) < 0.1 + 0.1 * x[row] + added))
            })
            .collect();
        let spec =
            FeatureSpec { name: "x".into(), unit: String::new(), meaning: "x".into(), family: "profile".into(), kinds: vec![], values: FeatureValues::Number };
        Experiment {
            features: FeatureMatrix { specs: vec![spec], rows, data: x },
            arms: ["none", "a", "b"].map(String::from).to_vec(),
            arm,
            outcome,
            propensity: vec![1.0 / 3.0; rows],
            cost: vec![0.0; 3],
        }
    }

    #[test]
    fn where_arms_suit_different_customers_each_gets_its_own() {
        let effect = |x: f64| if x < 0.5 { [0.15, 0.0] } else { [0.0, 0.15] };
        let learnt = test(6_000, 1, effect).learn(1).unwrap();
        assert!(matches!(learnt.policy, Policy::Personal(_)));
        let other = test(20_000, 9, effect);
        let given = learnt.arms(&other);
        let right = (0..20_000).filter(|row| given[*row] == if other.features.value(*row, 0) < 0.5 { 1 } else { 2 }).count();
        assert!(right > 18_000, "{right}");
        // The truth: 0.15 on average without any effect, and 0.15 added to everyone.
        let valued = other.value(&given);
        assert!((valued.value - 0.30).abs() < 0.02 && valued.margin < 0.015, "{valued:?}");
    }

    #[test]
    fn where_one_arm_is_best_for_all_everyone_gets_it() {
        let mut single = 0;
        for seed in 0..10 {
            let learnt = test(3_000, 100 * seed, |_| [0.02, 0.10]).learn(seed).unwrap();
            assert_eq!(learnt.single, 2);
            single += usize::from(learnt.policy == Policy::Single(2));
        }
        assert!(single >= 7, "{single} of 10");
    }

    #[test]
    fn an_arm_that_pays_is_found_though_what_customers_spend_has_a_long_tail() {
        // Of a hundred 2 respond without and 4 with arm a, who spend 100 on average: 2 for each customer; the contact costs 1.4.
        let spend = |seed: u64| {
            let mut test = test(20_000, seed, |_| [0.0, 0.0]);
            let responds = |row: usize| uniform(seed + 7, row) < [0.02, 0.04, 0.02][test.arm[row]];
            test.outcome = (0..20_000).map(|row| if responds(row) { -100.0 * (1.0 - uniform(seed + 8, row)).ln() } else { 0.0 }).collect();
            test.cost = vec![0.0, 1.4, 1.4];
            test
        };
        let pays = |learnt: Learnt| usize::from(learnt.single == 1);
        let (mut plain, mut steadied) = (0, 0);
        for seed in 0..20 {
            let test = spend(1_000 + 10 * seed);
            plain += pays(test.learn_as_it_stands(seed).unwrap());
            steadied += pays(test.learn(seed).unwrap());
        }
        assert!(steadied >= 18 && steadied >= plain, "{steadied} and {plain} of 20");
    }

    #[test]
    fn an_arm_that_costs_more_than_it_brings_is_given_to_nobody() {
        let mut test = test(6_000, 5, |_| [0.05, 0.05]);
        test.cost = vec![0.0, 0.2, 0.2];
        let learnt = test.learn(1).unwrap();
        assert_eq!(learnt.policy, Policy::Single(0));
    }
}
