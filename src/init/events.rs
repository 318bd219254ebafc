//! Which column of a file of events is what, and what its rows are.

use super::columns::{Holds, Look, without_signs};
use super::draft::{Source, in_condition, list, quoted};
use super::followed::following;
use super::items::item_columns;
use super::offers::{channel, put_sent, sent_offer};
use super::rights::{put_rights, tells_rights};
use super::table::Table;
use super::words::{
    self, AMOUNT, BASKET, CATEGORY, CHANNEL, CUSTOMER, DISCOUNT, DONE, HAPPENED, ID, KIND, NAME, NOT_CHARGED, NOT_PAID, PERSONAL, POINTS, PRICE, QUANTITY,
    SCORE, TIME,
};
use crate::config::FAILED_PAYMENT;
use std::path::Path;

/// Share of a customer's rows that agree on a column that is the customer's.
const FOLLOWS: f64 = 0.98;
/// Words beside those for what was done.
const NAMES: [&str; 3] = ["type", "name", "kind"];
/// Most kinds of event that a column names.
const MOST_KINDS: usize = 30;
/// Rows on which amounts are compared with quantity times price.
const COMPARED: usize = 2_000;
/// Most categories that are worth counting.
const MOST_CATEGORIES: usize = 100;
/// Most columns of numbers that are learnt from.
const MOST_NUMBERS: usize = 12;
/// Words for a moment rather than a day.
const IN_SECONDS: [&str; 4] = ["timestamp", "datetime", "time", "ts"];
/// What is told beside an amount and goes with it.
const OF_MONEY: [&str; 6] = ["fee", "fees", "tax", "taxes", "vat", "shipping"];
/// Texts that show what a column holds.
const SHOWN: usize = 4;

/// What the rows are.
pub(super) enum Kind<'s> {
    /// All the same, and what that was guessed from.
    Constant(String, &'static str),
    /// A column says; its texts that mean a kind of another name.
    Column(usize, Vec<(&'s str, &'static str)>),
}

impl Kind<'_> {
    /// Whether purchases are among them.
    pub(super) fn buys(&self) -> bool {
        match self {
            Kind::Constant(kind, _) => kind == "purchase",
            Kind::Column(_, map) => map.iter().any(|(_, kind)| *kind == "purchase"),
        }
    }
}

/// When it happened: of several dates the one whose name says so, else the first.
pub(super) fn time(table: &Table<'_>) -> Option<usize> {
    // A review has its own day, beside that of the order which it is joined to.
    let is_own = |place: &usize| table.columns[*place].is_date() && table.columns[*place].tells_day();
    let ends = if says_no_purchase(table) && (0..table.input.own).any(|place| is_own(&place)) { table.input.own } else { table.columns.len() };
    let dates = |tell: bool| (0..ends).filter(move |place| table.columns[*place].is_date() && table.columns[*place].tells_day() == tell);
    let says = |words: &[&str]| dates(true).find(|place| table.columns[*place].has_word(words));
    says(&HAPPENED).or_else(|| says(&TIME)).or_else(|| dates(true).next()).or_else(|| dates(false).next()).map(|place| moment_of(table, place))
}

/// The column that tells the moment of which another tells the day, if there is one: `event_timestamp` beside `event_date`.
fn moment_of(table: &Table<'_>, day: usize) -> usize {
    let is_day = |word: &str| ["date", "day"].contains(&word);
    let is_moment = |word: &str| IN_SECONDS.contains(&word);
    let subject = |column: &Look<'_>| -> Vec<String> { column.words.iter().filter(|word| !is_day(word) && !is_moment(word)).cloned().collect() };
    if table.columns[day].has_word(&IN_SECONDS) {
        return day;
    }
    let of = subject(&table.columns[day]);
    table.find(|column| column.is_date() && column.tells_day() && column.has_word(&IN_SECONDS) && subject(column) == of).unwrap_or(day)
}

/// Whether the files are named after something else that customers do.
fn says_no_purchase(table: &Table<'_>) -> bool {
    named_kind(table).is_some_and(|kind| kind != "purchase")
}

/// Whether the last word of the files' names is one for what customers do: complaints are events, and a summary of visits is none.
pub(super) fn is_named_after_events(table: &Table<'_>) -> bool {
    table.stem.last().is_some_and(|word| words::kind(word).is_some())
}

