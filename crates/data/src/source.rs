//! What a training loop reads from, and what it reads.

use crate::epoch_order;

/// Samples that can be gathered into batches: what the trainer reads.
///
/// ```
/// use fireclay_data::{Batch, BatchFeatures, BatchTargets, Dataset, Normalization, Provenance, Source, Targets};
///
/// # fn main() -> Result<(), fireclay_data::DataError> {
/// let targets = Targets::Classes { labels: vec![0, 1], names: vec!["dark".into(), "light".into()] };
/// let provenance = Provenance::new("two pixels", "train", "made by hand");
/// let dataset = Dataset::from_u8(&[1, 1, 1], vec![0, 255], targets, Normalization::none(), provenance)?;
///
/// let mut batch = Batch::default();
/// dataset.gather(&[1, 0], &mut batch);
/// assert_eq!(batch.features, BatchFeatures::Values(vec![1.0, 0.0]));
/// assert_eq!(batch.targets, BatchTargets::Classes(vec![1, 0]));
/// # Ok(())
/// # }
/// ```
pub trait Source: Send + Sync {
    /// How many samples there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of one sample, for example `[channels, height, width]`.
    fn sample_shape(&self) -> &[usize];

    /// Whether every batch has samples of [`sample_shape`](Self::sample_shape), rather than of that of its longest sample.
    fn has_fixed_shape(&self) -> bool {
        true
    }

    /// What a sample consists of; numbers, unless a source says otherwise.
    fn feature_kind(&self) -> FeatureKind {
        FeatureKind::Values
    }

    /// What is to be predicted.
    fn target_kind(&self) -> TargetKind;

    /// Writes the samples `indices`, in that order, into `batch`, replacing what it held and reusing its memory.
    ///
    /// # Panics
    /// If an index is not below [`Source::len`].
    fn gather(&self, indices: &[u32], batch: &mut Batch);

    /// The order in which a pass of a training visits the samples: a permutation of `0..len`, cut into batches of
    /// `batch_size` from its beginning. A function of its arguments alone.
    fn order(&self, pass: Pass, batch_size: usize) -> Vec<u32> {
        let _ = batch_size;
        epoch_order(self.len(), pass.seed, pass.epoch)
    }

    /// As [`gather`](Self::gather), for a step of a training: samples may be augmented, each as `pass` and its index
    /// alone decide.
    ///
    /// # Panics
    /// As [`gather`](Self::gather).
    fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) {
        let _ = pass;
        self.gather(indices, batch);
    }
}

/// One pass of a training over its samples: what order and augmentation are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The seed of the training.
    pub seed: u64,
    /// The epoch.
    pub epoch: usize,
}

/// What samples consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// Numbers.
    Values,
    /// Whole numbers that stand for words or letters.
    Tokens {
        /// Every token is below it.
        vocabulary_size: usize,
    },
}

/// What a model is to predict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One of `count` classes.
    Classes {
        /// How many classes there are.
        count: usize,
    },
    /// `width` numbers.
    Values {
        /// Numbers per sample.
        width: usize,
    },
    /// At each step of a sample of tokens the token that comes next.
    NextTokens {
        /// Every token is below it.
        vocabulary_size: usize,
    },
}

/// The samples of one step, normalised where they are numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// `[batch, ..sample]`.
    pub shape: Vec<usize>,
    /// The features, row-major, of that shape.
    pub features: BatchFeatures,
    /// The targets of the same samples.
    pub targets: BatchTargets,
    /// `[batch]`: which samples of the source these are.
    pub indices: Vec<u32>,
}

impl Batch {
    /// How many samples it holds.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// The features of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchFeatures {
    /// Numbers.
    Values(Vec<f32>),
    /// Tokens, 0 or more, in the type in which devices count.
    Tokens(Vec<i32>),
}

impl BatchFeatures {
    /// The numbers, to be filled anew: their memory where there is some, and tokens make room for them.
    pub fn values_mut(&mut self) -> &mut Vec<f32> {
        if let BatchFeatures::Tokens(_) = self {
            *self = BatchFeatures::Values(Vec::new());
        }
        match self {
            BatchFeatures::Values(values) => values,
            BatchFeatures::Tokens(_) => unreachable!("they made room"),
        }
    }

    /// The tokens, to be filled anew: their memory where there is some, and numbers make room for them.
    pub fn tokens_mut(&mut self) -> &mut Vec<i32> {
        if let BatchFeatures::Values(_) = self {
            *self = BatchFeatures::Tokens(Vec::new());
        }
        match self {
            BatchFeatures::Tokens(tokens) => tokens,
            BatchFeatures::Values(_) => unreachable!("they made room"),
        }
    }
}

impl Default for BatchFeatures {
    fn default() -> Self {
        BatchFeatures::Values(Vec::new())
    }
}

/// The targets of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchTargets {
    /// `[batch]`, each below the number of classes.
    Classes(Vec<u32>),
    /// Of samples that are each mixed from two: `share` of one with the first class, the rest of one with the second.
    MixedClasses {
        /// `[batch]`, each below the number of classes.
        labels: Vec<u32>,
        /// `[batch]`, each below the number of classes.
        partners: Vec<u32>,
        /// How much of each sample is of its first class, in `[0, 1]`.
        share: f32,
    },
    /// `width` numbers per sample.
    Values {
        /// Numbers per sample.
        width: usize,
        /// `[batch, width]`, row-major.
        values: Vec<f32>,
    },
    /// At each step of each sample the token that comes next: `[batch * steps]`, sample by sample.
    NextTokens(Vec<u32>),
}

impl Default for BatchTargets {
    fn default() -> Self {
        BatchTargets::Classes(Vec::new())
    }
}
