//! The training loop. There is one, and it reads from top to bottom: a run is epochs, an epoch is steps, and between
//! epochs the network is measured.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use burn::module::{ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use fireclay_data::{Batch, DataError, Loader, Pass, Source};
use fireclay_nn::{AnyTensor, Network, parameter_ids, parameters_without_gradient, state};

use crate::batches::in_order;
use crate::callback::{Callback, CallbackContext, Capture, ControlRequests, names};
use crate::checkpoint::{Checkpoint, Progress, join};
use crate::error::TrainError;
use crate::evaluate::Measures;
use crate::event::{Event, Measured};
use crate::gradients::clip;
use crate::history::{EpochRecord, History, Stopped};
use crate::metrics::Task;
use crate::objective::{self, has_perplexity};
use crate::optimizer::init;
use crate::resume::{Resumed, restore_callbacks, restore_network, restore_optimizer};
use crate::run::{CallbackStates, RunSettings, RunState};
use crate::trainer::Trainer;
use crate::training_sums::{BatchLoss, TrainingSums};
use crate::upload::{Uploaded, check_batch, rows_per_sample, upload};

/// Steps between two readings of the loss on a device where reading waits for all work before it.
const READ_INTERVAL: usize = 32;

/// What one run is about; it does not change while it runs.
struct Plan<'a> {
    train: &'a Arc<dyn Source>,
    validation: Option<&'a Arc<dyn Source>>,
    settings: &'a RunSettings,
    task: Task,
    batch_size: NonZeroUsize,
    /// Steps of one epoch.
    steps: usize,
    /// Steps between two readings of the loss.
    interval: usize,
    /// Whether a callback needs the norm of the gradients.
    gradient_norm: bool,
    /// The values that each epoch is going to have.
    measured: Vec<Measured>,
}

/// What changes while it runs.
struct Run<N> {
    /// Where gradients are recorded; only a step takes it, and puts another back.
    network: Option<N>,
    optimizer: ModuleOptimizer,
    state: RunState,
    /// Weights to come back to.
    best: Option<N>,
    /// What callbacks asked for and did not get yet.
    requests: ControlRequests,
    unused_reported: bool,
}

/// An epoch that was trained to its end.
struct Trained {
    sums: TrainingSums,
    samples: usize,
    seconds: f64,
}

/// A step that was done.
struct Step {
    learning_rate: f64,
    gradient_norm: Option<f64>,
}

impl<N: Network> Trainer<N> {
    /// Runs the loop. Whatever happens, the callbacks come back and the network is one that can be used.
    pub(crate) fn run(
        &mut self,
        train: &Arc<dyn Source>,
        validation: Option<&Arc<dyn Source>>,
        settings: &RunSettings,
        resumed: Option<Resumed<N>>,
        warning: Option<String>,
    ) -> Result<History, TrainError> {
        let checked = self.check_source(train, "train on")?;
        if let Some(validation) = validation {
            self.check_source(validation, "validate on")?;
        }
        objective::check_metrics(&self.metrics, checked.task)?;
        if resumed.is_none() && self.network.adapts() {
            self.adapt(train)?;
        }
        let options = &settings.options;
        let batch_size = NonZeroUsize::new(options.batch_size).unwrap_or(NonZeroUsize::MIN);
        let plan = Plan {
            train,
            validation,
            settings,
            task: checked.task,
            batch_size,
            steps: train.len().div_ceil(batch_size.get()),
            interval: match fireclay_backend::reads_at_once(&self.device) {
                true => 1,
                false => READ_INTERVAL,
            },
            gradient_norm: self.callbacks.iter().any(|callback| callback.needs_gradient_norm()),
            measured: objective::measured(&*self.loss, checked.task, &self.metrics, validation.is_some()),
        };
        let mut callbacks = std::mem::take(&mut self.callbacks);
        let history = self.begin(&plan, resumed, &mut callbacks).and_then(|run| {
            self.run_epochs(run, &plan, warning.into_iter().chain(checked.warning), &mut callbacks)
        });
        self.callbacks = callbacks;
        fireclay_backend::release_unused_memory();
        history
    }

