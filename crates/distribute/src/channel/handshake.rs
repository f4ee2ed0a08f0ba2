//! How two ends find out that they may talk to each other.
//!
//! The side that connects sends its [`Preamble`] and the first message of the handshake, which only who has the key can read;
//! the other answers with the second. A first, empty message then shows the other that the connecting side could read that: a
//! recording of somebody else's handshake gets no further.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use snow::{Builder, HandshakeState, StatelessTransportState};

use super::frame::{LENGTH, Preamble};
use super::halves::{self, left_until};
use super::{Channel, Protocol, SharedKey};
use crate::GroupError;

const PATTERN: &str = "Noise_NNpsk0_25519_AESGCM_BLAKE2s";
/// The length of either message: a public key, and what authenticates it.
const MESSAGE: usize = 32 + 16;

/// A connection during its handshake.
struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    deadline: Instant,
    limit: Duration,
}

pub fn open(
    stream: TcpStream,
    key: &SharedKey,
    protocol: Protocol,
    limit: Duration,
) -> Result<Channel, GroupError> {
    let mut connection = Connection::new(stream, limit)?;
    let preamble = Preamble::bytes(protocol);
    let mut noise = noise(key, &preamble, |builder| builder.build_initiator());
    let mut first = [0; MESSAGE];
    let len = noise.write_message(&[], &mut first).expect("a first message has a known length");
    connection.write(&[&preamble[..], &frame_len(len), &first[..len]].concat())?;
    let peer = connection.peer;
    let no_answer = || GroupError::NoAnswer { peer: peer.to_string() };
    let second = connection.read_message().map_err(|error| match error {
        GroupError::Closed { .. } => no_answer(),
        GroupError::Connection { source, .. } if source.kind() == std::io::ErrorKind::ConnectionReset => {
            no_answer()
        }
        other => other,
    })?;
    noise.read_message(&second, &mut []).map_err(|_| connection.other_key())?;
    let mut channel = connection.into_channel(noise)?;
    channel.send(&[])?;
    Ok(channel)
}

pub fn accept(
    stream: TcpStream,
    key: &SharedKey,
    protocol: Protocol,
    limit: Duration,
) -> Result<Channel, GroupError> {
    let mut connection = Connection::new(stream, limit)?;
    let expected = Preamble::bytes(protocol);
    let found = connection.read_preamble()?;
    if found != expected {
        return Err(GroupError::OtherProtocol {
            peer: connection.peer.to_string(),
            found: Preamble::in_words(&found),
            expected: Preamble::own_words(protocol),
        });
    }
    let mut noise = noise(key, &expected, |builder| builder.build_responder());
    let first = connection.read_message()?;
    noise.read_message(&first, &mut []).map_err(|_| connection.other_key())?;
    let mut second = [0; MESSAGE];
    let len = noise.write_message(&[], &mut second).expect("a second message has a known length");
    connection.write(&[&frame_len(len)[..], &second[..len]].concat())?;
    let (deadline, other_key) = (connection.deadline, connection.other_key());
    let mut channel = connection.into_channel(noise)?;
    channel.receive(0, Some(deadline)).map_err(|error| match error {
        GroupError::Forged { .. } | GroupError::TooLong { .. } => other_key,
        other => other,
    })?;
    Ok(channel)
}

/// A handshake that both ends have the key and the protocol for.
fn noise(
    key: &SharedKey,
    prologue: &[u8],
    build: impl Fn(Builder<'_>) -> Result<HandshakeState, snow::Error>,
) -> HandshakeState {
    let pattern = PATTERN.parse().expect("the pattern is one that snow knows");
    let builder = Builder::new(pattern).psk(0, key.bytes()).and_then(|builder| builder.prologue(prologue));
    builder.and_then(build).expect("the pattern needs a key of 32 bytes and nothing else")
}

fn frame_len(len: usize) -> [u8; LENGTH] {
    (len as u16).to_le_bytes()
}

impl Connection {
    fn new(stream: TcpStream, limit: Duration) -> Result<Self, GroupError> {
        let unknown = |source| GroupError::Connection { peer: "an unknown address".into(), source };
        let peer = stream.peer_addr().map_err(unknown)?;
        let failed = |source| GroupError::Connection { peer: peer.to_string(), source };
        // Messages are written as a whole, so nothing is gained by waiting for more of them.
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_nonblocking(false).map_err(failed)?;
        stream.set_write_timeout(Some(limit)).map_err(failed)?;
        Ok(Connection { stream, peer, deadline: Instant::now() + limit, limit })
    }

    fn other_key(&self) -> GroupError {
        GroupError::OtherKey { peer: self.peer.to_string() }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), GroupError> {
        let written = self.stream.write_all(bytes);
        written.map_err(|source| halves::failed(source, self.peer, self.limit))
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), GroupError> {
        let mut filled = 0;
        while filled < bytes.len() {
            let left = left_until(self.deadline)
                .ok_or_else(|| GroupError::Timeout { peer: self.peer.to_string(), waited: self.limit })?;
            let read = self
                .stream
                .set_read_timeout(Some(left))
                .and_then(|()| self.stream.read(&mut bytes[filled..]));
            match read {
                Ok(0) => return Err(GroupError::Closed { peer: self.peer.to_string() }),
                Ok(len) => filled += len,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(halves::failed(source, self.peer, self.limit)),
            }
        }
        Ok(())
    }

    /// What the other end says that it speaks. Who does not begin as we do is not listened to any further.
    fn read_preamble(&mut self) -> Result<Vec<u8>, GroupError> {
        let mut bytes = Vec::new();
        while bytes.len() < Preamble::expected_len(&bytes) && Preamble::may_be_ours(&bytes) {
            let held = bytes.len();
            // The magic bytes one by one would be many calls, and four at once tell strangers as well.
            let step = (Preamble::expected_len(&bytes) - held).min(if held < 8 { 4 } else { usize::MAX });
            bytes.resize(held + step, 0);
            self.read(&mut bytes[held..])?;
        }
        Ok(bytes)
    }

    fn read_message(&mut self) -> Result<[u8; MESSAGE], GroupError> {
        let (mut len, mut message) = ([0; LENGTH], [0; MESSAGE]);
        self.read(&mut len)?;
        if usize::from(u16::from_le_bytes(len)) != MESSAGE {
            return Err(self.other_key());
        }
        self.read(&mut message)?;
        Ok(message)
    }

    fn into_channel(self, noise: HandshakeState) -> Result<Channel, GroupError> {
        let cipher: StatelessTransportState =
            noise.into_stateless_transport_mode().expect("both messages were exchanged");
        let failed = |source| GroupError::Connection { peer: self.peer.to_string(), source };
        self.stream.set_write_timeout(None).map_err(failed)?;
        let (sender, receiver) = halves::new(self.stream, self.peer, cipher);
        Ok(Channel { sender, receiver })
    }
}
