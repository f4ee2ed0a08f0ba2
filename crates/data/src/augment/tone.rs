//! Brightness and contrast.

use super::stream;
use crate::Pass;

/// Marks the random streams of brightness and contrast.
const PURPOSE: u64 = 0x746f_6e65_0000_0001;

/// What a sample's levels become: `level · factor + offset`.
pub(super) struct Tone {
    brightness: f32,
    contrast: f32,
}

impl Tone {
    /// Draws both factors, from `1 - brightness` to `1 + brightness` and from `1 - contrast` to `1 + contrast`.
    pub(super) fn draw(brightness: f32, contrast: f32, pass: Pass, index: u32) -> Self {
        let mut random = stream(PURPOSE, pass, index);
        let mut factor = |spread: f32| 1.0 + random.range(-spread, spread);
        Tone { brightness: factor(brightness), contrast: factor(contrast) }
    }

    /// Stretches levels about the image's mean by the contrast, then multiplies them by the brightness.
    pub(super) fn apply(&self, image: &mut [u8]) {
        let sum: u64 = image.iter().map(|level| u64::from(*level)).sum();
        // An image has pixels, see `Augmentation::check`.
        let mean = (sum as f64 / image.len() as f64) as f32;
        let factor = self.brightness * self.contrast;
        // A half more, as the conversion back to bytes cuts off what comes after the point, and keeps to 0..=255.
        let offset = self.brightness * mean * (1.0 - self.contrast) + 0.5;
        let levels: [u8; 256] = std::array::from_fn(|level| (level as f32 * factor + offset) as u8);
        for level in image {
            *level = levels[usize::from(*level)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toned(brightness: f32, contrast: f32, image: &[u8]) -> Vec<u8> {
        let mut image = image.to_vec();
        Tone { brightness, contrast }.apply(&mut image);
        image
    }

    #[test]
    fn factors_of_1_change_nothing() {
        let levels: Vec<u8> = (0..=255).collect();
        assert_eq!(toned(1.0, 1.0, &levels), levels);
    }

    #[test]
    fn contrast_keeps_the_mean_and_brightness_scales_it() {
        assert_eq!(toned(1.0, 0.5, &[80, 120]), [90, 110]);
        assert_eq!(toned(1.0, 0.0, &[80, 120]), [100, 100]);
        assert_eq!(toned(1.5, 1.0, &[80, 120, 200]), [120, 180, 255]);
        assert_eq!(toned(1.0, 2.0, &[0, 100, 200, 100]), [0, 100, 255, 100]);
        assert_eq!(toned(0.0, 1.0, &[80]), [0]);
        assert_eq!(toned(0.5, 1.0, &[3, 4]), [2, 2], "rounded");
    }

    #[test]
    fn factors_stay_in_their_range() {
        let mut sums = [0.0; 2];
        for index in 0..2_000 {
            let Tone { brightness, contrast } = Tone::draw(0.4, 0.2, Pass { seed: 1, epoch: 1 }, index);
            assert!((0.6..=1.4).contains(&brightness) && (0.8..=1.2).contains(&contrast));
            sums = [sums[0] + brightness, sums[1] + contrast];
        }
        assert!(sums.iter().all(|sum| (sum / 2_000.0 - 1.0).abs() < 0.02), "{sums:?}");
    }
}
