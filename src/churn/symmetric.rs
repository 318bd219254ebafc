//! Boosted symmetric trees: every node of a level asks the same question (Kohavi 1994; Prokhorenkova et al. 2018).
//!
//! A tree of depth four has four questions instead of fifteen. That is a strong restraint: on tables of some thousand customers
//! it generalises better than trees grown leaf by leaf, and together the two are better than either.
//! In: binned columns (see [`Binned`]) and labels. Out: [`FlatTrees`]. A level adds up gradients per
//! leaf and bin, for a seeded sample of the columns, and takes the cut with the greatest gain, [shaken](Shake). Missing values have a bin
//! of their own at the low end, so a cut may set them apart.

use super::binned::{BINS, Binned};
use super::flat::{FlatNode, FlatTrees, LEAF};
use super::packs::Pack;
use super::random::{draw, drawn, mix};
use super::shake::Shake;
use super::sigmoid::{derivatives, sigmoids};

/// Leaves of a level that is cut once more, at most.
const LEAVES: usize = 64;
/// Columns whose sums are taken in one pass.
const GROUP: usize = 4;
/// Sums per bin and leaf. The size is fixed so that a masked index needs no check: this is the innermost loop of the program.
type Histogram = [[f64; 2]; BINS * LEAVES];

/// How much a symmetric ensemble may learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SymmetricSettings {
    /// Step size.
    pub rate: f64,
    /// Questions per tree.
    pub depth: usize,
    /// Ridge penalty on leaf values.
    pub ridge: f64,
    /// Share of the columns each level may ask.
    pub columns: f64,
    /// Share of the rows each tree sees.
    pub rows: f64,
    /// Trees at most.
    pub rounds: usize,
}

/// A boosted ensemble while it grows: held-out rows are followed, so that the caller can stop it.
#[derive(Debug)]
pub struct Symmetric<'a> {
    binned: &'a Binned,
    labels: &'a [bool],
    settings: SymmetricSettings,
    seed: u64,
    scores: Vec<f64>,
    /// Trees so far.
    pub trees: FlatTrees,
    round: usize,
    /// Probability of each row before the tree in work.
    chances: Vec<f64>,
    /// Gradient and second derivative of each row in the tree in work; zero for rows it does not see.
    gradients: Vec<[f32; 2]>,
    /// Leaf of each row so far.
    leaves: Vec<u8>,
    histograms: Box<[Histogram; GROUP]>,
    /// Sums of one column out of a pack.
    unpacked: Box<Histogram>,
}

/// What is summed in one go.
#[derive(Clone, Copy)]
enum Summed<'b> {
    Column(usize),
    /// The columns of a pack that are asked.
    Pack(&'b Pack, &'b [usize]),
}

impl<'a> Symmetric<'a> {
    /// An ensemble without trees, starting from log-odds `base`; depth seven at most.
    pub fn new(binned: &'a Binned, labels: &'a [bool], base: f64, settings: SymmetricSettings, seed: u64) -> Self {
        let settings = SymmetricSettings { depth: settings.depth.min(7), ..settings };
        let rows = labels.len();
        Symmetric {
            binned,
            labels,
            settings,
            seed,
            scores: vec![base; rows],
            trees: FlatTrees::default(),
            round: 0,
            chances: Vec::new(),
            gradients: vec![[0.0; 2]; rows],
            leaves: vec![0; rows],
            histograms: Box::new([[[0.0; 2]; BINS * LEAVES]; GROUP]),
            unpacked: Box::new([[0.0; 2]; BINS * LEAVES]),
        }
    }

