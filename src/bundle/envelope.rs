//! The envelope of a bundle: a header of 128 bytes, a table of sections, and the sections, every byte under a hash.
//!
//! In: sections as bytes. Out: the same, after every check that needs no knowledge of what the bytes mean (steps L1 to L11 of
//! docs/bundle.md). All integers are little endian.

use super::fault::BundleFault;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// First bytes of every bundle: a high bit, our letters, CR LF, a DOS end of text and LF. Transfers that change text break them.
pub(super) const MAGIC: [u8; 8] = *b"\x89HFB\r\n\x1a\n";
/// Generation of the format; readers refuse another.
pub(super) const FORMAT_MAJOR: u16 = 1;
/// Additions within the generation.
pub(super) const FORMAT_MINOR: u16 = 0;
/// Length of the fixed header.
pub(super) const HEADER: usize = 128;
/// Length of an entry of the section table.
pub(super) const ENTRY: usize = 48;
/// Most sections a bundle may have.
const MOST_SECTIONS: u32 = 64;
/// Largest bundle that is read.
pub(super) const MOST_BYTES: u64 = 2 << 30;
/// Bit 0 of a section's flags: a reader that does not know the section must refuse the bundle.
pub(super) const REQUIRED: u32 = 1;

/// The kinds of section of format 1.0, in the order in which they stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Meta = 1,
    Features = 2,
    Churn = 3,
    Recommender = 4,
    Effects = 5,
    Baseline = 6,
    SelfTest = 7,
    Segments = 8,
    Journey = 9,
}

impl Kind {
    pub(super) const ALL: [Kind; 9] =
        [Kind::Meta, Kind::Features, Kind::Churn, Kind::Recommender, Kind::Effects, Kind::Baseline, Kind::SelfTest, Kind::Segments, Kind::Journey];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Meta => "META",
            Kind::Features => "FEATURES",
            Kind::Churn => "CHURN",
            Kind::Recommender => "CF",
            Kind::Effects => "EFFECTS",
            Kind::Baseline => "BASELINE",
            Kind::SelfTest => "SELFTEST",
            Kind::Segments => "SEGMENTS",
            Kind::Journey => "JOURNEY",
        }
    }

    /// Whether scoring without it would give other results.
    fn flags(self) -> u32 {
        if matches!(self, Kind::Baseline | Kind::Journey) { 0 } else { REQUIRED }
    }

    /// Whether every bundle has it.
    fn always(self) -> bool {
        matches!(self, Kind::Meta | Kind::Features | Kind::SelfTest)
    }

    fn of(number: u32) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u32 == number)
    }
}

/// A section before it is sealed, or after it was opened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Section {
    pub(super) kind: Kind,
    /// Main elements; 0 where nothing is counted.
    pub(super) count: u64,
    pub(super) bytes: Vec<u8>,
}

/// What the envelope held.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) format: (u16, u16),
    pub(super) schema_hash: [u8; 32],
    pub(super) content_hash: [u8; 32],
    pub(super) total: u64,
    /// Ascending by kind.
    pub(super) sections: Vec<Section>,
}

impl Opened {
    pub(super) fn section(&self, kind: Kind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }
}

/// An entry of the section table.
struct Entry {
    kind: u32,
    flags: u32,
    offset: u64,
    len: u64,
    count: u64,
    hash: [u8; 16],
}

/// Seals sections, which must be ascending by kind, into the bytes of a file.
pub(super) fn seal(sections: &[Section], schema_hash: [u8; 32]) -> Vec<u8> {
    let header_len = HEADER + ENTRY * sections.len();
    let total = sections.iter().fold(header_len, |end, section| end + section.bytes.len().next_multiple_of(8));
    let mut file = Vec::with_capacity(total);
    file.extend(MAGIC);
    file.extend(FORMAT_MAJOR.to_le_bytes());
    file.extend(FORMAT_MINOR.to_le_bytes());
    file.extend((header_len as u32).to_le_bytes());
    file.extend((total as u64).to_le_bytes());
    file.extend((sections.len() as u32).to_le_bytes());
    file.extend(0u32.to_le_bytes());
    file.extend(schema_hash);
    file.resize(HEADER, 0);
    let mut offset = header_len;
    for section in sections {
        file.extend((section.kind as u32).to_le_bytes());
        file.extend(section.kind.flags().to_le_bytes());
        file.extend((offset as u64).to_le_bytes());
        file.extend((section.bytes.len() as u64).to_le_bytes());
        file.extend(section.count.to_le_bytes());
        file.extend(&blake3::hash(&section.bytes).as_bytes()[..16]);
        offset += section.bytes.len().next_multiple_of(8);
    }
    for section in sections {
        file.extend(&section.bytes);
        file.resize(file.len().next_multiple_of(8), 0);
    }
    seal_hashes(&mut file, header_len);
    file
}

