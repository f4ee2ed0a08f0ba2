//! Where the tiles of a batch lie.

use std::ops::Range;

/// Images cut into square output tiles, each of which sees two more rows and columns of the input. Tiles are counted through all
/// images, row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Rows and columns of an output tile: 2 or 4.
    pub(super) side: usize,
    /// Height and width of the input.
    pub(super) size: [usize; 2],
    /// Zeros above and to the left of it; negative where as many of its rows or columns are never seen.
    pub(super) before: [isize; 2],
    /// Height and width of the output.
    pub(super) output: [usize; 2],
    pub(super) in_channels: usize,
    pub(super) out_channels: usize,
}

impl Grid {
    fn across(&self) -> usize {
        self.output[1].div_ceil(self.side)
    }

    /// Tiles of one image.
    pub(super) fn tiles(&self) -> usize {
        self.output[0].div_ceil(self.side) * self.across()
    }

    /// Numbers that a tile and a kernel become.
    pub(super) fn elements(&self) -> usize {
        (self.side + 2).pow(2)
    }

    /// Values of one input image.
    pub(super) fn input_len(&self) -> usize {
        self.size[0] * self.size[1] * self.in_channels
    }

    /// Values of one output image.
    pub(super) fn output_len(&self) -> usize {
        self.output[0] * self.output[1] * self.out_channels
    }

    /// The images that some tiles belong to.
    pub(super) fn images_of(&self, tiles: &Range<usize>) -> Range<usize> {
        match tiles.is_empty() {
            true => 0..0,
            false => tiles.start / self.tiles()..(tiles.end - 1) / self.tiles() + 1,
        }
    }

    /// The image of a tile, and row and column of its first output.
    pub(super) fn output_of(&self, tile: usize) -> (usize, [usize; 2]) {
        let (image, tile) = (tile / self.tiles(), tile % self.tiles());
        (image, [tile / self.across() * self.side, tile % self.across() * self.side])
    }

    /// The image of a tile, and row and column of the first pixel that it sees.
    pub(super) fn input_of(&self, tile: usize) -> (usize, [isize; 2]) {
        let (image, [row, column]) = self.output_of(tile);
        (image, [row as isize - self.before[0], column as isize - self.before[1]])
    }

    /// The number of a pixel in an image of this size, if it is inside.
    pub(super) fn pixel(&self, size: [usize; 2], row: isize, column: isize) -> Option<usize> {
        let (row, column) = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
        (row < size[0] && column < size[1]).then_some(row * size[1] + column)
    }
}
