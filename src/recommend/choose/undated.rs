//! What is tried where events have no dates: every kind of model, in several shapes, on interactions held out of the training part.

use super::shape::{Shape, fit_all};
use super::{Asked, Trial, factors};
use crate::error::Result;
use crate::recommend::blend::ModelKind;
use crate::recommend::ease::EaseSettings;
use crate::recommend::neighbours::NeighbourSettings;
use crate::recommend::table::Table;

/// Bytes of the bundle that neighbours and regressions may take each.
const ROW_BYTES: usize = 17 << 20;
/// Bytes of an entry of a neighbour's row: how far it is from the one before, and its weight.
const ENTRY_BYTES: usize = 4;
/// Entries kept for an item at least and at most.
const KEPT: (usize, usize) = (50, 1000);
/// Length of factors at most, and how many fits look for their settings at least.
const FACTORS: usize = 768;
const FACTOR_FITS: usize = 4;
/// Half-lives of neighbours where lists are in the order of events, in places from the end.
const RECENT_PLACES: [f32; 2] = [3.0, 10.0];
/// Ridges of the regressions, in customers.
const RIDGES: [f64; 4] = [15.0, 50.0, 150.0, 450.0];

/// Neighbours: the linear filter of GF-CF with the Hadamard power of Turbo-CF, and the cosine. Cut rows and an item's popularity pull
/// on each other, so several dampings of the item that is pulled are tried.
fn neighbours(keep: usize) -> [NeighbourSettings; 5] {
    let shape = |customer_damping, to_damping, power| NeighbourSettings {
        half_life: f32::INFINITY,
        customer_damping,
        from_damping: 0.5,
        to_damping,
        power,
        keep,
        most_items: usize::MAX,
    };
    [shape(1.0, 0.3, 0.8), shape(1.0, 0.2, 1.2), shape(0.5, 0.25, 1.0), shape(0.5, 0.5, 1.5), shape(1.0, 0.25, 1.0)]
}

/// The models with their settings and how they rank.
///
/// # Errors
/// As the models.
pub(super) fn trials(asked: &Asked<'_>, ordered: bool) -> Result<(Vec<Trial>, Table)> {
    let (data, half_life) = (asked.data(), f32::INFINITY);
    let mut shapes = vec![Shape::Popular(half_life)];
    if asked.again.any() && asked.wants(ModelKind::OwnItems) {
        shapes.push(Shape::OwnItems(half_life));
    }
    let keep = (ROW_BYTES / ENTRY_BYTES / data.items.max(1)).clamp(KEPT.0, KEPT.1);
    if asked.wants(ModelKind::Neighbours) {
        // The end of a list in order says more about what follows it.
        for half_life in std::iter::once(half_life).chain(RECENT_PLACES.into_iter().filter(|_| ordered)) {
            shapes.extend(neighbours(keep).map(|settings| Shape::Neighbours(NeighbourSettings { half_life, ..settings })));
        }
    }
    let mut trials = fit_all(data, shapes, asked.seed)?;
    if asked.wants(ModelKind::Factors) {
        trials.push(factors::best_factors(asked, half_life, FACTORS, FACTOR_FITS)?);
    }
    if asked.wants(ModelKind::Ease) {
        let regression = |ridge| Shape::Ease(EaseSettings { half_life, ridge, keep, memory: asked.memory });
        trials.extend(fit_all(data, RIDGES.map(regression), asked.seed)?);
    }
    let table = asked.table(&trials)?;
    Ok((trials, table))
}
