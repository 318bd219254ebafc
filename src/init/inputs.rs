//! Which files belong together: those of the same columns are one, and rows get what another table knows of them.

use super::events;
use super::filled::{Filled, fill_down};
use super::table::Table;
use super::words::{BASKET, singular, words};
use crate::exports::{Sample, SampledColumn};
use crate::timeline::NO_INDEX;
use foldhash::HashMap;
use std::path::PathBuf;

/// A file whose rows are joined to those of another, by a column there and its own key.
pub(super) struct Lookup {
    pub(super) path: PathBuf,
    pub(super) on: String,
    pub(super) key: String,
}

/// Files of the same columns, with what is joined to them.
pub(super) struct Input {
    pub(super) sample: Sample,
    /// Columns that were filled.
    pub(super) filled: Option<Filled>,
    /// Columns of the files themselves; those joined come after them.
    pub(super) own: usize,
    /// A file whose rows are joined to these.
    pub(super) lookup: Option<Lookup>,
    /// Whether it only serves as a lookup.
    pub(super) is_lookup: bool,
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
    let mut inputs: Vec<Input> = groups
        .into_iter()
        .map(|mut sample| Input { own: sample.columns.len(), filled: fill_down(&mut sample), sample, lookup: None, is_lookup: false })
        .collect();
    join(&mut inputs);
    inputs
}

/// Rows without a customer or a date get those of the table that has them, by the one column that both have: order lines those of their order.
fn join(inputs: &mut [Input]) {
    struct Facts {
        customer: Option<usize>,
        has_item: bool,
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
            Facts { customer: table.customer, has_item: table.item.is_some(), has_time, gives_time, is_key }
        })
        .collect();
    for of in 0..inputs.len() {
        let Facts { customer, has_item, has_time, is_key, .. } = &facts[of];
        if (customer.is_some() && *has_time) || inputs[of].is_lookup {
            continue;
        }
        let may_serve = |by: &usize| *by != of && inputs[*by].sample.paths.len() == 1 && !inputs[*by].sample.reading.by_blanks && inputs[*by].lookup.is_none();
        let found = (0..inputs.len()).filter(may_serve).find_map(|by| {
            let by_facts = &facts[by];
            // A table without any date is one of ids: identities say whose they are.
            let gives = by_facts.has_time && (*has_time || by_facts.gives_time) && (customer.is_some() || by_facts.customer.is_some());
            let gives_customer = customer.is_none() && by_facts.customer.is_some();
            let gives_only_that = gives_customer && *has_item && !by_facts.has_time;
            if !gives && !gives_only_that {
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
                // What stands once for each order, a review of it, gets its customer as well.
                let is_of_order = words(&column.name).iter().any(|word| BASKET.contains(&word.as_str()));
                let fits = if gives { !is_key[place] || (gives_customer && is_of_order) } else { is_of_order };
                (by_facts.is_key[key] && fits && Some(place) != *customer).then_some((place, key))
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

pub(super) fn stem(sample: &Sample) -> Vec<String> {
    let name = sample.paths[0].file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    words(name.split('.').next().unwrap_or_default())
}

fn says(sample: &Sample, word: &str) -> bool {
    stem(sample).iter().any(|known| known == word)
}
