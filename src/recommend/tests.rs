//! The contract of every model, and of the recommender as its users see it.

#![allow(clippy::unwrap_used)]

use super::blend::{Blend, KINDS, ModelKind, Plan};
use super::ease::EaseSettings;
use super::factors::FactorSettings;
use super::interactions::Interactions;
use super::neighbours::NeighbourSettings;
use super::repeat::Again;
use super::scores::{Scores, top};
use super::*;
use crate::config::{RecommendSettings, Repeat};
use crate::exports::ItemTable;
use crate::timeline::{EventStore, Moment, Timeline};

const SIZE: u32 = 30;

fn bought(item: u32) -> ItemEvent {
    ItemEvent { item, days_ago: 1.0, weight: 1.0 }
}

/// Even customers have all even items, odd customers all odd items, except that customer u has not item u: the right item to offer.
fn checkerboard() -> Interactions {
    let lists: Vec<Vec<ItemEvent>> =
        (0..SIZE).map(|customer| (0..SIZE).filter(|item| item % 2 == customer % 2 && *item != customer).map(bought).collect()).collect();
    Interactions::from_lists(&lists, SIZE as usize)
}

fn plan(kind: ModelKind, repeat: bool) -> Plan {
    let mut weights = [0.0; KINDS.len()];
    weights[kind as usize] = 1.0;
    Plan {
        dated: true,
        popular_half_life: f32::INFINITY,
        own_half_life: f32::INFINITY,
        neighbours: Some(NeighbourSettings {
            half_life: f32::INFINITY,
            customer_damping: 1.0,
            from_damping: 0.5,
            to_damping: 0.5,
            power: 1.0,
            keep: 50,
            most_items: 100,
        }),
        factors: Some(FactorSettings { half_life: f32::INFINITY, factors: 4, iterations: 12, unobserved: 0.1, penalty: 0.1, frequency: 0.0 }),
        ease: Some(EaseSettings { half_life: f32::INFINITY, ridge: 1.0, keep: 50, memory: 1 << 30 }),
        lift: None,
        local: None,
        season: None,
        weights,
        again: Again::all(repeat, 1.0),
    }
    .pruned()
}

fn recommender(blend: Blend, items: usize) -> Recommender {
    Recommender {
        name: "test".into(),
        item_ids: (0..items).map(|item| format!("{item:04}")).collect(),
        item_names: vec![String::new(); items],
        categories: Vec::new(),
        available: vec![true; items],
        kind_weights: vec![("purchase".into(), 1.0)],
        target_weight: 1.0,
        dated: true,
        alike: None,
        blend,
    }
}

/// A recommender that knows these items, by best sellers.
pub(super) fn knowing(ids: &[&str]) -> Recommender {
    let data = Interactions::from_lists(&[(0..ids.len() as u32).map(bought).collect()], ids.len());
    let item_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    Recommender { item_ids, ..recommender(plan(ModelKind::Popular, true).fit(&data, None, AFTER_ALL, 1).unwrap(), ids.len()) }
}

fn histories(data: &Interactions) -> Vec<Vec<ItemEvent>> {
    (0..data.customers()).map(|customer| data.of(customer).to_vec()).collect()
}

fn bytes(value: &Recommender) -> Vec<u8> {
    bincode::encode_to_vec(value, bincode::config::standard()).unwrap()
}

/// Models that learn which items go together.
const LEARNERS: [ModelKind; 3] = [ModelKind::Neighbours, ModelKind::Factors, ModelKind::Ease];

#[test]
fn every_learner_finds_the_item_withheld_from_the_checkerboard() {
    let data = checkerboard();
    for kind in LEARNERS {
        let recommender = recommender(plan(kind, false).fit(&data, None, AFTER_ALL, 1).unwrap(), SIZE as usize);
        for (customer, list) in recommender.recommend(&histories(&data), 3).iter().enumerate() {
            assert_eq!(list[0].item, customer as u32, "{}", kind.name());
        }
    }
}

