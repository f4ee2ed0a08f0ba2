//! Words and their tokens.

mod count;
mod file;
mod similar;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::beginning;
use crate::reserved::{self, MAX_WORDS};
use crate::words::MAX_WORD_BYTES;
use crate::{TextError, Texts, VocabularyProblem, WordTokenizer};

/// The words of the training texts, most frequent first, and their tokens.
///
/// Tokens 0 to 3 are [`reserved`]; token 4 is the most frequent word. Words that are as frequent stand in alphabetic
/// order (that of their Unicode code points), so the same texts always give the same vocabulary.
///
/// Two vocabularies are equal if they hold the same words in the same order. In model files a vocabulary is the list of
/// its words; [`Vocabulary::save`] writes one for people, with counts.
///
/// ```
/// use fireclay_data::{Provenance, Targets};
/// use fireclay_text::{Texts, Vocabulary, VocabularyOptions, WordTokenizer, reserved};
///
/// # fn main() -> Result<(), fireclay_text::TextError> {
/// let targets = Targets::Classes { labels: vec![1, 0], names: vec!["neg".into(), "pos".into()] };
/// let texts = vec!["good, good fun".to_string(), "no fun".to_string()];
/// let training = Texts::new(texts, targets, Provenance::new("two reviews", "train", "made by hand"))?;
///
/// let options = VocabularyOptions { max_words: 3, min_count: 1 };
/// let vocabulary = Vocabulary::build(&training, &WordTokenizer::default(), options)?;
/// assert_eq!(vocabulary.len(), 7);
/// assert_eq!(vocabulary.word(4), Some("fun"));
/// assert_eq!(vocabulary.token("good"), 5);
/// assert_eq!(vocabulary.token("no"), reserved::UNKNOWN);
/// assert_eq!(vocabulary.count(5), Some(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Vocabulary {
    /// All tokens, the reserved ones first.
    words: Vec<Box<str>>,
    tokens: HashMap<Box<str>, u32>,
    /// How often each occurred in the training texts; `None` if that was not kept.
    counts: Option<Vec<u64>>,
}

/// Which words of the training texts get a token.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct VocabularyOptions {
    /// At most so many words, the most frequent ones, besides the reserved tokens; 1 or more, 20,000 by default.
    pub max_words: usize,
    /// Only words that occur at least so often; 1 or more, 2 by default, as nothing is learnt from a single use.
    pub min_count: u64,
}

impl Default for VocabularyOptions {
    fn default() -> Self {
        Self { max_words: 20_000, min_count: 2 }
    }
}

impl VocabularyOptions {
    /// Checks the values.
    ///
    /// # Errors
    /// If `max_words` is 0 or above 4,194,304, or `min_count` is 0.
    pub fn check(&self) -> Result<(), TextError> {
        let refuse =
            |option, expected: String, found| Err(TextError::VocabularyOption { option, expected, found });
        if !(1..=MAX_WORDS).contains(&self.max_words) {
            return refuse("max_words", format!("1 to {MAX_WORDS}"), self.max_words as u64);
        }
        if self.min_count == 0 {
            return refuse("min_count", "1 or more".into(), 0);
        }
        Ok(())
    }
}

impl Vocabulary {
    /// The vocabulary of the training texts. It is the same whatever the number of threads.
    ///
    /// It must not know the texts that a model will be judged by: texts are refused whose provenance names a split that
    /// begins with `test`, `val`, `dev` or `eval`.
    ///
    /// # Errors
    /// If the texts are not for training, the options make no sense, or no word is frequent enough.
    pub fn build(
        training: &Texts,
        tokenizer: &WordTokenizer,
        options: VocabularyOptions,
    ) -> Result<Self, TextError> {
        options.check()?;
        Self::check_is_training(training)?;
        let mut counted = count::words(training.texts(), tokenizer);
        let total: u64 = counted.iter().map(|(_, count)| count).sum();
        counted.retain(|(_, count)| *count >= options.min_count);
        counted.sort_unstable_by(|(word, count), (other, others)| others.cmp(count).then(word.cmp(other)));
        counted.truncate(options.max_words);
        if counted.is_empty() {
            return Err(TextError::NoWords { texts: training.len(), min_count: options.min_count });
        }
        let known: u64 = counted.iter().map(|(_, count)| count).sum();

        let mut builder = Builder::with_capacity(counted.len());
        let mut counts = vec![0, total - known, 0, 0];
        for (index, (word, count)) in counted.into_iter().enumerate() {
            builder.push(word).map_err(|problem| TextError::VocabularyEntry { index, problem })?;
            counts.push(count);
        }
        Ok(builder.finish(Some(counts)))
    }

    /// Refuses texts that a model is going to be judged by.
    pub(super) fn check_is_training(texts: &Texts) -> Result<(), TextError> {
        let provenance = texts.provenance();
        let split = provenance.split.to_lowercase();
        if HELD_OUT.iter().any(|held_out| split.starts_with(held_out)) {
            let (name, split) = (provenance.name.clone(), provenance.split.clone());
            return Err(TextError::HeldOut { name, split });
        }
        Ok(())
    }

    /// The vocabulary of no words, for an encoder that gives none.
    pub(super) fn of_no_words() -> Self {
        Builder::with_capacity(0).finish(None)
    }

