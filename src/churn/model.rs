//! A fitted learner as the bundle keeps it: log-odds of a row, and what each feature adds to them.

use super::baseline::RecencyRule;
use super::encode::{Encoder, Encoding};
use super::flat::FlatTrees;
use super::logistic::Logistic;
use crate::snapshot::FeatureMatrix;
use bincode::{Decode, Encode};

/// Trees with the encoding they read.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Trees {
    /// How features become the columns of the trees.
    pub encoder: Encoder,
    /// Added before the first tree.
    pub base: f64,
    /// What the sum over all trees is multiplied by: one over the number of ensembles.
    pub scale: f64,
    /// The trees.
    pub trees: FlatTrees,
}

/// One fitted learner.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Model {
    /// Two numbers: log-odds by days since the last activity.
    Recency(RecencyRule),
    /// The additive model.
    Logistic(Logistic),
    /// One tree, a forest, or boosted trees.
    Trees(Trees),
}

impl Model {
    /// Log-odds of every row.
    pub fn log_odds(&self, matrix: &FeatureMatrix) -> Vec<f64> {
        match self {
            Model::Recency(rule) => rule.log_odds(matrix),
            Model::Logistic(model) => model.log_odds(matrix),
            Model::Trees(model) => model.trees.sums(&model.encoder.encode(matrix), model.base, model.scale),
        }
    }

    /// Adds what each feature contributes to one row's log-odds, times `scale`; returns the part that no feature explains.
    pub fn contribute(&self, matrix: &FeatureMatrix, row: usize, scale: f64, by_feature: &mut [f64]) -> f64 {
        match self {
            Model::Recency(rule) => rule.contribute(matrix, row, scale, by_feature),
            Model::Logistic(model) => model.contribute(matrix, row, scale, by_feature),
            Model::Trees(model) => {
                let mut by_column = vec![0.0; model.encoder.columns.len()];
                let values = model.encoder.encode_row(matrix, row);
                let base = model.trees.contribute(&values, scale * model.scale, &mut by_column);
                for (column, value) in model.encoder.columns.iter().zip(by_column) {
                    // What two categories say together is half of each.
                    if let Encoding::Pair(table) = &column.encoding {
                        by_feature[column.feature as usize] += value / 2.0;
                        by_feature[table.other as usize] += value / 2.0;
                    } else {
                        by_feature[column.feature as usize] += value;
                    }
                }
                base + scale * model.scale * model.base
            }
        }
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self, features: usize) -> Result<(), String> {
        match self {
            Model::Recency(rule) => rule.validate(features),
            Model::Logistic(model) => model.validate(features),
            Model::Trees(model) => {
                if !(model.base.is_finite() && model.scale.is_finite()) {
                    return Err("the base or the scale of the trees is not finite".into());
                }
                model.encoder.validate(features)?;
                model.trees.validate(model.encoder.columns.len())
            }
        }
    }
}
