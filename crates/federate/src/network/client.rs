//! A client: it looks for the server, trains when it is asked to, and comes back when the connection is lost.

use std::collections::VecDeque;
use std::net::ToSocketAddrs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fireclay_distribute::channel::{Channel, SharedKey};
use sha2::{Digest, Sha256};

use super::connection::{receive, receive_ready};
use super::{ALIVE, GREETING, GREETING_BYTES, PROTOCOL, SILENCE};
use crate::FederateError;
use crate::history::Step;
use crate::id::ClientId;
use crate::participant::{Participant, in_words, step_of};
use crate::random::{Random, secret_bytes};
use crate::training::{LocalTraining, Task};
use crate::wire::{ClientMessage, ServerMessage, Turn};

/// How a client connects.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Where the server is, such as `example.org:7000`.
    pub server: String,
    /// The key that server and clients share.
    pub key: SharedKey,
    /// The client's name.
    pub client: ClientId,
    /// What has to be the same for all, such as the network and how samples are prepared, in any words: those of
    /// [`Federation::preparation`](crate::Federation::preparation), or the server refuses the client. Their SHA-256 is sent.
    pub preparation: String,
    /// How long the server is looked for before the client gives up, in seconds, each time anew.
    pub patience_seconds: f64,
    /// The pause before it is looked for again, in seconds; each further one is twice as long, up to [`longest_pause_seconds`].
    ///
    /// [`longest_pause_seconds`]: ClientOptions::longest_pause_seconds
    pub first_pause_seconds: f64,
    /// The longest pause, in seconds.
    pub longest_pause_seconds: f64,
    /// Whether the client refuses to train where its update would not be under masks.
    pub secure_only: bool,
    /// The most bytes of a message of the server.
    pub max_message_bytes: usize,
    /// The client ends as soon as this becomes true, unless it is training: [`FederateError::Stopped`].
    pub stopped: Arc<AtomicBool>,
}

impl ClientOptions {
    /// The usual ones: the server is looked for for ten minutes, every half second at first and every half minute later on.
    pub fn new(server: impl Into<String>, key: SharedKey, client: ClientId) -> Self {
        ClientOptions {
            server: server.into(),
            key,
            client,
            preparation: String::new(),
            patience_seconds: 600.0,
            first_pause_seconds: 0.5,
            longest_pause_seconds: 30.0,
            secure_only: false,
            max_message_bytes: usize::try_from(1u64 << 34).unwrap_or(usize::MAX),
            stopped: Arc::default(),
        }
    }

    fn check(&self) -> Result<(), FederateError> {
        let seconds = [
            ("patience_seconds", self.patience_seconds),
            ("first_pause_seconds", self.first_pause_seconds),
            ("longest_pause_seconds", self.longest_pause_seconds),
        ];
        for (option, found) in seconds {
            if !(found > 0.0 && found <= 1e9) {
                let expected = "a number above 0 and up to 1e9".into();
                return Err(FederateError::Option { option, expected, found: found.to_string() });
            }
        }
        Ok(())
    }
}

/// What happens to a client.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent<'a> {
    /// The server knows the client.
    Connected {
        /// Where it is.
        server: &'a str,
        /// The round that runs or comes next, counted from 0.
        round: u64,
        /// How many rounds there are.
        rounds: u64,
    },
    /// There is no connection.
    Disconnected {
        /// Why.
        reason: &'a str,
        /// After how long it is tried again, in seconds.
        pause_seconds: f64,
    },
    /// The client is asked to train.
    Asked {
        /// What to do.
        task: &'a Task,
    },
    /// An answer is about to be sent.
    Answering {
        /// The round, counted from 0.
        round: u64,
        /// The attempt at it, counted from 0.
        attempt: u32,
        /// The step that it is of.
        step: Step,
    },
    /// The client has no update in this round, and says so.
    Failed {
        /// The round, counted from 0.
        round: u64,
        /// Why.
        reason: &'a str,
    },
    /// The server did not take an answer.
    UpdateRefused {
        /// The round, counted from 0.
        round: u64,
        /// Why.
        reason: &'a str,
    },
}

/// What a client did in a federation that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSummary {
    /// How many rounds the federation had.
    pub rounds: u64,
    /// How often the client trained for it, in this process.
    pub trainings: u64,
}

