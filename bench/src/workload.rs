//! The workloads, read from the file that the Python programs read too.

use std::collections::HashMap;

use clap::ValueEnum;
use serde::Deserialize;

use crate::LATENCY_SAMPLES;

/// A network with its data.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkloadName {
    /// 784-128-128-10 on MNIST
    Mlp,
    /// Three convolutions on MNIST
    Cnn,
    /// Three convolutions on CIFAR-10
    Cifar,
    /// Embedding and LSTM on IMDB
    Lstm,
    /// Ten convolutions of up to 512 channels with batch norm, on CIFAR-10
    Vgg,
    /// The residual network of the program `cifar`
    Resnet,
    /// Embedding and four encoder blocks on IMDB
    Transformer,
    /// The language model `lm-transformer` of the program `imdb`
    Lm,
}

impl WorkloadName {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            WorkloadName::Mlp => "mlp",
            WorkloadName::Cnn => "cnn",
            WorkloadName::Cifar => "cifar",
            WorkloadName::Lstm => "lstm",
            WorkloadName::Vgg => "vgg",
            WorkloadName::Resnet => "resnet",
            WorkloadName::Transformer => "transformer",
            WorkloadName::Lm => "lm",
        }
    }

    /// Whether it reads words and not pictures.
    pub fn reads_tokens(self) -> bool {
        matches!(self, WorkloadName::Lstm | WorkloadName::Transformer | WorkloadName::Lm)
    }

    /// Whether it says at each word what comes next.
    pub fn predicts_next_tokens(self) -> bool {
        self == WorkloadName::Lm
    }
}

/// A workload at the size asked for.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name.
    pub name: WorkloadName,
    /// The data set's file, without its ending.
    pub data: String,
    /// Samples in one step.
    pub batch_size: usize,
    /// Samples of one epoch, a whole number of batches.
    pub samples: usize,
    /// Samples of one pass of inference, a whole number of batches.
    pub test_samples: usize,
    /// First epochs, whose time does not count.
    pub untimed_epochs: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The epoch whose mean loss is compared, counted from 1.
    pub loss_epoch: usize,
    /// Logits of the network.
    pub classes: usize,
}

#[derive(Deserialize)]
struct Described {
    data: String,
    batch_size: usize,
    samples: usize,
    untimed_epochs: usize,
    timed_epochs: usize,
    test_samples: usize,
    loss_epoch: usize,
    classes: usize,
}

impl Workload {
    /// The workload with a share of its samples.
    ///
    /// # Panics
    /// If `workloads.json` does not describe it.
    pub fn new(name: WorkloadName, scale: f64) -> Self {
        let mut all: HashMap<String, Described> =
            serde_json::from_str(include_str!("../workloads.json")).expect("workloads.json has these fields");
        let described = all.remove(name.word()).expect("workloads.json describes every workload");
        let whole_batches = |samples: usize| {
            let batches = (samples as f64 * scale.min(1.0) / described.batch_size as f64).round() as usize;
            batches.max(2) * described.batch_size
        };
        Workload {
            name,
            batch_size: described.batch_size,
            samples: whole_batches(described.samples),
            // Latency is measured on so many.
            test_samples: whole_batches(described.test_samples).max(LATENCY_SAMPLES),
            untimed_epochs: described.untimed_epochs,
            epochs: described.untimed_epochs + described.timed_epochs,
            loss_epoch: described.loss_epoch,
            classes: described.classes,
            data: described.data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_described_and_keeps_whole_batches() {
        for name in WorkloadName::value_variants() {
            for scale in [0.0, 0.017, 1.0] {
                let workload = Workload::new(*name, scale);
                assert_eq!(workload.samples % workload.batch_size, 0, "{name:?}");
                assert!(workload.loss_epoch <= workload.epochs, "{name:?}");
            }
        }
    }
}
