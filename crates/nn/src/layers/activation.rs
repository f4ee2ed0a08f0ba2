//! Activations: functions of one value, and softmax.

use std::f32::consts::FRAC_1_SQRT_2;

use burn::module::Module;
use burn::tensor::{Tensor, activation};

use crate::LayerProblem;
use crate::spec::{Inferred, LayerKind};

/// An activation; what each computes stands at [`LayerKind`].
#[derive(Module, Debug)]
pub(crate) struct ActivationLayer {
    #[module(skip)]
    kind: LayerKind,
}

impl ActivationLayer {
    pub(crate) fn build(kind: &LayerKind) -> Self {
        ActivationLayer { kind: kind.clone() }
    }

    pub(crate) fn is_relu(&self) -> bool {
        matches!(self.kind, LayerKind::Relu {})
    }

    /// # Shapes
    /// - input and output: any; softmax works on the last dimension
    pub(crate) fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        match self.kind {
            LayerKind::Relu {} => activation::relu(input),
            LayerKind::LeakyRelu { negative_slope } => activation::leaky_relu(input, negative_slope),
            LayerKind::Elu { alpha } => elu(input, alpha),
            LayerKind::Gelu {} => gelu(input),
            LayerKind::Silu {} => activation::silu(input),
            LayerKind::Sigmoid {} => activation::sigmoid(input),
            LayerKind::Tanh {} => activation::tanh(input),
            LayerKind::Softplus {} => activation::softplus(input, 1.0),
            LayerKind::Softmax {} => activation::softmax(input, D - 1),
            ref other => unreachable!("{} is not an activation", other.type_name()),
        }
    }
}

pub(crate) fn infer(kind: &LayerKind, input: &[usize]) -> Result<Inferred, LayerProblem> {
    let parameter = match *kind {
        LayerKind::LeakyRelu { negative_slope } => Some(("negative_slope", negative_slope)),
        LayerKind::Elu { alpha } => Some(("alpha", alpha)),
        _ => None,
    };
    match parameter {
        Some((field, value)) if !value.is_finite() => {
            Err(LayerProblem::Range { field, found: value.to_string(), expected: "a finite number" })
        }
        _ => Inferred::plain(input.to_vec(), 1),
    }
}

/// `max(x, 0) + alpha * (exp(min(x, 0)) - 1)`: the exponential never sees a positive number, so neither the value
/// nor the gradient of the other branch can overflow.
fn elu<const D: usize>(input: Tensor<D>, alpha: f64) -> Tensor<D> {
    let negative = input.clone().clamp_max(0.0).exp().sub_scalar(1.0).mul_scalar(alpha);
    activation::relu(input) + negative
}

/// `x / 2 * (1 + erf(x / √2))`, the definition, so that autodiff gives its own derivative: Burn's gelu is exact forward,
/// but on most of its backends its gradient is that of the approximation by tanh.
pub(super) fn gelu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    let share = (input.clone() * FRAC_1_SQRT_2).erf() + 1.0;
    input * share * 0.5
}
