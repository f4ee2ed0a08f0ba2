//! One step: loss, gradients, and the optimiser's step.

use std::num::NonZeroUsize;

use burn::optim::{GradientsAccumulator, GradientsParams};
use fireclay_backend::ops::rank_sums_by;
use fireclay_data::{Batch, BatchTargets};
use fireclay_nn::{
    BuiltInLoss, CrossEntropyLoss, Loss, NamedTensor, Network, gradients_by_id, parameters_without_gradient,
};

use super::{Plan, Run};
use crate::attack::perturbed_batch;
use crate::callback::Callback;
use crate::error::TrainError;
use crate::event::Event;
use crate::gradients::clip;
use crate::private::Clipped;
use crate::ranks::{PartReport, RankSums, StepReport};
use crate::run::{RunState, Sums};
use crate::trainer::Trainer;
use crate::training_sums::{Answers, BatchLoss, TrainingSums};
use crate::upload::{Uploaded, check_batch, upload};

/// A step that was done.
pub(super) struct Step {
    pub(super) learning_rate: f64,
    pub(super) gradient_norm: Option<f64>,
    /// Samples, of all ranks together.
    pub(super) samples: usize,
    /// Gradients by the parameters' names, if a callback asked for them.
    pub(super) gradients: Vec<NamedTensor>,
}

impl<N: Network> Trainer<N> {
    /// One step on one or more batches, whose gradients are averaged: with ranks, on this rank's parts of them.
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
        let class_weights = class_weights(&*self.loss);
        if self.ranks.is_some() && class_weights.is_some() {
            check_mixed(&batches)?;
        }
        let counted = |batch: &Batch| counted(batch, class_weights.as_deref());
        let total: f64 = batches.iter().map(counted).sum();
        let in_sync = self.ranks.as_ref().filter(|_| options.sync_batch_norm);
        // Gradients meet inside the network then, so that each rank's loss must have its share before.
        let counted_in_all = match in_sync {
            Some(ranks) => ranks.total(total)?,
            None => total,
        };
        let sums_of_ranks = in_sync.map(|ranks| RankSums::new(ranks, &self.device));
        let mut samples_of_step = batches.iter().map(Batch::len).sum::<usize>();
        // With ranks, the sums of a step are first those of this one's part.
        let mut of_part = TrainingSums::new(Sums::default(), 1);
        let own_sums = if self.ranks.is_some() { &mut of_part } else { &mut *sums };
        let mut parts = Vec::new();
        let mut own_error = None;
        let mut accumulated = GradientsAccumulator::new();
        let mut gradients = GradientsParams::new();
        for (index, batch) in batches.into_iter().enumerate() {
            let counted = counted(&batch);
            let share = counted / counted_in_all;
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
            let pass = options.pass(epoch);
            // What is drawn for a part of a batch is what would be drawn for it in the whole one.
            let of_batch = plan.samples_of_batch(place);
            let part = self.ranks.as_ref().map(|ranks| ranks.place_in_batch(of_batch));
            let part = fireclay_backend::in_part(part);
            let sums_scope = rank_sums_by(sums_of_ranks.as_ref().map(RankSums::sum));
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
                own_sums.add(&loss, Answers::Outputs(outputs), &batch.target, batch.weights.as_ref());
                if own_sums.due() {
                    self.read(own_sums, Some(&batch.input), run, plan)?;
                }
                run.report_unused(callbacks, &unused)?;
                accumulated.accumulate(run.network(), of_batch);
                continue;
            }
            let turn = match &sums_of_ranks {
                None => Some(fireclay_backend::seeded(&self.device, pass.step_seed(place))),
                Some(sums) => {
                    sums.begin_turn(pass.step_seed(place));
                    None
                }
            };
            let outputs = run.network().forward_for_loss(input.clone());
            drop((part, turn));
            sums_of_ranks.iter().for_each(RankSums::end_turn);
            let BatchLoss { loss, answers } = BatchLoss::new(&*self.loss, outputs, &target, weights.as_ref());
            let before = (own_sums.sums().loss, own_sums.sums().counted());
            own_sums.add(&loss, answers, &target, weights.as_ref());
            if own_sums.due() || step == plan.steps {
                match self.read(own_sums, Some(&input), run, plan) {
                    Err(error) if self.ranks.is_some() => own_error = own_error.or(Some(error)),
                    read => read?,
                }
            }
            if self.ranks.is_some() {
                let reported = own_sums.sums().counted() - before.1;
                let loss = if reported > 0.0 { (own_sums.sums().loss - before.0) / reported } else { 0.0 };
                parts.push(PartReport { loss, counted, reported });
            }

