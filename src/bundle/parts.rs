//! Parts become sections and sections parts: steps L12 to L16 of docs/bundle.md.
//!
//! This module does not know what is in a model. It asks a [`Parts`] to check and to run it, so that the load order is tested
//! with small models whose faults can be planted.

use super::Meta;
use super::codec::{decode, encode};
use super::envelope::{Kind, Opened, Section, seal};
use super::fault::BundleFault;
use super::selftest::SelfTest;
use crate::error::{Error, Result};
use crate::recommend::ItemEvent;
use crate::snapshot::{FeatureMatrix, FeatureSpec, FeatureValues};
use bincode::{Decode, Encode};

/// Longest META, so that any text tool can open it.
pub(super) const MOST_META: usize = 256 * 1024;
/// Most features.
const MOST_FEATURES: usize = 100_000;
/// Longest name.
const MOST_NAME: usize = 1024;
/// How deep values of META may lie within each other.
const MOST_DEPTH: usize = 32;

/// The types a bundle is made of, and what it asks of them.
pub(super) trait Parts {
    type Features: Encode + Decode<()>;
    type Churn: Encode + Decode<()>;
    type Recommender: Encode + Decode<()>;
    type Effects: Encode + Decode<()>;
    type Segments: Encode + Decode<()>;
    type Habits: Encode + Decode<()>;
    type Journey: Encode + Decode<()>;

    fn specs(features: &Self::Features) -> &[FeatureSpec];
    fn check_churn(churn: &Self::Churn, features: usize) -> std::result::Result<(), String>;
    fn probabilities(churn: &Self::Churn, matrix: &FeatureMatrix) -> Vec<f64>;
    fn check_recommender(recommender: &Self::Recommender) -> std::result::Result<(), String>;
    fn recommend(recommender: &Self::Recommender, histories: &[Vec<ItemEvent>], count: usize) -> Vec<Vec<(u32, f32)>>;
    fn check_effects(effects: &Self::Effects) -> std::result::Result<(), String>;
    fn check_habits(habits: &Self::Habits) -> std::result::Result<(), String>;
    fn check_features(features: &Self::Features) -> std::result::Result<(), String>;
    fn check_segments(segments: &Self::Segments) -> std::result::Result<(), String>;
    fn check_journey(journey: &Self::Journey) -> std::result::Result<(), String>;
}

/// What a bundle holds, for any set of types.
pub(super) struct Contents<P: Parts> {
    pub(super) meta: Meta,
    pub(super) features: P::Features,
    pub(super) churn: Option<P::Churn>,
    pub(super) recommender: Option<P::Recommender>,
    pub(super) effects: Option<P::Effects>,
    pub(super) segments: Option<P::Segments>,
    pub(super) habits: Option<P::Habits>,
    pub(super) journey: Option<P::Journey>,
}

