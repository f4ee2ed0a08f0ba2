//! From images or sequences to rows.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::spec::{Inferred, values};
use crate::{AnyTensor, LayerProblem};

#[derive(Module, Debug)]
pub(crate) struct Flatten {}

impl Flatten {
    /// # Shapes
    /// - input: `[batch, channels, height, width]`, `[batch, steps, features]`, or rows, which stay as they are
    /// - output: `[batch, channels * height * width]` or `[batch, steps * features]`
    pub(crate) fn forward(&self, input: AnyTensor) -> Tensor<2> {
        match input {
            AnyTensor::Rows(rows) => rows,
            AnyTensor::Sequences(sequences) => sequences.flatten(1, 2),
            AnyTensor::Images(images) => images.flatten(1, 3),
            AnyTensor::Tokens(_) => panic!("flatten takes numbers, found tokens"),
            AnyTensor::Named(_) => panic!("flatten takes one input, found several"),
        }
    }
}

pub(crate) fn infer(input: &[usize]) -> Result<Inferred, LayerProblem> {
    let features = values(input)?;
    Inferred::plain(vec![features as usize], 0)
}
