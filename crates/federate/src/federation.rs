//! A federation, round by round.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::FederateError;
use crate::checkpoint::{Checkpoint, MAGIC, Marks};
use crate::event::FederationEvent;
use crate::history::{FailedAttempt, RoundRecord};
use crate::optimizer::ServerOptimizer;
use crate::options::FederationOptions;
use crate::parameters::{Metrics, Parameters};
use crate::participant::in_words;
use crate::privacy::{ClientPrivacy, PrivacyUse};
use crate::random::{Random, secret_bytes};
use crate::round::{Aggregate, Attempt};
use crate::sampling::Sampling;
use crate::transport::{Received, Transport};
use crate::wire::Turn;

/// How long is waited before a second attempt at a round; before the third one twice as long.
const RETRY: Duration = Duration::from_secs(1);

/// A federation: global parameters, and what makes them better.
///
/// It is run with [`simulate`](Federation::simulate), where all clients are in this process, or [`serve`](Federation::serve), where they
/// connect. Both run the same rounds: with the same clients, of which the same drop out, they give the same parameters bit for bit.
pub struct Federation<'a> {
    pub(crate) options: FederationOptions,
    parameters: Parameters,
    /// What the server's optimiser remembers.
    state: Vec<Vec<f64>>,
    history: Vec<RoundRecord>,
    marks: Marks,
    checkpoint: Option<PathBuf>,
    observer: Observer<'a>,
    evaluation: Option<Evaluation<'a>>,
    accountant: Option<Accountant<'a>>,
    stopped: Arc<AtomicBool>,
    /// Tensors that become the mean of the updates.
    plain_means: BTreeSet<String>,
    /// Whether the round that is over was the last one, however many were planned.
    ended: Arc<AtomicBool>,
    /// Whether there were enough clients for the first round that this process runs.
    /// What clients must say of the network and of how they prepare samples.
    pub(crate) preparation: String,
    started: bool,
}

type Observer<'a> = Box<dyn FnMut(&FederationEvent) + 'a>;
type Evaluation<'a> = Box<dyn FnMut(&Parameters) -> Result<Metrics, Box<dyn Error + Send + Sync>> + 'a>;
type Accountant<'a> = Box<dyn Fn(PrivacyUse) -> f64 + 'a>;

impl<'a> Federation<'a> {
    /// A federation that begins with these parameters.
    ///
    /// # Errors
    /// Those of [`FederationOptions::check`], and [`FederateError::Diverged`] if a parameter is not finite.
    pub fn new(options: FederationOptions, parameters: Parameters) -> Result<Self, FederateError> {
        options.check()?;
        finite(&parameters, 0)?;
        let state = options.optimizer.initial_state(&parameters);
        Ok(Self::from_parts(options, parameters, state, Vec::new()))
    }

    /// A federation that goes on from a checkpoint, and writes the next ones to the same place. What comes of it is what would have
    /// come of it without the interruption, bit for bit, unless noise is drawn anew, or secure aggregation was taking off masks: that round
    /// is lost, as a second sum of its updates would tell of single clients.
    ///
    /// # Errors
    /// [`FederateError::File`] and [`FederateError::Checkpoint`] if it cannot be read, [`FederateError::OtherFederation`] if it was
    /// made with options that lead elsewhere; the number of rounds, waits and limits may differ.
    pub fn resume(options: FederationOptions, path: impl AsRef<Path>) -> Result<Self, FederateError> {
        options.check()?;
        let path = path.as_ref();
        let checkpoint = Checkpoint::load(path)?;
        checkpoint.check_options(path, &options)?;
        let Checkpoint { parameters, state, history, marks, .. } = checkpoint;
        let mut federation = Self::from_parts(options, parameters, state, history);
        federation.marks = marks;
        federation.checkpoint = Some(path.to_owned());
        Ok(federation)
    }

    fn from_parts(
        options: FederationOptions,
        parameters: Parameters,
        state: Vec<Vec<f64>>,
        history: Vec<RoundRecord>,
    ) -> Self {
        Federation {
            options,
            parameters,
            state,
            history,
            marks: Marks::default(),
            checkpoint: None,
            observer: Box::new(|_| {}),
            evaluation: None,
            accountant: None,
            stopped: Arc::default(),
            plain_means: BTreeSet::new(),
            ended: Arc::default(),
            preparation: String::new(),
            started: false,
        }
    }

