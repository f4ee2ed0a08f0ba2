//! `import`: a model of another tool as a model file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::exchange::huggingface::{EncoderOptions, import_encoder};
use fireclay::exchange::pytorch::{NameRule, WeightOptions, import_weights};
use fireclay::exchange::{FileFormat, Imported, keras, onnx};
use fireclay::nn::ModelSpec;
use fireclay::prelude::load_card;
use fireclay::store::Preprocessing;
use fireclay_cli::{Command, Exit, Output, UsageError, bytes, check_output, count, same_file, shown};
use serde::Serialize;

use crate::error::AppError;

/// Takes over a model of another tool.
#[derive(Args, Debug)]
pub struct Import {
    /// .onnx, .keras, .h5, .pt, .pth, .safetensors, or a Hugging Face folder; found by what is in it
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Model file to write [default: the name of PATH with the ending .fireclay, in this folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The network, for files with weights alone: a description in TOML or JSON, or a model file of the same architecture
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// PyTorch: under which key of a checkpoint the weights are, such as ema [default: found by its usual names]
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// PyTorch: a name that is changed before names are compared, FROM=TO, such as backbone.block*=residual_*; may be given
    /// several times
    #[arg(long, value_name = "RULE")]
    pub rename: Vec<NameRule>,
    /// Names of the classes, in the order of the outputs, separated by commas; or a file with a name on each line
    #[arg(long, value_name = "NAMES")]
    pub classes: Option<String>,
    /// What is subtracted from inputs, one number for each channel or one for all, separated by commas; pictures count from 0 to 1
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        requires = "std",
        allow_negative_numbers = true
    )]
    pub mean: Vec<f32>,
    /// What inputs are divided by afterwards
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', requires = "mean")]
    pub std: Vec<f32>,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "import")]
struct ImportRecord {
    path: String,
    format: String,
    file: String,
    bytes: u64,
    layers: usize,
    parameters: usize,
    classes: usize,
    notes: Vec<String>,
}

impl Command for Import {
    const NAME: &'static str = "import";
    const ABOUT: &'static str = "Take over a model of another tool: ONNX, PyTorch, Keras, Hugging Face";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let format = FileFormat::of(&self.path)?;
        self.check_kind(format)?;
        let out = self.out.clone().unwrap_or_else(|| {
            let name = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
            PathBuf::from(name.file_stem().unwrap_or_default()).with_extension("fireclay")
        });
        check_output(&out, "--out")?;
        let read = std::iter::once(&self.path).chain(&self.spec);
        if let Some(input) = read.into_iter().find(|input| same_file(input, &out)) {
            return Err(UsageError::of(AppError::OutIsInput { path: input.clone() }));
        }
        let mut imported = self.read(format)?;
        self.describe(&mut imported)?;
        let written = imported.model.save(&out)?;
        let card = &imported.model.card;
        let summary = card.spec.summary()?;
        output.line(format!(
            "{}: {format} with {} layers and {} parameters, takes {}",
            self.path.display(),
            card.spec.layers.len(),
            count(summary.parameters() as u64),
            card.spec.input
        ));
        for note in &imported.notes {
            output.line(format!("note: {note}"));
        }
        output.line(format!(
            "wrote {} ({}); `summary --from` shows the network layer by layer",
            shown(&out),
            bytes(written)
        ));
        output.record(&ImportRecord {
            path: self.path.display().to_string(),
            format: format.to_string(),
            file: out.display().to_string(),
            bytes: written,
            layers: card.spec.layers.len(),
            parameters: summary.parameters(),
            classes: card.classes.len(),
            notes: imported.notes,
        });
        Ok(Exit::Done)
    }
}

impl Import {
    /// Refuses what is no model of another tool, and flags that say nothing of such a file.
    fn check_kind(&self, format: FileFormat) -> anyhow::Result<()> {
        let path = self.path.clone();
        let weights_alone = matches!(format, FileFormat::PyTorch | FileFormat::Safetensors);
        let for_weights = [
            ("--spec", self.spec.is_some()),
            ("--key", self.key.is_some()),
            ("--rename", !self.rename.is_empty()),
        ];
        let superfluous = for_weights.iter().find(|(_, is_given)| *is_given && !weights_alone);
        Err(UsageError::of(match (format, superfluous) {
            (FileFormat::Fireclay, _) => AppError::OursAlready { path },
            (FileFormat::Checkpoint, _) => AppError::CheckpointIsNoModel { path },
            (_, Some((flag, _))) => AppError::ForWeights { flag, path, kind: format.to_string() },
            (_, None) => return Ok(()),
        }))
    }

    fn read(&self, format: FileFormat) -> anyhow::Result<Imported> {
        Ok(match format {
            FileFormat::Onnx => onnx::import(&self.path)?,
            FileFormat::Keras | FileFormat::Hdf5 => keras::import(&self.path)?,
            FileFormat::HuggingFace => import_encoder(&self.path, &EncoderOptions::default())?,
            _ => {
                let Some(spec) = &self.spec else {
                    return Err(UsageError::of(AppError::NeedsSpec { path: self.path.clone() }));
                };
                let options = WeightOptions { key: self.key.clone(), rules: self.rename.clone() };
                import_weights(&self.path, &spec_of(spec)?, &options)?
            }
        })
    }

    /// Adds what flags say of classes and inputs.
    fn describe(&self, imported: &mut Imported) -> anyhow::Result<()> {
        let card = &mut imported.model.card;
        let outputs = card.spec.output_features()?;
        if let Some(names) = &self.classes {
            let names = match std::fs::read_to_string(names) {
                Ok(text) => {
                    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
                }
                Err(_) => names.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>(),
            };
            if names.len() != outputs {
                return Err(UsageError::of(AppError::ClassCount { found: names.len(), outputs }));
            }
            card.classes = names;
        }
        if !self.mean.is_empty() {
            card.preprocessing = Some(Preprocessing { mean: self.mean.clone(), std: self.std.clone() });
        }
        Ok(())
    }
}

/// A description in TOML or JSON, or that of a model file.
fn spec_of(path: &Path) -> anyhow::Result<ModelSpec> {
    if FileFormat::of(path).is_ok_and(|format| format == FileFormat::Fireclay) {
        return Ok(load_card(path)?.spec);
    }
    fireclay_cli::read_spec(path)
}