#[test]
fn own_purchases_offer_what_was_bought_most_and_popular_what_all_bought_most() {
    let data = Interactions::from_lists(&[vec![bought(1), bought(2), bought(2)], vec![bought(0), bought(0), bought(0), bought(1)]], 3);
    let own = recommender(plan(ModelKind::OwnItems, true).fit(&data, None, AFTER_ALL, 1).unwrap(), 3).recommend(&histories(&data), 1);
    assert_eq!((own[0][0].item, own[1][0].item), (2, 0));
    assert_eq!((own[0][0].reason_code, own[0][0].reason.as_str()), ("bought_again", "bought 2 times, last 1 day ago"));
    let popular = recommender(plan(ModelKind::Popular, true).fit(&data, None, AFTER_ALL, 1).unwrap(), 3).recommend(&histories(&data), 1);
    assert_eq!((popular[0][0].item, popular[1][0].item), (0, 0));
}

#[test]
fn a_customer_alone_gets_the_bits_they_get_among_others() {
    let data = checkerboard();
    for kind in KINDS {
        let recommender = recommender(plan(kind, true).fit(&data, None, AFTER_ALL, 1).unwrap(), SIZE as usize);
        let together = recommender.recommend(&histories(&data), 10);
        for (customer, history) in histories(&data).into_iter().enumerate() {
            assert_eq!(recommender.recommend(&[history], 10)[0], together[customer], "{}", kind.name());
        }
    }
}

#[test]
fn the_same_data_gives_the_same_bytes_at_any_number_of_threads() {
    let data = checkerboard();
    for kind in KINDS {
        let at = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let recommender = recommender(plan(kind, true).fit(&data, None, AFTER_ALL, 7).unwrap(), SIZE as usize);
                (bytes(&recommender), recommender.recommend(&histories(&data), 10))
            })
        };
        let one = at(1);
        assert_eq!(one, at(2), "{}", kind.name());
        assert_eq!(one, at(3), "{}", kind.name());
    }
}

#[test]
fn no_customers_one_customer_and_one_item_can_be_fitted_and_asked() {
    for kind in KINDS {
        for data in [
            Interactions::from_lists(&[], 3),
            Interactions::from_lists(&[vec![]], 3),
            Interactions::from_lists(&[vec![bought(0)]], 1),
            Interactions::from_lists(&[vec![bought(0), bought(2)]], 3),
        ] {
            let recommender = recommender(plan(kind, true).fit(&data, None, AFTER_ALL, 1).unwrap(), data.items);
            assert_eq!(recommender.validate(), Ok(()), "{}", kind.name());
            for history in [vec![], vec![bought(0)]] {
                let got = recommender.recommend(&[history], 5);
                assert!(got[0].len() <= data.items && got[0].iter().all(|offer| offer.score.is_finite()), "{}", kind.name());
            }
        }
    }
}

#[test]
fn more_asked_than_exists_returns_what_exists_and_owned_items_never_come_back_when_told_so() {
    let data = checkerboard();
    for kind in KINDS {
        let all = recommender(plan(kind, true).fit(&data, None, AFTER_ALL, 1).unwrap(), SIZE as usize).recommend(&histories(&data), 1000);
        assert!(all.iter().all(|list| list.len() == SIZE as usize), "{}", kind.name());
        let new = recommender(plan(kind, false).fit(&data, None, AFTER_ALL, 1).unwrap(), SIZE as usize).recommend(&histories(&data), 1000);
        for (customer, list) in new.iter().enumerate() {
            assert_eq!(list.len(), SIZE as usize - data.of(customer).len(), "{}", kind.name());
            assert!(list.iter().all(|offer| data.of(customer).iter().all(|event| event.item != offer.item)), "{}", kind.name());
        }
    }
}

#[test]
fn a_customer_without_history_gets_best_sellers() {
    let data = Interactions::from_lists(&[vec![bought(2), bought(1)], vec![bought(2)], vec![bought(2), bought(0)], vec![bought(0)]], 3);
    for kind in KINDS {
        let got = recommender(plan(kind, true).fit(&data, None, AFTER_ALL, 1).unwrap(), 3).recommend(&[vec![]], 3);
        assert_eq!(got[0].iter().map(|offer| offer.item).collect::<Vec<_>>(), vec![2, 0, 1], "{}", kind.name());
        assert!(got[0].iter().all(|offer| offer.reason_code == "popular" && offer.reason == "best seller"));
    }
}

