//! Training and scoring as a user sees them.

use crate::shop::{Shop, Table, row_counts};
use holdfast::evaluate::classify::auc;
use holdfast::timeline::Moment;
use std::collections::{BTreeMap, BTreeSet};

const RISK_COLUMNS: [&str; 17] = [
    "customer_id",
    "as_of",
    "decision_id",
    "churn_probability",
    "risk_tier",
    "risk_rank",
    "status",
    "days_since_last",
    "orders",
    "value",
    "segment",
    "reason_1_code",
    "reason_1",
    "reason_2_code",
    "reason_2",
    "reason_3_code",
    "reason_3",
];
const OFFER_COLUMNS: [&str; 13] = [
    "customer_id",
    "as_of",
    "decision_id",
    "rank",
    "offer_id",
    "item_id",
    "item_name",
    "channel",
    "valid_from",
    "valid_until",
    "score",
    "reason_code",
    "reason",
];

#[test]
fn a_config_drafted_from_the_exports_trains_as_well_as_the_one_written_by_hand() {
    let shop = Shop::simulated(800, 3);
    // The truth is no export.
    std::fs::remove_dir_all(shop.path().join("truth")).unwrap();
    let said = shop.train(&["init", ".", "--out", "drafted.toml"]).succeeds();
    assert!(said.stdout.contains("identities.csv: which ids are one person"), "{}", said.stdout);
    let drafted = shop.train(&["validate", "drafted.toml", "--json"]).succeeds().json();
    let by_hand = shop.train(&["validate", "shop.toml", "--json"]).succeeds().json();
    for key in ["rows", "customers", "items", "base", "churn_rate", "horizon", "cutoff", "ranked_customers"] {
        assert_eq!(drafted[key], by_hand[key], "{key}");
    }
    let measure = |answer: &serde_json::Value, part: &str, name: &str| answer[part][name].as_f64().unwrap();
    for (part, name) in [("churn", "auc"), ("recommend", "ndcg@10")] {
        assert!(measure(&drafted, part, name) > measure(&by_hand, part, name) - 0.01, "{name}: {} beside {}", drafted[part][name], by_hand[part][name]);
    }

    // What was written is never overwritten.
    let text = std::fs::read(shop.path().join("drafted.toml")).unwrap();
    shop.train(&["init", ".", "--out", "drafted.toml"]).fails(73).naming(&["drafted.toml", "is there already"]);
    assert_eq!(std::fs::read(shop.path().join("drafted.toml")).unwrap(), text);
}

#[test]
fn fit_tells_what_each_touchpoint_stands_for_and_the_bundle_keeps_it() {
    let shop = Shop::simulated(400, 5);
    let said = shop.train(&["fit", "shop.toml", "--json"]).succeeds().json();
    let touchpoints = said["journey"]["touchpoints"].as_array().unwrap();
    let share = |touchpoint: &serde_json::Value, key: &str| touchpoint[key].as_f64().unwrap();
    for key in ["credit", "first", "last"] {
        let sum: f64 = touchpoints.iter().map(|touchpoint| share(touchpoint, key)).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{key} sums to {sum}");
    }
    let names: BTreeSet<&str> = touchpoints.iter().map(|touchpoint| touchpoint["name"].as_str().unwrap()).collect();
    assert!(names.is_superset(&BTreeSet::from(["view", "cart", "open", "support", "contact (email)"])) && !names.contains("purchase"), "{names:?}");
    let bundle = said["bundle"].as_str().unwrap().to_owned();
    assert_eq!(shop.train(&["inspect", &bundle, "--json"]).succeeds().json()["models"]["journey"], said["journey"]);
    let page = std::fs::read_to_string(shop.path().join(bundle.replace(".hfb", ".html"))).unwrap();
    assert!(page.contains("The way to a purchase") && page.contains("contact (email)"));

    // Where customers only buy, there is no way to tell of.
    let plain = Shop::lively();
    let said = plain.train(&["fit", "shop.toml", "--json"]).succeeds().json();
    assert!(said["journey"].is_null());
    assert!(
        plain
            .train(&["inspect", said["bundle"].as_str().unwrap()])
            .succeeds()
            .stdout
            .contains("journey         none: no purchase came after another kind of event")
    );
}

