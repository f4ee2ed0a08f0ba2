//! Pooling of channels-last images: the greatest or the mean value of each window, and their gradients.
//!
//! Channels lie in vector lanes, so a window's values are a handful of whole vectors whatever its shape. The gradient
//! is gathered, not scattered: each input value adds up what the windows around it send, so it is written once, rows
//! are independent of each other, and the order of additions is always the same. Windows of 2 by 2 side by side, which
//! most networks have, get loops of their own.

mod average;
mod max;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod two_by_two;

pub use average::{average_pool, average_pool_gradient, global_average_pool, global_average_pool_gradient};
pub use max::{max_pool, max_pool_gradient, max_pool_with_index};

use std::ops::Range;

/// Sizes of a pooling: images `[batch, height, width, channels]`, and windows as `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Images.
    pub batch: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
    /// Size of the window.
    pub kernel_size: [usize; 2],
    /// Distance from one window to the next.
    pub stride: [usize; 2],
    /// Pixels added at each side; they count for nothing in a maximum.
    pub padding: [usize; 2],
    /// Distance between neighbours inside a window; 1 where they touch. Averages know no other.
    pub dilation: [usize; 2],
}

impl Pool {
    /// Windows of `size` by `size`, side by side.
    pub fn square(batch: usize, height: usize, width: usize, channels: usize, size: usize) -> Self {
        Pool {
            batch,
            height,
            width,
            channels,
            kernel_size: [size; 2],
            stride: [size; 2],
            padding: [0; 2],
            dilation: [1; 2],
        }
    }

    /// Rows of the output: `(height + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1`, rounded down.
    pub fn out_height(&self) -> usize {
        self.axis(0).out
    }

    /// Columns of the output, likewise.
    pub fn out_width(&self) -> usize {
        self.axis(1).out
    }

    /// Values of the input.
    pub fn in_len(&self) -> usize {
        self.batch * self.height * self.width * self.channels
    }

    /// Values of the output.
    pub fn out_len(&self) -> usize {
        self.batch * self.out_height() * self.out_width() * self.channels
    }

    /// Whether the windows are 2 by 2, side by side, from the first pixel on.
    fn is_2x2(&self) -> bool {
        self.kernel_size == [2; 2]
            && self.stride == [2; 2]
            && self.padding == [0; 2]
            && self.dilation == [1; 2]
    }

    #[track_caller]
    fn check(&self, input: usize, output: usize) {
        let positive = |sizes: [usize; 2]| sizes[0] > 0 && sizes[1] > 0;
        assert!(
            positive(self.kernel_size) && positive(self.stride) && positive(self.dilation),
            "kernel size, stride and dilation of a pooling must be at least 1: {self:?}"
        );
        assert_eq!(input, self.in_len(), "values of the input of {self:?}");
        assert_eq!(output, self.out_len(), "values of the output of {self:?}");
    }

    fn axis(&self, axis: usize) -> Axis {
        let len = [self.height, self.width][axis];
        let (kernel, stride) = (self.kernel_size[axis], self.stride[axis]);
        let (padding, dilation) = (self.padding[axis], self.dilation[axis]);
        let extent = dilation * (kernel - 1) + 1;
        let out = (len + 2 * padding).checked_sub(extent).map_or(0, |room| room / stride + 1);
        Axis { len, out, kernel, stride, padding, dilation }
    }
}

/// One of the two directions of a pooling. A tap is a position within the window.
#[derive(Clone, Copy)]
struct Axis {
    len: usize,
    out: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl Axis {
    /// The taps of the window `out` that fall on the image.
    fn taps(self, out: usize) -> Range<usize> {
        let before = self.padding.saturating_sub(out * self.stride);
        let room = (self.len + self.padding).saturating_sub(out * self.stride);
        let end = room.div_ceil(self.dilation).min(self.kernel);
        before.div_ceil(self.dilation).min(end)..end
    }

    /// Where a tap falls that falls on the image.
    fn place(self, out: usize, tap: usize) -> usize {
        out * self.stride + tap * self.dilation - self.padding
    }

    /// The taps of every window.
    fn all_taps(self) -> Vec<Range<usize>> {
        (0..self.out).map(|out| self.taps(out)).collect()
    }

    /// For every place, the windows that hold it, and as which tap.
    fn all_windows(self) -> Windows {
        let mut windows = Windows { starts: vec![0], pairs: Vec::new() };
        for place in 0..self.len {
            for tap in (0..self.kernel).rev() {
                if let Some(distance) = (place + self.padding).checked_sub(tap * self.dilation)
                    && distance % self.stride == 0
                    && distance / self.stride < self.out
                {
                    windows.pairs.push((distance / self.stride, tap));
                }
            }
            windows.starts.push(windows.pairs.len());
        }
        windows
    }
}

/// The windows that hold each place along one axis.
struct Windows {
    starts: Vec<usize>,
    /// Window and tap.
    pairs: Vec<(usize, usize)>,
}

impl Windows {
    #[inline(always)]
    fn of(&self, place: usize) -> &[(usize, usize)] {
        &self.pairs[self.starts[place]..self.starts[place + 1]]
    }
}
