//! What a source reads of a row: of a file of order lines most rows repeat one that came before, as far as customers or items go, and what such a
//! row comes to need not be worked out again.

use super::column::Row;

/// The fields that a source reads. Rows that are equal in them come to the same.
#[derive(Debug, Clone, Default)]
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
