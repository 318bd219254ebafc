//! The churn model of a training: windows in time, or folds of a labelled table; chosen, measured, refitted.

use super::acting::{self, CalibrationRows, Contacts, as_scored, untreated, without_treated};
use super::drivers::{Driver, drivers};
use super::measured::{ChurnMeasured, Measured, Tested, threshold};
use super::season::Seasons;
use super::{Progress, Purpose};
use crate::churn::groups::risk_groups;
use crate::churn::season::Shift;
use crate::churn::{self, Choice, ChurnPart, ChurnTask, Examples, Validation};
use crate::config::{Config, Definition, Language, Span};
use crate::error::{Error, Result};
use crate::evaluate::classify::{Classification, classification};
use crate::evaluate::folds::stratified;
use crate::evaluate::hindsight::hindsight;
use crate::evaluate::honesty::WindowMeasured;
use crate::evaluate::leaks;
use crate::evaluate::windows::Windows;
use crate::exports::Exports;
use crate::monitor::drift::spreads;
use crate::output::features::FeatureRows;
use crate::output::report::WindowLine;
use crate::snapshot::label::ChurnRule;
use crate::snapshot::learned::{Base, FeaturePlan};
use crate::snapshot::{FeatureValues, is_called};
use crate::timeline::Cutoff;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A churn model with its features, or why there is none.
pub(super) type Churn = std::result::Result<Learnt, String>;

/// A churn model with its features: the part is there when the purpose is to fit.
pub(super) struct Learnt {
    pub plan: FeaturePlan,
    pub part: Option<ChurnPart>,
    pub windows: Vec<WindowLine>,
    pub moved: Vec<f64>,
    pub drivers: Vec<Driver>,
    pub rows: Vec<FeatureRows>,
}

impl Learnt {
    fn fitted(plan: FeaturePlan, part: ChurnPart, windows: Vec<WindowLine>, examples: &Examples, language: Language) -> Learnt {
        let (moved, drivers) = drivers(&part, examples, language);
        Learnt { plan, part: Some(part), windows, moved, drivers, rows: Vec::new() }
    }

    pub(super) fn without_part(plan: FeaturePlan, windows: Vec<WindowLine>) -> Learnt {
        Learnt { plan, part: None, windows, moved: Vec::new(), drivers: Vec::new(), rows: Vec::new() }
    }
}

/// # Errors
/// 78 when `monotone` names what is no number among the features.
pub(super) fn task(config: &Config, plan: &FeaturePlan) -> Result<ChurnTask> {
    let monotone = config.churn.monotone.iter().map(|(name, rising)| match plan.specs.iter().position(|spec| is_called(&spec.name, name)) {
        Some(place) if plan.specs[place].values == FeatureValues::Number => Ok((place, *rising)),
        Some(_) => Err(Error::config(format!("[churn] monotone: {name:?} has categories; expected a number"))),
        None => Err(Error::config(format!("[churn] monotone: no feature and no column of the profiles is called {name:?}; inspect lists the features"))),
    });
    Ok(ChurnTask {
        seed: config.project.seed,
        effort: config.churn.effort,
        learners: config.churn.learners.clone(),
        recency: plan.specs.iter().position(|spec| spec.name == "days_since_last"),
        monotone: monotone.collect::<Result<_>>()?,
    })
}

/// The column that the recency rule goes by: days since the last order, or, of subscriptions, since the last of what customers do most, for invoices come
/// by themselves.
fn recency(config: &Config, exports: &Exports, plan: &FeaturePlan) -> Option<usize> {
    let column = |name: &str| plan.specs.iter().position(|spec| spec.name == name);
    let orders = column("days_since_last");
    if !matches!(config.churn.definition, Definition::Subscription { .. }) {
        return orders;
    }
    let store = &exports.events;
    let counts = store.kind_counts();
    let is_alive = |kind: &String| config.churn.kinds.contains(kind);
    let of_orders: usize = store.kinds.iter().zip(&counts).filter(|(kind, _)| is_alive(kind)).map(|(_, count)| count).sum();
    let by_customers = store.kinds.iter().zip(counts).filter(|(kind, count)| !is_alive(kind) && *kind != "contact" && *count > of_orders);
    let most = by_customers.filter_map(|(kind, count)| Some((count, column(&format!("days_since_{kind}"))?))).max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    most.map(|(_, column)| column).or(orders)
}

