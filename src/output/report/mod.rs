//! Reports: one page each, complete in itself, for people who will not read a log.
//!
//! In: numbers, already counted ([`RunReport`], [`TrainReport`]). Out: the bytes of an HTML page without scripts and without anything
//! fetched from elsewhere; everything that came from a file is escaped. Groups of fewer than ten customers are not shown.

mod chart;
mod count;
mod page;
mod run;
mod train;
mod words;

use crate::config::Language;
use crate::decide::ResourceLine;
use crate::evaluate::classify::{Classification, ReliabilityBin};
use crate::exports::FileCounts;
use crate::journey::Journey;
use crate::recommend::RankReport;
use crate::train::{ChurnMeasured, Driver};

/// Fewest customers a group must have to be shown: fewer could tell of a person.
pub const SMALLEST_GROUP: u64 = 10;

/// What report.html says of a scoring run.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Language of the page.
    pub language: Option<Language>,
    /// The project's name.
    pub project: String,
    /// ISO 4217 code, empty when not said.
    pub currency: String,
    /// `YYYY-MM-DD`; empty for tables without dates.
    pub as_of: String,
    /// Days ahead that the probability covers; `None` for tables without dates.
    pub horizon_days: Option<f64>,
    /// Last day of the bundle's training, exclusive; empty for tables without dates.
    pub trained_until: String,
    /// Content hash of the bundle.
    pub bundle_hash: String,
    /// Name of the churn model; `None` without one.
    pub model: Option<String>,
    /// Share of churners in training; `None` without a churn model.
    pub base_rate: Option<f64>,
    /// Rows of risk.csv.
    pub customers: u64,
    /// Sum of their churn probabilities; `None` without a churn model.
    pub expected_leaving: Option<f64>,
    /// Sum of probability times value (paid in the last 365 days); `None` without either.
    pub value_at_risk: Option<f64>,
    /// Rows of offers.csv.
    pub offers: u64,
    /// Customers with at least one offer.
    pub customers_with_offers: u64,
    /// Tiers, highest first; the last line may be those in no tier, with an empty name.
    pub tiers: Vec<TierLine>,
    /// Customers per equal slice of probability from 0 to 1; empty without a churn model.
    pub histogram: Vec<u64>,
    /// Customers per status (`new`, `active`, …), in the order to show.
    pub statuses: Vec<(String, u64)>,
    /// Segments, in the order to show.
    pub segments: Vec<SegmentLine>,
    /// The most frequent first reasons: their text, and customers.
    pub reasons: Vec<(String, u64)>,
    /// The items offered most: id, name (may be empty), customers.
    pub items: Vec<(String, String, u64)>,
    /// Offers decided on.
    pub decided: Vec<DecidedLine>,
    /// Budgets and capacities: name, limit, used, what one more unit would bring.
    pub resources: Vec<ResourceLine>,
    /// Pairs of customer and offer that a rule kept back, by rule.
    pub kept_back: Vec<(String, u64)>,
    /// Customers left out, by rule.
    pub excluded: Vec<(String, u64)>,
    /// Rows refused, by class.
    pub rejects: Vec<(String, u64)>,
    /// Rows per source and file.
    pub files: Vec<FileCounts>,
    /// Why something is blank, and what was noticed.
    pub notes: Vec<String>,
}

/// An offer that was decided on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecidedLine {
    /// Its name, or its id.
    pub name: String,
    /// To be sent, those decided by lot among them.
    pub sent: u64,
    /// Kept out as controls.
    pub control: u64,
    /// What the contacts cost, acceptance included; of those to be sent.
    pub cost: f64,
    /// What they are worth, costs taken off; `None` where what an offer changes is not known.
    pub net: Option<f64>,
}

/// A tier of action.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TierLine {
    /// Its name; empty for customers in no tier.
    pub name: String,
    /// The lowest probability that leads into it; `None` for customers in no tier.
    pub from: Option<f64>,
    /// Customers in it.
    pub customers: u64,
    /// Sum of their churn probabilities.
    pub expected_leaving: f64,
    /// What they paid in the last 365 days; `None` where amounts are unknown.
    pub value: Option<f64>,
}

