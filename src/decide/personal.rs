//! How the effect of an offer differs between customers.
//!
//! In: past contacts of one offer and the control customers of the same waves, with what was known of each on that day. Out: by how much the
//! effect on a customer departs from the offer's mean effect. A DR-learner (Kennedy 2023): doubly robust scores
//! `mu_1(x) - mu_0(x) + (Y - mu_1(x)) / e` for the treated and `- (Y - mu_0(x)) / (1 - e)` for controls, cross-fitted, regressed on steps of the
//! features with a ridge. The ridge is the one that foretells the scores of customers left out best; where none of them does so surely better
//! than the mean effect, nobody departs from it: effects are small beside noise, and the largest of noisy estimates is mostly noise.

use super::regression::{covariance, predict, ridge};
use crate::churn::random::mix;
use crate::error::Result;
use faer::Mat;

/// Parts of the cross-fit.
const PARTS: u64 = 5;
/// Ridge of the outcome models, in rows.
const OUTCOME_RIDGE: f64 = 50.0;
/// Ridges of the effect models that are tried, in rows.
const RIDGES: [f64; 3] = [100.0, 1_000.0, 10_000.0];
/// Standard errors by which departing must beat the mean effect: the best of several ridges flatters itself.
const SURE: f64 = 2.0;
/// Customers on each side below which nobody departs from the mean.
const LEAST: usize = 200;

/// One outcome of one offer: a row per customer.
#[derive(Debug, Clone, Default)]
pub(super) struct Trial {
    /// Rows of the design.
    pub(super) rows: Vec<Vec<f64>>,
    /// Who was treated; the others are controls of the same waves.
    pub(super) treated: Vec<bool>,
    /// Share treated among both in the wave.
    pub(super) propensity: Vec<f64>,
    /// What followed.
    pub(super) outcome: Vec<f64>,
}

/// How the effect departs from its mean: linear in the centred columns of the design.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Departure {
    centre: Vec<f64>,
    coefficients: Vec<f64>,
    covariance: Mat<f64>,
}

impl Departure {
    /// By how much the effect on this customer departs from the mean.
    pub(super) fn of(&self, row: &[f64]) -> f64 {
        row.iter().zip(&self.centre).zip(&self.coefficients).map(|((value, centre), coefficient)| (value - centre) * coefficient).sum()
    }

    /// Its variance.
    pub(super) fn variance(&self, row: &[f64]) -> f64 {
        let centred: Vec<f64> = row.iter().zip(&self.centre).map(|(value, centre)| value - centre).collect();
        let width = centred.len();
        (0..width).map(|a| centred[a] * (0..width).map(|b| self.covariance[(a, b)] * centred[b]).sum::<f64>()).sum::<f64>().max(0.0)
    }
}

impl Trial {
    /// Learns how the effect departs from its mean; `None` where it does not do so surely.
    pub(super) fn departure(&self, seed: u64) -> Result<Option<Departure>> {
        let count = self.rows.len();
        let treated = self.treated.iter().filter(|treated| **treated).count();
        if treated < LEAST || count - treated < LEAST {
            return Ok(None);
        }
        let width = self.rows[0].len();
        let plain = Mat::from_fn(count, width, |row, column| self.rows[row][column]);
        let part: Vec<u64> = (0..count).map(|row| mix(seed, row as u64) % PARTS).collect();
        let scores = self.scores(&plain, &part)?;
        let mean = scores.iter().sum::<f64>() / count as f64;
        let centre: Vec<f64> = (0..width).map(|column| (0..count).map(|row| plain[(row, column)]).sum::<f64>() / count as f64).collect();
        let centred = Mat::from_fn(count, width, |row, column| plain[(row, column)] - centre[column]);
        let targets = Mat::from_fn(count, 1, |row, _| scores[row] - mean);
        let mut chosen: Option<(f64, f64)> = None;
        for strength in RIDGES {
            let mut gains = vec![0.0; count];
            for held in 0..PARTS {
                let weights: Vec<f64> = part.iter().map(|own| f64::from(u8::from(*own != held))).collect();
                let predicted = predict(&centred, &ridge(&centred, &weights, &targets, strength)?);
                for row in (0..count).filter(|row| part[*row] == held) {
                    gains[row] = targets[(row, 0)].powi(2) - (targets[(row, 0)] - predicted[(row, 0)]).powi(2);
                }
            }
            let gain = gains.iter().sum::<f64>() / count as f64;
            let variance = gains.iter().map(|own| (own - gain).powi(2)).sum::<f64>() / (count - 1) as f64;
            let sure = gain - SURE * (variance / count as f64).sqrt();
            if sure > chosen.map_or(0.0, |(sure, _)| sure) {
                chosen = Some((sure, strength));
            }
        }
        let Some((_, strength)) = chosen else { return Ok(None) };
        let coefficients = ridge(&centred, &vec![1.0; count], &targets, strength)?;
        let predicted = predict(&centred, &coefficients);
        let residuals: Vec<f64> = (0..count).map(|row| targets[(row, 0)] - predicted[(row, 0)]).collect();
        let covariance = covariance(&centred, &residuals, strength)?;
        Ok(Some(Departure { centre, coefficients: (0..width).map(|column| coefficients[(column, 0)]).collect(), covariance }))
    }

