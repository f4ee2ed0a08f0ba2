//! PNG and JPEG files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(digit) = fireclay_datasets::read_digit_bytes(bytes, 8, 8) {
        assert_eq!(digit.pixels.len(), 64);
    }
});
