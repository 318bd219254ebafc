//! Measures of probabilities: AUC, log loss, Brier score, calibration.

use serde::Serialize;

/// How well probabilities foretold what happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Classification {
    /// Chance that a customer who left had a higher score than one who stayed; ties count half.
    pub auc: f64,
    /// Mean negative log-likelihood, in nats; probabilities are kept 1e-15 away from 0 and 1.
    pub log_loss: f64,
    /// Mean squared difference between probability and outcome.
    pub brier: f64,
}

/// All three measures of one set of probabilities.
pub fn classification(probabilities: &[f64], labels: &[bool]) -> Classification {
    Classification { auc: auc(probabilities, labels), log_loss: log_loss(probabilities, labels), brier: brier(probabilities, labels) }
}

/// Area under the ROC curve (Mann-Whitney); 0.5 when only one class is there.
pub fn auc(scores: &[f64], labels: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return 0.5;
    }
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && scores[order[end]].total_cmp(&scores[order[start]]).is_eq() {
            end += 1;
        }
        let mean_rank = (start + 1 + end) as f64 / 2.0;
        rank_sum += mean_rank * order[start..end].iter().filter(|row| labels[**row]).count() as f64;
        start = end;
    }
    (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

/// Mean negative log-likelihood.
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> f64 {
    let total: f64 = probabilities
        .iter()
        .zip(labels)
        .map(|(p, label)| {
            let p = p.clamp(1e-15, 1.0 - 1e-15);
            -libm::log(if *label { p } else { 1.0 - p })
        })
        .sum();
    total / labels.len().max(1) as f64
}

/// Mean squared error of the probabilities.
pub fn brier(probabilities: &[f64], labels: &[bool]) -> f64 {
    let total: f64 = probabilities.iter().zip(labels).map(|(p, label)| (p - f64::from(u8::from(*label))).powi(2)).sum();
    total / labels.len().max(1) as f64
}

/// One group of the reliability table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Customers in it.
    pub customers: usize,
    /// Mean probability.
    pub expected: f64,
    /// Share that left.
    pub observed: f64,
}

/// The customers in `bins` groups of equal size by probability, riskiest first.
pub fn reliability(probabilities: &[f64], labels: &[bool], bins: usize) -> Vec<ReliabilityBin> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let mut table = Vec::new();
    for bin in 0..bins {
        let rows = &order[bin * order.len() / bins..(bin + 1) * order.len() / bins];
        if rows.is_empty() {
            continue;
        }
        let count = rows.len() as f64;
        table.push(ReliabilityBin {
            customers: rows.len(),
            expected: rows.iter().map(|row| probabilities[*row]).sum::<f64>() / count,
            observed: rows.iter().filter(|row| labels[**row]).count() as f64 / count,
        });
    }
    table
}

/// Expected calibration error over ten groups of equal size: mean absolute gap between expected and observed.
pub fn calibration_error(probabilities: &[f64], labels: &[bool]) -> f64 {
    let table = reliability(probabilities, labels, 10);
    let total: usize = table.iter().map(|bin| bin.customers).sum();
    table.iter().map(|bin| bin.customers as f64 * (bin.expected - bin.observed).abs()).sum::<f64>() / total.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_pairs_in_the_right_order_and_ties_half() {
        // Pairs (positive, negative): (.9,.2) right, (.9,.5) right, (.5,.2) right, (.5,.5) tie: 3.5 of 4.
        let area = auc(&[0.9, 0.5, 0.2, 0.5], &[true, true, false, false]);
        assert!((area - 0.875).abs() < 1e-12);
    }

    #[test]
    fn one_class_alone_ranks_nothing() {
        assert!((auc(&[0.1, 0.9], &[true, true]) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_certain_mistake_costs_much_but_not_everything() {
        assert!(log_loss(&[0.0], &[true]) > 30.0 && log_loss(&[0.0], &[true]).is_finite());
        assert!((log_loss(&[0.5, 0.5], &[true, false]) - std::f64::consts::LN_2).abs() < 1e-12);
        assert!((brier(&[0.5, 1.0], &[true, false]) - 0.625).abs() < 1e-12);
    }

    #[test]
    fn a_calibrated_table_has_no_gap() {
        let probabilities: Vec<f64> = (0..100).map(|row| if row < 50 { 0.2 } else { 0.8 }).collect();
        let labels: Vec<bool> = (0..100).map(|row| if row < 50 { row % 5 == 0 } else { row % 5 != 0 }).collect();
        assert!(calibration_error(&probabilities, &labels) < 1e-9);
    }
}
