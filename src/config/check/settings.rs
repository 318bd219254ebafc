//! The settings: `[project]`, `[churn]`, `[recommend]`, `[decide]`, `[output]`, `[privacy]`, with their defaults.

use super::Surroundings;
use super::sources::{BUDGET_KEYS, CAPACITY_KEYS, kinds, limit};
use crate::config::raw::{Field, Table};
use crate::config::{
    ChurnSettings, Costs, DecideSettings, Definition, Effort, EventSource, Language, OutputSettings, PrivacySettings, ProfileSource, Project,
    RecommendSettings, Repeat, Role, SendHours, Span, Tier, TierFrom,
};
use crate::error::{Error, Result};
use crate::output::crm::target::TARGETS;
use std::path::{Path, PathBuf};

const PROJECT_KEYS: [&str; 8] = ["name", "currency", "timezone", "language", "seed", "max_reject_rate", "allow_stale", "max_model_age"];
const CHURN_KEYS: [&str; 13] = [
    "definition",
    "kinds",
    "active_within",
    "horizon",
    "cutoffs",
    "subscription",
    "effort",
    "costs",
    "learners",
    "tiers",
    "allow_leak",
    "hide_reasons",
    "monotone",
];
const SUBSCRIPTION_KEYS: [&str; 3] = ["start", "end", "renewed_by"];
const COSTS_KEYS: [&str; 4] = ["contact", "incentive", "value_saved", "acceptance"];
const TIER_KEYS: [&str; 4] = ["name", "p", "lift", "max"];
const RECOMMEND_KEYS: [&str; 9] = ["weight", "half_life", "repeat", "models", "place", "per_customer", "per_category", "new_items", "fresh_items"];
const DECIDE_KEYS: [&str; 11] =
    ["goal", "offers_per_customer", "contact", "min_gap", "budget", "capacity", "control", "explore", "unit", "send_hours", "issued"];
const SEND_HOURS_KEYS: [&str; 2] = ["from", "until"];
const CONTACT_KEYS: [&str; 2] = ["max", "per"];
const CONTROL_KEYS: [&str; 3] = ["share", "rotate", "salt"];
const OUTPUT_KEYS: [&str; 5] = ["crm", "id", "mode", "bom", "max_rows_per_file"];
const PRIVACY_KEYS: [&str; 3] = ["key_file", "exclude_ids", "retention"];

#[cfg(test)]
pub(super) fn documented_keys() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("[project]", PROJECT_KEYS.to_vec()),
        ("[churn]", CHURN_KEYS.to_vec()),
        ("subscription", SUBSCRIPTION_KEYS.to_vec()),
        ("costs", COSTS_KEYS.to_vec()),
        ("tiers", TIER_KEYS.to_vec()),
        ("[recommend]", RECOMMEND_KEYS.to_vec()),
        ("[decide]", DECIDE_KEYS.to_vec()),
        ("contact", CONTACT_KEYS.to_vec()),
        ("control", CONTROL_KEYS.to_vec()),
        ("send_hours", SEND_HOURS_KEYS.to_vec()),
        ("[output]", OUTPUT_KEYS.to_vec()),
        ("[privacy]", PRIVACY_KEYS.to_vec()),
    ]
}

const SHARE: &str = "a share from 0 to 1";
const SHARE_BELOW_ONE: &str = "a share from 0 to below 1";

/// The table of a section that may be absent.
fn section<'d>(field: Option<Field<'d>>, keys: &[&str]) -> Result<Option<Table<'d>>> {
    field.map(|field| field.table(&[keys])).transpose()
}

/// The value of a key in a section that may be absent.
fn read<'d, T>(table: &Option<Table<'d>>, key: &str, read: impl FnOnce(&Field<'d>) -> Result<T>) -> Result<Option<T>> {
    table.as_ref().map_or(Ok(None), |table| table.read(key, read))
}

