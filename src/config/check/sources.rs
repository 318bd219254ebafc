//! The sources: which files, how they are laid out, and which column plays which part.

use super::Surroundings;
use super::columns::{Holds, column, column_with, named_columns};
use super::files::{self, column_names, condition, files, refuse_max_age, refuse_role, row_condition};
use crate::config::condition::Condition;
use crate::config::raw::{Field, Table};
use crate::config::{
    Column, ColumnSource, ContactColumn, EventSource, IdentitySource, ItemSource, LabelColumn, Layout, Limit, OfferSource, ProfileSource, Response, Span,
    StaticColumns, TreatmentSource,
};
use crate::error::Result;

const EVENT_KEYS: [&str; 16] = [
    "customer",
    "time",
    "known_at",
    "kind",
    "item",
    "basket",
    "quantity",
    "price",
    "amount",
    "discount",
    "cost",
    "channel",
    "score",
    "offer",
    "numbers",
    "categories",
];
const EVENT_CONDITION: [&str; 1] = ["returned_if"];
const PROFILE_KEYS: [&str; 13] =
    ["customer", "household", "consent", "suppress", "label", "numbers", "categories", "dates", "drop", "carry", "time", "pick", "static"];
const LABEL_KEYS: [&str; 2] = ["positive", "time"];
const ITEM_KEYS: [&str; 8] = ["item", "name", "category", "price", "margin", "available", "available_in", "recommend_if"];
const OFFER_KEYS: [&str; 4] = ["offer", "who", "budget", "capacity"];
/// Columns of an offer, and what they hold; `channels` is another spelling of `channel`.
const OFFER_COLUMNS: [(&str, Holds); 12] = [
    ("name", Holds::Text),
    ("group", Holds::Id),
    ("items", Holds::Id),
    ("category", Holds::Text),
    ("channel", Holds::Text),
    ("contact_cost", Holds::Number),
    ("accept_cost", Holds::Number),
    ("discount", Holds::Number),
    ("margin", Holds::Number),
    ("valid_from", Holds::Time),
    ("valid_until", Holds::Time),
    ("valid_for", Holds::Duration),
];
const TREATMENT_KEYS: [&str; 4] = ["customer", "control", "randomised", "response"];
const TREATMENT_COLUMNS: [(&str, Holds); 9] = [
    ("offer", Holds::Id),
    ("offer_group", Holds::Id),
    ("arm", Holds::Text),
    ("time", Holds::Time),
    ("wave", Holds::Id),
    ("propensity", Holds::Number),
    ("decision_id", Holds::Id),
    ("channel", Holds::Text),
    ("contact_cost", Holds::Number),
];
const RESPONSE_KEYS: [&str; 4] = ["kinds", "sum", "within", "until"];
const IDENTITY_KEYS: [&str; 3] = ["customer", "also", "max_links"];
pub(super) const BUDGET_KEYS: [&str; 2] = ["amount", "per"];
pub(super) const CAPACITY_KEYS: [&str; 2] = ["count", "per"];

/// An id linked to more customers than this is left alone where a source does not say.
const USUAL_MAX_LINKS: u64 = 10;

