//! `evaluate`: measures a saved model on the test split.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::Normalization;
use fireclay::prelude::*;
use fireclay::store::ModelCard;

use super::train::bucketed;
use crate::program::{PlaceFlags, Program};
use crate::records::Evaluated;
use crate::{DeviceFlags, Exit, Output, UsageError, count};

/// The flags of `evaluate`.
#[derive(Args, Debug)]
pub struct EvaluateFlags<P: Program> {
    /// Model file to measure
    #[arg(value_name = "MODEL", default_value = P::MODEL_FILE)]
    pub from: PathBuf,
    /// Which data.
    #[command(flatten)]
    pub place: P::Place,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceFlags,
}

/// Measures a saved model on the test split of the data that it was trained on, or that flags name.
///
/// # Errors
/// If the model or the data cannot be loaded, or do not go together.
pub fn run<P: Program>(flags: EvaluateFlags<P>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let device = flags.device.open()?;
    let trainer = Trainer::load(&flags.from, &device)?;
    let card = trainer.card();
    let trained_on = card.dataset.as_ref().map(|dataset| dataset.name.as_str());
    let stand_in = P::stand_in();
    let place = match trained_on.filter(|_| !flags.place.is_given()) {
        Some(name) if name == stand_in.dataset => stand_in.place,
        Some(name) if !P::DATASETS.contains(&name) => {
            return Err(UsageError::of(anyhow::anyhow!(
                "{} was trained on data of your own, {name}; say where to find it, with the flags that `train` had",
                flags.from.display()
            )));
        }
        _ => flags.place.place(),
    };
    let test = bucketed(P::load_test(&place, &card, output)?, &card.spec)?;
    check_classes(&card, &test)?;
    if let Some(trained_on) = trained_on.filter(|name| *name != test.provenance().name) {
        output.warn(format!("note: trained on {trained_on}, measured on {}", test.provenance().name));
    }
    print::<P>(&trainer.evaluate(&test)?, &test, output);
    Ok(Exit::Done)
}

/// Refuses data whose classes are not the model's: its answers would be counted against other names.
fn check_classes(card: &ModelCard, test: &Dataset) -> anyhow::Result<()> {
    let (expected, found) = (&card.classes, test.class_names());
    if expected.is_empty() || expected == found {
        return Ok(());
    }
    let few = |names: &[String]| {
        let shown = names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        if names.len() > 5 { shown + ", ..." } else { shown }
    };
    anyhow::bail!(
        "the model tells {} classes apart ({}), and this data has {} ({}); measure it on data with its own classes",
        expected.len(),
        few(expected),
        found.len(),
        few(found)
    )
}

/// How a model wants its numbers.
pub fn normalization(card: &ModelCard) -> Normalization {
    match &card.preprocessing {
        Some(preprocessing) => {
            Normalization { mean: preprocessing.mean.clone(), std: preprocessing.std.clone() }
        }
        None => Normalization::none(),
    }
}

/// What the samples of a data set are called: texts that are read as one are cut into windows.
pub(super) fn samples_of<P: Program>(data: &Dataset) -> String {
    match (data.predicts_next_tokens(), data.shape()) {
        (true, [steps]) => format!("windows of {steps} tokens of {}", P::SAMPLES),
        _ => P::SAMPLES.to_string(),
    }
}

/// Prints what a model does on a test set; `train` and `evaluate` say it in the same words.
pub(crate) fn print<P: Program>(evaluation: &Evaluation, test: &Dataset, output: &Output) {
    let provenance = test.provenance();
    let samples = count(evaluation.samples as u64);
    output.line(format!(
        "\n{}, {} split, {samples} {}\n{evaluation}",
        provenance.name,
        provenance.split,
        samples_of::<P>(test)
    ));
    output.record(&Evaluated::new(&provenance.name, &provenance.split, evaluation));
}
