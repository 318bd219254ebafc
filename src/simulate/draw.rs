//! Draws from a ChaCha8 stream: the same numbers on every machine, because every function is the `libm` crate's.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of draws that belongs to one (seed, number) pair.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Stream `number` of a seed. Streams of one seed do not overlap (2^68 words each).
    pub(super) fn new(seed: u64, number: u64) -> Dice {
        let mut key = *b"holdfast's shop, a made-up world";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(number);
        Dice(rng)
    }

    /// Uniform in [0, 1), 53 bits.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform in `low..high`.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + (self.uniform() * f64::from(high - low)) as i32
    }

    /// Index drawn by cumulative weights; the last entry is their sum.
    pub(super) fn pick(&mut self, cumulative: &[f64]) -> usize {
        let total = cumulative.last().copied().unwrap_or(0.0);
        let at = self.uniform() * total;
        cumulative.partition_point(|sum| *sum <= at).min(cumulative.len().saturating_sub(1))
    }

    /// Standard normal (Box-Muller, the cosine half).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Gamma with this shape and scale 1 (Marsaglia and Tsang 2000; shapes below 1 by their boost).
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(1.0 - self.uniform(), 1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let x = self.normal();
            let v = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
            if v > 0.0 && libm::log(1.0 - self.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// Symmetric Dirichlet: shares that sum to 1, fewer and larger ones the smaller `concentration` is.
    pub(super) fn dirichlet<const N: usize>(&mut self, concentration: f64) -> [f64; N] {
        let mut shares = [0.0; N];
        for share in &mut shares {
            *share = self.gamma(concentration) + 1e-9;
        }
        let total: f64 = shares.iter().sum();
        shares.map(|share| share / total)
    }
}

/// Running sums of weights, for [`Dice::pick`].
pub(super) fn cumulative(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut total = 0.0;
    weights
        .into_iter()
        .map(|weight| {
            total += weight;
            total
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_draws_have_the_mean_and_variance_of_their_shape() {
        for shape in [0.3, 1.0, 4.0] {
            let mut dice = Dice::new(1, 1);
            let draws: Vec<f64> = (0..40_000).map(|_| dice.gamma(shape)).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / draws.len() as f64;
            assert!((mean - shape).abs() < 4.0 * libm::sqrt(shape / 40_000.0), "shape {shape}: mean {mean}");
            assert!((variance / shape - 1.0).abs() < 0.1, "shape {shape}: variance {variance}");
        }
    }

    #[test]
    fn two_streams_of_a_seed_and_two_seeds_of_a_stream_differ_and_each_repeats() {
        let first = |seed, number| Dice::new(seed, number).uniform().to_bits();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
    }
}
