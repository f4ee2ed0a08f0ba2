//! Batches out of a dataset: samples picked by index, normalised, with their targets.

use std::sync::Arc;

use fireclay_kernels::Cpu;
use fireclay_kernels::images::{Layout, gather_images};

use super::Dataset;
use super::shards::Shards;
use super::stored::Features;
use crate::order::{bucketed_order, epoch_order, shard_order};
use crate::source::{
    Batch, BatchFeatures, BatchTargets, FeatureKind, Pass, Source, SourceMetadata, SourcePair, TargetKind,
};
use crate::{DataError, MixupPlan, Targets};

impl Source for Dataset {
    fn len(&self) -> usize {
        Dataset::len(self)
    }

    fn sample_shape(&self) -> &[usize] {
        self.shape()
    }

    fn has_fixed_shape(&self) -> bool {
        !self.is_bucketed
    }

    fn needs_whole_batches(&self) -> bool {
        self.is_bucketed || self.mixup.is_some()
    }

    fn feature_kind(&self) -> FeatureKind {
        match self.vocabulary_size() {
            Some(vocabulary_size) => FeatureKind::Tokens { vocabulary_size },
            None => FeatureKind::Values,
        }
    }

    fn target_kind(&self) -> TargetKind {
        match &self.stored.targets {
            Some(Targets::Classes { names, .. }) => TargetKind::Classes { count: names.len() },
            Some(Targets::Values { width, .. }) => TargetKind::Values { width: *width },
            Some(Targets::Labels { names, .. }) => TargetKind::Labels { count: names.len() },
            Some(Targets::StepClasses { names, steps, .. }) => {
                TargetKind::StepClasses { count: names.len(), steps: *steps }
            }
            Some(Targets::Features { .. }) => TargetKind::Values { width: self.stored.sample_len },
            None => TargetKind::NextTokens { vocabulary_size: self.vocabulary_size },
        }
    }

    fn metadata(&self) -> SourceMetadata {
        let classes = match &self.stored.targets {
            Some(targets) => targets.names().to_vec(),
            None => Vec::new(),
        };
        let is_numbers = Source::feature_kind(self) == FeatureKind::Values;
        SourceMetadata {
            classes,
            normalization: is_numbers.then(|| (*self.normalization).clone()),
            preprocessing: self.preprocessing.clone(),
            digests: self.digests.clone(),
            target_scale: self.target_scale.as_deref().cloned(),
            provenance: Some((*self.provenance).clone()),
        }
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        Dataset::gather(self, indices, batch);
        self.check_shards(batch)
    }

    fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) -> Result<(), DataError> {
        Dataset::gather_augmented(self, indices, pass, batch);
        self.check_shards(batch)
    }

    fn split(&self, validation_fraction: f64, seed: u64) -> Result<Option<SourcePair>, DataError> {
        let (training, validation) = Dataset::split(self, validation_fraction, seed)?;
        Ok(Some((Arc::new(training), Arc::new(validation))))
    }

    fn order(&self, pass: Pass, batch_size: usize) -> Vec<u32> {
        match &self.stored.features {
            Features::Sequences(sequences) if self.is_bucketed => {
                let lengths: Vec<u32> = (0..self.len())
                    .filter_map(|index| Some(sequences.sample(self.stored_index(index)?).len() as u32))
                    .collect();
                bucketed_order(&lengths, pass.seed, pass.epoch, batch_size)
            }
            Features::Bytes(shards) | Features::FloatShards(shards) if shards.ends().len() > 1 => {
                shard_order(&self.ends_of_shards(shards), pass.seed, pass.epoch, batch_size)
            }
            _ => epoch_order(self.len(), pass.seed, pass.epoch),
        }
    }
}

impl Dataset {
    /// Writes samples into a batch, as [`Source::gather`] does, without a look at whether numbers of
    /// [shards](Dataset::from_f32_shards) are finite; nothing else can fail.
    ///
    /// # Panics
    /// If an index is not below [`Dataset::len`].
    pub fn gather(&self, indices: &[u32], batch: &mut Batch) {
        self.gather_batch(indices, None, batch);
    }

    /// Writes samples into a batch, augmented as [`Source::gather_augmented`] says.
    ///
    /// # Panics
    /// If an index is not below [`Dataset::len`].
    pub fn gather_augmented(&self, indices: &[u32], pass: Pass, batch: &mut Batch) {
        self.gather_batch(indices, Some(pass), batch);
        if let (Some(mixup), Some(first)) = (self.mixup, indices.first()) {
            mix(&mixup.plan(pass, *first, indices.len() as u32), batch);
        }
    }

