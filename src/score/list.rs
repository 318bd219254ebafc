//! Who is to be acted on: the rows of crm/.

use super::{Scored, SlimRow};
use crate::config::Config;
use crate::decide::control::{Lots, unit};
use crate::exports::{Ban, Exports};
use crate::output::crm::{ListItem, ListOffer, ListRow};
use crate::output::{Contact, OfferRow};
use crate::snapshot::status::Status;
use crate::timeline::Cutoff;
use rayon::prelude::*;

/// Says of each customer whether they are on the list, and makes the list.
///
/// There is something to do for a customer in a tier or with an offer to be sent; where the config has no `[[offers]]`, the items to be shown are what is
/// offered. Consent and suppression come first, then the control group: it is kept out of calls as of offers, else the effect of
/// neither could be measured. Rows stand in the order of risk, then by id.
pub(super) fn list(config: &Config, exports: &Exports, cutoff: Cutoff, rows: &[SlimRow], scored: &mut Scored) {
    let lots = Lots::new(&config.decide, &config.project.name, cutoff);
    let crm_ids = config.output.id.as_deref().and_then(|id| exports.carried(id));
    let channels = exports.rights.channels();
    // What steers contacts says nothing to a CRM, which has it already.
    let steers = |name: &str| match name.split_once('.') {
        Some(("consent" | "suppress", channel)) => channels.contains(channel),
        _ => ["household", "consent", "suppress"].contains(&name),
    };
    let carried: Vec<&(String, Vec<String>)> =
        exports.carry.iter().filter(|(name, _)| !steers(name) && Some(name.as_str()) != config.output.id.as_deref()).collect();
    scored.by_channel = !channels.is_empty();
    scored.list_columns = carried.iter().map(|(name, _)| name.clone()).collect();
    let mut place_in_risk: Vec<Option<usize>> = vec![None; exports.customers.len()];
    let index = |id: &str| exports.customer(id).map(|customer| customer as usize);
    let mut order: Vec<usize> = Vec::with_capacity(exports.customers.len());
    for (place, row) in scored.risk.iter().enumerate() {
        if let Some(customer) = index(&row.customer_id) {
            place_in_risk[customer] = Some(place);
            order.push(customer);
        }
    }
    order.extend((0..exports.customers.len()).filter(|customer| place_in_risk[*customer].is_none()));
    // Offers stand by customer, in the same order as the customers.
    let mut offers: Vec<&[OfferRow]> = vec![&[]; exports.customers.len()];
    for chunk in scored.offers.chunk_by(|a, b| a.customer_id == b.customer_id) {
        if let Some(customer) = index(&chunk[0].customer_id) {
            offers[customer] = chunk;
        }
    }
    let told: &Scored = scored;
    let row_of = |customer: usize| -> (Contact, Option<ListRow>) {
        let (row, mine) = (&rows[customer], offers[customer]);
        let risk = place_in_risk[customer].map(|place| &told.risk[place]);
        let to_send = || mine.iter().filter(|offer| offer.is_to_be_sent());
        let items = || mine.iter().filter(|offer| offer.assignment.is_empty() && offer.list.is_empty());
        let shows_items = config.offers.is_empty() && items().next().is_some();
        let contact = match exports.rights.ban_from_contact(customer as u32) {
            Some(Ban::Suppressed) => Contact::Suppressed,
            Some(Ban::NoConsent) => Contact::NoConsent,
            None if lots.is_control(unit(exports, config.decide.by_household, customer as u32)) => Contact::Control,
            None if to_send().next().is_some() || risk.is_some_and(|risk| !risk.risk_tier.is_empty()) || shows_items => Contact::Yes,
            None => Contact::NotNeeded,
        };
        if contact != Contact::Yes {
            return (contact, None);
        }
        let id = &*exports.customers[customer];
        let listed = ListRow {
            customer_id: id.into(),
            crm_id: crm_ids.map_or(id, |texts| texts[customer].as_str()).into(),
            as_of: told.as_of.clone(),
            decision_id: risk.map(|risk| &risk.decision_id).or_else(|| mine.first().map(|offer| &offer.decision_id)).cloned().unwrap_or_default(),
            churn_probability: risk.and_then(|risk| risk.churn_probability),
            risk_tier: risk.map(|risk| risk.risk_tier.clone()).unwrap_or_default(),
            status: row.status.map_or("", Status::name).into(),
            segment: row.segment.into(),
            value: row.value,
            reason: risk.and_then(|risk| risk.reasons.first()).map(|(_, text)| text.clone()).unwrap_or_default(),
            offers: to_send()
                .map(|offer| ListOffer {
                    offer_id: offer.offer_id.clone(),
                    name: offer.reason.clone(),
                    item_id: offer.item_id.clone(),
                    channel: offer.channel.clone(),
                    send_weekday: offer.send_weekday.clone(),
                    send_hour: offer.send_hour,
                    valid_until: offer.valid_until.clone(),
                    decision_id: offer.decision_id.clone(),
                })
                .collect(),
            items: items()
                .map(|item| ListItem { item_id: item.item_id.clone(), name: item.item_name.clone(), decision_id: item.decision_id.clone() })
                .collect(),
            channels: channels.iter().copied().filter(|channel| exports.rights.ban(customer as u32, channel).is_none()).collect::<Vec<_>>().join("|"),
            carried: carried.iter().map(|(_, texts)| texts[customer].clone()).collect(),
        };
        (contact, Some(listed))
    };
    let all: Vec<(Contact, Option<ListRow>)> = order.par_iter().map(|customer| row_of(*customer)).collect();
    for (customer, (contact, _)) in order.iter().zip(&all) {
        if let Some(place) = place_in_risk[*customer] {
            scored.risk[place].contact = *contact;
        }
    }
    scored.list = all.into_iter().filter_map(|(_, row)| row).collect();
}
