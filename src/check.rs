//! The data only: rows read, accepted, rejected and why, what each column holds, what is missing for which model.

use crate::config::{Config, Definition};
use crate::error::Result;
use crate::evaluate::tail::thin_end;
use crate::exports::{Exports, FileCounts};
use crate::snapshot::label::ChurnRule;
use crate::timeline::{NO_INDEX, ProfileValues};
use crate::train;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the exports hold.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// Rows per source and file.
    pub files: Vec<FileCounts>,
    /// Rejected rows by class, with the first place of each.
    pub rejects: Vec<RejectClass>,
    /// Customers.
    pub customers: usize,
    /// Items, and how many of them may be recommended.
    pub items: usize,
    /// See `items`.
    pub recommendable_items: usize,
    /// Events with time, by kind.
    pub events_by_kind: BTreeMap<String, usize>,
    /// Events with time, by channel.
    pub events_by_channel: BTreeMap<String, usize>,
    /// Events of sources without time, and of sources with `role = "test"`.
    pub untimed_events: usize,
    /// See `untimed_events`.
    pub test_events: usize,
    /// First and last day with an event.
    pub first_day: Option<String>,
    /// See `first_day`.
    pub last_day: Option<String>,
    /// What each profile column holds.
    pub columns: Vec<ColumnReport>,
    /// The windows that training would use.
    pub windows: Vec<WindowReport>,
    /// Customers of the newest window that a plain logistic regression would put into each tier: what `fit` says is more exact. Empty
    /// without a churn model.
    pub tiers: Vec<(String, usize)>,
    /// What each model needs that is missing.
    pub missing: BTreeMap<String, String>,
    /// What was noticed.
    pub notes: Vec<String>,
}

/// Rejected rows of one class.
#[derive(Debug, Clone, Serialize)]
pub struct RejectClass {
    /// The class.
    pub class: String,
    /// How many of the rows kept for rejects.csv.
    pub rows: usize,
    /// The first place: file, line, column.
    pub first: String,
}

/// A profile column.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnReport {
    /// Its name.
    pub name: String,
    /// `number`, `date` or `category`.
    pub holds: &'static str,
    /// Share of rows without a value.
    pub missing: f64,
    /// Least and largest number or date, or the number of categories and the most frequent one.
    pub values: String,
    /// Whether it serves past cut-offs; if not, event-based models leave it out.
    pub serves_past: bool,
}

/// A window.
#[derive(Debug, Clone, Serialize)]
pub struct WindowReport {
    /// `test`, `choose` or `fit`.
    pub role: &'static str,
    /// Its cut-off.
    pub cutoff: String,
    /// Customers in the base.
    pub base: usize,
    /// Share that left within the horizon.
    pub churn_rate: f64,
}

