//! What is written reaches the program, and what is not written has its default.

use super::{EVENTS, PROFILES, config, config_with, examples};
use crate::config::{
    Case, Column, ColumnSource, Definition, Delimiter, Duplicates, Effort, Format, Language, Layout, Limit, Repeat, Response, Role, SendHours, Span,
    StaticColumns, Tier, TierFrom, Unit, check,
};

fn pairs(text: &str) -> Vec<String> {
    config(text).contract().into_iter().map(|(key, value)| format!("{key} = {value}")).collect()
}

#[test]
fn every_worked_example_loads() {
    let definition = |text| config(text).churn.definition;
    assert_eq!(definition(examples::TELCO), Definition::Label);
    assert_eq!(definition(examples::ONLINE_RETAIL_II), Definition::Inactivity);
    assert_eq!(definition(examples::STARBUCKS), Definition::Inactivity);
    assert_eq!(definition(examples::COMPLETE_JOURNEY), Definition::Inactivity);
    assert_eq!(definition(examples::HILLSTROM), Definition::None);
    assert_eq!(definition(examples::GOWALLA), Definition::None);
}

#[test]
fn the_retail_example_is_understood_to_the_letter() {
    let config = config(examples::ONLINE_RETAIL_II);
    assert_eq!(
        (config.project.name.as_str(), config.project.currency.as_str(), config.project.timezone.as_str()),
        ("online_retail_ii", "GBP", "Europe/London")
    );
    let events = &config.events[0];
    assert_eq!(events.files.patterns, ["/shop/../public/online_retail_ii/*.csv.gz"]);
    assert_eq!(events.files.line, 6);
    assert_eq!(events.files.condition.as_ref().unwrap().columns(), ["Customer ID"]);
    assert_eq!((events.customer.names(), events.customer.strip_suffix.as_deref()), (vec!["Customer ID"], Some(".0")));
    assert_eq!(events.kind.source, ColumnSource::Value("purchase".into()));
    assert_eq!(events.item.as_ref().unwrap().case, Some(Case::Upper));
    assert!(events.returned_if.is_some() && events.amount.is_none() && events.basket.is_some());
    assert!(config.profiles[0].pick_last);
    assert_eq!(config.profiles[0].categories[0].name, "Country");
    assert_eq!(config.items[0].recommend_if.as_ref().unwrap().columns(), ["StockCode"]);
    assert_eq!((config.churn.active_within, config.churn.horizon), (Span::days(180), Span::days(90)));
}

#[test]
fn the_other_examples_carry_their_special_columns() {
    let starbucks = config(examples::STARBUCKS);
    let time = starbucks.events[0].time.as_ref().unwrap();
    assert_eq!((time.unit, time.origin.as_deref()), (Some(Unit::Hours), Some("2018-08-01")));
    assert_eq!(starbucks.events[0].kind.map[0], ("offer completed".to_owned(), "redeem".to_owned()));
    assert_eq!(starbucks.events[0].files.duplicates, Duplicates::Drop);
    assert_eq!(starbucks.profiles[0].numbers[0].column.missing, ["118"]);
    assert_eq!(starbucks.profiles[0].static_columns, StaticColumns::All);
    let offer_keys: Vec<&str> = starbucks.offers[0].columns.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(offer_keys, ["category", "channel", "accept_cost", "valid_for"]);
    assert_eq!(starbucks.treatments[0].control.as_deref(), Some("not_sent"));

    let journey = config(examples::COMPLETE_JOURNEY);
    assert_eq!(journey.events[0].discount.as_ref().unwrap().names(), ["retail_disc", "coupon_disc", "coupon_match_disc"]);
    assert_eq!(journey.offers[0].files.lookups[0].on, "campaign_id");
    assert!(matches!(&journey.treatments[0].response, Some(Response::Events { until: Some(until), within: None, .. }) if until == "end_date"));
    assert_eq!(journey.churn.active_within, Span::days(56));

    let hillstrom = config(examples::HILLSTROM);
    assert_eq!(hillstrom.profiles[0].customer.source, ColumnSource::Row);
    let cost = hillstrom.treatments[0].columns.iter().find(|(key, _)| key == "contact_cost").map(|(_, column)| column.source.clone());
    assert_eq!(cost, Some(ColumnSource::Value("0.60".into())));
    assert!(matches!(&hillstrom.treatments[0].response, Some(Response::Columns(columns)) if columns.len() == 3 && columns[0].0 == "visit"));
    assert_eq!((hillstrom.decide.goal.as_deref(), hillstrom.treatments[0].randomised), (Some("visit"), Some(true)));

    let gowalla = config(examples::GOWALLA);
    assert_eq!((gowalla.events[0].files.role, gowalla.events[1].files.role), (Role::Fit, Role::Test));
    assert_eq!(gowalla.recommend.repeat, Repeat::Never);
    let telco = config(examples::TELCO);
    assert_eq!(telco.profiles[0].label.as_ref().unwrap().positive, "Yes");
}

