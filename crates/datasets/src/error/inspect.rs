//! Why a contact sheet cannot be drawn or written.

use thiserror::Error;

/// Why a contact sheet cannot be drawn or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InspectProblem {
    /// Samples that are not images.
    #[error(
        "samples of shape {shape:?}{} are not images; expected bytes of shape [1, height, width] or [3, height, width], \
         read the report of their numbers instead",
        if *bytes { "" } else { " that are not bytes" }
    )]
    NotImages {
        /// The shape of one sample.
        shape: Vec<usize>,
        /// Whether they are bytes.
        bytes: bool,
    },
    /// An image with more or fewer bytes than its shape says.
    #[error(
        "an image of shape {shape:?} has {expected} bytes, found {found}; pass channels first, one byte a value"
    )]
    ImageBytes {
        /// The shape given.
        shape: Vec<usize>,
        /// How many bytes that takes.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// No columns or rows, or far too many.
    #[error("asked for {found} {what}; expected 1 to {most}")]
    Count {
        /// `"columns"` or `"rows for each class"`.
        what: &'static str,
        /// How many were asked for.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// More pixels than a picture may have.
    #[error(
        "the sheet would have {width} x {height} pixels, more than {most_pixels}; ask for fewer columns or rows"
    )]
    TooLarge {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
        /// How many it may have in all.
        most_pixels: usize,
    },
    /// The picture could not be made into a PNG.
    #[error("cannot encode the picture as PNG")]
    Encode(#[from] image::ImageError),
}
