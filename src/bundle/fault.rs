//! Every way the bytes of a bundle can be wrong, each with its own message.

use crate::error::{Error, ErrorKind};
use std::path::Path;

/// What is wrong with a bundle. The steps L1 to L16 are those of docs/bundle.md.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleFault {
    /// L1: the operating system does not give it to us (exit 66).
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// What the operating system said.
        reason: String,
    },
    /// L1: a folder, a pipe or a device.
    #[error("is a {found}, expected a bundle file")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// L1: more than a bundle may have.
    #[error("has {bytes} bytes, a bundle has at most {most}")]
    TooLarge {
        /// Size of the file.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// L2: it ends within the fixed header.
    #[error("has {bytes} bytes, a bundle has at least 128; copy or train it again")]
    TooShort {
        /// Size of the file.
        bytes: u64,
    },
    /// L3: some other kind of file.
    #[error("does not begin like a bundle (found {found}); name a .hfb file written by holdfast-train")]
    NotABundle {
        /// What the first bytes look like.
        found: String,
    },
    /// L3: a bundle that a transfer in text mode has damaged.
    #[error("was a bundle until a transfer in text mode changed its line ends; copy it again in binary mode")]
    TextMode,
    /// L4: written by a later or unknown generation of the format.
    #[error("bundle format {major}.{minor}, this version reads 1.x; use the holdfast version that wrote it or a later one")]
    OtherMajor {
        /// Its major version.
        major: u16,
        /// Its minor version.
        minor: u16,
    },
    /// L5: not 1 to 64 sections.
    #[error("says it has {count} sections, expected 1 to 64")]
    SectionCount {
        /// The count found.
        count: u32,
    },
    /// L5: the length of the header does not follow from the count of sections.
    #[error("says its header has {found} bytes, expected {expected}")]
    HeaderLength {
        /// The length found.
        found: u32,
        /// 128 + 48 for each section.
        expected: u32,
    },
    /// L5: it ends within the section table.
    #[error("ends within its section table; copy or train it again")]
    TableCut,
    /// L6: header or table changed.
    #[error("its header does not match its hash: the file is damaged; copy or train it again")]
    HeaderHash,
    /// L7: cut, or something was appended.
    #[error("has {size} bytes, its header says {said}; copy it again")]
    TotalLength {
        /// What the header says.
        said: u64,
        /// The size of the file.
        size: u64,
    },
    /// L7: bits that no version known here sets.
    #[error("has unknown flags {flags:#x}; use the holdfast version that wrote it or a later one")]
    UnknownFlags {
        /// The flags found.
        flags: u32,
    },
    /// L8: offset and length do not fit into 64 bits or into the file.
    #[error("section {kind} reaches beyond the end of the file")]
    SectionBounds {
        /// Number of the kind.
        kind: u32,
    },
    /// L8: a hole before the section, or an overlap with the one before.
    #[error("section {kind} begins at byte {found}, expected {expected}")]
    SectionStart {
        /// Number of the kind.
        kind: u32,
        /// Its offset.
        found: u64,
        /// Where the previous one ends, rounded up to 8.
        expected: u64,
    },
    /// L8: bytes after the last section.
    #[error("its sections end at byte {sections}, the file at {total}")]
    Unindexed {
        /// Where the last section ends with its padding.
        sections: u64,
        /// Length of the file.
        total: u64,
    },
    /// L8: a kind that is there twice.
    #[error("has section {kind} twice")]
    DuplicateSection {
        /// Number of the kind.
        kind: u32,
    },
    /// L8: kinds are not ascending.
    #[error("section {kind} stands after a section of a higher number")]
    SectionOrder {
        /// Number of the kind.
        kind: u32,
    },
    /// L8: needed, and this version does not know it.
    #[error("needs section {kind}, which this version does not know; use the holdfast version that wrote it or a later one")]
    UnknownRequired {
        /// Number of the kind.
        kind: u32,
    },
    /// L8: a kind that the stated format version does not have.
    #[error("has a section {kind} that format {major}.{minor} does not have")]
    UnknownSection {
        /// Number of the kind.
        kind: u32,
        /// Major version of the file.
        major: u16,
        /// Minor version of the file.
        minor: u16,
    },
    /// L8: flags of a section that are not those of its kind.
    #[error("section {kind} has the flags {flags:#x}, which are not those of its kind")]
    SectionFlags {
        /// Number of the kind.
        kind: u32,
        /// The flags found.
        flags: u32,
    },
    /// L8: without this section it is no bundle.
    #[error("has no section {name}; train it again")]
    MissingSection {
        /// Name of the section.
        name: &'static str,
    },
    /// L9: the file shrank while it was read.
    #[error("became shorter while it was read; wait until the copy has ended")]
    Shrunk,
    /// L9: the file grew while it was read.
    #[error("became longer while it was read; wait until the copy has ended")]
    Grown,
    /// L10: a section changed.
    #[error("section {kind} does not match its hash: the file is damaged; copy or train it again")]
    SectionHash {
        /// Number of the kind.
        kind: u32,
    },
    /// L11: the bytes between sections are not zero.
    #[error("the padding after section {kind} is not zero")]
    Padding {
        /// Number of the kind.
        kind: u32,
    },
    /// L11: the whole does not match.
    #[error("its content does not match its hash: the file is damaged; copy or train it again")]
    ContentHash,
    /// L12: META is longer than any text tool should have to open.
    #[error("META has {bytes} bytes, at most {most} are allowed")]
    MetaTooLong {
        /// Its length.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// L12: META is not the JSON it has to be.
    #[error("META cannot be read: {reason}")]
    Meta {
        /// What the parser said.
        reason: String,
    },
    /// L12: a section does not decode within its limit.
    #[error("section {section} cannot be decoded: {reason}; its hashes are right, so another version of holdfast wrote it: use that one, or train again")]
    Decode {
        /// Name of the section.
        section: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// L12: a section goes on after its content.
    #[error(
        "section {section} has {bytes} bytes after its content; its hashes are right, so another version of holdfast wrote it: use that one, or train again"
    )]
    Leftover {
        /// Name of the section.
        section: &'static str,
        /// How many.
        bytes: u64,
    },
    /// L13: the same content has one form only, and this is another.
    #[error("section {section} is not in the one form its content has")]
    NotCanonical {
        /// Name of the section.
        section: &'static str,
    },
    /// L14: the count in the table is not the count in the section.
    #[error("section {section} says it has {said} elements and has {found}")]
    Count {
        /// Name of the section.
        section: &'static str,
        /// What the table says.
        said: u64,
        /// What is there.
        found: u64,
    },
    /// L14: a value that no honest training writes.
    #[error("section {section} is invalid: {reason}")]
    Invalid {
        /// Name of the section.
        section: &'static str,
        /// Which value and why.
        reason: String,
    },
    /// L15: the header speaks of other features or another contract than the sections.
    #[error("its header was written for other features or another contract than its sections hold; train it again")]
    SchemaHash,
    /// L16: the models do not give the results they gave when they were written.
    #[error("self-test failed: {reason}; train it again on this type of processor with this version")]
    SelfTest {
        /// Which result differs.
        reason: String,
    },
}

impl BundleFault {
    /// The error of the program for this fault of the file: 66 when it cannot be read, else 65.
    pub fn at(self, path: &Path) -> Error {
        let kind = if matches!(self, BundleFault::Unreadable { .. }) { ErrorKind::NoInput } else { ErrorKind::Data };
        Error::new(kind, self.to_string()).file(path)
    }
}
