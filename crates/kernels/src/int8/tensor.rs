//! Where the bytes between two layers lie.

use super::Int8Scale;

/// Bytes behind each slot that may be read, and weigh nothing.
pub(super) const SLACK: usize = 64;

/// Images in bytes, `[height, width, channels]` with a border around each, one after another in a slot of the arena.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensor {
    pub(super) slot: usize,
    /// `[channels, height, width]`
    pub(super) dims: [usize; 3],
    /// Above, to the left, below and to the right.
    pub(super) border: [usize; 4],
    pub(super) scale: Int8Scale,
}

impl Tensor {
    /// Bytes from one row of an image to the next.
    pub(super) fn row(&self) -> usize {
        let [channels, _, width] = self.dims;
        (self.border[1] + width + self.border[3]) * channels
    }

    /// Bytes from one image to the next.
    pub(super) fn image(&self) -> usize {
        (self.border[0] + self.dims[1] + self.border[2]) * self.row()
    }

    /// Where a pixel begins in its image.
    pub(super) fn place(&self, y: usize, x: usize) -> usize {
        (self.border[0] + y) * self.row() + (self.border[1] + x) * self.dims[0]
    }

    pub(super) fn has_border(&self) -> bool {
        self.border != [0; 4]
    }
}
