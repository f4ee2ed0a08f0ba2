//! The feed-forward network on Flex.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels::{self as kernels, Values};

use super::{FeedForwardGradient, FeedForwardKept, FeedForwardOp, FeedForwardOptions, reference};
use crate::flex_tensor::{Contiguous, all_f32, contiguous, from_values};
use crate::instructions::cpu;
use crate::ops::dense::{in_int8, ordered};
use crate::ops::dropout::{DropoutSeed, draw_seed};
use crate::ops::stored::StoresActivations;

impl FeedForwardOp for Flex {
    fn feed_forward_rows(
        input: FloatTensor<Self>,
        weight1: FloatTensor<Self>,
        bias1: FloatTensor<Self>,
        weight2: FloatTensor<Self>,
        bias2: FloatTensor<Self>,
        options: FeedForwardOptions,
    ) -> FloatTensor<Self> {
        if !Self::feed_forward_has_kernel([&input, &weight1, &bias1, &weight2, &bias2]) {
            return reference::forward::<Self>(input, [weight1, bias1, weight2, bias2], options);
        }
        let shape = shape(&input, &weight1, options, seed(options));
        let kernels::FeedForward { rows, features, inner, .. } = shape;
        let mut output = Values::unspecified(rows * features);
        if options.dropout == 0.0
            && let Some(first) = in_int8(&weight1, true)
            && let Some(second) = in_int8(&weight2, true)
        {
            let [input, bias1, bias2] = [input, bias1, bias2].map(contiguous);
            let (weights, biases) = ([&*first, &*second], [&bias1[..], &bias2[..]]);
            kernels::int8_feed_forward(cpu(), weights, &input, rows, biases, options.gelu, &mut output);
            return from_values(output, [rows, features]);
        }
        if let Some(first) = ordered(&weight1, features, inner)
            && let Some(second) = ordered(&weight2, inner, features)
        {
            let [input, bias1, bias2] = [input, bias1, bias2].map(contiguous);
            kernels::feed_forward_with(
                cpu(),
                &shape,
                &input,
                [&first, &second],
                [&bias1, &bias2],
                &mut output,
            );
            return from_values(output, [rows, features]);
        }
        let [input, weights @ ..] = [input, weight1, bias1, weight2, bias2].map(contiguous);
        kernels::feed_forward(cpu(), &shape, &input, of(&weights), &mut output, None);
        from_values(output, [shape.rows, shape.features])
    }
}

impl FeedForwardGradient for Flex {
    fn feed_forward_has_kernel(tensors: [&FloatTensor<Self>; 5]) -> bool {
        let options = FeedForwardOptions { gelu: true, dropout: 0.0 };
        all_f32(tensors) && shape(tensors[0], tensors[1], options, DropoutSeed::default()).pays()
    }

    fn feed_forward_for_training(
        tensors: [FloatTensor<Self>; 5],
        options: FeedForwardOptions,
    ) -> (FloatTensor<Self>, FeedForwardKept<Self>) {
        let seed = seed(options);
        let shape = shape(&tensors[0], &tensors[1], options, seed);
        let tensors = tensors.map(contiguous);
        let [input, weights @ ..] = &tensors;
        let mut output = Values::unspecified(input.len());
        let mut hidden = Values::unspecified(shape.rows * shape.inner);
        kernels::feed_forward(cpu(), &shape, input, of(weights), &mut output, Some(&mut hidden));
        let hidden = Self::store(from_values(hidden, [shape.rows, shape.inner]));
        let [input, weights @ ..] = tensors.map(Contiguous::into_tensor);
        let kept = FeedForwardKept { input: Self::store(input), weights, hidden, seed, options };
        (from_values(output, [shape.rows, shape.features]), kept)
    }

    fn feed_forward_backward(
        kept: FeedForwardKept<Self>,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 5] {
        let FeedForwardKept { input, weights: [weight1, bias1, weight2, bias2], hidden, seed, options } =
            kept;
        let (tensors, hidden) =
            ([Self::restore(input), weight1, bias1, weight2, bias2], Self::restore(hidden));
        let shape = shape(&tensors[0], &tensors[1], options, seed);
        let shapes = tensors.each_ref().map(|tensor| tensor.shape());
        let tensors = tensors.map(contiguous);
        let mut room = tensors.each_ref().map(|values| Values::unspecified(values.len()));
        let [input, weight1, bias1, weight2, bias2] = &mut room;
        let into = kernels::FeedForwardGradients { input, weight1, bias1, weight2, bias2 };
        let [input, weights @ ..] = &tensors;
        let (hidden, gradient) = (contiguous(hidden), contiguous(gradient));
        kernels::feed_forward_gradient(cpu(), &shape, input, of(weights), &hidden, &gradient, into);
        let mut shapes = shapes.into_iter();
        room.map(|values| shapes.next().map(|shape| from_values(values, shape)))
    }
}

fn seed(options: FeedForwardOptions) -> DropoutSeed {
    if options.dropout > 0.0 { draw_seed() } else { DropoutSeed::default() }
}

fn shape(
    input: &FloatTensor<Flex>,
    weight1: &FloatTensor<Flex>,
    options: FeedForwardOptions,
    seed: DropoutSeed,
) -> kernels::FeedForward {
    let ([rows, features], [_, inner]) = (input.shape().dims(), weight1.shape().dims());
    let rate = options.dropout as f32;
    let dropout = (rate > 0.0).then(|| seed.of(rate, rows));
    kernels::FeedForward { rows, features, inner, gelu: options.gelu, dropout }
}

fn of(weights: &[Contiguous; 4]) -> kernels::FeedForwardWeights<'_> {
    let [weight1, bias1, weight2, bias2] = weights;
    kernels::FeedForwardWeights { weight1, bias1, weight2, bias2 }
}
