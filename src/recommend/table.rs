//! Candidates of a sample of customers with the score of every model, on which settings and blend weights are compared.
//!
//! Scoring all items again for each of some hundred combinations would cost minutes; each model's best 60 hold what a blend can
//! bring to the first ten.

use super::interactions::Interactions;
use super::local::Local;
use super::repeat::Again;
use super::scores::{Scores, scale, take_out, top};
use super::{FEW, ItemEvent, ItemModel, block_of};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Candidates that each proposing model brings in.
const PER_MODEL: usize = 60;

#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    /// Places of a list that count.
    depth: usize,
    offsets: Vec<usize>,
    items: Vec<u32>,
    /// For each customer, which of the candidates count.
    relevant: Vec<Vec<u32>>,
    ideal: Vec<f64>,
    /// For each model the scaled scores of all candidates, never negative.
    columns: Vec<Vec<f32>>,
}

struct BlockPart {
    lengths: Vec<usize>,
    items: Vec<u32>,
    relevant: Vec<Vec<u32>>,
    ideal: Vec<f64>,
    columns: Vec<Vec<f32>>,
}

/// Customers with a history and something to find, at most `most`, evenly spread.
pub(crate) fn sample(data: &Interactions, truths: &[Vec<u32>], most: usize) -> Vec<usize> {
    let all: Vec<usize> = (0..truths.len()).filter(|customer| !truths[*customer].is_empty() && has_history(data.of(*customer))).collect();
    if all.len() <= most { all } else { (0..most).map(|place| all[place * all.len() / most]).collect() }
}

/// Whether a customer wanted anything yet.
pub(crate) fn has_history(events: &[ItemEvent]) -> bool {
    events.iter().any(|event| event.weight > 0.0)
}

/// The discount of a place in a list.
fn discount(place: usize) -> f64 {
    1.0 / libm::log2(place as f64 + 2.0)
}

impl Table {
    /// Scores the customers with every model; those marked true propose candidates. Items that are not offered `again` to who bought them
    /// are none.
    pub fn build(data: &Interactions, truths: &[Vec<u32>], customers: &[usize], models: &[(&dyn ItemModel, bool)], again: &Again, depth: usize) -> Self {
        let parts: Vec<BlockPart> =
            customers.par_chunks(block_of(models.iter().map(|(model, _)| *model))).map(|block| part(data, truths, block, models, again, depth)).collect();
        let mut table = Table { depth, offsets: vec![0], columns: vec![Vec::new(); models.len()], ..Table::default() };
        for part in parts {
            for length in part.lengths {
                table.offsets.push(table.offsets.last().copied().unwrap_or(0) + length);
            }
            table.items.extend(part.items);
            table.relevant.extend(part.relevant);
            table.ideal.extend(part.ideal);
            for (column, more) in table.columns.iter_mut().zip(part.columns) {
                column.extend(more);
            }
        }
        table
    }

    /// Takes customers of another table of the same models in, whose items are numbered from `first` on.
    pub fn join(&mut self, other: Table, first: usize) {
        let before = self.items.len();
        self.offsets.extend(other.offsets.iter().skip(1).map(|offset| before + offset));
        self.items.extend(other.items.iter().map(|item| item + first as u32));
        self.relevant.extend(other.relevant);
        self.ideal.extend(other.ideal);
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.extend(more);
        }
    }

    /// What the score of each candidate is multiplied by where places lift; of each table that was joined, what its places sell, and those of its customers.
    pub fn local(&self, parts: &[(Local, Vec<Option<u32>>)], items: usize) -> Vec<f32> {
        let customers = parts.iter().enumerate().flat_map(|(part, (local, places))| places.iter().map(move |place| ((part * items) as u32, local, place)));
        let of_customer = |(customer, (first, local, place)): (usize, (u32, &Local, &Option<u32>))| {
            self.items[self.offsets[customer]..self.offsets[customer + 1]].iter().map(|item| local.of(*place, item - first)).collect::<Vec<f32>>()
        };
        customers.enumerate().flat_map(of_customer).collect()
    }

    /// Mean NDCG of the weighted sum of columns times each item's lift and each candidate's (1 where `lift` or `local` is empty).
    pub fn ndcg(&self, weights: &[(usize, f32)], lift: &[f32], local: &[f32]) -> f64 {
        self.ndcgs(weights, (0, &[0.0]), lift, local)[0]
    }

    /// As [`Table::ndcg`], with one more column, once for each of its weights.
    pub fn ndcgs(&self, weights: &[(usize, f32)], (varied, of_varied): (usize, &[f32]), lift: &[f32], local: &[f32]) -> Vec<f64> {
        let gains: Vec<Vec<f64>> = (0..self.ideal.len())
            .into_par_iter()
            .with_min_len(64)
            .filter(|customer| !self.relevant[*customer].is_empty())
            .map(|customer| {
                let range = self.offsets[customer]..self.offsets[customer + 1];
                let list = List {
                    columns: weights
                        .iter()
                        .filter(|(_, weight)| *weight > 0.0)
                        .map(|(column, weight)| (&self.columns[*column][range.clone()], *weight))
                        .collect(),
                    varied: (&self.columns[varied][range.clone()], of_varied),
                    items: &self.items[range.clone()],
                    lift,
                    local: if local.is_empty() { local } else { &local[range] },
                    relevant: &self.relevant[customer],
                };
                let gain = |places: Vec<usize>| places.into_iter().filter(|place| *place < self.depth).map(discount).sum::<f64>() / self.ideal[customer];
                Arch::new().dispatch(list).into_iter().map(gain).collect()
            })
            .collect();
        (0..of_varied.len()).map(|place| gains.iter().map(|of_customer| of_customer[place]).sum::<f64>() / self.ideal.len().max(1) as f64).collect()
    }
}

