//! A stale or partial export is noticed: rows per week, channels and kinds against the bundle's own history.
//!
//! In: the events of training; later those of a scoring run. Out: nothing, a note, or the refusal to score. A week is seven days
//! that end with the as-of date, so each has every weekday once, and a last day that is only half there takes at most a seventh.
//! The usual level of a series is the median of its weeks, its spread the median absolute deviation, both of ln(events + 1):
//! neither a trend, nor a campaign, nor one outage in the past moves them much. This module knows nothing of customers: a name is
//! kept only when at least ten had it.

use super::named;
use crate::error::{Error, Result};
use crate::timeline::{EventStore, Moment};
use bincode::{Decode, Encode};
use rayon::prelude::*;

/// Seconds of a week.
const WEEK: i64 = 7 * 86_400;
/// Weeks kept: those the level is learnt from, and the ones of a year ago.
const KEPT_WEEKS: usize = 54;
/// Weeks the level is learnt from.
const LEVEL_WEEKS: usize = 26;
/// Fewer weeks say nothing of what is usual.
const FEWEST_WEEKS: usize = 8;
/// Weeks back to the same season.
const YEAR_WEEKS: i64 = 52;
/// Fewer events in a usual week say nothing when none come.
const USUAL_EVENTS: f64 = 20.0;
/// Below this part of the lower usual level a series has collapsed.
const COLLAPSE: f64 = 0.2;
/// Below this part of it a fall is worth a note; the last day of an export, half there, takes less.
const NOTEWORTHY: f64 = 0.7;
/// Spreads between the median and the lower usual level.
const SPREADS: f64 = 3.0;
/// Factor from the median absolute deviation to the standard deviation of a normal distribution.
const MAD_TO_SIGMA: f64 = 1.4826;
/// A name that fewer customers had is not kept.
const FEWEST_CUSTOMERS: u32 = 10;
/// Most series kept.
const MOST_SERIES: usize = 1_024;
/// Customers counted at a time.
const CHUNK: usize = 4_096;

/// What exports usually look like: learnt from the events of training.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct ExportHabits {
    /// The end of training, exclusive, in seconds as of [`Moment`].
    until: i64,
    /// All events, kinds and channels, in that order, names in byte order.
    series: Vec<Series>,
}

