//! crm/: the list that a CRM imports, in the shape its system wants.
//!
//! In: one [`ListRow`] per customer to be acted on, best first; the list of the run before, where changes are asked for. Out: files of
//! `crm/`, and list.csv, by which the next run tells what has changed. risk.csv and offers.csv hold everyone; this folder holds
//! nobody who must not be contacted.

pub mod target;

use super::csv_text::CsvText;
use crate::config::OutputSettings;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use target::{Empty, Target};

/// A file's name in the folder of the run, and its bytes.
pub type NamedFile = (String, Vec<u8>);

/// Written where a value does not apply and the system would keep an outdated one.
const NONE: &str = "none";
/// Begins the name of each of our columns, so that none meets a field of the CRM by accident.
const PREFIX: &str = "holdfast_";

/// A customer to be acted on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListRow {
    /// As in the exports, byte for byte.
    pub customer_id: String,
    /// As the CRM knows them; empty where it does not.
    pub crm_id: String,
    /// `YYYY-MM-DD`; empty for tables without dates.
    pub as_of: String,
    /// Of the row in risk.csv; of the first offer for a customer who is not there.
    pub decision_id: String,
    /// As in risk.csv.
    pub churn_probability: Option<f64>,
    /// As in risk.csv.
    pub risk_tier: String,
    /// As in risk.csv or excluded.csv.
    pub status: String,
    /// As in risk.csv.
    pub segment: String,
    /// As in risk.csv or excluded.csv.
    pub value: Option<f64>,
    /// The first reason of risk.csv.
    pub reason: String,
    /// Offers to be sent, best first.
    pub offers: Vec<ListOffer>,
    /// Items to be shown, best first.
    pub items: Vec<ListItem>,
    /// The channels by which they may be contacted, with `|` between; empty where that does not differ between channels.
    pub channels: String,
    /// Columns passed through from the profiles, in the order of the headers.
    pub carried: Vec<String>,
}

/// An offer to be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListOffer {
    /// As in offers.csv.
    pub offer_id: String,
    /// For people.
    pub name: String,
    /// As in offers.csv.
    pub item_id: String,
    /// As in offers.csv.
    pub channel: String,
    /// As in offers.csv.
    pub send_weekday: String,
    /// As in offers.csv.
    pub send_hour: Option<u8>,
    /// As in offers.csv.
    pub valid_until: String,
    /// As in offers.csv.
    pub decision_id: String,
}

/// An item to be shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListItem {
    /// As in offers.csv.
    pub item_id: String,
    /// As in offers.csv.
    pub name: String,
    /// As in offers.csv.
    pub decision_id: String,
}

/// A customer on the list of an earlier run.
#[derive(Debug, Clone, PartialEq)]
pub struct PastEntry {
    /// As in the exports.
    pub customer_id: String,
    /// As the CRM knows them.
    pub crm_id: String,
    /// What the row said: see [`digest`].
    pub digest: String,
}

/// What the CRM is told beside the rows.
#[derive(Debug, Clone, Default)]
pub struct Delivery<'a> {
    /// The run's as-of date.
    pub as_of: &'a str,
    /// Headers of the carried columns.
    pub carried: Vec<&'a str>,
    /// Whether who may be contacted differs between channels: a column says by which.
    pub by_channel: bool,
    /// Columns for this many offers and items, so that the header is the same in every run.
    pub offers: usize,
    /// See `offers`.
    pub items: usize,
    /// The list of the run before; `None` where there is none.
    pub previous: Option<PastList>,
}

/// The list of an earlier run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastList {
    /// Its as-of date.
    pub as_of: String,
    /// The header of the identifier that it told customers by.
    pub identifier: String,
    /// Who was on it.
    pub entries: Vec<PastEntry>,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Delivered {
    /// The target.
    pub target: String,
    /// The header of the identifier.
    pub identifier: String,
    /// `full` or `delta`.
    pub mode: String,
    /// Customers on the list.
    pub listed: usize,
    /// Rows written about them.
    pub written: usize,
    /// Customers on the list that a delta leaves out, as nothing has changed.
    pub unchanged: usize,
    /// Customers of the list before who are not on this one: their row says so.
    pub cleared: usize,
    /// Customers left out of the files, by reason.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Rows per file.
    pub files: Vec<(String, usize)>,
}

