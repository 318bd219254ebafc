//! A run read back weeks later: the lists as they were written, checked against their commit mark.

use super::Contact;
use super::crm::{PastEntry, PastList};
use crate::error::{Error, ErrorKind, Result};
use std::path::Path;

/// The commit mark of a run.
const RECORD: &str = "run.json";

/// A customer of risk.csv.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRisk {
    /// As in the exports.
    pub customer_id: String,
    /// What was foretold.
    pub churn_probability: Option<f64>,
    /// Its tier; empty for none.
    pub tier: String,
    /// Whether it was kept out of all contact, so that the effect can be measured.
    pub is_control: bool,
    /// Whether it was on the list of crm/.
    pub is_listed: bool,
    /// Whose forecast it is, where the run had a challenger.
    pub model: String,
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
    /// What the contact and its acceptance were expected to cost.
    pub cost: f64,
    /// Comes back in treatments that know it.
    pub decision_id: String,
}

/// The lists of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastRun {
    /// `YYYY-MM-DD`; empty for a run without dates.
    pub as_of: String,
    /// Share of customers that a challenger was asked to score.
    pub challenger_share: Option<f64>,
    /// risk.csv.
    pub risk: Vec<PastRisk>,
    /// offers.csv without plain items.
    pub offers: Vec<PastOffer>,
}

/// A folder of a run with its record: files are read only as far as they are the ones that it names.
struct Folder<'a> {
    path: &'a Path,
    record: serde_json::Value,
}

impl Folder<'_> {
    fn open(path: &Path) -> Result<Folder<'_>> {
        let record_path = path.join(RECORD);
        let bytes = std::fs::read(&record_path).map_err(|error| Error::unreadable(&record_path, &error))?;
        let record = serde_json::from_slice(&bytes).map_err(|error| Error::data(format!("is no record of a run: {error}")).file(&record_path))?;
        Ok(Folder { path, record })
    }

    fn as_of(&self) -> &str {
        self.record["as_of"].as_str().unwrap_or_default()
    }

    /// The named columns of every row of a file.
    fn rows(&self, name: &str, columns: &[&str]) -> Result<Vec<Vec<String>>> {
        let path = self.path.join(name);
        let content = std::fs::read(&path).map_err(|error| Error::unreadable(&path, &error))?;
        let files = self.record["files"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = files.iter().find(|file| file["name"] == name).and_then(|file| file["blake3"].as_str());
        if named != Some(blake3::hash(&content).to_hex().as_str()) {
            return Err(Error::data("is not the file that run.json names: it was changed, or belongs to another run").file(&path));
        }
        named_columns(&path, &content, columns, "it was written by an older version")
    }
}

/// The named columns of every row of a list. `otherwise` says what a list without one of them is.
///
/// # Errors
/// 65 for what is no list with these columns.
pub fn named_columns(path: &Path, content: &[u8], columns: &[&str], otherwise: &str) -> Result<Vec<Vec<String>>> {
    let wrong = |error: csv::Error| Error::data(format!("cannot be read back: {error}")).file(path);
    let mut reader = csv::Reader::from_reader(content);
    let header = reader.headers().map_err(wrong)?.clone();
    let places = columns.iter().map(|column| {
        let place = header.iter().position(|known| known == *column);
        place.ok_or_else(|| Error::data(format!("has no column {column}: {otherwise}")).file(path))
    });
    let places: Vec<usize> = places.collect::<Result<_>>()?;
    reader.records().map(|record| record.map(|record| places.iter().map(|place| record[*place].to_owned()).collect()).map_err(wrong)).collect()
}

/// The list of the newest run before `as_of`: `folder` is that run's, or holds the folders of runs.
///
/// # Errors
/// 66 where there is no such run, 65 where its list is not the one that run.json names.
pub fn list_before(folder: &Path, as_of: &str) -> Result<PastList> {
    let mut candidates = vec![folder.to_path_buf()];
    let entries = std::fs::read_dir(folder).map_err(|error| Error::unreadable(folder, &error))?;
    candidates.extend(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| path.is_dir()));
    candidates.sort_unstable();
    let mut newest: Option<Folder<'_>> = None;
    for path in candidates.iter().filter(|path| path.join(RECORD).is_file()) {
        let run = Folder::open(path)?;
        if run.as_of() < as_of && newest.as_ref().is_none_or(|newest| run.as_of() >= newest.as_of()) {
            newest = Some(run);
        }
    }
    let Some(run) = newest else {
        return Err(Error::new(ErrorKind::NoInput, format!("holds no run before {as_of}, expected the folder of an earlier run or a folder of such folders"))
            .file(folder));
    };
    let entry = |row: Vec<String>| PastEntry { customer_id: row[0].clone(), crm_id: row[1].clone(), digest: row[2].clone() };
    let entries = run.rows("list.csv", &["customer_id", "crm_id", "digest"])?.into_iter().map(entry).collect();
    let identifier = run.record["counts"]["crm"]["identifier"].as_str().unwrap_or_default().to_owned();
    Ok(PastList { as_of: run.as_of().to_owned(), identifier, entries })
}

/// Reads a run.
///
/// # Errors
/// 66 for a file that is not there, 65 where a list is not the one that run.json names.
pub fn read(folder: &Path) -> Result<PastRun> {
    let folder = Folder::open(folder)?;
    let challenger_share = folder.record["counts"]["challenger"]["share"].as_f64();
    let mut run = PastRun { as_of: folder.as_of().to_owned(), challenger_share, ..PastRun::default() };
    for row in folder.rows("risk.csv", &["customer_id", "churn_probability", "risk_tier", "contact", "model"])? {
        run.risk.push(PastRisk {
            customer_id: row[0].clone(),
            churn_probability: row[1].parse().ok(),
            tier: row[2].clone(),
            is_control: row[3] == Contact::Control.name(),
            is_listed: row[3] == Contact::Yes.name(),
            model: row[4].clone(),
        });
    }
    let columns = ["customer_id", "offer_id", "assignment", "added_margin", "contact_cost", "accept_cost", "decision_id"];
    for row in folder.rows("offers.csv", &columns)?.into_iter().filter(|row| !row[2].is_empty()) {
        let number = |place: usize| row[place].parse::<f64>().ok();
        run.offers.push(PastOffer {
            customer_id: row[0].clone(),
            offer_id: row[1].clone(),
            assignment: row[2].clone(),
            added_margin: number(3),
            cost: number(4).unwrap_or(0.0) + number(5).unwrap_or(0.0),
            decision_id: row[6].clone(),
        });
    }
    Ok(run)
}
