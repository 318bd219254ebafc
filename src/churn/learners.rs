//! What may be tried, with how much work, and how one learner is fitted: on part of the rows to be judged, or on all to be kept.

use super::baseline::RecencyRule;
use super::binned::Binned;
use super::boosted::{self, BoostSettings, Boosted};
use super::design::{Design, design};
use super::encode::{EncodedMatrix, Encoder, vocabulary_size};
use super::flat::FlatTrees;
use super::logistic::fit_path;
use super::model::{Model, Trees};
use super::random::mix;
use super::sigmoid::sigmoids;
use super::symmetric::{self, Symmetric, SymmetricSettings};
use super::tree::{self, TreeSettings};
use super::{ChurnTask, Examples};
use crate::config::Effort;
use crate::error::{Error, Result};
use crate::evaluate::classify::log_loss;
use crate::snapshot::FeatureMatrix;
use rayon::prelude::*;

/// Ridge strengths of the additive model, strongest first. The weakest are for columns that say nearly the same and differ in what counts.
const RIDGES: [f64; 7] = [100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1];
/// So many weaker penalties that did worse in a row end the path.
const WORSE_RIDGES: usize = 2;
/// Fewest rounds of a boosted ensemble; where the work allows no more, only its smallest shape is tried.
const LEAST_ROUNDS: f64 = 60.0;
/// Pull of the leaves of boosted trees towards no effect.
const LEAF_RIDGE: f64 = 5.0;
/// A leaf of boosted trees need not hold more than this part of all that the labels can tell (the sum of second derivatives), but what four rows of even
/// odds do: where few left, one leaf of the usual weight would hold them all.
const LEAF_SHARE: f64 = 1.0 / 40.0;
const LEAST_LEAF_WEIGHT: f64 = 1.0;
/// A forest of fewer trees is not worth judging, unless it is asked for by name.
const LEAST_TREES: usize = 40;
/// Where the loss still falls at the end, an ensemble is grown on with so many times the rounds, up to so many, with up to so many times the work.
const STEP_UP: f64 = 3.0;
const MOST_ROUNDS: f64 = 2_000.0;
const MOST_WORK: f64 = 64.0;
/// Rounds over all seeds of an ensemble from which further seeds are not worth their time.
const SEEDED_ROUNDS: usize = 2_400;
/// A boosted ensemble is judged after each of this many equal stretches.
const CHECKPOINTS: usize = 40;

/// Settings of a learner. For boosted trees the rounds are those that were best on held-out rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Settings {
    /// The recency rule on this column.
    Recency {
        /// Days since the last activity.
        column: usize,
    },
    /// The additive model.
    Logistic {
        /// Hat functions per number.
        knots: usize,
        /// Penalty.
        ridge: f64,
    },
    /// Boosted trees, leaf by leaf.
    Boosted(BoostSettings),
    /// One readable tree.
    Tree(TreeSettings),
    /// The mean of many trees on redrawn rows.
    Forest(TreeSettings),
    /// Boosted symmetric trees.
    Symmetric(SymmetricSettings),
}

impl Settings {
    /// The learner's name.
    pub fn name(&self) -> &'static str {
        match self {
            Settings::Recency { .. } => "recency_rule",
            Settings::Logistic { .. } => "logistic",
            Settings::Boosted(_) => "boosted",
            Settings::Symmetric(_) => "symmetric",
            Settings::Tree(_) => "tree",
            Settings::Forest(_) => "forest",
        }
    }
    /// The same settings for more rows: rounds grow with the square root of the rows.
    pub fn scaled(mut self, rows: f64) -> Settings {
        let factor = rows.clamp(1.0, 4.0).sqrt();
        match &mut self {
            Settings::Boosted(settings) => settings.rounds = (settings.rounds as f64 * factor).round() as usize,
            Settings::Symmetric(settings) => settings.rounds = (settings.rounds as f64 * factor).round() as usize,
            Settings::Recency { .. } | Settings::Logistic { .. } | Settings::Tree(_) | Settings::Forest(_) => {}
        }
        self
    }
}

/// The names of all learners, the blend of them included.
pub const LEARNERS: [&str; 7] = ["blend", "boosted", "forest", "logistic", "recency_rule", "symmetric", "tree"];