#[test]
fn from_exports_to_both_lists() {
    let shop = Shop::simulated(800, 3);
    shop.fit().succeeds();
    shop.score().succeeds();

    let risk = shop.table("risk.csv");
    assert_eq!(risk.header[..17], RISK_COLUMNS);
    assert!(risk.len() > 200, "{} customers at risk", risk.len());
    let probabilities = risk.numbers("churn_probability");
    assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
    assert!(probabilities.windows(2).all(|pair| pair[0] >= pair[1]), "rows stand in order of risk");
    assert_eq!(risk.numbers("risk_rank"), (1..=risk.len()).map(|rank| rank as f64).collect::<Vec<f64>>());
    assert!(risk.numbers("days_since_last").iter().all(|days| (0.0..=180.0).contains(days)));
    assert!(risk.column("as_of").iter().all(|day| *day == "2025-01-01"));
    let states = BTreeSet::from(["new", "active", "slowing", "returned"]);
    assert!(risk.column("status").iter().all(|status| states.contains(status)), "dormant and lost are a win-back list");
    assert!(risk.column("reason_1").iter().take(20).all(|reason| !reason.is_empty()), "the riskiest have a reason");

    let offers = shop.table("offers.csv");
    assert_eq!(offers.header[..13], OFFER_COLUMNS);
    let at_risk: BTreeSet<&str> = risk.column("customer_id").into_iter().collect();
    let offered: BTreeSet<&str> = offers.column("customer_id").into_iter().collect();
    assert!(at_risk.is_subset(&offered), "everyone in risk.csv is offered something");
    let items = Table::read(&shop.path().join("items.csv"));
    let gone: BTreeSet<&str> =
        items.column("item_id").into_iter().zip(items.column("available")).filter(|(_, can)| *can == "no").map(|(item, _)| item).collect();
    assert!(!gone.is_empty() && offers.column("item_id").iter().all(|item| !gone.contains(item)), "what cannot be had is not offered");
    let rows = || offers.column("customer_id").into_iter().zip(offers.column("offer_id").into_iter().zip(offers.column("item_id")));
    let distinct: BTreeSet<(&str, (&str, &str))> = rows().collect();
    assert_eq!(distinct.len(), offers.len(), "no item and no offer twice for a customer");

    // What was decided: offers of the shop's own, to customers who agreed to be contacted, each worth more than it costs.
    let decided: Vec<&str> = rows().filter(|(_, (offer, _))| !offer.is_empty()).map(|(customer, _)| customer).collect();
    let customers = Table::read(&shop.path().join("customers.csv"));
    let agreed: BTreeSet<&str> =
        customers.column("customer_id").into_iter().zip(customers.column("consent")).filter(|(_, consent)| *consent == "yes").map(|(id, _)| id).collect();
    assert!(decided.iter().all(|customer| agreed.contains(customer)), "nobody is contacted without consent");
    let known: BTreeSet<String> = Table::read(&shop.path().join("offers.csv")).column("offer_id").into_iter().map(str::to_owned).collect();
    assert!(rows().all(|(_, (offer, _))| offer.is_empty() || known.contains(offer)));
    let worth: Vec<f64> = offers.column("net_value").into_iter().filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect();
    assert_eq!(worth.len(), decided.len());
    assert!(worth.iter().all(|worth| *worth >= 0.0), "no offer costs more than it brings");
}

#[test]
fn every_customer_is_in_risk_once_or_in_excluded_with_the_rule() {
    let shop = Shop::simulated(600, 4);
    shop.fit().succeeds();
    shop.score().succeeds();
    let (risk, excluded) = (shop.table("risk.csv"), shop.table("excluded.csv"));
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    risk.column("customer_id").into_iter().chain(excluded.column("customer_id")).for_each(|id| *seen.entry(id).or_default() += 1);
    assert!(seen.values().all(|times| *times == 1));
    let known = Table::read(&shop.path().join("customers.csv"));
    assert_eq!(seen.keys().copied().collect::<Vec<&str>>(), known.column("customer_id"), "cards are not customers of their own");
    assert!(excluded.column("rule").iter().all(|rule| ["already_inactive", "no_history"].contains(rule)));
}

#[test]
fn every_row_is_accounted_for() {
    let shop = Shop::simulated(600, 4);
    shop.fit().succeeds();
    shop.score().succeeds();
    let counts = row_counts(&shop.record());
    assert!(counts.len() >= 10, "a count for every file: {counts:?}");
    for [read, accepted, rejected, duplicates, skipped] in &counts {
        assert_eq!(*read, accepted + rejected + duplicates + skipped, "{counts:?}");
    }
    let rejects = shop.table("rejects.csv");
    let classes: BTreeSet<&str> = rejects.column("class").into_iter().collect();
    assert_eq!(classes, BTreeSet::from(["bad_date", "missing_id"]));
    assert!(counts.iter().any(|count| count[3] > 0), "the overlap of the yearly exports is counted");
}

