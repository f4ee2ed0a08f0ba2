//! ONNX files of other tools: what is in one, checked whole.
//!
//! [`Graph::read`] makes of the bytes a list of [`Node`]s in an order in which they can run, with their constants; every
//! check of counts, sizes, names and order is behind it. Nodes have the form of the newest operators, whatever the file's
//! version of them is ([`opset`]).

mod attribute;
mod constant;
mod graph;
mod node;
mod nodes;
mod opset;
mod tensor;
#[cfg(test)]
mod tests;
mod wire;

use std::path::Path;

use crate::{ExchangeError, FileFormat};
pub(in crate::onnx) use attribute::Attribute;
pub(in crate::onnx) use constant::{Constant, Element, Values};
pub(in crate::onnx) use graph::{Graph, GraphValue, Size};
pub(in crate::onnx) use node::Node;

/// Protocol Buffers end here.
const MOST_BYTES: u64 = i32::MAX as u64;

/// Refuses bytes whose messages are not whole, or would take more memory than they may.
pub(in crate::onnx) fn check(bytes: &[u8]) -> Result<(), Problem> {
    let (what, found, limit) = ("the file's size in bytes".to_owned(), bytes.len() as u64, MOST_BYTES);
    match found > limit {
        true => Err(Problem::TooLarge { what, found, limit }),
        false => wire::check(bytes),
    }
}

/// What is wrong with the bytes of a file.
#[derive(Debug)]
pub(in crate::onnx) enum Problem {
    /// They are not as ONNX has them.
    Malformed(String),
    /// They say that there is more than is read.
    TooLarge { what: String, found: u64, limit: u64 },
    /// A tensor cannot be read.
    Tensor { name: String, problem: String },
}

impl Problem {
    /// The error with the file's name.
    pub(in crate::onnx) fn at(self, path: &Path) -> ExchangeError {
        let path = path.to_path_buf();
        match self {
            Problem::Malformed(problem) => {
                ExchangeError::Malformed { path, format: FileFormat::Onnx, problem }
            }
            Problem::TooLarge { what, found, limit } => ExchangeError::TooLarge { path, what, found, limit },
            Problem::Tensor { name, problem } => ExchangeError::Tensor { path, name, problem },
        }
    }
}
