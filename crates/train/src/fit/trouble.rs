//! Numbers that are no longer finite, and where they came from; and what else goes wrong at the end of an epoch.

use fireclay_nn::{AnyTensor, Network, state};

use super::{Plan, Run, Trained};
use crate::callback::Callback;
use crate::error::TrainError;
use crate::run::RunState;
use crate::trainer::Trainer;
use crate::training_sums::TrainingSums;

impl<N: Network> Trainer<N> {
    /// Reads the losses that are pending; one that is not finite ends the run.
    pub(super) fn read(
        &self,
        sums: &mut TrainingSums,
        input: Option<&AnyTensor>,
        run: &Run<N>,
        plan: &Plan,
    ) -> Result<(), TrainError> {
        sums.read().map_err(|(loss, ago)| self.diverged(run, input, loss, ago, plan))
    }

    /// Says at the end of an epoch what is most likely going wrong.
    pub(super) fn look_for_trouble(
        &self,
        run: &mut Run<N>,
        plan: &Plan,
        trained: &Trained,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<(), TrainError> {
        let at = (run.state.epoch, plan.settings.options.epochs, plan.steps);
        let mean = trained.sums.sums().mean_loss();
        let learnt_nothing = run.watch.learnt_nothing(&*self.loss, at, mean, &self.device);
        let mut watch = std::mem::take(&mut run.watch);
        let dead = watch.dead(&run.network().valid());
        run.watch = watch;
        for warning in learnt_nothing.into_iter().chain(dead) {
            run.warn(callbacks, &warning)?;
        }
        Ok(())
    }

    /// The network without gradients, if all its weights are finite.
    pub(super) fn finite(&self, run: &Run<N>, plan: &Plan) -> Result<N, TrainError> {
        let valid = run.network().valid();
        match state(&valid).iter().all(|tensor| tensor.check_finite().is_ok()) {
            true => Ok(valid),
            false => Err(self.diverged(run, None, f64::NAN, 0, plan)),
        }
    }

    /// A loss that is not finite on another rank, which says where it came from.
    pub(super) fn diverged_elsewhere(&self, run: &Run<N>, plan: &Plan) -> TrainError {
        let mut error = self.diverged(run, None, f64::NAN, 0, plan);
        if let TrainError::NotFinite { culprit, .. } = &mut error {
            *culprit = "something on another rank, which names it".to_string();
        }
        error
    }

    /// Takes care that all ranks have the same weights: processors of different makes may round differently.
    pub(super) fn keep_alike(
        &self,
        run: &mut Run<N>,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<(), TrainError> {
        let Some(ranks) = &self.ranks else { return Ok(()) };
        let Some(network) = run.network.take() else { return Ok(()) };
        let (network, differed) = ranks.weights_of_first(network, true)?;
        run.network = Some(if differed { network.train() } else { network });
        match differed {
            false => Ok(()),
            true => run.warn(
                callbacks,
                "the weights of the ranks differ in their last bits, as processors of different makes round differently; all go on \
                 with those of rank 0",
            ),
        }
    }

    /// Finds out where a loss that is not finite came from. `ago` is how many steps ago it was.
    pub(super) fn diverged(
        &self,
        run: &Run<N>,
        input: Option<&AnyTensor>,
        loss: f64,
        ago: usize,
        plan: &Plan,
    ) -> TrainError {
        let RunState { epoch, step, history, .. } = &run.state;
        let weights = state(&run.network().valid());
        let broken = weights.iter().find(|tensor| tensor.check_finite().is_err());
        let layer = || input.and_then(|input| run.network().first_not_finite(input.clone()));
        let culprit = match broken {
            Some(tensor) => format!("the weights '{}', so their gradient was not", tensor.name),
            None => layer().map_or("the loss itself".to_string(), |layer| format!("what '{layer}' gives")),
        };
        let kept = match history.last() {
            None => "before training".to_string(),
            Some(record) => format!("at the end of epoch {}", record.epoch),
        };
        let step = step.saturating_sub(ago);
        let options = &plan.settings.options;
        let factor = self.rate_factor(options, *epoch, step.saturating_sub(1), plan.steps, history);
        let factor = factor * run.state.learning_rate_scale;
        TrainError::NotFinite {
            loss,
            epoch: *epoch,
            step,
            learning_rate: self.optimizer.learning_rate() * factor,
            culprit,
            kept,
        }
    }
}
