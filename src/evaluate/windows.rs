//! Time cut into windows, newest first: test (reported; touches nothing), choose (settings, calibration), fit (the rest).
//!
//! A window is a cut-off and the horizon after it. The labels of an older role end before the cut-off of a newer one. Once
//! settings are chosen they are refitted: on all that ends by the test window for the measures, on everything for the bundle.

use crate::config::Span;
use crate::timeline::{Cutoff, EventStore, Moment};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The cut-offs of each role. A role that history is too short for is absent or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// Reported only.
    pub test: Option<Cutoff>,
    /// Early stopping, choice, calibration.
    pub choose: Option<Cutoff>,
    /// Fitted while choosing, newest first: their labels end by `choose`.
    pub fit: Vec<Cutoff>,
    /// A window before `choose` that chooses with it, and those fitted for it, where one holds few who left or few who stayed.
    pub also: Option<(Cutoff, Vec<Cutoff>)>,
    /// Fitted for the measures on the test window, newest first: their labels end by `test`.
    pub before_test: Vec<Cutoff>,
    /// Fitted for the bundle, newest first: their labels end by `end`.
    pub before_end: Vec<Cutoff>,
    /// The day after the newest event: everything before is known.
    pub end: Cutoff,
}

/// Cut-offs that are fitted at a time: older behaviour says less about the next months, so there are few of them where customers are many and
/// more where one window holds few who left, or few who stayed.
const FITTED: RangeInclusive<usize> = 4..=12;
/// Leavers and stayers wanted in all windows fitted, each: about 40 for each of a hundred features (logistic regression needs 20 to 50, trees
/// more: van der Ploeg, Austin, Steyerberg 2014).
const WANTED: usize = 4_000;

/// Leavers or stayers below which a second window chooses too: settings and calibration from a few hundred are noise.
const FEW: usize = 1_000;

/// How many cut-offs to fit where one window holds so many leavers or stayers, whichever are fewer.
fn fitted(fewer: usize) -> usize {
    WANTED.div_ceil(fewer.max(1)).clamp(*FITTED.start(), *FITTED.end())
}

/// The first cut-off that has enough history before it, and how much that is.
pub fn earliest(first: Moment, horizon: Span, active_within: Span) -> (Cutoff, Span) {
    let warm_up = Span { seconds: horizon.seconds.max(active_within.seconds / 2) };
    (first.start_of_day().plus(warm_up), warm_up)
}

/// Where a window may begin. What is told of few days only, such as a row for each month, is known by steps: a day before the end of a month all have been
/// silent for thirty days, a day after it hardly anyone. So windows begin as long after a step as the end of the data, from where customers are scored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// Ascending; none where a window may begin on any day.
    at: Vec<Cutoff>,
}

/// Steps to be seen at least, days between them, and events of each, on average.
const FEWEST_STEPS: usize = 6;
const STEP_DAYS: usize = 5;
const OF_A_STEP: usize = 20;

impl Steps {
    /// The steps of events of these kinds, told until `end`.
    pub fn of(store: &EventStore, kinds: &[String], end: Cutoff) -> Steps {
        let Some((first, last)) = store.time_range() else { return Steps::default() };
        let most = 1 + last.days_since(first) as usize / STEP_DAYS;
        let alive: Vec<bool> = store.kinds.iter().map(|kind| kinds.contains(kind)).collect();
        let (mut days, mut events) = (BTreeSet::new(), 0);
        for (time, kind) in store.time.iter().zip(&store.kind) {
            if alive[usize::from(*kind)] && *time < end.0 {
                events += 1;
                days.insert(Moment(*time).start_of_day());
                if days.len() > most {
                    return Steps::default();
                }
            }
        }
        let Some(last) = days.last() else { return Steps::default() };
        let enough = days.len() >= FEWEST_STEPS && events >= OF_A_STEP * days.len();
        let after = Span { seconds: end.0 - last.0 };
        if enough { Steps { at: days.iter().map(|day| day.plus(after)).collect() } } else { Steps::default() }
    }

    /// Whether they are a month apart.
    pub fn are_months(&self) -> bool {
        let mut gaps: Vec<f64> = self.at.windows(2).map(|pair| pair[1].days_since(pair[0])).collect();
        gaps.sort_by(f64::total_cmp);
        gaps.get(gaps.len() / 2).is_some_and(|middle| (28.0..=31.0).contains(middle))
    }

