//! `federate round`: a client's part of a round, for a federation that others run.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::federate::{ClientId, FederationOptions, Metrics, Task};
use serde::Serialize;

use super::local::{ClientArgs, LocalArgs};
use super::problem::explained;
use super::weights::{check_weights_out, read_weights, with_weights, write_weights};
use crate::exit::Exit;
use crate::format::{count, shown};
use crate::objective::measure;
use crate::output::Output;
use crate::program::Program;

/// Trains once from given weights and writes what came of it.
#[derive(Args, Debug)]
pub struct Round<P: Program> {
    /// Model file that says what the network is and how samples are prepared
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Weights to begin with, in safetensors, as `federate weights` writes them [default: those of the model file]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Where to write the weights that come of it, in safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    local: LocalArgs,
    /// Epochs of the rounds before, after which orders of samples go on
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Local training")]
    first_epoch: u64,
    /// Seed of the order of samples and dropout
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Local training")]
    seed: u64,
    #[command(flatten)]
    client: ClientArgs<P>,
}

/// What a client answers.
#[derive(Serialize)]
#[serde(tag = "type", rename = "local_update")]
struct LocalUpdateRecord<'a> {
    file: String,
    samples: u64,
    metrics: &'a Metrics,
}

impl<P: Program> Round<P> {
    pub fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        self.client.check()?;
        let local = self.local.options();
        FederationOptions { local, ..FederationOptions::default() }.check().map_err(explained)?;
        check_weights_out(&self.out)?;
        let start = self.client.start(&self.model)?;
        let global = match &self.weights {
            Some(path) => {
                let weights = read_weights(path)?;
                with_weights(&start.network, &weights, path)?;
                weights
            }
            None => fireclay::train::parameters(&start.network)?,
        };
        let (_, mut training) = self.client.training(&self.model, &start, output)?;
        let task = Task {
            round: 0,
            attempt: 0,
            client: ClientId::numbered(0),
            epochs: local.epochs,
            first_epoch: self.first_epoch,
            batch_size: local.batch_size,
            learning_rate: local.learning_rate,
            proximal_mu: local.proximal_mu,
            seed: self.seed,
        };
        let update = training.train(&task, &global).map_err(|error| anyhow::anyhow!(error))?;
        write_weights(&self.out, &update.parameters)?;
        let file = shown(&self.out);
        let measures: Vec<String> =
            update.metrics.iter().map(|(name, value)| format!("{name} {}", measure(name, *value))).collect();
        output.line(format!("{} samples  {}  wrote {file}", count(update.samples), measures.join("  ")));
        output.record(&LocalUpdateRecord { file, samples: update.samples, metrics: &update.metrics });
        Ok(Exit::Done)
    }
}