/// Events per week of one kind, of one channel, or of all together.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
struct Series {
    of: SeriesOf,
    name: String,
    /// Newest week first; the oldest has at least one event.
    weeks: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
enum SeriesOf {
    All,
    Kind,
    Channel,
}

/// What is usual in a week, in events.
struct Level {
    usual: f64,
    lower: f64,
}

impl ExportHabits {
    /// Learns the habits of the events before `until`. `None` when fewer than eight weeks are there.
    pub fn learn(events: &EventStore, until: Moment) -> Option<ExportHabits> {
        let table = count(events, until, KEPT_WEEKS);
        let mut series = Vec::new();
        let mut keep = |of: SeriesOf, name: &str, counts: &Counts| {
            let length = counts.weeks.iter().rposition(|events| *events > 0).map_or(0, |oldest| oldest + 1);
            // Short and rare series are kept too, so that they are not taken for news later.
            if length > 0 && counts.customers >= FEWEST_CUSTOMERS {
                let weeks = counts.weeks[..length].iter().map(|events| u32::try_from(*events).unwrap_or(u32::MAX)).collect();
                series.push(Series { of, name: name.to_string(), weeks });
            }
        };
        keep(SeriesOf::All, "", &table.all);
        events.kinds.iter().zip(&table.kinds).for_each(|(name, counts)| keep(SeriesOf::Kind, name, counts));
        events.channels.iter().zip(&table.channels).for_each(|(name, counts)| keep(SeriesOf::Channel, name, counts));
        if series.first().is_none_or(|first| first.of != SeriesOf::All || first.weeks.len() < FEWEST_WEEKS) {
            return None;
        }
        let events = |series: &Series| series.weeks.iter().map(|events| u64::from(*events)).sum::<u64>();
        series.sort_by(|a, b| events(b).cmp(&events(a)).then(a.of.cmp(&b.of)).then(a.name.cmp(&b.name)));
        series.truncate(MOST_SERIES);
        series.sort_by(|a, b| (a.of, &a.name).cmp(&(b.of, &b.name)));
        Some(ExportHabits { until: until.0, series })
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> std::result::Result<(), String> {
        // Year 1 to 9999, so that no sum of times can overflow.
        if !(-62_135_596_800..=253_402_300_800).contains(&self.until) {
            return Err(format!("the end of training is second {}, outside the years 1 to 9999", self.until));
        }
        if self.series.len() > MOST_SERIES || self.series.first().is_none_or(|first| first.of != SeriesOf::All) {
            return Err(format!("{} series, expected 1 to {MOST_SERIES} with all events first", self.series.len()));
        }
        if self.series.windows(2).any(|pair| (pair[0].of, &pair[0].name) >= (pair[1].of, &pair[1].name)) {
            return Err("the series are not in order without repeats".to_string());
        }
        for (index, series) in self.series.iter().enumerate() {
            if series.name.is_empty() != (series.of == SeriesOf::All) || series.name.len() > 1_024 {
                return Err(format!("series {index} has a name of {} bytes", series.name.len()));
            }
            if !(1..=KEPT_WEEKS).contains(&series.weeks.len()) || series.weeks.last() == Some(&0) {
                return Err(format!("series {index} has {} weeks, expected 1 to {KEPT_WEEKS} from the first with an event", series.weeks.len()));
            }
        }
        Ok(())
    }

    /// Compares the seven days before `as_of` with the habits. `allowed` names channels, kinds, or `all`. Returns what is worth a note.
    ///
    /// # Errors
    /// 65 for a channel or kind that vanished (usually 20 events a week or more, now none) or a collapse (less than a fifth of the
    /// lower usual level), with the numbers and the key that allows it. A fall below seven tenths of that level is a note.
    pub fn check(&self, events: &EventStore, as_of: Moment, allowed: &[String]) -> Result<Vec<String>> {
        let now = count(events, as_of, 1);
        let in_last_week = |series: &Series| match series.of {
            SeriesOf::All => now.all.weeks[0],
            SeriesOf::Kind => lookup(&events.kinds, &now.kinds, &series.name),
            SeriesOf::Channel => lookup(&events.channels, &now.channels, &series.name),
        };
        let mut findings = Vec::new();
        let mut notes = Vec::new();
        // With one kind only, all events are that kind: it is named once, by its name.
        let one_kind = self.series.iter().filter(|series| series.of == SeriesOf::Kind).count() == 1;
        for series in self.series.iter().filter(|series| series.of != SeriesOf::All || !one_kind) {
            let found = in_last_week(series);
            let Level { usual, lower } = self.level_at(series, as_of);
            if usual < USUAL_EVENTS || series.weeks.len() < FEWEST_WEEKS {
                continue;
            }
            let name = match series.of {
                SeriesOf::All => "all events".to_string(),
                SeriesOf::Kind => format!("kind {}", series.name),
                SeriesOf::Channel => format!("channel {}", series.name),
            };
            let fact = format!("{name}: {found} in the 7 days before {}, usually {usual:.0} and rarely below {lower:.0}", as_of.date());
            let vanished = found == 0 && lower >= 2.0;
            let collapsed = (found as f64 + 1.0) < COLLAPSE * (lower + 1.0);
            let is_allowed = allowed.iter().any(|name| name == "all" || *name == series.name);
            match (vanished || collapsed, is_allowed) {
                (true, false) => findings.push((series, fact)),
                (true, true) => notes.push(format!("{fact} (allowed by allow_stale)")),
                (false, _) if (found as f64) < NOTEWORTHY * lower => notes.push(fact),
                (false, _) => {}
            }
        }
        if let Some((first, _)) = findings.iter().find(|(series, _)| series.of != SeriesOf::All).or(findings.first()) {
            let hint = if findings.iter().any(|(series, _)| series.of == SeriesOf::All) { "all" } else { &first.name };
            return Err(Error::data(format!(
                "the export looks stale or partial: {}; export it again, or if this is right set allow_stale = [{hint:?}] in [project]",
                named(findings.into_iter().map(|(_, fact)| fact).collect())
            )));
        }
        notes.extend(self.news(SeriesOf::Kind, "kind", &events.kinds, &now.kinds));
        notes.extend(self.news(SeriesOf::Channel, "channel", &events.channels, &now.channels));
        Ok(notes)
    }

    /// For each kind and channel that comes often: whether it is a kind, its name, and how many days back its weeks reach before `as_of`, now and as they
    /// would by those of training, as far as weeks are kept.
    pub(super) fn reaches<'a>(&'a self, events: &EventStore, as_of: Moment) -> Vec<(bool, &'a str, f64, f64)> {
        let now = count(events, as_of, KEPT_WEEKS);
        let later = usize::try_from((as_of.0 - self.until).div_euclid(WEEK)).unwrap_or(0);
        let reach = |series: &'a Series| -> Option<(bool, &'a str, f64, f64)> {
            let is_kind = series.of == SeriesOf::Kind;
            let (names, counts) = if is_kind { (&events.kinds, &now.kinds) } else { (&events.channels, &now.channels) };
            let is_often = series.of != SeriesOf::All && series.weeks.len() >= FEWEST_WEEKS && level(&series.weeks).usual >= USUAL_EVENTS;
            let weeks = &counts[names.iter().position(|name| *name == series.name).filter(|_| is_often)?].weeks;
            let oldest = |weeks: &mut dyn Iterator<Item = bool>| weeks.enumerate().filter(|(_, has_events)| *has_events).last().map(|(week, _)| week + 1);
            let found = oldest(&mut weeks.iter().map(|events| *events > 0))?;
            // What training had of weeks that are still kept, which in a shop of one season may be few; and no more than it had itself, where exports are of
            // the last months.
            let known = oldest(&mut series.weeks.iter().take(KEPT_WEEKS.saturating_sub(later)).map(|events| *events > 0))?;
            let days = |weeks: usize| weeks as f64 * 7.0;
            Some((is_kind, &series.name, days(found), days((known + later).min(series.weeks.len()))))
        };
        self.series.iter().filter_map(reach).collect()
    }

