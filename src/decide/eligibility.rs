//! Who may get an offer: customer conditions.
//!
//! A condition is a pure function of the customer's own history, of what the bundle says of the customer, and of the day.

use crate::config::condition::{Condition, Expression, Literal, Subject};
use crate::config::{Span, nearest};
use crate::error::{Error, Result};
use crate::exports::Exports;
use crate::timeline::{History, Moment, NO_INDEX, ProfileValues};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What conditions can ask about a customer.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// What the customer did before the day.
    pub history: History<'a>,
    /// As in risk.csv; empty where there is none.
    pub status: &'a str,
    /// As in risk.csv; empty where there is none.
    pub tier: &'a str,
    /// As in risk.csv; empty where there is none.
    pub segment: &'a str,
    /// Probability of leaving without contact.
    pub risk: Option<f64>,
    /// In the project's currency.
    pub value: Option<f64>,
}

/// Where a column of a condition is found.
#[derive(Debug, Clone, Copy)]
enum Place {
    Profile { table: usize, column: usize },
    Carried(usize),
}

/// Customer conditions with their columns found.
#[derive(Debug, Clone)]
pub struct Rules<'a> {
    exports: &'a Exports,
    places: BTreeMap<&'a str, Place>,
}

/// A value of a customer.
enum Value<'a> {
    Missing,
    Text(&'a str),
    Number(f64),
}

