//! Implicit-feedback matrix factorisation by alternating least squares.
//!
//! Hu, Koren, Volinsky, ICDM 2008: an entry with strength s has the weight `unobserved + s` and the target 1, every other entry
//! the weight `unobserved` and the target 0 (their alpha is `1 / unobserved`). A row x of one side, against the factors Y of the
//! other, solves
//!
//! `(B + sum_i s_i y_i y_i') x = sum_i (unobserved + s_i) y_i`, with `B = unobserved Y'Y + penalty I` the same for all rows.
//!
//! With `B = LL'`, `z = L'x` and `Z = Y L'^-1` this is `(I + sum_i s_i z_i z_i') z = sum_i (unobserved + s_i) z_i`: one matrix
//! product per side takes B out of every row, what is left has most eigenvalues at 1, and a few steps of conjugate gradients
//! (Takács et al., RecSys 2011, without that change of basis) solve it. A customer to be scored is one such solve, and the scores are `Zz`:
//! only Z is kept.

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
    /// Weight of the penalty, the same for every row.
    pub penalty: f32,
}

/// Steps of conjugate gradients for a half-step of training, and for a customer to be scored; both from 0.
const TRAIN_STEPS: usize = 3;
const FOLD_IN_STEPS: usize = 6;
/// Rows solved by one task.
const TASK: usize = 64;

/// Item factors.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Factors {
    /// Half-life of the events of a customer to be scored.
    pub half_life: f32,
    /// Length of a factor.
    pub factors: u32,
    /// Weight of an entry without an event.
    pub unobserved: f32,
    /// Z, item by item, as IEEE half-precision bits.
    pub values: Vec<u16>,
    /// Z as used.
    ready: Ready<Vec<f32>>,
}

/// One side of the factorisation in the basis in which the other side is solved.
#[derive(Debug, Clone, PartialEq)]
struct Side {
    length: usize,
    /// Z by rows.
    rows: Vec<f32>,
    /// Inverse of L, row-major: `x' = z' L^-1`.
    inverse: Vec<f32>,
}

impl Side {
    /// Changes the basis of factors given by rows.
    fn new(factors: &[f32], length: usize, unobserved: f32, penalty: f32) -> Self {
        let count = factors.len() / length;
        let matrix = MatRef::from_row_major_slice(factors, count, length);
        let mut gram = vec![0.0_f32; length * length];
        matmul(MatMut::from_row_major_slice_mut(&mut gram, length, length), Accum::Replace, matrix.transpose(), matrix, unobserved, Par::rayon(0));
        let inverse = inverse_of_root(&gram, length, penalty);
        let mut rows = vec![0.0_f32; factors.len()];
        let root = MatRef::from_row_major_slice(&inverse, length, length);
        matmul(MatMut::from_row_major_slice_mut(&mut rows, count, length), Accum::Replace, matrix, root.transpose(), 1.0, Par::rayon(0));
        Side { length, rows, inverse }
    }
    /// Solves every row of the other side and brings it back from this basis.
    fn solve(&self, entries: &Rows, unobserved: f32) -> Vec<f32> {
        let (count, length) = (entries.len(), self.length);
        let mut z = vec![0.0_f32; count * length];
        let arch = Arch::new();
        z.par_chunks_mut(TASK * length).enumerate().for_each(|(task, z)| {
            let mut space = Space::new(length);
            arch.dispatch(
                #[inline(always)]
                || {
                    for (place, z) in z.chunks_exact_mut(length).enumerate() {
                        let (columns, strengths) = entries.row(task * TASK + place);
                        solve_row(z, columns, strengths, &self.rows, unobserved, TRAIN_STEPS, &mut space);
                    }
                },
            );
        });
        let mut x = vec![0.0_f32; count * length];
        matmul(
            MatMut::from_row_major_slice_mut(&mut x, count, length),
            Accum::Replace,
            MatRef::from_row_major_slice(&z, count, length),
            MatRef::from_row_major_slice(&self.inverse, length, length),
            1.0,
            Par::rayon(0),
        );
        x
    }
}

