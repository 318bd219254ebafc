//! Decision trees as flat arrays: what the tree learners leave, what the bundle keeps, what scoring walks.
//!
//! In: encoded columns (see [`super::encode`]). Out: a sum of leaf values per row, and that sum split by column along the path
//! (Saabas 2014: each step is credited with the change of the expected value; the credits sum to the score by construction).
//! Exact Shapley values would cost the square of the depth more per row; every row of risk.csv needs reasons, so the path it is.

use super::encode::EncodedMatrix;
use bincode::{Decode, Encode};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Marks a leaf in [`FlatTrees::column`].
pub const LEAF: u32 = u32::MAX;
/// Rows that are scored together: their encoded values stay in the first-level cache.
const BLOCK: usize = 128;

/// Many binary trees, node after node. A row goes left where its value is below the threshold.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct FlatTrees {
    /// The first node of each tree.
    pub roots: Vec<u32>,
    /// The encoded column a node asks, or [`LEAF`].
    pub column: Vec<u32>,
    /// Values below go left.
    pub threshold: Vec<f64>,
    /// Left child, right child, child of a missing value: always later than their parent.
    pub children: Vec<[u32; 3]>,
    /// A leaf's value; an inner node's mean value over the rows it was fitted on.
    pub value: Vec<f64>,
}

impl FlatTrees {
    /// The node a value leads to.
    pub(super) fn step(&self, node: usize, value: f64) -> usize {
        let [left, right, missing] = self.children[node];
        let next = if value.is_nan() {
            missing
        } else if value < self.threshold[node] {
            left
        } else {
            right
        };
        next as usize
    }

    /// The leaf of one tree that a row falls into; `row` holds its encoded values.
    pub fn leaf(&self, root: u32, row: &[f64]) -> usize {
        let mut node = root as usize;
        while self.column[node] != LEAF {
            node = self.step(node, row[self.column[node] as usize]);
        }
        node
    }

    /// Sum of the leaf values of every tree, added to `base` in order of the trees, times `scale` at the end.
    pub fn sums(&self, matrix: &EncodedMatrix, base: f64, scale: f64) -> Vec<f64> {
        self.checkpoints(matrix, base, &[self.roots.len()]).pop().unwrap_or_default().into_iter().map(|sum| sum * scale).collect()
    }

