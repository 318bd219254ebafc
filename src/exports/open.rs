//! Paths become byte streams: which files a pattern means, how they are compressed and encoded, and what their bytes hash to.
//!
//! In: patterns of a config, a path. Out: UTF-8 text as a stream, with the size and the BLAKE3 of the raw file computed on the
//! way, so that a file is read once. This module knows nothing of records.

use crate::config::Format;
use crate::error::{Error, ErrorKind, Result};
use encoding_rs::{DecoderResult, Encoding};
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Most text that one file may hold after decompression, in bytes (64 GiB): the guard against compression bombs.
pub(crate) const MAX_TEXT_BYTES: u64 = 64 << 30;
/// Bytes taken from the disk at a time.
const RAW_BUFFER: usize = 256 << 10;
/// Bytes transcoded at a time.
const TEXT_BUFFER: usize = 64 << 10;
/// Stands where a declared encoding has a malformed sequence. It is never valid in UTF-8, so that exactly the record that
/// holds it is rejected with the class `encoding`.
const MALFORMED: u8 = 0xFF;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What the raw bytes of a file come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    /// Size in bytes.
    pub(crate) bytes: u64,
    /// BLAKE3 in hex.
    pub(crate) blake3: String,
}

/// The files that patterns mean, each once, in byte order of the paths. A folder means the files in it, not below it, whose
/// extension is known; a glob never means a folder.
///
/// # Errors
/// 66 for a pattern that means no file or a folder that cannot be read, 78 for a malformed glob.
pub(crate) fn expand(patterns: &[String]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for pattern in patterns {
        let path = Path::new(pattern);
        let before = files.len();
        if path.is_dir() {
            for entry in fs::read_dir(path).map_err(|error| Error::unreadable(path, &error))? {
                let file = entry.map_err(|error| Error::unreadable(path, &error))?.path();
                let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                if file.is_file() && !hidden && known_format(&file).is_some() {
                    files.push(file);
                }
            }
            if files.len() == before {
                return Err(Error::new(ErrorKind::NoInput, "the folder has no file ending in .csv, .tsv, .txt, .jsonl, .ndjson (also .gz, .zst) or .parquet")
                    .file(path));
            }
        } else if path.exists() {
            files.push(path.to_path_buf());
        } else {
            // As in a shell, `*` does not mean hidden files.
            let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
            let matches = glob::glob_with(pattern, options).map_err(|error| Error::config(format!("files = {pattern:?} is not a glob: {error}")))?;
            for file in matches {
                let file = file.map_err(|error| Error::unreadable(error.path(), error.error()))?;
                if !file.is_dir() {
                    files.push(file);
                }
            }
            if files.len() == before {
                return Err(Error::new(ErrorKind::NoInput, format!("no file matches {pattern:?}; check the path (in a config it is relative to the config)")));
            }
        }
    }
    files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    files.dedup();
    Ok(files)
}

/// The format of a file: the declared one, otherwise the one its extension names.
///
/// # Errors
/// 78 where nothing is declared and the extension is not known, or Parquet is compressed from outside.
pub(crate) fn format_of(path: &Path, declared: Option<Format>) -> Result<Format> {
    let format = declared.or_else(|| known_format(path)).ok_or_else(|| {
        Error::config("the extension names no format, expected .csv, .tsv, .txt, .jsonl, .ndjson (also .gz, .zst) or .parquet; declare format = \"csv\"")
            .file(path)
    })?;
    if format == Format::Parquet && compression_of(path) != Compression::None {
        return Err(Error::config("Parquet is compressed inside; decompress the file").file(path));
    }
    Ok(format)
}

