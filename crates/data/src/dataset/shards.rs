//! Samples in several pieces, such as files, one behind the other.

use super::Bytes;
use crate::DataError;

/// The values of all samples, as bytes: those of a shard and then those of the next.
#[derive(Debug)]
pub(super) struct Shards {
    shards: Vec<Bytes>,
    /// Behind the last sample of each shard.
    ends: Vec<usize>,
    sample_bytes: usize,
}

impl Shards {
    /// Shards of whole samples, each of `sample_bytes`.
    pub(super) fn new(shards: Vec<Bytes>, sample_bytes: usize) -> Result<Self, DataError> {
        let uneven = shards.iter().position(|shard| !shard.len().is_multiple_of(sample_bytes));
        if let Some(shard) = uneven {
            return Err(DataError::Shard { shard, bytes: shards[shard].len(), sample_bytes });
        }
        Ok(Self::of_checked(shards, sample_bytes))
    }

    /// All samples in one, which is not longer than those that there are targets for.
    pub(super) fn one(bytes: Bytes, sample_bytes: usize) -> Self {
        Self::of_checked(vec![bytes], sample_bytes)
    }

    fn of_checked(shards: Vec<Bytes>, sample_bytes: usize) -> Self {
        let ends = shards.iter().scan(0, |end, shard| {
            *end += shard.len() / sample_bytes;
            Some(*end)
        });
        Shards { ends: ends.collect(), shards, sample_bytes }
    }

    pub(super) fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.shards.iter().any(Bytes::is_mapped)
    }

    /// Behind the last sample of each shard.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// In which shard a sample is.
    pub(super) fn shard_of(&self, sample: usize) -> usize {
        self.ends.partition_point(|end| *end <= sample)
    }

    /// A shard, and its first sample.
    pub(super) fn shard(&self, shard: usize) -> (&[u8], usize) {
        let first = shard.checked_sub(1).map_or(0, |before| self.ends[before]);
        (&self.shards[shard], first)
    }

    /// The bytes of a sample.
    ///
    /// # Panics
    /// If there is no such sample.
    pub(super) fn sample(&self, sample: usize) -> &[u8] {
        let (shard, first) = self.shard(self.shard_of(sample));
        &shard[(sample - first) * self.sample_bytes..][..self.sample_bytes]
    }
}

#[cfg(test)]
mod tests {
    use crate::source::{Batch, Pass, Source};
    use crate::{
        Affine, Augmentation, Bytes, DataError, Dataset, Normalization, Provenance, Targets, shard_order,
    };

    const LENGTHS: [usize; 4] = [3, 1, 5, 2];

    fn targets() -> Targets {
        let labels = (0..11).map(|sample| sample % 2).collect();
        Targets::Classes { labels, names: vec!["even".into(), "odd".into()] }
    }

    fn here() -> Provenance {
        Provenance::new("made up", "train", "made by hand")
    }

    fn normalization() -> Normalization {
        Normalization { mean: vec![0.25], std: vec![0.5] }
    }

    /// Values of 11 samples of 8 bytes, in pieces of [`LENGTHS`].
    fn pieces(bytes: &[u8]) -> Vec<Bytes> {
        let mut rest = bytes;
        LENGTHS.map(|len| rest.split_off(..len * 8).unwrap().to_vec().into()).to_vec()
    }

    /// The same samples in pieces and in one: bytes, and numbers.
    fn both() -> [(Dataset, Dataset); 2] {
        let bytes: Vec<u8> = (0..88).map(|at| (at * 7 % 251) as u8).collect();
        let floats: Vec<f32> = (0..22).map(|at| at as f32 - 5.5).collect();
        let in_bytes: Vec<u8> = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
        let shape = [1, 2, 4];
        let images = Dataset::from_u8_shards(&shape, pieces(&bytes), targets(), normalization(), here());
        let numbers = Dataset::from_f32_shards(&[1, 2], pieces(&in_bytes), targets(), here());
        let numbers = numbers.unwrap().with_normalization(normalization()).unwrap();
        let whole = Dataset::from_f32(&[1, 2], floats, targets(), here()).unwrap();
        [
            (images.unwrap(), Dataset::from_u8(&shape, bytes, targets(), normalization(), here()).unwrap()),
            (numbers, whole.with_normalization(normalization()).unwrap()),
        ]
    }

