//! The two directions of a channel.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use snow::StatelessTransportState;

use super::Closer;
use super::frame::{Assembly, BadFrame, HEADER, LENGTH, MAX_FRAME, MAX_PLAIN, TAG};
use crate::GroupError;

/// Room for what comes in: two frames, so that one call to the operating system can bring more than one.
const BUFFER: usize = 2 * (LENGTH + MAX_FRAME);

struct Shared {
    stream: Arc<TcpStream>,
    peer: SocketAddr,
    cipher: StatelessTransportState,
    sent: AtomicU64,
    received: AtomicU64,
}

/// The direction in which a channel sends.
pub struct Sender {
    shared: Arc<Shared>,
    /// Frames that were sent.
    count: u64,
    plain: Vec<u8>,
    wire: Vec<u8>,
    broken: bool,
}

/// The direction in which a channel receives.
pub struct Receiver {
    shared: Arc<Shared>,
    /// Frames that were received.
    count: u64,
    buffer: Vec<u8>,
    /// Where in the buffer bytes lie that are not used yet.
    held: std::ops::Range<usize>,
    assembly: Assembly,
    scratch: Vec<u8>,
    broken: bool,
}

pub fn new(stream: TcpStream, peer: SocketAddr, cipher: StatelessTransportState) -> (Sender, Receiver) {
    let stream = Arc::new(stream);
    let shared =
        Arc::new(Shared { stream, peer, cipher, sent: AtomicU64::new(0), received: AtomicU64::new(0) });
    let sender =
        Sender { shared: shared.clone(), count: 0, plain: Vec::new(), wire: Vec::new(), broken: false };
    let receiver = Receiver {
        shared,
        count: 0,
        buffer: vec![0; BUFFER],
        held: 0..0,
        assembly: Assembly::default(),
        scratch: vec![0; MAX_FRAME],
        broken: false,
    };
    (sender, receiver)
}

impl Sender {
    /// Sends a message. It waits for as long as the other end takes nothing, unless a limit was set.
    ///
    /// # Errors
    /// [`GroupError::Closed`] or [`GroupError::Connection`] if the connection has ended, [`GroupError::Timeout`] if the limit of
    /// [`Channel::set_send_limit`](super::Channel::set_send_limit) has passed; nothing can be sent after either.
    pub fn send(&mut self, message: &[u8]) -> Result<(), GroupError> {
        self.send_parts(&[message])
    }

