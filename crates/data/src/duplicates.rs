//! Samples that occur more than once.
//!
//! Samples are compared by the first 128 bits of their SHA-256: no two different samples are known, or can be made with
//! any effort one could afford, that agree in them.

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::source::{Batch, BatchTargets};
use crate::{Dataset, Targets};

/// How many pairs are given as examples.
const EXAMPLES: usize = 5;

/// Samples that occur more than once, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Duplicates {
    /// Training samples that repeat an earlier training sample.
    pub within_train: DuplicateCount,
    /// Test samples that repeat an earlier test sample.
    pub within_test: DuplicateCount,
    /// Test samples that are training samples too: a score on them says nothing about new data.
    pub between: DuplicateCount,
}

/// How many samples repeat others.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DuplicateCount {
    /// How many repeat another.
    pub samples: usize,
    /// How many of them have another target than a sample that they repeat.
    pub contradicting: usize,
    /// A few of them, those that contradict first.
    pub examples: Vec<DuplicatePair>,
}

/// Two equal samples, by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DuplicatePair {
    /// The earlier one, or the training sample.
    pub first: usize,
    /// The one that repeats it, or the test sample.
    pub second: usize,
    /// Whether their targets differ.
    pub contradicting: bool,
}

/// Equal training samples whose targets differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Conflicts {
    /// How many training samples are the same as one with another target, or as one that is the same as such a one.
    pub samples: usize,
    /// How many different samples they are.
    pub groups: usize,
    /// A few pairs of them, one for each different sample.
    pub examples: Vec<DuplicatePair>,
}

/// The two parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPart {
    /// The samples that a model is trained on.
    Train,
    /// The samples that it is measured on.
    Test,
}

impl Duplicates {
    /// The duplicates of two parts, as their samples are stored. Classes are compared by their names.
    ///
    /// All threads of rayon's pool take part; the result does not depend on how many there are.
    ///
    /// ```
    /// use fireclay_data::{Dataset, DuplicatePair, Duplicates, Provenance, Targets};
    ///
    /// let part = |values: &[f32]| {
    ///     let targets = Targets::Classes { labels: vec![0; values.len()], names: vec!["a".into()] };
    ///     Dataset::from_f32(&[1], values.to_vec(), targets, Provenance::default())
    /// };
    /// let found = Duplicates::of(&part(&[1.0, 2.0, 1.0])?, &part(&[2.0, 3.0])?);
    /// assert_eq!(found.within_train.samples, 1);
    /// assert_eq!(found.between.examples, [DuplicatePair { first: 1, second: 0, contradicting: false }]);
    /// # Ok::<(), fireclay_data::DataError>(())
    /// ```
    pub fn of(train: &Dataset, test: &Dataset) -> Self {
        of_datasets(train, test).0
    }

    /// The duplicates of two parts of anything: the bytes of each sample, and what it is to be predicted as.
    pub fn of_bytes<T: PartialEq>(
        train: &[&[u8]],
        test: &[&[u8]],
        target: impl Fn(DataPart, usize) -> T,
    ) -> Self {
        let hashes = |samples: &[&[u8]]| -> Vec<Hash> {
            samples.par_iter().map(|bytes| first_half(Sha256::digest(bytes).into())).collect()
        };
        find(&hashes(train), &hashes(test), target).0
    }
}

/// The duplicates of two parts, and the conflicts among those of training.
pub(crate) fn of_datasets(train: &Dataset, test: &Dataset) -> (Duplicates, Conflicts) {
    find(&hashes(train), &hashes(test), |part, index| match part {
        DataPart::Train => Target::of(train, index),
        DataPart::Test => Target::of(test, index),
    })
}

type Hash = [u8; 16];

