//! What one run is set up with, and where it stands. A checkpoint holds both as they are.

use std::collections::BTreeMap;

use fireclay_nn::{BuiltInLoss, Stored};
use fireclay_store::DatasetCard;
use serde::{Deserialize, Serialize};

use crate::history::EpochRecord;
use crate::optimizer::{AnyOptimizer, ParameterGroup};
use crate::options::FitOptions;

/// How a run was set up; it does not change while it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Epochs, batches, seed and the rest.
    pub options: FitOptions,
    /// The optimiser.
    pub optimizer: AnyOptimizer,
    /// Parameters with optimisers of their own.
    #[serde(default)]
    pub groups: Vec<ParameterGroup>,
    /// The loss.
    pub loss: Stored<BuiltInLoss>,
    /// The schedule's name, if it is one of the user's own; else it is among the options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Names of what is measured on the validation samples.
    pub metrics: Vec<String>,
    /// Training samples; a run resumes on as many.
    pub samples: usize,
    /// Names of the classes; a run resumes on the same.
    pub classes: Vec<String>,
    /// The data; a run resumes on the same.
    pub dataset: Option<DatasetCard>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// The epoch that runs or is next, counted from 1.
    pub epoch: usize,
    /// Steps of that epoch that are done.
    pub step: usize,
    /// The epoch's sums so far.
    pub sums: Sums,
    /// The epochs that are done.
    pub history: Vec<EpochRecord>,
    /// What the callbacks remember.
    pub callbacks: CallbackStates,
    /// Whether there are weights to come back to; in a checkpoint they are among the tensors, under `best/`.
    pub has_best: bool,
    /// Whether the run goes back to them at its end.
    pub restores_best: bool,
    /// How often the weights were taken into their average; in a checkpoint that is among the tensors, under `average/`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub averaged: u64,
    /// What callbacks multiply learning rates by.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub learning_rate_scale: f64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn one() -> f64 {
    1.0
}

fn is_one(scale: &f64) -> bool {
    *scale == 1.0
}

impl RunState {
    pub(crate) fn at_start() -> Self {
        RunState {
            epoch: 1,
            step: 0,
            sums: Sums::default(),
            history: Vec::new(),
            callbacks: CallbackStates::default(),
            has_best: false,
            restores_best: false,
            averaged: 0,
            learning_rate_scale: 1.0,
        }
    }
}

/// What callbacks remember for a run that is resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CallbackStates {
    /// By the callbacks' names.
    ByName(BTreeMap<String, serde_json::Value>),
    /// In the callbacks' order, as the first files held them.
    InOrder(Vec<serde_json::Value>),
}

impl Default for CallbackStates {
    fn default() -> Self {
        CallbackStates::ByName(BTreeMap::new())
    }
}

/// Sums over the steps of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Losses, each times its number of targets, or times their weight.
    pub loss: f64,
    /// Targets predicted right: samples, or tokens where the next ones are predicted.
    pub correct: u64,
    /// Targets in all, those of weight 0 left out.
    pub samples: u64,
    /// Whether right predictions are counted at all.
    pub counts_correct: bool,
    /// The weight of all targets; none if each counts as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

impl Sums {
    /// The weight of all targets together.
    pub(crate) fn counted(&self) -> f64 {
        self.weight.unwrap_or(self.samples as f64)
    }

    /// Mean loss of a target, if there was one.
    pub(crate) fn mean_loss(&self) -> Option<f64> {
        let weight = self.counted();
        (weight > 0.0).then(|| self.loss / weight)
    }

    /// Share of right predictions, for classes.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        let counted = self.counts_correct && self.samples > 0;
        counted.then(|| self.correct as f64 / self.samples as f64)
    }
}
