//! The truth: how likely a customer leaves, buys and browses on a day, and how likely no purchase follows within a horizon.
//!
//! Leaving is a latent event: once it has happened the customer never buys again, and no export says so. Everything that moves the
//! rates is fixed by what has happened (orders, bad experiences, offers) and by the calendar; as long as no new order is placed no
//! new chance enters. That makes the probability of *no purchase until T + horizon* an exact recursion instead of a simulation.

use super::world::{HORIZON_DAYS, OFFER_BUY_DAYS, OFFER_LEAVE_DAYS, OFFERS, World};

/// Base hazard of leaving per day, for a content customer of the middle plan.
pub(super) const LEAVE_BASE: f64 = 0.001_25;
/// Factor on the hazard of leaving, by plan.
pub(super) const LEAVE_PLAN: [f64; 3] = [1.6, 1.0, 0.55];
/// Log-hazard of leaving per point of satisfaction below 4.
pub(super) const LEAVE_PER_POINT: f64 = 1.0;
/// Factor on the hazard for [`BAD_SUPPORT_DAYS`] after a ticket that was handled badly.
pub(super) const LEAVE_BAD_SUPPORT: f64 = 4.0;
pub(super) const BAD_SUPPORT_DAYS: i32 = 60;
/// Factor on the hazard of basic customers for [`PRICE_RISE_DAYS`] after the price rise.
pub(super) const LEAVE_PRICE_RISE: f64 = 1.6;
pub(super) const PRICE_RISE_DAYS: i32 = 120;
/// Days in which a bad experience loses all but 1/e of its weight.
pub(super) const FORGET_DAYS: f64 = 100.0;
/// Browsing and opening once the customer has left, as a share of before.
pub(super) const VISIT_AFTER_LEAVING: f64 = 0.3;
pub(super) const OPEN_AFTER_LEAVING: f64 = 0.6;

/// What a customer is like: drawn once, never exported.
#[derive(Debug, Clone)]
pub(super) struct Traits {
    /// Day of signing up, relative to the first day of the data; may be negative.
    pub signup: i32,
    /// First day on which this customer can act.
    pub first_day: i32,
    /// Mean days between orders.
    pub mean_gap: f64,
    /// Shape of the Weibull gaps: 1 is no rhythm at all, larger is more regular.
    pub regularity: f64,
    /// Scale of the Weibull gaps, in days.
    pub scale: f64,
    /// Change of the rate of buying per year, in log.
    pub trend: f64,
    /// Index into the plans.
    pub plan: usize,
    /// Satisfaction without any trouble, 1 to 5.
    pub contentment: f64,
    /// Visits per day without buying.
    pub visit: f64,
    /// Probability of opening a newsletter; 0 without consent.
    pub open: f64,
}

/// What has happened to a customer so far, as far as it moves the rates.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    /// Day of the last order.
    pub last_order: i32,
    /// Points of satisfaction lost, as of `trouble_day`.
    pub trouble: f64,
    /// When the last bad experience happened.
    pub trouble_day: i32,
    /// Day of the last badly handled ticket.
    pub bad_support: Option<i32>,
    /// The last offer received and its day.
    pub offer: Option<(usize, i32)>,
}

/// Probabilities of one day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// Leaving before anything else happens that day.
    pub leave: f64,
    /// Placing an order, if still a customer.
    pub buy: f64,
    /// Browsing without buying, if still a customer.
    pub visit: f64,
}

impl State {
    /// Satisfaction, 1 to 5.
    pub(super) fn satisfaction(&self, traits: &Traits, day: i32) -> f64 {
        let left = if self.trouble > 0.0 { self.trouble * libm::exp(-f64::from(day - self.trouble_day) / FORGET_DAYS) } else { 0.0 };
        (traits.contentment - left).clamp(1.0, 5.0)
    }

    /// A bad experience costs this many points of satisfaction.
    pub(super) fn disappoint(&mut self, day: i32, points: f64) {
        let left = self.trouble * libm::exp(-f64::from(day - self.trouble_day) / FORGET_DAYS);
        self.trouble = left + points;
        self.trouble_day = day;
    }
}

