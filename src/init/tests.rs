//! What a draft takes files for, as a user would say it.

use super::*;
use crate::exports::samples;
use std::fmt::Write as _;

/// The draft of files, given as name and text.
fn drafted(files: &[(&str, &str)]) -> Result<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let looked = samples(&[folder.path().display().to_string()])?;
    let folder = std::fs::canonicalize(folder.path()).unwrap();
    Ok(Draft::new("shop", looked, &folder)?.to_toml(None))
}

/// The text of the tables of one name.
fn tables<'t>(toml: &'t str, name: &str) -> Vec<&'t str> {
    toml.split("\n\n").filter(|part| part.contains(&format!("[[{name}]]"))).collect()
}

/// So many rows of a template: `{n}` is the number of the row, `{c}` that of one of seven customers, `{d}` a day of the month.
fn rows(header: &str, template: &str, count: usize) -> String {
    let mut text = format!("{header}\n");
    for n in 0..count {
        let row = template.replace("{n}", &n.to_string()).replace("{c}", &(n % 7).to_string()).replace("{d}", &format!("{:02}", n % 28 + 1));
        let _ = writeln!(text, "{row}");
    }
    text
}

#[test]
fn order_lines_get_customer_and_date_of_their_order() {
    let orders = rows("order_id,customer_id,order_date,status", "{n},c{c},2024-03-{d},shipped", 40);
    let lines = rows("order_id,sku,qty,unit_price", "{c},s{c},2,1.50", 90);
    let toml = drafted(&[("orders.csv", &orders), ("order_lines.csv", &lines)]).unwrap();
    let events = tables(&toml, "events");
    assert_eq!(events.len(), 1, "{toml}");
    for line in [
        "files = [\"order_lines.csv\"]",
        "files = \"orders.csv\", on = \"order_id\"",
        "customer = \"customer_id\"",
        "time = \"order_date\"",
        "item = \"sku\"",
        "quantity = \"qty\"",
    ] {
        assert!(events[0].contains(line), "{line} in {toml}");
    }
}

#[test]
fn tables_of_a_database_whose_keys_are_called_id_find_each_other() {
    let customers = rows("id,first_name,email,city,created_at", "{n},N{n},n{n}@example.com,t{c},2022-03-{d}", 60);
    let orders = rows("id,customer_id,status,total,created_at", "{n},{c},done,9,2024-03-{d}", 40);
    let mut lines = "id,order_id,product_id,quantity,price\n".to_owned();
    (0..80).for_each(|n| lines += &format!("{n},{},{},2,1.50\n", n / 2, n % 30));
    let products = rows("id,name,category,price", "{n},Thing {n},k{c},1.50", 30);
    let toml = drafted(&[("customers.csv", &customers), ("orders.csv", &orders), ("order_items.csv", &lines), ("products.csv", &products)]).unwrap();
    let (events, profiles, items) = (tables(&toml, "events"), tables(&toml, "profiles"), tables(&toml, "items"));
    assert_eq!((events.len(), profiles.len(), items.len()), (1, 1, 1), "{toml}");
    for line in [
        "lookup = [{ files = \"orders.csv\", on = \"order_id\", key = \"id\" }]",
        "customer = \"customer_id\"",
        "item = \"product_id\"",
        "basket = \"order_id\"",
    ] {
        assert!(events[0].contains(line), "{line} in {toml}");
    }
    assert!(profiles[0].contains("customer = \"id\"") && profiles[0].contains("static = [\"created_at\"]"), "{toml}");
    assert!(items[0].contains("item = \"id\"") && items[0].contains("name = \"name\""), "{toml}");
}

#[test]
fn where_nothing_else_says_who_an_address_does() {
    let toml = drafted(&[(
        "orders_export.csv",
        &rows(
            "Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku",
            "#{n},u{c}@example.com,2024-03-{d} 10:00:00 +0100,2,Thing {c},1.50,S{c}",
            40,
        ),
    )])
    .unwrap();
    for line in ["customer = \"Email\"", "time = \"Created at\"", "item = \"Lineitem sku\"", "quantity = \"Lineitem quantity\"", "price = \"Lineitem price\""] {
        assert!(tables(&toml, "events")[0].contains(line), "{line} in {toml}");
    }
}

#[test]
fn an_address_is_known_however_e_mail_is_spelt() {
    let orders = rows("Bestellnr;Kunde E-Mail;Bestelldatum;Artikelnr;Menge;Preis", "{n};u{c}@example.com;{d}.03.2024;A{c};2;3,50", 40);
    let customers = rows("E-Mail;Geburtsdatum;Kundengruppe", "u{n}@example.com;{d}.05.1980;Gold", 7);
    let toml = drafted(&[("bestellungen.csv", &orders), ("kunden.csv", &customers)]).unwrap();
    assert!(tables(&toml, "events")[0].contains("customer = \"Kunde E-Mail\""), "{toml}");
    assert!(tables(&toml, "profiles")[0].contains("customer = \"E-Mail\""), "{toml}");
}

#[test]
fn orders_that_fell_through_are_known_in_other_languages_too() {
    let cases = [
        ("Kundennr,Bestelldatum,Artikelnr,Menge,Bestellstatus", "geliefert", "storniert", "retourniert"),
        ("klant,besteldatum,artikel,aantal,status", "geleverd", "geannuleerd", "geretourneerd"),
        ("cliente,fecha_pedido,articulo,cantidad,estado", "entregado", "cancelado", "devuelto"),
        ("client,date_commande,produit,quantité,statut", "livrée", "annulée", "retournée"),
        ("客户编号,订单日期,商品编号,数量,订单状态", "已完成", "已取消", "已退货"),
    ];
    for (header, delivered, fell_through, returned) in cases {
        let line = |status: &str| format!("K{{c}},2024-03-{{d}},A{{c}},2,{status}");
        let text = rows(header, &line(delivered), 40) + &rows("", &line(fell_through), 5)[1..] + &rows("", &line(returned), 5)[1..];
        let toml = drafted(&[("orders.csv", &text)]).unwrap();
        let events = tables(&toml, "events");
        let is_said = |key: &str, text: &str| events[0].lines().any(|line| line.starts_with(key) && line.contains(text));
        assert!(is_said("where", fell_through) && is_said("returned_if", returned), "{toml}");
    }
}

