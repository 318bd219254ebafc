//! Features as trees read them: numbers as they are, small vocabularies as indicators, large ones as target statistics.
//!
//! A target statistic is the share of churners in a category, shrunk towards the base rate (Micci-Barreca 2001, the strength
//! estimated from the data). No training row sees its own label: its statistic comes from the rows of the other parts
//! (cross-fitting). A row to be scored gets the statistic of all training rows. Two categories that say more together than one by one
//! get a statistic of their pairs besides.

use super::pairs::{self, PairTable};
use super::random::stratified_parts;
use crate::snapshot::{FeatureMatrix, FeatureValues};
use bincode::{Decode, Encode};

/// Up to this many categories that occur get an indicator each.
pub(super) const INDICATORS_UP_TO: usize = 8;
/// Parts of the cross-fit.
const PARTS: u8 = 8;

/// Encoded values, column by column; `NaN` means missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EncodedMatrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of encoded columns.
    pub columns: usize,
    /// Column-major values.
    pub data: Vec<f64>,
}

impl EncodedMatrix {
    /// The encoded values of a row.
    pub fn row(&self, row: usize) -> Vec<f64> {
        (0..self.columns).map(|column| self.data[column * self.rows + row]).collect()
    }
    /// The values of an encoded column.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.data[column * self.rows..(column + 1) * self.rows]
    }
}

/// What one encoded column holds.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Encoding {
    /// The feature's number.
    Number,
    /// 1 where the feature has this code, 0 where another, missing where missing.
    Indicator {
        /// The code.
        code: u32,
    },
    /// A number per code, and last the one of a missing value.
    Table {
        /// One entry per code of the vocabulary and one for missing.
        values: Vec<f64>,
    },
    /// A number for each pair of categories of two features.
    Pair(PairTable),
}

/// One encoded column.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct EncodedColumn {
    /// The feature it comes from.
    pub feature: u32,
    /// What it holds.
    pub encoding: Encoding,
}

/// How features become the columns of the trees.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct Encoder {
    /// The encoded columns in order.
    pub columns: Vec<EncodedColumn>,
}

/// Number of categories of a feature, `other` included; 0 for a number.
pub fn vocabulary_size(matrix: &FeatureMatrix, feature: usize) -> usize {
    match &matrix.specs[feature].values {
        FeatureValues::Number => 0,
        FeatureValues::Category { vocabulary } => vocabulary.len().max(1),
    }
}

/// Position of a value in a table of `size` codes and one entry for missing. A code outside the vocabulary counts as `other`.
pub fn table_position(value: f64, size: usize) -> usize {
    if value.is_nan() {
        size
    } else if value >= 0.0 && value < size as f64 {
        value as usize
    } else {
        size.saturating_sub(1)
    }
}

impl Encoder {
    /// Learns the encoding and encodes the training rows, each by statistics that its own label had no part in.
    /// Features with a single value are left out.
    pub fn learn_single(matrix: &FeatureMatrix, labels: &[bool], seed: u64) -> (Encoder, EncodedMatrix) {
        let mut encoder = Encoder::default();
        let mut data = Vec::new();
        let parts = cross_fit_parts(labels, seed);
        for feature in 0..matrix.columns() {
            let values = matrix.column(feature);
            if is_constant(values) {
                continue;
            }
            let size = vocabulary_size(matrix, feature);
            let mut add = |encoding: Encoding, column: Option<Vec<f64>>| {
                data.extend(column.unwrap_or_else(|| values.iter().map(|value| encoding.value(*value)).collect()));
                encoder.columns.push(EncodedColumn { feature: feature as u32, encoding });
            };
            if size == 0 {
                add(Encoding::Number, None);
                continue;
            }
            let mut counts = vec![0usize; size + 1];
            for value in values {
                counts[table_position(*value, size)] += 1;
            }
            let present: Vec<usize> = (0..size).filter(|code| counts[*code] > 0).collect();
            if present.len() <= INDICATORS_UP_TO {
                // Of two categories one indicator says everything.
                let skip = usize::from(present.len() == 2);
                for code in &present[skip..] {
                    add(Encoding::Indicator { code: *code as u32 }, None);
                }
                continue;
            }
            let (table, own) = cross_fitted(values, labels, size, &parts);
            add(Encoding::Table { values: table }, Some(own));
            let shares = counts.iter().map(|count| *count as f64 / labels.len() as f64).collect();
            add(Encoding::Table { values: shares }, None);
        }
        let encoded = EncodedMatrix { rows: matrix.rows, columns: encoder.columns.len(), data };
        (encoder, encoded)
    }

    /// As [`Encoder::learn_single`], with a column for each pair of features that says more together than one by one.
    pub fn learn(matrix: &FeatureMatrix, labels: &[bool], seed: u64) -> (Encoder, EncodedMatrix) {
        let (mut encoder, mut encoded) = Encoder::learn_single(matrix, labels, seed);
        let parts = cross_fit_parts(labels, seed);
        for (first, second) in pairs::telling(matrix, labels) {
            let (table, own) = pairs::cross_fitted(matrix, labels, (first, second), &parts);
            encoded.data.extend(own);
            encoder.columns.push(EncodedColumn { feature: first as u32, encoding: Encoding::Pair(table) });
        }
        encoded.columns = encoder.columns.len();
        (encoder, encoded)
    }

