//! The report of a training: how good the models are, and how that is known.

use super::page::{BarLine, bars, frame, head, money, percent, percent_whole, section, sentences, short_hash, whole};
use super::words::{Word, code, filled};
use super::{EffectLine, ModelLine, SMALLEST_GROUP, TrainReport, chart};
use crate::churn::groups::RiskGroup;
use crate::churn::season::odds_factor;
use crate::config::Language;
use crate::evaluate::classify::ReliabilityBin;
use crate::evaluate::honesty::{Profit, WindowMeasured, wilson};
use crate::journey::Journey;
use crate::recommend::RankReport;
use crate::train::Driver;
use maud::{Markup, html};

pub(super) fn page(report: &TrainReport) -> Markup {
    let language = report.language.unwrap_or(Language::En);
    let word = |word: Word| word.text(language);
    let gains = gains(&report.reliability);
    let body = html! {
        div.heads { (heads(report, language)) }
        div.grid {
            @if !report.warnings.is_empty() { (section("wide warn", word(Word::Warnings), "", sentences(&report.warnings, language))) }
            @if !report.models.is_empty() { (section("wide", word(Word::Models), word(Word::ModelsHint), models(&report.models, language))) }
            @if !report.reliability.is_empty() {
                (section("", word(Word::Reliability), word(Word::ReliabilityHint), reliability(&report.reliability, language)))
                (section("", word(Word::Gains), &gains_sentence(&gains, language), chart::gains(&gains, report.churn_rate.unwrap_or(0.0), [Word::ShareContacted, Word::ShareReached, Word::Model, Word::Perfect, Word::ByLot].map(word))))
            }
            @if let Some(churn) = &report.churn {
                @if !churn.risk_groups.is_empty() { (section("wide", word(Word::RiskGroups), word(Word::RiskGroupsHint), risk_groups(&churn.risk_groups, language))) }
                @if !churn.backtest.is_empty() { (section("wide", word(Word::Backtest), word(Word::BacktestHint), backtest(&churn.backtest, language))) }
                @if let Some(made) = &churn.profit {
                    @let hint = filled(Word::ProfitHint, language, &[&format!("{:.2}", made.threshold), &percent(made.share), &money(made.profit, &report.currency)]);
                    (section("", word(Word::Profit), &hint, profit(made, &report.currency, language)))
                }
            }
            @if let Some(ranked) = &report.recommend {
                @let hint = filled(Word::RecommenderHint, language, &[&whole(ranked.ranked_customers as u64), &whole(ranked.items as u64)]);
                (section("wide", word(Word::Recommender), &hint, recommender(ranked, language)))
            }
            @if !report.effects.is_empty() { (section("wide", word(Word::Effects), word(Word::EffectsHint), effects(&report.effects, language))) }
            @if let Some(ways) = &report.journey {
                @let hint = filled(Word::JourneyHint, language, &[&whole(ways.after_touches), &whole(ways.lookback_days as u64), &whole(ways.direct)]);
                (section("wide", word(Word::Journey), &hint, journey(ways, &report.currency, language)))
            }
            @if !report.families.is_empty() { (section("wide", word(Word::Families), word(Word::FamiliesHint), families(report, language))) }
            @if !report.drivers.is_empty() { (section("wide", word(Word::Drivers), word(Word::DriversHint), drivers(&report.drivers, language))) }
            @if !report.definition.is_empty() { (section("wide", word(Word::Definition), "", html! { (report.definition) })) }
            @if !report.windows.is_empty() { (section("", word(Word::Windows), word(Word::WindowsHint), windows(report, language))) }
            @if !report.counts.is_empty() {
                @let lines: Vec<(String, u64)> = report.counts.iter().map(|(name, count)| (code(name, language), *count)).collect();
                (section("", word(Word::Counts), "", html! { table { @for (name, count) in &lines { tr { td.name { (name) } td.num { (whole(*count)) } } } } }))
            }
            @if !report.missing.is_empty() {
                (section("wide", word(Word::Missing), "", html! { dl { @for (part, reason) in &report.missing { dt { (code(part, language)) } dd { (reason) } } } }))
            }
            (section("wide", word(Word::Notes), "", sentences(&report.notes, language)))
        }
    };
    frame(language, word(Word::TrainTitle), &report.project, &facts(report, language), &summary(report, language), body)
}

fn facts(report: &TrainReport, language: Language) -> Vec<(String, String)> {
    [
        (Word::TrainedUntil, report.trained_until.clone()),
        (Word::Version, report.version.clone()),
        (Word::Seed, report.seed.to_string()),
        (Word::Bundle, short_hash(&report.bundle_hash)),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(label, value)| (label.text(language).to_string(), value))
    .collect()
}

