//! What leaving means for a business whose customers come and go: from how long they usually stay away.

use crate::config::{ChurnSettings, Span};
use crate::evaluate::windows::Steps;
use crate::exports::Exports;
use crate::snapshot::label::ChurnRule;
use crate::timeline::Moment;

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
    /// Customers who would have been asked about one horizon before the end.
    pub base: usize,
    /// How many of them left within it.
    pub left: usize,
}

/// The horizon of subscriptions in days: a month of billing at least, whoever comes by each day.
const OF_SUBSCRIPTION: (i64, i64) = (30, 90);
/// Horizons to choose from, in days.
const HORIZONS: [i64; 7] = [7, 14, 28, 60, 90, 180, 365];
/// Share of the times between two purchases that are shorter than the horizon.
const USUAL: f64 = 0.95;
/// Horizons that a history should hold: two that say who is active, and four windows.
const PARTS: i64 = 6;
const DAY: i64 = 86_400;
/// Shares of leavers that the usual tiers (60 and 80 %, and twice the usual) were made for.
const USUAL_RATES: (f64, f64) = (0.1, 0.3);
/// Customers below which the share tells nothing.
const FEW: usize = 50;

/// From the dated events: nothing where there are none.
pub fn leaving(exports: &Exports) -> Option<Leaving> {
    let store = &exports.events;
    let (first, last) = store.time_range()?;
    let counts = store.kind_counts();
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
    let name = store.kinds[alive].clone();
    // Two months hold as many ends of months from wherever they begin only if they are of 31 days.
    let by_month = Steps::of(store, std::slice::from_ref(&name), last.next_day()).are_months();
    let horizon = if by_month { (wished.min(longest) + 15) / 30 * 31 } else { wished.min(longest) };
    let gap =
        usual.map_or(String::new(), |usual| format!("of the times between two days with a {name}, {:.0} % are of {usual} days or fewer; ", 100.0 * USUAL));
    let limit = if wished > longest { format!(", and {length} days of history hold no longer one {PARTS} times") } else { String::new() };
    let why = format!("{gap}{horizon} days without one is a departure{limit}");
    let active_within = 2 * horizon;
    let cutoff = last.0 + 1 - horizon * DAY;
    let (mut base, mut left) = (0, 0);
    for customer in store.offsets.windows(2) {
        let mut of_alive = (customer[0]..customer[1]).filter(|event| usize::from(store.kind[*event]) == alive).map(|event| store.time[event]);
        let was_active = of_alive.clone().any(|time| (cutoff - active_within * DAY..cutoff).contains(&time));
        base += usize::from(was_active);
        left += usize::from(was_active && !of_alive.any(|time| time >= cutoff));
    }
    Some(Leaving { kinds: vec![name], horizon, active_within, why, base, left })
}

/// Of subscriptions, by settings that name them: who of those that ran one horizon before the end of the data had ended by then.
pub(super) fn ending(exports: &Exports, settings: &ChurnSettings) -> Option<Leaving> {
    let found = leaving(exports)?;
    let horizon = found.horizon.clamp(OF_SUBSCRIPTION.0, OF_SUBSCRIPTION.1);
    let (_, last) = exports.events.time_range()?;
    let settings = ChurnSettings { horizon: Span::days(horizon), ..settings.clone() };
    let (base, left) = ChurnRule::new(exports, &settings).ok()?.base(Moment(last.0 + 1 - horizon * DAY));
    let left = left.into_iter().filter(|left| *left).count();
    Some(Leaving { kinds: Vec::new(), horizon, base: base.len(), left, ..found })
}

impl Leaving {
    /// `[churn] tiers`, and why, where the usual ones would hold too many to act on, or nobody.
    pub fn tiers(&self) -> Option<(String, String)> {
        let rate = self.left as f64 / self.base.max(1) as f64;
        if self.base < FEW || (USUAL_RATES.0..=USUAL_RATES.1).contains(&rate) {
            return None;
        }
        let of_base = |share: f64| (share * self.base as f64).ceil();
        let (tiers, why) = if rate > USUAL_RATES.1 {
            let bounds = [("manager", 0.8, 0.05), ("auto_call", 0.6, 0.1), ("watch", 0.5, 0.2)];
            let tiers = bounds.map(|(name, p, share)| format!("{{ name = \"{name}\", p = {p:.1}, max = {} }}", of_base(share)));
            (tiers, "more than anyone can call, so each tier takes the riskiest only: put in how many your people can do")
        } else {
            let bounds = [("manager", 5), ("auto_call", 3), ("watch", 2)];
            (
                bounds.map(|(name, lift)| format!("{{ name = \"{name}\", lift = {lift}.0 }}")),
                "hardly anyone is at 60 %, so tiers go by how many times likelier than usual it is",
            )
        };
        Some((
            format!("[{}]", tiers.join(", ")),
            format!("of {} customers, {:.0} % had left within the last {} days: {why}", self.base, 100.0 * rate, self.horizon),
        ))
    }
}
