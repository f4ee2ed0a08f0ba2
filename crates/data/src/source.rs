//! What a training loop reads from, and what it reads.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use fireclay_kernels::mix;

use crate::{DataError, Normalization, Provenance, SampleDigests, epoch_order};

/// Samples that can be gathered into batches: what `fit`, `evaluate` and `predict` read.
///
/// [`Dataset`](crate::Dataset) is one, held in memory or mapped from a file. A source of one's own, such as a file or a
/// database larger than memory, says how many samples there are, what a sample looks like, and fills batches; it is called
/// from worker threads, several at once, while the training computes. Several sources with inputs of different kinds become
/// one by [`NamedInputs`](crate::NamedInputs).
///
/// ```
/// use fireclay_data::{Batch, BatchTargets, DataError, Source, TargetKind};
///
/// /// Points on a line; none of them is stored.
/// #[derive(Clone)]
/// struct Line;
///
/// impl Source for Line {
///     fn len(&self) -> usize {
///         1_000_000_000
///     }
///
///     fn sample_shape(&self) -> &[usize] {
///         &[1]
///     }
///
///     fn target_kind(&self) -> TargetKind {
///         TargetKind::Values { width: 1 }
///     }
///
///     fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
///         let xs: Vec<f32> = indices.iter().map(|index| *index as f32 / 1e9).collect();
///         let values = xs.iter().map(|x| 2.0 * x + 1.0).collect();
///         batch.fill(indices, &[1], xs, BatchTargets::Values { width: 1, values });
///         Ok(())
///     }
/// }
///
/// let mut batch = Batch::default();
/// Line.gather(&[500_000_000, 0], &mut batch)?;
/// assert_eq!(batch.shape, [2, 1]);
/// assert_eq!(batch.targets, BatchTargets::Values { width: 1, values: vec![2.0, 1.0] });
/// # Ok::<(), DataError>(())
/// ```
pub trait Source: Send + Sync {
    /// How many samples there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of one sample, for example `[channels, height, width]`; that of the first input if there are several.
    fn sample_shape(&self) -> &[usize];

    /// Whether every batch has samples of [`sample_shape`](Self::sample_shape), rather than of that of its longest sample.
    fn has_fixed_shape(&self) -> bool {
        true
    }

    /// Whether what a sample becomes depends on the others of its batch: with mixup, or where a batch has the shape of its longest
    /// sample. A part of such a batch is gathered with the rest of it.
    fn needs_whole_batches(&self) -> bool {
        !self.has_fixed_shape()
    }

    /// What a sample consists of; numbers, unless a source says otherwise.
    fn feature_kind(&self) -> FeatureKind {
        FeatureKind::Values
    }

    /// The name of the first input, by which a network with several inputs asks for it.
    fn input_name(&self) -> &str {
        "input"
    }

    /// Inputs besides the first, in the order of [`Batch::other_inputs`]; none by default.
    fn other_inputs(&self) -> &[InputKind] {
        &[]
    }

    /// What is to be predicted.
    fn target_kind(&self) -> TargetKind;

    /// What goes into the model file with a network that was trained on these samples.
    fn metadata(&self) -> SourceMetadata {
        SourceMetadata::default()
    }

    /// Writes the samples `indices`, in that order, into `batch`, replacing what it held and reusing its memory.
    ///
    /// # Errors
    /// [`DataError::Source`] with what went wrong while the samples were read; it ends the training.
    ///
    /// # Panics
    /// If an index is not below [`Source::len`].
    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError>;

    /// The order in which a pass of a training visits the samples: a permutation of `0..len`, cut into batches of
    /// `batch_size` from its beginning. A function of its arguments alone.
    fn order(&self, pass: Pass, batch_size: usize) -> Vec<u32> {
        let _ = batch_size;
        epoch_order(self.len(), pass.seed, pass.epoch)
    }

    /// As [`gather`](Self::gather), for a step of a training: samples may be augmented, each as `pass` and its index
    /// alone decide.
    ///
    /// # Errors
    /// As [`gather`](Self::gather).
    ///
    /// # Panics
    /// As [`gather`](Self::gather).
    fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) -> Result<(), DataError> {
        let _ = pass;
        self.gather(indices, batch)
    }

    /// Splits off a part for validation, `(training, validation)`, in the source's own way, such as by class; `None`, the
    /// default, for samples drawn by `seed` without regard to their targets ([`Subset::split`](crate::Subset::split)).
    ///
    /// # Errors
    /// [`DataError`] if one of the parts would be empty.
    fn split(&self, validation_fraction: f64, seed: u64) -> Result<Option<SourcePair>, DataError> {
        let _ = (validation_fraction, seed);
        Ok(None)
    }
}

