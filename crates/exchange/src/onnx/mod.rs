//! ONNX, out.

mod export;
mod import;
mod network;
mod proto;

pub use export::{OnnxModel, OnnxOptions, OnnxSize, OnnxType, OnnxValue, export};
pub use network::{OnnxGraph, OnnxGraphOptions, OnnxNetwork};
