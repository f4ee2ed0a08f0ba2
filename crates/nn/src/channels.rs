//! Which channels of a network can be taken out, and with which others.
//!
//! A channel of a convolution or a unit of a dense layer is a row of its weight, an element of its bias, what batch norm keeps for
//! it, and a column of each weight that reads it; behind a flattened image it is several columns. Where two layers are added, as
//! in a residual block, their channels go together, and so on to whatever else is added to those. What is tied to the input, to
//! the output, or to a layer in which features mean more than their order, as in attention, stays.

use std::collections::HashMap;

use crate::error::NnError;
use crate::layers::{LayerKind, LayerSpec, PlannedLayer, PositionKind};
use crate::spec::ModelSpec;
use crate::state::NamedTensor;

/// Channels that can only be taken out together, the first of each layer with the first of the others, and so on.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelGroup {
    /// Layers whose outputs they are, in order.
    pub layers: Vec<String>,
    /// How many channels each of them has.
    pub channels: usize,
    /// Where numbers are kept for them.
    pub slices: Vec<ChannelSlice>,
}

/// Where a tensor keeps numbers for channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSlice {
    /// The tensor's name: `conv2d_1.weight`.
    pub tensor: String,
    /// The dimension that counts channels.
    pub axis: usize,
    /// How often all channels follow one another on it, as behind a flattened sequence, once for each step.
    pub repeat: usize,
    /// How many places in a row belong to each channel, as behind a flattened image, one for each pixel.
    pub each: usize,
    /// What the numbers do.
    pub role: ChannelRole,
}

/// What numbers do for a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelRole {
    /// They make the channel: a layer's weight or bias.
    Output,
    /// They scale and shift it: batch norm's.
    Norm,
    /// They read it.
    Input,
}

impl ChannelSlice {
    /// Each number of a tensor of this shape with its channel.
    fn channel_of(&self, shape: &[usize], channels: usize) -> impl Fn(usize) -> usize + use<> {
        let inner: usize = shape[self.axis + 1..].iter().product();
        let (len, each) = (shape[self.axis], self.each);
        move |at| at / inner % len / each % channels
    }
}

impl ChannelGroup {
    /// Sums up a number for each channel over the tensors that make, scale or read it: what `of` makes of a slice and one of its
    /// numbers, with the place of that number in its tensor.
    ///
    /// # Panics
    /// If a tensor is missing.
    pub fn sum_by_channel(
        &self,
        tensors: &HashMap<&str, &NamedTensor>,
        slice: &ChannelSlice,
        of: impl Fn(usize, f32) -> f64,
    ) -> Vec<f64> {
        let tensor = tensors[slice.tensor.as_str()];
        let channel_of = slice.channel_of(&tensor.shape, self.channels);
        let mut sums = vec![0.0; self.channels];
        for (at, value) in tensor.values.iter().enumerate() {
            sums[channel_of(at)] += of(at, *value);
        }
        sums
    }

    /// Makes channels 0 wherever they are made or shifted: the network then gives what it gives without them.
    pub fn zero(&self, tensors: &mut [NamedTensor], channels: &[usize]) {
        let mut gone = vec![false; self.channels];
        channels.iter().for_each(|channel| gone[*channel] = true);
        for slice in &self.slices {
            if slice.role == ChannelRole::Input || slice.tensor.ends_with(".running_var") {
                continue;
            }
            for tensor in tensors.iter_mut().filter(|tensor| tensor.name == slice.tensor) {
                let channel_of = slice.channel_of(&tensor.shape, self.channels);
                for (at, value) in tensor.values.iter_mut().enumerate() {
                    if gone[channel_of(at)] {
                        *value = 0.0;
                    }
                }
            }
        }
    }

