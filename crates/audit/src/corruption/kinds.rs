//! What each corruption does to one picture.

use std::io::Cursor;

use fireclay_data::Random;
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::{DynamicImage, ExtendedColorType};

use super::Corruption;
use crate::AuditError;

/// The picture, `[channels, height, width]`, after a corruption.
pub(super) fn apply(
    corruption: Corruption,
    amount: f32,
    bytes: &[u8],
    [channels, height, width]: [usize; 3],
    random: &mut Random,
) -> Result<Vec<u8>, AuditError> {
    let each = |change: &mut dyn FnMut(f32) -> f32| {
        bytes.iter().map(|byte| byte_of(change(f32::from(*byte) / 255.0))).collect()
    };
    let plane =
        |change: &dyn Fn(&[u8]) -> Vec<u8>| bytes.chunks_exact(height * width).flat_map(change).collect();
    Ok(match corruption {
        Corruption::GaussianNoise => each(&mut |value| value + amount * random.normal()),
        Corruption::ImpulseNoise => each(&mut |value| match random.unit() < amount {
            true => random.below(2) as f32,
            false => value,
        }),
        Corruption::GaussianBlur => plane(&|plane| blurred(plane, [height, width], amount)),
        Corruption::Brightness => each(&mut |value| value + amount),
        Corruption::Contrast => {
            let mean = bytes.iter().map(|byte| f32::from(*byte) / 255.0).sum::<f32>() / bytes.len() as f32;
            each(&mut |value| mean + amount * (value - mean))
        }
        Corruption::Rotation => {
            let degrees = if random.chance(0.5) { amount } else { -amount };
            plane(&|plane| turned(plane, [height, width], degrees))
        }
        Corruption::Jpeg => compressed(bytes, [channels, height, width], amount as u8)?,
    })
}

fn byte_of(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// With a normal window of this deviation in pixels; what lies beyond an edge is as the edge.
fn blurred(plane: &[u8], [height, width]: [usize; 2], deviation: f32) -> Vec<u8> {
    let reach = (3.0 * deviation).ceil() as isize;
    let window: Vec<f32> =
        (-reach..=reach).map(|at| (-(at as f32 / deviation).powi(2) / 2.0).exp()).collect();
    let sum: f32 = window.iter().sum();
    let inside = |at: isize, len: usize| at.clamp(0, len as isize - 1) as usize;
    let pass = |value: &dyn Fn(usize, usize) -> f32, step: [isize; 2]| -> Vec<f32> {
        let places =
            (0..height).flat_map(|row| (0..width).map(move |column| (row as isize, column as isize)));
        let mean = |(row, column): (isize, isize)| {
            let terms = (-reach..=reach).zip(&window).map(|(at, weight)| {
                weight * value(inside(row + at * step[0], height), inside(column + at * step[1], width))
            });
            terms.sum::<f32>() / sum
        };
        places.map(mean).collect()
    };
    let across = pass(&|row, column| f32::from(plane[row * width + column]) / 255.0, [0, 1]);
    let down = pass(&|row, column| across[row * width + column], [1, 0]);
    down.into_iter().map(byte_of).collect()
}

/// About its middle, between the nearest four pixels; what was outside is black.
fn turned(plane: &[u8], [height, width]: [usize; 2], degrees: f32) -> Vec<u8> {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let middle = [(height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0];
    let at = |row: isize, column: isize| match (usize::try_from(row), usize::try_from(column)) {
        (Ok(row), Ok(column)) if row < height && column < width => {
            f32::from(plane[row * width + column]) / 255.0
        }
        _ => 0.0,
    };
    let mut turned = Vec::with_capacity(plane.len());
    for row in 0..height {
        for column in 0..width {
            let (y, x) = (row as f32 - middle[0], column as f32 - middle[1]);
            let (from_y, from_x) = (middle[0] + cosine * y + sine * x, middle[1] - sine * y + cosine * x);
            let (top, left) = (from_y.floor(), from_x.floor());
            let (down, right) = (from_y - top, from_x - left);
            let (top, left) = (top as isize, left as isize);
            let upper = at(top, left) * (1.0 - right) + at(top, left + 1) * right;
            let lower = at(top + 1, left) * (1.0 - right) + at(top + 1, left + 1) * right;
            turned.push(byte_of(upper * (1.0 - down) + lower * down));
        }
    }
    turned
}

/// Written as JPEG of a quality from 1 to 100, and read again.
fn compressed(
    bytes: &[u8],
    [channels, height, width]: [usize; 3],
    quality: u8,
) -> Result<Vec<u8>, AuditError> {
    let pixels = height * width;
    let interleaved: Vec<u8> = (0..pixels)
        .flat_map(|pixel| (0..channels).map(move |channel| bytes[channel * pixels + pixel]))
        .collect();
    let colour = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality).encode(
        &interleaved,
        width as u32,
        height as u32,
        colour,
    )?;
    let image = DynamicImage::from_decoder(JpegDecoder::new(Cursor::new(file))?)?;
    let read = if channels == 1 { image.into_luma8().into_raw() } else { image.into_rgb8().into_raw() };
    Ok((0..channels).flat_map(|channel| read.iter().skip(channel).step_by(channels).copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_by_a_right_angle_moves_corners() {
        let plane = [10, 20, 30, 40];
        let found = turned(&plane, [2, 2], 90.0);
        assert!(found == [20, 40, 10, 30] || found == [30, 10, 40, 20], "{found:?}");
        assert_eq!(turned(&plane, [2, 2], 0.0), plane);
    }

    #[test]
    fn a_blur_keeps_what_is_even_and_spreads_a_point() {
        assert!(blurred(&[90; 25], [5, 5], 1.0).iter().all(|byte| *byte == 90));
        let mut point = [0; 25];
        point[12] = 255;
        let found = blurred(&point, [5, 5], 1.0);
        // 255 times the square of 1 / 2.5066.
        assert!(
            (40..=41).contains(&found[12]) && found[11] == found[13] && found[7] == found[17],
            "{found:?}"
        );
        assert!(found[12] > found[11] && found[11] > found[6]);
    }
}
