//! What is tried where events have dates.

use super::{Asked, DEMAND_HALF_LIVES, Trial, alone, best_of_each, factors, neighbours, own, popular, regressions};
use crate::error::Result;
use crate::recommend::blend::ModelKind;
use crate::recommend::ease::EaseSettings;
use crate::recommend::factors::FactorSettings;
use crate::recommend::neighbours::NeighbourSettings;
use crate::recommend::table::Table;

/// Half-lives of own items, days.
const OWN_HALF_LIVES: [f32; 5] = [30.0, 90.0, 180.0, 365.0, 720.0];
/// Factors and regressions are tried unless own items rank this many times better than neighbours: where customers mostly buy again, they have
/// nothing to add for their price.
const REPEATS_DOMINATE: f64 = 1.25;

/// Half-life of what models of other customers' purchases learn from, days.
const LEARNT_HALF_LIFE: f32 = 180.0;

/// The models with their settings and how they rank.
///
/// # Errors
/// As the models.
pub(super) fn trials(asked: &Asked<'_>, fixed: Option<f32>) -> Result<(Vec<Trial>, Table)> {
    let learnt = fixed.unwrap_or(LEARNT_HALF_LIFE);
    let mut trials: Vec<Trial> = DEMAND_HALF_LIVES.iter().map(|half_life| popular(asked.data, *half_life)).collect();
    if asked.again.any() && asked.wants(ModelKind::OwnItems) {
        match fixed {
            Some(half_life) => trials.push(own(half_life)),
            None => trials.extend(OWN_HALF_LIVES.map(own)),
        }
    }
    if asked.wants(ModelKind::Neighbours) {
        // Cosine of decayed strengths.
        let cosine = NeighbourSettings { half_life: learnt, customer_damping: 0.5, from_damping: 0.5, to_damping: 0.5, power: 1.5, keep: 100, most_items: 100 };
        trials.push(neighbours(asked.data, cosine));
    }
    let table = asked.table(&trials);
    let best = best_of_each(&alone(&table, &trials), &trials);
    let ndcg = |kind: ModelKind| best[kind as usize].map_or(0.0, |(_, ndcg)| ndcg);
    let are_all_wanted = asked.wanted.iter().all(|wanted| *wanted);
    if are_all_wanted && ndcg(ModelKind::OwnItems) >= REPEATS_DOMINATE * ndcg(ModelKind::Neighbours) {
        return Ok((trials, table));
    }
    if asked.wants(ModelKind::Factors) {
        let settings = FactorSettings { half_life: learnt, factors: 256, iterations: 8, unobserved: 0.025, penalty: 0.5, frequency: 0.0 };
        trials.push(factors(asked.data, settings, asked.seed)?);
    }
    if asked.wants(ModelKind::Ease) {
        trials.extend(regressions(asked.data, &[EaseSettings { half_life: learnt, ridge: 50.0, keep: 100, memory: asked.memory }])?);
    }
    let table = asked.table(&trials);
    Ok((trials, table))
}
