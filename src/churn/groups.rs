//! Groups of customers by risk, in sentences: the leaves of one small tree, each with its size and churn rate on rows it did not see.

use super::binned::Binned;
use super::encode::{EncodedMatrix, Encoder, Encoding, table_position, vocabulary_size};
use super::flat::LEAF;
use super::tree::{self, TreeSettings};
use super::{Examples, has_both};
use crate::config::Language;
use crate::evaluate::honesty::wilson;
use crate::snapshot::learned::RARE;
use crate::snapshot::{FeatureMatrix, FeatureValues};
use serde::Serialize;
use std::collections::BTreeMap;

/// Groups at most.
const LEAVES: usize = 8;
/// Units of what is counted.
const COUNTED: [&str; 6] = ["orders", "events", "items", "lines", "categories", "months"];
/// Categories named in a sentence; the others are counted.
const NAMED: usize = 4;

/// Customers who have something in common, and how many of them left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RiskGroup {
    /// What they have in common: `Contract is "Month-to-month"; tenure < 5.5`.
    pub who: String,
    /// How many there are among the rows kept back.
    pub customers: usize,
    /// How many of those left.
    pub left: usize,
    /// Their share.
    pub churn_rate: f64,
    /// Its 95 % interval (Wilson 1927).
    pub interval: (f64, f64),
}

/// What a group's path through the tree says of one feature.
#[derive(Debug, Clone)]
enum Said {
    /// At least, below, and whether a missing value belongs to it.
    Number { least: f64, below: f64, missing: bool, known: bool },
    /// Which codes belong to it; missing is last.
    Codes(Vec<bool>),
}

/// The leaves of a small tree fitted on `known`, measured on `kept`, told in a language: riskiest first. Empty where nothing can be learnt.
pub fn risk_groups(known: &Examples, kept: &Examples, seed: u64, language: Language) -> Vec<RiskGroup> {
    if !has_both(&known.labels) || kept.labels.is_empty() {
        return Vec::new();
    }
    let (encoder, encoded) = readable(&known.matrix, &known.labels, seed);
    if encoder.columns.is_empty() {
        return Vec::new();
    }
    let leaf_rows = (known.labels.len() / 50).max(5 * RARE);
    let settings = TreeSettings { leaves: LEAVES, leaf_rows, columns: 1.0, bootstrap: false, trees: 1 };
    let tree = tree::grow(&Binned::new(&encoded), &known.labels, &settings, seed, 0);
    let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (row, label) in kept.labels.iter().enumerate() {
        let count = counts.entry(tree.leaf(0, &encoder.encode_row(&kept.matrix, row))).or_default();
        count.0 += 1;
        count.1 += usize::from(*label);
    }
    let mut groups = Vec::new();
    let mut open: Vec<(usize, BTreeMap<usize, Said>)> = vec![(0, BTreeMap::new())];
    while let Some((node, said)) = open.pop() {
        if tree.column[node] == LEAF {
            let (customers, left) = counts.get(&node).copied().unwrap_or_default();
            // Fewer could tell of a person.
            if customers >= RARE {
                let churn_rate = left as f64 / customers as f64;
                groups.push(RiskGroup { who: sentence(&known.matrix, &said, language), customers, left, churn_rate, interval: wilson(left, customers) });
            }
            continue;
        }
        let column = &encoder.columns[tree.column[node] as usize];
        let feature = column.feature as usize;
        let [left, right, missing] = tree.children[node];
        for side in [left, right] {
            let mut said = said.clone();
            let entry = said.entry(feature).or_insert_with(|| nothing_said(&known.matrix, feature));
            match entry {
                Said::Number { least, below, missing: with_missing, known } => {
                    if side == left {
                        *below = below.min(tree.threshold[node]);
                    } else {
                        *least = least.max(tree.threshold[node]);
                        *known = true;
                    }
                    *with_missing &= missing == side;
                }
                Said::Codes(codes) => {
                    let size = codes.len() - 1;
                    for (position, belongs) in codes.iter_mut().enumerate() {
                        let value = column.encoding.value(if position == size { f64::NAN } else { position as f64 });
                        *belongs &= tree.step(node, value) == side as usize;
                    }
                }
            }
            open.push((side as usize, said));
        }
    }
    groups.sort_by(|a, b| b.churn_rate.total_cmp(&a.churn_rate).then_with(|| a.who.cmp(&b.who)));
    groups
}

