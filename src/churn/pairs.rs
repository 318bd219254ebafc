//! Two categories together: the share of churners in each pair that occurs, beyond what each category says alone.
//!
//! A pair's expected share is the sum of both categories' effects; its own share is shrunk towards that (empirical Bayes, as for single
//! categories). Which pairs of features are worth a column is found by a test: whether the pairs' shares differ from the expected ones by
//! more than chance. Pairs that few customers have are kept in no table.

use super::encode::{INDICATORS_UP_TO, cross_fit, strength, table_position, target_statistics, vocabulary_size};
use crate::snapshot::FeatureMatrix;
use crate::snapshot::learned::RARE;
use bincode::{Decode, Encode};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// At most so many pairs of features get a column.
const MOST: usize = 8;
/// Standard errors by which the spread over pairs must exceed that of chance.
const CLEAR: f64 = 4.0;
/// The test looks at so many rows at most, and at so many features with categories.
const ROWS: usize = 50_000;
const FEATURES: usize = 30;

/// Statistics of the pairs of two features' categories.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct PairTable {
    /// The second feature.
    pub other: u32,
    /// Share of churners in all.
    base: f64,
    /// Statistic of each category of the first feature, and of missing.
    first: Vec<f64>,
    /// The same of the second feature.
    second: Vec<f64>,
    /// The pairs that are known, in ascending order: position in `first` times the length of `second` plus position there.
    keys: Vec<u64>,
    /// One per key.
    values: Vec<f64>,
}

impl PairTable {
    fn learn(matrix: &FeatureMatrix, labels: &[bool], pair: (usize, usize), rows: &[usize]) -> PairTable {
        let statistics = |feature: usize| target_statistics(matrix.column(feature), labels, rows, vocabulary_size(matrix, feature));
        let base = rows.iter().filter(|row| labels[**row]).count() as f64 / rows.len().max(1) as f64;
        let mut table = PairTable { other: pair.1 as u32, base, first: statistics(pair.0), second: statistics(pair.1), ..PairTable::default() };
        let (keys, counts, churners) = table.count(matrix, labels, pair, rows);
        let strength = strength(&counts, &churners, |group| table.expected(keys[group]), base);
        for ((key, count), churners) in keys.iter().zip(&counts).zip(&churners).filter(|((_, count), _)| **count >= RARE as f64) {
            table.keys.push(*key);
            table.values.push((churners + strength * table.expected(*key)) / (count + strength));
        }
        table
    }

    /// The pairs that occur, with their rows and their churners.
    fn count(&self, matrix: &FeatureMatrix, labels: &[bool], pair: (usize, usize), rows: &[usize]) -> (Vec<u64>, Vec<f64>, Vec<f64>) {
        let mut cells: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        for row in rows {
            let cell = cells.entry(self.key(matrix.value(*row, pair.0), matrix.value(*row, pair.1))).or_default();
            cell.0 += 1.0;
            cell.1 += f64::from(u8::from(labels[*row]));
        }
        (cells.keys().copied().collect(), cells.values().map(|cell| cell.0).collect(), cells.values().map(|cell| cell.1).collect())
    }

    fn key(&self, first: f64, second: f64) -> u64 {
        let position = |table: &[f64], value: f64| table_position(value, table.len() - 1) as u64;
        position(&self.first, first) * self.second.len() as u64 + position(&self.second, second)
    }

    /// What both categories say one by one, added up.
    fn expected(&self, key: u64) -> f64 {
        let width = self.second.len() as u64;
        (self.first[(key / width) as usize] + self.second[(key % width) as usize] - self.base).clamp(0.001, 0.999)
    }

    /// The statistic of two categories.
    pub fn value(&self, first: f64, second: f64) -> f64 {
        let key = self.key(first, second);
        self.keys.binary_search(&key).map_or_else(|_| self.expected(key), |place| self.values[place])
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, features: usize) -> Result<(), String> {
        if self.other as usize >= features {
            return Err(format!("a pair reads feature {} of {features}", self.other));
        }
        let short = self.first.len() < 2 || self.second.len() < 2 || self.keys.len() != self.values.len();
        let finite = [&self.first, &self.second, &self.values].iter().all(|values| values.iter().all(|value| value.is_finite())) && self.base.is_finite();
        if short || !finite || self.keys.windows(2).any(|keys| keys[0] >= keys[1]) {
            return Err("the table of pairs is cut short, out of order or not finite".into());
        }
        Ok(())
    }
}

