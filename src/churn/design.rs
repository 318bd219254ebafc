//! Features as a linear model reads them: a straight line and a curve for each number, an indicator for each category.
//!
//! A curve is a piecewise linear spline (hat functions at quantiles, constant beyond the outer knots): it bends where the data
//! is dense and no huge value can carry it away. Ridge shrinks the bends towards the line. A missing number gets the median,
//! and an indicator of its own.

use super::binned::ascending;
use super::calibrate::logit;
use super::encode::{cross_fit_parts, cross_fitted, is_constant, table_position, vocabulary_size};
use crate::snapshot::FeatureMatrix;
use bincode::{Decode, Encode};

/// Numbers with at most this many different values get a knot at each.
const DISTINCT_KNOTS: usize = 10;
/// Vocabularies with more frequent categories than this enter as a target statistic only.
const INDICATORS_UP_TO: usize = 40;
/// Categories with fewer rows than this have no indicator of their own.
const CATEGORY_ROWS: usize = 10;

/// One column of the design as a function of a feature's value.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Basis {
    /// `(value - mean) / scale`, the value kept within the knots; `fill` where missing.
    Line {
        /// Mean over the training rows.
        mean: f64,
        /// Standard deviation.
        scale: f64,
        /// Least value that counts.
        low: f64,
        /// Greatest value that counts.
        high: f64,
        /// Median.
        fill: f64,
    },
    /// 1 at `centre`, falling to 0 at its neighbours; constant on a side without a neighbour. 0 where missing.
    Hat {
        /// The knot before; equal to the centre where there is none.
        left: f64,
        /// The knot.
        centre: f64,
        /// The knot after; equal to the centre where there is none.
        right: f64,
    },
    /// 1 where the code is this one.
    Code {
        /// The code.
        code: u32,
    },
    /// 1 where the value is missing.
    Missing,
    /// A number per code, and last that of a missing value.
    Table {
        /// One entry per code and one for missing.
        values: Vec<f64>,
    },
}

impl Basis {
    /// The value of the column.
    pub fn value(&self, value: f64) -> f64 {
        match self {
            Basis::Line { mean, scale, low, high, fill } => ((if value.is_nan() { *fill } else { value.clamp(*low, *high) }) - mean) / scale,
            Basis::Hat { .. } if value.is_nan() => 0.0,
            Basis::Hat { left, centre, right } => {
                if value <= *left && left < centre || value >= *right && right > centre {
                    0.0
                } else if value < *centre && left < centre {
                    (value - left) / (centre - left)
                } else if value > *centre && right > centre {
                    (right - value) / (right - centre)
                } else {
                    1.0
                }
            }
            Basis::Code { code } => f64::from(u8::from(value.total_cmp(&f64::from(*code)).is_eq())),
            Basis::Missing => f64::from(u8::from(value.is_nan())),
            Basis::Table { values } => values[table_position(value, values.len() - 1)],
        }
    }

    /// Whether numbers read from a file make sense.
    pub fn is_sound(&self) -> bool {
        match self {
            Basis::Line { mean, scale, low, high, fill } => {
                mean.is_finite() && scale.is_finite() && *scale > 0.0 && low.is_finite() && high.is_finite() && low <= high && fill.is_finite()
            }
            Basis::Hat { left, centre, right } => left.is_finite() && centre.is_finite() && right.is_finite() && left <= centre && centre <= right,
            Basis::Code { .. } | Basis::Missing => true,
            Basis::Table { values } => values.len() >= 2 && values.iter().all(|value| value.is_finite()),
        }
    }
}

/// A design: its columns with the feature each reads, and their values for the training rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Design {
    /// Feature and basis of each column.
    pub columns: Vec<(u32, Basis)>,
    /// Values of the training rows, column by column.
    pub data: Vec<f64>,
}

