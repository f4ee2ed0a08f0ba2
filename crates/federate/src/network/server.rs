//! The server: who is connected, and what they send.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fireclay_distribute::GroupError;
use fireclay_distribute::channel::{Channel, Closer, Listener, Sender, SharedKey};
use sha2::{Digest, Sha256};

use super::connection::receive;
use super::{ALIVE, GREETING, GREETING_BYTES, PROTOCOL, SILENCE};
use crate::FederateError;
use crate::federation::Federation;
use crate::id::ClientId;
use crate::participant::in_words;
use crate::transport::{Packet, Received, Transport};
use crate::wire::{ClientMessage, ServerMessage, Turn};

/// The most connections at once.
const MAX_CONNECTIONS: usize = 4_096;

/// Messages that wait for the round; whoever sends more waits.
const MAX_WAITING: usize = 64;

/// Messages that wait for a client. A round has four at most.
const MAX_OUTGOING: usize = 16;

/// How long clients are waited for that are told that the federation is over.
const FAREWELL: Duration = Duration::from_secs(5);

/// A place where clients connect.
pub struct Server {
    listener: Listener,
}

impl Server {
    /// Listens at an address, such as `0.0.0.0:7000`, for clients that have the key. Who has no key gets no answer.
    ///
    /// # Errors
    /// [`FederateError::Channel`] if it is not possible to listen there.
    pub fn bind(
        address: impl ToSocketAddrs + std::fmt::Debug,
        key: SharedKey,
    ) -> Result<Self, FederateError> {
        Ok(Server { listener: Listener::bind(address, key, PROTOCOL)? })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }
}

impl Federation<'_> {
    /// Runs the rounds that are left with clients that connect, and tells them when it is done.
    ///
    /// # Errors
    /// [`FederateError::RoundFailed`] and [`FederateError::TooFewClients`] if too few clients answer, and those of single steps; what was
    /// before is in the checkpoint. Clients then look for a server again, for as long as they are told to.
    pub fn serve(&mut self, server: &mut Server) -> Result<(), FederateError> {
        let limit = self.options.answer_bytes(self.parameters(), MAX_CONNECTIONS);
        let (events, incoming) = mpsc::sync_channel(MAX_WAITING);
        let shared = Arc::new(Shared {
            clients: Mutex::default(),
            ended: AtomicBool::new(false),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            connections: AtomicUsize::new(0),
            serial: AtomicU64::new(0),
            round: AtomicU64::new(self.round()),
            rounds: self.options.rounds,
            preparation: Sha256::digest(&self.preparation).into(),
            events,
        });
        thread::scope(|scope| {
            let accepting = {
                let shared = shared.clone();
                let listener = &mut server.listener;
                let accept = move || accept(listener, &shared);
                thread::Builder::new().name("federate-accept".into()).spawn_scoped(scope, accept)
            };
            accepting.map_err(|source| FederateError::Thread { source })?;
            // Also if an observer panics: the threads of this scope are waited for.
            let ending = Ending(shared.clone());
            let mut transport = Network { shared: shared.clone(), incoming, used: BTreeMap::new() };
            let result = self.run(&mut transport);
            if result.is_ok() {
                transport.say_farewell(self.round());
            }
            drop(ending);
            // Whoever waits to pass on a message goes on with an error.
            drop(transport);
            result
        })
    }
}

/// What all threads of the server see.
struct Shared {
    clients: Mutex<BTreeMap<ClientId, Connected>>,
    ended: AtomicBool,
    /// The most bytes of a message.
    limit: usize,
    connections: AtomicUsize,
    /// Of the last connection.
    serial: AtomicU64,
    round: AtomicU64,
    rounds: u64,
    /// The SHA-256 of what clients must say of the network and of how they prepare samples.
    preparation: [u8; 32],
    events: SyncSender<Event>,
}

/// The end of a server, whatever brings it about.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A client that is there.
struct Connected {
    serial: u64,
    instance: u64,
    outgoing: SyncSender<Packet>,
    closer: Closer,
    /// Nothing that it sends counts any more.
    ended: Arc<AtomicBool>,
}

impl Connected {
    fn end(self) {
        self.ended.store(true, Ordering::SeqCst);
        self.closer.close();
    }
}

enum Event {
    Message { client: ClientId, bytes: Vec<u8> },
    TooLong { client: ClientId, found: u64, limit: u64 },
    Joined { client: ClientId },
    Lost { client: ClientId, serial: u64, reason: String },
    Stranger { peer: String, reason: String },
}

impl Shared {
    fn clients(&self) -> std::sync::MutexGuard<'_, BTreeMap<ClientId, Connected>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        let clients = std::mem::take(&mut *self.clients());
        clients.into_values().for_each(Connected::end);
    }
}

