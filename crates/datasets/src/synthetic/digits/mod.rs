//! Digits drawn by this crate, for when there is no network and no data: the same shape, range and conventions as
//! MNIST, made from strokes designed by hand.
//!
//! Every sample has its own random stream, derived from the seed, the split and the sample's index; so the pixels do
//! not depend on how many threads drew them, nor on how many samples were asked for. Only arithmetic that is the same on
//! every machine is used, so they do not depend on the machine either.

mod glyphs;
mod pen;
mod raster;
mod warp;

use fireclay_data::{Dataset, Normalization, Provenance, Random, Targets, sha256};
use rayon::prelude::*;

/// Marks the random streams that draw; one per split, so that the splits share nothing.
const TRAIN: u64 = 0x6472_6177_6e00_0001;
const TEST: u64 = 0x6472_6177_6e00_0002;

/// Rows and columns of a drawing.
const SIDE: usize = raster::SIDE;

/// Draws digits that look handwritten.
///
/// Images are `[1, 28, 28]` bytes, white (255) on black (0), in a box of about 20 x 20 pixels placed by its centre of
/// mass; labels 0 to 9 mean the digits, as many of each as can be. They are drawn with random styles, slants, widths,
/// thickness and distortion, no two alike, and are in the public domain like anything computed from a seed.
///
/// ```
/// use fireclay_datasets::DrawnDigits;
///
/// let (train, test) = DrawnDigits::new(7).train_and_test(50, 20);
/// assert_eq!((train.len(), test.len()), (50, 20));
/// assert_eq!(train.class_counts(), [5; 10]);
/// assert_eq!(train.provenance().source, "drawn by Fireclay, seed 7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnDigits {
    seed: u64,
}

impl DrawnDigits {
    /// Digits that depend on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// `(train, test)`, of these lengths. The first `n` samples of a split are the same whatever its length.
    pub fn train_and_test(&self, train_len: usize, test_len: usize) -> (Dataset, Dataset) {
        (self.split("train", TRAIN, train_len), self.split("test", TEST, test_len))
    }

    fn split(&self, name: &str, purpose: u64, len: usize) -> Dataset {
        let labels: Vec<u32> = (0..len as u64).map(|index| self.label(purpose, index)).collect();
        let mut pixels = vec![0; len * SIDE * SIDE];
        (pixels.par_chunks_exact_mut(SIDE * SIDE).zip(&labels).enumerate()).with_min_len(16).for_each(
            |(index, (image, label))| {
                let mut random = Random::new(purpose, self.seed, index as u64);
                draw(*label, &mut random, image);
            },
        );
        let mut provenance =
            Provenance::new("drawn digits", name, format!("drawn by Fireclay, seed {}", self.seed));
        let label_bytes: Vec<u8> = labels.iter().map(|label| *label as u8).collect();
        provenance.sha256 = Some(sha256::of_parts(&[&pixels, &label_bytes]));
        let targets = Targets::Classes { labels, names: (0..10).map(|digit| digit.to_string()).collect() };
        let shape = [1, SIDE, SIDE];
        match Dataset::from_u8(&shape, pixels, targets, Normalization::none(), provenance) {
            Ok(dataset) => dataset,
            // Lengths and labels are made to fit just above.
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Each run of ten samples holds every digit once, in an order of its own.
    fn label(&self, purpose: u64, index: u64) -> u32 {
        let mut digits: [u32; 10] = std::array::from_fn(|digit| digit as u32);
        Random::new(!purpose, self.seed, index / 10).shuffle(&mut digits);
        digits[(index % 10) as usize]
    }
}

fn draw(digit: u32, random: &mut Random, image: &mut [u8]) {
    let mut strokes = glyphs::strokes(digit, random);
    warp::handwriting(&mut strokes, digit, random);
    raster::paint(&strokes, random, image);
}
