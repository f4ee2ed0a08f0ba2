//! What `cifar` is, besides the commands that all programs share.

use std::sync::Arc;

use fireclay::data::{Cifar10, DataError, DrawnObjects};
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::{
    DataFlags, DownloadBar, ImageChoice, ImageFlags, Output, Program, StandIn, Task, normalization,
    own_images,
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

    type Model = crate::models::ModelName;
    type Data = ImageFlags;

    fn usual_task() -> Task {
        Task::images(SHAPE, 10)
    }

    fn load(choice: &ImageChoice, output: &Arc<Output>) -> Result<(Dataset, Dataset), DataError> {
        let dir = match choice {
            ImageChoice::Folder(folder) => DataDir::named(folder),
            ImageChoice::Usual => DataDir::default(),
            ImageChoice::Images(folder) => return own_images(folder, SHAPE, output),
            ImageChoice::Drawn => {
                return Ok(DrawnObjects::new(DRAWN_SEED).train_and_test(DRAWN_TRAIN, DRAWN_TEST));
            }
        };
        let bar = DownloadBar::new(output.clone());
        Cifar10::load_with(&dir, &|progress| bar.show(&progress))
    }

    fn stand_in(_: &ImageChoice) -> StandIn<ImageChoice> {
        StandIn {
            choice: ImageChoice::Drawn,
            missing: "CIFAR-10",
            instead: "drawn objects, made on the spot",
            remedy: "give CIFAR-10's files with --data-dir FOLDER",
        }
    }

    fn load_test(flags: &ImageFlags, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Dataset> {
        let trained_on = card.dataset.as_ref().map(|dataset| dataset.name.as_str());
        let choice = match flags.choice() {
            ImageChoice::Usual if trained_on == Some("drawn objects") => ImageChoice::Drawn,
            choice => choice,
        };
        let (_, test) = Self::load(&choice, output)?;
        Ok(test.with_normalization(normalization(card))?)
    }
}
