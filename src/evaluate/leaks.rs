//! Columns that know the answer: what nearly gives the label away was written after it, and will not be there when it is needed.
//!
//! Three signs, each with its evidence: one column ranks the labels almost without a fault; some categories, or having (or missing) a value at all,
//! come with leaving almost always and for many of those who left; rows to test on stand among the rows to learn from. Honest
//! columns can be strong; the bounds are where strength stops being plausible. Categories that name some of those who left, but not many, may as well be
//! a rule of the business ("suspended accounts leave"): they are told and stop nothing.

use super::classify::auc;
use crate::error::{Error, Result};
use crate::snapshot::features::{ACTING, OF_COLUMNS, OF_ORDERS};
use crate::snapshot::{FeatureMatrix, FeatureValues, exported};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// AUC of a single column from which it is taken for the answer.
const NEARLY_CERTAIN: f64 = 0.98;
/// Share of leavers in a group from which belonging to it is taken for the answer.
const NEARLY_ALL: f64 = 0.98;
/// The group must hold so many customers, and such a share of all who left.
const GROUP: usize = 50;
const SHARE_OF_LEAVERS: f64 = 0.1;
/// Categories in which nearly all left stop the training if together they name such a share of all who left.
const SHARE_NAMED: f64 = 0.4;
/// Customers a category must have to count among those in which nearly all left.
const CATEGORY: usize = 20;
/// Customers of each class below which nothing can be said.
const EACH: usize = 50;
/// Share of the rows to test on that stand among the rows to learn from, where a column is nearly different for everyone: from the first
/// it is told, from the second it stops the training. Published churn tables hold up to a sixth of such rows, by rounding or by carelessness.
const SOME_TWINS: f64 = 0.02;
const TWINS: f64 = 0.25;

/// Columns of the same evidence, and categories of a column, that are named.
const COLUMNS_NAMED: usize = 3;
const CATEGORIES_NAMED: usize = 5;

/// A column that nearly gives the label away.
#[derive(Debug, Clone, PartialEq)]
pub struct Leak {
    /// As in the exports.
    pub column: String,
    /// What gives it away.
    pub evidence: String,
    /// Whether it stops the training; told otherwise.
    pub stops: bool,
}

/// A group of customers: how many, and how many of them left.
#[derive(Clone, Copy, Default)]
struct Group {
    customers: usize,
    left: usize,
}

impl Group {
    fn add(&mut self, left: bool) {
        self.customers += 1;
        self.left += usize::from(left);
    }
    fn nearly_all_left(&self) -> bool {
        self.left as f64 >= NEARLY_ALL * self.customers as f64
    }
    fn gives_away(&self, all: Group) -> bool {
        let base = all.left as f64 / all.customers as f64;
        self.customers >= GROUP && self.nearly_all_left() && base <= 0.9 && self.names(SHARE_OF_LEAVERS, all)
    }
    /// Whether such a share of all who left is among them.
    fn names(&self, share: f64, all: Group) -> bool {
        self.left as f64 >= share * all.left as f64
    }
}

/// All leaks but those allowed by name.
pub fn leaks(matrix: &FeatureMatrix, labels: &[bool], allowed: &[String]) -> Vec<Leak> {
    let mut all = Group::default();
    labels.iter().for_each(|label| all.add(*label));
    if all.left < EACH || all.customers - all.left < EACH {
        return Vec::new();
    }
    let found: Vec<Option<Leak>> = (0..matrix.columns()).into_par_iter().map(|column| leak(matrix, labels, column, all)).collect();
    found.into_iter().flatten().filter(|leak| !allowed.contains(&leak.column)).collect()
}

