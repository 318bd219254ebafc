//! Measures of ranked lists: NDCG and recall, binary relevance.

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
    fn a_perfect_list_scores_one_even_when_shorter_than_k() {
        assert!((ndcg(&[4, 7], &[4, 7], 10) - 1.0).abs() < 1e-12);
    }
}