#[test]
fn run_json_names_size_and_hash_of_every_file() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    shop.score().succeeds();
    let record = shop.record();
    assert_eq!(record["status"], "ok");
    let named: BTreeMap<String, (u64, String)> = record["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["name"].as_str().unwrap().to_string(), (file["bytes"].as_u64().unwrap(), file["blake3"].as_str().unwrap().to_string())))
        .collect();
    let written: Vec<String> = shop.files().into_iter().filter(|name| name != "run.json").collect();
    assert_eq!(named.keys().cloned().collect::<Vec<String>>(), written);
    for (name, (bytes, hash)) in named {
        let text = shop.output(&name);
        assert_eq!((text.len() as u64, blake3::hash(text.as_bytes()).to_hex().to_string()), (bytes, hash), "{name}");
    }
}

#[test]
fn who_broke_with_their_rhythm_ranks_above_who_kept_it() {
    let shop =
        Shop::lively().customer("kept").buys_every(7, "tea", "2023-06-01", "2024-10-31").customer("broke").buys_every(7, "tea", "2023-06-01", "2024-09-15");
    shop.fit().succeeds();
    shop.score().succeeds();
    let risk = shop.table("risk.csv");
    let probability = |customer| risk.of(customer, "churn_probability").parse::<f64>().unwrap();
    assert!(probability("broke") > 0.5 && probability("kept") < 0.3, "broke {}, kept {}", probability("broke"), probability("kept"));
    let days: u32 = risk.of("broke", "days_since_last").parse().unwrap();
    let reason = risk.of("broke", "reason_1");
    assert!(reason.contains(&days.to_string()), "the reason has the customer's own number {days}: {reason}");
}

#[test]
fn customers_that_training_never_saw_are_scored() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    let shop = shop.customer("newcomer").buys("tea", "2024-10-20").buys("soap", "2024-10-27");
    shop.score().succeeds();
    assert_eq!(shop.table("risk.csv").of("newcomer", "orders"), "2");
    assert!(shop.table("offers.csv").column("customer_id").contains(&"newcomer"));
}

#[test]
fn ids_come_back_byte_for_byte() {
    let ids = ["007", "1e5", "0x1F", "=1+2", "Łódź 5"];
    let mut shop = Shop::lively();
    for id in ids {
        shop = shop.customer(id).buys_every(9, "tea", "2024-01-01", "2024-10-31");
    }
    shop.fit().succeeds();
    shop.score().succeeds();
    let risk = shop.table("risk.csv");
    for id in ids {
        assert!(risk.column("customer_id").contains(&id), "{id}");
    }
}

#[test]
fn no_customer_id_is_in_the_bundle() {
    let shop = Shop::simulated(600, 4);
    shop.fit().succeeds();
    let bundle = std::fs::read(shop.bundle()).unwrap();
    let customers = Table::read(&shop.path().join("customers.csv"));
    let identities = Table::read(&shop.path().join("identities.csv"));
    for id in customers.column("customer_id").into_iter().chain(identities.column("card_id")).chain(customers.column("email")) {
        assert!(!bundle.windows(id.len()).any(|window| window == id.as_bytes()), "{id} is in the bundle");
    }
}

