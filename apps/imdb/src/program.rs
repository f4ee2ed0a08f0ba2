//! What `imdb` is, besides the commands that all programs share.

use std::sync::Arc;

use fireclay::data::{DatasetsError, TextPreprocessing, Texts};
use fireclay::prelude::*;
use fireclay::report::Content;
use fireclay::store::ModelCard;
use fireclay_cli::networks::TextNetwork;
use fireclay_cli::{
    DataSpec, Fallback, Limit, Output, Part, Program, TextProgram, TextSource, TextSourceArgs,
    TokenPreprocessing, usual_texts,
};

/// The program.
#[derive(Debug)]
pub struct ImdbProgram;

impl Program for ImdbProgram {
    const NAME: &'static str = "imdb";
    const MODEL_FILE: &'static str = "imdb.fireclay";

    type Model = TextNetwork;
    type SourceArgs = TextSourceArgs;
    type Preprocessing = TokenPreprocessing;

    fn samples(_: &Dataset) -> &'static str {
        "reviews"
    }

    fn next_command(data: &Dataset) -> &'static str {
        match data.target_kind() {
            TargetKind::NextTokens { .. } => "generate --prompt 'the movie was'",
            _ => "predict 'A joy from start to end.'",
        }
    }

    fn known_source(dataset: &str) -> Option<TextSource> {
        TextSource::known(dataset)
    }

    fn default_data(model: TextNetwork) -> DataSpec {
        usual_texts(model)
    }

    fn resolve(
        preprocessing: TokenPreprocessing,
        language_model: bool,
        _: &TextSource,
    ) -> anyhow::Result<TokenPreprocessing> {
        Ok(preprocessing.resolve(language_model))
    }

    fn load(
        source: &TextSource,
        limit: Limit,
        preprocessing: &TokenPreprocessing,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        preprocessing.prepare(source.load(limit, output)?)
    }

    fn default_preprocessing(model: TextNetwork) -> TokenPreprocessing {
        TokenPreprocessing::for_network(model)
    }

    fn fallback() -> Option<Fallback<TextSource>> {
        Some(Fallback {
            source: TextSource::Synthetic,
            dataset: TextSource::NAMES.1,
            missing: "IMDB",
            remedy: "give IMDB's files with --data-dir FOLDER",
        })
    }

    fn holds_out_test(source: &TextSource) -> bool {
        source.holds_out_test()
    }

    fn originals(source: &TextSource, limit: Limit, test: &Dataset, indices: &[usize]) -> Vec<Content> {
        let _ = test;
        source.originals(limit, indices)
    }

    fn texts_to_measure(
        source: &TextSource,
        limit: Limit,
        card: &ModelCard,
    ) -> anyhow::Result<Option<Vec<String>>> {
        let silent = Arc::new(Output::silent());
        Ok(Some(source.load_texts(Part::Test, limit, card, &silent)?.texts().to_vec()))
    }

    fn load_part(
        source: &TextSource,
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        source.load_part(part, limit, card, output)
    }
}

impl TextProgram for ImdbProgram {
    fn load_texts(
        source: &TextSource,
        limit: Limit,
        output: &Arc<Output>,
    ) -> Result<(Texts, Texts), DatasetsError> {
        source.load(limit, output)
    }

    fn text_preprocessing(
        preprocessing: &TokenPreprocessing,
        train: &Texts,
    ) -> Result<TextPreprocessing, DatasetsError> {
        preprocessing.of_texts(train)
    }
}