/// `[project]`; without a name, the config file's own.
pub(super) fn project(field: Option<Field<'_>>, path: &Path) -> Result<Project> {
    let table = section(field, &PROJECT_KEYS)?;
    let name = match read(&table, "name", project_name)? {
        Some(name) => name,
        None => path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_name(stem)).map(str::to_owned).ok_or_else(|| {
            Error::config("has no name, and its file's name cannot serve: add [project] with name = \"…\" (letters, digits, - and _)").file(path)
        })?,
    };
    Ok(Project {
        name,
        currency: read(&table, "currency", |field| {
            let code = field.text()?;
            let is_code = code.is_empty() || (code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()));
            if is_code { Ok(code) } else { Err(field.wrong("an ISO 4217 code such as \"EUR\"")) }
        })?
        .unwrap_or_default(),
        timezone: read(&table, "timezone", timezone)?.unwrap_or_else(|| "UTC".to_owned()),
        language: read(&table, "language", |field| field.choice(&[("en", Language::En), ("zh", Language::Zh)]))?.unwrap_or(Language::En),
        seed: read(&table, "seed", |field| field.whole(0, i64::MAX as u64))?.unwrap_or(1),
        max_reject_rate: read(&table, "max_reject_rate", |field| field.number(SHARE, |rate| (0.0..=1.0).contains(&rate)))?.unwrap_or(0.01),
        allow_stale: read(&table, "allow_stale", Field::words)?.unwrap_or_default(),
        max_model_age: read(&table, "max_model_age", Field::span)?,
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 64 && text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}

fn project_name(field: &Field<'_>) -> Result<String> {
    let name = field.text()?;
    if is_name(&name) { Ok(name) } else { Err(field.wrong("letters, digits, - and _, at most 64: the name becomes part of file names")) }
}

/// A zone of the IANA database that the program carries, so that the same config means the same on every machine.
fn timezone(field: &Field<'_>) -> Result<String> {
    let name = field.word()?;
    let zones = jiff::tz::TimeZoneDatabase::bundled();
    let known: Vec<String> = zones.available().map(|zone| zone.as_str().to_owned()).collect();
    if let Some(exact) = known.iter().find(|zone| zone.eq_ignore_ascii_case(&name)) {
        return Ok(exact.clone());
    }
    // A city alone is the usual slip.
    let city = known.iter().find(|zone| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&name.replace(' ', "_"))));
    let nearest = city.map(String::as_str).or_else(|| crate::config::nearest(&name, known.iter().map(String::as_str)));
    let advice = nearest.map(|zone| format!("; did you mean \"{zone}\"?")).unwrap_or_default();
    Err(field.wrong(&format!("an IANA time zone such as \"Europe/London\"{advice}")))
}

/// What leaving means where the config does not say: the label if the profiles have one, else inactivity if events have time.
pub(super) fn usual_definition(events: &[EventSource], profiles: &[ProfileSource]) -> Definition {
    if profiles.iter().any(|source| source.label.is_some()) {
        Definition::Label
    } else if events.iter().any(|source| source.files.role == Role::Fit && source.time.is_some()) {
        Definition::Inactivity
    } else {
        Definition::None
    }
}

