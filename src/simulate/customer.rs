//! One customer's life, day by day, written to the sheets as it happens.

use super::ShopPlan;
use super::acts::{Act, wave};
use super::draw::{Dice, cumulative};
use super::rates::{Alive, OPEN_AFTER_LEAVING, Rates, Seen, State, Traits, VISIT_AFTER_LEAVING, no_purchase, purchases, rates};
use super::sheets::{Clock, CustomerId, Money, Sheet, Sheets};
use super::world::{CATEGORIES, OFFER_BUY_DAYS, PLANS, World, date_of};
use jiff::civil::Date;

const COUNTRIES: [&str; 4] = ["DE", "FR", "NL", "PL"];
/// Cumulative shares of the countries, and of the plans.
const COUNTRY_SHARES: [f64; 4] = [0.45, 0.65, 0.85, 1.0];
const PLAN_SHARES: [f64; 3] = [0.45, 0.8, 1.0];
const CHANNELS: [&str; 3] = ["web", "app", "store"];
const STORE: usize = 2;
const TOPICS: [&str; 4] = ["late delivery", "damaged", "wrong item", "question"];
/// Share of waves a customer who may be contacted is drawn into, and of those the share kept as control.
const WAVE_SHARE: f64 = 0.15;
const CONTROL_SHARE: f64 = 0.2;
/// Who has not ordered for so long is not drawn into a wave.
const WAVE_ACTIVE_DAYS: i32 = 180;
/// Rows that are written a second time, broken: dates that do not exist and missing ids.
const DIRTY_SHARE: f64 = 0.002;

/// A customer while being simulated.
struct Life<'a> {
    world: &'a World,
    number: u64,
    dice: Dice,
    traits: Traits,
    state: State,
    /// Cumulative shares of the categories.
    taste: Vec<f64>,
    /// Cumulative shares of web, app and store.
    channels: Vec<f64>,
    /// Loyalty cards; the last one is in use.
    cards: Vec<u64>,
    country: usize,
    /// Probability that a line of an order comes back.
    returns: f64,
    /// Mean number of further lines after the first.
    more_lines: f64,
    /// Items bought so far and the day of the last time.
    bought: Vec<(usize, i32)>,
    orders: u64,
    /// Paid so far, in cents; returns are not taken off.
    paid: i64,
    tickets: u64,
}

/// A line of an order; amounts in cents.
struct Line {
    order: u64,
    day: i32,
    clock: Clock,
    item: usize,
    quantity: i64,
    price: i64,
    discount: i64,
}

impl Line {
    /// What was paid.
    fn amount(&self) -> i64 {
        self.price * self.quantity - self.discount
    }
}

