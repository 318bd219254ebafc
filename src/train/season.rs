//! The season: how much less or more customers leave at this time of the year than in the newest window that was learnt from.
//!
//! A model that has seen one summer does not know of Christmas. What the year before tells: by how much the odds of leaving changed then, from the window a
//! year before the newest one to the window a year before the one foretold, among customers alike in how lately and how often they were active
//! (Mantel, Haenszel 1959). The newest window may also have been out of the ordinary (a price rise, a campaign), which the model takes for the rule: by how
//! much it differs from the one a year before is taken back, a small difference nearly whole, as a passing thing, a large one hardly, as another state of the
//! business ([`PASSING`]). That is what moves those in doubt, who comes every week or has gone does so anyway; see docs/features.md. All of it as far as it
//! is larger than its error.

use crate::churn::calibrate::beyond_noise;
use crate::churn::season::{Season, Shift};
use crate::config::{ChurnSettings, Span};
use crate::evaluate::windows::{Windows, earliest};
use crate::exports::Exports;
use crate::snapshot::label::{ChurnRule, Standing};
use crate::timeline::{Cutoff, Timeline};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A difference of log-odds between two years that is as likely to stay as to pass.
const PASSING: f64 = 0.5;
/// How doubtful leaving is taken to be at least (`4 p (1 - p)`), where it is asked who is moved by what is out of the ordinary.
const LEAST_DOUBT: f64 = 0.5;
/// Customers on either side of a change, below which nothing is told of it.
const FEWEST: f64 = 200.0;
/// Customers looked at: what holds for all is known from a part of them.
const MOST_CUSTOMERS: usize = 50_000;
/// Points of a year that a bundle keeps at most.
const MOST_POINTS: i64 = 26;
/// Customers alike: groups by days since the last activity, and by active days within the warm-up.
const RECENCIES: usize = 7;
const FREQUENCIES: usize = 7;

/// Who stayed and who left in each group of customers alike.
type Groups = Vec<[f64; 2]>;

/// What earlier years tell about the season of a cut-off.
pub(super) struct Seasons<'a> {
    exports: &'a Exports,
    rule: &'a ChurnRule<'a>,
    /// No window begins before.
    earliest: Cutoff,
    warm_up: Span,
    horizon: Span,
    end: Cutoff,
    counted: Mutex<BTreeMap<Cutoff, Groups>>,
}

fn a_year_before(cutoff: Cutoff) -> Cutoff {
    cutoff.minus(Span::YEAR)
}

impl<'a> Seasons<'a> {
    pub fn new(exports: &'a Exports, rule: &'a ChurnRule<'a>, settings: &ChurnSettings, windows: &Windows) -> Seasons<'a> {
        let first = exports.events.time_range().map_or(windows.end, |(first, _)| first);
        let (earliest, warm_up) = earliest(first, settings.horizon, settings.active_within);
        Seasons { exports, rule, earliest, warm_up, horizon: settings.horizon, end: windows.end, counted: Mutex::default() }
    }

    /// What to add for the window after `cutoff`, by a model that is right on the one after `newest`; nothing where no year before tells.
    pub fn shift(&self, cutoff: Cutoff, newest: Cutoff) -> Shift {
        self.expected(cutoff, newest).unwrap_or_default()
    }

    fn expected(&self, cutoff: Cutoff, newest: Cutoff) -> Option<Shift> {
        // The window of a year before would reach into the one foretold.
        if a_year_before(cutoff).plus(self.horizon) > cutoff {
            return None;
        }
        let season = self.change(a_year_before(newest), a_year_before(cutoff))?;
        let unlike = self.change(a_year_before(newest), newest)?;
        let passing = PASSING * PASSING / (PASSING * PASSING + unlike.log_odds * unlike.log_odds);
        let back = -passing * beyond_noise((unlike.log_odds, unlike.variance));
        // On average it is `back`. Where hardly anyone is in doubt, that is not all put on the few who are.
        let doubtful = back / unlike.doubtful.max(LEAST_DOUBT);
        Some(Shift { all: beyond_noise((season.log_odds, season.variance)) + back - doubtful * unlike.doubtful, doubtful })
    }

    /// What holds for all is known from every n-th customer.
    fn each(&self) -> usize {
        self.exports.customers.len().div_ceil(MOST_CUSTOMERS).max(1)
    }

    /// The season of every cut-off of the coming year that a bundle may be asked about.
    pub fn year_after(&self, newest: Cutoff) -> Season {
        if self.expected(self.end, newest).is_none() {
            return Season::default();
        }
        let last = Span { seconds: Span::YEAR.seconds - self.horizon.seconds };
        let step = (self.horizon.seconds / 3).max(Span::YEAR.seconds / MOST_POINTS) / 86_400 * 86_400;
        let points = (0..).map(|point| point * step.max(86_400)).take_while(|after| *after <= last.seconds);
        Season::new(points.map(|seconds| self.end.plus(Span { seconds })).map(|cutoff| (cutoff, self.shift(cutoff, newest))).collect())
    }

    /// How the log-odds of leaving changed from the window of one cut-off to that of another: see [`odds_ratio`].
    fn change(&self, from: Cutoff, to: Cutoff) -> Option<Change> {
        odds_ratio(&self.groups(to)?, &self.groups(from)?)
    }

    /// Members of the base of a cut-off by group, and whether they left; `None` where its window is not within the data.
    fn groups(&self, cutoff: Cutoff) -> Option<Groups> {
        if cutoff < self.earliest || cutoff.plus(self.horizon) > self.end {
            return None;
        }
        let known = self.counted.lock().unwrap_or_else(PoisonError::into_inner).get(&cutoff).cloned();
        if known.is_some() {
            return known;
        }
        let found: Vec<(usize, bool)> = (0..self.exports.customers.len() as u32)
            .into_par_iter()
            .step_by(self.each())
            .filter_map(|customer| {
                let (history, future) = Timeline::new(customer, &self.exports.events, &self.exports.profiles).split(cutoff, self.horizon);
                (self.rule.standing(&history) == Standing::Base).then(|| {
                    let (days, active) = self.rule.activity(&history, self.warm_up);
                    (group(days, active, self.warm_up.as_days()), self.rule.left(&future))
                })
            })
            .collect();
        let mut groups = vec![[0.0; 2]; RECENCIES * FREQUENCIES];
        found.into_iter().for_each(|(group, left)| groups[group][usize::from(left)] += 1.0);
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).insert(cutoff, groups.clone());
        Some(groups)
    }
}

