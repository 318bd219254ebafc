//! Gradient-boosted trees, grown leaf by leaf (Friedman 2001; the leaf of most gain first and a sibling's sums by subtraction:
//! Ke et al. 2017; bounds of monotone columns: Chen and Guestrin 2016).
//!
//! In: binned columns (see [`Binned`]) and labels. Out: [`FlatTrees`]. A tree sees a seeded sample of the rows and of the columns.
//! Gains are [shaken](Shake). Missing values have a bin of their own and go to the side where they gain more. The sums of a column are taken by one thread in
//! the order of the rows, and several columns side by side where there are many rows, so that the number of threads cannot matter.

use super::binned::{BINS, Binned};
use super::flat::{FlatNode, FlatTrees, LEAF};
use super::random::{draw, drawn, mix};
use super::shake::Shake;
use super::sigmoid::{derivatives, sigmoids};
use rayon::prelude::*;
use std::ops::Range;

/// Questions on the way to a leaf, at most.
const DEPTH: usize = 12;
/// Columns whose sums are taken in one pass, for the reason that [`super::symmetric`] gives.
const GROUP: usize = 4;
/// Rows from which threads share the columns of one leaf: below, handing out the work costs more than it saves.
const SHARED: usize = 1 << 14;
/// Second derivatives of less than this in the bin of missing values are what subtraction leaves of nothing.
const NOTHING: f64 = 1e-7;

/// How much a boosted ensemble may learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoostSettings {
    /// Step size.
    pub rate: f64,
    /// Leaves per tree.
    pub leaves: usize,
    /// Least sum of second derivatives in a leaf: about four times as many rows.
    pub leaf_weight: f64,
    /// Ridge penalty on leaf values.
    pub ridge: f64,
    /// Share of the columns each tree may use.
    pub columns: f64,
    /// Share of the rows each tree sees.
    pub rows: f64,
    /// Trees at most.
    pub rounds: usize,
}

/// Sums of gradients and of second derivatives, bin by bin.
type Histogram = [[f64; 2]; BINS];

/// A row in the tree in work, with its derivatives.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    row: u32,
    gradient: f32,
    curvature: f32,
}

/// Where a leaf may be cut: rows in bins from `bin` on go right.
#[derive(Debug, Clone, Copy)]
struct Cut {
    gain: f64,
    column: usize,
    bin: u8,
    missing_left: bool,
    /// Gradients and second derivatives of the left side.
    left: [f64; 2],
}

/// A leaf that may still be cut.
#[derive(Debug)]
struct Open {
    node: usize,
    depth: usize,
    drawn: Range<usize>,
    rest: Range<usize>,
    sums: [f64; 2],
    /// What its value may be, where columns are monotone.
    bounds: [f64; 2],
    /// One for each column asked; empty where the leaf cannot be cut anyway.
    histograms: Vec<Histogram>,
    cut: Option<Cut>,
}

/// A node of a tree of bins; a leaf has [`LEAF`] for its column.
#[derive(Debug, Clone, Copy)]
pub struct BinNode {
    column: u32,
    bin: u8,
    missing_left: bool,
    left: u32,
    right: u32,
    value: f64,
}

/// A boosted ensemble while it grows: held-out rows are followed, so that the caller can stop it.
#[derive(Debug)]
pub struct Boosted<'a> {
    binned: &'a Binned,
    labels: &'a [bool],
    settings: BoostSettings,
    /// For each column whether the score may only rise (`1`) or only fall (`-1`).
    direction: Vec<i8>,
    seed: u64,
    scores: Vec<f64>,
    /// Trees so far.
    pub trees: FlatTrees,
    round: usize,
    /// How the cuts of the tree in work are shaken.
    shake: Shake,
    /// The rows that the tree sees, and those it does not, leaf by leaf.
    drawn: Vec<Entry>,
    rest: Vec<Entry>,
    moved: Vec<Entry>,
    /// Sums of leaves that are done, to be written over.
    spare: Vec<Vec<Histogram>>,
}

impl<'a> Boosted<'a> {
    /// An ensemble without trees, starting from log-odds `base`. Along the columns of `monotone` the sum of the trees only rises
    /// (`true`) or only falls.
    pub fn new(binned: &'a Binned, labels: &'a [bool], base: f64, settings: BoostSettings, monotone: &[(usize, bool)], seed: u64) -> Self {
        let mut direction = vec![0; binned.cuts.len()];
        for (column, rising) in monotone {
            direction[*column] = if *rising { 1 } else { -1 };
        }
        Boosted {
            binned,
            labels,
            settings,
            direction,
            seed,
            scores: vec![base; labels.len()],
            trees: FlatTrees::default(),
            round: 0,
            shake: Shake::after(labels.len(), settings.rate, 0, seed),
            drawn: Vec::with_capacity(labels.len()),
            rest: Vec::new(),
            moved: vec![Entry::default(); labels.len()],
            spare: Vec::new(),
        }
    }