    /// Leaves only the numbers of some channels, in this order.
    fn keep(&self, tensors: &mut [NamedTensor], kept: &[usize]) {
        for slice in &self.slices {
            for tensor in tensors.iter_mut().filter(|tensor| tensor.name == slice.tensor) {
                let inner: usize = tensor.shape[slice.axis + 1..].iter().product();
                let len = tensor.shape[slice.axis];
                let mut places = Vec::with_capacity(slice.repeat * kept.len() * slice.each);
                for turn in 0..slice.repeat {
                    for channel in kept {
                        let first = (turn * self.channels + channel) * slice.each;
                        places.extend(first..first + slice.each);
                    }
                }
                let mut values = Vec::with_capacity(tensor.values.len() / len.max(1) * places.len());
                for block in tensor.values.chunks_exact(len * inner) {
                    for place in &places {
                        values.extend_from_slice(&block[place * inner..][..inner]);
                    }
                }
                tensor.values = values;
                tensor.shape[slice.axis] = places.len();
            }
        }
    }
}

impl ModelSpec {
    /// Which channels could be taken out of the network, and which go together.
    ///
    /// ```
    /// use fireclay_nn::ModelSpec;
    ///
    /// let spec = ModelSpec::new([1, 28, 28]).conv2d(8, 3).batch_norm().relu().flatten().dense(32).relu().dense(10);
    /// let groups = spec.channel_groups()?;
    /// // The last layer has as many outputs as there are classes.
    /// let layers: Vec<_> = groups.iter().map(|group| (&group.layers[..], group.channels)).collect();
    /// assert_eq!(layers, [(&["conv2d_1".to_string()][..], 8), (&["dense_1".to_string()][..], 32)]);
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn channel_groups(&self) -> Result<Vec<ChannelGroup>, NnError> {
        let plan = self.plan()?;
        let mut walk = Walk::default();
        let input = walk.space(channels_of(self.input.shape()), true);
        let output = walk.layers(&plan.layers, input);
        walk.fix(output);
        Ok(walk.finish())
    }

    /// The description and the tensors of the network with only some channels of each group, in the order given; they are among those
    /// that [`channel_groups`](Self::channel_groups) names.
    ///
    /// # Errors
    /// As for [`build`](Self::build), of the description that comes of it: a layer needs a channel at least.
    ///
    /// # Panics
    /// If a channel is not one of its group's.
    ///
    /// ```
    /// use fireclay_nn::{Device, ModelSpec, load_state, state};
    ///
    /// let spec = ModelSpec::new([4]).dense(6).relu().dense(2);
    /// let device = Device::flex();
    /// let group = spec.channel_groups()?.remove(0);
    /// let tensors = state(&spec.build(&device)?);
    /// let (small, tensors) = spec.keep_channels(tensors, &[(group, vec![0, 2, 5])])?;
    /// load_state(small.build(&device)?, tensors)?;
    /// assert_eq!(small, ModelSpec::new([4]).dense(3).relu().dense(2));
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    pub fn keep_channels(
        &self,
        mut tensors: Vec<NamedTensor>,
        kept: &[(ChannelGroup, Vec<usize>)],
    ) -> Result<(ModelSpec, Vec<NamedTensor>), NnError> {
        for (group, kept) in kept {
            assert!(kept.iter().all(|channel| *channel < group.channels), "channels of the group");
            group.keep(&mut tensors, kept);
        }
        let counts: Vec<_> = kept.iter().map(|(group, kept)| (group, kept.len())).collect();
        Ok((self.with_channels(&counts)?, tensors))
    }

    /// The description with so many channels in each group, without weights.
    ///
    /// # Errors
    /// As for [`keep_channels`](Self::keep_channels).
    pub fn with_channels(&self, counts: &[(&ChannelGroup, usize)]) -> Result<ModelSpec, NnError> {
        let plan = self.plan()?;
        let of_layer =
            counts.iter().flat_map(|(group, count)| group.layers.iter().map(|name| (name.as_str(), *count)));
        let mut spec = self.clone();
        set_channels(&mut spec.layers, &plan.layers, &of_layer.collect());
        spec.summary()?;
        Ok(spec)
    }
}

/// Channels, or features, of a sample of this shape.
fn channels_of(shape: &[usize]) -> usize {
    match shape {
        [channels, _, _] => *channels,
        other => other.last().copied().unwrap_or(1),
    }
}

