//! `train`: as all programs train, once it is known on what.

use std::sync::Arc;

use clap::Args;
use fireclay_cli::{Command, Exit, Output, UsageError, called, shown};

use crate::error::AppError;
use crate::program::FireclayProgram;

/// Trains a model on data of any kind, or resumes a training.
#[derive(Args, Debug)]
pub struct TrainOnData {
    /// Print what all flags come to, as TOML for fireclay.toml, and train nothing
    #[arg(long, conflicts_with_all = ["resume", "json", "check"])]
    pub print_config: bool,
    /// As all programs.
    #[command(flatten)]
    pub train: fireclay_cli::commands::Train<FireclayProgram>,
}

impl Command for TrainOnData {
    const NAME: &'static str = "train";
    const ABOUT: &'static str =
        "Train a model on a table, pictures or texts, evaluate it beside simple baselines and save it";

    fn run(mut self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        if self.train.setup.source.path.is_none() && self.train.resume.is_none() {
            return Err(UsageError::of(AppError::NoData { program: called("fireclay") }));
        }
        if let Some(config) = &self.train.setup.source.config {
            output.note(format!("settings of {}", shown(config)));
        }
        self.train.print_config = self.print_config;
        self.train.run(output)
    }
}
