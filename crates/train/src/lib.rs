//! Fit, evaluate and predict.
//!
//! A [`Trainer`] joins a network, a loss and an optimiser; [`Trainer::fit`] is the one training loop there is. It
//! knows nothing of terminals and files: it tells [`Callback`]s what happens as [`Event`]s, and they draw, log, save
//! and stop.
//!
//! ```
//! use burn::tensor::Device;
//! use fireclay_data::DrawnDigits;
//! use fireclay_nn::ModelSpec;
//! use fireclay_train::{Adam, FitOptions, Trainer};
//!
//! let (train, test) = DrawnDigits::new(0).train_and_test(512, 128);
//! let model = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10).build(&Device::flex())?;
//! let mut trainer = Trainer::classification(model).optimizer(Adam::new(3e-3));
//! let history = trainer.fit(&train, &FitOptions { epochs: 3, batch_size: 32, ..FitOptions::default() })?;
//! assert_eq!(history.epochs.len(), 3);
//! assert!(trainer.evaluate(&test)?.accuracy().unwrap() > 0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Sister crates: `fireclay-backend` (devices), `fireclay-nn` (models), `fireclay-data` (data sets),
//! `fireclay-store` (model files), `fireclay` (all of them behind one door).

mod callbacks;
mod checkpoint;
mod clip_norm;
mod error;
mod evaluate;
mod event;
mod fit;
mod generate;
mod history;
mod metrics;
mod optimizer;
mod options;
mod running_means;
pub mod schedule;
mod trainer;
mod upload;

pub use callbacks::{CheckpointWriter, EarlyStopping};
pub use checkpoint::{Checkpoint, Progress, Sums, checkpoint_shapes};
pub use error::TrainError;
pub use evaluate::{Evaluation, Report, predict};
pub use event::{Callback, Event, Moment};
pub use generate::TextGenerator;
pub use history::{EpochRecord, History, Stopped};
pub use metrics::{
    ClassScores, ClassificationReport, LanguageReport, Metric, RegressionReport, Scores, sigmoid, softmax,
};
pub use optimizer::{
    Adam, AdamW, AnyOptimizer, BuiltInOptimizer, BurnOptimizer, Muon, Optimizer, ParameterGroup, RmsProp,
    Sgd, UpdateRule,
};
pub use options::FitOptions;
pub use schedule::{BuiltInSchedule, Schedule, SchedulePosition, schedule_fn};
pub use trainer::{Trainer, text_preprocessing};
