//! The one language for conditions: `where`, `returned_if`, `recommend_if`, `who`.

use crate::error::Result;

/// A parsed condition. Row conditions see the columns of a row; customer conditions (`who`) are parsed and checked here and
/// evaluated by the decision stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// As written.
    pub text: String,
    pub(crate) root: Expression,
}

/// A node of a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// Placeholder.
    True,
}

impl Condition {
    /// Parses a row condition.
    ///
    /// # Errors
    /// 78 with the column in the text where it stops making sense.
    pub fn parse_row(_text: &str) -> Result<Condition> {
        todo!()
    }
    /// Parses a customer condition (`who`).
    ///
    /// # Errors
    /// As [`Condition::parse_row`].
    pub fn parse_customer(_text: &str) -> Result<Condition> {
        todo!()
    }
    /// The names of the columns it reads, each once, in order of appearance.
    pub fn columns(&self) -> Vec<&str> {
        todo!()
    }
    /// Resolves column names to positions in a record.
    ///
    /// # Errors
    /// 78 naming the unknown column and the nearest known one.
    pub fn bind(&self, _header: &[String]) -> Result<BoundCondition> {
        todo!()
    }
}

/// A condition whose columns are positions in a record.
#[derive(Debug, Clone)]
pub struct BoundCondition {}

impl BoundCondition {
    /// Whether the row passes. `field(i)` gives the text of column `i`, `None` where it is missing.
    /// A comparison with a missing value is false, also `!=` and `not in`; `not (…)` of it is true.
    pub fn holds<'a>(&self, _field: impl Fn(usize) -> Option<&'a [u8]>) -> bool {
        todo!()
    }
}
