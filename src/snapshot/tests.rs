//! What features promise, on shops whose answer is evident.

use super::FeatureMatrix;
use super::facts::Facts;
use super::label::{ChurnRule, Standing};
use super::learned::{Base, FeaturePlan, history};
use super::status::Status;
use crate::config::{ChurnSettings, Definition, Span};
use crate::exports::Exports;
use crate::timeline::{EventStore, Moment, ProfileColumn, ProfileTable, ProfileValues, Timeline};

const DAY: i64 = 86_400;

/// An event of the fixture: customer, day, kind (0 purchase, 1 support), item, amount.
type Row = (u32, i64, u8, u32, f64);

/// A shop of `customers` with these events.
fn shop(customers: u32, mut rows: Vec<Row>) -> Exports {
    rows.sort_by_key(|row| (row.0, row.1, row.2, row.3));
    let mut store = EventStore { kinds: vec!["purchase".into(), "support".into()], offsets: vec![0], ..EventStore::default() };
    for customer in 0..customers {
        for row in rows.iter().filter(|row| row.0 == customer) {
            store.time.push(row.1 * DAY + 36_000);
            store.kind.push(row.2);
            store.item.push(row.3);
            store.amount.push(row.4);
            store.basket.push(row.1 as u32);
        }
        store.offsets.push(store.time.len());
    }
    Exports {
        customers: (0..customers).map(|customer| format!("c{customer:04}").into()).collect(),
        newest: store.time.iter().max().map(|time| Moment(*time)),
        events: store,
        ..Exports::default()
    }
}

fn settings() -> ChurnSettings {
    ChurnSettings::of_purchases(180, 90)
}

/// Twenty customers who order every `20 + n` days, with a complaint each.
fn regulars() -> Vec<Row> {
    let mut rows = Vec::new();
    for customer in 0..20_u32 {
        let gap = 20 + i64::from(customer);
        let mut day = 3;
        while day < 700 {
            rows.push((customer, day, 0, customer % 7, 10.0 + f64::from(customer)));
            day += gap;
        }
        rows.push((customer, 100 + i64::from(customer), 1, u32::MAX, f64::NAN));
    }
    rows
}

fn plan(exports: &Exports, cutoff: Moment) -> FeaturePlan {
    FeaturePlan::learn_with(exports, &settings(), "EUR", cutoff, true)
}

fn matrix(exports: &Exports, cutoff: Moment) -> (Vec<String>, Vec<u64>) {
    let plan = plan(exports, cutoff);
    let customers: Vec<u32> = (0..exports.customers.len() as u32).collect();
    let matrix = plan.bind(exports).expect("the plan fits its own exports").matrix(exports, &customers, cutoff, &plan.learned);
    (plan.specs.iter().map(|spec| spec.name.clone()).collect(), matrix.data.iter().map(|value| value.to_bits()).collect())
}

#[test]
fn removing_or_changing_what_comes_after_the_cut_off_changes_no_feature_byte() {
    let cutoff = Moment(400 * DAY);
    let all = regulars();
    let past: Vec<Row> = all.iter().copied().filter(|row| row.1 < 400).collect();
    let mut changed = past.clone();
    // The first moment that is not known lies exactly on the cut-off's day.
    changed.extend((0..20).map(|customer| (customer, 400, 0, 6, 9_999.0)));
    changed.extend((0..20).map(|customer| (customer, 650, 1, u32::MAX, f64::NAN)));
    let truth = matrix(&shop(20, past), cutoff);
    assert_eq!(matrix(&shop(20, all), cutoff), truth);
    assert_eq!(matrix(&shop(20, changed), cutoff), truth);
}

