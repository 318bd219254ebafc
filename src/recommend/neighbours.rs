//! Items bought by the same customers: an item-to-item model and, with degree powers, the linear graph filter.
//!
//! With customer-item strengths r, each customer's row divided by its norm to a power, the similarity of items i and j is
//! `sum_c r_ci r_cj / (d_i^a d_j^b)`, `d` the sum of squared strengths of an item, raised to a power and cut to the best of each item. `a = b = 1/2` without
//! row damping is the cosine; with full row damping it is the filter of Shen et al., GF-CF, CIKM 2021 (eq. 7), and the power is the
//! Hadamard power of Park et al., Turbo-CF, SIGIR 2024.

use super::interactions::{Interactions, strengths};
use super::scores::Scores;
use super::{ItemEvent, ItemModel};
use bincode::{Decode, Encode};
use half::f16;
use rayon::prelude::*;

/// What shapes the similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NeighbourSettings {
    /// Half-life of the events, in days; infinite for none.
    pub half_life: f32,
    /// Each customer's row is divided by its norm to this power: customers with many items say less about each pair.
    pub customer_damping: f32,
    /// Power of the degree of the item that pulls.
    pub from_damping: f32,
    /// Power of the degree of the item that is pulled.
    pub to_damping: f32,
    /// Power of each similarity.
    pub power: f32,
    /// Similar items kept for each item.
    pub keep: usize,
    /// Strongest items of a customer that are paired; bounds the work for customers with thousands of items.
    pub most_items: usize,
}

/// For each item the items most similar to it.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub(crate) struct Neighbours {
    /// Half-life of the events of a customer to be scored.
    pub half_life: f32,
    /// Item `i` has the neighbours `offsets[i]..offsets[i + 1]`.
    pub offsets: Vec<u32>,
    /// Neighbours, ascending within an item.
    pub items: Vec<u32>,
    /// Similarities as IEEE half-precision bits.
    pub weights: Vec<u16>,
}

/// A sparse matrix by rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    pub offsets: Vec<usize>,
    pub columns: Vec<u32>,
    pub values: Vec<f32>,
}

impl Rows {
    /// One row per customer: strengths by item.
    pub fn of_customers(data: &Interactions, half_life: f32, most_items: usize) -> Self {
        let lists: Vec<Vec<(u32, f32)>> = (0..data.customers())
            .into_par_iter()
            .map(|customer| {
                let mut list = strengths(data.of(customer), half_life);
                if list.len() > most_items {
                    list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                    list.truncate(most_items);
                    list.sort_by_key(|(item, _)| *item);
                }
                list
            })
            .collect();
        Self::from_lists(&lists)
    }
    /// Joins rows.
    pub fn from_lists(lists: &[Vec<(u32, f32)>]) -> Self {
        let mut rows = Rows { offsets: vec![0], ..Rows::default() };
        for list in lists {
            rows.columns.extend(list.iter().map(|(column, _)| *column));
            rows.values.extend(list.iter().map(|(_, value)| *value));
            rows.offsets.push(rows.columns.len());
        }
        rows
    }
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }
    /// Columns and values of a row.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.offsets[row]..self.offsets[row + 1];
        (&self.columns[range.clone()], &self.values[range])
    }
    /// Rows become columns; within a row of the result columns ascend.
    pub fn transposed(&self, columns: usize) -> Self {
        let mut offsets = vec![0_usize; columns + 1];
        for column in &self.columns {
            offsets[*column as usize + 1] += 1;
        }
        for column in 0..columns {
            offsets[column + 1] += offsets[column];
        }
        let mut next = offsets.clone();
        let (mut out_columns, mut out_values) = (vec![0_u32; self.columns.len()], vec![0.0_f32; self.columns.len()]);
        for row in 0..self.len() {
            let (row_columns, values) = self.row(row);
            for (column, value) in row_columns.iter().zip(values) {
                let place = next[*column as usize];
                out_columns[place] = row as u32;
                out_values[place] = *value;
                next[*column as usize] += 1;
            }
        }
        Rows { offsets, columns: out_columns, values: out_values }
    }
}

