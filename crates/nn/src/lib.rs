//! Layers, losses and models that are described as data.
//!
//! A [`ModelSpec`] says what a network is; it is written in a few lines of Rust, TOML or JSON, checked before a
//! tensor exists, and built into a [`Model`] on any device. A network of one's own, any `#[derive(Module)]` struct of
//! Burn's, joins by the [`Network`] trait.
//!
//! ```
//! use fireclay_nn::{Device, ModelSpec};
//!
//! let spec = ModelSpec::new([1, 28, 28]).conv2d(32, 3).relu().max_pool2d(2).flatten().dense(10);
//! let model = spec.build(&Device::default())?;
//! assert_eq!(spec.summary()?.parameters(), 32 * 9 + 32 + 32 * 13 * 13 * 10 + 10);
//! assert_eq!(ModelSpec::from_toml(&spec.to_toml()?)?, spec);
//! # Ok::<(), fireclay_nn::NnError>(())
//! ```
//!
//! Sister crates: `fireclay-backend` (devices), `fireclay-data` (data sets), `fireclay-store` (model files),
//! `fireclay-train` (fit and evaluate), `fireclay` (all of them behind one door).

mod attention;
mod channels;
mod check_forward;
mod error;
mod freeze;
mod initializer;
mod int8;
mod int8_spec;
mod intermediate;
mod layers;
mod losses;
mod model;
mod network;
mod observe;
pub mod readable;
mod sampling;
mod shapes;
mod spec;
mod state;
mod stepper;
mod stored;
mod summary;
mod tensor;
mod test_time_augmentation;
mod transfer;

pub use attention::AttentionProbabilities;
pub use channels::{ChannelGroup, ChannelRole, ChannelSlice};
pub use check_forward::check_forward;
pub use error::{LayerProblem, NnError, WeightsMismatch};
pub use fireclay_backend::Device;
pub use fireclay_backend::ops::Int8Description;
pub use fireclay_kernels::{Int8Conv2d, Int8Layer, Int8Pool, Int8Scale};
pub use initializer::Initializer;
pub use int8::{DynamicInt8Layer, Int8Candidates, Int8Segment, int8_rows, round_to_int8};
pub use int8_spec::{Int8Range, Int8Spec};
pub use intermediate::Intermediate;
pub use layers::*;
pub use losses::{
    BinaryCrossEntropyLoss, BuiltInLoss, CrossEntropyLoss, DenseLoss, DistillationLoss, HuberLoss, Loss,
    LossFn, MaeLoss, MseLoss, Target, TargetType, batch_loss, binary_cross_entropy_with_logits,
    cross_entropy_with_logits, huber, loss_fn, mae, mse,
};
pub use model::Model;
pub use network::{Batches, DeadUnits, Network, Outputs};
pub use sampling::{Sampler, Sampling};
pub use shapes::{InputSpec, Padding, Size2d, TensorSpec};
pub use spec::{ModelSpec, PlacedLayer};
pub use state::{
    NamedTensor, check_tensors, check_weights, gradients, gradients_by_id, is_in_layer, is_running_statistic,
    load_state, parameter_ids, parameters_without_gradient, state, with_parameter_ids,
};
pub use stepper::Stepper;
pub use stored::Stored;
pub use summary::{Summary, SummaryRow};
pub use tensor::AnyTensor;
pub use test_time_augmentation::TestTimeAugmentation;
pub use transfer::Transfer;