    /// Adds a tree. Returns it in bins, for following held-out rows.
    pub fn grow(&mut self) -> Vec<BinNode> {
        let round_seed = mix(self.seed, self.round as u64);
        self.shake = Shake::after(self.labels.len(), self.settings.rate, self.round, round_seed);
        self.round += 1;
        self.draw(round_seed);
        let asked = self.asked(mix(round_seed, 1 << 40));
        let sums = self.drawn.iter().fold([0.0, 0.0], |sum: [f64; 2], entry| [sum[0] + f64::from(entry.gradient), sum[1] + f64::from(entry.curvature)]);
        let mut root = Open {
            node: 0,
            depth: 0,
            drawn: 0..self.drawn.len(),
            rest: 0..self.rest.len(),
            sums,
            bounds: [f64::NEG_INFINITY, f64::INFINITY],
            histograms: Vec::new(),
            cut: None,
        };
        if self.may_split(&root) {
            let spare = self.spare.pop().unwrap_or_default();
            root.histograms = self.accumulate(&asked, &self.drawn[root.drawn.clone()], spare);
            root.cut = self.best_cut(&asked, &root);
        }
        let mut nodes = vec![BinNode { column: LEAF, bin: 0, missing_left: true, left: 0, right: 0, value: 0.0 }];
        let mut covers = vec![sums[1]];
        let mut open = vec![root];
        while open.len() < self.settings.leaves {
            let gain = |place: &usize| open[*place].cut.map_or(f64::NEG_INFINITY, |cut| cut.gain);
            // The first of equals: `max_by` keeps the last.
            let Some(place) = (0..open.len()).max_by(|a, b| gain(a).total_cmp(&gain(b)).then(b.cmp(a))) else { break };
            let Some(cut) = open[place].cut else { break };
            let last = open.len() + 1 == self.settings.leaves;
            let children = self.split(&asked, &mut open[place], &cut, nodes.len(), last);
            nodes[open[place].node] = BinNode {
                column: cut.column as u32,
                bin: cut.bin,
                missing_left: cut.missing_left,
                left: nodes.len() as u32,
                right: nodes.len() as u32 + 1,
                value: 0.0,
            };
            for child in &children {
                nodes.push(BinNode { column: LEAF, ..nodes[0] });
                covers.push(child.sums[1]);
            }
            let [left, right] = children;
            open[place] = left;
            open.push(right);
        }
        for leaf in open {
            let value = self.settings.rate * self.weight(leaf.sums, leaf.bounds);
            nodes[leaf.node].value = value;
            for entry in self.drawn[leaf.drawn].iter().chain(&self.rest[leaf.rest]) {
                self.scores[entry.row as usize] += value;
            }
            if !leaf.histograms.is_empty() {
                self.spare.push(leaf.histograms);
            }
        }
        self.trees.push(&self.flat(&nodes, &covers));
        nodes
    }

    /// Draws the rows of the next tree and takes their gradients.
    fn draw(&mut self, round_seed: u64) {
        self.drawn.clear();
        self.rest.clear();
        for (row, is_drawn) in (0..self.labels.len()).zip(drawn(round_seed, self.settings.rows)) {
            let entry = Entry { row: row as u32, ..Entry::default() };
            if is_drawn {
                self.drawn.push(entry);
            } else {
                self.rest.push(entry);
            }
        }
        let (scores, labels) = (&self.scores, self.labels);
        let derive = |entries: &mut [Entry]| {
            let mut chances: Vec<f64> = entries.iter().map(|entry| scores[entry.row as usize]).collect();
            sigmoids(&mut chances);
            for (entry, chance) in entries.iter_mut().zip(chances) {
                [entry.gradient, entry.curvature] = derivatives(labels[entry.row as usize], chance);
            }
        };
        if self.drawn.len() < SHARED {
            derive(&mut self.drawn);
        } else {
            self.drawn.par_chunks_mut(SHARED / 4).for_each(derive);
        }
    }

