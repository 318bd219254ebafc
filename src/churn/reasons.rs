//! Why a customer is on the list: the model's own contributions, grouped by family, in words with the customer's numbers.

use super::Contributions;
use crate::config::Language;
use crate::error::{Error, Result};
use crate::snapshot::features::ACTING;
use crate::snapshot::learned::FeaturePlan;
use crate::snapshot::{FeatureSpec, FeatureValues, chinese, is_called};

/// A family that moves a customer's risk by less than this (log-odds) is no reason.
const LEAST: f64 = 0.02;

/// From so many days on a time is told in whole days that have passed.
const WHOLE_DAYS: f64 = 3.0;
/// Below this a sum of decayed counts is none: one event of seven half-lives ago.
const HARDLY_ANY: f64 = 0.008;

/// Up to `most` reasons, strongest first: (code, text). The code of a family that raises the risk is the family's name, of one
/// that lowers it `keeps_` and the name; a lowering family is named only when none raises.
/// What is `hidden` (families, columns of the profiles) is never named.
pub fn reasons(plan: &FeaturePlan, row: &[f64], contributions: &Contributions, most: usize, hidden: &[String], language: Language) -> Vec<(String, String)> {
    let mut families: Vec<(&str, f64)> = Vec::new();
    for (spec, added) in plan.specs.iter().zip(&contributions.by_feature) {
        // How long ago and how long compared with the usual gap are one reason to a reader.
        let own = if spec.family == "rhythm" { "recency" } else { spec.family.as_str() };
        match families.iter_mut().find(|(family, _)| *family == own) {
            Some((_, sum)) => *sum += added,
            None => families.push((own, *added)),
        }
    }
    // Profile columns are families of their own: age and contract are different reasons.
    families.retain(|(family, _)| *family != "profile" && *family != ACTING);
    let mut strengths: Vec<(String, Option<usize>, f64)> = families.into_iter().map(|(family, sum)| (family.to_string(), None, sum)).collect();
    for (column, spec) in plan.specs.iter().enumerate().filter(|(_, spec)| spec.family == "profile") {
        strengths.push((spec.name.clone(), Some(column), contributions.by_feature[column]));
    }
    strengths.retain(|(name, ..)| !hidden.iter().any(|hidden| is_called(name, hidden)));
    strengths.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    let told = |strength: &(String, Option<usize>, f64)| say(plan, row, contributions, strength, language);
    let raising = strengths.iter().take_while(|(.., sum)| *sum > LEAST);
    let raising: Vec<_> = raising.filter_map(|strength| Some((strength.0.clone(), told(strength)?))).take(most).collect();
    if !raising.is_empty() {
        return raising;
    }
    let lowering = strengths.iter().rev().take_while(|(.., sum)| *sum < -LEAST);
    lowering.filter_map(|strength| Some((format!("keeps_{}", strength.0), told(strength)?))).take(1).collect()
}

/// Checks that what is not to be given as a reason exists.
///
/// # Errors
/// 78 naming what is neither a family nor a column of the profiles.
pub fn check_hidden(plan: &FeaturePlan, hidden: &[String]) -> Result<()> {
    let known = |name: &&String| plan.specs.iter().any(|spec| is_called(if spec.family == "profile" { &spec.name } else { &spec.family }, name));
    match hidden.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            let mut families: Vec<&str> = plan.specs.iter().map(|spec| spec.family.as_str()).filter(|family| *family != "profile").collect();
            families.dedup();
            let families = families.join(", ");
            Err(Error::config(format!("[churn] hide_reasons: {name:?} is no column of the profiles and no family of features (those are {families})")))
        }
    }
}

