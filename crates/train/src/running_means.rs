//! The loss and the accuracy of an epoch so far, without waiting for the device more often than it pays.

use burn::tensor::{Int, Tensor};
use fireclay_nn::Target;

use crate::checkpoint::Sums;

/// Sums over the steps of an epoch. Values stay on the device until [`due`](Self::due) says that it is time to read
/// them: at every step on a CPU, where that costs nothing, and rarely on a GPU, where it stalls the queue.
pub(crate) struct RunningMeans {
    sums: Sums,
    pending: Vec<Pending>,
    interval: usize,
}

struct Pending {
    /// The mean loss of the step, `[1]`.
    loss: Tensor<1>,
    /// How many samples of the step were right, `[1]`; for classifiers.
    correct: Option<Tensor<1, Int>>,
    samples: u64,
}

impl RunningMeans {
    pub(crate) fn new(sums: Sums, interval: usize) -> Self {
        RunningMeans { sums, pending: Vec::new(), interval }
    }

    /// Adds a step. `output` and `target` are the step's, `loss` its mean loss.
    pub(crate) fn add(&mut self, loss: &Tensor<1>, output: Tensor<2>, target: &Target) {
        let output = output.inner();
        let [samples, _] = output.dims();
        let correct = match target {
            Target::Classes(classes) => {
                let predicted = output.argmax(1).squeeze_dim::<1>(1);
                Some(predicted.equal(classes.clone().inner()).int().sum())
            }
            Target::Values(_) => None,
        };
        self.pending.push(Pending { loss: loss.clone().inner(), correct, samples: samples as u64 });
    }

    /// Whether it is time to read.
    pub(crate) fn due(&self) -> bool {
        self.pending.len() >= self.interval
    }

    /// Reads what is pending, all in one transfer. The first loss that is not finite comes back as an error, with the
    /// number of steps after it.
    pub(crate) fn read(&mut self) -> Result<(), (f64, usize)> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let losses = pending.iter().map(|step| step.loss.clone()).collect();
        let losses: Vec<f32> = Tensor::cat(losses, 0).into_data().iter::<f32>().collect();
        let correct: Vec<Tensor<1, Int>> = pending.iter().filter_map(|step| step.correct.clone()).collect();
        let correct: Vec<i64> = match correct.is_empty() {
            true => Vec::new(),
            false => Tensor::cat(correct, 0).into_data().iter::<i64>().collect(),
        };
        let steps = pending.len();
        for (index, (step, loss)) in pending.iter().zip(losses).enumerate() {
            let loss = f64::from(loss);
            if !loss.is_finite() {
                return Err((loss, steps - 1 - index));
            }
            self.sums.loss += loss * step.samples as f64;
            self.sums.samples += step.samples;
        }
        self.sums.correct += correct.iter().sum::<i64>() as u64;
        self.sums.counts_correct |= !correct.is_empty();
        Ok(())
    }

    pub(crate) fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Mean loss over the samples read so far.
    pub(crate) fn loss(&self) -> Option<f64> {
        (self.sums.samples > 0).then(|| self.sums.loss / self.sums.samples as f64)
    }

    /// Share of right predictions over the samples read so far, for classifiers.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        let counted = self.sums.counts_correct && self.sums.samples > 0;
        counted.then(|| self.sums.correct as f64 / self.sums.samples as f64)
    }
}
