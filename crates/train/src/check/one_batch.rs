//! One batch that must be learnt by heart: a network that cannot do that learns nothing from more.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fireclay_data::{Batch, BatchFeatures, BatchTargets, Pass, Source, TargetKind};
use fireclay_nn::{BuiltInLoss, Loss, Network, batch_loss};

use super::fixed_batch::FixedBatch;
use super::time::Pace;
use super::untrained::fitting;
use super::without_dropout::without_dropout;
use super::{OneBatch, OneBatchVerdict};
use crate::callback::callback_fn;
use crate::constant::ConstantAnswer;
use crate::error::TrainError;
use crate::event::Event;
use crate::options::FitOptions;
use crate::schedule::{BuiltInSchedule, schedule_fn};
use crate::trainer::Trainer;
use crate::upload::{Uploaded, rows_per_sample, upload};

/// Samples of the batch, and rows of its outputs.
const SAMPLES: usize = 32;
const ROWS: usize = 1_024;

/// The most steps, and the fewest that tell something.
const STEPS: usize = 400;
const FEWEST: usize = 25;

/// In this part of the steps the learning rate rises, as some networks need it.
const WARM_UP: f64 = 0.05;

/// What may be left of the loss of a constant answer where the batch is known by heart, and where steps end before their time.
const LEARNT: f64 = 0.1;
const KNOWN: f64 = 0.05;

/// A loss that is less than this part of the one some steps before still falls.
const FALLING: f64 = 0.98;

/// Learns a batch by heart on a copy of the network, and where that does not go well once more at a tenth of the learning rate.
pub(super) fn learn<N: Network>(
    trainer: &Trainer<N>,
    network: &N,
    train: &Arc<dyn Source>,
    options: &FitOptions,
    pace: &Pace,
    limit: Duration,
) -> Result<OneBatch, TrainError> {
    let most = fitting(pace.of_sample, limit / (2 * FEWEST as u32)).max(2);
    let samples =
        SAMPLES.min(ROWS.div_ceil(rows_per_sample(&**train).max(1))).max(2).min(most).min(train.len());
    let indices = different(train, options, samples)?;
    let fixed = FixedBatch::new(train, &indices, STEPS)?;
    let range = Range::of(trainer, network, &fixed);
    let clock = Instant::now();
    let first = attempt(trainer, network, &fixed, options, &range, 1.0, limit / 2)?;
    let went_well = !matches!(first.verdict, OneBatchVerdict::Stuck | OneBatchVerdict::Diverged);
    if went_well {
        return Ok(first);
    }
    let left = limit.saturating_sub(clock.elapsed()).min(limit / 2);
    let second = attempt(trainer, network, &fixed, options, &range, 0.1, left)?;
    Ok(match second.verdict {
        OneBatchVerdict::Learnt | OneBatchVerdict::Falling | OneBatchVerdict::Diverged => second,
        _ => first,
    })
}

/// Steps on the batch at a constant share of the learning rate.
fn attempt<N: Network>(
    trainer: &Trainer<N>,
    network: &N,
    fixed: &FixedBatch,
    options: &FitOptions,
    range: &Range,
    scale: f64,
    limit: Duration,
) -> Result<OneBatch, TrainError> {
    let options = FitOptions {
        epochs: 1,
        batch_size: fixed.batch().len(),
        accumulate: 1,
        averaging: None,
        validation_split: 0.0,
        schedule: BuiltInSchedule::default(),
        warm_up: WARM_UP,
        // A private training is not to learn anything by heart.
        privacy: None,
        // Nor what is changed anew each time.
        adversarial: None,
        ..options.clone()
    };
    let losses = Arc::new(Mutex::new(Vec::new()));
    let (log, clock, end) = (losses.clone(), Instant::now(), range.below(KNOWN));
    let watch = callback_fn("one_batch", move |event, context| {
        if let Event::StepEnded { step, step_loss, .. } = event {
            let mut losses = log.lock().unwrap_or_else(PoisonError::into_inner);
            losses.extend(step_loss.map(|loss| (*step, loss)));
            if step_loss.is_some_and(|loss| loss <= end) || clock.elapsed() >= limit {
                context.interrupt();
            }
        }
        Ok(())
    });
    let mut copy = trainer.copy(without_dropout(network.valid()));
    copy.schedule = Some(Arc::new(schedule_fn("constant", move |_| scale)));
    copy.callbacks.push(Box::new(watch));
    let diverged = match copy.fit(fixed, &options) {
        Ok(_) => false,
        Err(TrainError::NotFinite { .. }) => true,
        Err(error) => return Err(error),
    };
    let losses = losses.lock().unwrap_or_else(PoisonError::into_inner);
    let (steps, last_loss) = losses.last().copied().unwrap_or((0, range.first));
    let verdict = match diverged {
        true => OneBatchVerdict::Diverged,
        false => range.verdict(&losses),
    };
    Ok(OneBatch {
        samples: fixed.batch().len(),
        steps,
        first_loss: range.first,
        last_loss,
        learning_rate_scale: scale,
        verdict,
    })
}

