//! What each file is: events, profiles, items, offers, past contacts, or which ids are one person.

use super::columns::{Holds, Look};
use super::draft::{Source, in_condition, list, quoted};
use super::events;
use super::words::{
    ARM, BEGAN, CATEGORY, CHANNEL, CONSENT, CUSTOMER, ENDED, FILLER, HOUSEHOLD, ID, ITEM, LASTING, LEFT, NAME, OF_LABEL, OFFER, PERSONAL, PRICE, RESPONSE,
    SUPPRESS, singular, words,
};
use crate::exports::{Sample, SampledColumn};
use crate::timeline::NO_INDEX;
use foldhash::{HashMap, HashSet, HashSetExt};
use std::path::{Path, PathBuf};

/// Share of the values of an id that must be known from elsewhere for it to be the same id.
const SHARED: f64 = 0.5;
/// Share of repeated keys that a column must agree with, to be told by the key.
const FOLLOWS: f64 = 0.98;
/// The same for a level of categories and the one below it: some names stand in two branches.
const NESTED: f64 = 0.9;
/// The same for names, which people write in several ways.
const NAMED: f64 = 0.8;
/// Where one row in so many has no customer, such rows are left out rather than refused.
const LEFT_OUT_FROM: usize = 200;
/// Most categories that are worth counting.
pub(super) const MOST_CATEGORIES: usize = 100;

/// Words of what offers are grouped by.
const GROUPS: [&str; 2] = ["campaign", "group"];

/// Everything that was made of the files.
pub(super) struct Found {
    pub(super) sources: Vec<Source>,
    pub(super) left_out: Vec<String>,
    pub(super) has_label: bool,
    /// Columns of the profiles that say when a subscription began and ended.
    pub(super) subscription: Option<(String, String)>,
}

/// A file whose rows are joined to those of another, by a column there and its own key.
pub(super) struct Lookup {
    pub(super) path: PathBuf,
    pub(super) on: String,
    pub(super) key: String,
}

/// Files of the same columns, with what is joined to them.
pub(super) struct Input {
    pub(super) sample: Sample,
    /// A file whose rows are joined to these.
    pub(super) lookup: Option<Lookup>,
    /// Whether it only serves as a lookup.
    is_lookup: bool,
}

/// Files of the same columns, and what their columns hold.
pub(super) struct Table<'s> {
    pub(super) input: &'s Input,
    pub(super) columns: Vec<Look<'s>>,
    /// Words of the files' names.
    pub(super) stem: Vec<String>,
    /// Positions among the columns.
    pub(super) customer: Option<usize>,
    pub(super) item: Option<usize>,
    pub(super) offer: Option<usize>,
    /// The kind of id, where it is not the customers' own.
    pub(super) id: Option<String>,
    pub(super) is_test: bool,
}

/// Samples of the same columns as one; those whose file says `test` stand apart where another says `train`.
pub(super) fn grouped(samples: Vec<Sample>) -> Vec<Input> {
    let has_train = samples.iter().any(|sample| says(sample, "train"));
    let mut groups: Vec<Sample> = Vec::new();
    for sample in samples {
        let alike = |group: &&mut Sample| {
            group.reading == sample.reading
                && group.columns.len() > 1
                && group.columns.iter().map(|column| &column.name).eq(sample.columns.iter().map(|column| &column.name))
                && !(has_train && says(group, "test") != says(&sample, "test"))
        };
        // Numbered columns and lists are alike by chance.
        let may_join = !sample.reading.without_header && !sample.reading.is_list;
        match groups.iter_mut().find(|group| may_join && alike(group)) {
            Some(group) => group.join(sample),
            None => groups.push(sample),
        }
    }
    let mut inputs: Vec<Input> = groups.into_iter().map(|sample| Input { sample, lookup: None, is_lookup: false }).collect();
    join(&mut inputs);
    inputs
}

