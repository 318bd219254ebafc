//! The bundle mapped over timelines to risk and offers: one line per stage.
//!
//! *Map*: [`slim_row`] sees the bundle and one customer's history. *Reduce*: rank and capped tiers over slim rows.

use crate::bundle::Bundle;
use crate::churn::reasons::{reasons, sentence};
use crate::churn::tiers;
use crate::config::{Config, Definition};
use crate::error::{Error, Result};
use crate::exports::{Exports, ReadOptions};
use crate::output::{ExcludedRow, OfferRow, RiskRow, decision_id};
use crate::recommend::ItemEvent;
use crate::snapshot::FeatureMatrix;
use crate::snapshot::facts::Facts;
use crate::snapshot::label::{ChurnRule, Standing};
use crate::snapshot::learned::{BoundPlan, history};
use crate::snapshot::status::Status;
use crate::timeline::{Cutoff, Moment};
use crate::train::{Progress, latest, parse_date};
use rayon::prelude::*;

/// What to score.
#[derive(Debug, Clone, Default)]
pub struct ScoreOptions {
    /// The as-of date, exclusive: `YYYY-MM-DD`; `None` or `latest` is the day after the newest event.
    pub as_of: Option<String>,
    /// An as-of before the bundle's last training day is allowed: the numbers then flatter.
    pub backtest: bool,
    /// Threads; the result does not depend on it.
    pub threads: usize,
}

/// The rows of a run.
#[derive(Debug, Default)]
pub struct Scored {
    /// The as-of date, `YYYY-MM-DD`; empty for exports without dates.
    pub as_of: String,
    /// The base, riskiest first, ties by id.
    pub risk: Vec<RiskRow>,
    /// Columns passed through from the profiles: name, and one text per row of `risk`.
    pub carried: Vec<(String, Vec<String>)>,
    /// By customer, then rank.
    pub offers: Vec<OfferRow>,
    /// By customer.
    pub excluded: Vec<ExcludedRow>,
    /// Customers of the base per tier, highest tier first.
    pub tiers: Vec<(String, usize)>,
    /// Why columns are blank and what was noticed.
    pub notes: Vec<String>,
}

/// What one customer's timeline says, before ranks and capped tiers.
struct SlimRow {
    customer: u32,
    standing: Standing,
    status: Option<Status>,
    days_since_last: Option<i64>,
    orders: Option<u64>,
    value: Option<f64>,
    segment: &'static str,
    features: Vec<f64>,
}

/// Refuses a config whose meaning is not the bundle's.
///
/// # Errors
/// 78 naming the key and both values.
pub fn same_contract(config: &Config, bundle: &Bundle) -> Result<()> {
    let ours = config.contract();
    let theirs = &bundle.meta.contract;
    let describe = |value: Option<&String>| value.map_or("not set".to_string(), |value| format!("\"{value}\""));
    let find = |list: &[(String, String)], key: &str| list.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
    for key in ours.iter().chain(theirs).map(|(key, _)| key) {
        let (here, there) = (find(&ours, key), find(theirs, key));
        if here != there {
            return Err(Error::config(format!(
                "{key} is {} here and {} in the bundle; scoring with another meaning would be wrong: restore it or retrain",
                describe(here.as_ref()),
                describe(there.as_ref())
            ))
            .file(&config.path));
        }
    }
    Ok(())
}

/// The as-of date of a run.
///
/// # Errors
/// 78 for a date that is none or that lies before the bundle's last training day (unless a back-test is asked for).
pub fn as_of(exports: &Exports, bundle: &Bundle, options: &ScoreOptions) -> Result<Cutoff> {
    let cutoff = match options.as_of.as_deref() {
        None | Some("latest") => latest(exports),
        Some(text) => parse_date(text)?,
    };
    if !bundle.meta.trained_until.is_empty() && !options.backtest && cutoff < parse_date(&bundle.meta.trained_until)? {
        return Err(Error::config(format!(
            "as-of {} lies before {}, until which the bundle was trained: it has seen the days it would foretell; use an older bundle, or --backtest if that is meant",
            cutoff.date(),
            bundle.meta.trained_until
        )));
    }
    Ok(cutoff)
}

