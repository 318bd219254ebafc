//! The bundle mapped over timelines to risk and offers: one line per stage.
//!
//! *Map*: [`slim_row`] sees the bundle and one customer's history. *Reduce*: rank and capped tiers over slim rows.

mod challenger;
mod explain;
mod follow;
mod list;
mod measure;
mod models;
mod offers;
mod risk;

pub use challenger::{ChallengerOutcome, Verdict};
pub use explain::{ExplainedFeature, Explanation, explain};
pub use measure::{ChurnOutcome, OfferOutcome, Outcome, measure};
pub use models::{Model, Models, Side};

use crate::bundle::Bundle;
use crate::churn::reasons::check_hidden;
use crate::churn::season::odds_factor;
use crate::config::{Config, Definition};
use crate::decide::{Asked, Decisions};
use crate::error::{Error, Result};
use crate::evaluate::tail::told_until;
use crate::exports::{Exports, ReadOptions};
use crate::monitor::drift::drifted;
use crate::monitor::reach;
use crate::output::crm::{Delivery, ListRow, PastList};
use crate::output::{ExcludedRow, OfferRow, RiskRow};
use crate::snapshot::facts::Facts;
use crate::snapshot::features::CONTACTED;
use crate::snapshot::label::{ChurnRule, Standing};
use crate::snapshot::learned::{BoundPlan, Learned, history};
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
    /// What is asked about the offers beside the decision.
    pub asked: Asked,
}

impl ScoreOptions {
    /// The as-of date where one is given, as it is written.
    fn day(&self) -> Option<&str> {
        self.as_of.as_deref().filter(|text| *text != "latest")
    }
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
    /// Customers to be acted on, riskiest first: the rows of crm/.
    pub list: Vec<ListRow>,
    /// Headers of the columns that the rows of `list` carry.
    pub list_columns: Vec<String>,
    /// Whether who may be contacted differs between channels.
    pub by_channel: bool,
    /// What was decided on offers: counts per rule, budgets.
    pub decisions: Decisions,
    /// Why columns are blank and what was noticed.
    pub notes: Vec<String>,
}

impl Scored {
    /// What crm/ is told beside its rows; `previous` is the list of the run before.
    pub fn delivery(&self, config: &Config, previous: Option<PastList>) -> Delivery<'_> {
        let offers = if config.offers.is_empty() { 0 } else { config.decide.offers_per_customer.unwrap_or(1) as usize };
        let items = if self.offers.iter().any(|offer| offer.assignment.is_empty()) { config.recommend.per_customer } else { 0 };
        Delivery { as_of: &self.as_of, carried: self.list_columns.iter().map(String::as_str).collect(), by_channel: self.by_channel, offers, items, previous }
    }
}

/// What one customer's timeline says, before ranks and capped tiers.
struct SlimRow {
    customer: u32,
    /// Whose numbers this customer gets.
    side: Side,
    standing: Standing,
    status: Option<Status>,
    days_since_last: Option<i64>,
    orders: Option<u64>,
    value: Option<f64>,
    /// Mean amount of an order.
    mean_order: Option<f64>,
    /// Orders expected within the horizon, and what they are worth.
    expected: (Option<f64>, Option<f64>),
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
    let find = |list: &[(String, String)], key: &str| list.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
    for key in ours.iter().chain(theirs).map(|(key, _)| key) {
        let (here, there) = (find(&ours, key), find(theirs, key));
        if here != there {
            return Err(Error::config(format!(
                "{key} is {} here and {} in the bundle; scoring with another meaning would be wrong: restore it or retrain",
                here.as_deref().unwrap_or("not set"),
                there.as_deref().unwrap_or("not set")
            ))
            .file(&config.path));
        }
    }
    Ok(())
}

/// The end of a bundle's training; `None` for tables without dates.
fn trained_until(bundle: &Bundle) -> Result<Option<Cutoff>> {
    let text = bundle.meta.trained_until.as_str();
    if text.is_empty() { Ok(None) } else { parse_date(text).map(Some) }
}