    fn gathered(data: &Dataset, indices: &[u32]) -> Batch {
        let mut batch = Batch::default();
        Source::gather(data, indices, &mut batch).unwrap();
        batch
    }

    #[test]
    fn shards_give_what_one_piece_gives() {
        for (shards, whole) in both() {
            assert_eq!((shards.shards(), whole.shards(), shards.is_mapped()), (4, 1, false));
            assert!(!shards.is_read_by_shards(), "they are in memory");
            let all: Vec<u32> = (0..11).rev().chain([3, 3, 4, 0]).collect();
            assert_eq!(gathered(&shards, &all), gathered(&whole, &all));
            assert_eq!(gathered(&shards, &[]), gathered(&whole, &[]));
            for index in 0..12 {
                assert_eq!(shards.raw_u8(index), whole.raw_u8(index));
                assert_eq!(shards.sha256(index), whole.sha256(index));
            }
            let both = [
                shards.concat(&whole).unwrap(),
                whole.concat(&shards).unwrap(),
                whole.concat(&whole).unwrap(),
            ];
            let both = both.map(|data| gathered(&data, &(0..22).collect::<Vec<_>>()));
            assert!(both[0] == both[2] && both[1] == both[2]);
            let views = [&shards, &whole].map(|data| data.subset(&[10, 2, 3, 7]).unwrap());
            assert_eq!(gathered(&views[0], &[3, 0, 1]), gathered(&views[1], &[3, 0, 1]));
        }
        let [(shards, whole), _] = both();
        let turned = Augmentation {
            affine: Some(Affine { rotation: 20.0, ..Affine::default() }),
            ..Augmentation::default()
        };
        let batches = [shards, whole].map(|data| {
            let mut batch = Batch::default();
            let data = data.with_augmentation(&turned).unwrap();
            data.gather_augmented(&[9, 3, 0], Pass { seed: 1, epoch: 2 }, &mut batch);
            batch
        });
        assert_eq!(batches[0], batches[1]);
    }

    #[test]
    fn a_training_visits_shard_after_shard() {
        let [(shards, whole), _] = both();
        let pass = Pass { seed: 3, epoch: 1 };
        assert_eq!(shards.order(pass, 4), shard_order(&[3, 4, 9, 11], 3, 1, 4));
        assert_ne!(shards.order(pass, 4), whole.order(pass, 4));
        // Of a view by its own places.
        let view = shards.subset(&[0, 1, 4, 5, 6, 9]).unwrap();
        assert_eq!(view.order(pass, 4), shard_order(&[2, 5, 6], 3, 1, 4));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let uneven = vec![Bytes::from(vec![0; 16]), Bytes::from(vec![0; 9])];
        let images = |shards| Dataset::from_u8_shards(&[8], shards, targets(), Normalization::none(), here());
        let message = images(uneven.clone()).unwrap_err().to_string();
        assert!(message.contains("shard 2 holds 9 bytes, expected a multiple of the 8"), "{message}");
        let message = Dataset::from_f32_shards(&[2], uneven, targets(), here()).unwrap_err().to_string();
        assert!(message.contains("multiple of the 8"), "{message}");
        let message = images(vec![Bytes::from(vec![0; 16])]).unwrap_err().to_string();
        assert!(message.contains("expected 88 values, found 16"), "{message}");
        assert!(matches!(images(Vec::new()), Err(DataError::Lengths { .. })));
        assert!(matches!(
            Dataset::from_f32_shards(&[usize::MAX / 2], Vec::new(), targets(), here()),
            Err(DataError::SampleShape { .. })
        ));
    }

    #[test]
    fn numbers_that_are_not_finite_are_found_as_they_are_read() {
        let mut values = [1.0_f32; 22];
        values[13] = f32::NAN;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let data = Dataset::from_f32_shards(&[2], pieces(&bytes), targets(), here()).unwrap();
        let mut batch = Batch::default();
        Source::gather(&data, &[0, 5], &mut batch).unwrap();
        for refused in [
            Source::gather(&data, &[5, 6], &mut batch),
            Source::gather_augmented(&data, &[6], Pass { seed: 0, epoch: 1 }, &mut batch),
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("feature of sample 6 is NaN"), "{message}");
        }
    }
}
