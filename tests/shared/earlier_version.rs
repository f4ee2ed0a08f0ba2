//! Files that version 0.1 wrote, from `tests/fixtures/v0.1`: they load, give the numbers that they gave then, and
//! checkpoints go on to the weights that they went to then.
//!
//! They were made with instructions that every CPU has (`FIRECLAY_SIMD=plain`) on two threads, so weights are compared bit
//! by bit, but for networks with tanh or the logistic function, which have kernels since then. What is measured is compared to one part in a million: a sum over a set may be taken in another order.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::{Run, command};

const TOLERANCE: f64 = 1e-6;

/// The folder that the paths in checkpoints begin with.
const MADE_IN: &str = "/tmp/fireclay-fixture-with-a-path-that-is-long-enough-for-any-temporary-folder-of-a-test-to-be-written-in-its-place";

/// A copy of the fixtures, in which a program runs.
pub struct EarlierVersion {
    program: &'static str,
    folder: TempDir,
}

impl EarlierVersion {
    pub fn new(program: &'static str) -> Self {
        let folder = TempDir::with_prefix("v0.1-").unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/v0.1"), folder.path());
        EarlierVersion { program, folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program in the folder and expects success.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut command = command(self.program, self.folder.path());
        let run: Run = command
            .env("FIRECLAY_SIMD", "plain")
            .args(arguments)
            .args(["--threads", "2"])
            .output()
            .unwrap()
            .into();
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:#?}");
        run
    }

    /// A command prints as JSON what it printed then, `expected/NAME.COMMAND.jsonl`; new fields may have come.
    #[track_caller]
    pub fn prints_as_then(&self, name: &str, arguments: &[&str]) {
        let file = format!("expected/{name}.{}.jsonl", arguments[0]);
        let expected = std::fs::read_to_string(self.path(&file)).unwrap();
        let found = self.run(&[arguments, &["--json"]].concat()).stdout;
        let [expected, found] = [&expected, &found].map(|text| {
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            Value::Array(lines.collect())
        });
        same(&file, &expected, &found);
    }

    /// A training with the same flags ends with the weights of `models/NAME.fireclay`.
    #[track_caller]
    pub fn trains_as_then(&self, name: &str, flags: &[&str]) {
        self.run(&[&["train", "--seed", "3", "--out", "again.fireclay"], flags].concat());
        self.same_weights("again.fireclay", &format!("models/{name}.fireclay"));
    }

    /// The same where a function of the network is computed by another formula since then, which rounds otherwise: every
    /// weight is that of then to one part in a million.
    #[track_caller]
    pub fn trains_nearly_as_then(&self, name: &str, flags: &[&str]) {
        self.run(&[&["train", "--seed", "3", "--out", "again.fireclay"], flags].concat());
        let [found, expected] = ["again.fireclay".to_owned(), format!("models/{name}.fireclay")]
            .map(|name| weights(&self.path(&name)));
        assert_eq!(found.0, expected.0, "names, types and shapes");
        assert!(found.0.as_object().unwrap().values().all(|tensor| tensor["dtype"] == "F32"), "{}", found.0);
        let [found, expected] = [found.1, expected.1].map(|bytes| {
            bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>()
        });
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let most = TOLERANCE as f32 * expected.abs().max(1.0);
            assert!((found - expected).abs() <= most, "weight {index} is {found}, and was {expected}");
        }
    }

    /// The checkpoint of a run that was broken off goes on to the weights that the run had ended with.
    #[track_caller]
    pub fn resumes_as_then(&self, name: &str) {
        let path = self.path(&format!("checkpoints/{name}.checkpoint"));
        let mut bytes = std::fs::read(&path).unwrap();
        // Separators fill the folder's name up to the length of the one in the file.
        let folder = self.folder.path().to_str().unwrap();
        assert!(folder.len() < MADE_IN.len(), "the temporary folder's name is too long: {folder}");
        let folder = folder.to_owned() + &"/".repeat(MADE_IN.len() - folder.len());
        let mut places = 0;
        while let Some(place) = bytes.windows(MADE_IN.len()).position(|part| part == MADE_IN.as_bytes()) {
            bytes[place..place + MADE_IN.len()].copy_from_slice(folder.as_bytes());
            places += 1;
        }
        assert!(places >= 2, "a path of the data and one of the model");
        std::fs::write(&path, bytes).unwrap();

        let run = self.run(&["train", "--resume", path.to_str().unwrap()]);
        assert!(run.stdout.contains("resuming from the checkpoint"), "{}", run.stdout);
        self.same_weights(&format!("{name}.fireclay"), &format!("expected/{name}.fireclay"));
    }

    #[track_caller]
    fn same_weights(&self, found: &str, expected: &str) {
        let [found, expected] = [found, expected].map(|name| weights(&self.path(name)));
        assert_eq!(found.0, expected.0, "names, types and shapes of {:?}", self.path("."));
        assert!(found.1 == expected.1, "the weights' bytes differ");
    }
}

/// Where each tensor lies in a safetensors file, and the bytes of all; without what the file says besides.
fn weights(path: &Path) -> (Value, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let (header, tensors) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    header.as_object_mut().unwrap().remove("__metadata__").expect("a model file has metadata");
    (header, tensors.to_vec())
}

/// Whether everything expected is there.
#[track_caller]
fn same(place: &str, expected: &Value, found: &Value) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, expected) in expected {
                let found = found.get(name).unwrap_or_else(|| panic!("{place}.{name} is gone"));
                same(&format!("{place}.{name}"), expected, found);
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            assert_eq!(expected.len(), found.len(), "{place} has another length");
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                same(&format!("{place}[{index}]"), expected, found);
            }
        }
        (Value::Number(expected), Value::Number(found)) => {
            let (expected, found) = (expected.as_f64().unwrap(), found.as_f64().unwrap());
            let most = TOLERANCE * expected.abs().max(1.0);
            assert!((expected - found).abs() <= most, "{place} is {found}, and was {expected}");
        }
        _ => assert_eq!(expected, found, "{place}"),
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}
