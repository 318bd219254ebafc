//! A linear item model by ridge regression: each item from all others.
//!
//! Steck, WWW 2019: with customer-item strengths X and `P = (X'X + ridge I)^-1`, the item-to-item weights are
//! `B_ij = -P_ij / P_jj`, 0 on the diagonal. Where the matrix of all items is too large to invert, the weights of an item are fitted on
//! the items most similar to it alone, the rest being 0: a sparse approximate inverse, column by column, on a given pattern (Steck, NeurIPS
//! 2019, section 3.2; the aim of Spišák et al., SANSA, RecSys 2023). What comes out is applied as [`Neighbours`] are; weights may be negative.

use super::interactions::Interactions;
use super::neighbours::{Neighbours, Rows};
use super::scores::Best;
use crate::error::{Error, Result};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::cholesky::llt::inverse::{inverse, inverse_scratch};
use faer::linalg::cholesky::llt::solve::{solve_in_place, solve_in_place_scratch};
use faer::{Mat, Par};
use rayon::prelude::*;

/// How regressions are shaped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EaseSettings {
    /// Half-life of events.
    pub half_life: f32,
    /// Ridge, in squared strengths: customers who would have to have an item to outweigh it.
    pub ridge: f64,
    /// Entries kept for an item.
    pub keep: usize,
    /// Bytes that the matrix of all items may take.
    pub memory: usize,
}

/// Items that the regression of one item looks at where all are too many.
const AROUND: usize = 120;
/// Steps of counting that the regressions may take together where all items are too many; with more, each looks at fewer.
const COUNTING: f64 = 4e10;
/// Items around one that a customer of one of them has, on average: no more than a guess for [`COUNTING`].
const TOGETHER: f64 = 8.0;
/// A constant, so that the bits do not depend on the threads at hand.
const DEGREE: usize = 2;

/// Whether the matrix of so many items is inverted as a whole.
fn is_dense(items: usize, memory: usize) -> bool {
    items.saturating_mul(items).saturating_mul(8) <= memory
}

/// The weights with which an item is foretold, by other item ascending; one list for each of the settings.
type Columns = Vec<Vec<(u32, f32)>>;

/// Fits the model.
///
/// # Errors
/// 70 where a matrix that must be positive is not.
pub(crate) fn fit(data: &Interactions, settings: &EaseSettings) -> Result<Neighbours> {
    Ok(fit_all(data, std::slice::from_ref(settings))?.pop().unwrap_or_default())
}

/// Fits one model for each of the settings, which may differ in ridge and length: what customers have in common is counted once for all.
///
/// # Errors
/// 70 where a matrix that must be positive is not.
pub(crate) fn fit_all(data: &Interactions, settings: &[EaseSettings]) -> Result<Vec<Neighbours>> {
    let Some(first) = settings.first() else { return Ok(Vec::new()) };
    let by_customer = Rows::of_customers(data, first.half_life, usize::MAX);
    let by_item = by_customer.transposed(data.items);
    // By item.
    let columns = if is_dense(data.items, first.memory) { dense(&by_customer, &by_item, settings)? } else { around(&by_customer, &by_item, settings)? };
    let model = |place: usize| {
        let columns: Vec<Vec<(u32, f32)>> = columns.iter().map(|own| own[place].clone()).collect();
        let lists = Rows::from_lists(&columns).transposed(data.items);
        let lists: Vec<Vec<(u32, f32)>> = (0..data.items)
            .map(|item| {
                let (others, weights) = lists.row(item);
                others.iter().copied().zip(weights.iter().copied()).collect()
            })
            .collect();
        Neighbours::of_lists(first.half_life, &lists)
    };
    Ok((0..settings.len()).map(model).collect())
}

/// The entries of greatest size, others ascending.
fn cut(weights: impl Iterator<Item = (u32, f32)>, keep: usize) -> Vec<(u32, f32)> {
    let weights: Vec<(u32, f32)> = weights.collect();
    let mut best = Best::new(keep);
    for (place, (_, weight)) in weights.iter().enumerate() {
        best.push(place as u32, weight.abs());
    }
    let mut kept: Vec<(u32, f32)> = best.sorted().into_iter().map(|(place, _)| weights[place as usize]).collect();
    kept.sort_unstable_by_key(|(item, _)| *item);
    kept
}

/// Sums over common customers of one item with all others, written into `sums`.
fn count(item: usize, by_customer: &Rows, by_item: &Rows, mut add: impl FnMut(u32, f32)) {
    let (customers, values) = by_item.row(item);
    for (customer, value) in customers.iter().zip(values) {
        let (others, strengths) = by_customer.row(*customer as usize);
        for (other, strength) in others.iter().zip(strengths) {
            add(*other, value * strength);
        }
    }
}

