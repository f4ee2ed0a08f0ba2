//! `LayerNormalization` and `RMSNormalization`, over the last dimensions.

use burn::tensor::Tensor;
use fireclay_backend::ops;

use super::super::any_rank::AnyRank;
use super::super::host;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.output(1).is_some() || node.output(2).is_some() {
        return Err("its statistics as outputs are not supported".to_owned());
    }
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    if epsilon < 0.0 {
        return Err(format!("epsilon is {epsilon}; expected 0 or more"));
    }
    Ok(Box::new(LayerNorm {
        axis: node.int("axis", -1)?,
        epsilon,
        centred: node.kind == "LayerNormalization",
    }))
}

#[derive(Debug)]
struct LayerNorm {
    axis: i64,
    epsilon: f64,
    /// Whether the mean is subtracted.
    centred: bool,
}

impl Operator for LayerNorm {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (input, weight, bias) = (inputs.floats(0)?, inputs.floats(1)?, inputs.optional_floats(2)?);
        let axis = input.axis(self.axis)?;
        let normed = &input.dims[axis..];
        for tensor in [Some(weight), bias].into_iter().flatten() {
            if host::broadcast(&tensor.dims, normed)? != normed {
                return Err(format!("a weight or bias of {:?} for {normed:?}", tensor.dims));
            }
        }
        let features: usize = normed.iter().product();
        let rows = input.count() / features;
        let output = scope.compute(Element::Float, &*input.dims, |device| {
            let spread = |tensor: &Value| -> Tensor<1> {
                let widened = tensor.tensor(device).reshape(&host::widened(&tensor.dims, normed.len()));
                widened.expand(normed).reshape(&[features]).at()
            };
            let tensor: Tensor<2> = input.tensor(device).reshape(&[rows, features]).at();
            let (weight, bias) = (spread(weight), bias.map(spread));
            let output = match self.centred {
                true => ops::layer_norm(tensor, weight, bias, self.epsilon),
                false => {
                    let mean = tensor.clone().square().mean_dim(1);
                    let normed = tensor / (mean + self.epsilon).sqrt() * weight.unsqueeze();
                    bias.map_or(normed.clone(), |bias| normed + bias.unsqueeze())
                }
            };
            AnyRank::from(output).reshape(&input.dims)
        })?;
        Ok(vec![output])
    }
}
