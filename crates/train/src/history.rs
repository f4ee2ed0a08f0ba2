//! What a training run measured.

use serde::{Deserialize, Serialize};

/// The values of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Names and values in the order of measurement: `loss` and `accuracy` over the training samples as they were
    /// seen, and the same with `val_` over the validation samples.
    pub values: Vec<(String, f64)>,
    /// Time of the training part, in seconds.
    pub seconds: f64,
    /// Training samples for each second.
    pub samples_per_s: f64,
}

impl EpochRecord {
    /// A value by name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// All epochs are done.
    Completed,
    /// A callback had enough, with its reason.
    Early(String),
    /// A callback asked to break off, most likely because the user did; a checkpoint can go on from here.
    Interrupted,
}

/// All epochs of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One record for each finished epoch.
    pub epochs: Vec<EpochRecord>,
    /// Why the run ended.
    pub stopped: Stopped,
}

impl History {
    /// The course of one value over the epochs, such as `loss` or `val_accuracy`; empty if it was not measured.
    pub fn course(&self, name: &str) -> Vec<f64> {
        self.epochs.iter().filter_map(|epoch| epoch.get(name)).collect()
    }
}
