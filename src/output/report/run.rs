//! report.html: what a scoring run found.

use super::page::{BarLine, bars, expected, frame, head, head_with_unit, money, money_short, percent, section, sentences, short_hash, whole};
use super::words::{Word, code, filled};
use super::{RunReport, SMALLEST_GROUP, SegmentLine, chart};
use crate::config::Language;
use maud::{Markup, html};

pub(super) fn page(report: &RunReport) -> Markup {
    let language = report.language.unwrap_or(Language::En);
    let word = |word: Word| word.text(language);
    let small = filled(Word::SmallGroups, language, &[&SMALLEST_GROUP.to_string()]);
    let counted = |lines: &[(String, u64)]| -> Vec<BarLine> { lines.iter().map(|(name, count)| BarLine::count(code(name, language), *count)).collect() };
    let shown_items: Vec<&(String, String, u64)> = report.items.iter().filter(|item| item.2 >= SMALLEST_GROUP).collect();
    let reasons: Vec<BarLine> =
        report.reasons.iter().filter(|reason| reason.1 >= SMALLEST_GROUP).map(|(name, count)| BarLine::count(code(name, language), *count)).collect();
    let items: Vec<BarLine> = shown_items
        .iter()
        .map(|(id, name, count)| {
            let (name, below) = if name.is_empty() { (id, "") } else { (name, id.as_str()) };
            BarLine { below: below.to_string(), ..BarLine::count(name.clone(), *count) }
        })
        .collect();
    let hint = |hidden: bool| if hidden { small.as_str() } else { "" };
    let body = html! {
        div.heads { (heads(report, language)) }
        div.grid {
            @if report.expected_leaving.is_some() {
                (section("wide", word(Word::Tiers), word(Word::TiersHint), tiers(report, language)))
                (section("", word(Word::Histogram), word(Word::HistogramHint), histogram(report, language)))
            } @else {
                (section("wide warn", word(Word::ExpectedLeaving), "", html! { (word(Word::NoChurnModel)) }))
            }
            (section("", word(Word::Reasons), hint(reasons.len() < report.reasons.len()), bars(&reasons, "", language)))
            (section("wide", word(Word::Items), hint(items.len() < report.items.len()), bars(&items, "", language)))
            @if !report.segments.is_empty() {
                (section("wide", word(Word::Segments), hint(report.segments.iter().any(|line| line.customers < SMALLEST_GROUP)), segments(report, language)))
            }
            @if !report.decided.is_empty() {
                (section("wide", word(Word::Decided), word(Word::DecidedHint), decided(report, language)))
            }
            @if !report.resources.is_empty() { (section("wide", word(Word::Budgets), "", resources(report, language))) }
            @if !report.kept_back.is_empty() { (section("", word(Word::KeptBack), word(Word::KeptBackHint), bars(&counted(&report.kept_back), "quiet", language))) }
            (section("", word(Word::Statuses), "", bars(&counted(&report.statuses), "", language)))
            (section("", word(Word::Excluded), "", bars(&counted(&report.excluded), "quiet", language)))
            (section("", word(Word::Rejects), "", bars(&counted(&report.rejects), "quiet", language)))
            @if !report.files.is_empty() { (section("wide", word(Word::Files), "", files(report, language))) }
            (section("wide", word(Word::Notes), "", sentences(&report.notes, language)))
        }
    };
    frame(language, word(Word::RunTitle), &report.project, &facts(report, language), &summary(report, language), body)
}

fn facts(report: &RunReport, language: Language) -> Vec<(String, String)> {
    let model = report.model.as_deref().map(|name| code(name, language)).unwrap_or_default();
    [
        (Word::AsOf, report.as_of.clone()),
        (Word::TrainedUntil, report.trained_until.clone()),
        (Word::Model, model),
        (Word::Bundle, short_hash(&report.bundle_hash)),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(label, value)| (label.text(language).to_string(), value))
    .collect()
}

fn within(report: &RunReport, language: Language) -> String {
    report.horizon_days.map(|days| filled(Word::WithinDays, language, &[&format!("{days:.0}")])).unwrap_or_default()
}

