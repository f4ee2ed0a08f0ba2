//! File formats, and one's own files in them.

mod archive;
mod idx;
mod image;

pub use archive::{ArchiveLimits, ArchiveProblem, read_archive};
pub use idx::{Idx, IdxKind, read_idx};
pub use image::{DigitImage, read_digit};