    /// Adds a tree. Returns its questions (column, bin) and leaf values, for following held-out rows by their bins.
    pub fn grow(&mut self) -> (Vec<(usize, u8)>, Vec<f64>) {
        let round_seed = mix(self.seed, self.round as u64);
        let shake = Shake::after(self.labels.len(), self.settings.rate, self.round, round_seed);
        self.round += 1;
        self.draw(round_seed);
        let columns = self.binned.cuts.len();
        let wanted = ((columns as f64 * self.settings.columns).ceil() as usize).clamp(columns.min(2), columns);
        let mut questions: Vec<(usize, u8)> = Vec::new();
        for level in 0..self.settings.depth {
            let level_seed = mix(round_seed, 1 << 40 | level as u64);
            let asked = draw(columns, wanted, level_seed);
            let Some((column, bin)) = self.best_question(&asked, level, &questions, shake.of(level)) else { break };
            questions.push((column, bin));
            for (leaf, value) in self.leaves.iter_mut().zip(self.binned.column(column)) {
                *leaf |= u8::from(*value >= bin) << level;
            }
        }
        let mut sums = vec![[0.0f64; 2]; 1 << questions.len()];
        for (leaf, [gradient, curvature]) in self.leaves.iter().zip(&self.gradients) {
            sums[*leaf as usize][0] += f64::from(*gradient);
            sums[*leaf as usize][1] += f64::from(*curvature);
        }
        let values: Vec<f64> = sums.iter().map(|[g, h]| self.settings.rate * g / (h + self.settings.ridge)).collect();
        for (score, leaf) in self.scores.iter_mut().zip(&self.leaves) {
            *score += values[usize::from(*leaf)];
        }
        let covers: Vec<f64> = sums.iter().map(|cell| cell[1]).collect();
        self.trees.push(&nodes(&questions, &values, &covers, self.binned));
        (questions, values)
    }

    /// Draws the rows of the next tree and takes their gradients.
    fn draw(&mut self, round_seed: u64) {
        self.chances.clone_from(&self.scores);
        sigmoids(&mut self.chances);
        let rows = self.labels.iter().zip(&self.chances).zip(drawn(round_seed, self.settings.rows));
        for (cell, ((label, chance), is_drawn)) in self.gradients.iter_mut().zip(rows) {
            *cell = if is_drawn { derivatives(*label, *chance) } else { [0.0; 2] };
        }
        self.leaves.fill(0);
    }

    /// The column and bin of the greatest gain, shaken, over all cuts of the columns asked; a question put before is no gain.
    fn best_question(&mut self, asked: &[usize], level: usize, put: &[(usize, u8)], shake: Shake) -> Option<(usize, u8)> {
        let (histograms, leaves, gradients) = (&mut *self.histograms, &self.leaves[..], &self.gradients[..]);
        let mut best = (f64::NEG_INFINITY, None);
        let mut judge = |column: usize, cells: &[[f64; 2]]| {
            let (gain, bin) = best_cut(cells, level, self.settings.ridge, shake.of(column), best.0);
            if gain > best.0 && !put.contains(&(column, bin)) {
                best = (gain, Some((column, bin)));
            }
        };
        // A pack is worth its while where several of its columns are asked.
        let in_packs: Vec<(&Pack, Vec<usize>)> =
            self.binned.packs.iter().map(|pack| (pack, pack.among(asked))).filter(|(_, columns)| columns.len() > 1).collect();
        let mut is_packed = vec![false; self.binned.cuts.len()];
        in_packs.iter().flat_map(|(_, columns)| columns).for_each(|column| is_packed[*column] = true);
        let packed = in_packs.iter().map(|(pack, columns)| Summed::Pack(pack, columns));
        let alone = asked.iter().filter(|column| !is_packed[**column]).map(|column| Summed::Column(*column));
        let summed: Vec<Summed<'_>> = packed.chain(alone).collect();
        for group in summed.chunks(GROUP) {
            let columns: Vec<Coded<'_>> = group.iter().map(|summed| summed.coded(self.binned)).collect();
            match columns[..] {
                [a, b, c, d] => accumulate(histograms, leaves, gradients, [a, b, c, d], level),
                // The fourth goes nowhere: its sums are not looked at.
                [a, b, c] => accumulate(histograms, leaves, gradients, [a, b, c, c], level),
                _ => accumulate_few(histograms, leaves, gradients, &columns, level),
            }
            for ((summed, coded), sums) in group.iter().zip(&columns).zip(histograms.iter()) {
                match summed {
                    Summed::Column(column) => judge(*column, &sums[..coded.width << level]),
                    Summed::Pack(pack, columns) => columns.iter().for_each(|column| {
                        let cells = &mut self.unpacked[..self.binned.width(*column) << level];
                        pack.unpack(*column, sums, level, cells);
                        judge(*column, cells);
                    }),
                }
            }
        }
        best.1
    }
}