    /// Encodes rows to be scored.
    pub fn encode(&self, matrix: &FeatureMatrix) -> EncodedMatrix {
        let mut data = Vec::with_capacity(self.columns.len() * matrix.rows);
        for column in &self.columns {
            let own = matrix.column(column.feature as usize);
            match &column.encoding {
                Encoding::Pair(table) => data.extend(own.iter().zip(matrix.column(table.other as usize)).map(|(own, other)| table.value(*own, *other))),
                encoding => data.extend(own.iter().map(|value| encoding.value(*value))),
            }
        }
        EncodedMatrix { rows: matrix.rows, columns: self.columns.len(), data }
    }

    /// The encoded values of one row.
    pub fn encode_row(&self, matrix: &FeatureMatrix, row: usize) -> Vec<f64> {
        let value = |feature: u32| matrix.value(row, feature as usize);
        self.columns
            .iter()
            .map(|column| match &column.encoding {
                Encoding::Pair(table) => table.value(value(column.feature), value(table.other)),
                encoding => encoding.value(value(column.feature)),
            })
            .collect()
    }

    /// The columns of these features' numbers, for constraints given by feature.
    pub fn monotone(&self, features: &[(usize, bool)]) -> Vec<(usize, bool)> {
        let column = |feature: usize| self.columns.iter().position(|column| column.feature as usize == feature && column.encoding == Encoding::Number);
        features.iter().filter_map(|(feature, rising)| Some((column(*feature)?, *rising))).collect()
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, features: usize) -> Result<(), String> {
        for (index, column) in self.columns.iter().enumerate() {
            if column.feature as usize >= features {
                return Err(format!("encoded column {index} reads feature {} of {features}", column.feature));
            }
            if let Encoding::Table { values } = &column.encoding
                && (values.len() < 2 || values.iter().any(|value| !value.is_finite()))
            {
                return Err(format!("the table of encoded column {index} is empty or not finite"));
            }
            if let Encoding::Pair(table) = &column.encoding {
                table.validate(features).map_err(|fault| format!("encoded column {index}: {fault}"))?;
            }
        }
        Ok(())
    }
}

impl Encoding {
    /// The encoded value of a feature's value; of a pair the second feature is taken for missing.
    pub fn value(&self, value: f64) -> f64 {
        match self {
            Encoding::Number => value.clamp(-f64::MAX, f64::MAX),
            Encoding::Indicator { code } if !value.is_nan() => f64::from(u8::from(value.total_cmp(&f64::from(*code)).is_eq())),
            Encoding::Indicator { .. } => f64::NAN,
            Encoding::Table { values } => values[table_position(value, values.len() - 1)],
            Encoding::Pair(table) => table.value(value, f64::NAN),
        }
    }
}

/// Parts for [`cross_fitted`].
pub fn cross_fit_parts(labels: &[bool], seed: u64) -> Vec<u8> {
    stratified_parts(labels, PARTS, seed)
}

/// Target statistics of all rows (for rows to be scored), and for each training row those of the other parts.
pub fn cross_fitted(values: &[f64], labels: &[bool], size: usize, parts: &[u8]) -> (Vec<f64>, Vec<f64>) {
    let learn = |rows: &[usize]| target_statistics(values, labels, rows, size);
    cross_fit(parts, learn, |statistics, row| statistics[table_position(values[row], size)])
}

/// What all rows teach, and each row's value by what the other parts teach.
pub(super) fn cross_fit<T>(parts: &[u8], learn: impl Fn(&[usize]) -> T, value: impl Fn(&T, usize) -> f64) -> (T, Vec<f64>) {
    let mut own = vec![0.0; parts.len()];
    for part in 0..PARTS {
        let (inside, others): (Vec<usize>, Vec<usize>) = (0..parts.len()).partition(|row| parts[*row] == part);
        let learnt = learn(&others);
        inside.into_iter().for_each(|row| own[row] = value(&learnt, row));
    }
    (learn(&(0..parts.len()).collect::<Vec<_>>()), own)
}

/// Whether all values are the same one, missing included.
pub fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|value| value.total_cmp(&values[0]).is_eq() || (value.is_nan() && values[0].is_nan()))
}

/// Share of churners per code and for missing, shrunk towards the base rate: `(churners + m base) / (rows + m)`. The strength
/// `m = base (1 - base) / variance between categories` is the empirical Bayes one (method of moments), between 5 and 500 rows.
pub fn target_statistics(values: &[f64], labels: &[bool], rows: &[usize], size: usize) -> Vec<f64> {
    let mut counts = vec![0.0f64; size + 1];
    let mut churners = vec![0.0f64; size + 1];
    for row in rows {
        let position = table_position(values[*row], size);
        counts[position] += 1.0;
        churners[position] += f64::from(u8::from(labels[*row]));
    }
    let total = rows.len().max(1) as f64;
    let base = churners.iter().sum::<f64>() / total;
    let strength = strength(&counts, &churners, |_| base, base);
    counts.iter().zip(&churners).map(|(n, c)| (c + strength * base) / (n + strength)).collect()
}