/// Inverse of L in `gram + penalty I = LL'`, row-major, by Cholesky in double precision.
fn inverse_of_root(gram: &[f32], length: usize, penalty: f32) -> Vec<f32> {
    let mut root = vec![0.0_f64; length * length];
    for row in 0..length {
        for column in 0..=row {
            let mut sum = f64::from(gram[row * length + column]);
            if row == column {
                sum += f64::from(penalty);
            }
            let (left, right) = (&root[row * length..row * length + column], &root[column * length..column * length + column]);
            sum -= left.iter().zip(right).map(|(a, b)| a * b).sum::<f64>();
            // A penalty above 0 keeps the diagonal positive but for rounding.
            root[row * length + column] = if row == column { sum.max(1e-12).sqrt() } else { sum / root[column * length + column] };
        }
    }
    let mut inverse = vec![0.0_f64; length * length];
    for row in 0..length {
        let (before, now) = inverse.split_at_mut(row * length);
        for (other, above) in before.chunks_exact(length).enumerate() {
            let factor = root[row * length + other];
            now[..=other].iter_mut().zip(above).for_each(|(value, above)| *value -= factor * above);
        }
        now[row] = 1.0;
        let pivot = root[row * length + row];
        now[..=row].iter_mut().for_each(|value| *value /= pivot);
    }
    inverse.into_iter().map(|value| value as f32).collect()
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

/// Room for one solve.
struct Space {
    residual: Vec<f32>,
    direction: Vec<f32>,
    product: Vec<f32>,
}

impl Space {
    fn new(length: usize) -> Self {
        Space { residual: vec![0.0; length], direction: vec![0.0; length], product: vec![0.0; length] }
    }
}

/// Solves `(I + sum s z_i z_i') z = sum (unobserved + s) z_i` by conjugate gradients from 0. `all` holds the z_i by rows.
#[inline(always)]
fn solve_row(z: &mut [f32], columns: &[u32], strengths: &[f32], all: &[f32], unobserved: f32, steps: usize, space: &mut Space) {
    let length = z.len();
    let row = |column: u32| &all[column as usize * length..(column as usize + 1) * length];
    z.fill(0.0);
    space.residual.fill(0.0);
    for (column, strength) in columns.iter().zip(strengths) {
        add_scaled(&mut space.residual, unobserved + strength, row(*column));
    }
    space.direction.copy_from_slice(&space.residual);
    let mut error = dot(&space.residual, &space.residual);
    for _ in 0..steps {
        if error < 1e-20 {
            return;
        }
        space.product.copy_from_slice(&space.direction);
        for (column, strength) in columns.iter().zip(strengths) {
            add_scaled(&mut space.product, strength * dot(row(*column), &space.direction), row(*column));
        }
        let step = error / dot(&space.direction, &space.product);
        add_scaled(z, step, &space.direction);
        add_scaled(&mut space.residual, -step, &space.product);
        let next = dot(&space.residual, &space.residual);
        let turn = next / error;
        for (along, left) in space.direction.iter_mut().zip(&space.residual) {
            *along = left + turn * *along;
        }
        error = next;
    }
}

impl Factors {
    /// Alternates between customers and items. Work: `iterations * (customers + items) * factors^2`, as matrix products, and
    /// `iterations * entries * factors`.
    pub fn fit(data: &Interactions, settings: &FactorSettings, seed: u64) -> Self {
        let by_customer = Rows::of_customers(data, settings.half_life, usize::MAX);
        let by_item = by_customer.transposed(data.items);
        let length = settings.factors;
        let side = |factors: &[f32]| Side::new(factors, length, settings.unobserved, settings.penalty);
        let mut items = side(&start(data.items * length, length, seed));
        for _ in 0..settings.iterations {
            let customers = side(&items.solve(&by_customer, settings.unobserved));
            items = side(&customers.solve(&by_item, settings.unobserved));
        }
        Factors {
            half_life: settings.half_life,
            factors: length as u32,
            unobserved: settings.unobserved,
            values: items.rows.iter().map(|value| f16::from_f32(*value).to_bits()).collect(),
            ready: Ready::default(),
        }
    }
    /// Checks every value read from a file.
    pub fn validate(&self, items: usize) -> Result<(), String> {
        if [self.half_life, self.unobserved].iter().any(|value| value.is_nan() || *value <= 0.0) {
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
        let length = self.factors as usize;
        let all = self.ready.get(|| self.values.iter().map(|bits| f16::from_bits(*bits).to_f32()).collect());
        let lists: Vec<Vec<(u32, f32)>> = histories.iter().map(|history| strengths(history, self.half_life)).collect();
        let rows = Rows::from_lists(&lists);
        let mut z = vec![0.0_f32; histories.len() * length];
        let mut space = Space::new(length);
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (customer, z) in z.chunks_exact_mut(length).enumerate() {
                    let (columns, strengths) = rows.row(customer);
                    solve_row(z, columns, strengths, all, self.unobserved, FOLD_IN_STEPS, &mut space);
                }
            },
        );
        matmul(
            MatMut::from_row_major_slice_mut(&mut out.values, histories.len(), out.items),
            Accum::Replace,
            MatRef::from_row_major_slice(&z, histories.len(), length),
            MatRef::from_row_major_slice(all, out.items, length).transpose(),
            1.0,
            Par::Seq,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(count: usize) -> Vec<f32> {
        (0..count * 4).map(|k| libm::sinf(k as f32 * 1.7)).collect()
    }

    #[test]
    fn the_solve_satisfies_the_normal_equations_of_hu_koren_volinsky() {
        let (unobserved, penalty, y) = (0.3, 0.2, factors(12));
        let side = Side::new(&y, 4, unobserved, penalty);
        let (items, strengths) = ([1_u32, 5, 7], [1.0_f32, 2.0, 0.5]);
        let mut z = vec![0.0; 4];
        solve_row(&mut z, &items, &strengths, &side.rows, unobserved, 20, &mut Space::new(4));
        let x: Vec<f32> = (0..4).map(|column| (0..4).map(|row| z[row] * side.inverse[row * 4 + column]).sum()).collect();
        // Gradient of sum_i c_i (p_i - x'y_i)^2 + penalty |x|^2, with c = unobserved + s, p = 1 where s > 0.
        for place in 0..4 {
            let mut gradient = penalty * x[place];
            for item in 0..12_usize {
                let y = &y[item * 4..item * 4 + 4];
                let strength = items.iter().position(|other| *other as usize == item).map_or(0.0, |at| strengths[at]);
                let fitted: f32 = y.iter().zip(&x).map(|(y, x)| y * x).sum();
                gradient += (unobserved + strength) * (fitted - if strength > 0.0 { 1.0 } else { 0.0 }) * y[place];
                // The score is the same in either basis.
                let scored: f32 = side.rows[item * 4..item * 4 + 4].iter().zip(&z).map(|(a, b)| a * b).sum();
                assert!((scored - fitted).abs() < 1e-4, "{item}");
            }
            assert!(gradient.abs() < 1e-4, "{place} {gradient}");
        }
    }

    #[test]
    fn the_root_times_its_inverse_gives_the_gram_matrix_back() {
        let gram: Vec<f32> = vec![4.0, 2.0, 1.0, 2.0, 3.0, 0.5, 1.0, 0.5, 2.0];
        let inverse = inverse_of_root(&gram, 3, 0.5);
        // L^-1 (G + 0.5 I) L^-1' = I
        for i in 0..3 {
            for j in 0..3 {
                let mut sum = 0.0;
                for k in 0..3 {
                    for l in 0..3 {
                        let value = gram[k * 3 + l] + if k == l { 0.5 } else { 0.0 };
                        sum += inverse[i * 3 + k] * value * inverse[j * 3 + l];
                    }
                }
                assert!((sum - if i == j { 1.0 } else { 0.0 }).abs() < 1e-5, "{i} {j} {sum}");
            }
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
}
