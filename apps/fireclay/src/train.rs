//! `train`: as all programs train, once it is known on what.

use std::sync::Arc;

use clap::Args;
use fireclay_cli::{Command, Exit, Output, UsageError, called};

use crate::error::AppError;
use crate::program::TableProgram;

/// Trains a model on a table, or resumes a training.
#[derive(Args, Debug)]
pub struct TrainOnTable {
    /// As all programs.
    #[command(flatten)]
    pub train: fireclay_cli::commands::Train<TableProgram>,
}

impl Command for TrainOnTable {
    const NAME: &'static str = "train";
    const ABOUT: &'static str = "Train a model on a table, evaluate it beside simple baselines and save it";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        if self.train.source.path.is_none() && self.train.resume.is_none() {
            return Err(UsageError::of(AppError::NoData { program: called("fireclay") }));
        }
        self.train.run(output)
    }
}
