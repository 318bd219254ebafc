//! What a customer bought before, offered again: each item by the customer's own events, decayed.

use super::interactions::{Interactions, strengths};
use super::scores::Scores;
use super::{ItemEvent, ItemModel};
use bincode::{Decode, Encode};

/// A customer's own items, halved every half-life.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub(crate) struct OwnItems {
    /// In days (in events, for sources without time); infinite for none.
    pub half_life: f32,
}

impl ItemModel for OwnItems {
    fn score(&self, histories: &[&[ItemEvent]], out: &mut Scores) {
        for (customer, history) in histories.iter().enumerate() {
            let row = out.row_mut(customer);
            for (item, strength) in strengths(history, self.half_life) {
                row[item as usize] = strength;
            }
        }
    }
}

/// Whether customers come back to items they own more often than to items that are merely popular: the share of later items that
/// are owned, and the share that drawing later items by their popularity would give.
pub(crate) fn repeat_share(data: &Interactions, truths: &[Vec<u32>]) -> (f64, f64) {
    let mut wanted = vec![0.0_f64; data.items];
    let mut total = 0.0;
    for item in truths.iter().flatten() {
        total += 1.0;
        if let Some(count) = wanted.get_mut(*item as usize) {
            *count += 1.0;
        }
    }
    let (mut repeats, mut by_chance) = (0.0, 0.0);
    for (customer, truth) in truths.iter().enumerate().filter(|(_, truth)| !truth.is_empty()) {
        let owned = strengths(data.of(customer), f32::INFINITY);
        repeats += owned.iter().filter(|(item, _)| truth.binary_search(item).is_ok()).count() as f64;
        by_chance += truth.len() as f64 * owned.iter().map(|(item, _)| wanted[*item as usize]).sum::<f64>() / total;
    }
    if total > 0.0 { (repeats / total, by_chance / total) } else { (0.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bought(items: &[u32]) -> Vec<ItemEvent> {
        items.iter().map(|item| ItemEvent { item: *item, days_ago: 1.0, weight: 1.0 }).collect()
    }

    #[test]
    fn customers_who_only_buy_the_same_again_repeat_more_than_chance() {
        let data = Interactions::from_lists(&[bought(&[0]), bought(&[1])], 2);
        assert_eq!(repeat_share(&data, &[vec![0], vec![1]]), (1.0, 0.5));
    }

    #[test]
    fn customers_who_never_buy_the_same_again_repeat_less_than_chance() {
        let data = Interactions::from_lists(&[bought(&[0]), bought(&[1])], 2);
        assert_eq!(repeat_share(&data, &[vec![1], vec![0]]), (0.0, 0.5));
        assert_eq!(repeat_share(&data, &[vec![], vec![]]), (0.0, 0.0));
    }
}
