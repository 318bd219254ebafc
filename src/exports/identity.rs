//! `[[identities]]`: web id, card and e-mail of one person become one timeline.
//!
//! Ids are nodes, each of a kind (the customer's own, or the name of the column it stands in); a row links the ids it holds.
//! An id that stands beside more customers than `max_links` (a shop's own card, a shared till) is reported and links nothing.
//! E-mail addresses are the same in upper and lower case: people type them either way, and hardly any mailbox tells them apart.
//! Linked ids form one person, whose id is the smallest of the customer ids in byte order.

use foldhash::{HashMap, HashMapExt};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Which customer an id belongs to.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// By kind (empty for the customer's own), then [`folded`] id.
    canonical: BTreeMap<String, HashMap<Vec<u8>, Box<[u8]>>>,
}

/// One `[[identities]]` source read: rows of the customer id, then the further ids.
pub(super) struct IdentityTable {
    /// The kind that the customer column holds; empty unless `id` says.
    pub(super) customer_kind: String,
    /// The kinds of the further ids.
    pub(super) also: Vec<String>,
    pub(super) max_links: u32,
    pub(super) rows: Vec<Vec<String>>,
}

impl Identities {
    /// Joins the tables; what was left alone is told in `notes`.
    pub(super) fn join(tables: &[IdentityTable], notes: &mut Vec<String>) -> Identities {
        let mut nodes: BTreeMap<(&str, Cow<'_, [u8]>), usize> = BTreeMap::new();
        let mut parents: Vec<usize> = Vec::new();
        // Of each node the id as it is written, of several the smallest.
        let mut written: Vec<&str> = Vec::new();
        for table in tables {
            let mut customers_of: BTreeMap<(&str, Cow<'_, [u8]>), BTreeSet<&str>> = BTreeMap::new();
            for row in &table.rows {
                let Some((customer, further)) = row.split_first() else { continue };
                for (kind, id) in table.also.iter().zip(further).filter(|(_, id)| !id.is_empty()) {
                    customers_of.entry((kind, folded(id.as_bytes()))).or_default().insert(customer);
                }
            }
            let is_shared =
                |kind: &str, id: &str| customers_of.get(&(kind, folded(id.as_bytes()))).is_some_and(|customers| customers.len() > table.max_links as usize);
            for kind in &table.also {
                let shared = customers_of.iter().filter(|((of, _), customers)| of == kind && customers.len() > table.max_links as usize).count();
                if shared > 0 {
                    notes.push(format!(
                        "identities: {shared} ids of the kind {kind:?} stand beside more than {} customers each and were left alone",
                        table.max_links
                    ));
                }
            }
            let mut node = |kind, id| {
                let next = parents.len();
                let node = *nodes.entry((kind, folded(str::as_bytes(id)))).or_insert(next);
                if node == next {
                    parents.push(next);
                    written.push(id);
                }
                written[node] = id.min(written[node]);
                node
            };
            let mut links = Vec::new();
            for row in &table.rows {
                let Some((customer, further)) = row.split_first() else { continue };
                let own = node(&table.customer_kind[..], &customer[..]);
                for (kind, id) in table.also.iter().zip(further).filter(|(_, id)| !id.is_empty()) {
                    if !is_shared(kind, id) {
                        links.push((own, node(&kind[..], &id[..])));
                    }
                }
            }
            for (left, right) in links {
                let (left, right) = (root(&mut parents, left), root(&mut parents, right));
                parents[left.max(right)] = left.min(right);
            }
        }
        let own_kinds: BTreeSet<&str> = tables.iter().map(|table| &table.customer_kind[..]).collect();
        let mut names: HashMap<usize, &str> = HashMap::new();
        for ((_, _), node) in nodes.iter().filter(|((kind, _), _)| own_kinds.contains(kind)) {
            let name = names.entry(root(&mut parents, *node)).or_insert(written[*node]);
            *name = written[*node].min(*name);
        }
        let mut canonical: BTreeMap<String, HashMap<Vec<u8>, Box<[u8]>>> = BTreeMap::new();
        for ((kind, id), node) in &nodes {
            if let Some(name) = names.get(&root(&mut parents, *node)) {
                canonical.entry((*kind).to_owned()).or_default().insert(id.to_vec(), name.as_bytes().into());
            }
        }
        Identities { canonical }
    }

    /// The customer id that an id of a kind stands for; ids that are not known stay as they are.
    pub(super) fn resolve<'t>(&'t self, kind: &str, id: &'t [u8]) -> &'t [u8] {
        self.find(kind, id).unwrap_or(id)
    }

    /// Whether an id of a kind stands in a table.
    pub(super) fn knows(&self, kind: &str, id: &[u8]) -> bool {
        self.find(kind, id).is_some()
    }

    fn find(&self, kind: &str, id: &[u8]) -> Option<&[u8]> {
        self.canonical.get(kind)?.get(&*folded(id)).map(|name| &**name)
    }

    /// The customer ids that an id may stand for, of whatever kind it is; itself among them.
    pub(super) fn all_of(&self, id: &[u8]) -> Vec<Vec<u8>> {
        self.canonical.values().filter_map(|ids| ids.get(&*folded(id))).map(|name| name.to_vec()).chain([id.to_vec()]).collect()
    }
}

/// Under which text an id is known: an address in lower case.
fn folded(id: &[u8]) -> Cow<'_, [u8]> {
    if id.contains(&b'@') && id.iter().any(u8::is_ascii_uppercase) { Cow::Owned(id.to_ascii_lowercase()) } else { Cow::Borrowed(id) }
}

fn root(parents: &mut [usize], mut node: usize) -> usize {
    while parents[node] != node {
        parents[node] = parents[parents[node]];
        node = parents[node];
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[&str; 2]], max_links: u32) -> IdentityTable {
        let rows = rows.iter().map(|row| row.iter().map(|id| (*id).to_owned()).collect()).collect();
        IdentityTable { customer_kind: String::new(), also: vec!["card".into()], max_links, rows }
    }

