//! A labelled table measured on folds given from outside.

use super::churn::{labelled_examples, select, share, task};
use super::measured::{ChurnMeasured, Measured};
use super::{Progress, latest, rows};
use crate::churn::{self, Validation};
use crate::config::{Config, Definition};
use crate::error::{Error, Result};
use crate::evaluate::classify::{Classification, auc, brier, log_loss};
use crate::evaluate::folds::{parse_folds, stratified};
use crate::evaluate::leaks;
use crate::exports::Exports;
use crate::snapshot::learned::FeaturePlan;
use std::collections::BTreeMap;
use std::path::Path;

/// Measures on folds given from outside: for each fold all learning, encoding, choice, stopping, calibration and blending see the
/// other folds only. `auc` is the mean over folds, log loss and Brier are pooled.
///
/// # Errors
/// 65 for a folds file that does not fit the table, 78 when the config has no label.
pub fn validate_folds(config: &Config, exports: &Exports, folds: (&Path, &str), progress: &mut dyn Progress) -> Result<Measured> {
    if config.churn.definition == Definition::None && !config.treatments.is_empty() {
        return super::decide::validate_halves(config, exports, folds, progress);
    }
    if config.churn.definition != Definition::Label {
        return Err(Error::config("--folds needs a labelled table: [churn] definition = \"label\" and a label column"));
    }
    let mut measured = Measured { rows: rows(exports), customers: exports.customers.len(), items: exports.items.ids.len(), ..Measured::default() };
    let end = latest(exports);
    progress.stage("features");
    let plan = FeaturePlan::learn(exports, config, end, false);
    let (rows, examples) = labelled_examples(exports, &plan, end)?;
    let fold_of_row = parse_folds(folds.1, folds.0, exports.label_rows.len())?;
    let fold: Vec<u32> = rows.iter().map(|row| fold_of_row[*row]).collect();
    let mut names: Vec<u32> = fold.clone();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return Err(Error::data(format!("{} fold found, expected at least 2", names.len())).file(folds.0));
    }
    progress.stage("churn");
    let task = task(config, &plan)?;
    // Per fold: the held-out rows and, per candidate and for the chosen, their probabilities.
    let mut chosen_names: Vec<String> = Vec::new();
    let mut held_out: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    let mut aucs: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for held in &names {
        let known: Vec<usize> = (0..fold.len()).filter(|row| fold[*row] != *held).collect();
        let test: Vec<usize> = (0..fold.len()).filter(|row| fold[*row] == *held).collect();
        // The vocabularies too see the other folds only.
        let known_customers: Vec<u32> = known.iter().map(|row| exports.label_rows[rows[*row]]).collect();
        let plan = plan.restricted_to(exports, &known_customers);
        let (_, examples) = labelled_examples(exports, &plan, end)?;
        let (known, test_examples) = (select(&examples, &known), select(&examples, &test));
        let possible = leaks::refuse(leaks::leaks(&known.matrix, &known.labels, &config.churn.allow_leak))?;
        let twins = leaks::refuse_twins(&known.matrix, &test_examples.matrix, &config.churn.allow_leak)?;
        // Every fold would tell the same.
        if measured.warnings.is_empty() {
            measured.warnings.extend(possible.into_iter().chain(twins));
        }
        let choice = churn::choose(&known, &Validation::Folds(stratified(&known.labels, 5, config.project.seed)), &task)?;
        let parts = choice.refit_all(&known)?;
        chosen_names.push(choice.candidates[choice.chosen].name.clone());
        for (index, part) in parts.iter().enumerate() {
            let probabilities = part.probabilities(&test_examples.matrix);
            let area = auc(&probabilities, &test_examples.labels);
            let mut record = |name: &str| {
                aucs.entry(name.into()).or_default().push(area);
                let column = held_out.entry(name.into()).or_insert_with(|| vec![None; fold.len()]);
                test.iter().zip(&probabilities).for_each(|(row, probability)| column[*row] = Some(*probability));
            };
            record(&choice.candidates[index].name);
            if index == choice.chosen {
                record("chosen");
            }
        }
    }
    let mut models = BTreeMap::new();
    for (name, column) in &held_out {
        let (probabilities, labels): (Vec<f64>, Vec<bool>) =
            column.iter().zip(&examples.labels).filter_map(|(value, label)| value.map(|value| (value, *label))).unzip();
        let areas = &aucs[name];
        models.insert(
            name.clone(),
            Classification {
                auc: areas.iter().sum::<f64>() / areas.len() as f64,
                log_loss: log_loss(&probabilities, &labels),
                brier: brier(&probabilities, &labels),
            },
        );
    }
    let own = models.remove("chosen").ok_or_else(|| Error::internal("no fold was measured"))?;
    let probabilities: Vec<f64> = held_out["chosen"].iter().map(|value| value.unwrap_or(0.0)).collect();
    chosen_names.sort();
    chosen_names.dedup();
    measured.base = Some(examples.labels.len());
    measured.churn_rate = Some(share(&examples.labels));
    let rate = share(&examples.labels);
    let rule = vec![rate; examples.labels.len()];
    measured.churn =
        Some(ChurnMeasured::of(config, &chosen_names.join(", "), own, models, (&probabilities, &examples.labels), Some(("base_rate", &rule)), rate));
    measured.reasons.insert("recommend".into(), "--folds measures the churn model only".into());
    Ok(measured)
}