impl<'a> Rules<'a> {
    /// Finds the columns of all conditions.
    ///
    /// # Errors
    /// 78 naming a column that no profile has, and the nearest that one has.
    pub fn new(exports: &'a Exports, conditions: impl Iterator<Item = &'a Condition>) -> Result<Rules<'a>> {
        let mut places: BTreeMap<&str, Place> = BTreeMap::new();
        for (place, (name, _)) in exports.carry.iter().enumerate() {
            places.insert(name, Place::Carried(place));
        }
        for (table, profiles) in exports.profiles.iter().enumerate() {
            for (column, values) in profiles.columns.iter().enumerate() {
                places.insert(&values.name, Place::Profile { table, column });
            }
        }
        for condition in conditions {
            if let Some(unknown) = condition.columns().into_iter().find(|name| !places.contains_key(name)) {
                let advice = match nearest(unknown, places.keys().copied()) {
                    Some(name) => format!("did you mean '{name}'?"),
                    None => format!("the profiles have {}", places.keys().copied().collect::<Vec<_>>().join(", ")),
                };
                return Err(Error::config(format!("the condition `{}` names '{unknown}', which no profile has; {advice}", condition.text)));
            }
        }
        Ok(Rules { exports, places })
    }

    /// Whether a customer meets a condition. A comparison with a missing value is false.
    pub fn holds(&self, condition: &Condition, person: &Person<'a>) -> bool {
        self.expression(condition.expression(), person)
    }

    fn expression(&self, expression: &'a Expression, person: &Person<'a>) -> bool
    where
        'a: 'a,
    {
        match expression {
            Expression::Or(parts) => parts.iter().any(|part| self.expression(part, person)),
            Expression::And(parts) => parts.iter().all(|part| self.expression(part, person)),
            Expression::Not(part) => !self.expression(part, person),
            Expression::Compare { subject, op, literal } => self.order(subject, literal, person).is_some_and(|order| op.accepts(order)),
            Expression::In { subject, list, negated } => {
                let orders: Vec<Option<Ordering>> = list.iter().map(|literal| self.order(subject, literal, person)).collect();
                let is_in = orders.iter().any(|order| order.is_some_and(Ordering::is_eq));
                if *negated { !is_in && orders.iter().any(Option::is_some) } else { is_in }
            }
            Expression::StartsWith { subject, text } => self.text(subject, person).is_some_and(|value| value.starts_with(text.as_str())),
            Expression::EndsWith { subject, text } => self.text(subject, person).is_some_and(|value| value.ends_with(text.as_str())),
            Expression::Matches { subject, pattern } => self.text(subject, person).is_some_and(|value| pattern.is_match(value.as_bytes())),
            Expression::IsMissing { subject, negated } => matches!(self.value(subject, person), Value::Missing) != *negated,
            Expression::AnniversaryWithin { column, span } => {
                self.date(column, person).is_some_and(|date| is_anniversary_within(date, person.history.cutoff, *span))
            }
        }
    }

    /// How the customer's value compares with a literal; `None` where it is missing or of another type.
    fn order(&self, subject: &'a Subject, literal: &Literal, person: &Person<'a>) -> Option<Ordering> {
        match (self.value(subject, person), literal) {
            (Value::Text(value), Literal::Text(text)) => Some(value.as_bytes().cmp(text.as_bytes())),
            (Value::Text(value), Literal::Number(number)) => value.trim().parse::<f64>().ok().map(|value| value.total_cmp(number)),
            (Value::Number(value), Literal::Number(number)) => Some((value + 0.0).total_cmp(&(number + 0.0))),
            (Value::Number(value), Literal::Span(span)) => Some(value.total_cmp(&span.as_days())),
            _ => None,
        }
    }

    fn text(&self, subject: &'a Subject, person: &Person<'a>) -> Option<&'a str> {
        match self.value(subject, person) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn value(&self, subject: &'a Subject, person: &Person<'a>) -> Value<'a> {
        let text = |text: &'a str| if text.is_empty() { Value::Missing } else { Value::Text(text) };
        let number = |number: Option<f64>| number.filter(|number| number.is_finite()).map_or(Value::Missing, Value::Number);
        let cutoff = person.history.cutoff;
        let events = |kind: &str, within: Option<Span>| {
            let kind = person.history.store().kind_index(kind);
            let from = within.map_or(Moment(i64::MIN), |span| cutoff.minus(span));
            person.history.events().filter(move |event| Some(event.kind()) == kind && event.time() >= from)
        };
        match subject {
            Subject::Status => text(person.status),
            Subject::Tier => text(person.tier),
            Subject::Segment => text(person.segment),
            Subject::Risk => number(person.risk),
            Subject::Value => number(person.value),
            Subject::Tenure => number(person.history.events().next().map(|event| cutoff.days_since(event.time()))),
            Subject::Count { kind, within } => number(Some(events(kind, *within).count() as f64)),
            Subject::Sum { kind, within } => number(Some(events(kind, *within).filter_map(|event| event.amount()).sum())),
            Subject::DaysSince { kind } => number(events(kind, None).next_back().map(|event| cutoff.days_since(event.time()))),
            Subject::DaysUntil { column } => number(self.date(column, person).map(|date| date.days_since(cutoff))),
            Subject::Column(name) => match self.places.get(name.as_str()) {
                None => Value::Missing,
                Some(Place::Carried(place)) => text(&self.exports.carry[*place].1[person.history.customer as usize]),
                Some(Place::Profile { table, column }) => {
                    let table = &self.exports.profiles[*table];
                    let Some(row) = table.row_at(person.history.customer, cutoff) else { return Value::Missing };
                    match &table.columns[*column].values {
                        ProfileValues::Number(values) => number(Some(values[row])),
                        ProfileValues::Category { codes, .. } if codes[row] == NO_INDEX => Value::Missing,
                        ProfileValues::Category { codes, names } => text(&names[codes[row] as usize]),
                        ProfileValues::Date(values) if values[row] == i64::MIN => Value::Missing,
                        ProfileValues::Date(values) => number(Some(cutoff.days_since(Moment(values[row])))),
                    }
                }
            },
        }
    }

    fn date(&self, column: &str, person: &Person<'a>) -> Option<Moment> {
        let Some(Place::Profile { table, column }) = self.places.get(column) else { return None };
        let table = &self.exports.profiles[*table];
        let row = table.row_at(person.history.customer, person.history.cutoff)?;
        match &table.columns[*column].values {
            ProfileValues::Date(values) => Some(values[row]).filter(|value| *value != i64::MIN).map(Moment),
            _ => None,
        }
    }
}

