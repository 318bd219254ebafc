//! How readily a customer responds, whatever is sent.
//!
//! In: all past contacts and their controls, with what was known of each customer on that day. Out: how often customers like this one respond, beside
//! the mean of all. Offers differ in this much less than customers do, so it is learnt from all of them together.

use super::pooling::LEAST;
use super::regression::LinearShare;
use super::trials::Trials;
use crate::error::Result;
use bincode::{Decode, Encode};

/// Nobody is sure to respond or not to.
const SURE: f64 = 0.005;
/// Contacts and controls from which on customers are told apart.
const ENOUGH: usize = 200;

/// The share that responds.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub(super) struct Readiness {
    /// Not known where all are taken to be alike.
    share: LinearShare,
    /// Mean share `p` over the past contacts.
    mean: f64,
    /// Mean of `p (1 - p)` over them.
    doubt: f64,
}

impl Readiness {
    /// Learns the share from treated and control customers together.
    pub(super) fn learn(trials: &Trials<'_>) -> Result<Readiness> {
        let cases: Vec<(&[f64], f64)> = trials.all().map(|(case, row)| (row, case.responded)).collect();
        let count = cases.len();
        let responded = cases.iter().map(|(_, responded)| responded).sum::<f64>();
        if count < ENOUGH || responded < LEAST || count as f64 - responded < LEAST {
            return Ok(Readiness::default());
        }
        let mut readiness = Readiness { share: LinearShare::learn(&cases)?, mean: 1.0, doubt: 1.0 };
        let shares: Vec<f64> = cases.iter().map(|(row, _)| readiness.share(row)).collect();
        readiness.mean = shares.iter().sum::<f64>() / count as f64;
        readiness.doubt = shares.iter().map(|share| share * (1.0 - share)).sum::<f64>() / count as f64;
        Ok(readiness)
    }

    fn share(&self, row: &[f64]) -> f64 {
        self.share.of(row).clamp(SURE, 1.0 - SURE)
    }

    /// Whether customers are told apart.
    pub(super) fn is_known(&self) -> bool {
        self.share.is_known()
    }

    /// How often a customer responds, beside the mean of the past contacts. `row` is of the design.
    pub(super) fn times(&self, row: &[f64]) -> f64 {
        if self.is_known() && !row.is_empty() { self.share(row) / self.mean } else { 1.0 }
    }

    /// By how much an offer changes that at once, beside the mean: it moves those in doubt. Where it adds as much to everyone's log-odds, a share `p`
    /// rises in proportion to `p (1 - p)`.
    pub(super) fn moved(&self, row: &[f64]) -> f64 {
        if !self.is_known() || row.is_empty() {
            return 1.0;
        }
        let share = self.share(row);
        share * (1.0 - share) / self.doubt
    }

    /// Checks every value read from a file; `width` is that of the design.
    pub(super) fn validate(&self, width: usize) -> std::result::Result<(), String> {
        self.share.validate(width).map_err(|reason| format!("the share that responds: {reason}"))?;
        let is_mean = |mean: f64| if self.is_known() { mean > 0.0 && mean <= 1.0 } else { mean.abs() <= 0.0 };
        if !is_mean(self.mean) || !is_mean(self.doubt) {
            return Err("the share that responds: a mean is not within 0 and 1".into());
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn share(coefficients: Vec<f64>) -> LinearShare {
        LinearShare { coefficients }
    }

    #[test]
    fn who_seldom_responds_is_expected_to_respond_seldom_and_never_beyond_certainty() {
        // An intercept and whether a customer has been away for long.
        let readiness = Readiness { share: share(vec![0.4, -0.3]), mean: 0.25, doubt: 0.165 };
        assert!((readiness.times(&[1.0, 0.0]) - 1.6).abs() < 1e-12);
        assert!((readiness.times(&[1.0, 1.0]) - 0.4).abs() < 1e-12);
        assert!(readiness.times(&[1.0, 9.0]) > 0.0);
        assert_eq!((readiness.times(&[]), Readiness::default().times(&[1.0, 1.0])), (1.0, 1.0));
        // The same change of log-odds moves a share of .4 by .24, one of .1 by .09.
        assert!((readiness.moved(&[1.0, 0.0]) / readiness.moved(&[1.0, 1.0]) - 24.0 / 9.0).abs() < 1e-9);
        assert_eq!((readiness.moved(&[]), Readiness::default().moved(&[1.0, 1.0])), (1.0, 1.0));
    }

    #[test]
    fn shares_of_a_file_are_used_only_where_every_number_is_possible() {
        let good = Readiness { share: share(vec![0.4, -0.3]), mean: 0.25, doubt: 0.165 };
        assert_eq!((good.validate(2), Readiness::default().validate(0), Readiness::default().validate(7)), (Ok(()), Ok(()), Ok(())));
        let broken = [
            (Readiness { mean: 0.0, ..good.clone() }, 2),
            (Readiness { mean: f64::NAN, ..good.clone() }, 2),
            (Readiness { doubt: 0.0, ..good.clone() }, 2),
            (Readiness { share: share(vec![0.1, f64::NAN]), ..good.clone() }, 2),
            (good.clone(), 3),
            (Readiness { mean: 0.5, ..Readiness::default() }, 0),
        ];
        assert!(broken.iter().all(|(readiness, width)| readiness.validate(*width).is_err()));
    }
}
