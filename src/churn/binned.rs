//! Columns cut into bins, once for all learners of trees.
//!
//! In: encoded columns. Out: [`Binned`], at most 64 bins a column. Missing values have a bin of their own at the low end, so that a cut may set them apart.

use super::encode::EncodedMatrix;
use super::packs::{Pack, packs};
use rayon::prelude::*;

/// Bins of a column at most, the one for missing values included.
pub const BINS: usize = 64;

/// Columns cut into bins: bin 0 is missing, bin `b` holds values from `cuts[b - 2]` (inclusive) to `cuts[b - 1]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Binned {
    /// Number of rows.
    pub rows: usize,
    /// Ascending cuts of each column.
    pub cuts: Vec<Vec<f64>>,
    /// Bins, column by column.
    pub bins: Vec<u8>,
    /// Columns of few bins, several in one.
    pub(super) packs: Vec<Pack>,
}

impl Binned {
    /// Cuts each column at quantiles, or between all values where there are few.
    pub fn new(matrix: &EncodedMatrix) -> Binned {
        let cuts: Vec<Vec<f64>> = (0..matrix.columns).into_par_iter().map(|column| cuts(matrix.column(column))).collect();
        let mut binned = Binned { rows: matrix.rows, cuts, ..Binned::default() };
        binned.bins = binned.bin(matrix);
        binned.packs = packs(&binned);
        binned
    }

    /// Bins of other rows by the same cuts.
    pub fn bin(&self, matrix: &EncodedMatrix) -> Vec<u8> {
        let mut bins = vec![0; matrix.data.len()];
        bins.par_chunks_mut(matrix.rows.max(1)).zip(&self.cuts).enumerate().for_each(|(column, (bins, cuts))| {
            for (bin, value) in bins.iter_mut().zip(matrix.column(column)).filter(|(_, value)| !value.is_nan()) {
                *bin = 1 + cuts.partition_point(|cut| cut <= value) as u8;
            }
        });
        bins
    }

    /// The value from which a row is in `bin` or a later one; everything that is not missing for bin 1.
    pub fn threshold(&self, column: usize, bin: u8) -> f64 {
        if bin <= 1 { f64::NEG_INFINITY } else { self.cuts[column][usize::from(bin) - 2] }
    }

    /// Number of bins of a column, the one for missing values included.
    pub fn width(&self, column: usize) -> usize {
        self.cuts[column].len() + 2
    }

    /// The bins of a column.
    pub fn column(&self, column: usize) -> &[u8] {
        &self.bins[column * self.rows..(column + 1) * self.rows]
    }
}

/// Numbers in ascending order: compared as whole numbers of the same order, which takes half the time.
pub(super) fn ascending(values: impl Iterator<Item = f64>) -> Vec<f64> {
    // As `f64::total_cmp` does; undone by itself.
    let turned = |bits: i64| bits ^ (((bits >> 63) as u64) >> 1) as i64;
    let mut keys: Vec<i64> = values.map(|value| turned(value.to_bits().cast_signed())).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| f64::from_bits(turned(key).cast_unsigned())).collect()
}

/// Where a column is cut: half-way between neighbours at quantiles.
fn cuts(values: &[f64]) -> Vec<f64> {
    let sorted = ascending(values.iter().copied().filter(|value| !value.is_nan()));
    let most = BINS - 2;
    let mut cuts: Vec<f64> = Vec::new();
    let between = |a: f64, b: f64| {
        let middle = a / 2.0 + b / 2.0;
        // Neighbouring numbers have nothing between them; a cut belongs to the upper side.
        if middle > a { middle } else { b }
    };
    let mut distinct = sorted.clone();
    distinct.dedup_by(|a, b| a.total_cmp(b).is_eq());
    if distinct.len() <= most + 1 {
        cuts.extend(distinct.windows(2).map(|pair| between(pair[0], pair[1])));
    } else {
        for cut in 1..=most {
            let value = sorted[cut * sorted.len() / (most + 1)];
            let place = distinct.partition_point(|other| *other < value);
            if place > 0 {
                cuts.push(between(distinct[place - 1], distinct[place]));
            }
        }
    }
    cuts.dedup_by(|a, b| a.total_cmp(b).is_eq());
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_in_total_order() {
        let values = [3.0, -1.5, 0.0, f64::MAX, -0.0, 1e-310, f64::NEG_INFINITY, -1.5, f64::INFINITY];
        let mut expected = values;
        expected.sort_by(f64::total_cmp);
        assert_eq!(ascending(values.into_iter()).iter().map(|value| value.to_bits()).collect::<Vec<_>>(), expected.map(f64::to_bits));
    }

    #[test]
    fn cuts_tell_neighbouring_and_huge_values_apart() {
        let values = [1.0, 1.0f64.next_up(), 1e300, f64::MAX, -f64::MAX, f64::NAN];
        let matrix = EncodedMatrix { rows: 6, columns: 1, data: values.to_vec() };
        let binned = Binned::new(&matrix);
        assert_eq!(binned.bins, vec![2, 3, 4, 5, 1, 0]);
        assert!(binned.cuts[0].iter().all(|cut| cut.is_finite()));
    }
}
