//! offers.csv: what each customer would want next, best first.

use super::OfferRow;
use super::csv_text::CsvText;
use crate::error::{Error, Result};

/// The columns, in order.
pub const COLUMNS: [&str; 29] = [
    "customer_id",
    "as_of",
    "decision_id",
    "rank",
    "offer_id",
    "item_id",
    "item_name",
    "channel",
    "valid_from",
    "valid_until",
    "score",
    "reason_code",
    "reason",
    "assignment",
    "accept_probability",
    "added_margin",
    "added_margin_low",
    "added_margin_high",
    "contact_cost",
    "accept_cost",
    "net_value",
    "churn_change",
    "churn_change_low",
    "churn_change_high",
    "saved_value",
    "list",
    "send_weekday",
    "send_hour",
    "model",
];

/// The bytes of offers.csv.
///
/// # Errors
/// 70 when rows are not in order of customer (bytes), then rank, or a score is not finite.
pub fn to_csv(rows: &[OfferRow]) -> Result<Vec<u8>> {
    let mut csv = CsvText::with_capacity(rows.len(), 176);
    for column in COLUMNS {
        csv.id(column);
    }
    csv.end();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 && (&rows[index - 1].customer_id, rows[index - 1].rank) >= (&row.customer_id, row.rank) {
            return Err(Error::internal(format!("row {} of offers.csv is out of order: by customer, then by rank", index + 1)));
        }
        csv.id(&row.customer_id).id(&row.as_of).id(&row.decision_id).count(Some(u64::from(row.rank))).id(&row.offer_id).id(&row.item_id);
        csv.text(&row.item_name).text(&row.channel).id(&row.valid_from).id(&row.valid_until);
        csv.fraction(Some(row.score), "score")?;
        csv.id(&row.reason_code).text(&row.reason).id(&row.assignment);
        let worth = &row.worth;
        csv.fraction(worth.accept, "accept_probability")?;
        let (low, high) = worth.interval.unzip();
        let contact_cost = (!row.assignment.is_empty()).then_some(worth.contact_cost);
        let (churn_low, churn_high) = worth.churn_interval.unzip();
        let terms = [worth.margin, low, high, contact_cost, worth.accept_cost, worth.net, worth.churn_change, churn_low, churn_high, worth.saved];
        for (column, value) in COLUMNS[15..].iter().zip(terms) {
            csv.fraction(value, column)?;
        }
        csv.id(&row.list).id(&row.send_weekday).count(row.send_hour.map(u64::from)).id(&row.model).end();
    }
    Ok(csv.into_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(customer: &str, rank: u32) -> OfferRow {
        OfferRow {
            customer_id: customer.into(),
            as_of: "2011-09-10".into(),
            decision_id: "0123456789abcdef".into(),
            rank,
            item_id: "-22423".into(),
            item_name: "=REGENCY CAKESTAND 3 TIER".into(),
            score: 1.5,
            reason_code: "bought_often".into(),
            reason: "Bought 4 times, last 30 days ago".into(),
            ..OfferRow::default()
        }
    }

    #[test]
    fn a_row_reads_as_the_contract_says() {
        assert_eq!(
            String::from_utf8(to_csv(&[row("17850", 1)]).unwrap()).unwrap(),
            "customer_id,as_of,decision_id,rank,offer_id,item_id,item_name,channel,valid_from,valid_until,score,reason_code,reason,\
             assignment,accept_probability,added_margin,added_margin_low,added_margin_high,contact_cost,accept_cost,net_value,churn_change,churn_change_low,churn_change_high,saved_value,list,send_weekday,send_hour,model\n\
             17850,2011-09-10,0123456789abcdef,1,,-22423,'=REGENCY CAKESTAND 3 TIER,,,,1.500000,bought_often,\"Bought 4 times, last 30 days ago\",,,,,,,,,,,,,,,,\n"
        );
    }

    #[test]
    fn customers_come_in_byte_order_and_their_offers_by_rank() {
        to_csv(&[row("10", 1), row("10", 2), row("9", 1)]).unwrap();
        for rows in [[row("9", 1), row("10", 1)], [row("9", 2), row("9", 1)], [row("9", 1), row("9", 1)]] {
            assert_eq!(to_csv(&rows).unwrap_err().kind().exit_code(), 70);
        }
        assert_eq!(to_csv(&[OfferRow { score: f64::NAN, ..row("9", 1) }]).unwrap_err().kind().exit_code(), 70);
    }
}