/// Rows to fit on and rows to judge on, encoded once for all learners.
#[derive(Debug)]
pub struct Split {
    fit: Examples,
    judge: FeatureMatrix,
    judge_labels: Vec<bool>,
    judge_encoded: EncodedMatrix,
    binned: Binned,
    judge_bins: Vec<u8>,
    /// Encoded columns along which the score may only rise, or only fall.
    monotone: Vec<(usize, bool)>,
    seed: u64,
}

impl Split {
    /// Encodes both sides; nothing of the rows to judge is learnt.
    pub fn new(fit: Examples, judge: FeatureMatrix, judge_labels: Vec<bool>, seed: u64, monotone: &[(usize, bool)]) -> Split {
        let (encoder, encoded) = Encoder::learn(&fit.matrix, &fit.labels, seed);
        let judge_encoded = encoder.encode(&judge);
        let binned = Binned::new(&encoded);
        let judge_bins = binned.bin(&judge_encoded);
        let monotone = encoder.monotone(monotone);
        Split { fit, judge, judge_labels, judge_encoded, binned, judge_bins, monotone, seed }
    }
    /// Outcomes of the rows to judge.
    pub fn labels(&self) -> &[bool] {
        &self.judge_labels
    }
    /// Rows that are fitted on.
    pub fn rows(&self) -> usize {
        self.fit.labels.len()
    }
}

/// Log loss of log-odds.
pub fn loss(scores: &[f64], labels: &[bool]) -> f64 {
    let mut probabilities = scores.to_vec();
    sigmoids(&mut probabilities);
    log_loss(&probabilities, labels)
}

/// How much work one ensemble may do in one split, in rows times columns looked at: some tenths of a second each.
fn budget(effort: Effort) -> f64 {
    match effort {
        Effort::Quick => 5e7,
        Effort::Normal => 1.3e8,
        Effort::Deep => 1e9,
    }
}

