//! What sells more, or less, at a time of the year than before and after it.
//!
//! Compared are three spans of a horizon's length, a year before the one foretold: its own, the one before and the one after, each as shares of all sales.
//! `ratio(item) = (sold then + PRIOR) / (sold at most, before or after, + PRIOR)` where more sold than at both times, the same with the least where less
//! sold than at both, and 1 in between: what came or went for good shows on one side only. One year cannot tell what in it was the season and what was the
//! year, so a ratio is expected again as far as sales as a whole rose: `lift(item) = ratio^surge`, `surge` being the share of the sales of that span that came
//! on top of what the spans around it sold. Where nothing rose there is no season.

use super::interactions::Interactions;
use super::lifts::Lifts;
use crate::config::Span;
use crate::timeline::{Cutoff, Moment};
use bincode::{Decode, Encode};
use rayon::prelude::*;

/// See above: what fewer purchases say is fashion or chance.
const PRIOR: f32 = 100.0;
/// Lifts nearer to 1 than this are not kept.
const LEAST_LIFT: f32 = 0.01;
/// Days of a year.
const YEAR: f32 = Span::YEAR.as_days() as f32;
/// Days between two cut-offs that lifts are kept for, at least.
const LEAST_STEP: f32 = 14.0;

/// Lifts for the cut-offs of the months after a training.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub(crate) struct Seasons {
    /// The cut-off of the training, in seconds.
    end: i64,
    /// Days from one of the cut-offs to the next; the first is the end of the training.
    step: u32,
    /// For each cut-off what sells otherwise after it.
    lifts: Vec<Lifts>,
}

impl Seasons {
    /// From what everyone bought before `end`, for horizons of so many days.
    pub fn fit(data: &Interactions, horizon: f32, end: Cutoff) -> Seasons {
        let ahead = ahead(data, horizon);
        if ahead.is_empty() {
            return Seasons { end: end.0, step: step(horizon) as u32, lifts: Vec::new() };
        }
        let sales = Sales::of(data);
        let mut lifts: Vec<Lifts> = ahead.par_iter().map(|days| sales.lifts(YEAR - days, horizon)).collect();
        while lifts.last().is_some_and(Lifts::is_empty) {
            lifts.pop();
        }
        Seasons { end: end.0, step: step(horizon) as u32, lifts }
    }

    /// Whether anything sells otherwise at any time.
    pub fn is_empty(&self) -> bool {
        self.lifts.is_empty()
    }

    /// Which of the lifts hold for the horizon after a cut-off: those of the nearest cut-off known, if it is one after the
    /// training and anything sells otherwise then.
    pub fn at(&self, cutoff: Cutoff) -> Option<u32> {
        if self.is_empty() || cutoff.0 < self.end {
            return None;
        }
        let point = (cutoff.days_since(Moment(self.end)) / f64::from(self.step)).round();
        (point < self.lifts.len() as f64 && !self.lifts[point as usize].is_empty()).then_some(point as u32)
    }

    /// Multiplies scores by the lifts of a time.
    pub fn apply(&self, time: Option<u32>, scores: &mut [f32]) {
        time.and_then(|time| self.lifts.get(time as usize)).into_iter().for_each(|lifts| lifts.apply(scores));
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, items: usize) -> Result<(), String> {
        if !self.lifts.is_empty() && self.step == 0 {
            return Err("recommender: the times of the year do not ascend".into());
        }
        self.lifts.iter().try_for_each(|lifts| lifts.validate(items))
    }
}

/// What sells otherwise in the horizon that begins where the data end.
pub(super) fn now(data: &Interactions, horizon: f32) -> Lifts {
    ahead(data, horizon).first().map(|days| Sales::of(data).lifts(YEAR - days, horizon)).unwrap_or_default()
}

/// Days between two cut-offs that lifts are kept for.
fn step(horizon: f32) -> f32 {
    (horizon / 3.0).max(LEAST_STEP).floor()
}

/// How many days after the end of the data the cut-offs are that a year before can tell of: the spans around each lie within the data.
fn ahead(data: &Interactions, horizon: f32) -> Vec<f32> {
    let oldest = data.events.iter().map(|event| event.days_ago).fold(0.0, f32::max);
    if YEAR + horizon > oldest + 1.0 {
        return Vec::new();
    }
    (0..).map(|point| point as f32 * step(horizon)).take_while(|days| YEAR - days >= 2.0 * horizon).collect()
}

/// What was sold, by age in whole days: each time of the year looks at some months only.
struct Sales {
    items: usize,
    /// Days ago, item and how much, the youngest day first.
    sold: Vec<(f32, u32, f32)>,
    /// Where each day begins, and the end.
    days: Vec<usize>,
}

impl Sales {
    fn of(data: &Interactions) -> Sales {
        let day = |days_ago: f32| days_ago as usize;
        let sales = || data.events.iter().filter(|event| event.weight > 0.0);
        let mut days = vec![0; sales().map(|event| day(event.days_ago)).max().unwrap_or(0) + 2];
        sales().for_each(|event| days[day(event.days_ago) + 1] += 1);
        for day in 1..days.len() {
            days[day] += days[day - 1];
        }
        let mut next = days.clone();
        let mut sold = vec![(0.0, 0, 0.0); days[days.len() - 1]];
        for event in sales() {
            let place = &mut next[day(event.days_ago)];
            sold[*place] = (event.days_ago, event.item, event.weight);
            *place += 1;
        }
        Sales { items: data.items, sold, days }
    }

