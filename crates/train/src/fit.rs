//! The training loop. There is one, and it reads from top to bottom.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::tensor::Bytes;
use fireclay_data::{Loader, Source, epoch_order};
use fireclay_nn::{
    AnyTensor, Network, parameter_ids, parameters_without_gradient, state, with_parameter_ids,
};

use crate::checkpoint::{Checkpoint, Progress, Sums, join};
use crate::evaluate::evaluate;
use crate::event::Wishes;
use crate::running_means::RunningMeans;
use crate::upload::{record_gradients, upload};
use crate::{Callback, EpochRecord, Event, FitOptions, History, Moment, Stopped, TrainError, Trainer};

/// Steps between two readings of the loss on a device where reading waits for all work before it.
const READ_INTERVAL: usize = 32;

/// Where a run begins.
pub(crate) struct Start<N> {
    epoch: usize,
    step: usize,
    sums: Sums,
    history: Vec<EpochRecord>,
    best: Option<N>,
    restore_best: bool,
    resumed: Option<(Progress, Vec<u8>)>,
}

impl<N> Start<N> {
    pub(crate) fn fresh() -> Self {
        Start {
            epoch: 1,
            step: 0,
            sums: Sums::default(),
            history: Vec::new(),
            best: None,
            restore_best: false,
            resumed: None,
        }
    }

    pub(crate) fn resumed(progress: Progress, optimizer: Vec<u8>, best: Option<N>) -> Self {
        Start {
            epoch: progress.epoch,
            step: progress.step,
            sums: progress.sums.clone(),
            history: progress.history.clone(),
            best,
            restore_best: progress.restores_best,
            resumed: Some((progress, optimizer)),
        }
    }
}

impl<N: Network> Trainer<N> {
    /// Runs the loop. Whatever happens, the callbacks come back and the network is one that can be used.
    pub(crate) fn run(
        &mut self,
        train: &Arc<dyn Source>,
        validation: Option<&Arc<dyn Source>>,
        options: &FitOptions,
        start: Start<N>,
    ) -> Result<History, TrainError> {
        self.check_source(train, "train on")?;
        if let Some(validation) = validation {
            self.check_source(validation, "validate on")?;
        }
        let mut callbacks = std::mem::take(&mut self.callbacks);
        let history = self.run_with(train, validation, options, start, &mut callbacks);
        self.callbacks = callbacks;
        history
    }

