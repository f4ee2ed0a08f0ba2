//! The network before the first step: what it gives, and what that costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fireclay_data::{Batch, Pass, Source};
use fireclay_nn::{Network, TargetType, batch_loss};

use super::InitialLoss;
use super::without_dropout::without_dropout;
use crate::constant::ConstantAnswer;
use crate::error::TrainError;
use crate::options::FitOptions;
use crate::trainer::Trainer;
use crate::upload::{Uploaded, check_batch, rows_per_sample, upload};

/// Samples that the loss is measured on: its mean is then known to some per cent.
const SAMPLES: usize = 512;

/// Samples of one forward pass, and numbers in its outputs.
const BATCH: usize = 64;
const OUTPUTS: usize = 1 << 22;

/// What was found.
pub(super) struct Untrained {
    /// `[rows, outputs]` of a batch as the options say.
    pub(super) outputs: [usize; 2],
    pub(super) not_finite: Option<String>,
    pub(super) loss: InitialLoss,
    /// Time of the forward pass for one sample of a batch.
    pub(super) of_sample: Duration,
}

/// Measures the loss as training sees it, batch norm by the statistics of the batch, but without dropout and augmentation.
/// `of_one` is the time that one sample took by itself.
pub(super) fn measure<N: Network>(
    trainer: &Trainer<N>,
    network: &N,
    train: &Arc<dyn Source>,
    options: &FitOptions,
    of_one: Duration,
    limit: Duration,
) -> Result<Untrained, TrainError> {
    let clock = Instant::now();
    let network = without_dropout(network.valid()).train();
    let mut order = train.order(Pass { seed: options.seed, epoch: 1 }, options.batch_size);
    order.truncate(SAMPLES);
    let mut constant = ConstantAnswer::new(train.target_kind());
    let (mut sums, mut guessed, mut rows, mut samples) = (0.0, 0.0, 0.0, 0);
    let (mut width, mut not_finite) = (0, None);
    let mut batch_size = fitting(of_one, limit / 4).min(BATCH).min(options.batch_size);
    let mut left = order.as_slice();
    let guesses = is_guessed(trainer);
    while !left.is_empty() && (samples == 0 || clock.elapsed() < limit) {
        let (now, later) = left.split_at(batch_size.min(left.len()));
        left = later;
        let mut batch = Batch::default();
        train.gather(now, &mut batch)?;
        check_batch(&batch, &**train, trainer.loss.targets())?;
        constant.add(&batch.targets);
        let Uploaded { input, target, weights } = upload(batch, &**train, &trainer.device).record_gradients();
        let outputs = network.forward(input.clone());
        let [found, of_row] = outputs.dims();
        width = of_row;
        let mean = |outputs| {
            let weights = weights.as_ref().map(|weights| &weights.tensor);
            f64::from(batch_loss(&*trainer.loss, outputs, &target, weights).inner().into_scalar::<f32>())
        };
        let counted = weights.as_ref().map_or(found as f64, |weights| weights.total);
        let loss = mean(outputs.clone());
        let values = outputs.clone().inner().into_data();
        if not_finite.is_none() && values.iter::<f32>().any(|value| !value.is_finite()) {
            not_finite = Some(network.first_not_finite(input).unwrap_or_else(|| "the network".into()));
        }
        sums += counted * loss;
        if guesses {
            guessed += counted * mean(outputs.zeros_like());
        }
        rows += counted;
        samples += now.len();
        batch_size = batch_size.min((OUTPUTS / (found * of_row / now.len().max(1)).max(1)).max(1));
    }
    let share = |sum: f64| if rows > 0.0 { sum / rows } else { 0.0 };
    Ok(Untrained {
        outputs: [options.batch_size.min(train.len()) * rows_per_sample(&**train), width],
        not_finite,
        loss: InitialLoss {
            samples,
            measured: share(sums),
            guessing: guesses.then(|| share(guessed)),
            constant: constant.loss(&*trainer.loss, &trainer.device),
        },
        of_sample: clock.elapsed() / samples.max(1) as u32,
    })
}

/// Whether outputs of 0 are equal probabilities.
fn is_guessed<N: Network>(trainer: &Trainer<N>) -> bool {
    let takes_logits = matches!(trainer.loss.targets(), TargetType::Classes | TargetType::Probabilities);
    trainer.loss.built_in().is_some() && takes_logits
}

/// How many samples go into a time, 1 at least.
pub(super) fn fitting(of_sample: Duration, time: Duration) -> usize {
    ((time.as_secs_f64() / of_sample.as_secs_f64().max(1e-9)) as usize).max(1)
}
