//! An offer test measured: learnt on some customers, valued on others.

use super::measured::{ArmMeasured, DecideMeasured, Measured};
use super::{Progress, latest, rows};
use crate::churn::random::stratified_parts;
use crate::config::{Config, Response};
use crate::decide::past::past;
use crate::decide::policy::{Experiment, Policy, Valued};
use crate::error::{Error, Result};
use crate::evaluate::folds::parse_folds;
use crate::exports::Exports;
use crate::snapshot::learned::FeaturePlan;
use crate::timeline::Moment;
use std::collections::BTreeMap;
use std::path::Path;

/// Share of the customers of the largest predicted effect for which uplift is reported.
const UPLIFT_SHARE: f64 = 0.3;

/// Why there is no policy to measure.
const NO_TEST: &str = "no [[treatments]] has its responses in the same row: there is no offer test on whose customers choosing by model could be measured";

/// The test of `[[treatments]]` whose responses stand in the same row and whose arms were decided by lot; or why there is none.
fn experiment(config: &Config, exports: &Exports, name: &str) -> Result<std::result::Result<Experiment, String>> {
    let Some((number, source)) = config.treatments.iter().enumerate().find(|(_, source)| matches!(source.response, Some(Response::Columns(_)))) else {
        return Ok(Err(NO_TEST.into()));
    };
    if source.randomised != Some(true) {
        return Ok(Err("no [[treatments]] with responses says randomised = true".into()));
    }
    let table = &exports.treatments;
    let Some(response) = table.column(&format!("response.{name}")) else {
        return Ok(Err(format!("no response is called {name}; set [decide] goal")));
    };
    let propensity = table.column("propensity");
    let past = past(config, exports, Moment(i64::MAX));
    let own: Vec<_> = past.iter().filter(|past| table.sources[past.row] == number && past.customer.is_some()).collect();
    let mut arms: Vec<String> = own.iter().map(|past| past.name.clone()).collect();
    arms.sort();
    arms.dedup();
    let control = source.control.clone().unwrap_or_default();
    arms.sort_by_key(|arm| *arm != control);
    if arms.len() < 2 {
        return Ok(Err("the offer test has fewer than two arms".into()));
    }
    let arm: Vec<usize> = own.iter().filter_map(|past| arms.iter().position(|arm| *arm == past.name)).collect();
    let mut shares = vec![0.0; arms.len()];
    arm.iter().for_each(|arm| shares[*arm] += 1.0 / own.len() as f64);
    let mut outcome = Vec::with_capacity(own.len());
    for past in &own {
        let text = table.text(past.row, Some(response)).unwrap_or("0");
        let value = text.parse::<f64>().ok().or_else(|| crate::exports::is_yes(text).map(|yes| f64::from(u8::from(yes))));
        outcome.push(value.ok_or_else(|| Error::data(format!("the response {name} holds {text:?}, expected a number, or yes and no")))?);
    }
    let mut cost = vec![0.0; arms.len()];
    for (past, arm) in own.iter().zip(&arm).filter(|(past, _)| !past.is_control) {
        cost[*arm] = past.contact_cost.unwrap_or(0.0);
    }
    let plan = FeaturePlan::learn(exports, config, latest(exports), false);
    let customers: Vec<u32> = own.iter().filter_map(|past| past.customer).collect();
    let features = plan.bind(exports)?.matrix(exports, &customers, latest(exports), &plan.learned);
    let known = |row: usize| table.text(own[row].row, propensity).and_then(|text| text.parse::<f64>().ok()).filter(|share| *share > 0.0 && *share <= 1.0);
    let propensity = (0..own.len()).map(|row| known(row).unwrap_or(shares[arm[row]])).collect();
    Ok(Ok(Experiment { features, arms, arm, outcome, propensity, cost }))
}

