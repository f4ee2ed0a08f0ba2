//! How texts become tokens, as flags say it.

use clap::Args;
use fireclay::data::{
    Dataset, DatasetsError, NgramOptions, NgramVocabulary, Side, TextDataset, TextEncoder, TextPadding,
    TextPreprocessing, Texts, Vocabulary, VocabularyOptions, WordTokenizer, reserved,
};
use fireclay::nn::InputSpec;
use serde::{Deserialize, Serialize};

use crate::networks::TextNetwork;
use crate::program::{DataSpec, ModelName, Preprocessing};

/// Unless flags say otherwise: words that a model knows, and words of a text that it reads.
const MAX_WORDS: usize = 20_000;
const LENGTH: usize = 250;

/// The same for language models, which have an output for each word.
const NEXT_WORD_MAX_WORDS: usize = 10_000;
const STEPS: usize = 64;

/// Words of the longest n-gram of the model that reads them, and n-grams of a text: more than any of IMDB's has.
const LONGEST_NGRAM: u32 = 3;
const NGRAMS: usize = 8192;
/// How many different n-grams of at least three reviews the published training reviews have, with the reserved tokens.
const IMDB_NGRAMS: usize = 583_294;

/// Words that the model `bag` knows, and of a text that it reads: with fewer words there is less noise in a private training.
const BAG_MAX_WORDS: u32 = 4_000;
const BAG_LENGTH: u32 = 400;

/// Flags that say how texts are prepared for training.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPreprocessing {
    /// Vocabulary size: the N most frequent words of the training texts [default: 20000, for language models 10000, for the model
    /// bag 4000]
    #[arg(long, value_name = "N", conflicts_with = "ngrams", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pub max_words: Option<u32>,
    /// Sequence length: words of each text that the model reads, of a longer one the last; for language models the words
    /// of one training sample; with n-grams the greatest number of them in a text [default: 250, for language models 64, for the model
    /// bag 400, 8192 n-grams]
    #[arg(long, visible_alias = "steps", value_name = "N", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub length: Option<u32>,
    /// Bag of n-grams: read each text as the set of its n-grams of up to N words that occur in at least three training
    /// texts, instead of its words in order [default: 3 for the model ngram]
    #[arg(long, value_name = "N", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..=8))]
    pub ngrams: Option<u32>,
    /// Only n-grams, or words, that occur in at least N training texts [default: for n-grams 3, with fireclay 1 where there are fewer
    /// than 1,000 texts; for words 1]
    #[arg(long, value_name = "N", help_heading = "Data", value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_count: Option<u32>,
    /// Whether the model predicts the next word rather than the class.
    #[arg(skip)]
    #[serde(default)]
    pub next_words: bool,
}

impl TokenPreprocessing {
    /// With every default filled in, for a classifier or a language model.
    pub fn resolve(self, next_words: bool) -> Self {
        let resolved = TokenPreprocessing { next_words, ..self };
        let (max_words, length) = (resolved.max_words() as u32, resolved.length() as u32);
        let max_words = resolved.ngrams.is_none().then_some(max_words);
        TokenPreprocessing { max_words, length: Some(length), ..resolved }
    }

    /// Words that the model knows.
    pub fn max_words(&self) -> usize {
        let default = if self.next_words { NEXT_WORD_MAX_WORDS } else { MAX_WORDS };
        self.max_words.map_or(default, |words| words as usize)
    }

    /// Words, or n-grams, that the model reads at a time.
    pub fn length(&self) -> usize {
        let default = match (self.ngrams, self.next_words) {
            (Some(_), _) => NGRAMS,
            (None, true) => STEPS,
            (None, false) => LENGTH,
        };
        self.length.map_or(default, |length| length as usize)
    }
}

impl Preprocessing for TokenPreprocessing {
    fn merge(self, defaults: Self) -> Self {
        TokenPreprocessing {
            max_words: self.max_words.or(defaults.max_words),
            length: self.length.or(defaults.length),
            // Who asks for words does not want n-grams.
            min_count: self.min_count.or(defaults.min_count),
            ngrams: self.ngrams.or(defaults.ngrams.filter(|_| self.max_words.is_none())),
            next_words: self.next_words || defaults.next_words,
        }
    }