/// The rates of a day, given that no order has been placed since `state.last_order`.
pub(super) fn rates(world: &World, traits: &Traits, state: &State, day: i32) -> Rates {
    let satisfaction = state.satisfaction(traits, day);
    let age = f64::from(day - state.last_order);

    let (mut buy_factor, mut leave_factor) = (1.0, 1.0);
    if let Some((offer, sent)) = state.offer {
        if day - sent < OFFER_BUY_DAYS {
            buy_factor = OFFERS[offer].buy[traits.plan];
        }
        if day - sent < OFFER_LEAVE_DAYS {
            leave_factor = OFFERS[offer].leave[traits.plan];
        }
    }

    let tenure = day - traits.signup;
    let by_tenure = if tenure < 90 {
        1.6
    } else if tenure < 365 {
        1.0
    } else {
        0.7
    };
    let overdue = 1.0 + 0.5 * (age / traits.mean_gap - 1.0).clamp(0.0, 2.0);
    let after_support = if state.bad_support.is_some_and(|ticket| (0..BAD_SUPPORT_DAYS).contains(&(day - ticket))) { LEAVE_BAD_SUPPORT } else { 1.0 };
    let after_rise = if traits.plan == 0 && (0..PRICE_RISE_DAYS).contains(&(day - world.price_rise)) { LEAVE_PRICE_RISE } else { 1.0 };
    let leave = LEAVE_BASE
        * LEAVE_PLAN[traits.plan]
        * by_tenure
        * overdue
        * after_support
        * after_rise
        * leave_factor
        * libm::exp(LEAVE_PER_POINT * (4.0 - satisfaction));

    // Weibull hazard of the gap, flat beyond 2.5 scales.
    let relative = ((age - 0.5) / traits.scale).clamp(0.01, 2.5);
    let mood = libm::exp(0.15 * (satisfaction - 4.0) + traits.trend * f64::from(day - traits.first_day) / 365.0);
    let buy = traits.regularity / traits.scale * libm::pow(relative, traits.regularity - 1.0) * world.season[day as usize] * buy_factor * mood;
    let visit = traits.visit * mood;
    Rates { leave: 1.0 - libm::exp(-leave), buy: 1.0 - libm::exp(-buy), visit: visit.min(0.9) }
}

/// What can be known of a customer who may have left: the probability that they are still one, given everything that was seen.
///
/// The forward filter of a two-state chain (Rabiner 1989, eq. 20): leaving is absorbing, orders come from customers only, visits and
/// opened newsletters come mostly from customers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alive(pub f64);

/// What was seen of a customer on a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub bought: bool,
    pub visited: bool,
    /// `None` on days without a newsletter.
    pub opened: Option<bool>,
}

impl Alive {
    pub(super) fn update(&mut self, traits: &Traits, rates: &Rates, seen: Seen) {
        if seen.bought {
            self.0 = 1.0;
            return;
        }
        let likelihood = |yes: bool, probability: f64| if yes { probability } else { 1.0 - probability };
        let mut customer = (1.0 - rates.buy) * likelihood(seen.visited, rates.visit);
        let mut gone = likelihood(seen.visited, rates.visit * VISIT_AFTER_LEAVING);
        if let Some(opened) = seen.opened {
            customer *= likelihood(opened, traits.open);
            gone *= likelihood(opened, traits.open * OPEN_AFTER_LEAVING);
        }
        let stayed = self.0 * (1.0 - rates.leave);
        self.0 = stayed * customer / (stayed * customer + (1.0 - stayed) * gone);
    }
}

/// Orders expected, and the probability of at least one, while an offer sent on the cut-off changes how often the customer buys. Exact but for
/// trouble with the orders placed meanwhile, which is left out.
pub(super) fn purchases(world: &World, traits: &Traits, state: &State, alive: Alive, cutoff: i32) -> (f64, f64) {
    // Still a customer, by the day of the last order: the first entry is the one before the cut-off.
    let mut customers = vec![(state.last_order, alive.0)];
    let (mut orders, mut none) = (0.0, 1.0);
    for day in cutoff..cutoff + OFFER_BUY_DAYS {
        let mut bought = 0.0;
        for (place, (last_order, share)) in customers.iter_mut().enumerate() {
            let rates = rates(world, traits, &State { last_order: *last_order, ..*state }, day);
            let here = *share * (1.0 - rates.leave) * rates.buy;
            *share *= (1.0 - rates.leave) * (1.0 - rates.buy);
            bought += here;
            if place == 0 {
                none -= here;
            }
        }
        customers.push((day, bought));
        orders += bought;
    }
    (orders, 1.0 - none)
}

/// The true probability that no order is placed in [cutoff, cutoff + 90 days), given the traits and all that happened before the
/// cut-off, but not whether the customer has left. Nobody is contacted within the horizon.
pub(super) fn no_purchase(world: &World, traits: &Traits, state: &State, alive: Alive, cutoff: i32) -> f64 {
    let (mut customer, mut gone) = (alive.0, 1.0 - alive.0);
    for day in cutoff..cutoff + HORIZON_DAYS {
        let rates = rates(world, traits, state, day);
        gone += customer * rates.leave;
        customer *= (1.0 - rates.leave) * (1.0 - rates.buy);
    }
    customer + gone
}
