//! What offers do, for all customers and for one: the part of the bundle that decisions are made from.
//!
//! In: what [`super::learn`] found in past contacts. Out: the effect of an offer on a customer who stands where this one stands. Nothing is learnt here, so what
//! an offer does to a customer follows from the bundle and that customer's own timeline.

use super::cases::{Answer, Usual, answers};
use super::covariates::{BoundCovariates, Covariates};
use super::past::Past;
use super::personal::Departure;
use super::pooling::Difference;
use super::readiness::Readiness;
use super::regression::Design;
use super::sending::{Channels, OwnChannels};
use super::silence::Silence;
use crate::config::Config;
use crate::error::Result;
use crate::exports::Exports;
use crate::timeline::{Cutoff, History};
use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// Nobody's effect on leaving is more than so many times the mean one.
const MOST_TIMES: f64 = 5.0;
/// Nobody is sure to refuse.
const LEAST_ACCEPTANCE: f64 = 0.001;

/// What is known of an offer, for all customers or for one.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub struct Effect {
    /// Share of the treated that responded.
    pub accept: f64,
    /// Change of the share that responds.
    pub response: Option<Difference>,
    /// Change of what is summed, where the response sums amounts: in usual orders of the customer, so that large and small customers can be
    /// taken together; of another number, or of a column, as it stands.
    pub amount: Option<Difference>,
    /// Change of the share that leaves within the horizon, where leaving can be told, beyond what the change of the response brings: see
    /// [`Effects::leaving`].
    pub churn: Option<Difference>,
    /// Treated customers it was learnt from; 0 where it stands for an offer never sent.
    pub treated: usize,
}

/// How the effect of one offer departs from its mean by customer.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub(super) struct Departures {
    pub(super) response: Option<Departure>,
    pub(super) amount: Option<Departure>,
    pub(super) churn: Option<Departure>,
}

/// The effects of all offers.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub struct Effects {
    /// By offer, group or arm as treatments name it.
    pub(super) by_name: BTreeMap<String, Effect>,
    /// What an offer never sent is expected to do.
    pub(super) overall: Option<Effect>,
    /// By the same names, where effects differ between customers.
    pub(super) departures: BTreeMap<String, Departures>,
    /// What effects depend on; `None` where they are the same for all.
    pub(super) ground: Option<Ground>,
    /// Where amounts are in usual orders.
    pub(super) usual: Option<Usual>,
    pub(super) silence: Silence,
    pub(super) readiness: Readiness,
    /// Share of the control customers that left; `None` where that is not known, or where effects on leaving are told apart by customer.
    pub(super) leaving_rate: Option<f64>,
    /// What channels did to the responses.
    pub(super) channels: Channels,
}

/// What effects depend on: what is read of a customer, and the columns made of it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(super) struct Ground {
    pub(super) covariates: Covariates,
    pub(super) design: Design,
}

/// What effects depend on, of one customer on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Standpoint {
    /// A row of the design; empty where no effect differs between customers.
    row: Vec<f64>,
    /// What one unit of the amount is in money: the customer's usual order where amounts are counted in orders, else 1.
    pub unit: f64,
    /// How often the customer responds, beside the mean.
    readiness: f64,
    /// How much of the mean change of responses, and of what they bring, an offer brings at once.
    pub moved: f64,
}

impl Effects {
    /// What an offer does: its own effect, that of its group, or that of all offers; `None` where nothing was ever sent. It is this customer's: as
    /// readily as they respond, and as effects differ between customers; the doubt about that is not in the errors.
    pub fn of(&self, offer: &str, group: &str, at: &Standpoint) -> Option<Effect> {
        let (mut effect, departures) = match self.known(offer, group, at) {
            Some(known) => known,
            None => (self.overall?, None),
        };
        if let Some(departures) = departures {
            let depart = |difference: &mut Option<Difference>, departure: &Option<Departure>| {
                if let (Some(difference), Some(departure)) = (difference.as_mut(), departure) {
                    difference.mean += departure.of(&at.row);
                }
            };
            depart(&mut effect.response, &departures.response);
            depart(&mut effect.amount, &departures.amount);
            depart(&mut effect.churn, &departures.churn);
        }
        effect.accept = (effect.accept * at.readiness).clamp(LEAST_ACCEPTANCE, 1.0);
        Some(effect)
    }

