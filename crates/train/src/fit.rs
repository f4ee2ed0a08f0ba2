//! The training loop. There is one, and it reads from top to bottom.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use burn::module::{ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use fireclay_data::{Loader, Pass, Source, TargetKind};
use fireclay_nn::{AnyTensor, Loss, Network, Target, parameter_ids, parameters_without_gradient, state};

use crate::checkpoint::{Checkpoint, Progress, Resumed, Sums, join, restore};
use crate::clip_norm::clip_norm;
use crate::evaluate::{evaluate, in_order};
use crate::event::Wishes;
use crate::optimizer::init;
use crate::running_means::RunningMeans;
use crate::trainer::{About, targets_per_sample};
use crate::upload::{record_gradients, upload};
use crate::{Callback, EpochRecord, Event, FitOptions, History, Moment, Stopped, TrainError, Trainer};

/// Steps between two readings of the loss on a device where reading waits for all work before it.
const READ_INTERVAL: usize = 32;

/// Where a run stands: what a checkpoint keeps besides weights and optimiser.
pub(crate) struct Standing<N> {
    /// The epoch that runs or is next, counted from 1.
    pub(crate) epoch: usize,
    /// Steps of that epoch that are done.
    pub(crate) step: usize,
    /// The epoch's sums so far.
    pub(crate) sums: Sums,
    /// The epochs that are done.
    pub(crate) history: Vec<EpochRecord>,
    /// Weights to come back to.
    pub(crate) best: Option<N>,
    /// Whether to come back to them at the end.
    pub(crate) restore_best: bool,
}

impl<N> Standing<N> {
    pub(crate) fn at_start() -> Self {
        Standing {
            epoch: 1,
            step: 0,
            sums: Sums::default(),
            history: Vec::new(),
            best: None,
            restore_best: false,
        }
    }
}

/// What one run is about; it does not change while it runs.
struct Plan<'a> {
    options: &'a FitOptions,
    about: &'a About,
    samples: usize,
    /// Targets of all samples: as many, or one for each of their tokens.
    targets: usize,
    /// Steps of one epoch.
    steps: usize,
    learning_rate: f64,
}

impl<N: Network> Trainer<N> {
    /// Runs the loop. Whatever happens, the callbacks come back and the network is one that can be used.
    pub(crate) fn run(
        &mut self,
        train: &Arc<dyn Source>,
        validation: Option<&Arc<dyn Source>>,
        options: &FitOptions,
        about: &About,
        resumed: Option<Resumed<N>>,
    ) -> Result<History, TrainError> {
        self.check_source(train, "train on")?;
        if let Some(validation) = validation {
            self.check_source(validation, "validate on")?;
        }
        self.check_metrics(train)?;
        // A network that has been trained, here or before it was loaded, keeps what it has.
        if resumed.is_none() && self.about.training.is_none() && self.network.adapts() {
            let device = &self.device;
            let batches = || -> Box<dyn Iterator<Item = (AnyTensor, Target)>> {
                Box::new(in_order(train).map(|batch| upload(batch, device)))
            };
            self.network = self.network.valid().adapt(&batches);
        }
        let batch_size = NonZeroUsize::new(options.batch_size).unwrap_or(NonZeroUsize::MIN);
        let plan = Plan {
            options,
            about,
            samples: train.len(),
            targets: train.len().saturating_mul(targets_per_sample(&**train)),
            steps: train.len().div_ceil(batch_size.get()),
            learning_rate: self.optimizer.learning_rate(),
        };
        let mut callbacks = std::mem::take(&mut self.callbacks);
        let history = self.run_epochs(train, validation, batch_size, &plan, resumed, &mut callbacks);
        self.callbacks = callbacks;
        history
    }

