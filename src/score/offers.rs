//! The next best items of every customer.

use super::Scored;
use crate::bundle::Bundle;
use crate::config::Config;
use crate::exports::Exports;
use crate::output::{OfferRow, decision_id};
use crate::recommend::ItemEvent;
use crate::timeline::{Cutoff, Moment};
use rayon::prelude::*;

/// The next best items of every customer.
pub(super) fn offers(config: &Config, exports: &Exports, bundle: &Bundle, bundle_hash: &str, cutoff: Cutoff, scored: &mut Scored) {
    let Some(recommender) = &bundle.recommend else { return };
    let items = recommender.map_items(exports);
    let may = |item: usize| exports.items.recommendable.is_empty() || exports.items.recommendable[item];
    let unknown = items.iter().enumerate().filter(|(item, known)| known.is_none() && may(*item)).count();
    if unknown > 0 {
        scored.notes.push(format!(
            "{unknown} items were not sold when the bundle was trained: they are not recommended and tell nothing about taste until the next fit"
        ));
    }
    let store = if exports.events.is_empty() { &exports.untimed } else { &exports.events };
    let customers: Vec<u32> = (0..exports.customers.len() as u32).collect();
    const BLOCK: usize = 1_024;
    for block in customers.chunks(BLOCK * rayon::current_num_threads().max(1)) {
        let (histories, groups): (Vec<Vec<ItemEvent>>, Vec<Option<u32>>) = block
            .par_iter()
            .map(|customer| {
                let cutoff = if exports.events.is_empty() { Moment(i64::MAX) } else { cutoff };
                let history = crate::timeline::Timeline::new(*customer, store, &exports.profiles).split(cutoff, crate::config::Span::days(0)).0;
                let events = recommender.item_events(&history, &items);
                let group = if events.is_empty() { recommender.group(&history) } else { None };
                (events, group)
            })
            .unzip();
        for (customer, list) in block.iter().zip(recommender.recommend_alike(&histories, &groups, config.recommend.per_customer)) {
            for (rank, recommended) in list.into_iter().enumerate() {
                let (item_id, item_name) = recommender.item(recommended.item);
                let customer_id = &exports.customers[*customer as usize];
                scored.offers.push(OfferRow {
                    customer_id: customer_id.to_string(),
                    as_of: scored.as_of.clone(),
                    decision_id: decision_id(customer_id, item_id, &scored.as_of, bundle_hash),
                    rank: rank as u32 + 1,
                    item_id: item_id.into(),
                    item_name: item_name.into(),
                    score: f64::from(recommended.score),
                    reason_code: recommended.reason_code.into(),
                    reason: recommended.reason,
                    ..OfferRow::default()
                });
            }
        }
    }
}