impl<P: Parts> Contents<P> {
    /// The bytes of the file.
    ///
    /// # Errors
    /// 65 when META does not fit; 70 when a part cannot be encoded.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let specs = P::specs(&self.features);
        let selftest = self.with_models(|probabilities, recommend| SelfTest::record(self.meta.seed, specs, probabilities, recommend));
        let mut sections = vec![
            Section { kind: Kind::Meta, count: 0, bytes: meta_bytes(&self.meta)? },
            Section { kind: Kind::Features, count: specs.len() as u64, bytes: encode(&self.features)? },
        ];
        fn push<T: Encode>(sections: &mut Vec<Section>, kind: Kind, part: &Option<T>) -> Result<()> {
            if let Some(part) = part {
                sections.push(Section { kind, count: 0, bytes: encode(part)? });
            }
            Ok(())
        }
        push(&mut sections, Kind::Churn, &self.churn)?;
        push(&mut sections, Kind::Recommender, &self.recommender)?;
        push(&mut sections, Kind::Effects, &self.effects)?;
        push(&mut sections, Kind::Baseline, &self.habits)?;
        sections.push(Section { kind: Kind::SelfTest, count: selftest.count(), bytes: encode(&selftest)? });
        push(&mut sections, Kind::Segments, &self.segments)?;
        push(&mut sections, Kind::Journey, &self.journey)?;
        Ok(seal(&sections, schema_hash(specs, &self.meta.contract)))
    }

    /// The parts, after every check of L12 to L16.
    pub(super) fn of(opened: &Opened) -> std::result::Result<Self, BundleFault> {
        let meta = opened.section(Kind::Meta).ok_or(BundleFault::MissingSection { name: Kind::Meta.name() })?;
        let contents = Contents::<P> {
            meta: parse_meta(&meta.bytes)?,
            features: part(opened, Kind::Features)?.ok_or(BundleFault::MissingSection { name: Kind::Features.name() })?,
            churn: part(opened, Kind::Churn)?,
            recommender: part(opened, Kind::Recommender)?,
            effects: part(opened, Kind::Effects)?,
            segments: part(opened, Kind::Segments)?,
            habits: part(opened, Kind::Baseline)?,
            journey: part(opened, Kind::Journey)?,
        };
        let selftest: SelfTest = part(opened, Kind::SelfTest)?.ok_or(BundleFault::MissingSection { name: Kind::SelfTest.name() })?;
        let specs = P::specs(&contents.features);
        let invalid = |kind: Kind| move |reason| BundleFault::Invalid { section: kind.name(), reason };
        for section in &opened.sections {
            let found = match section.kind {
                Kind::Features => specs.len() as u64,
                Kind::SelfTest => selftest.count(),
                _ => 0,
            };
            if section.count != found {
                return Err(BundleFault::Count { section: section.kind.name(), said: section.count, found });
            }
        }
        check_specs(specs).map_err(invalid(Kind::Features))?;
        P::check_features(&contents.features).map_err(invalid(Kind::Features))?;
        if let Some(segments) = &contents.segments {
            P::check_segments(segments).map_err(invalid(Kind::Segments))?;
        }
        if let Some(churn) = &contents.churn {
            P::check_churn(churn, specs.len()).map_err(invalid(Kind::Churn))?;
        }
        if let Some(recommender) = &contents.recommender {
            P::check_recommender(recommender).map_err(invalid(Kind::Recommender))?;
        }
        if let Some(effects) = &contents.effects {
            P::check_effects(effects).map_err(invalid(Kind::Effects))?;
        }
        if let Some(habits) = &contents.habits {
            P::check_habits(habits).map_err(invalid(Kind::Baseline))?;
        }
        if let Some(journey) = &contents.journey {
            P::check_journey(journey).map_err(invalid(Kind::Journey))?;
        }
        if schema_hash(specs, &contents.meta.contract) != opened.schema_hash {
            return Err(BundleFault::SchemaHash);
        }
        contents.with_models(|probabilities, recommend| selftest.check(specs, probabilities, recommend)).map_err(|reason| BundleFault::SelfTest { reason })?;
        Ok(contents)
    }

    /// Calls `with` with the models that are there.
    fn with_models<R>(&self, with: impl FnOnce(Option<super::selftest::Probabilities<'_>>, Option<super::selftest::Recommendations<'_>>) -> R) -> R {
        let probabilities = self.churn.as_ref().map(|churn| move |matrix: &FeatureMatrix| P::probabilities(churn, matrix));
        let recommend = self.recommender.as_ref().map(|model| move |histories: &[Vec<ItemEvent>], count: usize| P::recommend(model, histories, count));
        with(probabilities.as_ref().map(|f| f as _), recommend.as_ref().map(|f| f as _))
    }
}

fn part<T: Encode + Decode<()>>(opened: &Opened, kind: Kind) -> std::result::Result<Option<T>, BundleFault> {
    opened.section(kind).map(|section| decode(&section.bytes, kind.name())).transpose()
}

/// META as JSON with sorted keys, one value a line. When the list of inputs would not fit, it is folded into one entry whose hash
/// covers all of them.
fn meta_bytes(meta: &Meta) -> Result<Vec<u8>> {
    let bytes = canonical(meta)?;
    if bytes.len() <= MOST_META {
        return Ok(bytes);
    }
    let mut hasher = blake3::Hasher::new();
    for (name, hash) in &meta.inputs {
        hasher.update(name.as_bytes()).update(b"\0").update(hash.as_bytes()).update(b"\n");
    }
    let folded = (format!("{} files together", meta.inputs.len()), hasher.finalize().to_hex().to_string());
    let bytes = canonical(&Meta { inputs: vec![folded], ..meta.clone() })?;
    if bytes.len() <= MOST_META {
        return Ok(bytes);
    }
    Err(Error::data(format!("the facts to keep in the bundle take {} bytes, at most {MOST_META} are allowed; shorten the config", bytes.len())))
}

fn canonical(meta: &impl serde::Serialize) -> Result<Vec<u8>> {
    let failure = |error: serde_json::Error| Error::internal(format!("META is no JSON: {error}"));
    let value = sorted(serde_json::to_value(meta).map_err(failure)?);
    let mut bytes = serde_json::to_vec_pretty(&value).map_err(failure)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Keys in byte order at every level, whatever order the map type keeps.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let ordered: std::collections::BTreeMap<String, Value> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn parse_meta(bytes: &[u8]) -> std::result::Result<Meta, BundleFault> {
    if bytes.len() > MOST_META {
        return Err(BundleFault::MetaTooLong { bytes: bytes.len() as u64, most: MOST_META as u64 });
    }
    let fault = |error: serde_json::Error| BundleFault::Meta { reason: error.to_string() };
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(fault)?;
    if depth(&value) > MOST_DEPTH {
        return Err(BundleFault::Meta { reason: format!("its values lie more than {MOST_DEPTH} deep") });
    }
    // One form for one content: sorted keys, none twice, no other blanks. Keys of a later minor version may be there.
    match canonical(&value) {
        Ok(again) if again == bytes => serde_json::from_value(value).map_err(fault),
        _ => Err(BundleFault::NotCanonical { section: Kind::Meta.name() }),
    }
}

fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        serde_json::Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        _ => 1,
    }
}

