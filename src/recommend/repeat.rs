//! What a customer bought before, offered again: each item by the customer's own events, decayed.

use super::interactions::{Interactions, strengths};
use super::scores::Scores;
use super::{ItemEvent, ItemModel};
use crate::timeline::NO_INDEX;
use bincode::{Decode, Encode};
use std::collections::{BTreeMap, BTreeSet};

/// A customer's own items, halved every half-life.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub(crate) struct OwnItems {
    /// In days (in events, for sources without time); infinite for none.
    pub half_life: f32,
}

impl ItemModel for OwnItems {
    fn score(&self, histories: &[&[ItemEvent]], items: usize) -> Scores {
        let mut out = Scores::zeros(histories.len(), items);
        for (customer, history) in histories.iter().enumerate() {
            let row = out.row_mut(customer);
            for (item, strength) in strengths(history, self.half_life) {
                row[item as usize] = strength;
            }
        }
        out
    }
}

/// Later purchases of a category by customers with a history below which it follows all others.
const LEAST: f64 = 30.0;
/// Standard errors by which the purchases again of a category must differ from chance for it to go its own way.
const CLEARLY: f64 = 2.0;

/// Which items are offered again to a customer who bought them: a shop sells coffee and coffee machines.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Again {
    /// By item: whether it is bought once; empty where all items are alike.
    pub once: Vec<bool>,
    /// Whether items are offered again where `once` does not say.
    pub otherwise: bool,
    /// Weight of an event from which an item counts as bought; one looked at is not.
    pub bought: f32,
}

impl Again {
    /// One answer for all items.
    pub fn all(otherwise: bool, bought: f32) -> Again {
        Again { once: Vec::new(), otherwise, bought }
    }

    /// Learns from what came after histories, for all items and for each category that clearly differs. `categories` says the category of each
    /// item; empty where there are none.
    pub fn learn(data: &Interactions, truths: &[Vec<u32>], categories: &[u32], bought: f32) -> Again {
        let owned: Vec<Vec<u32>> = (0..truths.len()).map(|customer| self::owned(data.of(customer), bought)).collect();
        let all = Repeats::count(truths, &owned, data.items, |_| Some(0)).remove(&0).unwrap_or_default();
        let otherwise = all.seen > all.by_chance;
        let differs = |own: &Repeats| {
            let clearly = (own.seen - own.by_chance).abs() > CLEARLY * own.by_chance.max(1.0).sqrt();
            own.wanted >= LEAST && clearly && (own.seen > own.by_chance) != otherwise
        };
        let category = |item: u32| categories.get(item as usize).copied().filter(|category| *category != NO_INDEX);
        let by_category = Repeats::count(truths, &owned, data.items, category);
        let different: BTreeSet<u32> = by_category.into_iter().filter(|(_, own)| differs(own)).map(|(category, _)| category).collect();
        if different.is_empty() {
            return Again::all(otherwise, bought);
        }
        let once = categories.iter().map(|category| otherwise == different.contains(category)).collect();
        Again { once, otherwise, bought }
    }

    /// Whether an item is offered again to who bought it.
    pub fn allows(&self, item: u32) -> bool {
        self.once.get(item as usize).map_or(self.otherwise, |once| !once)
    }

    /// Whether any item is.
    pub fn any(&self) -> bool {
        if self.once.is_empty() { self.otherwise } else { self.once.contains(&false) }
    }

    /// The items that a customer bought and is not to be offered again, ascending.
    pub fn taken_out(&self, history: &[ItemEvent]) -> Vec<u32> {
        if self.otherwise && self.once.is_empty() {
            return Vec::new();
        }
        owned(history, self.bought).into_iter().filter(|item| !self.allows(*item)).collect()
    }
}

/// The items that a customer bought and did not bring back, ascending.
pub(crate) fn owned(history: &[ItemEvent], bought: f32) -> Vec<u32> {
    // Returns weigh less than nothing and belong to a purchase.
    let of_purchases: Vec<ItemEvent> = history.iter().filter(|event| event.weight >= bought || event.weight < 0.0).copied().collect();
    strengths(&of_purchases, f32::INFINITY).into_iter().map(|(item, _)| item).collect()
}

/// How often customers come back to what they own.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Repeats {
    /// Later purchases of customers with a history.
    wanted: f64,
    /// Those of them that they owned.
    seen: f64,
    /// Those that drawing later purchases by popularity would give.
    by_chance: f64,
}

