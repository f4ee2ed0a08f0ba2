//! A run as it stands: what callbacks may see of it, and the checkpoint.

use fireclay_nn::{NamedTensor, Network, parameter_ids, state};

use super::{Plan, Run};
use crate::callback::{Callback, ControlRequests, RunView, names, tell};
use crate::checkpoint::{Checkpoint, Progress, join};
use crate::error::TrainError;
use crate::event::Event;
use crate::run::{CallbackStates, RunState};
use crate::trainer::Trainer;

/// What callbacks see of a run at an event.
pub(super) struct View<'a, N: Network> {
    pub(super) run: &'a Run<N>,
    /// The gradients of the step that ended.
    pub(super) gradients: &'a [NamedTensor],
    /// With what a checkpoint is made, where the run can be resumed.
    pub(super) resumable: Option<(&'a Trainer<N>, &'a Plan<'a>)>,
}

impl<N: Network> RunView for View<'_, N> {
    fn checkpoint(&self, requests: &ControlRequests) -> Result<Checkpoint, TrainError> {
        match self.resumable {
            Some((trainer, plan)) => trainer.checkpoint(self.run, plan, requests),
            None => Err(TrainError::NoCheckpoint),
        }
    }

    fn weights(&self) -> Vec<NamedTensor> {
        state(&self.run.network().valid())
    }

    fn gradients(&self) -> &[NamedTensor] {
        self.gradients
    }

    fn learning_rate_scale(&self) -> f64 {
        self.run.state.learning_rate_scale
    }
}

impl<N: Network> Trainer<N> {
    /// Tells the callbacks that the run can be resumed from here, and lets them have the checkpoint.
    pub(super) fn offer_checkpoint(
        &self,
        run: &mut Run<N>,
        plan: &Plan,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<(), TrainError> {
        let names = names(callbacks);
        let states = names.into_iter().zip(callbacks.iter().map(|callback| callback.state()));
        run.state.callbacks = CallbackStates::ByName(states.filter(|(_, state)| !state.is_null()).collect());
        let interrupted = run.requests.interrupt;
        let view = View { run: &*run, gradients: &[], resumable: Some((self, plan)) };
        let late = tell(callbacks, &Event::Resumable { interrupted }, &view)?;
        run.take_in(late)?;
        // Asked for between two epochs, weights are those of the epoch that has ended.
        if run.state.step == 0 {
            run.remember(&self.network);
        }
        Ok(())
    }

    /// The run as it stands.
    fn checkpoint(
        &self,
        run: &Run<N>,
        plan: &Plan,
        requests: &ControlRequests,
    ) -> Result<Checkpoint, TrainError> {
        let network = run.network().valid();
        let optimizer = (run.optimizer.to_record().into_bytes())
            .map_err(|error| TrainError::OptimizerState { reason: error.to_string() })?;
        let remembered = requests.remember_weights && run.state.step == 0;
        let best = if remembered { Some(&self.network) } else { run.best.as_ref() };
        Ok(Checkpoint {
            progress: Progress {
                settings: plan.settings.clone(),
                state: RunState {
                    has_best: best.is_some(),
                    restores_best: run.state.restores_best || requests.restore_weights,
                    ..run.state.clone()
                },
                parameter_ids: parameter_ids(&network),
                program: serde_json::Value::Null,
            },
            tensors: join(state(&network), best.map(state), run.average.as_ref().map(state)),
            optimizer: optimizer.to_vec(),
        })
    }
}