fn check_specs(specs: &[FeatureSpec]) -> std::result::Result<(), String> {
    if specs.len() > MOST_FEATURES {
        return Err(format!("{} features, at most {MOST_FEATURES} are allowed", specs.len()));
    }
    let mut names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("the feature {} is there twice", short(pair[0])));
    }
    for (index, spec) in specs.iter().enumerate() {
        if spec.name.is_empty() || spec.name.len() > MOST_NAME {
            return Err(format!("feature {index} has a name of {} bytes, expected 1 to {MOST_NAME}", spec.name.len()));
        }
        if let FeatureValues::Category { vocabulary } = &spec.values {
            let (last, categories) = vocabulary.split_last().ok_or_else(|| format!("the feature {} has no categories", short(&spec.name)))?;
            if last != "other" {
                return Err(format!("the last category of {} is {}, expected other", short(&spec.name), short(last)));
            }
            if categories.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(format!("the categories of {} are not in byte order without repeats", short(&spec.name)));
            }
            if vocabulary.iter().any(|category| category.len() > MOST_NAME) {
                return Err(format!("a category of {} is longer than {MOST_NAME} bytes", short(&spec.name)));
            }
        }
    }
    Ok(())
}

/// A name from a file, short enough for a message and without signs that a terminal obeys.
fn short(name: &str) -> String {
    name.chars().take(60).flat_map(char::escape_default).collect()
}

/// BLAKE3 of what the features and labels mean: name, type and unit of each feature in order, then each key of the contract. Every
/// text is preceded by its length (u64, little endian).
fn schema_hash(specs: &[FeatureSpec], contract: &[(String, String)]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut text = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    text("features");
    for spec in specs {
        text(&spec.name);
        text(match spec.values {
            FeatureValues::Number => "number",
            FeatureValues::Category { .. } => "category",
        });
        text(&spec.unit);
    }
    text("contract");
    for (key, value) in contract {
        text(key);
        text(value);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn too_many_inputs_are_folded_into_one_entry_that_covers_them() {
        let inputs = |count: usize| (0..count).map(|day| (format!("events/day-{day:05}.csv"), blake3::hash(&day.to_le_bytes()).to_hex().to_string())).collect();
        let few = Meta { inputs: inputs(10), ..Meta::default() };
        assert_eq!(parse_meta(&meta_bytes(&few).unwrap()).unwrap(), few);
        let folded = parse_meta(&meta_bytes(&Meta { inputs: inputs(5_000), ..Meta::default() }).unwrap()).unwrap();
        assert_eq!(folded.inputs.len(), 1);
        assert_eq!(folded.inputs[0].0, "5000 files together");
        let endless = Meta { project: "x".repeat(MOST_META), ..Meta::default() };
        assert_eq!(meta_bytes(&endless).unwrap_err().kind().exit_code(), 65);
    }

    #[test]
    fn numbers_in_meta_come_back_to_the_last_bit() {
        for bits in (0..2_000u64).map(|step| 0x3fb9_9999_9999_0000 + step * 0x1234_5678_9abc) {
            let value = f64::from_bits(bits);
            let meta = Meta { measured: serde_json::json!({ "auc": value }), ..Meta::default() };
            assert_eq!(parse_meta(&meta_bytes(&meta).unwrap()).unwrap().measured["auc"].as_f64().unwrap().to_bits(), bits);
        }
    }

    #[test]
    fn another_meaning_gives_another_schema_hash() {
        let spec = |name: &str, unit: &str, values| FeatureSpec {
            name: name.into(),
            unit: unit.into(),
            meaning: String::new(),
            family: String::new(),
            kinds: Vec::new(),
            values,
        };
        let contract = vec![("churn.horizon".to_string(), "90d".to_string())];
        let a = spec("recency", "days", FeatureValues::Number);
        let b = spec("orders", "orders", FeatureValues::Number);
        let base = schema_hash(&[a.clone(), b.clone()], &contract);
        assert_ne!(base, schema_hash(&[b.clone(), a.clone()], &contract), "order");
        assert_ne!(base, schema_hash(&[spec("recency", "weeks", FeatureValues::Number), b.clone()], &contract), "unit");
        assert_ne!(base, schema_hash(&[spec("recency", "days", FeatureValues::Category { vocabulary: vec!["other".into()] }), b.clone()], &contract), "type");
        assert_ne!(base, schema_hash(&[a.clone(), b.clone()], &[("churn.horizon".into(), "30d".into())]), "contract");
        assert_ne!(base, schema_hash(&[a, spec("order", "sorders", FeatureValues::Number)], &contract), "cut between texts");
    }
}
