//! The next best offers and items of every customer.

use super::{Model, Models, Scored, Side, SlimRow, trained_until};
use crate::config::Config;
use crate::decide::effects::Effects;
use crate::decide::eligibility::Person;
use crate::decide::past::{Past, past};
use crate::decide::{Asked, Customer, Decisions, Market, catalogue, decide};
use crate::error::Result;
use crate::exports::Exports;
use crate::output::{OfferRow, decision_id};
use crate::recommend::{Context, Fits, Fresh, FreshItem, ItemEvent, Recommended, Recommender, Shopper, Stock, Wanted};
use crate::snapshot::status::Status;
use crate::timeline::{Cutoff, History, Moment, Timeline};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Customers whose item scores are held at a time, per thread.
const BLOCK: usize = 1_152;

/// Decides on offers where the config has any, recommends items to everyone, and writes both into the rows: decided offers first.
///
/// # Errors
/// 65 for an offer with negative costs, 78 for a condition on a column that no profile has.
pub(super) fn offers(
    config: &Config,
    exports: &Exports,
    models: &Models<'_>,
    cutoff: Cutoff,
    rows: &[SlimRow],
    asked: &Asked,
    scored: &mut Scored,
) -> Result<()> {
    let offers = catalogue::offers(config, exports)?;
    if models.champion.bundle.recommend.is_none() && offers.is_empty() {
        return Ok(());
    }
    let customers: Vec<u32> = (0..exports.customers.len() as u32).collect();
    let mut found: Vec<Found> = vec![Found::default(); customers.len()];
    let stock = Stock::new(exports, config.recommend.place.as_deref())?;
    for (side, model) in models.all() {
        let Some(recommender) = &model.bundle.recommend else { continue };
        let items = recommender.map_items(exports);
        if side == Side::Champion {
            scored.notes.extend(unknown_items(exports, &items));
        }
        let own: Vec<u32> = customers.iter().copied().filter(|customer| rows[*customer as usize].side == side).collect();
        find(config, exports, (recommender, &items, &stock), cutoff, &own, &offers, &mut found);
    }
    let fits = found.iter_mut().map(|found| std::mem::take(&mut found.fits)).collect();
    let decisions = if offers.is_empty() { Decisions::default() } else { decided((config, exports, models), cutoff, rows, scored, &offers, fits, asked)? };
    scored.notes.extend(decisions.notes.iter().cloned());
    let as_of = &scored.as_of;
    let of_customer = |(customer, found): (u32, Found)| -> Vec<OfferRow> {
        let mut offers = Vec::new();
        let decided = &decisions.rows[decisions.rows.partition_point(|decision| decision.customer < customer)..];
        let side = rows[customer as usize].side;
        let Model { bundle, hash: bundle_hash } = models.of(side);
        let recommender = bundle.recommend.as_ref();
        let id = &exports.customers[customer as usize];
        let mut rank = 0;
        let mut row = |about: &str, (item_id, item_name): (&str, &str)| {
            rank += 1;
            OfferRow {
                customer_id: id.to_string(),
                as_of: as_of.clone(),
                decision_id: decision_id(id, about, as_of, bundle_hash),
                rank,
                item_id: item_id.into(),
                item_name: item_name.into(),
                model: models.word(side).into(),
                ..OfferRow::default()
            }
        };
        for decision in decided.iter().take_while(|decision| decision.customer == customer) {
            let offer = &decisions.offers[decision.offer];
            let item = recommender.zip(decision.item).map_or(("", ""), |(recommender, item)| recommender.item(item));
            offers.push(OfferRow {
                offer_id: offer.id.clone(),
                channel: decision.channel.clone(),
                send_weekday: decision.send_weekday.unwrap_or_default().into(),
                send_hour: decision.send_hour,
                valid_from: offer.valid_from.unwrap_or(cutoff).max(cutoff).date(),
                valid_until: offer.until(cutoff).map(Moment::date).unwrap_or_default(),
                score: decision.worth.net.unwrap_or(0.0),
                reason_code: "offer".into(),
                reason: if offer.name.is_empty() { offer.id.clone() } else { offer.name.clone() },
                assignment: decision.assignment.name().into(),
                worth: decision.worth,
                ..row(&offer.id, item)
            });
        }
        let Some(recommender) = recommender else { return offers };
        for recommended in found.list {
            let item = recommender.item(recommended.item);
            offers.push(OfferRow {
                score: f64::from(recommended.score),
                reason_code: recommended.reason_code.into(),
                reason: recommended.reason,
                list: if recommended.is_new { "new" } else { "" }.into(),
                ..row(item.0, item)
            });
        }
        for fresh in found.fresh {
            let item = fresh.item as usize;
            let item_id = &*exports.items.ids[item];
            let name = exports.items.names.get(item).map(|name| &**name).filter(|name| !name.is_empty());
            offers.push(OfferRow {
                score: fresh.score,
                reason_code: "new_in_category".into(),
                reason: fresh.reason(config.project.language),
                list: "fresh".into(),
                ..row(item_id, (item_id, name.unwrap_or(item_id)))
            });
        }
        offers
    };
    scored.offers = customers.into_par_iter().zip(found).flat_map_iter(of_customer).collect();
    scored.decisions = decisions;
    Ok(())
}

/// What a bundle finds for a customer.
#[derive(Debug, Clone, Default)]
struct Found {
    list: Vec<Recommended>,
    fits: Fits,
    /// Items that the bundle does not know.
    fresh: Vec<FreshItem>,
}

/// What the exports say of a customer who is to get something.
struct Known {
    events: Vec<ItemEvent>,
    /// Who they are like.
    group: Option<u32>,
    context: Context,
    /// Where they buy, as a place of the items.
    shelf: Option<u32>,
}

