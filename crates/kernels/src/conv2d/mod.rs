//! Convolution over height and width of channels-last images, with bias, ReLU and max pooling in the same pass.
//!
//! Images are spread over threads; each thread takes one image through everything while it is in its caches. There is
//! no matrix of windows: [`crate::product`] finds each window through tables of offsets, which are the same for all
//! images. Padding is a copy of one image into a bordered scratch. Kernels of 3 by 3 with many channels take fewer
//! multiplications ([`winograd`]).

mod backward;
mod forward;
mod geometry;
#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
mod tests;
mod weights;
mod winograd;

pub use backward::{Conv2dGradients, Conv2dTape, ImageSquares, conv2d_backward};
pub use forward::{Conv2dWeights, Conv2dWeightsKey, conv2d, conv2d_for_training, conv2d_with};
pub use geometry::{Conv2dShape, MaxPool};
