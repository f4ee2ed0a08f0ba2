//! Texts to tokens and back.

use std::sync::LazyLock;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{NgramVocabulary, Prose, Tokenizer, Vocabulary, WordTokenizer, reserved};
use crate::TextError;

/// Turns texts into tokens: what a model that reads words keeps in its file.
///
/// ```
/// use fireclay_text::{TextEncoder, Vocabulary, WordTokenizer, reserved};
///
/// # fn main() -> Result<(), fireclay_text::TextError> {
/// let vocabulary = Vocabulary::from_words(["not", "bad", "!"])?;
/// let encoder = TextEncoder::new(WordTokenizer::default(), vocabulary);
/// let tokens = encoder.encode("Not <b>THAT</b> bad!");
/// assert_eq!(tokens, [4, reserved::UNKNOWN, 5, 6]);
/// assert_eq!(encoder.decode(&tokens), "not <unknown> bad!");
/// # Ok(())
/// # }
/// ```
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(try_from = "StoredEncoder")]
pub struct TextEncoder {
    tokenizer: WordTokenizer,
    start: bool,
    end: bool,
    #[serde(flatten)]
    known: Known,
}

/// What has a token. In a model file it is one field, `vocabulary` or `ngrams`.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Known {
    Vocabulary(Vocabulary),
    Ngrams(NgramVocabulary),
}

/// What a model file may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEncoder {
    tokenizer: WordTokenizer,
    start: bool,
    end: bool,
    vocabulary: Option<Vocabulary>,
    ngrams: Option<NgramVocabulary>,
}

impl TryFrom<StoredEncoder> for TextEncoder {
    type Error = &'static str;

    fn try_from(stored: StoredEncoder) -> Result<Self, &'static str> {
        let StoredEncoder { tokenizer, start, end, vocabulary, ngrams } = stored;
        let known = match (vocabulary, ngrams) {
            (Some(vocabulary), None) => Known::Vocabulary(vocabulary),
            (None, Some(ngrams)) => Known::Ngrams(ngrams),
            _ => return Err("expected one of the fields `vocabulary` and `ngrams`"),
        };
        Ok(TextEncoder { tokenizer, start, end, known })
    }
}

impl TextEncoder {
    /// An encoder that marks neither start nor end of a text.
    ///
    /// The tokeniser should be the one that the vocabulary was built with.
    pub fn new(tokenizer: WordTokenizer, vocabulary: Vocabulary) -> Self {
        Self { tokenizer, start: false, end: false, known: Known::Vocabulary(vocabulary) }
    }

    /// An encoder that gives the set of a text's n-grams, see [`NgramVocabulary::tokens`], and marks neither start nor
    /// end.
    pub fn of_ngrams(tokenizer: WordTokenizer, ngrams: NgramVocabulary) -> Self {
        Self { tokenizer, start: false, end: false, known: Known::Ngrams(ngrams) }
    }

    /// Whether every text begins with [`reserved::START`].
    #[must_use]
    pub fn with_start(self, start: bool) -> Self {
        Self { start, ..self }
    }

    /// Whether every text ends with [`reserved::END`]. Where texts are truncated, it may be cut off.
    #[must_use]
    pub fn with_end(self, end: bool) -> Self {
        Self { end, ..self }
    }

    /// Whether every text begins with [`reserved::START`].
    pub(crate) fn marks_start(&self) -> bool {
        self.start
    }

    /// How texts are cut into words.
    pub fn tokenizer(&self) -> &WordTokenizer {
        &self.tokenizer
    }

    /// The words and their tokens; no words where n-grams are read.
    pub fn vocabulary(&self) -> &Vocabulary {
        static NO_WORDS: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::of_no_words);
        match &self.known {
            Known::Vocabulary(vocabulary) => vocabulary,
            Known::Ngrams(_) => &NO_WORDS,
        }
    }

    /// The n-grams, where the encoder gives those.
    pub fn ngrams(&self) -> Option<&NgramVocabulary> {
        match &self.known {
            Known::Vocabulary(_) => None,
            Known::Ngrams(ngrams) => Some(ngrams),
        }
    }

    /// Every token is below it: words or n-grams, and the reserved tokens.
    pub fn vocabulary_size(&self) -> usize {
        match &self.known {
            Known::Vocabulary(vocabulary) => vocabulary.len(),
            Known::Ngrams(ngrams) => reserved::NAMES.len() + ngrams.len(),
        }
    }

    /// The tokens of a text; [`reserved::UNKNOWN`] for words that are not in the vocabulary.
    ///
    /// A text without a word, such as an empty one, gives one [`reserved::UNKNOWN`]: a model then has something to
    /// read.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let vocabulary = match &self.known {
            Known::Vocabulary(vocabulary) => vocabulary,
            Known::Ngrams(ngrams) => return ngrams.tokens(text, &self.tokenizer),
        };
        // English has a word in five bytes, roughly.
        let mut tokens = Vec::with_capacity(text.len() / 5 + 4);
        if self.start {
            tokens.push(reserved::START);
        }
        let marks = tokens.len();
        self.tokenizer.words(text, |word| tokens.push(vocabulary.token(word)));
        if tokens.len() == marks {
            tokens.push(reserved::UNKNOWN);
        }
        if self.end {
            tokens.push(reserved::END);
        }
        tokens
    }

    /// The tokens of many texts, encoded on all threads.
    pub fn encode_all(&self, texts: &[String]) -> Vec<Vec<u32>> {
        texts.par_iter().map(|text| self.encode(text)).collect()
    }

    /// A text for people: words with spaces where a text has them ([`Prose`]). Padding, start and end are left
    /// out, and tokens beyond the vocabulary are unknown ones, as are all n-grams.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut text = String::new();
        let mut prose = Prose::default();
        for &token in tokens {
            if matches!(token, reserved::PADDING | reserved::START | reserved::END) {
                continue;
            }
            let unknown = reserved::NAMES[reserved::UNKNOWN as usize];
            let word = self.vocabulary().word(token).unwrap_or(unknown);
            prose.push(word, &mut text);
        }
        text
    }
}

