//! Fireclay's fused operations: each does what several of Burn's do, in one pass, with a gradient written by hand.
//!
//! Each operation has a folder with the same files:
//!
//! | File | Holds |
//! |---|---|
//! | `mod.rs` | the public function over `Tensor`, the options, and two traits |
//! | `reference.rs` | the operation and its gradient in Burn's operations: what a device without a kernel runs |
//! | `autodiff.rs` | what is kept for the backward pass, and for which inputs |
//! | `by_sample.rs` | where it has weights and runs in another form for it: the operation while norms of samples are gathered (`sample_norms`) |
//! | `flex.rs` | the kernels of `fireclay-kernels` under Flex; f32 only, other types run the reference |
//!
//! The first trait, `DenseOp`, is a Burn backend extension: it is what finds the device at run time. The second,
//! `DenseGradient`, belongs to the backward pass; it is an ordinary trait, since only `autodiff.rs` calls it, and so
//! it may pass what an extension cannot. Both have the reference as their default bodies. A new device gets an
//! operation by an `impl` with no body, and a kernel by overriding a function.
//!
//! `int8.rs` has only a function: it belongs to networks that are trained already, and a device without its kernels runs the layers.
//!
//! A device that no feature of this crate stands for, such as one of `burn/flex` in a build without `flex` here, runs the
//! references too: see `fallback.rs`.

#![cfg_attr(feature = "ndarray", allow(deprecated, reason = "kept as a feature as long as Burn has it"))]
#![cfg_attr(
    not(any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda", feature = "rocm")),
    allow(
        unused_variables,
        dead_code,
        reason = "a library built for no device routes its operations nowhere"
    )
)]

mod activation;
mod fallback;
mod gradient;
mod half;
mod maybe;
mod product;
mod stored;

mod attention;
mod batch_norm;
mod conv2d;
mod conv2d_batch_norm;
mod cross_entropy;
mod dense;
mod dense_cross_entropy;
mod dropout;
mod embedding;
mod feed_forward;
mod gelu;
mod int8;
mod layer_norm;
mod optimizer;
mod pool2d;
mod rank_sum;
mod recurrent;
mod sample_norms;
mod saturating;
mod storage_order;

pub use activation::Activation;
pub use attention::{AttentionOptions, self_attention};
pub use batch_norm::{BatchNormTrain, batch_norm, batch_norm_train};
pub use conv2d::{Conv2dOptions, MaxPool, conv2d, conv2d_weight};
pub use conv2d_batch_norm::{BatchNormWeights, PoolPlace, conv2d_batch_norm};
pub use cross_entropy::cross_entropy;
pub use dense::dense;
pub use dense_cross_entropy::{DenseCrossEntropy, dense_cross_entropy};
pub use dropout::dropout;
pub use embedding::embedding;
pub use feed_forward::{FeedForwardOptions, FeedForwardWeights, feed_forward};
pub use gelu::gelu;
pub use int8::{Int8Description, int8};
pub use layer_norm::layer_norm;
pub use optimizer::{AdamSettings, MuonSettings, SgdSettings, adam_step, muon_step, sgd_step};
pub use pool2d::{PoolOptions, avg_pool2d, global_avg_pool2d, max_pool2d};
pub use rank_sum::{RankSum, RankSumScope, rank_sums_by, sum_over_ranks, sums_over_ranks};
pub use recurrent::{
    RecurrentCell, RecurrentInput, RecurrentOptions, RecurrentState, RecurrentWeights, recurrent,
    recurrent_last, recurrent_with_state,
};

pub use sample_norms::{
    SampleNorms, gathers_sample_norms, has_sample_norms, parameter_for_samples, sample_norms,
};
pub use saturating::{sigmoid, tanh};
pub use storage_order::storage_order;

/// Gives operations to the devices that have no kernel of ours: the traits' default bodies.
macro_rules! run_reference_on_other_devices {
    ($($operation:path),+) => {$(
        #[cfg(feature = "ndarray")]
        impl $operation for burn::backend::NdArray {}

        // Every GPU: `Cube` is the one type behind wgpu, CUDA and ROCm, and it has fusion in it where that is on.
        #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
        impl $operation for burn::backend::Cube {}
    )+};
}
use run_reference_on_other_devices;
