//! Which candidates are taken so that their total value is greatest and no budget, capacity or limit is broken.
//!
//! In: for each unit (a customer or a household) the candidates with their values, what each takes from shared resources, and how many
//! the unit may get. Out: the candidates taken, the price of each resource, and an upper bound that no choice could exceed.
//!
//! A multiple-choice knapsack by Lagrangian duality (Fisher, Management Science 1981): with a price per unit of each resource
//! every unit takes its best candidates whose value exceeds what they cost at those prices; the total of what is left to the units plus the worth
//! of all resources at these prices bounds the optimum from above. Prices are found one resource at a time: the price at which its
//! use fits is a quantile of the prices at which units would give it up. The last step takes candidates in order of value net of
//! prices while everything fits, so that no limit is ever broken; with many units beside each resource the gap to the bound is small.
//! Chunks are of one length and sums run in their order: the result does not depend on the threads.

use rayon::prelude::*;

/// Units that one task looks at.
const CHUNK: usize = 8_192;
/// Passes over all resources at most.
const PASSES: usize = 40;
/// With more units than this, prices are first found on every so-many-th unit with limits in proportion: on all units a few passes then do.
const SAMPLE: usize = 20_000;
const PASSES_AFTER_SAMPLE: usize = 2;
/// Gap below which prices are good enough.
const CLOSE: f64 = 5e-4;
/// Subgradient steps at most, and candidates looked at in all of them at most.
const STEPS: usize = 300;
const WORK: usize = 100_000_000;
/// A pass that improves the bound by a smaller share is the last.
const ENOUGH: f64 = 1e-6;

/// Something shared and limited.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its name in reports.
    pub name: String,
    /// How much there is: money, or pieces.
    pub limit: f64,
    /// Whether pieces are counted; otherwise money is spent.
    pub counts: bool,
}

/// Something a unit could get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Which kind of choice it is (an offer in a channel): says which resources it takes from.
    pub choice: u32,
    /// What it is worth, all costs taken off.
    pub value: f64,
    /// Money it takes from each budget of its choice.
    pub cost: f64,
}

/// Everything to be decided at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problem {
    /// The candidates of unit `u` are `offsets[u]..offsets[u + 1]`.
    pub offsets: Vec<usize>,
    /// The candidates, unit by unit.
    pub candidates: Vec<Candidate>,
    /// How many each unit may get.
    pub most: Vec<u32>,
    /// What is shared.
    pub resources: Vec<Resource>,
    /// The resources that each choice takes from.
    pub choices: Vec<Vec<u32>>,
}

/// What was decided.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Allocation {
    /// The candidates taken, ascending.
    pub taken: Vec<usize>,
    /// Their total value.
    pub value: f64,
    /// No choice within the limits is worth more.
    pub bound: f64,
    /// By resource: what one more unit of it would bring.
    pub prices: Vec<f64>,
    /// By resource: how much is used.
    pub used: Vec<f64>,
}

impl Allocation {
    /// The share of the bound that may be missing.
    pub fn gap(&self) -> f64 {
        if self.bound > 0.0 { (self.bound - self.value).max(0.0) / self.bound } else { 0.0 }
    }
}

