//! The end of the data: a row dated ahead of the rest, or an export that stops before the others, makes nearly everyone look gone.

use crate::config::{ChurnSettings, Definition, Span};
use crate::timeline::{Cutoff, EventStore, Moment};

/// Horizons before the last that say what one usually holds.
const BEFORE: usize = 4;
/// Events that a horizon usually holds, from which on a lack of them is no chance.
const LEAST: usize = 200;
/// Share of what is usual below which the last horizon is no part of the history.
const THIN: f64 = 0.05;
/// Share of what a week usually holds, from which on a week is a part of it.
const USUAL: f64 = 0.5;
const DAY: i64 = 86_400;
const YEAR: i64 = 365;
/// Days of silence from which on they are more than a weekend.
const WEEK: i64 = 7;

/// What is wrong with the last horizon before `end`, if next to nothing of what churn is told by lies in it though the horizons before and the same time of
/// the year before are full of it.
pub fn thin_end(store: &EventStore, churn: &ChurnSettings, end: Cutoff) -> Option<String> {
    let kinds: Vec<bool> = match churn.definition {
        Definition::Inactivity => store.kinds.iter().map(|kind| churn.kinds.contains(kind)).collect(),
        Definition::Subscription { .. } => vec![true; store.kinds.len()],
        Definition::Label | Definition::None => return None,
    };
    let times = || store.time.iter().zip(&store.kind).filter(|(_, kind)| kinds[usize::from(**kind)]).map(|(time, _)| *time);
    let (first, newest) =
        times().fold(None, |range: Option<(i64, i64)>, time| Some(range.map_or((time, time), |(low, high)| (low.min(time), high.max(time)))))?;
    // Events before each day of the history.
    let start = first.div_euclid(DAY);
    let length = end.0.div_euclid(DAY) - start;
    let mut before_day = vec![0_usize; length as usize + 1];
    times().for_each(|time| before_day[(time.div_euclid(DAY) - start + 1) as usize] += 1);
    (1..before_day.len()).for_each(|day| before_day[day] += before_day[day - 1]);
    // Days are counted back from the end.
    let within = |from: i64, to: i64| before_day[(length - to).max(0) as usize] - before_day[(length - from).max(0) as usize];
    let horizon = (churn.horizon.seconds / DAY).max(1);
    let of = |back: i64| within(back + horizon, back);
    if length < (BEFORE as i64 + 1) * horizon {
        return None;
    }
    let last = of(0);
    let mut before: Vec<usize> = (1..=BEFORE as i64).map(|number| of(number * horizon)).collect();
    before.sort_unstable();
    let is_thin = |count: usize, usual: usize| (count as f64) < THIN * usual as f64;
    let mut usual = before[BEFORE / 2 - 1];
    if usual < LEAST {
        // Dated ahead by years, so that all of them are empty.
        let mut held: Vec<usize> = (0..length / horizon).map(|number| of(number * horizon)).filter(|count| *count > 0).collect();
        held.sort_unstable();
        usual = held.get(held.len() / 2).copied().filter(|usual| before.iter().all(|count| is_thin(*count, *usual))).unwrap_or(0);
    }
    let is_season = length >= YEAR + horizon && is_thin(of(YEAR), usual) && before.iter().any(|count| !is_thin(*count, usual));
    if usual < LEAST || !is_thin(last, usual) || is_season {
        return None;
    }
    // Back, day by day, to the last week that is as full as weeks usually are.
    let a_week = usual as f64 * 7.0 / horizon as f64;
    let full = (0..length - 7).find(|back| within(back + 7, *back) as f64 >= USUAL * a_week).unwrap_or(horizon);
    let what = match churn.definition {
        Definition::Inactivity => churn.kinds.join(", "),
        _ => "events".to_owned(),
    };
    let newest = Moment(newest).date();
    Some(format!(
        "the last {horizon} days before {} hold {last} of {what}, where as many days usually hold {usual}: after {} there is hardly any (the newest is of {newest}), so that \
         nearly everyone would look gone; leave rows dated ahead out (`where`), export what is cut short again, or, if this is right, say [churn] cutoffs",
        end.date(),
        end.minus(Span::days(full)).date()
    ))
}

