//! rejects.csv: rows that were refused, where they stand and why. Values are shown by their shape only.

use super::csv_text::CsvText;
use crate::exports::Reject;

/// The columns, in order.
pub const COLUMNS: [&str; 6] = ["file", "line", "byte", "class", "column", "value_shape"];

/// The bytes of rejects.csv, in the order given.
pub fn to_csv(rows: &[Reject]) -> Vec<u8> {
    let mut csv = CsvText::with_capacity(rows.len(), 96);
    for column in COLUMNS {
        csv.id(column);
    }
    csv.end();
    for row in rows {
        csv.text(&row.file.to_string_lossy()).count(Some(row.line)).count(Some(row.byte)).id(row.class).text(&row.column).text(&row.shape);
        csv.end();
    }
    csv.into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_row_reads_as_the_contract_says() {
        let reject = Reject { file: "in/orders.csv".into(), line: 12, byte: 840, class: "bad_number", column: "Price".into(), shape: "=9.xx".into() };
        assert_eq!(String::from_utf8(to_csv(&[reject])).unwrap(), "file,line,byte,class,column,value_shape\nin/orders.csv,12,840,bad_number,Price,'=9.xx\n");
    }
}