    /// The same with the doubt about what is this customer's own in its errors: dearer, for rows that are written.
    pub fn with_doubt(&self, offer: &str, group: &str, at: &Standpoint) -> Option<Effect> {
        let mut effect = self.of(offer, group, at)?;
        if let Some((_, Some(departures))) = self.known(offer, group, at) {
            let widen = |difference: &mut Option<Difference>, departure: &Option<Departure>| {
                if let (Some(difference), Some(departure)) = (difference.as_mut(), departure) {
                    difference.error = (difference.error.powi(2) + departure.variance(&at.row)).sqrt();
                }
            };
            widen(&mut effect.response, &departures.response);
            widen(&mut effect.amount, &departures.amount);
            widen(&mut effect.churn, &departures.churn);
        }
        Some(effect)
    }

    /// The mean effect that an offer goes by, its own or its group's, and how it differs between customers where that is known.
    fn known(&self, offer: &str, group: &str, at: &Standpoint) -> Option<(Effect, Option<&Departures>)> {
        let (name, effect) = [offer, group].into_iter().find_map(|name| Some((name, *self.by_name.get(name)?)))?;
        Some((effect, self.departures.get(name).filter(|_| !at.row.is_empty())))
    }

    /// The change of a probability of leaving: what the change of the response brings, and what is beyond it.
    ///
    /// The latter goes with the risk: ratios differ less between people than differences do (Deeks 2002), nobody can be kept more often than they would have
    /// left, and who is worth most is mostly who leaves least.
    pub fn leaving(&self, effect: &Effect, risk: f64) -> Option<Difference> {
        let times = self.leaving_rate.map_or(1.0, |rate| (risk / rate).min(MOST_TIMES));
        let beyond = effect.churn?.times(times);
        let Some(response) = effect.response.filter(|_| self.silence.is_known()) else { return Some(beyond) };
        // All who leave are among those who do not respond.
        let silent = self.silence.passed_on() * (risk / (1.0 - effect.accept + response.mean).clamp(LEAST_ACCEPTANCE, 1.0)).min(1.0);
        Some(beyond.plus(response.times(-silent)))
    }

    /// The offers whose effect differs between customers.
    pub fn personal(&self) -> impl Iterator<Item = &str> {
        let differs = |departures: &Departures| departures.response.is_some() || departures.amount.is_some() || departures.churn.is_some();
        self.departures.iter().filter(move |(_, departures)| differs(departures)).map(|(name, _)| name.as_str())
    }

    /// What all offers have in common; `None` where nothing was ever sent.
    pub fn overall(&self) -> Option<Effect> {
        self.overall
    }

    /// Whether any difference to a control group is known.
    pub fn are_measured(&self) -> bool {
        self.overall.is_some_and(|effect| effect.response.is_some())
    }

    /// What was learnt of each offer that was sent, by name.
    pub fn by_name(&self) -> &BTreeMap<String, Effect> {
        &self.by_name
    }

    /// The same, the one sent most first, ties by name.
    pub fn most_sent(&self) -> Vec<(&str, &Effect)> {
        let mut sent: Vec<(&str, &Effect)> = self.by_name.iter().map(|(name, effect)| (name.as_str(), effect)).collect();
        sent.sort_by_key(|(_, effect)| std::cmp::Reverse(effect.treated));
        sent
    }

