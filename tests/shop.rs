//! A shop in a temporary folder, and what the binaries make of it.
//!
//! ```text
//! Shop::new().customer("ann").buys("tea", "2024-01-05").customer("bob").buys_every(7, "tea", "2024-01-01", "2024-06-01")
//!     .fit().succeeds();
//! ```

use assert_cmd::Command;
use jiff::civil::Date;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The config that fits the files of [`Shop::customer`] and [`Shop::buys`].
pub const CONFIG: &str = r#"[project]
name = "shop"
currency = "EUR"
[[events]]
files = ["orders.csv"]
customer = "customer"
time = "date"
kind = { value = "purchase" }
item = "item"
basket = "order"
quantity = "quantity"
price = "price"
[churn]
definition = "inactivity"
active_within = "90d"
horizon = "30d"
"#;

/// A folder with exports and a config. Rows are written in the order told.
pub struct Shop {
    folder: TempDir,
    customer: String,
    rows: Vec<String>,
    orders: u32,
    config: String,
    told: bool,
}

impl Shop {
    /// No customers yet, and [`CONFIG`].
    pub fn new() -> Shop {
        Shop { folder: TempDir::new().unwrap(), customer: String::new(), rows: Vec::new(), orders: 0, config: CONFIG.into(), told: true }
    }

    /// What `simulate` writes for this many customers.
    pub fn simulated(customers: u64, seed: u64) -> Shop {
        let shop = Shop { told: false, ..Shop::new() };
        holdfast::simulate::simulate(&holdfast::simulate::ShopPlan::new(customers, seed), shop.path()).unwrap();
        shop
    }

    /// 240 customers who buy one of six things every 5 to 16 days from January 2023; a third stops, one after the other. Enough to learn from.
    pub fn lively() -> Shop {
        let mut shop = Shop::new();
        for number in 0..240_u32 {
            let gap = 5 + number % 12;
            let end = if number % 3 == 0 { date("2023-04-01") + jiff::Span::new().days(i64::from(number) * 37 % 560) } else { date("2024-10-31") };
            let item = ["tea", "soap", "mugs", "pens", "rugs", "salt"][(number % 6) as usize];
            let start = date("2023-01-01") + jiff::Span::new().days(number % 28);
            shop = shop.customer(&format!("c{number:03}")).buys_every(gap, item, &start.to_string(), &end.to_string());
        }
        shop
    }

    /// From here on `buys` speaks of this customer.
    pub fn customer(mut self, id: &str) -> Shop {
        self.customer = id.into();
        self
    }

    /// One order of one piece at 10.
    pub fn buys(mut self, item: &str, day: &str) -> Shop {
        self.orders += 1;
        self.rows.push(format!("{},{},{day},{item},1,10", self.orders, self.customer));
        self
    }

    /// An order every so many days, from a day to before another.
    pub fn buys_every(mut self, days: u32, item: &str, from: &str, before: &str) -> Shop {
        let (mut day, end) = (date(from), date(before));
        while day < end {
            self = self.buys(item, &day.to_string());
            day = day.saturating_add(jiff::Span::new().days(days));
        }
        self
    }

    /// A line of orders.csv as it stands.
    pub fn row(mut self, line: &str) -> Shop {
        self.rows.push(line.into());
        self
    }

    /// Another config.
    pub fn config(mut self, text: &str) -> Shop {
        self.config = text.into();
        self.told = true;
        self
    }

    /// The config with one text replaced, which has to be there.
    pub fn config_with(mut self, from: &str, to: &str) -> Shop {
        let path = self.path().join("shop.toml");
        let config = if self.told { self.config.clone() } else { std::fs::read_to_string(&path).unwrap() };
        assert!(config.contains(from), "the config has no {from:?}");
        self.config = config.replacen(from, to, 1);
        if !self.told {
            std::fs::write(path, &self.config).unwrap();
        }
        self
    }

    /// A further file.
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Shop {
        std::fs::write(self.path().join(name), bytes).unwrap();
        self
    }

