//! File formats, and one's own files in them.

mod idx;
mod image;

pub use idx::{Idx, IdxKind, read_idx};
pub use image::{DigitImage, read_digit};
