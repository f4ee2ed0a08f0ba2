//! How a table is read.

use super::dialect::Dialect;
use super::{Column, TextEncoding};

/// Whether the first row names the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableHeader {
    /// It does if a column is asked for by name, or if it holds no number and the second row does. Where neither holds a
    /// number, this is an error.
    #[default]
    Guess,
    /// It does.
    Yes,
    /// It holds values; the columns are called `"0"`, `"1"` and so on.
    No,
}

/// What the target column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableTarget {
    /// Labels, which become classes: sorted as numbers if all of them are numbers, otherwise as texts.
    #[default]
    Classes,
    /// Numbers to predict.
    Values,
}

/// What becomes of a row with an empty field, NaN or infinity where a number is expected, or with an empty label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingNumbers {
    /// It is an error.
    #[default]
    Refuse,
    /// The row is left out and counted.
    DropRow,
}

/// How [`Table`](super::Table) and [`TextTable`](super::TextTable) read a file.
///
/// ```
/// use fireclay_datasets::{TableOptions, TableTarget};
///
/// let options = TableOptions {
///     target: Some("price".into()),
///     target_kind: TableTarget::Values,
///     one_hot: vec!["district".into()],
///     ..TableOptions::default()
/// };
/// assert!(options.quotes.is_none() && options.delimiter.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// What stands between two fields, an ASCII character. If `None` it is found: by the file's name, a tab for `.tsv` and `.tab`
    /// and otherwise a comma, unless another delimiter makes its rows alike and this one does not.
    pub delimiter: Option<u8>,
    /// The encoding of its text. If `None` it is UTF-16 where the file begins with UTF-16's byte order mark, and otherwise UTF-8.
    /// A byte order mark counts more than what is said here.
    pub encoding: Option<TextEncoding>,
    /// Whether the first row names the columns.
    pub header: TableHeader,
    /// Whether fields may stand in double quotes. If `None` they may, unless rows only run into each other by it and are all
    /// alike without.
    pub quotes: Option<bool>,
    /// The columns of numbers to learn from, in this order; all but the target if `None`.
    pub features: Option<Vec<Column>>,
    /// The column to predict; the last one if `None`.
    pub target: Option<Column>,
    /// What the target column holds.
    pub target_kind: TableTarget,
    /// The column of texts, for [`TextTable`](super::TextTable); the other one if `None` and there are two.
    pub text: Option<Column>,
    /// Feature columns that hold categories: each becomes as many columns of 0 and 1 as it has different values.
    pub one_hot: Vec<Column>,
    /// What becomes of rows without a number where one is expected.
    pub missing: MissingNumbers,
    /// The most bytes of one row; 16 MiB unless set.
    pub most_row_bytes: usize,
    /// The most memory that values or texts may take, in bytes; 8 GiB unless set.
    pub most_bytes: u64,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            delimiter: None,
            encoding: None,
            header: TableHeader::default(),
            quotes: None,
            features: None,
            target: None,
            target_kind: TableTarget::default(),
            text: None,
            one_hot: Vec::new(),
            missing: MissingNumbers::default(),
            most_row_bytes: 16 << 20,
            most_bytes: 8 << 30,
        }
    }
}

/// How rows are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) delimiter: u8,
    pub(super) quotes: bool,
    pub(super) encoding: TextEncoding,
    pub(super) most_row_bytes: usize,
}

impl TableOptions {
    pub(super) fn format(&self, dialect: Dialect) -> Format {
        let Dialect { delimiter, quotes, encoding, .. } = dialect;
        Format { delimiter, quotes, encoding, most_row_bytes: self.most_row_bytes }
    }

    /// Whether a column is asked for by name.
    pub(super) fn names_columns(&self) -> bool {
        let features = self.features.iter().flatten();
        let mut all = features.chain(&self.target).chain(&self.text).chain(&self.one_hot);
        all.any(|column| matches!(column, Column::Name(_)))
    }
}
