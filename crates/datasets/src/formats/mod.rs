//! File formats, and one's own files in them.

mod archive;
mod digest;
mod folders;
mod idx;
mod image;
mod near;
mod numpy;
mod problem;
mod table;
mod text;
mod whole;

pub use archive::{ArchiveLimits, ArchiveProblem, read_archive};
pub use folders::{
    FolderProblem, ImageCache, ImageChannels, ImageFile, ImageFolder, ImageFolderOptions, ImageSize, Resize,
    Skipped, TextFolder, read_image,
};
pub use idx::{Idx, IdxKind, read_idx, read_idx_bytes};
pub use image::{DigitImage, read_digit, read_digit_bytes};
pub use numpy::{
    ImageLayout, NpyArray, NpyHeader, NpyKind, NpyValues, Npz, NumpyDataset, NumpyOptions, NumpyProblem,
    NumpyTargets,
};
pub use problem::FileProblem;
pub use table::{
    Column, MissingNumbers, Table, TableHeader, TableOptions, TableProblem, TableTarget, TextTable,
};
