//! What became of a row later: a mail that was sent has a column for when it was opened, an order one for when it came back.

use super::draft::{Source, in_condition, quoted};
use super::events::{Kind, kind, time};
use super::table::Table;
use super::words;
use std::path::Path;

/// Kinds that follow on what a row tells of.
const FOLLOWING: [&str; 7] = ["open", "click", "redeem", "return", "view", "refer", "renew"];

/// Dates of a row, beside its own, that each tell of something that the customer did then: the column and the kind.
pub(super) fn following(table: &Table<'_>) -> Vec<(usize, &'static str)> {
    let (Some(own), Kind::Constant(base, _)) = (time(table), kind(table)) else { return Vec::new() };
    let told = (0..table.input.own).filter(|place| *place != own && table.columns[*place].is_date()).filter_map(|place| {
        let kind = words::kind(table.columns[place].name)?;
        (FOLLOWING.contains(&kind) && kind != base && table.columns[place].known > 0).then_some((place, kind))
    });
    let mut kinds: Vec<(usize, &str)> = Vec::new();
    // Of two dates of one kind, the first.
    told.for_each(|(place, kind)| {
        if kinds.iter().all(|(_, known)| *known != kind) {
            kinds.push((place, kind));
        }
    });
    kinds
}

/// A source of events, and one for each of what followed.
pub(super) fn with_followed(table: &Table<'_>, folder: &Path, base: Source) -> Vec<Source> {
    let source = |(place, kind): (usize, &'static str)| {
        let column = &table.columns[place];
        let mut source = table.source("events", folder, table.customer, &[]);
        source.about.push(format!("{}: what came of it, each row with {} {}.", table.files(), column.name, words::a(kind)));
        if column.known < table.sample().rows {
            source.only_where(format!("{} is not missing", in_condition(column.name)), "the others have none");
        }
        table.put_time(&mut source, "time", place);
        source.put("kind", format!("{{ value = {} }}", quoted(kind)));
        let also: &[&'static str] =
            if kind == "return" { &["item", "basket", "quantity", "price", "amount", "channel"] } else { &["item", "channel", "offer"] };
        for key in also {
            if let Some(value) = base.get(key) {
                source.put(key, value.to_owned());
            }
        }
        source
    };
    let mut sources: Vec<Source> = following(table).into_iter().map(source).collect();
    sources.insert(0, base);
    sources
}
