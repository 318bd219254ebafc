//! Acting must not poison learning: who was contacted inside a label window stays more often, and a model that does not know of it learns that high risk stays.
//!
//! So contacts within the window are an input of training (the column [`CONTACTED`]), and nothing when scoring: the probability is that of leaving
//! without contact. The input must not say more than was decided before the window. A list that comes out every month goes, two months into a window, to
//! those who have not bought since: *that* a customer was contacted then tells that they were leaving, and a model would learn that contacts drive customers
//! away. Where a group is kept out of all contact whatever it does (no consent, suppressed, or a control by lot), the input is therefore the group's: how
//! many contacts a customer who may be contacted got in the window on average, and 0 for who is kept out (intention to treat; a
//! difference in differences over windows with few and with many contacts). It takes for granted that both groups leave alike where hardly anyone is
//! contacted, which is looked at. Without such a group the input is whether the customer was contacted.
//!
//! How well the probabilities hold is told on customers who were not contacted, where they are enough; where many of a window were contacted,
//! settings are chosen and probabilities calibrated on the others too. How customers are ranked is told of all.

use crate::churn::calibrate::{Calibration, beyond_noise, in_the_large, shifted};
use crate::churn::{ChurnPart, Examples, rarer};
use crate::config::Config;
use crate::decide::control::{Lots, unit};
use crate::decide::past::past;
use crate::exports::Exports;
use crate::snapshot::features::CONTACTED;
use crate::timeline::{Cutoff, Moment};
use std::borrow::Cow;

/// Customers, and customers who left, below which those who were contacted are not left out.
const LEAST: (usize, usize) = (500, 50);
/// Contacts per customer of a window above which so many contacts are told.
const MANY: f64 = 0.2;
/// Customers kept out of a window from which the input is the group's.
const KEPT_OUT: usize = 50;
/// Customers of a window, and of these who left and who stayed, from which a calibration can be learnt on it.
const CALIBRATED: (usize, usize) = (5_000, 500);
/// Standard errors by which groups differ that leave otherwise for another reason than the contacts.
const CLEARLY: f64 = 3.0;
/// Rows learnt from, beyond which a model may be calibrated on some of them: it looks too cautious on rows that it knows by heart, by about its free
/// parameters over what it explains, which is little where rows are many.
const LITTLE_BY_HEART: usize = 20_000;

/// When each customer was contacted, and who cannot be.
pub(super) struct Contacts<'a> {
    config: &'a Config,
    exports: &'a Exports,
    times: Vec<Vec<Moment>>,
    forbidden: Vec<bool>,
}

/// The customers of a window.
struct Window {
    /// Contacts of each.
    contacts: Vec<usize>,
    /// Who is kept out whatever they do.
    kept: Vec<bool>,
}

impl Window {
    /// Contacts per customer who may be contacted.
    fn rate(&self) -> f64 {
        let (mut count, mut sum) = (0_usize, 0_usize);
        for (contacts, _) in self.contacts.iter().zip(&self.kept).filter(|(_, kept)| !**kept) {
            count += 1;
            sum += contacts;
        }
        sum as f64 / count.max(1) as f64
    }
}

impl<'a> Contacts<'a> {
    /// From the treatments; customers kept out as controls were not contacted.
    pub(super) fn new(config: &'a Config, exports: &'a Exports, end: Cutoff) -> Contacts<'a> {
        let mut times = vec![Vec::new(); exports.customers.len()];
        for past in past(config, exports, end).into_iter().filter(|past| !past.is_control) {
            if let (Some(customer), Some(time)) = (past.customer, past.time) {
                times[customer as usize].push(time);
            }
        }
        let forbidden = (0..exports.customers.len() as u32).map(|customer| exports.rights.ban_from_contact(customer).is_some()).collect();
        Contacts { config, exports, times, forbidden }
    }

    /// Writes the contacts of each window into the column that says so, where there is one. `customers` are the rows of each. Returns whether
    /// they are the group's.
    pub(super) fn mark(&self, examples: &mut [Examples], customers: &[Vec<u32>], cutoffs: &[Cutoff]) -> bool {
        let Some(column) = examples.first().and_then(column) else { return false };
        let windows: Vec<Window> = customers.iter().zip(cutoffs).map(|(customers, cutoff)| self.window(customers, *cutoff)).collect();
        let by_group = groups_tell(&windows, examples);
        for (examples, window) in examples.iter_mut().zip(&windows) {
            let (rows, rate) = (examples.matrix.rows, window.rate());
            for (row, (contacts, kept)) in window.contacts.iter().zip(&window.kept).enumerate() {
                let value = match (by_group, kept) {
                    (true, true) => 0.0,
                    (true, false) => rate,
                    (false, _) => f64::from(u8::from(*contacts > 0)),
                };
                examples.matrix.data[column * rows + row] = value;
            }
        }
        by_group
    }

    fn window(&self, customers: &[u32], cutoff: Cutoff) -> Window {
        let until = cutoff.plus(self.config.churn.horizon);
        let settings = &self.config.decide;
        // A control group that changes within the window keeps nobody out of all of it.
        let lots = [cutoff, Moment(until.0 - 1)].map(|day| Lots::new(settings, &self.config.project.name, day));
        let contacts = |customer: &u32| self.times[*customer as usize].iter().filter(|time| (cutoff..until).contains(time)).count();
        let kept = |customer: &u32| {
            let is_control = || {
                let unit = unit(self.exports, settings.by_household, *customer);
                lots.iter().all(|lots| lots.is_control(unit))
            };
            contacts(customer) == 0 && (self.forbidden[*customer as usize] || is_control())
        };
        Window { contacts: customers.iter().map(contacts).collect(), kept: customers.iter().map(kept).collect() }
    }
}

