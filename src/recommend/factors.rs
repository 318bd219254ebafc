//! Implicit-feedback matrix factorisation by alternating least squares.
//!
//! Hu, Koren, Volinsky, ICDM 2008: an entry with strength s has the weight `unobserved + s` and the target 1, every other entry
//! the weight `unobserved` and the target 0 (their alpha is `1 / unobserved`). A row x of one side, against the factors Y of the
//! other, solves
//!
//! `(unobserved Y'Y + penalty_x I + sum_i s_i y_i y_i') x = sum_i (unobserved + s_i) y_i`.
//!
//! The penalty of a row grows with what is known of it, `penalty (w_x / mean w)^frequency` with `w_x = sum_i s_i + unobserved |Y|`:
//! Rendle, Krichene, Zhang, Koren, RecSys 2022 (eq. 8), scaled so that a typical row has `penalty` whatever the power.
//!
//! In the basis of the eigenvectors of Y'Y the part that all rows share is a diagonal, whatever the penalty. Divided by it, what
//! is left has most eigenvalues at 1, and a few steps of conjugate gradients (Takács et al., RecSys 2011, without that
//! change of basis) solve it. A customer to be scored is one such solve: the items in that basis and the diagonal are kept. The basis also puts first what
//! matters most, so that of a large catalogue half of it finds the items whose scores are worth all of it.

use super::interactions::{Interactions, strengths};
use super::neighbours::Rows;
use super::product::ItemFactors;
use super::ready::Ready;
use super::scores::{Scores, greatest};
use super::{BLOCK, ItemEvent, ItemModel};
use crate::error::{Error, Result};
use bincode::{Decode, Encode};
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};
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
    /// Power of a row's weight in its penalty: 0 for the same penalty for all, 1 for one in proportion to the weight.
    pub frequency: f32,
}

/// Steps of conjugate gradients for a half-step of training, and for a customer to be scored; both from 0.
const TRAIN_STEPS: usize = 3;
const FOLD_IN_STEPS: usize = 6;
/// Rows solved by one task.
const TASK: usize = 64;
/// Of a catalogue of up to so many items each is scored by all dimensions; of a larger one all items by the leading half, and by the others those that
/// come first.
const FEW_ITEMS: usize = 8_192;
/// How many come first, beside as many as the customer has. On gowalla, of 512 dimensions, recall and NDCG of twenty are the same to four digits as with
/// all dimensions for all items.
const CANDIDATES: usize = 384;
/// Items fetched at once: they are waited for together.
const AT_ONCE: usize = 32;

/// Item factors.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Factors {
    /// Half-life of the events of a customer to be scored.
    pub half_life: f32,
    /// Length of a factor.
    pub factors: u32,
    /// Weight of an entry without an event.
    pub unobserved: f32,
    /// How a customer's penalty follows from what is known of the customer.
    pub penalty: Penalty,
    /// What the solves of all customers share, a diagonal.
    pub shared: Vec<f32>,
    /// What one unit of each dimension is worth.
    pub dimensions: Vec<f32>,
    /// What one unit of each item is worth.
    pub items: Vec<f32>,
    /// Factors in that basis, item by item: a value times its dimension's and its item's unit. A byte is enough: its rounding moves
    /// a score by less than a thousandth of the product of the two lengths.
    pub values: Vec<i8>,
    /// The factors as used.
    ready: Ready<Used>,
}

/// Factors as they are used.
#[derive(Debug, Clone)]
struct Used {
    /// By rows.
    rows: Vec<f32>,
    /// The first of the leading dimensions, which follow each other from the one that matters least to the one that matters most.
    first: usize,
    /// The leading dimensions of all items.
    leading: ItemFactors,
}

/// The penalty of the rows of one side.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub(crate) struct Penalty {
    /// Of a typical row.
    strength: f32,
    /// Power of a row's weight.
    frequency: f32,
    /// Weight of a row without events: `unobserved` for every entry.
    least: f32,
    /// Weight of a typical row.
    typical: f32,
}

impl Penalty {
    fn of(settings: &FactorSettings, rows: &Rows, others: usize) -> Self {
        let total: f64 = rows.values.iter().map(|value| f64::from(*value)).sum();
        let least = settings.unobserved * others as f32;
        let typical = (total / rows.len().max(1) as f64) as f32 + least;
        Penalty { strength: settings.penalty, frequency: settings.frequency, least, typical }
    }
    fn of_row(&self, strengths: &[f32]) -> f32 {
        let weight = strengths.iter().sum::<f32>() + self.least;
        self.strength * libm::powf(weight / self.typical, self.frequency)
    }
}

