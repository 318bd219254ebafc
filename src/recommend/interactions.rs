//! What customers did with items: the only input of every model.
//!
//! In: timelines before a cut-off. Out: [`Interactions`], item events grouped by customer, and the truth of a window. Knows the
//! weight of each kind of event and which items may be recommended; knows nothing of models.

use super::ItemEvent;
use crate::config::{RecommendSettings, Span};
use crate::exports::{Exports, ItemTable};
use crate::timeline::{Cutoff, EventStore, History, Moment, NO_INDEX, Timeline};
use rayon::prelude::*;

/// A cut-off after every position of a list: the whole of a source without time.
pub(crate) const AFTER_ALL: Cutoff = Moment(i64::MAX / 4);

/// The weight of a kind of event where `[recommend] weight` does not name it. A return takes back a part of an order, seldom all
/// of it: on Online Retail II a quarter ranked best.
pub(crate) fn default_weight(kind: &str) -> f32 {
    match kind {
        "purchase" | "renew" => 1.0,
        "cart" | "like" => 0.5,
        "view" | "click" => 0.2,
        "return" => -0.25,
        _ => 0.0,
    }
}

/// The weights of all kinds of a store, by name; the config's word goes first.
pub(crate) fn kind_weights(kinds: &[String], settings: &RecommendSettings) -> Vec<(String, f32)> {
    let weight = |kind: &str| settings.weights.iter().find(|(name, _)| name == kind).map_or(default_weight(kind), |(_, weight)| *weight as f32);
    kinds.iter().map(|kind| (kind.clone(), weight(kind))).collect()
}

/// The items that may be recommended, and where each item of an item table is among them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    /// Item of the exports for each item of the catalogue, ascending.
    pub from: Vec<u32>,
    /// Item of the catalogue for each item of the exports.
    pub to: Vec<Option<u32>>,
}

impl Catalogue {
    /// Recommendable items that some event before the end wants (positive weight).
    pub fn new(table: &ItemTable, store: &EventStore, weights: &[f32], end: Cutoff) -> Self {
        let mut wanted = vec![false; table.ids.len()];
        for index in 0..store.item.len() {
            let item = store.item[index];
            if item != NO_INDEX && store.time[index] < end.0 && weights[usize::from(store.kind[index])] > 0.0 {
                wanted[item as usize] = table.recommendable.get(item as usize).copied().unwrap_or(true);
            }
        }
        let from: Vec<u32> = (0..wanted.len() as u32).filter(|item| wanted[*item as usize]).collect();
        let mut to = vec![None; wanted.len()];
        for (position, item) in from.iter().enumerate() {
            to[*item as usize] = Some(position as u32);
        }
        Catalogue { from, to }
    }
    /// Number of items.
    pub fn len(&self) -> usize {
        self.from.len()
    }
}

/// Item events grouped by customer, a customer's by item, an item's oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Interactions {
    /// Customer `c` has the events `offsets[c]..offsets[c + 1]`.
    pub offsets: Vec<usize>,
    /// The events.
    pub events: Vec<ItemEvent>,
    /// Items in the catalogue.
    pub items: usize,
}

impl Interactions {
    /// Groups lists of events.
    pub fn from_lists(lists: &[Vec<ItemEvent>], items: usize) -> Self {
        let mut offsets = Vec::with_capacity(lists.len() + 1);
        offsets.push(0);
        let mut events = Vec::with_capacity(lists.iter().map(Vec::len).sum());
        for list in lists {
            events.extend_from_slice(list);
            offsets.push(events.len());
        }
        Interactions { offsets, events, items }
    }
    /// What every customer of a store did before the cut-off.
    pub fn before(store: &EventStore, cutoff: Cutoff, reader: &Reader<'_>, items: usize) -> Self {
        let lists: Vec<Vec<ItemEvent>> = (0..store.customers() as u32)
            .into_par_iter()
            .map(|customer| {
                let history = Timeline::new(customer, store, &[]).before(cutoff);
                reader.events(&history)
            })
            .collect();
        Self::from_lists(&lists, items)
    }
    /// Number of customers.
    pub fn customers(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }
    /// What a customer did.
    pub fn of(&self, customer: usize) -> &[ItemEvent] {
        &self.events[self.offsets[customer]..self.offsets[customer + 1]]
    }
}

/// How events of a store become item events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    /// Weight of each kind of the store.
    pub weights: &'a [f32],
    /// Item of the catalogue for each item of the exports.
    pub items: &'a [Option<u32>],
    /// Whether the source has time; otherwise the age of an event is the number of events after it.
    pub timed: bool,
}

impl Reader<'_> {
    /// The item events of a history by item, an item's oldest first. Rows of one item, kind and moment are one event (an order split
    /// into lines).
    pub fn events(&self, history: &History<'_>) -> Vec<ItemEvent> {
        let mut found: Vec<(Moment, u8)> = Vec::new();
        // Item and position in one number: events are ordered by time, then kind, and sorting is most of the work here.
        let mut order: Vec<u64> = Vec::new();
        for event in history.events() {
            let kind = event.kind();
            if self.weights[usize::from(kind)] == 0.0 {
                continue;
            }
            let Some(item) = event.item().and_then(|item| self.items.get(item as usize).copied().flatten()) else { continue };
            order.push(u64::from(item) << 32 | found.len() as u64);
            found.push((event.time(), kind));
        }
        let count = found.len();
        order.sort_unstable();
        let parts = |key: u64| ((key >> 32) as u32, key as u32 as usize);
        order.dedup_by(|later, earlier| {
            let ((item, at), (of, before)) = (parts(*later), parts(*earlier));
            item == of && found[at] == found[before]
        });
        let event = |key: u64| {
            let (item, position) = parts(key);
            let (time, kind) = found[position];
            let days_ago = if self.timed { history.cutoff.days_since(time) as f32 } else { (count - 1 - position) as f32 };
            ItemEvent { item, days_ago, weight: self.weights[usize::from(kind)] }
        };
        order.into_iter().map(event).collect()
    }
}

