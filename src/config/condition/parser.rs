//! Tokens become an expression: precedence, depth, and the types of what is compared.

use super::lexer::{self, Token};
use super::{CompareOp, Expression, Literal, Pattern, STATUSES, Subject, SubjectType, fault};
use crate::config::Span;
use crate::error::{Error, Result};

/// Longest text of a condition, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;
/// Deepest nesting of parentheses and `not`. The parser, the printer and the evaluation recurse no deeper.
const DEEPEST: usize = 64;

/// What a condition may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The columns of a row.
    Row,
    /// Profile columns and what is known of a customer.
    Customer,
}

/// The expression that the text stands for.
pub(super) fn parse(text: &str, scope: Scope) -> Result<Expression> {
    if text.len() > LONGEST_TEXT {
        return Err(fault(text, 0, format!("found a condition of {} bytes, expected at most {LONGEST_TEXT} (use a `lookup` for long lists)", text.len())));
    }
    let mut parser = Parser { text, scope, tokens: lexer::tokens(text)?, at: 0, depth: 0 };
    let expression = parser.any_of()?;
    match parser.peek() {
        Token::End => Ok(expression),
        Token::Word(word) if word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or") => {
            let small = word.to_ascii_lowercase();
            Err(parser.unexpected(&format!("`{small}` (keywords are written small)")))
        }
        _ => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

struct Parser<'t> {
    text: &'t str,
    scope: Scope,
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].1
    }

    fn place(&self) -> usize {
        self.tokens[self.at].0
    }

    /// The current token, and on to the next; the end stays the end.
    fn take(&mut self) -> Token {
        let token = self.tokens[self.at].1.clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(word) if word == wanted);
        if found {
            self.take();
        }
        found
    }

    fn expect(&mut self, wanted: &Token) -> Result<()> {
        if self.peek() != wanted {
            return Err(self.unexpected(&wanted.to_string()));
        }
        self.take();
        Ok(())
    }

    fn unexpected(&self, expected: &str) -> Error {
        fault(self.text, self.place(), format!("found {}, expected {expected}", self.peek()))
    }

    fn any_of(&mut self) -> Result<Expression> {
        let mut parts = vec![self.all_of()?];
        while self.takes_word("or") {
            parts.push(self.all_of()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expression::Or(parts) })
    }

    fn all_of(&mut self) -> Result<Expression> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expression::And(parts) })
    }

    fn one(&mut self) -> Result<Expression> {
        if self.depth == DEEPEST {
            return Err(fault(self.text, self.place(), format!("found more than {DEEPEST} parentheses and `not` inside each other, expected fewer")));
        }
        self.depth += 1;
        let expression = if self.takes_word("not") {
            Expression::Not(Box::new(self.one()?))
        } else if *self.peek() == Token::Open {
            self.take();
            let inner = self.any_of()?;
            self.expect(&Token::Close)?;
            inner
        } else {
            self.predicate()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn predicate(&mut self) -> Result<Expression> {
        let start = self.place();
        let subject = self.subject()?;
        let place = self.place();
        match self.take() {
            Token::Compare(op) => {
                if subject.subject_type() == SubjectType::Text && !matches!(op, CompareOp::Equal | CompareOp::NotEqual) {
                    return Err(fault(
                        self.text,
                        place,
                        format!("found `{}` after {subject}, which is text without order, expected `==`, `!=` or `in`", op.sign()),
                    ));
                }
                let literal = self.literal(&subject)?;
                Ok(Expression::Compare { subject, op, literal })
            }
            Token::Word(word) => match word.as_str() {
                "in" => self.list(subject, false),
                "not" if self.takes_word("in") => self.list(subject, true),
                "not" => Err(fault(
                    self.text,
                    place,
                    format!("found `not` after {subject}, expected `not in` (any other test is turned round as `not ({subject} …)`)"),
                )),
                "is" => {
                    let negated = self.takes_word("not");
                    if !self.takes_word("missing") {
                        return Err(self.unexpected(if negated { "`missing`" } else { "`missing` or `not missing`" }));
                    }
                    Ok(Expression::IsMissing { subject, negated })
                }
                "starts_with" => Ok(Expression::StartsWith { text: self.text_for(&subject, &word)?, subject }),
                "ends_with" => Ok(Expression::EndsWith { text: self.text_for(&subject, &word)?, subject }),
                "matches" => {
                    let place = self.place();
                    let text = self.text_for(&subject, &word)?;
                    let pattern =
                        Pattern::new(text).map_err(|reason| fault(self.text, place, format!("found a regular expression that cannot be used: {reason}")))?;
                    Ok(Expression::Matches { subject, pattern })
                }
                "within" => self.anniversary(subject, start, place),
                _ => Err(self.no_operator(&subject, place)),
            },
            _ => Err(self.no_operator(&subject, place)),
        }
    }

    fn no_operator(&self, subject: &Subject, place: usize) -> Error {
        let found = self.tokens.iter().find(|(at, _)| *at == place).map_or_else(|| Token::End.to_string(), |(_, token)| token.to_string());
        let expected = "a comparison (== != < <= > >=, in, starts_with, ends_with, matches, is missing, is not missing)";
        fault(self.text, place, format!("found {found} after {subject}, expected {expected}"))
    }

    fn anniversary(&mut self, subject: Subject, start: usize, place: usize) -> Result<Expression> {
        if self.scope == Scope::Row {
            return Err(fault(self.text, place, "found `within`, which only customer conditions (`who`) have, expected a comparison"));
        }
        let Subject::Column(column) = subject else {
            return Err(fault(self.text, start, format!("found {subject} before `within`, expected a date column such as birthday")));
        };
        let span = self.span("a duration such as 7d")?;
        Ok(Expression::AnniversaryWithin { column, span })
    }

    fn subject(&mut self) -> Result<Subject> {
        let start = self.place();
        match self.peek().clone() {
            Token::Quoted(name) => {
                self.take();
                Ok(Subject::Column(name))
            }
            Token::Word(word) if super::KEYWORDS.contains(&word.as_str()) => Err(self.unexpected("a column (a column of this name goes in single quotes)")),
            Token::Word(word) => {
                self.take();
                if *self.peek() == Token::Open {
                    return self.function(&word, start);
                }
                if self.scope == Scope::Row {
                    return Ok(Subject::Column(word));
                }
                Ok(match word.as_str() {
                    "status" => Subject::Status,
                    "tier" => Subject::Tier,
                    "segment" => Subject::Segment,
                    "risk" => Subject::Risk,
                    "value" => Subject::Value,
                    "tenure" => Subject::Tenure,
                    _ => Subject::Column(word),
                })
            }
            Token::Number(_) | Token::Text(_) | Token::Span(_) => {
                Err(self.unexpected("a column first: write `column > 5`, not `5 < column` (column names go bare or in single quotes)"))
            }
            _ => Err(self.unexpected("a column, `not` or `(`")),
        }
    }

    fn function(&mut self, name: &str, start: usize) -> Result<Subject> {
        if !super::FUNCTIONS.contains(&name) {
            let nearest = crate::config::nearest(name, super::FUNCTIONS.iter().copied());
            let advice = nearest.map_or_else(|| format!("one of {}", super::FUNCTIONS.join(", ")), |known| format!("`{known}`"));
            return Err(fault(self.text, start, format!("found the function `{name}`, expected {advice}")));
        }
        if self.scope == Scope::Row {
            return Err(fault(self.text, start, format!("found `{name}(…)`, which only customer conditions (`who`) have, expected a column of the row")));
        }
        self.expect(&Token::Open)?;
        let subject = if name == "days_until" {
            match self.peek().clone() {
                Token::Word(column) | Token::Quoted(column) => {
                    self.take();
                    Subject::DaysUntil { column }
                }
                _ => return Err(self.unexpected("a date column")),
            }
        } else {
            let Token::Text(kind) = self.peek().clone() else { return Err(self.unexpected("a kind of event in double quotes, such as \"purchase\"")) };
            self.take();
            let within = if name != "days_since" && *self.peek() == Token::Comma {
                self.take();
                Some(self.span("a duration such as 30d")?)
            } else {
                None
            };
            match name {
                "count" => Subject::Count { kind, within },
                "sum" => Subject::Sum { kind, within },
                _ => Subject::DaysSince { kind },
            }
        };
        self.expect(&Token::Close)?;
        Ok(subject)
    }

    fn span(&mut self, expected: &str) -> Result<Span> {
        match self.peek() {
            Token::Span(span) if span.seconds > 0 => {
                let span = *span;
                self.take();
                Ok(span)
            }
            Token::Span(_) => Err(self.unexpected("a duration above zero")),
            _ => Err(self.unexpected(expected)),
        }
    }

    /// A text for an operator that takes only text.
    fn text_for(&mut self, subject: &Subject, operator: &str) -> Result<String> {
        if !matches!(subject.subject_type(), SubjectType::Any | SubjectType::Text) {
            return Err(fault(self.text, self.place(), format!("found `{operator}` after {subject}, which is a number, expected == != < <= > >= or in")));
        }
        match self.peek().clone() {
            Token::Text(text) => {
                self.take();
                Ok(text)
            }
            _ => Err(self.unexpected(&format!("a text in double quotes after `{operator}`"))),
        }
    }

    fn list(&mut self, subject: Subject, negated: bool) -> Result<Expression> {
        let close = match self.peek() {
            Token::OpenList => Token::CloseList,
            Token::Open => Token::Close,
            _ => return Err(self.unexpected("a list such as [\"a\", \"b\"]")),
        };
        self.take();
        let mut list = vec![self.literal(&subject)?];
        while *self.peek() == Token::Comma {
            self.take();
            list.push(self.literal(&subject)?);
        }
        if *self.peek() != close {
            return Err(self.unexpected(&format!("`,` or {close}")));
        }
        self.take();
        Ok(Expression::In { subject, list, negated })
    }

    /// A literal of the type that the subject has.
    fn literal(&mut self, subject: &Subject) -> Result<Literal> {
        let expected = match subject.subject_type() {
            SubjectType::Any => "a number or a text in double quotes",
            SubjectType::Text => "a text in double quotes",
            SubjectType::Number => "a number",
            SubjectType::Probability => "a probability between 0 and 1",
            SubjectType::Days => "a number of days or a duration such as 30d",
        };
        let literal = match (self.peek().clone(), subject.subject_type()) {
            (Token::Text(text), SubjectType::Any) => Literal::Text(text),
            (Token::Text(text), SubjectType::Text) => {
                if *subject == Subject::Status && !STATUSES.contains(&text.as_str()) {
                    return Err(self.unexpected(&format!("one of the statuses {}", STATUSES.join(", "))));
                }
                Literal::Text(text)
            }
            (Token::Number(number), SubjectType::Probability) if (0.0..=1.0).contains(&number) => Literal::Number(number),
            (Token::Number(number), SubjectType::Any | SubjectType::Number | SubjectType::Days) => Literal::Number(number),
            (Token::Span(span), SubjectType::Days) => Literal::Span(span),
            _ => return Err(self.unexpected(&format!("{expected} to compare {subject} with"))),
        };
        self.take();
        Ok(literal)
    }
}
