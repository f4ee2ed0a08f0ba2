//! From texts to tokens: cleaning, words, a vocabulary of the training texts, and sequences of one length.
//!
//! A [`WordTokenizer`] cleans a text and cuts it into words, a [`Vocabulary`] numbers the words of the training texts,
//! a [`TextEncoder`] is both together and goes into model files, and [`TextPadding`] brings texts to one length.
//! [`Texts`] become a [`Dataset`](fireclay_data::Dataset) through [`TextDataset`].
//!
//! Its sister crates: `fireclay-data` (what a training loop reads), `fireclay-datasets` (published sets and one's own
//! files), `fireclay-nn` (models), `fireclay-train` (fit, evaluate, predict), `fireclay` (the front door).
//!
//! ```
//! use fireclay_text::{TextEncoder, Vocabulary, WordTokenizer, reserved};
//!
//! # fn main() -> Result<(), fireclay_text::TextError> {
//! let vocabulary = Vocabulary::from_words(["not", "bad"])?;
//! let encoder = TextEncoder::new(WordTokenizer::default(), vocabulary);
//! assert_eq!(encoder.encode("Not <b>so</b> bad"), [4, reserved::UNKNOWN, 5]);
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod cleaning;
mod dataset;
mod encoder;
mod error;
#[cfg(feature = "tokenizers")]
mod huggingface;
mod ngram_vocabulary;
mod ngrams;
mod preprocessing;
mod prose;
pub mod reserved;
mod texts;
mod tokenizer;
mod vocabulary;
mod words;

pub use cleaning::Cleaning;
pub use dataset::TextDataset;
pub use encoder::TextEncoder;
pub use error::{TextError, VocabularyProblem};
pub use fireclay_data::{Side, TextPadding};
#[cfg(feature = "tokenizers")]
pub use huggingface::HuggingFaceTokenizer;
pub use ngram_vocabulary::{NgramOptions, NgramVocabulary};
pub use preprocessing::TextPreprocessing;
pub use prose::Prose;
pub use texts::Texts;
pub use tokenizer::Tokenizer;
pub use vocabulary::{Vocabulary, VocabularyOptions};
pub use words::{Numbers, Punctuation, WordTokenizer, Words};
