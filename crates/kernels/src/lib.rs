//! CPU numerics of neural networks on plain slices.
//!
//! Every function takes a [`Cpu`], which says which instructions and how many threads it may use, slices, and sizes;
//! there is no tensor and no file here, and no global state but the threads that wait for
//! work (`threads.rs`). Beside each kernel stands its `reference`, the same function
//! in plain loops, against which it is tested on every [`Path`]. Images are `[batch, height, width, channels]` here:
//! channels lie in vector lanes, and a product writes what the next layer reads.
//!
//! ```
//! use fireclay_kernels::{Cpu, DenseShape, dense};
//!
//! let shape = DenseShape { rows: 1, in_features: 2, out_features: 3, relu: true };
//! let (weight, bias) = ([1.0, -1.0, 0.5, 1.0, -1.0, 0.0], [0.0, 0.0, 1.0]);
//! let mut output = [0.0; 3];
//! dense(Cpu::best(1), &shape, &[1.0, 2.0], &weight, Some(&bias), &mut output);
//! assert_eq!(output, [3.0, 0.0, 1.5]);
//! ```
//!
//! Sister crate: `fireclay-backend` puts these kernels under Burn's tensors.

mod attention;
mod buffer;
#[cfg(test)]
mod check;
mod conv2d;
mod cpu;
mod cross_entropy;
mod dense;
mod dense_cross_entropy;
mod dropout;
pub mod elementwise;
mod embedding;
mod feed_forward;
mod half;
pub mod images;
mod index;
mod int8;
pub mod math;
mod memory;
mod mix;
mod norm;
pub mod optimizer;
mod peak;
mod pool;
mod product;
pub mod recurrent;
mod simd;
mod softmax;
mod threads;
mod transpose;
mod vectors;

pub use attention::{
    Attention, attention, attention_gradient, rotate_positions, self_attention, self_attention_gradient,
};
pub use conv2d::{
    Conv2dGradients, Conv2dShape, Conv2dTape, Conv2dWeights, Conv2dWeightsKey, ImageSquares, MaxPool, conv2d,
    conv2d_backward, conv2d_for_training, conv2d_with,
};
pub use cpu::{Cpu, Precision};
pub use cross_entropy::{CrossEntropy, Loss, cross_entropy};
pub use dense::{DenseGradients, DenseShape, DenseWeights, dense, dense_backward, dense_with};
pub use dense_cross_entropy::{DenseCrossEntropyGradients, DenseCrossEntropyShape, dense_cross_entropy};
pub use dropout::{Dropout, dropout};
pub use embedding::{Unique, embedding, embedding_gradient, unique_tokens};
pub use feed_forward::{
    FeedForward, FeedForwardGradients, FeedForwardWeights, feed_forward, feed_forward_gradient,
    feed_forward_with,
};
pub use half::{from_bf16, to_bf16};
pub use index::Index;
pub use int8::{
    Int8Conv2d, Int8DenseWeights, Int8Layer, Int8Network, Int8Pool, Int8Scale, int8_dense, int8_feed_forward,
};
pub use memory::{Values, release_unused_memory};
pub use mix::{MIX_STEP, mix};
pub use norm::{
    BatchNorm, batch_norm_gradient, batch_norm_inference, batch_norm_train, layer_norm, layer_norm_gradient,
};
pub use peak::multiply_and_add;
pub use pool::{
    Pool, average_pool, average_pool_gradient, global_average_pool, global_average_pool_gradient, max_pool,
    max_pool_gradient, max_pool_with_index,
};
pub use simd::Path;
pub use transpose::images_to_channels_last;
