//! A shop whose truth is known: true hazard, tastes, effect of each offer.
//!
//! In: a [`ShopPlan`]. Out: a folder of exports as a business would have them (two id systems, overlapping years, a few broken rows), a
//! config for them, and `truth/`: what no business knows. Customers are simulated one by one, each from an own ChaCha8 stream of the
//! seed, in blocks of fixed size: memory does not grow with their number, and the bytes do not depend on threads.
//!
//! This module stands outside the flow: nothing that learns or scores knows of it.

mod acts;
mod customer;
mod draw;
mod rates;
mod sheets;
mod texts;
mod world;

pub use acts::{Act, acts};

use crate::error::{Error, ErrorKind, Result};
use jiff::civil::Date;
use rayon::prelude::*;
use sheets::Sheets;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use world::World;

/// What to simulate.
#[derive(Debug, Clone, PartialEq)]
pub struct ShopPlan {
    /// How many customers; default 2,000.
    pub customers: u64,
    /// Seed of everything random; default 1.
    pub seed: u64,
    /// First day of the data; default 2023-01-01.
    pub start: Date,
    /// Days of data, 365 to 3,650; default 731, the years 2023 and 2024.
    pub days: u32,
    /// How many offers past campaigns had, 1 to 10; default 4.
    pub offers: usize,
    /// Days that are told of, 365 to `days`; default all. The shop goes on behind them: more days of the same shop are the same days and more.
    pub until: Option<u32>,
    /// What was decided for customers, by number, beside the campaigns: see [`acts`].
    pub acts: BTreeMap<u64, Vec<Act>>,
}

impl Default for ShopPlan {
    fn default() -> Self {
        ShopPlan { customers: 2_000, seed: 1, start: jiff::civil::date(2023, 1, 1), days: 731, offers: 4, until: None, acts: BTreeMap::new() }
    }
}

