//! The recommender of a training.

use super::Purpose;
use super::measured::{Measured, RankMeasured};
use crate::config::Config;
use crate::error::Result;
use crate::evaluate::windows::Windows;
use crate::exports::Exports;
use crate::recommend::{self, RankReport, RankWindows, Recommender};
use std::collections::BTreeMap;

/// A recommender and how good it is, or why there is none.
pub(super) type Ranking = std::result::Result<(Recommender, RankReport), String>;

/// Learns the recommender. Its windows: the horizon of churn, or a quarter of the history where that is shorter.
pub(super) fn recommend(config: &Config, exports: &Exports, windows: &Windows, purpose: Purpose) -> Result<Ranking> {
    let rank_windows = exports.events.time_range().map(|(first, _)| {
        let days = windows.end.days_since(first.start_of_day());
        let horizon = crate::config::Span::days((config.churn.horizon.as_days().min(days / 4.0).floor() as i64).max(1));
        RankWindows { test: windows.end.minus(horizon), choose: windows.end.minus(horizon).minus(horizon), end: windows.end }
    });
    let mut untimed = config.events.iter().filter(|source| source.time.is_none() && source.item.is_some());
    let lists = untimed.clone().next().is_some() && untimed.all(|source| source.files.layout == crate::config::Layout::List);
    recommend::train(exports, &config.recommend, rank_windows, lists, purpose != Purpose::Fit, config.project.seed)
}

/// What was measured of it joins the rest.
pub(super) fn measured(ranking: Ranking, measured: &mut Measured) -> Option<Recommender> {
    match ranking {
        Ok((recommender, report)) => {
            measured.ranked_customers = Some(report.ranked_customers);
            measured.warnings.extend(report.warnings.iter().cloned());
            measured.recommend = rank_measured(&report);
            if measured.recommend.is_none() {
                measured.reasons.insert("recommend".into(), "no customer with a history did anything with an item in the test window".into());
            }
            Some(recommender)
        }
        Err(reason) => {
            measured.reasons.insert("recommend".into(), reason);
            None
        }
    }
}

fn rank_measured(report: &RankReport) -> Option<RankMeasured> {
    let mut models: BTreeMap<String, crate::evaluate::rank::Ranking> = report.models.iter().cloned().collect();
    let ranking = models.remove("chosen")?;
    (report.ranked_customers > 0).then_some(RankMeasured {
        chosen: report.chosen.clone(),
        ranking,
        models,
        bought_once: report.bought_once.clone(),
        detail: report.detail.clone(),
    })
}
