//! What a source reads of a row: of a file of order lines most rows repeat one that came before, as far as customers or items go, and what such a
//! row comes to need not be worked out again.

use super::column::Row;

/// The fields that a source reads. Rows that are equal in them come to the same.
#[derive(Debug, Clone)]
pub(super) struct Reads {
    /// Ascending.
    fields: Vec<usize>,
    /// The first and the last, where they are all that lie between.
    stretch: Option<(usize, usize)>,
}

impl Reads {
    /// Binds the columns of these names to a header; names that it does not have are passed over.
    pub(super) fn of<'n>(header: &[String], names: impl Iterator<Item = &'n str>) -> Reads {
        let mut fields: Vec<usize> = names.filter_map(|name| header.iter().position(|column| column == name)).collect();
        fields.sort_unstable();
        fields.dedup();
        let stretch = fields.first().copied().zip(fields.last().copied()).filter(|(first, last)| last - first + 1 == fields.len());
        Reads { fields, stretch }
    }

    /// The fields of a row such that only equal rows give equal bytes: as they stand in the file where they follow each other, else put into `buffer` one
    /// behind the other, each behind its length (which has a byte of zero; a text file with one is refused).
    #[inline]
    pub(super) fn as_bytes<'r>(&self, row: &Row<'r>, buffer: &'r mut Vec<u8>) -> &'r [u8] {
        if let Some(stretch) = self.stretch.and_then(|(first, last)| row.stretch(first, last)) {
            return stretch;
        }
        buffer.clear();
        for index in &self.fields {
            let field = row.get(*index);
            buffer.extend_from_slice(&(field.len() as u32).to_le_bytes());
            buffer.extend_from_slice(field);
        }
        buffer
    }
}

/// The last row that was accepted, as it stands.
#[derive(Debug, Clone)]
pub(super) struct LastRow {
    reads: Reads,
    /// Its fields one behind the other, and where each ends; `None` before the first.
    last: Option<(Vec<u8>, Vec<usize>)>,
}

impl LastRow {
    pub(super) fn new(reads: Reads) -> LastRow {
        LastRow { reads, last: None }
    }

    /// Whether a row repeats the last that was accepted.
    #[inline]
    pub(super) fn is_repeated(&self, row: &Row) -> bool {
        let Some((bytes, ends)) = &self.last else { return false };
        let mut start = 0;
        self.reads.fields.iter().zip(ends).all(|(index, end)| row.get(*index) == &bytes[std::mem::replace(&mut start, *end)..*end])
    }

    /// A row is accepted.
    pub(super) fn accept(&mut self, row: &Row) {
        let (bytes, ends) = self.last.get_or_insert_default();
        bytes.clear();
        ends.clear();
        for index in &self.reads.fields {
            bytes.extend_from_slice(row.get(*index));
            ends.push(bytes.len());
        }
    }
}
