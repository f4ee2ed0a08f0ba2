//! Which images a program reads: those of its data set, one's own, or built-in ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::data::{
    DataDir, Dataset, DatasetsError, ImageChannels, ImageFolder, ImageFolderOptions, ImageSize,
    Normalization, NumpyDataset, NumpyOptions, Resize, Skipped,
};
use serde::{Deserialize, Serialize};

use crate::augment::Augment;
use crate::program::{PlaceFlags, Preparation};
use crate::{Output, count};

/// Where one's own data has no test part of its own: how much is set aside as one, and by which seed.
pub const TEST_SHARE: f64 = 0.2;
const SPLIT_SEED: u64 = 0;

/// Flags of programs that read images.
#[derive(Args, Clone, Debug)]
pub struct ImageFlags {
    /// Folder with the data set's published files, packed or not; for mnist any set in four IDX files [default:
    /// $FIRECLAY_DATA, else a cache that is filled from public mirrors]
    #[arg(long, value_name = "FOLDER", help_heading = "Data")]
    pub data_dir: Option<PathBuf>,
    /// Folder of your own pictures: a sub-folder for each class, or `train` and `test` with one for each class in both
    #[arg(long, value_name = "FOLDER", conflicts_with = "data_dir", help_heading = "Data")]
    pub images: Option<PathBuf>,
    /// Images of your own as NumPy saves them, with the arrays x_train, y_train, x_test and y_test
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data_dir", "images"], help_heading = "Data")]
    pub npz: Option<PathBuf>,
    /// Use the built-in drawn pictures, which need no files and no network
    #[arg(long, conflicts_with_all = ["data_dir", "images", "npz"], help_heading = "Data")]
    pub drawn: bool,
}

/// Flags that say how images are prepared for training.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePreparation {
    /// Shift and scale every channel to mean 0 and deviation 1, as measured on the training images [default: the
    /// model's, else from 0 to 1]
    #[arg(
        long,
        value_name = "YES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Data"
    )]
    pub standardize: Option<bool>,
    /// What is done at random to the images that the model learns from, such as flip,crop=4,cutout=8,rotation=10,
    /// shift=0.1,scale=0.9..1.1,mixup=0.2, or none [default: the model's]
    #[arg(long, value_name = "STEPS", help_heading = "Data")]
    pub augment: Option<Augment>,
}

/// Where images come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImagePlace {
    /// The folder that was named, with the data set's files.
    Folder(PathBuf),
    /// The environment's folder, the cache or a mirror.
    Usual,
    /// The built-in ones.
    Drawn,
    /// One's own, in a folder for each class.
    Images(PathBuf),
    /// One's own, as NumPy saves arrays.
    Npz(PathBuf),
}

impl PlaceFlags for ImageFlags {
    type Place = ImagePlace;

    fn place(&self) -> ImagePlace {
        let whole = |folder: &PathBuf| std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        match (&self.data_dir, &self.images, &self.npz) {
            (Some(folder), _, _) => ImagePlace::Folder(whole(folder)),
            (None, Some(folder), _) => ImagePlace::Images(whole(folder)),
            (None, None, Some(file)) => ImagePlace::Npz(whole(file)),
            (None, None, None) if self.drawn => ImagePlace::Drawn,
            (None, None, None) => ImagePlace::Usual,
        }
    }

    fn is_given(&self) -> bool {
        self.place() != ImagePlace::Usual
    }
}

impl ImagePreparation {
    /// Images as they are to be learnt from and measured: standardized by the training images, which alone are
    /// augmented.
    ///
    /// # Errors
    /// If the augmentation does not fit the images.
    pub fn prepare(&self, (train, test): (Dataset, Dataset)) -> Result<(Dataset, Dataset), DatasetsError> {
        let normalization = match self.standardize {
            Some(true) => Normalization::of(&train)?,
            _ => Normalization::none(),
        };
        let augment = self.augment.clone().unwrap_or_default();
        let train =
            train.with_normalization(normalization.clone())?.with_augmentation(&augment.augmentation)?;
        let train = match augment.mixup {
            Some(mixup) => train.with_mixup(mixup)?,
            None => train,
        };
        Ok((train, test.with_normalization(normalization)?))
    }
}

impl Preparation for ImagePreparation {
    fn or(self, recipe: Self) -> Self {
        ImagePreparation {
            standardize: self.standardize.or(recipe.standardize),
            augment: self.augment.or(recipe.augment),
        }
    }

    fn describe(&self) -> Vec<String> {
        let standardize = self.standardize.filter(|yes| *yes).map(|_| "standardized".to_string());
        let augment = self.augment.iter().filter(|augment| **augment != Augment::default());
        standardize.into_iter().chain(augment.map(|augment| format!("augment {augment}"))).collect()
    }
}

impl ImagePlace {
    /// Loads training and test images: those of one's own in `shape`, the others by `published` and `drawn`.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn load(
        &self,
        shape: [usize; 3],
        output: &Arc<Output>,
        published: impl Fn(&DataDir) -> Result<(Dataset, Dataset), DatasetsError>,
        drawn: impl Fn() -> (Dataset, Dataset),
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        match self {
            ImagePlace::Folder(folder) => published(&DataDir::named(folder)),
            ImagePlace::Usual => published(&DataDir::default()),
            ImagePlace::Images(folder) => own_images(folder, shape, output),
            ImagePlace::Npz(file) => NumpyDataset::load_npz(file, &NumpyOptions::default()),
            ImagePlace::Drawn => Ok(drawn()),
        }
    }
}

/// Reads a folder of one's own pictures as images of some channels and size, and says what was done to them. Without
/// sub-folders `train` and `test` a fifth of each class is set aside as test images.
///
/// # Errors
/// What is wrong with the folder or its files.
fn own_images(
    folder: &Path,
    [channels, height, width]: [usize; 3],
    output: &Arc<Output>,
) -> Result<(Dataset, Dataset), DatasetsError> {
    let options = ImageFolderOptions {
        size: ImageSize::Fixed([height, width]),
        channels: if channels == 1 { ImageChannels::Grey } else { ImageChannels::Rgb },
        // The middle is kept: stretched, things look as they never do.
        resize: Resize::Crop,
        cache: DataDir::cache().map(|cache| cache.join("image-folders")),
        ..ImageFolderOptions::default()
    };
    if ImageFolder::has_train_and_test(folder) {
        let (train, test) = ImageFolder::load_train_and_test(folder, &options)?;
        say_what_was_done(&train, "train", output);
        say_what_was_done(&test, "test", output);
        return Ok((train.dataset, test.dataset));
    }
    let all = ImageFolder::load(folder, &options)?;
    say_what_was_done(&all, "the folder", output);
    output.note(format!(
        "a fifth of the images is set aside for the test, as {} has no folder `test`",
        folder.display()
    ));
    Ok(all.dataset.split(TEST_SHARE, SPLIT_SEED)?)
}

fn say_what_was_done(images: &ImageFolder, which: &str, output: &Output) {
    for (what, times) in &images.notes {
        output.note(format!("{which}: {} images {what}", count(*times as u64)));
    }
    say_what_was_skipped(&images.skipped, which, output);
}

/// Says which files were passed over.
pub fn say_what_was_skipped(skipped: &Skipped, which: &str, output: &Output) {
    if skipped.other > 0 {
        output.note(format!(
            "{which}: passed over {} files of other kinds, such as {}",
            count(skipped.other as u64),
            skipped.examples.join(", ")
        ));
    }
}
