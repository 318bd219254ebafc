//! A history digested once: orders, events per kind, items, channels, scores. Features read these facts and nothing else.

use crate::timeline::{Cutoff, Event, History, Moment};
use crate::value::Summary;

/// One order: the events of kinds that count as alive which share a basket, or a moment where there are no baskets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// When it began.
    pub time: Moment,
    /// Paid in all; missing amounts count nothing.
    pub amount: f64,
    /// Taken off in all.
    pub discount: f64,
    /// Number of events in it.
    pub lines: u32,
    /// Pieces in it.
    pub quantity: f64,
}

/// How the indices of one set of exports map to the lists of a feature plan.
#[derive(Debug, Clone, Default)]
pub struct KindMap {
    /// For each kind of the exports: whether it counts as alive.
    pub alive: Vec<bool>,
    /// The kind `return`.
    pub returned: Option<u8>,
    /// For each kind of the exports: position in the plan's list of other kinds.
    pub other: Vec<Option<usize>>,
    /// Number of other kinds in the plan.
    pub others: usize,
    /// For each kind of the exports: position of its scale in the plan's list of those.
    pub scored: Vec<Option<usize>>,
    /// Number of scales in the plan.
    pub scored_count: usize,
    /// For each channel of the exports: position in the plan's list of channels.
    pub channels: Vec<Option<usize>>,
    /// Number of channels in the plan.
    pub channel_count: usize,
    /// For each item: its category code, where items have categories.
    pub item_category: Vec<u32>,
    /// For each further category of events in the plan: position of the column in the exports.
    pub categories: Vec<Option<usize>>,
    /// For each further number of events in the plan: position of the column in the exports.
    pub numbers: Vec<Option<usize>>,
}

/// What a customer did before a cut-off, digested.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The cut-off.
    pub cutoff: Option<Cutoff>,
    /// Orders, oldest first.
    pub orders: Vec<Order>,
    /// Items of orders: item and when, oldest first.
    pub items: Vec<(u32, Moment)>,
    /// Returns: when and how much (positive).
    pub returns: Vec<(Moment, f64)>,
    /// For each other kind of the plan: when, oldest first.
    pub others: Vec<Vec<Moment>>,
    /// Events per channel of the plan.
    pub channels: Vec<f64>,
    /// Scores of each scale of the plan: when and which, oldest first.
    pub scores: Vec<Vec<(Moment, f64)>>,
    /// For each further category: the codes of its events, oldest first.
    pub categories: Vec<Vec<u32>>,
    /// For each further number: when and how much.
    pub numbers: Vec<Vec<(Moment, f64)>>,
    /// Orders per hour of the day.
    pub hours: [f64; 24],
    /// Orders per weekday, Monday first.
    pub weekdays: [f64; 7],
}

impl Facts {
    /// What the value models need to know: days with an order after the first, in weeks; `None` without an order.
    pub fn summary(&self) -> Option<Summary> {
        let first = self.orders.first()?.time.start_of_day();
        let cutoff = self.cutoff?.start_of_day();
        let mut repeats = 0;
        let (mut last, mut amount) = (first, 0.0);
        for order in &self.orders {
            let day = order.time.start_of_day();
            if day > last {
                repeats += 1;
                last = day;
            }
            if day > first {
                amount += order.amount;
            }
        }
        let weeks = |until: Moment| until.days_since(first) / 7.0;
        let mean_amount = if repeats > 0 { amount / f64::from(repeats) } else { f64::NAN };
        Some(Summary { repeats, last: weeks(last), observed: weeks(cutoff), mean_amount })
    }

    /// Digests a history.
    pub fn of(history: &History<'_>, map: &KindMap) -> Facts {
        let mut digest = Digest::new(map);
        digest.of(history);
        digest.facts
    }

    /// Days from a moment to the cut-off.
    pub fn age(&self, time: Moment) -> f64 {
        self.cutoff.map_or(f64::NAN, |cutoff| cutoff.days_since(time))
    }
    /// Days since the last order, `NaN` without one.
    pub fn days_since_last(&self) -> f64 {
        self.orders.last().map_or(f64::NAN, |order| self.age(order.time))
    }
    /// Days since the first order, `NaN` without one.
    pub fn tenure(&self) -> f64 {
        self.orders.first().map_or(f64::NAN, |order| self.age(order.time))
    }
    /// Days between orders on different days, oldest first.
    pub fn gaps(&self) -> Vec<f64> {
        let mut days: Vec<i64> = self.orders.iter().map(|order| order.time.0.div_euclid(86_400)).collect();
        days.dedup();
        days.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect()
    }
}

