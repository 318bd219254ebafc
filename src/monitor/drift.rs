//! Whether the customers of a run look like those the model was trained on: amounts in cents, a column that came empty, another base.
//!
//! Only what is plainly out of the ordinary is told: seasons, campaigns and a growing shop move features all the time, and an alarm that
//! rings every week is not heard. How well the probabilities hold is what `measure` tells.

use crate::snapshot::{FeatureMatrix, FeatureSpec, FeatureValues};
use bincode::{Decode, Encode};
use rayon::prelude::*;

/// A number has changed where its deciles moved, on average, by as much as lay between the lowest and the highest of them.
const MOVED: f64 = 1.0;
/// A category, or how many have no value, where half of the customers would have to change.
const EXCHANGED: f64 = 0.5;
/// Either must be so many times what lay between the windows of training.
const BEYOND_USUAL: f64 = 3.0;
/// Fewest customers that are looked at.
const LEAST_ROWS: usize = 100;
/// Bins that deciles part.
const TENTHS: usize = 10;

/// How a feature lay among the customers of the newest window of training.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Spread {
    lay: Lay,
    /// The greatest change between the newest window and an older one of training; 0 where there is none.
    usual: f64,
}

/// Values of a feature, as far as they are kept.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
struct Lay {
    rows: u64,
    /// Share of the rows without a value.
    missing: f64,
    values: LayValues,
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
enum LayValues {
    /// The nine deciles; none where every value is missing.
    Number(Vec<f64>),
    /// Share of the rows by category.
    Category(Vec<f64>),
}

/// A feature that lies otherwise than in training.
#[derive(Debug, Clone, PartialEq)]
pub struct Drifted {
    /// Its name.
    pub name: String,
    /// What is otherwise, for people.
    pub what: String,
    /// How much, by which the worst comes first.
    change: f64,
}

/// How every feature lay in the windows of training, newest first; nothing without rows.
pub fn spreads(windows: &[&FeatureMatrix]) -> Vec<Spread> {
    let Some((newest, older)) = windows.split_first().filter(|(newest, _)| newest.rows > 0) else { return Vec::new() };
    let of_column = |column: usize| {
        let values = &newest.specs[column].values;
        let lay = Lay::of(newest.column(column).iter().copied(), values);
        let changes = older.iter().filter(|window| window.rows > 0).map(|window| lay.change(&Lay::of(window.column(column).iter().copied(), values)));
        let usual = changes.fold(0.0, f64::max);
        Spread { lay, usual }
    };
    (0..newest.columns()).into_par_iter().map(of_column).collect()
}

/// The features that lie otherwise among these rows than in training, the one that changed most first.
pub fn drifted(specs: &[FeatureSpec], spreads: &[Spread], rows: &[&[f64]]) -> Vec<Drifted> {
    if rows.len() < LEAST_ROWS {
        return Vec::new();
    }
    let of_feature = |(column, spread): (usize, &Spread)| {
        let then = &spread.lay;
        let now = Lay::of(rows.iter().map(|row| row[column]), &specs[column].values);
        let change = then.change(&now);
        let is_drift = then.rows as usize >= LEAST_ROWS && change > 1.0 && change > BEYOND_USUAL * spread.usual;
        is_drift.then(|| Drifted { name: specs[column].name.clone(), what: then.what(&now), change })
    };
    let mut found: Vec<Drifted> = spreads.par_iter().enumerate().filter_map(of_feature).collect();
    found.sort_by(|a, b| b.change.total_cmp(&a.change).then_with(|| a.name.cmp(&b.name)));
    found
}

impl Spread {
    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> Result<(), String> {
        let is_share = |share: &f64| (0.0..=1.0).contains(share);
        let fits = match &self.lay.values {
            LayValues::Number(deciles) => {
                (deciles.is_empty() || deciles.len() == TENTHS - 1) && deciles.iter().all(|decile| decile.is_finite()) && deciles.is_sorted()
            }
            LayValues::Category(shares) => shares.iter().all(is_share),
        };
        if !fits || !is_share(&self.lay.missing) || !(0.0..f64::INFINITY).contains(&self.usual) {
            return Err("how a feature lay in training is told by deciles that do not ascend, shares beyond 0 and 1, or a change below 0".into());
        }
        Ok(())
    }
}

impl Lay {
    fn of(values: impl Iterator<Item = f64>, of: &FeatureValues) -> Lay {
        let (mut rows, mut known) = (0_u64, Vec::new());
        for value in values {
            rows += 1;
            if !value.is_nan() {
                known.push(value);
            }
        }
        let share = |count: usize| count as f64 / (rows as f64).max(1.0);
        let missing = share(rows as usize - known.len());
        let values = match of {
            FeatureValues::Number => {
                known.sort_unstable_by(f64::total_cmp);
                LayValues::Number((1..TENTHS).filter_map(|tenth| known.get(known.len() * tenth / TENTHS).copied()).collect())
            }
            FeatureValues::Category { vocabulary } => {
                let mut counts = vec![0; vocabulary.len()];
                known.iter().for_each(|code| {
                    if let Some(count) = counts.get_mut(*code as usize) {
                        *count += 1;
                    }
                });
                LayValues::Category(counts.into_iter().map(share).collect())
            }
        };
        Lay { rows, missing, values }
    }

