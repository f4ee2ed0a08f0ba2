//! Some of the samples of any source.

use std::sync::Arc;

use crate::source::{Batch, FeatureKind, InputKind, Pass, Source, SourceMetadata, TargetKind};
use crate::{DataError, split_indices};

/// At most `count` places of so many, spread evenly; at least one, if there are any.
pub(crate) fn evenly_spaced(all: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.clamp(1, all.max(1)).min(all);
    (0..count).map(move |index| (index as u64 * all as u64 / count as u64) as usize)
}

/// Some of the samples of a source, in an order of their own; the samples themselves stay where they are.
///
/// ```
/// use std::sync::Arc;
/// use fireclay_data::{Batch, Dataset, Provenance, Source, Subset, Targets};
///
/// let targets = Targets::Values { width: 1, values: vec![0.0, 1.0, 2.0, 3.0] };
/// let data = Dataset::from_f32(&[1], vec![0.0; 4], targets, Provenance::default())?;
/// let (training, validation) = Subset::split(Arc::new(data), 0.25, 7)?;
/// assert_eq!((training.len(), validation.len()), (3, 1));
/// # Ok::<(), fireclay_data::DataError>(())
/// ```
#[derive(Clone)]
pub struct Subset {
    source: Arc<dyn Source>,
    indices: Arc<[u32]>,
}

impl Subset {
    /// The samples at `indices`, in that order; an index may occur more than once.
    ///
    /// # Errors
    /// [`DataError::Index`] if an index is not below [`Source::len`].
    pub fn new(source: Arc<dyn Source>, indices: Vec<u32>) -> Result<Self, DataError> {
        let samples = source.len();
        match indices.iter().find(|index| **index as usize >= samples) {
            Some(index) => Err(DataError::Index { index: *index as usize, samples }),
            None => Ok(Subset { source, indices: indices.into() }),
        }
    }

    /// At most `count` samples, spread evenly over all of a source; at least one, if it has any.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use fireclay_data::{Batch, Dataset, Provenance, Source, Subset, Targets};
    /// # let targets = Targets::Values { width: 1, values: vec![0.0, 1.0, 2.0, 3.0, 4.0] };
    /// # let data = Dataset::from_f32(&[1], vec![0.0; 5], targets, Provenance::default())?;
    /// assert_eq!(Subset::spread(Arc::new(data.clone()), 2)?.len(), 2);
    /// assert_eq!(Subset::spread(Arc::new(data), 9)?.len(), 5);
    /// # Ok::<(), fireclay_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`new`](Self::new), which takes all of these.
    pub fn spread(source: Arc<dyn Source>, count: usize) -> Result<Self, DataError> {
        let indices = evenly_spaced(source.len(), count).map(|index| index as u32).collect();
        Subset::new(source, indices)
    }

    /// Splits off `validation_fraction` of the samples, rounded, picked by `seed` alone: `(training, validation)`.
    ///
    /// # Errors
    /// [`DataError::Fraction`] if the fraction is not above 0 and below 1, [`DataError::TooFewToSplit`] if one of the
    /// parts would be empty.
    pub fn split(
        source: Arc<dyn Source>,
        validation_fraction: f64,
        seed: u64,
    ) -> Result<(Self, Self), DataError> {
        let (training, validation) = split_indices(source.len(), None, 0, validation_fraction, seed)?;
        let part = |indices: Vec<usize>| {
            // Samples are counted in 32 bits wherever they are gathered.
            let indices = indices.into_iter().map(|index| index as u32).collect();
            Subset { source: source.clone(), indices }
        };
        Ok((part(training), part(validation)))
    }

    fn gather_with(
        &self,
        indices: &[u32],
        batch: &mut Batch,
        gather: impl FnOnce(&[u32], &mut Batch) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let of_source: Vec<u32> = indices.iter().map(|index| self.indices[*index as usize]).collect();
        gather(&of_source, batch)?;
        batch.indices.clear();
        batch.indices.extend_from_slice(indices);
        Ok(())
    }
}

impl Source for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn sample_shape(&self) -> &[usize] {
        self.source.sample_shape()
    }

    fn has_fixed_shape(&self) -> bool {
        self.source.has_fixed_shape()
    }

    fn needs_whole_batches(&self) -> bool {
        self.source.needs_whole_batches()
    }

    fn feature_kind(&self) -> FeatureKind {
        self.source.feature_kind()
    }

    fn input_name(&self) -> &str {
        self.source.input_name()
    }

    fn other_inputs(&self) -> &[InputKind] {
        self.source.other_inputs()
    }

    fn target_kind(&self) -> TargetKind {
        self.source.target_kind()
    }

    fn metadata(&self) -> SourceMetadata {
        self.source.metadata()
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        self.gather_with(indices, batch, |indices, batch| self.source.gather(indices, batch))
    }

    fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) -> Result<(), DataError> {
        self.gather_with(indices, batch, |indices, batch| self.source.gather_augmented(indices, pass, batch))
    }
}