    fn describe(&self) -> Vec<String> {
        let length = self.length();
        match (self.ngrams, self.next_words) {
            (Some(longest), _) => vec![format!("n-grams of up to {longest} words")],
            (None, true) => vec![format!("{} words", self.max_words()), format!("{length} at a time")],
            (None, false) => {
                vec![format!("{} words", self.max_words()), format!("the last {length} of a text")]
            }
        }
    }
}

impl TokenPreprocessing {
    /// What a network needs where flags do not say it.
    pub fn for_network(network: TextNetwork) -> Self {
        match network {
            TextNetwork::Ngram => TokenPreprocessing { ngrams: Some(LONGEST_NGRAM), ..Self::default() },
            TextNetwork::Bag => TokenPreprocessing {
                max_words: Some(BAG_MAX_WORDS),
                length: Some(BAG_LENGTH),
                ..Self::default()
            },
            network => TokenPreprocessing { next_words: network.is_language_model(), ..Self::default() },
        }
    }

    /// How texts become tokens, the words being those of the training texts.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn of_texts(&self, train: &Texts) -> Result<TextPreprocessing, DatasetsError> {
        let tokenizer = WordTokenizer::default();
        if let Some(longest) = self.ngrams {
            let usual = NgramOptions::default();
            let min_count = self.min_count.map_or(usual.min_count, |count| count as usize);
            let options = NgramOptions { longest: longest as usize, min_count };
            let ngrams = NgramVocabulary::build(train, &tokenizer, options)?;
            let encoder = TextEncoder::of_ngrams(tokenizer, ngrams);
            return Ok(TextPreprocessing { encoder, padding: TextPadding::to(self.length()) });
        }
        // A review comes to its verdict at its end.
        let padding = TextPadding { truncate: Side::Left, ..TextPadding::to(self.length()) };
        // Where texts are few, a word that occurs once is worth its place.
        let min_count = self.min_count.map_or(1, u64::from);
        let options = VocabularyOptions { max_words: self.max_words(), min_count };
        let vocabulary = Vocabulary::build(train, &tokenizer, options)?;
        // A language model has to see where one text ends and the next begins.
        let encoder = TextEncoder::new(tokenizer, vocabulary).with_end(self.next_words);
        Ok(TextPreprocessing { encoder, padding })
    }

    /// Training and test texts as tokens.
    ///
    /// # Errors
    /// As [`of_texts`](Self::of_texts).
    pub fn prepare(&self, (train, test): (Texts, Texts)) -> Result<(Dataset, Dataset), DatasetsError> {
        let tokens = self.of_texts(&train)?;
        let dataset = |texts: &Texts| match self.next_words {
            true => Dataset::next_tokens(texts, &tokens),
            false => Dataset::from_texts(texts, &tokens),
        };
        Ok((dataset(&train)?, dataset(&test)?))
    }
}

/// What IMDB's reviews ask of one of the networks, for a summary without data.
pub fn usual_texts(network: TextNetwork) -> DataSpec {
    let (tokens, vocabulary_size, classes) = match network {
        TextNetwork::LmLstm | TextNetwork::LmTransformer => {
            (STEPS, NEXT_WORD_MAX_WORDS + reserved::NAMES.len(), 0)
        }
        TextNetwork::Ngram => (NGRAMS, IMDB_NGRAMS, 2),
        TextNetwork::Bag => (BAG_LENGTH as usize, BAG_MAX_WORDS as usize + reserved::NAMES.len(), 2),
        _ => (LENGTH, MAX_WORDS + reserved::NAMES.len(), 2),
    };
    DataSpec { input: InputSpec::Tokens(tokens), vocabulary_size, classes, samples: 25_000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_has_its_known_size() {
        let of = |network: TextNetwork| network.spec(&usual_texts(network)).summary().unwrap().parameters();
        assert_eq!(of(TextNetwork::LmLstm), 10_004 * 128 + 4 * 128 * (128 + 128 + 2) + 128 * 10_004 + 10_004);
        assert_eq!(of(TextNetwork::Lstm), 20_004 * 128 + 4 * 128 * (128 + 128 + 2) + 128 * 2 + 2);
    }
}
