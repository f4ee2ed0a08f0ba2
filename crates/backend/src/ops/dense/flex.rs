//! The dense layer on Flex.

use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use fireclay_kernels::{self as kernels, Values};

use super::{DenseGradient, DenseKept, DenseOp, reference};
use crate::dynamic_int8::is_dynamic_int8;
use crate::flex_tensor::{all_f32, contiguous, from_values};
use crate::instructions::cpu;
use crate::ops::Activation;
use crate::ops::maybe::Maybe;
use crate::ordered_weights::{DENSE, DENSE_INT8};

impl DenseOp for Flex {
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        forward(input, weight, bias, activation, true)
    }
}

/// The operation; `keeps` says whether weights that were put in order are kept for the next call.
fn forward(
    input: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    bias: Maybe<Flex>,
    activation: Activation,
    keeps: bool,
) -> FloatTensor<Flex> {
    let bias = bias.into_option();
    if !all_f32([&input, &weight].into_iter().chain(&bias)) {
        return reference::forward::<Flex>(input, weight, bias, activation);
    }
    let [rows, _] = input.layout().shape().dims();
    let shape = shape(rows, &weight, activation);
    let mut output = Values::unspecified(rows * shape.out_features);
    let (input, bias) = (contiguous(input), bias.map(contiguous));
    if let Some(weights) = in_int8(&weight, keeps) {
        kernels::int8_dense(cpu(), &weights, &input, rows, bias.as_deref(), shape.relu, &mut output);
        return from_values(output, [rows, shape.out_features]);
    }
    let ordered = (keeps && rows >= kernels::DenseWeights::LEAST_ROWS)
        .then(|| ordered(&weight, shape.in_features, shape.out_features))
        .flatten();
    match ordered {
        Some(weights) => kernels::dense_with(cpu(), &shape, &input, &weights, bias.as_deref(), &mut output),
        None => kernels::dense(cpu(), &shape, &input, &contiguous(weight), bias.as_deref(), &mut output),
    }
    from_values(output, [rows, shape.out_features])
}

/// The weights in 8-bit whole numbers, where products are to be made of them; `answers` says whether the network only answers.
pub(crate) fn in_int8(weight: &FloatTensor<Flex>, answers: bool) -> Option<Arc<kernels::Int8DenseWeights>> {
    if !(answers && is_dynamic_int8()) {
        return None;
    }
    DENSE_INT8.of_all(&[weight], (), || {
        let [in_features, out_features] = weight.layout().shape().dims();
        kernels::Int8DenseWeights::new(cpu(), &contiguous(weight.clone()), in_features, out_features)
    })
}

/// The weights `[in_features, out_features]` in the kernels' order, kept for the next call.
pub(crate) fn ordered(
    weight: &FloatTensor<Flex>,
    in_features: usize,
    out_features: usize,
) -> Option<Arc<kernels::DenseWeights>> {
    let cpu = cpu();
    DENSE.of(weight, cpu.precision, || {
        let weight = contiguous(weight.clone());
        Some(kernels::DenseWeights::new(cpu, &weight, in_features, out_features))
    })
}

impl DenseGradient for Flex {
    fn dense_for_training(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        forward(input, weight, bias, activation, false)
    }

    fn dense_backward(
        kept: DenseKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<Self>>; 3] {
        if !all_f32([&gradient, &kept.input, &kept.weight]) {
            return reference::backward::<Self>(kept, gradient, wanted);
        }
        let [rows, _] = gradient.layout().shape().dims();
        let shape = shape(rows, &kept.weight, kept.activation);
        let lens = [rows * shape.in_features, shape.in_features * shape.out_features, shape.out_features];
        let mut room = [0, 1, 2].map(|which| wanted[which].then(|| Values::unspecified(lens[which])));
        let [input, weight, bias] = room.each_mut().map(|values| values.as_deref_mut());
        kernels::dense_backward(
            cpu(),
            &shape,
            &contiguous(kept.input),
            &contiguous(kept.weight),
            kept.output.map(contiguous).as_deref().unwrap_or_default(),
            &contiguous(gradient),
            kernels::DenseGradients { input, weight, bias },
        );
        let [input, weight, bias] = room;
        [
            input.map(|values| from_values(values, [rows, shape.in_features])),
            weight.map(|values| from_values(values, [shape.in_features, shape.out_features])),
            bias.map(|values| from_values(values, [shape.out_features])),
        ]
    }
}

fn shape(rows: usize, weight: &FloatTensor<Flex>, activation: Activation) -> kernels::DenseShape {
    let [in_features, out_features] = weight.layout().shape().dims();
    kernels::DenseShape { rows, in_features, out_features, relu: activation == Activation::Relu }
}