/// Whether a date says that something happened then: `Event Date`, of which accounts have none.
pub(super) fn is_dated_as_events(table: &Table<'_>) -> bool {
    let of_customers = ["created", "opened", "last", "latest", "first", "next"];
    time(table).is_some_and(|place| table.columns[place].has_word(&HAPPENED) && !table.columns[place].has_word(&of_customers))
}

/// What the files are named after, the last word first: reviews of orders are reviews.
fn named_kind(table: &Table<'_>) -> Option<&'static str> {
    table.stem.iter().rev().find_map(|word| words::kind(word)).or_else(|| words::kind(&table.stem.join(" ")))
}

/// The order or visit.
pub(super) fn basket(table: &Table<'_>) -> Option<usize> {
    let own = table.own_key().filter(|_| table.is_of(&BASKET));
    own.or_else(|| table.id_of(&BASKET).filter(|place| table.columns[*place].distinct() > 10))
}

/// The order or visit where no name says so: values that each belong to one customer and one moment, and to several rows.
fn told_basket(table: &Table<'_>) -> Option<usize> {
    let (customer, time) = (table.customer?, time(table)?);
    let is_of_one = |column: &Look<'_>, key: usize| table.columns[key].follows(column).is_some_and(|share| share >= FOLLOWS);
    (0..table.columns.len()).find(|place| {
        let column = &table.columns[*place];
        let has_part = [Some(customer), Some(time), table.item, table.offer].contains(&Some(*place));
        let is_id = column.may_be_id() && !column.is_unique() && column.distinct() > table.columns[customer].distinct();
        !has_part && is_id && is_of_one(column, customer) && is_of_one(column, time)
    })
}

fn amount(table: &Table<'_>) -> Option<usize> {
    named_amount(table).filter(|place| counted(table) != Some(*place) && is_of_rows(table, *place))
}

fn named_amount(table: &Table<'_>) -> Option<usize> {
    let rank = |column: &Look<'_>| {
        let place = column.words.iter().filter_map(|word| AMOUNT.iter().position(|known| known == word)).min()?;
        // A price is that of a piece, a total price is not.
        let is_paid = ![&NOT_PAID[..], &ID, &CHANNEL].iter().any(|list| column.has_word(list)) && (!column.has_word(&PRICE) || column.has_word(&["total"]));
        (column.is_number() && is_paid).then_some(place)
    };
    (0..table.columns.len()).filter_map(|place| Some((rank(&table.columns[place])?, place))).min().map(|(_, place)| place)
}

/// An "amount" that counts pieces: small whole numbers, mostly far below the price beside them.
fn counted(table: &Table<'_>) -> Option<usize> {
    let (amount, price) = (named_amount(table)?, price(table).filter(|_| named_quantity(table).is_none())?);
    let column = &table.columns[amount];
    let is_small = matches!(column.holds, Holds::Number { whole: true, .. }) && column.distinct() <= MOST_CATEGORIES;
    (is_small && 2 * far_below(table, amount, price) > table.sample().rows.min(COMPARED)).then_some(amount)
}

/// Of the rows compared, how many have the one below half of the other.
fn far_below(table: &Table<'_>, low: usize, high: usize) -> usize {
    let is_below = |row: &usize| Some(2.0 * number_at(table, low, *row)? < number_at(table, high, *row)?);
    (0..table.sample().rows.min(COMPARED)).filter(|row| is_below(row) == Some(true)).count()
}

fn number_at(table: &Table<'_>, place: usize, row: usize) -> Option<f64> {
    without_signs(table.columns[place].sampled.text(row)?, &table.columns[place].signs)
}

/// Whether amounts are those of the rows, where quantity times price can tell: a total of the order stands on each of its lines.
fn is_of_rows(table: &Table<'_>, amount: usize) -> bool {
    let (Some(quantity), Some(price)) = (named_quantity(table), price(table)) else { return true };
    let told: Vec<bool> = (0..table.sample().rows.min(COMPARED))
        .filter_map(|row| {
            let (amount, product) = (number_at(table, amount, row)?, number_at(table, quantity, row)? * number_at(table, price, row)?);
            // Discounts and taxes lie between.
            Some((amount - product).abs() <= 0.5 * product.abs() + 0.01)
        })
        .collect();
    2 * told.iter().filter(|fits| **fits).count() >= told.len()
}

fn quantity(table: &Table<'_>) -> Option<usize> {
    named_quantity(table).or_else(|| counted(table))
}

fn named_quantity(table: &Table<'_>) -> Option<usize> {
    table.find(|column| column.is_number() && (column.has_word(&QUANTITY) || (column.words.len() > 2 && column.words[..2] == ["number", "of"])))
}

