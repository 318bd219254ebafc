//! What was and can be offered: catalogues of offers, past contacts, tests with their outcome.

use super::columns::Look;
use super::draft::{Source, in_condition, list, quoted};
use super::events;
use super::table::Table;
use super::words::{ARM, CHANNEL, NAME, RESPONSE, never_arrived, words};
use std::path::Path;

/// Words of what offers are grouped by.
const GROUPS: [&str; 2] = ["campaign", "group"];

/// The column of arms, one of which says that nothing was sent, and that arm.
pub(super) fn arm<'s>(table: &Table<'s>) -> Option<(usize, &'s str)> {
    let is_control = |text: &&str| {
        let words = words(text);
        words.iter().any(|word| ["control", "placebo", "untreated", "holdout"].contains(&word.as_str())) || words.first().is_some_and(|word| word == "no")
    };
    table.columns.iter().enumerate().find_map(|(place, column)| {
        let fits = column.is_text() && column.distinct() <= 20 && column.has_word(&ARM);
        let control = fits.then(|| column.sampled.texts.iter().map(String::as_str).find(is_control))??;
        Some((place, control))
    })
}

/// A table of a test: arms, and what came of it in the same row.
pub(super) fn experiment(table: &Table<'_>) -> Option<usize> {
    let (place, _) = arm(table)?;
    let responds = table.columns.iter().any(|column| column.is_number() && column.words.len() == 1 && column.has_word(&RESPONSE));
    (responds && table.offer.is_none()).then_some(place)
}

pub(super) fn offers(table: &Table<'_>, folder: &Path) -> Source {
    let mut source = table.source("offers", folder, None, &[]);
    let Some(offer) = table.offer else { return source };
    source.about.push(format!("{}: what can be offered. Say what a contact and an acceptance cost, and who may get it (`who`).", table.files()));
    source.put("offer", quoted(table.columns[offer].name));
    let mut used = vec![offer];
    table.put(&mut source, &mut used, "items", table.item);
    let keys: [(&'static str, &[&str], &[&str]); 10] = [
        ("name", &NAME, &[]),
        ("group", &GROUPS, &[]),
        ("category", &["type", "category", "kind"], &[]),
        ("channel", &CHANNEL, &[]),
        ("contact_cost", &["contact"], &["cost"]),
        ("accept_cost", &["accept", "reward", "acceptance"], &[]),
        ("discount", &["discount"], &[]),
        ("margin", &["margin"], &[]),
        ("valid_from", &["from", "start"], &[]),
        ("valid_until", &["until", "end", "expires", "expiry"], &[]),
    ];
    for (key, any, also) in keys {
        let is_number = ["contact_cost", "accept_cost", "discount", "margin"].contains(&key);
        let is_time = key.starts_with("valid");
        let fits = |column: &Look<'_>| {
            let holds = if is_time {
                column.is_date()
            } else if is_number {
                column.is_number()
            } else {
                !column.is_date()
            };
            holds && column.has_word(any) && also.iter().all(|word| column.words.iter().any(|known| known == word))
        };
        if let Some(place) = table.find(fits).filter(|place| !used.contains(place)) {
            let split = ['|', ';', ','].iter().find(|sign| key == "channel" && table.columns[place].sampled.texts.iter().any(|text| text.contains(**sign)));
            match split {
                Some(sign) => source.put(key, format!("{{ column = {}, split = {} }}", quoted(table.columns[place].name), quoted(&sign.to_string()))),
                None => source.put(key, table.value(place)),
            }
            used.push(place);
        }
    }
    let lasts =
        table.find(|column| column.is_number() && (column.has_word(&["duration"]) || (column.has_word(&["valid"]) && column.has_word(&["days", "for"]))));
    if let Some(place) = lasts.filter(|place| !used.contains(place) && source.get("valid_until").is_none()) {
        source.noted("valid_for", format!("{{ column = {}, unit = \"days\" }}", quoted(table.columns[place].name)), "guessed to be days");
        used.push(place);
    }
    source.unused = table.unused(&used);
    source
}

/// The column that says by which way something is offered or was sent.
pub(super) fn channel(table: &Table<'_>) -> Option<usize> {
    table.find(|column| column.is_text() && column.has_word(&CHANNEL))
}

/// The channels that a table of offers or of what was sent names.
pub(super) fn channels(table: &Table<'_>) -> Vec<String> {
    let Some(place) = channel(table) else { return Vec::new() };
    table.columns[place].sampled.texts.iter().flat_map(|text| text.split(['|', ';', ','])).map(|text| text.trim().to_owned()).collect()
}

