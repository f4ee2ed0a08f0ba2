//! Secure aggregation as a client does it in one round.

use std::collections::{BTreeMap, BTreeSet};

use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, Zeroizing};

use super::keys::{self, Route};
use super::masks::{self, Sign};
use super::shamir;
use crate::FederateError;
use crate::fixed_point::{SecureRound, Vector};
use crate::id::ClientId;
use crate::parameters::Metrics;
use crate::random::secret_bytes;
use crate::wire::{PublicKeys, RevealedShare, Secret, Turn};

/// A client in a round, with its update and its secrets. Each step is made once, in order; whatever is out of order ends it.
pub(crate) struct SecureClient {
    turn: Turn,
    client: ClientId,
    round: SecureRound,
    share_secret: StaticSecret,
    mask_secret: StaticSecret,
    self_mask: Zeroizing<[u8; 32]>,
    step: Step,
}

enum Step {
    /// The public keys are on their way; the numbers have no masks.
    Advertised(Vector),
    /// The shares are on their way.
    Shared { numbers: Vector, peers: Peers, own_shares: Zeroizing<[u8; 64]> },
    /// The masked numbers are on their way, and these shares can be shown, by the place of their client.
    Masked { peers: Peers, shares: BTreeMap<usize, Zeroizing<[u8; 64]>> },
    /// Nothing more is said.
    Ended,
}

/// The clients of the round.
struct Peers {
    keys: Vec<(ClientId, PublicKeys)>,
    own: usize,
    threshold: usize,
    /// Those whose shares were handed out, by their places.
    senders: BTreeSet<usize>,
}

impl Drop for Vector {
    fn drop(&mut self) {
        self.totals.zeroize();
        self.values.zeroize();
    }
}

impl SecureClient {
    /// Begins with the difference that the client trained.
    ///
    /// # Errors
    /// [`FederateError::Option`] and [`FederateError::SecureOverflow`] for settings that mean nothing,
    /// [`FederateError::Randomness`] if the operating system gives no secrets.
    pub(crate) fn new(
        turn: Turn,
        client: ClientId,
        round: SecureRound,
        difference: &[f64],
        samples: u64,
        metrics: &Metrics,
    ) -> Result<Self, FederateError> {
        round.check(1)?;
        let numbers = round.vector(difference, samples, metrics);
        Ok(SecureClient {
            turn,
            client,
            round,
            share_secret: keys::new_secret()?,
            mask_secret: keys::new_secret()?,
            self_mask: Zeroizing::new(secret_bytes()?),
            step: Step::Advertised(numbers),
        })
    }

    pub(crate) fn turn(&self) -> Turn {
        self.turn
    }

    pub(crate) fn public_keys(&self) -> PublicKeys {
        PublicKeys {
            share_key: keys::public(&self.share_secret),
            mask_key: keys::public(&self.mask_secret),
            self_mask_commitment: keys::commitment(&self.self_mask),
        }
    }

    /// Makes shares of the secrets for the others.
    ///
    /// # Errors
    /// [`FederateError::SecurePeers`] for clients and a threshold that would give the secrets away,
    /// [`FederateError::SecureOverflow`] for more clients than the numbers have room for.
    pub(crate) fn share(
        &mut self,
        clients: Vec<(ClientId, PublicKeys)>,
        threshold: usize,
    ) -> Result<Vec<(ClientId, Vec<u8>)>, FederateError> {
        let Step::Advertised(numbers) = std::mem::replace(&mut self.step, Step::Ended) else {
            return Err(out_of_order("keys"));
        };
        let peers = self.checked(clients, threshold)?;
        let count = peers.keys.len();
        self.round.check(count)?;
        let self_masks = shamir::split(&self.self_mask, threshold, count)?;
        let mask_secret = Zeroizing::new(self.mask_secret.to_bytes());
        let mask_keys = shamir::split(&mask_secret, threshold, count)?;
        let mut sealed = Vec::with_capacity(count - 1);
        let mut own_shares = Zeroizing::new([0; 64]);
        for (place, (client, keys)) in peers.keys.iter().enumerate() {
            let mut both = Zeroizing::new([0; 64]);
            both[..32].copy_from_slice(&*self_masks[place]);
            both[32..].copy_from_slice(&*mask_keys[place]);
            if place == peers.own {
                own_shares = both;
                continue;
            }
            let route = Route { turn: self.turn, from: &self.client, to: client };
            sealed.push((client.clone(), route.seal(&self.share_secret, &keys.share_key, &both)?));
        }
        self.step = Step::Shared { numbers, peers, own_shares };
        Ok(sealed)
    }

