//! The time of the year: what it adds to the log-odds of leaving in the horizon after a cut-off.

use crate::timeline::Cutoff;
use bincode::{Decode, Encode};

/// Log-odds to be added: a straight line in the probability that they are added to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Encode, Decode)]
pub struct Shift {
    /// Where nobody would leave.
    pub stays: f64,
    /// Where everybody would.
    pub leaves: f64,
}

impl Shift {
    /// What is added to the log-odds of a probability.
    pub fn at(self, p: f64) -> f64 {
        self.stays + (self.leaves - self.stays) * p
    }

    fn towards(self, other: Shift, part: f64) -> Shift {
        Shift { stays: self.stays + (other.stays - self.stays) * part, leaves: self.leaves + (other.leaves - self.leaves) * part }
    }

    fn is_finite(self) -> bool {
        self.stays.is_finite() && self.leaves.is_finite()
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

    /// What is added at the first cut-off that it is known at; nothing where it is known at none.
    pub fn first(&self) -> Shift {
        self.points.first().map_or_else(Shift::default, |(_, shift)| *shift)
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
        let shift = |stays: f64| Shift { stays, leaves: -stays };
        let season = Season::new(vec![(Moment(100), shift(0.4)), (Moment(0), shift(0.2))]);
        for (at, expected) in [(-1, 0.0), (0, 0.2), (50, 0.3), (100, 0.4), (101, 0.0)] {
            let Shift { stays, leaves } = season.shift(Moment(at));
            assert!((stays - expected).abs() < 1e-12 && (leaves + expected).abs() < 1e-12, "{at}");
        }
        assert_eq!(season.first(), shift(0.2));
        assert_eq!([Season::default().shift(Moment(5)), Season::default().first()], [Shift::default(); 2]);
    }

    #[test]
    fn between_those_who_stay_and_those_who_leave_a_straight_line_is_added() {
        let shift = Shift { stays: -0.3, leaves: 0.1 };
        for (p, expected) in [(0.0, -0.3), (0.5, -0.1), (1.0, 0.1)] {
            assert!((shift.at(p) - expected).abs() < 1e-12, "{p}");
        }
    }
}
