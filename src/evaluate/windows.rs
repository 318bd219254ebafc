//! Time cut into windows, newest first: test (reported; touches nothing), choose (settings, calibration), fit (the rest).
//!
//! A window is a cut-off and the horizon after it. The labels of an older role end before the cut-off of a newer one.

use crate::config::Span;
use crate::timeline::{Cutoff, Moment};

/// The cut-offs of each role. A role that history is too short for is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// Reported only.
    pub test: Option<Cutoff>,
    /// Early stopping, choice, calibration.
    pub choose: Option<Cutoff>,
    /// Fitted, newest first.
    pub fit: Vec<Cutoff>,
    /// The day after the newest event: everything before is known.
    pub end: Cutoff,
}

/// At most so many cut-offs are fitted: older behaviour says less about the next months, and the time to fit grows.
const MOST_FIT_WINDOWS: usize = 8;

impl Windows {
    /// Cuts the time from `first` (earliest event) to `end` into windows of `horizon`. Fit windows follow each other at a third of
    /// the horizon: their labels overlap each other, never those of another role. The oldest cut-off leaves at least `warm_up` of
    /// history before it.
    pub fn cut(first: Moment, end: Cutoff, horizon: Span, active_within: Span) -> Windows {
        let warm_up = Span { seconds: horizon.seconds.max(active_within.seconds / 2) };
        let earliest = first.start_of_day().plus(warm_up);
        let fits = |cutoff: Cutoff| cutoff >= earliest;
        let test = Some(end.minus(horizon)).filter(|cutoff| fits(*cutoff));
        let choose = test.map(|test| test.minus(horizon)).filter(|cutoff| fits(*cutoff));
        let mut fit = Vec::new();
        // Whole days, so that a cut-off is always a midnight.
        let stride = Span::days((horizon.seconds / 3 / 86_400).max(1));
        let mut cutoff = choose.map(|choose| choose.minus(horizon));
        while let Some(next) = cutoff.filter(|cutoff| fits(*cutoff) && fit.len() < MOST_FIT_WINDOWS) {
            fit.push(next);
            cutoff = Some(next.minus(stride));
        }
        Windows { test, choose, fit, end }
    }

    /// Windows at cut-offs given by hand, oldest first: the newest whose horizon lies inside the data is the test, the one before
    /// that ends in time is choose, the others that end in time are fitted.
    pub fn given(cutoffs: &[Cutoff], end: Cutoff, horizon: Span) -> Windows {
        let mut known: Vec<Cutoff> = cutoffs.iter().copied().filter(|cutoff| cutoff.plus(horizon) <= end).collect();
        known.sort_unstable();
        known.dedup();
        let test = known.pop();
        let before = |limit: Option<Cutoff>, known: &mut Vec<Cutoff>| {
            known.retain(|cutoff| limit.is_some_and(|limit| cutoff.plus(horizon) <= limit));
        };
        before(test, &mut known);
        let choose = known.pop();
        before(choose, &mut known);
        known.reverse();
        Windows { test, choose, fit: known, end }
    }

    /// Every cut-off whose outcome is known, newest first.
    pub fn all(&self) -> Vec<Cutoff> {
        self.test.into_iter().chain(self.choose).chain(self.fit.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_an_older_role_end_before_a_newer_cut_off() {
        let day = |day: i64| Moment(day * 86_400);
        let horizon = Span::days(90);
        let windows = Windows::cut(day(0), day(739), horizon, Span::days(180));
        assert_eq!(windows.test, Some(day(649)));
        assert_eq!(windows.choose, Some(day(559)));
        assert_eq!(windows.fit[0], day(469));
        assert!(windows.fit.iter().all(|cutoff| cutoff.plus(horizon) <= day(559) && *cutoff >= day(90)));
    }

    #[test]
    fn a_history_shorter_than_the_horizon_has_no_window() {
        let windows = Windows::cut(Moment(0), Moment(80 * 86_400), Span::days(90), Span::days(180));
        assert_eq!((windows.test, windows.choose, windows.fit.len()), (None, None, 0));
    }

    #[test]
    fn cut_offs_given_by_hand_take_the_roles_by_age() {
        let day = |day: i64| Moment(day * 86_400);
        let windows = Windows::given(&[day(10), day(40), day(70), day(95)], day(100), Span::days(30));
        assert_eq!((windows.test, windows.choose, windows.fit), (Some(day(70)), Some(day(40)), vec![day(10)]));
    }
}
