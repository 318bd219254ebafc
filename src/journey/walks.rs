//! A customer's events as walks: the touchpoints since the last purchase, ended by a purchase or by silence.

use crate::timeline::{Cutoff, Event, Moment};

/// One walk.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Walk {
    /// Touchpoints in order, none twice in a row. Empty where a purchase came without any.
    pub(super) touches: Vec<usize>,
    /// Paid on the day of the purchase that ended it; `None` where silence did.
    pub(super) bought: Option<f64>,
}

/// What an event is on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Touch(usize),
    Purchase,
    /// Neither: a return.
    Neither,
}

/// The walks of a customer's events before `end`, `lookback` seconds at most from one touch to the next and to the purchase. Purchases of one
/// day are one. What has not been silent for as long yet is left out: it may still end in a purchase. Of what happened at one moment, as all of a day did where
/// exports tell no hour, touches come first.
pub(super) fn walks<'e>(events: impl Iterator<Item = Event<'e>>, step: impl Fn(&Event<'e>) -> Step, lookback: i64, end: Cutoff) -> Vec<Walk> {
    let mut walks: Vec<Walk> = Vec::new();
    let mut touches: Vec<usize> = Vec::new();
    let mut last_touch = Moment(i64::MIN);
    let mut bought_on: Option<(Moment, usize)> = None;
    let mut steps: Vec<(Moment, Step, Event<'e>)> = events.map(|event| (event.time(), step(&event), event)).collect();
    steps.sort_by_key(|(time, step, _)| (time.0, *step == Step::Purchase));
    for (time, step, event) in steps {
        let is_silent = !touches.is_empty() && time.0 - last_touch.0 > lookback;
        match step {
            Step::Neither => {}
            Step::Touch(touch) => {
                if is_silent {
                    walks.push(Walk { touches: std::mem::take(&mut touches), bought: None });
                }
                if touches.last() != Some(&touch) {
                    touches.push(touch);
                }
                last_touch = time;
            }
            Step::Purchase => {
                let amount = event.amount().unwrap_or(0.0);
                let day = time.start_of_day();
                if let Some((_, walk)) = bought_on.filter(|(known, _)| *known == day) {
                    walks[walk].bought = walks[walk].bought.map(|sum| sum + amount);
                    continue;
                }
                if is_silent {
                    walks.push(Walk { touches: std::mem::take(&mut touches), bought: None });
                }
                bought_on = Some((day, walks.len()));
                walks.push(Walk { touches: std::mem::take(&mut touches), bought: Some(amount) });
            }
        }
    }
    if !touches.is_empty() && end.0 - last_touch.0 > lookback {
        walks.push(Walk { touches, bought: None });
    }
    walks
}
