//! What `mnist` is, besides the commands that all programs share.

use std::sync::Arc;

use fireclay::data::DatasetsError;
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::{
    DownloadBar, ImageFlags, ImagePlace, ImagePreparation, Output, Program, StandIn, Task, normalization,
};

use crate::models::ModelName;

/// The drawn digits are always the same, so that models can be compared: `--seed` does not change them.
const DRAWN_SEED: u64 = 0;
const DRAWN_TRAIN: usize = 30_000;
const DRAWN_TEST: usize = 5_000;

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
    type Place = ImageFlags;
    type Preparation = ImagePreparation;

    fn preparation(model: Self::Model) -> ImagePreparation {
        model.preparation()
    }

    fn usual_task() -> Task {
        Task::images([1, 28, 28], 10)
    }

    fn load(
        place: &ImagePlace,
        preparation: &ImagePreparation,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        let published = |dir: &DataDir| load_published(dir, output);
        let drawn = || DrawnDigits::new(DRAWN_SEED).train_and_test(DRAWN_TRAIN, DRAWN_TEST);
        preparation.prepare(place.load([1, 28, 28], output, published, drawn)?)
    }

    fn stand_in() -> StandIn<ImagePlace> {
        StandIn {
            place: ImagePlace::Drawn,
            dataset: "drawn digits",
            missing: "MNIST",
            remedy: "give MNIST's files with --data-dir FOLDER",
        }
    }

    fn load_test(place: &ImagePlace, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Dataset> {
        let (_, test) = Self::load(place, &ImagePreparation::default(), output)?;
        Ok(test.with_normalization(normalization(card))?)
    }
}

fn load_published(dir: &DataDir, output: &Arc<Output>) -> Result<(Dataset, Dataset), DatasetsError> {
    let bar = DownloadBar::new(output.clone());
    Mnist::load_with(dir, &|progress| bar.show(&progress))
}