/// The files of crm/ and list.csv, with what they hold. `rows` come best first; of two with one identifier the first counts.
///
/// # Errors
/// 78 where a carried column has the name of the identifier or the run before told customers by another one, 70 for a number that is not finite.
pub fn files(settings: &OutputSettings, rows: &[ListRow], delivery: &Delivery<'_>) -> Result<(Vec<NamedFile>, Delivered)> {
    let target = Target::named(settings.crm.as_deref()).ok_or_else(|| Error::internal("a target of [output] crm that is none"))?;
    let is_delta = settings.is_delta && !target.is_audience;
    let identifier = target.identifier(settings.id.as_deref());
    if let Some(previous) = delivery.previous.as_ref().filter(|previous| previous.identifier != identifier) {
        return Err(Error::config(format!(
            "the run of {} told customers by {:?}, this one by {identifier:?}: who left the list cannot be told; leave --previous out once",
            previous.as_of, previous.identifier
        )));
    }
    let mut delivered =
        Delivered { target: target.name.into(), identifier: identifier.into(), mode: if is_delta { "delta" } else { "full" }.into(), ..Delivered::default() };
    let mut known = BTreeSet::new();
    let mut listed: Vec<&ListRow> = Vec::new();
    for row in rows {
        if row.crm_id.is_empty() {
            *delivered.left_out.entry("no_identifier").or_insert(0) += 1;
        } else if known.insert(row.crm_id.as_str()) {
            listed.push(row);
        } else {
            *delivered.left_out.entry("same_identifier").or_insert(0) += 1;
        }
    }
    delivered.listed = listed.len();
    let digests: Vec<String> = listed.iter().map(|row| digest(&target, row)).collect();
    let mut files = if target.is_audience {
        delivered.written = listed.len();
        audiences(&target, &listed)
    } else {
        let past: BTreeMap<&str, &PastEntry> =
            delivery.previous.iter().flat_map(|previous| &previous.entries).map(|entry| (entry.crm_id.as_str(), entry)).collect();
        let mut shape = Shape::of(&target, settings, delivery)?;
        for (row, digest) in listed.iter().zip(&digests) {
            if is_delta && past.get(row.crm_id.as_str()).is_some_and(|entry| entry.digest == *digest) {
                delivered.unchanged += 1;
            } else {
                shape.write(row, true)?;
                delivered.written += 1;
            }
        }
        for entry in past.values().filter(|entry| !known.contains(entry.crm_id.as_str())) {
            let gone = ListRow {
                customer_id: entry.customer_id.clone(),
                crm_id: entry.crm_id.clone(),
                as_of: delivery.as_of.into(),
                carried: vec![String::new(); delivery.carried.len()],
                ..ListRow::default()
            };
            shape.write(&gone, false)?;
            delivered.cleared += 1;
        }
        shape.into_files()
    };
    delivered.files = files.iter().map(|(name, _, rows)| (name.clone(), *rows)).collect();
    let mut list = CsvText::with_capacity(listed.len(), 48);
    list.id("customer_id").id("crm_id").id("digest").end();
    for (row, digest) in listed.iter().zip(&digests) {
        list.id(&row.customer_id).id(&row.crm_id).id(digest).end();
    }
    files.push(("list.csv".into(), list.into_bytes(), listed.len()));
    Ok((files.into_iter().map(|(name, bytes, _)| (name, bytes)).collect(), delivered))
}

/// What a row says that a CRM must hear of: everything but the day and the ids that follow from it. An offer to be sent is a new
/// contact each time, so its decision counts.
fn digest(target: &Target, row: &ListRow) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    };
    part(target.name);
    let (probability, value) = (two_digits(row.churn_probability), two_digits(row.value));
    for text in [&row.crm_id, &probability, &row.risk_tier, &row.status, &row.segment, &value, &row.reason] {
        part(text);
    }
    for offer in &row.offers {
        for text in [&offer.offer_id, &offer.name, &offer.item_id, &offer.channel, &offer.valid_until, &offer.decision_id] {
            part(text);
        }
    }
    row.items.iter().for_each(|item| part(&item.item_id));
    if !row.channels.is_empty() {
        part(&row.channels);
    }
    row.carried.iter().for_each(|text| part(text));
    hasher.finalize().to_hex()[..16].to_string()
}

