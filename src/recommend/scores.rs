//! Dense scores of a block of customers, and the best of a row.

/// Scores of a block of customers, one row of all items per customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scores {
    /// Number of items.
    pub items: usize,
    /// Rows, one after the other.
    pub values: Vec<f32>,
}

impl Scores {
    /// All zero.
    pub fn zeros(customers: usize, items: usize) -> Self {
        Scores { items, values: vec![0.0; customers * items] }
    }
    /// A customer's row.
    pub fn row(&self, customer: usize) -> &[f32] {
        &self.values[customer * self.items..(customer + 1) * self.items]
    }
    /// A customer's row.
    pub fn row_mut(&mut self, customer: usize) -> &mut [f32] {
        &mut self.values[customer * self.items..(customer + 1) * self.items]
    }
}

/// The `count` greatest positive scores of a row, best first, ties by item. Work: one comparison per item that does not enter.
pub(crate) fn top(row: &[f32], count: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
    if count == 0 {
        return best;
    }
    let mut floor = 0.0_f32;
    for (item, &score) in row.iter().enumerate() {
        if score > floor {
            let place = best.partition_point(|(_, other)| *other >= score);
            if best.len() == count {
                best.pop();
            }
            best.insert(place, (item as u32, score));
            if best.len() == count {
                floor = best[count - 1].1;
            }
        }
    }
    best
}

/// Number of scores whose mean is a customer's scale.
const SCALE_OVER: usize = 20;

/// What one unit of a model's score means for a customer: the mean of the 20 greatest positive scores (of as many as there are);
/// 0 where nothing is positive.
pub(crate) fn scale(row: &[f32]) -> f32 {
    let best = top(row, SCALE_OVER);
    if best.is_empty() { 0.0 } else { best.iter().map(|(_, score)| score).sum::<f32>() / best.len() as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_ties_keep_the_order_of_items() {
        assert_eq!(top(&[0.5, 2.0, 0.5, 0.0, 3.0, -1.0, 0.5], 4), vec![(4, 3.0), (1, 2.0), (0, 0.5), (2, 0.5)]);
        assert_eq!(top(&[1.0, 1.0], 9), vec![(0, 1.0), (1, 1.0)]);
        assert_eq!(top(&[1.0], 0), vec![]);
    }

    #[test]
    fn the_scale_of_a_row_is_the_mean_of_its_twenty_best() {
        let row: Vec<f32> = (1..=100).map(|value| value as f32).collect();
        assert!((scale(&row) - 90.5).abs() < 1e-4);
        assert!(scale(&[0.0, -2.0]) == 0.0);
    }
}