/// The columns that a sentence can be made of: numbers, categories and their statistics; not how frequent a category is, and no count that fades with time
/// ("support events, each counting half after every 45 days, at least 0.117" tells nobody whom to look for).
fn readable(matrix: &FeatureMatrix, labels: &[bool], seed: u64) -> (Encoder, EncodedMatrix) {
    let (encoder, encoded) = Encoder::learn_single(matrix, labels, seed);
    let second_table = |place: usize| {
        let column = &encoder.columns[place];
        matches!(column.encoding, Encoding::Table { .. })
            && encoder.columns[..place].iter().any(|before| before.feature == column.feature && matches!(before.encoding, Encoding::Table { .. }))
    };
    let fades = |place: usize| matrix.specs[encoder.columns[place].feature as usize].name.contains("_decayed_");
    let kept: Vec<usize> = (0..encoder.columns.len()).filter(|place| !second_table(*place) && !fades(*place)).collect();
    let data = kept.iter().flat_map(|place| encoded.column(*place).iter().copied()).collect();
    let columns = kept.iter().map(|place| encoder.columns[*place].clone()).collect::<Vec<_>>();
    let encoded = EncodedMatrix { rows: encoded.rows, columns: columns.len(), data };
    (Encoder { columns }, encoded)
}

fn nothing_said(matrix: &FeatureMatrix, feature: usize) -> Said {
    match vocabulary_size(matrix, feature) {
        0 => Said::Number { least: f64::NEG_INFINITY, below: f64::INFINITY, missing: matrix.column(feature).iter().any(|value| value.is_nan()), known: false },
        size => {
            // A category nobody has belongs to no group.
            let mut codes = vec![false; size + 1];
            matrix.column(feature).iter().for_each(|value| codes[table_position(*value, size)] = true);
            Said::Codes(codes)
        }
    }
}

fn sentence(matrix: &FeatureMatrix, said: &BTreeMap<usize, Said>, language: Language) -> String {
    let parts: Vec<String> = said.iter().map(|(feature, said)| part(matrix, *feature, said, language)).collect();
    let word = |english, chinese| word(language, english, chinese);
    if parts.is_empty() { word("everyone", "所有客户").into() } else { parts.join(word("; ", "；")) }
}

fn word(language: Language, english: &'static str, chinese: &'static str) -> &'static str {
    match language {
        Language::En => english,
        Language::Zh => chinese,
    }
}

fn part(matrix: &FeatureMatrix, feature: usize, said: &Said, language: Language) -> String {
    let word = |english, chinese| word(language, english, chinese);
    let spec = &matrix.specs[feature];
    let name = spec.called_in(language);
    match said {
        Said::Number { least, below, missing, known } => {
            // Half an order is no order: a count of at least 0.5 is one of at least 1.
            let is_count = COUNTED.contains(&spec.unit.as_str()) && matrix.column(feature).iter().all(|value| value.is_nan() || value.fract().abs() < 1e-9);
            let short = |bound: f64| short(if is_count { bound.ceil() } else { spec.told(bound) });
            let range = match (least.is_finite(), below.is_finite()) {
                (true, true) => format!("{} ≤ {name} < {}", short(*least), short(*below)),
                (true, false) => format!("{name} ≥ {}", short(*least)),
                (false, true) => format!("{name} < {}", short(*below)),
                // Asked was only whether there is a value.
                (false, false) if *below < 0.0 => return format!("{name}{}", word(" is missing", "缺失")),
                (false, false) if *known => return format!("{name}{}", word(" is known", "已知")),
                (false, false) => return format!("{}{name}", word("any ", "任意")),
            };
            if *missing { format!("{range}{}", word(" or missing", "或缺失")) } else { range }
        }
        Said::Codes(codes) => {
            let FeatureValues::Category { vocabulary } = &spec.values else { return name };
            let Said::Codes(all) = nothing_said(matrix, feature) else { return name };
            let named = |wanted: bool| -> Vec<String> {
                let chosen = codes.iter().zip(&all).enumerate().filter(|(_, (belongs, there))| **there && **belongs == wanted);
                chosen.map(|(code, _)| vocabulary.get(code).map_or_else(|| word("missing", "缺失").into(), |name| format!("\"{name}\""))).collect()
            };
            let (inside, outside) = (named(true), named(false));
            let listed = |words: &[String]| {
                let more = words.len().saturating_sub(NAMED);
                let shown = words[..words.len() - more].join(word(if words.len() == 2 { " or " } else { ", " }, "、"));
                match language {
                    _ if more == 0 => shown,
                    Language::En => format!("{shown} and {more} more"),
                    Language::Zh => format!("{shown} 等 {} 个", words.len()),
                }
            };
            let (is, belong) = if inside.len() <= outside.len() { (word(" is ", "为 "), &inside) } else { (word(" is not ", "不为 "), &outside) };
            format!("{name}{is}{}", listed(belong))
        }
    }
}

