//! Which device runs the code, on how many threads, and with which kernels: [`ops`] are Fireclay's fused operations.
//!
//! Cargo features decide which devices a build *has*; a [`DeviceName`] decides which one is *used*. Nothing else
//! in Fireclay mentions a backend: layers, the training loop and the programs take the [`Device`] opened here.
//!
//! | Feature | Device names | Runs on |
//! |---|---|---|
//! | `flex` (default) | `flex` | any CPU, pure Rust |
//! | `ndarray` | `ndarray` | any CPU; deprecated by Burn, kept for those who ask for it |
//! | `wgpu` | `wgpu`, `wgpu:1` | any GPU with Vulkan, Metal, DirectX 12 or WebGPU |
//! | `vulkan`, `metal`, `webgpu` | the same words | that graphics API and no other |
//! | `cuda`, `rocm` | `cuda`, `cuda:1`, `rocm` | NVIDIA's and AMD's own stacks |
//!
//! ```
//! use fireclay_backend::{DeviceName, reads_at_once};
//!
//! let device = DeviceName::default().open()?;
//! assert!(reads_at_once(&device));
//! let missing = "wgpu:7".parse::<DeviceName>()?.open();
//! assert!(missing.unwrap_err().to_string().contains("wgpu"));
//! # Ok::<(), fireclay_backend::BackendError>(())
//! ```
//!
//! A device that was opened in another way, such as Burn's `Device::default()` in a build that asks for `burn/flex` itself,
//! runs all operations as well. Those that no feature here stands for run ordinary Burn operations instead of kernels.
//!
//! Sister crates: `fireclay-kernels` (the arithmetic on a CPU), `fireclay-nn` (layers and models), `fireclay-data` (data
//! sets), `fireclay-store` (model files), `fireclay-train` (fit and evaluate), `fireclay` (all of them behind one door).

mod device_name;
mod dynamic_int8;
mod error;
#[cfg(feature = "flex")]
mod flex_tensor;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
mod gpu;
#[cfg(feature = "flex")]
mod instructions;
#[cfg(feature = "flex")]
mod memory;
pub mod ops;
#[cfg(feature = "flex")]
mod ordered_weights;
mod peak_memory;
mod precision;
mod random;
mod threads;

pub use burn::tensor::Device;
pub use device_name::{DeviceName, reads_at_once, speeds_up, supports};
pub use dynamic_int8::{DynamicInt8Scope, in_dynamic_int8};
pub use error::BackendError;
pub use peak_memory::peak_memory_bytes;
pub use precision::{Precision, PrecisionScope, in_precision};
pub use random::{BatchPart, PartScope, RandomTurn, batch_part, in_part, random_turn, seeded};
pub use threads::{set_threads, threads};

/// Drops what the CPU's kernels keep of the weights of networks that answered. For a network that goes on training: an
/// optimiser must copy weights that somebody else holds.
pub fn forget_ordered_weights() {
    #[cfg(feature = "flex")]
    ordered_weights::forget_all();
}

/// Gives memory that the CPU's kernels keep for their next results back to the system, with what they keep of networks that
/// are gone: after a training, say, when its sizes will not come again.
pub fn release_unused_memory() {
    #[cfg(feature = "flex")]
    {
        ordered_weights::forget_unused();
        fireclay_kernels::release_unused_memory();
    }
}
