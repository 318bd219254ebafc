//! How often `measure` holds the true effect of a list: 200 shops, each scored, sent to by the list and measured three months later.
//!
//! `cargo bench --bench coverage`. What a list truly brought is told by the same shop with nobody acting: the control group is the same in both, so the
//! difference of what is measured with and without the list is what the customers it was meant for bought more. Lists differ from shop to
//! shop (each decides from its own past campaigns), so each interval is held against the truth of its own shop.
#![allow(clippy::print_stdout)]

use serde_json::Value;
use std::error::Error;
use std::path::Path;
use std::process::Command;

const CUSTOMERS: u32 = 1_500;
const SHOPS: u32 = 200;

/// The true effect of a list per customer, and what was measured.
struct Told {
    truth: f64,
    amount: f64,
    interval: (f64, f64),
}

fn run(program: &str, folder: &Path, arguments: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let output = Command::new(program).current_dir(folder).args(arguments.split_whitespace()).output()?;
    // 3 is advice, and what was measured is printed all the same.
    if matches!(output.status.code(), Some(0 | 3)) {
        Ok(output.stdout)
    } else {
        Err(format!("{arguments}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// The interval of what all offers together brought per customer, and its middle.
fn told_of(measured: &Value, adjusted: bool) -> Option<(f64, (f64, f64))> {
    let all = &measured["offers"][0];
    let of = if adjusted { &all["adjusted"] } else { all };
    Some((of["amount"].as_f64()?, (of["interval"][0].as_f64()?, of["interval"][1].as_f64()?)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (train, score) = (env!("CARGO_BIN_EXE_holdfast-train"), env!("CARGO_BIN_EXE_holdfast-score"));
    let folder = tempfile::tempdir()?;
    let here = folder.path();
    run(train, here, "simulate first --customers 4000 --seed 999 --days 970 --until 640")?;
    run(train, here, "fit first/shop.toml --models models")?;
    let mut shops: Vec<(Value, Value)> = Vec::new();
    for seed in 1..=SHOPS {
        let shop = format!("--customers {CUSTOMERS} --seed {seed} --days 970");
        run(train, here, &format!("simulate shop {shop} --until 640"))?;
        run(score, here, "run shop/shop.toml --model models/shop.hfb --out out --set decide.control={share=0.3}")?;
        let measured = |more: &str| -> Result<Value, Box<dyn Error>> {
            run(train, here, &format!("simulate later {shop} --until 730 {more}"))?;
            Ok(serde_json::from_slice(&run(score, here, "measure later/shop.toml --scored out --json")?)?)
        };
        shops.push((measured("--acted out/offers.csv")?, measured("")?));
    }
    for (name, adjusted) in [("as it is", false), ("with what was bought before", true)] {
        let of = |measured: &Value| told_of(measured, adjusted);
        let told: Vec<Told> = shops
            .iter()
            .filter_map(|(acted, not)| {
                let (amount, interval) = of(acted)?;
                Some(Told { truth: told_of(acted, false)?.0 - told_of(not, false)?.0, amount, interval })
            })
            .collect();
        let covered = told.iter().filter(|told| (told.interval.0..=told.interval.1).contains(&told.truth)).count();
        let mean = |of: fn(&Told) -> f64| told.iter().map(of).sum::<f64>() / told.len() as f64;
        println!(
            "{name}: true effect {:.3}, measured {:.3} on average, within the 95 % interval in {covered} of {} shops ({:.1} %)",
            mean(|told| told.truth),
            mean(|told| told.amount),
            told.len(),
            100.0 * covered as f64 / told.len() as f64
        );
    }
    Ok(())
}