fn set_channels(layers: &mut [LayerSpec], planned: &[PlannedLayer], counts: &HashMap<&str, usize>) {
    for (layer, plan) in layers.iter_mut().zip(planned) {
        if let LayerKind::Residual(block) = &mut layer.kind {
            set_channels(&mut block.layers, &plan.body, counts);
            set_channels(&mut block.shortcut, &plan.shortcut, counts);
            continue;
        }
        let Some(count) = counts.get(plan.name.as_str()).copied() else { continue };
        match &mut layer.kind {
            LayerKind::Dense(spec) => spec.out_features = count,
            LayerKind::Conv2d(spec) => {
                // By channel, a group each.
                spec.groups = if spec.groups > 1 { count } else { 1 };
                spec.out_channels = count;
            }
            LayerKind::Conv1d(spec) => {
                spec.groups = if spec.groups > 1 { count } else { 1 };
                spec.out_channels = count;
            }
            LayerKind::Embedding(spec) => spec.embedding_dim = count,
            _ => unreachable!("only these make channels"),
        }
    }
}

/// What flows at some place: channels of a set, and how they lie on the dimension that counts them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Space {
    set: usize,
    repeat: usize,
    each: usize,
}

/// Channels that go together, until they turn out to go with others.
#[derive(Debug, Default)]
struct Set {
    /// The set that it was joined to.
    joined: Option<usize>,
    fixed: bool,
    channels: usize,
    layers: Vec<String>,
    slices: Vec<ChannelSlice>,
}

#[derive(Debug, Default)]
struct Walk {
    sets: Vec<Set>,
    /// Of each embedding, in order, what it gives.
    embeddings: Vec<Space>,
}

impl Walk {
    fn space(&mut self, channels: usize, fixed: bool) -> Space {
        self.sets.push(Set { fixed, channels, ..Set::default() });
        Space { set: self.sets.len() - 1, repeat: 1, each: 1 }
    }

    fn root(&self, mut set: usize) -> usize {
        while let Some(next) = self.sets[set].joined {
            set = next;
        }
        set
    }

    fn fix(&mut self, space: Space) {
        let root = self.root(space.set);
        self.sets[root].fixed = true;
    }

    fn join(&mut self, one: Space, other: Space) {
        let (a, b) = (self.root(one.set), self.root(other.set));
        if (one.repeat, one.each, self.sets[a].channels) != (other.repeat, other.each, self.sets[b].channels)
        {
            // The same numbers, counted differently.
            self.fix(one);
            self.fix(other);
            return;
        }
        let (first, second) = (a.min(b), a.max(b));
        if first == second {
            return;
        }
        let gone = Set { joined: Some(first), ..Set::default() };
        let Set { fixed, layers, slices, .. } = std::mem::replace(&mut self.sets[second], gone);
        let set = &mut self.sets[first];
        set.fixed |= fixed;
        set.layers.extend(layers);
        set.slices.extend(slices);
    }

    fn add_slice(&mut self, space: Space, tensor: String, axis: usize, role: ChannelRole) {
        let root = self.root(space.set);
        let Space { repeat, each, .. } = space;
        self.sets[root].slices.push(ChannelSlice { tensor, axis, repeat, each, role });
    }

    /// Layers one after another, and what leaves the last.
    fn layers(&mut self, layers: &[PlannedLayer], input: Space) -> Space {
        layers.iter().fold(input, |space, layer| self.layer(layer, space))
    }

