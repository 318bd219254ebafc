//! Time cut into windows, newest first: test (reported; touches nothing), choose (settings, calibration), fit (the rest).
//!
//! A window is a cut-off and the horizon after it. The labels of an older role end before the cut-off of a newer one. Once
//! settings are chosen they are refitted: on all that ends by the test window for the measures, on everything for the bundle.

use crate::config::Span;
use crate::timeline::{Cutoff, Moment};
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

impl Windows {
    /// Cuts the time from `first` (earliest event) to `end` into windows of `horizon`. Fitted windows follow each other at a third
    /// of the horizon, so that the newest behaviour has its weight; their labels overlap each other, never those of a newer role. The
    /// oldest cut-off leaves at least a horizon and half of `active_within` of history before it. `fewer` is how many left, or stayed,
    /// in a window, whichever are fewer.
    pub fn cut(first: Moment, end: Cutoff, horizon: Span, active_within: Span, fewer: usize) -> Windows {
        let most = fitted(fewer);
        let (earliest, _) = earliest(first, horizon, active_within);
        // Whole days, so that a cut-off is always a midnight.
        let stride = Span::days((horizon.seconds / 3 / 86_400).max(1));
        let before = |limit: Option<Cutoff>| {
            let newest = limit.map(|limit| limit.minus(horizon));
            std::iter::successors(newest, |cutoff| Some(cutoff.minus(stride))).take_while(|cutoff| *cutoff >= earliest).take(most).collect::<Vec<_>>()
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
        let windows = Windows::cut(day(0), day(739), horizon, Span::days(180), 5_000);
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
        let windows = Windows::cut(day(0), day(739), horizon, Span::days(180), 300);
        let (older, fit) = windows.also.clone().expect("history enough for it");
        assert!(older.plus(horizon) <= windows.choose.expect("a window that chooses") && !fit.is_empty());
        assert!(fit.iter().all(|cutoff| cutoff.plus(horizon) <= older && windows.all().contains(cutoff) && windows.role(*cutoff) == "fit"));
        assert_eq!(windows.role(older), "choose");
        assert_eq!(Windows::cut(day(0), day(739), horizon, Span::days(180), 5_000).also, None);
    }

    #[test]
    fn a_history_shorter_than_the_horizon_has_no_window() {
        let windows = Windows::cut(Moment(0), Moment(80 * 86_400), Span::days(90), Span::days(180), 5_000);
        assert_eq!((windows.test, windows.choose, windows.fit.len()), (None, None, 0));
    }

    #[test]
    fn cut_offs_given_by_hand_take_the_roles_by_age() {
        let day = |day: i64| Moment(day * 86_400);
        let windows = Windows::given(&[day(10), day(40), day(70), day(95)], day(100), Span::days(30));
        assert_eq!((windows.test, windows.choose, windows.fit), (Some(day(70)), Some(day(40)), vec![day(10)]));
    }
}
