//! What `imdb` is, besides the commands that all programs share.

use std::sync::Arc;

use fireclay::data::{
    DataError, Side, TextEncoder, TextPadding, TextPreprocessing, Texts, Vocabulary, VocabularyOptions,
    WordTokenizer, reserved,
};
use fireclay::nn::InputSpec;
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay::train::text_preprocessing;
use fireclay_cli::{DataFlags, Output, Program, StandIn, Task, TextProgram};

use crate::models::ModelName;
use crate::reviews::{LENGTH, MAX_WORDS, Place, ReviewFlags, Reviews};

/// The program.
#[derive(Debug)]
pub struct ImdbProgram;

impl Program for ImdbProgram {
    const NAME: &'static str = "imdb";
    const MODEL_FILE: &'static str = "imdb.fireclay";
    const SAMPLES: &'static str = "reviews";
    const TRY: &'static str = "predict 'A joy from start to end.'";

    type Model = ModelName;
    type Data = ReviewFlags;

    fn usual_task() -> Task {
        Task {
            input: InputSpec::Tokens(LENGTH),
            vocabulary_size: MAX_WORDS + reserved::NAMES.len(),
            classes: 2,
        }
    }

    fn load(choice: &Reviews, output: &Arc<Output>) -> Result<(Dataset, Dataset), DataError> {
        let (train, test) = Self::load_texts(choice, output)?;
        let preprocessing = Self::preprocessing(choice, &train)?;
        let encode = |texts| Dataset::from_texts(texts, &preprocessing).map(Dataset::bucketed_by_length);
        Ok((encode(&train)?, encode(&test)?))
    }

    fn stand_in(choice: &Reviews) -> StandIn<Reviews> {
        StandIn {
            choice: Reviews { place: Place::Written, ..choice.clone() },
            missing: "IMDB",
            instead: "written reviews, made on the spot",
            remedy: "give IMDB's files with --data-dir FOLDER",
        }
    }

    fn load_test(flags: &ReviewFlags, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Dataset> {
        let trained_on = card.dataset.as_ref().map(|dataset| dataset.name.as_str());
        let place = match flags.choice().place {
            Place::Usual if trained_on == Some("written reviews") => Place::Written,
            place => place,
        };
        let (_, test) = place.load(output)?;
        let preprocessing = text_preprocessing("the model".as_ref(), card)?.ok_or_else(|| {
            anyhow::anyhow!("the model does not read texts; choose one that `imdb train` saved")
        })?;
        Ok(Dataset::from_texts(&test, &preprocessing)?.bucketed_by_length())
    }
}

impl TextProgram for ImdbProgram {
    fn load_texts(choice: &Reviews, output: &Arc<Output>) -> Result<(Texts, Texts), DataError> {
        choice.place.load(output)
    }

    fn preprocessing(choice: &Reviews, train: &Texts) -> Result<TextPreprocessing, DataError> {
        // A review comes to its verdict at its end.
        let padding = TextPadding { truncate: Side::Left, ..TextPadding::to(choice.length) };
        padding.check()?;
        let tokenizer = WordTokenizer::default();
        let options = VocabularyOptions { max_words: choice.max_words, ..VocabularyOptions::default() };
        let vocabulary = Vocabulary::build(train, &tokenizer, options)?;
        Ok(TextPreprocessing { encoder: TextEncoder::new(tokenizer, vocabulary), padding })
    }
}
