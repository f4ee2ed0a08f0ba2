//! `summary`: shows a model layer by layer.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::prelude::load_card;

use crate::command::Command;
use crate::exit::Exit;
use crate::format::signed_by;
use crate::model_args::{ModelArgs, describe, preprocessing_for};
use crate::output::Output;
use crate::program::{ModelName, Program, SourceOf};
use crate::recipe::{adversarial_training, privacy_spent};
use crate::records::SummaryRecord;

/// Shows a model layer by layer, with output shapes, parameters and FLOPs; of a named one the recipe too.
#[derive(Args, Debug)]
pub struct Summary<P: Program> {
    /// Which model.
    #[command(flatten)]
    pub model: ModelArgs<P>,
    /// Show the model of a file instead
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["model", "spec"])]
    pub from: Option<PathBuf>,
    /// Print the description as TOML, to copy and change
    #[arg(long, conflicts_with = "json")]
    pub toml: bool,
}

impl<P: Program> Command for Summary<P> {
    const NAME: &'static str = "summary";
    const ABOUT: &'static str =
        "Show a model layer by layer: output shapes, parameters, FLOPs, and the recipe it is trained by";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let card = self.from.as_ref().map(load_card).transpose()?;
        let model = self.model.model;
        let (spec, named) = match (&card, self.model.own_spec()?) {
            (Some(card), _) => (card.spec.clone(), None),
            (None, Some(own)) => (own, None),
            (None, None) => (model.spec(&P::default_data(model)), Some(model)),
        };
        if self.toml {
            output.line(spec.to_toml()?.trim_end());
            return Ok(Exit::Done);
        }
        let summary = spec.summary()?;
        output.line(summary.to_string());
        let recipe = |model: P::Model| -> anyhow::Result<String> {
            let usual = SourceOf::<P>::default();
            let preprocessing = preprocessing_for::<P>(P::Preprocessing::default(), model, &usual)?;
            Ok(describe(&model.recipe(&P::default_data(model)), &preprocessing))
        };
        let recipe = named.map(recipe).transpose()?;
        if let Some(recipe) = &recipe {
            output.line(format!("recipe: {recipe}"));
        }
        let training = card.as_ref().and_then(|card| card.training.clone());
        let signature = card.as_ref().and_then(|card| card.signature.clone());
        let dataset = card.and_then(|card| card.dataset);
        if let Some(dataset) = &dataset {
            output.line(format!("trained on {} ({})", dataset.name, dataset.source));
        }
        let privacy = training.as_ref().and_then(|training| training.privacy.as_ref());
        if let Some(privacy) = privacy {
            output.line(privacy_spent(privacy));
        }
        if let Some(adversarial) = training.as_ref().and_then(adversarial_training) {
            output.line(adversarial);
        }
        if let Some(signature) = &signature {
            output.line(format!("signed by {}", signed_by(signature)));
        }
        output.record(&SummaryRecord {
            parameters: summary.parameters(),
            frozen: summary.frozen(),
            buffers: summary.buffers(),
            flops: summary.flops(),
            recipe: recipe.as_deref(),
            trained_on: dataset.as_ref().map(|dataset| dataset.name.as_str()),
            privacy,
            adversarial: (training.as_ref())
                .map_or(serde_json::Value::Null, |training| training.adversarial.clone()),
            signed_by: signature.map(|signature| signature.fingerprint()),
            summary: &summary,
        });
        Ok(Exit::Done)
    }
}
