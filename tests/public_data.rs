//! The published data sets, end to end through the built binaries.
//!
//! The data is not in the repository: it is looked for in `$HOLDFAST_DATASETS`, then in `../shared/datasets`. A set that is in neither
//! is reported as ignored, with the reason, and never as passed.
#![allow(clippy::unwrap_used)]

#[path = "shop.rs"]
#[allow(dead_code)]
mod shop;

use holdfast::journey::Chain;
use holdfast::value::bgnbd::BgNbd;
use holdfast::value::{Summary, ValueModel};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use shop::{Outcome, Table, row_counts};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::TempDir;

/// What a data set has to give.
struct Expectation {
    name: &'static str,
    sentence: &'static str,
    check: fn(&Bench) -> Result<(), Failed>,
}

const EXPECTATIONS: [Expectation; 12] = [
    Expectation { name: "telco", sentence: "who leaves a telephone company is told as well as the peers do", check: |bench| bench.auc_at_least(0.84) },
    Expectation { name: "telco", sentence: "a labelled table is fitted and scored", check: |bench| bench.fit_and_score(1_000, 0) },
    Expectation { name: "bank", sentence: "who leaves a bank is told as well as the peers do", check: |bench| bench.auc_at_least(0.855) },
    Expectation { name: "bank", sentence: "a labelled table with columns left out is fitted and scored", check: |bench| bench.fit_and_score(1_000, 0) },
    Expectation { name: "online_retail_ii", sentence: "a year of real invoices ranks as well as the peer on its own terms", check: Bench::retail_measures },
    Expectation { name: "online_retail_ii", sentence: "real invoices become both lists", check: |bench| bench.fit_and_score(2_000, 5_000) },
    Expectation { name: "cdnow", sentence: "purchases without items become a list of risks", check: |bench| bench.fit_and_score(500, 0) },
    Expectation { name: "starbucks", sentence: "thirty days of events are enough for a run", check: |bench| bench.fit_and_score(1_000, 0) },
    Expectation { name: "complete_journey", sentence: "a grocer's Parquet becomes both lists", check: |bench| bench.fit_and_score(1_000, 2_000) },
    Expectation {
        name: "hillstrom",
        sentence: "an offer test without churn or items leaves both files with their headers",
        check: |bench| bench.fit_and_score(0, 0),
    },
    Expectation {
        name: "hillstrom",
        sentence: "a policy learnt from the e-mail test is worth as much as the best e-mail for all, on customers it did not learn from",
        check: Bench::offer_test_measures,
    },
    Expectation { name: "beauty", sentence: "lists of items without dates are recommended from", check: |bench| bench.fit_and_score(0, 20_000) },
];