    /// Sends a message that lies in several places.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub fn send_parts(&mut self, parts: &[&[u8]]) -> Result<(), GroupError> {
        if self.broken {
            return Err(GroupError::Closed { peer: self.shared.peer.to_string() });
        }
        // Whatever fails on the way leaves half a message behind.
        self.broken = true;
        let mut left: usize = parts.iter().map(|part| part.len()).sum();
        let mut parts = parts.iter().copied();
        let mut part: &[u8] = &[];
        self.plain.clear();
        self.plain.extend((left as u64).to_le_bytes());
        loop {
            if self.plain.is_empty() && part.len() >= MAX_PLAIN {
                let (now, later) = part.split_at(MAX_PLAIN);
                (part, left) = (later, left - now.len());
                self.seal_and_write(now)?;
                if left == 0 {
                    break;
                }
                continue;
            }
            while self.plain.len() < MAX_PLAIN && left > 0 {
                if part.is_empty() {
                    part = parts.next().unwrap_or_default();
                    continue;
                }
                let (now, later) = part.split_at(part.len().min(MAX_PLAIN - self.plain.len()));
                self.plain.extend_from_slice(now);
                (part, left) = (later, left - now.len());
            }
            let plain = std::mem::take(&mut self.plain);
            let sent = self.seal_and_write(&plain);
            self.plain = plain;
            self.plain.clear();
            sent?;
            if left == 0 {
                break;
            }
        }
        self.broken = false;
        Ok(())
    }

    fn seal_and_write(&mut self, plain: &[u8]) -> Result<(), GroupError> {
        let len = plain.len() + TAG;
        self.wire.resize(LENGTH + len, 0);
        let (start, rest) = self.wire.split_at_mut(LENGTH);
        start.copy_from_slice(&(len as u16).to_le_bytes());
        let shared = &*self.shared;
        let sealed = shared.cipher.write_message(self.count, plain, rest);
        debug_assert_eq!(sealed.ok(), Some(len));
        self.count += 1;
        let limit = shared.stream.write_timeout().ok().flatten().unwrap_or_default();
        let mut wire = &self.wire[..];
        while !wire.is_empty() {
            match (&*shared.stream).write(wire) {
                Ok(0) => return Err(GroupError::Closed { peer: shared.peer.to_string() }),
                Ok(len) => {
                    shared.sent.fetch_add(len as u64, Ordering::Relaxed);
                    wire = &wire[len..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(failed(source, shared.peer, limit)),
            }
        }
        Ok(())
    }

    /// The address of the other end.
    pub fn peer(&self) -> SocketAddr {
        self.shared.peer
    }

    /// Bytes that went out so far, as they are on the wire.
    pub fn sent_bytes(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Bytes that came in so far in the other direction.
    pub fn received_bytes(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }

    /// What ends the channel from any thread.
    pub fn closer(&self) -> Closer {
        Closer(self.shared.stream.clone())
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.shared.stream
    }

    /// The counts of both directions, for a thread that watches.
    pub fn meter(&self) -> Meter {
        Meter(self.shared.clone())
    }
}

/// Counts of a channel that other threads use.
#[derive(Clone)]
pub struct Meter(Arc<Shared>);

impl Meter {
    /// Bytes that went out so far, as they are on the wire.
    pub fn sent_bytes(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Bytes that came in so far, as they are on the wire.
    pub fn received_bytes(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }
}

impl Receiver {
    /// Waits for a message of no more than `limit` bytes, for as long as it takes where there is no deadline.
    ///
    /// # Errors
    /// [`GroupError::Timeout`] if the deadline passes, after which the call can be made again; [`GroupError::TooLong`] if the
    /// message is longer; [`GroupError::Forged`] if it was not made by the other end, or not as the next one;
    /// [`GroupError::Closed`] or [`GroupError::Connection`] if the connection has ended.
    pub fn receive(&mut self, limit: usize, deadline: Option<Instant>) -> Result<Vec<u8>, GroupError> {
        self.receive_in(Vec::new(), limit, deadline)
    }

    /// The same, in memory that is there already.
    ///
    /// # Errors
    /// See [`receive`](Self::receive).
    pub fn receive_in(
        &mut self,
        memory: Vec<u8>,
        limit: usize,
        deadline: Option<Instant>,
    ) -> Result<Vec<u8>, GroupError> {
        if self.broken {
            return Err(GroupError::Closed { peer: self.shared.peer.to_string() });
        }
        let started = Instant::now();
        self.assembly.reuse(memory);
        let received = self.receive_frames(limit, started, deadline);
        self.broken = !matches!(received, Ok(()) | Err(GroupError::Timeout { .. }));
        received.map(|()| self.assembly.take())
    }

    fn receive_frames(
        &mut self,
        limit: usize,
        started: Instant,
        deadline: Option<Instant>,
    ) -> Result<(), GroupError> {
        loop {
            self.fill(LENGTH, started, deadline)?;
            let start = self.held.start;
            let len = usize::from(u16::from_le_bytes([self.buffer[start], self.buffer[start + 1]]));
            self.fill(LENGTH + len, started, deadline)?;
            let frame = self.held.start + LENGTH..self.held.start + LENGTH + len;
            self.held.start = frame.end;
            let shared = &*self.shared;
            let frame = &self.buffer[frame];
            let added = self.assembly.add(&shared.cipher, self.count, frame, limit, &mut self.scratch);
            self.count += 1;
            let peer = || shared.peer.to_string();
            let complete = added.map_err(|bad| match bad {
                BadFrame::Forged => GroupError::Forged { peer: peer() },
                BadFrame::TooLong(found) => GroupError::TooLong { peer: peer(), found, limit: limit as u64 },
            })?;
            if complete {
                return Ok(());
            }
        }
    }

    /// Reads until so many bytes are held.
    fn fill(&mut self, len: usize, started: Instant, deadline: Option<Instant>) -> Result<(), GroupError> {
        if self.held.is_empty() {
            self.held = 0..0;
        }
        if self.held.start + len > self.buffer.len() {
            self.buffer.copy_within(self.held.clone(), 0);
            self.held = 0..self.held.len();
        }
        let shared = &*self.shared;
        while self.held.len() < len {
            let timeout = || GroupError::Timeout { peer: shared.peer.to_string(), waited: started.elapsed() };
            let left = match deadline {
                None => None,
                Some(deadline) => Some(left_until(deadline).ok_or_else(timeout)?),
            };
            let room = &mut self.buffer[self.held.end..];
            let read = shared.stream.set_read_timeout(left).and_then(|()| (&*shared.stream).read(room));
            match read {
                Ok(0) => return Err(GroupError::Closed { peer: shared.peer.to_string() }),
                Ok(len) => {
                    shared.received.fetch_add(len as u64, Ordering::Relaxed);
                    self.held.end += len;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(failed(source, shared.peer, started.elapsed())),
            }
        }
        Ok(())
    }

    /// The address of the other end.
    pub fn peer(&self) -> SocketAddr {
        self.shared.peer
    }

    /// Bytes that came in so far, as they are on the wire.
    pub fn received_bytes(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }
}

// The header of a message fits into its first frame.
const _: () = assert!(HEADER < MAX_PLAIN);

/// What is left until a deadline, unless it has passed.
pub fn left_until(deadline: Instant) -> Option<Duration> {
    // A time of zero would mean that there is no limit.
    deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

/// The error for what an operation on a stream came to after a while.
pub fn failed(source: std::io::Error, peer: SocketAddr, waited: Duration) -> GroupError {
    let peer = peer.to_string();
    match source.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => GroupError::Timeout { peer, waited },
        ErrorKind::UnexpectedEof => GroupError::Closed { peer },
        _ => GroupError::Connection { peer, source },
    }
}
