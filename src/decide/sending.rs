//! When an offer is sent, and by which channel: as the customer is wont to, as far as that is known, and else as their like are.
//!
//! *When*: the share of the days on which a customer came by themselves per weekday (when a newsletter is opened says when it was sent), and of
//! those with a time of day per hour, each shrunk to the shares of the customer's segment, and these to those of all. How far is learnt:
//! customers of one segment who differ as much as chance has it say nothing of their own, those whose days repeat say much. The
//! measure is the share of a customer's pairs of days that agree, beside what independent draws from the segment's shares would
//! give (the intraclass correlation `rho`); it makes the prior of the shares a Dirichlet distribution worth `(1 - rho) / rho`
//! days (Johnson, Kotz, Balakrishnan 1997, chapter 40). Of the hours, one at which customers may be reached is taken.
//!
//! *By which channel*: responses to past treatments of a channel beside what the offers' own shares foretold, by all customers and by
//! the customer, each shrunk; where treatments do not say their channel, the one that the customer uses most.

use super::eligibility::Person;
use crate::config::SendHours;
use crate::timeline::History;
use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// Names of the weekdays in the files, Monday first.
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Expected responses that a channel's own count is mixed with.
const PRIOR_RESPONSES: f64 = 10.0;
/// Expected responses of the channel that a customer's own count is mixed with.
const OWN_PRIOR_RESPONSES: f64 = 1.0;
/// Bounds of what a channel does to the responses.
const LIFT: (f64, f64) = (0.25, 4.0);

/// Kinds of event that answer to what the business began.
const ANSWERS: [&str; 3] = ["click", "contact", "open"];

/// What a customer did on how many days: per weekday, and per hour of those days that say the time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Days {
    weekdays: [u64; 7],
    hours: [u64; 24],
}

impl Days {
    fn of(history: &History<'_>) -> Days {
        let mut days = Days { weekdays: [0; 7], hours: [0; 24] };
        let kinds = &history.store().kinds;
        let (mut last_day, mut last_timed) = (None, None);
        for event in history.events().filter(|event| !ANSWERS.contains(&kinds[usize::from(event.kind())].as_str())) {
            let (time, day) = (event.time(), event.time().start_of_day());
            if last_day.replace(day) != Some(day) {
                days.weekdays[time.weekday()] += 1;
            }
            // Midnight on the second is a day without a time.
            if time != day && last_timed.replace(day) != Some(day) {
                days.hours[time.hour()] += 1;
            }
        }
        days
    }
}

/// Counts of many customers together, and how far each repeats themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pooled<const N: usize> {
    counts: [u64; N],
    /// Pairs of days of one customer, and those of them that agree.
    pairs: u64,
    agreeing: u64,
}

impl<const N: usize> Default for Pooled<N> {
    fn default() -> Self {
        Pooled { counts: [0; N], pairs: 0, agreeing: 0 }
    }
}

impl<const N: usize> Pooled<N> {
    fn add(&mut self, own: &[u64; N]) {
        let total: u64 = own.iter().sum();
        self.pairs += total * total.saturating_sub(1);
        self.agreeing += own.iter().map(|count| count * count.saturating_sub(1)).sum::<u64>();
        self.counts.iter_mut().zip(own).for_each(|(sum, count)| *sum += count);
    }

    /// The shares, given those of a wider group where there is one.
    fn shares(&self, wider: Option<(&[f64; N], f64)>) -> [f64; N] {
        shrunk(&self.counts, wider.unwrap_or((&[1.0 / N as f64; N], 1.0)))
    }

    /// How many days of their own the group's shares are worth beside a member's.
    fn concentration(&self, shares: &[f64; N]) -> f64 {
        let chance: f64 = shares.iter().map(|share| share * share).sum();
        let agreement = self.agreeing as f64 / self.pairs.max(1) as f64;
        let rho = ((agreement - chance) / (1.0 - chance).max(1e-9)).clamp(1e-6, 1.0);
        (1.0 - rho) / rho
    }
}

