//! What each would want next: several models behind one contract, blended by weights learnt on the choose window.
//!
//! In: what customers did with items before a cut-off. Out: a [`Recommender`] (item side only: no row of a customer is kept),
//! and how each model ranks what customers did next. One path for known and new customers: a customer is their own events.

mod alike;
mod blend;
mod choose;
mod ease;
mod factors;
mod fit;
mod fresh;
mod interactions;
mod lifts;
mod lists;
mod local;
mod neighbours;
mod place;
mod popular;
mod product;
mod ready;
mod reasons;
mod repeat;
mod scores;
mod season;
mod stock;
mod table;
#[cfg(test)]
mod tests;
mod traps;

pub use fit::train;
pub use fresh::{Fresh, FreshItem};

pub use lists::Wanted;
pub use stock::{Shelves, Stock};

use crate::exports::Exports;
use crate::timeline::{Cutoff, History};
use alike::Alike;
use bincode::{Decode, Encode};
use blend::{Blend, Scaled};
use interactions::Reader;
use rayon::prelude::*;
use reasons::Reason;
use scores::Scores;

/// One thing a customer did with an item, seen from a cut-off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ItemEvent {
    /// Item of the recommender's catalogue.
    pub item: u32,
    /// Days before the cut-off; for sources without time, the number of the customer's events that came after.
    pub days_ago: f32,
    /// Weight of the kind of event; negative for returns.
    pub weight: f32,
}

/// A model that ranks items for a customer from the customer's own events.
pub(crate) trait ItemModel: Sync {
    /// The score of every item for each history, a row each; greater is better, 0 or less is no opinion. A row depends on its history only.
    fn score(&self, histories: &[&[ItemEvent]], items: usize) -> Scores;

    /// The scores, where they are the same for everyone whatever their history.
    fn for_all(&self) -> Option<&[f32]> {
        None
    }

    /// How many customers are best scored together.
    fn block(&self) -> usize {
        FEW
    }
}

/// How many customers models score together: as many as the one that wants most.
fn block_of<'m>(models: impl Iterator<Item = &'m dyn ItemModel>) -> usize {
    models.map(ItemModel::block).max().unwrap_or(1)
}

/// What the bundle keeps of the recommender.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Recommender {
    /// The name of the model chosen.
    pub name: String,
    /// Ids in byte order.
    item_ids: Vec<String>,
    /// Names for people; empty where the exports have none.
    item_names: Vec<String>,
    /// Whether an item could be had when the training ended.
    available: Vec<bool>,
    /// Category of each item, by the coarsest level; empty where there are none.
    categories: Vec<u32>,
    /// Weight of each kind of event; other kinds weigh nothing.
    kind_weights: Vec<(String, f32)>,
    /// Weight of the kind that a recommendation wants to bring about.
    target_weight: f32,
    /// Whether ages of events are days.
    dated: bool,
    /// Best sellers among customers who are alike, for those without history.
    alike: Option<Alike>,
    blend: Blend,
}

/// A customer to find items for.
#[derive(Debug, Clone, Copy)]
pub struct Shopper<'a> {
    /// What they did with items, by [`Recommender::item_events`].
    pub events: &'a [ItemEvent],
    /// Who they are like, by [`Recommender::group`].
    pub group: Option<u32>,
    /// Where and when, by [`Recommender::context`].
    pub context: Context,
    /// Whether each item of the catalogue can be had there, by [`Shelves::at`].
    pub shelf: &'a [bool],
}

/// What is known at scoring beside what the customer did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Context {
    /// The place where they buy, where places tell tastes apart.
    place: Option<u32>,
    /// The time of the year, where it tells tastes apart.
    season: Option<u32>,
}

/// An item offered to a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommended {
    /// Item of the recommender's catalogue.
    pub item: u32,
    /// Its score; comparable within a customer.
    pub score: f32,
    /// Stable code of the reason.
    pub reason_code: &'static str,
    /// The reason in words, with the customer's numbers.
    pub reason: String,
    /// Whether it stands on the second list, of what the customer never bought.
    pub is_new: bool,
}

/// The windows of a training on dated events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankWindows {
    /// The test window begins here and ends with the data.
    pub test: Cutoff,
    /// The choose window begins here and ends where the test window begins.
    pub choose: Cutoff,
    /// The refit sees everything before this.
    pub end: Cutoff,
}

/// How each model ranked what customers did in the test window.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct RankReport {
    /// The model used.
    pub chosen: String,
    /// Customers with a history and something later to find.
    pub ranked_customers: usize,
    /// Items in the catalogue.
    pub items: usize,
    /// Every model by name.
    pub models: Vec<(String, crate::evaluate::rank::Ranking)>,
    /// More of the model used.
    pub detail: crate::evaluate::rank::RankDetail,
    /// Categories whose items are bought once, where others are bought again.
    pub bought_once: Vec<String>,
    /// What looks wrong with the events.
    pub warnings: Vec<String>,
}

