//! Keys of a round: what two clients agree on, and nobody else knows.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use sha2::{Digest, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::FederateError;
use crate::id::ClientId;
use crate::random::secret_bytes;
use crate::wire::Turn;

/// A key that is derived from a shared secret for one purpose.
pub(super) type DerivedKey = Zeroizing<[u8; 32]>;

/// A private key for one round.
pub(super) fn new_secret() -> Result<StaticSecret, FederateError> {
    Ok(StaticSecret::from(*Zeroizing::new(secret_bytes()?)))
}

pub(super) fn public(secret: &StaticSecret) -> [u8; 32] {
    PublicKey::from(secret).to_bytes()
}

/// Whether a public key leaves a shared secret to be guessed.
pub(crate) fn is_weak(key: &[u8; 32]) -> bool {
    let any = StaticSecret::from([7; 32]);
    !any.diffie_hellman(&PublicKey::from(*key)).was_contributory()
}

/// The key of the masks that two clients add and subtract.
pub(super) fn pair_mask_key(own: &StaticSecret, other: &[u8; 32], turn: Turn) -> DerivedKey {
    let mut keys = [public(own), *other];
    keys.sort_unstable();
    derive(b"mask of a pair", own, other, turn, &keys)
}

/// What is published of the seed of a client's own mask.
pub(super) fn commitment(self_mask: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"fireclay-federate commitment 1\0");
    hash.update(self_mask);
    hash.finalize().into()
}

/// The key of the stream of a client's own mask.
pub(super) fn self_mask_key(self_mask: &[u8; 32], turn: Turn) -> DerivedKey {
    let mut hash = Sha256::new_with_prefix(b"fireclay-federate self mask 1\0");
    hash.update(turn.round.to_le_bytes());
    hash.update(turn.attempt.to_le_bytes());
    hash.update(self_mask);
    Zeroizing::new(hash.finalize().into())
}

/// From whom to whom shares go in which round.
pub(super) struct Route<'a> {
    pub(super) turn: Turn,
    pub(super) from: &'a ClientId,
    pub(super) to: &'a ClientId,
}

impl Route<'_> {
    /// Encrypts shares, by the sender.
    pub(super) fn seal(
        &self,
        own: &StaticSecret,
        receiver: &[u8; 32],
        shares: &[u8; 64],
    ) -> Result<Vec<u8>, FederateError> {
        let key = derive(b"shares", own, receiver, self.turn, &[public(own), *receiver]);
        let cipher = ChaCha20Poly1305::new(&Key::from(*key));
        // A key is of one direction, of one round and of keys that are new in each round, so it encrypts once.
        let payload = Payload { msg: shares, aad: &self.name() };
        cipher.encrypt(&Nonce::default(), payload).map_err(|_| FederateError::SecurePeers {
            problem: format!("the shares for client {} cannot be encrypted", self.to),
        })
    }

    /// Decrypts them, by the receiver; `None` if they are not by this sender to this receiver in this round.
    pub(super) fn open(
        &self,
        own: &StaticSecret,
        sender: &[u8; 32],
        sealed: &[u8],
    ) -> Option<Zeroizing<[u8; 64]>> {
        let key = derive(b"shares", own, sender, self.turn, &[*sender, public(own)]);
        let cipher = ChaCha20Poly1305::new(&Key::from(*key));
        let payload = Payload { msg: sealed, aad: &self.name() };
        let shares = Zeroizing::new(cipher.decrypt(&Nonce::default(), payload).ok()?);
        Some(Zeroizing::new(shares.as_slice().try_into().ok()?))
    }

    fn name(&self) -> Vec<u8> {
        // No name has a zero in it.
        [self.from.as_str().as_bytes(), &[0], self.to.as_str().as_bytes()].concat()
    }
}

fn derive(
    purpose: &[u8],
    own: &StaticSecret,
    other: &[u8; 32],
    turn: Turn,
    public_keys: &[[u8; 32]; 2],
) -> DerivedKey {
    let shared = own.diffie_hellman(&PublicKey::from(*other));
    let mut hash = Sha256::new_with_prefix(b"fireclay-federate key 1\0");
    hash.update([purpose.len() as u8]);
    hash.update(purpose);
    hash.update(turn.round.to_le_bytes());
    hash.update(turn.attempt.to_le_bytes());
    public_keys.iter().for_each(|key| hash.update(key));
    hash.update(shared.as_bytes());
    Zeroizing::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Turn = Turn { round: 1, attempt: 0 };

    #[test]
    fn both_sides_agree_and_purposes_rounds_and_directions_differ() {
        let (a, b) = (new_secret().unwrap(), new_secret().unwrap());
        assert_eq!(*pair_mask_key(&a, &public(&b), TURN), *pair_mask_key(&b, &public(&a), TURN));
        let later = Turn { round: 2, attempt: 0 };
        assert_ne!(*pair_mask_key(&a, &public(&b), TURN), *pair_mask_key(&a, &public(&b), later));
        let again = Turn { round: 1, attempt: 1 };
        assert_ne!(*pair_mask_key(&a, &public(&b), TURN), *pair_mask_key(&a, &public(&b), again));

        let (first, second) = (ClientId::numbered(1), ClientId::numbered(2));
        let route = Route { turn: TURN, from: &first, to: &second };
        let sealed = route.seal(&a, &public(&b), &[9; 64]).unwrap();
        assert_eq!(*route.open(&b, &public(&a), &sealed).unwrap(), [9; 64]);
        let back = Route { turn: TURN, from: &second, to: &first };
        assert!(back.open(&b, &public(&a), &sealed).is_none());
        assert!(Route { turn: later, ..route }.open(&b, &public(&a), &sealed).is_none());
        let mut changed = sealed.clone();
        changed[3] ^= 1;
        let route = Route { turn: TURN, from: &first, to: &second };
        assert!(route.open(&b, &public(&a), &changed).is_none());
        assert!(route.open(&b, &public(&a), &[]).is_none());
        assert_ne!(back.seal(&b, &public(&a), &[9; 64]).unwrap(), sealed);
    }

    #[test]
    fn keys_that_give_a_known_secret_are_weak() {
        assert!(is_weak(&[0; 32]));
        let mut one = [0; 32];
        one[0] = 1;
        assert!(is_weak(&one));
        assert!(!is_weak(&public(&new_secret().unwrap())));
    }
}
