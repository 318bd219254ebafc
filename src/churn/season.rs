//! The time of the year: what it adds to everyone's log-odds of leaving in the horizon after a cut-off.

use crate::timeline::Cutoff;
use bincode::{Decode, Encode};

/// Log-odds by cut-off, straight lines between the points; nothing outside them.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub struct Season {
    /// Cut-offs, ascending, and what is added there.
    points: Vec<(i64, f64)>,
}

impl Season {
    /// A season known at these cut-offs.
    pub fn new(mut points: Vec<(Cutoff, f64)>) -> Season {
        points.sort_by_key(|(cutoff, _)| *cutoff);
        Season { points: points.into_iter().map(|(cutoff, shift)| (cutoff.0, shift)).collect() }
    }

    /// Log-odds added for the horizon after the cut-off.
    pub fn shift(&self, cutoff: Cutoff) -> f64 {
        let after = self.points.partition_point(|(known, _)| *known <= cutoff.0);
        match (after.checked_sub(1).map(|before| self.points[before]), self.points.get(after)) {
            (Some((before, shift)), Some((next, there))) => shift + (there - shift) * ((cutoff.0 - before) as f64 / (next - before) as f64),
            (Some((before, shift)), None) if before == cutoff.0 => shift,
            _ => 0.0,
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
        let season = Season::new(vec![(Moment(100), 0.4), (Moment(0), 0.2)]);
        for (at, expected) in [(-1, 0.0), (0, 0.2), (50, 0.3), (100, 0.4), (101, 0.0)] {
            assert!((season.shift(Moment(at)) - expected).abs() < 1e-12, "{at}");
        }
        assert!(Season::default().shift(Moment(5)).abs() < 1e-300);
    }
}
