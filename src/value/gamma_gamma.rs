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

/// What the likelihood asks of the customers, each once.
struct Purchases {
    customers: f64,
    /// Purchases and what they came to, by customer.
    spent: Vec<(f64, f64)>,
    /// How many customers have so many purchases.
    counts: Vec<(f64, f64)>,
    /// Sums over customers: the logarithm of the mean amount, and purchases times the logarithm of what they came to.
    log_mean: f64,
    log_spent: f64,
}

impl Purchases {
    /// Of the purchases of each customer and their mean amount.
    fn of(customers: &[(u32, f64)]) -> Purchases {
        let mut counts: Vec<u32> = customers.iter().map(|(purchases, _)| *purchases).collect();
        counts.sort_unstable();
        let spent: Vec<(f64, f64)> = customers.iter().map(|(purchases, mean)| (f64::from(*purchases), f64::from(*purchases) * mean)).collect();
        Purchases {
            customers: customers.len() as f64,
            counts: counts.chunk_by(|a, b| a == b).map(|same| (f64::from(same[0]), same.len() as f64)).collect(),
            log_mean: customers.iter().map(|(_, mean)| libm::log(*mean)).sum(),
            log_spent: spent.iter().map(|(purchases, spent)| purchases * libm::log(*spent)).sum(),
            spent,
        }
    }

    /// The part of the log-likelihood that only the number of purchases enters.
    fn of_counts(&self, p: f64, q: f64) -> f64 {
        let of_count = |(x, customers): &(f64, f64)| customers * (libm::lgamma(p * x + q) - libm::lgamma(p * x) - libm::lgamma(q));
        self.counts.iter().map(of_count).sum()
    }

    /// The log-likelihood (equation 1a) and its slopes by p, q and gamma.
    fn likelihood(&self, [p, q, gamma]: [f64; 3]) -> (f64, [f64; 3]) {
        let (mut log, mut log_weighed, mut inverse, mut inverse_weighed) = (0.0, 0.0, 0.0, 0.0);
        for (purchases, spent) in &self.spent {
            let sum = gamma + spent;
            let of_sum = libm::log(sum);
            log += of_sum;
            log_weighed += purchases * of_sum;
            inverse += 1.0 / sum;
            inverse_weighed += purchases / sum;
        }
        let log_gamma = libm::log(gamma);
        let value = self.of_counts(p, q) + self.customers * q * log_gamma + p * self.log_spent - self.log_mean - p * log_weighed - q * log;
        let slope = |up: f64, down: f64, step: f64| (up - down) / (2.0 * step);
        let (by_p, by_q) = (1e-6 * p, 1e-6 * q);
        let of_p = slope(self.of_counts(p + by_p, q), self.of_counts(p - by_p, q), by_p) + self.log_spent - log_weighed;
        let of_q = slope(self.of_counts(p, q + by_q), self.of_counts(p, q - by_q), by_q) + self.customers * log_gamma - log;
        (value, [of_p, of_q, self.customers * q / gamma - p * inverse_weighed - q * inverse])
    }
}

impl GammaGamma {
    /// Maximum likelihood from the purchases of each customer and their mean amount (above 0).
    pub fn fit(customers: &[(u32, f64)]) -> GammaGamma {
        let mean = customers.iter().map(|(_, mean)| mean).sum::<f64>() / customers.len().max(1) as f64;
        let purchases = Purchases::of(customers);
        let [p, q, gamma] = maximise([5.0, 4.0, (mean / 2.0).max(1e-3)], |numbers| purchases.likelihood(*numbers));
        GammaGamma { p, q, gamma }
    }

    /// The log-likelihood of customers.
    pub fn log_likelihood(&self, customers: &[(u32, f64)]) -> f64 {
        Purchases::of(customers).likelihood([self.p, self.q, self.gamma]).0
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
    fn the_likelihood_is_the_published_one_and_its_slopes_are_its_own() {
        let customers: Vec<(u32, f64)> = (0..200_u32).map(|customer| (1 + customer % 7, 5.0 + f64::from(customer * 37 % 91))).collect();
        let purchases = Purchases::of(&customers);
        let at = [6.25, 3.74, 15.44];
        let published = |[p, q, gamma]: [f64; 3]| -> f64 {
            let of_customer = |(purchases, mean): &(u32, f64)| {
                let x = f64::from(*purchases);
                libm::lgamma(p * x + q) - libm::lgamma(p * x) - libm::lgamma(q) + q * libm::log(gamma) + (p * x - 1.0) * libm::log(*mean) + p * x * libm::log(x)
                    - (p * x + q) * libm::log(gamma + mean * x)
            };
            customers.iter().map(of_customer).sum()
        };
        let (value, slopes) = purchases.likelihood(at);
        assert!((value - published(at)).abs() < 1e-9 * value.abs(), "{value} {}", published(at));
        for (place, slope) in slopes.into_iter().enumerate() {
            let (mut up, mut down) = (at, at);
            up[place] += 1e-5;
            down[place] -= 1e-5;
            let expected = (published(up) - published(down)) / 2e-5;
            assert!((slope - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{slope} {expected}");
        }
    }

    #[test]
    fn little_known_of_a_customer_is_pulled_towards_all() {
        // The published fit: a mean of p gamma / (q - 1) = 35.2 over all customers.
        let model = GammaGamma { p: 6.25, q: 3.74, gamma: 15.44 };
        let of = |repeats, mean_amount| model.expected_amount(&Summary { repeats, last: 1.0, observed: 2.0, mean_amount });
        assert!((of(0, f64::NAN) - 35.2).abs() < 0.1);
        assert!(of(1, 100.0) > 35.2 && of(1, 100.0) < 100.0 && of(20, 100.0) > of(1, 100.0));
    }
}