/// `[churn]`.
pub(super) fn churn(field: Option<Field<'_>>, usual: Definition) -> Result<ChurnSettings> {
    let table = section(field, &CHURN_KEYS)?;
    let subscription = read(&table, "subscription", subscription)?;
    let named = read(&table, "definition", |field| field.choice(&[("inactivity", 0), ("subscription", 1), ("label", 2), ("none", 3)]))?;
    let definition = match (named, subscription) {
        (None | Some(1), Some(subscription)) => subscription,
        (None, None) => usual,
        (Some(0), None) => Definition::Inactivity,
        (Some(2), None) => Definition::Label,
        (Some(3), None) => Definition::None,
        (_, None) => {
            let message = "definition = \"subscription\" needs the columns of the profiles: subscription = { start = \"…\", end = \"…\" }";
            return Err(table.map_or_else(|| Error::config(message), |table| table.error(message)));
        }
        (_, Some(_)) => {
            let message = "`subscription` is only read when definition = \"subscription\"; leave one of them out";
            return Err(table.map_or_else(|| Error::config(message), |table| table.error(message)));
        }
    };
    Ok(ChurnSettings {
        definition,
        kinds: read(&table, "kinds", kinds)?.unwrap_or_else(|| vec!["purchase".to_owned()]),
        active_within: read(&table, "active_within", Field::span)?.unwrap_or(Span::days(180)),
        horizon: read(&table, "horizon", Field::span)?.unwrap_or(Span::days(90)),
        cutoffs: read(&table, "cutoffs", cutoffs)?,
        effort: read(&table, "effort", |field| field.choice(&[("quick", Effort::Quick), ("normal", Effort::Normal), ("deep", Effort::Deep)]))?
            .unwrap_or(Effort::Normal),
        costs: read(&table, "costs", costs)?,
        tiers: read(&table, "tiers", tiers)?.unwrap_or_else(usual_tiers),
        learners: read(&table, "learners", |field| names(field, "learner"))?.unwrap_or_default(),
        allow_leak: read(&table, "allow_leak", Field::words)?.unwrap_or_default(),
        hide_reasons: read(&table, "hide_reasons", Field::words)?.unwrap_or_default(),
        monotone: read(&table, "monotone", monotone)?.unwrap_or_default(),
    })
}

fn subscription(field: &Field<'_>) -> Result<Definition> {
    let table = field.table(&[&SUBSCRIPTION_KEYS])?;
    let (Some(start), Some(end)) = (table.get("start"), table.get("end")) else {
        return Err(table.error("expected { start = \"first day\", end = \"last day\" }, columns of the profiles"));
    };
    let renewed_by = table.read("renewed_by", Field::word)?.unwrap_or_else(|| "renew".to_owned());
    Ok(Definition::Subscription { start: start.word()?, end: end.word()?, renewed_by })
}

fn cutoffs(field: &Field<'_>) -> Result<Vec<String>> {
    let dates = field.list()?.iter().map(Field::date).collect::<Result<Vec<_>>>()?;
    if dates.is_empty() || !dates.is_sorted_by(|earlier, later| earlier < later) {
        return Err(field.error("expected days, oldest first, each once, such as [\"2023-06-01\", \"2023-09-01\"]"));
    }
    Ok(dates)
}

fn costs(field: &Field<'_>) -> Result<Costs> {
    let table = field.table(&[&COSTS_KEYS])?;
    let money = |key: &str| table.read(key, |field| field.number("an amount of 0 or more", |amount| amount >= 0.0));
    Ok(Costs {
        contact: money("contact")?.unwrap_or(0.0),
        incentive: money("incentive")?.unwrap_or(0.0),
        value_saved: table.read("value_saved", |field| field.number("an amount above 0", |amount| amount > 0.0))?,
        acceptance: table.read("acceptance", |field| field.number("a share above 0, at most 1", |share| share > 0.0 && share <= 1.0))?.unwrap_or(0.3),
    })
}

/// Names, each once.
fn names(field: &Field<'_>, what: &str) -> Result<Vec<String>> {
    let names = field.words()?;
    match names.iter().enumerate().find(|(position, name)| names[..*position].contains(name)) {
        Some((_, name)) => Err(field.error(format!("found the {what} \"{name}\" twice, expected each once"))),
        None => Ok(names),
    }
}

/// Which way the probability goes along each feature, in order of name.
fn monotone(field: &Field<'_>) -> Result<Vec<(String, bool)>> {
    let way = |field: &Field<'_>| field.choice(&[("rising", true), ("falling", false)]);
    let mut ways = field.open_table()?.all().map(|(name, field)| Ok((name.to_owned(), way(&field)?))).collect::<Result<Vec<_>>>()?;
    ways.sort();
    Ok(ways)
}

