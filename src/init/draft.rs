//! The text of a config: sources with their keys, and a comment for each guess.

use super::filled::Filled;
use super::inputs::{Input, Lookup};
use crate::exports::Sample;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

/// One table of a config.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// `events`, `profiles`, …
    pub(super) table: &'static str,
    /// What it was taken for, a line each.
    pub(super) about: Vec<String>,
    entries: Vec<Entry>,
    /// Conditions of `where`, and why.
    conditions: Vec<(String, String)>,
    /// Columns that a row takes from another; those that the source uses are told.
    filled: Option<Filled>,
    /// Columns that are not used.
    pub(super) unused: Vec<String>,
}

#[derive(Debug, Clone)]
struct Entry {
    key: &'static str,
    value: String,
    note: String,
}

impl Source {
    /// A table that reads the files of a sample, with what has to be declared of them. `folder` is the config's.
    pub(super) fn new(table: &'static str, Input { sample, lookup, filled, .. }: &Input, folder: &Path) -> Source {
        let mut source = Source { table, about: Vec::new(), entries: Vec::new(), conditions: Vec::new(), filled: filled.clone(), unused: Vec::new() };
        match pattern(sample) {
            Some(path) => source.noted("files", list([relative(&path, folder)]), format!("{} files now, and those to come", sample.paths.len())),
            None => source.put("files", list(sample.paths.iter().map(|path| relative(path, folder)))),
        }
        let reading = &sample.reading;
        if let Some(format) = reading.format {
            source.noted("format", quoted(format), "guessed: the extension names none");
        }
        if reading.by_blanks {
            source.put("delimiter", quoted("spaces"));
        }
        if let Some(encoding) = reading.encoding {
            source.noted("encoding", quoted(encoding), "guessed: the file is not UTF-8");
        }
        if reading.without_header {
            source.noted("columns", list(sample.columns.iter().map(|column| column.name.clone())), "the file has no header: name them as you like");
        }
        if reading.is_list {
            source.noted("layout", quoted("list"), "lines differ in length: a customer, then items");
        }
        if let Some(Lookup { path, on, key }) = lookup {
            let key = if key == on { String::new() } else { format!(", key = {}", quoted(key)) };
            source.put("lookup", format!("[{{ files = {}, on = {}{key} }}]", quoted(&relative(path, folder)), quoted(on)));
        }
        source
    }
    /// Sets a key.
    pub(super) fn put(&mut self, key: &'static str, value: String) {
        self.noted(key, value, "");
    }
    /// Sets a key and says why.
    pub(super) fn noted(&mut self, key: &'static str, value: String, note: impl Into<String>) {
        self.entries.push(Entry { key, value, note: one_line(&note.into()) });
    }
    /// Leaves all rows out but those of which a condition holds, and says why.
    pub(super) fn only_where(&mut self, condition: String, note: impl Into<String>) {
        self.conditions.push((condition, one_line(&note.into())));
    }
    /// The same, with nothing said of columns that are not used.
    pub(super) fn without_unused(mut self) -> Source {
        self.unused.clear();
        self
    }
    /// Whether a key or a condition names a column.
    fn uses(&self, column: &str) -> bool {
        let is_named = |value: &str| value.contains(&quoted(column)) || value.contains(&in_condition(column));
        self.entries.iter().any(|entry| entry.key != "drop" && is_named(&entry.value)) || self.conditions.iter().any(|(condition, _)| is_named(condition))
    }
    /// The value of a key, as TOML.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    pub(super) fn write(&self, out: &mut String) {
        self.about.iter().for_each(|line| comment(out, line));
        let _ = writeln!(out, "[[{}]]", self.table);
        for Entry { key, value, note } in &self.entries {
            let _ = if note.is_empty() { writeln!(out, "{key} = {value}") } else { writeln!(out, "{key} = {value} # {note}") };
        }
        let (conditions, notes): (Vec<&str>, Vec<&str>) = self.conditions.iter().map(|(condition, note)| (condition.as_str(), note.as_str())).unzip();
        if !conditions.is_empty() {
            let _ = writeln!(out, "where = {} # {}", quoted(&conditions.join(" and ")), notes.join("; "));
        }
        if let Some(Filled { by, columns }) = &self.filled {
            let columns: Vec<&String> = columns.iter().filter(|column| self.uses(column)).collect();
            if !columns.is_empty() {
                let (by, columns) = (quoted(by), list(columns));
                let _ = writeln!(out, "fill_down = {{ by = {by}, columns = {columns} }} # they stand on the first of the rows that share it only");
            }
        }
        let unused: Vec<&str> = self.unused.iter().map(String::as_str).filter(|column| !self.uses(column)).collect();
        if !unused.is_empty() {
            comment(out, &format!("not used: {}", unused.join(", ")));
        }
        out.push('\n');
    }
}

