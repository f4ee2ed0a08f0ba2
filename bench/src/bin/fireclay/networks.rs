//! What differs between the workloads: the description of the network, the data set, and one batch of input.

use fireclay::data::{Normalization, Provenance};
use fireclay::nn::{BatchNormSpec, Conv2dSpec, EmbeddingSpec, Initializer, LayerSpec, ReluSpec};
use fireclay::prelude::*;
use fireclay_bench::{Inputs, Split, Workload, WorkloadName};

/// The network.
pub fn spec(workload: &Workload) -> ModelSpec {
    let convolutions = |input: [usize; 3]| {
        ModelSpec::new(input)
            .conv2d(32, 3)
            .relu()
            .max_pool2d(2)
            .conv2d(64, 3)
            .relu()
            .max_pool2d(2)
            .conv2d(64, 3)
            .relu()
            .flatten()
            .dense(64)
            .relu()
            .dense(10)
    };
    match workload.name {
        WorkloadName::Mlp => {
            ModelSpec::new([1, 28, 28]).flatten().dense(128).relu().dense(128).relu().dense(10)
        }
        WorkloadName::Cnn => convolutions([1, 28, 28]),
        WorkloadName::Cifar => convolutions([3, 32, 32]),
        WorkloadName::Lstm => ModelSpec::tokens(250).embedding(20_000, 128).lstm(128).dense(2),
        WorkloadName::Lm => lm(workload.classes),
        WorkloadName::Vgg => vgg(),
        WorkloadName::Resnet => resnet(),
        WorkloadName::Transformer => ModelSpec::tokens(256)
            .embedding(20_004, 256)
            .position_embedding(PositionKind::Learnt)
            .transformer_encoder(TransformerSpec::new(8, 1024).num_layers(4))
            .global_avg_pool1d()
            .dense(2),
    }
}

/// The program `imdb` has it as `lm-transformer`.
fn lm(vocabulary: usize) -> ModelSpec {
    let embedding = EmbeddingSpec::new(vocabulary, 128).padding_idx(0);
    let blocks = TransformerSpec::new(4, 512).num_layers(2).dropout(0.1).rotary(true).final_norm(true);
    ModelSpec::tokens(128)
        .layer(embedding.initializer(Initializer::Uniform { bound: 0.05 }))
        .dropout(0.1)
        .transformer_decoder(blocks)
        .tied_dense()
}

/// A convolution of 3 by 3 that keeps the size, without bias.
fn conv(channels: usize) -> LayerSpec {
    Conv2dSpec::new(channels, 3).padding(Padding::Same).bias(false).into()
}

fn norm() -> LayerSpec {
    BatchNormSpec::default().into()
}

/// In the manner of VGG ([Simonyan and Zisserman 2014](https://arxiv.org/abs/1409.1556)), with batch norm.
fn vgg() -> ModelSpec {
    let mut spec = ModelSpec::new([3, 32, 32]);
    for (channels, convolutions) in [(64, 2), (128, 2), (256, 3), (512, 3)] {
        for _ in 0..convolutions {
            spec = spec.layer(conv(channels)).layer(norm()).relu();
        }
        spec = spec.max_pool2d(2);
    }
    spec.global_avg_pool2d().dense(10)
}

/// The program `cifar` has it under this name, with other initial weights and images mirrored in tests.
fn resnet() -> ModelSpec {
    let block =
        |channels| [conv(channels), norm(), ReluSpec {}.into(), conv(channels), norm(), ReluSpec {}.into()];
    let halving = |spec: ModelSpec, channels| spec.layer(conv(channels)).max_pool2d(2).layer(norm()).relu();
    let spec = ModelSpec::new([3, 32, 32]).layer(conv(24)).layer(norm()).relu();
    let spec = halving(halving(spec, 48), 96).residual(block(96));
    halving(spec, 192).residual(block(192)).max_pool2d(4).flatten().dense(10)
}

/// The data set of a split.
pub fn dataset(split: Split, workload: &Workload) -> anyhow::Result<Dataset> {
    let provenance = Provenance::new(&workload.data, "train", "prepared for the benchmark");
    if let (Inputs::Tokens(tokens), true) = (&split.inputs, workload.name.predicts_next_tokens()) {
        let mut stream: Vec<u32> = tokens.iter().map(|token| *token as u32).collect();
        stream.extend(split.labels.last());
        let windows = Dataset::from_token_stream(&[stream], split.shape[0], provenance)?;
        return Ok(windows.with_vocabulary_size(workload.classes)?);
    }
    let targets = Targets::Classes {
        labels: split.labels,
        names: (0..workload.classes).map(|class| class.to_string()).collect(),
    };
    match split.inputs {
        Inputs::Bytes(bytes) => {
            Ok(Dataset::from_u8(&split.shape, bytes, targets, Normalization::none(), provenance)?)
        }
        Inputs::Tokens(tokens) => {
            let tokens = tokens.into_iter().map(u32::try_from).collect::<Result<_, _>>()?;
            Ok(Dataset::from_tokens(split.shape[0], tokens, targets, provenance)?)
        }
    }
}

/// Some samples in host memory.
#[derive(Clone)]
pub enum Values {
    /// Images.
    Pixels(Vec<f32>),
    /// Words.
    Tokens(Vec<i32>),
}

/// Copies some samples.
pub fn values(split: &Split, indices: &[usize]) -> Values {
    match &split.inputs {
        Inputs::Bytes(_) => Values::Pixels(split.pixels(indices.iter().copied())),
        Inputs::Tokens(tokens) => {
            let len = split.sample_len();
            let sample = |index: &usize| &tokens[index * len..(index + 1) * len];
            Values::Tokens(indices.iter().flat_map(sample).copied().collect())
        }
    }
}

/// The same samples as the network takes them.
pub fn input(values: Values, samples: usize, shape: &[usize], device: &Device) -> AnyTensor {
    let shape: Vec<usize> = std::iter::once(samples).chain(shape.iter().copied()).collect();
    match values {
        Values::Pixels(pixels) => AnyTensor::from_values(pixels, &shape, device),
        Values::Tokens(tokens) => AnyTensor::from_tokens(tokens, &shape, device),
    }
}
