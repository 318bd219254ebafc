//! What the bundle keeps of a config: the keys that give data and labels their meaning.
//!
//! In: a checked [`Config`], so every default is written out and one meaning has one text. Left out, because they may differ
//! from run to run without changing what a row means: files and their layout (format, delimiter, encoding, names for files
//! without a header), freshness limits, sources with `role = "test"`, effort, learners, cut-offs, tiers, costs, who may get an
//! offer and its limits, `[decide]`, `[output]`, `[privacy]`.

use super::{
    Case, Column, ColumnSource, Config, Definition, Duplicates, EventSource, Files, Layout, Lookup, NamedColumn, ProfileSource, Repeat, Response, Role,
    StaticColumns, TreatmentSource, Unit,
};
use std::collections::BTreeMap;

/// Sorted `key = value` pairs.
pub(super) fn contract(config: &Config) -> Vec<(String, String)> {
    let mut pairs = Pairs::default();
    pairs.put("project.timezone", quoted(&config.project.timezone));
    pairs.put("project.currency", quoted(&config.project.currency));
    for (number, source) in config.events.iter().filter(|source| source.files.role == Role::Fit).enumerate() {
        pairs.within(format!("events.{number}"), |pairs| events(pairs, source));
    }
    for (number, source) in config.profiles.iter().enumerate() {
        pairs.within(format!("profiles.{number}"), |pairs| profiles(pairs, source));
    }
    for (number, source) in config.items.iter().enumerate() {
        pairs.within(format!("items.{number}"), |pairs| {
            files(pairs, &source.files);
            pairs.column("item", &source.item);
            pairs.columns([
                ("name", &source.name),
                ("category", &source.category),
                ("price", &source.price),
                ("margin", &source.margin),
                ("available", &source.available),
            ]);
            pairs.condition("recommend_if", &source.recommend_if);
        });
    }
    for (number, source) in config.offers.iter().enumerate() {
        pairs.within(format!("offers.{number}"), |pairs| {
            files(pairs, &source.files);
            pairs.column("offer", &source.offer);
            source.columns.iter().for_each(|(key, column)| pairs.column(key, column));
        });
    }
    for (number, source) in config.treatments.iter().enumerate() {
        pairs.within(format!("treatments.{number}"), |pairs| treatments(pairs, source));
    }
    for (number, source) in config.identities.iter().enumerate() {
        pairs.within(format!("identities.{number}"), |pairs| {
            files(pairs, &source.files);
            pairs.column("customer", &source.customer);
            pairs.put("also", list(&source.also));
            pairs.put("max_links", source.max_links.to_string());
        });
    }
    pairs.within("churn".to_owned(), |pairs| churn(pairs, config));
    pairs.within("recommend".to_owned(), |pairs| {
        for (kind, weight) in &config.recommend.weights {
            pairs.put(&format!("weight.{kind}"), weight.to_string());
        }
        if let Some(place) = &config.recommend.place {
            pairs.put("place", quoted(place));
        }
        pairs.put("half_life", config.recommend.half_life.map_or_else(|| quoted("auto"), |span| quoted(&span.to_string())));
        pairs.put(
            "repeat",
            quoted(match config.recommend.repeat {
                Repeat::Auto => "auto",
                Repeat::Allow => "allow",
                Repeat::Never => "never",
            }),
        );
    });
    pairs.pairs.sort();
    pairs.pairs
}

#[derive(Default)]
struct Pairs {
    prefix: String,
    pairs: Vec<(String, String)>,
}