    fn gather_batch(&self, indices: &[u32], pass: Option<Pass>, batch: &mut Batch) {
        let stored_indices: Vec<usize> = indices
            .iter()
            .map(|index| match self.stored_index(*index as usize) {
                Some(stored) => stored,
                None => panic!("sample {index} of a dataset of {} samples", self.len()),
            })
            .collect();
        batch.indices.clear();
        batch.indices.extend_from_slice(indices);
        batch.other_inputs.clear();
        self.gather_features(&stored_indices, pass, batch);
        match &self.stored.targets {
            Some(Targets::Features { .. }) => self.gather_features_as_targets(&stored_indices, batch),
            _ => self.gather_targets(&stored_indices, &mut batch.targets),
        }
        batch.weights = self.gather_weights(&stored_indices);
    }
}

impl Dataset {
    /// Behind the last sample of this view in each run of samples of one shard.
    fn ends_of_shards(&self, shards: &Shards) -> Vec<usize> {
        let Some(view) = &self.view else { return shards.ends().to_vec() };
        let shard = |stored: &u32| shards.shard_of(*stored as usize);
        let runs = view.chunk_by(|one, next| shard(one) == shard(next));
        let ends = runs.scan(0, |end, run| {
            *end += run.len();
            Some(*end)
        });
        ends.collect()
    }

