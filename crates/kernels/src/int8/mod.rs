//! Networks in 8-bit whole numbers, from the first layer to the last.
//!
//! A number is kept as a byte, `number = scale · (byte - zero_point)`; weights are whole numbers from -127 to 127 with a scale for
//! each output channel ([Jacob et al. 2017](https://arxiv.org/abs/1712.05877)). Products are added in 32 bits, which is
//! exact, a bias among them, and a sum becomes the byte of the next layer by one multiplication in `f32`, rounding to the nearest whole
//! number, ties to even, and the byte of 0. So the results are the same bits on every path and with any number of threads, and those
//! that ONNX's operators for whole numbers are defined to give.
//!
//! A few images at a time go through all layers, on one thread, while what lies between two layers stays in that thread's caches
//! (`steps.rs`). A convolution is a product through tables, as in [`product`](crate::product), with four terms of a sum in each
//! number: a row of a window is bytes that lie one after another, whatever the number of channels, since weights of 0 stand for
//! what is read beyond it. Images have their borders around them, filled with the byte of 0, so that no window ends outside.
//!
//! Where ranges are not known before, rows become bytes as they come, each with a scale of its own (`dense.rs`).

mod build;
mod dense;
#[cfg(test)]
mod reference;
mod steps;
mod tensor;
#[cfg(test)]
mod tests;
mod tile;

use crate::Cpu;
pub use dense::{Int8DenseWeights, int8_dense, int8_feed_forward};
pub(crate) use dense::{MOST, ZERO, rounded_columns, start_of};
use steps::Step;
use tensor::Tensor;

/// Which number a byte stands for: `scale · (byte - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Int8Scale {
    /// The step from one byte to the next; more than 0.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero_point: u8,
}

/// A convolution of an [`Int8Network`]. A dense layer is one of an image of 1 by 1; behind an image that was flattened, one whose
/// kernel covers the whole image.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Conv2d {
    /// Channels that leave the layer.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Step of the kernel.
    pub stride: [usize; 2],
    /// Zeros above, to the left, below and to the right.
    pub padding: [usize; 4],
    /// Distance between the kernel's values.
    pub dilation: [usize; 2],
    /// `[out_channels, in_channels, kernel height, kernel width]`, from -127 to 127.
    pub weight: Vec<i8>,
    /// `[out_channels]`: what a weight is multiplied by.
    pub weight_scale: Vec<f32>,
    /// `[out_channels]`
    pub bias: Vec<f32>,
    /// Whether negative results become 0.
    pub relu: bool,
    /// How results become bytes. Without it they stay numbers in `f32`, which the last layer may give, for images of 1 by 1.
    pub output: Option<Int8Scale>,
}

impl Int8Conv2d {
    /// The most terms of a sum: more could be beyond 32 bits.
    pub const MOST_TERMS: usize = 65_536;

    /// The bias as whole numbers of the steps that sums are counted in, `input.scale · weight_scale`, with which the sums begin. Nothing
    /// where a sum might then be beyond 32 bits: such a layer adds its bias to the numbers behind the sums.
    ///
    /// # Panics
    /// If there are not as many weight scales as biases, or weights of another number of channels.
    pub fn whole_bias(&self, input: Int8Scale) -> Option<Vec<i32>> {
        assert_eq!([self.weight_scale.len(), self.bias.len()], [self.out_channels; 2], "scales and biases");
        let terms = self.weight.len() / self.out_channels.max(1);
        let channel = |channel: usize| {
            let step = f64::from(input.scale * self.weight_scale[channel]);
            let bias = (f64::from(self.bias[channel]) / step).round_ties_even();
            let weights = &self.weight[channel * terms..][..terms];
            let most: f64 = weights.iter().map(|weight| 255.0 * f64::from(weight.unsigned_abs())).sum();
            // A bias of 0 is 0 in steps of nothing too; what is not a number is inside nothing.
            let bias = if self.bias[channel] == 0.0 { 0.0 } else { bias };
            (bias.abs() + most <= f64::from(i32::MAX)).then_some(bias as i32)
        };
        (0..self.out_channels).map(channel).collect()
    }
}

/// Windows of a pooling without padding, as `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int8Pool {
    /// Size of a window.
    pub kernel_size: [usize; 2],
    /// Distance from one window to the next.
    pub stride: [usize; 2],
}

