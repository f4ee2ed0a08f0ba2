//! Masks: streams of random numbers that are added to a vector, or taken off again.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use super::keys::DerivedKey;
use crate::fixed_point::{Modulus, Vector};

/// Whether a mask is added or subtracted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

impl Sign {
    /// What the client at `own` does with the mask that it shares with the one at `other`, in the order of their names.
    pub(super) fn of_pair(own: usize, other: usize) -> Self {
        if own < other { Sign::Plus } else { Sign::Minus }
    }

    pub(super) fn opposite(self) -> Self {
        match self {
            Sign::Plus => Sign::Minus,
            Sign::Minus => Sign::Plus,
        }
    }
}

/// Adds or subtracts the mask of a key. Numbers modulo 2^32 keep what is above those bits; it is never sent.
pub(super) fn apply(vector: &mut Vector, modulus: Modulus, key: &DerivedKey, sign: Sign) {
    let mut stream = ChaCha20Rng::from_seed(**key);
    let put = |number: &mut u64, mask: u64| match sign {
        Sign::Plus => *number = number.wrapping_add(mask),
        Sign::Minus => *number = number.wrapping_sub(mask),
    };
    vector.totals.iter_mut().for_each(|number| put(number, stream.next_u64()));
    match modulus {
        Modulus::Bits32 => {
            vector.values.iter_mut().for_each(|number| put(number, u64::from(stream.next_u32())));
        }
        Modulus::Bits64 => vector.values.iter_mut().for_each(|number| put(number, stream.next_u64())),
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn masks_are_taken_off_by_their_opposites() {
        for modulus in [Modulus::Bits32, Modulus::Bits64] {
            let mut vector = Vector { totals: vec![1, 2], values: vec![3, 4, 5] };
            let key: DerivedKey = Zeroizing::new([3; 32]);
            apply(&mut vector, modulus, &key, Sign::Plus);
            assert!(vector.totals[0] != 1 && vector.values != [3, 4, 5]);
            apply(&mut vector, modulus, &key, Sign::of_pair(1, 0));
            assert_eq!((&vector.totals[..], &vector.values[..]), (&[1, 2][..], &[3, 4, 5][..]));
        }
    }

    #[test]
    fn streams_do_not_change() {
        // Another stream, and clients of different versions would leave each other's masks in the sum.
        let mut vector = Vector { totals: vec![0], values: vec![0] };
        apply(&mut vector, Modulus::Bits64, &Zeroizing::new([0; 32]), Sign::Plus);
        // The first bytes of ChaCha20 with a key and nonce of zeros (RFC 8439, appendix A.1, test vector 1).
        assert_eq!(vector.totals[0].to_le_bytes(), [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
        assert_eq!(vector.values[0].to_le_bytes(), [0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28]);
    }
}
