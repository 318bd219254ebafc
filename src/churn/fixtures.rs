//! Small tables for the tests of this folder.

use crate::snapshot::{FeatureMatrix, FeatureSpec, FeatureValues};

fn spec(name: &str, values: FeatureValues) -> FeatureSpec {
    FeatureSpec { name: name.into(), unit: String::new(), meaning: name.into(), family: String::new(), kinds: Vec::new(), values }
}

/// A column of numbers.
pub fn number(name: &str, values: &[f64]) -> (FeatureSpec, Vec<f64>) {
    (spec(name, FeatureValues::Number), values.to_vec())
}

/// A column of codes of a vocabulary of `size`, the last of which is `other`.
pub fn category(name: &str, codes: &[f64], size: usize) -> (FeatureSpec, Vec<f64>) {
    let vocabulary = (0..size).map(|code| if code + 1 == size { "other".into() } else { format!("{code:04}") }).collect();
    (spec(name, FeatureValues::Category { vocabulary }), codes.to_vec())
}

/// The columns side by side.
pub fn matrix(columns: Vec<(FeatureSpec, Vec<f64>)>) -> FeatureMatrix {
    let rows = columns.first().map_or(0, |column| column.1.len());
    let (specs, data): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    FeatureMatrix { specs, rows, data: data.concat() }
}
