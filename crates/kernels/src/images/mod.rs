//! Bytes of images to numbers: samples gathered by index and normalised.
//!
//! A byte becomes `(byte / 255 - mean) / std` with both divisions rounded as IEEE 754 says, so the result has the very
//! bits of a table made by that formula. Divisions are slow and lookups go one by one; a fused multiply-add by the
//! divisor's reciprocal followed by two that mend the quotient gives the same bits
//! ([Markstein 1990](https://doi.org/10.1147/rd.341.0111)) wherever nothing under- or overflows. As a byte has 256
//! values, [`Levels::new`] tries them all and keeps to the table where one differs.

mod reference;
#[cfg(test)]
mod tests;

use crate::Cpu;
use crate::cpu::{Shared, in_parallel, ranges};
use crate::simd::{Kernel, Simd};

/// Values that are worth a thread.
const PART: usize = 200_000;

/// What each byte becomes in each channel.
#[derive(Clone, Debug)]
pub struct Levels {
    /// `[channels]`: what each byte becomes.
    tables: Vec<[f32; 256]>,
    /// `[channels]`
    terms: Vec<Terms>,
    /// Whether `terms` give what `tables` hold, in every channel.
    is_computable: bool,
    /// `terms` lane by lane for values whose channels lie side by side, `PATTERN · channels` of each.
    patterns: [Vec<f32>; 3],
}

/// The numbers that a normalised value is computed from.
#[derive(Clone, Copy, Debug)]
struct Terms {
    mean: f32,
    std: f32,
    inverse_std: f32,
}

/// The greatest number of lanes; the others divide it.
const PATTERN: usize = 16;

impl Levels {
    /// The levels of `(byte / 255 - mean) / std`, with one mean and one standard deviation for each channel.
    ///
    /// # Panics
    /// If there are no channels, or not as many means as deviations.
    pub fn new(mean: &[f32], std: &[f32]) -> Self {
        assert!(!mean.is_empty(), "no channels");
        assert_eq!(mean.len(), std.len(), "means and deviations");
        let terms: Vec<Terms> = (mean.iter().zip(std))
            .map(|(mean, std)| Terms { mean: *mean, std: *std, inverse_std: 1.0 / std })
            .collect();
        let tables: Vec<[f32; 256]> = terms.iter().map(reference::table).collect();
        let is_computable = (terms.iter().zip(&tables)).all(|(terms, table)| {
            (0..=u8::MAX).all(|byte| {
                reference::mended(f32::from(byte), terms).to_bits() == table[usize::from(byte)].to_bits()
            })
        });
        let pattern = |term: fn(&Terms) -> f32| {
            terms.iter().map(term).cycle().take(PATTERN * terms.len()).collect::<Vec<f32>>()
        };
        let patterns = [pattern(|t| t.mean), pattern(|t| t.std), pattern(|t| t.inverse_std)];
        Levels { tables, terms, is_computable, patterns }
    }

    /// How many channels.
    pub fn channels(&self) -> usize {
        self.tables.len()
    }

    /// What each byte becomes in a channel.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn table(&self, channel: usize) -> &[f32; 256] {
        &self.tables[channel]
    }
}

/// Where the channels of a pixel lie in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[batch, channels, pixels]`
    ChannelsFirst,
    /// `[batch, pixels, channels]`
    ChannelsLast,
}

/// Gathers images by index into a normalised batch.
///
/// # Shapes
/// - `images`: `[samples, channels, pixels]`, with the channels of `levels`
/// - `indices`: `[batch]`, each below `samples`
/// - `output`: `[batch, channels, pixels]` or `[batch, pixels, channels]`, as `layout` says
///
/// # Panics
/// If the lengths do not agree or an index is not below `samples`.
///
/// ```
/// use fireclay_kernels::Cpu;
/// use fireclay_kernels::images::{Layout, Levels, gather_images};
/// // Three images of one channel and one pixel, of which the last and the first are taken.
/// let mut output = [0.0; 2];
/// let levels = Levels::new(&[0.5], &[0.5]);
/// gather_images(Cpu::best(1), &levels, &[0, 51, 255], 1, &[2, 0], Layout::ChannelsLast, &mut output);
/// assert_eq!(output, [1.0, -1.0]);
/// ```
pub fn gather_images(
    cpu: Cpu,
    levels: &Levels,
    images: &[u8],
    pixels: usize,
    indices: &[u32],
    layout: Layout,
    output: &mut [f32],
) {
    let image_len = levels.channels() * pixels;
    assert_eq!(Some(output.len()), indices.len().checked_mul(image_len), "length of the output");
    if output.is_empty() {
        return;
    }
    assert_eq!(images.len() % image_len, 0, "images of {image_len} bytes");
    let samples = images.len() / image_len;
    for index in indices {
        assert!((*index as usize) < samples, "image {index} of {samples}");
    }
    let parts = ranges(indices.len(), cpu.threads.min(output.len() / PART), 1).collect::<Vec<_>>();
    let shared = Shared::new(output);
    in_parallel(parts.len(), |part| {
        let images_of = parts[part].clone();
        // SAFETY: the parts' images are disjoint, and all images lie in the output.
        let output = unsafe { shared.part(images_of.start * image_len..images_of.end * image_len) };
        let indices = &indices[images_of];
        cpu.path.run(Gather { levels, images, pixels, indices, layout, output });
    });
}

