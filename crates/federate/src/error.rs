//! What can go wrong in a federation. Messages count rounds from 1, as people do, and fields from 0.

use std::path::PathBuf;

use thiserror::Error;

use crate::id::ClientId;

/// What clients are asked for in the last step of secure aggregation.
pub(crate) const UNMASKING: &str = "the shares for unmasking";

/// What can be wrong with options, messages, rounds and checkpoints.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FederateError {
    /// An option that is out of its range.
    #[error("option {option}: expected {expected}, found {found}")]
    Option {
        /// The option.
        option: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Two options that exclude each other.
    #[error("options {first} and {second} do not go together: {reason}; leave one of them out")]
    Together {
        /// The one.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A name that is none.
    #[error(
        "client name {found:?}: expected 1 to 64 letters, digits, '.', '_' and '-', a letter or digit among them"
    )]
    ClientId {
        /// The name, or its beginning.
        found: String,
    },
    /// Two clients of one name.
    #[error("two clients are called {client}; rename one of them")]
    SameClient {
        /// The name.
        client: ClientId,
    },
    /// Tensors that make no parameters.
    #[error("parameters: {problem}")]
    Parameters {
        /// What was expected and found.
        problem: String,
    },
    /// Bytes that are no safetensors file.
    #[error("the parameters are not encoded as a safetensors file")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// Bytes that are no message.
    #[error("{what}: {problem}")]
    Message {
        /// What was read.
        what: &'static str,
        /// What was expected and found.
        problem: String,
    },
    /// A message of another version.
    #[error(
        "the other side speaks version {found} of the protocol, this one version {expected}; use the same release on both"
    )]
    ProtocolVersion {
        /// The version that is spoken.
        expected: u8,
        /// The version of the message.
        found: u8,
    },
    /// No random numbers.
    #[error("the operating system gives no random numbers")]
    Randomness {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Numbers that have no room for a sum.
    #[error(
        "secure aggregation: the sum of {clients} clients with weights up to {weight} and values up to {largest} needs {needed} bits, found {bits}; use fewer fraction bits, a smaller clipping range or limit of samples, or 64 bits"
    )]
    SecureOverflow {
        /// How many clients are added.
        clients: usize,
        /// The largest weight.
        weight: u64,
        /// The largest value, as a whole number.
        largest: f64,
        /// How many bits the sum needs.
        needed: u32,
        /// How many it has.
        bits: u8,
    },
    /// Too few clients left for a step of secure aggregation.
    #[error(
        "secure aggregation: expected {what} of {expected} clients or more, found {found}; no update was revealed"
    )]
    SecureTooFew {
        /// Which step it is.
        what: &'static str,
        /// How many are needed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A secret that the shares do not give.
    #[error("secure aggregation: the masks of client {client} cannot be taken off: {problem}")]
    SecureRecovery {
        /// Whose secret it is.
        client: ClientId,
        /// What was expected and found.
        problem: String,
    },
    /// A sum of weights that is none.
    #[error(
        "secure aggregation: expected the weights of {clients} clients to add up to {least} to {most}, found {found}; one of them did not keep to the protocol"
    )]
    SecureWeights {
        /// How many clients are in the sum.
        clients: usize,
        /// The least sum.
        least: u64,
        /// The largest sum.
        most: u64,
        /// The sum.
        found: u64,
    },
    /// A round that a client does not take part in, as it would give away its update.
    #[error("secure aggregation: {problem}; this client says no more in this round")]
    SecurePeers {
        /// What was expected and found.
        problem: String,
    },
    /// A round with too few registered clients.
    #[error(
        "round {}: expected {expected} registered clients or more, found {found}; start more clients, or lower min_clients",
        .round + 1
    )]
    TooFewClients {
        /// The round, counted from 0.
        round: u64,
        /// How many are needed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A round with too few updates.
    #[error(
        "round {}: expected {expected} updates or more of {asked} clients, found {found}; allow more time, or lower min_updates",
        .round + 1
    )]
    TooFewUpdates {
        /// The round, counted from 0.
        round: u64,
        /// How many are needed.
        expected: usize,
        /// How many clients were asked.
        asked: usize,
        /// How many updates there are.
        found: usize,
    },
    /// A round after which the parameters are no numbers.
    #[error(
        "round {}: a value of tensor {tensor:?} is not finite after the server's step; lower the server's learning rate; or an update is at fault, which limits.max_norm keeps out",
        .round + 1
    )]
    Diverged {
        /// The round, counted from 0.
        round: u64,
        /// The tensor.
        tensor: String,
    },
    /// A round that failed as often as it may.
    #[error("round {} failed {attempts} times; the parameters are those of the round before", .round + 1)]
    RoundFailed {
        /// The round, counted from 0.
        round: u64,
        /// How often it was tried.
        attempts: u32,
        /// Why it failed the last time.
        #[source]
        source: Box<FederateError>,
    },
    /// A federation that was told to stop.
    #[error("the federation was stopped; it goes on from its checkpoint")]
    Stopped,
    /// A test of the global parameters that failed.
    #[error("the global parameters after round {} cannot be tested", .round + 1)]
    Evaluation {
        /// The round, counted from 0.
        round: u64,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that cannot be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// What failed: `open`, `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that is not a checkpoint of a federation, or a damaged one.
    #[error("{path}: {problem}; name another file, or begin again without it")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        problem: String,
    },
    /// A checkpoint of another federation.
    #[error("{path} belongs to another federation: {}; give the same options, or name another file", differences.join("; "))]
    OtherFederation {
        /// The file.
        path: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// A channel that cannot be opened or used.
    #[error("the connection fails")]
    Channel(#[from] fireclay_distribute::GroupError),
    /// An address that is none.
    #[error("cannot find the address {address}; give a host and a port, such as localhost:7000")]
    Address {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A server that was not there for too long.
    #[error("no server answered at {address} for {seconds:.0} s; see whether it runs, and has the same key")]
    ServerLost {
        /// Where it should be.
        address: String,
        /// How long it was tried.
        seconds: f64,
        /// Why it failed the last time.
        #[source]
        source: Box<FederateError>,
    },
    /// A server that does not want the client.
    #[error("the server at {address} refuses client {client}: {reason}")]
    Refused {
        /// Where it is.
        address: String,
        /// The client.
        client: ClientId,
        /// What it says.
        reason: String,
    },
    /// A thread that the operating system does not start.
    #[error("the operating system starts no thread")]
    Thread {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A client that is not told what it may do.
    #[error("client {client} was given the task of {found}; connect it under its own name")]
    OtherClient {
        /// The client.
        client: ClientId,
        /// Whose task it was given.
        found: ClientId,
    },
}

impl FederateError {
    /// Whether a round that ended so may be tried again.
    ///
    /// Not once shares for unmasking were asked for: clients would give the same updates again, and the sums of two attempts differ by
    /// the updates of those that are in one of them alone.
    pub(crate) fn may_be_repeated(&self) -> bool {
        match self {
            FederateError::TooFewUpdates { .. } => true,
            FederateError::SecureTooFew { what, .. } => *what != UNMASKING,
            _ => false,
        }
    }

    /// Whether it is the end of a round, and not of more.
    pub(crate) fn is_of_round(&self) -> bool {
        matches!(
            self,
            FederateError::TooFewUpdates { .. }
                | FederateError::SecureTooFew { .. }
                | FederateError::SecureRecovery { .. }
                | FederateError::SecureWeights { .. }
        )
    }

    /// Whether it came after clients were asked to take off masks: the round is lost.
    pub(crate) fn is_of_unmasking(&self) -> bool {
        match self {
            FederateError::SecureTooFew { what, .. } => *what == UNMASKING,
            FederateError::SecureRecovery { .. } | FederateError::SecureWeights { .. } => true,
            _ => false,
        }
    }
}