#[test]
fn a_till_that_writes_decimal_commas_is_read_as_such() {
    let toml = drafted(&[("umsatz.csv", &rows("Kundennr;Belegnr;Belegdatum;Artikelnr;Menge;Umsatz", "K{c};B{n};{d}.03.2024;A{c};2;3,50", 40))]).unwrap();
    for line in
        ["customer = \"Kundennr\"", "basket = \"Belegnr\"", "time = \"Belegdatum\"", "item = \"Artikelnr\"", "quantity = \"Menge\"", "amount = \"Umsatz\""]
    {
        assert!(toml.contains(line), "{line} in {toml}");
    }
}

#[test]
fn accounts_that_begin_and_end_are_subscriptions() {
    let mut accounts = "account_id,plan,signup_date,cancel_date\n".to_owned();
    (0..60).for_each(|n| accounts += &format!("a{n},p{},2023-01-{:02},{}\n", n % 3, n % 28 + 1, if n % 3 == 0 { "2024-02-01" } else { "" }));
    let toml = drafted(&[("accounts.csv", &accounts), ("logins.csv", &rows("account_id,logged_in_at", "a{c},2024-03-{d}", 60))]).unwrap();
    assert!(toml.contains("definition = \"subscription\"\nsubscription = { start = \"signup_date\", end = \"cancel_date\" }"), "{toml}");
    assert!(toml.contains("kind = { value = \"login\" }"), "{toml}");
}

#[test]
fn subscriptions_of_customers_who_may_have_several_are_terms_and_no_events() {
    let mut terms = "subscription_id,account_id,plan,start_date,end_date,cancel_reason,mrr\n".to_owned();
    for n in 0..80 {
        let (end, reason) = if n % 3 == 0 { ("2024-02-01", ["price", "moved"][n % 2]) } else { ("", "") };
        terms += &format!("s{n},a{},p{},2023-0{}-{:02},{end},{reason},{}\n", n % 60, n % 4, n / 60 + 1, n % 28 + 1, n % 5);
    }
    let accounts = rows("account_id,country,signup_date", "a{n},c{c},2023-01-{d}", 60);
    let logins = rows("account_id,logged_in_at", "a{c},2024-03-{d}", 60);
    let toml = drafted(&[("subscriptions.csv", &terms), ("accounts.csv", &accounts), ("logins.csv", &logins)]).unwrap();
    assert!(toml.contains("definition = \"subscription\"\nsubscription = { start = \"start_date\", end = \"end_date\" }"), "{toml}");
    let profiles = tables(&toml, "profiles");
    let of_terms = profiles.iter().find(|table| table.contains("subscriptions.csv")).unwrap();
    assert!(of_terms.contains("time = \"start_date\"\npick = \"last\"") && of_terms.contains("dates = [\"start_date\", \"end_date\"]"), "{of_terms}");
    assert!(of_terms.contains("drop = [\"subscription_id\", \"cancel_reason\"]"), "what is known once it has ended is not learnt from: {of_terms}");
    assert!(!tables(&toml, "events").iter().any(|table| table.contains("subscriptions.csv")), "{toml}");
    // Contracts for a year, all with an end, in German.
    let contracts = rows("Vertragsnr;Mitgliedsnr;Tarif;Beginn;Ende", "V{n};M{c};t{c};{d}.01.2023;{d}.01.2024", 60);
    let visits = rows("Mitgliedsnr;Zeitpunkt", "M{c};{d}.03.2023 10:00", 60);
    let toml = drafted(&[("Vertraege.csv", &contracts), ("Besuche.csv", &visits)]).unwrap();
    assert!(toml.contains("subscription = { start = \"Beginn\", end = \"Ende\" }") && toml.contains("customer = \"Mitgliedsnr\""), "{toml}");
    assert!(!tables(&toml, "profiles")[0].contains("Tarif"), "a tariff is known while the contract runs: {toml}");
    // Tickets begin and end as well.
    let tickets = "account_id,created_at,closed_at\n".to_owned()
        + &(0..80).map(|n| format!("a{},2024-01-{:02},{}\n", n % 30, n % 28 + 1, if n % 3 == 0 { "" } else { "2024-02-01" })).collect::<String>();
    let toml = drafted(&[("tickets.csv", &tickets), ("accounts.csv", &accounts), ("logins.csv", &logins)]).unwrap();
    assert!(toml.contains("kind = { value = \"support\" }") && !toml.contains("\"subscription\""), "{toml}");
}

#[test]
fn customers_who_are_known_by_a_card_go_by_it_and_their_address_elsewhere_is_one_of_their_ids() {
    let cards = rows("N° carte;Foyer;E-mail;Date d'adhésion", "3{n};F{c};c{n}@exemple.fr;{d}/01/2023", 120);
    let tickets =
        rows("N° ticket;N° carte;Date;Heure;Magasin;Total TTC", "T{n};3{c};{d}/03/2024;10:00;Lyon;12,50", 120) + "T900;31;05/04/2024;11:00;Paris;3,20\n";
    let lines = rows("N° ticket;Code article;Qté;Montant TTC", "T{n};A{c};2;6,25", 120) + "T1;A9;1;2,10\n";
    let web = rows("email,horodatage,page", "c{c}@exemple.fr,2024-03-{d}T10:00:00,/", 120) + "c1@exemple.fr,2024-04-01T10:00:00,/p\n";
    let sent = rows("N° carte;Code offre;Date d'envoi;Canal", "3{c};P{c};{d}/02/2024;email", 120) + "31;P2;20/02/2024;courrier\n";
    let complaints = rows("N° carte;Date;Motif", "3{n};{d}/03/2024;caisse", 20);
    let files = [
        ("reclamations.csv", &complaints),
        ("cartes.csv", &cards),
        ("tickets.csv", &tickets),
        ("lignes_tickets.csv", &lines),
        ("web.csv", &web),
        ("campagnes.csv", &sent),
    ];
    let toml = drafted(&files.map(|(name, text)| (name, text.as_str()))).unwrap();
    let events = tables(&toml, "events");
    let of = |file: &str| events.iter().find(|table| table.contains(&format!("files = [\"{file}\"]"))).unwrap_or_else(|| panic!("{file} in {toml}"));
    let bought = of("lignes_tickets.csv");
    for part in [
        "customer = \"N° carte\"",
        "item = \"Code article\"",
        "quantity = \"Qté\"",
        "amount = \"Montant TTC\"",
        "kind = { value = \"purchase\" }",
        "time = \"Date\"",
    ] {
        assert!(bought.contains(part), "{part} in {bought}");
    }
    assert!(of("web.csv").contains("id = \"E-mail\" # [[identities]]") && of("campagnes.csv").contains("kind = { value = \"contact\" }"), "{toml}");
    assert!(of("reclamations.csv").contains("kind = { value = \"support\" }"), "one complaint each is no profile: {toml}");
    assert!(toml.contains("\n[[identities]]\nfiles = [\"cartes.csv\"]\ncustomer = \"N° carte\"\nalso = [\"E-mail\"]"), "{toml}");
    let profile = tables(&toml, "profiles")[0];
    assert!(profile.contains("customer = \"N° carte\"") && profile.contains("household = \"Foyer\"") && profile.contains("carry = [\"E-mail\"]"), "{toml}");
}

