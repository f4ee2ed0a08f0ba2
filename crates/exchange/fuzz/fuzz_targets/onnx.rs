//! ONNX: the messages, what they say, and the layers that are made of it.
#![no_main]

use fireclay_exchange::onnx;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("fireclay-fuzz-{}.onnx", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    if let Ok(imported) = onnx::import(&path) {
        let values: usize = imported.model.tensors.iter().map(|tensor| tensor.values.len()).sum();
        // A number has a byte at least, or is computed, of which there may be some millions besides twice those in the file.
        assert!(values <= 8 * bytes.len() + (1 << 24));
    }
});
