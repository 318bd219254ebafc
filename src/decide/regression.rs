//! Ridge regression on steps of features: what the models of effects are made of.

use crate::error::{Error, Result};
use crate::snapshot::{FeatureMatrix, FeatureValues};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::cholesky::llt::solve::{solve_in_place, solve_in_place_scratch};
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

/// Steps that a number is cut into.
const STEPS: usize = 6;

/// The customers' features as columns of a regression: an intercept, steps of numbers, categories, missing values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Design {
    cuts: Vec<Vec<f64>>,
    categories: Vec<usize>,
    width: usize,
}

impl Design {
    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Finds steps and categories.
    pub(super) fn learn(features: &FeatureMatrix) -> Design {
        let mut design = Design { cuts: Vec::new(), categories: Vec::new(), width: 1 };
        for column in 0..features.columns() {
            let mut cuts = Vec::new();
            let mut categories = 0;
            match &features.specs[column].values {
                FeatureValues::Category { vocabulary } => categories = vocabulary.len(),
                FeatureValues::Number => {
                    let mut values: Vec<f64> = features.column(column).iter().copied().filter(|value| !value.is_nan()).collect();
                    values.sort_unstable_by(f64::total_cmp);
                    cuts = (1..STEPS).filter_map(|step| values.get(step * values.len() / STEPS).copied()).collect();
                    cuts.dedup_by(|a, b| a.total_cmp(b).is_eq());
                    cuts.retain(|cut| values.first().is_some_and(|first| cut > first));
                }
            }
            design.width += cuts.len() + categories + 1;
            design.cuts.push(cuts);
            design.categories.push(categories);
        }
        design
    }

    /// One customer's features, as columns of the regression.
    pub(super) fn row(&self, features: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.width);
        values.push(1.0);
        for (column, value) in features.enumerate() {
            values.extend(self.cuts[column].iter().map(|cut| f64::from(u8::from(value >= *cut))));
            let category = if value.is_nan() { usize::MAX } else { value.max(0.0) as usize };
            values.extend((0..self.categories[column]).map(|code| f64::from(u8::from(code == category))));
            values.push(f64::from(u8::from(value.is_nan())));
        }
        values
    }

    /// All customers' features, a row each.
    pub(super) fn matrix(&self, features: &FeatureMatrix) -> Mat<f64> {
        let rows: Vec<Vec<f64>> =
            (0..features.rows).into_par_iter().map(|row| self.row((0..features.columns()).map(|column| features.value(row, column)))).collect();
        Mat::from_fn(features.rows, self.width, |row, column| rows[row][column])
    }
}

/// Coefficients of ridge regressions of several targets on the rows of weight 1; the intercept is not pulled.
pub(super) fn ridge(design: &Mat<f64>, weights: &[f64], targets: &Mat<f64>, strength: f64) -> Result<Mat<f64>> {
    let width = design.ncols();
    let weighted = Mat::from_fn(design.nrows(), width, |row, column| design[(row, column)] * weights[row]);
    let mut gram = Mat::<f64>::zeros(width, width);
    faer::linalg::matmul::matmul(gram.as_mut(), Accum::Replace, weighted.transpose(), design.as_ref(), 1.0, Par::rayon(2));
    let mut right = Mat::<f64>::zeros(width, targets.ncols());
    faer::linalg::matmul::matmul(right.as_mut(), Accum::Replace, weighted.transpose(), targets.as_ref(), 1.0, Par::rayon(2));
    factor(&mut gram, strength)?;
    solve(&gram, &mut right);
    Ok(right)
}

/// What the regressions say of every row.
pub(super) fn predict(design: &Mat<f64>, coefficients: &Mat<f64>) -> Mat<f64> {
    let mut predicted = Mat::<f64>::zeros(design.nrows(), coefficients.ncols());
    faer::linalg::matmul::matmul(predicted.as_mut(), Accum::Replace, design.as_ref(), coefficients.as_ref(), 1.0, Par::rayon(2));
    predicted
}

/// Covariance of ridge coefficients that does not trust the noise to be the same everywhere: `A^-1 X' diag(r^2) X A^-1` with `A = X'X +
/// strength` (White 1980).
pub(super) fn covariance(design: &Mat<f64>, residuals: &[f64], strength: f64) -> Result<Mat<f64>> {
    let width = design.ncols();
    let weighted = Mat::from_fn(design.nrows(), width, |row, column| design[(row, column)] * residuals[row] * residuals[row]);
    let mut middle = Mat::<f64>::zeros(width, width);
    faer::linalg::matmul::matmul(middle.as_mut(), Accum::Replace, weighted.transpose(), design.as_ref(), 1.0, Par::rayon(2));
    let mut gram = Mat::<f64>::zeros(width, width);
    faer::linalg::matmul::matmul(gram.as_mut(), Accum::Replace, design.transpose(), design.as_ref(), 1.0, Par::rayon(2));
    factor(&mut gram, strength)?;
    solve(&gram, &mut middle);
    let mut turned = middle.transpose().to_owned();
    solve(&gram, &mut turned);
    Ok(turned)
}

/// The Cholesky factor of a Gram matrix with the ridge on its diagonal, in its place.
fn factor(gram: &mut Mat<f64>, strength: f64) -> Result<()> {
    let width = gram.ncols();
    for place in 0..width {
        gram[(place, place)] += if place == 0 { 1e-9 } else { strength };
    }
    let scratch = cholesky_in_place_scratch::<f64>(width, Par::Seq, Default::default());
    cholesky_in_place(gram.as_mut(), Default::default(), Par::Seq, MemStack::new(&mut MemBuffer::new(scratch)), Default::default())
        .map_err(|_| Error::internal("the regression of effects has no solution"))?;
    Ok(())
}

/// Solves for every column, in its place.
fn solve(factor: &Mat<f64>, right: &mut Mat<f64>) {
    let scratch = solve_in_place_scratch::<f64>(factor.ncols(), right.ncols(), Par::Seq);
    solve_in_place(factor.as_ref(), right.as_mut(), Par::Seq, MemStack::new(&mut MemBuffer::new(scratch)));
}