    /// Writes a checkpoint there after each round, whole or not at all.
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// Says what else has to be the same when the federation goes on from a checkpoint, such as clients and data: names and values, which
    /// the checkpoint keeps.
    ///
    /// # Errors
    /// [`FederateError::OtherFederation`] if it goes on from a checkpoint with others.
    pub fn setup(mut self, setup: BTreeMap<String, String>) -> Result<Self, FederateError> {
        let before = std::mem::replace(&mut self.marks.setup, setup);
        let now = &self.marks.setup;
        let Some(path) = self.checkpoint.as_ref().filter(|_| !self.history.is_empty() || !before.is_empty())
        else {
            return Ok(self);
        };
        let value = |setup: &BTreeMap<String, String>, name: &String| {
            setup.get(name).cloned().unwrap_or_else(|| "nothing".into())
        };
        let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let differences: Vec<String> = names
            .into_iter()
            .filter(|name| before.get(*name) != now.get(*name))
            .map(|name| {
                format!("{name} is {} in the file and now {}", value(&before, name), value(now, name))
            })
            .collect();
        match differences.is_empty() {
            true => Ok(self),
            false => Err(FederateError::OtherFederation { path: path.clone(), differences }),
        }
    }

    /// Says what has to be the same for all clients, such as the network and how samples are prepared, in any words: a server refuses
    /// whoever says something else ([`ClientOptions::preparation`](crate::ClientOptions::preparation)).
    pub fn preparation(mut self, preparation: impl Into<String>) -> Self {
        self.preparation = preparation.into();
        self
    }

    /// Names tensors that are no weights, such as the running statistics of batch norm: they become the mean of the updates, whatever the
    /// server's optimiser does with the others.
    pub fn plain_means(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.plain_means = names.into_iter().collect();
        self
    }

