//! Secure aggregation as the server does it in one round. It holds public keys, encrypted shares, one sum, and shares that were shown
//! to it; it never holds the numbers of one client without masks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use x25519_dalek::StaticSecret;

use super::keys;
use super::masks::{self, Sign};
use super::shamir::{self, Factors};
use crate::FederateError;
use crate::error::UNMASKING;
use crate::fixed_point::{SecureRound, SecureSum, Vector};
use crate::id::ClientId;
use crate::wire::{PublicKeys, RevealedShare, Secret, Turn};

/// Encrypted shares by their clients.
type Sealed = Vec<(ClientId, Vec<u8>)>;

/// The server in a round. Clients are named by their places among those whose keys it was given.
pub(crate) struct SecureServer {
    turn: Turn,
    round: SecureRound,
    threshold: usize,
    clients: Vec<(ClientId, PublicKeys)>,
    /// Encrypted shares by receiver and sender.
    routed: BTreeMap<usize, Vec<(usize, Vec<u8>)>>,
    /// Those whose shares arrived.
    shared: BTreeSet<usize>,
    /// Those whose masked numbers are in the sum.
    survivors: BTreeSet<usize>,
    sum: Vector,
    /// Shares that were shown, by whose secret they are of, with the places of those who showed them.
    revealed: BTreeMap<usize, Vec<(usize, [u8; 32])>>,
    /// Those who showed shares.
    unmasking: BTreeSet<usize>,
}

impl SecureServer {
    /// Begins with the keys of all clients that have trained.
    ///
    /// # Errors
    /// [`FederateError::SecureOverflow`] for more clients than the numbers have room for, [`FederateError::SecureTooFew`] for less
    /// than two, or than the threshold.
    pub(crate) fn new(
        turn: Turn,
        round: SecureRound,
        threshold: usize,
        clients: BTreeMap<ClientId, PublicKeys>,
        dimension: usize,
    ) -> Result<Self, FederateError> {
        enough("the keys", threshold.max(2), clients.len())?;
        if clients.len() > shamir::MAX_SHARES {
            return Err(FederateError::Option {
                option: "sampling",
                expected: format!("{} clients at most with secure aggregation", shamir::MAX_SHARES),
                found: clients.len().to_string(),
            });
        }
        round.check(clients.len())?;
        Ok(SecureServer {
            turn,
            sum: round.zeros(dimension),
            round,
            threshold,
            clients: clients.into_iter().collect(),
            routed: BTreeMap::new(),
            shared: BTreeSet::new(),
            survivors: BTreeSet::new(),
            revealed: BTreeMap::new(),
            unmasking: BTreeSet::new(),
        })
    }

    /// The clients with their keys, which each of them is told.
    pub(crate) fn clients(&self) -> &[(ClientId, PublicKeys)] {
        &self.clients
    }

    pub(crate) fn threshold(&self) -> usize {
        self.threshold
    }

    fn place(&self, client: &ClientId) -> Option<usize> {
        self.clients.binary_search_by(|(other, _)| other.cmp(client)).ok()
    }

