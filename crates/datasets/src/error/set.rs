//! Why files are not the published set they should be.

use thiserror::Error;

/// Why the files of a published set are refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetProblem {
    /// A folder without the set.
    #[error(
        "expected {expected}, found none of it; put it there, or leave the folder unnamed so that it is downloaded"
    )]
    Missing {
        /// What was looked for, and where.
        expected: String,
    },
    /// A folder with some of the set's files, but not all.
    #[error("expected {name} beside {other}, found none; put it there, or use the published archive")]
    MissingFile {
        /// What is missing.
        name: &'static str,
        /// What is there.
        other: &'static str,
    },
    /// An archive without one of the set's files.
    #[error("expected the file {name} in the archive, found none; use the published archive")]
    MissingEntry {
        /// Its name.
        name: &'static str,
    },
    /// Several archives, and none of a known name.
    #[error("expected one archive, found {}; leave one of them there", found.join(", "))]
    SeveralArchives {
        /// Their names.
        found: Vec<String>,
    },

    // Records of images.
    /// A file that is not a whole number of records.
    #[error("expected records of {record_bytes} bytes each, found {found} bytes, {}; {hint}", records(*found, *record_bytes))]
    Size {
        /// Bytes of one record.
        record_bytes: usize,
        /// Bytes of the file.
        found: u64,
        /// What to do.
        hint: String,
    },
    /// A file larger than any such set.
    #[error("expected at most {limit} bytes, found {found}; use the files of the set's binary version")]
    TooLarge {
        /// Bytes of the file.
        found: u64,
        /// Bytes that are read at most.
        limit: u64,
    },
    /// A label above the number of classes.
    #[error(
        "record {record} has {what} {label}, but there are {classes} classes, so it must be below {classes}; use the files of the set's binary version"
    )]
    Label {
        /// Which record of the file.
        record: usize,
        /// Which label it is.
        what: &'static str,
        /// Its value.
        label: u8,
        /// How many classes there are.
        classes: usize,
    },
    /// A file with the published content of another file of the set.
    #[error("expected the content of {expected}, found that of {found}: files are swapped, rename them")]
    Swapped {
        /// The file's own name.
        expected: &'static str,
        /// Whose content it has.
        found: &'static str,
    },
    /// Two files with the same content.
    #[error("expected {name} and {other} to differ, found the same content in both; replace one of them")]
    SameContent {
        /// One of them.
        name: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A file of class names that does not fit.
    #[error(
        "expected the names of {classes} classes, one on each line, found {found}; correct the file or remove it"
    )]
    ClassNames {
        /// How many classes there are.
        classes: usize,
        /// What is wrong.
        found: String,
    },

    // Reviews.
    /// A folder of the tree without a review.
    #[error("expected reviews NUMBER_RATING.txt in {folder}, found none; use the whole set")]
    NoReviews {
        /// `"train/pos"` and the like.
        folder: String,
    },
    /// A text file whose name has no number.
    #[error(
        "expected the review {name:?} to be called NUMBER_RATING.txt, such as 17_8.txt; rename or remove it"
    )]
    ReviewName {
        /// Its name in the archive or folder.
        name: String,
    },
    /// Two reviews with one number and rating.
    #[error(
        "expected one review {name:?}, found a second of the same number and rating; rename or remove one"
    )]
    SameReview {
        /// Its name in the archive or folder.
        name: String,
    },
    /// A review that is not text.
    #[error("expected the review {name:?} to be UTF-8, found byte 0x{byte:02x} at {at}; save it as UTF-8")]
    NotUtf8 {
        /// Its name in the archive or folder.
        name: String,
        /// Where.
        at: usize,
        /// What is there.
        byte: u8,
    },
    /// More than the limits allow.
    #[error("{what}: found {found}, more than the {limit} that are read; leave the rest out")]
    Limit {
        /// What there is too much of.
        what: String,
        /// How much, as far as is known.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
}

fn records(found: u64, record_bytes: usize) -> String {
    let record_bytes = record_bytes as u64;
    format!("which is {} records and {} bytes", found / record_bytes, found % record_bytes)
}
