//! `imdb generate`

use std::sync::Arc;

use fireclay::nn::Sampling;
use fireclay::prelude::*;
use fireclay::train::TextGenerator;
use fireclay_cli::records::Generation;
use fireclay_cli::{Exit, Output, UsageError, called, quoted};

use crate::cli::GenerateFlags;

/// Lets a language model go on with a prompt; the words are shown as they come.
pub fn run(flags: GenerateFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let sampling = Sampling { temperature: flags.temperature, top_k: flags.top_k, top_p: flags.top_p };
    sampling.check().map_err(UsageError::of)?;
    let device = flags.device.open()?;
    let trainer = Trainer::load(&flags.from, &device)?;
    let file = flags.from.display().to_string();
    let language_model = trainer.network().spec().output_steps()?.is_some();
    let Some(preprocessing) = trainer.text_preprocessing().filter(|_| language_model) else {
        return Err(UsageError::of(anyhow::anyhow!(
            "{file} is not a language model, so it cannot write; to train one: {0} train --model lm-lstm, and to ask this \
             one about a text: {0} predict --from {1} TEXT",
            called("imdb"),
            quoted(&file)
        )));
    };
    let mut words = TextGenerator::new(trainer.network(), preprocessing, sampling, flags.seed)?;
    let mut text = words.prompt(&flags.prompt)?;
    output.piece(&text);
    let mut written = 0;
    for word in words.take(flags.length) {
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
        prompt: &flags.prompt,
        text: &text,
        words: written,
        temperature: sampling.temperature,
        top_k: sampling.top_k,
        top_p: sampling.top_p,
        seed: flags.seed,
        trained_on: card.dataset.as_ref().map(|dataset| dataset.name.as_str()),
    });
    Ok(Exit::Done)
}
