//! What all customers share: the calendar, the assortment, the offers and the waves in which they were sent.
//!
//! Everything here is a function of the plan alone. The numbers are the truth of the shop: they are written to `truth/` and to the
//! README, and no export shows them.

use super::ShopPlan;
use super::draw::{Dice, cumulative};
use jiff::civil::Date;

/// Number of item categories.
pub(super) const CATEGORIES: usize = 12;
/// Items of each category.
const ITEMS_PER_CATEGORY: usize = 25;
/// Days between newsletters.
const NEWSLETTER_DAYS: i32 = 14;
/// Days at the end of the data without a campaign: the true probability is the risk without contact.
pub(super) const HORIZON_DAYS: i32 = 90;
/// How long an offer changes how often a customer buys.
pub(super) const OFFER_BUY_DAYS: i32 = 14;
/// How long an offer changes the hazard of leaving.
pub(super) const OFFER_LEAVE_DAYS: i32 = 45;

/// Department, category, the middle letters of its goods' names, days until a refill is due (0: bought once in a while).
pub(super) const CATEGORY_TABLE: [(&str, &str, [&str; 5], i32); CATEGORIES] = [
    ("kitchen", "coffee", ["Espresso", "Filter coffee", "Decaf", "Coffee beans", "Instant coffee"], 30),
    ("kitchen", "tea", ["Green tea", "Black tea", "Herbal tea", "White tea", "Rooibos"], 45),
    ("kitchen", "spices", ["Pepper", "Sea salt", "Curry", "Paprika", "Cinnamon"], 90),
    ("bath", "soap", ["Hand soap", "Bar soap", "Shower gel", "Bath salt", "Foam"], 40),
    ("bath", "skincare", ["Day cream", "Night cream", "Lotion", "Balm", "Face oil"], 60),
    ("bath", "haircare", ["Shampoo", "Conditioner", "Hair mask", "Hair oil", "Styling wax"], 50),
    ("home", "candles", ["Candle", "Tealights", "Lantern", "Diffuser", "Incense"], 70),
    ("home", "textiles", ["Throw", "Cushion", "Tea towel", "Apron", "Table runner"], 0),
    ("home", "tableware", ["Mug", "Bowl", "Plate", "Glass", "Jug"], 0),
    ("office", "paper", ["Notebook", "Letter paper", "Planner", "Cards", "Sketch pad"], 60),
    ("office", "pens", ["Fountain pen", "Pencil set", "Marker", "Ink", "Brush pen"], 0),
    ("office", "bags", ["Tote", "Backpack", "Pouch", "Laptop sleeve", "Satchel"], 0),
];
const STYLES: [&str; 5] = ["classic", "large", "organic", "blue", "limited"];

/// What the shop sells.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Position in [`CATEGORY_TABLE`].
    pub category: usize,
    /// For people.
    pub name: String,
    /// Before the price rise, in cents.
    pub cents: i64,
    /// Days until a refill is due; 0 for goods that are not used up.
    pub refill_days: i32,
    /// Discontinued items are still in old orders.
    pub available: bool,
}

/// Customers' plans, cheapest first.
pub(super) const PLANS: [&str; 3] = ["basic", "plus", "premium"];

/// An offer and what it truly does, by plan: factors on the rate of buying and on the hazard of leaving.
#[derive(Debug)]
pub(super) struct OfferTruth {
    pub id: &'static str,
    pub name: &'static str,
    pub channel: &'static str,
    pub contact_cost: &'static str,
    /// Cost when accepted.
    pub accept_cost: &'static str,
    /// Money that the discount takes off a usual order: what offers.csv says.
    pub discount: &'static str,
    /// Share taken off the price while it is valid.
    pub discount_percent: i64,
    /// Factor on the rate of buying for [`OFFER_BUY_DAYS`], by plan.
    pub buy: [f64; 3],
    /// Factor on the hazard of leaving for [`OFFER_LEAVE_DAYS`], by plan.
    pub leave: [f64; 3],
}

