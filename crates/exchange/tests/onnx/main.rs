//! ONNX files of other tools: what they give here, and what is refused.

mod back;
mod hostile;
mod import;
mod support;
