//! Dense scores of a block of customers, and the best of a row.

use pulp::{Arch, Simd, WithSimd};
use std::cell::RefCell;

/// Scores of a block of customers, one row of all items per customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scores {
    /// Number of items.
    pub items: usize,
    /// Rows, one after the other.
    pub values: Vec<f32>,
}

thread_local! {
    /// Rows of blocks that are done. A block of many items is tens of megabytes: fresh from the system, touching its pages takes as long as
    /// filling them with scores.
    static DONE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Blocks kept for the next ones, per thread: one for each model but the best sellers, and the row of their sum.
const KEPT: usize = 5;

impl Drop for Scores {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        // A thread that ends has nothing to keep them in.
        let _ = DONE.try_with(|done| {
            let mut done = done.borrow_mut();
            if done.len() < KEPT {
                done.push(values);
            }
        });
    }
}

impl Scores {
    /// All zero.
    pub fn zeros(customers: usize, items: usize) -> Self {
        let mut scores = Scores::to_be_written(customers, items);
        scores.values.fill(0.0);
        scores
    }
    /// Of any value, for who writes every one.
    pub fn to_be_written(customers: usize, items: usize) -> Self {
        let mut values = DONE.with(|done| done.borrow_mut().pop()).unwrap_or_default();
        values.resize(customers * items, 0.0);
        Scores { items, values }
    }
    /// A customer's row.
    pub fn row(&self, customer: usize) -> &[f32] {
        &self.values[customer * self.items..(customer + 1) * self.items]
    }
    /// A customer's row.
    pub fn row_mut(&mut self, customer: usize) -> &mut [f32] {
        &mut self.values[customer * self.items..(customer + 1) * self.items]
    }
}

/// Takes items out of a row of scores.
pub(crate) fn take_out(row: &mut [f32], items: &[u32]) {
    items.iter().for_each(|item| row[*item as usize] = 0.0);
}

/// The best of many: greatest score first, ties by item.
#[derive(Debug)]
pub(crate) struct Best {
    count: usize,
    /// Scores below this do not enter.
    floor: f32,
    kept: Vec<(u32, f32)>,
}

impl Best {
    /// Keeps `count`; scores of 0 and less never enter.
    pub fn new(count: usize) -> Self {
        Best { count, floor: f32::MIN_POSITIVE, kept: Vec::with_capacity(2 * count) }
    }
    /// Takes an item in any order. Work: one comparison unless it enters; sorting out happens once per `count` entries.
    #[inline(always)]
    pub fn push(&mut self, item: u32, score: f32) {
        if score >= self.floor {
            self.keep(item, score);
        }
    }
    // Apart, so that the loops around the comparison stay small.
    #[inline(never)]
    fn keep(&mut self, item: u32, score: f32) {
        self.kept.push((item, score));
        if self.kept.len() >= 2 * self.count {
            cut(&mut self.kept, self.count);
            self.floor = self.kept.last().map_or(f32::INFINITY, |last| last.1);
        }
    }
    /// The best in order.
    pub fn sorted(self) -> Vec<(u32, f32)> {
        let mut best = self.unordered();
        best.sort_unstable_by(order);
        best
    }
    /// The best in any order.
    pub fn unordered(mut self) -> Vec<(u32, f32)> {
        cut(&mut self.kept, self.count);
        self.kept
    }
}

/// Leaves the best of some; where any went, the worst that stayed is last.
pub(crate) fn cut(kept: &mut Vec<(u32, f32)>, count: usize) {
    if kept.len() > count {
        if count > 0 {
            kept.select_nth_unstable_by(count - 1, order);
        }
        kept.truncate(count);
    }
}

fn order(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Items compared at a time.
const LANES: usize = 16;

/// Items of a lane that are looked at together: their greatest tells whether any of them can be among the best.
const DEPTH: usize = 8;
/// Blocks of lanes whose greatest are looked at together for the floor, at most.
const BLOCKS: usize = 4;
/// So many times the scores wanted are left to set the floor: of fewer it would be low, and much would reach it.
const SPREAD: usize = 4;

/// The `count` greatest positive scores of a row, best first, ties by item.
pub(crate) fn top(row: &[f32], count: usize) -> Vec<(u32, f32)> {
    let mut best = greatest(row, count);
    best.sort_unstable_by(order);
    best
}

/// The same in any order. Work: the row is gone through once, many items at a time; as many lanes as are asked for reach the floor set by the greatest of
/// each, and only blocks where one does are gone through once more.
pub(crate) fn greatest(row: &[f32], count: usize) -> Vec<(u32, f32)> {
    if count == 0 {
        return Vec::new();
    }
    let mut peaks = vec![[f32::NEG_INFINITY; LANES]; row.len().div_ceil(LANES * DEPTH)];
    Arch::new().dispatch(Peaks { row, of_lanes: &mut peaks });
    let mut best = Vec::with_capacity(2 * count);
    Arch::new().dispatch(Reach { row, peaks: &peaks, floor: floor(&peaks, count), found: &mut best });
    cut(&mut best, count);
    best
}

/// A positive score that at least `count` items reach, if as many are seen to be positive: each of so many lanes holds one.
fn floor(peaks: &[[f32; LANES]], count: usize) -> f32 {
    let at_once = (peaks.len() * LANES / (SPREAD * count)).clamp(1, BLOCKS);
    let mut positive: Vec<f32> = Vec::with_capacity(peaks.len().div_ceil(at_once) * LANES);
    for blocks in peaks.chunks(at_once) {
        let together = blocks[1..].iter().fold(blocks[0], |mut all, block| {
            all.iter_mut().zip(block).for_each(|(all, lane)| *all = if *lane > *all { *lane } else { *all });
            all
        });
        positive.extend(together.into_iter().filter(|score| *score > 0.0));
    }
    if positive.len() < count {
        return f32::MIN_POSITIVE;
    }
    *positive.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a)).1
}

