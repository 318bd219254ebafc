//! From exports to bundle and report: one line per stage.

use crate::bundle::{Bundle, Meta};
use crate::churn::{self, Choice, ChurnPart, ChurnTask, Examples, Validation};
use crate::config::{Config, Definition};
use crate::error::{Error, Result};
use crate::evaluate::classify::{Classification, ReliabilityBin, auc, brier, classification, log_loss, reliability};
use crate::evaluate::folds::{parse_folds, stratified};
use crate::evaluate::windows::Windows;
use crate::exports::{Exports, ReadOptions};
use crate::monitor::freshness::ExportHabits;
use crate::output::report::WindowLine;
use crate::recommend::{self, RankReport, RankWindows, Recommender};
use crate::segment::SegmentRules;
use crate::snapshot::facts::Facts;
use crate::snapshot::label::ChurnRule;
use crate::snapshot::learned::{FeaturePlan, histories};
use crate::timeline::{Cutoff, Moment, ProfileValues};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Told when a stage begins, so that whoever watches can draw and time it.
pub trait Progress: Send {
    /// A stage begins.
    fn stage(&mut self, name: &str);
}

/// What was measured on data that fitted, chose, tuned and calibrated nothing.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measured {
    /// The churn models; `None` with a reason in `reasons`.
    pub churn: Option<ChurnMeasured>,
    /// The recommender; `None` with a reason in `reasons`.
    pub recommend: Option<RankMeasured>,
    /// Why a part is missing.
    pub reasons: BTreeMap<String, String>,
    /// Customers asked in the test window.
    pub base: Option<usize>,
    /// Share of them that left.
    pub churn_rate: Option<f64>,
    /// The test window's cut-off.
    pub cutoff: Option<String>,
    /// Its horizon in days.
    pub horizon: Option<f64>,
    /// Customers ranked for.
    pub ranked_customers: Option<usize>,
    /// Rows over all sources.
    pub rows: Rows,
    /// Customers read.
    pub customers: usize,
    /// Items read.
    pub items: usize,
    /// What to know before relying on the numbers.
    pub warnings: Vec<String>,
}

/// Rows over all sources: read = accepted + rejected + duplicates + skipped.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[allow(missing_docs)]
pub struct Rows {
    pub read: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub duplicates: u64,
    pub skipped: u64,
}

/// How the churn models did on the test rows.
#[derive(Debug, Clone, Serialize)]
pub struct ChurnMeasured {
    /// The model that is used.
    pub chosen: String,
    /// Its area under the ROC curve.
    pub auc: f64,
    /// Its mean negative log-likelihood.
    pub log_loss: f64,
    /// Its mean squared error.
    pub brier: f64,
    /// Every model that was tried.
    pub models: BTreeMap<String, Classification>,
    /// Expected against observed in ten groups of equal size, riskiest first.
    pub reliability: Vec<ReliabilityBin>,
    /// Customers of the test window that would fall into each tier.
    pub tiers: Vec<(String, usize)>,
}

/// How the recommenders did on the test window.
#[derive(Debug, Clone, Serialize)]
pub struct RankMeasured {
    /// The model that is used.
    pub chosen: String,
    /// NDCG at 10, recall at 20, NDCG at 20.
    #[serde(flatten)]
    pub ranking: crate::evaluate::rank::Ranking,
    /// Every model that was tried.
    pub models: BTreeMap<String, crate::evaluate::rank::Ranking>,
}

/// Everything learnt, and how good it is.
#[derive(Debug)]
pub struct Trained {
    /// What the bundle keeps.
    pub bundle: Bundle,
    /// How good it is.
    pub measured: Measured,
    /// The windows and what became of their bases, newest first.
    pub windows: Vec<WindowLine>,
    /// How much each feature of the bundle moves the log-odds: mean absolute contribution; empty without a churn model.
    pub drivers: Vec<f64>,
}

/// What a training does at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Measure, then refit on everything for the bundle.
    Fit,
    /// Measure only.
    Validate,
}