/// A training part and a validation part.
pub type SourcePair = (Arc<dyn Source>, Arc<dyn Source>);

impl<S: Source + ?Sized> Source for Arc<S> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn sample_shape(&self) -> &[usize] {
        (**self).sample_shape()
    }

    fn has_fixed_shape(&self) -> bool {
        (**self).has_fixed_shape()
    }

    fn needs_whole_batches(&self) -> bool {
        (**self).needs_whole_batches()
    }

    fn feature_kind(&self) -> FeatureKind {
        (**self).feature_kind()
    }

    fn input_name(&self) -> &str {
        (**self).input_name()
    }

    fn other_inputs(&self) -> &[InputKind] {
        (**self).other_inputs()
    }

    fn target_kind(&self) -> TargetKind {
        (**self).target_kind()
    }

    fn metadata(&self) -> SourceMetadata {
        (**self).metadata()
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        (**self).gather(indices, batch)
    }

    fn order(&self, pass: Pass, batch_size: usize) -> Vec<u32> {
        (**self).order(pass, batch_size)
    }

    fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) -> Result<(), DataError> {
        (**self).gather_augmented(indices, pass, batch)
    }

    fn split(&self, validation_fraction: f64, seed: u64) -> Result<Option<SourcePair>, DataError> {
        (**self).split(validation_fraction, seed)
    }
}

/// What a source says about its samples for the model file.
#[derive(Clone, Debug, Default)]
pub struct SourceMetadata {
    /// Names of the classes or labels, in the order of the outputs; empty if there are none.
    pub classes: Vec<String>,
    /// How numbers were normalised; `None` for tokens, and where a source does not say.
    pub normalization: Option<Normalization>,
    /// How the samples were made, in a type that only its maker knows, such as how texts became tokens.
    pub preprocessing: Option<Arc<dyn Any + Send + Sync>>,
    /// Digests of all samples, where the model file is to keep them.
    pub digests: Option<SampleDigests>,
    /// Mean and standard deviation by which target values were standardised, one pair for each output.
    pub target_scale: Option<Normalization>,
    /// Where the samples came from.
    pub provenance: Option<Provenance>,
}

/// One of several inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputKind {
    /// The name by which the network asks for it.
    pub name: String,
    /// The shape of one sample of it.
    pub shape: Vec<usize>,
    /// What it consists of.
    pub kind: FeatureKind,
}

/// One pass of a training over its samples: what order and augmentation are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The seed of the training.
    pub seed: u64,
    /// The epoch.
    pub epoch: usize,
}

