//! `serve`: models behind HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use fireclay::serve::{
    Limits, ModelSource, QueueOptions, Registry, RegistryOptions, ServeError, Served, Server, ServerOptions,
    TensorSpec,
};
use fireclay_cli::{Command, DeviceArgs, Exit, Output, UsageError};
use serde::Serialize;

use crate::source::check_is_model;

/// Answers requests with models, until Ctrl-C or a request to terminate.
#[derive(Args, Debug)]
pub struct Serve {
    /// Model file, or a folder with one in each of its folders 1, 2, ..., of which the highest is served; NAME=PATH gives it a name
    /// other than its own
    #[arg(value_name = "MODEL", default_value = "model.fireclay")]
    pub models: Vec<String>,
    /// Address to listen on; 0.0.0.0 is every one of this machine
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 is any that is free
    #[arg(long, value_name = "N", default_value_t = 8000)]
    pub port: u16,
    /// Samples that are computed together at most
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub max_batch: usize,
    /// Milliseconds that the first request of a batch waits for others
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub max_delay: u64,
    /// Samples that may wait; a request beyond that is refused at once
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000_000))]
    pub queue: usize,
    /// Milliseconds that a request may wait; one that is late is refused and not computed
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub deadline: u64,
    /// Megabytes of a request at most
    #[arg(long, value_name = "MB", default_value_t = 16, value_parser = RangedU64ValueParser::<usize>::new().range(1..=16_384))]
    pub max_body: usize,
    /// Seconds for which requests are answered as usual after a request to terminate, while the server says that it is not ready
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub grace: u64,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// What `--json` prints once requests are answered.
#[derive(Serialize)]
#[serde(tag = "type", rename = "serving")]
struct Serving<'a> {
    address: String,
    models: Vec<ServedRecord<'a>>,
}

#[derive(Serialize)]
struct ServedRecord<'a> {
    name: &'a str,
    version: u64,
    file: String,
    inputs: Vec<Tensor<'a>>,
    outputs: Vec<Tensor<'a>>,
}

#[derive(Serialize)]
struct Tensor<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: Vec<i64>,
}

impl<'a> From<&'a TensorSpec> for Tensor<'a> {
    fn from(spec: &'a TensorSpec) -> Self {
        Tensor { name: &spec.name, datatype: spec.datatype.name(), shape: spec.sizes() }
    }
}

impl Command for Serve {
    const NAME: &'static str = "serve";
    const ABOUT: &'static str = "Answer requests over HTTP with models";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let sources = self.models.iter().map(|model| ModelSource::parse(model));
        let sources = sources.collect::<Result<Vec<_>, _>>().map_err(UsageError::of)?;
        for source in sources.iter().filter(|source| !source.path.is_dir()) {
            check_is_model(&source.path)?;
        }
        let device = self.device.open()?;
        // Says so where the device has no such; the models' threads have a scope of their own.
        let _precision = self.device.in_precision(&device, output);
        let queue = QueueOptions {
            max_batch: self.max_batch,
            max_delay: Duration::from_millis(self.max_delay),
            capacity: self.queue,
            deadline: Duration::from_millis(self.deadline),
        };
        let options = RegistryOptions { queue, precision: self.device.precision };
        let registry = Registry::load(&sources, &device, options).map_err(|error| match error {
            ServeError::SameName { .. } | ServeError::Delay { .. } => UsageError::of(error),
            other => other.into(),
        })?;
        let server = Server::bind(
            registry,
            ServerOptions {
                address: SocketAddr::new(self.host, self.port),
                limits: Limits { max_body: self.max_body << 20, ..Limits::default() },
                grace: Duration::from_secs(self.grace),
                ..ServerOptions::default()
            },
        )?;
        let (address, served) = (server.address(), server.registry().served().cloned().collect::<Vec<_>>());
        match server.run(true, || announce(address, &served, output))? {
            true => Ok(Exit::Done),
            false => {
                output.warn("ended before all requests were answered");
                Ok(Exit::Interrupted)
            }
        }
    }
}

/// Says what is served where.
fn announce(listens: SocketAddr, served: &[Arc<Served>], output: &Output) {
    let address = format!("http://{listens}");
    for served in served {
        let signature = served.model().signature();
        output.line(format!("{}, version {}: {}", served.name(), served.version(), served.path().display()));
        output.line(format!("  takes {}", tensors(&signature.inputs)));
        output.line(format!("  gives {}", tensors(&signature.outputs)));
    }
    output.line(format!("listening on {address}; Ctrl-C ends"));
    if let Some(first) = served.first() {
        let name = first.name();
        output.line(match first.model().signature().inputs.as_slice() {
            [text] if text.name == "text" => {
                format!(
                    "try: curl {address}/v1/models/{name}:predict -d '{{\"instances\": [\"some words\"]}}'"
                )
            }
            _ => format!("try: curl {address}/v2/models/{name}"),
        });
    }
    if !listens.ip().is_loopback() {
        output.note("note: whoever reaches this address is answered; put a proxy in front of it that knows who may ask");
    }
    let records = served.iter().map(|served| ServedRecord {
        name: served.name(),
        version: served.version(),
        file: served.path().display().to_string(),
        inputs: served.model().signature().inputs.iter().map(Tensor::from).collect(),
        outputs: served.model().signature().outputs.iter().map(Tensor::from).collect(),
    });
    output.record(&Serving { address: address.clone(), models: records.collect() });
}

/// Tensors beyond which a table's columns are counted.
const SHOWN: usize = 6;

fn tensors(specs: &[TensorSpec]) -> String {
    let shown: Vec<String> = specs.iter().take(SHOWN).map(ToString::to_string).collect();
    match specs.len().checked_sub(SHOWN) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}
