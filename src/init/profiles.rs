//! A table of one row for a customer: what is learnt of it, what is passed on, and what tells of nobody else.

use super::columns::Look;
use super::draft::{Source, list, quoted};
use super::rights::put_rights;
use super::subscriptions::{Terms, known_at_the_end, terms};
use super::table::Table;
use super::words::{HOUSEHOLD, ID, LASTING, PERSONAL};
use std::path::Path;

/// Distinct names from which a column of a person's word is one of names: a telephone service is not.
const MANY_NAMES: usize = 100;

/// `spelt` are the channels by which offers go.
pub(super) fn profile(table: &Table<'_>, folder: &Path, label: Option<(usize, &str, bool)>, is_dated: bool, spelt: &[String]) -> Source {
    let all: Vec<usize> = (0..table.columns.len()).collect();
    let mut source = table.source("profiles", folder, table.customer, &all);
    let terms = terms(table);
    let rows = if terms.is_some_and(|terms| terms.several) { "each row a subscription of a customer, who may have several" } else { "one row for a customer" };
    source.about.push(format!("{}: {rows}. Columns that are not named here are numbers or categories, by what they hold.", table.files()));
    if table.customer.is_none() {
        source.noted("customer", "{ row = true }".into(), "no column is an id: the number of the row is");
        source.put("duplicates", quoted("keep"));
    }
    let mut used: Vec<usize> = table.customer.into_iter().collect();
    if let Some((place, positive, is_sure)) = label {
        let note = if is_sure { "" } else { "guessed: the rarer value means that the customer left" };
        source.noted("label", format!("{{ column = {}, positive = {} }}", quoted(table.columns[place].name), quoted(positive)), note);
        used.push(place);
    }
    table.put(&mut source, &mut used, "household", table.id_of(&HOUSEHOLD));
    put_rights(table, &mut source, &mut used, spelt);
    let is_email = |column: &Look<'_>| column.has_word(&["email"]) || column.sampled.texts.iter().take(50).any(|text| text.contains('@'));
    let carry: Vec<usize> = all.iter().copied().filter(|place| is_email(&table.columns[*place]) && !used.contains(place)).collect();
    if !carry.is_empty() {
        source.noted("carry", list(carry.iter().map(|place| table.columns[*place].name)), "passed on to the lists, never learnt");
    }
    used.extend(&carry);
    // A row's number, a person's name, and texts that hardly ever come twice tell nothing of another customer.
    let is_row_number =
        |column: &Look<'_>| column.is_unique() && column.is_number() && column.may_be_id() && (column.has_word(&ID) || column.has_word(&["row"]));
    let tells_nothing = |column: &Look<'_>| {
        (column.has_word(&PERSONAL) && column.distinct() > MANY_NAMES) || is_row_number(column) || (column.is_text() && column.is_unique() && column.known > 20)
    };
    let of_the_end = terms.filter(|terms| terms.several).map_or(Vec::new(), |terms| known_at_the_end(table, terms));
    let is_dropped = |place: &usize| !used.contains(place) && (tells_nothing(&table.columns[*place]) || of_the_end.contains(place));
    let drop: Vec<usize> = all.iter().copied().filter(is_dropped).collect();
    if !drop.is_empty() {
        let of_the_end = if of_the_end.is_empty() { "" } else { "; what is known once a subscription has ended says nothing before" };
        source.noted(
            "drop",
            list(drop.iter().map(|place| table.columns[*place].name)),
            format!("names and numbers of rows say nothing of other customers{of_the_end}"),
        );
    }
    used.extend(&drop);
    let dates: Vec<usize> = all.iter().copied().filter(|place| !used.contains(place) && table.columns[*place].is_date()).collect();
    if !dates.is_empty() {
        source.put("dates", table.values(&dates));
    }
    let signed: Vec<usize> = all.iter().copied().filter(|place| !used.contains(place) && !table.columns[*place].signs.is_empty()).collect();
    if !signed.is_empty() {
        source.put("numbers", table.values(&signed));
    }
    if let Some(Terms { began, several: true, .. }) = terms {
        // What a row says holds from its first day.
        table.put_time(&mut source, "time", began);
        source.put("pick", quoted("last"));
    } else if is_dated {
        let lasts = |place: usize| table.columns[place].has_word(&LASTING) || terms.is_some_and(|terms| terms.began == place);
        let lasting: Vec<usize> = all.iter().copied().filter(|place| !used.contains(place) && lasts(*place)).collect();
        source.about.push("An export shows today, so columns serve the past only if `static` names them: those that never change.".into());
        if !lasting.is_empty() {
            source.put("static", list(lasting.iter().map(|place| table.columns[*place].name)));
        }
    }
    source
}
