//! From texts to tokens: cleaning, words, a vocabulary of the training texts, and sequences of one length.
//!
//! A [`WordTokenizer`] cleans a text and cuts it into words, a [`Vocabulary`] numbers the words of the training texts,
//! a [`TextEncoder`] is both together and goes into model files, and [`TextPadding`] brings texts to one length.

mod cleaning;
mod encoder;
#[cfg(feature = "tokenizers")]
mod huggingface;
mod ngram_vocabulary;
mod ngrams;
mod padding;
mod preprocessing;
mod problem;
mod prose;
mod tokenizer;
mod vocabulary;
mod words;

pub use cleaning::Cleaning;
pub use encoder::TextEncoder;
#[cfg(feature = "tokenizers")]
pub use huggingface::HuggingFaceTokenizer;
pub use ngram_vocabulary::{NgramOptions, NgramVocabulary};
pub use padding::{Side, TextPadding};
pub use preprocessing::TextPreprocessing;
pub use problem::{TextProblem, VocabularyProblem};
pub use prose::Prose;
pub use tokenizer::Tokenizer;
pub use vocabulary::{Vocabulary, VocabularyOptions, reserved};
pub use words::{Numbers, Punctuation, WordTokenizer, Words};
