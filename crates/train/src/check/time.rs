//! How large steps may be that are tried, and how long the whole training would take.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fireclay_data::{Source, Subset};
use fireclay_nn::Network;

use super::untrained::fitting;
use super::{FirstSteps, TrainingTime};
use crate::error::TrainError;
use crate::evaluate::Measures;
use crate::fit::steps_of;
use crate::objective;
use crate::options::FitOptions;
use crate::trainer::Trainer;

/// A step takes about three times as long as its forward pass.
const STEP: u32 = 3;

/// Samples of the first measurement, and the most of the second.
const FEW: usize = 16;
const MANY: usize = 4_096;

/// How large the steps are that are tried: as the options say, unless one would take too long.
pub(super) struct Pace {
    pub(super) batch_size: usize,
    pub(super) accumulate: usize,
    /// Time of a step for one sample, about.
    pub(super) of_sample: Duration,
}

impl Pace {
    /// `forward` is the time of a forward pass for one sample.
    pub(super) fn new(options: &FitOptions, forward: Duration, limit: Duration) -> Self {
        let of_sample = forward * STEP;
        // Some steps must go into the part of the limit that is theirs.
        let most = fitting(of_sample, limit / 20);
        let is_small = options.batch_size.saturating_mul(options.accumulate) <= most;
        Pace {
            batch_size: options.batch_size.min(most.max(2)),
            accumulate: if is_small { options.accumulate } else { 1 },
            of_sample,
        }
    }
}

/// How long the training would take, by what its first steps and a measurement took.
pub(super) fn estimate<N: Network>(
    trainer: &Trainer<N>,
    network: &N,
    train: &Arc<dyn Source>,
    validation: Option<&Arc<dyn Source>>,
    options: &FitOptions,
    first: &FirstSteps,
    limit: Duration,
) -> Result<TrainingTime, TrainError> {
    let of_step = options.batch_size.saturating_mul(options.accumulate).min(train.len());
    let batch_size = NonZeroUsize::new(options.batch_size).unwrap_or(NonZeroUsize::MIN);
    let steps_per_epoch = steps_of(train.len(), batch_size, options.accumulate);
    let step = first.step_seconds * of_step as f64 / first.samples.max(1) as f64;
    let epoch = match first.epoch_seconds {
        Some(seconds) if first.samples == of_step => seconds,
        // The last step of an epoch may be a small one.
        _ => step * train.len() as f64 / of_step.max(1) as f64,
    };
    let evaluated_sample = evaluated(trainer, network, validation.unwrap_or(train), limit)?;
    let validation = validation.map_or(0.0, |validation| evaluated_sample * validation.len() as f64);
    let total = (epoch + validation) * options.epochs as f64;
    Ok(TrainingTime { step, steps_per_epoch, epoch, validation, evaluated_sample, total })
}

/// Seconds that measuring one sample takes.
fn evaluated<N: Network>(
    trainer: &Trainer<N>,
    network: &N,
    source: &Arc<dyn Source>,
    limit: Duration,
) -> Result<f64, TrainError> {
    let task = objective::task(&*trainer.loss, source.target_kind())?;
    let measures =
        Measures { ranks: None, loss: &*trainer.loss, metrics: &trainer.metrics, task, threshold: None };
    let measure = |samples: usize| -> Result<f64, TrainError> {
        let some: Arc<dyn Source> = Arc::new(Subset::spread(source.clone(), samples)?);
        let clock = Instant::now();
        measures.measure(network, &some, &trainer.device)?;
        Ok(clock.elapsed().as_secs_f64() / some.len() as f64)
    };
    // The first pass may have to get things ready, such as kernels of a GPU.
    let cold = measure(FEW)?;
    let most = fitting(Duration::from_secs_f64(cold), limit).min(MANY);
    if most <= FEW { Ok(cold) } else { measure(most) }
}