/// Own counts mixed with the shares of a group that are worth `weight` counts.
fn shrunk<const N: usize>(own: &[u64; N], (shares, weight): (&[f64; N], f64)) -> [f64; N] {
    let total = own.iter().sum::<u64>() as f64 + weight;
    std::array::from_fn(|place| if total > 0.0 { (own[place] as f64 + weight * shares[place]) / total } else { shares[place] })
}

/// The place of the greatest value; of equal ones the first.
fn first_greatest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, place| if values[place] > values[best] { place } else { best })
}

/// When customers are active, by segment.
#[derive(Debug, Clone, Default)]
pub struct Habits {
    all: (Pooled<7>, Pooled<24>),
    by_segment: BTreeMap<String, (Pooled<7>, Pooled<24>)>,
}

impl Habits {
    /// Counts what the customers did.
    pub fn learn<'p>(persons: impl IntoIterator<Item = &'p Person<'p>>) -> Habits {
        let mut habits = Habits::default();
        for person in persons {
            let days = Days::of(&person.history);
            let segment = match habits.by_segment.get_mut(person.segment) {
                Some(segment) => segment,
                None => habits.by_segment.entry(person.segment.to_owned()).or_default(),
            };
            for pooled in [&mut habits.all, segment] {
                pooled.0.add(&days.weekdays);
                pooled.1.add(&days.hours);
            }
        }
        habits
    }

    /// The weekday and the hour of day, of those allowed, at which a customer is best reached; `None` where nothing is known of anyone.
    pub fn best(&self, person: &Person<'_>, allowed: SendHours) -> (Option<&'static str>, Option<u8>) {
        let days = Days::of(&person.history);
        let segment = self.by_segment.get(person.segment).copied().unwrap_or_default();
        let weekday = shares_of(&days.weekdays, &segment.0, &self.all.0).map(|shares| WEEKDAYS[first_greatest(&shares)]);
        let hour = shares_of(&days.hours, &segment.1, &self.all.1).map(|shares| {
            // What was done at an hour says half as much for each hour that it is away, so that who comes outside the hours allowed gets the nearest.
            let away = |hour: usize, other: usize| hour.abs_diff(other).min(24 - hour.abs_diff(other)) as i32;
            let near = |hour: usize| (0..24).map(|other| shares[other] * 0.5f64.powi(away(hour, other))).sum::<f64>();
            let near: Vec<f64> = (allowed.from..allowed.until).map(|hour| near(usize::from(hour))).collect();
            allowed.from + first_greatest(&near) as u8
        });
        (weekday, hour)
    }
}

/// The shares of a customer, given their segment and all; `None` where nothing was counted.
fn shares_of<const N: usize>(own: &[u64; N], segment: &Pooled<N>, all: &Pooled<N>) -> Option<[f64; N]> {
    if all.counts.iter().all(|count| *count == 0) {
        return None;
    }
    let of_all = all.shares(None);
    let weight = all.concentration(&of_all);
    let of_segment = segment.shares(Some((&of_all, weight)));
    let weight = if segment.pairs > 0 { segment.concentration(&of_segment) } else { weight };
    Some(shrunk(own, (&of_segment, weight)))
}

/// Responses and how many were foretold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Encode, Decode)]
struct Responses {
    seen: f64,
    foretold: f64,
}

impl Responses {
    fn add(&mut self, foretold: f64, responded: f64) {
        self.seen += responded;
        self.foretold += foretold;
    }
}

/// What channels did to the responses of all customers.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub struct Channels {
    by_name: BTreeMap<String, Responses>,
}

impl Channels {
    /// Takes note of a treatment: by which channel, how likely its offer is answered, and whether it was.
    pub fn add(&mut self, channel: &str, foretold: f64, responded: f64) {
        self.by_name.entry(channel.to_owned()).or_default().add(foretold, responded);
    }

    /// By how much a channel multiplies the responses; 1 where nothing is known.
    fn usual(&self, channel: &str) -> f64 {
        let all = self.by_name.get(channel).copied().unwrap_or_default();
        (all.seen + PRIOR_RESPONSES) / (all.foretold + PRIOR_RESPONSES)
    }