    /// How far another lies from this one; above 1 is out of the ordinary. What had no value at all in training was not learnt from.
    fn change(&self, other: &Lay) -> f64 {
        let missing = (self.missing - other.missing).abs() / EXCHANGED;
        match (&self.values, &other.values) {
            (LayValues::Number(then), _) if then.is_empty() => 0.0,
            (LayValues::Number(then), LayValues::Number(now)) if !now.is_empty() => {
                let moved = then.iter().zip(now).map(|(then, now)| (then - now).abs()).sum::<f64>() / then.len() as f64;
                let range = then[then.len() - 1] - then[0];
                // Where nearly all have the same value, that value is the measure; where that is 0, nothing is far.
                let most = |values: &[f64]| values.iter().map(|value| value.abs()).fold(0.0, f64::max);
                let measure = [range, most(then), most(now)].into_iter().find(|measure| *measure > 0.0).unwrap_or(1.0);
                (moved / measure / MOVED).max(missing)
            }
            (LayValues::Category(then), LayValues::Category(now)) => {
                let exchanged = then.iter().zip(now).map(|(then, now)| (then - now).abs()).sum::<f64>() / 2.0 + (self.missing - other.missing).abs() / 2.0;
                exchanged / EXCHANGED
            }
            _ => missing,
        }
    }

    /// What is otherwise.
    fn what(&self, now: &Lay) -> String {
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        match (&self.values, &now.values) {
            (LayValues::Number(then), LayValues::Number(now_values)) if !now_values.is_empty() && (self.missing - now.missing).abs() <= EXCHANGED => {
                format!("median {:.2}, in training {:.2}", now_values[TENTHS / 2 - 1], then[TENTHS / 2 - 1])
            }
            (LayValues::Category(_), LayValues::Category(_)) if (self.missing - now.missing).abs() <= EXCHANGED => {
                "other categories than in training".to_owned()
            }
            _ => format!("without a value {}, in training {}", percent(now.missing), percent(self.missing)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::random::uniform;

    fn spec(name: &str, values: FeatureValues) -> FeatureSpec {
        FeatureSpec { name: name.into(), unit: String::new(), meaning: String::new(), family: "money".into(), kinds: Vec::new(), values }
    }

    /// Rows of a number (uniform times `scale`, one in ten missing, or all) and a category of three.
    fn matrix(seed: u64, rows: usize, scale: f64, third: f64) -> FeatureMatrix {
        let number = |row| if scale.is_nan() || uniform(seed, row) < 0.1 { f64::NAN } else { scale * uniform(seed + 1, row) };
        let category = |row| if uniform(seed + 2, row) < third { 2.0 } else { f64::from(u8::from(uniform(seed + 3, row) < 0.5)) };
        let vocabulary = ["basic", "gold", "other"].map(String::from).to_vec();
        let specs = vec![spec("amount", FeatureValues::Number), spec("plan", FeatureValues::Category { vocabulary })];
        FeatureMatrix { specs, rows, data: (0..rows).map(number).chain((0..rows).map(category)).collect() }
    }

    fn found(spreads: &[Spread], now: &FeatureMatrix) -> Vec<String> {
        let rows: Vec<Vec<f64>> = (0..now.rows).map(|row| (0..2).map(|column| now.value(row, column)).collect()).collect();
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        drifted(&now.specs, spreads, &rows).into_iter().map(|drifted| format!("{}: {}", drifted.name, drifted.what)).collect()
    }

    #[test]
    fn amounts_in_cents_and_columns_that_came_empty_are_noticed_and_the_same_customers_are_not() {
        let then = matrix(1, 2_000, 10.0, 0.2);
        let spreads = spreads(&[&then]);
        assert!(spreads.iter().all(|spread| spread.validate().is_ok()));
        for seed in 10..40 {
            assert!(found(&spreads, &matrix(seed, 150, 10.0, 0.2)).is_empty());
            // Half as much again is a good season.
            assert!(found(&spreads, &matrix(seed, 150, 15.0, 0.4)).is_empty());
        }
        let cents = found(&spreads, &matrix(50, 300, 1_000.0, 0.2));
        assert!(cents.len() == 1 && cents[0].starts_with("amount: median ") && cents[0].contains(", in training "), "{cents:?}");
        let empty = found(&spreads, &matrix(50, 300, f64::NAN, 0.2));
        assert!(empty.len() == 1 && empty[0].starts_with("amount: without a value 100 %, in training "), "{empty:?}");
        assert_eq!(found(&spreads, &matrix(50, 300, 10.0, 0.9)), ["plan: other categories than in training"]);
    }

    #[test]
    fn what_changes_as_much_from_window_to_window_is_no_drift() {
        let (newest, older, now) = (matrix(1, 2_000, 10.0, 0.2), matrix(2, 2_000, 2.0, 0.2), matrix(3, 2_000, 32.0, 0.2));
        assert_eq!(found(&spreads(&[&newest]), &now).len(), 1);
        assert!(found(&spreads(&[&newest, &older]), &now).is_empty());
    }

    #[test]
    fn a_few_customers_and_features_that_training_had_no_value_of_say_nothing() {
        let then = matrix(1, 2_000, 10.0, 0.2);
        assert!(found(&spreads(&[&then]), &matrix(9, 99, 1_000.0, 0.2)).is_empty());
        assert!(found(&spreads(&[&matrix(1, 2_000, f64::NAN, 0.2)]), &matrix(9, 300, 10.0, 0.2)).is_empty());
        assert!(spreads(&[&matrix(1, 0, 1.0, 0.0)]).is_empty() && spreads(&[]).is_empty());
    }
}