/// Rows without a customer or a date get those of the table that has them, by the one column that both have: order lines those of their order.
fn join(inputs: &mut [Input]) {
    struct Facts {
        customer: Option<usize>,
        has_time: bool,
        /// Whether its date is the row's and not the customer's, who stands in one row.
        gives_time: bool,
        /// By column: whether every row has a value of its own.
        is_key: Vec<bool>,
    }
    let facts: Vec<Facts> = inputs
        .iter()
        .map(|input| {
            let table = Table::new(input);
            let is_key =
                table.columns.iter().map(|column| column.may_be_id() && column.known == input.sample.rows && column.distinct() == column.known).collect();
            let has_time = events::time(&table).is_some();
            let gives_time = has_time && table.customer.is_none_or(|customer| !table.columns[customer].is_unique());
            Facts { customer: table.customer, has_time, gives_time, is_key }
        })
        .collect();
    for of in 0..inputs.len() {
        let Facts { customer, has_time, is_key, .. } = &facts[of];
        if (customer.is_some() && *has_time) || inputs[of].is_lookup {
            continue;
        }
        let may_serve = |by: &usize| *by != of && inputs[*by].sample.paths.len() == 1 && !inputs[*by].sample.reading.by_blanks && inputs[*by].lookup.is_none();
        let found = (0..inputs.len()).filter(may_serve).find_map(|by| {
            let by_facts = &facts[by];
            // A table without any date is one of ids: identities say whose they are.
            let gives = by_facts.has_time && (*has_time || by_facts.gives_time) && (customer.is_some() || by_facts.customer.is_some());
            if !gives {
                return None;
            }
            let by_table = &inputs[by].sample;
            let names = stem(by_table);
            let shared = |(place, column): (usize, &SampledColumn)| {
                // The same name; or `order_id` here and `id` in orders.
                let is_its_id = |known: &SampledColumn| {
                    let own = words(&column.name);
                    words(&known.name) == ["id"] && own.len() == 2 && own[1] == "id" && names.last().is_some_and(|of| singular(of) == own[0])
                };
                let key = by_table.columns.iter().position(|known| known.name == column.name && words(&known.name) != ["id"]);
                let key = key.or_else(|| by_table.columns.iter().position(is_its_id))?;
                (by_facts.is_key[key] && !is_key[place] && Some(place) != *customer).then_some((place, key))
            };
            inputs[of].sample.columns.iter().enumerate().find_map(shared).map(|(place, key)| (by, place, key))
        });
        let Some((by, place, key)) = found else { continue };
        let looked_up = inputs[by].sample.clone();
        inputs[by].is_lookup = true;
        let name = looked_up.columns[key].name.clone();
        let row_of: HashMap<&str, usize> = (0..looked_up.rows).filter_map(|row| Some((looked_up.columns[key].text(row)?, row))).collect();
        let sample = &mut inputs[of].sample;
        let rows: Vec<Option<usize>> = (0..sample.rows).map(|row| row_of.get(sample.columns[place].text(row)?).copied()).collect();
        let on = sample.columns[place].name.clone();
        for column in looked_up.columns.iter().filter(|column| column.name != name) {
            if sample.columns.iter().all(|known| known.name != column.name) {
                let codes = rows.iter().map(|row| row.map_or(NO_INDEX, |row| column.codes[row])).collect();
                sample.columns.push(SampledColumn { name: column.name.clone(), codes, texts: column.texts.clone() });
            }
        }
        inputs[of].lookup = Some(Lookup { path: looked_up.paths[0].clone(), on, key: name });
    }
}

fn stem(sample: &Sample) -> Vec<String> {
    let name = sample.paths[0].file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    words(name.split('.').next().unwrap_or_default())
}

fn says(sample: &Sample, word: &str) -> bool {
    stem(sample).iter().any(|known| known == word)
}

impl<'s> Table<'s> {
    fn new(input: &'s Input) -> Table<'s> {
        let sample = &input.sample;
        let columns = Look::all(sample);
        let mut table = Table { input, columns, stem: stem(sample), customer: None, item: None, offer: None, id: None, is_test: false };
        // A table of a database calls its own key `id`, and itself what it is of.
        let own = table.own_key();
        let is_of = [&CUSTOMER[..], &ITEM, &OFFER].map(|list| table.is_of(list));
        table.customer = table.id_of(&CUSTOMER).or(own.filter(|_| is_of[0]));
        table.item = table.id_of(&ITEM).or(own.filter(|_| is_of[1]));
        table.offer = table.id_of(&OFFER).or(own.filter(|_| is_of[2]));
        if table.customer.is_none() && sample.reading.without_header {
            table.customer = table.columns.iter().position(Look::may_be_id);
            let is_pair = table.columns.len() == 2 && table.columns.iter().all(Look::may_be_id);
            table.item = table.item.or(is_pair.then_some(1));
        }
        if table.customer.is_none() {
            // Where nothing else is an id of a person, an address is.
            let repeats =
                |column: &Look<'_>| column.has_word(&["email"]) && column.is_text() && column.sampled.texts.iter().take(50).all(|text| text.contains('@'));
            table.customer = table.find(repeats);
        }
        table
    }

    pub(super) fn sample(&self) -> &'s Sample {
        &self.input.sample
    }