    /// Tells this of what happens, such as to print or log it.
    pub fn observer(mut self, observer: impl FnMut(&FederationEvent) + 'a) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Tests the global parameters after each round; what comes of it goes into the history.
    pub fn evaluation(
        mut self,
        evaluation: impl FnMut(&Parameters) -> Result<Metrics, Box<dyn Error + Send + Sync>> + 'a,
    ) -> Self {
        self.evaluation = Some(Box::new(evaluation));
        self
    }

    /// Computes the epsilon that so many rounds spend, for [`FederationOptions::privacy`], such as by `fireclay_train::privacy_spent` at
    /// a fixed delta.
    pub fn accountant(mut self, accountant: impl Fn(PrivacyUse) -> f64 + 'a) -> Self {
        self.accountant = Some(Box::new(accountant));
        self
    }

    /// Stops as soon as this becomes true, between two messages: [`FederateError::Stopped`]. A round that is under way is lost; what was
    /// before it is in the checkpoint.
    pub fn stop_when(mut self, stopped: Arc<AtomicBool>) -> Self {
        self.stopped = stopped;
        self
    }

    /// Ends after the round in which this becomes true, as after the last one: such as when a test is good enough.
    pub fn end_when(mut self, ended: Arc<AtomicBool>) -> Self {
        self.ended = ended;
        self
    }

    /// The global parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Whether there is a checkpoint to go on from that this federation wrote or began with.
    pub fn has_saved(&self) -> bool {
        self.checkpoint.is_some() && (!self.history.is_empty() || self.marks.unmasking.is_some())
    }

    /// Whether a file that begins like this is a checkpoint of a federation.
    pub fn is_checkpoint(beginning: &[u8]) -> bool {
        beginning.starts_with(MAGIC)
    }

    /// The round that comes next, counted from 0; as many are over.
    pub fn round(&self) -> u64 {
        self.history.len() as u64
    }

    /// What happened in the rounds that are over.
    pub fn history(&self) -> &[RoundRecord] {
        &self.history
    }

    /// What the rounds that are over used of the privacy of a client; none without [`FederationOptions::privacy`],
    /// or with noise that comes of a seed and hides nobody.
    pub fn privacy_used(&self) -> Option<PrivacyUse> {
        Some(self.options.privacy.filter(ClientPrivacy::hides)?.used(self.options.sampling, self.round()))
    }

    /// All rounds that are left.
    pub(crate) fn run(&mut self, transport: &mut dyn Transport) -> Result<(), FederateError> {
        while self.round() < self.options.rounds && !self.ended.load(Ordering::Relaxed) {
            self.next_round(transport)?;
        }
        Ok(())
    }

    fn next_round(&mut self, transport: &mut dyn Transport) -> Result<(), FederateError> {
        let round = self.round();
        if self.marks.unmasking == Some(round) {
            let lost = Some("the server ended while masks were taken off".into());
            return self.record(RoundRecord { round, lost, ..RoundRecord::default() });
        }
        let mut failed_attempts = Vec::new();
        for attempt in 0..self.options.attempts {
            let turn = Turn { round, attempt };
            if attempt > 0 {
                self.pause(transport, RETRY * attempt)?;
            }
            self.wait_for_clients(transport)?;
            let started = Instant::now();
            let registered = transport.registered();
            let least = match (self.options.sampling, self.options.privacy) {
                // Clients that are added would not be in the sample with its probability.
                (Sampling::Poisson(_), Some(_)) => 0,
                _ => self.options.least_clients(),
            };
            let random = self.sampler(turn)?;
            let asked = self.options.sampling.sample(random, &registered, least);
            let (options, parameters) = (&self.options, &self.parameters);
            let (state, history, path) = (&self.state, &self.history, &self.checkpoint);
            let marks = &mut self.marks;
            let mut before_unmasking = || {
                marks.unmasking = Some(round);
                path.iter()
                    .try_for_each(|path| Checkpoint::save(path, options, parameters, state, history, marks))
            };
            let mut running = Attempt {
                options,
                turn,
                registered: registered.len(),
                parameters,
                transport: &mut *transport,
                observer: &mut self.observer,
                stopped: &self.stopped,
                before_unmasking: &mut before_unmasking,
                record: RoundRecord { round, ..RoundRecord::default() },
                disconnected: BTreeSet::new(),
            };
            let result = running.run(asked);
            let error = match result {
                Ok(aggregate) => {
                    let record = RoundRecord { failed_attempts, ..running.record };
                    return self.end_round(record, aggregate, started);
                }
                Err(error) if !error.is_of_round() => return Err(error),
                Err(error) => error,
            };
            // Whether a sample was large enough must not be seen.
            let noise = match options.has_secret_samples() {
                true => Some(running.noise_alone()?),
                false => None,
            };
            let mut record = running.record;
            (self.observer)(&FederationEvent::AttemptFailed { round, attempt, error: &error });
            let attempts = attempt + 1;
            let is_last = attempts == self.options.attempts || !error.may_be_repeated();
            let is_small_sample =
                self.options.secure.is_some() && matches!(self.options.sampling, Sampling::Poisson(_));
            if noise.is_none() && is_last {
                if !(error.is_of_unmasking() || is_small_sample) {
                    return Err(FederateError::RoundFailed { round, attempts, source: Box::new(error) });
                }
                record.lost = Some(in_words(&error));
                record.failed_attempts = failed_attempts;
                record.seconds = started.elapsed().as_secs_f64();
                return self.record(record);
            }
            failed_attempts.push(FailedAttempt {
                reason: in_words(&error),
                asked: record.asked.clone(),
                refused: record.refused.clone(),
                dropped: record.dropped.clone(),
            });
            if let Some(noise) = noise {
                return self.end_round(RoundRecord { failed_attempts, ..record }, noise, started);
            }
        }
        unreachable!("there is one attempt or more, and the last one ends the round");
    }

    /// What decides who is in an attempt.
    ///
    /// # Errors
    /// [`FederateError::Randomness`] if the operating system gives no secret.
    fn sampler(&mut self, Turn { round, attempt }: Turn) -> Result<Random, FederateError> {
        const PURPOSE: &str = "clients of a round";
        if self.options.privacy.is_some_and(|privacy| privacy.hides()) {
            let secret = match self.marks.secret {
                Some(secret) => secret,
                None => *self.marks.secret.insert(secret_bytes()?),
            };
            return Ok(Random::secret(PURPOSE, &secret, round));
        }
        let seed = self.options.seed;
        Ok(match self.options.sampling {
            // A sample that was too small would come again.
            Sampling::Poisson(_) if attempt > 0 && self.options.privacy.is_none() => {
                Random::seeded(PURPOSE, &[seed, round, u64::from(attempt)])
            }
            _ => Random::seeded(PURPOSE, &[seed, round]),
        })
    }

    /// Lets some time go by before the next attempt.
    fn pause(&mut self, transport: &mut dyn Transport, time: Duration) -> Result<(), FederateError> {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(FederateError::Stopped);
            }
            match transport.receive(deadline.min(Instant::now() + Duration::from_millis(200))) {
                Received::Silence => return Ok(()),
                received => self.between_rounds(transport, received),
            }
        }
        Ok(())
    }

    /// Between two rounds nobody is asked, and what comes is late.
    fn between_rounds(&mut self, transport: &mut dyn Transport, received: Received) {
        match received {
            Received::Silence | Received::Timeout | Received::Message { .. } => {}
            Received::Joined { client } => {
                (self.observer)(&FederationEvent::ClientJoined { client: &client });
            }
            Received::Lost { client, reason } => {
                (self.observer)(&FederationEvent::ClientLost { client: &client, reason: &reason });
            }
            Received::Stranger { peer, reason } => {
                (self.observer)(&FederationEvent::ConnectionRefused { peer: &peer, reason: &reason });
            }
            Received::TooLong { client, found, limit } => {
                let reason = format!("expected a message of {limit} bytes at most, found {found}");
                transport.disconnect(&client, &reason);
            }
        }
    }

    /// Waits until enough clients are there.
    fn wait_for_clients(&mut self, transport: &mut dyn Transport) -> Result<(), FederateError> {
        let round = self.round();
        let expected = match self.started {
            false => self.options.start_clients.max(self.options.least_clients()),
            true => self.options.least_clients(),
        };
        let deadline = Instant::now() + Duration::from_secs_f64(self.options.wait_seconds);
        let mut told = None;
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(FederateError::Stopped);
            }
            let found = transport.registered().len();
            if found >= expected {
                self.started = true;
                return Ok(());
            }
            if told != Some(found) {
                (self.observer)(&FederationEvent::WaitingForClients { expected, found });
                told = Some(found);
            }
            let too_few = Err(FederateError::TooFewClients { round, expected, found });
            match transport.receive(deadline.min(Instant::now() + Duration::from_millis(200))) {
                Received::Silence => return too_few,
                Received::Timeout if Instant::now() >= deadline => return too_few,
                received => self.between_rounds(transport, received),
            }
        }
    }

    fn end_round(
        &mut self,
        mut record: RoundRecord,
        aggregate: Aggregate,
        started: Instant,
    ) -> Result<(), FederateError> {
        debug_assert_eq!(record.answered.len(), aggregate.updates, "each update has a client");
        let mut state = self.state.clone();
        let parameters = self.options.optimizer.step(&self.parameters, &aggregate.mean, &mut state);
        let parameters = match self.plain_means.is_empty() {
            true => parameters,
            false => {
                let means = ServerOptimizer::FEDAVG.step(&self.parameters, &aggregate.mean, &mut []);
                parameters.with_tensors_of(&means, |name| self.plain_means.contains(name))
            }
        };
        finite(&parameters, record.round)?;
        record.update_norm = self.parameters.distance(&parameters);
        record.seconds = started.elapsed().as_secs_f64();
        (self.parameters, self.state) = (parameters, state);
        self.record(record)
    }

    /// Counts a round as over, before anybody sees what came of it: what was published must never be forgotten.
    fn record(&mut self, mut record: RoundRecord) -> Result<(), FederateError> {
        let privacy = self.options.privacy.filter(ClientPrivacy::hides);
        if let (Some(accountant), Some(privacy)) = (&self.accountant, privacy) {
            let spent = accountant(privacy.used(self.options.sampling, record.round + 1));
            record.epsilon = spent.is_finite().then_some(spent);
        }
        let (round, is_lost) = (record.round, record.lost.is_some());
        self.history.push(record);
        self.save()?;
        let mut tested = Ok(());
        if let Some(evaluation) = &mut self.evaluation
            && !is_lost
        {
            match evaluation(&self.parameters) {
                Err(source) => tested = Err(FederateError::Evaluation { round, source }),
                Ok(mut metrics) => {
                    // What is not finite cannot be written down.
                    metrics.retain(|_, value| value.is_finite());
                    if let Some(record) = self.history.last_mut() {
                        record.test_metrics = metrics;
                    }
                    self.save()?;
                }
            }
        }
        if let Some(record) = self.history.last() {
            let parameters = &self.parameters;
            (self.observer)(&FederationEvent::RoundEnded { record, parameters });
        }
        if let Some(path) = &self.checkpoint {
            (self.observer)(&FederationEvent::CheckpointSaved { path });
        }
        tested
    }

    fn save(&self) -> Result<(), FederateError> {
        self.checkpoint.iter().try_for_each(|path| {
            Checkpoint::save(path, &self.options, &self.parameters, &self.state, &self.history, &self.marks)
        })
    }
}

/// # Errors
/// [`FederateError::Diverged`] if a value is not finite.
fn finite(parameters: &Parameters, round: u64) -> Result<(), FederateError> {
    match parameters.first_not_finite() {
        None => Ok(()),
        Some((tensor, _)) => Err(FederateError::Diverged { round, tensor: tensor.to_owned() }),
    }
}