/// Simulates customer `number` and appends every row that the exports and the truth hold of them.
pub(super) fn live(world: &World, plan: &ShopPlan, number: u64, sheets: &mut Sheets) {
    let start = plan.start;
    let mut dice = Dice::new(plan.seed, number);
    let consent = dice.chance(0.7);
    let tariff = dice.pick(&PLAN_SHARES);
    let country = dice.pick(&COUNTRY_SHARES);
    let old = dice.chance(0.45);
    let first_day = if old { 0 } else { dice.between(0, world.days) };
    let signup = if old { -dice.between(30, 1_200) } else { first_day - dice.between(0, 8) };
    let rate = dice.gamma(12.0) / 12.0 * [0.7, 1.0, 1.6][tariff] / 36.0;
    let mean_gap = (1.0 / rate).clamp(8.0, 120.0);
    let regularity = 1.2 + 0.4 * dice.uniform();
    let scale = mean_gap / libm::tgamma(1.0 + 1.0 / regularity);
    let traits = Traits {
        signup,
        first_day,
        mean_gap,
        regularity,
        scale,
        trend: 0.1 * dice.normal(),
        plan: tariff,
        contentment: (4.1 + 0.2 * dice.normal()).clamp(2.5, 5.0),
        visit: (0.9 / mean_gap).min(0.3),
        open: if consent { 0.1 + 0.35 * dice.uniform() * dice.uniform() } else { 0.0 },
    };
    let last_order = if old { -1 - (dice.uniform() * mean_gap) as i32 } else { first_day - 1 };
    let state = State { last_order, trouble: 0.0, trouble_day: 0, bad_support: None, offer: None };

    let shares: [f64; CATEGORIES] = dice.dirichlet(0.3);
    let mut habits: [f64; 3] = dice.dirichlet(0.6);
    let cards: Vec<u64> =
        if dice.chance(0.6) { (0..if dice.chance(0.08) { 2 } else { 1 }).map(|copy| card_number(number, copy)).collect() } else { Vec::new() };
    if cards.is_empty() {
        // Without a card the till does not know who buys: such customers are told apart online only.
        habits[STORE] = 0.0;
    }
    let birth_year = 1940 + dice.between(0, 66);
    let mut life = Life {
        world,
        number,
        traits,
        state,
        taste: cumulative(shares),
        channels: cumulative(habits),
        cards,
        country,
        returns: if dice.chance(0.15) { 0.12 } else { 0.02 },
        more_lines: 0.2 + 0.6 * dice.uniform(),
        bought: Vec::new(),
        orders: 0,
        paid: 0,
        tickets: 0,
        dice,
    };
    if first_day >= world.until {
        return;
    }
    life.profile(start, birth_year, consent, sheets);
    let left_on = life.days(consent, plan.acts.get(&number).map_or(&[], Vec::as_slice), sheets);

    let id = CustomerId(number);
    let left_on = left_on.map(|day| world.iso[day as usize].as_str()).unwrap_or_default();
    let traits = &life.traits;
    sheets.truth_customers.line(format_args!("{id},{:.3},{:.3},{:.3},{:.3},{left_on}", traits.mean_gap, traits.regularity, traits.trend, traits.contentment));
    let tastes: Vec<String> = shares.iter().map(|share| format!("{share:.4}")).collect();
    sheets.truth_tastes.line(format_args!("{id},{}", tastes.join(",")));
}

/// Thirteen digits, none of which tells the customer's number: multiplication by an odd number is one to one modulo 2^43.
fn card_number(number: u64, copy: u64) -> u64 {
    (2 * number + copy).wrapping_mul(0x5_851F_42D4_C957) % (1 << 43)
}

