//! Seconds and memory to fit boosted trees by number of rows, and the log loss on rows kept back: `cargo bench --bench boosted -- 1e5 1e6`.
//!
//! Fifty columns: forty of noise or weak effects, ten that matter, with a product and a threshold among them; one in twenty cells is missing.
//! With `--table DIR` the rows are written there (`x.f64`, column by column, and `y.u8`), so that another program can be timed on the same.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod peak;

use holdfast::churn::binned::Binned;
use holdfast::churn::boosted::{BoostSettings, Boosted};
use holdfast::churn::calibrate::sigmoid;
use holdfast::churn::encode::EncodedMatrix;
use holdfast::churn::random::uniform;
use holdfast::evaluate::classify::{auc, log_loss};
use peak::peak;
use std::time::Instant;

const COLUMNS: usize = 50;

/// Rows with their labels; the same for the first rows whatever their number.
fn table(rows: usize) -> (EncodedMatrix, Vec<bool>) {
    let cell = |row: usize, column: usize| {
        let place = row * COLUMNS + column;
        let value = uniform(1, place);
        // A third of the columns are counts of few values.
        let value = if column.is_multiple_of(3) { (value * 12.0).floor() } else { value };
        if uniform(2, place) < 0.05 { f64::NAN } else { value }
    };
    let mut data = vec![0.0; rows * COLUMNS];
    for column in 0..COLUMNS {
        for row in 0..rows {
            data[column * rows + row] = cell(row, column);
        }
    }
    let known = |row: usize, column: usize| if data[column * rows + row].is_nan() { 0.5 } else { data[column * rows + row] };
    let labels = (0..rows)
        .map(|row| {
            let linear: f64 =
                (10..40_usize).map(|column| 0.2 * if column.is_multiple_of(3) { known(row, column) / 12.0 } else { known(row, column) }).sum::<f64>() - 3.0;
            let curved = 2.0 * (known(row, 1) - 0.5) * (known(row, 2) - 0.5) * 4.0 + if known(row, 4) > 0.7 { 1.2 } else { 0.0 } + known(row, 3) / 8.0;
            let z = linear + curved - 2.5;
            uniform(3, row) < sigmoid(z)
        })
        .collect();
    (EncodedMatrix { rows, columns: COLUMNS, data }, labels)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let directory = arguments.iter().position(|argument| argument == "--table").map(|place| arguments[place + 1].clone());
    let mut sizes: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse::<f64>().ok()).map(|size| size as usize).collect();
    if sizes.is_empty() {
        sizes = vec![100_000, 1_000_000];
    }
    let settings = BoostSettings { rate: 0.1, leaves: 31, leaf_weight: 5.0, ridge: 1.0, columns: 1.0, rows: 1.0, rounds: 100 };
    let (held, held_labels) = table(50_000);
    for rows in sizes {
        // The first rows are kept back.
        let (all, all_labels) = table(rows + 50_000);
        let columns = (0..COLUMNS).flat_map(|column| all.data[column * all.rows + 50_000..(column + 1) * all.rows].iter().copied()).collect();
        drop(all.data);
        let matrix = EncodedMatrix { rows, columns: COLUMNS, data: columns };
        let labels = &all_labels[50_000..];
        if let Some(directory) = &directory {
            let bytes = |matrix: &EncodedMatrix| matrix.data.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
            let flags = |labels: &[bool]| labels.iter().map(|label| u8::from(*label)).collect::<Vec<u8>>();
            let write = |name: &str, bytes: Vec<u8>| std::fs::write(std::path::Path::new(directory).join(name), bytes).unwrap();
            write("x.f64", bytes(&matrix));
            write("y.u8", flags(labels));
            write("held_x.f64", bytes(&held));
            write("held_y.u8", flags(&held_labels));
        }
        let before = peak();
        let start = Instant::now();
        let binned = Binned::new(&matrix);
        let positives = labels.iter().filter(|label| **label).count() as f64;
        let base = libm::log(positives / (rows as f64 - positives));
        let mut ensemble = Boosted::new(&binned, labels, base, settings, &[], 1);
        for _ in 0..settings.rounds {
            ensemble.grow();
        }
        let seconds = start.elapsed().as_secs_f64();
        let sums = ensemble.trees.sums(&held, base, 1.0);
        let probabilities: Vec<f64> = sums.iter().map(|z| sigmoid(*z)).collect();
        println!(
            "boosted/{rows}x{COLUMNS}: {seconds:.2} s, {} trees, peak {} MiB ({before} before), AUC {:.4}, log loss {:.4}",
            ensemble.trees.roots.len(),
            peak(),
            auc(&sums, &held_labels),
            log_loss(&probabilities, &held_labels)
        );
    }
}
