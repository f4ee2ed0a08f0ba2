//! Matrices turned, and images from one channel after another to channels-last.

use crate::Cpu;
use crate::cpu::{Shared, in_parallel, ranges};

/// Values that are worth a thread.
const PART: usize = if cfg!(test) { 64 } else { 50_000 };

/// Brings images from one channel after another to one pixel after another.
///
/// # Shapes
/// - `images`: `[batch, channels, pixels]`
/// - `output`: `[batch, pixels, channels]`
///
/// # Panics
/// If the lengths differ or are no whole number of images.
///
/// ```
/// use fireclay_kernels::{Cpu, images_to_channels_last};
/// // Two channels of three pixels.
/// let mut output = [0.0; 6];
/// images_to_channels_last(Cpu::best(1), &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0], 2, 3, &mut output);
/// assert_eq!(output, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
/// ```
pub fn images_to_channels_last(cpu: Cpu, images: &[f32], channels: usize, pixels: usize, output: &mut [f32]) {
    let image_len = channels * pixels;
    assert_eq!(images.len(), output.len(), "lengths differ");
    if image_len == 0 {
        assert!(images.is_empty(), "images of no size with values");
        return;
    }
    assert!(images.len().is_multiple_of(image_len), "{} values in images of {image_len}", images.len());
    let parts: Vec<_> = ranges(images.len() / image_len, cpu.threads.min(images.len() / PART), 1).collect();
    let output = Shared::new(output);
    in_parallel(parts.len(), |part| {
        let places = parts[part].start * image_len..parts[part].end * image_len;
        // SAFETY: the parts have different images.
        let output = unsafe { output.part(places.clone()) };
        for (image, output) in images[places].chunks_exact(image_len).zip(output.chunks_exact_mut(image_len))
        {
            match channels {
                3 => interleave::<3>(image, output),
                4 => interleave::<4>(image, output),
                _ => transpose(image, [channels, pixels], pixels, output),
            }
        }
    });
}

/// A few channels, which all fit in one register each.
fn interleave<const CHANNELS: usize>(image: &[f32], output: &mut [f32]) {
    let pixels = image.len() / CHANNELS;
    let channels: [&[f32]; CHANNELS] =
        std::array::from_fn(|channel| &image[channel * pixels..(channel + 1) * pixels]);
    for (at, pixel) in output.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
        *pixel = std::array::from_fn(|channel| channels[channel][at]);
    }
}

/// Writes the transpose of a matrix whose rows are `stride` apart.
///
/// # Shapes
/// - `matrix`: `[rows, columns]`
/// - `into`: `[columns, rows]`
///
/// # Panics
/// If a slice is too short.
pub(crate) fn transpose(matrix: &[f32], [rows, columns]: [usize; 2], stride: usize, into: &mut [f32]) {
    assert_eq!(into.len(), rows * columns, "room for another matrix");
    // Sixteen rows at a time: whole cache lines are written, while few lines are read at once.
    for first in (0..rows).step_by(16) {
        let last = (first + 16).min(rows);
        for column in 0..columns {
            let to = &mut into[column * rows + first..column * rows + last];
            for (value, row) in to.iter_mut().zip(first..last) {
                *value = matrix[row * stride + column];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Random, cpus};

    #[test]
    fn every_value_comes_to_its_place() {
        let mut random = Random::new(1);
        for channels in (0..=8).chain([17, 33, 64]) {
            for (batch, pixels) in [(0, 5), (1, 1), (3, 20), (2, 37)] {
                let images = random.numbers(batch * channels * pixels);
                for cpu in cpus() {
                    let mut output = vec![f32::NAN; images.len()];
                    images_to_channels_last(cpu, &images, channels, pixels, &mut output);
                    for image in 0..batch {
                        for (channel, pixel) in (0..channels).flat_map(|c| (0..pixels).map(move |p| (c, p))) {
                            let expected = images[(image * channels + channel) * pixels + pixel];
                            let found = output[(image * pixels + pixel) * channels + channel];
                            assert_eq!(found, expected, "{channels} channels, {pixels} pixels on {cpu:?}");
                        }
                    }
                }
            }
        }
    }
}
