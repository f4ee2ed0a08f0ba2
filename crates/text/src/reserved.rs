//! Tokens that stand for no word; they come before all words in every [`Vocabulary`](crate::Vocabulary).

/// Fills a text up to the length of others.
pub const PADDING: u32 = 0;
/// A word that is not in the vocabulary.
pub const UNKNOWN: u32 = 1;
/// The start of a text.
pub const START: u32 = 2;
/// The end of a text.
pub const END: u32 = 3;
/// How the reserved tokens are written. No word of a text is spelled so: `<` is a word of its own.
pub const NAMES: [&str; 4] = ["<padding>", "<unknown>", "<start>", "<end>"];

/// The most words a vocabulary holds besides the reserved tokens.
pub(crate) const MAX_WORDS: usize = 1 << 22;