impl Pairs {
    fn put(&mut self, key: &str, value: String) {
        let dot = if self.prefix.is_empty() { "" } else { "." };
        self.pairs.push((format!("{}{dot}{key}", self.prefix), value));
    }
    fn within(&mut self, prefix: String, fill: impl FnOnce(&mut Pairs)) {
        let before = std::mem::replace(&mut self.prefix, prefix);
        fill(self);
        self.prefix = before;
    }
    fn column(&mut self, key: &str, value: &Column) {
        self.put(key, column(value));
    }
    fn columns<'c>(&mut self, columns: impl IntoIterator<Item = (&'c str, &'c Option<Column>)>) {
        for (key, value) in columns {
            if let Some(value) = value {
                self.column(key, value);
            }
        }
    }
    fn named(&mut self, key: &str, columns: &[NamedColumn]) {
        if !columns.is_empty() {
            self.put(key, format!("[{}]", columns.iter().map(|named| column(&named.column)).collect::<Vec<_>>().join(", ")));
        }
    }
    fn condition(&mut self, key: &str, condition: &Option<super::condition::Condition>) {
        if let Some(condition) = condition {
            // The tree printed anew: blanks and parentheses that change nothing do not count.
            self.put(key, condition.expression().to_string());
        }
    }
}

/// A TOML string; only what TOML must escape is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

/// A column as it would be written in the config, shortest form.
fn column(column: &Column) -> String {
    let source = match &column.source {
        ColumnSource::Name(name) => quoted(name),
        ColumnSource::Several(names) => list(names),
        ColumnSource::Value(value) => quoted(value),
        ColumnSource::Row => "true".to_owned(),
    };
    let mut parts = Vec::new();
    let mut text = |key: &str, value: &Option<String>| parts.extend(value.iter().map(|value| format!("{key} = {}", quoted(value))));
    text("format", &column.format);
    text("unit", &column.unit.map(|unit| unit_name(unit).to_owned()));
    text("origin", &column.origin);
    text("split", &column.split);
    text("case", &column.case.map(|case| if case == Case::Upper { "upper" } else { "lower" }.to_owned()));
    text("strip_suffix", &column.strip_suffix);
    if !column.strip.is_empty() {
        parts.push(format!("strip = {}", list(&column.strip)));
    }
    if !column.map.is_empty() {
        let pairs = column.map.iter().map(|(found, meant)| format!("{} = {}", quoted(found), quoted(meant)));
        parts.push(format!("map = {{ {} }}", pairs.collect::<Vec<_>>().join(", ")));
    }
    if !column.missing.is_empty() {
        parts.push(format!("missing = {}", list(&column.missing)));
    }
    let key = match &column.source {
        ColumnSource::Name(_) | ColumnSource::Several(_) if parts.is_empty() => return source,
        ColumnSource::Name(_) | ColumnSource::Several(_) => "column",
        ColumnSource::Value(_) => "value",
        ColumnSource::Row => "row",
    };
    parts.insert(0, format!("{key} = {source}"));
    format!("{{ {} }}", parts.join(", "))
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Microseconds => "us",
        Unit::Milliseconds => "ms",
        Unit::Hours => "hours",
        Unit::Days => "days",
    }
}

/// The part of a source's files that decides which rows count and what their fields say.
fn files(pairs: &mut Pairs, files: &Files) {
    pairs.condition("where", &files.condition);
    pairs.put("missing", list(&files.missing));
    pairs.put(
        "duplicates",
        quoted(match files.duplicates {
            Duplicates::AcrossFiles => "across_files",
            Duplicates::Drop => "drop",
            Duplicates::Keep => "keep",
        }),
    );
    if files.layout == Layout::List {
        pairs.put("layout", quoted("list"));
    }
    if let Some(id) = &files.id {
        pairs.put("id", quoted(id));
    }
    if !files.lookups.is_empty() {
        let key = |lookup: &Lookup| if lookup.key == lookup.on { String::new() } else { format!(", key = {}", quoted(&lookup.key)) };
        let lookups = files.lookups.iter().map(|lookup| format!("{{ on = {}{}, many = {} }}", quoted(&lookup.on), key(lookup), lookup.many));
        pairs.put("lookup", format!("[{}]", lookups.collect::<Vec<_>>().join(", ")));
    }
    if let Some(fill_down) = &files.fill_down {
        pairs.put("fill_down", format!("{{ by = {}, columns = {} }}", quoted(&fill_down.by), list(&fill_down.columns)));
    }
}