/// One side of the factorisation in the basis in which the other side is solved.
#[derive(Debug, Clone, PartialEq)]
struct Side {
    length: usize,
    /// Factors by rows.
    rows: Vec<f32>,
    /// The part of every solve that no event changes: eigenvalues of `unobserved Y'Y`.
    shared: Vec<f32>,
}

impl Side {
    /// Changes the basis of factors given by rows.
    fn new(factors: &[f32], length: usize, unobserved: f32) -> Result<Self> {
        let count = factors.len() / length;
        let matrix = MatRef::from_row_major_slice(factors, count, length);
        let mut gram = vec![0.0_f32; length * length];
        matmul(MatMut::from_row_major_slice_mut(&mut gram, length, length), Accum::Replace, matrix.transpose(), matrix, unobserved, Par::rayon(0));
        let (shared, basis) = eigen(&gram, length)?;
        let mut rows = vec![0.0_f32; factors.len()];
        matmul(MatMut::from_row_major_slice_mut(&mut rows, count, length), Accum::Replace, matrix, basis.as_ref(), 1.0, Par::rayon(0));
        Ok(Side { length, rows, shared })
    }
    /// Solves every row of the other side, in this side's basis.
    fn solve(&self, entries: &Rows, unobserved: f32, penalty: &Penalty) -> Vec<f32> {
        let (count, length) = (entries.len(), self.length);
        let mut x = vec![0.0_f32; count * length];
        x.par_chunks_mut(TASK * length).enumerate().for_each(|(task, x)| {
            let system = System { all: &self.rows, shared: &self.shared, unobserved, penalty };
            Arch::new().dispatch(Solves { system, entries, first: task * TASK, steps: TRAIN_STEPS, x });
        });
        x
    }
}

/// Eigenvalues (never negative) and eigenvectors of a symmetric matrix. Sequential: its bits must not depend on the threads.
fn eigen(gram: &[f32], length: usize) -> Result<(Vec<f32>, Mat<f32>)> {
    let matrix = Mat::from_fn(length, length, |row, column| f64::from(gram[row * length + column]));
    let mut values = Diag::<f64>::zeros(length);
    let mut vectors = Mat::<f64>::zeros(length, length);
    let space = self_adjoint_evd_scratch::<f64>(length, ComputeEigenvectors::Yes, Par::Seq, Default::default());
    self_adjoint_evd(matrix.as_ref(), values.as_mut(), Some(vectors.as_mut()), Par::Seq, MemStack::new(&mut MemBuffer::new(space)), Default::default())
        .map_err(|error| Error::internal(format!("the factors have no eigenvalues: {error:?}")))?;
    let values = values.column_vector().iter().map(|value| value.max(0.0) as f32).collect();
    Ok((values, Mat::from_fn(length, length, |row, column| vectors[(row, column)] as f32)))
}

/// The sum of products, in an order that only the processor's vectors decide.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let ((a, rest_a), (b, rest_b)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    let mut sums = [simd.splat_f32s(0.0); 4];
    let (fours_a, fours_b) = (a.chunks_exact(4), b.chunks_exact(4));
    for (x, y) in fours_a.remainder().iter().zip(fours_b.remainder()) {
        sums[0] = simd.mul_add_e_f32s(*x, *y, sums[0]);
    }
    for (x, y) in fours_a.zip(fours_b) {
        for lane in 0..4 {
            sums[lane] = simd.mul_add_e_f32s(x[lane], y[lane], sums[lane]);
        }
    }
    let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
    simd.reduce_sum_f32s(sum) + rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum::<f32>()
}

/// `out += factor * other`
#[inline(always)]
fn add_scaled<S: Simd>(simd: S, out: &mut [f32], factor: f32, other: &[f32]) {
    let ((out, rest_out), (other, rest_other)) = (S::as_mut_simd_f32s(out), S::as_simd_f32s(other));
    let factors = simd.splat_f32s(factor);
    for (value, other) in out.iter_mut().zip(other) {
        *value = simd.mul_add_e_f32s(factors, *other, *value);
    }
    for (value, other) in rest_out.iter_mut().zip(rest_other) {
        *value += factor * other;
    }
}