impl ShopPlan {
    /// The default shop with this many customers and this seed.
    pub fn new(customers: u64, seed: u64) -> Self {
        ShopPlan { customers, seed, ..ShopPlan::default() }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShopCounts {
    /// Customers, each with a row in customers.csv.
    pub customers: u64,
    /// Rows of things that happened to customers, overlaps counted once.
    pub events: u64,
    /// Broken rows, which every reader has to reject.
    pub dirty: u64,
}

/// Customers simulated into one set of buffers. A constant: the order of rows must not depend on threads.
const BLOCK: u64 = 500;
/// Blocks in memory at a time.
const BLOCKS_AT_ONCE: u64 = 8;

/// Writes the shop's exports, config and truth to a folder, customer by customer (memory does not grow with their number).
///
/// # Errors
/// 2 for a plan without customers, with fewer than 365 or more than 3,650 days (or so many told of), or with fewer than 1 or more than 10 offers; 73 or 74 when the folder cannot be written. The
/// files get their names when all are complete.
pub fn simulate(plan: &ShopPlan, folder: &Path) -> Result<ShopCounts> {
    if plan.customers == 0 {
        return Err(Error::new(ErrorKind::Usage, "a shop needs at least one customer"));
    }
    if !(365..=3_650).contains(&plan.days) {
        return Err(Error::new(ErrorKind::Usage, format!("found {} days, expected 365 to 3650", plan.days)));
    }
    if let Some(until) = plan.until.filter(|until| !(365..=plan.days).contains(until)) {
        return Err(Error::new(ErrorKind::Usage, format!("found {until} days to be told of, expected 365 to {}", plan.days)));
    }
    if !(1..=world::OFFERS.len()).contains(&plan.offers) {
        return Err(Error::new(ErrorKind::Usage, format!("found {} offers, expected 1 to {}", plan.offers, world::OFFERS.len())));
    }
    let world = World::new(plan);
    let mut files = ShopFiles::create(folder, &world)?;
    let mut counts = ShopCounts { customers: plan.customers, ..ShopCounts::default() };
    let blocks = plan.customers.div_ceil(BLOCK);
    for first in (0..blocks).step_by(BLOCKS_AT_ONCE as usize) {
        let batch: Vec<Sheets> = (first..blocks.min(first + BLOCKS_AT_ONCE)).into_par_iter().map(|block| block_of(plan, &world, block)).collect();
        for sheets in &batch {
            files.append(&world, sheets)?;
            counts.events += sheets.events;
            counts.dirty += sheets.dirty;
        }
    }
    for (name, text) in [
        ("items.csv", texts::items(&world)),
        ("offers.csv", texts::offers(&world)),
        ("truth/offers.csv", texts::offer_truth(&world)),
        ("shop.toml", texts::config(plan)),
        ("README.md", texts::readme(plan, &world)),
    ] {
        files.add(name, text.as_bytes())?;
    }
    files.publish()?;
    Ok(counts)
}

fn block_of(plan: &ShopPlan, world: &World, block: u64) -> Sheets {
    let mut sheets = Sheets::new(world);
    for index in block * BLOCK..plan.customers.min((block + 1) * BLOCK) {
        // Stream 0 is the world's.
        customer::live(world, plan, index + 1, &mut sheets);
    }
    sheets
}

/// Files under temporary names, renamed when all are complete.
struct ShopFiles {
    folder: PathBuf,
    open: Vec<(String, BufWriter<File>)>,
}

impl ShopFiles {
    fn create(folder: &Path, world: &World) -> Result<ShopFiles> {
        let truth = folder.join("truth");
        std::fs::create_dir_all(&truth).map_err(|error| Error::new(ErrorKind::CannotCreate, format!("cannot be created: {error}")).file(&truth))?;
        let mut files = ShopFiles { folder: folder.to_path_buf(), open: Vec::new() };
        for (name, header, _) in Sheets::new(world).files(world) {
            files.add(&name, format!("{header}\n").as_bytes())?;
        }
        Ok(files)
    }

    /// Begins a file with these bytes.
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = partial(&self.folder, name);
        let file = File::create(&path).map_err(|error| Error::new(ErrorKind::CannotCreate, format!("cannot be created: {error}")).file(&path))?;
        let mut writer = BufWriter::new(file);
        writer.write_all(bytes).map_err(|error| failed(&path, &error))?;
        self.open.push((name.to_string(), writer));
        Ok(())
    }

    fn append(&mut self, world: &World, sheets: &Sheets) -> Result<()> {
        for ((name, _, sheet), (_, writer)) in sheets.files(world).into_iter().zip(&mut self.open) {
            writer.write_all(&sheet.0).map_err(|error| failed(&self.folder.join(name), &error))?;
        }
        Ok(())
    }

    fn publish(self) -> Result<()> {
        let ShopFiles { folder, open } = self;
        let mut names = Vec::with_capacity(open.len());
        for (name, writer) in open {
            let path = folder.join(&name);
            let file = writer.into_inner().map_err(|error| failed(&path, error.error()))?;
            file.sync_all().map_err(|error| failed(&path, &error))?;
            names.push(name);
        }
        for name in names {
            let path = folder.join(&name);
            std::fs::rename(partial(&folder, &name), &path).map_err(|error| failed(&path, &error))?;
        }
        Ok(())
    }
}

fn partial(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.partial"))
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("cannot be written: {error}")).file(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Every file of a folder with its text, by name.
    fn texts_of(folder: &Path) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for part in ["", "truth"] {
            for entry in std::fs::read_dir(folder.join(part)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                    found.insert(name, std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        found
    }

    fn shop(plan: &ShopPlan) -> (ShopCounts, BTreeMap<String, String>) {
        let folder = tempfile::tempdir().unwrap();
        let counts = simulate(plan, folder.path()).unwrap();
        (counts, texts_of(folder.path()))
    }

    /// The fields of a file's rows; no field of the shop holds a comma.
    fn rows(text: &str) -> Vec<Vec<&str>> {
        text.lines().skip(1).map(|line| line.split(',').collect()).collect()
    }

    #[test]
    fn one_and_two_threads_write_the_same_bytes() {
        let plan = ShopPlan::new(1_200, 5);
        let with = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| shop(&plan));
        assert_eq!(with(1), with(2));
    }

    #[test]
    fn more_days_of_a_shop_are_the_same_days_and_more_until_somebody_acts() {
        let plan = |until: u32| ShopPlan { days: 900, until: Some(until), ..ShopPlan::new(300, 3) };
        let (shorter, longer) = (shop(&plan(700)).1, shop(&plan(760)).1);
        let of = |texts: &BTreeMap<String, String>, until: &str| -> Vec<String> {
            let mut lines: Vec<String> =
                texts["visits.csv"].lines().skip(1).filter(|line| line.split(',').nth(1).unwrap() < until).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let (last, next) = ("2024-11-30", "2025-01-29");
        assert!(of(&shorter, last).len() > 1_000 && of(&shorter, next).len() == of(&shorter, "2024-12-01").len());
        assert_eq!(of(&shorter, last), of(&longer, last));
        assert!(of(&longer, next).len() > of(&shorter, next).len());
        // A customer is offered something on day 650: earlier days stay, the wave names its decision.
        let acts = BTreeMap::from([(7, vec![Act { day: 650, offer: Some(0), decision_id: "d1".into() }])]);
        let acted = shop(&ShopPlan { acts, ..plan(700) }).1;
        assert_eq!(of(&acted, "2024-10-12"), of(&shorter, "2024-10-12"));
        assert!(acted["campaigns.csv"].contains("L20241012,C000007,2024-10-12,F10,F10,email,,d1\n"), "{}", acted["campaigns.csv"]);
    }

    #[test]
    fn another_seed_is_another_shop() {
        assert_ne!(shop(&ShopPlan::new(50, 1)).1["customers.csv"], shop(&ShopPlan::new(50, 2)).1["customers.csv"]);
    }

    #[test]
    fn the_shop_in_the_repository_is_what_the_default_plan_writes() {
        let committed = texts_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/shop"));
        let (counts, written) = shop(&ShopPlan::default());
        assert_eq!(committed.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>());
        for (name, text) in &written {
            assert!(committed[name] == *text, "{name} differs from datasets/shop");
        }
        assert!((55_000..75_000).contains(&counts.events), "{} events", counts.events);
        assert!(counts.dirty > 20 && counts.dirty * 200 < counts.events, "{} broken rows", counts.dirty);
    }

    #[test]
    fn yearly_exports_overlap_by_nine_days_and_hold_equal_rows_there() {
        let (_, files) = shop(&ShopPlan::new(300, 1));
        let in_january = |name: &str| -> Vec<String> {
            let wanted = |line: &&str| ("2024-01-01".."2024-01-10").contains(&line.split(',').nth(2).unwrap().get(..10).unwrap());
            files[name].lines().skip(1).filter(wanted).map(String::from).collect()
        };
        assert!(!in_january("orders_2023.csv").is_empty());
        assert_eq!(in_january("orders_2023.csv"), in_january("orders_2024.csv"));
        assert!(!files["orders_2023.csv"].contains(",2024-01-10 "));
    }

    #[test]
    fn every_card_of_the_tills_belongs_to_one_customer() {
        let (_, files) = shop(&ShopPlan::new(2_000, 3));
        let mut owners = BTreeMap::new();
        for row in rows(&files["identities.csv"]) {
            assert!(owners.insert(row[1].to_string(), row[0].to_string()).is_none(), "card {} has two owners", row[1]);
        }
        for line in files["store_sales.csv"].lines().skip(1) {
            let card = line.split(';').nth(1).unwrap();
            assert!(card.is_empty() || owners.contains_key(card), "card {card} has no owner");
        }
    }

    #[test]
    fn the_true_probability_is_calibrated_and_ranks_well_but_not_perfectly() {
        let (_, files) = shop(&ShopPlan::new(6_000, 2));
        let truth = rows(&files["truth/churn.csv"]);
        let probability: Vec<f64> = truth.iter().map(|row| row[2].parse().unwrap()).collect();
        let left: Vec<bool> = truth.iter().map(|row| row[3] == "1").collect();
        let expected: f64 = probability.iter().sum();
        let error = probability.iter().map(|p| p * (1.0 - p)).sum::<f64>().sqrt();
        let found = left.iter().filter(|left| **left).count() as f64;
        assert!((found - expected).abs() < 3.0 * error, "{found} left, expected {expected:.1} +- {error:.1}");

        // Among those who are unsure, too: the filter and the recursion have to be right, not only the sum.
        for (low, high) in [(0.05, 0.15), (0.15, 0.4), (0.4, 0.8)] {
            let band: Vec<usize> = (0..truth.len()).filter(|row| (low..high).contains(&probability[*row])).collect();
            let expected: f64 = band.iter().map(|row| probability[*row]).sum();
            let error = band.iter().map(|row| probability[*row] * (1.0 - probability[*row])).sum::<f64>().sqrt();
            let found = band.iter().filter(|row| left[**row]).count() as f64;
            assert!((found - expected).abs() < 3.5 * error, "{low} to {high}: {found} left, expected {expected:.1} +- {error:.1}");
        }

        // The base of the config: a purchase in the 180 days before the cut-off.
        let base: Vec<usize> = (0..truth.len()).filter(|row| truth[*row][4].parse::<i32>().unwrap() <= 180).collect();
        let churn = base.iter().filter(|row| left[**row]).count() as f64 / base.len() as f64;
        assert!((0.15..0.35).contains(&churn), "churn of the base {churn:.3}");
        let scores: Vec<f64> = base.iter().map(|row| probability[*row]).collect();
        let labels: Vec<bool> = base.iter().map(|row| left[*row]).collect();
        let auc = crate::evaluate::classify::auc(&scores, &labels);
        assert!((0.84..0.92).contains(&auc), "AUC of the truth {auc:.4}");
    }

    #[test]
    fn planted_effects_show_in_the_difference_of_means() {
        let (_, files) = shop(&ShopPlan::new(10_000, 4));
        let day = |text: &str| text.parse::<Date>().unwrap();
        let left_on: BTreeMap<&str, Option<Date>> =
            files["truth/customers.csv"].lines().skip(1).map(|line| (&line[..7], line.rsplit(',').next().unwrap().parse().ok())).collect();
        let mut orders: BTreeMap<&str, Vec<Date>> = BTreeMap::new();
        for name in ["orders_2023.csv", "orders_2024.csv"] {
            for row in rows(&files[name]).into_iter().filter(|row| row[3] == "sale" && !row[1].is_empty() && !row[2].contains("-02-30")) {
                orders.entry(row[1]).or_default().push(day(&row[2][..10]));
            }
        }
        // Per arm: how many were still customers, how many of them ordered online within 14 days, how many left within 45.
        let mut arms: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
        for row in rows(&files["campaigns.csv"]) {
            let sent = day(row[2]);
            let days = |later: Date| later.duration_since(sent).as_hours() / 24;
            if left_on[row[1]].is_some_and(|left| days(left) < 0) {
                continue;
            }
            let arm = arms.entry(row[3]).or_default();
            arm[0] += 1.0;
            arm[1] += f64::from(orders.get(row[1]).is_some_and(|orders| orders.iter().any(|order| (0..14).contains(&days(*order)))));
            arm[2] += f64::from(left_on[row[1]].is_some_and(|left| (0..45).contains(&days(left))));
        }
        let lift = |arm: &str, outcome: usize| {
            let [(n, p), (m, q)] = [arm, "control"].map(|arm| (arms[arm][0], arms[arm][outcome] / arms[arm][0]));
            (p - q, (p * (1.0 - p) / n + q * (1.0 - q) / m).sqrt())
        };
        let (more_orders, error) = lift("F10", 1);
        assert!(more_orders > 3.0 * error, "F10 orders {more_orders:.4} +- {error:.4}");
        let (more_leaving, error) = lift("CALL", 2);
        assert!(more_leaving > 2.0 * error, "CALL leaving {more_leaving:.4} +- {error:.4}");
        let (fewer_leaving, error) = lift("F10", 2);
        assert!(fewer_leaving < -error, "F10 leaving {fewer_leaving:.4} +- {error:.4}");
    }

    #[test]
    fn the_days_since_the_last_purchase_in_the_truth_are_those_of_the_exports() {
        let (_, files) = shop(&ShopPlan::new(400, 6));
        let cards: BTreeMap<&str, &str> =
            files["identities.csv"].lines().skip(1).map(|line| line.split_once(',').map(|(c, card)| (card, c)).unwrap()).collect();
        let mut last: BTreeMap<&str, String> = BTreeMap::new();
        let mut note = |customer, date: String| {
            if date.as_str() < "2024-10-03" {
                let latest = last.entry(customer).or_default();
                *latest = date.max(latest.clone());
            }
        };
        for name in ["orders_2023.csv", "orders_2024.csv"] {
            rows(&files[name]).iter().filter(|row| row[3] == "sale" && !row[2].contains("-02-30")).for_each(|row| note(row[1], row[2][..10].to_string()));
        }
        for line in files["store_sales.csv"].lines().skip(1) {
            let fields: Vec<&str> = line.split(';').collect();
            if let Some(customer) = cards.get(fields[1]) {
                note(customer, format!("{}-{}-{}", &fields[2][6..10], &fields[2][3..5], &fields[2][..2]));
            }
        }
        let truth = rows(&files["truth/churn.csv"]);
        assert!(truth.len() > 250);
        for row in truth {
            let since = jiff::civil::date(2024, 10, 3).duration_since(last[row[0]].parse().unwrap()).as_hours() / 24;
            assert_eq!(row[4], since.to_string(), "{}", row[0]);
        }
    }

    #[test]
    fn the_config_never_names_the_truth() {
        let (_, files) = shop(&ShopPlan::new(1, 1));
        assert!(!files["shop.toml"].contains("truth"));
    }

    #[test]
    fn a_plan_without_customers_or_with_a_month_of_days_is_a_usage_error() {
        let folder = tempfile::tempdir().unwrap();
        for plan in [ShopPlan::new(0, 1), ShopPlan { days: 30, ..ShopPlan::default() }] {
            assert_eq!(simulate(&plan, folder.path()).unwrap_err().kind(), ErrorKind::Usage);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        std::fs::write(&file, "").unwrap();
        let error = simulate(&ShopPlan::new(1, 1), &file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CannotCreate);
        assert!(error.to_string().contains("taken"), "{error}");
    }
}
