//! Measures of ranked lists: NDCG and recall, binary relevance.

use super::honesty::{Interval, mean_interval};
use serde::Serialize;

/// How well ranked lists foretold what customers did next: means over customers with something to find.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Ranking {
    /// NDCG at 10.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f64,
    /// Share of all a customer's later items that are in the first 20.
    #[serde(rename = "recall@20")]
    pub recall_20: f64,
    /// NDCG at 20.
    #[serde(rename = "ndcg@20")]
    pub ndcg_20: f64,
}

/// Normalised discounted cumulative gain of the first `k`: discount 1 / log2(rank + 1), ideal over min(k, number of true items).
/// `truth` is ascending and without repeats.
pub fn ndcg(ranked: &[u32], truth: &[u32], k: usize) -> f64 {
    if truth.is_empty() {
        return 0.0;
    }
    let discount = |rank: usize| 1.0 / libm::log2(rank as f64 + 2.0);
    let gain: f64 = ranked.iter().take(k).enumerate().filter(|(_, item)| truth.binary_search(item).is_ok()).map(|(rank, _)| discount(rank)).sum();
    let ideal: f64 = (0..k.min(truth.len())).map(discount).sum();
    gain / ideal
}

/// Hits among the first `k` over ALL true items (the definition of the LightGCN splits, not the one of ML-20M).
pub fn recall(ranked: &[u32], truth: &[u32], k: usize) -> f64 {
    if truth.is_empty() {
        return 0.0;
    }
    ranked.iter().take(k).filter(|item| truth.binary_search(item).is_ok()).count() as f64 / truth.len() as f64
}

/// The three measures over many customers; lists and truths in the same order, truths ascending.
pub fn ranking(lists: &[Vec<u32>], truths: &[Vec<u32>]) -> Ranking {
    let count = truths.len().max(1) as f64;
    let mean = |measure: &dyn Fn(&[u32], &[u32]) -> f64| lists.iter().zip(truths).map(|(list, truth)| measure(list, truth)).sum::<f64>() / count;
    Ranking { ndcg_10: mean(&|l, t| ndcg(l, t, 10)), recall_20: mean(&|l, t| recall(l, t, 20)), ndcg_20: mean(&|l, t| ndcg(l, t, 20)) }
}

/// Beyond the three measures: of the model used, over the first ten places.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RankDetail {
    /// Share of the customers with at least one true item.
    #[serde(rename = "hit_rate@10")]
    pub hit_rate: f64,
    /// Mean of one over the place of the first true item; 0 where there is none.
    #[serde(rename = "mrr@10")]
    pub reciprocal_rank: f64,
    /// Mean average precision, over min(10, true items).
    #[serde(rename = "map@10")]
    pub average_precision: f64,
    /// Share of the catalogue that is offered to anyone.
    #[serde(rename = "coverage@10")]
    pub coverage: f64,
    /// Mean surprise of an offered item, in bits: minus log2 of the share of the customers that have it already.
    #[serde(rename = "novelty@10")]
    pub novelty: f64,
    /// NDCG at 10 of customers with few, some and many items so far: name, customers, NDCG.
    pub groups: Vec<(String, usize, f64)>,
    /// NDCG at 10 of the model used minus that of each other, with a 95 % interval over customers.
    pub against: std::collections::BTreeMap<String, (f64, Interval)>,
}

/// The details of the first of several models. `lists` are by model, then customer; `owned` is how many items each customer has,
/// `holders` how many customers have each item of the catalogue.
pub fn detail(names: &[&str], lists: &[Vec<Vec<u32>>], truths: &[Vec<u32>], owned: &[usize], holders: &[u32], seed: u64) -> RankDetail {
    const K: usize = 10;
    let count = truths.len().max(1) as f64;
    let of = |model: usize| -> Vec<f64> { lists[model].iter().zip(truths).map(|(list, truth)| ndcg(list, truth, K)).collect() };
    let own = of(0);
    let mut detail = RankDetail::default();
    let mut offered = vec![false; holders.len()];
    let customers = owned.len().max(1) as f64;
    let (mut surprise, mut places) = (0.0, 0.0);
    for (list, truth) in lists[0].iter().zip(truths) {
        let hits: Vec<usize> = list.iter().take(K).enumerate().filter(|(_, item)| truth.binary_search(item).is_ok()).map(|(place, _)| place).collect();
        detail.hit_rate += f64::from(u8::from(!hits.is_empty())) / count;
        detail.reciprocal_rank += hits.first().map_or(0.0, |place| 1.0 / (*place as f64 + 1.0)) / count;
        let precision: f64 = hits.iter().enumerate().map(|(found, place)| (found as f64 + 1.0) / (*place as f64 + 1.0)).sum();
        detail.average_precision += precision / K.min(truth.len()).max(1) as f64 / count;
        for item in list.iter().take(K) {
            offered[*item as usize] = true;
            surprise -= libm::log2((f64::from(holders[*item as usize]) + 1.0) / (customers + 1.0));
            places += 1.0;
        }
    }
    detail.coverage = offered.iter().filter(|offered| **offered).count() as f64 / holders.len().max(1) as f64;
    detail.novelty = if places > 0.0 { surprise / places } else { 0.0 };
    let mut order: Vec<usize> = (0..owned.len()).collect();
    order.sort_by_key(|customer| owned[*customer]);
    for (third, name) in ["few", "some", "many"].into_iter().enumerate() {
        let group = &order[third * order.len() / 3..(third + 1) * order.len() / 3];
        let mean = group.iter().map(|customer| own[*customer]).sum::<f64>() / group.len().max(1) as f64;
        detail.groups.push((name.to_string(), group.len(), mean));
    }
    for (model, name) in names.iter().enumerate().skip(1) {
        let differences: Vec<f64> = own.iter().zip(of(model)).map(|(a, b)| a - b).collect();
        detail.against.insert((*name).to_string(), mean_interval(&differences, seed));
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_in_the_second_place_of_two_true_items_is_worth_its_discount() {
        let expected = (1.0 / libm::log2(3.0)) / (1.0 + 1.0 / libm::log2(3.0));
        assert!((ndcg(&[9, 4], &[4, 7], 10) - expected).abs() < 1e-12);
        assert!((recall(&[9, 4], &[4, 7], 20) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn details_of_two_customers_are_as_counted_by_hand() {
        let lists = vec![vec![vec![0, 1, 2], vec![3, 0, 1]], vec![vec![2, 1, 0], vec![3, 0, 1]]];
        let truths = vec![vec![1, 2], vec![4]];
        let got = detail(&["chosen", "popular"], &lists, &truths, &[5, 1], &[2, 1, 1, 0, 0], 1);
        assert!((got.hit_rate - 0.5).abs() < 1e-12 && (got.reciprocal_rank - 0.25).abs() < 1e-12);
        // Places 2 and 3 are true: precision 1/2 and 2/3 over two true items.
        assert!((got.average_precision - (0.5 + 2.0 / 3.0) / 4.0).abs() < 1e-12);
        assert!((got.coverage - 0.8).abs() < 1e-12 && got.novelty > 0.0);
        let (difference, interval) = got.against["popular"];
        assert!(difference < 0.0 && interval.0 <= difference && difference <= interval.1);
    }

    #[test]
    fn a_perfect_list_scores_one_even_when_shorter_than_k() {
        assert!((ndcg(&[4, 7], &[4, 7], 10) - 1.0).abs() < 1e-12);
    }
}
