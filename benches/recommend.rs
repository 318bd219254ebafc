//! Seconds to read, to learn a recommender (choice of settings, measures and refit included) and to recommend ten items to everyone, by number of
//! interactions, for each model alone and for the blend of all: `cargo bench --bench recommend [-- 1e5 1e6]`. With a config (`-- datasets/configs/gowalla.toml`)
//! the same on exports without dates of one's own, twenty items each.
//!
//! Customers have a taste for a few of 40 groups of items, and within a group few items are bought by many. The sizes grow together: 40 interactions per customer,
//! and as many customers as items times 5. Data is made from a fixed seed, outside the timed parts; memory is the most that the process held so far.
#![allow(clippy::print_stdout)]

mod peak;

use holdfast::churn::random::{mix, uniform};
use holdfast::config::Config;
use holdfast::exports::{self, Exports, ReadOptions};
use holdfast::recommend;
use peak::peak;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

const GROUPS: u64 = 40;
const PER_CUSTOMER: u64 = 40;
const THREADS: usize = 2;

fn write(folder: &Path, interactions: u64) -> Result<(), Box<dyn std::error::Error>> {
    let customers = interactions / PER_CUSTOMER;
    let per_group = (customers / 5 / GROUPS).max(5);
    let mut text = String::from("customer,item\n");
    for customer in 0..customers {
        let tastes = [mix(1, customer) % GROUPS, mix(2, customer) % GROUPS, mix(3, customer) % GROUPS];
        for number in 0..PER_CUSTOMER {
            let place = customer * PER_CUSTOMER + number;
            let group = if uniform(4, place as usize) < 0.9 { tastes[(mix(5, place) % 3) as usize] } else { mix(6, place) % GROUPS };
            // The square leans towards the first items of a group.
            let item = (uniform(7, place as usize).powi(2) * per_group as f64) as u64;
            writeln!(text, "c{customer},g{group}i{item}")?;
        }
    }
    std::fs::write(folder.join("events.csv"), text)?;
    let config = "[project]\nname = \"bench\"\n[[events]]\nfiles = [\"events.csv\"]\ncustomer = \"customer\"\nitem = \"item\"\nkind = { value = \"purchase\" }\n\
                  duplicates = \"drop\"\n[churn]\ndefinition = \"none\"\n[recommend]\nrepeat = \"never\"\n";
    std::fs::write(folder.join("bench.toml"), config)?;
    Ok(())
}

/// Learns with the models named (none for all), recommends `count` items to everyone, and prints how long each took.
fn learn(size: &str, name: &str, models: &[&str], config: &Config, exports: &Exports, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = config.recommend.clone();
    settings.models = models.iter().map(|model| (*model).to_owned()).collect();
    let start = Instant::now();
    let (recommender, report) = recommend::train(exports, &settings, None, false, false, config.project.seed)??;
    println!("fit/{name}/{size}: {:.2} s, {} items, {}", start.elapsed().as_secs_f64(), recommender.items(), report.chosen);
    let start = Instant::now();
    let items = recommender.map_items(exports);
    let customers: Vec<u32> = (0..exports.customers.len() as u32).collect();
    let mut given = 0;
    for block in customers.chunks(8_192) {
        let histories: Vec<_> = block
            .iter()
            .map(|customer| {
                let timeline = holdfast::timeline::Timeline::new(*customer, &exports.untimed, &[]);
                recommender.item_events(&timeline.split(recommend::AFTER_ALL, holdfast::config::Span::days(0)).0, &items)
            })
            .collect();
        given += recommender.recommend(&histories, count).iter().map(Vec::len).sum::<usize>();
    }
    println!("recommend/{name}/{size}: {:.2} s, {given} items to {} customers; memory at most {} MiB", start.elapsed().as_secs_f64(), customers.len(), peak());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global()?;
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    for (size, interactions) in [("1e5", 100_000), ("1e6", 1_000_000), ("1e7", 10_000_000)] {
        if !asked.is_empty() && !asked.iter().any(|name| name == size) {
            continue;
        }
        let folder = tempfile::tempdir()?;
        write(folder.path(), interactions)?;
        measure(size, &folder.path().join("bench.toml"), 10)?;
    }
    for config in asked.iter().filter(|argument| argument.ends_with(".toml")) {
        measure(config, Path::new(config), 20)?;
    }
    Ok(())
}

/// Reads, then learns and recommends `count` items to everyone with each model and with all.
fn measure(size: &str, config: &Path, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(config, &[])?;
    let start = Instant::now();
    let exports = exports::read(&config, ReadOptions { threads: THREADS, as_of: None, pseudonyms: false })?;
    println!("read/{size}: {:.2} s", start.elapsed().as_secs_f64());
    for model in ["neighbours", "factors", "regression"] {
        learn(size, model, &[model], &config, &exports, count)?;
    }
    learn(size, "all", &[], &config, &exports, count)
}
