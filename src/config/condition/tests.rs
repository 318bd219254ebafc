use super::*;
use proptest::prelude::*;

/// Whether a row of three columns passes; `-` stands for a missing field.
fn passes(condition: &str, row: [&str; 3]) -> bool {
    let header = ["Invoice", "Customer ID", "Qty"].map(str::to_owned);
    let bound = Condition::parse_row(condition).unwrap().bind(&header).unwrap();
    bound.holds(|column| (row[column] != "-").then_some(row[column].as_bytes()))
}

fn refusal(condition: &str) -> String {
    Condition::parse_row(condition).unwrap_err().to_string()
}

fn customer_refusal(condition: &str) -> String {
    Condition::parse_customer(condition).unwrap_err().to_string()
}

#[test]
fn every_test_of_a_present_a_failing_and_a_missing_field() {
    // (condition, row that passes, row that fails); a row whose field is missing fails all but `is missing`.
    let table = [
        ("Invoice == \"C1\"", "C1", "C2"),
        ("Invoice != \"C1\"", "C2", "C1"),
        ("Invoice < \"C2\"", "C1", "C2"),
        ("Invoice >= \"C2\"", "C3", "C10"),
        ("Invoice starts_with \"C\"", "C536379", "536379"),
        ("Invoice ends_with \"79\"", "C536379", "C536378"),
        ("Invoice matches \"^[0-9]{5}\"", "22423A", "POST"),
        ("Invoice matches \"a+b\"", "caab", "caac"),
        ("Invoice in [\"A\", \"B\"]", "B", "C"),
        ("Invoice in (\"A\", \"B\")", "A", "a"),
        ("Invoice not in [\"A\", \"B\"]", "C", "B"),
        ("Invoice in [1, 2, \"x\"]", " 2.0", "3"),
        ("Invoice not in [1, 2]", "3", "1e0"),
        ("Invoice == 10", "10.0", "11"),
        ("Invoice != 10", "11", "1e1"),
        ("Invoice > 9", "10", "9"),
        ("Invoice <= -1.5", "-2", "0"),
        ("Invoice == 0", "-0.0", "1"),
        ("Invoice is not missing", "x", "-"),
    ];
    for (condition, yes, no) in table {
        assert!(passes(condition, [yes, "", ""]), "{condition} on {yes}");
        assert!(!passes(condition, [no, "", ""]), "{condition} on {no}");
        assert!(!passes(condition, ["-", "", ""]), "{condition} on a missing field");
        assert!(passes(&format!("not ({condition})"), ["-", "", ""]), "not ({condition}) on a missing field");
    }
    assert!(passes("Invoice is missing", ["-", "", ""]));
    assert!(!passes("Invoice is missing", ["", "", ""]), "an empty text is missing only where the source says so");
}