/// Pairs of features whose categories say more together than one by one; one of the two has more categories than get indicators, for the
/// others the trees find it themselves.
pub fn telling(matrix: &FeatureMatrix, labels: &[bool]) -> Vec<(usize, usize)> {
    let present = |feature: usize| {
        let mut codes: Vec<usize> = matrix.column(feature).iter().map(|value| table_position(*value, vocabulary_size(matrix, feature))).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.len()
    };
    let features: Vec<(usize, usize)> = (0..matrix.columns())
        .filter(|feature| vocabulary_size(matrix, *feature) > 1)
        .map(|feature| (feature, present(feature)))
        .filter(|(_, present)| *present > 1)
        .take(FEATURES)
        .collect();
    let candidates: Vec<(usize, usize)> = (0..features.len())
        .flat_map(|a| (a + 1..features.len()).map(move |b| (a, b)))
        .filter(|(a, b)| features[*a].1.max(features[*b].1) > INDICATORS_UP_TO)
        .map(|(a, b)| (features[a].0, features[b].0))
        .collect();
    let step = matrix.rows.div_ceil(ROWS).max(1);
    let rows: Vec<usize> = (0..matrix.rows).step_by(step).collect();
    let mut clear: Vec<(f64, (usize, usize))> =
        candidates.into_par_iter().map(|pair| (clearness(matrix, labels, pair, &rows), pair)).filter(|(clearness, _)| *clearness > CLEAR).collect();
    clear.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    clear.truncate(MOST);
    clear.into_iter().map(|(_, pair)| pair).collect()
}

/// By how many standard errors the pairs' shares spread more around the expected ones than chance has it. Only pairs of several rows can tell.
fn clearness(matrix: &FeatureMatrix, labels: &[bool], pair: (usize, usize), rows: &[usize]) -> f64 {
    let table = PairTable::learn(matrix, labels, pair, rows);
    let (keys, counts, churners) = table.count(matrix, labels, pair, rows);
    let (mut sum, mut groups) = (0.0, 0.0);
    for ((key, count), churners) in keys.iter().zip(&counts).zip(&churners).filter(|((_, count), _)| **count >= RARE as f64) {
        let expected = table.expected(*key);
        sum += count * (churners / count - expected).powi(2) / (expected * (1.0 - expected));
        groups += 1.0;
    }
    if groups < 1.0 { 0.0 } else { (sum - groups) / f64::sqrt(2.0 * groups) }
}

/// The table of all rows (for rows to be scored), and for each training row the statistic of the other parts.
pub fn cross_fitted(matrix: &FeatureMatrix, labels: &[bool], pair: (usize, usize), parts: &[u8]) -> (PairTable, Vec<f64>) {
    let value = |table: &PairTable, row: usize| table.value(matrix.value(row, pair.0), matrix.value(row, pair.1));
    cross_fit(parts, |rows| PairTable::learn(matrix, labels, pair, rows), value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::encode::{Encoder, Encoding, cross_fit_parts};
    use crate::churn::fixtures::{category, matrix};
    use crate::churn::random::mix;

    /// 40 shops and 3 products; whether a customer leaves depends on the pair alone, or on the shop alone.
    fn table(together: bool) -> (FeatureMatrix, Vec<bool>) {
        let shop: Vec<f64> = (0..6_000).map(|row| (mix(1, row) % 40) as f64).collect();
        let product: Vec<f64> = (0..6_000).map(|row| (mix(2, row) % 3) as f64).collect();
        let labels = (0..6_000)
            .map(|row| {
                let group = if together { shop[row] as u64 * 3 + product[row] as u64 } else { shop[row] as u64 };
                (mix(3, row as u64) % 100) < if mix(4, group).is_multiple_of(2) { 15 } else { 55 }
            })
            .collect();
        (matrix(vec![category("shop", &shop, 41), category("product", &product, 4)]), labels)
    }

    #[test]
    fn a_pair_gets_a_column_where_it_says_more_than_its_parts_and_only_there() {
        let (matrix, labels) = table(true);
        let (encoder, encoded) = Encoder::learn(&matrix, &labels, 1);
        let column = encoder.columns.iter().position(|column| matches!(column.encoding, Encoding::Pair(_))).unwrap();
        assert!(crate::evaluate::classify::auc(encoded.column(column), &labels) > 0.68);
        assert_eq!(encoder.validate(2), Ok(()));
        assert!(encoder.validate(1).is_err());
        for row in [0, 17, 5_999] {
            assert_eq!(encoder.encode_row(&matrix, row)[column].to_bits(), encoder.encode(&matrix).column(column)[row].to_bits());
        }
        let (matrix, labels) = table(false);
        assert!(telling(&matrix, &labels).is_empty());
    }

    #[test]
    fn no_row_sees_its_own_label_and_a_rare_pair_is_what_its_parts_are() {
        let (matrix, labels) = table(true);
        let parts = cross_fit_parts(&labels, 1);
        let (_, own) = cross_fitted(&matrix, &labels, (0, 1), &parts);
        let mut flipped = labels.clone();
        flipped[7] = !flipped[7];
        let (table, other) = cross_fitted(&matrix, &flipped, (0, 1), &parts);
        assert_eq!(own[7].to_bits(), other[7].to_bits());
        assert_eq!(table.value(3.0, f64::NAN).to_bits(), table.expected(table.key(3.0, f64::NAN)).to_bits());
    }
}
