//! `federate init`: the model file that a server and its clients begin with.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::prelude::FitOptions;
use fireclay::train::Sgd;

use super::begin::{BeginArgs, Beginning};
use crate::commands::train::check_out;
use crate::exit::Exit;
use crate::format::{bytes, shown};
use crate::objective::Objective;
use crate::output::Output;
use crate::program::Program;
use crate::records::Saved;

/// Writes a network that is not trained yet, with what it has to know of the data: classes, and how samples are prepared, such as by
/// means or a vocabulary, which come from the data that is named here. Clients prepare theirs alike.
#[derive(Args, Debug)]
pub struct Init<P: Program> {
    /// Where to save the model
    #[arg(long, value_name = "FILE", default_value = "begin.fireclay")]
    out: PathBuf,
    /// Seed of the initial weights
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    begin: BeginArgs<P>,
}

impl<P: Program> Init<P> {
    pub fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_out(&self.out)?;
        let Beginning { network, train, .. } = self.begin.begin(self.seed, output)?;
        let objective = Objective::of(&train);
        let mut trainer = objective.trainer(network, 0.0, None).optimizer(Sgd::new(0.1));
        trainer.prepare(&train, &FitOptions { epochs: 0, seed: self.seed, ..FitOptions::default() })?;
        let size = trainer.save(&self.out)?;
        let (file, dataset) = (shown(&self.out), &train.provenance().name);
        output.line(format!("saved {file} ({}), not trained yet, for {dataset}", bytes(size)));
        output.record(&Saved { file, bytes: size, dataset });
        Ok(Exit::Done)
    }
}
