//! Burn's data sets as a source.

use std::sync::Arc;

use burn::data::dataset::Dataset;
use fireclay_data::{Batch, BatchTargets, DataError, Source, SourceMetadata, TargetKind};

/// Any of Burn's data sets as a [`Source`], by a function from an item to its numbers and its target.
///
/// ```
/// use burn::data::dataset::InMemDataset;
/// use fireclay_train::{BurnDataset, ItemTarget};
/// use fireclay_nn::{Device, ModelSpec};
/// use fireclay_train::{FitOptions, Trainer};
///
/// let items = InMemDataset::new((0..64).map(|i| (i as f32 / 64.0, i % 2)).collect());
/// let source = BurnDataset::classes(items, &[1], 2, |(x, class)| (vec![x], ItemTarget::Class(class)));
/// let mut trainer = Trainer::classification(ModelSpec::new([1]).dense(2).build(&Device::default())?);
/// let history = trainer.fit(&source, &FitOptions { epochs: 2, ..FitOptions::default() })?;
/// assert_eq!(history.epochs.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BurnDataset<I> {
    dataset: Arc<dyn Dataset<I>>,
    shape: Vec<usize>,
    targets: TargetKind,
    classes: Vec<String>,
    map: Arc<Map<I>>,
}

type Map<I> = dyn Fn(I) -> (Vec<f32>, ItemTarget) + Send + Sync;

/// The target of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemTarget {
    /// A class, counted from 0.
    Class(u32),
    /// Numbers.
    Values(Vec<f32>),
}

impl<I: Send + Sync + 'static> BurnDataset<I> {
    /// Items of one of `count` classes.
    ///
    /// # Shapes
    /// - `shape`: of one sample; `map` gives as many numbers, row-major
    pub fn classes(
        dataset: impl Dataset<I> + 'static,
        shape: &[usize],
        count: usize,
        map: impl Fn(I) -> (Vec<f32>, ItemTarget) + Send + Sync + 'static,
    ) -> Self {
        Self::new(dataset, shape, TargetKind::Classes { count }, map)
    }

    /// Items with `width` numbers as targets.
    ///
    /// # Shapes
    /// - `shape`: of one sample; `map` gives as many numbers, row-major
    pub fn values(
        dataset: impl Dataset<I> + 'static,
        shape: &[usize],
        width: usize,
        map: impl Fn(I) -> (Vec<f32>, ItemTarget) + Send + Sync + 'static,
    ) -> Self {
        Self::new(dataset, shape, TargetKind::Values { width }, map)
    }

    fn new(
        dataset: impl Dataset<I> + 'static,
        shape: &[usize],
        targets: TargetKind,
        map: impl Fn(I) -> (Vec<f32>, ItemTarget) + Send + Sync + 'static,
    ) -> Self {
        let (dataset, map) = (Arc::new(dataset), Arc::new(map));
        BurnDataset { dataset, shape: shape.to_vec(), targets, classes: Vec::new(), map }
    }

    /// Names the classes, for reports and the model file.
    pub fn class_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.classes = names.into_iter().map(Into::into).collect();
        self
    }
}

impl<I> Clone for BurnDataset<I> {
    fn clone(&self) -> Self {
        BurnDataset {
            dataset: self.dataset.clone(),
            shape: self.shape.clone(),
            targets: self.targets,
            classes: self.classes.clone(),
            map: self.map.clone(),
        }
    }
}

impl<I: Send + Sync + 'static> Source for BurnDataset<I> {
    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn sample_shape(&self) -> &[usize] {
        &self.shape
    }

    fn target_kind(&self) -> TargetKind {
        self.targets
    }

    fn metadata(&self) -> SourceMetadata {
        SourceMetadata { classes: self.classes.clone(), ..SourceMetadata::default() }
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        let (mut values, mut labels, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for index in indices {
            let item = self.dataset.get(*index as usize).map_err(|error| DataError::Source(error.into()))?;
            let (features, target) = (self.map)(item);
            values.extend(features);
            match (target, self.targets) {
                (ItemTarget::Class(class), TargetKind::Classes { .. }) => labels.push(class),
                (ItemTarget::Values(target), TargetKind::Values { .. }) => numbers.extend(target),
                _ => {
                    let problem =
                        format!("the target of item {index} is of another kind than the data set says");
                    return Err(DataError::Source(problem.into()));
                }
            }
        }
        let targets = match self.targets {
            TargetKind::Values { width } => BatchTargets::Values { width, values: numbers },
            _ => BatchTargets::Classes(labels),
        };
        batch.fill(indices, &self.shape, values, targets);
        Ok(())
    }
}