#[test]
fn the_features_of_several_cut_offs_at_once_are_those_of_each_alone() {
    let cutoffs = [600, 425, 401, 300].map(|day| Moment(day * DAY));
    let mut rows = regulars();
    // An order of two days, which a cut-off parts.
    rows.extend((0..20).flat_map(|customer| [(customer, 400, 0, 1, 5.0), (customer, 401, 0, 2, 7.0)]));
    let mut exports = shop(20, rows);
    exports.events.basket.iter_mut().filter(|basket| **basket == 401).for_each(|basket| *basket = 400);
    let late: Vec<i64> = exports.events.time.iter().map(|time| if time / DAY % 3 == 0 { time + 60 * DAY } else { *time }).collect();
    for known_at in [Vec::new(), late] {
        exports.events.known_at = known_at;
        let plan = plan(&exports, cutoffs[0]);
        let bound = plan.bind(&exports).expect("the plan fits its own exports");
        let learned = plan.learn_tables(&exports, &cutoffs);
        let rule = ChurnRule::new(&exports, &settings()).expect("inactivity needs no column");
        let bases = rule.bases(&cutoffs);
        let asked = cutoffs.iter().zip(&bases).zip(&learned);
        let asked: Vec<Base<'_>> = asked.map(|((cutoff, (customers, _)), learned)| Base { cutoff: *cutoff, customers, learned }).collect();
        let bits = |matrix: &FeatureMatrix| matrix.data.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        for ((base, of_all), alone) in asked.iter().zip(bound.matrices(&exports, &asked)).zip(&bases) {
            assert_eq!(plan.learn_tables(&exports, &[base.cutoff]), [*base.learned]);
            assert_eq!(rule.base(base.cutoff), *alone);
            assert!(!base.customers.is_empty());
            assert_eq!(bits(&of_all), bits(&bound.matrix(&exports, base.customers, base.cutoff, base.learned)));
        }
    }
}

#[test]
fn columns_of_events_are_kept_where_only_what_is_read_of_the_profiles_changed() {
    let cutoff = Moment(425 * DAY);
    let mut exports = shop(30, regulars());
    let codes = (0..30).map(|customer| u32::from(customer % 2 == 0)).collect();
    let values = ProfileValues::Category { codes, names: vec!["DE".into(), "FR".into()] };
    let columns = vec![ProfileColumn { name: "country".into(), values, serves_past: true }];
    exports.profiles = vec![ProfileTable { offsets: (0..=30).collect(), time: Vec::new(), columns }];
    let newer = plan(&exports, cutoff);
    let older = newer.restricted_to(&exports, &(0..15).collect::<Vec<u32>>());
    assert!(older.reading != newer.reading && newer.reading.same_of_events(&older.reading));
    let customers: Vec<u32> = (0..20).collect();
    let of = |plan: &FeaturePlan| plan.bind(&exports).expect("the plan fits").matrix(&exports, &customers, cutoff, &newer.learned);
    let bits = |matrix: &FeatureMatrix| matrix.data.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let renewed = newer.bind(&exports).expect("the plan fits").with_profiles(&exports, &customers, cutoff, &of(&older));
    assert_eq!((bits(&renewed), &renewed.specs), (bits(&of(&newer)), &newer.specs));
    assert_ne!(bits(&renewed), bits(&of(&older)));
    let of_others = FeaturePlan { reading: super::learned::Reading { horizon: 30.0, ..newer.reading.clone() }, ..newer.clone() };
    assert!(!newer.reading.same_of_events(&of_others.reading));
}

#[test]
fn an_event_known_only_after_the_cut_off_is_not_seen_before_it() {
    let mut exports = shop(1, vec![(0, 10, 0, 0, 5.0), (0, 20, 0, 0, 5.0)]);
    exports.events.known_at = vec![10 * DAY, 60 * DAY];
    let map = plan(&exports, Moment(50 * DAY)).reading.kind_map(&exports);
    let facts = Facts::of(&history(&exports, 0, Moment(50 * DAY)), &map);
    assert_eq!(facts.orders.len(), 1);
    assert_eq!(Facts::of(&history(&exports, 0, Moment(61 * DAY)), &map).orders.len(), 2);
}

