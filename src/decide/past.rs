//! Past treatments, as the exports tell them.

use super::catalogue::moment;
use crate::config::Config;
use crate::exports::Exports;
use crate::timeline::{Cutoff, Moment};

/// One past treatment, or a control customer of a wave.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Who; `None` for a customer the other exports do not know.
    pub customer: Option<u32>,
    /// The offer, else the group, else the arm.
    pub name: String,
    /// When; `None` without a time.
    pub time: Option<Moment>,
    /// The wave: as said, else the day.
    pub wave: String,
    /// Whether this customer was kept out.
    pub is_control: bool,
    /// Paid for the contact.
    pub contact_cost: Option<f64>,
    /// The row in the table of treatments; of who has none in a list's wave, one of the wave.
    pub row: usize,
    /// What tells of it.
    pub origin: Origin,
}

/// What tells of a past treatment or control customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The treatments of the exports.
    Treatments,
    /// These, and the list of an earlier run: who else its wave has is known.
    Both,
    /// That list alone.
    List,
}

/// The treatments of the exports before a day (all of them without a day of their own), in the order of the table.
pub fn past(config: &Config, exports: &Exports, before: Cutoff) -> Vec<Past> {
    let table = &exports.treatments;
    let at = |key: &str| table.column(key);
    let (customer, offer, group, arm, time) = (at("customer"), at("offer"), at("offer_group"), at("arm"), at("time"));
    let (wave, cost) = (at("wave"), at("contact_cost"));
    (0..table.rows.len())
        .filter_map(|row| {
            let source = config.treatments.get(table.sources[row])?;
            let time = table.text(row, time).and_then(moment);
            if time.is_some_and(|time| time >= before) {
                return None;
            }
            let id = table.text(row, customer)?;
            let arm = table.text(row, arm);
            let name = table.text(row, offer).or(table.text(row, group)).or(arm).unwrap_or_default().to_owned();
            // The arm is the control; or, in a table that marks controls apart, nothing was sent.
            let is_control = source.control.as_deref().is_some_and(|control| control != "not_sent" && (arm == Some(control) || name == control));
            Some(Past {
                customer: exports.customer(id),
                name,
                time,
                wave: table.text(row, wave).map_or_else(|| time.map(Moment::date).unwrap_or_default(), str::to_owned),
                is_control,
                contact_cost: table.text(row, cost).and_then(|text| text.parse().ok()),
                row,
                origin: Origin::Treatments,
            })
        })
        .collect()
}
