//! GELU on Flex, in whatever order the values lie.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use fireclay_kernels::elementwise as kernels;

use super::{GeluGradient, GeluOp, reference};
use crate::flex_tensor::{Ordered, all_f32, in_order, storage_order};
use crate::instructions::cpu;

impl GeluOp for Flex {
    fn gelu_exact(input: FloatTensor<Self>) -> FloatTensor<Self> {
        if !all_f32([&input]) {
            return reference::forward::<Self>(input);
        }
        let axes = storage_order(&input);
        let mut output = Ordered::unspecified(input.layout().shape(), &axes);
        kernels::gelu(cpu(), in_order(input, &axes).values(), output.values_mut());
        output.into_tensor()
    }
}

impl GeluGradient for Flex {
    fn gelu_exact_backward(input: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        if !all_f32([&input, &gradient]) {
            return reference::backward::<Self>(input, gradient);
        }
        let axes = storage_order(&input);
        let (input, mut gradient) = (in_order(input, &axes), in_order(gradient, &axes));
        kernels::gelu_gradient_in_place(cpu(), input.values(), gradient.values_mut());
        gradient.into_tensor()
    }
}
