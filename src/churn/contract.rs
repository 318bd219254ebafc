//! What every learner promises, tested once for all of them.

use super::fixtures::{category, matrix, number};
use super::random::{mix, stratified_parts, uniform};
use super::*;
use crate::error::ErrorKind;
use crate::evaluate::classify::auc;

/// Rows with a line, a curve, an interaction, few and many categories, missing values, a constant, a copy and an empty column.
fn shop(rows: usize, seed: u64) -> Examples {
    let uniform = |column: u64, row: usize| uniform(seed + column, row);
    let column = |column: u64| (0..rows).map(|row| uniform(column, row)).collect::<Vec<f64>>();
    let (line, curve, a, b) = (column(1), column(2), column(3), column(4));
    let few: Vec<f64> = (0..rows).map(|row| if row % 31 == 0 { f64::NAN } else { (uniform(5, row) * 4.0).floor() }).collect();
    let many: Vec<f64> = (0..rows).map(|row| (uniform(6, row) * 60.0).floor()).collect();
    let days: Vec<f64> = (0..rows).map(|row| (uniform(7, row) * 90.0).floor()).collect();
    let holes: Vec<f64> = line.iter().enumerate().map(|(row, value)| if row % 5 == 0 { f64::NAN } else { *value }).collect();
    let labels = (0..rows)
        .map(|row| {
            let z = 2.0 * line[row]
                + 6.0 * (curve[row] - 0.5).abs()
                + if (a[row] > 0.5) != (b[row] > 0.5) { 1.5 } else { 0.0 }
                + f64::from(u8::from(few[row] == 2.0))
                - if many[row] < 20.0 { 1.5 } else { 0.0 }
                + days[row] / 60.0
                - 4.0;
            uniform(8, row) < 1.0 / (1.0 + libm::exp(-z))
        })
        .collect();
    let columns = vec![
        number("holes", &holes),
        number("curve", &curve),
        number("a", &a),
        number("b", &b),
        category("few", &few, 5),
        category("many", &many, 61),
        number("days", &days),
        number("constant", &vec![3.0; rows]),
        number("copy", &curve),
        number("empty", &vec![f64::NAN; rows]),
    ];
    Examples { matrix: matrix(columns), labels }
}

fn task(learner: &str) -> ChurnTask {
    ChurnTask {
        seed: 7,
        effort: Effort::Quick,
        learners: if learner == "blend" { vec![] } else { vec![learner.into()] },
        recency: Some(6),
        monotone: Vec::new(),
    }
}

/// A part fitted by one learner; folds within the examples.
fn fitted(learner: &str, examples: &Examples) -> (Choice, ChurnPart) {
    let folds = Validation::Folds(stratified_parts(&examples.labels, 3, 1));
    let choice = choose(examples, &folds, &task(learner)).unwrap();
    let index = choice.candidates.iter().position(|candidate| candidate.name == learner).unwrap();
    let part = choice.refit(index, examples).unwrap();
    (choice, part)
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

macro_rules! contract {
    ($($learner:ident: $least_auc:expr;)*) => {$(
        mod $learner {
            use super::*;
            const NAME: &str = stringify!($learner);

            #[test]
            fn ranks_new_customers_by_risk_with_honest_probabilities() {
                let (choice, part) = fitted(NAME, &shop(900, 1));
                let new = shop(2000, 2);
                let chances = part.probabilities(&new.matrix);
                let area = auc(&chances, &new.labels);
                assert!(area > $least_auc, "{area}");
                let expected = chances.iter().sum::<f64>() / 2000.0;
                let observed = new.labels.iter().filter(|label| **label).count() as f64 / 2000.0;
                assert!((expected - observed).abs() < 0.04, "{expected} {observed}");
                let measured = choice.candidates.iter().find(|candidate| candidate.name == NAME).unwrap().measured;
                assert!((measured.auc - area).abs() < 0.06, "said {} and was {area}", measured.auc);
            }

            #[test]
            fn is_the_same_after_a_second_fit_at_any_number_of_threads_and_from_a_file() {
                let examples = shop(300, 1);
                let on = |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| fitted(NAME, &examples));
                let (choice, part) = on(1);
                assert_eq!((choice, part.clone()), on(2));
                let bytes = bincode::encode_to_vec(&part, bincode::config::standard().with_fixed_int_encoding()).unwrap();
                let (read, _): (ChurnPart, usize) = bincode::decode_from_slice(&bytes, bincode::config::standard().with_fixed_int_encoding()).unwrap();
                assert_eq!(read.validate(10), Ok(()));
                let new = shop(50, 2).matrix;
                assert_eq!(bits(&read.probabilities(&new)), bits(&part.probabilities(&new)));
            }

            #[test]
            fn scores_a_customer_alone_as_among_others() {
                let (_, part) = fitted(NAME, &shop(300, 1));
                let new = shop(300, 2).matrix;
                let together = part.probabilities(&new);
                for row in [0, 17, 299] {
                    assert_eq!(part.probabilities(&new.select(&[row]))[0].to_bits(), together[row].to_bits());
                }
            }

            #[test]
            fn contributions_sum_to_the_log_odds() {
                let (_, part) = fitted(NAME, &shop(300, 1));
                let new = shop(40, 2).matrix;
                for (row, z) in part.log_odds(&new).iter().enumerate() {
                    let contributions = part.contributions(&new, row);
                    let total = contributions.base + contributions.by_feature.iter().sum::<f64>();
                    assert!((total - z).abs() < 1e-9, "{total} {z}");
                    assert_eq!(contributions.by_feature.len(), 10);
                    assert!(contributions.by_feature[7].abs() + contributions.by_feature[9].abs() < 1e-12);
                }
            }

            #[test]
            fn takes_values_training_never_saw() {
                let (_, part) = fitted(NAME, &shop(300, 1));
                let mut new = shop(6, 2).matrix;
                let rows = new.rows;
                for (index, value) in [1e300, -1e300, f64::NAN, 60.0, 999.0, -1.0].into_iter().enumerate() {
                    for column in 0..10 {
                        new.data[column * rows + index] = value;
                    }
                }
                assert!(part.probabilities(&new).iter().all(|p| *p > 0.0 && *p < 1.0));
            }

            #[test]
            fn refuses_a_file_with_too_few_features() {
                let (_, part) = fitted(NAME, &shop(300, 1));
                assert!(part.validate(0).is_err());
            }
        }
    )*};
}