/// Takes part in a federation until it is done.
///
/// # Errors
/// [`FederateError::ServerLost`] if the server is away for too long, [`FederateError::Refused`] if it does not want this client,
/// [`FederateError::OtherClient`] if it takes it for another one, [`FederateError::Stopped`].
pub fn run_client(
    options: &ClientOptions,
    training: Box<dyn LocalTraining + '_>,
    mut observer: impl FnMut(&ClientEvent),
) -> Result<ClientSummary, FederateError> {
    options.check()?;
    let mut running = Running {
        options,
        instance: u64::from_le_bytes(*secret_bytes()?.first_chunk().unwrap_or(&[0; 8])),
        participant: Participant::new(options.client.clone(), training).secure_only(options.secure_only),
        trainings: 0,
        observer: &mut observer,
    };
    // Clients that lost the server together do not come back all at once.
    let mut spread = Random::seeded(options.client.as_str(), &[running.instance]);
    let mut pause = options.first_pause_seconds;
    let mut last_contact = Instant::now();
    loop {
        let trainings = running.trainings;
        let (was_connected, error) = match running.connect() {
            Err(error) => (false, error),
            Ok((channel, round, rounds)) => {
                let server = &options.server;
                (running.observer)(&ClientEvent::Connected { server, round, rounds });
                match running.take_part(channel) {
                    Ok(summary) => return Ok(summary),
                    Err(error) => (true, error),
                }
            }
        };
        match error {
            FederateError::Refused { .. }
            | FederateError::OtherClient { .. }
            | FederateError::Stopped
            | FederateError::Address { .. }
            | FederateError::ProtocolVersion { .. }
            | FederateError::Randomness { .. }
            | FederateError::Thread { .. } => return Err(error),
            _ => {}
        }
        if was_connected {
            last_contact = Instant::now();
            // A server that ends each connection at once is not asked more and more often.
            if running.trainings > trainings {
                pause = options.first_pause_seconds;
            }
        }
        let seconds = last_contact.elapsed().as_secs_f64();
        if seconds >= options.patience_seconds {
            let (address, source) = (options.server.clone(), Box::new(error));
            return Err(FederateError::ServerLost { address, seconds, source });
        }
        let now = pause * (0.75 + 0.5 * spread.unit());
        (running.observer)(&ClientEvent::Disconnected { reason: &in_words(&error), pause_seconds: now });
        sleep(now, &options.stopped)?;
        pause = (2.0 * pause).min(options.longest_pause_seconds.max(options.first_pause_seconds));
    }
}

/// A client that runs.
struct Running<'a> {
    options: &'a ClientOptions,
    /// By which the server knows that it is the same client that comes back.
    instance: u64,
    participant: Participant<'a>,
    trainings: u64,
    observer: &'a mut dyn FnMut(&ClientEvent),
}

