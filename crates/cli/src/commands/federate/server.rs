//! `federate server`: asks clients that connect.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fireclay::data::sha256;
use fireclay::federate::{Server, SharedKey};
use serde::Serialize;

use super::args::FederationArgs;
use super::local::Start;
use super::outcome::{Plan, check};
use super::problem::explained;
use super::weights::of_new_weights;
use crate::commands::evaluate::{load_test, source_for};
use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::interrupt::InterruptOnCtrlC;
use crate::limit::Limit;
use crate::output::Output;
use crate::output_file::same_file;
use crate::program::Program;

/// Where the key is looked for that server and clients share.
const KEY_VARIABLES: [&str; 2] = ["FIRECLAY_SHARED_KEY_FILE", "FIRECLAY_SHARED_KEY"];

/// The key that server and clients share.
#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
    /// File with the key that server and clients share, such as what `openssl rand -hex 32` prints: who has it can take part
    /// [default: the variable FIRECLAY_SHARED_KEY_FILE, or the key itself in FIRECLAY_SHARED_KEY]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeyArgs {
    pub fn read(&self) -> anyhow::Result<SharedKey> {
        let [file, key] =
            KEY_VARIABLES.map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let key = match (self.key_file.clone().or(file.map(PathBuf::from)), key) {
            (Some(path), _) => SharedKey::read(path),
            (None, Some(key)) => SharedKey::new(&key),
            (None, None) => return Err(UsageError::of(CommandError::NoKey)),
        };
        key.map_err(UsageError::of)
    }
}

/// Runs a federation with clients that connect.
#[derive(Args, Debug)]
pub struct ServerArgs<P: Program> {
    /// Model file to begin with, as `federate init` or `train` writes it; clients have the same
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Address to listen at; 0.0.0.0:29418 for clients on other machines
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:29418")]
    bind: SocketAddr,
    #[command(flatten)]
    key: KeyArgs,
    /// Where to save the model
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Go on with the federation that was interrupted, from the checkpoint beside --out; the other flags are as they were
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    federation: FederationArgs,
    /// Which data the model is tested on.
    #[command(flatten)]
    source: P::SourceArgs,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    device: DeviceArgs,
}

/// A server that listens.
#[derive(Serialize)]
#[serde(tag = "type", rename = "listening")]
struct Listening {
    address: String,
}

impl<P: Program> ServerArgs<P> {
    pub fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let out = std::path::absolute(&self.out)?;
        let options = check(&self.federation, self.resume, &out)?;
        if same_file(&self.model, &out) {
            return Err(UsageError::of(CommandError::SameFile { path: self.model, flag: "--out" }));
        }
        let key = self.key.read()?;
        let interrupt = InterruptOnCtrlC::install()?;
        let device = self.device.open()?;
        let start = Start::load(&self.model, &device)?;
        let preparation = start.preparation()?;
        let Start { network, card } = start;
        let card = of_new_weights(card, &self.model, output);
        let source = source_for::<P>(&self.source, &self.model, &card)?;
        let test = load_test::<P>(&source, self.limit, &card, output)?;
        let mut server = Server::bind(self.bind, key).map_err(explained)?;
        let address = server.address();
        output.progress_line(format!("waiting for clients at {address}"));
        output.record(&Listening { address: address.to_string() });
        let setup = [
            ("model", card.spec.to_json()?),
            ("SHA-256 of classes and preparation", sha256::of_parts(&[preparation.as_bytes()])),
        ];
        let setup = setup.map(|(name, value)| (name.to_owned(), value)).into();
        let (resume, precision) = (self.resume, self.device.precision);
        let plan = Plan {
            args: &self.federation,
            options,
            network,
            card,
            setup,
            preparation,
            precision,
            test,
            out,
            resume,
        };
        plan.run::<P>(&interrupt, output, |federation| federation.serve(&mut server))
    }
}
