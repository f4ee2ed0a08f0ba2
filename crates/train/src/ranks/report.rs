//! What the ranks tell each other of a step, before their gradients are averaged.

use super::Ranks;
use crate::error::TrainError;
use crate::run::Sums;

/// A step on one rank, or on all of them together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StepReport {
    /// What was measured.
    pub(crate) sums: Sums,
    /// The parts of the step's batches.
    pub(crate) batches: Vec<PartReport>,
    /// Samples.
    pub(crate) samples: u64,
    /// Ranks whose loss is not finite.
    pub(crate) not_finite: u64,
}

/// A batch, or a part of one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PartReport {
    /// The mean loss.
    pub(crate) loss: f64,
    /// How much the targets count together in the mean.
    pub(crate) counted: f64,
    /// How much they count together in what is reported, where classes have no weights.
    pub(crate) reported: f64,
}

impl StepReport {
    /// How much all targets count together.
    pub(crate) fn counted(&self) -> f64 {
        self.batches.iter().map(|batch| batch.counted).sum()
    }
}

impl Ranks {
    /// The step of all ranks together, of at most so many batches.
    pub(crate) fn whole_step(&self, own: &StepReport, batches: usize) -> Result<StepReport, TrainError> {
        let StepReport { sums, samples, not_finite, .. } = own;
        let flag = |is: bool| f64::from(u8::from(is));
        let mut values = vec![
            sums.correct as f64,
            sums.samples as f64,
            flag(sums.counts_correct),
            sums.weight.unwrap_or(0.0),
            flag(sums.weight.is_some()),
            *samples as f64,
            *not_finite as f64,
        ];
        let fixed = values.len();
        values.resize(fixed + 3 * batches, 0.0);
        for (place, part) in values[fixed..].chunks_exact_mut(3).zip(&own.batches) {
            place.copy_from_slice(&[part.loss * part.counted, part.counted, part.reported]);
        }
        self.group().sum_f64(&mut values)?;
        let batches: Vec<PartReport> = values[fixed..]
            .chunks_exact(3)
            .map(|sums| PartReport {
                // Targets that count for nothing have a loss of 0.
                loss: if sums[1] > 0.0 { sums[0] / sums[1] } else { 0.0 },
                counted: sums[1],
                reported: sums[2],
            })
            .collect();
        Ok(StepReport {
            sums: Sums {
                loss: batches.iter().map(|batch| batch.loss * batch.reported).sum(),
                correct: values[0] as u64,
                samples: values[1] as u64,
                counts_correct: values[2] > 0.0,
                weight: (values[4] > 0.0).then_some(values[3]),
            },
            batches,
            samples: values[5] as u64,
            not_finite: values[6] as u64,
        })
    }
}
