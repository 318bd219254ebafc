//! Champion against challenger: two models on the same customers of the newest window.

use super::churn::labelled_examples;
use super::{Measured, end_of_data, latest, windows};
use crate::bundle::Bundle;
use crate::config::{Config, Definition};
use crate::error::{Error, Result};
use crate::evaluate::classify::{Classification, classification};
use crate::evaluate::folds::stratified;
use crate::evaluate::honesty::{Interval, paired_interval};
use crate::exports::Exports;
use crate::snapshot::label::ChurnRule;
use crate::timeline::Cutoff;
use serde::Serialize;

/// Two models on the same customers.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The cut-off of the window; empty for a labelled table.
    pub cutoff: String,
    /// Customers compared on.
    pub customers: usize,
    /// The old model.
    pub champion: Classification,
    /// The new model.
    pub challenger: Classification,
    /// Log loss of the challenger minus that of the champion: below 0 is better.
    pub difference: f64,
    /// Its 95 % interval over customers.
    pub interval: Interval,
    /// Whether the challenger is worse beyond the interval.
    pub worse: bool,
    /// What flatters one of them.
    pub notes: Vec<String>,
}

/// The rows of the newest window or, for a labelled table, those kept back: customers and outcomes.
fn rows(config: &Config, exports: &Exports) -> Result<(Option<Cutoff>, Vec<u32>, Vec<bool>)> {
    match config.churn.definition {
        Definition::None => Err(Error::config("the config says [churn] definition = \"none\": there is nothing to compare on")),
        Definition::Label => {
            let plan = crate::snapshot::learned::FeaturePlan::learn(exports, config, latest(exports), false);
            let (rows, examples) = labelled_examples(exports, &plan, latest(exports))?;
            let fold = stratified(&examples.labels, 5, config.project.seed);
            let kept = |row: &usize| fold[*row] == 0;
            let customers = (0..fold.len()).filter(kept).map(|row| exports.label_rows[rows[row]]).collect();
            Ok((None, customers, (0..fold.len()).filter(kept).map(|row| examples.labels[row]).collect()))
        }
        Definition::Inactivity | Definition::Subscription { .. } => {
            let windows = windows(config, exports, end_of_data(config, exports).0)?;
            let cutoff = windows.test.ok_or_else(|| Error::data("no window ends inside the data: there is nothing to compare on"))?;
            let (customers, labels) = ChurnRule::new(exports, &config.churn)?.base(cutoff);
            Ok((Some(cutoff), customers, labels))
        }
    }
}

/// A bundle's probabilities for customers as of a day, through the path that scores.
fn probabilities(bundle: &Bundle, name: &str, exports: &Exports, customers: &[u32], cutoff: Cutoff) -> Result<Vec<f64>> {
    let part = bundle.churn.as_ref().ok_or_else(|| Error::data(format!("the {name} has no churn model")))?;
    let bound = bundle.features.bind(exports)?;
    Ok(part.probabilities_at(&bound.matrix(exports, customers, cutoff, &bundle.features.learned_for(exports, cutoff)), cutoff))
}

/// Told where a bundle had learnt from the window it is compared on.
fn flattered(bundle: &Bundle, name: &str, cutoff: Option<Cutoff>) -> Option<String> {
    match cutoff {
        None => Some(format!("the {name} has learnt from the whole table, the customers compared on included: its figures flatter it")),
        Some(cutoff) if bundle.meta.trained_until > cutoff.date() => Some(format!(
            "the {name} was trained until {}, which is inside or after the window from {}: its figures flatter it",
            bundle.meta.trained_until,
            cutoff.date()
        )),
        Some(_) => None,
    }
}

fn compared(cutoff: Option<Cutoff>, labels: &[bool], old: &[f64], new: &[f64], seed: u64, notes: Vec<String>) -> Comparison {
    let (difference, interval) = paired_interval(new, old, labels, seed);
    Comparison {
        cutoff: cutoff.map(Cutoff::date).unwrap_or_default(),
        customers: labels.len(),
        champion: classification(old, labels),
        challenger: classification(new, labels),
        difference,
        interval,
        worse: interval.0 > 0.0,
        notes,
    }
}

/// Two bundles on the newest window.
///
/// # Errors
/// 65 where a bundle has no churn model or the exports lack what it reads, 78 where the config has no churn.
pub fn compare(config: &Config, exports: &Exports, old: &Bundle, new: &Bundle) -> Result<Comparison> {
    let (cutoff, customers, labels) = rows(config, exports)?;
    let day = cutoff.unwrap_or_else(|| latest(exports));
    let notes = [flattered(old, "champion", cutoff), flattered(new, "challenger", cutoff)].into_iter().flatten().collect();
    let old = probabilities(old, "champion", exports, &customers, day)?;
    let new = probabilities(new, "challenger", exports, &customers, day)?;
    Ok(compared(cutoff, &labels, &old, &new, config.project.seed, notes))
}

/// A champion against what was just measured: the challenger's probabilities come from before it learnt from the window.
///
/// # Errors
/// As [`compare`]; 65 where nothing was measured.
pub fn against_champion(config: &Config, exports: &Exports, champion: &Bundle, measured: &Measured) -> Result<Comparison> {
    let tested =
        measured.tested.as_ref().ok_or_else(|| Error::data("the new model was not measured on rows kept back: it cannot be compared with the champion"))?;
    let (cutoff, customers, labels) = rows(config, exports)?;
    if labels.len() != tested.probabilities.len() || cutoff != tested.cutoff {
        return Err(Error::internal("the rows measured and the rows compared on differ"));
    }
    let old = probabilities(champion, "champion", exports, &customers, cutoff.unwrap_or_else(|| latest(exports)))?;
    let notes = flattered(champion, "champion", cutoff).into_iter().collect();
    Ok(compared(cutoff, &labels, &old, &tested.probabilities, config.project.seed, notes))
}
