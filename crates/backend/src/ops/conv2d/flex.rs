//! Convolution on Flex. Images go from operation to operation as channels-last; weights are best kept in the kernels'
//! order, `[kernel height, kernel width, in_channels / groups, out_channels]`, and seen through a view: then nothing is
//! copied.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use fireclay_kernels::{self as kernels, Values};

use super::{Conv2dFused, Conv2dGradient, Conv2dKept, Conv2dOp, Conv2dTape, reference};
use crate::flex_tensor::{Contiguous, all_f32, channels_last, contiguous, from_channels_last, from_values};
use crate::instructions::cpu;
use crate::ops::Activation;
use crate::ops::maybe::Maybe;
use crate::ops::stored::StoresActivations;
use crate::ordered_weights::CONV2D;

impl Conv2dOp for Flex {
    fn conv2d_fused(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        fused: Conv2dFused,
    ) -> FloatTensor<Self> {
        let bias = bias.into_option();
        if !fused.has_kernel([&input, &weight].into_iter().chain(&bias)) {
            return reference::forward::<Self>(input, weight, bias, fused);
        }
        let (cpu, shape) = (cpu(), fused.shape(&input, &weight));
        let bias = bias.map(contiguous);
        let key = kernels::Conv2dWeights::key(cpu.precision, &shape);
        let ordered = CONV2D
            .of(&weight, key, || kernels::Conv2dWeights::new(cpu, &shape, &kernel_order(weight.clone())));
        run(input, &shape, |input, output| match ordered {
            Some(weights) => kernels::conv2d_with(cpu, &shape, input, &weights, bias.as_deref(), output),
            None => kernels::conv2d(cpu, &shape, input, &kernel_order(weight), bias.as_deref(), output),
        })
    }
}

/// Has `convolve` write the output, given the input channels-last.
pub(crate) fn run(
    input: FloatTensor<Flex>,
    shape: &kernels::Conv2dShape,
    convolve: impl FnOnce(&[f32], &mut [f32]),
) -> FloatTensor<Flex> {
    let mut output = Values::unspecified(output_shape(shape).iter().product());
    convolve(&channels_last(input), &mut output);
    from_channels_last(output, output_shape(shape))
}

impl Conv2dGradient for Flex {
    fn conv2d_fused_for_training(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        fused: Conv2dFused,
    ) -> (FloatTensor<Self>, Conv2dTape<Self>) {
        if !fused.has_kernel([&input, &weight].into_iter().chain(&bias)) {
            return reference::forward_for_training::<Self>(input, weight, bias, fused);
        }
        let shape = fused.shape(&input, &weight);
        let mut output = Values::unspecified(output_shape(&shape).iter().product());
        let bias = bias.map(contiguous);
        let input = channels_last(input);
        let tape = kernels::conv2d_for_training(
            cpu(),
            &shape,
            &input,
            &kernel_order(weight),
            bias.as_deref(),
            &mut output,
        );
        let output = from_channels_last(output, output_shape(&shape));
        let kept = fused.activation.kept(&output).map(Self::store);
        (output, Conv2dTape::Kernel { input: Self::store(input.into_tensor()), output: kept, tape })
    }

    fn conv2d_fused_backward(
        kept: Conv2dKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<Self>>; 3] {
        let Conv2dTape::Kernel { input: kept_input, output, tape } = kept.tape else {
            return reference::backward::<Self>(kept, gradient, wanted);
        };
        let (kept_input, output) = (Self::restore(kept_input), output.map(Self::restore));
        let image = kept.image;
        let shape = kept.fused.shape_of(image, &kept.weight);
        let [out_channels, channels, height, width] = kept.weight.layout().shape().dims();
        let lens = [image.iter().product(), out_channels * channels * height * width, out_channels];
        let mut room = [0, 1, 2].map(|which| wanted[which].then(|| Values::unspecified(lens[which])));
        let [input, weight, bias] = room.each_mut().map(|values| values.as_deref_mut());
        let into = kernels::Conv2dGradients { input, weight, bias, squares: None };
        let (kept_input, weight) = (contiguous(kept_input), kernel_order(kept.weight));
        let (output, gradient) = (output.map(channels_last), channels_last(gradient));
        let output = output.as_deref().unwrap_or_default();
        kernels::conv2d_backward(cpu(), &shape, &kept_input, &weight, output, &tape, &gradient, into);
        let [input, weight, bias] = room;
        [
            input.map(|values| from_channels_last(values, image)),
            weight.map(|values| {
                from_values(values, [height, width, channels, out_channels]).permute(&[3, 2, 0, 1])
            }),
            bias.map(|values| from_values(values, [out_channels])),
        ]
    }

