//! One attempt at a round, as the server makes it: the same code for a network and a simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::FederateError;
use crate::aggregate::{Aggregation, Mean};
use crate::check::Refusal;
use crate::event::FederationEvent;
use crate::fixed_point::SecureRound;
use crate::history::{ClientMetrics, DroppedClient, RefusedAnswer, RoundRecord, Step};
use crate::id::ClientId;
use crate::options::FederationOptions;
use crate::parameters::{Metrics, Parameters};
use crate::participant::in_words;
use crate::privacy::{clip, difference};
use crate::secure::{SecureServer, is_weak};
use crate::transport::{Packet, Received, Transport};
use crate::wire::{ClientMessage, PublicKeys, RoundMode, ServerMessage, Turn, encode_train};

/// How often a wait looks whether the federation was stopped.
const LOOK: Duration = Duration::from_millis(200);

/// A client of which so many answers were refused in one attempt is not spoken to any more.
const MAX_REFUSALS: usize = 8;

/// An attempt at a round.
pub(crate) struct Attempt<'r> {
    pub(crate) options: &'r FederationOptions,
    pub(crate) turn: Turn,
    /// How many clients are there.
    pub(crate) registered: usize,
    pub(crate) parameters: &'r Parameters,
    pub(crate) transport: &'r mut dyn Transport,
    pub(crate) observer: &'r mut dyn FnMut(&FederationEvent),
    pub(crate) stopped: &'r AtomicBool,
    /// Called before masks are taken off, after which this round must not be tried again.
    pub(crate) before_unmasking: &'r mut dyn FnMut() -> Result<(), FederateError>,
    /// What happened so far, also if it fails.
    pub(crate) record: RoundRecord,
    /// Clients that were disconnected in this attempt; what they sent before does not count.
    pub(crate) disconnected: BTreeSet<ClientId>,
}

/// What the updates of a round came to.
pub(crate) struct Aggregate {
    /// Parameters, number by number.
    pub(crate) mean: Vec<f64>,
    /// How many updates are in it.
    pub(crate) updates: usize,
}

/// The updates of a round without secure aggregation, as far as they arrived.
enum Updates {
    /// Those that are added up, and those that wait for an answer of a client before them.
    Mean(Mean),
    /// All of them, where one value depends on all.
    Kept(Vec<Parameters>),
}