/// Samples whose inputs differ, as far as there are some: equal ones with different targets cannot be learnt by heart.
fn different(train: &Arc<dyn Source>, options: &FitOptions, samples: usize) -> Result<Vec<u32>, TrainError> {
    let mut candidates = train.order(Pass { seed: options.seed, epoch: 1 }, samples);
    candidates.truncate(4 * samples);
    let mut batch = Batch::default();
    train.gather(&candidates, &mut batch)?;
    let bits: Vec<u32> = match &batch.features {
        BatchFeatures::Values(values) => values.iter().map(|value| value.to_bits()).collect(),
        BatchFeatures::Tokens(tokens) => tokens.iter().map(|token| *token as u32).collect(),
    };
    let width = (bits.len() / candidates.len().max(1)).max(1);
    let mut known = HashSet::new();
    let is_new = batch.other_inputs.is_empty();
    let new = candidates.iter().zip(bits.chunks(width)).filter(|(_, row)| known.insert(*row) || !is_new);
    let new: Vec<u32> = new.map(|(index, _)| *index).take(samples).collect();
    Ok(if new.len() >= 2 { new } else { candidates.into_iter().take(samples).collect() })
}

/// Between which losses a batch is learnt.
struct Range {
    /// Before the first step.
    first: f64,
    /// Of knowing nothing of the inputs.
    ignorant: f64,
    /// The least that can be reached.
    floor: f64,
}

impl Range {
    fn of<N: Network>(trainer: &Trainer<N>, network: &N, fixed: &FixedBatch) -> Self {
        let batch = fixed.batch();
        let mut constant = ConstantAnswer::new(fixed.target_kind());
        constant.add(&batch.targets);
        let floor = floor(&*trainer.loss, fixed.target_kind(), &batch.targets);
        let constant = constant.loss(&*trainer.loss, &trainer.device);
        let network = without_dropout(network.valid()).train();
        let Uploaded { input, target, weights } =
            upload(batch.clone(), fixed, &trainer.device).record_gradients();
        let weights = weights.as_ref().map(|weights| &weights.tensor);
        let loss = batch_loss(&*trainer.loss, network.forward(input), &target, weights);
        let first = f64::from(loss.inner().into_scalar::<f32>());
        // Where all targets are alike a constant answer is all there is to learn.
        let tells = |constant: &f64| *constant - floor > KNOWN * (first - floor);
        Range { first, ignorant: constant.filter(tells).unwrap_or(first), floor }
    }

    /// The loss at which so much is left of what there is to learn.
    fn below(&self, left: f64) -> f64 {
        self.floor + left * (self.ignorant - self.floor).max(0.0)
    }

