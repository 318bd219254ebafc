//! Why one customer is, or is not, on the list.

use super::{Models, ScoreOptions, SlimRow, as_of, excluding_rule, score, slim_row};
use crate::bundle::Bundle;
use crate::churn::reasons::{reasons, sentence};
use crate::churn::tiers;
use crate::config::{Config, Definition};
use crate::decide::{Asked, OfferWhy};
use crate::error::{Error, Result};
use crate::exports::Exports;
use crate::recommend::{Shopper, Stock, Wanted};
use crate::snapshot::FeatureMatrix;
use crate::snapshot::label::{ChurnRule, Standing};
use crate::snapshot::status::Status;
use crate::train::Progress;

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
    /// Every offer of the config: its rules, the terms of its value, and what became of it.
    pub decisions: Vec<OfferWhy>,
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
/// 65 when the exports do not have the customer; otherwise as [`super::score`].
pub fn explain(config: &Config, exports: &Exports, bundle: &Bundle, customer: &str, options: &ScoreOptions) -> Result<Explanation> {
    let cutoff = as_of(exports, bundle, options)?;
    // Asked for by the id or, where customers go by pseudonyms, by either.
    let by_own_id = || exports.own_ids.iter().position(|id| **id == *customer).map(|place| place as u32);
    let index = exports.customer(customer).or_else(by_own_id).ok_or_else(|| unknown(config, customer))?;
    let bound = bundle.features.bind(exports)?;
    let rule = ChurnRule::new(exports, &config.churn)?;
    let row = slim_row(config, exports, bundle, (&bound, &bundle.features.learned_for(exports, cutoff)), &rule, index, cutoff);
    let mut explanation = Explanation {
        customer_id: exports.customers[index as usize].to_string(),
        as_of: if exports.newest.is_some() { cutoff.date() } else { String::new() },
        rules: rules(config, &row),
        excluded_by: excluding_rule(row.standing).into(),
        churn_probability: None,
        risk_tier: String::new(),
        status: row.status.map_or("", Status::name).into(),
        features: Vec::new(),
        base_log_odds: None,
        reasons: Vec::new(),
        decisions: Vec::new(),
        offers: Vec::new(),
    };
    if !config.offers.is_empty() {
        // Budgets are shared: what a customer gets depends on all others.
        let options = ScoreOptions { asked: Asked { why: Some(index), ..Asked::default() }, ..options.clone() };
        explanation.decisions = score(config, exports, &Models::only(bundle, ""), &options, &mut Unwatched)?.decisions.why;
    }
    if let Some(part) = bundle.churn.as_ref().filter(|_| row.standing == Standing::Base) {
        let matrix = FeatureMatrix::from_rows(bundle.features.specs.clone(), std::iter::once(row.features.as_slice()));
        let probability = part.probabilities_at(&matrix, cutoff)[0];
        let contributions = part.contributions(&matrix, 0);
        explanation.churn_probability = Some(probability);
        explanation.risk_tier = tiers::assign(&config.churn.tiers, part.base_rate, &[probability])[0].into();
        explanation.base_log_odds = Some(contributions.base);
        explanation.reasons = reasons(&bundle.features, &row.features, &contributions, 3, &config.churn.hide_reasons, config.project.language);
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
        let history = super::offers::item_history(exports, index, cutoff);
        let stock = Stock::new(exports, config.recommend.place.as_deref())?;
        let shelves = stock.shelves(recommender, &items);
        let events = recommender.item_events(&history, &items);
        let shopper =
            Shopper { events: &events, group: recommender.group(&history), context: recommender.context(&history), shelf: shelves.at(stock.place(&history)) };
        let list = recommender.recommend_to(&[shopper], &Wanted::of(config));
        explanation.offers = list
            .into_iter()
            .flatten()
            .map(|offer| (recommender.item(offer.item).0.to_string(), recommender.item(offer.item).1.to_string(), offer.reason))
            .collect();
    }
    Ok(explanation)
}

/// The run inside an explanation is no stage of its own.
struct Unwatched;

impl Progress for Unwatched {
    fn stage(&mut self, _: &str) {}
    fn end(&mut self) {}
    fn beside(&mut self, _: &str, _: f64) {}
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

fn unknown(config: &Config, customer: &str) -> Error {
    let mut message = format!("the exports have no customer \"{customer}\"; ids are compared byte for byte");
    if !config.identities.is_empty() {
        message.push_str("; who has several ids goes by their customer id, as risk.csv has it");
    }
    if config.privacy.exclude_ids.is_some() {
        message.push_str("; who stands in exclude_ids is left out");
    }
    Error::data(message)
}
