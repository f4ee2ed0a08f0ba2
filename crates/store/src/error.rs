//! What can go wrong with a file that holds a model.

use std::path::PathBuf;

use fireclay_nn::NnError;

/// Why a model or a checkpoint could not be written or read. Every message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Distributions that contradict themselves or the model.
    #[error("{path}: in \"reference\" edges must ascend, with a share from 0 to 1 for each part, and a share for each class", path = path.display())]
    Reference {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file cannot be written; an older file of that name is untouched.
    #[error("cannot write {}: {source}; a file that was there before is unchanged", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes are not safetensors, or were cut or changed.
    #[error(
        "{} is not a whole safetensors file: {source}; take it from its source again, or go back to an older one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: safetensors::SafeTensorError,
    },
    /// The weights are not those that were written.
    #[error(
        "the weights in {} have the SHA-256 {found} and were written with {expected}: the file was damaged or changed; take it from its source again, or go back to an older one",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// As the file says.
        expected: String,
        /// Of the weights in it.
        found: String,
    },
    /// A safetensors file of some other program, or a checkpoint where a model was expected.
    #[error("{} is a safetensors file but no Fireclay {expected}; it holds {found}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// `model` or `checkpoint`.
        expected: &'static str,
        /// What it holds instead.
        found: String,
    },
    /// The description inside the file cannot be read.
    #[error("the description in {} cannot be read: {source}", path.display())]
    Card {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// The file was written by a later version.
    #[error(
        "{} has format {found}, written by Fireclay {version}; this Fireclay reads formats up to {newest}, so use a newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u64,
        /// The Fireclay that wrote it.
        version: String,
        /// The newest format that is known here.
        newest: u64,
    },
    /// The description and the class names or the preprocessing do not go together.
    #[error("{}: {what} has {found} entries; expected {expected}", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// `classes`, `preprocessing.mean`, ...
        what: &'static str,
        /// Entries found.
        found: usize,
        /// Entries that would fit the architecture.
        expected: String,
    },
    /// A deviation that nothing can be divided by.
    #[error("{}: preprocessing.std holds {std}; expected more than 0", path.display())]
    Preprocessing {
        /// The file.
        path: PathBuf,
        /// The value found.
        std: f32,
    },
    /// A number that cannot be.
    #[error("{}: {what} is {found}; expected {expected}", path.display())]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Which number.
        what: &'static str,
        /// What it is.
        found: f64,
        /// What it may be.
        expected: String,
    },
    /// A pipe, a device or a folder where a file was expected.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A tensor is stored in a type that no weights have.
    #[error("tensor '{name}' in {} is {found}; expected F32, F16, BF16, or I8 with its scales", path.display())]
    Dtype {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// Whole numbers without the scales that make weights of them.
    #[error(
        "tensor '{name}' in {} is of whole numbers, whose rows have scales in '{name}.int8_scale'; expected {expected}, found {found}",
        path.display()
    )]
    Int8Scales {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What there should be.
        expected: String,
        /// What there is instead.
        found: String,
    },
    /// A tensor without its zeros, whose shape or bits are not its own.
    #[error(
        "tensor '{name}' in {} is stored without its zeros, with a shape in '{name}.sparse_shape' and a bit for each value in \
         '{name}.sparse_mask'; expected {expected}, found {found}",
        path.display()
    )]
    Sparse {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What there should be.
        expected: String,
        /// What there is instead.
        found: String,
    },
    /// The architecture cannot be built, or the tensors do not fit it.
    #[error("{}: {source}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: NnError,
    },
}
