//! What a unit (a customer, or a household where lots are drawn by household) did after a run, and before it.

use crate::config::{Config, Span};
use crate::decide::control::unit;
use crate::exports::Exports;
use crate::timeline::{Future, Moment, Timeline};
use crate::value::margin::Margins;
use std::collections::BTreeMap;

/// What a unit did after a run, and before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Followed {
    /// What was paid, returns taken off.
    pub amount: f64,
    /// The part of it that stays as margin.
    pub margin: f64,
    pub bought: bool,
    /// What was paid in as long a time before.
    pub before: f64,
    /// Whether all who are foretold left; `None` where that is not known.
    pub left: Option<bool>,
}

/// Looks up what became of units.
pub(super) struct Follower<'a> {
    exports: &'a Exports,
    by_household: bool,
    /// By kind of event: whether it counts as alive, and whether its amount is money of the customer.
    kinds: Vec<(bool, bool)>,
    window: (Moment, Moment),
    left: &'a BTreeMap<u32, bool>,
    margins: Margins,
    /// By household; empty where customers stand for themselves.
    members: BTreeMap<&'a str, Vec<u32>>,
}

impl<'a> Follower<'a> {
    pub fn new(config: &Config, exports: &'a Exports, window: (Moment, Moment), left: &'a BTreeMap<u32, bool>) -> Follower<'a> {
        let by_household = config.decide.by_household;
        let mut members: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for customer in (0..exports.customers.len() as u32).filter(|_| by_household) {
            members.entry(unit(exports, true, customer)).or_default().push(customer);
        }
        let kind = |name: &String| {
            let is_alive = config.churn.kinds.contains(name);
            (is_alive, is_alive || name == "return")
        };
        Follower { exports, by_household, kinds: exports.events.kinds.iter().map(kind).collect(), window, left, margins: Margins::of(&exports.items), members }
    }

    /// Whether any item tells its margin.
    pub fn knows_margins(&self) -> bool {
        self.margins.are_known()
    }

    /// The unit of a customer and what became of it; `None` for a customer whom the exports do not know.
    pub fn follow(&self, id: &str) -> Option<(&'a str, Followed)> {
        let customer = self.exports.customer(id)?;
        let unit = unit(self.exports, self.by_household, customer);
        let alone = [customer];
        let members = self.members.get(unit).map_or(&alone[..], Vec::as_slice);
        let mut followed = Followed { amount: 0.0, margin: 0.0, bought: false, before: 0.0, left: None };
        let (from, until) = self.window;
        let span = Span { seconds: until.0 - from.0 };
        for member in members {
            let timeline = Timeline::new(*member, &self.exports.events, &[]);
            let (amount, margin, bought) = self.total(&timeline.split(from, span).1);
            followed.amount += amount;
            followed.margin += margin;
            followed.bought |= bought;
            followed.before += self.total(&timeline.split(from.minus(span), span).1).0;
            if let Some(left) = self.left.get(member) {
                followed.left = Some(followed.left.unwrap_or(true) && *left);
            }
        }
        Some((unit, followed))
    }

    /// Amount, margin, and whether anything was bought.
    fn total(&self, future: &Future<'_>) -> (f64, f64, bool) {
        future.events().fold((0.0, 0.0, false), |(amount, margin, bought), event| {
            let (is_alive, is_money) = self.kinds[usize::from(event.kind())];
            let paid = event.amount().filter(|_| is_money).unwrap_or(0.0);
            (amount + paid, margin + paid * self.margins.share(event.item()), bought || is_alive)
        })
    }
}
