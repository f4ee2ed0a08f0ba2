//! One split of a data set, held as contiguous arrays.
//!
//! The arrays are shared: cloning a dataset, taking a part of it or splitting it copies indices, never samples. Bytes
//! stay bytes until a batch is gathered, when they are normalised, each to the bits that the formula gives; so a stored
//! value and its normalised form agree to the last bit wherever they are compared.

mod bytes;
mod concat;
mod gather;
mod of_sequences;
mod of_stream;
mod sequences;
mod shards;
mod stored;
mod stream;

use std::any::Any;
use std::sync::Arc;

use fireclay_kernels::images::Levels;
use sha2::{Digest, Sha256};

use crate::{
    Augmentation, Augmenter, DataError, Mixup, Normalization, Provenance, SampleDigests, Targets,
    split_indices,
};

use crate::subset::evenly_spaced;
pub use bytes::Bytes;
use shards::Shards;
use stored::{FLOAT_BYTES, Features, Stored, sample_len};

/// One split held as contiguous arrays; cheap to clone. A part of it is a view through indices.
///
/// Samples all have one shape, `[channels, height, width]` for images; the first dimension is the one that
/// [`Normalization`] calls channels. Text is tokens, which are not normalised.
#[derive(Clone, Debug)]
pub struct Dataset {
    stored: Arc<Stored>,
    /// Which stored samples this holds, in order; `None` for all of them.
    view: Option<Arc<[u32]>>,
    normalization: Arc<Normalization>,
    /// What each byte becomes, with one channel or as many as the samples have; for features that are bytes.
    levels: Option<Arc<Levels>>,
    augmenter: Option<Arc<Augmenter>>,
    mixup: Option<Mixup>,
    /// How much each stored sample counts; all alike if `None`.
    weights: Option<Arc<[f32]>>,
    /// What target values are shifted and scaled by, one pair for each.
    target_scale: Option<Arc<Normalization>>,
    /// How raw values became samples, in a type that only its maker knows.
    preprocessing: Option<Arc<dyn Any + Send + Sync>>,
    /// Of all samples, where a model file is to tell them apart from others.
    digests: Option<SampleDigests>,
    /// Whether batches hold samples of about one length.
    is_bucketed: bool,
    /// Every token is below it; 0 for features that are not tokens.
    vocabulary_size: usize,
    provenance: Arc<Provenance>,
}

impl Dataset {
    /// A dataset of bytes, such as images.
    ///
    /// # Shapes
    /// - `shape`: of one sample, for example `[1, 28, 28]`
    /// - `values`: `[samples, ..shape]`, row-major, `0..=255`; a `Vec<u8>`, or [`Bytes`] of a file
    /// - `targets`: one per sample
    ///
    /// # Errors
    /// If the lengths do not agree, a label has no name, a target is not finite, or the normalization does not fit.
    pub fn from_u8(
        shape: &[usize],
        values: impl Into<Bytes>,
        targets: Targets,
        normalization: Normalization,
        provenance: Provenance,
    ) -> Result<Self, DataError> {
        let values = Shards::one(values.into(), sample_len(shape)?);
        let stored = Stored::new(shape, Features::Bytes(values), targets)?;
        Self::new(stored, normalization, provenance)
    }

    /// As [`from_u8`](Self::from_u8), of samples in several pieces, such as files that are together larger than memory: those of one
    /// shard and then those of the next.
    ///
    /// A training reads them in [`shard_order`](crate::shard_order), a few shards at a time.
    ///
    /// ```
    /// use fireclay_data::{Bytes, Dataset, Normalization, Provenance, Targets};
    ///
    /// let shards = [vec![1, 2, 3], vec![4, 5]].map(Bytes::from).to_vec();
    /// let targets = Targets::Classes { labels: vec![0, 1, 0, 1, 1], names: vec!["a".into(), "b".into()] };
    /// let data = Dataset::from_u8_shards(&[1], shards, targets, Normalization::none(), Provenance::default())?;
    /// assert_eq!((data.len(), data.shards(), data.raw_u8(3)), (5, 2, Some(&[4][..])));
    /// # Ok::<(), fireclay_data::DataError>(())
    /// ```
    ///
    /// # Shapes
    /// - `shape`: of one sample, for example `[1, 28, 28]`
    /// - `shards`: each `[samples, ..shape]`, row-major, `0..=255`
    /// - `targets`: one per sample
    ///
    /// # Errors
    /// [`DataError::Shard`] if a shard does not hold whole samples; otherwise as [`from_u8`](Self::from_u8).
    pub fn from_u8_shards(
        shape: &[usize],
        shards: Vec<Bytes>,
        targets: Targets,
        normalization: Normalization,
        provenance: Provenance,
    ) -> Result<Self, DataError> {
        let shards = Shards::new(shards, sample_len(shape)?)?;
        Self::new(Stored::new(shape, Features::Bytes(shards), targets)?, normalization, provenance)
    }