impl Running<'_> {
    /// Connects and says who it is.
    fn connect(&mut self) -> Result<(Channel, u64, u64), FederateError> {
        let options = self.options;
        let address = |source| FederateError::Address { address: options.server.clone(), source };
        let addresses: Vec<_> = options.server.to_socket_addrs().map_err(address)?.collect();
        let mut last = None;
        let connected = addresses.into_iter().find_map(|address| {
            Channel::connect(address, &options.key, PROTOCOL).map_err(|error| last = Some(error)).ok()
        });
        let Some(mut channel) = connected else {
            return Err(match last {
                Some(error) => error.into(),
                None => address(std::io::Error::other("the name has no address")),
            });
        };
        channel.set_send_limit(Some(SILENCE))?;
        let hello = ClientMessage::Hello {
            client: options.client.clone(),
            instance: self.instance,
            preparation: Sha256::digest(&options.preparation).into(),
        };
        channel.send(&hello.encode()?)?;
        let answer = channel.receive(GREETING_BYTES * 2, Some(Instant::now() + GREETING))?;
        match ServerMessage::decode(&answer)? {
            ServerMessage::Welcome { round, rounds } => Ok((channel, round, rounds)),
            ServerMessage::Refused { reason, try_again } => Err(self.refused(reason, try_again)),
            _ => Err(FederateError::Message {
                what: "the server's message",
                problem: "expected a welcome, found something else".into(),
            }),
        }
    }

    fn refused(&self, reason: String, try_again: bool) -> FederateError {
        match try_again {
            true => FederateError::Message { what: "the server's message", problem: reason },
            false => FederateError::Refused {
                address: self.options.server.clone(),
                client: self.options.client.clone(),
                reason,
            },
        }
    }

    /// Answers until the federation is done.
    fn take_part(&mut self, channel: Channel) -> Result<ClientSummary, FederateError> {
        let (sender, mut receiver) = channel.split();
        let closer = sender.closer();
        let sender = Mutex::new(sender);
        let send = |bytes: &[u8]| sender.lock().unwrap_or_else(PoisonError::into_inner).send(bytes);
        let (ended, end) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let alive = ClientMessage::Alive.encode()?;
            let say_alive = move || {
                while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(ALIVE) {
                    if send(&alive).is_err() {
                        return;
                    }
                }
            };
            let say_alive =
                std::thread::Builder::new().name("federate-alive".into()).spawn_scoped(scope, say_alive);
            say_alive.map_err(|source| FederateError::Thread { source })?;
            // Dropped at the end, also if a training panics.
            let _ended = ended;
            let _closing = Closing(closer);
            let limit = self.options.max_message_bytes;
            let mut waiting = VecDeque::new();
            loop {
                let message = match waiting.pop_front() {
                    Some(message) => message,
                    None => match receive(&mut receiver, limit, &self.options.stopped)? {
                        Some(bytes) => ServerMessage::decode(&bytes)?,
                        None => return Err(FederateError::Stopped),
                    },
                };
                if let ServerMessage::Train { .. } = message {
                    // A client that is behind does not train for rounds that are over.
                    while let Some(bytes) = receive_ready(&mut receiver, limit)? {
                        waiting.push_back(ServerMessage::decode(&bytes)?);
                    }
                    let is_later = |message: &ServerMessage| {
                        matches!(message, ServerMessage::Train { .. } | ServerMessage::Done { .. })
                    };
                    if waiting.iter().any(is_later) {
                        continue;
                    }
                }
                self.tell(&message);
                match message {
                    ServerMessage::Done { rounds } => {
                        return Ok(ClientSummary { rounds, trainings: self.trainings });
                    }
                    ServerMessage::Refused { reason, try_again } => {
                        return Err(self.refused(reason, try_again));
                    }
                    message => {
                        self.trainings += u64::from(matches!(message, ServerMessage::Train { .. }));
                        if let Some(answer) = self.participant.answer(message)? {
                            self.tell_answer(&answer);
                            if let Err(error) = send(&answer.encode()?) {
                                // A server that is done does not wait for answers, but has said so.
                                let mut is_done = false;
                                while let Ok(Some(bytes)) = receive_ready(&mut receiver, limit) {
                                    let message = ServerMessage::decode(&bytes)?;
                                    is_done |= matches!(message, ServerMessage::Done { .. });
                                    waiting.push_back(message);
                                }
                                if !is_done {
                                    return Err(error.into());
                                }
                                waiting.retain(|message| matches!(message, ServerMessage::Done { .. }));
                            }
                        }
                    }
                }
            }
        })
    }

    fn tell(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Train { task, .. } => (self.observer)(&ClientEvent::Asked { task }),
            ServerMessage::UpdateRefused { turn, reason } => {
                (self.observer)(&ClientEvent::UpdateRefused { round: turn.round, reason });
            }
            _ => {}
        }
    }

    fn tell_answer(&mut self, answer: &ClientMessage) {
        let Some(Turn { round, attempt }) = answer.turn() else { return };
        match answer {
            ClientMessage::Failed { reason, .. } => (self.observer)(&ClientEvent::Failed { round, reason }),
            answer => {
                if let Some(step) = step_of(answer) {
                    (self.observer)(&ClientEvent::Answering { round, attempt, step });
                }
            }
        }
    }
}

/// Ends a channel when it is dropped, so that the thread that sends signs of life does not wait for a server that takes nothing.
struct Closing(fireclay_distribute::channel::Closer);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn sleep(seconds: f64, stopped: &AtomicBool) -> Result<(), FederateError> {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end {
        if stopped.load(Ordering::Relaxed) {
            return Err(FederateError::Stopped);
        }
        std::thread::sleep(Duration::from_millis(50).min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}
