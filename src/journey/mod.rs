//! The way to a purchase: which touchpoints customers pass, which ways are usual, and how much of what is bought each stands for.
//!
//! In: events. Out: a [`Journey`]. A touchpoint is a kind of event other than a purchase, through its channel where it has one: what
//! customers did (view, open, support) and what the business sent (contact). Credit is no effect: who opens an e-mail might have
//! bought without it. What an offer adds is told by past waves with a control group ([`crate::decide`]).

mod chain;
mod walks;

pub use chain::Chain;

use crate::config::{FAILED_PAYMENT, Span};
use crate::exports::Exports;
use crate::snapshot::learned::{RARE, history};
use crate::timeline::{Cutoff, Event, EventStore};
use bincode::{Decode, Encode};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use walks::{Step, Walk, walks};

/// Longest time from one touch to the next, and to the purchase: what marketing usually counts.
const LOOKBACK: Span = Span::days(30);
/// Most touchpoints; the rest is one.
const MOST: usize = 40;
/// The touchpoint that those which are not named are.
const OTHER: &str = "other";
/// A kind of which such a share comes at the moment of a purchase is a part of it (points that are credited), and leads nowhere.
const PART_OF: f64 = 0.9;
/// Ways that are kept, and the touches of a way, its last ones.
const WAYS: usize = 8;
const LONGEST: usize = 4;
/// Groups of customers, each left out once for the intervals.
const PARTS: usize = 20;
/// Tasks that customers are counted by: each holds counts of all steps.
const TASKS: usize = 64;

/// What is known of the ways to a purchase.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize)]
pub struct Journey {
    /// Longest time from one touch to the next and to the purchase, in days.
    pub lookback_days: f64,
    /// Purchases (days with one) that came after touches, and without any.
    pub after_touches: u64,
    /// See `after_touches`.
    pub direct: u64,
    /// Walks that ended in silence.
    pub silent: u64,
    /// Paid for the purchases that came after touches.
    pub amount: f64,
    /// Most credit first.
    pub touchpoints: Vec<Touchpoint>,
    /// The most frequent ways.
    pub ways: Vec<Way>,
}

/// A touchpoint.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize)]
pub struct Touchpoint {
    /// Kind, and channel where there is one: `view`, `contact (email)`.
    pub name: String,
    /// How often customers came by.
    pub touches: u64,
    /// Customers who did.
    pub customers: u64,
    /// Walks that passed it, and those of them that ended in a purchase.
    pub walks: u64,
    /// See `walks`.
    pub bought: u64,
    /// Share of the purchases after touches that it stands for ([`Chain::credit`]), with its 95 % interval (jackknife over customers).
    pub credit: f64,
    /// See `credit`.
    pub interval: (f64, f64),
    /// Shares by the rules of thumb: all credit to the first touch, and to the last.
    pub first: f64,
    /// See `first`.
    pub last: f64,
}

/// A way that is often taken.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize)]
pub struct Way {
    /// Names of its touchpoints; of a longer one the last.
    pub touchpoints: Vec<String>,
    /// Walks, and those of them that ended in a purchase.
    pub walks: u64,
    /// See `walks`.
    pub bought: u64,
}

/// Counts of some customers.
#[derive(Debug, Clone)]
struct Tally {
    parts: Vec<Chain>,
    touches: Vec<u64>,
    customers: Vec<u64>,
    walks: Vec<u64>,
    bought: Vec<u64>,
    first: Vec<u64>,
    last: Vec<u64>,
    direct: u64,
    silent: u64,
    /// By way: customers, walks, walks that ended in a purchase.
    ways: BTreeMap<Vec<usize>, [u64; 3]>,
}