fn main() -> ExitCode {
    let root = [std::env::var_os("HOLDFAST_DATASETS").map(PathBuf::from), Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/datasets"))]
        .into_iter()
        .flatten()
        .find(|folder| folder.is_dir());
    let mut trials: Vec<Trial> = EXPECTATIONS
        .iter()
        .map(|expected| {
            let title = format!("{}: {}", expected.name, expected.sentence);
            match root.as_ref().map(|root| root.join(expected.name)).filter(|folder| folder.is_dir()) {
                Some(_) => {
                    let root = root.clone().unwrap_or_default();
                    Trial::test(title, move || (expected.check)(&Bench::new(expected.name, &root)))
                }
                None => absent(title, expected.name),
            }
        })
        .collect();
    let title = "gowalla: the published split is read, and its test part is kept apart".to_string();
    trials.push(match root.as_ref().filter(|root| root.join("gowalla").is_dir()).cloned() {
        Some(root) => Trial::test(title, move || Bench::new("gowalla", &root).check_reads(&["810128", "217242"])),
        None => absent(title, "gowalla"),
    });
    let title = "attribution_paths: touchpoints get the exact credit, near the published".to_string();
    trials.push(match root.as_ref().map(|root| root.join("attribution_paths/PathData.csv")).filter(|file| file.is_file()) {
        Some(file) => Trial::test(title, move || published_attribution(&file)),
        None => absent(title, "attribution_paths"),
    });
    for (name, files) in DRAFTED {
        let title = format!("{name}: a config drafted from its files finds what the one written by hand finds");
        trials.push(match root.as_ref().filter(|root| root.join(name).is_dir()).cloned() {
            Some(root) => Trial::test(title, move || Bench::new(name, &root).draft_finds_the_same(files)),
            None => absent(title, name),
        });
    }
    let title = "cdnow: BG/NBD and Gamma-Gamma have the published parameters".to_string();
    trials.push(match root.as_ref().map(|root| root.join("cdnow/CDNOW_sample.txt")).filter(|file| file.is_file()) {
        Some(file) => Trial::test(title, move || published_value_models(&file)),
        None => absent(title, "cdnow"),
    });
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The sample on which Fader, Hardie and Lee (2005) and Fader and Hardie (2013) fitted: 2,357 customers, 39 weeks, one purchase a day at most.
fn published_value_models(file: &Path) -> Result<(), Failed> {
    let end: jiff::civil::Date = "1997-09-30".parse()?;
    let mut days: std::collections::BTreeMap<String, std::collections::BTreeMap<jiff::civil::Date, f64>> = std::collections::BTreeMap::new();
    for line in std::fs::read_to_string(file)?.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let date = jiff::civil::Date::strptime("%Y%m%d", fields[2])?;
        if date <= end {
            *days.entry(fields[1].to_string()).or_default().entry(date).or_insert(0.0) += fields[4].parse::<f64>()?;
        }
    }
    let weeks = |from: jiff::civil::Date, to: jiff::civil::Date| f64::from((to - from).get_days()) / 7.0;
    let customers: Vec<Summary> = days
        .values()
        .map(|days| {
            let (first, last) = (*days.keys().next().unwrap(), *days.keys().next_back().unwrap());
            let repeats = days.len() as u32 - 1;
            let mean_amount = days.values().skip(1).sum::<f64>() / f64::from(repeats);
            Summary { repeats, last: weeks(first, last), observed: weeks(first, end), mean_amount }
        })
        .collect();
    ensure(customers.len() == 2_357, || format!("{} customers, expected 2,357", customers.len()))?;
    let model = ValueModel::fit(&customers).ok_or("no fit")?;
    let close =
        |what: &str, value: f64, printed: f64, digits: f64| ensure((value - printed).abs() <= digits, || format!("{what} is {value:.4}, published {printed}"));
    let BgNbd { r, alpha, a, b } = model.purchases;
    for (what, value, printed) in [("r", r, 0.243), ("alpha", alpha, 4.414), ("a", a, 0.793), ("b", b, 2.426)] {
        close(what, value, printed, 5.1e-4)?;
    }
    close("the log-likelihood", model.purchases.log_likelihood(&customers), -9582.429, 1e-3)?;
    let money = model.money.ok_or("no fit of money")?;
    for (what, value, printed) in [("p", money.p, 6.25), ("q", money.q, 3.74), ("gamma", money.gamma, 15.44)] {
        close(what, value, printed, 0.02)?;
    }
    let repeaters: Vec<(u32, f64)> =
        customers.iter().filter(|customer| customer.repeats > 0).map(|customer| (customer.repeats, customer.mean_amount)).collect();
    close("the log-likelihood of money", money.log_likelihood(&repeaters), -4055.918, 1e-2)
}

/// The paths that the R package ChannelAttribution comes with: the exact credit by first-order removal effects, near what it publishes (simulated, so it differs by some
/// percent from run to run), and the same in whatever order the paths come.
fn published_attribution(file: &Path) -> Result<(), Failed> {
    let mut paths: Vec<(Vec<String>, u64, u64)> = Vec::new();
    let mut reader = csv::Reader::from_path(file)?;
    for record in reader.records() {
        let record = record?;
        paths.push((record[0].split(" > ").map(str::to_owned).collect(), record[1].parse()?, record[3].parse::<f64>()? as u64));
    }
    let names: Vec<&str> = paths.iter().flat_map(|(path, ..)| path.iter().map(String::as_str)).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let credit = |paths: &mut dyn Iterator<Item = &(Vec<String>, u64, u64)>| {
        let mut chain = Chain::new(names.len());
        for (path, bought, silent) in paths {
            chain.add(&path.iter().map(|name| names.binary_search(&name.as_str()).unwrap()).collect::<Vec<_>>(), *bought, *silent);
        }
        chain.credit()
    };
    let (shares, reversed) = (credit(&mut paths.iter()), credit(&mut paths.iter().rev()));
    ensure(shares == reversed, || "credit depends on the order of the paths".into())?;
    let bought: u64 = paths.iter().map(|(_, bought, _)| bought).sum();
    ensure(bought == 19_785, || format!("{bought} purchases, expected 19,785"))?;
    let sum: f64 = shares.iter().sum::<f64>() * bought as f64;
    ensure((sum - 19_785.0).abs() < 1e-6, || format!("credit sums to {sum}"))?;
    let published = [("alpha", 5357.0), ("iota", 3795.0), ("eta", 3346.0), ("beta", 2550.0), ("theta", 1975.0), ("lambda", 1306.0)];
    for (name, printed) in published {
        let own = shares[names.binary_search(&name).unwrap()] * bought as f64;
        ensure((own / printed - 1.0).abs() < 0.03, || format!("{name} {own:.0}, published {printed}"))?;
    }
    Ok(())
}

/// Sets that a config is drafted for, and the files it is drafted from where not all of the folder.
const DRAFTED: [(&str, &[&str]); 9] = [
    ("telco", &[]),
    ("bank", &[]),
    ("cdnow", &["CDNOW_master.txt"]),
    ("online_retail_ii", &[]),
    ("starbucks", &[]),
    ("complete_journey", &[]),
    ("hillstrom", &[]),
    ("beauty", &[]),
    ("gowalla", &["train.csv.gz", "test.csv.gz"]),
];

/// A test that says why it was not run.
fn absent(title: String, name: &str) -> Trial {
    let reason = format!("no {name} in $HOLDFAST_DATASETS or ../shared/datasets");
    let kind = reason.clone();
    // Run all the same (--ignored), it fails: it is never counted as passed.
    Trial::test(title, move || Err(reason.into())).with_kind(kind).with_ignored_flag(true)
}

/// A place to run one config.
struct Bench {
    name: &'static str,
    config: PathBuf,
    data: PathBuf,
    folder: TempDir,
}

impl Bench {
    fn new(name: &'static str, data: &Path) -> Bench {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/configs").join(format!("{name}.toml"));
        Bench { name, config, data: data.canonicalize().unwrap(), folder: TempDir::new().unwrap() }
    }

    fn run(&self, binary: &str, arguments: &[&str]) -> Outcome {
        let mut command = assert_cmd::Command::new(binary);
        command.env("HOLDFAST_DATASETS", &self.data).current_dir(self.folder.path()).args(arguments);
        Outcome::of(arguments, &mut command)
    }

    fn train(&self, command: &str, further: &[&str]) -> Outcome {
        let config = self.config.to_string_lossy();
        let arguments: Vec<&str> = [command, &config].into_iter().chain(further.iter().copied()).collect();
        self.run(env!("CARGO_BIN_EXE_holdfast-train"), &arguments)
    }

    fn measures(&self) -> Value {
        self.train("validate", &["--json"]).succeeds().json()
    }

    fn auc_at_least(&self, floor: f64) -> Result<(), Failed> {
        let answer = self.measures();
        let auc = number(&answer, &["churn", "auc"])?;
        ensure(auc >= floor, || format!("AUC {auc:.4}, expected {floor} or more"))?;
        ensure(answer["recommend"].is_null() || answer["recommend"]["reason"].is_string(), || format!("nothing to recommend here: {}", answer["recommend"]))
    }

    fn retail_measures(&self) -> Result<(), Failed> {
        let answer = self.measures();
        let (auc, ndcg) = (number(&answer, &["churn", "auc"])?, number(&answer, &["recommend", "ndcg@10"])?);
        ensure(auc >= 0.762, || format!("churn AUC {auc:.4}, the peer has .7617"))?;
        ensure(ndcg >= 0.365, || format!("NDCG@10 {ndcg:.4}, expected .365 or more"))
    }

    fn offer_test_measures(&self) -> Result<(), Failed> {
        let answer = self.measures();
        let (policy, best) = (number(&answer, &["decide", "policy_value"])?, number(&answer, &["decide", "best_arm_value"])?);
        ensure(answer["decide"]["best_arm"] == "Mens E-Mail", || format!("best arm {}", answer["decide"]["best_arm"]))?;
        // Published: 18.3 % of those with the men's e-mail came, 10.6 % of those without any.
        ensure((best - 0.183).abs() < 0.0006, || format!("the best arm is worth {best:.4}, published .183"))?;
        ensure(policy >= best - 0.001, || format!("the policy is worth {policy:.4}, the best arm {best:.4}"))?;
        let uplift = number(&answer, &["decide", "uplift@30"])?;
        ensure(uplift >= 0.066, || format!("uplift at 30 % is {uplift:.4}, expected .066 or more"))
    }

    /// Fits, scores, and counts rows: at least so many in each list, and every row read accounted for.
    fn fit_and_score(&self, at_risk: usize, offers: usize) -> Result<(), Failed> {
        self.train("fit", &[]).succeeds();
        let (config, bundle) = (self.config.to_string_lossy().into_owned(), format!("models/{}.hfb", self.name));
        self.run(env!("CARGO_BIN_EXE_holdfast-score"), &["run", &config, "--model", &bundle, "--out", "out"]).succeeds();
        for (name, floor) in [("risk.csv", at_risk), ("offers.csv", offers)] {
            let rows = Table::read(&self.folder.path().join("out").join(name)).len();
            ensure(rows >= floor, || format!("{name} has {rows} rows, expected {floor} or more"))?;
        }
        let record: Value = serde_json::from_str(&std::fs::read_to_string(self.folder.path().join("out/run.json"))?)?;
        let counts = row_counts(&record);
        ensure(!counts.is_empty(), || "run.json counts no rows".into())?;
        for [read, accepted, rejected, duplicates, skipped] in counts {
            ensure(read == accepted + rejected + duplicates + skipped, || format!("{read} read, but {accepted} + {rejected} + {duplicates} + {skipped}"))?;
        }
        Ok(())
    }

    /// The same customers, events, test events, kinds and windows.
    fn draft_finds_the_same(&self, files: &[&str]) -> Result<(), Failed> {
        let folder = self.data.join(self.name);
        let files: Vec<String> =
            if files.is_empty() { vec![folder.display().to_string()] } else { files.iter().map(|file| folder.join(file).display().to_string()).collect() };
        let arguments: Vec<&str> = ["init", "--out", "drafted.toml"].into_iter().chain(files.iter().map(String::as_str)).collect();
        self.run(env!("CARGO_BIN_EXE_holdfast-train"), &arguments).succeeds();
        let drafted = self.run(env!("CARGO_BIN_EXE_holdfast-train"), &["check", "drafted.toml", "--json"]).succeeds().json();
        let by_hand = self.train("check", &["--json"]).succeeds().json();
        for key in ["customers", "untimed_events", "test_events"] {
            ensure(drafted[key] == by_hand[key], || format!("{key}: {} drafted, {} by hand", drafted[key], by_hand[key]))?;
        }
        let bought = |report: &Value| report["events_by_kind"]["purchase"].clone();
        ensure(bought(&drafted) == bought(&by_hand), || format!("{} purchases drafted, {} by hand", bought(&drafted), bought(&by_hand)))?;
        let windows = |report: &Value| {
            report["windows"]
                .as_array()
                .map(|windows| windows.iter().map(|window| [&window["role"], &window["base"], &window["churn_rate"]].map(Value::clone)).collect::<Vec<_>>())
        };
        ensure(windows(&drafted) == windows(&by_hand), || format!("windows {:?} drafted, {:?} by hand", windows(&drafted), windows(&by_hand)))
    }

    fn check_reads(&self, numbers: &[&str]) -> Result<(), Failed> {
        let said = self.train("check", &[]).succeeds();
        let digits: String = said.stdout.chars().filter(|letter| !matches!(letter, ',' | '\u{202f}' | '_')).collect();
        numbers.iter().try_for_each(|count| ensure(digits.contains(count), || format!("no {count} in: {}", said.stdout)))
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

fn number(value: &Value, path: &[&str]) -> Result<f64, Failed> {
    let found = path.iter().fold(value, |value, key| &value[key]);
    found.as_f64().ok_or_else(|| format!("no number {} in {value}", path.join(".")).into())
}
