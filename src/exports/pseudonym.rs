//! Ids that tell nobody who is meant but whoever holds the key: a keyed hash in the place of each customer's id, in every file that is written.
//!
//! BLAKE3 with a key derived from `[privacy] key_file`: the same customer has the same pseudonym in every run, so that lists can be compared and
//! measured. Without the key it cannot be told from a guess at the id, which an unkeyed hash can; it is personal data still (EDPB Guidelines
//! 01/2025). Who is a control is decided by the id itself, so another key changes no group.

use crate::error::{Error, Result};
use std::path::Path;

/// Shortest key, in bytes.
const SHORTEST: usize = 16;
/// Letters of a pseudonym: 128 bits.
const LETTERS: usize = 32;

/// Makes pseudonyms.
#[derive(Clone, PartialEq, Eq)]
pub struct Pseudonyms {
    key: [u8; 32],
}

/// The key is never shown.
impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// Reads the key.
    ///
    /// # Errors
    /// 66 for a file that cannot be read, 78 for a key that is too short or that others than its owner can read.
    pub fn read(path: &Path) -> Result<Pseudonyms> {
        let key = std::fs::read(path).map_err(|error| Error::unreadable(path, &error))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path).map_err(|error| Error::unreadable(path, &error))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(
                    Error::config(format!("the key can be read by others than its owner (mode {:o}), expected 600; chmod 600 it", mode & 0o777)).file(path)
                );
            }
        }
        let key = key.trim_ascii();
        if key.len() < SHORTEST {
            return Err(Error::config(format!(
                "found a key of {} bytes, expected at least {SHORTEST} that nobody can guess; make one with: head -c 32 /dev/urandom | base64",
                key.len()
            ))
            .file(path));
        }
        Ok(Pseudonyms::new(key))
    }

    /// Pseudonyms by this key.
    pub fn new(key: &[u8]) -> Pseudonyms {
        Pseudonyms { key: blake3::derive_key("holdfast 2026 pseudonyms of customers", key) }
    }

    /// The pseudonym of an id.
    pub fn of(&self, id: &str) -> String {
        blake3::keyed_hash(&self.key, id.as_bytes()).to_hex()[..LETTERS].to_owned()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_has_one_pseudonym_for_a_key_and_another_for_another() {
        let pseudonyms = Pseudonyms::new(b"a key of sixteen");
        assert_eq!(pseudonyms.of("ann"), pseudonyms.of("ann"));
        assert_ne!(pseudonyms.of("ann"), pseudonyms.of("Ann"));
        assert_ne!(pseudonyms.of("ann"), Pseudonyms::new(b"another key of it").of("ann"));
        assert_eq!(pseudonyms.of("ann").len(), LETTERS);
        assert_eq!(format!("{pseudonyms:?}"), "Pseudonyms");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_is_short_or_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let with = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Pseudonyms::read(&path)
        };
        assert!(with("0123456789abcdef\n", 0o600).is_ok());
        for (text, mode, told) in [("0123456789abcdef", 0o644, "chmod 600"), ("0123456789abcde\n", 0o600, "15 bytes")] {
            let error = with(text, mode).unwrap_err();
            assert!(error.kind().exit_code() == 78 && error.to_string().contains(told) && !error.to_string().contains("012345"), "{error}");
        }
        assert_eq!(Pseudonyms::read(&folder.path().join("none")).unwrap_err().kind().exit_code(), 66);
    }
}
