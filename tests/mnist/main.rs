//! The program `mnist` from outside: what a user types, what comes back, and what happens when things go wrong.

mod audit;
mod check;
mod compress;
#[cfg(all(target_os = "linux", feature = "dashboard"))]
mod dashboard;
mod earlier_version;
mod facts;
mod federate;
mod find_lr;
mod json;
mod mistakes;
#[path = "../shared/numpy.rs"]
mod numpy;
mod outputs;
mod ranks;
mod runs;
mod support;
mod survival;
mod training;
