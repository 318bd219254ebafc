//! What changed since training.

pub mod freshness;
