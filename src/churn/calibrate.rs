//! From log-odds to probabilities that mean what they say, learnt on rows that the model was not fitted on.
//!
//! Three shapes, all rising: a logistic curve (Platt 1999), a beta curve (Kull, Silva Filho, Flach 2017) and a monotone piecewise line through pooled groups
//! (isotonic regression). The beta curve, of one parameter more, is taken where held-out log loss is lower by half of its standard error, the line only where
//! it is lower by more than twice that.

use super::random::stratified_parts;
use super::sigmoid::{sigmoids, sum_softplus};
use bincode::{Decode, Encode};

/// Fits one shape of calibration.
type Shape = fn(&[f64], &[bool]) -> Calibration;

/// Parts in which shapes are compared.
const PARTS: u8 = 5;
/// Probabilities are kept this far from 0 and 1.
const EDGE: f64 = 1e-6;
/// Standard errors by which each shape must be better than those before it.
const SHAPE_ERRORS: [f64; 3] = [0.0, 0.5, 2.0];
/// Rows each group of the piecewise line holds at least.
const GROUP_ROWS: usize = 25;

/// A rising function from log-odds to a probability.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Calibration {
    /// `1 / (1 + exp(-(intercept + slope z)))`.
    Platt {
        /// Log-odds where the model says 0.
        intercept: f64,
        /// Stretch, never negative.
        slope: f64,
    },
    /// The logistic curve of `intercept + a ln p - b ln (1 - p)`, with `p` the model's probability.
    Beta {
        /// Shift.
        intercept: f64,
        /// Weight of `ln p`, never negative.
        a: f64,
        /// Weight of `-ln (1 - p)`, never negative.
        b: f64,
    },
    /// Straight lines between points, level outside them.
    Line {
        /// Log-odds, ascending.
        z: Vec<f64>,
        /// Probabilities, ascending.
        p: Vec<f64>,
    },
}

/// `1 / (1 + exp(-z))`.
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-z))
}

/// The log-odds of a probability: undoes [`sigmoid`].
pub fn logit(p: f64) -> f64 {
    libm::log(p / (1.0 - p))
}

/// A probability with something added to its log-odds.
pub fn shifted(p: f64, by: f64) -> f64 {
    if by.abs() > 0.0 { sigmoid(logit(p) + by) } else { p }
}

/// What probabilities lack in log-odds so that as many are expected to leave as left (calibration in the large: Steyerberg 2019), and its variance.
pub fn in_the_large(probabilities: impl Iterator<Item = (f64, bool)>) -> (f64, f64) {
    let known: Vec<(f64, f64)> = probabilities.map(|(p, left)| (logit(p), f64::from(u8::from(left)))).collect();
    let (mut shift, mut information) = (0.0, 1.0);
    for _ in 0..25 {
        let (mut slope, mut curvature) = (0.0, 1e-9);
        for (z, left) in &known {
            let p = sigmoid(z + shift);
            slope += left - p;
            curvature += p * (1.0 - p);
        }
        shift += (slope / curvature).clamp(-1.0, 1.0);
        information = curvature;
    }
    (shift, 1.0 / information)
}

/// An estimate as far as it is larger than its noise (James, Stein 1961).
pub fn beyond_noise((estimate, variance): (f64, f64)) -> f64 {
    estimate * (1.0 - variance / (estimate * estimate).max(1e-300)).max(0.0)
}

/// `ln p` and `-ln (1 - p)` for the probability of log-odds `z`, without cancellation.
fn beta_terms(z: f64) -> (f64, f64) {
    let positive = z.max(0.0) + libm::log1p(libm::exp(-z.abs()));
    (z - positive, positive)
}