    fn run_with(
        &mut self,
        train: &Arc<dyn Source>,
        validation: Option<&Arc<dyn Source>>,
        options: &FitOptions,
        start: Start<N>,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<History, TrainError> {
        let batch_size = NonZeroUsize::new(options.batch_size).unwrap_or(NonZeroUsize::MIN);
        let steps = train.len().div_ceil(batch_size.get());
        let learning_rate = self.optimizer.learning_rate();
        let interval = match fireclay_backend::reads_at_once(&self.device) {
            true => 1,
            false => READ_INTERVAL,
        };
        let first = (start.epoch, start.step);
        let (mut network, mut optimizer) = self.prepare(&start.resumed, train, callbacks)?;
        let Start { mut step, mut sums, mut history, mut best, mut restore_best, .. } = start;
        let mut stopped = Stopped::Completed;
        let mut unused_reported = false;

        let measured = self.measured(validation.is_some());
        let started = Event::FitStarted {
            epochs: options.epochs,
            steps_per_epoch: steps,
            samples: train.len(),
            validation_samples: validation.map_or(0, |validation| validation.len()),
            start: first,
            measured: &measured,
        };
        tell(callbacks, &started, &no_checkpoint)?;

        'epochs: for epoch in first.0..=options.epochs {
            tell(callbacks, &Event::EpochStarted { epoch }, &no_checkpoint)?;
            let clock = Instant::now();
            let order = epoch_order(train.len(), options.seed, epoch);
            let mut loader = Loader::new(train.clone(), order, batch_size, step);
            let mut means = RunningMeans::new(std::mem::take(&mut sums), interval);
            let samples_before = (step * batch_size.get()).min(train.len());
            let mut samples = samples_before;

            while let Some(batch) = loader.next() {
                step += 1;
                samples += batch.len();
                // Dropout depends on seed, epoch and step alone, so a resumed run goes on as if it had not stopped.
                self.device.seed(mix(options.seed, epoch, step));
                let (input, target) = record_gradients(upload(batch, &self.device));
                let output = network.forward(input.clone());
                let loss = self.loss.forward(output.clone(), &target);
                means.add(&loss, output, &target);
                if means.due() || step == steps {
                    means.read().map_err(|(loss, ago)| {
                        let input = input.clone();
                        self.diverged(&network, input, loss, epoch, step - ago, learning_rate, &history)
                    })?;
                }

                let gradients = loss.backward();
                if !unused_reported {
                    unused_reported = true;
                    let unused = parameters_without_gradient(&network, &gradients);
                    if !unused.is_empty() {
                        tell(callbacks, &Event::UnusedParameters(&unused), &no_checkpoint)?;
                    }
                }
                // The gradients of this step, on this device: a mean over several devices would be taken here.
                let gradients = GradientsParams::from_grads(gradients, &network);
                network = optimizer.step(learning_rate, network, gradients);

                let ended = Event::StepEnded {
                    epoch,
                    step,
                    steps,
                    samples: samples - samples_before,
                    seconds: clock.elapsed().as_secs_f64(),
                    loss: means.loss(),
                    accuracy: means.accuracy(),
                };
                let wishes = tell(callbacks, &ended, &no_checkpoint)?;
                if wishes.interrupt {
                    means.read().map_err(|(loss, ago)| {
                        self.diverged(&network, input, loss, epoch, step - ago, learning_rate, &history)
                    })?;
                    stopped = Stopped::Interrupted;
                    let states = states(callbacks);
                    let capture = || {
                        let run = Run {
                            options,
                            samples: train.len(),
                            epoch,
                            step,
                            sums: means.sums(),
                            history: &history,
                        };
                        self.capture(run, &network, &optimizer, best.as_ref(), restore_best, &states)
                    };
                    tell(callbacks, &Event::Resumable { interrupted: true }, &capture)?;
                    self.network = network.valid();
                    break 'epochs;
                }
            }
            drop(loader);
            let seconds = clock.elapsed().as_secs_f64();
            self.network = network.valid();

            let mut values = Vec::new();
            values.extend(means.loss().map(|loss| ("loss".to_string(), loss)));
            values.extend(means.accuracy().map(|accuracy| ("accuracy".to_string(), accuracy)));
            if let Some(validation) = validation {
                let names = &self.about.classes;
                let evaluation = evaluate(&self.network, validation, &self.loss, names, &self.device)?;
                values.push(("val_loss".to_string(), evaluation.loss));
                let measured = self.metrics.iter();
                values
                    .extend(measured.filter_map(|metric| {
                        Some((format!("val_{metric}"), metric.of(&evaluation.report)?))
                    }));
            }
            let samples_per_s = (samples - samples_before) as f64 / seconds.max(1e-9);
            history.push(EpochRecord { epoch, values, seconds, samples_per_s });
            step = 0;

            let Some(record) = history.last() else {
                continue;
            };
            let wishes = tell(callbacks, &Event::EpochEnded(record), &no_checkpoint)?;
            if wishes.remember {
                best = Some(self.network.clone());
            }
            restore_best |= wishes.restore;
            let states = states(callbacks);
            let capture = || {
                let fresh = Sums::default();
                let run = Run {
                    options,
                    samples: train.len(),
                    epoch: epoch + 1,
                    step: 0,
                    sums: &fresh,
                    history: &history,
                };
                self.capture(run, &network, &optimizer, best.as_ref(), restore_best, &states)
            };
            let late = tell(callbacks, &Event::Resumable { interrupted: wishes.interrupt }, &capture)?;
            if wishes.interrupt || late.interrupt {
                stopped = Stopped::Interrupted;
                break;
            }
            if let Some(reason) = wishes.stop.or(late.stop) {
                stopped = Stopped::Early(reason);
                break;
            }
        }

        if let Some(best) = best.filter(|_| restore_best && stopped != Stopped::Interrupted) {
            self.network = best;
        }
        let history = History { epochs: history, stopped };
        tell(callbacks, &Event::FitEnded(&history), &no_checkpoint)?;
        Ok(history)
    }

