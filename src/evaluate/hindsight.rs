//! Columns that change when the future does: totals and last dates that the export wrote today, offered as if they had been known on an earlier day.
//!
//! A column of the profiles without a time of its own serves past cut-offs where the config names it `static`. If it counts what the customer did, it
//! counts what came after the cut-off too, and foretells it. Such a column is found by doing the sum: for the customers with events on
//! both sides of the cut-off, does it hold what all their events come to, and not what those before the cut-off do?

use super::leaks::Leak;
use crate::exports::Exports;
use crate::timeline::{Cutoff, Moment, ProfileColumn, ProfileValues};
use rayon::prelude::*;

/// Customers whose sum changes with the future below which nothing can be said.
const LEAST: usize = 50;
/// Share of them whose value is the sum of all events from which a column is taken for that sum.
const NEARLY_ALL: f64 = 0.9;

/// Something that can be counted of a customer's events, by customer: until the cut-off, and until the end of the export.
struct Sum {
    what: String,
    until_cutoff: Vec<f64>,
    until_end: Vec<f64>,
    /// How near counts as equal: money is rounded, a day may be counted from either end.
    tolerance: f64,
}

/// The columns that hold what was known at the end only, but those allowed by name. `kinds` count as alive.
pub fn hindsight(exports: &Exports, kinds: &[String], cutoff: Cutoff, end: Cutoff, allowed: &[String]) -> Vec<Leak> {
    let columns: Vec<(&crate::timeline::ProfileTable, &ProfileColumn)> = exports
        .profiles
        .iter()
        .filter(|table| table.time.is_empty())
        .flat_map(|table| table.columns.iter().map(move |column| (table, column)))
        .filter(|(_, column)| column.serves_past && !allowed.contains(&column.name))
        .filter(|(_, column)| !matches!(column.values, ProfileValues::Category { .. }))
        .collect();
    if columns.is_empty() || exports.events.is_empty() {
        return Vec::new();
    }
    let sums = sums(exports, kinds, cutoff, end);
    let found = columns.into_par_iter().map(|(table, column)| {
        let value = |customer: usize| {
            let row = table.row_at(customer as u32, end)?;
            Some(column.number(row, end, f64::from)).filter(|value| !value.is_nan())
        };
        let values: Vec<Option<f64>> = (0..exports.customers.len()).map(value).collect();
        sums.iter().find_map(|sum| evidence(column, &values, sum))
    });
    found.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// What says that a column is a sum of all events; `None` where it is not.
fn evidence(column: &ProfileColumn, values: &[Option<f64>], sum: &Sum) -> Option<Leak> {
    let is = |value: f64, other: f64| (value - other).abs() <= sum.tolerance + 1e-6 * other.abs();
    let (mut told, mut now, mut then) = (0, 0, 0);
    for (customer, value) in values.iter().enumerate() {
        let (before, after) = (sum.until_cutoff[customer], sum.until_end[customer]);
        if before.is_nan() || after.is_nan() || is(before, after) {
            continue;
        }
        told += 1;
        if let Some(value) = value {
            now += usize::from(is(*value, after));
            then += usize::from(is(*value, before));
        }
    }
    (told >= LEAST && now as f64 >= NEARLY_ALL * told as f64 && then < now).then(|| Leak {
        column: column.name.clone(),
        evidence: format!(
            "it is {} at the end of the export for {now} of the {told} customers for whom that changed since the cut-off, and as it was then for {then}",
            sum.what
        ),
        stops: true,
    })
}

/// Everything that a shop's database is wont to keep of a customer.
fn sums(exports: &Exports, kinds: &[String], cutoff: Cutoff, end: Cutoff) -> Vec<Sum> {
    let store = &exports.events;
    let of_customer = |customer: usize, until: Cutoff| -> Vec<f64> {
        let mut counts = vec![0.0; store.kinds.len()];
        let (mut orders, mut amount, mut last) = (0.0, 0.0, None);
        for event in (store.offsets[customer]..store.offsets[customer + 1]).filter(|event| store.time[*event] < until.0) {
            let kind = usize::from(store.kind[event]);
            counts[kind] += 1.0;
            if kinds.contains(&store.kinds[kind]) {
                orders += f64::from(u8::from(last != Some(store.time[event])));
                amount += store.amount.get(event).copied().filter(|amount| !amount.is_nan()).unwrap_or(0.0);
                last = Some(store.time[event]);
            }
        }
        // A date is told as days before the end, whichever moment it is of.
        counts.extend([orders, amount, last.map_or(f64::NAN, |last| end.days_since(Moment(last).start_of_day()))]);
        counts
    };
    let of_all = |until: Cutoff| -> Vec<Vec<f64>> { (0..store.customers()).into_par_iter().map(|customer| of_customer(customer, until)).collect() };
    let (then, now) = (of_all(cutoff), of_all(end));
    let names = store.kinds.iter().map(|kind| (format!("the number of events of the kind {kind:?}"), 0.0));
    let more =
        [("the number of orders".to_owned(), 0.0), ("what was paid in all".to_owned(), 0.01), ("the day of the last order, or the days since".to_owned(), 1.0)];
    names
        .chain(more)
        .enumerate()
        .map(|(place, (what, tolerance))| Sum {
            what,
            until_cutoff: then.iter().map(|sums| sums[place]).collect(),
            until_end: now.iter().map(|sums| sums[place]).collect(),
            tolerance,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::random::mix;
    use crate::timeline::{EventStore, ProfileTable};

    const DAY: i64 = 86_400;

    /// 200 customers with 1 to 20 orders over 300 days, and one column of the profiles.
    fn shop(column: impl Fn(&[i64]) -> f64) -> Exports {
        let mut store = EventStore { kinds: vec!["purchase".into()], offsets: vec![0], ..EventStore::default() };
        let mut values = Vec::new();
        for customer in 0..200_u64 {
            let mut days: Vec<i64> = (0..1 + mix(customer, 0) % 20).map(|order| (mix(customer, order + 1) % 300) as i64).collect();
            days.sort_unstable();
            days.dedup();
            values.push(column(&days));
            for day in days {
                store.time.push(day * DAY + 3_600);
                store.kind.push(0);
                store.amount.push(10.0);
            }
            store.offsets.push(store.time.len());
        }
        let column = ProfileColumn { name: "total".into(), values: ProfileValues::Number(values), serves_past: true };
        let profiles = vec![ProfileTable { offsets: (0..=200).collect(), columns: vec![column], ..ProfileTable::default() }];
        Exports { customers: (0..200).map(|customer| format!("c{customer:03}").into()).collect(), events: store, profiles, ..Exports::default() }
    }

    fn found(exports: &Exports, allowed: &[String]) -> Vec<Leak> {
        hindsight(exports, &["purchase".into()], Moment(200 * DAY), Moment(300 * DAY), allowed)
    }

    #[test]
    fn totals_and_last_days_of_the_whole_export_are_found_with_their_evidence() {
        let leak = &found(&shop(|days| days.len() as f64), &[])[0];
        assert!(leak.column == "total" && leak.evidence.contains("number of events"), "{leak:?}");
        assert!(found(&shop(|days| 10.0 * days.len() as f64), &[])[0].evidence.contains("paid in all"));
        assert!(found(&shop(|days| (300 - days[days.len() - 1]) as f64), &[])[0].evidence.contains("last order"));
        assert!(found(&shop(|days| days.len() as f64), &["total".into()]).is_empty(), "allowed by name");
    }

    #[test]
    fn what_was_known_on_the_day_and_what_never_changes_is_no_leak() {
        let then = |days: &[i64]| days.iter().filter(|day| **day < 200).count() as f64;
        assert_eq!(found(&shop(then), &[]), []);
        assert_eq!(found(&shop(|days| (mix(9, days[0] as u64) % 90) as f64), &[]), []);
        assert_eq!(found(&shop(|days| days[0] as f64), &[]), [], "the first order");
    }
}