/// Digests histories one after the other. One that goes on from the one before, as a customer's does from cut-off to later cut-off, costs only what it
/// has more.
pub struct Digest<'m, 'h> {
    map: &'m KindMap,
    facts: Facts,
    /// Baskets of the customer: their order.
    open: Vec<(u32, usize)>,
    last: Option<History<'h>>,
}

/// How many baskets are looked through for the one of an event: those of one customer that are open at the same moment are rare but real (two tills); the
/// last few are enough to find one's own.
const OPEN: usize = 8;

impl<'m, 'h> Digest<'m, 'h> {
    /// Nothing digested yet.
    pub fn new(map: &'m KindMap) -> Self {
        let facts = Facts {
            others: vec![Vec::new(); map.others],
            channels: vec![0.0; map.channel_count],
            scores: vec![Vec::new(); map.scored_count],
            categories: vec![Vec::new(); map.categories.len()],
            numbers: vec![Vec::new(); map.numbers.len()],
            ..Facts::default()
        };
        Digest { map, facts, open: Vec::new(), last: None }
    }

    /// The facts of a history.
    pub fn of(&mut self, history: &History<'h>) -> &Facts {
        let (goes_on, events) = history.go_on(self.last.as_ref());
        if !goes_on {
            self.clear();
        }
        events.for_each(|event| self.take(&event));
        self.facts.cutoff = Some(history.cutoff);
        self.last = Some(*history);
        &self.facts
    }

    fn clear(&mut self) {
        let Facts { cutoff, orders, items, returns, others, channels, scores, categories, numbers, hours, weekdays } = &mut self.facts;
        *cutoff = None;
        orders.clear();
        items.clear();
        returns.clear();
        others.iter_mut().for_each(Vec::clear);
        channels.fill(0.0);
        scores.iter_mut().for_each(Vec::clear);
        categories.iter_mut().for_each(Vec::clear);
        numbers.iter_mut().for_each(Vec::clear);
        hours.fill(0.0);
        weekdays.fill(0.0);
        self.open.clear();
    }

    fn take(&mut self, event: &Event<'_>) {
        let Digest { map, facts, open, .. } = self;
        let kind = event.kind() as usize;
        let time = event.time();
        if map.alive[kind] {
            let amount = event.amount().unwrap_or(0.0);
            let found = match event.basket() {
                Some(basket) => open.iter().rev().take(OPEN).find(|(known, _)| *known == basket).map(|(_, order)| *order),
                None => facts.orders.last().filter(|order| order.time == time).map(|_| facts.orders.len() - 1),
            };
            let order = found.unwrap_or_else(|| {
                facts.orders.push(Order { time, amount: 0.0, discount: 0.0, lines: 0, quantity: 0.0 });
                facts.hours[time.hour()] += 1.0;
                facts.weekdays[time.weekday()] += 1.0;
                if let Some(basket) = event.basket() {
                    open.push((basket, facts.orders.len() - 1));
                }
                facts.orders.len() - 1
            });
            let order = &mut facts.orders[order];
            order.amount += amount;
            order.discount += event.discount().unwrap_or(0.0);
            order.lines += 1;
            order.quantity += event.quantity().unwrap_or(1.0);
            if let Some(item) = event.item() {
                facts.items.push((item, time));
            }
        } else if map.returned == Some(event.kind()) {
            facts.returns.push((time, event.amount().unwrap_or(0.0).abs()));
        }
        if let Some(other) = map.other[kind] {
            facts.others[other].push(time);
        }
        if let Some(channel) = event.channel().and_then(|channel| map.channels[channel as usize]) {
            facts.channels[channel] += 1.0;
        }
        if let Some((scored, score)) = map.scored[kind].zip(event.score()) {
            facts.scores[scored].push((time, score));
        }
        for (column, position) in map.categories.iter().enumerate() {
            if let Some(code) = position.and_then(|position| event.category(position)) {
                facts.categories[column].push(code);
            }
        }
        for (column, position) in map.numbers.iter().enumerate() {
            if let Some(value) = position.and_then(|position| event.number(position)) {
                facts.numbers[column].push((time, value));
            }
        }
    }
}