/// Room for one solve.
struct Space {
    /// The rows that a solve reads, one after the other: read from far away once, not once per step.
    near: Vec<f32>,
    inverse: Vec<f32>,
    residual: Vec<f32>,
    divided: Vec<f32>,
    direction: Vec<f32>,
    product: Vec<f32>,
}

impl Space {
    fn new(length: usize) -> Self {
        let zeros = || vec![0.0; length];
        Space { near: Vec::new(), inverse: zeros(), residual: zeros(), divided: zeros(), direction: zeros(), product: zeros() }
    }
    /// The residual divided by the diagonal.
    #[inline(always)]
    fn divide(&mut self) {
        for ((divided, left), inverse) in self.divided.iter_mut().zip(&self.residual).zip(&self.inverse) {
            *divided = left * inverse;
        }
    }
}

/// What the systems of all rows of a side share.
#[derive(Clone, Copy)]
struct System<'a> {
    /// The other side's factors.
    all: &'a [f32],
    /// The diagonal that all rows share.
    shared: &'a [f32],
    unobserved: f32,
    penalty: &'a Penalty,
}

/// Consecutive rows to solve.
struct Solves<'a> {
    system: System<'a>,
    entries: &'a Rows,
    /// The row of `entries` that the first solution belongs to.
    first: usize,
    steps: usize,
    /// The solutions, row by row.
    x: &'a mut [f32],
}

impl WithSimd for Solves<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let length = self.system.shared.len();
        let mut space = Space::new(length);
        for (place, x) in self.x.chunks_exact_mut(length).enumerate() {
            let (columns, strengths) = self.entries.row(self.first + place);
            self.system.solve(simd, x, columns, strengths, self.steps, &mut space);
        }
    }
}

impl System<'_> {
    /// Conjugate gradients from 0, divided by the diagonal.
    #[inline(always)]
    fn solve<S: Simd>(&self, simd: S, x: &mut [f32], columns: &[u32], strengths: &[f32], steps: usize, space: &mut Space) {
        let length = x.len();
        let penalty = self.penalty.of_row(strengths);
        x.fill(0.0);
        space.residual.fill(0.0);
        space.near.clear();
        for (column, strength) in columns.iter().zip(strengths) {
            let row = &self.all[*column as usize * length..(*column as usize + 1) * length];
            space.near.extend_from_slice(row);
            add_scaled(simd, &mut space.residual, self.unobserved + strength, row);
        }
        for (inverse, shared) in space.inverse.iter_mut().zip(self.shared) {
            *inverse = 1.0 / (shared + penalty);
        }
        space.divide();
        space.direction.copy_from_slice(&space.divided);
        let mut error = dot(simd, &space.residual, &space.divided);
        for _ in 0..steps {
            if error < 1e-20 {
                return;
            }
            for ((product, direction), shared) in space.product.iter_mut().zip(&space.direction).zip(self.shared) {
                *product = (shared + penalty) * direction;
            }
            for (row, strength) in space.near.chunks_exact(length).zip(strengths) {
                let along = strength * dot(simd, row, &space.direction);
                add_scaled(simd, &mut space.product, along, row);
            }
            let step = error / dot(simd, &space.direction, &space.product);
            add_scaled(simd, x, step, &space.direction);
            add_scaled(simd, &mut space.residual, -step, &space.product);
            space.divide();
            let next = dot(simd, &space.residual, &space.divided);
            let turn = next / error;
            for (along, left) in space.direction.iter_mut().zip(&space.divided) {
                *along = left + turn * *along;
            }
            error = next;
        }
    }
}

