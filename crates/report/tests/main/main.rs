//! What pages promise, rather than their bytes.

mod audit;
mod comparison;
mod edges;
mod learning_rate;
mod markup;
mod refused;
mod safety;
mod samples;
mod tasks;