/// The candidates of a customer.
struct List<'t> {
    /// Scores of each model, with its weight.
    columns: Vec<(&'t [f32], f32)>,
    /// Scores of one more model, and the weights to give it by turns.
    varied: (&'t [f32], &'t [f32]),
    items: &'t [u32],
    /// By item; empty for none.
    lift: &'t [f32],
    /// By candidate; empty for none.
    local: &'t [f32],
    /// Which candidates count.
    relevant: &'t [u32],
}

impl WithSimd for List<'_> {
    /// For each weight the places, by score, of the candidates that count and have one.
    type Output = Vec<Vec<usize>>;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<Vec<usize>> {
        let mut fixed = vec![0.0_f32; self.items.len()];
        for (column, weight) in self.columns {
            fixed.iter_mut().zip(column).for_each(|(score, value)| *score += weight * value);
        }
        let mut lifts = vec![1.0_f32; self.items.len()];
        if !self.lift.is_empty() {
            lifts.iter_mut().zip(self.items).for_each(|(lift, item)| *lift = self.lift[*item as usize]);
        }
        lifts.iter_mut().zip(self.local).for_each(|(lift, local)| *lift *= local);
        let mut scores = vec![0.0_f32; self.items.len()];
        let mut all = Vec::with_capacity(self.varied.1.len());
        // Plain loops: what an iterator calls would not be compiled for many scores at a time.
        for weight in self.varied.1 {
            for (((score, fixed), value), lift) in scores.iter_mut().zip(&fixed).zip(self.varied.0).zip(&lifts) {
                *score = (fixed + weight * value) * lift;
            }
            let mut places = Vec::with_capacity(self.relevant.len());
            for at in self.relevant {
                let at = *at as usize;
                if scores[at] > 0.0 {
                    places.push(place(&scores, at));
                }
            }
            all.push(places);
        }
        all
    }
}

/// The place of a score in the list: how many are greater, or as great and stand before it. For the few that count this takes less than sorting all.
#[inline(always)]
fn place(scores: &[f32], at: usize) -> usize {
    let (score, before, after) = (scores[at], &scores[..at], &scores[at + 1..]);
    // Wrapping, though it never does: a sum that is watched is not compiled for many scores at a time.
    let mut ahead = 0_u32;
    for other in before {
        ahead = ahead.wrapping_add(u32::from(*other >= score));
    }
    for other in after {
        ahead = ahead.wrapping_add(u32::from(*other > score));
    }
    ahead as usize
}

