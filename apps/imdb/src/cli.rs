//! The flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use fireclay_cli::commands::{EvaluateFlags, SummaryFlags, TextDataFlags, TrainFlags};
use fireclay_cli::{DeviceFlags, OutputFlags, Program};

use crate::program::ImdbProgram;

/// Train networks that tell whether a review praises a film, evaluate them, and ask them about texts.
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
    Train(Box<TrainFlags<ImdbProgram>>),
    /// Measure a saved model on the test set of the data it was trained on
    Evaluate(EvaluateFlags<ImdbProgram>),
    /// Say of texts what class they are of
    Predict(PredictFlags),
    /// Show a model layer by layer: output shapes, parameters, FLOPs
    Summary(SummaryFlags<ImdbProgram>),
    /// Look at the data: counts, classes, lengths, duplicates, and some texts
    Data(TextDataFlags<ImdbProgram>),
}

#[derive(Args, Debug)]
pub struct PredictFlags {
    /// Texts; without any they are read from the file or from standard input, one on each line
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    pub texts: Vec<String>,
    /// File with one text on each line
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Model file to ask
    #[arg(long, value_name = "MODEL", default_value = ImdbProgram::MODEL_FILE)]
    pub from: PathBuf,
    #[command(flatten)]
    pub device: DeviceFlags,
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