#[test]
fn what_is_learnt_ranks_nearly_as_well_as_the_truth() {
    let shop = Shop::simulated(6_000, 1);
    let answer = shop.train(&["validate", "shop.toml", "--json"]).succeeds().json();
    let truth = Table::read(&shop.path().join("truth/churn.csv"));
    let base: Vec<usize> = truth.numbers("days_since_last").iter().enumerate().filter(|(_, days)| **days <= 180.0).map(|(row, _)| row).collect();
    let (probability, left) = (truth.numbers("probability"), truth.column("left"));
    let scores: Vec<f64> = base.iter().map(|row| probability[*row]).collect();
    let labels: Vec<bool> = base.iter().map(|row| left[*row] == "1").collect();

    assert_eq!(answer["cutoff"], "2024-10-03");
    assert_eq!(answer["base"], base.len());
    let rate = labels.iter().filter(|left| **left).count() as f64 / labels.len() as f64;
    assert!((answer["churn_rate"].as_f64().unwrap() - rate).abs() < 1e-6);
    let (learnt, best) = (answer["churn"]["auc"].as_f64().unwrap(), auc(&scores, &labels));
    // 20,000 customers come within 0.02; with 6,000 there is less to learn from.
    assert!(learnt > best - 0.03 && learnt < best + 0.01, "AUC {learnt:.4}, of the truth {best:.4}");
    let rule = answer["churn"]["models"]["recency_rule"]["auc"].as_f64().unwrap();
    assert!(learnt > rule + 0.02, "AUC {learnt:.4}, of the recency rule {rule:.4}");
    let [ranked, popular] = [&answer["recommend"], &answer["recommend"]["models"]["popular"]].map(|model| model["ndcg@10"].as_f64().unwrap());
    assert!(ranked > 1.5 * popular, "NDCG@10 {ranked:.4}, of the best sellers {popular:.4}");
}

#[test]
fn validate_prints_one_object_with_all_that_was_measured() {
    let answer = Shop::lively().train(&["validate", "shop.toml", "--json"]).succeeds().json();
    for key in ["churn", "recommend", "base", "churn_rate", "cutoff", "horizon", "ranked_customers", "rows", "customers", "items", "seconds", "peak_rss_mib"] {
        assert!(!answer[key].is_null(), "no {key} in {answer}");
    }
    for measure in ["chosen", "auc", "log_loss", "brier", "models"] {
        assert!(!answer["churn"][measure].is_null(), "no {measure} in {answer}");
    }
    for measure in ["chosen", "ndcg@10", "recall@20", "ndcg@20", "models"] {
        assert!(!answer["recommend"][measure].is_null(), "no {measure} in {answer}");
    }
    assert_eq!(row_counts(&answer["rows"]).len(), 1);
}

#[test]
fn a_labelled_table_needs_no_dates() {
    let mut table = String::from("id,colour,size,left\n");
    for number in 0..3_000 {
        let colour = ["red", "blue", "green"][number % 3];
        // Small red ones leave, with an eleventh of exceptions.
        let left = (colour == "red" && number % 7 < 4) != (number % 11 == 0);
        table += &format!("k{number},{colour},{},{}\n", number % 7, if left { "yes" } else { "no" });
    }
    let config = "[project]\nname = \"shop\"\n[[profiles]]\nfiles = [\"table.csv\"]\ncustomer = \"id\"\nlabel = { column = \"left\", positive = \"yes\" }\n[churn]\ndefinition = \"label\"\n";
    let shop = Shop::new().config(config).file("table.csv", table);
    let answer = shop.train(&["validate", "shop.toml", "--json"]).succeeds().json();
    assert!(answer["churn"]["auc"].as_f64().unwrap() > 0.75, "{answer}");
    assert!(answer["recommend"].is_null() || !answer["recommend"]["reason"].is_null(), "nothing to recommend, and why: {answer}");
    shop.fit().succeeds();
    shop.score().succeeds();
    assert_eq!(shop.table("offers.csv").len(), 0);
    let already = shop.table("excluded.csv").column("rule").iter().filter(|rule| **rule == "already_left").count();
    assert_eq!(already + shop.table("risk.csv").len(), 3_000);
}

/// Contracts for a year, invoices and logins of `accounts` from 2023 to 2025: who keeps coming mostly renews, who hardly comes any more mostly does not.
/// Also the first and last day of each account's contracts, in days since 1970.
fn yearly_contracts(accounts: i64) -> (Shop, Vec<Vec<(i64, i64)>>) {
    let (first, last) = (19_358, 19_358 + 3 * 365);
    let date = |day: i64| Moment(day * 86_400).date();
    let mut contracts = String::from("contract_id,account_id,tariff,start_date,end_date\n");
    let (mut invoices, mut logins) = (String::from("invoice_id,account_id,date,amount\n"), String::from("account_id,logged_in_at\n"));
    let mut terms = Vec::new();
    let mut invoice = 0;
    for account in 0..accounts {
        let mut own = Vec::new();
        let mut start = first + account * 7 % 365;
        while start < last {
            let term = own.len() as i64;
            own.push((start, start + 365));
            contracts += &format!("k{account}-{term},a{account},t{},{},{}\n", account % 3, date(start), date(start + 365));
            let is_keen = (account * 31 + term * 17) % 10 < 6;
            let mut day = start + account % 5;
            while day < (start + 365).min(last) {
                logins += &format!("a{account},{}\n", date(day));
                day += if is_keen || day < start + 180 { 6 } else { 45 };
            }
            for month in (0..12).map(|month| start + 30 * month).filter(|month| *month < last) {
                invoice += 1;
                invoices += &format!("i{invoice},a{account},{},9.90\n", date(month));
            }
            if is_keen == ((account + term) % 9 == 0) {
                break;
            }
            start += 365;
        }
        terms.push(own);
    }
    (Shop::new().file("contracts.csv", contracts).file("invoices.csv", invoices).file("logins.csv", logins), terms)
}

