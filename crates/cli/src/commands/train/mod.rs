//! `train`: trains a model, measures it on the test split and saves it.
//!
//! `run` goes from flags to a saved model; a training begins in `begin` and is resumed in `resume`. `check` tries one instead.

mod announce;
mod begin;
mod check;
mod diverged;
mod flags;
mod job;
mod print_config;
mod recording;
mod resume;
mod run;
mod within;

use std::sync::Arc;

pub(in crate::commands) use announce::data_in_words;
pub use flags::Train;
pub(in crate::commands) use job::{check_out, checkpoint_beside};
pub(in crate::commands) use run::{INTERVAL, check_classes, own_digests, saved};
pub(in crate::commands) use within::within;

use crate::command::Command;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::output::Output;
use crate::program::Program;

impl<P: Program> Command for Train<P> {
    const NAME: &'static str = "train";
    const ABOUT: &'static str = "Train a model, evaluate it on the test set and save it";

    fn run(mut self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        if self.monitored.monitor.is_some() && !*self.setup.training.keep_best.get_or_insert(true) {
            return Err(UsageError::of(CommandError::NothingToMonitor));
        }
        match self.check {
            true => check::run(&self, output),
            false => run::run(self, output),
        }
    }
}