    #[test]
    fn a_card_leads_to_its_customer_and_two_customers_of_one_card_are_one_person() {
        let mut notes = Vec::new();
        let joined = Identities::join(&[table(&[["w2", "c1"], ["w1", "c1"], ["w3", "c3"], ["w4", ""]], 10)], &mut notes);
        assert_eq!(joined.resolve("card", b"c1"), b"w1");
        assert_eq!(joined.resolve("", b"w2"), b"w1");
        assert_eq!(joined.resolve("card", b"c3"), b"w3");
        assert_eq!(joined.resolve("", b"w4"), b"w4");
        assert_eq!(joined.resolve("card", b"unknown"), b"unknown");
        assert!(notes.is_empty());
    }

    #[test]
    fn an_address_is_the_same_in_upper_and_lower_case_and_a_card_is_not() {
        let joined = Identities::join(&[table(&[["w1", "Ann@Example.org"], ["w2", "ann@example.org"], ["w3", "K7"]], 10)], &mut Vec::new());
        assert_eq!((joined.resolve("card", b"ANN@example.org"), joined.resolve("", b"w2")), (&b"w1"[..], &b"w1"[..]));
        assert_eq!((joined.knows("card", b"K7"), joined.knows("card", b"k7")), (true, false));
        // Where addresses are the customers' own ids, the one that is written stands for all.
        let joined = Identities::join(&[table(&[["Bob@Example.org", "c1"], ["bob@example.org", "c2"]], 10)], &mut Vec::new());
        assert_eq!((joined.resolve("card", b"c2"), joined.resolve("", b"BOB@EXAMPLE.ORG")), (&b"Bob@Example.org"[..], &b"Bob@Example.org"[..]));
    }

    #[test]
    fn a_card_of_many_customers_links_nobody_and_is_reported() {
        let mut notes = Vec::new();
        let joined = Identities::join(&[table(&[["w1", "till"], ["w2", "till"], ["w3", "till"]], 2)], &mut notes);
        assert_eq!(joined.resolve("", b"w3"), b"w3");
        assert_eq!(joined.resolve("card", b"till"), b"till");
        assert_eq!(notes, ["identities: 1 ids of the kind \"card\" stand beside more than 2 customers each and were left alone"]);
    }
}
