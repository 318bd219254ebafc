//! How far measures can be trusted: intervals, groups of risk, a grade against the naive rule, accuracy and profit at a threshold.
//!
//! Intervals are percentiles of a bootstrap over customers (Efron 1979), seeded and the same at any number of threads. All of it is computed
//! on the rows that were reported on, which fitted, chose and calibrated nothing.

use super::classify::{brier, calibration_error, log_loss, reliability};
use crate::churn::random::mix;
use crate::config::Costs;
use rayon::prelude::*;
use serde::Serialize;

/// Samples of the bootstrap.
const SAMPLES: usize = 200;
/// Share of an interval beyond each end.
const TAIL: f64 = 0.025;
/// Lift in the riskiest tenth that an A needs beside the naive rule's.
const LIFT_OF_AN_A: f64 = 1.1;

/// The ends of a 95 % interval.
pub type Interval = (f64, f64);

/// 95 % intervals of the measures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Intervals {
    /// Of the area under the ROC curve.
    pub auc: Interval,
    /// Of the mean negative log-likelihood.
    pub log_loss: Interval,
    /// Of the Brier score.
    pub brier: Interval,
    /// Of the lift in the riskiest tenth.
    pub top_decile_lift: Interval,
}

/// Wilson's 95 % interval of `hits` among `count` (Wilson 1927); 0 to 1 of nobody.
pub fn wilson(hits: usize, count: usize) -> Interval {
    if count == 0 {
        return (0.0, 1.0);
    }
    let (n, z) = (count as f64, 1.959_964);
    let share = hits as f64 / n;
    let centre = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).max(0.0).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// A tenth of the customers, riskiest first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Decile {
    /// Customers in it.
    pub customers: usize,
    /// Mean probability.
    pub expected: f64,
    /// Share that left.
    pub observed: f64,
    /// Observed share over that of all customers.
    pub lift: f64,
    /// Share of all who left that this tenth and the riskier ones hold.
    pub gain: f64,
}

/// How the model stands beside the naive rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grade {
    /// A: log loss is better with its interval and the riskiest tenth holds a tenth more leavers; B: log loss is better; C: it is not.
    pub letter: char,
    /// The naive rule.
    pub against: String,
    /// Log loss of the rule minus that of the model.
    pub log_loss_gain: f64,
    /// 95 % interval of that gain over customers.
    pub interval: Interval,
    /// Lift in the riskiest tenth: model and rule.
    pub top_decile_lift: (f64, f64),
}

/// What acting on everyone above a threshold would have been like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtThreshold {
    /// The probability from which a customer counts as leaving.
    pub threshold: f64,
    /// Customers above it.
    pub customers: usize,
    /// Share of all customers who are on the right side.
    pub accuracy: f64,
    /// The accuracy of saying the same of everyone.
    pub naive_accuracy: f64,
    /// Share of those above it who left.
    pub precision: f64,
    /// Share of those who left who are above it.
    pub recall: f64,
}

/// Money of a retention campaign, after Verbraken, Verbeke, Baesens, "A novel profit maximizing metric for measuring classification
/// performance of customer churn prediction models" (2013), equation 7 per customer: a leaver who is contacted stays with probability
/// `acceptance` and then is worth `value - incentive`; a stayer takes the incentive.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profit {
    /// Probability from which contacting pays.
    pub threshold: f64,
    /// Share of the customers above it.
    pub share: f64,
    /// What contacting them would have brought, in the project's currency.
    pub profit: f64,
    /// The most that contacting the riskiest of any number would have brought, and their share.
    pub greatest: (f64, f64),
    /// Profit of contacting the riskiest tenth, two tenths, … all.
    pub curve: Vec<f64>,
}

/// Lift in the riskiest tenth when each row counts so often; `order` is riskiest first.
fn top_lift(order: &[usize], labels: &[bool], counts: &[u32]) -> f64 {
    let (mut all, mut left) = (0.0, 0.0);
    for row in 0..labels.len() {
        all += f64::from(counts[row]);
        left += f64::from(counts[row]) * f64::from(u8::from(labels[row]));
    }
    let (mut taken, mut found) = (0.0, 0.0);
    for row in order {
        if taken >= all / 10.0 {
            break;
        }
        taken += f64::from(counts[*row]);
        found += f64::from(counts[*row]) * f64::from(u8::from(labels[*row]));
    }
    if left > 0.0 && taken > 0.0 { (found / taken) / (left / all) } else { 1.0 }
}

