//! Saved vocabularies.
#![no_main]

use fireclay_text::Vocabulary;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("fireclay-fuzz-{}.tsv", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    let _ = Vocabulary::load(&path);
});
