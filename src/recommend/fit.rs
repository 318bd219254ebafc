//! Training: settings on the choose window, measures on the test window, refit on everything.

use super::alike::Alike;
use super::blend::{Blend, KINDS, ModelKind, Plan, Scaled};
use super::choose::{Ages, Part, Sold, choose, parts_of};
use super::interactions::{AFTER_ALL, Catalogue, Interactions, Reader, kind_weights, strengths, target_kinds, truth};
use super::place::{self, Whereabouts};
use super::repeat::Again;
use super::scores::Scores;
use super::table::sample;
use super::{Context, ItemEvent, RankReport, RankWindows, Recommender, lists};
use crate::config::RecommendSettings;
use crate::error::Result;
use crate::evaluate::rank::{RankDetail, Ranking, detail, ranking};
use crate::exports::Exports;
use crate::timeline::{Cutoff, EventStore, NO_INDEX};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Share of each customer's interactions held out to choose settings, and to measure where there is no other truth.
const HELD_OUT: f64 = 0.2;
/// Places of a list that are measured.
const MEASURED: usize = 20;
/// Customers who are ranked to measure, at most: of more an even sample, which tells NDCG to a thousandth.
const MOST_RANKED: usize = 100_000;

/// Learns a recommender from the exports: settings on the choose window, measures on the test window, refit on everything.
/// Without time (or without windows): settings on interactions held out of the training part; measured on sources with
/// `role = "test"` if any, else on a second held-out part. `lists` says that sources without time list items in the order in which they
/// were wanted: then the last item of each list is what is held out, as published figures of models of sequences do. `with_price_of_cutting` asks what
/// it costs that of each item's row only the greatest entries are kept.
///
/// # Errors
/// 65 when what is there cannot be ranked; `Ok(Err(reason))` when the exports hold nothing to recommend.
#[allow(clippy::type_complexity)]
pub fn train(
    exports: &Exports,
    settings: &RecommendSettings,
    windows: Option<RankWindows>,
    lists: bool,
    with_price_of_cutting: bool,
    seed: u64,
) -> Result<std::result::Result<(Recommender, RankReport), String>> {
    let names_items = |store: &EventStore| store.item.iter().any(|item| *item != NO_INDEX);
    let (store, windows) = if names_items(&exports.events) { (&exports.events, windows) } else { (&exports.untimed, None) };
    if !names_items(store) {
        return Ok(Err("no event names an item".into()));
    }
    // A misspelt place is told now, not by the first run.
    place::check(exports, settings.place.as_deref())?;
    let dated = windows.is_some();
    let kind_weights = kind_weights(&store.kinds, settings);
    let weights: Vec<f32> = kind_weights.iter().map(|(_, weight)| *weight).collect();
    let targets = target_kinds(store, &weights);
    if !targets.contains(&true) {
        return Ok(Err("no kind of event with an item has a weight above 0; set [recommend] weight".into()));
    }
    let end = windows.map_or(AFTER_ALL, |windows| windows.end);
    let catalogue = Catalogue::new(&exports.items, store, &weights, end);
    if catalogue.len() == 0 {
        return Ok(Err("no item that may be recommended was bought before the end of training".into()));
    }
    let items = catalogue.len();
    let reader = Reader { weights: &weights, items: &catalogue.to, timed: dated };
    let everything = Interactions::before(store, end, &reader, items);
    let categories = lists::categories(&exports.items, &catalogue.from);
    let target_weight = weights.iter().zip(&targets).filter(|(_, target)| **target).map(|(weight, _)| *weight).fold(0.0, f32::max);
    let whereabouts = |cutoff| settings.place.as_deref().map(|column| Whereabouts::before(exports, store, cutoff, column));
    // Places are those at the end of what settings are chosen on, and of what they are measured on.
    let (chosen_at, measured_at) = windows.map_or((AFTER_ALL, AFTER_ALL), |windows| (windows.choose, windows.test));
    let (places, measured_places) = (whereabouts(chosen_at), whereabouts(measured_at));
    let horizon = windows.map(|windows| windows.test.days_since(windows.choose) as f32);
    let sold = Sold { categories: &categories, bought: target_weight, places: places.as_ref(), horizon };
    let test_source = (!exports.truth.is_empty()).then(|| {
        let weights: Vec<f32> = super::interactions::kind_weights(&exports.truth.kinds, settings).iter().map(|(_, weight)| *weight).collect();
        let first = exports.truth.time.iter().min().copied().unwrap_or(0);
        let last = exports.truth.time.iter().max().copied().unwrap_or(0);
        truth(&exports.truth, exports, &catalogue, &target_kinds(&exports.truth, &weights), crate::timeline::Moment(first), crate::timeline::Moment(last + 1))
    });
    // What a test source withheld is seldom the end of a list.
    let ordered = lists && !dated && test_source.is_none() && !ascending(store, &exports.items.ids);
    let withhold = |data: &Interactions, seed: u64| if ordered { hold_out_last(data) } else { hold_out(data, seed) };
    let (plan, measured_on, truths) = match windows {
        Some(windows) => {
            let data = Interactions::before(store, windows.choose, &reader, items);
            let part = Part::new(data, truth(store, exports, &catalogue, &targets, windows.choose, windows.test), Ages::Days);
            let plan = choose(&[part], Ages::Days, &sold, settings, seed)?;
            let (data, truths) = match test_source {
                Some(truths) => (None, truths),
                None => {
                    (Some(Interactions::before(store, windows.test, &reader, items)), truth(store, exports, &catalogue, &targets, windows.test, windows.end))
                }
            };
            (plan, data, truths)
        }
        None => {
            let (data, truths) = match test_source {
                Some(truths) => (None, truths),
                None => {
                    let (kept, held) = withhold(&everything, seed ^ 0x7465_7374);
                    (Some(kept), held)
                }
            };
            let known = data.as_ref().unwrap_or(&everything);
            let ages = if ordered { Ages::Places } else { Ages::Nothing };
            let part = |place: usize| {
                let (data, truths) = withhold(known, seed.wrapping_add(place as u64));
                Part::new(data, truths, ages)
            };
            // There is but one end of a list.
            let parts: Vec<Part> = (0..if ordered { 1 } else { parts_of(known.customers()) }).map(part).collect();
            let plan = choose(&parts, ages, &sold, settings, seed)?;
            (plan, data, truths)
        }
    };
    let cap = settings.per_category.map(|most| (most, categories.as_slice()));
    let known = measured_on.as_ref().unwrap_or(&everything);
    let until = if measured_on.is_some() { measured_at } else { end };
    let measured = plan.fit(known, measured_places.as_ref(), until, seed)?;
    let longer = if with_price_of_cutting { plan.longer(&measured, known)? } else { None };
    let (ranked_customers, models, detail) = measure(&measured, longer.as_ref(), known, &truths, (measured_places.as_ref(), until), cap, seed);
    let warnings = super::traps::traps(store, &exports.customers, &exports.items.ids, dated);
    let bought_once = bought_once(exports, &categories, &plan.again);
    let in_season = measured.seasons.at(until).is_some();
    let plan = plan.pruned();
    // Where the test is a source of its own, what was measured has seen everything already.
    let blend = if measured_on.is_none() { measured.pruned() } else { plan.fit(&everything, whereabouts(end).as_ref(), end, seed)? };
    // What lifts in the months after the training, or lifted what was measured.
    let name = name_of(&plan, in_season || !blend.seasons.is_empty());
    let text = |list: &[Box<str>], item: u32| list.get(item as usize).map(|text| text.to_string()).unwrap_or_default();
    let recommender = Recommender {
        name: name.clone(),
        item_ids: catalogue.from.iter().map(|item| text(&exports.items.ids, *item)).collect(),
        item_names: catalogue.from.iter().map(|item| text(&exports.items.names, *item)).collect(),
        available: catalogue.from.iter().map(|item| exports.items.available.get(*item as usize).copied().unwrap_or(true)).collect(),
        categories,
        target_weight,
        kind_weights: kind_weights.into_iter().filter(|(_, weight)| *weight != 0.0).collect(),
        dated,
        alike: Alike::fit(exports, &everything),
        blend,
    };
    Ok(Ok((recommender, RankReport { chosen: name, ranked_customers, items, models, detail, bought_once, warnings })))
}