    /// Binds what the effects read to one set of exports. `past` are the contacts before `as_of`.
    ///
    /// # Errors
    /// 65 naming a profile column that the exports do not have or that holds something else.
    pub fn bind<'a>(&'a self, config: &'a Config, exports: &'a Exports, past: &[Past], as_of: Cutoff) -> Result<BoundEffects<'a>> {
        let kinds = config.churn.kinds.as_slice();
        let covariates = self.ground.as_ref().map(|ground| ground.covariates.bind(exports, kinds)).transpose()?;
        let mut own = OwnChannels::new(&self.channels);
        for Answer { customer, name, channel, responded } in answers(config, exports, past, as_of) {
            if let Some(effect) = self.by_name.get(name) {
                own.add(customer, channel, effect.accept, responded);
            }
        }
        Ok(BoundEffects { effects: self, covariates, kinds, own })
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> std::result::Result<(), String> {
        let width = self.ground.as_ref().map_or(0, |ground| ground.design.width());
        if let Some(Ground { covariates, design }) = &self.ground {
            covariates.validate()?;
            design.validate(&covariates.specs())?;
        }
        for (name, effect) in
            self.by_name.iter().map(|(name, effect)| (name.as_str(), effect)).chain(self.overall.iter().map(|effect| ("an offer never sent", effect)))
        {
            effect.validate().map_err(|reason| format!("the effect of {name:?}: {reason}"))?;
        }
        for (name, Departures { response, amount, churn }) in &self.departures {
            if !self.by_name.contains_key(name) {
                return Err(format!("{name:?} departs from an effect that is not there"));
            }
            for departure in [response, amount, churn].into_iter().flatten() {
                departure.validate(width).map_err(|reason| format!("the effect of {name:?} by customer: {reason}"))?;
            }
        }
        // The other way round there may be: offers that few customers got are told only together.
        if self.overall.is_none() && !self.by_name.is_empty() {
            return Err("there are effects of single offers, but none of all".into());
        }
        self.silence.validate(width)?;
        self.readiness.validate(width)?;
        if self.leaving_rate.is_some_and(|rate| !(rate > 0.0 && rate <= 1.0)) {
            return Err("the share of control customers that left is not within 0 and 1".into());
        }
        if self.usual.is_some_and(|usual| !usual.is_finite()) {
            return Err("the usual order is not finite".into());
        }
        self.channels.validate()
    }
}

impl Effect {
    /// What was learnt, in one sentence.
    pub fn in_words(&self) -> String {
        let told = format!("sent {} times, {:.1} % responded", self.treated, 100.0 * self.accept);
        match self.response {
            None => format!("{told}; no controls, so what it changed is not known"),
            Some(change) => {
                let (low, high) = change.interval();
                format!("{told}, {:+.1} points beside the controls ({:+.1} to {:+.1})", 100.0 * change.mean, 100.0 * low, 100.0 * high)
            }
        }
    }

    fn validate(&self) -> std::result::Result<(), String> {
        if !(0.0..=1.0).contains(&self.accept) {
            return Err(format!("a share of {} responded, expected 0 to 1", self.accept));
        }
        let is_wrong = |difference: &Difference| !difference.mean.is_finite() || !difference.error.is_finite() || difference.error < 0.0;
        if [self.response, self.amount, self.churn].iter().flatten().any(is_wrong) {
            return Err("a difference or its error is not finite".into());
        }
        Ok(())
    }
}

/// Effects whose names are bound to one set of exports, with what each customer answered by which channel.
pub struct BoundEffects<'a> {
    /// The effects.
    pub effects: &'a Effects,
    covariates: Option<BoundCovariates<'a>>,
    /// Kinds of event that count as alive.
    kinds: &'a [String],
    own: OwnChannels<'a>,
}

