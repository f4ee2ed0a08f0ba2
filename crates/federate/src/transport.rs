//! What a round needs of what is between server and clients: a network, or a simulation of one.

use std::sync::Arc;
use std::time::Instant;

use crate::id::ClientId;
use crate::wire::Turn;

/// The way to the clients.
pub(crate) trait Transport {
    /// The clients that are there, in the order of their names.
    fn registered(&mut self) -> Vec<ClientId>;

    /// Says which attempt comes next.
    fn begin(&mut self, turn: Turn);

    /// Sends a message; `false` if the client is gone.
    fn send(&mut self, client: &ClientId, message: Packet) -> bool;

    /// Waits for what happens next.
    fn receive(&mut self, until: Instant) -> Received;

    /// Speaks to a client no more.
    fn disconnect(&mut self, client: &ClientId, reason: &str);
}

/// The bytes of a message, in two parts: parameters are there once for all clients that they are sent to.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) head: Arc<[u8]>,
    pub(crate) tail: Arc<[u8]>,
}

impl Packet {
    pub(crate) fn new(head: Vec<u8>, tail: Arc<[u8]>) -> Self {
        Packet { head: head.into(), tail }
    }

    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    pub(crate) fn joined(&self) -> Vec<u8> {
        [&*self.head, &*self.tail].concat()
    }
}

impl From<Vec<u8>> for Packet {
    fn from(bytes: Vec<u8>) -> Self {
        Packet::new(bytes, Arc::default())
    }
}

/// What a wait came to.
pub(crate) enum Received {
    /// The time has come.
    Timeout,
    /// Nothing will happen any more before a message is sent.
    Silence,
    /// A message of a client.
    Message { client: ClientId, bytes: Vec<u8> },
    /// A message of a client that was too long to be read.
    TooLong { client: ClientId, found: u64, limit: u64 },
    /// A client is there.
    Joined { client: ClientId },
    /// A client is gone.
    Lost { client: ClientId, reason: String },
    /// Somebody was refused that is no client.
    Stranger { peer: String, reason: String },
}