fn chosen(report: &TrainReport) -> Option<&ModelLine> {
    report.models.iter().find(|model| model.chosen)
}

/// The best of the rules without a model.
fn rule(report: &TrainReport) -> Option<&ModelLine> {
    report.models.iter().filter(|model| model.baseline && !model.chosen).max_by(|a, b| a.measured.auc.total_cmp(&b.measured.auc))
}

fn summary(report: &TrainReport, language: Language) -> String {
    match (chosen(report), rule(report)) {
        (Some(model), Some(rule)) => filled(Word::TrainSummary, language, &[&percent(model.measured.auc), &percent(rule.measured.auc)]),
        (Some(model), None) => filled(Word::TrainSummaryAlone, language, &[&percent(model.measured.auc)]),
        (None, _) => Word::TrainSummaryPlain.text(language).to_string(),
    }
}

fn heads(report: &TrainReport, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let top = report.reliability.first().zip(report.churn_rate).filter(|(_, rate)| *rate > 0.0);
    html! {
        @if let Some(model) = chosen(report) {
            @let hint = match rule(report) {
                Some(rule) => filled(Word::AucAgainst, language, &[&format!("{:.3}", rule.measured.auc)]),
                None => word(Word::AucHint).to_string(),
            };
            (head(word(Word::Auc), &format!("{:.3}", model.measured.auc), &hint))
        }
        @if let Some(grade) = report.churn.as_ref().and_then(|churn| churn.grade.as_ref()) {
            @let gain = format!("{:+.4} ({:+.4} … {:+.4})", grade.log_loss_gain, grade.interval.0, grade.interval.1);
            (head(word(Word::Grade), &grade.letter.to_string(), &filled(Word::GradeHint, language, &[&code(&grade.against, language), &gain])))
        }
        @if let Some((bin, rate)) = top { (head(word(Word::TopDecile), &format!("{:.1} ×", bin.observed / rate), word(Word::TopDecileHint))) }
        @if let Some(gap) = report.calibration_error { (head(word(Word::Gap), &percent(gap), word(Word::GapHint))) }
        @if let Some(factor) = report.churn.as_ref().and_then(|churn| odds_factor(churn.season)) { (head(word(Word::Season), &format!("× {factor:.2}"), word(Word::SeasonHint))) }
        @if let Some(base) = report.base {
            @let hint = report.churn_rate.map(|rate| format!("{} {}", word(Word::ChurnRate), percent(rate))).unwrap_or_default();
            (head(word(Word::Base), &whole(base), &hint))
        }
        @if let Some(ranked) = &report.recommend {
            @if let Some((name, ranking)) = ranked.models.iter().find(|(name, _)| *name == ranked.chosen) {
                (head("NDCG@10", &format!("{:.3}", ranking.ndcg_10), &code(name, language)))
            }
        }
    }
}

/// A table cell: bold where it is the best of its column.
fn cell(value: f64, best: f64, digits: usize) -> Markup {
    let class = if value.total_cmp(&best).is_eq() { "num best" } else { "num" };
    html! { td class=(class) { (format!("{value:.digits$}")) } }
}

/// How a model's line names it: in words, with what it is in the bundle.
fn model_name(name: &str, chosen: bool, baseline: bool, language: Language) -> Markup {
    html! {
        td.name {
            (code(name, language))
            @if chosen { span.tag { (Word::Chosen.text(language)) } }
            @if baseline && !chosen { span.tag.rule { (Word::Baseline.text(language)) } }
        }
    }
}

fn models(models: &[ModelLine], language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let lowest = |measure: fn(&ModelLine) -> f64| models.iter().map(measure).fold(f64::INFINITY, f64::min);
    let auc = -lowest(|model| -model.measured.auc);
    let (log_loss, brier) = (lowest(|model| model.measured.log_loss), lowest(|model| model.measured.brier));
    html! {
        div.scroll { table {
            tr { th { (word(Word::ModelColumn)) } th.num { (word(Word::Auc)) } th.num { (word(Word::LogLoss)) } th.num { (word(Word::Brier)) } }
            @for model in models {
                tr class=(if model.chosen { "chosen" } else { "" }) {
                    (model_name(&model.name, model.chosen, model.baseline, language))
                    (cell(model.measured.auc, auc, 4)) (cell(model.measured.log_loss, log_loss, 4)) (cell(model.measured.brier, brier, 4))
                }
            }
        } }
    }
}

fn reliability(bins: &[ReliabilityBin], language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let groups: Vec<chart::Group> = bins
        .iter()
        .map(|bin| chart::Group {
            observed: bin.observed,
            interval: wilson((bin.observed * bin.customers as f64).round() as usize, bin.customers),
            foretold: bin.expected,
        })
        .collect();
    html! {
        (chart::reliability(&groups, word(Word::Group), word(Word::Observed), word(Word::Foretold)))
    }
}

