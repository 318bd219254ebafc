//! How likely a customer leaves who did not respond to an offer.

use super::cases::Case;
use super::pooling::{LEAST, TINY};
use super::regression::LinearShare;
use super::trials::Trials;
use crate::config::{Config, Definition, Response};
use crate::error::Result;
use bincode::{Decode, Encode};

/// How likely a customer leaves who did not respond.
///
/// Where a response is a sign of life, who responds has not left: `left = (1 - responded) * left`. So a change of the response changes leaving by
/// `- change * k * q`, with `q` the share that leaves among those who did not respond and `k` at most 1: whom an offer moves is rather one who would have bought
/// later than one who had left already. `k` is the slope of the offers' effects on leaving over their effects on `(1 - responded) * q` (a surrogate: Prentice
/// 1989). Told apart from it, what remains of the effect on leaving is small and can be pulled towards what all offers have in common: leaving is seen
/// months later and is the noisiest of the outcomes.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub(super) struct Silence {
    /// `q`; not known where a response is no sign of life.
    share: LinearShare,
    /// `k`.
    passed_on: f64,
}

impl Silence {
    /// Learns `q` from the control customers.
    pub(super) fn learn(config: &Config, trials: &Trials<'_>) -> Result<Silence> {
        let is_life = |response: &Response| match response {
            Response::Events { kinds, within: Some(within), .. } => {
                kinds.iter().all(|kind| config.churn.kinds.contains(kind)) && within.seconds <= config.churn.horizon.seconds
            }
            Response::Events { .. } | Response::Columns(_) => false,
        };
        let responses: Vec<&Response> = config.treatments.iter().filter_map(|source| source.response.as_ref()).collect();
        if config.churn.definition != Definition::Inactivity || !responses.iter().all(|response| is_life(response)) {
            return Ok(Silence::default());
        }
        let silent: Vec<(&[f64], f64)> = trials.controls().filter(|(case, _)| case.responded < 0.5).filter_map(|(case, row)| Some((row, case.left?))).collect();
        if (silent.len() as f64) < LEAST {
            return Ok(Silence::default());
        }
        let mut silence = Silence { share: LinearShare::learn(&silent)?, passed_on: 1.0 };
        // Before anything is seen, any share from none to all is as likely: mean 1/2, variance 1/12.
        let (mut product, mut square) = (12.0 * 0.5, 12.0);
        for name in trials.names() {
            let left = trials.of(name, |case, _| case.left).mean(config.project.seed)?;
            let foretold = trials.of(name, |case, row| case.left.map(|_| (1.0 - case.responded) * silence.of(row))).mean(config.project.seed)?;
            if let (Some(left), Some(foretold)) = (left, foretold) {
                let weight = 1.0 / left.variance().max(TINY);
                product += weight * left.mean * foretold.mean;
                square += weight * foretold.mean.powi(2);
            }
        }
        silence.passed_on = (product / square).clamp(0.0, 1.0);
        Ok(silence)
    }

    /// Whether a response is a sign of life.
    pub(super) fn is_known(&self) -> bool {
        self.share.is_known()
    }

    /// Leaving less what the lack of a response foretells.
    pub(super) fn beyond(&self, case: &Case<'_>, row: &[f64]) -> Option<f64> {
        case.left.map(|left| left - (1.0 - case.responded) * self.of(row))
    }

    /// By how much a response of one like this lowers the probability of leaving.
    pub(super) fn of(&self, row: &[f64]) -> f64 {
        self.passed_on * self.share.of(row).clamp(0.0, 1.0)
    }

    /// `k`: which part of a change of the response is a change of leaving.
    pub(super) fn passed_on(&self) -> f64 {
        self.passed_on
    }

    /// Checks every value read from a file; `width` is that of the design.
    pub(super) fn validate(&self, width: usize) -> std::result::Result<(), String> {
        self.share.validate(width).map_err(|reason| format!("leaving without a response: {reason}"))?;
        if !(0.0..=1.0).contains(&self.passed_on) {
            return Err("leaving without a response: a share is not within 0 and 1".into());
        }
        Ok(())
    }
}