#[test]
fn an_item_that_cannot_be_had_is_not_offered() {
    let data = checkerboard();
    let mut recommender = recommender(plan(ModelKind::Neighbours, false).fit(&data, None, AFTER_ALL, 1).unwrap(), SIZE as usize);
    recommender.available[4] = false;
    assert!(recommender.recommend(&histories(&data), 1000).iter().flatten().all(|offer| offer.item != 4));
}

#[test]
fn a_recommender_reads_back_equal_and_offers_the_same() {
    let data = checkerboard();
    for kind in KINDS {
        let recommender = recommender(plan(kind, true).fit(&data, None, AFTER_ALL, 1).unwrap(), SIZE as usize);
        let (back, _): (Recommender, usize) = bincode::decode_from_slice(&bytes(&recommender), bincode::config::standard()).unwrap();
        assert_eq!(back, recommender);
        assert_eq!(back.recommend(&histories(&data), 5), recommender.recommend(&histories(&data), 5));
    }
}

#[test]
fn the_reason_names_the_owned_item_that_pulls_most() {
    let lists: Vec<Vec<ItemEvent>> = vec![vec![bought(0), bought(1)]; 5].into_iter().chain([vec![bought(0)], vec![bought(2)]]).collect();
    let data = Interactions::from_lists(&lists, 3);
    let mut recommender = recommender(plan(ModelKind::Neighbours, false).fit(&data, None, AFTER_ALL, 1).unwrap(), 3);
    recommender.item_names[0] = "RED TEAPOT".into();
    let offer = &recommender.recommend(&[vec![bought(0), bought(2)]], 1)[0][0];
    assert_eq!((offer.item, offer.reason_code, offer.reason.as_str()), (1, "also_bought", "customers who bought RED TEAPOT also bought this"));
}

#[test]
fn values_that_cannot_come_from_training_are_refused() {
    let data = checkerboard();
    let good = recommender(plan(ModelKind::Factors, true).fit(&data, None, AFTER_ALL, 1).unwrap(), SIZE as usize);
    assert_eq!(good.validate(), Ok(()));
    type Fault = fn(&mut Recommender);
    let faults: [(&str, Fault); 8] = [
        ("recommender: the item ids do not ascend", |r| r.item_ids.swap(0, 1)),
        ("recommender: 29 names and 30 availabilities for 30 items", |r| r.item_names.truncate(29)),
        ("recommender: the weight of a kind is not finite", |r| r.target_weight = f32::NAN),
        ("popularity: expected 30 finite values of at least 0", |r| r.blend.popular.demand[3] = f32::INFINITY),
        ("own purchases: the half-life is 0, expected more than 0", |r| r.blend.own.half_life = 0.0),
        ("lift: expected none or 30 finite values of at least 0", |r| r.blend.lift = vec![1.0; 3]),
        ("blend: a weight is negative or not finite", |r| r.blend.weights[0] = -1.0),
        ("factors: a unit is inf, expected 0 to 1e12", |r| r.blend.factors.as_mut().unwrap().items[0] = f32::INFINITY),
    ];
    for (message, fault) in faults {
        let mut bad = good.clone();
        fault(&mut bad);
        assert_eq!(bad.validate(), Err(message.to_string()));
    }
    let mut empty = good.clone();
    empty.item_ids.clear();
    assert!(empty.validate().is_err());
}

/// A shop of 60 days: customer c buys item c every tenth day; on day 55 a new item appears that nobody has.
fn shop() -> Exports {
    let (customers, mut store) = (12_usize, EventStore { offsets: vec![0], kinds: vec!["purchase".into()], ..EventStore::default() });
    for customer in 0..customers {
        for day in (0..60).step_by(10) {
            store.time.push((day + customer as i64 % 5) * 86_400);
            store.kind.push(0);
            store.item.push(customer as u32);
        }
        store.offsets.push(store.time.len());
    }
    let ids: Vec<Box<str>> = (0..=customers).map(|item| format!("item{item:02}").into()).collect();
    Exports { customers: ids[..customers].to_vec(), items: ItemTable { ids, ..ItemTable::default() }, events: store, ..Exports::default() }
}

