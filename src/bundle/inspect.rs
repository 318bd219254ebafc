//! What is in a bundle, for people and for programs.

use super::Bundle;
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

/// The names of the features of each family, families in byte order.
fn families(bundle: &Bundle) -> BTreeMap<&str, Vec<&str>> {
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for spec in &bundle.features.specs {
        families.entry(spec.family.as_str()).or_default().push(&spec.name);
    }
    families
}

/// Name of each part that may be missing, and whether it is there.
fn parts(bundle: &Bundle) -> [(&'static str, bool); 4] {
    [("churn", bundle.churn.is_some()), ("recommend", bundle.recommend.is_some()), ("segments", bundle.segments.is_some()), ("habits", bundle.habits.is_some())]
}

/// What is in a bundle, as JSON.
pub fn inspect(bundle: &Bundle, facts: &FileFacts) -> Value {
    let meta = &bundle.meta;
    let models = json!({
        "churn": bundle.churn.as_ref().map(|part| json!({ "name": part.name, "base_rate": part.base_rate })),
        "recommend": bundle.recommend.as_ref().map(|part| json!({ "name": part.name })),
        "segments": bundle.segments.is_some(),
        "habits": bundle.habits.is_some(),
    });
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
        "models": models,
        "missing": meta.missing,
        "measured": meta.measured,
        "counts": meta.counts,
        "features": families(bundle),
        "contract": meta.contract.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect::<serde_json::Map<_, _>>(),
        "inputs": meta.inputs.iter().map(|(name, hash)| json!({ "name": name, "blake3": hash })).collect::<Vec<_>>(),
    })
}

/// What is in a bundle, to read on a terminal.
pub fn inspect_text(bundle: &Bundle, facts: &FileFacts) -> String {
    let meta = &bundle.meta;
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
    if let Some(churn) = &bundle.churn {
        line("churn", format!("{}, base rate {:.1} %", churn.name, 100.0 * churn.base_rate));
    }
    if let Some(recommend) = &bundle.recommend {
        line("recommend", recommend.name.clone());
    }
    for (part, _) in parts(bundle).into_iter().filter(|(_, there)| !there) {
        line(part, format!("none: {}", meta.missing.get(part).map_or("no reason given", String::as_str)));
    }
    for (name, count) in &meta.counts {
        line(name, count.to_string());
    }
    line("features", bundle.features.specs.len().to_string());
    for (family, names) in families(bundle) {
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