#[test]
fn a_field_that_is_not_a_number_fails_every_comparison_with_a_number() {
    for op in ["==", "!=", "<", "<=", ">", ">="] {
        for field in ["ten", "", "NaN", "inf", "1O"] {
            assert!(!passes(&format!("Qty {op} 10"), ["", "", field]), "{field} {op} 10");
        }
    }
    assert!(!passes("Qty not in [1]", ["", "", "ten"]));
    assert!(passes("Qty < \"9\"", ["", "", "10"]), "a text compares bytes");
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_and() {
    let header = ["a", "b", "c"].map(str::to_owned);
    for row in 0..8u8 {
        let [a, b, c] = [0, 1, 2].map(|bit| row >> bit & 1 == 1);
        let set = [a, b, c];
        let passes = |text: &str| {
            let spelt = text.replace('A', "a == 1").replace('B', "b == 1").replace('C', "c == 1");
            Condition::parse_row(&spelt).unwrap().bind(&header).unwrap().holds(|column| Some(if set[column] { b"1" } else { b"0" }))
        };
        assert_eq!(passes("A or B and C"), a || b && c);
        assert_eq!(passes("(A or B) and C"), (a || b) && c);
        assert_eq!(passes("not A and B or C"), !a && b || c);
        assert_eq!(passes("not (A and B or C)"), !(a && b || c));
        assert_eq!(passes("not not A"), a);
    }
}

#[test]
fn columns_are_listed_once_in_order_of_appearance() {
    let condition = Condition::parse_row("'Customer ID' is not missing and (Größe.cm > 3 or 'Customer ID' == \"x\") and 列 is missing").unwrap();
    assert_eq!(condition.columns(), ["Customer ID", "Größe.cm", "列"]);
    let condition = Condition::parse_customer("days_until(points_expiry) < 14 and birthday within 7d and risk > 0.5 and country == \"DE\"").unwrap();
    assert_eq!(condition.columns(), ["points_expiry", "birthday", "country"]);
}

#[test]
fn quotes_inside_quotes_are_doubled_and_backslashes_are_plain() {
    assert!(passes(r#"Invoice == "a ""b"" \d""#, [r#"a "b" \d"#, "", ""]));
    assert_eq!(Condition::parse_row("'it''s' is missing").unwrap().columns(), ["it's"]);
}

#[test]
fn an_unknown_column_names_the_nearest() {
    let header = ["Invoice", "Customer ID"].map(str::to_owned);
    let error = Condition::parse_row("'CustomerID' is not missing").unwrap().bind(&header).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the condition `'CustomerID' is not missing` names the column 'CustomerID', which the file does not have; did you mean 'Customer ID'?"
    );
    assert_eq!(error.kind().exit_code(), 78);
}

#[test]
fn a_refusal_says_where_what_was_found_and_what_was_expected() {
    assert_eq!(refusal("Invoice = 3"), "column 9: found `=`, expected `==` for \"equal\"");
    assert_eq!(refusal("Invoice == C"), "column 12: found `C`, expected a number or a text in double quotes to compare Invoice with");
    assert_eq!(refusal("5 < Qty").split(':').next(), Some("column 1"));
    assert_eq!(refusal("Invoice == \"a"), "column 12: found a text that is not closed, expected a closing \" (a \" inside is written twice)");
    assert_eq!(refusal("Invoice matches \"a(b\""), "column 17: found a regular expression that cannot be used: unclosed group");
    assert_eq!(refusal("(Invoice == 1"), "column 14: found the end, expected `)`");
    assert_eq!(refusal("Invoice is not"), "column 15: found the end, expected `missing`");
    assert_eq!(refusal("größe == 1 AND Qty == 2"), "column 12: found `AND`, expected `and` (keywords are written small)");
    for (condition, expected) in [
        ("", "expected a column"),
        ("Invoice", "expected a comparison"),
        ("Invoice == 1 Qty == 2", "expected `and`, `or` or the end"),
        ("Invoice in []", "expected a number or a text"),
        ("Invoice in [1; 2]", "found `;`"),
        ("Invoice in [1, 2)", "expected `,` or `]`"),
        ("Invoice not matches \"x\"", "expected `not in`"),
        ("Invoice <> 1", "expected `!=` for \"not equal\""),
        ("Invoice == 30x", "expected a number or a duration"),
        ("Invoice == 1e999", "expected a finite number"),
        ("Invoice == 30d", "found the duration 30d"),
        ("Invoice starts_with 1", "expected a text in double quotes"),
        ("not == 1", "expected a column"),
        ("in == 1", "single quotes"),
        ("count(\"purchase\", 30d) > 1", "only customer conditions"),
        ("birthday within 7d", "only customer conditions"),
        ("'' == 1", "empty column name"),
    ] {
        assert!(refusal(condition).contains(expected), "{condition}: {}", refusal(condition));
    }
}

#[test]
fn too_long_and_too_deep_conditions_are_refused() {
    assert!(refusal(&format!("{}a == 1{}", "(".repeat(64), ")".repeat(64))).contains("64 parentheses"));
    assert!(Condition::parse_row(&format!("{}a == 1{}", "(".repeat(63), ")".repeat(63))).is_ok());
    assert!(refusal(&format!("{}a == 1", "not ".repeat(10_000))).contains("64 parentheses"));
    assert!(refusal(&format!("a == \"{}\"", "x".repeat(70_000))).contains("bytes"));
    let long = vec!["a == 1"; 5_000].join(" or ");
    assert!(Condition::parse_row(&long).is_ok(), "a long chain is not deep");
}

#[test]
fn customer_conditions_know_their_facts_and_types() {
    for condition in [
        "status in [\"dormant\", \"slowing\"] and tier == \"manager\" and not (segment starts_with \"VIP\")",
        "risk >= 0.6 and value > 100 and tenure > 1y and tenure < 4000",
        "count(\"support\", 30d) >= 2 or sum(\"purchase\", 90d) > 500 or count(\"login\") == 0",
        "days_since(\"cart\") < 3 and days_until(points_expiry) <= 2w and birthday within 7d",
        "'status' == \"anything\" and 'date of birth' within 7d and country != \"DE\"",
    ] {
        assert!(Condition::parse_customer(condition).is_ok(), "{condition}: {}", customer_refusal(condition));
    }
    for (condition, expected) in [
        ("status == \"dormnt\"", "one of the statuses"),
        ("status > \"new\"", "text without order"),
        ("tier == 1", "expected a text"),
        ("risk > 60", "a probability between 0 and 1"),
        ("risk > \"high\"", "a probability"),
        ("value starts_with \"1\"", "which is a number"),
        ("value > 30d", "expected a number"),
        ("count(purchase) > 1", "a kind of event in double quotes"),
        ("count(\"purchase\", 0d) > 1", "above zero"),
        ("count(\"purchase\", 30) > 1", "a duration such as 30d"),
        ("cuont(\"purchase\") > 1", "expected `count`"),
        ("days_until(\"x\") > 1", "a date column"),
        ("days_until(", "a date column"),
        ("risk within 7d", "a date column such as birthday"),
    ] {
        assert!(customer_refusal(condition).contains(expected), "{condition}: {}", customer_refusal(condition));
    }
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![".{0,6}".prop_map(Literal::Text), prop_oneof![any::<i32>().prop_map(f64::from), -1e300..1e300f64].prop_map(Literal::Number)]
}

fn column() -> impl Strategy<Value = Subject> {
    prop_oneof!["[a-zé_][a-z0-9.]{0,4}", "[ -~]{1,6}", proptest::sample::select(RESERVED.as_slice()).prop_map(str::to_owned)].prop_map(Subject::Column)
}

fn span() -> impl Strategy<Value = Span> {
    (1..10_000_000i64).prop_map(|seconds| Span { seconds })
}

fn op() -> impl Strategy<Value = CompareOp> {
    proptest::sample::select([CompareOp::Equal, CompareOp::NotEqual, CompareOp::Less, CompareOp::AtMost, CompareOp::Greater, CompareOp::AtLeast].as_slice())
}

fn expression() -> impl Strategy<Value = Expression> {
    let counted = prop_oneof![
        (".{0,4}", proptest::option::of(span())).prop_map(|(kind, within)| Subject::Count { kind, within }),
        (".{0,4}", proptest::option::of(span())).prop_map(|(kind, within)| Subject::Sum { kind, within }),
        Just(Subject::Value),
    ];
    let days = prop_oneof![
        ".{0,4}".prop_map(|kind| Subject::DaysSince { kind }),
        column().prop_map(|column| Subject::DaysUntil { column: column.column().unwrap().to_owned() }),
        Just(Subject::Tenure),
    ];
    let leaf = prop_oneof![
        (column(), op(), literal()).prop_map(|(subject, op, literal)| Expression::Compare { subject, op, literal }),
        (counted, op(), -1e9..1e9f64).prop_map(|(subject, op, number)| Expression::Compare { subject, op, literal: Literal::Number(number) }),
        (days, op(), span()).prop_map(|(subject, op, span)| Expression::Compare { subject, op, literal: Literal::Span(span) }),
        (column(), proptest::collection::vec(literal(), 1..4), any::<bool>()).prop_map(|(subject, list, negated)| Expression::In { subject, list, negated }),
        (column(), ".{0,6}").prop_map(|(subject, text)| Expression::StartsWith { subject, text }),
        (column(), ".{0,6}").prop_map(|(subject, text)| Expression::EndsWith { subject, text }),
        (column(), "[a-z\"' ^$]{0,6}").prop_map(|(subject, text)| Expression::Matches { subject, pattern: Pattern::new(text).unwrap() }),
        (column(), any::<bool>()).prop_map(|(subject, negated)| Expression::IsMissing { subject, negated }),
        (column(), span()).prop_map(|(column, span)| Expression::AnniversaryWithin { column: column.column().unwrap().to_owned(), span }),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expression::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expression::Or),
            inner.prop_map(|part| Expression::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_it_was(expression in expression()) {
        let text = expression.to_string();
        let read = Condition::parse_customer(&text);
        prop_assert_eq!(read.map(|condition| condition.root), Ok(expression), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        let _ = Condition::parse_row(&text);
        let _ = Condition::parse_customer(&text);
    }

    #[test]
    fn no_heap_of_words_makes_the_parser_panic(
        words in proptest::collection::vec(
            proptest::sample::select(["a", "'b c'", "\"t\"", "1", "30d", "-", ".", "(", ")", "[", "]", ",", "==", "<", "and", "or", "not", "in", "is", "missing",
                "matches", "starts_with", "within", "count", "days_until", "status", "risk", "é", "\"", "'"].as_slice()),
            0..12,
        ),
        header in proptest::collection::vec("[ab]", 0..3),
    ) {
        let text = words.join(" ");
        let _ = Condition::parse_customer(&text);
        if let Ok(condition) = Condition::parse_row(&text)
            && let Ok(bound) = condition.bind(&header)
        {
            bound.holds(|column| header.get(column).map(|name| name.as_bytes()));
        }
    }
}