    /// The columns that a tree may ask: two at least.
    fn asked(&self, seed: u64) -> Vec<usize> {
        let columns = self.binned.cuts.len();
        let wanted = ((columns as f64 * self.settings.columns) as usize).max(if columns <= 3 { columns } else { 2 }).min(columns);
        draw(columns, wanted, seed)
    }

    /// Whether both sides of a cut could be large enough.
    fn may_split(&self, leaf: &Open) -> bool {
        leaf.depth < DEPTH && leaf.sums[1] >= 2.0 * self.settings.leaf_weight && leaf.drawn.len() > 1
    }

    /// Sums of some rows, for each column asked, written over others; beyond the bins of a column they mean nothing.
    fn accumulate(&self, asked: &[usize], entries: &[Entry], mut histograms: Vec<Histogram>) -> Vec<Histogram> {
        histograms.resize(asked.len(), [[0.0; 2]; BINS]);
        let fill = |(histograms, columns): (&mut [Histogram], &[usize])| {
            for (histogram, column) in histograms.iter_mut().zip(columns) {
                histogram[..self.binned.width(*column)].fill([0.0; 2]);
            }
            if let (Ok(histograms), Ok(columns)) = (<&mut [Histogram; GROUP]>::try_from(&mut *histograms), <&[usize; GROUP]>::try_from(columns)) {
                add_group(histograms, columns.map(|column| self.binned.column(column)), entries);
            } else {
                for (histogram, column) in histograms.iter_mut().zip(columns) {
                    add_one(histogram, self.binned.column(*column), entries);
                }
            }
        };
        if entries.len() < SHARED {
            histograms.chunks_mut(GROUP).zip(asked.chunks(GROUP)).for_each(fill);
        } else {
            histograms.par_chunks_mut(GROUP).zip(asked.par_chunks(GROUP)).for_each(fill);
        }
        histograms
    }

    /// The best cut of a leaf whose sums are taken; of equals the first column and the lowest bin.
    fn best_cut(&self, asked: &[usize], leaf: &Open) -> Option<Cut> {
        let mut best: Option<Cut> = None;
        for (column, histogram) in asked.iter().zip(&leaf.histograms) {
            let least = best.map_or(f64::NEG_INFINITY, |best| best.gain);
            let cut = self.best_of(*column, &histogram[..self.binned.width(*column)], leaf, least);
            if cut.gain > least {
                best = Some(cut);
            }
        }
        best
    }

    /// The best cut of one column, shaken; where none is greater `than` the best so far, that gain again.
    fn best_of(&self, column: usize, histogram: &[[f64; 2]], leaf: &Open, than: f64) -> Cut {
        let BoostSettings { ridge, leaf_weight, .. } = self.settings;
        let [total_g, total_h] = leaf.sums;
        let bounded = self.direction[column] != 0 || leaf.bounds[0].is_finite() || leaf.bounds[1].is_finite();
        let parent = self.gain(leaf.sums, leaf.bounds);
        let shake = self.shake.of(leaf.node).of(column);
        let mut reach = shake.reach(than, parent);
        let mut best = Cut { gain: than, column, bin: 1, missing_left: true, left: [0.0; 2] };
        let missing = histogram[0];
        for missing_left in [true, false] {
            if !missing_left && missing[1] <= NOTHING {
                break;
            }
            let [mut g, mut h] = if missing_left { missing } else { [0.0; 2] };
            for bin in 1..histogram.len() {
                if bin > 1 {
                    g += histogram[bin - 1][0];
                    h += histogram[bin - 1][1];
                }
                if h < leaf_weight {
                    continue;
                }
                let (other_g, other_h) = (total_g - g, total_h - h);
                if other_h < leaf_weight {
                    break;
                }
                let gain = if bounded {
                    let (left, right) = (self.weight([g, h], leaf.bounds), self.weight([other_g, other_h], leaf.bounds));
                    if f64::from(self.direction[column]) * (right - left) < 0.0 {
                        continue;
                    }
                    self.gain([g, h], leaf.bounds) + self.gain([other_g, other_h], leaf.bounds) - parent
                } else {
                    let (a, b) = (h + ridge, other_h + ridge);
                    // Both quotients over one denominator: division is what takes time here.
                    (g * g * b + other_g * other_g * a) / (a * b) - parent
                };
                if gain <= reach {
                    continue;
                }
                let gain = shake.shaken(gain, parent, bin as u8);
                if gain > best.gain {
                    reach = shake.reach(gain, parent);
                    best = Cut { gain, column, bin: bin as u8, missing_left, left: [g, h] };
                }
            }
        }
        if missing[1] <= NOTHING {
            // Nobody here lacks a value: who does later goes with the larger side.
            best.missing_left = best.left[1] >= total_h - best.left[1];
        }
        best
    }

