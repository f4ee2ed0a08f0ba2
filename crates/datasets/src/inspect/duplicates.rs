//! Samples that occur more than once.
//!
//! Samples are compared by the first 128 bits of their SHA-256: no two different samples are known, or can be made with
//! any effort one could afford, that agree in them.

use fireclay_data::{Batch, BatchFeatures, BatchTargets, Dataset};
use fireclay_text::Texts;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::numbers::as_stored;
use super::{DuplicateCount, DuplicatePair, Duplicates};

/// How many pairs are given as examples.
const EXAMPLES: usize = 5;

type Hash = [u8; 16];

/// What a sample is to be predicted as, comparable between splits: a class by its name.
#[derive(Clone, PartialEq)]
enum Target<'a> {
    Class(&'a str),
    Values(Vec<u32>),
}

/// Finds the duplicates of two splits of images, numbers or tokens.
pub(super) fn of_datasets(train: &Dataset, test: &Dataset) -> Duplicates {
    let (train, test) = (as_stored(train), as_stored(test));
    find(&hashes(&train), &hashes(&test), |sample| match sample {
        Sample::Train(index) => target(&train, index),
        Sample::Test(index) => target(&test, index),
    })
}

/// Finds the duplicates of two splits of texts, after trimming white space.
pub(super) fn of_texts(train: &Texts, test: &Texts) -> Duplicates {
    let hashes = |texts: &Texts| -> Vec<Hash> {
        texts.texts().par_iter().map(|text| hash(text.trim().as_bytes())).collect()
    };
    find(&hashes(train), &hashes(test), |sample| match sample {
        Sample::Train(index) => text_target(train, index),
        Sample::Test(index) => text_target(test, index),
    })
}

fn hash(bytes: &[u8]) -> Hash {
    let digest = Sha256::digest(bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    first
}

fn hashes(dataset: &Dataset) -> Vec<Hash> {
    (0..dataset.len())
        .into_par_iter()
        .with_min_len(16)
        .map_init(Batch::default, |batch, index| {
            if let Some(bytes) = dataset.raw_u8(index) {
                return hash(bytes);
            }
            dataset.gather(&[index as u32], batch);
            let bytes: Vec<u8> = match &batch.features {
                BatchFeatures::Values(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                BatchFeatures::Tokens(tokens) => tokens.iter().flat_map(|t| t.to_le_bytes()).collect(),
            };
            hash(&bytes)
        })
        .collect()
}

fn target(dataset: &Dataset, index: usize) -> Target<'_> {
    if let Some(label) = dataset.label(index) {
        return Target::Class(&dataset.class_names()[label as usize]);
    }
    let mut batch = Batch::default();
    dataset.gather(&[index as u32], &mut batch);
    match batch.targets {
        BatchTargets::Values { values, .. } | BatchTargets::Labels { values, .. } => {
            Target::Values(bits(&values))
        }
        BatchTargets::NextTokens(tokens) | BatchTargets::StepClasses(tokens) => Target::Values(tokens),
        BatchTargets::Classes(_) | BatchTargets::MixedClasses { .. } => unreachable!("a class has a label"),
    }
}

fn text_target(texts: &Texts, index: usize) -> Target<'_> {
    match texts.targets().classes() {
        Some((labels, names)) => Target::Class(&names[labels[index] as usize]),
        None => Target::Values(bits(&texts.targets().numbers(index))),
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[derive(Clone, Copy)]
enum Sample {
    Train(usize),
    Test(usize),
}

/// The first sample of a group of equal ones, and the first whose target differs from its.
struct Seen<'a> {
    first: (usize, Target<'a>),
    other: Option<usize>,
}

impl<'a> Seen<'a> {
    fn pair(&self, index: usize, target: &Target<'a>) -> DuplicatePair {
        let contradicted = if self.first.1 == *target { self.other } else { Some(self.first.0) };
        DuplicatePair {
            first: contradicted.unwrap_or(self.first.0),
            second: index,
            contradicting: contradicted.is_some(),
        }
    }

    fn add(&mut self, index: usize, target: &Target<'a>) {
        if self.other.is_none() && self.first.1 != *target {
            self.other = Some(index);
        }
    }
}

fn find<'a>(train: &[Hash], test: &[Hash], target: impl Fn(Sample) -> Target<'a>) -> Duplicates {
    let mut order: Vec<(Hash, usize)> =
        train.iter().chain(test).enumerate().map(|(index, hash)| (*hash, index)).collect();
    order.par_sort_unstable();
    let (mut within_train, mut within_test, mut between) = (Vec::new(), Vec::new(), Vec::new());
    for group in order.chunk_by(|left, right| left.0 == right.0).filter(|group| group.len() > 1) {
        let (mut in_train, mut in_test): (Option<Seen>, Option<Seen>) = (None, None);
        // The training samples come first, each split in order.
        for &(_, at) in group {
            let (index, target, seen, pairs) = match at.checked_sub(train.len()) {
                None => (at, target(Sample::Train(at)), &mut in_train, &mut within_train),
                Some(index) => {
                    let target = target(Sample::Test(index));
                    if let Some(seen) = &in_train {
                        between.push(seen.pair(index, &target));
                    }
                    (index, target, &mut in_test, &mut within_test)
                }
            };
            match seen {
                None => *seen = Some(Seen { first: (index, target), other: None }),
                Some(seen) => {
                    pairs.push(seen.pair(index, &target));
                    seen.add(index, &target);
                }
            }
        }
    }
    Duplicates {
        within_train: summary(within_train),
        within_test: summary(within_test),
        between: summary(between),
    }
}

fn summary(mut pairs: Vec<DuplicatePair>) -> DuplicateCount {
    pairs.sort_unstable_by_key(|pair| (!pair.contradicting, pair.second, pair.first));
    let contradicting = pairs.iter().filter(|pair| pair.contradicting).count();
    let samples = pairs.len();
    pairs.truncate(EXAMPLES);
    pairs.shrink_to_fit();
    DuplicateCount { samples, contradicting, examples: pairs }
}
