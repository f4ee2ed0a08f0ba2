//! How images are prepared for training: standardized and augmented.

use clap::Args;
use fireclay::data::{Dataset, DatasetsError, Normalization};
use fireclay::store::ModelCard;
use serde::{Deserialize, Serialize};

use crate::augment::Augment;
use crate::program::Preprocessing;

/// Of images that stay in their files, those by which all are standardized.
const STANDARDIZED_BY: usize = 16_384;

/// Flags that say how images are prepared for training.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePreprocessing {
    /// Standardize every channel to mean 0 and standard deviation 1, as measured on the training images [default: the
    /// model's, else pixels from 0 to 1]
    #[arg(
        long,
        value_name = "YES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Data"
    )]
    pub standardize: Option<bool>,
    /// Random augmentation of the training images, such as flip,crop=4,cutout=8,rotation=10,shift=0.1,scale=0.9..1.1,
    /// mixup=0.2, or none [default: the model's]
    #[arg(long, value_name = "STEPS", help_heading = "Data")]
    pub augment: Option<Augment>,
}

impl ImagePreprocessing {
    /// Training and test images, both standardized by the training images; the training images are augmented.
    ///
    /// # Errors
    /// If the augmentation does not fit the images.
    pub fn prepare(&self, (train, test): (Dataset, Dataset)) -> Result<(Dataset, Dataset), DatasetsError> {
        let normalization = match self.standardize {
            Some(true) if train.is_read_by_shards() => Normalization::of(&train.spread(STANDARDIZED_BY))?,
            Some(true) => Normalization::of(&train)?,
            _ => Normalization::none(),
        };
        let train = train.with_normalization(normalization.clone())?;
        let train = match &self.augment {
            Some(augment) => augment.apply(train)?,
            None => train,
        };
        Ok((train, test.with_normalization(normalization)?))
    }
}

impl Preprocessing for ImagePreprocessing {
    fn merge(self, defaults: Self) -> Self {
        ImagePreprocessing {
            standardize: self.standardize.or(defaults.standardize),
            augment: self.augment.or(defaults.augment),
        }
    }

    fn describe(&self) -> Vec<String> {
        let standardize = self.standardize.filter(|yes| *yes).map(|_| "standardized".to_string());
        let augment = self.augment.iter().filter(|augment| **augment != Augment::default());
        standardize.into_iter().chain(augment.map(|augment| format!("augment {augment}"))).collect()
    }
}

/// The normalization that a model was trained with.
pub fn normalization(card: &ModelCard) -> Normalization {
    match &card.preprocessing {
        Some(preprocessing) => {
            Normalization { mean: preprocessing.mean.clone(), std: preprocessing.std.clone() }
        }
        None => Normalization::none(),
    }
}
