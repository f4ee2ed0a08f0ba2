//! The description of an augmentation.

use serde::{Deserialize, Serialize};

use super::{Affine, AugmentationProblem, Crop, Cutout};

/// The longest side of an image that is augmented, so that places in it fit small numbers.
const LONGEST_SIDE: usize = 65_536;

/// The most pixels that are resampled, so that the memory to work in stays below 140 MB.
const MOST_RESAMPLED: usize = 1 << 24;

/// What changes images at random while a network trains: data, like a model's description. Whatever is left out does
/// nothing.
///
/// Steps come in this order: affine map, flips, crop, brightness and contrast, cutout. They work on bytes, before images
/// are normalised.
///
/// ```
/// use fireclay_data::{Augmentation, Border, Crop, Cutout, Flip};
///
/// let built = Augmentation::none().flip(Flip::Alternating).crop(Crop::new(2)).cutout(Cutout::new(12));
/// let read: Augmentation =
///     serde_json::from_str(r#"{"flip": "alternating", "crop": {"padding": 2}, "cutout": {"size": 12}}"#).unwrap();
/// assert_eq!(built, read);
///
/// assert!(built.check(&[3, 32, 32]).is_ok());
/// let message = built.check(&[1, 8, 8]).unwrap_err().to_string();
/// assert!(message.contains("cutout.size is 12 for images of 8 x 8"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Left becomes right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<Flip>,
    /// Top becomes bottom, for half of the images in each epoch.
    #[serde(skip_serializing_if = "is_false")]
    pub vertical_flip: bool,
    /// A shift by whole pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// Rotation, scale, shear and shift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affine: Option<Affine>,
    /// All levels are multiplied by a factor that differs from 1 by up to this, from 0 to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub brightness: f32,
    /// Distances from the image's mean are multiplied by a factor that differs from 1 by up to this, from 0 to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub contrast: f32,
    /// A hidden square.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutout: Option<Cutout>,
}

/// Which images are flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flip {
    /// Half of them, drawn anew in each epoch.
    Random,
    /// Half of them in even epochs and the others in odd ones, drawn once; so a network sees both sides of every image
    /// in each two epochs ([Jordan 2024](https://arxiv.org/abs/2404.00498)).
    Alternating,
}

impl Augmentation {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Flips images, so that left becomes right.
    pub fn flip(mut self, flip: Flip) -> Self {
        self.flip = Some(flip);
        self
    }

    /// Turns half of the images upside down, drawn anew in each epoch.
    pub fn vertical_flip(mut self) -> Self {
        self.vertical_flip = true;
        self
    }

    /// Shifts images by whole pixels.
    pub fn crop(mut self, crop: Crop) -> Self {
        self.crop = Some(crop);
        self
    }

    /// Turns, scales, leans and shifts images.
    pub fn affine(mut self, affine: Affine) -> Self {
        self.affine = Some(affine);
        self
    }

    /// Multiplies levels by a factor from `1 - spread` to `1 + spread`.
    pub fn brightness(mut self, spread: f32) -> Self {
        self.brightness = spread;
        self
    }

    /// Stretches levels about their mean by a factor from `1 - spread` to `1 + spread`.
    pub fn contrast(mut self, spread: f32) -> Self {
        self.contrast = spread;
        self
    }

    /// Hides a square.
    pub fn cutout(mut self, cutout: Cutout) -> Self {
        self.cutout = Some(cutout);
        self
    }

    /// Whether it does nothing.
    pub fn is_none(&self) -> bool {
        let Augmentation { flip, vertical_flip, crop, affine, brightness, contrast, cutout } = self;
        flip.is_none()
            && !vertical_flip
            && crop.as_ref().is_none_or(|crop| crop.padding == 0)
            && affine.as_ref().is_none_or(Affine::is_none)
            && *brightness == 0.0
            && *contrast == 0.0
            && cutout.is_none()
    }

    /// The shape, if everything fits images of it.
    pub(super) fn checked(&self, found: &[usize]) -> Result<[usize; 3], AugmentationProblem> {
        let refuse = || AugmentationProblem::Shape { shape: found.to_vec(), limit: LONGEST_SIDE };
        let shape: [usize; 3] = found.try_into().map_err(|_| refuse())?;
        let [channels, height, width] = shape;
        let sides = 1..=LONGEST_SIDE;
        if channels == 0 || !sides.contains(&height) || !sides.contains(&width) {
            return Err(refuse());
        }
        // Sides are at most 2^16 each.
        if channels.checked_mul(height * width).is_none() {
            return Err(refuse());
        }
        if let Some(crop) = &self.crop {
            crop.check(shape)?;
        }
        if let Some(affine) = &self.affine {
            affine.check(channels)?;
            if !affine.is_none() && height * width > MOST_RESAMPLED {
                return Err(AugmentationProblem::TooManyPixels { height, width, limit: MOST_RESAMPLED });
            }
        }
        for (name, found) in [("brightness", self.brightness), ("contrast", self.contrast)] {
            if !(0.0..=1.0).contains(&found) {
                return Err(AugmentationProblem::Range { name, found, expected: "a spread from 0 to 1" });
            }
        }
        if let Some(cutout) = &self.cutout {
            cutout.check(shape)?;
        }
        Ok(shape)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &f32) -> bool {
    *value == 0.0
}