    /// Takes the encrypted shares of a client.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(crate) fn add_shares(
        &mut self,
        client: &ClientId,
        shares: Vec<(ClientId, Vec<u8>)>,
    ) -> Result<(), String> {
        let own = self.place(client).ok_or("it has no keys in this round")?;
        let others = self.clients.iter().map(|(other, _)| other).filter(|other| *other != client);
        if !shares.iter().map(|(receiver, _)| receiver).eq(others) {
            return Err("expected shares for each other client, in the order of their names".into());
        }
        if !self.shared.insert(own) {
            return Err("its shares are there already".into());
        }
        for (receiver, sealed) in shares {
            if let Some(receiver) = self.place(&receiver) {
                self.routed.entry(receiver).or_default().push((own, sealed));
            }
        }
        Ok(())
    }

    /// What each client is given of the others' shares: only of those whose shares arrived, and only to them.
    ///
    /// # Errors
    /// [`FederateError::SecureTooFew`] if there are less than the threshold.
    pub(crate) fn routed(&mut self) -> Result<Vec<(ClientId, Sealed)>, FederateError> {
        enough("the shares", self.threshold, self.shared.len())?;
        let mut routed = std::mem::take(&mut self.routed);
        let for_client = |receiver: &usize| {
            let mut shares = routed.remove(receiver).unwrap_or_default();
            shares.sort_by_key(|(sender, _)| *sender);
            let named = shares.into_iter().map(|(sender, sealed)| (self.clients[sender].0.clone(), sealed));
            (self.clients[*receiver].0.clone(), named.collect())
        };
        Ok(self.shared.iter().map(for_client).collect())
    }

    /// Adds the masked numbers of a client to the sum.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(crate) fn add_masked(&mut self, client: &ClientId, values: &[u8]) -> Result<(), String> {
        let own = self.place(client).filter(|place| self.shared.contains(place));
        let own = own.ok_or("its shares are missing in this round")?;
        if self.survivors.contains(&own) {
            return Err("its masked update is in the sum already".into());
        }
        if !self.round.add_encoded(&mut self.sum, values) {
            let expected = self.round.encoded_bytes(self.sum.values.len());
            return Err(format!("expected a masked update of {expected} bytes, found {}", values.len()));
        }
        self.survivors.insert(own);
        Ok(())
    }

    /// The places of those whose masked numbers arrived, which they are told.
    ///
    /// # Errors
    /// [`FederateError::SecureTooFew`] if there are less than the threshold or `least`; nothing is asked for then.
    pub(crate) fn survivors(&self, least: usize) -> Result<Vec<u32>, FederateError> {
        enough("the masked updates", self.threshold.max(least), self.survivors.len())?;
        Ok(self.survivors.iter().map(|place| *place as u32).collect())
    }

    /// The clients whose masked numbers arrived.
    pub(crate) fn survivor_ids(&self) -> Vec<ClientId> {
        self.survivors.iter().map(|place| self.clients[*place].0.clone()).collect()
    }

    /// Takes the shares that a client shows.
    ///
    /// # Errors
    /// What is wrong with them, in words; none of them counts then.
    pub(crate) fn add_revealed(&mut self, client: &ClientId, shares: &[RevealedShare]) -> Result<(), String> {
        let own = self.place(client).filter(|place| self.survivors.contains(place));
        let own = own.ok_or("its masked update is missing in this round")?;
        let mut owners = BTreeSet::new();
        for RevealedShare { owner, secret, .. } in shares {
            let owner = *owner as usize;
            if !self.shared.contains(&owner) || !owners.insert(owner) {
                return Err("expected one share for each client whose shares were handed out".into());
            }
            if *secret != self.wanted(owner) {
                return Err("expected shares of the secrets that were asked for, found others".into());
            }
        }
        if !self.unmasking.insert(own) {
            return Err("its shares were shown already".into());
        }
        for RevealedShare { owner, share, .. } in shares {
            self.revealed.entry(*owner as usize).or_default().push((own, *share));
        }
        Ok(())
    }

    fn wanted(&self, owner: usize) -> Secret {
        match self.survivors.contains(&owner) {
            true => Secret::SelfMask,
            false => Secret::MaskKey,
        }
    }

    /// Takes off the masks that are left, and gives the sum.
    ///
    /// # Errors
    /// [`FederateError::SecureTooFew`] and [`FederateError::SecureRecovery`] if a secret cannot be put together,
    /// [`FederateError::SecureWeights`] for a sum that no clients can have; [`FederateError::Stopped`].
    pub(crate) fn finish(mut self, stopped: &AtomicBool) -> Result<SecureSum, FederateError> {
        enough(UNMASKING, self.threshold, self.unmasking.len())?;
        let modulus = self.round.modulus;
        let mut recovery = Recovery { threshold: self.threshold, known: None, wrong: BTreeSet::new() };
        let go_on = || if stopped.load(Ordering::Relaxed) { Err(FederateError::Stopped) } else { Ok(()) };
        for owner in self.shared.clone() {
            go_on()?;
            let name = self.clients[owner].0.clone();
            let mut shares = self.revealed.remove(&owner).unwrap_or_default();
            if shares.len() < self.threshold {
                let (expected, found) = (self.threshold, shares.len());
                return Err(FederateError::SecureRecovery {
                    client: name,
                    problem: format!("expected {expected} shares of its secret, found {found}"),
                });
            }
            shares.sort_by_key(|(place, _)| *place);
            let public = self.clients[owner].1;
            let is_survivor = self.survivors.contains(&owner);
            let is_right = |secret: &[u8; 32]| match is_survivor {
                true => keys::commitment(secret) == public.self_mask_commitment,
                false => keys::public(&StaticSecret::from(*secret)) == public.mask_key,
            };
            let Some(secret) = recovery.secret(&shares, is_right) else {
                return Err(FederateError::SecureRecovery {
                    client: name,
                    problem: "the shares of its secret do not belong together".into(),
                });
            };
            if is_survivor {
                let key = keys::self_mask_key(&secret, self.turn);
                masks::apply(&mut self.sum, modulus, &key, Sign::Minus);
                continue;
            }
            let secret = StaticSecret::from(*secret);
            for survivor in &self.survivors {
                go_on()?;
                let key = keys::pair_mask_key(&secret, &self.clients[*survivor].1.mask_key, self.turn);
                masks::apply(&mut self.sum, modulus, &key, Sign::of_pair(*survivor, owner).opposite());
            }
        }
        self.round.read(&self.sum, self.survivors.len())
    }
}

