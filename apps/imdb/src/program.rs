//! What `imdb` is, besides the commands that all programs share.

use std::sync::Arc;

use fireclay::data::{
    DatasetsError, NgramOptions, NgramVocabulary, Side, TextEncoder, TextPadding, TextPreprocessing, Texts,
    Vocabulary, VocabularyOptions, WordTokenizer, reserved,
};
use fireclay::nn::InputSpec;
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay::train::text_preprocessing;
use fireclay_cli::{DataSpec, Fallback, Limit, ModelName as _, Output, Program, TextProgram};

use crate::models::ModelName;
use crate::reviews::{
    IMDB_NGRAMS, LENGTH, LONGEST_NGRAM, MAX_WORDS, NEXT_WORD_MAX_WORDS, NGRAMS, ReviewPreprocessing,
    ReviewSource, ReviewSourceArgs, STEPS,
};

/// The program.
#[derive(Debug)]
pub struct ImdbProgram;

impl Program for ImdbProgram {
    const NAME: &'static str = "imdb";
    const MODEL_FILE: &'static str = "imdb.fireclay";
    const SAMPLES: &'static str = "reviews";
    const TRY: &'static str = "predict 'A joy from start to end.'";
    const TRY_LANGUAGE_MODEL: &'static str = "generate --prompt 'the movie was'";

    const DATASETS: &'static [&'static str] = &["IMDB reviews", "movie reviews"];

    type Model = ModelName;
    type SourceArgs = ReviewSourceArgs;
    type Preprocessing = ReviewPreprocessing;

    fn default_data(model: ModelName) -> DataSpec {
        let (tokens, vocabulary_size, classes) = match model {
            ModelName::LmLstm | ModelName::LmTransformer => {
                (STEPS, NEXT_WORD_MAX_WORDS + reserved::NAMES.len(), 0)
            }
            ModelName::Ngram => (NGRAMS, IMDB_NGRAMS, 2),
            _ => (LENGTH, MAX_WORDS + reserved::NAMES.len(), 2),
        };
        DataSpec { input: InputSpec::Tokens(tokens), vocabulary_size, classes, samples: 25_000 }
    }

    fn resolve(preprocessing: ReviewPreprocessing, language_model: bool) -> ReviewPreprocessing {
        preprocessing.resolve(language_model)
    }

    fn load(
        source: &ReviewSource,
        limit: Limit,
        preprocessing: &ReviewPreprocessing,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        let (train, test) = Self::load_texts(source, limit, output)?;
        let tokens = Self::text_preprocessing(preprocessing, &train)?;
        let dataset = |texts: &Texts| match preprocessing.next_words {
            true => Dataset::next_tokens(texts, &tokens),
            false => Dataset::from_texts(texts, &tokens),
        };
        Ok((dataset(&train)?, dataset(&test)?))
    }

    fn default_preprocessing(model: ModelName) -> ReviewPreprocessing {
        match model {
            ModelName::Ngram => {
                ReviewPreprocessing { ngrams: Some(LONGEST_NGRAM), ..ReviewPreprocessing::default() }
            }
            model => ReviewPreprocessing {
                next_words: model.is_language_model(),
                ..ReviewPreprocessing::default()
            },
        }
    }

    fn fallback() -> Option<Fallback<ReviewSource>> {
        Some(Fallback {
            source: ReviewSource::Synthetic,
            dataset: "written reviews",
            missing: "IMDB",
            remedy: "give IMDB's files with --data-dir FOLDER",
        })
    }

    fn load_test(
        source: &ReviewSource,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        let preprocessing = text_preprocessing("the model".as_ref(), card)?.ok_or_else(|| {
            anyhow::anyhow!("the model does not read texts; choose one that `imdb train` saved")
        })?;
        let test = source.load_test(limit, card.seen.is_some(), output)?;
        Ok(match card.spec.output_steps()? {
            Some(_) => Dataset::next_tokens(&test, &preprocessing)?,
            None => Dataset::from_texts(&test, &preprocessing)?,
        })
    }
}

impl TextProgram for ImdbProgram {
    fn load_texts(
        source: &ReviewSource,
        limit: Limit,
        output: &Arc<Output>,
    ) -> Result<(Texts, Texts), DatasetsError> {
        source.load(limit, output)
    }

    fn text_preprocessing(
        preprocessing: &ReviewPreprocessing,
        train: &Texts,
    ) -> Result<TextPreprocessing, DatasetsError> {
        let tokenizer = WordTokenizer::default();
        if let Some(longest) = preprocessing.ngrams {
            let options = NgramOptions { longest: longest as usize, ..NgramOptions::default() };
            let ngrams = NgramVocabulary::build(train, &tokenizer, options)?;
            let encoder = TextEncoder::of_ngrams(tokenizer, ngrams);
            return Ok(TextPreprocessing { encoder, padding: TextPadding::to(preprocessing.length()) });
        }
        // A review comes to its verdict at its end.
        let padding = TextPadding { truncate: Side::Left, ..TextPadding::to(preprocessing.length()) };
        // Where texts are few, a word that occurs once is worth its place.
        let options = VocabularyOptions { max_words: preprocessing.max_words(), min_count: 1 };
        let vocabulary = Vocabulary::build(train, &tokenizer, options)?;
        // A language model has to see where one text ends and the next begins.
        let encoder = TextEncoder::new(tokenizer, vocabulary).with_end(preprocessing.next_words);
        Ok(TextPreprocessing { encoder, padding })
    }
}
