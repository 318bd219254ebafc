//! Ridge logistic regression on the design of [`super::design`]: the additive model.
//!
//! Penalised likelihood, solved by Newton's method (iteratively reweighted least squares, Green 1984): with some hundred
//! columns five Cholesky solves reach the optimum where gradient methods walk for a hundred passes over the rows. The solution
//! is unique (the penalty makes the problem strictly convex), so the order of the rows does not matter beyond rounding.
//! What a feature contributes is its own part of the sum, less the mean of that part over the training rows.

use super::design::{Basis, Design};
use super::sigmoid::{sigmoids, sum_softplus};
use crate::error::{Error, Result};
use crate::snapshot::FeatureMatrix;
use bincode::{Decode, Encode};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, Par};

/// Rows that are multiplied at a time: the weighted copy stays small.
const CHUNK: usize = 2048;
/// Newton steps at most; five or six are usual.
const STEPS: usize = 30;

/// A column of the design with what it weighs.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Term {
    /// The feature it reads.
    pub feature: u32,
    /// The column as a function of the feature.
    pub basis: Basis,
    /// Its mean over the training rows.
    pub mean: f64,
    /// Log-odds per unit.
    pub weight: f64,
}

/// A fitted additive model.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct Logistic {
    /// Log-odds where every column has its mean.
    pub base: f64,
    /// The columns.
    pub terms: Vec<Term>,
}

impl Logistic {
    /// Log-odds of every row.
    pub fn log_odds(&self, matrix: &FeatureMatrix) -> Vec<f64> {
        let mut sums = vec![self.base; matrix.rows];
        for term in &self.terms {
            for (sum, value) in sums.iter_mut().zip(matrix.column(term.feature as usize)) {
                *sum += term.weight * (term.basis.value(*value) - term.mean);
            }
        }
        sums
    }

    /// Adds what each feature contributes for one row, times `scale`; returns the part that no feature explains.
    pub fn contribute(&self, matrix: &FeatureMatrix, row: usize, scale: f64, by_feature: &mut [f64]) -> f64 {
        for term in &self.terms {
            let feature = term.feature as usize;
            by_feature[feature] += scale * term.weight * (term.basis.value(matrix.value(row, feature)) - term.mean);
        }
        scale * self.base
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, features: usize) -> std::result::Result<(), String> {
        for (index, term) in self.terms.iter().enumerate() {
            if term.feature as usize >= features {
                return Err(format!("term {index} reads feature {} of {features}", term.feature));
            }
            if !term.basis.is_sound() || !term.mean.is_finite() || !term.weight.is_finite() {
                return Err(format!("term {index} of the logistic model is not finite"));
            }
        }
        if self.base.is_finite() { Ok(()) } else { Err("the logistic model has no finite base".into()) }
    }
}

/// Fits one model per strength of `ridges` as they are asked for, each from where the one before ended (strongest first is quickest).
///
/// # Errors
/// 70 when a system cannot be solved, which the penalty excludes for finite data.
pub fn fit_path<'a>(design: &'a Design, labels: &'a [bool], ridges: &'a [f64]) -> impl Iterator<Item = Result<Logistic>> + 'a {
    let rows = labels.len();
    let columns = design.columns.len();
    let means: Vec<f64> = (0..columns).map(|column| design.data[column * rows..(column + 1) * rows].iter().sum::<f64>() / rows as f64).collect();
    // The last column is the intercept; centred columns keep it apart from the rest.
    let x = Mat::<f64>::from_fn(rows, columns + 1, |row, column| if column < columns { design.data[column * rows + row] - means[column] } else { 1.0 });
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let mut weights = Mat::<f64>::zeros(columns + 1, 1);
    weights[(columns, 0)] = libm::log(positives / (rows as f64 - positives));
    ridges.iter().map(move |ridge| {
        newton(&x, labels, *ridge, &mut weights)?;
        let terms = design
            .columns
            .iter()
            .enumerate()
            .map(|(column, (feature, basis))| Term { feature: *feature, basis: basis.clone(), mean: means[column], weight: weights[(column, 0)] })
            .collect();
        Ok(Logistic { base: weights[(columns, 0)], terms })
    })
}