impl Life<'_> {
    fn profile(&mut self, start: Date, birth_year: i32, consent: bool, sheets: &mut Sheets) {
        let id = CustomerId(self.number);
        let signup = date_of(start, self.traits.signup);
        let birth_year = if self.dice.chance(0.03) { String::new() } else { birth_year.to_string() };
        let consent = if consent { "yes" } else { "no" };
        sheets.customers.line(format_args!(
            "{id},{signup},{birth_year},{},{},{consent},customer{}@example.com",
            COUNTRIES[self.country], PLANS[self.traits.plan], self.number
        ));
        for card in &self.cards {
            sheets.identities.line(format_args!("{id},{card:013}"));
        }
    }

    /// Runs the days; returns the day of leaving.
    fn days(&mut self, consent: bool, acts: &[Act], sheets: &mut Sheets) -> Option<i32> {
        let world = self.world;
        let mut alive = Alive(1.0);
        let mut left_on = None;
        let mut truth = None;
        let mut bought_later = false;
        for day in self.traits.first_day..world.until {
            if day == world.cutoff && self.orders > 0 {
                truth = Some((no_purchase(world, &self.traits, &self.state, alive, day), day - self.state.last_order));
            }
            for act in acts.iter().filter(|act| act.day as i32 == day) {
                self.receive(act, day, sheets);
            }
            if consent && world.waves.binary_search(&day).is_ok() {
                self.campaign(day, sheets);
            }
            let rates = rates(world, &self.traits, &self.state, day);
            if left_on.is_none() && self.orders > 0 && self.dice.chance(rates.leave) {
                left_on = Some(day);
            }
            let seen = self.day(day, &rates, left_on.is_some(), consent, sheets);
            alive.update(&self.traits, &rates, seen);
            bought_later |= seen.bought && day >= world.cutoff;
        }
        let id = CustomerId(self.number);
        if let Some((probability, since)) = truth {
            let left = u8::from(!bought_later);
            sheets.truth_churn.line(format_args!("{id},{},{probability:.6},{left},{since}", world.iso[world.cutoff as usize]));
        }
        if self.orders > 0 {
            let probability = no_purchase(world, &self.traits, &self.state, alive, world.until);
            let since = world.until - self.state.last_order;
            sheets.truth_churn_at_end.line(format_args!("{id},{},{probability:.6},{since}", world.after));
            if since <= WAVE_ACTIVE_DAYS {
                self.effects(alive, sheets);
            }
        }
        left_on
    }

    /// What each offer would truly do to this customer on the day after the data, and what happens without one.
    fn effects(&self, alive: Alive, sheets: &mut Sheets) {
        let (world, id) = (self.world, CustomerId(self.number));
        let amount = Money(self.paid / self.orders.max(1) as i64);
        for (index, name) in std::iter::once((None, "")).chain(world.offers.iter().enumerate().map(|(index, offer)| (Some(index), offer.id))) {
            let state = State { offer: index.map(|index| (index, world.until)), ..self.state };
            let left = no_purchase(world, &self.traits, &state, alive, world.until);
            let (orders, buys) = purchases(world, &self.traits, &state, alive, world.until);
            sheets.truth_effects.line(format_args!("{id},{},{name},{orders:.6},{buys:.6},{left:.6},{amount}", world.after));
        }
    }

    /// What the customer does on a day.
    fn day(&mut self, day: i32, rates: &Rates, gone: bool, consent: bool, sheets: &mut Sheets) -> Seen {
        // Who signs up during the data does so with a first order.
        let joins = self.orders == 0 && self.traits.signup > -30 && day == self.traits.first_day;
        let bought = !gone && (self.dice.chance(rates.buy) || joins);
        if bought {
            self.order(day, sheets);
        }
        let visited = self.dice.chance(if gone { rates.visit * VISIT_AFTER_LEAVING } else { rates.visit });
        if visited {
            self.visit(day, sheets);
        }
        let opened = (consent && self.world.newsletter(day)).then(|| {
            let opened = self.dice.chance(if gone { self.traits.open * OPEN_AFTER_LEAVING } else { self.traits.open });
            if opened {
                self.open(day, sheets);
            }
            opened
        });
        Seen { bought, visited, opened }
    }

    fn clock(&mut self) -> i32 {
        self.dice.pick(&self.world.hours) as i32 * 3600 + self.dice.between(0, 3600)
    }

    fn order(&mut self, day: i32, sheets: &mut Sheets) {
        self.orders += 1;
        let order = self.number * 10_000 + self.orders;
        let channel = self.dice.pick(&self.channels);
        let clock = Clock(self.clock());
        let mut percent = if self.dice.chance(0.08) { 15 } else { 0 };
        let mut offer = "";
        if let Some((index, sent)) = self.state.offer
            && day - sent < OFFER_BUY_DAYS
            && channel != STORE
        {
            offer = self.world.offers[index].id;
            percent = percent.max(self.world.offers[index].discount_percent);
        }
        for item in self.basket(day) {
            let quantity = 1 + i64::from(self.dice.chance(0.2)) + i64::from(self.dice.chance(0.05));
            let price = self.world.price(item, day);
            let line = Line { order, day, clock, item, quantity, price, discount: price * quantity * percent / 100 };
            self.paid += line.amount();
            if channel == STORE {
                self.till_line(&line, sheets);
            } else {
                self.web_line(&line, CHANNELS[channel], offer, sheets);
            }
            sheets.events += 1;
        }
        self.state.last_order = day;
        self.afterwards(day, sheets);
        if !self.cards.is_empty() && self.dice.chance(0.06) {
            let card = self.cards.last().copied().unwrap_or_default();
            sheets.loyalty.line(format_args!("{card:013},{},{}", self.world.iso[day as usize], 100 * self.dice.between(1, 6)));
            sheets.events += 1;
        }
    }

    /// A line of the tills. Who has two cards used the first one for half of the data.
    fn till_line(&mut self, line: &Line, sheets: &mut Sheets) {
        let card = if line.day < self.world.days / 2 { self.cards.first() } else { self.cards.last() }.copied().unwrap_or_default();
        let Line { order, item, quantity, .. } = *line;
        let (date, time) = (&self.world.dotted[line.day as usize], &line.clock.to_string()[..5]);
        let rest = format!("{date} {time};{};{quantity};{};{};{}", ItemId(item), Money(line.price), Money(line.discount), Money(line.amount()));
        sheets.store_sales.line(format_args!("{order};{card:013};{rest}"));
        if self.dice.chance(DIRTY_SHARE) {
            sheets.dirty += 1;
            sheets.store_sales.line(format_args!("{order};;{rest}"));
        }
    }

    /// A line of web or app, perhaps a broken copy of it, perhaps its return.
    fn web_line(&mut self, line: &Line, channel: &str, offer: &str, sheets: &mut Sheets) {
        let (world, id) = (self.world, CustomerId(self.number));
        let Line { order, day, clock, item, quantity, price, discount } = *line;
        let date = &world.iso[day as usize];
        let rest = format!("sale,{},{quantity},{},{},{},{channel},{offer}", ItemId(item), Money(price), Money(discount), Money(line.amount()));
        sheets.order_line(world, day, format_args!("{order},{id},{date} {clock},{rest}"));
        if self.dice.chance(DIRTY_SHARE) {
            sheets.dirty += 1;
            if self.dice.chance(0.5) {
                sheets.order_line(world, day, format_args!("{order},,{date} {clock},{rest}"));
            } else {
                sheets.order_line(world, day, format_args!("{order},{id},{}-02-30 {clock},{rest}", world.year[day as usize]));
            }
        }
        if self.dice.chance(self.returns) {
            let back = day + self.dice.between(4, 20);
            let clock = Clock(self.clock());
            if back < world.until {
                let date = &world.iso[back as usize];
                let (price, amount) = (Money(price), Money(-line.amount()));
                let row = format_args!("{order},{id},{date} {clock},return,{},-{quantity},{price},0.00,{amount},{channel},", ItemId(item)).to_string();
                sheets.order_line(world, back, format_args!("{row}"));
                sheets.events += 1;
            }
        }
    }

    /// The items of an order: refills that are due, then favourites, then something new by taste and popularity.
    fn basket(&mut self, day: i32) -> Vec<usize> {
        let more = self.more_lines / (1.0 + self.more_lines);
        let mut lines = 1;
        while lines < 8 && self.dice.chance(more) {
            lines += 1;
        }
        let mut basket: Vec<usize> = Vec::with_capacity(lines);
        for index in 0..self.bought.len() {
            let (item, last) = self.bought[index];
            let refill = self.world.items[item].refill_days;
            if basket.len() < lines && refill > 0 && (day - last) * 10 >= refill * 7 && self.dice.chance(0.45) {
                basket.push(item);
            }
        }
        // Every draw may hit what is in the basket already; a few tries are enough for an order.
        for _ in 0..4 * lines {
            if basket.len() >= lines {
                break;
            }
            let item = if !self.bought.is_empty() && self.dice.chance(0.25) {
                self.bought[self.dice.between(0, self.bought.len() as i32) as usize].0
            } else {
                self.world.item_of(self.dice.pick(&self.taste), &mut self.dice)
            };
            if !basket.contains(&item) && self.world.items[item].available {
                basket.push(item);
            }
        }
        for item in &basket {
            match self.bought.iter_mut().find(|(known, _)| known == item) {
                Some(known) => known.1 = day,
                None => self.bought.push((*item, day)),
            }
        }
        basket
    }

    /// What follows an order: trouble, a ticket, a survey.
    fn afterwards(&mut self, day: i32, sheets: &mut Sheets) {
        let trouble = self.dice.chance(if self.country == 3 { 0.12 } else { 0.06 });
        if trouble {
            self.state.disappoint(day, 0.8 + 0.8 * self.dice.uniform());
        }
        if self.dice.chance(if trouble { 0.9 } else { 0.04 }) {
            let opened = day + self.dice.between(1, 6);
            let badly = trouble && self.dice.chance(0.6);
            if badly {
                self.state.bad_support = Some(opened);
            }
            let score = if badly { self.dice.between(1, 3) } else { self.dice.between(3, 6) };
            let topic = TOPICS[if trouble { self.dice.between(0, 3) as usize } else { 3 }];
            self.tickets += 1;
            let ticket = self.number * 1_000 + self.tickets;
            self.note(opened, sheets, |sheets| &mut sheets.support, |id, time| format!("{ticket},{id},{time},{topic},{score}"));
        }
        if self.dice.chance(0.15) {
            let answered = day + self.dice.between(2, 6);
            let score = libm::round(self.state.satisfaction(&self.traits, day) + 0.5 * self.dice.normal()).clamp(1.0, 5.0);
            self.note(answered, sheets, |sheets| &mut sheets.surveys, |id, time| format!("{id},{time},{score}"));
        }
    }

    fn visit(&mut self, day: i32, sheets: &mut Sheets) {
        let item = ItemId(self.world.item_of(self.dice.pick(&self.taste), &mut self.dice));
        let action = if self.dice.chance(0.25) { "cart" } else { "view" };
        let device = if self.dice.chance(0.55) { "phone" } else { "desktop" };
        self.note(day, sheets, |sheets| &mut sheets.visits, |id, time| format!("{id},{time},{action},{item},{device}"));
    }

    fn open(&mut self, day: i32, sheets: &mut Sheets) {
        self.note(day, sheets, |sheets| &mut sheets.emails, |id, time| format!("{id},{time},open"));
        if self.dice.chance(0.3) {
            self.note(day, sheets, |sheets| &mut sheets.emails, |id, time| format!("{id},{time},click"));
        }
    }

    /// Writes a row that is not an order, if it falls within the data.
    fn note(&mut self, day: i32, sheets: &mut Sheets, sheet: impl Fn(&mut Sheets) -> &mut Sheet, row: impl Fn(CustomerId, String) -> String) {
        let clock = Clock(self.clock());
        if day < self.world.until {
            let text = row(CustomerId(self.number), format!("{} {clock}", self.world.iso[day as usize]));
            sheet(sheets).line(format_args!("{text}"));
            sheets.events += 1;
        }
    }

    /// An offer from a list, or being kept back by it.
    fn receive(&mut self, act: &Act, day: i32, sheets: &mut Sheets) {
        let (id, date, decision) = (CustomerId(self.number), &self.world.iso[day as usize], &act.decision_id);
        let wave = wave(date);
        match act.offer {
            None => sheets.campaigns.line(format_args!("{wave},{id},{date},control,,,,{decision}")),
            Some(index) => {
                let offer = &self.world.offers[index];
                self.state.offer = Some((index, day));
                sheets.campaigns.line(format_args!("{wave},{id},{date},{0},{0},{1},,{decision}", offer.id, offer.channel));
                sheets.events += 1;
            }
        }
    }

    /// A wave draws some of those who bought lately and treats all but the control by lot.
    fn campaign(&mut self, day: i32, sheets: &mut Sheets) {
        if self.orders == 0 || day - self.state.last_order > WAVE_ACTIVE_DAYS || !self.dice.chance(WAVE_SHARE) {
            return;
        }
        let wave = self.world.waves.partition_point(|start| *start < day) + 1;
        let (id, date) = (CustomerId(self.number), &self.world.iso[day as usize]);
        if self.dice.chance(CONTROL_SHARE) {
            sheets.campaigns.line(format_args!("W{wave:02},{id},{date},control,,,{CONTROL_SHARE:.2},"));
            return;
        }
        let index = self.dice.between(0, self.world.offers.len() as i32) as usize;
        let offer = &self.world.offers[index];
        self.state.offer = Some((index, day));
        let propensity = (1.0 - CONTROL_SHARE) / self.world.offers.len() as f64;
        sheets.campaigns.line(format_args!("W{wave:02},{id},{date},{0},{0},{1},{propensity:.2},", offer.id, offer.channel));
        sheets.events += 1;
    }
}

/// An item's position in the world, printed as its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct ItemId(pub usize);

impl std::fmt::Display for ItemId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "I{:04}", self.0 + 1)
    }
}
