//! The flags of `train`.

use std::path::PathBuf;

use clap::Args;

use crate::metrics::{MetricArgs, MonitorArgs};
use crate::program::Program;
use crate::setup::SetupArgs;

/// Trains a model, or resumes a training.
#[derive(Args, Debug)]
pub struct Train<P: Program> {
    /// Model, data and recipe.
    #[command(flatten)]
    pub setup: SetupArgs<P>,
    /// What is measured besides what always is.
    #[command(flatten)]
    pub measured: MetricArgs,
    /// Which value says which epoch is best.
    #[command(flatten)]
    pub monitored: MonitorArgs,
    /// Model file to write.
    #[arg(long, value_name = "FILE", help = format!(
        "Model file to write [default: {}]; while the training runs a checkpoint is kept beside it, FILE.checkpoint, and \
         --resume goes on to the same file unless told otherwise", P::MODEL_FILE
    ))]
    pub out: Option<PathBuf>,
    /// Whether only what all flags come to is printed, in programs that read a file of settings.
    #[arg(skip)]
    pub print_config: bool,
    /// Resume a training that was interrupted, from its checkpoint and with its settings
    #[arg(long, value_name = "CHECKPOINT", conflicts_with_all = [
        "model", "spec", "epochs", "batch_size", "optimizer", "learning_rate", "weight_decay", "schedule", "warm_up",
        "accumulate", "averaging", "clip_value", "clip_norm", "precision", "label_smoothing", "class_weights", "preset", "minutes", "seed", "validation_split", "keep_best", "patience", "limit", "metrics", "monitor"
    ])]
    pub resume: Option<PathBuf>,
}
