//! Regular expressions over the bytes of a field, with a shortcut for the shapes that configs are full of: an anchored run of
//! ASCII classes such as `^[0-9]{5}` or `^C\d+$` up to its first variable part is a table look-up per byte.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Most memory a compiled pattern may take, in bytes.
const LARGEST: usize = 1 << 20;
/// Longest run of the shortcut, in bytes.
const LONGEST_RUN: usize = 64;

/// A regular expression, compiled once.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    run: Option<Run>,
}

/// Two patterns are equal when they are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Compiles the expression (syntax of the `regex` crate, Unicode on).
    ///
    /// # Errors
    /// One line saying what is wrong with it.
    pub(super) fn new(text: String) -> Result<Self, String> {
        let regex = RegexBuilder::new(&text).size_limit(LARGEST).build().map_err(|error| match error {
            regex::Error::Syntax(message) => message.lines().last().unwrap_or(&message).trim_start_matches("error: ").to_owned(),
            regex::Error::CompiledTooBig(_) => format!("it needs more than {LARGEST} bytes; use smaller repetition counts"),
            other => other.to_string(),
        })?;
        let run = regex_syntax::ParserBuilder::new().utf8(false).build().parse(&text).ok().and_then(|hir| Run::of(&hir));
        Ok(Pattern { text, regex, run })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the pattern occurs in the field.
    pub fn is_match(&self, field: &[u8]) -> bool {
        match &self.run {
            Some(run) => run.is_match(field).unwrap_or_else(|| self.regex.is_match(field)),
            None => self.regex.is_match(field),
        }
    }
}

/// `^`, then one set of ASCII bytes per position, then perhaps the end.
#[derive(Debug, Clone)]
struct Run {
    sets: Box<[u128]>,
    to_the_end: bool,
}

impl Run {
    fn of(hir: &Hir) -> Option<Run> {
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let (first, parts) = parts.split_first()?;
        if *first.kind() != HirKind::Look(Look::Start) {
            return None;
        }
        let (to_the_end, parts) = match parts.split_last() {
            Some((last, rest)) if *last.kind() == HirKind::Look(Look::End) => (true, rest),
            _ => (false, parts),
        };
        let mut sets = Vec::new();
        for part in parts {
            push(part, &mut sets)?;
        }
        Some(Run { sets: sets.into(), to_the_end })
    }

    /// `None` where a byte outside ASCII decides: the full expression knows those.
    fn is_match(&self, field: &[u8]) -> Option<bool> {
        for (position, set) in self.sets.iter().enumerate() {
            let Some(byte) = field.get(position) else { return Some(false) };
            if !byte.is_ascii() {
                return None;
            }
            if set >> byte & 1 == 0 {
                return Some(false);
            }
        }
        Some(!self.to_the_end || field.len() == self.sets.len())
    }
}

/// Adds one set per byte that the part takes; `None` for parts without a fixed length or with letters outside ASCII.
fn push(part: &Hir, sets: &mut Vec<u128>) -> Option<()> {
    match part.kind() {
        HirKind::Literal(literal) => {
            if !literal.0.is_ascii() {
                return None;
            }
            sets.extend(literal.0.iter().map(|byte| 1u128 << byte));
        }
        // Letters of a class outside ASCII are left to the full expression, which is asked when such a byte is met.
        HirKind::Class(Class::Unicode(class)) => {
            let ascii = |range: &regex_syntax::hir::ClassUnicodeRange| u32::from(range.start())..=u32::from(range.end()).min(127);
            sets.push(class.iter().flat_map(ascii).fold(0, |set, byte| set | 1u128 << byte));
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ascii = |range: &regex_syntax::hir::ClassBytesRange| u32::from(range.start())..=u32::from(range.end()).min(127);
            sets.push(class.iter().flat_map(ascii).fold(0, |set, byte| set | 1u128 << byte));
        }
        HirKind::Repetition(repetition) if Some(repetition.min) == repetition.max => {
            for _ in 0..repetition.min {
                push(&repetition.sub, sets)?;
            }
        }
        HirKind::Concat(parts) => {
            for part in parts {
                push(part, sets)?;
            }
        }
        HirKind::Capture(capture) => push(&capture.sub, sets)?,
        _ => return None,
    }
    (sets.len() <= LONGEST_RUN).then_some(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text.to_owned()).unwrap()
    }

    #[test]
    fn five_digits_at_the_start_take_the_shortcut() {
        for text in ["^[0-9]{5}", "^C", "^[A-Z]{2}-[0-9]$", r"^\d{3}", "^(?:ab)c"] {
            assert!(pattern(text).run.is_some(), "{text}");
        }
        for text in ["[0-9]{5}", "^a|b", "^a+", "^é", "(?m)^a"] {
            assert!(pattern(text).run.is_none(), "{text}");
        }
    }

    #[test]
    fn a_digit_of_another_script_still_matches_backslash_d() {
        assert!(pattern(r"^\d\d").is_match("٣1".as_bytes()));
        assert!(!pattern("^[0-9][0-9]").is_match("٣1".as_bytes()));
    }

    #[test]
    fn a_bad_expression_is_named_in_one_line() {
        let reason = Pattern::new("a(b".to_owned()).unwrap_err();
        assert_eq!(reason, "unclosed group");
        assert!(Pattern::new("(a{1000}){1000}".to_owned()).unwrap_err().contains("smaller repetition"));
    }

    proptest! {
        #[test]
        fn the_shortcut_agrees_with_the_full_expression(
            text in r"\^(\[0-9\]\{[0-3]\}|C|\[A-C\]|\\d|\(ab\)|\.|\[\^x\]){0,4}\$?",
            field in "[0-9A-Dab٣éx\n]{0,6}",
        ) {
            let pattern = pattern(&text);
            prop_assert_eq!(pattern.is_match(field.as_bytes()), pattern.regex.is_match(field.as_bytes()), "{} on {:?}", text, field);
        }
    }
}
