//! A shop whose truth is known: true hazard, tastes, effect of each offer, effect of each touch.

use crate::error::Result;
use std::path::Path;

/// What to simulate.
#[derive(Debug, Clone, PartialEq)]
pub struct ShopPlan {
    /// How many customers.
    pub customers: u64,
    /// Seed of everything random.
    pub seed: u64,
}

/// Writes the shop's exports, config and truth to a folder, customer by customer (memory does not grow with their number).
///
/// # Errors
/// 73 or 74 when the folder cannot be written.
pub fn simulate(_plan: &ShopPlan, _folder: &Path) -> Result<()> {
    todo!()
}
