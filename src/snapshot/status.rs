//! Who is at risk and who has long gone: one word per customer.

use super::facts::Facts;
use super::features::usual_gap;
use super::learned::Learned;
use crate::config::Span;

/// Where a customer is in the life of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// First order within the typical gap between orders, or 30 days.
    New,
    /// Ordering at the usual pace.
    Active,
    /// The present silence is longer than one and a half times the customer's usual gap.
    Slowing,
    /// Came back after a silence longer than `active_within`.
    Returned,
    /// Silent for longer than `active_within`: a win-back case, not scored.
    Dormant,
    /// Silent for longer than twice `active_within`: not scored.
    Lost,
}

impl Status {
    /// The word in the files.
    pub fn name(self) -> &'static str {
        match self {
            Status::New => "new",
            Status::Active => "active",
            Status::Slowing => "slowing",
            Status::Returned => "returned",
            Status::Dormant => "dormant",
            Status::Lost => "lost",
        }
    }

    /// The status of a history, `None` without an order.
    pub fn of(facts: &Facts, learned: &Learned, active_within: Span) -> Option<Status> {
        let since = facts.orders.last().map(|_| facts.days_since_last())?;
        let limit = active_within.as_days();
        if since > 2.0 * limit {
            return Some(Status::Lost);
        }
        if since > limit {
            return Some(Status::Dormant);
        }
        let gaps = facts.gaps();
        let usual = usual_gap(&gaps, learned);
        if facts.tenure() <= learned.usual_gap_days.max(30.0) {
            return Some(Status::New);
        }
        if since > 1.5 * usual {
            return Some(Status::Slowing);
        }
        // The last gap, or the one before a first order of the comeback, was a long silence.
        if gaps.last().is_some_and(|gap| *gap > limit) {
            return Some(Status::Returned);
        }
        Some(Status::Active)
    }
}