/// Looks at the exports as training would.
///
/// # Errors
/// 78 when the definition of churn names what the exports do not have.
pub fn check(config: &Config, exports: &Exports) -> Result<CheckReport> {
    let store = &exports.events;
    let mut by_channel = vec![0; store.channels.len()];
    store.channel.iter().filter(|channel| **channel != u16::MAX).for_each(|channel| by_channel[*channel as usize] += 1);
    let named = |names: &[String], counts: Vec<usize>| names.iter().cloned().zip(counts).collect();
    let mut report = CheckReport {
        files: exports.counts.clone(),
        rejects: rejects(exports),
        customers: exports.customers.len(),
        items: exports.items.ids.len(),
        recommendable_items: if exports.items.recommendable.is_empty() {
            exports.items.ids.len()
        } else {
            exports.items.recommendable.iter().filter(|may| **may).count()
        },
        events_by_kind: named(&store.kinds, store.kind_counts()),
        events_by_channel: named(&store.channels, by_channel),
        untimed_events: exports.untimed.len(),
        test_events: exports.truth.len(),
        first_day: store.time_range().map(|(first, _)| first.date()),
        last_day: store.time_range().map(|(_, last)| last.date()),
        columns: exports.profiles.iter().flat_map(|table| &table.columns).map(column).collect(),
        windows: Vec::new(),
        tiers: train::expected_tiers(config, exports)?,
        missing: BTreeMap::new(),
        notes: exports.all_notes(),
    };
    let rule = ChurnRule::new(exports, &config.churn)?;
    match &config.churn.definition {
        Definition::None => {
            report.missing.insert("churn".into(), "the config says [churn] definition = \"none\"".into());
        }
        Definition::Label => {
            let known = exports.labels.iter().flatten().count();
            let left = exports.labels.iter().flatten().filter(|left| **left).count();
            if left == 0 || left == known {
                report.missing.insert("churn".into(), format!("{left} of {known} labels say that the customer left: nothing to tell apart"));
            }
            report.windows.push(WindowReport { role: "label", cutoff: String::new(), base: known, churn_rate: left as f64 / known.max(1) as f64 });
        }
        Definition::Inactivity | Definition::Subscription { .. } => {
            let (end, cut_short) = train::end_of_data(config, exports);
            report.notes.extend(thin_end(&exports.events, &config.churn, train::latest(exports)).or(cut_short));
            let windows = train::windows(config, exports, end)?;
            for cutoff in windows.all() {
                let role = match Some(cutoff) {
                    role if role == windows.test => "test",
                    role if role == windows.choose => "choose",
                    _ => "fit",
                };
                let (base, left) = rule.base(cutoff);
                let churn_rate = left.iter().filter(|left| **left).count() as f64 / base.len().max(1) as f64;
                report.windows.push(WindowReport { role, cutoff: cutoff.date(), base: base.len(), churn_rate });
            }
            if report.windows.is_empty() {
                report.missing.insert(
                    "churn".into(),
                    format!("the history is shorter than a horizon of {:.0} days and as much before it", config.churn.horizon.as_days()),
                );
            } else if !rule.has_life() && config.churn.definition == Definition::Inactivity {
                report.missing.insert("churn".into(), format!("no event is of the kinds that count as alive ({})", config.churn.kinds.join(", ")));
            }
        }
    }
    if store.item.is_empty() && exports.untimed.item.is_empty() {
        report.missing.insert("recommend".into(), "no source of events names items".into());
    }
    Ok(report)
}

fn rejects(exports: &Exports) -> Vec<RejectClass> {
    let mut classes: BTreeMap<&str, RejectClass> = BTreeMap::new();
    for reject in &exports.rejects {
        let entry = classes.entry(reject.class).or_insert_with(|| RejectClass {
            class: reject.class.into(),
            rows: 0,
            first: format!(
                "{}:{}{}",
                reject.file.display(),
                reject.line,
                if reject.column.is_empty() { String::new() } else { format!(", column {}", reject.column) }
            ),
        });
        entry.rows += 1;
    }
    classes.into_values().collect()
}

fn column(column: &crate::timeline::ProfileColumn) -> ColumnReport {
    let (holds, rows, missing, values) = match &column.values {
        ProfileValues::Number(values) => {
            let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            let (least, largest) = known.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, largest), value| (least.min(*value), largest.max(*value)));
            ("number", values.len(), values.len() - known.len(), if known.is_empty() { String::new() } else { format!("{least} to {largest}") })
        }
        ProfileValues::Date(values) => {
            let known: Vec<i64> = values.iter().copied().filter(|value| *value != i64::MIN).collect();
            let day = |value: Option<&i64>| value.map_or(String::new(), |value| crate::timeline::Moment(*value).date());
            ("date", values.len(), values.len() - known.len(), format!("{} to {}", day(known.iter().min()), day(known.iter().max())))
        }
        ProfileValues::Category { codes, names } => {
            let mut counts = vec![0_usize; names.len()];
            codes.iter().filter(|code| **code != NO_INDEX).for_each(|code| counts[*code as usize] += 1);
            let known: usize = counts.iter().sum();
            let top = (0..names.len()).max_by(|a, b| counts[*a].cmp(&counts[*b]).then(b.cmp(a)));
            ("category", codes.len(), codes.len() - known, top.map_or(String::new(), |top| format!("{} categories, most often {}", names.len(), names[top])))
        }
    };
    ColumnReport { name: column.name.clone(), holds, missing: missing as f64 / rows.max(1) as f64, values, serves_past: column.serves_past }
}
