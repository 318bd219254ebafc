//! What a program decided for the customers of a shop: its lists come back into the shop, and the customers react as the truth has it.

use super::ShopPlan;
use super::world::OFFERS;
use crate::error::{Error, Result};
use crate::output::read_back::named_columns;
use crate::timeline::Moment;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An offer sent to a customer, or kept from them so that its effect can be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// On which day of the shop, from 0.
    pub day: u32,
    /// Which of the shop's offers; `None` for a control customer.
    pub offer: Option<usize>,
    /// Travels with it.
    pub decision_id: String,
}

/// Reads lists of decided offers (offers.csv of runs) as acts on their as-of days, by number of the customer.
///
/// # Errors
/// 66 for a list that cannot be read; 65 for one that is no offers.csv, or names a customer, an offer or a day that the shop does not have.
pub fn acts(plan: &ShopPlan, lists: &[PathBuf]) -> Result<BTreeMap<u64, Vec<Act>>> {
    let mut acts: BTreeMap<u64, Vec<Act>> = BTreeMap::new();
    for list in lists {
        let bytes = std::fs::read(list).map_err(|error| Error::unreadable(list, &error))?;
        let columns = ["customer_id", "offer_id", "as_of", "decision_id", "assignment"];
        let rows = named_columns(list, &bytes, &columns, "expected the offers.csv of a run over this shop")?;
        for (row, line) in rows.iter().zip(2..).filter(|(row, _)| !row[4].is_empty()) {
            let (customer, act) = act(plan, row).map_err(|what| Error::data(what).file(list).line(line))?;
            acts.entry(customer).or_default().push(act);
        }
    }
    acts.values_mut().for_each(|acts| acts.sort_by_key(|act| act.day));
    Ok(acts)
}

fn act(plan: &ShopPlan, row: &[String]) -> std::result::Result<(u64, Act), String> {
    let customer = row[0].strip_prefix('C').and_then(|number| number.parse().ok()).filter(|number| (1..=plan.customers).contains(number));
    let customer = customer.ok_or_else(|| format!("found the customer {:?}, expected C000001 to C{:06}", row[0], plan.customers))?;
    let offer = OFFERS.iter().take(plan.offers).position(|offer| offer.id == row[1]);
    let offer = offer.ok_or_else(|| format!("found the offer {:?}, which this shop does not have", row[1]))?;
    let day = row[2].parse().map(Moment::of_date).ok().map(|day| day.days_since(Moment::of_date(plan.start)));
    let day = day.filter(|day| (0.0..f64::from(plan.days)).contains(day)).ok_or_else(|| format!("found the day {:?}, expected one of the shop's", row[2]))?;
    let is_control = row[4] == "control";
    Ok((customer, Act { day: day as u32, offer: (!is_control).then_some(offer), decision_id: row[3].clone() }))
}

/// The name of a list in the exports: its day, whatever it is called where it was made.
pub(super) fn wave(iso: &str) -> String {
    format!("L{}", iso.replace('-', ""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(rows: &str) -> Result<BTreeMap<u64, Vec<Act>>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("offers.csv");
        std::fs::write(&path, format!("customer_id,as_of,decision_id,offer_id,assignment\n{rows}")).unwrap();
        acts(&ShopPlan::new(20, 1), &[path])
    }

    #[test]
    fn what_was_sent_and_what_was_kept_back_comes_in_and_items_do_not() {
        let acts = read("C000002,2023-01-31,d1,F10,offer\nC000002,2023-01-31,d2,,\nC000007,2023-01-31,d3,CALL,control\n").unwrap();
        assert_eq!(acts[&2], [Act { day: 30, offer: Some(0), decision_id: "d1".into() }]);
        assert_eq!(acts[&7], [Act { day: 30, offer: None, decision_id: "d3".into() }]);
    }

    #[test]
    fn what_this_shop_does_not_have_is_told_with_its_line() {
        for (row, what) in
            [("C000021,2023-01-31,d,F10,offer", "C000020"), ("C000001,2023-01-31,d,GIFT,offer", "GIFT"), ("C000001,2029-01-31,d,F10,offer", "2029")]
        {
            let error = read(row).unwrap_err();
            assert!(error.kind().exit_code() == 65 && error.to_string().contains(what) && error.to_string().contains('2'), "{error}");
        }
    }
}
