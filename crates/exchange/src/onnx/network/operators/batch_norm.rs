//! `BatchNormalization`: by running statistics, and while training by those of the batch, which the running ones then follow.

use burn::module::RunningState;
use burn::tensor::Tensor;
use fireclay_backend::ops::{self, Activation};

use super::super::any_rank::{AnyRank, by_rank};
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.int("spatial", 1)? != 1 {
        return Err("statistics for each place (spatial 0) are not supported".to_owned());
    }
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    // ONNX's momentum is the share of what was there.
    let momentum = 1.0 - f64::from(node.float("momentum", 0.9)?);
    if epsilon < 0.0 || !(0.0..=1.0).contains(&momentum) {
        return Err("expected an epsilon of 0 or more, and a momentum of 0 to 1".to_owned());
    }
    if node.flag("training_mode", false)? {
        return Err("it is in training mode; export the model after model.eval()".to_owned());
    }
    let outputs = (1..node.outputs.len()).find(|place| node.output(*place).is_some());
    if outputs.is_some() {
        return Err("statistics as outputs are not supported; export the model after model.eval()".to_owned());
    }
    Ok(Box::new(BatchNorm { epsilon, momentum }))
}

#[derive(Debug)]
struct BatchNorm {
    epsilon: f64,
    momentum: f64,
}

impl Operator for BatchNorm {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.floats(0)?;
        let [_, channels, ..] = input.dims[..] else {
            return Err(format!("an input of {:?}; expected [batch, channels, ..]", input.dims));
        };
        for place in 1..5 {
            let found = &inputs.floats(place)?.dims;
            if *found != [channels] {
                return Err(format!("input {} of {found:?} for {channels} channels", place + 1));
            }
        }
        let output = scope.compute(Element::Float, &*input.dims, |device| {
            let weight = |place: usize| -> Tensor<1> {
                inputs.optional(place).map(|value| value.tensor(device).at()).expect("it was there above")
            };
            // Steps, and what is more than two-dimensional, are one row of places.
            let flat: Vec<usize> = match input.rank() {
                2 | 4 => input.dims.clone(),
                _ => vec![input.dims[0], channels, 1, input.count() / (input.dims[0] * channels)],
            };
            let tensor = input.tensor(device).reshape(&flat);
            let running = |place: usize| inputs.optional(place).and_then(|value| value.running.as_ref());
            let output: AnyRank = by_rank!(flat.len(), D => match [running(3), running(4)] {
                [Some(mean), Some(variance)] if scope.training => {
                    self.train(tensor.at::<D>(), weight(1), weight(2), [mean, variance]).into()
                }
                _ => {
                    let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(weight);
                    ops::batch_norm(tensor.at::<D>(), gamma, beta, mean, variance, self.epsilon, Activation::None).into()
                }
            });
            output.reshape(&input.dims)
        })?;
        Ok(vec![output])
    }
}

impl BatchNorm {
    fn train<const D: usize>(
        &self,
        input: Tensor<D>,
        gamma: Tensor<1>,
        beta: Tensor<1>,
        [mean, variance]: [&RunningState<Tensor<1>>; 2],
    ) -> Tensor<D> {
        let count = input.shape().num_elements() / gamma.dims()[0].max(1);
        let result = ops::batch_norm_train(input, gamma, beta, self.epsilon, Activation::None);
        self.update(mean, result.mean.detach());
        // The batch's variance divides by the count; the one to expect in other data divides by one less.
        let unbiased = count as f64 / count.saturating_sub(1).max(1) as f64;
        self.update(variance, result.variance.detach().mul_scalar(unbiased));
        result.output
    }

    fn update(&self, state: &RunningState<Tensor<1>>, new: Tensor<1>) {
        let old = state.value_sync();
        let mixed = old.mul_scalar(1.0 - self.momentum) + new.mul_scalar(self.momentum);
        state.update(mixed.detach());
    }
}
