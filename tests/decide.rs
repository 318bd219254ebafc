//! What is decided: worth nearly what the best decision is, and never beyond a limit.

use crate::shop::{CONFIG, Shop, Table};
use std::collections::BTreeMap;

/// What each offer truly adds for a customer of the shop, all costs taken off, by customer and offer. The value of staying is the margin of what was paid in the last
/// 365 days.
fn truth(shop: &Shop) -> BTreeMap<(String, String), f64> {
    let read = |name: &str| Table::read(&shop.path().join(name));
    let (items, offers, effects, risk) = (read("items.csv"), read("offers.csv"), read("truth/effects.csv"), shop.table("risk.csv"));
    let share = items.numbers("margin").iter().zip(items.numbers("price")).map(|(margin, price)| margin / price).sum::<f64>() / items.len() as f64;
    let value: BTreeMap<&str, f64> = risk.column("customer_id").into_iter().zip(risk.numbers("value")).collect();
    let costs: Vec<[f64; 3]> = (0..offers.len()).map(|row| ["contact_cost", "accept_cost", "discount"].map(|column| offers.numbers(column)[row])).collect();
    let costs: BTreeMap<&str, [f64; 3]> = offers.column("offer_id").into_iter().zip(costs).collect();
    let columns = ["orders_14d", "buys_14d", "no_purchase_90d", "order_amount"].map(|column| effects.numbers(column));
    let mut without = [0.0; 4];
    let mut truth = BTreeMap::new();
    for (row, (customer, offer)) in effects.column("customer_id").into_iter().zip(effects.column("offer_id")).enumerate() {
        let here = [columns[0][row], columns[1][row], columns[2][row], columns[3][row]];
        if offer.is_empty() {
            without = here;
            continue;
        }
        let Some(value) = value.get(customer) else { continue };
        let [contact, accept, discount] = costs[offer];
        let margin = share * here[3] * (here[0] - without[0]);
        let saved = share * value * (without[2] - here[2]);
        truth.insert((customer.to_owned(), offer.to_owned()), margin + saved - contact - here[1] * (accept + discount));
    }
    truth
}

#[test]
fn offers_earn_nearly_what_the_truth_would_allow_and_more_than_any_one_offer_for_all() {
    let shop = Shop::simulated(20_000, 1);
    shop.fit().succeeds();
    shop.score().succeeds();
    let truth = truth(&shop);
    let customers = Table::read(&shop.path().join("customers.csv"));
    let consent: BTreeMap<&str, &str> = customers.column("customer_id").into_iter().zip(customers.column("consent")).collect();
    let (mut best, mut fixed) = (BTreeMap::<&str, f64>::new(), BTreeMap::<&str, f64>::new());
    for ((customer, offer), net) in truth.iter().filter(|((customer, _), _)| consent[customer.as_str()] == "yes") {
        let own = best.entry(customer).or_insert(0.0);
        *own = own.max(*net);
        *fixed.entry(offer).or_insert(0.0) += net;
    }
    let offers = shop.table("offers.csv");
    let rows = offers.column("customer_id").into_iter().zip(offers.column("offer_id")).zip(offers.column("assignment"));
    let given = rows.filter(|(_, assignment)| *assignment == "offer").filter_map(|((customer, offer), _)| truth.get(&(customer.to_owned(), offer.to_owned())));
    let (earned, possible) = (given.sum::<f64>(), best.values().sum::<f64>());
    let one = fixed.values().copied().fold(f64::NEG_INFINITY, f64::max);
    assert!(earned > 0.9 * possible, "{earned:.0} of {possible:.0}");
    assert!(earned > 1.2 * one, "{earned:.0}, one offer for all {one:.0}");
    // The call does harm: nobody is called.
    assert!(!offers.column("offer_id").contains(&"CALL"));
}