    /// The files, by name.
    pub(super) fn files(&self) -> String {
        let names: Vec<String> = self.sample().paths.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
        if names.len() > 4 { format!("{}, … ({} files)", names[..3].join(", "), names.len()) } else { names.join(", ") }
    }

    /// The column whose name is a word of the list, with or without a word of ids; the first words of the list go before the others.
    pub(super) fn id_of(&self, subject: &[&str]) -> Option<usize> {
        let rank = |column: &Look<'_>| {
            let of_subject: Vec<usize> = column.words.iter().filter_map(|word| subject.iter().position(|known| known == word)).collect();
            let others = column.words.iter().filter(|word| ![subject, &ID, &FILLER].iter().any(|list| list.contains(&word.as_str()))).count();
            let place = *of_subject.first()?;
            (others == 0 && column.may_be_id() && column.distinct() > 1).then_some((place, !column.has_word(&ID)))
        };
        (0..self.columns.len()).filter_map(|place| Some((rank(&self.columns[place])?, place))).min().map(|(_, place)| place)
    }

    /// The column that is called `id` and tells every row apart.
    pub(super) fn own_key(&self) -> Option<usize> {
        self.find(|column| column.words == ["id"] && column.is_unique() && column.may_be_id())
    }

    /// Whether the table is of such things, by its name.
    pub(super) fn is_of(&self, list: &[&str]) -> bool {
        self.stem.last().is_some_and(|word| list.contains(&singular(word)))
    }

    /// The first column that fits.
    pub(super) fn find(&self, fits: impl Fn(&Look<'s>) -> bool) -> Option<usize> {
        self.columns.iter().position(fits)
    }

    pub(super) fn stem_has(&self, list: &[&str]) -> bool {
        self.stem.iter().any(|word| list.contains(&word.as_str()))
    }

    /// A column as the config names it, with what its values need.
    pub(super) fn value(&self, place: usize) -> String {
        let column = &self.columns[place];
        match &column.holds {
            Holds::Date(written) if written.format.is_some() || written.unit.is_some() => {
                let mut parts = vec![format!("column = {}", quoted(column.name))];
                parts.extend(written.format.iter().map(|format| format!("format = {}", quoted(format))));
                if let Some((unit, origin)) = written.unit {
                    parts.push(format!("unit = {}", quoted(unit)));
                    parts.extend(origin.map(|origin| format!("origin = {}", quoted(origin))));
                }
                format!("{{ {} }}", parts.join(", "))
            }
            _ => quoted(column.name),
        }
    }

    /// Sets a key to a moment, and says what was guessed of it.
    pub(super) fn put_time(&self, source: &mut Source, key: &'static str, place: usize) {
        let guess = match &self.columns[place].holds {
            Holds::Date(written) => written.guess.clone().unwrap_or_default(),
            _ => String::new(),
        };
        source.noted(key, self.value(place), guess);
    }

    /// Sets the customer. Rows without one are left out where they are many.
    fn put_customer(&self, source: &mut Source, place: usize) {
        let column = &self.columns[place];
        let without = self.sample().rows - column.known;
        if without * LEFT_OUT_FROM > self.sample().rows {
            let share = 100.0 * without as f64 / self.sample().rows as f64;
            source.noted("where", quoted(&format!("{} is not missing", in_condition(column.name))), format!("{share:.1} % of the rows have no customer"));
        }
        if let Some(id) = &self.id {
            source.noted("id", quoted(id), "[[identities]] says whose it is");
        }
        if column.ends_in_zero() {
            source.put("customer", format!("{{ column = {}, strip_suffix = \".0\" }}", quoted(column.name)));
        } else {
            source.put("customer", quoted(column.name));
        }
    }

    /// A source of these files, its customer set, and the texts that mean no value beside the usual.
    pub(super) fn source(&self, table: &'static str, folder: &Path, customer: Option<usize>, used: &[usize]) -> Source {
        let mut source = Source::new(table, self.input, folder);
        let mut odd: Vec<&str> = used.iter().flat_map(|place| self.columns[*place].odd_missing.iter().copied()).collect();
        odd.sort_unstable();
        odd.dedup();
        if !odd.is_empty() {
            source.noted("missing", list(["", "NA", "NULL"].into_iter().chain(odd)), "texts among numbers or dates that seem to mean no value");
        }
        if let Some(customer) = customer {
            self.put_customer(&mut source, customer);
        }
        source
    }

    /// The columns that are not among those used, by name.
    pub(super) fn unused(&self, used: &[usize]) -> Vec<String> {
        (0..self.columns.len()).filter(|place| !used.contains(place)).map(|place| self.columns[place].name.to_owned()).collect()
    }

    fn texts(&self, place: Option<usize>) -> impl Iterator<Item = &'s str> {
        place.into_iter().flat_map(|place| self.columns[place].sampled.texts.iter().map(|text| text.strip_suffix(".0").unwrap_or(text)))
    }

    /// The column without a name of its own (`id`) whose values are mostly among those known.
    fn shares(&self, known: &HashSet<&str>, mut fits: impl FnMut(&Look<'s>) -> bool) -> Option<usize> {
        let share = |place: usize| {
            let texts: Vec<&str> = self.texts(Some(place)).collect();
            texts.iter().filter(|text| known.contains(*text)).count() as f64 / texts.len().max(1) as f64
        };
        (0..self.columns.len()).find(|place| {
            let column = &self.columns[*place];
            // Small numbers are among those of any other table: a count of rows tells nothing.
            let says_itself = column.words.iter().any(|word| !ID.contains(&word.as_str()));
            let is_id = if column.is_text() { !says_itself || column.is_unique() } else { !says_itself && !column.counts_rows() };
            is_id && column.may_be_id() && column.distinct() > 3 && fits(column) && share(*place) >= SHARED
        })
    }

    /// When a subscription began and when it ended, where some of those that began have not ended.
    fn subscription(&self) -> Option<(usize, usize)> {
        let customer = self.customer.filter(|customer| self.columns[*customer].is_unique())?;
        let ended = self.find(|column| column.is_date() && column.has_word(&ENDED))?;
        let began = self.find(|column| column.is_date() && column.has_word(&BEGAN) && !column.has_word(&ENDED))?;
        let (all, over) = (self.columns[customer].known, self.columns[ended].known);
        (over * 50 > all && over < all && self.columns[began].known * 2 > all).then_some((began, ended))
    }

    /// The column that says who left, and what it says then.
    fn label(&self) -> Option<(usize, &'s str, bool)> {
        let place = self.find(|column| {
            let about = |word: &String| LEFT.contains(&word.as_str()) || OF_LABEL.contains(&word.as_str());
            column.distinct() == 2 && column.has_word(&LEFT) && column.words.iter().all(about)
        })?;
        let mut counts = self.columns[place].counts();
        let says_left = |text: &str| {
            let text = text.to_lowercase();
            ["1", "1.0", "yes", "y", "true", "t"].contains(&text.as_str()) || words(&text).first().is_some_and(|word| LEFT.contains(&word.as_str()))
        };
        if let Some((_, text)) = counts.iter().find(|(_, text)| says_left(text)) {
            return Some((place, text, true));
        }
        counts.sort_unstable();
        Some((place, counts[0].1, false))
    }
}