/// Puts secrets together. Most have shares of the same clients, so what these are multiplied by is computed once.
struct Recovery {
    threshold: usize,
    known: Option<Factors>,
    /// Those who showed a wrong share, and are not believed for other secrets as far as there are enough without them.
    wrong: BTreeSet<usize>,
}

impl Recovery {
    /// The secret that the first shares give; where that is not the right one, without one of them at a time, as far as there is one
    /// to spare. So one client that shows a wrong share does not end the round. Shares are in the order of their places.
    fn secret(
        &mut self,
        shares: &[(usize, [u8; 32])],
        is_right: impl Fn(&[u8; 32]) -> bool,
    ) -> Option<shamir::Bytes> {
        let mut believed = shares.to_vec();
        believed.retain(|(place, _)| !self.wrong.contains(place));
        let shares = if believed.len() >= self.threshold { &believed } else { shares };
        let places: Vec<usize> = shares.iter().map(|(place, _)| *place).collect();
        let first = places.get(..self.threshold)?;
        let known = self.known.take().filter(|known| known.are_of(first));
        let secret = self.known.insert(known.unwrap_or_else(|| Factors::new(first))).recover(shares);
        if is_right(&secret) {
            return Some(secret);
        }
        let more = places.get(..self.threshold + 1)?;
        let factors = Factors::new(more);
        for left_out in more {
            let secret = factors.without(*left_out).recover(shares);
            if is_right(&secret) {
                self.wrong.insert(*left_out);
                return Some(secret);
            }
        }
        None
    }
}

fn enough(what: &'static str, expected: usize, found: usize) -> Result<(), FederateError> {
    match found >= expected {
        true => Ok(()),
        false => Err(FederateError::SecureTooFew { what, expected, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_whose_share_was_wrong_is_left_out_for_other_secrets() {
        let mut recovery = Recovery { threshold: 3, known: None, wrong: BTreeSet::new() };
        for secret in [[7; 32], [9; 32]] {
            let shares = shamir::split(&secret, 3, 5).unwrap();
            let mut shares: Vec<_> = shares.iter().map(|share| **share).enumerate().collect();
            shares[1].1[0] ^= 1;
            let tried = std::cell::Cell::new(0);
            let found = recovery.secret(&shares, |found| {
                tried.set(tried.get() + 1);
                *found == secret
            });
            assert_eq!(*found.unwrap(), secret);
            assert_eq!(recovery.wrong, BTreeSet::from([1]));
            assert_eq!(tried.get(), if secret[0] == 7 { 3 } else { 1 });
        }
    }
}