/// The offers; a shop has the first four unless more are asked for. The call does harm: who is called leaves sooner.
pub(super) const OFFERS: [OfferTruth; 10] = [
    OfferTruth {
        id: "F10",
        name: "10 % off your next order",
        channel: "email",
        contact_cost: "0.05",
        accept_cost: "0.00",
        discount: "2.20",
        discount_percent: 10,
        buy: [2.4, 1.6, 1.2],
        leave: [0.5, 0.7, 0.9],
    },
    OfferTruth {
        id: "FREEDEL",
        name: "Free delivery",
        channel: "email",
        contact_cost: "0.05",
        accept_cost: "3.90",
        discount: "0.00",
        discount_percent: 0,
        buy: [1.3, 1.3, 1.3],
        leave: [0.8, 0.8, 0.8],
    },
    OfferTruth {
        id: "CALL",
        name: "Courtesy call",
        channel: "phone",
        contact_cost: "4.00",
        accept_cost: "0.00",
        discount: "0.00",
        discount_percent: 0,
        buy: [0.8, 0.8, 1.0],
        leave: [2.5, 2.0, 1.2],
    },
    OfferTruth {
        id: "SAMPLE",
        name: "A sample with your next parcel",
        channel: "app",
        contact_cost: "0.02",
        accept_cost: "1.50",
        discount: "0.00",
        discount_percent: 0,
        buy: [1.0, 1.0, 1.6],
        leave: [1.0, 1.0, 0.6],
    },
    OfferTruth {
        id: "POINTS",
        name: "Double points this fortnight",
        channel: "app",
        contact_cost: "0.02",
        accept_cost: "0.80",
        discount: "0.00",
        discount_percent: 0,
        buy: [1.2, 1.5, 1.5],
        leave: [0.9, 0.8, 0.8],
    },
    OfferTruth {
        id: "LETTER",
        name: "A letter with what is new",
        channel: "letter",
        contact_cost: "0.95",
        accept_cost: "0.00",
        discount: "0.00",
        discount_percent: 0,
        buy: [1.1, 1.1, 1.1],
        leave: [0.9, 0.9, 0.9],
    },
    OfferTruth {
        id: "GIFT",
        name: "A gift with your next order",
        channel: "email",
        contact_cost: "0.05",
        accept_cost: "2.50",
        discount: "0.00",
        discount_percent: 0,
        buy: [1.7, 1.2, 1.0],
        leave: [0.6, 0.9, 1.0],
    },
    OfferTruth {
        id: "SURVEY",
        name: "Tell us what you think",
        channel: "email",
        contact_cost: "0.05",
        accept_cost: "0.00",
        discount: "0.00",
        discount_percent: 0,
        buy: [1.0, 1.0, 1.0],
        leave: [1.0, 1.0, 1.0],
    },
    OfferTruth {
        id: "REMIND",
        name: "Time to refill",
        channel: "app",
        contact_cost: "0.02",
        accept_cost: "0.00",
        discount: "0.00",
        discount_percent: 0,
        buy: [1.2, 1.3, 1.1],
        leave: [1.0, 1.0, 1.0],
    },
    OfferTruth {
        id: "UPGRADE",
        name: "Try the next plan for a month",
        channel: "email",
        contact_cost: "0.05",
        accept_cost: "1.20",
        discount: "0.00",
        discount_percent: 0,
        buy: [1.0, 1.4, 0.9],
        leave: [0.8, 0.5, 1.3],
    },
];

/// What every customer lives in.
#[derive(Debug)]
pub(super) struct World {
    /// Days of the shop, which everything drawn depends on.
    pub days: i32,
    /// Days that are told of.
    pub until: i32,
    /// `2024-03-01` of each day.
    pub iso: Vec<String>,
    /// The day after the last that is told of.
    pub after: String,
    /// `01.03.2024` of each day, as the tills write it.
    pub dotted: Vec<String>,
    /// Calendar year of each day.
    pub year: Vec<i16>,
    /// Factor on the rate of buying: month times weekday. Reaches a horizon beyond the data.
    pub season: Vec<f64>,
    pub items: Vec<Item>,
    /// Within a category: cumulative popularity (Zipf, exponent 0.9) of its items.
    pub popularity: Vec<f64>,
    /// Prices rise by 6 % on this day.
    pub price_rise: i32,
    /// What is offered.
    pub offers: &'static [OfferTruth],
    /// First days of the campaign waves.
    pub waves: Vec<i32>,
    /// Day for which the truth is written: its horizon ends with the data.
    pub cutoff: i32,
    pub hours: Vec<f64>,
}