impl Problem {
    fn units(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    fn of(&self, unit: usize) -> &[Candidate] {
        &self.candidates[self.offsets[unit]..self.offsets[unit + 1]]
    }

    /// What a candidate takes from a resource of its choice.
    fn taken_from(&self, resource: u32, candidate: &Candidate) -> f64 {
        if self.resources[resource as usize].counts { 1.0 } else { candidate.cost }
    }

    /// Value net of what the candidate takes at these prices.
    pub fn net(&self, candidate: &Candidate, prices: &[f64]) -> f64 {
        let taken: f64 =
            self.choices[candidate.choice as usize].iter().map(|resource| prices[*resource as usize] * self.taken_from(*resource, candidate)).sum();
        candidate.value - taken
    }

    /// The resource whose price makes a candidate not worth taking, the one that takes most of its value; `None` where it stays worth taking.
    pub fn dearest(&self, candidate: &Candidate, prices: &[f64]) -> Option<usize> {
        let charge = |resource: usize| prices[resource] * self.taken_from(resource as u32, candidate);
        let own = self.choices[candidate.choice as usize].iter().map(|resource| *resource as usize);
        own.filter(|resource| charge(*resource) > 0.0 && self.net(candidate, prices) <= 1e-9 * candidate.value.abs())
            .max_by(|a, b| charge(*a).total_cmp(&charge(*b)))
    }

    /// The sum over all units of what is best for each at these prices, plus the worth of all resources: no allocation exceeds it.
    fn bound(&self, prices: &[f64]) -> f64 {
        let parts: Vec<f64> = (0..self.units().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let mut nets = Vec::new();
                let mut total = 0.0;
                for unit in chunk * CHUNK..((chunk + 1) * CHUNK).min(self.units()) {
                    nets.clear();
                    nets.extend(self.of(unit).iter().map(|candidate| self.net(candidate, prices)).filter(|net| *net > 0.0));
                    let most = self.most[unit] as usize;
                    if nets.len() > most {
                        nets.sort_unstable_by(|a, b| b.total_cmp(a));
                        nets.truncate(most);
                    }
                    total += nets.iter().sum::<f64>();
                }
                total
            })
            .collect();
        parts.iter().sum::<f64>() + self.resources.iter().zip(prices).map(|(resource, price)| resource.limit * price).sum::<f64>()
    }

