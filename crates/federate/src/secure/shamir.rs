//! Shares of a secret, of which any `threshold` give it back and less say nothing
//! ([Shamir 1979](https://doi.org/10.1145/359168.359176)).
//!
//! A secret of 32 bytes is 16 numbers of the field; each is the value at 0 of a polynomial whose other coefficients are random. The
//! share of place `p` has the values at `p + 1`.

use zeroize::Zeroizing;

use super::field::{inverse, multiply};
use crate::FederateError;
use crate::random::secret_bytes;

/// The most shares of a secret.
pub(super) const MAX_SHARES: usize = 65_535;

/// A secret, or a share of one.
pub(super) type Bytes = Zeroizing<[u8; 32]>;

type Numbers = Zeroizing<[u16; 16]>;

/// Makes `count` shares.
///
/// # Errors
/// [`FederateError::Randomness`] if the operating system gives no coefficients.
///
/// # Panics
/// If `threshold` is 0 or more than `count`, or that more than [`MAX_SHARES`].
pub(super) fn split(secret: &[u8; 32], threshold: usize, count: usize) -> Result<Vec<Bytes>, FederateError> {
    assert!((1..=count).contains(&threshold) && count <= MAX_SHARES, "{threshold} of {count} shares");
    let mut coefficients = vec![numbers(secret)];
    for _ in 1..threshold {
        coefficients.push(numbers(&secret_bytes()?));
    }
    let share = |place: usize| {
        let x = (place + 1) as u16;
        let mut value = Numbers::default();
        for coefficient in coefficients.iter().rev() {
            for (value, coefficient) in value.iter_mut().zip(coefficient.iter()) {
                *value = multiply(*value, x) ^ coefficient;
            }
        }
        bytes(&value)
    };
    Ok((0..count).map(share).collect())
}

/// What shares of some places are multiplied by to add up to their secret: Lagrange's polynomials at 0.
pub(super) struct Factors {
    /// Places and their factors.
    places: Vec<(usize, u16)>,
}

fn x(place: usize) -> u16 {
    assert!(place < MAX_SHARES, "place {place}");
    (place + 1) as u16
}

impl Factors {
    /// Those of different places, in rising order.
    ///
    /// # Panics
    /// If a place is there twice, or is [`MAX_SHARES`] or more.
    pub(super) fn new(places: &[usize]) -> Self {
        assert!(places.is_sorted_by(|a, b| a < b), "two shares of one place");
        let factor = |own: usize| {
            let (mut above, mut below) = (1, 1);
            for other in places.iter().filter(|other| **other != own) {
                above = multiply(above, x(*other));
                below = multiply(below, x(own) ^ x(*other));
            }
            (own, multiply(above, inverse(below)))
        };
        Factors { places: places.iter().map(|own| factor(*own)).collect() }
    }

    /// Those of all places but this one.
    pub(super) fn without(&self, left_out: usize) -> Self {
        let inverse = inverse(x(left_out));
        let others = self.places.iter().filter(|(place, _)| *place != left_out);
        let factor = |(own, factor): &(usize, u16)| {
            (*own, multiply(*factor, multiply(x(*own) ^ x(left_out), inverse)))
        };
        Factors { places: others.map(factor).collect() }
    }

    /// Whether they are those of these places.
    pub(super) fn are_of(&self, places: &[usize]) -> bool {
        self.places.iter().map(|(place, _)| place).eq(places)
    }

    /// The secret of shares in the order of their places; shares of other places are left out. Of other shares than those of one
    /// secret, or too few, something else comes out.
    pub(super) fn recover(&self, shares: &[(usize, [u8; 32])]) -> Bytes {
        let mut secret = Numbers::default();
        let mut factors = self.places.iter().peekable();
        for (place, share) in shares {
            let Some((_, factor)) = factors.next_if(|(own, _)| own == place) else { continue };
            for (sum, value) in secret.iter_mut().zip(numbers(share).iter()) {
                *sum ^= multiply(*factor, *value);
            }
        }
        bytes(&secret)
    }
}

fn numbers(bytes: &[u8; 32]) -> Numbers {
    let mut numbers = Numbers::default();
    for (number, pair) in numbers.iter_mut().zip(bytes.chunks_exact(2)) {
        *number = u16::from_le_bytes([pair[0], pair[1]]);
    }
    numbers
}

fn bytes(numbers: &Numbers) -> Bytes {
    let mut bytes = Bytes::default();
    for (pair, number) in bytes.chunks_exact_mut(2).zip(numbers.iter()) {
        pair.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Random;

    fn recover(shares: &[(usize, [u8; 32])]) -> Bytes {
        let mut shares = shares.to_vec();
        shares.sort();
        Factors::new(&shares.iter().map(|(place, _)| *place).collect::<Vec<_>>()).recover(&shares)
    }

    #[test]
    fn less_shares_than_the_threshold_say_nothing() {
        // With one share less, each secret is as likely: for shares of two secrets the values of one place have the same distribution.
        let counts = |secret: u8| {
            let mut counts = [0u32; 16];
            for _ in 0..4_000 {
                let shares = split(&[secret; 32], 2, 3).unwrap();
                counts[usize::from(shares[1][0] & 15)] += 1;
            }
            counts
        };
        for secret in [0, 255] {
            let counts = counts(secret);
            assert!(counts.iter().all(|count| (150..350).contains(count)), "{counts:?}");
        }
        let shares = split(&[7; 32], 3, 5).unwrap();
        assert_ne!(*recover(&[(0, *shares[0]), (1, *shares[1])]), [7; 32]);
    }

    #[test]
    fn a_large_group_shares_too() {
        let secret = std::array::from_fn(|at| at as u8);
        let shares = split(&secret, 3, 300).unwrap();
        let chosen = [299, 255, 256].map(|place| (place, *shares[place]));
        assert_eq!(*recover(&chosen), secret);
    }

    proptest! {
        #[test]
        fn any_threshold_of_shares_gives_the_secret(secret: [u8; 32], count in 1usize..12, seed: u64) {
            let mut random = Random::seeded("shares", &[seed]);
            let threshold = 1 + random.below(count);
            let shares = split(&secret, threshold, count).unwrap();
            let mut places: Vec<usize> = (0..count).collect();
            random.shuffle(&mut places);
            places.truncate(threshold);
            let spare = (0..count).find(|place| !places.contains(place));
            let chosen: Vec<_> = places.into_iter().map(|place| (place, *shares[place])).collect();
            prop_assert_eq!(*recover(&chosen), secret);
            if let Some(spare) = spare {
                let mut more = chosen.clone();
                more.push((spare, *shares[spare]));
                more.sort();
                let all: Vec<_> = more.iter().map(|(place, _)| *place).collect();
                prop_assert_eq!(*Factors::new(&all).without(spare).recover(&more), secret);
            }
            // With one wrong share something else comes out.
            let mut wrong = chosen.clone();
            wrong[0].1[5] ^= 1;
            prop_assert_ne!(*recover(&wrong), secret);
        }
    }
}
