//! ONNX graphs of other tools as networks: any graph of known operators runs on Burn's tensors, and is trained further.
//!
//! [`OnnxGraph::read`] checks a file whole, without a device: which operators there are, what sizes flow between them, and how
//! much memory and arithmetic a sample takes. [`OnnxGraph::build`] makes an [`OnnxNetwork`] of it, which is a Burn module and a
//! [`Network`](fireclay_nn::Network), so that a trainer fits, measures and saves it like a network of one's own.

mod any_rank;
mod batch;
mod freeze;
mod host;
mod input;
mod module;
mod moving;
mod operators;
mod options;
mod output;
mod plan;
mod read;
mod roles;
mod run;
mod scope;
mod step;
#[cfg(test)]
mod tests;
mod trial;
mod value;
mod weight;

pub use module::OnnxNetwork;
pub use options::OnnxGraphOptions;
pub use read::OnnxGraph;

/// Why an operator cannot be applied, in words that follow its name.
type Reason = String;
