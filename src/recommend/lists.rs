//! Which of the best items make a list: how many of one category, and which the customer never had.

use super::interactions::strengths;
use super::scores::top;
use super::{ItemEvent, Recommender};
use crate::config::{Config, Language, RecommendSettings};
use crate::exports::ItemTable;
use crate::timeline::NO_INDEX;

/// What lists are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Items of the list.
    pub count: usize,
    /// At most so many of one category.
    pub per_category: Option<usize>,
    /// Items of a second list, of such as the customer never bought.
    pub new_items: usize,
    /// Of the reasons.
    pub language: Language,
}

impl Wanted {
    /// So many items, whatever they are.
    pub fn best(count: usize) -> Wanted {
        Wanted { count, per_category: None, new_items: 0, language: Language::En }
    }

    /// As a config asks.
    pub fn of(config: &Config) -> Wanted {
        let RecommendSettings { per_customer, per_category, new_items, .. } = config.recommend;
        Wanted { count: per_customer, per_category, new_items, language: config.project.language }
    }
}

/// The category of each item of a catalogue, by the coarsest level; empty where the exports have none. `from` are the items of the exports.
pub(super) fn categories(items: &ItemTable, from: &[u32]) -> Vec<u32> {
    let Some(level) = items.categories.first() else { return Vec::new() };
    from.iter().map(|item| level.codes.get(*item as usize).copied().unwrap_or(NO_INDEX)).collect()
}

/// The `count` best positive scores of a row, at most `most` of one category, best first; items without a category are not counted. Fewer where there are not
/// enough.
pub(super) fn capped(row: &[f32], count: usize, most: Option<usize>, categories: &[u32]) -> Vec<(u32, f32)> {
    let Some(most) = most.filter(|_| !categories.is_empty()) else { return top(row, count) };
    let mut looked_at = 4 * count;
    loop {
        let best = top(row, looked_at);
        let is_all = best.len() < looked_at;
        let mut taken: Vec<(u32, usize)> = Vec::new();
        let mut list = Vec::with_capacity(count);
        for (item, score) in best {
            if list.len() == count {
                break;
            }
            let category = categories[item as usize];
            if category != NO_INDEX {
                match taken.iter_mut().find(|(known, _)| *known == category) {
                    Some((_, times)) if *times >= most => continue,
                    Some((_, times)) => *times += 1,
                    None => taken.push((category, 1)),
                }
            }
            list.push((item, score));
        }
        if list.len() == count || is_all {
            return list;
        }
        looked_at *= 4;
    }
}

impl Recommender {
    /// The scores of a row without what the customer bought before.
    pub(super) fn never_bought(&self, row: &[f32], history: &[ItemEvent]) -> Vec<f32> {
        let mut row = row.to_vec();
        let bought: Vec<ItemEvent> = history.iter().filter(|event| event.weight >= self.target_weight).copied().collect();
        strengths(&bought, f32::INFINITY).iter().for_each(|(item, _)| row[*item as usize] = 0.0);
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_at_most_so_many_of_a_category_and_items_without_one_are_free() {
        let row = [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0];
        let categories = [0, 0, 0, 1, NO_INDEX, NO_INDEX, 1];
        let items = |count: usize, most: Option<usize>| capped(&row, count, most, &categories).into_iter().map(|(item, _)| item).collect::<Vec<_>>();
        assert_eq!(items(4, Some(1)), [0, 3, 4, 5]);
        assert_eq!(items(4, Some(2)), [0, 1, 3, 4]);
        assert_eq!(items(4, None), [0, 1, 2, 3]);
        // There are not more.
        assert_eq!(items(9, Some(1)), [0, 3, 4, 5]);
        // Far down the row.
        let long: Vec<f32> = (0..1_000).rev().map(|score| score as f32 + 1.0).collect();
        let categories: Vec<u32> = (0..1_000).map(|item| u32::from(item >= 990)).collect();
        assert_eq!(capped(&long, 2, Some(1), &categories).iter().map(|(item, _)| *item).collect::<Vec<_>>(), [0, 990]);
    }
}
