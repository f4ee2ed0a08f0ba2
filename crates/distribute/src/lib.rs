//! Several processes that train one network together, each on a part of every batch.
//!
//! A [`Group`] has ranks, counted from 0. Its ranks sum what they have ([`Group::sum`]), show each other what they have
//! ([`Group::gather`]) and wait for each other ([`Group::barrier`]); each call is made by all of them, in the same order. Values
//! are added **in the order of the ranks**, so that a sum depends on the values and the number of ranks alone: not on the network
//! between them, not on who was first.
//!
//! [`Place::of_environment`] reads what launchers say of a process, and [`connect`] finds the other ranks and picks an engine:
//! [`SharedMemoryGroup`] on one host, [`TcpGroup`] over encrypted connections between several, or MPI with the feature `mpi`. A rank that
//! dies, stops or stays away ends the calls of all others with an error that names it. [`channel`] has the connections alone.
//!
//! The crate knows nothing of networks to be trained. Its sister crates: `fireclay-train` (fit, evaluate, predict), `fireclay` (the front door).
//!
//! ```
//! use fireclay_distribute::{Group, Threads};
//!
//! // The ranks of a test are threads of one process.
//! let ranks = Threads::new(2).into_iter().enumerate().map(|(rank, mut group)| {
//!     std::thread::spawn(move || {
//!         let mut values = [1.0 + rank as f32, 10.0];
//!         group.sum(&mut values).unwrap();
//!         values
//!     })
//! });
//! let sums: Vec<_> = ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect();
//! assert_eq!(sums, [[3.0, 20.0]; 2]);
//! ```

pub mod channel;

mod call;
mod connect;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod group;
mod host;
mod key;
mod mesh;
#[cfg(feature = "mpi")]
#[path = "mpi/enabled.rs"]
mod mpi;
#[cfg(not(feature = "mpi"))]
#[path = "mpi/disabled.rs"]
mod mpi;
mod number;
mod options;
mod place;
#[cfg(target_os = "linux")]
mod shared;
#[cfg(not(target_os = "linux"))]
#[path = "shared_disabled.rs"]
mod shared;
mod tcp;
mod threads;

pub use connect::connect;
pub use error::GroupError;
pub use group::{Group, Traffic};
#[cfg(feature = "mpi")]
pub use mpi::MpiGroup;
pub use options::{Engine, Options};
pub use place::Place;
pub use shared::SharedMemoryGroup;
pub use tcp::TcpGroup;
pub use threads::Threads;
