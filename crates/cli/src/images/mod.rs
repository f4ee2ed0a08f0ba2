//! Which images a program reads: its published data set, the user's own, or synthetic ones.

mod form;
mod own;
mod preprocessing;
mod published;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{DataDir, Dataset, DatasetsError, NumpyDataset, NumpyOptions, PictureForm};
use fireclay::store::ModelCard;
use form::form_of;
pub use own::{TEST_FRACTION, load_pictures_like, report_skipped};
pub use preprocessing::{ImagePreprocessing, normalization};
pub use published::PublishedImages;
use serde::{Deserialize, Serialize};

use crate::limit::Limit;
use crate::output::Output;
use crate::program::{DataSourceArgs, Part};

/// Flags of programs that read images.
#[derive(Args, Clone, Debug)]
pub struct ImageSourceArgs {
    /// Folder with the data set's published files, packed or not; for mnist any set in four IDX files [default:
    /// $FIRECLAY_DATA, else a cache that is filled from public mirrors]
    #[arg(long, value_name = "FOLDER", help_heading = "Data")]
    pub data_dir: Option<PathBuf>,
    /// Folder of your own pictures: a sub-folder for each class, or `train` and `test` with one for each class in both
    #[arg(long, value_name = "FOLDER", conflicts_with = "data_dir", help_heading = "Data")]
    pub images: Option<PathBuf>,
    /// Images of your own as NumPy saves them, with the arrays x_train, y_train, x_test and y_test, or a folder of files
    /// x_train*.npy and so on
    #[arg(long, value_name = "PATH", conflicts_with_all = ["data_dir", "images"], help_heading = "Data")]
    pub npz: Option<PathBuf>,
    /// Use synthetic pictures, generated on the spot, which need no files and no network
    #[arg(long, alias = "drawn", conflicts_with_all = ["data_dir", "images", "npz"], help_heading = "Data")]
    pub synthetic: bool,
}

/// Where images come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageSource {
    /// The folder that was named, with the data set's files.
    Folder(PathBuf),
    /// The folder of `FIRECLAY_DATA`, the cache or a mirror.
    #[default]
    #[serde(alias = "usual")]
    Default,
    /// Synthetic ones.
    #[serde(alias = "drawn")]
    Synthetic,
    /// The user's own, in a folder for each class.
    Images(PathBuf),
    /// The same, with a folder of its own for the test part.
    Parts {
        /// Training pictures.
        train: PathBuf,
        /// Test pictures.
        test: PathBuf,
    },
    /// The user's own, as NumPy saves arrays.
    Npz(PathBuf),
}

impl DataSourceArgs for ImageSourceArgs {
    type Source = ImageSource;

    fn source(&self) -> ImageSource {
        let whole = |folder: &PathBuf| std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        match (&self.data_dir, &self.images, &self.npz) {
            (Some(folder), _, _) => ImageSource::Folder(whole(folder)),
            (None, Some(folder), _) => ImageSource::Images(whole(folder)),
            (None, None, Some(file)) => ImageSource::Npz(whole(file)),
            (None, None, None) if self.synthetic => ImageSource::Synthetic,
            (None, None, None) => ImageSource::Default,
        }
    }

    fn is_given(&self) -> bool {
        self.source() != ImageSource::Default
    }
}

impl ImageSource {
    /// Loads training and test images and prepares them: the user's own in `shape`, the others are of a `family`.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn load(
        &self,
        family: PublishedImages,
        shape: [usize; 3],
        limit: Limit,
        preprocessing: &ImagePreprocessing,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        let (train, test) = self.load_all(family, shape, limit, output)?;
        let (train, test) = (limit.dataset(train)?, limit.dataset(test)?);
        let form = match self {
            // As they are read for training.
            ImageSource::Images(_) | ImageSource::Parts { .. } => PictureForm::Middle,
            _ => form_of(&train),
        };
        let (train, test) = preprocessing.prepare((train, test))?;
        Ok((train.with_preprocessing(form), test.with_preprocessing(form)))
    }

    /// The images that a saved model was trained on, or is measured on.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn load_part(
        &self,
        family: PublishedImages,
        shape: [usize; 3],
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> Result<Dataset, DatasetsError> {
        let samples = match self {
            ImageSource::Images(folder) if part == Part::Own && !own::has_parts(folder) => {
                own::load_whole(folder, shape, &card.classes, output)?
            }
            _ if part != Part::Test => self.load_all(family, shape, limit, output)?.0,
            ImageSource::Images(folder) if card.seen.is_some() && !own::has_parts(folder) => {
                own::load_whole(folder, shape, &card.classes, output)?
            }
            ImageSource::Synthetic => family.synthetic_test(limit),
            _ => self.load_all(family, shape, limit, output)?.1,
        };
        Ok(limit.dataset(samples)?.with_normalization(normalization(card))?)
    }

    /// Whether a fifth of the images becomes the test part, as there is none.
    pub fn holds_out_test(&self) -> bool {
        match self {
            ImageSource::Images(folder) => !own::has_parts(folder),
            ImageSource::Npz(file) => {
                NumpyDataset::has_test_part(file, &NumpyOptions::default()).is_ok_and(|has| !has)
            }
            ImageSource::Folder(_)
            | ImageSource::Default
            | ImageSource::Synthetic
            | ImageSource::Parts { .. } => false,
        }
    }

    fn load_all(
        &self,
        family: PublishedImages,
        shape: [usize; 3],
        limit: Limit,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        match self {
            ImageSource::Folder(folder) => family.load(&DataDir::named(folder), output),
            ImageSource::Default => family.load(&DataDir::default(), output),
            ImageSource::Images(folder) => own::load(folder, shape, output),
            ImageSource::Parts { train, test } => own::load_parts(train, test, shape, output),
            ImageSource::Npz(file) => {
                let (train, test) = NumpyDataset::load(file, &NumpyOptions::default())?;
                if let Some(test) = test {
                    return Ok((train, test));
                }
                output.note("a fifth of the samples is held out for the test, as there is no array x_test");
                Ok(train.split(TEST_FRACTION, own::SPLIT_SEED)?)
            }
            ImageSource::Synthetic => Ok(family.synthetic(limit)),
        }
    }
}