impl Pass {
    /// A seed for what is drawn in one step, counted from 1, of this pass: dropout.
    ///
    /// ```
    /// use fireclay_data::Pass;
    /// let pass = Pass { seed: 0, epoch: 1 };
    /// assert_eq!(pass.step_seed(1), pass.step_seed(1));
    /// assert_ne!(pass.step_seed(2), Pass { seed: 1, epoch: 1 }.step_seed(1));
    /// ```
    pub fn step_seed(self, step: usize) -> u64 {
        // Mixed twice: added up, seed 1 at one step would be seed 0 at the next.
        mix(mix(self.seed) ^ ((self.epoch as u64) << 40) ^ step as u64)
    }
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
    /// Any number of `count` labels, 0 or 1 for each of them.
    Labels {
        /// How many labels there are.
        count: usize,
    },
    /// At each of `steps` steps of a sample one of `count` classes; steps of weight 0 are padding.
    StepClasses {
        /// How many classes there are.
        count: usize,
        /// Steps per sample.
        steps: usize,
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
    /// Inputs besides the first, as [`Source::other_inputs`] lists them.
    pub other_inputs: Vec<InputFeatures>,
    /// The targets of the same samples.
    pub targets: BatchTargets,
    /// How much each target counts, 0 or more: `[batch]`, or `[batch * steps]` for targets at each step. `None` if they
    /// all count alike.
    pub weights: Option<Vec<f32>>,
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

    /// Holds the samples `indices` with these numbers and targets from now on, and nothing else.
    ///
    /// # Shapes
    /// - `sample_shape`: of one sample
    /// - `values`: `[indices.len(), ..sample_shape]`, row-major
    pub fn fill(&mut self, indices: &[u32], sample_shape: &[usize], values: Vec<f32>, targets: BatchTargets) {
        self.indices.clear();
        self.indices.extend_from_slice(indices);
        self.shape.clear();
        self.shape.push(indices.len());
        self.shape.extend_from_slice(sample_shape);
        self.features = BatchFeatures::Values(values);
        self.other_inputs.clear();
        self.targets = targets;
        self.weights = None;
    }

    /// Keeps some of its samples, by their places in the batch, and drops the others.
    ///
    /// ```
    /// use fireclay_data::{Batch, BatchTargets};
    ///
    /// let mut batch = Batch::default();
    /// batch.fill(&[7, 3, 5], &[2], vec![7.0, 7.5, 3.0, 3.5, 5.0, 5.5], BatchTargets::Classes(vec![1, 0, 1]));
    /// batch.keep(1..3);
    /// assert_eq!((batch.indices, batch.shape), (vec![3, 5], vec![2, 2]));
    /// assert_eq!(batch.targets, BatchTargets::Classes(vec![0, 1]));
    /// ```
    ///
    /// # Panics
    /// If there are not as many samples.
    pub fn keep(&mut self, samples: Range<usize>) {
        let all = self.len();
        assert!(samples.start <= samples.end && samples.end <= all, "{samples:?} of {all} samples");
        let kept = samples.len();
        let mut features = vec![(&mut self.shape, &mut self.features)];
        features.extend(self.other_inputs.iter_mut().map(|input| (&mut input.shape, &mut input.features)));
        for (shape, features) in features {
            match features {
                BatchFeatures::Values(values) => keep_rows(values, all, &samples),
                BatchFeatures::Tokens(tokens) => keep_rows(tokens, all, &samples),
            }
            if let Some(count) = shape.first_mut() {
                *count = kept;
            }
        }
        match &mut self.targets {
            BatchTargets::Classes(labels)
            | BatchTargets::StepClasses(labels)
            | BatchTargets::NextTokens(labels) => keep_rows(labels, all, &samples),
            BatchTargets::MixedClasses { labels, partners, .. } => {
                keep_rows(labels, all, &samples);
                keep_rows(partners, all, &samples);
            }
            BatchTargets::ClassesWithLogits { labels, logits } => {
                keep_rows(labels, all, &samples);
                keep_rows(logits, all, &samples);
            }
            BatchTargets::Values { values, .. } | BatchTargets::Labels { values, .. } => {
                keep_rows(values, all, &samples);
            }
        }
        if let Some(weights) = &mut self.weights {
            keep_rows(weights, all, &samples);
        }
        keep_rows(&mut self.indices, all, &samples);
    }
}

/// Keeps some of the rows of a table of `all` rows.
fn keep_rows<T>(table: &mut Vec<T>, all: usize, kept: &Range<usize>) {
    let row = table.len() / all.max(1);
    table.truncate(kept.end * row);
    table.drain(..kept.start * row);
}

/// The features of one of several inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputFeatures {
    /// `[batch, ..sample]`.
    pub shape: Vec<usize>,
    /// Row-major, of that shape.
    pub features: BatchFeatures,
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
    /// Classes with the logits that a teacher gives the samples, for distillation.
    ClassesWithLogits {
        /// `[batch]`, each below the number of classes.
        labels: Vec<u32>,
        /// `[batch, classes]`, row-major.
        logits: Vec<f32>,
    },
    /// `width` numbers per sample.
    Values {
        /// Numbers per sample.
        width: usize,
        /// `[batch, width]`, row-major.
        values: Vec<f32>,
    },
    /// Any number of labels per sample, 0 or 1 for each: `[batch, labels]`, row-major.
    Labels {
        /// Labels per sample.
        width: usize,
        /// `[batch, width]`, row-major, 0 or 1.
        values: Vec<f32>,
    },
    /// At each step of each sample one class: `[batch * steps]`, sample by sample.
    StepClasses(Vec<u32>),
    /// At each step of each sample the token that comes next: `[batch * steps]`, sample by sample.
    NextTokens(Vec<u32>),
}

impl Default for BatchTargets {
    fn default() -> Self {
        BatchTargets::Classes(Vec::new())
    }
}
