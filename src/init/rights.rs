//! Columns that say who may be contacted, and who must not be.

use super::columns::Look;
use super::draft::{Source, quoted};
use super::table::Table;
use super::words::{CHANNEL, CHANNELS, CONSENT, suppresses, words};
use crate::exports::is_yes;

/// Most answers that such a column holds, where it is no date.
const MOST_ANSWERS: usize = 4;

/// Whether it holds a few answers. A channel of marketing that says neither yes nor no is none; of any other column it is safer to take a word that is not
/// known for a no.
fn is_answer(column: &Look<'_>) -> bool {
    let is_known = || column.sampled.texts.iter().any(|text| is_yes(text).is_some());
    (1..=MOST_ANSWERS).contains(&column.distinct()) && (!column.has_word(&CHANNEL) || is_known())
}

/// A yes to "opted out" is none to "opt in".
fn consents(column: &Look<'_>) -> bool {
    is_answer(column) && column.has_word(&CONSENT) && !suppresses(&column.words)
}

/// The day somebody opted out says that they did.
fn opts_out(column: &Look<'_>) -> bool {
    (is_answer(column) || column.is_date()) && suppresses(&column.words)
}

/// Whether a column says who may or must not be contacted.
pub(super) fn tells_rights(column: &Look<'_>) -> bool {
    consents(column) || opts_out(column)
}

/// Sets `consent` and `suppress` by the columns that say so. `spelt` are the channels by which offers go.
pub(super) fn put_rights(table: &Table<'_>, source: &mut Source, used: &mut Vec<usize>, spelt: &[String]) {
    for (key, says) in [("consent", consents as fn(&Look<'_>) -> bool), ("suppress", opts_out)] {
        let told: Vec<usize> = (0..table.columns.len()).filter(|place| !used.contains(place) && says(&table.columns[*place])).collect();
        match told[..] {
            [] => {}
            [one] => source.put(key, quoted(table.columns[one].name)),
            _ => source.noted(key, by_channel(table, &told, spelt), "as the channel of [[offers]] is called"),
        }
        used.extend(told);
    }
}

/// Columns that say who may be contacted, each under its channel as offers spell it; those that name none, or one that another names too, under `all`.
fn by_channel(table: &Table<'_>, told: &[usize], spelt: &[String]) -> String {
    let mut channels: Vec<(&str, Vec<String>)> = Vec::new();
    for place in told {
        let column = &table.columns[*place];
        let named: Vec<&str> = CHANNELS.iter().filter(|(_, words)| column.has_word(words)).map(|(name, _)| *name).collect();
        let channel = if let [one] = named[..] { one } else { "all" };
        match channels.iter_mut().find(|(known, _)| *known == channel) {
            Some((_, names)) => names.push(quoted(column.name)),
            None => channels.push((channel, vec![quoted(column.name)])),
        }
    }
    let value = |names: &[String]| if let [one] = names { one.clone() } else { format!("[{}]", names.join(", ")) };
    match &channels[..] {
        [("all", names)] => value(names),
        channels => {
            let key = |channel: &str| {
                let words_of = CHANNELS.iter().find(|(name, _)| *name == channel).map_or(&[][..], |(_, words)| words);
                let offers = spelt.iter().find(|text| words(text).iter().any(|word| words_of.contains(&word.as_str())));
                offers.map_or(channel.to_owned(), |text| if text.chars().all(|sign| sign.is_ascii_alphanumeric()) { text.clone() } else { quoted(text) })
            };
            format!("{{ {} }}", channels.iter().map(|(channel, names)| format!("{} = {}", key(channel), value(names))).collect::<Vec<_>>().join(", "))
        }
    }
}