    fn conv2d_fused_squares(
        kept: Conv2dKept<Self>,
        gradient: FloatTensor<Self>,
        [for_input, of_weight, of_bias]: [bool; 3],
    ) -> (Option<FloatTensor<Self>>, Vec<f64>) {
        let Conv2dTape::Kernel { input, output, tape } = kept.tape else {
            return reference::squares::<Self>(kept, gradient, [for_input, of_weight, of_bias]);
        };
        let (input, output) =
            (contiguous(Self::restore(input)), output.map(Self::restore).map(channels_last));
        let shape = kept.fused.shape_of(kept.image, &kept.weight);
        let mut by_input = for_input.then(|| Values::unspecified(kept.image.iter().product()));
        let mut squares = vec![0.0; shape.batch];
        let into = kernels::Conv2dGradients {
            input: by_input.as_deref_mut(),
            squares: Some(kernels::ImageSquares { of_weight, of_bias, into: &mut squares }),
            ..kernels::Conv2dGradients::default()
        };
        let (weight, gradient) = (kernel_order(kept.weight), channels_last(gradient));
        let output = output.as_deref().unwrap_or_default();
        kernels::conv2d_backward(cpu(), &shape, &input, &weight, output, &tape, &gradient, into);
        (by_input.map(|values| from_channels_last(values, kept.image)), squares)
    }
}

/// Weights in the order of the kernels, copied only if they do not lie so.
pub(crate) fn kernel_order(weight: FloatTensor<Flex>) -> Contiguous {
    contiguous(weight.permute(&[2, 3, 1, 0]))
}

/// `[batch, out_channels, out_height, out_width]`
fn output_shape(shape: &kernels::Conv2dShape) -> [usize; 4] {
    let [height, width] = shape.output();
    [shape.batch, shape.out_channels, height, width]
}

impl Conv2dFused {
    /// Whether the kernels do it: for f32, and for pooling windows whose places a byte can count.
    pub(crate) fn has_kernel<'a>(&self, tensors: impl IntoIterator<Item = &'a FloatTensor<Flex>>) -> bool {
        all_f32(tensors) && self.pool.is_none_or(|pool| pool.kernel_size[0] * pool.kernel_size[1] <= 255)
    }

    pub(crate) fn shape(
        &self,
        input: &FloatTensor<Flex>,
        weight: &FloatTensor<Flex>,
    ) -> kernels::Conv2dShape {
        self.shape_of(input.layout().shape().dims(), weight)
    }

    fn shape_of(
        &self,
        [batch, in_channels, height, width]: [usize; 4],
        weight: &FloatTensor<Flex>,
    ) -> kernels::Conv2dShape {
        let [out_channels, _, kernel_height, kernel_width] = weight.layout().shape().dims();
        kernels::Conv2dShape {
            batch,
            in_channels,
            out_channels,
            size: [height, width],
            kernel_size: [kernel_height, kernel_width],
            stride: self.options.stride,
            padding: self.options.padding,
            dilation: self.options.dilation,
            groups: self.options.groups,
            relu: self.activation == Activation::Relu,
            pool: self
                .pool
                .map(|pool| kernels::MaxPool { kernel_size: pool.kernel_size, stride: pool.stride }),
        }
    }
}
