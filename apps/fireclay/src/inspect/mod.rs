//! `inspect`: what is in a file of models, our own or another tool's, without loading its weights.

mod card;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::exchange::{FileFormat, Inspection, TensorEntry};
use fireclay::store::{ModelCard, load_checkpoint};
use fireclay::train::Checkpoint;
use fireclay_cli::{Command, Exit, Output, bytes, count};
use serde::Serialize;

pub use self::card::data_facts;
use self::card::facts;
use crate::source::check_is_model;

/// Names that a line lists.
const MOST_LISTED: usize = 12;

/// Tensors that are listed unless all are asked for.
const MOST_TENSORS: usize = 20;

/// The longest text of a file's own that is shown.
const LONGEST_FACT: usize = 120;

/// Looks into a file.
#[derive(Args, Debug)]
pub struct Inspect {
    /// Model file, checkpoint of a training, or a model of another tool: ONNX, safetensors, PyTorch, Keras, a Hugging Face folder
    #[arg(value_name = "FILE", default_value = "model.fireclay")]
    pub file: PathBuf,
    /// List all tensors, with shapes and types
    #[arg(long)]
    pub tensors: bool,
    /// Also say from where to where the numbers of each tensor go; reads all of them
    #[arg(long)]
    pub ranges: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "inspect")]
struct Inspected<'a> {
    file: String,
    bytes: u64,
    kind: &'static str,
    card: Option<&'a ModelCard>,
    epochs_done: Option<usize>,
    facts: &'a [(String, String)],
    layers: &'a [(String, usize)],
    tensors: &'a [TensorEntry],
}

impl Command for Inspect {
    const NAME: &'static str = "inspect";
    const ABOUT: &'static str = "Show what is in a model file, our own or another tool's: network, classes, preprocessing, data, training, tensors";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        if self.file.is_file() {
            check_is_model(&self.file)?;
        }
        let format = FileFormat::of(&self.file)?;
        if format == FileFormat::Checkpoint {
            self.checkpoint(output)?;
            return Ok(Exit::Done);
        }
        let inspection = match self.ranges {
            true => Inspection::with_ranges(&self.file)?,
            false => Inspection::of(&self.file)?,
        };
        let file = self.file.display().to_string();
        match &inspection.card {
            Some(card) => {
                output.line(format!(
                    "{file}: a model of Fireclay {} in format {}, {}",
                    card.fireclay_version,
                    card.format,
                    bytes(inspection.bytes)
                ));
                for (name, text) in facts(&self.file, card)? {
                    output.line(format!("{name:<10} {text}"));
                }
            }
            None => {
                output.line(format!("{file}: {}, {}", inspection.format, bytes(inspection.bytes)));
                let longest =
                    inspection.facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
                let width = longest.clamp(10, 24);
                for (name, text) in &inspection.facts {
                    output.line(format!("{name:<width$} {}", shortened(text)));
                }
            }
        }
        if !inspection.layers.is_empty() {
            let kinds: Vec<String> =
                inspection.layers.iter().map(|(kind, times)| format!("{times} {kind}")).collect();
            output.line(format!("{:<10} {}", "layers", kinds.join(", ")));
        }
        if self.tensors || self.ranges || inspection.card.is_none() {
            list(&inspection, self.tensors || self.ranges, output);
        }
        output.record(&Inspected {
            file,
            bytes: inspection.bytes,
            kind: kind(inspection.format),
            card: inspection.card.as_deref(),
            epochs_done: None,
            facts: &inspection.facts,
            layers: &inspection.layers,
            tensors: &inspection.tensors,
        });
        Ok(Exit::Done)
    }
}

impl Inspect {
    /// Says what is in a checkpoint.
    fn checkpoint(&self, output: &Output) -> anyhow::Result<()> {
        let checkpoint: Checkpoint = load_checkpoint(&self.file)?;
        let size = std::fs::metadata(&self.file).map_or(0, |metadata| metadata.len());
        let file = self.file.display().to_string();
        let program = checkpoint.progress.program["program"].as_str().unwrap_or("a program").to_owned();
        let epochs = checkpoint.progress.state.history.len();
        output.line(format!("{file}: a checkpoint of {program}, {}", bytes(size)));
        output.line(format!(
            "training   {epochs} of {} epochs done; `{program} train --resume {file}` goes on",
            checkpoint.progress.settings.options.epochs
        ));
        output.record(&Inspected {
            file,
            bytes: size,
            kind: "checkpoint",
            card: None,
            epochs_done: Some(epochs),
            facts: &[],
            layers: &[],
            tensors: &[],
        });
        Ok(())
    }
}

/// The word for `--json`.
fn kind(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Fireclay => "model",
        FileFormat::Checkpoint => "checkpoint",
        FileFormat::Safetensors => "safetensors",
        FileFormat::PyTorch => "pytorch",
        FileFormat::Keras => "keras",
        FileFormat::Hdf5 => "hdf5",
        FileFormat::Onnx => "onnx",
        FileFormat::HuggingFace => "hugging_face",
        _ => "other",
    }
}

/// The tensors, a line each: name, type, shape and, where they were read, smallest and largest number.
fn list(inspection: &Inspection, all: bool, output: &Output) {
    let tensors = &inspection.tensors;
    output.line(format!(
        "{:<10} {}, {} numbers",
        "tensors",
        count(tensors.len() as u64),
        count(inspection.parameters())
    ));
    let shown = if all { tensors.len() } else { tensors.len().min(MOST_TENSORS) };
    let width = tensors[..shown].iter().map(|tensor| tensor.name.chars().count().min(60)).max().unwrap_or(0);
    for tensor in &tensors[..shown] {
        let sizes: Vec<String> = tensor.shape.iter().map(u64::to_string).collect();
        let range = tensor.range.map_or(String::new(), |range| {
            let broken = match range.not_finite {
                0 => String::new(),
                some => format!(", {} NaN or infinite", count(some)),
            };
            format!("  {:.4} to {:.4}{broken}", range.min, range.max)
        });
        output.line(format!("  {:<width$}  {:<4}  [{}]{range}", tensor.name, tensor.dtype, sizes.join(", ")));
    }
    if shown < tensors.len() {
        output.line(format!("  and {} more; --tensors lists all", count((tensors.len() - shown) as u64)));
    }
}

/// A text of a file's own, as far as a line has room for.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_FACT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} ... ({} bytes)", &text[..end], count(text.len() as u64)),
    }
}
