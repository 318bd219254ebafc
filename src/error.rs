//! The one error of the program: its kind (which is its exit code), the place it happened, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// What went wrong, by what the caller can do about it. Each kind has one exit code (`sysexits.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command line does not fit (exit 2).
    Usage,
    /// The run finished and its verdict is no: retrain, do not score, challenger worse (exit 3).
    Advice,
    /// The data or the bundle cannot be used as it is (exit 65).
    Data,
    /// An input file is missing or cannot be read (exit 66).
    NoInput,
    /// A fault of the program itself (exit 70).
    Internal,
    /// The output cannot be created (exit 73).
    CannotCreate,
    /// Writing the output failed midway (exit 74).
    Output,
    /// Another run holds the output folder (exit 75); the only one worth a retry.
    Locked,
    /// The config cannot be used (exit 78).
    Config,
    /// Stopped by a signal of this number (exit 128 + number).
    Signal(u8),
}

impl ErrorKind {
    /// The exit code that the binaries return for this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Usage => 2,
            ErrorKind::Advice => 3,
            ErrorKind::Data => 65,
            ErrorKind::NoInput => 66,
            ErrorKind::Internal => 70,
            ErrorKind::CannotCreate => 73,
            ErrorKind::Output => 74,
            ErrorKind::Locked => 75,
            ErrorKind::Config => 78,
            ErrorKind::Signal(number) => 128 + number,
        }
    }
}

/// Where it happened. Every part that is known is named, in this order, before the fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Option<PathBuf>,
    /// Its line, from 1.
    pub line: Option<u64>,
    /// The column: a name in a data file, a number in a config.
    pub column: Option<String>,
}

/// An error with its place. The message says what was found, what was expected and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    place: Place,
    message: String,
}

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error without a place; add what is known with [`Error::file`], [`Error::line`], [`Error::column`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, place: Place::default(), message: message.into() }
    }
    /// Bad data (exit 65).
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }
    /// Bad config (exit 78).
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }
    /// A fault of the program (exit 70).
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }
    /// An input that cannot be read (exit 66), from the operating system's error.
    pub fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::NoInput, format!("cannot be read: {error}")).file(file)
    }
    /// The file it happened in.
    pub fn file(mut self, file: &Path) -> Self {
        self.place.file = Some(file.to_path_buf());
        self
    }
    /// The file it happened in, where it does not say one already.
    pub fn or_file(self, file: &Path) -> Self {
        if self.place.file.is_some() { self } else { self.file(file) }
    }
    /// The line it happened on, from 1.
    pub fn line(mut self, line: u64) -> Self {
        self.place.line = Some(line);
        self
    }
    /// The column it happened in.
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.place.column = Some(column.into());
        self
    }
    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
    /// Where it happened.
    pub fn place(&self) -> &Place {
        &self.place
    }
    /// The message without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.place.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.place.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        if let Some(column) = &self.place.column {
            write!(f, "column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_stands_before_the_fault() {
        let error = Error::data("found \"x\", expected a number").file(Path::new("orders.csv")).line(12).column("Price");
        assert_eq!(error.to_string(), "orders.csv:12: column Price: found \"x\", expected a number");
        assert_eq!(error.kind().exit_code(), 65);
    }
}
