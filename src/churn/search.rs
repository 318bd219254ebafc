//! Which learner, with which settings: judged on rows that it did not fit, the freest one only where it is better.

use super::calibrate::{Calibration, clearly_better, nonnegative_logistic, row_losses};
use super::learners::{LEARNERS, Settings, Split, candidates, loss, stronger, trial};
use super::random::{mix, stratified_parts};
use super::{Candidate, Choice, ChurnTask, Examples, Member, Validation, rarer};
use crate::error::{Error, Result};
use crate::evaluate::classify::classification;
use crate::snapshot::FeatureMatrix;
use rayon::prelude::*;

/// Parts in which calibration and blend weights are cross-fitted when they are measured.
const PARTS: u8 = 5;
/// Rows times columns of a table from which the first fold alone is judged: it holds customers enough, and every further split is a copy.
const LARGE: usize = 10_000_000;
/// Splits on which all capacities of a learner are tried.
const HEATS: usize = 2;
/// Rows of the rarer class that these splits must hold; of fewer chance would choose, and all capacities are judged on all splits.
const HEAT_MINORITY: usize = 200;
/// More capacity is tried for as long as it lowers the held-out loss by this share.
const WORTH: f64 = 0.002;
/// Pull of the blend's weights towards equal shares, in rows.
const BLEND_RIDGE: f64 = 5.0;
/// The blend is used unless the best single learner beats it by more than two standard errors of their paired difference. The single learner was picked as
/// the best of several on the same rows, which flatters it: at one standard error chance alone would often put one of them before the blend. The blend is
/// judged on rows its weights did not see.
const BLEND_MARGIN: f64 = -2.0;
/// A member of less weight is dropped: it costs every customer time.
const LEAST_WEIGHT: f64 = 0.03;

/// Variants of some settings with their scores on one split's judged rows.
type Variants = Vec<(Settings, Vec<f64>)>;

/// The best variant of one learner with its scores on the judged rows.
struct Contender {
    settings: Settings,
    scores: Vec<f64>,
}

/// See [`super::choose`].
pub fn choose(examples: &Examples, validation: &Validation, task: &ChurnTask) -> Result<Choice> {
    check(examples, task)?;
    let splits = splits(examples, validation, task);
    let mut settings = splits.first().map(|split| candidates(task, split, splits.len())).unwrap_or_default();
    let judged: Vec<bool> = splits.iter().flat_map(|split| split.labels().iter().copied()).collect();
    if judged.is_empty() || settings.is_empty() {
        return Err(Error::data("no rows are left to judge a churn model on; give more rows or fewer folds"));
    }
    let fitted_rows = splits.iter().map(Split::rows).sum::<usize>() as f64 / splits.len() as f64;
    // The capacities of a learner race on the first splits; only the best of them is judged on all.
    let labels_of = |heats: usize| -> Vec<bool> { splits[..heats].iter().flat_map(|split| split.labels().iter().copied()).collect() };
    let heats = if splits.len() > HEATS + 1 && rarer(&labels_of(HEATS)) >= HEAT_MINORITY { HEATS } else { splits.len() };
    let mut results = trials(&settings, 0..settings.len(), &splits, 0..heats)?;
    let heat_labels = labels_of(heats);
    if matches!(validation, Validation::Folds(_)) {
        grow_on(&mut settings, &mut results, &splits, &heat_labels, heats, task)?;
    }
    if heats < splits.len() {
        let loss = |index: usize| best_variant(&results, index, &heat_labels).0;
        let winners: Vec<usize> = (0..settings.len())
            .filter(|index| {
                let rivals = (0..settings.len()).filter(|other| settings[*other].name() == settings[*index].name());
                rivals.min_by(|a, b| loss(*a).total_cmp(&loss(*b))) == Some(*index)
            })
            .collect();
        results.retain(|((index, _), _)| winners.contains(index));
        results.extend(trials(&settings, winners.into_iter(), &splits, heats..splits.len())?);
    }
    let mut contenders: Vec<(f64, Contender)> = Vec::new();
    for index in (0..settings.len()).filter(|index| results.iter().any(|((of, _), _)| of == index)) {
        let (loss, contender) = best_variant(&results, index, &judged);
        match contenders.iter_mut().find(|(_, other)| other.settings.name() == contender.settings.name()) {
            Some(slot) if loss < slot.0 => *slot = (loss, contender),
            Some(_) => {}
            None => contenders.push((loss, contender)),
        }
    }
    let contenders: Vec<Contender> = contenders.into_iter().map(|(_, contender)| contender).collect();
    Ok(decide(&contenders, &judged, task, fitted_rows))
}

/// Each of some settings on each of some splits; the last first, for they take longest.
fn trials(
    settings: &[Settings],
    indices: impl DoubleEndedIterator<Item = usize>,
    splits: &[Split],
    on: std::ops::Range<usize>,
) -> Result<Vec<((usize, usize), Variants)>> {
    let jobs: Vec<(usize, usize)> = indices.rev().flat_map(|index| on.clone().map(move |split| (index, split))).collect();
    jobs.into_par_iter().with_max_len(1).map(|(index, split)| Ok(((index, split), trial(&settings[index], &splits[split])?))).collect()
}

