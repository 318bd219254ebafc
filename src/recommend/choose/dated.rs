//! What is tried where events have dates.

use super::shape::{Shape, fit_all};
use super::{Asked, DEMAND_HALF_LIVES, Trial, alone, best_of_each, factors};
use crate::error::Result;
use crate::recommend::blend::ModelKind;
use crate::recommend::ease::EaseSettings;
use crate::recommend::neighbours::NeighbourSettings;
use crate::recommend::table::Table;

/// Half-lives of own items, days.
const OWN_HALF_LIVES: [f32; 5] = [30.0, 90.0, 180.0, 365.0, 720.0];
/// Factors and regressions are tried unless own items rank this many times better than neighbours: where customers mostly buy again, they have
/// nothing to add for their price.
const REPEATS_DOMINATE: f64 = 1.25;

/// Length of factors at most: a shop's list is made anew every night.
const FACTORS: usize = 256;

/// Half-life of what models of other customers' purchases learn from, days.
const LEARNT_HALF_LIFE: f32 = 180.0;

/// The models with their settings and how they rank.
///
/// # Errors
/// As the models.
pub(super) fn trials(asked: &Asked<'_>, fixed: Option<f32>) -> Result<(Vec<Trial>, Table)> {
    let half_life = fixed.unwrap_or(LEARNT_HALF_LIFE);
    let mut shapes = DEMAND_HALF_LIVES.map(Shape::Popular).to_vec();
    if asked.again.any() && asked.wants(ModelKind::OwnItems) {
        match fixed {
            Some(half_life) => shapes.push(Shape::OwnItems(half_life)),
            None => shapes.extend(OWN_HALF_LIVES.map(Shape::OwnItems)),
        }
    }
    if asked.wants(ModelKind::Neighbours) {
        // Cosine of decayed strengths.
        let cosine = NeighbourSettings { half_life, customer_damping: 0.5, from_damping: 0.5, to_damping: 0.5, power: 1.5, keep: 100, most_items: 100 };
        shapes.push(Shape::Neighbours(cosine));
    }
    let mut trials = fit_all(asked.data(), shapes, asked.seed)?;
    let table = asked.table(&trials)?;
    let best = best_of_each(&alone(&table, &trials), &trials);
    let ndcg = |kind: ModelKind| best[kind as usize].map_or(0.0, |(_, ndcg)| ndcg);
    let are_all_wanted = asked.wanted.iter().all(|wanted| *wanted);
    if are_all_wanted && ndcg(ModelKind::OwnItems) >= REPEATS_DOMINATE * ndcg(ModelKind::Neighbours) {
        return Ok((trials, table));
    }
    if asked.wants(ModelKind::Factors) {
        trials.push(factors::best_factors(asked, half_life, FACTORS, 1)?);
    }
    if asked.wants(ModelKind::Ease) {
        trials.push(Shape::Ease(EaseSettings { half_life, ridge: 50.0, keep: 100, memory: asked.memory }).fit(asked.data(), asked.seed)?);
    }
    let table = asked.table(&trials)?;
    Ok((trials, table))
}
