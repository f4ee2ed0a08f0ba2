//! Running `mnist` as a user does, on a small set of digits in MNIST's own file format.

#![allow(dead_code, reason = "each test program uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use fireclay::data::{Dataset, DrawnDigits};
use tempfile::TempDir;

/// The program, with an environment in which nothing of the user's can be found or changed.
pub fn mnist(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mnist"));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("FIRECLAY_DATA")
        .env("HOME", folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("RUST_BACKTRACE", "0")
        // Set by `cargo test`; the program would take itself to be called through Cargo.
        .env_remove("CARGO")
        // A port where nobody answers: as good as no network, and nothing leaves the machine.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9");
    command
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs `mnist` to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Run {
    mnist(folder).args(arguments).output().unwrap().into()
}

/// Runs `mnist` and expects success.
#[track_caller]
pub fn succeed(folder: &Path, arguments: &[&str]) -> Run {
    let run = run(folder, arguments);
    assert_eq!(run.code, Some(0), "{arguments:?}: {run:#?}");
    run
}

/// Runs `mnist` and expects an exit code and words on standard error.
#[track_caller]
pub fn fail(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> Run {
    let run = run(folder, arguments);
    assert_eq!(run.code, Some(code), "{arguments:?}: {run:#?}");
    for word in words {
        assert!(run.stderr.contains(word), "no '{word}' in: {}", run.stderr);
    }
    run
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

/// The lines from the measured loss to the end of the confusion matrix.
pub fn measures(stdout: &str) -> Vec<String> {
    let lines = stdout.lines().skip_while(|line| !line.starts_with("loss"));
    lines
        .take_while(|line| !line.starts_with("saved"))
        .filter(|line| !line.is_empty())
        .map(String::from)
        .collect()
}

/// A test image as a PNG file.
pub fn write_png(folder: &Path, index: usize) -> PathBuf {
    let (_, test) = digits();
    let path = folder.join(format!("digit-{index:02}.png"));
    image::save_buffer(&path, test.raw_u8(index).unwrap(), 28, 28, image::ColorType::L8).unwrap();
    path
}
