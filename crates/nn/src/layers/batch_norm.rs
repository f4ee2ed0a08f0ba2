//! Batch normalisation ([Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167)).
//!
//! The module is ours, because Burn keeps a running variance that is biased towards zero, and a network trained here
//! should give the same numbers in PyTorch.

use burn::module::{Flag, Initializer, Module, Param, RunningState};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{self, Activation, BatchNormWeights};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following, Fusable, KnownNorm};
use super::{Inferred, PlannedLayer, check_epsilon, default_epsilon, is_yes, yes};
use crate::error::LayerProblem;
use crate::shapes::TensorSpec;
use crate::tensor::AnyTensor;

/// Normalises each channel (or feature) by its mean and variance over the batch while training, and by running
/// statistics otherwise; then scales and shifts.
///
/// # Shapes
/// - input and output: `[batch, channels, height, width]` or `[batch, features]`
/// - `weight`, `bias`, `running_mean`, `running_var`: `[channels]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse a `momentum` outside `[0, 1]`, an `epsilon` of 0 or less, and sequences.
///
/// ```
/// use fireclay_nn::{BatchNormSpec, ModelSpec};
///
/// let spec = ModelSpec::new([3, 8, 8]).layer(BatchNormSpec::default().momentum(0.3)).global_avg_pool2d();
/// assert_eq!((spec.summary()?.parameters(), spec.summary()?.buffers()), (6, 6));
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNormSpec {
    /// Share of the new batch in the running statistics, in `[0, 1]`; 0.1 by default.
    #[serde(default = "default_momentum")]
    pub momentum: f64,
    /// Added to the variance; 1e-5 by default.
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
    /// Whether the scale of each channel is learnt, or stays 1; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub scale: bool,
}

fn default_momentum() -> f64 {
    0.1
}

impl Default for BatchNormSpec {
    fn default() -> Self {
        BatchNormSpec { momentum: default_momentum(), epsilon: default_epsilon(), scale: true }
    }
}

impl BatchNormSpec {
    /// Sets the fraction of the new batch in the running statistics.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets what is added to the variance.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Sets whether the scale of each channel is learnt.
    pub fn scale(mut self, scale: bool) -> Self {
        self.scale = scale;
        self
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(LayerProblem::Range {
                field: "momentum",
                found: self.momentum.to_string(),
                expected: "0 to 1",
            });
        }
        check_epsilon(self.epsilon)?;
        let &([channels] | [channels, _, _]) = input else {
            return Err(LayerProblem::NeedsFlatOrImage);
        };
        let tensors = ["weight", "bias", "running_mean", "running_var"].map(|name| TensorSpec {
            name: name.to_string(),
            shape: vec![channels],
            trainable: name == "bias" || (name == "weight" && self.scale),
        });
        Ok(Inferred { tensors: tensors.into(), ..Inferred::plain(input.to_vec(), 4)? })
    }

    pub(crate) fn build(&self, input: &[usize], device: &Device) -> BatchNorm {
        let channels = [input[0]];
        BatchNorm {
            gamma: Initializer::Ones.init(channels, device).set_require_grad(self.scale),
            beta: Initializer::Zeros.init(channels, device),
            running_mean: RunningState::new(Tensor::zeros(channels, device)),
            running_var: RunningState::new(Tensor::ones(channels, device)),
            training: Param::from_bool(true),
            momentum: self.momentum,
            epsilon: self.epsilon,
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct BatchNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    running_mean: RunningState<Tensor<1>>,
    running_var: RunningState<Tensor<1>>,
    /// Off in a frozen layer, which must not change its statistics either.
    training: Param<Flag>,
    momentum: f64,
    epsilon: f64,
}

impl BatchNorm {
    /// # Shapes
    /// - input and output: `[batch, channels, ..]`
    pub(crate) fn forward<const D: usize>(&self, input: Tensor<D>, activation: Activation) -> Tensor<D> {
        if !(input.device().is_autodiff() && self.training.is_enabled()) {
            let BatchNormWeights { weight, bias, mean, variance, epsilon } = self.known();
            return ops::batch_norm(input, weight, bias, mean, variance, epsilon, activation);
        }
        if ops::sums_over_ranks() {
            return self.forward_on_ranks(input, activation);
        }
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        let [channels] = gamma.dims();
        let count = input.shape().num_elements() / channels.max(1);
        let result = ops::batch_norm_train(input, gamma, beta, self.epsilon, activation);
        self.update(&self.running_mean, result.mean.detach());
        // The batch's variance divides by the count; the one to expect in other data divides by one less.
        let unbiased = count as f64 / count.saturating_sub(1).max(1) as f64;
        self.update(&self.running_var, result.variance.detach().mul_scalar(unbiased));
        result.output
    }

    /// The same by the statistics of the parts of all ranks together.
    fn forward_on_ranks<const D: usize>(&self, input: Tensor<D>, activation: Activation) -> Tensor<D> {
        let shape = input.dims();
        let channels = shape[1];
        let by_channel = input.swap_dims(0, 1);
        let turned_shape = by_channel.dims();
        let values: Tensor<2> = by_channel.reshape([channels as i64, -1]);
        let own_count = Tensor::from_floats([[values.dims()[1] as f32]], &values.device());
        let sums = ops::sum_over_ranks(Tensor::cat(vec![values.clone().sum_dim(1), own_count], 0));
        let (sum, count) = (sums.clone().narrow(0, 0, channels), sums.narrow(0, channels, 1).detach());
        let mean = sum / count.clone();
        let centred = values - mean.clone();
        let squares = ops::sum_over_ranks(centred.clone().powi_scalar(2).sum_dim(1));
        let variance = squares.clone() / count.clone();
        let unbiased = squares / (count - 1.0).clamp_min(1.0);
        self.update(&self.running_mean, mean.detach().squeeze_dim(1));
        self.update(&self.running_var, unbiased.detach().squeeze_dim(1));
        let normed = centred / (variance + self.epsilon).sqrt();
        let output = normed * self.gamma.val().unsqueeze_dim(1) + self.beta.val().unsqueeze_dim(1);
        let output: Tensor<D> = output.reshape(turned_shape).swap_dims(0, 1);
        match activation {
            Activation::None => output,
            Activation::Relu => relu(output),
        }
    }

    fn update(&self, state: &RunningState<Tensor<1>>, new: Tensor<1>) {
        let old = state.value_sync();
        let mixed = old.mul_scalar(1.0 - self.momentum) + new.mul_scalar(self.momentum);
        state.update(mixed.detach());
    }
}

impl KnownNorm for BatchNorm {
    /// By the running statistics.
    fn known(&self) -> BatchNormWeights {
        BatchNormWeights {
            weight: self.gamma.val(),
            bias: self.beta.val(),
            mean: self.running_mean.value(),
            variance: self.running_var.value(),
            epsilon: self.epsilon,
        }
    }
}

impl Description for BatchNormSpec {
    type Module = BatchNorm;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> BatchNorm {
        self.build(plan.input.shape(), device)
    }
}

impl Forward for BatchNorm {
    fn forward_flow(&self, input: Flow, following: &mut Following<'_>) -> Flow {
        let activation = following.take_activation();
        input.map(|value| match value {
            AnyTensor::Rows(rows) => self.forward(rows, activation).into(),
            other => self.forward(other.images(), activation).into(),
        })
    }

    fn fusable(&self) -> Fusable<'_> {
        Fusable::BatchNorm(self)
    }

    /// Samples have no gradients of their own.
    fn has_sample_norms(&self) -> bool {
        false
    }
}
