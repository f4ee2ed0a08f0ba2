//! `serve`: models behind HTTP.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use fireclay::serve::{
    AdminToken, Limits, ModelSource, QueueOptions, Registry, RegistryOptions, ServeError, Served, Server,
    ServerOptions, TensorSpec,
};
use fireclay_cli::{Command, DeviceArgs, Exit, Output, UsageError};
use serde::Serialize;

use crate::error::AppError;
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
    /// Threads that read requests and write answers, and compute what takes less than a millisecond
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub http_threads: usize,
    /// Seconds for which requests are answered as usual after a request to terminate, while the server says that it is not ready
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub grace: u64,
    /// Port of this machine's loopback address on which `fireclay models` changes the versions that answer; it is told a token, which
    /// is taken from the variable FIRECLAY_ADMIN_TOKEN or made anew; 0 is any that is free
    #[arg(long, value_name = "N")]
    pub admin_port: Option<u16>,
    /// File with the token for --admin-port
    #[arg(long, value_name = "FILE", requires = "admin_port")]
    pub admin_token_file: Option<PathBuf>,
    /// Write a line of JSON on stderr for each request: time, request id, method, path, status, milliseconds, model and version, and
    /// never what was in it
    #[arg(long)]
    pub log: bool,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// What `--json` prints once requests are answered.
#[derive(Serialize)]
#[serde(tag = "type", rename = "serving")]
struct Serving<'a> {
    address: String,
    /// Where the versions are changed; null if nowhere.
    admin: Option<String>,
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
        let token = self.admin_token()?;
        let mut server = Server::bind(
            registry,
            ServerOptions {
                address: SocketAddr::new(self.host, self.port),
                limits: Limits { max_body: self.max_body << 20, ..Limits::default() },
                grace: Duration::from_secs(self.grace),
                threads: self.http_threads,
                ..ServerOptions::default()
            },
        )?;
        let mut admin = None;
        if let (Some(port), Some((token, is_new))) = (self.admin_port, token) {
            let address = server.administer(port, token.clone())?;
            admin = Some((address, is_new.then_some(token)));
        }
        if self.log {
            // A log that nobody takes any more ends no server.
            server.log(|line| drop(writeln!(std::io::stderr(), "{line}")));
        }
        let (address, served) = (server.address(), server.registry().served());
        match server.run(true, || announce(address, admin, &served, output))? {
            true => Ok(Exit::Done),
            false => {
                output.warn("ended before all requests were answered");
                Ok(Exit::Interrupted)
            }
        }
    }
}

/// The variable with the token of a server.
pub const TOKEN_VARIABLE: &str = "FIRECLAY_ADMIN_TOKEN";

/// The token in a file, whose last line may end.
pub fn token_of_file(path: &Path) -> Result<String, AppError> {
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|source| AppError::TokenFile { path: path.to_path_buf(), source })?;
    Ok(text.trim_end().to_owned())
}

impl Serve {
    /// The token for changes, and whether it was made here; `None` if there are none.
    fn admin_token(&self) -> anyhow::Result<Option<(AdminToken, bool)>> {
        if self.admin_port.is_none() {
            return Ok(None);
        }
        let (given, from) = match &self.admin_token_file {
            Some(path) => (Some(token_of_file(path)?), path.display().to_string()),
            None => (std::env::var(TOKEN_VARIABLE).ok(), TOKEN_VARIABLE.to_owned()),
        };
        let Some(given) = given else {
            return Ok(Some((AdminToken::random().map_err(|source| ServeError::System { source })?, true)));
        };
        let token = AdminToken::new(&given).ok_or_else(|| UsageError::of(AppError::NotToken { from }))?;
        Ok(Some((token, false)))
    }
}

/// Says what is served where.
fn announce(
    listens: SocketAddr,
    admin: Option<(SocketAddr, Option<AdminToken>)>,
    served: &[Arc<Served>],
    output: &Output,
) {
    let address = format!("http://{listens}");
    for served in served {
        let signature = served.model().signature();
        output.line(format!("{}, version {}: {}", served.name(), served.version(), served.path().display()));
        output.line(format!("  takes {}", tensors(&signature.inputs)));
        output.line(format!("  gives {}", tensors(&signature.outputs)));
    }
    output.line(format!("listening on {address}; Ctrl-C ends"));
    let admin_url = admin.as_ref().map(|(admin, _)| format!("http://{admin}"));
    if let (Some(url), Some((_, token))) = (&admin_url, &admin) {
        output.line(format!("versions are changed at {url}: fireclay models --url {url}"));
        if let Some(token) = token {
            // On stderr, as what is printed may be kept.
            output.note(format!("note: its token, for {TOKEN_VARIABLE}: {}", token.reveal()));
        }
    }
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
    output.record(&Serving { address: address.clone(), admin: admin_url, models: records.collect() });
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