const SETTINGS: RecommendSettings = RecommendSettings {
    weights: Vec::new(),
    half_life: None,
    repeat: Repeat::Auto,
    per_customer: 3,
    per_category: None,
    new_items: 0,
    models: Vec::new(),
    place: None,
    fresh_items: 0,
    memory: 1 << 30,
};

fn windows() -> Option<RankWindows> {
    let day = |days: i64| Moment(days * 86_400);
    Some(RankWindows { choose: day(30), test: day(45), end: day(60) })
}

#[test]
fn a_shop_where_everyone_buys_the_same_again_is_foretold_perfectly() {
    let (recommender, report) = train(&shop(), &SETTINGS, windows(), false, false, 1).unwrap().unwrap();
    assert_eq!(report.ranked_customers, 12);
    let of = |name: &str| report.models.iter().find(|(model, _)| model == name).map(|(_, ranking)| *ranking).unwrap();
    assert!((of("own purchases").ndcg_10 - 1.0).abs() < 1e-12);
    assert!((of("chosen").ndcg_10 - 1.0).abs() < 1e-12);
    assert!(of("popular").ndcg_10 < 0.9);
    assert_eq!(recommender.items(), 12);
    assert_eq!(recommender.validate(), Ok(()));
}

#[test]
fn only_the_models_that_are_named_are_tried_beside_best_sellers() {
    let named = |models: &[&str]| RecommendSettings { models: models.iter().map(|name| (*name).to_string()).collect(), ..SETTINGS };
    for (models, tried) in [
        (vec!["neighbours"], vec!["neighbours", "own purchases", "popular"]),
        (vec!["factors", "regression"], vec!["factors", "own purchases", "popular", "regression"]),
    ] {
        let (_, report) = train(&shop(), &named(&models), windows(), false, false, 1).unwrap().unwrap();
        let mut names: Vec<&str> = report.models.iter().map(|(name, _)| name.as_str()).filter(|name| KINDS.iter().any(|kind| kind.name() == *name)).collect();
        names.sort_unstable();
        // The customer's own purchases are shown beside them, and have no weight.
        assert_eq!(names, tried);
        assert!(!report.chosen.contains("own"), "{}", report.chosen);
    }
    let error = train(&shop(), &named(&["magic"]), windows(), false, false, 1).unwrap_err();
    assert!(error.message().contains("\"magic\"") && error.message().contains("own purchases"), "{}", error.message());
}

#[test]
fn events_from_the_cutoff_on_change_nothing_that_was_learnt_before_it() {
    let exports = shop();
    let fit = |exports: &Exports| bytes(&train(exports, &SETTINGS, windows(), false, false, 1).unwrap().unwrap().0);
    let late = |exports: &Exports| {
        let mut exports = exports.clone();
        // One more purchase per customer, at the end itself.
        let (mut offsets, mut time, mut item) = (vec![0], Vec::new(), Vec::new());
        for customer in 0..exports.events.customers() {
            let range = exports.events.offsets[customer]..exports.events.offsets[customer + 1];
            time.extend_from_slice(&exports.events.time[range.clone()]);
            item.extend_from_slice(&exports.events.item[range]);
            time.push(60 * 86_400);
            item.push(12);
            offsets.push(time.len());
        }
        exports.events = EventStore { kind: vec![0; time.len()], offsets, time, item, kinds: exports.events.kinds.clone(), ..EventStore::default() };
        exports
    };
    assert_eq!(fit(&exports), fit(&late(&exports)));
}

