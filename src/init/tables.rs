//! What each file is: events, profiles, items, offers, past contacts, or which ids are one person.

use super::columns::Look;
use super::draft::{Source, list};
use super::events;
use super::followed::with_followed;
use super::inputs::Input;
use super::items::items;
use super::offers::{arm, channels, experiment, offer_group, offers, treatments, trial};
use super::profiles::profile;
use super::subscriptions::terms;
use super::table::{Of, Table};
use super::words::{CATEGORY, CUSTOMER, FILLER, ID, NAME, PLACES, singular};
use foldhash::{HashSet, HashSetExt};
use std::path::Path;

/// Distinct values up to which a product is no item that customers buy, where its name is no id's and no customer has two.
const FEW_ITEMS: usize = 20;

/// Things that a table lists at least to be what customers choose from.
const FEWEST_LISTED: usize = 10;

/// Everything that was made of the files.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) sources: Vec<Source>,
    /// Files that fit nothing, and why.
    pub(super) left_out: Vec<String>,
    pub(super) has_label: bool,
    /// Whether events have dates.
    pub(super) is_dated: bool,
    /// Columns of the profiles that say when a subscription began and ended.
    pub(super) subscription: Option<(String, String)>,
}

/// Makes sources of the samples. `folder` is where the config will stand.
pub(super) fn sources(inputs: &[Input], folder: &Path) -> Found {
    let mut tables: Vec<Table<'_>> = inputs.iter().filter(|input| !input.is_lookup).map(Table::new).collect();
    let identities = identities(&mut tables);
    let addresses = addresses(&mut tables);
    share_customers_ids(&mut tables);
    share_ids(&mut tables);
    share_customer(&mut tables);
    share_date_order(&mut tables);
    share_catalogue(&mut tables);
    share_item(&mut tables);
    for table in tables.iter_mut().filter(|table| table.customer.is_none() && table.offer.is_none()) {
        if let Some(time) = events::time(table) {
            table.guess_who_came(time);
        }
    }
    let most = tables.iter().filter_map(|table| table.customer.map(|customer| table.columns[customer].distinct())).max().unwrap_or(0);
    for table in &mut tables {
        // A complaint is rare: that nobody has two makes no profile of it, where others tell of more customers.
        let is_of_few = table.customer.is_some_and(|customer| 2 * table.columns[customer].distinct() < most);
        table.is_of_events = is_of_few && (events::is_named_after_events(table) || events::is_dated_as_events(table));
    }
    let has_items = tables.iter().any(|table| table.customer.is_none() && table.item.is_some());
    let has_train = tables.iter().any(|table| table.stem_has(&["train"]));
    for table in &mut tables {
        table.is_test = has_train && table.stem_has(&["test"]);
    }
    let is_dated = tables.iter().any(|table| is_event(table) && events::time(table).is_some());
    let mut found = Found { sources: Vec::new(), left_out: Vec::new(), has_label: false, is_dated, subscription: None };
    let mut of_events: Vec<Source> = Vec::new();
    let (mut profiles, mut rest): (Vec<Source>, Vec<Source>) = (Vec::new(), Vec::new());
    // Tables of events whose rows may tell of customers, with the columns that no other source names.
    let mut of_rows: Vec<(usize, Vec<String>)> = Vec::new();
    let buys = tables.iter().find(|table| is_event(table) && events::time(table).is_some() && events::kind(table).buys());
    let sums = buys.map(events::has_amount);
    // Offers that are good for one campaign go by its name.
    let groups: Vec<&str> = tables
        .iter()
        .filter(|table| table.customer.is_none() && table.offer.is_some())
        .filter_map(|table| Some(table.columns[offer_group(table)?].name))
        .collect();
    let spelt: Vec<String> = tables.iter().filter(|table| table.offer.is_some()).flat_map(channels).collect();
    // Orders whose lines are told: what was paid for them is no purchase more.
    let told: Vec<&Path> = tables.iter().filter(|table| table.item.is_some() && is_event(table)).filter_map(|table| table.joined()).collect();
    for (number, table) in tables.iter_mut().enumerate() {
        if identities.iter().any(|(place, _)| *place == number) {
            continue;
        }
        if is_contacts(table) {
            rest.push(treatments(table, folder, sums, &groups));
            of_events.extend(events::contacts(table, folder).into_iter().flat_map(|contacts| with_followed(table, folder, contacts)));
        } else if is_event(table) {
            if table.item.is_none() && table.joined().is_some_and(|joined| told.contains(&joined)) && events::kind(table).buys() {
                found.left_out.push(format!("{}: the orders that it tells of are told by their lines already", table.files()));
                continue;
            }
            if is_dated && events::time(table).is_none() && !table.is_test {
                found.left_out.push(format!("{}: it has customers but no date, and the other files have dates", table.files()));
                continue;
            }
            let mut source = events::events(table, folder, !has_items);
            if !table.is_test {
                let items = events::items(table, folder).filter(|_| !has_items);
                source.unused.retain(|column| items.as_ref().is_none_or(|items| items.unused.contains(column)));
                // Where the customer is numbered anew with each order, rows tell of no one.
                of_rows.extend(table.id_kind.is_none().then(|| (number, source.unused.clone())));
                // What the three leave out is told once, with the events.
                let items = items.map(Source::without_unused);
                rest.extend(items);
            }
            let failed = events::failed(table, folder, &source);
            of_events.extend(with_followed(table, folder, source).into_iter().chain(failed));
        } else if table.customer.is_some_and(|customer| !table.columns[customer].is_unique()) && table.label().is_none() && terms(table).is_none() {
            found.left_out.push(format!("{}: customers stand in several rows, and nothing says when", table.files()));
        } else if table.customer.is_some() || table.label().is_some() || experiment(table).is_some() {
            table.guess_customer();
            let label = table.label().filter(|_| !found.has_label);
            found.has_label |= label.is_some();
            // A table of subscriptions says better when they end than dates of an account.
            if let Some(terms) = terms(table).filter(|terms| terms.is_named || found.subscription.is_none()) {
                found.subscription = Some((table.columns[terms.began].name.to_owned(), table.columns[terms.ended].name.to_owned()));
            }
            profiles.push(profile(table, folder, label, is_dated, &spelt));
            rest.extend(experiment(table).map(|arm| trial(table, folder, arm)));
        } else if table.offer.is_some() {
            rest.push(offers(table, folder));
        } else if table.item.is_some() {
            rest.push(items(table, folder));
        } else {
            found.left_out.push(format!("{}: no column looks like a customer, an item or an offer", table.files()));
        }
    }
    // What rows of events tell of customers stands back where they have a table of their own, but for what nothing else tells: who may be contacted.
    let tells_rights = |source: &Source| source.get("consent").or(source.get("suppress")).is_some();
    if !profiles.iter().any(tells_rights) {
        let only_rights = !profiles.is_empty();
        profiles.extend(of_rows.iter().filter_map(|(number, unused)| events::profiles(&tables[*number], folder, unused, &spelt, only_rights)));
    }
    rest.sort_by_key(|source| ["items", "offers", "treatments"].iter().position(|table| *table == source.table));
    found.sources = of_events.into_iter().chain(profiles).chain(rest).collect();
    for (number, also) in identities.into_iter().chain(addresses) {
        let table = &tables[number];
        let mut source = table.source("identities", folder, table.customer, &[]);
        source.about.push(format!("{}: which ids are one person.", table.files()));
        source.put("also", list(&also));
        found.sources.push(source);
    }
    found
}

