//! Weights as whole numbers with a scale for each row.

use crate::state::NamedTensor;

/// Whole numbers of a weight reach from -127 to 127.
const MOST: f32 = 127.0;

/// Significant bits of a scale: with the 7 of a whole number, a product has no more than the 24 of an `f32`.
const SCALE_BITS: u32 = 17;

/// Scales below it would make numbers with fewer bits than others have.
const LEAST_SCALE: f32 = 1e-30;

/// Rounds weights to whole numbers from -127 to 127 times a scale for each row, the first dimension; rows that are nearly nothing
/// become zeros. The values are exact multiples, so that [`int8_rows`] finds the same numbers and scales again.
///
/// ```
/// use fireclay_nn::{NamedTensor, int8_rows, round_to_int8};
///
/// let mut weight = NamedTensor { name: "dense_1.weight".to_string(), shape: vec![2, 2], values: vec![1.27, -0.5, 0.0, 0.0] };
/// round_to_int8(&mut weight);
/// let (whole, scales) = int8_rows(&weight).expect("rounded");
/// assert_eq!(whole, [127, -50, 0, 0]);
/// assert!((weight.values[1] + 50.0 * scales[0]).abs() < 1e-9 && (scales[0] - 0.01).abs() < 1e-6);
/// ```
pub fn round_to_int8(weight: &mut NamedTensor) {
    let Some(row) = row_len(weight) else { return };
    let (whole, scales) = rounded_rows(weight, row);
    for (at, (value, number)) in weight.values.iter_mut().zip(whole).enumerate() {
        *value = f32::from(number) * scales[at / row];
    }
}

/// The nearest whole numbers, and the scale of each row.
fn rounded_rows(weight: &NamedTensor, row: usize) -> (Vec<i8>, Vec<f32>) {
    let scale = |row: &[f32]| match round_up(greatest(row) / MOST) {
        scale if scale < LEAST_SCALE => 0.0,
        scale => scale,
    };
    let scales: Vec<f32> = weight.values.chunks_exact(row).map(scale).collect();
    let number = |(at, value): (usize, &f32)| match scales[at / row] {
        0.0 => 0,
        scale => (value / scale).round_ties_even() as i8,
    };
    (weight.values.iter().enumerate().map(number).collect(), scales)
}

/// The whole numbers of a weight and the scale of each row, if its values are exact multiples as [`round_to_int8`] makes them.
pub fn int8_rows(weight: &NamedTensor) -> Option<(Vec<i8>, Vec<f32>)> {
    let (mut whole, mut scales) = (Vec::with_capacity(weight.values.len()), Vec::new());
    for row in weight.values.chunks_exact(row_len(weight)?) {
        let scale = match greatest(row) / MOST {
            0.0 => 1.0,
            scale => scale,
        };
        scales.push(scale);
        for value in row {
            let number = (value / scale).round_ties_even();
            if (number * scale).to_bits() != value.to_bits() {
                return None;
            }
            whole.push(number as i8);
        }
    }
    Some((whole, scales))
}

/// As [`int8_rows`], of weights of any values: they are rounded.
pub(crate) fn nearest_int8_rows(weight: &NamedTensor) -> (Vec<i8>, Vec<f32>) {
    int8_rows(weight).unwrap_or_else(|| match row_len(weight) {
        Some(row) => rounded_rows(weight, row),
        None => (Vec::new(), Vec::new()),
    })
}

/// Numbers in a row; nothing of a tensor that is no matrix, or has no numbers.
fn row_len(weight: &NamedTensor) -> Option<usize> {
    let [_, rest @ ..] = &weight.shape[..] else { return None };
    let len = rest.iter().product();
    (!rest.is_empty() && len > 0).then_some(len)
}

fn greatest(row: &[f32]) -> f32 {
    row.iter().fold(0.0, |greatest, value| value.abs().max(greatest))
}

/// The next number with few significant bits that is not below `scale`.
fn round_up(scale: f32) -> f32 {
    let rest = (1u32 << (24 - SCALE_BITS)) - 1;
    f32::from_bits((scale.to_bits() + rest) & !rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: [usize; 2], values: Vec<f32>) -> NamedTensor {
        NamedTensor { name: "weight".to_string(), shape: shape.to_vec(), values }
    }

    #[test]
    fn rounded_weights_are_found_again_and_lie_within_half_a_step() {
        let mut seed = 1u32;
        let mut number = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed as f32 / u32::MAX as f32 - 0.5
        };
        for power in [-26, -12, 0, 9, 30] {
            let values: Vec<f32> = (0..40 * 9).map(|_| number() * 10f32.powi(power)).collect();
            let mut weight = tensor([40, 9], values.clone());
            round_to_int8(&mut weight);
            let (whole, scales) = int8_rows(&weight).expect("exact multiples");
            for (at, (before, after)) in values.iter().zip(&weight.values).enumerate() {
                let scale = scales[at / 9];
                assert!((before - after).abs() <= 0.5001 * scale, "{before} became {after}");
                assert_eq!(f32::from(whole[at]) * scale, *after);
            }
            assert!(whole.chunks(9).all(|row| row.iter().any(|number| number.unsigned_abs() == 127)));
            let once = weight.clone();
            round_to_int8(&mut weight);
            assert_eq!(weight, once, "rounded once is rounded for good");
        }
    }

    #[test]
    fn rows_of_nothing_are_zeros_and_other_weights_are_told_apart() {
        let mut weight = tensor([3, 2], vec![0.0, -0.0, 1e-38, -1e-39, 2.54, -0.02]);
        round_to_int8(&mut weight);
        assert_eq!(int8_rows(&weight).expect("rounded").0, [0, 0, 0, 0, 127, -1]);
        assert!(int8_rows(&tensor([1, 2], vec![1.0, 0.3])).is_none());
        let bias = NamedTensor { name: "bias".to_string(), shape: vec![2], values: vec![1.0, 2.0] };
        assert!(int8_rows(&bias).is_none(), "a bias is no matrix");
    }

    #[test]
    fn weights_of_any_values_are_rounded_on_the_way() {
        let (whole, scales) = nearest_int8_rows(&tensor([1, 3], vec![1.0, 0.3, -0.52]));
        assert_eq!(whole, [127, 38, -66]);
        assert!((scales[0] - 1.0 / 127.0).abs() < 1e-6);
    }
}
