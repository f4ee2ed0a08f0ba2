//! `mnist evaluate`

use std::sync::Arc;

use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay_cli::{Exit, Output, count};

use crate::cli::EvaluateFlags;
use crate::data::Choice;
use crate::records::Evaluated;

pub fn run(flags: EvaluateFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let device = flags.device.open()?;
    let trainer = Trainer::load(&flags.from, &device)?;
    let card = trainer.card();
    let trained_on = card.dataset.as_ref().map(|dataset| dataset.name.as_str());
    let choice = match Choice::of(&flags.data) {
        Choice::Usual if trained_on == Some("drawn digits") => Choice::Drawn,
        choice => choice,
    };
    let (_, test) = choice.load(output)?;
    let test = test.with_normalization(normalization(&card))?;
    if let Some(trained_on) = trained_on.filter(|name| *name != test.provenance().name) {
        output.warn(format!("note: trained on {trained_on}, measured on {}", test.provenance().name));
    }
    print(&trainer.evaluate(&test)?, &test, output);
    Ok(Exit::Done)
}

/// How the model wants its images.
pub fn normalization(card: &ModelCard) -> fireclay::data::Normalization {
    match &card.preprocessing {
        Some(preprocessing) => {
            fireclay::data::Normalization { mean: preprocessing.mean.clone(), std: preprocessing.std.clone() }
        }
        None => fireclay::data::Normalization::none(),
    }
}

/// Prints what a model does on a test set; `train` and `evaluate` say it in the same words.
pub fn print(evaluation: &Evaluation, test: &Dataset, output: &Output) {
    let provenance = test.provenance();
    let samples = count(evaluation.samples as u64);
    output.line(format!("\n{}, {} split, {samples} images\n{evaluation}", provenance.name, provenance.split));
    output.record(&Evaluated::new(&provenance.name, &provenance.split, evaluation));
}
