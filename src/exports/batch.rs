//! Records of text fields, many in one buffer: what Parquet and JSON lines become, so that they go the way of delimited text.

/// Most rows of a batch.
pub(crate) const BATCH_ROWS: usize = 16_384;
/// Text beyond which a batch is handed on early, so that offsets stay far below 2^31.
pub(crate) const BATCH_BYTES: usize = 64 << 20;

/// Rows of equal width. A missing value is an empty field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TextBatch {
    width: usize,
    /// The text of all fields, row by row.
    text: Vec<u8>,
    /// Start and end of every field in `text`, row by row.
    ranges: Vec<(u32, u32)>,
}

impl TextBatch {
    /// An empty batch of rows with so many fields.
    pub(crate) fn new(width: usize) -> TextBatch {
        TextBatch { width, text: Vec::new(), ranges: Vec::new() }
    }
    /// Forgets the rows and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.ranges.clear();
    }
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.ranges.len().checked_div(self.width).unwrap_or(0)
    }
    /// Whether it should be handed on before another row is added.
    pub(crate) fn is_full(&self) -> bool {
        self.rows() >= BATCH_ROWS || self.text.len() >= BATCH_BYTES
    }
    /// The text that the ranges of [`TextBatch::row`] point into.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }
    /// Where the fields of a row lie in the text.
    pub(crate) fn row(&self, row: usize) -> &[(u32, u32)] {
        &self.ranges[row * self.width..(row + 1) * self.width]
    }
    /// One field.
    #[cfg(test)]
    pub(crate) fn field(&self, row: usize, column: usize) -> &[u8] {
        let (start, end) = self.row(row)[column];
        &self.text[start as usize..end as usize]
    }
    /// Adds a field to the row that is being written; the function appends its text.
    #[inline]
    pub(crate) fn push_with(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len() as u32;
        append(&mut self.text);
        self.ranges.push((start, self.text.len() as u32));
    }
}
