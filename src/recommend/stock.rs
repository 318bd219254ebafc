//! What can be had, and where: as the exports of the run say, not as they were when the bundle was trained.
//!
//! An item whose rows name places can be had there and nowhere else. Who is of no known place may get what can be had anywhere.

use super::Recommender;
use super::place;
use crate::error::Result;
use crate::exports::{Exports, ItemTable};
use crate::timeline::History;

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
        place::check(exports, place)?;
        Ok(Stock { items: &exports.items, place })
    }

    /// Where a customer buys, as a place of the items; `None` where nothing says, or where no item names that place.
    pub fn place(&self, history: &History<'_>) -> Option<u32> {
        let name = self.place?;
        let own = place::of(history, name)?;
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