impl Journey {
    /// Learns from all that was known before `end`; `alive` are the kinds that count as a purchase, and no touch is further from it than `horizon`. A touchpoint
    /// or a way of fewer than [`RARE`] customers is not named. `None` where nothing is dated or no purchase came after a touch.
    pub fn learn(exports: &Exports, alive: &[String], horizon: Span, end: Cutoff) -> Option<Journey> {
        let store = &exports.events;
        let alive: Vec<bool> = store.kinds.iter().map(|kind| alive.contains(kind)).collect();
        // Nothing leads to a purchase where there are purchases only.
        if store.is_empty() || store.kinds.iter().zip(&alive).all(|(kind, alive)| *alive || is_neither(kind)) {
            return None;
        }
        let names = Names::of(store, alive);
        let lookback = LOOKBACK.seconds.min(horizon.seconds);
        let customers: Vec<u32> = (0..exports.customers.len() as u32).collect();
        let of_chunk = |chunk: &[u32]| {
            let mut tally = Tally::new(names.names.len());
            let mut amount = 0.0;
            for customer in chunk {
                let history = history(exports, *customer, end);
                let step = |event: &Event<'_>| names.step(event);
                history.events().for_each(|event| {
                    if let Step::Touch(touch) = step(&event) {
                        tally.touches[touch] += 1;
                    }
                });
                amount += tally.add(*customer, &walks(history.events(), step, lookback, end));
            }
            (tally, amount)
        };
        let chunks: Vec<(Tally, f64)> = customers.par_chunks(customers.len().div_ceil(TASKS).max(1)).map(of_chunk).collect();
        let mut total = Tally::new(names.names.len());
        let mut amount = 0.0;
        for (tally, own) in chunks {
            total.join(tally);
            amount += own;
        }
        total.journey(&names.names, lookback, amount)
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> Result<(), String> {
        let is_share = |share: &f64| (0.0..=1.0).contains(share);
        if !(self.lookback_days > 0.0 && self.lookback_days.is_finite() && self.amount.is_finite()) {
            return Err(format!("a journey of {} days and {} paid, expected finite numbers and days above 0", self.lookback_days, self.amount));
        }
        for touchpoint in &self.touchpoints {
            let Touchpoint { name, walks, bought, credit, interval, first, last, .. } = touchpoint;
            if name.is_empty() || bought > walks || ![credit, &interval.0, &interval.1, first, last].into_iter().all(is_share) {
                return Err(format!("touchpoint {name:?}: {bought} of {walks} walks, credit {credit}, expected shares from 0 to 1"));
            }
        }
        match self.ways.iter().find(|way| way.touchpoints.is_empty() || way.bought > way.walks) {
            Some(way) => Err(format!("a way of {} touchpoints, {} of {} walks", way.touchpoints.len(), way.bought, way.walks)),
            None => Ok(()),
        }
    }
}

impl Touchpoint {
    /// One line for people.
    pub fn in_words(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let bought = percent(self.bought as f64 / self.walks.max(1) as f64);
        let (low, high) = self.interval;
        format!(
            "{}: credit {} ({} to {}); {bought} of {} walks past it end in a purchase",
            self.name,
            percent(self.credit),
            percent(low),
            percent(high),
            self.walks
        )
    }
}

/// Whether a kind is neither a touch nor a purchase.
fn is_neither(kind: &str) -> bool {
    ["return", FAILED_PAYMENT].contains(&kind)
}

/// By kind: the share of its events that fall on the very moment of a purchase of the same customer.
fn with_purchases(store: &EventStore, alive: &[bool]) -> Vec<f64> {
    let mut counts = vec![(0_u64, 0_u64); store.kinds.len()];
    for customer in store.offsets.windows(2) {
        let mut kinds = &store.kind[customer[0]..customer[1]];
        for moment in store.time[customer[0]..customer[1]].chunk_by(|a, b| a == b) {
            let (own, later) = kinds.split_at(moment.len());
            let buys = own.iter().any(|kind| alive[usize::from(*kind)]);
            for kind in own {
                let (with, all) = &mut counts[usize::from(*kind)];
                (*with, *all) = (*with + u64::from(buys), *all + 1);
            }
            kinds = later;
        }
    }
    counts.into_iter().map(|(with, all)| with as f64 / all.max(1) as f64).collect()
}

/// Touchpoints by kind and channel.
struct Names {
    /// By kind: whether it is a purchase, and whether it is neither.
    alive: Vec<bool>,
    neither: Vec<bool>,
    names: Vec<String>,
    /// By kind, then channel (the last for none).
    touch: Vec<Vec<usize>>,
}

impl Names {
    fn of(store: &EventStore, alive: Vec<bool>) -> Names {
        let with_purchases = with_purchases(store, &alive);
        let neither: Vec<bool> = store.kinds.iter().zip(with_purchases).map(|(kind, share)| is_neither(kind) || share >= PART_OF).collect();
        let places = store.channels.len() + 1;
        let place = |event: usize| store.channel.get(event).map_or(places - 1, |channel| if *channel == u16::MAX { places - 1 } else { usize::from(*channel) });
        let mut customers: Vec<Vec<(u64, usize)>> = vec![vec![(0, usize::MAX); places]; store.kinds.len()];
        for customer in 0..store.customers() {
            for event in store.offsets[customer]..store.offsets[customer + 1] {
                let (count, last) = &mut customers[usize::from(store.kind[event])][place(event)];
                if *last != customer {
                    (*count, *last) = (*count + 1, customer);
                }
            }
        }
        let is_touch = |kind: usize| !alive[kind] && !neither[kind];
        let mut known: Vec<(u64, usize, usize)> = Vec::new();
        for kind in (0..store.kinds.len()).filter(|kind| is_touch(*kind)) {
            known.extend((0..places).filter(|place| customers[kind][*place].0 >= RARE as u64).map(|place| (customers[kind][place].0, kind, place)));
        }
        known.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        known.truncate(MOST);
        let mut touch = vec![vec![known.len(); places]; store.kinds.len()];
        let mut names = Vec::new();
        for (number, (_, kind, place)) in known.into_iter().enumerate() {
            touch[kind][place] = number;
            let kind = &store.kinds[kind];
            names.push(store.channels.get(place).map_or_else(|| kind.clone(), |channel| format!("{kind} ({channel})")));
        }
        names.push(OTHER.to_owned());
        Names { alive, neither, names, touch }
    }

