//! What changed since training.

pub mod drift;
pub mod freshness;
pub mod reach;