#[test]
fn features_say_what_their_meaning_says() {
    let exports = shop(20, regulars());
    let cutoff = Moment(400 * DAY);
    let plan = plan(&exports, cutoff);
    let bound = plan.bind(&exports).expect("the plan fits its own exports");
    let mut row = Vec::new();
    bound.row(&history(&exports, 0, cutoff), &plan.learned, &mut row);
    let value = |name: &str| row[plan.specs.iter().position(|spec| spec.name == name).expect(name)];
    // Customer 0 orders every 20 days from day 3: the last order before day 400 is on day 383 at 10 o'clock, the 20th.
    let since = 17.0 - 10.0 / 24.0;
    assert!((value("days_since_last") - since).abs() < 1e-9);
    assert!((value("orders") - 20.0).abs() < 1e-9 && (value("gap_mean") - 20.0).abs() < 1e-9);
    assert!((value("orders_90d") - 4.0).abs() < 1e-9, "days 323, 343, 363 and 383");
    assert!((value("amount_90d") - 10.0 * value("orders_90d")).abs() < 1e-9);
    assert!((value("days_since_support") - (300.0 - 10.0 / 24.0)).abs() < 1e-9 && value("gap_irregularity").abs() < 1e-9);
    assert!(row.iter().all(|value| !value.is_infinite()));
    assert!(plan.validate().is_ok());
}

#[test]
fn windows_that_reach_further_back_than_the_exports_at_hand_are_missing_when_scoring_too() {
    let cutoff = Moment(650 * DAY);
    let plan = plan(&shop(20, regulars()), cutoff);
    let rows: Vec<Row> = regulars().into_iter().filter(|row| row.1 >= 450).collect();
    let first = rows.iter().map(|row| row.1).min().expect("many are left");
    let cut = shop(20, rows);
    let learned = plan.learned_for(&cut, cutoff);
    assert_eq!((learned.history_days as i64, plan.learned.history_days as i64), (650 - first, 647));
    let bound = plan.bind(&cut).expect("the plan fits");
    let mut row = Vec::new();
    bound.row(&history(&cut, 0, cutoff), &learned, &mut row);
    let value = |name: &str| row[plan.specs.iter().position(|spec| spec.name == name).expect("the feature is made")];
    assert!(value("orders_365d").is_nan() && value("orders_180d") > 0.0);
}

#[test]
fn a_customer_without_orders_has_missing_values_and_no_infinity() {
    let mut rows = regulars();
    rows.retain(|row| row.0 != 5);
    let exports = shop(20, rows);
    let plan = plan(&exports, Moment(400 * DAY));
    let mut row = Vec::new();
    plan.bind(&exports).expect("the plan fits").row(&history(&exports, 5, Moment(400 * DAY)), &plan.learned, &mut row);
    assert_eq!(row.len(), plan.specs.len());
    assert!(row.iter().all(|value| !value.is_infinite()));
}

#[test]
fn the_base_holds_who_was_active_and_the_label_who_stopped() {
    let exports = shop(4, vec![(0, 300, 0, 0, 1.0), (0, 450, 0, 0, 1.0), (1, 300, 0, 0, 1.0), (2, 100, 0, 0, 1.0), (3, 410, 0, 0, 1.0)]);
    let rule = ChurnRule::new(&exports, &settings()).expect("inactivity needs no column");
    let cutoff = Moment(400 * DAY);
    assert_eq!(rule.base(cutoff), (vec![0, 1], vec![false, true]));
    let standing = |customer| rule.standing(&Timeline::new(customer, &exports.events, &[]).split(cutoff, Span::days(90)).0);
    assert_eq!((standing(2), standing(3)), (Standing::AlreadyInactive, Standing::NoHistory));
}

