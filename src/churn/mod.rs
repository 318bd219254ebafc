//! Who is about to leave: one contract, several learners, one choice.
//!
//! In: [`Examples`] of one or several cut-offs. Out: a [`ChurnPart`] for the bundle, and how each learner did on rows that
//! fitted nothing. This module knows nothing of files, dates or customers' names.

pub mod reasons;
pub mod tiers;

use crate::config::Effort;
use crate::error::Result;
use crate::evaluate::classify::Classification;
use crate::snapshot::FeatureMatrix;
use bincode::{Decode, Encode};

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
    /// A later window (event histories): candidates fit on the examples, are judged on these.
    Window(Examples),
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
}

/// The settings found on the validation rows, before the refit on everything.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Every learner that was tried, in order of name.
    pub candidates: Vec<Candidate>,
    /// Which one is used.
    pub chosen: usize,
}

/// A learner with its settings fixed and how it did on the validation rows.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// `recency_rule`, `logistic`, `tree`, `forest`, `boosted`, `blend`, …
    pub name: String,
    /// On the validation rows, after calibration on other validation rows.
    pub measured: Classification,
}

/// What the bundle keeps of a churn model.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct ChurnPart {
    /// The learner's name.
    pub name: String,
    /// Share of churners among the examples.
    pub base_rate: f64,
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
/// 65 with the reason when no learner can be fitted (no rows, one class only).
pub fn choose(_examples: &Examples, _validation: &Validation, _task: &ChurnTask) -> Result<Choice> {
    todo!()
}

impl Choice {
    /// Fits candidate `index` with its settings on `examples` (all windows that may be fitted) and keeps its calibration.
    ///
    /// # Errors
    /// As [`choose`].
    pub fn refit(&self, _index: usize, _examples: &Examples) -> Result<ChurnPart> {
        todo!()
    }
}

impl ChurnPart {
    /// Calibrated probability of leaving, one per row.
    pub fn probabilities(&self, _matrix: &FeatureMatrix) -> Vec<f64> {
        todo!()
    }
    /// Log-odds before calibration of one row, feature by feature.
    pub fn contributions(&self, _matrix: &FeatureMatrix, _row: usize) -> Contributions {
        todo!()
    }
    /// Checks every value read from a file: indices in range, children after parents, finite numbers, monotone calibration.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, _features: usize) -> std::result::Result<(), String> {
        todo!()
    }
}