/// Measures the offer test of a config: learnt on the other folds, valued on each; two halves where no folds are given.
///
/// # Errors
/// 65 for responses that are no numbers or folds that do not fit.
pub(super) fn measure(config: &Config, exports: &Exports, folds: Option<(&Path, &str)>, measured: &mut Measured) -> Result<()> {
    let goal = config.decide.goal.clone().filter(|goal| goal != "value");
    let first = config.treatments.iter().find_map(|source| match &source.response {
        Some(Response::Columns(columns)) => columns.first().map(|(name, _)| name.clone()),
        _ => None,
    });
    let Some(goal) = goal.or(first) else {
        measured.reasons.insert("decide".into(), NO_TEST.into());
        return Ok(());
    };
    let test = match experiment(config, exports, &goal)? {
        Ok(test) => test,
        Err(reason) => {
            measured.reasons.insert("decide".into(), reason);
            return Ok(());
        }
    };
    let seed = config.project.seed;
    let fold: Vec<u32> = match folds {
        Some((path, text)) => parse_folds(text, path, test.arm.len())?,
        None => stratified_parts(&test.arm.iter().map(|arm| *arm > 0).collect::<Vec<bool>>(), 2, seed).into_iter().map(u32::from).collect(),
    };
    let costly = Experiment { cost: test.cost.clone(), ..test.clone() };
    let free = Experiment { cost: vec![0.0; test.arms.len()], ..test };
    let is_money = free.outcome.iter().any(|value| value.fract().abs() > 0.0 || *value > 1.0);
    let policy = valued(&free, &fold, seed)?;
    let net = if is_money { Some(valued(&costly, &fold, seed)?) } else { None };
    let best = best_single(&free);
    let all = |arm: usize| vec![arm; free.arm.len()];
    let arms: BTreeMap<String, ArmMeasured> = (0..free.arms.len())
        .map(|arm| {
            let Valued { value, margin } = free.value(&all(arm));
            let net_value = is_money.then(|| costly.value(&all(arm)).value);
            (
                free.arms[arm].clone(),
                ArmMeasured { customers: free.arm.iter().filter(|own| **own == arm).count(), value, interval: (value - margin, value + margin), net_value },
            )
        })
        .collect();
    if !is_money {
        measured.reasons.insert(
            "decide.net_value".into(),
            format!("{goal} is not an amount of money: what one is worth is not said, so contacts cannot be weighed against it"),
        );
    }
    measured.decide = Some(DecideMeasured {
        goal,
        policy: policy.kind,
        policy_value: policy.valued.value,
        interval: (policy.valued.value - policy.valued.margin, policy.valued.value + policy.valued.margin),
        best_arm: free.arms[best].clone(),
        best_arm_value: free.value(&all(best)).value,
        net_value: net.as_ref().map(|net| net.valued.value),
        net_best_arm_value: is_money.then(|| (0..free.arms.len()).map(|arm| costly.value(&all(arm)).value).fold(f64::NEG_INFINITY, f64::max)),
        uplift_30: policy.uplift,
        arms,
    });
    Ok(())
}

fn best_single(test: &Experiment) -> usize {
    let values: Vec<f64> = (0..test.arms.len()).map(|arm| test.value(&vec![arm; test.arm.len()]).value).collect();
    (0..values.len()).fold(0, |best, arm| if values[arm] > values[best] { arm } else { best })
}

/// How a policy does on customers that it did not learn from.
struct OutOfFold {
    kind: String,
    valued: Valued,
    uplift: f64,
}

fn valued(test: &Experiment, fold: &[u32], seed: u64) -> Result<OutOfFold> {
    let mut names: Vec<u32> = fold.to_vec();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return Err(Error::data(format!("{} fold found, expected at least 2", names.len())));
    }
    let mut given = vec![0; fold.len()];
    let mut kinds = Vec::new();
    let mut uplift = 0.0;
    for held in &names {
        let (own, others): (Vec<usize>, Vec<usize>) = (0..fold.len()).partition(|row| fold[*row] == *held);
        let (known, unseen) = (test.select(&others), test.select(&own));
        let learnt = known.learn(seed)?;
        kinds.push(match &learnt.policy {
            Policy::Single(arm) => format!("everyone gets {}", test.arms[*arm]),
            Policy::Personal(_) => "personal".to_string(),
        });
        own.iter().zip(learnt.arms(&unseen)).for_each(|(row, arm)| given[*row] = arm);
        uplift += known.uplift_at(&unseen, UPLIFT_SHARE, seed)? / names.len() as f64;
    }
    kinds.sort();
    kinds.dedup();
    Ok(OutOfFold { kind: kinds.join(", "), valued: test.value(&given), uplift })
}

/// The offer test alone, on folds given from outside.
///
/// # Errors
/// As [`measure`]; 78 when the config has no such test.
pub fn validate_halves(config: &Config, exports: &Exports, folds: (&Path, &str), progress: &mut dyn Progress) -> Result<Measured> {
    let mut measured = Measured { rows: rows(exports), customers: exports.customers.len(), items: exports.items.ids.len(), ..Measured::default() };
    progress.stage("decide");
    measure(config, exports, Some(folds), &mut measured)?;
    match (&measured.decide, measured.reasons.get("decide")) {
        (None, Some(reason)) => Err(Error::config(format!("--folds needs a labelled table, or an offer test by lot: {reason}"))),
        _ => {
            measured.reasons.insert("churn".into(), "--folds measures the offer test only".into());
            measured.reasons.insert("recommend".into(), "--folds measures the offer test only".into());
            Ok(measured)
        }
    }
}
