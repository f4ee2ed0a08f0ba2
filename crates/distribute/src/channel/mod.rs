//! Encrypted streams of messages over TCP, between two ends that share a secret.
//!
//! A [`Channel`] is made of a TCP connection by a handshake of the [Noise protocol](https://noiseprotocol.org/noise.html)
//! (`Noise_NNpsk0_25519_AESGCM_BLAKE2s`), in which both ends prove that they have the same [`SharedKey`] and speak the same
//! [`Protocol`]. Who has not gets no answer. What is sent afterwards can neither be read nor changed, left out, repeated or put
//! in another order by anybody between them, and keys that leak later do not open what was recorded before.
//!
//! ```
//! use fireclay_distribute::channel::{Channel, Listener, Protocol, SharedKey};
//!
//! const GREETINGS: Protocol = Protocol { name: "greetings", version: 1 };
//!
//! let key = SharedKey::new("b9f2a1c07d5e4f3388aa")?;
//! let listener = Listener::bind("127.0.0.1:0", key.clone(), GREETINGS)?;
//! let address = listener.address();
//! let client = std::thread::spawn(move || {
//!     let mut channel = Channel::connect(address, &key, GREETINGS)?;
//!     channel.send(b"hello")?;
//!     channel.receive(1 << 20, None)
//! });
//! let mut channel = listener.accept(None)?;
//! assert_eq!(channel.receive(1 << 20, None)?, b"hello");
//! channel.send(b"good day")?;
//! assert_eq!(client.join().unwrap()?, b"good day");
//! # Ok::<(), fireclay_distribute::GroupError>(())
//! ```

mod frame;
mod halves;
mod handshake;
mod listener;

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::halves::{Meter, Receiver, Sender};
pub use self::listener::Listener;
pub use crate::key::SharedKey;

use crate::GroupError;

pub(crate) use self::frame::fuzz;

/// How long the other end may take for a handshake.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// What the messages of a channel mean: two ends that name another protocol or another version of it do not understand each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its name, of letters, digits and hyphens, 255 at most.
    pub name: &'static str,
    /// Its version.
    pub version: u16,
}

/// An encrypted and authenticated stream of messages in both directions.
///
/// After an error other than [`GroupError::Timeout`], the channel is of no use any more.
pub struct Channel {
    sender: Sender,
    receiver: Receiver,
}

impl Channel {
    /// Connects to an address and opens a channel there.
    ///
    /// # Errors
    /// [`GroupError::Connect`] if nobody listens, and those of [`open`](Self::open).
    pub fn connect(address: SocketAddr, key: &SharedKey, protocol: Protocol) -> Result<Self, GroupError> {
        let stream = TcpStream::connect_timeout(&address, HANDSHAKE_LIMIT)
            .map_err(|source| GroupError::Connect { address: address.to_string(), source })?;
        Self::open(stream, key, protocol)
    }

    /// Makes a channel of a connection, on the side that connected.
    ///
    /// # Errors
    /// [`GroupError::NoAnswer`] if the other end does not want to, most likely because it has another key or another protocol;
    /// [`GroupError::Timeout`] if it takes longer than [`HANDSHAKE_LIMIT`].
    pub fn open(stream: TcpStream, key: &SharedKey, protocol: Protocol) -> Result<Self, GroupError> {
        handshake::open(stream, key, protocol, HANDSHAKE_LIMIT)
    }

    /// Makes a channel of a connection, on the side that was connected to. It blocks for as long as a handshake may take; a
    /// [`Listener`] does it on threads.
    ///
    /// # Errors
    /// [`GroupError::OtherProtocol`] if the other end speaks something else, [`GroupError::OtherKey`] if it has another key,
    /// [`GroupError::Timeout`] if it takes longer than [`HANDSHAKE_LIMIT`].
    pub fn accept(stream: TcpStream, key: &SharedKey, protocol: Protocol) -> Result<Self, GroupError> {
        handshake::accept(stream, key, protocol, HANDSHAKE_LIMIT)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub fn send(&mut self, message: &[u8]) -> Result<(), GroupError> {
        self.sender.send(message)
    }

    /// Waits for a message of no more than `limit` bytes.
    ///
    /// # Errors
    /// See [`Receiver::receive`].
    pub fn receive(&mut self, limit: usize, deadline: Option<Instant>) -> Result<Vec<u8>, GroupError> {
        self.receiver.receive(limit, deadline)
    }

    /// The two directions, for two threads.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// The address of the other end.
    pub fn peer(&self) -> SocketAddr {
        self.sender.peer()
    }

    /// The address of this end.
    ///
    /// # Errors
    /// [`GroupError::Connection`] if the operating system does not know it any more.
    pub fn local(&self) -> Result<SocketAddr, GroupError> {
        let stream = self.sender.stream();
        stream.local_addr().map_err(|source| GroupError::Connection { peer: self.peer().to_string(), source })
    }

    /// Whether the other end has closed the connection. Nothing may be waiting to be read.
    pub(crate) fn has_ended(&self) -> bool {
        let stream = self.sender.stream();
        let peek = || -> std::io::Result<usize> {
            stream.set_nonblocking(true)?;
            let peeked = stream.peek(&mut [0]);
            stream.set_nonblocking(false)?;
            peeked
        };
        match peek() {
            Ok(len) => len == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }

    /// What ends the channel from any thread.
    pub fn closer(&self) -> Closer {
        self.sender.closer()
    }

    /// Bytes that went out so far, as they are on the wire, without those of TCP and below.
    pub fn sent_bytes(&self) -> u64 {
        self.sender.sent_bytes()
    }

    /// Bytes that came in so far, as they are on the wire.
    pub fn received_bytes(&self) -> u64 {
        self.receiver.received_bytes()
    }

    /// How long a message may take to leave when the other end takes nothing; as long as it likes where this is `None`, as it is
    /// at first.
    ///
    /// # Errors
    /// [`GroupError::Connection`] if the operating system refuses.
    pub fn set_send_limit(&self, limit: Option<Duration>) -> Result<(), GroupError> {
        let stream = self.sender.stream();
        stream
            .set_write_timeout(limit)
            .map_err(|source| GroupError::Connection { peer: self.peer().to_string(), source })
    }
}

/// Ends a channel from any thread: calls that wait there return with [`GroupError::Closed`].
#[derive(Clone)]
pub struct Closer(Arc<TcpStream>);

impl Closer {
    /// Ends both directions.
    pub fn close(&self) {
        // It fails where the connection has ended already.
        let _ = self.0.shutdown(Shutdown::Both);
    }

    /// Says that nothing more is sent; what was sent before arrives.
    pub fn finish(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}
