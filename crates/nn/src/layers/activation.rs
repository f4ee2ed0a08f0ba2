//! Activations: functions of one value, and softmax.

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};
use fireclay_backend::ops;
use serde::{Deserialize, Serialize};

use super::PlannedLayer;
use super::contract::{Description, Forward, Inferred, OutputActivation, Place};
use super::flow::{Flow, Following, Fusable};
use super::memory::Memory;
use crate::error::LayerProblem;
use crate::tensor::AnyTensor;

/// Defines the description of an activation: its fields with their defaults, its function, and what it is as an output.
macro_rules! activation_spec {
    (
        $(#[$doc:meta])*
        $name:ident { $( $(#[$field_doc:meta])* $field:ident = $default:expr, $default_name:ident as $default_path:literal )? }
        = |$spec:ident| $function:expr, $output:expr
    ) => {
        $(#[$doc])*
        ///
        /// # Shapes
        /// - input and output: any but tokens
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $( $(#[$field_doc])* #[serde(default = $default_path)] pub $field: f64, )? }

        $( fn $default_name() -> f64 { $default } )?

        impl Default for $name {
            fn default() -> Self {
                $name { $( $field: $default, )? }
            }
        }

        impl Description for $name {
            type Module = Activation;

            fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
                $( if !self.$field.is_finite() {
                    return Err(LayerProblem::Range {
                        field: stringify!($field),
                        found: self.$field.to_string(),
                        expected: "a finite number",
                    });
                } )?
                Inferred::plain(place.numbers()?.to_vec(), 1)
            }

            fn build_at(&self, _: &PlannedLayer, _: &Device) -> Activation {
                let $spec = self;
                Activation { function: $function }
            }

            fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
                Some(Memory::none())
            }

            fn probabilities(&self) -> Option<OutputActivation> {
                $output
            }
        }
    };
}

activation_spec! {
    /// `max(x, 0)`
    ReluSpec {} = |_spec| Function::Relu, None
}
activation_spec! {
    /// `x` where positive, else `negative_slope * x`
    LeakyReluSpec {
        /// Slope where the input is negative; 0.01 by default.
        negative_slope = 0.01, default_negative_slope as "default_negative_slope"
    } = |spec| Function::LeakyRelu { negative_slope: spec.negative_slope }, None
}
activation_spec! {
    /// `x` where positive, else `alpha * (exp(x) - 1)` ([Clevert et al. 2015](https://arxiv.org/abs/1511.07289))
    EluSpec {
        /// Value reached far to the left, negated; 1 by default.
        alpha = 1.0, default_alpha as "default_alpha"
    } = |spec| Function::Elu { alpha: spec.alpha }, None
}
activation_spec! {
    /// `x * Φ(x)` with the exact normal distribution ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415))
    GeluSpec {} = |_spec| Function::Gelu, None
}
activation_spec! {
    /// `x * sigmoid(x)`, also called swish ([Ramachandran et al. 2017](https://arxiv.org/abs/1710.05941))
    SiluSpec {} = |_spec| Function::Silu, None
}
activation_spec! {
    /// `1 / (1 + exp(-x))`
    SigmoidSpec {} = |_spec| Function::Sigmoid, Some(OutputActivation::Sigmoid)
}
activation_spec! {
    /// Hyperbolic tangent.
    TanhSpec {} = |_spec| Function::Tanh, None
}
activation_spec! {
    /// `ln(1 + exp(x))`
    SoftplusSpec {} = |_spec| Function::Softplus, None
}
activation_spec! {
    /// `exp(x) / Σ exp(x)` over the last dimension. Losses take logits, so a classifier that is to be trained does not end
    /// with it; see [`ModelSpec::output_activation`](crate::ModelSpec::output_activation).
    SoftmaxSpec {} = |_spec| Function::Softmax, Some(OutputActivation::Softmax)
}

/// A built activation.
#[derive(Module, Debug)]
pub(crate) struct Activation {
    #[module(skip)]
    function: Function,
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Relu,
    LeakyRelu { negative_slope: f64 },
    Elu { alpha: f64 },
    Gelu,
    Silu,
    Sigmoid,
    Tanh,
    Softplus,
    Softmax,
}

impl Activation {
    /// # Shapes
    /// - input and output: any; softmax works on the last dimension
    fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        match self.function {
            Function::Relu => activation::relu(input),
            Function::LeakyRelu { negative_slope } => activation::leaky_relu(input, negative_slope),
            Function::Elu { alpha } => elu(input, alpha),
            Function::Gelu => ops::gelu(input),
            Function::Silu => activation::silu(input),
            Function::Sigmoid => ops::sigmoid(input),
            Function::Tanh => ops::tanh(input),
            Function::Softplus => activation::softplus(input, 1.0),
            Function::Softmax => activation::softmax(input, D - 1),
        }
    }
}

impl Forward for Activation {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| match value {
            AnyTensor::Rows(rows) => self.forward(rows).into(),
            AnyTensor::Sequences(sequences) => self.forward(sequences).into(),
            other => self.forward(other.images()).into(),
        })
    }

    fn fusable(&self) -> Fusable<'_> {
        match self.function {
            Function::Relu => Fusable::Relu,
            _ => Fusable::No,
        }
    }
}

/// `max(x, 0) + alpha * (exp(min(x, 0)) - 1)`: the exponential never sees a positive number, so neither the value
/// nor the gradient of the other branch can overflow.
fn elu<const D: usize>(input: Tensor<D>, alpha: f64) -> Tensor<D> {
    let negative = input.clone().clamp_max(0.0).exp().sub_scalar(1.0).mul_scalar(alpha);
    activation::relu(input) + negative
}
