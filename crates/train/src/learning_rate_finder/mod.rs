//! The learning rate range test: training steps with a learning rate that grows from very small to very large, and what their
//! losses say of the rate to train with.
//!
//! The steps are those of `fit` itself, on a copy of the network: the sweep is a schedule, and what comes of it is heard by a
//! callback. So dropout, augmentation, clipping and precision are as they are in a training, and there is no second loop.

mod curve;
mod suggestion;
mod sweep;

use std::num::NonZeroUsize;
use std::sync::Arc;

use fireclay_data::Source;
use fireclay_nn::Network;
use serde::{Deserialize, Serialize};

use crate::callback::Callback;
use crate::error::TrainError;
use crate::fit::steps_of;
use crate::optimizer::check_groups;
use crate::options::FitOptions;
use crate::schedule::BuiltInSchedule;
use crate::trainer::Trainer;
use sweep::{Recorder, Sweep};

pub use curve::{LearningRateCurve, LearningRatePoint, SweepEnd};
pub use suggestion::{LearningRateSuggestion, NoSuggestion, SuggestionRule};

/// Settings of a learning rate range test ([Smith 2015](https://arxiv.org/abs/1506.01186)), which
/// [`Trainer::find_learning_rate`] runs.
///
/// ```
/// use fireclay_train::LearningRateFinder;
///
/// let finder = LearningRateFinder { min_learning_rate: 1e-4, max_learning_rate: 1.0, steps: 41, ..LearningRateFinder::default() };
/// // Ten steps for each factor of ten.
/// assert_eq!(finder.learning_rate(0), 1e-4);
/// assert!((finder.learning_rate(20) - 1e-2).abs() < 1e-12);
/// assert!((finder.learning_rate(40) - 1.0).abs() < 1e-12);
/// finder.check()?;
/// assert!(LearningRateFinder { steps: 0, ..finder }.check().is_err());
/// # Ok::<(), fireclay_train::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearningRateFinder {
    /// The learning rate of the first step, more than 0; 1e-7 by default.
    pub min_learning_rate: f64,
    /// The learning rate of the last step, more than that of the first; 10 by default.
    pub max_learning_rate: f64,
    /// Training steps, 10 or more; 100 by default. The learning rate grows by the same factor from each to the next.
    pub steps: usize,
    /// How much of the exponential mean of the losses is kept at each step, in `[0, 1)`; 0.9 by default, which is a mean over some
    /// ten steps. It is corrected for its start at 0, as Adam's moments are.
    pub smoothing: f64,
    /// The sweep ends where the smoothed loss is more than this times its lowest value, more than 1; 4 by default.
    pub divergence_factor: f64,
}

impl Default for LearningRateFinder {
    fn default() -> Self {
        LearningRateFinder {
            min_learning_rate: 1e-7,
            max_learning_rate: 10.0,
            steps: 100,
            smoothing: 0.9,
            divergence_factor: 4.0,
        }
    }
}

impl LearningRateFinder {
    /// Fewer steps than this make no curve.
    pub const FEWEST_STEPS: usize = 10;

    /// The learning rate of a step, which is counted from 0: `min * (max / min)^(step / (steps - 1))`.
    pub fn learning_rate(&self, step: usize) -> f64 {
        let fraction = step as f64 / self.steps.saturating_sub(1).max(1) as f64;
        self.min_learning_rate * (self.max_learning_rate / self.min_learning_rate).powf(fraction)
    }

    /// Refuses what no curve can come of.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub fn check(&self) -> Result<(), TrainError> {
        let wrong = |setting, found: String, expected| Err(TrainError::Setting { setting, found, expected });
        let LearningRateFinder { min_learning_rate: min, max_learning_rate: max, .. } = *self;
        if !(min > 0.0 && min.is_finite()) {
            return wrong("min_learning_rate", min.to_string(), "more than 0, such as 1e-7");
        }
        // Their ratio is what rates are made of.
        if !(max > min && (max / min).is_finite()) {
            return wrong("max_learning_rate", max.to_string(), "more than min_learning_rate, such as 10");
        }
        if self.steps < Self::FEWEST_STEPS {
            return wrong("steps", self.steps.to_string(), "10 or more, such as 100");
        }
        if !(0.0..1.0).contains(&self.smoothing) {
            return wrong("smoothing", self.smoothing.to_string(), "0 or more and less than 1, such as 0.9");
        }
        if self.divergence_factor.is_nan() || self.divergence_factor <= 1.0 {
            return wrong("divergence_factor", self.divergence_factor.to_string(), "more than 1, such as 4");
        }
        Ok(())
    }
}

