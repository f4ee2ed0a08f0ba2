//! What `cifar` is, besides the commands that all programs share.

use std::path::Path;
use std::sync::Arc;

use fireclay::data::{Cifar10, Cifar100, DatasetsError, DownloadProgress, DrawnObjects};
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::{
    DownloadBar, ImageFlags, ImagePlace, ImagePreparation, Output, Program, StandIn, Task, normalization,
};

/// Channels, height and width of all images.
const SHAPE: [usize; 3] = [3, 32, 32];

/// The drawn objects are always the same, so that models can be compared: `--seed` does not change them.
const DRAWN_SEED: u64 = 0;
const DRAWN_TRAIN: usize = 20_000;
const DRAWN_TEST: usize = 4_000;

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
    type Place = ImageFlags;
    type Preparation = ImagePreparation;

    fn preparation(model: Self::Model) -> ImagePreparation {
        model.preparation()
    }

    fn usual_task() -> Task {
        Task::images(SHAPE, 10)
    }

    fn load(
        place: &ImagePlace,
        preparation: &ImagePreparation,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        let published = |dir: &DataDir| load_published(dir, output);
        let drawn = || DrawnObjects::new(DRAWN_SEED).train_and_test(DRAWN_TRAIN, DRAWN_TEST);
        preparation.prepare(place.load(SHAPE, output, published, drawn)?)
    }

    fn stand_in() -> StandIn<ImagePlace> {
        StandIn {
            place: ImagePlace::Drawn,
            dataset: "drawn objects",
            missing: "CIFAR-10",
            remedy: "give CIFAR-10's files with --data-dir FOLDER",
        }
    }

    fn load_test(place: &ImagePlace, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Dataset> {
        let (_, test) = Self::load(place, &ImagePreparation::default(), output)?;
        Ok(test.with_normalization(normalization(card))?)
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
