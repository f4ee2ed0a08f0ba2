//! `.keras` archives and HDF5: the first bytes say which of them it is.
#![no_main]

use fireclay_exchange::keras;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("fireclay-fuzz-{}.keras", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    if let Ok(imported) = keras::import(&path) {
        let values: usize = imported.model.tensors.iter().map(|tensor| tensor.values.len()).sum();
        // A packed byte unpacks to at most 1,032, and layers without values of their own have a few million in all.
        assert!(values <= 1_032 * bytes.len() + (1 << 22));
    }
});
