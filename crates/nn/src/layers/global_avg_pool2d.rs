//! Global average pooling: the mean of each channel ([Lin et al. 2013](https://arxiv.org/abs/1312.4400)).

use burn::module::Module;
use burn::tensor::Tensor;
use fireclay_backend::ops;

use crate::LayerProblem;
use crate::spec::Inferred;

#[derive(Module, Debug)]
pub(crate) struct GlobalAvgPool2d {}

impl GlobalAvgPool2d {
    /// # Shapes
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels]`
    pub(crate) fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        ops::global_avg_pool2d(input)
    }
}

pub(crate) fn infer(input: &[usize]) -> Result<Inferred, LayerProblem> {
    let &[channels, height, width] = input else {
        return Err(LayerProblem::NeedsImage);
    };
    Inferred::plain(vec![channels], (height as u64).saturating_mul(width as u64))
}
