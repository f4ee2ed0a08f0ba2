//! What can go wrong in this program, besides what it shares with the others.

use std::path::PathBuf;

/// A command that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// No data was named.
    #[error("say what to learn from: `{program} train TABLE.csv`, or `{program} train --resume CHECKPOINT`")]
    NoData {
        /// How the program is called.
        program: String,
    },
    /// No table was named.
    #[error("say which table to read: `predict TABLE.csv`")]
    NoTableNamed,
    /// The answers cannot be written.
    #[error("cannot write {path}; choose another --out")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The model does not read tables.
    #[error("{path} was not trained on a table, so it cannot read one; use the program that trained it")]
    NoTable {
        /// The model file.
        path: PathBuf,
    },
    /// The table lacks columns that the model learnt from.
    #[error(
        "{path} has no column {missing:?}, which the model learnt from; it has {}. Give the column that name, or leave it empty in each row",
        found.join(", ")
    )]
    NoColumn {
        /// The table.
        path: PathBuf,
        /// The first column that is missing.
        missing: String,
        /// The columns that it has.
        found: Vec<String>,
    },
}