#[test]
fn items_training_never_saw_are_ignored_when_scoring() {
    let exports = shop();
    let (recommender, _) = train(&exports, &SETTINGS, windows(), false, false, 1).unwrap().unwrap();
    let mut newer = exports.clone();
    newer.items.ids = ["aaa", "item03", "zzz"].map(Into::into).to_vec();
    newer.events = EventStore {
        offsets: vec![0, 3],
        time: vec![1, 2, 3],
        kind: vec![0, 0, 1],
        item: vec![0, 1, 1],
        kinds: vec!["purchase".into(), "gossip".into()],
        ..EventStore::default()
    };
    let map = recommender.map_items(&newer);
    assert_eq!(map, vec![None, Some(3), None]);
    let history = Timeline::new(0, &newer.events, &[]).before(Moment(86_400));
    let events = recommender.item_events(&history, &map);
    assert_eq!(events.iter().map(|event| (event.item, event.weight)).collect::<Vec<_>>(), vec![(3, 1.0)]);
}

#[test]
fn exports_without_items_say_so_instead_of_failing() {
    let exports = Exports { events: EventStore { offsets: vec![0, 0], ..EventStore::default() }, ..Exports::default() };
    assert_eq!(train(&exports, &SETTINGS, windows(), false, false, 1).unwrap(), Err("no event names an item".to_string()));
}

/// The checkerboard as a source without time, the diagonal as its test source.
fn lists() -> Exports {
    let store = |keep: &dyn Fn(u32, u32) -> bool| {
        let mut store = EventStore { offsets: vec![0], kinds: vec!["purchase".into()], ..EventStore::default() };
        for customer in 0..SIZE {
            for item in (0..SIZE).filter(|item| keep(customer, *item)) {
                store.time.push(store.time.len() as i64);
                store.item.push(item);
            }
            store.offsets.push(store.time.len());
        }
        store.kind = vec![0; store.time.len()];
        store
    };
    Exports {
        customers: (0..SIZE).map(|customer| format!("{customer:03}").into()).collect(),
        items: ItemTable { ids: (0..SIZE).map(|item| format!("{item:03}").into()).collect(), ..ItemTable::default() },
        untimed: store(&|customer, item| customer % 2 == item % 2 && customer != item),
        truth: store(&|customer, item| customer == item),
        ..Exports::default()
    }
}

#[test]
fn a_source_without_time_is_measured_on_its_test_source() {
    let (recommender, report) = train(&lists(), &SETTINGS, None, false, false, 1).unwrap().unwrap();
    assert_eq!(report.ranked_customers, SIZE as usize);
    let chosen = report.models.iter().find(|(name, _)| name == "chosen").unwrap().1;
    assert!((chosen.ndcg_10 - 1.0).abs() < 1e-12, "{report:?}");
    assert!(!recommender.is_dated());
    let again = train(&lists(), &SETTINGS, None, false, false, 1).unwrap().unwrap();
    assert_eq!(bytes(&recommender), bytes(&again.0));
}

#[test]
fn without_a_test_source_a_part_held_out_measures() {
    let exports = Exports { truth: EventStore::default(), ..lists() };
    let (_, report) = train(&exports, &SETTINGS, None, false, false, 1).unwrap().unwrap();
    let of = |name: &str| report.models.iter().find(|(model, _)| model == name).unwrap().1.recall_20;
    assert_eq!(report.ranked_customers, SIZE as usize);
    assert!(of("chosen") > 0.99, "{report:?}");
}

#[test]
fn the_list_of_a_customer_is_the_top_of_the_row_that_was_measured() {
    let data = checkerboard();
    let blend = plan(ModelKind::Neighbours, false).fit(&data, None, AFTER_ALL, 1).unwrap();
    let scaled = blend.scaled(&[data.of(3)], &blend.models(), SIZE as usize, 0);
    let scaled: Vec<_> = scaled.iter().collect();
    let mut total = Scores::zeros(1, SIZE as usize);
    blend.sum(&scaled, &blend.weights, Some(Context::default()), 0, total.row_mut(0));
    let served = recommender(blend, SIZE as usize).recommend(&[data.of(3).to_vec()], 5);
    assert_eq!(top(total.row(0), 5), served[0].iter().map(|offer| (offer.item, offer.score)).collect::<Vec<_>>());
}

