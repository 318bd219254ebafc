//! Best sellers among customers who are alike: the answer for those without history whose profile is known.
//!
//! Alike means the same category of one profile column: the one by which the tastes of one half of the customers foretell best
//! what the other half bought. Where no column does better than the best sellers of all, there are no such groups.

use super::interactions::Interactions;
use super::place::in_profiles;
use super::table::has_history;
use crate::exports::Exports;
use crate::timeline::{History, NO_INDEX, ProfileColumn, ProfileTable, ProfileValues};
use bincode::{Decode, Encode};

/// A category with fewer buyers than this is no group: its best sellers would be noise, and could tell of a person.
pub(super) const LEAST_BUYERS: usize = 50;
/// Items kept per group.
const KEPT: usize = 200;
/// A group's demand is drawn towards everybody's as if so much of it had been seen besides.
const PRIOR: f64 = 200.0;

/// Best sellers by category of one profile column.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Alike {
    /// The profile column.
    pub column: String,
    /// Its categories with enough buyers, in byte order.
    pub groups: Vec<String>,
    /// For each group its items by number, and how much each is wanted.
    pub demand: Vec<Vec<(u32, f32)>>,
}

impl Alike {
    /// Finds the column that tells tastes apart best. `None` where none does.
    pub fn fit(exports: &Exports, data: &Interactions) -> Option<Alike> {
        let columns = exports.profiles.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let mut best: Option<(f64, Alike)> = None;
        for (table, column) in columns {
            let Some((names, group_of)) = groups(table, column, data) else { continue };
            let gain = gain(&group_of, names.len(), data);
            if gain > 0.0 && best.as_ref().is_none_or(|(most, _)| gain > *most) {
                let shares = shares(&group_of, names.len(), data, |_| true);
                let demand = shares[..names.len()].iter().map(|shares| top(shares)).collect();
                best = Some((gain, Alike { column: column.name.clone(), groups: names, demand }));
            }
        }
        best.map(|(_, alike)| alike)
    }

    /// The group of a customer, if the profile says.
    pub fn group(&self, history: &History<'_>) -> Option<u32> {
        let name = in_profiles(history, &self.column, false)?;
        self.groups.binary_search_by(|group| group.as_str().cmp(name)).ok().map(|group| group as u32)
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, items: usize) -> Result<(), String> {
        if self.groups.len() != self.demand.len() || self.groups.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err("recommender: the groups of customers who are alike do not ascend".into());
        }
        let wrong = |&(item, demand): &(u32, f32)| item as usize >= items || !demand.is_finite() || demand < 0.0;
        if self.demand.iter().flatten().any(wrong) {
            return Err("recommender: a best seller of a group is no item, or not wanted by a finite number".into());
        }
        Ok(())
    }
}

/// The categories with enough buyers, and the group of each customer.
fn groups(table: &ProfileTable, column: &ProfileColumn, data: &Interactions) -> Option<(Vec<String>, Vec<u32>)> {
    let ProfileValues::Category { codes, names } = &column.values else { return None };
    let customers = data.customers().min(table.offsets.len().saturating_sub(1));
    let code = |customer: usize| (table.offsets[customer]..table.offsets[customer + 1]).next_back().map_or(NO_INDEX, |row| codes[row]);
    let mut seen = vec![0; names.len()];
    (0..customers).filter(|customer| has_history(data.of(*customer))).map(code).filter(|code| *code != NO_INDEX).for_each(|code| seen[code as usize] += 1);
    let mut group = vec![NO_INDEX; names.len()];
    let mut kept = Vec::new();
    for (code, name) in names.iter().enumerate().filter(|(code, _)| seen[*code] >= LEAST_BUYERS) {
        group[code] = kept.len() as u32;
        kept.push(name.clone());
    }
    (kept.len() > 1).then(|| (kept, (0..customers).map(|customer| group.get(code(customer) as usize).copied().unwrap_or(NO_INDEX)).collect()))
}

