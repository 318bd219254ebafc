//! Ridge regression on steps of features: what the models of effects are made of.

use crate::error::{Error, Result};
use crate::snapshot::{FeatureMatrix, FeatureSpec, FeatureValues};
use bincode::{Decode, Encode};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::cholesky::llt::solve::{solve_in_place, solve_in_place_scratch};
use faer::{Accum, Mat, Par};
use rayon::prelude::*;
use std::ops::Range;

/// Ridge of a [`LinearShare`], in rows.
const SHARE_RIDGE: f64 = 50.0;
/// Steps that a number is cut into.
const STEPS: usize = 6;

/// The customers' features as columns of a regression: an intercept, steps of numbers, categories, missing values.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(super) struct Design {
    cuts: Vec<Vec<f64>>,
    categories: Vec<usize>,
    /// First column after each feature's own; the intercept stands before the first.
    ends: Vec<usize>,
    width: usize,
}

impl Design {
    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The columns of each feature. The first category is left out: the others are told beside it.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let starts = std::iter::once(1).chain(self.ends.iter().copied());
        starts.zip(&self.ends).zip(&self.categories).map(|((start, end), categories)| start + (*categories).min(1)..*end)
    }

    /// Finds steps and categories.
    pub(super) fn learn(features: &FeatureMatrix) -> Design {
        let mut design = Design { cuts: Vec::new(), categories: Vec::new(), ends: Vec::new(), width: 1 };
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
            design.ends.push(design.width);
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

    /// Checks every value read from a file against the features that the columns are made of.
    pub(super) fn validate(&self, specs: &[FeatureSpec]) -> std::result::Result<(), String> {
        if [self.cuts.len(), self.categories.len(), self.ends.len()] != [specs.len(); 3] {
            return Err(format!("the design of effects has the columns of {} features, expected {}", self.cuts.len(), specs.len()));
        }
        let mut width = 1;
        for (column, spec) in specs.iter().enumerate() {
            let (steps, categories) = match &spec.values {
                FeatureValues::Category { vocabulary } => (0, vocabulary.len()),
                FeatureValues::Number => (self.cuts[column].len().min(STEPS), 0),
            };
            width += steps + categories + 1;
            if (self.cuts[column].len(), self.categories[column], self.ends[column]) != (steps, categories, width) {
                return Err(format!("the design of effects has other columns for {:?} than its values make", spec.name));
            }
            if self.cuts[column].iter().any(|cut| !cut.is_finite()) {
                return Err(format!("the design of effects cuts {:?} where no number is", spec.name));
            }
        }
        if self.width != width { Err(format!("the design of effects is {} wide, expected {width}", self.width)) } else { Ok(()) }
    }

    /// All customers' features, a row each.
    pub(super) fn matrix(&self, features: &FeatureMatrix) -> Mat<f64> {
        let rows: Vec<Vec<f64>> =
            (0..features.rows).into_par_iter().map(|row| self.row((0..features.columns()).map(|column| features.value(row, column)))).collect();
        Mat::from_fn(features.rows, self.width, |row, column| rows[row][column])
    }
}

/// A share of customers alike, linear in the columns of a design.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub(super) struct LinearShare {
    /// One per column; none where nothing is known.
    pub(super) coefficients: Vec<f64>,
}

impl LinearShare {
    /// Learns it from rows of the design and what came of each, of which there is one at least.
    pub(super) fn learn(cases: &[(&[f64], f64)]) -> Result<LinearShare> {
        let width = cases[0].0.len();
        let design = Mat::from_fn(cases.len(), width, |row, column| cases[row].0[column]);
        let outcomes = Mat::from_fn(cases.len(), 1, |row, _| cases[row].1);
        let coefficients = ridge(&design, &vec![1.0; cases.len()], &outcomes, SHARE_RIDGE)?;
        Ok(LinearShare { coefficients: (0..width).map(|column| coefficients[(column, 0)]).collect() })
    }

    /// Whether it was learnt.
    pub(super) fn is_known(&self) -> bool {
        !self.coefficients.is_empty()
    }

    /// The share, which may lie outside 0 and 1.
    pub(super) fn of(&self, row: &[f64]) -> f64 {
        row.iter().zip(&self.coefficients).map(|(value, coefficient)| value * coefficient).sum()
    }

