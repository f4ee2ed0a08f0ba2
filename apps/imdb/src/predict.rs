//! `imdb predict`

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use fireclay::data::{Provenance, Texts};
use fireclay::prelude::*;
use fireclay_cli::records::{ClassProbability, TextPrediction};
use fireclay_cli::{
    Command, DeviceArgs, Exit, Output, Program, UsageError, beginning, called, numbered, percent, quoted,
    ranked,
};

use crate::program::ImdbProgram;

/// How many texts go through the model together.
const BATCH: usize = 64;

/// Predicts the class of texts.
#[derive(Args, Debug)]
pub struct Predict {
    /// Texts; without any they are read from the file or from standard input, one on each line
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    pub texts: Vec<String>,
    /// File with one text on each line
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Model file to use
    #[arg(long, value_name = "MODEL", default_value = ImdbProgram::MODEL_FILE)]
    pub from: PathBuf,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl Command for Predict {
    const NAME: &'static str = "predict";
    const ABOUT: &'static str = "Predict the class of texts";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let device = self.device.open()?;
        let _precision = self.device.in_precision(&device, output);
        let trainer = Trainer::load(&self.from, &device)?;
        if trainer.text_preprocessing().is_none() {
            anyhow::bail!(
                "{} does not read texts; choose a model that `imdb train` saved",
                self.from.display()
            );
        }
        if trainer.network().spec().output_steps()?.is_some() {
            let file = self.from.display().to_string();
            return Err(UsageError::of(anyhow::anyhow!(
                "{file} is a language model, which has no classes; to let it write a text: {} generate --from {}",
                called("imdb"),
                quoted(&file)
            )));
        }
        if !self.texts.is_empty() {
            self.texts.chunks(BATCH).try_for_each(|texts| print(&trainer, texts.to_vec(), output))?;
            return Ok(Exit::Done);
        }
        let name = self.file.as_deref().unwrap_or(Path::new("standard input")).display().to_string();
        let reader: Box<dyn BufRead> = match &self.file {
            Some(path) => {
                let file = std::fs::File::open(path).with_context(|| format!("cannot read {name}"))?;
                Box::new(std::io::BufReader::new(file))
            }
            None => Box::new(std::io::stdin().lock()),
        };
        let mut waiting = Vec::new();
        for (number, line) in reader.lines().enumerate() {
            let line = line.with_context(|| format!("cannot read line {} of {name}", number + 1))?;
            // An empty line is no text.
            if line.trim().is_empty() {
                continue;
            }
            waiting.push(line);
            // Standard input is answered line by line, as somebody may be typing.
            if waiting.len() == BATCH || self.file.is_none() {
                print(&trainer, std::mem::take(&mut waiting), output)?;
            }
        }
        print(&trainer, waiting, output)?;
        Ok(Exit::Done)
    }
}

fn print(trainer: &Trainer<Model>, texts: Vec<String>, output: &Output) -> anyhow::Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    let card = trainer.card();
    let targets = Targets::Classes { labels: vec![0; texts.len()], names: vec!["unknown".into()] };
    let texts = Texts::new(texts, targets, Provenance::new("texts", "predict", "asked for"))?;
    let preprocessing = trainer.text_preprocessing().context("the model does not read texts")?;
    let rows = trainer.predict(&Dataset::from_texts(&texts, preprocessing)?)?;
    for (text, row) in texts.texts().iter().zip(rows) {
        let numbered = numbered(row.len());
        let top = ranked(&card, &numbered, &row);
        let Some(&ClassProbability { class, probability }) = top.first() else { continue };
        output.line(format!("{class} {:>8}  {}", percent(f64::from(probability)), beginning(text)));
        output.record(&TextPrediction {
            text,
            class,
            top,
            trained_on: card.dataset.as_ref().map(|dataset| dataset.name.as_str()),
        });
    }
    Ok(())
}