    /// Checks every value read from a file.
    pub(super) fn validate(&self) -> std::result::Result<(), String> {
        let is_wrong = |value: f64| !value.is_finite() || value < 0.0;
        match self.by_name.iter().find(|(_, own)| is_wrong(own.seen) || is_wrong(own.foretold)) {
            Some((name, _)) => Err(format!("the responses by {name:?} are no counts")),
            None => Ok(()),
        }
    }
}

/// What channels did to the responses of each customer.
pub struct OwnChannels<'a> {
    all: &'a Channels,
    by_customer: BTreeMap<u32, BTreeMap<String, Responses>>,
}

impl<'a> OwnChannels<'a> {
    /// Nothing is known yet of any customer.
    pub fn new(all: &'a Channels) -> OwnChannels<'a> {
        OwnChannels { all, by_customer: BTreeMap::new() }
    }

    /// Takes note of a treatment of a customer: by which channel, how likely its offer is answered, and whether it was.
    pub fn add(&mut self, customer: u32, channel: &str, foretold: f64, responded: f64) {
        self.by_customer.entry(customer).or_default().entry(channel.to_owned()).or_default().add(foretold, responded);
    }

    /// By how much a channel multiplies this customer's responses; 1 where nothing is known.
    fn lift(&self, customer: u32, channel: &str) -> f64 {
        let own = self.by_customer.get(&customer).and_then(|own| own.get(channel)).copied().unwrap_or_default();
        ((own.seen + OWN_PRIOR_RESPONSES * self.all.usual(channel)) / (own.foretold + OWN_PRIOR_RESPONSES)).clamp(LIFT.0, LIFT.1)
    }

    /// By how much the best of these channels multiplies this customer's responses.
    pub fn reach<'o>(&self, customer: u32, channels: impl Iterator<Item = &'o str>) -> f64 {
        if self.all.by_name.is_empty() {
            return 1.0;
        }
        channels.map(|channel| self.lift(customer, channel)).max_by(f64::total_cmp).unwrap_or(1.0)
    }

    /// That of these channels which this customer answers best, of equal ones the one used most, then the first; empty where there is none.
    pub fn best<'o>(&self, history: &History<'_>, channels: impl Iterator<Item = &'o str>) -> &'o str {
        let channels: Vec<&str> = channels.collect();
        let lifts: Vec<f64> = channels.iter().map(|channel| self.lift(history.customer, channel)).collect();
        let mut uses = vec![0usize; channels.len()];
        let names = &history.store().channels;
        for event in history.events() {
            let used = event.channel().map(|channel| names[usize::from(channel)].as_str());
            if let Some(place) = used.and_then(|used| channels.iter().position(|channel| *channel == used)) {
                uses[place] += 1;
            }
        }
        let best = (0..lifts.len()).max_by(|a, b| lifts[*a].total_cmp(&lifts[*b]).then(uses[*a].cmp(&uses[*b])).then(b.cmp(a))).unwrap_or(0);
        channels.get(best).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{EventStore, Moment, Timeline};

    /// Events of each customer at these (day, hour).
    fn store(customers: &[&[(i64, i64)]]) -> EventStore {
        let mut store = EventStore { offsets: vec![0], kinds: vec!["visit".into()], channels: vec!["app".into(), "mail".into()], ..EventStore::default() };
        for events in customers {
            for (day, hour) in *events {
                store.time.push(day * 86_400 + hour * 3_600 + i64::from(*hour > 0));
                store.kind.push(0);
            }
            store.offsets.push(store.time.len());
        }
        store
    }

    fn person(store: &EventStore, number: u32) -> Person<'_> {
        let history = Timeline::new(number, store, &[]).before(Moment(i64::MAX / 4));
        Person { history, status: "", tier: "", segment: "loyal", risk: None, value: None }
    }

