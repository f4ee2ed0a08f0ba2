//! `inspect`: what is in a model file or a checkpoint, without loading its weights.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::nn::Loss;
use fireclay::prelude::load_card;
use fireclay::store::{ModelCard, TrainingCard, load_checkpoint};
use fireclay::train::{Checkpoint, table_preprocessing, text_preprocessing};
use fireclay_cli::{Command, Exit, Output, bytes, count, listed};
use serde::Serialize;

use crate::source::check_is_model;

/// Names that a line lists.
const MOST_LISTED: usize = 12;

/// Looks into a file.
#[derive(Args, Debug)]
pub struct Inspect {
    /// Model file, or checkpoint of a training
    #[arg(value_name = "FILE", default_value = "model.fireclay")]
    pub file: PathBuf,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "inspect")]
struct Inspected<'a> {
    file: String,
    bytes: u64,
    kind: &'static str,
    card: Option<&'a ModelCard>,
    epochs_done: Option<usize>,
}

impl Command for Inspect {
    const NAME: &'static str = "inspect";
    const ABOUT: &'static str =
        "Show what is in a model file: network, classes, preprocessing, data, training";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_is_model(&self.file)?;
        let size = std::fs::metadata(&self.file).map_or(0, |metadata| metadata.len());
        let file = self.file.display().to_string();
        let card = match load_card(&self.file) {
            Ok(card) => card,
            Err(error) => {
                let checkpoint: Result<Checkpoint, _> = load_checkpoint(&self.file);
                let Ok(checkpoint) = checkpoint else { return Err(error.into()) };
                let program =
                    checkpoint.progress.program["program"].as_str().unwrap_or("a program").to_owned();
                let epochs = checkpoint.progress.state.history.len();
                output.line(format!("{file}: a checkpoint of {program}, {}", bytes(size)));
                output.line(format!(
                    "training   {epochs} of {} epochs done; `{program} train --resume {file}` goes on",
                    checkpoint.progress.settings.options.epochs
                ));
                let epochs_done = Some(epochs);
                output.record(&Inspected { file, bytes: size, kind: "checkpoint", card: None, epochs_done });
                return Ok(Exit::Done);
            }
        };
        output.line(format!(
            "{file}: a model of Fireclay {} in format {}, {}",
            card.fireclay_version,
            card.format,
            bytes(size)
        ));
        for (name, text) in self.facts(&card)? {
            output.line(format!("{name:<10} {text}"));
        }
        output.record(&Inspected { file, bytes: size, kind: "model", card: Some(&card), epochs_done: None });
        Ok(Exit::Done)
    }
}

impl Inspect {
    /// What the card says, a line for each thing.
    fn facts(&self, card: &ModelCard) -> anyhow::Result<Vec<(&'static str, String)>> {
        let summary = card.spec.summary()?;
        let mut facts = vec![(
            "network",
            format!(
                "{} layers, {} parameters, takes {}; `summary --from` shows it layer by layer",
                card.spec.layers.len(),
                count(summary.parameters() as u64),
                card.spec.input
            ),
        )];
        if !card.classes.is_empty() {
            facts
                .push(("classes", format!("{}: {}", card.classes.len(), listed(&card.classes, MOST_LISTED))));
        }
        if let Some(table) = table_preprocessing(&self.file, card)? {
            let targets = match &table.labels {
                Some(labels) => labels.columns.as_slice(),
                None => std::slice::from_ref(&table.target),
            };
            let targets: Vec<String> = targets.iter().map(|target| format!("{target:?}")).collect();
            facts.push(("predicts", listed(&targets, MOST_LISTED)));
            let columns: Vec<String> = table
                .columns
                .iter()
                .map(|column| format!("{} ({})", column.name, column.encoding.kind().name()))
                .collect();
            facts.push(("columns", format!("{}: {}", columns.len(), listed(&columns, MOST_LISTED))));
        }
        if let Some(text) = text_preprocessing(&self.file, card)? {
            let known = match text.encoder.ngrams() {
                Some(ngrams) => format!("{} runs of words", count(ngrams.len() as u64)),
                None => format!("{} words", count(text.encoder.vocabulary().len() as u64)),
            };
            facts
                .push(("texts", format!("{known}, {} of a text at most", count(text.padding.length as u64))));
        }
        if let Some(scale) = &card.preprocessing {
            facts.push(("scaled", format!("mean {:?}, deviation {:?}", scale.mean, scale.std)));
        }
        if let Some(form) = card.pictures {
            facts.push(("pictures", format!("read as {form:?}").to_lowercase()));
        }
        if let Some(scale) = &card.target_scale {
            facts.push(("target", format!("mean {:?}, deviation {:?}", scale.mean, scale.std)));
        }
        if let Some(threshold) = card.threshold {
            facts.push(("threshold", format!("{:?} above a probability of {threshold:.4}", card.classes[1])));
        }
        if let Some(intervals) = &card.intervals {
            let (share, parts) = (100.0 * intervals.share, intervals.offsets.len());
            facts.push(("intervals", format!("{share} % of truths, in {parts} parts of the range")));
        }
        if let Some(data) = &card.dataset {
            let own = if data.own { ", of your own" } else { "" };
            let samples = count(data.samples as u64);
            facts.push(("data", format!("{}, {samples} samples ({}){own}", data.name, data.source)));
            facts.extend(data.sha256.as_ref().map(|digest| ("sha256", digest.clone())));
        }
        if let Some(seen) = &card.seen {
            facts.push(("seen", format!("digests of {} different samples", count(seen.len() as u64))));
        }
        if let Some(training) = &card.training {
            facts.push(("training", trained(training)));
        }
        Ok(facts)
    }
}

fn trained(training: &TrainingCard) -> String {
    let loss = training.loss.built_in().map_or("a loss of its own".to_owned(), |loss| loss.name());
    let optimizer = training.optimizer["type"].as_str().unwrap_or("an optimizer").to_owned();
    let rate = training.optimizer["learning_rate"].as_f64();
    let rate = rate.map_or(String::new(), |rate| format!(" {rate}"));
    format!(
        "{loss}, {optimizer}{rate}, batch {}, {} epochs, seed {}{}",
        training.batch_size,
        training.epochs,
        training.seed,
        training.precision.as_ref().map_or(String::new(), |precision| format!(", in {precision}"))
    )
}
