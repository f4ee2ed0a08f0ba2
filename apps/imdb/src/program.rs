//! What `imdb` is, besides the commands that all programs share.

use std::sync::Arc;

use fireclay::data::{
    DataError, NgramOptions, NgramVocabulary, Side, TextEncoder, TextPadding, TextPreprocessing, Texts,
    Vocabulary, VocabularyOptions, WordTokenizer, reserved,
};
use fireclay::nn::InputSpec;
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay::train::text_preprocessing;
use fireclay_cli::{Output, Program, StandIn, Task, TextProgram};

use crate::models::ModelName;
use crate::reviews::{LENGTH, LONGEST_NGRAM, MAX_WORDS, NGRAMS, Place, ReviewFlags, ReviewPreparation};

/// The program.
#[derive(Debug)]
pub struct ImdbProgram;

impl Program for ImdbProgram {
    const NAME: &'static str = "imdb";
    const MODEL_FILE: &'static str = "imdb.fireclay";
    const SAMPLES: &'static str = "reviews";
    const TRY: &'static str = "predict 'A joy from start to end.'";

    const DATASETS: &'static [&'static str] = &["IMDB reviews", "movie reviews"];

    type Model = ModelName;
    type Place = ReviewFlags;
    type Preparation = ReviewPreparation;

    fn usual_task() -> Task {
        let vocabulary_size = MAX_WORDS + reserved::NAMES.len();
        Task { input: InputSpec::Tokens(LENGTH), vocabulary_size, classes: 2 }
    }

    fn load(
        place: &Place,
        preparation: &ReviewPreparation,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DataError> {
        let (train, test) = Self::load_texts(place, output)?;
        let preprocessing = Self::preprocessing(preparation, &train)?;
        Ok((Dataset::from_texts(&train, &preprocessing)?, Dataset::from_texts(&test, &preprocessing)?))
    }

    fn preparation(model: ModelName) -> ReviewPreparation {
        match model {
            ModelName::Ngram => {
                ReviewPreparation { ngrams: Some(LONGEST_NGRAM), ..ReviewPreparation::default() }
            }
            ModelName::Lstm => ReviewPreparation::default(),
        }
    }

    fn stand_in() -> StandIn<Place> {
        StandIn {
            place: Place::Written,
            dataset: "written reviews",
            missing: "IMDB",
            remedy: "give IMDB's files with --data-dir FOLDER",
        }
    }

    fn load_test(place: &Place, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Dataset> {
        let preprocessing = text_preprocessing("the model".as_ref(), card)?.ok_or_else(|| {
            anyhow::anyhow!("the model does not read texts; choose one that `imdb train` saved")
        })?;
        let (_, test) = place.load(output)?;
        Ok(Dataset::from_texts(&test, &preprocessing)?)
    }
}

impl TextProgram for ImdbProgram {
    fn load_texts(place: &Place, output: &Arc<Output>) -> Result<(Texts, Texts), DataError> {
        place.load(output)
    }

    fn preprocessing(preparation: &ReviewPreparation, train: &Texts) -> Result<TextPreprocessing, DataError> {
        let tokenizer = WordTokenizer::default();
        let length = |usual: usize| preparation.length.map_or(usual, |length| length as usize);
        if let Some(longest) = preparation.ngrams {
            let options = NgramOptions { longest: longest as usize, ..NgramOptions::default() };
            let ngrams = NgramVocabulary::build(train, &tokenizer, options)?;
            let encoder = TextEncoder::of_ngrams(tokenizer, ngrams);
            return Ok(TextPreprocessing { encoder, padding: TextPadding::to(length(NGRAMS)) });
        }
        // A review comes to its verdict at its end.
        let padding = TextPadding { truncate: Side::Left, ..TextPadding::to(length(LENGTH)) };
        // Where texts are few, a word that occurs once is worth its place.
        let options = VocabularyOptions {
            max_words: preparation.max_words.map_or(MAX_WORDS, |max_words| max_words as usize),
            min_count: 1,
        };
        let vocabulary = Vocabulary::build(train, &tokenizer, options)?;
        Ok(TextPreprocessing { encoder: TextEncoder::new(tokenizer, vocabulary), padding })
    }
}