#[test]
fn what_came_of_a_mail_or_an_order_later_is_an_event_of_its_own_day() {
    let mut mails = "account_id,sent_at,campaign,opened_at,clicked_at\n".to_owned();
    let mut orders = "order_id,customer_id,order_date,sku,total,returned_at,cancelled_at\n".to_owned();
    for n in 0..90 {
        let opened = if n % 2 == 0 { format!("2024-03-{:02}", n % 28 + 2) } else { String::new() };
        mails += &format!("a{},2024-03-{:02},c{},{opened},{}\n", n % 30, n % 28 + 1, n % 3, if n % 6 == 0 { &opened } else { "" });
        let (returned, cancelled) = (if n % 9 == 0 { "2024-04-03" } else { "" }, if n % 9 == 1 { "2024-03-30" } else { "" });
        orders += &format!("o{n},a{},2024-03-{:02},s{},12.50,{returned},{cancelled}\n", n % 30, n % 28 + 1, n % 20);
    }
    let toml = drafted(&[("emails.csv", &mails), ("orders.csv", &orders)]).unwrap();
    let events = tables(&toml, "events");
    let of = |kind: &str| events.iter().find(|table| table.contains(&format!("kind = {{ value = \"{kind}\" }}"))).unwrap_or_else(|| panic!("{kind} in {toml}"));
    assert!(of("contact").contains("time = \"sent_at\""), "{toml}");
    for (kind, time) in [("open", "opened_at"), ("click", "clicked_at")] {
        let parts = [format!("time = \"{time}\""), format!("where = \"{time} is not missing\""), "offer = \"campaign\"".into()];
        assert!(parts.iter().all(|part| of(kind).contains(part)), "{toml}");
    }
    let parts = ["time = \"returned_at\"", "item = \"sku\"", "amount = \"total\"", "where = \"returned_at is not missing\""];
    assert!(parts.iter().all(|part| of("return").contains(part)), "{toml}");
    assert!(of("purchase").contains("where = \"cancelled_at is missing\""), "{toml}");
}

#[test]
fn what_a_column_holds_is_shown_in_one_line() {
    let mut answers = "customer_id,survey_date,score,comment\n".to_owned();
    (0..60).for_each(|n| answers += &format!("c{},2024-03-{:02},{},\"{}\"\n", n % 20, n % 28 + 1, n % 10, ["fine", "too\nslow"][n / 20 % 2]));
    let toml = drafted(&[("surveys.csv", &answers)]).unwrap();
    assert!(toml.contains("categories = [\"comment\"] # fine, too slow\n"), "{toml}");
}

#[test]
fn who_opted_out_is_suppressed_and_never_taken_for_one_who_consents() {
    for name in ["Do Not Solicit", "do_not_call", "donotemail", "HasOptedOutOfEmail", "marketing_opt_out", "newsletter_unsubscribed", "DNC"] {
        let toml = drafted(&[("people.csv", &(rows(&format!("customer_id,{name},country"), "c{n},N,DE", 30) + "c99,Y,US\n"))]).unwrap();
        assert!(toml.contains(&format!("suppress = \"{name}\"")) && !toml.contains("consent ="), "{toml}");
    }
    let toml = drafted(&[("people.csv", &(rows("customer_id,email_opt_in,sms_opt_out", "c{n},Y,N", 30) + "c99,N,Y\n"))]).unwrap();
    assert!(toml.contains("consent = \"email_opt_in\"") && toml.contains("suppress = \"sms_opt_out\""), "{toml}");
    // Nobody is contacted by a channel that another column forbids.
    let header = "customer_id,Accepts Email Marketing,Accepts SMS Marketing,do_not_contact,email_opted_out_at";
    let toml =
        drafted(&[("people.csv", &(rows(header, "c{n},yes,no,N,", 30) + "c98,no,no,Y,\n" + rows("", "d{n},yes,yes,N,2024-03-{d}", 20).trim_start()))]).unwrap();
    assert!(toml.contains("consent = { email = \"Accepts Email Marketing\", sms = \"Accepts SMS Marketing\" } # as the channel"), "{toml}");
    assert!(toml.contains("suppress = { all = \"do_not_contact\", email = \"email_opted_out_at\" }"), "{toml}");
    // As the offers spell it.
    let people = rows("customer_id,email_ok_opt_in,sms_opt_in", "c{n},yes,no", 30) + "c98,no,yes\n";
    let offers = "offer_id,name,channel\nO1,Spring,E-Mail|SMS\nO2,Summer,SMS\nO3,Autumn,E-Mail\n";
    let toml = drafted(&[("people.csv", &people), ("offers.csv", offers)]).unwrap();
    assert!(toml.contains("consent = { \"E-Mail\" = \"email_ok_opt_in\", SMS = \"sms_opt_in\" }"), "{toml}");
}

