//! Products of customers' factors with those of all items, in whole numbers.
//!
//! A sum of whole numbers is exact: the same in any order, for any block of customers and on every processor. It is also faster than one of floats: a
//! processor with AVX2 multiplies sixteen pairs of 16 bits at a time and adds the products by twos (`vpmaddwd`), where it takes eight pairs of floats.

use super::scores::Scores;
use pulp::NullaryFnOnce;

/// Items that are summed together.
const GROUP: usize = 16;
/// Customers that a group is summed for together: their sums and the items fill the registers of AVX2.
const TOGETHER: usize = 6;
/// Bytes of items that every customer of a block is multiplied with before the next come: they stay near the processor.
const NEAR: usize = 128 << 10;

/// Two neighbouring dimensions of every item of a group.
type Pairs = [i16; 2 * GROUP];

/// Some dimensions of the factors of all items.
#[derive(Debug, Clone)]
pub(crate) struct ItemFactors {
    /// Neighbouring dimensions, two and two.
    pairs: usize,
    /// Group by group, pair by pair. Dimensions and items that fill up the last of each are 0.
    groups: Vec<Pairs>,
}

/// The same dimensions of some customers' factors, rounded to whole numbers.
struct CustomerFactors {
    /// [`TOGETHER`] customers by so many, pair by pair: the lower half of a number is a dimension and the upper half the next.
    pairs: Vec<[i32; TOGETHER]>,
    /// By customer: what one unit is worth.
    units: Vec<f32>,
}

impl ItemFactors {
    /// The dimensions from `first` of the bytes of all items, `length` of each.
    pub fn new(values: &[i8], length: usize, first: usize) -> Self {
        let pairs = (length - first).div_ceil(2);
        let items = values.len() / length;
        let mut groups = vec![[0; 2 * GROUP]; items.div_ceil(GROUP) * pairs];
        for (item, row) in values.chunks_exact(length).enumerate() {
            let group = &mut groups[item / GROUP * pairs..];
            for (place, value) in row[first..].iter().enumerate() {
                group[place / 2][item % GROUP * 2 + place % 2] = i16::from(*value);
            }
        }
        ItemFactors { pairs, groups }
    }

    /// Writes the score of every item for customers of these factors (of the dimensions that were taken): the product, times what one unit of the item is
    /// worth. A customer is rounded to at least 2^12 steps from 0 to their greatest dimension (2^14 up to 1,024 dimensions): finer than bytes are by far.
    pub fn scores(&self, customers: &[&[f32]], item_units: &[f32], out: &mut Scores) {
        let customers = self.rounded(customers);
        let job = Product { items: self, customers: &customers, item_units, out };
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = pulp::x86::V3::try_new() {
            return avx2.vectorize(With { sums: avx2, job });
        }
        With { sums: Plain, job }.call();
    }

    fn rounded(&self, customers: &[&[f32]]) -> CustomerFactors {
        // Sums of so many products with bytes stay below 2^31.
        let most = (i32::MAX / (128 * 2 * self.pairs) as i32).min(1 << 14) as f32;
        let mut pairs = vec![[0; TOGETHER]; customers.len().div_ceil(TOGETHER) * self.pairs];
        let mut units = Vec::with_capacity(customers.len());
        for (customer, row) in customers.iter().enumerate() {
            let greatest = row.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            let steps = if greatest > 0.0 { most / greatest } else { 0.0 };
            units.push(greatest / most);
            let whole = |value: Option<&f32>| value.map_or(0, |value| (value * steps).round() as i16);
            let panel = &mut pairs[customer / TOGETHER * self.pairs..];
            for (pair, two) in panel.iter_mut().zip(row.chunks(2)) {
                pair[customer % TOGETHER] = i32::from(whole(two.get(1))) << 16 | i32::from(whole(two.first())) & 0xffff;
            }
        }
        CustomerFactors { pairs, units }
    }
}

/// How a processor sums products.
trait Sums: Copy {
    /// A sum for each item of a group.
    type Group: Copy;
    fn zero(self) -> Self::Group;
    /// Adds the products of a pair of dimensions of every item with a customer's.
    fn add(self, sums: Self::Group, items: &Pairs, customer: i32) -> Self::Group;
    fn by_item(self, sums: Self::Group) -> [i32; GROUP];
}

#[cfg(target_arch = "x86_64")]
impl Sums for pulp::x86::V3 {
    type Group = [pulp::i32x8; 2];
    #[inline(always)]
    fn zero(self) -> Self::Group {
        [self.splat_i32x8(0); 2]
    }
    #[inline(always)]
    fn add(self, sums: Self::Group, items: &Pairs, customer: i32) -> Self::Group {
        let customer: pulp::i16x16 = pulp::cast(self.splat_i32x8(customer));
        let items: [pulp::i16x16; 2] = pulp::cast(*items);
        let add = |half: usize| self.wrapping_add_i32x8(sums[half], self.multiply_wrapping_add_adjacent_i16x16(items[half], customer));
        [add(0), add(1)]
    }
    #[inline(always)]
    fn by_item(self, sums: Self::Group) -> [i32; GROUP] {
        pulp::cast(sums)
    }
}

/// As the language has it, for any processor.
#[derive(Clone, Copy)]
struct Plain;

impl Sums for Plain {
    type Group = [i32; GROUP];
    #[inline(always)]
    fn zero(self) -> Self::Group {
        [0; GROUP]
    }
    #[inline(always)]
    fn add(self, mut sums: Self::Group, items: &Pairs, customer: i32) -> Self::Group {
        let (first, second) = (i32::from(customer as i16), customer >> 16);
        for (sum, item) in sums.iter_mut().zip(items.as_chunks::<2>().0) {
            *sum += i32::from(item[0]) * first + i32::from(item[1]) * second;
        }
        sums
    }
    #[inline(always)]
    fn by_item(self, sums: Self::Group) -> [i32; GROUP] {
        sums
    }
}