            // Batches that count for nothing have no gradient.
            let scales = (several || in_sync.is_some()) && counted_in_all > 0.0;
            let loss = if scales { loss.mul_scalar(share) } else { loss };
            let of_batch = loss.backward();
            drop(sums_scope);
            if let Some(sums) = &sums_of_ranks {
                sums.check()?;
            }
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
        if let Some(privacy) = &plan.privacy {
            if step == plan.steps {
                self.read(sums, None, run, plan)?;
            }
            gradients = privacy.noisy(accumulated.grads(), run.network(), options.pass(epoch), step)?;
        } else if several {
            gradients = accumulated.grads();
        }
        if let Some(ranks) = &self.ranks {
            let own = StepReport {
                sums: of_part.sums().clone(),
                batches: parts,
                samples: samples_of_step as u64,
                not_finite: u64::from(own_error.is_some()),
            };
            let whole = ranks.whole_step(&own, options.accumulate)?;
            if whole.not_finite > 0 {
                return Err(own_error.unwrap_or_else(|| self.diverged_elsewhere(run, plan)));
            }
            sums.take_in(&whole.sums);
            samples_of_step = whole.samples as usize;
            // A batch whose targets count for nothing has no gradient.
            let all = whole.counted();
            let share = match in_sync {
                Some(_) => 1.0,
                None if all > 0.0 => total / all,
                None => 0.0,
            };
            if let Some(network) = run.network.take() {
                let (mean, network) = ranks.mean(gradients, network, share, own.samples > 0)?;
                (gradients, run.network) = (mean, Some(network));
            }
        }

        if let Some(start) = &run.start {
            gradients = start.pulling_back(gradients, run.network(), options.proximal_mu);
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
            run.warn(callbacks, &warning)?;
        }
        let factor = self.rate_factor(options, epoch, step - 1, plan.steps, &run.state.history);
        let factor = factor * run.state.learning_rate_scale;
        // Moved and not cloned, so that parameters are changed where they lie.
        let network = run.network.take().map(|network| run.optimizer.step(factor, network, gradients));
        run.network = network;
        let learning_rate = factor * self.optimizer.learning_rate();
        Ok(Step { learning_rate, gradient_norm, samples: samples_of_step, gradients: named })
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
            true => self.tell_here(callbacks, &Event::UnusedParameters(unused)),
            false => Ok(()),
        }
    }
}

/// The weights of the classes, by which a mean loss is divided.
fn class_weights(loss: &dyn Loss) -> Option<Vec<f32>> {
    match loss.built_in()? {
        BuiltInLoss::CrossEntropy(CrossEntropyLoss { class_weights, .. }) => class_weights,
        _ => None,
    }
}

/// Refuses parts of batches whose mean loss cannot be put together from those of the parts.
fn check_mixed(batches: &[Batch]) -> Result<(), TrainError> {
    let mixed = |batch: &Batch| matches!(batch.targets, BatchTargets::MixedClasses { .. });
    match batches.iter().any(mixed) {
        false => Ok(()),
        true => Err(TrainError::NotOnRanks {
            reason: "with class weights the loss of samples that are mixed from two is no sum over the samples; leave out mixup or the class weights",
        }),
    }
}

/// How much the targets of a batch count together.
fn counted(batch: &Batch, class_weights: Option<&[f32]>) -> f64 {
    if let (Some(of_class), BatchTargets::Classes(labels) | BatchTargets::StepClasses(labels)) =
        (class_weights, &batch.targets)
    {
        let of_class = |label: &u32| of_class.get(*label as usize).copied().map_or(0.0, f64::from);
        return match &batch.weights {
            None => labels.iter().map(of_class).sum(),
            Some(weights) => {
                labels.iter().zip(weights).map(|(label, weight)| of_class(label) * f64::from(*weight)).sum()
            }
        };
    }
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