impl Factors {
    /// Alternates between customers and items. Work: `iterations * (customers + items) * factors^2`, as matrix products, and
    /// `iterations * entries * factors`.
    pub fn fit(data: &Interactions, settings: &FactorSettings, seed: u64) -> Result<Self> {
        let by_customer = Rows::of_customers(data, settings.half_life, usize::MAX);
        let by_item = by_customer.transposed(data.items);
        let length = settings.factors;
        let side = |factors: &[f32]| Side::new(factors, length, settings.unobserved);
        let of_customers = Penalty::of(settings, &by_customer, data.items);
        let of_items = Penalty::of(settings, &by_item, by_customer.len());
        let mut items = side(&start(data.items * length, length, seed))?;
        for _ in 0..settings.iterations {
            let customers = side(&items.solve(&by_customer, settings.unobserved, &of_customers))?;
            items = side(&customers.solve(&by_item, settings.unobserved, &of_items))?;
        }
        let (dimensions, units, values) = in_bytes(&items.rows, length);
        Ok(Factors {
            half_life: settings.half_life,
            factors: length as u32,
            unobserved: settings.unobserved,
            penalty: of_customers,
            shared: items.shared,
            dimensions,
            items: units,
            values,
            ready: Ready::default(),
        })
    }
    fn used(&self) -> &Used {
        self.ready.get(|| {
            let length = self.factors as usize;
            let rows = self.values.chunks_exact(length).zip(&self.items);
            let rows = rows.flat_map(|(row, item)| row.iter().zip(&self.dimensions).map(move |(value, dimension)| f32::from(*value) * item * dimension));
            let first = if self.items.len() > FEW_ITEMS { length / 2 } else { 0 };
            Used { rows: rows.collect(), first, leading: ItemFactors::new(&self.values, length, first) }
        })
    }
    /// Checks every value read from a file.
    pub fn validate(&self, items: usize) -> std::result::Result<(), String> {
        if [self.half_life, self.unobserved].iter().any(|value| value.is_nan() || *value <= 0.0) {
            return Err("factors: a setting is not above 0".into());
        }
        let Penalty { strength, frequency, least, typical } = self.penalty;
        if [strength, frequency, least, typical].iter().chain(&self.shared).any(|value| !(value.is_finite() && *value >= 0.0))
            || strength <= 0.0
            || typical <= 0.0
        {
            return Err("factors: a penalty or a shared part is negative or not finite".into());
        }
        if self.shared.len() != self.factors as usize {
            return Err(format!("factors: {} shared parts, expected {}", self.shared.len(), self.factors));
        }
        if !(1..=4096).contains(&self.factors) || self.values.len() != items * self.factors as usize {
            return Err(format!("factors: {} values, expected {items} items of {}", self.values.len(), self.factors));
        }
        if self.dimensions.len() != self.factors as usize || self.items.len() != items {
            return Err(format!(
                "factors: units of {} dimensions and {} items, expected {} and {items}",
                self.dimensions.len(),
                self.items.len(),
                self.factors
            ));
        }
        // Products of the greatest values stay finite.
        match self.dimensions.iter().chain(&self.items).find(|unit| !(0.0..1e12).contains(*unit)) {
            Some(unit) => Err(format!("factors: a unit is {unit}, expected 0 to 1e12")),
            None => Ok(()),
        }
    }
}

/// Rows as bytes: the units of the dimensions (root mean squares), of the items, and the values.
fn in_bytes(rows: &[f32], length: usize) -> (Vec<f32>, Vec<f32>, Vec<i8>) {
    let mut squares = vec![0.0_f64; length];
    for row in rows.chunks_exact(length) {
        squares.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value) * f64::from(*value));
    }
    let count = (rows.len() / length.max(1)).max(1) as f64;
    let dimensions: Vec<f32> = squares.iter().map(|sum| (sum / count).sqrt() as f32).collect();
    let inverse: Vec<f32> = dimensions.iter().map(|unit| if *unit > 0.0 { 1.0 / unit } else { 0.0 }).collect();
    let mut units = Vec::with_capacity(rows.len() / length.max(1));
    let mut values = Vec::with_capacity(rows.len());
    for row in rows.chunks_exact(length) {
        let greatest = row.iter().zip(&inverse).map(|(value, inverse)| (value * inverse).abs()).fold(0.0, f32::max);
        let unit = greatest / 127.0;
        let scale = if unit > 0.0 { 1.0 / unit } else { 0.0 };
        units.push(unit);
        values.extend(row.iter().zip(&inverse).map(|(value, inverse)| (value * inverse * scale).round() as i8));
    }
    (dimensions, units, values)
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

/// What the dimensions that do not lead add to the scores of some items.
struct Rest<'a> {
    model: &'a Factors,
    /// The customer's factors in these dimensions, in units of the items' bytes.
    customer: &'a [f32],
    candidates: &'a [(u32, f32)],
    row: &'a mut [f32],
}

impl WithSimd for Rest<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Rest { model, customer, candidates, row } = self;
        let (length, rest) = (model.factors as usize, customer.len());
        let mut near = vec![0.0; AT_ONCE * rest];
        for some in candidates.chunks(AT_ONCE) {
            for ((item, _), near) in some.iter().zip(near.chunks_exact_mut(rest)) {
                let values = &model.values[*item as usize * length..][..rest];
                near.iter_mut().zip(values).for_each(|(near, value)| *near = f32::from(*value));
            }
            for ((item, _), near) in some.iter().zip(near.chunks_exact(rest)) {
                row[*item as usize] += dot(simd, near, customer) * model.items[*item as usize];
            }
        }
    }
}

