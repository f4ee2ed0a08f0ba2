//! What makes a [`Dataset`](fireclay_data::Dataset): published sets, file formats, one's own files, and synthetic data.
//!
//! A reader gives a `Dataset` of bytes, numbers or tokens, or [`Texts`](fireclay_text::Texts). [`describe`],
//! [`sample_texts`] and `ContactSheet` inspect what was read.
//!
//! | Feature, on by default | What it adds | Without it |
//! |---|---|---|
//! | `download` | HTTP and TLS, for published sets that are not there yet | [`DatasetsError::MissingFeature`] |
//! | `archives` | gzip, tar and ZIP: `.gz` files of MNIST, archives of CIFAR and IMDB, `.npz` | [`DatasetsError::MissingFeature`] |
//! | `images` | PNG and JPEG: folders of images, single digits and pictures, contact sheets | their types are not there |
//!
//! Its sister crates: `fireclay-data` (what a training loop reads), `fireclay-text` (from texts to tokens),
//! `fireclay-train` (fit, evaluate, predict), `fireclay-cli` (what the programs share), `fireclay` (the front door).
//!
//! ```
//! use fireclay_datasets::DrawnDigits;
//!
//! let (train, test) = DrawnDigits::new(0).train_and_test(100, 20);
//! assert_eq!((train.shape(), train.len(), test.len()), (&[1, 28, 28][..], 100, 20));
//! ```

#![warn(missing_docs)]

mod data_dir;
mod detect;
mod download;
mod error;
mod formats;
mod inspect;
mod sets;
mod synthetic;

pub use data_dir::DataDir;
#[cfg(feature = "images")]
pub use detect::PictureSurvey;
pub use detect::{DataKind, Detected, detect};
pub use download::{DownloadProgress, FetchOptions, RemoteFile, fetch, fetch_with};
#[cfg(feature = "images")]
pub use error::InspectProblem;
pub use error::{
    ArchiveProblem, DatasetsError, DetectProblem, FileProblem, FolderProblem, ImageProblem, MirrorFailure,
    MirrorProblem, NumpyProblem, SetProblem, TableProblem,
};
#[doc(hidden)]
pub use formats::read_idx_bytes;
pub use formats::{
    ArchiveLimits, Column, Dialect, Idx, IdxKind, ImageLayout, MissingNumbers, NpyArray, NpyHeader, NpyKind,
    NpyValues, Npz, NumpyDataset, NumpyOptions, NumpyTargets, Skipped, Table, TableHeader, TableOptions,
    TableRows, TableTarget, TextEncoding, TextFolder, TextTable, read_archive, read_idx, read_text,
};
#[cfg(feature = "images")]
pub use formats::{
    BrokenImages, DigitImage, ImageCache, ImageChannels, ImageFile, ImageFolder, ImageFolderOptions,
    ImageSize, Resize, read_digit, read_digit_bytes, read_image, read_picture, read_picture_bytes,
};
pub use inspect::{
    ByteStats, ClassCount, DataReport, DuplicateCount, DuplicatePair, Duplicates, FeatureReport, LengthStats,
    NumberStats, SplitReport, TargetReport, TextGroup, TextSample, TextSamples, describe, describe_texts,
    sample_texts,
};
#[cfg(feature = "images")]
pub use inspect::{ContactSheet, Picture, Tile, TileRow};
pub use sets::*;
pub use synthetic::{DrawnDigits, DrawnObjects, WrittenReviews};
