//! Tanh and the logistic function on Flex, in whatever order the values lie.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use fireclay_kernels::elementwise as kernels;

use super::{Saturating, SaturatingGradient, SaturatingOp, reference};
use crate::flex_tensor::{Ordered, all_f32, in_order, storage_order};
use crate::instructions::cpu;

impl SaturatingOp for Flex {
    fn saturating(input: FloatTensor<Self>, function: Saturating) -> FloatTensor<Self> {
        if !all_f32([&input]) {
            return reference::forward::<Self>(input, function);
        }
        let axes = storage_order(&input);
        let mut output = Ordered::unspecified(input.layout().shape(), &axes);
        let run = match function {
            Saturating::Tanh => kernels::tanh,
            Saturating::Sigmoid => kernels::sigmoid,
        };
        run(cpu(), in_order(input, &axes).values(), output.values_mut());
        output.into_tensor()
    }
}

impl SaturatingGradient for Flex {
    fn saturating_backward(
        output: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        function: Saturating,
    ) -> FloatTensor<Self> {
        if !all_f32([&output, &gradient]) {
            return reference::backward::<Self>(output, gradient, function);
        }
        let axes = storage_order(&output);
        let (output, mut gradient) = (in_order(output, &axes), in_order(gradient, &axes));
        let run = match function {
            Saturating::Tanh => kernels::tanh_gradient_in_place,
            Saturating::Sigmoid => kernels::sigmoid_gradient_in_place,
        };
        run(cpu(), output.values(), gradient.values_mut());
        gradient.into_tensor()
    }
}
