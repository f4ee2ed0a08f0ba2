//! Global pooling over the steps of a sequence: their mean, or the greatest value of each feature.

use burn::module::Module;
use burn::tensor::{Int, Tensor};

use super::steps;
use crate::LayerProblem;
use crate::spec::{Inferred, values};

/// The mean over the steps.
#[derive(Module, Debug)]
pub(crate) struct GlobalAvgPool1d {}

impl GlobalAvgPool1d {
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - lengths: `[batch]`, how many steps each sequence has; the others do not count
    /// - output: `[batch, features]`; 0 for a sequence without steps
    pub(crate) fn forward(&self, input: Tensor<3>, lengths: Option<&Tensor<1, Int>>) -> Tensor<2> {
        let Some(lengths) = lengths else {
            return input.mean_dim(1).squeeze_dim(1);
        };
        let [batch, steps, _] = input.dims();
        let sum: Tensor<2> = (input * steps::own(lengths, steps)).sum_dim(1).squeeze_dim(1);
        sum / lengths.clone().clamp_min(1).float().reshape([batch, 1])
    }
}

/// The greatest value over the steps.
#[derive(Module, Debug)]
pub(crate) struct GlobalMaxPool1d {}

/// Less than any value that is worth having.
const LEAST: f32 = -1e30;

impl GlobalMaxPool1d {
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - lengths: `[batch]`, how many steps each sequence has; the others do not count
    /// - output: `[batch, features]`; 0 for a sequence without steps
    pub(crate) fn forward(&self, input: Tensor<3>, lengths: Option<&Tensor<1, Int>>) -> Tensor<2> {
        let Some(lengths) = lengths else {
            return input.max_dim(1).squeeze_dim(1);
        };
        let [batch, steps, _] = input.dims();
        let own = steps::own(lengths, steps);
        let rest = (own.clone() - 1.0) * -LEAST;
        let greatest: Tensor<2> = (input * own + rest).max_dim(1).squeeze_dim(1);
        greatest * lengths.clone().clamp(0, 1).float().reshape([batch, 1])
    }
}

pub(crate) fn infer(input: &[usize]) -> Result<Inferred, LayerProblem> {
    let &[_, features] = input else {
        return Err(LayerProblem::NeedsSequence);
    };
    Ok(Inferred { flops: values(input)?, ..Inferred::plain(vec![features], 0)? })
}
