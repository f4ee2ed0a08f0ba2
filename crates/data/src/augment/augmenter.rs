//! The augmentation at work: one image, or a batch.

use fireclay_kernels::Cpu;
use fireclay_kernels::images::{Layout, Levels, gather_images};

use super::placement::Placement;
use super::resample::{Memory, resample};
use super::tone::Tone;
use super::{Augmentation, Border, Flip, stream};
use crate::{DataError, Pass};

/// Mark the random streams that flip: one for each epoch, one for all, and one for upside down.
const FLIP: u64 = 0x666c_6970_0000_0001;
const ALTERNATING_FLIP: u64 = 0x666c_6970_0000_0002;
const VERTICAL_FLIP: u64 = 0x666c_6970_0000_0003;

/// Bytes that are augmented before they are normalised: few enough to stay in a core's cache.
const BLOCK_BYTES: usize = 64 * 1024;

/// Augments images of one shape; made by [`Augmentation::check`].
///
/// ```
/// use fireclay_data::{Augmentation, AugmentScratch, Flip, Pass};
///
/// # fn main() -> Result<(), fireclay_data::DataError> {
/// let augmenter = Augmentation::none().flip(Flip::Alternating).check(&[1, 1, 3])?;
/// let mut scratch = AugmentScratch::default();
/// let mut augmented = |epoch| {
///     let mut output = [0; 3];
///     augmenter.apply(&[1, 2, 3], Pass { seed: 0, epoch }, 7, &mut output, &mut scratch);
///     output
/// };
/// let first = augmented(0);
/// assert!(first == [1, 2, 3] || first == [3, 2, 1]);
/// assert_ne!(augmented(1), first);
/// assert_eq!(augmented(2), first);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Augmenter {
    augmentation: Augmentation,
    shape: [usize; 3],
    is_none: bool,
}

/// Memory that [`Augmenter::apply`] works in; it holds nothing between calls.
#[derive(Debug, Default)]
pub struct AugmentScratch {
    resampling: Memory,
    resampled: Vec<u8>,
    columns: Vec<usize>,
}

impl Augmentation {
    /// Makes what augments images of one shape.
    ///
    /// # Shapes
    /// - `shape`: of one sample, `[channels, height, width]`
    ///
    /// # Errors
    /// [`DataError::Augmentation`] if samples are not images or too large, or a number is outside its range.
    pub fn check(&self, shape: &[usize]) -> Result<Augmenter, DataError> {
        match self.checked(shape) {
            Ok(shape) => Ok(Augmenter::new(self.clone(), shape)),
            Err(problem) => Err(DataError::Augmentation { problem }),
        }
    }
}

impl Augmenter {
    pub(super) fn new(augmentation: Augmentation, shape: [usize; 3]) -> Self {
        let is_none = augmentation.is_none();
        Augmenter { augmentation, shape, is_none }
    }

    /// What it was made from.
    pub fn augmentation(&self) -> &Augmentation {
        &self.augmentation
    }