/// The single model's name, or `blend of …`.
fn name_of(plan: &Plan, seasons: bool) -> String {
    let used: Vec<&str> = KINDS.iter().filter(|kind| plan.weights[**kind as usize] > 0.0).map(|kind| kind.name()).collect();
    let models = match used.as_slice() {
        [single] => (*single).to_string(),
        several => format!("blend of {}", several.join(", ")),
    };
    let lifts: Vec<&str> = [plan.lift.map(|_| "by demand"), plan.local.map(|_| "by place"), seasons.then_some("by season")].into_iter().flatten().collect();
    match lifts.as_slice() {
        [] => models,
        [one] => format!("{models}, lifted {one}"),
        [first @ .., last] => format!("{models}, lifted {} and {last}", first.join(", ")),
    }
}

/// The categories whose items are not offered again to who bought them, where others are; in order of their names.
fn bought_once(exports: &Exports, categories: &[u32], again: &Again) -> Vec<String> {
    let Some(level) = exports.items.categories.first().filter(|_| again.any()) else { return Vec::new() };
    let once: BTreeSet<u32> = (0..again.once.len()).filter(|item| again.once[*item]).map(|item| categories[item]).collect();
    once.into_iter().filter_map(|category| level.names.get(category as usize).cloned()).collect()
}