#[test]
fn what_is_not_written_has_its_default() {
    let config = config(EVENTS);
    let project = &config.project;
    assert_eq!(
        (project.name.as_str(), project.currency.as_str(), project.timezone.as_str(), project.language, project.seed),
        ("shop", "", "UTC", Language::En, 1)
    );
    assert!((project.max_reject_rate - 0.01).abs() < 1e-12 && project.allow_stale.is_empty());
    let files = &config.events[0].files;
    assert_eq!((files.layout, files.duplicates, files.role), (Layout::Rows, Duplicates::AcrossFiles, Role::Fit));
    assert_eq!(files.missing, ["", "NA", "NULL"]);
    assert_eq!(config.events[0].kind.source, ColumnSource::Value("purchase".into()));
    let churn = &config.churn;
    assert_eq!((&churn.definition, churn.kinds.as_slice(), churn.effort), (&Definition::Inactivity, ["purchase".to_owned()].as_slice(), Effort::Normal));
    assert_eq!((churn.active_within, churn.horizon, churn.costs), (Span::days(180), Span::days(90), None));
    let tier = |name: &str, from| Tier { name: name.into(), from, max: None };
    assert_eq!(churn.tiers, [tier("manager", TierFrom::Probability(0.8)), tier("auto_call", TierFrom::Probability(0.6)), tier("watch", TierFrom::Lift(2.0))]);
    assert_eq!((config.recommend.per_customer, config.recommend.repeat), (3, Repeat::Auto));
}

#[test]
fn the_definition_follows_from_what_there_is() {
    let label = format!("{EVENTS}{PROFILES}label = {{ column = \"l\", positive = true }}\n");
    assert_eq!(config(&label).churn.definition, Definition::Label);
    assert_eq!(config(&label).profiles[0].label.as_ref().unwrap().positive, "true");
    assert_eq!(config(PROFILES).churn.definition, Definition::None);
    let subscription = format!("{PROFILES}[churn]\nsubscription = {{ start = \"from\", end = \"to\" }}\n");
    assert_eq!(config(&subscription).churn.definition, Definition::Subscription { start: "from".into(), end: "to".into(), renewed_by: "renew".into() });
}

