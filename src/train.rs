//! From exports to bundle and report: one line per stage.

mod acting;
mod churn;
mod compare;
mod decide;
mod drivers;
mod folds;
mod measured;
mod recommend;
mod season;

pub use compare::{Comparison, against_champion, compare};
pub use drivers::Driver;
pub use folds::validate_folds;
pub use measured::{ArmMeasured, ChurnMeasured, DecideMeasured, Measured, RankMeasured, Rows};

use crate::bundle::{Bundle, Meta};
use crate::churn::{rarer, tiers};
use crate::config::{Config, Definition, Effort, Tier, TierFrom};
use crate::decide::learn::learn;
use crate::decide::lists::with_lists;
use crate::decide::past::past;
use crate::error::{Error, ErrorKind, Result};
use crate::evaluate::tail::{thin_end, told_until};
use crate::evaluate::windows::{Steps, Windows};
use crate::exports::{Exports, ReadOptions};
use crate::journey::Journey;
use crate::monitor::freshness::ExportHabits;
use crate::output::features::FeatureRows;
use crate::output::report::WindowLine;
use crate::segment::{Rfm, SegmentRules};
use crate::snapshot::facts::Facts;
use crate::snapshot::label::ChurnRule;
use crate::snapshot::learned::{FeaturePlan, Reading, histories};
use crate::timeline::{Cutoff, History, Moment, ProfileValues};
use crate::value::{Summary, ValueModel};
use churn::Learnt;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::time::Instant;

/// Told when a stage begins, so that whoever watches can draw and time it.
pub trait Progress: Send {
    /// A stage begins, and the one before it ends.
    fn stage(&mut self, name: &str);
    /// The stage at hand ends, and none begins yet.
    fn end(&mut self);
    /// A stage that ran beside the others is done.
    fn beside(&mut self, name: &str, seconds: f64);
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
    pub moved: Vec<f64>,
    /// For [`Purpose::Features`]: the rows that the churn model was measured with, the test window first.
    pub rows: Vec<FeatureRows>,
}

/// What a training does at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Measure, then refit on everything for the bundle.
    Fit,
    /// Measure only.
    Validate,
    /// Measure only, and keep the rows that the churn model was measured with.
    Features,
}

/// Reads the exports of a config.
///
/// # Errors
/// As [`crate::exports::read`].
pub fn read(config: &Config, threads: usize, progress: &mut dyn Progress) -> Result<Exports> {
    progress.stage("read");
    crate::exports::read(config, ReadOptions { threads, as_of: None, pseudonyms: false })
}

