//! What the programs of Fireclay share: commands, flags, output, progress, interruption and exit codes.
//!
//! A program is a [`Program`]: its models with their recipes, its data and a few words. It hands its table of commands, those of
//! [`commands`] and its own, to [`main`], which parses and runs the one that was typed. Results go to standard output, as
//! text or as JSON Lines; progress, notes and errors go to standard error.
//!
//! Modules import lower ones only: `augment`, `error`, `format`, `groups`, `held`, `limit`, `terminal_plot`; `output`, `recipe`, `records`; then `exit`,
//! `objective`, `output_file`, `predictions`, `tables`, `config`; `baselines`, `device`, `interrupt`, `metrics`, `program`, `progress`;
//! `dashboard`, `evaluation`, `fallback`, `images`, `model_args`, `retyped`; `setup`; `networks`; `texts`; `command`; `commands`.

mod augment;
mod baselines;
mod command;
pub mod commands;
mod config;
mod dashboard;
mod device;
mod error;
mod evaluation;
mod exit;
mod fallback;
mod format;
mod groups;
mod held;
mod images;
mod interrupt;
mod limit;
mod metrics;
mod model_args;
pub mod networks;
mod objective;
mod output;
mod output_file;
mod predictions;
mod program;
mod progress;
mod ranks;
mod recipe;
pub mod records;
mod retyped;
mod setup;
mod tables;
mod terminal_plot;
mod texts;

pub use augment::{Augment, AugmentError};
pub use baselines::{measure_of, shown_interval, title};
pub use command::{Command, CommandEntry, command_line, main, main_with};
pub use config::{CONFIG_FILE, NOT_IN_FILE, config_path, with_config};
pub use device::{DeviceArgs, DeviceNames};
pub use error::CommandError;
pub use exit::{Exit, UsageError};
pub use format::{
    aligned, beginning, bytes, called, count, listed, percent, quoted, seconds, shown, signed_by,
};
pub use groups::groups;
pub use images::{
    ImagePreprocessing, ImageSource, ImageSourceArgs, PublishedImages, TEST_FRACTION, load_pictures_like,
};
pub use interrupt::{InterruptOnCtrlC, Press};
pub use limit::Limit;
pub use metrics::{MetricArgs, MonitorArgs};
pub use model_args::{ModelArgs, read_spec};
pub use objective::{Objective, measure};
pub use output::{Coloured, Output, OutputArgs};
pub use output_file::{check_output, same_file};
pub use predictions::{numbered, ranked};
pub use program::{
    DataSourceArgs, DataSpec, Fallback, ImageProgram, ModelName, Part, Preprocessing, Program, SourceOf,
    TextProgram,
};
pub use progress::{DownloadBar, Progress};
pub use recipe::{BestEpoch, Preset, Recipe, TrainingArgs, adversarial_training, privacy_spent};
pub use tables::{TableFormat, YesNo};
pub use texts::{TextSource, TextSourceArgs, TokenPreprocessing, usual_texts};