fn not_positive() -> Error {
    Error::internal("the matrix of items is not positive; raise the ridge")
}

fn dense(by_customer: &Rows, by_item: &Rows, settings: &[EaseSettings]) -> Result<Vec<Columns>> {
    let items = by_item.len();
    let mut counted: Vec<Vec<f32>> = (0..items)
        .into_par_iter()
        .map(|item| {
            let mut sums = vec![0.0_f32; items];
            count(item, by_customer, by_item, |other, value| sums[other as usize] += value);
            sums
        })
        .collect();
    let par = Par::rayon(DEGREE);
    let mut columns: Vec<Columns> = vec![Columns::new(); items];
    for (place, own) in settings.iter().enumerate() {
        let mut matrix = Mat::from_fn(items, items, |row, column| f64::from(counted[column][row]) + if row == column { own.ridge } else { 0.0 });
        if place + 1 == settings.len() {
            counted = Vec::new();
        }
        cholesky_in_place(
            matrix.as_mut(),
            Default::default(),
            par,
            MemStack::new(&mut MemBuffer::new(cholesky_in_place_scratch::<f64>(items, par, Default::default()))),
            Default::default(),
        )
        .map_err(|_| not_positive())?;
        let mut inverted = Mat::<f64>::zeros(items, items);
        inverse(inverted.as_mut(), matrix.as_ref(), par, MemStack::new(&mut MemBuffer::new(inverse_scratch::<f64>(items, par))));
        drop(matrix);
        // Only the lower triangle is there.
        let at = |row: usize, column: usize| if row >= column { inverted[(row, column)] } else { inverted[(column, row)] };
        columns.par_iter_mut().enumerate().for_each(|(item, columns)| {
            let pivot = at(item, item);
            columns.push(cut((0..items).filter(|other| *other != item).map(|other| (other as u32, (-at(other, item) / pivot) as f32)), own.keep));
        });
    }
    Ok(columns)
}

/// What one thread counts with.
struct Scratch {
    /// Common customers with an item, by other item; 0 but for those touched.
    sums: Vec<f32>,
    touched: Vec<u32>,
    /// By customer: the last of their entries; [`NONE`] but for those met.
    last: Vec<u32>,
    met: Vec<u32>,
    /// The entries of a customer before one of them, which of the items around it is of, and its value.
    entries: Vec<(u32, u32, f32)>,
}

/// No entry.
const NONE: u32 = u32::MAX;

impl Scratch {
    fn new(customers: usize, items: usize) -> Scratch {
        Scratch { sums: vec![0.0; items], touched: Vec::new(), last: vec![NONE; customers], met: Vec::new(), entries: Vec::new() }
    }

    /// Sums over common customers of some items with one another: the lower triangle, row by row. Each customer's entries are chained, so that only
    /// what meets is looked at: few of the items around one are had by the same customer.
    fn pairs(&mut self, near: &[u32], by_item: &Rows) -> Vec<f64> {
        let size = near.len();
        let mut pairs = vec![0.0_f64; size * size];
        for (place, item) in near.iter().enumerate() {
            let row = &mut pairs[place * size..(place + 1) * size];
            let (customers, values) = by_item.row(*item as usize);
            for (customer, value) in customers.iter().zip(values) {
                let last = &mut self.last[*customer as usize];
                if *last == NONE {
                    self.met.push(*customer);
                }
                let mut at = *last;
                while at != NONE {
                    let (before, other, strength) = self.entries[at as usize];
                    row[other as usize] += f64::from(value * strength);
                    at = before;
                }
                row[place] += f64::from(value * value);
                self.entries.push((*last, place as u32, *value));
                *last = (self.entries.len() - 1) as u32;
            }
        }
        self.met.drain(..).for_each(|customer| self.last[customer as usize] = NONE);
        self.entries.clear();
        pairs
    }
}