    /// The level of a series, no higher than what the weeks around the same date a year ago had.
    fn level_at(&self, series: &Series, as_of: Moment) -> Level {
        let level = level(&series.weeks);
        let later = (as_of.0 - self.until).div_euclid(WEEK);
        let same_season = (YEAR_WEEKS - later - 1..=YEAR_WEEKS - later + 1).filter_map(|week| series.weeks.get(usize::try_from(week).ok()?));
        let lower = same_season.map(|events| f64::from(*events)).fold(level.lower, f64::min);
        Level { lower, ..level }
    }

    /// Names that training did not have and that come often.
    fn news(&self, of: SeriesOf, what: &str, names: &[String], counts: &[Counts]) -> Vec<String> {
        let known = |name: &str| self.series.iter().any(|series| series.of == of && series.name == name);
        let usual =
            names.iter().zip(counts).filter(|(name, counts)| counts.weeks[0] as f64 >= USUAL_EVENTS && counts.customers >= FEWEST_CUSTOMERS && !known(name));
        usual.map(|(name, counts)| format!("{what} {name}: {} in the last 7 days, not there when the bundle was trained", counts.weeks[0])).collect()
    }
}

fn lookup(names: &[String], counts: &[Counts], name: &str) -> u64 {
    names.iter().position(|other| other == name).map_or(0, |index| counts[index].weeks[0])
}

