//! Signs that the exports are not what a recommender takes them for: silent elsewhere, told here.

use crate::timeline::{EventStore, NO_INDEX};

/// Events below which nothing is told.
const LEAST_EVENTS: usize = 500;
/// Share of all events from which one customer is no customer.
const BOT: f64 = 0.3;
/// Share of the customers from which an item tells nothing.
const EVERYONE: f64 = 0.95;
/// Share of rows of a source without dates that repeat another.
const REPEATED: f64 = 0.2;
/// Items per customer from which the columns may be swapped, where most items belong to one or two customers.
const SWAPPED: f64 = 10.0;

/// What looks wrong, with the evidence. `names` are the customers' ids, `items` the items'.
pub(crate) fn traps(store: &EventStore, names: &[Box<str>], items: &[Box<str>], dated: bool) -> Vec<String> {
    let mut told = Vec::new();
    let customers = store.customers();
    // Item and customer in one number: rows are sorted, and two numbers take longer to compare.
    let mut rows: Vec<u64> = Vec::new();
    let (item_of, customer_of) = (|row: u64| (row >> 32) as u32, |row: u64| row as u32);
    for customer in 0..customers {
        rows.extend(
            (store.offsets[customer]..store.offsets[customer + 1])
                .map(|event| store.item[event])
                .filter(|item| *item != NO_INDEX)
                .map(|item| u64::from(item) << 32 | customer as u64),
        );
    }
    if rows.len() < LEAST_EVENTS {
        return told;
    }
    let mut per_customer = vec![0usize; customers];
    rows.iter().for_each(|row| per_customer[customer_of(*row) as usize] += 1);
    let active = per_customer.iter().filter(|count| **count > 0).count();
    if let Some((busiest, count)) = per_customer.iter().enumerate().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(&a.0)))
        && *count as f64 > BOT * rows.len() as f64
        && active > 10
    {
        told.push(format!(
            "one customer ({}) has {count} of {} events with items: a till, a reseller or a robot rather than a customer; leave it out with `where`",
            shape(&names[busiest]),
            rows.len()
        ));
    }
    let events = rows.len();
    rows.sort_unstable();
    rows.dedup();
    let repeated = events - rows.len();
    if !dated && repeated as f64 > REPEATED * events as f64 {
        told.push(format!(
            "{repeated} of {events} rows repeat a customer and item: without dates repeats count as strength; set duplicates = \"drop\" if they are copies"
        ));
    }
    let mut bought_by: Vec<(u32, usize)> = Vec::new();
    for item in rows.iter().map(|row| item_of(*row)) {
        match bought_by.last_mut() {
            Some(last) if last.0 == item => last.1 += 1,
            _ => bought_by.push((item, 1)),
        }
    }
    for (item, count) in bought_by.iter().filter(|(_, count)| active >= 50 && *count as f64 >= EVERYONE * active as f64) {
        told.push(format!(
            "{count} of {active} customers have the item {}: a bag or a fee rather than an offer; leave it out with `recommend_if`",
            items[*item as usize]
        ));
    }
    let mut counts: Vec<usize> = bought_by.iter().map(|(_, count)| *count).collect();
    counts.sort_unstable();
    let middle = counts.get(counts.len() / 2).copied().unwrap_or(0);
    if bought_by.len() as f64 > SWAPPED * active as f64 && middle <= 1 {
        told.push(format!(
            "{} items for {active} customers, and most items belong to one customer only: are the columns `customer` and `item` swapped?",
            bought_by.len()
        ));
    }
    told
}

/// An id as its shape, so that warnings carry no customer's id.
fn shape(id: &str) -> String {
    id.chars()
        .take(12)
        .map(|letter| {
            if letter.is_ascii_digit() {
                '9'
            } else if letter.is_alphabetic() {
                'x'
            } else {
                letter
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(lists: &[Vec<u32>]) -> (EventStore, Vec<Box<str>>, Vec<Box<str>>) {
        let mut store = EventStore { offsets: vec![0], kinds: vec!["purchase".into()], ..EventStore::default() };
        for list in lists {
            store.item.extend(list);
            store.offsets.push(store.item.len());
        }
        store.time = vec![0; store.item.len()];
        store.kind = vec![0; store.item.len()];
        let items = store.item.iter().max().map_or(0, |most| most + 1);
        (store, (0..lists.len()).map(|id| format!("c{id}").into()).collect(), (0..items).map(|id| format!("i{id}").into()).collect())
    }

    fn told(lists: &[Vec<u32>]) -> String {
        let (store, names, items) = store(lists);
        traps(&store, &names, &items, false).join("; ")
    }

    #[test]
    fn a_plain_shop_raises_no_warning() {
        let lists: Vec<Vec<u32>> = (0..200_u32).map(|customer| (0..6).map(|k| (customer * 7 + k * 13) % 80).collect()).collect();
        assert_eq!(told(&lists), "");
    }

    #[test]
    fn each_trap_is_told_with_its_evidence() {
        let mut bot: Vec<Vec<u32>> = (0..100_u32).map(|customer| (0..6).map(|k| (customer + k * 13) % 80).collect()).collect();
        bot.push((0..1_000).map(|k| k % 79).collect());
        assert!(told(&bot).contains("one customer (x999) has 1000 of 1600"), "{}", told(&bot));
        let fee: Vec<Vec<u32>> = (0..200_u32).map(|customer| [0, 1 + customer % 50, 51 + customer % 30].to_vec()).collect();
        assert!(told(&fee).contains("200 of 200 customers have the item i0"));
        let copies: Vec<Vec<u32>> = (0..200_u32).map(|customer| [customer % 50, customer % 50, 50 + customer % 40].to_vec()).collect();
        assert!(told(&copies).contains("200 of 600 rows repeat"));
        let swapped: Vec<Vec<u32>> = (0..20_u32).map(|customer| (customer * 60..customer * 60 + 60).collect()).collect();
        assert!(told(&swapped).contains("swapped?"));
    }
}
