//! `evaluate`: measures a saved model on the test split.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::prelude::{Dataset, Trainer};
use fireclay::store::ModelCard;

use crate::command::Command;
use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::evaluation::print_evaluation;
use crate::exit::{Exit, UsageError};
use crate::format::count;
use crate::limit::Limit;
use crate::metrics::MetricArgs;
use crate::model_args::bucketed;
use crate::output::Output;
use crate::program::{DataSourceArgs, Part, Program, SourceOf};

/// Measures a saved model on the test split of the data that it was trained on, or that flags name.
#[derive(Args, Debug)]
pub struct Evaluate<P: Program> {
    /// Model file to evaluate
    #[arg(value_name = "MODEL", default_value = P::MODEL_FILE)]
    pub from: PathBuf,
    /// Which data.
    #[command(flatten)]
    pub source: P::SourceArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// What is measured besides what always is.
    #[command(flatten)]
    pub measured: MetricArgs,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl<P: Program> Command for Evaluate<P> {
    const NAME: &'static str = "evaluate";
    const ABOUT: &'static str = "Evaluate a saved model on the test set of the data it was trained on";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let device = self.device.open()?;
        let _precision = self.device.in_precision(&device, output);
        let trainer = Trainer::load(&self.from, &device)?;
        let card = trainer.card();
        let source = source_for::<P>(&self.source, &self.from, &card)?;
        let test = load_test::<P>(&source, self.limit, &card, output)?;
        let asked = self.measured.find(&test)?;
        let trainer = trainer.metrics(asked.clone());
        print_evaluation::<P>(&trainer.evaluate(&test)?, &asked, &test, output);
        Ok(Exit::Done)
    }
}

/// Where the data of a saved model comes from: what flags name, or the data set that it was trained on.
///
/// # Errors
/// If that is the user's own, which no program finds by itself.
pub(super) fn source_for<P: Program>(
    flags: &P::SourceArgs,
    model: &Path,
    card: &ModelCard,
) -> anyhow::Result<SourceOf<P>> {
    // A folder of the user's own may well be called as a published set is.
    let trained_on = card.dataset.as_ref().filter(|_| !flags.is_given());
    let Some(dataset) = trained_on else { return Ok(flags.source()) };
    P::known_source(&dataset.name).filter(|_| !dataset.own).ok_or_else(|| {
        UsageError::of(CommandError::OwnData { model: model.to_owned(), dataset: dataset.name.clone() })
    })
}

/// The samples that a saved model is measured on.
///
/// # Errors
/// What is wrong with the data, or why it does not go with the model.
pub(super) fn load_test<P: Program>(
    source: &SourceOf<P>,
    limit: Limit,
    card: &ModelCard,
    output: &Arc<Output>,
) -> anyhow::Result<Dataset> {
    let test = P::load_part(source, Part::Test, limit, card, output)?;
    check_classes(card, &test)?;
    let test = bucketed(unseen(test, card, output)?, &card.spec)?;
    let trained_on = card.dataset.as_ref().map(|dataset| dataset.name.as_str());
    if let Some(trained_on) = trained_on.filter(|name| *name != test.provenance().name) {
        output.warn(format!("note: trained on {trained_on}, evaluated on {}", test.provenance().name));
    }
    Ok(test)
}

/// Which samples are measured: those that the model was not trained on, where its file says which those were. Of a test part
/// that was named as such all are measured, and it is said how many were trained on.
///
/// # Errors
/// If the model was trained on all of them.
pub fn measured(test: &Dataset, card: &ModelCard, output: &Output) -> Result<Vec<usize>, CommandError> {
    let all: Vec<usize> = (0..test.len()).collect();
    let is_private = card.training.as_ref().is_some_and(|training| training.privacy.is_some());
    if is_private && card.seen.is_none() && test.provenance().split == "all" {
        output.warn(
            "note: the file of a private training does not say which samples it has seen, so that those among these are measured as \
             well; name samples that it has not seen",
        );
    }
    let Some(seen) = &card.seen else { return Ok(all) };
    let unseen = test.unseen_indices(seen);
    let known = test.len() - unseen.len();
    let is_whole = test.provenance().split == "all";
    if known == test.len() && is_whole {
        return Err(CommandError::AllSeen { samples: known });
    }
    if known > 0 {
        let so = if is_whole { "left out" } else { "measured all the same, as they are a test part" };
        let [known, all] = [known, test.len()].map(|samples| count(samples as u64));
        output.warn(format!("note: {known} of these {all} samples were trained on and are {so}"));
    }
    Ok(if is_whole { unseen } else { all })
}

/// The samples that are measured.
fn unseen(test: Dataset, card: &ModelCard, output: &Output) -> Result<Dataset, CommandError> {
    let measured = measured(&test, card, output)?;
    match &card.seen {
        Some(seen) if measured.len() < test.len() => Ok(test.unseen(seen)),
        _ => Ok(test),
    }
}

/// Refuses data whose classes are not the model's: its predictions would be counted against other names.
pub(super) fn check_classes(card: &ModelCard, test: &Dataset) -> Result<(), CommandError> {
    let (expected, found) = (&card.classes, test.class_names());
    if expected.is_empty() || expected == found {
        return Ok(());
    }
    let first = |names: &[String]| {
        let shown = names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        if names.len() > 5 { shown + ", ..." } else { shown }
    };
    Err(CommandError::Classes {
        expected_classes: expected.len(),
        expected: first(expected),
        found_classes: found.len(),
        found: first(found),
    })
}