impl Neighbours {
    /// Pairs the items of each customer. Work: the sum over customers of their squared number of items, at most `most_items` each.
    pub fn fit(data: &Interactions, settings: &NeighbourSettings) -> Self {
        let mut by_customer = Rows::of_customers(data, settings.half_life, settings.most_items);
        let mut degrees = vec![0.0_f32; data.items];
        for (item, value) in by_customer.columns.iter().zip(&by_customer.values) {
            degrees[*item as usize] += value * value;
        }
        for customer in 0..by_customer.len() {
            let range = by_customer.offsets[customer]..by_customer.offsets[customer + 1];
            let values = &mut by_customer.values[range];
            let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
            let factor = if norm > 0.0 { libm::powf(norm, -settings.customer_damping) } else { 0.0 };
            values.iter_mut().for_each(|value| *value *= factor);
        }
        let by_item = by_customer.transposed(data.items);
        let damp = |power: f32| -> Vec<f32> { degrees.iter().map(|degree| if *degree > 0.0 { libm::powf(*degree, -power) } else { 0.0 }).collect() };
        let (from, to) = (damp(settings.from_damping), damp(settings.to_damping));
        let lists: Vec<Vec<(u32, f32)>> = (0..data.items)
            .into_par_iter()
            .map_init(
                || (vec![0.0_f32; data.items], Vec::<u32>::new()),
                |(sums, touched), item| {
                    let (customers, values) = by_item.row(item);
                    for (customer, value) in customers.iter().zip(values) {
                        let (others, strengths) = by_customer.row(*customer as usize);
                        for (other, strength) in others.iter().zip(strengths) {
                            let sum = &mut sums[*other as usize];
                            if *sum == 0.0 {
                                touched.push(*other);
                            }
                            *sum += value * strength;
                        }
                    }
                    let mut list: Vec<(u32, f32)> =
                        touched.iter().filter(|other| **other as usize != item).map(|other| (*other, sums[*other as usize] * to[*other as usize])).collect();
                    touched.drain(..).for_each(|other| sums[other as usize] = 0.0);
                    cut(&mut list, settings.keep);
                    list.iter_mut().for_each(|(_, value)| *value = libm::powf(*value * from[item], settings.power));
                    list
                },
            )
            .collect();
        // Half precision holds 6e-8 to 65,504: the greatest similarity of all becomes 1,024.
        let greatest = lists.iter().flatten().map(|(_, value)| *value).fold(0.0_f32, f32::max);
        let unit = if greatest > 0.0 { 1024.0 / greatest } else { 1.0 };
        let rows = Rows::from_lists(&lists);
        Neighbours {
            half_life: settings.half_life,
            offsets: rows.offsets.iter().map(|offset| *offset as u32).collect(),
            items: rows.columns,
            weights: rows.values.iter().map(|value| f16::from_f32(value * unit).to_bits()).collect(),
        }
    }
    /// Similar items of an item.
    pub fn row(&self, item: u32) -> (&[u32], &[u16]) {
        let range = self.offsets[item as usize] as usize..self.offsets[item as usize + 1] as usize;
        (&self.items[range.clone()], &self.weights[range])
    }
    /// How similar `other` is to `item`; 0 where it was cut.
    pub fn similarity(&self, item: u32, other: u32) -> f32 {
        let (items, weights) = self.row(item);
        items.binary_search(&other).map_or(0.0, |place| f16::from_bits(weights[place]).to_f32())
    }
    /// Checks every value read from a file.
    pub fn validate(&self, items: usize) -> Result<(), String> {
        if self.half_life.is_nan() || self.half_life <= 0.0 {
            return Err(format!("neighbours: the half-life is {}, expected more than 0", self.half_life));
        }
        if self.offsets.len() != items + 1 || self.offsets.first() != Some(&0) || self.offsets.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(format!("neighbours: the offsets do not ascend from 0 over {items} items"));
        }
        if self.offsets[items] as usize != self.items.len() || self.items.len() != self.weights.len() {
            return Err(format!("neighbours: {} items and {} weights, the offsets say {}", self.items.len(), self.weights.len(), self.offsets[items]));
        }
        for item in 0..items as u32 {
            let (others, weights) = self.row(item);
            if others.windows(2).any(|pair| pair[0] >= pair[1]) || others.last().is_some_and(|last| *last as usize >= items) {
                return Err(format!("neighbours: the neighbours of item {item} do not ascend below {items}"));
            }
            if weights.iter().any(|weight| !(f16::from_bits(*weight).to_f32() >= 0.0 && f16::from_bits(*weight).is_finite())) {
                return Err(format!("neighbours: a similarity of item {item} is negative or not finite"));
            }
        }
        Ok(())
    }
}

