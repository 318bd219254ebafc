//! The one language for conditions: `where`, `returned_if`, `recommend_if`, `who`.
//!
//! In: the text of a condition. Out: a [`Condition`], checked for grammar and types, and for row conditions a
//! [`BoundCondition`] that is asked once per row. This module knows nothing of files; it never evaluates customer conditions,
//! whose facts (status, risk, counts of events) are known to the decision stage.
//!
//! ```text
//! condition := all { "or" all }              all := one { "and" one }          one := "not" one | "(" condition ")" | test
//! test      := subject ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) literal
//!            | subject ["not"] "in" "[" literal { "," literal } "]"
//!            | subject ( "starts_with" | "ends_with" | "matches" ) text
//!            | subject "is" ["not"] "missing"
//!            | column "within" duration                                        (customer conditions)
//! subject   := column | 'column name with blanks'
//!            | status | tier | segment | risk | value | tenure                 (customer conditions)
//!            | count("kind"[, 30d]) | sum("kind"[, 90d]) | days_since("kind") | days_until(column)
//! literal   := number | "text"
//! ```

mod bound;
mod lexer;
mod parser;
mod pattern;
mod print;

pub use bound::BoundCondition;
pub use pattern::Pattern;

use super::Span;
use crate::error::{Error, Result};
use parser::Scope;
use std::cmp::Ordering;

/// Words with a meaning of their own; columns of these names go in single quotes.
const KEYWORDS: [&str; 9] = ["and", "or", "not", "in", "is", "missing", "starts_with", "ends_with", "matches"];
/// Functions of customer conditions.
const FUNCTIONS: [&str; 4] = ["count", "sum", "days_since", "days_until"];
/// Every word that is not a column everywhere.
const RESERVED: [&str; 20] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "missing",
    "starts_with",
    "ends_with",
    "matches",
    "within",
    "status",
    "tier",
    "segment",
    "risk",
    "value",
    "tenure",
    "count",
    "sum",
    "days_since",
    "days_until",
];
/// The statuses a customer can have in risk.csv.
const STATUSES: [&str; 6] = ["new", "active", "slowing", "dormant", "lost", "returned"];

/// A parsed condition. Row conditions see the columns of a row; customer conditions (`who`) are parsed and checked here and
/// evaluated by the decision stage. Two conditions are equal when they mean the same tree, however they are written.
#[derive(Debug, Clone)]
pub struct Condition {
    /// As written.
    pub text: String,
    pub(crate) root: Expression,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

/// A node of a condition. Its `Display` is text that parses to the same tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// At least one holds; two or more parts.
    Or(Vec<Expression>),
    /// All hold; two or more parts.
    And(Vec<Expression>),
    /// The part does not hold.
    Not(Box<Expression>),
    /// A comparison with a literal. False where the subject is missing.
    Compare {
        /// What is compared.
        subject: Subject,
        /// How.
        op: CompareOp,
        /// With what: a number compares numbers, a text compares bytes.
        literal: Literal,
    },
    /// Membership in a list. False where the subject is missing, negated or not.
    In {
        /// What is looked for.
        subject: Subject,
        /// In which list; at least one literal.
        list: Vec<Literal>,
        /// `not in`.
        negated: bool,
    },
    /// The text begins so.
    StartsWith {
        /// What is tested.
        subject: Subject,
        /// The beginning.
        text: String,
    },
    /// The text ends so.
    EndsWith {
        /// What is tested.
        subject: Subject,
        /// The end.
        text: String,
    },
    /// The pattern occurs in the text.
    Matches {
        /// What is tested.
        subject: Subject,
        /// The pattern.
        pattern: Pattern,
    },
    /// There is no value.
    IsMissing {
        /// What is tested.
        subject: Subject,
        /// `is not missing`.
        negated: bool,
    },
    /// `birthday within 7d`: the next anniversary of a date column lies in [as-of, as-of + span). Customer conditions only.
    AnniversaryWithin {
        /// The date column of the profiles.
        column: String,
        /// How far ahead.
        span: Span,
    },
}

/// What a test is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A column of the row, or of the profiles in customer conditions.
    Column(String),
    /// Status in risk.csv: new, active, slowing, dormant, lost, returned.
    Status,
    /// Name of the risk tier.
    Tier,
    /// Name of the segment.
    Segment,
    /// Probability of leaving without contact, 0 to 1.
    Risk,
    /// Expected value, in the project's currency.
    Value,
    /// Days from the first event to the as-of date.
    Tenure,
    /// Number of events of a kind before the as-of date.
    Count {
        /// The kind.
        kind: String,
        /// Only events of this last stretch; all when absent.
        within: Option<Span>,
    },
    /// Sum of the amounts of events of a kind before the as-of date.
    Sum {
        /// The kind.
        kind: String,
        /// Only events of this last stretch; all when absent.
        within: Option<Span>,
    },
    /// Days since the last event of a kind; missing where there is none.
    DaysSince {
        /// The kind.
        kind: String,
    },
    /// Days from the as-of date to a date column of the profiles; negative when it is past.
    DaysUntil {
        /// The column.
        column: String,
    },
}

