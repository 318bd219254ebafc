//! How far back exports reach, beside those of training: what was cut off at the beginning counts as never done, and nobody misses it.

use super::freshness::ExportHabits;
use super::named;
use crate::error::{Error, Result};
use crate::exports::Exports;
use crate::timeline::Cutoff;

/// What reaches back less than this part of what it did in training is refused.
const REFUSED: f64 = 0.5;
/// Below this part it is worth a note; exports of whole months differ by one.
const NOTEWORTHY: f64 = 0.85;
/// What `allow_stale` calls it.
const ALLOWED: &str = "history";

/// How far back all events reach, or those of a kind or channel, in days before the as-of date.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// `all events`, or the kind or channel.
    pub name: String,
    /// Of these exports.
    pub now: f64,
    /// Of those of training.
    pub then: f64,
    /// Days that the base asks for, where it is these events that tell who is in it.
    pub asked: Option<f64>,
    /// Whether it is told by weeks with events, rather than by one that may have a stray date.
    pub is_sure: bool,
}

/// How far back everything that comes often reaches. `history_days` is what all events did in training; `asked` is how many days the base asks of the
/// events of `kinds`.
pub fn reaches(exports: &Exports, as_of: Cutoff, habits: &ExportHabits, history_days: f64, kinds: &[String], asked: Option<f64>) -> Vec<Reach> {
    let Some((first, _)) = exports.events.time_range() else { return Vec::new() };
    let all = Reach { name: "all events".into(), now: as_of.days_since(first.start_of_day()), then: history_days, asked: None, is_sure: false };
    let of_series = habits.reaches(&exports.events, as_of).into_iter().map(|(kind, name, now, then)| Reach {
        asked: asked.filter(|_| kind && kinds.iter().any(|known| known == name)),
        name: format!("{} {name}", if kind { "kind" } else { "channel" }),
        now,
        then,
        is_sure: true,
    });
    std::iter::once(all).chain(of_series).collect()
}

/// Says, in a note, what reaches less far back than in training. `allowed` is `allow_stale`.
///
/// # Errors
/// 65 where a kind or channel does so by more than half, or by so much that the base cannot be told, with the key that allows it.
pub fn check(reaches: &[Reach], as_of: Cutoff, allowed: &[String]) -> Result<Option<String>> {
    let is_allowed = allowed.iter().any(|name| name == "all" || name == ALLOWED);
    let (mut findings, mut notes) = (Vec::new(), Vec::new());
    for Reach { name, now, then, asked, is_sure } in reaches.iter().filter(|reach| reach.now < NOTEWORTHY * reach.then) {
        let hides = asked.is_some_and(|asked| *now < asked && *then >= asked);
        let base = asked.filter(|_| hides).map(|asked| format!(", too few for who was active in the {asked:.0} days before")).unwrap_or_default();
        let fact = format!("{name}: {now:.0} days back from {}, {then:.0} or more when the bundle was trained{base}", as_of.date());
        match *is_sure && (hides || *now < REFUSED * then) {
            true if !is_allowed => findings.push(fact),
            true => notes.push(format!("{fact} (allowed by allow_stale)")),
            false => notes.push(fact),
        }
    }
    if findings.is_empty() {
        return Ok((!notes.is_empty()).then(|| format!("the export reaches less far back than in training: {}", notes.join("; "))));
    }
    Err(Error::data(format!(
        "the export reaches less far back than in training, and what came before would count as never done: {}; export as much as for training, retrain on \
         exports that reach as far as these, or if this is right set allow_stale = [{ALLOWED:?}] in [project]",
        named(findings)
    )))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::timeline::Moment;

    fn told(now: f64, then: f64, asked: Option<f64>, allowed: &[&str]) -> Result<Option<String>> {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_string()).collect();
        check(&[Reach { name: "kind purchase".into(), now, then, asked, is_sure: true }], Moment(20_000 * 86_400), &allowed)
    }

    #[test]
    fn exports_cut_to_their_last_months_are_refused_and_those_of_a_month_less_are_not() {
        assert_eq!(told(900.0, 730.0, Some(180.0), &[]).unwrap(), None);
        assert_eq!(told(334.0, 365.0, Some(180.0), &[]).unwrap(), None);
        assert!(told(400.0, 730.0, Some(180.0), &[]).unwrap().unwrap().contains("400 days back from 2024-10-04, 730 or more"));
        let error = told(300.0, 730.0, Some(180.0), &[]).unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Data);
        assert!(error.message().contains("kind purchase: 300 days back from 2024-10-04, 730 or more when the bundle was trained;"), "{error}");
        assert!(told(300.0, 730.0, Some(180.0), &["history"]).unwrap().unwrap().contains("allowed by allow_stale"));
        assert!(told(300.0, 730.0, Some(180.0), &["web"]).is_err());
    }

    #[test]
    fn one_stray_date_of_long_ago_in_training_refuses_nothing() {
        let all = Reach { name: "all events".into(), now: 730.0, then: 20_000.0, asked: None, is_sure: false };
        assert!(check(&[all], Moment(20_000 * 86_400), &[]).unwrap().unwrap().contains("all events: 730 days back"));
    }

    #[test]
    fn exports_that_do_not_tell_who_was_active_are_refused_however_little_they_lack() {
        let error = told(160.0, 200.0, Some(180.0), &[]).unwrap_err();
        assert!(error.message().contains("too few for who was active in the 180 days before"), "{error}");
        assert!(told(160.0, 200.0, None, &[]).unwrap().is_some());
        // Training had no more either.
        assert!(told(100.0, 120.0, Some(180.0), &[]).unwrap().is_some());
    }
}