/// The settings to try for one task. Work is counted, never timed: what one round costs decides how many rounds there may be,
/// and that how small the steps are.
pub fn candidates(task: &ChurnTask, split: &Split, splits: usize) -> Vec<Settings> {
    let (rows, columns) = (split.rows() as f64, split.binned.cuts.len().max(1) as f64);
    let budget = budget(task.effort);
    let mut all = Vec::new();
    if let Some(column) = task.recency {
        all.push(Settings::Recency { column });
    }
    // Where every effect is a straight line, bends cost accuracy: both are tried.
    all.push(Settings::Logistic { knots: 0, ridge: 0.0 });
    let numbers = (0..split.fit.matrix.columns()).filter(|feature| vocabulary_size(&split.fit.matrix, *feature) == 0).count();
    match knots(numbers, rows, budget) {
        0 => {}
        knots => all.push(Settings::Logistic { knots, ridge: 0.0 }),
    }
    let share = column_share(columns);
    let shapes: &[(usize, f64)] = match task.effort {
        Effort::Quick => &[(12, 8.0)],
        Effort::Normal => &[(6, 8.0), (24, 5.0)],
        Effort::Deep => &[(4, 8.0), (8, 8.0), (16, 6.0), (32, 4.0), (64, 2.0)],
    };
    let left = split.fit.labels.iter().filter(|label| **label).count() as f64;
    let most_weight = (LEAF_SHARE * left * (1.0 - left / rows)).max(LEAST_LEAF_WEIGHT);
    for (number, (leaves, leaf_weight)) in shapes.iter().enumerate() {
        // Leaf by leaf costs more per visit; the share is a third of the work, as symmetric trees gain more by theirs.
        let affordable = budget / 3.0 / leaf_visits(rows, columns, *leaves);
        if number > 0 && affordable < LEAST_ROUNDS {
            break;
        }
        let rounds = affordable.clamp(LEAST_ROUNDS, if task.effort == Effort::Deep { 1500.0 } else { 500.0 });
        let rate = (14.0 / rounds).clamp(0.01, 0.15);
        all.push(Settings::Boosted(BoostSettings {
            rate,
            leaves: *leaves,
            leaf_weight: leaf_weight.min(most_weight),
            ridge: LEAF_RIDGE.min(most_weight),
            columns: share,
            rows: 0.8,
            rounds: rounds as usize,
        }));
    }
    // Depth and how far all steps together may go: deep trees learn interactions that need many steps.
    let depths: &[(usize, f64)] = match task.effort {
        Effort::Quick => &[(4, 24.0)],
        Effort::Normal => &[(4, 24.0), (6, 60.0)],
        Effort::Deep => &[(3, 30.0), (4, 30.0), (5, 45.0), (6, 30.0), (6, 90.0), (7, 90.0)],
    };
    for (number, (depth, way)) in depths.iter().enumerate() {
        let share = symmetric_share(columns, *depth);
        let visits = rows * columns * share * *depth as f64;
        let affordable = budget / visits;
        // A table of some thousand rows may take longer than its share: with fewer rounds a wide one is not learnt at all. A single
        // window comes from a history of events: there churn is noisier, and short ensembles of one shape say it all.
        let floor = if splits > 1 { (6.0 * affordable).clamp(LEAST_ROUNDS, 300.0) } else { LEAST_ROUNDS };
        if number > 0 && affordable < LEAST_ROUNDS && splits == 1 {
            break;
        }
        let rounds = affordable.clamp(floor, if task.effort == Effort::Deep { 1500.0 } else { 700.0 });
        let rate = (way / rounds).clamp(0.015, 0.2);
        all.push(Settings::Symmetric(SymmetricSettings { rate, depth: *depth, ridge: 4.0, columns: share, rows: 0.8, rounds: rounds as usize }));
    }
    let leaf_rows = (split.rows() / 100).clamp(5, 200);
    for leaves in [4, 8, 16] {
        all.push(Settings::Tree(TreeSettings { leaves, leaf_rows, columns: 1.0, bootstrap: false, trees: 1 }));
    }
    // A forest's columns per split: the square root, as usual for classes, and no fewer than three.
    let forest_share = (columns.sqrt().max(3.0) / columns).clamp(0.0, 1.0);
    let depth = libm::log2(rows / 5.0).max(2.0);
    // Its nodes are small and many: a visit costs about four times as much as in a boosted round.
    let trees = (budget / 4.0 / (rows * columns * forest_share * depth)).min(60.0) as usize;
    if trees >= LEAST_TREES || task.learners.iter().any(|learner| learner == "forest") {
        let trees = trees.max(LEAST_TREES);
        all.push(Settings::Forest(TreeSettings { leaves: usize::MAX, leaf_rows: 5, columns: forest_share, bootstrap: true, trees }));
    }
    let wanted = |name: &str| task.learners.is_empty() || task.learners.iter().any(|learner| learner == name || learner == "blend");
    all.retain(|settings| wanted(settings.name()) && (task.monotone.is_empty() || matches!(settings, Settings::Boosted(_))));
    all
}

/// Settings of more capacity than the best found so far, where that was reached with nearly all of its rounds or with the largest shape
/// tried: what still falls is followed. Empty where more is not called for or would cost too much.
pub fn stronger(found: &Settings, tried: &[Settings], split: &Split, splits: usize, effort: Effort) -> Vec<Settings> {
    let (rows, columns) = (split.rows() as f64, split.binned.cuts.len().max(1) as f64);
    // A large table is judged on one split instead of five.
    let most = MOST_WORK * budget(effort) * if splits == 1 { 4.0 } else { 1.0 };
    match found {
        Settings::Symmetric(best) => {
            let others = || tried.iter().filter_map(|settings| if let Settings::Symmetric(other) = settings { Some(other) } else { None });
            let deepest = others().all(|other| other.depth <= best.depth);
            let alike = others().filter(|other| other.depth == best.depth).map(|other| other.rounds);
            let Some((planned, rounds)) = more_rounds(best.rounds, alike, deepest) else { return Vec::new() };
            let depths = if deepest { vec![best.depth, (best.depth + 1).min(7)] } else { vec![best.depth] };
            let rate = (best.rate * planned * 1.5 / rounds).clamp(0.01, 0.2);
            let mut next: Vec<Settings> = depths
                .into_iter()
                .map(|depth| SymmetricSettings { depth, columns: symmetric_share(columns, depth), rate, rounds: rounds as usize, ..*best })
                .filter(|next| rounds * rows * columns * next.columns * next.depth as f64 <= most)
                .map(Settings::Symmetric)
                .collect();
            next.dedup();
            next
        }
        Settings::Boosted(best) => {
            let others = || tried.iter().filter_map(|settings| if let Settings::Boosted(other) = settings { Some(other) } else { None });
            let largest = others().all(|other| other.leaves <= best.leaves);
            let alike = others().filter(|other| other.leaves == best.leaves).map(|other| other.rounds);
            let Some((planned, rounds)) = more_rounds(best.rounds, alike, largest) else { return Vec::new() };
            let leaves = if largest { (best.leaves * 2).min(64) } else { best.leaves };
            if 3.0 * rounds * leaf_visits(rows, columns, leaves) > most {
                return Vec::new();
            }
            let rate = (best.rate * planned * 1.5 / rounds).clamp(0.01, 0.15);
            let leaf_weight = if largest { (best.leaf_weight / 2.0).max(1.0) } else { best.leaf_weight };
            vec![Settings::Boosted(BoostSettings { leaves, leaf_weight, rate, rounds: rounds as usize, ..*best })]
        }
        // Rows that nearly repeat each other call for leaves of single rows.
        Settings::Forest(best) if best.leaf_rows > 1 => vec![Settings::Forest(TreeSettings { leaf_rows: 1, ..*best })],
        Settings::Recency { .. } | Settings::Logistic { .. } | Settings::Tree(_) | Settings::Forest(_) => Vec::new(),
    }
}

