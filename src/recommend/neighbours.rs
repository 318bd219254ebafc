//! Items bought by the same customers: an item-to-item model and, with degree powers, the linear graph filter.
//!
//! With customer-item strengths r, each customer's row divided by its norm to a power, the similarity of items i and j is
//! `sum_c r_ci r_cj / (d_i^a d_j^b)`, `d` the sum of squared strengths of an item, raised to a power and cut to the best of each item. `a = b = 1/2` without
//! row damping is the cosine; with full row damping it is the filter of Shen et al., GF-CF, CIKM 2021 (eq. 7), and the power is the
//! Hadamard power of Park et al., Turbo-CF, SIGIR 2024.

use super::interactions::{Interactions, strengths};
use super::ready::Ready;
use super::scores::{Best, Scores, cut, top};
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
    /// Item `i` has the entries `offsets[i]..offsets[i + 1]`.
    pub offsets: Vec<u32>,
    /// How far each neighbour is from the one before it (the first: from item 0). Farther than [`u16::MAX`] takes entries without
    /// similarity on the way: half the size of item numbers.
    pub steps: Vec<u16>,
    /// Similarities as IEEE half-precision bits; negative where one item speaks against the other.
    pub weights: Vec<u16>,
    /// Neighbours and similarities as used.
    ready: Ready<(Vec<u32>, Vec<f32>)>,
}

/// `value^power`; the powers that are tried most are roots and squares.
fn raised(value: f32, power: f32) -> f32 {
    const OFTEN: [f32; 3] = [0.5, 1.0, 1.5];
    match OFTEN.map(|often| (power - often).abs() > 0.0) {
        [false, ..] => value.sqrt(),
        [_, false, _] => value,
        [.., false] => value * value.sqrt(),
        _ => libm::powf(value, power),
    }
}

/// Leaves the strongest of a list in its order, which is by item; of equals the first.
fn leave_strongest(list: &mut Vec<(u32, f32)>, most: usize) {
    if list.len() > most {
        cut(list, most);
        list.sort_unstable_by_key(|(item, _)| *item);
    }
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
                leave_strongest(&mut list, most_items);
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
                || (vec![0.0_f32; data.items], vec![0_u32; data.items + 1]),
                |(sums, touched), item| {
                    let (sums, touched): (&mut [f32], &mut [u32]) = (sums, touched);
                    let (customers, values) = by_item.row(item);
                    let rows = || customers.iter().zip(values).map(|(customer, value)| (by_customer.row(*customer as usize), value));
                    let pairs: usize = rows().map(|((others, _), _)| others.len()).sum();
                    let mut list = if pairs >= data.items {
                        // So many pairs that going through all items afterwards is less work than to note which were met.
                        for ((others, strengths), value) in rows() {
                            for (other, strength) in others.iter().zip(strengths) {
                                sums[*other as usize] += value * strength;
                            }
                        }
                        sums[item] = 0.0;
                        sums.iter_mut().zip(&to).for_each(|(sum, to)| *sum *= to);
                        let list = top(sums, settings.keep);
                        sums.fill(0.0);
                        list
                    } else {
                        let mut count = 0;
                        for ((others, strengths), value) in rows() {
                            for (other, strength) in others.iter().zip(strengths) {
                                let sum = &mut sums[*other as usize];
                                // Written always and counted when new: no branch to mispredict.
                                touched[count] = *other;
                                count += usize::from(*sum == 0.0);
                                *sum += value * strength;
                            }
                        }
                        sums[item] = 0.0;
                        let mut best = Best::new(settings.keep);
                        for other in &touched[..count] {
                            best.push(*other, sums[*other as usize] * to[*other as usize]);
                            sums[*other as usize] = 0.0;
                        }
                        best.unordered()
                    };
                    list.sort_unstable_by_key(|(item, _)| *item);
                    list.iter_mut().for_each(|(_, value)| *value = raised(*value * from[item], settings.power));
                    list
                },
            )
            .collect();
        Self::of_lists(settings.half_life, &lists)
    }
    /// What each item pulls, by item, others ascending.
    pub fn of_lists(half_life: f32, lists: &[Vec<(u32, f32)>]) -> Self {
        // Half precision holds 6e-8 to 65,504: the greatest similarity of all becomes 1,024.
        let greatest = lists.iter().flatten().map(|(_, value)| value.abs()).fold(0.0_f32, f32::max);
        let unit = if greatest > 0.0 { 1024.0 / greatest } else { 1.0 };
        let mut model = Neighbours { half_life, offsets: vec![0], ..Neighbours::default() };
        for list in lists {
            let mut at = 0;
            for (item, value) in list {
                while item - at > u32::from(u16::MAX) {
                    model.steps.push(u16::MAX);
                    model.weights.push(0);
                    at += u32::from(u16::MAX);
                }
                model.steps.push((item - at) as u16);
                model.weights.push(f16::from_f32(value * unit).to_bits());
                at = *item;
            }
            model.offsets.push(model.steps.len() as u32);
        }
        model
    }
    fn ready(&self) -> &(Vec<u32>, Vec<f32>) {
        self.ready.get(|| {
            let mut items = Vec::with_capacity(self.steps.len());
            for pair in self.offsets.windows(2) {
                let mut at = 0;
                for step in &self.steps[pair[0] as usize..pair[1] as usize] {
                    at += u32::from(*step);
                    items.push(at);
                }
            }
            (items, self.weights.iter().map(|bits| f16::from_bits(*bits).to_f32()).collect())
        })
    }
    /// Similar items of an item, ascending.
    pub fn row(&self, item: u32) -> (&[u32], &[f32]) {
        let (items, weights) = self.ready();
        let range = self.offsets[item as usize] as usize..self.offsets[item as usize + 1] as usize;
        (&items[range.clone()], &weights[range])
    }
    /// How similar `other` is to `item`; 0 where it was cut.
    pub fn similarity(&self, item: u32, other: u32) -> f32 {
        let (items, weights) = self.row(item);
        items.binary_search(&other).map_or(0.0, |place| weights[place])
    }
    /// Checks every value read from a file.
    pub fn validate(&self, items: usize) -> Result<(), String> {
        if self.half_life.is_nan() || self.half_life <= 0.0 {
            return Err(format!("neighbours: the half-life is {}, expected more than 0", self.half_life));
        }
        if self.offsets.len() != items + 1 || self.offsets.first() != Some(&0) || self.offsets.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(format!("neighbours: the offsets do not ascend from 0 over {items} items"));
        }
        if self.offsets[items] as usize != self.steps.len() || self.steps.len() != self.weights.len() {
            return Err(format!("neighbours: {} steps and {} weights, the offsets say {}", self.steps.len(), self.weights.len(), self.offsets[items]));
        }
        for (item, pair) in self.offsets.windows(2).enumerate() {
            let steps = &self.steps[pair[0] as usize..pair[1] as usize];
            let last: usize = steps.iter().map(|step| usize::from(*step)).sum();
            if steps.iter().skip(1).any(|step| *step == 0) || (!steps.is_empty() && last >= items) {
                return Err(format!("neighbours: the neighbours of item {item} do not ascend below {items}"));
            }
        }
        match self.weights.iter().map(|bits| f16::from_bits(*bits).to_f32()).find(|weight| !weight.is_finite()) {
            Some(weight) => Err(format!("neighbours: a similarity is {weight}, expected a number")),
            None => Ok(()),
        }
    }
}

