//! The flags of `train`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

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
        "Model file to write [default: {}]; given without --run, there is no folder of the run, and a checkpoint is \
         kept beside it while the training runs, FILE.checkpoint; --resume goes on to the same file unless told otherwise", P::MODEL_FILE
    ))]
    pub out: Option<PathBuf>,
    /// What is kept of the run.
    #[command(flatten)]
    pub logging: LoggingArgs,
    /// Show a full screen with curves while the training runs; without a terminal lines are printed as ever
    #[arg(long, help_heading = "Output")]
    pub dashboard: bool,
    /// Whether only what all flags come to is printed, in programs that read a file of settings.
    #[arg(skip)]
    pub print_config: bool,
    /// Whether this process is one of several ranks and not the one that speaks for all, in no program a flag.
    #[arg(skip)]
    pub other_rank: bool,
    /// Check the training instead of doing it, in a minute or two: data, gradients, whether a batch can be learnt by heart, time,
    /// memory and the files to write; nothing is saved
    #[arg(long, conflicts_with = "dashboard")]
    pub check: bool,
    /// Resume a training that was interrupted, from its checkpoint, or the folder of its run, and with its settings
    #[arg(long, value_name = "PATH", conflicts_with_all = [
        "model", "spec", "epochs", "batch_size", "optimizer", "learning_rate", "weight_decay", "schedule", "warm_up",
        "accumulate", "averaging", "clip_value", "clip_norm", "precision", "private", "noise", "adversarial", "sync_batch_norm", "label_smoothing", "class_weights", "preset", "minutes", "seed", "validation_split", "keep_best", "patience", "limit", "metrics", "monitor", "run", "runs_dir", "log_every", "histograms", "checkpoint_every", "keep_checkpoints", "check"
    ])]
    pub resume: Option<PathBuf>,
    /// With --resume, multiply the learning rates of what is left by a factor, such as 0.1 after a loss that became NaN [default: 1]
    #[arg(long, value_name = "FACTOR", requires = "resume", allow_negative_numbers = true)]
    pub learning_rate_factor: Option<f64>,
}

/// Steps between two that are logged.
const LOG_EVERY: usize = 10;

/// What is kept of a run.
#[derive(Args, Clone, Debug)]
pub struct LoggingArgs {
    /// Name of the run, whose folder holds settings, metrics, TensorBoard events, checkpoints, the model and report.html
    /// [default: the model's name and a number; with --out alone there is no folder]
    #[arg(long, value_name = "NAME", help_heading = "Run")]
    pub run: Option<String>,
    /// Folder of all runs
    #[arg(long, value_name = "FOLDER", default_value = "runs", help_heading = "Run")]
    pub runs_dir: PathBuf,
    /// Steps between two that are logged; 1 logs each
    #[arg(long, value_name = "STEPS", default_value_t = LOG_EVERY, value_parser = steps, help_heading = "Run")]
    pub log_every: usize,
    /// Log histograms of all weights and gradients after each epoch, for TensorBoard
    #[arg(long, help_heading = "Run")]
    pub histograms: bool,
    /// Write a checkpoint every so many steps, such as 500, or minutes, such as 10m, and not only after each epoch
    #[arg(long, value_name = "WHEN", help_heading = "Run")]
    pub checkpoint_every: Option<CheckpointEvery>,
    /// Keep the checkpoints of the last N epochs and of the best one in the folder of the run [default: 0]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub keep_checkpoints: Option<usize>,
}

fn steps(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it is a number of steps, 1 or more".into()),
        Ok(steps) => Ok(steps),
    }
}

impl LoggingArgs {
    /// What of it a run that goes on must know.
    pub fn logging(&self) -> Logging {
        Logging {
            every: self.log_every,
            histograms: self.histograms,
            checkpoint_every: self.checkpoint_every,
            keep_checkpoints: self.keep_checkpoints.unwrap_or(0),
        }
    }
}

/// What is logged, and which checkpoints are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    pub every: usize,
    pub histograms: bool,
    pub checkpoint_every: Option<CheckpointEvery>,
    pub keep_checkpoints: usize,
}

impl Default for Logging {
    fn default() -> Self {
        Logging { every: LOG_EVERY, histograms: false, checkpoint_every: None, keep_checkpoints: 0 }
    }
}

/// When a checkpoint is written besides after each epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointEvery {
    /// After so many steps.
    Steps(usize),
    /// After so long.
    Time(Duration),
}

impl FromStr for CheckpointEvery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it is a number of steps, such as 500, or of minutes, such as 10m".to_string();
        match text.strip_suffix('m') {
            Some(minutes) => {
                let minutes: f64 = minutes.parse().map_err(|_| wrong())?;
                let time = Duration::try_from_secs_f64(minutes * 60.0).map_err(|_| wrong())?;
                if time.is_zero() { Err(wrong()) } else { Ok(CheckpointEvery::Time(time)) }
            }
            None => match text.parse() {
                Ok(0) | Err(_) => Err(wrong()),
                Ok(steps) => Ok(CheckpointEvery::Steps(steps)),
            },
        }
    }
}