#[cfg(test)]
pub(super) fn documented_keys() -> Vec<(&'static str, Vec<&'static str>)> {
    let names = |columns: &[(&'static str, Holds)]| columns.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    vec![
        ("lookup", files::LOOKUP_KEYS.to_vec()),
        ("fill_down", files::FILL_DOWN_KEYS.to_vec()),
        ("[[events]]", [EVENT_KEYS.as_slice(), &EVENT_CONDITION].concat()),
        ("[[profiles]]", PROFILE_KEYS.to_vec()),
        ("label", LABEL_KEYS.to_vec()),
        ("[[items]]", ITEM_KEYS.to_vec()),
        ("[[offers]]", [OFFER_KEYS.to_vec(), names(&OFFER_COLUMNS)].concat()),
        ("budget", BUDGET_KEYS.to_vec()),
        ("capacity", CAPACITY_KEYS.to_vec()),
        ("[[treatments]]", [TREATMENT_KEYS.to_vec(), names(&TREATMENT_COLUMNS)].concat()),
        ("response", RESPONSE_KEYS.to_vec()),
        ("[[identities]]", IDENTITY_KEYS.to_vec()),
    ]
}

/// A column that the source cannot do without.
fn required(table: &Table<'_>, key: &str, holds: Holds) -> Result<Column> {
    match table.get(key) {
        Some(field) => column(&field, holds),
        None => Err(table.error(format!("has no `{key}`, expected the column that holds it, such as {key} = \"name of the column\""))),
    }
}

fn optional(table: &Table<'_>, key: &str, holds: Holds) -> Result<Option<Column>> {
    table.read(key, |field| column(field, holds))
}

/// `[[events]]`.
pub(super) fn events(field: &Field<'_>, surroundings: &Surroundings<'_>) -> Result<EventSource> {
    let table = field.table(&[&files::KEYS, &EVENT_KEYS, &EVENT_CONDITION])?;
    let files = files(&table, surroundings)?;
    let is_list = files.layout == Layout::List;
    let time = optional(&table, "time", Holds::Time)?;
    refuse_max_age(&table, time.is_some())?;
    if let (None, Some(known_at)) = (&time, table.get("known_at")) {
        return Err(known_at.error("needs `time`: an event is known after it happened; add `time` or leave `known_at` out"));
    }
    Ok(EventSource {
        customer: match table.get("customer") {
            None if is_list => Column::named("customer"),
            _ => required(&table, "customer", Holds::Customer)?,
        },
        time,
        known_at: optional(&table, "known_at", Holds::Time)?,
        kind: optional(&table, "kind", Holds::Text)?.unwrap_or_else(|| Column::constant("purchase")),
        item: match table.get("item") {
            None if is_list => Some(Column::named("item")),
            _ => optional(&table, "item", Holds::Id)?,
        },
        basket: optional(&table, "basket", Holds::Id)?,
        quantity: optional(&table, "quantity", Holds::Number)?,
        price: optional(&table, "price", Holds::Number)?,
        amount: optional(&table, "amount", Holds::Number)?,
        discount: optional(&table, "discount", Holds::Number)?,
        cost: optional(&table, "cost", Holds::Number)?,
        channel: optional(&table, "channel", Holds::Text)?,
        score: optional(&table, "score", Holds::Number)?,
        offer: optional(&table, "offer", Holds::Id)?,
        numbers: named_columns(table.get("numbers"), Holds::Number)?,
        categories: named_columns(table.get("categories"), Holds::Text)?,
        returned_if: row_condition(&table, "returned_if")?,
        files,
    })
}

/// `consent` and `suppress`: a column or several for all channels, or a table of them by channel.
fn contact_columns(table: &Table<'_>, key: &str) -> Result<Vec<ContactColumn>> {
    let Some(field) = table.get(key) else { return Ok(Vec::new()) };
    let of = |field: &Field<'_>, channel: Option<&str>| -> Result<Vec<ContactColumn>> {
        let column = column(field, Holds::Text)?;
        let sources = match &column.source {
            ColumnSource::Several(names) => names.iter().cloned().map(ColumnSource::Name).collect(),
            one => vec![one.clone()],
        };
        Ok(sources.into_iter().map(|source| ContactColumn { channel: channel.map(str::to_owned), column: Column { source, ..column.clone() } }).collect())
    };
    let by_channel = if field.is_table() { Some(field.open_table()?) } else { None };
    match by_channel.filter(|open| ["column", "value", "row"].iter().all(|key| open.get(key).is_none())) {
        None => of(&field, None),
        Some(open) => {
            let of_channel = |(channel, field): (&'_ str, Field<'_>)| of(&field, Some(channel).filter(|channel| *channel != "all"));
            let columns = open.all().map(of_channel).collect::<Result<Vec<_>>>()?.concat();
            if columns.is_empty() {
                return Err(field.wrong("the column that says so, several, or one for each channel such as { email = \"email_opt_in\" }"));
            }
            Ok(columns)
        }
    }
}

