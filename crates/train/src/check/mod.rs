//! A check before hours of work: what most often goes wrong in a training shows in its first seconds.
//!
//! The order is that in which one looks by hand ([Karpathy 2019](https://karpathy.github.io/2019/04/25/recipe/)): the loss before
//! training, gradients, one batch that must be learnt by heart. Steps are those of `fit`, run on copies of the network, so
//! nothing is checked that a training does not do; what each part may take is a share of one limit.

mod findings;
mod first_steps;
mod fixed_batch;
mod one_batch;
mod time;
mod untrained;
mod without_dropout;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fireclay_backend::Precision;
use fireclay_data::{Source, Subset};
use fireclay_nn::{Network, state};

pub use findings::{
    CheckTopic, Finding, FirstSteps, GradientCheck, InitialLoss, OneBatch, OneBatchVerdict, TrainingCheck,
    TrainingTime,
};
use time::Pace;

use crate::error::TrainError;
use crate::metadata::ModelMetadata;
use crate::objective;
use crate::options::FitOptions;
use crate::trainer::Trainer;

/// Samples by which layers are set that the training data sets.
const ADAPTED_ON: usize = 2_000;

impl<N: Network> Trainer<N> {
    /// Checks a training without doing it: that data, network and loss go together, that the loss before training is near that
    /// of guessing, that every parameter gets a gradient, that one batch can be learnt by heart, and how long it would take.
    ///
    /// The network of the trainer, its optimiser and its callbacks stay as they are, and no file is written. It takes about as
    /// long as `limit` at most, which does not interrupt a step, nor the reading of a sample: a minute is plenty for most
    /// networks. Where a whole step would take too long, it is tried with fewer samples.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fireclay_datasets::DrawnDigits;
    /// use fireclay_nn::ModelSpec;
    /// use fireclay_train::{Adam, Device, FitOptions, OneBatchVerdict, Trainer};
    ///
    /// let (train, _) = DrawnDigits::new(0).train_and_test(256, 0);
    /// let model = ModelSpec::new([1, 28, 28]).flatten().dense(64).relu().dense(10).build(&Device::default())?;
    /// let trainer = Trainer::classification(model).optimizer(Adam::new(3e-3));
    /// let found = trainer.check(&train, &FitOptions::default(), Duration::from_secs(20))?;
    /// assert!(found.problems().is_empty() && found.warnings().is_empty());
    /// assert_eq!(found.outputs, [64, 10]);
    /// assert!((found.loss.guessing.unwrap() - 10f64.ln()).abs() < 1e-6);
    /// assert_eq!(found.one_batch.verdict, OneBatchVerdict::Learnt);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrainError`] for what [`fit`](Self::fit) refuses before its first step, and what the source reports. What shows
    /// later is in [`TrainingCheck::problems`].
    pub fn check<S: Source + Clone + 'static>(
        &self,
        train: &S,
        options: &FitOptions,
        limit: Duration,
    ) -> Result<TrainingCheck, TrainError> {
        self.check_settings(options)?;
        let (train, validation) = self.parts(Arc::new(train.clone()), options)?;
        let clock = Instant::now();
        let checked = self.check_source(&train, "train on")?;
        let of_sample = clock.elapsed();
        if let Some(validation) = &validation {
            self.check_source(validation, "validate on")?;
        }
        objective::check_metrics(&self.metrics, checked.task)?;

        let precision = match fireclay_backend::supports(&self.device, options.precision) {
            true => options.precision,
            false => Precision::F32,
        };
        let _scope = fireclay_backend::in_precision(precision);
        let network = self.ready_network(&train)?;
        let untrained = untrained::measure(self, &network, &train, options, of_sample, limit.mul_f64(0.1))?;
        let pace = Pace::new(options, untrained.of_sample, limit);
        let (first_steps, heard) =
            first_steps::take(self, &network, &train, options, &pace, limit.mul_f64(0.3))?;
        let time = time::estimate(
            self,
            &network,
            &train,
            validation.as_ref(),
            options,
            &first_steps,
            limit.mul_f64(0.1),
        )?;
        let one_batch = one_batch::learn(self, &network, &train, options, &pace, limit.mul_f64(0.5))?;
        fireclay_backend::forget_ordered_weights();
        fireclay_backend::release_unused_memory();

        let weights = state(&network).iter().map(|tensor| 4 * tensor.values.len() as u64).sum();
        let metadata = ModelMetadata::of(train.metadata(), train.len());
        Ok(TrainingCheck {
            outputs: untrained.outputs,
            not_finite: untrained.not_finite,
            loss: untrained.loss,
            gradients: heard.gradients,
            one_batch,
            time,
            weights_bytes: weights,
            model_bytes: weights + metadata.bytes(),
            first_steps,
            notes: checked.warning.into_iter().chain(heard.warnings).collect(),
        })
    }

    /// The network as it is before the first step, where layers that the training data sets are set by some of it.
    fn ready_network(&self, train: &Arc<dyn Source>) -> Result<N, TrainError> {
        if !self.network.adapts() {
            return Ok(self.network.valid());
        }
        let mut trainer = self.copy(self.network.valid());
        let some: Arc<dyn Source> = Arc::new(Subset::spread(train.clone(), ADAPTED_ON)?);
        trainer.adapt(&some)?;
        Ok(trainer.network)
    }
}
