//! The gains of cuts, shaken by as much as chance moves them.
//!
//! Which of many cuts gains most on a few hundred rows is to a good part chance, and a tree that always takes it learns these rows by heart. A cut that tells
//! nothing has a gain of mean 1 per side (`G^2 / H` of a sum of gradients `G` whose variance is the sum of second derivatives `H`), so that the root of a gain is
//! told in standard errors: to it a normal draw is added, before the greatest is taken. Early trees are shaken by one standard error, later ones by ever less,
//! as the steps together pass the logarithm of the number of rows. This is the `random_strength` of CatBoost (Prokhorenkova et al. 2018), 1 there too, but for
//! many rows, where short ensembles have no rounds to waste.

use super::random::mix;

/// A cut must gain more than rounding.
const LEAST_GAIN: f64 = 1e-9;
/// Roots that would be shaken by less than this are taken as they are.
const HARDLY_SHAKEN: f64 = 0.25;
/// Up to so many rows cuts are shaken fully; of more, which tell the best cut better, by less.
const FULLY_SHAKEN: f64 = 20_000.0;
/// Four draws from 0 to 1 have the mean 2 and the variance 1 / 3.
const FOUR_DRAWS: f64 = 1.732_050_807_568_877_2;

/// How the cuts of one tree, or of a part of it, are shaken.
#[derive(Debug, Clone, Copy)]
pub struct Shake {
    /// By how many standard errors; 0 not at all.
    by: f64,
    seed: u64,
}

impl Shake {
    /// For the tree that is grown on so many rows after `rounds` others with steps of `rate`.
    pub fn after(rows: usize, rate: f64, rounds: usize, seed: u64) -> Shake {
        let left = rows as f64 * libm::exp(-rate * rounds as f64);
        let by = (FULLY_SHAKEN / rows as f64).min(1.0) * left / (1.0 + left);
        Shake { by: if by < HARDLY_SHAKEN { 0.0 } else { by }, seed: mix(seed, 1 << 41) }
    }

    /// The same for a part of what it was for: a level, a node, a column.
    pub fn of(self, part: usize) -> Shake {
        Shake { seed: mix(self.seed, part as u64), ..self }
    }

    /// The gain of the cut at a bin, over what its parents had before it, after its root and theirs together are shaken: by the sum of four even draws, which is
    /// as good as normal here.
    pub fn shaken(self, gain: f64, parents: f64, bin: u8) -> f64 {
        if self.by > 0.0 {
            let bits = mix(self.seed, u64::from(bin));
            // Two draws side by side, twice.
            let pairs = (bits & 0x0000_FFFF_0000_FFFF) + (bits >> 16 & 0x0000_FFFF_0000_FFFF);
            let sum = (pairs >> 32) + (pairs & 0xFFFF_FFFF);
            let root = (gain + parents).sqrt() + self.by * FOUR_DRAWS * (sum as f64 / 65_536.0 - 2.0);
            root.max(0.0).powi(2) - parents
        } else {
            gain
        }
    }

    /// The gain that a cut must have for it to pass the best so far, were it shaken up as far as can be: most cuts are not worth a draw.
    pub fn reach(self, best: f64, parents: f64) -> f64 {
        if self.by > 0.0 && best + parents > 0.0 {
            let root = (best + parents).sqrt() - 2.0 * FOUR_DRAWS * self.by;
            (root.max(0.0).powi(2) - parents).max(LEAST_GAIN)
        } else {
            best.max(LEAST_GAIN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_tree_is_shaken_by_a_standard_error_and_a_late_one_not_at_all() {
        let first = Shake::after(2_000, 0.1, 0, 7);
        let draws: Vec<f64> = (0..200).flat_map(|column| (0..250).map(move |bin| (first.of(column).shaken(5.0, 20.0, bin) + 20.0).sqrt() - 5.0)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|draw| draw * draw).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        // 2,000 rows: steps of 0.1 pass their logarithm, 7.6, after 76 trees.
        let middle = Shake::after(2_000, 0.1, 76, 7);
        assert!((middle.by - 0.5).abs() < 0.01);
        let late = Shake::after(2_000, 0.1, 200, 7);
        assert!(late.reach(5.0, 20.0).to_bits() == 5.0f64.to_bits() && late.shaken(5.0, 20.0, 9).to_bits() == 5.0f64.to_bits());
    }

    #[test]
    fn a_cut_out_of_reach_of_the_best_is_not_taken_whatever_is_drawn() {
        let shake = Shake::after(2_000, 0.1, 0, 7);
        let least = shake.reach(40.0, 20.0);
        assert!((0.0..40.0).contains(&least), "{least}");
        assert!((0..200).all(|column| (0..250).all(|bin| shake.of(column).shaken(least, 20.0, bin) <= 40.0)));
    }
}