/// Writes content_hash and header_hash into a file whose other bytes are final.
fn seal_hashes(file: &mut [u8], header_len: usize) {
    let content = blake3::hash(&file[header_len..]);
    file[64..96].copy_from_slice(content.as_bytes());
    let header = header_hash(&file[..96], &file[HEADER..header_len]);
    file[96..128].copy_from_slice(&header);
}

fn header_hash(fixed: &[u8], table: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(fixed);
    hasher.update(table);
    *hasher.finalize().as_bytes()
}

/// L1 to L11 on a file.
pub(super) fn open(path: &Path, most: u64) -> Result<Opened, BundleFault> {
    let unreadable = |error: std::io::Error| BundleFault::Unreadable { reason: error.to_string() };
    // Before the file is opened: opening a pipe would wait for someone to write into it.
    regular(&std::fs::metadata(path).map_err(unreadable)?, most)?;
    let file = File::open(path).map_err(unreadable)?;
    // Again on the handle: the name may mean another file by now.
    let size = regular(&file.metadata().map_err(unreadable)?, most)?;
    read(file, size)
}

fn regular(facts: &std::fs::Metadata, most: u64) -> Result<u64, BundleFault> {
    if !facts.is_file() {
        return Err(BundleFault::NotAFile { found: if facts.is_dir() { "folder" } else { "pipe or device" } });
    }
    if facts.len() > most {
        return Err(BundleFault::TooLarge { bytes: facts.len(), most });
    }
    Ok(facts.len())
}

/// L2 to L11 on a stream that is said to have `size` bytes.
pub(super) fn read(mut source: impl Read, size: u64) -> Result<Opened, BundleFault> {
    if size < HEADER as u64 {
        return Err(BundleFault::TooShort { bytes: size });
    }
    let mut header = [0u8; HEADER];
    fill(&mut source, &mut header, BundleFault::Shrunk)?;
    magic(&header)?;
    let major = u16::from_le_bytes(array(&header, 8));
    let minor = u16::from_le_bytes(array(&header, 10));
    if major != FORMAT_MAJOR {
        return Err(BundleFault::OtherMajor { major, minor });
    }
    let header_len = u32::from_le_bytes(array(&header, 12));
    let said = u64::from_le_bytes(array(&header, 16));
    let count = u32::from_le_bytes(array(&header, 24));
    let flags = u32::from_le_bytes(array(&header, 28));
    if !(1..=MOST_SECTIONS).contains(&count) {
        return Err(BundleFault::SectionCount { count });
    }
    let expected = (HEADER + ENTRY * count as usize) as u32;
    if header_len != expected {
        return Err(BundleFault::HeaderLength { found: header_len, expected });
    }
    if size < u64::from(header_len) {
        return Err(BundleFault::TableCut);
    }
    let mut table = vec![0u8; ENTRY * count as usize];
    fill(&mut source, &mut table, BundleFault::Shrunk)?;
    if header_hash(&header[..96], &table) != array::<32>(&header, 96) {
        return Err(BundleFault::HeaderHash);
    }
    if said != size {
        return Err(BundleFault::TotalLength { said, size });
    }
    if flags != 0 {
        return Err(BundleFault::UnknownFlags { flags });
    }
    let entries: Vec<Entry> = table.chunks_exact(ENTRY).map(entry).collect();
    check_table(&entries, u64::from(header_len), size, (major, minor))?;

    // The size is the file's own and below the limit, so this much may be asked for.
    let mut content = vec![0u8; (size - u64::from(header_len)) as usize];
    fill(&mut source, &mut content, BundleFault::Shrunk)?;
    let mut beyond = [0u8; 1];
    if read_some(&mut source, &mut beyond)? != 0 {
        return Err(BundleFault::Grown);
    }
    let sections = check_content(&entries, &content, header_len as usize)?;
    let content_hash = array(&header, 64);
    if blake3::hash(&content).as_bytes() != &content_hash {
        return Err(BundleFault::ContentHash);
    }
    Ok(Opened { format: (major, minor), schema_hash: array(&header, 32), content_hash, total: size, sections })
}

/// L3, with the mistakes that people make named.
fn magic(header: &[u8; HEADER]) -> Result<(), BundleFault> {
    if header[..8] == MAGIC {
        return Ok(());
    }
    if header.windows(3).take(3).any(|window| window == b"HFB") {
        return Err(BundleFault::TextMode);
    }
    let found = if header.starts_with(&[0x1f, 0x8b]) {
        "gzip; decompress it first".to_string()
    } else if header.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        "zstd; decompress it first".to_string()
    } else {
        let text: String = header[..8].iter().map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { *byte as char } else { '.' }).collect();
        format!("\"{text}\"")
    };
    Err(BundleFault::NotABundle { found })
}

