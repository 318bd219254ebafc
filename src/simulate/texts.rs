//! The small files of the shop: assortment, offers, config, README.

use super::ShopPlan;
use super::customer::ItemId;
use super::rates::{
    BAD_SUPPORT_DAYS, FORGET_DAYS, LEAVE_BAD_SUPPORT, LEAVE_BASE, LEAVE_PER_POINT, LEAVE_PLAN, LEAVE_PRICE_RISE, OPEN_AFTER_LEAVING, PRICE_RISE_DAYS,
    VISIT_AFTER_LEAVING,
};
use super::sheets::{Money, years};
use super::world::{CATEGORY_TABLE, HORIZON_DAYS, OFFER_BUY_DAYS, OFFER_LEAVE_DAYS, OfferTruth, PLANS, World};
use std::fmt::Write;

/// items.csv.
pub(super) fn items(world: &World) -> String {
    let mut text = String::from("item_id,name,department,category,price,margin,available\n");
    for (index, item) in world.items.iter().enumerate() {
        let (department, category, _, _) = CATEGORY_TABLE[item.category];
        let available = if item.available { "yes" } else { "no" };
        line(
            &mut text,
            format_args!("{},{},{department},{category},{},{},{available}", ItemId(index), item.name, Money(item.cents), Money(item.cents * 40 / 100)),
        );
    }
    text
}

/// offers.csv.
pub(super) fn offers(world: &World) -> String {
    let mut text = String::from("offer_id,name,channel,contact_cost,accept_cost,discount,valid_days\n");
    for offer in world.offers {
        let OfferTruth { id, name, channel, contact_cost, accept_cost, discount, .. } = offer;
        line(&mut text, format_args!("{id},{name},{channel},{contact_cost},{accept_cost},{discount},{OFFER_BUY_DAYS}"));
    }
    text
}

/// truth/offers.csv.
pub(super) fn offer_truth(world: &World) -> String {
    let mut text = String::from("offer_id,plan,buy_factor,buy_days,leave_factor,leave_days\n");
    for offer in world.offers {
        for (plan, name) in PLANS.iter().enumerate() {
            line(&mut text, format_args!("{},{name},{:.2},{OFFER_BUY_DAYS},{:.2},{OFFER_LEAVE_DAYS}", offer.id, offer.buy[plan], offer.leave[plan]));
        }
    }
    text
}

fn line(text: &mut String, row: std::fmt::Arguments<'_>) {
    writeln!(text, "{row}").expect("writing to a String never fails");
}

