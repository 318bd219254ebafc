//! What a CRM team imports, what earlier lists count for, and why a customer gets an offer.

use crate::shop::{Shop, Table};
use std::collections::BTreeSet;

/// A shop with a bundle.
fn fitted() -> Shop {
    let shop = Shop::simulated(1_500, 2);
    shop.fit().succeeds();
    shop
}

const RUN: [&str; 6] = ["run", "shop.toml", "--model", "models/shop.hfb", "--backtest", "--as-of"];

fn ids(table: &Table, column: &str) -> BTreeSet<String> {
    table.column(column).into_iter().map(String::from).collect()
}

/// Customers in whose row a column says this.
fn having(table: &Table, column: &str, value: &str) -> BTreeSet<String> {
    let rows = table.column("customer_id").into_iter().zip(table.column(column));
    rows.filter(|(_, found)| *found == value).map(|(id, _)| id.to_owned()).collect()
}

#[test]
fn the_crm_gets_who_may_be_contacted_and_nobody_else() {
    let shop = fitted();
    shop.scoring(&[&RUN[..4], &["--out", "out", "--set", "decide.control={ share = 0.2, salt = \"test\" }"]].concat()).succeeds();
    let (risk, list) = (shop.table("risk.csv"), shop.table("crm/generic.csv"));
    let listed = ids(&list, "customer_id");
    assert_eq!(listed.len(), list.column("customer_id").len(), "nobody is there twice");
    let yes = having(&Table::read(&shop.path().join("customers.csv")), "consent", "yes");
    assert!(listed.is_subset(&yes), "someone without consent is on the list");
    let offers = shop.table("offers.csv");
    let controls = having(&offers, "assignment", "control");
    assert!(controls.len() > 50 && controls.is_disjoint(&listed), "a control customer is on the list");
    let contact = risk.column("contact");
    for (id, contact) in risk.column("customer_id").iter().zip(&contact) {
        assert_eq!(*contact == "yes", listed.contains(*id), "{id}: {contact}");
    }
    for word in ["control", "no_consent", "yes"] {
        assert!(contact.contains(&word), "no {word}");
    }
    // Every decision that goes out can come back.
    let decided = ids(&offers, "decision_id");
    assert!(list.column("holdfast_offer_1_decision_id").iter().filter(|id| !id.is_empty()).all(|id| decided.contains(*id)));
}

#[test]
fn each_channel_reaches_only_who_consented_to_it() {
    let shop = Shop::simulated(1_500, 2);
    let customers = Table::read(&shop.path().join("customers.csv"));
    let rows = customers.column("customer_id").into_iter().enumerate();
    let asked: Vec<(String, bool, bool)> = rows.map(|(place, id)| (id.to_owned(), place % 2 == 0, place % 3 == 0)).collect();
    let word = |says: bool| if says { "yes" } else { "no" };
    let lines = asked.iter().map(|(id, email, phone)| format!("{id},{},{},\n", word(*email), word(*phone)));
    std::fs::write(shop.path().join("rights.csv"), format!("customer_id,email_ok,phone_ok,opted_out_on\n{}", lines.collect::<String>())).unwrap();
    let config = std::fs::read_to_string(shop.path().join("shop.toml")).unwrap();
    let source = "[[profiles]]\nfiles = [\"rights.csv\"]\ncustomer = \"customer_id\"\nconsent = { email = \"email_ok\", phone = \"phone_ok\" }\nsuppress = \"opted_out_on\"\n\n[[items]]";
    std::fs::write(shop.path().join("shop.toml"), config.replace("[[items]]", source)).unwrap();
    shop.fit().succeeds();
    let told = shop.scoring(&[&RUN[..4], &["--out", "out"]].concat()).succeeds();
    assert!(told.stdout.contains("offers go by \"app\", for which [[profiles]] consent names no column"), "{}", told.stdout);
    // The shop's own consent counts beside it.
    let all = having(&customers, "consent", "yes");
    let may = |id: &str, channel: &str| {
        all.contains(id) && asked.iter().any(|(known, email, phone)| known == id && [("email", *email), ("phone", *phone)].contains(&(channel, true)))
    };
    let offers = shop.table("offers.csv");
    let decided = offers.column("customer_id").into_iter().zip(offers.column("channel")).zip(offers.column("assignment"));
    let sent: Vec<(&str, &str)> = decided.filter(|(_, assignment)| ["offer", "control"].contains(assignment)).map(|(row, _)| row).collect();
    assert!(sent.len() > 50 && sent.iter().all(|(id, channel)| may(id, channel)), "{sent:?}");
    let list = shop.table("crm/generic.csv");
    for (id, channels) in list.column("customer_id").into_iter().zip(list.column("holdfast_contact_channels")) {
        let expected: Vec<&str> = ["email", "phone"].into_iter().filter(|channel| may(id, channel)).collect();
        assert!(!expected.is_empty() && channels == expected.join("|"), "{id}: {channels}");
    }
    let why = shop.scoring(&["explain", "shop.toml", "--model", "models/shop.hfb", "--customer", &asked[1].0]).succeeds();
    assert!(why.stdout.contains("has consented to contact by email"), "{}", why.stdout);
}

