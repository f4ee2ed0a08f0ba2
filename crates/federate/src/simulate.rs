//! All clients in one process, with the same messages as between processes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use crate::FederateError;
use crate::federation::Federation;
use crate::history::Step;
use crate::id::ClientId;
use crate::participant::{Participant, in_words, step_of};
use crate::training::LocalTraining;
use crate::transport::{Packet, Received, Transport};
use crate::wire::{ServerMessage, Turn};

/// The clients of a simulation, and what becomes of them.
pub struct Simulation<'a> {
    clients: BTreeMap<ClientId, Participant<'a>>,
    threads: usize,
    faults: Faults<'a>,
}

type Faults<'a> = Box<dyn Fn(&ClientId, u64, u32, Step) -> Fate + 'a>;

/// What a simulated client does with its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// Sends it.
    #[default]
    Answers,
    /// Takes longer than the deadline.
    Late,
    /// Is lost, for good.
    Lost,
}

impl<'a> Simulation<'a> {
    /// Clients with their local trainings.
    ///
    /// # Errors
    /// [`FederateError::SameClient`] for two of one name.
    pub fn new(
        clients: impl IntoIterator<Item = (ClientId, Box<dyn LocalTraining + 'a>)>,
    ) -> Result<Self, FederateError> {
        let mut participants = BTreeMap::new();
        for (client, training) in clients {
            let participant = Participant::new(client.clone(), training);
            if participants.insert(client.clone(), participant).is_some() {
                return Err(FederateError::SameClient { client });
            }
        }
        Ok(Simulation { clients: participants, threads: 1, faults: Box::new(|_, _, _, _| Fate::Answers) })
    }

    /// Runs so many clients at once. What comes of it does not depend on that, as long as a local training gives the same whatever
    /// runs beside it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Says which clients are late or lost, by client, round, attempt and step. A client that is lost has trained before.
    pub fn faults(mut self, faults: impl Fn(&ClientId, u64, u32, Step) -> Fate + 'a) -> Self {
        self.faults = Box::new(faults);
        self
    }
}

impl Federation<'_> {
    /// Runs the rounds that are left with clients of this process.
    ///
    /// # Errors
    /// [`FederateError::RoundFailed`] and [`FederateError::TooFewClients`] if too few of them answer, and those of single steps; what
    /// was before is in the checkpoint.
    pub fn simulate(&mut self, simulation: Simulation) -> Result<(), FederateError> {
        let mut transport = InProcess {
            simulation,
            turn: Turn { round: 0, attempt: 0 },
            messages: VecDeque::new(),
            answers: VecDeque::new(),
        };
        self.run(&mut transport)
    }
}

/// Messages between functions.
struct InProcess<'a> {
    simulation: Simulation<'a>,
    turn: Turn,
    /// What was sent and not read yet.
    messages: VecDeque<(ClientId, Packet)>,
    answers: VecDeque<Received>,
}

impl Transport for InProcess<'_> {
    fn registered(&mut self) -> Vec<ClientId> {
        self.simulation.clients.keys().cloned().collect()
    }

    fn begin(&mut self, turn: Turn) {
        self.turn = turn;
    }

    fn send(&mut self, client: &ClientId, message: Packet) -> bool {
        let is_there = self.simulation.clients.contains_key(client);
        if is_there {
            self.messages.push_back((client.clone(), message));
        }
        is_there
    }

    fn receive(&mut self, _: Instant) -> Received {
        loop {
            if let Some(answer) = self.answers.pop_front() {
                return answer;
            }
            if self.messages.is_empty() {
                return Received::Silence;
            }
            self.deliver();
        }
    }

    fn disconnect(&mut self, client: &ClientId, _: &str) {
        self.simulation.clients.remove(client);
    }
}

impl InProcess<'_> {
    /// Lets the next clients read their messages, as many at once as there are threads; their answers are in the order of the messages.
    fn deliver(&mut self) {
        let mut batch: Vec<(ClientId, Participant, Packet)> = Vec::new();
        while batch.len() < self.simulation.threads
            && let Some((client, message)) = self.messages.pop_front()
        {
            match self.simulation.clients.remove(&client) {
                Some(participant) => batch.push((client, participant, message)),
                // It reads another message in this very batch.
                None if batch.iter().any(|(other, ..)| *other == client) => {
                    self.messages.push_front((client, message));
                    break;
                }
                None => {}
            }
        }
        let read = |participant: &mut Participant, message: &Packet| {
            let answer = participant.answer(ServerMessage::decode(&message.joined())?)?;
            let step = answer.as_ref().and_then(step_of);
            let bytes = answer.map(|answer| answer.encode()).transpose()?;
            Ok::<_, FederateError>((step, bytes))
        };
        let results: Vec<_> = match batch.as_mut_slice() {
            [(_, participant, message)] => vec![read(participant, message)],
            batch => std::thread::scope(|scope| {
                let threads: Vec<_> = batch
                    .iter_mut()
                    .map(|(_, participant, message)| scope.spawn(move || read(participant, message)))
                    .collect();
                let joined = |thread: std::thread::ScopedJoinHandle<_>| match thread.join() {
                    Ok(result) => result,
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                threads.into_iter().map(joined).collect()
            }),
        };
        for ((client, participant, _), result) in batch.into_iter().zip(results) {
            let (step, bytes) = match result {
                Ok(answer) => answer,
                Err(error) => {
                    self.answers.push_back(Received::Lost { client, reason: in_words(&error) });
                    continue;
                }
            };
            let fate = step.map_or(Fate::Answers, |step| {
                (self.simulation.faults)(&client, self.turn.round, self.turn.attempt, step)
            });
            if fate == Fate::Lost {
                let reason = "the simulation loses it".into();
                self.answers.push_back(Received::Lost { client, reason });
                continue;
            }
            self.simulation.clients.insert(client.clone(), participant);
            if let Some(bytes) = bytes.filter(|_| fate == Fate::Answers) {
                self.answers.push_back(Received::Message { client, bytes });
            }
        }
    }
}
