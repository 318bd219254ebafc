//! How the effects of offers differ between customers.
//!
//! In: for each offer past contacts and the control customers of the same waves, with what was known of each on that day. Out: by how much the
//! effect on a customer departs from the offer's mean effect. A DR-learner (Kennedy 2023): doubly robust scores
//! `mu_1(x) - mu_0(x) + (Y - mu_1(x)) / e` for the treated and `- (Y - mu_0(x)) / (1 - e)` for controls, cross-fitted, regressed on steps of the
//! features. Effects are small beside noise, and the largest of noisy estimates is mostly noise; so the offers are taken together: features are taken in one
//! by one, the same for all offers, each time the one that foretells the scores of customers left out best, as long as a Wald test over all offers
//! leaves little doubt. Where no feature passes, nobody departs from the mean. What passed is not pulled back further: one offer that suits one kind of customer
//! stands among many that suit nobody in particular, and a pull common to all (James and Stein 1961) takes most from the one.

use super::pooling::Estimate;
use super::regression::{Design, predict, product, ridge, ridge_with_doubt, solve_some};
use crate::churn::random::mix;
use crate::error::Result;
use bincode::{Decode, Encode};
use faer::Mat;

/// Parts of the cross-fit.
const PARTS: u64 = 5;
/// Ridge of the outcome models, in rows.
const OUTCOME_RIDGE: f64 = 50.0;
/// Ridge of the effect models, in rows.
const EFFECT_RIDGE: f64 = 100.0;
/// Standard normal quantile that the Wald test of a further feature must exceed: about one in 700, for many features, offers and outcomes are tried.
const SURE: f64 = 3.0;
/// Features taken in at most.
const MOST_FEATURES: usize = 4;
/// Customers on each side below which nobody departs from the mean.
const LEAST: usize = 200;
/// Customers on each side below which what was known of them takes no noise out of the mean effect.
const FEWEST: usize = 50;

/// One outcome of one offer: a row per customer.
#[derive(Debug, Clone, Default)]
pub(super) struct Trial<'r> {
    /// Rows of the design.
    pub(super) rows: Vec<&'r [f64]>,
    /// Who was treated; the others are controls of the same waves.
    pub(super) treated: Vec<bool>,
    /// Share treated among both in the wave.
    pub(super) propensity: Vec<f64>,
    /// What followed.
    pub(super) outcome: Vec<f64>,
}

/// How the effect departs from its mean: linear in the centred columns of the design.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(super) struct Departure {
    /// The columns of the design that matter.
    columns: Vec<usize>,
    centre: Vec<f64>,
    coefficients: Vec<f64>,
    /// Of the coefficients, row by row; empty where their doubt is not told.
    covariance: Vec<f64>,
}

impl Departure {
    /// One coefficient per column; `covariance` row by row, or empty.
    pub(super) fn new(columns: Vec<usize>, centre: Vec<f64>, coefficients: Vec<f64>, covariance: Vec<f64>) -> Departure {
        Departure { columns, centre, coefficients, covariance }
    }

    fn centred<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.columns.iter().zip(&self.centre).map(|(column, centre)| row[*column] - centre)
    }

    /// By how much the effect on this customer departs from the mean.
    pub(super) fn of(&self, row: &[f64]) -> f64 {
        self.centred(row).zip(&self.coefficients).map(|(value, coefficient)| value * coefficient).sum()
    }

    /// The departure of an outcome that is so many times this one.
    pub(super) fn times(&self, times: f64) -> Departure {
        let scaled = |values: &[f64], times: f64| values.iter().map(|value| times * value).collect();
        Departure { coefficients: scaled(&self.coefficients, times), covariance: scaled(&self.covariance, times * times), ..self.clone() }
    }

    /// Its variance.
    pub(super) fn variance(&self, row: &[f64]) -> f64 {
        let own: Vec<f64> = self.centred(row).collect();
        let product = |of: &[f64]| of.iter().zip(&own).map(|(covariance, value)| covariance * value).sum::<f64>();
        self.covariance.chunks(own.len().max(1)).zip(&own).map(|(of, value)| value * product(of)).sum::<f64>().max(0.0)
    }

    /// Checks every value read from a file; `width` is that of the design.
    pub(super) fn validate(&self, width: usize) -> std::result::Result<(), String> {
        let count = self.columns.len();
        if self.columns.iter().any(|column| *column >= width) {
            return Err(format!("a column outside the {width} of the design"));
        }
        if self.centre.len() != count || self.coefficients.len() != count || !(self.covariance.is_empty() || self.covariance.len() == count * count) {
            return Err(format!("means, coefficients or covariances do not belong to {count} columns"));
        }
        if ![&self.centre, &self.coefficients, &self.covariance].into_iter().flatten().all(|value| value.is_finite()) {
            return Err("a number is not finite".into());
        }
        Ok(())
    }
}