    /// The vocabulary with exactly these words, in this order, without counts.
    ///
    /// ```
    /// use fireclay_text::Vocabulary;
    ///
    /// # fn main() -> Result<(), fireclay_text::TextError> {
    /// let vocabulary = Vocabulary::from_words(["bad", "good"])?;
    /// assert_eq!(vocabulary.token("good"), 5);
    /// assert!(Vocabulary::from_words(["twice", "twice"]).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there are none or more than 4,194,304, one is there twice, is a reserved token, is empty, has more than 128
    /// bytes, or holds white space or control characters.
    pub fn from_words(words: impl IntoIterator<Item = impl Into<Box<str>>>) -> Result<Self, TextError> {
        list(words)
    }

    /// Reads a vocabulary that [`Vocabulary::save`] wrote, or that was written by hand in that form.
    ///
    /// # Errors
    /// With file and line, if anything in it cannot be true.
    pub fn load(path: &Path) -> Result<Self, TextError> {
        file::read(path)
    }

    /// Writes the vocabulary for people and for [`Vocabulary::load`], whole or not at all: tab-separated text in UTF-8.
    ///
    /// The first line names the format and the number of entries; the line with number `n` holds token `n - 2`, as a
    /// word and its count in the training texts. The count of `<unknown>` is that of all words left out. Without
    /// counts (see [`Vocabulary::from_words`]) each is written as 1.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TextError> {
        file::write(self, path)
    }

    /// The token of a word; [`reserved::UNKNOWN`] if it has none.
    pub fn token(&self, word: &str) -> u32 {
        self.tokens.get(word).copied().unwrap_or(reserved::UNKNOWN)
    }

    /// The word of a token, or the name of a reserved one; `None` beyond the last.
    pub fn word(&self, token: u32) -> Option<&str> {
        self.words.get(token as usize).map(AsRef::as_ref)
    }

    /// How often the word of a token occurred in the training texts, for [`reserved::UNKNOWN`] all words left out;
    /// `None` beyond the last, and if counts were not kept.
    pub fn count(&self, token: u32) -> Option<u64> {
        self.counts.as_ref()?.get(token as usize).copied()
    }

    /// The counts by token; `None` if they were not kept.
    pub fn counts(&self) -> Option<&[u64]> {
        self.counts.as_deref()
    }

    /// The words in the order of their tokens, without the reserved ones.
    pub fn words(&self) -> impl ExactSizeIterator<Item = &str> {
        self.words.iter().skip(reserved::NAMES.len()).map(AsRef::as_ref)
    }

    /// How many tokens there are, with the reserved ones: every token is below it.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none: never, as the reserved ones are always there.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// How the names of splits begin that a model is judged by.
const HELD_OUT: [&str; 4] = ["test", "val", "dev", "eval"];

/// Words that become a vocabulary, each checked.
struct Builder {
    words: Vec<Box<str>>,
    tokens: HashMap<Box<str>, u32>,
}

impl Builder {
    /// With room for so many words, and the reserved tokens in place.
    fn with_capacity(words: usize) -> Self {
        let mut all = Vec::with_capacity(words.min(MAX_WORDS) + reserved::NAMES.len());
        all.extend(reserved::NAMES.map(Box::from));
        Self { words: all, tokens: HashMap::with_capacity(words.min(MAX_WORDS)) }
    }

    fn push(&mut self, word: impl Into<Box<str>>) -> Result<(), VocabularyProblem> {
        let word = word.into();
        check_word(&word)?;
        if let Some(at) = reserved::NAMES.iter().position(|name| **name == *word) {
            return Err(VocabularyProblem::Duplicate { word: word.into(), first: at as u32 });
        }
        if self.words.len() >= MAX_WORDS + reserved::NAMES.len() {
            return Err(VocabularyProblem::TooManyWords);
        }
        let token = self.words.len() as u32;
        if let Some(first) = self.tokens.insert(word.clone(), token) {
            return Err(VocabularyProblem::Duplicate { word: word.into(), first });
        }
        self.words.push(word);
        Ok(())
    }

    fn finish(self, counts: Option<Vec<u64>>) -> Vocabulary {
        Vocabulary { words: self.words, tokens: self.tokens, counts }
    }
}

fn check_word(word: &str) -> Result<(), VocabularyProblem> {
    if word.is_empty() {
        return Err(VocabularyProblem::Empty);
    }
    if word.len() > MAX_WORD_BYTES {
        return Err(VocabularyProblem::TooLong { word: beginning(word), bytes: word.len() });
    }
    if word.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(VocabularyProblem::Characters { word: word.into() });
    }
    Ok(())
}

fn list(words: impl IntoIterator<Item = impl Into<Box<str>>>) -> Result<Vocabulary, TextError> {
    let mut builder = Builder::with_capacity(0);
    for (index, word) in words.into_iter().enumerate() {
        builder.push(word).map_err(|problem| TextError::VocabularyEntry { index, problem })?;
    }
    if builder.words.len() == reserved::NAMES.len() {
        return Err(TextError::NoWords { texts: 0, min_count: 1 });
    }
    Ok(builder.finish(None))
}

impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Eq for Vocabulary {}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<&str> = self.words().take(3).collect();
        f.debug_struct("Vocabulary").field("len", &self.len()).field("first", &first).finish_non_exhaustive()
    }
}

impl Serialize for Vocabulary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.words())
    }
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(Vec::<Box<str>>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
