//! What happened in each round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::Refusal;
use crate::id::ClientId;
use crate::parameters::Metrics;

/// A round that is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoundRecord {
    /// The round, counted from 0.
    pub round: u64,
    /// Attempts before it that ended with too few updates.
    pub failed_attempts: Vec<FailedAttempt>,
    /// Why the round was lost; the parameters are then those of the round before.
    #[serde(default)]
    pub lost: Option<String>,
    /// The clients that were asked.
    pub asked: Vec<ClientId>,
    /// Those whose updates are in the new parameters.
    pub answered: Vec<ClientId>,
    /// Answers that were refused; a client can be here more than once, and in `answered` too.
    pub refused: Vec<RefusedAnswer>,
    /// Clients that were asked and did not answer.
    pub dropped: Vec<DroppedClient>,
    /// Bytes of all messages from clients, as they were encoded.
    pub bytes_in: u64,
    /// Bytes of all messages to clients, as they were encoded.
    pub bytes_out: u64,
    /// How long it took, without failed attempts and the server's test.
    pub seconds: f64,
    /// The sum of the weights of the updates: of the numbers of samples, or with differential privacy the number of clients.
    pub weight: u64,
    /// With secure aggregation, how many values of all updates lay outside of the clipping range.
    pub clipped_values: u64,
    /// The Euclidean norm of the difference between the parameters after and before the round.
    pub update_norm: f64,
    /// Means of the clients' metrics by samples, over the clients that have them.
    pub metrics: Metrics,
    /// What each client measured; none with secure aggregation.
    pub client_metrics: BTreeMap<ClientId, ClientMetrics>,
    /// What the server measured of the new parameters, without what is not finite.
    pub test_metrics: Metrics,
    /// What was spent of the privacy of a client so far, where an accountant was given; none if that is infinite,
    /// or if the noise comes of a seed, and so hides nobody.
    pub epsilon: Option<f64>,
}

/// What a client measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientMetrics {
    /// How many samples it has.
    pub samples: u64,
    /// What it measured.
    pub metrics: Metrics,
}

/// An answer that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedAnswer {
    /// Of whom.
    pub client: ClientId,
    /// Why.
    pub refusal: Refusal,
}

/// A client that did not answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DroppedClient {
    /// Who.
    pub client: ClientId,
    /// In which step.
    pub step: Step,
    /// Why.
    pub reason: String,
}

/// An attempt at a round that ended with too few updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Why it failed.
    pub reason: String,
    /// The clients that were asked.
    pub asked: Vec<ClientId>,
    /// Answers that were refused.
    pub refused: Vec<RefusedAnswer>,
    /// Clients that did not answer.
    pub dropped: Vec<DroppedClient>,
}

/// A step of a round. Without secure aggregation there is the first one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Clients train, and answer with their updates, or with secure aggregation their public keys.
    Training,
    /// Clients share their secrets.
    Sharing,
    /// Clients send their masked updates.
    Masking,
    /// Clients show shares, by which masks are taken off.
    Unmasking,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Training => "training",
            Step::Sharing => "sharing",
            Step::Masking => "masking",
            Step::Unmasking => "unmasking",
        })
    }
}

impl RoundRecord {
    /// How many clients were refused, each counted once.
    pub fn refused_clients(&self) -> usize {
        let names: std::collections::BTreeSet<_> =
            self.refused.iter().map(|refused| &refused.client).collect();
        names.len()
    }
}
