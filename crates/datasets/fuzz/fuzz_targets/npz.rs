//! Archives of NumPy's arrays.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut npz) = fireclay_datasets::Npz::from_bytes("a.npz", bytes.to_vec()) else { return };
    let names: Vec<String> = npz.names().map(str::to_owned).collect();
    for name in names {
        let _ = npz.array(&name);
    }
});
