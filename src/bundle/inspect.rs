//! What is in a bundle, for people and for programs.

use super::{Bundle, Meta};
use crate::decide::effects::{Effect, Effects};
use crate::decide::pooling::Difference;
use crate::journey::Journey;
use crate::snapshot::FeatureSpec;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// What a bundle file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Version of the format, `major.minor`.
    pub format: String,
    /// BLAKE3 of its content in hex: the bundle's id in run.json and in decision ids.
    pub content_hash: String,
    /// BLAKE3 of what its features and labels mean, in hex.
    pub schema_hash: String,
    /// Name and length of each section, in file order.
    pub sections: Vec<(&'static str, u64)>,
}

/// The parts of a bundle as far as they are told.
struct Inside<'a> {
    meta: &'a Meta,
    specs: &'a [FeatureSpec],
    /// Name and base rate.
    churn: Option<(&'a str, f64)>,
    /// Name.
    recommend: Option<&'a str>,
    /// Offers that were sent, and what is known of each.
    effects: Option<&'a BTreeMap<String, Effect>>,
    segments: bool,
    habits: bool,
    journey: Option<&'a Journey>,
}

impl Bundle {
    fn inside(&self) -> Inside<'_> {
        Inside {
            meta: &self.meta,
            specs: &self.features.specs,
            churn: self.churn.as_ref().map(|part| (part.name.as_str(), part.base_rate)),
            recommend: self.recommend.as_ref().map(|part| part.name.as_str()),
            effects: self.effects.as_ref().map(Effects::by_name),
            segments: self.segments.is_some(),
            habits: self.habits.is_some(),
            journey: self.journey.as_ref(),
        }
    }
}

impl<'a> Inside<'a> {
    /// The names of the features of each family, families in byte order.
    fn families(&self) -> BTreeMap<&'a str, Vec<&'a str>> {
        let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for spec in self.specs {
            families.entry(spec.family.as_str()).or_default().push(&spec.name);
        }
        families
    }

    /// The parts that are not there, by their names in META.
    fn missing(&self) -> impl Iterator<Item = &'static str> {
        let parts = [
            ("churn", self.churn.is_some()),
            ("recommend", self.recommend.is_some()),
            ("effects", self.effects.is_some()),
            ("segments", self.segments),
            ("habits", self.habits),
            ("journey", self.journey.is_some()),
        ];
        parts.into_iter().filter(|(_, there)| !there).map(|(name, _)| name)
    }

    fn json(&self, facts: &FileFacts) -> Value {
        let meta = self.meta;
        json!({
            "file": facts.file.to_string_lossy(),
            "bytes": facts.bytes,
            "format": facts.format,
            "content_hash": facts.content_hash,
            "schema_hash": facts.schema_hash,
            "sections": facts.sections.iter().map(|(name, bytes)| json!({ "name": name, "bytes": bytes })).collect::<Vec<_>>(),
            "project": meta.project,
            "version": meta.version,
            "trained_until": meta.trained_until,
            "seed": meta.seed,
            "models": {
                "churn": self.churn.map(|(name, base_rate)| json!({ "name": name, "base_rate": base_rate })),
                "recommend": self.recommend.map(|name| json!({ "name": name })),
                "effects": self.effects.map(effects_json),
                "segments": self.segments,
                "habits": self.habits,
                "journey": self.journey,
            },
            "missing": meta.missing,
            "measured": meta.measured,
            "counts": meta.counts,
            "features": self.families(),
            "contract": meta.contract.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect::<serde_json::Map<_, _>>(),
            "inputs": meta.inputs.iter().map(|(name, hash)| json!({ "name": name, "blake3": hash })).collect::<Vec<_>>(),
        })
    }

    fn text(&self, facts: &FileFacts) -> String {
        let meta = self.meta;
        let mut text = String::new();
        let mut line = |label: &str, value: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{label:<16}{value}");
        };
        line("bundle", format!("{} ({}, format {})", facts.file.display(), size(facts.bytes), facts.format));
        line("content", facts.content_hash.clone());
        line("project", meta.project.clone());
        line("trained until", if meta.trained_until.is_empty() { "(data without dates)".into() } else { meta.trained_until.clone() });
        line("written by", format!("holdfast {}, seed {}", meta.version, meta.seed));
        if let Some((name, base_rate)) = self.churn {
            line("churn", format!("{name}, base rate {:.1} %", 100.0 * base_rate));
        }
        if let Some(name) = self.recommend {
            line("recommend", name.to_string());
        }
        for (name, effect) in self.effects.into_iter().flatten() {
            line("offer", format!("{name}: {}", effect.in_words()));
        }
        for touchpoint in self.journey.iter().flat_map(|journey| &journey.touchpoints) {
            line("touchpoint", touchpoint.in_words());
        }
        for part in self.missing() {
            line(part, format!("none: {}", meta.missing.get(part).map_or("no reason given", String::as_str)));
        }
        for (name, count) in &meta.counts {
            line(name, count.to_string());
        }
        line("features", self.specs.len().to_string());
        for (family, names) in self.families() {
            line("", format!("{family}: {}", names.join(", ")));
        }
        if !meta.measured.is_null() {
            line("measured", String::new());
            for (name, value) in leaves(&meta.measured, "") {
                line("", format!("{name} = {value}"));
            }
        }
        line("contract", String::new());
        for (key, value) in &meta.contract {
            line("", format!("{key} = {value}"));
        }
        line("sections", String::new());
        for (name, bytes) in &facts.sections {
            line("", format!("{name:<10}{}", size(*bytes)));
        }
        text
    }
}

