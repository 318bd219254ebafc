//! Who is about to leave: one contract, several learners, one choice.
//!
//! In: [`Examples`] of one or several cut-offs. Out: a [`ChurnPart`] for the bundle, and how each learner did on rows that
//! fitted nothing. This module knows nothing of files or customers' names, and of dates only the season.

pub mod baseline;
pub mod binned;
pub mod boosted;
pub mod calibrate;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod contract;
pub mod design;
pub mod encode;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod flat;
pub mod groups;
pub mod learners;
pub mod logistic;
pub mod model;
mod packs;
pub mod pairs;
pub mod random;
pub mod reasons;
mod search;
pub mod season;
mod shake;
mod sigmoid;
pub mod symmetric;
pub mod tiers;
pub mod tree;

use crate::config::Effort;
use crate::error::Result;
use crate::evaluate::classify::Classification;
use crate::snapshot::FeatureMatrix;
use crate::timeline::Cutoff;
use bincode::{Decode, Encode};
use calibrate::{Calibration, shifted};
use learners::Settings;
use model::Model;
use rayon::prelude::*;
use season::{Season, Shift};

/// Feature rows whose outcome is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Examples {
    /// One row per customer and cut-off.
    pub matrix: FeatureMatrix,
    /// Whether the customer left.
    pub labels: Vec<bool>,
}

/// How settings are chosen and scores calibrated: on rows that the candidate did not fit.
#[derive(Debug, Clone)]
pub enum Validation {
    /// A later window (event histories): candidates fit on the examples, are judged on these. With it older windows, each with what is fitted for it.
    Window(Examples, Vec<(Examples, Examples)>),
    /// Out-of-fold within the examples (labelled tables, short histories): the fold of each row, from 0.
    Folds(Vec<u8>),
}

/// What may be learnt and with how much work.
#[derive(Debug, Clone)]
pub struct ChurnTask {
    /// Seed of everything random.
    pub seed: u64,
    /// How much work the search may do.
    pub effort: Effort,
    /// Learners to try by name; empty means all.
    pub learners: Vec<String>,
    /// The column with the days since the last activity, for the recency rule; `None` for tables without dates.
    pub recency: Option<usize>,
    /// Numbers along which the probability may only rise (`true`) or only fall: only learners that can keep to it are tried then.
    pub monotone: Vec<(usize, bool)>,
}

/// The settings found on the validation rows, before the refit on everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Every learner that was tried, in order of name.
    pub candidates: Vec<Candidate>,
    /// Which one is used: the least log loss on the validation rows; the blend unless the best single learner clearly beats it.
    pub chosen: usize,
    seed: u64,
    effort: Effort,
    fitted_rows: f64,
    monotone: Vec<(usize, bool)>,
}

/// A learner with its settings fixed and how it did on the validation rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// `recency_rule`, `logistic`, `tree`, `forest`, `boosted`, `symmetric`, `blend`.
    pub name: String,
    /// On the validation rows, after calibration on other validation rows.
    pub measured: Classification,
    /// The learners in it, with their weights; one, of weight 1, unless it is the blend.
    pub members: Vec<Member>,
    /// Log-odds added to the weighted sum of the members.
    pub intercept: f64,
    /// Learnt on all validation rows.
    pub calibration: Calibration,
}

/// A learner in a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// Its settings.
    pub settings: Settings,
    /// What its log-odds are multiplied by.
    pub weight: f64,
}

/// What the bundle keeps of a churn model: a weighted sum of log-odds, and the way from there to a probability.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct ChurnPart {
    /// The learner's name.
    pub name: String,
    /// Share of churners among the examples.
    pub base_rate: f64,
    /// Log-odds added to the weighted sum.
    pub intercept: f64,
    /// Weight and model of each learner.
    pub members: Vec<(f64, Model)>,
    /// From log-odds to probability.
    pub calibration: Calibration,
    /// Added to the log-odds after calibration: as the newest window asks for, and for who is not contacted.
    pub level: f64,
    /// Added to the log-odds after calibration: what the time of the year adds.
    pub season: Season,
}

/// What each feature adds to a customer's log-odds before calibration: they sum to it with the base.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// Log-odds without any feature.
    pub base: f64,
    /// One per feature.
    pub by_feature: Vec<f64>,
}

/// Tries the learners on `examples`, judging on rows that the candidate did not fit.
///
/// # Errors
/// 65 with the reason when no learner can be fitted (no rows, one class only); 78 for a learner of unknown name.
pub fn choose(examples: &Examples, validation: &Validation, task: &ChurnTask) -> Result<Choice> {
    search::choose(examples, validation, task)
}

impl Choice {
    /// Fits candidate `index` with its settings on `examples` (all windows that may be fitted) and keeps its calibration.
    ///
    /// # Errors
    /// As [`choose`].
    pub fn refit(&self, index: usize, examples: &Examples) -> Result<ChurnPart> {
        Ok(self.refit_some(&[index], bags(self.effort, examples), examples)?.remove(0))
    }

    /// As [`Choice::refit`] with one seed: for measuring alone, where what seeds give differs by less than what can be measured.
    ///
    /// # Errors
    /// As [`choose`].
    pub fn refit_once(&self, index: usize, examples: &Examples) -> Result<ChurnPart> {
        Ok(self.refit_some(&[index], 1, examples)?.remove(0))
    }