fn two_digits(number: Option<f64>) -> String {
    number.map(|number| format!("{:.2}", number + 0.0)).unwrap_or_default()
}

/// Rows under a header, cut into files.
struct Shape<'a> {
    target: &'a Target,
    header: Vec<u8>,
    offers: usize,
    items: usize,
    by_channel: bool,
    most_rows: usize,
    most_bytes: usize,
    /// Bytes and rows of the finished parts; the last one is open.
    parts: Vec<(Vec<u8>, usize)>,
}

impl<'a> Shape<'a> {
    fn of(target: &'a Target, settings: &OutputSettings, delivery: &Delivery<'a>) -> Result<Shape<'a>> {
        let identifier = target.identifier(settings.id.as_deref());
        let (offers, items) = (delivery.offers, delivery.items);
        let mut header = CsvText::default();
        header.id(identifier);
        let ours = ["list", "as_of", "decision_id", "churn_probability", "risk_tier", "status", "segment", "value", "reason"].map(str::to_owned);
        let of_offers = (1..=offers).flat_map(|number| {
            ["id", "name", "item_id", "channel", "send_weekday", "send_hour", "valid_until", "decision_id"].map(|column| format!("offer_{number}_{column}"))
        });
        let of_items = (1..=items).flat_map(|number| ["id", "name", "decision_id"].map(|column| format!("item_{number}_{column}")));
        let of_channels = delivery.by_channel.then(|| "contact_channels".to_owned());
        for column in ours.into_iter().chain(of_offers).chain(of_items).chain(of_channels) {
            header.id(&format!("{PREFIX}{column}{}", target.suffix));
        }
        for column in &delivery.carried {
            if *column == identifier {
                return Err(Error::config(format!(
                    "the profiles carry a column {column:?}, which is what {} calls the identifier; set [output] id = {column:?}, or do not carry it",
                    target.name
                )));
            }
            header.text(column);
        }
        header.end();
        let mut first = if settings.bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        first.extend(header.into_bytes());
        let asked = settings.max_rows_per_file.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        let most_rows = asked.unwrap_or(usize::MAX).min(target.most_rows.unwrap_or(usize::MAX));
        let most_bytes = target.most_bytes.unwrap_or(usize::MAX);
        Ok(Shape { target, parts: vec![(first.clone(), 0)], header: first, offers, items, by_channel: delivery.by_channel, most_rows, most_bytes })
    }

    fn write(&mut self, row: &ListRow, is_listed: bool) -> Result<()> {
        let mut csv = CsvText::default();
        // A cell of several lines breaks the import of more than one system.
        let line = |text: &str| text.replace(['\r', '\n'], " ");
        let word = |text: &str| if text.is_empty() && self.target.empty == Empty::Keeps { NONE.to_owned() } else { line(text) };
        let number = |number: Option<f64>| match number.filter(|number| !number.is_finite()) {
            Some(number) => Err(Error::internal(format!("a number for the CRM is {number}, expected a finite one"))),
            None => Ok(two_digits(number)),
        };
        csv.id(&row.crm_id).id(if is_listed { "yes" } else { "no" }).id(&row.as_of).id(&row.decision_id);
        csv.id(&number(row.churn_probability)?).text(&word(&row.risk_tier)).id(&word(&row.status)).text(&word(&row.segment));
        csv.id(&number(row.value)?).text(&word(&row.reason));
        let (no_offer, no_item) = (ListOffer::default(), ListItem::default());
        for place in 0..self.offers {
            let offer = row.offers.get(place).unwrap_or(&no_offer);
            csv.id(&word(&offer.offer_id)).text(&word(&offer.name)).id(&word(&offer.item_id)).text(&word(&offer.channel));
            csv.id(&word(&offer.send_weekday)).count(offer.send_hour.map(u64::from)).id(&offer.valid_until).id(&word(&offer.decision_id));
        }
        for place in 0..self.items {
            let item = row.items.get(place).unwrap_or(&no_item);
            csv.id(&word(&item.item_id)).text(&word(&item.name)).id(&word(&item.decision_id));
        }
        if self.by_channel {
            csv.text(&word(&row.channels));
        }
        row.carried.iter().for_each(|text| {
            csv.text(&line(text));
        });
        csv.end();
        let bytes = csv.into_bytes();
        let (size, rows) = self.parts.last().map_or((0, 0), |(part, rows)| (part.len(), *rows));
        if rows > 0 && (rows >= self.most_rows || size + bytes.len() > self.most_bytes) {
            self.parts.push((self.header.clone(), 0));
        }
        if let Some((part, rows)) = self.parts.last_mut() {
            part.extend(bytes);
            *rows += 1;
        }
        Ok(())
    }

    /// Names in the order of processing: systems take them by name.
    fn into_files(self) -> Vec<(String, Vec<u8>, usize)> {
        let name = self.target.name;
        let several = self.parts.len() > 1;
        let parts = self.parts.into_iter().enumerate();
        parts
            .map(|(number, (bytes, rows))| (if several { format!("crm/{name}_{:04}.csv", number + 1) } else { format!("crm/{name}.csv") }, bytes, rows))
            .collect()
    }
}

