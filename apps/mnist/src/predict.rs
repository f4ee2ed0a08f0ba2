//! `mnist predict`

use std::sync::Arc;

use fireclay::data::{Resize, read_digit, read_image};
use fireclay_cli::commands::{ImagePredictFlags, predict_images};
use fireclay_cli::{Exit, Output, Program};

use crate::program::MnistProgram;

pub fn run(flags: ImagePredictFlags<MnistProgram>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    predict_images(flags, &[1], output, |path, shape, trained_on| {
        let is_own = trained_on.is_some_and(|name| {
            !MnistProgram::DATASETS.contains(&name) && name != MnistProgram::stand_in().dataset
        });
        if is_own {
            // As the pictures of one's own were that the model has learnt from.
            let image = read_image(path, shape, Resize::Crop)?;
            return Ok((image.pixels, image.notes));
        }
        // The digit is found, turned to white on black and centred, as MNIST's are.
        let [_, height, width] = shape;
        let digit = read_digit(path, height, width)?;
        Ok((digit.pixels, digit.notes))
    })
}