/// A line of comment, whatever the text holds.
pub(super) fn comment(out: &mut String, text: &str) {
    let _ = writeln!(out, "# {}", one_line(text));
}

/// A text without line ends and other signs that a comment may not hold.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A list of texts as TOML writes it.
pub(super) fn list(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    format!("[{}]", texts.into_iter().map(|text| quoted(text.as_ref())).collect::<Vec<_>>().join(", "))
}

/// A column's name as conditions write it.
pub(super) fn in_condition(column: &str) -> String {
    let is_bare = column.chars().all(|letter| letter.is_alphanumeric() || letter == '_') && !column.starts_with(|letter: char| letter.is_ascii_digit());
    if is_bare { column.to_owned() } else { format!("'{}'", column.replace('\'', "''")) }
}

/// Files that a pattern means and nothing else of their folder: `orders_*.csv`.
fn pattern(sample: &Sample) -> Option<PathBuf> {
    let folder = sample.paths.first()?.parent()?;
    let names: Vec<&str> = sample.paths.iter().filter(|path| path.parent() == Some(folder)).filter_map(|path| path.file_name()?.to_str()).collect();
    if names.len() < 2 || names.len() < sample.paths.len() || names.iter().any(|name| name.contains(['*', '?', '['])) {
        return None;
    }
    let shared =
        |left: &mut dyn Iterator<Item = char>, right: &mut dyn Iterator<Item = char>| left.zip(right).take_while(|(left, right)| left == right).count();
    let (first, rest) = names.split_first()?;
    let start: usize = rest.iter().map(|name| shared(&mut first.chars(), &mut name.chars())).min()?;
    let end: usize = rest.iter().map(|name| shared(&mut first.chars().rev(), &mut name.chars().rev())).min()?;
    let head: String = first.chars().take(start).collect();
    // Months and years that agree by chance in their first digits belong to what differs.
    let head = head.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let tail: String = first.chars().skip(first.chars().count().saturating_sub(end)).collect();
    let tail = &tail[tail.find('.')?..];
    let matches: Vec<&String> =
        sample.beside.iter().filter(|name| name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)).collect();
    (head.chars().any(char::is_alphabetic) && matches.len() == names.len()).then(|| folder.join(format!("{head}*{tail}")))
}

/// A path as seen from a folder; both are absolute.
fn relative(path: &Path, folder: &Path) -> String {
    let (path_parts, folder_parts): (Vec<Component<'_>>, Vec<Component<'_>>) = (path.components().collect(), folder.components().collect());
    let shared = path_parts.iter().zip(&folder_parts).take_while(|(left, right)| left == right).count();
    // Through the root, the whole path says more.
    if shared <= 1 {
        return path.display().to_string();
    }
    let up = folder_parts[shared..].iter().map(|_| Component::ParentDir);
    up.chain(path_parts[shared..].iter().copied()).collect::<PathBuf>().display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_seen_from_the_config() {
        let seen = |path: &str| relative(Path::new(path), Path::new("/data/shop"));
        assert_eq!(seen("/data/shop/orders.csv"), "orders.csv");
        assert_eq!(seen("/data/exports/orders.csv"), "../exports/orders.csv");
        assert_eq!(seen("/mnt/orders.csv"), "/mnt/orders.csv");
    }

    #[test]
    fn a_comment_stays_one_line_and_a_text_one_text() {
        let mut out = String::new();
        comment(&mut out, "a\nb");
        assert_eq!(out, "# a b\n");
        assert_eq!(quoted("a\"b\\c"), "'a\"b\\c'");
        assert_eq!(in_condition("Customer ID"), "'Customer ID'");
        assert_eq!(in_condition("offer_id"), "offer_id");
    }
}
