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
use fireclay_cli::{ModelName as _, Output, Program, StandIn, Task, TextProgram};

use crate::models::ModelName;
use crate::reviews::{
    IMDB_NGRAMS, LENGTH, LONGEST_NGRAM, MAX_WORDS, NEXT_WORD_MAX_WORDS, NGRAMS, Place, ReviewFlags,
    ReviewPreparation, STEPS,
};

/// The program.
#[derive(Debug)]
pub struct ImdbProgram;

impl Program for ImdbProgram {
    const NAME: &'static str = "imdb";
    const MODEL_FILE: &'static str = "imdb.fireclay";
    const SAMPLES: &'static str = "reviews";
    const TRY: &'static str = "predict 'A joy from start to end.'";
    const TRY_NEXT_TOKENS: &'static str = "generate --prompt 'the movie was'";

    const DATASETS: &'static [&'static str] = &["IMDB reviews", "movie reviews"];

    type Model = ModelName;
    type Place = ReviewFlags;
    type Preparation = ReviewPreparation;

    fn usual_task() -> Task {
        let vocabulary_size = MAX_WORDS + reserved::NAMES.len();
        Task { input: InputSpec::Tokens(LENGTH), vocabulary_size, classes: 2 }
    }

    fn usual_task_of(model: ModelName) -> Task {
        let of = |input, vocabulary_size, classes| Task {
            input: InputSpec::Tokens(input),
            vocabulary_size,
            classes,
        };
        match model {
            ModelName::LmLstm | ModelName::LmTransformer => {
                of(STEPS, NEXT_WORD_MAX_WORDS + reserved::NAMES.len(), 0)
            }
            ModelName::Ngram => of(NGRAMS, IMDB_NGRAMS, 2),
            _ => Self::usual_task(),
        }
    }

    fn settled(preparation: ReviewPreparation, next_tokens: bool) -> ReviewPreparation {
        preparation.settled(next_tokens)
    }

    fn load(
        place: &Place,
        preparation: &ReviewPreparation,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        let (train, test) = Self::load_texts(place, output)?;
        let preprocessing = Self::preprocessing(preparation, &train)?;
        let dataset = |texts: &Texts| match preparation.next_words {
            true => Dataset::next_tokens(texts, &preprocessing),
            false => Dataset::from_texts(texts, &preprocessing),
        };
        Ok((dataset(&train)?, dataset(&test)?))
    }

    fn preparation(model: ModelName) -> ReviewPreparation {
        match model {
            ModelName::Ngram => {
                ReviewPreparation { ngrams: Some(LONGEST_NGRAM), ..ReviewPreparation::default() }
            }
            model => {
                ReviewPreparation { next_words: model.predicts_next_tokens(), ..ReviewPreparation::default() }
            }
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
        Ok(match card.spec.output_steps()? {
            Some(_) => Dataset::next_tokens(&test, &preprocessing)?,
            None => Dataset::from_texts(&test, &preprocessing)?,
        })
    }
}

impl TextProgram for ImdbProgram {
    fn load_texts(place: &Place, output: &Arc<Output>) -> Result<(Texts, Texts), DatasetsError> {
        place.load(output)
    }

    fn preprocessing(
        preparation: &ReviewPreparation,
        train: &Texts,
    ) -> Result<TextPreprocessing, DatasetsError> {
        let tokenizer = WordTokenizer::default();
        if let Some(longest) = preparation.ngrams {
            let options = NgramOptions { longest: longest as usize, ..NgramOptions::default() };
            let ngrams = NgramVocabulary::build(train, &tokenizer, options)?;
            let encoder = TextEncoder::of_ngrams(tokenizer, ngrams);
            return Ok(TextPreprocessing { encoder, padding: TextPadding::to(preparation.length()) });
        }
        // A review comes to its verdict at its end.
        let padding = TextPadding { truncate: Side::Left, ..TextPadding::to(preparation.length()) };
        // Where texts are few, a word that occurs once is worth its place.
        let options = VocabularyOptions { max_words: preparation.max_words(), min_count: 1 };
        let vocabulary = Vocabulary::build(train, &tokenizer, options)?;
        // A language model has to see where one text ends and the next begins.
        let encoder = TextEncoder::new(tokenizer, vocabulary).with_end(preparation.next_words);
        Ok(TextPreprocessing { encoder, padding })
    }
}