fn summary(report: &RunReport, language: Language) -> String {
    let Some(leaving) = report.expected_leaving else {
        return filled(Word::RunSummaryPlain, language, &[&whole(report.customers)]);
    };
    let sentence = filled(Word::RunSummary, language, &[&whole(report.customers), &expected(leaving)]);
    match language {
        Language::En => format!("{sentence} {}", within(report, language)).trim_end().to_string(),
        Language::Zh => match within(report, language) {
            horizon if horizon.is_empty() => sentence,
            horizon => format!("{sentence}（{horizon}）"),
        },
    }
}

fn heads(report: &RunReport, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    html! {
        (head(word(Word::Customers), &whole(report.customers), ""))
        @if let Some(leaving) = report.expected_leaving {
            @let share = filled(Word::OfAll, language, &[&percent(leaving / report.customers.max(1) as f64)]);
            (head(word(Word::ExpectedLeaving), &expected(leaving), &[within(report, language), share].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")))
        }
        @if let Some(value) = report.value_at_risk {
            @let (number, unit) = money_short(value, &report.currency);
            (head_with_unit(word(Word::ValueAtRisk), &number, &unit, word(Word::ValueAtRiskHint)))
        }
        (head(word(Word::Offers), &whole(report.offers), &filled(Word::OffersHint, language, &[&whole(report.customers_with_offers)])))
    }
}

fn tiers(report: &RunReport, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let with_value = report.tiers.iter().any(|tier| tier.value.is_some());
    let most = report.tiers.iter().map(|tier| tier.customers).max().unwrap_or(0).max(1) as f64;
    html! {
        div.scroll { table {
            tr {
                th { (word(Word::Tier)) } th.num { (word(Word::From)) } th.bar {} th.num { (word(Word::Customers)) } th.num { (word(Word::ExpectedLeaving)) }
                th.num { (word(Word::MeanProbability)) }
                @if with_value { th.num { (word(Word::Value)) } }
            }
            @for tier in &report.tiers {
                tr {
                    td.name { @if tier.name.is_empty() { (word(Word::NoTier)) } @else { b { (tier.name) } } }
                    td.num { @if let Some(from) = tier.from { (percent(from)) } }
                    td.bar { @if tier.customers > 0 { div class=(if tier.name.is_empty() { "quiet" } else { "" }) style=(format!("width:{:.1}%", 100.0 * tier.customers as f64 / most)) {} } }
                    td.num { (whole(tier.customers)) }
                    td.num { (expected(tier.expected_leaving)) }
                    td.num { @if tier.customers > 0 { (percent(tier.expected_leaving / tier.customers as f64)) } }
                    @if with_value { td.num { @if let Some(value) = tier.value { (money(value, &report.currency)) } } }
                }
            }
        } }
    }
}

fn decided(report: &RunReport, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let most = report.decided.iter().map(|line| line.sent).max().unwrap_or(0).max(1) as f64;
    html! {
        div.scroll { table {
            tr { th { (word(Word::Offer)) } th.bar {} th.num { (word(Word::ToBeSent)) } th.num { (word(Word::KeptOut)) } th.num { (word(Word::Cost)) } th.num { (word(Word::Net)) } }
            @for line in &report.decided {
                tr {
                    td.name { b { (line.name) } }
                    td.bar { @if line.sent > 0 { div style=(format!("width:{:.1}%", 100.0 * line.sent as f64 / most)) {} } }
                    td.num { (whole(line.sent)) } td.num { (whole(line.control)) }
                    td.num { (money(line.cost, &report.currency)) }
                    td.num { @if let Some(net) = line.net { (money(net, &report.currency)) } }
                }
            }
        } }
    }
}

fn resources(report: &RunReport, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    html! {
        div.scroll { table {
            tr { th { (word(Word::Budget)) } th.bar {} th.num { (word(Word::Used)) } th.num { (word(Word::Limit)) } th.num { (word(Word::OneMore)) } }
            @for line in &report.resources {
                tr {
                    td.name { (line.name) }
                    td.bar { @if line.limit > 0.0 { div style=(format!("width:{:.1}%", 100.0 * (line.used / line.limit).min(1.0))) {} } }
                    td.num { (format!("{:.2}", line.used)) } td.num { (format!("{:.2}", line.limit)) }
                    td.num { @if line.price > 0.0 { (format!("{:.2}", line.price)) } }
                }
            }
        } }
    }
}

fn histogram(report: &RunReport, language: Language) -> Markup {
    let marks: Vec<(String, f64)> =
        report.tiers.iter().filter_map(|tier| tier.from.filter(|from| (0.0..=1.0).contains(from)).map(|from| (tier.name.clone(), from))).collect();
    chart::histogram(&report.histogram, &marks, report.base_rate, Word::ChurnProbability.text(language))
}

/// The lines whose numbers are hidden: groups below the limit, and with only one of them the smallest other as well, since the
/// totals of the page would tell the one.
fn hidden(lines: &[SegmentLine]) -> Vec<bool> {
    let mut hidden: Vec<bool> = lines.iter().map(|line| line.customers > 0 && line.customers < SMALLEST_GROUP).collect();
    if hidden.iter().filter(|hidden| **hidden).count() == 1 {
        let next = (0..lines.len()).filter(|index| !hidden[*index] && lines[*index].customers > 0).min_by_key(|index| lines[*index].customers);
        if let Some(next) = next {
            hidden[next] = true;
        }
    }
    hidden
}

fn segments(report: &RunReport, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    let hidden = hidden(&report.segments);
    let with_probability = report.segments.iter().any(|line| line.probability.is_some());
    let with_value = report.segments.iter().any(|line| line.value.is_some());
    let most = report.segments.iter().zip(&hidden).filter(|(_, hidden)| !**hidden).map(|(line, _)| line.customers).max().unwrap_or(0).max(1) as f64;
    html! {
        div.scroll { table {
            tr {
                th { (word(Word::Segment)) } th.bar {} th.num { (word(Word::Customers)) }
                @if with_probability { th.num { (word(Word::MeanProbability)) } }
                @if with_value { th.num { (word(Word::Value)) } }
            }
            @for (line, hidden) in report.segments.iter().zip(&hidden) {
                tr {
                    td.name { (code(&line.name, language)) }
                    @if *hidden {
                        td.bar {} td.num { "·" }
                        @if with_probability { td.num { "·" } }
                        @if with_value { td.num { "·" } }
                    } @else {
                        td.bar { @if line.customers > 0 { div style=(format!("width:{:.1}%", 100.0 * line.customers as f64 / most)) {} } }
                        td.num { (whole(line.customers)) }
                        @if with_probability { td.num { @if let Some(probability) = line.probability { (percent(probability)) } } }
                        @if with_value { td.num { @if let Some(value) = line.value { (money(value, &report.currency)) } } }
                    }
                }
            }
        } }
    }
}

fn files(report: &RunReport, language: Language) -> Markup {
    let word = |word: Word| word.text(language);
    html! {
        div.scroll { table {
            tr {
                th { (word(Word::File)) } th.num { (word(Word::Read)) } th.num { (word(Word::Accepted)) } th.num { (word(Word::Rejected)) }
                th.num { (word(Word::Duplicates)) } th.num { (word(Word::Skipped)) }
            }
            @for counts in &report.files {
                // The folder is the operator's, not the reader's.
                @let name = counts.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                tr {
                    td.name { (name) small { (counts.source) } }
                    td.num { (whole(counts.read)) } td.num { (whole(counts.accepted)) } td.num { (whole(counts.rejected)) }
                    td.num { (whole(counts.duplicates)) } td.num { (whole(counts.skipped)) }
                }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_small_group_cannot_be_told_from_the_total() {
        let lines = |sizes: &[u64]| sizes.iter().map(|size| SegmentLine { customers: *size, ..SegmentLine::default() }).collect::<Vec<_>>();
        assert_eq!(hidden(&lines(&[500, 4, 60])), [false, true, true]);
        assert_eq!(hidden(&lines(&[500, 4, 3])), [false, true, true]);
        assert_eq!(hidden(&lines(&[500, 10, 60])), [false, false, false]);
        assert_eq!(hidden(&lines(&[500, 0, 60])), [false, false, false]);
    }
}
