//! Fireclay's models behind HTTP.
//!
//! A [`Registry`] loads models, each from its file or the highest version of a folder; a [`Server`] answers for them in the
//! protocols that other servers speak, so that their clients work unchanged:
//!
//! - the [Open Inference Protocol](https://github.com/kserve/open-inference-protocol), version 2, as KServe and Triton have it,
//!   with Triton's binary tensors (`/v2/models/NAME/infer`)
//! - TensorFlow Serving's REST API (`/v1/models/NAME:predict`)
//!
//! and for people: `/v1/models/NAME/classify` takes a picture, a text or a row as it is, `/v1/models/NAME/generate` lets a language
//! model write, and the page at `/` has both. `/openapi.json` describes all paths.
//!
//! [`Registry::change`] loads another version of a model beside the one that answers, tries it and lets it answer all requests or a
//! share of them ([`Change`]); [`Server::administer`] lets others do so over a port of its own. `/metrics` has what was counted, for
//! Prometheus, and how far samples are from those of the training.
//!
//! Requests that arrive together are computed together ([`QueueOptions`]), and more than may wait are refused at once. What a
//! request brings is prepared as in training, so the answers are those of a [`Predictor`](fireclay_train::Predictor).
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use fireclay_nn::{Device, ModelSpec};
//! use fireclay_serve::{ModelSource, Registry, RegistryOptions, Server, ServerOptions};
//! use fireclay_train::Trainer;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("sums.fireclay");
//! let device = Device::default();
//! Trainer::regression(ModelSpec::new([2]).dense(2).build_seeded(1, &device)?).save(&path)?;
//!
//! let source = ModelSource { name: "sums".into(), path };
//! let registry = Registry::load(&[source], &device, RegistryOptions::default())?;
//! // Port 0 is any that is free.
//! let options = ServerOptions { address: ([127, 0, 0, 1], 0).into(), ..ServerOptions::default() };
//! let server = Server::bind(registry, options)?;
//! let (address, handle) = (server.address(), server.handle());
//! let serving = std::thread::spawn(move || server.run(false, || ()));
//!
//! let mut client = std::net::TcpStream::connect(address)?;
//! let body = r#"{"instances": [[1.0, 2.0], [3.0, 4.0]]}"#;
//! let length = body.len();
//! write!(client, "POST /v1/models/sums:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#"{"predictions":[["#), "{answer}");
//!
//! handle.shut_down_now();
//! assert!(serving.join().unwrap()?, "every request was answered");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod drift;
mod error;
mod json;
mod metrics;
mod model;
mod page;
mod phase;
mod process;
mod protocols;
mod queue;
mod refusal;
mod registry;
mod server;
mod state;
mod tensor;

pub use error::ServeError;
pub use metrics::{Histogram, Metrics};
pub use model::{Input, Output, OutputValues, Question, ServedModel, Signature, TensorSpec};
pub use phase::ServerHandle;
pub use queue::{Answers, Observer, Queue, QueueOptions};
pub use refusal::Refusal;
pub use registry::{
    Change, ModelSource, Registry, RegistryOptions, Selector, Served, VersionState, VersionStatus,
};
pub use server::{AdminToken, Server, ServerOptions};
pub use state::Limits;
pub use tensor::{Cell, Datatype, Elements, Tensor};
