//! What server and clients write to each other.
//!
//! A message is a byte with the version of the protocol, a byte with its kind, and its fields one after the other: whole numbers
//! and floating-point numbers in little-endian order, texts and lists behind their length, parameters as a safetensors file. The
//! channel below says where a message ends, and lets through no longer ones than each side allows.

mod from_client;
mod from_server;
mod reader;
mod writer;

pub use from_client::{ClientMessage, PublicKeys, RevealedShare, Secret};
pub(crate) use from_server::encode_train;
pub use from_server::{RoundMode, ServerMessage};
pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

/// The version of the protocol, which server and clients must share.
pub const PROTOCOL_VERSION: u8 = 2;

/// The most bytes that a reason in words may have.
const MAX_REASON_BYTES: usize = 1_024;

/// The most metrics that an update may have.
pub const MAX_METRICS: usize = 64;

/// The most bytes that the name of a metric may have.
pub const MAX_METRIC_NAME_BYTES: usize = 128;

/// The most bytes of a message that has no parameters in it, per client of a round, and for the rest of it.
pub(crate) const CONTROL_BYTES: usize = 1 << 16;

/// An attempt at a round, by which messages are told from those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The round, counted from 0.
    pub round: u64,
    /// The attempt at it, counted from 0.
    pub attempt: u32,
}

impl Turn {
    fn read(reader: &mut Reader) -> Result<Self, crate::FederateError> {
        Ok(Turn { round: reader.u64()?, attempt: reader.u32()? })
    }

    fn write(self, writer: &mut Writer) {
        writer.u64(self.round).u32(self.attempt);
    }
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "round {}, attempt {}", self.round, self.attempt)
    }
}

/// Reads the two bytes that each message begins with.
fn kind(reader: &mut Reader) -> Result<u8, crate::FederateError> {
    match reader.u8()? {
        PROTOCOL_VERSION => reader.u8(),
        found => Err(crate::FederateError::ProtocolVersion { expected: PROTOCOL_VERSION, found }),
    }
}

#[cfg(test)]
mod tests;