/// Reads the exports of a config.
///
/// # Errors
/// As [`crate::exports::read`].
pub fn read(config: &Config, threads: usize, progress: &mut dyn Progress) -> Result<Exports> {
    progress.stage("read");
    crate::exports::read(config, ReadOptions { threads, as_of: None })
}

/// Learns everything from the exports, measures it and, for [`Purpose::Fit`], refits on all windows.
///
/// # Errors
/// 65 when the data cannot be learnt from, 78 when the config names what the exports do not have.
pub fn train(config: &Config, exports: &Exports, purpose: Purpose, progress: &mut dyn Progress) -> Result<Trained> {
    let mut measured = Measured { rows: rows(exports), customers: exports.customers.len(), items: exports.items.ids.len(), ..Measured::default() };
    let end = latest(exports);
    let rule = ChurnRule::new(exports, &config.churn)?;
    let windows = windows(config, exports, end)?;

    progress.stage("features");
    let plan = FeaturePlan::learn(exports, config, windows.test.unwrap_or(end), config.churn.definition != Definition::Label);
    let churn = match &config.churn.definition {
        Definition::None => Err("the config says [churn] definition = \"none\"".to_string()),
        Definition::Label => labelled(config, exports, plan, end, purpose, &mut measured, progress)?,
        Definition::Inactivity | Definition::Subscription { .. } => windowed(config, exports, plan, &rule, &windows, purpose, &mut measured, progress)?,
    };
    let churn = churn.unwrap_or_else(|reason| {
        measured.reasons.insert("churn".into(), reason);
        Learnt { plan: FeaturePlan::learn(exports, config, end, true), part: None, windows: Vec::new(), drivers: Vec::new() }
    });

    progress.stage("recommend");
    let recommend = recommend(config, exports, &windows, &mut measured)?;
    measured.warnings.extend(tier_warnings(&measured));

    progress.stage("segments");
    let segments = segments(exports, &churn.plan, end);
    let habits = ExportHabits::learn(&exports.events, end);
    let bundle = Bundle { meta: meta(config, exports, end, &measured), features: churn.plan, churn: churn.part, recommend, segments, habits };
    Ok(Trained { bundle, measured, windows: churn.windows, drivers: churn.drivers })
}

/// Tiers that nobody falls into, or too many.
fn tier_warnings(measured: &Measured) -> Vec<String> {
    let base = measured.base.unwrap_or(0);
    let tiers = measured.churn.iter().flat_map(|churn| &churn.tiers);
    tiers
        .filter_map(|(tier, count)| match *count {
            0 => Some(format!("the tier {tier} is empty: no customer of the test window reaches it; lower where it begins")),
            count if count as f64 > 0.3 * base as f64 => Some(format!("the tier {tier} holds {count} of {base} customers, more than 30 %: too many to act on")),
            _ => None,
        })
        .collect()
}

/// The moment from which nothing is known: the day after the newest event, or after the newest date of the profiles.
pub fn latest(exports: &Exports) -> Cutoff {
    let newest = exports.newest.or_else(|| {
        let dates = exports.profiles.iter().flat_map(|table| &table.columns).filter_map(|column| match &column.values {
            ProfileValues::Date(values) => values.iter().copied().max().filter(|date| *date != i64::MIN),
            _ => None,
        });
        dates.max().map(Moment)
    });
    newest.map_or(Moment(0), |newest| Moment(newest.start_of_day().0 + 86_400))
}

/// Rows over all sources.
pub fn rows(exports: &Exports) -> Rows {
    exports.counts.iter().fold(Rows::default(), |sum, file| Rows {
        read: sum.read + file.read,
        accepted: sum.accepted + file.accepted,
        rejected: sum.rejected + file.rejected,
        duplicates: sum.duplicates + file.duplicates,
        skipped: sum.skipped + file.skipped,
    })
}

