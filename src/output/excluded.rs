//! excluded.csv: who is not in risk.csv, and the rule that kept them out.

use super::ExcludedRow;
use super::csv_text::CsvText;
use crate::error::{Error, Result};

/// The columns, in order.
pub const COLUMNS: [&str; 6] = ["customer_id", "rule", "status", "days_since_last", "orders", "value"];

/// The bytes of excluded.csv.
///
/// # Errors
/// 70 when rows are not in byte order of customer, then rule, or a value is not finite.
pub fn to_csv(rows: &[ExcludedRow]) -> Result<Vec<u8>> {
    let mut csv = CsvText::with_capacity(rows.len(), 56);
    for column in COLUMNS {
        csv.id(column);
    }
    csv.end();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 && (&rows[index - 1].customer_id, &rows[index - 1].rule) >= (&row.customer_id, &row.rule) {
            return Err(Error::internal(format!("row {} of excluded.csv is out of order: by customer, then by rule", index + 1)));
        }
        csv.id(&row.customer_id).id(&row.rule).id(&row.status).whole(row.days_since_last).count(row.orders);
        csv.fraction(row.value, "value")?;
        csv.end();
    }
    Ok(csv.into_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(customer: &str, days: Option<i64>) -> ExcludedRow {
        ExcludedRow {
            customer_id: customer.into(),
            rule: "already_inactive".into(),
            status: "lost".into(),
            days_since_last: days,
            orders: Some(2),
            value: Some(0.0),
        }
    }

    #[test]
    fn a_row_reads_as_the_contract_says() {
        assert_eq!(
            String::from_utf8(to_csv(&[row("a,b", Some(400)), row("c", None)]).unwrap()).unwrap(),
            "customer_id,rule,status,days_since_last,orders,value\n\"a,b\",already_inactive,lost,400,2,0.000000\nc,already_inactive,lost,,2,0.000000\n"
        );
    }

    #[test]
    fn rows_out_of_order_are_a_fault_of_the_program() {
        for rows in [[row("b", None), row("a", None)], [row("a", None), row("a", None)]] {
            assert_eq!(to_csv(&rows).unwrap_err().kind().exit_code(), 70);
        }
    }
}