fn around(by_customer: &Rows, by_item: &Rows, settings: &[EaseSettings]) -> Result<Vec<Columns>> {
    let items = by_item.len();
    let squares: Vec<f32> = (0..items).map(|item| by_item.row(item).1.iter().map(|value| value * value).sum()).collect();
    // Counting one item with all others costs the lengths of its customers' rows.
    let total: f64 = by_customer.offsets.windows(2).map(|ends| ((ends[1] - ends[0]) as f64).powi(2)).sum();
    // Popular items are around many others.
    let lengths = || by_item.offsets.windows(2).map(|ends| (ends[1] - ends[0]) as f64);
    let typical = lengths().map(|length| length * length).sum::<f64>() / lengths().sum::<f64>().max(1.0);
    let affordable = (COUNTING - total).max(0.0) / (items as f64 * typical * TOGETHER).max(1.0);
    // More than are kept would be looked at to be cut.
    let longest = settings.iter().map(|own| own.keep).max().unwrap_or(0);
    let around = longest.min(AROUND).min(affordable as usize).max(20);
    (0..items)
        .into_par_iter()
        .map_init(
            || Scratch::new(by_customer.len(), items),
            |scratch, item| {
                let (sums, touched) = (&mut scratch.sums, &mut scratch.touched);
                touched.clear();
                count(item, by_customer, by_item, |other, value| {
                    let sum = &mut sums[other as usize];
                    if *sum == 0.0 {
                        touched.push(other);
                    }
                    *sum += value;
                });
                let mut best = Best::new(around);
                for other in touched.iter().filter(|other| **other as usize != item) {
                    best.push(*other, sums[*other as usize] / squares[*other as usize].sqrt());
                }
                let mut near: Vec<u32> = best.sorted().into_iter().map(|(other, _)| other).collect();
                near.sort_unstable();
                let size = near.len();
                let common: Vec<f64> = near.iter().map(|other| f64::from(sums[*other as usize])).collect();
                touched.iter().for_each(|other| sums[*other as usize] = 0.0);
                if size == 0 {
                    return Ok(vec![Vec::new(); settings.len()]);
                }
                let pairs = scratch.pairs(&near, by_item);
                let solved = |own: &EaseSettings| {
                    let at = |row: usize, column: usize| if column > row { 0.0 } else { pairs[row * size + column] };
                    let mut matrix = Mat::from_fn(size, size, |row, column| at(row, column) + if row == column { own.ridge } else { 0.0 });
                    let mut right = Mat::from_fn(size, 1, |row, _| common[row]);
                    let memory = cholesky_in_place_scratch::<f64>(size, Par::Seq, Default::default());
                    cholesky_in_place(matrix.as_mut(), Default::default(), Par::Seq, MemStack::new(&mut MemBuffer::new(memory)), Default::default())
                        .map_err(|_| not_positive())?;
                    let memory = solve_in_place_scratch::<f64>(size, 1, Par::Seq);
                    solve_in_place(matrix.as_ref(), right.as_mut(), Par::Seq, MemStack::new(&mut MemBuffer::new(memory)));
                    Ok(cut(near.iter().enumerate().map(|(place, other)| (*other, right[(place, 0)] as f32)), own.keep))
                };
                settings.iter().map(solved).collect()
            },
        )
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::recommend::ItemEvent;

    fn bought(lists: &[&[u32]], items: usize) -> Interactions {
        let lists: Vec<Vec<ItemEvent>> =
            lists.iter().map(|list| list.iter().map(|item| ItemEvent { item: *item, days_ago: 0.0, weight: 1.0 }).collect()).collect();
        Interactions::from_lists(&lists, items)
    }

    const SETTINGS: EaseSettings = EaseSettings { half_life: f32::INFINITY, ridge: 0.5, keep: 10, memory: 1 << 30 };

    #[test]
    fn each_items_weights_solve_its_ridge_regression_on_the_others() {
        let data = bought(&[&[0, 1], &[0, 1, 2], &[0, 2], &[1, 3], &[3], &[0, 1]], 4);
        let rows = Rows::of_customers(&data, f32::INFINITY, usize::MAX);
        let by_item = rows.transposed(4);
        let all = dense(&rows, &by_item, &[SETTINGS]).unwrap();
        // Looking at every other item is the whole regression.
        let near = around(&rows, &by_item, &[SETTINGS]).unwrap();
        let counts = |a: usize, b: usize| -> f64 { (0..6).filter(|c| [a, b].iter().all(|item| rows.row(*c).0.contains(&(*item as u32)))).count() as f64 };
        for (item, weights) in all.iter().map(|own| &own[0]).enumerate() {
            for (other, _) in weights {
                let gradient: f64 = weights
                    .iter()
                    .map(|(third, weight)| f64::from(*weight) * (counts(*other as usize, *third as usize) + if third == other { 0.5 } else { 0.0 }))
                    .sum();
                assert!((gradient - counts(*other as usize, item)).abs() < 1e-4, "{item} {other}");
            }
        }
        // Item 2 was bought with every item that any regression could see beside it.
        for (a, b) in all[2][0].iter().filter(|(_, weight)| weight.abs() > 1e-9).zip(&near[2][0]) {
            assert!(a.0 == b.0);
        }
    }

    #[test]
    fn an_item_that_speaks_against_another_has_a_negative_weight() {
        // Item 2 is bought with 0 or with 1, never with both.
        let data = bought(&[&[0, 2], &[1, 2], &[0, 2], &[1, 2], &[0], &[1], &[0, 1], &[0, 1], &[0, 1], &[0, 1]], 3);
        let model = fit(&data, &SETTINGS).unwrap();
        assert_eq!(model.validate(3), Ok(()));
        assert!(model.similarity(0, 1) != 0.0 && model.similarity(2, 2) == 0.0);
    }
}