    /// The best value of a leaf within its bounds.
    fn weight(&self, [g, h]: [f64; 2], [low, high]: [f64; 2]) -> f64 {
        let weight = g / (h + self.settings.ridge);
        if weight.is_nan() { 0.0f64.clamp(low, high) } else { weight.clamp(low, high) }
    }

    /// What a leaf of that value brings, twice over: `G^2 / (H + ridge)` where no bound is in the way.
    fn gain(&self, sums: [f64; 2], bounds: [f64; 2]) -> f64 {
        let weight = self.weight(sums, bounds);
        2.0 * sums[0] * weight - (sums[1] + self.settings.ridge) * weight * weight
    }

    /// Cuts a leaf in two; with `last` no further cut will be asked for.
    fn split(&mut self, asked: &[usize], leaf: &mut Open, cut: &Cut, first: usize, last: bool) -> [Open; 2] {
        let bins = self.binned.column(cut.column);
        let goes_left = |entry: &Entry| {
            let bin = bins[entry.row as usize];
            if bin == 0 { cut.missing_left } else { bin < cut.bin }
        };
        let middle = leaf.drawn.start + partition(&mut self.drawn[leaf.drawn.clone()], &mut self.moved, goes_left);
        let rest_middle = leaf.rest.start + partition(&mut self.rest[leaf.rest.clone()], &mut self.moved, goes_left);
        let right = [leaf.sums[0] - cut.left[0], leaf.sums[1] - cut.left[1]];
        let bounds = self.child_bounds(leaf, cut, right);
        let child = |side: usize, drawn: Range<usize>, rest: Range<usize>, sums: [f64; 2]| Open {
            node: first + side,
            depth: leaf.depth + 1,
            drawn,
            rest,
            sums,
            bounds: bounds[side],
            histograms: Vec::new(),
            cut: None,
        };
        let mut children =
            [child(0, leaf.drawn.start..middle, leaf.rest.start..rest_middle, cut.left), child(1, middle..leaf.drawn.end, rest_middle..leaf.rest.end, right)];
        if !last && children.iter().any(|child| self.may_split(child)) {
            // The smaller side is summed; the larger is what is left of both.
            let small = usize::from(children[1].drawn.len() < children[0].drawn.len());
            let mut larger = std::mem::take(&mut leaf.histograms);
            let spare = self.spare.pop().unwrap_or_default();
            let smaller = self.accumulate(asked, &self.drawn[children[small].drawn.clone()], spare);
            for ((all, part), column) in larger.iter_mut().zip(&smaller).zip(asked) {
                for (all, part) in all[..self.binned.width(*column)].iter_mut().zip(part) {
                    all[0] -= part[0];
                    all[1] -= part[1];
                }
            }
            children[small].histograms = smaller;
            children[1 - small].histograms = larger;
            for child in &mut children {
                if self.may_split(child) {
                    child.cut = self.best_cut(asked, child);
                }
            }
        }
        children
    }

    /// Bounds of both sides: along a monotone column neither may pass the middle between them.
    fn child_bounds(&self, leaf: &Open, cut: &Cut, right: [f64; 2]) -> [[f64; 2]; 2] {
        let [low, high] = leaf.bounds;
        let middle = f64::midpoint(self.weight(cut.left, leaf.bounds), self.weight(right, leaf.bounds));
        match self.direction[cut.column] {
            0 => [leaf.bounds; 2],
            1 => [[low, middle], [middle, high]],
            _ => [[middle, high], [low, middle]],
        }
    }

    /// The nodes as they are kept: with values in place of bins.
    fn flat(&self, nodes: &[BinNode], covers: &[f64]) -> Vec<FlatNode> {
        let node = |(node, cover): (&BinNode, &f64)| {
            if node.column == LEAF {
                return FlatNode { column: LEAF, threshold: 0.0, children: [0; 3], value: node.value, cover: *cover };
            }
            let missing = if node.missing_left { node.left } else { node.right };
            let threshold = self.binned.threshold(node.column as usize, node.bin);
            FlatNode { column: node.column, threshold, children: [node.left, node.right, missing], value: 0.0, cover: *cover }
        };
        nodes.iter().zip(covers).map(node).collect()
    }
}