    fn run_epochs(
        &mut self,
        train: &Arc<dyn Source>,
        validation: Option<&Arc<dyn Source>>,
        batch_size: NonZeroUsize,
        plan: &Plan,
        resumed: Option<Resumed<N>>,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<History, TrainError> {
        let (mut network, mut optimizer, mut at) = match resumed {
            None => {
                let network = self.network.clone().train();
                let optimizer = init(&self.optimizer, &self.groups, &network);
                (network, optimizer, Standing::at_start())
            }
            Some(resumed) => restore(
                resumed,
                (&self.optimizer, &self.groups),
                plan.about,
                (plan.samples, plan.targets),
                plan.steps,
                callbacks,
            )?,
        };
        if !trains(&network) {
            return Err(TrainError::NothingToTrain);
        }
        let interval = match fireclay_backend::reads_at_once(&self.device) {
            true => 1,
            false => READ_INTERVAL,
        };
        let mut stopped = Stopped::Completed;
        let mut unused_reported = false;

        let has_perplexity = self.has_perplexity(train);
        let measured = self.measured(validation.is_some(), has_perplexity);
        let started = Event::FitStarted {
            epochs: plan.options.epochs,
            steps_per_epoch: plan.steps,
            samples: plan.samples,
            validation_samples: validation.map_or(0, |validation| validation.len()),
            start: (at.epoch, at.step),
            measured: &measured,
        };
        let mut wishes = tell(callbacks, &started, &no_checkpoint)?;

        'epochs: while at.epoch <= plan.options.epochs {
            let epoch = at.epoch;
            wishes.add(tell(callbacks, &Event::EpochStarted { epoch }, &no_checkpoint)?);
            let clock = Instant::now();
            let pass = Pass { seed: plan.options.seed, epoch };
            let mut means = RunningMeans::new(std::mem::take(&mut at.sums), interval);
            let mut samples = 0;

            for batch in Loader::for_training(train.clone(), pass, batch_size, at.step) {
                at.step += 1;
                samples += batch.len();
                // Dropout depends on seed, epoch and step alone, so a resumed run goes on as if it had not stopped.
                self.device.seed(step_seed(plan.options.seed, epoch, at.step));
                let (input, target) = record_gradients(upload(batch, &self.device));
                let output = network.forward(input.clone());
                let loss = self.loss.forward(output.clone(), &target);
                means.add(&loss, output, &target);
                if means.due() || at.step == plan.steps {
                    means
                        .read()
                        .map_err(|(loss, ago)| self.diverged(&network, Some(&input), loss, ago, &at, plan))?;
                }

                let gradients = loss.backward();
                if !unused_reported {
                    unused_reported = true;
                    let unused = parameters_without_gradient(&network, &gradients);
                    if !unused.is_empty() {
                        wishes.add(tell(callbacks, &Event::UnusedParameters(&unused), &no_checkpoint)?);
                    }
                }
                // The gradients of this step, on this device: a mean over several devices would be taken here.
                let mut gradients = GradientsParams::from_grads(gradients, &network);
                if let Some(norm) = plan.options.clip_norm {
                    gradients = clip_norm(gradients, &network, norm);
                }
                let factor = plan.options.rate_factor(epoch, at.step - 1, plan.steps, &at.history);
                network = optimizer.step(factor, network, gradients);

                let ended = Event::StepEnded {
                    epoch,
                    step: at.step,
                    steps: plan.steps,
                    samples,
                    seconds: clock.elapsed().as_secs_f64(),
                    loss: means.loss(),
                    accuracy: means.accuracy(),
                };
                wishes.add(tell(callbacks, &ended, &no_checkpoint)?);
                if wishes.interrupt && at.step < plan.steps {
                    means
                        .read()
                        .map_err(|(loss, ago)| self.diverged(&network, Some(&input), loss, ago, &at, plan))?;
                    self.network = self.sound(&network, &at, plan)?;
                    at.sums = means.sums().clone();
                    self.offer_checkpoint(true, plan, &at, &optimizer, &network, callbacks)?;
                    stopped = Stopped::Interrupted;
                    break 'epochs;
                }
            }
            let seconds = clock.elapsed().as_secs_f64();
            let trained = self.sound(&network, &at, plan)?;

            let mut values = Vec::new();
            values.extend(means.loss().map(|loss| ("loss".to_string(), loss)));
            values.extend(means.accuracy().map(|accuracy| ("accuracy".to_string(), accuracy)));
            let perplexity = means.loss().filter(|_| has_perplexity).map(f64::exp);
            values.extend(perplexity.map(|perplexity| ("perplexity".to_string(), perplexity)));
            if let Some(validation) = validation {
                let names = &plan.about.classes;
                let evaluation = evaluate(&trained, validation, &self.loss, names, &self.device)?;
                if !evaluation.loss.is_finite() {
                    return Err(self.diverged(&network, None, evaluation.loss, 0, &at, plan));
                }
                values.push(("val_loss".to_string(), evaluation.loss));
                values.extend(
                    self.metrics
                        .iter()
                        .filter_map(|metric| Some((format!("val_{metric}"), metric.of(&evaluation.report)?))),
                );
            }
            self.network = trained;
            let samples_per_s = samples as f64 / seconds.max(1e-9);
            let record = EpochRecord { epoch, values, seconds, samples_per_s };
            at.history.push(record.clone());
            at.epoch += 1;
            at.step = 0;

            wishes.add(tell(callbacks, &Event::EpochEnded(&record), &no_checkpoint)?);
            if std::mem::take(&mut wishes.remember) {
                at.best = Some(self.network.clone());
            }
            at.restore_best |= wishes.restore;
            let late = self.offer_checkpoint(wishes.interrupt, plan, &at, &optimizer, &network, callbacks)?;
            wishes.add(late);
            if wishes.interrupt {
                stopped = Stopped::Interrupted;
                break;
            }
            if let Some(reason) = wishes.stop.take() {
                stopped = Stopped::Early(reason);
                break;
            }
        }

        if let Some(best) = at.best.filter(|_| at.restore_best && stopped != Stopped::Interrupted) {
            self.network = best;
        }
        let history = History { epochs: at.history, stopped };
        tell(callbacks, &Event::FitEnded(&history), &no_checkpoint)?;
        Ok(history)
    }

    /// Whether the mean loss of the training is the logarithm of a perplexity.
    fn has_perplexity(&self, train: &Arc<dyn Source>) -> bool {
        let next_tokens = matches!(train.target_kind(), TargetKind::NextTokens { .. });
        next_tokens && self.loss == Loss::cross_entropy()
    }

