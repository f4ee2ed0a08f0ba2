//! `mnist evaluate`

use std::sync::Arc;

use fireclay::prelude::*;
use fireclay_cli::{Exit, Output, count};

use crate::cli::EvaluateFlags;
use crate::data::Choice;
use crate::records::Evaluated;

pub fn run(flags: EvaluateFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let device = flags.device.open()?;
    let trainer = Trainer::load(&flags.from, &device)?;
    let trained_on = trainer.card().dataset.map(|dataset| dataset.name);
    let choice = match Choice::of(&flags.data) {
        Choice::Usual if trained_on.as_deref() == Some("drawn digits") => Choice::Drawn,
        choice => choice,
    };
    let (_, test, _) = choice.load(output)?;
    if let Some(trained_on) = trained_on.filter(|name| *name != test.provenance().name) {
        output.note(format!("note: trained on {trained_on}, measured on {}", test.provenance().name));
    }
    print(&trainer.evaluate(&test)?, &test, output);
    Ok(Exit::Done)
}

/// Prints what a model does on a test set; `train` and `evaluate` say it in the same words.
pub fn print(evaluation: &Evaluation, test: &Dataset, output: &Output) {
    let provenance = test.provenance();
    let samples = count(evaluation.samples);
    output.line(format!("\n{}, {} split, {samples} images\n{evaluation}", provenance.name, provenance.split));
    output.record(&Evaluated::new(&provenance.name, &provenance.split, evaluation));
}
