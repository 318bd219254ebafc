//! Gamma-Gamma: what a purchase of a customer is worth, when purchases vary around a customer's own mean and means vary over customers.
//!
//! Fader, Hardie, "The Gamma-Gamma model of monetary value" (2013): a customer's purchases are gamma distributed with shape p around a scale
//! that is gamma distributed (q, gamma) over customers; money does not depend on how often one buys. Only customers who bought again are fitted.

use super::Summary;
use super::search::maximise;
use bincode::{Decode, Encode};

/// The three parameters.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub struct GammaGamma {
    /// Shape of a customer's purchases.
    pub p: f64,
    /// Shape of the customers' scales.
    pub q: f64,
    /// Scale of the customers' scales, in money.
    pub gamma: f64,
}

/// Log-likelihood (equation 1a) of customers: purchases and their mean amount.
fn likelihood(customers: &[(u32, f64)], p: f64, q: f64, gamma: f64) -> f64 {
    customers
        .iter()
        .map(|(purchases, mean)| {
            let x = f64::from(*purchases);
            libm::lgamma(p * x + q) - libm::lgamma(p * x) - libm::lgamma(q) + q * libm::log(gamma) + (p * x - 1.0) * libm::log(*mean) + p * x * libm::log(x)
                - (p * x + q) * libm::log(gamma + mean * x)
        })
        .sum()
}

impl GammaGamma {
    /// Maximum likelihood from the purchases of each customer and their mean amount (above 0).
    pub fn fit(customers: &[(u32, f64)]) -> GammaGamma {
        let mean = customers.iter().map(|(_, mean)| mean).sum::<f64>() / customers.len().max(1) as f64;
        let [p, q, gamma] = maximise([5.0, 4.0, (mean / 2.0).max(1e-3)], |numbers| {
            let of = |numbers: &[f64; 3]| likelihood(customers, numbers[0], numbers[1], numbers[2]);
            let slopes = std::array::from_fn(|place| {
                let (mut up, mut down) = (*numbers, *numbers);
                let step = 1e-6 * numbers[place];
                up[place] += step;
                down[place] -= step;
                (of(&up) - of(&down)) / (2.0 * step)
            });
            (of(numbers), slopes)
        });
        GammaGamma { p, q, gamma }
    }

    /// The log-likelihood of customers.
    pub fn log_likelihood(&self, customers: &[(u32, f64)]) -> f64 {
        likelihood(customers, self.p, self.q, self.gamma)
    }

    /// The mean amount expected of a customer's next purchases (equation 5): between the customer's own mean and that of all.
    pub fn expected_amount(&self, customer: &Summary) -> f64 {
        let GammaGamma { p, q, gamma } = *self;
        // With q at or below 1 the mean over all customers does not exist; the customer's own stands for it.
        let (known, mean) = if customer.mean_amount > 0.0 { (f64::from(customer.repeats), customer.mean_amount) } else { (0.0, 0.0) };
        if q <= 1.0 && known <= 0.0 { gamma * p / q } else { p * (gamma + known * mean) / (p * known + q - 1.0).max(1e-9) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_known_of_a_customer_is_pulled_towards_all() {
        // The published fit: a mean of p gamma / (q - 1) = 35.2 over all customers.
        let model = GammaGamma { p: 6.25, q: 3.74, gamma: 15.44 };
        let of = |repeats, mean_amount| model.expected_amount(&Summary { repeats, last: 1.0, observed: 2.0, mean_amount });
        assert!((of(0, f64::NAN) - 35.2).abs() < 0.1);
        assert!(of(1, 100.0) > 35.2 && of(1, 100.0) < 100.0 && of(20, 100.0) > of(1, 100.0));
    }
}