/// The kinds a recommendation wants to bring about: those of the greatest weight that occur with an item (purchases where there
/// are purchases, views in a shop that exports views only).
pub(crate) fn target_kinds(store: &EventStore, weights: &[f32]) -> Vec<bool> {
    let mut occurs = vec![false; store.kinds.len()];
    for (kind, item) in store.kind.iter().zip(&store.item) {
        occurs[usize::from(*kind)] |= *item != NO_INDEX;
    }
    let greatest = weights.iter().zip(&occurs).filter(|(_, occurs)| **occurs).map(|(weight, _)| *weight).fold(0.0_f32, f32::max);
    weights.iter().zip(&occurs).map(|(weight, occurs)| *occurs && greatest > 0.0 && *weight >= greatest).collect()
}

/// The distinct recommendable items each customer wanted in `[from, to)`, ascending. Items outside the catalogue count as well (they
/// cannot be found, and that is the recommender's fault): they stand behind the catalogue.
pub(crate) fn truth(store: &EventStore, exports: &Exports, catalogue: &Catalogue, targets: &[bool], from: Cutoff, to: Cutoff) -> Vec<Vec<u32>> {
    let horizon = Span { seconds: to.0 - from.0 };
    (0..store.customers() as u32)
        .into_par_iter()
        .map(|customer| {
            let (_, future) = Timeline::new(customer, store, &[]).split(from, horizon);
            let mut items: Vec<u32> = future
                .events()
                .filter(|event| targets[usize::from(event.kind())])
                .filter_map(|event| event.item())
                .filter(|item| exports.items.recommendable.get(*item as usize).copied().unwrap_or(true))
                .map(|item| catalogue.to[item as usize].unwrap_or(catalogue.len() as u32 + item))
                .collect();
            items.sort_unstable();
            items.dedup();
            items
        })
        .collect()
}

/// How much of each item a customer's events amount to: weights halved every `half_life` days, summed, ascending by item; items
/// whose returns outweigh their purchases are left out. `half_life` is infinite for no decay.
pub(crate) fn strengths(events: &[ItemEvent], half_life: f32) -> Vec<(u32, f32)> {
    let rate = -1.0 / half_life;
    let mut sorted: Vec<(u32, f32)> = events.iter().map(|event| (event.item, event.weight * libm::exp2f(event.days_ago * rate))).collect();
    if !sorted.is_sorted_by_key(|(item, _)| *item) {
        sorted.sort_by_key(|(item, _)| *item);
    }
    let mut out: Vec<(u32, f32)> = Vec::with_capacity(sorted.len());
    for (item, strength) in sorted {
        match out.last_mut() {
            Some(last) if last.0 == item => last.1 += strength,
            _ => out.push((item, strength)),
        }
    }
    out.retain(|(_, strength)| *strength > 0.0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(item: u32, days_ago: f32, weight: f32) -> ItemEvent {
        ItemEvent { item, days_ago, weight }
    }

    #[test]
    fn a_purchase_counts_half_after_its_half_life() {
        assert_eq!(strengths(&[event(3, 30.0, 1.0), event(1, 0.0, 1.0), event(3, 0.0, 1.0)], 30.0), vec![(1, 1.0), (3, 1.5)]);
    }

    #[test]
    fn an_item_taken_back_as_often_as_bought_is_not_owned() {
        assert_eq!(strengths(&[event(2, 0.0, 1.0), event(2, 0.0, -1.0)], 90.0), vec![]);
    }

    #[test]
    fn without_decay_age_does_not_matter() {
        assert_eq!(strengths(&[event(0, 5000.0, 1.0)], f32::INFINITY), vec![(0, 1.0)]);
    }

    fn store() -> EventStore {
        EventStore {
            offsets: vec![0, 4, 5],
            time: vec![100, 100, 200, 90_000, 50],
            kind: vec![0, 0, 1, 0, 0],
            item: vec![0, 0, 1, 2, 1],
            kinds: vec!["purchase".into(), "view".into()],
            ..EventStore::default()
        }
    }

    #[test]
    fn lines_of_one_order_are_one_event_and_the_cutoff_hides_the_rest() {
        let items = [Some(0), Some(1), Some(2)];
        let reader = Reader { weights: &[1.0, 0.2], items: &items, timed: true };
        let got = Interactions::before(&store(), Moment(86_400), &reader, 3);
        assert_eq!(got.of(0).iter().map(|e| (e.item, e.weight)).collect::<Vec<_>>(), vec![(0, 1.0), (1, 0.2)]);
        assert!((got.of(0)[0].days_ago - (86_300.0 / 86_400.0)).abs() < 1e-6);
    }

    #[test]
    fn purchases_are_the_target_where_there_are_purchases() {
        assert_eq!(target_kinds(&store(), &[1.0, 0.2]), vec![true, false]);
        let views = EventStore { kind: vec![1; 5], ..store() };
        assert_eq!(target_kinds(&views, &[1.0, 0.2]), vec![false, true]);
    }

    #[test]
    fn the_truth_counts_items_the_catalogue_has_never_seen() {
        let exports = Exports::default();
        let catalogue = Catalogue { from: vec![0, 1], to: vec![Some(0), Some(1), None] };
        let got = truth(&store(), &exports, &catalogue, &[true, false], Moment(100), Moment(100_000));
        assert_eq!(got, vec![vec![0, 4], vec![]]);
    }
}