/// `[[profiles]]`.
pub(super) fn profiles(field: &Field<'_>, surroundings: &Surroundings<'_>) -> Result<ProfileSource> {
    let table = field.table(&[&files::KEYS, &PROFILE_KEYS])?;
    refuse_role(&table)?;
    let files = files(&table, surroundings)?;
    let time = optional(&table, "time", Holds::Time)?;
    refuse_max_age(&table, time.is_some())?;
    let pick_last = table.read("pick", |field| field.choice(&[("last", true)]))?;
    if let (None, Some(pick)) = (&time, table.get("pick")) {
        return Err(pick.error("needs `time`: of several rows the last is picked by it; add `time` or leave `pick` out"));
    }
    if let (Some(_), Some(statics)) = (&time, table.get("static")) {
        return Err(statics.error("stands beside `time`, which already says when each row was true; keep one"));
    }
    let source = ProfileSource {
        customer: required(&table, "customer", Holds::Customer)?,
        household: optional(&table, "household", Holds::Id)?,
        consent: contact_columns(&table, "consent")?,
        suppress: contact_columns(&table, "suppress")?,
        label: table.read("label", label)?,
        numbers: named_columns(table.get("numbers"), Holds::Number)?,
        categories: named_columns(table.get("categories"), Holds::Text)?,
        dates: named_columns(table.get("dates"), Holds::Time)?,
        drop: table.read("drop", Field::words)?.unwrap_or_default(),
        carry: table.read("carry", Field::words)?.unwrap_or_default(),
        pick_last: pick_last.unwrap_or(time.is_some()),
        static_columns: match table.get("static") {
            None => StaticColumns::None,
            Some(field) if field.is_flag() => {
                if field.flag()? {
                    StaticColumns::All
                } else {
                    StaticColumns::None
                }
            }
            Some(field) if field.is_list() => StaticColumns::Named(field.words()?),
            Some(field) => return Err(field.wrong("true, false or a list of columns")),
        },
        time,
        files,
    };
    one_part_each(&source, &table)?;
    Ok(source)
}

/// A column of the profiles has one part to play.
fn one_part_each(source: &ProfileSource, table: &Table<'_>) -> Result<()> {
    let named =
        |columns: &[crate::config::NamedColumn]| columns.iter().flat_map(|column| column.column.names().into_iter().map(str::to_owned)).collect::<Vec<_>>();
    let label = source.label.iter().flat_map(|label| label.column.names()).map(str::to_owned).collect();
    let parts: [(&str, Vec<String>); 6] = [
        ("label", label),
        ("numbers", named(&source.numbers)),
        ("categories", named(&source.categories)),
        ("dates", named(&source.dates)),
        ("drop", source.drop.clone()),
        ("carry", source.carry.clone()),
    ];
    for (position, (part, names)) in parts.iter().enumerate() {
        for (other, known) in &parts[..position] {
            if let (Some(name), Some(field)) = (names.iter().find(|name| known.contains(name)), table.get(part)) {
                return Err(field.error(format!("found the column \"{name}\", which is already in `{other}`, expected each column in one of them")));
            }
        }
    }
    Ok(())
}

fn label(field: &Field<'_>) -> Result<LabelColumn> {
    if !field.is_table() {
        return Err(field.wrong("a table such as { column = \"Churn\", positive = \"Yes\" }"));
    }
    let column = column_with(field, Holds::Text, &LABEL_KEYS)?;
    let table = field.open_table()?;
    if column.names().len() != 1 {
        return Err(table.error("expected one `column` that holds the label"));
    }
    let Some(positive) = table.get("positive") else {
        return Err(table.error("has no `positive`, expected the value that means the customer left, such as positive = \"Yes\""));
    };
    Ok(LabelColumn { column, positive: positive.scalar()?, time: optional(&table, "time", Holds::Time)? })
}

