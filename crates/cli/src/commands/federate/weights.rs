//! `federate weights` and `federate apply`: between model files and safetensors.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use fireclay::data::write_atomically;
use fireclay::federate::Parameters;
use fireclay::nn::Model;
use fireclay::prelude::Device;
use fireclay::store::{ModelCard, save_model};
use fireclay::train::{parameters, with_parameters};
use serde::Serialize;

use super::local::Start;
use crate::commands::train::check_out;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::format::{bytes, shown};
use crate::output::Output;
use crate::output_file::{check_output, same_file};

/// The largest file of weights that is read.
const MAX_BYTES: u64 = 1 << 36;

/// Writes the weights of a model file.
#[derive(Args, Debug)]
pub struct Weights {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Where to write them
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Writes a model file with other weights.
#[derive(Args, Debug)]
pub struct Apply {
    /// Model file that says everything else
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Weights in safetensors, as `federate weights` and `federate round` write them
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Where to save the model
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Weights {
    pub fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_weights_out(&self.out)?;
        let start = Start::load(&self.model, &Device::default())?;
        write_weights(&self.out, &parameters(&start.network)?)?;
        wrote(&self.out, output)
    }
}

impl Apply {
    pub fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_out(&self.out)?;
        if same_file(&self.model, &self.out) {
            return Err(UsageError::of(CommandError::SameFile { path: self.model, flag: "--out" }));
        }
        let start = Start::load(&self.model, &Device::default())?;
        let weights = read_weights(&self.weights)?;
        let network = with_weights(&start.network, &weights, &self.weights)?;
        save_model(&self.out, &network, &of_new_weights(start.card, &self.model, output))?;
        wrote(&self.out, output)
    }
}

/// A file that was written.
#[derive(Serialize)]
#[serde(tag = "type", rename = "written")]
struct Written {
    file: String,
    bytes: u64,
}

/// What a file says of other weights than its own: nothing that was measured of those, and not that they are private.
pub fn of_new_weights(mut card: ModelCard, path: &Path, output: &Output) -> ModelCard {
    card.seen = None;
    card.threshold = None;
    card.intervals = None;
    card.reference = None;
    if card.training.as_mut().and_then(|training| training.privacy.take()).is_some() {
        output.warn(format!(
            "note: {} was trained with privacy; what comes of it here was trained without, and its file does not say that it is private",
            path.display()
        ));
    }
    card
}

fn wrote(path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let size = std::fs::metadata(path).map(|found| found.len())?;
    output.line(format!("wrote {} ({})", shown(path), bytes(size)));
    output.record(&Written { file: shown(path), bytes: size });
    Ok(Exit::Done)
}

/// Reads parameters from safetensors.
pub fn read_weights(path: &Path) -> anyhow::Result<Parameters> {
    let read = || {
        let size = std::fs::metadata(path)?.len();
        anyhow::ensure!(size <= MAX_BYTES, "expected {MAX_BYTES} bytes at most, found {size}");
        let weights = Parameters::from_safetensors(&std::fs::read(path)?)?;
        match weights.first_not_finite() {
            Some((tensor, _)) => anyhow::bail!("a number of {tensor} is not finite"),
            None => Ok(weights),
        }
    };
    read().with_context(|| format!("cannot read {}", path.display())).map_err(UsageError::of)
}

/// Refuses a place where no weights can be written, and a file that is there and holds none: it may be a model or data.
pub fn check_weights_out(path: &Path) -> anyhow::Result<()> {
    check_output(path, "--out")?;
    if path.is_file() && read_weights(path).is_err() {
        let problem = "it is there already and holds no weights".to_owned();
        let path = path.to_path_buf();
        return Err(UsageError::of(CommandError::Out { path, problem, flag: "--out" }));
    }
    Ok(())
}

/// A network with the weights of a file.
pub fn with_weights(network: &Model, weights: &Parameters, path: &Path) -> anyhow::Result<Model> {
    with_parameters(network, weights).with_context(|| path.display().to_string()).map_err(UsageError::of)
}

/// Writes them, whole or not at all.
pub fn write_weights(path: &Path, parameters: &Parameters) -> anyhow::Result<()> {
    let bytes = parameters.to_bytes()?;
    write_atomically(path, |out| out.write_all(&bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}
