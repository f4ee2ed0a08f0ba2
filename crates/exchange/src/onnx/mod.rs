//! ONNX, out and in.

mod proto;
