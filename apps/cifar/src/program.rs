//! What `cifar` is, besides the commands that all programs share.

use std::sync::Arc;

use fireclay::data::{Cifar10, DataError, DrawnObjects};
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::{
    DataFlags, DownloadBar, ImageChoice, ImageFlags, ImagePlace, Output, Program, StandIn, Task,
    normalization, own_images,
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
        let dir = match &choice.place {
            ImagePlace::Folder(folder) => DataDir::named(folder),
            ImagePlace::Usual => DataDir::default(),
            ImagePlace::Images(folder) => return choice.prepare(own_images(folder, SHAPE, output)?),
            ImagePlace::Drawn => {
                return choice.prepare(DrawnObjects::new(DRAWN_SEED).train_and_test(DRAWN_TRAIN, DRAWN_TEST));
            }
        };
        let bar = DownloadBar::new(output.clone());
        choice.prepare(Cifar10::load_with(&dir, &|progress| bar.show(&progress))?)
    }

    fn stand_in(choice: &ImageChoice) -> StandIn<ImageChoice> {
        StandIn {
            choice: ImageChoice { place: ImagePlace::Drawn, ..choice.clone() },
            missing: "CIFAR-10",
            instead: "drawn objects, made on the spot",
            remedy: "give CIFAR-10's files with --data-dir FOLDER",
        }
    }

    fn load_test(flags: &ImageFlags, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Dataset> {
        let trained_on = card.dataset.as_ref().map(|dataset| dataset.name.as_str());
        let mut choice = flags.choice();
        if choice.place == ImagePlace::Usual && trained_on == Some("drawn objects") {
            choice.place = ImagePlace::Drawn;
        }
        let (_, test) = Self::load(&choice, output)?;
        Ok(test.with_normalization(normalization(card))?)
    }
}
