//! How a challenger did beside the champion, weeks after a run that tried it on a share of the customers.
//!
//! Who was scored by which bundle was decided by lot, so all customers of one side are compared with all of the other, whoever was contacted. Two
//! guardrails: what customers bought, and how many left. They may be looked at every week (the intervals are always valid), and
//! the first that is broken stops the challenger.

use super::follow::Follower;
use super::measure::{ALWAYS, Groups, OfferOutcome, beyond_chance};
use super::models::Side;
use crate::config::Config;
use crate::evaluate::classify::log_loss;
use crate::exports::Exports;
use crate::output::read_back::PastRun;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Customers of a side from which it is judged.
const LEAST: usize = 50;

/// What to do with a challenger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A guardrail is broken.
    Stop,
    /// Not worse in anything and better in something, beyond chance, with the horizon over.
    Promote,
    /// Nothing can be told yet.
    GoOn,
}

/// A challenger beside the champion.
#[derive(Debug, Clone, Serialize)]
pub struct ChallengerOutcome {
    /// Customers of the run by side.
    pub champion: usize,
    /// See `champion`.
    pub challenger: usize,
    /// What customers bought and whether they left: `sent` is the challenger's side, `control` the champion's.
    pub customers: OfferOutcome,
    /// Share that left of the challenger's customers less that of the champion's, with an interval that may be looked at every week; `None`
    /// before the horizon is over.
    pub left_more: Option<(f64, (f64, f64))>,
    /// Log loss of the forecasts, challenger less champion, each on its own customers, with the 95 % interval; `None` before the horizon is over.
    pub log_loss: Option<(f64, (f64, f64))>,
    /// What to do.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// Mean and variance of the mean.
fn mean(losses: &[f64]) -> (f64, f64) {
    let count = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
    (mean, squares / (count - 1.0).max(1.0) / count.max(1.0))
}

/// Compares the two sides of a run; `None` where it had no challenger. `followed` tells what a customer did since; `left` who has left, once the horizon is
/// over.
pub(super) fn challenger(
    config: &Config,
    exports: &Exports,
    run: &PastRun,
    left: &BTreeMap<u32, bool>,
    follower: &Follower<'_>,
    notes: &mut Vec<String>,
) -> Option<ChallengerOutcome> {
    let is_challenged = |model: &str| model == Side::Challenger.name();
    if !run.risk.iter().any(|row| is_challenged(&row.model)) {
        return None;
    }
    let mut groups = Groups::default();
    let mut losses: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    let mut seen = BTreeSet::new();
    for row in &run.risk {
        let side = usize::from(is_challenged(&row.model));
        if let Some((_, followed)) = follower.follow(&row.customer_id).filter(|(unit, _)| seen.insert(*unit)) {
            let group = if side == 1 { &mut groups.sent } else { &mut groups.control };
            group.add(&followed);
        }
        // The forecast is the risk without contact.
        let outcome = exports.customer(&row.customer_id).and_then(|customer| left.get(&customer));
        if let (Some(probability), Some(left), false) = (row.churn_probability, outcome, row.is_listed) {
            losses[side].push(log_loss(&[probability], &[*left]));
        }
    }
    let customers = groups.outcome("challenger", None);
    let (here, there) = (customers.sent, customers.control);
    if let Some(share) = run.challenger_share {
        let count = here + there;
        if let Some(z) = beyond_chance(here, count, share) {
            notes.push(format!("the challenger scored {here} of {count} customers, asked for were {:.1} %: beyond chance (z = {z:.1}); look for what removed rows before trusting the comparison", 100.0 * share));
        }
    }
    let left_more = customers.left.map(|(here, there)| {
        let variance = here * (1.0 - here) / groups.sent.known() + there * (1.0 - there) / groups.control.known();
        let (more, error) = (here - there, variance.sqrt());
        (more, (more - ALWAYS * error, more + ALWAYS * error))
    });
    let log_loss = (losses.iter().all(|losses| losses.len() >= LEAST)).then(|| {
        let [(old, old_variance), (new, new_variance)] = [mean(&losses[0]), mean(&losses[1])];
        let error = (old_variance + new_variance).sqrt();
        (new - old, (new - old - 1.96 * error, new - old + 1.96 * error))
    });
    let currency = &config.project.currency;
    let amount = customers.always_valid;
    let (verdict, reason) = if here < LEAST || there < LEAST {
        (Verdict::GoOn, format!("{here} customers of the challenger are too few to judge it"))
    } else if amount.1 < 0.0 {
        (Verdict::Stop, format!("its customers buy less, by {:.2} to {:.2} {currency} each", -amount.1, -amount.0))
    } else if let Some((_, (low, high))) = left_more.filter(|(_, (low, _))| *low > 0.0) {
        (Verdict::Stop, format!("more of its customers leave, by {:.1} to {:.1} points", 100.0 * low, 100.0 * high))
    } else if let Some((_, (low, high))) = log_loss.filter(|(_, (low, _))| *low > 0.0) {
        (Verdict::Stop, format!("its forecasts are worse: log loss higher by {low:.4} to {high:.4}"))
    } else if let Some((_, log_loss)) = log_loss {
        let better = [
            (amount.0 > 0.0, "its customers buy more"),
            (left_more.is_some_and(|(_, (_, high))| high < 0.0), "fewer of its customers leave"),
            (log_loss.1 < 0.0, "its forecasts are better"),
        ];
        match better.iter().find(|(is_better, _)| *is_better) {
            Some((_, reason)) => (Verdict::Promote, (*reason).to_owned()),
            None => (Verdict::GoOn, "no difference can be told from chance".into()),
        }
    } else {
        (Verdict::GoOn, "no guardrail is broken; the horizon is not over".into())
    };
    Some(ChallengerOutcome { champion: there, challenger: here, customers, left_more, log_loss, verdict, reason })
}