/// Finds the greatest score of each lane of each block of a row.
struct Peaks<'r> {
    row: &'r [f32],
    of_lanes: &'r mut [[f32; LANES]],
}

impl WithSimd for Peaks<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let keep = |greatest: &mut f32, score: &f32| *greatest = if *score > *greatest { *score } else { *greatest };
        for (block, greatest) in self.row.chunks(LANES * DEPTH).zip(self.of_lanes) {
            let (parts, rest) = block.as_chunks::<LANES>();
            let mut found = *greatest;
            for part in parts {
                found.iter_mut().zip(part).for_each(|(greatest, score)| keep(greatest, score));
            }
            found.iter_mut().zip(rest).for_each(|(greatest, score)| keep(greatest, score));
            *greatest = found;
        }
    }
}

/// Finds the items of a row that reach a floor, in order.
struct Reach<'r> {
    row: &'r [f32],
    peaks: &'r [[f32; LANES]],
    floor: f32,
    found: &'r mut Vec<(u32, f32)>,
}

impl WithSimd for Reach<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Reach { row, peaks, floor, found } = self;
        for (number, (block, greatest)) in row.chunks(LANES * DEPTH).zip(peaks).enumerate() {
            if !greatest.iter().fold(false, |any, greatest| any | (*greatest >= floor)) {
                continue;
            }
            let (parts, rest) = block.as_chunks::<LANES>();
            for (place, part) in parts.iter().enumerate() {
                // A bit for each lane: compared at a time, and few are 1.
                let mut reached = part.iter().enumerate().fold(0_u32, |bits, (lane, score)| bits | u32::from(*score >= floor) << lane);
                while reached != 0 {
                    let item = (number * DEPTH + place) * LANES + reached.trailing_zeros() as usize;
                    found.push((item as u32, row[item]));
                    reached &= reached - 1;
                }
            }
            let first = row.len() - rest.len();
            found.extend(rest.iter().enumerate().filter(|(_, score)| **score >= floor).map(|(place, score)| ((first + place) as u32, *score)));
        }
    }
}

/// Number of scores whose mean is a customer's scale.
const SCALE_OVER: usize = 20;

/// What one unit of a model's score means for a customer: the mean of the 20 greatest positive scores (of as many as there are);
/// 0 where nothing is positive.
pub(crate) fn scale(row: &[f32]) -> f32 {
    mean(top(row, SCALE_OVER).into_iter())
}

/// The scales of several customers for whom a row is the same but for items that are taken out of it (ascending).
pub(crate) fn scales_without(row: &[f32], taken_out: &[Vec<u32>]) -> Vec<f32> {
    let best = top(row, SCALE_OVER + taken_out.iter().map(Vec::len).max().unwrap_or(0));
    let of_customer = |own: &Vec<u32>| mean(best.iter().copied().filter(|(item, _)| own.binary_search(item).is_err()).take(SCALE_OVER));
    taken_out.iter().map(of_customer).collect()
}

fn mean(best: impl Iterator<Item = (u32, f32)>) -> f32 {
    let (sum, count) = best.fold((0.0, 0), |(sum, count), (_, score)| (sum + score, count + 1));
    if count == 0 { 0.0 } else { sum / count as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_ties_keep_the_order_of_items() {
        assert_eq!(top(&[0.5, 2.0, 0.5, 0.0, 3.0, -1.0, 0.5], 4), vec![(4, 3.0), (1, 2.0), (0, 0.5), (2, 0.5)]);
        assert_eq!(top(&[1.0, 1.0], 9), vec![(0, 1.0), (1, 1.0)]);
        assert_eq!(top(&[1.0], 0), vec![]);
    }

    #[test]
    fn many_scores_in_any_order_give_what_sorting_gives() {
        let scores: Vec<f32> = (0..1000_u32).map(|k| ((k * 7919) % 97) as f32).collect();
        let mut sorted: Vec<(u32, f32)> = scores.iter().enumerate().filter(|(_, score)| **score > 0.0).map(|(item, score)| (item as u32, *score)).collect();
        sorted.sort_by(order);
        for count in [1, 3, 50, 2000] {
            let mut best = Best::new(count);
            (0..1000_u32).rev().for_each(|item| best.push(item, scores[item as usize]));
            assert_eq!(best.sorted(), sorted[..count.min(sorted.len())]);
            assert_eq!(top(&scores, count), sorted[..count.min(sorted.len())]);
        }
    }

    #[test]
    fn the_scale_of_a_row_is_the_mean_of_its_twenty_best() {
        let row: Vec<f32> = (1..=100).map(|value| value as f32).collect();
        assert!((scale(&row) - 90.5).abs() < 1e-4);
        assert!(scale(&[0.0, -2.0]) == 0.0);
    }

    #[test]
    fn the_scale_without_some_items_is_that_of_a_row_in_which_they_are_0() {
        // Ties, and a customer who has more than all of the best.
        let row: Vec<f32> = (0..300).map(|item| ((item * 37) % 101) as f32 - 5.0).collect();
        let taken_out: Vec<Vec<u32>> = vec![vec![], vec![3], (0..300).step_by(3).collect(), (0..299).collect(), (0..300).collect()];
        let scales = scales_without(&row, &taken_out);
        for (own, found) in taken_out.iter().zip(scales) {
            let mut left = row.clone();
            own.iter().for_each(|item| left[*item as usize] = 0.0);
            assert!(found.to_bits() == scale(&left).to_bits(), "{found} {}", scale(&left));
        }
    }
}