/// The windows of a config: given by hand, or cut from the data.
///
/// # Errors
/// 78 for a cut-off that is no day.
pub fn windows(config: &Config, exports: &Exports, end: Cutoff) -> Result<Windows> {
    let churn = &config.churn;
    if let Some(cutoffs) = &churn.cutoffs {
        let parsed = cutoffs.iter().map(|text| parse_date(text)).collect::<Result<Vec<_>>>()?;
        return Ok(Windows::given(&parsed, end, churn.horizon));
    }
    let first = exports.events.time_range().map_or(end, |(first, _)| first);
    Ok(Windows::cut(first, end, churn.horizon, churn.active_within))
}

/// A calendar day `YYYY-MM-DD` as the moment it begins.
///
/// # Errors
/// 78 saying what was found.
pub fn parse_date(text: &str) -> Result<Moment> {
    let date: jiff::civil::Date = text.parse().map_err(|_| Error::config(format!("found \"{text}\", expected a day as YYYY-MM-DD")))?;
    Ok(Moment::of_date(date))
}

/// A churn model with its features, or why there is none.
type Churn = std::result::Result<Learnt, String>;

/// A churn model with its features: the part is there when the purpose is to fit.
struct Learnt {
    plan: FeaturePlan,
    part: Option<ChurnPart>,
    windows: Vec<WindowLine>,
    drivers: Vec<f64>,
}

impl Learnt {
    fn fitted(plan: FeaturePlan, part: ChurnPart, windows: Vec<WindowLine>, examples: &Examples) -> Learnt {
        let drivers = drivers(&part, examples);
        Learnt { plan, part: Some(part), windows, drivers }
    }
}

/// Mean absolute contribution of each feature over the first rows.
fn drivers(part: &ChurnPart, examples: &Examples) -> Vec<f64> {
    const ROWS: usize = 2_000;
    let rows = examples.matrix.rows.min(ROWS);
    let contributions: Vec<Vec<f64>> = (0..rows).into_par_iter().map(|row| part.contributions(&examples.matrix, row).by_feature).collect();
    (0..examples.matrix.columns()).map(|column| contributions.iter().map(|row| row[column].abs()).sum::<f64>() / rows.max(1) as f64).collect()
}

fn task(config: &Config, plan: &FeaturePlan) -> ChurnTask {
    ChurnTask {
        seed: config.project.seed,
        effort: config.churn.effort,
        learners: config.churn.learners.clone(),
        recency: plan.specs.iter().position(|spec| spec.name == "days_since_last"),
    }
}