impl Attempt<'_> {
    /// Asks these clients, and puts together what they answer.
    ///
    /// # Errors
    /// [`FederateError::TooFewUpdates`] and those of secure aggregation; [`FederateError::Stopped`].
    pub(crate) fn run(&mut self, asked: Vec<ClientId>) -> Result<Aggregate, FederateError> {
        self.record.asked = asked;
        (self.observer)(&FederationEvent::RoundStarted {
            round: self.turn.round,
            attempt: self.turn.attempt,
            asked: &self.record.asked,
        });
        self.transport.begin(self.turn);
        if self.record.asked.is_empty() && self.options.privacy.is_some() {
            return self.noise_alone();
        }
        match self.options.mode() {
            RoundMode::Plain => self.plain(),
            RoundMode::Secure(secure) => self.secure(secure),
        }
    }

    /// What no update comes to with differential privacy, which must look like others.
    pub(crate) fn noise_alone(&self) -> Result<Aggregate, FederateError> {
        Ok(Aggregate { mean: self.private(vec![0.0; self.parameters.count()], 0)?, updates: 0 })
    }

    fn plain(&mut self) -> Result<Aggregate, FederateError> {
        let waiting = self.ask(&RoundMode::Plain)?;
        let (options, global) = (self.options, self.parameters);
        let mut updates = match options.aggregation {
            Aggregation::Mean => Updates::Mean(Mean::new(global.count())),
            _ => Updates::Kept(Vec::new()),
        };
        let mut add = |parameters: Parameters, samples: u64| match &mut updates {
            Updates::Kept(kept) => kept.push(parameters),
            Updates::Mean(mean) => match &options.privacy {
                Some(privacy) => {
                    let mut difference = difference(global, &parameters);
                    clip(&mut difference, privacy.clip_norm);
                    mean.add(difference.into_iter(), 1);
                }
                None => mean.add(parameters.values().map(f64::from), samples),
            },
        };
        // Updates are added in the order of their clients' names; those that come too early wait here.
        let mut early: BTreeMap<ClientId, (Parameters, u64)> = BTreeMap::new();
        let mut measured = BTreeMap::new();
        self.collect(Step::Training, waiting, options.round_seconds, |client, message, waiting| {
            let ClientMessage::Update { samples, metrics, parameters, .. } = message else {
                return Err(out_of_order("an update", &message));
            };
            options.limits.check_update(global, &parameters, samples, &metrics)?;
            measured.insert(client.clone(), ClientMetrics { samples, metrics });
            early.insert(client.clone(), (parameters, samples));
            while let Some(entry) = early.first_entry()
                && waiting.first().is_none_or(|first| entry.key() < first)
            {
                let (parameters, samples) = entry.remove();
                add(parameters, samples);
            }
            Ok(())
        })?;
        early.into_values().for_each(|(parameters, samples)| add(parameters, samples));
        let count = measured.len();
        self.record.answered = measured.keys().cloned().collect();
        self.record.metrics = weighted_means(&measured);
        self.record.weight = match options.privacy {
            Some(_) => count as u64,
            None => measured.values().map(|measured| measured.samples).sum(),
        };
        self.record.client_metrics = measured;
        self.enough(count)?;
        if count == 0 {
            return self.noise_alone();
        }
        let mean = match updates {
            Updates::Kept(kept) => columns(&kept, options.aggregation),
            Updates::Mean(mean) if options.privacy.is_some() => self.private(mean.finish(), count)?,
            Updates::Mean(mean) => mean.finish(),
        };
        Ok(Aggregate { mean, updates: count })
    }

    fn secure(&mut self, secure: SecureRound) -> Result<Aggregate, FederateError> {
        let (turn, options) = (self.turn, self.options);
        // Before anybody trains for nothing.
        secure.check(self.record.asked.len())?;
        let waiting = self.ask(&RoundMode::Secure(secure.clone()))?;
        let mut keys: BTreeMap<ClientId, PublicKeys> = BTreeMap::new();
        self.collect(Step::Training, waiting, options.round_seconds, |client, message, _| {
            let ClientMessage::PublicKeys { keys: found, .. } = message else {
                return Err(out_of_order("public keys", &message));
            };
            let known =
                |key: &[u8; 32]| keys.values().any(|keys| [keys.share_key, keys.mask_key].contains(key));
            let own = [found.share_key, found.mask_key];
            if own[0] == own[1] || own.iter().any(|key| is_weak(key) || known(key)) {
                return Err(Refusal::Secure { problem: "expected two new keys that keep secrets".into() });
            }
            keys.insert(client.clone(), found);
            Ok(())
        })?;
        let least = options.least_updates(self.record.asked.len());
        self.enough(keys.len())?;
        let threshold = options.secure.as_ref().map_or(0, |secure| secure.shares_needed(keys.len()));
        let mut server = SecureServer::new(turn, secure, threshold, keys, self.parameters.count())?;

        let message = ServerMessage::Keys {
            turn,
            threshold: server.threshold() as u32,
            clients: server.clients().to_vec(),
        };
        let clients: Vec<ClientId> = server.clients().iter().map(|(client, _)| client.clone()).collect();
        let waiting = self.tell_all(Step::Sharing, &clients, &message)?;
        self.collect(Step::Sharing, waiting, options.step_seconds, |client, message, _| match message {
            ClientMessage::EncryptedShares { shares, .. } => {
                server.add_shares(client, shares).map_err(|problem| Refusal::Secure { problem })
            }
            message => Err(out_of_order("encrypted shares", &message)),
        })?;

        let mut waiting = BTreeSet::new();
        for (client, shares) in server.routed()? {
            let bytes = ServerMessage::Shares { turn, shares }.encode()?;
            if self.tell(Step::Masking, &client, bytes.into()) {
                waiting.insert(client);
            }
        }
        self.collect(Step::Masking, waiting, options.step_seconds, |client, message, _| match message {
            ClientMessage::Masked { values, .. } => {
                server.add_masked(client, &values).map_err(|problem| Refusal::Secure { problem })
            }
            message => Err(out_of_order("a masked update", &message)),
        })?;

        let message = ServerMessage::Unmask { turn, survivors: server.survivors(least)? };
        let survivors = server.survivor_ids();
        (self.before_unmasking)()?;
        let waiting = self.tell_all(Step::Unmasking, &survivors, &message)?;
        self.collect(Step::Unmasking, waiting, options.step_seconds, |client, message, _| match message {
            ClientMessage::Unmasking { shares, .. } => {
                server.add_revealed(client, &shares).map_err(|problem| Refusal::Secure { problem })
            }
            message => Err(out_of_order("shares for unmasking", &message)),
        })?;
        let sum = server.finish(self.stopped)?;
        let count = survivors.len();
        self.record.answered = survivors;
        self.record.weight = sum.weight;
        self.record.clipped_values = sum.clipped;
        self.record.metrics = sum.metrics;
        if options.privacy.is_some() {
            return Ok(Aggregate { mean: self.private(sum.mean, count)?, updates: count });
        }
        Ok(Aggregate { mean: self.moved(sum.mean), updates: count })
    }

    /// Adds noise to a mean of the differences of so many updates, and gives parameters.
    fn private(&self, mut mean: Vec<f64>, updates: usize) -> Result<Vec<f64>, FederateError> {
        if let Some(privacy) = &self.options.privacy {
            let denominator = privacy.denominator(self.options.sampling, self.registered, updates);
            mean.iter_mut().for_each(|value| *value *= updates as f64 / denominator);
            privacy.add_noise(&mut mean, denominator, self.options.seed, self.turn.round)?;
        }
        Ok(self.moved(mean))
    }

    fn moved(&self, difference: Vec<f64>) -> Vec<f64> {
        self.parameters.values().zip(difference).map(|(before, value)| f64::from(before) + value).collect()
    }

    fn enough(&self, found: usize) -> Result<(), FederateError> {
        let asked = self.record.asked.len();
        let expected = self.options.least_updates(asked);
        match found >= expected {
            true => Ok(()),
            false => Err(FederateError::TooFewUpdates { round: self.turn.round, expected, asked, found }),
        }
    }

    /// Sends each client its task, and says who of them is there.
    fn ask(&mut self, mode: &RoundMode) -> Result<BTreeSet<ClientId>, FederateError> {
        let parameters: Arc<[u8]> = self.parameters.to_bytes()?.into();
        let mut waiting = BTreeSet::new();
        for client in self.record.asked.clone() {
            let task = self.options.task(self.turn, &client);
            let head = encode_train(&task, mode, parameters.len());
            if self.tell(Step::Training, &client, Packet::new(head, parameters.clone())) {
                waiting.insert(client);
            }
        }
        Ok(waiting)
    }

    fn tell_all(
        &mut self,
        step: Step,
        clients: &[ClientId],
        message: &ServerMessage,
    ) -> Result<BTreeSet<ClientId>, FederateError> {
        let bytes: Packet = message.encode()?.into();
        Ok(clients.iter().filter(|client| self.tell(step, client, bytes.clone())).cloned().collect())
    }

    fn tell(&mut self, step: Step, client: &ClientId, message: Packet) -> bool {
        let length = message.len() as u64;
        let sent = self.transport.send(client, message);
        match sent {
            true => self.record.bytes_out += length,
            false => self.dropped(client, step, "the connection is lost"),
        }
        sent
    }

    /// Takes answers until all that are waited for are there or gone, or the time is over. `take` is given who is still waited for.
    fn collect(
        &mut self,
        step: Step,
        mut waiting: BTreeSet<ClientId>,
        seconds: f64,
        mut take: impl FnMut(&ClientId, ClientMessage, &BTreeSet<ClientId>) -> Result<(), Refusal>,
    ) -> Result<(), FederateError> {
        let deadline = Instant::now() + Duration::from_secs_f64(seconds);
        let mut answered: BTreeSet<ClientId> = BTreeSet::new();
        while !waiting.is_empty() {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(FederateError::Stopped);
            }
            let (client, bytes) = match self.transport.receive(deadline.min(Instant::now() + LOOK)) {
                Received::Timeout if Instant::now() < deadline => continue,
                Received::Timeout | Received::Silence => break,
                Received::Joined { client } => {
                    (self.observer)(&FederationEvent::ClientJoined { client: &client });
                    continue;
                }
                Received::Stranger { peer, reason } => {
                    (self.observer)(&FederationEvent::ConnectionRefused { peer: &peer, reason: &reason });
                    continue;
                }
                Received::Lost { client, reason } => {
                    (self.observer)(&FederationEvent::ClientLost { client: &client, reason: &reason });
                    if waiting.remove(&client) {
                        self.dropped(&client, step, &reason);
                    }
                    continue;
                }
                Received::TooLong { client, found, limit } => {
                    waiting.remove(&client);
                    self.refused(&client, Refusal::TooManyBytes { found, limit })?;
                    continue;
                }
                Received::Message { client, .. } if self.disconnected.contains(&client) => continue,
                Received::Message { client, bytes } => (client, bytes),
            };
            self.record.bytes_in += bytes.len() as u64;
            let limit = self.options.answer_bytes(self.parameters, self.record.asked.len());
            let message = match ClientMessage::decode(&bytes) {
                _ if bytes.len() as u64 > limit => {
                    Err(Refusal::TooManyBytes { found: bytes.len() as u64, limit })
                }
                Ok(message) => Ok(message),
                Err(error) => Err(Refusal::Unreadable { problem: in_words(&error) }),
            };
            drop(bytes);
            let checked = message.and_then(|message| self.in_turn(&client, message, &waiting, &answered));
            match checked {
                Ok(ClientMessage::Failed { reason, .. }) => {
                    waiting.remove(&client);
                    self.dropped(&client, step, &reason);
                }
                Ok(message) => {
                    waiting.remove(&client);
                    match take(&client, message, &waiting) {
                        Ok(()) => {
                            let round = self.turn.round;
                            (self.observer)(&FederationEvent::ClientAnswered {
                                round,
                                client: &client,
                                step,
                            });
                            answered.insert(client);
                        }
                        Err(refusal) => self.refused(&client, refusal)?,
                    }
                }
                Err(refusal) => {
                    // A client that was late in the round before may still answer in this one.
                    if !matches!(refusal, Refusal::OtherRound { .. } | Refusal::Twice | Refusal::Late) {
                        waiting.remove(&client);
                    }
                    self.refused(&client, refusal)?;
                    if self.disconnected.contains(&client) && waiting.remove(&client) {
                        self.dropped(&client, step, "too many of its answers were refused");
                    }
                }
            }
        }
        let reason = format!("no answer within {seconds} s");
        waiting.iter().for_each(|client| self.dropped(client, step, &reason));
        Ok(())
    }

    /// Whether an answer is one that is waited for.
    fn in_turn(
        &self,
        client: &ClientId,
        message: ClientMessage,
        waiting: &BTreeSet<ClientId>,
        answered: &BTreeSet<ClientId>,
    ) -> Result<ClientMessage, Refusal> {
        match message.turn() {
            None => {
                return Err(Refusal::OutOfOrder {
                    expected: "an answer".into(),
                    found: message.name().into(),
                });
            }
            Some(turn) if turn != self.turn => return Err(Refusal::other_round(self.turn, turn)),
            Some(_) => {}
        }
        if self.record.asked.binary_search(client).is_err() {
            return Err(Refusal::NotAsked);
        }
        if waiting.contains(client) {
            return Ok(message);
        }
        Err(if answered.contains(client) { Refusal::Twice } else { Refusal::Late })
    }

    fn refused(&mut self, client: &ClientId, refusal: Refusal) -> Result<(), FederateError> {
        let round = self.turn.round;
        (self.observer)(&FederationEvent::AnswerRefused { round, client, refusal: &refusal });
        let reason = refusal.to_string();
        let before = self.record.refused.iter().filter(|refused| refused.client == *client).count();
        if refusal.ends_connection() || before + 1 >= MAX_REFUSALS {
            self.transport.disconnect(client, &reason);
            self.disconnected.insert(client.clone());
        } else {
            let bytes = ServerMessage::UpdateRefused { turn: self.turn, reason }.encode()?;
            let length = bytes.len() as u64;
            if self.transport.send(client, bytes.into()) {
                self.record.bytes_out += length;
            }
        }
        self.record.refused.push(RefusedAnswer { client: client.clone(), refusal });
        Ok(())
    }

    fn dropped(&mut self, client: &ClientId, step: Step, reason: &str) {
        let round = self.turn.round;
        (self.observer)(&FederationEvent::ClientDropped { round, client, step, reason });
        let reason = reason.to_owned();
        self.record.dropped.push(DroppedClient { client: client.clone(), step, reason });
    }
}

