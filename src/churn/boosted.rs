//! Gradient-boosted trees, grown leaf by leaf (Friedman 2001; the learner is forust-ml, kept behind this file).
//!
//! In: encoded columns, labels. Out: [`FlatTrees`] that give the same sums to the last bit, so that nothing of forust-ml is
//! ever stored. Guards: one class or no column is never handed over; column sampling always leaves two columns or all;
//! every fit runs on one thread, and several fits run side by side, so the number of threads cannot matter.

use super::encode::EncodedMatrix;
use super::flat::{FlatNode, FlatTrees, LEAF};
use crate::error::{Error, Result};
use forust_ml::constraints::Constraint;
use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::metric::Metric;
use forust_ml::sampler::SampleMethod;
use forust_ml::{GradientBooster, Matrix};

/// How much a boosted ensemble may learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoostSettings {
    /// Step size.
    pub rate: f64,
    /// Leaves per tree.
    pub leaves: usize,
    /// Least sum of second derivatives in a leaf: about four times as many rows.
    pub leaf_weight: f64,
    /// Ridge penalty on leaf values.
    pub ridge: f64,
    /// Share of the columns each tree may use.
    pub columns: f64,
    /// Share of the rows each tree sees.
    pub rows: f64,
    /// Trees at most.
    pub rounds: usize,
}

/// Trees with the log-odds they start from.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostedFit {
    /// Log-odds before the first tree.
    pub base: f64,
    /// The trees, in order.
    pub trees: FlatTrees,
}

/// Rows of known outcome whose log loss says when to stop: encoded, labels, rounds without a gain.
pub type Stopping<'a> = (&'a EncodedMatrix, &'a [bool], usize);

