//! Datasets for Fireclay: reading them, fetching them, splitting them and handing them to a training loop in batches.
//!
//! Everything here is plain host memory: a [`Dataset`] is one contiguous array of samples with its targets, a
//! [`Batch`] is what one training step reads, and a [`Loader`] assembles batches ahead of the step that needs them.
//! Nothing in this crate knows of tensors or devices; the upload happens in `fireclay-train`.
//!
//! Its sister crates: `fireclay-backend` (devices), `fireclay-nn` (models), `fireclay-store` (model files),
//! `fireclay-train` (fit, evaluate, predict), `fireclay-cli` (what the apps share), `fireclay` (the front door).
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::sync::Arc;
//! use fireclay_data::{DrawnDigits, Loader, epoch_order};
//!
//! # fn main() -> Result<(), fireclay_data::DataError> {
//! let (train, _test) = DrawnDigits::new(0).train_and_test(100, 20);
//! let (training, validation) = train.split(0.2, 7)?;
//! assert_eq!((training.len(), validation.len()), (80, 20));
//!
//! let order = epoch_order(training.len(), 7, 0);
//! let batch_size = NonZeroUsize::new(32).unwrap();
//! let mut batches = 0;
//! let mut loader = Loader::new(Arc::new(training), order, batch_size, 0);
//! while let Some(batch) = loader.next().transpose()? {
//!     assert_eq!(batch.shape[1..], [1, 28, 28]);
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
mod builtin;
mod data_dir;
mod dataset;
mod download;
mod error;
mod formats;
mod loader;
mod look;
mod named_inputs;
mod normalization;
mod order;
mod provenance;
mod random;
mod sets;
mod sha256;
mod source;
mod split;
mod standardize;
mod subset;
mod targets;
mod text;
mod texts;

pub use augment::{
    Affine, AugmentScratch, Augmentation, AugmentationProblem, Augmenter, Border, Crop, Cutout, Fill, Flip,
    Mixup, MixupPlan,
};
pub use builtin::{DrawnDigits, DrawnObjects, WrittenReviews};
pub use data_dir::DataDir;
pub use dataset::{Bytes, Dataset};
pub use download::{DownloadProgress, FetchOptions, RemoteFile, fetch, fetch_with};
pub use error::{DataError, ImageProblem, MirrorFailure, MirrorProblem};
#[doc(hidden)]
pub use formats::read_idx_bytes;
pub use formats::{
    ArchiveLimits, ArchiveProblem, Column, DigitImage, FileProblem, FolderProblem, Idx, IdxKind, ImageCache,
    ImageChannels, ImageFile, ImageFolder, ImageFolderOptions, ImageLayout, ImageSize, MissingNumbers,
    NpyArray, NpyHeader, NpyKind, NpyValues, Npz, NumpyDataset, NumpyOptions, NumpyProblem, NumpyTargets,
    Resize, Skipped, Table, TableHeader, TableOptions, TableProblem, TableTarget, TextFolder, TextTable,
    read_archive, read_digit, read_digit_bytes, read_idx, read_image,
};
pub use loader::Loader;
pub use look::{
    ByteStats, ClassCount, ContactSheet, DataReport, DuplicateCount, DuplicatePair, Duplicates,
    FeatureReport, LengthStats, LookProblem, NumberStats, Picture, SplitReport, TargetReport, TextGroup,
    TextSample, TextSamples, Tile, TileRow, describe, describe_texts, sample_texts,
};
pub use named_inputs::NamedInputs;
pub use normalization::Normalization;
pub use order::{bucketed_order, epoch_order};
pub use provenance::Provenance;
pub use sets::{Cifar10, Cifar100, Imdb, Mnist, SetProblem};
pub use source::{
    Batch, BatchFeatures, BatchTargets, FeatureKind, InputFeatures, InputKind, Pass, Source, SourceMetadata,
    SourcePair, TargetKind,
};
pub use subset::Subset;
pub use targets::Targets;
#[cfg(feature = "tokenizers")]
pub use text::HuggingFaceTokenizer;
pub use text::{
    Cleaning, NgramOptions, NgramVocabulary, Numbers, Prose, Punctuation, Side, TextEncoder, TextPadding,
    TextPreprocessing, TextProblem, Tokenizer, Vocabulary, VocabularyOptions, VocabularyProblem,
    WordTokenizer, Words, reserved,
};
pub use texts::Texts;