/// Adds rows to the sums of four columns.
fn add_group(histograms: &mut [Histogram; GROUP], columns: [&[u8]; GROUP], entries: &[Entry]) {
    let [a, b, c, d] = columns;
    let [ha, hb, hc, hd] = histograms;
    for entry in entries {
        let row = entry.row as usize;
        add(ha, a[row], entry);
        add(hb, b[row], entry);
        add(hc, c[row], entry);
        add(hd, d[row], entry);
    }
}

/// Adds rows to the sums of one column.
fn add_one(histogram: &mut Histogram, column: &[u8], entries: &[Entry]) {
    for entry in entries {
        add(histogram, column[entry.row as usize], entry);
    }
}

/// Adds a row to its cell; the mask proves to the compiler that the cell exists.
#[inline(always)]
fn add(histogram: &mut Histogram, bin: u8, entry: &Entry) {
    let cell = &mut histogram[usize::from(bin) & (BINS - 1)];
    cell[0] += f64::from(entry.gradient);
    cell[1] += f64::from(entry.curvature);
}

/// Moves the rows that go left to the front, both sides in order, and returns how many there are. `moved` holds as many rows.
fn partition(entries: &mut [Entry], moved: &mut [Entry], goes_left: impl Fn(&Entry) -> bool) -> usize {
    let (mut left, mut right) = (0, 0);
    for place in 0..entries.len() {
        let entry = entries[place];
        let is_left = goes_left(&entry);
        // Written to both and counted on one: no branch to mispredict.
        entries[left] = entry;
        moved[right] = entry;
        left += usize::from(is_left);
        right += usize::from(!is_left);
    }
    entries[left..].copy_from_slice(&moved[..right]);
    left
}

