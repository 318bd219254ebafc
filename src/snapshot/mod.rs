//! All customers at one cut-off: the feature matrix, and the labels once the horizon has passed.

pub mod chinese;
pub mod facts;
pub mod features;
pub mod label;
pub mod learned;
pub mod status;
#[cfg(test)]
mod tests;

use crate::config::Language;
use bincode::{Decode, Encode};

/// What a feature is: enough to compute it again, to explain it, and to refuse a bundle that means something else by the name.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct FeatureSpec {
    /// Unique name, stable across releases.
    pub name: String,
    /// Unit of its values: `days`, `orders`, `GBP`, `share`, …
    pub unit: String,
    /// What it says, in one sentence.
    pub meaning: String,
    /// The family it belongs to: reasons are grouped by it.
    pub family: String,
    /// The kinds of event it reads; empty for profiles.
    pub kinds: Vec<String>,
    /// How its values are to be read.
    pub values: FeatureValues,
}

impl FeatureSpec {
    /// What it says, in a language.
    pub fn meaning_in(&self, language: Language) -> String {
        match language {
            Language::En => self.meaning.clone(),
            Language::Zh => chinese::meaning(self),
        }
    }

    /// The same in short, of the values as they are [told](FeatureSpec::told): a column of the profile goes by the name that the export has for it.
    pub fn called_in(&self, language: Language) -> String {
        let meaning = match (self.name.as_str(), language) {
            ("channel_entropy", Language::En) => "channels in use, as if all alike (1 is one alone)".into(),
            ("channel_entropy", Language::Zh) => "使用的渠道数（按均匀使用折算，1 为只用一个）".into(),
            ("weekday_entropy", Language::En) => "weekdays that the orders spread over, as if evenly (1 is one day alone)".into(),
            ("weekday_entropy", Language::Zh) => "订单分布的星期天数（按均匀分布折算，1 为只在一天）".into(),
            ("orders_fading", Language::En) => "orders that are recent, newer ones counting more".into(),
            ("orders_fading", Language::Zh) => "近期订单占比（越近权重越大）".into(),
            _ => self.meaning_in(language),
        };
        meaning.strip_suffix(" of the profile").map_or(meaning.clone(), str::to_owned)
    }

    /// What was counted, where newer events count more than older ones: such a sum has no unit that a person could check, and says only whether there
    /// was more of late than with others.
    pub fn lately(&self, language: Language) -> Option<String> {
        if !self.name.contains("_decayed_") {
            return None;
        }
        let meaning = self.meaning_in(language);
        Some(match language {
            Language::En => {
                let what = meaning.split(',').next().unwrap_or_default();
                format!("{} lately, newer ones counting more", what.strip_suffix(" so far").unwrap_or(what))
            }
            Language::Zh => {
                let what = meaning.split('（').next().unwrap_or_default();
                format!("近期{}（越近权重越大）", what.strip_prefix("累计").unwrap_or(what))
            }
        })
    }

    /// A value as a person is told it: an entropy as how many channels or days, all used alike, have as much (Hill 1973).
    pub fn told(&self, value: f64) -> f64 {
        if self.unit == "nats" { value.exp() } else { value }
    }
}

/// The name of a feature as the exports have it: a column of the profiles without the prefix that keeps it apart from other features.
pub fn exported(name: &str) -> &str {
    name.strip_prefix("profile_").unwrap_or(name)
}

/// Whether a config that says `wanted` means this feature (or family of features).
pub fn is_called(name: &str, wanted: &str) -> bool {
    name == wanted || exported(name) == wanted
}

/// How the values of a feature are to be read.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum FeatureValues {
    /// A number; `NaN` means missing.
    Number,
    /// A code into the vocabulary; `NaN` means missing. The last entry of the vocabulary is always `other`: every category that training
    /// saw for fewer than 10 customers, or never.
    Category {
        /// The categories, in byte order, then `other`.
        vocabulary: Vec<String>,
    },
}

/// Features of many customers, column by column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeatureMatrix {
    /// What each column is.
    pub specs: Vec<FeatureSpec>,
    /// Number of rows.
    pub rows: usize,
    /// Column-major values: column `j` is `data[j * rows..(j + 1) * rows]`. Never infinite; `NaN` means missing.
    pub data: Vec<f64>,
}

impl FeatureMatrix {
    /// A matrix from rows that are all as long as `specs`.
    pub fn from_rows<'a>(specs: Vec<FeatureSpec>, rows: impl ExactSizeIterator<Item = &'a [f64]>) -> FeatureMatrix {
        let rows: Vec<&[f64]> = rows.collect();
        FeatureMatrix::from_blocks(specs, &rows, rows.len())
    }
    /// A matrix from blocks of whole rows, one row behind the other; `rows` in all.
    pub fn from_blocks(specs: Vec<FeatureSpec>, blocks: &[&[f64]], rows: usize) -> FeatureMatrix {
        let mut data = Vec::with_capacity(specs.len() * rows);
        for column in 0..specs.len() {
            data.extend(blocks.iter().flat_map(|block| block.iter().skip(column).step_by(specs.len())));
        }
        FeatureMatrix { specs, rows, data }
    }
    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.specs.len()
    }
    /// The values of a column.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.data[column * self.rows..(column + 1) * self.rows]
    }
    /// One value.
    pub fn value(&self, row: usize, column: usize) -> f64 {
        self.data[column * self.rows + row]
    }
    /// The rows named, in that order.
    pub fn select(&self, rows: &[usize]) -> FeatureMatrix {
        let mut data = Vec::with_capacity(rows.len() * self.columns());
        for column in 0..self.columns() {
            let values = self.column(column);
            data.extend(rows.iter().map(|row| values[*row]));
        }
        FeatureMatrix { specs: self.specs.clone(), rows: rows.len(), data }
    }
    /// The matrices one below the other; all must have the same columns.
    pub fn stack(parts: &[&FeatureMatrix]) -> FeatureMatrix {
        let specs = parts.first().map(|part| part.specs.clone()).unwrap_or_default();
        let rows = parts.iter().map(|part| part.rows).sum();
        let mut data = Vec::with_capacity(rows * specs.len());
        for column in 0..specs.len() {
            for part in parts {
                data.extend_from_slice(part.column(column));
            }
        }
        FeatureMatrix { specs, rows, data }
    }
}