/// Event histories: windows in time.
#[allow(clippy::too_many_arguments)]
fn windowed(
    config: &Config,
    exports: &Exports,
    plan: FeaturePlan,
    rule: &ChurnRule<'_>,
    windows: &Windows,
    purpose: Purpose,
    measured: &mut Measured,
    progress: &mut dyn Progress,
) -> Result<Churn> {
    if exports.events.is_empty() {
        return Ok(Err("no source has events with time, which the definition of churn needs".into()));
    }
    if config.churn.definition == Definition::Inactivity && !rule.has_life() {
        return Ok(Err(format!("no event is of the kinds that count as alive ({})", config.churn.kinds.join(", "))));
    }
    let days = windows.end.days_since(exports.events.time_range().map_or(windows.end, |(first, _)| first));
    if windows.all().is_empty() {
        return Ok(Err(format!(
            "the history of {days:.0} days is too short for a horizon of {:.0} days and as much before it",
            config.churn.horizon.as_days()
        )));
    }
    if days < 6.0 * config.churn.horizon.as_days() {
        measured.warnings.push(format!(
            "history is thin: {days:.0} days for a horizon of {:.0}; expect less than what a longer history would give",
            config.churn.horizon.as_days()
        ));
    }
    let cutoffs = windows.all();
    let examples: Vec<Examples> = snapshots(exports, &plan, rule, &cutoffs)?;
    let of = |cutoff: &Cutoff| &examples[cutoffs.iter().position(|known| known == cutoff).expect("every window is in all()")];

    progress.stage("churn");
    let task = task(config, &plan);
    let seed = config.project.seed;
    let of_all = |cutoffs: &[Cutoff]| stack(&cutoffs.iter().map(of).collect::<Vec<_>>());
    let (choice, tested) = match (&windows.test, &windows.choose, windows.fit.is_empty()) {
        (Some(test), Some(choose), false) => {
            let choice = churn::choose(&of_all(&windows.fit), &Validation::Window(of(choose).clone()), &task);
            (choice, Some((of_all(&windows.before_test), of(test))))
        }
        (Some(test), Some(choose), true) => {
            measured.warnings.push("history is too short for windows of its own to choose in: settings are chosen out-of-fold within one window".into());
            let examples = of(choose);
            (churn::choose(examples, &Validation::Folds(stratified(&examples.labels, 5, seed)), &task), Some((of_all(&windows.before_test), of(test))))
        }
        (Some(test), None, _) => {
            measured.warnings.push("history holds one window only: the measures are out-of-fold within it, not on a later one".into());
            let examples = of(test);
            (churn::choose(examples, &Validation::Folds(stratified(&examples.labels, 5, seed)), &task), None)
        }
        (None, ..) => return Ok(Err("no window ends inside the data".into())),
    };
    let choice = match choice {
        Ok(choice) => choice,
        Err(error) if error.kind() == crate::error::ErrorKind::Data => return Ok(Err(error.message().to_string())),
        Err(error) => return Err(error),
    };
    let test = windows.test.expect("the match above returned without a test window");
    let test_examples = of(&test);
    measured.base = Some(test_examples.labels.len());
    measured.churn_rate = Some(share(&test_examples.labels));
    measured.cutoff = Some(test.date());
    measured.horizon = Some(config.churn.horizon.as_days());
    warn_if_thin(&test_examples.labels, measured);
    measured.churn = Some(match tested {
        Some((known, test)) => measure(config, &choice, &known, test)?,
        None => out_of_fold(&choice),
    });
    let lines: Vec<WindowLine> = cutoffs
        .iter()
        .zip(&examples)
        .map(|(cutoff, examples)| {
            let role = if Some(*cutoff) == windows.test {
                "test"
            } else if Some(*cutoff) == windows.choose {
                "choose"
            } else {
                "fit"
            };
            WindowLine::new(role, cutoff.date(), cutoff.plus(config.churn.horizon).date(), &examples.labels)
        })
        .collect();
    if purpose == Purpose::Validate {
        return Ok(Ok(Learnt { plan, part: None, windows: lines, drivers: Vec::new() }));
    }

    progress.stage("refit");
    let mut last = FeaturePlan::learn(exports, config, windows.end, true);
    let all = if last.reading == plan.reading {
        of_all(&windows.before_end)
    } else {
        stack(&snapshots(exports, &last, rule, &windows.before_end)?.iter().collect::<Vec<_>>())
    };
    let part = choice.refit(choice.chosen, &all)?;
    last.remember_typical(&all.matrix);
    Ok(Ok(Learnt::fitted(last, part, lines, &all)))
}

fn snapshots(exports: &Exports, plan: &FeaturePlan, rule: &ChurnRule<'_>, cutoffs: &[Cutoff]) -> Result<Vec<Examples>> {
    let bound = plan.bind(exports)?;
    Ok(cutoffs
        .iter()
        .map(|cutoff| {
            let (customers, labels) = rule.base(*cutoff);
            let learned = plan.learn_tables(exports, *cutoff);
            Examples { matrix: bound.matrix(exports, &customers, *cutoff, &learned), labels }
        })
        .collect())
}

fn stack(parts: &[&Examples]) -> Examples {
    Examples {
        matrix: crate::snapshot::FeatureMatrix::stack(&parts.iter().map(|part| &part.matrix).collect::<Vec<_>>()),
        labels: parts.iter().flat_map(|part| part.labels.iter().copied()).collect(),
    }
}

fn share(labels: &[bool]) -> f64 {
    labels.iter().filter(|label| **label).count() as f64 / labels.len().max(1) as f64
}

fn warn_if_thin(labels: &[bool], measured: &mut Measured) {
    let left = labels.iter().filter(|label| **label).count();
    if labels.len() < 500 || left < 50 {
        measured.warnings.push(format!("the measures rest on {} customers of whom {left} left: differences of a few hundredths are noise", labels.len()));
    }
}

