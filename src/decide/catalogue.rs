//! What can be offered: the rows of `[[offers]]`, one [`Offer`] per id.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::exports::Exports;
use crate::timeline::Moment;
use std::collections::BTreeMap;

/// An offer with everything its rows say. Money is in the project's currency.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Offer {
    /// Its id.
    pub id: String,
    /// For people; empty where missing.
    pub name: String,
    /// The group that treatments may name instead; empty where missing.
    pub group: String,
    /// What it is about; empty where missing.
    pub category: String,
    /// Items it is good for, ascending; empty: any.
    pub items: Vec<u32>,
    /// Channels it can go out by; one empty name where none is said.
    pub channels: Vec<String>,
    /// Paid for every contact.
    pub contact_cost: f64,
    /// Paid when it is accepted.
    pub accept_cost: f64,
    /// Taken off when it is accepted.
    pub discount: f64,
    /// Earned when it is accepted, where said.
    pub margin: Option<f64>,
    /// First day.
    pub valid_from: Option<Moment>,
    /// Last day.
    pub valid_until: Option<Moment>,
    /// Days from the day it is given.
    pub valid_for: Option<f64>,
    /// Which `[[offers]]` it comes from.
    pub source: usize,
}

impl Offer {
    /// Whether it can be given on this day.
    pub fn is_valid(&self, as_of: Moment) -> bool {
        self.valid_from.is_none_or(|from| from <= as_of) && self.valid_until.is_none_or(|until| until.start_of_day() >= as_of.start_of_day())
    }
    /// Those of its channels by which a customer may be contacted.
    pub fn channels_to<'o>(&'o self, exports: &'o Exports, customer: u32) -> impl Iterator<Item = &'o str> {
        self.channels.iter().map(String::as_str).filter(move |channel| exports.rights.ban(customer, channel).is_none())
    }
    /// The last day of an offer given on this day.
    pub fn until(&self, as_of: Moment) -> Option<Moment> {
        self.valid_until.or_else(|| self.valid_for.map(|days| Moment(as_of.0 + (days * 86_400.0) as i64)))
    }
}

/// A moment as the tables of the exports write it: `YYYY-MM-DD`, with ` HH:MM:SS` where not midnight.
pub fn moment(text: &str) -> Option<Moment> {
    let (day, clock) = text.split_once(' ').map_or((text, None), |(day, clock)| (day, Some(clock)));
    let day = Moment::of_date(day.parse().ok()?);
    let seconds = match clock {
        None => 0,
        Some(clock) => {
            let mut parts = clock.split(':').map(str::parse::<i64>);
            let mut next = || parts.next().and_then(std::result::Result::ok);
            next()? * 3_600 + next()? * 60 + next()?
        }
    };
    Some(Moment(day.0 + seconds))
}

/// All offers in byte order of id. Rows of one id are one offer: their items and channels are joined, the first of every other key counts.
///
/// # Errors
/// 65 where a cost or a discount is negative.
pub fn offers(config: &Config, exports: &Exports) -> Result<Vec<Offer>> {
    let table = &exports.offers;
    let at = |key: &str| table.column(key);
    let (id, name, group, items, category) = (at("offer"), at("name"), at("group"), at("items"), at("category"));
    let channel = at("channel").or(at("channels"));
    let numbers = ["contact_cost", "accept_cost", "discount", "margin", "valid_for"].map(at);
    let (from, until) = (at("valid_from"), at("valid_until"));
    let mut all: BTreeMap<Vec<u8>, Offer> = BTreeMap::new();
    for row in 0..table.rows.len() {
        let Some(offer_id) = table.text(row, id) else { continue };
        let text = |column| table.text(row, column).unwrap_or_default().to_owned();
        let number = |place: usize| table.text(row, numbers[place]).and_then(|text| text.parse::<f64>().ok());
        let offer = all.entry(offer_id.as_bytes().to_vec()).or_insert_with(|| Offer {
            id: offer_id.to_owned(),
            name: text(name),
            group: text(group),
            category: text(category),
            contact_cost: number(0).unwrap_or(0.0),
            accept_cost: number(1).unwrap_or(0.0),
            discount: number(2).unwrap_or(0.0),
            margin: number(3),
            valid_from: table.text(row, from).and_then(moment),
            valid_until: table.text(row, until).and_then(moment),
            valid_for: number(4),
            source: table.sources[row],
            ..Offer::default()
        });
        for item in table.text(row, items).into_iter().flat_map(|text| text.split('|')) {
            // Items that nobody ever bought cannot be scored.
            offer.items.extend(exports.items.ids.binary_search_by(|known| known.as_bytes().cmp(item.as_bytes())).ok().map(|item| item as u32));
        }
        for channel in table.text(row, channel).into_iter().flat_map(|text| text.split('|')) {
            if !offer.channels.iter().any(|known| known == channel) {
                offer.channels.push(channel.to_owned());
            }
        }
    }
    let mut offers: Vec<Offer> = all.into_values().collect();
    for offer in &mut offers {
        offer.items.sort_unstable();
        offer.items.dedup();
        if offer.channels.is_empty() {
            offer.channels.push(String::new());
        }
        if let Some((key, value)) =
            [("contact_cost", offer.contact_cost), ("accept_cost", offer.accept_cost), ("discount", offer.discount)].into_iter().find(|(_, value)| *value < 0.0)
        {
            let file = config.offers.get(offer.source).map(|source| source.files.patterns.join(", ")).unwrap_or_default();
            return Err(Error::data(format!("the offer {:?} has {key} = {value}, expected 0 or more; correct {file}", offer.id)));
        }
    }
    Ok(offers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_can_be_given_on_its_last_day_and_not_on_the_next() {
        let day = |text: &str| moment(text);
        let offer = Offer { valid_from: day("2024-03-01"), valid_until: day("2024-03-10"), ..Offer::default() };
        let valid = |text: &str| day(text).is_some_and(|day| offer.is_valid(day));
        assert!(valid("2024-03-01") && valid("2024-03-10") && !valid("2024-02-29") && !valid("2024-03-11"));
    }

    #[test]
    fn a_moment_is_read_as_the_tables_write_it() {
        assert_eq!(moment("1970-01-02"), Some(Moment(86_400)));
        assert_eq!(moment("1970-01-02 01:02:03"), Some(Moment(86_400 + 3_723)));
        assert_eq!(moment("yesterday"), None);
    }
}
