//! Which samples a model was trained on, in 32 bits each.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digests of samples, 32 bits of a SHA-256 each: whether a model has seen a sample in training can then be asked without the
/// training data. One new sample in 4 billion divided by their number is taken for a known one.
///
/// Files hold them as hexadecimal, eight letters each.
///
/// [`Dataset::with_sample_digests`](crate::Dataset::with_sample_digests) makes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleDigests(Arc<[u32]>);

/// Hexadecimal letters of one.
const LETTERS: usize = 8;

impl SampleDigests {
    /// Those of some samples, in any order.
    pub(crate) fn new(digests: impl IntoIterator<Item = u32>) -> Self {
        let mut digests: Vec<u32> = digests.into_iter().collect();
        digests.sort_unstable();
        digests.dedup();
        SampleDigests(digests.into())
    }

    /// Whether a digest is among them.
    pub(crate) fn contains(&self, digest: u32) -> bool {
        self.0.binary_search(&digest).is_ok()
    }

    /// How many there are; equal samples have one.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for SampleDigests {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().map(|digest| format!("{digest:08x}")).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for SampleDigests {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("digests of samples are hexadecimal, eight letters each, ascending");
        if !text.len().is_multiple_of(LETTERS) || !text.is_ascii() {
            return Err(wrong());
        }
        let parse = |at: usize| u32::from_str_radix(&text[at..at + LETTERS], 16).map_err(|_| wrong());
        let digests: Vec<u32> = (0..text.len()).step_by(LETTERS).map(parse).collect::<Result<_, _>>()?;
        match digests.is_sorted_by(|a, b| a < b) {
            true => Ok(SampleDigests(digests.into())),
            false => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_hexadecimal_and_damaged_ones_are_refused() {
        let digests = SampleDigests(vec![1, 0xabcd_ef01].into());
        let json = serde_json::to_string(&digests).unwrap();
        assert_eq!(json, "\"00000001abcdef01\"");
        assert_eq!(serde_json::from_str::<SampleDigests>(&json).unwrap(), digests);
        for damaged in ["\"0000000\"", "\"0000000g\"", "\"0000000200000001\"", "\"é00000\"", "7"] {
            assert!(serde_json::from_str::<SampleDigests>(damaged).is_err(), "{damaged}");
        }
    }
}