/// The format that an extension names, below `.gz` or `.zst`.
pub(super) fn known_format(path: &Path) -> Option<Format> {
    let name = path.file_name()?.as_encoded_bytes().to_ascii_lowercase();
    let (inner, compressed) = match name.strip_suffix(b".gz").or_else(|| name.strip_suffix(b".zst")) {
        Some(inner) => (inner, true),
        None => (name.as_slice(), false),
    };
    let ends = |extensions: &[&str]| extensions.iter().any(|extension| inner.ends_with(extension.as_bytes()));
    if ends(&[".csv", ".tsv", ".txt"]) {
        Some(Format::Csv)
    } else if ends(&[".jsonl", ".ndjson"]) {
        Some(Format::JsonLines)
    } else if ends(&[".parquet"]) && !compressed {
        Some(Format::Parquet)
    } else {
        None
    }
}

fn compression_of(path: &Path) -> Compression {
    let extension = path.extension().map(|extension| extension.as_encoded_bytes().to_ascii_lowercase());
    match extension.as_deref() {
        Some(b"gz") => Compression::Gzip,
        Some(b"zst") => Compression::Zstd,
        _ => Compression::None,
    }
}

/// Opens a regular file; opening anything else could block.
pub(crate) fn open_regular(path: &Path) -> Result<File> {
    let metadata = fs::metadata(path).map_err(|error| Error::unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::NoInput, "is not a regular file").file(path));
    }
    File::open(path).map_err(|error| Error::unreadable(path, &error))
}

/// Size and BLAKE3 of a file that is not read as a stream (Parquet).
///
/// # Errors
/// 66 where it cannot be read.
pub(crate) fn digest(path: &Path) -> Result<Digest> {
    let mut raw = Hashed::new(open_regular(path)?);
    drain(&mut raw).map_err(|error| Error::unreadable(path, &error))?;
    Ok(raw.digest())
}

