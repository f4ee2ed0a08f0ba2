//! Deep learning in Rust without Python: describe a network, fit it, evaluate it, save it, ship it.
//!
//! Fireclay stands on [Burn](https://burn.dev) and gives its users what Keras gives TensorFlow's. This crate is the
//! front door: it re-exports the others and a [`prelude`]. The device is chosen by Cargo features with Burn's names;
//! the code stays the same.
//!
//! ```
//! use fireclay::prelude::*;
//!
//! fn main() -> fireclay::Result<()> {
//!     let device = DeviceName::default().open()?;
//!     let (train, test) = DrawnDigits::new(0).train_and_test(640, 160);
//!
//!     let spec = ModelSpec::new([1, 28, 28]).conv2d(8, 3).relu().max_pool2d(4).flatten().dense(10);
//!     let mut trainer = Trainer::classification(spec.build(&device)?).optimizer(Adam::new(3e-3));
//!     trainer.fit(&train, &FitOptions { epochs: 3, batch_size: 32, ..FitOptions::default() })?;
//!     assert!(trainer.evaluate(&test)?.accuracy().unwrap() > 0.5);
//!     Ok(())
//! }
//! ```
//!
//! | Crate | What it holds |
//! |---|---|
//! | [`backend`] | devices and threads |
//! | [`nn`] | layers, losses, models described as data |
//! | [`data`] | data sets, texts, file formats, downloads, loading |
//! | [`store`] | model files, checkpoints, weights |
//! | [`exchange`] | models to ONNX, PyTorch and Keras, and from them and Hugging Face |
//! | [`tensorboard`] | event files that TensorBoard shows |
//! | [`train`] | fit, evaluate, predict; optimisers, schedules, metrics, callbacks |
//! | [`distribute`] | processes that train one network together |
//! | [`federate`] | clients that train one network together, with samples that stay where they are |
//! | [`runs`] | trainings in folders: settings, metrics as CSV and JSON Lines, events for TensorBoard, report |
//! | `serve` | models behind HTTP, by the feature of its name |
//! | [`report`] | one HTML page about a training, and one that compares several |

//!
//! Short programs to begin with, in `examples/`:
//!
//! | `cargo run --release -p fireclay --example` | What it shows |
//! |---|---|
//! | `linear_regression` | gradient descent, mini-batches, one sample at a time, momentum |
//! | `logistic_regression` | a CSV table, normalised; accuracy, precision, recall, F1 |
//! | `lstm_regression` | sequences through an LSTM of two layers |
//! | `own_module` | a Burn module of one's own in `fit` |
//! | `transfer` | a new head on frozen convolutions |

pub use burn;
pub use fireclay_audit as audit;
pub use fireclay_backend as backend;
pub use fireclay_compress as compress;
pub use fireclay_distribute as distribute;
pub use fireclay_exchange as exchange;
pub use fireclay_explain as explain;
pub use fireclay_federate as federate;
pub use fireclay_nn as nn;
pub use fireclay_report as report;
pub use fireclay_runs as runs;
#[cfg(feature = "serve")]
pub use fireclay_serve as serve;
pub use fireclay_store as store;
pub use fireclay_tensorboard as tensorboard;
pub use fireclay_train as train;
pub use fireclay_tune as tune;

pub mod prelude;

/// Data sets: what a training loop reads (`fireclay-data`), from texts to tokens (`fireclay-text`), from rows of tables to
/// numbers (`fireclay-tabular`), and what makes a data set (`fireclay-datasets`), in one place.
pub mod data {
    pub use fireclay_data::*;
    pub use fireclay_datasets::*;
    pub use fireclay_tabular::*;
    pub use fireclay_text::*;
}

/// Anything that can go wrong in Fireclay.
///
/// Its [`Debug`](std::fmt::Debug) is its message with what caused it, as that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A device cannot be opened.
    #[error(transparent)]
    Backend(#[from] backend::BackendError),
    /// A model cannot be described or built.
    #[error(transparent)]
    Nn(#[from] nn::NnError),
    /// Samples do not make a data set.
    #[error(transparent)]
    Data(#[from] data::DataError),
    /// Texts cannot become tokens.
    #[error(transparent)]
    Text(#[from] data::TextError),
    /// Rows of a table cannot become numbers.
    #[error(transparent)]
    Tabular(#[from] data::TabularError),
    /// Data cannot be read or fetched.
    #[error(transparent)]
    Datasets(#[from] data::DatasetsError),
    /// A model file cannot be read or written.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A model of another tool cannot be taken over, or one of ours not written as its.
    #[error(transparent)]
    Exchange(#[from] exchange::ExchangeError),
    /// An event file for TensorBoard cannot be written.
    #[error(transparent)]
    Tensorboard(#[from] tensorboard::TensorboardError),
    /// A training, an evaluation or a prediction failed.
    #[error(transparent)]
    Train(#[from] train::TrainError),
    /// Processes cannot go on together.
    #[error(transparent)]
    Distribute(#[from] distribute::GroupError),
    /// A federation cannot go on.
    #[error(transparent)]
    Federate(#[from] federate::FederateError),
    /// A model cannot be made smaller.
    #[error(transparent)]
    Compress(#[from] compress::CompressError),
    /// A model cannot be audited.
    #[error(transparent)]
    Audit(#[from] audit::AuditError),
    /// An answer cannot be explained.
    #[error(transparent)]
    Explain(#[from] explain::ExplainError),
    /// The folder of a run cannot be read or written.
    #[error(transparent)]
    Runs(#[from] runs::RunsError),
    /// The data of a report contradicts itself.
    #[error(transparent)]
    Report(#[from] report::ReportError),
    /// Models cannot be served.
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Serve(#[from] serve::ServeError),
    /// A search for hyper-parameters cannot go on.
    #[error(transparent)]
    Tune(#[from] tune::TuneError),
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The result of most functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    /// As it ends a program whose `main` returns it.
    #[test]
    fn an_error_that_ends_a_program_reads_like_its_message() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("none.fireclay");
        let error = Error::from(store::load_card(&path).expect_err("no such file"));
        let printed = format!("{error:?}");
        assert!(printed.starts_with(&error.to_string()) && printed.contains("none.fireclay"), "{printed}");
        assert!(printed.contains("\n  caused by: ") && !printed.contains('{'), "{printed}");
    }
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
