//! What can be wrong with a table.

use thiserror::Error;

use super::near::{did_you_mean, list, short};

/// What can be wrong with a CSV or TSV file, or with what was asked of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableProblem {
    /// No rows.
    #[error("expected a table with at least one row of values, found {found}; replace the file")]
    Empty {
        /// What there is.
        found: &'static str,
    },
    /// Not text, or text in another encoding.
    #[error(
        "line {line}: expected {expected}, found {found}; name the table's encoding, as in --encoding {example}, or save it as UTF-8"
    )]
    Encoding {
        /// The line, from 1.
        line: u64,
        /// The encoding that was expected.
        expected: &'static str,
        /// What it looks like.
        found: &'static str,
        /// An encoding that it may be in.
        example: &'static str,
    },
    /// A row longer than the limit.
    #[error(
        "line {line}: the row is longer than the {limit} bytes allowed; close its quote, name the right delimiter, or raise the limit"
    )]
    LongRow {
        /// Where the row begins, from 1.
        line: u64,
        /// What is allowed.
        limit: usize,
    },
    /// A row with another number of fields than the first.
    #[error(
        "line {line}: expected {expected} fields as in the first row, found {found}; repair the row or name the right delimiter"
    )]
    Ragged {
        /// The line, from 1.
        line: u64,
        /// Fields of the first row.
        expected: usize,
        /// Fields of this one.
        found: usize,
    },
    /// A quote that the file ends in.
    #[error(
        "line {line}: a quote opens in this row and never closes; close it, or read the file without quotes"
    )]
    OpenQuote {
        /// Where the row begins, from 1.
        line: u64,
    },
    /// More columns than the limit.
    #[error("the first row has {found} fields, more than the {limit} allowed; name the right delimiter")]
    TooManyColumns {
        /// How many there are.
        found: usize,
        /// What is allowed.
        limit: usize,
    },
    /// More values than the limit.
    #[error(
        "line {line}: the values take more than the {limit} bytes allowed; raise the limit or choose fewer columns"
    )]
    TooLarge {
        /// Where the limit was reached.
        line: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A first row that may be a header or not.
    #[error(
        "cannot tell whether the first row ({}) is a header, as neither it nor the second holds a number; say whether it is",
        list(first.iter().map(String::as_str))
    )]
    HeaderUnclear {
        /// Its fields.
        first: Vec<String>,
    },
    /// A header that names two columns alike.
    #[error("the header names column {first} and column {second} (from 0) both {name:?}; rename one of them")]
    DuplicateName {
        /// The name.
        name: String,
        /// Where it is first.
        first: usize,
        /// Where it is again.
        second: usize,
    },
    /// A name where there is no header.
    #[error(
        "the column {name:?} was asked for by name, but the table is read without a header; give its number, from 0"
    )]
    NoHeader {
        /// The name asked for.
        name: String,
    },
    /// A column that does not exist.
    #[error(
        "there is no column {}; the table has {}{}",
        short(name), list(names.iter().map(String::as_str)), did_you_mean(name, names.iter().map(String::as_str))
    )]
    NoColumn {
        /// The name or number asked for.
        name: String,
        /// The columns there are.
        names: Vec<String>,
    },
    /// A column asked for in two roles.
    #[error("the column {} was asked for as {first} and as {second}; choose one", short(name))]
    TwoRoles {
        /// The column.
        name: String,
        /// One role.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Too few columns for what was asked.
    #[error(
        "the table has only the column(s) {}, expected one for the target and at least one beside it; name the right delimiter{hint}",
        list(names.iter().map(String::as_str))
    )]
    TooFewColumns {
        /// The columns there are.
        names: Vec<String>,
        /// What the file looks like.
        hint: &'static str,
    },
    /// More than one column could be the text.
    #[error(
        "cannot tell which column is the text; name one of {}",
        list(names.iter().map(String::as_str))
    )]
    WhichText {
        /// The columns that are not the target.
        names: Vec<String>,
    },
    /// A delimiter that cannot be one.
    #[error("the byte {delimiter} cannot delimit fields; use a comma, a semicolon or a tab")]
    Delimiter {
        /// The byte asked for.
        delimiter: u8,
    },
    /// Text where a number is expected.
    #[error(
        "line {line}, column {}: expected a number, found {}; leave the column out, or ask for it to be encoded as categories (one-hot)",
        short(column),
        short(found)
    )]
    NotANumber {
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is there.
        found: String,
    },
    /// Text where a target number is expected.
    #[error(
        "line {line}, column {}: expected a number as target, found {}; name another target column, or ask for classes",
        short(column),
        short(found)
    )]
    NotATarget {
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is there.
        found: String,
    },
    /// An empty field, NaN, infinity, or a number beyond the range of 32 bits.
    #[error(
        "line {line}, column {}: expected a finite number, found {}; repair the row, or ask for such rows to be dropped",
        short(column), if found.is_empty() { "an empty field".to_owned() } else { short(found) }
    )]
    Missing {
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is there.
        found: String,
    },
    /// A row without a label.
    #[error(
        "line {line}, column {}: the label is empty; fill it in, or ask for such rows to be dropped",
        short(column)
    )]
    NoLabel {
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: String,
    },
    /// A label or category that the training table does not have.
    #[error(
        "line {line}, column {}: {} is not in the training table, which has {}{}; correct it or train with it",
        short(column), short(found), list(known.iter().map(String::as_str)),
        did_you_mean(found, known.iter().map(String::as_str))
    )]
    Unknown {
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is there.
        found: String,
        /// What the training table has.
        known: Vec<String>,
    },
    /// More classes or categories than the limit.
    #[error(
        "line {line}, column {}: more than {limit} different values, the last of them {}; if they are numbers, read them as numbers",
        short(column),
        short(found)
    )]
    TooManyClasses {
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// The value met.
        found: String,
        /// What is allowed.
        limit: usize,
    },
    /// Columns that do not make a table in memory.
    #[error(transparent)]
    Columns(fireclay_tabular::TabularError),
    /// Rows that were all dropped.
    #[error(
        "all {rows} rows were dropped for empty fields or numbers that are not finite; choose other columns"
    )]
    AllDropped {
        /// How many there were.
        rows: usize,
    },
}
