//! How messages lie on the wire.
//!
//! Before the handshake the side that connects says in clear what it speaks ([`Preamble`]), so that the other can name the
//! difference; both put it into the handshake, so nobody can change it. Afterwards a message is one frame or more: its length in
//! two bytes and so many bytes of ciphertext, of which the last 16 authenticate the frame and its place among all. The first
//! frame of a message begins with the length of the whole, in 8 bytes; all but the last are full.

use snow::StatelessTransportState;

use super::Protocol;

/// The longest frame that Noise allows.
pub const MAX_FRAME: usize = 65535;
/// Bytes at the end of a frame that authenticate it.
pub const TAG: usize = 16;
/// Bytes that a frame can carry.
pub const MAX_PLAIN: usize = MAX_FRAME - TAG;
/// Bytes before a frame.
pub const LENGTH: usize = 2;
/// Bytes at the start of a message that say how long it is.
pub const HEADER: usize = 8;

const MAGIC: &[u8; 8] = b"fireclay";
/// The version of what this file describes.
const VERSION: u16 = 1;
/// Bytes of a preamble before the name.
const FIXED: usize = MAGIC.len() + 2 + 2 + 1;

/// What the side that connects says first.
pub struct Preamble;

impl Preamble {
    /// Its bytes for a protocol.
    ///
    /// # Panics
    /// If the name has more than 255 bytes.
    pub fn bytes(protocol: Protocol) -> Vec<u8> {
        let name_len = u8::try_from(protocol.name.len()).expect("a protocol's name has 255 bytes at most");
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(protocol.version.to_le_bytes());
        bytes.push(name_len);
        bytes.extend(protocol.name.as_bytes());
        bytes
    }

    /// How many bytes the preamble has that begins so, as far as these bytes say.
    pub fn expected_len(start: &[u8]) -> usize {
        FIXED + start.get(FIXED - 1).map_or(0, |len| usize::from(*len))
    }

    /// What a preamble says, in words; it may come from anybody.
    pub fn in_words(bytes: &[u8]) -> String {
        let Some(rest) = bytes.strip_prefix(MAGIC.as_slice()) else { return "something else".into() };
        let [c0, c1, p0, p1, _, name @ ..] = rest else { return "something that is cut short".into() };
        let safe = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' };
        let name: String = name.iter().map(safe).collect();
        let (channel, protocol) = (u16::from_le_bytes([*c0, *c1]), u16::from_le_bytes([*p0, *p1]));
        format!("{name} {protocol} over channels of version {channel}")
    }

    /// What this end speaks, in the same words.
    pub fn own_words(protocol: Protocol) -> String {
        Self::in_words(&Self::bytes(protocol))
    }

    /// Whether more bytes may follow that make it a preamble of ours.
    pub fn may_be_ours(start: &[u8]) -> bool {
        start.iter().zip(MAGIC).all(|(found, expected)| found == expected)
    }
}

/// Why a frame is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub enum BadFrame {
    /// It was not made by the other end, or not at this place.
    Forged,
    /// It announces a message of so many bytes, which is more than the limit.
    TooLong(u64),
}

/// The message that is being put together.
#[derive(Default)]
pub struct Assembly {
    /// How many bytes it will have; `None` before its first frame.
    expected: Option<usize>,
    /// How many are there.
    held: usize,
    /// Them, and room for more. What is written over is not cleared first, since messages are often as long as the last one.
    message: Vec<u8>,
}

impl Assembly {
    /// Begins the next one in memory that is there.
    pub fn reuse(&mut self, memory: Vec<u8>) {
        if self.expected.is_none() {
            self.message = memory;
        }
    }

    /// Adds the frame that is the `count`th from the other end. `true` if the message is complete then.
    pub fn add(
        &mut self,
        cipher: &StatelessTransportState,
        count: u64,
        frame: &[u8],
        limit: usize,
        scratch: &mut [u8],
    ) -> Result<bool, BadFrame> {
        let expected = match self.expected {
            None => {
                let len = cipher.read_message(count, frame, scratch).map_err(|_| BadFrame::Forged)?;
                let (header, data) = scratch[..len].split_first_chunk::<HEADER>().ok_or(BadFrame::Forged)?;
                let found = u64::from_le_bytes(*header);
                let expected = usize::try_from(found).ok().filter(|expected| *expected <= limit);
                let expected = expected.ok_or(BadFrame::TooLong(found))?;
                if data.len() != expected.min(MAX_PLAIN - HEADER) {
                    return Err(BadFrame::Forged);
                }
                self.held = 0;
                self.make_room(data.len(), expected);
                self.message[..data.len()].copy_from_slice(data);
                self.held = data.len();
                expected
            }
            Some(expected) => {
                // The cipher works in place, and needs room for what authenticates the frame.
                self.make_room(frame.len(), expected);
                let room = &mut self.message[self.held..self.held + frame.len()];
                let len = cipher.read_message(count, frame, room).map_err(|_| BadFrame::Forged)?;
                if len != (expected - self.held).min(MAX_PLAIN) {
                    return Err(BadFrame::Forged);
                }
                self.held += len;
                expected
            }
        };
        self.expected = Some(expected);
        Ok(self.held == expected)
    }

