//! A stale or partial export is noticed: rows per day, channels and kinds against the bundle's own history.

use crate::error::Result;
use crate::timeline::{EventStore, Moment};
use bincode::{Decode, Encode};

/// What exports usually look like: learnt from the events of training.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct ExportHabits {}

impl ExportHabits {
    /// Learns the habits of the events before `until`. `None` when the history is too short to say.
    pub fn learn(_events: &EventStore, _until: Moment) -> Option<ExportHabits> {
        None
    }
    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> std::result::Result<(), String> {
        Ok(())
    }
    /// Compares the events before `as_of` with the habits. `allowed` names channels, kinds, or `all`. Returns what is worth a note.
    ///
    /// # Errors
    /// 65 for a vanished channel or kind or a collapse of rows, with the numbers and the key that allows it.
    pub fn check(&self, _events: &EventStore, _as_of: Moment, _allowed: &[String]) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}