fn leak(matrix: &FeatureMatrix, labels: &[bool], column: usize, all: Group) -> Option<Leak> {
    let spec = &matrix.specs[column];
    // Leaving is the lack of these very events, and features see those before the cut-off only: where customers buy like clockwork, a pause tells nearly all.
    // The contacts of the window are written there on purpose.
    if OF_ORDERS.contains(&spec.family.as_str()) || spec.family == ACTING {
        return None;
    }
    let values = matrix.column(column);
    let say = |evidence: String, stops: bool| Some(Leak { column: exported(&spec.name).to_owned(), evidence, stops });
    let told = |group: Group, what: &str| {
        format!(
            "{} of the {} customers {what} left, of all {} only {:.1} %",
            group.left,
            group.customers,
            all.customers,
            100.0 * all.left as f64 / all.customers as f64
        )
    };
    let (mut missing, mut present) = (Group::default(), Group::default());
    for (value, label) in values.iter().zip(labels) {
        if value.is_nan() { missing.add(*label) } else { present.add(*label) }
    }
    for (group, other, what) in [(present, missing, "who have a value"), (missing, present, "without a value")] {
        if other.customers >= GROUP && group.gives_away(all) {
            return say(told(group, what), true);
        }
    }
    match &spec.values {
        FeatureValues::Category { vocabulary } => {
            let mut groups = vec![Group::default(); vocabulary.len()];
            for (value, label) in values.iter().zip(labels).filter(|(value, _)| !value.is_nan()) {
                if let Some(group) = groups.get_mut(*value as usize) {
                    group.add(*label);
                }
            }
            let telling: Vec<(&Group, &String)> =
                groups.iter().zip(vocabulary).filter(|(group, _)| group.customers >= CATEGORY && group.nearly_all_left()).collect();
            let named =
                telling.iter().fold(Group::default(), |sum, (group, _)| Group { customers: sum.customers + group.customers, left: sum.left + group.left });
            let names: Vec<String> = telling.iter().map(|(_, name)| format!("{name:?}")).collect();
            let evidence = told(named, &format!("with {}", first_of(&names, CATEGORIES_NAMED)));
            if named.gives_away(all) { say(evidence, named.names(SHARE_NAMED, all)) } else { None }
        }
        FeatureValues::Number => {
            // A sum of what events tell is 0 where there were none of late: a pause again, of which the number knows nothing.
            let tells = |value: f64| !value.is_nan() && (spec.family != OF_COLUMNS || value.abs() > 0.0);
            let (known, outcomes): (Vec<f64>, Vec<bool>) =
                values.iter().zip(labels).filter(|(value, _)| tells(**value)).map(|(value, label)| (*value, *label)).unzip();
            let left = outcomes.iter().filter(|label| **label).count();
            if left < EACH || outcomes.len() - left < EACH {
                return None;
            }
            let area = auc(&known, &outcomes);
            let area = area.max(1.0 - area);
            if area > NEARLY_CERTAIN { say(format!("alone it ranks leavers and stayers with an AUC of {area:.4}"), true) } else { None }
        }
    }
}

/// The first so many names, and how many there are beside them.
fn first_of(names: &[String], most: usize) -> String {
    let shown = names[..most.min(names.len())].join(", ");
    if names.len() > most { format!("{shown} and {} more", names.len() - most) } else { shown }
}

/// Stops a training whose columns know the answer; a warning of each that may.
///
/// # Errors
/// 65 naming each column with its evidence and what to do.
pub fn refuse(found: Vec<Leak>) -> Result<Vec<String>> {
    let (certain, possible): (Vec<Leak>, Vec<Leak>) = found.into_iter().partition(|leak| leak.stops);
    if certain.is_empty() {
        let warning = |leak: Leak| {
            format!("{:?} tells of some who left that they did ({}): drop it from the profiles if it is only known after the fact", leak.column, leak.evidence)
        };
        return Ok(possible.into_iter().map(warning).collect());
    }
    // What several columns tell alike, for they are empty together, is told once.
    let mut alike: Vec<(&str, Vec<String>)> = Vec::new();
    for Leak { column, evidence, .. } in &certain {
        let name = format!("{column:?}");
        match alike.iter_mut().find(|(known, _)| known == evidence) {
            Some((_, names)) => names.push(name),
            None => alike.push((evidence, vec![name])),
        }
    }
    let told: Vec<String> = alike.iter().map(|(evidence, names)| format!("{}: {evidence}", first_of(names, COLUMNS_NAMED))).collect();
    let names: Vec<String> = certain.iter().map(|leak| format!("{:?}", leak.column)).collect();
    Err(Error::data(format!(
        "suspected_leakage: {} nearly gives the label away ({}); what was written after the fact will be empty when it is needed: \
         drop it from the profiles (from the events, leave out what came after), or, if it is known before, set [churn] allow_leak = [{}]",
        first_of(&names, COLUMNS_NAMED),
        told.join("; "),
        names.join(", ")
    )))
}

