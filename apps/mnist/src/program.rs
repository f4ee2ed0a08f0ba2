//! What `mnist` is, besides the commands that all programs share.

use std::path::Path;
use std::sync::Arc;

use fireclay::data::{DatasetsError, PictureForm, Resize, read_digit, read_image};
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::{
    DataSpec, DownloadBar, Fallback, ImagePreprocessing, ImageProgram, ImageSource, ImageSourceArgs, Limit,
    Output, Picture, Program,
};

use crate::digits::form_of;
use crate::models::ModelName;

/// The synthetic digits are always the same, so that models can be compared: `--seed` does not change them.
const SYNTHETIC_SEED: u64 = 0;
const SYNTHETIC_TRAIN: usize = 30_000;
const SYNTHETIC_TEST: usize = 5_000;

/// `[channels, height, width]` of MNIST's images.
const SHAPE: [usize; 3] = [1, 28, 28];

/// The program.
#[derive(Debug)]
pub struct MnistProgram;

impl Program for MnistProgram {
    const NAME: &'static str = "mnist";
    const MODEL_FILE: &'static str = "mnist.fireclay";
    const SAMPLES: &'static str = "images";
    const TRY: &'static str = "predict PICTURE.png";

    const DATASETS: &'static [&'static str] = &["MNIST", "IDX data set"];

    type Model = ModelName;
    type SourceArgs = ImageSourceArgs;
    type Preprocessing = ImagePreprocessing;

    fn default_preprocessing(model: Self::Model) -> ImagePreprocessing {
        model.preprocessing()
    }

    fn default_data(_: Self::Model) -> DataSpec {
        DataSpec::images(SHAPE, 10)
    }

    fn load(
        source: &ImageSource,
        limit: Limit,
        preprocessing: &ImagePreprocessing,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        let published = |dir: &DataDir| load_published(dir, output);
        let synthetic = || {
            DrawnDigits::new(SYNTHETIC_SEED)
                .train_and_test(limit.of(SYNTHETIC_TRAIN), limit.of(SYNTHETIC_TEST))
        };
        let (train, test) = source.load(SHAPE, limit, output, published, synthetic)?;
        let form = match source {
            // As they are read for training.
            ImageSource::Images(_) => PictureForm::Middle,
            _ => form_of(&train),
        };
        let (train, test) = preprocessing.prepare((train, test))?;
        Ok((train.with_preprocessing(form), test.with_preprocessing(form)))
    }

    fn fallback() -> Option<Fallback<ImageSource>> {
        Some(Fallback {
            source: ImageSource::Synthetic,
            dataset: "drawn digits",
            missing: "MNIST",
            remedy: "give MNIST's files with --data-dir FOLDER",
        })
    }

    fn load_test(
        source: &ImageSource,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        let published = |dir: &DataDir| load_published(dir, output);
        let synthetic = || DrawnDigits::new(SYNTHETIC_SEED).train_and_test(0, limit.of(SYNTHETIC_TEST));
        Ok(source.load_test(SHAPE, limit, card, output, published, synthetic)?)
    }
}

impl ImageProgram for MnistProgram {
    const PREDICT_ABOUT: &'static str =
        "Read digits from pictures: PNG or JPEG, any size, dark on light or light on dark";
    const CHANNELS: &'static [usize] = &[1];

    fn read_picture(path: &Path, shape: [usize; 3], card: &ModelCard) -> Result<Picture, DatasetsError> {
        match card.pictures.unwrap_or_else(|| form_by_name(card)) {
            PictureForm::Middle => {
                let image = read_image(path, shape, Resize::Crop)?;
                Ok(Picture { pixels: image.pixels, notes: image.notes })
            }
            PictureForm::Digit => {
                let [_, height, width] = shape;
                let digit = read_digit(path, height, width)?;
                Ok(Picture { pixels: digit.pixels, notes: digit.notes })
            }
        }
    }
}

/// What files of version 0.1 do not say: pictures are digits unless the data has a name of its own.
fn form_by_name(card: &ModelCard) -> PictureForm {
    let is_known = |name: &str| {
        MnistProgram::DATASETS.contains(&name)
            || MnistProgram::fallback().is_some_and(|fallback| name == fallback.dataset)
    };
    match &card.dataset {
        Some(dataset) if !is_known(&dataset.name) => PictureForm::Middle,
        _ => PictureForm::Digit,
    }
}

fn load_published(dir: &DataDir, output: &Arc<Output>) -> Result<(Dataset, Dataset), DatasetsError> {
    let bar = DownloadBar::new(output.clone());
    Mnist::load_with(dir, &|progress| bar.show(&progress))
}
