//! What `cifar` is, besides the commands that all programs share.

use std::path::Path;
use std::sync::Arc;

use fireclay::data::{Cifar10, Cifar100, DatasetsError, DownloadProgress, DrawnObjects, Resize, read_image};
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::{
    DataSpec, DownloadBar, Fallback, ImagePreprocessing, ImageProgram, ImageSource, ImageSourceArgs, Limit,
    Output, Picture, Program,
};

/// Channels, height and width of all images.
const SHAPE: [usize; 3] = [3, 32, 32];

/// The synthetic objects are always the same, so that models can be compared: `--seed` does not change them.
const SYNTHETIC_SEED: u64 = 0;
const SYNTHETIC_TRAIN: usize = 20_000;
const SYNTHETIC_TEST: usize = 4_000;

/// The program.
#[derive(Debug)]
pub struct CifarProgram;

impl Program for CifarProgram {
    const NAME: &'static str = "cifar";
    const MODEL_FILE: &'static str = "cifar.fireclay";
    const SAMPLES: &'static str = "images";
    const TRY: &'static str = "predict PICTURE.png";

    const DATASETS: &'static [&'static str] =
        &["CIFAR-10", "CIFAR-10 records", "CIFAR-100", "CIFAR-100 records"];

    type Model = crate::models::ModelName;
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
            DrawnObjects::new(SYNTHETIC_SEED)
                .train_and_test(limit.of(SYNTHETIC_TRAIN), limit.of(SYNTHETIC_TEST))
        };
        preprocessing.prepare(source.load(SHAPE, limit, output, published, synthetic)?)
    }

    fn fallback() -> Option<Fallback<ImageSource>> {
        Some(Fallback {
            source: ImageSource::Synthetic,
            dataset: "drawn objects",
            missing: "CIFAR-10",
            remedy: "give CIFAR-10's files with --data-dir FOLDER",
        })
    }

    fn load_test(
        source: &ImageSource,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        let published = |dir: &DataDir| load_published(dir, output);
        let synthetic = || DrawnObjects::new(SYNTHETIC_SEED).train_and_test(0, limit.of(SYNTHETIC_TEST));
        Ok(source.load_test(SHAPE, limit, card, output, published, synthetic)?)
    }
}

impl ImageProgram for CifarProgram {
    const PREDICT_ABOUT: &'static str = "Predict what pictures show: PNG or JPEG, any size";
    const CHANNELS: &'static [usize] = &[1, 3];

    fn read_picture(path: &Path, shape: [usize; 3], _: &ModelCard) -> Result<Picture, DatasetsError> {
        // The centre is kept, as of the user's own pictures in training.
        let image = read_image(path, shape, Resize::Crop)?;
        Ok(Picture { pixels: image.pixels, notes: image.notes })
    }
}

/// CIFAR-10, or CIFAR-100 with its fine labels where a folder that was named holds that and not CIFAR-10.
fn load_published(dir: &DataDir, output: &Arc<Output>) -> Result<(Dataset, Dataset), DatasetsError> {
    let bar = DownloadBar::new(output.clone());
    let show = |progress: DownloadProgress<'_>| bar.show(&progress);
    match dir.is_named() && holds_cifar_100(dir.path()?) {
        true => Cifar100::load_with(dir, &show),
        false => Cifar10::load_with(dir, &show),
    }
}

fn holds_cifar_100(folder: &Path) -> bool {
    let holds = |names: &[&str]| names.iter().any(|name| folder.join(name).exists());
    holds(&["train.bin", "cifar-100-binary", "cifar-100-binary.tar.gz"])
        && !holds(&["data_batch_1.bin", "cifar-10-batches-bin", "cifar-10-binary.tar.gz"])
}
