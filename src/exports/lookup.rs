//! `lookup`: a small table, held in memory, whose columns are joined to the rows of a source. `fill_down` is one too: the first values of a file's own
//! columns, by the column that rows which belong together share.

use super::column::Missing;
use super::record::Record;
use crate::config::FillDown;
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
    /// Whether its columns are the file's own, of which a row keeps the values that it has.
    pub(super) fills: bool,
}

/// A lookup whose key is a position in the row.
#[derive(Debug, Clone)]
pub(super) struct BoundLookup {
    pub(super) on: usize,
    pub(super) table: Arc<LookupTable>,
    /// Where the columns of a table that fills stand in the file; of another one nowhere.
    pub(super) own: Vec<usize>,
}

impl LookupTable {
    /// Takes up the records of a file, with their lines.
    ///
    /// # Errors
    /// 65 for a key that is there twice, unless `many`, and for a column `key` that is not there.
    pub(super) fn new(path: &Path, header: &[String], key: &str, many: bool, records: Vec<(u64, csv::ByteRecord)>) -> Result<LookupTable> {
        let at = super::column::position(header, key).map_err(|error| error.file(path))?;
        let columns = header.iter().enumerate().filter(|(column, _)| *column != at).map(|(_, name)| name.clone()).collect();
        let mut table = LookupTable { columns, rows: Vec::with_capacity(records.len()), by_key: HashMap::new(), fills: false };
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

/// Collects the first value of each column among the rows that belong together.
#[derive(Debug)]
pub(super) struct FirstValues {
    by: usize,
    /// Names, and positions in the file.
    columns: Vec<(String, usize)>,
    missing: Missing,
    found: Vec<Vec<Vec<u8>>>,
    by_key: HashMap<Vec<u8>, Vec<u32>>,
}

impl FirstValues {
    /// Nothing yet, of a file with this header.
    ///
    /// # Errors
    /// 65 for a column that is not there.
    pub(super) fn new(fill_down: &FillDown, header: &[String], missing: &[String]) -> Result<FirstValues> {
        let place = |name: &String| super::column::position(header, name);
        let columns = fill_down.columns.iter().map(|name| Ok((name.clone(), place(name)?))).collect::<Result<_>>()?;
        Ok(FirstValues { by: place(&fill_down.by)?, columns, missing: Missing::new(missing), found: Vec::new(), by_key: HashMap::new() })
    }

    /// Takes up a record.
    pub(super) fn see(&mut self, record: &Record) {
        let key = record.get(self.by);
        if self.missing.holds(key) {
            return;
        }
        let row = match self.by_key.get(key) {
            Some(rows) => rows[0] as usize,
            None => {
                self.by_key.insert(key.to_vec(), vec![self.found.len() as u32]);
                self.found.push(vec![Vec::new(); self.columns.len()]);
                self.found.len() - 1
            }
        };
        for (value, (_, place)) in self.found[row].iter_mut().zip(&self.columns) {
            let field = record.get(*place);
            if value.is_empty() && !self.missing.holds(field) {
                value.extend_from_slice(field);
            }
        }
    }

    pub(super) fn into_table(self) -> LookupTable {
        let columns = self.columns.into_iter().map(|(name, _)| name).collect();
        let rows = self.found.into_iter().map(csv::ByteRecord::from).collect();
        LookupTable { columns, rows, by_key: self.by_key, fills: true }
    }
}