fn events(pairs: &mut Pairs, source: &EventSource) {
    files(pairs, &source.files);
    pairs.column("customer", &source.customer);
    pairs.column("kind", &source.kind);
    pairs.columns([
        ("time", &source.time),
        ("known_at", &source.known_at),
        ("item", &source.item),
        ("basket", &source.basket),
        ("quantity", &source.quantity),
        ("price", &source.price),
        ("amount", &source.amount),
        ("discount", &source.discount),
        ("cost", &source.cost),
        ("channel", &source.channel),
        ("score", &source.score),
        ("offer", &source.offer),
    ]);
    pairs.named("numbers", &source.numbers);
    pairs.named("categories", &source.categories);
    pairs.condition("returned_if", &source.returned_if);
}

fn profiles(pairs: &mut Pairs, source: &ProfileSource) {
    files(pairs, &source.files);
    pairs.column("customer", &source.customer);
    pairs.columns([("household", &source.household), ("time", &source.time)]);
    for (key, columns) in [("consent", &source.consent), ("suppress", &source.suppress)] {
        let mut by_channel: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
        for told in columns {
            by_channel.entry(told.channel.as_deref()).or_default().push(column(&told.column));
        }
        for (channel, mut columns) in by_channel {
            let key = channel.map_or(key.to_owned(), |channel| format!("{key}.{channel}"));
            pairs.put(&key, if columns.len() == 1 { columns.swap_remove(0) } else { format!("[{}]", columns.join(", ")) });
        }
    }
    if let Some(label) = &source.label {
        pairs.column("label", &label.column);
        pairs.put("label.positive", quoted(&label.positive));
        pairs.columns([("label.time", &label.time)]);
    }
    pairs.named("numbers", &source.numbers);
    pairs.named("categories", &source.categories);
    pairs.named("dates", &source.dates);
    for (key, names) in [("drop", &source.drop), ("carry", &source.carry)] {
        if !names.is_empty() {
            pairs.put(key, list(names));
        }
    }
    if source.pick_last {
        pairs.put("pick", quoted("last"));
    }
    pairs.put(
        "static",
        match &source.static_columns {
            StaticColumns::None => "false".to_owned(),
            StaticColumns::All => "true".to_owned(),
            StaticColumns::Named(names) => list(names),
        },
    );
}

fn treatments(pairs: &mut Pairs, source: &TreatmentSource) {
    files(pairs, &source.files);
    pairs.column("customer", &source.customer);
    source.columns.iter().for_each(|(key, column)| pairs.column(key, column));
    if let Some(control) = &source.control {
        pairs.put("control", quoted(control));
    }
    if let Some(randomised) = source.randomised {
        pairs.put("randomised", randomised.to_string());
    }
    match &source.response {
        None => {}
        Some(Response::Columns(columns)) => {
            for (name, column) in columns {
                pairs.put(&format!("response.{name}"), quoted(column));
            }
        }
        Some(Response::Events { kinds, sum, within, until }) => {
            pairs.put("response.kinds", list(kinds));
            for (key, value) in [("response.sum", sum), ("response.until", until), ("response.within", &within.map(|span| span.to_string()))] {
                if let Some(value) = value {
                    pairs.put(key, quoted(value));
                }
            }
        }
    }
}

fn churn(pairs: &mut Pairs, config: &Config) {
    let definition = match &config.churn.definition {
        Definition::Inactivity => "inactivity",
        Definition::Subscription { .. } => "subscription",
        Definition::Label => "label",
        Definition::None => "none",
    };
    pairs.put("definition", quoted(definition));
    if let Definition::Subscription { start, end, renewed_by } = &config.churn.definition {
        pairs.put("subscription.start", quoted(start));
        pairs.put("subscription.end", quoted(end));
        pairs.put("subscription.renewed_by", quoted(renewed_by));
    }
    pairs.put("kinds", list(&config.churn.kinds));
    pairs.put("active_within", quoted(&config.churn.active_within.to_string()));
    pairs.put("horizon", quoted(&config.churn.horizon.to_string()));
}
