//! Parquet files become batches of text fields, in the order of the rows, for the columns that are asked for.
//!
//! In: a path and names of columns. Out: [`TextBatch`]es, one row group after the other or each on its own, so that threads can
//! share them. From here on Parquet goes through the same row checks as text; NULL is an empty field. The decoder of a foreign
//! file may panic; here a panic is an error about the file. Memory is bounded by a page of each column and a batch.

mod print;

use super::batch::{BATCH_ROWS, TextBatch};
use super::open::open_regular;
use crate::error::{Error, Result};
use ::parquet::basic::Repetition;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use ::parquet::file::properties::ReaderProperties;
use ::parquet::file::reader::RowGroupReader;
use ::parquet::file::serialized_reader::SerializedRowGroupReader;
use print::{Meaning, meaning_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A Parquet file whose footer has been read.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    path: PathBuf,
    metadata: ParquetMetaData,
    columns: Vec<String>,
}

impl ParquetFile {
    /// Reads the footer.
    ///
    /// # Errors
    /// 66 where the file cannot be opened; 65 where it is not Parquet, is encrypted or damaged, has no row (`empty_file`), no
    /// column (`no_header`), or a column name that is empty (`empty_header`) or there twice (`duplicate_header`).
    pub(crate) fn open(path: &Path) -> Result<ParquetFile> {
        let file = open_regular(path)?;
        let metadata = guarded(path, || {
            let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Skip);
            reader.parse_and_finish(&file).map_err(|error| damaged(path, &error))
        })?;
        let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
        let columns: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
        let refuse = |message: String| Err(Error::data(message).file(path));
        if columns.is_empty() {
            return refuse("no_header: the file has no column".to_owned());
        }
        if let Some(index) = columns.iter().position(|name| name.trim().is_empty()) {
            return refuse(format!("empty_header: column {} of {} has no name", index + 1, columns.len()));
        }
        if let Some(index) = (1..columns.len()).find(|index| columns[..*index].contains(&columns[*index])) {
            return refuse(format!("duplicate_header: {:?} names two columns", columns[index]));
        }
        let found = ParquetFile { path: path.to_path_buf(), metadata, columns };
        if found.rows_before(found.row_groups()) == 0 {
            return refuse("empty_file: there is no row in it; check the export".to_owned());
        }
        Ok(found)
    }

    /// Names of the columns, in file order; a nested column has one name.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of row groups.
    pub(crate) fn row_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// Rows in the row groups before one; with [`ParquetFile::row_groups`], rows of the file. The footer may lie; reading
    /// checks it.
    pub(crate) fn rows_before(&self, row_group: usize) -> u64 {
        self.metadata.row_groups().iter().take(row_group).map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    /// Reads the whole file; see [`ParquetFile::read_row_group`].
    ///
    /// # Errors
    /// As [`ParquetFile::read_row_group`].
    #[cfg(test)]
    pub(crate) fn read(&self, columns: &[&str], sink: &mut dyn FnMut(&TextBatch) -> Result<()>) -> Result<()> {
        (0..self.row_groups()).try_for_each(|row_group| self.read_row_group(row_group, columns, sink))
    }

    /// Reads some columns of one row group, in batches of at most [`BATCH_ROWS`] rows whose fields are in the order asked for.
    /// Row groups may be read at the same time by several threads.
    ///
    /// # Errors
    /// 65 for a column that is not there (`missing_required_column`), is nested or has no text, and for damaged data; 66 where
    /// the file can no longer be opened; whatever the sink returns.
    pub(crate) fn read_row_group(&self, row_group: usize, columns: &[&str], sink: &mut dyn FnMut(&TextBatch) -> Result<()>) -> Result<()> {
        let leaves = columns.iter().map(|name| self.leaf(name)).collect::<Result<Vec<_>>>()?;
        if leaves.is_empty() {
            return Ok(());
        }
        // A file of its own, because threads that share one also share its position.
        let file = Arc::new(open_regular(&self.path)?);
        guarded(&self.path, || {
            let group = self.metadata.row_group(row_group);
            let properties = Arc::new(ReaderProperties::builder().build());
            let reader = SerializedRowGroupReader::new(file, group, self.metadata.page_index_for_row_group(row_group), properties);
            let reader = reader.map_err(|error| damaged(&self.path, &error))?;
            let mut cells = Vec::with_capacity(leaves.len());
            for (leaf, meaning) in leaves {
                let levels = group.column(leaf).column_descr().max_def_level();
                let column = reader.get_column_reader(leaf).map_err(|error| damaged(&self.path, &error))?;
                cells.push(Cells::new(column, meaning, levels));
            }
            self.drive(&mut cells, usize::try_from(group.num_rows()).unwrap_or(0), sink)
        })
    }

    /// Decodes stretches of all columns and writes them row by row.
    fn drive(&self, cells: &mut [Cells], rows: usize, sink: &mut dyn FnMut(&TextBatch) -> Result<()>) -> Result<()> {
        let mut batch = TextBatch::new(cells.len());
        let mut left = rows;
        while left > 0 {
            let stretch = left.min(BATCH_ROWS);
            for cell in cells.iter_mut() {
                let found = cell.decode(stretch).map_err(|error| damaged(&self.path, &error))?;
                if found != stretch {
                    return Err(Error::data("truncated_input: a column ends before the others; copy or write the file again").file(&self.path));
                }
            }
            for row in 0..stretch {
                if batch.is_full() {
                    sink(&batch)?;
                    batch.clear();
                }
                for cell in cells.iter_mut() {
                    if !cell.write(row, &mut batch) {
                        return Err(Error::data("a decimal of more than 38 digits is not read").file(&self.path));
                    }
                }
            }
            left -= stretch;
            sink(&batch)?;
            batch.clear();
        }
        Ok(())
    }

    /// The leaf column of a name, and what its values mean.
    fn leaf(&self, name: &str) -> Result<(usize, Meaning)> {
        let schema = self.metadata.file_metadata().schema_descr();
        let Some(field) = schema.root_schema().get_fields().iter().find(|field| field.name() == name) else {
            let message = format!("missing_required_column: {name:?} is not in the file, which has {}", self.columns.join(", "));
            return Err(Error::data(message).file(&self.path));
        };
        let repeated = field.get_basic_info().has_repetition() && field.get_basic_info().repetition() == Repetition::REPEATED;
        let leaf = (0..schema.num_columns()).find(|leaf| schema.get_column_root(*leaf).name() == name);
        match leaf {
            Some(leaf) if field.is_primitive() && !repeated => Ok((leaf, meaning_of(&schema.column(leaf)).map_err(|error| error.file(&self.path))?)),
            _ => Err(Error::data("the column is nested; write it as plain columns, or as text").column(name).file(&self.path)),
        }
    }
}

