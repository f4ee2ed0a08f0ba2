//! From images to rows.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::spec::{Inferred, values};
use crate::{AnyTensor, LayerProblem};

#[derive(Module, Debug)]
pub(crate) struct Flatten {}

impl Flatten {
    /// # Shapes
    /// - input: `[batch, channels, height, width]`, or rows, which stay as they are
    /// - output: `[batch, channels * height * width]`
    pub(crate) fn forward(&self, input: AnyTensor) -> Tensor<2> {
        match input {
            AnyTensor::Rows(rows) => rows,
            AnyTensor::Images(images) => images.flatten(1, 3),
        }
    }
}

pub(crate) fn infer(input: &[usize]) -> Result<Inferred, LayerProblem> {
    let features = values(input)?;
    Inferred::plain(vec![features as usize], 0)
}