#[test]
fn a_business_of_contracts_is_understood_from_its_exports_and_who_renews_has_not_left() {
    let (shop, terms) = yearly_contracts(500);
    let files = ["contracts.csv", "invoices.csv", "logins.csv"];
    shop.train(&[&["init"], &files[..], &["--out", "drafted.toml"]].concat()).succeeds();
    let answer = shop.train(&["validate", "drafted.toml", "--json", "--features", "rows.csv"]).succeeds().json();
    let day = |date: &str| (19_358..20_500).find(|day| Moment(day * 86_400).date() == date).unwrap();
    let runs = |own: &[(i64, i64)], day: i64| own.iter().any(|(start, end)| *start < day && *end >= day);
    let cutoff = day(answer["cutoff"].as_str().unwrap());
    let horizon = answer["horizon"].as_f64().unwrap() as i64;
    let base: Vec<&Vec<(i64, i64)>> = terms.iter().filter(|own| runs(own, cutoff)).collect();
    let left = base.iter().filter(|own| !runs(own, cutoff + horizon)).count();
    assert_eq!(answer["base"], base.len(), "who is asked has a contract that runs");
    assert!((answer["churn_rate"].as_f64().unwrap() - left as f64 / base.len() as f64).abs() < 1e-9, "{left} of {}: {answer}", base.len());
    let auc = |model: &str| answer["churn"]["models"][model]["auc"].as_f64().unwrap();
    assert!(auc(answer["churn"]["chosen"].as_str().unwrap()) > 0.9, "{answer}");
    // Invoices come by themselves: the rule to beat goes by logins.
    assert!(auc("recency_rule") > 0.55, "{answer}");
    // When a contract ends is agreed on when it begins, and tells most.
    assert!(std::fs::read_to_string(shop.path().join("rows.csv")).unwrap().lines().next().unwrap().contains("profile_end_date"));

    shop.train(&["fit", "drafted.toml"]).succeeds();
    shop.scoring(&["run", "drafted.toml", "--model", "models/drafted.hfb", "--out", "out"]).succeeds();
    let as_of = day(shop.table("risk.csv").column("as_of")[0]);
    assert_eq!(shop.table("risk.csv").len(), terms.iter().filter(|own| runs(own, as_of)).count());
}

#[test]
fn check_says_what_is_there_without_learning() {
    let shop = Shop::simulated(300, 1);
    let said = shop.train(&["check", "shop.toml"]).succeeds();
    for part in ["orders_2023.csv", "store_sales.csv", "missing_id", "purchase"] {
        assert!(said.stdout.contains(part), "no {part:?} in: {}", said.stdout);
    }
    assert!(!shop.path().join("models").exists());
}

#[test]
fn inspect_prints_what_is_in_the_bundle() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    shop.train(&["inspect", "models/shop.hfb"]).succeeds();
    assert!(shop.train(&["inspect", "models/shop.hfb", "--json"]).succeeds().json().is_object());
}

#[test]
fn explain_tells_why_a_customer_is_on_the_list_or_is_not() {
    let shop =
        Shop::lively().customer("gone").buys_every(7, "tea", "2023-01-01", "2023-06-01").customer("here").buys_every(7, "tea", "2024-01-01", "2024-10-31");
    shop.fit().succeeds();
    let explain = |customer| shop.scoring(&["explain", "shop.toml", "--model", "models/shop.hfb", "--customer", customer]);
    assert!(explain("here").succeeds().stdout.contains("here"));
    assert!(explain("gone").succeeds().stdout.contains("already_inactive"));
    explain("nobody").fails(65).naming(&["nobody"]);
}

