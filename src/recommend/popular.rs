//! Best sellers: the baseline without freedom, and the answer for customers without history.

use super::interactions::Interactions;
use super::scores::Scores;
use super::{ItemEvent, ItemModel};
use bincode::{Decode, Encode};

/// How much each item was wanted lately.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub(crate) struct Popular {
    /// One value per item, positive.
    pub demand: Vec<f32>,
}

/// Share of a purchase that never fades, so that items without recent sales still have an order.
const LASTING: f32 = 1e-6;

impl Popular {
    /// Adds up the events of all customers, each halved every `half_life` days; events that take back count for nothing.
    pub fn fit(data: &Interactions, half_life: f32) -> Self {
        let rate = -1.0 / half_life;
        let mut demand = vec![0.0_f32; data.items];
        for event in data.events.iter().filter(|event| event.weight > 0.0) {
            demand[event.item as usize] += event.weight * (libm::exp2f(event.days_ago * rate) + LASTING);
        }
        Popular { demand }
    }
}

impl ItemModel for Popular {
    fn score(&self, histories: &[&[ItemEvent]], items: usize) -> Scores {
        let mut out = Scores::to_be_written(histories.len(), items);
        (0..histories.len()).for_each(|customer| out.row_mut(customer).copy_from_slice(&self.demand));
        out
    }

    fn for_all(&self) -> Option<&[f32]> {
        Some(&self.demand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sold_today_goes_before_what_sold_more_often_long_ago() {
        let event = |item, days_ago| ItemEvent { item, days_ago, weight: 1.0 };
        let data = Interactions::from_lists(&[vec![event(0, 300.0), event(0, 301.0), event(0, 302.0)], vec![event(1, 0.0)]], 2);
        assert!(Popular::fit(&data, 30.0).demand[1] > Popular::fit(&data, 30.0).demand[0]);
        assert!(Popular::fit(&data, f32::INFINITY).demand[0] > Popular::fit(&data, f32::INFINITY).demand[1]);
    }
}
