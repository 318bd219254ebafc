//! What training leaves and scoring loads: one file, checked to its last byte before anything in it is believed.

use crate::churn::ChurnPart;
use crate::error::Result;
use crate::monitor::freshness::ExportHabits;
use crate::recommend::Recommender;
use crate::segment::SegmentRules;
use crate::snapshot::learned::FeaturePlan;
use std::path::Path;

/// Everything scoring needs. No customer's id, row or rare text is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// Readable facts: META, JSON.
    pub meta: Meta,
    /// Features, with the tables learnt at the last cut-off of training.
    pub features: FeaturePlan,
    /// The churn model; absent with a reason in META.
    pub churn: Option<ChurnPart>,
    /// The recommender; absent with a reason in META.
    pub recommend: Option<Recommender>,
    /// Segments; absent where nothing has a date.
    pub segments: Option<SegmentRules>,
    /// What exports usually look like, to notice a stale one.
    pub habits: Option<ExportHabits>,
}

/// Facts of a bundle that any text tool can read. No clock, host, user, path or thread count: equal input gives equal bytes.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Meta {
    /// The project's name.
    pub project: String,
    /// Version of the program that wrote it.
    pub version: String,
    /// The last day of training, exclusive: `YYYY-MM-DD`, empty for tables without dates.
    pub trained_until: String,
    /// Seed of everything random.
    pub seed: u64,
    /// The config keys that give data and labels their meaning; scoring refuses others.
    pub contract: Vec<(String, String)>,
    /// BLAKE3 of each input's name and bytes, in order of reading.
    pub inputs: Vec<(String, String)>,
    /// Numbers of rows, customers, items.
    pub counts: std::collections::BTreeMap<String, u64>,
    /// What `validate` measured, as it prints it.
    pub measured: serde_json::Value,
    /// Parts that are missing and why.
    pub missing: std::collections::BTreeMap<String, String>,
}

/// Writes the bundle beside its target, reads it back through all checks, and renames it. Returns its content hash in hex.
///
/// # Errors
/// 73 or 74 naming the file; 70 if what was written does not read back equal.
pub fn save(_bundle: &Bundle, _path: &Path) -> Result<String> {
    todo!()
}

/// Reads a bundle through every check (reference in docs/bundle.md). Returns it with its content hash in hex.
///
/// # Errors
/// 66 when missing or unreadable, 65 for every way its bytes can be wrong.
pub fn load(_path: &Path) -> Result<(Bundle, String)> {
    todo!()
}
