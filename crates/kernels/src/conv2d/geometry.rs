//! Sizes of a convolution, and the tables of offsets that follow from them.

use crate::Pool;
use crate::product::{Term, offset};

/// Max pooling after a convolution, without padding or dilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Height and width of the window, at most 255 values.
    pub kernel_size: [usize; 2],
    /// Step of the window.
    pub stride: [usize; 2],
}

impl MaxPool {
    /// The pooling of images `[batch, height, width, channels]`.
    pub(super) fn of_images(&self, batch: usize, [height, width]: [usize; 2], channels: usize) -> Pool {
        let MaxPool { kernel_size, stride } = *self;
        Pool { batch, height, width, channels, kernel_size, stride, padding: [0; 2], dilation: [1; 2] }
    }
}

/// All sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input; a multiple of `groups`.
    pub in_channels: usize,
    /// Channels of the output; a multiple of `groups`.
    pub out_channels: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Step of the kernel.
    pub stride: [usize; 2],
    /// Zeros above, left, below and right of the input.
    pub padding: [usize; 4],
    /// Distance between the kernel's values.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Whether negative outputs become 0, before pooling.
    pub relu: bool,
    /// Pooling of the output.
    pub pool: Option<MaxPool>,
}

impl Conv2dShape {
    /// A convolution with stride 1, no padding, no ReLU and no pooling.
    pub fn new(
        batch: usize,
        in_channels: usize,
        out_channels: usize,
        size: [usize; 2],
        kernel_size: [usize; 2],
    ) -> Self {
        Conv2dShape {
            batch,
            in_channels,
            out_channels,
            size,
            kernel_size,
            stride: [1; 2],
            padding: [0; 4],
            dilation: [1; 2],
            groups: 1,
            relu: false,
            pool: None,
        }
    }

    /// Height and width with the padding.
    pub(super) fn padded(&self) -> [usize; 2] {
        let [top, left, bottom, right] = self.padding;
        [self.size[0] + top + bottom, self.size[1] + left + right]
    }

    /// Height and width of the convolution's output, before pooling; 0 where the kernel does not fit.
    pub fn convolved(&self) -> [usize; 2] {
        let padded = self.padded();
        [0, 1].map(|axis| {
            let covered = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1;
            match padded[axis].checked_sub(covered) {
                Some(rest) => rest / self.stride[axis] + 1,
                None => 0,
            }
        })
    }

    /// Height and width of what comes out.
    pub fn output(&self) -> [usize; 2] {
        let convolved = self.convolved();
        match self.pool {
            None => convolved,
            Some(pool) => [0, 1].map(|axis| match convolved[axis].checked_sub(pool.kernel_size[axis]) {
                Some(rest) => rest / pool.stride[axis] + 1,
                None => 0,
            }),
        }
    }

    /// Input channels that one output channel sees.
    pub fn channels_in_group(&self) -> usize {
        self.in_channels / self.groups
    }

    pub(super) fn out_channels_in_group(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Values of one input image.
    pub fn input_len(&self) -> usize {
        self.size[0] * self.size[1] * self.in_channels
    }

    pub(super) fn padded_len(&self) -> usize {
        let [height, width] = self.padded();
        height * width * self.in_channels
    }

    pub(super) fn convolved_len(&self) -> usize {
        let [height, width] = self.convolved();
        height * width * self.out_channels
    }

    /// Values of one output image.
    pub fn output_len(&self) -> usize {
        let [height, width] = self.output();
        height * width * self.out_channels
    }

    /// Values that one output value sees: rows of the packed weights.
    pub fn taps(&self) -> usize {
        self.kernel_size[0] * self.kernel_size[1] * self.channels_in_group()
    }

    /// Values of the weights.
    pub fn weight_len(&self) -> usize {
        self.taps() * self.out_channels
    }

    pub(super) fn is_padded(&self) -> bool {
        self.padding != [0; 4]
    }

    /// Multiplications and additions of the forward pass.
    pub fn flops(&self) -> u64 {
        let [height, width] = self.convolved();
        2 * (self.batch * height * width) as u64 * self.weight_len() as u64
    }

    /// Panics unless the sizes make sense; the caller's mistake, as everywhere in this crate.
    pub(super) fn check(&self) {
        let counts = [self.groups, self.kernel_size[0], self.kernel_size[1], self.stride[0], self.stride[1]];
        assert!(counts.iter().chain(&self.dilation).all(|count| *count > 0), "{self:?} has a size of 0");
        assert!(
            self.in_channels.is_multiple_of(self.groups) && self.out_channels.is_multiple_of(self.groups),
            "{} and {} channels do not fall into {} groups",
            self.in_channels,
            self.out_channels,
            self.groups
        );
        if let Some(pool) = self.pool {
            assert!(
                pool.stride.iter().chain(&pool.kernel_size).all(|size| *size > 0),
                "{pool:?} has a size of 0"
            );
            assert!(pool.kernel_size[0] * pool.kernel_size[1] <= 255, "a window of {pool:?} is too large");
        }
        offset(self.padded_len());
        offset(self.convolved_len());
        offset(self.weight_len());
    }

    /// Offset in the padded image of each window's first value, one for each place of the output.
    pub(super) fn windows(&self) -> Vec<u32> {
        let [height, width] = self.convolved();
        let row = self.padded()[1] * self.in_channels;
        places(height, width, self.stride[0] * row, self.stride[1] * self.in_channels)
    }

    /// Offset of each of a window's values from its first, in the order of the packed weights' rows.
    pub(super) fn values_of_window(&self) -> Vec<u32> {
        let row = self.padded()[1] * self.in_channels;
        let places = places(
            self.kernel_size[0],
            self.kernel_size[1],
            self.dilation[0] * row,
            self.dilation[1] * self.in_channels,
        );
        let channels = self.channels_in_group();
        places.iter().flat_map(|place| (0..channels).map(move |channel| place + offset(channel))).collect()
    }
}

/// Offsets of the places of a grid, row by row.
pub(super) fn places(height: usize, width: usize, row: usize, column: usize) -> Vec<u32> {
    (0..height).flat_map(|y| (0..width).map(move |x| offset(y * row + x * column))).collect()
}

/// Joins the offsets of two factors' terms.
pub(super) fn terms(a: &[u32], b: impl IntoIterator<Item = u32>) -> Vec<Term> {
    a.iter().zip(b).map(|(&a, b)| Term { a, b }).collect()
}

/// Copies an image of rows of `width · channels` values into the middle of a bordered one, whose border is 0 already.
fn copy_into_border(
    image: &[f32],
    bordered: &mut [f32],
    row: usize,
    bordered_row: usize,
    top: usize,
    left: usize,
) {
    if row == 0 {
        return;
    }
    for (y, from) in image.chunks_exact(row).enumerate() {
        let start = (y + top) * bordered_row + left;
        bordered[start..start + row].copy_from_slice(from);
    }
}

/// The image with its border, if it has one: a copy in `padded`, whose border is 0 already.
pub(super) fn bordered<'b>(shape: &Conv2dShape, image: &'b [f32], padded: &'b mut [f32]) -> &'b [f32] {
    if !shape.is_padded() {
        return image;
    }
    let channels = shape.in_channels;
    let (row, bordered_row) = (shape.size[1] * channels, shape.padded()[1] * channels);
    copy_into_border(image, padded, row, bordered_row, shape.padding[0], shape.padding[1] * channels);
    padded
}
