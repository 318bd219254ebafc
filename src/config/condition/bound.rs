//! A row condition whose columns are positions: evaluated once per row, without allocation.

use super::{CompareOp, Expression, Literal, Pattern, Subject};
use crate::error::{Error, Result};
use std::cmp::Ordering;

/// A condition whose columns are positions in a record. Clone it once per thread: a regular expression is fastest where
/// its scratch space is not shared.
#[derive(Debug, Clone)]
pub struct BoundCondition {
    root: Node,
}

#[derive(Debug, Clone)]
enum Node {
    Present(usize),
    Missing(usize),
    TextEqual(usize, Box<[u8]>),
    TextNotEqual(usize, Box<[u8]>),
    TextOrder(usize, CompareOp, Box<[u8]>),
    Number(usize, CompareOp, f64),
    StartsWith(usize, Box<[u8]>),
    EndsWith(usize, Box<[u8]>),
    Matches(usize, Box<Pattern>),
    In(usize, Box<List>),
    NotIn(usize, Box<List>),
    Not(Box<Node>),
    All(Box<[Node]>),
    Any(Box<[Node]>),
}

/// The literals of a list: texts by length and then bytes, so that most steps of a search compare lengths only, and numbers.
#[derive(Debug, Clone)]
struct List {
    texts: Box<[Box<[u8]>]>,
    numbers: Box<[f64]>,
}

impl List {
    fn has_text(&self, field: &[u8]) -> bool {
        self.texts.binary_search_by(|text| by_length(text, field)).is_ok()
    }
    fn has_number(&self, number: f64) -> bool {
        self.numbers.binary_search_by(|known| known.total_cmp(&number)).is_ok()
    }
}

fn by_length(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The finite number a field holds, blanks around it aside. Zero has one sign, so that `-0` equals `0`.
fn number(field: &[u8]) -> Option<f64> {
    fast_float2::parse::<f64, _>(field.trim_ascii()).ok().filter(|number| number.is_finite()).map(|number| number + 0.0)
}

impl BoundCondition {
    /// Binds the expression; `position` gives the position of a column.
    pub(super) fn new(expression: &Expression, position: &impl Fn(&str) -> Result<usize>) -> Result<Self> {
        Ok(BoundCondition { root: node(expression, position)? })
    }

    /// Whether the row passes. `field(i)` gives the text of column `i`, `None` where it is missing.
    /// A comparison with a missing value is false, also `!=` and `not in`; `not (…)` of it is true.
    #[inline]
    pub fn holds<'a>(&self, field: impl Fn(usize) -> Option<&'a [u8]>) -> bool {
        self.root.holds(&field)
    }
}

impl Node {
    #[inline]
    fn holds<'a, F: Fn(usize) -> Option<&'a [u8]>>(&self, field: &F) -> bool {
        match self {
            Node::Present(column) => field(*column).is_some(),
            Node::Missing(column) => field(*column).is_none(),
            Node::TextEqual(column, text) => field(*column).is_some_and(|field| field == &**text),
            Node::TextNotEqual(column, text) => field(*column).is_some_and(|field| field != &**text),
            Node::StartsWith(column, text) => field(*column).is_some_and(|field| field.starts_with(text)),
            Node::EndsWith(column, text) => field(*column).is_some_and(|field| field.ends_with(text)),
            Node::Matches(column, pattern) => field(*column).is_some_and(|field| pattern.is_match(field)),
            Node::Number(column, op, literal) => field(*column).and_then(number).is_some_and(|number| op.accepts(number.total_cmp(literal))),
            Node::TextOrder(column, op, text) => field(*column).is_some_and(|field| op.accepts(field.cmp(text))),
            Node::In(column, list) => field(*column)
                .is_some_and(|field| list.has_text(field) || (!list.numbers.is_empty() && number(field).is_some_and(|number| list.has_number(number)))),
            // All the `!=` it stands for must hold, and `!=` with a number is false for what is not a number.
            Node::NotIn(column, list) => field(*column)
                .is_some_and(|field| !list.has_text(field) && (list.numbers.is_empty() || number(field).is_some_and(|number| !list.has_number(number)))),
            Node::Not(_) | Node::All(_) | Node::Any(_) => self.compound(field),
        }
    }

    /// Apart from the leaves, so that these are inlined where the row is read.
    fn compound<'a, F: Fn(usize) -> Option<&'a [u8]>>(&self, field: &F) -> bool {
        match self {
            Node::Not(part) => !part.holds(field),
            Node::All(parts) => parts.iter().all(|part| part.holds(field)),
            Node::Any(parts) => parts.iter().any(|part| part.holds(field)),
            leaf => leaf.holds(field),
        }
    }
}

fn node(expression: &Expression, position: &impl Fn(&str) -> Result<usize>) -> Result<Node> {
    let column = |subject: &Subject| match subject {
        Subject::Column(name) => position(name),
        other => Err(customer_only(&other.to_string())),
    };
    let bytes = |text: &str| text.as_bytes().into();
    let all = |parts: &[Expression]| parts.iter().map(|part| node(part, position)).collect::<Result<Box<[Node]>>>();
    Ok(match expression {
        Expression::Or(parts) => Node::Any(all(parts)?),
        Expression::And(parts) => Node::All(all(parts)?),
        Expression::Not(part) => Node::Not(Box::new(node(part, position)?)),
        Expression::Compare { subject, op, literal: Literal::Number(number) } => Node::Number(column(subject)?, *op, *number + 0.0),
        Expression::Compare { subject, op, literal: Literal::Text(text) } => match op {
            CompareOp::Equal => Node::TextEqual(column(subject)?, bytes(text)),
            CompareOp::NotEqual => Node::TextNotEqual(column(subject)?, bytes(text)),
            _ => Node::TextOrder(column(subject)?, *op, bytes(text)),
        },
        Expression::Compare { literal: Literal::Span(span), .. } => return Err(customer_only(&span.to_string())),
        Expression::In { subject, list, negated } => {
            let mut texts: Vec<Box<[u8]>> = Vec::new();
            let mut numbers = Vec::new();
            for literal in list {
                match literal {
                    Literal::Text(text) => texts.push(bytes(text)),
                    Literal::Number(number) => numbers.push(*number + 0.0),
                    Literal::Span(span) => return Err(customer_only(&span.to_string())),
                }
            }
            texts.sort_by(|a, b| by_length(a, b));
            numbers.sort_by(f64::total_cmp);
            let list = Box::new(List { texts: texts.into(), numbers: numbers.into() });
            if *negated { Node::NotIn(column(subject)?, list) } else { Node::In(column(subject)?, list) }
        }
        Expression::StartsWith { subject, text } => Node::StartsWith(column(subject)?, bytes(text)),
        Expression::EndsWith { subject, text } => Node::EndsWith(column(subject)?, bytes(text)),
        Expression::Matches { subject, pattern } => Node::Matches(column(subject)?, Box::new(pattern.clone())),
        Expression::IsMissing { subject, negated: true } => Node::Present(column(subject)?),
        Expression::IsMissing { subject, negated: false } => Node::Missing(column(subject)?),
        Expression::AnniversaryWithin { .. } => return Err(customer_only("within")),
    })
}

/// Only a customer condition holds such a term, and those are not bound to rows.
fn customer_only(term: &str) -> Error {
    Error::internal(format!("`{term}` of a customer condition was bound to a row"))
}
