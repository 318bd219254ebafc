//! A run read back weeks later: the lists as they were written, checked against their commit mark.

use crate::error::{Error, Result};
use std::path::Path;

/// A customer of risk.csv.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRisk {
    /// As in the exports.
    pub customer_id: String,
    /// What was foretold.
    pub churn_probability: Option<f64>,
    /// Its tier; empty for none.
    pub tier: String,
}

/// A decided offer of offers.csv.
#[derive(Debug, Clone, PartialEq)]
pub struct PastOffer {
    /// As in the exports.
    pub customer_id: String,
    /// The offer.
    pub offer_id: String,
    /// `offer`, `explore` or `control`.
    pub assignment: String,
    /// What the contact was expected to add.
    pub added_margin: Option<f64>,
}

/// The lists of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastRun {
    /// `YYYY-MM-DD`; empty for a run without dates.
    pub as_of: String,
    /// risk.csv.
    pub risk: Vec<PastRisk>,
    /// offers.csv without plain items.
    pub offers: Vec<PastOffer>,
}

/// Reads a run.
///
/// # Errors
/// 66 for a file that is not there, 65 where a list is not the one that run.json names.
pub fn read(folder: &Path) -> Result<PastRun> {
    let bytes = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|error| Error::unreadable(&path, &error))
    };
    let record_path = folder.join("run.json");
    let record: serde_json::Value =
        serde_json::from_slice(&bytes("run.json")?).map_err(|error| Error::data(format!("is no record of a run: {error}")).file(&record_path))?;
    let checked = |name: &str| -> Result<Vec<u8>> {
        let found = bytes(name)?;
        let files = record["files"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = files.iter().find(|file| file["name"] == name).and_then(|file| file["blake3"].as_str());
        if named != Some(blake3::hash(&found).to_hex().as_str()) {
            return Err(Error::data("is not the file that run.json names: it was changed, or belongs to another run").file(&folder.join(name)));
        }
        Ok(found)
    };
    let mut run = PastRun { as_of: record["as_of"].as_str().unwrap_or_default().to_owned(), ..PastRun::default() };
    let rows = |name: &str, columns: &[&str]| -> Result<Vec<Vec<String>>> {
        let content = checked(name)?;
        let wrong = |error: csv::Error| Error::data(format!("cannot be read back: {error}")).file(&folder.join(name));
        let mut reader = csv::Reader::from_reader(content.as_slice());
        let header = reader.headers().map_err(wrong)?.clone();
        let places = columns.iter().map(|column| {
            let place = header.iter().position(|known| known == *column);
            place.ok_or_else(|| Error::data(format!("has no column {column}: it was written by an older version")).file(&folder.join(name)))
        });
        let places: Vec<usize> = places.collect::<Result<_>>()?;
        reader.records().map(|record| record.map(|record| places.iter().map(|place| record[*place].to_owned()).collect()).map_err(wrong)).collect()
    };
    for row in rows("risk.csv", &["customer_id", "churn_probability", "risk_tier"])? {
        run.risk.push(PastRisk { customer_id: row[0].clone(), churn_probability: row[1].parse().ok(), tier: row[2].clone() });
    }
    for row in rows("offers.csv", &["customer_id", "offer_id", "assignment", "added_margin"])? {
        if !row[2].is_empty() {
            run.offers.push(PastOffer { customer_id: row[0].clone(), offer_id: row[1].clone(), assignment: row[2].clone(), added_margin: row[3].parse().ok() });
        }
    }
    Ok(run)
}