    /// A dataset of numbers, used as they are unless [`Dataset::with_normalization`] says otherwise.
    ///
    /// # Shapes
    /// - `shape`: of one sample, for example `[13]`
    /// - `values`: `[samples, ..shape]`, row-major, finite
    /// - `targets`: one per sample
    ///
    /// # Errors
    /// If the lengths do not agree, a label has no name, or a feature or target is not finite.
    pub fn from_f32(
        shape: &[usize],
        values: Vec<f32>,
        targets: Targets,
        provenance: Provenance,
    ) -> Result<Self, DataError> {
        let stored = Stored::new(shape, Features::Floats(values), targets)?;
        let Features::Floats(values) = &stored.features else { unreachable!("they were just put there") };
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let index = at / stored.sample_len;
            return Err(DataError::NotFinite { what: "feature", index, value: values[at] });
        }
        Self::new(stored, Normalization::none(), provenance)
    }

    /// As [`from_f32`](Self::from_f32), of samples in several pieces, as [`from_u8_shards`](Self::from_u8_shards) has them, each number
    /// in four bytes, the lowest first.
    ///
    /// Whether features are finite is found out as batches of them are read: [`Source::gather`](crate::Source::gather) fails where one
    /// is not.
    ///
    /// # Shapes
    /// - `shape`: of one sample, for example `[13]`
    /// - `shards`: each `[samples, ..shape]`, row-major
    /// - `targets`: one per sample
    ///
    /// # Errors
    /// [`DataError::Shard`] if a shard does not hold whole samples; if the lengths do not agree, a label has no name, or a target is
    /// not finite.
    pub fn from_f32_shards(
        shape: &[usize],
        shards: Vec<Bytes>,
        targets: Targets,
        provenance: Provenance,
    ) -> Result<Self, DataError> {
        let shards = Shards::new(shards, sample_len(shape)? * FLOAT_BYTES)?;
        Self::new(
            Stored::new(shape, Features::FloatShards(shards), targets)?,
            Normalization::none(),
            provenance,
        )
    }

    /// A dataset of tokens, such as texts whose words have numbers. Every sample has the same number of tokens: longer
    /// texts are cut and shorter ones filled up before.
    ///
    /// ```
    /// use fireclay_data::{Batch, BatchFeatures, Dataset, Provenance, Source, Targets};
    ///
    /// # fn main() -> Result<(), fireclay_data::DataError> {
    /// let targets = Targets::Classes { labels: vec![1, 0], names: vec!["bad".into(), "good".into()] };
    /// let provenance = Provenance::new("two reviews", "train", "made by hand");
    /// // 0 fills up, 1 is "very", 2 is "good", 3 is "awful".
    /// let reviews = Dataset::from_tokens(3, vec![1, 1, 2, 3, 0, 0], targets, provenance)?;
    /// let reviews = reviews.with_vocabulary_size(4)?;
    ///
    /// let mut batch = Batch::default();
    /// reviews.gather(&[1], &mut batch);
    /// assert_eq!(batch.features, BatchFeatures::Tokens(vec![3, 0, 0]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Shapes
    /// - `sequence_len`: tokens of one sample
    /// - `tokens`: `[samples, sequence_len]`, row-major
    /// - `targets`: one per sample
    ///
    /// # Errors
    /// If the lengths do not agree, a label has no name, a target is not finite, or a token is too large for an `i32`.
    pub fn from_tokens(
        sequence_len: usize,
        tokens: Vec<u32>,
        targets: Targets,
        provenance: Provenance,
    ) -> Result<Self, DataError> {
        let largest = tokens.iter().max().map_or(0, |largest| *largest as usize + 1);
        let stored = Stored::new(&[sequence_len], Features::Tokens(tokens), targets)?;
        Self::new(stored, Normalization::none(), provenance)?.with_vocabulary_size(largest)
    }

    fn new(
        stored: Stored,
        normalization: Normalization,
        mut provenance: Provenance,
    ) -> Result<Self, DataError> {
        provenance.samples = stored.samples;
        let dataset = Self {
            stored: Arc::new(stored),
            view: None,
            normalization: Arc::new(Normalization::none()),
            levels: None,
            augmenter: None,
            mixup: None,
            weights: None,
            target_scale: None,
            preprocessing: None,
            digests: None,
            is_bucketed: false,
            vocabulary_size: 0,
            provenance: Arc::new(provenance),
        };
        dataset.with_normalization(normalization)
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        match &self.view {
            Some(view) => view.len(),
            None => self.stored.samples,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the samples stay in a file, of which the operating system holds in memory what there is room for
    /// ([`Bytes`]).
    pub fn is_mapped(&self) -> bool {
        match &self.stored.features {
            Features::Bytes(shards) | Features::FloatShards(shards) => shards.is_mapped(),
            _ => false,
        }
    }

    /// Whether the samples stay in several files, of which a training reads a few at a time: what reads all of them takes long.
    pub fn is_read_by_shards(&self) -> bool {
        self.is_mapped() && self.shards() > 1
    }

    /// In how many pieces the samples lie; a part of a dataset lies in those of the whole.
    pub fn shards(&self) -> usize {
        match &self.stored.features {
            Features::Bytes(shards) | Features::FloatShards(shards) => shards.ends().len(),
            _ => 1,
        }
    }

    /// The shape of one sample, for example `[1, 28, 28]`.
    pub fn shape(&self) -> &[usize] {
        &self.stored.shape
    }

    /// Where the samples came from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The same samples under another name of their part: `test`.
    pub fn with_split(mut self, split: &str) -> Self {
        self.provenance = Arc::new(Provenance { split: split.to_owned(), ..(*self.provenance).clone() });
        self
    }

    /// How features are shifted and scaled when a batch is gathered.
    pub fn normalization(&self) -> &Normalization {
        &self.normalization
    }

    /// The names of the classes or labels; empty when the targets are numbers or the next tokens.
    pub fn class_names(&self) -> &[String] {
        match &self.stored.targets {
            Some(targets) => targets.names(),
            None => &[],
        }
    }

    /// How many classes there are; `None` when the targets are numbers or the next tokens.
    pub fn num_classes(&self) -> Option<usize> {
        match &self.stored.targets {
            Some(Targets::Classes { names, .. }) => Some(names.len()),
            _ => None,
        }
    }

    /// How many samples each class has; empty when the targets are not one class for each sample.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.num_classes().unwrap_or(0)];
        for index in 0..self.len() {
            if let Some(label) = self.label(index) {
                counts[label as usize] += 1;
            }
        }
        counts
    }

    /// The label of sample `index`; `None` beyond the last sample, or when the targets are numbers.
    pub fn label(&self, index: usize) -> Option<u32> {
        match &self.stored.targets {
            Some(Targets::Classes { labels, .. }) => labels.get(self.stored_index(index)?).copied(),
            _ => None,
        }
    }

    /// The bytes of sample `index`, as stored; `None` beyond the last sample, or when the features are not bytes.
    pub fn raw_u8(&self, index: usize) -> Option<&[u8]> {
        match &self.stored.features {
            Features::Bytes(shards) => Some(shards.sample(self.stored_index(index)?)),
            _ => None,
        }
    }

    /// The tokens of sample `index`, without padding if it came from a text; `None` beyond the last sample, or when the features are not tokens.
    pub fn tokens(&self, index: usize) -> Option<&[u32]> {
        match &self.stored.features {
            Features::Tokens(tokens) => {
                let start = self.stored_index(index)? * self.stored.sample_len;
                tokens.get(start..start + self.stored.sample_len)
            }
            Features::Sequences(sequences) => Some(sequences.sample(self.stored_index(index)?)),
            Features::Stream(stream) => Some(stream.window(self.stored_index(index)?)),
            _ => None,
        }
    }

    /// How many different tokens there may be: the vocabulary that was named, or one more than the largest token.
    /// `None` when the features are not tokens.
    pub fn vocabulary_size(&self) -> Option<usize> {
        match &self.stored.features {
            Features::Tokens(_) | Features::Sequences(_) | Features::Stream(_) => Some(self.vocabulary_size),
            _ => None,
        }
    }

    /// The first `n` samples, or all of them if there are fewer.
    pub fn take(&self, n: usize) -> Dataset {
        let view = (0..self.len().min(n)).filter_map(|index| self.stored_u32(index));
        self.viewing(view.collect())
    }

    /// The samples at `indices`, in that order; an index may occur more than once.
    ///
    /// # Errors
    /// [`DataError::Index`] if an index is not below [`Dataset::len`], [`DataError::TooManySamples`] if there are more
    /// than `u32::MAX` of them.
    pub fn subset(&self, indices: &[usize]) -> Result<Dataset, DataError> {
        if u32::try_from(indices.len()).is_err() {
            return Err(DataError::TooManySamples { samples: indices.len() });
        }
        let view: Result<Vec<u32>, DataError> = (indices.iter())
            .map(|&index| self.stored_u32(index).ok_or(DataError::Index { index, samples: self.len() }))
            .collect();
        Ok(self.viewing(view?))
    }

    /// At most `count` samples, spread evenly over all; at least one, if there are any.
    ///
    /// ```
    /// use fireclay_data::{Dataset, Provenance, Targets};
    ///
    /// let targets = Targets::Classes { labels: vec![0, 1, 2, 3], names: ["a", "b", "c", "d"].map(String::from).to_vec() };
    /// let data = Dataset::from_f32(&[1], vec![0.0; 4], targets, Provenance::default())?;
    /// let some = data.spread(2);
    /// assert_eq!((some.len(), some.label(0), some.label(1)), (2, Some(0), Some(2)));
    /// assert_eq!(data.spread(9).len(), 4);
    /// # Ok::<(), fireclay_data::DataError>(())
    /// ```
    pub fn spread(&self, count: usize) -> Dataset {
        let view = evenly_spaced(self.len(), count).filter_map(|index| self.stored_u32(index));
        self.viewing(view.collect())
    }

    /// Splits off a part for validation: `(training, validation)`.
    ///
    /// `validation_fraction` of the samples, rounded, go to validation, picked by `seed` alone. When there are
    /// classes, each is split in that proportion, and a class of two samples or more is in both parts; so the sizes
    /// may differ from the rounded fraction by a few samples. Both parts keep the order of this dataset. Of a stream
    /// ([`from_token_stream`](Self::from_token_stream)) whole texts are set aside.
    ///
    /// # Errors
    /// [`DataError::Fraction`] if the fraction is not above 0 and below 1, [`DataError::TooFewToSplit`] if one of the
    /// parts would be empty.
    pub fn split(&self, validation_fraction: f64, seed: u64) -> Result<(Dataset, Dataset), DataError> {
        if let Some(parts) = self.split_stream(validation_fraction, seed)? {
            return Ok(parts);
        }
        let labels: Option<Vec<u32>> =
            self.num_classes().map(|_| (0..self.len()).filter_map(|i| self.label(i)).collect());
        let classes = self.num_classes().unwrap_or(0);
        let (training, validation) =
            split_indices(self.len(), labels.as_deref(), classes, validation_fraction, seed)?;
        Ok((
            self.subset(&training)?.renamed("training part"),
            self.subset(&validation)?.renamed("validation part"),
        ))
    }

    /// Splits into `k` parts for cross-validation: `k` pairs of `(training, validation)`, in which each sample validates
    /// once. Classes are spread evenly over the parts; `seed` alone decides which sample is where.
    ///
    /// ```
    /// use fireclay_data::{Dataset, Provenance, Targets};
    ///
    /// let targets = Targets::Classes { labels: vec![0, 0, 0, 1, 1, 1], names: vec!["a".into(), "b".into()] };
    /// let data = Dataset::from_f32(&[1], vec![0.0; 6], targets, Provenance::default())?;
    /// for (training, validation) in data.k_folds(3, 0)? {
    ///     assert_eq!(training.class_counts(), [2, 2]);
    ///     assert_eq!(validation.class_counts(), [1, 1]);
    /// }
    /// # Ok::<(), fireclay_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Folds`] unless `k` is at least 2 and at most the number of samples.
    pub fn k_folds(&self, k: usize, seed: u64) -> Result<Vec<(Dataset, Dataset)>, DataError> {
        let labels: Vec<u32> = (0..self.len()).map(|index| self.label(index).unwrap_or(0)).collect();
        let folds = crate::split::folds(&labels, k, seed)?;
        let parts = (0..k).map(|fold| {
            let of = |wanted: bool| -> Vec<usize> {
                (0..self.len()).filter(|index| (folds[*index] == fold) == wanted).collect()
            };
            let name = format!("fold {} of {k}", fold + 1);
            let training = self.subset(&of(false))?.renamed(&format!("training part, {name}"));
            let validation = self.subset(&of(true))?.renamed(&format!("validation part, {name}"));
            Ok((training, validation))
        });
        parts.collect()
    }

    /// The same samples under another normalization.
    ///
    /// Features given as numbers become `(value - mean) / std`.
    ///
    /// # Errors
    /// [`DataError::Normalization`] if it does not fit, see [`Normalization::check`]; tokens take none.
    pub fn with_normalization(mut self, normalization: Normalization) -> Result<Self, DataError> {
        if self.vocabulary_size().is_some() && !normalization.is_none() {
            let reason = "tokens are names, not numbers, and an embedding looks them up as they are".into();
            return Err(DataError::Normalization { reason });
        }
        normalization.check(self.stored.shape.first().copied().unwrap_or(1))?;
        self.levels = match &self.stored.features {
            Features::Bytes(_) => Some(Arc::new(Levels::new(&normalization.mean, &normalization.std))),
            _ => None,
        };
        self.normalization = Arc::new(normalization);
        Ok(self)
    }

    /// The same images, changed at random while a network trains on them:
    /// [`Source::gather_augmented`](crate::Source::gather_augmented) applies it,
    /// [`Source::gather`](crate::Source::gather) never does, so that what is measured is measured on the images as they
    /// are.
    ///
    /// # Errors
    /// If it does not fit images of this shape, or the features are not bytes.
    pub fn with_augmentation(mut self, augmentation: &Augmentation) -> Result<Self, DataError> {
        let augmenter = augmentation.check(self.shape())?;
        if !matches!(self.stored.features, Features::Bytes(_)) {
            return Err(DataError::NotBytes);
        }
        self.augmenter = (!augmentation.is_none()).then(|| Arc::new(augmenter));
        Ok(self)
    }

    /// How samples are changed in training; `None` if they are not.
    pub fn augmentation(&self) -> Option<&Augmentation> {
        self.augmenter.as_ref().map(|augmenter| augmenter.augmentation())
    }

    /// The same samples, each mixed with another one in training, targets included ([`Mixup`]).
    ///
    /// # Errors
    /// If its range is wrong, or samples cannot be mixed: tokens, or targets that are not classes.
    pub fn with_mixup(mut self, mixup: Mixup) -> Result<Self, DataError> {
        mixup.check()?;
        if self.vocabulary_size().is_some() || self.num_classes().is_none() {
            return Err(DataError::NotMixable);
        }
        self.mixup = Some(mixup);
        Ok(self)
    }

    /// The same samples, each counting as much as its weight says: in the loss, in metrics and in reports.
    ///
    /// # Shapes
    /// - `weights`: `[samples]`, 0 or more
    ///
    /// # Errors
    /// [`DataError::SampleWeight`] if there are not as many as samples, or one of them is negative or not finite.
    pub fn with_sample_weights(mut self, weights: Vec<f32>) -> Result<Self, DataError> {
        let wrong = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0));
        if wrong.is_some() || weights.len() != self.len() {
            let index = wrong.unwrap_or(weights.len().min(self.len()));
            let weight = weights.get(index).copied().unwrap_or(f32::NAN);
            return Err(DataError::SampleWeight {
                index,
                weight,
                samples: self.len(),
                weights: weights.len(),
            });
        }
        let mut stored = vec![0.0; self.stored.samples];
        for (index, weight) in weights.into_iter().enumerate() {
            if let Some(at) = self.stored_index(index) {
                stored[at] = weight;
            }
        }
        self.weights = Some(stored.into());
        Ok(self)
    }

    /// The same samples with targets of mean 0 and deviation 1, as networks learn them best. A model trained on them
    /// remembers the scale: what it predicts and what it is measured by are in the targets' own units.
    ///
    /// # Errors
    /// [`DataError::NotNumbers`] if the targets are not numbers.
    pub fn with_standardized_targets(mut self) -> Result<Self, DataError> {
        let Some(Targets::Values { width, values }) = &self.stored.targets else {
            return Err(DataError::NotNumbers);
        };
        let rows: Vec<&[f32]> =
            (0..self.len()).filter_map(|index| values.get(self.stored_index(index)? * width..)).collect();
        let count = rows.len().max(1) as f64;
        let (mut mean, mut std) = (Vec::new(), Vec::new());
        for at in 0..*width {
            let column = || rows.iter().map(move |row| f64::from(row[at]));
            let average = column().sum::<f64>() / count;
            let variance = column().map(|value| (value - average).powi(2)).sum::<f64>() / count;
            mean.push(average as f32);
            // A constant target keeps its unit.
            std.push(if variance > 0.0 { variance.sqrt() as f32 } else { 1.0 });
        }
        self.target_scale = Some(Arc::new(Normalization { mean, std }));
        Ok(self)
    }

    /// The same samples with targets shifted and scaled as another part of the data is, such as the training part.
    ///
    /// # Errors
    /// [`DataError::NotNumbers`] if the targets are not numbers, [`DataError::Normalization`] if the scale does not fit.
    pub fn with_target_scale(mut self, scale: Option<&Normalization>) -> Result<Self, DataError> {
        let Some(Targets::Values { width, .. }) = &self.stored.targets else {
            return Err(DataError::NotNumbers);
        };
        if let Some(scale) = scale {
            scale.check(*width)?;
        }
        self.target_scale = scale.map(|scale| Arc::new(scale.clone()));
        Ok(self)
    }

    /// What target values are shifted and scaled by; `None` if they are as they were given.
    pub fn target_scale(&self) -> Option<&Normalization> {
        self.target_scale.as_deref()
    }

    /// The same samples with the vocabulary that their tokens are from.
    ///
    /// # Errors
    /// [`DataError::Token`] if a token, of this view or not, is not below it; [`DataError::Vocabulary`] if it is more
    /// than `i32::MAX`, or if the features are not tokens.
    pub fn with_vocabulary_size(mut self, vocabulary_size: usize) -> Result<Self, DataError> {
        let refuse = |reason| Err(DataError::Vocabulary { vocabulary_size, reason });
        let tokens = match &self.stored.features {
            Features::Tokens(tokens) => tokens,
            Features::Sequences(sequences) => sequences.tokens(),
            Features::Stream(stream) => stream.tokens(),
            _ => return refuse("the features are not tokens"),
        };
        if i32::try_from(vocabulary_size).is_err() {
            return refuse("tokens are 32-bit numbers with a sign on a device; number them from 0");
        }
        if let Some(at) = tokens.iter().position(|token| *token as usize >= vocabulary_size) {
            let index = match &self.stored.features {
                Features::Sequences(sequences) => sequences.sample_of(at),
                Features::Stream(stream) => stream.window_of(at),
                _ => at / self.stored.sample_len,
            };
            return Err(DataError::Token { index, token: tokens[at], vocabulary_size });
        }
        self.vocabulary_size = vocabulary_size;
        Ok(self)
    }

    /// The same samples, with a description of how they were made from what a user has, such as texts. Parts of the
    /// dataset keep it, and what saves a model can ask for it; the dataset itself never looks at it.
    ///
    /// ```
    /// use fireclay_data::{Dataset, Provenance, Targets};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct Celsius {
    ///     offset: f32,
    /// }
    ///
    /// # fn main() -> Result<(), fireclay_data::DataError> {
    /// let targets = Targets::Values { width: 1, values: vec![0.0; 2] };
    /// let rows = Dataset::from_f32(&[1], vec![20.0, 30.0], targets, Provenance::default())?;
    /// let rows = rows.with_preprocessing(Celsius { offset: -273.15 });
    /// assert_eq!(rows.take(1).preprocessing(), Some(&Celsius { offset: -273.15 }));
    /// assert_eq!(rows.preprocessing::<String>(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_preprocessing<T: Any + Send + Sync>(mut self, preprocessing: T) -> Self {
        self.preprocessing = Some(Arc::new(preprocessing));
        self
    }

    /// The same samples, whose digests a model that is trained on them keeps, so that it can be told later which samples it has
    /// seen ([`unseen`](Self::unseen)). Targets do not count.
    ///
    /// ```
    /// use fireclay_data::{Dataset, Normalization, Provenance, Source, Targets};
    ///
    /// # fn main() -> Result<(), fireclay_data::DataError> {
    /// let targets = Targets::Classes { labels: vec![0, 1, 0], names: vec!["a".into(), "b".into()] };
    /// let provenance = Provenance::new("three dots", "all", "made by hand");
    /// let dots = Dataset::from_u8(&[1], vec![7, 8, 9], targets, Normalization::none(), provenance)?;
    /// let train = dots.take(2).with_sample_digests();
    /// let seen = train.metadata().digests.unwrap();
    /// let unseen = dots.unseen(&seen);
    /// assert_eq!((seen.len(), unseen.len(), unseen.raw_u8(0)), (2, 1, Some(&[9][..])));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_sample_digests(mut self) -> Self {
        let digests = SampleDigests::new((0..self.len()).filter_map(|index| self.digest(index)));
        // Windows of a stream have none, as they are cut anew in each epoch.
        self.digests = Some(digests).filter(|digests| !digests.is_empty());
        self
    }

    /// The samples that are not among those whose digests these are.
    pub fn unseen(&self, seen: &SampleDigests) -> Dataset {
        let unseen = self.unseen_indices(seen);
        match unseen.len() == self.len() {
            true => self.clone(),
            false => {
                let view = unseen.iter().filter_map(|index| self.stored_u32(*index)).collect();
                self.viewing(view).renamed("unseen part")
            }
        }
    }

    /// Where the samples are that are not among those whose digests these are, ascending.
    pub fn unseen_indices(&self, seen: &SampleDigests) -> Vec<usize> {
        (0..self.len()).filter(|index| !self.is_seen(*index, seen)).collect()
    }

    /// Where the samples are that are among those whose digests these are, ascending.
    pub fn seen_indices(&self, seen: &SampleDigests) -> Vec<usize> {
        (0..self.len()).filter(|index| self.is_seen(*index, seen)).collect()
    }

    fn is_seen(&self, index: usize, seen: &SampleDigests) -> bool {
        self.digest(index).is_some_and(|digest| seen.contains(digest))
    }

    /// The digest of a sample's stored values; `None` beyond the last sample, and for windows of a stream.
    fn digest(&self, index: usize) -> Option<u32> {
        if matches!(self.stored.features, Features::Stream(_)) {
            return None;
        }
        let hash = self.sha256(index)?;
        let (first, _) = hash.split_first_chunk::<4>()?;
        Some(u32::from_be_bytes(*first))
    }

    /// The SHA-256 of a sample's stored values, of windows where nothing is shifted; `None` beyond the last sample.
    pub(crate) fn sha256(&self, index: usize) -> Option<[u8; 32]> {
        let stored = self.stored_index(index)?;
        let hash = match &self.stored.features {
            // Those of numbers as they are written below.
            Features::Bytes(shards) | Features::FloatShards(shards) => Sha256::digest(shards.sample(stored)),
            features @ Features::Floats(_) => {
                let values = features.floats(stored, self.stored.sample_len)?;
                Sha256::digest(values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
            }
            Features::Tokens(_) | Features::Sequences(_) | Features::Stream(_) => {
                let tokens = self.tokens(index)?.iter().flat_map(|token| token.to_le_bytes());
                Sha256::digest(tokens.collect::<Vec<u8>>())
            }
        };
        Some(hash.into())
    }

    /// What is to be predicted of every stored sample; `None` for a stream.
    pub(crate) fn targets(&self) -> Option<&Targets> {
        self.stored.targets.as_ref()
    }

    /// How the samples were made, if that was said ([`with_preprocessing`](Self::with_preprocessing)) and in this type.
    pub fn preprocessing<T: Any>(&self) -> Option<&T> {
        self.preprocessing.as_deref()?.downcast_ref()
    }

    /// A view of stored samples; `view` holds indices already checked.
    fn viewing(&self, view: Vec<u32>) -> Dataset {
        let mut provenance = (*self.provenance).clone();
        provenance.samples = view.len();
        Dataset { view: Some(view.into()), provenance: Arc::new(provenance), ..self.clone() }
    }

    fn renamed(mut self, part: &str) -> Dataset {
        let mut provenance = (*self.provenance).clone();
        provenance.split = format!("{}, {part}", provenance.split);
        self.provenance = Arc::new(provenance);
        self
    }

    /// Where sample `index` of this view is stored.
    fn stored_index(&self, index: usize) -> Option<usize> {
        match &self.view {
            Some(view) => view.get(index).map(|stored| *stored as usize),
            None => (index < self.stored.samples).then_some(index),
        }
    }

    fn stored_u32(&self, index: usize) -> Option<u32> {
        (self.stored_index(index)).and_then(|stored| u32::try_from(stored).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Batch, BatchFeatures, BatchTargets, FeatureKind, Source, TargetKind};

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| class.to_string()).collect()
    }

    fn classes(labels: &[u32], count: usize) -> Targets {
        Targets::Classes { labels: labels.to_vec(), names: names(count) }
    }

    fn here() -> Provenance {
        Provenance::new("made up", "train", "made by hand")
    }

    /// Four samples of two channels of 1 x 3, whose values count up.
    fn counting() -> Dataset {
        let values: Vec<u8> = (0..24).collect();
        Dataset::from_u8(&[2, 1, 3], values, classes(&[0, 1, 2, 1], 3), Normalization::none(), here())
            .unwrap()
    }

    #[test]
    fn a_sample_is_found_where_it_was_put() {
        let dataset = counting();
        assert_eq!(dataset.len(), 4);
        assert_eq!(dataset.raw_u8(2), Some(&[12, 13, 14, 15, 16, 17][..]));
        assert_eq!(dataset.raw_u8(4), None);
        assert_eq!(dataset.label(2), Some(2));
        assert_eq!(dataset.label(4), None);
        assert_eq!(dataset.class_counts(), [1, 2, 1]);
        assert_eq!(dataset.num_classes(), Some(3));
        assert_eq!(dataset.provenance().samples, 4);
    }

    #[test]
    fn batches_are_normalised_per_channel() {
        let normalization = Normalization { mean: vec![0.0, 0.5], std: vec![1.0, 0.25] };
        let dataset = counting().with_normalization(normalization).unwrap();
        let mut batch = Batch::default();
        dataset.gather(&[3, 0], &mut batch);
        assert_eq!(batch.shape, [2, 2, 1, 3]);
        assert_eq!(batch.targets, BatchTargets::Classes(vec![1, 0]));
        assert_eq!(batch.indices, [3, 0]);
        let expected = |byte: u8, mean: f32, std: f32| (f32::from(byte) / 255.0 - mean) / std;
        let bytes = [18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5];
        for (at, byte) in bytes.into_iter().enumerate() {
            let (mean, std) = if at % 6 < 3 { (0.0, 1.0) } else { (0.5, 0.25) };
            assert_eq!(batch.features.values_mut()[at], expected(byte, mean, std), "value {at}");
        }
    }

    #[test]
    fn gathering_replaces_what_a_batch_held() {
        let values = Dataset::from_f32(
            &[2],
            vec![1.0, 2.0, 3.0, 4.0],
            Targets::Values { width: 1, values: vec![10.0, 20.0] },
            here(),
        )
        .unwrap();
        let mut batch = Batch::default();
        counting().gather(&[0, 1, 2], &mut batch);
        values.gather(&[1], &mut batch);
        let expected = Batch {
            shape: vec![1, 2],
            features: BatchFeatures::Values(vec![3.0, 4.0]),
            targets: BatchTargets::Values { width: 1, values: vec![20.0] },
            indices: vec![1],
            ..Batch::default()
        };
        assert_eq!(batch, expected);
        assert_eq!(values.class_counts(), [0; 0]);
        assert_eq!(values.target_kind(), TargetKind::Values { width: 1 });
    }

    /// Three texts of two tokens.
    fn texts() -> Dataset {
        Dataset::from_tokens(2, vec![0, 1, 2, 3, 4, 9], classes(&[0, 1, 0], 2), here()).unwrap()
    }

    #[test]
    fn tokens_stay_whole_numbers() {
        let texts = texts();
        assert_eq!((texts.len(), texts.shape()), (3, &[2][..]));
        assert_eq!(texts.feature_kind(), FeatureKind::Tokens { vocabulary_size: 10 });
        assert_eq!(texts.tokens(2), Some(&[4, 9][..]));
        assert_eq!((texts.tokens(3), texts.raw_u8(0)), (None, None));
        assert_eq!((counting().tokens(0), counting().vocabulary_size()), (None, None));
        assert_eq!(counting().feature_kind(), FeatureKind::Values);
        let view = texts.subset(&[2, 0]).unwrap();
        let mut batch = Batch::default();
        counting().gather(&[0], &mut batch);
        view.gather(&[0, 1], &mut batch);
        let expected = Batch {
            shape: vec![2, 2],
            features: BatchFeatures::Tokens(vec![4, 9, 0, 1]),
            targets: BatchTargets::Classes(vec![0, 0]),
            indices: vec![0, 1],
            ..Batch::default()
        };
        assert_eq!(batch, expected);
        counting().gather(&[0], &mut batch);
        assert_eq!(batch.features.values_mut().len(), 6);
        assert_eq!(view.vocabulary_size(), Some(10), "a part keeps the vocabulary of the whole");
    }

    #[test]
    fn a_token_beyond_the_vocabulary_is_refused_with_its_sample() {
        assert_eq!(texts().with_vocabulary_size(20).unwrap().vocabulary_size(), Some(20));
        let message = texts().with_vocabulary_size(4).unwrap_err().to_string();
        assert!(message.contains("sample 2 holds the token 4"), "{message}");
        assert!(message.contains("tokens go below 4"), "{message}");
        let message = counting().with_vocabulary_size(4).unwrap_err().to_string();
        assert!(message.contains("features are not tokens"), "{message}");
        for token in [i32::MAX as u32, u32::MAX] {
            let targets = classes(&[0], 1);
            let message = Dataset::from_tokens(1, vec![token], targets, here()).unwrap_err().to_string();
            assert!(message.contains("32-bit numbers"), "{message}");
        }
        let message =
            Dataset::from_tokens(2, vec![1; 5], classes(&[0, 0], 1), here()).unwrap_err().to_string();
        assert!(message.contains("expected 4 values, found 5"), "{message}");
        let message = Dataset::from_tokens(0, vec![], classes(&[0], 1), here()).unwrap_err().to_string();
        assert!(message.contains("[0] hold no values"), "{message}");
        let message = texts().with_normalization(Normalization::uniform(0.5, 1.0)).unwrap_err().to_string();
        assert!(message.contains("tokens are names"), "{message}");
    }

    #[test]
    fn numbers_are_normalised_only_when_asked() {
        let targets = classes(&[0], 1);
        let dataset = Dataset::from_f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0], targets, here())
            .unwrap()
            .with_normalization(Normalization { mean: vec![1.0, 3.0], std: vec![2.0, 4.0] })
            .unwrap();
        let mut batch = Batch::default();
        dataset.gather(&[0], &mut batch);
        assert_eq!(batch.features, BatchFeatures::Values(vec![0.0, 0.5, 0.0, 0.25]));
    }

    #[test]
    fn views_of_views_keep_their_place() {
        let view = counting().subset(&[3, 2, 2]).unwrap();
        let inner = view.subset(&[1, 0]).unwrap();
        assert_eq!(inner.raw_u8(0), Some(&[12, 13, 14, 15, 16, 17][..]));
        assert_eq!(inner.label(1), Some(1));
        assert_eq!(inner.provenance().samples, 2);
        assert_eq!(view.take(1).label(0), Some(1));
        assert_eq!(view.take(100).len(), 3);
        assert_eq!(view.class_counts(), [0, 1, 2]);
        let mut batch = Batch::default();
        inner.gather(&[0], &mut batch);
        assert_eq!(batch.features.values_mut()[0], 12.0 / 255.0);
    }

    #[test]
    fn an_index_beyond_the_view_is_refused() {
        let message = (counting().take(2).subset(&[0, 2])).unwrap_err().to_string();
        assert!(message.contains("index 2") && message.contains("2 samples"), "{message}");
    }

    #[test]
    #[should_panic(expected = "sample 4 of a dataset of 4 samples")]
    fn gathering_beyond_the_end_panics() {
        counting().gather(&[4], &mut Batch::default());
    }

    #[test]
    fn lengths_that_disagree_are_refused() {
        let refuse = |shape: &[usize], values: usize, targets| {
            Dataset::from_u8(shape, vec![0; values], targets, Normalization::none(), here())
                .unwrap_err()
                .to_string()
        };
        let message = refuse(&[1, 2, 2], 7, classes(&[0, 0], 1));
        assert!(message.contains("expected 8 values") && message.contains("found 7"), "{message}");
        let message = refuse(&[1, 0, 2], 0, classes(&[0], 1));
        assert!(message.contains("[1, 0, 2]"), "{message}");
        let message = refuse(&[usize::MAX, 2], 0, classes(&[0], 1));
        assert!(message.contains("too large"), "{message}");
    }

    #[test]
    fn a_label_without_a_name_is_refused_with_its_index() {
        let targets = classes(&[0, 1, 2], 2);
        let message = Dataset::from_u8(&[1], vec![0; 3], targets, Normalization::none(), here())
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("sample 2") && message.contains("label 2") && message.contains("2 classes"),
            "{message}"
        );
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_with_the_sample() {
        let features = vec![0.0, 0.0, 0.0, f32::NAN];
        let message = Dataset::from_f32(&[2], features, classes(&[0, 0], 1), here()).unwrap_err().to_string();
        assert!(message.contains("feature of sample 1 is NaN"), "{message}");
        let targets = Targets::Values { width: 2, values: vec![0.0, 0.0, f32::INFINITY, 0.0] };
        let message = Dataset::from_f32(&[1], vec![0.0; 2], targets, here()).unwrap_err().to_string();
        assert!(message.contains("target of sample 1 is inf"), "{message}");
    }

    #[test]
    fn targets_of_no_width_are_refused() {
        for (width, values) in [(0, 4), (3, 4)] {
            let targets = Targets::Values { width, values: vec![0.0; values] };
            let message = Dataset::from_f32(&[1], vec![0.0; 4], targets, here()).unwrap_err().to_string();
            assert!(message.contains("4 target values"), "{message}");
        }
    }

    #[test]
    fn a_normalization_that_does_not_fit_is_refused() {
        let normalization = Normalization { mean: vec![0.0; 3], std: vec![1.0; 3] };
        let message = (counting().with_normalization(normalization)).unwrap_err().to_string();
        assert!(message.contains("3 entries for samples of 2 channels"), "{message}");
    }
}
