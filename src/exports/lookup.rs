//! `lookup`: a small table, held in memory, whose columns are joined to the rows of a source.

use crate::error::{Error, Result};
use foldhash::{HashMap, HashMapExt};
use std::path::Path;
use std::sync::Arc;

/// A table by the values of one column.
#[derive(Debug)]
pub(super) struct LookupTable {
    /// Names of the columns it adds: all but the one it is joined on.
    pub(super) columns: Vec<String>,
    rows: Vec<csv::ByteRecord>,
    by_key: HashMap<Vec<u8>, Vec<u32>>,
}

/// A lookup whose key is a position in the row.
#[derive(Debug, Clone)]
pub(super) struct BoundLookup {
    pub(super) on: usize,
    pub(super) table: Arc<LookupTable>,
}

impl LookupTable {
    /// Takes up the records of a file, with their lines.
    ///
    /// # Errors
    /// 65 for a key that is there twice, unless `many`, and for a column `key` that is not there.
    pub(super) fn new(path: &Path, header: &[String], key: &str, many: bool, records: Vec<(u64, csv::ByteRecord)>) -> Result<LookupTable> {
        let at = super::column::position(header, key).map_err(|error| error.file(path))?;
        let columns = header.iter().enumerate().filter(|(column, _)| *column != at).map(|(_, name)| name.clone()).collect();
        let mut table = LookupTable { columns, rows: Vec::with_capacity(records.len()), by_key: HashMap::new() };
        for (line, record) in records {
            let number = table.rows.len() as u32;
            let rows = table.by_key.entry(record.get(at).unwrap_or_default().to_vec()).or_default();
            if !rows.is_empty() && !many {
                let message = "duplicate_id: the key of this lookup row was there before; remove it, or set many = true to let each row make one";
                return Err(Error::data(message).file(path).line(line).column(key));
            }
            rows.push(number);
            table.rows.push(record.iter().enumerate().filter(|(column, _)| *column != at).map(|(_, field)| field).collect());
        }
        Ok(table)
    }

    /// The rows of a key.
    pub(super) fn find(&self, key: &[u8]) -> &[u32] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// The fields of a row.
    pub(super) fn row(&self, row: u32) -> impl Iterator<Item = &[u8]> {
        self.rows[row as usize].iter()
    }
}