    /// The last day until this one on which a window may begin.
    fn until(&self, cutoff: Cutoff) -> Cutoff {
        self.at.iter().rev().find(|step| **step <= cutoff).copied().unwrap_or(cutoff)
    }
}

impl Windows {
    /// Cuts the time from `first` (earliest event) to `end` into windows of `horizon`. Fitted windows follow each other at a third
    /// of the horizon, so that the newest behaviour has its weight; their labels overlap each other, never those of a newer role. The
    /// oldest cut-off leaves at least a horizon and half of `active_within` of history before it. `fewer` is how many left, or stayed,
    /// in a window, whichever are fewer. Every cut-off is at one of the `steps`, if there are any.
    pub fn cut(first: Moment, end: Cutoff, horizon: Span, active_within: Span, fewer: usize, steps: &Steps) -> Windows {
        let most = fitted(fewer);
        let (earliest, _) = earliest(first, horizon, active_within);
        // Whole days, so that a cut-off is always a midnight.
        let stride = Span::days((horizon.seconds / 3 / 86_400).max(1));
        let before = |limit: Option<Cutoff>| {
            let newest = limit.map(|limit| steps.until(limit.minus(horizon)));
            std::iter::successors(newest, |cutoff| Some(steps.until(cutoff.minus(stride))))
                .take_while(|cutoff| *cutoff >= earliest)
                .take(most)
                .collect::<Vec<_>>()
        };
        let before_end = before(Some(end));
        let test = before_end.first().copied();
        let before_test = before(test);
        let choose = before_test.first().copied();
        let fit = before(choose);
        let also = fit.first().filter(|_| fewer < FEW).map(|older| (*older, before(Some(*older)))).filter(|(_, fit)| !fit.is_empty());
        Windows { test, choose, fit, also, before_test, before_end, end }
    }

    /// Windows at cut-offs given by hand: the newest whose horizon lies inside the data is the test, the newest that ends by it is
    /// choose; the others are fitted wherever they end in time.
    pub fn given(cutoffs: &[Cutoff], end: Cutoff, horizon: Span) -> Windows {
        let mut known: Vec<Cutoff> = cutoffs.to_vec();
        known.sort_unstable_by(|a, b| b.cmp(a));
        known.dedup();
        let before =
            |limit: Option<Cutoff>| known.iter().copied().filter(|cutoff| limit.is_some_and(|limit| cutoff.plus(horizon) <= limit)).collect::<Vec<_>>();
        let before_end = before(Some(end));
        let test = before_end.first().copied();
        let before_test = before(test);
        let choose = before_test.first().copied();
        Windows { test, choose, fit: before(choose), also: None, before_test, before_end, end }
    }