    /// Names of the values that each epoch is going to have.
    fn measured(&self, validates: bool, has_perplexity: bool) -> Vec<String> {
        let mut names = vec!["loss".to_string()];
        if self.loss.takes_classes() {
            names.push("accuracy".to_string());
        }
        if has_perplexity {
            names.push("perplexity".to_string());
        }
        if validates {
            names.push("val_loss".to_string());
            names.extend(self.metrics.iter().map(|metric| format!("val_{metric}")));
        }
        names
    }

    /// Tells the callbacks that the run can be resumed from here, and lets them have the checkpoint.
    fn offer_checkpoint(
        &self,
        interrupted: bool,
        plan: &Plan,
        at: &Standing<N>,
        optimizer: &ModuleOptimizer,
        network: &N,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<Wishes, TrainError> {
        let states: Vec<serde_json::Value> = callbacks.iter().map(|callback| callback.state()).collect();
        let capture = || {
            let network = network.valid();
            let optimizer = optimizer
                .to_record()
                .into_bytes()
                .map_err(|error| TrainError::OptimizerState { reason: error.to_string() })?;
            Ok(Checkpoint {
                progress: Progress {
                    options: plan.options.clone(),
                    optimizer: self.optimizer.clone(),
                    groups: self.groups.clone(),
                    loss: self.loss.clone(),
                    metrics: self.metrics.clone(),
                    samples: plan.samples,
                    classes: plan.about.classes.clone(),
                    dataset: plan.about.dataset.clone(),
                    epoch: at.epoch,
                    step: at.step,
                    sums: at.sums.clone(),
                    history: at.history.clone(),
                    callbacks: states.clone(),
                    parameter_ids: parameter_ids(&network),
                    has_best: at.best.is_some(),
                    restores_best: at.restore_best,
                    program: serde_json::Value::Null,
                },
                tensors: join(state(&network), at.best.as_ref().map(state)),
                optimizer: optimizer.to_vec(),
            })
        };
        tell(callbacks, &Event::Resumable { interrupted }, &capture)
    }

    /// The network without gradients, if all its weights are finite.
    fn sound(&self, network: &N, at: &Standing<N>, plan: &Plan) -> Result<N, TrainError> {
        let valid = network.valid();
        match state(&valid).iter().all(|tensor| tensor.check_finite().is_ok()) {
            true => Ok(valid),
            false => Err(self.diverged(network, None, f64::NAN, 0, at, plan)),
        }
    }

    /// Finds out where a loss that is not finite came from. `ago` is how many steps ago it was.
    fn diverged(
        &self,
        network: &N,
        input: Option<&AnyTensor>,
        loss: f64,
        ago: usize,
        at: &Standing<N>,
        plan: &Plan,
    ) -> TrainError {
        let weights = state(&network.valid());
        let broken = weights.iter().find(|tensor| tensor.check_finite().is_err());
        let layer = || input.and_then(|input| network.first_not_finite(input.clone()));
        let culprit = match broken {
            Some(tensor) => format!("the weights '{}', so their gradient was not", tensor.name),
            None => layer().map_or("the loss itself".to_string(), |layer| format!("what '{layer}' gives")),
        };
        let kept = match at.history.last() {
            None => "before training".to_string(),
            Some(record) => format!("at the end of epoch {}", record.epoch),
        };
        TrainError::NotFinite {
            loss,
            epoch: at.epoch,
            step: at.step.saturating_sub(ago),
            learning_rate: plan.learning_rate,
            culprit,
            kept,
        }
    }
}

/// Whether there is a parameter that gradients are for: not all are frozen.
fn trains<N: Network>(network: &N) -> bool {
    struct Finder(bool);
    impl ModuleVisitor for Finder {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0 |= param.is_require_grad();
        }
    }
    let mut finder = Finder(false);
    network.visit(&mut finder);
    finder.0
}

/// Tells all callbacks of an event and gathers what they wish.
fn tell(
    callbacks: &mut [Box<dyn Callback>],
    event: &Event,
    capture: &dyn Fn() -> Result<Checkpoint, TrainError>,
) -> Result<Wishes, TrainError> {
    let mut moment = Moment { capture, wishes: Wishes::default() };
    for callback in callbacks {
        callback.on_event(event, &mut moment)?;
    }
    Ok(moment.wishes)
}

/// For events at which a run cannot be resumed.
fn no_checkpoint() -> Result<Checkpoint, TrainError> {
    Err(TrainError::Callback("a checkpoint can be taken at `Event::Resumable` only".into()))
}

/// One seed for each step of each run.
fn step_seed(seed: u64, epoch: usize, step: usize) -> u64 {
    // Mixed twice: added up, seed 1 at one step would be seed 0 at the next.
    mix(mix(seed) ^ ((epoch as u64) << 40) ^ step as u64)
}

/// The finaliser of SplitMix64 ([Steele et al. 2014](https://doi.org/10.1145/2660193.2660195)).
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