/// Makes sources of the samples. `folder` is where the config will stand.
pub(super) fn sources(inputs: &[Input], folder: &Path) -> Found {
    let mut tables: Vec<Table<'_>> = inputs.iter().filter(|input| !input.is_lookup).map(Table::new).collect();
    let identities = identities(&mut tables);
    share_ids(&mut tables);
    let mut found = Found { sources: Vec::new(), left_out: Vec::new(), has_label: false, subscription: None };
    let has_items = tables.iter().any(|table| table.customer.is_none() && table.item.is_some());
    let has_train = tables.iter().any(|table| table.stem_has(&["train"]));
    for table in &mut tables {
        table.is_test = has_train && table.stem_has(&["test"]);
    }
    let is_dated = tables.iter().any(|table| is_event(table) && events::time(table).is_some());
    let mut of_events: Vec<Source> = Vec::new();
    let (mut profiles, mut rest): (Vec<Source>, Vec<Source>) = (Vec::new(), Vec::new());
    let buys = tables.iter().find(|table| is_event(table) && events::time(table).is_some() && events::kind(table).buys());
    let sums = buys.map(events::has_amount);
    // Offers that are good for one campaign go by its name.
    let groups: Vec<&str> = tables
        .iter()
        .filter(|table| table.customer.is_none() && table.offer.is_some())
        .filter_map(|table| Some(table.columns[offer_group(table)?].name))
        .collect();
    for (number, table) in tables.iter().enumerate() {
        if identities.iter().any(|(place, _)| *place == number) {
            continue;
        }
        if is_contacts(table) {
            rest.push(treatments(table, folder, sums, &groups));
            of_events.extend(events::contacts(table, folder));
        } else if is_event(table) {
            if is_dated && events::time(table).is_none() && !table.is_test {
                found.left_out.push(format!("{}: it has customers but no date, and the other files have dates", table.files()));
                continue;
            }
            let mut source = events::events(table, folder, !has_items);
            if !table.is_test {
                let items = events::items(table, folder).filter(|_| !has_items);
                source.unused.retain(|column| items.as_ref().is_none_or(|items| items.unused.contains(column)));
                let profile = events::profiles(table, folder, &source.unused);
                // What the three leave out is told once, with the events.
                let items = items.map(Source::without_unused);
                rest.extend(items);
                profiles.extend(profile);
            }
            of_events.push(source);
        } else if table.customer.is_some_and(|customer| !table.columns[customer].is_unique() && table.label().is_none()) {
            found.left_out.push(format!("{}: customers stand in several rows, and nothing says when", table.files()));
        } else if table.customer.is_some() || table.label().is_some() || experiment(table).is_some() {
            let label = table.label().filter(|_| !found.has_label);
            found.has_label |= label.is_some();
            let named = |(began, ended): (usize, usize)| (table.columns[began].name.to_owned(), table.columns[ended].name.to_owned());
            found.subscription = found.subscription.or_else(|| table.subscription().map(named));
            profiles.push(profile(table, folder, label, is_dated));
            rest.extend(experiment(table).map(|arm| trial(table, folder, arm)));
        } else if table.offer.is_some() {
            rest.push(offers(table, folder));
        } else if table.item.is_some() {
            rest.push(items(table, folder));
        } else {
            found.left_out.push(format!("{}: no column looks like a customer, an item or an offer", table.files()));
        }
    }
    // A profile made of events stands back where there is one of its own.
    if profiles.iter().any(|source| !source.about.iter().any(|line| line.starts_with("From the events"))) {
        profiles.retain(|source| !source.about.iter().any(|line| line.starts_with("From the events")));
    }
    rest.sort_by_key(|source| ["items", "offers", "treatments"].iter().position(|table| *table == source.table));
    found.sources = of_events.into_iter().chain(profiles).chain(rest).collect();
    for (number, also) in identities {
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
    let mut found = Vec::new();
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
        for other in tables.iter_mut().filter(|other| other.customer.is_none()) {
            if let Some(place) = other.find(|column| also.iter().any(|name| name == column.name)) {
                other.customer = Some(place);
                other.id = Some(other.columns[place].name.to_owned());
                is_used = true;
            }
        }
        if is_used {
            found.push((number, also));
        }
    }
    found
}

