//! SELFTEST: made-up customers with the results the models gave for them when the bundle was written.
//!
//! In: the models of a bundle behind two closures. Out: rows and results to keep, or the first result that differs. Every row and
//! history comes from the seed; none from a customer. Probabilities must agree to the last bit; scores of the recommender, which
//! may come from kernels that differ by processor, to one part in 10^5 with the same items in the same places unless tied.

use crate::recommend::ItemEvent;
use crate::snapshot::{FeatureMatrix, FeatureSpec, FeatureValues};
use bincode::{Decode, Encode};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Made-up feature rows.
const ROWS: usize = 32;
/// Made-up item histories.
const HISTORIES: usize = 8;
/// Items recommended to each of them.
const TOP: usize = 10;
/// Items that histories are made of: those recommended to a customer without a history.
const KNOWN_ITEMS: usize = 256;
/// Agreement asked of scores, relative to the larger of 1 and the score.
const TOLERANCE: f32 = 1e-5;

/// Gives a probability for each row.
pub(super) type Probabilities<'a> = &'a dyn Fn(&FeatureMatrix) -> Vec<f64>;
/// Gives the best items with their scores for each history, best first.
pub(super) type Recommendations<'a> = &'a dyn Fn(&[Vec<ItemEvent>], usize) -> Vec<Vec<(u32, f32)>>;

/// What the section holds.
#[derive(Debug, Clone, Encode, Decode)]
pub(super) struct SelfTest {
    /// Column-major feature values, as bits; empty without a churn model.
    rows: Vec<u64>,
    /// Expected probabilities, as bits, one per row.
    probabilities: Vec<u64>,
    /// Item histories; empty without a recommender.
    histories: Vec<Vec<HistoryItem>>,
    /// Expected items and scores, best first.
    recommended: Vec<Vec<Expected>>,
}

#[derive(Debug, Clone, Encode, Decode)]
struct HistoryItem {
    item: u32,
    days_ago: f32,
    weight: f32,
}

#[derive(Debug, Clone, Encode, Decode)]
struct Expected {
    item: u32,
    score: f32,
}

impl SelfTest {
    /// Makes up customers from the seed and keeps what the models say of them.
    pub(super) fn record(seed: u64, specs: &[FeatureSpec], probabilities: Option<Probabilities<'_>>, recommend: Option<Recommendations<'_>>) -> SelfTest {
        let mut test = SelfTest { rows: Vec::new(), probabilities: Vec::new(), histories: Vec::new(), recommended: Vec::new() };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        if let Some(probabilities) = probabilities {
            let matrix = made_up_rows(&mut random, specs);
            test.rows = matrix.data.iter().map(|value| value.to_bits()).collect();
            test.probabilities = probabilities(&matrix).iter().map(|value| value.to_bits()).collect();
        }
        if let Some(recommend) = recommend {
            let known = known_items(recommend);
            test.histories = (0..HISTORIES).map(|number| made_up_history(&mut random, &known, number)).collect();
            let lists = recommend(&test.item_events(), TOP);
            test.recommended = lists.into_iter().map(|list| list.into_iter().map(|(item, score)| Expected { item, score }).collect()).collect();
        }
        test
    }

    /// Rows and histories kept.
    pub(super) fn count(&self) -> u64 {
        (self.probabilities.len() + self.histories.len()) as u64
    }

    /// Asks the models again.
    pub(super) fn check(&self, specs: &[FeatureSpec], probabilities: Option<Probabilities<'_>>, recommend: Option<Recommendations<'_>>) -> Result<(), String> {
        match probabilities {
            None if self.rows.is_empty() && self.probabilities.is_empty() => {}
            None => return Err("it has rows for a churn model that is not there".to_string()),
            Some(probabilities) => self.check_probabilities(specs, probabilities)?,
        }
        match recommend {
            None if self.histories.is_empty() && self.recommended.is_empty() => Ok(()),
            None => Err("it has histories for a recommender that is not there".to_string()),
            Some(recommend) => self.check_recommended(recommend),
        }
    }

    fn check_probabilities(&self, specs: &[FeatureSpec], probabilities: Probabilities<'_>) -> Result<(), String> {
        if self.probabilities.len() != ROWS || self.rows.len() != ROWS * specs.len() {
            return Err(format!(
                "it has {} values and {} results, expected {ROWS} rows of {} features",
                self.rows.len(),
                self.probabilities.len(),
                specs.len()
            ));
        }
        let matrix = FeatureMatrix { specs: specs.to_vec(), rows: ROWS, data: self.rows.iter().map(|bits| f64::from_bits(*bits)).collect() };
        for (column, spec) in specs.iter().enumerate() {
            if let Some(value) = matrix.column(column).iter().find(|value| !is_plausible(**value, spec)) {
                return Err(format!("its value {value} cannot be a value of {}", spec.name));
            }
        }
        let found = probabilities(&matrix);
        if found.len() != ROWS {
            return Err(format!("the churn model gave {} probabilities for {ROWS} rows", found.len()));
        }
        for (row, (found, expected)) in found.iter().zip(&self.probabilities).enumerate() {
            if !(0.0..=1.0).contains(found) {
                return Err(format!("row {row} has the probability {found}"));
            }
            if found.to_bits() != *expected {
                return Err(format!("row {row} has the probability {found}, expected {}", f64::from_bits(*expected)));
            }
        }
        Ok(())
    }

