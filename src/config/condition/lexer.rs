//! The text of a condition as tokens. Knows no grammar.

use super::{CompareOp, fault};
use crate::config::Span;
use crate::error::Result;
use std::fmt;

/// A piece of the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word: keyword, column or function.
    Word(String),
    /// A name in single quotes: always a column.
    Quoted(String),
    /// Text in double quotes.
    Text(String),
    /// A bare number, finite.
    Number(f64),
    /// A duration such as `30d`.
    Span(Span),
    /// `==` `!=` `<` `<=` `>` `>=`.
    Compare(CompareOp),
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `[`.
    OpenList,
    /// `]`.
    CloseList,
    /// `,`.
    Comma,
    /// The end of the text.
    End,
}

/// As the token is named in messages.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(word) => write!(f, "`{word}`"),
            Token::Quoted(name) => write!(f, "the column '{name}'"),
            Token::Text(text) => write!(f, "the text \"{text}\""),
            Token::Number(number) => write!(f, "the number {number}"),
            Token::Span(span) => write!(f, "the duration {span}"),
            Token::Compare(op) => write!(f, "`{}`", op.sign()),
            Token::Open => f.write_str("`(`"),
            Token::Close => f.write_str("`)`"),
            Token::OpenList => f.write_str("`[`"),
            Token::CloseList => f.write_str("`]`"),
            Token::Comma => f.write_str("`,`"),
            Token::End => f.write_str("the end"),
        }
    }
}

/// Whether a bare word may begin with this letter.
pub(super) fn begins_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether a bare word may go on with this letter.
pub(super) fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// All tokens with the byte at which each begins, an [`Token::End`] last.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_while(char::is_whitespace);
        let start = lexer.at;
        let token = lexer.next()?;
        let end = token == Token::End;
        tokens.push((start, token));
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let start = self.at;
        while let Some(c) = self.peek().filter(|c| wanted(*c)) {
            self.at += c.len_utf8();
        }
        &self.text[start..self.at]
    }

    fn next(&mut self) -> Result<Token> {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        for (sign, token) in [
            ("==", Token::Compare(CompareOp::Equal)),
            ("!=", Token::Compare(CompareOp::NotEqual)),
            ("<=", Token::Compare(CompareOp::AtMost)),
            (">=", Token::Compare(CompareOp::AtLeast)),
            ("<>", Token::End),
            ("<", Token::Compare(CompareOp::Less)),
            (">", Token::Compare(CompareOp::Greater)),
            ("(", Token::Open),
            (")", Token::Close),
            ("[", Token::OpenList),
            ("]", Token::CloseList),
            (",", Token::Comma),
        ] {
            // `<>` is in the list only so that it is not read as `<` and `>`; it is refused below.
            if rest.starts_with(sign) && sign != "<>" {
                self.at += sign.len();
                return Ok(token);
            }
            if rest.starts_with("<>") {
                break;
            }
        }
        let number_next = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        match first {
            '\'' => Ok(Token::Quoted(self.quoted('\'', "a column name")?)),
            '"' => Ok(Token::Text(self.quoted('"', "a text")?)),
            c if begins_word(c) => Ok(Token::Word(self.skip_while(continues_word).to_owned())),
            c if c.is_ascii_digit() => self.number(),
            '-' | '.' if number_next(&rest[1..]) || (rest.starts_with("-.") && number_next(&rest[2..])) => self.number(),
            _ => Err(self.unknown_sign(first)),
        }
    }

    /// The name or text up to the closing quote; a doubled quote is one quote. A backslash is a plain letter, so regular
    /// expressions are written as they are.
    fn quoted(&mut self, quote: char, what: &str) -> Result<String> {
        let start = self.at;
        self.at += 1;
        let mut content = String::new();
        loop {
            content.push_str(self.skip_while(|c| c != quote));
            if self.peek().is_none() {
                return Err(fault(
                    self.text,
                    start,
                    format!("found {what} that is not closed, expected a closing {quote} (a {quote} inside is written twice)"),
                ));
            }
            self.at += 1;
            if self.peek() != Some(quote) {
                break;
            }
            content.push(quote);
            self.at += 1;
        }
        if quote == '\'' && content.is_empty() {
            return Err(fault(self.text, start, "found an empty column name, expected a name between the single quotes (text goes in double quotes)"));
        }
        Ok(content)
    }

    /// A number, or a duration when a unit follows at once.
    fn number(&mut self) -> Result<Token> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let mut at = digits(start + usize::from(bytes[start] == b'-'));
        if bytes.get(at) == Some(&b'.') {
            at = digits(at + 1);
        }
        if bytes.get(at).is_some_and(|b| b.eq_ignore_ascii_case(&b'e')) {
            let sign = usize::from(bytes.get(at + 1).is_some_and(|b| matches!(b, b'+' | b'-')));
            let end = digits(at + 1 + sign);
            if end > at + 1 + sign {
                at = end;
            }
        }
        self.at = at;
        let unit = self.skip_while(continues_word);
        let whole = &self.text[start..self.at];
        if !unit.is_empty() {
            return Span::parse(whole).map(Token::Span).ok_or_else(|| {
                fault(
                    self.text,
                    start,
                    format!("found `{whole}`, expected a number or a duration such as 36h, 30d, 12w, 6mo or 1y (text goes in double quotes)"),
                )
            });
        }
        match whole.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Number(number)),
            _ => Err(fault(self.text, start, format!("found `{whole}`, expected a finite number"))),
        }
    }

    fn unknown_sign(&self, first: char) -> crate::error::Error {
        let advice = match first {
            '=' => "expected `==` for \"equal\"",
            '!' => "expected `!=` or `not`",
            '<' => "expected `!=` for \"not equal\"",
            '&' => "expected `and`",
            '|' => "expected `or`",
            '~' => "expected `matches`",
            _ => "expected a column, a number, a text in double quotes or an operator (column names with blanks or signs go in single quotes)",
        };
        fault(self.text, self.at, format!("found `{}`, {advice}", if self.text[self.at..].starts_with("<>") { "<>".to_owned() } else { first.to_string() }))
    }
}