    /// The rows of orders.csv in reverse.
    pub fn reversed(mut self) -> Shop {
        self.rows.reverse();
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where `score` writes.
    pub fn out(&self) -> PathBuf {
        self.path().join("out")
    }

    /// Where `fit` leaves the bundle.
    pub fn bundle(&self) -> PathBuf {
        self.path().join("models/shop.hfb")
    }

    /// `holdfast-train` in the folder, with these arguments.
    pub fn train(&self, arguments: &[&str]) -> Outcome {
        self.write();
        run(env!("CARGO_BIN_EXE_holdfast-train"), self.path(), arguments)
    }

    /// `holdfast-score` in the folder, with these arguments.
    pub fn scoring(&self, arguments: &[&str]) -> Outcome {
        self.write();
        run(env!("CARGO_BIN_EXE_holdfast-score"), self.path(), arguments)
    }

    /// `holdfast-train fit shop.toml`.
    pub fn fit(&self) -> Outcome {
        self.train(&["fit", "shop.toml"])
    }

    /// `holdfast-score run shop.toml` into [`Shop::out`].
    pub fn score(&self) -> Outcome {
        self.scoring(&["run", "shop.toml", "--model", "models/shop.hfb", "--out", "out"])
    }

    /// A file that `score` wrote.
    pub fn output(&self, name: &str) -> String {
        let path = self.out().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A table that `score` wrote.
    pub fn table(&self, name: &str) -> Table {
        Table::read(&self.out().join(name))
    }

    /// run.json.
    pub fn record(&self) -> Value {
        serde_json::from_str(&self.output("run.json")).unwrap()
    }

    /// The visible files of the output folder and of the folders in it, in order of name.
    pub fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![(self.out(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.map(Result::unwrap) {
                let name = entry.file_name().to_string_lossy().into_owned();
                if entry.path().is_dir() {
                    folders.push((entry.path(), format!("{prefix}{name}/")));
                } else if !name.starts_with('.') {
                    names.push(format!("{prefix}{name}"));
                }
            }
        }
        names.sort();
        names
    }

    fn write(&self) {
        if !self.told {
            return;
        }
        std::fs::write(self.path().join("shop.toml"), &self.config).unwrap();
        if !self.rows.is_empty() {
            let mut text = String::from("order,customer,date,item,quantity,price\n");
            for row in &self.rows {
                writeln!(text, "{row}").unwrap();
            }
            std::fs::write(self.path().join("orders.csv"), text).unwrap();
        }
    }
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Runs a binary in a folder.
fn run(binary: &str, folder: &Path, arguments: &[&str]) -> Outcome {
    Outcome::of(arguments, Command::new(binary).current_dir(folder).args(arguments))
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    arguments: String,
    code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Outcome {
    /// Of a command that was given these arguments.
    pub fn of(arguments: &[&str], command: &mut Command) -> Outcome {
        let output = command.output().unwrap();
        Outcome {
            arguments: arguments.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It ended with this code, whatever it said.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Outcome {
        assert_eq!(self.code, Some(code), "{}: {}{}", self.arguments, self.stdout, self.stderr);
        self
    }

    /// It ended with 0.
    #[track_caller]
    pub fn succeeds(self) -> Outcome {
        self.ends_with(0)
    }

    /// It ended with this code and said one line.
    #[track_caller]
    pub fn fails(self, code: i32) -> Outcome {
        let this = self.ends_with(code);
        assert_eq!(this.stderr.trim_end().lines().count(), 1, "{}: one line is enough: {}", this.arguments, this.stderr);
        this
    }

    /// Its line names all of this.
    #[track_caller]
    pub fn naming(self, parts: &[&str]) -> Outcome {
        for part in parts {
            assert!(self.stderr.contains(part), "{}: no {part:?} in: {}", self.arguments, self.stderr);
        }
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{}: {error}: {}", self.arguments, self.stdout))
    }
}

/// A CSV file as written.
#[derive(Debug)]
pub struct Table {
    /// The header.
    pub header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a file; every row must have the header's length.
    pub fn read(path: &Path) -> Table {
        let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let header = reader.headers().unwrap().iter().map(String::from).collect();
        let rows = reader.records().map(|row| row.unwrap().iter().map(String::from).collect()).collect();
        Table { header, rows }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// A column as text.
    #[track_caller]
    pub fn column(&self, name: &str) -> Vec<&str> {
        let index = self.header.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name} in {:?}", self.header));
        self.rows.iter().map(|row| row[index].as_str()).collect()
    }

    /// A column as numbers.
    #[track_caller]
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.column(name).iter().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is no number"))).collect()
    }

    /// What a column says where `customer_id` is this.
    #[track_caller]
    pub fn of(&self, customer: &str, name: &str) -> &str {
        let row = self.column("customer_id").iter().position(|id| *id == customer).unwrap_or_else(|| panic!("no row of {customer}"));
        self.column(name)[row]
    }
}

/// Every object with the five counts of rows, wherever it stands.
pub fn row_counts(value: &Value) -> Vec<[u64; 5]> {
    let mut found = Vec::new();
    let names = ["read", "accepted", "rejected", "duplicates", "skipped"];
    if let Some(counts) = names.iter().map(|name| value.get(name).and_then(Value::as_u64)).collect::<Option<Vec<u64>>>() {
        found.push([counts[0], counts[1], counts[2], counts[3], counts[4]]);
    }
    match value {
        Value::Object(members) => members.values().for_each(|member| found.extend(row_counts(member))),
        Value::Array(members) => members.iter().for_each(|member| found.extend(row_counts(member))),
        _ => {}
    }
    found
}