    #[test]
    fn who_keeps_their_days_gets_them_and_who_is_unknown_gets_those_of_their_like() {
        // 1970-01-05 was a Monday. Half of the customers come on Mondays at 9, the others on Fridays at 18; one came once, on a Sunday; one never.
        let mondays: Vec<(i64, i64)> = (0..20).map(|week| (4 + 7 * week, 9)).collect();
        let fridays: Vec<(i64, i64)> = (0..20).map(|week| (8 + 7 * week, 18)).collect();
        let mut all: Vec<&[(i64, i64)]> = [vec![&mondays[..]; 6], vec![&fridays[..]; 5]].concat();
        all.push(&[]);
        let store = store(&all);
        let customers: Vec<Person<'_>> = (0..12).map(|number| person(&store, number)).collect();
        let habits = Habits::learn(&customers);
        assert_eq!(habits.best(&customers[0], SendHours::default()), (Some("monday"), Some(9)));
        assert_eq!(habits.best(&customers[6], SendHours::default()), (Some("friday"), Some(18)));
        assert_eq!(habits.best(&customers[11], SendHours::default()), (Some("monday"), Some(9)), "nothing is known of them: as most are");
        let hours = |from, until| SendHours { from, until };
        assert_eq!(habits.best(&customers[6], hours(17, 21)), (Some("friday"), Some(18)));
        assert_eq!(habits.best(&customers[0], hours(17, 21)).1, Some(17), "who comes at 9: as near as may be");
        assert_eq!(habits.best(&customers[6], hours(8, 12)).1, Some(11), "who comes at 18 likewise");
    }

    #[test]
    fn where_days_do_not_repeat_one_day_says_nothing() {
        // Everyone comes on every weekday alike, on Wednesdays twice as often; one customer was seen once, on a Sunday.
        let even: Vec<(i64, i64)> =
            (0..14).flat_map(|week| [0, 1, 2, 2, 3, 4, 5, 6].map(|day| (4 + 8 * 7 * week + day + if day == 2 { 7 } else { 0 }, 0))).collect();
        let doubled: Vec<(i64, i64)> = (0..14).map(|week| (4 + 8 * 7 * week + 2, 0)).collect();
        let mut own = [even, doubled].concat();
        own.sort_unstable();
        own.dedup();
        let mut all: Vec<&[(i64, i64)]> = vec![&own; 30];
        all.push(&[(10, 0)]);
        let store = store(&all);
        let customers: Vec<Person<'_>> = (0..31).map(|number| person(&store, number)).collect();
        let habits = Habits::learn(&customers);
        assert_eq!(habits.best(&customers[30], SendHours::default()), (Some("wednesday"), None), "dates without a time say no hour");
    }

    #[test]
    fn a_channel_is_chosen_by_what_was_answered_then_by_what_is_used() {
        let store = store(&[&[(10, 9)], &[(11, 9)]]);
        let channels = || ["app", "mail"].into_iter();
        let history = |number| person(&store, number).history;
        let mut all = Channels::default();
        let unknown = OwnChannels::new(&all);
        assert_eq!((unknown.best(&history(0), channels()), unknown.reach(0, channels())), ("app", 1.0), "nothing is known: the first");
        // Of 200 treatments by each channel 40 would be answered: mail is answered more, by customer 1 never.
        for number in 0..200 {
            all.add("app", 0.2, f64::from(u8::from(number % 10 == 0)));
            all.add("mail", 0.2, f64::from(u8::from(number % 3 == 0)));
        }
        for _ in 0..40 {
            all.add("mail", 0.2, 0.0);
            all.add("app", 0.2, 0.4);
        }
        let mut own = OwnChannels::new(&all);
        for _ in 0..40 {
            own.add(1, "mail", 0.2, 0.0);
            own.add(1, "app", 0.2, 0.4);
        }
        assert_eq!(own.best(&history(0), channels()), "mail");
        assert_eq!(own.best(&history(1), channels()), "app");
        assert!(own.reach(0, channels()) > 1.2 && own.reach(1, channels()) > 1.0);
    }
}
