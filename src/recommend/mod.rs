//! What each would want next: several models behind one contract, blended by weights learnt on the choose window.
//!
//! In: what customers did with items before a cut-off. Out: a [`Recommender`] (item side only: no row of a customer is kept),
//! and how each model ranks what customers did next. One path for known and new customers: a customer is their own events.

use crate::config::RecommendSettings;
use crate::error::Result;
use crate::exports::Exports;
use crate::timeline::{Cutoff, History};
use bincode::{Decode, Encode};

/// One thing a customer did with an item, seen from a cut-off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ItemEvent {
    /// Item of the recommender's catalogue.
    pub item: u32,
    /// Days before the cut-off; 0 for sources without time.
    pub days_ago: f32,
    /// Weight of the kind of event; negative for returns.
    pub weight: f32,
}

/// What the bundle keeps of the recommender.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Recommender {
    /// The name of the model chosen.
    pub name: String,
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
}

/// Learns a recommender from the exports: settings on the choose window, measures on the test window, refit on everything.
/// Without time: settings on interactions held out of the training part; measured on sources with `role = "test"` if any.
///
/// # Errors
/// 65 when what is there cannot be ranked; `Ok(Err(reason))` when the exports hold nothing to recommend.
#[allow(clippy::type_complexity)]
pub fn train(
    _exports: &Exports,
    _settings: &RecommendSettings,
    _windows: Option<RankWindows>,
    _seed: u64,
) -> Result<std::result::Result<(Recommender, RankReport), String>> {
    todo!()
}

impl Recommender {
    /// Maps the items of newly read exports to the catalogue; items that training never saw map to nothing.
    pub fn map_items(&self, _exports: &Exports) -> Vec<Option<u32>> {
        todo!()
    }
    /// The customer's events with items of the catalogue. `items` comes from [`Recommender::map_items`].
    pub fn item_events(&self, _history: &History<'_>, _items: &[Option<u32>]) -> Vec<ItemEvent> {
        todo!()
    }
    /// The best `count` items with reasons for a block of customers, best first, ties by item.
    pub fn recommend(&self, _histories: &[Vec<ItemEvent>], _count: usize) -> Vec<Vec<Recommended>> {
        todo!()
    }
    /// Id and name of an item of the catalogue.
    pub fn item(&self, _item: u32) -> (&str, &str) {
        todo!()
    }
    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> std::result::Result<(), String> {
        todo!()
    }
}
