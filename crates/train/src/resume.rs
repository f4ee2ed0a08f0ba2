//! Taking up a run where its checkpoint left it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::{ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Tensor};
use fireclay_nn::{Network, parameter_ids, with_parameter_ids};

use crate::callback::{Callback, names};
use crate::checkpoint::{Progress, broken};
use crate::error::TrainError;
use crate::run::CallbackStates;

/// A checkpoint whose weights are in networks again.
pub(crate) struct Resumed<N> {
    pub(crate) progress: Progress,
    pub(crate) optimizer: Vec<u8>,
    pub(crate) network: N,
    pub(crate) best: Option<N>,
    pub(crate) average: Option<N>,
}

/// The network with the numbers by which the optimiser's state knows its parameters.
pub(crate) fn restore_network<N: Network>(network: N, progress: &Progress) -> Result<N, TrainError> {
    let names: Vec<String> = parameter_ids(&network).into_keys().collect();
    let known: Vec<String> = progress.parameter_ids.keys().cloned().collect();
    let mut ids: Vec<u64> = progress.parameter_ids.values().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    if names != known || ids.len() != known.len() {
        return Err(broken("parameter_ids", "do not name each parameter of the network once"));
    }
    Ok(with_parameter_ids(network, &progress.parameter_ids).train())
}

/// Gives each callback what it remembers, by its name: others may have been added or left out.
pub(crate) fn restore_callbacks(
    callbacks: &mut [Box<dyn Callback>],
    states: &CallbackStates,
) -> Result<(), TrainError> {
    let restore = |callback: &mut Box<dyn Callback>, state: &serde_json::Value| {
        callback.restore(state.clone()).map_err(|error| TrainError::Callback(Box::new(error)))
    };
    match states {
        CallbackStates::ByName(states) => {
            let names = names(callbacks);
            for (callback, name) in callbacks.iter_mut().zip(names) {
                if let Some(state) = states.get(&name) {
                    restore(callback, state)?;
                }
            }
        }
        CallbackStates::InOrder(states) => {
            for (callback, state) in callbacks.iter_mut().zip(states) {
                restore(callback, state)?;
            }
        }
    }
    Ok(())
}

/// Reads the optimiser's state and makes sure that it fits the network: Burn skips states that it cannot read and
/// panics at the first step over those of another shape.
pub(crate) fn restore_optimizer<N: Network>(
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
