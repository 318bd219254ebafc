//! What only the whole config can tell: parts that contradict or miss each other.

use crate::config::condition::{Expression, Literal, Subject};
use crate::config::raw::{Field, Table};
use crate::config::{Config, Definition, Files, Response, Role, nearest};
use crate::error::{Error, Result};
use crate::output::crm::target::{Target, is_email};

/// Checks the parts against each other. `root` gives the places for messages.
pub(super) fn check(config: &Config, root: &Table<'_>) -> Result<()> {
    some_source(config, root)?;
    times(config, root)?;
    labels(config, root)?;
    definition(config, root)?;
    identities(config, root)?;
    responses(config, root)?;
    offers(config, root)?;
    places(config, root)?;
    decide(config, root)?;
    output(config, root)
}

/// An error at a source, by its table and its number among the sources of that table.
fn at_source(root: &Table<'_>, key: &str, number: usize, message: impl AsRef<str>) -> Error {
    let entry = root.get(key).and_then(|field| field.list().ok()).and_then(|list| list.get(number).cloned());
    match entry {
        Some(field) => field.named(format!("[[{key}]]")).error(message),
        None => root.error(message),
    }
}

/// An error at a key of a section, or at the config where the section is absent.
fn at_setting(root: &Table<'_>, section: &str, key: &str, message: impl AsRef<str>) -> Error {
    let table = root.get(section).and_then(|field| field.open_table().ok());
    match table.as_ref().and_then(|table| table.get(key)) {
        Some(field) => field.named(format!("`{key}` in [{section}]")).error(message),
        None => root.get(section).map_or_else(|| root.error(message.as_ref()), |field: Field<'_>| field.named(format!("[{section}]")).error(message.as_ref())),
    }
}

fn some_source(config: &Config, root: &Table<'_>) -> Result<()> {
    if config.events.is_empty() && config.profiles.is_empty() {
        return Err(root.error("names no customers: expected at least one [[events]] or [[profiles]]"));
    }
    if !config.events.is_empty() && config.events.iter().all(|source| source.files.role == Role::Test) {
        return Err(at_source(root, "events", 0, "every [[events]] has role = \"test\", expected one to learn from"));
    }
    Ok(())
}

/// Where an item can be had says nothing without where a customer buys.
fn places(config: &Config, root: &Table<'_>) -> Result<()> {
    let tells = config.items.iter().position(|source| source.available_in.is_some());
    match tells {
        Some(number) if config.recommend.place.is_none() => Err(at_source(
            root,
            "items",
            number,
            "has `available_in` while nothing says where a customer buys, expected place = \"…\" in [recommend]: a category of events or profiles, or \"channel\"",
        )),
        _ => Ok(()),
    }
}

/// Events to learn from either all have a time or none has; so do those to test with.
fn times(config: &Config, root: &Table<'_>) -> Result<()> {
    for role in [Role::Fit, Role::Test] {
        let of_role = |timed: bool| config.events.iter().position(|source| source.files.role == role && source.time.is_some() == timed);
        if let (Some(_), Some(untimed)) = (of_role(true), of_role(false)) {
            return Err(at_source(
                root,
                "events",
                untimed,
                "has no `time` while other [[events]] have one: events without time serve the recommender only and cannot be mixed with dated ones; \
                 add `time`, or use a config of its own",
            ));
        }
    }
    Ok(())
}

fn labels(config: &Config, root: &Table<'_>) -> Result<()> {
    let mut with_label = config.profiles.iter().enumerate().filter(|(_, source)| source.label.is_some());
    match (with_label.next(), with_label.next()) {
        (Some(_), Some((second, _))) => Err(at_source(root, "profiles", second, "has a second `label`, expected one label in all [[profiles]]")),
        _ => Ok(()),
    }
}

fn definition(config: &Config, root: &Table<'_>) -> Result<()> {
    let error = |message: &str| Err(at_setting(root, "churn", "definition", message));
    match &config.churn.definition {
        Definition::Label if config.profiles.iter().all(|source| source.label.is_none()) => {
            error("found \"label\" while no [[profiles]] has one, expected label = { column = \"…\", positive = \"…\" }")
        }
        Definition::Inactivity if config.events.iter().all(|source| source.time.is_none() || source.files.role == Role::Test) => {
            error("found \"inactivity\", which needs [[events]] with `time`, expected such a source, or definition = \"label\" or \"none\"")
        }
        Definition::Subscription { start, end, .. } => {
            if config.profiles.is_empty() {
                return Err(at_setting(root, "churn", "subscription", "names columns of the profiles, but there are no [[profiles]]"));
            }
            if start == end {
                return Err(at_setting(root, "churn", "subscription", format!("found the column \"{start}\" for `start` and `end`, expected two columns")));
            }
            let dropped = [start, end].into_iter().find(|name| config.profiles.iter().any(|source| source.drop.contains(name)));
            match dropped {
                Some(name) => {
                    Err(at_setting(root, "churn", "subscription", format!("names the column \"{name}\", which [[profiles]] drops; take it out of `drop`")))
                }
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Every source with its files, by table and number.
fn sources(config: &Config) -> impl Iterator<Item = (&'static str, usize, &Files)> {
    let events = config.events.iter().enumerate().map(|(number, source)| ("events", number, &source.files));
    let profiles = config.profiles.iter().enumerate().map(|(number, source)| ("profiles", number, &source.files));
    let items = config.items.iter().enumerate().map(|(number, source)| ("items", number, &source.files));
    let offers = config.offers.iter().enumerate().map(|(number, source)| ("offers", number, &source.files));
    let treatments = config.treatments.iter().enumerate().map(|(number, source)| ("treatments", number, &source.files));
    let identities = config.identities.iter().enumerate().map(|(number, source)| ("identities", number, &source.files));
    events.chain(profiles).chain(items).chain(offers).chain(treatments).chain(identities)
}

fn identities(config: &Config, root: &Table<'_>) -> Result<()> {
    let known: Vec<&str> = config.identities.iter().flat_map(|source| source.also.iter().map(String::as_str)).collect();
    for (table, number, files) in sources(config) {
        let Some(id) = &files.id else { continue };
        if matches!(table, "items" | "offers") {
            return Err(at_source(
                root,
                table,
                number,
                "has `id`, which says what the customer column holds, but such a source has no customers; leave it out",
            ));
        }
        if !known.contains(&id.as_str()) {
            let advice = match nearest(id, known.iter().copied()) {
                Some(kind) => format!("did you mean \"{kind}\"?"),
                None if known.is_empty() => "add [[identities]] that lists it in `also`, or leave `id` out".to_owned(),
                None => format!("the kinds of id in `also` of [[identities]] are {}", known.join(", ")),
            };
            return Err(at_source(root, table, number, format!("has id = \"{id}\", which no [[identities]] knows; {advice}")));
        }
    }
    Ok(())
}

/// Numbers of an event that a response can sum.
const SUMMABLE: [&str; 5] = ["amount", "quantity", "discount", "cost", "score"];

fn responses(config: &Config, root: &Table<'_>) -> Result<()> {
    for (number, source) in config.treatments.iter().enumerate() {
        let Some(Response::Events { sum, .. }) = &source.response else { continue };
        if config.events.iter().all(|source| source.time.is_none()) {
            return Err(at_source(root, "treatments", number, "counts later events as response, but no [[events]] has `time`"));
        }
        let Some(sum) = sum else { continue };
        let named = config.events.iter().flat_map(|source| source.numbers.iter().map(|column| column.name.as_str()));
        let known: Vec<&str> = SUMMABLE.into_iter().chain(named).collect();
        if !known.contains(&sum.as_str()) {
            let advice =
                nearest(sum, known.iter().copied()).map_or_else(|| format!("expected one of {}", known.join(", ")), |name| format!("did you mean \"{name}\"?"));
            return Err(at_source(root, "treatments", number, format!("has a response with sum = \"{sum}\", which is no number of the events; {advice}")));
        }
    }
    Ok(())
}

/// The tiers that `who` names must exist: a misspelt one would select nobody.
fn offers(config: &Config, root: &Table<'_>) -> Result<()> {
    let tiers: Vec<&str> = config.churn.tiers.iter().map(|tier| tier.name.as_str()).collect();
    for (number, source) in config.offers.iter().enumerate() {
        let Some(who) = &source.who else { continue };
        let mut unknown = None;
        who.root.walk(&mut |part| {
            let literals = match part {
                Expression::Compare { subject: Subject::Tier, literal, .. } => std::slice::from_ref(literal),
                Expression::In { subject: Subject::Tier, list, .. } => list.as_slice(),
                _ => &[],
            };
            for literal in literals {
                if let Literal::Text(name) = literal
                    && !tiers.contains(&name.as_str())
                {
                    unknown.get_or_insert(name.as_str());
                }
            }
        });
        if let Some(name) = unknown {
            return Err(at_source(root, "offers", number, format!("names the tier \"{name}\" in `who`, expected one of {}", tiers.join(", "))));
        }
    }
    Ok(())
}

fn decide(config: &Config, root: &Table<'_>) -> Result<()> {
    if config.decide.by_household && config.profiles.iter().all(|source| source.household.is_none()) {
        return Err(at_setting(root, "decide", "unit", "found \"household\", but no [[profiles]] has a `household` column"));
    }
    let Some(goal) = config.decide.goal.as_deref().filter(|goal| *goal != "value") else { return Ok(()) };
    let known = response_names(config);
    if known.contains(&goal) {
        return Ok(());
    }
    let advice = match nearest(goal, known.iter().copied()) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None if known.is_empty() => "expected \"value\": no [[treatments]] has a response".to_owned(),
        None => format!("expected \"value\" or one of {}", known.join(", ")),
    };
    Err(at_setting(root, "decide", "goal", format!("found \"{goal}\", which is no response of [[treatments]]; {advice}")))
}

/// What a CRM is told must be known, and its files must be ones that it takes.
fn output(config: &Config, root: &Table<'_>) -> Result<()> {
    let output = &config.output;
    if let Some(id) = output.id.as_deref() {
        let carried: Vec<&str> = config.profiles.iter().flat_map(|source| source.carry.iter().map(String::as_str)).collect();
        if !carried.contains(&id) {
            let advice = match nearest(id, carried.iter().copied()) {
                Some(name) => format!("did you mean \"{name}\"?"),
                None => format!("expected a column that [[profiles]] passes through: carry = [\"{id}\"]"),
            };
            return Err(at_setting(root, "output", "id", format!("found \"{id}\", which no [[profiles]] carries; {advice}")));
        }
    }
    if config.recommend.per_category.is_some() && config.items.iter().all(|source| source.category.is_none()) {
        return Err(at_setting(root, "recommend", "per_category", "is set, but no [[items]] has a `category`: nothing to count by"));
    }
    let Some(target) = Target::named(output.crm.as_deref()) else { return Ok(()) };
    if output.bom && !target.takes_bom {
        return Err(at_setting(root, "output", "bom", format!("found true, but {} takes a byte order mark for a part of the first header", target.name)));
    }
    if target.is_audience && !output.id.as_deref().is_some_and(is_email) {
        return Err(at_setting(
            root,
            "output",
            "crm",
            format!("{} knows customers by e-mail address: set id to the carried column that holds it, such as id = \"email\"", target.name),
        ));
    }
    if target.is_audience && output.is_delta {
        return Err(at_setting(root, "output", "mode", format!("found \"delta\", but {} takes whole audiences, expected \"full\"", target.name)));
    }
    Ok(())
}

/// What a goal can be beside `value`: the named columns; for later events the number summed, or the kinds counted.
fn response_names(config: &Config) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for source in &config.treatments {
        match &source.response {
            Some(Response::Columns(columns)) => names.extend(columns.iter().map(|(name, _)| name.as_str())),
            Some(Response::Events { sum: Some(sum), .. }) => names.push(sum),
            Some(Response::Events { kinds, sum: None, .. }) => names.extend(kinds.iter().map(String::as_str)),
            None => {}
        }
    }
    names
}