    /// Refuses numbers of shards that are not finite, which are not looked through before.
    fn check_shards(&self, batch: &Batch) -> Result<(), DataError> {
        let (Features::FloatShards(_), BatchFeatures::Values(values)) =
            (&self.stored.features, &batch.features)
        else {
            return Ok(());
        };
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => {
                let index = batch.indices[at / self.stored.sample_len] as usize;
                Err(DataError::NotFinite { what: "feature", index, value: values[at] })
            }
        }
    }

    /// Fills in the features, augmented in a pass of a training, and the shape of each; of a stream the targets too.
    fn gather_features(&self, stored_indices: &[usize], pass: Option<Pass>, batch: &mut Batch) {
        let Batch { features, targets, .. } = batch;
        batch.shape.clear();
        batch.shape.push(stored_indices.len());
        batch.shape.extend_from_slice(&self.stored.shape);
        let sample_len = self.stored.sample_len;
        let len = stored_indices.len() * sample_len;
        match &self.stored.features {
            Features::Bytes(shards) => {
                let levels = self.levels.as_ref().expect("a dataset of bytes has levels");
                let out = emptied(features.values_mut(), len);
                out.resize(len, 0.0);
                if let (Some(pass), Some(augmenter)) = (pass, &self.augmenter) {
                    let samples = batch.indices.iter().zip(stored_indices);
                    let samples = samples.map(|(index, stored)| (*index, shards.sample(*stored)));
                    augmenter.gather(samples, pass, levels, out);
                    return;
                }
                let pixels = sample_len / levels.channels();
                // On the loader's thread alone: the others train.
                let cpu = Cpu::best(1);
                let mut rest = out.as_mut_slice();
                for run in
                    stored_indices.chunk_by(|one, next| shards.shard_of(*one) == shards.shard_of(*next))
                {
                    let (bytes, first) = shards.shard(shards.shard_of(run[0]));
                    let indices: Vec<u32> = run.iter().map(|index| (index - first) as u32).collect();
                    let (part, others) = std::mem::take(&mut rest).split_at_mut(run.len() * sample_len);
                    gather_images(cpu, levels, bytes, pixels, &indices, Layout::ChannelsFirst, part);
                    rest = others;
                }
            }
            Features::Tokens(tokens) => {
                let out = emptied(features.tokens_mut(), len);
                for &index in stored_indices {
                    let sample = &tokens[index * sample_len..][..sample_len];
                    // Below the vocabulary's size, which fits.
                    out.extend(sample.iter().map(|token| *token as i32));
                }
            }
            Features::Sequences(sequences) => {
                batch.shape[1] = sequences.gather(stored_indices, self.is_bucketed, features.tokens_mut());
            }
            Features::Stream(stream) => {
                let mut next = match std::mem::take(targets) {
                    BatchTargets::NextTokens(next) => next,
                    _ => Vec::new(),
                };
                stream.gather(stored_indices, pass, features.tokens_mut(), &mut next);
                *targets = BatchTargets::NextTokens(next);
            }
            numbers @ (Features::Floats(_) | Features::FloatShards(_)) => {
                let out = emptied(features.values_mut(), len);
                let entries = self.normalization.mean.len();
                let channel_len = sample_len / entries;
                for &index in stored_indices {
                    let sample = numbers.floats(index, sample_len).expect("a stored sample of numbers");
                    if self.normalization.is_none() {
                        out.extend_from_slice(&sample);
                        continue;
                    }
                    for (entry, channel) in sample.chunks_exact(channel_len).enumerate() {
                        out.extend(channel.iter().map(|v| self.normalization.value(*v, entry)));
                    }
                }
            }
        }
    }

    fn gather_targets(&self, stored_indices: &[usize], out: &mut BatchTargets) {
        match &self.stored.targets {
            Some(Targets::Classes { labels, .. }) => {
                let mut gathered = match std::mem::take(out) {
                    BatchTargets::Classes(labels) => labels,
                    _ => Vec::new(),
                };
                gathered.clear();
                gathered.extend(stored_indices.iter().map(|index| labels[*index]));
                *out = BatchTargets::Classes(gathered);
            }
            Some(Targets::Values { width, values }) => {
                let mut gathered = match std::mem::take(out) {
                    BatchTargets::Values { values, .. } => values,
                    _ => Vec::new(),
                };
                gathered.clear();
                for index in stored_indices {
                    gathered.extend_from_slice(&values[index * width..][..*width]);
                }
                if let Some(scale) = &self.target_scale {
                    for row in gathered.chunks_exact_mut(*width) {
                        row.iter_mut().enumerate().for_each(|(at, value)| *value = scale.value(*value, at));
                    }
                }
                *out = BatchTargets::Values { width: *width, values: gathered };
            }
            Some(Targets::Labels { values, names }) => {
                let width = names.len();
                let gathered = stored_indices.iter().flat_map(|index| &values[index * width..][..width]);
                *out = BatchTargets::Labels { width, values: gathered.copied().collect() };
            }
            Some(Targets::StepClasses { labels, steps, .. }) => {
                let gathered = stored_indices.iter().flat_map(|index| &labels[index * steps..][..*steps]);
                // Padding has weight 0, whatever class stands there.
                let class = |label: &u32| if *label == Targets::PADDING { 0 } else { *label };
                *out = BatchTargets::StepClasses(gathered.map(class).collect());
            }
            // They came with the features.
            Some(Targets::Features { .. }) | None => {}
        }
    }

    /// The features as they are without augmentation.
    fn gather_features_as_targets(&self, stored_indices: &[usize], batch: &mut Batch) {
        let mut plain = Batch { indices: batch.indices.clone(), ..Batch::default() };
        self.gather_features(stored_indices, None, &mut plain);
        let values = std::mem::take(plain.features.values_mut());
        batch.targets = BatchTargets::Values { width: self.stored.sample_len, values };
    }

    /// The samples' weights, repeated for each step where targets are at each step; padding has weight 0.
    fn gather_weights(&self, stored_indices: &[usize]) -> Option<Vec<f32>> {
        let of_sample = |index: usize| self.weights.as_ref().map_or(1.0, |weights| weights[index]);
        match &self.stored.targets {
            Some(Targets::StepClasses { labels, steps, .. }) => {
                let weights = stored_indices.iter().flat_map(|index| {
                    let weight = of_sample(*index);
                    let labels = &labels[index * steps..][..*steps];
                    labels.iter().map(move |label| if *label == Targets::PADDING { 0.0 } else { weight })
                });
                Some(weights.collect())
            }
            _ => {
                self.weights.as_ref()?;
                Some(stored_indices.iter().map(|index| of_sample(*index)).collect())
            }
        }
    }
}

/// Mixes each sample of a batch with its partner, features and classes.
fn mix(plan: &MixupPlan, batch: &mut Batch) {
    let (BatchFeatures::Values(values), BatchTargets::Classes(labels)) =
        (&mut batch.features, &mut batch.targets)
    else {
        unreachable!("mixup is for numbers with classes");
    };
    if labels.is_empty() {
        return;
    }
    let sample_len = values.len() / labels.len();
    plan.mix(values, sample_len);
    let partners = plan.partners.iter().map(|partner| labels[*partner as usize]).collect();
    batch.targets =
        BatchTargets::MixedClasses { labels: std::mem::take(labels), partners, share: plan.share };
}

/// The memory of a batch, ready for so many values.
fn emptied<T>(memory: &mut Vec<T>, len: usize) -> &mut Vec<T> {
    memory.clear();
    memory.reserve_exact(len);
    memory
}