#[test]
fn a_delta_tells_what_changed_since_the_newest_run_before() {
    let shop = fitted();
    let run = |as_of: &str, out: &str, more: &[&str]| {
        let base = [&RUN[..], &[as_of, "--out", out, "--set", "output.crm=braze", "--set", "output.id=email"], more].concat();
        shop.scoring(&base)
    };
    std::fs::create_dir(shop.path().join("runs")).unwrap();
    run("2024-11-01", "runs/1", &[]).succeeds();
    run("2024-12-01", "runs/2", &[]).succeeds();
    let delta = ["--previous", "runs", "--set", "output.mode=delta"];
    run("2024-12-10", "runs/3", &delta).succeeds();
    let read = |name: &str| Table::read(&shop.path().join(name).join("crm/braze.csv"));
    let (before, written) = (ids(&read("runs/2"), "email"), read("runs/3"));
    let rows = written.column("email").into_iter().zip(written.column("holdfast_list"));
    let (on, off): (Vec<_>, Vec<_>) = rows.partition(|(_, list)| *list == "yes");
    assert!(!on.is_empty() && off.iter().all(|(email, list)| *list == "no" && before.contains(*email)), "{off:?}");
    let listed = ids(&Table::read(&shop.path().join("runs/3/list.csv")), "crm_id");
    assert_eq!(before.difference(&listed).count(), off.len(), "everyone who left the list has a row that says so");
    // The same day again says the same, though a run of that day is among the runs now.
    let first = std::fs::read(shop.path().join("runs/3/crm/braze.csv")).unwrap();
    run("2024-12-10", "runs/3", &delta).succeeds();
    assert_eq!(first, std::fs::read(shop.path().join("runs/3/crm/braze.csv")).unwrap());
    run("2024-10-01", "runs/4", &delta).fails(66).naming(&["2024-10-01"]);
    run("2024-12-10", "runs/4", &["--set", "output.mode=delta"]).fails(78).naming(&["--previous"]);
}

#[test]
fn parts_of_an_older_list_do_not_stay_behind() {
    let shop = fitted();
    let run = |rows: &str| shop.scoring(&[&RUN[..4], &["--out", "out", "--set", &format!("output.max_rows_per_file={rows}")]].concat()).succeeds();
    run("200");
    assert!(shop.out().join("crm/generic_0002.csv").is_file());
    run("100000");
    let left: Vec<_> = shop.out().join("crm").read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, ["generic.csv"]);
}

#[test]
fn offers_of_earlier_lists_count_as_sent_until_the_treatments_tell() {
    let shop = fitted();
    let limit = ["--set", "decide.contact={ max = 1, per = \"30d\" }", "--set", "decide.issued=lists/*/offers.csv"];
    let run = |as_of: &str, out: &str| shop.scoring(&[&RUN[..], &[as_of, "--out", out], &limit].concat()).succeeds();
    std::fs::create_dir(shop.path().join("lists")).unwrap();
    let sent = |out: &str| having(&Table::read(&shop.path().join(out).join("offers.csv")), "assignment", "offer");
    run("2024-12-20", "lists/1");
    let first = sent("lists/1");
    assert!(!first.is_empty());
    run("2024-12-27", "out");
    assert!(sent("out").is_disjoint(&first), "someone is contacted twice within 30 days");
    // The list of the day itself is no earlier list: the same run again is the same.
    run("2024-12-20", "lists/1");
    assert_eq!(sent("lists/1"), first);
    std::fs::write(shop.path().join("lists/1/offers.csv"), "customer,offer\n1,2\n").unwrap();
    shop.scoring(&[&RUN[..4], &["--out", "out"], &limit[..]].concat()).fails(65).naming(&["offers.csv", "customer_id"]);
    let misspelt = ["--out", "out", "--set", "decide.issued=list/*/offers.csv"];
    let told = shop.scoring(&[&RUN[..4], &misspelt].concat()).succeeds();
    assert!(told.stdout.contains("none counts as sent"), "{}", told.stdout);
}

