//! What an archive did wrong.

use std::io;

use thiserror::Error;

/// Why a tar archive is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveProblem {
    /// Neither gzip nor tar.
    #[error("expected a tar archive, plain or gzip, found {found}; replace it with the published archive")]
    NotAnArchive {
        /// What the file looks like.
        found: &'static str,
    },
    /// A gzip stream that cannot be unpacked.
    #[error(
        "the gzip stream is damaged or cut short after {unpacked} unpacked bytes ({source}); replace it with a whole copy"
    )]
    Gzip {
        /// How far unpacking came.
        unpacked: u64,
        /// What the decoder said.
        source: io::Error,
    },
    /// An archive that ends before its end mark or within a file.
    #[error(
        "expected {expected} at byte {at}, found the end of the archive: it was cut short, replace it with a whole copy"
    )]
    Cut {
        /// Where, counted in unpacked bytes.
        at: u64,
        /// What should have been there.
        expected: &'static str,
    },
    /// A header that cannot be right.
    #[error("the header at byte {at} {what}; the archive is damaged, replace it with a whole copy")]
    Header {
        /// Where, counted in unpacked bytes.
        at: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Bytes after the end of the archive.
    #[error("expected nothing after the end of the {after}, found more bytes; replace it with a clean copy")]
    Trailing {
        /// `"gzip stream"` or `"archive"`.
        after: &'static str,
    },
    /// More than the limits allow.
    #[error(
        "{what}: found {found}, more than the {limit} allowed; use the published archive, or unpack it yourself"
    )]
    Limit {
        /// What there is too much of.
        what: String,
        /// How much, as far as is known.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// A name that leads out of the archive, or that nobody would give.
    #[error("the entry {name:?} {reason}; expected names below one folder, use the published archive")]
    Name {
        /// The name, or its beginning.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A wanted name that is not a regular file.
    #[error("the entry {name:?} is {found}; expected a regular file, use the published archive")]
    Kind {
        /// The name.
        name: String,
        /// What it is.
        found: &'static str,
    },
    /// A wanted file inside a folder that is a link.
    #[error(
        "the entry {name:?} lies below {link:?}, which is a link; expected a folder, use the published archive"
    )]
    ThroughLink {
        /// The file.
        name: String,
        /// The link.
        link: String,
    },
    /// A wanted name that is there twice, perhaps in another case.
    #[error(
        "the entry {name:?} is there a second time, or again in another case; expected each name once, use the published archive"
    )]
    Twice {
        /// The name as it was met the second time.
        name: String,
    },
    /// Two sizes for one entry.
    #[error(
        "the entry {name:?} has {header} bytes in its header and {extended} in its extended header; expected one size, use the published archive"
    )]
    Sizes {
        /// The name.
        name: String,
        /// In the header itself.
        header: u64,
        /// In the extended (PAX) header before it.
        extended: u64,
    },
}
