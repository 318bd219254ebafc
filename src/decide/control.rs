//! Who is kept out of all offers, so that their effect can be measured, and whose offer is decided by lot.
//!
//! A keyed hash of the unit's id decides: the same units week after week, without any state, whatever the bundle and whatever the
//! privacy key, until the group rotates.

use crate::config::DecideSettings;
use crate::exports::Exports;
use crate::timeline::Moment;

/// The unit that limits and lots are about: the household where it is asked for and known, else the customer.
pub fn unit(exports: &Exports, by_household: bool, customer: u32) -> &str {
    let own = exports.own_id(customer);
    if !by_household {
        return own;
    }
    let household = exports.carried("household").map(|texts| texts[customer as usize].as_str());
    household.filter(|household| !household.is_empty()).unwrap_or(own)
}

/// A number from 0 to below 1, by the first bits of a hash.
pub fn uniform(hash: &blake3::Hash) -> f64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    (u64::from_le_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Decides by hash.
#[derive(Debug, Clone)]
pub struct Lots {
    share: f64,
    explore: f64,
    key: [u8; 32],
}

impl Lots {
    /// The lots of a day. Without a salt the project's name is one.
    pub fn new(settings: &DecideSettings, project: &str, as_of: Moment) -> Lots {
        let turn = settings.control_rotate.map_or(0, |rotate| as_of.0.div_euclid(rotate.seconds.max(1)));
        let salt = settings.control_salt.as_deref().unwrap_or(project);
        let key = blake3::derive_key("holdfast 2026 control group", format!("{salt}\n{turn}").as_bytes());
        Lots { share: settings.control_share.unwrap_or(0.0), explore: settings.explore.unwrap_or(0.0), key }
    }

    fn draw(&self, unit: &str, what: &str) -> f64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(what.as_bytes()).update(&[0]).update(unit.as_bytes());
        uniform(&hasher.finalize())
    }

    /// Whether a unit belongs to the control group.
    pub fn is_control(&self, unit: &str) -> bool {
        self.draw(unit, "control") < self.share
    }

    /// Whether a unit's offer is decided by lot on this day, and the lot: a number from 0 to below 1.
    pub fn lot(&self, unit: &str, as_of: Moment) -> Option<f64> {
        let day = as_of.date();
        (self.draw(unit, &format!("explore {day}")) < self.explore).then(|| self.draw(unit, &format!("lot {day}")))
    }
}

/// Customers needed in the control group to see a difference of `effect` between two shares near `rate` with 80 % power at the 5 % level,
/// the others being `times` as many: two-sided test of proportions (Fleiss, Levin, Paik 2003, section 4.3, without continuity correction).
pub fn control_size(rate: f64, effect: f64, times: f64) -> f64 {
    const Z: f64 = 1.959_964 + 0.841_621;
    let other = (rate + effect).clamp(0.0, 1.0);
    let variance = rate * (1.0 - rate) + other * (1.0 - other) / times.max(1e-9);
    Z * Z * variance / (effect * effect).max(1e-300)
}

/// The least difference that so many controls can tell with the same power and level.
pub fn detectable(rate: f64, controls: f64, times: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0 - rate);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if control_size(rate, middle, times) > controls { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(share: f64) -> DecideSettings {
        DecideSettings { control_share: Some(share), control_rotate: Some(crate::config::Span::days(182)), ..DecideSettings::default() }
    }

    #[test]
    fn the_control_group_has_its_share_stays_for_weeks_and_rotates() {
        let group = |day: i64| -> Vec<u32> {
            let lots = Lots::new(&settings(0.1), "shop", Moment(day * 86_400));
            (0..10_000).filter(|unit| lots.is_control(&unit.to_string())).collect()
        };
        let (now, week_later, next_turn) = (group(182 * 100), group(182 * 100 + 7), group(182 * 101));
        assert!((900..1100).contains(&now.len()), "{}", now.len());
        assert_eq!(now, week_later);
        let kept = next_turn.iter().filter(|unit| now.contains(unit)).count();
        assert!(kept < 200, "{kept}");
    }

    #[test]
    fn smaller_effects_need_larger_groups() {
        // Two groups of equal size, 10 % against 12 %: 3,841 each (any table of sample sizes).
        assert!((control_size(0.10, 0.02, 1.0) - 3_841.0).abs() < 5.0, "{}", control_size(0.10, 0.02, 1.0));
        assert!((detectable(0.10, 3_841.0, 1.0) - 0.02).abs() < 1e-4);
        assert!(control_size(0.10, 0.01, 1.0) > 3.5 * control_size(0.10, 0.02, 1.0));
    }
}