#[test]
fn who_asked_to_be_left_out_stands_in_no_file_and_an_id_that_is_nobodys_is_told_of() {
    let shop = fitted();
    shop.scoring(&[&RUN[..4], &["--out", "before"]].concat()).succeeds();
    std::fs::write(shop.path().join("gone.txt"), "\u{feff}C000010\r\nC000011\r\nc000012\r\n").unwrap();
    let told = shop.scoring(&[&RUN[..4], &["--out", "out", "--set", "privacy.exclude_ids=gone.txt"]].concat()).succeeds();
    for part in ["2 customers of exclude_ids were left out", "1 of its 3 ids", "line 3"] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    for name in shop.files() {
        assert!(!["C000010", "C000011"].iter().any(|id| shop.output(&name).contains(id)), "{name} names who asked to be left out");
    }
    let customers = |out: &str| -> BTreeSet<String> {
        let table = |name: &str| Table::read(&shop.path().join(out).join(name));
        ids(&table("risk.csv"), "customer_id").union(&ids(&table("excluded.csv"), "customer_id")).cloned().collect()
    };
    let gone: Vec<String> = customers("before").difference(&customers("out")).cloned().collect();
    assert_eq!(gone, ["C000010", "C000011"]);
    let explain = ["explain", "shop.toml", "--model", "models/shop.hfb", "--customer", "C000010", "--set", "privacy.exclude_ids=gone.txt"];
    shop.scoring(&explain).fails(65).naming(&["C000010", "exclude_ids"]);
}

#[test]
fn explain_tells_every_rule_and_term_of_an_offer_and_what_if_tells_a_budgets_worth() {
    let shop = fitted();
    let budget = ["--set", "offers.0.budget={ amount = 5, per = \"30d\" }"];
    let run = [&RUN[..4], &["--out", "out", "--what-if", "F10=2", "--what-if", "F10=20", "--json"], &budget[..]].concat();
    let record = shop.scoring(&run).succeeds().json();
    let tried = record["counts"]["decisions"]["what_if"].as_array().unwrap();
    let value = |place: usize| tried[place]["value"].as_f64().unwrap();
    assert!(tried.len() == 2 && value(0) <= value(1), "{tried:?}");
    // The budget of all offers, beside that of one.
    let common = ["--set", "decide.budget={ amount = 3, per = \"30d\" }"];
    let all = shop.scoring(&[&RUN[..4], &["--out", "out", "--what-if", "1", "--what-if", "4.5", "--json"], &budget[..], &common].concat()).succeeds().json();
    let decisions = &all["counts"]["decisions"];
    let tried = decisions["what_if"].as_array().unwrap();
    assert!(
        tried.iter().all(|tried| tried["offer"].is_null()) && tried[0]["added"].as_f64() < Some(0.0) && tried[1]["added"].as_f64() > Some(0.0),
        "{tried:?}"
    );
    let line = decisions["resources"].as_array().unwrap().iter().find(|line| line["name"] == "budget of all offers").unwrap();
    assert!(line["used"].as_f64() <= line["limit"].as_f64() && line["price"].as_f64() > Some(0.0), "{line}");
    shop.scoring(&[&RUN[..4], &["--out", "out", "--what-if", "1"]].concat()).fails(78).naming(&["[decide] has no `budget`"]);
    shop.scoring(&run).succeeds();
    let offers = shop.table("offers.csv");
    let given = offers.column("customer_id").into_iter().zip(offers.column("assignment")).find(|(_, assignment)| *assignment == "offer").unwrap().0;
    let explained = shop.scoring(&[&["explain"][..], &RUN[1..4], &["--customer", given, "--json"], &budget].concat()).succeeds().json();
    let decisions = explained["decisions"].as_array().unwrap();
    assert!(decisions.len() > 1 && decisions.iter().any(|offer| offer["outcome"] == "to be sent"), "{decisions:?}");
    assert!(decisions.iter().all(|offer| offer["rules"].as_array().unwrap().len() == 6 && offer["contact_cost"].is_number()), "{decisions:?}");
    // Someone else is told that the budget is used up.
    let all = offers.column("customer_id").into_iter().collect::<BTreeSet<_>>();
    let out = all.iter().rev().take(40).any(|id| {
        let explained = shop.scoring(&[&["explain"][..], &RUN[1..4], &["--customer", id], &budget].concat()).succeeds();
        explained.stdout.contains("crowded out: the budget of F10 is used up")
    });
    assert!(out, "nobody is crowded out by a budget for a handful of customers");
    shop.scoring(&[&RUN[..4], &["--out", "out", "--what-if", "NOPE=2"], &budget[..]].concat()).fails(78).naming(&["NOPE", "F10"]);
    shop.scoring(&[&RUN[..4], &["--out", "out", "--what-if", "F10"]].concat()).ends_with(2);
}

