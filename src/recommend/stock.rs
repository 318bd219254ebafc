//! What can be had, and where: as the exports of the run say, not as they were when the bundle was trained.
//!
//! An item whose rows name places can be had there and nowhere else. Where a customer buys is the value of `[recommend] place` in their newest
//! event that has one, else in their profile; who is of no known place may get what can be had anywhere.

use super::Recommender;
use crate::error::{Error, Result};
use crate::exports::{Exports, ItemTable};
use crate::timeline::{EventStore, History, NO_INDEX, ProfileValues};

/// Which items can be had.
#[derive(Debug, Clone)]
pub struct Stock<'a> {
    items: &'a ItemTable,
    place: Option<&'a str>,
}

/// What of a recommender's catalogue can be had, place by place.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelves {
    /// For customers of no known place.
    anywhere: Vec<bool>,
    by_place: Vec<Vec<bool>>,
}

impl<'a> Stock<'a> {
    /// What the exports say; `place` is the column that says where a customer buys.
    ///
    /// # Errors
    /// 78 where no category of events or profiles has that name.
    pub fn new(exports: &'a Exports, place: Option<&'a str>) -> Result<Stock<'a>> {
        if let Some(name) = place {
            let stores = [&exports.events, &exports.untimed];
            let mut known: Vec<&str> = stores.iter().flat_map(|store| store.categories.iter().map(|column| column.name.as_str())).collect();
            known.extend(stores.iter().any(|store| !store.channels.is_empty()).then_some("channel"));
            let columns = exports.profiles.iter().flat_map(|table| &table.columns);
            known.extend(columns.filter(|column| matches!(column.values, ProfileValues::Category { .. })).map(|column| column.name.as_str()));
            if !known.contains(&name) {
                known.sort_unstable();
                known.dedup();
                let expected = if known.is_empty() { "and there are none".to_owned() } else { format!("which are {}", known.join(", ")) };
                return Err(Error::config(format!("[recommend] place: found {name:?}, expected a category of events or profiles, {expected}")));
            }
        }
        Ok(Stock { items: &exports.items, place })
    }

    /// Where a customer buys, as a place of the items; `None` where nothing says, or where no item names that place.
    pub fn place(&self, history: &History<'_>) -> Option<u32> {
        let name = self.place?;
        let own = last_in_events(history, name).or_else(|| in_profiles(history, name))?;
        self.items.places.binary_search_by(|place| place.as_str().cmp(own)).ok().map(|place| place as u32)
    }

    /// Whether an item of the exports can be had in a place, and may be recommended.
    pub fn has(&self, item: usize, place: Option<u32>) -> bool {
        let is_there = || match (self.items.available_in.get(item), place) {
            (None | Some(None), _) => true,
            (Some(Some(places)), Some(place)) => places.binary_search(&place).is_ok(),
            (Some(Some(places)), None) => !places.is_empty(),
        };
        let flag = |flags: &[bool]| flags.get(item).copied().unwrap_or(true);
        flag(&self.items.recommendable) && flag(&self.items.available) && is_there()
    }

    /// The catalogue of a recommender, which knows these of the items. Of items that the exports do not name stands what was known in training.
    pub fn shelves(&self, recommender: &Recommender, known: &[Option<u32>]) -> Shelves {
        let shelf = |place: Option<u32>| {
            let mut shelf = recommender.available.clone();
            for (item, known) in known.iter().enumerate() {
                if let Some(known) = known {
                    shelf[*known as usize] = self.has(item, place);
                }
            }
            shelf
        };
        Shelves { anywhere: shelf(None), by_place: (0..self.items.places.len() as u32).map(|place| shelf(Some(place))).collect() }
    }
}

impl Shelves {
    /// Whether each item of the catalogue can be had in a place.
    pub fn at(&self, place: Option<u32>) -> &[bool] {
        place.and_then(|place| self.by_place.get(place as usize)).unwrap_or(&self.anywhere)
    }
}

/// The value that the newest event with one has.
fn last_in_events<'a>(history: &History<'a>, name: &str) -> Option<&'a str> {
    let store: &'a EventStore = history.store();
    if let Some(column) = store.categories.iter().position(|column| column.name == name) {
        return history.events().rev().find_map(|event| event.category(column)).map(|code| store.categories[column].names[code as usize].as_str());
    }
    let channel = || history.events().rev().find_map(|event| event.channel()).map(|code| store.channels[usize::from(code)].as_str());
    if name == "channel" { channel() } else { None }
}

/// The value in the profile row that was true at the cut-off.
fn in_profiles<'a>(history: &History<'a>, name: &str) -> Option<&'a str> {
    history.profiles().find_map(|(table, row)| {
        let column = table.columns.iter().find(|column| column.name == name)?;
        let ProfileValues::Category { codes, names } = &column.values else { return None };
        codes.get(row?).filter(|code| **code != NO_INDEX).map(|code| names[*code as usize].as_str())
    })
}
