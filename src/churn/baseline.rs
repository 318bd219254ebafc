//! The recency rule: who has been away longest leaves first. Two numbers, no freedom: every learner must beat it.

use super::calibrate::logistic_curve;
use crate::snapshot::FeatureMatrix;
use bincode::{Decode, Encode};

/// Log-odds that rise with the logarithm of the days since the last activity.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct RecencyRule {
    /// The column with the days since the last activity.
    pub feature: u32,
    /// Log-odds at zero days.
    pub intercept: f64,
    /// Rise per unit of `ln(1 + days)`, never negative.
    pub slope: f64,
    /// Mean of `ln(1 + days)` over the training rows; it also stands for a missing value.
    pub mean: f64,
}

impl RecencyRule {
    /// Fits the curve; needs both classes.
    pub fn fit(matrix: &FeatureMatrix, labels: &[bool], column: usize) -> RecencyRule {
        let known: Vec<usize> = (0..matrix.rows).filter(|row| !matrix.value(*row, column).is_nan()).collect();
        let mean = known.iter().map(|row| log_days(matrix.value(*row, column))).sum::<f64>() / known.len().max(1) as f64;
        let values: Vec<f64> = matrix.column(column).iter().map(|days| if days.is_nan() { mean } else { log_days(*days) }).collect();
        let (intercept, slope) = logistic_curve(&values, labels);
        RecencyRule { feature: column as u32, intercept, slope, mean }
    }

    /// Rise above the mean customer.
    fn rise(&self, days: f64) -> f64 {
        if days.is_nan() { 0.0 } else { self.slope * (log_days(days) - self.mean) }
    }

    /// Log-odds of every row.
    pub fn log_odds(&self, matrix: &FeatureMatrix) -> Vec<f64> {
        let base = self.intercept + self.slope * self.mean;
        matrix.column(self.feature as usize).iter().map(|days| base + self.rise(*days)).collect()
    }

    /// Adds the contribution of the one feature it reads; returns the part it does not explain.
    pub fn contribute(&self, matrix: &FeatureMatrix, row: usize, scale: f64, by_feature: &mut [f64]) -> f64 {
        by_feature[self.feature as usize] += scale * self.rise(matrix.value(row, self.feature as usize));
        scale * (self.intercept + self.slope * self.mean)
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, features: usize) -> Result<(), String> {
        if self.feature as usize >= features {
            return Err(format!("the recency rule reads feature {} of {features}", self.feature));
        }
        if !(self.intercept.is_finite() && self.slope.is_finite() && self.slope >= 0.0 && self.mean.is_finite()) {
            return Err("the recency rule is not finite and rising".into());
        }
        Ok(())
    }
}

/// `ln(1 + days)`; days before the cut-off cannot be negative.
fn log_days(days: f64) -> f64 {
    libm::log1p(days.max(0.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::fixtures::{matrix, number};

    #[test]
    fn longer_absence_is_never_less_risk_and_a_missing_one_is_average() {
        let days: Vec<f64> = (0..200).map(f64::from).collect();
        let labels: Vec<bool> = (0..200).map(|row| row > 100 || row % 7 == 0).collect();
        let table = matrix(vec![number("days", &days)]);
        let rule = RecencyRule::fit(&table, &labels, 0);
        let scores = rule.log_odds(&table);
        assert!(scores.windows(2).all(|pair| pair[0] < pair[1]));
        let missing = rule.log_odds(&matrix(vec![number("days", &[f64::NAN, 1e300])]));
        assert!(missing[0] > scores[0] && missing[0] < scores[199] && missing[1].is_finite());
    }

    #[test]
    fn data_that_runs_the_other_way_gives_the_base_rate() {
        let table = matrix(vec![number("days", &(0..100).map(f64::from).collect::<Vec<_>>())]);
        let labels: Vec<bool> = (0..100).map(|row| row < 25).collect();
        let scores = RecencyRule::fit(&table, &labels, 0).log_odds(&table);
        assert!(scores.iter().all(|score| (score - libm::log(1.0 / 3.0)).abs() < 0.03));
    }
}
