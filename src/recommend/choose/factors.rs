//! The settings of matrix factors: their penalty, the weight of what was not observed, and their length.
//!
//! The two weights hang together: against a lighter unobserved part, a lighter penalty. Along `penalty = p sqrt(unobserved)` the best `p` is much the same on
//! public data of very different density, and so is `unobserved / sqrt(density)`; from there a search needs few steps. What is best at one length is best at
//! others, so that short factors look for what long ones then use.

use super::shape::Shape;
use super::{Asked, Trial};
use crate::error::Result;
use crate::recommend::factors::FactorSettings;
use crate::recommend::interactions::Interactions;

/// Weight of an entry without an event at the start, in roots of the density: well-tuned factors on public data (Rendle, Krichene, Zhang, Koren, RecSys 2022)
/// lie at 1.7 (MovieLens 20M: .1 at a density of .0036) and .5 (Million Song: .02 at .0014).
const UNOBSERVED: f32 = 0.5;
/// Bounds of that weight.
const UNOBSERVED_BOUNDS: (f32, f32) = (0.005, 0.5);
/// Penalty of a typical row at the start, in roots of that weight.
const PENALTY: f32 = 14.0;
/// Power of a row's weight in its penalty.
const FREQUENCY: f32 = 0.5;
const ITERATIONS: usize = 8;
/// Bytes of the bundle that the factors of the items may take.
const BYTES: usize = 22 << 20;
/// Lengths are multiples of this, so of the processor's vectors.
const LENGTH_STEP: usize = 64;
/// Rows of the smaller side for each dimension: of fewer there is nothing to tell.
const ROWS_A_DIMENSION: usize = 4;
/// Length at which penalties and weights are looked for.
const SEARCHED: usize = 256;
/// What the fits may multiply together, beyond those that are made anyhow.
const WORK: f64 = 3e11;
/// Relative gain for which longer factors are taken.
const LONGER: f64 = 0.005;

/// What a fit multiplies, roughly: the steps of its solves, the changes of basis, and the eigenvectors.
fn work(data: &Interactions, settings: &FactorSettings) -> f64 {
    let length = settings.factors as f64;
    let solves = 14.0 * data.events.len() as f64 * length;
    let bases = 2.0 * (data.customers() + data.items) as f64 * length.powi(2);
    settings.iterations as f64 * (solves + bases + 20.0 * length.powi(3))
}

/// Whether much the same was tried.
fn is_tried(tried: &[FactorSettings], settings: &FactorSettings) -> bool {
    let near = |a: f32, b: f32| (a / b - 1.0).abs() < 0.01;
    tried.iter().any(|other| near(other.penalty, settings.penalty) && near(other.unobserved, settings.unobserved))
}

/// Both weights by steps, each taken again while it helps; then a smaller step of the penalty, then the full length, at most `longest`. So many fits are made
/// anyhow, more where they are cheap.
///
/// # Errors
/// As the factors.
pub(super) fn best_factors(asked: &Asked<'_>, half_life: f32, longest: usize, fits: usize) -> Result<Trial> {
    let data = asked.data();
    let (customers, items) = (data.customers().max(1), data.items.max(1));
    let most = (customers.min(items) / ROWS_A_DIMENSION).min(BYTES / items);
    let longest = (most / LENGTH_STEP * LENGTH_STEP).clamp(LENGTH_STEP, longest);
    let events = data.events.iter().filter(|event| event.weight > 0.0).map(|event| f64::from(event.weight)).sum::<f64>();
    let density = (events / (customers as f64 * items as f64)) as f32;
    let unobserved = (UNOBSERVED * density.sqrt()).clamp(UNOBSERVED_BOUNDS.0, UNOBSERVED_BOUNDS.1);
    let first = FactorSettings {
        half_life,
        factors: longest.min(SEARCHED),
        iterations: ITERATIONS,
        unobserved,
        penalty: PENALTY * unobserved.sqrt(),
        frequency: FREQUENCY,
    };
    let fit = |settings: FactorSettings| -> Result<(f64, FactorSettings, Trial)> {
        let trial = Shape::Factors(settings).fit(data, asked.seed)?;
        let ndcg = asked.alone(trial.model.as_ref());
        tracing::debug!(settings = ?settings, ndcg, "factors");
        Ok((ndcg, settings, trial))
    };
    let penalised = |settings: FactorSettings, times: f32| FactorSettings { penalty: settings.penalty * times, ..settings };
    let weighted = |settings: FactorSettings, times: f32| FactorSettings { unobserved: settings.unobserved * times, ..penalised(settings, times.sqrt()) };
    let steps: [&dyn Fn(FactorSettings) -> FactorSettings; 6] = [
        &|settings| penalised(settings, 2.0),
        &|settings| penalised(settings, 0.5),
        &|settings| weighted(settings, 1.0 / 3.0),
        &|settings| weighted(settings, 3.0),
        &|settings| penalised(settings, std::f32::consts::SQRT_2),
        &|settings| penalised(settings, std::f32::consts::FRAC_1_SQRT_2),
    ];
    let mut best = fit(first)?;
    let mut tried = vec![first];
    for step in steps {
        loop {
            let settings = step(best.1);
            let spent: f64 = tried.iter().chain([&settings]).map(|settings| work(data, settings)).sum();
            if is_tried(&tried, &settings) || (tried.len() >= fits && spent > WORK) {
                break;
            }
            let next = fit(settings)?;
            tried.push(settings);
            if next.0 <= best.0 {
                break;
            }
            best = next;
        }
    }
    if best.1.factors < longest {
        let long = fit(FactorSettings { factors: longest, ..best.1 })?;
        if long.0 > best.0 * (1.0 + LONGER) {
            best = long;
        }
    }
    Ok(best.2)
}
