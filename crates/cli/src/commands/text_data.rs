//! `data` in programs that read texts.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::{describe_texts, sample_texts};

use crate::command::Command;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::fallback::load_or_fall_back;
use crate::format::shown;
use crate::limit::Limit;
use crate::output::Output;
use crate::output_file::check_output;
use crate::program::{DataSourceArgs, TextProgram};
use crate::records::DataRecord;

/// The flags of `data` in programs that read texts.
#[derive(Args, Debug)]
pub struct TextData<P: TextProgram> {
    /// Which data.
    #[command(flatten)]
    pub source: P::SourceArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// How it is prepared.
    #[command(flatten)]
    pub preprocessing: P::Preprocessing,
    /// Texts of each class to show
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub per_class: usize,
    /// Characters of each text to show
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub characters: usize,
    /// Table to write of the words that a model would know, with their counts in the training texts
    #[arg(long, value_name = "FILE")]
    pub vocabulary: Option<PathBuf>,
    /// Seed that chooses the texts that are shown
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl<P: TextProgram> Command for TextData<P> {
    const NAME: &'static str = "data";
    const ABOUT: &'static str = "Inspect the data: counts, classes, lengths, duplicates, and some texts";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        if let Some(path) = &self.vocabulary {
            check_output(path, "--vocabulary")?;
        }
        let source = P::look(self.source.source(), output)?;
        let ((train, test), source) =
            load_or_fall_back::<P, _>(source, output, |source| P::load_texts(source, self.limit, output))?;
        let report = describe_texts(&train, &test);
        output.line(report.to_string().trim_end());
        let samples = sample_texts(&train, self.per_class, self.characters, self.seed);
        output.line(format!("\n{}", samples.to_string().trim_end()));
        let vocabulary = match &self.vocabulary {
            None => None,
            Some(path) => {
                let preprocessing = P::resolve(self.preprocessing.clone(), false, &source)?;
                let preprocessing = P::text_preprocessing(&preprocessing, &train)?;
                if preprocessing.encoder.ngrams().is_some() {
                    return Err(CommandError::NoVocabulary.into());
                }
                preprocessing.encoder.vocabulary().save(path)?;
                let file = shown(path);
                output.line(format!("\nvocabulary: {file}"));
                Some(file)
            }
        };
        output.record(&DataRecord { sheet: None, vocabulary, samples: Some(&samples), report: &report });
        Ok(Exit::Done)
    }
}