fn part(data: &Interactions, truths: &[Vec<u32>], block: &[usize], models: &[(&dyn ItemModel, bool)], again: &Again, depth: usize) -> BlockPart {
    let histories: Vec<&[ItemEvent]> = block.iter().map(|customer| data.of(*customer)).collect();
    // As in Blend::over: the models that score a few customers at a time do so, and their rows stay near the processor.
    let scores_many = |model: &dyn ItemModel| model.block() > FEW;
    let mut together: Vec<Option<Scores>> = models.iter().map(|(model, _)| scores_many(*model).then(|| model.score(&histories, data.items))).collect();
    let mut apart: Vec<Option<Scores>> = Vec::new();
    let mut out = BlockPart { lengths: Vec::new(), items: Vec::new(), relevant: Vec::new(), ideal: Vec::new(), columns: vec![Vec::new(); models.len()] };
    for (place, customer) in block.iter().enumerate() {
        if place % FEW == 0 {
            let few = &histories[place..(place + FEW).min(histories.len())];
            apart = models.iter().map(|(model, _)| (!scores_many(*model)).then(|| model.score(few, data.items))).collect();
        }
        let taken_out = again.taken_out(histories[place]);
        together.iter_mut().flatten().for_each(|scores| take_out(scores.row_mut(place), &taken_out));
        apart.iter_mut().flatten().for_each(|scores| take_out(scores.row_mut(place % FEW), &taken_out));
        let rows: Vec<&[f32]> = together
            .iter()
            .zip(&apart)
            .filter_map(|(many, few)| many.as_ref().map(|scores| scores.row(place)).or_else(|| few.as_ref().map(|scores| scores.row(place % FEW))))
            .collect();
        let proposing = rows.iter().zip(models).filter(|(_, (_, proposes))| *proposes);
        let mut items: Vec<u32> = proposing.flat_map(|(row, _)| top(row, PER_MODEL)).map(|(item, _)| item).collect();
        items.sort_unstable();
        items.dedup();
        let truth = &truths[*customer];
        out.lengths.push(items.len());
        out.ideal.push((0..depth.min(truth.len())).map(discount).sum());
        out.relevant.push((0..).zip(&items).filter(|(_, item)| truth.binary_search(item).is_ok()).map(|(at, _)| at).collect());
        for (row, column) in rows.iter().zip(&mut out.columns) {
            let unit = scale(row);
            column.extend(items.iter().map(|item| if unit > 0.0 { row[*item as usize].max(0.0) / unit } else { 0.0 }));
        }
        out.items.extend(items);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::popular::Popular;
    use crate::recommend::repeat::OwnItems;

    #[test]
    fn the_table_measures_what_the_full_ranking_measures() {
        let event = |item| ItemEvent { item, days_ago: 0.0, weight: 1.0 };
        let data = Interactions::from_lists(&[vec![event(2)], vec![event(0), event(0), event(1)]], 4);
        let truths = vec![vec![0, 3], vec![1]];
        let popular = Popular { demand: vec![4.0, 3.0, 2.0, 1.0] };
        let own = OwnItems { half_life: f32::INFINITY };
        let table = Table::build(&data, &truths, &[0, 1], &[(&popular, true), (&own, true)], &Again::all(true, 1.0), 10);
        let lists = vec![vec![0, 1, 2, 3], vec![0, 1, 2, 3]];
        assert!((table.ndcg(&[(0, 1.0)], &[], &[]) - crate::evaluate::rank::ranking(&lists, &truths).ndcg_10).abs() < 1e-12);
        // A lift turns the list around.
        let lists = vec![vec![3, 2, 1, 0], vec![3, 2, 1, 0]];
        assert!((table.ndcg(&[(0, 1.0)], &[0.01, 0.1, 1.0, 10.0], &[]) - crate::evaluate::rank::ranking(&lists, &truths).ndcg_10).abs() < 1e-12);
        // Without owned items customer 1 has 2 and 3 left.
        let table = Table::build(&data, &truths, &[0, 1], &[(&popular, true), (&own, true)], &Again::all(false, 1.0), 10);
        let lists = vec![vec![0, 1, 3], vec![2, 3]];
        assert!((table.ndcg(&[(0, 1.0)], &[], &[]) - crate::evaluate::rank::ranking(&lists, &truths).ndcg_10).abs() < 1e-12);
    }

    #[test]
    fn customers_of_several_held_out_parts_count_alike_each_with_its_own_lift() {
        let event = |item| ItemEvent { item, days_ago: 0.0, weight: 1.0 };
        let data = Interactions::from_lists(&[vec![event(2)], vec![event(0), event(1)]], 4);
        let popular = Popular { demand: vec![4.0, 3.0, 2.0, 1.0] };
        let of = |truths: &[Vec<u32>]| Table::build(&data, truths, &[0, 1], &[(&popular, true)], &Again::all(true, 1.0), 10);
        let (first, second) = (vec![vec![0, 3], vec![1]], vec![vec![3], vec![2, 3]]);
        let mut both = of(&first);
        both.join(of(&second), data.items);
        let (plain, turned) = (vec![0, 1, 2, 3], vec![3, 2, 1, 0]);
        let expected = |second_list: &[u32]| {
            let of = |list: &[u32], truths: &[Vec<u32>]| crate::evaluate::rank::ranking(&[list.to_vec(), list.to_vec()], truths).ndcg_10;
            (of(&plain, &first) + of(second_list, &second)) / 2.0
        };
        assert!((both.ndcg(&[(0, 1.0)], &[], &[]) - expected(&plain)).abs() < 1e-12);
        // Only the second part's list is turned around.
        assert!((both.ndcg(&[(0, 1.0)], &[1.0, 1.0, 1.0, 1.0, 0.01, 0.1, 1.0, 10.0], &[]) - expected(&turned)).abs() < 1e-12);
    }

    #[test]
    fn customers_without_history_or_without_truth_are_not_sampled() {
        let event = |weight| ItemEvent { item: 0, days_ago: 0.0, weight };
        let data = Interactions::from_lists(&[vec![event(1.0)], vec![], vec![event(-1.0)], vec![event(1.0)], vec![event(1.0)]], 1);
        let truths = vec![vec![0], vec![0], vec![0], vec![], vec![0]];
        assert_eq!(sample(&data, &truths, 10), vec![0, 4]);
        assert_eq!(sample(&data, &truths, 1), vec![0]);
    }
}
