//! What a training measured, as `validate --json` prints it and the bundle's META keeps it.

use crate::evaluate::classify::{Classification, ReliabilityBin};
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
    /// What to know before relying on the numbers.
    pub warnings: Vec<String>,
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
