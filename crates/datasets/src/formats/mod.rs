//! File formats, and one's own files in them.

mod archive;
mod digest;
mod folders;
mod idx;
#[cfg(feature = "images")]
mod image;
mod numpy;
mod table;
mod text;
mod whole;

pub use archive::{ArchiveLimits, read_archive};
pub(crate) use folders::is_hidden;
#[cfg(feature = "images")]
pub use folders::{
    BrokenImages, ImageCache, ImageChannels, ImageFile, ImageFolder, ImageFolderOptions, ImageSize, Resize,
    read_image, read_picture, read_picture_bytes,
};
pub use folders::{Skipped, TextFolder, read_text};
pub use idx::{Idx, IdxKind, read_idx, read_idx_bytes};
#[cfg(feature = "images")]
pub use image::{DigitImage, read_digit, read_digit_bytes};
#[cfg(feature = "images")]
pub(crate) use image::{ImageHeader, read_image_header};
pub use numpy::{
    ImageLayout, NpyArray, NpyHeader, NpyKind, NpyValues, Npz, NumpyDataset, NumpyOptions, NumpyTargets,
};
pub use table::{
    Column, Dialect, MissingNumbers, Table, TableHeader, TableOptions, TableRows, TableTarget, TextEncoding,
    TextTable,
};
