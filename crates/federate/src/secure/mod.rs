//! Secure aggregation: the server learns the sum of the updates of a round and no single one
//! ([Bonawitz et al. 2017](https://doi.org/10.1145/3133956.3133982), the protocol for a server that keeps to it).
//!
//! 1. A client that has trained makes two key pairs and a seed, and tells the server the public keys.
//! 2. It is told those of the others. Of the seed and of the private key of its masks it makes [shares](shamir), and
//!    encrypts to each other client one of each.
//! 3. It is given the shares that the others encrypted to it, and sends its [numbers](crate::fixed_point) under masks: one by its seed,
//!    and one for each other client by the key that the two agree on, which the one adds and the other subtracts.
//! 4. It is told whose masked numbers arrived. For these it shows its share of their seed, for the others its share of
//!    their private key; never both for one client, and once in a round. With these the server takes off the masks that are left.
//!
//! Clients that drop out before step 2 is over are left out; those that drop out before their masked numbers arrived are taken out;
//! those that drop out in step 4 are in the sum. Each step needs as many clients as the threshold says. A server together with less
//! clients than that learns nothing more than the sum of the others. That sum may be of one client: if exactly as many as the
//! threshold stay, all of them but one and the server know what the last one sent. Rounds are hidden one by one, too: from sums,
//! metrics and numbers of samples of several rounds that differ by one client, the server can tell what that client has. A server
//! that lies about who dropped out is met by half of the clients at least, as the threshold is more than half; one that lies about
//! public keys is not found out.

mod client;
mod field;
mod keys;
mod masks;
mod server;
mod shamir;

use serde::{Deserialize, Serialize};

pub(crate) use client::SecureClient;
pub(crate) use keys::is_weak;
pub(crate) use server::SecureServer;

use crate::FederateError;
use crate::fixed_point::Modulus;
use crate::wire::{MAX_METRIC_NAME_BYTES, MAX_METRICS};

/// How secure aggregation is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecureAggregation {
    /// The share of a round's clients that put a secret together, above one half and up to 1; two clients at least. So many have to
    /// stay until the end of the round, and one less, with the
    /// server, see the update of the last one if no more have stayed.
    pub threshold: f64,
    /// Modulo what masked numbers are added.
    pub modulus: Modulus,
    /// Each difference of a parameter from the global one is clipped to the range from minus this to this.
    pub clip_range: f64,
    /// How many binary places of it are kept.
    pub fraction_bits: u32,
    /// Metrics whose means by samples the server is to learn; it learns no other, and none of a single client.
    pub metrics: Vec<String>,
}

impl Default for SecureAggregation {
    fn default() -> Self {
        SecureAggregation {
            threshold: 2.0 / 3.0,
            modulus: Modulus::Bits64,
            clip_range: 16.0,
            fraction_bits: 24,
            metrics: vec!["loss".into()],
        }
    }
}

impl SecureAggregation {
    /// # Errors
    /// [`FederateError::Option`] for values outside of their ranges.
    pub(crate) fn check(&self) -> Result<(), FederateError> {
        if !(self.threshold > 0.5 && self.threshold <= 1.0) {
            return Err(FederateError::Option {
                option: "secure.threshold",
                expected: "a number above 0.5 and up to 1".into(),
                found: self.threshold.to_string(),
            });
        }
        let is_name = |name: &String| (1..=MAX_METRIC_NAME_BYTES).contains(&name.len());
        if self.metrics.len() > MAX_METRICS || !self.metrics.iter().all(is_name) {
            return Err(FederateError::Option {
                option: "secure.metrics",
                expected: format!("{MAX_METRICS} names at most, of 1 to {MAX_METRIC_NAME_BYTES} bytes"),
                found: format!("{} names", self.metrics.len()),
            });
        }
        Ok(())
    }

    /// How many shares put a secret together in a round of so many clients.
    pub(crate) fn shares_needed(&self, clients: usize) -> usize {
        // A little less, so that a share such as 2/3 of 3 is 2 however it was rounded; never half.
        let needed = (self.threshold * clients as f64 - 1e-9).ceil() as usize;
        needed.max(clients / 2 + 1).max(2)
    }
}

#[cfg(test)]
mod tests;
