//! A model with the settings that are tried for it.

use super::Trial;
use crate::error::Result;
use crate::recommend::ItemModel;
use crate::recommend::blend::{ModelKind, Plan};
use crate::recommend::ease::{self, EaseSettings};
use crate::recommend::factors::{FactorSettings, Factors};
use crate::recommend::interactions::Interactions;
use crate::recommend::neighbours::{NeighbourSettings, Neighbours};
use crate::recommend::popular::Popular;
use crate::recommend::repeat::OwnItems;

/// Which model, and its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// Best sellers with a half-life in days.
    Popular(f32),
    /// Own items with a half-life in days.
    OwnItems(f32),
    /// Neighbours.
    Neighbours(NeighbourSettings),
    /// Matrix factors.
    Factors(FactorSettings),
    /// Regressions.
    Ease(EaseSettings),
}

impl Shape {
    /// The kind of model.
    pub fn kind(self) -> ModelKind {
        match self {
            Shape::Popular(_) => ModelKind::Popular,
            Shape::OwnItems(_) => ModelKind::OwnItems,
            Shape::Neighbours(_) => ModelKind::Neighbours,
            Shape::Factors(_) => ModelKind::Factors,
            Shape::Ease(_) => ModelKind::Ease,
        }
    }
    /// Writes the settings into a plan.
    pub fn apply(self, plan: &mut Plan) {
        match self {
            Shape::Popular(half_life) => plan.popular_half_life = half_life,
            Shape::OwnItems(half_life) => plan.own_half_life = half_life,
            Shape::Neighbours(settings) => plan.neighbours = Some(settings),
            Shape::Factors(settings) => plan.factors = Some(settings),
            Shape::Ease(settings) => plan.ease = Some(settings),
        }
    }
    /// Fits the model.
    ///
    /// # Errors
    /// As the models.
    pub fn fit(self, data: &Interactions, seed: u64) -> Result<Trial> {
        let model: Box<dyn ItemModel> = match self {
            Shape::Popular(half_life) => Box::new(Popular::fit(data, half_life)),
            Shape::OwnItems(half_life) => Box::new(OwnItems { half_life }),
            Shape::Neighbours(settings) => Box::new(Neighbours::fit(data, &settings)),
            Shape::Factors(settings) => Box::new(Factors::fit(data, &settings, seed)?),
            Shape::Ease(settings) => Box::new(ease::fit(data, &settings)?),
        };
        Ok(Trial { shape: self, model })
    }
}

/// Fits a model of each shape; regressions count what customers have in common once for all.
///
/// # Errors
/// As the models.
pub(super) fn fit_all(data: &Interactions, shapes: impl IntoIterator<Item = Shape>, seed: u64) -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    let mut regressions: Vec<EaseSettings> = Vec::new();
    for shape in shapes {
        match shape {
            Shape::Ease(settings) => regressions.push(settings),
            other => trials.push(other.fit(data, seed)?),
        }
    }
    let regression = |(model, settings): (Neighbours, EaseSettings)| Trial { shape: Shape::Ease(settings), model: Box::new(model) };
    trials.extend(ease::fit_all(data, &regressions)?.into_iter().zip(regressions).map(regression));
    Ok(trials)
}
