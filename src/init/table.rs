//! Files of the same columns: which of them are ids, and what they say.

use super::columns::{Holds, Look};
use super::draft::{Source, in_condition, list, quoted};
use super::inputs::{Input, stem};
use super::languages::english;
use super::words::{CARD, CUSTOMER, FILLER, HOUSEHOLD, ID, ITEM, LEFT, NAME, OF_LABEL, OFFER, SENT_ON, singular, words};
use crate::config::USUAL_MISSING;
use crate::exports::Sample;
use foldhash::HashSet;
use std::path::Path;

/// Share of the values of an id that must be known from elsewhere for it to be the same id.
const SHARED: f64 = 0.5;
/// Where one row in so many has no customer, such rows are left out rather than refused.
const LEFT_OUT_FROM: usize = 200;

/// Distinct texts of a column without a name from which it is one of items.
const MANY_TEXTS: usize = 100;

/// What an id may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Customer,
    Item,
    Offer,
}

/// Files of the same columns, and what their columns hold.
pub(super) struct Table<'s> {
    pub(super) input: &'s Input,
    pub(super) columns: Vec<Look<'s>>,
    /// Words of the files' names.
    pub(super) stem: Vec<String>,
    /// Positions among the columns.
    pub(super) customer: Option<usize>,
    /// What the customer was guessed from, where no name says who it is.
    pub(super) customer_guess: &'static str,
    pub(super) item: Option<usize>,
    pub(super) offer: Option<usize>,
    /// Whether the customer is known by a card or an address, which may stand beside an id of their own elsewhere.
    pub(super) may_be_other_id: bool,
    /// The kind of id, where it is not the customers' own.
    pub(super) id_kind: Option<String>,
    pub(super) is_test: bool,
    /// Whether rows are events by their file's name, though no customer has two.
    pub(super) is_of_events: bool,
}

impl<'s> Table<'s> {
    pub(super) fn new(input: &'s Input) -> Table<'s> {
        let sample = &input.sample;
        let columns = Look::all(sample);
        let stem = stem(sample);
        let mut table = Table {
            input,
            columns,
            stem,
            customer: None,
            customer_guess: "",
            item: None,
            offer: None,
            may_be_other_id: false,
            id_kind: None,
            is_test: false,
            is_of_events: false,
        };
        // A table of a database calls its own key `id`, and itself what it is of.
        let own = table.own_key();
        let is_of = [&CUSTOMER[..], &ITEM, &OFFER].map(|list| table.is_of(list));
        // The number of a contract; how long one runs is none.
        let contract = table.id_of(&["contract"]).filter(|place| table.columns[*place].has_word(&ID));
        table.customer = table.id_of(&CUSTOMER).or(own.filter(|_| is_of[0])).or(contract);
        table.item = table.id_of(&ITEM).or(own.filter(|_| is_of[1]));
        table.offer = table.id_of(&OFFER).or(own.filter(|_| is_of[2]));
        if table.customer.is_none() && sample.reading.without_header {
            table.customer = table.columns.iter().position(Look::may_be_id);
            let is_pair = table.columns.len() == 2 && table.columns.iter().all(Look::may_be_id);
            // Texts of many kinds that come again are what it was done with.
            let is_named = |column: &Look<'_>| column.is_text() && !column.is_unique() && column.distinct() > MANY_TEXTS;
            table.item = table.item.or(is_pair.then_some(1)).or_else(|| table.find(is_named).filter(|place| Some(*place) != table.customer));
        }
        // Where nothing else is an id of a person, that of a card is, or an address. A household has several cards.
        let is_household = table.customer.is_some_and(|customer| table.columns[customer].has_word(&HOUSEHOLD));
        if table.customer.is_none() || is_household {
            let is_address = |column: &Look<'_>| column.has_word(&["email"]) && column.holds_addresses();
            let is_card = |place: &usize| {
                let column = &table.columns[*place];
                // That someone has a card is no number of it.
                let is_number = column.has_word(&ID) || column.distinct() > MANY_TEXTS;
                is_number && (column.has_word(&["card"]) || (column.has_word(&["loyalty"]) && column.has_word(&ID)))
            };
            let other = table.id_of(&CARD).filter(is_card).or_else(|| table.find(is_address).filter(|_| !is_household));
            table.may_be_other_id = other.is_some();
            table.customer = other.or(table.customer);
        }
        // What was sent to a customer may go by its name.
        if table.offer.is_none() && table.customer.is_some() && table.tells_of_sending() {
            table.offer = table.find(|column| column.is_text() && column.has_word(&OFFER) && column.has_word(&NAME) && column.distinct() <= MANY_TEXTS);
        }
        table
    }

    /// Whether a date says when something was sent.
    pub(super) fn tells_of_sending(&self) -> bool {
        self.columns.iter().any(|column| column.is_date() && column.has_word(&SENT_ON))
    }

    /// The column that is the id of such a thing.
    pub(super) fn id(&self, of: Of) -> Option<usize> {
        match of {
            Of::Customer => self.customer,
            Of::Item => self.item,
            Of::Offer => self.offer,
        }
    }

    pub(super) fn set_id(&mut self, of: Of, place: usize) {
        let id = match of {
            Of::Customer => &mut self.customer,
            Of::Item => &mut self.item,
            Of::Offer => &mut self.offer,
        };
        *id = Some(place);
    }

    /// Sets a key to a column that has no other part yet.
    pub(super) fn put(&self, source: &mut Source, used: &mut Vec<usize>, key: &'static str, place: Option<usize>) {
        if let Some(place) = place.filter(|place| !used.contains(place)) {
            source.put(key, self.value(place));
            used.push(place);
        }
    }

    pub(super) fn sample(&self) -> &'s Sample {
        &self.input.sample
    }