#[test]
fn simulate_writes_the_shop_of_the_library() {
    let shop = Shop::new();
    shop.train(&["simulate", "made", "--customers", "50", "--seed", "7"]).succeeds();
    let expected = Shop::simulated(50, 7);
    for name in ["orders_2024.csv", "shop.toml", "README.md", "truth/churn.csv"] {
        assert_eq!(std::fs::read(shop.path().join("made").join(name)).unwrap(), std::fs::read(expected.path().join(name)).unwrap(), "{name}");
    }
}

#[test]
fn a_list_can_be_kept_varied_and_a_second_one_holds_only_what_the_customer_never_bought() {
    let shop = Shop::simulated(1_000, 4);
    let asked = ["--set", "recommend.per_category=1", "--set", "recommend.new_items=2"];
    let measured = shop.train(&[&["validate", "shop.toml", "--json"], &asked[..]].concat()).succeeds().json();
    // What the variety costs stands beside the list without it.
    assert!(measured["recommend"]["models"]["without the cap on categories"].is_object(), "{}", measured["recommend"]);
    shop.fit().succeeds();
    shop.scoring(&[&["run", "shop.toml", "--model", "models/shop.hfb", "--out", "out"], &asked[..]].concat()).succeeds();
    let items = Table::read(&shop.path().join("items.csv"));
    let department: BTreeMap<&str, &str> = items.column("item_id").into_iter().zip(items.column("department")).collect();
    let mut bought: BTreeSet<(String, String)> = BTreeSet::new();
    for name in ["orders_2023.csv", "orders_2024.csv"] {
        let orders = Table::read(&shop.path().join(name));
        let rows = orders.column("customer_id").into_iter().zip(orders.column("item_id")).zip(orders.column("type"));
        bought.extend(rows.filter(|(_, kind)| *kind == "sale").map(|((customer, item), _)| (customer.to_owned(), item.to_owned())));
    }
    let offers = shop.table("offers.csv");
    let mut lists: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (((customer, item), list), assignment) in
        offers.column("customer_id").into_iter().zip(offers.column("item_id")).zip(offers.column("list")).zip(offers.column("assignment"))
    {
        if assignment.is_empty() {
            lists.entry((customer, list)).or_default().push(item);
        }
    }
    let (mut new, mut owned) = (0, 0);
    for ((customer, list), items) in &lists {
        let departments: BTreeSet<&str> = items.iter().map(|item| department[item]).collect();
        assert_eq!(departments.len(), items.len(), "{customer} {list}: {items:?}");
        let had = items.iter().filter(|item| bought.contains(&((*customer).to_owned(), (**item).to_owned()))).count();
        if *list == "new" {
            assert_eq!((had, items.len()), (0, 2), "{customer}: {items:?}");
            new += 1;
        } else {
            owned += had;
        }
    }
    assert!(new > 900 && owned > 200, "{new} {owned}");
}

#[test]
fn an_item_put_on_sale_since_the_training_goes_to_who_buys_of_its_category() {
    let shop = Shop::simulated(400, 4);
    shop.fit().succeeds();
    let path = shop.path().join("items.csv");
    let items = std::fs::read_to_string(&path).unwrap();
    let header: Vec<&str> = items.lines().next().unwrap().split(',').collect();
    let coffee: Vec<&str> = items.lines().find(|line| line.contains(",coffee,")).unwrap().split(',').collect();
    let id = header.iter().position(|name| *name == "item_id").unwrap();
    let line: Vec<&str> = coffee.iter().enumerate().map(|(place, field)| if place == id { "N0001" } else { field }).collect();
    std::fs::write(&path, format!("{items}{}\n", line.join(","))).unwrap();
    shop.scoring(&["run", "shop.toml", "--model", "models/shop.hfb", "--out", "out", "--set", "recommend.fresh_items=2"]).succeeds();
    let offers = shop.table("offers.csv");
    let fresh: Vec<usize> = (0..offers.len()).filter(|row| offers.column("list")[*row] == "fresh").collect();
    let (item, code, reason) = (offers.column("item_id"), offers.column("reason_code"), offers.column("reason"));
    assert!(fresh.len() > 50, "{}", fresh.len());
    assert!(
        fresh
            .iter()
            .all(|row| item[*row] == "N0001" && code[*row] == "new_in_category" && reason[*row].starts_with("new in coffee, where the customer bought"))
    );
    // Not everyone buys coffee.
    let customers: std::collections::BTreeSet<&str> = offers.column("customer_id").into_iter().collect();
    assert!(fresh.len() < customers.len());
}