/// The rounds planned for a shape so far and those to grow on to, in smaller steps and half as far again; `None` where its best came early
/// and larger shapes were tried.
fn more_rounds(best: usize, planned: impl Iterator<Item = usize>, largest: bool) -> Option<(f64, f64)> {
    let planned = planned.max()?;
    let rounds = (planned as f64 * STEP_UP).min(MOST_ROUNDS);
    ((best * 4 >= planned * 3 || largest) && rounds > planned as f64).then_some((planned as f64, rounds))
}

/// Share of the columns that a symmetric tree may use at each level: deep ones need more of them.
fn symmetric_share(columns: f64, depth: usize) -> f64 {
    if depth >= 6 { (2.0 * column_share(columns)).min(1.0) } else { column_share(columns) }
}

/// Share of the columns that a tree may use: wide tables need fewer of them at a time.
fn column_share(columns: f64) -> f64 {
    (20.0 / columns).clamp(0.15, 0.5)
}

/// Rows times columns that one tree grown leaf by leaf looks at: rows pass through every level; every leaf costs a scan of its bins besides.
fn leaf_visits(rows: f64, columns: f64, leaves: usize) -> f64 {
    columns * column_share(columns) * (rows * libm::log2(leaves as f64).max(2.0) + leaves as f64 * 256.0)
}

/// Hat functions per number: as many as the squares of the columns leave affordable, none for very wide tables.
fn knots(numbers: usize, rows: f64, budget: f64) -> usize {
    let columns = (budget * 0.75 / rows).sqrt();
    let knots = columns / numbers.max(1) as f64 - 2.0;
    if knots < 2.0 { 0 } else { knots.min(8.0) as usize }
}