/// 240 customers of two stores; every fifth day each buys one of the 40 things that their own store sells.
fn stores() -> Exports {
    let mut store = EventStore { offsets: vec![0], kinds: vec!["purchase".into()], ..EventStore::default() };
    let mut codes = Vec::new();
    for customer in 0..240_u32 {
        for day in (0..60_u32).step_by(5) {
            store.time.push(i64::from(day) * 86_400 + i64::from(customer));
            store.kind.push(0);
            store.item.push(customer % 2 * 40 + (crate::churn::random::mix(7, u64::from(customer * 100 + day)) % 40) as u32);
            codes.push(customer % 2);
        }
        store.offsets.push(store.time.len());
    }
    store.categories = vec![crate::timeline::CategoryColumn { name: "store".into(), codes, names: vec!["north".into(), "south".into()] }];
    let ids = |count: u32| (0..count).map(|id| format!("{id:03}").into()).collect::<Vec<Box<str>>>();
    Exports { customers: ids(240), items: ItemTable { ids: ids(80), ..ItemTable::default() }, events: store, ..Exports::default() }
}

#[test]
fn where_stores_sell_different_things_each_customer_is_offered_what_sells_in_theirs() {
    let exports = stores();
    let settings =
        |place: Option<&str>| RecommendSettings { models: vec!["popular".into()], place: place.map(String::from), repeat: Repeat::Never, ..SETTINGS };
    let fit = |place| train(&exports, &settings(place), windows(), false, false, 1).unwrap().unwrap();
    let ((recommender, with), (_, without)) = (fit(Some("store")), fit(None));
    let ndcg = |report: &RankReport| report.models.iter().find(|(name, _)| name == "chosen").unwrap().1.ndcg_10;
    assert!(with.chosen.ends_with("by place") && !without.chosen.contains("place"), "{} {}", with.chosen, without.chosen);
    assert!(ndcg(&with) > 1.5 * ndcg(&without), "{} {}", ndcg(&with), ndcg(&without));
    assert_eq!(recommender.validate(), Ok(()));
    let map = recommender.map_items(&exports);
    for customer in 0..4_u32 {
        let history = Timeline::new(customer, &exports.events, &[]).before(Moment(60 * 86_400));
        let shopper =
            Shopper { events: &recommender.item_events(&history, &map), group: None, context: recommender.context(&history), shelf: &recommender.available };
        let own = |list: &[Recommended]| list.iter().filter(|offer| offer.item / 40 == customer % 2).count();
        assert_eq!(own(&recommender.recommend_to(&[shopper], &Wanted::best(10))[0]), 10);
        // Who never bought anything gets what sells in the place that is known of them.
        assert_eq!(own(&recommender.recommend_to(&[Shopper { events: &[], ..shopper }], &Wanted::best(10))[0]), 10);
    }
}

#[test]
fn what_sells_at_christmas_is_offered_before_christmas_and_not_in_spring() {
    // A year and a month of everyday sales, and three hundred gifts in a December that began 300 days before the end.
    let of = |item: u32, days: std::ops::Range<u32>, daily: usize| {
        days.flat_map(move |day| std::iter::repeat_n(ItemEvent { item, days_ago: day as f32 + 0.5, weight: 1.0 }, daily))
    };
    let data = Interactions::from_lists(&[of(0, 0..400, 1).chain(of(1, 0..400, 5)).chain(of(2, 270..300, 10)).collect()], 3);
    let end = Moment(400 * 86_400);
    let plan = Plan { season: Some(30.0), ..plan(ModelKind::Popular, true) };
    let recommender = recommender(plan.fit(&data, None, end, 1).unwrap(), 3);
    assert_eq!(recommender.validate(), Ok(()));
    let store = EventStore { offsets: vec![0, 0], ..EventStore::default() };
    let second = |days_after: i64| {
        let history = Timeline::new(0, &store, &[]).before(Moment(end.0 + days_after * 86_400));
        let shopper = Shopper { events: data.of(0), group: None, context: recommender.context(&history), shelf: &recommender.available };
        recommender.recommend_to(&[shopper], &Wanted::best(3))[0][1].item
    };
    assert_eq!([second(0), second(65), second(130)], [0, 2, 0]);
}