/// L8.
fn check_table(entries: &[Entry], header_len: u64, size: u64, (major, minor): (u16, u16)) -> Result<(), BundleFault> {
    let mut expected = header_len;
    let mut previous = 0;
    for entry in entries {
        let kind = entry.kind;
        if entry.offset != expected {
            return Err(BundleFault::SectionStart { kind, found: entry.offset, expected });
        }
        let end = entry.offset.checked_add(entry.len).and_then(|end| end.checked_next_multiple_of(8)).filter(|end| *end <= size);
        expected = end.ok_or(BundleFault::SectionBounds { kind })?;
        if kind == previous {
            return Err(BundleFault::DuplicateSection { kind });
        }
        if kind < previous {
            return Err(BundleFault::SectionOrder { kind });
        }
        previous = kind;
        match Kind::of(kind) {
            Some(known) if entry.flags != known.flags() => return Err(BundleFault::SectionFlags { kind, flags: entry.flags }),
            Some(_) => {}
            None if entry.flags & REQUIRED != 0 => return Err(BundleFault::UnknownRequired { kind }),
            None if entry.flags != 0 => return Err(BundleFault::SectionFlags { kind, flags: entry.flags }),
            None if minor > FORMAT_MINOR => {}
            None => return Err(BundleFault::UnknownSection { kind, major, minor }),
        }
    }
    if expected != size {
        return Err(BundleFault::Unindexed { sections: expected, total: size });
    }
    match Kind::ALL.into_iter().find(|kind| kind.always() && entries.iter().all(|entry| entry.kind != *kind as u32)) {
        Some(kind) => Err(BundleFault::MissingSection { name: kind.name() }),
        None => Ok(()),
    }
}

/// L10 and the padding of L11. The table was checked, so every range lies within the content.
fn check_content(entries: &[Entry], content: &[u8], header_len: usize) -> Result<Vec<Section>, BundleFault> {
    let mut sections = Vec::new();
    for entry in entries {
        let start = entry.offset as usize - header_len;
        let end = start + entry.len as usize;
        let bytes = &content[start..end];
        if blake3::hash(bytes).as_bytes()[..16] != entry.hash {
            return Err(BundleFault::SectionHash { kind: entry.kind });
        }
        if content[end..end.next_multiple_of(8)].iter().any(|byte| *byte != 0) {
            return Err(BundleFault::Padding { kind: entry.kind });
        }
        if let Some(kind) = Kind::of(entry.kind) {
            sections.push(Section { kind, count: entry.count, bytes: bytes.to_vec() });
        }
    }
    Ok(sections)
}

fn entry(bytes: &[u8]) -> Entry {
    Entry {
        kind: u32::from_le_bytes(array(bytes, 0)),
        flags: u32::from_le_bytes(array(bytes, 4)),
        offset: u64::from_le_bytes(array(bytes, 8)),
        len: u64::from_le_bytes(array(bytes, 16)),
        count: u64::from_le_bytes(array(bytes, 24)),
        hash: array(bytes, 32),
    }
}

/// `N` bytes from `start`; callers pass slices whose length is fixed by the format.
fn array<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[start + index])
}

fn fill(source: &mut impl Read, mut buffer: &mut [u8], short: BundleFault) -> Result<(), BundleFault> {
    while !buffer.is_empty() {
        match read_some(source, buffer)? {
            0 => return Err(short),
            count => buffer = &mut buffer[count..],
        }
    }
    Ok(())
}

fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, BundleFault> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other.map_err(|error| BundleFault::Unreadable { reason: error.to_string() }),
        }
    }
}

#[cfg(test)]
pub(super) mod hostile {
    //! Ways to damage a sealed file, with or without sealing it again as an attacker or a wrong writer would.

    use super::*;

    /// Recomputes the hashes of the sections that lie within the file, of the content and of the header.
    pub(in crate::bundle) fn reseal(file: &mut [u8]) {
        let count = u32::from_le_bytes(array(file, 24)) as usize;
        let header_len = HEADER + ENTRY * count;
        if header_len > file.len() {
            return;
        }
        for index in 0..count {
            let at = HEADER + ENTRY * index;
            let start = u64::from_le_bytes(array(file, at + 8));
            let end = start.saturating_add(u64::from_le_bytes(array(file, at + 16)));
            if end <= file.len() as u64 && start <= end {
                let hash = blake3::hash(&file[start as usize..end as usize]);
                file[at + 32..at + 48].copy_from_slice(&hash.as_bytes()[..16]);
            }
        }
        seal_hashes(file, header_len);
    }

    /// Byte offset of a field of a section's table entry.
    pub(in crate::bundle) fn field(file: &[u8], kind: Kind, within: usize) -> usize {
        let count = u32::from_le_bytes(array(file, 24)) as usize;
        let index =
            (0..count).find(|index| u32::from_le_bytes(array(file, HEADER + ENTRY * index)) == kind as u32).expect("the test names a section that is there");
        HEADER + ENTRY * index + within
    }

    /// Where the bytes of a section are.
    pub(in crate::bundle) fn range(file: &[u8], kind: Kind) -> std::ops::Range<usize> {
        let at = field(file, kind, 0);
        let start = u64::from_le_bytes(array(file, at + 8)) as usize;
        start..start + u64::from_le_bytes(array(file, at + 16)) as usize
    }
}