/// Fits `settings.rounds` trees, fewer when `stopping` says so: then the trees after the best one are kept too, for the caller
/// decides from several folds where to cut.
///
/// Along the columns of `monotone` the sum of the trees only rises (`true`) or only falls.
///
/// # Errors
/// 70 when the learner refuses; the caller has made sure of two classes.
pub fn fit(
    matrix: &EncodedMatrix,
    labels: &[bool],
    settings: &BoostSettings,
    monotone: &[(usize, bool)],
    seed: u64,
    stopping: Option<Stopping<'_>>,
) -> Result<BoostedFit> {
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let base = libm::log(positives / (labels.len() as f64 - positives));
    if matrix.columns == 0 {
        return Ok(BoostedFit { base, trees: FlatTrees::default() });
    }
    // forust takes floor(columns x share): never fewer than two, or all.
    let share = if matrix.columns <= 3 { 1.0 } else { settings.columns.max(2.5 / matrix.columns as f64).min(1.0) };
    let constraints = monotone.iter().map(|(column, rising)| (*column, if *rising { Constraint::Positive } else { Constraint::Negative })).collect();
    let mut booster = GradientBooster::default()
        .set_iterations(settings.rounds)
        .set_learning_rate(settings.rate as f32)
        .set_max_depth(12)
        .set_monotone_constraints((!monotone.is_empty()).then_some(constraints))
        .set_max_leaves(settings.leaves)
        .set_l2(settings.ridge as f32)
        .set_min_leaf_weight(settings.leaf_weight as f32)
        .set_colsample_bytree(share)
        .set_subsample(settings.rows as f32)
        .set_sample_method(if settings.rows < 1.0 { SampleMethod::Random } else { SampleMethod::None })
        .set_nbins(64)
        .set_parallel(false)
        .set_seed(seed)
        .set_base_score(base)
        .set_initialize_base_score(false)
        .set_evaluation_metric(Some(Metric::LogLoss));
    booster.grow_policy = GrowPolicy::LossGuide;
    let numeric = |labels: &[bool]| labels.iter().map(|label| f64::from(u8::from(*label))).collect::<Vec<f64>>();
    let targets = numeric(labels);
    let weights = vec![1.0; labels.len()];
    let data = Matrix::new(&matrix.data, matrix.rows, matrix.columns);
    let held = stopping.map(|(held, labels, patience)| (held, numeric(labels), vec![1.0; labels.len()], patience));
    let evaluation = held.as_ref().map(|(held, targets, weights, _)| vec![(Matrix::new(&held.data, held.rows, held.columns), &targets[..], &weights[..])]);
    booster.early_stopping_rounds = held.as_ref().map(|(.., patience)| *patience);
    booster.fit(&data, &targets, &weights, evaluation).map_err(|error| Error::internal(format!("boosted trees cannot be fitted: {error}")))?;
    let mut trees = FlatTrees::default();
    for tree in &booster.trees {
        let nodes: Vec<FlatNode> = tree
            .nodes
            .iter()
            .map(|node| FlatNode {
                column: if node.is_leaf { LEAF } else { node.split_feature as u32 },
                threshold: node.split_value,
                children: [node.left_child as u32, node.right_child as u32, node.missing_node as u32],
                value: f64::from(node.weight_value),
                cover: f64::from(node.hessian_sum),
            })
            .collect();
        trees.push(&nodes);
    }
    Ok(BoostedFit { base, trees })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::random::mix;
    use super::*;

    fn settings() -> BoostSettings {
        BoostSettings { rate: 0.1, leaves: 7, leaf_weight: 1.0, ridge: 1.0, columns: 0.4, rows: 0.8, rounds: 40 }
    }

    /// Churn where exactly one of two values is high: no single column says anything.
    fn exclusive(rows: usize, columns: usize) -> (EncodedMatrix, Vec<bool>) {
        let data: Vec<f64> = (0..rows * columns).map(|cell| (mix(11, cell as u64) % 1000) as f64 / 1000.0).collect();
        let labels = (0..rows).map(|row| (data[row] > 0.5) != (data[rows + row] > 0.5)).collect();
        (EncodedMatrix { rows, columns, data }, labels)
    }

    #[test]
    fn the_flat_trees_give_the_same_sums_to_the_last_bit() {
        let (mut matrix, labels) = exclusive(500, 4);
        for row in 0..50 {
            matrix.data[row * 7] = f64::NAN;
        }
        let fit = fit(&matrix, &labels, &settings(), &[], 3, None).unwrap();
        let mut booster =
            GradientBooster::default().set_iterations(40).set_learning_rate(0.1).set_max_depth(12).set_max_leaves(7).set_l2(1.0).set_min_leaf_weight(1.0);
        booster = booster.set_colsample_bytree(0.625).set_subsample(0.8).set_sample_method(SampleMethod::Random).set_nbins(64).set_parallel(false).set_seed(3);
        booster = booster.set_base_score(fit.base).set_initialize_base_score(false);
        booster.grow_policy = GrowPolicy::LossGuide;
        let targets: Vec<f64> = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
        let data = Matrix::new(&matrix.data, 500, 4);
        booster.fit(&data, &targets, &vec![1.0; 500], None).unwrap();
        let expected: Vec<u64> = booster.predict(&data, false).iter().map(|value| value.to_bits()).collect();
        let found: Vec<u64> = fit.trees.sums(&matrix, fit.base, 1.0).iter().map(|value| value.to_bits()).collect();
        assert_eq!(expected, found);
    }

    #[test]
    fn along_a_monotone_column_the_score_never_turns() {
        // Truth rises, falls and rises again along the column.
        let rows = 1_500;
        let data: Vec<f64> = (0..rows).map(|row| (mix(5, row) % 1000) as f64 / 1000.0).collect();
        let labels = (0..rows as usize).map(|row| (mix(6, row as u64) % 100) < if (data[row] * 3.0) as u64 == 1 { 20 } else { 50 }).collect::<Vec<_>>();
        let matrix = EncodedMatrix { rows: rows as usize, columns: 1, data };
        let line = EncodedMatrix { rows: 101, columns: 1, data: (0..101).map(|step| f64::from(step) / 100.0).collect() };
        for rising in [true, false] {
            let fit = fit(&matrix, &labels, &settings(), &[(0, rising)], 1, None).unwrap();
            let sums = fit.trees.sums(&line, fit.base, 1.0);
            assert!(sums.windows(2).all(|pair| if rising { pair[0] <= pair[1] } else { pair[0] >= pair[1] }), "{rising}: {sums:?}");
        }
        let free = fit(&matrix, &labels, &settings(), &[], 1, None).unwrap().trees.sums(&line, 0.0, 1.0);
        assert!(free[10] > free[50] && free[50] < free[90]);
    }

    #[test]
    fn an_interaction_without_main_effects_is_found_with_two_columns() {
        // Column sampling of 0.4 would leave floor(0.8) = 0 columns.
        let (matrix, labels) = exclusive(800, 2);
        let fit = fit(&matrix, &labels, &settings(), &[], 1, None).unwrap();
        let sums = fit.trees.sums(&matrix, fit.base, 1.0);
        assert!(crate::evaluate::classify::auc(&sums, &labels) > 0.95);
    }

    #[test]
    fn huge_values_leave_finite_scores() {
        let (mut matrix, labels) = exclusive(300, 2);
        matrix.data[0] = 1e300;
        matrix.data[1] = -f64::MAX;
        let fit = fit(&matrix, &labels, &settings(), &[], 1, None).unwrap();
        assert_eq!(fit.trees.validate(2), Ok(()));
        assert!(fit.trees.sums(&matrix, fit.base, 1.0).iter().all(|sum| sum.is_finite()));
    }
}