fn usual_tiers() -> Vec<Tier> {
    let tier = |name: &str, from| Tier { name: name.to_owned(), from, max: None };
    vec![tier("manager", TierFrom::Probability(0.8)), tier("auto_call", TierFrom::Probability(0.6)), tier("watch", TierFrom::Lift(2.0))]
}

/// The tiers, highest first. Bounds of one type must fall from tier to tier: a tier whose bound does not would never be reached.
fn tiers(field: &Field<'_>) -> Result<Vec<Tier>> {
    let mut tiers: Vec<Tier> = Vec::new();
    for entry in field.list()? {
        let table = entry.table(&[&TIER_KEYS])?;
        let Some(name) = table.read("name", Field::word)? else { return Err(table.error("has a tier without `name`, expected a text for risk.csv")) };
        if tiers.iter().any(|tier| tier.name == name) {
            return Err(table.error(format!("found the tier \"{name}\" twice, expected each name once")));
        }
        let p = table.read("p", |field| field.number("a probability above 0, at most 1", |p| p > 0.0 && p <= 1.0))?;
        let lift = table.read("lift", |field| field.number("a multiple of the base rate above 0", |lift| lift > 0.0))?;
        let from = match (p, lift) {
            (Some(p), None) => TierFrom::Probability(p),
            (None, Some(lift)) => TierFrom::Lift(lift),
            _ => return Err(table.error(format!("expected one of `p` (a probability) and `lift` (a multiple of the base rate) for the tier \"{name}\""))),
        };
        let before = tiers.iter().rev().find_map(|tier| match (tier.from, from) {
            (TierFrom::Probability(higher), TierFrom::Probability(here)) => Some((tier, higher, here)),
            (TierFrom::Lift(higher), TierFrom::Lift(here)) => Some((tier, higher, here)),
            _ => None,
        });
        if let Some((tier, higher, here)) = before
            && here >= higher
        {
            return Err(table.error(format!(
                "found the tier \"{name}\" from {here} after \"{}\" from {higher}, expected the highest tier first and each below the one before",
                tier.name
            )));
        }
        tiers.push(Tier { name, from, max: table.read("max", |field| field.whole(1, u64::MAX))? });
    }
    if tiers.is_empty() { Err(field.wrong("at least one tier such as { name = \"call\", p = 0.6 }")) } else { Ok(tiers) }
}

/// `[recommend]`.
pub(super) fn recommend(field: Option<Field<'_>>) -> Result<RecommendSettings> {
    let table = section(field, &RECOMMEND_KEYS)?;
    Ok(RecommendSettings {
        weights: read(&table, "weight", weights)?.unwrap_or_default(),
        half_life: read(&table, "half_life", Field::span)?,
        repeat: read(&table, "repeat", |field| field.choice(&[("auto", Repeat::Auto), ("allow", Repeat::Allow), ("never", Repeat::Never)]))?
            .unwrap_or(Repeat::Auto),
        models: read(&table, "models", |field| names(field, "model"))?.unwrap_or_default(),
        place: read(&table, "place", Field::word)?,
        per_customer: read(&table, "per_customer", |field| field.whole(1, 1_000))?.unwrap_or(3) as usize,
        per_category: read(&table, "per_category", |field| field.whole(1, 1_000))?.map(|count| count as usize),
        new_items: read(&table, "new_items", |field| field.whole(0, 1_000))?.unwrap_or(0) as usize,
        fresh_items: read(&table, "fresh_items", |field| field.whole(0, 1_000))?.unwrap_or(0) as usize,
        memory: 1 << 30,
    })
}

