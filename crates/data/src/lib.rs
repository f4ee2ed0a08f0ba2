//! What a training loop reads, in plain host memory: a [`Dataset`] holds samples with their targets as contiguous
//! arrays, any [`Source`] can take its place, and a [`Loader`] gathers [`Batch`]es ahead of the step that needs them.
//!
//! Nothing in this crate knows of tensors, files of any format, the network, images or texts; the upload to a device
//! happens in `fireclay-train`. What makes a `Dataset` stands in two sister crates: `fireclay-datasets` (published sets,
//! file formats, one's own files, inspection) and `fireclay-text` (from texts to tokens).
//!
//! Its other sisters: `fireclay-kernels` (numerics), `fireclay-backend` (devices), `fireclay-nn` (models),
//! `fireclay-store` (model files), `fireclay-train` (fit, evaluate, predict), `fireclay-cli` (what the programs share),
//! `fireclay` (the front door).
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::sync::Arc;
//! use fireclay_data::{Dataset, Loader, Normalization, Provenance, Targets, epoch_order};
//!
//! # fn main() -> Result<(), fireclay_data::DataError> {
//! let labels: Vec<u32> = (0..100).map(|index| index % 2).collect();
//! let targets = Targets::Classes { labels, names: vec!["even".into(), "odd".into()] };
//! let provenance = Provenance::new("numbers", "train", "made by hand");
//! let images: Vec<u8> = (0..100 * 4).map(|at| (at % 256) as u8).collect();
//! let train = Dataset::from_u8(&[1, 2, 2], images, targets, Normalization::uniform(0.5, 0.5), provenance)?;
//! let (training, validation) = train.split(0.2, 7)?;
//! assert_eq!((training.len(), validation.len()), (80, 20));
//!
//! let order = epoch_order(training.len(), 7, 0);
//! let batch_size = NonZeroUsize::new(32).unwrap();
//! let mut batches = 0;
//! let mut loader = Loader::new(Arc::new(training), order, batch_size, 0);
//! while let Some(batch) = loader.next().transpose()? {
//!     assert_eq!(batch.shape[1..], [1, 2, 2]);
//!     batches += 1;
//!     loader.recycle(batch);
//! }
//! assert_eq!(batches, 3); // 32 + 32 + 16
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod atomic;
mod augment;
mod augmentation_problem;
mod check;
mod dataset;
mod duplicates;
mod error;
mod loader;
mod named_inputs;
mod normalization;
mod order;
mod padding;
mod picture_form;
mod provenance;
mod random;
mod sample_digests;
pub mod sha256;
mod source;
mod split;
mod standardize;
mod subset;
mod targets;

pub use atomic::{check_writable, write_atomically, write_privately};
pub use augment::{
    Affine, AugmentScratch, Augmentation, Augmenter, Border, Crop, Cutout, Fill, Flip, Mixup, MixupPlan,
};
pub use augmentation_problem::AugmentationProblem;
pub use check::{ClassCount, ClassImbalance, DataCheck};
pub use dataset::{Bytes, Dataset};
pub use duplicates::{Conflicts, DataPart, DuplicateCount, DuplicatePair, Duplicates};
pub use error::DataError;
pub use loader::Loader;
pub use named_inputs::NamedInputs;
pub use normalization::Normalization;
pub use order::{bucketed_order, epoch_order, shard_order};
pub use padding::{Side, TextPadding};
pub use picture_form::PictureForm;
pub use provenance::Provenance;
pub use random::Random;
pub use sample_digests::SampleDigests;
pub use source::{
    Batch, BatchFeatures, BatchTargets, FeatureKind, InputFeatures, InputKind, Pass, Source, SourceMetadata,
    SourcePair, TargetKind,
};
pub use split::split_indices;
pub use subset::Subset;
pub use targets::Targets;
