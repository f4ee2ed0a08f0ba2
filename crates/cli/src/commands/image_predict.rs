//! `predict` in programs that read images.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::data::{Dataset, ImageFile, Provenance, Targets, read_picture};
use fireclay::nn::Model;
use fireclay::prelude::Trainer;
use fireclay::store::ModelCard;

use crate::command::Command;
use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::format::percent;
use crate::images::normalization;
use crate::output::Output;
use crate::predictions::{numbered, ranked};
use crate::program::ImageProgram;
use crate::records::Prediction;

/// How many classes are shown for each picture.
const SHOWN: usize = 3;

/// Asks a model about pictures. One that cannot be read does not keep the others from being read.
#[derive(Args, Debug)]
pub struct ImagePredict<P: ImageProgram> {
    /// Pictures
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Model file to use
    #[arg(long, value_name = "MODEL", default_value = P::MODEL_FILE)]
    pub from: PathBuf,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Which program.
    #[arg(skip)]
    pub program: PhantomData<P>,
}

impl<P: ImageProgram> Command for ImagePredict<P> {
    const NAME: &'static str = "predict";
    const ABOUT: &'static str = P::PREDICT_ABOUT;

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let device = self.device.open()?;
        let _precision = self.device.in_precision(&device, output);
        let trainer = Trainer::load(&self.from, &device)?;
        let card = trainer.card();
        let shape = image_shape(&card, P::CHANNELS, &self.from)?;
        let mut exit = Exit::Done;
        for path in &self.files {
            match read_picture(path, shape, card.picture_form()) {
                Ok(picture) => print_prediction(path, picture, &trainer, output)?,
                Err(error) => {
                    output.error(&error.to_string());
                    exit = Exit::Failed;
                }
            }
        }
        Ok(exit)
    }
}

/// `[channels, height, width]` of a model that takes images of one of some numbers of channels.
fn image_shape(card: &ModelCard, channels: &[usize], path: &Path) -> Result<[usize; 3], CommandError> {
    match *card.spec.input.shape() {
        [found, height, width] if channels.contains(&found) => Ok([found, height, width]),
        _ => Err(CommandError::NoImages {
            path: path.to_path_buf(),
            found: card.spec.input.clone(),
            channels: channels.iter().map(usize::to_string).collect::<Vec<_>>().join(" or "),
        }),
    }
}

/// Prints the classes that a model finds most probable for a picture in its shape.
fn print_prediction(
    path: &Path,
    picture: ImageFile,
    trainer: &Trainer<Model>,
    output: &Output,
) -> anyhow::Result<()> {
    let card = trainer.card();
    let one = Dataset::from_u8(
        card.spec.input.shape(),
        picture.pixels,
        // The label is not used.
        Targets::Classes { labels: vec![0], names: vec!["unknown".into()] },
        normalization(&card),
        Provenance::new("picture", "predict", "a file"),
    )?;
    let row = trainer.predict(&one)?.remove(0);
    let numbered = numbered(row.len());
    let mut top = ranked(&card, &numbered, &row);
    top.truncate(SHOWN);
    let shown: Vec<String> = top
        .iter()
        .map(|class| format!("{} {:>8}", class.class, percent(f64::from(class.probability))))
        .collect();
    output.line(format!("{}  {}", path.display(), shown.join("   ")));
    if !output.is_json() {
        picture.notes.iter().for_each(|note| output.note(format!("  {note}")));
    }
    let Some(best) = top.first().map(|class| class.class) else {
        return Ok(());
    };
    output.record(&Prediction {
        file: path.display().to_string(),
        class: best,
        top,
        trained_on: card.dataset.as_ref().map(|dataset| dataset.name.as_str()),
        notes: &picture.notes,
    });
    Ok(())
}
