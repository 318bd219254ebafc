//! Six months of training, scoring and sending on the shop whose truth is known: do the forecasts stay those of leaving without contact?
//!
//! `cargo bench --bench cycles` prints, per seed, the mean forecast and the true probability without contact at the end, and the mean gap between the
//! two over ten groups, for a training that knows of the treatments and for one that does not.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;

const CUSTOMERS: u32 = 5_000;
const SEEDS: [u32; 3] = [1, 2, 3];
const MONTHS: u32 = 6;

fn run(program: &str, folder: &Path, arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let output = Command::new(program).current_dir(folder).args(arguments).output()?;
    if output.status.success() { Ok(()) } else { Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into()) }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A number per customer.
fn column(path: &Path, name: &str) -> Result<BTreeMap<String, f64>, Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(path)?;
    let place = reader.headers()?.iter().position(|column| column == name).ok_or(format!("no column {name}"))?;
    let mut numbers = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        if let Ok(number) = record[place].parse() {
            numbers.insert(record[0].to_owned(), number);
        }
    }
    Ok(numbers)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (train, score) = (env!("CARGO_BIN_EXE_holdfast-train"), env!("CARGO_BIN_EXE_holdfast-score"));
    for seed in SEEDS {
        let folder = tempfile::tempdir()?;
        let here = folder.path();
        let mut acted: Vec<String> = Vec::new();
        for month in 0..=MONTHS {
            let shop = format!("simulate shop --customers {CUSTOMERS} --seed {seed} --days 970 --until {}", 700 + 30 * month);
            run(train, here, &[words(&shop), acted.clone()].concat())?;
            if month < MONTHS {
                run(train, here, &words("fit shop/shop.toml --models models"))?;
                let out = format!("run shop/shop.toml --model models/shop.hfb --out run{month} --set decide.contact={{max=2,per=\"30d\"}}");
                run(score, here, &words(&out))?;
                acted.extend(["--acted".to_owned(), format!("run{month}/offers.csv")]);
            }
        }
        let config = std::fs::read_to_string(here.join("shop/shop.toml"))?;
        let (from, to) = (config.find("[[treatments]]").ok_or("no treatments")?, config.find("[[identities]]").ok_or("no identities")?);
        std::fs::write(here.join("shop/blind.toml"), format!("{}{}", &config[..from], &config[to..]))?;
        let truth = column(&here.join("shop/truth/churn_at_end.csv"), "probability")?;
        for (name, what) in [("shop", "with the treatments"), ("blind", "without")] {
            run(train, here, &words(&format!("fit shop/{name}.toml --models {name}_models")))?;
            run(score, here, &words(&format!("run shop/{name}.toml --model {name}_models/shop.hfb --out {name}_out")))?;
            let forecast = column(&here.join(format!("{name}_out/risk.csv")), "churn_probability")?;
            let mut both: Vec<(f64, f64)> = forecast.iter().filter_map(|(id, forecast)| Some((*forecast, *truth.get(id)?))).collect();
            both.sort_by(|a, b| a.0.total_cmp(&b.0));
            let count = both.len() as f64;
            let gap: f64 =
                both.chunks(both.len().div_ceil(10)).map(|group| group.iter().map(|(forecast, truth)| forecast - truth).sum::<f64>().abs()).sum::<f64>()
                    / count;
            let (forecasts, truths) = both.iter().fold((0.0, 0.0), |sums, (forecast, truth)| (sums.0 + forecast, sums.1 + truth));
            println!("seed {seed}, {what:<20} {count} customers: forecast {:.4}, truth {:.4}, gap over ten groups {gap:.4}", forecasts / count, truths / count);
        }
    }
    Ok(())
}