fn first_half(hash: [u8; 32]) -> Hash {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

fn hashes(dataset: &Dataset) -> Vec<Hash> {
    let indices = (0..dataset.len()).into_par_iter().with_min_len(16);
    indices.filter_map(|index| dataset.sha256(index)).map(first_half).collect()
}

/// What a sample is to be predicted as, comparable between parts: a class by its name.
#[derive(PartialEq)]
enum Target<'a> {
    Class(&'a str),
    Values(Vec<u32>),
}

impl<'a> Target<'a> {
    fn of(dataset: &'a Dataset, index: usize) -> Self {
        if let Some(label) = dataset.label(index) {
            return Target::Class(&dataset.class_names()[label as usize]);
        }
        if matches!(dataset.targets(), Some(Targets::Features { .. })) {
            // The sample itself: equal samples have equal targets.
            return Target::Values(Vec::new());
        }
        let mut batch = Batch::default();
        dataset.gather(&[index as u32], &mut batch);
        match batch.targets {
            BatchTargets::Values { values, .. } | BatchTargets::Labels { values, .. } => {
                Target::Values(values.iter().map(|value| value.to_bits()).collect())
            }
            BatchTargets::NextTokens(tokens) | BatchTargets::StepClasses(tokens) => Target::Values(tokens),
            BatchTargets::Classes(_)
            | BatchTargets::MixedClasses { .. }
            | BatchTargets::ClassesWithLogits { .. } => {
                unreachable!("a class has a label")
            }
        }
    }
}

/// The first sample of a group of equal ones, and the first whose target differs from its.
struct Seen<T> {
    first: (usize, T),
    other: Option<usize>,
    samples: usize,
}

impl<T: PartialEq> Seen<T> {
    fn new(index: usize, target: T) -> Self {
        Seen { first: (index, target), other: None, samples: 1 }
    }

    fn pair(&self, index: usize, target: &T) -> DuplicatePair {
        let contradicted = if self.first.1 == *target { self.other } else { Some(self.first.0) };
        DuplicatePair {
            first: contradicted.unwrap_or(self.first.0),
            second: index,
            contradicting: contradicted.is_some(),
        }
    }

    fn add(&mut self, index: usize, target: &T) {
        self.samples += 1;
        if self.other.is_none() && self.first.1 != *target {
            self.other = Some(index);
        }
    }
}

fn find<T: PartialEq>(
    train: &[Hash],
    test: &[Hash],
    target: impl Fn(DataPart, usize) -> T,
) -> (Duplicates, Conflicts) {
    let mut order: Vec<(Hash, usize)> =
        train.iter().chain(test).enumerate().map(|(index, hash)| (*hash, index)).collect();
    order.par_sort_unstable();
    let (mut within_train, mut within_test, mut between) = (Vec::new(), Vec::new(), Vec::new());
    let mut conflicts = Conflicts::default();
    for group in order.chunk_by(|left, right| left.0 == right.0).filter(|group| group.len() > 1) {
        let (mut in_train, mut in_test): (Option<Seen<T>>, Option<Seen<T>>) = (None, None);
        // The training samples come first, each part in order.
        for &(_, at) in group {
            let (index, target, seen, pairs) = match at.checked_sub(train.len()) {
                None => (at, target(DataPart::Train, at), &mut in_train, &mut within_train),
                Some(index) => {
                    let target = target(DataPart::Test, index);
                    if let Some(seen) = &in_train {
                        between.push(seen.pair(index, &target));
                    }
                    (index, target, &mut in_test, &mut within_test)
                }
            };
            match seen {
                None => *seen = Some(Seen::new(index, target)),
                Some(seen) => {
                    pairs.push(seen.pair(index, &target));
                    seen.add(index, &target);
                }
            }
        }
        if let Some(Seen { first: (first, _), other: Some(second), samples }) = in_train {
            conflicts.samples += samples;
            conflicts.groups += 1;
            conflicts.examples.push(DuplicatePair { first, second, contradicting: true });
        }
    }
    conflicts.examples.sort_unstable_by_key(|pair| (pair.first, pair.second));
    conflicts.examples.truncate(EXAMPLES);
    let duplicates = Duplicates {
        within_train: counted(within_train),
        within_test: counted(within_test),
        between: counted(between),
    };
    (duplicates, conflicts)
}

fn counted(mut pairs: Vec<DuplicatePair>) -> DuplicateCount {
    pairs.sort_unstable_by_key(|pair| (!pair.contradicting, pair.second, pair.first));
    let contradicting = pairs.iter().filter(|pair| pair.contradicting).count();
    let samples = pairs.len();
    pairs.truncate(EXAMPLES);
    pairs.shrink_to_fit();
    DuplicateCount { samples, contradicting, examples: pairs }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of one byte, each with its target.
    fn found(train: &[(u8, u32)], test: &[(u8, u32)]) -> (Duplicates, Conflicts) {
        let hashes = |samples: &[(u8, u32)]| -> Vec<Hash> {
            samples.iter().map(|(byte, _)| first_half(Sha256::digest([*byte]).into())).collect()
        };
        find(&hashes(train), &hashes(test), |part, index| match part {
            DataPart::Train => train[index].1,
            DataPart::Test => test[index].1,
        })
    }

    #[test]
    fn conflicts_count_every_sample_of_a_group_once() {
        let train = [(7, 0), (8, 0), (7, 0), (7, 1), (9, 2), (9, 3), (8, 0), (7, 2)];
        let (duplicates, conflicts) = found(&train, &[(7, 0), (1, 0)]);
        assert_eq!((conflicts.samples, conflicts.groups), (4 + 2, 2));
        let pair = |first, second| DuplicatePair { first, second, contradicting: true };
        assert_eq!(conflicts.examples, [pair(0, 3), pair(4, 5)]);
        assert_eq!((duplicates.within_train.samples, duplicates.within_train.contradicting), (5, 3));
        assert_eq!((duplicates.between.samples, duplicates.between.contradicting), (1, 1));
        // Test samples that conflict with each other are none of training.
        assert_eq!(found(&[(1, 0)], &[(7, 0), (7, 1)]).1, Conflicts::default());
    }

    #[test]
    fn bytes_of_any_length_are_samples() {
        let found = Duplicates::of_bytes(&[b"ab", b"a", b"b"], &[b"", b"a"], |part, _| part);
        assert_eq!(found.within_train.samples, 0);
        assert_eq!(found.between.examples, [DuplicatePair { first: 1, second: 1, contradicting: true }]);
    }
}
