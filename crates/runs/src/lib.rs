//! Training runs in folders: what was set, what was measured, and what came of it.
//!
//! A [`RunFolder`] holds everything about one training: a [`RunRecord`] (`run.json`), `metrics.csv` and `metrics.jsonl`, event files
//! for TensorBoard, checkpoints, the model and `report.html`. Two callbacks write while it trains: [`MetricsLog`] and
//! [`TensorBoardLog`]. Both take part in checkpoints, so that after a crash and [`resume`](fireclay_train::Trainer::resume) **each
//! step is in each file once**.
//!
//! ```
//! use fireclay_data::{Dataset, Provenance, Targets};
//! use fireclay_nn::{Device, ModelSpec};
//! use fireclay_runs::{MetricsLog, RunFolder, TensorBoardLog};
//! use fireclay_train::{CheckpointWriter, FitOptions, Trainer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let runs = scratch.path().join("runs");
//! let values = (0..200).map(|index| index as f32 / 100.0 - 1.0).collect();
//! let labels = (0..200).map(|index| u32::from(index >= 100)).collect();
//! let targets = Targets::Classes { labels, names: vec!["low".into(), "high".into()] };
//! let data = Dataset::from_f32(&[1], values, targets, Provenance::default())?;
//!
//! let run = RunFolder::create(&runs, "small")?;
//! assert_eq!(run.name(), "small-1");
//! let model = ModelSpec::new([1]).dense(8).relu().dense(2).build(&Device::default())?;
//! let mut trainer = Trainer::classification(model)
//!     .callback(MetricsLog::new(&run))
//!     .callback(TensorBoardLog::new(&run))
//!     .callback(CheckpointWriter::new(run.last_checkpoint()));
//! trainer.fit(&data, &FitOptions { epochs: 2, ..FitOptions::default() })?;
//! trainer.save(run.model())?;
//!
//! let csv = std::fs::read_to_string(run.metrics_csv())?;
//! assert!(csv.starts_with("step,epoch,step_loss,learning_rate,gradient_norm,samples_per_s,loss,accuracy\n"));
//! # Ok(())
//! # }
//! ```
//!
//! Its sister crates: `fireclay-train` (fit, evaluate, predict), `fireclay-report` (the page), `fireclay-tensorboard` (event files),
//! `fireclay` (the front door).

#![warn(missing_docs)]

mod appender;
mod environment;
mod error;
mod folder;
mod graph;
mod logged;
mod metrics_log;
mod predictions;
mod record;
mod tensorboard_log;
mod training;

pub use environment::environment;
pub use error::RunsError;
pub use folder::RunFolder;
pub use graph::graph;
pub use metrics_log::MetricsLog;
pub use predictions::{Wrong, most_wrong, task};
pub use record::{RunRecord, Status};
pub use tensorboard_log::TensorBoardLog;
pub use training::{epochs, layers, steps};