    /// The price of one resource at which its use fits, all other prices staying: a candidate is given up above the price that
    /// makes it worth no more than what the unit would take instead.
    fn price(&self, resource: u32, prices: &[f64]) -> f64 {
        let without: Vec<f64> = prices.iter().enumerate().map(|(other, price)| if other == resource as usize { 0.0 } else { *price }).collect();
        let takes = |candidate: &Candidate| self.choices[candidate.choice as usize].contains(&resource);
        let mut given_up: Vec<(f64, f64)> = (0..self.units().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let mut found = Vec::new();
                let mut own: Vec<(f64, f64)> = Vec::new();
                let mut others: Vec<f64> = Vec::new();
                for unit in chunk * CHUNK..((chunk + 1) * CHUNK).min(self.units()) {
                    let most = self.most[unit] as usize;
                    if most == 0 {
                        continue;
                    }
                    own.clear();
                    others.clear();
                    for candidate in self.of(unit) {
                        let net = self.net(candidate, &without);
                        if net <= 0.0 {
                            continue;
                        }
                        if takes(candidate) {
                            let taken = self.taken_from(resource, candidate);
                            if taken > 0.0 {
                                own.push((net, taken));
                                continue;
                            }
                        }
                        others.push(net);
                    }
                    others.sort_unstable_by(|a, b| b.total_cmp(a));
                    // The best of the candidates that take from the resource come first; each has to beat what would be taken in its place.
                    own.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1)));
                    for (place, (net, taken)) in own.iter().take(most).enumerate() {
                        let instead = others.get(most - 1 - place).copied().unwrap_or(0.0);
                        if *net > instead {
                            found.push(((net - instead) / taken, *taken));
                        }
                    }
                }
                found
            })
            .collect::<Vec<_>>()
            .into_iter()
            .flatten()
            .collect();
        let limit = self.resources[resource as usize].limit;
        if given_up.iter().map(|(_, taken)| taken).sum::<f64>() <= limit {
            return 0.0;
        }
        given_up.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1)));
        let mut used = 0.0;
        for (price, taken) in given_up {
            used += taken;
            if used > limit {
                return price;
            }
        }
        0.0
    }

    /// Every `step`-th unit with its share of the resources.
    fn sample(&self, step: usize) -> Problem {
        let mut sample = Problem { offsets: vec![0], resources: self.resources.clone(), choices: self.choices.clone(), ..Problem::default() };
        for unit in (0..self.units()).step_by(step) {
            sample.candidates.extend_from_slice(self.of(unit));
            sample.offsets.push(sample.candidates.len());
            sample.most.push(self.most[unit]);
        }
        let share = sample.units() as f64 / self.units() as f64;
        sample.resources.iter_mut().for_each(|resource| resource.limit *= share);
        sample
    }

    /// Decides.
    pub fn solve(&self) -> Allocation {
        let (bound, prices) = if self.units() > 2 * SAMPLE {
            let start = self.sample(self.units() / SAMPLE).prices(vec![0.0; self.resources.len()], PASSES).1;
            self.prices(start, PASSES_AFTER_SAMPLE)
        } else {
            self.prices(vec![0.0; self.resources.len()], PASSES)
        };
        let (taken, value, used) = self.take(&prices);
        let mut best = Allocation { taken, value, bound, prices, used };
        // One price at a time can stop short of the lowest bound where candidates change from one resource to another.
        let steps = (WORK / self.candidates.len().max(1)).min(STEPS);
        self.descend(&mut best, steps);
        best
    }

    /// Subgradient steps from the prices found (Polyak 1969: as long as the gap says), with resources scaled by their limits; better bounds and better decisions are
    /// kept.
    fn descend(&self, best: &mut Allocation, steps: usize) {
        let limits: Vec<f64> = self.resources.iter().map(|resource| resource.limit.max(1e-9)).collect();
        let mut prices = best.prices.clone();
        let mut bound = best.bound;
        let (mut length, mut stalled) = (1.0, 0);
        for step in 0..steps {
            if best.gap() <= CLOSE {
                break;
            }
            let used = self.used(&prices);
            let slope: Vec<f64> = limits
                .iter()
                .zip(&used)
                .zip(&prices)
                .map(|((limit, used), price)| if *price <= 0.0 && used < limit { 0.0 } else { 1.0 - used / limit })
                .collect();
            let square: f64 = slope.iter().map(|slope| slope * slope).sum();
            if square <= 1e-18 {
                break;
            }
            let stride = length * (bound - best.value).max(0.0) / square;
            for ((price, slope), limit) in prices.iter_mut().zip(&slope).zip(&limits) {
                *price = (*price - stride * slope / limit).max(0.0);
            }
            bound = self.bound(&prices);
            if bound < best.bound {
                (best.bound, best.prices, stalled) = (bound, prices.clone(), 0);
            } else {
                stalled += 1;
                if stalled % 5 == 0 {
                    length *= 0.6;
                    (prices, bound) = (best.prices.clone(), best.bound);
                }
            }
            if step % 5 == 4 || step + 1 == steps {
                let (taken, value, used) = self.take(&prices);
                if value > best.value {
                    (best.taken, best.value, best.used) = (taken, value, used);
                }
            }
        }
    }

    /// What is used of each resource when every unit takes what is best for it at these prices.
    fn used(&self, prices: &[f64]) -> Vec<f64> {
        let parts: Vec<Vec<f64>> = (0..self.units().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let mut used = vec![0.0; self.resources.len()];
                let mut own: Vec<(f64, &Candidate)> = Vec::new();
                for unit in chunk * CHUNK..((chunk + 1) * CHUNK).min(self.units()) {
                    own.clear();
                    own.extend(self.of(unit).iter().map(|candidate| (self.net(candidate, prices), candidate)).filter(|(net, _)| *net > 0.0));
                    own.sort_by(|a, b| b.0.total_cmp(&a.0));
                    for (_, candidate) in own.iter().take(self.most[unit] as usize) {
                        for resource in &self.choices[candidate.choice as usize] {
                            used[*resource as usize] += self.taken_from(*resource, candidate);
                        }
                    }
                }
                used
            })
            .collect();
        let mut used = vec![0.0; self.resources.len()];
        parts.iter().for_each(|part| used.iter_mut().zip(part).for_each(|(sum, own)| *sum += own));
        used
    }

    /// The lowest bound found, and its prices.
    fn prices(&self, start: Vec<f64>, passes: usize) -> (f64, Vec<f64>) {
        let mut prices = start;
        let mut best = (self.bound(&prices), prices.clone());
        for _ in 0..passes {
            let before = best.0;
            for resource in 0..self.resources.len() as u32 {
                prices[resource as usize] = self.price(resource, &prices);
            }
            let bound = self.bound(&prices);
            if bound < best.0 {
                best = (bound, prices.clone());
            }
            if before - best.0 <= ENOUGH * before.abs() {
                break;
            }
        }
        best
    }

    /// Candidates in order of value net of prices, ties by place, while their unit and all their resources have room.
    fn take(&self, prices: &[f64]) -> (Vec<usize>, f64, Vec<f64>) {
        let mut order: Vec<(f64, u32, u32)> = (0..self.units().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let units = chunk * CHUNK..((chunk + 1) * CHUNK).min(self.units());
                let of_unit = |unit: usize| {
                    let first = self.offsets[unit];
                    self.of(unit)
                        .iter()
                        .enumerate()
                        .filter(|(_, candidate)| candidate.value > 0.0)
                        .map(move |(place, candidate)| (first + place, unit, candidate))
                };
                units.flat_map(of_unit).map(|(place, unit, candidate)| (self.net(candidate, prices), place as u32, unit as u32)).collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
            .into_iter()
            .flatten()
            .collect();
        order.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut room = self.most.clone();
        let mut used = vec![0.0; self.resources.len()];
        let (mut taken, mut value) = (Vec::new(), 0.0);
        for (_, place, unit) in order {
            if room[unit as usize] == 0 {
                continue;
            }
            let candidate = &self.candidates[place as usize];
            let resources = &self.choices[candidate.choice as usize];
            let fits = |resource: &u32| used[*resource as usize] + self.taken_from(*resource, candidate) <= self.resources[*resource as usize].limit;
            if resources.iter().all(fits) {
                resources.iter().for_each(|resource| used[*resource as usize] += self.taken_from(*resource, candidate));
                room[unit as usize] -= 1;
                value += candidate.value;
                taken.push(place as usize);
            }
        }
        taken.sort_unstable();
        (taken, value, used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::random::uniform;
    use proptest::prelude::*;

    /// Offers with a budget and a capacity each, and one budget for all.
    fn market(units: usize, offers: usize, most: u32, tightness: f64, seed: u64) -> Problem {
        let mut problem = Problem { offsets: vec![0], most: vec![most; units], ..Problem::default() };
        for unit in 0..units {
            for offer in 0..offers {
                let place = unit * offers + offer;
                let cost = 0.2 + uniform(seed + 1, place);
                problem.candidates.push(Candidate { choice: offer as u32, value: 3.0 * uniform(seed, place) - 0.5, cost });
            }
            problem.offsets.push(problem.candidates.len());
        }
        let per_offer = units as f64 / offers as f64;
        for offer in 0..offers {
            let share = 0.5 + uniform(seed + 2, offer);
            problem.resources.push(Resource { name: format!("budget {offer}"), limit: per_offer * tightness * share, counts: false });
            problem.resources.push(Resource { name: format!("capacity {offer}"), limit: (per_offer * tightness * 1.2).floor(), counts: true });
            problem.choices.push(vec![2 * offer as u32, 2 * offer as u32 + 1, 2 * offers as u32]);
        }
        problem.resources.push(Resource { name: "all".into(), limit: units as f64 * tightness * 0.8, counts: false });
        problem
    }

    /// The best of all choices, by trying every one.
    fn brute_force(problem: &Problem) -> f64 {
        let count = problem.candidates.len();
        let mut best = 0.0_f64;
        for choice in 0_u32..1 << count {
            let taken: Vec<usize> = (0..count).filter(|place| choice >> place & 1 == 1).collect();
            if within_limits(problem, &taken) {
                best = best.max(taken.iter().map(|place| problem.candidates[*place].value).sum());
            }
        }
        best
    }

    fn within_limits(problem: &Problem, taken: &[usize]) -> bool {
        let mut used = vec![0.0; problem.resources.len()];
        for place in taken {
            let candidate = &problem.candidates[*place];
            for resource in &problem.choices[candidate.choice as usize] {
                used[*resource as usize] += problem.taken_from(*resource, candidate);
            }
        }
        let fits = problem.resources.iter().zip(&used).all(|(resource, used)| *used <= resource.limit + 1e-9);
        let units = (0..problem.units()).all(|unit| {
            let range = problem.offsets[unit]..problem.offsets[unit + 1];
            taken.iter().filter(|place| range.contains(place)).count() <= problem.most[unit] as usize
        });
        fits && units
    }

    proptest! {
        #[test]
        fn nothing_taken_breaks_a_budget_a_capacity_or_a_units_limit(seed in 0u64..1000, units in 0usize..60, offers in 1usize..6, most in 0u32..4, tightness in 0.0f64..2.0) {
            let problem = market(units, offers, most, tightness, seed);
            let allocation = problem.solve();
            prop_assert!(within_limits(&problem, &allocation.taken));
            prop_assert!(allocation.value <= allocation.bound + 1e-9);
            prop_assert!(allocation.taken.iter().all(|place| problem.candidates[*place].value > 0.0));
        }
    }

    #[test]
    fn the_bound_holds_and_what_is_taken_comes_near_to_the_best_of_all_choices() {
        let mut shares = Vec::new();
        for seed in 0..20 {
            let problem = market(5, 3, 1 + (seed % 2) as u32, 0.8, seed);
            let (best, allocation) = (brute_force(&problem), problem.solve());
            assert!(allocation.value <= best + 1e-9 && best <= allocation.bound + 1e-9, "{seed}: {} {best} {}", allocation.value, allocation.bound);
            shares.push(allocation.value / best.max(1e-9));
        }
        // Five customers leave little room; the bound shows what is missing.
        assert!(shares.iter().sum::<f64>() / 20.0 > 0.9, "{shares:?}");
    }

    #[test]
    fn two_tight_budgets_between_which_customers_change_still_have_a_close_bound() {
        for seed in 0..5 {
            let mut problem = Problem { offsets: vec![0], most: vec![1; 300], choices: vec![vec![0], vec![1]], ..Problem::default() };
            for unit in 0..300 {
                // What one offer is worth to a customer the other is too, nearly.
                let worth = 0.2 + 2.0 * uniform(seed, unit);
                for (choice, place) in [(0, 2 * unit), (1, 2 * unit + 1)] {
                    let value = worth * (0.9 + 0.2 * uniform(seed + 50, place));
                    problem.candidates.push(Candidate { choice, value, cost: 0.4 + 0.2 * uniform(seed + 90, place) });
                }
                problem.offsets.push(problem.candidates.len());
            }
            problem.resources = ["a", "b"].map(|name| Resource { name: name.into(), limit: 60.0, counts: false }).into();
            let found = problem.solve();
            assert!(found.gap() < 0.006 && within_limits(&problem, &found.taken), "{}", found.gap());
        }
    }

    #[test]
    fn with_many_customers_a_thousandth_of_the_bound_is_missing_at_most() {
        for (seed, most) in [(1, 1), (2, 2), (3, 3)] {
            let allocation = market(20_000, 8, most, 0.5, seed).solve();
            assert!(allocation.gap() < 1e-3, "{}", allocation.gap());
        }
    }

    #[test]
    fn without_limits_everyone_gets_the_best_and_nothing_has_a_price() {
        let mut problem = market(100, 4, 1, 1.0, 5);
        problem.resources.iter_mut().for_each(|resource| resource.limit = f64::MAX);
        let allocation = problem.solve();
        assert!(allocation.prices.iter().all(|price| *price <= 0.0));
        let best: f64 = (0..100).map(|unit| problem.of(unit).iter().map(|candidate| candidate.value).fold(0.0, f64::max)).sum();
        assert!((allocation.value - best).abs() < 1e-9);
    }

    #[test]
    fn one_more_of_a_resource_brings_about_its_price() {
        let mut problem = market(20_000, 3, 1, 0.4, 9);
        let before = problem.solve();
        let scarce = (0..problem.resources.len()).max_by(|a, b| before.prices[*a].total_cmp(&before.prices[*b])).unwrap_or(0);
        let more = 0.02 * problem.resources[scarce].limit;
        problem.resources[scarce].limit += more;
        let gained = problem.solve().value - before.value;
        let promised = before.prices[scarce] * more;
        assert!((gained - promised).abs() < 0.25 * promised, "gained {gained}, promised {promised}");
    }

    #[test]
    fn the_same_is_taken_at_any_number_of_threads() {
        let problem = market(20_000, 5, 2, 0.5, 4);
        let on = |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().map(|pool| pool.install(|| problem.solve())).ok();
        assert_eq!(on(1), on(2));
    }
}
