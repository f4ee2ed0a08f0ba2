//! What can go wrong with event files.

use std::path::PathBuf;

use thiserror::Error;

/// What can be wrong with event files and with what is to be written into them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TensorboardError {
    /// A file or folder that cannot be created, opened, read or written.
    #[error("cannot {action} {path}")]
    File {
        /// What failed: `create`, `open`, `read`, `write`, `lock`, `rename` or `remove`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder without an event file of this crate.
    #[error("{path} has no event file that could be continued; name another folder, or begin a new file")]
    NoEventFile {
        /// The folder.
        path: PathBuf,
    },
    /// An event file that another writer has open.
    #[error("{path} is being written by another run; wait until it ends, or name another folder")]
    Locked {
        /// The event file.
        path: PathBuf,
    },
    /// A file that does not begin as an event file does.
    #[error(
        "{path} does not begin with the version of an event file; move it elsewhere and begin a new file"
    )]
    NotAnEventFile {
        /// The file.
        path: PathBuf,
    },
    /// A whole record that is no event.
    #[error(
        "{path}: the record at byte {position} is not an event; move the file elsewhere and begin a new one"
    )]
    Damaged {
        /// The event file.
        path: PathBuf,
        /// Where the record begins.
        position: u64,
        /// Why it cannot be decoded.
        #[source]
        source: prost::DecodeError,
    },
    /// A position behind what can be read.
    #[error(
        "{path}: {expected} bytes were to be kept, the whole records take {found}; resume at a step instead"
    )]
    TooShort {
        /// The event file.
        path: PathBuf,
        /// The position.
        expected: u64,
        /// The length of the whole records.
        found: u64,
    },
    /// A position within a record.
    #[error(
        "{path}: byte {position} is not the end of a record, the last one before it is {before}; resume at a step instead"
    )]
    NotABorder {
        /// The event file.
        path: PathBuf,
        /// The position.
        position: u64,
        /// The end of the last record before it.
        before: u64,
    },
    /// A picture that is no PNG.
    #[error(
        "picture {index} of {tag:?}, counted from 0, is not a PNG with a width and a height; encode it as one"
    )]
    NotAPng {
        /// The tag.
        tag: String,
        /// The picture.
        index: usize,
    },
    /// Pictures of several sizes under one tag.
    #[error(
        "picture {index} of {tag:?}, counted from 0, has {} by {} pixels, the first one {} by {}; give each size a tag",
        found.0, found.1, expected.0, expected.1
    )]
    PictureSize {
        /// The tag.
        tag: String,
        /// The picture.
        index: usize,
        /// Width and height of the first.
        expected: (u32, u32),
        /// Width and height of this one.
        found: (u32, u32),
    },
    /// Labels and probabilities that are not as many.
    #[error(
        "the curve {tag:?} has {labels} labels and {probabilities} probabilities; give one for each sample"
    )]
    Lengths {
        /// The tag.
        tag: String,
        /// How many labels.
        labels: usize,
        /// How many probabilities.
        probabilities: usize,
    },
    /// A probability that is none.
    #[error("probability {index} of the curve {tag:?}, counted from 0, is {found}; expected 0 to 1")]
    Probability {
        /// The tag.
        tag: String,
        /// The sample.
        index: usize,
        /// The value.
        found: f32,
    },
}

impl TensorboardError {
    /// For `map_err` on what the system refuses.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { action, path: path.into(), source }
    }
}
