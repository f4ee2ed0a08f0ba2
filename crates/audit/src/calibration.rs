//! Whether probabilities are what they say, and what makes them so.

use fireclay_nn::LayerKind;
use fireclay_store::ModelFile;
use fireclay_train::argmax;

use crate::{Answers, AuditError, share_interval};

/// Bins of equal width that confidences are sorted into.
const BINS: usize = 15;

/// How far probabilities lie from shares of right answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Samples by their confidence; bins without samples are left out.
    pub bins: Vec<CalibrationBin>,
    /// What that comes to.
    pub scores: CalibrationScores,
}

/// Samples whose predicted class has about the same probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Above which confidence, and up to which.
    pub range: [f64; 2],
    /// How many samples.
    pub samples: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// How many of them are right, as a share.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
}

/// Calibration in three numbers, the lower the better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationScores {
    /// By how much confidence and accuracy of a bin differ, on the average of all samples
    /// ([Naeini et al. 2015](https://doi.org/10.1609/aaai.v29i1.9602)), from 0 to 1.
    pub expected_calibration_error: f64,
    /// The mean of the negative logarithm of the right class's probability.
    pub log_loss: f64,
    /// The mean squared distance of all probabilities from 1 for the right class and 0 for the others
    /// ([Brier 1950](https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2)), from 0 to 2.
    pub brier: f64,
}

impl Calibration {
    /// Measures answers whose logits are divided by a temperature first; 1 leaves them as they are. `None` without samples.
    pub fn of(answers: &Answers, temperature: f64) -> Option<Self> {
        #[derive(Clone, Copy, Default)]
        struct Sums {
            samples: usize,
            confidence: f64,
            right: usize,
        }
        let mut bins = [Sums::default(); BINS];
        let mut brier = 0.0;
        for (row, label) in answers.probabilities(temperature) {
            let class = argmax(&row);
            let confidence = f64::from(row[class]);
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let bin = &mut bins[bin];
            bin.samples += 1;
            bin.confidence += confidence;
            bin.right += usize::from(class == label);
            let distance =
                |(class, p): (usize, &f32)| (f64::from(*p) - f64::from(u8::from(class == label))).powi(2);
            brier += row.iter().enumerate().map(distance).sum::<f64>();
        }
        let all = answers.len();
        if all == 0 {
            return None;
        }
        let gaps = bins.iter().map(|bin| (bin.right as f64 - bin.confidence).abs()).sum::<f64>();
        let bins = bins.iter().enumerate().filter(|(_, bin)| bin.samples > 0).map(|(index, bin)| {
            let edge = |index: usize| index as f64 / BINS as f64;
            CalibrationBin {
                range: [edge(index), edge(index + 1)],
                samples: bin.samples,
                confidence: bin.confidence / bin.samples as f64,
                accuracy: bin.right as f64 / bin.samples as f64,
                interval: share_interval(bin.right, bin.samples),
            }
        });
        Some(Calibration {
            bins: bins.collect(),
            scores: CalibrationScores {
                expected_calibration_error: gaps / all as f64,
                log_loss: log_loss(answers, temperature),
                brier: brier / all as f64,
            },
        })
    }
}

/// By how much logits are divided so that probabilities fit ([Guo et al. 2017](https://arxiv.org/abs/1706.04599)): above 1 for a model that is
/// too sure. Which class is the most probable does not change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature(pub f64);

impl Temperature {
    /// The one that gives the least log loss, from 0.01 to 100, which the loss has one of. `None` without samples, and where the loss falls up to an
    /// end of that range, as it does where all answers are right.
    ///
    /// ```
    /// use fireclay_audit::{Answers, Temperature};
    ///
    /// // Always as sure as 0.95, and right in 7 of 10: log(0.95 / 0.05) is 2.94, log(0.7 / 0.3) is 0.85.
    /// let labels = (0..10).map(|sample| u32::from(sample < 7)).collect();
    /// let answers = Answers::new([0.0, (0.95f32 / 0.05).ln()].repeat(10), labels, 2)?;
    /// let Temperature(found) = Temperature::fit(&answers).unwrap();
    /// assert!((found - 2.944 / 0.847).abs() < 0.01);
    /// # Ok::<(), fireclay_audit::AuditError>(())
    /// ```
    pub fn fit(answers: &Answers) -> Option<Self> {
        if answers.is_empty() {
            return None;
        }
        // The loss is convex in one over the temperature, so that it falls and then rises in its logarithm too: golden section.
        let golden = (5f64.sqrt() - 1.0) / 2.0;
        let (mut low, mut high) = (0.01f64.ln(), 100f64.ln());
        let at = |place: f64| log_loss(answers, place.exp());
        let (mut left, mut right) = (high - golden * (high - low), low + golden * (high - low));
        let (mut of_left, mut of_right) = (at(left), at(right));
        while high - low > 1e-6 {
            if of_left <= of_right {
                (high, right, of_right) = (right, left, of_left);
                left = high - golden * (high - low);
                of_left = at(left);
            } else {
                (low, left, of_left) = (left, right, of_right);
                right = low + golden * (high - low);
                of_right = at(right);
            }
        }
        let found = ((low + high) / 2.0).exp();
        (0.011..91.0).contains(&found).then_some(Temperature(found))
    }

