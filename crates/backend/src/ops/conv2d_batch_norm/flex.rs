//! Convolution and batch norm on Flex: a convolution with weights that have the norm in them.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use fireclay_kernels::{Conv2dShape, Conv2dWeights, Conv2dWeightsKey, Cpu, Values};

use super::{Conv2dBatchNormFused, Conv2dBatchNormOp, NormTensors, PoolPlace, reference};
use crate::flex_tensor::contiguous;
use crate::instructions::cpu;
use crate::ops::conv2d::flex::{kernel_order, run};
use crate::ops::maybe::Maybe;
use crate::ordered_weights::Ordered;

/// Convolutions with the norm behind them in their weights, kept from call to call.
static FOLDED_CONV2D: Ordered<FoldedConv2dKey, FoldedConv2d> = Ordered::new();

/// What folded weights are for, beside the tensors that they are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
struct FoldedConv2dKey {
    conv2d: Conv2dWeightsKey,
    /// The bits of what is added to the variance.
    epsilon: u64,
    /// Whether a greater number must stay the greater one.
    keeps_order: bool,
}

impl Conv2dBatchNormOp for Flex {
    fn conv2d_batch_norm(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        norm: NormTensors<Self>,
        fused: Conv2dBatchNormFused,
    ) -> FloatTensor<Self> {
        let of_channels = [&norm.weight, &norm.bias, &norm.mean, &norm.variance];
        let tensors: Vec<&FlexTensor> =
            [&weight].into_iter().chain(of_channels).chain(bias.as_option()).collect();
        let convolution = fused.folded();
        if !convolution.has_kernel([&input].into_iter().chain(tensors.iter().copied())) {
            return reference::forward::<Self>(input, weight, bias, norm, fused);
        }
        let (cpu, shape) = (cpu(), convolution.shape(&input, &weight));
        let key = FoldedConv2dKey {
            conv2d: Conv2dWeights::key(cpu.precision, &shape),
            epsilon: fused.epsilon.to_bits(),
            keeps_order: matches!(fused.pool, PoolPlace::BeforeNorm(_)),
        };
        let folded = FOLDED_CONV2D
            .of_all(&tensors, key, || FoldedConv2d::new(cpu, &shape, &weight, &bias, &norm, &key));
        match folded {
            Some(folded) => match &folded.weights {
                FoldedWeights::Ordered(weights) => run(input, &shape, |input, output| {
                    fireclay_kernels::conv2d_with(cpu, &shape, input, weights, Some(&folded.bias), output);
                }),
                FoldedWeights::Plain(weights) => run(input, &shape, |input, output| {
                    fireclay_kernels::conv2d(cpu, &shape, input, weights, Some(&folded.bias), output);
                }),
            },
            None => reference::forward::<Self>(input, weight, bias, norm, fused),
        }
    }
}

/// A convolution's weights and bias with the norm behind it in them.
#[derive(Debug)]
pub(crate) struct FoldedConv2d {
    weights: FoldedWeights,
    bias: Vec<f32>,
}

#[derive(Debug)]
enum FoldedWeights {
    /// In the order of the kernels.
    Ordered(Box<Conv2dWeights>),
    /// `[kernel height, kernel width, in_channels / groups, out_channels]`
    Plain(Values),
}

impl FoldedConv2d {
    /// Nothing if the order of numbers matters, as to a pooling before the norm, and one channel's scale turns it round.
    fn new(
        cpu: Cpu,
        shape: &Conv2dShape,
        weight: &FlexTensor,
        bias: &Maybe<Flex>,
        norm: &NormTensors<Flex>,
        key: &FoldedConv2dKey,
    ) -> Option<Self> {
        let of = |tensor: &FlexTensor| contiguous(tensor.clone());
        let [scale, shift, mean, variance] = [&norm.weight, &norm.bias, &norm.mean, &norm.variance].map(of);
        let epsilon = f64::from_bits(key.epsilon);
        let scales: Vec<f64> = scale
            .iter()
            .zip(variance.iter())
            .map(|(scale, variance)| f64::from(*scale) / (f64::from(*variance) + epsilon).sqrt())
            .collect();
        if key.keeps_order && !scales.iter().all(|scale| *scale >= 0.0) {
            return None;
        }
        let old_bias = bias.as_option().map(of);
        let old_bias = |channel: usize| old_bias.as_ref().map_or(0.0, |bias| bias[channel]);
        let bias = (0..scales.len()).map(|channel| {
            let centred = f64::from(old_bias(channel)) - f64::from(mean[channel]);
            (centred * scales[channel] + f64::from(shift[channel])) as f32
        });
        let weight = kernel_order(weight.clone());
        let mut scaled = Values::unspecified(weight.len());
        let rows = weight.chunks_exact(scales.len()).zip(scaled.chunks_exact_mut(scales.len()));
        for (from, to) in rows {
            for ((to, from), scale) in to.iter_mut().zip(from).zip(&scales) {
                *to = (f64::from(*from) * scale) as f32;
            }
        }
        let weights = match Conv2dWeights::new(cpu, shape, &scaled) {
            Some(weights) => FoldedWeights::Ordered(Box::new(weights)),
            None => FoldedWeights::Plain(scaled),
        };
        Some(FoldedConv2d { weights, bias: bias.collect() })
    }
}