/// How many items a bundle does not know.
fn unknown_items(exports: &Exports, items: &[Option<u32>]) -> Option<String> {
    let may = |item: usize| exports.items.recommendable.is_empty() || exports.items.recommendable[item];
    let unknown = items.iter().enumerate().filter(|(item, known)| known.is_none() && may(*item)).count();
    (unknown > 0)
        .then(|| format!("{unknown} items were not sold when the bundle was trained: they are not recommended and tell nothing about taste until the next fit"))
}

/// Finds for some customers what a recommender, which knows these of the items, has for them of what can be had.
fn find(
    config: &Config,
    exports: &Exports,
    (recommender, items, stock): (&Recommender, &[Option<u32>], &Stock<'_>),
    cutoff: Cutoff,
    customers: &[u32],
    offers: &[catalogue::Offer],
    found: &mut [Found],
) {
    let sets: Vec<Vec<u32>> = offers.iter().map(|offer| offer.items.iter().filter_map(|item| items.get(*item as usize).copied().flatten()).collect()).collect();
    let fresh = (config.recommend.fresh_items > 0).then(|| Fresh::of(exports, recommender, items));
    let shelves = stock.shelves(recommender, items);
    for block in customers.chunks(BLOCK * rayon::current_num_threads().max(1)) {
        let known: Vec<Known> = block
            .par_iter()
            .map(|customer| {
                let history = item_history(exports, *customer, cutoff);
                let events = recommender.item_events(&history, items);
                let group = if events.is_empty() { recommender.group(&history) } else { None };
                Known { events, group, context: recommender.context(&history), shelf: stock.place(&history) }
            })
            .collect();
        let shoppers: Vec<Shopper<'_>> =
            known.iter().map(|known| Shopper { events: &known.events, group: known.group, context: known.context, shelf: shelves.at(known.shelf) }).collect();
        for (customer, (list, fits)) in block.iter().zip(recommender.recommend_and_fit(&shoppers, &Wanted::of(config), &sets)) {
            let found = &mut found[*customer as usize];
            (found.list, found.fits) = (list, fits);
        }
        if let Some(fresh) = &fresh {
            let best = |(customer, known): (&u32, &Known)| {
                fresh.best(&item_history(exports, *customer, cutoff), config.recommend.fresh_items, |item| stock.has(item as usize, known.shelf))
            };
            let best: Vec<Vec<FreshItem>> = block.par_iter().zip(&known).map(best).collect();
            block.iter().zip(best).for_each(|(customer, best)| found[*customer as usize].fresh = best);
        }
    }
}

/// What a customer did with items before the cut-off; all of it for exports without dates.
pub(super) fn item_history(exports: &Exports, customer: u32, cutoff: Cutoff) -> History<'_> {
    let (store, until) = if exports.events.is_empty() { (&exports.untimed, Moment(i64::MAX)) } else { (&exports.events, cutoff) };
    Timeline::new(customer, store, &exports.profiles).before(until)
}

/// Decides with the effects of the bundle that scores each customer; of a challenger that has none, with those of the bundle in use.
fn decided(
    (config, exports, models): (&Config, &Exports, &Models<'_>),
    cutoff: Cutoff,
    rows: &[SlimRow],
    scored: &Scored,
    offers: &[catalogue::Offer],
    fits: Vec<Fits>,
    asked: &Asked,
) -> Result<Decisions> {
    let past = past(config, exports, cutoff);
    let none = Effects::default();
    let champion = models.champion.bundle.effects.as_ref().unwrap_or(&none);
    let effects =
        models.all().map(|(_, model)| model.bundle.effects.as_ref().unwrap_or(champion).bind(config, exports, &past, cutoff)).collect::<Result<Vec<_>>>()?;
    let unlearnt = unlearnt(&past, trained_until(models.champion.bundle)?);
    let market = Market::new(config, exports, cutoff, past, &effects[Side::Champion as usize])?;
    let risk: BTreeMap<&str, (&str, Option<f64>)> =
        scored.risk.iter().map(|row| (row.customer_id.as_str(), (row.risk_tier.as_str(), row.churn_probability))).collect();
    let mut fits = fits.into_iter();
    let customers: Vec<Customer<'_>> = rows
        .iter()
        .map(|row| {
            let (tier, probability) = risk.get(&*exports.customers[row.customer as usize]).copied().unwrap_or(("", None));
            let history = Timeline::new(row.customer, &exports.events, &exports.profiles).before(cutoff);
            let person = Person { history, status: row.status.map_or("", Status::name), tier, segment: row.segment, risk: probability, value: row.value };
            let orders = row.orders.filter(|orders| *orders > 0);
            let order_amount = row.mean_order.filter(|_| orders.is_some());
            Customer { person, fits: fits.next().unwrap_or_default(), order_amount, effects: &effects[row.side as usize] }
        })
        .collect();
    // The market borrows the offers' conditions and the customers' texts, which live in `scored`; decisions own what they keep.
    let mut decisions = decide(&market, offers, &customers, asked)?;
    decisions.notes.extend(unlearnt);
    Ok(decisions)
}

/// Contacts that came after the bundle was trained.
fn unlearnt(past: &[Past], trained_until: Option<Cutoff>) -> Option<String> {
    let until = trained_until?;
    let count = past.iter().filter(|past| !past.is_control && past.time.is_some_and(|time| time >= until)).count();
    let told = format!(
        "contacts since the bundle was trained ({}): {count}; they count for limits and budgets, and what they brought is learnt at the next fit",
        until.date()
    );
    (count > 0).then_some(told)
}