/// Learns everything from the exports, measures it and, for [`Purpose::Fit`], refits on all windows.
///
/// # Errors
/// 65 when the data cannot be learnt from, 78 when the config names what the exports do not have.
pub fn train(config: &Config, exports: &Exports, purpose: Purpose, progress: &mut dyn Progress) -> Result<Trained> {
    let mut measured = Measured { rows: rows(exports), customers: exports.customers.len(), items: exports.items.ids.len(), ..Measured::default() };
    let (end, cut_short) = end_of_data(config, exports);
    measured.warnings.extend(cut_short);
    let rule = ChurnRule::new(exports, &config.churn)?;
    let windows = windows(config, exports, end)?;
    // Cut-offs that the config names are as someone wants them.
    if config.churn.cutoffs.is_none()
        && let Some(fault) = thin_end(&exports.events, &config.churn, latest(exports))
    {
        return Err(Error::data(fault));
    }

    progress.stage("features");
    let plan = FeaturePlan::learn(exports, config, windows.test.unwrap_or(end), config.churn.definition != Definition::Label);
    let reading = plan.reading.clone();
    // None knows of the others, and each has stretches that only one thread can work on.
    let learn_churn = || {
        let churn = match &config.churn.definition {
            Definition::None => Ok(Err("the config says [churn] definition = \"none\"".to_string())),
            Definition::Label => churn::labelled(config, exports, plan, end, purpose, &mut measured, progress),
            Definition::Inactivity | Definition::Subscription { .. } => {
                churn::windowed(config, exports, plan, &rule, &windows, purpose, &mut measured, progress)
            }
        };
        // What is left to wait for is the other's time.
        progress.end();
        churn
    };
    let learn_ranking = || {
        let began = Instant::now();
        (recommend::recommend(config, exports, &windows, purpose), began.elapsed())
    };
    let learn_customers = || {
        let began = Instant::now();
        (Customers::learn(config, exports, &reading, end), began.elapsed())
    };
    let (churn, ((ranking, ranking_took), (customers, customers_took))) = rayon::join(learn_churn, || rayon::join(learn_ranking, learn_customers));
    progress.beside("recommend", ranking_took.as_secs_f64());
    progress.beside("segments", customers_took.as_secs_f64());
    let churn = churn?.unwrap_or_else(|reason| {
        measured.reasons.insert("churn".into(), reason);
        Learnt::without_part(FeaturePlan::learn(exports, config, end, true), Vec::new())
    });

    crate::churn::reasons::check_hidden(&churn.plan, &config.churn.hide_reasons)?;
    measured.drivers.clone_from(&churn.drivers);

    let recommend = recommend::measured(ranking?, &mut measured);
    measured.warnings.extend(measured.churn.as_ref().and_then(ChurnMeasured::warning_of_chance));
    measured.warnings.extend(tier_warnings(&measured, &config.churn.tiers));

    let mut effects = None;
    if !config.treatments.is_empty() {
        progress.stage("decide");
        decide::measure(config, exports, None, &mut measured)?;
        if purpose == Purpose::Fit {
            let (past, note) = with_lists(config, exports, past(config, exports, end));
            measured.warnings.extend(note);
            effects = learn(config, exports, &past, end)?;
        }
    }

    let Customers { segments, value, journey, habits } = customers;
    let mut churn = churn;
    churn.plan.learned.value = value;
    let mut meta = meta(config, exports, end, &measured);
    if effects.is_none() {
        let reason = if config.treatments.is_empty() { "the config has no [[treatments]]" } else { "no past contact was over by the end of training" };
        meta.missing.insert("effects".into(), reason.into());
    }
    if journey.is_none() {
        meta.missing.insert("journey".into(), "no purchase came after another kind of event".into());
    }
    let bundle = Bundle { meta, features: churn.plan, churn: churn.part, recommend, effects, segments, habits, journey };
    Ok(Trained { bundle, measured, windows: churn.windows, moved: churn.moved, rows: churn.rows })
}

/// Customers of the newest window in each tier, by the cheapest learner that gives probabilities; empty where churn cannot be learnt.
///
/// # Errors
/// As [`train`], but for columns that give the label away: those stop a training, not a look at the data.
pub fn expected_tiers(config: &Config, exports: &Exports) -> Result<Vec<(String, usize)>> {
    struct Silent;
    impl Progress for Silent {
        fn stage(&mut self, _: &str) {}
        fn end(&mut self) {}
        fn beside(&mut self, _: &str, _: f64) {}
    }
    let mut config = config.clone();
    config.churn.learners = vec!["logistic".into()];
    config.churn.effort = Effort::Quick;
    let (end, _) = end_of_data(&config, exports);
    let rule = ChurnRule::new(exports, &config.churn)?;
    let windows = windows(&config, exports, end)?;
    let plan = FeaturePlan::learn(exports, &config, windows.test.unwrap_or(end), config.churn.definition != Definition::Label);
    let mut measured = Measured::default();
    let learnt = match &config.churn.definition {
        Definition::None => return Ok(Vec::new()),
        Definition::Label => churn::labelled(&config, exports, plan, end, Purpose::Validate, &mut measured, &mut Silent),
        Definition::Inactivity | Definition::Subscription { .. } => {
            churn::windowed(&config, exports, plan, &rule, &windows, Purpose::Validate, &mut measured, &mut Silent)
        }
    };
    match learnt {
        Err(error) if error.kind() != ErrorKind::Data => Err(error),
        _ => Ok(measured.churn.map(|churn| churn.tiers).unwrap_or_default()),
    }
}