fn weights(field: &Field<'_>) -> Result<Vec<(String, f64)>> {
    let weight = |field: &Field<'_>| field.number("a number from -1000 to 1000 (0 leaves the kind out)", |weight| weight.abs() <= 1_000.0);
    let mut weights = field.open_table()?.all().map(|(kind, field)| Ok((kind.to_owned(), weight(&field)?))).collect::<Result<Vec<_>>>()?;
    weights.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(weights)
}

/// `[decide]`.
pub(super) fn decide(field: Option<Field<'_>>, surroundings: &Surroundings<'_>) -> Result<DecideSettings> {
    let table = section(field, &DECIDE_KEYS)?;
    let control = read(&table, "control", |field| field.table(&[&CONTROL_KEYS]))?;
    let share_below_one = |field: &Field<'_>| field.number(SHARE_BELOW_ONE, |share| (0.0..1.0).contains(&share));
    let settings = DecideSettings {
        goal: read(&table, "goal", Field::word)?,
        offers_per_customer: read(&table, "offers_per_customer", |field| field.whole(1, 1_000))?.map(|count| count as u32),
        contact: read(&table, "contact", |field| limit(field, &CONTACT_KEYS))?,
        min_gap: read(&table, "min_gap", Field::span)?,
        budget: read(&table, "budget", |field| limit(field, &BUDGET_KEYS))?,
        capacity: read(&table, "capacity", |field| limit(field, &CAPACITY_KEYS))?,
        control_share: read(&control, "share", share_below_one)?,
        control_rotate: read(&control, "rotate", Field::span)?,
        control_salt: read(&control, "salt", Field::word)?,
        explore: read(&table, "explore", share_below_one)?,
        by_household: read(&table, "unit", |field| field.choice(&[("customer", false), ("household", true)]))?.unwrap_or(false),
        send_hours: read(&table, "send_hours", send_hours)?.unwrap_or_default(),
        issued: read(&table, "issued", |field| surroundings.path(field))?,
    };
    match control {
        Some(control) if settings.control_share.is_none() => Err(control.error("has no `share`, expected the share of customers kept out, such as 0.05")),
        _ => Ok(settings),
    }
}

fn send_hours(field: &Field<'_>) -> Result<SendHours> {
    let table = field.table(&[&SEND_HOURS_KEYS])?;
    let usual = SendHours::default();
    let hours = SendHours {
        from: table.read("from", |field| field.whole(0, 23))?.map_or(usual.from, |hour| hour as u8),
        until: table.read("until", |field| field.whole(1, 24))?.map_or(usual.until, |hour| hour as u8),
    };
    if hours.from < hours.until {
        return Ok(hours);
    }
    Err(table.error(format!("found from {} until {}, expected hours of one day, such as {{ from = 9, until = 18 }}", hours.from, hours.until)))
}

/// `[output]`.
pub(super) fn output(field: Option<Field<'_>>) -> Result<OutputSettings> {
    let table = section(field, &OUTPUT_KEYS)?;
    Ok(OutputSettings {
        crm: read(&table, "crm", |field| field.choice(&TARGETS.map(|target| (target.name, target.name))))?.map(str::to_owned),
        id: read(&table, "id", Field::word)?,
        is_delta: read(&table, "mode", |field| field.choice(&[("full", false), ("delta", true)]))?.unwrap_or(false),
        bom: read(&table, "bom", Field::flag)?.unwrap_or(false),
        max_rows_per_file: read(&table, "max_rows_per_file", |field| field.whole(1, u64::MAX))?,
    })
}

/// `[privacy]`.
pub(super) fn privacy(field: Option<Field<'_>>, surroundings: &Surroundings<'_>) -> Result<PrivacySettings> {
    let table = section(field, &PRIVACY_KEYS)?;
    let path = |field: &Field<'_>| surroundings.path(field).map(PathBuf::from);
    Ok(PrivacySettings {
        key_file: read(&table, "key_file", path)?,
        exclude_ids: read(&table, "exclude_ids", path)?,
        retention: read(&table, "retention", Field::span)?,
    })
}
