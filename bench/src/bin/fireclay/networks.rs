//! What differs between the workloads: the description of the network, the data set, and one batch of input.
//!
//! `lstm` waits for the layers `embedding` and `lstm` and for data sets of tokens: fill in [`spec`], [`dataset`],
//! [`values`] and [`input`], nothing else.

use anyhow::bail;
use fireclay::data::{Normalization, Provenance};
use fireclay::prelude::*;
use fireclay_bench::{Inputs, Split, Workload, WorkloadName};

const NO_LSTM: &str = "no embedding/lstm layer yet";

/// The network.
pub fn spec(workload: &Workload) -> anyhow::Result<ModelSpec> {
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
    Ok(match workload.name {
        WorkloadName::Mlp => {
            ModelSpec::new([1, 28, 28]).flatten().dense(128).relu().dense(128).relu().dense(10)
        }
        WorkloadName::Cnn => convolutions([1, 28, 28]),
        WorkloadName::Cifar => convolutions([3, 32, 32]),
        WorkloadName::Lstm => bail!(NO_LSTM),
    })
}

/// The data set of a split.
pub fn dataset(split: Split, workload: &Workload) -> anyhow::Result<Dataset> {
    let targets = Targets::Classes {
        labels: split.labels.into_iter().map(u32::from).collect(),
        names: (0..workload.classes).map(|class| class.to_string()).collect(),
    };
    let provenance = Provenance::new(&workload.data, "train", "prepared for the benchmark");
    match split.inputs {
        Inputs::Bytes(bytes) => {
            Ok(Dataset::from_u8(&split.shape, bytes, targets, Normalization::none(), provenance)?)
        }
        Inputs::Tokens(_) => bail!(NO_LSTM),
    }
}

/// Some samples in host memory.
pub fn values(split: &Split, indices: &[usize]) -> anyhow::Result<Vec<f32>> {
    match split.inputs {
        Inputs::Bytes(_) => Ok(split.pixels(indices.iter().copied())),
        Inputs::Tokens(_) => bail!(NO_LSTM),
    }
}

/// The same samples as the network takes them.
pub fn input(
    values: Vec<f32>,
    samples: usize,
    shape: &[usize],
    device: &Device,
) -> anyhow::Result<AnyTensor> {
    let shape: Vec<usize> = std::iter::once(samples).chain(shape.iter().copied()).collect();
    Ok(AnyTensor::from_values(values, &shape, device))
}
