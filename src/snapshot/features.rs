//! The one list of features: each with name, unit, meaning, the kinds it reads, and its value. The same code lists them (for the
//! bundle) and computes them (for a customer), so that the two cannot drift.
//!
//! All are functions of [`Facts`] (a history before a cut-off) and [`Learned`] (tables of that cut-off). Profile columns follow
//! after these, in the order of the plan; they are read in `learned.rs`.

use super::facts::{Facts, KindMap, Order};
use super::learned::{Learned, ProfileKind, Reading};
use super::{FeatureSpec, FeatureValues};
use crate::config::Span;
use crate::timeline::Moment;
use foldhash::{HashSet, HashSetExt};

/// The specs of all features of a reading, profile columns last.
pub fn list(reading: &Reading) -> Vec<FeatureSpec> {
    let mut specs = Specs(Vec::new());
    if reading.has.events {
        families(
            &mut specs,
            reading,
            &Facts {
                others: vec![Vec::new(); reading.others.len()],
                channels: vec![0.0; reading.channels.len()],
                scores: vec![Vec::new(); reading.scored.len()],
                categories: vec![Vec::new(); reading.categories.len()],
                numbers: vec![Vec::new(); reading.numbers.len()],
                ..Facts::default()
            },
            &Learned::default(),
            &KindMap::default(),
        );
    }
    for feature in &reading.profiles {
        let (unit, meaning, values) = match &feature.kind {
            ProfileKind::Number => ("", format!("{} of the profile", feature.name), FeatureValues::Number),
            ProfileKind::Date => ("days", format!("days since {} of the profile", feature.name), FeatureValues::Number),
            ProfileKind::DateAhead => ("days", format!("days until {} of the profile", feature.name), FeatureValues::Number),
            ProfileKind::Category { vocabulary } => {
                ("", format!("{} of the profile", feature.name), FeatureValues::Category { vocabulary: vocabulary.clone() })
            }
        };
        specs.0.push(FeatureSpec {
            name: format!("profile_{}", feature.name),
            unit: unit.into(),
            meaning,
            family: "profile".into(),
            kinds: Vec::new(),
            values,
        });
    }
    tell_apart(&mut specs.0);
    specs.0
}

/// A kind or a column may be called as a feature is (`orders`, `survey_score`): the later one of a name gets a number.
fn tell_apart(specs: &mut [FeatureSpec]) {
    let mut known: HashSet<String> = HashSet::with_capacity(specs.len());
    for spec in specs {
        let mut name = spec.name.clone();
        let mut number = 2;
        while !known.insert(name.clone()) {
            name = format!("{}_{number}", spec.name);
            number += 1;
        }
        spec.name = name;
    }
}

/// The values of all features but the profile columns, appended to `row` in the order of [`list`].
pub fn values(reading: &Reading, facts: &Facts, learned: &Learned, map: &KindMap, row: &mut Vec<f64>) {
    if reading.has.events {
        families(&mut Values(row), reading, facts, learned, map);
    }
}

/// Where the list goes: either its specs or its values are kept. `spec` is not called when values are wanted.
trait Sink {
    fn put(&mut self, value: f64, spec: impl FnOnce() -> FeatureSpec);
}

struct Specs(Vec<FeatureSpec>);
struct Values<'a>(&'a mut Vec<f64>);

impl Sink for Specs {
    fn put(&mut self, _value: f64, spec: impl FnOnce() -> FeatureSpec) {
        self.0.push(spec());
    }
}

impl Sink for Values<'_> {
    fn put(&mut self, value: f64, _spec: impl FnOnce() -> FeatureSpec) {
        self.0.push(if value.is_finite() { value } else { f64::NAN });
    }
}

fn spec(family: &str, name: String, unit: &str, meaning: String, kinds: &[String]) -> FeatureSpec {
    FeatureSpec { name, unit: unit.into(), meaning, family: family.into(), kinds: kinds.to_vec(), values: FeatureValues::Number }
}

