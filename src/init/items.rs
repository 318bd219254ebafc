//! What is sold: a table of items, or what the rows of events tell of theirs.

use super::columns::Look;
use super::draft::{Source, list, quoted};
use super::table::Table;
use super::words::{CATEGORY, ID, NAME, PRICE};
use std::path::Path;

/// Share of repeated items that a column must agree with, to be theirs.
const FOLLOWS: f64 = 0.98;
/// The same for a level of categories and the one below it: some names stand in two branches.
const NESTED: f64 = 0.9;
/// The same for names, which people write in several ways.
const NAMED: f64 = 0.8;
/// Items of one text, from which texts are taken for categories where no name says so.
const MANY_OF_ONE: usize = 5;
/// Distinct texts from which a column of many items is one of names.
const MANY_NAMES: usize = 100;

pub(super) fn items(table: &Table<'_>, folder: &Path) -> Source {
    let Some(item) = table.item else { return Source::new("items", table.input, folder) };
    let mut source = table.source("items", folder, None, &[]);
    source.about.push(format!("{}: what is sold.", table.files()));
    source.put("item", quoted(table.columns[item].name));
    let mut used = vec![item];
    item_columns(table, &mut source, &mut used);
    source.unused = table.unused(&used);
    source
}

/// Sets a key where no name says which column it is: of the texts that fit, the one of most values.
fn guess(table: &Table<'_>, source: &mut Source, used: &mut Vec<usize>, key: &'static str, fits: impl Fn(&Look<'_>) -> bool, why: &str) {
    let free = (0..table.columns.len()).filter(|place| !used.contains(place) && table.columns[*place].is_text() && fits(&table.columns[*place]));
    if let Some(place) = free.max_by_key(|place| (table.columns[*place].distinct(), std::cmp::Reverse(*place))) {
        source.noted(key, quoted(table.columns[place].name), why);
        used.push(place);
    }
}

/// Name, category, price, margin and stock of items.
pub(super) fn item_columns(table: &Table<'_>, source: &mut Source, used: &mut Vec<usize>) {
    let Some(item) = table.item else { return };
    let key = &table.columns[item];
    let follows = |column: &Look<'_>, share: f64| column.follows(key).is_none_or(|found| found >= share);
    let name = table.find(|column| column.is_text() && column.has_word(&NAME) && follows(column, NAMED));
    let name = name.filter(|place| table.columns[*place].distinct() > MANY_NAMES.min(table.columns[item].distinct() / 4));
    table.put(source, used, "name", name);
    if name.is_none() && key.is_unique() {
        guess(table, source, used, "name", |column| column.is_unique(), "guessed: a text of each");
    }
    let mut levels: Vec<usize> = (0..table.columns.len())
        .filter(|place| {
            let column = &table.columns[*place];
            !used.contains(place)
                && (column.is_text() || column.may_be_id())
                && column.has_word(&CATEGORY)
                && column.distinct() > 1
                && !column.is_unique()
                && follows(column, FOLLOWS)
        })
        .collect();
    // From the finest up, each told by the one below it: a brand is no level of departments.
    levels.sort_by_key(|place| (std::cmp::Reverse(table.columns[*place].distinct()), !table.columns[*place].is_text()));
    let mut nested: Vec<usize> = Vec::new();
    for level in levels {
        let is_told = |finer: &usize| {
            table.columns[level].distinct() < table.columns[*finer].distinct()
                && table.columns[level].follows(&table.columns[*finer]).is_none_or(|share| share >= NESTED)
        };
        if nested.last().is_none_or(is_told) {
            nested.push(level);
        }
    }
    let levels: Vec<usize> = nested.into_iter().rev().collect();
    match &levels[..] {
        [] if key.is_unique() => {
            let is_shared = |column: &Look<'_>| column.distinct() > 2 && MANY_OF_ONE * column.distinct() <= column.known;
            guess(table, source, used, "category", is_shared, "guessed: a text that many share");
        }
        [] => {}
        [only] => source.put("category", quoted(table.columns[*only].name)),
        several => source.noted("category", list(several.iter().map(|place| table.columns[*place].name)), "coarse to fine"),
    }
    used.extend(&levels);
    for (key, list) in [("price", &PRICE[..]), ("margin", &["margin"][..])] {
        table.put(source, used, key, table.find(|column| column.is_number() && column.has_word(list) && follows(column, FOLLOWS)));
    }
    let stock = table.find(|column| column.has_word(&["available", "availability", "stock", "instock", "inventory"]) && !column.has_word(&ID));
    table.put(source, used, "available", stock.filter(|place| *place != item && follows(&table.columns[*place], FOLLOWS)));
}
