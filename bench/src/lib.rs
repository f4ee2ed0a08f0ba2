//! What the two Rust programs of the benchmark share: flags, workloads, data, clocks and the JSON line.
//!
//! `peers/common.py` is the same for the Python programs; `README.md` describes the protocol and the line's fields.

mod clock;
mod data;
mod flags;
mod report;
mod workload;

pub use clock::{Epoch, Measured, measure_infer, measure_latency};
pub use data::{Inputs, Split};
pub use flags::{Flags, Task};
pub use report::{locked_version, report};
pub use workload::{Workload, WorkloadName};

/// Adam's, on every side.
pub const LEARNING_RATE: f64 = 1e-3;
/// Adam's, on every side.
pub const EPSILON: f32 = 1e-8;
/// Word numbers are below this one.
pub const VOCABULARY: usize = 20_000;
/// Length of a word's vector.
pub const EMBEDDING: usize = 128;
/// Length of the LSTM's state.
pub const HIDDEN: usize = 128;
/// How many samples the latency is taken from, one after the other.
pub const LATENCY_SAMPLES: usize = 128;