    /// Makes room for so many bytes more. Memory is taken as the message comes, not as it is announced.
    fn make_room(&mut self, more: usize, expected: usize) {
        let needed = self.held + more;
        if self.message.len() < needed {
            self.message.resize(needed.max((2 * needed).min(expected.saturating_add(TAG))), 0);
        }
    }

    /// The message that is complete.
    pub fn take(&mut self) -> Vec<u8> {
        self.expected = None;
        self.message.truncate(self.held);
        std::mem::take(&mut self.message)
    }
}

/// What a fuzzer calls.
pub mod fuzz {
    use std::sync::LazyLock;

    use super::*;

    /// Reads a preamble that may come from anybody.
    pub fn preamble(bytes: &[u8]) -> String {
        let _ = Preamble::may_be_ours(bytes);
        let len = Preamble::expected_len(bytes).min(bytes.len());
        Preamble::in_words(&bytes[..len])
    }

    /// Reads messages from frames that somebody with the key has made of these bytes: each begins with its length in two bytes.
    /// Gives the lengths of the messages, and what was wrong after them.
    pub fn frames(mut bytes: &[u8]) -> (Vec<usize>, Option<String>) {
        const LIMIT: usize = 1 << 20;
        static ENDS: LazyLock<[StatelessTransportState; 2]> = LazyLock::new(ends);
        let [sender, receiver] = &*ENDS;
        let (mut assembly, mut wire, mut scratch) =
            (Assembly::default(), vec![0; MAX_FRAME], vec![0; MAX_FRAME]);
        let mut messages = Vec::new();
        for count in 0.. {
            let Some((len, rest)) = bytes.split_first_chunk::<LENGTH>() else { break };
            let (plain, rest) =
                rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len()).min(MAX_PLAIN));
            bytes = rest;
            let len = sender.write_message(count, plain, &mut wire).expect("it fits into a frame");
            // A frame as it is must not be taken for one that was authenticated.
            assert!(receiver.read_message(count, plain, &mut scratch).is_err());
            match assembly.add(receiver, count, &wire[..len], LIMIT, &mut scratch) {
                Ok(true) => {
                    messages.push(assembly.take().len());
                    assert!(messages.iter().all(|len| *len <= LIMIT));
                }
                Ok(false) => {}
                Err(error) => return (messages, Some(format!("{error:?}"))),
            }
        }
        (messages, None)
    }

    /// Both ends of a channel.
    fn ends() -> [StatelessTransportState; 2] {
        let builder = || {
            let pattern = "Noise_NNpsk0_25519_AESGCM_BLAKE2s".parse().expect("snow knows the pattern");
            snow::Builder::new(pattern).psk(0, &[7; 32]).expect("the key has 32 bytes")
        };
        let mut opens = builder().build_initiator().expect("it has a key");
        let mut accepts = builder().build_responder().expect("it has a key");
        let (mut wire, mut nothing) = ([0; 64], [0; 64]);
        let len = opens.write_message(&[], &mut wire).expect("it fits");
        accepts.read_message(&wire[..len], &mut nothing).expect("both have the key");
        let len = accepts.write_message(&[], &mut wire).expect("it fits");
        opens.read_message(&wire[..len], &mut nothing).expect("both have the key");
        [opens, accepts].map(|end| end.into_stateless_transport_mode().expect("the handshake is done"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preambles_of_strangers_are_named_without_being_believed() {
        let own = Preamble::bytes(Protocol { name: "test", version: 3 });
        assert_eq!(Preamble::in_words(&own), "test 3 over channels of version 1");
        assert_eq!(Preamble::expected_len(&own), own.len());
        assert_eq!(Preamble::in_words(b"GET / HTTP/1.1"), "something else");
        assert_eq!(Preamble::in_words(b"fireclay"), "something that is cut short");
        let nasty = Preamble::bytes(Protocol { name: "\x1b[2J\n", version: 3 });
        assert_eq!(Preamble::in_words(&nasty), "?[2J? 3 over channels of version 1");
    }

    #[test]
    fn frames_that_lie_are_found() {
        let found = |bytes: &[u8]| {
            let (messages, error) = fuzz::frames(bytes);
            (messages, error.unwrap_or_default())
        };
        // Messages of 3 bytes and of none; one that is longer than announced; one that is cut; one beyond the limit.
        let two = [11, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(found(&two), (vec![3, 0], String::new()));
        assert_eq!(found(&[10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2]), (vec![], "Forged".into()));
        assert_eq!(found(&[9, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1]), (vec![], "Forged".into()));
        let huge = [8, 0, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(found(&huge), (vec![], format!("TooLong({})", u64::MAX)));
        assert_eq!(found(&[1, 0, 0]), (vec![], "Forged".into()));
    }
}
