//! Everything that a run needs to go on as if it had never stopped.

use std::collections::BTreeMap;

use fireclay_nn::NamedTensor;
use fireclay_store::{CheckpointFile, DatasetCard};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::run::{RunSettings, RunState};

/// A run that can go on: where it stands, its weights, its optimiser's state.
///
/// Dropout and the order of the samples depend on seed, epoch and step alone, so no random state is kept.
pub type Checkpoint = CheckpointFile<Progress>;

/// Where a run stands and how it was set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// How the run was set up.
    #[serde(flatten)]
    pub settings: RunSettings,
    /// Where it stands.
    #[serde(flatten)]
    pub state: RunState,
    /// By which numbers the optimiser's state knows the parameters.
    pub parameter_ids: BTreeMap<String, u64>,
    /// Whatever the program that trains must know to go on, such as its model and data.
    pub program: serde_json::Value,
}

const BEST: &str = "best/";
const AVERAGE: &str = "average/";

/// The weights of a run, those to come back to, and the average so far.
pub(crate) struct Tensors {
    pub(crate) weights: Vec<NamedTensor>,
    pub(crate) best: Vec<NamedTensor>,
    pub(crate) average: Vec<NamedTensor>,
}

/// Joins weights, weights to come back to and averaged ones into one list.
pub(crate) fn join(
    mut weights: Vec<NamedTensor>,
    best: Option<Vec<NamedTensor>>,
    average: Option<Vec<NamedTensor>>,
) -> Vec<NamedTensor> {
    for (prefix, tensors) in [(BEST, best), (AVERAGE, average)] {
        let named = |tensor: NamedTensor| NamedTensor { name: format!("{prefix}{}", tensor.name), ..tensor };
        weights.extend(tensors.into_iter().flatten().map(named));
    }
    weights
}

/// Takes the three apart again.
pub(crate) fn part(tensors: Vec<NamedTensor>) -> Tensors {
    let mut parts = Tensors { weights: Vec::new(), best: Vec::new(), average: Vec::new() };
    for tensor in tensors {
        let (part, name) = match (tensor.name.strip_prefix(BEST), tensor.name.strip_prefix(AVERAGE)) {
            (Some(name), _) => (&mut parts.best, name.to_string()),
            (_, Some(name)) => (&mut parts.average, name.to_string()),
            _ => (&mut parts.weights, tensor.name.clone()),
        };
        part.push(NamedTensor { name, ..tensor });
    }
    parts
}

/// Names and shapes of the weights in a checkpoint, to be compared with a model before one is built.
pub fn checkpoint_shapes(checkpoint: &Checkpoint) -> Vec<(String, Vec<usize>)> {
    let is_weight = |name: &str| !name.starts_with(BEST) && !name.starts_with(AVERAGE);
    let weights = checkpoint.tensors.iter().filter(|tensor| is_weight(&tensor.name));
    weights.map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect()
}

impl Progress {
    /// Compares the data with those of the run that was broken off.
    pub(crate) fn check_data(&self, now: &RunSettings) -> Result<(), TrainError> {
        let describe = |settings: &RunSettings| {
            let counts = format!("{} samples of {} classes", settings.samples, settings.classes.len());
            match &settings.dataset {
                Some(data) => {
                    let digest = data.sha256.as_deref().map_or(String::new(), |sha256| {
                        format!(", SHA-256 {}", sha256.chars().take(12).collect::<String>())
                    });
                    format!("{counts} of {}{digest}", data.name)
                }
                None => counts,
            }
        };
        let key = |dataset: &Option<DatasetCard>| {
            dataset.as_ref().map(|data| (data.name.clone(), data.split.clone(), data.sha256.clone()))
        };
        let then = &self.settings;
        let same = then.samples == now.samples
            && then.classes == now.classes
            && key(&then.dataset) == key(&now.dataset);
        match same {
            true => Ok(()),
            false => Err(TrainError::OtherData { expected: describe(then), found: describe(now) }),
        }
    }

    /// Refuses a place that no run can have stopped at.
    pub(crate) fn check_place(&self, steps: usize, targets: usize) -> Result<(), TrainError> {
        let RunState { epoch, step, sums, history, .. } = &self.state;
        let options = &self.settings.options;
        let done = step.checked_mul(options.batch_size);
        if *epoch == 0 || *epoch > options.epochs.saturating_add(1) {
            return Err(broken("epoch", "is not one of the run's"));
        }
        if *step >= steps.max(1) || done.is_none() {
            return Err(broken("step", "is not one of the epoch's"));
        }
        if history.len() != epoch - 1 {
            return Err(broken("history", "does not have one entry for each finished epoch"));
        }
        let scale = self.state.learning_rate_scale;
        if !(scale >= 0.0 && scale.is_finite()) {
            return Err(broken("learning_rate_scale", "is not 0 or more"));
        }
        let weight = sums.weight.unwrap_or(0.0);
        if sums.samples > targets as u64 || !sums.loss.is_finite() || !(weight >= 0.0 && weight.is_finite()) {
            return Err(broken("sums", "do not fit the data"));
        }
        Ok(())
    }
}

pub(crate) fn broken(field: &'static str, problem: &'static str) -> TrainError {
    TrainError::Checkpoint { field, problem }
}