/// Log-odds of the rows to judge under each variant of some settings: strengths of the penalty, numbers of rounds. The variants
/// are the same for every split.
///
/// # Errors
/// 70 when a learner fails on data it should take.
pub fn trial(candidate: &Settings, split: &Split) -> Result<Vec<(Settings, Vec<f64>)>> {
    let labels = &split.fit.labels;
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let base = libm::log((positives + 0.5) / (labels.len() as f64 - positives + 0.5));
    let one_class = positives < 1.0 || positives >= labels.len() as f64;
    let constant = || vec![base; split.judge.rows];
    Ok(match candidate {
        Settings::Recency { column } => {
            let scores = if one_class { constant() } else { RecencyRule::fit(&split.fit.matrix, labels, *column).log_odds(&split.judge) };
            vec![(*candidate, scores)]
        }
        Settings::Logistic { knots, .. } => {
            let variants = RIDGES.iter().map(|ridge| Settings::Logistic { knots: *knots, ridge: *ridge });
            if one_class {
                return Ok(variants.map(|variant| (variant, constant())).collect());
            }
            let design: Design = design(&split.fit.matrix, labels, *knots, split.seed);
            let mut scores: Vec<Vec<f64>> = Vec::new();
            let (mut best, mut since) = (f64::INFINITY, 0);
            for model in fit_path(&design, labels, &RIDGES) {
                let own = model?.log_odds(&split.judge);
                let loss = loss(&own, &split.judge_labels);
                since = if loss < best { 0 } else { since + 1 };
                best = best.min(loss);
                scores.push(own);
                if since == WORSE_RIDGES {
                    break;
                }
            }
            // Weaker penalties than the last that was tried do no better than it.
            scores.resize(RIDGES.len(), scores[scores.len() - 1].clone());
            variants.zip(scores).collect()
        }
        Settings::Boosted(boost) => {
            let counts = checkpoints(boost.rounds);
            let scores = if one_class {
                vec![constant(); counts.len()]
            } else {
                let mut ensemble = Boosted::new(&split.binned, labels, base, *boost, &split.monotone, mix(split.seed, 1));
                followed(split, base, &counts, |scores| boosted::follow(scores, &split.judge_bins, &ensemble.grow()))
            };
            counts.into_iter().zip(scores).map(|(rounds, scores)| (Settings::Boosted(BoostSettings { rounds, ..*boost }), scores)).collect()
        }
        Settings::Tree(settings) | Settings::Forest(settings) => {
            let scores = if one_class {
                constant()
            } else {
                let mut trees = FlatTrees::default();
                for number in 0..settings.trees {
                    trees.append(&tree::grow(&split.binned, labels, settings, mix(split.seed, 3), number));
                }
                trees.sums(&split.judge_encoded, 0.0, 1.0 / settings.trees as f64)
            };
            vec![(*candidate, scores)]
        }
        Settings::Symmetric(symmetric) => {
            let counts = checkpoints(symmetric.rounds);
            let scores = if one_class {
                vec![constant(); counts.len()]
            } else {
                let mut ensemble = Symmetric::new(&split.binned, labels, base, *symmetric, mix(split.seed, 2));
                followed(split, base, &counts, |scores| {
                    let (questions, values) = ensemble.grow();
                    symmetric::follow(scores, &split.judge_bins, &questions, &values);
                })
            };
            counts.into_iter().zip(scores).map(|(rounds, scores)| (Settings::Symmetric(SymmetricSettings { rounds, ..*symmetric }), scores)).collect()
        }
    })
}

/// Numbers of rounds after which an ensemble is judged.
fn checkpoints(rounds: usize) -> Vec<usize> {
    (1..=CHECKPOINTS.min(rounds)).map(|step| step * rounds / CHECKPOINTS.min(rounds)).collect()
}

/// Held-out scores at each checkpoint, with `grow` to add one more tree to them; growing ends when an eighth of all rounds brought nothing.
fn followed(split: &Split, base: f64, counts: &[usize], mut grow: impl FnMut(&mut [f64])) -> Vec<Vec<f64>> {
    let mut scores = vec![base; split.judge.rows];
    let mut history: Vec<Vec<f64>> = Vec::with_capacity(counts.len());
    let (mut best, mut best_at, mut done) = (f64::INFINITY, 0, 0);
    for (step, count) in counts.iter().enumerate() {
        if step - best_at.min(step) <= counts.len() / 8 + 1 {
            for _ in done..*count {
                grow(&mut scores);
            }
            done = *count;
            let loss = loss(&scores, &split.judge_labels);
            if loss < best {
                (best, best_at) = (loss, step);
            }
        }
        history.push(scores.clone());
    }
    history
}

/// Rows to fit on, encoded and binned once for all learners of trees.
pub struct Prepared<'a> {
    examples: &'a Examples,
    seed: u64,
    monotone: Vec<(usize, bool)>,
    trees: Option<(Encoder, Binned)>,
}

/// Seeds of an ensemble of so many rounds: many small steps on redrawn rows steady it as well as many seeds do.
fn seeds(bags: usize, rounds: usize) -> usize {
    bags.min((SEEDED_ROUNDS / rounds.max(1)).max(1))
}

/// Rate and rounds of each of so many seeds: their mean steadies what small steps would, so that the steps may be as many times longer as the error of a
/// mean is smaller.
fn steps(rate: f64, rounds: usize, seeds: usize) -> (f64, usize) {
    let longer = (seeds as f64).sqrt();
    (rate * longer, (rounds as f64 / longer).ceil() as usize)
}

