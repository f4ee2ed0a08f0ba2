//! The loss and the accuracy of an epoch so far, without waiting for the device more often than it pays.

use burn::tensor::{Int, Tensor};
use fireclay_nn::{DenseLoss, Loss, Outputs, Target, batch_loss};

use crate::run::Sums;
use crate::upload::Weights;

/// Sums over the steps of an epoch. Values stay on the device until [`due`](Self::due) says that it is time to read
/// them: at every step on a CPU, where that costs nothing, and rarely on a GPU, where it stalls the queue.
pub(crate) struct TrainingSums {
    sums: Sums,
    pending: Vec<Pending>,
    interval: usize,
}

struct Pending {
    /// The mean loss of the step, `[1]`.
    loss: Tensor<1>,
    /// How many samples of the step were right; for classifiers.
    correct: Option<Correct>,
    /// Rows of the output that count: samples, or tokens where the next ones are predicted.
    samples: u64,
    /// Their weight, where they have weights.
    weight: Option<f64>,
}

/// How many predictions were right.
#[allow(clippy::large_enum_variant, reason = "a few are held at a time")]
enum Correct {
    /// Not read yet, `[1]`.
    OnDevice(Tensor<1, Int>),
    /// Counted where reading costs nothing.
    Counted(u64),
}

/// The mean loss of a step, and what tells how many of its answers are right.
pub(crate) struct BatchLoss {
    /// `[1]`
    pub(crate) loss: Tensor<1>,
    pub(crate) answers: Answers,
}

/// What tells how many answers of a step are right.
pub(crate) enum Answers {
    /// The outputs.
    Outputs(Tensor<2>),
    /// The loss, which has counted them, of so many rows.
    Counted { correct: Tensor<1, Int>, rows: usize },
}

impl BatchLoss {
    /// Has the loss run the last layer, where the network leaves it and the loss can.
    pub(crate) fn new(loss: &dyn Loss, outputs: Outputs, target: &Target, weights: Option<&Weights>) -> Self {
        if let (Outputs::Dense { input, weight, bias }, Target::Classes(_), None) =
            (&outputs, target, weights)
        {
            let [rows, _] = input.dims();
            let found = loss.mean_of_dense(input.clone(), weight.clone(), bias.clone(), target);
            if let Some(DenseLoss { mean, correct }) = found {
                return BatchLoss { loss: mean, answers: Answers::Counted { correct, rows } };
            }
        }
        let outputs = outputs.compute();
        let weights = weights.map(|weights| &weights.tensor);
        let loss = batch_loss(loss, outputs.clone(), target, weights);
        BatchLoss { loss, answers: Answers::Outputs(outputs) }
    }
}

/// Whether the greatest value of a row, the first of equal ones, is that of a class.
pub(crate) fn is_first_greatest(row: &[f32], class: usize) -> bool {
    // Wide rows, as of a vocabulary, are left at the first value that is greater.
    let Some((own, after)) = row[class.min(row.len())..].split_first() else { return false };
    row[..class].iter().all(|value| value < own) && after.iter().all(|value| value <= own)
}

/// Counts the rows whose greatest value, the first of equal ones, is that of their class; those of weight 0 do not count.
fn count_correct(output: Tensor<2>, classes: &Tensor<1, Int>, weights: Option<&Weights>) -> u64 {
    let [_, width] = output.dims();
    let (output, classes) = (output.into_data().convert::<f32>(), classes.clone().into_data());
    let values = output.as_slice::<f32>().expect("converted above");
    let rows = values.chunks_exact(width.max(1)).zip(classes.iter::<i64>());
    let right = rows.map(|(row, class)| is_first_greatest(row, class as usize));
    match weights {
        None => right.filter(|right| *right).count() as u64,
        Some(weights) => {
            let weights = weights.tensor.clone().inner().into_data();
            right.zip(weights.iter::<f32>()).filter(|(right, weight)| *right && *weight > 0.0).count() as u64
        }
    }
}

impl TrainingSums {
    pub(crate) fn new(sums: Sums, interval: usize) -> Self {
        TrainingSums { sums, pending: Vec::new(), interval }
    }

    /// Adds a step. `answers` and `target` are the step's, `loss` its mean loss.
    pub(crate) fn add(
        &mut self,
        loss: &Tensor<1>,
        answers: Answers,
        target: &Target,
        weights: Option<&Weights>,
    ) {
        let (rows, correct) = match answers {
            Answers::Counted { correct, rows } => (rows, Some(Correct::OnDevice(correct))),
            Answers::Outputs(outputs) => {
                let [rows, _] = outputs.dims();
                (rows, self.correct(outputs.inner(), target, weights))
            }
        };
        self.pending.push(Pending {
            loss: loss.clone().inner(),
            correct,
            samples: weights.map_or(rows as u64, |weights| weights.rows),
            weight: weights.map(|weights| weights.total),
        });
    }

    /// How many rows of the output are right, for classifiers.
    fn correct(&self, output: Tensor<2>, target: &Target, weights: Option<&Weights>) -> Option<Correct> {
        // A sample that is mixed from two counts for the class of which it has more.
        let classes = match target {
            Target::Classes(classes) | Target::ClassesWithLogits { classes, .. } => Some(classes),
            Target::MixedClasses { classes, share, .. } if *share >= 0.5 => Some(classes),
            Target::MixedClasses { partners, .. } => Some(partners),
            Target::Values(_) => None,
        };
        classes.map(|classes| match self.interval {
            1 => Correct::Counted(count_correct(output, &classes.clone().inner(), weights)),
            _ => {
                let predicted = output.argmax(1).squeeze_dim::<1>(1);
                let mut right = predicted.equal(classes.clone().inner()).int();
                if let Some(weights) = weights {
                    right = right * weights.tensor.clone().inner().greater_elem(0.0).int();
                }
                Correct::OnDevice(right.sum())
            }
        })
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
        let (mut counted, mut on_device, mut counts) = (0, Vec::new(), false);
        for correct in pending.iter().filter_map(|step| step.correct.as_ref()) {
            counts = true;
            match correct {
                Correct::Counted(correct) => counted += correct,
                Correct::OnDevice(correct) => on_device.push(correct.clone()),
            }
        }
        if !on_device.is_empty() {
            counted += Tensor::cat(on_device, 0).into_data().iter::<i64>().sum::<i64>() as u64;
        }
        let steps = pending.len();
        for (index, (step, loss)) in pending.iter().zip(losses).enumerate() {
            let loss = f64::from(loss);
            if !loss.is_finite() {
                return Err((loss, steps - 1 - index));
            }
            self.sums.loss += loss * step.weight.unwrap_or(step.samples as f64);
            self.sums.samples += step.samples;
            if let Some(weight) = step.weight {
                self.sums.weight = Some(self.sums.weight.unwrap_or(0.0) + weight);
            }
        }
        self.sums.correct += counted;
        self.sums.counts_correct |= counts;
        Ok(())
    }

    /// Adds what was measured in a step elsewhere.
    pub(crate) fn take_in(&mut self, step: &Sums) {
        self.sums.loss += step.loss;
        self.sums.samples += step.samples;
        self.sums.correct += step.correct;
        self.sums.counts_correct |= step.counts_correct;
        if let Some(weight) = step.weight {
            self.sums.weight = Some(self.sums.weight.unwrap_or(0.0) + weight);
        }
    }

    pub(crate) fn sums(&self) -> &Sums {
        &self.sums
    }
}
