//! `imdb generate`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::nn::Sampling;
use fireclay::prelude::*;
use fireclay::train::TextGenerator;
use fireclay_cli::records::Generation;
use fireclay_cli::{Command, DeviceArgs, Exit, Output, Program, UsageError, called, quoted};

use crate::program::ImdbProgram;

/// Lets a language model continue a prompt; each word is printed when it is drawn.
#[derive(Args, Debug)]
pub struct Generate {
    /// Model file of a language model such as lm-lstm
    #[arg(long, value_name = "MODEL", default_value = ImdbProgram::MODEL_FILE)]
    pub from: PathBuf,
    /// Prompt: the words to continue
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub prompt: String,
    /// Words to write
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub length: usize,
    /// Sampling temperature, 0 or more: below 1 probable words become more probable, above 1 less; 0 is greedy
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f32,
    /// Top-k sampling: draw from the K most probable words only [default: all]
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Top-p (nucleus) sampling: draw from the fewest words whose probabilities sum to P, more than 0 and at most 1
    #[arg(long, value_name = "P", default_value_t = 1.0, allow_negative_numbers = true)]
    pub top_p: f32,
    /// Seed of the sampling: same seed and CPU device, same text
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl Command for Generate {
    const NAME: &'static str = "generate";
    const ABOUT: &'static str = "Let a language model write a text, word by word";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let sampling = Sampling { temperature: self.temperature, top_k: self.top_k, top_p: self.top_p };
        sampling.check().map_err(UsageError::of)?;
        let device = self.device.open()?;
        let _precision = self.device.in_precision(&device, output);
        let trainer = Trainer::load(&self.from, &device)?;
        let file = self.from.display().to_string();
        let language_model = trainer.network().spec().output_steps()?.is_some();
        let Some(preprocessing) = trainer.text_preprocessing().filter(|_| language_model) else {
            return Err(UsageError::of(anyhow::anyhow!(
                "{file} is not a language model, so it cannot write a text; to train one: {0} train --model lm-lstm, and \
                 to classify a text with this model: {0} predict --from {1} TEXT",
                called("imdb"),
                quoted(&file)
            )));
        };
        let mut words = TextGenerator::new(trainer.network(), preprocessing, sampling, self.seed)?;
        let mut text = words.prompt(&self.prompt)?;
        output.piece(&text);
        let mut written = 0;
        for word in words.take(self.length) {
            let word = word?;
            output.piece(&word);
            text.push_str(&word);
            written += 1;
            if output.is_closed() {
                break;
            }
        }
        output.line("");
        let card = trainer.card();
        output.record(&Generation {
            prompt: &self.prompt,
            text: &text,
            words: written,
            temperature: sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            seed: self.seed,
            trained_on: card.dataset.as_ref().map(|dataset| dataset.name.as_str()),
        });
        Ok(Exit::Done)
    }
}