/// A product to be done.
struct Product<'a> {
    items: &'a ItemFactors,
    customers: &'a CustomerFactors,
    item_units: &'a [f32],
    out: &'a mut Scores,
}

/// How, and what.
struct With<'a, S> {
    sums: S,
    job: Product<'a>,
}

impl<S: Sums> NullaryFnOnce for With<'_, S> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let With { sums, job: Product { items, customers, item_units, out } } = self;
        let pairs = items.pairs;
        let near = (NEAR / (pairs * size_of::<Pairs>())).max(1);
        for (place, groups) in items.groups.chunks(near * pairs).enumerate() {
            for (panel, (factors, units)) in customers.pairs.chunks_exact(pairs).zip(customers.units.chunks(TOGETHER)).enumerate() {
                for (at, group) in groups.chunks_exact(pairs).enumerate() {
                    let first = (place * near + at) * GROUP;
                    let item_units = &item_units[first..item_units.len().min(first + GROUP)];
                    let mut found = [sums.zero(); TOGETHER];
                    for (items, customers) in group.iter().zip(factors) {
                        for (sum, customer) in found.iter_mut().zip(customers) {
                            *sum = sums.add(*sum, items, *customer);
                        }
                    }
                    for ((customer, found), unit) in (panel * TOGETHER..).zip(found).zip(units) {
                        worth(&sums.by_item(found), item_units, *unit, &mut out.row_mut(customer)[first..first + item_units.len()]);
                    }
                }
            }
        }
    }
}

/// Writes what sums are worth.
#[inline(always)]
fn worth(sums: &[i32; GROUP], item_units: &[f32], unit: f32, out: &mut [f32]) {
    let write = |((out, sum), item_unit): ((&mut f32, &i32), &f32)| *out = *sum as f32 * (item_unit * unit);
    // Of a known number, so that they are done at a time.
    match (<&[f32; GROUP]>::try_from(item_units), <&mut [f32; GROUP]>::try_from(&mut *out)) {
        (Ok(item_units), Ok(out)) => out.iter_mut().zip(sums).zip(item_units).for_each(write),
        _ => out.iter_mut().zip(sums).zip(item_units).for_each(write),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::random::mix;

    #[test]
    fn products_are_those_of_the_definition_on_every_processor_and_for_any_block() {
        for (items, length, first, customers) in [(1, 1, 0, 1), (16, 2, 0, 6), (37, 9, 2, 7), (50, 64, 32, 13), (300, 512, 256, 100)] {
            let values: Vec<i8> = (0..items * length).map(|k| (mix(1, k as u64) % 255) as i8).collect();
            let units: Vec<f32> = (0..items).map(|k| 0.5 + k as f32).collect();
            let taken = length - first;
            let factors: Vec<f32> = (0..customers * taken).map(|k| (mix(2, k as u64) % 2001) as f32 / 1000.0 - 1.0).collect();
            let factors: Vec<&[f32]> = factors.chunks_exact(taken).collect();
            let all = ItemFactors::new(&values, length, first);
            let mut out = Scores::zeros(customers, items);
            all.scores(&factors, &units, &mut out);
            let rounded = all.rounded(&factors);
            let mut plain = Scores::zeros(customers, items);
            With { sums: Plain, job: Product { items: &all, customers: &rounded, item_units: &units, out: &mut plain } }.call();
            assert_eq!(out.values, plain.values);
            for (customer, own) in factors.iter().copied().enumerate() {
                let length_of = |row: &mut dyn Iterator<Item = f64>| row.map(|value| value * value).sum::<f64>().sqrt();
                for item in 0..items {
                    let row = &values[item * length + first..(item + 1) * length];
                    let exact: f64 = row.iter().zip(own).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() * f64::from(units[item]);
                    let most = length_of(&mut row.iter().map(|value| f64::from(*value))) * length_of(&mut own.iter().map(|value| f64::from(*value)));
                    let error = (f64::from(out.row(customer)[item]) - exact).abs();
                    assert!(error <= 2e-4 * f64::from(units[item]) * most, "{error} of {exact}, at most {most}");
                }
                let mut alone = Scores::zeros(1, items);
                all.scores(&[own], &units, &mut alone);
                assert_eq!(alone.row(0), out.row(customer));
            }
        }
    }

    #[test]
    fn the_greatest_sums_do_not_overflow() {
        for length in [2, 1024, 4096] {
            let all = ItemFactors::new(&vec![-127; length], length, 0);
            let mut out = Scores::zeros(1, 1);
            all.scores(&[&vec![3.0; length]], &[2.0], &mut out);
            let exact = -127.0 * 3.0 * 2.0 * length as f32;
            assert!((out.values[0] / exact - 1.0).abs() < 1e-4, "{} {exact}", out.values[0]);
        }
    }

    #[test]
    fn customers_and_items_without_factors_score_0() {
        let all = ItemFactors::new(&[0, 0, 5, 7], 2, 0);
        let mut out = Scores::zeros(2, 2);
        all.scores(&[&[0.0, 0.0], &[1.0, 1.0]], &[1.0, 1.0], &mut out);
        assert!(out.row(0) == [0.0, 0.0] && out.row(1)[0] == 0.0 && (out.row(1)[1] - 12.0).abs() < 1e-2, "{out:?}");
    }
}