/// What past offers did, as JSON.
pub fn effects_json(effects: &BTreeMap<String, Effect>) -> Value {
    Value::Object(effects.iter().map(|(name, effect)| (name.clone(), effect_json(effect))).collect())
}

/// What is known of an offer: shares, changes beside the controls with their 95 % intervals.
fn effect_json(effect: &Effect) -> Value {
    let change = |difference: Option<Difference>| difference.map(|own| json!({ "mean": own.mean, "interval": own.interval() }));
    json!({ "treated": effect.treated, "accept": effect.accept, "response": change(effect.response), "amount": change(effect.amount), "churn": change(effect.churn) })
}

/// What is in a bundle, as JSON.
pub fn inspect(bundle: &Bundle, facts: &FileFacts) -> Value {
    bundle.inside().json(facts)
}

/// What is in a bundle, to read on a terminal.
pub fn inspect_text(bundle: &Bundle, facts: &FileFacts) -> String {
    bundle.inside().text(facts)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=9_999_999 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// The values of a JSON tree with the path to each.
fn leaves(value: &Value, path: &str) -> Vec<(String, String)> {
    let join = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| leaves(value, &join(key))).collect(),
        Value::Array(values) => values.iter().enumerate().flat_map(|(index, value)| leaves(value, &join(&index.to_string()))).collect(),
        Value::String(text) => vec![(path.to_string(), text.clone())],
        other => vec![(path.to_string(), other.to_string())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::FeatureValues;

    fn shown() -> (Value, String) {
        let spec = |name: &str, family: &str| FeatureSpec {
            name: name.into(),
            unit: "days".into(),
            meaning: String::new(),
            family: family.into(),
            kinds: Vec::new(),
            values: FeatureValues::Number,
        };
        let meta = Meta {
            project: "shop".into(),
            version: "0.1.0".into(),
            trained_until: "2011-09-10".into(),
            seed: 7,
            contract: vec![("churn.horizon".into(), "90d".into())],
            inputs: vec![("orders.csv".into(), "ab".into())],
            counts: [("customers".to_string(), 4_312)].into(),
            measured: json!({ "churn": { "auc": 0.781 }, "windows": ["2011-06-12"] }),
            missing: [("recommend".to_string(), "no source has items".to_string())].into(),
        };
        let specs = [spec("days_since_last", "recency"), spec("usual_gap", "rhythm"), spec("tenure", "recency")];
        let facts = FileFacts {
            file: "models/shop.hfb".into(),
            bytes: 20_480,
            format: "1.0".into(),
            content_hash: "3f".into(),
            schema_hash: "77".into(),
            sections: vec![("META", 900), ("FEATURES", 19_000_000)],
        };
        let difference = |mean, error| Some(Difference { mean, error });
        let effects = BTreeMap::from([
            ("F10".to_string(), Effect { accept: 0.2, response: difference(0.05, 0.01), amount: None, churn: difference(-0.01, 0.01), treated: 900 }),
            ("GIFT".to_string(), Effect { accept: 0.1, response: None, amount: None, churn: None, treated: 40 }),
        ]);
        let churn = Some(("boosted", 0.43));
        let inside = Inside { meta: &meta, specs: &specs, churn, recommend: None, effects: Some(&effects), segments: true, habits: false, journey: None };
        (inside.json(&facts), inside.text(&facts))
    }

    #[test]
    fn a_program_finds_models_numbers_features_and_sizes() {
        let (json, _) = shown();
        assert_eq!(json["models"]["churn"]["name"], "boosted");
        assert!(json["models"]["recommend"].is_null());
        assert_eq!(json["missing"]["recommend"], "no source has items");
        assert_eq!(json["models"]["effects"]["F10"]["response"]["mean"], 0.05);
        assert!(json["models"]["effects"]["GIFT"]["response"].is_null());
        assert_eq!(json["measured"]["churn"]["auc"], 0.781);
        assert_eq!(json["features"]["recency"], json!(["days_since_last", "tenure"]));
        assert_eq!(json["sections"][1]["bytes"], 19_000_000);
        assert_eq!(json["contract"]["churn.horizon"], "90d");
    }

    #[test]
    fn a_person_reads_what_is_there_and_why_something_is_not() {
        let (_, text) = shown();
        for line in [
            "bundle          models/shop.hfb (20.0 KiB, format 1.0)",
            "churn           boosted, base rate 43.0 %",
            "recommend       none: no source has items",
            "habits          none: no reason given",
            "offer           F10: sent 900 times, 20.0 % responded, +5.0 points beside the controls (+3.0 to +7.0)",
            "offer           GIFT: sent 40 times, 10.0 % responded; no controls, so what it changed is not known",
            "                recency: days_since_last, tenure",
            "                churn.auc = 0.781",
            "                windows.0 = 2011-06-12",
            "                churn.horizon = 90d",
            "                FEATURES  18.1 MiB",
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
    }
}
