//! `mnist predict`

use std::sync::Arc;

use fireclay::data::read_digit;
use fireclay::prelude::*;
use fireclay_cli::{Exit, Output, print_image_guesses};

use crate::cli::PredictFlags;

pub fn run(flags: PredictFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let device = flags.device.open()?;
    let trainer = Trainer::load(&flags.from, &device)?;
    let card = trainer.card();
    let &[1, height, width] = card.spec.input.shape() else {
        anyhow::bail!(
            "{} takes {} as input; expected images of one channel, [1, height, width]",
            flags.from.display(),
            card.spec.input
        );
    };
    let mut exit = Exit::Done;
    for path in &flags.files {
        // One picture that cannot be read does not keep the others from being read.
        match read_digit(path, height, width) {
            Ok(digit) => print_image_guesses(path, digit.pixels, &digit.notes, &trainer, output)?,
            Err(error) => {
                output.error(&error.to_string());
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}
