//! Folders with a sub-folder for each class: of images, or of texts.

mod cache;
mod image_folder;
mod listing;
mod one_image;
mod picture;
mod problem;
mod text_folder;

pub use image_folder::{ImageCache, ImageChannels, ImageFolder, ImageFolderOptions, ImageSize};
pub use listing::Skipped;
pub use one_image::{ImageFile, read_image};
pub use picture::Resize;
pub use problem::FolderProblem;
pub use text_folder::TextFolder;