fn families(sink: &mut impl Sink, reading: &Reading, facts: &Facts, learned: &Learned, map: &KindMap) {
    recency(sink, reading, facts);
    frequency(sink, reading, facts, learned);
    rhythm(sink, reading, facts, learned);
    trend(sink, reading, facts, learned);
    season(sink, reading, facts, learned);
    if reading.has.amount {
        money(sink, reading, facts, learned);
    }
    if reading.has.item {
        variety(sink, reading, facts, map);
    }
    if reading.has.returns {
        returns(sink, reading, facts);
    }
    if reading.has.discount {
        discount(sink, reading, facts);
    }
    satisfaction(sink, reading, facts);
    channel(sink, reading, facts);
    other_kinds(sink, reading, facts, learned);
    habits(sink, reading, facts);
    further_columns(sink, reading, facts);
    if reading.has.contacts {
        // Of the history nothing is known about it: training writes what it knows of the window, scoring leaves it at no contact.
        sink.put(0.0, || {
            spec(ACTING, CONTACTED.into(), "", "contacts within the horizon (none when scoring: the risk is the one without contact)".into(), &[])
        });
    }
}

/// The family of features of what further columns of events tell.
pub const OF_COLUMNS: &str = "columns";

/// Families of features made of the events that count as alive.
pub const OF_ORDERS: [&str; 10] = ["recency", "frequency", "rhythm", "trend", "season", "money", "variety", "basket", "discount", "habits"];

/// The input that says whether the customer was contacted within the label window.
pub const CONTACTED: &str = "contacted_within_horizon";
/// Its family: no reason, and nothing that drives.
pub const ACTING: &str = "acting";

/// Sums what `dated` says (when, and how much) of events from `from_days` to less than `to_days` old. Events are oldest first, so that those of a window
/// stand together.
fn within<T>(facts: &Facts, events: &[T], dated: impl Fn(&T) -> (Moment, f64), from_days: f64, to_days: f64) -> f64 {
    let older = |days: f64| events.partition_point(|event| day_age(facts, dated(event).0) >= days);
    let (start, end) = (older(to_days), older(from_days));
    events[start.min(end)..end].iter().map(|event| dated(event).1).sum()
}

/// Age in days as windows count it: an event exactly `w` days old is inside the window of `w` days.
fn day_age(facts: &Facts, time: Moment) -> f64 {
    facts.age(time) - 1e-9
}

/// An order as one.
fn counted(order: &Order) -> (Moment, f64) {
    (order.time, 1.0)
}

/// An order as what was paid.
fn paid(order: &Order) -> (Moment, f64) {
    (order.time, order.amount)
}