/// `[[items]]`.
pub(super) fn items(field: &Field<'_>, surroundings: &Surroundings<'_>) -> Result<ItemSource> {
    let table = field.table(&[&files::KEYS, &ITEM_KEYS])?;
    refuse_role(&table)?;
    refuse_max_age(&table, false)?;
    Ok(ItemSource {
        files: files(&table, surroundings)?,
        item: required(&table, "item", Holds::Id)?,
        name: optional(&table, "name", Holds::Text)?,
        category: optional(&table, "category", Holds::Text)?,
        price: optional(&table, "price", Holds::Number)?,
        margin: optional(&table, "margin", Holds::Number)?,
        available: optional(&table, "available", Holds::Text)?,
        available_in: optional(&table, "available_in", Holds::Text)?,
        recommend_if: row_condition(&table, "recommend_if")?,
    })
}

/// The columns of a list of keys, in the order of the list.
fn columns_by_key(table: &Table<'_>, keys: &[(&str, Holds)]) -> Result<Vec<(String, Column)>> {
    let read = |(key, holds): &(&str, Holds)| optional(table, key, *holds).map(|column| column.map(|column| ((*key).to_owned(), column)));
    keys.iter().filter_map(|entry| read(entry).transpose()).collect()
}

/// `[[offers]]`.
pub(super) fn offers(field: &Field<'_>, surroundings: &Surroundings<'_>) -> Result<OfferSource> {
    let names = OFFER_COLUMNS.map(|(name, _)| name);
    let table = field.table(&[&files::KEYS, &OFFER_KEYS, &names, &["channels"]])?;
    refuse_role(&table)?;
    refuse_max_age(&table, false)?;
    let mut columns = columns_by_key(&table, &OFFER_COLUMNS)?;
    if let Some(channels) = table.get("channels") {
        if table.get("channel").is_some() {
            return Err(channels.error("stands beside `channel`, which means the same; keep one"));
        }
        let place = columns.iter().take_while(|(key, _)| OFFER_COLUMNS[..4].iter().any(|(known, _)| known == key)).count();
        columns.insert(place, ("channel".to_owned(), column(&channels, Holds::Text)?));
    }
    if let (Some(_), Some(valid_for)) = (table.get("valid_until"), table.get("valid_for")) {
        return Err(valid_for.error("stands beside `valid_until`; an offer ends on a day or after a time: keep one"));
    }
    Ok(OfferSource {
        files: files(&table, surroundings)?,
        offer: required(&table, "offer", Holds::Id)?,
        columns,
        who: table.read("who", |field| condition(field, Condition::parse_customer))?,
        budget: table.read("budget", |field| limit(field, &BUDGET_KEYS))?,
        capacity: table.read("capacity", |field| limit(field, &CAPACITY_KEYS))?,
    })
}

/// `{ amount = 500, per = "1w" }`; the first key is the amount.
pub(super) fn limit(field: &Field<'_>, keys: &[&str; 2]) -> Result<Limit> {
    let table = field.table(&[keys])?;
    let (Some(amount), Some(per)) = (table.get(keys[0]), table.get("per")) else {
        return Err(table.error(format!("expected {{ {} = 500, per = \"1w\" }}: how much, and in which time", keys[0])));
    };
    let amount = match keys[0] {
        "amount" => amount.number("a number above 0", |number| number > 0.0)?,
        _ => amount.whole(1, u64::from(u32::MAX))? as f64,
    };
    let words = [("day", 1), ("week", 7), ("month", 30), ("quarter", 91), ("year", 365)];
    let word = per.text().ok().and_then(|text| words.iter().find(|(word, _)| *word == text));
    Ok(Limit { amount, per: word.map_or_else(|| per.span(), |(_, days)| Ok(Span::days(*days)))? })
}

