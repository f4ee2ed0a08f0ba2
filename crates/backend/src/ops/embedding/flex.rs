//! The embedding on Flex.

use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use fireclay_kernels::{self as kernels, Values};

use super::{EmbeddingGradient, EmbeddingOp, reference};
use crate::flex_tensor::{all_f32, contiguous, contiguous_ints, from_values};
use crate::instructions::cpu;

impl EmbeddingOp for Flex {
    fn embedding_rows(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        _padding_idx: Option<usize>,
    ) -> FloatTensor<Self> {
        if !all_f32([&weight]) {
            return reference::forward::<Self>(weight, tokens);
        }
        let [_, dim] = weight.layout().shape().dims();
        let [batch, time] = tokens.layout().shape().dims();
        let mut output = Values::unspecified(batch * time * dim);
        kernels::embedding(cpu(), dim, &contiguous(weight), &contiguous_ints(tokens), &mut output);
        from_values(output, [batch, time, dim])
    }
}

impl EmbeddingGradient for Flex {
    fn embedding_rows_backward(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        padding_idx: Option<usize>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        if !all_f32([&weight, &gradient]) {
            return reference::backward::<Self>(weight, tokens, padding_idx, gradient);
        }
        let [vocabulary, dim] = weight.layout().shape().dims();
        let mut by_weight = Values::unspecified(vocabulary * dim);
        let (tokens, gradient) = (contiguous_ints(tokens), contiguous(gradient));
        kernels::embedding_gradient(cpu(), dim, &tokens, padding_idx, &gradient, &mut by_weight);
        from_values(by_weight, [vocabulary, dim])
    }
}