    /// The sums after the first `c` trees for each `c` of `counts` (ascending), in one pass.
    pub fn checkpoints(&self, matrix: &EncodedMatrix, base: f64, counts: &[usize]) -> Vec<Vec<f64>> {
        let trees = counts.last().map_or(0, |count| (*count).min(self.roots.len()));
        // Telling the kind of a tree takes as long as scoring some rows with it.
        let levels: Vec<Option<Levels<'_>>> = (0..trees).map(|tree| if matrix.rows < BLOCK { None } else { self.levels(tree) }).collect();
        let is_walked = levels.iter().any(Option::is_none);
        let blocks: Vec<Vec<Vec<f64>>> = (0..matrix.rows.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let rows = block * BLOCK..((block + 1) * BLOCK).min(matrix.rows);
                let values: Vec<Vec<f64>> = if is_walked { rows.clone().map(|row| matrix.row(row)).collect() } else { Vec::new() };
                let mut sums = vec![base; rows.len()];
                let mut done = 0;
                counts
                    .iter()
                    .map(|count| {
                        let next = (*count).clamp(done, trees);
                        for tree in done..next {
                            match &levels[tree] {
                                Some(levels) => Arch::new().dispatch(Leveled { levels, matrix, first: rows.start, sums: &mut sums }),
                                None => sums.iter_mut().zip(&values).for_each(|(sum, row)| *sum += self.value[self.leaf(self.roots[tree], row)]),
                            }
                        }
                        done = next;
                        sums.clone()
                    })
                    .collect()
            })
            .collect();
        (0..counts.len()).map(|index| blocks.iter().flat_map(|block| block[index].iter().copied()).collect()).collect()
    }

    /// A tree all of whose nodes of a level ask the same and lie side by side, as symmetric trees do; `None` for another.
    fn levels(&self, tree: usize) -> Option<Levels<'_>> {
        let root = self.roots[tree] as usize;
        let end = self.roots.get(tree + 1).map_or(self.column.len(), |next| *next as usize);
        let nodes = end.checked_sub(root).filter(|nodes| (*nodes + 1).is_power_of_two())?;
        let depth = (nodes + 1).ilog2() as usize - 1;
        let mut questions = Vec::with_capacity(depth);
        for level in 0..depth {
            let (first, width) = (root + (1 << level) - 1, 1 << level);
            let (column, threshold) = (self.column[first], self.threshold[first]);
            let is_asked = |place: usize| {
                let (node, left, right) = (first + place, (first + width + place) as u32, (first + 2 * width + place) as u32);
                self.column[node] == column && self.threshold[node].total_cmp(&threshold).is_eq() && self.children[node] == [left, right, left]
            };
            if column == LEAF || !(0..width).all(is_asked) {
                return None;
            }
            questions.push((column as usize, threshold));
        }
        let leaves = end - (1 << depth)..end;
        (depth <= 8 && self.column[leaves.clone()].iter().all(|column| *column == LEAF)).then(|| Levels { questions, values: &self.value[leaves] })
    }

    /// Adds what each column contributes for one row, times `scale`; returns the part that no column explains.
    pub fn contribute(&self, row: &[f64], scale: f64, by_column: &mut [f64]) -> f64 {
        let mut base = 0.0;
        for root in &self.roots {
            let mut node = *root as usize;
            base += self.value[node];
            while self.column[node] != LEAF {
                let column = self.column[node] as usize;
                let next = self.step(node, row[column]);
                by_column[column] += scale * (self.value[next] - self.value[node]);
                node = next;
            }
        }
        base * scale
    }

    /// Adds a tree of which only leaves have values; inner nodes get the mean of their children, weighted by `cover`.
    /// Child indices count from the tree's own first node.
    pub fn push(&mut self, nodes: &[FlatNode]) {
        let first = self.column.len() as u32;
        self.roots.push(first);
        let mut values: Vec<f64> = nodes.iter().map(|node| node.value).collect();
        for (index, node) in nodes.iter().enumerate().rev() {
            if node.column != LEAF {
                let [left, right, _] = node.children.map(|child| child as usize);
                let (a, b) = (nodes[left].cover, nodes[right].cover);
                values[index] = if a + b > 0.0 { (a * values[left] + b * values[right]) / (a + b) } else { (values[left] + values[right]) / 2.0 };
            }
        }
        for (node, value) in nodes.iter().zip(values) {
            self.column.push(node.column);
            self.threshold.push(if node.column == LEAF { 0.0 } else { node.threshold });
            self.children.push(if node.column == LEAF { [0; 3] } else { node.children.map(|child| first + child) });
            self.value.push(value);
        }
    }

    /// Appends the trees of another ensemble.
    pub fn append(&mut self, other: &FlatTrees) {
        let first = self.column.len() as u32;
        self.roots.extend(other.roots.iter().map(|root| root + first));
        self.column.extend(&other.column);
        self.threshold.extend(&other.threshold);
        self.children.extend(
            other.column.iter().zip(&other.children).map(|(column, children)| if *column == LEAF { [0; 3] } else { children.map(|child| child + first) }),
        );
        self.value.extend(&other.value);
    }

    /// Checks arrays read from a file against the number of encoded columns.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, columns: usize) -> Result<(), String> {
        let nodes = self.column.len();
        if [self.threshold.len(), self.children.len(), self.value.len()].iter().any(|length| *length != nodes) {
            return Err("the arrays of the trees differ in length".to_string());
        }
        if let Some(root) = self.roots.iter().find(|root| **root as usize >= nodes) {
            return Err(format!("a tree begins at node {root} of {nodes}"));
        }
        for node in 0..nodes {
            if !self.value[node].is_finite() {
                return Err(format!("node {node} has the value {}", self.value[node]));
            }
            if self.column[node] == LEAF {
                continue;
            }
            if self.column[node] as usize >= columns {
                return Err(format!("node {node} asks column {} of {columns}", self.column[node]));
            }
            if self.threshold[node].is_nan() {
                return Err(format!("node {node} has no threshold"));
            }
            if let Some(child) = self.children[node].iter().find(|child| **child as usize >= nodes || **child as usize <= node) {
                return Err(format!("node {node} has the child {child}, expected a later one of {nodes}"));
            }
        }
        Ok(())
    }
}

/// A tree by levels.
struct Levels<'t> {
    /// Column and threshold of each.
    questions: Vec<(usize, f64)>,
    /// Of the leaves: the answer of each level is a bit of a leaf's number.
    values: &'t [f64],
}

/// Adds a tree by levels to the sums of rows from `first` on, many rows at a time.
struct Leveled<'b> {
    levels: &'b Levels<'b>,
    matrix: &'b EncodedMatrix,
    first: usize,
    sums: &'b mut [f64],
}

impl WithSimd for Leveled<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mut leaves = [0u8; BLOCK];
        let leaves = &mut leaves[..self.sums.len()];
        for (level, (column, threshold)) in self.levels.questions.iter().enumerate() {
            let values = &self.matrix.column(*column)[self.first..];
            // A missing value is not at or above anything: it goes left.
            leaves.iter_mut().zip(values).for_each(|(leaf, value)| *leaf |= u8::from(*value >= *threshold) << level);
        }
        self.sums.iter_mut().zip(leaves).for_each(|(sum, leaf)| *sum += self.levels.values[usize::from(*leaf)]);
    }
}