#[test]
fn every_setting_of_a_full_config_arrives() {
    let full = r#"
[project]
name = "full"
language = "zh"
seed = 7
max_reject_rate = 0.5
allow_stale = ["all"]
[[events]]
files = ["${DATA}/a.csv", "b/*.parquet"]
format = "csv.gz"
delimiter = "tab"
encoding = "gbk"
columns = ["c", "t", "k"]
where = "k != \"x\""
lookup = { files = "l.csv", on = "k", many = true }
fill_down = { by = "k", columns = ["t"] }
missing = ["?", 9]
duplicates = "keep"
id = "card"
max_age = "36h"
min_rows = 10
customer = ["c", "k"]
time = { column = "t", format = "%d.%m.%Y" }
known_at = { column = "t", unit = "ms" }
numbers = ["n"]
categories = [["k", "c"]]
score = "s"
[[profiles]]
files = "p.csv"
customer = "c"
household = "h"
consent = "ok"
suppress = "no"
dates = ["d"]
drop = ["x"]
carry = ["mail"]
static = ["d"]
[[offers]]
files = "o.csv"
delimiter = "spaces"
offer = "o"
channels = { column = "ch", split = "|" }
contact_cost = { value = 0.5 }
valid_from = "f"
who = "status == \"dormant\" and tier in [\"call\"]"
budget = { amount = 99.5, per = "month" }
capacity = { count = 10, per = "1w" }
[[treatments]]
files = "t.jsonl"
format = "jsonl"
customer = "c"
offer = "o"
time = "t"
response = { kinds = ["purchase"], sum = "n", within = "7d", until = "u" }
[[identities]]
files = "i.csv"
customer = "c"
also = ["card", "mail"]
[churn]
kinds = ["purchase", "login"]
active_within = "6mo"
horizon = "12w"
cutoffs = [2024-01-01, "2024-04-01"]
effort = "deep"
costs = { contact = 1, incentive = 10.5, value_saved = 200, acceptance = 0.25 }
learners = ["forest"]
tiers = [{ name = "call", p = 0.7, max = 200 }]
[recommend]
weight = { view = 0.1, cart = 1, return = -1 }
half_life = "1y"
repeat = "allow"
per_customer = 5
[decide]
goal = "n"
offers_per_customer = 2
contact = { max = 1, per = "week" }
min_gap = "14d"
budget = { amount = 500.5, per = "month" }
capacity = { count = 40, per = "day" }
control = { share = 0.05, rotate = "26w", salt = "s" }
explore = 0.1
unit = "household"
send_hours = { from = 9, until = 18 }
issued = "lists/*/offers.csv"
[output]
crm = "generic"
id = "mail"
mode = "delta"
bom = true
max_rows_per_file = 1000
[privacy]
key_file = "${DATA}/key"
exclude_ids = "gone.txt"
retention = "3y"
"#;
    let config = config(full);
    let files = &config.events[0].files;
    assert_eq!(files.patterns, ["/data/a.csv", "/shop/b/*.parquet"]);
    assert_eq!((files.format, files.delimiter, files.encoding.as_deref()), (Some(Format::Csv), Some(Delimiter::Byte(b'\t')), Some("gbk")));
    assert_eq!((files.columns.as_ref().unwrap().len(), files.missing.join("|"), files.id.as_deref()), (3, "|?|9".to_owned(), Some("card")));
    assert_eq!((files.max_age, files.min_rows, files.duplicates), (Some(Span { seconds: 36 * 3600 }), Some(10), Duplicates::Keep));
    assert!(files.lookups[0].many && files.lookups[0].patterns == ["/shop/l.csv"]);
    assert!(files.fill_down.as_ref().is_some_and(|fill_down| fill_down.by == "k" && fill_down.columns == ["t"]));
    let events = &config.events[0];
    assert_eq!(events.customer.source, ColumnSource::Several(vec!["c".into(), "k".into()]));
    assert_eq!(events.time.as_ref().unwrap().format.as_deref(), Some("%d.%m.%Y"));
    assert_eq!(events.known_at.as_ref().unwrap().unit, Some(Unit::Milliseconds));
    assert_eq!((events.numbers[0].name.as_str(), events.categories[0].name.as_str()), ("n", "k+c"));
    let profiles = &config.profiles[0];
    assert_eq!(
        (profiles.drop.join(""), profiles.carry.join(""), &profiles.static_columns),
        ("x".into(), "mail".into(), &StaticColumns::Named(vec!["d".into()]))
    );
    assert!(profiles.household.is_some() && profiles.consent.len() == 1 && profiles.suppress.len() == 1 && !profiles.pick_last);
    let offers = &config.offers[0];
    assert_eq!(offers.columns.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["channel", "contact_cost", "valid_from"]);
    assert_eq!(offers.files.delimiter, Some(Delimiter::Spaces));
    assert_eq!(offers.budget, Some(Limit { amount: 99.5, per: Span::days(30) }));
    assert_eq!(offers.capacity, Some(Limit { amount: 10.0, per: Span::days(7) }));
    assert!(
        matches!(&config.treatments[0].response, Some(Response::Events { sum: Some(sum), within: Some(within), until: Some(_), .. }) if sum == "n" && *within == Span::days(7))
    );
    assert_eq!((config.identities[0].also.len(), config.identities[0].max_links), (2, 10));
    let churn = &config.churn;
    assert_eq!(churn.cutoffs.as_ref().unwrap(), &["2024-01-01", "2024-04-01"]);
    let costs = churn.costs.unwrap();
    assert_eq!((costs.contact, costs.incentive, costs.value_saved, costs.acceptance), (1.0, 10.5, Some(200.0), 0.25));
    assert_eq!((churn.effort, churn.learners.join(""), churn.tiers[0].max), (Effort::Deep, "forest".into(), Some(200)));
    assert_eq!((churn.active_within, churn.horizon), (Span::days(180), Span::days(84)));
    let recommend = &config.recommend;
    assert_eq!(recommend.weights.iter().map(|(kind, weight)| format!("{kind} {weight}")).collect::<Vec<_>>(), ["cart 1", "return -1", "view 0.1"]);
    assert_eq!((recommend.half_life, recommend.repeat, recommend.per_customer), (Some(Span::days(365)), Repeat::Allow, 5));
    let decide = &config.decide;
    assert_eq!(
        (decide.offers_per_customer, decide.contact.clone(), decide.min_gap),
        (Some(2), Some(Limit { amount: 1.0, per: Span::days(7) }), Some(Span::days(14)))
    );
    assert_eq!(decide.budget, Some(Limit { amount: 500.5, per: Span::days(30) }));
    assert_eq!(decide.capacity, Some(Limit { amount: 40.0, per: Span::days(1) }));
    assert_eq!((decide.control_share, decide.control_rotate, decide.control_salt.as_deref()), (Some(0.05), Some(Span::days(182)), Some("s")));
    assert_eq!((decide.explore, decide.by_household, decide.issued.as_deref()), (Some(0.1), true, Some("/shop/lists/*/offers.csv")));
    assert_eq!(decide.send_hours, SendHours { from: 9, until: 18 });
    let output = &config.output;
    assert_eq!(
        (output.crm.as_deref(), output.id.as_deref(), output.is_delta, output.bom, output.max_rows_per_file),
        (Some("generic"), Some("mail"), true, true, Some(1000))
    );
    assert_eq!(config.privacy.key_file.as_deref(), Some(std::path::Path::new("/data/key")));
    assert_eq!(config.privacy.retention, Some(Span::days(3 * 365)));
    assert_eq!((config.project.seed, config.project.language, config.project.allow_stale.join("")), (7, Language::Zh, "all".into()));
}

