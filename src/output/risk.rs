//! risk.csv: every customer of the base once, the riskiest first.

use super::RiskRow;
use super::csv_text::CsvText;
use crate::error::{Error, Result};
use foldhash::{HashSet, HashSetExt};

/// The fixed columns, in order. Later columns are added after these, before the carried ones.
pub const COLUMNS: [&str; 21] = [
    "customer_id",
    "as_of",
    "decision_id",
    "churn_probability",
    "risk_tier",
    "risk_rank",
    "status",
    "days_since_last",
    "orders",
    "value",
    "segment",
    "reason_1_code",
    "reason_1",
    "reason_2_code",
    "reason_2",
    "reason_3_code",
    "reason_3",
    "expected_orders",
    "expected_value",
    "contact",
    "model",
];

/// Reasons per customer; every row has the columns of all.
const REASONS: usize = 3;

/// The bytes of risk.csv. `carried` are columns passed through from the profiles: name, and one text per row in the order of
/// `rows`. A carried column whose name is one of ours is written as `carried_` and its name.
///
/// # Errors
/// 70 when rows are not in order of rank (ties by id, rows without a rank last), a customer is there twice, a row has more than
/// three reasons, a number is not finite or a carried column has another length.
pub fn to_csv(rows: &[RiskRow], carried: &[(String, Vec<String>)]) -> Result<Vec<u8>> {
    let mut csv = CsvText::with_capacity(rows.len(), 192 + 16 * carried.len());
    for column in COLUMNS {
        csv.id(column);
    }
    for (name, values) in carried {
        if values.len() != rows.len() {
            return Err(Error::internal(format!("the carried column {name} has {} values for {} rows", values.len(), rows.len())));
        }
        if COLUMNS.contains(&name.as_str()) {
            csv.text(&format!("carried_{name}"))
        } else {
            csv.text(name)
        };
    }
    csv.end();

    let mut seen = HashSet::with_capacity(rows.len());
    let order = |row: &RiskRow| row.risk_rank.unwrap_or(u64::MAX);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 && (order(&rows[index - 1]), &rows[index - 1].customer_id) >= (order(row), &row.customer_id) {
            return Err(Error::internal(format!("row {} of risk.csv is out of order: by rank, then by id", index + 1)));
        }
        if !seen.insert(row.customer_id.as_str()) {
            return Err(Error::internal(format!("row {} of risk.csv is a customer who is there already", index + 1)));
        }
        if row.reasons.len() > REASONS {
            return Err(Error::internal(format!("row {} of risk.csv has {} reasons, at most {REASONS} have a column", index + 1, row.reasons.len())));
        }
        csv.id(&row.customer_id).id(&row.as_of).id(&row.decision_id);
        csv.fraction(row.churn_probability, "churn_probability")?;
        csv.text(&row.risk_tier).count(row.risk_rank).id(&row.status).whole(row.days_since_last).count(row.orders);
        csv.fraction(row.value, "value")?;
        csv.text(&row.segment);
        for place in 0..REASONS {
            match row.reasons.get(place) {
                Some((code, text)) => csv.id(code).text(text),
                None => csv.id("").id(""),
            };
        }
        csv.fraction(row.expected_orders, "expected_orders")?.fraction(row.expected_value, "expected_value")?.id(row.contact.name()).id(&row.model);
        for (_, values) in carried {
            csv.text(&values[index]);
        }
        csv.end();
    }
    Ok(csv.into_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::output::Contact;

    fn row(id: &str, rank: u64) -> RiskRow {
        RiskRow {
            customer_id: id.into(),
            as_of: "2011-09-10".into(),
            decision_id: "0123456789abcdef".into(),
            churn_probability: Some(0.75),
            risk_tier: "manager".into(),
            risk_rank: Some(rank),
            status: "slowing".into(),
            days_since_last: Some(41),
            orders: Some(7),
            value: Some(129.95),
            segment: "loyal".into(),
            reasons: vec![("gap_long".into(), "Silent for 41 days, usually 12".into()), ("spend_down".into(), "-3 orders, \"half\" of before".into())],
            expected_orders: Some(1.25),
            expected_value: Some(20.5),
            contact: Contact::Yes,
            model: "challenger".into(),
        }
    }

    #[test]
    fn a_row_reads_as_the_contract_says() {
        let bytes = to_csv(&[row("=17850", 1)], &[("status".into(), vec!["+49 170".into()]), ("city".into(), vec!["Köln".into()])]).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "customer_id,as_of,decision_id,churn_probability,risk_tier,risk_rank,status,days_since_last,orders,value,segment,reason_1_code,reason_1,reason_2_code,reason_2,reason_3_code,reason_3,expected_orders,expected_value,contact,model,carried_status,city\n\
             =17850,2011-09-10,0123456789abcdef,0.750000,manager,1,slowing,41,7,129.950000,loyal,gap_long,\"Silent for 41 days, usually 12\",spend_down,\"'-3 orders, \"\"half\"\" of before\",,,1.250000,20.500000,yes,challenger,+49 170,Köln\n"
        );
    }

    #[test]
    fn what_does_not_apply_stays_blank_and_a_run_without_rows_has_its_header() {
        let blank = RiskRow {
            churn_probability: None,
            risk_rank: None,
            days_since_last: None,
            orders: None,
            value: None,
            reasons: Vec::new(),
            expected_orders: None,
            expected_value: None,
            contact: Contact::NotNeeded,
            model: String::new(),
            ..row("a", 1)
        };
        let text = String::from_utf8(to_csv(&[blank], &[]).unwrap()).unwrap();
        assert_eq!(text.lines().nth(1).unwrap(), "a,2011-09-10,0123456789abcdef,,manager,,slowing,,,,loyal,,,,,,,,,,");
        assert_eq!(String::from_utf8(to_csv(&[], &[]).unwrap()).unwrap(), format!("{}\n", COLUMNS.join(",")));
    }

    #[test]
    fn rows_out_of_order_or_twice_are_a_fault_of_the_program() {
        to_csv(&[row("a", 1), row("b", 1), row("a2", 2)], &[]).unwrap();
        for rows in [vec![row("a", 2), row("b", 1)], vec![row("b", 1), row("a", 1)], vec![row("a", 1), row("a", 2)]] {
            assert_eq!(to_csv(&rows, &[]).unwrap_err().kind().exit_code(), 70);
        }
        let many = RiskRow { reasons: vec![(String::new(), String::new()); 4], ..row("a", 1) };
        assert_eq!(to_csv(&[many], &[]).unwrap_err().kind().exit_code(), 70);
        assert_eq!(to_csv(&[row("a", 1)], &[("city".into(), Vec::new())]).unwrap_err().kind().exit_code(), 70);
    }
}