    fn layer(&mut self, layer: &PlannedLayer, input: Space) -> Space {
        match &layer.kind {
            LayerKind::Dense(spec) => self.weighted(layer, input, spec.out_features),
            LayerKind::Conv2d(spec) if spec.groups == 1 => self.weighted(layer, input, spec.out_channels),
            LayerKind::Conv1d(spec) if spec.groups == 1 => self.weighted(layer, input, spec.out_channels),
            LayerKind::Conv2d(spec) => self.grouped(layer, input, spec.groups, spec.out_channels),
            LayerKind::Conv1d(spec) => self.grouped(layer, input, spec.groups, spec.out_channels),
            LayerKind::Embedding(spec) => {
                let output = self.output(layer, spec.embedding_dim, 1);
                self.embeddings.push(output);
                output
            }
            LayerKind::TiedDense(_) => {
                let embedding = self.embeddings[layer.tied];
                self.join(input, embedding);
                self.fixed_output(layer)
            }
            LayerKind::PositionEmbedding(spec) => {
                match spec.kind {
                    PositionKind::Learnt => {
                        for tensor in &layer.inferred.tensors {
                            let name = format!("{}.{}", layer.name, tensor.name);
                            self.add_slice(input, name, 1, ChannelRole::Output);
                        }
                    }
                    // What is added to a feature depends on its number.
                    _ => self.fix(input),
                }
                input
            }
            LayerKind::BatchNorm(_) => {
                for tensor in &layer.inferred.tensors {
                    let name = format!("{}.{}", layer.name, tensor.name);
                    self.add_slice(input, name, 0, ChannelRole::Norm);
                }
                input
            }
            // They make nothing of nothing, channel by channel.
            LayerKind::Relu(_)
            | LayerKind::LeakyRelu(_)
            | LayerKind::Elu(_)
            | LayerKind::Gelu(_)
            | LayerKind::Silu(_)
            | LayerKind::Tanh(_)
            | LayerKind::Dropout(_)
            | LayerKind::MaxPool2d(_)
            | LayerKind::AvgPool2d(_)
            | LayerKind::GlobalAvgPool2d(_)
            | LayerKind::GlobalAvgPool1d(_)
            | LayerKind::GlobalMaxPool1d(_)
            | LayerKind::FirstStep(_) => input,
            LayerKind::Flatten(_) => match *layer.input.shape() {
                [_, height, width] => Space { each: input.each * height * width, ..input },
                [steps, _] => Space { repeat: input.repeat * steps, ..input },
                _ => input,
            },
            LayerKind::Residual(_) => {
                let inner = self.layers(&layer.body, input);
                let other = self.layers(&layer.shortcut, input);
                self.join(inner, other);
                inner
            }
            // Means over features, or weights whose rows mean more than a channel each.
            LayerKind::LayerNorm(_)
            | LayerKind::Sigmoid(_)
            | LayerKind::Softplus(_)
            | LayerKind::Softmax(_) => {
                self.fix(input);
                input
            }
            LayerKind::Lstm(_)
            | LayerKind::Gru(_)
            | LayerKind::SimpleRnn(_)
            | LayerKind::MultiHeadAttention(_)
            | LayerKind::TransformerEncoder(_)
            | LayerKind::TransformerDecoder(_)
            | LayerKind::Whitening(_)
            | LayerKind::NaiveBayesBag(_) => {
                self.fix(input);
                self.fixed_output(layer)
            }
        }
    }

    /// A layer that makes channels of all that enter.
    fn weighted(&mut self, layer: &PlannedLayer, input: Space, channels: usize) -> Space {
        self.add_slice(input, format!("{}.weight", layer.name), 1, ChannelRole::Input);
        self.output(layer, channels, 0)
    }

    /// A convolution in groups: channel by channel it makes each of one, and otherwise both sides stay.
    fn grouped(&mut self, layer: &PlannedLayer, input: Space, groups: usize, out_channels: usize) -> Space {
        let output = self.output(layer, out_channels, 0);
        if groups == out_channels {
            self.join(input, output);
        } else {
            self.fix(input);
            self.fix(output);
        }
        output
    }

    /// New channels that a layer makes, with the tensors that make them.
    fn output(&mut self, layer: &PlannedLayer, channels: usize, axis: usize) -> Space {
        let space = self.space(channels, layer.frozen);
        self.sets[space.set].layers.push(layer.name.clone());
        for tensor in &layer.inferred.tensors {
            self.add_slice(space, format!("{}.{}", layer.name, tensor.name), axis, ChannelRole::Output);
        }
        space
    }

    fn fixed_output(&mut self, layer: &PlannedLayer) -> Space {
        self.space(channels_of(layer.inferred.output.shape()), true)
    }

    fn finish(self) -> Vec<ChannelGroup> {
        let free =
            self.sets.into_iter().filter(|set| set.joined.is_none() && !set.fixed && !set.layers.is_empty());
        free.map(|Set { channels, layers, slices, .. }| ChannelGroup { layers, channels, slices }).collect()
    }
}
