//! What sells in a place more, or less, than everywhere.
//!
//! `lift(place, item) = ((sold there + PRIOR) / (expected there + PRIOR))^power`, expected being what the place sells in all times the item's share
//! everywhere: a rate drawn towards 1 as if so many purchases had been seen besides (the mean under a gamma prior). The power is chosen on
//! customers' next purchases, and where no power ranks them better there are no such lifts.

use super::alike::LEAST_BUYERS;
use super::interactions::Interactions;
use super::lifts::Lifts;
use super::place::{self, Whereabouts};
use super::table::has_history;
use crate::timeline::{History, NO_INDEX};
use bincode::{Decode, Encode};
use rayon::prelude::*;

/// See above: what few purchases say is mostly chance, and could tell of a person.
const PRIOR: f32 = 10.0;
/// Lifts nearer to 1 than this are not kept.
const LEAST_LIFT: f32 = 0.05;
/// Days after which a purchase says half as much of a place.
const HALF_LIFE: f32 = 180.0;

/// Lifts by place.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Local {
    /// The column that says where a customer buys.
    pub column: String,
    /// Places with enough buyers, in byte order.
    pub places: Vec<String>,
    /// For each place what sells otherwise there.
    pub lifts: Vec<Lifts>,
}

impl Local {
    /// Compares what customers of each place bought with what all did. `dated` says that ages are days.
    pub fn fit(data: &Interactions, places: &Whereabouts, power: f32, dated: bool) -> Local {
        let rate = if dated { -1.0 / HALF_LIFE } else { 0.0 };
        let mut customers: Vec<Vec<usize>> = vec![Vec::new(); places.names.len()];
        for (customer, place) in places.of.iter().enumerate().filter(|(_, place)| **place != NO_INDEX) {
            if has_history(data.of(customer)) {
                customers[*place as usize].push(customer);
            }
        }
        let sold_to = |customers: &mut dyn Iterator<Item = usize>| {
            let mut sold = vec![0.0_f32; data.items];
            for event in customers.flat_map(|customer| data.of(customer)).filter(|event| event.weight > 0.0) {
                sold[event.item as usize] += event.weight * libm::exp2f(event.days_ago * rate);
            }
            sold
        };
        let everywhere = sold_to(&mut (0..data.customers()));
        let total: f32 = everywhere.iter().sum();
        let kept: Vec<usize> = (0..places.names.len()).filter(|place| customers[*place].len() >= LEAST_BUYERS).collect();
        let lifts = kept
            .par_iter()
            .map(|place| {
                let sold = sold_to(&mut customers[*place].iter().copied());
                let share = sold.iter().sum::<f32>() / total.max(f32::MIN_POSITIVE);
                let lift = |(sold, all): (&f32, &f32)| libm::powf((sold + PRIOR) / (all * share + PRIOR), power);
                Lifts::new(sold.iter().zip(&everywhere).map(lift), LEAST_LIFT)
            })
            .collect();
        Local { column: places.column.clone(), places: kept.iter().map(|place| places.names[*place].clone()).collect(), lifts }
    }

    /// The place of a customer, if it has lifts.
    pub fn place(&self, history: &History<'_>) -> Option<u32> {
        place::of(history, &self.column).and_then(|name| self.known(name))
    }

    /// The place of a customer of whom is known where they bought, if it has lifts.
    pub fn place_in(&self, places: &Whereabouts, customer: usize) -> Option<u32> {
        self.known(places.names.get(*places.of.get(customer)? as usize)?)
    }

    /// For places by name, the place that has lifts.
    fn known(&self, name: &str) -> Option<u32> {
        self.places.binary_search_by(|place| place.as_str().cmp(name)).ok().map(|place| place as u32)
    }

    /// Multiplies the scores of a customer of a place.
    pub fn apply(&self, place: Option<u32>, scores: &mut [f32]) {
        place.and_then(|place| self.lifts.get(place as usize)).into_iter().for_each(|lifts| lifts.apply(scores));
    }

    /// What the score of an item is multiplied by in a place.
    pub fn of(&self, place: Option<u32>, item: u32) -> f32 {
        place.and_then(|place| self.lifts.get(place as usize)).map_or(1.0, |lifts| lifts.of(item))
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, items: usize) -> Result<(), String> {
        if self.places.len() != self.lifts.len() || self.places.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err("recommender: the places do not ascend".into());
        }
        self.lifts.iter().try_for_each(|lifts| lifts.validate(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::ItemEvent;

    #[test]
    fn what_sells_in_a_place_is_lifted_there_by_the_ratio_drawn_towards_one_and_a_place_of_few_buyers_has_none() {
        // 60 customers each of north and south: item 0 sells in the north only, item 1 in both; the west has one customer.
        let bought = |item| ItemEvent { item, days_ago: 0.0, weight: 1.0 };
        let lists: Vec<Vec<ItemEvent>> = (0..121).map(|customer| if customer % 2 == 0 { vec![bought(0), bought(1)] } else { vec![bought(1)] }).collect();
        let of = (0..121).map(|customer| if customer == 120 { 2 } else { customer % 2 }).collect();
        let places = Whereabouts { column: "store".into(), names: ["north", "south", "west"].map(String::from).to_vec(), of };
        let local = Local::fit(&Interactions::from_lists(&lists, 2), &places, 1.0, true);
        assert_eq!(local.places, ["north", "south"]);
        // Of 182 purchases 61 are of item 0; the north bought 120, the south 60.
        let near = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        near(local.of(Some(0), 0), 70.0 / (61.0 * 120.0 / 182.0 + 10.0));
        near(local.of(Some(1), 0), 10.0 / (61.0 * 60.0 / 182.0 + 10.0));
        near(local.of(Some(1), 1), 70.0 / (121.0 * 60.0 / 182.0 + 10.0));
        near(local.of(None, 0), 1.0);
        let mut scores = [2.0, 3.0];
        local.apply(Some(1), &mut scores);
        near(scores[0], 2.0 * local.of(Some(1), 0));
        assert!(local.validate(2).is_ok() && local.validate(1).is_err());
    }
}