/// How many rows' worth the expected share of each group counts against its own: the empirical Bayes estimate (method of moments).
pub(super) fn strength(counts: &[f64], churners: &[f64], expected: impl Fn(usize) -> f64, base: f64) -> f64 {
    let total: f64 = counts.iter().sum();
    let within = base * (1.0 - base);
    // Sum over groups of n (rate - expected)^2 has the expectation (k - 1) within + between (N - sum n^2 / N).
    let groups = counts.iter().filter(|count| **count > 0.0).count() as f64;
    let cells = counts.iter().zip(churners).enumerate().filter(|(_, (n, _))| **n > 0.0);
    let spread: f64 = cells.map(|(group, (n, c))| n * (c / n - expected(group)).powi(2)).sum();
    let effective = total - counts.iter().map(|n| n * n).sum::<f64>() / total.max(1.0);
    let between = if effective > 0.0 { ((spread - (groups - 1.0) * within) / effective).max(0.0) } else { 0.0 };
    if between > 0.0 { (within / between).clamp(5.0, 500.0) } else { 500.0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::fixtures::{category, matrix, number};

    #[test]
    fn a_training_row_never_sees_its_own_label() {
        // 300 categories of two rows each with opposite labels: a leak would tell the rows of a pair apart.
        let codes: Vec<f64> = (0..600).map(|row| f64::from(row / 2)).collect();
        let labels: Vec<bool> = (0..600).map(|row| row % 2 == 0).collect();
        let table = matrix(vec![category("c", &codes, 301)]);
        let (_, first) = Encoder::learn(&table, &labels, 1);
        let mut flipped = labels.clone();
        flipped[0] = false;
        flipped[2] = true;
        for row in [0, 2] {
            let mut other = labels.clone();
            other[row] = !other[row];
            // The same parts: only the statistics of other rows may change.
            let parts = stratified_parts(&labels, PARTS, 1);
            let others: Vec<usize> = (0..600).filter(|r| parts[*r] != parts[row]).collect();
            let before = target_statistics(&codes, &labels, &others, 301)[table_position(codes[row], 301)];
            let after = target_statistics(&codes, &other, &others, 301)[table_position(codes[row], 301)];
            assert_eq!(before.to_bits(), after.to_bits());
            assert_eq!(first.column(0)[row].to_bits(), before.to_bits());
        }
    }

    #[test]
    fn noise_categories_are_pulled_to_the_base_rate_and_real_ones_are_not() {
        let codes: Vec<f64> = (0..2000).map(|row| f64::from(row % 20)).collect();
        let noise: Vec<bool> = (0..2000).map(|row| super::super::random::mix(3, row).is_multiple_of(4)).collect();
        let real: Vec<bool> = (0..2000).map(|row| row % 20 < 5).collect();
        let rows: Vec<usize> = (0..2000).collect();
        let spread = |table: &[f64]| table[..20].iter().fold(0.0f64, |a, b| a.max((b - 0.25).abs()));
        assert!(spread(&target_statistics(&codes, &noise, &rows, 20)) < 0.06);
        assert!(spread(&target_statistics(&codes, &real, &rows, 20)) > 0.6);
    }

    #[test]
    fn unseen_and_missing_categories_have_a_value() {
        let codes: Vec<f64> = (0..400).map(|row| f64::from(row % 20)).collect();
        let labels: Vec<bool> = (0..400).map(|row| row % 3 == 0).collect();
        let (encoder, _) = Encoder::learn(&matrix(vec![category("c", &codes, 25)]), &labels, 1);
        let scored = encoder.encode(&matrix(vec![category("c", &[3.0, 24.0, 99.0, -1.0, f64::NAN], 25)]));
        assert!(scored.data.iter().all(|value| value.is_finite()));
        assert_eq!(scored.column(0)[1].to_bits(), scored.column(0)[2].to_bits());
    }

    #[test]
    fn two_categories_need_one_column_and_constant_features_none() {
        let labels = vec![true, false, true, false];
        let table = matrix(vec![
            category("c", &[0.0, 1.0, 0.0, f64::NAN], 3),
            number("k", &[7.0; 4]),
            number("m", &[f64::NAN; 4]),
            number("x", &[1.0, 2.0, 3.0, f64::NAN]),
        ]);
        let (encoder, encoded) = Encoder::learn(&table, &labels, 1);
        assert_eq!(encoder.columns.iter().map(|column| column.feature).collect::<Vec<_>>(), vec![0, 3]);
        assert_eq!(encoded.column(0)[..3], [0.0, 1.0, 0.0]);
        assert!(encoded.column(0)[3].is_nan());
        assert_eq!(encoder.validate(4), Ok(()));
        assert!(encoder.validate(3).is_err());
    }
}
