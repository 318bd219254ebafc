//! The bundle of a run, and one that is tried beside it on a small share of the customers (a grey release).
//!
//! A keyed hash of the customer's unit decides who is scored by the challenger: the same customers in every run, without any state, whatever the
//! bundles are, and independent of who is a control. `measure` tells later which did better.

use crate::bundle::Bundle;
use crate::config::Config;
use crate::decide::control::{uniform, unit};
use crate::error::{Error, Result};
use crate::exports::Exports;

/// A bundle and its content hash.
#[derive(Debug, Clone, Copy)]
pub struct Model<'a> {
    /// What was learnt.
    pub bundle: &'a Bundle,
    /// In hex.
    pub hash: &'a str,
}

/// Whose numbers a customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Side {
    /// The bundle in use.
    #[default]
    Champion,
    /// The bundle that is tried.
    Challenger,
}

impl Side {
    /// Both.
    pub const ALL: [Side; 2] = [Side::Champion, Side::Challenger];

    /// The word in the files.
    pub fn name(self) -> &'static str {
        match self {
            Side::Champion => "champion",
            Side::Challenger => "challenger",
        }
    }
}

/// The bundles of a run.
#[derive(Debug, Clone, Copy)]
pub struct Models<'a> {
    /// The bundle in use.
    pub champion: Model<'a>,
    /// The one that is tried, and the share of customers it scores.
    pub challenger: Option<(Model<'a>, f64)>,
}

impl<'a> Models<'a> {
    /// One bundle for everyone.
    pub fn only(bundle: &'a Bundle, hash: &'a str) -> Models<'a> {
        Models { champion: Model { bundle, hash }, challenger: None }
    }

    /// A bundle that is tried beside another on a share of the customers.
    ///
    /// # Errors
    /// 78 where one of them foretells or recommends and the other does not, or both are the same.
    pub fn both(champion: Model<'a>, challenger: Model<'a>, share: f64) -> Result<Models<'a>> {
        if champion.hash == challenger.hash {
            return Err(Error::config("the challenger is the same bundle as the model: there is nothing to compare"));
        }
        let parts = [
            ("churn", champion.bundle.churn.is_some(), challenger.bundle.churn.is_some()),
            ("recommend", champion.bundle.recommend.is_some(), challenger.bundle.recommend.is_some()),
        ];
        if let Some((part, here, _)) = parts.into_iter().find(|(_, here, there)| here != there) {
            let (with, without) = if here { ("model", "challenger") } else { ("challenger", "model") };
            return Err(Error::config(format!("the {with} has a {part} part and the {without} has none: their lists cannot be compared")));
        }
        Ok(Models { champion, challenger: Some((challenger, share)) })
    }

    /// The bundle of a side.
    pub fn of(&self, side: Side) -> Model<'a> {
        match (side, self.challenger) {
            (Side::Challenger, Some((challenger, _))) => challenger,
            _ => self.champion,
        }
    }

    /// The word in the files; empty where there is nothing to tell apart.
    pub(super) fn word(&self, side: Side) -> &'static str {
        if self.challenger.is_some() { side.name() } else { "" }
    }

    /// The bundles there are, with their sides.
    pub fn all(&self) -> impl Iterator<Item = (Side, Model<'a>)> + use<'a> {
        [Some((Side::Champion, self.champion)), self.challenger.map(|(model, _)| (Side::Challenger, model))].into_iter().flatten()
    }

    /// Whose numbers each customer gets.
    pub(super) fn sides(&self, config: &Config, exports: &Exports) -> Vec<Side> {
        let Some((_, share)) = self.challenger else { return vec![Side::Champion; exports.customers.len()] };
        let salt = config.decide.control_salt.as_deref().unwrap_or(&config.project.name);
        let key = blake3::derive_key("holdfast 2026 grey release", salt.as_bytes());
        let side = |customer: u32| {
            let draw = uniform(&blake3::keyed_hash(&key, unit(exports, config.decide.by_household, customer).as_bytes()));
            if draw < share { Side::Challenger } else { Side::Champion }
        };
        (0..exports.customers.len() as u32).map(side).collect()
    }
}