/// Every candidate, refitted on what was known, on the test rows.
fn measure(config: &Config, choice: &Choice, known: &Examples, test: &Examples) -> Result<ChurnMeasured> {
    let parts = choice.refit_all(known)?;
    let probabilities: Vec<Vec<f64>> = parts.iter().map(|part| part.probabilities(&test.matrix)).collect();
    let models: BTreeMap<String, Classification> = choice
        .candidates
        .iter()
        .zip(&probabilities)
        .map(|(candidate, probabilities)| (candidate.name.clone(), classification(probabilities, &test.labels)))
        .collect();
    let chosen = &probabilities[choice.chosen];
    let base_rate = parts[choice.chosen].base_rate;
    Ok(churn_measured(&choice.candidates[choice.chosen].name, models, chosen, &test.labels, crate::churn::tiers::count(&config.churn.tiers, base_rate, chosen)))
}

fn churn_measured(name: &str, models: BTreeMap<String, Classification>, probabilities: &[f64], labels: &[bool], tiers: Vec<(String, usize)>) -> ChurnMeasured {
    let own = models[name];
    ChurnMeasured {
        chosen: name.into(),
        auc: own.auc,
        log_loss: own.log_loss,
        brier: own.brier,
        models,
        reliability: reliability(probabilities, labels, 10),
        tiers,
    }
}

fn out_of_fold(choice: &Choice) -> ChurnMeasured {
    let models: BTreeMap<String, Classification> = choice.candidates.iter().map(|candidate| (candidate.name.clone(), candidate.measured)).collect();
    let own = choice.candidates[choice.chosen].measured;
    ChurnMeasured {
        chosen: choice.candidates[choice.chosen].name.clone(),
        auc: own.auc,
        log_loss: own.log_loss,
        brier: own.brier,
        models,
        reliability: Vec::new(),
        tiers: Vec::new(),
    }
}

/// The examples of a labelled table, in the order of its rows; rows without a label are left out.
fn labelled_examples(exports: &Exports, plan: &FeaturePlan, end: Cutoff) -> Result<(Vec<usize>, Examples)> {
    let labelled = |row: &usize| exports.labels.get(exports.label_rows[*row] as usize).is_some_and(Option::is_some);
    let rows: Vec<usize> = (0..exports.label_rows.len()).filter(labelled).collect();
    let customers: Vec<u32> = rows.iter().map(|row| exports.label_rows[*row]).collect();
    let labels = customers.iter().map(|customer| exports.labels[*customer as usize] == Some(true)).collect();
    let matrix = plan.bind(exports)?.matrix(exports, &customers, end, &plan.learned);
    Ok((rows, Examples { matrix, labels }))
}

/// Labelled tables: seeded stratified folds in the same three roles.
fn labelled(
    config: &Config,
    exports: &Exports,
    mut plan: FeaturePlan,
    end: Cutoff,
    purpose: Purpose,
    measured: &mut Measured,
    progress: &mut dyn Progress,
) -> Result<Churn> {
    let (_, examples) = labelled_examples(exports, &plan, end)?;
    progress.stage("churn");
    let task = task(config, &plan);
    let seed = config.project.seed;
    let fold = stratified(&examples.labels, 5, seed);
    let known: Vec<usize> = (0..fold.len()).filter(|row| fold[*row] != 0).collect();
    let test: Vec<usize> = (0..fold.len()).filter(|row| fold[*row] == 0).collect();
    let known = select(&examples, &known);
    let test = select(&examples, &test);
    let choice = match churn::choose(&known, &Validation::Folds(stratified(&known.labels, 5, seed)), &task) {
        Ok(choice) => choice,
        Err(error) if error.kind() == crate::error::ErrorKind::Data => return Ok(Err(error.message().to_string())),
        Err(error) => return Err(error),
    };
    measured.base = Some(test.labels.len());
    measured.churn_rate = Some(share(&test.labels));
    warn_if_thin(&test.labels, measured);
    measured.churn = Some(measure(config, &choice, &known, &test)?);
    let lines = vec![WindowLine::new("test", String::new(), String::new(), &test.labels), WindowLine::new("fit", String::new(), String::new(), &known.labels)];
    if purpose == Purpose::Validate {
        return Ok(Ok(Learnt { plan, part: None, windows: lines, drivers: Vec::new() }));
    }
    progress.stage("refit");
    let part = choice.refit(choice.chosen, &examples)?;
    plan.remember_typical(&examples.matrix);
    Ok(Ok(Learnt::fitted(plan, part, lines, &examples)))
}