/// Whether enough customers are kept out of every window with many contacts, and whether they leave like the others where there are few.
fn groups_tell(windows: &[Window], examples: &[Examples]) -> bool {
    let mut is_used = false;
    // Customers and leavers, of those who may be contacted and of those kept out.
    let mut quiet = [[0.0_f64; 2]; 2];
    for (window, examples) in windows.iter().zip(examples) {
        let kept = window.kept.iter().filter(|kept| **kept).count();
        if window.rate() > MANY {
            if kept < KEPT_OUT {
                return false;
            }
            is_used = true;
        } else {
            for (kept, left) in window.kept.iter().zip(&examples.labels) {
                quiet[usize::from(*kept)][0] += 1.0;
                quiet[usize::from(*kept)][1] += f64::from(u8::from(*left));
            }
        }
    }
    let [rate, kept_rate] = quiet.map(|[customers, left]| left / customers.max(1.0));
    let pooled = (quiet[0][1] + quiet[1][1]) / (quiet[0][0] + quiet[1][0]).max(1.0);
    let error = (pooled * (1.0 - pooled) * (1.0 / quiet[0][0].max(1.0) + 1.0 / quiet[1][0].max(1.0))).sqrt();
    let alike = quiet[1][0] < KEPT_OUT as f64 || (rate - kept_rate).abs() <= CLEARLY * error;
    is_used && alike
}

fn column(examples: &Examples) -> Option<usize> {
    examples.matrix.specs.iter().position(|spec| spec.name == CONTACTED)
}

/// Whether nobody's input is that of a window with many contacts.
fn hold_few(contacts: &[f64]) -> bool {
    contacts.iter().copied().fold(0.0, f64::max) <= MANY
}

/// Whether there are so many customers, and of both who left and who stayed so many.
fn holds(labels: &[bool], (customers, of_each): (usize, usize)) -> bool {
    labels.len() >= customers && rarer(labels) >= of_each
}

/// The rows who were not contacted; all rows where there is no such column, few were contacted, or too few are left to judge by.
pub(super) fn untreated(examples: &Examples) -> Vec<usize> {
    let all = || (0..examples.labels.len()).collect::<Vec<usize>>();
    let Some(column) = column(examples) else { return all() };
    let values = examples.matrix.column(column);
    if hold_few(values) {
        return all();
    }
    let rows: Vec<usize> = all().into_iter().filter(|row| values[*row] <= 0.0).collect();
    let labels: Vec<bool> = rows.iter().map(|row| examples.labels[*row]).collect();
    if holds(&labels, LEAST) { rows } else { all() }
}

/// The examples who were not contacted, where many were and the others are enough; else all, told apart by the input.
pub(super) fn without_treated(examples: &Examples) -> Cow<'_, Examples> {
    let rows = untreated(examples);
    if rows.len() as f64 >= (1.0 - MANY) * examples.labels.len() as f64 { Cow::Borrowed(examples) } else { Cow::Owned(super::churn::select(examples, &rows)) }
}

/// What a model is to add to its log-odds for who is not contacted, where inputs are the group's: learners that hold back take the whole of a small difference
/// between the groups for noise. It is told from those kept out of windows with many contacts, beside the others of the same window (what all of a window do
/// is the time's), as far as it is larger than its error.
fn untreated_shift(part: &ChurnPart, windows: &[&Examples]) -> f64 {
    let mut kept = Vec::new();
    for examples in windows {
        let Some(column) = column(examples) else { return 0.0 };
        let values = examples.matrix.column(column);
        if hold_few(values) {
            continue;
        }
        let foretold = part.probabilities(&examples.matrix);
        let side = |is_kept: bool| (0..values.len()).filter(move |row| (values[*row] <= 0.0) == is_kept);
        let (window, _) = in_the_large(side(false).map(|row| (foretold[row], examples.labels[row])));
        kept.extend(side(true).map(|row| (shifted(foretold[row], window), examples.labels[row])));
    }
    if kept.len() < KEPT_OUT { 0.0 } else { beyond_noise(in_the_large(kept.into_iter())) }
}

