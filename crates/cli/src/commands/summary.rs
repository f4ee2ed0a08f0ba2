//! `mnist summary`

use std::sync::Arc;

use fireclay::prelude::*;
use fireclay_cli::{Exit, Output};

use crate::cli::SummaryFlags;
use crate::records::Summarised;
use crate::train::read_spec;

pub fn run(flags: SummaryFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let card = flags.from.as_ref().map(load_card).transpose()?;
    let spec = match (&card, &flags.model.spec) {
        (Some(card), _) => card.spec.clone(),
        (None, Some(path)) => read_spec(path)?,
        (None, None) => flags.model.model.spec(&[1, 28, 28], 10),
    };
    if flags.toml {
        output.line(spec.to_toml()?.trim_end());
        return Ok(Exit::Done);
    }
    let summary = spec.summary()?;
    output.line(summary.to_string());
    let dataset = card.and_then(|card| card.dataset);
    if let Some(dataset) = &dataset {
        output.line(format!("trained on {} ({})", dataset.name, dataset.source));
    }
    output.record(&Summarised {
        parameters: summary.parameters(),
        buffers: summary.buffers(),
        flops: summary.flops(),
        trained_on: dataset.as_ref().map(|dataset| dataset.name.as_str()),
        summary: &summary,
    });
    Ok(Exit::Done)
}
