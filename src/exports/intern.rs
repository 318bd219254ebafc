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
    /// Open addressing; never more than three quarters full, so that they are few.
    slots: Vec<Slot>,
    last: Option<(Key, u32)>,
}

/// Small, so that the slots of some thousand texts stay near the processor.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// Bits of the key's hash that do not say where the slot stands: hardly any other text shares them.
    tag: u32,
    /// The code plus one; zero is free.
    code: u32,
}

/// Up to 16 bytes: the first and the last eight (or four, or fewer), which may overlap, and the length; longer: the hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: u32,
}

impl Key {
    #[inline]
    fn of(bytes: &[u8]) -> Key {
        let length = bytes.len() as u32;
        let (first, last) = if let (Some(first), Some(last), true) = (bytes.first_chunk(), bytes.last_chunk(), bytes.len() <= 16) {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if bytes.len() > 16 {
            (hash(bytes), 0)
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
        } else {
            (bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)), 0)
        };
        Key { first, last, length }
    }
    /// Where its slot is looked for first, before the mask, and its tag.
    #[inline]
    fn spread(self) -> (usize, u32) {
        let product = u128::from(self.first ^ 0x243F_6A88_85A3_08D3) * u128::from(self.last ^ 0x1319_8A2E_0370_7344 ^ u64::from(self.length) << 56);
        let spread = product as u64 ^ (product >> 64) as u64;
        (spread as usize, (spread >> 32) as u32)
    }
    fn is_whole(self) -> bool {
        self.length <= 16
    }
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
        let key = Key::of(bytes);
        if let Some((last, code)) = self.last
            && last == key
            && (key.is_whole() || self.get(code) == bytes)
        {
            return code;
        }
        let code = self.search(key, bytes);
        self.last = Some((key, code));
        code
    }
    fn search(&mut self, key: Key, bytes: &[u8]) -> u32 {
        if self.slots.len() * 3 <= self.ends.len() * 4 {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let (start, tag) = key.spread();
        let mut place = start & mask;
        loop {
            let slot = self.slots[place];
            if slot.code == 0 {
                self.arena.extend_from_slice(bytes);
                self.ends.push(self.arena.len());
                let code = self.ends.len() as u32;
                self.slots[place] = Slot { tag, code };
                return code - 1;
            }
            if slot.tag == tag && self.get(slot.code - 1) == bytes {
                return slot.code - 1;
            }
            place = (place + 1) & mask;
        }
    }
    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(64);
        let mut slots = vec![Slot::default(); length];
        for slot in self.slots.iter().filter(|slot| slot.code != 0) {
            let mut place = Key::of(self.get(slot.code - 1)).spread().0 & (length - 1);
            while slots[place].code != 0 {
                place = (place + 1) & (length - 1);
            }
            slots[place] = *slot;
        }
        self.slots = slots;
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