    /// Checks every value read from a file; `width` is that of the design.
    pub(super) fn validate(&self, width: usize) -> std::result::Result<(), String> {
        if self.is_known() && self.coefficients.len() != width {
            return Err(format!("{} coefficients, expected {width}", self.coefficients.len()));
        }
        if self.coefficients.iter().all(|coefficient| coefficient.is_finite()) { Ok(()) } else { Err("a coefficient is not finite".into()) }
    }
}

/// Coefficients of ridge regressions of several targets on the rows of weight 1; the intercept is not pulled.
pub(super) fn ridge(design: &Mat<f64>, weights: &[f64], targets: &Mat<f64>, strength: f64) -> Result<Mat<f64>> {
    let width = design.ncols();
    let weighted = Mat::from_fn(design.nrows(), width, |row, column| design[(row, column)] * weights[row]);
    let mut gram = product(&weighted, design);
    let mut right = product(&weighted, targets);
    for place in 0..design.ncols() {
        gram[(place, place)] += if place == 0 { 1e-9 } else { strength };
    }
    factor(&mut gram)?;
    solve(&gram, &mut right);
    Ok(right)
}

/// What the regressions say of every row.
pub(super) fn predict(design: &Mat<f64>, coefficients: &Mat<f64>) -> Mat<f64> {
    let mut predicted = Mat::<f64>::zeros(design.nrows(), coefficients.ncols());
    faer::linalg::matmul::matmul(predicted.as_mut(), Accum::Replace, design.as_ref(), coefficients.as_ref(), 1.0, Par::rayon(2));
    predicted
}

/// Coefficients of a ridge regression without an intercept, every one pulled, and their covariance, which does not trust the noise to be the same
/// everywhere: `A^-1 X' diag(r^2) X A^-1` with `A = X'X + strength` (White 1980).
pub(super) fn ridge_with_doubt(design: &Mat<f64>, targets: &[f64], strength: f64) -> Result<(Vec<f64>, Mat<f64>)> {
    let (count, width) = (design.nrows(), design.ncols());
    let mut gram = product(design, design);
    (0..width).for_each(|place| gram[(place, place)] += strength);
    factor(&mut gram)?;
    let mut solution = Mat::from_fn(width, 1, |column, _| (0..count).map(|row| design[(row, column)] * targets[row]).sum::<f64>());
    solve(&gram, &mut solution);
    let coefficients: Vec<f64> = (0..width).map(|column| solution[(column, 0)]).collect();
    let residual = |row: usize| targets[row] - coefficients.iter().enumerate().map(|(column, own)| design[(row, column)] * own).sum::<f64>();
    let residuals: Vec<f64> = (0..count).map(residual).collect();
    let weighted = Mat::from_fn(count, width, |row, column| design[(row, column)] * residuals[row] * residuals[row]);
    let mut middle = product(&weighted, design);
    solve(&gram, &mut middle);
    let mut turned = middle.transpose().to_owned();
    solve(&gram, &mut turned);
    Ok((coefficients, turned))
}

/// `left' right`.
pub(super) fn product(left: &Mat<f64>, right: &Mat<f64>) -> Mat<f64> {
    let mut product = Mat::<f64>::zeros(left.ncols(), right.ncols());
    faer::linalg::matmul::matmul(product.as_mut(), Accum::Replace, left.transpose(), right.as_ref(), 1.0, Par::rayon(2));
    product
}

/// Coefficients from a Gram matrix and a right side, of the columns named.
pub(super) fn solve_some(gram: &Mat<f64>, right: &[f64], columns: &[usize], strength: f64) -> Result<Vec<f64>> {
    let mut own = Mat::from_fn(columns.len(), columns.len(), |a, b| gram[(columns[a], columns[b])] + if a == b { strength } else { 0.0 });
    let mut solution = Mat::from_fn(columns.len(), 1, |place, _| right[columns[place]]);
    factor(&mut own)?;
    solve(&own, &mut solution);
    Ok((0..columns.len()).map(|place| solution[(place, 0)]).collect())
}

/// The Cholesky factor of a matrix, in its place.
fn factor(gram: &mut Mat<f64>) -> Result<()> {
    let width = gram.ncols();
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
