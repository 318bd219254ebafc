//! Items that nobody could have bought when the bundle was trained: offered through their category and price to who buys such things.
//!
//! No model of purchases can rank what was never bought. What is known is the shelf it stands on and what it costs: it goes to customers who buy
//! from that shelf, at about that price. `score = share of the customer's decayed purchases in the category * exp(-|ln price - mean ln price there|)`. The finest
//! level of categories counts that items of the bundle share. Such items stand on a list of their own: how they would rank among the others is not known.

use super::Recommender;
use crate::config::Language;
use crate::exports::Exports;
use crate::timeline::{History, NO_INDEX};
use std::collections::BTreeMap;

/// Days after which a purchase says half as much about where a customer buys.
const HALF_LIFE: f64 = 180.0;

/// An item without history, offered to a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct FreshItem {
    /// Item of the exports.
    pub item: u32,
    /// From 0 to 1.
    pub score: f64,
    /// The category that brought it there.
    pub category: String,
    /// How often the customer bought from it.
    pub times: usize,
}

/// A category: its level, coarse to fine, and its code.
type Category = (usize, u32);

/// The items that the bundle does not know, by the category that they are offered through.
#[derive(Debug)]
pub struct Fresh<'a> {
    exports: &'a Exports,
    /// Weight of each kind of event.
    weights: Vec<f64>,
    /// Whether events have dates; without, all of them say as much.
    dated: bool,
    by_category: BTreeMap<Category, Vec<u32>>,
}

/// What a customer bought of a category.
#[derive(Debug, Clone, Copy, Default)]
struct Bought {
    times: usize,
    strength: f64,
    /// Of purchases with a price: strength, and the logarithm of the price times the strength.
    priced: f64,
    log_price: f64,
}

