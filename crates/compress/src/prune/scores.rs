//! How much channels matter.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use burn::tensor::Device;
use fireclay_data::Source;
use fireclay_nn::{ChannelGroup, ChannelRole, ChannelSlice, Loss, Model, NamedTensor};
use fireclay_train::batch_gradients;

use crate::CompressError;

fn by_name(tensors: &[NamedTensor]) -> HashMap<&str, &NamedTensor> {
    tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect()
}

/// The scales of batch norm.
fn is_scale(slice: &&ChannelSlice) -> bool {
    slice.role == ChannelRole::Norm && slice.tensor.ends_with(".weight")
}

pub(super) fn has_norm(group: &ChannelGroup) -> bool {
    group.slices.iter().any(|slice| is_scale(&slice))
}

fn add(sums: &mut [f64], others: impl IntoIterator<Item = f64>) {
    sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
}

/// The sum of the scales, without signs.
pub(super) fn batch_norm(group: &ChannelGroup, tensors: &[NamedTensor]) -> Vec<f64> {
    let tensors = by_name(tensors);
    let mut scores = vec![0.0; group.channels];
    for slice in group.slices.iter().filter(is_scale) {
        add(&mut scores, group.sum_by_channel(&tensors, slice, |_, scale| f64::from(scale.abs())));
    }
    scores
}

/// The root of the sum of squares in each weight, as a share of its mean over the channels, added up.
pub(super) fn magnitude(group: &ChannelGroup, tensors: &[NamedTensor]) -> Vec<f64> {
    let tensors = by_name(tensors);
    let mut scores = vec![0.0; group.channels];
    for slice in group.slices.iter().filter(|slice| slice.tensor.ends_with(".weight")) {
        let squares = group.sum_by_channel(&tensors, slice, |_, weight| f64::from(weight).powi(2));
        let roots: Vec<f64> = squares.into_iter().map(f64::sqrt).collect();
        let mean = roots.iter().sum::<f64>() / roots.len() as f64;
        if mean > 0.0 {
            add(&mut scores, roots.into_iter().map(|root| root / mean));
        }
    }
    scores
}

/// The mean over batches of the square of gradient times weight, summed up over each layer's tensors for a channel, and added up
/// over layers.
pub(super) fn first_order(
    groups: &[ChannelGroup],
    model: &Model,
    tensors: &[NamedTensor],
    loss: &dyn Loss,
    samples: &Arc<dyn Source>,
    device: &Device,
) -> Result<Vec<Vec<f64>>, CompressError> {
    let tensors = by_name(tensors);
    let mut scores: Vec<Vec<f64>> = groups.iter().map(|group| vec![0.0; group.channels]).collect();
    batch_gradients(model, loss, samples, device, |gradients| {
        let gradients = by_name(&gradients);
        for (group, scores) in groups.iter().zip(&mut scores) {
            let mut of_layers: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
            for slice in group.slices.iter().filter(|slice| slice.role != ChannelRole::Input) {
                let Some(gradient) = gradients.get(slice.tensor.as_str()) else { continue };
                let changes = group.sum_by_channel(&tensors, slice, |at, weight| {
                    f64::from(weight) * f64::from(gradient.values[at])
                });
                let layer = slice.tensor.rsplit_once('.').map_or(slice.tensor.as_str(), |(layer, _)| layer);
                add(of_layers.entry(layer).or_insert_with(|| vec![0.0; group.channels]), changes);
            }
            for changes in of_layers.into_values() {
                add(scores, changes.into_iter().map(|change| change * change));
            }
        }
    })?;
    Ok(scores)
}