#[test]
fn a_subscription_that_ends_within_the_horizon_without_renewal_is_churn() {
    let mut exports = shop(3, vec![(2, 470, 0, 0, 1.0)]);
    let date = |name: &str, days: [i64; 3]| ProfileColumn {
        name: name.into(),
        values: ProfileValues::Date(days.iter().map(|day| if *day < 0 { i64::MIN } else { day * DAY }).collect()),
        serves_past: true,
    };
    exports.profiles =
        vec![ProfileTable { offsets: vec![0, 1, 2, 3], time: Vec::new(), columns: vec![date("start", [10, 10, 10]), date("end", [450, -1, 460])] }];
    let mut settings = settings();
    settings.definition = Definition::Subscription { start: "start".into(), end: "end".into(), renewed_by: "purchase".into() };
    let rule = ChurnRule::new(&exports, &settings).expect("the dates are there");
    assert_eq!(rule.base(Moment(400 * DAY)), (vec![0, 1, 2], vec![true, false, false]));
    assert_eq!(rule.base(Moment(480 * DAY)).0, vec![1], "a subscription that has ended is asked no more");
    // Customers have a day of that name too, so that the subscription's goes by the number of its source.
    let customers = ProfileTable { offsets: vec![0, 1, 2, 3], time: Vec::new(), columns: vec![date("start", [5, 5, 5])] };
    exports.profiles.insert(0, customers);
    exports.profiles[1].columns[0].name = "start (2)".into();
    let rule = ChurnRule::new(&exports, &settings).expect("the dates are there");
    assert_eq!(rule.base(Moment(400 * DAY)), (vec![0, 1, 2], vec![true, false, false]));
}

#[test]
fn a_subscription_that_another_follows_is_renewed() {
    let mut exports = shop(4, Vec::new());
    let date = |name: &str, days: &[i64]| ProfileColumn {
        name: name.into(),
        values: ProfileValues::Date(days.iter().map(|day| if *day < 0 { i64::MIN } else { day * DAY }).collect()),
        serves_past: true,
    };
    // The first goes on for another year, the second not, the third has a second one that runs on, the fourth comes back once all is over.
    let (start, end) = ([10, 450, 10, 10, 20, 10, 600], [450, 815, 450, 450, -1, 450, -1]);
    exports.profiles = vec![ProfileTable {
        offsets: vec![0, 2, 3, 5, 7],
        time: start.iter().map(|day| day * DAY).collect(),
        columns: vec![date("start", &start), date("end", &end)],
    }];
    let mut settings = settings();
    settings.definition = Definition::Subscription { start: "start".into(), end: "end".into(), renewed_by: "renew".into() };
    let rule = ChurnRule::new(&exports, &settings).expect("the dates are there");
    assert_eq!(rule.base(Moment(400 * DAY)), (vec![0, 1, 2, 3], vec![false, true, false, true]));
    let standing = |customer| rule.standing(&Timeline::new(customer, &exports.events, &[]).split(Moment(500 * DAY), Span::days(90)).0);
    assert_eq!([0, 1, 2, 3].map(standing), [Standing::Base, Standing::AlreadyInactive, Standing::Base, Standing::AlreadyInactive]);
}

#[test]
fn an_end_agreed_on_at_the_start_is_known_and_one_written_down_afterwards_is_not() {
    let terms = |ends: &dyn Fn(i64) -> i64| {
        let mut exports = shop(40, regulars());
        let date = |name: &str, day: &dyn Fn(i64) -> i64| ProfileColumn {
            name: name.into(),
            values: ProfileValues::Date((0..40).map(day).map(|day| if day < 0 { i64::MIN } else { day * DAY }).collect()),
            serves_past: true,
        };
        let table = |columns| ProfileTable { offsets: (0..=40).collect(), time: (0..40).map(|customer| (100 + customer) * DAY).collect(), columns };
        exports.profiles = vec![table(vec![date("end", &|_| 7)]), table(vec![date("start", &|customer| 100 + customer), date("end (2)", ends)])];
        let mut settings = settings();
        settings.definition = Definition::Subscription { start: "start".into(), end: "end".into(), renewed_by: "renew".into() };
        let plan = FeaturePlan::learn_with(&exports, &settings, "EUR", Moment(300 * DAY), true);
        let customers: Vec<u32> = (0..40).collect();
        let matrix = plan.bind(&exports).expect("the plan fits its own exports").matrix(&exports, &customers, Moment(300 * DAY), &plan.learned);
        let place = plan.specs.iter().position(|spec| spec.name == "profile_end (2)");
        place.map(|place| (plan.specs[place].meaning.clone(), matrix.column(place)[5]))
    };
    // For a year; without an end for some; of any length; for ever, as some systems write it.
    assert_eq!(terms(&|customer| 465 + customer), Some(("days until end (2) of the profile".into(), 170.0)));
    assert_eq!(terms(&|customer| if customer == 3 { -1 } else { 465 + customer }), None);
    assert_eq!(terms(&|customer| 140 + 37 * customer), None);
    assert_eq!(terms(&|customer| if customer == 3 { 2_932_896 } else { 465 + customer }), None);
}

