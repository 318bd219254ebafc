//! What the lists of earlier runs tell of past contacts: offers that no treatment tells of yet, and who was kept out.
//!
//! A CRM reports what it sent. Who was kept out as a control it never heard of: that stands in the offers.csv of the run, and so does which offer they would
//! have got. Whoever was on a list for an offer, sent or kept out, is a wave by lot.

use super::Assignment;
use super::catalogue::moment;
use super::past::{Origin, Past};
use crate::config::{Config, Response, Span};
use crate::exports::{Exports, Issued};
use crate::timeline::{Cutoff, Moment};
use std::collections::{BTreeMap, BTreeSet};

/// Share of a list's offers that has to come back with their decision ids. Of fewer, somebody else chose who was sent something, and who was kept out by lot
/// is like none of them.
const CAME_BACK: f64 = 0.8;

/// How long after the day of a list it is sent at the latest.
const SENT_WITHIN: Span = Span { seconds: 30 * 86_400 };

/// Offers of earlier lists that no treatment tells of: neither one with their decision id nor one of that offer to that customer since.
pub(super) fn unseen(exports: &Exports, past: &[Past], as_of: Cutoff) -> Vec<Past> {
    let column = exports.treatments.column("decision_id");
    let told: BTreeSet<&str> = (0..exports.treatments.rows.len()).filter_map(|row| exports.treatments.text(row, column)).collect();
    let mut newest: BTreeMap<(u32, &str), Moment> = BTreeMap::new();
    for past in past.iter().filter(|past| !past.is_control) {
        if let (Some(customer), Some(time)) = (past.customer, past.time) {
            let known = newest.entry((customer, &past.name)).or_insert(time);
            *known = time.max(*known);
        }
    }
    let mut unseen: Vec<Past> = exports
        .issued
        .iter()
        .filter(|issued| issued.assignment != Assignment::Control && !told.contains(issued.decision_id.as_str()))
        .filter_map(|issued| {
            let time = moment(&issued.as_of).filter(|time| *time < as_of)?;
            let customer = exports.customer(&issued.customer)?;
            let is_seen = newest.get(&(customer, issued.offer.as_str())).is_some_and(|newest| *newest >= time);
            let past = Past {
                customer: Some(customer),
                name: issued.offer.clone(),
                time: Some(time),
                wave: issued.as_of.clone(),
                is_control: false,
                contact_cost: None,
                row: usize::MAX,
                origin: Origin::List,
            };
            (!is_seen).then_some(past)
        })
        .collect();
    // A list copied into two folders was sent once.
    unseen.sort_by(|a, b| (a.customer, &a.name, a.time).cmp(&(b.customer, &b.name, b.time)));
    unseen.dedup_by(|a, b| (a.customer, &a.name, a.time) == (b.customer, &b.name, b.time));
    unseen
}

/// What a wave of a list is known by: the list and the offer; what was decided by lot has nobody beside it.
type Wave<'i> = (usize, Option<&'i str>);

fn wave(issued: &Issued) -> Wave<'_> {
    (issued.list, (issued.assignment != Assignment::Explore).then_some(issued.offer.as_str()))
}

/// What was to be sent, by customer and offer: for mailers that report no decision ids.
struct Meant<'i>(BTreeMap<(&'i str, &'i str), Vec<(Moment, &'i Issued)>>);

impl<'i> Meant<'i> {
    fn new(by_id: &BTreeMap<&str, &'i Issued>) -> Meant<'i> {
        let mut meant: BTreeMap<(&str, &str), Vec<(Moment, &Issued)>> = BTreeMap::new();
        for issued in by_id.values().filter(|issued| issued.assignment != Assignment::Control) {
            if let Some(day) = moment(&issued.as_of) {
                meant.entry((&issued.customer, &issued.offer)).or_default().push((day, issued));
            }
        }
        meant.values_mut().for_each(|lists| lists.sort_by_key(|(day, _)| *day));
        Meant(meant)
    }

    /// The newest list that a treatment may come from.
    fn by(&self, exports: &Exports, past: &Past) -> Option<&'i Issued> {
        let (customer, time) = (past.customer?, past.time?);
        let lists = self.0.get(&(&*exports.customers[customer as usize], past.name.as_str()))?;
        let (day, issued) = lists.iter().rev().find(|(day, _)| *day <= time)?;
        (!past.is_control && time <= day.plus(SENT_WITHIN)).then_some(*issued)
    }
}

