//! NumPy's arrays.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = fireclay_datasets::NpyArray::from_bytes("a.npy", bytes) {
        assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
    }
});
