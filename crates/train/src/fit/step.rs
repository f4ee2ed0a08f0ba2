//! One step: loss, gradients, and the optimiser's step.

use std::num::NonZeroUsize;

use burn::optim::{GradientsAccumulator, GradientsParams};
use fireclay_data::{Batch, BatchTargets, Pass};
use fireclay_nn::{NamedTensor, Network, gradients_by_id, parameters_without_gradient};

use super::{Plan, Run};
use crate::attack::perturbed_batch;
use crate::callback::Callback;
use crate::error::TrainError;
use crate::event::Event;
use crate::gradients::clip;
use crate::private::Clipped;
use crate::run::RunState;
use crate::trainer::Trainer;
use crate::training_sums::{Answers, BatchLoss, TrainingSums};
use crate::upload::{Uploaded, check_batch, upload};

/// A step that was done.
pub(super) struct Step {
    pub(super) learning_rate: f64,
    pub(super) gradient_norm: Option<f64>,
    /// Gradients by the parameters' names, if a callback asked for them.
    pub(super) gradients: Vec<NamedTensor>,
}

impl<N: Network> Trainer<N> {
    /// One step on one or more batches, whose gradients are averaged.
    pub(super) fn train_step(
        &self,
        run: &mut Run<N>,
        plan: &Plan,
        batches: Vec<Batch>,
        sums: &mut TrainingSums,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<Step, TrainError> {
        let options = &plan.settings.options;
        let RunState { epoch, step, .. } = run.state;
        let several = batches.len() > 1;
        let total: f64 = batches.iter().map(counted).sum();
        let mut accumulated = GradientsAccumulator::new();
        let mut gradients = GradientsParams::new();
        for (index, batch) in batches.into_iter().enumerate() {
            let share = counted(&batch) / total;
            let samples = batch.len();
            check_batch(&batch, &**plan.train, self.loss.targets())?;
            run.watch.add(epoch, &batch, &**plan.train);
            // Dropout depends on seed, epoch and batch alone, so a resumed run goes on as if it had not stopped.
            // It draws while no other thread does, so trainings in parallel threads repeat as well.
            let mut uploaded = upload(batch, &**plan.train, &self.device);
            if epoch == 1 && step == plan.steps {
                run.watch.input = Some(uploaded.input.clone());
            }
            let place = (step - 1) * options.accumulate + index + 1;
            let pass = Pass { seed: options.seed, epoch };
            if let Some((adversarial, perturber)) = &plan.adversarial {
                let done = (epoch - 1) as f64 + (step - 1) as f64 / plan.steps as f64;
                uploaded = perturbed_batch(
                    (adversarial, perturber),
                    run.network(),
                    &*self.loss,
                    uploaded,
                    (done, options.epochs),
                    pass.step_seed(place),
                );
            }
            let Uploaded { input, target, weights } = uploaded.record_gradients();
            if let Some(privacy) = &plan.privacy {
                let batch = Uploaded { input, target, weights };
                let seed = privacy.dropout_seed(pass, step, index)?;
                let clipped =
                    privacy.clipped(run.network(), &*self.loss, &batch, samples, seed, &self.device)?;
                let Clipped { gradients: of_batch, loss, outputs, unused } = clipped;
                sums.add(&loss, Answers::Outputs(outputs), &batch.target, batch.weights.as_ref());
                if sums.due() {
                    self.read(sums, Some(&batch.input), run, plan)?;
                }
                run.report_unused(callbacks, &unused)?;
                accumulated.accumulate(run.network(), of_batch);
                continue;
            }
            let turn = fireclay_backend::seeded(&self.device, pass.step_seed(place));
            let outputs = run.network().forward_for_loss(input.clone());
            drop(turn);
            let BatchLoss { loss, answers } = BatchLoss::new(&*self.loss, outputs, &target, weights.as_ref());
            sums.add(&loss, answers, &target, weights.as_ref());
            if sums.due() || step == plan.steps {
                self.read(sums, Some(&input), run, plan)?;
            }

            // Batches that count for nothing have no gradient.
            let loss = if several && total > 0.0 { loss.mul_scalar(share) } else { loss };
            let of_batch = loss.backward();
            if !run.unused_reported {
                let unused = parameters_without_gradient(run.network(), &of_batch);
                run.report_unused(callbacks, &unused)?;
            }
            let of_batch = GradientsParams::from_grads(of_batch, run.network());
            match several {
                true => accumulated.accumulate(run.network(), of_batch),
                false => gradients = of_batch,
            }
        }
        // The gradients of this step, on this device: a mean over several devices would be taken here.
        if let Some(privacy) = &plan.privacy {
            if step == plan.steps {
                self.read(sums, None, run, plan)?;
            }
            gradients = privacy.noisy(
                accumulated.grads(),
                run.network(),
                Pass { seed: options.seed, epoch },
                step,
            )?;
        } else if several {
            gradients = accumulated.grads();
        }

        let number = (epoch - 1) * plan.steps + step;
        let wants_norm = callbacks.iter().any(|callback| callback.needs_gradient_norm(number))
            || run.watch.wants_norm(number);
        let mut named = Vec::new();
        if callbacks.iter().any(|callback| callback.needs_gradients(number)) {
            named = gradients_by_id(run.network(), &gradients);
        }
        // Those of a private step are clipped already, sample by sample.
        let clips = plan.privacy.is_none();
        let (gradients, norm) = clip(gradients, run.network(), options, clips, wants_norm);
        let gradient_norm = norm.map(|norm| f64::from(norm.into_scalar::<f32>()));
        if run.watch.wants_norm(number)
            && let Some(warning) = gradient_norm.and_then(|norm| run.watch.exploding(number, norm))
        {
            run.tell(callbacks, &Event::Warning(&warning))?;
        }
        let factor = self.rate_factor(options, epoch, step - 1, plan.steps, &run.state.history);
        let factor = factor * run.state.learning_rate_scale;
        // Moved and not cloned, so that parameters are changed where they lie.
        let network = run.network.take().map(|network| run.optimizer.step(factor, network, gradients));
        run.network = network;
        Ok(Step { learning_rate: factor * self.optimizer.learning_rate(), gradient_norm, gradients: named })
    }
}

impl<N: Network> Run<N> {
    /// Tells of parameters that had no part in the loss, once.
    fn report_unused(
        &mut self,
        callbacks: &mut [Box<dyn Callback>],
        unused: &[String],
    ) -> Result<(), TrainError> {
        let is_first = !std::mem::replace(&mut self.unused_reported, true);
        match is_first && !unused.is_empty() {
            true => self.tell(callbacks, &Event::UnusedParameters(unused)),
            false => Ok(()),
        }
    }
}

/// How much the targets of a batch count together.
fn counted(batch: &Batch) -> f64 {
    if let Some(weights) = &batch.weights {
        return weights.iter().map(|weight| f64::from(*weight)).sum();
    }
    match &batch.targets {
        BatchTargets::StepClasses(rows) | BatchTargets::NextTokens(rows) => rows.len() as f64,
        _ => batch.len() as f64,
    }
}

/// How many steps an epoch has.
pub(crate) fn steps_of(samples: usize, batch_size: NonZeroUsize, accumulate: usize) -> usize {
    samples.div_ceil(batch_size.get()).div_ceil(accumulate.max(1))
}
