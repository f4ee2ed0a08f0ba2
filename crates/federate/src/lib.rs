//! Federated learning: clients train one network together, and their samples stay where they are.
//!
//! A [`Federation`] has global [`Parameters`], named tensors. In each round it asks some clients ([`Sampling`]) to train from them
//! ([`LocalTraining`], which is its user's), checks what they answer ([`UpdateLimits`]), puts it together ([`Aggregation`]) and makes a
//! step of it ([`ServerOptimizer`]). With [`SecureAggregation`] the server sees sums of updates and no single one; with
//! [`ClientPrivacy`] noise hides what one client did. Clients are functions of this process
//! ([`Federation::simulate`]) or connect to it ([`Federation::serve`], [`run_client`]); what comes of both is the same bit for bit.
//!
//! **The parameters after a round are a function of the parameters before and of the updates that arrived**: not of a clock, and
//! not of who was first. Updates are added in the order of the clients' names.
//!
//! The crate knows nothing of networks and data: a [`Split`] gives the numbers of samples, a test of the parameters is a function. Its
//! sister crates: `fireclay-train` (fit, evaluate, predict), `fireclay-distribute` (channels between processes), `fireclay` (the front
//! door).
//!
//! ```
//! use fireclay_federate::{
//!     ClientId, Federation, FederationOptions, LocalTraining, LocalUpdate, Metrics, Parameters, Simulation, Task, Tensor,
//! };
//!
//! /// Fits one number to those of a client.
//! struct Fit(Vec<f32>);
//!
//! impl LocalTraining for Fit {
//!     fn train(
//!         &mut self,
//!         task: &Task,
//!         global: &Parameters,
//!     ) -> Result<LocalUpdate, Box<dyn std::error::Error + Send + Sync>> {
//!         let mut tensor = global.tensors()[0].clone();
//!         let mean = self.0.iter().sum::<f32>() / self.0.len() as f32;
//!         for _ in 0..task.epochs {
//!             tensor.values[0] += 0.5 * (mean - tensor.values[0]);
//!         }
//!         let metrics = Metrics::from([("loss".to_owned(), f64::from(mean - tensor.values[0]).powi(2))]);
//!         Ok(LocalUpdate { parameters: Parameters::new([tensor])?, samples: self.0.len() as u64, metrics })
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let begin = Parameters::new([Tensor { name: "mean".into(), shape: vec![1], values: vec![0.0] }])?;
//! let data = [vec![1.0, 2.0, 3.0], vec![8.0]];
//! let clients = data.into_iter().enumerate().map(|(number, numbers)| {
//!     (ClientId::numbered(number), Box::new(Fit(numbers)) as Box<dyn LocalTraining>)
//! });
//! let options = FederationOptions { rounds: 20, ..FederationOptions::default() };
//! let mut federation = Federation::new(options, begin)?;
//! federation.simulate(Simulation::new(clients)?)?;
//!
//! // The mean of all numbers, of which the server has seen none.
//! assert!((federation.parameters().tensors()[0].values[0] - 3.5).abs() < 1e-4);
//! assert_eq!(federation.history().len(), 20);
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod aggregate;
mod check;
mod checkpoint;
mod error;
mod event;
mod federation;
mod fixed_point;
mod history;
mod id;
mod network;
mod optimizer;
mod options;
mod parameters;
mod parse_id;
mod participant;
mod privacy;
mod random;
mod round;
mod sampling;
mod secure;
mod simulate;
mod split;
mod training;
mod transport;
pub mod wire;

pub use aggregate::Aggregation;
pub use check::{Refusal, UpdateLimits};
pub use error::FederateError;
pub use event::FederationEvent;
pub use federation::Federation;
pub use fireclay_distribute::channel::SharedKey;
pub use fixed_point::{Modulus, SecureRound};
pub use history::{ClientMetrics, DroppedClient, FailedAttempt, RefusedAnswer, RoundRecord, Step};
pub use id::ClientId;
pub use network::{ClientEvent, ClientOptions, ClientSummary, Server, run_client};
pub use optimizer::ServerOptimizer;
pub use options::{FederationOptions, LocalOptions, MinUpdates};
pub use parameters::{MAX_NAME_BYTES, MAX_RANK, MAX_TENSORS, Metrics, Parameters, Tensor};
pub use privacy::{ClientPrivacy, PrivacyUse};
pub use random::NoiseSource;
pub use sampling::Sampling;
pub use secure::SecureAggregation;
pub use simulate::{Fate, Simulation};
pub use split::Split;
pub use training::{LocalTraining, LocalUpdate, Task};
