//! `federate client`: trains for a server on samples that stay here.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::federate::{ClientEvent, ClientId, ClientOptions, FederateError, run_client};
use serde::Serialize;

use super::local::ClientArgs;
use super::outcome::stop_on_press;
use super::problem::explained;
use super::server::KeyArgs;
use crate::exit::Exit;
use crate::format::{count, seconds};
use crate::interrupt::InterruptOnCtrlC;
use crate::output::Output;
use crate::program::Program;

/// Takes part in a federation.
#[derive(Args, Debug)]
pub struct Client<P: Program> {
    /// Model file to begin with, the same that the server has
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Where the server is, such as example.org:29418
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:29418")]
    server: String,
    /// Name of this client, which it keeps: letters, digits, '.', '_' and '-'
    #[arg(long, value_name = "NAME")]
    name: ClientId,
    #[command(flatten)]
    key: KeyArgs,
    /// Refuse to train unless updates are added under masks (secure aggregation)
    #[arg(long)]
    secure_only: bool,
    /// Seconds that the server is looked for before giving up, each time anew
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0, allow_negative_numbers = true)]
    patience_seconds: f64,
    #[command(flatten)]
    client: ClientArgs<P>,
}

/// A client whose federation is over.
#[derive(Serialize)]
#[serde(tag = "type", rename = "federation_over")]
struct Over {
    rounds: u64,
    trainings: u64,
}

impl<P: Program> Client<P> {
    pub fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        self.client.check()?;
        let key = self.key.read()?;
        let interrupt = InterruptOnCtrlC::install()?;
        let start = self.client.start(&self.model)?;
        let (samples, training) = self.client.training(&self.model, &start, output)?;
        output.progress_line(format!(
            "{}: {} {}",
            self.name,
            count(samples.len() as u64),
            P::samples(&samples)
        ));
        let options = ClientOptions {
            secure_only: self.secure_only,
            preparation: start.preparation()?,
            patience_seconds: self.patience_seconds,
            ..ClientOptions::new(self.server, key, self.name)
        };
        let _run = interrupt.run();
        stop_on_press(&interrupt, options.stopped.clone(), output);
        match run_client(&options, training, |event| show(event, output)) {
            Ok(summary) => {
                let (rounds, trainings) = (summary.rounds, summary.trainings);
                output.line(format!("the federation is over after {rounds} rounds; trained in {trainings}"));
                output.record(&Over { rounds, trainings });
                Ok(Exit::Done)
            }
            Err(FederateError::Stopped) => Ok(Exit::Interrupted),
            Err(error) => Err(explained(error)),
        }
    }
}

fn show(event: &ClientEvent, output: &Output) {
    match event {
        ClientEvent::Connected { server, round, rounds } => {
            output.note(format!("connected with {server}, round {} of {rounds}", round + 1));
        }
        ClientEvent::Disconnected { reason, pause_seconds } => {
            output.note(format!("no connection: {reason}; trying again in {}", seconds(*pause_seconds)));
        }
        ClientEvent::Asked { task } => {
            output.progress_line(format!("round {}: training", task.round + 1));
        }
        ClientEvent::Failed { round, reason } => {
            output.warn(format!("round {}: no update: {reason}", round + 1));
        }
        ClientEvent::UpdateRefused { round, reason } => {
            output.warn(format!("round {}: the server refused the answer: {reason}", round + 1));
        }
        _ => {}
    }
}