/// Different values among some, ascending. Work: no more than sorting them, and less where they are many of few.
fn distinct(mut values: Vec<u32>) -> Vec<u32> {
    let words = values.iter().max().map_or(0, |greatest| *greatest as usize / 64 + 1);
    if words > values.len() {
        values.sort_unstable();
        values.dedup();
        return values;
    }
    let mut seen = vec![0u64; words];
    values.iter().for_each(|value| seen[*value as usize / 64] |= 1 << (value % 64));
    values.clear();
    for (word, mut bits) in (0..).zip(seen) {
        while bits != 0 {
            values.push(word * 64 + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
    values
}

/// Each event counts half after every half-life.
fn decayed(facts: &Facts, events: impl Iterator<Item = (Moment, f64)>, half_life: f64) -> f64 {
    events.map(|(time, value)| value * libm::exp2(-facts.age(time) / half_life)).sum()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn spread(values: &[f64]) -> f64 {
    let center = mean(values);
    libm::sqrt(values.iter().map(|value| (value - center).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0))
}

/// Shannon entropy of counts, in nats; 0 for one kind alone, missing without any.
fn entropy(counts: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    -counts.iter().filter(|count| **count > 0.0).map(|count| count / total * libm::log(count / total)).sum::<f64>() + if total > 0.0 { 0.0 } else { f64::NAN }
}

fn recency(sink: &mut impl Sink, reading: &Reading, facts: &Facts) {
    let alive = &reading.alive;
    sink.put(facts.days_since_last(), || spec("recency", "days_since_last".into(), "days", "days since the last order".into(), alive));
    sink.put(facts.tenure(), || spec("recency", "tenure".into(), "days", "days since the first order".into(), alive));
    sink.put(facts.days_since_last() / facts.tenure(), || {
        spec("recency", "recency_share".into(), "share", "days since the last order as a share of the days since the first".into(), alive)
    });
}

fn frequency(sink: &mut impl Sink, reading: &Reading, facts: &Facts, learned: &Learned) {
    let alive = &reading.alive;
    let total = facts.orders.len() as f64;
    sink.put(total, || spec("frequency", "orders".into(), "orders", "orders so far".into(), alive));
    sink.put(total / facts.tenure().max(30.0) * 30.0, || {
        spec("frequency", "orders_per_30d".into(), "orders", "orders per 30 days since the first".into(), alive)
    });
    for &days in &reading.windows {
        let value = if days <= learned.history_days { within(facts, &facts.orders, counted, 0.0, days) } else { f64::NAN };
        sink.put(value, || spec("frequency", format!("orders_{days}d"), "orders", format!("orders in the last {days} days"), alive));
    }
    for &half_life in &reading.half_lives {
        sink.put(decayed(facts, facts.orders.iter().map(counted), half_life), || {
            spec(
                "frequency",
                format!("orders_decayed_{half_life}d"),
                "orders",
                format!("orders so far, each counting half after every {half_life} days"),
                alive,
            )
        });
    }
    let active_months = {
        let mut months: Vec<i64> = facts.orders.iter().map(|order| (facts.age(order.time) / 30.0) as i64).collect();
        months.dedup();
        months.len() as f64
    };
    sink.put(active_months, || spec("frequency", "active_months".into(), "months", "months of 30 days with an order".into(), alive));
    sink.put(active_months / (facts.tenure() / 30.0).ceil().max(1.0), || {
        spec("frequency", "active_months_share".into(), "share", "share of the months since the first order with an order".into(), alive)
    });
}

fn rhythm(sink: &mut impl Sink, reading: &Reading, facts: &Facts, learned: &Learned) {
    let alive = &reading.alive;
    let gaps = facts.gaps();
    let usual = usual_gap(&gaps, learned);
    let since = facts.days_since_last();
    let mut sorted = gaps.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    sink.put(mean(&gaps), || spec("rhythm", "gap_mean".into(), "days", "mean days between orders".into(), alive));
    sink.put(if gaps.len() > 1 { spread(&gaps) } else { f64::NAN }, || {
        spec("rhythm", "gap_spread".into(), "days", "standard deviation of the days between orders".into(), alive)
    });
    sink.put(sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN), || {
        spec("rhythm", "gap_median".into(), "days", "median days between orders".into(), alive)
    });
    sink.put(sorted.last().copied().unwrap_or(f64::NAN), || spec("rhythm", "gap_longest".into(), "days", "longest time between two orders".into(), alive));
    sink.put(gaps.last().copied().unwrap_or(f64::NAN), || spec("rhythm", "gap_last".into(), "days", "days between the last two orders".into(), alive));
    sink.put(usual, || {
        spec("rhythm", "gap_usual".into(), "days", "usual days between orders, drawn towards the typical customer's where there are few".into(), alive)
    });
    sink.put(since / usual, || {
        spec("rhythm", "overdue".into(), "times", "days since the last order as a multiple of the usual days between orders".into(), alive)
    });
    sink.put(since - usual, || spec("rhythm", "overdue_days".into(), "days", "days past the usual time of the next order".into(), alive));
    let longer = gaps.iter().filter(|gap| **gap >= since).count() as f64;
    sink.put((longer + 0.5) / (gaps.len() as f64 + 1.0), || {
        spec("rhythm", "gaps_as_long".into(), "share", "share of the customer's own gaps at least as long as the present one".into(), alive)
    });
    sink.put(if gaps.len() > 1 { spread(&gaps) / mean(&gaps) } else { f64::NAN }, || {
        spec("rhythm", "gap_irregularity".into(), "", "spread of the days between orders over their mean (0 is like a clock, 1 is at random)".into(), alive)
    });
    let recent = &gaps[gaps.len().saturating_sub(3)..];
    sink.put(mean(recent) / mean(&gaps), || spec("rhythm", "gap_stretch".into(), "times", "mean of the last three gaps over the mean of all".into(), alive));
    // Poisson: the chance of no order for so long, had the customer kept the usual rate.
    sink.put(libm::exp(-since / usual), || {
        spec("rhythm", "silence_chance".into(), "share", "chance of so long a silence at the usual rate of orders".into(), alive)
    });
}

/// A customer's usual gap, drawn towards the typical one as if it had been seen once.
pub fn usual_gap(gaps: &[f64], learned: &Learned) -> f64 {
    ((gaps.iter().sum::<f64>() + learned.usual_gap_days) / (gaps.len() as f64 + 1.0)).max(1.0)
}

fn trend(sink: &mut impl Sink, reading: &Reading, facts: &Facts, learned: &Learned) {
    let alive = &reading.alive;
    for &days in reading.windows.iter().take(3) {
        let known = 2.0 * days <= learned.history_days;
        let now = within(facts, &facts.orders, counted, 0.0, days);
        let before = within(facts, &facts.orders, counted, days, 2.0 * days);
        let value = if known { now - before } else { f64::NAN };
        sink.put(value, || {
            spec("trend", format!("orders_change_{days}d"), "orders", format!("orders in the last {days} days less those in the {days} days before"), alive)
        });
        if reading.has.amount {
            let now = within(facts, &facts.orders, paid, 0.0, days);
            let before = within(facts, &facts.orders, paid, days, 2.0 * days);
            let value = if known && now + before > 0.0 { now / (now + before) } else { f64::NAN };
            sink.put(value, || {
                spec(
                    "trend",
                    format!("amount_shift_{days}d"),
                    "share",
                    format!("share of the spending of the last {} days that fell into the last {days}", 2.0 * days),
                    alive,
                )
            });
        }
    }
    let (short, long) = (reading.half_lives[1], reading.half_lives[3]);
    let ratio = decayed(facts, facts.orders.iter().map(counted), short) / decayed(facts, facts.orders.iter().map(counted), long);
    sink.put(ratio, || {
        spec("trend", "orders_fading".into(), "share", format!("orders counted with a half-life of {short} days over those with {long} days"), alive)
    });
}

fn season(sink: &mut impl Sink, reading: &Reading, facts: &Facts, learned: &Learned) {
    let horizon = reading.horizon;
    let year = Span::YEAR.as_days();
    let known = learned.history_days >= year;
    // The year-ago twin of the coming horizon.
    let value = if known { within(facts, &facts.orders, counted, year - horizon, year) } else { f64::NAN };
    sink.put(value, || {
        spec("season", "orders_same_season".into(), "orders", format!("orders a year ago in the {horizon} days that lie ahead now"), &reading.alive)
    });
    if reading.has.amount {
        let value = if known { within(facts, &facts.orders, paid, year - horizon, year) } else { f64::NAN };
        sink.put(value, || {
            spec("season", "amount_same_season".into(), &reading.currency, format!("spent a year ago in the {horizon} days that lie ahead now"), &reading.alive)
        });
    }
}

fn money(sink: &mut impl Sink, reading: &Reading, facts: &Facts, learned: &Learned) {
    let (alive, currency) = (&reading.alive, reading.currency.as_str());
    let total: f64 = facts.orders.iter().map(|order| order.amount).sum();
    let mean_order = total / facts.orders.len() as f64;
    let last = facts.orders.last().map_or(f64::NAN, |order| order.amount);
    sink.put(total, || spec("money", "amount".into(), currency, "spent so far".into(), alive));
    sink.put(mean_order, || spec("money", "amount_per_order".into(), currency, "spent per order".into(), alive));
    sink.put(last, || spec("money", "amount_last_order".into(), currency, "spent with the last order".into(), alive));
    sink.put(last / mean_order, || spec("money", "amount_last_share".into(), "times", "the last order's amount over the mean order's".into(), alive));
    let amounts: Vec<f64> = facts.orders.iter().map(|order| order.amount).collect();
    sink.put(if amounts.len() > 1 { spread(&amounts) / mean_order } else { f64::NAN }, || {
        spec("money", "amount_variation".into(), "share", "spread of the orders' amounts over their mean".into(), alive)
    });
    for &days in &reading.windows {
        let value = if days <= learned.history_days { within(facts, &facts.orders, paid, 0.0, days) } else { f64::NAN };
        sink.put(value, || spec("money", format!("amount_{days}d"), currency, format!("spent in the last {days} days"), alive));
    }
    for &half_life in &reading.half_lives[1..3] {
        sink.put(decayed(facts, facts.orders.iter().map(paid), half_life), || {
            spec("money", format!("amount_decayed_{half_life}d"), currency, format!("spent so far, counting half after every {half_life} days"), alive)
        });
    }
}

fn variety(sink: &mut impl Sink, reading: &Reading, facts: &Facts, map: &KindMap) {
    let alive = &reading.alive;
    let bought = facts.items.len() as f64;
    let items = distinct(facts.items.iter().map(|(item, _)| *item).collect());
    let different = items.len() as f64;
    sink.put(different, || spec("variety", "items".into(), "items", "different items bought so far".into(), alive));
    sink.put(1.0 - different / bought, || {
        spec("variety", "repeat_share".into(), "share", "share of the items bought that had been bought before".into(), alive)
    });
    let window = reading.windows[1];
    let start = facts.items.partition_point(|(_, time)| day_age(facts, *time) >= window);
    let recent = distinct(facts.items[start..].iter().map(|(item, _)| *item).collect());
    sink.put(recent.len() as f64, || spec("variety", format!("items_{window}d"), "items", format!("different items bought in the last {window} days"), alive));
    if reading.has.item_category {
        let category = |item: &u32| map.item_category.get(*item as usize).copied().filter(|code| *code != u32::MAX);
        let codes = distinct(items.iter().filter_map(category).collect());
        sink.put(codes.len() as f64, || spec("variety", "categories".into(), "categories", "different categories bought so far".into(), alive));
        let recent_codes = distinct(recent.iter().filter_map(category).collect());
        sink.put(recent_codes.len() as f64, || {
            spec("variety", format!("categories_{window}d"), "categories", format!("different categories bought in the last {window} days"), alive)
        });
    }
    if reading.has.lines {
        let lines: f64 = facts.orders.iter().map(|order| f64::from(order.lines)).sum();
        let per_order = lines / facts.orders.len() as f64;
        let last = facts.orders.last().map_or(f64::NAN, |order| f64::from(order.lines));
        sink.put(per_order, || spec("basket", "lines_per_order".into(), "lines", "different lines per order".into(), alive));
        sink.put(last / per_order, || spec("basket", "lines_last_share".into(), "times", "lines of the last order over the mean order's".into(), alive));
    }
    let pieces: f64 = facts.orders.iter().map(|order| order.quantity).sum();
    sink.put(pieces / facts.orders.len() as f64, || spec("basket", "pieces_per_order".into(), "pieces", "pieces per order".into(), alive));
}

fn returns(sink: &mut impl Sink, reading: &Reading, facts: &Facts) {
    let kinds = ["return".to_string()];
    let window = reading.windows[2];
    let spent: f64 = facts.orders.iter().map(|order| order.amount).sum();
    let returned: f64 = facts.returns.iter().map(|(_, amount)| amount).sum();
    sink.put(facts.returns.len() as f64, || spec("returns", "returns".into(), "lines", "lines returned so far".into(), &kinds));
    sink.put(within(facts, &facts.returns, |(time, _)| (*time, 1.0), 0.0, window), || {
        spec("returns", format!("returns_{window}d"), "lines", format!("lines returned in the last {window} days"), &kinds)
    });
    if reading.has.amount {
        sink.put(if spent > 0.0 { returned / spent } else { f64::NAN }, || {
            spec("returns", "returned_share".into(), "share", "amount returned over amount spent".into(), &kinds)
        });
    }
    sink.put(facts.returns.last().map_or(f64::NAN, |(time, _)| facts.age(*time)), || {
        spec("returns", "days_since_return".into(), "days", "days since the last return".into(), &kinds)
    });
}

fn discount(sink: &mut impl Sink, reading: &Reading, facts: &Facts) {
    let alive = &reading.alive;
    let window = reading.windows[1];
    let share = |from: f64, to: f64| {
        let inside = || facts.orders.iter().filter(|order| (from..to).contains(&day_age(facts, order.time)));
        let (off, paid) = inside().fold((0.0, 0.0), |(off, paid), order| (off + order.discount, paid + order.amount.max(0.0)));
        if off + paid > 0.0 { off / (off + paid) } else { f64::NAN }
    };
    sink.put(share(0.0, f64::INFINITY), || spec("discount", "discount_share".into(), "share", "discounts over the price before them, so far".into(), alive));
    sink.put(share(0.0, window), || {
        spec("discount", format!("discount_share_{window}d"), "share", format!("discounts over the price before them, in the last {window} days"), alive)
    });
    let with = facts.orders.iter().filter(|order| order.discount > 0.0).count() as f64;
    sink.put(with / facts.orders.len() as f64, || spec("discount", "discounted_orders".into(), "share", "share of the orders with a discount".into(), alive));
}

/// By scale: a four of five is no four of ten. Kinds of one scale count together.
fn satisfaction(sink: &mut impl Sink, reading: &Reading, facts: &Facts) {
    let window = reading.windows[2];
    let is_only = reading.scored.len() == 1;
    for (kinds, dated) in reading.scored.iter().zip(&facts.scores) {
        let spec = |name: String, unit: &str, meaning: &str| {
            let (name, scores) = match is_only {
                true => (name, "satisfaction score".to_owned()),
                false => (format!("{}_{name}", kinds[0]), format!("score of {}", kinds.join(" or "))),
            };
            spec("satisfaction", name, unit, meaning.replace("{}", &scores), kinds)
        };
        let scores: Vec<f64> = dated.iter().map(|(_, score)| *score).collect();
        sink.put(scores.last().copied().unwrap_or(f64::NAN), || spec("score_last".into(), "points", "the last {}"));
        sink.put(mean(&scores), || spec("score_mean".into(), "points", "mean {}"));
        let recent = dated.iter().filter(|(time, _)| day_age(facts, *time) < window).map(|(_, score)| *score);
        sink.put(recent.fold(f64::NAN, f64::min), || spec(format!("score_lowest_{window}d"), "points", &format!("lowest {{}} of the last {window} days")));
        sink.put(if scores.len() > 1 { scores[scores.len() - 1] - mean(&scores[..scores.len() - 1]) } else { f64::NAN }, || {
            spec("score_change".into(), "points", "the last {} less the mean of those before")
        });
        sink.put(dated.last().map_or(f64::NAN, |(time, _)| facts.age(*time)), || spec("days_since_score".into(), "days", "days since the last {}"));
    }
}

fn channel(sink: &mut impl Sink, reading: &Reading, facts: &Facts) {
    if reading.channels.is_empty() {
        return;
    }
    let total: f64 = facts.channels.iter().sum();
    for (name, count) in reading.channels.iter().zip(&facts.channels) {
        sink.put(count / total, || spec("channel", format!("channel_{name}"), "share", format!("share of the events through {name}"), &[]));
    }
    sink.put(entropy(&facts.channels), || {
        spec("channel", "channel_entropy".into(), "nats", "how evenly the channels are used (0 is one channel alone)".into(), &[])
    });
}

fn other_kinds(sink: &mut impl Sink, reading: &Reading, facts: &Facts, learned: &Learned) {
    for (name, times) in reading.others.iter().zip(&facts.others) {
        let kinds = std::slice::from_ref(name);
        let counted = |time: &Moment| (*time, 1.0);
        sink.put(times.last().map_or(f64::NAN, |time| facts.age(*time)), || {
            spec(name, format!("days_since_{name}"), "days", format!("days since the last {name}"), kinds)
        });
        for &days in &reading.windows {
            let value = if days <= learned.history_days { within(facts, times, counted, 0.0, days) } else { f64::NAN };
            sink.put(value, || spec(name, format!("{name}_{days}d"), "events", format!("{name} events in the last {days} days"), kinds));
        }
        let half_life = reading.half_lives[1];
        sink.put(decayed(facts, times.iter().map(counted), half_life), || {
            spec(name, format!("{name}_decayed_{half_life}d"), "events", format!("{name} events, each counting half after every {half_life} days"), kinds)
        });
        let days = reading.windows[1];
        let value = if 2.0 * days <= learned.history_days {
            within(facts, times, counted, 0.0, days) - within(facts, times, counted, days, 2.0 * days)
        } else {
            f64::NAN
        };
        sink.put(value, || {
            spec(name, format!("{name}_change_{days}d"), "events", format!("{name} events in the last {days} days less those in the {days} days before"), kinds)
        });
    }
}

fn habits(sink: &mut impl Sink, reading: &Reading, facts: &Facts) {
    let alive = &reading.alive;
    let total: f64 = facts.weekdays.iter().sum();
    sink.put((facts.weekdays[5] + facts.weekdays[6]) / total, || {
        spec("habits", "weekend_share".into(), "share", "share of the orders on Saturday or Sunday".into(), alive)
    });
    sink.put(entropy(&facts.weekdays), || {
        spec("habits", "weekday_entropy".into(), "nats", "how evenly the orders fall over the weekdays (0 is one day alone)".into(), alive)
    });
    if reading.has.clock {
        for (name, hours) in [("morning", 6..12), ("afternoon", 12..18), ("evening", 18..24)] {
            let share = facts.hours[hours.clone()].iter().sum::<f64>() / total;
            sink.put(share, || {
                spec("habits", format!("{name}_share"), "share", format!("share of the orders from {} to {} o'clock", hours.start, hours.end), alive)
            });
        }
    }
}

fn further_columns(sink: &mut impl Sink, reading: &Reading, facts: &Facts) {
    for ((name, _), codes) in reading.categories.iter().zip(&facts.categories) {
        let mut counts: Vec<u32> = codes.clone();
        counts.sort_unstable();
        let different = counts.chunk_by(|a, b| a == b).count() as f64;
        let top = counts.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0) as f64;
        sink.put(different, || spec(OF_COLUMNS, format!("{name}_distinct"), "categories", format!("different values of {name} so far"), &[]));
        sink.put(top / counts.len() as f64, || {
            spec(OF_COLUMNS, format!("{name}_main_share"), "share", format!("share of the events with the customer's most frequent {name}"), &[])
        });
    }
    for (name, values) in reading.numbers.iter().zip(&facts.numbers) {
        let total: f64 = values.iter().map(|(_, value)| value).sum();
        sink.put(total / values.len() as f64, || spec(OF_COLUMNS, format!("{name}_mean"), "", format!("mean {name} so far"), &[]));
        sink.put(values.last().map_or(f64::NAN, |(_, value)| *value), || spec(OF_COLUMNS, format!("{name}_last"), "", format!("last {name}"), &[]));
        for &days in reading.windows.iter().take(2) {
            sink.put(within(facts, values, |dated| *dated, 0.0, days), || {
                spec(OF_COLUMNS, format!("{name}_{days}d"), "", format!("sum of {name} in the last {days} days"), &[])
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::random::mix;
    use crate::snapshot::learned::EventColumns;

    #[test]
    fn different_values_are_found_in_order_whether_they_lie_close_together_or_far_apart() {
        for (count, range) in [(0, 1), (5, 3), (500, 90), (40, 1_000_000), (1, u64::from(u32::MAX))] {
            let values: Vec<u32> = (0..count).map(|place| (mix(range, place) % range) as u32).collect();
            let mut expected = values.clone();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(distinct(values), expected);
        }
    }

    #[test]
    fn kinds_and_columns_that_are_called_as_features_are_get_names_of_their_own() {
        let reading = Reading {
            alive: vec!["purchase".into()],
            others: vec!["orders".into()],
            scored: vec![vec!["survey".into()], vec!["support".into()]],
            numbers: vec!["survey_score".into()],
            windows: vec![30.0, 90.0, 180.0, 365.0],
            half_lives: vec![7.0, 30.0, 120.0, 365.0],
            has: EventColumns { events: true, ..EventColumns::default() },
            ..Reading::default()
        };
        let mut names: Vec<String> = list(&reading).into_iter().map(|spec| spec.name).collect();
        assert!(names.contains(&"orders_90d_2".to_string()) && names.contains(&"survey_score_mean_2".to_string()), "{names:?}");
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_window_holds_what_is_as_old_as_it_is_long_and_nothing_older() {
        let day = |days: i64| Moment(days * 86_400);
        let facts = Facts { cutoff: Some(day(100)), ..Facts::default() };
        let events: Vec<(Moment, f64)> = [0, 10, 70, 70, 99].into_iter().map(|days| (day(days), 1.0 + days as f64)).collect();
        let sum = |from: f64, to: f64| within(&facts, &events, |dated| *dated, from, to);
        for (found, expected) in [sum(0.0, 30.0), sum(30.0, 90.0), sum(0.0, 1.0), sum(90.0, 1_000.0)].into_iter().zip([242.0, 11.0, 100.0, 1.0]) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        assert!(sum(2.0, 3.0).abs() < 1e-9 && sum(5.0, 5.0).abs() < 1e-9);
    }
}
