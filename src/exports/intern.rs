//! Texts become small numbers. Each worker has its own tables; [`Union`] joins them and renumbers in byte order, so that no
//! number depends on which worker met a text first.

use foldhash::fast::FixedState;
use rayon::prelude::*;
use std::hash::{BuildHasher, Hasher};

/// The hash of a text, the same in every run.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(0x68_66).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// A table of distinct texts, numbered as they come.
#[derive(Debug, Default)]
pub(super) struct Interner {
    arena: Vec<u8>,
    ends: Vec<usize>,
    /// Open addressing: the hash, and the code plus one; zero is free. Never more than half full.
    slots: Vec<(u64, u32)>,
    last: Option<u32>,
}

impl Interner {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
    #[inline]
    pub(super) fn get(&self, code: u32) -> &[u8] {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.arena[start..self.ends[code]]
    }
    /// The number of a text. Rows of one order stand together, so the last one is tried first.
    #[inline]
    pub(super) fn intern(&mut self, bytes: &[u8]) -> u32 {
        if let Some(last) = self.last
            && self.get(last) == bytes
        {
            return last;
        }
        let code = self.search(bytes);
        self.last = Some(code);
        code
    }
    fn search(&mut self, bytes: &[u8]) -> u32 {
        if self.slots.len() <= self.ends.len() * 2 {
            self.grow();
        }
        let hash = hash(bytes);
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let (found, code) = self.slots[slot];
            if code == 0 {
                self.arena.extend_from_slice(bytes);
                self.ends.push(self.arena.len());
                let code = self.ends.len() as u32;
                self.slots[slot] = (hash, code);
                return code - 1;
            }
            if found == hash && self.get(code - 1) == bytes {
                return code - 1;
            }
            slot = (slot + 1) & mask;
        }
    }
    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(64);
        let old = std::mem::replace(&mut self.slots, vec![(0, 0); length]);
        for (hash, code) in old.into_iter().filter(|(_, code)| *code != 0) {
            let mut slot = hash as usize & (length - 1);
            while self.slots[slot].1 != 0 {
                slot = (slot + 1) & (length - 1);
            }
            self.slots[slot] = (hash, code);
        }
    }
    /// All texts, by number.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len() as u32).map(|code| self.get(code))
    }
}

/// Several tables joined: the texts in byte order, and for each table the new number of each old one.
#[derive(Debug, Default)]
pub(super) struct Union {
    /// Distinct texts in byte order.
    pub(super) names: Vec<Box<str>>,
    /// Per table, by old number.
    pub(super) remaps: Vec<Vec<u32>>,
}

impl Union {
    /// Joins tables of texts. `canonical` may put another text in a text's place (identities).
    pub(super) fn of<'a>(tables: &[&'a Interner], canonical: impl Fn(usize, &'a [u8]) -> &'a [u8] + Sync) -> Union {
        // The first eight bytes decide nearly every comparison without a look at the text.
        let mut entries: Vec<(u64, &[u8], u32, u32)> = Vec::with_capacity(tables.iter().map(|table| table.len()).sum());
        for (number, table) in tables.iter().enumerate() {
            for (code, text) in table.texts().enumerate() {
                let text = canonical(number, text);
                entries.push((prefix(text), text, number as u32, code as u32));
            }
        }
        entries.par_sort_unstable();
        let mut names: Vec<Box<str>> = Vec::new();
        let mut remaps: Vec<Vec<u32>> = tables.iter().map(|table| vec![0; table.len()]).collect();
        let mut last: Option<&[u8]> = None;
        for (_, text, table, code) in entries {
            if last != Some(text) {
                names.push(String::from_utf8_lossy(text).into());
                last = Some(text);
            }
            remaps[table as usize][code as usize] = names.len() as u32 - 1;
        }
        Union { names, remaps }
    }

    /// Joins tables as they are.
    pub(super) fn plain(tables: &[&Interner]) -> Union {
        Union::of(tables, |_, text| text)
    }
}

/// The first eight bytes as a number that sorts like them; shorter texts are padded with zeros.
fn prefix(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_joined_are_numbered_in_byte_order_whoever_met_a_text_first() {
        let (mut left, mut right) = (Interner::default(), Interner::default());
        let lefts: Vec<u32> = ["b", "a", "b", "customer-10"].iter().map(|text| left.intern(text.as_bytes())).collect();
        let rights: Vec<u32> = ["customer-1", "b"].iter().map(|text| right.intern(text.as_bytes())).collect();
        assert_eq!(lefts, [0, 1, 0, 2]);
        let union = Union::plain(&[&left, &right]);
        assert_eq!(union.names.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b", "customer-1", "customer-10"]);
        assert_eq!(union.remaps[0], [1, 0, 3]);
        assert_eq!(rights.iter().map(|code| union.remaps[1][*code as usize]).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn many_texts_are_found_again() {
        let mut table = Interner::default();
        let texts: Vec<String> = (0..10_000).map(|number| format!("id-{number}")).collect();
        let first: Vec<u32> = texts.iter().map(|text| table.intern(text.as_bytes())).collect();
        let second: Vec<u32> = texts.iter().map(|text| table.intern(text.as_bytes())).collect();
        assert_eq!(first, second);
        assert_eq!(table.len(), 10_000);
    }
}