/// shop.toml.
pub(super) fn config(plan: &ShopPlan) -> String {
    let seed = plan.seed;
    format!(
        r#"# A made-up shop (seed {seed}); README.md says how it was made.
# Paths are relative to this file.

[project]
name = "shop"
currency = "EUR"
timezone = "Europe/Berlin"

# The web shop's yearly exports. Each reaches nine days into the next year: equal rows of two files count once.
[[events]]
files = ["orders_*.csv"]
customer = "customer_id"
time = "ordered_at"
kind = {{ column = "type", map = {{ "sale" = "purchase", "return" = "return" }} }}
item = "item_id"
basket = "order_id"
quantity = "quantity"
price = "unit_price"
discount = "discount"
amount = "amount"
channel = "channel"
offer = "offer_id"

# The tills know the loyalty card only; identities.csv says whose it is.
[[events]]
files = ["store_sales.csv"]
delimiter = ";"
id = "card_id"
customer = "card_id"
time = {{ column = "sold_at", format = "%d.%m.%Y %H:%M" }}
kind = {{ value = "purchase" }}
item = "item_id"
basket = "receipt"
quantity = "quantity"
price = "unit_price"
discount = "discount"
amount = "amount"
channel = {{ value = "store" }}

[[events]]
files = ["loyalty.csv"]
id = "card_id"
customer = "card_id"
time = "redeemed_on"
kind = {{ value = "redeem" }}
numbers = ["points"]

# Looking at an item (view), putting it aside (cart).
[[events]]
files = ["visits.csv"]
customer = "customer_id"
time = "visited_at"
kind = "action"
item = "item_id"

[[events]]
files = ["support.csv"]
customer = "customer_id"
time = "opened_at"
kind = {{ value = "support" }}
score = "score"
categories = ["topic"]

[[events]]
files = ["surveys.csv"]
customer = "customer_id"
time = "answered_at"
kind = {{ value = "survey" }}
score = "score"

# Newsletters that were opened (open) or clicked (click).
[[events]]
files = ["emails.csv"]
customer = "customer_id"
time = "happened_at"
kind = "action"

# What the shop sent. A contact is never taken for a sign of life.
[[events]]
files = ["campaigns.csv"]
where = "offer_id is not missing"
customer = "customer_id"
time = "sent_on"
kind = {{ value = "contact" }}
channel = "channel"
offer = "offer_id"

[[profiles]]
files = ["customers.csv"]
customer = "customer_id"
consent = "consent"
dates = ["signup_date"]
numbers = ["birth_year"]
categories = ["country", "plan"]
carry = ["email"]
static = ["signup_date", "birth_year", "country", "plan"]

[[items]]
files = ["items.csv"]
item = "item_id"
name = "name"
category = ["department", "category"]
price = "price"
margin = "margin"
available = "available"
recommend_if = "available == \"yes\""

[[offers]]
files = ["offers.csv"]
offer = "offer_id"
name = "name"
channel = "channel"
contact_cost = "contact_cost"
accept_cost = "accept_cost"
discount = "discount"
valid_for = {{ column = "valid_days", unit = "days" }}

# Past waves: who got which offer was decided by lot, and a fifth got nothing.
[[treatments]]
files = ["campaigns.csv"]
customer = "customer_id"
offer = "offer_id"
arm = "arm"
time = "sent_on"
wave = "campaign_id"
propensity = "propensity"
decision_id = "decision_id"
channel = "channel"
control = "control"
randomised = true
response = {{ kinds = ["purchase"], sum = "amount", within = "{OFFER_BUY_DAYS}d" }}

[[identities]]
files = ["identities.csv"]
customer = "customer_id"
also = ["card_id"]

# Left: no purchase within 90 days. Asked about: everyone with a purchase in the 180 days before.
[churn]
definition = "inactivity"
kinds = ["purchase"]
active_within = "180d"
horizon = "{HORIZON_DAYS}d"
tiers = [{{ name = "call", lift = 2.5, max = 100 }}, {{ name = "write", lift = 1.5 }}]
"#
    )
}