#[test]
fn what_stands_on_the_first_line_of_an_order_is_filled_down_and_says_who_may_be_contacted() {
    let mut orders = "Name,Email,Financial Status,Accepts Marketing,Total,Created at,Cancelled at,Lineitem quantity,Lineitem price,Lineitem sku\n".to_owned();
    for n in 0..60 {
        let (order, who, day) = (1_000 + n, n % 25, n % 28 + 1);
        let (status, cancelled) = [("paid", ""), ("partially_refunded", ""), ("paid", ""), ("refunded", ""), ("voided", "2024-05-09")][n / 3 % 5];
        let agrees = if who % 3 == 0 { "no" } else { "yes" };
        orders += &format!("#{order},c{who}@shop.example,{status},{agrees},19.80,2024-05-{day:02},{cancelled},1,9.90,T-{}\n", n % 30);
        orders += &format!("#{order},c{who}@shop.example,,,,2024-05-{day:02},,1,9.90,T-{}\n", (n + 7) % 30);
    }
    let toml = drafted(&[("orders.csv", &orders)]).unwrap();
    let parsed: toml::Table = toml.parse().unwrap();
    let of = |table: &str, key: &str| parsed[table][0].get(key).map_or(String::new(), |value| value.to_string().replace('\'', "\""));
    assert!(of("events", "fill_down").contains("columns = [\"Financial Status\", \"Cancelled at\"]"), "{toml}");
    assert!(of("events", "returned_if").contains("in [\"refunded\"]"), "{toml}");
    assert!(of("events", "where").contains("is missing and not (") && !toml.contains("not used: Cancelled"), "{toml}");
    assert!(!of("events", "categories").contains("Accepts"), "{toml}");
    assert_eq!(of("profiles", "consent"), "\"Accepts Marketing\"");
    assert!(of("profiles", "fill_down").contains("columns = [\"Accepts Marketing\"]"), "{toml}");
    // A table of customers that says nothing of it leaves it to the orders.
    let people = rows("Email,City", "c{n}@shop.example,Bonn", 25) + "c99@shop.example,Kiel\n";
    let toml = drafted(&[("orders.csv", &orders), ("people.csv", &people)]).unwrap();
    assert!(toml.contains("who may be contacted (orders.csv)") && toml.contains("consent = \"Accepts Marketing\""), "{toml}");
}

#[test]
fn what_billing_services_trackers_and_monthly_tables_export_is_understood() {
    // The current period of a subscription that runs ends too; who cannot be charged is told apart.
    let mut subscriptions = "id,Customer ID,Plan,Created (UTC),Current Period End (UTC),Canceled At (UTC),Status\n".to_owned();
    let mut payments = "id,Created date (UTC),Amount,Customer ID,Status\n".to_owned();
    for n in 0..80 {
        let (over, status) = if n % 4 == 0 { ("2024-05-03 10:00", "canceled") } else { ("", "active") };
        subscriptions += &format!("sub_{n},cus_{n},pro,2023-03-{:02} 09:00,2024-07-{:02} 09:00,{over},{status}\n", n % 28 + 1, n % 28 + 1);
        (0..3).for_each(|k| {
            payments += &format!("ch_{n}_{k},2024-0{}-{:02} 09:00:00,29.00,cus_{n},{}\n", k + 1, n % 28 + 1, if n % 9 == k { "Failed" } else { "Paid" })
        });
    }
    let toml = drafted(&[("subscriptions.csv", &subscriptions), ("payments.csv", &payments)]).unwrap();
    assert!(toml.contains("subscription = { start = \"Created (UTC)\", end = \"Canceled At (UTC)\" }"), "{toml}");
    let events = tables(&toml, "events");
    assert!(events.len() == 2 && events[0].contains("value = \"purchase\"") && events[1].contains("value = \"failed_payment\""), "{toml}");
    assert!(events[1].contains("where = 'Status in [\"Failed\"]'") && events[0].contains("not (Status in [\"Failed\"])"), "{toml}");
    // Who a tracker saw.
    for id in ["user_pseudo_id", "anonymous_id", "distinct_id"] {
        let toml =
            drafted(&[("events.csv", &rows(&format!("event_name,event_timestamp,{id},page"), "page_view,1710{d}0000000000,71{c}5.17{c}0,p{c}", 90))]).unwrap();
        assert!(toml.contains(&format!("customer = \"{id}\"")), "{toml}");
    }
    let mut shop = "event_date,event_timestamp,event_name,user_pseudo_id,item_id,item_name\n".to_owned();
    for n in 0..90 {
        let item = if n % 3 == 0 { ",".to_owned() } else { format!("s{},Thing {}", n % 20, n % 20) };
        shop += &format!("202403{:02},17100000{n:02}000000,{},5{}.17,{item}\n", n % 28 + 1, ["page_view", "view_item", "purchase"][n % 3], n % 7);
    }
    let toml = drafted(&[("events.csv", &shop)]).unwrap();
    assert!(toml.contains("time = { column = \"event_timestamp\"") && tables(&toml, "items")[0].contains("where = \"item_id is not missing\""), "{toml}");
    // What was counted in a month, however it is written.
    for months in [["2024-01", "2024-02", "2024-03"], ["202401", "202402", "202403"]] {
        let mut usage = "msisdn,month,voice_min,recharge_amount\n".to_owned();
        (0..90).for_each(|n| usage += &format!("49151{:05},{},{}.5,{}\n", n / 3, months[n % 3], 40 + n, 10 + n % 4));
        let toml = drafted(&[("usage.csv", &usage)]).unwrap();
        assert!(toml.contains("time = \"month\"\n") && toml.contains("amount = \"recharge_amount\"\nnumbers = [\"voice_min\"]"), "{toml}");
    }
}

#[test]
fn a_channel_of_marketing_consents_to_nothing() {
    let toml = drafted(&[("people.csv", &(rows("customer_id,marketing_channel,country", "c{n},search,DE", 30) + "c99,social,US\n"))]).unwrap();
    assert!(!toml.contains("consent ="), "{toml}");
    // Words that are not known say no.
    let toml = drafted(&[("people.csv", &(rows("customer_id,marketing_consent,country", "c{n},erteilt,DE", 30) + "c99,widerrufen,US\n"))]).unwrap();
    assert!(toml.contains("consent = \"marketing_consent\""), "{toml}");
}

