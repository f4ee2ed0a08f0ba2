//! Pooling in Burn's operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};
use burn::tensor::Shape;

use super::{Pool2d, Pool2dTape, PoolOptions};

pub(super) fn forward<B: Backend>(input: FloatTensor<B>, pool: Pool2d) -> FloatTensor<B> {
    match pool {
        Pool2d::Max(PoolOptions { kernel_size, stride, padding }) => {
            B::max_pool2d(input, kernel_size, stride, padding, [1, 1], false)
        }
        Pool2d::Average(PoolOptions { kernel_size, stride, padding }, count_include_pad) => {
            B::avg_pool2d(input, kernel_size, stride, padding, count_include_pad, false)
        }
        Pool2d::Global => {
            let [batch, channels, height, width] = input.shape().dims();
            let rows = B::float_reshape(input, Shape::new([batch, channels, height * width]));
            B::float_reshape(B::float_mean_dim(rows, 2), Shape::new([batch, channels]))
        }
    }
}

pub(super) fn forward_for_training<B: Backend>(
    input: FloatTensor<B>,
    pool: Pool2d,
) -> (FloatTensor<B>, Pool2dTape<B>) {
    let Pool2d::Max(PoolOptions { kernel_size, stride, padding }) = pool else {
        let output = forward::<B>(input.clone(), pool);
        return (output, Pool2dTape::Reference { input, index: None });
    };
    let indices = get_or_init_device_settings::<B>(&input.device()).int_dtype;
    let pooled =
        B::max_pool2d_with_indices(input.clone(), kernel_size, stride, padding, [1, 1], false, indices);
    (pooled.output, Pool2dTape::Reference { input, index: Some(pooled.indices) })
}

pub(super) fn backward<B: Backend>(
    tape: Pool2dTape<B>,
    pool: Pool2d,
    gradient: FloatTensor<B>,
) -> FloatTensor<B> {
    #[allow(irrefutable_let_patterns, reason = "in builds without a kernel")]
    let Pool2dTape::Reference { input, index } = tape else {
        unreachable!("a kernel's tape goes to the kernel");
    };
    match (pool, index) {
        (Pool2d::Max(PoolOptions { kernel_size, stride, padding }), Some(index)) => {
            B::max_pool2d_with_indices_backward(
                input,
                kernel_size,
                stride,
                padding,
                [1, 1],
                false,
                gradient,
                index,
            )
            .x_grad
        }
        (Pool2d::Max(_), None) => unreachable!("a maximum has its places"),
        (Pool2d::Average(PoolOptions { kernel_size, stride, padding }, count_include_pad), _) => {
            B::avg_pool2d_backward(input, gradient, kernel_size, stride, padding, count_include_pad, false)
        }
        (Pool2d::Global, _) => {
            let shape = input.shape();
            let [batch, channels, height, width] = shape.dims();
            let share = B::float_div_scalar(gradient, ((height * width) as f64).into());
            B::float_expand(B::float_reshape(share, Shape::new([batch, channels, 1, 1])), shape)
        }
    }
}
