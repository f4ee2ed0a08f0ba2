//! `cifar predict`

use std::sync::Arc;

use fireclay::data::{Resize, read_image};
use fireclay::prelude::*;
use fireclay_cli::{Exit, Output, print_image_guesses};

use crate::cli::PredictFlags;

pub fn run(flags: PredictFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let device = flags.device.open()?;
    let trainer = Trainer::load(&flags.from, &device)?;
    let card = trainer.card();
    let &[channels, height, width] = card.spec.input.shape() else {
        anyhow::bail!(
            "{} takes {} as input; expected images, [channels, height, width]",
            flags.from.display(),
            card.spec.input
        );
    };
    let mut exit = Exit::Done;
    for path in &flags.files {
        // One picture that cannot be read does not keep the others from being read. Its middle is what is looked at:
        // stretched, things would look as they never do in training.
        match read_image(path, [channels, height, width], Resize::Crop) {
            Ok(image) => print_image_guesses(path, image.pixels, &image.notes, &trainer, output)?,
            Err(error) => {
                output.error(&error.to_string());
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}
