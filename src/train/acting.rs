//! Acting must not poison learning: who was contacted inside a label window stays more often, and a model that does not know of it learns that high risk stays.
//!
//! So a contact within the window is an input of training (the column [`CONTACTED`]), and nothing when scoring: the probability is that of leaving
//! without contact. How well the probabilities hold is told on customers who were not contacted, where they are enough; where many of a window were contacted,
//! settings are chosen and probabilities calibrated on the others too. How customers are ranked is told of all.

use crate::churn::Examples;
use crate::config::Config;
use crate::decide::effects::past;
use crate::exports::Exports;
use crate::snapshot::features::CONTACTED;
use crate::timeline::{Cutoff, Moment};
use std::borrow::Cow;

/// Customers, and customers who left, below which those who were contacted are not left out.
const LEAST: (usize, usize) = (500, 50);
/// Share of a window above which so many contacts are told.
const MANY: f64 = 0.2;

/// When each customer was contacted.
pub(super) struct Contacts {
    times: Vec<Vec<Moment>>,
}

impl Contacts {
    /// From the treatments; customers kept out as controls were not contacted.
    pub(super) fn new(config: &Config, exports: &Exports, end: Cutoff) -> Contacts {
        let mut times = vec![Vec::new(); exports.customers.len()];
        for past in past(config, exports, end).into_iter().filter(|past| !past.is_control) {
            if let (Some(customer), Some(time)) = (past.customer, past.time) {
                times[customer as usize].push(time);
            }
        }
        Contacts { times }
    }

    /// Writes who was contacted within the horizon into the column that says so, where there is one.
    pub(super) fn mark(&self, examples: &mut Examples, customers: &[u32], cutoff: Cutoff, until: Moment) {
        let Some(column) = column(examples) else { return };
        let rows = examples.matrix.rows;
        for (row, customer) in customers.iter().enumerate() {
            let contacted = self.times[*customer as usize].iter().any(|time| (cutoff..until).contains(time));
            examples.matrix.data[column * rows + row] = f64::from(u8::from(contacted));
        }
    }
}

fn column(examples: &Examples) -> Option<usize> {
    examples.matrix.specs.iter().position(|spec| spec.name == CONTACTED)
}

/// The rows who were not contacted; all rows where there is no such column, or too few are left to judge by.
pub(super) fn untreated(examples: &Examples) -> Vec<usize> {
    let all = || (0..examples.labels.len()).collect::<Vec<usize>>();
    let Some(column) = column(examples) else { return all() };
    let rows: Vec<usize> = all().into_iter().filter(|row| examples.matrix.value(*row, column) < 0.5).collect();
    let left = rows.iter().filter(|row| examples.labels[**row]).count();
    if rows.len() >= LEAST.0 && left >= LEAST.1 && rows.len() - left >= LEAST.1 { rows } else { all() }
}

/// The examples who were not contacted, where many were and the others are enough; else all, told apart by the input.
pub(super) fn without_treated(examples: &Examples) -> Cow<'_, Examples> {
    let rows = untreated(examples);
    if rows.len() as f64 >= (1.0 - MANY) * examples.labels.len() as f64 { Cow::Borrowed(examples) } else { Cow::Owned(super::churn::select(examples, &rows)) }
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
    let contacted = (0..examples.labels.len()).filter(|row| examples.matrix.value(*row, column) > 0.5).count();
    let share = contacted as f64 / examples.labels.len().max(1) as f64;
    let judged = untreated(examples).len();
    let how = if judged < examples.labels.len() {
        format!("how well the probabilities hold is told of the {judged} others")
    } else {
        "too few others are left to tell how well the probabilities hold without contact".to_owned()
    };
    (share > MANY).then(|| {
        format!("{:.0} % of the test window was contacted: {how}; keep a control group, or little can be learnt of who leaves without contact", 100.0 * share)
    })
}
