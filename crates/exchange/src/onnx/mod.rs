//! ONNX, out.

mod export;
mod proto;

pub use export::{OnnxModel, OnnxOptions, OnnxSize, OnnxType, OnnxValue, export};
