//! Everything that a run needs to go on as if it had never stopped.

use std::collections::BTreeMap;

use fireclay_nn::{Loss, NamedTensor};
use fireclay_store::CheckpointFile;
use serde::{Deserialize, Serialize};

use crate::{EpochRecord, FitOptions, Metric, Optimizer};

/// A run that can go on: where it stands, its weights, its optimiser's state.
///
/// Dropout and the order of the samples depend on seed, epoch and step alone, so no random state is kept.
pub type Checkpoint = CheckpointFile<Progress>;

/// Where a run stands and how it was set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The run's settings.
    pub options: FitOptions,
    /// The run's optimiser.
    pub optimizer: Optimizer,
    /// The run's loss.
    pub loss: Loss,
    /// What is measured on the validation samples.
    pub metrics: Vec<Metric>,
    /// Training samples; a run resumes on as many.
    pub samples: usize,
    /// The epoch to go on with, counted from 1.
    pub epoch: usize,
    /// Steps of that epoch that are done.
    pub step: usize,
    /// The epoch's sums so far.
    pub sums: Sums,
    /// The epochs that are done.
    pub history: Vec<EpochRecord>,
    /// States of the callbacks, in their order.
    pub callbacks: Vec<serde_json::Value>,
    /// By which numbers the optimiser's state knows the parameters.
    pub parameter_ids: BTreeMap<String, u64>,
    /// Whether weights to come back to are among the tensors, under `best/`.
    pub has_best: bool,
    /// Whether the run goes back to them at its end.
    pub restores_best: bool,
    /// Whatever the program that trains must know to go on, such as its model and data.
    pub program: serde_json::Value,
}

/// Sums over the steps of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Losses, each times its number of samples.
    pub loss: f64,
    /// Samples predicted right.
    pub correct: u64,
    /// Samples in all.
    pub samples: u64,
    /// Whether right predictions are counted at all.
    pub counts_correct: bool,
}

const BEST: &str = "best/";

/// Joins weights and weights to come back to into one list.
pub(crate) fn join(mut weights: Vec<NamedTensor>, best: Option<Vec<NamedTensor>>) -> Vec<NamedTensor> {
    weights.extend(
        best.into_iter()
            .flatten()
            .map(|tensor| NamedTensor { name: format!("{BEST}{}", tensor.name), ..tensor }),
    );
    weights
}

/// Takes the two apart again.
pub(crate) fn part(tensors: Vec<NamedTensor>) -> (Vec<NamedTensor>, Vec<NamedTensor>) {
    let mut best = Vec::new();
    let mut weights = Vec::new();
    for tensor in tensors {
        match tensor.name.strip_prefix(BEST) {
            Some(name) => best.push(NamedTensor { name: name.to_string(), ..tensor }),
            None => weights.push(tensor),
        }
    }
    (weights, best)
}