impl Tokenizer for TextEncoder {
    fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        Ok(TextEncoder::encode(self, text))
    }

    fn decode(&self, tokens: &[u32]) -> Result<String, TextError> {
        Ok(TextEncoder::decode(self, tokens))
    }

    fn vocabulary_size(&self) -> usize {
        TextEncoder::vocabulary_size(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cleaning, Punctuation};

    fn encoder() -> TextEncoder {
        let vocabulary = Vocabulary::from_words(["the", "film", ",", "(", ")", "really", "..."]).unwrap();
        TextEncoder::new(WordTokenizer::default(), vocabulary)
    }

    #[test]
    fn a_text_without_words_gives_one_unknown_token() {
        let bare = WordTokenizer { punctuation: Punctuation::Dropped, ..WordTokenizer::default() };
        let bare = TextEncoder::new(bare, encoder().vocabulary().clone());
        for text in ["", " \r\n", "<br />", "?!...", "\0"] {
            assert_eq!(bare.encode(text), [reserved::UNKNOWN], "{text:?}");
        }
        let marked = bare.with_start(true).with_end(true);
        assert_eq!(marked.encode(""), [reserved::START, reserved::UNKNOWN, reserved::END]);
        assert_eq!(marked.encode("film"), [reserved::START, 5, reserved::END]);
    }

    #[test]
    fn decoded_texts_are_readable() {
        let tokens = encoder().encode("The film, (really)... seen");
        assert_eq!(tokens, [4, 5, 6, 7, 9, 8, 10, 1]);
        assert_eq!(encoder().decode(&tokens), "the film, (really)... <unknown>");
        assert_eq!(encoder().decode(&[0, 0, 2, 4, 3, 999, 0]), "the <unknown>");
        assert_eq!(encoder().decode(&[]), "");
    }

    #[test]
    fn many_texts_are_encoded_as_each_is() {
        let texts: Vec<String> = (0..500).map(|i| "the film, ".repeat(i % 7)).collect();
        let each: Vec<Vec<u32>> = texts.iter().map(|text| encoder().encode(text)).collect();
        assert_eq!(encoder().encode_all(&texts), each);
    }

    #[test]
    fn a_review_of_a_megabyte() {
        let text = "the film, ".repeat(100_000);
        let tokens = encoder().encode(&text);
        assert_eq!(tokens.len(), 300_000);
        assert_eq!(tokens[299_997..], [4, 5, 6]);
    }

    #[test]
    fn the_stored_form_is_pinned_and_checked() {
        let encoder = TextEncoder::new(
            WordTokenizer { cleaning: Cleaning::none(), ..WordTokenizer::default() },
            Vocabulary::from_words(["b", "a"]).unwrap(),
        )
        .with_end(true);
        let json = serde_json::to_string(&encoder).unwrap();
        let expected = concat!(
            r#"{"tokenizer":{"cleaning":{"line_breaks":false,"tags":false,"entities":false,"quotes":false,"#,
            r#""nfkc":false,"lowercase":false},"punctuation":"words","numbers":"words"},"#,
            r#""start":false,"end":true,"vocabulary":["b","a"]}"#
        );
        assert_eq!(json, expected);
        let read: TextEncoder = serde_json::from_str(&json).unwrap();
        assert_eq!(read, encoder);
        assert_eq!(read.encode("a b"), encoder.encode("a b"));

        for (lie, complaint) in [
            (json.replace(r#""start""#, r#""begin""#), "unknown field `begin`"),
            (json.replace(r#""words","numbers""#, r#""letters","numbers""#), "unknown variant `letters`"),
            (
                json.replace(r#"["b","a"]"#, r#"["b","b"]"#),
                "entry 1 of the vocabulary: the word \"b\" is there already, as token 4",
            ),
            (json.replace(r#"["b","a"]"#, r#"["b","<end>"]"#), "\"<end>\" is there already, as token 3"),
            (json.replace(r#"["b","a"]"#, "[]"), "no word"),
            (json.replace(r#"["b","a"]"#, r#"["b c"]"#), "white space"),
            (json.replace(r#"["b","a"]"#, r#"[""]"#), "the word is empty"),
            (
                json.replace(r#"["b","a"]"#, &format!("[{:?}]", "x".repeat(129))),
                "129 bytes; expected at most 128",
            ),
        ] {
            let message = serde_json::from_str::<TextEncoder>(&lie).unwrap_err().to_string();
            assert!(message.contains(complaint), "{message}");
        }
    }
}
