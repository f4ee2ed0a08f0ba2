//! What can be wrong with tables.

use fireclay_data::DataError;
use thiserror::Error;

/// What can be wrong with tables and how they are encoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TabularError {
    /// Samples that do not make a dataset.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Two columns of one name.
    #[error(
        "two columns are called {name:?}, number {first} and number {second}, counted from 0; rename one of them"
    )]
    SameName {
        /// The name.
        name: String,
        /// The first of them.
        first: usize,
        /// The second.
        second: usize,
    },
    /// A row that does not have a cell for each column.
    #[error("row {row}, counted from 0, has {found} cells where the table has {expected} columns")]
    Width {
        /// The row.
        row: usize,
        /// The table's columns.
        expected: usize,
        /// The row's cells.
        found: usize,
    },
    /// No column of this name.
    #[error("there is no column {name:?}{}; the columns are {}", near.as_ref().map_or(String::new(), |near| format!(", did you mean {near:?}")), listed(names))]
    NoColumn {
        /// The name.
        name: String,
        /// The nearest one, if there is one near.
        near: Option<String>,
        /// The names of the table.
        names: Vec<String>,
    },
    /// A table without rows.
    #[error("the table has no rows")]
    NoRows,
    /// No column is left to learn from.
    #[error("no column is left to learn from: {}", reasons.join("; "))]
    NoFeatures {
        /// Why each column is left out.
        reasons: Vec<String>,
    },
    /// A target cell without a value.
    #[error("row {row}, counted from 0, has no value in the target column {column:?}; leave such rows out")]
    NoTarget {
        /// The row.
        row: usize,
        /// The target column.
        column: String,
    },
    /// A target cell that is no number where numbers are predicted.
    #[error(
        "row {row}, counted from 0, has {found:?} in the target column {column:?} where a number is expected"
    )]
    NotANumber {
        /// The row.
        row: usize,
        /// The target column.
        column: String,
        /// What it has.
        found: String,
    },
    /// A target cell that is neither yes nor no where a label holds or does not.
    #[error(
        "row {row}, counted from 0, has {found:?} in the target column {column:?} where yes or no (1 or 0, true or false) is expected"
    )]
    NotYesOrNo {
        /// The row.
        row: usize,
        /// The target column.
        column: String,
        /// What it has.
        found: String,
    },
    /// A target that is to be left out.
    #[error(
        "{column:?} is the target and is to be ignored; name another target, or leave it out of the columns to ignore"
    )]
    IgnoredTarget {
        /// The column.
        column: String,
    },
    /// Classes of which hardly any occurs twice.
    #[error(
        "the target column {column:?} has {distinct} different values in {rows} rows, so hardly one occurs twice and no class can be learnt; choose another column, or make numbers of them"
    )]
    HardlyRepeated {
        /// The target column.
        column: String,
        /// Different values.
        distinct: usize,
        /// Rows.
        rows: usize,
    },
    /// Several target columns where one is predicted.
    #[error(
        "one target column is expected, found {}; several are labels, each of which holds or not: --task multi-label",
        listed(columns)
    )]
    SeveralTargets {
        /// The columns.
        columns: Vec<String>,
    },
    /// A class that the training rows do not have.
    #[error(
        "row {row}, counted from 0, has the class {found:?} in column {column:?}, which the training rows do not have; they have {}",
        listed(classes)
    )]
    UnknownClass {
        /// The row.
        row: usize,
        /// The target column.
        column: String,
        /// What it has.
        found: String,
        /// The classes.
        classes: Vec<String>,
    },
    /// One class only.
    #[error(
        "the target column {column:?} is {class:?} in every row, and one class cannot be learnt; choose another column or add rows of another class"
    )]
    OneClass {
        /// The target column.
        column: String,
        /// The class.
        class: String,
    },
    /// So many classes that they are no classes.
    #[error(
        "the target column {column:?} has more than {limit} different values, which are too many for classes; is it the right column, or are its values numbers to predict?"
    )]
    TooManyClasses {
        /// The target column.
        column: String,
        /// The most.
        limit: usize,
    },
    /// An encoding out of a file that cannot be.
    #[error("the encoding of column {column:?} is damaged: {problem}")]
    Encoding {
        /// The column.
        column: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// The most names that a message lists.
const MOST_LISTED: usize = 20;

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(MOST_LISTED).map(|name| format!("{name:?}")).collect();
    let more = names.len().saturating_sub(MOST_LISTED);
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl TabularError {
    pub(crate) fn no_column(name: &str, names: &[String]) -> Self {
        let lower = name.to_lowercase();
        let distance = |known: &String| strsim::damerau_levenshtein(&lower, &known.to_lowercase());
        // Two letters of three are another word.
        let is_near = |known: &&String| {
            let longest = lower.chars().count().max(known.chars().count());
            distance(known) <= 2 && 3 * distance(known) <= longest
        };
        let near = names.iter().min_by_key(|known| distance(known)).filter(is_near);
        TabularError::NoColumn { name: name.to_owned(), near: near.cloned(), names: names.to_vec() }
    }
}