/// The column that offers are grouped by.
pub(super) fn offer_group(table: &Table<'_>) -> Option<usize> {
    table.find(|column| column.has_word(&GROUPS) && !column.is_date()).filter(|place| Some(*place) != table.offer)
}

/// What was sent: the offer itself rather than its campaign, where both are told.
pub(super) fn sent_offer(table: &Table<'_>) -> Option<usize> {
    table.find(|column| column.has_word(&["offer", "coupon", "promotion", "promo", "voucher", "deal"]) && column.may_be_id()).or(table.offer)
}

/// `sums` says whether there are purchases with dates, and whether they have amounts; `groups` are the columns by which offers are grouped.
pub(super) fn treatments(table: &Table<'_>, folder: &Path, sums: Option<bool>, groups: &[&str]) -> Source {
    let mut source = table.source("treatments", folder, table.customer, &[]);
    source.about.push(format!("{}: who was given what. Say `randomised = true` where that was decided by lot.", table.files()));
    let mut used: Vec<usize> = table.customer.into_iter().collect();
    let arm = arm(table);
    // Of two, the campaign is the wave in which an offer was sent.
    let wave = table.find(|column| column.has_word(&["wave", "campaign", "mailing"]) && column.may_be_id());
    let offer = sent_offer(table);
    let is_group = offer.is_some_and(|offer| groups.contains(&table.columns[offer].name));
    table.put(&mut source, &mut used, if is_group { "offer_group" } else { "offer" }, offer);
    table.put(&mut source, &mut used, "arm", arm.map(|(place, _)| place));
    let time = events::time(table);
    if let Some(time) = time {
        table.put_time(&mut source, "time", time);
        used.push(time);
    }
    table.put(&mut source, &mut used, "wave", wave);
    table.put(&mut source, &mut used, "propensity", table.find(|column| column.is_number() && column.has_word(&["propensity", "probability"])));
    let is_decision = |column: &Look<'_>| column.has_word(&["decision"]) && column.sampled.texts.iter().all(|text| is_decision_id(text));
    table.put(&mut source, &mut used, "decision_id", table.find(|column| column.name == "decision_id" || is_decision(column)));
    used.extend(put_sent(table, &mut source));
    table.put(&mut source, &mut used, "channel", channel(table));
    if let Some((_, control)) = arm {
        source.noted("control", quoted(control), "the arm that got nothing");
    }
    if let (Some(has_amount), Some(_)) = (sums, time) {
        let sum = if has_amount { ", sum = \"amount\"" } else { "" };
        source.noted("response", format!("{{ kinds = [\"purchase\"]{sum}, within = \"14d\" }}"), "guessed: what is bought in two weeks");
    }
    source.unused = table.unused(&used);
    source
}

/// Leaves out what never arrived, where a status says so: the column that does.
pub(super) fn put_sent(table: &Table<'_>, source: &mut Source) -> Option<usize> {
    let place = table.find(|column| column.is_text() && column.has_word(&["status"]))?;
    let column = &table.columns[place];
    let lost: Vec<&str> = column.sampled.texts.iter().map(String::as_str).filter(|text| never_arrived(text)).collect();
    if lost.is_empty() {
        return None;
    }
    source.only_where(format!("not ({} in {})", in_condition(column.name), list(&lost)), "guessed: never arrived");
    Some(place)
}

/// As lists of earlier runs number their decisions: 16 digits of base 16.
fn is_decision_id(text: &str) -> bool {
    text.is_empty() || (text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit)))
}

/// A test whose outcome stands in the same row.
pub(super) fn trial(table: &Table<'_>, folder: &Path, arm_at: usize) -> Source {
    let mut source = table.source("treatments", folder, table.customer, &[]);
    source.about.push(format!(
        "{}: an offer test with its outcome. Say `randomised = true` where the arm was decided by lot, and what a contact costs.",
        table.files()
    ));
    if table.customer.is_none() {
        source.put("customer", "{ row = true }".into());
        source.put("duplicates", quoted("keep"));
    }
    source.put("arm", quoted(table.columns[arm_at].name));
    if let Some((_, control)) = arm(table) {
        source.noted("control", quoted(control), "the arm that got nothing");
    }
    let responses = table.columns.iter().filter(|column| column.is_number() && column.words.len() == 1 && column.has_word(&RESPONSE));
    let responses: Vec<String> = responses.map(|column| format!("{} = {}", quoted(column.name), quoted(column.name))).collect();
    source.put("response", format!("{{ {} }}", responses.join(", ")));
    source
}