    /// As [`Choice::refit`] for every candidate, in their order; what several of them have in common is fitted once.
    ///
    /// # Errors
    /// As [`choose`].
    pub fn refit_all(&self, examples: &Examples) -> Result<Vec<ChurnPart>> {
        self.refit_some(&(0..self.candidates.len()).collect::<Vec<_>>(), bags(self.effort, examples), examples)
    }

    fn refit_some(&self, wanted: &[usize], bags: usize, examples: &Examples) -> Result<Vec<ChurnPart>> {
        search::check_labels(examples)?;
        let mut settings: Vec<Settings> = Vec::new();
        for member in wanted.iter().flat_map(|index| &self.candidates[*index].members) {
            if !settings.contains(&member.settings) {
                settings.push(member.settings);
            }
        }
        let growth = examples.labels.len() as f64 / self.fitted_rows;
        // Longest first: a thread that is free early takes the next.
        let prepared = learners::Prepared::new(examples, self.seed, &settings, &self.monotone);
        let models = settings.par_iter().rev().with_max_len(1).map(|settings| prepared.fit(&settings.scaled(growth), bags)).collect::<Result<Vec<_>>>()?;
        let model = |wanted: &Settings| settings.iter().position(|known| known == wanted).map(|place| models[models.len() - 1 - place].clone());
        let churners = examples.labels.iter().filter(|label| **label).count();
        Ok(wanted
            .iter()
            .map(|index| {
                let candidate = &self.candidates[*index];
                ChurnPart {
                    name: candidate.name.clone(),
                    base_rate: churners as f64 / examples.labels.len() as f64,
                    intercept: candidate.intercept,
                    members: candidate.members.iter().filter_map(|member| Some((member.weight, model(&member.settings)?))).collect(),
                    calibration: candidate.calibration.clone(),
                    level: 0.0,
                    season: Season::default(),
                }
            })
            .collect())
    }
}

/// Whether some left and some stayed: without both there is nothing to learn.
pub fn has_both(labels: &[bool]) -> bool {
    labels.contains(&true) && labels.contains(&false)
}

/// Rows of the class that has fewer.
pub fn rarer(labels: &[bool]) -> usize {
    let left = labels.iter().filter(|label| **label).count();
    left.min(labels.len() - left)
}

/// Seeds whose mean an ensemble is: many rows steady it as well as many seeds do. Windows of a history repeat the same customers, so that it takes more
/// rows of these.
fn bags(effort: Effort, examples: &Examples) -> usize {
    let cells = examples.matrix.rows * examples.matrix.columns();
    match effort {
        Effort::Quick => 1,
        Effort::Normal if cells > 2_000_000 => 1,
        Effort::Normal => 3,
        Effort::Deep => 6,
    }
}

impl ChurnPart {
    /// Log-odds before calibration, one per row.
    pub fn log_odds(&self, matrix: &FeatureMatrix) -> Vec<f64> {
        let mut sums = vec![self.intercept; matrix.rows];
        for (weight, model) in &self.members {
            for (sum, z) in sums.iter_mut().zip(model.log_odds(matrix)) {
                *sum += weight * z;
            }
        }
        sums
    }
    /// Calibrated probability of leaving, one per row, whatever the time of the year.
    pub fn probabilities(&self, matrix: &FeatureMatrix) -> Vec<f64> {
        self.log_odds(matrix).into_iter().map(|z| self.probability(z)).collect()
    }
    /// Calibrated probability of leaving within the horizon after the cut-off, one per row.
    pub fn probabilities_at(&self, matrix: &FeatureMatrix, cutoff: Cutoff) -> Vec<f64> {
        self.probabilities_shifted(matrix, self.season.shift(cutoff))
    }
    /// Calibrated probability of leaving at a time of the year that adds so much to the log-odds, one per row.
    pub fn probabilities_shifted(&self, matrix: &FeatureMatrix, by: Shift) -> Vec<f64> {
        self.probabilities(matrix).into_iter().map(|p| shifted(p, by.at(p))).collect()
    }
    /// The calibrated probability of log-odds.
    pub fn probability(&self, z: f64) -> f64 {
        shifted(self.calibration.apply(z), self.level)
    }
    /// Log-odds before calibration of one row, feature by feature.
    pub fn contributions(&self, matrix: &FeatureMatrix, row: usize) -> Contributions {
        let mut contributions = Contributions { base: self.intercept, by_feature: vec![0.0; matrix.columns()] };
        for (weight, model) in &self.members {
            contributions.base += model.contribute(matrix, row, *weight, &mut contributions.by_feature);
        }
        contributions
    }
    /// Checks every value read from a file: indices in range, children after parents, finite numbers, monotone calibration.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, features: usize) -> std::result::Result<(), String> {
        if !(0.0..=1.0).contains(&self.base_rate) || !self.intercept.is_finite() || !self.level.is_finite() {
            return Err(format!("the churn model has the base rate {} and the intercept {}", self.base_rate, self.intercept));
        }
        for (weight, model) in &self.members {
            if !(weight.is_finite() && *weight >= 0.0) {
                return Err(format!("a member of the churn model has the weight {weight}"));
            }
            model.validate(features)?;
        }
        self.season.validate()?;
        self.calibration.validate()
    }
}
