//! `cifar predict`

use std::sync::Arc;

use fireclay::data::{Resize, read_image};
use fireclay_cli::commands::{ImagePredictFlags, predict_images};
use fireclay_cli::{Exit, Output};

use crate::program::CifarProgram;

pub fn run(flags: ImagePredictFlags<CifarProgram>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    predict_images(flags, &[1, 3], output, |path, shape, _| {
        // The middle is looked at, as of pictures of one's own in training.
        let image = read_image(path, shape, Resize::Crop)?;
        Ok((image.pixels, image.notes))
    })
}
