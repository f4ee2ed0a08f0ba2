//! Tensors between ranks, and whether all ranks have the same.

use std::hash::{DefaultHasher, Hash, Hasher};

use fireclay_nn::{NamedTensor, Network, load_state, state};

use super::Ranks;
use crate::error::TrainError;

/// How far weights of two ranks may lie apart at the end of an epoch, by the greatest of a tensor: processors of different makes
/// round differently.
const ROUNDING: f32 = 1e-3;

/// Tensors as bytes: the length of a header, a header of names and shapes as JSON, and the values.
pub(super) fn to_bytes(tensors: &[NamedTensor]) -> Vec<u8> {
    let names: Vec<_> = tensors.iter().map(|tensor| (&tensor.name, &tensor.shape)).collect();
    let header = serde_json::to_vec(&names).expect("names and numbers are JSON");
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    for tensor in tensors {
        bytes.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

/// The same back; `None` if they are not such bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Vec<NamedTensor>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (header, mut values) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let names: Vec<(String, Vec<usize>)> = serde_json::from_slice(header).ok()?;
    let tensors = names.into_iter().map(|(name, shape)| {
        let count = shape.iter().try_fold(4usize, |all, size| all.checked_mul(*size))?;
        let (own, rest) = values.split_at_checked(count)?;
        values = rest;
        let values = own.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        Some(NamedTensor { name, shape, values })
    });
    let tensors = tensors.collect::<Option<Vec<_>>>()?;
    values.is_empty().then_some(tensors)
}

/// A number that tells tensors apart.
pub(super) fn digest(tensors: &[NamedTensor]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for tensor in tensors {
        (&tensor.name, &tensor.shape).hash(&mut hasher);
        tensor.values.iter().for_each(|value| hasher.write_u32(value.to_bits()));
    }
    hasher.finish()
}

impl Ranks {
    /// The network with rank 0's weights, if they are not the same on all ranks. `alike` says that they should be, but for rounding;
    /// true comes back where they were not.
    pub(crate) fn weights_of_first<N: Network>(
        &self,
        network: N,
        alike: bool,
    ) -> Result<(N, bool), TrainError> {
        let own = state(&network.valid());
        let digest = digest(&own);
        let digests = self.group().gather(&digest.to_le_bytes())?;
        if digests.iter().all(|other| *other == digests[0]) {
            return Ok((network, false));
        }
        let mut bytes = if self.rank == 0 { to_bytes(&own) } else { Vec::new() };
        self.group().broadcast(0, &mut bytes)?;
        let first = from_bytes(&bytes).ok_or(TrainError::RankMessage)?;
        let apart = own.iter().zip(&first).map(|(own, first)| distance(own, first)).fold(0.0, f32::max);
        let furthest = self.group().gather(&apart.to_le_bytes())?;
        let furthest =
            furthest.iter().map(|apart| f32::from_le_bytes(apart.as_slice().try_into().unwrap_or_default()));
        for (rank, apart) in furthest.enumerate() {
            if alike && (apart > ROUNDING || apart.is_nan()) {
                return Err(TrainError::UnlikeRanks {
                    rank,
                    what: "weights".into(),
                    found: format!("{apart:e} away from those of rank 0"),
                    expected: format!("no further than {ROUNDING:e}"),
                });
            }
        }
        Ok((load_state(network.valid(), first)?, true))
    }
}

/// How far two tensors lie apart, by the greatest value of the second.
fn distance(one: &NamedTensor, other: &NamedTensor) -> f32 {
    let greatest = other.values.iter().fold(f32::MIN_POSITIVE, |greatest, value| greatest.max(value.abs()));
    let apart = one.values.iter().zip(&other.values).map(|(one, other)| (one - other).abs());
    apart.fold(0.0, f32::max) / greatest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_come_back_as_they_were_and_nothing_else_does() {
        let tensor = |name: &str, shape: &[usize]| NamedTensor {
            name: name.into(),
            shape: shape.to_vec(),
            values: (0..shape.iter().product()).map(|value| value as f32 + 0.5).collect(),
        };
        let tensors =
            vec![tensor("dense_1.weight", &[2, 3]), tensor("dense_1.bias", &[0]), tensor("scale", &[])];
        let bytes = to_bytes(&tensors);
        assert_eq!(from_bytes(&bytes), Some(tensors.clone()));
        for end in 0..bytes.len() {
            assert_eq!(from_bytes(&bytes[..end]), None, "{end}");
        }
        assert_eq!(from_bytes(&[&bytes[..], &[0]].concat()), None);
        let mut other = tensors.clone();
        other[0].values[5] += 1e-6;
        assert_ne!(digest(&tensors), digest(&other));
    }
}
