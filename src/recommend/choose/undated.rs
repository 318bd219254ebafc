//! What is tried where events have no dates: every kind of model, in several shapes, on interactions held out of the training part.

use super::{Asked, Trial, factors, neighbours, own, popular, regressions};
use crate::error::Result;
use crate::recommend::blend::ModelKind;
use crate::recommend::ease::EaseSettings;
use crate::recommend::factors::FactorSettings;
use crate::recommend::neighbours::NeighbourSettings;
use crate::recommend::table::Table;

/// Bytes of the bundle that item factors may take, and that neighbours and regressions may take each.
const FACTOR_BYTES: usize = 22 << 20;
const ROW_BYTES: usize = 17 << 20;
/// Bytes of an entry of a neighbour's row: how far it is from the one before, and its weight.
const ENTRY_BYTES: usize = 4;
/// Entries kept for an item at least and at most.
const KEPT: (usize, usize) = (50, 300);
/// Lengths of factors at least and at most; multiples of the processor's vectors.
const LENGTHS: (usize, usize) = (64, 768);
const LENGTH_STEP: usize = 64;
/// Half-lives of neighbours where lists are in the order of events, in places from the end.
const RECENT_PLACES: [f32; 2] = [3.0, 10.0];
/// Ridges of the regressions, in customers.
const RIDGES: [f64; 3] = [50.0, 200.0, 700.0];
/// Weight of the entries without an event, all of a customer's together, against that of the events: well-tuned factors on public
/// data (Rendle, Krichene, Zhang, Koren, RecSys 2022) lie in the tens.
const UNOBSERVED: f32 = 30.0;
/// Bounds of that weight, per entry.
const UNOBSERVED_BOUNDS: (f32, f32) = (0.005, 0.5);
/// Penalty of a typical row.
const PENALTY: f32 = 1.0;
const ITERATIONS: usize = 8;

/// Neighbours: the linear filter of GF-CF with the Hadamard power of Turbo-CF, and the cosine. Cut rows and an item's popularity pull
/// on each other, so several dampings of the item that is pulled are tried.
fn shapes(keep: usize) -> [NeighbourSettings; 5] {
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
    let items = asked.data.items.max(1);
    let mut trials = vec![popular(asked.data, f32::INFINITY)];
    if asked.again.any() && asked.wants(ModelKind::OwnItems) {
        trials.push(own(f32::INFINITY));
    }
    let keep = (ROW_BYTES / ENTRY_BYTES / items).clamp(KEPT.0, KEPT.1);
    if asked.wants(ModelKind::Neighbours) {
        // The end of a list in order says more about what follows it.
        for places in std::iter::once(f32::INFINITY).chain(RECENT_PLACES.into_iter().filter(|_| ordered)) {
            trials.extend(shapes(keep).map(|shape| neighbours(asked.data, NeighbourSettings { half_life: places, ..shape })));
        }
    }
    if asked.wants(ModelKind::Ease) {
        trials.extend(regressions(asked.data, &RIDGES.map(|ridge| EaseSettings { half_life: f32::INFINITY, ridge, keep, memory: asked.memory }))?);
    }
    if asked.wants(ModelKind::Factors) {
        trials.push(best_factors(asked, items)?);
    }
    let table = asked.table(&trials);
    Ok((trials, table))
}

/// Factors by steps: the length, then the penalty, then the weight of what was not observed, each from the best so far.
fn best_factors(asked: &Asked<'_>, items: usize) -> Result<Trial> {
    let longest = (FACTOR_BYTES / items / LENGTH_STEP * LENGTH_STEP).clamp(LENGTHS.0, LENGTHS.1);
    let events = asked.data.events.iter().filter(|event| event.weight > 0.0).map(|event| f64::from(event.weight)).sum::<f64>();
    let density = (events / (asked.data.customers().max(1) as f64 * items as f64)) as f32;
    let unobserved = (UNOBSERVED * density).clamp(UNOBSERVED_BOUNDS.0, UNOBSERVED_BOUNDS.1);
    let fit = |settings: FactorSettings| -> Result<(f64, FactorSettings, Trial)> {
        let trial = factors(asked.data, settings, asked.seed)?;
        Ok((asked.alone(trial.model.as_ref()), settings, trial))
    };
    let first = FactorSettings { half_life: f32::INFINITY, factors: longest, iterations: ITERATIONS, unobserved, penalty: PENALTY, frequency: 0.5 };
    let mut best = fit(first)?;
    let steps: [fn(FactorSettings) -> FactorSettings; 3] = [
        |settings| FactorSettings { factors: (settings.factors / 3).next_multiple_of(LENGTH_STEP), ..settings },
        |settings| FactorSettings { penalty: settings.penalty * 4.0, ..settings },
        |settings| FactorSettings { unobserved: settings.unobserved / 3.0, ..settings },
    ];
    for step in steps {
        let settings = step(best.1);
        if settings != best.1 {
            let next = fit(settings)?;
            tracing::debug!(settings = ?settings, ndcg = next.0, "factors");
            if next.0 > best.0 {
                best = next;
            }
        }
    }
    Ok(best.2)
}