#[test]
fn a_programme_of_points_and_what_is_booked_with_it_are_told_apart() {
    let bookings = rows("BookingNo;MemberNo;BookingDate;CheckIn;HotelCode;Nights;TotalEUR", "B{n};M{c};{d}.03.2024;{d}.05.2024;H{c};2;180,00", 90)
        + rows("", "C{n};M{c};{d}.04.2024;{d}.06.2024;H1{c};3;240,00", 90).trim_start();
    let ledger = rows("MemberNo,PostingDate,TransactionType,Points,BookingNo", "M{c},2024-05-{d},EARN,1{d}0,B{n}", 80) + "M1,2024-06-01,BURN,-5000,\n";
    let hotels = rows("hotel_code,hotel_name,city", "H{n},Hotel {n},Wien", 25);
    let members = rows("MemberNo,EnrolmentDate,Deceased,Country", "M{n},2023-01-{d},0,AT", 30) + "M99,2023-01-05,1,AT\n";
    let toml = drafted(&[("bookings.csv", &bookings), ("points_ledger.csv", &ledger), ("hotels.csv", &hotels), ("members.csv", &members)]).unwrap();
    for line in [
        "item = \"HotelCode\"",
        "quantity = \"Nights\"",
        "kind = { column = \"TransactionType\", map = { \"EARN\" = \"earn\", \"BURN\" = \"redeem\" } }",
        "numbers = [\"Points\"]",
        "item = \"hotel_code\"",
        "suppress = \"Deceased\"",
        "static = [\"EnrolmentDate\"]",
    ] {
        assert!(toml.contains(line), "{line}: {toml}");
    }
    // A store is where something is bought, and nothing that is.
    let sales = rows("OrderNo,MemberNo,OrderDate,StoreCode,Total", "{n},M{c},2024-03-{d},S{c},20", 90);
    let toml = drafted(&[("sales.csv", &sales), ("stores.csv", &rows("store_code,store_name", "S{n},Store {n}", 12))]).unwrap();
    assert!(!toml.contains("item ="), "{toml}");
}

#[test]
fn what_somebody_dislikes_is_nothing_they_want() {
    let plays = rows("user_id,content_id,started_at", "u{c},t{d},2024-03-{d} 10:00:00", 90);
    let thumbs = rows("user_id,content_id,thumb,created_at", "u{c},t{d},like,2024-03-{d} 11:00:00", 60) + "u1,t03,dislike,2024-03-05 11:00:00\n";
    let searches = rows("user_id,searched_at,query", "u{c},2024-03-{d} 09:00:00,tea", 60);
    let toml = drafted(&[("plays.csv", &plays), ("thumbs.csv", &thumbs), ("searches.csv", &searches)]).unwrap();
    assert!(toml.contains("kind = \"thumb\"") && toml.contains("kind = { value = \"search\" }"), "{toml}");
}

#[test]
fn what_a_mailer_reports_of_a_list_is_read_as_treatments() {
    let people = rows("customer_id,email", "c{n},p{n}@example.org", 60);
    let orders = rows("order_id,customer_id,order_date,amount", "{n},c{c},2024-03-{d},20", 90);
    let report = rows("Contact Email;Campaign Name;Sent At;Status;Decision", "p{n}@example.org;Spring;04/{d}/2024 09:15 AM;Sent;00000000000000{d}", 60)
        + "p1@example.org;Summer;04/20/2024 09:15 AM;Bounced;00000000000000ff\n";
    let toml = drafted(&[("people.csv", &people), ("orders.csv", &orders), ("report_april.csv", &report)]).unwrap();
    let treatments = toml.split("[[treatments]]").nth(1).unwrap();
    for line in [
        "id = \"email\"",
        "customer = \"Contact Email\"",
        "offer = \"Campaign Name\"",
        "decision_id = \"Decision\"",
        "where = 'not (Status in [\"Bounced\"])' # guessed: never arrived\n\n",
    ] {
        assert!(treatments.contains(line), "{line}: {toml}");
    }
    assert!(toml.contains("kind = { value = \"contact\" }"), "{toml}");
}

#[test]
fn files_of_one_business_are_read_together() {
    // Days up to twelve in the one file are as those of the other; attendance is no profile; account and customer have a number each.
    let gifts = rows("Gift ID,Constituent ID,Gift Date,Gift Amount", "G{n},10{c},03/{d}/2024,$25.00", 60);
    let appeals = rows("Constituent ID,Appeal ID,Sent Date,Channel", "10{c},SPRING{c},04/05/2024,Mail", 40);
    let people = rows("Constituent ID,State", "10{n},NY", 60);
    let visits = rows("Constituent ID,Event Name,Event Date", "10{n},Gala,02/{d}/2024", 20);
    let vips = drafted(&[("Gifts.csv", &gifts), ("People.csv", &people), ("VIPs.csv", &visits.replace("Event Date", "Last gift date"))]).unwrap();
    assert!(!tables(&vips, "events").iter().any(|table| table.contains("VIPs.csv")), "the day of the last order is a customer's: {vips}");
    let toml = drafted(&[("Gifts.csv", &gifts), ("Appeals_sent.csv", &appeals), ("People.csv", &people), ("Attendance.csv", &visits)]).unwrap();
    assert!(toml.contains("time = { column = \"Sent Date\", format = \"%m/%d/%Y\" } # as the dates of the other files"), "{toml}");
    assert!(tables(&toml, "treatments")[0].contains("offer = \"Appeal ID\""), "{toml}");
    assert!(tables(&toml, "events").iter().any(|table| table.contains("files = [\"Attendance.csv\"]")), "{toml}");
    let booked = rows("account_no,booking_date,amount", "DE{c},2024-03-{d},-5.10", 60) + "DE1,2024-04-01,9.00\n";
    let accounts = rows("customer_no,account_no,product,opened_on", "P{n},DE{n},Giro,2020-01-{d}", 8);
    let toml = drafted(&[("transactions.csv", &booked), ("accounts.csv", &accounts)]).unwrap();
    assert!(tables(&toml, "profiles")[0].contains("customer = \"account_no\""), "{toml}");
    assert!(!toml.contains("returned_if"), "debits are no returns: {toml}");
}

#[test]
fn exports_of_web_services_are_understood() {
    let log = rows("event_name,event_timestamp,user_id", "page_view,17041536{d}000000,cus_{c}", 60);
    let tickets = rows("Requester external id,Created at,Type", "cus_{c},2024-03-{d} 10:00,question", 60);
    let people = rows("user_id,country,Churned?", "cus_{n},DE,False.", 20) + &rows("", "dus_{n},US,True.", 6)[1..];
    let toml = drafted(&[("events.csv", &log), ("zendesk.csv", &tickets)]).unwrap();
    assert!(toml.contains("time = { column = \"event_timestamp\", unit = \"us\" } # millionths of a second since 1970"), "{toml}");
    assert!(toml.contains("customer = \"Requester external id\""), "{toml}");
    let toml = drafted(&[("people.csv", &people)]).unwrap();
    assert!(toml.contains("label = { column = \"Churned?\", positive = \"True.\" }\n"), "{toml}");
}

