//! The whole way from a text to what a network reads.

use serde::{Deserialize, Serialize};

use super::{TextEncoder, TextPadding};
use crate::TextError;

/// How texts become rows of tokens: part of every model that reads texts, and kept in its file.
///
/// ```
/// use fireclay_text::{TextPadding, TextEncoder, TextPreprocessing, Vocabulary, WordTokenizer};
///
/// # fn main() -> Result<(), fireclay_text::TextError> {
/// let encoder = TextEncoder::new(WordTokenizer::default(), Vocabulary::from_words(["not", "bad"])?);
/// let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(4) };
/// assert_eq!(preprocessing.tokens("Not bad"), [4, 5, 0, 0]);
/// # Ok(())
/// # }
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TextPreprocessing {
    /// How texts become tokens.
    pub encoder: TextEncoder,
    /// How many tokens each text has afterwards.
    pub padding: TextPadding,
}

impl TextPreprocessing {
    /// The tokens of one text, `[padding.length]`.
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        let mut out = Vec::with_capacity(self.padding.length);
        self.padding.apply(&self.encoder.encode(text), &mut out);
        out
    }

    /// Checks what a description from outside may have wrong.
    ///
    /// # Errors
    /// If the length of the padding is out of range.
    pub fn check(&self) -> Result<(), TextError> {
        self.padding.check()
    }
}
