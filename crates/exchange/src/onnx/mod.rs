//! ONNX, out and in.
