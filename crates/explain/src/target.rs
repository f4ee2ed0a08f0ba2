//! What is explained: an output, or the difference of two.

use burn::tensor::{Device, Tensor, TensorData};

use crate::ExplainError;

/// What is explained: a sum of outputs with factors. Of classes it is of logits, never of probabilities: a probability near 1 hardly
/// changes whatever the model sees, and it grows where another class loses.
///
/// ```
/// use fireclay_explain::Target;
///
/// let why_seven = Target::output(7);
/// let why_seven_rather_than_one = Target::output(7).rather_than(1);
/// assert_ne!(why_seven, why_seven_rather_than_one);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Target(Vec<(usize, f32)>);

impl Target {
    /// An output by its number, of a classifier the logit of that class.
    pub fn output(output: usize) -> Self {
        Target(vec![(output, 1.0)])
    }

    /// Less another output.
    #[must_use]
    pub fn rather_than(mut self, output: usize) -> Self {
        self.0.push((output, -1.0));
        self
    }

    /// Multiplied by a number, as where outputs are scaled, or with -1 where the only logit is that of the other class.
    #[must_use]
    pub fn times(mut self, factor: f32) -> Self {
        self.0.iter_mut().for_each(|(_, known)| *known *= factor);
        self
    }

    /// The factor of each of a network's outputs.
    fn factors(&self, outputs: usize) -> Result<Vec<f32>, ExplainError> {
        let mut factors = vec![0.0; outputs];
        for (output, factor) in &self.0 {
            *factors.get_mut(*output).ok_or(ExplainError::Output { found: *output, outputs })? += factor;
        }
        Ok(factors)
    }

    /// `[batch]` of `[batch, outputs]`.
    pub(crate) fn of(&self, output: Tensor<2>) -> Result<Tensor<1>, ExplainError> {
        let device: Device = output.device();
        let [_, outputs] = output.dims();
        let factors = TensorData::new(self.factors(outputs)?, [1, outputs]);
        Ok((output * Tensor::<2>::from_data(factors, &device)).sum_dim(1).squeeze_dim(1))
    }
}