/// Tiers that nobody falls into, or too many.
fn tier_warnings(measured: &Measured, bounds: &[Tier]) -> Vec<String> {
    let base = measured.base.unwrap_or(0);
    let of_churn = |churn: &ChurnMeasured| {
        // A multiple of the base rate fits already, and one that the staff fill holds as many as it can.
        let begins_too_high = |name: &str, count: usize| {
            let tier = bounds.iter().find(|tier| tier.name == name);
            tier.is_some_and(|tier| matches!(tier.from, TierFrom::Probability(_)) && tier.max.is_none_or(|max| (count as u64) < max))
        };
        let warning = |(tier, count): &(String, usize)| match *count {
            count if count > 0 && (count as f64) < 0.01 * base as f64 && begins_too_high(tier, count) => Some(format!(
                "the tier {tier} holds {count} of {base} customers, fewer than 1 %: a bound as a multiple of the base rate (lift) fits such a base better"
            )),
            count => tiers::fault(bounds, churn.base_rate, tier, count, base),
        };
        churn.tiers.iter().filter_map(warning).collect()
    };
    measured.churn.as_ref().map(of_churn).unwrap_or_default()
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
    newest.map_or(Moment(0), Moment::next_day)
}

/// The moment until which who left is known, and what is to be said of it: [`latest`], unless what counts as alive ends before. Cut-offs that the config names
/// are as someone wants them.
pub fn end_of_data(config: &Config, exports: &Exports) -> (Cutoff, Option<String>) {
    let end = latest(exports);
    match told_until(&exports.events, &config.churn, end).filter(|_| config.churn.cutoffs.is_none()) {
        None => (end, None),
        Some(until) => {
            let warning = format!(
                "no {} after {}, though other rows go on to {}: nothing is learnt from the days after it; leave rows dated ahead out (`where`), or export what is cut short again",
                config.churn.kinds.join(", "),
                Moment(until.0 - 1).date(),
                Moment(end.0 - 1).date()
            );
            (until, Some(warning))
        }
    }
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
    // Who has a subscription is in the base whenever something is told of them.
    let steps = if churn.definition == Definition::Inactivity { Steps::of(&exports.events, &churn.kinds, end) } else { Steps::default() };
    let cut = |fewer: usize| Windows::cut(first, end, churn.horizon, churn.active_within, fewer, &steps);
    let windows = cut(usize::MAX);
    // Counted in the window that chooses: the test window has no say in what is learnt.
    let Some(choose) = windows.choose.filter(|_| matches!(churn.definition, Definition::Inactivity | Definition::Subscription { .. })) else {
        return Ok(windows);
    };
    let (_, labels) = ChurnRule::new(exports, churn)?.base(choose);
    Ok(cut(rarer(&labels)))
}

/// A calendar day `YYYY-MM-DD` as the moment it begins.
///
/// # Errors
/// 78 saying what was found.
pub fn parse_date(text: &str) -> Result<Moment> {
    let date: jiff::civil::Date = text.parse().map_err(|_| Error::config(format!("found \"{text}\", expected a day as YYYY-MM-DD")))?;
    Ok(Moment::of_date(date))
}

/// What is learnt of the customers beside their leaving and their taste.
struct Customers {
    segments: Option<SegmentRules>,
    value: Option<ValueModel>,
    journey: Option<Journey>,
    habits: Option<ExportHabits>,
}

impl Customers {
    /// From what they did before the end.
    fn learn(config: &Config, exports: &Exports, reading: &Reading, end: Cutoff) -> Customers {
        let map = reading.kind_map(exports);
        let of_history = |history: History<'_>| {
            let facts = Facts::of(&history, &map);
            (Rfm::of(&facts), facts.summary())
        };
        let known: Vec<(Option<Rfm>, Option<Summary>)> = if reading.has.events { histories(exports, end).map(of_history).collect() } else { Vec::new() };
        let (rfm, summaries): (Vec<Option<Rfm>>, Vec<Option<Summary>>) = known.into_iter().unzip();
        Customers {
            segments: SegmentRules::learn(&rfm.into_iter().flatten().collect::<Vec<_>>()),
            value: ValueModel::fit(&summaries.into_iter().flatten().collect::<Vec<_>>()),
            journey: Journey::learn(exports, &config.churn.kinds, config.churn.horizon, end),
            habits: ExportHabits::learn(&exports.events, end),
        }
    }
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
