//! The training loop. There is one, and it reads from top to bottom: a run is epochs, an epoch is steps, and between
//! epochs the network is measured.

mod measure;
mod proximal;
mod snapshot;
mod step;
mod step_batches;
mod trouble;
mod watch;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use burn::module::{ModuleVisitor, Param};
use burn::optim::ModuleOptimizer;
use burn::tensor::Tensor;
use fireclay_data::{Batch, DataError, Source};
use fireclay_nn::{NamedTensor, Network, load_state, with_parameter_ids};
use fireclay_store::PrivacyCard;

use crate::attack::{AdversarialOptions, Perturber};
use crate::averaging::{WeightAveraging, blend};
use crate::batches::in_order;
use crate::callback::{Callback, ControlRequests, tell};
use crate::checkpoint::broken;
use crate::error::TrainError;
use crate::event::{Event, Measured};
use crate::history::{History, Stopped};
use crate::metrics::Task;
use crate::objective;
use crate::optimizer::init;
use crate::private;
use crate::ranks::{Description, Ranks};
use crate::resume::{Resumed, restore_callbacks, restore_network, restore_optimizer};
use crate::run::{RunSettings, RunState, Sums};
use crate::trainer::Trainer;
use crate::training_sums::TrainingSums;
use crate::upload::{Uploaded, check_batch, rows_per_sample, upload};
use proximal::StartingWeights;
use snapshot::View;
use step_batches::StepBatches;
use watch::{Watch, lonely_sample};

pub(crate) use step::steps_of;

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
    /// The values that each epoch is going to have.
    measured: Vec<Measured>,
    /// How the run is made private, if it is.
    privacy: Option<private::Plan>,
    /// How its pictures are changed against the network, if they are.
    adversarial: Option<(AdversarialOptions, Perturber)>,
}

impl Plan<'_> {
    /// How many samples a batch of an epoch has, counted from 1.
    fn samples_of_batch(&self, batch: usize) -> usize {
        let batch_size = self.batch_size.get();
        self.train.len().saturating_sub((batch - 1) * batch_size).min(batch_size)
    }
}

/// What changes while it runs.
struct Run<N> {
    /// Where gradients are recorded; only a step takes it, and puts another back.
    network: Option<N>,
    optimizer: ModuleOptimizer,
    state: RunState,
    /// Weights to come back to.
    best: Option<N>,
    /// The average of the weights so far, if one is kept.
    average: Option<N>,
    /// The weights that it began with, if they pull.
    start: Option<StartingWeights>,
    /// With whom it is agreed on what callbacks ask for.
    ranks: Option<Arc<Ranks>>,
    /// What callbacks asked for and did not get yet.
    requests: ControlRequests,
    /// What they asked for at events that the other ranks did not have.
    asked_here: ControlRequests,
    unused_reported: bool,
    watch: Watch,
}