    fn check_recommended(&self, recommend: Recommendations<'_>) -> Result<(), String> {
        if self.histories.len() != HISTORIES || self.recommended.len() != HISTORIES {
            return Err(format!("it has {} histories and {} lists, expected {HISTORIES} of each", self.histories.len(), self.recommended.len()));
        }
        // An item that is not in the catalogue must not reach the model: its tables are as long as the catalogue.
        let known = known_items(recommend);
        for event in self.histories.iter().flatten() {
            if !known.contains(&event.item) || !event.days_ago.is_finite() || event.days_ago < 0.0 || !event.weight.is_finite() {
                return Err(format!("a history has the item {}, {} days ago, with weight {}", event.item, event.days_ago, event.weight));
            }
        }
        let lists = recommend(&self.item_events(), TOP);
        for (number, expected) in self.recommended.iter().enumerate() {
            let found = lists.get(number).map(Vec::as_slice).unwrap_or_default();
            if !agree(found, expected) {
                return Err(format!("history {number} is offered other items or scores than when the bundle was written"));
            }
        }
        Ok(())
    }

    fn item_events(&self) -> Vec<Vec<ItemEvent>> {
        let event = |kept: &HistoryItem| ItemEvent { item: kept.item, days_ago: kept.days_ago, weight: kept.weight };
        self.histories.iter().map(|history| history.iter().map(event).collect()).collect()
    }
}

/// Items that the recommender has for sure: what it offers to a customer without a history.
fn known_items(recommend: Recommendations<'_>) -> Vec<u32> {
    recommend(&[Vec::new()], KNOWN_ITEMS).into_iter().flatten().map(|(item, _)| item).collect()
}

/// The same scores within the tolerance, and at each place the same item unless its score ties with a neighbour's (or the last
/// one's with what was cut off).
fn agree(found: &[(u32, f32)], expected: &[Expected]) -> bool {
    let close = |a: f32, b: f32| (a - b).abs() <= TOLERANCE * b.abs().max(1.0);
    let tied = |place: usize| {
        let neighbours = [place.checked_sub(1), Some(place + 1)];
        place + 1 == expected.len()
            || neighbours.into_iter().flatten().any(|other| expected.get(other).is_some_and(|other| close(other.score, expected[place].score)))
    };
    found.len() == expected.len()
        && found.iter().zip(expected).enumerate().all(|(place, (found, expected))| close(found.1, expected.score) && (found.0 == expected.item || tied(place)))
}

fn is_plausible(value: f64, spec: &FeatureSpec) -> bool {
    match &spec.values {
        FeatureValues::Number => !value.is_infinite(),
        FeatureValues::Category { vocabulary } => value.is_nan() || (value >= 0.0 && value < vocabulary.len() as f64 && value.fract().abs() < f64::EPSILON),
    }
}

/// A fraction in [0, 1) with 53 bits.
fn fraction(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    ((fraction(random) * bound as f64) as usize).min(bound.saturating_sub(1))
}

fn made_up_rows(random: &mut ChaCha8Rng, specs: &[FeatureSpec]) -> FeatureMatrix {
    let mut data = Vec::with_capacity(ROWS * specs.len());
    for spec in specs {
        for _ in 0..ROWS {
            let value = made_up_value(random, spec);
            data.push(if below(random, 10) == 0 { f64::NAN } else { value });
        }
    }
    FeatureMatrix { specs: specs.to_vec(), rows: ROWS, data }
}

/// A value of the size that its unit suggests, so that different branches of the trees are walked.
fn made_up_value(random: &mut ChaCha8Rng, spec: &FeatureSpec) -> f64 {
    let part = fraction(random);
    match &spec.values {
        FeatureValues::Category { vocabulary } => below(random, vocabulary.len()) as f64,
        FeatureValues::Number => match spec.unit.as_str() {
            "share" => part,
            "days" => (part * part * 720.0).round(),
            "orders" | "events" | "count" | "items" => (part * part * 50.0).round(),
            // Most amounts are small and some are large.
            _ => part * part * part * 2_000.0,
        },
    }
}