    /// The network where gradients are recorded and the optimiser, fresh or from a checkpoint.
    fn prepare(
        &self,
        resumed: &Option<(Progress, Vec<u8>)>,
        train: &Arc<dyn Source>,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<(N, ModuleOptimizer), TrainError> {
        let optimizer = self.optimizer.init();
        let Some((progress, bytes)) = resumed else {
            return Ok((self.network.clone().train(), optimizer));
        };
        if progress.samples != train.len() {
            return Err(TrainError::OtherData {
                expected: format!("{} samples", progress.samples),
                found: format!("{} samples", train.len()),
            });
        }
        let unreadable = |reason: String| TrainError::OptimizerState { reason };
        for (callback, state) in callbacks.iter_mut().zip(&progress.callbacks) {
            callback.restore(state.clone()).map_err(|error| TrainError::Callback(Box::new(error)))?;
        }
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(bytes.clone()))
            .map_err(|error| unreadable(error.to_string()))?;
        let network = with_parameter_ids(self.network.clone(), &progress.parameter_ids);
        Ok((network.train(), optimizer.load_record(record)))
    }

    /// Names of the values that each epoch is going to have.
    fn measured(&self, validates: bool) -> Vec<String> {
        let mut names = vec!["loss".to_string()];
        if self.loss.takes_classes() {
            names.push("accuracy".to_string());
        }
        if validates {
            names.push("val_loss".to_string());
            names.extend(self.metrics.iter().map(|metric| format!("val_{metric}")));
        }
        names
    }

    /// Everything that is needed to go on.
    fn capture(
        &self,
        run: Run,
        network: &N,
        optimizer: &ModuleOptimizer,
        best: Option<&N>,
        restores_best: bool,
        callbacks: &[serde_json::Value],
    ) -> Result<Checkpoint, TrainError> {
        let network = network.valid();
        let optimizer = optimizer
            .to_record()
            .into_bytes()
            .map_err(|error| TrainError::OptimizerState { reason: error.to_string() })?;
        Ok(Checkpoint {
            progress: Progress {
                options: run.options.clone(),
                optimizer: self.optimizer.clone(),
                loss: self.loss.clone(),
                metrics: self.metrics.clone(),
                samples: run.samples,
                epoch: run.epoch,
                step: run.step,
                sums: run.sums.clone(),
                history: run.history.to_vec(),
                callbacks: callbacks.to_vec(),
                parameter_ids: parameter_ids(&network),
                has_best: best.is_some(),
                restores_best,
                program: serde_json::Value::Null,
            },
            tensors: join(state(&network), best.map(state)),
            optimizer: optimizer.to_vec(),
        })
    }

    /// Finds out where a loss that is not finite came from.
    #[allow(clippy::too_many_arguments, reason = "they are what the message says")]
    fn diverged(
        &self,
        network: &N,
        input: AnyTensor,
        loss: f64,
        epoch: usize,
        step: usize,
        learning_rate: f64,
        history: &[EpochRecord],
    ) -> TrainError {
        let weights = state(&network.valid());
        let broken = weights.iter().find(|tensor| tensor.check_finite().is_err());
        let culprit = match broken {
            Some(tensor) => format!("the weights '{}', so their gradient was not", tensor.name),
            None => network
                .first_not_finite(input)
                .map_or("the loss itself".to_string(), |layer| format!("what '{layer}' gives")),
        };
        let kept = match history.last() {
            None => "before training".to_string(),
            Some(record) => format!("at the end of epoch {}", record.epoch),
        };
        TrainError::NotFinite { loss, epoch, step, learning_rate, culprit, kept }
    }
}

/// Where a run stands.
struct Run<'a> {
    options: &'a FitOptions,
    samples: usize,
    epoch: usize,
    step: usize,
    sums: &'a Sums,
    history: &'a [EpochRecord],
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

fn states(callbacks: &[Box<dyn Callback>]) -> Vec<serde_json::Value> {
    callbacks.iter().map(|callback| callback.state()).collect()
}

/// One seed for each step, by the finaliser of SplitMix64 ([Steele et al. 2014](https://doi.org/10.1145/2660193.2660195)).
fn mix(seed: u64, epoch: usize, step: usize) -> u64 {
    let mut mixed =
        seed.wrapping_add((epoch as u64) << 40).wrapping_add(step as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
