//! How good it is: measures with worked examples, and comparison with models that have no freedom.

pub mod classify;
pub mod folds;
pub mod hindsight;
pub mod honesty;
pub mod leaks;
pub mod rank;
pub mod tail;
pub mod windows;
