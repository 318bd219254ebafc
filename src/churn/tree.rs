//! One readable tree, and the forest of many (Breiman, Friedman, Olshen, Stone 1984; Breiman 2001).
//!
//! In: binned columns and labels. Out: [`FlatTrees`] whose leaves hold log-odds. Both come from one grower with a total order
//! among splits (gain, then column, then bin), so that ties, row order and threads cannot change a tree. The tree of linfa-trees
//! 0.8.1 is not used: it breaks ties by the order of a hash map, so that two refits in one process differ, and it predicts classes,
//! not shares; a bundle made from it would not be the same twice.

use super::binned::Binned;
use super::calibrate::logit;
use super::flat::{FlatNode, FlatTrees, LEAF};
use super::random::{draw, mix};

/// What a tree may become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreeSettings {
    /// Leaves at most; the split with the greatest gain comes first.
    pub leaves: usize,
    /// Rows in a leaf at least.
    pub leaf_rows: usize,
    /// Share of the columns a split may choose from.
    pub columns: f64,
    /// Whether each tree draws its rows with replacement.
    pub bootstrap: bool,
    /// Number of trees.
    pub trees: usize,
}

/// A node in growth.
struct Growing {
    node: usize,
    rows: Vec<u32>,
    split: Split,
}

/// A possible split.
#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    column: usize,
    bin: u8,
}

/// Grows tree number `number` of an ensemble.
pub fn grow(binned: &Binned, labels: &[bool], settings: &TreeSettings, seed: u64, number: usize) -> FlatTrees {
    let seed = mix(seed, number as u64);
    let count = labels.len() as u64;
    let rows: Vec<u32> = if settings.bootstrap { (0..count).map(|draw| (mix(seed, draw) % count) as u32).collect() } else { (0..count as u32).collect() };
    let churners = labels.iter().filter(|label| **label).count() as f64;
    let base = (churners + 0.5) / (labels.len() as f64 + 1.0);
    // One row's worth of the base rate keeps pure leaves finite.
    let leaf = |rows: &[u32]| {
        let churners = rows.iter().filter(|row| labels[**row as usize]).count() as f64;
        let share = (churners + base) / (rows.len() as f64 + 1.0);
        FlatNode { column: LEAF, threshold: 0.0, children: [0; 3], value: logit(share), cover: rows.len() as f64 }
    };
    let mut nodes = vec![leaf(&rows)];
    let mut open: Vec<Growing> = Vec::new();
    let mut scratch = vec![[0u32; 2]; 256];
    open.extend(best_split(binned, labels, settings, &rows, mix(seed, 1 << 32), &mut scratch).map(|split| Growing { node: 0, rows, split }));
    let mut leaves = 1;
    while leaves < settings.leaves {
        // The first of equals: `max_by` keeps the last, and nodes are opened in order.
        let Some(place) = (0..open.len()).max_by(|a, b| open[*a].split.gain.total_cmp(&open[*b].split.gain).then(b.cmp(a))) else { break };
        let Growing { node, rows, split } = open.remove(place);
        let bins = binned.column(split.column);
        let (left, right): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(|row| bins[*row as usize] < split.bin);
        let first = nodes.len() as u32;
        nodes[node].column = split.column as u32;
        nodes[node].threshold = binned.threshold(split.column, split.bin);
        nodes[node].children = [first, first + 1, first];
        for (offset, side) in [left, right].into_iter().enumerate() {
            nodes.push(leaf(&side));
            let node = first as usize + offset;
            open.extend(best_split(binned, labels, settings, &side, mix(seed, 1 << 32 | node as u64), &mut scratch).map(|split| Growing {
                node,
                rows: side,
                split,
            }));
        }
        leaves += 1;
    }
    let mut trees = FlatTrees::default();
    trees.push(&nodes);
    trees
}