/// The sentence of a family: that of its feature which pulls most in the family's direction, of those in which the customer differs from others as a
/// reader sees it. None where there is none: "6 orders, typically 6" is no reason.
fn say(plan: &FeaturePlan, row: &[f64], contributions: &Contributions, strength: &(String, Option<usize>, f64), language: Language) -> Option<String> {
    let pull = |column: usize| strength.2.signum() * contributions.by_feature[column];
    let named = |name: &str| plan.specs.iter().position(|spec| spec.name == name).map(|column| row[column]).filter(|value| !value.is_nan());
    if strength.0 == "recency"
        && let (Some(since), Some(usual)) = (named("days_since_last"), named("gap_usual"))
    {
        // Whole days that have passed, as in the column days_since_last.
        let since = since.floor();
        return Some(match language {
            Language::En => format!("no order for {since:.0} days; usually every {usual:.0}"),
            Language::Zh => format!("已 {since:.0} 天没有订单；通常每 {usual:.0} 天一次"),
        });
    }
    if let Some(column) = strength.1 {
        return Some(brief(&plan.specs[column], row[column], plan.typical[column], language));
    }
    let mut own: Vec<usize> = (0..plan.specs.len()).filter(|column| plan.specs[*column].family == strength.0 && pull(*column) > 0.0).collect();
    own.sort_by(|a, b| pull(*b).total_cmp(&pull(*a)));
    let told = |column: usize, value: f64| brief(&plan.specs[column], value, plan.typical[column], language);
    own.into_iter().map(|column| (told(column, row[column]), told(column, plan.typical[column]))).find(|(own, typical)| own != typical).map(|(own, _)| own)
}

/// One feature in words for who acts on it: a sum of counts that fade has no unit to check, so it is told beside what is typical.
fn brief(spec: &FeatureSpec, value: f64, typical: f64, language: Language) -> String {
    match spec.lately(language) {
        Some(what) if !value.is_nan() && !typical.is_nan() => {
            format!("{what}{}{}", colon(language), beside_typical(value, typical, language))
        }
        _ => sentence(spec, value, typical, language),
    }
}

/// One feature in words: what it is, the customer's value, what is typical.
pub fn sentence(spec: &FeatureSpec, value: f64, typical: f64, language: Language) -> String {
    let what = spec.called_in(language);
    let colon = colon(language);
    if value.is_nan() {
        return format!("{what}{colon}{}", if language == Language::Zh { "未知" } else { "not known" });
    }
    if let FeatureValues::Category { vocabulary } = &spec.values {
        let name = vocabulary.get(value as usize).map_or("other", String::as_str);
        return format!("{what}{colon}{name}");
    }
    let shown = |value: f64| match spec.unit.as_str() {
        "share" => percent(value),
        "days" if value.abs() >= WHOLE_DAYS => number(value.trunc()),
        _ => number(spec.told(value)),
    };
    // Shares have their sign; multiples and points of a scale have no unit that says more than the number.
    let unit = match (spec.unit.as_str(), language) {
        ("share" | "" | "times" | "points" | "nats", _) => String::new(),
        (unit, Language::Zh) => format!(" {}", chinese::unit(unit)),
        (unit, Language::En) => format!(" {}", if shown(value) == "1" { singular(unit) } else { unit }),
    };
    match (typical.is_nan(), language) {
        (true, _) => format!("{what}{colon}{}{unit}", shown(value)),
        (false, Language::En) => format!("{what}: {}{unit}, typically {}", shown(value), shown(typical)),
        (false, Language::Zh) => format!("{what}：{}{unit}，一般为 {}", shown(value), shown(typical)),
    }
}

/// What stands between a name and its value.
fn colon(language: Language) -> &'static str {
    match language {
        Language::En => ": ",
        Language::Zh => "：",
    }
}

/// A sum without a unit, beside the typical one.
fn beside_typical(value: f64, typical: f64, language: Language) -> String {
    let (none, rare) = (value < HARDLY_ANY, typical < HARDLY_ANY);
    let ratio = value / typical;
    match (language, none, rare) {
        (Language::En, true, true) => "none, as is typical".into(),
        (Language::En, true, false) => "none, typically some".into(),
        (Language::En, false, true) => "some, typically none".into(),
        (Language::En, ..) if ratio < 2.0 => format!("{} of what is typical", percent(ratio)),
        (Language::En, ..) => format!("{} times what is typical", number((10.0 * ratio).round() / 10.0)),
        (Language::Zh, true, true) => "无，一般也没有".into(),
        (Language::Zh, true, false) => "无，一般有".into(),
        (Language::Zh, false, true) => "有，一般没有".into(),
        (Language::Zh, ..) => format!("为一般水平的 {}", percent(ratio)),
    }
}