/// One file per tier and per offer, of hashed addresses: trimmed, in lower case, SHA-256 in hex.
fn audiences(target: &Target, listed: &[&ListRow]) -> Vec<(String, Vec<u8>, usize)> {
    let mut members: BTreeMap<String, Vec<&ListRow>> = BTreeMap::new();
    for row in listed {
        if !row.risk_tier.is_empty() {
            members.entry(format!("tier_{}", row.risk_tier)).or_default().push(row);
        }
        for offer in &row.offers {
            members.entry(format!("offer_{}", offer.offer_id)).or_default().push(row);
        }
    }
    let plain = |name: &str| name.chars().map(|sign| if sign.is_ascii_alphanumeric() || "-_".contains(sign) { sign } else { '-' }).collect::<String>();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    members
        .into_iter()
        .map(|(audience, rows)| {
            let mut csv = CsvText::with_capacity(rows.len(), 66);
            csv.id(target.email_header).end();
            for row in &rows {
                let hash = Sha256::digest(row.crm_id.trim().to_lowercase().as_bytes());
                csv.id(&hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()).end();
            }
            // Two names that differ in signs that no file name may hold are told apart by a number.
            let stem = plain(&audience);
            let times = names.entry(stem.clone()).or_insert(0);
            *times += 1;
            let stem = if *times > 1 { format!("{stem}_{times}") } else { stem };
            (format!("crm/{}_{stem}.csv", target.name), csv.into_bytes(), rows.len())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::target::TARGETS;
    use super::*;

    fn row(id: &str) -> ListRow {
        ListRow {
            customer_id: id.into(),
            crm_id: format!("{id}@example.org"),
            as_of: "2024-07-01".into(),
            decision_id: "0123456789abcdef".into(),
            churn_probability: Some(0.654_321),
            risk_tier: "call".into(),
            status: "slowing".into(),
            segment: "Loyal".into(),
            value: Some(129.954),
            reason: "No order for 74 days,\nusually every 21".into(),
            offers: vec![ListOffer {
                offer_id: "V10".into(),
                name: "=10 % off".into(),
                channel: "e-mail".into(),
                send_weekday: "friday".into(),
                send_hour: Some(18),
                decision_id: "d1".into(),
                ..ListOffer::default()
            }],
            items: vec![ListItem { item_id: "00017".into(), name: "Tea".into(), decision_id: "d2".into() }],
            channels: "email|sms".into(),
            carried: vec!["+49 170 12".into()],
        }
    }

    fn settings(crm: &str) -> OutputSettings {
        OutputSettings { crm: Some(crm.into()), id: Some("email".into()), ..OutputSettings::default() }
    }

    fn delivery(previous: Option<Vec<PastEntry>>) -> Delivery<'static> {
        let previous = previous.map(|entries| PastList { as_of: "2024-06-24".into(), identifier: "email".into(), entries });
        Delivery { as_of: "2024-07-01", carried: vec!["phone"], by_channel: false, offers: 1, items: 1, previous }
    }

    /// The list that a run leaves for the next one.
    fn past(files: &[(String, Vec<u8>)]) -> Vec<PastEntry> {
        let (_, bytes) = files.iter().find(|(name, _)| name == "list.csv").unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let entry = |record: csv::StringRecord| PastEntry { customer_id: record[0].into(), crm_id: record[1].into(), digest: record[2].into() };
        reader.records().map(|record| entry(record.unwrap())).collect()
    }

    fn text(files: &[(String, Vec<u8>)], name: &str) -> String {
        String::from_utf8(files.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name}")).1.clone()).unwrap()
    }

    #[test]
    fn every_target_gets_its_identifier_its_headers_and_one_line_per_record() {
        for target in TARGETS.into_iter().filter(|target| !target.is_audience) {
            let (files, delivered) = files(&settings(target.name), &[row("a"), row("b")], &delivery(None)).unwrap();
            let written = text(&files, &format!("crm/{}.csv", target.name));
            assert_eq!(written.lines().count(), 3, "{}", target.name);
            assert!(!written.contains('\r') && !written.starts_with('\u{feff}'), "{}", target.name);
            let header = written.lines().next().unwrap();
            assert!(header.starts_with(&format!("{},holdfast_list{},", target.email_header, target.suffix)), "{header}");
            assert!(header.contains(&format!("holdfast_offer_1_decision_id{}", target.suffix)) && header.ends_with(",phone"), "{header}");
            let mut names: Vec<&str> = header.split(',').collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), header.split(',').count(), "a name comes twice in {header}");
            assert_eq!((delivered.listed, delivered.written, delivered.cleared), (2, 2, 0));
        }
    }

    #[test]
    fn a_plain_row_reads_as_documented() {
        let (files, _) = files(&settings("generic"), &[row("a")], &delivery(None)).unwrap();
        assert_eq!(
            text(&files, "crm/generic.csv").lines().nth(1).unwrap(),
            "a@example.org,yes,2024-07-01,0123456789abcdef,0.65,call,slowing,Loyal,129.95,\"No order for 74 days, usually every 21\",V10,'=10 % off,,e-mail,friday,18,,d1,00017,Tea,d2,+49 170 12"
        );
    }

    #[test]
    fn where_an_empty_cell_keeps_the_old_value_a_word_replaces_it_and_where_it_removes_it_the_cell_is_empty() {
        let bare = ListRow { offers: Vec::new(), risk_tier: String::new(), ..row("b") };
        let of = |name: &str| text(&files(&settings(name), &[row("a"), bare.clone()], &delivery(None)).unwrap().0, &format!("crm/{name}.csv"));
        assert!(of("braze").lines().nth(2).unwrap().contains(",0.65,none,slowing,"), "{}", of("braze"));
        assert!(of("braze").lines().nth(2).unwrap().contains(",none,none,none,none,none,,,none,00017,"), "{}", of("braze"));
        assert!(of("optimizely_odp").lines().nth(2).unwrap().contains(",0.65,,slowing,"), "{}", of("optimizely_odp"));
    }

    #[test]
    fn a_delta_holds_what_changed_and_clears_who_left_and_the_same_again_is_the_same() {
        let delta = OutputSettings { is_delta: true, ..settings("braze") };
        let first = files(&delta, &[row("a"), row("b"), row("c")], &delivery(None)).unwrap();
        assert_eq!((first.1.written, first.1.cleared), (3, 0));
        // A week later: a is as before, b has another tier, c is gone, d is new. Day and ids that follow from it say nothing new.
        let later = |row: ListRow| ListRow { as_of: "2024-07-08".into(), decision_id: "fedcba9876543210".into(), ..row };
        let rows = [later(row("a")), later(ListRow { risk_tier: "write".into(), ..row("b") }), later(row("d"))];
        let (second, told) = files(&delta, &rows, &delivery(Some(past(&first.0)))).unwrap();
        assert_eq!((told.listed, told.written, told.unchanged, told.cleared), (3, 2, 1, 1));
        let written = text(&second, "crm/braze.csv");
        let ids: Vec<&str> = written.lines().skip(1).map(|line| line.split('@').next().unwrap()).collect();
        assert_eq!(ids, ["b", "d", "c"]);
        assert!(
            written.lines().last().unwrap().starts_with("c@example.org,no,2024-07-01,,,none,none,none,,none,none,none,none,none,none,,,none,none"),
            "{written}"
        );
        assert_eq!(second, files(&delta, &rows, &delivery(Some(past(&first.0)))).unwrap().0);
        // An offer decided anew is a new contact.
        let mut again = row("a");
        again.offers[0].decision_id = "d9".into();
        assert_eq!(files(&delta, &[again], &delivery(Some(past(&first.0)))).unwrap().1.written, 1);
    }

    #[test]
    fn files_are_cut_at_the_rows_and_bytes_that_a_target_takes() {
        let rows: Vec<ListRow> = (0..5).map(|number| row(&format!("c{number}"))).collect();
        let small = OutputSettings { max_rows_per_file: Some(2), ..settings("tealium") };
        let (parts, delivered) = files(&small, &rows, &delivery(None)).unwrap();
        assert_eq!(delivered.files, [("crm/tealium_0001.csv".into(), 2), ("crm/tealium_0002.csv".into(), 2), ("crm/tealium_0003.csv".into(), 1)]);
        let header = |name: &str| text(&parts, name).lines().next().unwrap().to_owned();
        assert_eq!(header("crm/tealium_0001.csv"), header("crm/tealium_0003.csv"));
        // Eight megabytes at Brevo.
        let long = ListRow { reason: "x".repeat(100_000), ..row("l") };
        let rows: Vec<ListRow> = (0..100).map(|number| ListRow { crm_id: format!("{number}"), ..long.clone() }).collect();
        let (parts, _) = files(&settings("brevo"), &rows, &delivery(None)).unwrap();
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|(_, bytes)| bytes.len() <= 8_000_000));
    }

    #[test]
    fn audiences_hold_hashed_addresses_only_one_file_per_tier_and_offer() {
        let shouting = ListRow { crm_id: " A@Example.org ".into(), ..row("a") };
        let (files, _) = files(&settings("google_customer_match"), &[shouting], &delivery(None)).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["crm/google_customer_match_offer_V10.csv", "crm/google_customer_match_tier_call.csv", "list.csv"]);
        // echo -n a@example.org | sha256sum
        assert_eq!(text(&files, names[1]), "Email\ne16bfe08be114c7b3737aa01ce504ebcb5d13fc44897c38c6cac63ddc7151463\n");
    }

    #[test]
    fn who_left_cannot_be_told_by_another_identifier() {
        let entry = PastEntry { customer_id: "a".into(), crm_id: "a@example.org".into(), digest: String::new() };
        let by_customer = OutputSettings { id: None, ..settings("braze") };
        let error = files(&by_customer, &[row("a")], &delivery(Some(vec![entry]))).unwrap_err();
        assert!(error.message().contains("\"email\"") && error.message().contains("\"external_id\""), "{error}");
    }

    #[test]
    fn nobody_is_there_twice_and_who_has_no_identifier_is_counted() {
        let twin = ListRow { crm_id: "a@example.org".into(), ..row("z") };
        let nameless = ListRow { crm_id: String::new(), ..row("n") };
        let (files, delivered) = files(&settings("generic"), &[row("a"), twin, nameless], &delivery(None)).unwrap();
        assert_eq!(text(&files, "crm/generic.csv").lines().count(), 2);
        assert_eq!(delivered.left_out, BTreeMap::from([("no_identifier", 1), ("same_identifier", 1)]));
    }

    #[test]
    fn a_carried_column_cannot_stand_for_the_identifier_by_accident() {
        let clash = Delivery { carried: vec!["external_id"], ..delivery(None) };
        let by_customer = OutputSettings { id: None, ..settings("braze") };
        let error = files(&by_customer, &[row("a")], &clash).unwrap_err();
        assert_eq!(error.kind().exit_code(), 78);
        assert!(error.message().contains("external_id"), "{error}");
    }
}
