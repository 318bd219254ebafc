//! What training leaves and scoring loads: one file, checked to its last byte before anything in it is believed.

mod codec;
mod envelope;
mod fault;
mod inspect;
mod parts;
mod selftest;

pub use fault::BundleFault;
pub use inspect::{FileFacts, effects_json, inspect, inspect_text};

use crate::churn::ChurnPart;
use crate::decide::effects::Effects;
use crate::error::{Error, Result};
use crate::journey::Journey;
use crate::monitor::freshness::ExportHabits;
use crate::recommend::{ItemEvent, Recommender};
use crate::segment::SegmentRules;
use crate::snapshot::learned::FeaturePlan;
use crate::snapshot::{FeatureMatrix, FeatureSpec};
use parts::{Contents, Parts};
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
    /// What offers do; absent where nothing was ever sent.
    pub effects: Option<Effects>,
    /// Segments; absent where nothing has a date.
    pub segments: Option<SegmentRules>,
    /// What exports usually look like, to notice a stale one.
    pub habits: Option<ExportHabits>,
    /// The ways to a purchase; absent where no purchase came after a touch. Scoring does not read it.
    pub journey: Option<Journey>,
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

/// The types of this program.
struct Holdfast;

impl Parts for Holdfast {
    type Features = FeaturePlan;
    type Churn = ChurnPart;
    type Recommender = Recommender;
    type Effects = Effects;
    type Segments = SegmentRules;
    type Habits = ExportHabits;
    type Journey = Journey;

    fn specs(features: &FeaturePlan) -> &[FeatureSpec] {
        &features.specs
    }
    fn check_churn(churn: &ChurnPart, features: usize) -> std::result::Result<(), String> {
        churn.validate(features)
    }
    fn probabilities(churn: &ChurnPart, matrix: &FeatureMatrix) -> Vec<f64> {
        // With a season, so that one of another meaning shows.
        churn.probabilities_shifted(matrix, churn.season.first())
    }
    fn check_recommender(recommender: &Recommender) -> std::result::Result<(), String> {
        recommender.validate()
    }
    fn recommend(recommender: &Recommender, histories: &[Vec<ItemEvent>], count: usize) -> Vec<Vec<(u32, f32)>> {
        recommender.recommend(histories, count).into_iter().map(|list| list.into_iter().map(|offer| (offer.item, offer.score)).collect()).collect()
    }
    fn check_effects(effects: &Effects) -> std::result::Result<(), String> {
        effects.validate()
    }
    fn check_habits(habits: &ExportHabits) -> std::result::Result<(), String> {
        habits.validate()
    }
    fn check_features(features: &FeaturePlan) -> std::result::Result<(), String> {
        features.validate()
    }
    fn check_segments(segments: &SegmentRules) -> std::result::Result<(), String> {
        segments.validate()
    }
    fn check_journey(journey: &Journey) -> std::result::Result<(), String> {
        journey.validate()
    }
}

impl Bundle {
    fn contents(&self) -> Contents<Holdfast> {
        Contents {
            meta: self.meta.clone(),
            features: self.features.clone(),
            churn: self.churn.clone(),
            recommender: self.recommend.clone(),
            effects: self.effects.clone(),
            segments: self.segments.clone(),
            habits: self.habits.clone(),
            journey: self.journey.clone(),
        }
    }
}

/// Writes the bundle beside its target, reads it back through all checks, and renames it. Returns its content hash in hex.
///
/// The folder is locked meanwhile; a file there is replaced in one step or stays as it was.
///
/// # Errors
/// 73 or 74 naming the file; 75 when another run holds the folder; 65 when META does not fit; 70 if what was written does not
/// read back equal.
pub fn save(bundle: &Bundle, path: &Path) -> Result<String> {
    save_contents(&bundle.contents(), path)
}

fn save_contents<P: Parts>(contents: &Contents<P>, path: &Path) -> Result<String> {
    let bytes = contents.to_bytes()?;
    let mut hash = String::new();
    crate::output::write_file(path, &bytes, |temporary| {
        let fault = |fault: BundleFault| Error::internal(format!("the bundle that was just written is refused: it {fault}")).file(path);
        let opened = envelope::open(temporary, envelope::MOST_BYTES).map_err(fault)?;
        if Contents::<P>::of(&opened).map_err(fault)?.to_bytes()? != bytes {
            return Err(Error::internal("the bundle that was just written does not read back equal").file(path));
        }
        hash = hex(&opened.content_hash);
        Ok(())
    })?;
    Ok(hash)
}

/// Reads a bundle through every check (reference in docs/bundle.md). Returns it with its content hash in hex.
///
/// # Errors
/// 66 when missing or unreadable, 65 for every way its bytes can be wrong ([`BundleFault`]).
pub fn load(path: &Path) -> Result<(Bundle, String)> {
    load_with_facts(path).map(|(bundle, facts)| (bundle, facts.content_hash))
}

/// As [`load`], with what the file says of itself: for `inspect`.
///
/// # Errors
/// As [`load`].
pub fn load_with_facts(path: &Path) -> Result<(Bundle, FileFacts)> {
    let opened = envelope::open(path, envelope::MOST_BYTES).map_err(|fault| fault.at(path))?;
    let contents = Contents::<Holdfast>::of(&opened).map_err(|fault| fault.at(path))?;
    let facts = FileFacts {
        file: path.to_path_buf(),
        bytes: opened.total,
        format: format!("{}.{}", opened.format.0, opened.format.1),
        content_hash: hex(&opened.content_hash),
        schema_hash: hex(&opened.schema_hash),
        sections: opened.sections.iter().map(|section| (section.kind.name(), section.bytes.len() as u64)).collect(),
    };
    let bundle = Bundle {
        meta: contents.meta,
        features: contents.features,
        churn: contents.churn,
        recommend: contents.recommender,
        effects: contents.effects,
        segments: contents.segments,
        habits: contents.habits,
        journey: contents.journey,
    };
    Ok((bundle, facts))
}

fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

#[cfg(test)]
mod tests;