fn price(table: &Table<'_>) -> Option<usize> {
    table.find(|column| column.is_number() && column.has_word(&PRICE) && !column.has_word(&["total"]) && !column.has_word(&ID))
}

/// Whether rows tell what was paid.
pub(super) fn has_amount(table: &Table<'_>) -> bool {
    amount(table).is_some() || (price(table).is_some() && quantity(table).is_some())
}

/// What the rows of a table are.
pub(super) fn kind<'s>(table: &Table<'s>) -> Kind<'s> {
    let by_column = table.columns.iter().enumerate().find_map(|(place, column)| {
        let may_say = column.has_word(&KIND) || table.sample().reading.without_header;
        if !column.is_text() || !may_say || column.distinct() > MOST_KINDS || Some(place) == table.item {
            return None;
        }
        let counts = column.counts();
        let texts: Vec<&str> = counts.iter().map(|(_, text)| *text).collect();
        let kinds = words::kinds(&texts);
        let told: usize = counts.iter().zip(&kinds).filter(|(_, kind)| kind.is_some()).map(|((count, _), _)| count).sum();
        // Most rows: a type of ticket or of shop is no kind of event. Steps through a shop are many, and their names its own.
        let says_only_that = column.has_word(&DONE) && column.has_only(&[&DONE, &NAMES]);
        let is_told = 2 * told >= column.known || (told > 0 && says_only_that);
        (is_told && 2 * column.known > table.sample().rows).then(|| {
            let map = texts.iter().zip(&kinds).filter_map(|(text, kind)| Some((*text, (*kind)?))).collect();
            Kind::Column(place, map)
        })
    });
    if let Some(kind) = by_column {
        return kind;
    }
    // Points of an order are none more.
    let counts_points = !has_amount(table) && table.columns.iter().any(|column| column.is_number() && column.has_word(&POINTS));
    let buys = has_amount(table) || (basket(table).is_some() && !counts_points);
    match named_kind(table) {
        // Who rates an item had it.
        // Of mails, when they were sent tells what the business did.
        Some("open" | "click") if time(table).is_some_and(|place| words::kind(table.columns[place].name) == Some("contact")) => {
            Kind::Constant("contact".into(), "from the name of its date")
        }
        // Of a till.
        Some("support") if has_amount(table) => Kind::Constant("purchase".into(), "rows tell of what was paid"),
        Some("survey") if table.item.is_some() => Kind::Constant("purchase".into(), "guessed: who rates an item had it"),
        Some(kind) => Kind::Constant(kind.to_owned(), "from the name of the file"),
        None if buys => Kind::Constant("purchase".into(), "rows tell of orders or of what was paid"),
        None if table.columns.iter().any(|column| column.has_word(&SCORE) && column.is_number()) && table.item.is_none() => {
            Kind::Constant("survey".into(), "rows have a score")
        }
        None if table.sample().reading.without_header => Kind::Constant("purchase".into(), "guessed"),
        None if table.item.is_some() => Kind::Constant("purchase".into(), "a customer and an item"),
        None => {
            let says_what = |word: &&String| !CUSTOMER.contains(&words::singular(word)) && word.chars().any(char::is_alphabetic);
            let name = table.stem.iter().find(says_what).or(table.stem.first()).map_or("event", |word| words::singular(word));
            Kind::Constant(name.to_owned(), "no known kind: named after the file")
        }
    }
}