/// Negative penalised log-likelihood, and the linear predictor.
fn loss(x: &Mat<f64>, labels: &[bool], ridge: f64, weights: &Mat<f64>) -> (f64, Mat<f64>) {
    let mut z = Mat::<f64>::zeros(x.nrows(), 1);
    faer::linalg::matmul::matmul(&mut z, Accum::Replace, x, weights, 1.0, Par::Seq);
    let columns = weights.nrows() - 1;
    let penalty: f64 = (0..columns).map(|column| weights[(column, 0)].powi(2)).sum::<f64>() * ridge / 2.0;
    let against: Vec<f64> = labels.iter().enumerate().map(|(row, label)| if *label { -z[(row, 0)] } else { z[(row, 0)] }).collect();
    (sum_softplus(&against) + penalty, z)
}

/// Newton steps from `weights` until the loss stands still; a step that makes it worse is halved.
fn newton(x: &Mat<f64>, labels: &[bool], ridge: f64, weights: &mut Mat<f64>) -> Result<()> {
    let (rows, size) = (x.nrows(), x.ncols());
    let (mut current, mut z) = loss(x, labels, ridge, weights);
    let mut weighted = Mat::<f64>::zeros(rows.min(CHUNK), size);
    for _ in 0..STEPS {
        let mut chance: Vec<f64> = (0..rows).map(|row| z[(row, 0)]).collect();
        sigmoids(&mut chance);
        let mut gradient = Mat::<f64>::zeros(size, 1);
        let residual = Mat::<f64>::from_fn(rows, 1, |row, _| f64::from(u8::from(labels[row])) - chance[row]);
        faer::linalg::matmul::matmul(&mut gradient, Accum::Replace, x.transpose(), &residual, 1.0, Par::Seq);
        let mut hessian = Mat::<f64>::zeros(size, size);
        for start in (0..rows).step_by(CHUNK) {
            let end = (start + CHUNK).min(rows);
            let root: Vec<f64> = chance[start..end].iter().map(|p| (p * (1.0 - p)).max(1e-10).sqrt()).collect();
            for column in 0..size {
                let values = x.col_as_slice(column)[start..end].iter().zip(&root);
                weighted.col_as_slice_mut(column).iter_mut().zip(values).for_each(|(cell, (value, root))| *cell = value * root);
            }
            let part = weighted.subrows(0, end - start);
            let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
            matmul(&mut hessian, lower, Accum::Add, part.transpose(), full, part, full, 1.0, Par::Seq);
        }
        for column in 0..size - 1 {
            gradient[(column, 0)] -= ridge * weights[(column, 0)];
            hessian[(column, column)] += ridge;
        }
        hessian[(size - 1, size - 1)] += 1e-9;
        let mut step = gradient;
        solve(&mut hessian, &mut step)?;
        let mut share = 1.0;
        let (next, predictor, loss_there) = loop {
            let next = Mat::<f64>::from_fn(size, 1, |row, _| weights[(row, 0)] + share * step[(row, 0)]);
            let (there, predictor) = loss(x, labels, ridge, &next);
            if there <= current || share < 1e-4 {
                break (next, predictor, there);
            }
            share /= 2.0;
        };
        if loss_there >= current {
            return Ok(());
        }
        let gain = current - loss_there;
        (*weights, z, current) = (next, predictor, loss_there);
        if gain < 1e-7 * rows as f64 {
            return Ok(());
        }
    }
    Ok(())
}

