//! All tests of the crate from outside, in one binary: one file for each subject. They need all features; `without_features.rs` needs
//! none.
#![cfg(all(feature = "archives", feature = "download", feature = "images"))]

mod archive_memory;
mod archives;
mod cifar_files;
mod contact_sheets;
mod describing;
mod download_processes;
mod downloads;
mod drawn_digits;
mod drawn_objects;
mod hostile_files;
mod idx_files;
mod image_files;
mod image_folder;
mod imdb_files;
mod mnist_folder;
mod numpy_files;
mod numpy_shards;
mod real_mnist;
mod real_sets;
mod support;
mod tables;
mod tars;
mod text_folder;
mod training_batches;
mod written_reviews;