/// Event histories: windows in time.
#[allow(clippy::too_many_arguments)]
pub(super) fn windowed(
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
    let contacts = Contacts::new(config, exports, windows.end);
    let (customers, examples, by_group) = snapshots(exports, &plan, rule, &cutoffs, &contacts)?;
    let of = |cutoff: &Cutoff| &examples[cutoffs.iter().position(|known| known == cutoff).expect("every window is in all()")];

    let oldest = examples.iter().skip(usize::from(examples.len() > 1)).collect::<Vec<_>>();
    let known = stack(&oldest);
    let mut leaks = leaks::leaks(&known.matrix, &known.labels, &config.churn.allow_leak);
    drop(known);
    leaks.extend(hindsight(exports, &config.churn.kinds, cutoffs[0], windows.end, &config.churn.allow_leak));
    measured.warnings.extend(leaks::refuse(leaks)?);

    progress.stage("churn");
    let task = ChurnTask { recency: recency(config, exports, &plan), ..task(config, &plan)? };
    let seed = config.project.seed;
    let of_all = |cutoffs: &[Cutoff]| stack(&cutoffs.iter().map(of).collect::<Vec<_>>());
    let (choice, known) = match (&windows.test, &windows.choose, windows.fit.is_empty()) {
        (Some(_), Some(choose), false) => {
            let judged = |cutoff: &Cutoff| without_treated(of(cutoff)).into_owned();
            let older = windows.also.iter().map(|(older, fit)| (judged(older), of_all(fit)));
            let older = older.filter(|(_, fit)| churn::has_both(&fit.labels)).collect();
            let choice = churn::choose(&of_all(&windows.fit), &Validation::Window(judged(choose), older), &task);
            (choice, Some(of_all(&windows.before_test)))
        }
        (Some(_), Some(choose), true) => {
            measured.warnings.push("history is too short for windows of its own to choose in: settings are chosen out-of-fold within one window".into());
            let examples = of(choose);
            (churn::choose(examples, &Validation::Folds(stratified(&examples.labels, 5, seed)), &task), Some(of_all(&windows.before_test)))
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
    let seasons = Seasons::new(exports, rule, &config.churn, windows);
    measured.base = Some(test_examples.labels.len());
    measured.churn_rate = Some(share(&test_examples.labels));
    measured.cutoff = Some(test.date());
    measured.horizon = Some(config.churn.horizon.as_days());
    warn_if_thin(&test_examples.labels, measured);
    measured.warnings.extend(acting::warning(test_examples));
    measured.churn = Some(match known {
        Some(known) => {
            let before: Vec<&Examples> = windows.before_test.iter().map(of).collect();
            let season = seasons.shift(test, windows.before_test[0]);
            let (mut churn, probabilities) = measure(config, &choice, &known, test_examples, &CalibrationRows::new(&before, by_group, seed), season)?;
            churn.backtest = backtest(config, &choice, &cutoffs, &examples, by_group, &seasons)?;
            measured.tested = Some(Tested { cutoff: Some(test), probabilities });
            churn
        }
        None => out_of_fold(&choice),
    });
    let lines: Vec<WindowLine> = cutoffs
        .iter()
        .zip(&examples)
        .map(|(cutoff, examples)| WindowLine::new(windows.role(*cutoff), cutoff.date(), cutoff.plus(config.churn.horizon).date(), &examples.labels))
        .collect();
    if purpose != Purpose::Fit {
        let mut learnt = Learnt::without_part(plan, lines);
        if purpose == Purpose::Features {
            let rows = cutoffs.iter().zip(customers).zip(examples).filter(|((cutoff, _), _)| **cutoff == test || windows.before_test.contains(cutoff));
            learnt.rows = rows
                .map(|((cutoff, customers), examples)| {
                    let probabilities = measured.tested.as_ref().filter(|_| *cutoff == test).map(|tested| tested.probabilities.clone());
                    // As it was scored: nobody knows at a cut-off who will be contacted after it.
                    let examples = if probabilities.is_some() { as_scored(&examples).into_owned() } else { examples };
                    FeatureRows { cutoff: cutoff.date(), customers, examples, probabilities }
                })
                .collect();
        }
        return Ok(Ok(learnt));
    }

    progress.stage("refit");
    let mut last = FeaturePlan::learn(exports, config, windows.end, true);
    let (newer, by_group) = if last.reading == plan.reading {
        (None, by_group)
    } else if last.reading.same_of_events(&plan.reading) {
        let of_end = |place: &usize| windows.before_end.contains(&cutoffs[*place]);
        let places: Vec<usize> = (0..cutoffs.len()).filter(of_end).collect();
        with_profiles(exports, &last, (&cutoffs, &customers, &examples), &places, &contacts).map(|(newer, by_group)| (Some(newer), by_group))?
    } else {
        snapshots(exports, &last, rule, &windows.before_end, &contacts).map(|(_, newer, by_group)| (Some(newer), by_group))?
    };
    let parts: Vec<&Examples> = newer.as_ref().map_or_else(|| windows.before_end.iter().map(of).collect(), |newer| newer.iter().collect());
    let all = stack(&parts);
    let mut part = choice.refit(choice.chosen, &all)?;
    CalibrationRows::new(&parts, by_group, seed).settle(&mut part);
    part.season = seasons.year_after(test);
    last.remember_typical(&all.matrix);
    last.spreads = spreads(&parts.iter().map(|part| &part.matrix).collect::<Vec<_>>());
    Ok(Ok(Learnt::fitted(last, part, lines, &all, config.project.language)))
}

/// The customers of each window with what was known of them and what they did; and whether their contacts are told by group.
fn snapshots(
    exports: &Exports,
    plan: &FeaturePlan,
    rule: &ChurnRule<'_>,
    cutoffs: &[Cutoff],
    contacts: &Contacts<'_>,
) -> Result<(Vec<Vec<u32>>, Vec<Examples>, bool)> {
    let bound = plan.bind(exports)?;
    let (customers, labels): (Vec<Vec<u32>>, Vec<Vec<bool>>) = rule.bases(cutoffs).into_iter().unzip();
    let learned = plan.learn_tables(exports, cutoffs);
    let bases: Vec<Base<'_>> =
        cutoffs.iter().zip(&customers).zip(&learned).map(|((cutoff, customers), learned)| Base { cutoff: *cutoff, customers, learned }).collect();
    let matrices = bound.matrices(exports, &bases);
    let mut examples: Vec<Examples> = matrices.into_iter().zip(labels).map(|(matrix, labels)| Examples { matrix, labels }).collect();
    let by_group = contacts.mark(&mut examples, &customers, cutoffs);
    Ok((customers, examples, by_group))
}

/// Some of the windows, by their places, with what a plan that reads the same of the events reads of the profiles.
fn with_profiles(
    exports: &Exports,
    plan: &FeaturePlan,
    (cutoffs, customers, examples): (&[Cutoff], &[Vec<u32>], &[Examples]),
    places: &[usize],
    contacts: &Contacts<'_>,
) -> Result<(Vec<Examples>, bool)> {
    let bound = plan.bind(exports)?;
    let renew = |place: &usize| {
        let Examples { matrix, labels } = &examples[*place];
        Examples { matrix: bound.with_profiles(exports, &customers[*place], cutoffs[*place], matrix), labels: labels.clone() }
    };
    let mut renewed: Vec<Examples> = places.iter().map(renew).collect();
    let (cutoffs, customers): (Vec<Cutoff>, Vec<Vec<u32>>) = places.iter().map(|place| (cutoffs[*place], customers[*place].clone())).unzip();
    let by_group = contacts.mark(&mut renewed, &customers, &cutoffs);
    Ok((renewed, by_group))
}

fn stack(parts: &[&Examples]) -> Examples {
    Examples {
        matrix: crate::snapshot::FeatureMatrix::stack(&parts.iter().map(|part| &part.matrix).collect::<Vec<_>>()),
        labels: parts.iter().flat_map(|part| part.labels.iter().copied()).collect(),
    }
}

pub(super) fn share(labels: &[bool]) -> f64 {
    labels.iter().filter(|label| **label).count() as f64 / labels.len().max(1) as f64
}

fn warn_if_thin(labels: &[bool], measured: &mut Measured) {
    let left = labels.iter().filter(|label| **label).count();
    if labels.len() < 500 || left < 50 {
        measured.warnings.push(format!("the measures rest on {} customers of whom {left} left: differences of a few hundredths are noise", labels.len()));
    }
}

/// Every candidate, refitted on what was known, on the test rows; and the probabilities of the one chosen.
/// `newest` tells what the log-odds of each mean; `season` is what the time of the year adds, to all but the naive rule.
fn measure(
    config: &Config,
    choice: &Choice,
    known: &Examples,
    test: &Examples,
    newest: &CalibrationRows<'_>,
    season: Shift,
) -> Result<(ChurnMeasured, Vec<f64>)> {
    let mut parts = choice.refit_all(known)?;
    parts.par_iter_mut().for_each(|part| newest.settle(part));
    // Everyone is scored as if nobody were contacted; how well that holds is judged where it is so.
    let (scored, judged) = (as_scored(test), untreated(test));
    let recency = choice.candidates.iter().position(|candidate| candidate.name == "recency_rule");
    let foretold =
        |(place, part): (usize, &ChurnPart)| part.probabilities_shifted(&scored.matrix, if Some(place) == recency { Shift::default() } else { season });
    let mut probabilities: Vec<Vec<f64>> = parts.par_iter().enumerate().with_max_len(1).map(foretold).collect();
    let models: BTreeMap<String, Classification> = choice
        .candidates
        .iter()
        .zip(&probabilities)
        .map(|(candidate, probabilities)| (candidate.name.clone(), classification(probabilities, &test.labels)))
        .collect();
    let base_rate = parts[choice.chosen].base_rate;
    // The naive rule: how long ago the last activity was; without dates, the base rate for everyone.
    let (name, rule) = match recency {
        Some(place) => ("recency_rule", probabilities[place].clone()),
        None => ("base_rate", vec![base_rate; test.labels.len()]),
    };
    let chosen = probabilities.swap_remove(choice.chosen);
    let name_of_chosen = &choice.candidates[choice.chosen].name;
    let own = models[name_of_chosen];
    let mut measured = ChurnMeasured::of(config, name_of_chosen, own, models, (&chosen, &test.labels), Some((name, &rule)), base_rate);
    if judged.len() < test.labels.len() {
        let own: Vec<f64> = judged.iter().map(|row| chosen[*row]).collect();
        let labels: Vec<bool> = judged.iter().map(|row| test.labels[*row]).collect();
        let untreated = ChurnMeasured::of(config, name_of_chosen, classification(&own, &labels), BTreeMap::new(), (&own, &labels), None, base_rate);
        (measured.reliability, measured.calibration_error) = (untreated.reliability, untreated.calibration_error);
    }
    // Nearly what was added: from the probabilities with it.
    measured.season = chosen.iter().map(|p| season.at(*p)).sum::<f64>() / chosen.len().max(1) as f64;
    measured.risk_groups = risk_groups(&as_scored(known), &scored, config.project.seed, config.project.language);
    Ok((measured, chosen))
}

/// Older windows: the chosen settings fitted on what had ended before each, with one seed. Settings were chosen on newer windows; rows were not.
fn backtest(config: &Config, choice: &Choice, cutoffs: &[Cutoff], examples: &[Examples], by_group: bool, seasons: &Seasons<'_>) -> Result<Vec<WindowMeasured>> {
    let horizon = config.churn.horizon;
    let measure = |place: &usize| -> Result<Option<WindowMeasured>> {
        let cutoff = cutoffs[*place];
        let (older, before): (Vec<Cutoff>, Vec<&Examples>) = cutoffs.iter().copied().zip(examples).filter(|(older, _)| older.plus(horizon) <= cutoff).unzip();
        let known = stack(&before);
        if !churn::has_both(&known.labels) {
            return Ok(None);
        }
        let mut part = choice.refit_once(choice.chosen, &known)?;
        CalibrationRows::new(&before, by_group, config.project.seed).settle(&mut part);
        let window = as_scored(&examples[*place]);
        let probabilities = part.probabilities_shifted(&window.matrix, seasons.shift(cutoff, older[0]));
        Ok(Some(WindowMeasured::of(cutoff.date(), &probabilities, &window.labels, threshold(config))))
    };
    let measured: Vec<Option<WindowMeasured>> = apart(cutoffs, horizon).par_iter().with_max_len(1).map(measure).collect::<Result<_>>()?;
    Ok(measured.into_iter().flatten().collect())
}

/// Places of the windows that do not overlap each other nor the newest, and have something to learn from before them, newest first.
fn apart(cutoffs: &[Cutoff], horizon: Span) -> Vec<usize> {
    let mut newer = cutoffs.first().copied();
    let mut places = Vec::new();
    for (place, cutoff) in cutoffs.iter().enumerate() {
        let ends = cutoff.plus(horizon);
        let learns = cutoffs.iter().any(|older| older.plus(horizon) <= *cutoff);
        if learns && newer.is_some_and(|newer| ends <= newer) {
            newer = Some(*cutoff);
            places.push(place);
        }
    }
    places
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
        base_rate: f64::NAN,
        intervals: None,
        deciles: Vec::new(),
        calibration_error: f64::NAN,
        grade: None,
        at_threshold: None,
        profit: None,
        backtest: Vec::new(),
        season: 0.0,
        risk_groups: Vec::new(),
    }
}

/// The examples of a labelled table, in the order of its rows; rows without a label are left out.
pub(super) fn labelled_examples(exports: &Exports, plan: &FeaturePlan, end: Cutoff) -> Result<(Vec<usize>, Examples)> {
    let labelled = |row: &usize| exports.labels.get(exports.label_rows[*row] as usize).is_some_and(Option::is_some);
    let rows: Vec<usize> = (0..exports.label_rows.len()).filter(labelled).collect();
    let customers: Vec<u32> = rows.iter().map(|row| exports.label_rows[*row]).collect();
    let labels = customers.iter().map(|customer| exports.labels[*customer as usize] == Some(true)).collect();
    let matrix = plan.bind(exports)?.matrix(exports, &customers, end, &plan.learned);
    Ok((rows, Examples { matrix, labels }))
}

/// Labelled tables: seeded stratified folds in the same three roles.
pub(super) fn labelled(
    config: &Config,
    exports: &Exports,
    mut plan: FeaturePlan,
    end: Cutoff,
    purpose: Purpose,
    measured: &mut Measured,
    progress: &mut dyn Progress,
) -> Result<Churn> {
    let (rows, examples) = labelled_examples(exports, &plan, end)?;
    progress.stage("churn");
    let task = task(config, &plan)?;
    let seed = config.project.seed;
    let fold = stratified(&examples.labels, 5, seed);
    let (test_rows, known_rows): (Vec<usize>, Vec<usize>) = (0..fold.len()).partition(|row| fold[*row] == 0);
    let known = select(&examples, &known_rows);
    let test = select(&examples, &test_rows);
    measured.warnings.extend(leaks::refuse(leaks::leaks(&known.matrix, &known.labels, &config.churn.allow_leak))?);
    measured.warnings.extend(leaks::refuse_twins(&known.matrix, &test.matrix, &config.churn.allow_leak)?);
    let choice = match churn::choose(&known, &Validation::Folds(stratified(&known.labels, 5, seed)), &task) {
        Ok(choice) => choice,
        Err(error) if error.kind() == crate::error::ErrorKind::Data => return Ok(Err(error.message().to_string())),
        Err(error) => return Err(error),
    };
    measured.base = Some(test.labels.len());
    measured.churn_rate = Some(share(&test.labels));
    warn_if_thin(&test.labels, measured);
    let (churn, probabilities) = measure(config, &choice, &known, &test, &CalibrationRows::default(), Shift::default())?;
    measured.churn = Some(churn);
    measured.tested = Some(Tested { cutoff: None, probabilities });
    let lines = vec![WindowLine::new("test", String::new(), String::new(), &test.labels), WindowLine::new("fit", String::new(), String::new(), &known.labels)];
    if purpose != Purpose::Fit {
        let mut learnt = Learnt::without_part(plan, lines);
        if purpose == Purpose::Features {
            let customers = |places: &[usize]| places.iter().map(|place| exports.label_rows[rows[*place]]).collect::<Vec<u32>>();
            let probabilities = measured.tested.as_ref().map(|tested| tested.probabilities.clone());
            learnt.rows = vec![
                FeatureRows { cutoff: String::new(), customers: customers(&test_rows), examples: test, probabilities },
                FeatureRows { cutoff: String::new(), customers: customers(&known_rows), examples: known, probabilities: None },
            ];
        }
        return Ok(Ok(learnt));
    }
    progress.stage("refit");
    let part = choice.refit(choice.chosen, &examples)?;
    plan.remember_typical(&examples.matrix);
    plan.spreads = spreads(&[&examples.matrix]);
    Ok(Ok(Learnt::fitted(plan, part, lines, &examples, config.project.language)))
}

pub(super) fn select(examples: &Examples, rows: &[usize]) -> Examples {
    Examples { matrix: examples.matrix.select(rows), labels: rows.iter().map(|row| examples.labels[*row]).collect() }
}
