//! What the tokenisers of this crate have in common.

use rayon::prelude::*;

use crate::TextError;

/// Turns texts into tokens and back, by whatever rule.
///
/// Token 0 is padding and stands for no part of a text.
pub trait Tokenizer: Send + Sync {
    /// The tokens of a text, at least one.
    ///
    /// # Errors
    /// If the tokeniser cannot read the text.
    fn encode(&self, text: &str) -> Result<Vec<u32>, TextError>;

    /// A text for people.
    ///
    /// # Errors
    /// If the tokeniser cannot make a text of these tokens.
    fn decode(&self, tokens: &[u32]) -> Result<String, TextError>;

    /// Every token is below it.
    fn vocabulary_size(&self) -> usize;

    /// The tokens of many texts, encoded on all threads.
    ///
    /// # Errors
    /// If one of the texts cannot be encoded.
    fn encode_all(&self, texts: &[String]) -> Result<Vec<Vec<u32>>, TextError> {
        texts.par_iter().map(|text| self.encode(text)).collect()
    }
}
