//! The time of the year: what it adds to the log-odds of leaving in the horizon after a cut-off.

use crate::timeline::Cutoff;
use bincode::{Decode, Encode};

/// Log-odds to be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Encode, Decode)]
pub struct Shift {
    /// To everyone's.
    pub all: f64,
    /// To those of a customer who is as likely to leave as to stay, and in proportion to `p (1 - p)` less to the others'.
    pub doubtful: f64,
}

impl Shift {
    /// What is added to the log-odds of a probability.
    pub fn at(self, p: f64) -> f64 {
        self.all + self.doubtful * 4.0 * p * (1.0 - p)
    }

    fn towards(self, other: Shift, part: f64) -> Shift {
        Shift { all: self.all + (other.all - self.all) * part, doubtful: self.doubtful + (other.doubtful - self.doubtful) * part }
    }

    fn is_finite(self) -> bool {
        self.all.is_finite() && self.doubtful.is_finite()
    }
}

/// What is added by cut-off, straight lines between the points; nothing outside them.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub struct Season {
    /// Cut-offs, ascending, and what is added there.
    points: Vec<(i64, Shift)>,
}

impl Season {
    /// A season known at these cut-offs.
    pub fn new(mut points: Vec<(Cutoff, Shift)>) -> Season {
        points.sort_by_key(|(cutoff, _)| *cutoff);
        Season { points: points.into_iter().map(|(cutoff, shift)| (cutoff.0, shift)).collect() }
    }

    /// What is added for the horizon after the cut-off.
    pub fn shift(&self, cutoff: Cutoff) -> Shift {
        let after = self.points.partition_point(|(known, _)| *known <= cutoff.0);
        match (after.checked_sub(1).map(|before| self.points[before]), self.points.get(after)) {
            (Some((before, shift)), Some((next, there))) => shift.towards(*there, (cutoff.0 - before) as f64 / (next - before) as f64),
            (Some((before, shift)), None) if before == cutoff.0 => shift,
            _ => Shift::default(),
        }
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> Result<(), String> {
        let sound = self.points.iter().all(|(_, shift)| shift.is_finite()) && self.points.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if sound { Ok(()) } else { Err("the season is not a list of numbers in order of time".into()) }
    }
}

/// What a shift of log-odds multiplies the odds of leaving by; `None` where that is 1 but for rounding.
pub fn odds_factor(shift: f64) -> Option<f64> {
    (shift.abs() > 0.005).then(|| shift.exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Moment;

    #[test]
    fn between_two_cut_offs_the_season_moves_on_a_straight_line_and_outside_it_adds_nothing() {
        let shift = |all: f64| Shift { all, doubtful: -all };
        let season = Season::new(vec![(Moment(100), shift(0.4)), (Moment(0), shift(0.2))]);
        for (at, expected) in [(-1, 0.0), (0, 0.2), (50, 0.3), (100, 0.4), (101, 0.0)] {
            let Shift { all, doubtful } = season.shift(Moment(at));
            assert!((all - expected).abs() < 1e-12 && (doubtful + expected).abs() < 1e-12, "{at}");
        }
        assert_eq!(Season::default().shift(Moment(5)), Shift::default());
    }

    #[test]
    fn who_is_in_doubt_is_moved_most_by_what_is_for_the_doubtful() {
        let shift = Shift { all: 0.1, doubtful: -0.3 };
        assert!((shift.at(0.5) + 0.2).abs() < 1e-12);
        assert!((shift.at(0.1) - 0.1 + 0.3 * 0.36).abs() < 1e-12 && (shift.at(0.1) - shift.at(0.9)).abs() < 1e-12);
    }
}
