//! Event files for TensorBoard: what a training measures, written so that the real TensorBoard shows it.
//!
//! An [`EventWriter`] writes one file in the folder of a run. A [`Summary`] is a value under a tag: a scalar, a histogram,
//! pictures, a text or a precision–recall curve. A run also has hyper-parameters ([`EventWriter::start_session`]), by which
//! TensorBoard compares runs, and a graph ([`EventWriter::graph`]). What is read is told by `tensorboard --logdir FOLDER`,
//! where FOLDER holds a folder for each run.
//!
//! **After a crash each step is in the file once.** [`EventWriter::resume`] continues a file: a record that was cut short is
//! dropped, and so is whatever was written after a given position or step, for example after the checkpoint that a training
//! goes on from. A TensorBoard that is looking on follows.
//!
//! The crate knows nothing of networks. Its sister crates: `fireclay-train` (fit, evaluate, predict), `fireclay` (the front
//! door). `tensorboard-rs` and `tboard` write such files too; neither continues one or has hyper-parameters and texts, the
//! first ends the program when a disk is full, and the second needs Protocol Buffers' compiler to be built.
//!
//! ```
//! use fireclay_tensorboard::{EventWriter, ResumeAt, Summary};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path().join("run");
//! let mut writer = EventWriter::create(&folder)?;
//! writer.start_session([("learning_rate", 0.01.into()), ("optimizer", "adam".into())])?;
//! for step in 1..=10 {
//!     let weights: Vec<f32> = (0..100).map(|index| (index * step) as f32).collect();
//!     writer.write(step, [
//!         Summary::scalar("loss/train", 1.0 / step as f32),
//!         Summary::histogram("weights/dense_1", &weights),
//!     ])?;
//! }
//! let checkpoint = writer.flush()?;
//! writer.write(11, [Summary::scalar("loss/train", 0.08)])?;
//! drop(writer);
//!
//! // The training was killed, and goes on from its checkpoint: step 11 comes again.
//! let mut writer = EventWriter::resume(&folder, ResumeAt::Position(checkpoint))?;
//! assert_eq!(writer.position(), checkpoint);
//! writer.write(11, [Summary::scalar("loss/train", 0.09)])?;
//! let length = writer.flush()?;
//! assert_eq!(std::fs::metadata(writer.path())?.len(), length);
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod error;
mod file_name;
mod graph;
mod hparams;
mod proto;
mod record;
mod resume;
mod summary;
mod writer;

pub use error::TensorboardError;
pub use graph::{Attribute, GraphNode};
pub use hparams::{Experiment, HParam, HParamDomain, HParamValue, Metric, SessionStatus};
pub use resume::ResumeAt;
pub use summary::{Histogram, HistogramBucket, Summary};
pub use writer::EventWriter;
