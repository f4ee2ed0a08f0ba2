//! One rank's part of every batch.

use std::ops::Range;
use std::sync::Arc;

use fireclay_data::{Batch, DataError, FeatureKind, InputKind, Pass, Source, SourceMetadata, TargetKind};

use super::part;

/// A source that gathers, of the samples of a batch, those that are one rank's.
pub(crate) struct BatchPart {
    source: Arc<dyn Source>,
    rank: usize,
    size: usize,
}

impl BatchPart {
    pub(crate) fn new(source: Arc<dyn Source>, rank: usize, size: usize) -> Self {
        BatchPart { source, rank, size }
    }

    /// Which samples of a batch of so many are this rank's.
    pub(crate) fn of(&self, samples: usize) -> Range<usize> {
        part(samples, self.rank, self.size)
    }
}

impl Source for BatchPart {
    fn len(&self) -> usize {
        self.source.len()
    }

    fn sample_shape(&self) -> &[usize] {
        self.source.sample_shape()
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
        self.source.gather(&indices[self.of(indices.len())], batch)
    }

    fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) -> Result<(), DataError> {
        let own = self.of(indices.len());
        if !self.source.needs_whole_batches() {
            return self.source.gather_augmented(&indices[own], pass, batch);
        }
        self.source.gather_augmented(indices, pass, batch)?;
        batch.keep(own);
        Ok(())
    }
}
