//! Where a customer buys: the value of `[recommend] place` in their newest event that has one, else in their profile.

use crate::error::{Error, Result};
use crate::exports::Exports;
use crate::timeline::{Cutoff, EventStore, History, NO_INDEX, ProfileValues, Timeline};
use rayon::prelude::*;

/// Where each customer bought before a cut-off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Whereabouts {
    /// The column that says.
    pub column: String,
    /// The places, in byte order.
    pub names: Vec<String>,
    /// By customer: a place, or [`NO_INDEX`].
    pub of: Vec<u32>,
}

impl Whereabouts {
    /// Of all customers of a store before a cut-off.
    pub fn before(exports: &Exports, store: &EventStore, cutoff: Cutoff, column: &str) -> Whereabouts {
        let own: Vec<Option<&str>> = (0..store.customers() as u32)
            .into_par_iter()
            .map(|customer| {
                let history = Timeline::new(customer, store, &exports.profiles).before(cutoff);
                // A profile that shows today only would tell of the future.
                in_events(&history, column).or_else(|| in_profiles(&history, column, true))
            })
            .collect();
        let mut names: Vec<&str> = own.iter().flatten().copied().collect();
        names.sort_unstable();
        names.dedup();
        let place = |own: &Option<&str>| own.and_then(|own| names.binary_search(&own).ok()).map_or(NO_INDEX, |place| place as u32);
        Whereabouts { column: column.to_owned(), of: own.iter().map(place).collect(), names: names.iter().map(|name| (*name).to_owned()).collect() }
    }
}

/// Whether exports have such a column, if one is named.
///
/// # Errors
/// 78 where no category of events or profiles has that name.
pub(super) fn check(exports: &Exports, column: Option<&str>) -> Result<()> {
    let Some(name) = column else { return Ok(()) };
    let stores = [&exports.events, &exports.untimed];
    let mut known: Vec<&str> = stores.iter().flat_map(|store| store.categories.iter().map(|column| column.name.as_str())).collect();
    known.extend(stores.iter().any(|store| !store.channels.is_empty()).then_some("channel"));
    let columns = exports.profiles.iter().flat_map(|table| &table.columns);
    known.extend(columns.filter(|column| matches!(column.values, ProfileValues::Category { .. })).map(|column| column.name.as_str()));
    if known.contains(&name) {
        return Ok(());
    }
    known.sort_unstable();
    known.dedup();
    let expected = if known.is_empty() { "and there are none".to_owned() } else { format!("which are {}", known.join(", ")) };
    Err(Error::config(format!("[recommend] place: found {name:?}, expected a category of events or profiles, {expected}")))
}

/// Where a customer bought last; `None` where nothing says.
pub(super) fn of<'a>(history: &History<'a>, column: &str) -> Option<&'a str> {
    in_events(history, column).or_else(|| in_profiles(history, column, false))
}

/// The value that the newest event with one has.
fn in_events<'a>(history: &History<'a>, name: &str) -> Option<&'a str> {
    let store: &'a EventStore = history.store();
    if let Some(column) = store.categories.iter().position(|column| column.name == name) {
        return history.events().rev().find_map(|event| event.category(column)).map(|code| store.categories[column].names[code as usize].as_str());
    }
    let channel = || history.events().rev().find_map(|event| event.channel()).map(|code| store.channels[usize::from(code)].as_str());
    if name == "channel" { channel() } else { None }
}

/// The value in the profile row that was true at the cut-off; with `past`, of columns that may serve cut-offs before the export was made.
pub(super) fn in_profiles<'a>(history: &History<'a>, name: &str, past: bool) -> Option<&'a str> {
    history.profiles().find_map(|(table, row)| {
        let column = table.columns.iter().find(|column| column.name == name && (column.serves_past || !past))?;
        let ProfileValues::Category { codes, names } = &column.values else { return None };
        codes.get(row?).filter(|code| **code != NO_INDEX).map(|code| names[*code as usize].as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{Moment, ProfileColumn, ProfileTable};

    #[test]
    fn a_profile_that_shows_today_only_is_not_learnt_from_and_says_where_a_customer_buys_now() {
        let with = |serves_past: bool| {
            let values = ProfileValues::Category { codes: vec![1, NO_INDEX], names: vec!["north".into(), "south".into()] };
            let columns = vec![ProfileColumn { name: "store".into(), values, serves_past }];
            let store = EventStore { offsets: vec![0, 0, 0], ..EventStore::default() };
            Exports { events: store, profiles: vec![ProfileTable { offsets: vec![0, 1, 2], time: Vec::new(), columns }], ..Exports::default() }
        };
        let now = Moment(86_400);
        for serves_past in [true, false] {
            let exports = with(serves_past);
            let history = Timeline::new(0, &exports.events, &exports.profiles).before(now);
            assert_eq!(of(&history, "store"), Some("south"));
            let learnt = Whereabouts::before(&exports, &exports.events, now, "store");
            assert_eq!(learnt.of, [if serves_past { 0 } else { NO_INDEX }, NO_INDEX]);
        }
        assert!(check(&with(true), Some("store")).is_ok() && check(&with(true), Some("channel")).is_err() && check(&with(true), None).is_ok());
    }
}