impl BoundEffects<'_> {
    /// What effects depend on, of one customer.
    pub fn standpoint(&self, history: &History<'_>) -> Standpoint {
        let ground = self.effects.ground.as_ref().zip(self.covariates.as_ref());
        let row = ground.map(|(ground, covariates)| ground.design.row(covariates.row(history).into_iter())).unwrap_or_default();
        let Effects { readiness, usual, .. } = self.effects;
        Standpoint { unit: usual.map_or(1.0, |usual| usual.of(history, self.kinds)), readiness: readiness.times(&row), moved: readiness.moved(&row), row }
    }

    /// By how much the best of these channels multiplies a customer's responses.
    pub fn reach<'o>(&self, customer: u32, channels: impl Iterator<Item = &'o str>) -> f64 {
        self.own.reach(customer, channels)
    }

    /// That of these channels which a customer answers best.
    pub fn best_channel<'o>(&self, history: &History<'_>, channels: impl Iterator<Item = &'o str>) -> &'o str {
        self.own.best(history, channels)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::decide::regression::Design;
    use crate::snapshot::FeatureMatrix;

    /// One offer whose effect differs by tenure.
    fn effects() -> Effects {
        let covariates = Covariates::default();
        let rows: Vec<[f64; 4]> = (0..60).map(|row| [f64::from(row), 3.0, 1.0, f64::NAN]).collect();
        let design = Design::learn(&FeatureMatrix::from_rows(covariates.specs(), rows.iter().map(<[f64; 4]>::as_slice)));
        let difference = Some(Difference { mean: 0.1, error: 0.02 });
        let effect = Effect { accept: 0.3, response: difference, amount: None, churn: difference, treated: 400 };
        let departures =
            Departures { response: Some(Departure::new(vec![1, 2], vec![0.5, 0.3], vec![0.05, -0.02], vec![1e-4, 0.0, 0.0, 1e-4])), ..Departures::default() };
        Effects {
            by_name: [("F10".into(), effect)].into(),
            overall: Some(Effect { treated: 0, ..effect }),
            departures: [("F10".into(), departures)].into(),
            ground: Some(Ground { covariates, design }),
            ..Effects::default()
        }
    }

    #[test]
    fn effects_of_a_file_are_used_only_where_every_number_is_possible() {
        assert_eq!(effects().validate(), Ok(()));
        assert_eq!(Effects::default().validate(), Ok(()));
        let few = Effects { by_name: BTreeMap::new(), departures: BTreeMap::new(), ..effects() };
        assert_eq!(few.validate(), Ok(()), "offers that few customers got are told only together");
        let departure = |columns: Vec<usize>, coefficients: Vec<f64>, covariance: Vec<f64>| {
            move |effects: &mut Effects| {
                let centre = vec![0.0; columns.len()];
                effects.departures.get_mut("F10").unwrap().response = Some(Departure::new(columns, centre, coefficients, covariance));
            }
        };
        type Break = Box<dyn FnOnce(&mut Effects)>;
        let broken: Vec<(&str, Break)> = vec![
            ("more than all accept", Box::new(|effects| effects.by_name.get_mut("F10").unwrap().accept = 1.5)),
            ("no number", Box::new(|effects| effects.overall.as_mut().unwrap().accept = f64::NAN)),
            ("a negative error", Box::new(|effects| effects.by_name.get_mut("F10").unwrap().churn.as_mut().unwrap().error = -0.1)),
            ("departs from nothing", Box::new(|effects| drop(effects.departures.insert("F20".into(), Departures::default())))),
            ("single offers without all", Box::new(|effects| effects.overall = None)),
            ("a column outside the design", Box::new(departure(vec![1, 99], vec![0.1, 0.1], vec![]))),
            ("a coefficient too few", Box::new(departure(vec![1, 2], vec![0.1], vec![]))),
            ("an endless coefficient", Box::new(departure(vec![1], vec![f64::INFINITY], vec![]))),
            ("a covariance too few", Box::new(departure(vec![1, 2], vec![0.1, 0.1], vec![1.0]))),
            ("departs without a design", Box::new(|effects| effects.ground = None)),
            ("nobody leaves", Box::new(|effects| effects.leaving_rate = Some(0.0))),
            ("responses below none", Box::new(|effects| effects.channels.add("email", -1.0, 0.0))),
        ];
        for (what, change) in broken {
            let mut effects = effects();
            change(&mut effects);
            assert!(effects.validate().is_err(), "{what}");
        }
    }

    #[test]
    fn an_offer_never_sent_goes_by_its_group_and_then_by_all() {
        let effects = effects();
        let row = effects.ground.as_ref().unwrap().design.row([55.0, 3.0, 1.0, f64::NAN].into_iter());
        let at = Standpoint { row, unit: 1.0, readiness: 1.0, moved: 1.0 };
        let own = effects.of("F10", "", &at).unwrap();
        assert!((own.response.unwrap().mean - 0.1).abs() > 1e-3, "the effect is this customer's");
        assert_eq!(effects.of("NEW", "F10", &at), Some(own));
        assert_eq!(effects.of("NEW", "", &at), effects.overall());
        assert!(effects.with_doubt("F10", "", &at).unwrap().response.unwrap().error > own.response.unwrap().error);
    }
}
