//! Everything that a run needs to go on as if it had never stopped.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::{ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Tensor};
use fireclay_nn::{Loss, NamedTensor, Network, parameter_ids, with_parameter_ids};
use fireclay_store::{CheckpointFile, DatasetCard};
use serde::{Deserialize, Serialize};

use crate::fit::Standing;
use crate::optimizer::init;
use crate::trainer::About;
use crate::{AnyOptimizer, Callback, EpochRecord, FitOptions, Metric, ParameterGroup, TrainError};

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
    pub optimizer: AnyOptimizer,
    /// Parameters with optimisers of their own.
    #[serde(default)]
    pub groups: Vec<ParameterGroup>,
    /// The run's loss.
    pub loss: Loss,
    /// What is measured on the validation samples.
    pub metrics: Vec<Metric>,
    /// Training samples; a run resumes on as many.
    pub samples: usize,
    /// Names of the classes; a run resumes on the same.
    pub classes: Vec<String>,
    /// The data; a run resumes on the same.
    pub dataset: Option<DatasetCard>,
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
    /// Losses, each times its number of targets.
    pub loss: f64,
    /// Targets predicted right: samples, or tokens where the next ones are predicted.
    pub correct: u64,
    /// Targets in all.
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

/// Names and shapes of the weights in a checkpoint, to be compared with a model before one is built.
pub fn checkpoint_shapes(checkpoint: &Checkpoint) -> Vec<(String, Vec<usize>)> {
    let weights = checkpoint.tensors.iter().filter(|tensor| !tensor.name.starts_with(BEST));
    weights.map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect()
}

/// A checkpoint whose weights are in networks again.
pub(crate) struct Resumed<N> {
    pub(crate) progress: Progress,
    pub(crate) optimizer: Vec<u8>,
    pub(crate) network: N,
    pub(crate) best: Option<N>,
}

/// Takes up a run where its checkpoint left it, after everything in it has been compared with the data and the network.
pub(crate) fn restore<N: Network>(
    resumed: Resumed<N>,
    (optimizer, groups): (&AnyOptimizer, &[ParameterGroup]),
    about: &About,
    (samples, targets): (usize, usize),
    steps: usize,
    callbacks: &mut [Box<dyn Callback>],
) -> Result<(N, ModuleOptimizer, Standing<N>), TrainError> {
    let Resumed { progress, optimizer: bytes, network, best } = resumed;
    progress.check_data(about, samples)?;
    progress.check_place(steps, targets)?;
    let names: Vec<String> = parameter_ids(&network).into_keys().collect();
    let known: Vec<String> = progress.parameter_ids.keys().cloned().collect();
    let mut ids: Vec<u64> = progress.parameter_ids.values().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    if names != known || ids.len() != known.len() {
        return Err(broken("parameter_ids", "do not name each parameter of the network once"));
    }
    for (callback, state) in callbacks.iter_mut().zip(&progress.callbacks) {
        callback.restore(state.clone()).map_err(|error| TrainError::Callback(Box::new(error)))?;
    }
    let network = with_parameter_ids(network, &progress.parameter_ids).train();
    let optimizer = restore_optimizer(init(optimizer, groups, &network), bytes, &network)?;
    let standing = Standing {
        epoch: progress.epoch,
        step: progress.step,
        sums: progress.sums,
        history: progress.history,
        best,
        restore_best: progress.restores_best,
    };
    Ok((network, optimizer, standing))
}

impl Progress {
    /// Compares the data with those of the run that was broken off.
    fn check_data(&self, about: &About, samples: usize) -> Result<(), TrainError> {
        let describe = |samples: usize, classes: usize, dataset: &Option<DatasetCard>| match dataset {
            Some(data) => {
                let digest = data.sha256.as_deref().map_or(String::new(), |sha256| {
                    format!(", SHA-256 {}", sha256.chars().take(12).collect::<String>())
                });
                format!("{samples} samples of {classes} classes of {}{digest}", data.name)
            }
            None => format!("{samples} samples of {classes} classes"),
        };
        let key = |dataset: &Option<DatasetCard>| {
            dataset.as_ref().map(|data| (data.name.clone(), data.split.clone(), data.sha256.clone()))
        };
        let same = self.samples == samples
            && self.classes == about.classes
            && key(&self.dataset) == key(&about.dataset);
        match same {
            true => Ok(()),
            false => Err(TrainError::OtherData {
                expected: describe(self.samples, self.classes.len(), &self.dataset),
                found: describe(samples, about.classes.len(), &about.dataset),
            }),
        }
    }

    /// Refuses a place that no run can have stopped at.
    fn check_place(&self, steps: usize, targets: usize) -> Result<(), TrainError> {
        let done = self.step.checked_mul(self.options.batch_size);
        if self.epoch == 0 || self.epoch > self.options.epochs.saturating_add(1) {
            return Err(broken("epoch", "is not one of the run's"));
        }
        if self.step >= steps.max(1) || done.is_none() {
            return Err(broken("step", "is not one of the epoch's"));
        }
        if self.history.len() != self.epoch - 1 {
            return Err(broken("history", "does not have one entry for each finished epoch"));
        }
        if self.sums.samples > targets as u64 || !self.sums.loss.is_finite() {
            return Err(broken("sums", "do not fit the data"));
        }
        Ok(())
    }
}

fn broken(field: &'static str, problem: &'static str) -> TrainError {
    TrainError::Checkpoint { field, problem }
}

/// Reads the optimiser's state and makes sure that it fits the network: Burn skips states that it cannot read and
/// panics at the first step over those of another shape.
fn restore_optimizer<N: Network>(
    fresh: ModuleOptimizer,
    bytes: Vec<u8>,
    network: &N,
) -> Result<ModuleOptimizer, TrainError> {
    let unreadable = |reason: String| TrainError::OptimizerState { reason };
    let loaded = catch_unwind(AssertUnwindSafe(|| {
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(bytes))
            .map_err(|error| unreadable(error.to_string()))?;
        let tensors = record.len();
        let optimizer = fresh.load_record(record);
        if optimizer.to_record().len() != tensors {
            return Err(unreadable("it is of another optimiser".into()));
        }
        let mut zeros = Zeros { gradients: GradientsParams::new() };
        network.visit(&mut zeros);
        optimizer.clone().step(0.0, network.valid().train(), zeros.gradients);
        Ok(optimizer)
    }));
    loaded.unwrap_or_else(|_| Err(unreadable("it is damaged, or of another network".into())))
}

/// Gradients of 0 for a step that is tried out.
struct Zeros {
    gradients: GradientsParams,
}

impl ModuleVisitor for Zeros {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if value.is_require_grad() {
            self.gradients.register(param.id, value.inner().zeros_like());
        }
    }
}
