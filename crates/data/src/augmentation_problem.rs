//! What can be wrong with the description of an augmentation.

use thiserror::Error;

/// Why an augmentation cannot be used, found before the first image.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum AugmentationProblem {
    /// Samples that are not images, or too large ones.
    #[error(
        "expected images of shape [channels, height, width] with sides from 1 to {limit}, found samples of shape {shape:?}; augment images only"
    )]
    Shape {
        /// The shape of one sample.
        shape: Vec<usize>,
        /// The longest side.
        limit: usize,
    },
    /// Images with more pixels than are resampled.
    #[error(
        "{height} x {width} pixels are more than the {limit} that can be turned, scaled and shifted; shrink the images first"
    )]
    TooManyPixels {
        /// Pixels down.
        height: usize,
        /// Pixels across.
        width: usize,
        /// The greatest number of pixels.
        limit: usize,
    },
    /// A number outside its range, NaN among others.
    #[error("{name} is {found}; expected {expected}")]
    Range {
        /// The field.
        name: &'static str,
        /// What it holds.
        found: f32,
        /// What it may hold.
        expected: &'static str,
    },
    /// A range of scales that is empty, or outside its bounds.
    #[error(
        "affine.scale is [{}, {}]; expected the smallest and the largest factor, both from {least} to {greatest}, for example [0.9, 1.1]",
        found[0],
        found[1]
    )]
    Scale {
        /// The range given.
        found: [f32; 2],
        /// The least factor.
        least: f32,
        /// The greatest factor.
        greatest: f32,
    },
    /// A padding from which a crop could miss the whole image.
    #[error(
        "crop.padding is {padding} for images of {height} x {width} pixels (height x width); expected less than the shorter side"
    )]
    CropPadding {
        /// Pixels on each side.
        padding: usize,
        /// Pixels down.
        height: usize,
        /// Pixels across.
        width: usize,
    },
    /// A square that is empty, or larger than the image.
    #[error(
        "cutout.size is {size} for images of {height} x {width} pixels (height x width); expected 1 to the shorter side"
    )]
    Cutout {
        /// Pixels on each side.
        size: usize,
        /// Pixels down.
        height: usize,
        /// Pixels across.
        width: usize,
    },
    /// Levels to fill with, neither one for all channels nor one for each.
    #[error("{name} has {found} levels for images of {channels} channels; give 1 or {channels}")]
    Fill {
        /// The field.
        name: &'static str,
        /// How many levels it holds.
        found: usize,
        /// How many channels an image has.
        channels: usize,
    },
}