/// What type of value a subject has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectType {
    /// Text that may be a number: the literal decides.
    Any,
    /// Text.
    Text,
    /// A number.
    Number,
    /// A number between 0 and 1.
    Probability,
    /// A number of days.
    Days,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    AtMost,
    /// `>`.
    Greater,
    /// `>=`.
    AtLeast,
}

/// What a subject is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text in double quotes.
    Text(String),
    /// A finite number.
    Number(f64),
    /// A duration, for subjects counted in days.
    Span(Span),
}

impl CompareOp {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            CompareOp::Equal => "==",
            CompareOp::NotEqual => "!=",
            CompareOp::Less => "<",
            CompareOp::AtMost => "<=",
            CompareOp::Greater => ">",
            CompareOp::AtLeast => ">=",
        }
    }
    /// Whether a value that stands so to the literal passes.
    #[inline]
    pub fn accepts(self, ordering: Ordering) -> bool {
        match self {
            CompareOp::Equal => ordering.is_eq(),
            CompareOp::NotEqual => ordering.is_ne(),
            CompareOp::Less => ordering.is_lt(),
            CompareOp::AtMost => ordering.is_le(),
            CompareOp::Greater => ordering.is_gt(),
            CompareOp::AtLeast => ordering.is_ge(),
        }
    }
}

impl Subject {
    /// The type of its values.
    pub fn subject_type(&self) -> SubjectType {
        match self {
            Subject::Column(_) => SubjectType::Any,
            Subject::Status | Subject::Tier | Subject::Segment => SubjectType::Text,
            Subject::Risk => SubjectType::Probability,
            Subject::Value | Subject::Count { .. } | Subject::Sum { .. } => SubjectType::Number,
            Subject::Tenure | Subject::DaysSince { .. } | Subject::DaysUntil { .. } => SubjectType::Days,
        }
    }
    /// The column it reads.
    fn column(&self) -> Option<&str> {
        match self {
            Subject::Column(column) | Subject::DaysUntil { column } => Some(column),
            _ => None,
        }
    }
}

impl Expression {
    /// Calls `visit` with this node and every node inside it, in order of appearance.
    pub fn walk<'e>(&'e self, visit: &mut impl FnMut(&'e Expression)) {
        visit(self);
        match self {
            Expression::Or(parts) | Expression::And(parts) => {
                for part in parts {
                    part.walk(visit);
                }
            }
            Expression::Not(part) => part.walk(visit),
            _ => {}
        }
    }
    /// The subject of a test; `None` for `and`, `or`, `not` and `within`.
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Expression::Compare { subject, .. }
            | Expression::In { subject, .. }
            | Expression::StartsWith { subject, .. }
            | Expression::EndsWith { subject, .. }
            | Expression::Matches { subject, .. }
            | Expression::IsMissing { subject, .. } => Some(subject),
            Expression::Or(_) | Expression::And(_) | Expression::Not(_) | Expression::AnniversaryWithin { .. } => None,
        }
    }
}

impl Condition {
    /// Parses a row condition.
    ///
    /// # Errors
    /// 78 with the column in the text where it stops making sense, what was found and what was expected.
    pub fn parse_row(text: &str) -> Result<Condition> {
        Ok(Condition { root: parser::parse(text, Scope::Row)?, text: text.to_owned() })
    }
    /// Parses a customer condition (`who`).
    ///
    /// # Errors
    /// As [`Condition::parse_row`].
    pub fn parse_customer(text: &str) -> Result<Condition> {
        Ok(Condition { root: parser::parse(text, Scope::Customer)?, text: text.to_owned() })
    }
    /// The tree.
    pub fn expression(&self) -> &Expression {
        &self.root
    }
    /// The names of the columns it reads, each once, in order of appearance.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        self.root.walk(&mut |part| {
            let name = match part {
                Expression::AnniversaryWithin { column, .. } => Some(column.as_str()),
                other => other.subject().and_then(Subject::column),
            };
            if let Some(name) = name.filter(|name| !columns.contains(name)) {
                columns.push(name);
            }
        });
        columns
    }
    /// Resolves column names to positions in a record; of equal names in the header the first counts.
    ///
    /// # Errors
    /// 78 naming the unknown column and the nearest known one; 70 for a customer condition.
    pub fn bind(&self, header: &[String]) -> Result<BoundCondition> {
        BoundCondition::new(&self.root, &|name| {
            header.iter().position(|known| known == name).ok_or_else(|| {
                let known = match super::nearest(name, header.iter().map(String::as_str)) {
                    Some(nearest) => format!("did you mean '{nearest}'?"),
                    None => format!("the columns are {}", header.join(", ")),
                };
                Error::config(format!("the condition `{}` names the column '{name}', which the file does not have; {known}", self.text))
            })
        })
    }
}

/// A fault at a byte of the text; the place is counted in letters from 1.
fn fault(text: &str, at: usize, message: impl AsRef<str>) -> Error {
    let column = text[..at].chars().count() + 1;
    Error::config(message.as_ref()).column(column.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