/// Ranks the customers with a history and a truth by each model alone and by the blend, through the code that serves; with a `cap` on items of a category (how
/// many, and the category of each item), the blend's lists without it beside; `longer` is the blend with longer rows, to stand beside it.
fn measure(
    blend: &Blend,
    longer: Option<&Blend>,
    data: &Interactions,
    truths: &[Vec<u32>],
    (places, at): (Option<&Whereabouts>, Cutoff),
    cap: Option<(usize, &[u32])>,
    seed: u64,
) -> (usize, Vec<(String, Ranking)>, RankDetail) {
    let customers = sample(data, &truths[..truths.len().min(data.customers())], MOST_RANKED);
    let models = blend.models();
    let season = blend.seasons.at(at);
    let has_rows = |kind: ModelKind| matches!(kind, ModelKind::Neighbours | ModelKind::Ease);
    let rows_of_longer: Vec<_> = longer.map(|longer| longer.models().into_iter().filter(|(kind, _)| has_rows(*kind)).collect()).unwrap_or_default();
    // The lists of each customer: one for each name below.
    let lists: Vec<Vec<Vec<u32>>> = customers
        .par_chunks(blend.block())
        .flat_map_iter(|block| {
            let histories: Vec<&[ItemEvent]> = block.iter().map(|customer| data.of(*customer)).collect();
            let mut total = Scores::zeros(1, data.items);
            blend.over(&histories, &models, data.items, |customer, parts| {
                let place = blend.local.as_ref().zip(places).and_then(|(local, places)| local.place_in(places, block[customer]));
                let mut list = |blend: &Blend, parts: &[&Scaled<'_>], weights: &[f32; KINDS.len()], lifted: bool, most: Option<usize>| -> Vec<u32> {
                    blend.sum(parts, weights, lifted.then_some(Context { place, season }), customer, total.row_mut(0));
                    let categories = cap.map_or(&[][..], |(_, categories)| categories);
                    lists::capped(total.row(0), MEASURED, most, categories).into_iter().map(|(item, _)| item).collect()
                };
                let most = cap.map(|(most, _)| most);
                let mut all = vec![list(blend, parts, &blend.weights, true, most)];
                if most.is_some() {
                    all.push(list(blend, parts, &blend.weights, true, None));
                }
                if let Some(longer) = longer {
                    // The other models are the same.
                    let own = longer.scaled(&histories[customer..=customer], &rows_of_longer, data.items, customer);
                    let parts: Vec<&Scaled<'_>> = own.iter().chain(parts.iter().copied().filter(|part| !has_rows(part.kind))).collect();
                    all.push(list(longer, &parts, &longer.weights, true, None));
                }
                for (kind, _) in &models {
                    let mut weights = [0.0; KINDS.len()];
                    weights[*kind as usize] = 1.0;
                    all.push(list(blend, parts, &weights, false, None));
                }
                all
            })
        })
        .collect();
    let found: Vec<Vec<u32>> = customers.iter().map(|customer| truths[*customer].clone()).collect();
    let names: Vec<&str> = std::iter::once("chosen")
        .chain(cap.map(|_| "without the cap on categories"))
        .chain(longer.map(|_| "with rows four times as long"))
        .chain(models.iter().map(|(kind, _)| kind.name()))
        .collect();
    let lists: Vec<Vec<Vec<u32>>> = (0..names.len()).map(|place| lists.iter().map(|of_customer| of_customer[place].clone()).collect()).collect();
    let report = names.iter().zip(&lists).map(|(name, lists)| ((*name).to_string(), ranking(lists, &found))).collect();
    let mut holders = vec![0_u32; data.items];
    for customer in 0..data.customers() {
        strengths(data.of(customer), f32::INFINITY).iter().for_each(|(item, _)| holders[*item as usize] += 1);
    }
    let owned: Vec<usize> = customers.iter().map(|customer| strengths(data.of(*customer), f32::INFINITY).len()).collect();
    (customers.len(), report, detail(&names, &lists, &found, &owned, &holders, seed))
}

