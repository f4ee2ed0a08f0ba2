//! What a training loop reads from, and what it reads.

/// Samples that can be gathered into batches: what the trainer reads.
///
/// ```
/// use fireclay_data::{Batch, BatchTargets, Dataset, Normalization, Provenance, Source, Targets};
///
/// # fn main() -> Result<(), fireclay_data::DataError> {
/// let targets = Targets::Classes { labels: vec![0, 1], names: vec!["dark".into(), "light".into()] };
/// let provenance = Provenance::new("two pixels", "train", "made by hand");
/// let dataset = Dataset::from_u8(&[1, 1, 1], vec![0, 255], targets, Normalization::none(), provenance)?;
///
/// let mut batch = Batch::default();
/// dataset.gather(&[1, 0], &mut batch);
/// assert_eq!(batch.features, [1.0, 0.0]);
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

    /// What is to be predicted.
    fn target_kind(&self) -> TargetKind;

    /// Writes the samples `indices`, in that order, into `batch`, replacing what it held and reusing its memory.
    ///
    /// # Panics
    /// If an index is not below [`Source::len`].
    fn gather(&self, indices: &[u32], batch: &mut Batch);
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
}

/// The samples of one step, normalised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// `[batch, ..sample]`.
    pub shape: Vec<usize>,
    /// The features, row-major, of that shape.
    pub features: Vec<f32>,
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

/// The targets of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchTargets {
    /// `[batch]`, each below the number of classes.
    Classes(Vec<u32>),
    /// `width` numbers per sample.
    Values {
        /// Numbers per sample.
        width: usize,
        /// `[batch, width]`, row-major.
        values: Vec<f32>,
    },
}

impl Default for BatchTargets {
    fn default() -> Self {
        BatchTargets::Classes(Vec::new())
    }
}