/// A file whose bytes are counted and hashed as they are read.
#[derive(Debug)]
struct Hashed {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Hashed {
    fn new(file: File) -> Hashed {
        Hashed { file, hasher: blake3::Hasher::new(), bytes: 0 }
    }
    fn digest(&self) -> Digest {
        Digest { bytes: self.bytes, blake3: self.hasher.finalize().to_hex().to_string() }
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// The decompressed bytes.
enum Inflated {
    Plain(Box<Hashed>),
    Gzip(Box<MultiGzDecoder<BufReader<Hashed>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Hashed>>>),
}

impl Inflated {
    fn raw(&mut self) -> &mut Hashed {
        match self {
            Inflated::Plain(raw) => raw,
            Inflated::Gzip(decoder) => decoder.get_mut().get_mut(),
            Inflated::Zstd(decoder) => decoder.get_mut().get_mut(),
        }
    }
}

impl Read for Inflated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Inflated::Plain(raw) => raw.read(buffer),
            Inflated::Gzip(decoder) => decoder.read(buffer),
            Inflated::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

/// A declared encoding on its way to UTF-8.
struct Transcoder {
    encoding: &'static Encoding,
    decoder: encoding_rs::Decoder,
    started: bool,
    raw: Vec<u8>,
    raw_range: (usize, usize),
    raw_ended: bool,
    text: Vec<u8>,
    text_range: (usize, usize),
    ended: bool,
}

impl Transcoder {
    fn new(encoding: &'static Encoding) -> Transcoder {
        Transcoder {
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            started: false,
            raw: vec![0; TEXT_BUFFER],
            raw_range: (0, 0),
            raw_ended: false,
            text: vec![0; TEXT_BUFFER],
            text_range: (0, 0),
            ended: false,
        }
    }

    fn read(&mut self, inner: &mut Inflated, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text_range.0 == self.text_range.1 && !self.ended {
            self.refill(inner)?;
        }
        let (start, end) = self.text_range;
        let count = buffer.len().min(end - start);
        buffer[..count].copy_from_slice(&self.text[start..start + count]);
        self.text_range.0 += count;
        Ok(count)
    }

    /// Decodes the next stretch.
    fn refill(&mut self, inner: &mut Inflated) -> io::Result<()> {
        if self.raw_range.0 == self.raw_range.1 && !self.raw_ended {
            let count = fill(inner, &mut self.raw)?;
            self.raw_range = (0, count);
            self.raw_ended = count < self.raw.len();
            if !self.started {
                self.started = true;
                // The label utf-16 does not say which byte comes first; a byte order mark does.
                if self.encoding == encoding_rs::UTF_16LE && self.raw[..count].starts_with(&[0xFE, 0xFF]) {
                    self.decoder = encoding_rs::UTF_16BE.new_decoder_without_bom_handling();
                }
            }
        }
        let (start, end) = self.raw_range;
        // One byte is kept for the mark of a malformed sequence.
        let room = self.text.len() - 1;
        let (result, read, mut written) = self.decoder.decode_to_utf8_without_replacement(&self.raw[start..end], &mut self.text[..room], self.raw_ended);
        self.raw_range.0 += read;
        match result {
            DecoderResult::InputEmpty => self.ended = self.raw_ended,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                self.text[written] = MALFORMED;
                written += 1;
            }
        }
        self.text_range = (0, written);
        Ok(())
    }
}

/// A text file: decompressed, transcoded to UTF-8 where an encoding is declared, hashed on the way.
pub(crate) struct ExportFile {
    path: PathBuf,
    inner: Inflated,
    transcoder: Option<Transcoder>,
    text_bytes: u64,
    limit: u64,
}

impl ExportFile {
    /// Opens a file. Compression is told by `.gz` and `.zst`; the encoding is UTF-8 unless declared, and then unchecked: a
    /// record that is not UTF-8 is a reject, not an error.
    ///
    /// # Errors
    /// 66 where the file is missing or not a regular file, 78 for an encoding that is not known.
    pub(crate) fn open(path: &Path, encoding: Option<&str>) -> Result<ExportFile> {
        let transcoder = match encoding {
            None => None,
            Some(label) => match Encoding::for_label(label.as_bytes()) {
                Some(encoding) if encoding == encoding_rs::UTF_8 => None,
                Some(encoding) if encoding == encoding_rs::REPLACEMENT => return Err(unknown_encoding(label)),
                Some(encoding) => Some(Transcoder::new(encoding)),
                None => return Err(unknown_encoding(label)),
            },
        };
        let raw = Hashed::new(open_regular(path)?);
        let inner = match compression_of(path) {
            Compression::None => Inflated::Plain(Box::new(raw)),
            Compression::Gzip => Inflated::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(RAW_BUFFER, raw)))),
            Compression::Zstd => {
                let decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(RAW_BUFFER, raw));
                Inflated::Zstd(Box::new(decoder.map_err(|error| fault(path, &error))?))
            }
        };
        Ok(ExportFile { path: path.to_path_buf(), inner, transcoder, text_bytes: 0, limit: MAX_TEXT_BYTES })
    }

    /// Fills the buffer as far as the text goes; less than its length only at the end.
    ///
    /// # Errors
    /// 65 for compressed data that is damaged or cut off and for a text beyond [`MAX_TEXT_BYTES`], 66 where reading fails.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        fill(self, buffer).map_err(|error| fault(&self.path, &error))
    }

    /// Reads what is left and yields size and hash of the raw file.
    ///
    /// # Errors
    /// As [`ExportFile::fill`].
    pub(crate) fn finish(mut self) -> Result<Digest> {
        let drained = drain(&mut self).and_then(|()| drain(self.inner.raw()));
        drained.map_err(|error| fault(&self.path, &error))?;
        Ok(self.inner.raw().digest())
    }
}

impl Read for ExportFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.transcoder {
            None => self.inner.read(buffer)?,
            Some(transcoder) => transcoder.read(&mut self.inner, buffer)?,
        };
        self.text_bytes += count as u64;
        if self.text_bytes > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "text beyond the limit"));
        }
        Ok(count)
    }
}