#[test]
fn an_override_wins_and_is_part_of_the_hash() {
    let set = |overrides: &[&str]| config_with(EVENTS, overrides).unwrap();
    let config =
        set(&["churn.horizon=30d", "project.name=007", "events.0.files=[\"x.csv\", \"y.csv\"]", "events.0.item.column=sku", "recommend.per_customer=9"]);
    assert_eq!((config.churn.horizon, config.project.name.as_str(), config.recommend.per_customer), (Span::days(30), "007", 9));
    assert_eq!(config.events[0].files.patterns, ["/shop/x.csv", "/shop/y.csv"]);
    assert_eq!(config.events[0].item.as_ref().unwrap().names(), ["sku"]);
    assert_eq!(set(&["churn.horizon=30d", "churn.horizon=40d"]).churn.horizon, Span::days(40), "the last one wins");
    assert_eq!(set(&["churn.cutoffs=[2024-01-01]"]).churn.cutoffs.unwrap(), ["2024-01-01"]);
    assert_eq!(set(&["project.name=12"]).project.name, "12");
    assert_eq!(set(&["events.0.kind.map.\"a=b\"=purchase", "events.0.kind.column=k"]).events[0].kind.map, [("a=b".to_owned(), "purchase".to_owned())]);
    assert_ne!(set(&[]).hash, set(&["project.seed=2"]).hash);
    assert_eq!(set(&[]).hash, super::config(EVENTS).hash);
}