/// A node as a learner hands it over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlatNode {
    /// The encoded column it asks, or [`LEAF`].
    pub column: u32,
    /// Values below go left.
    pub threshold: f64,
    /// Left, right, missing: positions within the tree, later than the node.
    pub children: [u32; 3],
    /// Leaf value; ignored for inner nodes.
    pub value: f64,
    /// Weight of the rows it was fitted on.
    pub cover: f64,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn leaf(value: f64, cover: f64) -> FlatNode {
        FlatNode { column: LEAF, threshold: 0.0, children: [0; 3], value, cover }
    }

    /// Column 0 below 1: 2.0 (3 rows); else column 1 below 5: -1 (1 row), else 4 (2 rows). Missing goes right.
    fn example() -> FlatTrees {
        let mut trees = FlatTrees::default();
        trees.push(&[
            FlatNode { column: 0, threshold: 1.0, children: [1, 2, 2], value: 0.0, cover: 6.0 },
            leaf(2.0, 3.0),
            FlatNode { column: 1, threshold: 5.0, children: [3, 4, 3], value: 0.0, cover: 3.0 },
            leaf(-1.0, 1.0),
            leaf(4.0, 2.0),
        ]);
        trees
    }

    fn matrix(rows: &[[f64; 2]]) -> EncodedMatrix {
        EncodedMatrix { rows: rows.len(), columns: 2, data: (0..2).flat_map(|c| rows.iter().map(move |row| row[c])).collect() }
    }

    #[test]
    fn a_row_gets_the_value_of_its_leaf_and_missing_values_have_a_way() {
        let sums = example().sums(&matrix(&[[0.0, 9.0], [1.0, 4.0], [f64::NAN, 5.0], [2.0, f64::NAN]]), 10.0, 1.0);
        assert_eq!(sums, vec![12.0, 9.0, 14.0, 9.0]);
    }

    #[test]
    fn contributions_sum_to_the_score() {
        let mut trees = example();
        trees.append(&example());
        for row in [[0.0, 9.0], [1.0, 4.0], [f64::NAN, 5.0]] {
            let mut by_column = vec![0.0; 2];
            let base = trees.contribute(&row, 0.5, &mut by_column);
            let total = base + by_column.iter().sum::<f64>();
            assert!((total - trees.sums(&matrix(&[row]), 0.0, 0.5)[0]).abs() < 1e-12);
            // Means by cover: the right node is (-1 + 2 * 4) / 3, the root (3 * 2 + 3 * 7/3) / 6; two trees, half each.
            assert!((base - (6.0 + 7.0) / 6.0).abs() < 1e-12);
        }
    }

    #[test]
    fn checkpoints_are_the_scores_of_the_first_trees() {
        let mut trees = example();
        trees.append(&example());
        let rows = matrix(&[[0.0, 9.0], [1.0, 4.0]]);
        assert_eq!(trees.checkpoints(&rows, 1.0, &[0, 1, 2]), vec![vec![1.0, 1.0], vec![3.0, 0.0], vec![5.0, -1.0]]);
    }

    #[test]
    fn a_tree_is_scored_by_levels_where_all_nodes_of_each_ask_the_same() {
        let question = |column, threshold, left| FlatNode { column, threshold, children: [left, left + 1, left], value: 0.0, cover: 4.0 };
        let across = |column, threshold, left| FlatNode { children: [left, left + 2, left], ..question(column, threshold, left) };
        let leaves = || (0..4).map(|value| leaf(f64::from(value), 1.0));
        let nodes = |second: f64| -> Vec<FlatNode> { [question(0, 0.5, 1), across(1, 3.0, 3), across(1, second, 4)].into_iter().chain(leaves()).collect() };
        let mut trees = FlatTrees::default();
        trees.push(&nodes(3.0));
        trees.push(&nodes(4.0));
        trees.append(&example());
        assert_eq!(trees.levels(0).unwrap().questions, [(0, 0.5), (1, 3.0)]);
        assert!(trees.levels(1).is_none() && trees.levels(2).is_none());
        let cells: Vec<[f64; 2]> = (0..300).map(|row| [[0.0, 0.5, 1.0, f64::NAN][row % 4], [2.0, 3.0, f64::NAN, 3.5, 4.0][row % 5]]).collect();
        let sums = trees.sums(&matrix(&cells), 1.0, 1.0);
        let walked = |row: &[f64; 2]| trees.roots.iter().fold(1.0, |sum, root| sum + trees.value[trees.leaf(*root, row)]);
        assert_eq!(sums, cells.iter().map(walked).collect::<Vec<f64>>());
    }

    #[test]
    fn every_wrong_array_is_refused() {
        assert_eq!(example().validate(2), Ok(()));
        assert!(example().validate(1).unwrap_err().contains("asks column 1"));
        let broken = |change: &dyn Fn(&mut FlatTrees)| {
            let mut trees = example();
            change(&mut trees);
            trees.validate(2).is_err()
        };
        assert!(broken(&|trees| trees.children[2] = [2, 4, 4]));
        assert!(broken(&|trees| trees.children[0][2] = 99));
        assert!(broken(&|trees| trees.value[1] = f64::NAN));
        assert!(broken(&|trees| trees.roots[0] = 5));
        assert!(broken(&|trees| trees.threshold[0] = f64::NAN));
        assert!(broken(&|trees| {
            trees.value.pop();
        }));
    }
}
