//! What the ways to a purchase promise, on shops whose answer is evident.

use super::*;
use crate::timeline::Moment;

const DAY: i64 = 86_400;

/// A shop: each customer's events, as day, kind and amount.
fn shop(customers: &[Vec<(i64, &str, f64)>], channels: &[&str]) -> Exports {
    let kinds = ["contact", "failed_payment", "purchase", "return", "view"];
    let mut store = EventStore {
        kinds: kinds.map(str::to_owned).to_vec(),
        channels: channels.iter().map(|name| (*name).to_owned()).collect(),
        offsets: vec![0],
        ..EventStore::default()
    };
    for events in customers {
        for (day, kind, amount) in events {
            let (kind, channel) = kind.split_once(' ').unwrap_or((kind, ""));
            store.time.push(day * DAY + 36_000);
            store.kind.push(kinds.iter().position(|known| *known == kind).unwrap() as u8);
            store.amount.push(*amount);
            store.channel.push(channels.iter().position(|known| *known == channel).map_or(u16::MAX, |place| place as u16));
        }
        store.offsets.push(store.time.len());
    }
    Exports { customers: (0..customers.len()).map(|customer| format!("c{customer:03}").into()).collect(), events: store, ..Exports::default() }
}

fn learnt(exports: &Exports, end: i64) -> Option<Journey> {
    Journey::learn(exports, &["purchase".into()], Span::days(90), Moment(end * DAY))
}

#[test]
fn purchases_after_touches_direct_ones_and_silence_are_told_apart() {
    // Each looks twice and buys twice on one day, comes back without a look, and looks in vain; a look of yesterday may still lead to something.
    let customer = vec![
        (1, "view", f64::NAN),
        (3, "view", f64::NAN),
        (4, "purchase", 10.0),
        (4, "purchase", 5.0),
        (9, "return", -5.0),
        (60, "purchase", 7.0),
        (100, "view", f64::NAN),
        (199, "view", f64::NAN),
    ];
    let journey = learnt(&shop(&vec![customer; 12], &[]), 200).unwrap();
    assert_eq!((journey.after_touches, journey.direct, journey.silent), (12, 12, 12));
    assert!((journey.amount - 12.0 * 15.0).abs() < 1e-9);
    let view = &journey.touchpoints[0];
    assert_eq!((view.name.as_str(), view.touches, view.customers, view.walks, view.bought), ("view", 48, 12, 24, 12));
    assert_eq!((view.credit, view.first, view.last), (1.0, 1.0, 1.0));
    assert_eq!(journey.ways, [Way { touchpoints: vec!["view".into()], walks: 24, bought: 12 }]);
    assert_eq!(journey.validate(), Ok(()));
}

#[test]
fn of_one_day_touches_come_first_and_what_comes_with_each_purchase_is_none() {
    // A look and a purchase on one day; a mail goes out with the purchase, every time.
    let customer = vec![(5, "contact", f64::NAN), (5, "purchase", 10.0), (5, "view", f64::NAN), (80, "view", f64::NAN)];
    let journey = learnt(&shop(&vec![customer; 12], &[]), 200).unwrap();
    assert_eq!((journey.after_touches, journey.direct, journey.silent), (12, 0, 12));
    let names: Vec<&str> = journey.touchpoints.iter().map(|touchpoint| touchpoint.name.as_str()).collect();
    assert_eq!(names, ["view"]);
    // Without anything else there is no way to tell of.
    assert_eq!(learnt(&shop(&vec![vec![(5, "contact", f64::NAN), (5, "purchase", 10.0)]; 12], &[]), 200), None);
}

#[test]
fn a_touch_that_changes_nothing_has_less_credit_than_the_one_that_leads_to_purchases() {
    // Everyone is written to; those of an even number look afterwards, and only they buy.
    let customers: Vec<_> = (0..200_i64)
        .map(|number| {
            let mut events = vec![(1, "contact email", f64::NAN)];
            if number % 2 == 0 {
                events.extend([(2, "view", f64::NAN), (3, "purchase", 20.0)]);
            }
            events
        })
        .collect();
    let journey = learnt(&shop(&customers, &["email"]), 100).unwrap();
    let of = |name: &str| journey.touchpoints.iter().find(|touchpoint| touchpoint.name == name).unwrap();
    let (view, contact) = (of("view"), of("contact (email)"));
    // Without either nothing would be left of this one way: equal shares, though all first credit is the contact's and all last the look's.
    assert!((view.credit - 0.5).abs() < 1e-12 && (contact.credit - 0.5).abs() < 1e-12);
    assert_eq!((contact.first, contact.last, view.first, view.last), (1.0, 0.0, 0.0, 1.0));
    assert_eq!((view.walks, view.bought, contact.walks, contact.bought), (100, 100, 200, 100));
    // The interval holds the value and is not empty where customers differ.
    assert!(view.interval.0 <= 0.5 && view.interval.1 >= 0.5);
}

#[test]
fn a_touchpoint_of_few_customers_is_not_named() {
    let mut customers = vec![vec![(1, "view", f64::NAN), (2, "purchase", 1.0)]; 30];
    (0..3).for_each(|customer| customers[customer].insert(0, (0, "contact voucher-for-ann", f64::NAN)));
    let journey = learnt(&shop(&customers, &["voucher-for-ann"]), 100).unwrap();
    let names: Vec<&str> = journey.touchpoints.iter().map(|touchpoint| touchpoint.name.as_str()).collect();
    assert_eq!(names, ["view", "other"]);
    assert!(journey.ways.iter().all(|way| way.touchpoints == ["view"]), "{:?}", journey.ways);
}

#[test]
fn without_touches_or_without_purchases_after_them_there_is_nothing_to_tell() {
    assert!(learnt(&shop(&vec![vec![(1, "purchase", 1.0), (9, "return", -1.0)]; 20], &[]), 100).is_none());
    assert!(learnt(&shop(&vec![vec![(1, "view", f64::NAN)]; 20], &[]), 100).is_none());
    // Who could not be charged and then was has not been won by that.
    assert!(learnt(&shop(&vec![vec![(1, "failed_payment", 1.0), (3, "purchase", 1.0)]; 20], &[]), 100).is_none());
    assert!(learnt(&Exports::default(), 100).is_none());
}
