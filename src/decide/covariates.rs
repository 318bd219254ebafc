//! What is known of a customer on the day of a contact, by which effects may differ: who they are, how long and how much they have bought.
//!
//! Few and plain on purpose: effects are small beside noise, and every further column costs certainty.

use crate::config::{ChurnSettings, Span};
use crate::error::Result;
use crate::exports::Exports;
use crate::snapshot::learned::{BoundProfile, ProfileFeature, ProfileKind, profile_features};
use crate::snapshot::{FeatureSpec, FeatureValues};
use crate::timeline::{Cutoff, History, Moment};
use bincode::{Decode, Encode};

/// More categories than this say too little each.
const MOST_CATEGORIES: usize = 20;

/// Which columns there are, by name.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub(super) struct Covariates {
    /// Whether events have amounts.
    has_amount: bool,
    /// Columns of the profiles.
    profiles: Vec<ProfileFeature>,
}

/// The columns, bound to one set of exports.
pub(super) struct BoundCovariates<'a> {
    exports: &'a Exports,
    has_amount: bool,
    /// By kind of event: whether it counts as alive.
    alive: Vec<bool>,
    profiles: Vec<BoundProfile>,
}

impl Covariates {
    /// The columns of these exports. Profiles without time serve a past day only where the config says that they do.
    pub(super) fn learn(exports: &Exports, churn: &ChurnSettings, cutoff: Cutoff) -> Covariates {
        let mut profiles = profile_features(exports, churn, cutoff, true);
        profiles.retain(|feature| match &feature.kind {
            ProfileKind::Category { vocabulary } => (2..=MOST_CATEGORIES).contains(&(vocabulary.len() - 1)),
            ProfileKind::Number | ProfileKind::Date | ProfileKind::DateAhead => true,
        });
        Covariates { has_amount: exports.events.amount.iter().any(|amount| !amount.is_nan()), profiles }
    }

    /// What each value is.
    pub(super) fn specs(&self) -> Vec<FeatureSpec> {
        let spec = |name: &str, unit: &str, values: FeatureValues| FeatureSpec {
            name: name.into(),
            unit: unit.into(),
            meaning: name.into(),
            family: "contact".into(),
            kinds: Vec::new(),
            values,
        };
        let number = |name, unit| spec(name, unit, FeatureValues::Number);
        let mut specs = vec![number("tenure", "days"), number("days_since_last", "days"), number("orders", "orders"), number("usual_gap", "days")];
        if self.has_amount {
            specs.push(number("value", "money"));
        }
        specs.extend(self.profiles.iter().map(|feature| match &feature.kind {
            // What is rare is as good as missing: `other` is no category here.
            ProfileKind::Category { vocabulary } => {
                spec(&feature.name, "", FeatureValues::Category { vocabulary: vocabulary[..vocabulary.len().saturating_sub(1)].to_vec() })
            }
            ProfileKind::Number | ProfileKind::Date | ProfileKind::DateAhead => number(&feature.name, ""),
        }));
        specs
    }

    /// Finds the columns in one set of exports. `alive` are the kinds of event that count as signs of life.
    ///
    /// # Errors
    /// 65 naming a profile column that the exports do not have or that holds something else.
    pub(super) fn bind<'a>(&self, exports: &'a Exports, alive: &[String]) -> Result<BoundCovariates<'a>> {
        Ok(BoundCovariates {
            exports,
            has_amount: self.has_amount,
            alive: exports.events.kinds.iter().map(|kind| alive.contains(kind)).collect(),
            profiles: self.profiles.iter().map(|feature| feature.bind(exports)).collect::<Result<_>>()?,
        })
    }

    /// Checks every value read from a file.
    pub(super) fn validate(&self) -> std::result::Result<(), String> {
        for ProfileFeature { name, kind } in &self.profiles {
            if let ProfileKind::Category { vocabulary } = kind
                && !(3..=MOST_CATEGORIES + 1).contains(&vocabulary.len())
            {
                return Err(format!("effects depend on {} categories of {name:?}, expected 3 to {} with `other`", vocabulary.len(), MOST_CATEGORIES + 1));
            }
        }
        Ok(())
    }
}

impl BoundCovariates<'_> {
    /// The values of a customer on the day of the history's cut-off, in the order of the specs; `NaN` where missing.
    pub(super) fn row(&self, history: &History<'_>) -> Vec<f64> {
        let cutoff = history.cutoff;
        let (mut first, mut last, mut orders, mut value) = (None::<Moment>, None::<Moment>, 0.0, 0.0);
        let year = cutoff.minus(Span::YEAR);
        for event in history.events() {
            first.get_or_insert(event.time());
            if !self.alive[usize::from(event.kind())] {
                continue;
            }
            // Lines of one order stand at one time.
            if last != Some(event.time()) {
                orders += 1.0;
            }
            last = Some(event.time());
            if event.time() >= year {
                value += event.amount().unwrap_or(0.0);
            }
        }
        let days = |moment: Option<Moment>| moment.map_or(f64::NAN, |moment| cutoff.days_since(moment));
        let gap = if orders > 1.0 { (days(first) - days(last)) / (orders - 1.0) } else { f64::NAN };
        let mut row = vec![days(first), days(last), orders, gap];
        if self.has_amount {
            row.push(value);
        }
        row.extend(self.profiles.iter().map(|profile| {
            let table = &self.exports.profiles[profile.table];
            let value = profile.value(table, table.row_at(history.customer, cutoff), cutoff);
            if profile.is_other(value) { f64::NAN } else { value }
        }));
        row
    }
}