/// Median and lower usual level of weeks, newest first. The spread is at least that of a Poisson count of the same median.
fn level(weeks: &[u32]) -> Level {
    let mut logs: Vec<f64> = weeks.iter().take(LEVEL_WEEKS).map(|events| libm::log(f64::from(*events) + 1.0)).collect();
    let centre = median(&mut logs);
    let mut distances: Vec<f64> = logs.iter().map(|log| (log - centre).abs()).collect();
    let usual = libm::exp(centre) - 1.0;
    let spread = (MAD_TO_SIGMA * median(&mut distances)).max(1.0 / (usual + 1.0).sqrt());
    Level { usual, lower: (libm::exp(centre - SPREADS * spread) - 1.0).max(0.0) }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// Events per week, newest first, and how many customers had any of them.
#[derive(Debug, Clone)]
struct Counts {
    weeks: Vec<u64>,
    customers: u32,
    /// The customer counted last.
    last: usize,
}

/// Counts of all events, of each kind and of each channel.
struct CountTable {
    all: Counts,
    kinds: Vec<Counts>,
    channels: Vec<Counts>,
}

impl CountTable {
    fn new(events: &EventStore, weeks: usize) -> CountTable {
        let none = Counts { weeks: vec![0; weeks], customers: 0, last: usize::MAX };
        CountTable { all: none.clone(), kinds: vec![none.clone(); events.kinds.len()], channels: vec![none; events.channels.len()] }
    }

    fn add(&mut self, other: &CountTable) {
        let add = |mine: &mut Counts, theirs: &Counts| {
            mine.weeks.iter_mut().zip(&theirs.weeks).for_each(|(mine, theirs)| *mine += theirs);
            mine.customers += theirs.customers;
        };
        add(&mut self.all, &other.all);
        self.kinds.iter_mut().zip(&other.kinds).for_each(|(mine, theirs)| add(mine, theirs));
        self.channels.iter_mut().zip(&other.channels).for_each(|(mine, theirs)| add(mine, theirs));
    }
}

impl Counts {
    fn count(&mut self, week: usize, customer: usize) {
        self.weeks[week] += 1;
        if self.last != customer {
            self.last = customer;
            self.customers += 1;
        }
    }
}

/// Events of the last `weeks` weeks before `end` that were known by then.
fn count(events: &EventStore, end: Moment, weeks: usize) -> CountTable {
    let chunks: Vec<CountTable> = (0..events.customers().div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut table = CountTable::new(events, weeks);
            for customer in chunk * CHUNK..((chunk + 1) * CHUNK).min(events.customers()) {
                for index in events.offsets[customer]..events.offsets[customer + 1] {
                    let age = end.0 - 1 - events.time[index];
                    let week = age.div_euclid(WEEK);
                    let known = events.known_at.get(index).is_none_or(|known| *known < end.0);
                    if !known || !(0..weeks as i64).contains(&week) {
                        continue;
                    }
                    table.all.count(week as usize, customer);
                    if let Some(kind) = events.kind.get(index).and_then(|kind| table.kinds.get_mut(usize::from(*kind))) {
                        kind.count(week as usize, customer);
                    }
                    if let Some(channel) = events.channel.get(index).and_then(|channel| table.channels.get_mut(usize::from(*channel))) {
                        channel.count(week as usize, customer);
                    }
                }
            }
            table
        })
        .collect();
    let mut total = CountTable::new(events, weeks);
    chunks.iter().for_each(|chunk| total.add(chunk));
    total
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    const DAY: i64 = 86_400;
    /// 2011-09-10.
    const UNTIL: i64 = 15_227 * DAY;

    /// A shop's events, given by series (kind, channel) and events per day; day 0 is the first. Spread over 40 customers.
    fn shop(series: &[(&str, &str, Vec<u64>)], first_day: i64) -> EventStore {
        let mut kinds: Vec<String> = series.iter().map(|(kind, _, _)| kind.to_string()).collect();
        let mut channels: Vec<String> = series.iter().map(|(_, channel, _)| channel.to_string()).collect();
        kinds.sort();
        kinds.dedup();
        channels.sort();
        channels.dedup();
        let mut rows = vec![Vec::new(); 40];
        let mut next = 0;
        for (kind, channel, days) in series {
            let kind = kinds.iter().position(|name| name == kind).unwrap() as u8;
            let channel = channels.iter().position(|name| name == channel).unwrap() as u16;
            for (day, events) in days.iter().enumerate() {
                for event in 0..*events {
                    rows[next % 40].push((first_day + day as i64 * DAY + (event as i64 * 977) % DAY, kind, channel));
                    next += 1;
                }
            }
        }
        let mut store = EventStore { kinds, channels, offsets: vec![0], ..EventStore::default() };
        for mut customer in rows {
            customer.sort_unstable();
            for (time, kind, channel) in customer {
                store.time.push(time);
                store.kind.push(kind);
                store.channel.push(channel);
            }
            store.offsets.push(store.time.len());
        }
        store
    }

    fn fraction(random: &mut ChaCha8Rng) -> f64 {
        ((random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Poisson: Knuth's product for small means, a rounded normal for large ones.
    fn poisson(random: &mut ChaCha8Rng, mean: f64) -> u64 {
        if mean > 50.0 {
            let normal = (-2.0 * fraction(random).ln()).sqrt() * (std::f64::consts::TAU * fraction(random)).cos();
            return (mean + mean.sqrt() * normal).round().max(0.0) as u64;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), fraction(random), 0);
        while product > limit {
            product *= fraction(random);
            count += 1;
        }
        count
    }

    /// A week's factor with mean 1: gamma of shape `shape`, the mixing law of the negative binomial.
    fn gamma(random: &mut ChaCha8Rng, shape: u32) -> f64 {
        (0..shape).map(|_| -fraction(random).ln()).sum::<f64>() / f64::from(shape)
    }

    /// Days of a series of `weeks` weeks: `mean` events a week at its end, trend per week, weekday and season, and if `shape` is
    /// given a random factor per week.
    fn days(random: &mut ChaCha8Rng, weeks: usize, mean: f64, trend: f64, shape: Option<u32>) -> Vec<u64> {
        let mut days = Vec::new();
        for week in 0..weeks {
            let season = 1.0 + 0.25 * (std::f64::consts::TAU * week as f64 / 52.0).sin();
            let factor = shape.map_or(1.0, |shape| gamma(random, shape));
            let level = mean * (1.0 + trend).powi(week as i32 - weeks as i32) * season * factor / 7.0;
            days.extend([0.7, 0.9, 1.0, 1.1, 1.3, 1.5, 0.5].map(|weekday| poisson(random, level * weekday)));
        }
        days
    }

    fn learnt(store: &EventStore) -> ExportHabits {
        ExportHabits::learn(store, Moment(UNTIL)).unwrap()
    }

    fn steady(per_day: u64, days: usize) -> Vec<u64> {
        vec![per_day; days]
    }

    #[test]
    fn how_far_back_weeks_reach_is_judged_by_the_weeks_of_training_that_are_still_kept() {
        let days = |count: usize| vec![9; count];
        let first = UNTIL - 500 * DAY;
        let habits = ExportHabits::learn(&shop(&[("purchase", "web", days(500))], first), Moment(UNTIL)).unwrap();
        // Ten weeks later, all of it and the last 120 days of it.
        let as_of = Moment(UNTIL + 70 * DAY);
        let reaches = |store: &EventStore| habits.reaches(store, as_of).into_iter().map(|(_, _, now, then)| (now, then)).collect::<Vec<_>>();
        assert_eq!(reaches(&shop(&[("purchase", "web", days(570))], first)), [(378.0, 378.0); 2]);
        assert_eq!(reaches(&shop(&[("purchase", "web", days(119))], as_of.0 - 119 * DAY)), [(119.0, 378.0); 2]);
        // Exports of the last 120 days, in training too.
        let habits = ExportHabits::learn(&shop(&[("purchase", "web", days(119))], UNTIL - 119 * DAY), Moment(UNTIL)).unwrap();
        assert!(
            habits.reaches(&shop(&[("purchase", "web", days(119))], as_of.0 - 119 * DAY), as_of).iter().all(|(.., now, then)| (*now, *then) == (119.0, 119.0))
        );
        // A season of 130 days a year, trained at the end of the second, scored when the first is out of sight.
        let season = |rest: usize| [days(130), vec![0; 235], days(130), vec![0; rest]].concat();
        let habits = ExportHabits::learn(&shop(&[("purchase", "web", season(0))], UNTIL - 495 * DAY), Moment(UNTIL)).unwrap();
        let store = shop(&[("purchase", "web", season(70))], UNTIL - 495 * DAY);
        assert!(habits.reaches(&store, as_of).iter().all(|(.., now, then)| (now - then).abs() <= 7.0), "{:?}", habits.reaches(&store, as_of));
    }

    #[test]
    fn ordinary_noise_trend_and_season_raise_no_alarm() {
        let (mut alarms, mut notes, mut checks) = (0, 0, 0);
        for seed in 0..200 {
            let random = &mut ChaCha8Rng::seed_from_u64(seed);
            let history = 8 + (seed as usize * 7) % 60;
            let later = seed as usize % 5;
            let trend = [-0.03, -0.01, 0.0, 0.01, 0.03][seed as usize / 5 % 5];
            let shape = [None, Some(10), Some(3), Some(1)][seed as usize % 4];
            let weeks = history + later;
            let series =
                [("purchase", "web", 400.0), ("purchase", "shop", 120.0), ("view", "web", 2_000.0), ("support", "phone", 25.0), ("return", "shop", 12.0)]
                    .map(|(kind, channel, mean)| (kind, channel, days(random, weeks, mean, trend, shape)));
            let store = shop(&series, UNTIL - history as i64 * WEEK);
            let Some(habits) = ExportHabits::learn(&store, Moment(UNTIL)) else { continue };
            habits.validate().unwrap();
            checks += 1;
            match habits.check(&store, Moment(UNTIL + later as i64 * WEEK), &[]) {
                Ok(found) => notes += usize::from(!found.is_empty()),
                Err(_) => alarms += 1,
            }
        }
        assert!(checks >= 195, "{checks}");
        assert!(alarms * 100 < checks, "{alarms} alarms in {checks} ordinary weeks");
        assert!(notes * 10 < checks, "{notes} runs with notes in {checks} ordinary weeks");
    }

    #[test]
    fn a_channel_that_vanished_stops_the_run_with_its_numbers_and_the_key_that_allows_it() {
        let mut web = steady(20, 210);
        web.extend([0; 7]);
        let store = shop(&[("purchase", "web", web), ("purchase", "shop", steady(50, 217)), ("view", "shop", steady(9, 217))], UNTIL - 210 * DAY);
        let as_of = Moment(UNTIL + 7 * DAY);
        let error = learnt(&store).check(&store, as_of, &[]).unwrap_err();
        assert_eq!(error.kind().exit_code(), 65);
        assert_eq!(
            error.to_string(),
            "the export looks stale or partial: channel web: 0 in the 7 days before 2011-09-17, usually 140 and rarely below 109; \
             export it again, or if this is right set allow_stale = [\"web\"] in [project]"
        );
        let notes = learnt(&store).check(&store, as_of, &["web".into()]).unwrap();
        assert!(notes.len() == 1 && notes[0].contains("channel web: 0") && notes[0].contains("allow_stale"), "{notes:?}");
    }

    #[test]
    fn a_kind_that_is_no_longer_in_the_export_at_all_is_missed() {
        let before = shop(&[("purchase", "web", steady(20, 210)), ("support", "web", steady(5, 210))], UNTIL - 210 * DAY);
        let after = shop(&[("purchase", "web", steady(20, 217))], UNTIL - 210 * DAY);
        let error = learnt(&before).check(&after, Moment(UNTIL + 7 * DAY), &[]).unwrap_err();
        assert!(error.to_string().contains("kind support: 0 in the 7 days"), "{error}");
    }

    #[test]
    fn an_export_that_stopped_two_weeks_before_the_date_is_refused() {
        let store = shop(&[("purchase", "web", steady(20, 210)), ("view", "web", steady(30, 210))], UNTIL - 210 * DAY);
        let error = learnt(&store).check(&store, Moment(UNTIL + 14 * DAY), &[]).unwrap_err();
        assert!(error.to_string().contains("all events: 0") && error.to_string().contains("allow_stale = [\"all\"]"), "{error}");
        assert!(!learnt(&store).check(&store, Moment(UNTIL + 14 * DAY), &["all".into()]).unwrap().is_empty());
    }

    #[test]
    fn a_collapse_to_a_tenth_is_refused_and_a_fall_to_a_half_is_a_note() {
        let fall = |per_day: u64| {
            let mut days = steady(100, 210);
            days.extend([per_day; 7]);
            shop(&[("purchase", "web", days)], UNTIL - 210 * DAY)
        };
        let as_of = Moment(UNTIL + 7 * DAY);
        let habits = learnt(&fall(100));
        assert!(habits.check(&fall(10), as_of, &[]).unwrap_err().to_string().contains("kind purchase: 70 in"));
        assert!(habits.check(&fall(50), as_of, &[]).unwrap().iter().any(|note| note.contains("kind purchase: 350 in")));
        assert_eq!(habits.check(&fall(100), as_of, &[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_last_day_that_is_half_there_is_no_alarm_and_no_note() {
        let mut days = steady(100, 210);
        days[209] = 8;
        let store = shop(&[("purchase", "web", days)], UNTIL - 210 * DAY);
        assert_eq!(learnt(&store).check(&store, Moment(UNTIL), &[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_shop_that_closes_for_the_same_week_every_year_may_close() {
        let mut days = steady(60, 60 * 7);
        // The week 52 weeks before the one that is checked.
        days[8 * 7..9 * 7].fill(0);
        days.extend([0; 7]);
        let store = shop(&[("purchase", "web", days)], UNTIL - 60 * WEEK);
        assert!(learnt(&store).check(&store, Moment(UNTIL + WEEK), &[]).is_ok());
        let mut every_week = steady(60, 60 * 7);
        every_week.extend([0; 7]);
        let store = shop(&[("purchase", "web", every_week)], UNTIL - 60 * WEEK);
        assert!(learnt(&store).check(&store, Moment(UNTIL + WEEK), &[]).is_err());
    }

    #[test]
    fn a_channel_that_comes_in_bursts_may_be_silent() {
        let bursts: Vec<u64> = (0..31).flat_map(|week| if week % 3 == 1 { vec![0; 7] } else { vec![90; 7] }).collect();
        let store = shop(&[("open", "mail", bursts), ("purchase", "web", steady(40, 217))], UNTIL - 210 * DAY);
        assert!(learnt(&store).check(&store, Moment(UNTIL + WEEK), &[]).is_ok());
    }

    #[test]
    fn seven_weeks_say_nothing_of_what_is_usual() {
        assert!(ExportHabits::learn(&shop(&[("purchase", "web", steady(50, 49))], UNTIL - 49 * DAY), Moment(UNTIL)).is_none());
        assert!(ExportHabits::learn(&shop(&[("purchase", "web", steady(50, 56))], UNTIL - 56 * DAY), Moment(UNTIL)).is_some());
        assert!(ExportHabits::learn(&EventStore::default(), Moment(UNTIL)).is_none());
    }

    #[test]
    fn a_new_channel_is_worth_a_note() {
        let before = shop(&[("purchase", "web", steady(20, 210))], UNTIL - 210 * DAY);
        let mut app = steady(0, 210);
        app.extend([9; 7]);
        let after = shop(&[("purchase", "web", steady(20, 217)), ("purchase", "app", app)], UNTIL - 210 * DAY);
        let notes = learnt(&before).check(&after, Moment(UNTIL + WEEK), &[]).unwrap();
        assert_eq!(notes, ["channel app: 63 in the last 7 days, not there when the bundle was trained"]);
    }

    #[test]
    fn a_channel_of_few_customers_is_not_named_in_the_bundle() {
        let mut store = shop(&[("purchase", "web", steady(40, 210)), ("purchase", "via Jane Doe", steady(40, 210))], UNTIL - 210 * DAY);
        let jane = store.channels.iter().position(|name| name == "via Jane Doe").unwrap() as u16;
        let web = 1 - jane;
        for customer in 9..store.customers() {
            store.channel[store.offsets[customer]..store.offsets[customer + 1]].fill(web);
        }
        let names: Vec<String> = learnt(&store).series.into_iter().map(|series| series.name).collect();
        assert_eq!(names, ["", "purchase", "web"]);
    }

    #[test]
    fn the_habits_do_not_depend_on_threads_and_see_nothing_from_the_end_of_training_on() {
        let store = shop(&[("purchase", "web", steady(20, 217)), ("view", "app", steady(31, 217))], UNTIL - 210 * DAY);
        let past = shop(&[("purchase", "web", steady(20, 210)), ("view", "app", steady(31, 210))], UNTIL - 210 * DAY);
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let one = pool(1).install(|| learnt(&store));
        assert_eq!(one, pool(4).install(|| learnt(&store)));
        assert_eq!(one, learnt(&past));
    }

    #[test]
    fn rows_that_became_known_later_do_not_count() {
        let mut store = shop(&[("purchase", "web", steady(20, 217))], UNTIL - 210 * DAY);
        let habits = learnt(&store);
        store.known_at = store.time.iter().map(|time| time + 8 * DAY).collect();
        assert!(habits.check(&store, Moment(UNTIL + WEEK), &[]).is_err());
    }

    #[test]
    fn values_that_no_training_writes_are_refused() {
        let good = learnt(&shop(&[("purchase", "web", steady(20, 210)), ("view", "app", steady(31, 210))], UNTIL - 210 * DAY));
        good.validate().unwrap();
        type Damage = fn(&mut ExportHabits);
        let damages: [Damage; 9] = [
            |h| h.until = i64::MAX,
            |h| h.series.clear(),
            |h| h.series.swap(1, 2),
            |h| h.series[2] = h.series[1].clone(),
            |h| h.series[1].name.clear(),
            |h| h.series[0].name = "x".into(),
            |h| h.series[1].name = "x".repeat(1_025),
            |h| h.series[1].weeks.clear(),
            |h| h.series[1].weeks.resize(55, 1),
        ];
        for (number, damage) in damages.iter().enumerate() {
            let mut habits = good.clone();
            damage(&mut habits);
            assert!(habits.validate().is_err(), "{number}");
        }
    }
}
