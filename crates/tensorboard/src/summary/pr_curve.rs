//! Precision–recall curves.

use crate::TensorboardError;
use crate::proto::{PrCurveContent, Tensor};

/// As many as TensorBoard's own curves have; probabilities of two decimals and a half fall on them.
const THRESHOLDS: usize = 201;

/// The plugin's data in the metadata.
pub fn content() -> Vec<u8> {
    prost::Message::encode_to_vec(&PrCurveContent { num_thresholds: THRESHOLDS as u32 })
}

/// Rows of true positives, false positives, true negatives, false negatives, precision and recall, by threshold.
pub fn tensor(tag: &str, labels: &[bool], probabilities: &[f32]) -> Result<Tensor, TensorboardError> {
    if labels.len() != probabilities.len() {
        let (labels, probabilities) = (labels.len(), probabilities.len());
        return Err(TensorboardError::Lengths { tag: tag.to_owned(), labels, probabilities });
    }
    // How many samples of each class have which threshold as the largest that they reach.
    let mut reached = [[0_u64; THRESHOLDS]; 2];
    for (index, (label, probability)) in labels.iter().zip(probabilities).enumerate() {
        if !(0.0..=1.0).contains(probability) {
            return Err(TensorboardError::Probability { tag: tag.to_owned(), index, found: *probability });
        }
        reached[usize::from(*label)][(probability * (THRESHOLDS - 1) as f32) as usize] += 1;
    }
    let [false_positives, true_positives] = reached.map(|counts| {
        let mut sums = counts;
        for threshold in (0..THRESHOLDS - 1).rev() {
            sums[threshold] += sums[threshold + 1];
        }
        sums
    });
    let quotient = |part: u64, rest: u64| part as f64 / ((part + rest) as f64).max(1e-7);
    let column = |threshold: usize| {
        let (tp, fp) = (true_positives[threshold], false_positives[threshold]);
        let (tn, fn_) = (false_positives[0] - fp, true_positives[0] - tp);
        [tp as f64, fp as f64, tn as f64, fn_ as f64, quotient(tp, fp), quotient(tp, fn_)]
    };
    let columns: Vec<[f64; 6]> = (0..THRESHOLDS).map(column).collect();
    let row = |row: usize| columns.iter().map(move |column| column[row] as f32);
    Ok(Tensor::of_f32(&[6, THRESHOLDS as i64], (0..6).flat_map(row)))
}

#[cfg(test)]
mod tests {
    use crate::Summary;

    #[test]
    fn what_is_no_probability_is_refused() {
        let message = |labels: &[bool], probabilities: &[f32]| {
            Summary::pr_curve("curve", labels, probabilities).map_err(|error| error.to_string())
        };
        assert!(message(&[true, false, false], &[0.0, 1.0, -0.0]).is_ok());
        let lengths = message(&[true], &[]).unwrap_err();
        assert!(lengths.contains("1 labels and 0 probabilities"), "{lengths}");
        for (wrong, text) in [(1.5, "1.5"), (-0.1, "-0.1"), (f32::NAN, "NaN")] {
            let message = message(&[true, false], &[0.5, wrong]).unwrap_err();
            assert!(message.contains("probability 1") && message.contains(text), "{message}");
        }
    }
}