/// The rows that tell what a refitted model's log-odds mean: a calibration learnt on a window that has since been learnt from is of another model, and part of
/// what that window was like is in it twice.
#[derive(Default)]
pub(super) struct CalibrationRows<'a> {
    newest: Option<Cow<'a, Examples>>,
    /// Rows of all windows.
    learnt: usize,
    /// All windows, where contacts in them are told by group.
    acted: &'a [&'a Examples],
    seed: u64,
}

impl<'a> CalibrationRows<'a> {
    /// Of windows, newest first.
    pub(super) fn new(windows: &'a [&'a Examples], by_group: bool, seed: u64) -> Self {
        let learnt = windows.iter().map(|window| window.labels.len()).sum();
        CalibrationRows { newest: windows.first().map(|newest| without_treated(newest)), learnt, acted: if by_group { windows } else { &[] }, seed }
    }

    /// Has a refitted model be right on the newest window: in its level, and where customers are enough in its whole calibration. And adds what the model
    /// is to add for who is not contacted, where inputs are the group's.
    pub(super) fn settle(&self, part: &mut ChurnPart) {
        let newest = match &self.newest {
            Some(newest) if self.learnt >= LITTLE_BY_HEART && holds(&newest.labels, CALIBRATED) => {
                part.calibration = Calibration::fit(&part.log_odds(&newest.matrix), &newest.labels, self.seed);
                0.0
            }
            Some(newest) => beyond_noise(in_the_large(part.probabilities(&newest.matrix).into_iter().zip(newest.labels.iter().copied()))),
            None => 0.0,
        };
        part.level = newest + untreated_shift(part, self.acted);
    }
}

/// The same with nobody contacted: as customers are scored.
pub(super) fn as_scored(examples: &Examples) -> Cow<'_, Examples> {
    let Some(column) = column(examples) else { return Cow::Borrowed(examples) };
    let mut examples = examples.clone();
    let rows = examples.matrix.rows;
    examples.matrix.data[column * rows..(column + 1) * rows].fill(0.0);
    Cow::Owned(examples)
}

/// What a reader should know of the contacts in a window.
pub(super) fn warning(examples: &Examples) -> Option<String> {
    let column = column(examples)?;
    let values = examples.matrix.column(column);
    let contacts = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let judged = untreated(examples).len();
    let how = if judged < examples.labels.len() {
        format!("how well the probabilities hold is told of the {judged} who were not contacted or are kept out of all contact")
    } else {
        "too few others are left to tell how well the probabilities hold without contact".to_owned()
    };
    (contacts > MANY).then(|| {
        format!("there were {contacts:.2} contacts per customer in the test window: {how}; keep a control group, or little can be learnt of who leaves without contact")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::baseline::RecencyRule;
    use crate::churn::calibrate::{logistic_curve, logit, sigmoid};
    use crate::churn::fixtures::{matrix, number};
    use crate::churn::model::Model;
    use crate::churn::random::uniform;

    /// A window in which customers leave as the rule says.
    fn window(customers: usize, seed: u64, rule: &RecencyRule) -> Examples {
        let days: Vec<f64> = (0..customers).map(|row| 90.0 * uniform(seed, row)).collect();
        let matrix = matrix(vec![number("days", &days)]);
        let labels = rule.log_odds(&matrix).into_iter().enumerate().map(|(row, z)| uniform(seed + 1, row) < sigmoid(z)).collect();
        Examples { matrix, labels }
    }

    #[test]
    fn a_refitted_model_means_what_the_newest_window_says_wholly_where_customers_are_many_and_in_its_level_where_they_are_few() {
        let rule = RecencyRule { feature: 0, intercept: -6.0, slope: 1.5, mean: 3.5 };
        for (customers, slope) in [(8_000, 1.0), (800, 2.0)] {
            let windows: Vec<Examples> = (0..4).map(|age| window(customers, 10 * age, &rule)).collect();
            // Learnt on a window in which the model told half as much, and more left.
            let mut part = ChurnPart {
                name: "recency_rule".into(),
                base_rate: 0.3,
                intercept: 0.0,
                members: vec![(1.0, Model::Recency(rule.clone()))],
                calibration: Calibration::Platt { intercept: 1.0, slope: 0.5 },
                level: 0.0,
                season: crate::churn::season::Season::default(),
            };
            CalibrationRows::new(&windows.iter().collect::<Vec<_>>(), false, 1).settle(&mut part);
            let unseen = window(20_000, 99, &rule);
            let foretold = part.probabilities(&unseen.matrix);
            let (expected, left) = (foretold.iter().sum::<f64>() / 20_000.0, super::super::churn::share(&unseen.labels));
            assert!((expected - left).abs() < 0.03, "{customers}: {expected:.3} expected, {left:.3} left");
            let (_, found) = logistic_curve(&foretold.iter().map(|p| logit(*p)).collect::<Vec<_>>(), &unseen.labels);
            assert!((found - slope).abs() < 0.1 * slope, "{customers}: a slope of {found:.3} is left");
        }
    }
}
