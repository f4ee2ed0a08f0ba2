//! Files of PyTorch and safetensors: every tensor of what opens is read.
#![no_main]

use fireclay_exchange::pytorch::TensorFile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("file.pt");
    std::fs::write(&path, bytes).expect("the file is written");
    let Ok(mut file) = TensorFile::open(&path) else { return };
    let names: Vec<String> = file.tensors().iter().map(|tensor| tensor.name.clone()).collect();
    for name in names {
        let _ = file.read(&name);
    }
});