#[test]
fn scores_of_one_scale_are_not_mixed_with_those_of_another() {
    // Tickets are rated from 1 to 5, orders from 0 to 10.
    let events = (0..12).flat_map(|customer| [(customer, 300, 0, 0, 1.0), (customer, 320, 1, 0, 1.0)]).collect();
    let mut exports = shop(12, events);
    let rate = |exports: &mut Exports, scores: fn(usize) -> [f32; 2]| {
        exports.events.score = exports.events.kind.iter().enumerate().map(|(row, kind)| scores(row / 2)[usize::from(*kind)]).collect();
    };
    rate(&mut exports, |customer| [customer.min(10) as f32, 1.0 + (customer % 5) as f32]);
    let means = |exports: &Exports| {
        let (names, values) = matrix(exports, Moment(400 * DAY));
        let first = names.iter().zip(values.chunks(12)).filter(|(name, _)| name.ends_with("score_mean"));
        first.map(|(name, value)| (name.clone(), f64::from_bits(value[0]))).collect::<Vec<_>>()
    };
    assert_eq!(means(&exports), [("purchase_score_mean".to_string(), 0.0), ("support_score_mean".to_string(), 1.0)]);
    // Of one scale, or where one kind alone is rated, no name is needed.
    rate(&mut exports, |customer| [1.0 + (customer % 4) as f32, 5.0 - (customer % 5) as f32]);
    assert_eq!(means(&exports), [("score_mean".to_string(), 3.0)]);
    rate(&mut exports, |customer| [f32::NAN, 2.0 + customer as f32]);
    assert_eq!(means(&exports), [("score_mean".to_string(), 2.0)]);
}

#[test]
fn status_tells_who_is_at_risk_from_who_has_long_gone() {
    let exports = shop(
        6,
        vec![
            (0, 395, 0, 0, 1.0),
            (1, 300, 0, 0, 1.0),
            (1, 330, 0, 0, 1.0),
            (1, 360, 0, 0, 1.0),
            (1, 390, 0, 0, 1.0),
            (2, 250, 0, 0, 1.0),
            (2, 270, 0, 0, 1.0),
            (2, 290, 0, 0, 1.0),
            (3, 100, 0, 0, 1.0),
            (4, 10, 0, 0, 1.0),
            (5, 50, 0, 0, 1.0),
            (5, 399, 0, 0, 1.0),
        ],
    );
    let cutoff = Moment(400 * DAY);
    let plan = plan(&exports, cutoff);
    let map = plan.reading.kind_map(&exports);
    let status = |customer| Status::of(&Facts::of(&history(&exports, customer, cutoff), &map), &plan.learned, Span::days(180)).map(Status::name);
    let all: Vec<_> = (0..6).map(|customer| status(customer).expect("everyone has an order")).collect();
    assert_eq!(all, ["new", "active", "slowing", "dormant", "lost", "returned"]);
}

#[test]
fn rare_categories_are_folded_into_other() {
    let mut exports = shop(30, regulars());
    let codes: Vec<u32> = (0..30)
        .map(|customer| {
            if customer < 12 {
                0
            } else if customer < 25 {
                1
            } else {
                customer - 23
            }
        })
        .collect();
    let names = vec!["DE".into(), "FR".into(), "Karl Meier".into(), "b".into(), "c".into(), "d".into(), "e".into()];
    exports.profiles = vec![ProfileTable {
        offsets: (0..=30).collect(),
        time: Vec::new(),
        columns: vec![ProfileColumn { name: "country".into(), values: ProfileValues::Category { codes, names }, serves_past: true }],
    }];
    let plan = plan(&exports, Moment(400 * DAY));
    let spec = plan.specs.last().expect("the profile column is the last feature");
    assert_eq!(spec.values, super::FeatureValues::Category { vocabulary: vec!["DE".into(), "FR".into(), "other".into()] });
}
