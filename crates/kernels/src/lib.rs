//! CPU numerics of neural networks on plain slices.
//!
//! Every function takes a [`Cpu`], which says which instructions and how many threads it may use, slices, and sizes;
//! there is no tensor, no global state and no file here. Beside each kernel stands its `reference`, the same function
//! in plain loops, against which it is tested on every [`Path`]. Images are `[batch, height, width, channels]` here:
//! channels lie in vector lanes, and a product writes what the next layer reads.
//!
//! Sister crate: `fireclay-backend` puts these kernels under Burn's tensors.

mod conv2d;
mod cpu;
mod dense;
mod pool;
mod product;
mod rows;
pub mod elementwise;
pub mod images;
pub mod optimizer;
mod simd;
#[cfg(test)]
mod testing;
mod threads;
mod vectors;

pub use conv2d::{
    Conv2dGradients, Conv2dShape, Conv2dTape, MaxPool, conv2d, conv2d_backward, conv2d_for_training,
    pack_weights, unpack_weights,
};
pub use cpu::Cpu;
pub use dense::{DenseGradients, DenseShape, dense, dense_backward};
pub use pool::{
    Pool, average_pool, average_pool_gradient, global_average_pool, global_average_pool_gradient, max_pool,
    max_pool_gradient, max_pool_with_index,
};
pub use simd::Path;
