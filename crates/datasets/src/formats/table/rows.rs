//! A table row by row, every column as it is written.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use fireclay_tabular::Frame;

use super::TableProblem;
use super::dialect::Dialect;
use super::load::open_table;
use super::options::TableOptions;
use super::plan::Opened;
use super::records::{Row, refuse};
use crate::DatasetsError;

/// The rows of a CSV or TSV file, one after the other: a table may be larger than memory.
///
/// ```
/// use fireclay_datasets::{TableOptions, TableRows};
///
/// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
/// let mut rows = TableRows::from_bytes("sizes.csv", b"name;size\nAda;1,65\nAlan;1,80\n", &TableOptions::default())?;
/// assert_eq!((rows.names(), rows.dialect().delimiter), (&["name".to_string(), "size".to_string()][..], b';'));
/// let mut sizes = Vec::new();
/// while rows.read(|row| sizes.push(row[1].to_owned()))? {}
/// assert_eq!(sizes, ["1,65", "1,80"]);
/// # Ok(())
/// # }
/// ```
pub struct TableRows<R = File> {
    path: PathBuf,
    opened: Opened<R>,
    most_bytes: u64,
}

impl TableRows {
    /// Opens a CSV or TSV file. The options' columns and targets are not looked at; where it is not clear whether the first row
    /// names the columns, it does.
    ///
    /// # Errors
    /// As [`Table::load`](super::Table::load), and later for each row.
    pub fn open(path: &Path, options: &TableOptions) -> Result<Self, DatasetsError> {
        TableRows::new(path, open_table(path)?, options)
    }
}

impl<'a> TableRows<&'a [u8]> {
    /// As [`open`](TableRows::open), from a file's bytes; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`open`](TableRows::open).
    pub fn from_bytes(name: &str, bytes: &'a [u8], options: &TableOptions) -> Result<Self, DatasetsError> {
        TableRows::new(Path::new(name), bytes, options)
    }
}

impl<R: Read> TableRows<R> {
    fn new(path: &Path, input: R, options: &TableOptions) -> Result<Self, DatasetsError> {
        let opened = Opened::of_any(path, input, options)?;
        Ok(TableRows { path: path.to_owned(), opened, most_bytes: options.most_bytes })
    }

    /// The columns' names, or their numbers from 0 where the first row does not name them.
    pub fn names(&self) -> &[String] {
        &self.opened.columns.names
    }

    /// How the file is written.
    pub fn dialect(&self) -> Dialect {
        self.opened.dialect
    }

    /// Whether the first row names the columns.
    pub fn has_header(&self) -> bool {
        self.opened.columns.has_header
    }

    /// The first row with a field that goes over several lines, and over how many: a quote that was meant as a letter looks so.
    pub fn over_lines(&self) -> Option<(u64, usize)> {
        self.opened.records.over_lines
    }

    /// Shows the next row, a field for each column; `false` at the end.
    ///
    /// # Errors
    /// If the file cannot be read, or the row is damaged.
    pub fn read(&mut self, show: impl FnOnce(&[&str])) -> Result<bool, DatasetsError> {
        let Some(row) = self.opened.next()? else {
            return Ok(false);
        };
        let fields: Vec<&str> = row.iter().collect();
        show(&fields);
        drop(fields);
        self.opened.records.recycle(row);
        Ok(true)
    }

    /// All rows that are left, in memory.
    ///
    /// # Errors
    /// As [`read`](Self::read), and if they take more memory than the options allow.
    pub fn read_all(&mut self) -> Result<Frame, DatasetsError> {
        let mut frame = Frame::new(self.names().iter().cloned())
            .map_err(|error| refuse(&self.path, TableProblem::Columns(error)))?;
        let mut bytes = 0u64;
        while let Some(row) = self.opened.next()? {
            bytes += of_row(&row);
            if bytes > self.most_bytes {
                let limit = self.most_bytes;
                return Err(refuse(&self.path, TableProblem::TooLarge { line: row.line, limit }));
            }
            // Every row has as many fields as the first.
            frame.push(row.iter()).map_err(|error| refuse(&self.path, TableProblem::Columns(error)))?;
            self.opened.records.recycle(row);
        }
        Ok(frame)
    }
}

/// The memory that a row takes in a frame.
fn of_row(row: &Row) -> u64 {
    row.iter().map(|field| (field.len() + size_of::<usize>()) as u64).sum()
}
