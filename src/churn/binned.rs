//! Columns cut into bins, once for all learners of trees.
//!
//! In: encoded columns. Out: [`Binned`], at most 64 bins a column, or one for each of up to 254 values. Missing values have a bin of their own at the low
//! end, so that a cut may set them apart.

use super::encode::EncodedMatrix;
use super::packs::{Pack, packs};
use rayon::prelude::*;

/// One more than the bins of a column at most, the one for missing values included.
pub const BINS: usize = 256;
/// Bins of a column of many values at most.
pub const QUANTILES: usize = 64;
/// Values that are many. Fewer have more bins where rows are many, up to one for each: prices and limits are often unlike their neighbours.
const MANY: usize = BINS - 1;
/// Rows for each bin beyond those that rows shared out evenly would have.
const ROWS: usize = 20;

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

/// Where a column is cut, half-way between neighbours: between all values where they are few, else into bins of about as many rows each. A value of more
/// rows than a bin holds ends one and takes nothing from the others: where nearly all are 0, the rest are told apart as if they were alone.
fn cuts(values: &[f64]) -> Vec<f64> {
    let sorted = ascending(values.iter().copied().filter(|value| !value.is_nan()));
    let between = |a: f64, b: f64| {
        let middle = a / 2.0 + b / 2.0;
        // Neighbouring numbers have nothing between them; a cut belongs to the upper side.
        if middle > a { middle } else { b }
    };
    let runs: Vec<&[f64]> = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).collect();
    let counts: Vec<usize> = runs.iter().map(|run| run.len()).collect();
    let most = if counts.len() < MANY { (sorted.len() / (2 * ROWS)).max(QUANTILES - 1) } else { QUANTILES - 1 };
    let ends = if counts.len() <= most { (1..counts.len()).collect() } else { ends_of_bins(&counts, most) };
    ends.into_iter().map(|end| between(runs[end - 1][0], runs[end][0])).collect()
}

/// Distinct values, by how many rows have each, in at most so many bins: where each bin but the last ends.
fn ends_of_bins(counts: &[usize], most: usize) -> Vec<usize> {
    // Those of more rows than a bin holds, of the rows and bins that the former leave.
    let (mut rows, mut bins) = (counts.iter().sum::<usize>(), most);
    let mut is_heavy = vec![false; counts.len()];
    while let Some(heavy) = (0..counts.len()).find(|place| !is_heavy[*place] && bins > 1 && counts[*place] * bins > rows) {
        is_heavy[heavy] = true;
        rows -= counts[heavy];
        bins -= 1;
    }
    // Of few rows no finer than they would have been without heavy values, or than so many rows to a bin.
    bins = bins.min((rows / ROWS).max(rows * most / counts.iter().sum::<usize>().max(1))).max(1);
    // A heavy value may cut a bin of light ones in two: then these have fewer.
    (1..=bins).rev().map(|bins| ends_beside(counts, &is_heavy, rows, bins)).find(|ends| ends.len() < most).unwrap_or_default()
}

/// Where bins end: the light values, of so many rows in all, share `bins`, and after each heavy value one ends. Before it one ends too, unless the light
/// values since the last are less than half a bin: these then go with the heavy one (as in LightGBM, Ke et al. 2017), for amounts that heap at round
/// numbers would else cut the few between them off from each other, and leave no bins for the rest.
fn ends_beside(counts: &[usize], is_heavy: &[bool], rows: usize, bins: usize) -> Vec<usize> {
    let (mut ends, mut passed, mut filled, mut held) = (Vec::new(), 0, 0, 0);
    for (place, count) in counts.iter().enumerate() {
        if is_heavy[place] {
            if 2 * held * bins >= rows {
                ends.push(place);
            }
            ends.push(place + 1);
            held = 0;
            continue;
        }
        passed += count;
        held += count;
        if (passed + 1) * bins > (filled + 1) * rows {
            ends.push(place + 1);
            filled = ((passed + 1) * bins - 1) / rows;
            held = 0;
        }
    }
    ends.dedup();
    ends.retain(|end| (1..counts.len()).contains(end));
    ends
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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
    fn where_nearly_all_are_nothing_the_rest_are_told_apart_as_if_they_were_alone() {
        // Nine in ten spent nothing, the others each another amount; and a value in their midst that many have.
        let amount = |row: usize| match row % 10 {
            0 if row.is_multiple_of(200) => 5_000.5,
            0 => row as f64,
            _ => 0.0,
        };
        let data: Vec<f64> = (0..10_000).map(amount).collect();
        let binned = Binned::new(&EncodedMatrix { rows: 10_000, columns: 1, data: data.clone() });
        let bin = |value: f64| binned.bins[data.iter().position(|other| other.total_cmp(&value).is_eq()).unwrap()];
        let mut counts = vec![0; binned.width(0)];
        binned.bins.iter().for_each(|bin| counts[usize::from(*bin)] += 1);
        assert!((40..=QUANTILES).contains(&binned.width(0)), "{}", binned.width(0));
        assert_eq!((counts[usize::from(bin(0.0))], counts[usize::from(bin(5_000.5))]), (9_000, 50));
        // 950 others, some twenty in each bin.
        assert!(counts[2..].iter().all(|count| *count <= 50) && counts[2..].iter().filter(|count| **count > 0).count() > 40, "{counts:?}");
    }

    #[test]
    fn amounts_that_heap_at_round_numbers_leave_bins_for_those_beyond() {
        // Six in ten at one of thirty hundreds, the others each another amount up to 5,000.
        let amount = |row: u32| if row % 10 < 6 { f64::from(100 * (1 + row / 10 % 30)) } else { f64::from(row * 7919 % 500_000) / 100.0 + 0.003 };
        let data: Vec<f64> = (0..4_000).map(amount).collect();
        let binned = Binned::new(&EncodedMatrix { rows: 4_000, columns: 1, data: data.clone() });
        let mut beyond: Vec<u8> = binned.bins.iter().zip(&data).filter(|(_, amount)| **amount > 3_000.0).map(|(bin, _)| *bin).collect();
        assert!(beyond.len() > 600, "{}", beyond.len());
        beyond.sort_unstable();
        beyond.dedup();
        assert!(beyond.len() >= 8 && binned.width(0) <= QUANTILES + 1, "{} of {}", beyond.len(), binned.width(0));
    }

    #[test]
    fn each_of_a_few_hundred_values_has_a_bin_of_its_own() {
        let data: Vec<f64> = (0..10_000).map(|row| f64::from((row * row) % 509)).collect();
        let binned = Binned::new(&EncodedMatrix { rows: 10_000, columns: 1, data: data.clone() });
        let mut distinct = data;
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        assert!(distinct.len() > 200 && distinct.len() <= 255, "{}", distinct.len());
        assert_eq!(binned.width(0), if distinct.len() < 255 { distinct.len() + 1 } else { QUANTILES });
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
