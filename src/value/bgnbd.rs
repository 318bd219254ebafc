//! BG/NBD: purchases come at a customer's own steady rate until, after some purchase, the customer is gone.
//!
//! Assumptions (Fader, Hardie, Lee, "Counting your customers the easy way", Marketing Science 2005): while alive a customer buys at random with a rate; rates
//! are gamma distributed (r, alpha); after each purchase the customer leaves with a probability; these are beta distributed (a, b); rate and probability are
//! independent.

use super::Summary;
use super::search::maximise;
use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// The four parameters; time is in weeks.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub struct BgNbd {
    /// Shape of the rates.
    pub r: f64,
    /// Scale of the rates, weeks.
    pub alpha: f64,
    /// How readily customers leave.
    pub a: f64,
    /// How readily they stay.
    pub b: f64,
}

/// Customers with the same summary.
struct Same {
    repeats: usize,
    last: f64,
    observed: f64,
    count: f64,
}

/// Sums of `ln(start + k)` and of `1 / (start + k)` for k below n, for n up to the most.
fn sums(start: f64, most: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut logs, mut inverses) = (vec![0.0; most + 1], vec![0.0; most + 1]);
    for k in 0..most {
        let value = start + k as f64;
        logs[k + 1] = logs[k] + libm::log(value);
        inverses[k + 1] = inverses[k] + 1.0 / value;
    }
    (logs, inverses)
}

impl BgNbd {
    /// Maximum likelihood. It always ends: a likelihood without a peak (everyone buys once) gives a point at the bounds.
    pub fn fit(customers: &[Summary]) -> BgNbd {
        let mut groups: BTreeMap<(u32, u64, u64), f64> = BTreeMap::new();
        for customer in customers {
            *groups.entry((customer.repeats, customer.last.to_bits(), customer.observed.to_bits())).or_insert(0.0) += 1.0;
        }
        let groups: Vec<Same> = groups
            .into_iter()
            .map(|((repeats, last, observed), count)| Same { repeats: repeats as usize, last: f64::from_bits(last), observed: f64::from_bits(observed), count })
            .collect();
        // A start in the data's own scale: a typical time observed.
        let typical = groups.iter().map(|group| group.observed * group.count).sum::<f64>() / customers.len().max(1) as f64;
        let [r, alpha, a, b] = maximise([0.5, (typical / 4.0).max(0.1), 0.8, 2.0], |[r, alpha, a, b]| likelihood(&groups, *r, *alpha, *a, *b));
        BgNbd { r, alpha, a, b }
    }

    /// The log-likelihood of customers.
    pub fn log_likelihood(&self, customers: &[Summary]) -> f64 {
        let groups: Vec<Same> = customers
            .iter()
            .map(|customer| Same { repeats: customer.repeats as usize, last: customer.last, observed: customer.observed, count: 1.0 })
            .collect();
        likelihood(&groups, self.r, self.alpha, self.a, self.b).0
    }

    /// Chance that the customer is still alive (their note of 2008, "Computing P(alive) using the BG/NBD model", equation 1).
    pub fn alive(&self, customer: &Summary) -> f64 {
        1.0 / (1.0 + self.odds_gone(customer))
    }

    fn odds_gone(&self, customer: &Summary) -> f64 {
        if customer.repeats == 0 {
            return 0.0;
        }
        let x = f64::from(customer.repeats);
        let ratio = (self.r + x) * (libm::log(self.alpha + customer.observed) - libm::log(self.alpha + customer.last));
        self.a / (self.b + x - 1.0).max(1e-12) * libm::exp(ratio.min(700.0))
    }

    /// Purchases expected of a customer within so many weeks (equation 10).
    pub fn expected(&self, customer: &Summary, weeks: f64) -> f64 {
        let x = f64::from(customer.repeats);
        let BgNbd { r, alpha, a, b } = *self;
        // The formula divides by a - 1: next to 1 its limit is taken by stepping aside.
        let a = if (a - 1.0).abs() < 1e-6 { a + 2e-6 } else { a };
        let z = weeks / (alpha + customer.observed + weeks);
        let left = (r + x) * (libm::log(alpha + customer.observed) - libm::log(alpha + customer.observed + weeks));
        let bracket = 1.0 - libm::exp(left) * hypergeometric(r + x, b + x, a + b + x - 1.0, z);
        ((a + b + x - 1.0) / (a - 1.0) * bracket / (1.0 + self.odds_gone(customer))).max(0.0)
    }
}

