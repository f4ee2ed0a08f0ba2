//! One batch, over and over.

use std::sync::Arc;

use fireclay_data::{Batch, DataError, FeatureKind, InputKind, Pass, Source, TargetKind};

/// A source that gives the same batch in each step of one long epoch.
#[derive(Clone)]
pub(super) struct FixedBatch {
    source: Arc<dyn Source>,
    batch: Arc<Batch>,
    steps: usize,
}

impl FixedBatch {
    /// The samples at `indices`, as they are measured, for so many steps.
    ///
    /// # Errors
    /// What the source reports.
    pub(super) fn new(source: &Arc<dyn Source>, indices: &[u32], steps: usize) -> Result<Self, DataError> {
        let mut batch = Batch::default();
        source.gather(indices, &mut batch)?;
        Ok(FixedBatch { source: source.clone(), batch: Arc::new(batch), steps })
    }

    /// The batch.
    pub(super) fn batch(&self) -> &Batch {
        &self.batch
    }
}

impl Source for FixedBatch {
    fn len(&self) -> usize {
        self.batch.len() * self.steps
    }

    fn sample_shape(&self) -> &[usize] {
        self.source.sample_shape()
    }

    fn has_fixed_shape(&self) -> bool {
        self.source.has_fixed_shape()
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

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        if indices.len() == self.batch.len() {
            batch.clone_from(&self.batch);
            return Ok(());
        }
        // What a trainer looks at before a run.
        let of_source: Vec<u32> =
            indices.iter().map(|index| self.batch.indices[*index as usize % self.batch.len()]).collect();
        self.source.gather(&of_source, batch)
    }

    fn order(&self, _: Pass, _: usize) -> Vec<u32> {
        (0..self.len() as u32).collect()
    }
}
