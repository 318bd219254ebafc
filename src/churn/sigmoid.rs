//! The logistic function of many numbers at a time: learners take it of every row, many times over, and one call after the other would be most of their time.
//!
//! The same bits on every machine: sums and products only, in one order, and nothing fused.

use pulp::{Arch, Simd, WithSimd};

/// Numbers that are worked on side by side.
const LANES: usize = 8;
/// Factors of up to 2 whose product is far from too large.
const FACTORS: usize = 512;

/// `exp(z)` within some units of the last place, for `z` from -700 to 700 (greater and less are taken for these): `2^n` times a polynomial of what is
/// left, as usual (Cody, Waite 1980).
#[inline(always)]
fn exp(z: f64) -> f64 {
    // ln 2 in two parts, of which the first is short enough to be multiplied exactly.
    const LN_2: [f64; 2] = [f64::from_bits(0x3FE6_2E42_FEE0_0000), f64::from_bits(0x3DEA_39EF_3579_3C76)];
    // Adding it leaves the nearest whole number in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let z = if z > 700.0 { 700.0 } else { z };
    let z = if z < -700.0 { -700.0 } else { z };
    let shifted = z * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (z - n * LN_2[0]) - n * LN_2[1];
    const TERMS: [f64; 13] = {
        let mut terms = [1.0; 13];
        let mut k = 1;
        while k < terms.len() {
            terms[k] = terms[k - 1] / k as f64;
            k += 1;
        }
        terms
    };
    let mut sum = TERMS[12];
    for term in TERMS[..12].iter().rev() {
        sum = sum * r + term;
    }
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    sum * power
}

/// Puts `1 / (1 + exp(-z))` in place of every `z`.
pub fn sigmoids(z: &mut [f64]) {
    struct Sigmoids<'z>(&'z mut [f64]);
    impl WithSimd for Sigmoids<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            for z in self.0 {
                *z = 1.0 / (1.0 + exp(-*z));
            }
        }
    }
    Arch::new().dispatch(Sigmoids(z));
}

/// Gradient and second derivative of the log likelihood of a label by its log-odds, for the probability they stand for.
#[inline(always)]
pub fn derivatives(label: bool, chance: f64) -> [f32; 2] {
    [(f64::from(u8::from(label)) - chance) as f32, (chance * (1.0 - chance)) as f32]
}

/// The sum of `ln(1 + exp(z))`: of a logistic likelihood. One logarithm for many factors.
pub fn sum_softplus(z: &[f64]) -> f64 {
    struct Softplus<'z>(&'z [f64]);
    impl WithSimd for Softplus<'_> {
        type Output = f64;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> f64 {
            let mut total = 0.0;
            for part in self.0.chunks(LANES * FACTORS) {
                let (mut factors, mut sums) = ([1.0; LANES], [0.0; LANES]);
                let (eights, rest) = part.as_chunks::<LANES>();
                let mut take = |lane: usize, z: f64| {
                    let positive = if z > 0.0 { z } else { 0.0 };
                    factors[lane] *= 1.0 + exp(z - 2.0 * positive);
                    sums[lane] += positive;
                };
                for eight in eights {
                    eight.iter().enumerate().for_each(|(lane, z)| take(lane, *z));
                }
                rest.iter().enumerate().for_each(|(lane, z)| take(lane, *z));
                total += factors.into_iter().map(libm::log).sum::<f64>() + sums.into_iter().sum::<f64>();
            }
            total
        }
    }
    Arch::new().dispatch(Softplus(z))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_a_time_are_what_one_after_the_other_gives() {
        let z: Vec<f64> = (-30_011..30_011).map(|k| f64::from(k) * 0.0237).chain([-1e9, 1e9, -1e-300, 0.0]).collect();
        let mut found = z.clone();
        sigmoids(&mut found);
        for (z, found) in z.iter().zip(&found) {
            let expected = 1.0 / (1.0 + libm::exp(-z));
            assert!((found - expected).abs() <= 2e-15 * expected + 1e-300, "{z}: {found} {expected}");
        }
        for count in [0, 1, 7, 9, 5_000, z.len()] {
            let expected: f64 = z[..count].iter().map(|z| z.max(0.0) + libm::log1p(libm::exp(-z.abs()))).sum();
            let found = sum_softplus(&z[..count]);
            assert!((found - expected).abs() <= 1e-13 * expected.max(count as f64), "{count}: {found} {expected}");
        }
    }
}
