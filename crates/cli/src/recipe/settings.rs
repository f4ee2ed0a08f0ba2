//! How a network is trained, as data.

use fireclay::backend::Precision;
use fireclay::prelude::FitOptions;
use fireclay::train::{
    AdversarialOptions, BuiltInOptimizer, BuiltInSchedule, Optimizer, ParameterGroup, PrivacyOptions,
    TrainError, WeightAveraging,
};
use serde::{Deserialize, Serialize};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Updates the parameters.
    pub optimizer: BuiltInOptimizer,
    /// Parameters with an optimizer of their own.
    pub groups: Vec<ParameterGroup>,
    /// Learning rate schedule.
    pub schedule: BuiltInSchedule,
    /// Epochs of linear warm-up before the schedule.
    pub warm_up: f64,
    /// Batches in one step, whose gradients are averaged.
    pub accumulate: usize,
    /// Which average of the weights is kept.
    pub averaging: Option<WeightAveraging>,
    /// Maximum size of each number in a gradient.
    pub clip_value: Option<f64>,
    /// Maximum global gradient norm.
    pub clip_norm: Option<f64>,
    /// In what numbers products are made.
    pub precision: Precision,
    /// Label smoothing: fraction of each target that is spread over all classes.
    pub label_smoothing: f32,
    /// Whether rare classes count more, so that all classes count the same together.
    pub balanced: bool,
    /// Samples in one training step.
    pub batch_size: usize,
    /// Passes over the training data.
    pub epochs: usize,
    /// Whether validation samples are named, so that none are held out.
    pub has_validation: bool,
    /// Fraction of the training data that is held out and measured after each epoch.
    pub validation_split: f64,
    /// Which epoch's weights are kept.
    pub best: BestEpoch,
    /// Whether the training is differentially private, and how much.
    pub privacy: Option<PrivacyOptions>,
    /// Whether the network is trained on pictures that are changed against it, and how.
    pub adversarial: Option<AdversarialOptions>,
    /// Whether batch norm normalises by the statistics of the whole batch where several ranks train.
    pub sync_batch_norm: bool,
}

/// Whether a run ends with the weights of the epoch that was best on the validation samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestEpoch {
    /// Whether it does; else it ends with those of the last epoch.
    pub keep: bool,
    /// Epochs without improvement after which it stops; never if `None`.
    pub patience: Option<usize>,
}

impl Recipe {
    /// A recipe with a constant learning rate and nothing else.
    pub fn new(optimizer: impl Into<BuiltInOptimizer>, batch_size: usize, epochs: usize) -> Self {
        Recipe {
            optimizer: optimizer.into(),
            groups: Vec::new(),
            schedule: BuiltInSchedule::default(),
            warm_up: 0.0,
            accumulate: 1,
            averaging: None,
            clip_value: None,
            clip_norm: None,
            precision: Precision::F32,
            label_smoothing: 0.0,
            balanced: false,
            batch_size,
            epochs,
            has_validation: false,
            validation_split: 0.0,
            best: BestEpoch::default(),
            privacy: None,
            adversarial: None,
            sync_batch_norm: false,
        }
    }

    /// The same with another learning rate; groups with a rate of their own are scaled in proportion.
    pub fn with_learning_rate(mut self, rate: f64) -> Self {
        let ratio = rate / self.optimizer.learning_rate();
        self.optimizer = self.optimizer.with_learning_rate(rate);
        for group in &mut self.groups {
            let of_group = group.optimizer.learning_rate();
            group.optimizer = group.optimizer.with_learning_rate(of_group * ratio);
        }
        self
    }

    /// The weight decay of the optimizer, if it has one.
    pub fn weight_decay(&self) -> Option<f64> {
        serde_json::to_value(&self.optimizer).unwrap_or_default()["weight_decay"].as_f64()
    }

    /// How many of so many training samples are held out for validation, where it has no samples of its own.
    pub fn held_out(&self, samples: usize) -> usize {
        (self.validation_split * samples as f64).round() as usize
    }

    /// What [`fit`](fireclay::prelude::Trainer::fit) is given.
    pub fn options(&self, seed: u64) -> FitOptions {
        FitOptions {
            epochs: self.epochs,
            batch_size: self.batch_size,
            seed,
            validation_split: self.validation_split,
            schedule: self.schedule.clone(),
            warm_up: self.warm_up,
            accumulate: self.accumulate,
            averaging: self.averaging,
            clip_value: self.clip_value,
            clip_norm: self.clip_norm,
            precision: self.precision,
            keep_zeros: false,
            privacy: self.privacy,
            adversarial: self.adversarial,
            sync_batch_norm: self.sync_batch_norm,
            ..FitOptions::default()
        }
    }

    /// Checks the ranges of all settings.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub fn check(&self) -> Result<(), TrainError> {
        self.optimizer.check()?;
        self.groups.iter().try_for_each(|group| group.optimizer.check())?;
        if self.best.keep && self.validation_split == 0.0 && !self.has_validation {
            return Err(TrainError::Setting {
                setting: "validation_split",
                found: "0".into(),
                expected: "more than 0 where the best epoch is kept, such as 0.1",
            });
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(TrainError::Setting {
                setting: "label_smoothing",
                found: self.label_smoothing.to_string(),
                expected: "0 or more and less than 1",
            });
        }
        self.options(0).check()
    }
}