/// The split with the greatest fall of Gini impurity among a seeded choice of columns.
fn best_split(binned: &Binned, labels: &[bool], settings: &TreeSettings, rows: &[u32], seed: u64, scratch: &mut [[u32; 2]]) -> Option<Split> {
    let total = rows.len() as f64;
    let churners = rows.iter().filter(|row| labels[**row as usize]).count() as f64;
    if rows.len() < 2 * settings.leaf_rows || churners < 1.0 || churners >= total {
        return None;
    }
    let columns = binned.cuts.len();
    let mut best: Option<Split> = None;
    for column in draw(columns, ((columns as f64 * settings.columns).ceil() as usize).max(1), seed) {
        let width = binned.width(column);
        let bins = binned.column(column);
        scratch[..width].fill([0; 2]);
        for row in rows {
            let cell = &mut scratch[usize::from(bins[*row as usize])];
            cell[0] += 1;
            cell[1] += u32::from(labels[*row as usize]);
        }
        let (mut left, mut left_churners) = (0.0, 0.0);
        for bin in 1..width {
            left += f64::from(scratch[bin - 1][0]);
            left_churners += f64::from(scratch[bin - 1][1]);
            let right = total - left;
            if left < settings.leaf_rows as f64 || right < settings.leaf_rows as f64 {
                continue;
            }
            // n times the fall of p (1 - p), which is the gain of p^2 n over both sides.
            let gain = left_churners * left_churners / left + (churners - left_churners).powi(2) / right - churners * churners / total;
            if gain > best.map_or(1e-9, |split| split.gain) {
                best = Some(Split { gain, column, bin: bin as u8 });
            }
        }
    }
    best
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::encode::EncodedMatrix;
    use super::*;

    fn settings(leaves: usize) -> TreeSettings {
        TreeSettings { leaves, leaf_rows: 5, columns: 1.0, bootstrap: false, trees: 1 }
    }

    #[test]
    fn the_tree_finds_the_rule_that_made_the_data() {
        // Leaves when value 0 is at least 30 and value 1 is missing.
        let data: Vec<f64> = (0..400).map(|row| f64::from(row % 60)).chain((0..400).map(|row| if row % 3 == 0 { f64::NAN } else { 1.0 })).collect();
        let matrix = EncodedMatrix { rows: 400, columns: 2, data };
        let labels: Vec<bool> = (0..400).map(|row| row % 60 >= 30 && row % 3 == 0).collect();
        let tree = grow(&Binned::new(&matrix), &labels, &settings(3), 1, 0);
        let scores = tree.sums(&matrix, 0.0, 1.0);
        assert!(labels.iter().zip(&scores).all(|(label, score)| *label == (*score > 0.0)));
        assert_eq!(tree.column.iter().filter(|column| **column == LEAF).count(), 3);
        assert_eq!(tree.validate(2), Ok(()));
    }

    #[test]
    fn ties_are_broken_by_column_and_reordered_rows_give_the_same_tree() {
        let column: Vec<f64> = (0..200).map(|row| f64::from(row % 10)).collect();
        let labels: Vec<bool> = (0..200).map(|row| (row % 10 < 5) != (row % 7 == 0)).collect();
        let build = |order: &[usize]| {
            let values: Vec<f64> = order.iter().map(|row| column[*row]).collect();
            let matrix = EncodedMatrix { rows: 200, columns: 2, data: [values.clone(), values].concat() };
            grow(&Binned::new(&matrix), &order.iter().map(|row| labels[*row]).collect::<Vec<_>>(), &settings(6), 1, 0)
        };
        let straight = build(&(0..200).collect::<Vec<_>>());
        assert_eq!(straight, build(&(0..200).rev().collect::<Vec<_>>()));
        assert!(straight.column.iter().all(|column| *column != 1), "the second of two equal columns was asked");
    }

    #[test]
    fn a_rate_below_one_half_everywhere_still_gives_a_tree() {
        let matrix = EncodedMatrix { rows: 1000, columns: 1, data: (0..1000).map(|row| f64::from(row % 2)).collect() };
        let labels: Vec<bool> = (0..1000).map(|row| row % 2 == 0 && row % 10 < 2 || row % 50 == 1).collect();
        let scores = grow(&Binned::new(&matrix), &labels, &settings(2), 1, 0).sums(&matrix, 0.0, 1.0);
        assert!(scores[0] < 0.0 && scores[0] > scores[1] + 1.0);
    }
}
