//! Texts: cleaned, cut into words, encoded and decoded.
#![no_main]

use fireclay_text::{TextEncoder, Vocabulary, WordTokenizer};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let vocabulary = Vocabulary::from_words(["not", "bad", "!"]).expect("three words");
    let encoder = TextEncoder::new(WordTokenizer::default(), vocabulary);
    let tokens = encoder.encode(text);
    assert!(!tokens.is_empty() && tokens.len() <= text.chars().count().max(1));
    encoder.decode(&tokens);
});