/// A history of up to 12 events; the first is empty, as a customer's who is new.
fn made_up_history(random: &mut ChaCha8Rng, known: &[u32], number: usize) -> Vec<HistoryItem> {
    if number == 0 || known.is_empty() {
        return Vec::new();
    }
    (0..1 + below(random, 12)).map(|_| HistoryItem { item: known[below(random, known.len())], days_ago: below(random, 365) as f32, weight: 1.0 }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn specs() -> Vec<FeatureSpec> {
        let spec = |name: &str, unit: &str, values| FeatureSpec {
            name: name.into(),
            unit: unit.into(),
            meaning: String::new(),
            family: String::new(),
            kinds: Vec::new(),
            values,
        };
        vec![
            spec("recency", "days", FeatureValues::Number),
            spec("plan", "", FeatureValues::Category { vocabulary: vec!["a".into(), "b".into(), "other".into()] }),
        ]
    }

    fn model(matrix: &FeatureMatrix) -> Vec<f64> {
        (0..matrix.rows).map(|row| if matrix.value(row, 0) > 90.0 { 0.8 } else { 0.1 + matrix.value(row, 1).max(0.0) / 10.0 }).collect()
    }

    /// Offers what comes after the last item bought.
    fn shop(histories: &[Vec<ItemEvent>], count: usize) -> Vec<Vec<(u32, f32)>> {
        histories
            .iter()
            .map(|history| {
                (0..count.min(20) as u32).map(|place| ((history.last().map_or(0, |event| event.item) + place) % 20, 1.0 / (1.0 + place as f32))).collect()
            })
            .collect()
    }

    #[test]
    fn models_that_say_the_same_pass() {
        let test = SelfTest::record(7, &specs(), Some(&model), Some(&shop));
        assert_eq!(test.count(), 40);
        assert_eq!(test.check(&specs(), Some(&model), Some(&shop)), Ok(()));
    }

    #[test]
    fn the_made_up_customers_differ_and_come_from_the_seed_alone() {
        let test = SelfTest::record(7, &specs(), Some(&model), Some(&shop));
        let again = SelfTest::record(7, &specs(), Some(&model), Some(&shop));
        assert_eq!((&test.rows, &test.probabilities), (&again.rows, &again.probabilities));
        assert_ne!(test.rows, SelfTest::record(8, &specs(), Some(&model), None).rows);
        let mut results = test.probabilities.clone();
        results.sort_unstable();
        results.dedup();
        assert!(results.len() >= 3, "the rows walk one branch only");
    }

    #[test]
    fn a_probability_that_differs_in_its_last_bit_is_found() {
        let test = SelfTest::record(7, &specs(), Some(&model), None);
        let nudged = |matrix: &FeatureMatrix| model(matrix).into_iter().map(|p| f64::from_bits(p.to_bits() + 1)).collect::<Vec<_>>();
        assert!(test.check(&specs(), Some(&nudged), None).unwrap_err().contains("row 0 has the probability"));
    }

    #[test]
    fn scores_may_differ_by_their_last_bits_and_ties_may_swap() {
        let test = SelfTest::record(7, &specs(), None, Some(&shop));
        let nudged = |h: &[Vec<ItemEvent>], n: usize| {
            shop(h, n).into_iter().map(|list| list.into_iter().map(|(item, score)| (item, score * (1.0 + 1e-6))).collect()).collect::<Vec<Vec<_>>>()
        };
        assert_eq!(test.check(&specs(), None, Some(&nudged)), Ok(()));
        let swapped = |h: &[Vec<ItemEvent>], n: usize| {
            shop(h, n)
                .into_iter()
                .map(|mut list| {
                    if list.len() == TOP {
                        let first = list[0].0;
                        list[0].0 = list[1].0;
                        list[1].0 = first;
                    }
                    list
                })
                .collect::<Vec<_>>()
        };
        assert!(test.check(&specs(), None, Some(&swapped)).unwrap_err().contains("other items or scores"));
        let expected = [Expected { item: 1, score: 1.0 }, Expected { item: 2, score: 1.0 }, Expected { item: 3, score: 0.1 }];
        assert!(agree(&[(2, 1.0), (1, 1.0), (3, 0.1)], &expected));
        assert!(!agree(&[(2, 1.0), (1, 1.0)], &expected));
    }

    #[test]
    fn a_history_with_an_item_outside_the_catalogue_never_reaches_the_model() {
        let mut test = SelfTest::record(7, &specs(), None, Some(&shop));
        test.histories[3][0].item = 4_000_000;
        let strict = |histories: &[Vec<ItemEvent>], count: usize| {
            assert!(histories.iter().flatten().all(|event| event.item < 20));
            shop(histories, count)
        };
        assert!(test.check(&specs(), None, Some(&strict)).unwrap_err().contains("4000000"));
    }

    #[test]
    fn parts_and_results_must_belong_together() {
        let test = SelfTest::record(7, &specs(), Some(&model), Some(&shop));
        assert!(test.check(&specs(), None, Some(&shop)).is_err());
        assert!(test.check(&specs(), Some(&model), None).is_err());
        assert!(test.check(&specs()[..1], Some(&model), Some(&shop)).is_err());
    }
}
