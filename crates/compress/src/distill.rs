//! Samples with what a teacher says of them.

use std::sync::Arc;

use burn::tensor::Device;
use fireclay_data::{
    Batch, BatchTargets, DataError, FeatureKind, InputKind, Pass, Source, SourceMetadata, TargetKind,
};
use fireclay_nn::Network;
use fireclay_train::predict;

use crate::CompressError;

/// Samples with the logits that a teacher gives them, from which a student learns by a
/// [`DistillationLoss`](fireclay_nn::DistillationLoss).
///
/// The teacher is asked once, of the samples as they are; a student that sees them augmented is taught what the teacher said of the
/// samples before.
///
/// ```
/// use std::sync::Arc;
///
/// use fireclay_compress::Taught;
/// use fireclay_datasets::DrawnDigits;
/// use fireclay_nn::{DistillationLoss, ModelSpec};
/// use fireclay_train::{Accuracy, Adam, Device, FitOptions, Trainer};
///
/// let device = Device::flex();
/// let (train, test) = DrawnDigits::new(0).train_and_test(512, 256);
/// let options = FitOptions { epochs: 6, batch_size: 32, ..FitOptions::default() };
/// let large = ModelSpec::new([1, 28, 28]).flatten().dense(64).relu().dense(10).build_seeded(0, &device)?;
/// let mut teacher = Trainer::classification(large).optimizer(Adam::new(3e-3));
/// teacher.fit(&train, &options)?;
///
/// let taught = Taught::by(teacher.network(), Arc::new(train), &device)?;
/// let small = ModelSpec::new([1, 28, 28]).flatten().dense(16).relu().dense(10).build_seeded(0, &device)?;
/// let mut student = Trainer::new(small, DistillationLoss::new(4.0, 0.9)).metrics([Accuracy]).optimizer(Adam::new(3e-3));
/// student.fit(&taught, &options)?;
/// assert!(student.evaluate(&test)?.accuracy() > Some(0.6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Taught {
    source: Arc<dyn Source>,
    /// `[samples, classes]`
    logits: Arc<[f32]>,
    classes: usize,
}

impl Taught {
    /// Asks a teacher of all samples.
    ///
    /// # Errors
    /// [`CompressError::NoTeacher`] if the samples have no classes, or the teacher gives another number of logits;
    /// [`CompressError::NoSamples`] without samples, and what stands in the way of asking.
    pub fn by<N: Network>(
        teacher: &N,
        source: Arc<dyn Source>,
        device: &Device,
    ) -> Result<Self, CompressError> {
        let TargetKind::Classes { count: classes } = source.target_kind() else {
            return Err(CompressError::NoTeacher { found: "samples without classes".to_string() });
        };
        if source.is_empty() {
            return Err(CompressError::NoSamples);
        }
        let rows = predict(teacher, &source, device)?;
        if let Some(row) = rows.iter().find(|row| row.len() != classes) {
            let found = format!("a teacher with {} outputs for {classes} classes", row.len());
            return Err(CompressError::NoTeacher { found });
        }
        Ok(Taught { source, logits: rows.concat().into(), classes })
    }

    /// Puts what the teacher said beside the classes of a batch.
    fn teach(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        let labels = match std::mem::take(&mut batch.targets) {
            BatchTargets::Classes(labels) => labels,
            _ => {
                let problem = "samples that are mixed from two have no teacher: leave mixup out";
                return Err(DataError::Source(problem.into()));
            }
        };
        let row = |index: &u32| &self.logits[*index as usize * self.classes..][..self.classes];
        let logits = indices.iter().flat_map(row).copied().collect();
        batch.targets = BatchTargets::ClassesWithLogits { labels, logits };
        Ok(())
    }
}

impl Source for Taught {
    fn len(&self) -> usize {
        self.source.len()
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
        self.source.gather(indices, batch)?;
        self.teach(indices, batch)
    }

    fn order(&self, pass: Pass, batch_size: usize) -> Vec<u32> {
        self.source.order(pass, batch_size)
    }

    fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) -> Result<(), DataError> {
        self.source.gather_augmented(indices, pass, batch)?;
        self.teach(indices, batch)
    }
}
