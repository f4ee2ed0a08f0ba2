//! What somebody with the key sends: greetings, calls, partings, and frames of messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fireclay_distribute::fuzz::messages(bytes);
    fireclay_distribute::fuzz::frames(bytes);
});