/// A source of events. `with_items` says that items have no file of their own.
pub(super) fn events(table: &Table<'_>, folder: &Path, with_items: bool) -> Source {
    let used_for_numbers: Vec<usize> = [time(table), amount(table), quantity(table), price(table)].into_iter().flatten().collect();
    let mut source = table.source("events", folder, table.customer, &used_for_numbers);
    let mut used: Vec<usize> = table.customer.into_iter().collect();
    // These are told by sources of their own.
    let follows: Vec<usize> = following(table).into_iter().map(|(place, _)| place).collect();
    used.extend(&follows);
    if let Some(place) = time(table) {
        table.put_time(&mut source, "time", place);
        used.push(place);
        let others: Vec<&str> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(other, column)| *other != place && column.is_date() && !follows.contains(other))
            .map(|(_, column)| column.name)
            .collect();
        if !others.is_empty() {
            source.about.push(format!("Also dates: {}.", others.join(", ")));
        }
    }
    let kind = kind(table);
    let what = match &kind {
        Kind::Constant(kind, why) => {
            source.noted("kind", format!("{{ value = {} }}", quoted(kind)), *why);
            format!("each row {}", words::a(kind))
        }
        Kind::Column(place, map) => {
            let name = quoted(table.columns[*place].name);
            let renamed: Vec<String> =
                map.iter().filter(|(text, kind)| text != kind).map(|(text, kind)| format!("{} = {}", quoted(text), quoted(kind))).collect();
            source.put("kind", if renamed.is_empty() { name } else { format!("{{ column = {name}, map = {{ {} }} }}", renamed.join(", ")) });
            used.push(*place);
            format!("what {} says", table.columns[*place].name)
        }
    };
    let role = if table.is_test { ", kept for the test" } else { "" };
    source.about.insert(0, format!("{}: what customers did, {what}{role}.", table.files()));
    table.put(&mut source, &mut used, "item", table.item);
    let named = basket(table);
    table.put(&mut source, &mut used, "basket", named);
    if named.is_none()
        && kind.buys()
        && let Some(place) = told_basket(table).filter(|place| !used_for_numbers.contains(place))
    {
        source.noted("basket", quoted(table.columns[place].name), "guessed: each belongs to one customer and one time");
        used.push(place);
    }
    if amount(table).is_none() && quantity(table).is_none() && price(table).is_some() {
        source.noted("quantity", "{ value = \"1\" }".into(), "no column says how many");
    }
    table.put(&mut source, &mut used, "quantity", quantity(table));
    table.put(&mut source, &mut used, "price", price(table));
    table.put(&mut source, &mut used, "amount", amount(table));
    if table.sample().reading.without_header && !has_amount(table) {
        // Columns without names: a fraction is money, a small whole number how many.
        let free = |whole: bool| {
            (0..table.columns.len()).rev().find(|place| {
                matches!(table.columns[*place].holds, Holds::Number { whole: found, least, .. } if found == whole && least >= 0.0)
                    && !table.columns[*place].is_unique()
            })
        };
        if let Some(place) = free(false) {
            source.noted("amount", quoted(table.columns[place].name), "guessed: numbers with fractions");
            table.put(&mut source, &mut used, "quantity", free(true).filter(|whole| (2..100).contains(&table.columns[*whole].distinct())));
            used.push(place);
        }
    }
    table.put(&mut source, &mut used, "channel", table.find(|column| column.is_text() && column.has_word(&CHANNEL) && column.distinct() <= MOST_CATEGORIES));
    table.put(&mut source, &mut used, "score", table.find(|column| column.is_number() && column.has_word(&SCORE)));
    table.put(&mut source, &mut used, "offer", table.offer);
    let discounts: Vec<usize> = (0..table.columns.len())
        .filter(|place| table.columns[*place].is_number() && table.columns[*place].has_word(&DISCOUNT) && !used.contains(place))
        .collect();
    match &discounts[..] {
        [] => {}
        [only] => source.put("discount", quoted(table.columns[*only].name)),
        several => source.noted("discount", list(several.iter().map(|place| table.columns[*place].name)), "summed"),
    }
    used.extend(&discounts);
    put_status(table, &mut source, &kind);
    put_returns(table, &mut source, &kind);
    if table.is_test {
        source.put("role", quoted("test"));
    }
    // What tells of the item or of the customer belongs to them.
    let of_whom: Vec<usize> = if with_items { table.item.into_iter().chain(table.customer).collect() } else { table.customer.into_iter().collect() };
    let is_told = |column: &Look<'_>| of_whom.iter().any(|key| column.follows(&table.columns[*key]).is_some_and(|share| share >= FOLLOWS));
    let categories: Vec<usize> = (0..table.columns.len())
        .filter(|place| {
            let column = &table.columns[*place];
            let is_code = column.is_text() || (column.may_be_id() && column.words.len() > 1 && column.names_id());
            let is_counted = is_code && !column.is_unique() && (2..=MOST_CATEGORIES).contains(&column.distinct());
            is_counted && !is_told(column) && !tells_rights(column) && !used.contains(place) && !column.has_word(&NAME) && !column.has_word(&PERSONAL)
        })
        .collect();
    if !categories.is_empty() {
        let shown = |place: &usize| table.columns[*place].sampled.texts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        source.noted(
            "categories",
            list(categories.iter().map(|place| table.columns[*place].name)),
            categories.iter().map(shown).collect::<Vec<_>>().join("; "),
        );
    }
    used.extend(&categories);
    // What else rows measure: of an order it is what it cost, of use and of what was paid in a month how much.
    let is_order = kind.buys() && (table.item.is_some() || source.get("basket").is_some());
    let is_money = |column: &Look<'_>| kind.buys() && (column.has_word(&AMOUNT) || column.has_word(&OF_MONEY));
    let measured: Vec<usize> = (0..table.columns.len())
        .filter(|place| {
            let column = &table.columns[*place];
            let is_id = column.names_id() || (column.is_unique() && column.may_be_id());
            !is_order && !is_money(column) && column.is_number() && column.distinct() > 2 && !is_id && !used.contains(place) && !is_told(column)
        })
        .take(MOST_NUMBERS)
        .collect();
    if !measured.is_empty() {
        source.put("numbers", table.values(&measured));
    }
    used.extend(&measured);
    source.unused = table.unused(&used);
    source
}

