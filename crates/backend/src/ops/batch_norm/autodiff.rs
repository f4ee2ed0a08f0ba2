//! Batch normalisation under autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend};

use super::{BatchNormGradient, BatchNormKept, BatchNormOp, reference};
use crate::ops::Activation;
use crate::ops::gradient::run_backward;

#[derive(Debug)]
struct BatchNorm;

impl<B: BatchNormGradient> Backward<B, 3> for BatchNorm {
    /// The input, and what else is kept of it.
    type State = (B::Stored, BatchNormRest<B>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        // Each gradient by weight or bias is half of the gradient by the input, so all are made.
        run_backward::<B, _, 3>(ops, grads, |(input, rest), gradient, _| {
            B::batch_norm_backward(rest.with(B::restore(input)), gradient)
        });
    }
}

/// [`BatchNormKept`] without its input.
#[derive(Clone, Debug)]
struct BatchNormRest<B: Backend> {
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    output: Option<FloatTensor<B>>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    epsilon: f64,
    activation: Activation,
}

impl<B: Backend> BatchNormRest<B> {
    fn with(self, input: FloatTensor<B>) -> BatchNormKept<B> {
        let BatchNormRest { weight, bias, output, mean, variance, epsilon, activation } = self;
        BatchNormKept { input, weight, bias, output, mean, variance, epsilon, activation }
    }
}

impl<B: BatchNormGradient, C: CheckpointStrategy> BatchNormOp for Autodiff<B, C> {
    fn batch_norm_by_batch(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [input.node(), weight.node(), bias.node()];
        let (input, weight) = (input.into_primitive(), weight.into_primitive());
        let bias = bias.into_primitive();
        let (output, mean, variance) = match BatchNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => {
                let (output, mean, variance) =
                    B::batch_norm_by_batch(input, weight, bias, epsilon, activation);
                (prep.finish(output), mean, variance)
            }
            OpsKind::Tracked(prep) => {
                let keeps_output = B::batch_norm_keeps_output(&input);
                let stored = B::store(input.clone());
                let (output, mean, variance) =
                    B::batch_norm_by_batch(input, weight.clone(), bias.clone(), epsilon, activation);
                let rest = BatchNormRest {
                    weight,
                    bias,
                    output: activation.kept(&output).filter(|_| keeps_output),
                    mean: mean.clone(),
                    variance: variance.clone(),
                    epsilon,
                    activation,
                };
                (prep.finish((stored, rest), output), mean, variance)
            }
        };
        (output, Self::from_inner(mean), Self::from_inner(variance))
    }

    fn batch_norm_by_statistics(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let tensors = [&input, &weight, &bias, &mean, &variance];
        if tensors.iter().any(|tensor| tensor.is_tracked()) {
            return reference::by_statistics::<Self>(
                input, weight, bias, mean, variance, epsilon, activation,
            );
        }
        Self::from_inner(B::batch_norm_by_statistics(
            input.into_primitive(),
            weight.into_primitive(),
            bias.into_primitive(),
            mean.into_primitive(),
            variance.into_primitive(),
            epsilon,
            activation,
        ))
    }
}