/// The day after the newest event that counts as alive, where no chance keeps it so far from `end`: a week, and longer than any time between two such
/// days in the year before. Of the days after it nobody knows who left.
pub fn told_until(store: &EventStore, churn: &ChurnSettings, end: Cutoff) -> Option<Cutoff> {
    if churn.definition != Definition::Inactivity {
        return None;
    }
    let counts: Vec<bool> = store.kinds.iter().map(|kind| churn.kinds.contains(kind)).collect();
    let alive =
        || store.time.iter().zip(&store.kind).filter(|(time, kind)| **time < end.0 && counts[usize::from(**kind)]).map(|(time, _)| time.div_euclid(DAY));
    let last = alive().max()?;
    let quiet = end.0.div_euclid(DAY) - last - 1;
    if quiet < WEEK {
        return None;
    }
    // The days of the year before, the last one first.
    let mut has_any = [false; YEAR as usize];
    alive().filter(|day| *day > last - YEAR).for_each(|day| has_any[(last - day) as usize] = true);
    let days: Vec<usize> = (0..has_any.len()).filter(|back| has_any[*back]).collect();
    let longest = days.windows(2).map(|pair| (pair[1] - pair[0]) as i64 - 1).max()?;
    (quiet > longest).then_some(Moment((last + 1) * DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events of a shop, by day: 20 purchases on each day before `until`, then those of `also`.
    fn end_of(until: i64, also: &[(i64, u8)], skipped: std::ops::Range<i64>) -> Option<String> {
        let days = (0..until).filter(|day| !skipped.contains(&(day % 365))).flat_map(|day| std::iter::repeat_n((day, 0), 20));
        let (time, kind): (Vec<i64>, Vec<u8>) = days.chain(also.iter().copied()).map(|(day, kind)| (day * DAY + 3_600, kind)).unzip();
        let end = Moment(time.iter().copied().max().unwrap_or(0)).next_day();
        let store = EventStore { time, kind, kinds: vec!["purchase".into(), "view".into()], ..EventStore::default() };
        thin_end(&store, &ChurnSettings::of_purchases(60, 30), end)
    }

    #[test]
    fn days_after_the_last_purchase_are_no_part_of_the_history_where_no_chance_made_them_empty() {
        let until = |days: &[i64], last_view: i64| {
            let (time, kind): (Vec<i64>, Vec<u8>) =
                days.iter().map(|day| (*day, 0)).chain([(last_view, 1)]).map(|(day, kind)| (day * DAY + 3_600, kind)).unzip();
            let end = Moment(last_view * DAY).next_day();
            let store = EventStore { time, kind, kinds: vec!["purchase".into(), "expiry".into()], ..EventStore::default() };
            told_until(&store, &ChurnSettings::of_purchases(60, 30), end).map(|until| until.0 / DAY)
        };
        let daily: Vec<i64> = (0..400).collect();
        assert_eq!((until(&daily, 420), until(&daily, 404), until(&daily, 399)), (Some(400), None, None), "a weekend is no end");
        let weekly: Vec<i64> = (0..400).step_by(12).collect();
        assert_eq!((until(&weekly, 405), until(&weekly, 420)), (None, Some(397)), "a business of few orders has quiet weeks");
    }

    #[test]
    fn a_row_dated_ahead_and_an_export_cut_short_are_told_of_and_a_quiet_season_is_not() {
        assert_eq!(end_of(400, &[], 0..0), None);
        let ahead = end_of(400, &[(470, 0)], 0..0).unwrap_or_default();
        assert!(ahead.contains("hold 1 of purchase, where as many days usually hold 380") && ahead.contains("(the newest is of 1971-04-16)"), "{ahead}");
        // Views go on where purchases stop.
        let views: Vec<(i64, u8)> = (400..450).map(|day| (day, 1)).collect();
        let short = end_of(400, &views, 0..0).unwrap_or_default();
        assert!(short.contains("hold 0 of purchase") && short.contains("(the newest is of 1971-02-04)"), "{short}");
        // Nobody buys in summer, last year neither.
        assert_eq!(end_of(365 + 200, &[(365 + 231, 0)], 200..235), None);
        // By years: a year of four digits, mistyped.
        let far = end_of(400, &[(7_300, 0)], 0..0).unwrap_or_default();
        assert!(far.contains("hold 1 of purchase") && far.contains("after 1971-02-08 there is hardly any"), "{far}");
        // Too little to tell.
        assert_eq!(end_of(40, &[(170, 0)], 0..0), None);
    }
}