impl Repeats {
    /// Counts by group of items, in one pass; items without a group are left out.
    fn count(truths: &[Vec<u32>], owned: &[Vec<u32>], items: usize, group: impl Fn(u32) -> Option<u32>) -> BTreeMap<u32, Repeats> {
        let mut popularity = vec![0.0_f64; items];
        let mut totals: BTreeMap<u32, f64> = BTreeMap::new();
        for item in truths.iter().flatten() {
            if let Some(group) = group(*item) {
                *totals.entry(group).or_insert(0.0) += 1.0;
            }
            if let Some(count) = popularity.get_mut(*item as usize) {
                *count += 1.0;
            }
        }
        let mut repeats: BTreeMap<u32, Repeats> = BTreeMap::new();
        for (truth, owned) in truths.iter().zip(owned).filter(|(truth, _)| !truth.is_empty()) {
            // By group: of what is owned, how many are wanted again, and how popular all of it is.
            let mut own: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
            for item in owned {
                let Some(group) = group(*item) else { continue };
                let (seen, popular) = own.entry(group).or_default();
                *seen += f64::from(u8::from(truth.binary_search(item).is_ok()));
                *popular += popularity[*item as usize];
            }
            for (code, (seen, popular)) in own {
                let here = truth.iter().filter(|item| group(**item) == Some(code)).count() as f64;
                if here > 0.0 {
                    let repeats = repeats.entry(code).or_default();
                    repeats.wanted += here;
                    repeats.seen += seen;
                    repeats.by_chance += here * popular / totals[&code];
                }
            }
        }
        repeats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bought(items: &[u32]) -> Vec<ItemEvent> {
        items.iter().map(|item| ItemEvent { item: *item, days_ago: 1.0, weight: 1.0 }).collect()
    }

    fn share(data: &Interactions, truths: &[Vec<u32>]) -> (f64, f64) {
        let owned: Vec<Vec<u32>> = (0..truths.len()).map(|customer| super::owned(data.of(customer), 1.0)).collect();
        let repeats = Repeats::count(truths, &owned, data.items, |_| Some(0)).remove(&0).unwrap_or_default();
        (repeats.seen, repeats.by_chance)
    }

    #[test]
    fn customers_who_only_buy_the_same_again_repeat_more_than_chance() {
        let data = Interactions::from_lists(&[bought(&[0]), bought(&[1])], 2);
        assert_eq!(share(&data, &[vec![0], vec![1]]), (2.0, 1.0));
        assert!(Again::learn(&data, &[vec![0], vec![1]], &[], 1.0).any());
    }

    #[test]
    fn customers_who_never_buy_the_same_again_repeat_less_than_chance() {
        let data = Interactions::from_lists(&[bought(&[0]), bought(&[1])], 2);
        assert_eq!(share(&data, &[vec![1], vec![0]]), (0.0, 1.0));
        assert_eq!(share(&data, &[vec![], vec![]]), (0.0, 0.0));
        assert!(!Again::learn(&data, &[vec![1], vec![0]], &[], 1.0).any());
    }

    #[test]
    fn coffee_is_offered_again_and_a_coffee_machine_is_not() {
        // Items 0 to 3 are coffees, 4 to 7 machines. Everyone has one of each, buys the coffee again and another machine.
        let (lists, truths): (Vec<Vec<ItemEvent>>, Vec<Vec<u32>>) =
            (0..100).map(|customer| (bought(&[customer % 4, 4 + customer % 4]), vec![customer % 4, 4 + (customer + 1) % 4])).unzip();
        let data = Interactions::from_lists(&lists, 9);
        let categories = [0, 0, 0, 0, 1, 1, 1, 1, NO_INDEX];
        let again = Again::learn(&data, &truths, &categories, 1.0);
        assert_eq!((0..9).map(|item| again.allows(item)).collect::<Vec<_>>(), [true, true, true, true, false, false, false, false, true]);
        assert_eq!(again.taken_out(&lists[0]), [4], "the machine that the customer has, and nothing else");
        // A machine only looked at is still one to offer.
        let looked = vec![ItemEvent { item: 4, days_ago: 1.0, weight: 0.2 }];
        assert!(again.taken_out(&looked).is_empty());
        // Of ten customers nothing is said.
        assert_eq!(Again::learn(&Interactions::from_lists(&lists[..10], 9), &truths[..10], &categories, 1.0).once, Vec::<bool>::new());
    }
}