/// A bound with four significant digits at most; a tiny one is not written as nothing.
fn short(value: f64) -> String {
    // Nothing has no sign.
    let value = value + 0.0;
    if value != 0.0 && value.abs() < 0.001 {
        return format!("{value:.1e}");
    }
    let digits = (3 - value.abs().max(1.0).log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::fixtures::{category, matrix, number};
    use crate::churn::random::mix;

    /// Customers of a monthly contract in their first months leave.
    fn table(seed: u64) -> Examples {
        let contract: Vec<f64> = (0..3_000).map(|row| (mix(seed, row) % 3) as f64).collect();
        let tenure: Vec<f64> = (0..3_000).map(|row| if row % 50 == 0 { f64::NAN } else { (mix(seed + 1, row) % 60) as f64 }).collect();
        let labels =
            (0..3_000).map(|row| mix(seed + 2, row as u64) % 100 < if contract[row].total_cmp(&0.0).is_eq() && tenure[row] < 6.0 { 70 } else { 10 }).collect();
        Examples { matrix: matrix(vec![category("contract", &contract, 3), number("tenure", &tenure)]), labels }
    }

    #[test]
    fn the_riskiest_group_is_told_in_words_with_its_size_and_its_rate_on_rows_kept_back() {
        let kept = table(20);
        let groups = risk_groups(&table(10), &kept, 1, Language::En);
        let first = &groups[0];
        assert!(first.who.contains("contract is \"") && first.who.contains("tenure < 5.5 or missing"), "{groups:?}");
        let early = |row: usize| kept.matrix.value(row, 1) < 6.0 || kept.matrix.value(row, 1).is_nan();
        let members = (0..3_000).filter(|row| kept.matrix.value(*row, 0) < 0.5 && early(*row)).count();
        assert_eq!(first.customers, members);
        let left = (0..3_000).filter(|row| kept.matrix.value(*row, 0) < 0.5 && early(*row) && kept.labels[*row]).count();
        assert_eq!((first.left, first.interval), (left, wilson(left, members)));
        assert!(first.churn_rate > 0.5 && groups[1].churn_rate < 0.3, "{groups:?}");
        assert_eq!(groups.iter().map(|group| group.customers).sum::<usize>(), 3_000);
        assert!(groups.windows(2).all(|pair| pair[0].churn_rate >= pair[1].churn_rate));
    }

    #[test]
    fn a_bound_has_as_many_digits_as_tell_it_from_nothing() {
        let written = [(0.0, "0"), (-0.0, "0"), (5.5, "5.5"), (0.25, "0.25"), (1234.56, "1235"), (0.000_000_31, "3.1e-7"), (-0.0004, "-4.0e-4")];
        written.iter().for_each(|(value, text)| assert_eq!(&short(*value), text));
    }

    #[test]
    fn without_leavers_there_are_no_groups() {
        let mut known = table(10);
        known.labels.fill(false);
        assert!(risk_groups(&known, &table(20), 1, Language::En).is_empty());
    }
}