    /// Lets the training data set those layers that are not learnt.
    fn adapt(&mut self, train: &Arc<dyn Source>) -> Result<(), TrainError> {
        let device = &self.device;
        let failure = std::cell::RefCell::new(None);
        let batches = || -> Box<dyn Iterator<Item = _>> {
            let checked = |batch: Result<Batch, DataError>| {
                let batch = batch?;
                check_batch(&batch, &**train, self.loss.targets())?;
                Ok::<_, TrainError>(batch)
            };
            Box::new(in_order(train).map(checked).map_while(|batch| match batch {
                Ok(batch) => {
                    let Uploaded { input, target, .. } = upload(batch, &**train, device);
                    Some((input, target))
                }
                Err(error) => {
                    *failure.borrow_mut() = Some(error);
                    None
                }
            }))
        };
        let adapted = self.network.valid().adapt(&batches);
        if let Some(error) = failure.into_inner() {
            return Err(error);
        }
        self.network = adapted;
        Ok(())
    }

    /// A run at its start, or where its checkpoint left it, after everything in that has been compared with the data and
    /// the network.
    fn begin(
        &self,
        plan: &Plan,
        resumed: Option<Resumed<N>>,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<Run<N>, TrainError> {
        let run = |network, optimizer, state, best| Run {
            network: Some(network),
            optimizer,
            state,
            best,
            requests: ControlRequests::default(),
            unused_reported: false,
        };
        let run = match resumed {
            None => {
                let network = self.network.clone().train();
                let optimizer = init(&self.optimizer, &self.groups, &network);
                run(network, optimizer, RunState::at_start(), None)
            }
            Some(Resumed { progress, optimizer, network, best }) => {
                progress.check_data(plan.settings)?;
                let targets = plan.train.len().saturating_mul(rows_per_sample(&**plan.train));
                progress.check_place(plan.steps, targets)?;
                let network = restore_network(network, &progress)?;
                restore_callbacks(callbacks, &progress.state.callbacks)?;
                let fresh = init(&self.optimizer, &self.groups, &network);
                let optimizer = restore_optimizer(fresh, optimizer, &network)?;
                run(network, optimizer, progress.state, best)
            }
        };
        match trains(run.network()) {
            true => Ok(run),
            false => Err(TrainError::NothingToTrain),
        }
    }

    fn run_epochs(
        &mut self,
        mut run: Run<N>,
        plan: &Plan,
        warnings: impl IntoIterator<Item = String>,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<History, TrainError> {
        let epochs = plan.settings.options.epochs;
        let started = Event::FitStarted {
            epochs,
            steps_per_epoch: plan.steps,
            samples: plan.train.len(),
            validation_samples: plan.validation.map_or(0, |validation| validation.len()),
            start: (run.state.epoch, run.state.step),
            measured: &plan.measured,
        };
        run.tell(callbacks, &started)?;
        for warning in warnings {
            run.tell(callbacks, &Event::Warning(&warning))?;
        }

        let mut stopped = Stopped::Completed;
        while run.state.epoch <= epochs {
            run.tell(callbacks, &Event::EpochStarted { epoch: run.state.epoch })?;
            let Some(trained) = self.train_epoch(&mut run, plan, callbacks)? else {
                stopped = Stopped::Interrupted;
                break;
            };
            let record = self.measure_epoch(&run, plan, &trained)?;
            run.state.history.push(record.clone());
            run.state.epoch += 1;
            run.state.step = 0;

            run.tell(callbacks, &Event::EpochEnded(&record))?;
            run.remember(&self.network);
            self.offer_checkpoint(&mut run, plan, callbacks)?;
            if run.requests.interrupt {
                stopped = Stopped::Interrupted;
                break;
            }
            if let Some(reason) = run.requests.stop.take() {
                stopped = Stopped::Early(reason);
                break;
            }
        }

        if run.state.restores_best && stopped != Stopped::Interrupted {
            self.network = run.best.take().unwrap_or_else(|| self.network.clone());
        }
        let history = History { epochs: std::mem::take(&mut run.state.history), stopped };
        run.tell(callbacks, &Event::FitEnded(&history))?;
        Ok(history)
    }

    /// Trains one epoch, or what is left of it; `None` if the run was interrupted.
    fn train_epoch(
        &mut self,
        run: &mut Run<N>,
        plan: &Plan,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<Option<Trained>, TrainError> {
        let clock = Instant::now();
        let epoch = run.state.epoch;
        let pass = Pass { seed: plan.settings.options.seed, epoch };
        let mut sums = TrainingSums::new(std::mem::take(&mut run.state.sums), plan.interval);
        let mut samples = 0;
        for batch in Loader::for_training(plan.train.clone(), pass, plan.batch_size, run.state.step) {
            let batch = batch?;
            run.state.step += 1;
            samples += batch.len();
            let last = run.state.step == plan.steps;
            let step = self.train_step(run, plan, batch, &mut sums, callbacks)?;
            let ended = Event::StepEnded {
                epoch,
                step: run.state.step,
                steps: plan.steps,
                samples,
                seconds: clock.elapsed().as_secs_f64(),
                loss: sums.sums().mean_loss(),
                accuracy: sums.sums().accuracy(),
                learning_rate: step.learning_rate,
                gradient_norm: step.gradient_norm,
            };
            run.tell(callbacks, &ended)?;
            if run.requests.interrupt && !last {
                self.read(&mut sums, None, run, plan)?;
                self.network = self.finite(run, plan)?;
                run.state.sums = sums.sums().clone();
                self.offer_checkpoint(run, plan, callbacks)?;
                return Ok(None);
            }
        }
        let seconds = clock.elapsed().as_secs_f64();
        Ok(Some(Trained { sums, samples, seconds }))
    }

    /// One step: loss, gradients, and the optimiser's step.
    fn train_step(
        &self,
        run: &mut Run<N>,
        plan: &Plan,
        batch: Batch,
        sums: &mut TrainingSums,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<Step, TrainError> {
        let options = &plan.settings.options;
        let RunState { epoch, step, .. } = run.state;
        check_batch(&batch, &**plan.train, self.loss.targets())?;
        // Dropout depends on seed, epoch and step alone, so a resumed run goes on as if it had not stopped.
        // It draws while no other thread does, so trainings in parallel threads repeat as well.
        let Uploaded { input, target, weights } =
            upload(batch, &**plan.train, &self.device).record_gradients();
        let turn = fireclay_backend::seeded(&self.device, Pass { seed: options.seed, epoch }.step_seed(step));
        let outputs = run.network().forward_for_loss(input.clone());
        drop(turn);
        let BatchLoss { loss, answers } = BatchLoss::new(&*self.loss, outputs, &target, weights.as_ref());
        sums.add(&loss, answers, &target, weights.as_ref());
        if sums.due() || step == plan.steps {
            self.read(sums, Some(&input), run, plan)?;
        }

        let gradients = loss.backward();
        if !run.unused_reported {
            run.unused_reported = true;
            let unused = parameters_without_gradient(run.network(), &gradients);
            if !unused.is_empty() {
                run.tell(callbacks, &Event::UnusedParameters(&unused))?;
            }
        }
        // The gradients of this step, on this device: a mean over several devices would be taken here.
        let gradients = GradientsParams::from_grads(gradients, run.network());
        let (gradients, norm) = clip(gradients, run.network(), options, plan.gradient_norm);
        let gradient_norm = norm.map(|norm| f64::from(norm.into_scalar::<f32>()));
        let factor = self.rate_factor(options, epoch, step - 1, plan.steps, &run.state.history);
        // Moved and not cloned, so that parameters are changed where they lie.
        let network = run.network.take().map(|network| run.optimizer.step(factor, network, gradients));
        run.network = network;
        Ok(Step { learning_rate: factor * self.optimizer.learning_rate(), gradient_norm })
    }

    /// Measures the network at the end of an epoch and keeps it.
    fn measure_epoch(
        &mut self,
        run: &Run<N>,
        plan: &Plan,
        trained: &Trained,
    ) -> Result<EpochRecord, TrainError> {
        let network = self.finite(run, plan)?;
        let mut values = Vec::new();
        let sums = trained.sums.sums();
        values.extend(sums.mean_loss().map(|loss| ("loss".to_string(), loss)));
        values.extend(sums.accuracy().map(|accuracy| ("accuracy".to_string(), accuracy)));
        let perplexity = sums.mean_loss().filter(|_| has_perplexity(&*self.loss, plan.task)).map(f64::exp);
        values.extend(perplexity.map(|perplexity| ("perplexity".to_string(), perplexity)));
        if let Some(validation) = plan.validation {
            let measures =
                Measures { loss: &*self.loss, metrics: &self.metrics, task: plan.task, threshold: None };
            let measurement = measures.measure(&network, validation, &self.device)?;
            fireclay_backend::forget_ordered_weights();
            if !measurement.loss.is_finite() {
                return Err(self.diverged(run, None, measurement.loss, 0, plan));
            }
            values.push(("val_loss".to_string(), measurement.loss));
            values
                .extend(measurement.metrics.into_iter().map(|(name, value)| (format!("val_{name}"), value)));
        }
        self.network = network;
        let samples_per_s = trained.samples as f64 / trained.seconds.max(1e-9);
        Ok(EpochRecord { epoch: run.state.epoch, values, seconds: trained.seconds, samples_per_s })
    }

    /// Tells the callbacks that the run can be resumed from here, and lets them have the checkpoint.
    fn offer_checkpoint(
        &self,
        run: &mut Run<N>,
        plan: &Plan,
        callbacks: &mut [Box<dyn Callback>],
    ) -> Result<(), TrainError> {
        let names = names(callbacks);
        let states = names.into_iter().zip(callbacks.iter().map(|callback| callback.state()));
        run.state.callbacks = CallbackStates::ByName(states.filter(|(_, state)| !state.is_null()).collect());
        let interrupted = run.requests.interrupt;
        let late = {
            let run = &*run;
            let capture = |requests: &ControlRequests| self.checkpoint(run, plan, requests);
            tell(callbacks, &Event::Resumable { interrupted }, &capture)?
        };
        run.requests.add(late);
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
            tensors: join(state(&network), best.map(state)),
            optimizer: optimizer.to_vec(),
        })
    }

    /// Reads the losses that are pending; one that is not finite ends the run.
    fn read(
        &self,
        sums: &mut TrainingSums,
        input: Option<&AnyTensor>,
        run: &Run<N>,
        plan: &Plan,
    ) -> Result<(), TrainError> {
        sums.read().map_err(|(loss, ago)| self.diverged(run, input, loss, ago, plan))
    }

    /// The network without gradients, if all its weights are finite.
    fn finite(&self, run: &Run<N>, plan: &Plan) -> Result<N, TrainError> {
        let valid = run.network().valid();
        match state(&valid).iter().all(|tensor| tensor.check_finite().is_ok()) {
            true => Ok(valid),
            false => Err(self.diverged(run, None, f64::NAN, 0, plan)),
        }
    }

    /// Finds out where a loss that is not finite came from. `ago` is how many steps ago it was.
    fn diverged(
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

impl<N: Network> Run<N> {
    fn network(&self) -> &N {
        self.network.as_ref().expect("a step puts it back")
    }

    /// Tells all callbacks of an event at which the run cannot be resumed.
    fn tell(&mut self, callbacks: &mut [Box<dyn Callback>], event: &Event) -> Result<(), TrainError> {
        let requests = tell(callbacks, event, &|_| Err(TrainError::NoCheckpoint))?;
        self.requests.add(requests);
        Ok(())
    }

    /// Remembers weights, if a callback asked for it.
    fn remember(&mut self, network: &N) {
        if std::mem::take(&mut self.requests.remember_weights) {
            self.best = Some(network.clone());
            self.state.has_best = true;
        }
        self.state.restores_best |= self.requests.restore_weights;
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

/// Tells all callbacks of an event and gathers what they ask for.
fn tell(
    callbacks: &mut [Box<dyn Callback>],
    event: &Event,
    capture: &Capture,
) -> Result<ControlRequests, TrainError> {
    let mut context = CallbackContext { capture, requests: ControlRequests::default() };
    for callback in callbacks {
        callback.on_event(event, &mut context)?;
    }
    Ok(context.requests)
}
