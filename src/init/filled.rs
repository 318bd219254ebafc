//! Columns that an export writes on the first of several rows that belong together: the status of an order, on the first of its lines.

use super::columns::Look;
use crate::exports::Sample;
use crate::timeline::NO_INDEX;

/// Rows that follow another of theirs at least, for a rule to be seen in what they lack.
const FEWEST: usize = 20;
/// Of the rows that come first, how many have a value in a column that shows the rule.
const NEARLY_ALL: f64 = 0.9;

/// What is filled, as `fill_down` has it.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub(super) by: String,
    pub(super) columns: Vec<String>,
}

/// Fills such columns of a sample, but for numbers: what was paid for an order would be counted with each of its lines.
pub(super) fn fill_down(sample: &mut Sample) -> Option<Filled> {
    let looks = Look::all(sample);
    let places = 0..looks.len();
    let rules = places.clone().filter(|by| looks[*by].may_be_id() && looks[*by].known == sample.rows).filter_map(|by| {
        let codes = &sample.columns[by].codes;
        let follows: Vec<bool> = (0..sample.rows).map(|row| row > 0 && codes[row] == codes[row - 1]).collect();
        let firsts = follows.iter().filter(|follows| !**follows).count();
        let is_once = |place: &usize| {
            let mut rows = sample.columns[*place].codes.iter().zip(&follows);
            looks[*place].known > 0 && rows.all(|(code, follows)| !follows || *code == NO_INDEX)
        };
        let once: Vec<usize> = places.clone().filter(is_once).collect();
        let shows = once.iter().any(|place| looks[*place].known as f64 >= NEARLY_ALL * firsts as f64);
        (sample.rows - firsts >= FEWEST && shows).then_some((firsts, by, once, follows))
    });
    // Lines of an order share their customer too, and a customer's next order may follow: the key is what tells most apart.
    let (_, by, once, follows) = rules.max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))?;
    let filled: Vec<usize> = once.into_iter().filter(|place| !looks[*place].is_number()).collect();
    for place in &filled {
        let codes = &mut sample.columns[*place].codes;
        (1..codes.len()).filter(|row| follows[*row]).for_each(|row| codes[row] = codes[row - 1]);
    }
    let name = |place: usize| sample.columns[place].name.clone();
    (!filled.is_empty()).then(|| Filled { by: name(by), columns: filled.iter().map(|place| name(*place)).collect() })
}