#[test]
fn controls_are_those_who_would_have_been_sent_an_offer_within_the_same_budget() {
    let shop = fitted();
    let run = |more: &[&str]| {
        shop.scoring(&[&RUN[..4], &["--out", "out", "--set", "decide.control={ share = 0.3, salt = \"test\" }"], more].concat()).succeeds();
        let offers = shop.table("offers.csv");
        let count = |word: &str| offers.column("assignment").into_iter().filter(|assignment| *assignment == word).count() as f64;
        (count("offer"), count("control"))
    };
    let (sent, control) = run(&[]);
    let (sent_tight, control_tight) = run(&["--set", "offers.0.capacity={ count = 60, per = \"1d\" }"]);
    assert!(sent_tight < 0.7 * sent, "the capacity does not bind: {sent_tight} of {sent}");
    // Three of ten, give or take three standard errors.
    for (sent, control) in [(sent, control), (sent_tight, control_tight)] {
        let share = control / (sent + control);
        assert!((share - 0.3).abs() < 3.0 * (0.21 / (sent + control)).sqrt(), "{control} beside {sent}");
    }
}

#[test]
fn a_challenger_scores_its_share_of_the_customers_the_same_every_week_and_measure_compares_the_two() {
    let shop = fitted();
    std::fs::create_dir(shop.path().join("old")).unwrap();
    shop.train(&["fit", "shop.toml", "--models", "old", "--set", "churn.learners=[\"recency_rule\"]"]).succeeds();
    let run = |as_of: &str, out: &str, challenger: &[&str]| {
        let args = [&RUN[..], &[as_of, "--out", out], challenger].concat();
        shop.scoring(&args)
    };
    let tried = ["--challenger", "old/shop.hfb", "--share", "30%"];
    run("2024-09-01", "alone", &[]).succeeds();
    run("2024-09-01", "first", &tried).succeeds();
    run("2024-09-08", "second", &tried).succeeds();
    let table = |name: &str| Table::read(&shop.path().join(name));
    let (first, second, alone) = (table("first/risk.csv"), table("second/risk.csv"), table("alone/risk.csv"));
    let challenged = having(&first, "model", "challenger");
    let share = challenged.len() as f64 / first.column("model").len() as f64;
    assert!((0.24..0.36).contains(&share), "{share}");
    // Who is in both runs is on the same side in both.
    let champions_later = having(&second, "model", "champion");
    assert!(challenged.is_disjoint(&champions_later) && !champions_later.is_empty());
    // The others get what they would get without a challenger.
    let probability = |table: &Table| -> std::collections::BTreeMap<String, String> {
        table.column("customer_id").into_iter().map(String::from).zip(table.column("churn_probability").into_iter().map(String::from)).collect()
    };
    let (beside, before) = (probability(&first), probability(&alone));
    let same = beside.iter().filter(|(id, probability)| before[*id] == **probability).map(|(id, _)| id.clone()).collect::<BTreeSet<_>>();
    assert!(having(&first, "model", "champion").is_subset(&same) && same.intersection(&challenged).count() * 10 < challenged.len());
    let outcome = shop.scoring(&["measure", "shop.toml", "--scored", "first", "--json"]).json();
    let told = &outcome["challenger"];
    assert_eq!(told["challenger"].as_u64(), Some(challenged.len() as u64));
    assert!(told["log_loss"][0].is_number() && told["verdict"].is_string(), "{told}");
    // A bundle beside itself is nothing to compare; a share without a challenger is no command.
    run("2024-09-01", "third", &["--challenger", "models/shop.hfb", "--share", "5%"]).fails(78);
    run("2024-09-01", "third", &["--share", "5%"]).ends_with(2);
}

