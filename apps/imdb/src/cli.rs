//! The flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use fireclay_cli::commands::{EvaluateFlags, SummaryFlags, TextDataFlags, TrainFlags};
use fireclay_cli::{DeviceFlags, OutputFlags, Program};

use crate::program::ImdbProgram;

/// Train networks that tell whether a review praises a film, or that write reviews, evaluate them, and ask them.
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
    /// Let a language model write a text, word by word
    Generate(GenerateFlags),
    /// Show which words mean most nearly the same to a model
    Neighbours(NeighboursFlags),
    /// Show a model layer by layer: output shapes, parameters, FLOPs, and the recipe it is trained by
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

#[derive(Args, Debug)]
pub struct GenerateFlags {
    /// Model file that writes, of a language model such as lm-lstm
    #[arg(long, value_name = "MODEL", default_value = ImdbProgram::MODEL_FILE)]
    pub from: PathBuf,
    /// Words to begin with
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub prompt: String,
    /// Words to write
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub length: usize,
    /// Below 1 probable words become more probable, above 1 less; 0 always takes the most probable one
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f32,
    /// Draw from so many of the most probable words only [default: all]
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Draw from the fewest words only whose probabilities come to this share, more than 0 and at most 1
    #[arg(long, value_name = "P", default_value_t = 1.0, allow_negative_numbers = true)]
    pub top_p: f32,
    /// Which text: the same seed and CPU device, the same text
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub device: DeviceFlags,
}

#[derive(Args, Debug)]
pub struct NeighboursFlags {
    /// Words
    #[arg(value_name = "WORD", required = true)]
    pub words: Vec<String>,
    /// Model file whose words are compared
    #[arg(long, value_name = "MODEL", default_value = ImdbProgram::MODEL_FILE)]
    pub from: PathBuf,
    /// Neighbours of each word to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub count: usize,
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