/// Of a customer, by set of items: the one that fits best, and how well, 0 to 1.
pub type Fits = Vec<(Option<u32>, f64)>;

/// The scores of every item that can be had for one customer.
struct Served<'a> {
    /// The customer's place in the block.
    customer: usize,
    row: &'a [f32],
    /// What each model says of the block.
    scaled: &'a [&'a Scaled<'a>],
}

/// Of each set of items the one that scores most (the first of equals), as a share of the greatest score of all.
fn fits(row: &[f32], sets: &[Vec<u32>]) -> Fits {
    if sets.is_empty() {
        return Vec::new();
    }
    let greatest = scores::top(row, 1).first().map_or(0.0, |(_, score)| *score);
    let of_set = |set: &Vec<u32>| {
        if set.is_empty() {
            return (None, 1.0);
        }
        let wanted = set.iter().copied().filter(|item| row[*item as usize] > 0.0);
        let own = wanted.max_by(|a, b| row[*a as usize].total_cmp(&row[*b as usize]).then(b.cmp(a)));
        own.map_or((None, 0.0), |item| (Some(item), f64::from(row[item as usize] / greatest)))
    };
    sets.iter().map(of_set).collect()
}

/// The cut-off of sources without time: after every position of a list.
pub const AFTER_ALL: Cutoff = interactions::AFTER_ALL;

/// Customers scored together by products with all items.
const BLOCK: usize = 96;
/// Customers scored together by models that look at few items: their rows of scores stay near the processor.
const FEW: usize = 8;