#[test]
fn steps_through_a_shop_are_kinds_and_only_the_purchase_buys() {
    let mut log = "user_id,session_id,event,timestamp\n".to_owned();
    for n in 0..120 {
        let step = ["home", "catalog", "search", "product_view", "payment_details", "purchase", "filter"][n % 7];
        log += &format!("u{},s{},{step},2024-03-{:02} 10:21:14\n", n % 9, n / 3, n % 28 + 1);
    }
    let toml = drafted(&[("log.csv", &log)]).unwrap();
    assert!(toml.contains("kind = { column = \"event\", map = { \"product_view\" = \"view\" } }"), "{toml}");
}

#[test]
fn an_id_without_a_name_that_comes_again_on_other_days_is_the_customers() {
    let toml = drafted(&[("transactions.csv", &rows("date,id", "2024-03-{d} 00:00:00,{c}", 60))]).unwrap();
    assert!(toml.contains("customer = \"id\" # guessed"), "{toml}");
    // The lines of an order are of one day.
    let lines = (0..60).fold("date,id,sku\n".to_owned(), |text, n| text + &format!("2024-03-{:02},{},s{}\n", n / 3 % 28 + 1, n / 3, n % 7));
    assert!(drafted(&[("lines.csv", &lines)]).is_err());
}

#[test]
fn a_shop_that_numbers_the_customer_of_each_order_anew_is_told_who_that_was() {
    let orders =
        rows("order_id,customer_id,order_status,ordered_at", "o{n},k{n},delivered,2024-03-{d} 10:00:00", 60).replace("o7,k7,delivered", "o7,k7,canceled");
    let customers = rows("customer_id,customer_unique_id,customer_city", "k{n},u{c},t{c}", 60);
    let lines = rows("order_id,product_id,shipping_limit_date,price,freight_value", "o{n},p{c},2024-04-{d} 10:00:00,2.50,1.20", 60).replace("o9,", "o8,");
    let reviews = rows("review_id,order_id,review_score,review_date", "r{n},o{n},4,2024-04-{d}", 50);
    let toml = drafted(&[("orders.csv", &orders), ("customers.csv", &customers), ("order_items.csv", &lines), ("order_reviews.csv", &reviews)]).unwrap();
    let (events, identities) = (tables(&toml, "events"), tables(&toml, "identities"));
    assert!(identities.last().unwrap().contains("customer = \"customer_unique_id\"\nalso = [\"customer_id\"]"), "{toml}");
    for line in ["id = \"customer_id\"", "time = \"ordered_at\"", "price = \"price\"", "where = 'not (order_status in [\"canceled\"])' # guessed"] {
        assert!(events[0].contains(line), "{line} in {toml}");
    }
    assert!(events[0].contains("# not used: shipping_limit_date, freight_value"), "{toml}");
    for line in ["kind = { value = \"survey\" }", "time = \"review_date\"", "score = \"review_score\""] {
        assert!(events[1].contains(line), "{line} in {toml}");
    }
}

#[test]
fn a_household_is_not_taken_for_the_person_of_its_customers() {
    let customers = rows("customer_id,household_id,city", "k{n},h{c},t{c}", 60);
    let toml = drafted(&[("customers.csv", &customers), ("orders.csv", &rows("order_id,customer_id,date,amount", "o{n},k{c},2024-03-{d},5", 60))]).unwrap();
    assert!(tables(&toml, "identities").is_empty() && tables(&toml, "profiles")[0].contains("customer = \"customer_id\""), "{toml}");
}

#[test]
fn a_customer_under_any_name_is_who_stands_once_in_one_file_and_comes_again_in_another() {
    let members = rows("msno,city,registered_on", "m{n},t{c},2023-03-{d}", 40);
    let logs = rows("msno,date,num_songs,total_secs", "m{c},2024-03-{d},{n},{n}.5", 90);
    let toml = drafted(&[("members.csv", &members), ("user_logs.csv", &logs)]).unwrap();
    let events = tables(&toml, "events")[0];
    assert!(events.contains("customer = \"msno\" # guessed") && events.contains("kind = { value = \"log\" }"), "{toml}");
    assert!(events.contains("\"total_secs\"]") && !events.contains("amount ="), "{toml}");
    assert!(tables(&toml, "profiles")[0].contains("customer = \"msno\""), "{toml}");
}

#[test]
fn lines_of_orders_without_any_date_get_their_customer_and_items_the_id_that_lines_name() {
    let orders = rows("order_id,user_id,order_number", "{n},{c},{n}", 40);
    let lines = rows("order_id,article_id,position", "{c},a{c},1", 90);
    let articles = rows("product_code,article_id,prod_name,product_type_no,product_type_name", "p{c},a{n},Thing {n},{c},Type {c}", 60);
    let toml = drafted(&[("orders.csv", &orders), ("order_lines.csv", &lines), ("articles.csv", &articles)]).unwrap();
    assert!(tables(&toml, "events")[0].contains("customer = \"user_id\"") && toml.contains("definition = \"none\""), "{toml}");
    for line in ["item = \"article_id\"", "name = \"prod_name\"", "category = \"product_type_name\""] {
        assert!(tables(&toml, "items")[0].contains(line), "{line} in {toml}");
    }
}

#[test]
fn amounts_with_signs_of_currency_and_thousands_are_read_as_numbers() {
    let gifts = rows("Gift ID,Constituent ID,Gift Date,Gift Amount", "{n},C{c},2024-03-{d},\"$1,0{d}.50\"", 40);
    assert!(drafted(&[("gifts.csv", &gifts)]).unwrap().contains("amount = { column = \"Gift Amount\", strip = [\"$\", \",\"] }"));
    let bills = rows("Kundennr;Rechnungsdatum;Betrag", "K{c};{d}.03.2024;1.0{d},50 €", 40);
    assert!(drafted(&[("Rechnungen.csv", &bills)]).unwrap().contains("amount = { column = \"Betrag\", strip = [\"€\", \".\"] }"));
}

#[test]
fn a_total_of_the_order_is_not_taken_for_what_a_line_cost() {
    let toml = drafted(&[("lines.csv", &rows("order_id,customer,date,sku,quantity,price,total", "{n},c{c},2024-03-{d},s{c},1,2.00,88.00", 40))]).unwrap();
    assert!(toml.contains("price = \"price\"") && !toml.contains("amount ="), "{toml}");
}