impl ItemModel for Neighbours {
    fn score(&self, histories: &[&[ItemEvent]], items: usize) -> Scores {
        let mut out = Scores::zeros(histories.len(), items);
        for (customer, history) in histories.iter().enumerate() {
            let row = out.row_mut(customer);
            for (item, strength) in strengths(history, self.half_life) {
                let (others, weights) = self.row(item);
                for (other, weight) in others.iter().zip(weights) {
                    row[*other as usize] += strength * weight;
                }
            }
        }
        out
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
    fn of_a_long_list_the_strongest_stay_in_their_order_and_of_equals_the_first() {
        let of = |most| {
            let mut list = vec![(1, 2.0), (3, 1.0), (4, 2.0), (7, 5.0), (9, 2.0)];
            leave_strongest(&mut list, most);
            list.into_iter().map(|(item, _)| item).collect::<Vec<_>>()
        };
        assert_eq!([of(1), of(3), of(4)], [vec![7], vec![1, 4, 7], vec![1, 4, 7, 9]]);
        assert_eq!(of(9), [1, 3, 4, 7, 9]);
    }

    #[test]
    fn a_neighbour_outside_the_catalogue_is_refused() {
        let mut model = Neighbours::fit(&bought(&[&[0, 1]], 2), &COSINE);
        model.steps[0] = 7;
        assert_eq!(model.validate(2), Err("neighbours: the neighbours of item 0 do not ascend below 2".into()));
    }

    #[test]
    fn neighbours_farther_apart_than_a_step_can_say_are_found() {
        let far = 200_000_u32;
        let model = Neighbours::fit(&bought(&[&[0, far], &[0, 1, far]], far as usize + 1), &COSINE);
        assert!(model.similarity(0, far) > model.similarity(0, 1) && model.similarity(0, 1) > 0.0);
        assert!(model.similarity(far, 1) > 0.0 && model.similarity(1, far) > 0.0 && model.similarity(0, 65_535) == 0.0);
        assert_eq!(model.validate(far as usize + 1), Ok(()));
    }

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        let rows = Rows::from_lists(&[vec![(0, 1.0), (2, 2.0)], vec![], vec![(2, 3.0)]]);
        assert_eq!(rows.transposed(3).transposed(3), rows);
    }
}
