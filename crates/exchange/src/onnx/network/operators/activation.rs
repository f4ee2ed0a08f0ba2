//! Activations: functions of one floating-point number, with their settings.

use burn::tensor::{Tensor, activation};
use fireclay_backend::ops;

use super::super::any_rank::by_rank;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

#[derive(Clone, Copy, Debug)]
enum Activation {
    Celu(f64),
    Elu(f64),
    Gelu,
    GeluTanh,
    HardSigmoid(f64, f64),
    HardSwish,
    LeakyRelu(f64),
    Mish,
    Relu,
    Selu(f64, f64),
    Shrink(f64, f64),
    Sigmoid,
    Softplus,
    Softsign,
    Swish(f64),
    Tanh,
    ThresholdedRelu(f64),
}

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let float = |name: &str, default: f32| node.float(name, default).map(f64::from);
    Ok(Box::new(match node.kind.as_str() {
        "Celu" => match float("alpha", 1.0)? {
            0.0 => return Err("alpha is 0".to_owned()),
            alpha => Activation::Celu(alpha),
        },
        "Elu" => Activation::Elu(float("alpha", 1.0)?),
        "Gelu" => match node.text("approximate", "none")? {
            "none" => Activation::Gelu,
            "tanh" => Activation::GeluTanh,
            other => return Err(format!("approximate is '{other}'; expected none or tanh")),
        },
        "HardSigmoid" => Activation::HardSigmoid(float("alpha", 0.2)?, float("beta", 0.5)?),
        "HardSwish" => Activation::HardSwish,
        "LeakyRelu" => Activation::LeakyRelu(float("alpha", 0.01)?),
        "Mish" => Activation::Mish,
        "Relu" => Activation::Relu,
        "Selu" => Activation::Selu(float("alpha", 1.673_263_2)?, float("gamma", 1.050_701)?),
        "Shrink" => Activation::Shrink(float("lambd", 0.5)?, float("bias", 0.0)?),
        "Sigmoid" => Activation::Sigmoid,
        "Softplus" => Activation::Softplus,
        "Softsign" => Activation::Softsign,
        "Swish" => Activation::Swish(float("alpha", 1.0)?),
        "Tanh" => Activation::Tanh,
        _ => Activation::ThresholdedRelu(float("alpha", 1.0)?),
    }))
}

impl Operator for Activation {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.floats(0)?;
        let output = scope.compute(Element::Float, &*input.dims, |device| {
            let tensor = input.tensor(device);
            by_rank!(tensor.rank(), D => self.of(tensor.at::<D>()).into())
        })?;
        Ok(vec![output])
    }
}

impl Activation {
    fn of<const D: usize>(self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Activation::Celu(alpha) => exponential(input, alpha, alpha),
            Activation::Elu(alpha) => exponential(input, alpha, 1.0),
            Activation::Gelu => ops::gelu(input),
            Activation::GeluTanh => {
                let inner = input.clone() + input.clone().square() * input.clone() * 0.044_715;
                let share = (inner * (2.0 / std::f64::consts::PI).sqrt()).tanh() + 1.0;
                input * share * 0.5
            }
            Activation::HardSigmoid(alpha, beta) => (input * alpha + beta).clamp(0.0, 1.0),
            Activation::HardSwish => {
                let share = (input.clone() / 6.0 + 0.5).clamp(0.0, 1.0);
                input * share
            }
            Activation::LeakyRelu(alpha) => activation::leaky_relu(input, alpha),
            Activation::Mish => {
                let share = softplus(input.clone()).tanh();
                input * share
            }
            Activation::Relu => activation::relu(input),
            Activation::Selu(alpha, gamma) => exponential(input, alpha, 1.0) * gamma,
            Activation::Shrink(lambda, bias) => {
                let above = input.clone().greater_scalar(lambda).float() * (input.clone() - bias);
                above + input.clone().lower_scalar(-lambda).float() * (input + bias)
            }
            Activation::Sigmoid => activation::sigmoid(input),
            Activation::Softplus => softplus(input),
            Activation::Softsign => input.clone() / (input.abs() + 1.0),
            Activation::Swish(alpha) => {
                let share = activation::sigmoid(input.clone() * alpha);
                input * share
            }
            Activation::Tanh => input.tanh(),
            Activation::ThresholdedRelu(alpha) => input.clone().greater_scalar(alpha).float() * input,
        }
    }
}

/// `x` above 0, and `alpha (e^(x / width) - 1)` below. The exponential never sees a positive number, so nothing overflows
/// in the gradient.
fn exponential<const D: usize>(input: Tensor<D>, alpha: f64, width: f64) -> Tensor<D> {
    let below = (input.clone().clamp_max(0.0) / width).exp() - 1.0;
    activation::relu(input) + below * alpha
}

/// `ln(1 + e^x)`, of which neither number nor gradient overflows.
fn softplus<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    let rest = input.clone().abs().neg().exp().log1p();
    activation::relu(input) + rest
}