/// Keeps the greatest `keep` values, ties by item, and orders them by item.
fn cut(list: &mut Vec<(u32, f32)>, keep: usize) {
    if list.len() > keep {
        if keep > 0 {
            list.select_nth_unstable_by(keep - 1, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        }
        list.truncate(keep);
    }
    list.sort_unstable_by_key(|(item, _)| *item);
}

impl ItemModel for Neighbours {
    fn score(&self, histories: &[&[ItemEvent]], out: &mut Scores) {
        for (customer, history) in histories.iter().enumerate() {
            let row = out.row_mut(customer);
            row.fill(0.0);
            for (item, strength) in strengths(history, self.half_life) {
                let (others, weights) = self.row(item);
                for (other, weight) in others.iter().zip(weights) {
                    row[*other as usize] += strength * f16::from_bits(*weight).to_f32();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSINE: NeighbourSettings =
        NeighbourSettings { half_life: f32::INFINITY, customer_damping: 0.0, from_damping: 0.5, to_damping: 0.5, power: 1.0, keep: 10, most_items: 100 };

    fn bought(lists: &[&[u32]], items: usize) -> Interactions {
        let lists: Vec<Vec<ItemEvent>> =
            lists.iter().map(|list| list.iter().map(|item| ItemEvent { item: *item, days_ago: 0.0, weight: 1.0 }).collect()).collect();
        Interactions::from_lists(&lists, items)
    }

    #[test]
    fn the_cosine_of_two_items_is_common_buyers_over_the_root_of_both_counts() {
        let model = Neighbours::fit(&bought(&[&[0, 1], &[0, 1], &[0, 2], &[0], &[1]], 3), &COSINE);
        // Item 0 has 4 buyers, item 1 has 3, item 2 has 1; 2 bought 0 and 1, 1 bought 0 and 2.
        let ratio = model.similarity(0, 1) / model.similarity(0, 2);
        let expected = (2.0 / 12.0_f32.sqrt()) / (1.0 / 4.0_f32.sqrt());
        assert!((ratio - expected).abs() < 2e-3, "{ratio} {expected}");
        assert!(model.similarity(1, 2) == 0.0);
        assert_eq!(model.validate(3), Ok(()));
    }

    #[test]
    fn only_the_most_similar_items_are_kept() {
        let model = Neighbours::fit(&bought(&[&[0, 1], &[0, 1], &[0, 2]], 3), &NeighbourSettings { keep: 1, ..COSINE });
        assert_eq!(model.row(0).0, &[1]);
        assert_eq!(model.row(2).0, &[0]);
    }

    #[test]
    fn a_neighbour_outside_the_catalogue_is_refused() {
        let mut model = Neighbours::fit(&bought(&[&[0, 1]], 2), &COSINE);
        model.items[0] = 7;
        assert_eq!(model.validate(2), Err("neighbours: the neighbours of item 0 do not ascend below 2".into()));
    }

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        let rows = Rows::from_lists(&[vec![(0, 1.0), (2, 2.0)], vec![], vec![(2, 3.0)]]);
        assert_eq!(rows.transposed(3).transposed(3), rows);
    }
}
