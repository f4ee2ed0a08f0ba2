//! Several inputs for each sample, such as a picture and a row of a table.

use std::sync::Arc;

use crate::DataError;
use crate::source::{Batch, FeatureKind, InputFeatures, InputKind, Pass, Source, SourceMetadata, TargetKind};

/// Sources of one length whose samples belong together, each an input of its own. The targets, and the weights of the
/// samples, are those of the first.
///
/// ```
/// use fireclay_data::{Batch, BatchFeatures, Dataset, NamedInputs, Normalization, Provenance, Source, Targets};
///
/// let targets = || Targets::Values { width: 1, values: vec![1.0, 2.0] };
/// let pictures =
///     Dataset::from_u8(&[1, 1, 1], vec![0, 255], targets(), Normalization::none(), Provenance::default())?;
/// let rows = Dataset::from_f32(&[2], vec![1.0, 2.0, 3.0, 4.0], targets(), Provenance::default())?;
/// let both = NamedInputs::new("picture", &pictures).with("row", &rows)?;
///
/// let mut batch = Batch::default();
/// both.gather(&[1], &mut batch)?;
/// assert_eq!(batch.features, BatchFeatures::Values(vec![1.0]));
/// assert_eq!(batch.other_inputs[0].features, BatchFeatures::Values(vec![3.0, 4.0]));
/// # Ok::<(), fireclay_data::DataError>(())
/// ```
#[derive(Clone)]
pub struct NamedInputs {
    name: String,
    first: Arc<dyn Source>,
    others: Vec<Arc<dyn Source>>,
    kinds: Vec<InputKind>,
}

impl NamedInputs {
    /// Begins with the input that has the targets.
    pub fn new<S: Source + Clone + 'static>(name: impl Into<String>, source: &S) -> Self {
        let first = Arc::new(source.clone());
        NamedInputs { name: name.into(), first, others: Vec::new(), kinds: Vec::new() }
    }

    /// Adds an input.
    ///
    /// # Errors
    /// [`DataError::InputLengths`] if it has another number of samples, [`DataError::InputName`] if there is one of this
    /// name.
    pub fn with<S: Source + Clone + 'static>(
        mut self,
        name: impl Into<String>,
        source: &S,
    ) -> Result<Self, DataError> {
        let name = name.into();
        if source.len() != self.first.len() {
            return Err(DataError::InputLengths {
                first: self.name,
                expected: self.first.len(),
                name,
                found: source.len(),
            });
        }
        if name == self.name || self.kinds.iter().any(|kind| kind.name == name) {
            return Err(DataError::InputName { name });
        }
        let (shape, kind) = (source.sample_shape().to_vec(), source.feature_kind());
        self.kinds.push(InputKind { name, shape, kind });
        self.others.push(Arc::new(source.clone()));
        Ok(self)
    }

    fn gather_with(
        &self,
        batch: &mut Batch,
        gather: impl Fn(&dyn Source, &mut Batch) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut spent = std::mem::take(&mut batch.other_inputs);
        gather(&*self.first, batch)?;
        spent.resize_with(self.others.len(), InputFeatures::default);
        for (source, input) in self.others.iter().zip(&mut spent) {
            let InputFeatures { shape, features } = std::mem::take(input);
            let mut own = Batch { shape, features, ..Batch::default() };
            gather(&**source, &mut own)?;
            *input = InputFeatures { shape: own.shape, features: own.features };
        }
        batch.other_inputs = spent;
        Ok(())
    }
}

impl Source for NamedInputs {
    fn len(&self) -> usize {
        self.first.len()
    }

    fn sample_shape(&self) -> &[usize] {
        self.first.sample_shape()
    }

    fn has_fixed_shape(&self) -> bool {
        self.first.has_fixed_shape()
    }

    fn needs_whole_batches(&self) -> bool {
        self.first.needs_whole_batches() || self.others.iter().any(|source| source.needs_whole_batches())
    }

    fn feature_kind(&self) -> FeatureKind {
        self.first.feature_kind()
    }

    fn input_name(&self) -> &str {
        &self.name
    }

    fn other_inputs(&self) -> &[InputKind] {
        &self.kinds
    }

    fn target_kind(&self) -> TargetKind {
        self.first.target_kind()
    }

    fn metadata(&self) -> SourceMetadata {
        self.first.metadata()
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        self.gather_with(batch, |source, batch| source.gather(indices, batch))
    }

    fn order(&self, pass: Pass, batch_size: usize) -> Vec<u32> {
        self.first.order(pass, batch_size)
    }

    fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) -> Result<(), DataError> {
        self.gather_with(batch, |source, batch| source.gather_augmented(indices, pass, batch))
    }
}