    fn step(&self, event: &Event<'_>) -> Step {
        let kind = usize::from(event.kind());
        let places = &self.touch[kind];
        match (self.alive[kind], self.neither[kind]) {
            (true, _) => Step::Purchase,
            (_, true) => Step::Neither,
            _ => Step::Touch(places[event.channel().map_or(places.len() - 1, usize::from)]),
        }
    }
}

impl Tally {
    fn new(touchpoints: usize) -> Tally {
        let none = || vec![0; touchpoints];
        Tally {
            parts: vec![Chain::new(touchpoints); PARTS],
            touches: none(),
            customers: none(),
            walks: none(),
            bought: none(),
            first: none(),
            last: none(),
            direct: 0,
            silent: 0,
            ways: BTreeMap::new(),
        }
    }

    /// Counts a customer's walks; returns what was paid after touches.
    fn add(&mut self, customer: u32, walks: &[Walk]) -> f64 {
        let mut amount = 0.0;
        let mut met = vec![false; self.touches.len()];
        let mut taken: Vec<&[usize]> = Vec::new();
        for Walk { touches, bought } in walks {
            let (Some(first), Some(last)) = (touches.first(), touches.last()) else {
                self.direct += 1;
                continue;
            };
            let is_bought = u64::from(bought.is_some());
            amount += bought.unwrap_or(0.0);
            self.silent += 1 - is_bought;
            self.parts[customer as usize % PARTS].add(touches, is_bought, 1 - is_bought);
            self.first[*first] += is_bought;
            self.last[*last] += is_bought;
            let mut passed = touches.clone();
            passed.sort_unstable();
            passed.dedup();
            for touch in passed {
                self.walks[touch] += 1;
                self.bought[touch] += is_bought;
                met[touch] = true;
            }
            let way = &touches[touches.len().saturating_sub(LONGEST)..];
            let counts = self.ways.entry(way.to_vec()).or_default();
            counts[1] += 1;
            counts[2] += is_bought;
            if !taken.contains(&way) {
                taken.push(way);
                counts[0] += 1;
            }
        }
        self.customers.iter_mut().zip(met).for_each(|(count, met)| *count += u64::from(met));
        amount
    }

    fn join(&mut self, other: Tally) {
        self.parts.iter_mut().zip(&other.parts).for_each(|(own, other)| own.join(other));
        let add = |own: &mut Vec<u64>, other: &[u64]| own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        add(&mut self.touches, &other.touches);
        add(&mut self.customers, &other.customers);
        add(&mut self.walks, &other.walks);
        add(&mut self.bought, &other.bought);
        add(&mut self.first, &other.first);
        add(&mut self.last, &other.last);
        self.direct += other.direct;
        self.silent += other.silent;
        for (way, counts) in other.ways {
            let own = self.ways.entry(way).or_default();
            own.iter_mut().zip(counts).for_each(|(own, other)| *own += other);
        }
    }

    fn journey(self, names: &[String], lookback: i64, amount: f64) -> Option<Journey> {
        let after_touches: u64 = self.last.iter().sum();
        if after_touches == 0 {
            return None;
        }
        let mut all = Chain::new(names.len());
        self.parts.iter().for_each(|part| all.join(part));
        let credit = all.credit();
        let without: Vec<Vec<f64>> = self.parts.par_iter().map(|part| all.without(part).credit()).collect();
        let share = |count: u64| count as f64 / after_touches as f64;
        let mut touchpoints: Vec<Touchpoint> = (0..names.len())
            .filter(|touch| self.walks[*touch] > 0)
            .map(|touch| {
                let spread = 1.96 * jackknife(&without.iter().map(|credit| credit[touch]).collect::<Vec<_>>());
                Touchpoint {
                    name: names[touch].clone(),
                    touches: self.touches[touch],
                    customers: self.customers[touch],
                    walks: self.walks[touch],
                    bought: self.bought[touch],
                    credit: credit[touch],
                    interval: ((credit[touch] - spread).max(0.0), (credit[touch] + spread).min(1.0)),
                    first: share(self.first[touch]),
                    last: share(self.last[touch]),
                }
            })
            .collect();
        touchpoints.sort_by(|a, b| b.credit.total_cmp(&a.credit).then_with(|| a.name.cmp(&b.name)));
        let mut ways: Vec<(Vec<usize>, [u64; 3])> = self.ways.into_iter().filter(|(_, [customers, ..])| *customers >= RARE as u64).collect();
        ways.sort_by(|(a, [_, walks_a, _]), (b, [_, walks_b, _])| walks_b.cmp(walks_a).then_with(|| a.cmp(b)));
        let named = |way: &[usize]| way.iter().map(|touch| names[*touch].clone()).collect();
        Some(Journey {
            lookback_days: lookback as f64 / 86_400.0,
            after_touches,
            direct: self.direct,
            silent: self.silent,
            amount,
            touchpoints,
            ways: ways.into_iter().take(WAYS).map(|(way, [_, walks, bought])| Way { touchpoints: named(&way), walks, bought }).collect(),
        })
    }
}

/// Standard error from the values that each part, left out, gives.
fn jackknife(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() * (count - 1.0) / count).sqrt()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests;