fn out_of_order(expected: &str, found: &ClientMessage) -> Refusal {
    Refusal::OutOfOrder { expected: expected.into(), found: found.name().into() }
}

/// What the values of all updates at each place come to.
fn columns(updates: &[Parameters], aggregation: Aggregation) -> Vec<f64> {
    let mut rows: Vec<_> = updates.iter().map(|update| update.values()).collect();
    let mut column = Vec::with_capacity(rows.len());
    let count = updates.first().map_or(0, Parameters::count);
    let next = |_| {
        column.clear();
        column.extend(rows.iter_mut().filter_map(Iterator::next));
        aggregation.of_column(&mut column)
    };
    (0..count).map(next).collect()
}

/// The mean of each metric by samples, over the clients that have it.
fn weighted_means(measured: &BTreeMap<ClientId, ClientMetrics>) -> Metrics {
    let mut weights: BTreeMap<&String, f64> = BTreeMap::new();
    for ClientMetrics { samples, metrics } in measured.values() {
        metrics.keys().for_each(|name| *weights.entry(name).or_default() += *samples as f64);
    }
    let mut means = Metrics::new();
    for ClientMetrics { samples, metrics } in measured.values() {
        for (name, value) in metrics {
            // Weights are divided before anything is added, so that nothing is larger than the largest value.
            *means.entry(name.clone()).or_default() += *samples as f64 / weights[name] * value;
        }
    }
    means
}