/// A share as a person writes it.
fn percent(share: f64) -> String {
    format!("{} %", number((100.0 * share).round()))
}

/// One of a unit.
fn singular(unit: &str) -> &str {
    match unit {
        "categories" => "category",
        // A currency's code is no plural.
        unit if unit.chars().all(|letter| letter.is_uppercase()) => unit,
        unit => unit.strip_suffix('s').unwrap_or(unit),
    }
}

/// A number as a person writes it: whole when it is whole or large, else up to two digits.
fn number(value: f64) -> String {
    // What is hardly below nothing (a sum of decayed counts taken back) is nothing, not "-0".
    let value = if value.abs() < 0.005 { 0.0 } else { value };
    if value.abs() >= 100.0 || (value - value.round()).abs() < 1e-9 {
        format!("{value:.0}")
    } else {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn spec(name: &str, unit: &str, meaning: &str, family: &str) -> FeatureSpec {
        FeatureSpec { name: name.into(), unit: unit.into(), meaning: meaning.into(), family: family.into(), kinds: Vec::new(), values: FeatureValues::Number }
    }

    fn plan() -> FeaturePlan {
        let mut contract = spec("profile_Contract", "", "Contract of the profile", "profile");
        contract.values = FeatureValues::Category { vocabulary: vec!["Month-to-month".into(), "Two year".into(), "other".into()] };
        FeaturePlan {
            specs: vec![
                spec("days_since_last", "days", "days since the last order", "recency"),
                spec("gap_usual", "days", "usual days between orders", "rhythm"),
                spec("orders_90d", "orders", "orders in the last 90 days", "frequency"),
                contract,
            ],
            typical: vec![20.0, 30.0, 3.0, f64::NAN],
            spreads: Vec::new(),
            reading: crate::snapshot::learned::Reading::default(),
            learned: crate::snapshot::learned::Learned::default(),
        }
    }

    #[test]
    fn what_is_as_with_others_is_no_reason() {
        let mut plan = plan();
        plan.specs.push(spec("orders_180d", "orders", "orders in the last 180 days", "frequency"));
        plan.typical.push(6.2);
        let told = |orders: f64| {
            let contributions = Contributions { base: 0.0, by_feature: vec![0.0, 0.0, 0.1, 0.0, 0.5] };
            reasons(&plan, &[10.0, 30.0, 2.0, 0.0, orders], &contributions, 3, &[], Language::En)
        };
        // Of the family, the next that differs; without one, the family is none.
        assert_eq!(told(4.0)[0].1, "orders in the last 180 days: 4 orders, typically 6.2");
        assert_eq!(told(6.2), [("frequency".to_string(), "orders in the last 90 days: 2 orders, typically 3".to_string())]);
        plan.typical[2] = 2.0;
        let contributions = Contributions { base: 0.0, by_feature: vec![0.0, 0.0, 0.1, 0.0, 0.5] };
        assert_eq!(reasons(&plan, &[10.0, 30.0, 2.0, 0.0, 6.2], &contributions, 3, &[], Language::En), []);
    }

    #[test]
    fn reasons_carry_the_customers_own_numbers() {
        let contributions = Contributions { base: -1.0, by_feature: vec![0.9, 0.1, 0.4, 0.6] };
        let reasons = reasons(&plan(), &[74.0, 21.0, 0.0, 0.0], &contributions, 3, &[], Language::En);
        assert_eq!(reasons[0], ("recency".into(), "no order for 74 days; usually every 21".into()));
        assert_eq!(reasons[1], ("profile_Contract".into(), "Contract: Month-to-month".into()));
        assert_eq!(reasons[2], ("frequency".into(), "orders in the last 90 days: 0 orders, typically 3".into()));
    }

    #[test]
    fn one_is_told_in_the_singular_and_a_score_without_a_unit() {
        let told = |unit: &str, value: f64| sentence(&spec("x", unit, "x", "f"), value, 4.0, Language::En);
        assert_eq!(told("orders", 1.0), "x: 1 order, typically 4");
        assert_eq!(told("orders", 2.0), "x: 2 orders, typically 4");
        assert_eq!(told("categories", 1.0), "x: 1 category, typically 4");
        assert_eq!(told("points", 1.0), "x: 1, typically 4");
        assert_eq!((told("USD", 1.0), told("share", 0.01)), ("x: 1 USD, typically 4".into(), "x: 1 %, typically 400 %".into()));
    }

    #[test]
    fn how_evenly_orders_fall_is_told_in_days() {
        let told = sentence(&spec("weekday_entropy", "nats", "how evenly", "habits"), 3_f64.ln(), 0.0, Language::En);
        assert_eq!(told, "weekdays that the orders spread over, as if evenly (1 is one day alone): 3, typically 1");
    }

    #[test]
    fn counts_of_late_are_told_beside_what_is_typical_to_who_acts_and_as_they_are_to_who_asks() {
        let told = |name: &str, meaning: &str, value: f64, typical: f64| brief(&spec(name, "events", meaning, "view"), value, typical, Language::En);
        let views = |value, typical| told("view_decayed_45d", "view events, each counting half after every 45 days", value, typical);
        assert_eq!(views(0.27, 0.9), "view events lately, newer ones counting more: 30 % of what is typical");
        assert_eq!(views(2.25, 0.9), "view events lately, newer ones counting more: 2.5 times what is typical");
        let exact = spec("view_decayed_45d", "events", "view events, each counting half after every 45 days", "view");
        assert_eq!(sentence(&exact, 0.27, 0.9, Language::En), "view events, each counting half after every 45 days: 0.27 events, typically 0.9");
        assert_eq!(views(0.0, 0.9), "view events lately, newer ones counting more: none, typically some");
        assert_eq!(views(0.5, 0.0), "view events lately, newer ones counting more: some, typically none");
        assert_eq!(
            told("orders_decayed_15d", "orders so far, each counting half after every 15 days", 0.1, 0.4),
            "orders lately, newer ones counting more: 25 % of what is typical"
        );
        let spent = spec("amount_decayed_45d", "EUR", "spent so far, counting half after every 45 days", "money");
        assert_eq!(brief(&spent, 20.0, 40.0, Language::Zh), "近期消费额（越近权重越大）：为一般水平的 50 %");
    }

    #[test]
    fn days_that_have_passed_are_whole_days() {
        let told = |value: f64| sentence(&spec("days_since_open", "days", "days since the last open", "open"), value, 47.23, Language::En);
        assert_eq!(told(83.95), "days since the last open: 83 days, typically 47");
        assert_eq!(told(0.5), "days since the last open: 0.5 days, typically 47");
    }

    #[test]
    fn what_is_hidden_is_no_reason_and_must_exist() {
        let contributions = Contributions { base: -1.0, by_feature: vec![0.9, 0.1, 0.4, 0.6] };
        let hidden = ["Contract".to_string(), "recency".to_string()];
        let told = reasons(&plan(), &[74.0, 21.0, 0.0, 0.0], &contributions, 3, &hidden, Language::En);
        assert_eq!(told.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), ["frequency"]);
        assert!(check_hidden(&plan(), &hidden).is_ok());
        let error = check_hidden(&plan(), &["Contrat".into()]).unwrap_err();
        assert!(error.kind().exit_code() == 78 && error.message().contains("\"Contrat\""), "{error}");
    }

    #[test]
    fn a_long_silence_is_told_once() {
        let contributions = Contributions { base: -1.0, by_feature: vec![0.9, 0.8, 0.0, 0.0] };
        let reasons = reasons(&plan(), &[74.0, 21.0, 0.0, 0.0], &contributions, 3, &[], Language::En);
        assert_eq!(reasons.len(), 1, "{reasons:?}");
    }

    #[test]
    fn who_is_safe_is_told_what_keeps_them() {
        let contributions = Contributions { base: -1.0, by_feature: vec![-0.9, -0.1, -0.4, 0.0] };
        let reasons = reasons(&plan(), &[2.0, 21.0, 9.0, 1.0], &contributions, 3, &[], Language::En);
        assert_eq!(reasons, [("keeps_recency".to_string(), "no order for 2 days; usually every 21".to_string())]);
    }
}
