//! ONNX graphs of one input: what is read is run on a batch of two, with 8 for sizes that the file leaves open.
#![no_main]

use fireclay_exchange::onnx::{OnnxGraph, OnnxSize};
use fireclay_nn::{AnyTensor, Device};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("file.onnx");
    std::fs::write(&path, bytes).expect("the file is written");
    let Ok(graph) = OnnxGraph::read(&path) else { return };
    let [input] = graph.inputs() else { return };
    let sizes = input.shape[1..].iter().map(|size| match size {
        OnnxSize::Fixed(size) => *size,
        OnnxSize::Any(_) => 8,
    });
    let mut sizes: Vec<usize> = std::iter::once(2).chain(sizes).collect();
    if sizes.len() == 1 {
        sizes.push(1);
    }
    let count = sizes.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    if let Some(count) = count.filter(|count| *count < 1 << 16) {
        let batch = AnyTensor::from_values(vec![0.5; count], &sizes, &Device::default());
        let _ = graph.build(&Device::default()).run(batch);
    }
});
