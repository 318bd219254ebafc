//! What every page has: its frame, headline numbers, sections, tables with bars; and how numbers are written.

use super::words::Word;
use crate::config::Language;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style sheet, part of each page.
const STYLE: &str = include_str!("style.css");

/// A page. The policy in its head forbids a browser to load or run anything, whatever the names in the data look like.
pub(super) fn frame(language: Language, title: &str, project: &str, facts: &[(String, String)], summary: &str, body: Markup) -> Markup {
    let code = match language {
        Language::En => "en",
        Language::Zh => "zh-Hans",
    };
    html! {
        (DOCTYPE)
        html lang=(code) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (project) " · " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header {
                        h1 { (title) " · " (project) }
                        div.facts { @for (label, value) in facts { span { (label) " " b { (value) } } } }
                        p.summary { (summary) }
                    }
                    (body)
                    footer { (Word::Footer.text(language)) }
                }
            }
        }
    }
}

/// A headline number.
pub(super) fn head(label: &str, number: &str, hint: &str) -> Markup {
    head_with_unit(label, number, "", hint)
}

/// A headline number with a unit in smaller letters.
pub(super) fn head_with_unit(label: &str, number: &str, unit: &str, hint: &str) -> Markup {
    html! { div.head { div.label { (label) } div.number { (number) @if !unit.is_empty() { " " small { (unit) } } } div.hint { (hint) } } }
}

/// A section of the page.
pub(super) fn section(class: &str, title: &str, hint: &str, body: Markup) -> Markup {
    html! {
        section class=(class) {
            h2 { (title) }
            @if !hint.is_empty() { p.hint { (hint) } }
            div.body { (body) }
        }
    }
}

/// A line of a table with bars: name, smaller text below it, number as text, size of the bar.
pub(super) struct BarLine {
    pub(super) name: String,
    pub(super) below: String,
    pub(super) number: String,
    pub(super) size: f64,
}

impl BarLine {
    /// A line for a count of customers or rows.
    pub(super) fn count(name: String, count: u64) -> BarLine {
        BarLine { name, below: String::new(), number: whole(count), size: count as f64 }
    }
}

/// A table with a bar on each line, as long as its share of the largest.
pub(super) fn bars(lines: &[BarLine], class: &str, language: Language) -> Markup {
    let largest = lines.iter().map(|line| line.size).fold(0.0, f64::max);
    html! {
        @if lines.is_empty() {
            p.hint { (Word::None.text(language)) }
        } @else {
            table.bars {
                @for line in lines {
                    tr {
                        td.name { (line.name) @if !line.below.is_empty() { small { (line.below) } } }
                        td.bar { @if line.size > 0.0 { div class=(class) style=(format!("width:{:.1}%", 100.0 * line.size / largest)) {} } }
                        td.num { (line.number) }
                    }
                }
            }
        }
    }
}

/// A list of sentences.
pub(super) fn sentences(lines: &[String], language: Language) -> Markup {
    html! {
        @if lines.is_empty() { p.hint { (Word::None.text(language)) } } @else { ul { @for line in lines { li { (line) } } } }
    }
}

/// A count with commas between thousands.
pub(super) fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of customers that is expected, not counted: one digit below ten, else whole.
pub(super) fn expected(number: f64) -> String {
    if number.abs() < 9.95 { format!("{number:.1}") } else { whole(number.round().max(0.0) as u64) }
}

/// A share as per cent with one digit. The blank does not break a line.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", 100.0 * share)
}

/// A share as whole per cent.
pub(super) fn percent_whole(share: f64) -> String {
    format!("{:.0}\u{a0}%", 100.0 * share)
}

/// A headline amount and its unit: the amount in thousands or millions where it would be long.
pub(super) fn money_short(amount: f64, currency: &str) -> (String, String) {
    let text = match amount.abs() {
        size if size >= 999_500.0 => format!("{:.2} M", amount / 1e6),
        size if size >= 99_950.0 => format!("{:.0} k", amount / 1e3),
        _ => money(amount, ""),
    };
    (text, currency.to_string())
}

/// An amount without cents, with the currency.
pub(super) fn money(amount: f64, currency: &str) -> String {
    let sign = if amount.round() < 0.0 { "−" } else { "" };
    let text = format!("{sign}{}", whole(amount.abs().round() as u64));
    if currency.is_empty() { text } else { format!("{text} {currency}") }
}

/// The first digits of a hash, enough to compare by eye.
pub(super) fn short_hash(hash: &str) -> String {
    hash.chars().take(12).collect()
}