#[test]
fn every_offer_says_when_to_send_it_and_customers_differ_in_it() {
    let shop = fitted();
    shop.scoring(&[&RUN[..4], &["--out", "out"]].concat()).succeeds();
    let offers = shop.table("offers.csv");
    let decided: Vec<(&str, &str)> = offers
        .column("assignment")
        .into_iter()
        .zip(offers.column("send_weekday").into_iter().zip(offers.column("send_hour")))
        .filter(|(assignment, _)| !assignment.is_empty())
        .map(|(_, when)| when)
        .collect();
    let (days, hours): (BTreeSet<&str>, BTreeSet<&str>) = decided.iter().copied().unzip();
    assert!(!decided.is_empty() && days.iter().all(|day| day.ends_with("day")), "{days:?}");
    assert!(hours.iter().all(|hour| hour.parse::<u8>().is_ok_and(|hour| hour < 24)), "{hours:?}");
    assert!(days.len() > 1 || hours.len() > 1, "everyone gets the same hour of the same day");
}

#[cfg(unix)]
#[test]
fn with_a_key_no_file_names_a_customer_and_everything_else_is_as_without() {
    use std::os::unix::fs::PermissionsExt;
    let shop = fitted();
    let key = shop.path().join("key");
    std::fs::write(&key, "a secret of some length").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let keyed = ["--set", "privacy.key_file=key", "--set", "output.id=email"];
    let run = |out: &str, more: &[&str]| shop.scoring(&[&RUN[..], &["2024-09-01", "--out", out, "--set", "decide.control={ share = 0.2 }"], more].concat());
    run("open", &["--set", "output.id=email"]).succeeds();
    run("hidden", &keyed).succeeds();
    run("again", &keyed).succeeds();
    for name in ["risk.csv", "offers.csv", "excluded.csv", "list.csv", "report.html", "crm/generic.csv"] {
        let text = std::fs::read_to_string(shop.path().join("hidden").join(name)).unwrap();
        assert!(!text.contains("C0000") && !text.contains("C0010"), "{name} names a customer");
        assert_eq!(text, std::fs::read_to_string(shop.path().join("again").join(name)).unwrap(), "{name}");
    }
    // By e-mail, which is carried: the same forecast, tier and group.
    let by_mail = |out: &str| -> BTreeSet<String> {
        let risk = Table::read(&shop.path().join(out).join("risk.csv"));
        let columns = ["email", "churn_probability", "risk_tier", "contact"].map(|column| risk.column(column));
        (0..risk.len()).map(|row| columns.iter().map(|column| column[row]).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(by_mail("open"), by_mail("hidden"));
    let measure = |out: &str, more: &[&str]| shop.scoring(&[&["measure", "shop.toml", "--scored", out, "--json"], more].concat()).json();
    let (open, hidden) = (measure("open", &[]), measure("hidden", &keyed[..2]));
    assert!(open["churn"]["customers"].as_u64() > Some(500));
    assert_eq!((&open["churn"]["customers"], &open["churn"]["churn_rate"]), (&hidden["churn"]["customers"], &hidden["churn"]["churn_rate"]));
    assert_eq!(open["offers"][0]["sent"], hidden["offers"][0]["sent"]);
    // Asked for by the id, told by the pseudonym.
    let told = shop.scoring(&[&["explain", "shop.toml", "--model", "models/shop.hfb", "--customer", "C000010", "--json"], &keyed[..2]].concat()).json();
    assert!(told["customer_id"].as_str().is_some_and(|id| id.len() == 32), "{}", told["customer_id"]);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    run("refused", &keyed).fails(78).naming(&["chmod 600"]);
}

#[test]
fn households_that_are_kept_out_together_are_measured_together_with_the_margin_that_the_offers_brought() {
    let shop = Shop::simulated(1_500, 2);
    let households: String = (1..=1_500_u32).map(|number| format!("C{number:06},H{}\n", number / 2)).collect();
    let profiles = "[[profiles]]\nfiles = [\"households.csv\"]\ncustomer = \"customer_id\"\nhousehold = \"household\"\n\n[[profiles]]";
    let shop = shop.file("households.csv", format!("customer_id,household\n{households}")).config_with("[[profiles]]", profiles);
    shop.fit().succeeds();
    let unit = ["--set", "decide.unit=household", "--set", "decide.control={ share = 0.3 }"];
    shop.scoring(&[&RUN[..], &["2024-09-01", "--out", "out"], &unit].concat()).succeeds();
    let offers = shop.table("offers.csv");
    let household = |id: &str| id[1..].parse::<u32>().unwrap() / 2;
    let of = |kept: bool| -> BTreeSet<u32> {
        let rows = offers.column("customer_id").into_iter().zip(offers.column("assignment"));
        rows.filter(|(_, assignment)| !assignment.is_empty() && (*assignment == "control") == kept).map(|(id, _)| household(id)).collect()
    };
    let (sent, kept) = (of(false), of(true));
    assert!(sent.is_disjoint(&kept) && kept.len() > 20, "{} {}", sent.len(), kept.len());
    let outcome = shop.scoring(&[&["measure", "shop.toml", "--scored", "out", "--json"], &unit[..]].concat()).json();
    let all = &outcome["offers"][0];
    assert_eq!((all["sent"].as_u64(), all["control"].as_u64()), (Some(sent.len() as u64), Some(kept.len() as u64)));
    // Items tell margins between none and all of their price.
    let (margin, amount) = (all["margin"]["amount"].as_f64().unwrap(), all["adjusted"]["amount"].as_f64().unwrap());
    assert!(margin.abs() < amount.abs() && margin * amount > 0.0, "margin {margin} in {amount}");
    let earned = all["earned"][0].as_f64().unwrap();
    assert!((earned - (sent.len() as f64 * margin - all["cost"].as_f64().unwrap())).abs() < 1e-6);
}

#[test]
fn what_is_sold_out_since_training_is_not_offered_and_an_item_is_offered_only_where_it_can_be_had() {
    let stores: String = (0..240).map(|number| format!("c{number:03},{}\n", ["north", "south"][number % 2])).collect();
    let shop = Shop::lively().file("customers.csv", format!("customer,store\n{stores}")).config_with(
        "[churn]",
        "[[profiles]]\nfiles = [\"customers.csv\"]\ncustomer = \"customer\"\ncategories = [\"store\"]\n\
         [[items]]\nfiles = [\"items.csv\"]\nitem = \"item\"\navailable = \"stock\"\navailable_in = \"store\"\n[recommend]\nplace = \"store\"\nper_customer = 6\n[churn]",
    );
    // Each of six things is bought by customers of one of the stores; salt stands in no row, pens are listed for everywhere.
    let stock = |tea: u8| format!("item,store,stock\ntea,north,{tea}\ntea,south,0\nmugs,south,3\nrugs,north,1\nrugs,south,1\npens,,1\n");
    let shop = shop.file("items.csv", stock(5));
    shop.fit().succeeds();
    let offered = |shop: &Shop| -> BTreeSet<(String, bool)> {
        shop.score().succeeds();
        let offers = shop.table("offers.csv");
        let is_north = |id: &str| id[1..].parse::<usize>().unwrap() % 2 == 0;
        offers.column("customer_id").into_iter().zip(offers.column("item_id")).map(|(id, item)| (item.to_owned(), is_north(id))).collect()
    };
    let both = |item: &str| [(item.to_owned(), true), (item.to_owned(), false)];
    let first = offered(&shop);
    assert!(first.contains(&("tea".into(), true)) && !first.contains(&("tea".into(), false)), "{first:?}");
    assert!(first.contains(&("mugs".into(), false)) && !first.contains(&("mugs".into(), true)), "{first:?}");
    for item in ["rugs", "pens", "salt"] {
        assert!(both(item).iter().all(|row| first.contains(row)), "{item}: {first:?}");
    }
    let shop = shop.file("items.csv", stock(0));
    assert!(!offered(&shop).iter().any(|(item, _)| item == "tea"), "tea is sold out");
    let misspelt = shop.train(&["fit", "shop.toml", "--set", "recommend.place=stor"]);
    misspelt.fails(78).naming(&["[recommend] place: found \"stor\"", "which are store"]);
    let without = shop.config_with("place = \"store\"", "");
    without.fit().fails(78).naming(&["available_in", "expected place ="]);
}
