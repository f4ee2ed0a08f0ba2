//! Pooling on Flex, of channels-last images.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels::{self as kernels, Values};

use super::{Pool2d, Pool2dGradient, Pool2dOp, Pool2dTape, PoolOptions, reference};
use crate::flex_tensor::{all_f32, channels_last, contiguous, from_channels_last, from_values};
use crate::instructions::cpu;

impl Pool2dOp for Flex {
    fn pool2d(input: FloatTensor<Self>, pool: Pool2d) -> FloatTensor<Self> {
        match has_kernel(&input, pool) {
            true => forward(input, pool, None),
            false => reference::forward::<Self>(input, pool),
        }
    }
}

impl Pool2dGradient for Flex {
    fn pool2d_for_training(input: FloatTensor<Self>, pool: Pool2d) -> (FloatTensor<Self>, Pool2dTape<Self>) {
        if !has_kernel(&input, pool) {
            return reference::forward_for_training::<Self>(input, pool);
        }
        let (shape, mut index) = (input.shape().dims(), Vec::new());
        let output = forward(input, pool, Some(&mut index));
        (output, Pool2dTape::Kernel { shape, index })
    }

    fn pool2d_backward(
        tape: Pool2dTape<Self>,
        pool: Pool2d,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let Pool2dTape::Kernel { shape, index } = tape else {
            return reference::backward::<Self>(tape, pool, gradient);
        };
        let mut by_input = Values::unspecified(shape.iter().product());
        match pool {
            Pool2d::Max(options) => {
                let pool = sizes(shape, options);
                kernels::max_pool_gradient(cpu(), &pool, &index, &channels_last(gradient), &mut by_input);
            }
            Pool2d::Average(options, count_include_pad) => {
                let (pool, gradient) = (sizes(shape, options), channels_last(gradient));
                kernels::average_pool_gradient(cpu(), &pool, count_include_pad, &gradient, &mut by_input);
            }
            Pool2d::Global => {
                let [batch, channels, height, width] = shape;
                let (places, gradient) = (height * width, contiguous(gradient));
                kernels::global_average_pool_gradient(
                    cpu(),
                    batch,
                    places,
                    channels,
                    &gradient,
                    &mut by_input,
                );
            }
        }
        from_channels_last(by_input, shape)
    }
}

/// Pools, and fills `index` for maxima.
fn forward(input: FloatTensor<Flex>, pool: Pool2d, index: Option<&mut Vec<u8>>) -> FloatTensor<Flex> {
    let shape: [usize; 4] = input.shape().dims();
    let [batch, channels, height, width] = shape;
    let input = channels_last(input);
    let (Pool2d::Max(options) | Pool2d::Average(options, _)) = pool else {
        let mut output = Values::unspecified(batch * channels);
        kernels::global_average_pool(cpu(), batch, height * width, channels, &input, &mut output);
        return from_values(output, [batch, channels]);
    };
    let sizes = sizes(shape, options);
    let mut output = Values::unspecified(sizes.out_len());
    match (pool, index) {
        (Pool2d::Average(_, count_include_pad), _) => {
            kernels::average_pool(cpu(), &sizes, count_include_pad, &input, &mut output);
        }
        (_, None) => kernels::max_pool(cpu(), &sizes, &input, &mut output),
        (_, Some(index)) => {
            *index = vec![0; output.len()];
            kernels::max_pool_with_index(cpu(), &sizes, &input, &mut output, index);
        }
    }
    from_channels_last(output, [batch, channels, sizes.out_height(), sizes.out_width()])
}

/// Whether the kernels do it: for f32, and for maxima whose places a byte can count.
fn has_kernel(input: &FloatTensor<Flex>, pool: Pool2d) -> bool {
    let countable = match pool {
        Pool2d::Max(options) => options.kernel_size[0] * options.kernel_size[1] <= 256,
        _ => true,
    };
    all_f32([input]) && countable
}

fn sizes(shape: [usize; 4], options: PoolOptions) -> kernels::Pool {
    let [batch, channels, height, width] = shape;
    let PoolOptions { kernel_size, stride, padding } = options;
    kernels::Pool { batch, height, width, channels, kernel_size, stride, padding, dilation: [1; 2] }
}
