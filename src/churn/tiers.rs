//! Tiers of action: absolute, a multiple of the base rate, capped by what the staff can handle.

use crate::config::{Tier, TierFrom};

/// The probability from which a tier begins.
pub fn threshold(tier: &Tier, base_rate: f64) -> f64 {
    match tier.from {
        TierFrom::Probability(p) => p,
        TierFrom::Lift(lift) => lift * base_rate,
    }
}

/// The tier of each customer, given their probabilities riskiest first: the first tier that fits and still has room.
pub fn assign<'a>(tiers: &'a [Tier], base_rate: f64, riskiest_first: &[f64]) -> Vec<&'a str> {
    let mut room: Vec<u64> = tiers.iter().map(|tier| tier.max.unwrap_or(u64::MAX)).collect();
    riskiest_first
        .iter()
        .map(|probability| {
            let found = tiers.iter().enumerate().find(|(number, tier)| room[*number] > 0 && *probability >= threshold(tier, base_rate));
            found.map_or("", |(number, tier)| {
                room[number] -= 1;
                tier.name.as_str()
            })
        })
        .collect()
}

/// How many customers fall into each tier.
pub fn count(tiers: &[Tier], base_rate: f64, probabilities: &[f64]) -> Vec<(String, usize)> {
    let mut sorted = probabilities.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let assigned = assign(tiers, base_rate, &sorted);
    tiers.iter().map(|tier| (tier.name.clone(), assigned.iter().filter(|name| **name == tier.name).count())).collect()
}

/// What is wrong with a tier that holds `count` of `of` customers, if anything: nobody, or too many.
pub fn fault(tiers: &[Tier], base_rate: f64, name: &str, count: usize, of: usize) -> Option<String> {
    match count {
        0 => Some(why_empty(tiers, base_rate, name)),
        count if count as f64 > 0.3 * of as f64 => Some(format!("the tier {name} holds {count} of {of} customers, more than 30 %: too many to act on")),
        _ => None,
    }
}

/// Why a tier holds nobody, and what to do: an earlier tier that begins no higher takes everyone, or nobody's risk is as high.
fn why_empty(tiers: &[Tier], base_rate: f64, name: &str) -> String {
    let from = |tier: &Tier| threshold(tier, base_rate);
    let found = tiers.iter().position(|tier| tier.name == name).and_then(|place| {
        let taker = tiers[..place].iter().find(|earlier| earlier.max.is_none() && from(earlier) <= from(&tiers[place]))?;
        Some((from(&tiers[place]), taker))
    });
    match found {
        Some((begins, _)) if begins > 1.0 => {
            format!("the tier {name} is empty: so many times the base rate of {base_rate:.2} is more than 1; let it begin lower")
        }
        Some((begins, taker)) => format!(
            "the tier {name} is empty: it begins at {begins:.2}, where {}, which begins at {:.2}, takes everyone; let it begin lower",
            taker.name,
            from(taker)
        ),
        None => format!("the tier {name} is empty: no customer's risk reaches it; let it begin lower"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_tier_hands_the_rest_to_the_next() {
        let tier = |name: &str, from, max| Tier { name: name.into(), from, max };
        let tiers =
            [tier("manager", TierFrom::Probability(0.8), Some(1)), tier("call", TierFrom::Probability(0.6), None), tier("watch", TierFrom::Lift(2.0), None)];
        assert_eq!(assign(&tiers, 0.2, &[0.9, 0.85, 0.7, 0.4, 0.39]), ["manager", "call", "call", "watch", ""]);
        assert_eq!(count(&tiers, 0.2, &[0.39, 0.9]), [("manager".to_string(), 1), ("call".to_string(), 0), ("watch".to_string(), 0)]);
        assert_eq!(why_empty(&tiers, 0.2, "watch"), "the tier watch is empty: no customer's risk reaches it; let it begin lower");
        let taken = "the tier watch is empty: it begins at 0.70, where call, which begins at 0.60, takes everyone; let it begin lower";
        assert_eq!(why_empty(&tiers, 0.35, "watch"), taken);
        let never = "the tier watch is empty: so many times the base rate of 0.65 is more than 1; let it begin lower";
        assert_eq!(why_empty(&tiers, 0.65, "watch"), never);
    }
}
