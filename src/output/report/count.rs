//! Rows and measures become the numbers of the pages.

use super::{DecidedLine, EffectLine, FamilyLine, ModelLine, RunReport, SMALLEST_GROUP, SegmentLine, TierLine, TrainReport, WindowLine};
use crate::bundle::Bundle;
use crate::churn::tiers::threshold;
use crate::config::{Config, Definition};
use crate::decide::Assignment;
use crate::decide::effects::{Effect, Effects};
use crate::exports::Exports;
use crate::output::RiskRow;
use crate::recommend::RankReport;
use crate::score::Scored;
use crate::segment::SEGMENTS;
use crate::train::Trained;
use std::collections::BTreeMap;

/// Bars of the histogram.
const SLICES: usize = 20;
/// Most reasons, items and drivers shown.
const MOST_LINES: usize = 15;

impl RunReport {
    /// Counts the rows of a run.
    pub fn of(config: &Config, bundle: &Bundle, bundle_hash: &str, exports: &Exports, scored: &Scored) -> RunReport {
        let probability = |row: &RiskRow| row.churn_probability.unwrap_or(0.0);
        let scored_at_all = bundle.churn.is_some();
        let has_value = scored.risk.iter().any(|row| row.value.is_some());
        let dated = !scored.as_of.is_empty();
        let mut histogram = vec![0; if scored_at_all { SLICES } else { 0 }];
        for row in scored.risk.iter().filter(|_| scored_at_all) {
            histogram[((probability(row) * SLICES as f64) as usize).min(SLICES - 1)] += 1;
        }
        RunReport {
            language: Some(config.project.language),
            project: config.project.name.clone(),
            currency: config.project.currency.clone(),
            as_of: scored.as_of.clone(),
            horizon_days: dated.then(|| config.churn.horizon.as_days()),
            trained_until: bundle.meta.trained_until.clone(),
            bundle_hash: bundle_hash.into(),
            model: bundle.churn.as_ref().map(|part| part.name.clone()),
            base_rate: bundle.churn.as_ref().map(|part| part.base_rate),
            customers: scored.risk.len() as u64,
            expected_leaving: scored_at_all.then(|| scored.risk.iter().map(probability).sum()),
            value_at_risk: (scored_at_all && has_value).then(|| scored.risk.iter().map(|row| probability(row) * row.value.unwrap_or(0.0)).sum()),
            offers: scored.offers.len() as u64,
            customers_with_offers: scored.offers.iter().filter(|offer| offer.rank == 1).count() as u64,
            tiers: if scored_at_all { tier_lines(config, bundle, scored, has_value) } else { Vec::new() },
            histogram,
            statuses: ["new", "active", "slowing", "returned"]
                .iter()
                .map(|status| (status.to_string(), scored.risk.iter().filter(|row| row.status == *status).count() as u64))
                .filter(|(_, count)| *count > 0)
                .collect(),
            segments: segment_lines(scored, scored_at_all, has_value),
            reasons: most(scored.risk.iter().filter_map(|row| row.reasons.first()).map(|(code, _)| (code.clone(), 1))),
            items: items(scored),
            decided: decided(scored),
            resources: scored.decisions.resources.clone(),
            kept_back: most(scored.decisions.kept_out.iter().map(|(rule, count)| ((*rule).to_owned(), *count))),
            excluded: most(scored.excluded.iter().map(|row| (row.rule.clone(), 1))),
            rejects: most(exports.rejects.iter().map(|reject| (reject.class.to_string(), 1))),
            files: exports.counts.clone(),
            notes: exports.notes.iter().chain(&scored.notes).cloned().collect(),
        }
    }
}

fn tier_lines(config: &Config, bundle: &Bundle, scored: &Scored, has_value: bool) -> Vec<TierLine> {
    let base_rate = bundle.churn.as_ref().map_or(0.0, |part| part.base_rate);
    let named = config.churn.tiers.iter().map(|tier| (tier.name.clone(), Some(threshold(tier, base_rate))));
    named
        .chain([(String::new(), None)])
        .map(|(name, from)| {
            let rows = || scored.risk.iter().filter(|row| row.risk_tier == name);
            TierLine {
                from,
                customers: rows().count() as u64,
                // Of nobody the sum would be minus nothing.
                expected_leaving: rows().filter_map(|row| row.churn_probability).fold(0.0, |sum, probability| sum + probability),
                value: has_value.then(|| rows().filter_map(|row| row.value).fold(0.0, |sum, value| sum + value)),
                name: name.clone(),
            }
        })
        .collect()
}

fn segment_lines(scored: &Scored, scored_at_all: bool, has_value: bool) -> Vec<SegmentLine> {
    SEGMENTS
        .iter()
        .map(|name| {
            let rows = || scored.risk.iter().filter(|row| row.segment == *name);
            let customers = rows().count() as u64;
            SegmentLine {
                name: name.to_string(),
                customers,
                probability: (scored_at_all && customers > 0).then(|| rows().filter_map(|row| row.churn_probability).sum::<f64>() / customers as f64),
                value: has_value.then(|| rows().filter_map(|row| row.value).fold(0.0, |sum, value| sum + value)),
            }
        })
        .filter(|line| line.customers >= SMALLEST_GROUP)
        .collect()
}

/// How often each text occurs, most frequent first, ties by text.
fn most(texts: impl Iterator<Item = (String, u64)>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    texts.for_each(|(text, count)| *counts.entry(text).or_default() += count);
    let mut lines: Vec<(String, u64)> = counts.into_iter().collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.1));
    lines.truncate(MOST_LINES);
    lines
}

