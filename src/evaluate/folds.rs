//! Folds of a labelled table: seeded and stratified, or given by a file.

use crate::error::{Error, Result};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::path::Path;

/// A fold for each row, from 0, so that each fold has its share of both classes. The same seed gives the same folds.
pub fn stratified(labels: &[bool], folds: u8, seed: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x666f_6c64);
    let mut result = vec![0; labels.len()];
    // The second class goes on where the first ended, so that the folds' sizes differ by one row at most.
    let mut next = 0;
    for class in [true, false] {
        let mut rows: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] == class).collect();
        for last in (1..rows.len()).rev() {
            let other = ((u128::from(random.next_u64()) * (last as u128 + 1)) >> 64) as usize;
            rows.swap(last, other);
        }
        for row in rows {
            result[row] = next;
            next = (next + 1) % folds;
        }
    }
    result
}

/// The folds in the text of a file `row,fold` (with that header) for a table of `rows` data rows, counted from 0. `path` is
/// named in errors.
///
/// # Errors
/// 65 naming the line for anything but one fold per row.
pub fn parse_folds(text: &str, path: &Path, rows: usize) -> Result<Vec<u32>> {
    let mut folds: Vec<Option<u32>> = vec![None; rows];
    let mut lines = text.lines().enumerate();
    match lines.next() {
        Some((_, header)) if header.trim() == "row,fold" => {}
        _ => return Err(Error::data("expected the header row,fold").file(path).line(1)),
    }
    for (number, line) in lines {
        let at = |message: String| Error::data(message).file(path).line(number as u64 + 1);
        let parsed = line.split_once(',').and_then(|(row, fold)| Some((row.trim().parse::<usize>().ok()?, fold.trim().parse::<u32>().ok()?)));
        let (row, fold) = parsed.ok_or_else(|| at(format!("found \"{line}\", expected a row number and a fold number")))?;
        let slot = folds.get_mut(row).ok_or_else(|| at(format!("row {row} is not in the table, which has rows 0 to {}", rows.saturating_sub(1))))?;
        if slot.replace(fold).is_some() {
            return Err(at(format!("row {row} stands twice")));
        }
    }
    folds.iter().position(Option::is_none).map_or_else(
        || Ok(folds.iter().flatten().copied().collect()),
        |row| Err(Error::data(format!("row {row} has no fold; the table has {rows} data rows")).file(path)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fold_has_its_share_of_both_classes() {
        let labels: Vec<bool> = (0..103).map(|row| row % 4 == 0).collect();
        let folds = stratified(&labels, 5, 1);
        for fold in 0..5 {
            let churners = (0..103).filter(|row| folds[*row] == fold && labels[*row]).count();
            assert!((5..=6).contains(&churners));
        }
        assert_eq!(folds, stratified(&labels, 5, 1));
        assert_ne!(folds, stratified(&labels, 5, 2));
    }

    #[test]
    fn a_folds_file_that_misses_a_row_is_refused_with_the_row() {
        let path = Path::new("folds.csv");
        assert!(parse_folds("row,fold\n0,1\n2,0\n", path, 3).expect_err("row 1 is missing").to_string().contains("row 1 has no fold"));
        assert_eq!(parse_folds("row,fold\n0,1\n1,0\n", path, 2), Ok(vec![1, 0]));
    }
}