impl<'b> Summed<'b> {
    fn coded(self, binned: &'b Binned) -> Coded<'b> {
        match self {
            Summed::Column(column) => Coded { bins: binned.column(column), width: binned.width(column) },
            Summed::Pack(pack, _) => Coded { bins: &pack.codes, width: pack.width },
        }
    }
}

/// The bin of each row in a column, or its code in a pack.
#[derive(Clone, Copy)]
struct Coded<'b> {
    bins: &'b [u8],
    /// How many there may be.
    width: usize,
}

/// Sums of several columns in one pass: a column of few bins writes to the same cell again and again, and the processor
/// would wait for each of these sums if there were no other column to go on with.
fn accumulate(histograms: &mut [Histogram; GROUP], leaves: &[u8], gradients: &[[f32; 2]], columns: [Coded<'_>; GROUP], level: usize) {
    for (histogram, column) in histograms.iter_mut().zip(columns) {
        histogram[..column.width << level].fill([0.0; 2]);
    }
    let columns = columns.map(|column| column.bins);
    // A shift that is known when the program is built is the greater part of the time faster.
    match level {
        0 => add_all::<0>(histograms, leaves, gradients, columns),
        1 => add_all::<1>(histograms, leaves, gradients, columns),
        2 => add_all::<2>(histograms, leaves, gradients, columns),
        3 => add_all::<3>(histograms, leaves, gradients, columns),
        4 => add_all::<4>(histograms, leaves, gradients, columns),
        5 => add_all::<5>(histograms, leaves, gradients, columns),
        _ => add_all::<6>(histograms, leaves, gradients, columns),
    }
}

/// Sums of one or two columns that are left over: parts of the rows stand in for the other columns of a pass.
fn accumulate_few(histograms: &mut [Histogram; GROUP], leaves: &[u8], gradients: &[[f32; 2]], columns: &[Coded<'_>], level: usize) {
    let parts = GROUP / columns.len();
    let length = leaves.len() / parts;
    let lane = |lane: usize| {
        let (column, part) = (columns[lane % columns.len()], lane / columns.len());
        // The last part has what the division leaves over.
        let rows = part * length..if part + 1 == parts { leaves.len() } else { (part + 1) * length };
        Lane { leaves: &leaves[rows.clone()], gradients: &gradients[rows.clone()], bins: &column.bins[rows] }
    };
    let lanes = [lane(0), lane(1), lane(2), lane(3)];
    let cells = columns.iter().map(|column| column.width << level).max().unwrap_or(0);
    histograms.iter_mut().for_each(|histogram| histogram[..cells].fill([0.0; 2]));
    match level {
        0 => add_lanes::<0>(histograms, lanes),
        1 => add_lanes::<1>(histograms, lanes),
        2 => add_lanes::<2>(histograms, lanes),
        3 => add_lanes::<3>(histograms, lanes),
        4 => add_lanes::<4>(histograms, lanes),
        5 => add_lanes::<5>(histograms, lanes),
        _ => add_lanes::<6>(histograms, lanes),
    }
    let (sums, parts) = histograms.split_at_mut(columns.len());
    for (lane, part) in parts.iter().enumerate() {
        for (sum, cell) in sums[lane % columns.len()][..cells].iter_mut().zip(&part[..cells]) {
            sum[0] += cell[0];
            sum[1] += cell[1];
        }
    }
}

/// The cut of one column with the greatest gain over all leaves, shaken: sum of `G^2 / (H + ridge)` of both sides less the parents'; where none
/// is greater `than` the best so far, that one again. Rows in bins from the cut on go to the right.
fn best_cut(cells: &[[f64; 2]], level: usize, ridge: f64, shake: Shake, than: f64) -> (f64, u8) {
    let (width, leaves) = (cells.len() >> level, 1 << level);
    let mut totals = [[0.0f64; 2]; LEAVES];
    for of_bin in cells.chunks_exact(leaves) {
        for (total, cell) in totals.iter_mut().zip(of_bin) {
            total[0] += cell[0];
            total[1] += cell[1];
        }
    }
    let totals = &totals[..leaves];
    let parents: f64 = totals.iter().map(|[g, h]| g * g / (h + ridge)).sum();
    let mut lefts = [[0.0f64; 2]; LEAVES];
    let mut best = (than, 1);
    let mut reach = shake.reach(than, parents);
    for (bin, of_bin) in (1..width as u8).zip(cells.chunks_exact(leaves)) {
        // All leaves side by side: nothing waits for the sum of another, so that several are done at a time.
        let mut gains = [0.0f64; LEAVES];
        for (((gain, left), cell), [total_g, total_h]) in gains.iter_mut().zip(&mut lefts).zip(of_bin).zip(totals) {
            left[0] += cell[0];
            left[1] += cell[1];
            let [g, h] = *left;
            let (other_g, other_h, h) = (total_g - g, (total_h - h).max(0.0) + ridge, h + ridge);
            // Both quotients over one denominator: division is what takes time here.
            *gain = (g * g * other_h + other_g * other_g * h) / (h * other_h);
        }
        let gain = sum(&gains[..leaves]) - parents;
        if gain > reach {
            let gain = shake.shaken(gain, parents, bin);
            if gain > best.0 {
                best = (gain, bin);
                reach = shake.reach(gain, parents);
            }
        }
    }
    best
}

/// The sum of some numbers, four at a time.
fn sum(values: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        for (sum, value) in sums.iter_mut().zip(four) {
            *sum += value;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest.iter().sum::<f64>()
}

/// Adds all rows to the sums of four columns.
#[inline(never)]
fn add_all<const LEVEL: usize>(histograms: &mut [Histogram; GROUP], leaves: &[u8], gradients: &[[f32; 2]], [a, b, c, d]: [&[u8]; GROUP]) {
    let [ha, hb, hc, hd] = histograms;
    let rows = leaves.iter().zip(gradients).zip(a.iter().zip(b).zip(c.iter().zip(d)));
    for ((leaf, gradient), ((a, b), (c, d))) in rows {
        add(ha, *leaf, LEVEL, *a, gradient);
        add(hb, *leaf, LEVEL, *b, gradient);
        add(hc, *leaf, LEVEL, *c, gradient);
        add(hd, *leaf, LEVEL, *d, gradient);
    }
}

/// Some rows of one column.
#[derive(Clone, Copy)]
struct Lane<'r> {
    leaves: &'r [u8],
    gradients: &'r [[f32; 2]],
    bins: &'r [u8],
}

impl<'r> Lane<'r> {
    /// Leaf, gradient and bin of the first so many rows.
    #[inline(always)]
    fn rows(self, length: usize) -> impl Iterator<Item = ((&'r u8, &'r [f32; 2]), &'r u8)> {
        self.leaves[..length].iter().zip(&self.gradients[..length]).zip(&self.bins[..length])
    }
}

/// Adds the rows of each lane to the sums of its own; the last may be some rows longer than the others, which are of one length.
#[inline(never)]
fn add_lanes<const LEVEL: usize>(histograms: &mut [Histogram; GROUP], lanes: [Lane<'_>; GROUP]) {
    let [ha, hb, hc, hd] = histograms;
    let length = lanes.iter().map(|lane| lane.bins.len()).min().unwrap_or(0);
    let [a, b, c, d] = lanes;
    for (((a, b), c), d) in a.rows(length).zip(b.rows(length)).zip(c.rows(length)).zip(d.rows(length)) {
        add(ha, *a.0.0, LEVEL, *a.1, a.0.1);
        add(hb, *b.0.0, LEVEL, *b.1, b.0.1);
        add(hc, *c.0.0, LEVEL, *c.1, c.0.1);
        add(hd, *d.0.0, LEVEL, *d.1, d.0.1);
    }
    for (histogram, lane) in [ha, hb, hc, hd].into_iter().zip(lanes) {
        for row in length..lane.bins.len() {
            add(histogram, lane.leaves[row], LEVEL, lane.bins[row], &lane.gradients[row]);
        }
    }
}

/// Adds a row to its cell; the mask proves to the compiler that the cell exists.
#[inline(always)]
fn add(histogram: &mut Histogram, leaf: u8, level: usize, bin: u8, [gradient, curvature]: &[f32; 2]) {
    let cell = &mut histogram[(usize::from(bin).wrapping_shl(level as u32) | usize::from(leaf)) & (BINS * LEAVES - 1)];
    cell[0] += f64::from(*gradient);
    cell[1] += f64::from(*curvature);
}

/// The flat nodes of a symmetric tree: question `level` sets bit `level` of the leaf.
fn nodes(questions: &[(usize, u8)], values: &[f64], covers: &[f64], binned: &Binned) -> Vec<FlatNode> {
    let depth = questions.len();
    let mut nodes = Vec::with_capacity(2 << depth);
    for (level, (column, bin)) in questions.iter().copied().enumerate() {
        for place in 0..1usize << level {
            // Node `place` of a level stands for the answers in its bits; its children are `place` and `place + 2^level` of the next.
            let next = (2usize << level) - 1;
            let (left, right) = ((next + place) as u32, (next + place + (1 << level)) as u32);
            let cover = (0..covers.len()).filter(|leaf| leaf & ((1 << level) - 1) == place).map(|leaf| covers[leaf]).sum();
            nodes.push(FlatNode { column: column as u32, threshold: binned.threshold(column, bin), children: [left, right, left], value: 0.0, cover });
        }
    }
    for (value, cover) in values.iter().zip(covers) {
        nodes.push(FlatNode { column: LEAF, threshold: 0.0, children: [0; 3], value: *value, cover: *cover });
    }
    nodes
}

/// Adds the leaf values of a tree to rows given by their bins.
pub fn follow(scores: &mut [f64], bins: &[u8], questions: &[(usize, u8)], values: &[f64]) {
    let rows = scores.len();
    let mut leaves = vec![0u8; rows];
    for (level, (column, bin)) in questions.iter().enumerate() {
        for (leaf, value) in leaves.iter_mut().zip(&bins[column * rows..(column + 1) * rows]) {
            *leaf |= u8::from(value >= bin) << level;
        }
    }
    for (score, leaf) in scores.iter_mut().zip(leaves) {
        *score += values[usize::from(leaf)];
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::encode::EncodedMatrix;
    use super::*;

    fn settings() -> SymmetricSettings {
        SymmetricSettings { rate: 0.1, depth: 3, ridge: 3.0, columns: 1.0, rows: 0.8, rounds: 60 }
    }

    fn table(rows: usize, columns: usize) -> EncodedMatrix {
        let data: Vec<f64> = (0..rows * columns).map(|cell| (mix(11, cell as u64) % 1000) as f64 / 1000.0).collect();
        EncodedMatrix { rows, columns, data }
    }

    #[test]
    fn an_interaction_is_learnt_and_the_flat_trees_say_the_same_as_the_bins() {
        let mut matrix = table(1500, 3);
        for row in 0..100 {
            matrix.data[row * 11] = f64::NAN;
        }
        let labels: Vec<bool> = (0..1500).map(|row| (matrix.data[row] > 0.4) != (matrix.data[1500 + row] > 0.5)).collect();
        let binned = Binned::new(&matrix);
        let mut ensemble = Symmetric::new(&binned, &labels, 0.0, settings(), 5);
        let mut followed = vec![0.0; 1500];
        for _ in 0..60 {
            let (questions, values) = ensemble.grow();
            follow(&mut followed, &binned.bins, &questions, &values);
        }
        let sums = ensemble.trees.sums(&matrix, 0.0, 1.0);
        assert_eq!(sums, followed);
        let walked: Vec<f64> =
            (0..1500).map(|row| ensemble.trees.roots.iter().map(|root| ensemble.trees.value[ensemble.trees.leaf(*root, &matrix.row(row))]).sum()).collect();
        assert_eq!(sums, walked);
        assert_eq!(sums, ensemble.scores);
        assert_eq!(ensemble.trees.validate(3), Ok(()));
        assert!(crate::evaluate::classify::auc(&sums, &labels) > 0.95);
    }

    #[test]
    fn missing_alone_can_be_the_question() {
        let matrix = EncodedMatrix { rows: 400, columns: 1, data: (0..400).map(|row| if row % 4 == 0 { f64::NAN } else { f64::from(row % 7) }).collect() };
        let labels: Vec<bool> = (0..400).map(|row| row % 4 == 0).collect();
        let binned = Binned::new(&matrix);
        let mut ensemble = Symmetric::new(&binned, &labels, 0.0, settings(), 5);
        for _ in 0..20 {
            ensemble.grow();
        }
        let sums = ensemble.trees.sums(&matrix, 0.0, 1.0);
        assert!(crate::evaluate::classify::auc(&sums, &labels) > 0.999);
    }
}