/// Adds settings of more capacity, and how they did on the first splits, for each learner whose loss they lower.
fn grow_on(
    settings: &mut Vec<Settings>,
    results: &mut Vec<((usize, usize), Variants)>,
    splits: &[Split],
    labels: &[bool],
    heats: usize,
    task: &ChurnTask,
) -> Result<()> {
    let mut growing: Vec<&'static str> = settings.iter().map(Settings::name).collect();
    growing.dedup();
    while !growing.is_empty() {
        let best_of = |settings: &[Settings], results: &[((usize, usize), Variants)], from: usize, name: &str| {
            let own = (from..settings.len()).filter(|index| settings[*index].name() == name);
            own.map(|index| best_variant(results, index, labels)).min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let first = settings.len();
        let mut least: Vec<(&'static str, f64)> = Vec::new();
        let mut next: Vec<Settings> = Vec::new();
        for name in growing {
            if let Some((loss, best)) = best_of(settings, results, 0, name) {
                least.push((name, loss));
                next.extend(stronger(&best.settings, settings, &splits[0], splits.len(), task.effort));
            }
        }
        settings.extend(next);
        results.extend(trials(settings, first..settings.len(), splits, 0..heats)?);
        let gains = |(name, loss): &(&'static str, f64)| best_of(settings, results, first, name).is_some_and(|(more, _)| more < loss * (1.0 - WORTH));
        growing = least.into_iter().filter(gains).map(|(name, _)| name).collect();
    }
    Ok(())
}

/// The variant of one setting with the least log loss on the judged rows of its splits.
fn best_variant(results: &[((usize, usize), Variants)], index: usize, judged: &[bool]) -> (f64, Contender) {
    let mut parts: Vec<_> = results.iter().filter(|((of, _), _)| *of == index).collect();
    parts.sort_by_key(|((_, split), _)| *split);
    let mut best: Option<(f64, usize)> = None;
    let pooled = |variant: usize| -> Vec<f64> { parts.iter().flat_map(|part| part.1[variant].1.iter().copied()).collect() };
    for variant in 0..parts[0].1.len() {
        let loss = loss(&pooled(variant), judged);
        if best.is_none_or(|(least, _)| loss < least) {
            best = Some((loss, variant));
        }
    }
    let (loss, variant) = best.unwrap_or((f64::INFINITY, 0));
    (loss, Contender { settings: parts[0].1[variant].0, scores: pooled(variant) })
}

/// Measures every learner and the blend with calibration cross-fitted, and chooses.
fn decide(contenders: &[Contender], judged: &[bool], task: &ChurnTask, fitted_rows: f64) -> Choice {
    let seed = mix(task.seed, 77);
    // Single learners first; then the blend, whose weights must be judged on rows that they did not see.
    let count = contenders.len() + usize::from(contenders.len() > 1);
    let judge = |index: usize| -> (Candidate, Vec<f64>) {
        let (weights, z, name) = match contenders.get(index) {
            Some(contender) => {
                let mut single = vec![0.0; contenders.len() + 1];
                single[index + 1] = 1.0;
                (single, contender.scores.clone(), contender.settings.name())
            }
            None => {
                let all: Vec<usize> = (0..judged.len()).collect();
                (blend_weights(contenders, judged, &all), cross_blended(contenders, judged, &stratified_parts(judged, PARTS, seed)), "blend")
            }
        };
        let (mut calibration, probabilities) = Calibration::fit_and_judge(&z, judged, seed);
        if index == contenders.len() {
            // What is used has the weights of all rows, and so has its calibration.
            let all: Vec<f64> = (0..judged.len()).map(|row| combine(contenders, &weights, row)).collect();
            calibration = Calibration::fit(&all, judged, seed);
        }
        let losses = row_losses(&probabilities, judged);
        let members = contenders
            .iter()
            .zip(&weights[1..])
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(contender, weight)| Member { settings: contender.settings, weight: *weight })
            .collect();
        (Candidate { name: name.to_string(), measured: classification(&probabilities, judged), members, intercept: weights[0], calibration }, losses)
    };
    let (mut candidates, losses): (Vec<Candidate>, Vec<Vec<f64>>) = (0..count).into_par_iter().with_max_len(1).map(judge).unzip();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let mut chosen = 0;
    for index in 0..contenders.len() {
        if mean(&losses[index]) < mean(&losses[chosen]) {
            chosen = index;
        }
    }
    let blend = contenders.len();
    if candidates.len() > blend && clearly_better(&losses[blend], &losses[chosen], BLEND_MARGIN) {
        chosen = blend;
    }
    let name = candidates[chosen].name.clone();
    candidates.sort_by(|a, b| a.name.cmp(&b.name));
    let chosen = candidates.iter().position(|candidate| candidate.name == name).unwrap_or(0);
    Choice { candidates, chosen, seed: task.seed, effort: task.effort, fitted_rows, monotone: task.monotone.clone() }
}

/// The log-odds that weights (intercept first) make of the contenders' for one row.
fn combine(contenders: &[Contender], weights: &[f64], row: usize) -> f64 {
    weights[0] + contenders.iter().zip(&weights[1..]).map(|(contender, weight)| weight * contender.scores[row]).sum::<f64>()
}

/// Each row's blend with the weights that the other parts learnt.
fn cross_blended(contenders: &[Contender], judged: &[bool], parts: &[u8]) -> Vec<f64> {
    let mut z = vec![0.0; judged.len()];
    for part in 0..PARTS {
        let (own, others): (Vec<usize>, Vec<usize>) = (0..judged.len()).partition(|row| parts[*row] == part);
        let weights = blend_weights(contenders, judged, &others);
        own.into_iter().for_each(|row| z[row] = combine(contenders, &weights, row));
    }
    z
}

/// Weights of all contenders on some rows, intercept first; small ones are dropped and the rest learnt again.
fn blend_weights(contenders: &[Contender], judged: &[bool], rows: &[usize]) -> Vec<f64> {
    let labels: Vec<bool> = rows.iter().map(|row| judged[*row]).collect();
    let mut used: Vec<usize> = (0..contenders.len()).collect();
    loop {
        let columns: Vec<Vec<f64>> = used.iter().map(|index| rows.iter().map(|row| contenders[*index].scores[*row]).collect()).collect();
        let weights = nonnegative_logistic(&columns, &labels, BLEND_RIDGE);
        let kept: Vec<usize> = used.iter().zip(&weights[1..]).filter(|(_, weight)| **weight >= LEAST_WEIGHT).map(|(index, _)| *index).collect();
        if kept.len() == used.len() || kept.is_empty() {
            let mut full = vec![0.0; contenders.len() + 1];
            full[0] = weights[0];
            for (index, weight) in used.iter().zip(&weights[1..]) {
                full[index + 1] = *weight;
            }
            return full;
        }
        used = kept;
    }
}

/// The rows to fit and to judge, in one or several splits.
fn splits(examples: &Examples, validation: &Validation, task: &ChurnTask) -> Vec<Split> {
    let seed = task.seed;
    match validation {
        Validation::Window(window, older) => {
            let split = |fit: &Examples, window: &Examples| Split::new(fit.clone(), window.matrix.clone(), window.labels.clone(), seed, &task.monotone);
            std::iter::once(split(examples, window)).chain(older.iter().map(|(window, fit)| split(fit, window))).collect()
        }
        Validation::Folds(folds) => {
            let large = examples.matrix.rows * examples.matrix.columns() > LARGE;
            let count = if large { 1 } else { folds.iter().map(|fold| usize::from(*fold) + 1).max().unwrap_or(0) };
            (0..count)
                .into_par_iter()
                .filter_map(|fold| {
                    let (judge, fit): (Vec<usize>, Vec<usize>) = (0..examples.labels.len()).partition(|row| usize::from(folds[*row]) == fold);
                    (!judge.is_empty() && !fit.is_empty()).then(|| {
                        let part = |rows: &[usize]| -> (FeatureMatrix, Vec<bool>) {
                            (examples.matrix.select(rows), rows.iter().map(|row| examples.labels[*row]).collect())
                        };
                        let (matrix, labels) = part(&fit);
                        let (judge, judge_labels) = part(&judge);
                        Split::new(Examples { matrix, labels }, judge, judge_labels, mix(seed, 1000 + fold as u64), &task.monotone)
                    })
                })
                .collect()
        }
    }
}

/// What no learner can do without.
pub fn check(examples: &Examples, task: &ChurnTask) -> Result<()> {
    if let Some(name) = task.learners.iter().find(|name| !LEARNERS.contains(&name.as_str())) {
        return Err(Error::config(format!("found the learner {name:?}, expected some of {}", LEARNERS.join(", "))));
    }
    if !task.monotone.is_empty() && !task.learners.is_empty() && !task.learners.iter().any(|name| name == "boosted" || name == "blend") {
        return Err(Error::config("[churn] monotone is kept to by the learner boosted alone; name it in learners, or leave learners out"));
    }
    check_labels(examples)
}

/// Rows of both classes.
pub fn check_labels(examples: &Examples) -> Result<()> {
    let rows = examples.labels.len();
    if rows == 0 || rows != examples.matrix.rows {
        return Err(Error::data(format!("found {rows} labels for {} rows; a churn model needs rows with a known outcome", examples.matrix.rows)));
    }
    let churners = examples.labels.iter().filter(|label| **label).count();
    if churners == 0 || churners == rows {
        let what = if churners == 0 { "stayed" } else { "left" };
        return Err(Error::data(format!(
            "all {rows} customers {what}; a churn model needs some who left and some who stayed: check the label and the horizon"
        )));
    }
    Ok(())
}
