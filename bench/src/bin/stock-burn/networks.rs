//! The networks, from Burn's own modules with their default initialisers, and what each of them reads.

use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig, Lstm, LstmConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_bench::{EMBEDDING, HIDDEN, Split, VOCABULARY};

/// A network and how it gets its input.
pub trait Network: Module {
    /// A batch in host memory.
    type Values: Clone;
    /// A batch on the device.
    type Input: Clone;

    fn init(shape: &[usize], device: &Device) -> Self;
    fn forward(&self, input: Self::Input) -> Tensor<2>;
    fn values(split: &Split, indices: &[usize]) -> Self::Values;
    fn upload(values: Self::Values, batch_size: usize, shape: &[usize], device: &Device) -> Self::Input;

    fn batch(split: &Split, indices: &[usize], device: &Device) -> Self::Input {
        Self::upload(Self::values(split, indices), indices.len(), &split.shape, device)
    }
}

/// 784-128-128-10.
#[derive(Module, Debug)]
pub struct Mlp {
    dense_1: Linear,
    dense_2: Linear,
    dense_3: Linear,
}

impl Network for Mlp {
    type Values = Vec<f32>;
    type Input = Tensor<4>;

    fn init(shape: &[usize], device: &Device) -> Self {
        Mlp {
            dense_1: LinearConfig::new(shape.iter().product(), 128).init(device),
            dense_2: LinearConfig::new(128, 128).init(device),
            dense_3: LinearConfig::new(128, 10).init(device),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let x = relu(self.dense_1.forward(input.flatten::<2>(1, 3)));
        self.dense_3.forward(relu(self.dense_2.forward(x)))
    }

    fn values(split: &Split, indices: &[usize]) -> Vec<f32> {
        split.pixels(indices.iter().copied())
    }

    fn upload(values: Vec<f32>, batch_size: usize, shape: &[usize], device: &Device) -> Tensor<4> {
        images(values, batch_size, shape, device)
    }
}

/// Three convolutions with two poolings between them, two dense layers.
#[derive(Module, Debug)]
pub struct Cnn {
    conv_1: Conv2d,
    conv_2: Conv2d,
    conv_3: Conv2d,
    pool: MaxPool2d,
    dense_1: Linear,
    dense_2: Linear,
}

impl Network for Cnn {
    type Values = Vec<f32>;
    type Input = Tensor<4>;

    fn init(shape: &[usize], device: &Device) -> Self {
        let conv = |channels| Conv2dConfig::new(channels, [3, 3]).init(device);
        // Each side: a convolution takes 2 away, a pooling halves.
        let side = ((shape[1] - 2) / 2 - 2) / 2 - 2;
        Cnn {
            conv_1: conv([shape[0], 32]),
            conv_2: conv([32, 64]),
            conv_3: conv([64, 64]),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            dense_1: LinearConfig::new(64 * side * side, 64).init(device),
            dense_2: LinearConfig::new(64, 10).init(device),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.conv_1.forward(input)));
        let x = self.pool.forward(relu(self.conv_2.forward(x)));
        let x = relu(self.conv_3.forward(x)).flatten::<2>(1, 3);
        self.dense_2.forward(relu(self.dense_1.forward(x)))
    }

    fn values(split: &Split, indices: &[usize]) -> Vec<f32> {
        split.pixels(indices.iter().copied())
    }

    fn upload(values: Vec<f32>, batch_size: usize, shape: &[usize], device: &Device) -> Tensor<4> {
        images(values, batch_size, shape, device)
    }
}

/// Embedding, LSTM, dense layer on the last state.
#[derive(Module, Debug)]
pub struct LstmClassifier {
    embedding: Embedding,
    lstm: Lstm,
    dense: Linear,
}

impl Network for LstmClassifier {
    type Values = Vec<i32>;
    type Input = Tensor<2, Int>;

    fn init(_: &[usize], device: &Device) -> Self {
        let bound = 1.0 / (HIDDEN as f64).sqrt();
        let uniform = Initializer::Uniform { min: -bound, max: bound };
        LstmClassifier {
            embedding: EmbeddingConfig::new(VOCABULARY, EMBEDDING).init(device),
            lstm: LstmConfig::new(EMBEDDING, HIDDEN, true).with_initializer(uniform).init(device),
            dense: LinearConfig::new(HIDDEN, 2).init(device),
        }
    }

    fn forward(&self, input: Tensor<2, Int>) -> Tensor<2> {
        let (_, state) = self.lstm.forward(self.embedding.forward(input), None);
        self.dense.forward(state.hidden)
    }

    fn values(split: &Split, indices: &[usize]) -> Vec<i32> {
        split.tokens(indices.iter().copied())
    }

    fn upload(values: Vec<i32>, batch_size: usize, shape: &[usize], device: &Device) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::new(values, [batch_size, shape[0]]), device)
    }
}

fn images(values: Vec<f32>, batch_size: usize, shape: &[usize], device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, [batch_size, shape[0], shape[1], shape[2]]), device)
}
