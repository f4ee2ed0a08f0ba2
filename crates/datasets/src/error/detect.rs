//! What can be wrong with a path that should hold data.

use thiserror::Error;

/// What can be wrong with a path that should hold data of some kind.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DetectProblem {
    /// Nothing there.
    #[error("{what} is empty; expected a table, an .npz file, or a folder of pictures or texts")]
    Empty {
        /// The file or the folder.
        what: &'static str,
    },
    /// Something that is not read.
    #[error("found {found}; {remedy}")]
    Other {
        /// What it is.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Pictures or texts without classes.
    #[error(
        "{files} pictures or texts lie directly in the folder; expected a sub-folder for each class: put the files of each class into a folder of its name"
    )]
    Loose {
        /// How many.
        files: usize,
    },
    /// Several tables.
    #[error("found {count} tables ({}{}); name the one to train on, and the one to test on with --test", names.join(", "), if *count > names.len() { ", ..." } else { "" })]
    Tables {
        /// How many.
        count: usize,
        /// The first of them.
        names: Vec<String>,
    },
}