    /// Of ages from `least` to `most` days, and what else was sold on the first and the last of these days.
    fn between(&self, least: f32, most: f32) -> &[(f32, u32, f32)] {
        let start = |day: f32| self.days[(day.max(0.0) as usize).min(self.days.len() - 1)];
        &self.sold[start(least)..start(most + 1.0)]
    }

    /// What sold otherwise in the span that began so many days ago than in the spans before and after it.
    fn lifts(&self, ago: f32, horizon: f32) -> Lifts {
        let [mut then, mut before, mut after] = [vec![0.0_f32; self.items], vec![0.0; self.items], vec![0.0; self.items]];
        for (days_ago, item, weight) in self.between(ago - 2.0 * horizon, ago + horizon) {
            // Ages count back: the greatest is the oldest.
            let spans = (ago - days_ago) / horizon;
            let sold = match spans {
                spans if (-1.0..0.0).contains(&spans) => &mut before,
                spans if (0.0..1.0).contains(&spans) => &mut then,
                spans if (1.0..2.0).contains(&spans) => &mut after,
                _ => continue,
            };
            sold[*item as usize] += weight;
        }
        let [all_then, all_before, all_after] = [&then, &before, &after].map(|sold| sold.iter().sum::<f32>());
        let surge = 1.0 - (all_before + all_after) / (2.0 * all_then);
        // Without sales in one of the spans nothing can be compared; not a number fails as well.
        if !(surge > 0.0 && all_before > 0.0 && all_after > 0.0) {
            return Lifts::default();
        }
        let lift = |item: usize| {
            let (one, other) = (before[item] * all_then / all_before, after[item] * all_then / all_after);
            let usual = then[item].clamp(one.min(other), one.max(other));
            libm::powf((then[item] + PRIOR) / (usual + PRIOR), surge)
        };
        Lifts::new((0..self.items).map(lift), LEAST_LIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::ItemEvent;

    /// Sales as (item, first and last days ago, how many a day).
    fn sales(spans: &[(u32, u32, u32, usize)], items: usize) -> Interactions {
        let of = |&(item, first, last, daily): &(u32, u32, u32, usize)| {
            (last..=first).flat_map(move |days| std::iter::repeat_n(ItemEvent { item, days_ago: days as f32 - 0.5, weight: 1.0 }, daily))
        };
        Interactions::from_lists(&[spans.iter().flat_map(of).collect()], items)
    }

    #[test]
    fn what_sold_more_than_before_and_after_a_year_ago_is_lifted_and_what_came_or_went_for_good_is_not() {
        // Thirty days from 365 days ago on: item 0 sells all year, 1 then only, 2 since then, 3 until then.
        let data = sales(&[(0, 460, 1, 10), (1, 365, 336, 10), (2, 365, 1, 10), (3, 460, 336, 10)], 4);
        let found = Seasons::fit(&data, 30.0, Moment(0));
        // 1,200 then, 600 before and after: half of the sales came on top.
        let lift = libm::sqrtf((300.0 + PRIOR) / PRIOR);
        let [less, lifted] = [0, 1].map(|item| found.lifts[0].of(item));
        assert!((lifted - lift).abs() < 1e-5, "{lifted} {lift}");
        // What does not rise with the others loses its share.
        assert!((less - libm::sqrtf((300.0 + PRIOR) / (600.0 + PRIOR))).abs() < 1e-5);
        let mut scores = [1.0; 4];
        found.apply(found.at(Moment(0)), &mut scores);
        assert_eq!(scores.map(f32::to_bits), [less, lifted, 1.0, 1.0].map(f32::to_bits));
        assert!(found.validate(4).is_ok() && found.validate(1).is_err());
    }

    #[test]
    fn lifts_hold_for_the_time_of_the_year_they_were_seen_at_and_none_is_told_where_sales_did_not_rise() {
        // Item 1 sells in thirty days that begin 305 days ago, sixty days after what was a year before the end.
        let data = sales(&[(0, 460, 1, 10), (1, 305, 276, 20)], 2);
        let found = Seasons::fit(&data, 30.0, Moment(1_000 * 86_400));
        let lifted = |days: i64| {
            let mut scores = [1.0; 2];
            found.apply(found.at(Moment((1_000 + days) * 86_400)), &mut scores);
            scores[1]
        };
        assert!(lifted(0) <= 1.0 && lifted(57) > 1.2 && lifted(61) > 1.2 && lifted(110) <= 1.0, "{} {} {}", lifted(0), lifted(57), lifted(110));
        assert_eq!([found.at(Moment(0)), found.at(Moment(2_000 * 86_400))], [None, None]);
        // Steady sales; and less than a year and a span before it.
        assert!(Seasons::fit(&sales(&[(0, 460, 1, 10), (1, 460, 1, 7)], 2), 30.0, Moment(0)).is_empty());
        assert!(Seasons::fit(&sales(&[(0, 380, 1, 10), (1, 365, 336, 50)], 2), 30.0, Moment(0)).is_empty());
    }
}
