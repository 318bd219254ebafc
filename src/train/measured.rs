//! What a training measured, as `validate --json` prints it and the bundle's META keeps it.

use super::drivers::Driver;
use crate::churn::groups::RiskGroup;
use crate::config::Config;
use crate::evaluate::classify::{Classification, ReliabilityBin, calibration_error, reliability};
use crate::evaluate::honesty::{self, AtThreshold, Decile, Grade, Intervals, Profit, WindowMeasured};
use crate::timeline::Cutoff;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was measured on data that fitted, chose, tuned and calibrated nothing.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measured {
    /// The churn models; `None` with a reason in `reasons`.
    pub churn: Option<ChurnMeasured>,
    /// The recommender; `None` with a reason in `reasons`.
    pub recommend: Option<RankMeasured>,
    /// The offer test; `None` with a reason in `reasons`.
    pub decide: Option<DecideMeasured>,
    /// Why a part is missing.
    pub reasons: BTreeMap<String, String>,
    /// Customers asked in the test window.
    pub base: Option<usize>,
    /// Share of them that left.
    pub churn_rate: Option<f64>,
    /// The test window's cut-off.
    pub cutoff: Option<String>,
    /// Its horizon in days.
    pub horizon: Option<f64>,
    /// Customers ranked for.
    pub ranked_customers: Option<usize>,
    /// Rows over all sources.
    pub rows: Rows,
    /// Customers read.
    pub customers: usize,
    /// Items read.
    pub items: usize,
    /// What moves the churn probability most in the bundle; empty where none was fitted.
    pub drivers: Vec<Driver>,
    /// What to know before relying on the numbers.
    pub warnings: Vec<String>,
    /// The chosen churn model on the rows kept back, for a comparison with another bundle on the same rows.
    #[serde(skip)]
    pub tested: Option<Tested>,
}

/// What the chosen churn model said of the rows kept back, before any of them was learnt from.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The test window's cut-off; `None` for a labelled table.
    pub cutoff: Option<Cutoff>,
    /// In the order of the rows.
    pub probabilities: Vec<f64>,
}

/// Rows over all sources: read = accepted + rejected + duplicates + skipped.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[allow(missing_docs)]
pub struct Rows {
    pub read: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub duplicates: u64,
    pub skipped: u64,
}

/// How the churn models did on the test rows.
#[derive(Debug, Clone, Serialize)]
pub struct ChurnMeasured {
    /// The model that is used.
    pub chosen: String,
    /// Its area under the ROC curve.
    pub auc: f64,
    /// Its mean negative log-likelihood.
    pub log_loss: f64,
    /// Its mean squared error.
    pub brier: f64,
    /// Every model that was tried.
    pub models: BTreeMap<String, Classification>,
    /// Expected against observed in ten groups of equal size, riskiest first.
    pub reliability: Vec<ReliabilityBin>,
    /// Customers of the test window that would fall into each tier.
    pub tiers: Vec<(String, usize)>,
    /// Share that left of the rows that were fitted: what a tier by lift is a multiple of.
    #[serde(skip)]
    pub base_rate: f64,
    /// 95 % intervals of the measures, by a bootstrap over customers.
    pub intervals: Option<Intervals>,
    /// Tenths of the customers, riskiest first: expected and observed, lift and gain.
    pub deciles: Vec<Decile>,
    /// Mean absolute gap between expected and observed over ten groups.
    pub calibration_error: f64,
    /// The letter beside the naive rule.
    pub grade: Option<Grade>,
    /// What acting from a threshold on would have been like: the paying one where `costs` say what pays, else one half.
    pub at_threshold: Option<AtThreshold>,
    /// The money side; `None` where `costs` do not say what a kept customer is worth.
    pub profit: Option<Profit>,
    /// Older windows, newest first, each measured with what was known before it.
    pub backtest: Vec<WindowMeasured>,
    /// What the time of the year added to the log-odds in the test window, on average; 0 where no year before tells.
    pub season: f64,
    /// Groups of customers by risk, in sentences, riskiest first: learnt without the test rows, counted on them.
    pub risk_groups: Vec<RiskGroup>,
}

impl ChurnMeasured {
    /// A warning where the model may rank customers no better than chance does.
    pub fn warning_of_chance(&self) -> Option<String> {
        let Intervals { auc: (low, high), .. } = self.intervals.as_ref().filter(|intervals| may_be_chance(Some(intervals)))?;
        Some(format!("the model may rank customers no better than chance (AUC between {low:.3} and {high:.3}): do not act on its list"))
    }