/// For each group, and for everybody last, the share of each item in what the customers wanted who `count`; a group's shares are
/// drawn towards everybody's.
fn shares(group_of: &[u32], groups: usize, data: &Interactions, count: impl Fn(usize) -> bool) -> Vec<Vec<f64>> {
    let mut demand = vec![vec![0.0; data.items]; groups + 1];
    for (customer, group) in group_of.iter().enumerate().filter(|(customer, _)| count(*customer)) {
        for event in data.of(customer).iter().filter(|event| event.weight > 0.0) {
            demand[groups][event.item as usize] += f64::from(event.weight);
            if *group != NO_INDEX {
                demand[*group as usize][event.item as usize] += f64::from(event.weight);
            }
        }
    }
    let total: f64 = demand[groups].iter().sum();
    // One sale spread over all items keeps what was never sold possible.
    let all: Vec<f64> = demand[groups].iter().map(|sold| (sold + 1.0 / data.items as f64) / (total + 1.0)).collect();
    let mut result: Vec<Vec<f64>> = demand[..groups]
        .iter()
        .map(|own| {
            let total: f64 = own.iter().sum();
            own.iter().zip(&all).map(|(sold, share)| (sold + PRIOR * share) / (total + PRIOR)).collect()
        })
        .collect();
    result.push(all);
    result
}

/// How much better the groups' shares foretell what the other half of the customers wanted than everybody's: mean log ratio.
fn gain(group_of: &[u32], groups: usize, data: &Interactions) -> f64 {
    let (mut gain, mut events) = (0.0, 0.0);
    for half in 0..2 {
        let shares = shares(group_of, groups, data, |customer| customer % 2 == half);
        for (customer, group) in group_of.iter().enumerate().filter(|(customer, group)| customer % 2 != half && **group != NO_INDEX) {
            for event in data.of(customer).iter().filter(|event| event.weight > 0.0) {
                let item = event.item as usize;
                gain += libm::log(shares[*group as usize][item] / shares[groups][item]);
                events += 1.0;
            }
        }
    }
    if events > 0.0 { gain / events } else { 0.0 }
}

/// The most wanted items, by number of item.
fn top(shares: &[f64]) -> Vec<(u32, f32)> {
    let mut order: Vec<u32> = (0..shares.len() as u32).collect();
    order.sort_by(|a, b| shares[*b as usize].total_cmp(&shares[*a as usize]).then(a.cmp(b)));
    order.truncate(KEPT);
    order.sort_unstable();
    order.into_iter().map(|item| (item, shares[item as usize] as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::ItemEvent;
    use crate::timeline::{EventStore, Moment, Timeline};

    /// 200 customers: those of A buy item 0, those of B item 1; the colour of their eyes says nothing.
    fn shop() -> (Exports, Interactions) {
        let category = |name: &str, codes: Vec<u32>, names: [&str; 2]| ProfileColumn {
            name: name.into(),
            values: ProfileValues::Category { codes, names: names.map(String::from).to_vec() },
            serves_past: true,
        };
        let country: Vec<u32> = (0..200).map(|customer| u32::from(customer % 3 == 0)).collect();
        let eyes: Vec<u32> = (0..200).map(|customer| u32::from(customer % 5 < 2)).collect();
        let columns = vec![category("eyes", eyes, ["blue", "brown"]), category("country", country.clone(), ["A", "B"])];
        let exports = Exports { profiles: vec![ProfileTable { offsets: (0..=200).collect(), time: Vec::new(), columns }], ..Exports::default() };
        let event = |item| ItemEvent { item, days_ago: 1.0, weight: 1.0 };
        let lists: Vec<Vec<ItemEvent>> = country.iter().map(|country| vec![event(*country), event(*country), event(2)]).collect();
        (exports, Interactions::from_lists(&lists, 3))
    }

    #[test]
    fn a_newcomer_gets_what_sells_among_those_who_are_alike() {
        let (exports, data) = shop();
        let alike = Alike::fit(&exports, &data).expect("the country tells tastes apart");
        assert_eq!((alike.column.as_str(), alike.groups.clone()), ("country", vec!["A".to_string(), "B".to_string()]));
        let store = EventStore::default();
        let group = |customer| alike.group(&Timeline::new(customer, &store, &exports.profiles).before(Moment(0)));
        assert_eq!((group(0), group(1)), (Some(1), Some(0)));
        let best = |group: usize| alike.demand[group].iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(item, _)| *item);
        assert_eq!((best(0), best(1)), (Some(0), Some(1)));
        assert!(alike.validate(3).is_ok() && alike.validate(2).is_err());
    }

    #[test]
    fn a_column_that_says_nothing_of_tastes_makes_no_groups() {
        let (mut exports, data) = shop();
        exports.profiles[0].columns.truncate(1);
        assert_eq!(Alike::fit(&exports, &data), None);
    }
}
