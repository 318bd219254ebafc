//! Implicit-feedback matrix factorisation by alternating least squares.
//!
//! Hu, Koren, Volinsky, ICDM 2008, with the weights of Rendle et al., RecSys 2022: an entry with strength s has the weight
//! `unobserved + s`, every other entry the weight `unobserved`; a row with n entries of m columns is regularised by
//! `regularization * (n + unobserved * m)^frequency`. Each half-step solves all rows by conjugate gradients (Takács et al., RecSys 2011) in
//! blocks, so that the products with the Gram matrix are matrix products. A customer to be scored is one such solve against the
//! item factors: only those are kept.

use super::interactions::{Interactions, strengths};
use super::neighbours::Rows;
use super::ready::Ready;
use super::scores::Scores;
use super::{ItemEvent, ItemModel};
use bincode::{Decode, Encode};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use half::f16;
use pulp::Arch;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

/// What shapes a factorisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FactorSettings {
    /// Half-life of the events, in days; infinite for none.
    pub half_life: f32,
    /// Length of a factor.
    pub factors: usize,
    /// Sweeps over customers and items.
    pub iterations: usize,
    /// Weight of an entry without an event.
    pub unobserved: f32,
    /// Weight of the penalty.
    pub regularization: f32,
    /// Power of a row's frequency in the penalty; 0 penalises every row alike.
    pub frequency: f32,
}

/// Steps of conjugate gradients for a half-step of training, and for a customer to be scored (from zero).
const TRAIN_STEPS: usize = 3;
const FOLD_IN_STEPS: usize = 8;
/// Rows solved together.
const BLOCK: usize = 64;

/// Item factors.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Factors {
    /// Half-life of the events of a customer to be scored.
    pub half_life: f32,
    /// Length of a factor.
    pub factors: u32,
    /// Weight of an entry without an event.
    pub unobserved: f32,
    /// Weight of the penalty.
    pub regularization: f32,
    /// Power of a row's frequency in the penalty.
    pub frequency: f32,
    /// Factors item by item, as IEEE half-precision bits.
    pub values: Vec<u16>,
    /// Factors and Gram matrix as used.
    pub(crate) ready: Ready<Side>,
}

/// One side of the factorisation, ready to solve the other side against.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Side {
    length: usize,
    rows: Vec<f32>,
    gram: Vec<f32>,
}