/// The group of a customer last active `days` ago, on `active` days within the `warm_up`: recency in halvings of the warm-up.
fn group(days: Option<f64>, active: usize, warm_up: f64) -> usize {
    let recency = match days {
        Some(days) if days <= warm_up => (1..RECENCIES - 1).rev().find(|halvings| days <= warm_up / f64::from(1 << halvings)).unwrap_or(0),
        _ => RECENCIES - 1,
    };
    let frequency = match active {
        0..=3 => active,
        4..=5 => 4,
        6..=8 => 5,
        _ => 6,
    };
    recency * FREQUENCIES + frequency
}

/// How much more those left who were alike.
struct Change {
    /// The common log odds ratio over groups (Mantel, Haenszel 1959).
    log_odds: f64,
    /// Its variance (Robins, Breslow, Greenland 1986).
    variance: f64,
    /// How doubtful leaving is in the groups that tell of it: `4 p (1 - p)`, by the weight that each has.
    doubtful: f64,
}

/// How leaving changed among customers alike; `None` where they are too few.
fn odds_ratio(after: &[[f64; 2]], before: &[[f64; 2]]) -> Option<Change> {
    let total = |groups: &[[f64; 2]]| groups.iter().map(|group| group[0] + group[1]).sum::<f64>();
    if total(after) < FEWEST || total(before) < FEWEST {
        return None;
    }
    let (mut r, mut s, mut pr, mut both, mut qs) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut weights, mut doubts) = (0.0, 0.0);
    for ([stayed, left], [stayed_before, left_before]) in after.iter().zip(before) {
        let all = stayed + left + stayed_before + left_before;
        if all <= 0.0 {
            continue;
        }
        let (for_leaving, against) = (left * stayed_before / all, stayed * left_before / all);
        let (p, q) = ((left + stayed_before) / all, (stayed + left_before) / all);
        r += for_leaving;
        s += against;
        pr += p * for_leaving;
        both += p * against + q * for_leaving;
        qs += q * against;
        let share = (left + left_before) / all;
        let weight = (stayed + left) * (stayed_before + left_before) / all * share * (1.0 - share);
        weights += weight;
        doubts += weight * 4.0 * share * (1.0 - share);
    }
    (r > 0.0 && s > 0.0).then(|| Change {
        log_odds: libm::log(r / s),
        variance: pr / (2.0 * r * r) + both / (2.0 * r * s) + qs / (2.0 * s * s),
        doubtful: doubts / weights,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::random::mix;
    use crate::config::Config;
    use crate::timeline::{EventStore, Moment};

    const DAYS: u64 = 2_000;

    /// Customers who buy by chance on `often(day)` of 120 such days, until they have enough.
    fn shop(customers: u64, often: impl Fn(u64) -> u64) -> Exports {
        let mut store = EventStore { kinds: vec!["purchase".into()], offsets: vec![0], ..EventStore::default() };
        for customer in 0..customers {
            let until = mix(customer, 9_999) % (2 * DAYS);
            for day in (0..until.min(DAYS)).filter(|day| mix(customer, *day) % 120 < often(*day)) {
                store.time.push(day as i64 * 86_400);
                store.kind.push(0);
            }
            store.offsets.push(store.time.len());
        }
        Exports { customers: (0..customers).map(|customer| format!("c{customer:04}").into()).collect(), events: store, ..Exports::default() }
    }

    fn settings(horizon: &str) -> ChurnSettings {
        let folder = tempfile::tempdir().expect("a folder for the config");
        let path = folder.path().join("shop.toml");
        let events = "[[events]]\nfiles = [\"orders.csv\"]\ncustomer = \"customer\"\ntime = \"day\"\nkind = { value = \"purchase\" }\n";
        std::fs::write(&path, format!("[project]\nname = \"shop\"\n{events}[churn]\nactive_within = \"180d\"\n")).expect("the config is written");
        Config::load(&path, &[format!("churn.horizon={horizon}")]).expect("a sound config").churn
    }

    fn windows(churn: &ChurnSettings) -> Windows {
        Windows::cut(Moment(0), Moment(DAYS as i64 * 86_400), churn.horizon, churn.active_within, 5_000)
    }

    #[test]
    fn a_horizon_longer_than_a_year_has_no_season_as_the_year_before_would_tell_what_is_foretold() {
        // Twice as often in the second half of a year.
        let exports = shop(600, |day| 2 + 2 * u64::from(day % 365 > 180));
        for (horizon, tells) in [("60d", true), ("400d", false)] {
            let churn = settings(horizon);
            let windows = windows(&churn);
            let rule = ChurnRule::new(&exports, &churn).expect("inactivity needs no column");
            let seasons = Seasons::new(&exports, &rule, &churn, &windows);
            let test = windows.test.expect("history enough");
            assert!(seasons.change(a_year_before(windows.before_test[0]), a_year_before(test)).is_some(), "a year before there is a change, {horizon}");
            assert_eq!(seasons.expected(test, windows.before_test[0]).is_some(), tells, "{horizon}");
            assert_eq!(seasons.year_after(test) != Season::default(), tells, "{horizon}");
        }
    }

    #[test]
    fn a_slump_in_the_newest_window_is_not_expected_to_last() {
        let churn = settings("60d");
        let windows = windows(&churn);
        let test = windows.test.expect("history enough");
        let newest = windows.before_test[0].0 / 86_400;
        for slump in [false, true] {
            let exports = shop(4_000, |day| if slump && (newest..newest + 60).contains(&(day as i64)) { 3 } else { 4 });
            let rule = ChurnRule::new(&exports, &churn).expect("inactivity needs no column");
            let shift = Seasons::new(&exports, &rule, &churn, &windows).shift(test, windows.before_test[0]);
            assert!(shift.all.abs() < 0.2, "no season, {shift:?}");
            assert_eq!(shift.doubtful < -0.2, slump, "{shift:?}");
            assert!(shift.doubtful < 0.1, "{shift:?}");
        }
    }

    #[test]
    fn a_common_odds_ratio_is_found_whatever_the_groups_are() {
        // Odds 1/4 and 1/1 before, twice as large after.
        let Change { log_odds, variance, doubtful: doubt } =
            odds_ratio(&[[200.0, 100.0], [100.0, 200.0]], &[[400.0, 100.0], [300.0, 300.0]]).expect("enough customers");
        assert!((log_odds - libm::log(2.0)).abs() < 1e-9, "{log_odds}");
        assert!(variance > 0.0 && variance < 0.05);
        assert!((0.75..1.0).contains(&doubt), "a fourth leave in one group, {doubt}");
        assert!(odds_ratio(&[[10.0, 10.0]], &[[400.0, 100.0]]).is_none());
    }

    #[test]
    fn customers_are_alike_by_halvings_of_the_warm_up_and_by_active_days() {
        let of = |days: f64, active: usize| {
            let group = group(Some(days), active, 90.0);
            (group / FREQUENCIES, group % FREQUENCIES)
        };
        assert_eq!([of(91.0, 0), of(90.0, 1), of(45.0, 4), of(1.0, 20)], [(6, 0), (0, 1), (1, 4), (5, 6)]);
        assert_eq!(group(None, 0, 90.0), 6 * FREQUENCIES);
    }
}