/// The as-of date of a run.
///
/// # Errors
/// 78 for a date that is none or that lies before the bundle's last training day (unless a back-test is asked for).
pub fn as_of(exports: &Exports, bundle: &Bundle, options: &ScoreOptions) -> Result<Cutoff> {
    let cutoff = options.day().map_or_else(|| Ok(latest(exports)), parse_date)?;
    if trained_until(bundle)?.is_some_and(|until| !options.backtest && cutoff < until) {
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
    let as_of = options.day().map(parse_date).transpose()?;
    crate::exports::read(config, ReadOptions { threads: options.threads, as_of, pseudonyms: true })
}

/// Scores every customer of the exports.
///
/// # Errors
/// 65 for stale exports or ones that lack what the model reads, 78 for an as-of that does not fit.
pub fn score(config: &Config, exports: &Exports, models: &Models<'_>, options: &ScoreOptions, progress: &mut dyn Progress) -> Result<Scored> {
    let bundle = models.champion.bundle;
    let cutoff = as_of(exports, bundle, options)?;
    if let Some((challenger, _)) = models.challenger {
        as_of(exports, challenger.bundle, options)?;
    }
    check_hidden(&bundle.features, &config.churn.hide_reasons)?;
    let dated = exports.newest.is_some();
    let mut scored = Scored { as_of: if dated { cutoff.date() } else { String::new() }, ..Scored::default() };
    if !exports.own_ids.is_empty() {
        scored.notes.push("customers go by pseudonyms ([privacy] key_file): with the key the same in every run, without it nobody's".into());
    }
    if let Some(habits) = bundle.habits.as_ref().filter(|_| !options.backtest) {
        let (churn, allowed) = (&config.churn, &config.project.allow_stale);
        let ahead = told_until(&exports.events, churn, cutoff).filter(|_| options.day().is_none()).map(|until| {
            format!(
                "; the newest {} is of {}: where other rows are dated ahead, say --as-of {}",
                churn.kinds.join(", "),
                Moment(until.0 - 1).date(),
                until.date()
            )
        });
        scored.notes.extend(habits.check(&exports.events, cutoff, allowed).map_err(|error| match ahead {
            Some(ahead) => Error::data(format!("{}{ahead}", error.message())),
            None => error,
        })?);
        let asked = (churn.definition == Definition::Inactivity).then_some(churn.active_within.as_days());
        let reaches = reach::reaches(exports, cutoff, habits, bundle.features.learned.history_days, &churn.kinds, asked);
        scored.notes.extend(reach::check(&reaches, cutoff, allowed)?);
    }
    if let Some(factor) = bundle.churn.as_ref().and_then(|part| odds_factor(part.season.shift(cutoff).at(part.base_rate))) {
        scored.notes.push(format!("the time of the year: odds of leaving times {factor:.2} for a typical customer, from what the year before did then"));
    }
    if let Some((limit, until)) = config.project.max_model_age.zip(trained_until(bundle)?) {
        let age = cutoff.days_since(until);
        if age > limit.as_days() {
            scored.notes.push(format!(
                "the bundle was trained until {}, {age:.0} days ago, longer than max_model_age = {:.0} days: retrain",
                bundle.meta.trained_until,
                limit.as_days()
            ));
        }
    }
    // An offer test that could not be measured in training is nothing that this run lacks, nor are ways to a purchase; what the lack of effects means
    // is told with the offers.
    for (part, reason) in bundle.meta.missing.iter().filter(|(part, _)| !["decide", "effects", "journey"].contains(&part.as_str())) {
        scored.notes.push(format!("no {part}: {reason}"));
    }

    progress.stage("features");
    let bound = models.all().map(|(_, model)| model.bundle.features.bind(exports)).collect::<Result<Vec<_>>>()?;
    let learned: Vec<Learned> = models.all().map(|(_, model)| model.bundle.features.learned_for(exports, cutoff)).collect();
    let rule = ChurnRule::new(exports, &config.churn)?;
    let sides = models.sides(config, exports);
    let slim = |customer: u32| {
        let side = sides[customer as usize];
        SlimRow { side, ..slim_row(config, exports, models.of(side).bundle, (&bound[side as usize], &learned[side as usize]), &rule, customer, cutoff) }
    };
    let rows: Vec<SlimRow> = (0..exports.customers.len() as u32).into_par_iter().map(slim).collect();
    if let Some((challenger, share)) = models.challenger {
        let challenged = sides.iter().filter(|side| **side == Side::Challenger).count();
        scored.notes.push(format!(
            "{challenged} of {} customers ({:.1} %) are scored by the challenger, trained until {}: the column `model` says who",
            sides.len(),
            100.0 * share,
            challenger.bundle.meta.trained_until
        ));
    }

    progress.stage("churn");
    risk::risk(config, exports, models, cutoff, &rows, &mut scored);
    scored.notes.extend(drift(bundle, &rows));

    progress.stage("recommend");
    offers::offers(config, exports, models, cutoff, &rows, &options.asked, &mut scored)?;
    list::list(config, exports, cutoff, &rows, &mut scored);
    Ok(scored)
}

/// Features named in the note on drift.
const NAMED: usize = 3;

/// Whether the customers of the base look otherwise than in training, in a sentence.
fn drift(bundle: &Bundle, rows: &[SlimRow]) -> Option<String> {
    let base: Vec<&[f64]> = rows
        .iter()
        .filter(|row| row.side == Side::Champion && row.standing == Standing::Base)
        .map(|row| row.features.as_slice())
        .filter(|row| !row.is_empty())
        .collect();
    let plan = &bundle.features;
    // Contacts are set to none when scoring, and are meant to differ.
    let found: Vec<_> = drifted(&plan.specs, &plan.spreads, &base).into_iter().filter(|drifted| drifted.name != CONTACTED).collect();
    let named: Vec<String> = found.iter().take(NAMED).map(|drifted| format!("{}: {}", drifted.name, drifted.what)).collect();
    let more = if found.len() > NAMED { "; …" } else { "" };
    (!found.is_empty()).then(|| {
        format!(
            "{} of {} features lie far from where they lay in training ({}{more}): check units and columns of the exports, or retrain",
            found.len(),
            plan.specs.len(),
            named.join("; ")
        )
    })
}

/// Everything that depends on one customer's timeline and the bundle alone.
fn slim_row(
    config: &Config,
    exports: &Exports,
    bundle: &Bundle,
    (bound, learned): (&BoundPlan<'_>, &Learned),
    rule: &ChurnRule<'_>,
    customer: u32,
    cutoff: Cutoff,
) -> SlimRow {
    let history = history(exports, customer, cutoff);
    let plan = bound.plan;
    let standing = rule.standing(&history);
    let mut row = SlimRow {
        customer,
        side: Side::Champion,
        standing,
        status: None,
        days_since_last: None,
        orders: None,
        value: None,
        mean_order: None,
        expected: (None, None),
        segment: "",
        features: Vec::new(),
    };
    let facts = if plan.reading.has.events { Facts::of(&history, &bound.map) } else { Facts { cutoff: Some(cutoff), ..Facts::default() } };
    if plan.reading.has.events {
        row.status = Status::of(&facts, learned, config.churn.active_within);
        row.days_since_last = facts.orders.last().map(|_| facts.days_since_last().floor() as i64);
        row.orders = Some(facts.orders.len() as u64);
        row.value = plan.reading.has.amount.then(|| facts.orders.iter().filter(|order| facts.age(order.time) <= 365.0).map(|order| order.amount).sum());
        if let Some((model, summary)) = learned.value.zip(facts.summary()) {
            let (orders, value) = model.expected(&summary, config.churn.horizon.as_days() / 7.0);
            row.expected = (Some(orders), value.filter(|_| plan.reading.has.amount));
        }
        row.mean_order = plan.reading.has.amount.then(|| facts.orders.iter().map(|order| order.amount).sum::<f64>() / facts.orders.len().max(1) as f64);
        row.segment = bundle.segments.as_ref().map_or("", |rules| rules.segment(&facts));
    }
    if standing == Standing::Base && bundle.churn.is_some() {
        bound.row_of(&facts, &history, learned, &mut row.features);
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
