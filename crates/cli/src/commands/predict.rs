//! `predict` in programs that read images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::data::DatasetsError;
use fireclay::prelude::Trainer;

use crate::program::Program;
use crate::{DeviceFlags, Exit, Output, print_image_guesses};

/// The flags of `predict` in programs that read images.
#[derive(Args, Debug)]
pub struct ImagePredictFlags<P: Program> {
    /// Pictures
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Model file to ask
    #[arg(long, value_name = "MODEL", default_value = P::MODEL_FILE)]
    pub from: PathBuf,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceFlags,
    /// Which program.
    #[arg(skip)]
    pub program: std::marker::PhantomData<P>,
}

/// A picture's bytes in a model's shape, and what was converted.
pub type ReadPicture = (Vec<u8>, Vec<String>);

/// Asks a model about pictures, which `read` brings to its shape, `[channels, height, width]`; it is told on which data set
/// the model was trained. One picture that cannot be read does not keep the others from being read.
///
/// # Errors
/// If the model cannot be loaded or does not read images of so many `channels`.
pub fn run<P: Program>(
    flags: ImagePredictFlags<P>,
    channels: &[usize],
    output: &Arc<Output>,
    read: impl Fn(&Path, [usize; 3], Option<&str>) -> Result<ReadPicture, DatasetsError>,
) -> anyhow::Result<Exit> {
    let device = flags.device.open()?;
    let trainer = Trainer::load(&flags.from, &device)?;
    let card = trainer.card();
    let trained_on = card.dataset.as_ref().map(|dataset| dataset.name.as_str());
    let input = &card.spec.input;
    let shape = match *input.shape() {
        [found, height, width] if channels.contains(&found) => [found, height, width],
        _ => {
            let channels: Vec<String> = channels.iter().map(usize::to_string).collect();
            anyhow::bail!(
                "{} takes {input} as input; expected images, [{}, height, width]",
                flags.from.display(),
                channels.join(" or ")
            )
        }
    };
    let mut exit = Exit::Done;
    for path in &flags.files {
        match read(path, shape, trained_on) {
            Ok((pixels, notes)) => print_image_guesses(path, pixels, &notes, &trainer, output)?,
            Err(error) => {
                output.error(&error.to_string());
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}
