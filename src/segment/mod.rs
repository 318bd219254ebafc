//! Groups with names a marketer can read: recency, frequency and money, each cut into fifths.
//!
//! The cut points are learnt at the last cut-off of training and kept in the bundle, so a customer's segment depends on that
//! customer alone. Source of the scheme: Hughes, Strategic Database Marketing (1994), fifths of R, F and M.

use crate::snapshot::facts::Facts;
use bincode::{Decode, Encode};

/// Cut points of recency, frequency and money: four each, ascending.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct SegmentRules {
    /// Days since the last order.
    pub recency_days: Vec<f64>,
    /// Orders so far.
    pub orders: Vec<f64>,
    /// Spent so far.
    pub amount: Vec<f64>,
}

/// A customer's recency, frequency and money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rfm {
    /// Days since the last order.
    days_since_last: f64,
    /// Orders so far.
    orders: f64,
    /// Spent so far.
    spent: f64,
}

impl Rfm {
    /// Of a customer; `None` without an order.
    pub fn of(facts: &Facts) -> Option<Rfm> {
        let spent = || facts.orders.iter().map(|order| order.amount).sum();
        (!facts.orders.is_empty()).then(|| Rfm { days_since_last: facts.days_since_last(), orders: facts.orders.len() as f64, spent: spent() })
    }
}

/// The names of the segments, best first.
pub const SEGMENTS: [&str; 8] = ["champions", "loyal", "big_spenders", "new_customers", "promising", "needs_attention", "at_risk", "hibernating"];

impl SegmentRules {
    /// Learns the cut points of customers with an order. `None` without any.
    pub fn learn(customers: &[Rfm]) -> Option<SegmentRules> {
        let cuts = |value: fn(&Rfm) -> f64| fifths(customers.iter().map(value).collect());
        (!customers.is_empty()).then(|| SegmentRules {
            recency_days: cuts(|customer| customer.days_since_last),
            orders: cuts(|customer| customer.orders),
            amount: cuts(|customer| customer.spent),
        })
    }

    /// The segment of a customer; empty without an order.
    pub fn segment(&self, facts: &Facts) -> &'static str {
        let Some(Rfm { days_since_last, orders, spent }) = Rfm::of(facts) else { return "" };
        // 5 is best: the most recent fifth, the most orders, the most money.
        let recency = 5 - above(&self.recency_days, days_since_last);
        let frequency = 1 + above(&self.orders, orders);
        // Where all spent the same, or no export tells what was paid, money says nothing beside the orders.
        let money = if self.amount.first() == self.amount.last() { frequency } else { 1 + above(&self.amount, spent) };
        match (recency, frequency, money) {
            (4..=5, 4..=5, 4..=5) => "champions",
            (3..=5, 4..=5, _) => "loyal",
            (3..=5, _, 5) => "big_spenders",
            (5, 1, _) => "new_customers",
            (4..=5, _, _) => "promising",
            (3, _, _) => "needs_attention",
            (_, 3..=5, _) | (_, _, 4..=5) => "at_risk",
            _ => "hibernating",
        }
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> Result<(), String> {
        for (name, cuts) in [("recency", &self.recency_days), ("orders", &self.orders), ("amount", &self.amount)] {
            if cuts.len() != 4 || cuts.iter().any(|cut| !cut.is_finite()) || cuts.windows(2).any(|pair| pair[0] > pair[1]) {
                return Err(format!("the cut points of {name} are not four ascending numbers"));
            }
        }
        Ok(())
    }
}

/// The four values that cut the sorted values into fifths.
fn fifths(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    (1..5).map(|fifth| values[(values.len() * fifth / 5).min(values.len() - 1)]).collect()
}

/// How many cut points lie below the value.
fn above(cuts: &[f64], value: f64) -> usize {
    cuts.iter().filter(|cut| value > **cut).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::facts::Order;
    use crate::timeline::Moment;

    fn customer(days_ago: i64, orders: usize) -> Facts {
        let order = |number: usize| Order { time: Moment((1_000 - days_ago - number as i64) * 86_400), amount: 10.0, discount: 0.0, lines: 1, quantity: 1.0 };
        Facts { cutoff: Some(Moment(1_000 * 86_400)), orders: (0..orders).rev().map(order).collect(), ..Facts::default() }
    }

    #[test]
    fn who_orders_often_and_lately_is_a_champion_and_who_stopped_is_not() {
        let base: Vec<Facts> = (0..100).map(|number| customer(number, 1 + (99 - number as usize) / 5)).collect();
        let rules = SegmentRules::learn(&base.iter().filter_map(Rfm::of).collect::<Vec<_>>()).expect("customers have orders");
        assert!(rules.validate().is_ok());
        assert_eq!(rules.segment(&base[0]), "champions");
        assert_eq!(rules.segment(&base[99]), "hibernating");
        assert_eq!(rules.segment(&customer(90, 40)), "at_risk");
        assert_eq!(rules.segment(&Facts::default()), "");
    }

    #[test]
    fn without_amounts_the_best_customers_are_champions_all_the_same() {
        let unpaid = |days_ago: i64, orders: usize| {
            let mut facts = customer(days_ago, orders);
            facts.orders.iter_mut().for_each(|order| order.amount = 0.0);
            facts
        };
        let base: Vec<Facts> = (0..100).map(|number| unpaid(number, 1 + (99 - number as usize) / 5)).collect();
        let rules = SegmentRules::learn(&base.iter().filter_map(Rfm::of).collect::<Vec<_>>()).expect("customers have orders");
        assert_eq!((rules.segment(&base[0]), rules.segment(&base[99])), ("champions", "hibernating"));
    }

    #[test]
    fn every_segment_has_a_name_in_the_list() {
        let rules = SegmentRules { recency_days: vec![1., 2., 3., 4.], orders: vec![1., 2., 3., 4.], amount: vec![10., 20., 30., 40.] };
        for days in 0..6 {
            for orders in 1..6 {
                assert!(SEGMENTS.contains(&rules.segment(&customer(days, orders))));
            }
        }
    }
}