impl Trial<'_> {
    /// The mean effect with its variance; `None` where there are too few customers on a side.
    pub(super) fn mean(&self, seed: u64) -> Result<Option<Estimate>> {
        Ok(Scored::new(self, seed)?.map(|scored| scored.overall))
    }

    /// Cross-fitted doubly robust scores: the mean of these is the mean effect, whatever the outcome models say.
    fn scores(&self, design: &Mat<f64>, part: &[u64]) -> Result<Vec<f64>> {
        let count = self.rows.len();
        let outcomes = Mat::from_fn(count, 1, |row, _| self.outcome[row]);
        let mut scores = vec![0.0; count];
        for held in 0..PARTS {
            let side = |is_treated: bool| -> Result<Mat<f64>> {
                let weights: Vec<f64> = (0..count).map(|row| f64::from(u8::from(part[row] != held && self.treated[row] == is_treated))).collect();
                Ok(predict(design, &ridge(design, &weights, &outcomes, OUTCOME_RIDGE)?))
            };
            let (with, without) = (side(true)?, side(false)?);
            for row in (0..count).filter(|row| part[*row] == held) {
                let (with, without, share) = (with[(row, 0)], without[(row, 0)], self.propensity[row].clamp(0.01, 0.99));
                let seen = if self.treated[row] { (self.outcome[row] - with) / share } else { -(self.outcome[row] - without) / (1.0 - share) };
                scores[row] = with - without + seen;
            }
        }
        Ok(scores)
    }
}

/// What is learnt of one offer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Learnt {
    /// The mean effect with its variance.
    pub(super) mean: Estimate,
    /// How the effect departs from it by customer, where it does so surely.
    pub(super) departure: Option<Departure>,
}