/// Reads the exports for scoring.
///
/// # Errors
/// As [`crate::exports::read`].
pub fn read(config: &Config, options: &ScoreOptions, progress: &mut dyn Progress) -> Result<Exports> {
    progress.stage("read");
    let as_of = options.as_of.as_deref().filter(|text| *text != "latest").map(parse_date).transpose()?;
    crate::exports::read(config, ReadOptions { threads: options.threads, as_of })
}

/// Scores every customer of the exports.
///
/// # Errors
/// 65 for stale exports or ones that lack what the model reads, 78 for an as-of that does not fit.
pub fn score(config: &Config, exports: &Exports, bundle: &Bundle, bundle_hash: &str, options: &ScoreOptions, progress: &mut dyn Progress) -> Result<Scored> {
    let cutoff = as_of(exports, bundle, options)?;
    let dated = exports.newest.is_some();
    let mut scored = Scored { as_of: if dated { cutoff.date() } else { String::new() }, ..Scored::default() };
    if let Some(habits) = bundle.habits.as_ref().filter(|_| !options.backtest) {
        scored.notes.extend(habits.check(&exports.events, cutoff, &config.project.allow_stale)?);
    }
    for (part, reason) in &bundle.meta.missing {
        scored.notes.push(format!("no {part}: {reason}"));
    }

    progress.stage("features");
    let bound = bundle.features.bind(exports)?;
    let rule = ChurnRule::new(exports, &config.churn)?;
    let rows: Vec<SlimRow> =
        (0..exports.customers.len() as u32).into_par_iter().map(|customer| slim_row(config, exports, bundle, &bound, &rule, customer, cutoff)).collect();

    progress.stage("churn");
    risk(config, exports, bundle, bundle_hash, &rows, &mut scored);

    progress.stage("recommend");
    offers(config, exports, bundle, bundle_hash, cutoff, &mut scored);
    Ok(scored)
}

/// Everything that depends on one customer's timeline and the bundle alone.
fn slim_row(config: &Config, exports: &Exports, bundle: &Bundle, bound: &BoundPlan<'_>, rule: &ChurnRule<'_>, customer: u32, cutoff: Cutoff) -> SlimRow {
    let history = history(exports, customer, cutoff);
    let plan = bound.plan;
    let standing = rule.standing(&history);
    let mut row = SlimRow { customer, standing, status: None, days_since_last: None, orders: None, value: None, segment: "", features: Vec::new() };
    let facts = if plan.reading.has.events { Facts::of(&history, &bound.map) } else { Facts { cutoff: Some(cutoff), ..Facts::default() } };
    if plan.reading.has.events {
        row.status = Status::of(&facts, &plan.learned, config.churn.active_within);
        row.days_since_last = facts.orders.last().map(|_| facts.days_since_last().floor() as i64);
        row.orders = Some(facts.orders.len() as u64);
        row.value = plan.reading.has.amount.then(|| facts.orders.iter().filter(|order| facts.age(order.time) <= 365.0).map(|order| order.amount).sum());
        row.segment = bundle.segments.as_ref().map_or("", |rules| rules.segment(&facts));
    }
    if standing == Standing::Base && bundle.churn.is_some() {
        bound.row_of(&facts, &history, &plan.learned, &mut row.features);
    }
    row
}

/// The name in excluded.csv of what keeps a customer out of the base; empty for its members.
fn excluding_rule(standing: Standing) -> &'static str {
    match standing {
        Standing::Base => "",
        Standing::AlreadyInactive => "already_inactive",
        Standing::AlreadyLeft => "already_left",
        Standing::NoHistory => "no_history",
    }
}