/// What is decided of each customer, with every term of its worth.
fn decided(shop: &Shop) -> BTreeMap<String, Vec<String>> {
    let offers = shop.table("offers.csv");
    let terms = ["offer_id", "channel", "accept_probability", "added_margin", "added_margin_low", "accept_cost", "churn_change", "net_value"];
    let rows = (0..offers.len()).filter(|row| !offers.column("offer_id")[*row].is_empty());
    let row = |row: usize| (offers.column("customer_id")[row].to_owned(), terms.map(|term| offers.column(term)[row].to_owned()).to_vec());
    rows.map(row).collect()
}

#[test]
fn what_offers_do_is_learnt_in_training_and_a_run_reads_it_from_the_bundle() {
    let shop = Shop::simulated(2_000, 3);
    shop.fit().succeeds();
    shop.score().succeeds();
    let before = decided(&shop);
    // Nearly all past contacts are lost from the export: what is decided of customers who never had any stays as it was.
    let path = shop.path().join("campaigns.csv");
    let campaigns = std::fs::read_to_string(&path).unwrap();
    let contacted: Vec<String> = Table::read(&path).column("customer_id").into_iter().map(String::from).collect();
    std::fs::write(&path, campaigns.lines().take(2).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    shop.score().succeeds();
    let after = decided(&shop);
    let mut same = 0;
    for (customer, terms) in before.iter().filter(|(customer, _)| !contacted.contains(customer)) {
        assert_eq!(after.get(customer), Some(terms), "{customer}");
        // Leaving is foretold for the base only.
        let blank = terms.iter().filter(|term| term.is_empty()).count();
        assert!(blank == 0 || blank == 1 && terms[6].is_empty(), "{customer}: {terms:?}");
        same += 1;
    }
    assert!(same > 100, "{same} customers were compared");
    // A contact that came later is not learnt from, and the run says so.
    let later = format!("{}{}", campaigns, "W99,C000003,2025-01-03,F10,F10,email,0.20,\n");
    std::fs::write(&path, later).unwrap();
    let stale = "project.allow_stale=[\"all\"]";
    shop.scoring(&["run", "shop.toml", "--model", "models/shop.hfb", "--as-of", "2025-01-05", "--out", "out", "--set", stale]).succeeds();
    let notes = shop.record()["notes"].to_string();
    assert!(notes.contains("contacts since the bundle was trained (2025-01-01): 1;"), "{notes}");
}

/// 240 customers who buy all the time but in July 2024, when a list meant a voucher for each of them: a third was kept out of it. Who was sent the voucher
/// bought at once, of the others one in four did. A mailer reports what it sent; one in twenty bounced.
fn sent_by_a_mailer(reported: impl Fn(usize) -> bool) -> Shop {
    let mut shop = Shop::new();
    let (mut list, mut sent) = (String::from("customer_id,offer_id,as_of,decision_id,assignment\n"), String::from("Who,What,Day,Decision\n"));
    for number in 0..240_usize {
        let (id, is_control, bounced) = (format!("c{number:03}"), number % 3 == 0, number % 20 == 1);
        let item = ["tea", "soap", "mugs", "pens"][number % 4];
        shop = shop.customer(&id).buys_every(7 + number as u32 % 6, item, &format!("2023-01-{:02}", number % 28 + 1), "2024-07-01");
        if number % 4 == 0 || !(is_control || bounced) {
            shop = shop.buys(item, "2024-07-09");
        }
        shop = shop.buys_every(7 + number as u32 % 6, item, "2024-07-24", "2024-11-01");
        list += &format!("{id},VOUCHER,2024-07-05,d{number:015},{}\n", if is_control { "control" } else { "offer" });
        if !is_control && !bounced && reported(number) {
            sent += &format!("{id},VOUCHER,2024-07-08,d{number:015}\n");
        }
    }
    let treatments = "[[treatments]]\nfiles = [\"sent.csv\"]\ncustomer = \"Who\"\noffer = \"What\"\ntime = \"Day\"\ndecision_id = \"Decision\"\n\
         response = { kinds = [\"purchase\"], within = \"10d\" }\n[decide]\nissued = \"list_*.csv\"\n";
    shop.config(&format!("{CONFIG}{treatments}")).file("sent.csv", sent).file("list_2024-07-05.csv", list)
}

#[test]
fn what_a_list_brought_is_learnt_beside_who_was_kept_out_of_it_whom_no_mailer_knows_of() {
    let shop = sent_by_a_mailer(|_| true);
    let told = shop.fit().succeeds().stdout;
    // As meant: 160 of whom 8 bounced and did not buy, beside 80 of whom 20 bought.
    let line = told.lines().find(|line| line.contains("VOUCHER")).unwrap_or_else(|| panic!("{told}")).to_owned();
    assert!(line.contains("sent 160 times, 95.0 % responded"), "{line}");
    let points: f64 = line.split(", ").nth(2).and_then(|text| text.split(' ').next()).unwrap().parse().unwrap();
    assert!((60.0..80.0).contains(&points), "70 points: {line}");
    let alone = shop.train(&["fit", "shop.toml", "--set", "decide.issued=none_*.csv"]).succeeds().stdout;
    assert!(alone.contains("sent 152 times") && !alone.contains("beside the controls"), "{alone}");
    let in_part = sent_by_a_mailer(|number| number < 120).fit().succeeds().stdout;
    assert!(in_part.contains("came back in part (76 of 160 of 2024-07-05)") && !in_part.contains("beside the controls"), "{in_part}");
}

#[test]
fn a_handful_of_past_contacts_is_enough_to_train_and_score_with() {
    let shop = Shop::simulated(1_000, 5);
    let path = shop.path().join("campaigns.csv");
    let campaigns = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, campaigns.lines().take(6).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    shop.fit().succeeds();
    // No offer is named that fewer than ten customers got.
    let inside = shop.train(&["inspect", "models/shop.hfb", "--json"]).succeeds().json();
    assert_eq!(inside["models"]["effects"], serde_json::json!({}));
    shop.score().succeeds();
    assert!(shop.table("offers.csv").column("assignment").contains(&"offer"));
}

#[test]
fn while_nothing_is_known_of_what_offers_change_the_cheapest_contact_is_taken() {
    let offers = "id,name,channel,cost\nCALL,A call,phone,4\nMAIL,A mail,email,0.02\nPOST,A letter,post,0.9\n";
    let source = "[[offers]]\nfiles = [\"offers.csv\"]\noffer = \"id\"\nname = \"name\"\nchannel = \"channel\"\ncontact_cost = \"cost\"\n";
    let shop = Shop::lively().config(&format!("{CONFIG}{source}")).file("offers.csv", offers);
    shop.fit().succeeds();
    shop.score().succeeds();
    let table = shop.table("offers.csv");
    let given: Vec<&str> = table.column("offer_id").into_iter().filter(|offer| !offer.is_empty()).collect();
    assert!(given.len() > 100 && given.iter().all(|offer| *offer == "MAIL"), "{given:?}");
}

/// A small generator of catalogues: the same every time.
struct Lots(u64);

impl Lots {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[test]
fn no_catalogue_breaks_a_limit_a_budget_or_a_consent() {
    let shop = Shop::simulated(1_200, 7);
    shop.fit().succeeds();
    let as_of = "2024-09-01";
    let customers = Table::read(&shop.path().join("customers.csv"));
    let consent: BTreeMap<String, String> =
        customers.column("customer_id").into_iter().map(String::from).zip(customers.column("consent").into_iter().map(String::from)).collect();
    let campaigns = Table::read(&shop.path().join("campaigns.csv"));
    let sent: Vec<(String, String, String)> = (0..campaigns.len())
        .map(|row| ["customer_id", "offer_id", "sent_on"].map(|column| campaigns.column(column)[row].to_owned()).into())
        .filter(|(_, offer, day): &(String, String, String)| !offer.is_empty() && day.as_str() < as_of)
        .collect();
    let days_before = |day: &str| day.parse::<jiff::civil::Date>().unwrap().until(as_of.parse::<jiff::civil::Date>().unwrap()).unwrap().get_days();
    let mut lots = Lots(11);
    let mut written = 0;
    for catalogue in 0..15 {
        let mut file = String::from("offer_id,name,channel,contact_cost,accept_cost,discount,valid_days\n");
        let mut names = vec!["F10", "FREEDEL", "CALL", "SAMPLE"];
        let extra: Vec<String> = (0..lots.below(4)).map(|number| format!("N{number}")).collect();
        names.extend(extra.iter().map(String::as_str));
        for name in &names {
            let [contact, accept, discount] = [lots.below(20), lots.below(40), lots.below(30)].map(|cents| cents as f64 / 100.0);
            file.push_str(&format!("{name},{name},email,{contact:.2},{accept:.2},{discount:.2},14\n"));
        }
        std::fs::write(shop.path().join("offers.csv"), file).unwrap();
        let (per_customer, most, within, gap) = (1 + lots.below(3), 1 + lots.below(3), 20 + lots.below(80), lots.below(120));
        let (budget, capacity) = (lots.below(900) as f64 / 100.0, lots.below(200));
        let (common_budget, common_capacity) = (0.01 + lots.below(1_500) as f64 / 100.0, 1 + lots.below(400));
        let settings = [
            format!("decide.offers_per_customer={per_customer}"),
            format!("decide.contact={{ max = {most}, per = \"{within}d\" }}"),
            format!("decide.min_gap=\"{gap}d\""),
            format!("offers.0.budget={{ amount = {budget}, per = \"1d\" }}"),
            format!("offers.0.capacity={{ count = {capacity}, per = \"1d\" }}"),
            format!("decide.budget={{ amount = {common_budget}, per = \"1d\" }}"),
            format!("decide.capacity={{ count = {common_capacity}, per = \"1d\" }}"),
            format!("decide.control={{ share = 0.{} }}", lots.below(4)),
            format!("decide.explore=0.{}", lots.below(3)),
        ];
        let mut arguments = vec!["run", "shop.toml", "--model", "models/shop.hfb", "--backtest", "--as-of", as_of, "--out", "out"];
        settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
        shop.scoring(&arguments).succeeds();
        let offers = shop.table("offers.csv");
        let (mut spent, mut given) = (BTreeMap::<String, f64>::new(), BTreeMap::<String, u64>::new());
        let mut count = BTreeMap::<String, u64>::new();
        let column = |name: &str| offers.column(name);
        let (ids, names, assignments) = (column("customer_id"), column("offer_id"), column("assignment"));
        let (contact, accept) = (column("contact_cost"), column("accept_cost"));
        for row in (0..offers.len()).filter(|row| matches!(assignments[*row], "offer" | "explore" | "control")) {
            let (id, offer) = (ids[row], names[row]);
            assert_eq!(consent[id], "yes", "catalogue {catalogue}: {id} has not consented");
            *count.entry(id.to_owned()).or_default() += 1;
            let too_soon = sent.iter().any(|(who, what, day)| who == id && what == offer && i64::from(days_before(day)) < gap as i64);
            assert!(!too_soon, "catalogue {catalogue}: {offer} again to {id} within {gap} days");
            if assignments[row] != "control" {
                written += 1;
                let number = |text: &str| text.parse::<f64>().unwrap_or(0.0);
                *spent.entry(offer.to_owned()).or_default() += number(contact[row]) + number(accept[row]);
                *given.entry(offer.to_owned()).or_default() += 1;
            }
        }
        for (id, own) in &count {
            let before = sent.iter().filter(|(who, _, day)| who == id && i64::from(days_before(day)) <= within as i64).count() as u64;
            assert!(*own <= per_customer && own + before <= most.max(before), "catalogue {catalogue}: {id} gets {own} beside {before}, at most {most}");
        }
        // Costs are written with six digits.
        assert!(spent.values().all(|spent| *spent <= budget + 1e-3), "catalogue {catalogue}: {spent:?} of {budget}");
        assert!(given.values().all(|given| *given <= capacity), "catalogue {catalogue}: {given:?} of {capacity}");
        assert!(spent.values().sum::<f64>() <= common_budget + 1e-2, "catalogue {catalogue}: {spent:?} of {common_budget} in all");
        assert!(given.values().sum::<u64>() <= common_capacity, "catalogue {catalogue}: {given:?} of {common_capacity} in all");
    }
    assert!(written > 200, "{written} offers in all: nothing was tried");
}
