//! ONNX: networks out, and in from other tools.
//!
//! [`import`] makes layers of a graph where it is a chain with residual additions, as PyTorch's exporters, tf2onnx and Keras
//! write it, or Fireclay itself. [`OnnxGraph`] takes a graph as it is, and makes a network of it that runs and is trained.

mod export;
mod import;
mod network;
mod proto;
mod translate;

use std::path::Path;

pub use export::{OnnxModel, OnnxOptions, OnnxSize, OnnxType, OnnxValue, export};
pub use network::{OnnxGraph, OnnxGraphOptions, OnnxNetwork};

use crate::{ExchangeError, Imported};

/// Refuses a file in memory whose messages are not whole, or would take more memory than they may.
pub(crate) fn check_messages(path: &Path, bytes: &[u8]) -> Result<(), ExchangeError> {
    import::check(bytes).map_err(|problem| problem.at(path))
}

/// Reads an ONNX file of another tool as a description of layers with their weights.
///
/// # Errors
/// [`ExchangeError::Unsupported`] with every node that cannot be taken over, or where the graph is no chain of layers;
/// [`ExchangeError::Malformed`], [`ExchangeError::TooLarge`] and [`ExchangeError::Tensor`] for a file that is not as ONNX has
/// it, or whose weights are in other files; [`ExchangeError::Model`] for layers that do not fit together here.
pub fn import(path: impl AsRef<Path>) -> Result<Imported, ExchangeError> {
    let path = path.as_ref();
    translate::translate(path, &import::Graph::read(path)?)
}
