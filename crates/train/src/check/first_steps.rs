//! The first steps of the training, as `fit` does them: gradients, time, the size of a checkpoint.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fireclay_data::Source;
use fireclay_nn::Network;

use super::time::Pace;
use super::{FirstSteps, GradientCheck};
use crate::callback::{Callback, CallbackContext};
use crate::error::TrainError;
use crate::event::Event;
use crate::options::FitOptions;
use crate::trainer::Trainer;

/// Steps whose gradients are looked at, which are not timed: a last layer that begins at 0 gives the others no gradient in the
/// first.
const LOOKED_AT: usize = 3;

/// Steps, time and whole epochs after which it is known how long they take.
const STEPS: usize = 50;
const ENOUGH: Duration = Duration::from_secs(2);
const EPOCHS: usize = 2;

/// What was heard during them.
pub(super) struct Heard {
    pub(super) gradients: GradientCheck,
    pub(super) warnings: Vec<String>,
}

/// Takes the first steps on a copy of the network.
pub(super) fn take<N: Network>(
    trainer: &Trainer<N>,
    network: &N,
    train: &Arc<dyn Source>,
    options: &FitOptions,
    pace: &Pace,
    limit: Duration,
) -> Result<(FirstSteps, Heard), TrainError> {
    let options = FitOptions {
        batch_size: pace.batch_size,
        accumulate: pace.accumulate,
        validation_split: 0.0,
        ..options.clone()
    };
    let seen = Arc::new(Mutex::new(Seen::new(limit)));
    let mut copy = trainer.copy(network.valid());
    copy.callbacks.push(Box::new(Listener(seen.clone())));
    let fitted = copy.fit(train, &options);
    drop(copy);
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let diverged = match fitted {
        Ok(_) => None,
        Err(error @ TrainError::NotFinite { .. }) => Some(error.to_string()),
        Err(error) => return Err(error),
    };
    let first = FirstSteps {
        steps: seen.steps,
        samples: (options.batch_size * options.accumulate).min(train.len()),
        step_seconds: seen.step_seconds(),
        epoch_seconds: mean(&seen.epochs),
        checkpoint_bytes: seen.checkpoint_bytes,
        diverged,
    };
    let heard = Heard {
        gradients: GradientCheck {
            tensors: seen.tensors,
            missing: std::mem::take(&mut seen.missing),
            zero: seen.zero.take().unwrap_or_default().into_iter().collect(),
            not_finite: std::mem::take(&mut seen.not_finite).into_iter().collect(),
        },
        warnings: std::mem::take(&mut seen.warnings),
    };
    Ok((first, heard))
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// What is seen of a run.
struct Seen {
    limit: Duration,
    clock: Instant,
    steps: usize,
    /// Names in the order of the network.
    missing: Vec<String>,
    zero: Option<BTreeSet<String>>,
    not_finite: BTreeSet<String>,
    tensors: usize,
    warnings: Vec<String>,
    /// The last step after which the device had nothing left to do, and when that was, within an epoch.
    waited: Option<(usize, Instant)>,
    /// Steps that were timed, and their time.
    timed: (usize, Duration),
    epoch_began: Option<(usize, Instant)>,
    /// Whole epochs but the first.
    epochs: Vec<f64>,
    checkpoint_bytes: Option<u64>,
}

impl Seen {
    fn new(limit: Duration) -> Self {
        Seen {
            limit,
            clock: Instant::now(),
            steps: 0,
            missing: Vec::new(),
            zero: None,
            not_finite: BTreeSet::new(),
            tensors: 0,
            warnings: Vec::new(),
            waited: None,
            timed: (0, Duration::ZERO),
            epoch_began: None,
            epochs: Vec::new(),
            checkpoint_bytes: None,
        }
    }

    /// Seconds of one step; those of all of them where none was timed by itself.
    fn step_seconds(&self) -> f64 {
        let (steps, time) = match self.timed {
            (0, _) => (self.steps, self.clock.elapsed()),
            timed => timed,
        };
        time.as_secs_f64() / steps.max(1) as f64
    }

    fn is_enough(&self) -> bool {
        let elapsed = self.clock.elapsed();
        let knows = (self.timed.0 >= STEPS || self.epochs.len() >= EPOCHS) && elapsed >= ENOUGH;
        elapsed >= self.limit || knows
    }

    fn look_at_gradients(&mut self, context: &CallbackContext) {
        let gradients = context.gradients();
        self.tensors = self.tensors.max(gradients.len());
        let name = |tensor: &fireclay_nn::NamedTensor| tensor.name.clone();
        let zero: BTreeSet<String> = gradients
            .iter()
            .filter(|tensor| tensor.values.iter().all(|value| *value == 0.0))
            .map(name)
            .collect();
        self.not_finite.extend(gradients.iter().filter(|tensor| tensor.check_finite().is_err()).map(name));
        self.zero = Some(match self.zero.take() {
            Some(before) => before.intersection(&zero).cloned().collect(),
            None => zero,
        });
    }

    /// Notes the time of a step after which the loss was read, for which a device has to be done with it.
    fn time(&mut self, was_read: bool) {
        let now = Instant::now();
        if !was_read || self.steps < LOOKED_AT {
            return;
        }
        if let Some((steps, since)) = self.waited {
            self.timed.0 += self.steps - steps;
            self.timed.1 += now - since;
        }
        self.waited = Some((self.steps, now));
    }
}

struct Listener(Arc<Mutex<Seen>>);

impl Callback for Listener {
    fn needs_gradients(&self, step: usize) -> bool {
        step <= LOOKED_AT
    }

    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::FitStarted { .. } => seen.clock = Instant::now(),
            Event::Warning(text) => seen.warnings.push(text.to_string()),
            Event::UnusedParameters(names) => seen.missing = names.to_vec(),
            Event::EpochStarted { epoch } => {
                let now = Instant::now();
                if let Some((before, since)) = seen.epoch_began
                    && before > 1
                {
                    seen.epochs.push((now - since).as_secs_f64());
                }
                seen.epoch_began = Some((*epoch, now));
                seen.waited = None;
            }
            Event::StepEnded { step_loss, .. } => {
                seen.steps += 1;
                if seen.steps <= LOOKED_AT {
                    seen.look_at_gradients(context);
                }
                seen.time(step_loss.is_some());
                if seen.is_enough() {
                    context.interrupt();
                }
            }
            // Of the first epoch, which is not timed, or at the end.
            Event::Resumable { .. } if seen.checkpoint_bytes.is_none() => {
                let checkpoint = context.checkpoint()?;
                let tensors: usize = checkpoint.tensors.iter().map(|tensor| 4 * tensor.values.len()).sum();
                let progress = serde_json::to_vec(&checkpoint.progress).map_or(0, |text| text.len());
                seen.checkpoint_bytes = Some((tensors + checkpoint.optimizer.len() + progress) as u64);
            }
            _ => {}
        }
        Ok(())
    }
}