/// A segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SegmentLine {
    /// Its name.
    pub name: String,
    /// Customers in it.
    pub customers: u64,
    /// Mean churn probability; `None` without a churn model.
    pub probability: Option<f64>,
    /// What they paid in the last 365 days; `None` where amounts are unknown.
    pub value: Option<f64>,
}

/// What the report of a training says.
#[derive(Debug, Clone, Default)]
pub struct TrainReport {
    /// Language of the page.
    pub language: Option<Language>,
    /// The project's name.
    pub project: String,
    /// Version of the program.
    pub version: String,
    /// Last day of training, exclusive; empty for tables without dates.
    pub trained_until: String,
    /// Content hash of the bundle; empty when none was written (`validate`).
    pub bundle_hash: String,
    /// Seed of everything random.
    pub seed: u64,
    /// What leaving means, in words.
    pub definition: String,
    /// Rows, customers, items: name and number, in the order to show.
    pub counts: Vec<(String, u64)>,
    /// Windows of time or folds, newest first.
    pub windows: Vec<WindowLine>,
    /// Customers of the test window, or rows of a labelled table; `None` without a churn model.
    pub base: Option<u64>,
    /// Share of them that left.
    pub churn_rate: Option<f64>,
    /// Learners on rows that they were not fitted on.
    pub models: Vec<ModelLine>,
    /// The chosen learner on the test rows in groups of equal size, riskiest first.
    pub reliability: Vec<ReliabilityBin>,
    /// Expected calibration error of the chosen learner; `None` without a churn model.
    pub calibration_error: Option<f64>,
    /// How the recommender's models ranked; `None` without a recommender.
    pub recommend: Option<RankReport>,
    /// Families of features: what each contributes.
    pub families: Vec<FamilyLine>,
    /// The features that move the probability most.
    pub drivers: Vec<Driver>,
    /// The churn model on rows kept back: grade, deciles, older windows, money, groups; `None` without a churn model.
    pub churn: Option<ChurnMeasured>,
    /// What past offers did, the one sent most first.
    pub effects: Vec<EffectLine>,
    /// The ways to a purchase, where purchases came after other events.
    pub journey: Option<Journey>,
    /// ISO 4217 code, empty when not said.
    pub currency: String,
    /// Parts that the bundle does not have, and why.
    pub missing: Vec<(String, String)>,
    /// What may make the numbers wrong.
    pub warnings: Vec<String>,
    /// What was noticed.
    pub notes: Vec<String>,
}

/// A window of time, or a fold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WindowLine {
    /// `test`, `choose`, `fit` or `refit`, as [`crate::evaluate::windows::Windows::role`].
    pub role: String,
    /// Its cut-off; empty for folds.
    pub cutoff: String,
    /// Where its labels end, exclusive; empty for folds.
    pub until: String,
    /// Customers asked.
    pub customers: u64,
    /// How many of them left.
    pub churners: u64,
}

/// A learner and how it did.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelLine {
    /// Its name: `recency_rule`, `base_rate`, `logistic`, `boosted`, …
    pub name: String,
    /// Whether it is the one in the bundle.
    pub chosen: bool,
    /// Whether it is a rule without freedom, to be beaten.
    pub baseline: bool,
    /// On rows that it was not fitted on.
    pub measured: Classification,
}

/// What a past offer did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EffectLine {
    /// The offer, its group or the arm, as treatments name it.
    pub name: String,
    /// Contacts that are over.
    pub sent: u64,
    /// Share of them that responded.
    pub responded: f64,
    /// Change of that share beside the controls, with its 95 % interval; `None` without controls.
    pub change: Option<(f64, (f64, f64))>,
    /// Whether the change differs between customers.
    pub differs: bool,
}

/// A family of features.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FamilyLine {
    /// Its name.
    pub name: String,
    /// Features in it.
    pub features: u64,
    /// Share of all contributions (mean absolute, in log-odds), 0 to 1.
    pub share: f64,
}

/// The page of a scoring run: report.html.
pub fn run_html(report: &RunReport) -> Vec<u8> {
    run::page(report).into_string().into_bytes()
}

/// The page of a training: `<name>-<cutoff>.html` beside the bundle.
pub fn train_html(report: &TrainReport) -> Vec<u8> {
    train::page(report).into_string().into_bytes()
}

#[cfg(test)]
mod tests;
