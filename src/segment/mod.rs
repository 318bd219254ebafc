//! Groups with names a marketer can read.

use bincode::{Decode, Encode};

/// Cut points of recency, frequency and money.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct SegmentRules {}