    /// Whether it can be put into a model.
    ///
    /// # Errors
    /// [`AuditError::NoLogits`] unless a dense layer in `f32` comes last.
    pub fn check(file: &ModelFile) -> Result<(), AuditError> {
        last_dense(file).map(|_| ())
    }

    /// Puts it into a model: the weights of the last layer are divided by it, so that the model's probabilities are calibrated wherever
    /// it goes. The threshold of two classes moves with it, so that answers stay; the distribution of confidences that the file keeps is dropped.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn apply(self, mut file: ModelFile) -> Result<ModelFile, AuditError> {
        let Temperature(temperature) = self;
        let last = last_dense(&file)?;
        let of_last = [format!("{last}.weight"), format!("{last}.bias")];
        for tensor in file.tensors.iter_mut().filter(|tensor| of_last.contains(&tensor.name)) {
            tensor.values.iter_mut().for_each(|value| *value = (f64::from(*value) / temperature) as f32);
        }
        if let Some(threshold) = file.card.threshold.as_mut() {
            let odds = (*threshold / (1.0 - *threshold)).ln() / temperature;
            *threshold = 1.0 / (1.0 + (-odds).exp());
        }
        if let Some(reference) = file.card.reference.as_mut() {
            reference.predictions = None;
        }
        Ok(file)
    }
}

/// The name of the dense layer that gives the logits.
fn last_dense(file: &ModelFile) -> Result<String, AuditError> {
    let layers = file.card.spec.placed_layers()?;
    match layers.last() {
        None => Err(AuditError::NoLogits { layer: "none".into() }),
        Some(last) if !matches!(last.kind, LayerKind::Dense(_)) || file.card.spec.int8.is_some() => {
            Err(AuditError::NoLogits { layer: last.name.clone() })
        }
        Some(last) => Ok(last.name.clone()),
    }
}

fn log_loss(answers: &Answers, temperature: f64) -> f64 {
    let of = |(row, label): (&[f32], usize)| {
        let scaled = || row.iter().map(|logit| f64::from(*logit) / temperature);
        let greatest = scaled().fold(f64::NEG_INFINITY, f64::max);
        greatest + scaled().map(|logit| (logit - greatest).exp()).sum::<f64>().ln()
            - f64::from(row[label]) / temperature
    };
    answers.rows().map(of).sum::<f64>() / answers.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By scikit-learn 1.9 (`log_loss`), NumPy (the Brier score of several classes) and hand (bins).
    #[test]
    fn scores_are_those_of_the_definitions() {
        let probabilities: [[f32; 3]; 4] =
            [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]];
        let logits = probabilities.iter().flatten().map(|p| p.ln()).collect();
        let answers = Answers::new(logits, vec![0, 1, 1, 2], 3).unwrap();
        let Calibration { bins, scores } = Calibration::of(&answers, 1.0).unwrap();
        assert!((scores.log_loss - (0.7f64.ln() + 0.8f64.ln() + 2.0 * 0.3f64.ln()) / -4.0).abs() < 1e-6);
        let brier = (0.14 + 0.06 + (0.09 + 0.49 + 0.16) + (0.04 + 0.25 + 0.49)) / 4.0;
        assert!((scores.brier - brier).abs() < 1e-6, "{}", scores.brier);
        // Confidences 0.7 and 0.8 are right, 0.4 and 0.5 wrong, each in a bin of its own.
        let gaps = (0.3 + 0.2 + 0.4 + 0.5) / 4.0;
        assert!((scores.expected_calibration_error - gaps).abs() < 1e-6);
        assert_eq!(bins.iter().map(|bin| bin.samples).sum::<usize>(), 4);
        assert!(bins.is_sorted_by_key(|bin| bin.range[0]));
    }

    #[test]
    fn the_temperature_gives_the_least_loss_and_keeps_the_answers() {
        let logits: Vec<f32> = (0..300).map(|i| ((i * 37 % 101) as f32 - 50.0) / 5.0).collect();
        // Nine in ten are as the logits say.
        let labels = (0..100).map(|i| match logits[3 * i..][..3].iter().enumerate() {
            row if i % 10 > 0 => row.max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0 as u32,
            _ => i as u32 % 3,
        });
        let answers = Answers::new(logits.clone(), labels.collect(), 3).unwrap();
        let Temperature(found) = Temperature::fit(&answers).unwrap();
        let loss = |temperature| log_loss(&answers, temperature);
        for factor in [0.9, 0.99, 1.01, 1.1] {
            assert!(loss(found) <= loss(found * factor) + 1e-9, "{found} {factor}");
        }
        let mended = Calibration::of(&answers, found).unwrap().scores;
        assert!((0.1..10.0).contains(&found), "{found}");
        // Where all are right there is none.
        let sure = Answers::new([0.0, 1.0].repeat(50), vec![1; 50], 2).unwrap();
        assert_eq!(Temperature::fit(&sure), None);
        assert!(mended.log_loss < Calibration::of(&answers, 1.0).unwrap().scores.log_loss);
    }
}
