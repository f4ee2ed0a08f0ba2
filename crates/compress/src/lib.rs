//! Smaller and faster models, made of trained ones.
//!
//! [`to_int8`] makes of a model file one whose layers compute in 8-bit whole numbers: a quarter of the size, and on a CPU
//! faster by as much as its instructions for bytes are. [`to_bf16`] halves the file
//! alone, and [`sparsify`] takes single weights out for its size alone. [`prune`] takes out the channels that matter least, after which the model is
//! trained for some epochs. [`Taught`] puts what a teacher says beside the samples, from which a smaller network learns, such as one
//! that [`narrowed`] makes. What comes out is a model file like any other.
//!
//! ```
//! use std::sync::Arc;
//!
//! use fireclay_compress::{Int8Options, to_int8};
//! use fireclay_datasets::DrawnDigits;
//! use fireclay_nn::ModelSpec;
//! use fireclay_store::ModelFile;
//! use fireclay_train::{Adam, Device, FitOptions, Trainer};
//!
//! let device = Device::flex();
//! let (train, test) = DrawnDigits::new(0).train_and_test(512, 256);
//! let model = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10).build_seeded(0, &device)?;
//! let mut trainer = Trainer::classification(model).optimizer(Adam::new(3e-3));
//! trainer.fit(&train, &FitOptions { epochs: 3, batch_size: 32, ..FitOptions::default() })?;
//! # let folder = tempfile::tempdir()?;
//! # let (path, small_path) = (folder.path().join("digits.fireclay"), folder.path().join("small.fireclay"));
//! let bytes = trainer.save(&path)?;
//!
//! let (small, report) = to_int8(&ModelFile::load(&path)?, Arc::new(train), &Int8Options::default(), &device)?;
//! assert_eq!(report.computed_in_int8(), 2);
//! assert!(10 * small.save(&small_path)? < 4 * bytes);
//! let accuracy = Trainer::load(&small_path, &device)?.evaluate(&test)?.accuracy().unwrap();
//! assert!((accuracy - trainer.evaluate(&test)?.accuracy().unwrap()).abs() < 0.02);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Sister crates: `fireclay-nn` (models), `fireclay-store` (model files), `fireclay-train` (fit and evaluate), `fireclay` (all of
//! them behind one door).

mod bf16;
mod distill;
mod error;
mod int8;
mod prune;
mod sparse;
mod speed;

pub use bf16::to_bf16;
pub use distill::Taught;
pub use error::CompressError;
pub use int8::{Int8LayerReport, Int8Options, Int8Report, LayerForm, to_int8};
pub use prune::{PruneOptions, PruneReport, PruneScore, PrunedGroup, narrowed, prune};
pub use sparse::{SparseTensor, check_sparsity, sparsify};
pub use speed::{Speed, compare_speed};