/// Stops a labelled table many of whose rows to test on stand among the rows to learn from: then the measures would be of memory. A warning
/// where they are some. Only told where some column is nearly different for everyone, as equal rows are no wonder elsewhere.
///
/// # Errors
/// 65 with the count.
pub fn refuse_twins(known: &FeatureMatrix, test: &FeatureMatrix, allowed: &[String]) -> Result<Option<String>> {
    const KEY: &str = "duplicates";
    let distinct = |column: usize| {
        let mut values: Vec<u64> = known.column(column).iter().map(|value| value.to_bits()).collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    };
    let tells = known.rows >= 200 && (0..known.columns()).any(|column| distinct(column) * 4 >= known.rows);
    if !tells || test.rows == 0 || allowed.iter().any(|name| name == KEY) {
        return Ok(None);
    }
    let row = |matrix: &FeatureMatrix, row: usize| -> Vec<u64> { (0..matrix.columns()).map(|column| matrix.value(row, column).to_bits()).collect() };
    let rows: BTreeSet<Vec<u64>> = (0..known.rows).map(|number| row(known, number)).collect();
    let twins = (0..test.rows).filter(|number| rows.contains(&row(test, *number))).count();
    let share = twins as f64 / test.rows as f64;
    let told = format!(
        "{twins} of {} customers kept back to test on stand, in every column, among those learnt from: the measures tell partly what was remembered; \
         remove the repeated customers from the export, or set [churn] allow_leak = [\"{KEY}\"]",
        test.rows
    );
    if share >= TWINS { Err(Error::data(format!("suspected_leakage: {told}"))) } else { Ok((share >= SOME_TWINS).then_some(told)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::random::uniform;
    use crate::snapshot::FeatureSpec;

    /// Name, values, and the categories where they are codes.
    type Column<'a> = (&'a str, Vec<f64>, Option<&'a [&'a str]>);

    fn table(columns: &[Column<'_>]) -> FeatureMatrix {
        let specs = columns
            .iter()
            .map(|(name, _, vocabulary)| FeatureSpec {
                name: format!("profile_{name}"),
                unit: String::new(),
                meaning: String::new(),
                family: "profile".into(),
                kinds: vec![],
                values: vocabulary
                    .map_or(FeatureValues::Number, |names| FeatureValues::Category { vocabulary: names.iter().map(ToString::to_string).collect() }),
            })
            .collect();
        FeatureMatrix { specs, rows: columns[0].1.len(), data: columns.iter().flat_map(|(_, values, _)| values.clone()).collect() }
    }

    /// 1,000 customers, a fifth of whom leave; an honest column is strong.
    fn labels() -> Vec<bool> {
        (0..1_000).map(|row| uniform(1, row) < 0.2).collect()
    }

    fn honest(labels: &[bool]) -> Vec<f64> {
        labels.iter().enumerate().map(|(row, left)| uniform(2, row) + if *left { 0.6 } else { 0.0 }).collect()
    }

    #[test]
    fn each_kind_of_leak_is_told_with_its_evidence_and_can_be_allowed() {
        let labels = labels();
        let days = labels.iter().enumerate().map(|(row, left)| if *left { 10.0 * uniform(3, row) } else { 20.0 + uniform(3, row) }).collect();
        let only_leavers = labels.iter().map(|left| if *left { 1.0 } else { f64::NAN }).collect();
        let state = labels.iter().enumerate().map(|(row, left)| if *left && row % 2 == 0 { 1.0 } else { 0.0 }).collect();
        let matrix = table(&[
            ("strong", honest(&labels), None),
            ("days_to_end", days, None),
            ("closed_on", only_leavers, None),
            ("state", state, Some(&["open", "closing", "other"])),
        ]);
        let found = leaks(&matrix, &labels, &[]);
        assert_eq!(found.iter().map(|leak| leak.column.as_str()).collect::<Vec<_>>(), ["days_to_end", "closed_on", "state"]);
        assert!(
            found[0].evidence.contains("AUC of 1.0000") && found[1].evidence.contains("who have a value") && found[2].evidence.contains("\"closing\""),
            "{found:?}"
        );
        let error = refuse(leaks(&matrix, &labels, &["state".into()])).unwrap_err();
        assert!(error.message().contains("allow_leak = [\"days_to_end\", \"closed_on\"]"), "{error}");
        assert_eq!(error.kind().exit_code(), 65);
        assert!(refuse(leaks(&matrix, &labels, &["state".into(), "days_to_end".into(), "closed_on".into()])).is_ok());
    }

    #[test]
    fn columns_that_are_empty_together_are_told_once() {
        let labels = labels();
        let only_leavers: Vec<f64> = labels.iter().map(|left| if *left { 1.0 } else { f64::NAN }).collect();
        let columns = ["a", "b", "c", "d", "e"].map(|name| (name, only_leavers.clone(), None));
        let error = refuse(leaks(&table(&columns), &labels, &[])).unwrap_err();
        assert_eq!(error.message().matches("who have a value").count(), 1, "{error}");
        assert!(error.message().contains("\"a\", \"b\", \"c\" and 2 more: ") && error.message().contains("\"d\", \"e\"]"), "{error}");
    }

    #[test]
    fn reasons_of_leaving_are_told_together_and_categories_that_name_few_of_those_who_left_stop_nothing() {
        let labels = labels();
        // Fifteen reasons, none of them of many; a state of every fourth who left.
        let reasons: Vec<String> = (0..15).map(|reason| format!("reason {reason}")).chain(["none".into()]).collect();
        let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
        let leavers = |told: &dyn Fn(usize) -> f64, otherwise: f64| {
            let mut left = 0..;
            labels.iter().map(|label| if *label { told(left.next().unwrap()) } else { otherwise }).collect::<Vec<f64>>()
        };
        let twenty_each = leavers(&|left| if left < 100 { (left / 20) as f64 } else { 15.0 }, 15.0);
        let suspended = leavers(&|left| f64::from(u8::from(left % 4 > 0)), 1.0);
        let matrix = table(&[("why", twenty_each, Some(&reasons)), ("state", suspended, Some(&["suspended", "open"]))]);
        let found = leaks(&matrix, &labels, &[]);
        assert_eq!(found.iter().map(|leak| (leak.column.as_str(), leak.stops)).collect::<Vec<_>>(), [("why", true), ("state", false)], "{found:?}");
        assert!(found[0].evidence.starts_with("100 of the 100 customers with \"reason 0\", ") && found[0].evidence.contains("\"reason 4\" left"), "{found:?}");
        assert!(refuse(found).unwrap_err().message().ends_with("allow_leak = [\"why\"]"));
        let told = refuse(leaks(&matrix, &labels, &["why".into()])).unwrap();
        assert!(told.len() == 1 && told[0].contains("customers with \"suspended\" left"), "{told:?}");
    }

    #[test]
    fn honest_columns_raise_no_alarm() {
        for seed in 0..20 {
            let labels: Vec<bool> = (0..1_000).map(|row| uniform(100 + seed, row) < 0.05 + 0.01 * seed as f64 * 4.0).collect();
            let holes = (0..1_000).map(|row| if uniform(200 + seed, row) < 0.1 { f64::NAN } else { uniform(300 + seed, row) }).collect();
            let matrix = table(&[("strong", honest(&labels), None), ("holes", holes, None)]);
            assert_eq!(leaks(&matrix, &labels, &[]), []);
        }
    }

    #[test]
    fn a_pause_in_what_events_tell_is_no_leak_and_a_number_that_knows_the_answer_is_one() {
        let labels = labels();
        // Who left had no use in the last month; of the others it says nothing more.
        let use_30d = labels.iter().enumerate().map(|(row, left)| if *left { 0.0 } else { 1.0 + uniform(3, row) }).collect();
        let fee_30d = labels.iter().enumerate().map(|(row, left)| if *left { 10.0 + uniform(4, row) } else { uniform(4, row) }).collect();
        let mut matrix = table(&[("use_30d", use_30d, None), ("fee_30d", fee_30d, None)]);
        assert_eq!(leaks(&matrix, &labels, &[]).len(), 2, "as columns of profiles both are");
        matrix.specs.iter_mut().for_each(|spec| spec.family = OF_COLUMNS.into());
        let found = leaks(&matrix, &labels, &[]);
        assert!(found.len() == 1 && found[0].column.contains("fee_30d"), "{found:?}");
    }

    #[test]
    fn customers_who_stand_on_both_sides_are_told() {
        let labels = labels();
        let matrix = table(&[("amount", honest(&labels), None)]);
        let some = |range: std::ops::Range<usize>| matrix.select(&range.collect::<Vec<_>>());
        assert_eq!(refuse_twins(&some(0..800), &some(800..1_000), &[]).unwrap(), None);
        assert!(refuse_twins(&some(0..820), &some(800..1_000), &[]).unwrap().is_some_and(|told| told.starts_with("20 of 200 customers")));
        let error = refuse_twins(&some(0..850), &some(800..1_000), &[]).unwrap_err();
        assert!(error.message().contains("50 of 200 customers"), "{error}");
        assert_eq!(refuse_twins(&some(0..850), &some(800..1_000), &["duplicates".into()]).unwrap(), None);
        // Where rows are of few kinds, equal rows are no wonder.
        let coarse = table(&[("plan", (0..1_000).map(|row| f64::from(row % 3)).collect(), None)]);
        assert_eq!(refuse_twins(&coarse, &coarse, &[]).unwrap(), None);
    }
}
