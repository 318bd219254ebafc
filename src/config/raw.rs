//! The config as typed (serde) and its way to the checked [`Config`](super::Config).

use super::Config;
use crate::error::Result;
use std::path::Path;

pub(super) fn load(_path: &Path, _overrides: &[String]) -> Result<Config> {
    todo!()
}

pub(super) fn contract(_config: &Config) -> Vec<(String, String)> {
    todo!()
}
