//! What the scores of some items are multiplied by.

use bincode::{Decode, Encode};

/// Items, ascending, with what their scores are multiplied by; all others keep theirs.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub(crate) struct Lifts(Vec<(u32, f32)>);

impl Lifts {
    /// Of the items in order; lifts nearer to 1 than `least` are not kept.
    pub fn new(of_items: impl Iterator<Item = f32>, least: f32) -> Lifts {
        Lifts(of_items.enumerate().map(|(item, lift)| (item as u32, lift)).filter(|(_, lift)| (lift - 1.0).abs() >= least).collect())
    }

    /// Whether every score stays as it is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Multiplies the scores of all items.
    pub fn apply(&self, scores: &mut [f32]) {
        self.0.iter().for_each(|(item, lift)| scores[*item as usize] *= lift);
    }

    /// What the score of an item is multiplied by.
    pub fn of(&self, item: u32) -> f32 {
        self.0.binary_search_by_key(&item, |(item, _)| *item).map_or(1.0, |found| self.0[found].1)
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn validate(&self, items: usize) -> Result<(), String> {
        let wrong = |&(item, lift): &(u32, f32)| item as usize >= items || !lift.is_finite() || lift < 0.0;
        if self.0.iter().any(wrong) || self.0.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err("recommender: what is lifted is no item, out of order, or lifted by no finite number".into());
        }
        Ok(())
    }
}
