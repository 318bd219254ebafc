//! Rows become bytes, bytes become files: the files of a run, written so that a failed or killed run leaves the old or the new.

pub mod crm;
pub mod csv_text;
pub mod excluded;
pub mod features;
pub mod offers;
pub mod read_back;
pub mod rejects;
pub mod report;
pub mod risk;
mod write;

pub use write::{point, write_file};

use crate::decide::Worth;
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
    /// Orders expected within the horizon.
    pub expected_orders: Option<f64>,
    /// What they are expected to be worth.
    pub expected_value: Option<f64>,
    /// Whether crm/ holds the customer, and if not why: see [`Contact`].
    pub contact: Contact,
    /// `champion` or `challenger` where a bundle is tried beside another; else empty.
    pub model: String,
}

/// Whether a customer is on the list of crm/, and if not why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Contact {
    /// On the list.
    Yes,
    /// There is nothing to do: no tier, no offer.
    #[default]
    NotNeeded,
    /// Kept out, so that the effect of what is done can be measured.
    Control,
    /// Without consent.
    NoConsent,
    /// On a suppression list.
    Suppressed,
}

impl Contact {
    /// The word in the files.
    pub fn name(self) -> &'static str {
        match self {
            Contact::Yes => "yes",
            Contact::NotNeeded => "",
            Contact::Control => "control",
            Contact::NoConsent => "no_consent",
            Contact::Suppressed => "suppressed",
        }
    }
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
    /// The offer decided on; empty for an item without an offer.
    pub offer_id: String,
    /// The item.
    pub item_id: String,
    /// Its name.
    pub item_name: String,
    /// By which the offer goes out.
    pub channel: String,
    /// On which weekday it reaches the customer best; empty where not known.
    pub send_weekday: String,
    /// At which hour of the day, 0 to 23.
    pub send_hour: Option<u8>,
    /// First day of the offer.
    pub valid_from: String,
    /// Last day of the offer.
    pub valid_until: String,
    /// Comparable within a customer.
    pub score: f64,
    /// Stable code of the reason.
    pub reason_code: String,
    /// In words.
    pub reason: String,
    /// `offer`, `explore` or `control`; empty for an item without an offer.
    pub assignment: String,
    /// What the offer is worth, term by term.
    pub worth: Worth,
    /// `new` for an item of the second list, of what the customer never bought.
    pub list: String,
    /// `champion` or `challenger` where a bundle is tried beside another; else empty.
    pub model: String,
}

impl OfferRow {
    /// Whether it is an offer that goes out: no item without an offer, and nothing of a control customer.
    pub fn is_to_be_sent(&self) -> bool {
        matches!(self.assignment.as_str(), "offer" | "explore")
    }
}

/// A customer who is not in risk.csv, and the rule that kept them out.
#[derive(Debug, Clone, PartialEq)]
pub struct ExcludedRow {
    /// As in the exports, byte for byte.
    pub customer_id: String,
    /// `already_inactive`, `already_left`, `no_history`.
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
    /// Held until the run ends.
    _lock: write::FolderLock,
}

impl RunFolder {
    /// Creates the folder if needed, locks it and removes temporary files of killed runs.
    ///
    /// # Errors
    /// 73 when it cannot be created or written, 75 naming the pid when another run holds it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        Self::open_locked(path)
    }
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Writes all files (`name`, or `folder/name` for one folder in it) beside their targets, syncs, renames, and run.json last with size and hash of each.
    /// Files that the run before named and this one does not have are removed then, so that nobody imports a part of an old list.
    ///
    /// # Errors
    /// 73 or 74; then the previous files are as they were.
    pub fn commit(&self, files: Vec<(String, Vec<u8>)>, record: RunRecord) -> Result<()> {
        self.commit_with(files, record, &|from, to| std::fs::rename(from, to))
    }
    /// Writes run-failed.json (if even that fails, a line in the log says so); the previous files and run.json are as they were.
    pub fn fail(&self, record: RunRecord) {
        if let Err(error) = self.write_failure(&record) {
            // The run has failed already, and its own error is the one to return.
            tracing::warn!("{error}");
        }
    }
}

/// The hash that ties a decision to what became of it: the first 16 hex digits of BLAKE3 over customer, what was decided (an item
/// or an offer, empty for a risk row), as-of date and bundle.
///
/// Each part is preceded by its length (u64, little endian), so that no two different decisions share their text.
pub fn decision_id(customer: &str, decided: &str, as_of: &str, bundle_hash: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [customer, decided, as_of, bundle_hash] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_id_is_stable_and_cuts_between_parts() {
        let id = decision_id("17850", "22423", "2011-09-10", "ab");
        assert_eq!(id, decision_id("17850", "22423", "2011-09-10", "ab"));
        assert_eq!(id.len(), 16);
        let others = [
            ("1785", "022423", "2011-09-10", "ab"),
            ("17850", "", "2011-09-10", "ab"),
            ("17850", "22423", "2011-09-1", "0ab"),
            ("17850", "22423", "2011-09-10", "ac"),
        ];
        assert!(others.iter().all(|(a, b, c, d)| decision_id(a, b, c, d) != id));
    }
}