contract! {
    recency_rule: 0.55;
    logistic: 0.72;
    tree: 0.62;
    forest: 0.70;
    boosted: 0.72;
    symmetric: 0.72;
    blend: 0.74;
}

#[test]
fn a_later_window_judges_what_the_earlier_one_fitted() {
    let choice = choose(&shop(600, 1), &Validation::Window(shop(600, 2), Vec::new()), &task("blend")).unwrap();
    let part = choice.refit(choice.chosen, &shop(1200, 3)).unwrap();
    let new = shop(1000, 4);
    assert!(auc(&part.probabilities(&new.matrix), &new.labels) > 0.74);
    assert!(choice.candidates.windows(2).all(|pair| pair[0].name < pair[1].name));
}

#[test]
fn one_class_or_no_rows_is_an_error_that_says_so() {
    let mut examples = shop(40, 1);
    examples.labels = vec![false; 40];
    let folds = || Validation::Folds((0..40).map(|row| row % 4).collect());
    let error = choose(&examples, &folds(), &task("blend")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.message().contains("all 40 customers stayed"), "{error}");
    let one = shop(1, 1);
    assert_eq!(choose(&one, &Validation::Folds(vec![0]), &task("blend")).unwrap_err().kind(), ErrorKind::Data);
    assert_eq!(choose(&Examples::default(), &Validation::Folds(vec![]), &task("blend")).unwrap_err().kind(), ErrorKind::Data);
    let unknown = choose(&shop(40, 1), &folds(), &task("oracle")).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Config);
}

#[test]
fn a_single_churner_and_folds_without_any_are_enough_to_go_on() {
    let mut examples = shop(60, 1);
    examples.labels = (0..60).map(|row| row == 5).collect();
    let choice = choose(&examples, &Validation::Folds((0..60).map(|row| row % 3).collect()), &task("blend")).unwrap();
    let part = choice.refit(choice.chosen, &examples).unwrap();
    assert!(part.probabilities(&examples.matrix).iter().all(|p| *p < 0.5));
}

#[test]
fn without_columns_everyone_has_the_base_rate() {
    let labels: Vec<bool> = (0..200).map(|row| row % 5 == 0).collect();
    let examples = Examples { matrix: FeatureMatrix { specs: vec![], rows: 200, data: vec![] }, labels };
    let folds = Validation::Folds(stratified_parts(&examples.labels, 4, 1));
    let choice = choose(&examples, &folds, &ChurnTask { recency: None, ..task("blend") }).unwrap();
    for index in 0..choice.candidates.len() {
        let part = choice.refit(index, &examples).unwrap();
        let chances = part.probabilities(&examples.matrix);
        assert!(chances.iter().all(|p| (p - 0.2).abs() < 0.02), "{} {}", part.name, chances[0]);
    }
}

#[test]
fn noise_is_not_mistaken_for_knowledge() {
    let mut examples = shop(500, 1);
    examples.labels = (0..500).map(|row| mix(99, row).is_multiple_of(4)).collect();
    let (_, part) = fitted("blend", &examples);
    let chances = part.probabilities(&shop(500, 3).matrix);
    assert!(chances.iter().all(|p| *p > 0.05 && *p < 0.6), "{chances:?}");
}