#[test]
fn who_may_be_contacted_is_said_for_all_channels_or_for_each() {
    let text = "[[profiles]]\nfiles = \"p.csv\"\ncustomer = \"c\"\n";
    let columns = |line: &str| {
        let config = config(&format!("{text}{line}\n"));
        let all = config.profiles[0].consent.iter().chain(&config.profiles[0].suppress);
        all.map(|told| format!("{}:{}", told.channel.as_deref().unwrap_or("*"), told.column.names().join("+"))).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(columns("consent = \"ok\"\nsuppress = [\"a\", \"b\"]"), "*:ok *:a *:b");
    assert_eq!(columns("consent = { column = [\"a\", \"b\"], missing = [\"?\"] }"), "*:a *:b");
    assert_eq!(
        columns("consent = { email = \"e\", post = { value = \"yes\" } }\nsuppress = { all = \"dead\", sms = [\"s\", \"t\"] }"),
        "email:e post: *:dead sms:s sms:t"
    );
    let pairs = pairs(&format!("{text}consent = {{ email = \"e\", sms = [\"s\", \"t\"] }}\n"));
    assert!(
        pairs.contains(&"profiles.0.consent.email = \"e\"".to_owned()) && pairs.contains(&"profiles.0.consent.sms = [\"s\", \"t\"]".to_owned()),
        "{pairs:?}"
    );
    let refused = config_with(&format!("{text}consent = {{}}\n"), &[]).unwrap_err().to_string();
    assert!(refused.contains("one for each channel"), "{refused}");
}

#[test]
fn the_contract_holds_what_rows_mean_and_nothing_of_files_or_actions() {
    let text = format!("{EVENTS}item = {{ column = \"sku\", case = \"upper\" }}\nreturned_if = \"( qty<0 )\"\n");
    assert_eq!(
        pairs(&text),
        [
            "churn.active_within = \"180d\"",
            "churn.definition = \"inactivity\"",
            "churn.horizon = \"90d\"",
            "churn.kinds = [\"purchase\"]",
            "events.0.customer = \"c\"",
            "events.0.duplicates = \"across_files\"",
            "events.0.item = { column = \"sku\", case = \"upper\" }",
            "events.0.kind = { value = \"purchase\" }",
            "events.0.missing = [\"\", \"NA\", \"NULL\"]",
            "events.0.returned_if = qty < 0",
            "events.0.time = \"t\"",
            "project.currency = \"\"",
            "project.timezone = \"UTC\"",
            "recommend.half_life = \"auto\"",
            "recommend.repeat = \"auto\"",
        ]
    );
    let same = "[project]\nname = \"other\"\nseed = 9\n[[events]]\nfiles = [\"new/*.csv\"]\ndelimiter = \";\"\ncustomer = { column = \"c\" }\ntime = \"t\"\nkind = { value = \"purchase\" }\n\
        item = { case = \"upper\", column = \"sku\" }\nreturned_if = \"qty < 0\"\nmin_rows = 5\n[[events]]\nfiles = \"test.csv\"\ncustomer = \"c\"\ntime = \"t\"\nrole = \"test\"\n\
        [churn]\nhorizon = \"90d\"\neffort = \"quick\"\ntiers = [{ name = \"x\", p = 0.1 }]\n[output]\nbom = true\n[decide]\nexplore = 0.1\n";
    assert_eq!(pairs(same), pairs(&text));
}

#[test]
fn each_change_of_meaning_changes_the_contract() {
    let before = config(examples::STARBUCKS).contract();
    for set in [
        "project.timezone=Asia/Shanghai",
        "churn.horizon=14d",
        "churn.kinds=[\"redeem\"]",
        "churn.definition=none",
        "events.0.time.unit=days",
        "events.0.kind.map.\"offer viewed\"=view",
        "events.0.duplicates=keep",
        "events.0.where=amount > 0",
        "profiles.0.static=false",
        "profiles.0.missing=[\"?\"]",
        "treatments.0.response.within=14d",
        "offers.0.category=channels",
    ] {
        let after = config_with(examples::STARBUCKS, &[set]).unwrap().contract();
        assert_ne!(after, before, "{set}");
    }
}

#[test]
fn every_key_is_in_the_documentation() {
    let page = include_str!("../../../docs/config.md");
    // Between backticks stands code; its words are what the page names.
    let code = page.split('`').skip(1).step_by(2);
    let named: std::collections::BTreeSet<&str> = code.flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
    for (table, keys) in check::documented_keys() {
        for key in keys {
            assert!(named.contains(key), "docs/config.md does not name `{key}` of {table}");
        }
    }
}

#[test]
fn a_list_layout_needs_no_columns() {
    let config = config("[[events]]\nfiles = \"train.txt\"\nlayout = \"list\"\n");
    assert_eq!(config.events[0].customer.names(), Column::named("customer").names());
    assert_eq!(config.events[0].item.as_ref().unwrap().names(), ["item"]);
    assert_eq!(config.events[0].files.layout, Layout::List);
}