/// Runs the decoder; a panic in it is an error about the file.
fn guarded<T>(path: &Path, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(Error::data("the Parquet data is damaged: the decoder gave up; write the file again").file(path)))
}

fn damaged(path: &Path, error: &ParquetError) -> Error {
    Error::data(format!("the Parquet data is damaged or of a kind that is not read ({error}); write the file again")).file(path)
}

/// A stretch of one column, decoded.
struct Cells {
    column: Decoded,
    meaning: Meaning,
    /// Level at which a value is there; 0 where it always is.
    defined: i16,
    levels: Vec<i16>,
    /// Values taken so far.
    taken: usize,
}

/// The reader of a physical type with the values it yielded.
enum Decoded {
    Bool(Typed<BoolType>),
    Int32(Typed<Int32Type>),
    Int64(Typed<Int64Type>),
    Int96(Typed<Int96Type>),
    Float(Typed<FloatType>),
    Double(Typed<DoubleType>),
    Bytes(Typed<ByteArrayType>),
    Fixed(Typed<FixedLenByteArrayType>),
}

struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

impl<T: DataType> Typed<T> {
    fn new(reader: ColumnReaderImpl<T>) -> Self {
        Typed { reader, values: Vec::with_capacity(BATCH_ROWS) }
    }

    /// Reads up to so many rows; yields how many there were.
    fn read(&mut self, rows: usize, optional: bool, levels: &mut Vec<i16>) -> std::result::Result<usize, ParquetError> {
        self.values.clear();
        let mut read = 0;
        while read < rows {
            let (records, _, _) = self.reader.read_records(rows - read, optional.then_some(&mut *levels), None, &mut self.values)?;
            if records == 0 {
                break;
            }
            read += records;
        }
        Ok(read)
    }
}

