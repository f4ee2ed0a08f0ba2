//! Convolution, bias, activation and pooling in Burn's operations.

use burn::backend::ops::ConvOptions;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};
use burn::tensor::Shape;

use super::{Conv2dFused, Conv2dKept, Conv2dOptions, Conv2dTape, MaxPool};
use crate::ops::sample_norms;
use crate::ops::stored::StoresActivations;

pub(super) fn forward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    fused: Conv2dFused,
) -> FloatTensor<B> {
    let sum = B::conv2d(input, weight, bias, fused.options.into());
    let activated = fused.activation.forward::<B>(sum);
    match fused.pool {
        Some(MaxPool { kernel_size, stride }) => {
            B::max_pool2d(activated, kernel_size, stride, [0, 0], [1, 1], false)
        }
        None => activated,
    }
}

pub(super) fn forward_for_training<B: StoresActivations>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    fused: Conv2dFused,
) -> (FloatTensor<B>, Conv2dTape<B>) {
    let unpooled = Conv2dFused { pool: None, ..fused };
    let activated = forward::<B>(input.clone(), weight, bias, unpooled);
    let Some(MaxPool { kernel_size, stride }) = fused.pool else {
        let activated_kept = fused.activation.kept(&activated);
        let tape = Conv2dTape::Reference { input, activated: activated_kept, index: None };
        return (activated, tape);
    };
    let indices = get_or_init_device_settings::<B>(&activated.device()).int_dtype;
    let pooled =
        B::max_pool2d_with_indices(activated.clone(), kernel_size, stride, [0, 0], [1, 1], false, indices);
    let index = Some(pooled.indices);
    (pooled.output, Conv2dTape::Reference { input, activated: Some(activated), index })
}

pub(super) fn backward<B: StoresActivations>(
    kept: Conv2dKept<B>,
    gradient: FloatTensor<B>,
    wanted: [bool; 3],
) -> [Option<FloatTensor<B>>; 3] {
    let fused = kept.fused;
    let (input, weight, gradient) = to_convolution::<B>(kept, gradient);
    convolution_backward::<B>(input, weight, gradient, fused, wanted)
}

pub(super) fn squares<B: StoresActivations>(
    kept: Conv2dKept<B>,
    gradient: FloatTensor<B>,
    [for_input, of_weight, of_bias]: [bool; 3],
) -> (Option<FloatTensor<B>>, Vec<f64>) {
    let fused = kept.fused;
    let (input, weight, gradient) = to_convolution::<B>(kept, gradient);
    let images = input.shape()[0];
    let by_image = (0..images).map(|image| {
        let [input, gradient] =
            [&input, &gradient].map(|of| B::float_slice(of.clone(), &[(image..image + 1).into()]));
        let wanted = [false, of_weight, of_bias];
        let found = convolution_backward::<B>(input, weight.clone(), gradient, fused, wanted);
        found.into_iter().flatten().map(sample_norms::sum_of_squares::<B>).sum()
    });
    let by_image = by_image.collect();
    let [by_input, ..] = convolution_backward::<B>(input, weight, gradient, fused, [for_input, false, false]);
    (by_input, by_image)
}

/// The input, the weight, and the gradient taken back through pooling and activation.
fn to_convolution<B: StoresActivations>(
    kept: Conv2dKept<B>,
    gradient: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let Conv2dKept { weight, tape, fused, .. } = kept;
    #[allow(irrefutable_let_patterns, reason = "in builds without a kernel")]
    let Conv2dTape::Reference { input, activated, index } = tape else {
        unreachable!("a kernel's tape goes to the kernel");
    };
    let gradient = match (fused.pool, &activated, index) {
        (Some(MaxPool { kernel_size, stride }), Some(activated), Some(index)) => {
            let x = activated.clone();
            B::max_pool2d_with_indices_backward(
                x,
                kernel_size,
                stride,
                [0, 0],
                [1, 1],
                false,
                gradient,
                index,
            )
            .x_grad
        }
        _ => gradient,
    };
    (input, weight, fused.activation.backward::<B>(activated, gradient))
}

fn convolution_backward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    gradient: FloatTensor<B>,
    fused: Conv2dFused,
    [for_input, for_weight, for_bias]: [bool; 3],
) -> [Option<FloatTensor<B>>; 3] {
    let options: ConvOptions<2> = fused.options.into();
    let by_bias = for_bias.then(|| {
        let channels = Shape::new([gradient.shape()[1]]);
        B::float_reshape(B::float_sum_dims(gradient.clone(), &[0, 2, 3]), channels)
    });
    let by_input = for_input
        .then(|| B::conv2d_x_backward(input.clone(), weight.clone(), gradient.clone(), options.clone()));
    let by_weight = for_weight.then(|| B::conv2d_weight_backward(input, weight, gradient, options));
    [by_input, by_weight, by_bias]
}

impl From<Conv2dOptions> for ConvOptions<2> {
    fn from(options: Conv2dOptions) -> Self {
        let [top, left, bottom, right] = options.padding;
        let padding = [(top, bottom), (left, right)];
        ConvOptions::new_with_padding(options.stride, padding, options.dilation, options.groups)
    }
}