/// A layer of an [`Int8Network`].
#[derive(Clone, Debug, PartialEq)]
pub enum Int8Layer {
    /// A convolution or a dense layer.
    Conv2d(Int8Conv2d),
    /// The greatest value of each window.
    MaxPool {
        /// The windows.
        pool: Int8Pool,
        /// Channels of which the least value is taken instead, as where a negative factor has been drawn in front of the pooling;
        /// none of them if it is empty.
        least: Vec<bool>,
    },
    /// The mean of each window, rounded to a byte.
    AveragePool(Int8Pool),
    /// The mean over height and width: rounded to a byte, or in `f32` if it is the last layer.
    GlobalAveragePool,
    /// `max(x, 0)`; behind a convolution or a sum it costs nothing as their `relu`.
    Relu,
    /// `layers(x) + shortcut(x)`
    Residual {
        /// The layers; none give their input.
        layers: Vec<Int8Layer>,
        /// The layers of the shortcut; none give their input.
        shortcut: Vec<Int8Layer>,
        /// Whether negative sums become 0.
        relu: bool,
        /// How sums become bytes.
        output: Int8Scale,
    },
}

/// A network in 8-bit whole numbers, ready to run: see the module.
#[derive(Debug)]
pub struct Int8Network {
    path: crate::Path,
    input: Tensor,
    input_scale: Int8Scale,
    steps: Vec<Step>,
    /// Bytes of each slot of the arena for one image, and where it begins.
    slots: Vec<usize>,
    /// Images that go through all layers together.
    group: usize,
    /// Numbers that leave for each image.
    out_len: usize,
}

impl Int8Network {
    /// Puts weights in order for a path of instructions.
    ///
    /// # Shapes
    /// - input: `[channels, height, width]` of an image; a row of features is an image of so many channels, 1 by 1
    ///
    /// # Panics
    /// If sizes do not fit each other, a weight is -128, a scale is not a number above 0, or there are more terms in a sum than
    /// [`Int8Conv2d::MOST_TERMS`].
    pub fn new(cpu: Cpu, input: [usize; 3], input_scale: Int8Scale, layers: &[Int8Layer]) -> Self {
        build::network(cpu, input, input_scale, layers)
    }

    /// Numbers that enter for each image.
    pub fn in_len(&self) -> usize {
        let [channels, height, width] = self.input.dims;
        channels * height * width
    }

    /// Numbers that leave for each image.
    pub fn out_len(&self) -> usize {
        self.out_len
    }

    /// Runs images through all layers. Images are spread over the threads; the path is that which the network was made for.
    ///
    /// A number that is not one becomes the least byte.
    ///
    /// # Shapes
    /// - input: `[batch, channels, height, width]`, or with `channels_last` `[batch, height, width, channels]`
    /// - output: `[batch, out_channels, out_height, out_width]`
    ///
    /// # Panics
    /// If a slice has the wrong length.
    ///
    /// ```
    /// use fireclay_kernels::{Cpu, Int8Conv2d, Int8Layer, Int8Network, Int8Scale};
    ///
    /// let dense = Int8Conv2d {
    ///     out_channels: 1,
    ///     kernel_size: [1, 1],
    ///     stride: [1, 1],
    ///     padding: [0; 4],
    ///     dilation: [1, 1],
    ///     weight: vec![2, -4],
    ///     weight_scale: vec![0.5],
    ///     bias: vec![1.0],
    ///     relu: false,
    ///     output: None,
    /// };
    /// let scale = Int8Scale { scale: 0.25, zero_point: 128 };
    /// let network = Int8Network::new(Cpu::best(1), [2, 1, 1], scale, &[Int8Layer::Conv2d(dense)]);
    /// let mut output = [0.0; 2];
    /// network.run(Cpu::best(1), 2, &[1.0, 0.5, 0.26, -3.0], false, &mut output);
    /// assert_eq!(output, [1.0, 7.25]);
    /// ```
    pub fn run(&self, cpu: Cpu, batch: usize, input: &[f32], channels_last: bool, output: &mut [f32]) {
        assert_eq!(input.len(), batch * self.in_len(), "values of {batch} images");
        assert_eq!(output.len(), batch * self.out_len, "values of the outputs of {batch} images");
        steps::run(self, cpu, batch, (input, channels_last), output);
    }
}