impl<'a> Fresh<'a> {
    /// The items of newly read exports that a recommender does not know. `known` comes from [`Recommender::map_items`].
    pub fn of(exports: &'a Exports, recommender: &Recommender, known: &[Option<u32>]) -> Fresh<'a> {
        let items = &exports.items;
        let mut shared: Vec<Vec<bool>> = items.categories.iter().map(|level| vec![false; level.names.len()]).collect();
        for (item, _) in known.iter().enumerate().filter(|(_, known)| known.is_some()) {
            for (level, shared) in items.categories.iter().zip(&mut shared) {
                if let Some(shared) = shared.get_mut(level.codes[item] as usize) {
                    *shared = true;
                }
            }
        }
        let mut by_category: BTreeMap<Category, Vec<u32>> = BTreeMap::new();
        for (item, _) in known.iter().enumerate().filter(|(_, known)| known.is_none()) {
            let finest = items.categories.iter().enumerate().rev().map(|(level, category)| (level, category.codes[item]));
            if let Some(category) = finest.into_iter().find(|(level, code)| *code != NO_INDEX && shared[*level][*code as usize]) {
                by_category.entry(category).or_default().push(item as u32);
            }
        }
        let store = if recommender.dated { &exports.events } else { &exports.untimed };
        let weights = recommender.weights(&store.kinds).into_iter().map(f64::from).collect();
        Fresh { exports, weights, dated: recommender.dated, by_category }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_category.is_empty()
    }

    /// The best for a customer of what can be had, best first, ties by item; none for who bought nothing of their categories, and none that the customer has.
    pub fn best(&self, history: &History<'_>, count: usize, can_be_had: impl Fn(u32) -> bool) -> Vec<FreshItem> {
        let items = &self.exports.items;
        let mut bought: BTreeMap<Category, Bought> = BTreeMap::new();
        let (mut all, mut own) = (0.0, Vec::new());
        for event in history.events() {
            let weight = self.weights[usize::from(event.kind())];
            let Some(item) = event.item().filter(|_| weight > 0.0) else { continue };
            own.push(item);
            let age = if self.dated { history.cutoff.days_since(event.time()) } else { 0.0 };
            let strength = weight * libm::exp2(-age / HALF_LIFE);
            all += strength;
            let price = items.price.get(item as usize).copied().filter(|price| *price > 0.0);
            for (level, category) in items.categories.iter().enumerate() {
                let code = category.codes[item as usize];
                if code != NO_INDEX && self.by_category.contains_key(&(level, code)) {
                    let bought = bought.entry((level, code)).or_default();
                    bought.times += 1;
                    bought.strength += strength;
                    if let Some(price) = price {
                        bought.priced += strength;
                        bought.log_price += strength * libm::log(price);
                    }
                }
            }
        }
        let mut best: Vec<FreshItem> = Vec::new();
        for ((level, code), bought) in &bought {
            for item in self.by_category[&(*level, *code)].iter().filter(|item| !own.contains(item) && can_be_had(**item)) {
                let price = items.price.get(*item as usize).copied().filter(|price| *price > 0.0 && bought.priced > 0.0);
                let near = price.map_or(1.0, |price| libm::exp(-(libm::log(price) - bought.log_price / bought.priced).abs()));
                let category = items.categories[*level].names[*code as usize].clone();
                best.push(FreshItem { item: *item, score: bought.strength / all * near, category, times: bought.times });
            }
        }
        best.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        best.truncate(count);
        best
    }
}

impl FreshItem {
    /// Why, with the customer's numbers.
    pub fn reason(&self, language: Language) -> String {
        let FreshItem { category, times, .. } = self;
        match (language, times) {
            (Language::Zh, _) => format!("{category} 类新品，顾客买过该类 {times} 次"),
            (Language::En, 1) => format!("new in {category}, where the customer bought once"),
            (Language::En, _) => format!("new in {category}, where the customer bought {times} times"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exports::{ItemCategory, ItemTable};
    use crate::timeline::{EventStore, Moment, Timeline};

    /// Items 0 tea, 1 cheap coffee, 2 dear coffee; 3 to 5 are new: cheap coffee, dear coffee, a lamp. Who buys coffee: dear three times, tea once.
    fn exports() -> Exports {
        let day = 86_400;
        let level = ItemCategory { codes: vec![1, 0, 0, 0, 0, 2], names: vec!["coffee".into(), "tea".into(), "lamps".into()] };
        let events = EventStore {
            offsets: vec![0, 4, 4],
            time: vec![day, 2 * day, 3 * day, 4 * day],
            kind: vec![0; 4],
            item: vec![2, 2, 2, 0],
            kinds: vec!["purchase".into()],
            ..EventStore::default()
        };
        let price = vec![3.0, 4.0, 20.0, 5.0, 19.0, 30.0];
        let ids = ["0", "1", "2", "3", "4", "5"].map(Into::into).to_vec();
        Exports { events, items: ItemTable { ids, categories: vec![level], price, ..ItemTable::default() }, ..Exports::default() }
    }

    #[test]
    fn lists_without_dates_say_where_a_customer_buys_too() {
        let mut exports = exports();
        exports.untimed = std::mem::take(&mut exports.events);
        let recommender = Recommender { dated: false, ..crate::recommend::tests::knowing(&["0", "1", "2"]) };
        let fresh = Fresh::of(&exports, &recommender, &recommender.map_items(&exports));
        let history = Timeline::new(0, &exports.untimed, &[]).before(crate::recommend::AFTER_ALL);
        let found = fresh.best(&history, 5, |_| true);
        assert_eq!(found.iter().map(|found| found.item).collect::<Vec<_>>(), [4, 3]);
        assert!(found[0].score > 0.6 && found[0].score < 0.75, "three of four purchases: {found:?}");
    }

    #[test]
    fn what_is_new_goes_to_who_buys_of_its_category_at_about_its_price() {
        let exports = exports();
        let recommender = crate::recommend::tests::knowing(&["0", "1", "2"]);
        let fresh = Fresh::of(&exports, &recommender, &recommender.map_items(&exports));
        let best = |customer: u32| {
            let history = Timeline::new(customer, &exports.events, &[]).before(Moment(10 * 86_400));
            fresh.best(&history, 5, |_| true)
        };
        let found = best(0);
        // The dear coffee before the cheap one; of lamps nothing was ever sold.
        assert_eq!(found.iter().map(|found| found.item).collect::<Vec<_>>(), [4, 3]);
        assert!(found[0].score > 0.6 && found[1].score < 0.3, "{found:?}");
        assert_eq!(found[0].reason(Language::En), "new in coffee, where the customer bought 3 times");
        assert_eq!(best(1), [], "who bought nothing");
        assert!(Fresh::of(&exports, &recommender, &[Some(0); 6]).is_empty());
    }
}
