//! Lists issued by earlier runs: what was to be sent, and may not have come back as a treatment yet.

use crate::config::Config;
use crate::decide::Assignment;
use crate::error::{Error, Result};
use crate::output::read_back::named_columns;
use std::path::Path;

/// An offer on the list of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// As in that list.
    pub customer: String,
    /// The offer.
    pub offer: String,
    /// As-of date of that run, `YYYY-MM-DD`.
    pub as_of: String,
    /// Comes back in treatments that know it.
    pub decision_id: String,
    /// Whether it was to be sent.
    pub assignment: Assignment,
    /// Which of the lists, in byte order of their paths.
    pub list: usize,
}

/// Reads the lists that `[decide] issued` names: offers.csv of earlier runs. No file is no list yet. Items without an offer are none of it.
///
/// # Errors
/// 66 for a file that cannot be read, 65 for one that is no offers.csv.
pub(super) fn issued(config: &Config) -> Result<Vec<Issued>> {
    let Some(pattern) = &config.decide.issued else { return Ok(Vec::new()) };
    let paths = glob::glob(pattern).map_err(|error| Error::config(format!("[decide] issued = {pattern:?} is no pattern of files: {error}")))?;
    let mut files = paths.collect::<std::result::Result<Vec<_>, _>>().map_err(|error| Error::unreadable(error.path(), error.error()))?;
    files.sort_unstable();
    let lists = files.iter().enumerate().map(|(number, file)| list(number, file)).collect::<Result<Vec<_>>>()?;
    Ok(lists.into_iter().flatten().collect())
}

fn list(number: usize, file: &Path) -> Result<Vec<Issued>> {
    const COLUMNS: [&str; 5] = ["customer_id", "offer_id", "as_of", "decision_id", "assignment"];
    let bytes = std::fs::read(file).map_err(|error| Error::unreadable(file, &error))?;
    let rows = named_columns(file, &bytes, &COLUMNS, "expected the offers.csv of an earlier run; correct [decide] issued")?;
    let issued = rows.into_iter().filter_map(|row| {
        let assignment = Assignment::named(&row[4])?;
        Some(Issued { customer: row[0].clone(), offer: row[1].clone(), as_of: row[2].clone(), decision_id: row[3].clone(), assignment, list: number })
    });
    Ok(issued.collect())
}