    fn verdict(&self, losses: &[(usize, f64)]) -> OneBatchVerdict {
        let Some(&(steps, last)) = losses.last() else { return OneBatchVerdict::TooFewSteps };
        if last <= self.below(LEARNT) {
            return OneBatchVerdict::Learnt;
        }
        if steps < FEWEST {
            return OneBatchVerdict::TooFewSteps;
        }
        let quarter = (losses.len() / 4).max(1);
        let mean =
            |part: &[(usize, f64)]| part.iter().map(|(_, loss)| loss).sum::<f64>() / part.len().max(1) as f64;
        let (before, late) = losses.split_at(losses.len() - quarter);
        let (late, before) = (mean(late), mean(&before[before.len().saturating_sub(quarter)..]));
        let falls = late - self.floor <= FALLING * (before - self.floor);
        match falls && late < self.below(0.9).max(0.9 * self.first) {
            true => OneBatchVerdict::Falling,
            false => OneBatchVerdict::Stuck,
        }
    }
}

/// The least that a loss can be for some targets: smoothed labels and shares cannot be met exactly.
fn floor(loss: &dyn Loss, kind: TargetKind, targets: &BatchTargets) -> f64 {
    let entropy = |share: f64| if share > 0.0 { -share * share.ln() } else { 0.0 };
    match (loss.built_in(), targets) {
        (Some(BuiltInLoss::CrossEntropy(loss)), _) => {
            let classes = match kind {
                TargetKind::Classes { count } | TargetKind::StepClasses { count, .. } => count,
                TargetKind::NextTokens { vocabulary_size } => vocabulary_size,
                _ => return 0.0,
            };
            let other = f64::from(loss.label_smoothing) / classes.max(1) as f64;
            entropy(1.0 - f64::from(loss.label_smoothing) + other)
                + classes.saturating_sub(1) as f64 * entropy(other)
        }
        (
            Some(BuiltInLoss::BinaryCrossEntropy(_)),
            BatchTargets::Values { values, .. } | BatchTargets::Labels { values, .. },
        ) => {
            let each =
                values.iter().map(|value| entropy(f64::from(*value)) + entropy(1.0 - f64::from(*value)));
            each.sum::<f64>() / values.len().max(1) as f64
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use fireclay_nn::{BinaryCrossEntropyLoss, CrossEntropyLoss, MseLoss};

    use super::*;

    #[test]
    fn smoothed_labels_and_shares_have_a_least_loss() {
        let classes = BatchTargets::Classes(vec![0]);
        let kind = TargetKind::Classes { count: 4 };
        let smoothed = floor(&CrossEntropyLoss::new().label_smoothing(0.4), kind, &classes);
        let expected = -(0.7 * 0.7f64.ln() + 3.0 * 0.1 * 0.1f64.ln());
        assert!((smoothed - expected).abs() < 1e-6, "{smoothed}");
        assert_eq!(floor(&CrossEntropyLoss::new(), kind, &classes), 0.0);
        let values = BatchTargets::Values { width: 1, values: vec![0.5, 1.0] };
        let shares = floor(&BinaryCrossEntropyLoss::new(), TargetKind::Values { width: 1 }, &values);
        assert!((shares - 2f64.ln() / 2.0).abs() < 1e-9, "{shares}");
        assert_eq!(floor(&MseLoss, TargetKind::Values { width: 1 }, &values), 0.0);
    }

    #[test]
    fn a_course_of_losses_is_judged() {
        let range = Range { first: 2.4, ignorant: 2.3, floor: 0.0 };
        let course = |loss: &dyn Fn(usize) -> f64, steps: usize| {
            let losses: Vec<(usize, f64)> = (1..=steps).map(|step| (step, loss(step))).collect();
            range.verdict(&losses)
        };
        assert_eq!(course(&|step| 2.4 * 0.9f64.powi(step as i32), 40), OneBatchVerdict::Learnt);
        assert_eq!(course(&|step| 2.4 - 0.01 * step as f64, 100), OneBatchVerdict::Falling);
        assert_eq!(course(&|_| 2.3, 400), OneBatchVerdict::Stuck);
        assert_eq!(course(&|step| if step < 20 { 2.3 } else { 1.5 }, 400), OneBatchVerdict::Stuck);
        assert_eq!(course(&|_| 2.3, 10), OneBatchVerdict::TooFewSteps);
    }
}
