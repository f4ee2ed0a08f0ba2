//! What can be wrong with texts, vocabularies and tokenisers.

use std::io;
use std::path::PathBuf;

use fireclay_data::DataError;
use thiserror::Error;

use crate::reserved::{self, MAX_WORDS};
use crate::words::MAX_WORD_BYTES;

/// What can be wrong with texts, vocabularies and tokenisers.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TextError {
    /// Samples that do not make a dataset.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file could not be read.
    #[error("cannot read {path}; check that it exists and may be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error(
        "cannot write {path}; check that its folder exists and may be written to, and that there is free space"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Texts and targets do not describe the same number of samples.
    #[error("{targets} targets for {texts} texts; pass one target per text")]
    TextTargets {
        /// How many texts there are.
        texts: usize,
        /// How many targets there are.
        targets: usize,
    },
    /// A vocabulary that was to be built from texts a model is judged by.
    #[error(
        "a vocabulary is built from training texts alone, but these are the {split:?} texts of {name:?}; build it from the training split and encode both with it"
    )]
    HeldOut {
        /// The set.
        name: String,
        /// Its split.
        split: String,
    },
    /// A limit for a vocabulary that makes no sense.
    #[error("{option} of a vocabulary is {found}; expected {expected}")]
    VocabularyOption {
        /// Which field of the options.
        option: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: u64,
    },
    /// Texts without a word that is frequent enough.
    #[error(
        "no word occurs {min_count} time(s) or more in the {texts} training text(s); give more texts, or a lower min_count"
    )]
    NoWords {
        /// How many texts there are.
        texts: usize,
        /// How often a word has to occur.
        min_count: u64,
    },
    /// More n-grams than are kept.
    #[error(
        "{found} n-grams are in as many texts as asked for; expected at most {limit}, so raise min_count"
    )]
    TooManyNgrams {
        /// How many there are.
        found: usize,
        /// The most that can be.
        limit: usize,
    },
    /// A list of words that is not a vocabulary.
    #[error("entry {index} of the vocabulary: {problem}")]
    VocabularyEntry {
        /// Which word, counted from 0 without the reserved ones.
        index: usize,
        /// What is wrong with it.
        problem: VocabularyProblem,
    },
    /// A file that is not a vocabulary.
    #[error("{path}, line {line}: {problem}")]
    VocabularyFile {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: VocabularyProblem,
    },
    /// A file with a tokeniser that cannot be used.
    #[cfg(feature = "tokenizers")]
    #[error("{path} is no tokeniser that can be used; expected the tokenizer.json of a Hugging Face model")]
    TokenizerFile {
        /// The file.
        path: PathBuf,
        /// What its reader said.
        source: tokenizers::Error,
    },
    /// A tokeniser's file that is larger than any.
    #[error("{path} has {found} bytes; expected a tokenizer.json of at most {limit}")]
    TokenizerSize {
        /// The file.
        path: PathBuf,
        /// Its bytes, or as many as were seen.
        found: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A text that a tokeniser refuses.
    #[cfg(feature = "tokenizers")]
    #[error("the tokeniser cannot {action} a text; look at its tokenizer.json")]
    Tokenizer {
        /// `"encode"` or `"decode"`.
        action: &'static str,
        /// What it said.
        source: tokenizers::Error,
    },
}

/// What is wrong with one entry of a vocabulary.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VocabularyProblem {
    /// A file that does not begin as vocabularies do.
    #[error(
        "expected a vocabulary that begins with {expected:?}, a tab and its number of entries, found {found:?}; build the vocabulary again"
    )]
    Header {
        /// The name of the format.
        expected: &'static str,
        /// How the line begins.
        found: String,
    },
    /// A number of entries that cannot be.
    #[error("the header promises {found} entries; expected {least} to {most}")]
    Entries {
        /// The number promised.
        found: String,
        /// The reserved tokens and one word.
        least: usize,
        /// The most a vocabulary holds.
        most: usize,
    },
    /// A file with fewer entries than it promises.
    #[error("the file ends after {found} of {expected} entries; replace it with a whole copy")]
    CutShort {
        /// Entries promised.
        expected: usize,
        /// Entries found.
        found: usize,
    },
    /// A file with more entries than it promises.
    #[error(
        "expected the file to end after {expected} entries, found more; correct the number in the first line"
    )]
    TooMany {
        /// Entries promised.
        expected: usize,
    },
    /// A last line without its end.
    #[error("the line is unfinished; replace the file with a whole copy")]
    Unfinished,
    /// A line that is not text.
    #[error("expected text in UTF-8, found other bytes; save the file as UTF-8")]
    NotUtf8,
    /// A line that is longer than any entry.
    #[error("the line is longer than {limit} bytes; expected a word, a tab and a count")]
    LineTooLong {
        /// The most there may be.
        limit: usize,
    },
    /// A line that is not a word and its count.
    #[error("expected a word, a tab and a count, found {found:?}")]
    Columns {
        /// How the line begins.
        found: String,
    },
    /// A count that is none.
    #[error(
        "the count of {word:?} is {found:?}; expected a whole number of 1 or more, with all of them below 2^64 together"
    )]
    Count {
        /// The word.
        word: String,
        /// What stands for its count.
        found: String,
    },
    /// A word that is more frequent than the one before.
    #[error(
        "{word:?} occurs {found} times, the word before it {before} times; expected the most frequent words first"
    )]
    Order {
        /// The word.
        word: String,
        /// Its count.
        found: u64,
        /// The count before.
        before: u64,
    },
    /// A reserved token that is not where it belongs.
    #[error(
        "expected the reserved token {expected:?}, found {found:?}; a vocabulary begins with {:?}",
        reserved::NAMES
    )]
    Reserved {
        /// What belongs here.
        expected: &'static str,
        /// What is here.
        found: String,
    },
    /// An empty word.
    #[error("the word is empty; expected at least one character")]
    Empty,
    /// A word that is longer than any that a tokeniser makes.
    #[error("the word {word:?}... has {bytes} bytes; expected at most {MAX_WORD_BYTES}")]
    TooLong {
        /// How it begins.
        word: String,
        /// Its bytes.
        bytes: usize,
    },
    /// A word that no tokeniser makes.
    #[error("the word {word:?} holds white space or control characters; expected none, as spaces part words")]
    Characters {
        /// The word.
        word: String,
    },
    /// A word twice, or one that is spelled as a reserved token.
    #[error("the word {word:?} is there already, as token {first}; expected every word once")]
    Duplicate {
        /// The word.
        word: String,
        /// Where it came first.
        first: u32,
    },
    /// More words than a vocabulary holds.
    #[error("expected at most {MAX_WORDS} words, found more; build a smaller vocabulary")]
    TooManyWords,
}

/// The beginning of something from outside, short enough for a message.
pub(crate) fn beginning(text: &str) -> String {
    text.chars().take(40).collect()
}