/// `[[treatments]]`.
pub(super) fn treatments(field: &Field<'_>, surroundings: &Surroundings<'_>) -> Result<TreatmentSource> {
    let names = TREATMENT_COLUMNS.map(|(name, _)| name);
    let table = field.table(&[&files::KEYS, &TREATMENT_KEYS, &names])?;
    refuse_role(&table)?;
    refuse_max_age(&table, table.get("time").is_some())?;
    let source = TreatmentSource {
        files: files(&table, surroundings)?,
        customer: required(&table, "customer", Holds::Customer)?,
        columns: columns_by_key(&table, &TREATMENT_COLUMNS)?,
        control: table.read("control", Field::word)?,
        randomised: table.read("randomised", Field::flag)?,
        response: table.read("response", response)?,
    };
    if ["offer", "offer_group", "arm"].iter().all(|key| table.get(key).is_none()) {
        return Err(table.error("has none of `offer`, `offer_group` and `arm`, expected the column that says what the customer was given"));
    }
    if let (Some(control), Some(field)) = (&source.control, table.get("control"))
        && control != "not_sent"
        && table.get("arm").is_none()
    {
        return Err(field.error(format!("found \"{control}\", which names an arm, but there is no `arm` column; add `arm` or write control = \"not_sent\"")));
    }
    if let (Some(Response::Events { .. }), Some(field), None) = (&source.response, table.get("response"), table.get("time")) {
        return Err(field.error("counts later events, which needs the `time` of the treatment; add `time`, or name columns of the same row"));
    }
    Ok(source)
}

fn response(field: &Field<'_>) -> Result<Response> {
    if !field.is_table() {
        let column = field.word()?;
        return Ok(Response::Columns(vec![(column.clone(), column)]));
    }
    let open = field.open_table()?;
    if ["kinds", "within", "until"].iter().all(|key| open.get(key).is_none()) {
        let columns = open.all().map(|(name, column)| Ok((name.to_owned(), column.word()?))).collect::<Result<Vec<_>>>()?;
        return if columns.is_empty() {
            Err(field.wrong("columns such as { visit = \"visit\" }, or { kinds = [\"purchase\"], within = \"7d\" }"))
        } else {
            Ok(Response::Columns(columns))
        };
    }
    let table = field.table(&[&RESPONSE_KEYS])?;
    let kinds = table.read("kinds", kinds)?;
    let (Some(kinds), true) = (kinds, open.get("within").is_some() || open.get("until").is_some()) else {
        return Err(
            table.error("expected `kinds` and how long after the treatment they count: `within`, such as \"7d\", or `until`, a column with the last day")
        );
    };
    Ok(Response::Events { kinds, sum: table.read("sum", Field::word)?, within: table.read("within", Field::span)?, until: table.read("until", Field::word)? })
}

/// A list of kinds of events, at least one, each once.
pub(super) fn kinds(field: &Field<'_>) -> Result<Vec<String>> {
    let kinds = field.words()?;
    if kinds.is_empty() {
        return Err(field.wrong("at least one kind of event such as [\"purchase\"]"));
    }
    match kinds.iter().enumerate().find(|(position, kind)| kinds[..*position].contains(kind)) {
        Some((_, kind)) => Err(field.error(format!("found the kind \"{kind}\" twice, expected each once"))),
        None => Ok(kinds),
    }
}

/// `[[identities]]`.
pub(super) fn identities(field: &Field<'_>, surroundings: &Surroundings<'_>) -> Result<IdentitySource> {
    let table = field.table(&[&files::KEYS, &IDENTITY_KEYS])?;
    refuse_role(&table)?;
    refuse_max_age(&table, false)?;
    let Some(also) = table.get("also") else {
        return Err(table.error("has no `also`, expected the columns with further ids, such as also = [\"card\", \"email_hash\"]"));
    };
    let names = column_names(&also, "names of columns")?;
    Ok(IdentitySource {
        files: files(&table, surroundings)?,
        customer: required(&table, "customer", Holds::Customer)?,
        also: names,
        max_links: table.read("max_links", |field| field.whole(1, u64::from(u32::MAX)))?.unwrap_or(USUAL_MAX_LINKS) as u32,
    })
}