/// Rate of buying by month, January first.
const MONTHS: [f64; 12] = [0.90, 0.92, 0.97, 1.00, 1.02, 0.98, 0.94, 0.92, 1.00, 1.04, 1.14, 1.22];
/// Rate of buying by weekday, Monday first.
const WEEKDAYS: [f64; 7] = [0.95, 0.90, 0.92, 0.98, 1.10, 1.20, 0.95];

impl World {
    pub(super) fn new(plan: &ShopPlan) -> World {
        let days = plan.days as i32;
        let mut dice = Dice::new(plan.seed, 0);
        let mut items = Vec::with_capacity(CATEGORIES * ITEMS_PER_CATEGORY);
        for (category, (_, _, nouns, refill)) in CATEGORY_TABLE.iter().enumerate() {
            for number in 0..ITEMS_PER_CATEGORY {
                let cents = (libm::exp(2.3 + 0.6 * dice.normal()) * 100.0) as i64;
                items.push(Item {
                    category,
                    name: format!("{} {}", nouns[number % 5], STYLES[number / 5]),
                    cents: cents / 10 * 10 + 9,
                    refill_days: if *refill == 0 { 0 } else { refill + dice.between(-8, 9) },
                    available: !dice.chance(0.04),
                });
            }
        }
        let dates: Vec<Date> = (0..days).map(|day| date_of(plan.start, day)).collect();
        let until = plan.until.map_or(days, |until| until as i32);
        let last_wave = days - HORIZON_DAYS - OFFER_LEAVE_DAYS;
        World {
            days,
            until,
            iso: dates.iter().map(Date::to_string).collect(),
            after: date_of(plan.start, until).to_string(),
            dotted: dates.iter().map(|date| format!("{:02}.{:02}.{:04}", date.day(), date.month(), date.year())).collect(),
            year: dates.iter().map(|date| date.year()).collect(),
            season: (0..days + HORIZON_DAYS)
                .map(|day| date_of(plan.start, day))
                .map(|date| MONTHS[date.month() as usize - 1] * WEEKDAYS[date.weekday().to_monday_zero_offset() as usize])
                .collect(),
            items,
            popularity: cumulative((0..ITEMS_PER_CATEGORY).map(|rank| libm::pow(rank as f64 + 1.0, -0.9))),
            offers: &OFFERS[..plan.offers.min(OFFERS.len())],
            price_rise: days * 58 / 100,
            waves: (0..).map(|wave| 120 + 60 * wave).take_while(|day| *day < last_wave).collect(),
            cutoff: until - HORIZON_DAYS,
            // Nobody shops between midnight and six: hours that daylight saving skips or repeats do not occur.
            hours: cumulative((0..24).map(|hour| if hour < 6 { 0.0 } else { 1.0 + f64::from(hour) / 12.0 + if hour > 16 { 1.5 } else { 0.0 } })),
        }
    }

    /// Whether a newsletter goes out on this day.
    pub(super) fn newsletter(&self, day: i32) -> bool {
        day % NEWSLETTER_DAYS == 3
    }

    /// The price of an item on a day, in cents.
    pub(super) fn price(&self, item: usize, day: i32) -> i64 {
        let cents = self.items[item].cents;
        if day >= self.price_rise { cents * 106 / 100 } else { cents }
    }

    /// An item of a category, drawn by popularity.
    pub(super) fn item_of(&self, category: usize, dice: &mut Dice) -> usize {
        category * ITEMS_PER_CATEGORY + dice.pick(&self.popularity)
    }
}

/// The calendar day so many days after the first; before it when negative.
pub(super) fn date_of(start: Date, day: i32) -> Date {
    start.saturating_add(jiff::Span::new().days(day))
}