    /// What a cut-off is for: `test`, `choose`, `fit` (of a model that was measured or judged), or `refit`: learnt from by the model of the bundle alone,
    /// as its labels reach into the test window.
    pub fn role(&self, cutoff: Cutoff) -> &'static str {
        let learnt_from = |windows: &[Cutoff]| windows.contains(&cutoff);
        if self.test == Some(cutoff) {
            "test"
        } else if self.choose == Some(cutoff) || self.also.as_ref().is_some_and(|(older, _)| *older == cutoff) {
            "choose"
        } else if learnt_from(&self.before_test) || learnt_from(&self.fit) || self.also.as_ref().is_some_and(|(_, fit)| learnt_from(fit)) {
            "fit"
        } else {
            "refit"
        }
    }

    /// Every cut-off of any role, newest first.
    pub fn all(&self) -> Vec<Cutoff> {
        let mut all: Vec<Cutoff> =
            self.before_end.iter().chain(&self.before_test).chain(&self.fit).chain(self.also.iter().flat_map(|(_, fit)| fit)).copied().collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_an_older_role_end_before_a_newer_cut_off() {
        let day = |day: i64| Moment(day * 86_400);
        let horizon = Span::days(90);
        let windows = Windows::cut(day(0), day(739), horizon, Span::days(180), 5_000, &Steps::default());
        assert_eq!(windows.test, Some(day(649)));
        assert_eq!(windows.choose, Some(day(559)));
        assert_eq!(windows.fit[0], day(469));
        assert!(windows.fit.iter().all(|cutoff| cutoff.plus(horizon) <= day(559) && *cutoff >= day(90)));
        assert!(windows.before_test.iter().all(|cutoff| cutoff.plus(horizon) <= day(649)) && windows.before_test[1] == day(529));
        assert!(windows.before_end.iter().all(|cutoff| cutoff.plus(horizon) <= day(739)));
        let roles = [649, 619, 589, 559, 529, 469].map(|cutoff| windows.role(day(cutoff)));
        assert_eq!(roles, ["test", "refit", "refit", "choose", "fit", "fit"]);
    }

    #[test]
    fn the_fewer_left_in_a_window_the_more_windows_are_learnt_from() {
        assert_eq!([0, 100, 400, 500, 1_000, 90_000].map(fitted), [12, 12, 10, 8, 4, 4]);
    }

    #[test]
    fn where_few_left_an_older_window_chooses_too_with_its_own_windows_to_fit() {
        let day = |day: i64| Moment(day * 86_400);
        let horizon = Span::days(90);
        let windows = Windows::cut(day(0), day(739), horizon, Span::days(180), 300, &Steps::default());
        let (older, fit) = windows.also.clone().expect("history enough for it");
        assert!(older.plus(horizon) <= windows.choose.expect("a window that chooses") && !fit.is_empty());
        assert!(fit.iter().all(|cutoff| cutoff.plus(horizon) <= older && windows.all().contains(cutoff) && windows.role(*cutoff) == "fit"));
        assert_eq!(windows.role(older), "choose");
        assert_eq!(Windows::cut(day(0), day(739), horizon, Span::days(180), 5_000, &Steps::default()).also, None);
    }

    #[test]
    fn a_history_shorter_than_the_horizon_has_no_window() {
        let windows = Windows::cut(Moment(0), Moment(80 * 86_400), Span::days(90), Span::days(180), 5_000, &Steps::default());
        assert_eq!((windows.test, windows.choose, windows.fit.len()), (None, None, 0));
    }

    #[test]
    fn what_is_told_month_by_month_is_cut_where_months_end() {
        // Fifty customers, a row each for the last day of a month.
        let next = |month: i16| Moment::of_date(jiff::civil::date(2024 + (month + 1) / 12, ((month + 1) % 12 + 1) as i8, 1));
        let ends: Vec<Moment> = (0..26).map(|month| next(month).minus(Span::days(1))).collect();
        let store = |times: Vec<i64>| EventStore { kinds: vec!["purchase".into()], kind: vec![0; times.len()], time: times, ..EventStore::default() };
        let months = store(ends.iter().flat_map(|end| [end.0; 50]).collect());
        let kinds = ["purchase".to_owned()];
        for later in [0, 9] {
            let end = ends[25].plus(Span::days(1 + later));
            let steps = Steps::of(&months, &kinds, end);
            assert!(steps.are_months());
            let windows = Windows::cut(ends[0], end, Span::days(62), Span::days(124), 300, &steps);
            let all = windows.all();
            assert!(all.len() > 8 && all.windows(2).all(|pair| pair[0] > pair[1]), "{all:?}");
            for cutoff in all {
                assert!(ends.contains(&cutoff.minus(Span::days(1 + later))), "{}", cutoff.date());
                let seen = ends.iter().filter(|day| (cutoff..cutoff.plus(Span::days(62))).contains(day)).count();
                assert_eq!(seen, 2, "{}", cutoff.date());
            }
        }
        // A shop that sells every day, and one that hardly sells.
        for (each, events) in [(1, 50), (15, 1)] {
            let shop = store((0..700).step_by(each).flat_map(|day| vec![day as i64 * 86_400; events]).collect());
            assert_eq!(Steps::of(&shop, &kinds, Moment(700 * 86_400)), Steps::default());
        }
    }

    #[test]
    fn cut_offs_given_by_hand_take_the_roles_by_age() {
        let day = |day: i64| Moment(day * 86_400);
        let windows = Windows::given(&[day(10), day(40), day(70), day(95)], day(100), Span::days(30));
        assert_eq!((windows.test, windows.choose, windows.fit), (Some(day(70)), Some(day(40)), vec![day(10)]));
    }
}