#[test]
fn a_date_that_fits_both_ways_is_read_so_that_the_rows_are_in_order_and_the_guess_is_said() {
    // From the 1st of January to the 12th of March in steps of some days, no day above 12.
    let dates = ["01/01/2024", "05/01/2024", "11/01/2024", "02/02/2024", "09/02/2024", "12/02/2024", "03/03/2024", "12/03/2024"];
    let mut text = "customer,date,amount\n".to_owned();
    dates.iter().enumerate().for_each(|(n, date)| text += &format!("c{},{date},5\n", n % 3));
    let toml = drafted(&[("sales.csv", &text)]).unwrap();
    assert!(toml.contains("time = { column = \"date\", format = \"%d/%m/%Y\" } # \"%m/%d/%Y\" fits as well; by it the rows are in order of time"), "{toml}");
}

#[test]
fn years_of_two_digits_and_seconds_since_1970_are_found() {
    let short = drafted(&[("sales.csv", &rows("customer,date,amount", "c{c},3/{d}/24,5", 30))]).unwrap();
    assert!(short.contains("time = { column = \"date\", format = \"%m/%d/%y\" }"), "{short}");
    let epoch = drafted(&[("sales.csv", &rows("user_id,timestamp,price", "u{c},17090{d}000,5", 30))]).unwrap();
    assert!(epoch.contains("time = { column = \"timestamp\", unit = \"s\" }"), "{epoch}");
    assert!(epoch.contains("quantity = { value = \"1\" }"), "{epoch}");
}

#[test]
fn ratings_of_items_are_taken_for_purchases_and_clicks_by_what_they_say() {
    let ratings = drafted(&[("ratings.csv", &rows("userId,movieId,rating,timestamp", "{c},{n},4,9640000{d}", 30))]).unwrap();
    let events = tables(&ratings, "events");
    for line in ["customer = \"userId\"", "item = \"movieId\"", "kind = { value = \"purchase\" }", "score = \"rating\""] {
        assert!(events[0].contains(line), "{line} in {ratings}");
    }
    let mut clicks = "event_time,event_type,product_id,price,user_id\n".to_owned();
    for (n, kind) in ["view", "cart", "purchase", "remove_from_cart"].iter().cycle().take(40).enumerate() {
        clicks += &format!("2019-10-01 00:00:{n:02} UTC,{kind},p{},3.5,u{}\n", n % 9, n % 5);
    }
    let toml = drafted(&[("clicks.csv", &clicks)]).unwrap();
    assert!(toml.contains("kind = \"event_type\"") && toml.contains("time = \"event_time\""), "{toml}");
}

#[test]
fn who_left_is_the_label_and_the_rarer_value_where_neither_says_so() {
    let table = |label: [&str; 2]| {
        let mut text = "id,plan,months,left\n".to_owned();
        (0..40).for_each(|n| text += &format!("k{n},p{},{},{}\n", n % 3, n % 50, label[usize::from(n % 4 == 0)]));
        text
    };
    let plain = drafted(&[("customers.csv", &table(["no", "yes"]).replace("id,", "client,"))]).unwrap();
    assert!(plain.contains("label = { column = \"left\", positive = \"yes\" }\n") && plain.contains("definition = \"label\""), "{plain}");
    let odd = drafted(&[("customers.csv", &table(["A", "B"]).replace("id,", "client,"))]).unwrap();
    assert!(odd.contains("positive = \"B\" } # guessed"), "{odd}");
}

#[test]
fn names_and_addresses_of_persons_are_never_learnt() {
    let text = rows("CustomerId,Surname,Email,Plan,PhoneService,churned", "{n},name{n},a{n}@example.com,p{c},{c},{c}", 200).replace(",1\n", ",0\n");
    let text = ["2", "3", "4", "5", "6"].iter().fold(text, |text, digit| text.replace(&format!(",{digit}\n"), ",1\n"));
    let toml = drafted(&[("customers.csv", &text)]).unwrap();
    let profile = tables(&toml, "profiles")[0];
    assert!(profile.contains("carry = [\"Email\"]") && profile.contains("drop = [\"Surname\"]"), "{toml}");
    assert!(profile.contains("label = { column = \"churned\""), "{toml}");
}

#[test]
fn exports_of_every_month_are_one_pattern_unless_it_would_take_in_others() {
    let month = rows("customer,date,amount", "c{c},2024-03-{d},5", 30);
    let toml = drafted(&[("sales_2024-01.csv", &month), ("sales_2024-02.csv", &month)]).unwrap();
    assert!(toml.contains("files = [\"sales_2024-*.csv\"] # 2 files now"), "{toml}");
    let other = drafted(&[("sales_2024-01.csv", &month), ("sales_2024-02.csv", &month), ("sales_2024-notes.csv", "a,b\n1,2\n")]).unwrap();
    assert!(other.contains("files = [\"sales_2024-01.csv\", \"sales_2024-02.csv\"]"), "{other}");
    assert!(other.contains("# Left out: sales_2024-notes.csv: no column looks like a customer"), "{other}");
}

#[test]
fn a_file_that_cannot_be_read_is_left_out_and_said_and_alone_it_is_the_error() {
    let sales = rows("customer,date,amount", "c{c},2024-03-{d},5", 30);
    let toml = drafted(&[("sales.csv", &sales), ("old.csv", "")]).unwrap();
    assert!(toml.contains("# Left out: old.csv: empty_file"), "{toml}");
    assert!(drafted(&[("old.csv", "")]).unwrap_err().message().contains("empty_file"));
}

#[test]
fn files_that_say_nothing_of_customers_are_an_error_that_names_their_columns() {
    let error = drafted(&[("weather.csv", "station,rain\n1,2\n2,3\n")]).unwrap_err();
    assert!(error.message().contains("\"station\", \"rain\""), "{}", error.message());
}

#[test]
fn quarters_are_told_by_how_long_customers_usually_stay_away() {
    use crate::timeline::EventStore;
    // Ten customers, each buys every 20 days for two years.
    let days: Vec<i64> = (0..36).map(|order| order * 20 * 86_400).collect();
    let store = EventStore {
        offsets: (0..=10).map(|customer| customer * days.len()).collect(),
        time: days.iter().copied().cycle().take(360).collect(),
        kind: vec![0; 360],
        kinds: vec!["purchase".into()],
        ..EventStore::default()
    };
    let leaving = windows::leaving(&crate::exports::Exports { events: store, ..Default::default() }).unwrap();
    assert_eq!((leaving.horizon, leaving.active_within, leaving.kinds.clone()), (28, 56, vec!["purchase".to_owned()]));
    assert_eq!((leaving.base, leaving.left, leaving.tiers()), (10, 0, None));
}

