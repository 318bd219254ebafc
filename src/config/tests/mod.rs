//! What a user of a config gets: the worked examples, the messages for what is wrong, the settings that reach the program.

mod examples;
mod faults;
mod settings;

use super::{Config, check};
use crate::error::Result;
use std::path::Path;

/// The config that a text holds, in a folder and an environment of the test's own.
fn config_with(text: &str, overrides: &[&str]) -> Result<Config> {
    let variable = |name: &str| (name == "DATA").then(|| "/data".to_owned());
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    check::from_bytes(Path::new("/shop/shop.toml"), text.as_bytes().to_vec(), &overrides, &variable)
}

fn config(text: &str) -> Config {
    config_with(text, &[]).unwrap()
}

fn refusal(text: &str) -> String {
    let error = config_with(text, &[]).unwrap_err();
    assert_eq!(error.kind().exit_code(), 78, "{error}");
    error.to_string()
}

/// The smallest config with events.
const EVENTS: &str = "[[events]]\nfiles = \"e.csv\"\ncustomer = \"c\"\ntime = \"t\"\n";
/// The smallest config with profiles.
const PROFILES: &str = "[[profiles]]\nfiles = \"p.csv\"\ncustomer = \"c\"\n";