/// The mean effect of each offer on one outcome, with its variance, and how it departs from it by customer; `None` for an offer with too few customers on a
/// side.
///
/// # Errors
/// 70 where a regression has no solution.
pub(super) fn effects(trials: &[Trial<'_>], design: &Design, seed: u64) -> Result<Vec<Option<Learnt>>> {
    let scored: Vec<Option<Scored>> = trials.iter().map(|trial| Scored::new(trial, seed)).collect::<Result<_>>()?;
    let known: Vec<&Scored> = scored.iter().flatten().filter(|scored| scored.is_large).collect();
    let columns = columns(design, &known)?;
    let learnt = |scored: &Scored| {
        let departure = if columns.is_empty() || !scored.is_large {
            None
        } else {
            let (coefficients, covariance) = scored.fitted(&columns)?;
            let centre = columns.iter().map(|column| scored.centre[*column]).collect();
            let places = 0..columns.len();
            let covariance = places.clone().flat_map(|a| places.clone().map(move |b| (a, b))).map(|place| covariance[place]).collect();
            Some(Departure::new(columns.clone(), centre, coefficients, covariance))
        };
        Ok(Learnt { mean: scored.overall, departure })
    };
    scored.iter().map(|scored| scored.as_ref().map(learnt).transpose()).collect()
}

/// A trial with its scores.
struct Scored {
    /// Whether there are customers enough to tell them apart.
    is_large: bool,
    overall: Estimate,
    centre: Vec<f64>,
    /// The design, centred.
    centred: Mat<f64>,
    /// The scores, centred.
    targets: Vec<f64>,
    part: Vec<u64>,
}

impl Scored {
    fn new(trial: &Trial<'_>, seed: u64) -> Result<Option<Scored>> {
        let count = trial.rows.len();
        let treated = trial.treated.iter().filter(|treated| **treated).count();
        if treated < FEWEST || count - treated < FEWEST {
            return Ok(None);
        }
        let width = trial.rows[0].len();
        let plain = Mat::from_fn(count, width, |row, column| trial.rows[row][column]);
        let part: Vec<u64> = (0..count).map(|row| mix(seed, row as u64) % PARTS).collect();
        let scores = trial.scores(&plain, &part)?;
        let mean = scores.iter().sum::<f64>() / count as f64;
        let centre: Vec<f64> = (0..width).map(|column| (0..count).map(|row| plain[(row, column)]).sum::<f64>() / count as f64).collect();
        let centred = Mat::from_fn(count, width, |row, column| plain[(row, column)] - centre[column]);
        // What a side adds to the variance of the mean.
        let variance = |is_treated: bool| {
            let own = (0..count).filter(|row| trial.treated[*row] == is_treated);
            own.map(|row| (scores[row] - mean).powi(2)).sum::<f64>() / (count * (count - 1)) as f64
        };
        let overall = Estimate { mean, own: variance(true), shared: variance(false) };
        Ok(Some(Scored {
            is_large: treated.min(count - treated) >= LEAST,
            overall,
            centre,
            centred,
            targets: scores.iter().map(|score| score - mean).collect(),
            part,
        }))
    }

    /// The regression on some columns: coefficients and their covariance.
    fn fitted(&self, columns: &[usize]) -> Result<(Vec<f64>, Mat<f64>)> {
        let own = Mat::from_fn(self.targets.len(), columns.len(), |row, column| self.centred[(row, columns[column])]);
        ridge_with_doubt(&own, &self.targets, EFFECT_RIDGE)
    }

    /// For each part, the sums of the regression over all others.
    fn sums(&self) -> Vec<(Mat<f64>, Vec<f64>)> {
        let (count, width) = (self.centred.nrows(), self.centred.ncols());
        (0..PARTS)
            .map(|held| {
                let others = Mat::from_fn(count, width, |row, column| if self.part[row] == held { 0.0 } else { self.centred[(row, column)] });
                let right = (0..width).map(|column| (0..count).map(|row| others[(row, column)] * self.targets[row]).sum()).collect();
                (product(&others, &self.centred), right)
            })
            .collect()
    }

    /// Squared error on customers left out, of a regression on some columns, as a share of the variance of the scores.
    fn loss(&self, sums: &[(Mat<f64>, Vec<f64>)], columns: &[usize]) -> Result<f64> {
        let solutions = sums.iter().map(|(gram, right)| solve_some(gram, right, columns, EFFECT_RIDGE)).collect::<Result<Vec<_>>>()?;
        let variance: f64 = self.targets.iter().map(|target| target * target).sum();
        let error = |row: usize| -> f64 {
            let predicted: f64 = columns.iter().zip(&solutions[self.part[row] as usize]).map(|(column, own)| self.centred[(row, *column)] * own).sum();
            (self.targets[row] - predicted).powi(2)
        };
        Ok((0..self.targets.len()).map(error).sum::<f64>() / variance.max(f64::MIN_POSITIVE))
    }
}

/// The columns of the features that tell effects apart, for all offers together.
fn columns(design: &Design, trials: &[&Scored]) -> Result<Vec<usize>> {
    let sums: Vec<_> = trials.iter().map(|trial| trial.sums()).collect();
    let loss = |columns: &[usize]| trials.iter().zip(&sums).map(|(trial, sums)| trial.loss(sums, columns)).sum::<Result<f64>>();
    // A column that never changes (nothing is missing) tells nothing.
    let tells = |column: &usize| trials.iter().all(|trial| (0..trial.targets.len()).any(|row| trial.centred[(row, *column)].abs() > 1e-9));
    let blocks: Vec<Vec<usize>> = design.blocks().map(|block| block.filter(tells).collect::<Vec<_>>()).filter(|block| !block.is_empty()).collect();
    let mut chosen: Vec<usize> = Vec::new();
    let mut least = trials.len() as f64;
    for _ in 0..MOST_FEATURES {
        let mut best: Option<(f64, Vec<usize>)> = None;
        for block in blocks.iter().filter(|block| !chosen.contains(&block[0])) {
            let columns: Vec<usize> = chosen.iter().chain(block).copied().collect();
            let with = loss(&columns)?;
            if with < best.as_ref().map_or(least, |(least, _)| *least) {
                best = Some((with, columns));
            }
        }
        let Some((with, columns)) = best else { break };
        let own = chosen.len()..columns.len();
        let mut surprise = 0.0;
        for trial in trials {
            let (coefficients, doubt) = trial.fitted(&columns)?;
            let of_block = Mat::from_fn(own.len(), own.len(), |a, b| doubt[(own.start + a, own.start + b)]);
            surprise += wald(&coefficients[own.clone()], &of_block)?;
        }
        if !is_sure(surprise, own.len() * trials.len()) {
            break;
        }
        (chosen, least) = (columns, with);
    }
    Ok(chosen)
}

/// `b' V^-1 b`: chi-squared with as many degrees of freedom as coefficients where none of them matters.
fn wald(coefficients: &[f64], covariance: &Mat<f64>) -> Result<f64> {
    // Columns that are nearly the sum of others leave the covariance all but singular; the least ridge keeps it solvable.
    let width = coefficients.len();
    let scale = (0..width).map(|place| covariance[(place, place)]).fold(0.0, f64::max);
    let every: Vec<usize> = (0..width).collect();
    let solved = solve_some(covariance, coefficients, &every, 1e-6 * scale + f64::MIN_POSITIVE)?;
    Ok(coefficients.iter().zip(solved).map(|(coefficient, solved)| coefficient * solved).sum())
}

/// Whether a chi-squared value leaves little doubt (Wilson and Hilferty 1931: its cube root is nearly normal).
fn is_sure(value: f64, freedom: usize) -> bool {
    let share = 2.0 / (9.0 * freedom as f64);
    ((value / freedom as f64).cbrt() - (1.0 - share)) / share.sqrt() > SURE
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::random::uniform;
    use crate::snapshot::{FeatureMatrix, FeatureSpec, FeatureValues};

    /// A quarter treated by lot; the effect on customers of group 0 and 1.
    /// `with` gets the trial, whose rows live no longer than this.
    fn with_trial<T>(rows: usize, seed: u64, effects: [f64; 2], with: impl FnOnce(Trial<'_>, &Design) -> T) -> T {
        let mut trial = Trial::default();
        let known: Vec<[f64; 2]> = (0..rows).map(|row| [f64::from(u8::from(uniform(seed, row) < 0.4)), uniform(seed + 3, row)]).collect();
        let spec = |name: &str| FeatureSpec {
            name: name.into(),
            unit: String::new(),
            meaning: String::new(),
            family: String::new(),
            kinds: vec![],
            values: FeatureValues::Number,
        };
        let design = Design::learn(&FeatureMatrix::from_rows(vec![spec("group"), spec("x")], known.iter().map(<[f64; 2]>::as_slice)));
        let of_design: Vec<Vec<f64>> = known.iter().map(|known| design.row(known.iter().copied())).collect();
        for (row, known) in known.iter().enumerate() {
            let group = known[0] as usize;
            let treated = uniform(seed + 1, row) < 0.25;
            let chance = 0.2 + 0.1 * group as f64 + if treated { effects[group] } else { 0.0 };
            trial.rows.push(&of_design[row]);
            trial.treated.push(treated);
            trial.propensity.push(0.25);
            trial.outcome.push(f64::from(u8::from(uniform(seed + 2, row) < chance)));
        }
        with(trial, &design)
    }

    #[test]
    fn an_effect_that_differs_between_customers_is_told_apart_with_its_doubt() {
        let ((low, low_error), (high, high_error)) = with_trial(20_000, 3, [0.15, -0.05], |trial, design| {
            let departure = effects(&[trial], design, 1).unwrap().remove(0).unwrap().departure.unwrap();
            let of = |group: f64| {
                let row = design.row([group, 0.5].into_iter());
                (departure.of(&row), departure.variance(&row).sqrt())
            };
            (of(1.0), of(0.0))
        });
        // The mean effect is 0.07: group 0 is 0.08 above it, group 1 is 0.12 below.
        assert!((high - 0.08).abs() < 0.025 && (low + 0.12).abs() < 0.035, "{high} {low}");
        assert!((0.002..0.02).contains(&high_error) && (0.002..0.02).contains(&low_error), "{high_error} {low_error}");
    }

    #[test]
    fn where_the_effect_is_the_same_for_all_nobody_departs_from_it() {
        let departs = (0..20)
            .filter(|seed| {
                let seed = *seed;
                with_trial(4_000, 100 * seed, [0.1, 0.1], |trial, design| effects(&[trial], design, seed).unwrap()[0].as_ref().unwrap().departure.is_some())
            })
            .count();
        assert!(departs <= 1, "{departs} of 20");
    }
}