/// The items that most customers get; an offer need not have one.
fn items(scored: &Scored) -> Vec<(String, String, u64)> {
    let with_item = || scored.offers.iter().filter(|offer| !offer.item_id.is_empty());
    let names: BTreeMap<&str, &str> = with_item().map(|offer| (offer.item_id.as_str(), offer.item_name.as_str())).collect();
    most(with_item().map(|offer| (offer.item_id.clone(), 1))).into_iter().map(|(item, count)| (item.clone(), names[item.as_str()].to_string(), count)).collect()
}

/// What was decided, offer by offer, those that most get first.
fn decided(scored: &Scored) -> Vec<DecidedLine> {
    let decisions = &scored.decisions;
    let mut lines: BTreeMap<usize, DecidedLine> = BTreeMap::new();
    for row in &decisions.rows {
        let offer = &decisions.offers[row.offer];
        let line = lines
            .entry(row.offer)
            .or_insert_with(|| DecidedLine { name: if offer.name.is_empty() { offer.id.clone() } else { offer.name.clone() }, ..DecidedLine::default() });
        if row.assignment == Assignment::Control {
            line.control += 1;
            continue;
        }
        line.sent += 1;
        line.cost += row.worth.contact_cost + row.worth.accept_cost.unwrap_or(0.0);
        if let Some(net) = row.worth.net {
            *line.net.get_or_insert(0.0) += net;
        }
    }
    let mut lines: Vec<DecidedLine> = lines.into_values().collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.sent));
    lines.truncate(MOST_LINES);
    lines
}

impl TrainReport {
    /// Counts what a training measured.
    pub fn of(config: &Config, bundle_hash: &str, exports: &Exports, trained: &Trained) -> TrainReport {
        let (bundle, measured) = (&trained.bundle, &trained.measured);
        let total: f64 = trained.moved.iter().sum();
        let share = |sum: f64| if total > 0.0 { sum / total } else { 0.0 };
        let mut families: Vec<FamilyLine> = Vec::new();
        for (spec, moved) in bundle.features.specs.iter().zip(&trained.moved) {
            match families.iter_mut().find(|line| line.name == spec.family) {
                Some(line) => {
                    line.features += 1;
                    line.share += share(*moved);
                }
                None => families.push(FamilyLine { name: spec.family.clone(), features: 1, share: share(*moved) }),
            }
        }
        families.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
        let churn = measured.churn.as_ref();
        TrainReport {
            language: Some(config.project.language),
            project: config.project.name.clone(),
            version: bundle.meta.version.clone(),
            trained_until: bundle.meta.trained_until.clone(),
            bundle_hash: bundle_hash.into(),
            seed: bundle.meta.seed,
            definition: definition(config),
            counts: bundle.meta.counts.iter().map(|(name, count)| (name.replace('_', " "), *count)).collect(),
            windows: trained.windows.clone(),
            base: measured.base.map(|base| base as u64),
            churn_rate: measured.churn_rate,
            models: churn.map_or_else(Vec::new, |churn| {
                let line = |(name, model): (&String, &crate::evaluate::classify::Classification)| ModelLine {
                    name: name.clone(),
                    chosen: *name == churn.chosen,
                    baseline: name == "recency_rule" || name == "base_rate",
                    measured: *model,
                };
                churn.models.iter().map(line).collect()
            }),
            reliability: churn.map_or_else(Vec::new, |churn| churn.reliability.clone()),
            calibration_error: churn.filter(|churn| !churn.reliability.is_empty()).map(|churn| churn.calibration_error),
            recommend: measured.recommend.as_ref().map(|recommend| RankReport {
                chosen: recommend.chosen.clone(),
                ranked_customers: measured.ranked_customers.unwrap_or(0),
                items: measured.items,
                bought_once: recommend.bought_once.clone(),
                models: recommend
                    .models
                    .iter()
                    .map(|(name, ranking)| (name.clone(), *ranking))
                    .chain([(recommend.chosen.clone(), recommend.ranking)])
                    .collect(),
                detail: recommend.detail.clone(),
                warnings: Vec::new(),
            }),
            families,
            drivers: measured.drivers.clone(),
            churn: churn.cloned(),
            effects: bundle.effects.as_ref().map_or_else(Vec::new, effects),
            journey: bundle.journey.clone(),
            currency: config.project.currency.clone(),
            missing: measured.reasons.iter().map(|(part, reason)| (part.clone(), reason.clone())).collect(),
            warnings: measured.warnings.clone(),
            notes: exports.all_notes(),
        }
    }
}

fn effects(effects: &Effects) -> Vec<EffectLine> {
    let differs: Vec<&str> = effects.personal().collect();
    let line = |(name, effect): (&str, &Effect)| EffectLine {
        name: name.into(),
        sent: effect.treated as u64,
        responded: effect.accept,
        change: effect.response.map(|change| (change.mean, change.interval())),
        differs: differs.contains(&name),
    };
    effects.most_sent().into_iter().take(MOST_LINES).map(line).collect()
}

/// What leaving means, in words.
fn definition(config: &Config) -> String {
    let churn = &config.churn;
    match &churn.definition {
        Definition::Inactivity => format!(
            "no {} within {:.0} days, asked of customers with one in the {:.0} days before",
            churn.kinds.join(" or "),
            churn.horizon.as_days(),
            churn.active_within.as_days()
        ),
        Definition::Subscription { end, .. } => format!("the subscription ({end}) ends within {:.0} days and is not renewed", churn.horizon.as_days()),
        Definition::Label => "the label of the table".into(),
        Definition::None => "not asked".into(),
    }
}

impl WindowLine {
    /// A window and what became of its base.
    pub fn new(role: &str, cutoff: String, until: String, labels: &[bool]) -> WindowLine {
        WindowLine { role: role.into(), cutoff, until, customers: labels.len() as u64, churners: labels.iter().filter(|left| **left).count() as u64 }
    }
}
