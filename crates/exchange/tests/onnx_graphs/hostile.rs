//! Files that were cut or changed give typed errors, or run.

use std::path::Path;

use fireclay_exchange::ExchangeError;
use fireclay_exchange::onnx::OnnxGraph;
use fireclay_nn::{AnyTensor, Device};

use crate::support::folder;

/// Reads a file of these bytes, and runs it if that works.
fn try_bytes(path: &Path, bytes: &[u8]) -> Result<(), ExchangeError> {
    std::fs::write(path, bytes).unwrap();
    let network = OnnxGraph::read(path)?.build(&Device::default());
    network.run(AnyTensor::from_values(vec![0.25; 8], &[2, 4], &Device::default())).map(|_| ())
}

#[test]
fn cut_files_are_refused() {
    let folder_of_test = tempfile::tempdir().unwrap();
    let path = folder_of_test.path().join("cut.onnx");
    let whole = std::fs::read(folder().join("mlp_dynamo.onnx")).unwrap();
    let mut taken = Vec::new();
    for length in (0..whole.len()).step_by(3) {
        match try_bytes(&path, &whole[..length]) {
            Ok(()) => taken.push(length),
            Err(error) => assert!(error.to_string().contains("cut.onnx"), "{length}: {error}"),
        }
    }
    // Only what comes behind the graph may be missing.
    assert!(taken.iter().all(|length| length + 100 > whole.len()), "{taken:?} of {}", whole.len());
    assert!(try_bytes(&path, &whole).is_ok());
}

#[test]
fn changed_bytes_never_panic() {
    let folder_of_test = tempfile::tempdir().unwrap();
    let path = folder_of_test.path().join("changed.onnx");
    let whole = std::fs::read(folder().join("mlp_script.onnx")).unwrap();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        let _ = try_bytes(&path, &bytes);
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let folder_of_test = tempfile::tempdir().unwrap();
    let message = OnnxGraph::read(folder_of_test.path()).unwrap_err().to_string();
    assert!(message.contains("is not a file"), "{message}");
    let message = OnnxGraph::read(folder_of_test.path().join("none.onnx")).unwrap_err().to_string();
    assert!(message.contains("none.onnx"), "{message}");
}
