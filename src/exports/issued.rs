//! Lists issued by earlier runs: what was to be sent, and may not have come back as a treatment yet.

use crate::config::Config;
use crate::error::{Error, Result};
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
}

/// Reads the lists that `[decide] issued` names: offers.csv of earlier runs. No file is no list yet. Customers kept out as controls were sent nothing.
///
/// # Errors
/// 66 for a file that cannot be read, 65 for one that is no offers.csv.
pub(super) fn issued(config: &Config) -> Result<Vec<Issued>> {
    let Some(pattern) = &config.decide.issued else { return Ok(Vec::new()) };
    let paths = glob::glob(pattern).map_err(|error| Error::config(format!("[decide] issued = {pattern:?} is no pattern of files: {error}")))?;
    let mut files = paths.collect::<std::result::Result<Vec<_>, _>>().map_err(|error| Error::unreadable(error.path(), error.error()))?;
    files.sort_unstable();
    let lists = files.iter().map(|file| list(file)).collect::<Result<Vec<_>>>()?;
    Ok(lists.into_iter().flatten().collect())
}

fn list(file: &Path) -> Result<Vec<Issued>> {
    const COLUMNS: [&str; 5] = ["customer_id", "offer_id", "as_of", "decision_id", "assignment"];
    let bytes = std::fs::read(file).map_err(|error| Error::unreadable(file, &error))?;
    let wrong = |error: csv::Error| Error::data(format!("cannot be read as a list of offers: {error}")).file(file);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(wrong)?.clone();
    let place = |column: &str| {
        let found = header.iter().position(|known| known == column);
        found.ok_or_else(|| Error::data(format!("has no column {column}, expected the offers.csv of an earlier run; correct [decide] issued")).file(file))
    };
    let places = COLUMNS.iter().map(|column| place(column)).collect::<Result<Vec<usize>>>()?;
    let mut list = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let text = |column: usize| record[places[column]].to_owned();
        if matches!(text(4).as_str(), "offer" | "explore") {
            list.push(Issued { customer: text(0), offer: text(1), as_of: text(2), decision_id: text(3) });
        }
    }
    Ok(list)
}
