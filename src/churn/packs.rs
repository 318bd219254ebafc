//! Columns of few values, several in one: what a plan, a contract and two answers of yes or no say together is one value of some dozens, and one sum
//! for each of these tells the sums for every value of each column.

use super::binned::{Binned, QUANTILES};

/// Values a column that is packed has at most.
const FEW: usize = 8;
/// Rows to one value of a pack, about: with fewer, taking the sums apart would take longer than summing column by column.
const ROWS: usize = 128;
/// Values of a pack at least, and at most.
const VALUES: (usize, usize) = (16, QUANTILES);

/// Some columns as one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pack {
    columns: Vec<Packed>,
    /// By row.
    pub codes: Vec<u8>,
    /// How many values there may be.
    pub width: usize,
}

/// A column of a pack.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Packed {
    column: usize,
    /// The least bin that occurs.
    first: u8,
    /// Bins from there to the greatest that occurs.
    count: usize,
    /// What one bin more adds to the code.
    stride: usize,
}

/// Packs of the columns with few values, in order; a column that finds no other is in none.
pub(super) fn packs(binned: &Binned) -> Vec<Pack> {
    let most = (binned.rows / ROWS).clamp(VALUES.0, VALUES.1);
    let mut packs: Vec<(usize, Vec<Packed>)> = Vec::new();
    for column in 0..binned.cuts.len() {
        let bins = binned.column(column);
        let (Some(first), Some(last)) = (bins.iter().min().copied(), bins.iter().max().copied()) else { continue };
        let count = usize::from(last - first) + 1;
        if count > FEW {
            continue;
        }
        match packs.iter_mut().find(|(width, _)| *width * count <= most) {
            Some((width, columns)) => {
                columns.push(Packed { column, first, count, stride: *width });
                *width *= count;
            }
            None => packs.push((count, vec![Packed { column, first, count, stride: 1 }])),
        }
    }
    packs.retain(|(_, columns)| columns.len() > 1);
    let pack = |(width, columns): (usize, Vec<Packed>)| {
        let mut codes = vec![0; binned.rows];
        for packed in &columns {
            codes.iter_mut().zip(binned.column(packed.column)).for_each(|(code, bin)| *code += (bin - packed.first) * packed.stride as u8);
        }
        Pack { columns, codes, width }
    };
    packs.into_iter().map(pack).collect()
}

impl Pack {
    /// The columns of the pack among some (ascending).
    pub fn among(&self, asked: &[usize]) -> Vec<usize> {
        self.columns.iter().map(|packed| packed.column).filter(|column| asked.binary_search(column).is_ok()).collect()
    }

    /// Writes the sums of one column of the pack, from those of the pack: both by value and, `level` bits wide, by leaf.
    pub fn unpack(&self, column: usize, sums: &[[f64; 2]], level: usize, cells: &mut [[f64; 2]]) {
        let Some(packed) = self.columns.iter().find(|packed| packed.column == column) else { return };
        cells.fill([0.0; 2]);
        let leaves = 1usize << level;
        for (code, of_code) in sums[..self.width << level].chunks_exact(leaves).enumerate() {
            let bin = usize::from(packed.first) + code / packed.stride % packed.count;
            for (cell, sum) in cells[bin << level..][..leaves].iter_mut().zip(of_code) {
                cell[0] += sum[0];
                cell[1] += sum[1];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::EncodedMatrix;
    use super::super::random::mix;
    use super::*;

    #[test]
    fn sums_of_a_pack_are_those_of_its_columns() {
        let rows = 5_000;
        let widths = [2, 3, 40, 2, 7, 1, 4];
        let data = widths.iter().enumerate().flat_map(|(column, width)| {
            (0..rows).map(move |row| match mix(column as u64, row) % (width + 1) {
                0 if column == 4 => f64::NAN,
                value => value.max(1) as f64,
            })
        });
        let binned = Binned::new(&EncodedMatrix { rows: rows as usize, columns: widths.len(), data: data.collect() });
        let packs = &binned.packs;
        let held: Vec<Vec<usize>> = packs.iter().map(|pack| pack.among(&[0, 1, 2, 3, 4, 5, 6])).collect();
        // The third column has too many values.
        assert_eq!(held, [vec![0, 1, 3, 5], vec![4, 6]]);
        assert_eq!(packs[0].among(&[1, 5]), [1, 5]);
        let leaf = |row: usize| row % 4;
        let mut direct = vec![[0.0; 2]; QUANTILES << 2];
        for (pack, columns) in packs.iter().zip(&held) {
            let mut sums = vec![[0.0; 2]; QUANTILES << 2];
            pack.codes.iter().enumerate().for_each(|(row, code)| sums[usize::from(*code) << 2 | leaf(row)][0] += row as f64);
            assert!(pack.codes.iter().all(|code| usize::from(*code) < pack.width));
            for column in columns {
                let width = binned.width(*column);
                direct.fill([0.0; 2]);
                binned.column(*column).iter().enumerate().for_each(|(row, bin)| direct[usize::from(*bin) << 2 | leaf(row)][0] += row as f64);
                let mut cells = vec![[7.0; 2]; width << 2];
                pack.unpack(*column, &sums, 2, &mut cells);
                assert_eq!(cells, direct[..width << 2]);
            }
        }
    }
}