#[test]
fn tiers_hold_what_can_be_acted_on_where_nearly_all_leave_or_hardly_anyone() {
    let of = |left: usize| Leaving { kinds: Vec::new(), horizon: 28, active_within: 56, why: String::new(), base: 1_000, left };
    let (tiers, why) = of(850).tiers().unwrap();
    assert!(tiers.starts_with("[{ name = \"manager\", p = 0.8, max = 50 }, ") && why.contains("85 %"), "{tiers} {why}");
    assert!(of(40).tiers().unwrap().0.ends_with("{ name = \"watch\", lift = 2.0 }]"));
    assert_eq!(of(200).tiers(), None);
}

#[test]
fn exports_in_other_languages_are_understood() {
    let shops = [
        (
            ["Bestellungen.csv", "Kunden.csv", "Artikel.csv"],
            [
                "Auftragsnr;Kundennr;Bestelldatum;Artikelnr;Menge;Einzelpreis;Vertriebskanal",
                "Kundennr;Geburtsdatum;Anrede;Einwilligung",
                "Artikelnr;Bezeichnung;Warengruppe;Verkaufspreis",
            ],
        ),
        (
            ["commandes.csv", "clients.csv", "produits.csv"],
            [
                "Numéro commande;Numéro client;Date;Code produit;Quantité;Prix;Canal",
                "Numéro client;Date naissance;Civilité;Consentement",
                "Code produit;Libellé;Catégorie;Prix",
            ],
        ),
        (
            ["pedidos.csv", "clientes.csv", "productos.csv"],
            [
                "Número de pedido;Código de cliente;Fecha;Código producto;Cantidad;Precio;Canal",
                "Código de cliente;Fecha de nacimiento;Género;Consentimiento",
                "Código producto;Descripción;Categoría;Precio",
            ],
        ),
        (
            ["订单.csv", "客户.csv", "商品.csv"],
            ["订单编号;客户编号;订单日期;商品编码;数量;单价;渠道", "客户编号;出生日期;性别;同意", "商品编码;商品名称;类别;价格"],
        ),
    ];
    for (files, headers) in shops {
        let lines = rows(headers[0], "B{n};K{c};2024-03-{d};A{c};2;3,50;web", 60) + "B99;K1;2024-03-30;A2;1;3,50;shop\n";
        let customers = rows(headers[1], "K{n};1980-03-{d};f{c};ja", 7);
        let items = rows(headers[2], "A{n};Tee {n};w{c};3,50", 30);
        let toml = drafted(&[(files[0], &lines), (files[1], &customers), (files[2], &items)]).unwrap();
        let column = |header: usize, place: usize| headers[header].split(';').nth(place).unwrap();
        let expected = [
            ("events", "basket", column(0, 0).to_owned()),
            ("events", "customer", column(0, 1).to_owned()),
            ("events", "time", column(0, 2).to_owned()),
            ("events", "item", column(0, 3).to_owned()),
            ("events", "quantity", column(0, 4).to_owned()),
            ("events", "price", column(0, 5).to_owned()),
            ("events", "channel", column(0, 6).to_owned()),
            ("profiles", "consent", column(1, 3).to_owned()),
            ("items", "name", column(2, 1).to_owned()),
            ("items", "category", column(2, 2).to_owned()),
        ];
        for (table, key, name) in expected {
            assert!(tables(&toml, table)[0].contains(&format!("\n{key} = \"{name}\"")), "{key} = {name} in {toml}");
        }
        let lasting = format!("static = [\"{}\", \"{}\"]", column(1, 1), column(1, 2));
        assert!(tables(&toml, "profiles")[0].contains(&lasting), "{lasting} in {toml}");
        assert_eq!(toml.contains("language = \"zh\""), files[0] == "订单.csv", "{toml}");
    }
}

#[test]
fn what_no_name_says_is_told_by_what_the_columns_hold() {
    let mut lines = "bag,customer,day,sku,quantity,price\n".to_owned();
    (0..120).for_each(|n| lines += &format!("x{},c{},2024-03-{:02},s{},1,2.50\n", n / 3, n / 3 % 11, n / 3 % 28 + 1, n % 30));
    let products = rows("sku,words,shelf,price", "s{n},Thing {n},h{c},2.50", 40);
    let toml = drafted(&[("orders.csv", &lines), ("products.csv", &products)]).unwrap();
    assert!(tables(&toml, "events")[0].contains("basket = \"bag\" # guessed"), "{toml}");
    let items = tables(&toml, "items")[0];
    assert!(items.contains("name = \"words\" # guessed") && items.contains("category = \"shelf\" # guessed"), "{toml}");
}

#[test]
fn contracts_with_an_id_of_their_own_are_listed_by_it() {
    let contracts = rows("Policennummer;Alter;Tarif;Gekündigt", "P{n};4{c};t{c};ja", 20) + &rows("", "Q{n};4{c};t{c};nein", 80)[1..];
    let toml = drafted(&[("vertraege.csv", &contracts)]).unwrap();
    assert!(toml.contains("customer = \"Policennummer\"") && toml.contains("label = { column = \"Gekündigt\", positive = \"ja\" }"), "{toml}");
    let monthly = drafted(&[("lines.csv", &contracts.replace("Policennummer", "Contract number").replace("Tarif", "Contract"))]).unwrap();
    assert!(monthly.contains("customer = \"Contract number\""), "{monthly}");
    let unnamed = drafted(&[("lines.csv", &contracts.replace("Policennummer", "row number").replace("Tarif", "Contract"))]).unwrap();
    assert!(unnamed.contains("customer = { row = true }"), "how long a contract runs is no id: {unnamed}");
    let by_row = drafted(&[("vertraege.csv", &contracts.replace("Policennummer", "row number"))]).unwrap();
    assert!(by_row.contains("customer = { row = true }"), "{by_row}");
    // An offer test names them as the profiles do.
    let trial = rows("Unit number,age,segment,visit", "U{n},4{c},Mail,1", 40) + &rows("", "V{n},4{c},No Mail,0", 40)[1..];
    let trial = drafted(&[("test.csv", &trial)]).unwrap();
    assert_eq!(trial.matches("customer = \"Unit number\" # guessed").count(), 2, "{trial}");
}
