//! Folders with a sub-folder for each class: of images, or of texts.

#[cfg(feature = "images")]
mod cache;
#[cfg(feature = "images")]
mod image_folder;
mod listing;
#[cfg(feature = "images")]
mod one_image;
#[cfg(feature = "images")]
mod picture;
mod text_folder;

use crate::error::FolderProblem;
#[cfg(feature = "images")]
pub use image_folder::{BrokenImages, ImageCache, ImageChannels, ImageFolder, ImageFolderOptions, ImageSize};
pub use listing::Skipped;
pub(crate) use listing::is_hidden;
#[cfg(feature = "images")]
pub use one_image::{ImageFile, read_image, read_picture, read_picture_bytes};
#[cfg(feature = "images")]
pub use picture::Resize;
pub use text_folder::{TextFolder, read_text};