/// Tables that say which ids are one person, where another table knows its customers by such an id; those tables get it.
fn identities(tables: &mut [Table<'_>]) -> Vec<(usize, Vec<String>)> {
    let mut found = persons(tables);
    if !found.is_empty() {
        return found;
    }
    for number in 0..tables.len() {
        let table = &tables[number];
        // A person may have several cards.
        let Some(customer) = table.customer.filter(|customer| 2 * table.columns[*customer].distinct() > table.columns[*customer].known) else { continue };
        let others: Vec<usize> = (0..table.columns.len()).filter(|place| *place != customer).collect();
        let is_id = |place: &usize| table.columns[*place].is_unique() && table.columns[*place].may_be_id();
        if others.is_empty() || others.len() > 4 || !others.iter().all(is_id) {
            continue;
        }
        let also: Vec<String> = others.iter().map(|place| table.columns[*place].name.to_owned()).collect();
        let mut is_used = false;
        for other in tables.iter_mut().filter(|other| other.customer.is_none() || other.may_be_other_id) {
            if let Some(place) = other.find(|column| also.iter().any(|name| name == column.name)) {
                other.customer = Some(place);
                other.id_kind = Some(other.columns[place].name.to_owned());
                is_used = true;
            }
        }
        if is_used {
            found.push((number, also));
        }
    }
    found
}

/// Tables of customers that have their addresses too, where other tables know them by those; those tables get that kind of id.
fn addresses(tables: &mut [Table<'_>]) -> Vec<(usize, Vec<String>)> {
    let by_address = |table: &Table<'_>| table.may_be_other_id && table.customer.is_some_and(|place| table.columns[place].holds_addresses());
    let mut found = Vec::new();
    for number in 0..tables.len() {
        let table = &tables[number];
        let is_of_customers = table.customer.is_some_and(|customer| table.columns[customer].is_unique()) && !by_address(table);
        let address = (0..table.columns.len()).find(|place| table.columns[*place].holds_addresses()).filter(|_| is_of_customers);
        let Some(address) = address else { continue };
        let name = table.columns[address].name.to_owned();
        let known: HashSet<&str> = table.texts(Some(address)).collect();
        let mut is_used = false;
        for other in tables.iter_mut().filter(|table| table.id_kind.is_none() && by_address(table)) {
            if other.customer.is_some_and(|place| 2 * other.known_among(place, &known) > other.columns[place].distinct()) {
                other.id_kind = Some(name.clone());
                is_used = true;
            }
        }
        if is_used {
            found.push((number, vec![name]));
        }
    }
    found
}

/// A table of customers that has two ids of them, of which the one stands for several of the other: shops that number the customer of each order
/// anew, and say beside it who that was.
fn persons(tables: &mut [Table<'_>]) -> Vec<(usize, Vec<String>)> {
    for number in 0..tables.len() {
        let table = &tables[number];
        // `customer_unique_id` beside `customer_id`; a household is no person.
        let subject = |place: usize| table.columns[place].words.iter().filter(|word| ![&ID[..], &FILLER].iter().any(|list| list.contains(&word.as_str())));
        let is_id = |place: &usize| table.columns[*place].may_be_id() && table.columns[*place].has_word(&ID);
        let ids: Vec<usize> = (0..table.columns.len()).filter(is_id).collect();
        let is_person = |each: usize, person: usize| {
            let column = &table.columns[person];
            each != person && column.has_word(&CUSTOMER) && column.has_word(&FILLER) && column.distinct() < column.known && subject(each).eq(subject(person))
        };
        let each = ids.iter().copied().filter(|each| table.columns[*each].is_unique());
        let Some((each, person)) = each.flat_map(|each| ids.iter().map(move |person| (each, *person))).find(|(each, person)| is_person(*each, *person)) else {
            continue;
        };
        let name = table.columns[each].name.to_owned();
        let mut is_used = false;
        for (other, table) in tables.iter_mut().enumerate() {
            if let Some(place) = table.find(|column| column.name == name && column.may_be_id()).filter(|_| other != number) {
                (table.customer, table.id_kind) = (Some(place), Some(name.clone()));
                is_used = true;
            }
        }
        if is_used {
            tables[number].customer = Some(person);
            return vec![(number, vec![name])];
        }
    }
    Vec::new()
}

/// Whether rows are what customers did: several for a customer, or one that was paid for something.
fn is_event(table: &Table<'_>) -> bool {
    let Some(customer) = table.customer else { return false };
    if table.label().is_some() || terms(table).is_some_and(|terms| terms.several) {
        return false;
    }
    let repeats = !table.columns[customer].is_unique();
    // A product of a few is what kind of account someone has.
    let is_item = |item: usize| table.columns[item].has_word(&ID) || table.columns[item].distinct() > FEW_ITEMS;
    let acts = table.item.is_some_and(is_item) || events::basket(table).is_some();
    (repeats && (events::time(table).is_some() || table.item.is_some())) || ((acts || table.is_of_events) && events::time(table).is_some())
}

/// Whether rows are what the business sent: an offer for a customer, and no purchase.
fn is_contacts(table: &Table<'_>) -> bool {
    let says = table.stem_has(&[
        "campaign",
        "campaigns",
        "treatment",
        "treatments",
        "mailing",
        "mailings",
        "contacts",
        "sends",
        "outreach",
        "appeal",
        "appeals",
        "solicitations",
    ]) || table.columns.iter().any(|column| column.has_word(&["propensity", "control", "treated"]))
        || table.tells_of_sending();
    let bought = table.item.is_some() || events::has_amount(table);
    table.customer.is_some() && (table.offer.is_some() || arm(table).is_some()) && says && !bought && events::time(table).is_some()
}

/// Where no name says who the customer is: a column of the same name in several tables, which tells the rows of one apart and comes again at other
/// times in another.
fn share_customer(tables: &mut [Table<'_>]) {
    if tables.iter().any(|table| table.customer.is_some()) {
        return;
    }
    let is_free = |table: &Table<'_>, place: usize| ![table.item, table.offer].contains(&Some(place)) && table.columns[place].may_be_id();
    let found = tables.iter().find_map(|table| {
        (0..table.columns.len()).find_map(|place| {
            let column = &table.columns[place];
            let comes_again = |other: &Table<'_>| {
                let places = other.find(|known| known.name == column.name).zip(events::time(other));
                places.is_some_and(|(there, time)| is_free(other, there) && other.comes_again(there, time))
            };
            let tells_apart = is_free(table, place) && column.is_unique() && !column.words.is_empty() && column.words != ["id"];
            (tells_apart && tables.iter().any(comes_again)).then(|| column.name.to_owned())
        })
    });
    let Some(name) = found else { return };
    for table in tables {
        if let Some(place) = table.find(|column| column.name == name && column.may_be_id()) {
            (table.customer, table.customer_guess) = (Some(place), "guessed: each row of one file has its own, and it comes again at other times in another");
        }
    }
}

/// A table of customers that has two ids of them goes by the one that the other tables know.
fn share_customers_ids(tables: &mut [Table<'_>]) {
    for number in 0..tables.len() {
        let Some(own) = tables[number].customer.filter(|own| tables[number].columns[*own].is_unique() && tables[number].id_kind.is_none()) else { continue };
        let mut known: HashSet<&str> = HashSet::new();
        let others = tables.iter().enumerate().filter(|(other, table)| *other != number && table.id_kind.is_none());
        others.for_each(|(_, table)| known.extend(table.texts(table.customer)));
        let table = &tables[number];
        let shared = |place: usize| table.known_among(place, &known);
        let may_serve = |place: &usize| {
            let column = &table.columns[*place];
            *place != own && column.is_unique() && column.may_be_id() && column.has_word(&CUSTOMER) && 2 * shared(*place) > column.distinct().min(known.len())
        };
        if let Some(place) = (0..table.columns.len()).filter(|_| shared(own) == 0).find(may_serve) {
            tables[number].customer = Some(place);
        }
    }
}

/// Dates that are day/month as well as month/day are written as those of the other files, where these tell.
fn share_date_order(tables: &mut [Table<'_>]) {
    let orders: Vec<bool> = tables.iter().flat_map(|table| &table.columns).filter_map(|column| column.is_day_first()).collect();
    if let Some(is_day_first) = orders.first().filter(|first| orders.iter().all(|order| order == *first)) {
        tables.iter_mut().flat_map(|table| &mut table.columns).for_each(|column| column.order_days(*is_day_first));
    }
}

/// What customers do with a thing that a table of its own lists, each once and by name, they do with an item: hotels, courses, flights.
fn share_catalogue(tables: &mut [Table<'_>]) {
    for number in 0..tables.len() {
        let catalogue = &tables[number];
        let is_free = catalogue.customer.is_none() && catalogue.item.is_none() && catalogue.offer.is_none();
        let describes = |column: &Look<'_>| column.is_text() && (column.has_word(&NAME) || column.has_word(&CATEGORY));
        if !is_free || !catalogue.columns.iter().any(describes) {
            continue;
        }
        let subject = |column: &Look<'_>| -> Vec<String> {
            column.words.iter().filter(|word| !ID.contains(&word.as_str())).map(|word| singular(word).to_owned()).collect()
        };
        let is_key = |column: &Look<'_>| column.is_unique() && column.may_be_id() && column.distinct() >= FEWEST_LISTED;
        let Some(key) = catalogue.find(is_key) else { continue };
        let mut about = subject(&catalogue.columns[key]);
        if about.is_empty() {
            about.extend(catalogue.stem.last().map(|word| singular(word).to_owned()));
        }
        if about.is_empty() || about.iter().any(|word| PLACES.contains(&word.as_str())) {
            continue;
        }
        let known: HashSet<&str> = catalogue.texts(Some(key)).collect();
        let found: Vec<(usize, usize)> = tables
            .iter()
            .enumerate()
            .filter(|(_, table)| table.customer.is_some() && table.item.is_none() && events::time(table).is_some())
            .filter_map(|(other, table)| {
                let is_of = |place: &usize| {
                    let column = &table.columns[*place];
                    subject(column) == about && !column.is_unique() && 10 * table.known_among(*place, &known) >= 9 * column.distinct()
                };
                Some((other, (0..table.columns.len()).find(is_of)?))
            })
            .collect();
        if !found.is_empty() {
            tables[number].item = Some(key);
            found.into_iter().for_each(|(other, place)| tables[other].item = Some(place));
        }
    }
}

/// A table of items goes by the column that the events name, where it has several ids.
fn share_item(tables: &mut [Table<'_>]) {
    let named: Vec<&str> = tables.iter().filter(|table| table.customer.is_some()).filter_map(|table| Some(table.columns[table.item?].name)).collect();
    for table in tables.iter_mut().filter(|table| table.customer.is_none() && table.item.is_some()) {
        if let Some(place) = table.find(|column| named.contains(&column.name) && column.may_be_id()) {
            table.item = Some(place);
        }
    }
}

/// Columns called `id` and the like take the meaning of those whose values they share.
fn share_ids(tables: &mut [Table<'_>]) {
    for of in [Of::Customer, Of::Item, Of::Offer] {
        let mut known: HashSet<&str> = HashSet::new();
        // Ids of another kind, which identities explain, are no customers' own.
        tables.iter().filter(|table| of != Of::Customer || table.id_kind.is_none()).for_each(|table| known.extend(table.texts(table.id(of))));
        for table in tables.iter_mut().filter(|table| table.customer.is_none() && table.id(of).is_none()) {
            if let Some(place) = table.shares(&known, |column| column.is_unique() || column.has_word(&ID)) {
                table.set_id(of, place);
            }
        }
    }
}
