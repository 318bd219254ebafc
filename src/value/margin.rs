//! How much of what is paid stays: the margin of each item as a share of its price.

use crate::exports::ItemTable;

/// Shares of margin, by item and on average.
#[derive(Debug, Clone)]
pub struct Margins {
    /// `NaN` where price or margin is missing or makes no sense together.
    shares: Vec<f64>,
    /// Mean over the items that have one; `None` where none has.
    mean: Option<f64>,
}

impl Margins {
    /// The shares of a table of items.
    pub fn of(items: &ItemTable) -> Margins {
        let share = |(margin, price): (&f64, &f64)| Some(margin / price).filter(|share| (0.0..=1.0).contains(share)).unwrap_or(f64::NAN);
        let shares: Vec<f64> = items.margin.iter().zip(&items.price).map(share).collect();
        let (sum, known) = shares.iter().filter(|share| !share.is_nan()).fold((0.0, 0_u32), |(sum, known), share| (sum + share, known + 1));
        Margins { shares, mean: (known > 0).then(|| sum / f64::from(known)) }
    }

    /// Whether any item tells its margin.
    pub fn are_known(&self) -> bool {
        self.mean.is_some()
    }

    /// The mean share; 1 where no item tells its margin: amounts count in full.
    pub fn mean(&self) -> f64 {
        self.mean.unwrap_or(1.0)
    }

    /// The share of an item, else the mean.
    pub fn share(&self, item: Option<u32>) -> f64 {
        item.and_then(|item| self.shares.get(item as usize)).copied().filter(|share| !share.is_nan()).unwrap_or_else(|| self.mean())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_without_a_margin_has_that_of_the_others_and_without_any_all_that_is_paid_stays() {
        let items = ItemTable { margin: vec![2.0, 6.0, f64::NAN, 30.0], price: vec![10.0, 10.0, 10.0, 10.0], ..ItemTable::default() };
        let margins = Margins::of(&items);
        for (item, share) in [(Some(0), 0.2), (Some(1), 0.6), (Some(2), 0.4), (Some(3), 0.4), (None, 0.4)] {
            assert!((margins.share(item) - share).abs() < 1e-12, "{item:?}");
        }
        assert!(!Margins::of(&ItemTable::default()).are_known() && (Margins::of(&ItemTable::default()).share(Some(7)) - 1.0).abs() < 1e-12);
    }
}
