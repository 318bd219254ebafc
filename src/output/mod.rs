//! Rows become bytes, bytes become files: the files of a run, written so that a failed or killed run leaves the old or the new.

use crate::error::Result;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A customer of the base in risk.csv.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskRow {
    /// As in the exports, byte for byte.
    pub customer_id: String,
    /// `YYYY-MM-DD`; empty for tables without dates.
    pub as_of: String,
    /// Travels to the CRM and comes back in treatments.
    pub decision_id: String,
    /// Risk of leaving within the horizon, without contact.
    pub churn_probability: Option<f64>,
    /// Tier of action, empty for none.
    pub risk_tier: String,
    /// 1 is the riskiest.
    pub risk_rank: Option<u64>,
    /// `new`, `active`, `slowing`, `returned`; `dormant` and `lost` are in excluded.csv.
    pub status: String,
    /// Whole days since the last event that counts as alive.
    pub days_since_last: Option<i64>,
    /// Orders so far.
    pub orders: Option<u64>,
    /// Paid in the 365 days before as_of.
    pub value: Option<f64>,
    /// RFM segment.
    pub segment: String,
    /// Up to three: code, text.
    pub reasons: Vec<(String, String)>,
}

/// An offer to a customer in offers.csv.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OfferRow {
    /// As in the exports, byte for byte.
    pub customer_id: String,
    /// `YYYY-MM-DD`; empty without dates.
    pub as_of: String,
    /// Travels to the CRM and comes back in treatments.
    pub decision_id: String,
    /// 1 is the best.
    pub rank: u32,
    /// Blank until offers are decided.
    pub offer_id: String,
    /// The item.
    pub item_id: String,
    /// Its name.
    pub item_name: String,
    /// Blank until offers are decided.
    pub channel: String,
    /// Blank until offers are decided.
    pub valid_from: String,
    /// Blank until offers are decided.
    pub valid_until: String,
    /// Comparable within a customer.
    pub score: f64,
    /// Stable code of the reason.
    pub reason_code: String,
    /// In words.
    pub reason: String,
}

/// A customer who is not in risk.csv, and the rule that kept them out.
#[derive(Debug, Clone, PartialEq)]
pub struct ExcludedRow {
    /// As in the exports, byte for byte.
    pub customer_id: String,
    /// `already_inactive`, `already_left`, `no_history`, `excluded_by_request`.
    pub rule: String,
    /// `dormant`, `lost` or empty.
    pub status: String,
    /// Whole days since the last event that counts as alive.
    pub days_since_last: Option<i64>,
    /// Orders so far.
    pub orders: Option<u64>,
    /// Paid in the 365 days before as_of.
    pub value: Option<f64>,
}

/// What run.json says. Written last: consumers trust only files that match it.
#[derive(Debug, Clone, Serialize, Default)]
pub struct RunRecord {
    /// `ok` or `failed`.
    pub status: String,
    /// Version of the program.
    pub version: String,
    /// BLAKE3 of the config.
    pub config_hash: String,
    /// Content hash of the bundle.
    pub bundle_hash: String,
    /// The as-of date.
    pub as_of: String,
    /// Everything counted: rows per file and source, customers, rows per output, tiers.
    pub counts: serde_json::Value,
    /// Why columns or files are blank, and what was noticed.
    pub notes: Vec<String>,
    /// The error of a failed run.
    pub error: Option<String>,
    /// Its exit code.
    pub exit_code: u8,
    /// When the run began, RFC 3339, UTC: the only clock in any file.
    pub started_at: String,
    /// Seconds per stage.
    pub seconds: Vec<(String, f64)>,
    /// Name, size and BLAKE3 of every file.
    pub files: Vec<FileRecord>,
}

/// A file of a run.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct FileRecord {
    /// Its name in the folder.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 in hex.
    pub blake3: String,
}

/// An output folder held by one run: locked, swept of leftovers, written in one go.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder if needed, locks it and removes temporary files of killed runs.
    ///
    /// # Errors
    /// 73 when it cannot be created or written, 75 naming the pid when another run holds it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        let _ = path;
        todo!()
    }
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Writes all files beside their targets, syncs, renames, and run.json last with size and hash of each.
    ///
    /// # Errors
    /// 73 or 74; then the previous files are as they were.
    pub fn commit(&self, _files: Vec<(String, Vec<u8>)>, _record: RunRecord) -> Result<()> {
        todo!()
    }
    /// Writes run-failed.json; the previous files and run.json are as they were.
    pub fn fail(&self, _record: RunRecord) {
        todo!()
    }
}
