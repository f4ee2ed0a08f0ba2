//! Whether images lie in their frames as MNIST's digits do, whatever file they come from.

use fireclay::data::{Dataset, PictureForm};

/// Images that are looked at, and the share of them that must lie so.
const LOOKED_AT: usize = 500;
const MOST: f64 = 0.8;

/// Levels above this one are ink.
const INK: u8 = 32;

/// MNIST's digits fill 20 of 28 pixels, and their centre of mass is in the middle: a tenth of the side is room for other ways to
/// count.
const LARGEST: f64 = 20.0 / 28.0 + 0.1;
const OFF_CENTRE: f64 = 0.1;

/// How a picture is to be read for a model that is trained on these images: as a digit if they are light on dark, fill as much of
/// their frame as MNIST's and are centred as those are.
pub fn form_of(images: &Dataset) -> PictureForm {
    let &[1, height, width] = images.shape() else { return PictureForm::Middle };
    let step = images.len().div_ceil(LOOKED_AT).max(1);
    let looked_at = images.len().div_ceil(step);
    let digits = (0..images.len()).step_by(step).filter_map(|index| images.raw_u8(index));
    let digits = digits.filter(|pixels| lies_as_a_digit(pixels, height, width)).count();
    match looked_at > 0 && digits as f64 >= MOST * looked_at as f64 {
        true => PictureForm::Digit,
        false => PictureForm::Middle,
    }
}

fn lies_as_a_digit(pixels: &[u8], height: usize, width: usize) -> bool {
    let mut mass = [0.0; 3];
    let (mut first, mut last) = ([height, width], [0, 0]);
    for (at, &level) in pixels.iter().enumerate() {
        let [row, column] = [at / width, at % width];
        if level > INK {
            first = [first[0].min(row), first[1].min(column)];
            last = [last[0].max(row), last[1].max(column)];
        }
        let weight = f64::from(level);
        mass = [mass[0] + weight, mass[1] + weight * row as f64, mass[2] + weight * column as f64];
    }
    let sides = [height, width].map(|side| side as f64);
    let fits = (0..2).all(|axis| {
        last[axis] >= first[axis] && (last[axis] - first[axis] + 1) as f64 <= LARGEST * sides[axis]
    });
    let centred = (0..2).all(|axis| {
        let centre = mass[axis + 1] / mass[0].max(1.0) + 0.5;
        (centre - sides[axis] / 2.0).abs() <= OFF_CENTRE * sides[axis]
    });
    fits && centred
}

#[cfg(test)]
mod tests {
    use fireclay::data::{DrawnDigits, Normalization, Provenance, Targets};

    use super::*;

    fn of(change: impl Fn(&[u8]) -> Vec<u8>) -> PictureForm {
        let (digits, _) = DrawnDigits::new(3).train_and_test(60, 0);
        let pixels = (0..60).flat_map(|index| change(digits.raw_u8(index).unwrap())).collect::<Vec<u8>>();
        let targets = Targets::Classes { labels: vec![0; 60], names: vec!["x".into()] };
        let images =
            Dataset::from_u8(&[1, 28, 28], pixels, targets, Normalization::none(), Provenance::default());
        form_of(&images.unwrap())
    }

    #[test]
    fn digits_are_known_by_how_they_lie() {
        assert_eq!(of(<[u8]>::to_vec), PictureForm::Digit);
        assert_eq!(of(|pixels| pixels.iter().map(|level| 255 - level).collect()), PictureForm::Middle);
        // In a corner.
        let moved = |pixels: &[u8]| {
            let mut moved = vec![0; 28 * 28];
            for (row, line) in pixels.chunks(28).enumerate().skip(4) {
                moved[(row - 4) * 28..][..24].copy_from_slice(&line[4..]);
            }
            moved
        };
        assert_eq!(of(moved), PictureForm::Middle);
        // Twice as large.
        let larger =
            |pixels: &[u8]| (0..784).map(|at| pixels[(at / 28 / 2 + 7) * 28 + at % 28 / 2 + 7]).collect();
        assert_eq!(of(larger), PictureForm::Middle);
    }
}