fn select(examples: &Examples, rows: &[usize]) -> Examples {
    Examples { matrix: examples.matrix.select(rows), labels: rows.iter().map(|row| examples.labels[*row]).collect() }
}

/// Measures on folds given from outside: for each fold all learning, encoding, choice, stopping, calibration and blending see the
/// other folds only. `auc` is the mean over folds, log loss and Brier are pooled.
///
/// # Errors
/// 65 for a folds file that does not fit the table, 78 when the config has no label.
pub fn validate_folds(config: &Config, exports: &Exports, folds: (&Path, &str), progress: &mut dyn Progress) -> Result<Measured> {
    if config.churn.definition != Definition::Label {
        return Err(Error::config("--folds needs a labelled table: [churn] definition = \"label\" and a label column"));
    }
    let mut measured = Measured { rows: rows(exports), customers: exports.customers.len(), items: exports.items.ids.len(), ..Measured::default() };
    let end = latest(exports);
    progress.stage("features");
    let plan = FeaturePlan::learn(exports, config, end, false);
    let (rows, examples) = labelled_examples(exports, &plan, end)?;
    let fold_of_row = parse_folds(folds.1, folds.0, exports.label_rows.len())?;
    let fold: Vec<u32> = rows.iter().map(|row| fold_of_row[*row]).collect();
    let mut names: Vec<u32> = fold.clone();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return Err(Error::data(format!("{} fold found, expected at least 2", names.len())).file(folds.0));
    }
    progress.stage("churn");
    let task = task(config, &plan);
    // Per fold: the held-out rows and, per candidate and for the chosen, their probabilities.
    let mut chosen_names: Vec<String> = Vec::new();
    let mut held_out: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    let mut aucs: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for held in &names {
        let known: Vec<usize> = (0..fold.len()).filter(|row| fold[*row] != *held).collect();
        let test: Vec<usize> = (0..fold.len()).filter(|row| fold[*row] == *held).collect();
        // The vocabularies too see the other folds only.
        let known_customers: Vec<u32> = known.iter().map(|row| exports.label_rows[rows[*row]]).collect();
        let plan = plan.restricted_to(exports, &known_customers);
        let (_, examples) = labelled_examples(exports, &plan, end)?;
        let (known, test_examples) = (select(&examples, &known), select(&examples, &test));
        let choice = churn::choose(&known, &Validation::Folds(stratified(&known.labels, 5, config.project.seed)), &task)?;
        let parts = choice.refit_all(&known)?;
        chosen_names.push(choice.candidates[choice.chosen].name.clone());
        for (index, part) in parts.iter().enumerate() {
            let probabilities = part.probabilities(&test_examples.matrix);
            let area = auc(&probabilities, &test_examples.labels);
            let mut record = |name: &str| {
                aucs.entry(name.into()).or_default().push(area);
                let column = held_out.entry(name.into()).or_insert_with(|| vec![None; fold.len()]);
                test.iter().zip(&probabilities).for_each(|(row, probability)| column[*row] = Some(*probability));
            };
            record(&choice.candidates[index].name);
            if index == choice.chosen {
                record("chosen");
            }
        }
    }
    let mut models = BTreeMap::new();
    for (name, column) in &held_out {
        let (probabilities, labels): (Vec<f64>, Vec<bool>) =
            column.iter().zip(&examples.labels).filter_map(|(value, label)| value.map(|value| (value, *label))).unzip();
        let areas = &aucs[name];
        models.insert(
            name.clone(),
            Classification {
                auc: areas.iter().sum::<f64>() / areas.len() as f64,
                log_loss: log_loss(&probabilities, &labels),
                brier: brier(&probabilities, &labels),
            },
        );
    }
    let own = models.remove("chosen").ok_or_else(|| Error::internal("no fold was measured"))?;
    let probabilities: Vec<f64> = held_out["chosen"].iter().map(|value| value.unwrap_or(0.0)).collect();
    chosen_names.sort();
    chosen_names.dedup();
    measured.base = Some(examples.labels.len());
    measured.churn_rate = Some(share(&examples.labels));
    measured.churn = Some(ChurnMeasured {
        chosen: chosen_names.join(", "),
        auc: own.auc,
        log_loss: own.log_loss,
        brier: own.brier,
        models,
        reliability: reliability(&probabilities, &examples.labels, 10),
        tiers: crate::churn::tiers::count(&config.churn.tiers, share(&examples.labels), &probabilities),
    });
    measured.reasons.insert("recommend".into(), "--folds measures the churn model only".into());
    Ok(measured)
}