/// Orders that fell through are no purchases, and those that were paid back are returns, where a status says so.
fn put_status(table: &Table<'_>, source: &mut Source, kind: &Kind<'_>) {
    if !matches!(kind, Kind::Constant(kind, _) if kind == "purchase") {
        return;
    }
    // Or a date of falling through does, where most orders have none.
    let is_over = |column: &&Look<'_>| column.is_date() && words::fell_through(column.name) && 2 * column.known < table.sample().rows;
    if let Some(column) = table.columns.iter().find(is_over) {
        source.only_where(format!("{} is missing", in_condition(column.name)), "guessed: the others are no purchases");
    }
    let Some(column) = status(table) else { return };
    let name = in_condition(column.name);
    let texts = || column.sampled.texts.iter().map(String::as_str);
    let fell_through: Vec<&str> = texts().filter(|text| words::fell_through(text)).collect();
    // Of an order that was partly paid back, the rest was bought.
    let returned: Vec<&str> =
        texts().filter(|text| words::kind(text) == Some("return") && !["partial", "teilweise"].iter().any(|part| text.to_lowercase().contains(part))).collect();
    if !fell_through.is_empty() {
        source.only_where(format!("not ({name} in {})", list(&fell_through)), "guessed: no purchases");
    }
    if !returned.is_empty() {
        source.noted("returned_if", quoted(&format!("{name} in {}", list(&returned))), "guessed");
    }
}

/// Payments that fell through, as events of their own: who cannot be charged leaves without having decided to.
pub(super) fn failed(table: &Table<'_>, folder: &Path, base: &Source) -> Option<Source> {
    let column = status(table).filter(|_| matches!(kind(table), Kind::Constant(kind, _) if kind == "purchase"))?;
    let failed: Vec<&str> =
        column.sampled.texts.iter().map(String::as_str).filter(|text| words::words(text).iter().any(|word| NOT_CHARGED.contains(&word.as_str()))).collect();
    if failed.is_empty() {
        return None;
    }
    let mut source = table.source("events", folder, table.customer, &[]);
    source.about.push(format!("{}: payments that fell through.", table.files()));
    source.only_where(format!("{} in {}", in_condition(column.name), list(&failed)), "guessed");
    table.put_time(&mut source, "time", time(table)?);
    source.put("kind", format!("{{ value = {} }}", quoted(FAILED_PAYMENT)));
    for key in ["basket", "amount", "channel"] {
        if let Some(value) = base.get(key) {
            source.put(key, value.to_owned());
        }
    }
    Some(source)
}

/// The column that says what became of a row.
fn status<'t, 's>(table: &'t Table<'s>) -> Option<&'t Look<'s>> {
    table.columns.iter().find(|column| column.is_text() && column.has_word(&["status"]) && (2..=MOST_KINDS).contains(&column.distinct()))
}

/// Negative quantities or amounts are returns, where no kind says so.
fn put_returns(table: &Table<'_>, source: &mut Source, kind: &Kind<'_>) {
    let is_told = matches!(kind, Kind::Column(_, map) if map.iter().any(|(_, kind)| *kind == "return"));
    // Where most are negative, they are debits.
    let below = |place: usize| (0..table.sample().rows.min(COMPARED)).filter(|row| number_at(table, place, *row).is_some_and(|number| number < 0.0)).count();
    let has_returns = |place: usize| 3 * below(place) < table.sample().rows.min(COMPARED);
    let negative = |place: &usize| matches!(table.columns[*place].holds, Holds::Number { least, .. } if least < 0.0) && has_returns(*place);
    if let Some(place) =
        [quantity(table), amount(table)].into_iter().flatten().find(negative).filter(|_| !is_told && kind.buys() && source.get("returned_if").is_none())
    {
        source.noted("returned_if", quoted(&format!("{} < 0", in_condition(table.columns[place].name))), "guessed");
    }
}

