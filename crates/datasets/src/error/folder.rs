//! What can be wrong with a folder of classes.

use std::path::PathBuf;

use thiserror::Error;

use super::DatasetsError;
use super::near::{did_you_mean, list, short};

/// What can be wrong with a folder of images or texts.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FolderProblem {
    /// No sub-folders.
    #[error(
        "expected a sub-folder for each class, found none; put the files of each class into a folder of its name"
    )]
    NoClasses,
    /// A file.
    #[error("expected a folder with a sub-folder for each class, found {found}")]
    NotAFolder {
        /// What it is, and what to do.
        found: &'static str,
    },
    /// A class without files.
    #[error("the class {class:?} holds no {expected}; put some into its folder, or remove the folder")]
    EmptyClass {
        /// The sub-folder's name.
        class: String,
        /// What was looked for.
        expected: &'static str,
    },
    /// A test part without files.
    #[error("none of its classes holds {expected}; put some into their folders")]
    NoFiles {
        /// What was looked for.
        expected: &'static str,
    },
    /// Sub-folders `train` and `test`, or of such names, where classes were expected.
    #[error(
        "found the sub-folders \"train\" and \"test\", or of such names, where a sub-folder for each class is expected; load both parts together, or name one of them"
    )]
    Parts,
    /// A part of a set beside classes, or alone.
    #[error(
        "the sub-folder {name:?} has sub-folders of its own, so it is a part of the data and no class; parts are two folders, \"train\" and \"test\" (or \"val\", \"validation\"), each with a sub-folder for each class"
    )]
    PartAmongClasses {
        /// The sub-folder's name.
        name: String,
    },
    /// A folder in a folder.
    #[error(
        "expected a sub-folder for each class, found only {name:?}, which has sub-folders of its own; name that folder: {}",
        inner.display()
    )]
    Wrapped {
        /// The sub-folder's name.
        name: String,
        /// Where it is.
        inner: PathBuf,
    },
    /// No sub-folders `train` and `test` where they were expected.
    #[error(
        "expected the sub-folders \"train\" and \"test\", each with a sub-folder for each class; \"{missing}\" is missing: create it, or load the folder as one part"
    )]
    NoParts {
        /// The sub-folder that is not there.
        missing: &'static str,
    },
    /// A class that the training part does not have.
    #[error(
        "the class {class:?} is not in the training part, which has {}{}; rename the folder or train with it",
        list(known.iter().map(String::as_str)), did_you_mean(class, known.iter().map(String::as_str))
    )]
    UnknownClass {
        /// The sub-folder's name.
        class: String,
        /// The classes of the training part.
        known: Vec<String>,
    },
    /// A sub-folder's name that is not text.
    #[error("the name of the sub-folder {name:?} is not UTF-8, and it would be a class's name; rename it")]
    Name {
        /// The name, with what cannot be shown replaced.
        name: String,
    },
    /// More files than the limit.
    #[error("it holds more than {limit} files and folders; raise the limit if all of them belong to the set")]
    TooManyFiles {
        /// What is allowed.
        limit: usize,
    },
    /// Folders in folders, too many of them.
    #[error("folders are nested more than {limit} deep below a class; move the files up")]
    TooDeep {
        /// What is allowed.
        limit: usize,
    },
    /// More bytes than the limit.
    #[error(
        "{what} would take {bytes} bytes of memory, more than the {limit} allowed; {hint}, or raise the limit"
    )]
    TooLarge {
        /// What takes them.
        what: String,
        /// How many.
        bytes: u64,
        /// What is allowed.
        limit: u64,
        /// How to need fewer.
        hint: &'static str,
    },
    /// A size that pictures cannot be brought to.
    #[error(
        "images of {height} x {width} (height x width) were asked for, expected 1 to {limit} on each side; {hint}"
    )]
    Size {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// The most there may be of each.
        limit: u32,
        /// What to do.
        hint: &'static str,
    },
    /// A text file that is not UTF-8.
    #[error("expected UTF-8, found {found} at byte {at}; save it as UTF-8")]
    Encoding {
        /// What it looks like.
        found: &'static str,
        /// Where the first such byte is.
        at: usize,
    },
    /// A text file larger than the limit.
    #[error("expected a text of at most {limit} bytes, found {bytes}; split it")]
    LongText {
        /// Its size.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// Files that cannot be used, the first few with their reasons.
    #[error("{count} of {files} files cannot be used; repair or remove them: {}", broken_list(broken, *count))]
    Broken {
        /// The first of them, each with its own error.
        broken: Vec<DatasetsError>,
        /// How many there are.
        count: usize,
        /// How many files there are in all.
        files: usize,
    },
}

fn broken_list(broken: &[DatasetsError], count: usize) -> String {
    let shown: Vec<String> = broken.iter().map(ToString::to_string).collect();
    match count.saturating_sub(shown.len()) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

/// A file name for a message.
pub(crate) fn shown(name: &std::ffi::OsStr) -> String {
    short(&name.to_string_lossy()).trim_matches('"').to_owned()
}