impl Cells {
    fn new(column: ColumnReader, meaning: Meaning, defined: i16) -> Cells {
        let column = match column {
            ColumnReader::BoolColumnReader(reader) => Decoded::Bool(Typed::new(reader)),
            ColumnReader::Int32ColumnReader(reader) => Decoded::Int32(Typed::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Decoded::Int64(Typed::new(reader)),
            ColumnReader::Int96ColumnReader(reader) => Decoded::Int96(Typed::new(reader)),
            ColumnReader::FloatColumnReader(reader) => Decoded::Float(Typed::new(reader)),
            ColumnReader::DoubleColumnReader(reader) => Decoded::Double(Typed::new(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Decoded::Bytes(Typed::new(reader)),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Decoded::Fixed(Typed::new(reader)),
        };
        Cells { column, meaning, defined, levels: Vec::with_capacity(BATCH_ROWS), taken: 0 }
    }

    /// Decodes the next rows; yields how many there are, which is fewer only at the end or where values are lacking.
    fn decode(&mut self, rows: usize) -> std::result::Result<usize, ParquetError> {
        self.taken = 0;
        self.levels.clear();
        let (optional, levels) = (self.defined > 0, &mut self.levels);
        let (read, values) = match &mut self.column {
            Decoded::Bool(typed) => (typed.read(rows, optional, levels)?, typed.values.len()),
            Decoded::Int32(typed) => (typed.read(rows, optional, levels)?, typed.values.len()),
            Decoded::Int64(typed) => (typed.read(rows, optional, levels)?, typed.values.len()),
            Decoded::Int96(typed) => (typed.read(rows, optional, levels)?, typed.values.len()),
            Decoded::Float(typed) => (typed.read(rows, optional, levels)?, typed.values.len()),
            Decoded::Double(typed) => (typed.read(rows, optional, levels)?, typed.values.len()),
            Decoded::Bytes(typed) => (typed.read(rows, optional, levels)?, typed.values.len()),
            Decoded::Fixed(typed) => (typed.read(rows, optional, levels)?, typed.values.len()),
        };
        let expected = if optional { self.levels.iter().filter(|level| **level == self.defined).count() } else { read };
        Ok(if expected == values { read } else { 0 })
    }

    /// Appends the field of a row, rows in order; `false` for a value that has no text.
    #[inline]
    fn write(&mut self, row: usize, batch: &mut TextBatch) -> bool {
        if self.defined > 0 && self.levels[row] != self.defined {
            batch.push_with(|_| {});
            return true;
        }
        let index = self.taken;
        self.taken += 1;
        let mut printable = true;
        let meaning = self.meaning;
        match &self.column {
            Decoded::Bool(typed) => batch.push_with(|text| text.extend_from_slice(if typed.values[index] { b"true" } else { b"false" })),
            Decoded::Int32(typed) => {
                // Unsigned values fill all 32 bits.
                let value = typed.values[index];
                let value = if meaning == Meaning::Unsigned { i64::from(value as u32) } else { i64::from(value) };
                batch.push_with(|text| print::integer(value, meaning, text));
            }
            Decoded::Int64(typed) => batch.push_with(|text| print::integer(typed.values[index], meaning, text)),
            Decoded::Int96(typed) => batch.push_with(|text| print::int96(typed.values[index].data(), text)),
            Decoded::Float(typed) => batch.push_with(|text| print::short_real(typed.values[index], text)),
            Decoded::Double(typed) => batch.push_with(|text| print::real(typed.values[index], text)),
            Decoded::Bytes(typed) => batch.push_with(|text| printable = print::bytes(typed.values[index].data(), meaning, text)),
            Decoded::Fixed(typed) => batch.push_with(|text| printable = print::bytes(typed.values[index].data(), meaning, text)),
        }
        printable
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use ::parquet::basic::Compression;
    use ::parquet::data_type::{ByteArray, Int96};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;
    use std::fs::{self, File};

    /// Writes two optional columns, customer and amount, in row groups of so many rows; every seventh customer is missing.
    fn write_orders(path: &Path, rows: usize, group: usize, compression: Compression) -> Vec<[String; 2]> {
        let schema = Arc::new(parse_message_type("message orders { optional binary customer (STRING); optional double amount; }").unwrap());
        let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
        let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
        let mut expected = Vec::new();
        for start in (0..rows).step_by(group) {
            let range = start..(start + group).min(rows);
            let mut next = writer.next_row_group().unwrap();
            let levels: Vec<i16> = range.clone().map(|row| i16::from(row % 7 != 0)).collect();
            let customers: Vec<ByteArray> = range.clone().filter(|row| row % 7 != 0).map(|row| ByteArray::from(format!("c{}", row % 100).as_str())).collect();
            let amounts: Vec<f64> = range.clone().map(|row| row as f64 / 4.0).collect();
            let mut column = next.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&customers, Some(&levels), None).unwrap();
            column.close().unwrap();
            let mut column = next.next_column().unwrap().unwrap();
            column.typed::<DoubleType>().write_batch(&amounts, Some(&vec![1; amounts.len()]), None).unwrap();
            column.close().unwrap();
            next.close().unwrap();
            expected.extend(range.map(|row| [if row % 7 == 0 { String::new() } else { format!("c{}", row % 100) }, (row as f64 / 4.0).to_string()]));
        }
        writer.close().unwrap();
        expected
    }

    fn rows_of(file: &ParquetFile, columns: &[&str]) -> Result<Vec<Vec<String>>> {
        let mut rows = Vec::new();
        file.read(columns, &mut |batch| {
            rows.extend(
                (0..batch.rows()).map(|row| (0..columns.len()).map(|column| String::from_utf8(batch.field(row, column).to_vec()).unwrap()).collect::<Vec<_>>()),
            );
            Ok(())
        })?;
        Ok(rows)
    }

    /// One required column of one row.
    fn single<T: DataType>(schema_text: &str, value: T::T) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let schema = Arc::new(parse_message_type(&format!("message m {{ {schema_text} }}")).unwrap());
        let mut writer = SerializedFileWriter::new(File::create(&path).unwrap(), schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let levels = schema_text.starts_with("repeated");
        column.typed::<T>().write_batch(&[value], levels.then_some(&[1][..]), levels.then_some(&[0][..])).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        Ok(rows_of(&ParquetFile::open(&path)?, &["x"])?.remove(0).remove(0))
    }

    #[test]
    fn what_is_written_is_read_in_order_over_row_groups_pages_and_batches() {
        let folder = tempfile::tempdir().unwrap();
        for (group, compression) in [(100_000, Compression::SNAPPY), (1_000, Compression::ZSTD(Default::default())), (16_384, Compression::UNCOMPRESSED)] {
            let path = folder.path().join("orders.parquet");
            let expected = write_orders(&path, 40_001, group, compression);
            let file = ParquetFile::open(&path).unwrap();
            assert_eq!(file.columns(), ["customer", "amount"]);
            assert_eq!(file.rows_before(file.row_groups()), 40_001);
            assert!(rows_of(&file, &["customer", "amount"]).unwrap() == expected);
            let amounts: Vec<Vec<String>> = expected.iter().map(|row| vec![row[1].clone(), row[1].clone()]).collect();
            assert!(rows_of(&file, &["amount", "amount"]).unwrap() == amounts);
        }
    }

    #[test]
    fn row_groups_read_by_several_threads_are_those_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.parquet");
        let expected = write_orders(&path, 20_000, 1_500, Compression::SNAPPY);
        let file = ParquetFile::open(&path).unwrap();
        let groups: Vec<Vec<Vec<u8>>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..file.row_groups())
                .map(|group| {
                    let file = &file;
                    scope.spawn(move || {
                        let mut customers = Vec::new();
                        let mut sink = |batch: &TextBatch| {
                            customers.extend((0..batch.rows()).map(|row| batch.field(row, 0).to_vec()));
                            Ok(())
                        };
                        file.read_row_group(group, &["customer"], &mut sink).unwrap();
                        customers
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(groups.into_iter().flatten().eq(expected.iter().map(|row| row[0].as_bytes().to_vec())));
    }

    #[test]
    fn every_type_has_its_text() {
        assert_eq!(single::<Int32Type>("required int32 x (DATE);", 19_782).unwrap(), "2024-02-29");
        assert_eq!(single::<Int32Type>("required int32 x (INTEGER(32,false));", -1).unwrap(), "4294967295");
        assert_eq!(single::<Int32Type>("required int32 x (DECIMAL(9,2));", -5).unwrap(), "-0.05");
        assert_eq!(single::<Int32Type>("required int32 x;", -5).unwrap(), "-5");
        assert_eq!(single::<Int64Type>("required int64 x;", i64::MIN).unwrap(), "-9223372036854775808");
        assert_eq!(single::<Int64Type>("required int64 x (TIMESTAMP(MILLIS,true));", 1_234_567_890_000).unwrap(), "2009-02-13 23:31:30Z");
        assert_eq!(single::<Int64Type>("required int64 x (TIMESTAMP(MICROS,false));", 1_234_567_890_000_001).unwrap(), "2009-02-13 23:31:30.000001");
        assert_eq!(single::<Int64Type>("required int64 x (TIMESTAMP(NANOS,false));", -1).unwrap(), "1969-12-31 23:59:59.999999999");
        assert_eq!(single::<Int64Type>("required int64 x (TIMESTAMP_MILLIS);", 0).unwrap(), "1970-01-01 00:00:00Z");
        assert_eq!(single::<BoolType>("required boolean x;", true).unwrap(), "true");
        assert_eq!(single::<FloatType>("required float x;", 0.1).unwrap(), "0.1");
        assert_eq!(single::<DoubleType>("required double x;", 17_850.0).unwrap(), "17850");
        assert_eq!(single::<ByteArrayType>("required binary x (STRING);", ByteArray::from("Łódź, \"a\"")).unwrap(), "Łódź, \"a\"");
        assert_eq!(single::<FixedLenByteArrayType>("required fixed_len_byte_array(3) x;", ByteArray::from("abc").into()).unwrap(), "abc");
        let decimal = ByteArray::from(vec![0xFF, 0xFF, 0x85]).into();
        assert_eq!(single::<FixedLenByteArrayType>("required fixed_len_byte_array(3) x (DECIMAL(6,1));", decimal).unwrap(), "-12.3");
        assert_eq!(single::<Int96Type>("required int96 x;", Int96::from(vec![1_000_000_000, 0, 2_440_589])).unwrap(), "1970-01-02 00:00:01");
    }

    #[test]
    fn a_column_that_is_nested_strange_or_absent_is_refused_by_name() {
        let list = single::<Int32Type>("repeated int32 x;", 1).map_err(|error| error.to_string());
        let half =
            single::<FixedLenByteArrayType>("required fixed_len_byte_array(2) x (FLOAT16);", ByteArray::from("ab").into()).map_err(|error| error.to_string());
        let absent = single::<Int32Type>("required int32 y;", 1).map_err(|error| error.to_string());
        for (found, part) in [(list, "column x: the column is nested"), (half, "column x: the Parquet type"), (absent, "missing_required_column: \"x\"")] {
            let message = found.unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_file_without_rows_or_with_a_name_twice_is_refused_by_its_class() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        for (schema, class) in [("required int32 x;", "empty_file"), ("required int32 x; required int32 x;", "duplicate_header")] {
            let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
            SerializedFileWriter::new(File::create(&path).unwrap(), schema, Arc::default()).unwrap().close().unwrap();
            let error = ParquetFile::open(&path).unwrap_err();
            assert!(error.kind().exit_code() == 65 && error.message().starts_with(class), "{error}");
        }
        assert_eq!(ParquetFile::open(&folder.path().join("gone.parquet")).unwrap_err().kind().exit_code(), 66);
    }

    #[test]
    fn an_error_of_the_sink_comes_back_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        write_orders(&path, 10, 10, Compression::UNCOMPRESSED);
        let error = ParquetFile::open(&path).unwrap().read(&["amount"], &mut |_| Err(Error::internal("enough"))).unwrap_err();
        assert_eq!(error, Error::internal("enough"));
    }

    #[test]
    fn damage_is_an_error_about_the_file_and_never_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        write_orders(&path, 300, 100, Compression::SNAPPY);
        let good = fs::read(&path).unwrap();
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            ParquetFile::open(&path).and_then(|file| file.read(&["customer", "amount"], &mut |_| Ok(())))
        };
        for length in (0..good.len()).step_by(13) {
            assert_eq!(read(&good[..length]).unwrap_err().kind().exit_code(), 65, "cut to {length}");
        }
        // A flipped byte may hit a value, which no format without checksums can tell; all else is exit 65.
        for index in (0..good.len()).step_by(3) {
            let mut bytes = good.clone();
            bytes[index] ^= 0x55;
            if let Err(error) = read(&bytes) {
                assert_eq!(error.kind().exit_code(), 65, "flipped {index}: {error}");
            }
        }
    }
}