impl Recommender {
    /// Maps the items of newly read exports to the catalogue; items that training never saw map to nothing.
    pub fn map_items(&self, exports: &Exports) -> Vec<Option<u32>> {
        exports.items.ids.iter().map(|id| self.item_ids.binary_search_by(|known| known.as_bytes().cmp(id.as_bytes())).ok().map(|item| item as u32)).collect()
    }
    /// The customer's events with items of the catalogue, by item. `items` comes from [`Recommender::map_items`]. For sources
    /// without time, split timelines at [`AFTER_ALL`].
    pub fn item_events(&self, history: &History<'_>, items: &[Option<u32>]) -> Vec<ItemEvent> {
        Reader { weights: &self.weights(&history.store().kinds), items, timed: self.dated }.events(history)
    }
    /// The weight of each kind of event.
    fn weights(&self, kinds: &[String]) -> Vec<f32> {
        let weight = |kind: &String| self.kind_weights.iter().find(|(name, _)| name == kind).map_or(0.0, |(_, weight)| *weight);
        kinds.iter().map(weight).collect()
    }
    /// The best `count` items with reasons for a block of customers, best first, ties by item. A customer without history gets best
    /// sellers. Fewer are returned where fewer exist.
    pub fn recommend(&self, histories: &[Vec<ItemEvent>], count: usize) -> Vec<Vec<Recommended>> {
        let shoppers: Vec<Shopper<'_>> =
            histories.iter().map(|events| Shopper { events, group: None, context: Context::default(), shelf: &self.available }).collect();
        self.recommend_to(&shoppers, &Wanted::best(count))
    }
    /// As [`Recommender::recommend`], of what can be had where a customer buys; one without history whose group is known gets what sells
    /// among those who are alike, then what sells to all. The second list, where one is asked for, follows the first.
    pub fn recommend_to(&self, shoppers: &[Shopper<'_>], wanted: &Wanted) -> Vec<Vec<Recommended>> {
        self.serve(shoppers, |shopper, served| self.list(shopper, &served, wanted))
    }
    /// As [`Recommender::recommend_to`]; beside each customer's list, of each set of items (of the catalogue) the one that fits best and how well, as a
    /// share of what the customer's very best item scores. A set without items fits everyone alike.
    pub fn recommend_and_fit(&self, shoppers: &[Shopper<'_>], wanted: &Wanted, sets: &[Vec<u32>]) -> Vec<(Vec<Recommended>, Fits)> {
        self.serve(shoppers, |shopper, served| (self.list(shopper, &served, wanted), fits(served.row, sets)))
    }
    /// The group of customers that a profile belongs to, where groups tell tastes apart.
    pub fn group(&self, history: &History<'_>) -> Option<u32> {
        self.alike.as_ref()?.group(history)
    }
    /// Where a customer buys, and the time of the year at the cut-off of the history.
    pub fn context(&self, history: &History<'_>) -> Context {
        Context { place: self.blend.local.as_ref().and_then(|local| local.place(history)), season: self.blend.seasons.at(history.cutoff) }
    }
    /// Id and name of an item of the catalogue. The name is the id where the exports have none.
    pub fn item(&self, item: u32) -> (&str, &str) {
        let id = &self.item_ids[item as usize];
        let name = &self.item_names[item as usize];
        (id, if name.is_empty() { id } else { name })
    }
    /// Number of items in the catalogue.
    pub fn items(&self) -> usize {
        self.item_ids.len()
    }
    /// Whether ages of events are days: then histories come from `exports.events`, otherwise from `exports.untimed`.
    pub fn is_dated(&self) -> bool {
        self.dated
    }

    /// Scores every item that can be had for each customer, and hands each one's row to `each`.
    fn serve<T: Send>(&self, shoppers: &[Shopper<'_>], each: impl Fn(&Shopper<'_>, Served<'_>) -> T + Sync) -> Vec<T> {
        let of_block = |block: &[Shopper<'_>]| -> Vec<T> {
            let histories: Vec<&[ItemEvent]> = block.iter().map(|shopper| shopper.events).collect();
            let mut total = Scores::zeros(1, self.items());
            self.blend.over(&histories, &self.blend.models(), self.items(), |customer, scaled| {
                self.total(&block[customer], customer, scaled, total.row_mut(0));
                each(&block[customer], Served { customer, row: total.row(0), scaled })
            })
        };
        shoppers.par_chunks(self.blend.block()).map(of_block).collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// Writes the scores of every item that can be had for a customer.
    fn total(&self, shopper: &Shopper<'_>, customer: usize, scaled: &[&Scaled<'_>], row: &mut [f32]) {
        if table::has_history(shopper.events) {
            self.blend.sum(scaled, &self.blend.weights, Some(shopper.context), customer, row);
        } else {
            row.copy_from_slice(&self.blend.popular.demand);
            self.blend.apply(shopper.context, row);
        }
        if let Some((alike, group)) = self.alike_of(shopper) {
            // What sells among those who are alike goes before everything else.
            let most = row.iter().copied().fold(0.0, f32::max);
            alike.demand[group as usize].iter().for_each(|(item, share)| row[*item as usize] = most * (1.0 + share));
        }
        // Without a way out in the middle, many are looked at at once.
        if !shopper.shelf.iter().fold(true, |all, available| all & available) {
            row.iter_mut().zip(shopper.shelf).for_each(|(score, available)| *score = if *available { *score } else { 0.0 });
        }
    }

    /// The group whose best sellers stand for a customer without history.
    fn alike_of(&self, shopper: &Shopper<'_>) -> Option<(&Alike, u32)> {
        self.alike.as_ref().zip(shopper.group).filter(|_| !table::has_history(shopper.events))
    }

    /// The lists of a customer, with reasons.
    fn list(&self, shopper: &Shopper<'_>, served: &Served<'_>, wanted: &Wanted) -> Vec<Recommended> {
        let Served { customer, row, scaled } = *served;
        let alike = self.alike_of(shopper);
        let best = |row: &[f32], count: usize| lists::capped(row, count, wanted.per_category, &self.categories);
        let second = if wanted.new_items > 0 { best(&self.never_bought(row, shopper.events), wanted.new_items) } else { Vec::new() };
        let first = best(row, wanted.count).into_iter().map(|place| (place, false));
        first
            .chain(second.into_iter().map(|place| (place, true)))
            .map(|((item, score), is_new)| {
                let reason = match alike {
                    Some((alike, group)) if alike.demand[group as usize].binary_search_by_key(&item, |(item, _)| *item).is_ok() => {
                        Reason::PopularAlike { column: alike.column.clone(), group: alike.groups[group as usize].clone() }
                    }
                    _ => self.reason(shopper.events, customer, item, scaled),
                };
                Recommended { item, score, reason_code: reason.code(), reason: reason.in_words(wanted.language), is_new }
            })
            .collect()
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> std::result::Result<(), String> {
        let items = self.item_ids.len();
        if items == 0 || items > u32::MAX as usize / 2 {
            return Err(format!("recommender: {items} items, expected 1 to 2^31"));
        }
        if self.item_ids.windows(2).any(|pair| pair[0].as_bytes() >= pair[1].as_bytes()) {
            return Err("recommender: the item ids do not ascend".into());
        }
        if self.item_names.len() != items || self.available.len() != items {
            return Err(format!("recommender: {} names and {} availabilities for {items} items", self.item_names.len(), self.available.len()));
        }
        if !(self.categories.is_empty() || self.categories.len() == items) {
            return Err(format!("recommender: {} categories for {items} items", self.categories.len()));
        }
        if self.kind_weights.iter().any(|(_, weight)| !weight.is_finite()) || !self.target_weight.is_finite() {
            return Err("recommender: the weight of a kind is not finite".into());
        }
        if let Some(alike) = &self.alike {
            alike.validate(items)?;
        }
        self.blend.validate(items)
    }
}
