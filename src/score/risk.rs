//! Reduce: probabilities, ranks, capped tiers and reasons over slim rows.

use super::{Models, Scored, Side, SlimRow, excluding_rule};
use crate::churn::reasons::reasons;
use crate::churn::tiers;
use crate::config::Config;
use crate::exports::Exports;
use crate::output::{Contact, ExcludedRow, RiskRow, decision_id};
use crate::snapshot::FeatureMatrix;
use crate::snapshot::label::Standing;
use crate::snapshot::status::Status;
use crate::timeline::Cutoff;
use rayon::prelude::*;

/// Reduce: probabilities, ranks, tiers, reasons; the rest is excluded by name of the rule.
pub(super) fn risk(config: &Config, exports: &Exports, models: &Models<'_>, cutoff: Cutoff, rows: &[SlimRow], scored: &mut Scored) {
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
            decision_id: decision_id(&exports.customers[row.customer as usize], "", &scored.as_of, models.of(row.side).hash),
            churn_probability: None,
            risk_tier: String::new(),
            risk_rank: None,
            status: row.status.map_or("", Status::name).into(),
            days_since_last: row.days_since_last,
            orders: row.orders,
            value: row.value,
            segment: row.segment.into(),
            expected_orders: row.expected.0,
            expected_value: row.expected.1,
            reasons: Vec::new(),
            contact: Contact::default(),
            model: models.word(row.side).into(),
        })
        .collect();
    let carried = |order: &[usize]| {
        exports.carry.iter().map(|(name, texts)| (name.clone(), order.iter().map(|at| texts[base[*at].customer as usize].clone()).collect())).collect()
    };
    let mut order: Vec<usize> = (0..base.len()).collect();
    let Some(part) = &models.champion.bundle.churn else {
        scored.carried = carried(&order);
        scored.risk = risk;
        return;
    };
    // Chunks bound the memory of the matrices; each row's result depends on that row alone.
    const CHUNK: usize = 512;
    type Judged = (f64, Vec<(String, String)>);
    for side in Side::ALL {
        let bundle = models.of(side).bundle;
        let Some(part) = &bundle.churn else { continue };
        let places: Vec<usize> = (0..base.len()).filter(|place| base[*place].side == side).collect();
        let judge = |chunk: &[usize]| -> Vec<Judged> {
            let rows = || chunk.iter().map(|place| base[*place].features.as_slice());
            let matrix = FeatureMatrix::from_rows(bundle.features.specs.clone(), rows());
            let words = rows().enumerate().map(|(number, row)| {
                reasons(&bundle.features, row, &part.contributions(&matrix, number), 3, &config.churn.hide_reasons, config.project.language)
            });
            part.probabilities_at(&matrix, cutoff).into_iter().zip(words).collect()
        };
        let results: Vec<Vec<Judged>> = places.par_chunks(CHUNK).map(judge).collect();
        for (place, (probability, reasons)) in places.iter().zip(results.into_iter().flatten()) {
            risk[*place].churn_probability = Some(probability);
            risk[*place].reasons = reasons;
        }
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
    let fault = |(name, count): &(String, usize)| tiers::fault(&config.churn.tiers, part.base_rate, name, *count, sorted.len());
    scored.notes.extend(scored.tiers.iter().filter_map(fault));
    scored.risk = risk;
}