    /// Cross-fitted doubly robust scores: the mean of these is the mean effect, whatever the outcome models say.
    fn scores(&self, design: &Mat<f64>, part: &[u64]) -> Result<Vec<f64>> {
        let count = self.rows.len();
        let outcomes = Mat::from_fn(count, 1, |row, _| self.outcome[row]);
        let mut scores = vec![0.0; count];
        for held in 0..PARTS {
            let side = |is_treated: bool| -> Result<Mat<f64>> {
                let weights: Vec<f64> = (0..count).map(|row| f64::from(u8::from(part[row] != held && self.treated[row] == is_treated))).collect();
                Ok(predict(design, &ridge(design, &weights, &outcomes, OUTCOME_RIDGE)?))
            };
            let (with, without) = (side(true)?, side(false)?);
            for row in (0..count).filter(|row| part[*row] == held) {
                let (with, without, share) = (with[(row, 0)], without[(row, 0)], self.propensity[row].clamp(0.01, 0.99));
                let seen = if self.treated[row] { (self.outcome[row] - with) / share } else { -(self.outcome[row] - without) / (1.0 - share) };
                scores[row] = with - without + seen;
            }
        }
        Ok(scores)
    }

    /// The mean outcome of the treated as far as it departs from their mean, for how likely an offer is accepted by whom.
    pub(super) fn acceptance(&self) -> Result<Option<Departure>> {
        let rows: Vec<usize> = (0..self.rows.len()).filter(|row| self.treated[*row]).collect();
        if rows.len() < LEAST {
            return Ok(None);
        }
        let (count, width) = (rows.len(), self.rows[0].len());
        let centre: Vec<f64> = (0..width).map(|column| rows.iter().map(|row| self.rows[*row][column]).sum::<f64>() / count as f64).collect();
        let mean = rows.iter().map(|row| self.outcome[*row]).sum::<f64>() / count as f64;
        let centred = Mat::from_fn(count, width, |row, column| self.rows[rows[row]][column] - centre[column]);
        let targets = Mat::from_fn(count, 1, |row, _| self.outcome[rows[row]] - mean);
        let coefficients = ridge(&centred, &vec![1.0; count], &targets, OUTCOME_RIDGE)?;
        Ok(Some(Departure { centre, coefficients: (0..width).map(|column| coefficients[(column, 0)]).collect(), covariance: Mat::zeros(width, width) }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn uniform(seed: u64, row: usize) -> f64 {
        (mix(seed, row as u64) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A quarter treated by lot; the effect on customers of group 0 and 1.
    fn trial(rows: usize, seed: u64, effects: [f64; 2]) -> Trial {
        let mut trial = Trial::default();
        for row in 0..rows {
            let group = usize::from(uniform(seed, row) < 0.4);
            let treated = uniform(seed + 1, row) < 0.25;
            let chance = 0.2 + 0.1 * group as f64 + if treated { effects[group] } else { 0.0 };
            trial.rows.push(vec![1.0, group as f64, uniform(seed + 3, row)]);
            trial.treated.push(treated);
            trial.propensity.push(0.25);
            trial.outcome.push(f64::from(u8::from(uniform(seed + 2, row) < chance)));
        }
        trial
    }

    #[test]
    fn an_effect_that_differs_between_customers_is_told_apart_with_its_doubt() {
        let departure = trial(20_000, 3, [0.15, -0.05]).departure(1).unwrap().unwrap();
        let of = |group: f64| (departure.of(&[1.0, group, 0.5]), departure.variance(&[1.0, group, 0.5]).sqrt());
        let ((low, low_error), (high, high_error)) = (of(1.0), of(0.0));
        // The mean effect is 0.07: group 0 is 0.08 above it, group 1 is 0.12 below.
        assert!((high - 0.08).abs() < 0.025 && (low + 0.12).abs() < 0.035, "{high} {low}");
        assert!((0.002..0.02).contains(&high_error) && (0.002..0.02).contains(&low_error), "{high_error} {low_error}");
    }

    #[test]
    fn where_the_effect_is_the_same_for_all_nobody_departs_from_it() {
        let departs = (0..20).filter(|seed| trial(4_000, 100 * seed, [0.1, 0.1]).departure(*seed).unwrap().is_some()).count();
        assert!(departs <= 1, "{departs} of 20");
    }
}
