//! Model files: what is read is run.
#![no_main]

use fireclay_store::ModelFile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("file.fireclay");
    std::fs::write(&path, bytes).expect("the file is written");
    let Ok(model) = ModelFile::load(&path) else { return };
    if fireclay_store_fuzz::is_small(&model.card.spec) {
        fireclay_store_fuzz::run(model);
    }
});