/// Builds the design; `knots` hat functions per number (0: lines only).
pub fn design(matrix: &FeatureMatrix, labels: &[bool], knots: usize, seed: u64) -> Design {
    let mut design = Design::default();
    let parts = cross_fit_parts(labels, seed);
    for feature in 0..matrix.columns() {
        let values = matrix.column(feature);
        if values.is_empty() || is_constant(values) {
            continue;
        }
        let mut add = |basis: Basis, own: Option<Vec<f64>>| {
            let column = own.unwrap_or_else(|| values.iter().map(|value| basis.value(*value)).collect());
            if !is_constant(&column) {
                design.data.extend(column);
                design.columns.push((feature as u32, basis));
            }
        };
        let size = vocabulary_size(matrix, feature);
        if size > 0 {
            let mut counts = vec![0usize; size + 1];
            for value in values {
                counts[table_position(*value, size)] += 1;
            }
            let frequent: Vec<usize> = (0..size).filter(|code| counts[*code] >= CATEGORY_ROWS).collect();
            if frequent.len() <= INDICATORS_UP_TO {
                for code in frequent {
                    add(Basis::Code { code: code as u32 }, None);
                }
            }
            if counts.iter().filter(|count| **count > 0).count() > INDICATORS_UP_TO {
                let (table, own) = cross_fitted(values, labels, size, &parts);
                let log_odds = |share: f64| {
                    let share = share.clamp(1e-4, 1.0 - 1e-4);
                    logit(share)
                };
                add(Basis::Table { values: table.into_iter().map(log_odds).collect() }, Some(own.into_iter().map(log_odds).collect()));
            }
            add(Basis::Missing, None);
            continue;
        }
        let present = ascending(values.iter().copied().filter(|value| !value.is_nan()).map(|value| value.clamp(-1e150, 1e150)));
        add(Basis::Missing, None);
        if let Some(line) = line(&present) {
            add(line, None);
        }
        let places = knot_places(&present, knots);
        if places.len() > 2 {
            for (index, centre) in places.iter().enumerate() {
                let left = places[index.saturating_sub(1)];
                let right = places[(index + 1).min(places.len() - 1)];
                add(Basis::Hat { left, centre: *centre, right }, None);
            }
        }
    }
    design
}

/// The standardised line through sorted values, one in 500 cut off at each end; `None` for a single value.
fn line(sorted: &[f64]) -> Option<Basis> {
    let cut = sorted.len() / 500;
    let (low, high) = (*sorted.get(cut)?, *sorted.get(sorted.len() - 1 - cut)?);
    let count = sorted.len() as f64;
    let mean = sorted.iter().map(|value| value.clamp(low, high)).sum::<f64>() / count;
    let variance = sorted.iter().map(|value| (value.clamp(low, high) - mean).powi(2)).sum::<f64>() / count;
    let scale = variance.sqrt();
    (scale > 0.0).then(|| Basis::Line { mean, scale, low, high, fill: sorted[sorted.len() / 2] })
}

/// Where the curve may bend: every value if there are few, else quantiles.
fn knot_places(sorted: &[f64], knots: usize) -> Vec<f64> {
    if knots == 0 || sorted.is_empty() {
        return Vec::new();
    }
    let mut distinct = sorted.to_vec();
    distinct.dedup_by(|a, b| a.total_cmp(b).is_eq());
    if distinct.len() <= DISTINCT_KNOTS.min(knots + 2) {
        return distinct;
    }
    let mut places: Vec<f64> = (0..=knots).map(|knot| sorted[(knot * (sorted.len() - 1)) / knots]).collect();
    places.dedup_by(|a, b| a.total_cmp(b).is_eq());
    places
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::fixtures::{category, matrix, number};

    #[test]
    fn hats_sum_to_one_and_are_flat_outside() {
        let values: Vec<f64> = (0..200).map(f64::from).collect();
        let labels: Vec<bool> = (0..200).map(|row| row % 3 == 0).collect();
        let design = design(&matrix(vec![number("x", &values)]), &labels, 6, 1);
        for value in [-1e300, -5.0, 0.0, 17.3, 100.0, 199.0, 1e300] {
            let total: f64 = design.columns.iter().filter(|(_, basis)| matches!(basis, Basis::Hat { .. })).map(|(_, basis)| basis.value(value)).sum();
            assert!((total - 1.0).abs() < 1e-12, "{value}: {total}");
        }
        assert!(design.columns.iter().all(|(_, basis)| basis.is_sound()));
        assert!(design.columns.iter().all(|(_, basis)| basis.value(1e300).abs() < 10.0));
    }

    #[test]
    fn missing_numbers_get_the_median_and_a_column_of_their_own() {
        let design = design(&matrix(vec![number("x", &[1.0, 2.0, 9.0, f64::NAN]), number("gone", &[f64::NAN; 4])]), &[true, false, true, false], 0, 1);
        assert_eq!(design.columns.len(), 2);
        assert_eq!(design.data[..4], [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(design.data[7].to_bits(), design.data[5].to_bits());
    }

    #[test]
    fn rare_categories_have_no_indicator_and_many_categories_share_one_column() {
        let labels: Vec<bool> = (0..600).map(|row| row % 3 == 0).collect();
        let few: Vec<f64> = (0..600).map(|row| if row < 9 { 0.0 } else { f64::from(1 + row % 2) }).collect();
        let many: Vec<f64> = (0..600).map(|row| f64::from(row % 50)).collect();
        let design = design(&matrix(vec![category("few", &few, 4), category("many", &many, 51)]), &labels, 4, 1);
        assert_eq!(design.columns.iter().filter(|(feature, _)| *feature == 0).count(), 2);
        assert!(matches!(design.columns[2], (1, Basis::Table { .. })) && design.columns.len() == 3);
        assert!(design.columns[2].1.value(999.0).is_finite() && design.columns[2].1.value(f64::NAN).is_finite());
    }
}
