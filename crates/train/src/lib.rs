//! Fit, evaluate and predict.
//!
//! A [`Trainer`] joins a network, a loss and an optimiser; [`Trainer::fit`] is the one training loop there is. It
//! knows nothing of terminals and files: it tells [`Callback`]s what happens as [`Event`]s, and they draw, log, save
//! and stop.
//!
//! ```
//! use fireclay_datasets::DrawnDigits;
//! use fireclay_nn::ModelSpec;
//! use fireclay_train::{Adam, Device, FitOptions, Trainer};
//!
//! let (train, test) = DrawnDigits::new(0).train_and_test(512, 128);
//! let model = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10).build(&Device::default())?;
//! let mut trainer = Trainer::classification(model).optimizer(Adam::new(3e-3));
//! let history = trainer.fit(&train, &FitOptions { epochs: 3, batch_size: 32, ..FitOptions::default() })?;
//! assert_eq!(history.epochs.len(), 3);
//! assert!(trainer.evaluate(&test)?.accuracy().unwrap() > 0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Sister crates: `fireclay-backend` (devices), `fireclay-nn` (models), `fireclay-data` (sources and batches),
//! `fireclay-text` (from texts to tokens), `fireclay-datasets` (data sets and file formats), `fireclay-store` (model files), `fireclay` (all of them behind one door).

mod attack;
mod averaging;
mod batch_gradients;
mod batches;
#[cfg(feature = "burn-dataset")]
mod burn_dataset;
mod callback;
mod callbacks;
mod check;
mod checkpoint;
mod constant;
mod error;
mod evaluate;
mod event;
mod federated;
mod fit;
mod generate;
mod gradients;
mod history;
mod importance;
mod learning_rate_finder;
mod metadata;
mod metrics;
mod objective;
mod optimizer;
mod options;
mod predictor;
mod privacy;
mod private;
mod ranks;
mod reference;
mod resume;
mod run;
pub mod schedule;
mod trainer;
mod training_sums;
mod upload;

pub use attack::{AdversarialOptions, Attack, AttackNorm, AttackedBatch};
pub use averaging::WeightAveraging;
pub use batch_gradients::batch_gradients;
#[cfg(feature = "burn-dataset")]
pub use burn_dataset::{BurnDataset, ItemTarget};
pub use callback::{Callback, CallbackContext, CallbackFn, callback_fn};
pub use callbacks::*;
pub use check::{
    CheckTopic, Finding, FirstSteps, GradientCheck, InitialLoss, OneBatch, OneBatchVerdict, TrainingCheck,
    TrainingTime,
};
pub use checkpoint::{Checkpoint, Progress, checkpoint_shapes};
pub use error::TrainError;
pub use evaluate::{Evaluation, Report, predict};
pub use event::{Event, Measured};
pub use federated::{LocalTrainer, parameters, with_parameters};
pub use fireclay_backend::Device;
pub use generate::TextGenerator;
pub use history::{EpochRecord, History, Stopped};
pub use importance::{FeatureImportance, PermutationImportance, PermutationOptions};
pub use learning_rate_finder::*;
pub use metadata::{table_preprocessing, text_preprocessing};
pub use metrics::*;
pub use optimizer::*;
pub use options::FitOptions;
pub use predictor::{Prediction, Predictor, Sample};
pub use privacy::{NoiseSource, PrivacyOptions};
pub use private::{noise_for_privacy, privacy_spent};
pub use ranks::StepTraffic;
pub use reference::SampleMeasures;
pub use run::{CallbackStates, RunSettings, RunState, Sums};
pub use schedule::{BuiltInSchedule, Schedule, SchedulePosition, schedule_fn};
pub use trainer::Trainer;
