//! How much of what customers bought each touchpoint stands for: removal effects of a Markov chain, exact.
//!
//! Anderl, Becker, von Wangenheim, Schumann, IJRM 33 (2016), first order: a walk begins, goes from touchpoint to touchpoint, and ends in a
//! purchase or in silence; where it goes next depends on where it is. Without a touchpoint all that would have passed through it
//! ends in silence. What is then missing of the purchases is its removal effect, and credit is in proportion to it. With N the
//! fundamental matrix, v the chance of a purchase from each touchpoint, s the first steps: `(sN)_j v_j / (N_jj s'v)`, one
//! inverse instead of simulated walks. Coming back to the same touchpoint at once changes nothing.

use faer::linalg::solvers::{DenseSolveCore, PartialPivLu};
use faer::{Mat, MatRef};

/// Walks counted by their steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    touchpoints: usize,
    /// First steps, by touchpoint.
    first: Vec<u64>,
    /// Steps from one to another, row by row.
    steps: Vec<u64>,
    /// Last steps, to a purchase and to silence.
    bought: Vec<u64>,
    silent: Vec<u64>,
}

impl Chain {
    /// No walks over so many touchpoints.
    pub fn new(touchpoints: usize) -> Chain {
        let none = || vec![0; touchpoints];
        Chain { touchpoints, first: none(), steps: vec![0; touchpoints * touchpoints], bought: none(), silent: none() }
    }

    /// Counts a walk that was taken so many times to a purchase and so many times to silence.
    pub fn add(&mut self, walk: &[usize], bought: u64, silent: u64) {
        let (Some(first), Some(last)) = (walk.first(), walk.last()) else { return };
        self.first[*first] += bought + silent;
        for step in walk.windows(2) {
            self.steps[step[0] * self.touchpoints + step[1]] += bought + silent;
        }
        self.bought[*last] += bought;
        self.silent[*last] += silent;
    }

    /// Takes up the walks of another chain over the same touchpoints.
    pub fn join(&mut self, other: &Chain) {
        self.combine(other, |own, other| own + other);
    }

    /// The walks without those of a part of them.
    pub fn without(&self, part: &Chain) -> Chain {
        let mut rest = self.clone();
        rest.combine(part, |own, part| own - part);
        rest
    }

    fn combine(&mut self, other: &Chain, with: impl Fn(u64, u64) -> u64) {
        let of = |own: &mut Vec<u64>, other: &[u64]| own.iter_mut().zip(other).for_each(|(own, other)| *own = with(*own, *other));
        of(&mut self.first, &other.first);
        of(&mut self.steps, &other.steps);
        of(&mut self.bought, &other.bought);
        of(&mut self.silent, &other.silent);
    }

    /// The credit of each touchpoint: shares of 1, or all 0 where nothing was bought.
    pub fn credit(&self) -> Vec<f64> {
        let count = self.touchpoints;
        let row = |from: usize| &self.steps[from * count..(from + 1) * count];
        let total = |from: usize| (row(from).iter().sum::<u64>() + self.bought[from] + self.silent[from]) as f64;
        let begun = self.first.iter().sum::<u64>() as f64;
        if begun == 0.0 || self.bought.iter().all(|bought| *bought == 0) {
            return vec![0.0; count];
        }
        let share = |part: u64, total: f64| if total > 0.0 { part as f64 / total } else { 0.0 };
        // Every walk ends, so from every touchpoint an end can be reached and the matrix has an inverse.
        let system = Mat::from_fn(count, count, |from, to| f64::from(u8::from(from == to)) - share(row(from)[to], total(from)));
        let visits = inverse(system.as_ref());
        let leads: Vec<f64> = (0..count).map(|from| (0..count).map(|to| visits[(from, to)] * share(self.bought[to], total(to))).sum()).collect();
        let first: Vec<f64> = self.first.iter().map(|first| share(*first, begun)).collect();
        let passes = |at: usize| (0..count).map(|from| first[from] * visits[(from, at)]).sum::<f64>() / visits[(at, at)];
        let removal: Vec<f64> = (0..count).map(|at| (passes(at) * leads[at]).max(0.0)).collect();
        let sum: f64 = removal.iter().sum();
        removal.into_iter().map(|effect| if sum > 0.0 { effect / sum } else { 0.0 }).collect()
    }
}

fn inverse(system: MatRef<'_, f64>) -> Mat<f64> {
    PartialPivLu::new(system).inverse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_what_would_be_lost_counted_by_hand() {
        // 3 walks a, b to a purchase; 1 walk a to silence; 2 walks b to a purchase, 2 to silence. From b 5 of 7 buy, from a 3 of 4 go on to b.
        let mut chain = Chain::new(2);
        chain.add(&[0, 1], 3, 0);
        chain.add(&[0], 0, 1);
        chain.add(&[1], 2, 2);
        // Bought: 1/2 * 3/4 * 5/7 + 1/2 * 5/7 = 5/8. Without a: 1/2 * 5/7, so 3/7 of all is lost; without b everything.
        let credit = chain.credit();
        let lost = [3.0 / 7.0, 1.0];
        for (found, lost) in credit.iter().zip(lost) {
            assert!((found - lost / (3.0 / 7.0 + 1.0)).abs() < 1e-12, "{credit:?}");
        }
    }

    #[test]
    fn coming_back_to_the_same_touchpoint_at_once_changes_nothing() {
        let of = |walks: &[&[usize]]| {
            let mut chain = Chain::new(3);
            walks.iter().enumerate().for_each(|(number, walk)| chain.add(walk, 1 + number as u64 % 3, 2));
            chain.credit()
        };
        let (once, again) = (of(&[&[0, 1], &[2], &[1, 2, 0]]), of(&[&[0, 0, 0, 1], &[2, 2], &[1, 2, 0, 0]]));
        assert!(once.iter().zip(&again).all(|(once, again)| (once - again).abs() < 1e-12), "{once:?} {again:?}");
    }

    #[test]
    fn where_nothing_was_bought_nobody_has_credit_and_a_touchpoint_never_met_has_none() {
        let mut chain = Chain::new(2);
        assert_eq!(chain.credit(), [0.0, 0.0]);
        chain.add(&[0], 0, 5);
        assert_eq!(chain.credit(), [0.0, 0.0]);
        chain.add(&[0], 5, 0);
        assert_eq!(chain.credit(), [1.0, 0.0]);
    }

    #[test]
    fn the_rest_without_a_part_is_as_if_the_part_had_never_been() {
        let (mut part, mut rest) = (Chain::new(3), Chain::new(3));
        part.add(&[0, 1, 2], 4, 1);
        rest.add(&[2, 1], 3, 9);
        rest.add(&[0], 1, 1);
        let mut all = part.clone();
        all.join(&rest);
        assert_eq!(all.without(&part), rest);
    }
}
