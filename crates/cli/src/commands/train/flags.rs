//! The flags of `train`.

use std::path::PathBuf;

use clap::Args;

use crate::device::DeviceArgs;
use crate::limit::Limit;
use crate::model_args::ModelArgs;
use crate::program::Program;
use crate::recipe::TrainingArgs;

/// Trains a model, or resumes a training.
#[derive(Args, Debug)]
pub struct Train<P: Program> {
    /// Which model.
    #[command(flatten)]
    pub model: ModelArgs<P>,
    /// Which data.
    #[command(flatten)]
    pub source: P::SourceArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// How it is prepared.
    #[command(flatten)]
    pub preprocessing: P::Preprocessing,
    /// How to train.
    #[command(flatten)]
    pub training: TrainingArgs,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
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
        "clip_norm", "precision", "label_smoothing", "class_weights", "preset", "minutes", "seed", "validation_split", "keep_best", "patience", "limit"
    ])]
    pub resume: Option<PathBuf>,
}
