//! The flags.

use clap::{Parser, Subcommand};
use fireclay_cli::OutputFlags;
use fireclay_cli::commands::{EvaluateFlags, ImageDataFlags, ImagePredictFlags, SummaryFlags, TrainFlags};

use crate::program::CifarProgram;

/// Train networks that tell what a small colour picture shows, evaluate them, and ask them about pictures.
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
    Train(Box<TrainFlags<CifarProgram>>),
    /// Measure a saved model on the test set of the data it was trained on
    Evaluate(EvaluateFlags<CifarProgram>),
    /// Say what pictures show: PNG or JPEG, any size
    Predict(ImagePredictFlags<CifarProgram>),
    /// Show a model layer by layer: output shapes, parameters, FLOPs, and the recipe it is trained by
    Summary(SummaryFlags<CifarProgram>),
    /// Look at the data: counts, classes, means, duplicates, and a sheet of pictures
    Data(ImageDataFlags<CifarProgram>),
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