struct Gather<'a> {
    levels: &'a Levels,
    images: &'a [u8],
    pixels: usize,
    indices: &'a [u32],
    layout: Layout,
    output: &'a mut [f32],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gather { levels, images, pixels, indices, layout, output } = self;
        let channels = levels.channels();
        let image_len = channels * pixels;
        let side_by_side = layout == Layout::ChannelsLast && channels > 1;
        let mut interleaved = vec![0; if side_by_side { image_len } else { 0 }];
        for (index, output) in indices.iter().zip(output.chunks_exact_mut(image_len)) {
            let image = &images[*index as usize * image_len..][..image_len];
            if side_by_side {
                interleave(image, pixels, channels, &mut interleaved);
                normalize_side_by_side(s, levels, &interleaved, output);
                continue;
            }
            let planes = image.chunks_exact(pixels).zip(output.chunks_exact_mut(pixels));
            for (channel, (plane, output)) in planes.enumerate() {
                normalize_plane(s, levels, channel, plane, output);
            }
        }
    }
}

/// `[channels, pixels]` to `[pixels, channels]`
#[inline(always)]
fn interleave(image: &[u8], pixels: usize, channels: usize, output: &mut [u8]) {
    if channels == 3 {
        let (red, rest) = image.split_at(pixels);
        let (green, blue) = rest.split_at(pixels);
        let planes = red.iter().zip(green).zip(blue);
        for (pixel, ((red, green), blue)) in output.as_chunks_mut::<3>().0.iter_mut().zip(planes) {
            *pixel = [*red, *green, *blue];
        }
        return;
    }
    for (channel, plane) in image.chunks_exact(pixels).enumerate() {
        for (pixel, byte) in output.chunks_exact_mut(channels).zip(plane) {
            pixel[channel] = *byte;
        }
    }
}

/// Normalises bytes of one channel.
#[inline(always)]
fn normalize_plane<S: Simd>(s: S, levels: &Levels, channel: usize, bytes: &[u8], output: &mut [f32]) {
    let mut done = 0;
    if S::FUSED && levels.is_computable {
        let Terms { mean, std, inverse_std } = levels.terms[channel];
        let terms = [s.splat(mean), s.splat(-std), s.splat(inverse_std)];
        while done + S::LANES <= bytes.len().min(output.len()) {
            // SAFETY: `LANES` bytes and numbers follow `done` in both slices.
            unsafe {
                let byte = s.load_u8(bytes.as_ptr().add(done));
                s.store(output.as_mut_ptr().add(done), normalized(s, byte, terms));
            }
            done += S::LANES;
        }
    }
    let table = &levels.tables[channel];
    for (byte, output) in bytes[done..].iter().zip(&mut output[done..]) {
        *output = table[usize::from(*byte)];
    }
}

/// Normalises bytes whose channels lie side by side.
#[inline(always)]
fn normalize_side_by_side<S: Simd>(s: S, levels: &Levels, bytes: &[u8], output: &mut [f32]) {
    let channels = levels.channels();
    let mut done = 0;
    if S::FUSED && levels.is_computable && PATTERN.is_multiple_of(S::LANES) {
        let [mean, std, inverse_std] = &levels.patterns;
        // Lanes meet the same channels again after `channels` vectors.
        let period = channels * S::LANES;
        assert!(mean.len() >= period && std.len() >= period && inverse_std.len() >= period);
        let mut phase = 0;
        while done + S::LANES <= bytes.len().min(output.len()) {
            // SAFETY: `LANES` bytes and numbers follow `done` in both slices, and `phase` in the patterns, as it is
            // below `period` and both are multiples of `LANES`.
            unsafe {
                let minus_std = s.sub(s.splat(0.0), s.load(std.as_ptr().add(phase)));
                let terms =
                    [s.load(mean.as_ptr().add(phase)), minus_std, s.load(inverse_std.as_ptr().add(phase))];
                let byte = s.load_u8(bytes.as_ptr().add(done));
                s.store(output.as_mut_ptr().add(done), normalized(s, byte, terms));
            }
            done += S::LANES;
            phase += S::LANES;
            if phase == period {
                phase = 0;
            }
        }
    }
    let mut channel = done % channels;
    for (byte, output) in bytes[done..].iter().zip(&mut output[done..]) {
        *output = levels.tables[channel][usize::from(*byte)];
        channel = if channel + 1 == channels { 0 } else { channel + 1 };
    }
}

/// [`reference::mended`] in all lanes, where multiply-adds are fused.
#[inline(always)]
fn normalized<S: Simd>(s: S, byte: S::F, [mean, minus_std, inverse_std]: [S::F; 3]) -> S::F {
    let shares = mended_quotient(s, byte, s.splat(-255.0), s.splat(1.0 / 255.0));
    mended_quotient(s, s.sub(shares, mean), minus_std, inverse_std)
}

/// `a / b` from `-b` and the rounded `1 / b`.
#[inline(always)]
fn mended_quotient<S: Simd>(s: S, a: S::F, minus_b: S::F, inverse_b: S::F) -> S::F {
    let quotient = s.mul(a, inverse_b);
    let rest = s.mul_add(minus_b, quotient, a);
    s.mul_add(rest, inverse_b, quotient)
}