/// An epoch that was trained to its end.
struct Trained {
    sums: TrainingSums,
    samples: usize,
    seconds: f64,
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
    ) -> Result<(History, Option<PrivacyCard>), TrainError> {
        let options = &settings.options;
        let checked = self.check_source(train, "train on")?;
        if let Some(validation) = validation {
            self.check_source(validation, "validate on")?;
        }
        objective::check_metrics(&self.metrics, checked.task)?;
        if let Some(ranks) = &self.ranks {
            if options.privacy.is_some() {
                let reason = "a private training draws its samples and its noise once; train it on one rank";
                return Err(TrainError::NotOnRanks { reason });
            }
            if options.sync_batch_norm {
                ranks.check_parts(train.len(), options.batch_size)?;
            }
            let validation = validation.map(|validation| &**validation);
            ranks.compare(&Description::new(
                &self.network,
                settings,
                &**train,
                validation,
                resumed.as_ref(),
            )?)?;
        }
        if resumed.is_none() && self.network.adapts() {
            self.adapt(train)?;
        }
        if let (None, Some(ranks)) = (&resumed, &self.ranks) {
            let (network, _) = ranks.weights_of_first(self.network.valid(), false)?;
            self.network = network;
        }
        let batch_size = NonZeroUsize::new(options.batch_size).unwrap_or(NonZeroUsize::MIN);
        let steps = steps_of(train.len(), batch_size, options.accumulate);
        let privacy = options.privacy.map(|privacy| {
            let all = (options.epochs * steps) as u64;
            private::Plan::new(privacy, options.clip_norm, batch_size.get(), train.len(), all)
        });
        let privacy = privacy.transpose()?;
        let adversarial = match options.adversarial {
            Some(adversarial) => Some((adversarial, Perturber::new(&**train, &self.device)?)),
            None => None,
        };
        let needs_step_loss = self.callbacks.iter().any(|callback| callback.needs_step_loss());
        let plan = Plan {
            train,
            validation,
            settings,
            task: checked.task,
            batch_size,
            steps,
            interval: match fireclay_backend::reads_at_once(&self.device)
                || needs_step_loss
                || self.ranks.is_some()
            {
                true => 1,
                false => READ_INTERVAL,
            },
            measured: objective::measured(&*self.loss, checked.task, &self.metrics, validation.is_some()),
            privacy,
            adversarial,
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
    pub(crate) fn adapt(&mut self, train: &Arc<dyn Source>) -> Result<(), TrainError> {
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
        let run = |network, optimizer, state, best, average| Run {
            network: Some(network),
            optimizer,
            state,
            best,
            average,
            start: None,
            ranks: self.ranks.clone(),
            requests: ControlRequests::default(),
            asked_here: ControlRequests::default(),
            unused_reported: false,
            watch: Watch::default(),
        };
        let options = &plan.settings.options;
        let run = match resumed {
            None => {
                let network = self.network.clone().train();
                let optimizer = init(&self.optimizer, &self.groups, &network, options.keep_zeros);
                let start = (options.proximal_mu > 0.0).then(|| StartingWeights::of(&network));
                Run { start, ..run(network, optimizer, RunState::at_start(), None, None) }
            }
            Some(_) if options.proximal_mu > 0.0 => {
                return Err(broken("proximal_mu", "pulls to weights that are not in the file"));
            }
            Some(Resumed { progress, optimizer, network, best, average }) => {
                progress.check_data(plan.settings)?;
                let targets = plan.train.len().saturating_mul(rows_per_sample(&**plan.train));
                progress.check_place(plan.steps, targets)?;
                let network = restore_network(network, &progress)?;
                // It is known by the same numbers, by which the weights are taken into it.
                let average = average.map(|average| with_parameter_ids(average, &progress.parameter_ids));
                restore_callbacks(callbacks, &progress.state.callbacks)?;
                let fresh = init(&self.optimizer, &self.groups, &network, options.keep_zeros);
                let optimizer = restore_optimizer(fresh, optimizer, &network)?;
                run(network, optimizer, progress.state, best, average)
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
    ) -> Result<(History, Option<PrivacyCard>), TrainError> {
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
        let lonely = lonely_sample(run.network(), plan.train.len(), plan.batch_size.get());
        for warning in warnings.into_iter().chain(lonely) {
            run.warn(callbacks, &warning)?;
        }
        if std::mem::take(&mut run.requests.checkpoint) {
            self.offer_checkpoint(&mut run, plan, callbacks)?;
        }

        let mut stopped = Stopped::Completed;
        while run.state.epoch <= epochs {
            run.tell(callbacks, &Event::EpochStarted { epoch: run.state.epoch })?;
            let Some(trained) = self.train_epoch(&mut run, plan, callbacks)? else {
                stopped = Stopped::Interrupted;
                break;
            };
            self.look_for_trouble(&mut run, plan, &trained, callbacks)?;
            self.keep_alike(&mut run, callbacks)?;
            let record = self.measure_epoch(&mut run, plan, &trained)?;
            run.state.history.push(record.clone());
            run.state.epoch += 1;
            run.state.step = 0;

            run.tell(callbacks, &Event::EpochEnded(&record))?;
            run.remember(&self.network);
            run.requests.checkpoint = false;
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
        let steps = (run.state.epoch - 1) * plan.steps + run.state.step;
        Ok((history, plan.privacy.as_ref().map(|privacy| privacy.spent(steps as u64))))
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
        let pass = plan.settings.options.pass(epoch);
        let mut sums = TrainingSums::new(std::mem::take(&mut run.state.sums), plan.interval);
        let mut samples = 0;
        let accumulate = plan.settings.options.accumulate;
        let batches = match &plan.privacy {
            None => match &self.ranks {
                None => StepBatches::of_passes(plan, pass, accumulate, run.state.step),
                Some(ranks) => StepBatches::of_rank(plan, ranks, pass, accumulate, run.state.step),
            },
            Some(privacy) => {
                let samples = privacy.steps_of_epoch(plan.train.len(), pass, plan.steps)?;
                let at_once = private::samples_at_once(run.network(), &self.device);
                StepBatches::of_samples(plan, pass, samples, at_once, run.state.step)
            }
        };
        for of_step in batches {
            let of_step = of_step?;
            run.state.step += 1;
            let last = run.state.step == plan.steps;
            let exchanged = self.ranks.as_ref().map(|ranks| ranks.step_begins());
            let before = (sums.sums().loss, sums.sums().counted());
            let step = self.train_step(run, plan, of_step, &mut sums, callbacks)?;
            samples += step.samples;
            run.average_step(plan);
            let after = (sums.sums().loss, sums.sums().counted());
            let ended = Event::StepEnded {
                epoch,
                step: run.state.step,
                steps: plan.steps,
                samples,
                seconds: clock.elapsed().as_secs_f64(),
                loss: sums.sums().mean_loss(),
                step_loss: (after.1 > before.1).then(|| (after.0 - before.0) / (after.1 - before.1)),
                accuracy: sums.sums().accuracy(),
                learning_rate: step.learning_rate,
                gradient_norm: step.gradient_norm,
            };
            run.tell_of_step(callbacks, &ended, &step.gradients)?;
            if let (Some(ranks), Some(exchanged)) = (&self.ranks, exchanged) {
                ranks.step_ended(exchanged);
            }
            let wanted = std::mem::take(&mut run.requests.checkpoint) || run.requests.interrupt;
            if wanted && !last {
                self.read(&mut sums, None, run, plan)?;
                let network = self.finite(run, plan)?;
                run.state.sums = sums.sums().clone();
                self.offer_checkpoint(run, plan, callbacks)?;
                if run.requests.interrupt {
                    self.network = network;
                    return Ok(None);
                }
                // They are the checkpoint's; what goes on are those at hand.
                run.state.sums = Sums::default();
            }
        }
        let seconds = clock.elapsed().as_secs_f64();
        Ok(Some(Trained { sums, samples, seconds }))
    }
}

impl<N: Network> Run<N> {
    fn network(&self) -> &N {
        self.network.as_ref().expect("a step puts it back")
    }

    /// Tells all callbacks of an event at which the run cannot be resumed.
    fn tell(&mut self, callbacks: &mut [Box<dyn Callback>], event: &Event) -> Result<(), TrainError> {
        self.tell_of_step(callbacks, event, &[])
    }

    /// The same at the end of a step, with its gradients if they were asked for.
    fn tell_of_step(
        &mut self,
        callbacks: &mut [Box<dyn Callback>],
        event: &Event,
        gradients: &[NamedTensor],
    ) -> Result<(), TrainError> {
        let view = View { run: &*self, gradients, resumable: None };
        let requests = tell(callbacks, event, &view)?;
        match event {
            // Nothing is done after the end, where other ranks may be gone already.
            Event::FitEnded(_) => Ok(()),
            _ => self.take_in(requests),
        }
    }

    /// Tells all callbacks of what is seen on this rank alone. What they ask for then is done at the next event.
    fn tell_here(&mut self, callbacks: &mut [Box<dyn Callback>], event: &Event) -> Result<(), TrainError> {
        let view = View { run: &*self, gradients: &[], resumable: None };
        let requests = tell(callbacks, event, &view)?;
        match &self.ranks {
            None => self.take_in(requests),
            Some(_) => {
                self.asked_here.add(requests);
                Ok(())
            }
        }
    }

    fn warn(&mut self, callbacks: &mut [Box<dyn Callback>], warning: &str) -> Result<(), TrainError> {
        self.tell_here(callbacks, &Event::Warning(warning))
    }

    /// Does what callbacks asked for, or remembers it until it can be done.
    fn take_in(&mut self, mut requests: ControlRequests) -> Result<(), TrainError> {
        if let Some(ranks) = &self.ranks {
            let mut asked = std::mem::take(&mut self.asked_here);
            asked.add(requests);
            requests = ranks.agree(asked)?;
        }
        if let Some(scale) = requests.learning_rate_scale.take() {
            if !(scale >= 0.0 && scale.is_finite()) {
                return Err(TrainError::Setting {
                    setting: "learning_rate_scale",
                    found: scale.to_string(),
                    expected: "0 or more",
                });
            }
            self.state.learning_rate_scale = scale;
        }
        if let Some(weights) = requests.weights.take() {
            self.network = Some(load_state(self.network().valid(), weights)?.train());
        }
        self.requests.add(requests);
        Ok(())
    }

    /// Takes the weights after a step into their exponential average.
    fn average_step(&mut self, plan: &Plan) {
        if let Some(WeightAveraging::Exponential { decay }) = plan.settings.options.averaging {
            let network = self.network().valid();
            self.average_with(&network, 1.0 - WeightAveraging::decay_at(decay, self.state.averaged));
        }
    }

    /// Moves the average by a share of the way to some weights; the first are the average.
    fn average_with(&mut self, network: &N, share: f64) {
        self.average = Some(match self.average.take() {
            Some(average) => blend(average, network, share),
            None => blend(network.valid(), network, 1.0),
        });
        self.state.averaged += 1;
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