/// Columns called `id` and the like take the meaning of those whose values they share.
fn share_ids(tables: &mut [Table<'_>]) {
    for (of, set) in
        [(|table: &Table<'_>| table.customer.filter(|_| table.id.is_none())) as fn(&Table<'_>) -> Option<usize>, |table| table.item, |table| table.offer]
            .into_iter()
            .zip([|table: &mut Table<'_>, place| table.customer = place, |table, place| table.item = place, |table, place| table.offer = place]
                as [fn(&mut Table<'_>, Option<usize>); 3])
    {
        let mut known: HashSet<&str> = HashSet::new();
        tables.iter().for_each(|table| known.extend(table.texts(of(table))));
        for table in tables.iter_mut().filter(|table| table.customer.is_none() && of(table).is_none()) {
            let place = table.shares(&known, |column| column.is_unique() || column.has_word(&ID));
            if place.is_some() {
                set(table, place);
            }
        }
    }
}

/// Whether rows are what customers did: several for a customer, or one that was paid for something.
fn is_event(table: &Table<'_>) -> bool {
    let Some(customer) = table.customer else { return false };
    if table.label().is_some() {
        return false;
    }
    let repeats = !table.columns[customer].is_unique();
    let acts = table.item.is_some() || events::basket(table).is_some();
    (repeats && (events::time(table).is_some() || table.item.is_some())) || (acts && events::time(table).is_some())
}

/// Whether rows are what the business sent: an offer for a customer, and no purchase.
fn is_contacts(table: &Table<'_>) -> bool {
    let says = table.stem_has(&["campaign", "campaigns", "treatment", "treatments", "mailing", "mailings", "contacts", "sends", "outreach"])
        || table.columns.iter().any(|column| column.has_word(&["propensity", "control", "treated"]));
    let bought = table.item.is_some() || events::has_amount(table);
    table.customer.is_some() && (table.offer.is_some() || arm(table).is_some()) && says && !bought && events::time(table).is_some()
}

/// The column of arms, one of which says that nothing was sent, and that arm.
fn arm<'s>(table: &Table<'s>) -> Option<(usize, &'s str)> {
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
fn experiment(table: &Table<'_>) -> Option<usize> {
    let (place, _) = arm(table)?;
    let responds = table.columns.iter().any(|column| column.is_number() && column.words.len() == 1 && column.has_word(&RESPONSE));
    (responds && table.offer.is_none()).then_some(place)
}

fn profile(table: &Table<'_>, folder: &Path, label: Option<(usize, &str, bool)>, is_dated: bool) -> Source {
    let all: Vec<usize> = (0..table.columns.len()).collect();
    let mut source = table.source("profiles", folder, table.customer, &all);
    source.about.push(format!("{}: one row for a customer. Columns that are not named here are numbers or categories, by what they hold.", table.files()));
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
    for (key, list) in [("household", &HOUSEHOLD[..]), ("consent", &CONSENT[..]), ("suppress", &SUPPRESS[..])] {
        let place = match key {
            "household" => table.id_of(list),
            _ => table.find(|column| column.has_word(list) && (1..=4).contains(&column.distinct())),
        };
        if let Some(place) = place.filter(|place| !used.contains(place)) {
            source.put(key, quoted(table.columns[place].name));
            used.push(place);
        }
    }
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
        (column.has_word(&PERSONAL) && column.distinct() > MOST_CATEGORIES)
            || is_row_number(column)
            || (column.is_text() && column.is_unique() && column.known > 20)
    };
    let drop: Vec<usize> = all.iter().copied().filter(|place| !used.contains(place) && tells_nothing(&table.columns[*place])).collect();
    if !drop.is_empty() {
        source.noted("drop", list(drop.iter().map(|place| table.columns[*place].name)), "names and numbers of rows say nothing of other customers");
    }
    used.extend(&drop);
    let dates: Vec<usize> = all.iter().copied().filter(|place| !used.contains(place) && table.columns[*place].is_date()).collect();
    if !dates.is_empty() {
        source.put("dates", format!("[{}]", dates.iter().map(|place| table.value(*place)).collect::<Vec<_>>().join(", ")));
    }
    if is_dated {
        let lasting: Vec<usize> = all.iter().copied().filter(|place| !used.contains(place) && table.columns[*place].has_word(&LASTING)).collect();
        source.about.push("An export shows today, so columns serve the past only if `static` names them: those that never change.".into());
        if !lasting.is_empty() {
            source.put("static", list(lasting.iter().map(|place| table.columns[*place].name)));
        }
    }
    source
}

fn items(table: &Table<'_>, folder: &Path) -> Source {
    let Some(item) = table.item else { return Source::new("items", table.input, folder) };
    let mut source = table.source("items", folder, None, &[]);
    source.about.push(format!("{}: what is sold.", table.files()));
    source.put("item", quoted(table.columns[item].name));
    let mut used = vec![item];
    item_columns(table, &mut source, &mut used);
    source.unused = table.unused(&used);
    source
}

/// Name, category, price, margin and stock of items.
pub(super) fn item_columns(table: &Table<'_>, source: &mut Source, used: &mut Vec<usize>) {
    let Some(item) = table.item else { return };
    let key = &table.columns[item];
    let follows = |column: &Look<'_>, share: f64| column.follows(key).is_none_or(|found| found >= share);
    let name = table.find(|column| column.is_text() && column.has_word(&NAME) && follows(column, NAMED));
    let name = name.filter(|place| !used.contains(place) && table.columns[*place].distinct() > MOST_CATEGORIES.min(table.columns[item].distinct() / 4));
    if let Some(place) = name {
        source.put("name", quoted(table.columns[place].name));
        used.push(place);
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
    levels.sort_by_key(|place| std::cmp::Reverse(table.columns[*place].distinct()));
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
        [] => {}
        [only] => source.put("category", quoted(table.columns[*only].name)),
        several => source.noted("category", list(several.iter().map(|place| table.columns[*place].name)), "coarse to fine"),
    }
    used.extend(&levels);
    for (key, list) in [("price", &PRICE[..]), ("margin", &["margin"][..])] {
        if let Some(place) = table.find(|column| column.is_number() && column.has_word(list) && follows(column, FOLLOWS)).filter(|place| !used.contains(place))
        {
            source.put(key, quoted(table.columns[place].name));
            used.push(place);
        }
    }
    let stock = table.find(|column| column.has_word(&["available", "availability", "stock", "instock", "inventory"]) && !column.has_word(&ID));
    if let Some(place) = stock.filter(|place| !used.contains(place) && *place != item && follows(&table.columns[*place], FOLLOWS)) {
        source.put("available", quoted(table.columns[place].name));
        used.push(place);
    }
}

fn offers(table: &Table<'_>, folder: &Path) -> Source {
    let mut source = table.source("offers", folder, None, &[]);
    let Some(offer) = table.offer else { return source };
    source.about.push(format!("{}: what can be offered. Say what a contact and an acceptance cost, and who may get it (`who`).", table.files()));
    source.put("offer", quoted(table.columns[offer].name));
    let mut used = vec![offer];
    if let Some(item) = table.item {
        source.put("items", quoted(table.columns[item].name));
        used.push(item);
    }
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

/// The column that offers are grouped by.
fn offer_group(table: &Table<'_>) -> Option<usize> {
    table.find(|column| column.has_word(&GROUPS) && !column.is_date()).filter(|place| Some(*place) != table.offer)
}

/// `sums` says whether there are purchases with dates, and whether they have amounts; `groups` are the columns by which offers are grouped.
fn treatments(table: &Table<'_>, folder: &Path, sums: Option<bool>, groups: &[&str]) -> Source {
    let mut source = table.source("treatments", folder, table.customer, &[]);
    source.about.push(format!("{}: who was given what. Say `randomised = true` where that was decided by lot.", table.files()));
    let mut used: Vec<usize> = table.customer.into_iter().collect();
    let put = |source: &mut Source, used: &mut Vec<usize>, key: &'static str, place: Option<usize>| {
        if let Some(place) = place.filter(|place| !used.contains(place)) {
            source.put(key, quoted(table.columns[place].name));
            used.push(place);
        }
    };
    let arm = arm(table);
    // Of two, the campaign is the wave in which an offer was sent.
    let wave = table.find(|column| column.has_word(&["wave", "campaign", "mailing"]) && column.may_be_id());
    let offer = table.find(|column| column.has_word(&["offer", "coupon", "promotion", "promo", "voucher", "deal"]) && column.may_be_id()).or(table.offer);
    let is_group = offer.is_some_and(|offer| groups.contains(&table.columns[offer].name));
    put(&mut source, &mut used, if is_group { "offer_group" } else { "offer" }, offer);
    put(&mut source, &mut used, "arm", arm.map(|(place, _)| place));
    let time = events::time(table);
    if let Some(time) = time {
        table.put_time(&mut source, "time", time);
        used.push(time);
    }
    put(&mut source, &mut used, "wave", wave);
    put(&mut source, &mut used, "propensity", table.find(|column| column.is_number() && column.has_word(&["propensity", "probability"])));
    put(&mut source, &mut used, "decision_id", table.find(|column| column.name == "decision_id"));
    put(&mut source, &mut used, "channel", table.find(|column| column.is_text() && column.has_word(&CHANNEL)));
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

/// A test whose outcome stands in the same row.
fn trial(table: &Table<'_>, folder: &Path, arm_at: usize) -> Source {
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
