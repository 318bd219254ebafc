//! The customers that `[privacy] exclude_ids` leaves out.

use super::identity::Identities;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// Ids to leave out, and whom they mean.
#[derive(Debug, Default)]
pub(super) struct Excluded {
    /// Customers, as they are called after identities are joined.
    names: BTreeSet<Vec<u8>>,
    /// By id: its line, and whom it may mean.
    ids: Vec<(usize, Vec<Vec<u8>>)>,
}

impl Excluded {
    /// Reads a file of ids of any kind, one a line, as an editor or a spreadsheet writes it: empty lines, blanks around an id, quotes and a byte order mark do
    /// not count.
    ///
    /// # Errors
    /// 66 for a file that cannot be read, 65 for one that is not UTF-8.
    pub fn read(path: &Path, identities: &Identities) -> Result<Excluded> {
        let bytes = std::fs::read(path).map_err(|error| Error::unreadable(path, &error))?;
        let text = std::str::from_utf8(&bytes).ok().filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| Error::data("is not UTF-8: expected the ids to leave out, one a line; save the file as UTF-8").file(path))?;
        let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let ids: Vec<(usize, Vec<Vec<u8>>)> = lines.map(|(line, number)| (number, meant(line, identities))).collect();
        Ok(Excluded { names: ids.iter().flat_map(|(_, names)| names.iter().cloned()).collect(), ids })
    }

    /// Whether nobody is left out.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether a customer is left out.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name.as_bytes())
    }

    /// What to tell, where any id was given: how many customers were `left_out`, and where the ids stand that are nobody's. The ids themselves are not told:
    /// notes are read by more people than the list is.
    pub fn note(&self, left_out: &[Box<str>]) -> Option<String> {
        if self.ids.is_empty() {
            return None;
        }
        let known: BTreeSet<&[u8]> = left_out.iter().map(|name| name.as_bytes()).collect();
        let unknown: Vec<usize> = self.ids.iter().filter(|(_, names)| !names.iter().any(|name| known.contains(&name[..]))).map(|(line, _)| *line).collect();
        let nobody = unknown.first().map_or_else(String::new, |line| {
            format!("; {} of its {} ids are of no customer in the exports (the first on line {line})", unknown.len(), self.ids.len())
        });
        let customers = if left_out.len() == 1 { "1 customer of exclude_ids was" } else { &format!("{} customers of exclude_ids were", left_out.len()) };
        Some(format!("privacy: {customers} left out{nobody}"))
    }
}

/// The customers that a line may mean: ids in the exports may have blanks around them too.
fn meant(line: &str, identities: &Identities) -> Vec<Vec<u8>> {
    let bare = line.trim();
    let quoted = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(|inside| inside.replace("\"\"", "\""));
    let forms = [Some(line.to_owned()), Some(bare.to_owned()), quoted];
    forms.iter().flatten().flat_map(|id| identities.all_of(id.as_bytes())).collect()
}