impl Calibration {
    /// The probability of log-odds.
    pub fn apply(&self, z: f64) -> f64 {
        let p = match self {
            Calibration::Platt { intercept, slope } => sigmoid(intercept + slope * z),
            Calibration::Beta { intercept, a, b } => {
                let (ln_p, ln_q) = beta_terms(z);
                sigmoid(intercept + a * ln_p + b * ln_q)
            }
            Calibration::Line { z: knots, p } => {
                let after = knots.partition_point(|knot| *knot <= z);
                match (after.checked_sub(1), knots.get(after)) {
                    (None, _) => p[0],
                    (Some(before), None) => p[before],
                    (Some(before), Some(next)) => p[before] + (p[after] - p[before]) * ((z - knots[before]) / (next - knots[before])),
                }
            }
        };
        p.clamp(EDGE, 1.0 - EDGE)
    }

    /// The shape that holds best, fitted on all rows given.
    pub fn fit(z: &[f64], labels: &[bool], seed: u64) -> Calibration {
        Calibration::fit_and_judge(z, labels, seed).0
    }

    /// As [`Calibration::fit`], with each row's probability from a calibration of that shape fitted on other rows.
    pub fn fit_and_judge(z: &[f64], labels: &[bool], seed: u64) -> (Calibration, Vec<f64>) {
        let parts = stratified_parts(labels, PARTS, seed);
        let shapes: [Shape; 3] = [platt, beta, line];
        // The piecewise line needs enough groups to be a shape of its own.
        let tried = if labels.len() >= 40 * GROUP_ROWS { 3 } else { 2 };
        let mut judged: Vec<Vec<f64>> = shapes[..tried].iter().map(|shape| cross_fitted(z, labels, &parts, *shape)).collect();
        let losses: Vec<Vec<f64>> = judged.iter().map(|probabilities| row_losses(probabilities, labels)).collect();
        let mut best = 0;
        for shape in 1..tried {
            if clearly_better(&losses[shape], &losses[best], SHAPE_ERRORS[shape]) {
                best = shape;
            }
        }
        (shapes[best](z, labels), judged.swap_remove(best))
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> Result<(), String> {
        let sound = match self {
            Calibration::Platt { intercept, slope } => intercept.is_finite() && slope.is_finite() && *slope >= 0.0,
            Calibration::Beta { intercept, a, b } => [intercept, a, b].iter().all(|value| value.is_finite()) && *a >= 0.0 && *b >= 0.0,
            Calibration::Line { z, p } => {
                !z.is_empty()
                    && z.len() == p.len()
                    && z.iter().all(|value| value.is_finite())
                    && z.windows(2).all(|pair| pair[0] < pair[1])
                    && p.iter().all(|value| (0.0..=1.0).contains(value))
                    && p.windows(2).all(|pair| pair[0] <= pair[1])
            }
        };
        if sound { Ok(()) } else { Err("the calibration is not a rising function into [0, 1]".into()) }
    }
}

/// Each row's probability from a calibration of the other parts.
fn cross_fitted(z: &[f64], labels: &[bool], parts: &[u8], shape: Shape) -> Vec<f64> {
    let mut probabilities = vec![0.0; z.len()];
    for part in 0..PARTS {
        let (others_z, others): (Vec<f64>, Vec<bool>) = (0..z.len()).filter(|row| parts[*row] != part).map(|row| (z[row], labels[row])).unzip();
        let calibration = shape(&others_z, &others);
        for row in (0..z.len()).filter(|row| parts[*row] == part) {
            probabilities[row] = calibration.apply(z[row]);
        }
    }
    probabilities
}

/// Log loss of each row.
pub fn row_losses(probabilities: &[f64], labels: &[bool]) -> Vec<f64> {
    probabilities.iter().zip(labels).map(|(p, label)| -libm::log(if *label { *p } else { 1.0 - p }.max(1e-15))).collect()
}

/// Whether the mean of the first is below the second's by more than `errors` standard errors of the paired difference.
pub fn clearly_better(losses: &[f64], than: &[f64], errors: f64) -> bool {
    let count = losses.len() as f64;
    let gains: Vec<f64> = than.iter().zip(losses).map(|(old, new)| old - new).collect();
    let mean = gains.iter().sum::<f64>() / count;
    let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    mean > errors * (variance / count).sqrt()
}

/// Intercept and slope (at least 0) of a logistic curve, by Newton's method. With one class or one value the slope is 0. Targets are
/// pulled in by Platt's rule, so that a perfect order stays finite.
pub fn logistic_curve(values: &[f64], labels: &[bool]) -> (f64, f64) {
    let weights = nonnegative_logistic(&[values.to_vec()], labels, 1e-3);
    (weights[0], weights[1])
}

/// Intercept and weights (each at least 0) of a logistic model of few columns: Newton's method with an active set, penalty
/// `ridge / 2 (weight - 1 / columns)^2` per column. Platt's targets `(n + 1) / (n + 2)` and `1 / (n + 2)` keep it finite.
pub fn nonnegative_logistic(columns: &[Vec<f64>], labels: &[bool], ridge: f64) -> Vec<f64> {
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let centre = 1.0 / columns.len().max(1) as f64;
    let rows = labels.len();
    let target = |label: bool| if label { high } else { low };
    let linear = |weights: &[f64]| -> Vec<f64> {
        let mut z = vec![weights[0]; rows];
        for (column, weight) in columns.iter().zip(&weights[1..]) {
            z.iter_mut().zip(column).for_each(|(z, value)| *z += weight * value);
        }
        z
    };
    let objective = |weights: &[f64]| -> f64 {
        let z = linear(weights);
        let targeted: f64 = z.iter().zip(labels).map(|(z, label)| target(*label) * z).sum();
        let likelihood = sum_softplus(&z) - targeted;
        likelihood + weights[1..].iter().map(|weight| ridge / 2.0 * (weight - centre).powi(2)).sum::<f64>()
    };
    let base = (positives * high + negatives * low) / (rows as f64).max(1.0);
    let mut weights = vec![0.0; columns.len() + 1];
    weights[0] = logit(base);
    if columns.len() > 1 {
        weights = vec![centre; columns.len() + 1];
        weights[0] = 0.0;
    }
    let mut current = objective(&weights);
    for _ in 0..60 {
        let size = weights.len();
        let mut gradient = vec![0.0; size];
        let mut hessian = vec![vec![0.0; size]; size];
        let mut chances = linear(&weights);
        sigmoids(&mut chances);
        for (row, p) in chances.into_iter().enumerate() {
            let value = |index: usize| if index == 0 { 1.0 } else { columns[index - 1][row] };
            let slack = target(labels[row]) - p;
            let curvature = (p * (1.0 - p)).max(1e-9);
            for i in 0..size {
                gradient[i] += slack * value(i);
                for (j, cell) in hessian[i].iter_mut().enumerate().take(i + 1) {
                    *cell += curvature * value(i) * value(j);
                }
            }
        }
        for index in 1..size {
            gradient[index] -= ridge * (weights[index] - centre);
            hessian[index][index] += ridge;
        }
        // A weight at its bound that the gradient pushes further out stays there.
        let free: Vec<usize> = (0..size).filter(|index| *index == 0 || weights[*index] > 0.0 || gradient[*index] > 0.0).collect();
        let step = solve(&hessian, &gradient, &free);
        let mut share = 1.0;
        let mut moved = false;
        while share > 1e-6 {
            let next: Vec<f64> =
                (0..size).map(|index| weights[index] + share * step[index]).enumerate().map(|(index, w)| if index == 0 { w } else { w.max(0.0) }).collect();
            let there = objective(&next);
            if there < current {
                moved = current - there > 1e-10 * rows as f64;
                (weights, current) = (next, there);
                break;
            }
            share /= 2.0;
        }
        if !moved {
            break;
        }
    }
    weights
}

/// Solves the symmetric system (lower triangle given) for the free indices by Cholesky; the others get 0.
fn solve(matrix: &[Vec<f64>], right: &[f64], free: &[usize]) -> Vec<f64> {
    let size = free.len();
    let mut factor = vec![vec![0.0f64; size]; size];
    for i in 0..size {
        for j in 0..=i {
            let (a, b) = (free[i].max(free[j]), free[i].min(free[j]));
            let mut sum = matrix[a][b];
            let known: f64 = factor[i][..j].iter().zip(&factor[j][..j]).map(|(a, b)| a * b).sum();
            sum -= known;
            factor[i][j] = if i == j { sum.max(1e-12).sqrt() } else { sum / factor[j][j] };
        }
    }
    let mut solution = vec![0.0; size];
    for i in 0..size {
        let known: f64 = (0..i).map(|k| factor[i][k] * solution[k]).sum();
        solution[i] = (right[free[i]] - known) / factor[i][i];
    }
    for i in (0..size).rev() {
        let known: f64 = (i + 1..size).map(|k| factor[k][i] * solution[k]).sum();
        solution[i] = (solution[i] - known) / factor[i][i];
    }
    let mut full = vec![0.0; right.len()];
    for (index, value) in free.iter().zip(solution) {
        full[*index] = value;
    }
    full
}

/// The logistic curve.
fn platt(z: &[f64], labels: &[bool]) -> Calibration {
    let (intercept, slope) = logistic_curve(z, labels);
    Calibration::Platt { intercept, slope }
}

/// The beta curve.
fn beta(z: &[f64], labels: &[bool]) -> Calibration {
    let (ln_p, ln_q): (Vec<f64>, Vec<f64>) = z.iter().map(|z| beta_terms(*z)).unzip();
    let weights = nonnegative_logistic(&[ln_p, ln_q], labels, 1e-3);
    Calibration::Beta { intercept: weights[0], a: weights[1], b: weights[2] }
}

/// Groups of equal size by log-odds, pooled until their churn shares rise (pool adjacent violators), joined by straight lines.
fn line(z: &[f64], labels: &[bool]) -> Calibration {
    let mut order: Vec<usize> = (0..z.len()).collect();
    order.sort_by(|a, b| z[*a].total_cmp(&z[*b]));
    let groups = (z.len() / GROUP_ROWS).clamp(1, 200);
    // Sum of log-odds, churners, rows of each pooled group.
    let mut pools: Vec<(f64, f64, f64)> = Vec::new();
    for group in 0..groups {
        let rows = &order[group * z.len() / groups..(group + 1) * z.len() / groups];
        let churners = rows.iter().filter(|row| labels[**row]).count() as f64;
        pools.push((rows.iter().map(|row| z[*row]).sum(), churners, rows.len() as f64));
        while pools.len() > 1 {
            let (last, before) = (pools[pools.len() - 1], pools[pools.len() - 2]);
            if before.1 * last.2 < last.1 * before.2 && before.0 * last.2 < last.0 * before.2 {
                break;
            }
            pools.truncate(pools.len() - 2);
            pools.push((before.0 + last.0, before.1 + last.1, before.2 + last.2));
        }
    }
    let (z, p) = pools.iter().map(|(z, churners, rows)| (z / rows, (churners + 0.5) / (rows + 1.0))).unzip::<f64, f64, Vec<f64>, Vec<f64>>();
    // Half a churner per group may turn two shares around by a hair.
    let mut rising = p;
    for index in 1..rising.len() {
        rising[index] = rising[index].max(rising[index - 1]);
    }
    Calibration::Line { z, p: rising }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::random::uniform;
    use super::*;

    /// Log-odds with churn drawn from a curve of them.
    fn drawn(rows: usize, truth: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<bool>) {
        let z: Vec<f64> = (0..rows).map(|row| 6.0 * uniform(1, row) - 3.0).collect();
        let labels = z.iter().enumerate().map(|(row, z)| uniform(2, row) < truth(*z)).collect();
        (z, labels)
    }

    #[test]
    fn in_the_large_as_many_are_expected_to_leave_as_left_and_noise_is_not_followed() {
        let (z, labels) = drawn(20_000, |z| sigmoid(z - 0.7));
        let (shift, variance) = in_the_large(z.iter().map(|z| sigmoid(*z)).zip(labels));
        assert!((shift + 0.7).abs() < 4.0 * variance.sqrt() && variance < 0.001, "{shift} {variance}");
        assert!((beyond_noise((shift, variance)) - shift).abs() < 0.01);
        // Nobody left: how much less they leave cannot be told.
        assert!(beyond_noise(in_the_large([0.1, 0.2].into_iter().map(|p| (p, false)))).abs() < 1e-12);
        assert!(beyond_noise((0.1, 0.02)).abs() < 1e-12 && beyond_noise(in_the_large(std::iter::empty())).abs() < 1e-12);
    }

    #[test]
    fn an_overconfident_model_is_pulled_back() {
        let (z, labels) = drawn(20_000, |z| sigmoid(0.5 * z - 1.0));
        let Calibration::Platt { intercept, slope } = platt(&z, &labels) else { panic!("not a logistic curve") };
        assert!((intercept + 1.0).abs() < 0.06 && (slope - 0.5).abs() < 0.03, "{intercept} {slope}");
    }

    #[test]
    fn the_plain_curve_is_kept_where_it_is_true_and_left_where_it_is_wrong() {
        let (z, labels) = drawn(8000, |z| sigmoid(z - 0.3));
        assert!(matches!(Calibration::fit(&z, &labels, 1), Calibration::Platt { .. }));
        let (z, labels) = drawn(8000, |z| if z < 0.0 { 0.1 } else { 0.6 });
        let found = Calibration::fit(&z, &labels, 1);
        assert!(matches!(found, Calibration::Line { .. }), "{found:?}");
        assert!((found.apply(-2.0) - 0.1).abs() < 0.03 && (found.apply(2.0) - 0.6).abs() < 0.03);
    }

    #[test]
    fn every_shape_rises_and_stays_inside() {
        let (z, labels) = drawn(3000, sigmoid);
        for calibration in [platt(&z, &labels), beta(&z, &labels), line(&z, &labels)] {
            assert_eq!(calibration.validate(), Ok(()));
            let curve: Vec<f64> = (-400..400).map(|step| calibration.apply(f64::from(step) / 20.0)).collect();
            assert!(curve.windows(2).all(|pair| pair[0] <= pair[1]));
            assert!(calibration.apply(1e300) < 1.0 && calibration.apply(-1e300) > 0.0);
        }
    }

    #[test]
    fn a_reversed_model_gets_no_say() {
        let (z, labels) = drawn(2000, |z| sigmoid(-z));
        let Calibration::Platt { slope, .. } = platt(&z, &labels) else { panic!("not a logistic curve") };
        assert!(slope.abs() < 1e-12);
    }

    #[test]
    fn a_perfect_order_and_a_single_class_stay_finite() {
        let z: Vec<f64> = (0..60).map(f64::from).collect();
        let labels: Vec<bool> = (0..60).map(|row| row >= 30).collect();
        for labels in [labels, vec![true; 60]] {
            let found = Calibration::fit(&z, &labels, 1);
            assert_eq!(found.validate(), Ok(()));
            assert!((0.0..=1.0).contains(&found.apply(45.0)));
        }
    }

    #[test]
    fn a_falling_or_broken_calibration_is_refused() {
        for broken in [
            Calibration::Platt { intercept: 0.0, slope: -1.0 },
            Calibration::Beta { intercept: f64::NAN, a: 1.0, b: 1.0 },
            Calibration::Line { z: vec![0.0, 1.0], p: vec![0.5, 0.4] },
            Calibration::Line { z: vec![], p: vec![] },
            Calibration::Line { z: vec![1.0, 0.0], p: vec![0.1, 0.2] },
        ] {
            assert!(broken.validate().is_err());
        }
    }
}