/// Shares of customers and of leavers, group by group, riskiest first.
fn gains(bins: &[ReliabilityBin]) -> Vec<(f64, f64)> {
    let customers: f64 = bins.iter().map(|bin| bin.customers as f64).sum();
    let leavers: f64 = bins.iter().map(|bin| bin.customers as f64 * bin.observed).sum();
    let mut so_far = (0.0, 0.0);
    bins.iter()
        .map(|bin| {
            so_far.0 += bin.customers as f64;
            so_far.1 += bin.customers as f64 * bin.observed;
            (so_far.0 / customers.max(1.0), if leavers > 0.0 { so_far.1 / leavers } else { 0.0 })
        })
        .collect()
}

/// What a list of about a fifth of the customers reaches.
fn gains_sentence(gains: &[(f64, f64)], language: Language) -> String {
    let fifth = gains.iter().min_by(|a, b| (a.0 - 0.2).abs().total_cmp(&(b.0 - 0.2).abs()));
    fifth.map(|(customers, leavers)| filled(Word::GainsHint, language, &[&percent_whole(*customers), &percent_whole(*leavers)])).unwrap_or_default()
}

fn recommender(ranked: &RankReport, language: Language) -> Markup {
    let best = |measure: fn(&crate::evaluate::rank::Ranking) -> f64| ranked.models.iter().map(|(_, ranking)| measure(ranking)).fold(0.0, f64::max);
    let (ndcg_10, recall_20, ndcg_20) = (best(|r| r.ndcg_10), best(|r| r.recall_20), best(|r| r.ndcg_20));
    html! {
        div.scroll { table {
            tr { th { (Word::ModelColumn.text(language)) } th.num { "NDCG@10" } th.num { "Recall@20" } th.num { "NDCG@20" } }
            @for (name, ranking) in &ranked.models {
                @let chosen = *name == ranked.chosen;
                tr class=(if chosen { "chosen" } else { "" }) {
                    (model_name(name, chosen, name == "popular", language))
                    (cell(ranking.ndcg_10, ndcg_10, 4)) (cell(ranking.recall_20, recall_20, 4)) (cell(ranking.ndcg_20, ndcg_20, 4))
                }
            }
        } }
    }
}

/// What past offers did.
fn effects(lines: &[EffectLine], language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let points = |share: f64| format!("{:+.1}", 100.0 * share);
    html! {
        div.scroll { table {
            tr { th { (word(Word::Offer)) } th.num { (word(Word::Contacts)) } th.num { (word(Word::Responded)) } th.num { (word(Word::Change)) } th.num { (word(Word::Interval)) } }
            @for line in lines {
                tr {
                    td.name { (line.name) @if line.differs { span.tag { (word(Word::Differs)) } } }
                    td.num { (whole(line.sent)) } td.num { (percent(line.responded)) }
                    td.num { @if let Some((mean, _)) = line.change { (points(mean)) } }
                    td.num { @if let Some((_, (low, high))) = line.change { (points(low)) " … " (points(high)) } }
                }
            }
        } }
    }
}

/// Touchpoints and usual ways to a purchase.
fn journey(journey: &Journey, currency: &str, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let bought = |bought: u64, walks: u64| percent(bought as f64 / walks.max(1) as f64);
    let ways: Vec<String> = journey
        .ways
        .iter()
        .map(|way| filled(Word::WayTaken, language, &[&way.touchpoints.join(" → "), &whole(way.walks), &bought(way.bought, way.walks)]))
        .collect();
    html! {
        div.scroll { table {
            tr {
                th { (word(Word::Touchpoint)) } th.num { (word(Word::Touches)) } th.num { (word(Word::Passed)) } th.num { (word(Word::EndsInPurchase)) }
                th.num { (word(Word::Credit)) } th.num { (word(Word::Interval)) } th.num { (word(Word::Worth)) }
                th.num { (word(Word::FirstTouch)) } th.num { (word(Word::LastTouch)) }
            }
            @for touchpoint in journey.touchpoints.iter().filter(|touchpoint| touchpoint.customers >= SMALLEST_GROUP) {
                @let (low, high) = touchpoint.interval;
                tr {
                    td.name { (touchpoint.name) } td.num { (whole(touchpoint.touches)) } td.num { (whole(touchpoint.customers)) }
                    td.num { (bought(touchpoint.bought, touchpoint.walks)) }
                    td.num { (percent(touchpoint.credit)) } td.num { (percent(low)) " … " (percent(high)) }
                    td.num { (money(touchpoint.credit * journey.amount, currency)) }
                    td.num { (percent(touchpoint.first)) } td.num { (percent(touchpoint.last)) }
                }
            }
        } }
        @if !ways.is_empty() { p { (word(Word::UsualWays)) (ways.join("; ")) } }
    }
}

