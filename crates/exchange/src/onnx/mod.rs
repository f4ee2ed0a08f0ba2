//! ONNX, out and in.

mod export;
mod proto;

pub use export::{OnnxModel, OnnxOptions, OnnxSize, OnnxType, OnnxValue, export};
