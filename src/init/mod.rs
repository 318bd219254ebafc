//! A first config from a look at the exports: what each file and column was taken for, every guess said beside it.
//!
//! In: the first rows of each file ([`Looked`]). Out: the text of a config. Names of columns decide, then what the columns hold
//! and whose values they share; nothing is learnt and nothing is read here.

mod columns;
mod draft;
mod events;
mod filled;
mod followed;
mod inputs;
mod items;
mod languages;
mod offers;
mod profiles;
mod rights;
mod subscriptions;
mod table;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::format_push_string)]
mod tests;
mod windows;
mod words;

pub use windows::Leaving;

use crate::config::ChurnSettings;
use crate::error::{Error, Result};
use crate::exports::{Exports, Looked};
use draft::{comment, list, quoted};
use inputs::Input;
use std::fmt::Write as _;
use std::path::Path;
use tables::Found;

/// A config to be looked through.
#[derive(Debug)]
pub struct Draft {
    name: String,
    /// Whether columns are named in Chinese.
    is_chinese: bool,
    found: Found,
}

impl Draft {
    /// From a look at the exports. `folder`, absolute, is where the config will stand: files are named as seen from it.
    ///
    /// # Errors
    /// 65 where no file says anything of customers.
    pub fn new(name: &str, looked: Looked, folder: &Path) -> Result<Draft> {
        let inputs = inputs::grouped(looked.samples);
        let is_chinese = inputs.iter().flat_map(|input| &input.sample.columns).any(|column| languages::is_chinese(&column.name));
        let mut found = tables::sources(&inputs, folder);
        if !found.sources.iter().any(|source| ["events", "profiles"].contains(&source.table)) {
            let columns = |input: &Input| input.sample.columns.iter().take(12).map(|column| format!("{:?}", column.name)).collect::<Vec<_>>().join(", ");
            let columns: Vec<String> = inputs.iter().map(columns).collect();
            let why = if found.left_out.is_empty() { "no column looks like the id of a customer".to_owned() } else { found.left_out.join("; ") };
            let message = format!(
                "nothing says what customers did or are ({why}; columns found: {}); write the config by hand, docs/config.md says how",
                columns.join("; ")
            );
            return Err(Error::data(message));
        }
        let file = |error: &Error| error.place().file.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        found.left_out.extend(looked.unreadable.iter().map(|error| format!("{}: {}", file(error), error.message())));
        Ok(Draft { name: name.to_owned(), is_chinese, found })
    }

    /// One line per source: what it is, and of which files.
    pub fn summary(&self) -> Vec<(&str, &str)> {
        self.found
            .sources
            .iter()
            .map(|source| (source.table, source.about.first().and_then(|about| about.split(". ").next()).unwrap_or_default().trim_end_matches('.')))
            .collect()
    }

    /// Files that fit nothing, and why.
    pub fn left_out(&self) -> &[String] {
        &self.found.left_out
    }

    /// What leaving means, once the exports have been read by the text without it.
    pub fn leaving(&self, exports: &Exports, settings: &ChurnSettings) -> Option<Leaving> {
        if self.found.subscription.is_some() { windows::ending(exports, settings) } else { windows::leaving(exports) }
    }

    /// The text. `leaving` is known once the exports have been read.
    pub fn to_toml(&self, leaving: Option<&Leaving>) -> String {
        let mut out = String::new();
        comment(&mut out, "Drafted from a look at the exports: read it through. A comment says what was guessed; docs/config.md explains every key.");
        comment(&mut out, "Paths are relative to this file.");
        let _ = writeln!(out, "[project]\nname = {}", quoted(&self.name));
        if self.is_chinese {
            out.push_str("language = \"zh\" # of reasons and reports: columns are named in Chinese\n");
        }
        comment(&mut out, "currency = \"EUR\"            # shown beside amounts");
        comment(&mut out, "timezone = \"Europe/Berlin\"  # where days begin; UTC if not said");
        out.push('\n');
        self.found.sources.iter().for_each(|source| source.write(&mut out));
        for left_out in &self.found.left_out {
            comment(&mut out, &format!("Left out: {left_out}"));
        }
        out.push_str("[churn]\n");
        if self.found.has_label {
            out.push_str("definition = \"label\"\n");
        } else if let Some((began, ended)) = &self.found.subscription {
            comment(&mut out, "Guessed: customers are those whose subscription runs; who ends it within the horizon leaves.");
            let _ = writeln!(out, "definition = \"subscription\"\nsubscription = {{ start = {}, end = {} }}", quoted(began), quoted(ended));
            let _ = writeln!(out, "horizon = \"{}d\"", leaving.map_or(90, |leaving| leaving.horizon));
        } else if let Some(leaving) = leaving {
            comment(&mut out, &format!("Guessed: {}.", leaving.why));
            let _ = writeln!(out, "definition = \"inactivity\"\nkinds = {}", list(&leaving.kinds));
            let _ = writeln!(out, "active_within = \"{}d\" # who is asked about: customers with one of these in this time", leaving.active_within);
            let _ = writeln!(out, "horizon = \"{}d\" # left: none of them in this time", leaving.horizon);
        } else if self.found.is_dated {
            out.push_str("definition = \"inactivity\" # the exports could not be read yet: say what counts as alive (kinds, active_within, horizon)\n");
        } else {
            out.push_str("definition = \"none\" # nothing is dated and no column says who left\n");
        }
        if let Some((tiers, why)) = leaving.filter(|_| !self.found.has_label).and_then(Leaving::tiers) {
            comment(&mut out, &format!("Guessed: {why}."));
            let _ = writeln!(out, "tiers = {tiers}");
        }
        if self.found.is_dated {
            self.write_decide(&mut out);
        }
        out
    }

    /// What to settle before the first list goes out: nothing of it can be told from the exports.
    fn write_decide(&self, out: &mut String) {
        out.push_str("\n[decide]\n");
        comment(out, "What a list brings can only be told beside customers who were kept out of it: settle this before the first list goes out.");
        comment(out, &format!("control = {{ share = 0.1, salt = {} }}   # the same customers every week", quoted(&self.name)));
        comment(out, "contact = { max = 2, per = \"30d\" }         # per customer");
        if self.found.sources.iter().any(|source| source.table == "offers") {
            comment(out, "budget = { amount = 1000, per = \"month\" }  # of all offers together");
            comment(out, "issued = \"lists/*/offers.csv\"              # lists of earlier runs: they count as sent until treatments tell of them");
        }
    }
}
