//! Differences between treated and control customers, taken together over waves and over offers.

use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// Customers on each side of a comparison at least.
pub(super) const LEAST: f64 = 10.0;
/// Offers from which on an outlier among them can be told.
const ENOUGH: usize = 5;
/// See [`shrunk`].
const MOST_PULLED: f64 = 1.5;
/// Variance below which a difference is known as well as it need be.
pub(super) const TINY: f64 = 1e-12;

/// A difference with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub struct Difference {
    /// Treated minus control, per contact.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
}

impl Difference {
    /// The 95 % interval.
    pub fn interval(&self) -> (f64, f64) {
        (self.mean - 1.96 * self.error, self.mean + 1.96 * self.error)
    }

    /// So many times the difference.
    pub(super) fn times(self, times: f64) -> Difference {
        Difference { mean: times * self.mean, error: times.abs() * self.error }
    }

    /// The sum with a difference that errs on its own.
    pub(super) fn plus(self, other: Difference) -> Difference {
        Difference { mean: self.mean + other.mean, error: (self.error.powi(2) + other.error.powi(2)).sqrt() }
    }
}

/// A difference as it is measured: offers that share control customers err together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// Treated minus control, per contact.
    pub(super) mean: f64,
    /// Variance that the treated bring: this offer's alone.
    pub(super) own: f64,
    /// Variance that the controls bring: common to all offers that were compared with them.
    pub(super) shared: f64,
}

impl Estimate {
    /// All of its variance.
    pub(super) fn variance(&self) -> f64 {
        self.own + self.shared
    }
}

/// Whether the differences of all offers are expected to have something in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Whatever the data say.
    Anything,
    /// Nothing, as for what is beyond the responses: see [`shrunk`].
    Nothing,
}

/// Count, sum and sum of squares.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) count: f64,
    pub(super) sum: f64,
    squares: f64,
}

impl Sums {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }
    pub(super) fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }
    /// Variance of the mean; of a share that is 0 or 1 at least that of one case more.
    fn variance_of_mean(&self) -> f64 {
        let variance = (self.squares - self.sum * self.sum / self.count.max(1.0)).max(0.0) / (self.count - 1.0).max(1.0);
        (variance / self.count.max(1.0)).max(1.0 / (self.count + 2.0).powi(3))
    }
}

/// The difference of each offer over its waves (one side that was treated, one that was kept out), by inverse variance.
pub(super) fn pooled<'n, S>(by_name: &BTreeMap<&'n str, Vec<(S, Option<S>)>>, of: fn(&S) -> Sums) -> BTreeMap<&'n str, Estimate> {
    by_name
        .iter()
        .filter_map(|(name, waves)| {
            let differences: Vec<Estimate> = waves
                .iter()
                .filter_map(|(side, control)| {
                    let (treated, control) = (of(side), of(control.as_ref()?));
                    Some(Estimate { mean: treated.mean() - control.mean(), own: treated.variance_of_mean(), shared: control.variance_of_mean() })
                })
                .collect();
            let weights: Vec<f64> = differences.iter().map(|difference| 1.0 / difference.variance().max(TINY)).collect();
            let total: f64 = weights.iter().sum();
            let weighed = |value: fn(&Estimate) -> f64, power: i32| {
                differences.iter().zip(&weights).map(|(difference, weight)| value(difference) * (weight / total).powi(power)).sum::<f64>()
            };
            (total > 0.0).then(|| (*name, Estimate { mean: weighed(|one| one.mean, 1), own: weighed(|one| one.own, 2), shared: weighed(|one| one.shared, 2) }))
        })
        .collect()
}

/// Differences pulled towards their common mean, and what is expected of an offer never seen.
///
/// By how much offers differ is told from what is not common to them: with the noise of the controls, which moves all alike, equal offers would seem closer than
/// chance allows, and different ones equal.
///
/// An offer that does something all of its own (one that does harm among many that help) must neither move the others nor be hidden among them: from
/// [`ENOUGH`] offers on, mean and spread are those of the offers within three spreads of the median, and no offer is pulled by more than
/// [`MOST_PULLED`] of its standard errors (limited translation: Efron and Morris 1971).
///
/// Where nothing is [`Expected`] in common, the mean is itself pulled towards 0 as far as its own noise asks for, and both it and the
/// spread count as far as they exceed their noise by one standard deviation: a few hundred contacts say little of it, and it is multiplied by what a
/// customer is worth in a year.
pub(super) fn shrunk(differences: BTreeMap<&str, Estimate>, expected: Expected) -> (Option<Difference>, BTreeMap<&str, Difference>) {
    if differences.is_empty() {
        return (None, BTreeMap::new());
    }
    let all: Vec<Estimate> = differences.values().copied().collect();
    let usual: Vec<Estimate> = if all.len() < ENOUGH { all } else { without_outliers(all) };
    let count = usual.len() as f64;
    let mean_with = |between: f64| {
        let weights: Vec<f64> = usual.iter().map(|difference| 1.0 / (difference.own + between).max(TINY)).collect();
        let total: f64 = weights.iter().sum();
        (usual.iter().zip(&weights).map(|(difference, weight)| difference.mean * weight).sum::<f64>() / total, total, weights)
    };
    let (mean, total, weights) = mean_with(0.0);
    let spread: f64 = usual.iter().zip(&weights).map(|(difference, weight)| weight * (difference.mean - mean).powi(2)).sum();
    // That of a chi-squared sum of so many parts.
    let deviation = |parts: f64| if expected == Expected::Nothing { (2.0 * parts).sqrt() } else { 0.0 };
    let between = ((spread - (count - 1.0) - deviation(count - 1.0)) / (total - weights.iter().map(|weight| weight * weight).sum::<f64>() / total)).max(0.0);
    let between = if between.is_finite() { between } else { 0.0 };
    let (mean, total, _) = mean_with(between);
    let shared = usual.iter().map(|difference| difference.shared).sum::<f64>() / count;
    let variance_of_mean = 1.0 / total + shared;
    let mean = match expected {
        Expected::Anything => mean,
        Expected::Nothing => mean * (1.0 - (1.0 + deviation(1.0)) * variance_of_mean / mean.powi(2).max(f64::MIN_POSITIVE)).max(0.0),
    };
    let limited = differences.len() >= ENOUGH;
    let own = differences
        .into_iter()
        .map(|(name, difference)| {
            let noise = difference.own;
            let trust = between / (between + noise).max(TINY);
            let mut pulled = (1.0 - trust) * (mean - difference.mean);
            let mut variance = trust * noise + (1.0 - trust).powi(2) / total + difference.shared;
            let most = MOST_PULLED * difference.variance().sqrt();
            if limited && pulled.abs() > most {
                (pulled, variance) = (pulled.clamp(-most, most), difference.variance());
            }
            (name, Difference { mean: difference.mean + pulled, error: variance.sqrt() })
        })
        .collect();
    (Some(Difference { mean, error: (variance_of_mean + between).sqrt() }), own)
}