/// Reduce: probabilities, ranks, tiers, reasons; the rest is excluded by name of the rule.
fn risk(config: &Config, exports: &Exports, bundle: &Bundle, bundle_hash: &str, rows: &[SlimRow], scored: &mut Scored) {
    let id = |customer: u32| exports.customers[customer as usize].to_string();
    for row in rows.iter().filter(|row| row.standing != Standing::Base) {
        let rule = excluding_rule(row.standing);
        scored.excluded.push(ExcludedRow {
            customer_id: id(row.customer),
            rule: rule.into(),
            status: row.status.map_or("", Status::name).into(),
            days_since_last: row.days_since_last,
            orders: row.orders,
            value: row.value,
        });
    }
    let base: Vec<&SlimRow> = rows.iter().filter(|row| row.standing == Standing::Base).collect();
    let mut risk: Vec<RiskRow> = base
        .iter()
        .map(|row| RiskRow {
            customer_id: id(row.customer),
            as_of: scored.as_of.clone(),
            decision_id: decision_id(&exports.customers[row.customer as usize], "", &scored.as_of, bundle_hash),
            churn_probability: None,
            risk_tier: String::new(),
            risk_rank: None,
            status: row.status.map_or("", Status::name).into(),
            days_since_last: row.days_since_last,
            orders: row.orders,
            value: row.value,
            segment: row.segment.into(),
            reasons: Vec::new(),
        })
        .collect();
    let carried = |order: &[usize]| {
        exports.carry.iter().map(|(name, texts)| (name.clone(), order.iter().map(|at| texts[base[*at].customer as usize].clone()).collect())).collect()
    };
    let mut order: Vec<usize> = (0..base.len()).collect();
    let Some(part) = &bundle.churn else {
        scored.carried = carried(&order);
        scored.risk = risk;
        return;
    };
    // Chunks bound the memory of the matrices; each row's result depends on that row alone.
    const CHUNK: usize = 4_096;
    type Judged = (f64, Vec<(String, String)>);
    let results: Vec<Vec<Judged>> = base
        .par_chunks(CHUNK)
        .map(|chunk| {
            let matrix = FeatureMatrix::from_rows(bundle.features.specs.clone(), chunk.iter().map(|row| row.features.as_slice()));
            let probabilities = part.probabilities(&matrix);
            let words = chunk
                .iter()
                .enumerate()
                .map(|(number, row)| reasons(&bundle.features, &row.features, &part.contributions(&matrix, number), 3, config.project.language));
            probabilities.into_iter().zip(words).collect()
        })
        .collect();
    for (row, (probability, reasons)) in risk.iter_mut().zip(results.into_iter().flatten()) {
        row.churn_probability = Some(probability);
        row.reasons = reasons;
    }
    // Customers are in byte order of id, so a stable sort leaves ties by id.
    order.sort_by(|a, b| risk[*b].churn_probability.unwrap_or(0.0).total_cmp(&risk[*a].churn_probability.unwrap_or(0.0)));
    scored.carried = carried(&order);
    let mut risk: Vec<RiskRow> = order.iter().map(|at| risk[*at].clone()).collect();
    let sorted: Vec<f64> = risk.iter().filter_map(|row| row.churn_probability).collect();
    let assigned = tiers::assign(&config.churn.tiers, part.base_rate, &sorted);
    for (rank, (row, tier)) in risk.iter_mut().zip(&assigned).enumerate() {
        row.risk_rank = Some(rank as u64 + 1);
        row.risk_tier = (*tier).into();
    }
    scored.tiers = config.churn.tiers.iter().map(|tier| (tier.name.clone(), assigned.iter().filter(|name| **name == tier.name).count())).collect();
    for (name, count) in &scored.tiers {
        if *count == 0 {
            scored.notes.push(format!("the tier {name} is empty: no customer's risk reaches it"));
        } else if *count as f64 > 0.3 * sorted.len() as f64 {
            scored.notes.push(format!("the tier {name} holds {count} of {} customers, more than 30 %: too many to act on", sorted.len()));
        }
    }
    scored.risk = risk;
}

