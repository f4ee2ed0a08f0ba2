//! Parameters, as they lie in messages and checkpoints.
#![no_main]

use fireclay_federate::Parameters;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(parameters) = Parameters::from_bytes(bytes) else { return };
    let written = parameters.to_bytes().expect("what was read can be written");
    let again = Parameters::from_bytes(&written).expect("what was written can be read");
    assert_eq!(parameters.difference_in_form(&again), None);
    assert!(parameters.values().map(f32::to_bits).eq(again.values().map(f32::to_bits)));
});
