//! Subscriptions: accounts that begin and end, and tables of the terms that a customer has had.

use super::columns::Look;
use super::table::Table;
use super::words::{BEGAN, ENDED, singular};
use foldhash::{HashMap, HashMapExt};

/// Of what rows are that begin and end as a subscription does.
const SUBSCRIPTION: [&str; 9] = ["subscription", "contract", "membership", "policy", "policie", "licence", "license", "plan", "tariff"];
/// What an end is of after which a subscription may well go on.
const GOES_ON: [&str; 4] = ["current", "next", "trial", "billing"];
/// One in so many has ended at least.
const ENDED_FROM: usize = 50;
/// Most values of a column that says how a subscription stands.
const MOST_STATES: usize = 100;
/// Share of the rows, of those that have ended or of the others, whichever are fewer, of which such a column tells rightly.
const TELLS: f64 = 0.98;

/// When a subscription began and when it ended, where some of those that began have not ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) began: usize,
    pub(super) ended: usize,
    /// Whether a customer may have several.
    pub(super) several: bool,
    /// Whether names say that these are subscriptions.
    pub(super) is_named: bool,
}

/// The subscriptions of a table of customers, or those that a table is of. Rows that come again for a customer also begin and end where they are visits
/// or tickets, so that names have to say what they are.
pub(super) fn terms(table: &Table<'_>) -> Option<Terms> {
    let customer = table.customer?;
    let several = !table.columns[customer].is_unique();
    let mut names = table.stem.iter().chain(table.columns.iter().flat_map(|column| &column.words));
    let is_named = names.any(|word| SUBSCRIPTION.contains(&singular(word)));
    if several && (!is_named || table.item.is_some() || table.offer.is_some()) {
        return None;
    }
    let ends = |column: &Look<'_>| column.is_date() && column.has_word(&ENDED);
    let ended = table.find(|column| ends(column) && !column.has_word(&GOES_ON)).or_else(|| table.find(ends))?;
    let began = table.find(|column| column.is_date() && column.has_word(&BEGAN) && !column.has_word(&ENDED))?;
    let (all, over) = (table.columns[customer].known, table.columns[ended].known);
    // Contracts for a year have an end from the first day on.
    let fits = over * ENDED_FROM > all && (over < all || is_named) && table.columns[began].known * 2 > all;
    fits.then_some(Terms { began, ended, several, is_named })
}

/// Columns that tell whether a subscription has ended, as its reason or state does: they were not known before.
pub(super) fn known_at_the_end(table: &Table<'_>, Terms { began, ended, .. }: Terms) -> Vec<usize> {
    let has_ended: Vec<bool> = (0..table.sample().rows).map(|row| table.columns[ended].sampled.text(row).is_some()).collect();
    let over = has_ended.iter().filter(|ended| **ended).count();
    let fewer = over.min(has_ended.len() - over);
    let tells = |place: &usize| {
        let column = &table.columns[*place];
        // Values, the missing one among them, in how many rows that have ended and that have not.
        let mut counts: HashMap<Option<&str>, [usize; 2]> = HashMap::new();
        has_ended.iter().enumerate().for_each(|(row, ended)| counts.entry(column.sampled.text(row)).or_default()[usize::from(*ended)] += 1);
        let wrong: usize = counts.values().map(|[not, ended]| not.min(ended)).sum();
        fewer > 0 && counts.len() <= MOST_STATES && wrong as f64 <= (1.0 - TELLS) * fewer as f64
    };
    (0..table.columns.len()).filter(|place| ![began, ended].contains(place) && Some(*place) != table.customer).filter(tells).collect()
}
