//! `--augment flip,crop=4,cutout=8`: augmentation as a flag.

use std::fmt;
use std::str::FromStr;

use fireclay::data::{Affine, Augmentation, Border, Crop, Cutout, DataError, Dataset, Fill, Flip, Mixup};
use serde::{Deserialize, Serialize};

/// Random changes to the training images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// As it was written.
    #[serde(default, alias = "words")]
    text: String,
    /// To each image by itself.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// To images in pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixup: Option<Mixup>,
}

impl Augment {
    /// Images that are changed so while a network is trained on them.
    ///
    /// # Errors
    /// If they cannot be, such as what is no image of bytes.
    pub fn apply(&self, train: Dataset) -> Result<Dataset, DataError> {
        // What is no image of bytes can do without.
        let train = match self.augmentation == Augmentation::default() {
            true => train,
            false => train.with_augmentation(&self.augmentation)?,
        };
        match self.mixup {
            Some(mixup) => train.with_mixup(mixup),
            None => Ok(train),
        }
    }
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "none" } else { &self.text })
    }
}

/// A step of `--augment` that does not exist or is out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AugmentError(String);

impl fmt::Display for AugmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AugmentError {}

/// The steps, each with its value.
const STEPS: &str = "none, flip, flip=alternating, crop=PIXELS, cutout=PIXELS, rotation=DEGREES, shift=FRACTION, \
                     scale=SMALLEST..LARGEST, shear=DEGREES, brightness=FRACTION, contrast=FRACTION, mixup=ALPHA";

impl FromStr for Augment {
    type Err = AugmentError;

    fn from_str(text: &str) -> Result<Self, AugmentError> {
        let mut all = Augment::default();
        if text == "none" {
            return Ok(all);
        }
        all.text = text.to_string();
        let mut affine = Affine::none();
        for part in text.split(',').map(str::trim) {
            let (word, value) =
                part.split_once('=').map_or((part, None), |(word, value)| (word, Some(value)));
            let wrong = |expected: &str| AugmentError(format!("'{part}': expected {expected}"));
            let number = |expected: &str| -> Result<f32, AugmentError> {
                value.and_then(|value| value.parse().ok()).ok_or_else(|| wrong(expected))
            };
            let pixels = |expected: &str| -> Result<usize, AugmentError> {
                value.and_then(|value| value.parse().ok()).ok_or_else(|| wrong(expected))
            };
            let steps = std::mem::take(&mut all.augmentation);
            all.augmentation = match (word, value) {
                ("flip", None) => steps.flip(Flip::Random),
                ("flip", Some("alternating")) => steps.flip(Flip::Alternating),
                ("flip", Some(_)) => return Err(wrong("flip or flip=alternating")),
                ("crop", _) => {
                    steps.crop(Crop::new(pixels("crop=4, pixels around the image")?).border(Border::Reflect))
                }
                ("cutout", _) => {
                    steps.cutout(Cutout::new(pixels("cutout=8, pixels a side")?).fill(Fill::black()))
                }
                ("brightness", _) => steps.brightness(number("brightness=0.2")?),
                ("contrast", _) => steps.contrast(number("contrast=0.2")?),
                ("rotation", _) => {
                    affine = affine.rotation(number("rotation=15, degrees to either side")?);
                    steps
                }
                ("shift", _) => {
                    affine = affine.shift(number("shift=0.1, a fraction of the side")?);
                    steps
                }
                ("shear", _) => {
                    affine = affine.shear(number("shear=5, degrees to either side")?);
                    steps
                }
                ("scale", _) => {
                    let range = value
                        .and_then(|value| value.split_once(".."))
                        .ok_or_else(|| wrong("scale=0.9..1.1"))?;
                    let side = |text: &str| text.parse().map_err(|_| wrong("scale=0.9..1.1"));
                    affine = affine.scale(side(range.0)?, side(range.1)?);
                    steps
                }
                ("mixup", _) => {
                    all.mixup = Some(Mixup { alpha: number("mixup=0.2")? });
                    steps
                }
                _ => return Err(wrong(&format!("one of {STEPS}"))),
            };
        }
        if affine != Affine::none() {
            all.augmentation.affine = Some(affine);
        }
        // What no image can be done to is refused before any is read.
        all.augmentation.check(&[1, 1024, 1024]).map_err(|error| AugmentError(error.to_string()))?;
        all.mixup.map_or(Ok(()), |mixup| mixup.check()).map_err(|error| AugmentError(error.to_string()))?;
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_becomes_steps() {
        let all: Augment =
            "flip=alternating,crop=2, cutout=12,rotation=10,scale=0.9..1.2,mixup=0.2".parse().unwrap();
        let Augmentation { flip, crop, cutout, affine, .. } = all.augmentation;
        assert_eq!(flip, Some(Flip::Alternating));
        assert_eq!((crop.unwrap().padding, cutout.unwrap().size), (2, 12));
        let affine = affine.unwrap();
        assert_eq!((affine.rotation, affine.scale), (10.0, [0.9, 1.2]));
        assert_eq!(all.mixup, Some(Mixup { alpha: 0.2 }));
        assert_eq!("none".parse(), Ok(Augment::default()));
    }

    #[test]
    fn an_unknown_step_is_answered_with_those_that_exist() {
        let message = |text: &str| text.parse::<Augment>().unwrap_err().to_string();
        assert!(message("flop").contains("'flop': expected one of none, flip"), "{}", message("flop"));
        assert!(message("crop").contains("crop=4"));
        assert!(message("flip,crop=x").contains("'crop=x': expected crop=4"));
        assert!(message("scale=2").contains("scale=0.9..1.1"));
        assert!(message("flip=often").contains("flip=alternating"));
        assert!(message("").contains("expected one of"));
        assert!(message("mixup=-1").contains("mixup.alpha"), "{}", message("mixup=-1"));
        for out_of_range in ["rotation=NaN", "brightness=9", "scale=2..1", "cutout=0", "flip,none"] {
            assert!(!message(out_of_range).is_empty(), "{out_of_range}");
        }
    }
}