/// Whether the next anniversary of a date lies in the days from `day` on, that day included. The 29th of February counts as the 28th
/// where there is none.
fn is_anniversary_within(date: Moment, day: Moment, span: Span) -> bool {
    let parse = |moment: Moment| moment.date().parse::<jiff::civil::Date>().ok();
    let (Some(date), Some(today)) = (parse(date), parse(day)) else { return false };
    let of_year = |year: i16| jiff::civil::Date::new(year, date.month(), date.day()).or_else(|_| jiff::civil::Date::new(year, date.month(), 28)).ok();
    let next = [today.year(), today.year() + 1].into_iter().filter_map(of_year).find(|anniversary| *anniversary >= today);
    next.is_some_and(|anniversary| Moment::of_date(anniversary).days_since(Moment::of_date(today)) < span.as_days())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::timeline::{EventStore, ProfileColumn, ProfileTable, Timeline};

    const DAY: i64 = 86_400;

    /// One customer: bought for 30 on day 10 and for 20 on day 95, called the desk on day 90; gold, from DE, born on the 4th of day 100's month.
    fn exports() -> Exports {
        let events = EventStore {
            offsets: vec![0, 3],
            time: vec![10 * DAY, 90 * DAY, 95 * DAY],
            kind: vec![0, 1, 0],
            amount: vec![30.0, f64::NAN, 20.0],
            kinds: vec!["purchase".into(), "support".into()],
            ..EventStore::default()
        };
        let column = |name: &str, values: ProfileValues| ProfileColumn { name: name.into(), values, serves_past: true };
        let profiles = ProfileTable {
            offsets: vec![0, 1],
            time: Vec::new(),
            columns: vec![
                column("country", ProfileValues::Category { codes: vec![0], names: vec!["DE".into()] }),
                column("points", ProfileValues::Number(vec![120.0])),
                column("points_expiry", ProfileValues::Date(vec![110 * DAY])),
                // Day 100 is the 11th of April 1970.
                column("birthday", ProfileValues::Date(vec![Moment::of_date("1950-04-14".parse().unwrap()).0])),
                column("empty", ProfileValues::Number(vec![f64::NAN])),
            ],
        };
        Exports { customers: vec!["c".into()], events, profiles: vec![profiles], carry: vec![("consent".into(), vec!["yes".into()])], ..Exports::default() }
    }

    fn holds(text: &str) -> bool {
        let exports = exports();
        let condition = Condition::parse_customer(text).unwrap();
        let history = Timeline::new(0, &exports.events, &exports.profiles).before(Moment(100 * DAY));
        let person = Person { history, status: "active", tier: "gold", segment: "Loyal", risk: Some(0.7), value: Some(250.0) };
        Rules::new(&exports, std::iter::once(&condition)).unwrap().holds(&condition, &person)
    }

    #[test]
    fn conditions_in_plain_words_mean_what_they_say() {
        for yes in [
            "tier in [\"gold\", \"silver\"] and tenure > 89d and country == \"DE\"",
            "tenure <= 90 and status == \"active\" and segment starts_with \"Lo\"",
            "count(\"support\", 30d) > 0 and count(\"support\", 5d) == 0",
            "sum(\"purchase\", 90d) == 50 and sum(\"purchase\", 6d) == 20",
            "days_since(\"purchase\") == 5 and days_since(\"cart\") is missing",
            "days_until(points_expiry) == 10 and birthday within 7d",
            "risk > 0.6 and value >= 250 and points in [100, 120]",
            "not (empty > 3) and empty is missing and country != \"FR\"",
            "consent == \"yes\"",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in ["birthday within 3d", "empty != 3", "country not in [\"DE\"]", "tier == \"silver\" or risk < 0.5", "days_since(\"cart\") > 0"] {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn a_column_that_no_profile_has_is_named_with_the_nearest() {
        let exports = exports();
        let condition = Condition::parse_customer("cuntry == \"DE\"").unwrap();
        let error = Rules::new(&exports, std::iter::once(&condition)).unwrap_err();
        assert!(error.message().contains("'cuntry'") && error.message().contains("did you mean 'country'?"), "{error}");
        assert_eq!(error.kind().exit_code(), 78);
    }

    #[test]
    fn the_last_of_february_comes_every_year() {
        let day = |text: &str| Moment::of_date(text.parse().unwrap());
        assert!(is_anniversary_within(day("2000-02-29"), day("2023-02-27"), Span::days(2)));
        assert!(is_anniversary_within(day("1990-01-02"), day("2023-12-30"), Span::days(7)));
        assert!(!is_anniversary_within(day("1990-01-06"), day("2023-12-30"), Span::days(7)));
    }
}