/// Items that only the events tell of: a name or a category that goes with the item.
pub(super) fn items(table: &Table<'_>, folder: &Path) -> Option<Source> {
    table.item.and_then(|item| {
        let mut source = table.source("items", folder, None, &[]);
        source.about.push(format!("From the events: names and categories that go with {}.", table.columns[item].name));
        source.put("item", quoted(table.columns[item].name));
        if table.columns[item].known < table.sample().rows {
            source.only_where(format!("{} is not missing", in_condition(table.columns[item].name)), "the others are of no item");
        }
        let mut used: Vec<usize> = [Some(item), table.customer, quantity(table), amount(table), price(table)].into_iter().flatten().collect();
        let before = used.len();
        item_columns(table, &mut source, &mut used);
        source.unused = table.unused(&used);
        (used.len() > before).then_some(source)
    })
}

/// What the events tell of a customer: who may be contacted and, unless that is all that is asked for, categories that stay the same from row to row.
/// `unused` are the columns that no other source of the file names, `spelt` the channels by which offers go.
pub(super) fn profiles(table: &Table<'_>, folder: &Path, unused: &[String], spelt: &[String], only_rights: bool) -> Option<Source> {
    table.customer.zip(time(table)).and_then(|(customer, time)| {
        let key = &table.columns[customer];
        // A category that goes with the item is the item's.
        let is_of_item = |column: &Look<'_>| {
            let goes_with = |item: usize| column.follows(&table.columns[item]).is_none_or(|share| share >= FOLLOWS);
            column.has_word(&CATEGORY) && table.item.is_some_and(goes_with)
        };
        let names: Vec<&str> = (0..table.columns.len())
            .filter(|_| !only_rights)
            .filter(|place| Some(*place) != table.item && Some(*place) != table.offer && *place != customer)
            .map(|place| &table.columns[place])
            .filter(|column| column.is_text() && (2..=MOST_CATEGORIES).contains(&column.distinct()) && !column.has_word(&KIND) && !is_of_item(column))
            .filter(|column| column.follows(key).is_some_and(|share| share >= FOLLOWS) && !column.has_word(&PERSONAL) && !tells_rights(column))
            .map(|column| column.name)
            .collect();
        let mut source = table.source("profiles", folder, table.customer, &[]);
        let mut of_rights = vec![customer];
        put_rights(table, &mut source, &mut of_rights, spelt);
        if names.is_empty() && of_rights.len() == 1 {
            return None;
        }
        let about = if names.is_empty() { "who may be contacted" } else { "what stays the same from row to row of a customer" };
        source.about.push(format!("From the events: {about} ({}).", table.files()));
        if !names.is_empty() {
            source.put("categories", list(&names));
        }
        // A column that no source names would be taken for a part of the profile.
        let is_named = |column: &&str| names.contains(column) || of_rights.iter().any(|place| table.columns[*place].name == *column);
        let others: Vec<&str> = unused.iter().map(String::as_str).filter(|column| !is_named(column)).collect();
        if !others.is_empty() {
            source.put("drop", list(&others));
        }
        table.put_time(&mut source, "time", time);
        source.put("pick", quoted("last"));
        Some(source)
    })
}

/// The contacts of a table of past campaigns, as events: rows without an offer were kept out.
pub(super) fn contacts(table: &Table<'_>, folder: &Path) -> Option<Source> {
    let (offer, time) = (sent_offer(table)?, time(table)?);
    let column = &table.columns[offer];
    let mut source = table.source("events", folder, Some(table.customer?), &[]);
    source.about.push(format!("{}: what the business sent. A contact is never taken for a sign of life.", table.files()));
    if column.known < table.sample().rows {
        source.only_where(format!("{} is not missing", in_condition(column.name)), "the others were sent nothing");
    }
    table.put_time(&mut source, "time", time);
    source.put("kind", "{ value = \"contact\" }".into());
    source.put("offer", quoted(column.name));
    if let Some(place) = channel(table) {
        source.put("channel", quoted(table.columns[place].name));
    }
    put_sent(table, &mut source);
    Some(source)
}