/// The next best items of every customer.
fn offers(config: &Config, exports: &Exports, bundle: &Bundle, bundle_hash: &str, cutoff: Cutoff, scored: &mut Scored) {
    let Some(recommender) = &bundle.recommend else { return };
    let items = recommender.map_items(exports);
    let may = |item: usize| exports.items.recommendable.is_empty() || exports.items.recommendable[item];
    let unknown = items.iter().enumerate().filter(|(item, known)| known.is_none() && may(*item)).count();
    if unknown > 0 {
        scored.notes.push(format!(
            "{unknown} items were not sold when the bundle was trained: they are not recommended and tell nothing about taste until the next fit"
        ));
    }
    let store = if exports.events.is_empty() { &exports.untimed } else { &exports.events };
    let customers: Vec<u32> = (0..exports.customers.len() as u32).collect();
    const BLOCK: usize = 1_024;
    for block in customers.chunks(BLOCK * rayon::current_num_threads().max(1)) {
        let (histories, groups): (Vec<Vec<ItemEvent>>, Vec<Option<u32>>) = block
            .par_iter()
            .map(|customer| {
                let cutoff = if exports.events.is_empty() { Moment(i64::MAX) } else { cutoff };
                let history = crate::timeline::Timeline::new(*customer, store, &exports.profiles).split(cutoff, crate::config::Span::days(0)).0;
                let events = recommender.item_events(&history, &items);
                let group = if events.is_empty() { recommender.group(&history) } else { None };
                (events, group)
            })
            .unzip();
        for (customer, list) in block.iter().zip(recommender.recommend_alike(&histories, &groups, config.recommend.per_customer)) {
            for (rank, recommended) in list.into_iter().enumerate() {
                let (item_id, item_name) = recommender.item(recommended.item);
                let customer_id = &exports.customers[*customer as usize];
                scored.offers.push(OfferRow {
                    customer_id: customer_id.to_string(),
                    as_of: scored.as_of.clone(),
                    decision_id: decision_id(customer_id, item_id, &scored.as_of, bundle_hash),
                    rank: rank as u32 + 1,
                    item_id: item_id.into(),
                    item_name: item_name.into(),
                    score: f64::from(recommended.score),
                    reason_code: recommended.reason_code.into(),
                    reason: recommended.reason,
                    ..OfferRow::default()
                });
            }
        }
    }
}

/// Why a customer is, or is not, on the list.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// Who.
    pub customer_id: String,
    /// As of when.
    pub as_of: String,
    /// Each rule of the base with its verdict, in the order applied.
    pub rules: Vec<(String, bool)>,
    /// The rule that keeps the customer out of risk.csv, as in excluded.csv; empty for members of the base.
    pub excluded_by: String,
    /// The risk row, as in risk.csv: probability, tier (uncapped), status.
    pub churn_probability: Option<f64>,
    /// The tier that the probability reaches, before the staff's capacity caps it.
    pub risk_tier: String,
    /// The status.
    pub status: String,
    /// Every feature: name, sentence, what it adds to the log-odds.
    pub features: Vec<ExplainedFeature>,
    /// Log-odds without any feature.
    pub base_log_odds: Option<f64>,
    /// The reasons as in risk.csv.
    pub reasons: Vec<(String, String)>,
    /// The items offered with their reasons.
    pub offers: Vec<(String, String, String)>,
}

/// A feature of an explanation.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExplainedFeature {
    /// Its name.
    pub name: String,
    /// In words, with the customer's and the typical value.
    pub sentence: String,
    /// What it adds to the log-odds of leaving.
    pub adds: f64,
}

