//! What can go wrong between ranks.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why ranks cannot go on together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GroupError {
    /// A rank of which nothing was heard any more.
    #[error("rank {rank} of {size} is lost: {reason}")]
    Lost {
        /// The rank.
        rank: usize,
        /// How many there are.
        size: usize,
        /// What was seen, and for how long.
        reason: String,
    },
    /// A rank that ended before its time.
    #[error("rank {rank} of {size} ended: {why}")]
    Ended {
        /// The rank.
        rank: usize,
        /// How many there are.
        size: usize,
        /// What it said.
        why: String,
    },
    /// A rank that makes another call than this one.
    #[error(
        "rank {rank} of {size} {found}, and this one, rank {own}, {expected}; all ranks must run the same program with the same settings"
    )]
    OtherCall {
        /// The rank.
        rank: usize,
        /// How many there are.
        size: usize,
        /// What it does.
        found: String,
        /// This rank.
        own: usize,
        /// What this one does.
        expected: String,
    },
    /// A secret that is easy to guess.
    #[error(
        "the shared key has {found} bytes, and {expected} or more are needed; make one with `openssl rand -hex 32`"
    )]
    ShortKey {
        /// How many bytes it has.
        found: usize,
        /// How many it needs.
        expected: usize,
    },
    /// A file that should hold the secret, and cannot be read.
    #[error("cannot read the shared key from {path}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An address at which nobody answers.
    #[error(
        "cannot connect to {address}; see whether a process listens there and no firewall stands between"
    )]
    Connect {
        /// The address.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// An address at which this process cannot listen.
    #[error("cannot listen at {address}; see whether another process does, or choose another port")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Nobody connected in time.
    #[error("nobody has connected to {address} in time")]
    NobodyCame {
        /// Where this process listens.
        address: String,
    },
    /// An end that closes the connection instead of answering to a handshake.
    #[error(
        "{peer} closed the connection instead of answering; give both ends the same shared key and the same version of Fireclay"
    )]
    NoAnswer {
        /// Its address.
        peer: String,
    },
    /// An end that does not have the secret.
    #[error("{peer} does not have the shared key of this process; give the same one to both")]
    OtherKey {
        /// Its address.
        peer: String,
    },
    /// An end that speaks something else.
    #[error(
        "{peer} speaks {found}, and this process {expected}; run the same version of Fireclay on both ends"
    )]
    OtherProtocol {
        /// Its address.
        peer: String,
        /// What it speaks.
        found: String,
        /// What this process speaks.
        expected: String,
    },
    /// An end of which too little came in time.
    #[error("{peer} has not sent or taken what it was waited for, for {:.1} s", waited.as_secs_f64())]
    Timeout {
        /// Its address.
        peer: String,
        /// How long was waited.
        waited: Duration,
    },
    /// A message that is longer than the receiver allows.
    #[error("{peer} announces a message of {found} bytes, and {limit} are the most that are taken")]
    TooLong {
        /// Its address.
        peer: String,
        /// How many bytes it announces.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// Bytes that the other end has not sent, or not at this place.
    #[error(
        "what comes from {peer} was changed on its way, repeated or left out; the connection is of no use any more"
    )]
    Forged {
        /// Its address.
        peer: String,
    },
    /// A connection that the other end has closed.
    #[error("{peer} has closed the connection")]
    Closed {
        /// Its address.
        peer: String,
    },
    /// A connection that the operating system gave up.
    #[error("the connection to {peer} has ended")]
    Connection {
        /// Its address.
        peer: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A variable of the environment that makes no sense.
    #[error("the variable {name} is {found:?}, and {expected} is expected")]
    Variable {
        /// Its name.
        name: String,
        /// Its value.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A variable of the environment that is not set.
    #[error("the variable {name} is not set, though {because}")]
    MissingVariable {
        /// Its name.
        name: &'static str,
        /// Why it is missed.
        because: String,
    },
    /// Two variables of the environment of which one must be wrong.
    #[error("{first}, and {second}; {expected}")]
    Contradiction {
        /// What one says.
        first: String,
        /// What the other says.
        second: String,
        /// What would make sense.
        expected: &'static str,
    },
    /// An engine that there is not.
    #[error("there is no engine {found:?}; choose auto, tcp, shared-memory or mpi")]
    UnknownEngine {
        /// Its name.
        found: String,
    },
    /// A group over a network without a secret.
    #[error(
        "there is no shared key; set FIRECLAY_SHARED_KEY or FIRECLAY_SHARED_KEY_FILE to the same for all ranks, such as what `openssl rand -hex 32` prints"
    )]
    NoKey,
    /// Ranks that have not come at the start.
    #[error(
        "of {size} ranks, these have not come within {:.0} s: {}{hint}; see whether they run, and reach rank 0",
        waited.as_secs_f64(),
        list(missing)
    )]
    Absent {
        /// How many there should be.
        size: usize,
        /// Those that are missing.
        missing: Vec<usize>,
        /// How long was waited.
        waited: Duration,
        /// Who was turned away meanwhile, if anybody was.
        hint: String,
    },
    /// A rank that was started for a group of another size.
    #[error(
        "rank {rank} on {from} was started as one of {found}, and rank 0 as one of {expected}; start all with the same number of ranks, from 0 on"
    )]
    OtherSize {
        /// Its host and address.
        from: String,
        /// The rank.
        rank: usize,
        /// The size that it knows.
        found: usize,
        /// The size that rank 0 knows.
        expected: usize,
    },
    /// Two processes that both say that they are the same rank.
    #[error("rank {rank} came twice, from {first} and from {second}; give each process a rank of its own")]
    SameRank {
        /// The rank.
        rank: usize,
        /// The first, by its host and address.
        first: String,
        /// The second.
        second: String,
    },
    /// A rank of another release.
    #[error(
        "{peer} is version {found} of Fireclay, and rank 0 version {expected}; run the same on all ranks"
    )]
    OtherVersion {
        /// Its address.
        peer: String,
        /// Its version.
        found: String,
        /// That of rank 0.
        expected: &'static str,
    },
    /// A rank that was told to use another engine.
    #[error(
        "rank {rank} on {from} was told to use the engine {found}, and rank 0 {expected}; give all the same"
    )]
    OtherEngine {
        /// Its host and address.
        from: String,
        /// The rank.
        rank: usize,
        /// Its engine.
        found: &'static str,
        /// That of rank 0.
        expected: &'static str,
    },
    /// A group that rank 0 did not let come about.
    #[error("rank 0 at {address} refuses: {reason}")]
    Refused {
        /// Where rank 0 listens.
        address: String,
        /// What it said.
        reason: String,
    },
    /// An engine that this build does not have.
    #[error("this build does not have the engine {engine}; {next}")]
    NoEngine {
        /// The engine.
        engine: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// Ranks that were to share memory, and cannot.
    #[error(
        "rank {rank} of {size} cannot share memory with the others: {reason}; use the engine tcp or auto"
    )]
    NoSharedMemory {
        /// The rank.
        rank: usize,
        /// How many there are.
        size: usize,
        /// Why not.
        reason: String,
    },
    /// MPI, which a process can start once.
    #[error("MPI was started in this process before; start one group in each process")]
    MpiStarted,
    /// The operating system has no random numbers.
    #[error("the operating system gives no random bytes")]
    Random {
        /// What it said.
        source: getrandom::Error,
    },
    /// The operating system lets no thread begin.
    #[error("cannot start a thread; see how many this user may have")]
    Thread {
        /// What it said.
        source: io::Error,
    },
}

/// Ranks in words.
fn list(ranks: &[usize]) -> String {
    ranks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