/// Holds a share of each customer's distinct items out, drawn by the seed and the customer's number; a customer with one item keeps it.
fn hold_out(data: &Interactions, seed: u64) -> (Interactions, Vec<Vec<u32>>) {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    let parts: Vec<(Vec<ItemEvent>, Vec<u32>)> = (0..data.customers())
        .into_par_iter()
        .map(|customer| {
            let events = data.of(customer);
            let mut items: Vec<u32> = events.iter().filter(|event| event.weight > 0.0).map(|event| event.item).collect();
            items.sort_unstable();
            items.dedup();
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(customer as u64);
            let count = (items.len() as f64 * HELD_OUT).round() as usize;
            for place in 0..count {
                let other = place + (random.next_u64() % (items.len() - place) as u64) as usize;
                items.swap(place, other);
            }
            let mut held: Vec<u32> = items[..count].to_vec();
            held.sort_unstable();
            let kept: Vec<ItemEvent> = events.iter().filter(|event| held.binary_search(&event.item).is_err()).copied().collect();
            (kept, held)
        })
        .collect();
    let (kept, held): (Vec<Vec<ItemEvent>>, Vec<Vec<u32>>) = parts.into_iter().unzip();
    (Interactions::from_lists(&kept, data.items), held)
}

/// Share of neighbouring places of lists with ascending ids above which lists are taken for sorted, not for an order of events.
const SORTED: f64 = 0.95;

/// Whether lists stand in the order of their ids: numbers as numbers, others as texts.
fn ascending(store: &EventStore, ids: &[Box<str>]) -> bool {
    let id = |index: usize| ids.get(store.item[index] as usize).map_or("", |id| id);
    let (mut pairs, mut ascending) = (0_usize, 0_usize);
    for ends in store.offsets.windows(2) {
        let mut places: Vec<usize> = (ends[0]..ends[1]).filter(|index| store.item[*index] != NO_INDEX).collect();
        places.sort_by_key(|index| store.time[*index]);
        for pair in places.windows(2) {
            let (before, after) = (id(pair[0]), id(pair[1]));
            let less = match (before.parse::<u64>(), after.parse::<u64>()) {
                (Ok(before), Ok(after)) => before < after,
                _ => before < after,
            };
            pairs += 1;
            ascending += usize::from(less);
        }
    }
    ascending as f64 > SORTED * pairs as f64
}

/// Holds the item of each customer's last event out, with all its events; a customer with one item keeps it.
fn hold_out_last(data: &Interactions) -> (Interactions, Vec<Vec<u32>>) {
    let parts: Vec<(Vec<ItemEvent>, Vec<u32>)> = (0..data.customers())
        .map(|customer| {
            let events = data.of(customer);
            let last = events.iter().filter(|event| event.weight > 0.0).min_by(|a, b| a.days_ago.total_cmp(&b.days_ago));
            match last {
                Some(last) if events.iter().any(|event| event.weight > 0.0 && event.item != last.item) => {
                    (events.iter().filter(|event| event.item != last.item).copied().collect(), vec![last.item])
                }
                _ => (events.to_vec(), Vec::new()),
            }
        })
        .collect();
    let (kept, held): (Vec<Vec<ItemEvent>>, Vec<Vec<u32>>) = parts.into_iter().unzip();
    (Interactions::from_lists(&kept, data.items), held)
}
