//! What moves the churn probability most, in which direction and how far.

use crate::churn::{ChurnPart, Examples};
use crate::config::Language;
use crate::snapshot::FeatureValues;
use crate::snapshot::features::ACTING;
use rayon::prelude::*;
use serde::Serialize;

/// Customers looked at.
const ROWS: usize = 2_000;
/// Features listed.
const MOST: usize = 20;
/// A category of fewer of the customers looked at is not told of.
const FEWEST: usize = 30;

/// A feature that moves the probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Driver {
    /// Its name.
    pub name: String,
    /// What it says, in the project's language.
    pub meaning: String,
    /// Share of all contributions (mean absolute, in log-odds), 0 to 1.
    pub share: f64,
    /// Where the probability of an average customer goes with it: the lowest and the highest quarter of a number (`lowest quarter`,
    /// `highest quarter`) or the categories that pull most to either side, with the probability of each. Empty where nothing can be told.
    pub moves: Vec<(String, f64)>,
}

/// Mean absolute contribution of each feature over the first rows, and the features that move most.
pub(super) fn drivers(part: &ChurnPart, examples: &Examples, language: Language) -> (Vec<f64>, Vec<Driver>) {
    let matrix = &examples.matrix;
    let rows = matrix.rows.min(ROWS);
    let contributions: Vec<_> = (0..rows).into_par_iter().map(|row| part.contributions(matrix, row)).collect();
    let mean = |over: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = over.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
        sum / count.max(1) as f64
    };
    let moved: Vec<f64> =
        (0..matrix.columns()).map(|column| mean(&mut contributions.iter().map(|contributions| contributions.by_feature[column].abs()))).collect();
    let total: f64 = moved.iter().sum();
    let average = mean(&mut contributions.iter().map(|contributions| contributions.base + contributions.by_feature.iter().sum::<f64>()));
    let mut order: Vec<usize> = (0..moved.len()).filter(|column| moved[*column] > 0.0 && matrix.specs[*column].family != ACTING).collect();
    order.sort_by(|a, b| moved[*b].total_cmp(&moved[*a]).then_with(|| matrix.specs[*a].name.cmp(&matrix.specs[*b].name)));
    order.truncate(MOST);
    let listed = order
        .into_iter()
        .map(|column| {
            let spec = &matrix.specs[column];
            let added = |row: usize| contributions[row].by_feature[column];
            let typical = mean(&mut (0..rows).map(added));
            // The probability of an average customer with what these rows get from the feature.
            let probability = |of: &[usize]| part.probability(average - typical + mean(&mut of.iter().map(|row| added(*row))));
            let mut known: Vec<usize> = (0..rows).filter(|row| !matrix.value(*row, column).is_nan()).collect();
            let moves = match &spec.values {
                FeatureValues::Number => {
                    known.sort_by(|a, b| matrix.value(*a, column).total_cmp(&matrix.value(*b, column)).then(a.cmp(b)));
                    let quarter = known.len() / 4;
                    if quarter < FEWEST {
                        Vec::new()
                    } else {
                        let ends = [("lowest quarter", &known[..quarter]), ("highest quarter", &known[known.len() - quarter..])];
                        ends.map(|(name, rows)| (name.to_string(), probability(rows))).to_vec()
                    }
                }
                FeatureValues::Category { vocabulary } => {
                    let of = |code: usize| known.iter().copied().filter(|row| matrix.value(*row, column) as usize == code).collect::<Vec<usize>>();
                    let groups = vocabulary.iter().enumerate().map(|(code, name)| (name, of(code))).filter(|(_, rows)| rows.len() >= FEWEST);
                    let mut groups: Vec<(String, f64)> = groups.map(|(name, rows)| (name.clone(), probability(&rows))).collect();
                    groups.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
                    match groups.len() {
                        0 | 1 => Vec::new(),
                        count => vec![groups[0].clone(), groups[count - 1].clone()],
                    }
                }
            };
            Driver { name: spec.name.clone(), meaning: spec.meaning_in(language), share: moved[column] / total, moves }
        })
        .collect();
    (moved, listed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::{ChurnTask, Validation, choose};
    use crate::config::Effort;
    use crate::snapshot::{FeatureMatrix, FeatureSpec};

    #[test]
    fn a_driver_tells_which_way_it_moves_the_probability_and_how_far() {
        let spec = |name: &str, values| FeatureSpec {
            name: name.into(),
            unit: String::new(),
            meaning: String::new(),
            family: "profile".into(),
            kinds: Vec::new(),
            values,
        };
        let rows = 1_200;
        let mix = |seed, row| (crate::churn::random::mix(seed, row as u64) % 1_000) as f64 / 1_000.0;
        let tenure: Vec<f64> = (0..rows).map(|row| mix(1, row)).collect();
        let plan: Vec<f64> = (0..rows).map(|row| f64::from(u8::from(mix(2, row) < 0.4))).collect();
        let labels: Vec<bool> = (0..rows).map(|row| mix(3, row) < 0.5 - 0.4 * tenure[row] + 0.2 * plan[row]).collect();
        let vocabulary = vec!["month".to_string(), "year".to_string()];
        let specs = vec![spec("tenure", FeatureValues::Number), spec("plan", FeatureValues::Category { vocabulary })];
        let examples = Examples { matrix: FeatureMatrix { specs, rows, data: [tenure, plan].concat() }, labels };
        let task = ChurnTask { seed: 1, effort: Effort::Quick, learners: vec!["logistic".into()], recency: None, monotone: Vec::new() };
        let folds = (0..rows).map(|row| (row % 3) as u8).collect();
        let choice = choose(&examples, &Validation::Folds(folds), &task).unwrap();
        let (moved, listed) = drivers(&choice.refit(choice.chosen, &examples).unwrap(), &examples, Language::En);
        assert!(listed.len() == 2 && moved[0] > 0.2 && listed[0].share > listed[1].share, "{moved:?} {listed:?}");
        assert!((listed.iter().map(|driver| driver.share).sum::<f64>() - 1.0).abs() < 1e-9);
        let of = |name: &str| &listed.iter().find(|driver| driver.name == name).unwrap().moves;
        let [(_, low), (_, high)] = &of("tenure")[..] else { panic!("{listed:?}") };
        assert!(low - high > 0.15 && low - high < 0.4, "{listed:?}");
        let plan = of("plan");
        assert!(plan[0].0 == "month" && plan[1].0 == "year" && plan[1].1 - plan[0].1 > 0.1, "{listed:?}");
    }
}
