//! What leaving means for a business whose customers come and go: from how long they usually stay away.

use crate::exports::Exports;

/// What counts as alive, and over which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The kinds that count as alive.
    pub kinds: Vec<String>,
    /// `horizon`, in days.
    pub horizon: i64,
    /// `active_within`, in days.
    pub active_within: i64,
    /// How it was found.
    pub why: String,
}

/// Horizons to choose from, in days.
const HORIZONS: [i64; 7] = [7, 14, 28, 60, 90, 180, 365];
/// Share of the times between two purchases that are shorter than the horizon.
const USUAL: f64 = 0.95;
/// Horizons that a history should hold: two that say who is active, and four windows.
const PARTS: i64 = 6;
const DAY: i64 = 86_400;

/// From the dated events: nothing where there are none.
pub fn leaving(exports: &Exports) -> Option<Leaving> {
    let store = &exports.events;
    let (first, last) = store.time_range()?;
    let mut counts = vec![0_usize; store.kinds.len()];
    store.kind.iter().for_each(|kind| counts[*kind as usize] += 1);
    let of_customers = |kind: &&str| !["contact", "return", "cancel"].contains(kind);
    let purchase = store.kinds.iter().position(|kind| kind == "purchase");
    let frequent = (0..counts.len()).filter(|kind| of_customers(&store.kinds[*kind].as_str())).max_by_key(|kind| counts[*kind]);
    let alive = purchase.or(frequent)?;
    let mut gaps: Vec<i64> = Vec::new();
    for customer in store.offsets.windows(2) {
        let days = (customer[0]..customer[1]).filter(|event| usize::from(store.kind[*event]) == alive).map(|event| store.time[event].div_euclid(DAY));
        let mut before = None;
        for day in days {
            gaps.extend(before.filter(|before| *before < day).map(|before| day - before));
            before = Some(day);
        }
    }
    gaps.sort_unstable();
    let usual = gaps.get(((gaps.len() as f64 * USUAL) as usize).min(gaps.len().saturating_sub(1))).copied();
    let length = (last.0 - first.0) / DAY + 1;
    let wished = usual.and_then(|usual| HORIZONS.into_iter().find(|days| *days >= usual)).unwrap_or(HORIZONS[HORIZONS.len() - 1]);
    let longest = HORIZONS.into_iter().rev().find(|days| days * PARTS <= length).unwrap_or(HORIZONS[0]);
    let horizon = wished.min(longest);
    let name = store.kinds[alive].clone();
    let gap =
        usual.map_or(String::new(), |usual| format!("of the times between two days with a {name}, {:.0} % are of {usual} days or fewer; ", 100.0 * USUAL));
    let limit = if wished > longest { format!(", and {length} days of history hold no longer one {PARTS} times") } else { String::new() };
    Some(Leaving { kinds: vec![name], horizon, active_within: 2 * horizon, why: format!("{gap}{horizon} days without one is a departure{limit}") })
}
