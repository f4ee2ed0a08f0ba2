//! NumPy's `.npy` and `.npz`.

mod array;
mod dataset;
mod header;
mod npz;
mod shards;

use crate::error::NumpyProblem;
pub use array::{NpyArray, NpyValues};
pub use dataset::{ImageLayout, NumpyDataset, NumpyOptions, NumpyTargets};
pub use header::{NpyHeader, NpyKind};
pub use npz::Npz;