impl ItemModel for Factors {
    fn block(&self) -> usize {
        BLOCK
    }

    fn score(&self, histories: &[&[ItemEvent]], items: usize) -> Scores {
        let mut out = Scores::to_be_written(histories.len(), items);
        let length = self.factors as usize;
        let Used { rows, first, leading } = self.used();
        let lists: Vec<Vec<(u32, f32)>> = histories.iter().map(|history| strengths(history, self.half_life)).collect();
        let entries = Rows::from_lists(&lists);
        let mut z = vec![0.0_f32; histories.len() * length];
        let system = System { all: rows, shared: &self.shared, unobserved: self.unobserved, penalty: &self.penalty };
        Arch::new().dispatch(Solves { system, entries: &entries, first: 0, steps: FOLD_IN_STEPS, x: &mut z });
        for z in z.chunks_exact_mut(length) {
            z.iter_mut().zip(&self.dimensions).for_each(|(z, dimension)| *z *= dimension);
        }
        let lead: Vec<&[f32]> = z.chunks_exact(length).map(|z| &z[*first..]).collect();
        leading.scores(&lead, &self.items, &mut out);
        if *first > 0 {
            for (customer, (z, list)) in z.chunks_exact(length).zip(&lists).enumerate() {
                let row = out.row_mut(customer);
                let candidates = greatest(row, CANDIDATES + list.len());
                Arch::new().dispatch(Rest { model: self, customer: &z[..*first], candidates: &candidates, row });
            }
        }
        out
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::recommend::scores::top;

    fn factors(count: usize) -> Vec<f32> {
        (0..count * 4).map(|k| libm::sinf(k as f32 * 1.7)).collect()
    }

    #[test]
    fn the_solve_satisfies_the_normal_equations_of_hu_koren_volinsky() {
        let (unobserved, penalty, y) = (0.3, 0.2, factors(12));
        let side = Side::new(&y, 4, unobserved).unwrap();
        let (items, strengths) = ([1_u32, 5, 7], [1.0_f32, 2.0, 0.5]);
        let mut x = vec![0.0; 4];
        let penalty_of_all = Penalty { strength: penalty, frequency: 0.0, least: 0.0, typical: 1.0 };
        let system = System { all: &side.rows, shared: &side.shared, unobserved, penalty: &penalty_of_all };
        let entries = Rows::from_lists(&[items.iter().copied().zip(strengths).collect()]);
        Arch::new().dispatch(Solves { system, entries: &entries, first: 0, steps: 20, x: &mut x });
        // Gradient of sum_i c_i (p_i - x'y_i)^2 + penalty |x|^2, with c = unobserved + s, p = 1 where s > 0.
        for place in 0..4 {
            let mut gradient = penalty * x[place];
            for item in 0..12_usize {
                let y = &side.rows[item * 4..item * 4 + 4];
                let strength = items.iter().position(|other| *other as usize == item).map_or(0.0, |at| strengths[at]);
                let fitted: f32 = y.iter().zip(&x).map(|(y, x)| y * x).sum();
                gradient += (unobserved + strength) * (fitted - if strength > 0.0 { 1.0 } else { 0.0 }) * y[place];
            }
            assert!(gradient.abs() < 1e-4, "{place} {gradient}");
        }
    }

    #[test]
    fn the_change_of_basis_keeps_every_product_and_makes_the_shared_part_a_diagonal() {
        let y = factors(12);
        let side = Side::new(&y, 4, 0.5).unwrap();
        let product = |rows: &[f32], a: usize, b: usize| -> f32 { (0..4).map(|k| rows[a * 4 + k] * rows[b * 4 + k]).sum() };
        assert!((product(&y, 3, 8) - product(&side.rows, 3, 8)).abs() < 1e-4);
        for i in 0..4 {
            for j in 0..4 {
                let sum: f32 = (0..12).map(|row| 0.5 * side.rows[row * 4 + i] * side.rows[row * 4 + j]).sum();
                assert!((sum - if i == j { side.shared[i] } else { 0.0 }).abs() < 1e-4, "{i} {j} {sum}");
            }
        }
    }

    #[test]
    fn a_customer_of_whom_twice_as_much_is_known_has_twice_the_penalty_at_power_one() {
        let penalty = Penalty { strength: 3.0, frequency: 1.0, least: 1.0, typical: 2.0 };
        assert!((penalty.of_row(&[1.0]) - 3.0).abs() < 1e-6);
        assert!((penalty.of_row(&[2.0, 1.0]) - 6.0).abs() < 1e-6);
        assert!((Penalty { frequency: 0.0, ..penalty }.of_row(&[9.0]) - 3.0).abs() < 1e-6);
    }

    #[test]
    fn a_byte_per_value_keeps_every_product_to_a_thousandth_of_the_lengths() {
        let length = 64;
        let rows: Vec<f32> =
            (0..100 * length).map(|k| libm::sinf(k as f32 * 1.7) * libm::expf(-((k % length) as f32) / 10.0) * (1 + k / length) as f32).collect();
        let (dimensions, units, values) = in_bytes(&rows, length);
        let back = |item: usize, place: usize| f32::from(values[item * length + place]) * units[item] * dimensions[place];
        for (a, b) in [(0, 1), (3, 99), (50, 51)] {
            let product = |left: &dyn Fn(usize) -> f32, right: &dyn Fn(usize) -> f32| -> f32 { (0..length).map(|place| left(place) * right(place)).sum() };
            let row = |item: usize, place: usize| rows[item * length + place];
            let (norm_a, norm_b) = (product(&|p| row(a, p), &|p| row(a, p)).sqrt(), product(&|p| row(b, p), &|p| row(b, p)).sqrt());
            let error = product(&|p| row(a, p), &|p| row(b, p)) - product(&|p| row(a, p), &|p| back(b, p));
            assert!(error.abs() < 2e-3 * norm_a * norm_b, "{a} {b} {error}");
        }
    }

    struct Dot<'a>(&'a [f32], &'a [f32]);

    impl WithSimd for Dot<'_> {
        type Output = f32;
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            dot(simd, self.0, self.1)
        }
    }

    #[test]
    fn the_dot_product_counts_every_place_whatever_the_length() {
        for length in [1_usize, 7, 31, 32, 33, 100] {
            let a: Vec<f32> = (0..length).map(|k| k as f32).collect();
            let b = vec![2.0; length];
            assert!((Arch::new().dispatch(Dot(&a, &b)) - (length * (length - 1)) as f32).abs() < 1e-3);
        }
    }

    #[test]
    fn of_a_large_catalogue_the_best_have_the_scores_that_all_dimensions_give() {
        let (items, length) = (FEW_ITEMS + 100, 8);
        let rows: Vec<f32> = (0..items * length).map(|k| (crate::churn::random::mix(3, k as u64) % 2001) as f32 / 1000.0 - 1.0).collect();
        // The last half matters most, as the dimensions of the greatest eigenvalues do.
        let rows: Vec<f32> = rows.iter().enumerate().map(|(k, value)| if k % length < length / 2 { 0.1 * value } else { *value }).collect();
        let (dimensions, units, values) = in_bytes(&rows, length);
        let model = Factors {
            half_life: f32::INFINITY,
            factors: length as u32,
            unobserved: 0.1,
            penalty: Penalty { strength: 0.5, frequency: 0.0, least: 0.0, typical: 1.0 },
            shared: vec![1.0; length],
            dimensions,
            items: units,
            values,
            ready: Ready::default(),
        };
        let event = |item| ItemEvent { item, days_ago: 1.0, weight: 1.0 };
        let histories: Vec<Vec<ItemEvent>> = vec![vec![event(3), event(9)], (0..40).map(event).collect(), vec![]];
        let histories: Vec<&[ItemEvent]> = histories.iter().map(Vec::as_slice).collect();
        let found = model.score(&histories, items);
        let all = Used { first: 0, leading: ItemFactors::new(&model.values, length, 0), ..model.used().clone() };
        assert!(model.used().first == length / 2);
        let whole = Factors { ready: Ready::default(), ..model.clone() };
        whole.ready.get(|| all);
        let whole = whole.score(&histories, items);
        for customer in 0..2 {
            let (best, exact) = (top(found.row(customer), 20), top(whole.row(customer), 20));
            for ((item, score), (exact_item, exact_score)) in best.into_iter().zip(exact) {
                assert!(item == exact_item && (score - exact_score).abs() < 1e-3 * exact_score, "{item} {score} {exact_item} {exact_score}");
            }
        }
        assert!(found.row(2).iter().all(|score| *score == 0.0));
    }
}
