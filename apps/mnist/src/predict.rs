//! `mnist predict`

use std::sync::Arc;

use fireclay::data::read_digit;
use fireclay_cli::commands::{ImagePredictFlags, predict_images};
use fireclay_cli::{Exit, Output};

use crate::program::MnistProgram;

pub fn run(flags: ImagePredictFlags<MnistProgram>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    predict_images(flags, &[1], output, |path, [_, height, width]| {
        // The digit is found, turned to white on black and centred.
        let digit = read_digit(path, height, width)?;
        Ok((digit.pixels, digit.notes))
    })
}
