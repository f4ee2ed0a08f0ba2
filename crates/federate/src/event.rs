//! What a federation tells who watches it.

use std::path::Path;

use crate::FederateError;
use crate::check::Refusal;
use crate::history::{RoundRecord, Step};
use crate::id::ClientId;
use crate::parameters::Parameters;

/// Something that happened on the server.
#[derive(Debug)]
#[non_exhaustive]
pub enum FederationEvent<'a> {
    /// A client is there.
    ClientJoined {
        /// Who.
        client: &'a ClientId,
    },
    /// A client is gone; it may come back.
    ClientLost {
        /// Who.
        client: &'a ClientId,
        /// Why.
        reason: &'a str,
    },
    /// Somebody connected that is no client.
    ConnectionRefused {
        /// From where.
        peer: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// More clients have to come before the next round.
    WaitingForClients {
        /// How many are needed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Clients are asked.
    RoundStarted {
        /// The round, counted from 0.
        round: u64,
        /// The attempt at it, counted from 0.
        attempt: u32,
        /// Who is asked.
        asked: &'a [ClientId],
    },
    /// A client has answered.
    ClientAnswered {
        /// The round.
        round: u64,
        /// Who.
        client: &'a ClientId,
        /// In which step.
        step: Step,
    },
    /// An answer was refused.
    AnswerRefused {
        /// The round.
        round: u64,
        /// Of whom.
        client: &'a ClientId,
        /// Why.
        refusal: &'a Refusal,
    },
    /// A client that was asked did not answer.
    ClientDropped {
        /// The round.
        round: u64,
        /// Who.
        client: &'a ClientId,
        /// In which step.
        step: Step,
        /// Why.
        reason: &'a str,
    },
    /// An attempt ended with too few updates, or masks that cannot be taken off. It is made again, or the round is lost, or noise alone
    /// is published, or the federation ends; what follows says which.
    AttemptFailed {
        /// The round.
        round: u64,
        /// The attempt.
        attempt: u32,
        /// Why.
        error: &'a FederateError,
    },
    /// A round is over.
    RoundEnded {
        /// What happened.
        record: &'a RoundRecord,
        /// The parameters after it.
        parameters: &'a Parameters,
    },
    /// A checkpoint was written.
    CheckpointSaved {
        /// Where.
        path: &'a Path,
    },
}
