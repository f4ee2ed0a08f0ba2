//! The whole way from a text to what a network reads.

use fireclay_data::Side;
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

    /// The words of a text whose tokens are read, each with the place of its token in [`tokens`](Self::tokens); a word that is not in the vocabulary
    /// too. Of n-grams, whose tokens are a set, there are none.
    ///
    /// ```
    /// use fireclay_text::{TextEncoder, TextPadding, TextPreprocessing, Vocabulary, WordTokenizer};
    ///
    /// # fn main() -> Result<(), fireclay_text::TextError> {
    /// let encoder = TextEncoder::new(WordTokenizer::default(), Vocabulary::from_words(["not", "bad"])?).with_start(true);
    /// let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(3) };
    /// assert_eq!(preprocessing.words_read("Not that bad"), [(1, "not".into()), (2, "that".into())]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn words_read(&self, text: &str) -> Vec<(usize, String)> {
        if self.encoder.ngrams().is_some() {
            return Vec::new();
        }
        let mut words = Vec::new();
        self.encoder.tokenizer().words(text, |word| words.push(word.to_owned()));
        // Where each token comes from takes the token's way; 0 is what fills up.
        let tokens = self.encoder.encode(text).len();
        let origins: Vec<u32> = (1..=tokens as u32).collect();
        let mut read = Vec::with_capacity(self.padding.length);
        self.padding.apply(&origins, &mut read);
        let before = usize::from(self.encoder.marks_start());
        let word = |origin: u32| words.get((origin as usize).checked_sub(1 + before)?).cloned();
        read.iter().enumerate().filter_map(|(place, origin)| Some((place, word(*origin)?))).collect()
    }

    /// The part of a text that its tokens come from, where a long text is cut: from the beginning of a word, or up to the end of
    /// one.
    ///
    /// ```
    /// use fireclay_data::Side;
    /// use fireclay_text::{TextEncoder, TextPadding, TextPreprocessing, Vocabulary, WordTokenizer};
    ///
    /// # fn main() -> Result<(), fireclay_text::TextError> {
    /// let encoder = TextEncoder::new(WordTokenizer::default(), Vocabulary::from_words(["not", "bad"])?);
    /// let padding = TextPadding { truncate: Side::Left, ..TextPadding::to(2) };
    /// let preprocessing = TextPreprocessing { encoder, padding };
    /// assert_eq!(preprocessing.part_read("At first it is not bad"), "not bad");
    /// # Ok(())
    /// # }
    /// ```
    pub fn part_read<'a>(&self, text: &'a str) -> &'a str {
        let fits = |part: &str| self.encoder.encode(part).len() <= self.padding.length;
        if fits(text) {
            return text;
        }
        let spaces = || text.char_indices().filter(|(_, letter)| letter.is_whitespace());
        // The more is left out the fewer tokens there are, so that halving finds the longest part.
        match self.padding.truncate {
            Side::Left => {
                let starts: Vec<usize> = spaces().map(|(place, letter)| place + letter.len_utf8()).collect();
                let first = starts.partition_point(|start| !fits(&text[*start..]));
                starts.get(first).map_or(text, |start| &text[*start..])
            }
            Side::Right => {
                let ends: Vec<usize> = spaces().map(|(place, _)| place).collect();
                let beyond = ends.partition_point(|end| fits(&text[..*end]));
                beyond.checked_sub(1).map_or(text, |last| &text[..ends[last]])
            }
        }
    }

    /// Checks what a description from outside may have wrong.
    ///
    /// # Errors
    /// If the length of the padding is out of range.
    pub fn check(&self) -> Result<(), TextError> {
        Ok(self.padding.check()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Vocabulary, WordTokenizer};

    #[test]
    fn the_part_that_is_read_has_the_tokens_of_the_whole() {
        let text = "One two  three\nfour five";
        let words = ["one", "two", "three", "four", "five"];
        for truncate in [Side::Left, Side::Right] {
            for length in 1..=6 {
                let vocabulary = Vocabulary::from_words(words).unwrap();
                let encoder = TextEncoder::new(WordTokenizer::default(), vocabulary);
                let padding = TextPadding { truncate, ..TextPadding::to(length) };
                let preprocessing = TextPreprocessing { encoder, padding };
                let part = preprocessing.part_read(text);
                assert_eq!(part.split_whitespace().count(), length.min(5), "{truncate:?}: {part:?}");
                assert_eq!(preprocessing.tokens(part), preprocessing.tokens(text), "{truncate:?}: {part:?}");
            }
        }
    }
}