impl<'a> Prepared<'a> {
    /// Prepares what learners with these settings need.
    pub fn new(examples: &'a Examples, seed: u64, settings: &[Settings], monotone: &[(usize, bool)]) -> Prepared<'a> {
        let trees = settings.iter().any(|settings| !matches!(settings, Settings::Recency { .. } | Settings::Logistic { .. })).then(|| {
            let (encoder, encoded) = Encoder::learn(&examples.matrix, &examples.labels, seed);
            let binned = Binned::new(&encoded);
            (encoder, binned)
        });
        Prepared { examples, seed, monotone: monotone.to_vec(), trees }
    }

    fn trees(&self) -> Result<&(Encoder, Binned)> {
        self.trees.as_ref().ok_or_else(|| Error::internal("the rows were prepared for learners without trees"))
    }

    /// Fits a learner with fixed settings on all rows; ensembles are the mean of `bags` seeds.
    ///
    /// # Errors
    /// 70 when a learner fails on data it should take. The caller has made sure of two classes.
    pub fn fit(&self, settings: &Settings, bags: usize) -> Result<Model> {
        let labels = &self.examples.labels;
        let positives = labels.iter().filter(|label| **label).count() as f64;
        let base = libm::log((positives + 0.5) / (labels.len() as f64 - positives + 0.5));
        match settings {
            Settings::Recency { column } => Ok(Model::Recency(RecencyRule::fit(&self.examples.matrix, labels, *column))),
            Settings::Logistic { knots, ridge } => {
                let design = design(&self.examples.matrix, labels, *knots, self.seed);
                let path: Vec<f64> = RIDGES.iter().copied().filter(|strength| strength > ridge).chain([*ridge]).collect();
                let last = fit_path(&design, labels, &path[path.len().saturating_sub(2)..]).last().transpose()?;
                Ok(Model::Logistic(last.unwrap_or_default()))
            }
            Settings::Boosted(boost) => {
                let (encoder, binned) = self.trees()?;
                let monotone = encoder.monotone(&self.monotone);
                let seeds = seeds(bags, boost.rounds);
                let (rate, rounds) = steps(boost.rate, boost.rounds, seeds);
                let boost = BoostSettings { rate, rounds, ..*boost };
                self.ensemble(seeds, |seed| {
                    let mut grown = Boosted::new(binned, labels, base, boost, &monotone, seed);
                    for _ in 0..boost.rounds {
                        grown.grow();
                    }
                    (base, grown.trees)
                })
            }
            Settings::Tree(settings) | Settings::Forest(settings) => {
                let (encoder, binned) = self.trees()?;
                let grow = |number| tree::grow(binned, labels, settings, mix(self.seed, 3), number);
                let grown: Vec<FlatTrees> = (0..settings.trees).into_par_iter().map(grow).collect();
                let mut trees = FlatTrees::default();
                for tree in &grown {
                    trees.append(tree);
                }
                Ok(Model::Trees(Trees { encoder: encoder.clone(), base: 0.0, scale: 1.0 / settings.trees as f64, trees }))
            }
            Settings::Symmetric(symmetric) => {
                let (_, binned) = self.trees()?;
                let seeds = seeds(bags, symmetric.rounds);
                let (rate, rounds) = steps(symmetric.rate, symmetric.rounds, seeds);
                let symmetric = SymmetricSettings { rate, rounds, ..*symmetric };
                self.ensemble(seeds, |seed| {
                    let mut grown = Symmetric::new(binned, labels, base, symmetric, seed);
                    for _ in 0..symmetric.rounds {
                        grown.grow();
                    }
                    (base, grown.trees)
                })
            }
        }
    }

    /// The mean of several seeds of one learner of trees.
    fn ensemble(&self, bags: usize, grow: impl Fn(u64) -> (f64, FlatTrees) + Sync) -> Result<Model> {
        let (encoder, _) = self.trees()?;
        let grown: Vec<_> = (0..bags.max(1)).into_par_iter().map(|bag| grow(mix(self.seed, 100 + bag as u64))).collect();
        let mut model = Trees { encoder: encoder.clone(), base: 0.0, scale: 1.0 / grown.len() as f64, trees: FlatTrees::default() };
        for (base, trees) in &grown {
            model.base += base;
            model.trees.append(trees);
        }
        Ok(Model::Trees(model))
    }
}