impl Side {
    fn new(rows: Vec<f32>, length: usize) -> Self {
        let mut gram = vec![0.0_f32; length * length];
        let count = rows.len() / length;
        let matrix = MatRef::from_row_major_slice(&rows, count, length);
        matmul(MatMut::from_row_major_slice_mut(&mut gram, length, length), Accum::Replace, matrix.transpose(), matrix, 1.0, Par::rayon(0));
        Side { length, rows, gram }
    }
    fn row(&self, row: u32) -> &[f32] {
        &self.rows[row as usize * self.length..(row as usize + 1) * self.length]
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 32];
    let (chunks_a, chunks_b) = (a.chunks_exact(32), b.chunks_exact(32));
    let rest: f32 = chunks_a.remainder().iter().zip(chunks_b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in chunks_a.zip(chunks_b) {
        for lane in 0..32 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let mut width = 16;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0] + rest
}

#[inline(always)]
fn add_scaled(out: &mut [f32], factor: f32, other: &[f32]) {
    for (value, other) in out.iter_mut().zip(other) {
        *value += factor * other;
    }
}

/// How the rows of one side are penalised and weighted.
#[derive(Debug, Clone, Copy)]
struct Weighting {
    unobserved: f32,
    regularization: f32,
    frequency: f32,
}

impl Weighting {
    /// The penalty of a row with `observed` of `columns` entries (Rendle et al. 2022, eq. 6).
    fn penalty(&self, observed: usize, columns: usize) -> f32 {
        self.regularization * libm::powf(observed as f32 + self.unobserved * columns as f32, self.frequency)
    }
}

/// Improves up to [`BLOCK`] rows of `x` by conjugate gradients on `(unobserved G + penalty I + sum s y y') x = sum (unobserved + s) y`.
fn solve_block(x: &mut [f32], entries: &[(&[u32], &[f32])], side: &Side, weighting: Weighting, steps: usize, arch: Arch) {
    let (length, rows) = (side.length, entries.len());
    let columns = side.rows.len() / length;
    let penalties: Vec<f32> = entries.iter().map(|(items, _)| weighting.penalty(items.len(), columns)).collect();
    // The rows of the other side that each row here needs, side by side: read once from afar, then from the cache.
    let gathered: Vec<Vec<f32>> = entries
        .iter()
        .map(|(items, _)| {
            let mut near = Vec::with_capacity(items.len() * length);
            items.iter().for_each(|item| near.extend_from_slice(side.row(*item)));
            near
        })
        .collect();
    let mut product = vec![0.0_f32; rows * length];
    // product = A * vectors
    let apply = |vectors: &[f32], product: &mut [f32]| {
        matmul(
            MatMut::from_row_major_slice_mut(product, rows, length),
            Accum::Replace,
            MatRef::from_row_major_slice(vectors, rows, length),
            MatRef::from_row_major_slice(&side.gram, length, length),
            weighting.unobserved,
            Par::Seq,
        );
        arch.dispatch(
            #[inline(always)]
            || {
                for (row, (_, strengths)) in entries.iter().enumerate() {
                    let vector = &vectors[row * length..(row + 1) * length];
                    let out = &mut product[row * length..(row + 1) * length];
                    add_scaled(out, penalties[row], vector);
                    for (factor, strength) in gathered[row].chunks_exact(length).zip(*strengths) {
                        add_scaled(out, strength * dot(factor, vector), factor);
                    }
                }
            },
        );
    };
    apply(x, &mut product);
    let mut residual = vec![0.0_f32; rows * length];
    arch.dispatch(
        #[inline(always)]
        || {
            for (row, (_, strengths)) in entries.iter().enumerate() {
                let out = &mut residual[row * length..(row + 1) * length];
                add_scaled(out, -1.0, &product[row * length..(row + 1) * length]);
                for (factor, strength) in gathered[row].chunks_exact(length).zip(*strengths) {
                    add_scaled(out, weighting.unobserved + strength, factor);
                }
            }
        },
    );
    let mut direction = residual.clone();
    let mut errors: Vec<f32> = residual.chunks_exact(length).map(|row| dot(row, row)).collect();
    for _ in 0..steps {
        apply(&direction, &mut product);
        arch.dispatch(
            #[inline(always)]
            || {
                for (row, error) in errors.iter_mut().enumerate() {
                    let range = row * length..(row + 1) * length;
                    // A row that is solved (or has no entries) stays as it is.
                    if *error < 1e-12 {
                        direction[range].fill(0.0);
                        continue;
                    }
                    let curvature = dot(&direction[range.clone()], &product[range.clone()]);
                    if curvature <= 0.0 {
                        continue;
                    }
                    let step = *error / curvature;
                    add_scaled(&mut x[range.clone()], step, &direction[range.clone()]);
                    add_scaled(&mut residual[range.clone()], -step, &product[range.clone()]);
                    let next = dot(&residual[range.clone()], &residual[range.clone()]);
                    let turn = next / *error;
                    for (along, left) in direction[range.clone()].iter_mut().zip(&residual[range]) {
                        *along = left + turn * *along;
                    }
                    *error = next;
                }
            },
        );
    }
}

/// Improves all rows, blocks in parallel: which thread solves a block changes nothing in it.
fn half_step(x: &mut [f32], rows: &Rows, side: &Side, weighting: Weighting) {
    let arch = Arch::new();
    x.par_chunks_mut(BLOCK * side.length).enumerate().for_each(|(block, x)| {
        let first = block * BLOCK;
        let entries: Vec<(&[u32], &[f32])> = (first..first + x.len() / side.length).map(|row| rows.row(row)).collect();
        solve_block(x, &entries, side, weighting, TRAIN_STEPS, arch);
    });
}

impl Factors {
    /// Alternates between customers and items. Work: `iterations * (customers + items) * factors^2`, as matrix products, and
    /// `iterations * entries * factors`.
    pub fn fit(data: &Interactions, settings: &FactorSettings, seed: u64) -> Self {
        let by_customer = Rows::of_customers(data, settings.half_life, usize::MAX);
        let by_item = by_customer.transposed(data.items);
        let length = settings.factors;
        let weighting = Weighting { unobserved: settings.unobserved, regularization: settings.regularization, frequency: settings.frequency };
        let mut items = start(data.items * length, length, seed);
        let mut customers = vec![0.0_f32; by_customer.len() * length];
        for _ in 0..settings.iterations {
            let side = Side::new(std::mem::take(&mut items), length);
            half_step(&mut customers, &by_customer, &side, weighting);
            items = side.rows;
            let side = Side::new(std::mem::take(&mut customers), length);
            half_step(&mut items, &by_item, &side, weighting);
            customers = side.rows;
        }
        Factors {
            half_life: settings.half_life,
            factors: length as u32,
            unobserved: settings.unobserved,
            regularization: settings.regularization,
            frequency: settings.frequency,
            values: items.iter().map(|value| f16::from_f32(*value).to_bits()).collect(),
            ready: Ready::default(),
        }
    }
    fn side(&self) -> &Side {
        self.ready.get(|| Side::new(self.values.iter().map(|bits| f16::from_bits(*bits).to_f32()).collect(), self.factors as usize))
    }
    /// Checks every value read from a file.
    pub fn validate(&self, items: usize) -> Result<(), String> {
        let settings = [self.half_life, self.unobserved, self.regularization];
        if settings.iter().any(|value| value.is_nan() || *value <= 0.0) || !(0.0..=2.0).contains(&self.frequency) {
            return Err("factors: a setting is not above 0".into());
        }
        if !(1..=4096).contains(&self.factors) || self.values.len() != items * self.factors as usize {
            return Err(format!("factors: {} values, expected {items} items of {}", self.values.len(), self.factors));
        }
        match self.values.iter().position(|bits| !f16::from_bits(*bits).is_finite()) {
            Some(place) => Err(format!("factors: value {place} is not finite")),
            None => Ok(()),
        }
    }
}

/// Small random factors: a sum of four uniforms is near enough to normal, and needs no logarithm.
fn start(count: usize, length: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let spread = 0.1 / (length as f32).sqrt();
    (0..count)
        .map(|_| {
            let bits = random.next_u64();
            let sum: f32 = (0..4).map(|part| ((bits >> (16 * part)) & 0xffff) as f32 / 65_536.0 - 0.5).sum();
            sum * 1.732 * spread
        })
        .collect()
}

impl ItemModel for Factors {
    fn score(&self, histories: &[&[ItemEvent]], out: &mut Scores) {
        let side = self.side();
        let weighting = Weighting { unobserved: self.unobserved, regularization: self.regularization, frequency: self.frequency };
        let lists: Vec<Vec<(u32, f32)>> = histories.iter().map(|history| strengths(history, self.half_life)).collect();
        let rows = Rows::from_lists(&lists);
        let entries: Vec<(&[u32], &[f32])> = (0..rows.len()).map(|row| rows.row(row)).collect();
        let mut x = vec![0.0_f32; histories.len() * side.length];
        solve_block(&mut x, &entries, side, weighting, FOLD_IN_STEPS, Arch::new());
        matmul(
            MatMut::from_row_major_slice_mut(&mut out.values, histories.len(), out.items),
            Accum::Replace,
            MatRef::from_row_major_slice(&x, histories.len(), side.length),
            MatRef::from_row_major_slice(&side.rows, out.items, side.length).transpose(),
            1.0,
            Par::Seq,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> (Side, Vec<u32>, Vec<f32>) {
        let rows: Vec<f32> = (0..12 * 4).map(|k| libm::sinf(k as f32 * 1.7)).collect();
        (Side::new(rows, 4), vec![1, 5, 7], vec![1.0, 2.0, 0.5])
    }

    #[test]
    fn the_solve_satisfies_the_normal_equations_of_hu_koren_volinsky() {
        let (side, items, values) = small();
        let weighting = Weighting { unobserved: 0.3, regularization: 0.2, frequency: 1.0 };
        let mut x = vec![0.0; 4];
        solve_block(&mut x, &[(&items, &values)], &side, weighting, 30, Arch::new());
        // Gradient of sum_i c_i (p_i - x'y_i)^2 + penalty |x|^2, with c = 0.3 + s, p = 1 where s > 0.
        for place in 0..4 {
            let mut gradient = f64::from(weighting.penalty(3, 12) * x[place]);
            for item in 0..12_u32 {
                let strength = items.iter().position(|other| *other == item).map_or(0.0, |at| values[at]);
                let fitted: f32 = side.row(item).iter().zip(&x).map(|(y, x)| y * x).sum();
                let target = if strength > 0.0 { 1.0 } else { 0.0 };
                gradient += f64::from((0.3 + strength) * (fitted - target) * side.row(item)[place]);
            }
            assert!(gradient.abs() < 1e-4, "{place} {gradient}");
        }
    }

    #[test]
    fn the_dot_product_counts_every_place_whatever_the_length() {
        for length in [1_usize, 31, 32, 33, 100] {
            let a: Vec<f32> = (0..length).map(|k| k as f32).collect();
            let b = vec![2.0; length];
            assert!((dot(&a, &b) - (length * (length - 1)) as f32).abs() < 1e-3);
        }
    }

    #[test]
    fn a_customer_alone_gets_the_factors_they_get_in_a_block() {
        let (side, items, values) = small();
        let weighting = Weighting { unobserved: 0.3, regularization: 0.2, frequency: 0.5 };
        let other: (&[u32], &[f32]) = (&[0, 2], &[1.0, 1.0]);
        let mut both = vec![0.0; 8];
        solve_block(&mut both, &[other, (&items, &values)], &side, weighting, 8, Arch::new());
        let mut alone = vec![0.0; 4];
        solve_block(&mut alone, &[(&items, &values)], &side, weighting, 8, Arch::new());
        for (a, b) in both[4..].iter().zip(&alone) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}