impl<N: Network> Trainer<N> {
    /// Trains a copy of the network with a learning rate that grows from step to step, and gives the losses
    /// ([Smith 2015](https://arxiv.org/abs/1506.01186)); [`LearningRateCurve::suggestion`] says what to train with.
    ///
    /// Loss, optimiser, groups and gradients that are clipped are the trainer's and the options'; of the options batch size, seed,
    /// precision and accumulation count too, and samples that a validation split holds out are left out. Schedule, warm-up, epochs,
    /// averaging, validation samples, metrics and callbacks have no part in it. The trainer stays as it is, and the same seed gives
    /// the same curve. Parameters with an optimiser of their own keep the proportion of its rate to the trainer's.
    ///
    /// ```
    /// use fireclay_datasets::DrawnDigits;
    /// use fireclay_nn::{Device, ModelSpec};
    /// use fireclay_train::{Adam, FitOptions, LearningRateFinder, Trainer};
    ///
    /// let (train, test) = DrawnDigits::new(0).train_and_test(512, 128);
    /// let model = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10).build_seeded(0, &Device::default())?;
    /// let trainer = Trainer::classification(model).optimizer(Adam::new(1e-3));
    /// let options = FitOptions { epochs: 3, batch_size: 32, ..FitOptions::default() };
    /// let curve = trainer.find_learning_rate(&train, &options, &LearningRateFinder::default())?;
    /// let suggestion = curve.suggestion()?;
    /// assert!((1e-4..1.0).contains(&suggestion.learning_rate), "{suggestion:?}");
    ///
    /// let mut trainer = trainer.optimizer(Adam::new(suggestion.learning_rate));
    /// trainer.fit(&train, &options)?;
    /// assert!(trainer.evaluate(&test)?.accuracy() > Some(0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrainError`] as for [`fit`](Self::fit), except that a loss that is no longer finite ends the sweep rather than being an
    /// error: [`LearningRateCurve::ended`] says so.
    pub fn find_learning_rate<S: Source + Clone + 'static>(
        &self,
        train: &S,
        options: &FitOptions,
        finder: &LearningRateFinder,
    ) -> Result<LearningRateCurve, TrainError> {
        self.find_learning_rate_with(train, options, finder, Vec::new())
    }

    /// As [`find_learning_rate`](Self::find_learning_rate), and tells some callbacks what happens, as a training with one epoch
    /// after the other does; one that [interrupts](crate::CallbackContext::interrupt) ends the sweep.
    ///
    /// # Errors
    /// As for [`find_learning_rate`](Self::find_learning_rate), and what callbacks report.
    pub fn find_learning_rate_with<S: Source + Clone + 'static>(
        &self,
        train: &S,
        options: &FitOptions,
        finder: &LearningRateFinder,
        callbacks: Vec<Box<dyn Callback>>,
    ) -> Result<LearningRateCurve, TrainError> {
        finder.check()?;
        options.check()?;
        if options.privacy.is_some() {
            let reason = "a learning rate range test sees the samples without being counted";
            return Err(TrainError::NotPrivate { reason: reason.into() });
        }
        self.optimizer.check()?;
        check_groups(&self.network, &self.groups)?;
        let base = self.optimizer.learning_rate();
        if !(base > 0.0 && base.is_finite()) {
            let found = base.to_string();
            return Err(TrainError::Setting { setting: "learning_rate", found, expected: "more than 0" });
        }
        let (train, _) = self.parts(Arc::new(train.clone()), options)?;
        let batch_size = NonZeroUsize::new(options.batch_size).unwrap_or(NonZeroUsize::MIN);
        let steps = steps_of(train.len(), batch_size, options.accumulate).max(1);
        let options = FitOptions {
            epochs: finder.steps.div_ceil(steps),
            validation_split: 0.0,
            schedule: BuiltInSchedule::default(),
            warm_up: 0.0,
            averaging: None,
            ..options.clone()
        };
        let recorder = Recorder::new(*finder);
        let record = recorder.record();
        let mut probe = Trainer {
            schedule: Some(Arc::new(Sweep::new(*finder, steps, base))),
            callbacks: std::iter::once(Box::new(recorder) as Box<dyn Callback>).chain(callbacks).collect(),
            // `valid` and not `clone`: clones share their running statistics, so filling one would change the other.
            ..self.copy(self.network.valid())
        };
        let otherwise = match probe.fit_from(train, &options, None) {
            Ok(_) => SweepEnd::Interrupted,
            Err(TrainError::NotFinite { .. }) => SweepEnd::NotFinite,
            Err(error) => return Err(error),
        };
        Ok(sweep::curve(&record, otherwise))
    }
}
