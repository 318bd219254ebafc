//! From the config as typed to the checked [`Config`]: every default filled in, every condition parsed, every path expanded.
//!
//! One file per part: [`columns`] the grammar of a column, [`files`] what every source has, [`sources`] the tables of
//! sources, [`settings`] the rest, [`across`] what only the whole can tell. The keys of a table are the constant beside the
//! function that reads it.

mod across;
mod columns;
mod files;
mod settings;
mod sources;

use super::Config;
use super::raw::{Document, Field};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The tables of a config.
pub(super) const ROOT_KEYS: [&str; 12] =
    ["project", "events", "profiles", "items", "offers", "treatments", "identities", "churn", "recommend", "decide", "output", "privacy"];

/// Largest config file, in bytes.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// What paths are filled in from.
struct Surroundings<'a> {
    folder: PathBuf,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Surroundings<'_> {
    /// The path that a field names, absolute.
    fn path(&self, field: &Field<'_>) -> Result<String> {
        super::expand::path(&field.text()?, &self.folder, self.variable).map_err(|message| field.error(message))
    }

    /// One path or a list of them.
    fn paths(&self, field: &Field<'_>) -> Result<Vec<String>> {
        let paths = field.one_or_list()?.iter().map(|path| self.path(path)).collect::<Result<Vec<_>>>()?;
        if paths.is_empty() { Err(field.wrong("at least one file, folder or pattern")) } else { Ok(paths) }
    }
}

/// Reads and checks the file at `path`, with variables from the environment.
pub(super) fn load(path: &Path, overrides: &[String]) -> Result<Config> {
    let size = std::fs::metadata(path).map_err(|error| Error::unreadable(path, &error))?.len();
    if size > LARGEST_FILE {
        return Err(Error::config(format!("found a file of {size} bytes, expected a config of at most {LARGEST_FILE}")).file(path));
    }
    let bytes = std::fs::read(path).map_err(|error| Error::unreadable(path, &error))?;
    from_bytes(path, bytes, overrides, &|name| std::env::var(name).ok())
}

/// The config that the bytes hold. `variable` gives the value of an environment variable.
pub(super) fn from_bytes(path: &Path, bytes: Vec<u8>, overrides: &[String], variable: &dyn Fn(&str) -> Option<String>) -> Result<Config> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
    for text in overrides {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() as u64 + 1;
        Error::config("found bytes that are not UTF-8, expected a text file in UTF-8").file(path).line(line)
    })?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    let absolute = std::path::absolute(path).map_err(|error| Error::unreadable(path, &error))?;
    let surroundings = Surroundings { folder: absolute.parent().map(Path::to_path_buf).unwrap_or_default(), variable };
    let document = Document::parse(path.to_path_buf(), text, overrides)?;
    let root = document.table(&ROOT_KEYS)?;
    let table = |key: &str| root.get(key).map(|field| field.named(format!("[{key}]")));
    let tables = |key: &str| -> Result<Vec<Field<'_>>> {
        let Some(field) = root.get(key) else { return Ok(Vec::new()) };
        if field.is_table() {
            return Err(field.error(format!("found one table [{key}], expected a list of tables: write [[{key}]]")));
        }
        Ok(field.list()?.into_iter().map(|table| table.named(format!("[[{key}]]"))).collect())
    };
    let events = tables("events")?.iter().map(|field| sources::events(field, &surroundings)).collect::<Result<Vec<_>>>()?;
    let profiles = tables("profiles")?.iter().map(|field| sources::profiles(field, &surroundings)).collect::<Result<Vec<_>>>()?;
    let config = Config {
        path: path.to_path_buf(),
        hash: hasher.finalize().to_hex().to_string(),
        project: settings::project(table("project"), path)?,
        items: tables("items")?.iter().map(|field| sources::items(field, &surroundings)).collect::<Result<_>>()?,
        offers: tables("offers")?.iter().map(|field| sources::offers(field, &surroundings)).collect::<Result<_>>()?,
        treatments: tables("treatments")?.iter().map(|field| sources::treatments(field, &surroundings)).collect::<Result<_>>()?,
        identities: tables("identities")?.iter().map(|field| sources::identities(field, &surroundings)).collect::<Result<_>>()?,
        churn: settings::churn(table("churn"), settings::usual_definition(&events, &profiles))?,
        recommend: settings::recommend(table("recommend"))?,
        decide: settings::decide(table("decide"), &surroundings)?,
        output: settings::output(table("output"))?,
        privacy: settings::privacy(table("privacy"), &surroundings)?,
        events,
        profiles,
    };
    across::check(&config, &root)?;
    Ok(config)
}

/// Every table with its keys, by the name it has in the documentation: what `docs/config.md` must list.
#[cfg(test)]
pub(super) fn documented_keys() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut keys = vec![("", ROOT_KEYS.to_vec()), ("column", columns::KEYS.to_vec()), ("every source", files::KEYS.to_vec())];
    keys.extend(sources::documented_keys());
    keys.extend(settings::documented_keys());
    keys
}