/// Those within three spreads of the median, the spread being 1.4826 times the median distance from it (that of a normal distribution is 1).
fn without_outliers(all: Vec<Estimate>) -> Vec<Estimate> {
    let median = |mut values: Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        0.5 * (values[(values.len() - 1) / 2] + values[values.len() / 2])
    };
    let middle = median(all.iter().map(|difference| difference.mean).collect());
    let spread = 1.4826 * median(all.iter().map(|difference| (difference.mean - middle).abs()).collect());
    all.into_iter().filter(|difference| (difference.mean - middle).abs() <= 3.0 * spread.max(difference.own.sqrt())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_that_differ_only_by_noise_are_taken_to_be_equal() {
        let difference = |mean: f64, error: f64| Estimate { mean, own: error * error, shared: 0.0 };
        let (mean, own) = shrunk([("a", difference(0.02, 0.01)), ("b", difference(0.03, 0.01)), ("c", difference(0.025, 0.02))].into(), Expected::Anything);
        assert!(own.values().all(|own| (own.mean - mean.map_or(0.0, |mean| mean.mean)).abs() < 1e-12));
    }

    #[test]
    fn offers_compared_with_the_same_controls_differ_though_the_controls_noise_is_large() {
        let own = |shared: f64| {
            let of = |mean: f64| Estimate { mean, own: 0.0001, shared };
            shrunk([("a", of(0.02)), ("b", of(0.05)), ("c", of(0.08))].into(), Expected::Anything).1
        };
        let (alone, shared) = (own(0.0), own(0.01));
        assert!(["a", "b", "c"].iter().all(|name| (alone[name].mean - shared[name].mean).abs() < 1e-12));
        // What the controls leave in doubt, they leave in doubt for each.
        assert!(["a", "b", "c"].iter().all(|name| (shared[name].error.powi(2) - alone[name].error.powi(2) - 0.01).abs() < 1e-12));
    }

    #[test]
    fn what_is_expected_to_be_nothing_is_nothing_until_it_stands_out_from_its_noise() {
        let of = |mean: f64, own: f64| Estimate { mean, own, shared: own };
        let noisy = [("a", of(0.03, 0.0004)), ("b", of(0.01, 0.0004)), ("c", of(0.04, 0.0004))];
        assert!(shrunk(noisy.into(), Expected::Nothing).1.values().all(|own| own.mean.abs() < 1e-12));
        let (mean, own) = shrunk(noisy.map(|(name, one)| (name, of(one.mean, 1e-7))).into(), Expected::Nothing);
        assert!(mean.is_some_and(|mean| mean.mean > 0.01) && (own["c"].mean - 0.04).abs() < 0.001, "{mean:?} {own:?}");
    }

    #[test]
    fn an_offer_that_does_harm_neither_moves_the_others_nor_hides_among_them() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let of = |harm: f64| {
            let means = [0.012, -0.008, 0.005, -0.01, 0.003, harm];
            shrunk(names.iter().zip(means).map(|(name, mean)| (*name, Estimate { mean, own: 0.0001, shared: 0.0 })).collect(), Expected::Anything).1
        };
        let (harmless, harmful) = (of(0.0), of(0.12));
        assert!(harmful["f"].mean > 0.1, "{harmful:?}");
        assert!(names[..5].iter().all(|name| (harmful[name].mean - harmless[name].mean).abs() < 0.003), "{harmful:?} {harmless:?}");
        assert!(harmful["a"].mean < 0.006, "{harmful:?}");
    }

    #[test]
    fn offers_that_differ_beyond_noise_keep_their_difference() {
        let difference = |mean: f64| Estimate { mean, own: 0.000_025, shared: 0.0 };
        let (mean, own) = shrunk([("good", difference(0.10)), ("none", difference(0.0)), ("bad", difference(-0.08))].into(), Expected::Anything);
        assert!(own["good"].mean > 0.098 && own["bad"].mean < -0.078);
        // Of an offer never sent little is known.
        assert!(mean.is_some_and(|mean| mean.error > 0.04));
    }
}