/// Solves a symmetric positive definite system, of which the lower half is given, in place. One thread whatever the global setting
/// says: the bits of the solution must not depend on it.
fn solve(system: &mut Mat<f64>, right: &mut Mat<f64>) -> Result<()> {
    let scratch = llt::factor::cholesky_in_place_scratch::<f64>(system.nrows(), Par::Seq, Default::default());
    let mut memory = MemBuffer::new(scratch);
    llt::factor::cholesky_in_place(system.as_mut(), Default::default(), Par::Seq, MemStack::new(&mut memory), Default::default())
        .map_err(|_| Error::internal("the logistic regression met a system that has no solution"))?;
    llt::solve::solve_in_place(system.as_ref(), right.as_mut(), Par::Seq, MemStack::new(&mut memory));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::design::design;
    use super::super::random::mix;
    use super::*;
    use crate::churn::fixtures::{matrix, number};

    #[test]
    fn the_gradient_is_zero_at_the_solution() {
        let values: Vec<f64> = (0..300).map(|row| (mix(5, row) % 1000) as f64).collect();
        let labels: Vec<bool> = values.iter().enumerate().map(|(row, value)| mix(6, row as u64) % 1000 < *value as u64).collect();
        let table = matrix(vec![number("x", &values)]);
        let design = design(&table, &labels, 5, 1);
        let ridge = 2.0;
        let model = fit_path(&design, &labels, &[20.0, ridge]).last().unwrap().unwrap();
        let scores = model.log_odds(&table);
        for (column, term) in model.terms.iter().enumerate() {
            let slope: f64 = (0..300)
                .map(|row| (design.data[column * 300 + row] - term.mean) * (f64::from(u8::from(labels[row])) - 1.0 / (1.0 + libm::exp(-scores[row]))))
                .sum();
            assert!((slope - ridge * term.weight).abs() < 0.02, "{slope} {}", ridge * term.weight);
        }
    }

    #[test]
    fn it_agrees_with_another_program_on_the_same_penalty() {
        use linfa::prelude::Fit;
        let columns: Vec<Vec<f64>> = (0..3).map(|column| (0..400).map(|row| (mix(column, row) % 2_000) as f64 / 1_000.0 - 1.0).collect()).collect();
        let labels: Vec<bool> =
            (0..400).map(|row| (mix(9, row as u64) % 1_000) as f64 / 1_000.0 < 0.3 + 0.25 * columns[0][row] - 0.1 * columns[1][row]).collect();
        let names = ["a", "b", "c"];
        let table = matrix(columns.iter().zip(names).map(|(values, name)| number(name, values)).collect());
        let design = design(&table, &labels, 0, 1);
        let ours = fit_path(&design, &labels, &[2.0]).next().unwrap().unwrap().log_odds(&table);
        // linfa sees the columns as we do: scaled by the design.
        let records = ndarray::Array2::from_shape_fn((400, design.columns.len()), |(row, column)| design.data[column * 400 + row]);
        let dataset = linfa::DatasetBase::new(records.clone(), ndarray::Array1::from(labels.clone()));
        let model = linfa_logistic::LogisticRegression::default().alpha(2.0).max_iterations(1_000).gradient_tolerance(1e-10).fit(&dataset).unwrap();
        let theirs = records.dot(model.params()) + model.intercept();
        // Its positive class is the majority; the sign is read off, never assumed.
        let sign = if (ours[0] - theirs[0]).abs() < (ours[0] + theirs[0]).abs() { 1.0 } else { -1.0 };
        assert!(ours.iter().zip(&theirs).all(|(our, their)| (our - sign * their).abs() < 2e-3), "{:?} {:?}", &ours[..3], &theirs.as_slice().unwrap()[..3]);
    }

    #[test]
    fn two_groups_give_the_textbook_log_odds_ratio() {
        // 30 of 100 against 60 of 100: odds 3/7 and 3/2, log ratio 1.2528.
        let values: Vec<f64> = (0..200).map(|row| f64::from(u8::from(row >= 100))).collect();
        let labels: Vec<bool> = (0..200).map(|row| if row < 100 { row < 30 } else { row < 160 }).collect();
        let table = matrix(vec![number("x", &values)]);
        let model = fit_path(&design(&table, &labels, 0, 1), &labels, &[1e-6]).next().unwrap().unwrap();
        let scores = model.log_odds(&table);
        assert!((scores[199] - scores[0] - libm::log(3.5)).abs() < 1e-4);
    }

    #[test]
    fn separable_data_stays_finite() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let labels: Vec<bool> = (0..50).map(|row| row >= 25).collect();
        let table = matrix(vec![number("x", &values), number("again", &values)]);
        let models = fit_path(&design(&table, &labels, 8, 1), &labels, &[1.0, 1e-3]).collect::<Result<Vec<_>>>().unwrap();
        assert!(models.iter().all(|model| model.validate(2).is_ok()));
        assert!(models[1].log_odds(&table)[49] > 2.0);
    }
}
