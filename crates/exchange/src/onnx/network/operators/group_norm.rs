//! `GroupNormalization` and `InstanceNormalization`: each sample by the mean and variance of its groups of channels.

use burn::tensor::Tensor;

use super::super::any_rank::AnyRank;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    if epsilon < 0.0 {
        return Err(format!("epsilon is {epsilon}; expected 0 or more"));
    }
    let groups = match node.kind.as_str() {
        "InstanceNormalization" => None,
        _ => {
            let groups = node.int("num_groups", 0)?;
            let groups = usize::try_from(groups).ok().filter(|groups| *groups > 0);
            Some(groups.ok_or("num_groups is not 1 or more")?)
        }
    };
    Ok(Box::new(GroupNorm { groups, epsilon }))
}

#[derive(Debug)]
struct GroupNorm {
    /// `None` for one channel in each.
    groups: Option<usize>,
    epsilon: f64,
}

impl Operator for GroupNorm {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (input, weight, bias) = (inputs.floats(0)?, inputs.floats(1)?, inputs.floats(2)?);
        let [batch, channels, ..] = input.dims[..] else {
            return Err(format!("an input of {:?}; expected [batch, channels, ..]", input.dims));
        };
        let groups = self.groups.unwrap_or(channels);
        if channels % groups != 0 {
            return Err(format!("{channels} channels in {groups} groups"));
        }
        // Before operator set 21 there was one weight for each group.
        for tensor in [weight, bias] {
            if tensor.dims != [channels] && tensor.dims != [groups] {
                return Err(format!("a weight or bias of {:?} for {channels} channels", tensor.dims));
            }
        }
        let inner = input.count() / (batch * channels);
        let output = scope.compute(Element::Float, &*input.dims, |device| {
            let each = channels / groups;
            let spread = |tensor: &Value| -> Tensor<3> {
                let count = tensor.dims[0];
                let tensor = tensor.tensor(device).reshape(&[count, 1]).expand(&[count, channels / count]);
                tensor.reshape(&[1, channels, 1]).at()
            };
            let rows: Tensor<3> = input.tensor(device).reshape(&[batch, groups, each * inner]).at();
            let centred = rows.clone() - rows.mean_dim(2);
            let variance = centred.clone().square().mean_dim(2);
            let normed = centred / (variance + self.epsilon).sqrt();
            let normed = normed.reshape([batch, channels, inner]) * spread(weight) + spread(bias);
            AnyRank::from(normed).reshape(&input.dims)
        })?;
        Ok(vec![output])
    }
}