    /// The file whose rows are joined to these.
    pub(super) fn joined(&self) -> Option<&'s Path> {
        self.input.lookup.as_ref().map(|lookup| lookup.path.as_path())
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

    /// Takes the only column of ids that tells every row apart, but for the number of the row, for the customer where no name says who it is.
    pub(super) fn guess_customer(&mut self) {
        let is_id = |column: &Look<'_>| column.is_unique() && column.may_be_id() && column.has_word(&ID) && !column.has_word(&["row", "index"]);
        let mut ids = (0..self.columns.len()).filter(|place| is_id(&self.columns[*place]));
        if let (None, Some(place), None) = (self.customer, ids.next(), ids.next()) {
            (self.customer, self.customer_guess) = (Some(place), "guessed: the only id that tells every row apart");
        }
    }

    /// Whether the values of a column mostly come again at other times: lines of an order are of one time.
    pub(super) fn comes_again(&self, place: usize, time: usize) -> bool {
        self.columns[time].follows(&self.columns[place]).is_some_and(|share| share < SHARED)
    }

    /// Takes an id without a name of its own that comes again at other times for the customer, where no name says who it is.
    pub(super) fn guess_who_came(&mut self, time: usize) {
        let fits = |place: &usize| self.columns[*place].has_only(&[&ID]) && self.columns[*place].may_be_id() && self.comes_again(*place, time);
        if let Some(place) = (0..self.columns.len()).find(fits) {
            (self.customer, self.customer_guess) = (Some(place), "guessed: the only id, and it comes again at other times");
        }
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
            _ if !column.signs.is_empty() => format!("{{ column = {}, strip = {} }}", quoted(column.name), list(&column.signs)),
            _ => quoted(column.name),
        }
    }

    /// Columns as a list of the config names them.
    pub(super) fn values(&self, places: &[usize]) -> String {
        format!("[{}]", places.iter().map(|place| self.value(*place)).collect::<Vec<_>>().join(", "))
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
    pub(super) fn put_customer(&self, source: &mut Source, place: usize) {
        let column = &self.columns[place];
        let without = self.sample().rows - column.known;
        if without * LEFT_OUT_FROM > self.sample().rows {
            let share = 100.0 * without as f64 / self.sample().rows as f64;
            source.only_where(format!("{} is not missing", in_condition(column.name)), format!("{share:.1} % of the rows have no customer"));
        }
        if let Some(id) = &self.id_kind {
            source.noted("id", quoted(id), "[[identities]] says whose it is");
        }
        if column.ends_in_zero() {
            source.put("customer", format!("{{ column = {}, strip_suffix = \".0\" }}", quoted(column.name)));
        } else {
            source.noted("customer", quoted(column.name), self.customer_guess);
        }
    }

    /// A source of these files, its customer set, and the texts that mean no value beside the usual.
    pub(super) fn source(&self, table: &'static str, folder: &Path, customer: Option<usize>, used: &[usize]) -> Source {
        let mut source = Source::new(table, self.input, folder);
        let mut odd: Vec<&str> = used.iter().flat_map(|place| self.columns[*place].odd_missing.iter().copied()).collect();
        odd.sort_unstable();
        odd.dedup();
        if !odd.is_empty() {
            source.noted("missing", list(USUAL_MISSING.into_iter().chain(odd)), "texts among numbers or dates that seem to mean no value");
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

    pub(super) fn texts(&self, place: Option<usize>) -> impl Iterator<Item = &'s str> {
        place.into_iter().flat_map(|place| self.columns[place].sampled.texts.iter().map(|text| text.strip_suffix(".0").unwrap_or(text)))
    }

    /// How many of a column's values are among those known.
    pub(super) fn known_among(&self, place: usize, known: &HashSet<&str>) -> usize {
        self.texts(Some(place)).filter(|text| known.contains(text)).count()
    }

    /// The column without a name of its own (`id`) whose values are mostly among those known.
    pub(super) fn shares(&self, known: &HashSet<&str>, mut fits: impl FnMut(&Look<'s>) -> bool) -> Option<usize> {
        let share = |place: usize| self.known_among(place, known) as f64 / self.columns[place].distinct().max(1) as f64;
        (0..self.columns.len()).find(|place| {
            let column = &self.columns[*place];
            // Small numbers are among those of any other table: a count of rows tells nothing.
            let says_itself = column.words.iter().any(|word| !ID.contains(&word.as_str()));
            let is_id = if column.is_text() { !says_itself || column.is_unique() || column.has_word(&ID) } else { !says_itself && !column.counts_rows() };
            is_id && column.may_be_id() && column.distinct() > 3 && fits(column) && share(*place) >= SHARED
        })
    }

    /// The column that says who left, and what it says then.
    pub(super) fn label(&self) -> Option<(usize, &'s str, bool)> {
        let place = self.find(|column| {
            let about = |word: &String| LEFT.contains(&word.as_str()) || OF_LABEL.contains(&word.as_str());
            column.distinct() == 2 && column.has_word(&LEFT) && column.words.iter().all(about)
        })?;
        let mut counts = self.columns[place].counts();
        let says_left = |text: &str| {
            let text = text.trim_end_matches('.').to_lowercase();
            ["1", "1.0", "yes", "y", "true", "t"].contains(&english(&text)) || words(&text).first().is_some_and(|word| LEFT.contains(&word.as_str()))
        };
        if let Some((_, text)) = counts.iter().find(|(_, text)| says_left(text)) {
            return Some((place, text, true));
        }
        counts.sort_unstable();
        Some((place, counts[0].1, false))
    }
}
