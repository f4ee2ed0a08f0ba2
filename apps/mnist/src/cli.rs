//! The flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use fireclay_cli::{DeviceFlags, FitFlags, OutputFlags};

use crate::models::ModelName;

/// Where a model is saved and looked for unless said otherwise.
pub const MODEL_FILE: &str = "mnist.fireclay";

/// Train networks that read handwritten digits, evaluate them, and ask them about pictures.
///
/// Exit codes: 0 done, 1 the run failed, 2 a flag was wrong, 130 broken off with Ctrl-C.
#[derive(Parser, Debug)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Train a model, measure it on the test set and save it
    Train(Box<TrainFlags>),
    /// Measure a saved model on the test set of the data it was trained on
    Evaluate(EvaluateFlags),
    /// Read digits from pictures: PNG or JPEG, any size, dark on light or light on dark
    Predict(PredictFlags),
    /// Show a model layer by layer: output shapes, parameters, FLOPs
    Summary(SummaryFlags),
}

#[derive(Args, Debug)]
pub struct TrainFlags {
    #[command(flatten)]
    pub model: ModelFlags,
    #[command(flatten)]
    pub data: DataFlags,
    #[command(flatten)]
    pub fit: FitFlags,
    #[command(flatten)]
    pub device: DeviceFlags,
    /// Model file to write; while the training runs a checkpoint stands beside it, FILE.checkpoint
    #[arg(long, value_name = "FILE", default_value = MODEL_FILE)]
    pub out: PathBuf,
    /// Go on with a training that was broken off, from its checkpoint and with its settings
    #[arg(long, value_name = "CHECKPOINT", conflicts_with_all = [
        "model", "spec", "epochs", "batch_size", "optimizer", "learning_rate", "seed", "validation_split", "out"
    ])]
    pub resume: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ModelFlags {
    /// Network to train
    #[arg(long, value_name = "NAME", value_enum, default_value_t = ModelName::Cnn)]
    pub model: ModelName,
    /// Network of your own, described in TOML (`summary --toml` prints one to begin with)
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    pub spec: Option<PathBuf>,
}

#[derive(Args, Debug, Clone)]
pub struct DataFlags {
    /// Folder with MNIST's four IDX files, or any set of that form; gzip or plain [default: $FIRECLAY_DATA, else a
    /// cache that is filled from public mirrors]
    #[arg(long, value_name = "FOLDER", help_heading = "Data")]
    pub data_dir: Option<PathBuf>,
    /// Use the built-in drawn digits, which need no files and no network
    #[arg(long, conflicts_with = "data_dir", help_heading = "Data")]
    pub drawn: bool,
}

#[derive(Args, Debug)]
pub struct EvaluateFlags {
    /// Model file to measure
    #[arg(value_name = "MODEL", default_value = MODEL_FILE)]
    pub from: PathBuf,
    #[command(flatten)]
    pub data: DataFlags,
    #[command(flatten)]
    pub device: DeviceFlags,
}

#[derive(Args, Debug)]
pub struct PredictFlags {
    /// Pictures, each of one digit
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Model file to ask
    #[arg(long, value_name = "MODEL", default_value = MODEL_FILE)]
    pub from: PathBuf,
    #[command(flatten)]
    pub device: DeviceFlags,
}

#[derive(Args, Debug)]
pub struct SummaryFlags {
    #[command(flatten)]
    pub model: ModelFlags,
    /// Show the model of a file instead
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["model", "spec"])]
    pub from: Option<PathBuf>,
    /// Print the description as TOML, to copy and change
    #[arg(long, conflicts_with = "json")]
    pub toml: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_is_explained() {
        for command in Cli::command().get_subcommands() {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