    /// The shape of one image: `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Augments sample `index` as it is seen in `pass`: a function of image, pass and index alone.
    ///
    /// # Shapes
    /// - `image`, `output`: `[channels, height, width]`, `0..=255`
    ///
    /// # Panics
    /// If `image` or `output` has not the length of that shape.
    pub fn apply(
        &self,
        image: &[u8],
        pass: Pass,
        index: u32,
        output: &mut [u8],
        scratch: &mut AugmentScratch,
    ) {
        let len = self.shape.iter().product::<usize>();
        assert_eq!((image.len(), output.len()), (len, len), "length of the image and of the output");
        if self.is_none {
            return output.copy_from_slice(image);
        }
        let steps = &self.augmentation;
        let (border, offset) = match &steps.crop {
            Some(crop) => (&crop.border, crop.offset(pass, index)),
            None => (&Border::Edge, [0, 0]),
        };
        let placement = Placement {
            is_flipped: self.is_flipped(pass, index),
            is_upside_down: steps.vertical_flip && stream(VERTICAL_FLIP, pass, index).below(2) == 1,
            offset,
            border,
        };
        match steps.affine.as_ref().filter(|affine| !affine.is_none()) {
            Some(affine) if placement.is_none() => {
                let map = affine.draw(pass, index, self.shape);
                resample(image, self.shape, &map, &affine.border, &mut scratch.resampling, output);
            }
            Some(affine) => {
                let map = affine.draw(pass, index, self.shape);
                let AugmentScratch { resampling, resampled, columns } = scratch;
                resampled.resize(len, 0);
                resample(image, self.shape, &map, &affine.border, resampling, resampled);
                placement.apply(resampled, self.shape, columns, output);
            }
            None if placement.is_none() => output.copy_from_slice(image),
            None => placement.apply(image, self.shape, &mut scratch.columns, output),
        }
        if steps.brightness > 0.0 || steps.contrast > 0.0 {
            Tone::draw(steps.brightness, steps.contrast, pass, index).apply(output);
        }
        if let Some(cutout) = &steps.cutout {
            cutout.apply(pass, index, self.shape, output);
        }
    }

    /// Augments and normalises a batch, on the calling thread, a few images at a time; so it needs little memory beyond
    /// the batch's own.
    ///
    /// ```
    /// use fireclay_data::{Augmentation, Flip, Pass};
    /// use fireclay_kernels::images::Levels;
    ///
    /// # fn main() -> Result<(), fireclay_data::DataError> {
    /// let augmenter = Augmentation::none().flip(Flip::Random).check(&[1, 1, 2])?;
    /// let images = [[0, 255], [255, 0]];
    /// let samples = (0..2).map(|index| (index, &images[index as usize][..]));
    /// let mut output = [f32::NAN; 4];
    /// augmenter.gather(samples, Pass { seed: 0, epoch: 0 }, &Levels::new(&[0.0], &[1.0]), &mut output);
    /// assert!(output[..2] == [0.0, 1.0] || output[..2] == [1.0, 0.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Shapes
    /// - `samples`: each the index of a sample, on which its augmentation depends, and its image,
    ///   `[channels, height, width]`
    /// - `levels`: one channel for all, or as many as the images have
    /// - `output`: `[batch, channels, height, width]`
    ///
    /// # Panics
    /// If an image has another length than that shape, the channels of `levels` do not divide it, or `output` has not
    /// room for exactly these samples.
    pub fn gather<'a>(
        &self,
        samples: impl IntoIterator<Item = (u32, &'a [u8])>,
        pass: Pass,
        levels: &Levels,
        output: &mut [f32],
    ) {
        let len = self.shape.iter().product::<usize>();
        let images_of_block = (BLOCK_BYTES / len).max(1);
        let mut block = vec![0; len * images_of_block.min(output.len() / len)];
        let mut scratch = AugmentScratch::default();
        let cpu = Cpu::best(1);
        let indices: Vec<u32> = (0..images_of_block as u32).collect();
        let mut samples = samples.into_iter();
        for output in output.chunks_mut(len * images_of_block) {
            assert_eq!(output.len() % len, 0, "room for whole images");
            let images = output.len() / len;
            for augmented in block.chunks_exact_mut(len).take(images) {
                let Some((index, image)) = samples.next() else { panic!("room for more samples than came") };
                self.apply(image, pass, index, augmented, &mut scratch);
            }
            let pixels = len / levels.channels();
            let block = &block[..images * len];
            gather_images(cpu, levels, block, pixels, &indices[..images], Layout::ChannelsFirst, output);
        }
        assert!(samples.next().is_none(), "more samples than there is room for");
    }

    fn is_flipped(&self, pass: Pass, index: u32) -> bool {
        match self.augmentation.flip {
            None => false,
            Some(Flip::Random) => stream(FLIP, pass, index).below(2) == 1,
            Some(Flip::Alternating) => {
                let side = stream(ALTERNATING_FLIP, Pass { epoch: 0, ..pass }, index).below(2) == 1;
                side != (pass.epoch % 2 == 1)
            }
        }
    }
}
