//! What a source reads of a row: of a file of order lines most rows repeat one that came before, as far as customers or items go, and what such a
//! row comes to need not be worked out again.

use super::column::Row;

/// The fields that a source reads. Rows that are equal in them come to the same.
#[derive(Debug, Clone)]
pub(super) struct Reads(Vec<usize>);

impl Reads {
    /// Binds the columns of these names to a header; names that it does not have are passed over.
    pub(super) fn of<'n>(header: &[String], names: impl Iterator<Item = &'n str>) -> Reads {
        let mut fields: Vec<usize> = names.filter_map(|name| header.iter().position(|column| column == name)).collect();
        fields.sort_unstable();
        fields.dedup();
        Reads(fields)
    }

    /// The fields of a row one behind the other, each behind its length, so that only equal rows give equal bytes.
    #[inline]
    pub(super) fn copy(&self, row: &Row, into: &mut Vec<u8>) {
        into.clear();
        for index in &self.0 {
            let field = row.get(*index);
            into.extend_from_slice(&(field.len() as u32).to_le_bytes());
            into.extend_from_slice(field);
        }
    }
}

/// The last row that was accepted, as it stands, beside the one at hand.
#[derive(Debug, Clone)]
pub(super) struct LastRow {
    reads: Reads,
    last: Option<Vec<u8>>,
    at_hand: Vec<u8>,
}

impl LastRow {
    pub(super) fn new(reads: Reads) -> LastRow {
        LastRow { reads, last: None, at_hand: Vec::new() }
    }

    /// Takes a row in hand; whether it repeats the last that was accepted.
    #[inline]
    pub(super) fn is_repeated(&mut self, row: &Row) -> bool {
        self.reads.copy(row, &mut self.at_hand);
        self.last.as_ref().is_some_and(|last| *last == self.at_hand)
    }

    /// The row at hand is accepted.
    pub(super) fn accept(&mut self) {
        std::mem::swap(self.last.get_or_insert_default(), &mut self.at_hand);
    }
}
