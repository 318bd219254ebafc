//! An expression as text that parses to the same expression: one way of writing for each meaning.

use super::{Expression, Literal, RESERVED, Subject, lexer};
use std::fmt;

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Or(parts) => join(f, parts, " or "),
            Expression::And(parts) => join(f, parts, " and "),
            Expression::Not(part) => {
                f.write_str("not ")?;
                nested(f, part)
            }
            Expression::Compare { subject, op, literal } => write!(f, "{subject} {} {literal}", op.sign()),
            Expression::In { subject, list, negated } => {
                write!(f, "{subject} {}in [", if *negated { "not " } else { "" })?;
                for (position, literal) in list.iter().enumerate() {
                    write!(f, "{}{literal}", if position == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Expression::StartsWith { subject, text } => write!(f, "{subject} starts_with {}", Quoted(text, '"')),
            Expression::EndsWith { subject, text } => write!(f, "{subject} ends_with {}", Quoted(text, '"')),
            Expression::Matches { subject, pattern } => write!(f, "{subject} matches {}", Quoted(pattern.text(), '"')),
            Expression::IsMissing { subject, negated } => write!(f, "{subject} is {}missing", if *negated { "not " } else { "" }),
            Expression::AnniversaryWithin { column, span } => write!(f, "{} within {span}", Name(column)),
        }
    }
}

/// Parts in a row; a part that is itself a chain keeps its parentheses, so that the tree reads back as it was.
fn join(f: &mut fmt::Formatter<'_>, parts: &[Expression], word: &str) -> fmt::Result {
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            f.write_str(word)?;
        }
        nested(f, part)?;
    }
    Ok(())
}

fn nested(f: &mut fmt::Formatter<'_>, part: &Expression) -> fmt::Result {
    match part {
        Expression::Or(_) | Expression::And(_) => write!(f, "({part})"),
        _ => write!(f, "{part}"),
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let windowed = |f: &mut fmt::Formatter<'_>, name: &str, kind: &str, within: &Option<_>| match within {
            Some(span) => write!(f, "{name}({}, {span})", Quoted(kind, '"')),
            None => write!(f, "{name}({})", Quoted(kind, '"')),
        };
        match self {
            Subject::Column(name) => Name(name).fmt(f),
            Subject::Status => f.write_str("status"),
            Subject::Tier => f.write_str("tier"),
            Subject::Segment => f.write_str("segment"),
            Subject::Risk => f.write_str("risk"),
            Subject::Value => f.write_str("value"),
            Subject::Tenure => f.write_str("tenure"),
            Subject::Count { kind, within } => windowed(f, "count", kind, within),
            Subject::Sum { kind, within } => windowed(f, "sum", kind, within),
            Subject::DaysSince { kind } => write!(f, "days_since({})", Quoted(kind, '"')),
            Subject::DaysUntil { column } => write!(f, "days_until({})", Name(column)),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => Quoted(text, '"').fmt(f),
            Literal::Number(number) => write!(f, "{number}"),
            Literal::Span(span) => write!(f, "{span}"),
        }
    }
}

/// A column name: bare where that reads back as a column everywhere, else in single quotes.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.0.starts_with(lexer::begins_word) && self.0.chars().all(lexer::continues_word) && !RESERVED.contains(&self.0);
        if bare { f.write_str(self.0) } else { Quoted(self.0, '\'').fmt(f) }
    }
}

/// Text between quotes, inner quotes doubled.
struct Quoted<'a>(&'a str, char);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char(self.1)?;
        for c in self.0.chars() {
            if c == self.1 {
                f.write_char(c)?;
            }
            f.write_char(c)?;
        }
        f.write_char(self.1)
    }
}