    /// Everything that the chosen model's probabilities on rows kept back say; `rule` is the naive rule's name and probabilities.
    pub fn of(
        config: &Config,
        chosen: &str,
        own: Classification,
        models: BTreeMap<String, Classification>,
        (probabilities, labels): (&[f64], &[bool]),
        rule: Option<(&str, &[f64])>,
        base_rate: f64,
    ) -> ChurnMeasured {
        let seed = config.project.seed;
        let costs = config.churn.costs.as_ref();
        let threshold = threshold(config);
        let intervals = honesty::intervals(probabilities, labels, seed);
        let mut grade = rule.map(|(name, rule)| honesty::grade(probabilities, rule, name, labels, seed));
        // A log loss that is better by a hair is nothing to act on where the order may be chance.
        if let (Some(grade), true) = (&mut grade, may_be_chance(intervals.as_ref())) {
            grade.letter = 'C';
        }
        ChurnMeasured {
            chosen: chosen.into(),
            auc: own.auc,
            log_loss: own.log_loss,
            brier: own.brier,
            models,
            reliability: reliability(probabilities, labels, 10),
            tiers: crate::churn::tiers::count(&config.churn.tiers, base_rate, probabilities),
            base_rate,
            intervals,
            deciles: honesty::deciles(probabilities, labels),
            calibration_error: calibration_error(probabilities, labels),
            grade,
            at_threshold: Some(honesty::at_threshold(probabilities, labels, threshold)),
            profit: costs.and_then(|costs| honesty::profit(probabilities, labels, costs)),
            backtest: Vec::new(),
            season: 0.0,
            risk_groups: Vec::new(),
        }
    }
}

/// Whether the customers may be in no better order than by chance: the interval of the AUC reaches one half.
fn may_be_chance(intervals: Option<&Intervals>) -> bool {
    intervals.is_some_and(|intervals| intervals.auc.0 <= 0.5)
}

/// The probability from which a customer counts as leaving: where contacting pays, else one half.
pub fn threshold(config: &Config) -> f64 {
    let costs = config.churn.costs.as_ref();
    costs.and_then(|costs| costs.value_saved.map(|value| honesty::paying_threshold(costs, value))).unwrap_or(0.5)
}

/// How the recommenders did on the test window.
#[derive(Debug, Clone, Serialize)]
pub struct RankMeasured {
    /// The model that is used.
    pub chosen: String,
    /// NDCG at 10, recall at 20, NDCG at 20.
    #[serde(flatten)]
    pub ranking: crate::evaluate::rank::Ranking,
    /// Every model that was tried.
    pub models: BTreeMap<String, crate::evaluate::rank::Ranking>,
    /// Categories whose items are bought once and not offered again to who has them, where others are.
    pub bought_once: Vec<String>,
    /// More of the model used: hits, coverage, novelty, groups of customers, differences to the others.
    #[serde(flatten)]
    pub detail: crate::evaluate::rank::RankDetail,
}

/// What a policy learnt from an offer test is worth on customers that it did not learn from.
#[derive(Debug, Clone, Serialize)]
pub struct DecideMeasured {
    /// The response that is maximised.
    pub goal: String,
    /// Who gets what: `personal`, or the arm that everyone gets.
    pub policy: String,
    /// Mean of the goal per customer under the policy, by normalised inverse propensities.
    pub policy_value: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// The arm that is best for everyone, with hindsight.
    pub best_arm: String,
    /// The mean of the goal if everyone gets it.
    pub best_arm_value: f64,
    /// The mean of the goal less what contacts cost, of a policy that weighs the two; `None` where the goal is not money.
    pub net_value: Option<f64>,
    /// The same of the arm (the control included) that is best for everyone, with hindsight.
    pub net_best_arm_value: Option<f64>,
    /// Among the 30 % predicted to be moved most by any contact: mean of the goal with a contact minus without.
    #[serde(rename = "uplift@30")]
    pub uplift_30: f64,
    /// Every arm.
    pub arms: BTreeMap<String, ArmMeasured>,
}

/// One arm of an offer test.
#[derive(Debug, Clone, Serialize)]
pub struct ArmMeasured {
    /// Customers who got it.
    pub customers: usize,
    /// Mean of the goal.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// Mean of the goal less the cost of a contact, where the goal is money.
    pub net_value: Option<f64>,
}