/// README.md.
pub(super) fn readme(plan: &ShopPlan, world: &World) -> String {
    let years: Vec<String> = years(world).map(|year| format!("orders_{year}.csv")).collect();
    format!(
        r#"# A shop that does not exist

Everything here is made up: {customers} customers, {days} days from {start}, seed {seed}. No row comes from a real business or a real person.
`holdfast-train simulate DIR --customers {customers} --seed {seed}{more}` writes the same bytes again.

## The exports
| file | what |
|---|---|
| {orders} | order lines of web and app, returns too; each file reaches nine days into the next year |
| store_sales.csv | lines of the tills, `;` between fields, dates `31.12.2024 18:05`, by loyalty card |
| loyalty.csv | points redeemed, by loyalty card |
| identities.csv | which card belongs to which customer; some customers have two, some none |
| visits.csv, emails.csv | items looked at and put aside; newsletters opened and clicked |
| support.csv, surveys.csv | tickets and answers, with a score from 1 (bad) to 5 |
| customers.csv | signup, year of birth (3 % missing), country, plan, consent, address |
| items.csv | assortment; 4 % is discontinued |
| offers.csv, campaigns.csv | what can be offered; who was offered what in past waves, and the control |
| shop.toml | the config |

About 0.2 % of the order lines stand there a second time, broken: a date that does not exist, a missing id. They are to be rejected.

## How it was made
Each customer draws traits from an own ChaCha8 stream of the seed. Then day by day:
- **Leaving** is a latent event with a daily hazard of {LEAVE_BASE}, times: plan (basic {leave_basic}, plus {leave_plus}, premium {leave_premium}); tenure (under 90 days 1.6,
  over a year 0.7); e^{LEAVE_PER_POINT} per point of satisfaction below 4; {LEAVE_BAD_SUPPORT} for {BAD_SUPPORT_DAYS} days after a badly handled ticket; {LEAVE_PRICE_RISE} for
  {PRICE_RISE_DAYS} days after the price rise of 6 % ({rise}) on the basic plan; up to 2 when the next order is overdue by the customer's own rhythm;
  and the offers' factors. Who has left never orders again, but still opens newsletters ({OPEN_AFTER_LEAVING} of before) and looks around ({VISIT_AFTER_LEAVING} of before).
- **Orders** come with Weibull gaps: mean from a gamma rate (shape 12) by plan, 8 to 120 days; shape 1.2 to 1.6; times month, weekday, a personal
  trend, satisfaction and the offers' factors.
- **Satisfaction** starts at about 4.1, falls by 0.8 to 1.6 with a bad experience (6 % of orders, PL 12 %) and comes back: after {FORGET_DAYS} days 1/e of the loss is left. 90 % of
  bad experiences make a ticket, 60 % of those are handled badly (score 1 or 2); 15 % of orders are followed by a survey.
- **Items**: refills that are due, favourites, or something new by taste (Dirichlet 0.3 over 12 categories) and popularity (Zipf 0.9 within a category).
- **Campaigns**: every 60 days 15 % of those who consented and ordered within 180 days are drawn; a fifth of them is control, the rest
  gets one of the {offers} offers by lot. `CALL` does harm. None in the last {campaign_free} days.

## truth/: what no business knows
Never an input of training or scoring; shop.toml does not name it.
| file | what |
|---|---|
| churn.csv | for the cut-off {cutoff}: the probability of no purchase in the next {HORIZON_DAYS} days, `left` (1: there was none) and the days since the last purchase, for everyone with a purchase before |
| churn_at_end.csv | the same probability for {after}, the day after the data |
| effects.csv | for {after}: with each offer and without one, the orders and the chance of one within {OFFER_BUY_DAYS} days and the chance of none within 90; the mean amount of an order |
| customers.csv | mean gap, regularity, trend, contentment, and the day of leaving (blank: still a customer) |
| tastes.csv | share of each category in the taste |
| offers.csv | what each offer does, by plan: factors on the rate of buying for {OFFER_BUY_DAYS} days and on the hazard of leaving for {OFFER_LEAVE_DAYS} |

The probability is exact: given a customer's traits and what happened before the cut-off, but not whether they have left. (A forward filter gives the chance
that they are still there; an exact recursion over the next {HORIZON_DAYS} days gives the rest.) No program that sees the exports can rank better, except by luck.
"#,
        customers = plan.customers,
        offers = world.offers.len(),
        more = more(plan),
        days = world.until,
        start = plan.start,
        seed = plan.seed,
        orders = years.join(", "),
        rise = world.iso[world.price_rise as usize],
        cutoff = world.iso[world.cutoff as usize],
        after = world.after,
        leave_basic = LEAVE_PLAN[0],
        leave_plus = LEAVE_PLAN[1],
        leave_premium = LEAVE_PLAN[2],
        campaign_free = HORIZON_DAYS + OFFER_LEAVE_DAYS,
    )
}

/// What the command line says beside customers and seed.
fn more(plan: &ShopPlan) -> String {
    let usual = ShopPlan::default();
    let mut more = String::new();
    if plan.offers != usual.offers {
        more.push_str(&format!(" --offers {}", plan.offers));
    }
    if plan.days != usual.days {
        more.push_str(&format!(" --days {}", plan.days));
    }
    if let Some(until) = plan.until {
        more.push_str(&format!(" --until {until}"));
    }
    if !plan.acts.is_empty() {
        more.push_str(" --acted LISTS");
    }
    more
}
