//! CPU numerics of neural networks on plain slices.
//!
//! Every function takes a [`Cpu`], which says which instructions and how many threads it may use, slices, and sizes;
//! there is no tensor, no global state and no file here. Beside each kernel stands its `reference`, the same function
//! in plain loops, against which it is tested on every [`Path`]. Images are `[batch, height, width, channels]` here:
//! channels lie in vector lanes, and a product writes what the next layer reads.
//!
//! Sister crate: `fireclay-backend` puts these kernels under Burn's tensors.

mod cpu;
pub mod elementwise;
pub mod images;
pub mod optimizer;
mod simd;
#[cfg(test)]
mod testing;
mod threads;

pub use cpu::Cpu;
pub use simd::Path;