fn families(report: &TrainReport, language: Language) -> Markup {
    let features = Word::Features.text(language);
    let lines: Vec<BarLine> = report
        .families
        .iter()
        .map(|family| BarLine {
            name: code(&family.name, language),
            below: format!("{features}: {}", family.features),
            number: percent(family.share),
            size: family.share,
        })
        .collect();
    bars(&lines, "", language)
}

fn drivers(drivers: &[Driver], language: Language) -> Markup {
    let below = |driver: &Driver| {
        let ends: Vec<String> = driver.moves.iter().map(|(name, probability)| format!("{}: {}", code(name, language), percent_whole(*probability))).collect();
        if ends.is_empty() { driver.name.clone() } else { format!("{} — {}", ends.join(", "), driver.name) }
    };
    // What it says goes first; the name is for who looks it up in the export of features.
    let line = |driver: &Driver| BarLine { name: driver.meaning.clone(), below: below(driver), number: percent(driver.share), size: driver.share };
    bars(&drivers.iter().map(line).collect::<Vec<_>>(), "", language)
}

fn risk_groups(groups: &[RiskGroup], language: Language) -> Markup {
    let lines: Vec<BarLine> = groups
        .iter()
        .map(|group| BarLine {
            name: group.who.clone(),
            below: filled(
                Word::GroupBelow,
                language,
                &[&whole(group.left as u64), &whole(group.customers as u64), &percent_whole(group.interval.0), &percent_whole(group.interval.1)],
            ),
            number: percent(group.churn_rate),
            size: group.churn_rate,
        })
        .collect();
    bars(&lines, "", language)
}

/// The test window and those before it, each measured with what was known before it.
fn backtest(windows: &[WindowMeasured], language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    html! {
        div.scroll { table {
            tr { th { (word(Word::Cutoff)) } th.num { (word(Word::Customers)) } th.num { (word(Word::ChurnRate)) } th.num { (word(Word::Auc)) } th.num { (word(Word::Accuracy)) } th.num { (word(Word::Gap)) } }
            @for window in windows {
                tr {
                    td.date { (window.cutoff) } td.num { (whole(window.customers as u64)) } td.num { (percent(window.churn_rate)) }
                    td.num { (format!("{:.3}", window.auc)) } td.num { (percent(window.accuracy)) } td.num { (percent(window.calibration_error)) }
                }
            }
        } }
    }
}

/// Profit of contacting the riskiest tenth, two tenths and so on.
fn profit(profit: &Profit, currency: &str, language: Language) -> Markup {
    let lines: Vec<BarLine> = profit
        .curve
        .iter()
        .enumerate()
        .map(|(tenth, money_made)| BarLine {
            name: filled(Word::Riskiest, language, &[&percent_whole((tenth + 1) as f64 / profit.curve.len() as f64)]),
            below: String::new(),
            number: money(*money_made, currency),
            size: money_made.max(0.0),
        })
        .collect();
    bars(&lines, "", language)
}

fn windows(report: &TrainReport, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let dated = report.windows.iter().any(|window| !window.cutoff.is_empty());
    html! {
        div.scroll { table {
            tr {
                th { (word(Word::Role)) }
                @if dated { th { (word(Word::Cutoff)) } th { (word(Word::LabelsUntil)) } }
                th.num { (word(Word::Customers)) } th.num { (word(Word::ChurnRate)) }
            }
            @for window in &report.windows {
                tr {
                    td { (code(&window.role, language)) }
                    @if dated { td.date { (window.cutoff) } td.date { (window.until) } }
                    td.num { (whole(window.customers)) }
                    td.num { @if window.customers > 0 { (percent(window.churners as f64 / window.customers as f64)) } }
                }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_end_with_everybody_and_every_leaver() {
        let bin = |customers, observed| ReliabilityBin { customers, expected: observed, observed };
        let curve = gains(&[bin(100, 0.6), bin(100, 0.2), bin(200, 0.1)]);
        let expected = [(0.25, 0.6), (0.5, 0.8), (1.0, 1.0)];
        assert!(curve.iter().zip(expected).all(|(a, b)| (a.0 - b.0).abs() < 1e-12 && (a.1 - b.1).abs() < 1e-12), "{curve:?}");
        assert_eq!(gains_sentence(&curve, Language::En), "The riskiest 25\u{a0}% of customers hold 60\u{a0}% of those who left");
        assert!(gains(&[bin(10, 0.0)])[0].1.abs() < 1e-12);
    }
}
