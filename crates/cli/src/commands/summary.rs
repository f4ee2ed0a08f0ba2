//! `summary`: shows a model layer by layer.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::prelude::*;

use super::train::{ModelFlags, described, preparation, read_spec};
use crate::program::{ModelName, Program};
use crate::records::Summarised;
use crate::{Exit, Output};

/// The flags of `summary`.
#[derive(Args, Debug)]
pub struct SummaryFlags<P: Program> {
    /// Which model.
    #[command(flatten)]
    pub model: ModelFlags<P>,
    /// Show the model of a file instead
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["model", "spec"])]
    pub from: Option<PathBuf>,
    /// Print the description as TOML, to copy and change
    #[arg(long, conflicts_with = "json")]
    pub toml: bool,
}

/// Shows a model layer by layer, with output shapes, parameters and FLOPs; of a named one the recipe too.
///
/// # Errors
/// If the model or the description cannot be read.
pub fn run<P: Program>(flags: SummaryFlags<P>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let card = flags.from.as_ref().map(load_card).transpose()?;
    let model = flags.model.model;
    let (spec, named) = match (&card, &flags.model.spec) {
        (Some(card), _) => (card.spec.clone(), None),
        (None, Some(path)) => (read_spec(path)?, None),
        (None, None) => (model.spec(&P::usual_task_of(model)), Some(model)),
    };
    if flags.toml {
        output.line(spec.to_toml()?.trim_end());
        return Ok(Exit::Done);
    }
    let summary = spec.summary()?;
    output.line(summary.to_string());
    let recipe =
        named.map(|model| described(&model.recipe(), &preparation::<P>(P::Preparation::default(), model)));
    if let Some(recipe) = &recipe {
        output.line(format!("recipe: {recipe}"));
    }
    let dataset = card.and_then(|card| card.dataset);
    if let Some(dataset) = &dataset {
        output.line(format!("trained on {} ({})", dataset.name, dataset.source));
    }
    output.record(&Summarised {
        parameters: summary.parameters(),
        frozen: summary.frozen(),
        buffers: summary.buffers(),
        flops: summary.flops(),
        recipe: recipe.as_deref(),
        trained_on: dataset.as_ref().map(|dataset| dataset.name.as_str()),
        summary: &summary,
    });
    Ok(Exit::Done)
}
