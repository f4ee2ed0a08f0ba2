//! What the card of one of our own models says, a line for each thing.

use std::path::Path;

use fireclay::nn::Loss;
use fireclay::store::{ModelCard, TrainingCard};
use fireclay::train::{table_preprocessing, text_preprocessing};
use fireclay_cli::{count, listed, signed_by};

use super::MOST_LISTED;

/// A name and a text for each thing that the card of the file says.
pub fn facts(file: &Path, card: &ModelCard) -> anyhow::Result<Vec<(&'static str, String)>> {
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
        facts.push(("classes", format!("{}: {}", card.classes.len(), listed(&card.classes, MOST_LISTED))));
    }
    if let Some(table) = table_preprocessing(file, card)? {
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
    if let Some(text) = text_preprocessing(file, card)? {
        let known = match text.encoder.ngrams() {
            Some(ngrams) => format!("{} runs of words", count(ngrams.len() as u64)),
            None => format!("{} words", count(text.encoder.vocabulary().len() as u64)),
        };
        facts.push(("texts", format!("{known}, {} of a text at most", count(text.padding.length as u64))));
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
    facts.extend(data_facts(card));
    if let Some(training) = &card.training {
        facts.push(("training", trained(training)));
    }
    if let Some(signature) = &card.signature {
        facts.push(("signed by", signed_by(signature)));
    }
    Ok(facts)
}

/// The same of the data that the model was trained on, with its digests.
pub fn data_facts(card: &ModelCard) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(data) = &card.dataset {
        let own = if data.own { ", of your own" } else { "" };
        let samples = count(data.samples as u64);
        facts.push(("data", format!("{}, {samples} samples ({}){own}", data.name, data.source)));
        facts.extend(data.sha256.as_ref().map(|digest| ("sha256", digest.clone())));
    }
    if let Some(seen) = &card.seen {
        facts.push(("seen", format!("digests of {} different samples", count(seen.len() as u64))));
    }
    facts
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
