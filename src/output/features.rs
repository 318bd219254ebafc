//! The rows that a churn model was measured with, as a table: to look at features, or to try another model on the same rows.

use super::csv_text::CsvText;
use crate::churn::Examples;
use crate::error::Result;
use crate::snapshot::{FeatureMatrix, FeatureValues};

/// The rows of one window.
#[derive(Debug)]
pub struct FeatureRows {
    /// The window's cut-off; empty for a labelled table.
    pub cutoff: String,
    /// Index of each customer among the exports'.
    pub customers: Vec<u32>,
    /// Features and what became of them.
    pub examples: Examples,
    /// What the chosen model, refitted on the other windows, says of each; `None` for rows that it was fitted on.
    pub probabilities: Option<Vec<f64>>,
}

/// One row per customer and window: `role` is `test` where the model did not learn, `fit` elsewhere; a missing value is blank.
///
/// # Errors
/// 70 when a value is not finite.
pub fn features_csv(windows: &[FeatureRows], ids: &[impl AsRef<str>]) -> Result<Vec<u8>> {
    let specs = windows.first().map_or(&[][..], |window| &window.examples.matrix.specs);
    let rows: usize = windows.iter().map(|window| window.customers.len()).sum();
    let mut text = CsvText::with_capacity(rows, 40 + 6 * specs.len());
    for name in ["customer_id", "cutoff", "role", "left", "churn_probability"].into_iter().chain(specs.iter().map(|spec| spec.name.as_str())) {
        text.text(name);
    }
    text.end();
    for window in windows {
        for (row, customer) in window.customers.iter().enumerate() {
            let probability = window.probabilities.as_ref().map(|probabilities| probabilities[row]);
            text.id(ids[*customer as usize].as_ref()).id(&window.cutoff).id(if probability.is_some() { "test" } else { "fit" });
            text.count(Some(u64::from(window.examples.labels[row]))).fraction(probability, "churn_probability")?;
            put_features(&mut text, &window.examples.matrix, row)?;
            text.end();
        }
    }
    Ok(text.into_bytes())
}

fn put_features(text: &mut CsvText, matrix: &FeatureMatrix, row: usize) -> Result<()> {
    for (column, spec) in matrix.specs.iter().enumerate() {
        let value = Some(matrix.value(row, column)).filter(|value| !value.is_nan());
        match &spec.values {
            FeatureValues::Number => text.fraction(value, &spec.name)?,
            FeatureValues::Category { vocabulary } => text.text(value.map_or("", |code| &vocabulary[code as usize])),
        };
    }
    Ok(())
}
