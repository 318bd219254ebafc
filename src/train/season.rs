//! The season: how much less or more customers leave at this time of the year than in the newest window that was learnt from.
//!
//! A model that has seen one summer does not know of Christmas. What the year before tells: by how much the odds of leaving changed then, from the window a
//! year before the newest one to the window a year before the one foretold, among customers alike in how lately and how often they were active
//! (Mantel, Haenszel 1959). The newest window may also have been out of the ordinary (a price rise, a campaign), which the model takes for the rule: by how
//! much it differs from the one a year before is taken back, a small difference nearly whole, as a passing thing, a large one hardly, as another state of the
//! business ([`PASSING`]). Neither need be the same for who comes every week and who has hardly been seen for months: each is a straight line in the risk
//! of the groups. All of it as far as it is larger than its error; see docs/features.md.

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
        let at = |risk: f64| season.at(risk) - passing * unlike.at(risk);
        Some(Shift { stays: at(0.0), leaves: at(1.0) })
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
    /// How much larger it is where all leave than where nobody does, and the variance of that (Woolf 1955: the groups' own, each by its weight).
    by_risk: (f64, f64),
    /// The risk of the groups at which it is the common one.
    risk: f64,
}

impl Change {
    /// What is beyond the noise of it among customers of a risk.
    fn at(&self, risk: f64) -> f64 {
        beyond_noise((self.log_odds, self.variance)) + beyond_noise(self.by_risk) * (risk - self.risk)
    }
}

/// How leaving changed among customers alike; `None` where they are too few.
fn odds_ratio(after: &[[f64; 2]], before: &[[f64; 2]]) -> Option<Change> {
    let total = |groups: &[[f64; 2]]| groups.iter().map(|group| group[0] + group[1]).sum::<f64>();
    if total(after) < FEWEST || total(before) < FEWEST {
        return None;
    }
    let (mut r, mut s, mut pr, mut both, mut qs) = (0.0, 0.0, 0.0, 0.0, 0.0);
    // Of each group: weight, risk, log odds ratio.
    let mut found: Vec<[f64; 3]> = Vec::new();
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
        // With a half added to each, which keeps those of few finite (Haldane 1956).
        let [stayed, left, stayed_before, left_before] = [stayed, left, stayed_before, left_before].map(|count| count + 0.5);
        let weight = 1.0 / (1.0 / stayed + 1.0 / left + 1.0 / stayed_before + 1.0 / left_before);
        let ratio = libm::log(left * stayed_before / (stayed * left_before));
        found.push([weight, (left + left_before) / (stayed + left + stayed_before + left_before), ratio]);
    }
    let weights: f64 = found.iter().map(|[weight, ..]| weight).sum();
    let mean = |of: &dyn Fn(&[f64; 3]) -> f64| found.iter().map(|group| group[0] * of(group)).sum::<f64>() / weights;
    let risk = mean(&|[_, risk, _]| *risk);
    let spread = mean(&|[_, own, _]| (own - risk) * (own - risk));
    let slope = mean(&|[_, own, ratio]| (own - risk) * ratio) / spread;
    let by_risk = if spread > 0.0 { (slope, 1.0 / (weights * spread)) } else { (0.0, 1.0) };
    (r > 0.0 && s > 0.0).then(|| Change { log_odds: libm::log(r / s), variance: pr / (2.0 * r * r) + both / (2.0 * r * s) + qs / (2.0 * s * s), by_risk, risk })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::churn::random::mix;
    use crate::config::Config;
    use crate::evaluate::windows::Steps;
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
        Windows::cut(Moment(0), Moment(DAYS as i64 * 86_400), churn.horizon, churn.active_within, 5_000, &Steps::default())
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
            assert!(slump || [0.0, 1.0].iter().all(|risk| shift.at(*risk).abs() < 0.2), "no season, {shift:?}");
            let shift = shift.at(0.5);
            assert_eq!(shift < -0.2, slump, "{shift:?}");
            assert!(shift < 0.1, "{shift:?}");
        }
    }

    #[test]
    fn a_common_odds_ratio_is_found_whatever_the_groups_are() {
        // Odds 1/4 and 1/1 before, twice as large after.
        let Change { log_odds, variance, by_risk, risk } =
            odds_ratio(&[[200.0, 100.0], [100.0, 200.0]], &[[400.0, 100.0], [300.0, 300.0]]).expect("enough customers");
        assert!((log_odds - libm::log(2.0)).abs() < 1e-9, "{log_odds}");
        assert!(variance > 0.0 && variance < 0.05);
        assert!(by_risk.0.abs() < 0.05 && (0.25..0.57).contains(&risk), "{by_risk:?} {risk}");
        assert!(odds_ratio(&[[10.0, 10.0]], &[[400.0, 100.0]]).is_none());
    }

    #[test]
    fn a_change_that_those_at_risk_have_alone_is_told_apart_as_far_as_it_is_larger_than_chance() {
        // Of 1,000 each: 100 left and 500; then 100 and 600.
        let change = odds_ratio(&[[900.0, 100.0], [400.0, 600.0]], &[[900.0, 100.0], [500.0, 500.0]]).expect("enough customers");
        assert!(change.at(0.1).abs() < 0.05 && (change.at(0.55) - libm::log(1.5)).abs() < 0.05, "{} {}", change.at(0.1), change.at(0.55));
        // A tenth of them: chance.
        let change = odds_ratio(&[[90.0, 10.0], [44.0, 56.0]], &[[90.0, 10.0], [50.0, 50.0]]).expect("enough customers");
        assert!(change.at(0.1).abs() < 1e-9 && change.at(0.55).abs() < 1e-9);
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
