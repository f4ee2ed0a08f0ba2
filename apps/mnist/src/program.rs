//! What `mnist` is, besides the commands that all programs share.

use std::path::Path;
use std::sync::Arc;

use fireclay::data::{DatasetsError, Resize, read_digit, read_image};
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::{
    DataSpec, DownloadBar, Fallback, ImagePreprocessing, ImageProgram, ImageSource, ImageSourceArgs, Limit,
    Output, Picture, Program, normalization,
};

use crate::models::ModelName;

/// The synthetic digits are always the same, so that models can be compared: `--seed` does not change them.
const SYNTHETIC_SEED: u64 = 0;
const SYNTHETIC_TRAIN: usize = 30_000;
const SYNTHETIC_TEST: usize = 5_000;

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
        DataSpec::images([1, 28, 28], 10)
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
        preprocessing.prepare(source.load([1, 28, 28], limit, output, published, synthetic)?)
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
        let (_, test) = Self::load(source, limit, &ImagePreprocessing::default(), output)?;
        Ok(test.with_normalization(normalization(card))?)
    }
}

impl ImageProgram for MnistProgram {
    const PREDICT_ABOUT: &'static str =
        "Read digits from pictures: PNG or JPEG, any size, dark on light or light on dark";
    const CHANNELS: &'static [usize] = &[1];

    fn read_picture(
        path: &Path,
        shape: [usize; 3],
        trained_on: Option<&str>,
    ) -> Result<Picture, DatasetsError> {
        let is_own = trained_on.is_some_and(|name| {
            !Self::DATASETS.contains(&name)
                && Self::fallback().is_none_or(|fallback| name != fallback.dataset)
        });
        if is_own {
            // As the user's own pictures were read that the model was trained on.
            let image = read_image(path, shape, Resize::Crop)?;
            return Ok(Picture { pixels: image.pixels, notes: image.notes });
        }
        // The digit is found, turned to white on black and centred, as MNIST's are.
        let [_, height, width] = shape;
        let digit = read_digit(path, height, width)?;
        Ok(Picture { pixels: digit.pixels, notes: digit.notes })
    }
}

fn load_published(dir: &DataDir, output: &Arc<Output>) -> Result<(Dataset, Dataset), DatasetsError> {
    let bar = DownloadBar::new(output.clone());
    Mnist::load_with(dir, &|progress| bar.show(&progress))
}