/// AUC when each row counts so often; `order` is riskiest first.
fn counted_auc(order: &[usize], probabilities: &[f64], labels: &[bool], counts: &[u32]) -> f64 {
    let (mut wins, mut above, mut positives, mut negatives) = (0.0, 0.0, 0.0, 0.0);
    let mut start = 0;
    while start < order.len() {
        let mut end = start;
        let (mut here_left, mut here_stayed) = (0.0, 0.0);
        while end < order.len() && probabilities[order[end]].total_cmp(&probabilities[order[start]]).is_eq() {
            let count = f64::from(counts[order[end]]);
            if labels[order[end]] {
                here_left += count
            } else {
                here_stayed += count
            }
            end += 1;
        }
        wins += here_stayed * (above + here_left / 2.0);
        above += here_left;
        positives += here_left;
        negatives += here_stayed;
        start = end;
    }
    if positives > 0.0 && negatives > 0.0 { wins / (positives * negatives) } else { 0.5 }
}

fn riskiest_first(probabilities: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    order
}

/// How often each row is drawn in one sample.
fn draw(rows: usize, seed: u64, sample: usize) -> Vec<u32> {
    let mut counts = vec![0; rows];
    for place in 0..rows {
        counts[(mix(mix(seed, sample as u64), place as u64) % rows as u64) as usize] += 1;
    }
    counts
}

/// The ends of the middle of many values.
fn middle(mut values: Vec<f64>) -> Interval {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values.get(((values.len() as f64 - 1.0) * share).round() as usize).copied().unwrap_or(f64::NAN);
    (at(TAIL), at(1.0 - TAIL))
}

fn row_loss(p: f64, label: bool) -> f64 {
    let p = p.clamp(1e-15, 1.0 - 1e-15);
    -libm::log(if label { p } else { 1.0 - p })
}

/// Bootstrap intervals; `None` without rows.
pub fn intervals(probabilities: &[f64], labels: &[bool], seed: u64) -> Option<Intervals> {
    if labels.is_empty() {
        return None;
    }
    let order = riskiest_first(probabilities);
    let losses: Vec<f64> = probabilities.iter().zip(labels).map(|(p, label)| row_loss(*p, *label)).collect();
    let squares: Vec<f64> = probabilities.iter().zip(labels).map(|(p, label)| (p - f64::from(u8::from(*label))).powi(2)).collect();
    let samples: Vec<[f64; 4]> = (0..SAMPLES)
        .into_par_iter()
        .map(|sample| {
            let counts = draw(labels.len(), seed, sample);
            let mean = |values: &[f64]| values.iter().zip(&counts).map(|(value, count)| value * f64::from(*count)).sum::<f64>() / labels.len() as f64;
            [counted_auc(&order, probabilities, labels, &counts), mean(&losses), mean(&squares), top_lift(&order, labels, &counts)]
        })
        .collect();
    let of = |place: usize| middle(samples.iter().map(|sample| sample[place]).collect());
    Some(Intervals { auc: of(0), log_loss: of(1), brier: of(2), top_decile_lift: of(3) })
}

/// Interval of the mean of the first's losses minus the second's, over the same customers.
pub fn paired_interval(first: &[f64], second: &[f64], labels: &[bool], seed: u64) -> (f64, Interval) {
    let differences: Vec<f64> = first.iter().zip(second).zip(labels).map(|((a, b), label)| row_loss(*a, *label) - row_loss(*b, *label)).collect();
    mean_interval(&differences, seed)
}

/// The mean of values of customers with its interval.
pub fn mean_interval(values: &[f64], seed: u64) -> (f64, Interval) {
    let rows = values.len().max(1) as f64;
    let samples = (0..SAMPLES)
        .into_par_iter()
        .map(|sample| draw(values.len(), seed, sample).iter().zip(values).map(|(count, value)| f64::from(*count) * value).sum::<f64>() / rows)
        .collect();
    (values.iter().sum::<f64>() / rows, middle(samples))
}

/// Tenths of the customers, riskiest first.
pub fn deciles(probabilities: &[f64], labels: &[bool]) -> Vec<Decile> {
    let left = labels.iter().filter(|label| **label).count() as f64;
    let rate = left / labels.len().max(1) as f64;
    let mut so_far = 0.0;
    reliability(probabilities, labels, 10)
        .into_iter()
        .map(|bin| {
            so_far += bin.observed * bin.customers as f64;
            let ratio = |value: f64, by: f64| if by > 0.0 { value / by } else { 0.0 };
            Decile { customers: bin.customers, expected: bin.expected, observed: bin.observed, lift: ratio(bin.observed, rate), gain: ratio(so_far, left) }
        })
        .collect()
}

