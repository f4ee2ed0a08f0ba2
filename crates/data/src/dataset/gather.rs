//! Batches out of a dataset: samples picked by index, normalised, with their targets.

use fireclay_kernels::Cpu;
use fireclay_kernels::images::{Layout, gather_images};

use super::Dataset;
use super::stored::Features;
use crate::Targets;
use crate::source::{Batch, BatchFeatures, BatchTargets, FeatureKind, Source, TargetKind};

impl Source for Dataset {
    fn len(&self) -> usize {
        Dataset::len(self)
    }

    fn sample_shape(&self) -> &[usize] {
        self.shape()
    }

    fn feature_kind(&self) -> FeatureKind {
        match self.vocabulary_size() {
            Some(vocabulary_size) => FeatureKind::Tokens { vocabulary_size },
            None => FeatureKind::Values,
        }
    }

    fn target_kind(&self) -> TargetKind {
        match &self.stored.targets {
            Targets::Classes { names, .. } => TargetKind::Classes { count: names.len() },
            Targets::Values { width, .. } => TargetKind::Values { width: *width },
        }
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) {
        let stored_indices: Vec<usize> = indices
            .iter()
            .map(|index| match self.stored_index(*index as usize) {
                Some(stored) => stored,
                None => panic!("sample {index} of a dataset of {} samples", self.len()),
            })
            .collect();
        batch.shape.clear();
        batch.shape.push(indices.len());
        batch.shape.extend_from_slice(&self.stored.shape);
        batch.indices.clear();
        batch.indices.extend_from_slice(indices);
        self.gather_features(&stored_indices, &mut batch.features);
        self.gather_targets(&stored_indices, &mut batch.targets);
    }
}

impl Dataset {
    fn gather_features(&self, stored_indices: &[usize], features: &mut BatchFeatures) {
        let sample_len = self.stored.sample_len;
        let len = stored_indices.len() * sample_len;
        match &self.stored.features {
            Features::Bytes(bytes) => {
                let levels = self.levels.as_ref().expect("a dataset of bytes has levels");
                let out = emptied(features.values_mut(), len);
                out.resize(len, 0.0);
                let pixels = sample_len / levels.channels();
                // On the loader's thread alone: the others train.
                let cpu = Cpu::best(1);
                let indices: Vec<u32> = stored_indices.iter().map(|index| *index as u32).collect();
                gather_images(cpu, levels, bytes, pixels, &indices, Layout::ChannelsFirst, out);
            }
            Features::Tokens(tokens) => {
                let out = emptied(features.tokens_mut(), len);
                for &index in stored_indices {
                    let sample = &tokens[index * sample_len..][..sample_len];
                    // Below the vocabulary's size, which fits.
                    out.extend(sample.iter().map(|token| *token as i32));
                }
            }
            Features::Floats(values) => {
                let out = emptied(features.values_mut(), len);
                let entries = self.normalization.mean.len();
                let channel_len = sample_len / entries;
                for &index in stored_indices {
                    let sample = &values[index * sample_len..][..sample_len];
                    if self.normalization.is_none() {
                        out.extend_from_slice(sample);
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
            Targets::Classes { labels, .. } => {
                let mut gathered = match std::mem::take(out) {
                    BatchTargets::Classes(labels) => labels,
                    _ => Vec::new(),
                };
                gathered.clear();
                gathered.extend(stored_indices.iter().map(|index| labels[*index]));
                *out = BatchTargets::Classes(gathered);
            }
            Targets::Values { width, values } => {
                let mut gathered = match std::mem::take(out) {
                    BatchTargets::Values { values, .. } => values,
                    _ => Vec::new(),
                };
                gathered.clear();
                for index in stored_indices {
                    gathered.extend_from_slice(&values[index * width..][..*width]);
                }
                *out = BatchTargets::Values { width: *width, values: gathered };
            }
        }
    }
}

/// The memory of a batch, ready for so many values.
fn emptied<T>(memory: &mut Vec<T>, len: usize) -> &mut Vec<T> {
    memory.clear();
    memory.reserve_exact(len);
    memory
}
