//! Running `mnist` as a user does, on a small set of digits in MNIST's own file format.

#![allow(dead_code, reason = "each test program uses its part")]

#[path = "../shared/mod.rs"]
pub mod shared;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use fireclay::data::{Dataset, DrawnDigits};
use tempfile::TempDir;

pub use shared::{Run, measures};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mnist");

/// The program, with an environment in which nothing of the user's can be found or changed.
pub fn mnist(folder: &Path) -> Command {
    shared::command(PROGRAM, folder)
}

/// Runs `mnist` to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Run {
    shared::run(PROGRAM, folder, arguments)
}

/// Runs `mnist` and expects success.
#[track_caller]
pub fn succeed(folder: &Path, arguments: &[&str]) -> Run {
    shared::succeed(PROGRAM, folder, arguments)
}

/// Runs `mnist` and expects an exit code and words on standard error.
#[track_caller]
pub fn fail(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> Run {
    shared::fail(PROGRAM, folder, arguments, code, words)
}

/// 600 training and 200 test digits.
pub fn digits() -> &'static (Dataset, Dataset) {
    static DIGITS: OnceLock<(Dataset, Dataset)> = OnceLock::new();
    DIGITS.get_or_init(|| DrawnDigits::new(7).train_and_test(600, 200))
}

/// A scratch folder, and in it `data` with the digits as IDX files.
pub fn scratch() -> TempDir {
    let folder = TempDir::with_prefix("mnist-test-").unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let (train, test) = digits();
    write_idx(&data, "train", train);
    write_idx(&data, "t10k", test);
    folder
}

fn write_idx(folder: &Path, prefix: &str, dataset: &Dataset) {
    let count = (dataset.len() as u32).to_be_bytes();
    let side = 28u32.to_be_bytes();
    let mut images = [[0, 0, 8, 3], count, side, side].concat();
    let mut labels = [[0, 0, 8, 1], count].concat();
    for index in 0..dataset.len() {
        images.extend_from_slice(dataset.raw_u8(index).unwrap());
        labels.push(dataset.label(index).unwrap() as u8);
    }
    std::fs::write(folder.join(format!("{prefix}-images-idx3-ubyte")), images).unwrap();
    std::fs::write(folder.join(format!("{prefix}-labels-idx1-ubyte")), labels).unwrap();
}

/// A test image as a PNG file.
pub fn write_png(folder: &Path, index: usize) -> PathBuf {
    let (_, test) = digits();
    let path = folder.join(format!("digit-{index:02}.png"));
    image::save_buffer(&path, test.raw_u8(index).unwrap(), 28, 28, image::ColorType::L8).unwrap();
    path
}