/// The grade of a model beside a rule's probabilities on the same customers.
pub fn grade(model: &[f64], rule: &[f64], name: &str, labels: &[bool], seed: u64) -> Grade {
    let (gain, interval) = paired_interval(rule, model, labels, seed);
    let ones = vec![1; labels.len()];
    let lift = (top_lift(&riskiest_first(model), labels, &ones), top_lift(&riskiest_first(rule), labels, &ones));
    let letter = match (interval.0 > 0.0 && lift.0 >= LIFT_OF_AN_A * lift.1, gain > 0.0) {
        (true, _) => 'A',
        (false, true) => 'B',
        (false, false) => 'C',
    };
    Grade { letter, against: name.into(), log_loss_gain: gain, interval, top_decile_lift: lift }
}

/// Accuracy, precision and recall at a threshold.
pub fn at_threshold(probabilities: &[f64], labels: &[bool], threshold: f64) -> AtThreshold {
    let rows = labels.len().max(1) as f64;
    let left = labels.iter().filter(|label| **label).count() as f64;
    let above = probabilities.iter().filter(|p| **p >= threshold).count();
    let caught = probabilities.iter().zip(labels).filter(|(p, label)| **p >= threshold && **label).count() as f64;
    let right = probabilities.iter().zip(labels).filter(|(p, label)| (**p >= threshold) == **label).count() as f64;
    let ratio = |value: f64, by: f64| if by > 0.0 { value / by } else { 0.0 };
    AtThreshold {
        threshold,
        customers: above,
        accuracy: right / rows,
        naive_accuracy: (left / rows).max(1.0 - left / rows),
        precision: ratio(caught, above as f64),
        recall: ratio(caught, left),
    }
}

/// The probability from which a contact pays: `p acceptance (value - incentive) >= contact + (1 - p) incentive`.
pub fn paying_threshold(costs: &Costs, value: f64) -> f64 {
    let kept = costs.acceptance * (value - costs.incentive);
    ((costs.contact + costs.incentive) / (kept + costs.incentive).max(1e-12)).clamp(0.0, 1.0)
}

/// The money side; `None` where the config does not say what a kept customer is worth.
pub fn profit(probabilities: &[f64], labels: &[bool], costs: &Costs) -> Option<Profit> {
    let value = costs.value_saved?;
    let threshold = paying_threshold(costs, value);
    let order = riskiest_first(probabilities);
    let of_row = |row: usize| if labels[row] { costs.acceptance * (value - costs.incentive) - costs.contact } else { -costs.incentive - costs.contact };
    let mut running = Vec::with_capacity(order.len());
    let mut total = 0.0;
    for row in &order {
        total += of_row(*row);
        running.push(total);
    }
    let above = probabilities.iter().filter(|p| **p >= threshold).count();
    let rows = order.len().max(1);
    let greatest = running.iter().enumerate().fold((0.0, 0), |best, (place, profit)| if *profit > best.0 { (*profit, place + 1) } else { best });
    Some(Profit {
        threshold,
        share: above as f64 / rows as f64,
        profit: above.checked_sub(1).map_or(0.0, |last| running[last]),
        greatest: (greatest.0, greatest.1 as f64 / rows as f64),
        curve: (1..=10).map(|tenth| (tenth * order.len() / 10).checked_sub(1).map_or(0.0, |last| running[last])).collect(),
    })
}

/// One window of a back-test: fitted on what was known before it, with the settings chosen on newer windows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WindowMeasured {
    /// Its cut-off.
    pub cutoff: String,
    /// Customers asked about.
    pub customers: usize,
    /// Share of them that left.
    pub churn_rate: f64,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Mean negative log-likelihood.
    pub log_loss: f64,
    /// Brier score.
    pub brier: f64,
    /// Expected calibration error over ten groups.
    pub calibration_error: f64,
    /// Accuracy at the threshold that the test window is reported with.
    pub accuracy: f64,
    /// The accuracy of saying the same of everyone.
    pub naive_accuracy: f64,
}