/// Past contacts with what the lists of earlier runs add, for learning what offers bring; and what is to be said of it.
///
/// Treatments with the decision id of a list, or of its offer to that customer within a month, are a wave of that list and offer. Where most of a list came
/// back, the others of the wave join them on the day on which it was mostly sent: who was kept out, as controls, and who was to be sent the offer and was
/// not, as if they had been, so that both sides are as the lot drew them (by intention to treat).
pub fn with_lists(config: &Config, exports: &Exports, mut past: Vec<Past>) -> (Vec<Past>, Option<String>) {
    let by_id: BTreeMap<&str, &Issued> = exports.issued.iter().map(|issued| (issued.decision_id.as_str(), issued)).collect();
    let column = exports.treatments.column("decision_id");
    let meant = Meant::new(&by_id);
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, past) in past.iter_mut().enumerate() {
        let known = exports.treatments.text(past.row, column).and_then(|id| by_id.get(id).copied());
        let Some(issued) = known.or_else(|| meant.by(exports, past)) else { continue };
        let (list, offer) = wave(issued);
        past.wave = format!("list {list} {}", offer.unwrap_or_default());
        past.is_control |= issued.assignment == Assignment::Control;
        past.origin = Origin::Both;
        told.insert(&issued.decision_id, place);
    }
    let mut lists: BTreeMap<usize, (&str, usize, usize)> = BTreeMap::new();
    for (id, issued) in by_id.iter().filter(|(_, issued)| issued.assignment == Assignment::Offer) {
        let (_, offers, back) = lists.entry(issued.list).or_insert((&issued.as_of, 0, 0));
        *offers += 1;
        *back += usize::from(told.contains_key(id));
    }
    let came_back = |list: usize| lists.get(&list).is_some_and(|(_, offers, back)| *back as f64 >= CAME_BACK * *offers as f64);
    // Of each wave, treatments that tell of it: any one, and when.
    let mut sent: BTreeMap<Wave<'_>, (usize, Vec<Moment>)> = BTreeMap::new();
    for (id, place) in &told {
        let (one, issued) = (&past[*place], by_id[id]);
        let response = config.treatments.get(exports.treatments.sources[one.row]).and_then(|source| source.response.as_ref());
        if let (false, Some(time), Some(Response::Events { .. })) = (one.is_control, one.time, response) {
            sent.entry(wave(issued)).or_insert((*place, Vec::new())).1.push(time);
        }
    }
    let mut others = Vec::new();
    for (_, issued) in by_id.iter().filter(|(id, _)| !told.contains_key(*id)).filter(|(_, issued)| came_back(issued.list)) {
        let Some((one, times)) = sent.get(&wave(issued)) else { continue };
        let mut times = times.clone();
        times.sort_unstable();
        others.push(Past {
            customer: exports.customer(&issued.customer),
            time: Some(times[times.len() / 2]),
            is_control: issued.assignment == Assignment::Control,
            contact_cost: None,
            origin: Origin::List,
            ..past[*one].clone()
        });
    }
    let are_strangers = !others.is_empty() && others.iter().all(|past| past.customer.is_none());
    past.extend(others);
    if are_strangers {
        return (
            past,
            Some("lists of earlier runs name customers that the exports do not know, by pseudonyms perhaps: who was kept out cannot be told".into()),
        );
    }
    let in_part = lists.iter().filter(|(list, (.., back))| *back > 0 && !came_back(**list));
    let in_part: Vec<String> = in_part.map(|(_, (day, offers, back))| format!("{back} of {offers} of {day}")).collect();
    let note = (!in_part.is_empty()).then(|| {
        format!(
            "offers of lists came back in part ({}): who was sent them was chosen by somebody else, so the control customers of these lists tell nothing of what \
             they brought",
            in_part.join(", ")
        )
    });
    (past, note)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::past::past;
    use super::*;
    use crate::exports::TextTable;

    const DAY: &str = "2024-07-14";

    /// A list for twenty customers (a free delivery for ten, of whom two are controls; a voucher for ten), of whose decisions these came back.
    fn with_back(back: std::ops::Range<usize>) -> (Vec<Past>, Option<String>) {
        reported(back, |customer| format!("d{customer:02}"))
    }

    fn reported(back: std::ops::Range<usize>, decision: impl Fn(usize) -> String) -> (Vec<Past>, Option<String>) {
        let config = Config::load(std::path::Path::new("datasets/shop/shop.toml"), &[]).unwrap();
        let issued = |customer: usize| Issued {
            customer: format!("c{customer:02}"),
            offer: if customer < 10 { "FREEDEL" } else { "VOUCHER" }.into(),
            as_of: DAY.into(),
            decision_id: format!("d{customer:02}"),
            assignment: if customer < 2 { Assignment::Control } else { Assignment::Offer },
            list: 0,
        };
        let row = |customer: usize| vec![format!("c{customer:02}"), issued(customer).offer, "2024-07-16".into(), decision(customer)];
        let rows: Vec<Vec<String>> = back.map(row).collect();
        let exports = Exports {
            customers: (0..20).map(|customer| format!("c{customer:02}").into()).collect(),
            treatments: TextTable { header: ["customer", "offer", "time", "decision_id"].map(String::from).to_vec(), sources: vec![0; rows.len()], rows },
            issued: (0..20).map(issued).collect(),
            ..Exports::default()
        };
        let past = past(&config, &exports, Moment(i64::MAX));
        with_lists(&config, &exports, past)
    }

    #[test]
    fn who_was_kept_out_of_a_list_is_the_control_of_its_offer() {
        let (past, note) = with_back(2..19);
        assert_eq!((past.len(), note), (20, None));
        let control: Vec<&Past> = past.iter().filter(|past| past.is_control).collect();
        assert_eq!(control.iter().map(|past| past.customer.unwrap()).collect::<Vec<_>>(), [0, 1]);
        let sent = past.iter().find(|past| past.customer == Some(5)).unwrap();
        assert!(control.iter().all(|past| past.wave == sent.wave && past.time == sent.time), "as if they had been sent it on that day");
        let voucher = past.iter().find(|past| past.customer == Some(15)).unwrap();
        assert_ne!(sent.wave, voucher.wave, "who would have got a free delivery is like none who got a voucher");
        // A mail that bounced was meant to be sent, as was what the controls would have got.
        let bounced = past.iter().find(|past| past.customer == Some(19)).unwrap();
        assert_eq!((bounced.is_control, &bounced.wave, bounced.origin), (false, &voucher.wave, Origin::List));
        // A mailer that reports no decisions tells of customer and offer.
        assert_eq!(reported(2..19, |_| String::new()), (past, None));
    }

    #[test]
    fn of_a_list_that_somebody_chose_from_the_controls_tell_nothing() {
        let (past, note) = with_back(10..20);
        assert!(past.len() == 10 && past.iter().all(|past| !past.is_control));
        assert!(note.unwrap().contains("10 of 18 of 2024-07-14"));
        assert_eq!(with_back(0..0), (Vec::new(), None), "a list that was never sent");
    }
}