/// Takes connections until the end.
fn accept(listener: &mut Listener, shared: &Arc<Shared>) {
    while !shared.ended.load(Ordering::SeqCst) {
        let channel = match listener.accept(Some(Instant::now() + Duration::from_millis(200))) {
            Ok(channel) => channel,
            Err(GroupError::NobodyCame { .. }) => continue,
            Err(error) => {
                let (peer, reason) = ("somebody".into(), in_words(&error));
                // Strangers do not hold up the server: when there is much to do, they are not mentioned.
                let _ = shared.events.try_send(Event::Stranger { peer, reason });
                continue;
            }
        };
        if shared.connections.fetch_add(1, Ordering::SeqCst) >= MAX_CONNECTIONS {
            shared.connections.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let for_thread = shared.clone();
        let serve = move || {
            serve_connection(channel, &for_thread);
            for_thread.connections.fetch_sub(1, Ordering::SeqCst);
        };
        if thread::Builder::new().name("federate-client".into()).spawn(serve).is_err() {
            shared.connections.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Reads what a connection says, from its greeting to its end.
fn serve_connection(mut channel: Channel, shared: &Arc<Shared>) {
    let peer = channel.peer().to_string();
    let stranger = |reason: String| {
        let _ = shared.events.try_send(Event::Stranger { peer: peer.clone(), reason });
    };
    let greeting = channel.receive(GREETING_BYTES, Some(Instant::now() + GREETING));
    let greeting = greeting.map_err(FederateError::from).and_then(|bytes| ClientMessage::decode(&bytes));
    let (client, instance, preparation) = match greeting {
        Ok(ClientMessage::Hello { client, instance, preparation }) => (client, instance, preparation),
        Ok(other) => return stranger(format!("expected a greeting, found {}", other.name())),
        Err(error) => return stranger(in_words(&error)),
    };
    // A client that takes nothing for that long is gone.
    if let Err(error) = channel.set_send_limit(Some(SILENCE)) {
        return stranger(in_words(&error));
    }
    let closer = channel.closer();
    if preparation != shared.preparation {
        let reason = "it begins with another network than the server, or prepares samples otherwise; give it the server's model file";
        stranger(format!("{client}: {reason}"));
        return refuse(channel, reason.into(), false);
    }
    let serial = shared.serial.fetch_add(1, Ordering::SeqCst) + 1;
    let (outgoing, messages) = mpsc::sync_channel(MAX_OUTGOING);
    let ended = Arc::new(AtomicBool::new(false));
    let connected = Connected { serial, instance, outgoing, closer: closer.clone(), ended: ended.clone() };
    let Registered::Now { instead_of } = register(shared, &client, connected) else {
        let reason = format!("another client is connected as {client}");
        stranger(reason.clone());
        return refuse(channel, reason, true);
    };
    if let Some(serial) = instead_of {
        // What the connection before was asked is not answered on this one.
        let reason = "it has connected anew".into();
        let _ = shared.events.send(Event::Lost { client: client.clone(), serial, reason });
    }
    let (mut sender, mut receiver) = channel.split();
    let welcome =
        ServerMessage::Welcome { round: shared.round.load(Ordering::SeqCst), rounds: shared.rounds }.encode();
    let write = move || {
        if welcome.is_ok_and(|bytes| sender.send(&bytes).is_ok()) {
            write_messages(&mut sender, &messages);
        }
        sender.closer().finish();
    };
    let joined = shared.events.send(Event::Joined { client: client.clone() }).is_ok();
    let writing = thread::Builder::new().name("federate-write".into()).spawn(write);
    let lost = match writing {
        Ok(_) if joined => read_messages(&mut receiver, &client, shared, &ended),
        _ => None,
    };
    closer.close();
    let mut clients = shared.clients();
    if clients.get(&client).is_some_and(|connected| connected.serial == serial) {
        clients.remove(&client);
    }
    drop(clients);
    if let Some(reason) = lost {
        let _ = shared.events.send(Event::Lost { client, serial, reason });
    }
}

/// Tells a connection that it takes no part.
fn refuse(mut channel: Channel, reason: String, try_again: bool) {
    if let Ok(bytes) = (ServerMessage::Refused { reason, try_again }).encode() {
        let _ = channel.send(&bytes);
        channel.closer().finish();
    }
}

enum Registered {
    /// Another process is connected under this name.
    Not,
    /// It is there, and has taken the place of this connection.
    Now { instead_of: Option<u64> },
}

/// A client that comes back takes its own place.
fn register(shared: &Shared, client: &ClientId, connected: Connected) -> Registered {
    let mut clients = shared.clients();
    if clients.get(client).is_some_and(|other| other.instance != connected.instance) {
        return Registered::Not;
    }
    let mut instead_of = None;
    if let Some(before) = clients.insert(client.clone(), connected) {
        instead_of = Some(before.serial);
        before.end();
    }
    // The end may have come meanwhile.
    if shared.ended.load(Ordering::SeqCst)
        && let Some(late) = clients.remove(client)
    {
        late.end();
    }
    Registered::Now { instead_of }
}

/// Why the connection ended; nothing if the federation is over.
fn read_messages(
    receiver: &mut fireclay_distribute::channel::Receiver,
    client: &ClientId,
    shared: &Shared,
    ended: &AtomicBool,
) -> Option<String> {
    let alive = ClientMessage::Alive.encode().unwrap_or_default();
    loop {
        let event = match receive(receiver, shared.limit, ended) {
            Ok(None) => return None,
            Ok(Some(_)) if ended.load(Ordering::SeqCst) => return None,
            Ok(Some(bytes)) if bytes == alive => continue,
            Ok(Some(bytes)) => Event::Message { client: client.clone(), bytes },
            Err(GroupError::TooLong { found, limit, .. }) => {
                let event = Event::TooLong { client: client.clone(), found, limit };
                shared.events.send(event).ok()?;
                return Some("it sent too long a message".into());
            }
            Err(error) => return Some(in_words(&error)),
        };
        shared.events.send(event).ok()?;
    }
}

/// Sends what there is to send, and signs of life in between, until nobody sends any more.
fn write_messages(sender: &mut Sender, messages: &Receiver<Packet>) {
    let alive = ServerMessage::Alive.encode().unwrap_or_default();
    loop {
        let sent = match messages.recv_timeout(ALIVE) {
            Ok(message) => sender.send_parts(&[&message.head, &message.tail]),
            Err(RecvTimeoutError::Timeout) => sender.send(&alive),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if sent.is_err() {
            // The reader notices.
            sender.closer().close();
            return;
        }
    }
}

/// The clients as a round sees them.
struct Network {
    shared: Arc<Shared>,
    incoming: Receiver<Event>,
    /// By which connection a client was last sent something; the end of another one says nothing.
    used: BTreeMap<ClientId, u64>,
}

impl Transport for Network {
    fn registered(&mut self) -> Vec<ClientId> {
        self.shared.clients().keys().cloned().collect()
    }

    fn begin(&mut self, turn: Turn) {
        self.shared.round.store(turn.round, Ordering::SeqCst);
    }

    fn send(&mut self, client: &ClientId, message: Packet) -> bool {
        let clients = self.shared.clients();
        let Some(connected) = clients.get(client) else { return false };
        self.used.insert(client.clone(), connected.serial);
        match connected.outgoing.try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                connected.closer.close();
                false
            }
        }
    }

    fn receive(&mut self, until: Instant) -> Received {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(left) {
                Ok(Event::Message { client, bytes }) => return Received::Message { client, bytes },
                Ok(Event::TooLong { client, found, limit }) => {
                    return Received::TooLong { client, found, limit };
                }
                Ok(Event::Joined { client }) => return Received::Joined { client },
                Ok(Event::Stranger { peer, reason }) => return Received::Stranger { peer, reason },
                Ok(Event::Lost { client, serial, reason }) => {
                    let is_other = self.used.get(&client).is_some_and(|used| *used != serial);
                    if !is_other {
                        return Received::Lost { client, reason };
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Received::Timeout,
                Err(RecvTimeoutError::Disconnected) => return Received::Silence,
            }
        }
    }

    fn disconnect(&mut self, client: &ClientId, reason: &str) {
        let removed = self.shared.clients().remove(client);
        if let Some(connected) = removed {
            let refusal = ServerMessage::Refused { reason: reason.into(), try_again: false };
            if let Ok(bytes) = refusal.encode() {
                let _ = connected.outgoing.try_send(bytes.into());
            }
            // The writer sends that and ends, as nobody else keeps it.
            connected.ended.store(true, Ordering::SeqCst);
        }
    }
}

impl Network {
    /// Tells all clients that it is over, and waits a little until they are gone.
    fn say_farewell(&mut self, rounds: u64) {
        let Ok(done) = (ServerMessage::Done { rounds }).encode() else { return };
        let done: Packet = done.into();
        for client in self.registered() {
            self.send(&client, done.clone());
        }
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline && !self.shared.clients().is_empty() {
            // Readers may wait to pass on a last message.
            let _ = self.receive(Instant::now() + Duration::from_millis(20));
        }
    }
}
