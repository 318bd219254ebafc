//! Seconds to allot offers under budgets, by number of customers: `cargo bench --bench allocate`.
//!
//! Every customer has a value for each of 20 offers, and each offer a budget that about a third of those who want it fit into. Data is
//! made from a fixed seed, outside the timed part.
#![allow(clippy::print_stdout)]

use holdfast::churn::random::uniform;
use holdfast::decide::allocate::{Candidate, Problem, Resource};
use std::time::Instant;

const OFFERS: usize = 20;

fn market(customers: usize) -> Problem {
    let mut problem = Problem { offsets: vec![0], most: vec![1; customers], ..Problem::default() };
    for customer in 0..customers {
        for offer in 0..OFFERS {
            let place = customer * OFFERS + offer;
            problem.candidates.push(Candidate { choice: offer as u32, value: 3.0 * uniform(1, place) - 0.5, cost: 0.2 + uniform(2, place) });
        }
        problem.offsets.push(problem.candidates.len());
    }
    for offer in 0..OFFERS {
        let share = 0.5 + uniform(3, offer);
        problem.resources.push(Resource { name: format!("budget {offer}"), limit: 0.3 * share * customers as f64 / OFFERS as f64, counts: false });
        problem.choices.push(vec![offer as u32]);
    }
    problem
}

fn main() {
    for customers in [10_000, 100_000, 1_000_000] {
        let problem = market(customers);
        let start = Instant::now();
        let allocation = problem.solve();
        println!(
            "allocate/{customers}x{OFFERS}: {:.2} s, {} taken, gap to the bound {:.4} %",
            start.elapsed().as_secs_f64(),
            allocation.taken.len(),
            100.0 * allocation.gap()
        );
    }
}