    fn checked(
        &self,
        clients: Vec<(ClientId, PublicKeys)>,
        threshold: usize,
    ) -> Result<Peers, FederateError> {
        let wrong = |problem: String| Err(FederateError::SecurePeers { problem });
        let count = clients.len();
        if count > shamir::MAX_SHARES {
            return wrong(format!("expected {} clients at most, found {count}", shamir::MAX_SHARES));
        }
        if !(threshold >= 2 && threshold > count / 2 && threshold <= count) {
            return wrong(format!(
                "expected a threshold of more than half of {count} clients, found {threshold}"
            ));
        }
        if !clients.is_sorted_by(|(a, _), (b, _)| a < b) {
            return wrong("expected clients in the order of their names, each once".into());
        }
        let Some(own) = clients.iter().position(|(client, _)| *client == self.client) else {
            return wrong("expected this client among those of the round".into());
        };
        if clients[own].1 != self.public_keys() {
            return wrong("expected this client's own keys under its name, found others".into());
        }
        let mut seen: Vec<[u8; 32]> =
            clients.iter().flat_map(|(_, keys)| [keys.share_key, keys.mask_key]).collect();
        seen.sort_unstable();
        if !seen.is_sorted_by(|a, b| a < b) || seen.iter().any(keys::is_weak) {
            return wrong("expected different keys that keep secrets".into());
        }
        Ok(Peers { keys: clients, own, threshold, senders: BTreeSet::from([own]) })
    }

    /// Puts masks over the numbers, for those clients whose shares arrived.
    ///
    /// # Errors
    /// [`FederateError::SecurePeers`] for too few of them, or others than those of the round.
    pub(crate) fn mask(&mut self, sealed: &[(ClientId, Vec<u8>)]) -> Result<Vec<u8>, FederateError> {
        let Step::Shared { mut numbers, mut peers, own_shares } =
            std::mem::replace(&mut self.step, Step::Ended)
        else {
            return Err(out_of_order("shares"));
        };
        let wrong = |problem: String| Err(FederateError::SecurePeers { problem });
        if !sealed.is_sorted_by(|(a, _), (b, _)| a < b) {
            return wrong("expected shares in the order of their clients' names, one of each".into());
        }
        if sealed.len() + 1 < peers.threshold {
            let (expected, found) = (peers.threshold - 1, sealed.len());
            return wrong(format!("expected the shares of {expected} other clients or more, found {found}"));
        }
        let modulus = self.round.modulus;
        let mut shares = BTreeMap::from([(peers.own, own_shares)]);
        for (client, sealed) in sealed {
            let found = peers.keys.binary_search_by(|(other, _)| other.cmp(client)).ok();
            let Some(place) = found.filter(|place| *place != peers.own) else {
                return wrong(format!("expected shares of clients of the round, found those of {client}"));
            };
            peers.senders.insert(place);
            let keys = &peers.keys[place].1;
            let route = Route { turn: self.turn, from: client, to: &self.client };
            // Shares that cannot be read are missing later on, which matters only if too many are. The mask is put on all the same,
            // as the other client puts it on.
            if let Some(both) = route.open(&self.share_secret, &keys.share_key, sealed) {
                shares.insert(place, both);
            }
            let key = keys::pair_mask_key(&self.mask_secret, &keys.mask_key, self.turn);
            masks::apply(&mut numbers, modulus, &key, Sign::of_pair(peers.own, place));
        }
        let key = keys::self_mask_key(&self.self_mask, self.turn);
        masks::apply(&mut numbers, modulus, &key, Sign::Plus);
        let masked = self.round.encode(&numbers);
        self.step = Step::Masked { peers, shares };
        Ok(masked)
    }

    /// Shows a share of each client: of its seed if its masked numbers arrived, of its private key if not.
    ///
    /// # Errors
    /// [`FederateError::SecurePeers`] for survivors that are too few or others than those of the round, and if it was asked before.
    pub(crate) fn unmask(&mut self, survivors: &[u32]) -> Result<Vec<RevealedShare>, FederateError> {
        let Step::Masked { peers, shares } = std::mem::replace(&mut self.step, Step::Ended) else {
            return Err(out_of_order("survivors"));
        };
        let wrong = |problem: String| Err(FederateError::SecurePeers { problem });
        if !survivors.is_sorted_by(|a, b| a < b) {
            return wrong("expected survivors in rising order, each once".into());
        }
        if survivors.len() < peers.threshold {
            let (expected, found) = (peers.threshold, survivors.len());
            return wrong(format!("expected {expected} survivors or more, found {found}"));
        }
        let is_survivor =
            |place: usize| u32::try_from(place).is_ok_and(|place| survivors.binary_search(&place).is_ok());
        if !is_survivor(peers.own) {
            return wrong("expected this client among the survivors".into());
        }
        let is_known = |place: &u32| peers.senders.contains(&(*place as usize));
        if !survivors.iter().all(is_known) {
            return wrong("expected survivors whose shares were handed out".into());
        }
        let revealed = shares.iter().map(|(place, both)| {
            let (secret, half) = match is_survivor(*place) {
                true => (Secret::SelfMask, &both[..32]),
                false => (Secret::MaskKey, &both[32..]),
            };
            let mut share = [0; 32];
            share.copy_from_slice(half);
            RevealedShare { owner: *place as u32, secret, share }
        });
        Ok(revealed.collect())
    }
}

fn out_of_order(found: &str) -> FederateError {
    FederateError::SecurePeers {
        problem: format!("expected each step of a round once and in order, found {found}"),
    }
}