impl WindowMeasured {
    /// Measures one window.
    pub fn of(cutoff: String, probabilities: &[f64], labels: &[bool], threshold: f64) -> WindowMeasured {
        let at = at_threshold(probabilities, labels, threshold);
        WindowMeasured {
            cutoff,
            customers: labels.len(),
            churn_rate: labels.iter().filter(|label| **label).count() as f64 / labels.len().max(1) as f64,
            auc: super::classify::auc(probabilities, labels),
            log_loss: log_loss(probabilities, labels),
            brier: brier(probabilities, labels),
            calibration_error: calibration_error(probabilities, labels),
            accuracy: at.accuracy,
            naive_accuracy: at.naive_accuracy,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::random::uniform;
    use crate::evaluate::classify::auc;

    /// Customers whose probabilities are true.
    fn true_probabilities(rows: usize, seed: u64) -> (Vec<f64>, Vec<bool>) {
        let uniform = |salt: u64, row: usize| uniform(seed + salt, row);
        let probabilities: Vec<f64> = (0..rows).map(|row| uniform(1, row).powi(2)).collect();
        let labels = (0..rows).map(|row| uniform(2, row) < probabilities[row]).collect();
        (probabilities, labels)
    }

    #[test]
    fn an_interval_holds_the_truth_about_nineteen_times_in_twenty() {
        let (p, labels) = true_probabilities(200_000, 7);
        let truth = auc(&p, &labels);
        let held = (0..60)
            .filter(|seed| {
                let (p, labels) = true_probabilities(400, 1_000 + seed);
                let (low, high) = intervals(&p, &labels, 1).unwrap().auc;
                low <= truth && truth <= high
            })
            .count();
        assert!((52..=60).contains(&held), "{held} of 60");
    }

    #[test]
    fn a_sample_that_counts_every_row_once_gives_the_plain_auc() {
        let (p, labels) = true_probabilities(500, 3);
        let rounded: Vec<f64> = p.iter().map(|p| (p * 10.0).round() / 10.0).collect();
        let counted = counted_auc(&riskiest_first(&rounded), &rounded, &labels, &vec![1; 500]);
        assert!((counted - auc(&rounded, &labels)).abs() < 1e-12);
    }

    #[test]
    fn a_model_that_is_the_rule_is_a_c_and_one_that_knows_the_truth_an_a() {
        let (p, labels) = true_probabilities(4_000, 5);
        let rate = labels.iter().filter(|label| **label).count() as f64 / 4_000.0;
        let rule = vec![rate; 4_000];
        assert_eq!(grade(&rule, &rule, "base rate", &labels, 1).letter, 'C');
        let grade = grade(&p, &rule, "base rate", &labels, 1);
        assert_eq!(grade.letter, 'A');
        assert!(grade.interval.0 > 0.0 && grade.interval.0 < grade.log_loss_gain && grade.log_loss_gain < grade.interval.1);
    }

    #[test]
    fn contacting_pays_from_the_threshold_on() {
        let costs = Costs { contact: 1.0, incentive: 10.0, value_saved: Some(200.0), acceptance: 0.3 };
        // 0.3 * 190 = 57 for a leaver, less 1; 11 lost on a stayer: 67 p = 11.
        assert!((paying_threshold(&costs, 200.0) - 11.0 / 67.0).abs() < 1e-12);
        let (p, labels) = true_probabilities(20_000, 9);
        let profit = profit(&p, &labels, &costs).unwrap();
        // True probabilities: the threshold is the best there is, but for noise.
        assert!(profit.profit > 0.99 * profit.greatest.0 && profit.profit <= profit.greatest.0);
        assert!(profit.curve.iter().all(|tenth| *tenth <= profit.greatest.0 + 1e-9));
    }

    #[test]
    fn wilson_gives_the_published_interval() {
        // Newcombe 1998, table I, method 3: 81 of 263 gives 0.2553 to 0.3662.
        let (low, high) = wilson(81, 263);
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} {high}");
        assert!(wilson(0, 20).0 < 1e-12);
    }

    #[test]
    fn tenths_hold_everyone_and_every_leaver() {
        let (p, labels) = true_probabilities(1_003, 2);
        let deciles = deciles(&p, &labels);
        assert_eq!(deciles.iter().map(|decile| decile.customers).sum::<usize>(), 1_003);
        assert!((deciles[9].gain - 1.0).abs() < 1e-12 && deciles[0].lift > 1.5);
    }
}
