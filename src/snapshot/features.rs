//! Placeholder.

use bincode::{Decode, Encode};

/// Placeholder.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct FeaturePlan {
    /// What each column is.
    pub specs: Vec<super::FeatureSpec>,
}