/// The recommender's windows: the horizon of churn, or a quarter of the history where that is shorter.
fn recommend(config: &Config, exports: &Exports, windows: &Windows, measured: &mut Measured) -> Result<Option<Recommender>> {
    let rank_windows = exports.events.time_range().map(|(first, _)| {
        let days = windows.end.days_since(first.start_of_day());
        let horizon = crate::config::Span::days((config.churn.horizon.as_days().min(days / 4.0).floor() as i64).max(1));
        RankWindows { test: windows.end.minus(horizon), choose: windows.end.minus(horizon).minus(horizon), end: windows.end }
    });
    match recommend::train(exports, &config.recommend, rank_windows, config.project.seed)? {
        Ok((recommender, report)) => {
            measured.ranked_customers = Some(report.ranked_customers);
            measured.recommend = rank_measured(&report);
            if measured.recommend.is_none() {
                measured.reasons.insert("recommend".into(), "no customer with a history did anything with an item in the test window".into());
            }
            Ok(Some(recommender))
        }
        Err(reason) => {
            measured.reasons.insert("recommend".into(), reason);
            Ok(None)
        }
    }
}

fn rank_measured(report: &RankReport) -> Option<RankMeasured> {
    let mut models: BTreeMap<String, crate::evaluate::rank::Ranking> = report.models.iter().cloned().collect();
    let ranking = models.remove("chosen")?;
    (report.ranked_customers > 0).then_some(RankMeasured { chosen: report.chosen.clone(), ranking, models })
}

fn segments(exports: &Exports, plan: &FeaturePlan, end: Cutoff) -> Option<SegmentRules> {
    if !plan.reading.has.events {
        return None;
    }
    let map = plan.reading.kind_map(exports);
    let facts: Vec<Facts> = histories(exports, end).map(|history| Facts::of(&history, &map)).collect();
    SegmentRules::learn(facts.iter())
}

fn meta(config: &Config, exports: &Exports, end: Cutoff, measured: &Measured) -> Meta {
    let mut counts = BTreeMap::new();
    counts.insert("customers".to_string(), exports.customers.len() as u64);
    counts.insert("items".to_string(), exports.items.ids.len() as u64);
    counts.insert("events".to_string(), (exports.events.len() + exports.untimed.len()) as u64);
    counts.insert("rows_read".to_string(), measured.rows.read);
    counts.insert("rows_accepted".to_string(), measured.rows.accepted);
    let mut inputs: Vec<(String, String)> = Vec::new();
    for file in &exports.counts {
        let name = file.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !inputs.iter().any(|(known, hash)| *known == name && *hash == file.blake3) {
            inputs.push((name, file.blake3.clone()));
        }
    }
    Meta {
        project: config.project.name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        trained_until: if exports.newest.is_some() { end.date() } else { String::new() },
        seed: config.project.seed,
        contract: config.contract(),
        inputs,
        counts,
        measured: serde_json::to_value(measured).unwrap_or_default(),
        missing: measured.reasons.clone(),
    }
}