/// Explains one customer.
///
/// # Errors
/// 65 when the exports do not have the customer; otherwise as [`score`].
pub fn explain(config: &Config, exports: &Exports, bundle: &Bundle, customer: &str, options: &ScoreOptions) -> Result<Explanation> {
    let cutoff = as_of(exports, bundle, options)?;
    let index = exports
        .customers
        .binary_search_by(|known| known.as_bytes().cmp(customer.as_bytes()))
        .map_err(|_| Error::data(format!("the exports have no customer \"{customer}\"; ids are compared byte for byte")))? as u32;
    let bound = bundle.features.bind(exports)?;
    let rule = ChurnRule::new(exports, &config.churn)?;
    let row = slim_row(config, exports, bundle, &bound, &rule, index, cutoff);
    let mut explanation = Explanation {
        customer_id: customer.into(),
        as_of: if exports.newest.is_some() { cutoff.date() } else { String::new() },
        rules: rules(config, &row),
        excluded_by: excluding_rule(row.standing).into(),
        churn_probability: None,
        risk_tier: String::new(),
        status: row.status.map_or("", Status::name).into(),
        features: Vec::new(),
        base_log_odds: None,
        reasons: Vec::new(),
        offers: Vec::new(),
    };
    if let Some(part) = bundle.churn.as_ref().filter(|_| row.standing == Standing::Base) {
        let matrix = FeatureMatrix::from_rows(bundle.features.specs.clone(), std::iter::once(row.features.as_slice()));
        let probability = part.probabilities(&matrix)[0];
        let contributions = part.contributions(&matrix, 0);
        explanation.churn_probability = Some(probability);
        explanation.risk_tier = tiers::assign(&config.churn.tiers, part.base_rate, &[probability])[0].into();
        explanation.base_log_odds = Some(contributions.base);
        explanation.reasons = reasons(&bundle.features, &row.features, &contributions, 3, config.project.language);
        explanation.features = bundle
            .features
            .specs
            .iter()
            .enumerate()
            .map(|(column, spec)| ExplainedFeature {
                name: spec.name.clone(),
                sentence: sentence(spec, row.features[column], bundle.features.typical[column], config.project.language),
                adds: contributions.by_feature[column],
            })
            .collect();
        explanation.features.sort_by(|a, b| b.adds.abs().total_cmp(&a.adds.abs()).then_with(|| a.name.cmp(&b.name)));
    }
    if let Some(recommender) = &bundle.recommend {
        let items = recommender.map_items(exports);
        let store = if exports.events.is_empty() { &exports.untimed } else { &exports.events };
        let until = if exports.events.is_empty() { Moment(i64::MAX) } else { cutoff };
        let history = crate::timeline::Timeline::new(index, store, &exports.profiles).split(until, crate::config::Span::days(0)).0;
        let list = recommender.recommend_alike(&[recommender.item_events(&history, &items)], &[recommender.group(&history)], config.recommend.per_customer);
        explanation.offers = list
            .into_iter()
            .flatten()
            .map(|offer| (recommender.item(offer.item).0.to_string(), recommender.item(offer.item).1.to_string(), offer.reason))
            .collect();
    }
    Ok(explanation)
}

/// The rules of the base in words, each with its verdict.
fn rules(config: &Config, row: &SlimRow) -> Vec<(String, bool)> {
    let inside = row.standing == Standing::Base;
    match &config.churn.definition {
        Definition::None => vec![("no churn model is asked for".into(), true)],
        Definition::Label => vec![("the label does not say that the customer has left".into(), inside)],
        Definition::Inactivity => {
            let seen = row.standing != Standing::NoHistory;
            let mut rules = vec![(format!("has a {} before the as-of date", config.churn.kinds.join(" or ")), seen)];
            if seen {
                let since = row.days_since_last.map_or(String::new(), |days| format!(" (the last was {days} days ago)"));
                rules.push((format!("has one in the last {:.0} days{since}", config.churn.active_within.as_days()), inside));
            }
            rules
        }
        Definition::Subscription { .. } => {
            vec![("the subscription had begun".into(), row.standing != Standing::NoHistory), ("the subscription is running".into(), inside)]
        }
    }
}
