//! What is known of a customer on the day of a contact, by which effects may differ: who they are, how long and how much they have bought.
//!
//! Few and plain on purpose: effects are small beside noise, and every further column costs certainty.

use crate::exports::Exports;
use crate::snapshot::learned::RARE;
use crate::snapshot::{FeatureSpec, FeatureValues};
use crate::timeline::{History, Moment, ProfileValues};

/// More categories than this say too little each.
const MOST_CATEGORIES: usize = 20;

/// A column of a profile table.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    table: usize,
    column: usize,
    /// For categories: the code of each of the table's names; `NaN` for rare ones.
    codes: Vec<f64>,
}

/// The columns, found once for all customers and days.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Covariates {
    /// What each value is.
    pub(super) specs: Vec<FeatureSpec>,
    columns: Vec<Column>,
    /// By kind of event: whether it counts as alive.
    alive: Vec<bool>,
    has_amount: bool,
}

impl Covariates {
    /// The columns of these exports. `alive` are the kinds of event that count as signs of life. Columns of a table without time serve a past
    /// day only where the config says that they do.
    pub(super) fn new(exports: &Exports, alive: &[String]) -> Covariates {
        let store = &exports.events;
        let mut covariates = Covariates {
            alive: store.kinds.iter().map(|kind| alive.contains(kind)).collect(),
            has_amount: store.amount.iter().any(|amount| !amount.is_nan()),
            ..Covariates::default()
        };
        let number = |name: &str, unit: &str| FeatureSpec {
            name: name.into(),
            unit: unit.into(),
            meaning: name.into(),
            family: "contact".into(),
            kinds: Vec::new(),
            values: FeatureValues::Number,
        };
        covariates.specs = vec![number("tenure", "days"), number("days_since_last", "days"), number("orders", "orders"), number("usual_gap", "days")];
        if covariates.has_amount {
            covariates.specs.push(number("value", "money"));
        }
        for (table, profiles) in exports.profiles.iter().enumerate() {
            for (column, values) in profiles.columns.iter().enumerate().filter(|(_, values)| values.serves_past || !profiles.time.is_empty()) {
                let mut codes = Vec::new();
                let mut spec = number(&values.name, "");
                if let ProfileValues::Category { codes: rows, names } = &values.values {
                    let mut counts = vec![0usize; names.len()];
                    for code in rows {
                        if let Some(count) = counts.get_mut(*code as usize) {
                            *count += 1;
                        }
                    }
                    let mut vocabulary = Vec::new();
                    codes = vec![f64::NAN; names.len()];
                    for (name, _) in counts.iter().enumerate().filter(|(_, count)| **count >= RARE) {
                        codes[name] = vocabulary.len() as f64;
                        vocabulary.push(names[name].clone());
                    }
                    if vocabulary.len() < 2 || vocabulary.len() > MOST_CATEGORIES {
                        continue;
                    }
                    spec.values = FeatureValues::Category { vocabulary };
                }
                covariates.specs.push(spec);
                covariates.columns.push(Column { table, column, codes });
            }
        }
        covariates
    }

    /// The values of a customer on the day of the history's cut-off, in the order of the specs; `NaN` where missing.
    pub(super) fn row(&self, exports: &Exports, history: &History<'_>) -> Vec<f64> {
        let cutoff = history.cutoff;
        let (mut first, mut last, mut orders, mut value) = (None::<Moment>, None::<Moment>, 0.0, 0.0);
        let year = cutoff.minus(crate::config::Span::days(365));
        for event in history.events() {
            first.get_or_insert(event.time());
            if !self.alive[usize::from(event.kind())] {
                continue;
            }
            // Lines of one order stand at one time.
            if last != Some(event.time()) {
                orders += 1.0;
            }
            last = Some(event.time());
            if event.time() >= year {
                value += event.amount().unwrap_or(0.0);
            }
        }
        let days = |moment: Option<Moment>| moment.map_or(f64::NAN, |moment| cutoff.days_since(moment));
        let gap = if orders > 1.0 { (days(first) - days(last)) / (orders - 1.0) } else { f64::NAN };
        let mut row = vec![days(first), days(last), orders, gap];
        if self.has_amount {
            row.push(value);
        }
        for Column { table, column, codes } in &self.columns {
            let table = &exports.profiles[*table];
            let at = table.row_at(history.customer, cutoff);
            row.push(at.map_or(f64::NAN, |at| table.columns[*column].number(at, cutoff, |code| codes[code as usize])));
        }
        row
    }
}
