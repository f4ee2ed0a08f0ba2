//! ONNX graphs of other tools as networks: their numbers, their training, and files that want to do harm.

mod hostile;
mod numbers;
mod reading;
mod support;
mod training;
