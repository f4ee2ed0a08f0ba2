//! Augmentation of images: what changes them at random while a network trains.
//!
//! An [`Augmentation`] is a description, which serialises; [`Augmentation::check`] turns it into an [`Augmenter`] for
//! images of one shape, which works on bytes, before they are normalised. What it does to a sample is a function of the
//! training's seed, the epoch and the sample's index alone: each step of each sample has a random stream of its own. So
//! it depends neither on threads nor on batches, and adding a step leaves what the others draw as it was.
//!
//! Arithmetic is on whole numbers, or on floats with operations that IEEE 754 rounds exactly; so every machine gives the
//! same bytes.

mod affine;
mod augmenter;
mod border;
mod cutout;
mod description;
mod elementary;
mod mixup;
mod placement;
mod resample;
mod tone;

use crate::augmentation_problem::AugmentationProblem;
pub use affine::Affine;
pub use augmenter::{AugmentScratch, Augmenter};
pub use border::{Border, Fill};
pub use cutout::Cutout;
pub use description::{Augmentation, Flip};
pub use mixup::{Mixup, MixupPlan};
pub use placement::Crop;

use crate::Pass;
use crate::random::Random;

/// The random stream of one step for one sample of one pass. `purpose` tells the steps apart.
fn stream(purpose: u64, pass: Pass, index: u32) -> Random {
    Random::new(purpose, pass.seed, ((pass.epoch as u64) << 32) | u64::from(index))
}
