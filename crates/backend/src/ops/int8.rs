//! Layers in 8-bit whole numbers, as one operation of a network that only answers.
//!
//! There is no reference in Burn's operations and no gradient: where this gives nothing, the caller runs the layers themselves.

use burn::backend::DispatchTensor;
use burn::tensor::Tensor;
use fireclay_kernels::{Int8Layer, Int8Scale};

/// Layers with their weights, as whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Description {
    /// `[channels, height, width]` of what enters.
    pub input: [usize; 3],
    /// What its bytes stand for.
    pub scale: Int8Scale,
    /// The layers.
    pub layers: Vec<Int8Layer>,
}

/// Runs layers in 8-bit whole numbers; nothing on a device that has no kernels for them, under autodiff, and for numbers other
/// than `f32`.
///
/// What `describe` gives is put in order for the CPU once, and kept for as long as the `weights` that it is made of are
/// in use, under an `id` that no other layers have.
///
/// # Shapes
/// - input: `[batch, features]` or `[batch, channels, height, width]`
/// - output: `[batch, outputs]`; images channel after channel
///
/// # Panics
/// If the input is not what the layers take.
pub fn int8<const D: usize>(
    input: &Tensor<D>,
    weights: &[DispatchTensor],
    id: u64,
    describe: impl FnOnce() -> Int8Description,
) -> Option<Tensor<2>> {
    #[cfg(feature = "flex")]
    return flex::run(input, weights, id, describe);
    #[cfg(not(feature = "flex"))]
    {
        let _ = (input, weights, id, describe);
        None
    }
}

#[cfg(feature = "flex")]
mod flex {
    use burn::backend::flex::FlexTensor;
    use burn::backend::{BackendTensor, DispatchTensor, DispatchTensorKind};
    use burn::tensor::Tensor;
    use fireclay_kernels::{Int8Network, Values};

    use super::Int8Description;
    use crate::flex_tensor::{all_f32, contiguous, from_values};
    use crate::instructions::cpu;
    use crate::ordered_weights::Ordered;

    /// Networks of bytes, kept from call to call.
    static INT8: Ordered<u64, Int8Network> = Ordered::new();

    fn flex(tensor: &DispatchTensor) -> Option<&FlexTensor> {
        match &tensor.kind {
            DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => Some(tensor),
            _ => None,
        }
    }

    pub(super) fn run<const D: usize>(
        input: &Tensor<D>,
        weights: &[DispatchTensor],
        id: u64,
        describe: impl FnOnce() -> Int8Description,
    ) -> Option<Tensor<2>> {
        let mut input = input.clone().into_dispatch();
        let weights: Vec<&FlexTensor> = weights.iter().map(flex).collect::<Option<_>>()?;
        let DispatchTensorKind::Flex(BackendTensor::Float(tensor)) = &input.kind else { return None };
        if !all_f32([tensor]) {
            return None;
        }
        let cpu = cpu();
        let make = || {
            let Int8Description { input, scale, layers } = describe();
            Some(Int8Network::new(cpu, input, scale, &layers))
        };
        let network = INT8.of_all(&weights, id, make)?;
        let batch = tensor.layout().shape()[0];
        // As it lies: images that leave our operations have their channels last.
        let mut axes: Vec<usize> = (0..D).collect();
        axes[1..].rotate_left(1);
        let turned = tensor.clone().permute(&axes);
        let channels_last = D == 4 && turned.is_contiguous();
        let values = contiguous(if channels_last { turned } else { tensor.clone() });
        let mut output = Values::unspecified(batch * network.out_len());
        network.run(cpu, batch, &values, channels_last, &mut output);
        let output = from_values(output, [batch, network.out_len()]);
        input.kind = DispatchTensorKind::Flex(BackendTensor::Float(output));
        Some(Tensor::from_dispatch(input))
    }
}