/// Adds the leaf values of a tree to rows given by their bins, column by column.
pub fn follow(scores: &mut [f64], bins: &[u8], tree: &[BinNode]) {
    let rows = scores.len();
    for (row, score) in scores.iter_mut().enumerate() {
        let mut node = &tree[0];
        while node.column != LEAF {
            let bin = bins[node.column as usize * rows + row];
            let left = if bin == 0 { node.missing_left } else { bin < node.bin };
            node = &tree[if left { node.left } else { node.right } as usize];
        }
        *score += node.value;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::encode::EncodedMatrix;
    use super::*;
    use crate::evaluate::classify::auc;

    fn settings() -> BoostSettings {
        BoostSettings { rate: 0.1, leaves: 7, leaf_weight: 1.0, ridge: 1.0, columns: 0.4, rows: 0.8, rounds: 40 }
    }

    /// Churn where exactly one of two values is high: no single column says anything.
    fn exclusive(rows: usize, columns: usize) -> (EncodedMatrix, Vec<bool>) {
        let data: Vec<f64> = (0..rows * columns).map(|cell| (mix(11, cell as u64) % 1000) as f64 / 1000.0).collect();
        let labels = (0..rows).map(|row| (data[row] > 0.5) != (data[rows + row] > 0.5)).collect();
        (EncodedMatrix { rows, columns, data }, labels)
    }

    /// The trees of so many rounds, and what rows score that are followed by their bins.
    fn grown(matrix: &EncodedMatrix, labels: &[bool], settings: BoostSettings, monotone: &[(usize, bool)], rounds: usize) -> (FlatTrees, Vec<f64>) {
        let binned = Binned::new(matrix);
        let mut ensemble = Boosted::new(&binned, labels, 0.25, settings, monotone, 3);
        let mut followed = vec![0.25; labels.len()];
        for _ in 0..rounds {
            let tree = ensemble.grow();
            follow(&mut followed, &binned.bins, &tree);
        }
        assert_eq!(followed, ensemble.scores);
        (ensemble.trees, followed)
    }

    #[test]
    fn the_flat_trees_give_the_same_sums_as_the_bins_to_the_last_bit() {
        let (mut matrix, labels) = exclusive(500, 4);
        for row in 0..50 {
            matrix.data[row * 7] = f64::NAN;
        }
        let (trees, followed) = grown(&matrix, &labels, settings(), &[], 40);
        assert_eq!(trees.sums(&matrix, 0.25, 1.0), followed);
        assert_eq!(trees.validate(4), Ok(()));
        assert!(auc(&followed, &labels) > 0.95);
    }

    #[test]
    fn many_rows_give_the_same_trees_on_one_thread_and_on_several() {
        let (matrix, labels) = exclusive(2 * SHARED, 6);
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let fit = |threads| pool(threads).install(|| grown(&matrix, &labels, settings(), &[], 3));
        assert_eq!(fit(1), fit(3));
    }

    #[test]
    fn the_first_tree_is_the_best_stump_by_hand() {
        // Eight rows at log-odds 0: gradient +-1/2, second derivative 1/4. Missing rows all left, as the low ones did.
        let nan = f64::NAN;
        let matrix = EncodedMatrix { rows: 8, columns: 1, data: vec![1.0, 2.0, nan, nan, 3.0, 4.0, 5.0, 6.0] };
        let labels = [true, true, true, true, false, false, false, true];
        let stump = BoostSettings { rate: 1.0, leaves: 2, leaf_weight: 0.5, ridge: 1.0, columns: 1.0, rows: 1.0, rounds: 1 };
        let binned = Binned::new(&matrix);
        let mut ensemble = Boosted::new(&binned, &labels, 0.0, stump, &[], 1);
        ensemble.grow();
        // Left: 4 x 1/2 / (4 x 1/4 + 1) = 1; right: (1/2 - 3/2) / (1 + 1) = -1/2; the cut lies between 2 and 3.
        assert_eq!(ensemble.scores, [1.0, 1.0, 1.0, 1.0, -0.5, -0.5, -0.5, -0.5]);
        assert_eq!((ensemble.trees.threshold[0], ensemble.trees.children[0]), (2.5, [1, 2, 1]));
    }

    #[test]
    fn along_a_monotone_column_the_score_never_turns() {
        // Truth rises, falls and rises again along the column; a second one matters too.
        let rows = 1_500;
        let data: Vec<f64> = (0..2 * rows).map(|cell| (mix(5, cell) % 1000) as f64 / 1000.0).collect();
        let labels: Vec<bool> = (0..rows as usize)
            .map(|row| (mix(6, row as u64) % 100) < if (data[row] * 3.0) as u64 == 1 { 20 } else { 50 } + (data[row + rows as usize] * 30.0) as u64)
            .collect();
        let matrix = EncodedMatrix { rows: rows as usize, columns: 2, data };
        let line = |other: f64| {
            let data = (0..202).map(|step| if step < 101 { f64::from(step) / 100.0 } else { other }).collect();
            EncodedMatrix { rows: 101, columns: 2, data }
        };
        for rising in [true, false] {
            let (trees, _) = grown(&matrix, &labels, settings(), &[(0, rising)], 40);
            for other in [0.1, 0.5, 0.9] {
                let sums = trees.sums(&line(other), 0.0, 1.0);
                assert!(sums.windows(2).all(|pair| if rising { pair[0] <= pair[1] } else { pair[0] >= pair[1] }), "{rising}: {sums:?}");
                assert!(sums[0].total_cmp(&sums[100]).is_ne());
            }
        }
        let free = grown(&matrix, &labels, settings(), &[], 40).0.sums(&line(0.5), 0.0, 1.0);
        assert!(free[10] > free[50] && free[50] < free[90]);
    }

    #[test]
    fn an_interaction_without_main_effects_is_found_with_two_columns() {
        // A share of 0.4 would leave no column at all.
        let (matrix, labels) = exclusive(800, 2);
        assert!(auc(&grown(&matrix, &labels, settings(), &[], 40).1, &labels) > 0.95);
    }

    #[test]
    fn missing_values_go_where_they_belong() {
        // Missing is like the high values for half of the rows, which only another column tells, and nothing else tells anything.
        let data: Vec<f64> = (0..800)
            .map(|cell| {
                if cell >= 400 {
                    f64::from(cell % 2)
                } else if cell % 4 < 2 {
                    f64::NAN
                } else {
                    f64::from(cell % 7)
                }
            })
            .collect();
        let matrix = EncodedMatrix { rows: 400, columns: 2, data };
        let labels: Vec<bool> = (0..400).map(|row| (row % 4 < 2) == (row % 2 == 0)).collect();
        assert!(auc(&grown(&matrix, &labels, settings(), &[], 40).1, &labels) > 0.999);
    }

    #[test]
    fn huge_values_leave_finite_scores() {
        let (mut matrix, labels) = exclusive(300, 2);
        matrix.data[0] = 1e300;
        matrix.data[1] = -f64::MAX;
        let (trees, followed) = grown(&matrix, &labels, settings(), &[], 40);
        assert_eq!(trees.validate(2), Ok(()));
        assert!(followed.iter().all(|sum| sum.is_finite()));
    }
}
