//! `export`: a model file for another tool.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use fireclay::exchange::{ModelFile, keras, onnx, pytorch};
use fireclay::store::write_atomically;
use fireclay_cli::{Command, Exit, Output, UsageError, bytes, check_output, same_file, shown};
use serde::Serialize;

use crate::error::AppError;
use crate::source::check_is_model;

/// Writes a model file as one of another tool.
#[derive(Args, Debug)]
pub struct Export {
    /// Model file
    #[arg(value_name = "FILE", default_value = "model.fireclay")]
    pub file: PathBuf,
    /// What to write [default: by the ending of --out, .onnx, .safetensors, .keras or .py; else onnx]
    #[arg(long, value_name = "WORD", value_enum)]
    pub format: Option<ExportFormat>,
    /// File to write [default: the model file's name with the format's ending]
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// ONNX: give probabilities as well, besides the logits
    #[arg(long)]
    pub probabilities: bool,
    /// ONNX: take inputs as they are, pictures as bytes, and give numbers in the units of the data
    #[arg(long)]
    pub include_preprocessing: bool,
    /// ONNX: a language model that reads token by token, with what it remembers as inputs and outputs
    #[arg(long)]
    pub stepwise: bool,
}

/// A form of another tool.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// ONNX, for ONNX Runtime, OpenVINO, browsers and phones
    Onnx,
    /// The weights alone, under PyTorch's names
    Safetensors,
    /// A .keras file for Keras 3
    Keras,
    /// Python that rebuilds the network in PyTorch, and beside it the weights as .safetensors
    Pytorch,
}

impl ExportFormat {
    const fn ending(self) -> &'static str {
        match self {
            ExportFormat::Onnx => "onnx",
            ExportFormat::Safetensors => "safetensors",
            ExportFormat::Keras => "keras",
            ExportFormat::Pytorch => "py",
        }
    }

    /// By the ending of a file.
    fn of(path: &Path) -> Option<Self> {
        let all = [ExportFormat::Onnx, ExportFormat::Safetensors, ExportFormat::Keras, ExportFormat::Pytorch];
        all.into_iter().find(|format| path.extension() == Some(OsStr::new(format.ending())))
    }
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "export")]
struct Exported {
    model: String,
    format: &'static str,
    files: Vec<String>,
    bytes: u64,
    inputs: Vec<String>,
    outputs: Vec<String>,
    notes: Vec<String>,
}

impl Command for Export {
    const NAME: &'static str = "export";
    const ABOUT: &'static str = "Write a model for another tool: ONNX, PyTorch, Keras, safetensors";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_is_model(&self.file)?;
        let by_name = self.out.as_deref().and_then(ExportFormat::of);
        let format = self.format.or(by_name).unwrap_or(ExportFormat::Onnx);
        let for_onnx = [
            ("--probabilities", self.probabilities),
            ("--include-preprocessing", self.include_preprocessing),
            ("--stepwise", self.stepwise),
        ];
        if let Some((flag, _)) =
            for_onnx.iter().find(|(_, is_given)| *is_given && format != ExportFormat::Onnx)
        {
            return Err(UsageError::of(AppError::ForOnnx { flag }));
        }
        let out = self.out.clone().unwrap_or_else(|| self.file.with_extension(format.ending()));
        let mut files = vec![out.clone()];
        if format == ExportFormat::Pytorch {
            let weights = out.with_extension("safetensors");
            if weights == out {
                return Err(UsageError::of(AppError::SourceIsWeights { path: out }));
            }
            files.push(weights);
        }
        for path in &files {
            if same_file(path, &self.file) {
                return Err(UsageError::of(AppError::OutIsInput { path: path.clone() }));
            }
            check_output(path, "--out")?;
        }
        let model = ModelFile::load(&self.file)?;
        let mut exported = Exported {
            model: self.file.display().to_string(),
            format: format.ending(),
            files: files.iter().map(|path| path.display().to_string()).collect(),
            bytes: 0,
            inputs: Vec::new(),
            outputs: Vec::new(),
            notes: Vec::new(),
        };
        let contents: Vec<Vec<u8>> = match format {
            ExportFormat::Onnx => {
                let options = onnx::OnnxOptions::default()
                    .probabilities(self.probabilities)
                    .include_preprocessing(self.include_preprocessing)
                    .stepwise(self.stepwise);
                let written = onnx::export(&model, &options)?;
                exported.inputs = written.inputs.iter().map(ToString::to_string).collect();
                exported.outputs = written.outputs.iter().map(ToString::to_string).collect();
                exported.notes = written.notes;
                vec![written.bytes]
            }
            ExportFormat::Safetensors => vec![pytorch::export(&model)?.safetensors],
            ExportFormat::Keras => vec![keras::export(&model)?],
            ExportFormat::Pytorch => {
                let written = pytorch::export(&model)?;
                vec![written.source.into_bytes(), written.safetensors]
            }
        };
        for (path, bytes) in files.iter().zip(&contents) {
            write_atomically(path, bytes)?;
            exported.bytes += bytes.len() as u64;
        }
        for (what, values) in [("input", &exported.inputs), ("output", &exported.outputs)] {
            for value in values {
                output.line(format!("{what:<7} {value}"));
            }
        }
        for note in &exported.notes {
            output.line(format!("note    {note}"));
        }
        let names: Vec<String> = files.iter().map(|path| shown(path)).collect();
        output.line(format!("wrote {} ({})", names.join(" and "), bytes(exported.bytes)));
        output.record(&exported);
        Ok(Exit::Done)
    }
}