fn unknown_encoding(label: &str) -> Error {
    Error::config(format!("encoding {label:?} is not known, expected a label of the WHATWG such as utf-8, windows-1252, utf-16, shift_jis or gb18030"))
}

/// Reads until the buffer is full or the stream ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads to the end and keeps nothing.
fn drain(reader: &mut impl Read) -> io::Result<()> {
    let mut buffer = vec![0; RAW_BUFFER];
    while fill(reader, &mut buffer)? > 0 {}
    Ok(())
}

/// What an error of the stream means: the operating system's are about reading, all others about what was read.
pub(crate) fn fault(path: &Path, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::FileTooLarge && error.raw_os_error().is_none() {
        return Error::data(format!("too_large: more than {} GiB of text after decompression; split the file", MAX_TEXT_BYTES >> 30)).file(path);
    }
    if error.raw_os_error().is_some() {
        return Error::unreadable(path, error);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::data("truncated_input: the compressed file ends early; copy it again").file(path),
        _ => Error::data(format!("encoding: the compressed data is damaged ({error}); copy or compress the file again")).file(path),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::Write;

    fn text_of(path: &Path, encoding: Option<&str>) -> Result<(Vec<u8>, Digest)> {
        let mut file = ExportFile::open(path, encoding)?;
        let mut text = Vec::new();
        let mut buffer = [0; 7];
        loop {
            let count = file.fill(&mut buffer)?;
            text.extend_from_slice(&buffer[..count]);
            if count < buffer.len() {
                return Ok((text, file.finish()?));
            }
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_file_reads_the_same_plain_and_compressed_and_its_hash_is_that_of_the_raw_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let text = "customer,item\nada,tea\n".repeat(20_000).into_bytes();
        // Two gzip members, as parallel compressors and `cat` write them.
        let members = [gzip(&text[..1_000]), gzip(&text[1_000..])].concat();
        for (name, bytes) in [("a.csv", text.clone()), ("a.csv.gz", members), ("a.csv.zst", zstd::encode_all(&text[..], 1).unwrap())] {
            let path = write(&folder, name, &bytes);
            let (found, digest) = text_of(&path, None).unwrap();
            assert!(found == text, "{name}");
            assert_eq!(digest, Digest { bytes: bytes.len() as u64, blake3: blake3::hash(&bytes).to_hex().to_string() });
            assert_eq!(super::digest(&path).unwrap(), digest);
        }
    }

    #[test]
    fn the_hash_covers_the_whole_file_when_reading_stops_early() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = gzip(&b"customer,item\n".repeat(100_000));
        let path = write(&folder, "a.csv.gz", &bytes);
        let mut file = ExportFile::open(&path, None).unwrap();
        file.fill(&mut [0; 10]).unwrap();
        assert_eq!(file.finish().unwrap().blake3, blake3::hash(&bytes).to_hex().to_string());
    }

    #[test]
    fn a_compressed_file_cut_off_anywhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = (0..2_000).map(|row| format!("{row},{}\n", row * 7919 % 1013)).collect::<String>();
        for (name, bytes) in [("a.csv.gz", gzip(text.as_bytes())), ("a.csv.zst", zstd::encode_all(text.as_bytes(), 1).unwrap())] {
            for length in (1..bytes.len()).step_by(97) {
                let error = text_of(&write(&folder, name, &bytes[..length]), None).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Data, "{name} cut to {length}: {error}");
            }
        }
        let error = text_of(&write(&folder, "b.csv.gz", b"customer,item\n"), None).unwrap_err();
        assert!(error.message().starts_with("encoding: "), "{error}");
    }

    #[test]
    fn a_compression_bomb_stops_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, "bomb.csv.gz", &gzip(&vec![b'a'; 10 << 20]));
        let mut file = ExportFile::open(&path, None).unwrap();
        file.limit = 1 << 20;
        let error = file.finish().unwrap_err();
        assert!(error.kind() == ErrorKind::Data && error.message().starts_with("too_large: "), "{error}");
    }

    #[test]
    fn declared_encodings_become_utf_8() {
        let folder = tempfile::tempdir().unwrap();
        let utf16 = |big: bool, text: &str| text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect::<Vec<u8>>();
        let long = "Zürich,Łódź,東京\n".repeat(20_000);
        for (label, bytes, expected) in [
            ("windows-1252", b"Z\xfcrich,5 \x80\n".to_vec(), "Zürich,5 €\n"),
            ("utf-16", utf16(false, "\u{feff}a,東\n"), "\u{feff}a,東\n"),
            ("utf-16", utf16(true, "\u{feff}a,東\n"), "\u{feff}a,東\n"),
            ("utf-16be", utf16(true, &long), &long),
            ("shift_jis", b"\x93\x8c\x8b\x9e\n".to_vec(), "東京\n"),
            ("UTF-8", long.clone().into_bytes(), &long),
        ] {
            let (found, _) = text_of(&write(&folder, "a.csv", &bytes), Some(label)).unwrap();
            assert!(found == expected.as_bytes(), "{label}");
        }
        let error = text_of(&write(&folder, "a.csv", b"a"), Some("utf-32")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }

    #[test]
    fn a_malformed_sequence_spoils_its_own_record_only() {
        let folder = tempfile::tempdir().unwrap();
        let (found, _) = text_of(&write(&folder, "a.csv", b"good,1\nbad\xff\xff,2\ngood,3\n\x93"), Some("shift_jis")).unwrap();
        let valid: Vec<bool> = found.split(|byte| *byte == b'\n').map(|line| std::str::from_utf8(line).is_ok()).collect();
        assert_eq!(valid, [true, false, true, false]);
    }

    #[test]
    fn patterns_name_files_folders_and_globs_in_byte_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv.gz", "B.jsonl", "c.parquet", "notes.md", ".hidden.csv", "odd[1].csv"] {
            write(&folder, name, b"x");
        }
        fs::create_dir(folder.path().join("deep.csv")).unwrap();
        write(&folder, "deep.csv/z.csv", b"x");
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let names = |patterns: &[String]| -> Vec<String> {
            expand(patterns).unwrap().iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&[at("")]), ["B.jsonl", "a.csv.gz", "b.csv", "c.parquet", "odd[1].csv"]);
        assert_eq!(names(&[at("*.csv"), at("b.csv")]), ["b.csv", "odd[1].csv"]);
        assert_eq!(names(&[at("odd[1].csv")]), ["odd[1].csv"]);
        let error = expand(&[at("b.csv"), at("*.tsv")]).unwrap_err();
        assert!(error.kind() == ErrorKind::NoInput && error.message().contains("*.tsv"), "{error}");
        assert_eq!(expand(&[at("***")]).unwrap_err().kind(), ErrorKind::Config);
    }

    #[test]
    fn the_extension_names_the_format_and_a_declaration_wins() {
        for (name, format) in [
            ("a.CSV", Some(Format::Csv)),
            ("a.txt.zst", Some(Format::Csv)),
            ("a.ndjson.gz", Some(Format::JsonLines)),
            ("a.parquet", Some(Format::Parquet)),
            ("a.parquet.gz", None),
            ("a.dat", None),
        ] {
            assert_eq!(format_of(Path::new(name), None).ok(), format, "{name}");
        }
        assert_eq!(format_of(Path::new("a.dat.gz"), Some(Format::Csv)).ok(), Some(Format::Csv));
        assert!(format_of(Path::new("a.parquet.gz"), Some(Format::Parquet)).is_err());
    }

    #[test]
    fn what_is_missing_or_no_file_is_no_input() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_path_buf(), folder.path().join("gone.csv")] {
            assert_eq!(ExportFile::open(&path, None).err().map(|error| error.kind()), Some(ErrorKind::NoInput));
        }
    }
}