/// Log-likelihood (equation 6) and its slopes.
fn likelihood(groups: &[Same], r: f64, alpha: f64, a: f64, b: f64) -> (f64, [f64; 4]) {
    let most = groups.iter().map(|group| group.repeats).max().unwrap_or(0);
    let (log_r, inverse_r) = sums(r, most);
    let (log_b, inverse_b) = sums(b, most);
    let (log_ab, inverse_ab) = sums(a + b, most);
    let (mut total, mut slopes) = (0.0, [0.0; 4]);
    for group in groups {
        let x = group.repeats;
        let power = r + x as f64;
        let (late, early) = (libm::log(alpha + group.observed), libm::log(alpha + group.last));
        let stays = -power * late;
        let mut own = log_r[x] + r * libm::log(alpha) + log_b[x] - log_ab[x];
        let mut slope = [inverse_r[x] + libm::log(alpha), r / alpha, -inverse_ab[x], inverse_b[x] - inverse_ab[x]];
        // The share of the likelihood that the customer left after the last purchase.
        let mut gone = 0.0;
        if x == 0 {
            own += stays;
        } else {
            let before = b + x as f64 - 1.0;
            let leaves = libm::log(a) - libm::log(before) - power * early;
            let (top, low) = if stays > leaves { (stays, leaves) } else { (leaves, stays) };
            own += top + libm::log1p(libm::exp(low - top));
            gone = 1.0 / (1.0 + libm::exp(stays - leaves));
            slope[2] += gone / a;
            slope[3] -= gone / before;
        }
        slope[0] -= (1.0 - gone) * late + gone * early;
        slope[1] -= (1.0 - gone) * power / (alpha + group.observed) + gone * power / (alpha + group.last);
        total += group.count * own;
        slopes.iter_mut().zip(slope).for_each(|(sum, part)| *sum += group.count * part);
    }
    (total, slopes)
}

/// Gauss's hypergeometric function for 0 <= z < 1, by its series.
fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 0..20_000 {
        let k = f64::from(k);
        term *= (a + k) * (b + k) / (c + k) * z / (k + 1.0);
        sum += term;
        if term.abs() < 1e-13 * sum.abs() {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published fit to the sample of CDNOW (Fader, Hardie, Lee 2005, table 2).
    const CDNOW: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

    fn customer(repeats: u32, last: f64, observed: f64) -> Summary {
        Summary { repeats, last, observed, mean_amount: f64::NAN }
    }

    #[test]
    fn a_customer_of_the_published_sheet_is_expected_to_buy_as_printed() {
        // Hardie's sheet: customer 0001, x = 2, t_x = 30.43, T = 38.86, over 39 weeks: 1.226.
        let expected = CDNOW.expected(&customer(2, 30.43, 38.86), 39.0);
        assert!((expected - 1.226).abs() < 5e-4, "{expected}");
        // Expected purchases of a new customer, as the package lifetimes tests them, with the fit to more digits.
        let finer = BgNbd { r: 0.242_594_5, alpha: 4.413_601_9, a: 0.792_919_9, b: 2.425_888_1 };
        for (weeks, printed) in [(0.1429, 0.0078), (1.0, 0.0532), (3.0, 0.1506), (31.857, 1.0405), (32.0, 1.0437), (78.0, 1.8576)] {
            let expected = finer.expected(&customer(0, 0.0, 0.0), weeks);
            assert!((expected - printed).abs() < 5e-4, "{weeks}: {expected} {printed}");
        }
    }

    #[test]
    fn silence_lowers_the_chance_of_being_alive_the_more_the_busier_the_customer_was() {
        let alive = |repeats, last| CDNOW.alive(&customer(repeats, last, 39.0));
        assert!(alive(2, 38.0) > alive(2, 20.0) && alive(2, 20.0) > alive(12, 20.0));
        assert!((alive(0, 0.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn slopes_are_those_of_the_likelihood() {
        let groups = [Same { repeats: 3, last: 20.0, observed: 30.0, count: 2.0 }, Same { repeats: 0, last: 0.0, observed: 38.0, count: 5.0 }];
        let at = [0.3, 5.0, 0.7, 2.2];
        let of = |p: [f64; 4]| likelihood(&groups, p[0], p[1], p[2], p[3]);
        for place in 0..4 {
            let (mut up, mut down) = (at, at);
            up[place] += 1e-6;
            down[place] -= 1e-6;
            let numeric = (of(up).0 - of(down).0) / 2e-6;
            assert!((numeric - of(at).1[place]).abs() < 1e-5, "{place}");
        }
    }

    #[test]
    fn any_customers_give_finite_parameters() {
        for customers in [
            vec![customer(0, 0.0, 10.0); 50],
            vec![customer(5, 9.9, 10.0); 50],
            vec![customer(300, 100.0, 101.0), customer(0, 0.0, 0.0), customer(1, 0.1, 90.0)],
        ] {
            let fit = BgNbd::fit(&customers);
            assert!([fit.r, fit.alpha, fit.a, fit.b].iter().all(|value| value.is_finite() && *value > 0.0), "{fit:?}");
            assert!(customers.iter().all(|customer| fit.expected(customer, 12.0).is_finite()));
        }
    }
}
